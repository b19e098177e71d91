//! Requests: the list of a tenant's, and each with everything that is known of it.

mod cursor;
mod detail;
mod summary;
mod words;

use axum::{extract::State, response::IntoResponse};
use domain::{RequestId, Status};
use http::{HeaderValue, header::ETAG};
use runtime::{Json, Path, Problem, Query};
use serde::{Deserialize, Serialize};
use store::RequestQuery;
use utoipa::{IntoParams, ToSchema};

use self::{detail::RequestDetail, summary::RequestSummary};
use crate::{
    Deps,
    auth::TenantReader,
    problems::{self, TenantProblems},
};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

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
    /// At most so many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// Only those that stand here.
    #[param(value_type = Option<words::Status>)]
    status: Option<String>,
    /// Where the page before ended: its `next_cursor`.
    cursor: Option<String>,
}

/// Which request.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct RequestPath {
    /// The request's id.
    #[param(value_type = String, example = "req_0199f3a100007000800000000000002a")]
    request_id: RequestId,
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
        (status = BAD_REQUEST, description = "The query string cannot be read.",
         body = problems::Problem, content_type = problems::MEDIA_TYPE),
        (status = UNPROCESSABLE_ENTITY, description = "A parameter is not valid; `errors` names it.",
         body = problems::Problem, content_type = problems::MEDIA_TYPE),
        TenantProblems
    )
)]
pub(crate) async fn list_requests(
    reader: TenantReader,
    Query(params): Query<ListParams>,
    State(deps): State<Deps>,
) -> Result<Json<RequestList>, Problem> {
    let query = params.read()?;
    let page = deps.store.list_requests(reader.tenant(), &query).await;
    let page = page.map_err(|error| problems::of_store(&error))?;
    let last = page.items.last().filter(|_| page.has_more);
    Ok(Json(RequestList {
        next_cursor: last.map(|request| cursor::encode(request.id)),
        items: page.items.iter().map(RequestSummary::of).collect(),
    }))
}

impl ListParams {
    fn read(&self) -> Result<RequestQuery, Problem> {
        let mut errors = Vec::new();
        let mut query = RequestQuery {
            limit: DEFAULT_LIMIT,
            ..RequestQuery::default()
        };
        if let Some(text) = &self.limit {
            match text.parse() {
                Ok(limit @ 1..=MAX_LIMIT) => query.limit = limit,
                _ => errors.push(("limit", format!("a number from 1 to {MAX_LIMIT}"))),
            }
        }
        if let Some(text) = &self.status {
            match text.parse::<Status>() {
                Ok(status) => query.status = Some(status),
                Err(error) => errors.push(("status", error)),
            }
        }
        if let Some(text) = &self.cursor {
            match cursor::decode(text) {
                Some(last) => query.before = Some(last),
                None => errors.push(("cursor", "the `next_cursor` of a page, unchanged".into())),
            }
        }
        if errors.is_empty() {
            return Ok(query);
        }
        let problem = Problem::unprocessable("A parameter is not valid. See `errors`.");
        Err(errors.into_iter().fold(problem, |problem, (name, error)| {
            problem.with_error(name, error)
        }))
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
    let view = deps.store.request(reader.tenant(), path.request_id).await;
    let view = view
        .map_err(|error| problems::of_store(&error))?
        .ok_or_else(|| Problem::not_found("There is no such request."))?;
    // Weak: claims of open work change the answer, and not the version.
    let tag = HeaderValue::try_from(format!("W/\"{}\"", view.request.version))
        .map_err(Problem::internal)?;
    Ok((
        [(ETAG, tag)],
        Json(RequestDetail::of(view, path.request_id)),
    ))
}
