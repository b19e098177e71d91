//! What one transaction does to a request: read its state, change it by these functions, write the [`Change`]s back.
//!
//! Every decision is made here, so that stores only read and write, and cannot differ. One file per cause: a delivery
//! ([`receive`]), news of messages that were sent ([`undelivered`]), a settled step ([`settle()`]), two requests that are
//! one (`merge`), a person (`people`).

mod links;
mod merge;
mod people;
mod receipts;
mod receive;
mod settle;

use std::{borrow::Cow, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Channel, ClaimResult, ConnectionName, DispatchSection, DispatchState, Document, EventId,
    LeadRequest, OfficeId, OpenWork, PersonId, RemoteIds, RequestId, RetryPolicy, SourceId, Stage,
    Status, TenantId, Wake, Wanted, WorkKey, WorkRow, WorkState,
    figures::{Additions, Counted},
    lead::known_stage,
    text, workflow,
};

pub use links::{Circle, StaleLink, link, unlink};
pub use people::{
    ReleaseReason, ReviewAction, Undecidable, decide, redrive, release, replay, touch,
};
pub use receipts::undelivered;
pub use receive::{receive, receive_again, recheck_booking, refetch};
pub use settle::settle;

/// A request and its open work, as re-read in a transaction.
#[derive(Debug, Clone)]
pub struct RequestState {
    request: LeadRequest,
    work: OpenWork,
    log: Vec<LogEntry>,
    before: Option<Status>,
}

/// What to write for one request.
#[derive(Debug, Clone)]
pub struct Change {
    /// The request, whole.
    pub request: LeadRequest,
    /// Whether it has no row yet.
    pub is_new: bool,
    /// Work rows to write.
    pub put: Vec<WorkRow>,
    /// Steps whose row goes: the stage's name, and the target.
    pub delete: Vec<(&'static str, String)>,
    /// Timeline entries to add, in order.
    pub log: Vec<LogEntry>,
    /// Whether the status changed. Then a store with an [`Outbox`](crate::Outbox) publishes an event.
    pub is_published: bool,
    /// What is added to the tenant's figures.
    pub figures: Additions,
}

/// An entry of a request's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When.
    pub at: Timestamp,
    /// Which stage; none for the request as a whole, and for a stage of a newer build.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "known_stage"
    )]
    pub stage: Option<Stage>,
    /// For a dispatch, its connection.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// What happened, in one word: `received`, `done`, `waiting`, `retry`, `held`, `released`, `parked`, `redriven`,
    /// `replayed`, `approved`, `rejected`, `withdrawn`, `undelivered`, `merged`, `merging`, `kept_apart`, `linked`,
    /// `unlinked`, or a terminal status.
    pub outcome: String,
    /// What happened, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How long the step took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// What a transaction writes, and what may be published once it is committed.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The requests to write.
    pub changes: Vec<Change>,
    /// Each request that was merged, and the one that it became part of, in this order: its records move.
    pub merged: Vec<(RequestId, RequestId)>,
    /// Rows that are due now.
    pub wakes: Vec<Wake>,
    /// What is added to the tenant's figures beside what its changes add.
    pub figures: Additions,
}

/// The token is stale: somebody else has the row, or it is gone. Nothing may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the claim is no longer valid")]
pub struct Stale;

/// Where a delivery came from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Whose it is.
    pub tenant: TenantId,
    /// The provider's slug.
    pub provider: String,
    /// The source's usual channel: what a delivery that cannot be read is taken for.
    pub channel: Channel,
    /// The configured source.
    pub source: SourceId,
    /// The source's office.
    pub office: Option<OfficeId>,
    /// The stored delivery.
    pub event: EventId,
    /// When the thing happened, if nobody delivered it: it was found at the provider.
    pub recovered: Option<Timestamp>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

/// What a settle needs beside the outcome.
#[derive(Debug, Clone, Copy)]
pub struct SettleContext<'a> {
    /// The time of the transaction.
    pub now: Timestamp,
    /// The lanes.
    pub retry: &'a RetryPolicy,
    /// For a hold: the version that the connection's secret has now.
    pub connection_version: Option<u64>,
    /// A random number from 0 to 1, for jitter.
    pub jitter: f64,
    /// How long the step took.
    pub duration: Duration,
}

impl RequestState {
    /// The state as it was read.
    pub fn new(request: LeadRequest, work: OpenWork) -> Self {
        let before = Some(request.status);
        Self {
            request,
            work,
            log: Vec::new(),
            before,
        }
    }

    /// The same, of a request whose person is this one.
    #[must_use]
    pub fn of_person(mut self, person: PersonId) -> Self {
        self.request.person = Some(person);
        self
    }

