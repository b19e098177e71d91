//! The audit log: who changed what, and when.

use axum::extract::State;
use domain::AuditId;
use jiff::Timestamp;
use runtime::{Json, Problem, Query};
use serde::Serialize;
use store::AuditEntry;
use utoipa::ToSchema;

use crate::{
    Deps,
    auth::TenantReader,
    cursor::Cursor as _,
    faults::Paging,
    problems::{QueryProblems, TenantProblems},
};

/// An entry of a tenant's audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct Entry {
    /// Its id.
    audit_id: String,
    /// When.
    at: Timestamp,
    /// Who: the subject of their token.
    actor: String,
    /// What was done, such as `request.approve` or `secret.set`.
    action: String,
    /// To what: an id or a name.
    object: String,
    /// What else is worth knowing.
    detail: String,
    /// The hash of the entry before it; empty for the first.
    previous: String,
    /// SHA-256 over all of the above, in hexadecimal: an entry that was changed or taken out breaks the chain.
    hash: String,
}

impl From<AuditEntry> for Entry {
    fn from(entry: AuditEntry) -> Self {
        Self {
            audit_id: entry.id.to_string(),
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            object: entry.object,
            detail: entry.detail,
            previous: entry.previous,
            hash: entry.hash,
        }
    }
}

/// A page of a tenant's audit log, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditLog {
    /// The entries.
    items: Vec<Entry>,
    /// Send this as `cursor` to get older ones; null when there are none.
    next_cursor: Option<String>,
}

/// What people changed in a tenant, newest first.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/audit",
    tag = "audit",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), Paging),
    responses((status = OK, description = "A page.", body = AuditLog), QueryProblems, TenantProblems)
)]
pub(crate) async fn list_audit(
    reader: TenantReader,
    Query(paging): Query<Paging>,
    State(deps): State<Deps>,
) -> Result<Json<AuditLog>, Problem> {
    let (limit, before): (_, Option<AuditId>) = paging.read()?;
    let page = deps.store.audit_log(reader.tenant(), before, limit).await?;
    let last = page.items.last().filter(|_| page.has_more);
    Ok(Json(AuditLog {
        next_cursor: last.map(|entry| entry.id.encode()),
        items: page.items.into_iter().map(Into::into).collect(),
    }))
}
