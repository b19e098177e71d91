//! A person's verdict on a request that was kept back.

use axum::extract::State;
use domain::ReviewAction;
use runtime::{Json, Path, Problem};

use super::{RequestPath, changed, find, summary::RequestSummary};
use crate::{
    Deps,
    auth::TenantOperator,
    problems::{Conflict, TenantProblems},
};

/// Lets a request that is in review go on.
///
/// It goes on where it stopped, once: a second approval is a conflict.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/requests/{request_id}/approve",
    tag = "requests",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), RequestPath),
    responses(
        (status = OK, description = "The request as it stands now.", body = RequestSummary),
        Conflict,
        TenantProblems
    )
)]
pub(crate) async fn approve_request(
    caller: TenantOperator,
    Path(path): Path<RequestPath>,
    State(deps): State<Deps>,
) -> Result<Json<RequestSummary>, Problem> {
    decide(&deps, &caller, &path, ReviewAction::Approve).await
}

/// Puts a request that is in review aside, as spam.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/requests/{request_id}/reject",
    tag = "requests",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), RequestPath),
    responses(
        (status = OK, description = "The request as it stands now.", body = RequestSummary),
        Conflict,
        TenantProblems
    )
)]
pub(crate) async fn reject_request(
    caller: TenantOperator,
    Path(path): Path<RequestPath>,
    State(deps): State<Deps>,
) -> Result<Json<RequestSummary>, Problem> {
    decide(&deps, &caller, &path, ReviewAction::Reject).await
}

/// Lets a request go on that is quarantined, or outside the service area.
///
/// A person's word outranks the source's mark, the analysis and the area. What was quarantined and is outside the
/// service area too is released twice.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/requests/{request_id}/release",
    tag = "requests",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), RequestPath),
    responses(
        (status = OK, description = "The request as it stands now.", body = RequestSummary),
        Conflict,
        TenantProblems
    )
)]
pub(crate) async fn release_request(
    caller: TenantOperator,
    Path(path): Path<RequestPath>,
    State(deps): State<Deps>,
) -> Result<Json<RequestSummary>, Problem> {
    decide(&deps, &caller, &path, ReviewAction::Release).await
}

async fn decide(
    deps: &Deps,
    caller: &TenantOperator,
    path: &RequestPath,
    action: ReviewAction,
) -> Result<Json<RequestSummary>, Problem> {
    let verb = match action {
        ReviewAction::Approve => "request.approve",
        ReviewAction::Reject => "request.reject",
        ReviewAction::Release => "request.release",
    };
    let tenant = caller.tenant();
    let id = find(deps, tenant, path.request_id).await?.request.id;
    let act = caller.act(verb, &id);
    let wakes = deps.store.decide(tenant, id, action, &act).await?;
    changed(deps, tenant, id, wakes).await
}
