//! Trying a workflow configuration on what came in.

use axum::extract::State;
use domain::{OfficeId, TenantId, text};
use runtime::{Path, Problem};
use serde_json::{Map, Value};
use store::jobs::JobTask;
use utoipa::ToSchema;

use super::{
    Job,
    create::{Started, sentence, start},
};
use crate::{
    Deps,
    auth::TenantAdmin,
    body::AnyBody,
    configs::{self, schema::WorkflowConfigBody},
    faults::BODY,
    idempotency::IdempotencyKey,
    offices::{self, OfficePath, no_office},
    problems::{BodyProblems, Conflict, TenantProblems},
};

/// Requests of at most so many days are compared.
const MAX_DAYS: u32 = 90;
/// Without a word about it.
const DEFAULT_DAYS: u32 = 30;

/// A workflow configuration to be tried.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `read` takes, with all its faults")]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "config": { "spam": { "review_from": 60, "quarantine_above": 90 } }, "days": 30 }))]
pub(crate) struct Trial {
    /// The configuration, whole.
    #[schema(value_type = WorkflowConfigBody)]
    config: Value,
    /// Requests that came in within so many days are compared.
    #[schema(minimum = 1, maximum = 90, default = 30, required = false)]
    days: u32,
}

/// Compares a workflow configuration with the one in use, on the office's requests of the last days.
///
/// Each is qualified anew by both. Nothing is sent and nothing is changed; a person's verdict stays as it is. The job's
/// `result` says how many requests would end where, and which would be treated differently and why.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant_id}/offices/{office_id}/config/dry-run",
    tag = "jobs",
    security(("bearer" = [])),
    params(
        ("tenant_id" = String, Path, description = "The tenant's slug."),
        OfficePath,
        ("Idempotency-Key" = Option<String>, Header, description = "Any text that names this call.")
    ),
    request_body = Trial,
    responses(
        (status = ACCEPTED, description = "The job, which waits for its turn.", body = Job,
         headers(("Location" = String, description = "Where the job is."))),
        Conflict,
        BodyProblems,
        TenantProblems
    )
)]
pub(crate) async fn try_config(
    caller: TenantAdmin,
    Path(path): Path<OfficePath>,
    key: IdempotencyKey,
    State(deps): State<Deps>,
    body: AnyBody,
) -> Result<Started, Problem> {
    let tenant = caller.tenant();
    let known = offices::find(&deps, tenant, path.office_id).await?;
    known.ok_or_else(no_office)?;
    let task = read(&deps, tenant, path.office_id, &body).await?;
    let act = caller.act("job.create", &"job").saying(sentence(&task));
    start(&deps, tenant.clone(), task, key, act).await
}

/// What is to be tried, once nothing is wrong with the body.
async fn read(
    deps: &Deps,
    tenant: &TenantId,
    office_id: OfficeId,
    body: &AnyBody,
) -> Result<JobTask, Problem> {
    let mut faults = body.faults();
    let body = body.value();
    let nothing = Map::new();
    let members = body.as_object().unwrap_or_else(|| {
        let wanted = "an object with `config` and, if you like, `days`";
        faults.add_coded("", "wrong_type", wanted);
        &nothing
    });
    let is_unknown = |name: &&String| !["config", "days"].contains(&name.as_str());
    for name in members.keys().filter(is_unknown) {
        let message = "not a field; there are config, days";
        faults.add_coded(text::bounded(name, 60), "unknown_field", message);
    }
    let days = match members.get("days") {
        None => Some(DEFAULT_DAYS),
        Some(days) => days.as_u64().and_then(|days| u32::try_from(days).ok()),
    };
    let days = days.filter(|days| (1..=MAX_DAYS).contains(days));
    if days.is_none() {
        let code = match members.get("days") {
            Some(Value::Number(_)) => "out_of_range",
            _ => "wrong_type",
        };
        faults.add_coded("days", code, format!("a number from 1 to {MAX_DAYS}"));
    }
    match members.get("config") {
        // What could not be saved is not tried either.
        Some(config) => configs::check(deps, tenant, config, &mut faults).await?,
        None if body.is_object() => {
            faults.add_coded("config", "missing", "is missing: the configuration");
        }
        None => {}
    }
    faults.finish(BODY)?;
    Ok(JobTask::DryRun {
        office_id,
        config: members.get("config").cloned().unwrap_or_default(),
        days: days.unwrap_or(DEFAULT_DAYS),
    })
}
