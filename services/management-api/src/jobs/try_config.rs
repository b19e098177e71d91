//! Trying a workflow configuration on what came in.

use axum::extract::State;
use domain::{OfficeId, TenantId};
use runtime::{Json, Path, Problem};
use serde::Deserialize;
use serde_json::Value;
use store::jobs::JobTask;
use utoipa::ToSchema;

use super::{
    Job,
    create::{Started, sentence, start},
};
use crate::{
    Deps,
    auth::TenantAdmin,
    configs::{self, schema::WorkflowConfigBody},
    faults::{BODY, Faults},
    idempotency::IdempotencyKey,
    offices::{self, OfficePath, no_office},
    problems::{BodyProblems, Conflict, TenantProblems},
};

/// Requests of at most so many days are compared.
const MAX_DAYS: u32 = 90;

/// A workflow configuration to be tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "config": { "spam": { "review_from": 60, "quarantine_above": 90 } }, "days": 30 }))]
pub(crate) struct Trial {
    /// The configuration, whole.
    #[schema(value_type = WorkflowConfigBody)]
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
    let known = offices::find(&deps, tenant, path.office_id).await?;
    known.ok_or_else(no_office)?;
    let task = trial.read(&deps, tenant, path.office_id).await?;
    let act = caller.act("job.create", &"job").saying(sentence(&task));
    start(&deps, tenant.clone(), task, key, act).await
}

impl Trial {
    async fn read(
        self,
        deps: &Deps,
        tenant: &TenantId,
        office_id: OfficeId,
    ) -> Result<JobTask, Problem> {
        let mut faults = Faults::default();
        if !(1..=MAX_DAYS).contains(&self.days) {
            faults.add("days", format!("a number from 1 to {MAX_DAYS}"));
        }
        // What could not be saved is not tried either.
        configs::check(deps, tenant, &self.config, &mut faults).await?;
        faults.finish(BODY)?;
        Ok(JobTask::DryRun {
            office_id,
            config: self.config,
            days: self.days,
        })
    }
}
