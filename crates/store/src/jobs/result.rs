//! What came of a job.

use domain::{DryRun, RequestId, WorkRow, WorkState};
use serde::{Deserialize, Serialize};

use super::MAX_NAMED;
use crate::StopKind;

/// What came of a job so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobResult {
    /// Steps that run again, or requests that were replayed or released.
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
}

impl JobResult {
    pub(super) fn skip(&mut self, skipped: SkippedRequest) {
        self.skipped += 1;
        if self.first_skipped.len() < MAX_NAMED {
            self.first_skipped.push(skipped);
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
