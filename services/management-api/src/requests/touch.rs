//! What people did about a request.

use axum::extract::State;
use domain::{NewTouch, TouchKind, TouchOutcome};
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{RequestPath, changed, find, summary::RequestSummary};
use crate::{
    Deps,
    auth::TenantOperator,
    body::Body,
    faults::BODY,
    problems::{BodyProblems, Conflict, TenantProblems},
    words,
};

/// Longest note, in characters.
const MAX_NOTE: usize = 2_000;

/// What somebody did.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "kind": "call", "outcome": "reached", "note": "wants a visit on Tuesday" }))]
pub(crate) struct PostedTouch {
    /// How.
    #[schema(value_type = words::TouchKind)]
    kind: TouchKind,
    /// What came of it.
    #[schema(value_type = Option<words::TouchOutcome>)]
    outcome: Option<TouchOutcome>,
    /// What is worth knowing about it.
    #[schema(max_length = 2_000)]
    note: Option<String>,
}

/// Somebody got in touch with the person, or tried to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Touch {
    /// How.
    kind: words::TouchKind,
    /// What came of it, if that was said.
    outcome: Option<words::TouchOutcome>,
    /// What the person noted.
    note: Option<String>,
    /// Who: the subject of their token.
    by: String,
    /// When it was noted.
    at: Timestamp,
}

impl From<domain::Touch> for Touch {
    fn from(touch: domain::Touch) -> Self {
        Self {
            kind: touch.kind.into(),
            outcome: touch.outcome.map(Into::into),
            note: touch.note,
            by: touch.by,
            at: touch.at,
        }
    }
}

/// Notes that you got in touch with whom a request is from, or tried to.
///
/// The first touch ends `needs_call`, whatever came of it. A request keeps 100.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/requests/{request_id}/touches",
    tag = "requests",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), RequestPath),
    request_body = PostedTouch,
    responses(
        (status = OK, description = "The request as it stands now.", body = RequestSummary),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn touch_request(
    caller: TenantOperator,
    Path(path): Path<RequestPath>,
    State(deps): State<Deps>,
    body: Body<PostedTouch>,
) -> Result<Json<RequestSummary>, Problem> {
    let (posted, mut faults) = body.open();
    let note = posted.note.as_deref().map(str::trim);
    let note = note.filter(|note| !note.is_empty());
    if note.is_some_and(|note| note.chars().count() > MAX_NOTE) {
        faults.add("note", format!("at most {MAX_NOTE} characters"));
    }
    faults.finish(BODY)?;
    let touch = NewTouch {
        kind: posted.kind,
        outcome: posted.outcome,
        note: note.map(domain::text::harmless),
    };
    let tenant = caller.tenant();
    let id = find(&deps, tenant, path.request_id).await?.request.id;
    let act = caller.act("request.touch", &id);
    let wakes = deps.store.touch(tenant, id, touch, &act).await?;
    changed(&deps, tenant, id, wakes).await
}