    /// The request.
    pub const fn request(&self) -> &LeadRequest {
        &self.request
    }

    /// Opens the steps that should be open, and withdraws those that must not be.
    fn advance(&mut self, now: Timestamp, first_delay: Duration, traceparent: Option<&str>) {
        if workflow::is_withheld(&self.request.document) {
            self.withdraw(now);
        }
        for step in workflow::next(&self.request, &self.work) {
            let key = self.key(step.stage, &step.target);
            match step.stage {
                Stage::Notification => {
                    self.request.document.notifications = Some(Default::default());
                }
                Stage::Dispatch => self.open_dispatch(&step.target),
                Stage::Reading
                | Stage::Details
                | Stage::Documents
                | Stage::Recording
                | Stage::Transcript
                | Stage::Booking
                | Stage::Analysis => {}
            }
            let delay = step.delay.max(first_delay);
            let mut row = WorkRow::new(key, now, delay, traceparent.map(str::to_owned));
            row.token = WorkRow::first_token(self.request.version);
            self.work.insert(row);
        }
    }

    /// Withdraws what would still reach CRMs or people although the request is withheld now. What is in flight ends, and
    /// does not run again. If a person lets the request through, the steps open again.
    fn withdraw(&mut self, now: Timestamp) {
        let outward: Vec<_> = self
            .work
            .iter()
            .filter(|row| matches!(row.key.stage, Stage::Dispatch | Stage::Notification))
            .map(|row| row.key.clone())
            .collect();
        for key in outward {
            let is_running = self.work.change(&key, |row| {
                row.rerun_requested = false;
                matches!(row.state, WorkState::InFlight { .. })
            });
            if is_running == Some(true) {
                continue;
            }
            self.work.remove(&key);
            let document = &mut self.request.document;
            if key.stage == Stage::Notification {
                document
                    .notifications
                    .take_if(|section| !section.is_done || section.told_nobody());
            } else if let Some(section) = dispatch_mut(document, &key.target)
                && section.state != DispatchState::Done
            {
                section.state = DispatchState::Pending;
                section.reason = Some("not sent: the request is withheld".to_owned());
            }
            let why = "the request is withheld".to_owned();
            self.note_step(now, &key, "withdrawn", Some(why));
        }
    }

    fn open_dispatch(&mut self, target: &str) {
        let document = &mut self.request.document;
        let Ok(name) = ConnectionName::new(target) else {
            return;
        };
        let connector = document
            .qualification
            .as_ref()
            .and_then(|q| q.destinations.get(&name))
            .cloned();
        document
            .dispatches
            .entry(name)
            .or_insert_with(|| DispatchSection {
                connector: connector.unwrap_or_default(),
                state: DispatchState::Pending,
                revision: 0,
                remote_ids: RemoteIds::default(),
                fields_hash: None,
                dispatched_at: None,
                reason: None,
            });
    }

    fn key(&self, stage: Stage, target: &str) -> WorkKey {
        WorkKey {
            tenant: self.request.tenant.clone(),
            request: self.request.id,
            stage,
            target: target.to_owned(),
        }
    }

    /// Whether a CRM or a person may have seen it.
    fn has_effects(&self) -> bool {
        let document = &self.request.document;
        !document.dispatches.is_empty() || document.notifications.is_some()
    }

    fn note(&mut self, at: Timestamp, outcome: &str, detail: Option<String>) {
        self.log.push(LogEntry {
            at,
            stage: None,
            target: String::new(),
            outcome: outcome.to_owned(),
            detail,
            duration_ms: None,
        });
    }

    fn note_step(&mut self, at: Timestamp, key: &WorkKey, outcome: &str, detail: Option<String>) {
        self.log.push(LogEntry {
            at,
            stage: Some(key.stage),
            target: key.target.clone(),
            outcome: outcome.to_owned(),
            detail,
            duration_ms: None,
        });
    }

    /// Writes the status and closes the state: what to store, and what is due now.
    fn finish(mut self, now: Timestamp, wakes: &mut Vec<Wake>) -> Change {
        let document = &mut self.request.document;
        // Parsing telephone numbers is the dearest part of a transition, so accepting a first delivery goes without.
        if self.before.is_some() {
            document.contact = document.facts().contact();
        }
        document.v = Document::VERSION;
        let status = workflow::status(document, &self.work);
        if status.is_terminal() && self.before != Some(status) {
            let why = document.qualification.as_ref();
            let why = why.and_then(|section| section.gate_reason.clone());
            let why = why.filter(|_| status == Status::Quarantined);
            self.note(now, status.as_str(), why);
        }
        self.request.status = status;
        self.request.version += 1;
        self.request.updated_at = now;
        let counted = Counted::of(&self.request);
        let mut figures = counted.since(&self.request.counted);
        figures.count_runs(&self.log);
        self.request.counted = Arc::new(counted);
        let (put, delete) = self.work.into_changes();
        wakes.extend(
            put.iter()
                .filter(|row| row.state == WorkState::Ready && row.due_at <= now)
                .map(WorkRow::wake),
        );
        Change {
            request: self.request,
            is_new: self.before.is_none(),
            put,
            delete,
            log: self.log,
            is_published: self.before != Some(status),
            figures,
        }
    }
}

