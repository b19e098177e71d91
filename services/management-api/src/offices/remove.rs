//! Removing an office that is not used any more.

use axum::extract::State;
use domain::{OfficeId, TenantId};
use runtime::{Json, Path, Problem};
use store::{ConfigKind, SourceState};

use super::{Office, OfficePath, find, no_office, shown};
use crate::{
    Deps,
    auth::TenantAdmin,
    preconditions::{IfMatch, Versions},
    problems::{Conflict, Preconditions, QueryProblems, TenantProblems},
};

/// Sources that a refusal names at most.
const MAX_NAMED: usize = 5;

/// Removes an office.
///
/// It is refused while a source leads to it, or a request of it is under way, and for a tenant's only office. Its
/// configuration and its history stay: requests of it that are at their end keep its id, and what runs again of them runs
/// by its configuration. Sources without an office of their own go on with the first one that is left.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant_id}/offices/{office_id}",
    tag = "offices",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        OfficePath,
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that is removed. Required.")
    ),
    responses(
        (status = OK, description = "The office as it was.", body = Office),
        Conflict,
        Preconditions,
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn remove_office(
    caller: TenantAdmin,
    Path(path): Path<OfficePath>,
    if_match: IfMatch,
    State(deps): State<Deps>,
) -> Result<Json<Office>, Problem> {
    let (tenant, id) = (caller.tenant(), path.office_id);
    let known = find(&deps, tenant, id).await?.ok_or_else(no_office)?;
    let versions = Versions::of(&deps, tenant, ConfigKind::Office, &id);
    let expected = versions.expected(&if_match, known.version).await?;
    let was = shown(&deps, tenant, id).await?;
    is_unused(&deps, tenant, id).await?;
    let act = caller.act("office.remove", &id).making(expected + 1);
    let removed = versions.save(expected, known.removed(), String::new(), act);
    removed.await?;
    Ok(Json(was))
}

/// Says more of what the office is used for than the store, which decides about it once more with the removal.
///
/// # Errors
/// 409 that says what the office is used for.
async fn is_unused(deps: &Deps, tenant: &TenantId, id: OfficeId) -> Result<(), Problem> {
    if deps.store.offices(tenant).await?.len() < 2 {
        return Err(Problem::conflict(
            "It is the tenant's only office: its leads would reach nobody. Add another one first, or suspend the tenant.",
        ));
    }
    let sources = deps.store.sources(tenant).await?;
    let leading: Vec<_> = sources
        .iter()
        .filter(|source| source.office == Some(id) && source.state == SourceState::Active)
        .map(|source| source.id.to_string())
        .collect();
    if !leading.is_empty() {
        let named: Vec<_> = leading.iter().take(MAX_NAMED).map(String::as_str).collect();
        return Err(Problem::conflict(format!(
            "Sources lead to it, {} in all: {}. Give them another office, or disable them, first.",
            leading.len(),
            named.join(", ")
        )));
    }
    Ok(())
}
