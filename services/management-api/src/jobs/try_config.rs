//! Trying a workflow configuration on what came in.

use axum::extract::State;
use domain::{OfficeId, WorkflowConfig};
use runtime::{Json, Path, Problem};
use serde::Deserialize;
use serde_json::Value;
use store::{ConfigKind, jobs::JobTask};
use utoipa::{IntoParams, ToSchema};

use super::{
    Job,
    create::{Started, sentence, start},
};
use crate::{
    Deps,
    auth::TenantAdmin,
    faults::{BODY, Faults},
    idempotency::IdempotencyKey,
    problems::{BodyProblems, Conflict, TenantProblems},
};

/// Requests of at most so many days are compared.
const MAX_DAYS: u32 = 90;

/// Which office.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfficePath {
    /// The office's id.
    #[param(value_type = String, example = "ofc_0199f3a100007000800000000000002a")]
    office_id: OfficeId,
}

/// A workflow configuration to be tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "config": { "spam": { "review_from": 60, "quarantine_above": 90 } }, "days": 30 }))]
pub(crate) struct Trial {
    /// The configuration, whole.
    #[schema(value_type = Object)]
    config: Value,
    /// Requests that came in within so many days are compared.
    #[schema(minimum = 1, maximum = 90, default = 30)]
    #[serde(default = "default_days")]
    days: u32,
}

const fn default_days() -> u32 {
    30
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
    Json(trial): Json<Trial>,
) -> Result<Started, Problem> {
    let tenant = caller.tenant();
    let office = path.office_id.to_string();
    let known = deps.store.config(tenant, ConfigKind::Office, &office, None);
    known
        .await?
        .ok_or_else(|| Problem::not_found("There is no such office."))?;
    let task = trial.read(path.office_id)?;
    let act = caller.act("job.create", &"job").saying(sentence(&task));
    start(&deps, tenant.clone(), task, key, act).await
}

impl Trial {
    fn read(self, office_id: OfficeId) -> Result<JobTask, Problem> {
        let mut faults = Faults::default();
        if !(1..=MAX_DAYS).contains(&self.days) {
            faults.add("days", format!("a number from 1 to {MAX_DAYS}"));
        }
        if !self.config.is_object() {
            faults.add("config", "a workflow configuration as a JSON object");
        } else if let Err(error) = WorkflowConfig::parse(&self.config.to_string()) {
            for fault in error.faults {
                faults.add("config", fault);
            }
        }
        faults.finish(BODY)?;
        Ok(JobTask::DryRun {
            office_id,
            config: self.config,
            days: self.days,
        })
    }
}
