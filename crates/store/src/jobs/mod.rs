//! Bulk work as jobs in the store: claimed with a lease, done in batches, resumed by whoever claims them next.
//!
//! A batch's effect and the job's cursor are written in one transaction ([`Jobs::step_job`]), so a process that dies
//! between two batches neither skips nor repeats one. What a job is, and what may become of it, is decided here; adapters
//! load, save, and apply what [`Effect::decide`] says.
//!
//! A new kind of job is a variant of [`JobTask`]: the compiler names the rest.

mod batch;
mod filter;
mod job;
mod result;

use std::time::Duration;

use async_trait::async_trait;
use domain::{JobId, TenantId, Wake};
use jiff::Timestamp;

use crate::{AuditAction, Page, Result};

pub use batch::{Applied, Batch, Decided, Effect, Reconciled, Unit};
pub use filter::{RequestFilter, end_id_before, first_id_at, first_id_since};
pub use job::{
    Created, Job, JobClaim, JobCursor, JobKind, JobState, JobTask, NewJob, OpenJob, next,
};
pub use result::{JobResult, NotTaken, SkippedRequest, SourceFault, StoppedAgain, StoppedStep};

/// Jobs of a tenant that may wait or run at once.
pub const MAX_OPEN_JOBS: usize = 100;
/// Requests that a job's list of what it skipped, or of what stopped again, names at most.
pub const MAX_NAMED: usize = 100;
/// Stopped steps, or requests of a job, that one count of what stopped again goes over at most.
pub const MAX_COUNTED: u32 = 20_000;
/// Tenants that are tried in one search for the next job.
pub const MAX_TENANTS_TRIED: u32 = 16;

/// Which jobs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobQuery {
    /// Only those in this state, when given.
    pub state: Option<JobState>,
    /// Only those of this kind, when given.
    pub kind: Option<JobKind>,
    /// At most so many, 1 to 200.
    pub limit: u32,
    /// Only older ones than this: the last of the page before.
    pub before: Option<JobId>,
}

/// What its owner does to a job.
#[derive(Debug, Clone)]
pub enum JobStep {
    /// Does a batch, moves the cursor, and renews the lease.
    Batch(Box<Batch>),
    /// Lets go of it, so that whoever is next can claim it at once.
    Rest,
    /// Lets go of it until this time, when it goes on where it is. The tenant's other jobs have their turn meanwhile.
    PutOff(Timestamp),
    /// Gives it up, for this reason.
    Fail(String),
}

/// What came of a [`JobStep`].
#[derive(Debug, Clone)]
pub enum Stepped {
    /// It is written.
    Written {
        /// The job as it is now.
        job: Box<Job>,
        /// What is due now.
        wakes: Vec<Wake>,
    },
    /// The job is no longer its owner's: it was cancelled, or claimed by another. Nothing was written.
    Lost,
}

/// Jobs as a store keeps them.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Creates a job. One that was created under the same `call` before is returned as it is now, whatever it does.
    ///
    /// # Errors
    /// [`StoreError::Conflict`](domain::StoreError::Conflict) when the tenant has [`MAX_OPEN_JOBS`] open ones.
    async fn create_job(&self, new: &NewJob, act: &AuditAction) -> Result<Created>;

    /// A tenant's job, with its result.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`](domain::StoreError::Corrupt) when this build cannot read it.
    async fn job(&self, tenant: &TenantId, job: JobId) -> Result<Option<Job>>;

    /// A page of a tenant's jobs, newest first, without their results, and without those that this build cannot read.
    async fn jobs(&self, tenant: &TenantId, query: &JobQuery) -> Result<Page<Job>>;

    /// Cancels a job: no batch of it is done from now on. One that is cancelled stays so.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](domain::StoreError::NotFound) when there is no such job;
    /// [`StoreError::Conflict`](domain::StoreError::Conflict) when it has ended otherwise.
    async fn cancel_job(&self, tenant: &TenantId, job: JobId, act: &AuditAction) -> Result<Job>;

    /// Tenants that have a job to be claimed, none that is put off, whoever waited longest first, at most [`MAX_TENANTS_TRIED`].
    async fn tenants_with_jobs_across_tenants(&self) -> Result<Vec<TenantId>>;

    /// Claims the tenant's next job, unless another owner is at work on one of its jobs: one whose lease has ended, else
    /// the oldest that waits and is not put off.
    async fn claim_job(
        &self,
        tenant: &TenantId,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<Job>>;

    /// Claims a job of the tenant whose turn it is.
    async fn claim_job_across_tenants(&self, owner: &str, lease: Duration) -> Result<Option<Job>> {
        for tenant in self.tenants_with_jobs_across_tenants().await? {
            if let Some(job) = self.claim_job(&tenant, owner, lease).await? {
                return Ok(Some(job));
            }
        }
        Ok(None)
    }

    /// Does a step of a claimed job, in one transaction: what the batch does to requests, and the job's new cursor and
    /// figures.
    async fn step_job(&self, claim: &JobClaim, step: JobStep, lease: Duration) -> Result<Stepped>;

    /// How many requests of a tenant agree with a filter; `None` when they are more than `limit`. What names requests is
    /// not looked at.
    async fn count_for_job(
        &self,
        tenant: &TenantId,
        filter: &RequestFilter,
        limit: u32,
    ) -> Result<Option<u64>>;

    /// Which steps of the requests that a job changed are held or parked now.
    async fn stopped_again(&self, job: &Job) -> Result<StoppedAgain>;

    /// Removes at most `limit` rows of jobs that ended before `before`, the marks of the requests that they changed
    /// first. Returns how many rows.
    async fn prune_jobs_across_tenants(&self, before: Timestamp, limit: u32) -> Result<u32>;
}