/// Shows a dispatch that did not end well in the document.
fn mark_dispatch(document: &mut Document, row: &WorkRow) {
    let Some(section) = dispatch_mut(document, &row.key.target) else {
        return;
    };
    section.state = match &row.state {
        WorkState::Ready | WorkState::InFlight { .. } => DispatchState::Pending,
        WorkState::Held { .. } => DispatchState::Held,
        WorkState::Parked { .. } => DispatchState::Parked,
    };
    section.reason.clone_from(&row.reason);
}

fn dispatch_mut<'a>(document: &'a mut Document, target: &str) -> Option<&'a mut DispatchSection> {
    document
        .dispatches
        .iter_mut()
        .find(|(name, _)| name.as_str() == target)
        .map(|(_, section)| section)
}

/// Merges requests that turned out to be the same, then closes every state.
fn close(state: RequestState, others: Vec<RequestState>, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let mut survivor = state;
    for other in others {
        let id = other.request.id;
        if id == survivor.request.id
            || other.request.document.merged_into.is_some()
            || plan.merged.iter().any(|(from, _)| *from == id)
            || other
                .request
                .document
                .is_other_than(survivor.request.document.canonical_id())
        {
            continue;
        }
        match merge::merge(survivor, other, now) {
            Ok((winner, loser)) => {
                plan.merged.push((loser.request.id, winner.request.id));
                let change = loser.finish(now, &mut plan.wakes);
                plan.changes.push(change);
                survivor = winner;
            }
            Err(apart) => survivor = *apart,
        }
    }
    let change = survivor.finish(now, &mut plan.wakes);
    plan.changes.push(change);
    plan
}

impl Plan {
    /// Counts the delivery that the plan is made of.
    pub fn count_delivery(&mut self, at: Timestamp, origin: &Origin) {
        let figures = match self.changes.last_mut() {
            Some(change) => &mut change.figures,
            None => &mut self.figures,
        };
        figures.count_delivery(at, origin);
    }

    /// All that is added to the tenant's figures.
    pub fn additions(&self) -> Cow<'_, Additions> {
        match self.changes.as_slice() {
            [] => Cow::Borrowed(&self.figures),
            [change] if self.figures.is_empty() => Cow::Borrowed(&change.figures),
            changes => {
                let mut additions = self.figures.clone();
                for change in changes {
                    additions.extend(change.figures.clone());
                }
                Cow::Owned(additions)
            }
        }
    }

    /// Claims a step that the plan opens, if it is due now, as if its wake-up had come. Only a request that goes on has
    /// one: after a merge none is claimed.
    pub fn claim(&mut self, wanted: Wanted, now: Timestamp) -> Option<(WorkRow, LeadRequest)> {
        let [change] = self.changes.as_mut_slice() else {
            return None;
        };
        let opened = |row: &&mut WorkRow| row.key.stage == wanted.stage && row.claims == 0;
        let row = change.put.iter_mut().find(opened)?;
        let key = row.key.clone();
        if row.claim(row.token, now, wanted.lease) != ClaimResult::Claimed {
            return None;
        }
        let row = row.clone();
        self.wakes.retain(|wake| wake.key != key);
        change.request.status = claimed_status(change.request.status);
        Some((row, change.request.clone()))
    }
}

/// What a claim makes of a request's status.
pub fn claimed_status(status: Status) -> Status {
    if status == Status::Received {
        Status::Processing
    } else {
        status
    }
}

/// Parks a row that was claimed too often; `state` is as re-read after [`WorkRow::claim`] said so.
pub fn crash_loop(mut state: RequestState, row: WorkRow, now: Timestamp) -> Plan {
    let detail = row.reason.clone().map(|reason| text::bounded(&reason, 500));
    state.note_step(now, &row.key, "parked", detail);
    if row.key.stage == Stage::Dispatch {
        mark_dispatch(&mut state.request.document, &row);
    }
    state.work.insert(row);
    state.advance(now, Duration::ZERO, None);
    close(state, Vec::new(), now)
}
