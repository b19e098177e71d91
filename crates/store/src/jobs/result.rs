//! What came of a job.

use std::collections::BTreeMap;

use domain::{DryRun, RequestId, SourceId, WorkRow, WorkState};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{MAX_NAMED, Reconciled};
use crate::{StopKind, sweeps::DayCount};

/// What came of a job so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobResult {
    /// Steps that run again, requests that were replayed or released, leads that were missing, requests that were counted
    /// otherwise.
    pub changed: u64,
    /// What was left as it was.
    pub skipped: u64,
    /// The first of what was left as it was.
    pub first_skipped: Vec<SkippedRequest>,
    /// The first steps that stopped again, as they were last counted.
    pub first_stopped: Vec<StoppedStep>,
    /// The comparison of a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<DryRun>,
    /// Sources that could not be compared, the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<SourceFault>,
    /// What was counted of the list that is being compared.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub days: BTreeMap<Date, DayCount>,
    /// Until when it waits for a provider's quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put_off_until: Option<Timestamp>,
    /// Of a comparison with providers, what is missing still.
    #[serde(skip_serializing_if = "NotTaken::is_nothing")]
    pub not_taken: NotTaken,
}

/// What a comparison with providers found missing and did not take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NotTaken {
    /// Leads whose webhook may still come.
    pub too_young: u64,
    /// When the youngest of them is old enough to be taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_enough_at: Option<Timestamp>,
    /// Leads that cannot be read as the provider lists them.
    pub unreadable: u64,
}

impl NotTaken {
    /// Counts one whose webhook may come until `due_at`.
    pub fn wait(&mut self, due_at: Option<Timestamp>) {
        self.too_young += 1;
        self.old_enough_at = self.old_enough_at.max(due_at);
    }

    fn add(&mut self, other: Self) {
        self.too_young += other.too_young;
        self.old_enough_at = self.old_enough_at.max(other.old_enough_at);
        self.unreadable += other.unreadable;
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// A source that a job could not compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFault {
    /// Which.
    pub source_id: SourceId,
    /// Why, and what to do, in a sentence.
    pub reason: String,
}

impl JobResult {
    pub(super) fn skip(&mut self, skipped: SkippedRequest) {
        self.skipped += 1;
        if self.first_skipped.len() < MAX_NAMED {
            self.first_skipped.push(skipped);
        }
    }

    pub(super) fn reconciled(&mut self, found: &Reconciled) {
        self.days.clone_from(&found.days);
        self.not_taken.add(found.not_taken);
        if let Some(fault) = &found.fault
            && self.faults.len() < MAX_NAMED
        {
            self.faults.push(fault.clone());
        }
    }
}

/// A request that a job left as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedRequest {
    /// Which.
    pub request_id: RequestId,
    /// Why, in a sentence.
    pub reason: String,
}

/// A step that is held or parked after a job set its request going.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoppedStep {
    /// Its request.
    pub request_id: RequestId,
    /// Its stage's name.
    pub stage: String,
    /// For a dispatch, its connection; else empty.
    pub target: String,
    /// How it stopped.
    pub state: StopKind,
    /// Why, in a sentence.
    pub reason: Option<String>,
}

impl StoppedStep {
    /// None for a row that has not stopped.
    pub fn of(row: &WorkRow) -> Option<Self> {
        let state = match row.state {
            WorkState::Held { .. } => StopKind::Held,
            WorkState::Parked { .. } => StopKind::Parked,
            WorkState::Ready | WorkState::InFlight { .. } => return None,
        };
        Some(Self {
            request_id: row.key.request,
            stage: row.key.stage.to_string(),
            target: row.key.target.clone(),
            state,
            reason: row.reason.clone(),
        })
    }
}

/// What stopped again of what a job set going.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoppedAgain {
    /// How many steps; with more than [`MAX_COUNTED`](super::MAX_COUNTED) to go over, at least so many.
    pub steps: u64,
    /// The first of them, at most [`MAX_NAMED`].
    pub first: Vec<StoppedStep>,
}
