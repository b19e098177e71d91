//! What one batch of a job does to requests.

use std::collections::BTreeMap;

use domain::{DryRun, Plan, RequestId, RequestState, ReviewAction, Stage, WorkKey, transition};
use jiff::{Timestamp, civil::Date};

use super::{JobCursor, NotTaken, RequestFilter, SkippedRequest, SourceFault, StoppedAgain};
use crate::{
    TenantId,
    sweeps::{DayCount, DayLine},
    work::by_request,
};

/// A batch: what it does, and what the job says behind it.
#[derive(Debug, Clone)]
pub struct Batch {
    /// What it does to requests.
    pub effect: Effect,
    /// How much it goes through.
    pub through: u64,
    /// Where the next one begins; none when that is as before.
    pub cursor: Option<JobCursor>,
    /// Whether nothing is left behind it.
    pub is_last: bool,
    /// How much there is in all, when that was counted.
    pub total: Option<u64>,
    /// The comparison so far, of a dry run.
    pub dry_run: Option<DryRun>,
    /// What stopped again, when that was counted.
    pub stopped: Option<StoppedAgain>,
    /// What was found of a provider's list, where one is compared.
    pub reconciled: Reconciled,
}

/// What a batch found of a provider's list.
#[derive(Debug, Clone, Default)]
pub struct Reconciled {
    /// What was counted of the list so far, where it has further pages.
    pub days: BTreeMap<Date, DayCount>,
    /// What was found of whole days, behind the last page.
    pub lines: Vec<DayLine>,
    /// Why a source could not be compared.
    pub fault: Option<SourceFault>,
    /// What is missing still.
    pub not_taken: NotTaken,
}

/// What a batch does to requests.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Nothing.
    None,
    /// Nothing more: so many things were changed before, in transactions of their own, which can be repeated. Leads that
    /// were missing, requests that were counted otherwise.
    Took(u64),
    /// Lets these steps run again, as far as they are stopped.
    Redrive(Vec<WorkKey>),
    /// Has these requests run again, as far as they agree with the filter.
    Replay(Vec<RequestId>, Stage, RequestFilter),
    /// Lets these requests go on, as far as they agree with the filter.
    Release(Vec<RequestId>, RequestFilter),
}

/// What a batch does to one request.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Which.
    pub request: RequestId,
    /// Of a redrive, its steps.
    keys: Vec<WorkKey>,
}

/// What is to be written for one request.
#[derive(Debug)]
pub enum Decided {
    /// This, and that so many things changed.
    Changed(Box<Plan>, u64),
    /// Nothing, for this reason.
    Skipped(SkippedRequest),
    /// Nothing: the job has been there, or nothing is left to be done.
    Nothing,
}

/// What a batch changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// How much.
    pub changed: u64,
    /// What it left as it was.
    pub skipped: Vec<SkippedRequest>,
}

impl Effect {
    /// Request by request.
    pub fn units(&self, tenant: &TenantId) -> Vec<Unit> {
        match self {
            Self::None | Self::Took(_) => Vec::new(),
            Self::Redrive(keys) => by_request(tenant, keys)
                .into_iter()
                .map(|(request, keys)| Unit { request, keys })
                .collect(),
            Self::Replay(requests, ..) | Self::Release(requests, _) => requests
                .iter()
                .map(|request| Unit {
                    request: *request,
                    keys: Vec::new(),
                })
                .collect(),
        }
    }

    /// Whether a request that was merged stands for the one that goes on: where it was named.
    pub const fn follows_merges(&self) -> bool {
        match self {
            Self::None | Self::Took(_) | Self::Redrive(_) => false,
            Self::Replay(_, _, filter) | Self::Release(_, filter) => !filter.request_ids.is_empty(),
        }
    }

    /// What to do with a request as it was re-read in the transaction; none when it is not there. `is_marked` says that
    /// the job changed it before: nothing happens twice, whoever repeats a batch.
    pub fn decide(
        &self,
        unit: &Unit,
        state: Option<RequestState>,
        is_marked: bool,
        by: &str,
        now: Timestamp,
    ) -> Decided {
        let skipped = |reason: String| {
            Decided::Skipped(SkippedRequest {
                request_id: unit.request,
                reason,
            })
        };
        let Some(state) = state else {
            return skipped("There is no such request.".to_owned());
        };
        let changes = match self {
            Self::None | Self::Took(_) => return Decided::Nothing,
            Self::Redrive(_) => {
                return match transition::redrive(state, &unit.keys, by, now) {
                    Some((keys, plan)) => {
                        let steps = u64::try_from(keys.len()).unwrap_or(u64::MAX);
                        Decided::Changed(Box::new(plan), steps)
                    }
                    None => Decided::Nothing,
                };
            }
            Self::Replay(_, _, filter) | Self::Release(_, filter) => {
                if is_marked {
                    return Decided::Nothing;
                }
                if !filter.takes(state.request()) {
                    return skipped("It does not agree with the filter.".to_owned());
                }
                match self {
                    Self::Replay(_, from, _) => transition::replay(state, *from, by, now),
                    _ => transition::decide(state, ReviewAction::Release, by, now),
                }
            }
        };
        match changes {
            Ok(plan) => Decided::Changed(Box::new(plan), 1),
            Err(refused) => skipped(refused.to_string()),
        }
    }
}
