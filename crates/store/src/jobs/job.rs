//! A job, and what may become of it.

use std::{fmt, str::FromStr, time::Duration};

use domain::{JobId, OfficeId, RequestId, SourceId, Stage, StoreError, TenantId, later};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Applied, Batch, Effect, JobResult, MAX_OPEN_JOBS, RequestFilter};
use crate::{
    Result, WorkFilter,
    calls::{KEPT_FOR, hash},
};

/// Declares an enum whose values are stored, shown and asked for as words.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident ($what:literal) { $($(#[$doc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$doc])* $variant),+ }

        impl $name {
            /// Every value as a word.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// As it is stored, shown and asked for.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("{} is one of {}", $what, Self::WORDS.join(", "))),
                }
            }
        }
    };
}

words! {
    /// What a job does. Rows of a kind that this build does not know stay as they are.
    JobKind ("a job's kind") {
        /// Lets stopped steps run again.
        Redrive => "redrive",
        /// Has requests run again from a stage on.
        Replay => "replay",
        /// Lets requests go on that are quarantined or outside the service area.
        Release => "release",
        /// Compares a workflow configuration with the one in use.
        DryRun => "dry_run",
        /// Compares what providers have with what came, and takes what is missing.
        Reconcile => "reconcile",
        /// Counts requests anew for the figures.
        Recount => "recount",
    }
}

words! {
    /// Where a job stands.
    JobState ("a job's state") {
        /// It waits for its turn.
        Queued => "queued",
        /// It has begun.
        Running => "running",
        /// It has gone through everything.
        Done => "done",
        /// A person stopped it.
        Cancelled => "cancelled",
        /// It cannot go on.
        Failed => "failed",
    }
}

impl JobState {
    /// Whether it waits or runs.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// What a job does, and to what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobTask {
    /// Lets stopped steps run again.
    Redrive {
        /// Which.
        filter: WorkFilter,
    },
    /// Has requests run again.
    Replay {
        /// The first stage that runs again.
        from_stage: Stage,
        /// Which.
        filter: RequestFilter,
    },
    /// Lets withheld requests go on.
    Release {
        /// Which.
        filter: RequestFilter,
    },
    /// Compares a workflow configuration with the one in use.
    DryRun {
        /// The office whose requests are compared.
        office_id: OfficeId,
        /// The configuration to be tried, as it was checked.
        config: Value,
        /// Requests of so many days before the job was created.
        days: u32,
    },
    /// Compares what providers have with what came.
    Reconcile {
        /// The source; without one, every source that can be compared.
        source: Option<SourceId>,
        /// Things that happened at this time or later.
        from: Timestamp,
        /// Things that happened before this time.
        to: Timestamp,
    },
    /// Counts every request anew for the figures: those that an older build wrote.
    Recount,
}

impl JobTask {
    /// Its kind.
    pub const fn kind(&self) -> JobKind {
        match self {
            Self::Redrive { .. } => JobKind::Redrive,
            Self::Replay { .. } => JobKind::Replay,
            Self::Release { .. } => JobKind::Release,
            Self::DryRun { .. } => JobKind::DryRun,
            Self::Reconcile { .. } => JobKind::Reconcile,
            Self::Recount => JobKind::Recount,
        }
    }
}

/// How far a job has come. Of what is not there, it begins anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobCursor {
    /// The last step that it went through, in the order of the list of stopped work.
    Step(RequestId, Stage, String),
    /// The last request that it went through, the newest first.
    Request(RequestId),
    /// A list of a provider: the source, the kind of things, and where its next page begins; none at its first.
    Page(SourceId, String, Option<String>),
}

/// A job to be created.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Whose it is.
    pub tenant: TenantId,
    /// What it does.
    pub task: JobTask,
    /// Who wants it: the subject of their token.
    pub by: String,
    /// What its creator calls the call, so that it can be repeated.
    pub call: Option<String>,
}

/// A job that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Created {
    /// The job.
    pub job: Job,
    /// Whether this call created it. If not, an earlier one of the same name did, perhaps for something else.
    pub is_new: bool,
}

