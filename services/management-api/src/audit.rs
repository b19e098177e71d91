//! The audit log: who changed what, and when.

use axum::extract::State;
use domain::text;
use jiff::{Timestamp, tz::TimeZone};
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use store::{AuditEntry, AuditQuery};
use utoipa::{IntoParams, ToSchema};

use crate::{
    Deps,
    auth::TenantReader,
    cursor::Cursor as _,
    faults::{Faults, PARAMETERS},
    period::Period,
    problems::{QueryProblems, TenantProblems},
    query::Query,
};

/// The longest filter.
const MAX_FILTER: usize = 200;
/// The longest name of what can be done.
const MAX_ACTION: usize = 64;

/// Which entries to list, as callers write it: those that agree with everything that is given.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditParams {
    /// At most so many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// Only what this person or program did, as the list shows it.
    #[param(example = "ann@example.com")]
    actor: Option<String>,
    /// Only what was done, as the list shows it.
    #[param(pattern = "^[a-z0-9_.]{1,64}$", example = "secret.set")]
    action: Option<String>,
    /// Only what was done to this: an id or a name, as the list shows it.
    #[param(example = "req_0199f3a100007000800000000000002a")]
    object: Option<String>,
    /// Only what was done then or later: a time (RFC 3339), or a day by the clock of the tenant's first office.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// Only what was done before this time, or up to the end of this day.
    #[param(example = "2026-11-30")]
    to: Option<String>,
    /// Where the page before ended: its `next_cursor`.
    cursor: Option<String>,
}

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
    params(("tenant_id" = String, Path, description = "The tenant's slug."), AuditParams),
    responses((status = OK, description = "A page.", body = AuditLog), QueryProblems, TenantProblems)
)]
pub(crate) async fn list_audit(
    reader: TenantReader,
    query: Query<AuditParams>,
    State(deps): State<Deps>,
) -> Result<Json<AuditLog>, Problem> {
    let (params, faults) = query.open();
    let zone = params.period().zone(&deps, reader.tenant()).await?;
    let query = params.read(&zone, faults)?;
    let page = deps.store.audit_log(reader.tenant(), &query).await?;
    let last = page.items.last().filter(|_| page.has_more);
    Ok(Json(AuditLog {
        next_cursor: last.map(|entry| entry.id.encode()),
        items: page.items.into_iter().map(Into::into).collect(),
    }))
}

impl AuditParams {
    fn period(&self) -> Period<'_> {
        Period {
            from: self.from.as_deref(),
            to: self.to.as_deref(),
        }
    }

    fn read(&self, zone: &TimeZone, mut faults: Faults) -> Result<AuditQuery, Problem> {
        let line = |given: &str| {
            let line = text::line(given, MAX_FILTER).filter(|line| line == given);
            line.ok_or_else(|| format!("1 to {MAX_FILTER} characters on one line"))
        };
        let limit = faults.limit(self.limit.as_deref());
        let actor = faults.read("actor", self.actor.as_deref(), line);
        let action = faults.read("action", self.action.as_deref(), |given| {
            let is_of_action = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.".contains(&byte)
            };
            if (1..=MAX_ACTION).contains(&given.len()) && given.bytes().all(is_of_action) {
                return Ok(given.to_owned());
            }
            Err("an action as the list shows it, such as secret.set")
        });
        let object = faults.read("object", self.object.as_deref(), line);
        let (from, to) = self.period().read(&mut faults, ["from", "to"], zone);
        let before = faults.cursor(self.cursor.as_deref());
        faults.finish(PARAMETERS)?;
        Ok(AuditQuery {
            actor,
            action,
            object,
            from,
            to,
            limit,
            before,
        })
    }
}
