//! Requests: the list of a tenant's, and each with everything that is known of it.

pub(crate) mod decide;
mod detail;
pub(crate) mod replay;
mod summary;

use axum::{extract::State, response::IntoResponse};
use domain::{Channel, RequestId, Status, TenantId, Wake};
use http::{HeaderValue, header::ETAG};
use runtime::{Json, Path, Problem, Query};
use serde::{Deserialize, Serialize};
use store::{RequestQuery, RequestView};
use utoipa::{IntoParams, ToSchema};

use self::detail::RequestDetail;
pub(crate) use self::summary::RequestSummary;
use crate::{
    Deps,
    auth::TenantReader,
    cursor::Cursor as _,
    faults::{Faults, PARAMETERS},
    problems::{QueryProblems, TenantProblems},
    words,
};

/// A page of requests, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestList {
    /// The requests.
    items: Vec<RequestSummary>,
    /// Send this as `cursor` to get older ones; null when there are none.
    next_cursor: Option<String>,
}

/// Which requests to list, as callers write it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// At most this many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// Only those that stand here.
    #[param(value_type = Option<words::Status>)]
    status: Option<String>,
    /// Only those that reached the company in this way.
    #[param(value_type = Option<words::Channel>)]
    channel: Option<String>,
    /// Where the page before ended: its `next_cursor`.
    cursor: Option<String>,
}

/// Which request.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct RequestPath {
    /// The request's id.
    #[param(value_type = String, example = "req_0199f3a100007000800000000000002a")]
    pub(crate) request_id: RequestId,
}

/// A tenant's requests, newest first.
///
/// Following `next_cursor` to its end shows every request once that was there when the first page was asked for;
/// newer ones show on the first page.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/requests",
    tag = "requests",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), ListParams),
    responses(
        (status = OK, description = "A page.", body = RequestList),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn list_requests(
    reader: TenantReader,
    Query(params): Query<ListParams>,
    State(deps): State<Deps>,
) -> Result<Json<RequestList>, Problem> {
    let query = params.read()?;
    let page = deps.store.list_requests(reader.tenant(), &query).await?;
    let last = page.items.last().filter(|_| page.has_more);
    Ok(Json(RequestList {
        next_cursor: last.map(|request| request.id.encode()),
        items: page.items.iter().map(RequestSummary::of).collect(),
    }))
}

impl ListParams {
    fn read(&self) -> Result<RequestQuery, Problem> {
        let mut faults = Faults::default();
        let query = RequestQuery {
            limit: faults.limit(self.limit.as_deref()),
            status: faults.read("status", self.status.as_deref(), str::parse::<Status>),
            channel: faults.read("channel", self.channel.as_deref(), str::parse::<Channel>),
            before: faults.cursor(self.cursor.as_deref()),
        };
        faults.finish(PARAMETERS)?;
        Ok(query)
    }
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