/// A piece of bulk work.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id; in order of time.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it does.
    pub task: JobTask,
    /// Where it stands.
    pub state: JobState,
    /// How much there is to go through; none while nobody knows.
    pub total: Option<u64>,
    /// How much it went through.
    pub done: u64,
    /// How many steps stopped again, as last counted.
    pub stopped: u64,
    /// Who wanted it.
    pub by: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was first claimed.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it failed, in a sentence.
    pub failure: Option<String>,
    /// What came of it; empty in lists.
    pub result: JobResult,
    /// How far it has come.
    pub cursor: Option<JobCursor>,
    /// Who is at work on it.
    pub owner: Option<String>,
    /// Until when nobody else may claim it; while it waits, until when it is put off.
    pub lease_until: Option<Timestamp>,
    /// Rises with each claim: what an earlier owner does is refused.
    pub token: u64,
    /// SHA-256 of who created it and of the `call`, in hexadecimal; none once the name is another job's.
    pub call: Option<String>,
}

/// The proof that a job is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobClaim {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which.
    pub id: JobId,
    /// Its token since the claim.
    pub token: u64,
}

/// What the choice of the next job needs to know of one that waits or runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenJob {
    /// Which.
    pub id: JobId,
    /// Whether this build knows its kind.
    pub is_known: bool,
    /// Whether it has begun.
    pub is_running: bool,
    /// Until when it is its owner's, or is put off.
    pub lease_until: Option<Timestamp>,
}

impl NewJob {
    /// What `call` is stored as: each caller has names of their own.
    pub fn call_hash(&self) -> Option<String> {
        let call = self.call.as_ref()?;
        Some(hex::encode(hash(&[self.by.as_bytes(), call.as_bytes()])))
    }

    /// Whether this repeats the call that created `known`, which has its `call_hash`. After [`KEPT_FOR`] a name is
    /// forgotten: [`Job::call`] is then to be taken away, because it is unique.
    pub fn repeats(&self, known: &Job, now: Timestamp) -> bool {
        self.call_hash() == known.call && later(known.created_at, KEPT_FOR) > now
    }

    /// The job, waiting; `open` is how many of the tenant's wait or run already.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when these are [`MAX_OPEN_JOBS`].
    pub fn queued(&self, id: JobId, open: usize, now: Timestamp) -> Result<Job> {
        if open >= MAX_OPEN_JOBS {
            return Err(StoreError::Conflict(format!(
                "{open} jobs wait or run already: let them end, or cancel some"
            )));
        }
        Ok(Job {
            id,
            tenant: self.tenant.clone(),
            task: self.task.clone(),
            state: JobState::Queued,
            total: None,
            done: 0,
            stopped: 0,
            by: self.by.clone(),
            created_at: now,
            started_at: None,
            finished_at: None,
            failure: None,
            result: JobResult::default(),
            cursor: None,
            owner: None,
            lease_until: None,
            token: 0,
            call: self.call_hash(),
        })
    }
}

/// Which of a tenant's jobs is to be claimed: one whose owner is gone, else the oldest that waits. None while one is at
/// work, or where there is none. One that is put off waits until then, and keeps no other waiting.
pub fn next(open: &[OpenJob], now: Timestamp) -> Option<JobId> {
    let is_leased = |job: &OpenJob| job.lease_until.is_some_and(|until| until > now);
    if open.iter().any(|job| job.is_running && is_leased(job)) {
        return None;
    }
    let known = open.iter().filter(|job| job.is_known && !is_leased(job));
    let next = known.min_by_key(|job| (!job.is_running, job.id));
    next.map(|job| job.id)
}

impl Job {
    /// The proof of its owner.
    pub fn claim_token(&self) -> JobClaim {
        JobClaim {
            tenant: self.tenant.clone(),
            id: self.id,
            token: self.token,
        }
    }

    /// The requests that it is about, for the kinds that walk over requests. What came in after its creation is not
    /// meant.
    pub fn requests(&self) -> Option<RequestFilter> {
        match &self.task {
            JobTask::Redrive { .. } | JobTask::Reconcile { .. } => None,
            JobTask::Replay { filter, .. } => Some(filter.clone().until(self.created_at)),
            JobTask::Release { filter } => Some(filter.clone().until(self.created_at)),
            // What comes in meanwhile is counted as it comes.
            JobTask::Recount => Some(RequestFilter::default().until(self.created_at)),
            JobTask::DryRun { days, .. } => {
                let age = Duration::from_secs(u64::from(*days) * 24 * 3_600);
                let filter = RequestFilter {
                    from: self.created_at.checked_sub(age).ok(),
                    ..RequestFilter::default()
                };
                Some(filter.until(self.created_at))
            }
        }
    }

    /// Makes it `owner`'s.
    pub fn claim(&mut self, owner: &str, now: Timestamp, lease: Duration) {
        self.state = JobState::Running;
        self.started_at.get_or_insert(now);
        self.owner = Some(owner.to_owned());
        self.lease_until = Some(later(now, lease));
        self.token += 1;
    }

