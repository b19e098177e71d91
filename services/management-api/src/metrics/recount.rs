//! Counting requests anew.

use axum::extract::State;
use domain::RequestId;
use runtime::{Json, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Deps,
    auth::TenantAdmin,
    body::Body,
    cursor::Cursor as _,
    faults::{BODY, Faults},
    problems::{BodyProblems, TenantProblems},
};

/// Requests that one call looks at.
const AT_ONCE: u32 = 200;

/// Where to go on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub(crate) struct Recount {
    /// Where the call before ended: its `next_cursor`.
    #[serde(default)]
    cursor: Option<String>,
}

/// What was counted anew.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recounted {
    /// Requests that were looked at.
    looked_at: u32,
    /// Those of them that the figures had counted otherwise, or not at all.
    corrected: u32,
    /// Send this as `cursor` to count those behind; null when all are counted.
    next_cursor: Option<String>,
}

/// Counts a tenant's requests anew, 200 with each call, newest first.
///
/// Figures are kept with every change. This is for requests that an older version wrote, before figures were kept or after
/// a rollback. Where figures are right it changes nothing, and it can be repeated.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/metrics/recount",
    tag = "metrics",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug.")),
    request_body = Recount,
    responses(
        (status = OK, description = "What was counted anew.", body = Recounted),
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn recount_figures(
    admin: TenantAdmin,
    State(deps): State<Deps>,
    Body(recount): Body<Recount>,
) -> Result<Json<Recounted>, Problem> {
    let mut faults = Faults::default();
    let before: Option<RequestId> = faults.cursor(recount.cursor.as_deref());
    faults.finish(BODY)?;
    let tenant = admin.tenant();
    let act = admin.act("figures.recount", tenant);
    let recounted = deps
        .store
        .recount_figures(tenant, before, AT_ONCE, &act)
        .await?;
    Ok(Json(Recounted {
        looked_at: recounted.looked_at,
        corrected: recounted.corrected,
        next_cursor: recounted.next.map(|last| last.encode()),
    }))
}
