//! The background task that does jobs: a turn at a time, a batch at a time.

use std::{collections::HashMap, time::Duration};

use domain::{JobId, StoreError, later};
use jiff::Timestamp;
use store::{
    Job,
    jobs::{JobState, JobStep, Stepped},
};
use tokio_util::sync::CancellationToken;

use super::walk::{self, WalkError};
use crate::{Deps, random_bytes};

/// How long a job is its owner's without a batch. Whoever dies with it holds it up for so long; a restart of the embedded
/// product does not wait.
const LEASE: Duration = Duration::from_secs(60);
/// The pause between two searches that find nothing, where nobody rings.
const IDLE: Duration = Duration::from_secs(2);
/// The pause after an error of the store.
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// Batches of one turn. Then the tenant that waited longest is next.
const BATCHES_OF_A_TURN: u32 = 10;
/// Turns of a job in a row that may fail. Then it is given up.
const MAX_FAILURES: u32 = 10;
/// How long a job is kept after its end.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// The pause between two removals, and how many rows one transaction removes.
const TIDY: Duration = Duration::from_secs(3_600);
const REMOVED_AT_ONCE: u32 = 1_000;

/// Does jobs, one at a time.
pub(crate) struct Runner {
    deps: Deps,
    owner: String,
    failures: HashMap<JobId, u32>,
    tidied_at: Option<Timestamp>,
}

impl Runner {
    pub(crate) fn new(deps: Deps) -> Self {
        // A name for people who look into the table: what counts is the claim's token.
        let owner = random_bytes::<8>().map_or_else(|_| "unnamed".to_owned(), hex::encode);
        Self {
            deps,
            owner,
            failures: HashMap::new(),
            tidied_at: None,
        }
    }

    /// Works until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.turn(&stop).await {
                Ok(true) => continue,
                Ok(false) => IDLE,
                Err(error) => {
                    tracing::warn!(%error, "jobs pause: the store failed");
                    AFTER_ERROR
                }
            };
            let clock = self.deps.clock.clone();
            let wait = async {
                tokio::select! {
                    () = clock.sleep_until(later(clock.now(), pause)) => {}
                    () = self.deps.job_bell.rung() => {}
                }
            };
            stop.run_until_cancelled(wait).await;
        }
    }

    /// Claims the next job and does some batches of it; false when none waits.
    async fn turn(&mut self, stop: &CancellationToken) -> Result<bool, StoreError> {
        let claimed = self.deps.store.claim_job_across_tenants(&self.owner, LEASE);
        let Some(mut job) = claimed.await? else {
            self.tidy().await?;
            return Ok(false);
        };
        let claim = job.claim_token();
        for _ in 0..BATCHES_OF_A_TURN {
            let step = match self.batch(&job).await {
                Ok(step) => step,
                Err(error) => {
                    self.rest(&job).await?;
                    return Err(error);
                }
            };
            match self.deps.store.step_job(&claim, step, LEASE).await {
                Ok(Stepped::Written { job: now, wakes }) => {
                    self.deps.hand_over(wakes).await;
                    job = *now;
                }
                // It was cancelled, or another process has it.
                Ok(Stepped::Lost) => return Ok(true),
                Err(error) => {
                    let error = self.failed(&job, error).await?;
                    self.rest(&job).await?;
                    return Err(error);
                }
            }
            self.failures.remove(&job.id);
            if job.state == JobState::Queued {
                return Ok(true);
            }
            if !job.state.is_open() {
                tracing::info!(tenant = %job.tenant, job = %job.id, state = %job.state, done = job.done, "a job ended");
                return Ok(true);
            }
            if stop.is_cancelled() {
                break;
            }
        }
        self.rest(&job).await?;
        Ok(true)
    }

    /// What is to be done to the job next.
    async fn batch(&mut self, job: &Job) -> Result<JobStep, StoreError> {
        match walk::next(&self.deps, job).await {
            Ok(batch) => Ok(JobStep::Batch(Box::new(batch))),
            Err(WalkError::Fatal(reason)) => Ok(JobStep::Fail(reason)),
            // It goes on where it is: nothing is asked of the provider twice.
            Err(WalkError::NoRoom(wait)) => Ok(JobStep::PutOff(later(self.deps.clock.now(), wait))),
            Err(WalkError::Store(error)) => Err(self.failed(job, error).await?),
        }
    }

    /// Counts a failure of the store, unless it is only busy. A job that fails again and again is given up, so that it
    /// does not keep its tenant's others waiting.
    async fn failed(&mut self, job: &Job, error: StoreError) -> Result<StoreError, StoreError> {
        if matches!(error, StoreError::Busy) {
            return Ok(error);
        }
        let failures = self.failures.entry(job.id).or_default();
        *failures += 1;
        if *failures >= MAX_FAILURES {
            self.failures.remove(&job.id);
            let reason = format!(
                "the store failed {MAX_FAILURES} times: see the log, and start the job again"
            );
            let claim = job.claim_token();
            let fail = JobStep::Fail(reason);
            self.deps.store.step_job(&claim, fail, LEASE).await?;
        }
        Ok(error)
    }

    /// Lets go of a job, so that whoever is next has it at once.
    async fn rest(&self, job: &Job) -> Result<(), StoreError> {
        let claim = job.claim_token();
        let rested = self.deps.store.step_job(&claim, JobStep::Rest, LEASE).await;
        rested.map(drop)
    }

    /// Removes some of what ended long ago.
    async fn tidy(&mut self) -> Result<(), StoreError> {
        let now = self.deps.clock.now();
        if self.tidied_at.is_some_and(|at| later(at, TIDY) > now) {
            return Ok(());
        }
        let before = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
        let store = &self.deps.store;
        let removed = store
            .prune_jobs_across_tenants(before, REMOVED_AT_ONCE)
            .await?;
        if removed < REMOVED_AT_ONCE {
            self.tidied_at = Some(now);
        }
        Ok(())
    }
}