    /// Whether it is this claim's still.
    pub fn is_of(&self, claim: &JobClaim) -> bool {
        self.state == JobState::Running && self.token == claim.token
    }

    /// Moves it on behind a batch.
    pub fn advance(&mut self, batch: &Batch, applied: Applied, now: Timestamp, lease: Duration) {
        self.done += batch.through;
        self.result.put_off_until = None;
        self.result.reconciled(&batch.reconciled);
        self.total = batch.total.or(self.total);
        self.cursor = batch.cursor.clone().or(self.cursor.take());
        self.result.changed += applied.changed;
        if let Effect::Took(leads) = &batch.effect {
            self.result.changed += leads;
        }
        for skipped in applied.skipped {
            self.result.skip(skipped);
        }
        if let Some(dry_run) = &batch.dry_run {
            self.result.dry_run = Some(dry_run.clone());
        }
        if let Some(stopped) = &batch.stopped {
            self.stopped = stopped.steps;
            self.result.first_stopped.clone_from(&stopped.first);
        }
        if batch.is_last {
            self.total = Some(self.done);
            self.end(JobState::Done, now);
        } else {
            self.lease_until = Some(later(now, lease));
        }
    }

    /// Lets whoever is next claim it at once.
    pub fn rest(&mut self, now: Timestamp) {
        self.lease_until = Some(now);
    }

    /// Lets it wait until then, and whoever is next go first.
    pub fn put_off(&mut self, until: Timestamp) {
        self.state = JobState::Queued;
        self.owner = None;
        self.lease_until = Some(until);
        self.result.put_off_until = Some(until);
    }

    /// Gives it up.
    pub fn fail(&mut self, reason: String, now: Timestamp) {
        self.failure = Some(reason);
        self.end(JobState::Failed, now);
    }

    /// Stops it; false when it is cancelled already.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it has ended otherwise.
    pub fn cancel(&mut self, now: Timestamp) -> Result<bool> {
        match self.state {
            JobState::Queued | JobState::Running => {
                self.end(JobState::Cancelled, now);
                Ok(true)
            }
            JobState::Cancelled => Ok(false),
            JobState::Done | JobState::Failed => Err(StoreError::Conflict(format!(
                "The job is {} already: there is nothing to cancel.",
                self.state
            ))),
        }
    }

    fn end(&mut self, state: JobState, now: Timestamp) {
        self.state = state;
        self.finished_at = Some(now);
        self.owner = None;
        self.lease_until = None;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_job_that_is_put_off_keeps_no_other_waiting() {
        let mut put_off = open(1, Some(10));
        put_off.is_running = false;
        let other = open(2, None);
        assert_eq!(
            next(&[put_off.clone(), other.clone()], at(9)),
            Some(other.id)
        );
        assert_eq!(next(&[put_off.clone()], at(9)), None);
        assert_eq!(next(&[put_off.clone(), other], at(10)), Some(put_off.id));
    }

    fn open(number: u128, lease_until: Option<i64>) -> OpenJob {
        OpenJob {
            id: JobId::from_uuid(Uuid::from_u128(number)),
            is_known: true,
            is_running: lease_until.is_some(),
            lease_until: lease_until.map(at),
        }
    }

    #[test]
    fn the_oldest_that_waits_is_next() {
        let jobs = [open(2, None), open(1, None)];
        assert_eq!(next(&jobs, at(0)), Some(jobs[1].id));
        assert_eq!(next(&[], at(0)), None);
    }

    #[test]
    fn a_tenant_has_one_job_at_work() {
        let jobs = [open(1, None), open(2, Some(10))];
        assert_eq!(next(&jobs, at(9)), None);
        // Its owner is gone: it goes on before what waits.
        assert_eq!(next(&jobs, at(10)), Some(jobs[1].id));
    }

    #[test]
    fn an_unknown_kind_is_left_alone_and_counts_as_work() {
        let mut newer = open(1, None);
        newer.is_known = false;
        assert_eq!(
            next(&[newer.clone(), open(2, None)], at(0)),
            Some(open(2, None).id)
        );
        newer.is_running = true;
        newer.lease_until = Some(at(5));
        assert_eq!(next(&[newer.clone(), open(2, None)], at(0)), None);
        assert_eq!(next(&[newer, open(2, None)], at(5)), Some(open(2, None).id));
    }
}
