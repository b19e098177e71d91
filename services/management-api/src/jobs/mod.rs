//! Bulk work: jobs that the service does in the background, batch by batch.

pub(crate) mod create;
mod result;
pub(crate) mod runner;
mod target;
pub(crate) mod try_config;
mod walk;

use std::sync::Arc;

use axum::extract::State;
use domain::JobId;
use jiff::Timestamp;
use runtime::{Json, Path, Problem};
use serde::{Deserialize, Serialize};
use store::{
    JobQuery,
    jobs::{JobKind, JobState, JobTask},
};
use tokio::sync::Notify;
use utoipa::{IntoParams, ToSchema};

use self::{result::JobResult, target::JobTarget};
use crate::{
    Deps,
    auth::{TenantOperator, TenantReader},
    cursor::Cursor as _,
    faults::{Faults, PARAMETERS},
    problems::{Conflict, QueryProblems, TenantProblems},
    query::Query,
    words,
};

/// Wakes this process's runner of jobs when one is created. One that nobody hears of is found by the next search.
#[derive(Debug, Clone, Default)]
pub struct JobBell(Arc<Notify>);

impl JobBell {
    fn ring(&self) {
        self.0.notify_one();
    }

    async fn rung(&self) {
        self.0.notified().await;
    }
}

/// A piece of bulk work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Job {
    /// Its id.
    job_id: String,
    /// What it does.
    kind: words::JobKind,
    /// To what, as it was asked for.
    filter: JobTarget,
    /// Of a replay: the first stage that runs again.
    from_stage: Option<words::Stage>,
    /// Where it stands.
    state: words::JobState,
    /// How much there is to go through; null while it was not counted, or where it is more than 100,000.
    total: Option<u64>,
    /// How much it went through.
    done: u64,
    /// How many steps of the requests that it set going are held or parked again. The list shows how many were when it
    /// was last counted; a job that is asked for alone counts anew.
    stopped: u64,
    /// Who wanted it.
    by: String,
    /// When it was created.
    created_at: Timestamp,
    /// When it began.
    started_at: Option<Timestamp>,
    /// When it ended.
    finished_at: Option<Timestamp>,
    /// Why it failed.
    failure: Option<String>,
    /// What came of it so far; null in lists.
    result: Option<JobResult>,
}

impl Job {
    fn of(job: store::Job) -> Self {
        Self {
            job_id: job.id.to_string(),
            kind: job.task.kind().into(),
            from_stage: match &job.task {
                JobTask::Replay { from_stage, .. } => Some((*from_stage).into()),
                JobTask::Redrive { .. }
                | JobTask::Release { .. }
                | JobTask::DryRun { .. }
                | JobTask::Reconcile { .. }
                | JobTask::Recount => None,
            },
            filter: JobTarget::of(job.task.clone()),
            state: job.state.into(),
            total: job.total,
            done: job.done,
            stopped: job.stopped,
            by: job.by,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            failure: job.failure,
            result: None,
        }
    }

    fn with_result(job: store::Job) -> Self {
        let result = JobResult::of(job.task.kind(), job.result.clone());
        Self {
            result: Some(result),
            ..Self::of(job)
        }
    }
}

/// A page of jobs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobList {
    /// The jobs.
    items: Vec<Job>,
    /// Send this as `cursor` to get older ones; null when there are none.
    next_cursor: Option<String>,
}

/// Which jobs to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// At most so many.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// Where they stand.
    #[param(value_type = Option<words::JobState>)]
    state: Option<String>,
    /// What they do.
    #[param(value_type = Option<words::JobKind>)]
    kind: Option<String>,
    /// Where the page before ended: its `next_cursor`.
    cursor: Option<String>,
}

/// Which job.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct JobPath {
    /// The job's id.
    #[param(value_type = String, example = "job_0199f3a100007000800000000000002a")]
    job_id: JobId,
}

/// A tenant's jobs, newest first. One that ended is kept for 30 days.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/jobs",
    tag = "jobs",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), ListParams),
    responses(
        (status = OK, description = "A page.", body = JobList),
        QueryProblems,
        TenantProblems
    )
)]
pub(crate) async fn list_jobs(
    reader: TenantReader,
    query: Query<ListParams>,
    State(deps): State<Deps>,
) -> Result<Json<JobList>, Problem> {
    let (params, faults) = query.open();
    let query = params.read(faults)?;
    let page = deps.store.jobs(reader.tenant(), &query).await?;
    let last = page.items.last().filter(|_| page.has_more);
    Ok(Json(JobList {
        next_cursor: last.map(|job| job.id.encode()),
        items: page.items.into_iter().map(Job::of).collect(),
    }))
}

impl ListParams {
    fn read(&self, mut faults: Faults) -> Result<JobQuery, Problem> {
        let query = JobQuery {
            limit: faults.limit(self.limit.as_deref()),
            state: faults.read("state", self.state.as_deref(), str::parse::<JobState>),
            kind: faults.read("kind", self.kind.as_deref(), str::parse::<JobKind>),
            before: faults.cursor(self.cursor.as_deref()),
        };
        faults.finish(PARAMETERS)?;
        Ok(query)
    }
}

/// A job with what came of it so far, and what stopped again.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant_id}/jobs/{job_id}",
    tag = "jobs",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), JobPath),
    responses((status = OK, description = "The job.", body = Job), TenantProblems)
)]
pub(crate) async fn show_job(
    reader: TenantReader,
    Path(path): Path<JobPath>,
    State(deps): State<Deps>,
) -> Result<Json<Job>, Problem> {
    let job = deps.store.job(reader.tenant(), path.job_id).await?;
    let mut job = job.ok_or_else(no_job)?;
    if job.result.changed > 0 {
        let stopped = deps.store.stopped_again(&job).await?;
        job.stopped = stopped.steps;
        job.result.first_stopped = stopped.first;
    }
    Ok(Json(Job::with_result(job)))
}

/// Cancels a job: it stops within a batch. What it did stays done.
///
/// A job that is cancelled already is answered as it is; one that ended otherwise is a conflict.
#[utoipa::path(
    delete,
    path = "/v1/tenants/{tenant_id}/jobs/{job_id}",
    tag = "jobs",
    security(("bearer" = [])),
    params(("tenant_id" = String, Path, description = "The tenant's slug."), JobPath),
    responses(
        (status = OK, description = "The job as it is now.", body = Job),
        Conflict,
        TenantProblems
    )
)]
pub(crate) async fn cancel_job(
    caller: TenantOperator,
    Path(path): Path<JobPath>,
    State(deps): State<Deps>,
) -> Result<Json<Job>, Problem> {
    let tenant = caller.tenant();
    let known = deps.store.job(tenant, path.job_id).await?;
    known.ok_or_else(no_job)?;
    let act = caller.act("job.cancel", &path.job_id);
    let job = deps.store.cancel_job(tenant, path.job_id, &act).await?;
    Ok(Json(Job::with_result(job)))
}

fn no_job() -> Problem {
    Problem::not_found("There is no such job.")
}
