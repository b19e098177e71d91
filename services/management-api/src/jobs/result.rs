//! What came of a job, as the API shows it.

use std::collections::BTreeMap;

use domain::DryRunOutcome;
use jiff::Timestamp;
use serde::Serialize;
use store::jobs::JobKind;
use utoipa::ToSchema;

use crate::words;

/// What came of a job so far.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum JobResult {
    /// Of one that sets requests going.
    Work(WorkResult),
    /// Of a dry run.
    DryRun(DryRunResult),
}

/// What came of a job that sets requests going.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkResult {
    /// Steps that run again, or requests that were replayed or released; of a comparison with providers, leads that were
    /// missing; of a recount, requests that the figures had counted otherwise, or not at all.
    changed: u64,
    /// Requests that were left as they were.
    skipped: u64,
    /// The first 100 of these.
    first_skipped: Vec<SkippedRequest>,
    /// The first 100 steps that stopped again.
    first_stopped: Vec<StoppedAgain>,
    /// Of a comparison with providers, the first 100 sources that could not be compared. The others were.
    faults: Vec<SourceFault>,
    /// Until when it waits, because a provider takes no more requests; then it goes on where it is.
    put_off_until: Option<Timestamp>,
    /// Of a comparison with providers, leads that are missing and too young to be taken: their webhook may still come.
    too_young: u64,
    /// When the youngest of these is old enough. Whoever compares after that takes them, if they have not come by then.
    old_enough_at: Option<Timestamp>,
    /// Of a comparison with providers, leads that are missing and cannot be read as the provider lists them. The log says
    /// why.
    unreadable: u64,
}

/// A source that a job could not compare.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceFault {
    /// Which.
    source_id: String,
    /// Why, and what to do.
    reason: String,
}

/// A request that a job left as it was.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SkippedRequest {
    /// Which.
    request_id: String,
    /// Why.
    reason: String,
}

/// A step that is held or parked after a job set its request going.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoppedAgain {
    /// Its request.
    request_id: String,
    /// Its stage.
    stage: String,
    /// For a dispatch, its connection.
    target: Option<String>,
    /// How it stopped.
    state: words::StopKind,
    /// Why.
    reason: Option<String>,
}

/// How a workflow configuration compares with the one in use.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DryRunResult {
    /// Version of the configuration in use; 0 when none was saved.
    config_version: u64,
    /// Requests of the office that were compared.
    requests: u64,
    /// Where they end by each of the two.
    counts: DryRunCounts,
    /// How many would be treated differently.
    changed_total: u64,
    /// The newest 500 of these.
    changed: Vec<ChangedRequest>,
}

/// Where requests end by the configuration in use, and by the other.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DryRunCounts {
    /// By the one in use.
    before: OutcomeCounts,
    /// By the other.
    after: OutcomeCounts,
}

/// How many requests end where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutcomeCounts {
    /// On to CRMs or people.
    dispatched: u64,
    /// On, but with neither CRM nor recipient.
    unreached: u64,
    /// A person decides.
    in_review: u64,
    /// Spam.
    quarantined: u64,
    /// Outside the service area.
    out_of_area: u64,
    /// Never analyzed, or only a map could tell whether they are in the area, and what it said is not known.
    unknown: u64,
}

/// A request that another configuration treats differently.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangedRequest {
    /// Which.
    request_id: String,
    /// What would be different.
    what: words::DryRunAspect,
    /// As it is.
    before: String,
    /// As it would be.
    after: String,
    /// Which part of the configuration makes the difference.
    because: String,
}

impl JobResult {
    pub(crate) fn of(kind: JobKind, result: store::jobs::JobResult) -> Self {
        match kind {
            JobKind::DryRun => Self::DryRun(DryRunResult::of(result.dry_run.unwrap_or_default())),
            JobKind::Redrive
            | JobKind::Replay
            | JobKind::Release
            | JobKind::Reconcile
            | JobKind::Recount => Self::Work(WorkResult::of(result)),
        }
    }
}

impl WorkResult {
    fn of(result: store::jobs::JobResult) -> Self {
        let skipped = result.first_skipped.into_iter();
        let stopped = result.first_stopped.into_iter();
        let faults = result.faults.into_iter();
        Self {
            faults: faults
                .map(|fault| SourceFault {
                    source_id: fault.source_id.to_string(),
                    reason: fault.reason,
                })
                .collect(),
            put_off_until: result.put_off_until,
            too_young: result.not_taken.too_young,
            old_enough_at: result.not_taken.old_enough_at,
            unreadable: result.not_taken.unreadable,
            changed: result.changed,
            skipped: result.skipped,
            first_skipped: skipped
                .map(|skipped| SkippedRequest {
                    request_id: skipped.request_id.to_string(),
                    reason: skipped.reason,
                })
                .collect(),
            first_stopped: stopped
                .map(|step| StoppedAgain {
                    request_id: step.request_id.to_string(),
                    stage: step.stage,
                    target: Some(step.target).filter(|target| !target.is_empty()),
                    state: step.state.into(),
                    reason: step.reason,
                })
                .collect(),
        }
    }
}

impl DryRunResult {
    fn of(run: domain::DryRun) -> Self {
        let changed = run.changed.into_iter();
        Self {
            config_version: run.config_version,
            requests: run.requests,
            counts: DryRunCounts {
                before: OutcomeCounts::of(&run.before),
                after: OutcomeCounts::of(&run.after),
            },
            changed_total: run.changed_total,
            changed: changed
                .map(|changed| ChangedRequest {
                    request_id: changed.request_id.to_string(),
                    what: changed.what.into(),
                    before: changed.before,
                    after: changed.after,
                    because: changed.because,
                })
                .collect(),
        }
    }
}

impl OutcomeCounts {
    fn of(counts: &BTreeMap<DryRunOutcome, u64>) -> Self {
        let of = |outcome| counts.get(&outcome).copied().unwrap_or_default();
        Self {
            dispatched: of(DryRunOutcome::Dispatched),
            unreached: of(DryRunOutcome::Unreached),
            in_review: of(DryRunOutcome::InReview),
            quarantined: of(DryRunOutcome::Quarantined),
            out_of_area: of(DryRunOutcome::OutOfArea),
            unknown: of(DryRunOutcome::Unknown),
        }
    }
}
