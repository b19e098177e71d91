//! Removing an office that is not used any more.

use axum::extract::State;
use domain::{OfficeId, Status, StoreError, TenantId};
use runtime::{Json, Path, Problem};
use store::{ConfigKind, NewConfig, RequestFilter, SourceState};

use super::{Office, OfficePath, find, no_office, shown};
use crate::{
    Deps,
    auth::TenantAdmin,
    preconditions::{self, IfMatch, Refused},
    problems::{Conflict, Preconditions, QueryProblems, TenantProblems},
};

/// Where requests are that something is still to be done for, or decided about.
const UNDER_WAY: [Status; 5] = [
    Status::Received,
    Status::Processing,
    Status::InReview,
    Status::Held,
    Status::Parked,
];
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
    let place = (tenant, ConfigKind::Office, known.name.as_str());
    let expected = match if_match.expected(known.version) {
        Ok(expected) => expected,
        Err(why) => return Err(preconditions::refused(&deps, place, &if_match, why).await),
    };
    let was = shown(&deps, tenant, id).await?;
    is_unused(&deps, tenant, id).await?;
    let new = NewConfig {
        tenant: tenant.clone(),
        kind: ConfigKind::Office,
        name: known.name.clone(),
        json: known.removed(),
        expected: Some(expected),
        note: String::new(),
    };
    let act = caller.act("office.remove", &id).making(expected + 1);
    match deps.store.put_config(&new, &act).await {
        Ok(_) => Ok(Json(was)),
        Err(StoreError::Outdated { .. }) => {
            let seen = IfMatch::Versions(vec![expected]);
            Err(preconditions::refused(&deps, place, &seen, Refused::Outdated).await)
        }
        Err(error) => Err(error.into()),
    }
}

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
    let filter = RequestFilter {
        statuses: UNDER_WAY.to_vec(),
        office: Some(id),
        ..RequestFilter::default()
    };
    let open = deps.store.count_requests(tenant, &filter).await?;
    if open.count > 0 {
        return Err(Problem::conflict(format!(
            "Requests of it are under way, {} in all. Let them end, decide about those in review, and redrive what is \
             parked or held; then remove it.",
            open.count
        )));
    }
    Ok(())
}
