//! A person's verdict on a request that was kept back.

use axum::extract::State;
use domain::{
    Verdict, VerdictKind,
    workflow::{self, Decision},
};
use runtime::{Json, Path, Problem};

use super::{RequestPath, find, summary::RequestSummary};
use crate::{
    Deps,
    auth::TenantOperator,
    problems::{self, Conflict, TenantProblems},
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
    decide(&deps, &caller, &path, Step::Approve).await
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
    decide(&deps, &caller, &path, Step::Reject).await
}

/// Lets a quarantined request go on.
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
    decide(&deps, &caller, &path, Step::Release).await
}

/// What a person decides.
#[derive(Debug, Clone, Copy)]
enum Step {
    Approve,
    Reject,
    Release,
}

impl Step {
    /// The verdict that is stored, and the word of the audit log.
    const fn verdict(self) -> (VerdictKind, &'static str) {
        match self {
            Self::Approve => (VerdictKind::Approved, "request.approve"),
            Self::Reject => (VerdictKind::Rejected, "request.reject"),
            Self::Release => (VerdictKind::Approved, "request.release"),
        }
    }

    /// Why the request does not wait for this; none when it does.
    fn hindrance(self, decision: Option<Decision>, status: domain::Status) -> Option<String> {
        match (self, decision) {
            (Self::Approve | Self::Reject, Some(Decision::Review))
            | (Self::Release, Some(Decision::Quarantine)) => None,
            (Self::Approve, Some(Decision::Quarantine)) => {
                Some("The request is quarantined. To let it go on, release it.".to_owned())
            }
            (Self::Reject, Some(Decision::Quarantine)) => {
                Some("The request is quarantined already.".to_owned())
            }
            (Self::Release, Some(Decision::Review)) => {
                Some("The request is in review. To let it go on, approve it.".to_owned())
            }
            (Self::Approve | Self::Reject, _) => Some(format!(
                "The request is `{}`. Only one that is in review can be approved or rejected.",
                status.as_str()
            )),
            (Self::Release, _) => Some(format!(
                "The request is `{}`. Only one that is quarantined can be released.",
                status.as_str()
            )),
        }
    }
}

async fn decide(
    deps: &Deps,
    caller: &TenantOperator,
    path: &RequestPath,
    step: Step,
) -> Result<Json<RequestSummary>, Problem> {
    let request = find(deps, caller.tenant(), path.request_id).await?.request;
    // Not by its status: one that waits for a verdict may have stopped work, too.
    let decision = workflow::decision(&request.document);
    if let Some(hindrance) = step.hindrance(decision, request.status) {
        return Err(Problem::conflict(hindrance));
    }
    let (decision, action) = step.verdict();
    let act = caller.act(action, &request.id);
    let verdict = Verdict {
        decision,
        by: act.actor.clone(),
        at: deps.clock.now(),
    };
    let wakes = deps
        .store
        .decide(caller.tenant(), request.id, &verdict, &act)
        .await
        .map_err(|error| problems::of_store(&error))?;
    deps.hand_over(wakes).await;
    let now = find(deps, caller.tenant(), request.id).await?;
    Ok(Json(RequestSummary::of(&now.request)))
}
