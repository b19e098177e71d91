//! Requests: the list of a tenant's, and each with everything that is known of it.

pub(crate) mod decide;
mod detail;
pub(crate) mod documents;
pub(crate) mod find;
pub(crate) mod links;
pub(crate) mod recording;
pub(crate) mod replay;
pub(crate) mod schema;
mod summary;
pub(crate) mod touch;

use axum::{extract::State, response::IntoResponse};
use domain::{RequestId, TenantId, Wake};
use http::{HeaderValue, header::ETAG};
use runtime::{Json, Path, Problem};
use serde::Deserialize;
use store::RequestView;
use utoipa::IntoParams;

use self::detail::RequestDetail;
pub(crate) use self::{
    find::{time, zone},
    summary::RequestSummary,
};
use crate::{Deps, auth::TenantReader, problems::TenantProblems};

/// Which request.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct RequestPath {
    /// The request's id.
    #[param(value_type = String, example = "req_0199f3a100007000800000000000002a")]
    pub(crate) request_id: RequestId,
}

/// A request with everything that is known of it.
///
/// One that turned out to be the same as another is answered with the other, and named in `merged_from`.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/requests/{request_id}",
    tag = "requests",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), RequestPath),
    responses(
        (status = OK, description = "The request.", body = RequestDetail,
         headers(("ETag" = String, description = "Changes when the request is written, not with its work's progress."))),
        TenantProblems
    )
)]
pub(crate) async fn show_request(
    reader: TenantReader,
    Path(path): Path<RequestPath>,
    State(deps): State<Deps>,
) -> Result<impl IntoResponse, Problem> {
    let view = find(&deps, reader.tenant(), path.request_id).await?;
    // Weak: claims of open work change the answer, and not the version.
    let tag = HeaderValue::try_from(format!("W/\"{}\"", view.request.version))
        .map_err(Problem::internal)?;
    Ok((
        [(ETAG, tag)],
        Json(RequestDetail::of(view, path.request_id)),
    ))
}

/// A request of this tenant; one that was merged leads to the one that goes on.
pub(crate) async fn find(
    deps: &Deps,
    tenant: &TenantId,
    request: RequestId,
) -> Result<RequestView, Problem> {
    let view = deps.store.request(tenant, request).await?;
    view.ok_or_else(|| Problem::not_found("There is no such request."))
}

/// Hands over what a change of a request made due, and answers with the request as it stands now.
async fn changed(
    deps: &Deps,
    tenant: &TenantId,
    request: RequestId,
    wakes: Vec<Wake>,
) -> Result<Json<RequestSummary>, Problem> {
    deps.hand_over(wakes).await;
    let now = find(deps, tenant, request).await?;
    Ok(Json(RequestSummary::of(&now.request)))
}
