//! Links between requests of one person.

use axum::extract::State;
use domain::RequestId;
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{find, summary::RequestSummary};
use crate::{
    Deps,
    auth::TenantOperator,
    problems::{Conflict, TenantProblems},
    words::LinkReason,
};

/// Which two requests.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct LinkPath {
    /// The request's id.
    #[param(value_type = String, example = "req_0199f3a100007000800000000000002a")]
    request_id: RequestId,
    /// The id of the request that it is linked to.
    #[param(value_type = String, example = "req_0199f3a100007000800000000000002b")]
    other_id: RequestId,
}

/// That another request is the same person's, who came by another door.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Link {
    /// The other request.
    request_id: String,
    /// What both have in common.
    reason: LinkReason,
    /// How the other one reached the company: its channel.
    channel: String,
    /// When the other one came.
    came_at: Timestamp,
    /// When it was linked.
    at: Timestamp,
    /// Who linked it: `pipeline`.
    by: String,
    /// Who took it back; null while it holds. The two are not linked again.
    taken_back: Option<TakenBack>,
}

/// That somebody said that two requests are not the same person's.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TakenBack {
    /// Who: the subject of their token.
    by: String,
    /// When.
    at: Timestamp,
}

/// The links that nobody took back, and those that somebody did.
pub(super) fn shown(links: Vec<domain::Link>) -> (Vec<Link>, Vec<Link>) {
    let (active, others) = links.into_iter().partition(domain::Link::is_active);
    let shown = |links: Vec<domain::Link>| {
        let links = links.into_iter();
        links.map(Link::of).collect::<Vec<_>>()
    };
    (shown(active), shown(others))
}

impl Link {
    fn of(link: domain::Link) -> Self {
        Self {
            request_id: link.request.to_string(),
            reason: link.reason.into(),
            channel: link.channel,
            came_at: link.came_at,
            at: link.at,
            by: link.by,
            taken_back: link.unlinked.map(|unlinked| TakenBack {
                by: unlinked.by,
                at: unlinked.at,
            }),
        }
    }
}

/// Takes two linked requests apart.
///
/// It is done on both sides, and they are not linked again for the same reason. What both became in a CRM stays.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/requests/{request_id}/links/{other_id}/unlink",
    tag = "requests",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), LinkPath),
    responses(
        (status = OK, description = "The request as it stands now.", body = RequestSummary),
        Conflict,
        TenantProblems
    )
)]
pub(crate) async fn unlink_requests(
    caller: TenantOperator,
    Path(path): Path<LinkPath>,
    State(deps): State<Deps>,
) -> Result<Json<RequestSummary>, Problem> {
    let tenant = caller.tenant();
    let (request, other) = (path.request_id, path.other_id);
    find(&deps, tenant, request).await?;
    find(&deps, tenant, other).await?;
    let act = caller
        .act("request.unlink", &request)
        .saying(format!("from {other}"));
    deps.store.unlink(tenant, request, other, &act).await?;
    let now = find(&deps, tenant, request).await?;
    Ok(Json(RequestSummary::of(&now.request)))
}
