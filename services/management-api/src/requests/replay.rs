//! Having a request run again.

use axum::extract::State;
use domain::Stage;
use runtime::{Json, Path, Problem};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{RequestPath, changed, find, summary::RequestSummary};
use crate::{
    Deps,
    auth::TenantOperator,
    body::Body,
    problems::{BodyProblems, Conflict, TenantProblems},
    words,
};

/// From where a request runs again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "from": "analysis" }))]
pub(crate) struct Replay {
    /// The first stage that runs again.
    #[schema(value_type = words::Stage)]
    from: Stage,
}

/// Has a request run again from a stage on, that stage included.
///
/// What stopped there runs again too. The CRMs are brought up to date; people are told again only from `notification`
/// on.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/requests/{request_id}/replay",
    tag = "requests",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), RequestPath),
    request_body = Replay,
    responses(
        (status = OK, description = "The request as it stands now.", body = RequestSummary),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn replay_request(
    caller: TenantOperator,
    Path(path): Path<RequestPath>,
    State(deps): State<Deps>,
    body: Body<Replay>,
) -> Result<Json<RequestSummary>, Problem> {
    let (tenant, replay) = (caller.tenant(), body.read()?);
    let id = find(&deps, tenant, path.request_id).await?.request.id;
    let act = caller
        .act("request.replay", &id)
        .saying(format!("from {} on", replay.from));
    let wakes = deps.store.replay(tenant, id, replay.from, &act).await?;
    changed(&deps, tenant, id, wakes).await
}
