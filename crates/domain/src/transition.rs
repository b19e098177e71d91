//! What one transaction does to a request: read its state, change it by these functions, write the [`Change`]s back.
//!
//! Every decision is made here, so that stores only read and write, and cannot differ.

use std::{mem, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Alias, Audio, CallFacts, Claim, ConnectionName, DispatchSection, DispatchState, Document,
    EventId, LeadRequest, NextTry, OfficeId, OpenWork, Outcome, ParkCause, RequestId, RetryPolicy,
    Revisions, Section, SourceId, SourceSection, Stage, Status, TenantId, Wake, WorkKey, WorkRow,
    WorkState, later, text, workflow,
};

mod handles;

pub use handles::{Ruling, Undecidable, decide, redrive, release, replay};

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
    /// Steps whose row goes.
    pub delete: Vec<(Stage, String)>,
    /// Timeline entries to add, in order.
    pub log: Vec<LogEntry>,
    /// Whether the status is another one now: then a store with an [`Outbox`](crate::Outbox) tells the outside.
    pub is_announced: bool,
}

/// An entry of a request's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When.
    pub at: Timestamp,
    /// Which stage; none for the request as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// For a dispatch, its connection.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// What happened, in a word: `received`, `done`, `waiting`, `retry`, `held`, `released`, `parked`, `redriven`,
    /// `replayed`, `approved`, `rejected`, `withdrawn`, `merged`, `merging`, `kept_apart`, or a terminal status.
    pub outcome: String,
    /// What happened, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How long the step took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// What a transaction writes, and what may be handed over once it is committed.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The requests to write.
    pub changes: Vec<Change>,
    /// Each request that was merged, and the one that it became part of, in this order: its records move.
    pub merged: Vec<(RequestId, RequestId)>,
    /// Rows that are due now.
    pub wakes: Vec<Wake>,
}

/// The token is not the row's: somebody else has it, or it is gone. Nothing may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the claim is no longer valid")]
pub struct Stale;

/// What a delivery says, as a source reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Inbound {
    /// The names of the thing, canonical first.
    pub aliases: Vec<Alias>,
    /// Whether it reports an edit of something that is known.
    pub is_modified: bool,
    /// How long to wait for a later event before working on a new request.
    pub delay: Duration,
    /// The call.
    pub call: CallFacts,
}

/// Where a delivery came from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Whose it is.
    pub tenant: TenantId,
    /// The provider's slug.
    pub provider: String,
    /// The configured source.
    pub source: SourceId,
    /// The source's office.
    pub office: Option<OfficeId>,
    /// The stored delivery.
    pub event: EventId,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

/// What a settle needs to know beside the outcome.
#[derive(Debug, Clone, Copy)]
pub struct SettleContext<'a> {
    /// The time of the transaction.
    pub now: Timestamp,
    /// The lanes.
    pub retry: &'a RetryPolicy,
    /// For a hold: the version that the connection's secret has now.
    pub connection_version: Option<u64>,
    /// A random number from 0 to 1, for jitter.
    pub draw: f64,
    /// How long the step took.
    pub duration: Duration,
}

impl RequestState {
    /// The state as it was read.
    pub fn new(request: LeadRequest, rows: Vec<WorkRow>) -> Self {
        let before = Some(request.status);
        Self {
            request,
            work: OpenWork::new(rows),
            log: Vec::new(),
            before,
        }
    }

    /// The request.
    pub const fn request(&self) -> &LeadRequest {
        &self.request
    }

    /// Opens the steps that should be open, and takes back those that must not be.
    fn advance(&mut self, now: Timestamp, first_delay: Duration, traceparent: Option<&str>) {
        if workflow::is_kept_back(&self.request.document) {
            self.withdraw(now);
        }
        for step in workflow::next(&self.request, &self.work) {
            let key = self.key(step.stage, &step.target);
            match step.stage {
                Stage::Notification => {
                    self.request.document.notifications = Some(Default::default());
                }
                Stage::Dispatch => self.open_dispatch(&step.target),
                Stage::Reading | Stage::Recording | Stage::Transcript | Stage::Analysis => {}
            }
            let delay = step.delay.max(first_delay);
            let mut row = WorkRow::new(key, now, delay, traceparent.map(str::to_owned));
            row.token = WorkRow::first_token(self.request.version);
            self.work.insert(row);
        }
    }

    /// Takes back what would still reach CRM or people although the request is kept back now. What runs ends, and is
    /// not run again. Should a person let the request through, the steps open anew.
    fn withdraw(&mut self, now: Timestamp) {
        let outward: Vec<_> = self
            .work
            .iter()
            .filter(|row| matches!(row.key.stage, Stage::Dispatch | Stage::Notification))
            .map(|row| row.key.clone())
            .collect();
        for key in outward {
            let is_running = self.work.change(&key, |row| {
                row.again = false;
                matches!(row.state, WorkState::InFlight { .. })
            });
            if is_running == Some(true) {
                continue;
            }
            self.work.remove(&key);
            let document = &mut self.request.document;
            if key.stage == Stage::Notification {
                document.notifications.take_if(|section| !section.is_done);
            } else if let Some(section) = dispatch_mut(document, &key.target)
                && section.state != DispatchState::Done
            {
                section.state = DispatchState::Pending;
                section.reason = Some("not sent: the request is kept back".to_owned());
            }
            self.log.push(LogEntry {
                at: now,
                stage: Some(key.stage),
                target: key.target,
                outcome: "withdrawn".to_owned(),
                detail: Some("the request is kept back".to_owned()),
                duration_ms: None,
            });
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
                contact_id: None,
                deal_id: None,
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

    /// Whether CRM or people may have seen it.
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

    /// Writes the status and closes the state: what to store, and what is due now.
    fn finish(mut self, now: Timestamp, wakes: &mut Vec<Wake>) -> Change {
        let document = &mut self.request.document;
        if document.recording.is_some() {
            document.contact = workflow::contact(&document.call());
        }
        let status = workflow::status(document, &self.work);
        if status.is_terminal() && self.before != Some(status) {
            self.note(now, status.as_str(), None);
        }
        self.request.status = status;
        self.request.version += 1;
        self.request.updated_at = now;
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
            is_announced: self.before != Some(status),
        }
    }
}

/// A new request from a first delivery; `unread` says why it could not be read.
pub fn receive(
    id: RequestId,
    origin: &Origin,
    inbound: Result<Inbound, String>,
    now: Timestamp,
) -> Plan {
    let (call, is_modified, delay, unread) = match inbound {
        Ok(inbound) => (inbound.call, inbound.is_modified, inbound.delay, None),
        Err(reason) => (CallFacts::default(), false, Duration::ZERO, Some(reason)),
    };
    let document = Document {
        source: SourceSection {
            provider: origin.provider.clone(),
            source: origin.source,
            office: origin.office,
            events: 1,
            last_event: origin.event,
            is_modified,
            unread: unread.clone(),
            call,
        },
        revisions: Revisions::default(),
        contact: Default::default(),
        recording: None,
        transcript: None,
        analysis: None,
        qualification: None,
        verdict: None,
        dispatches: Default::default(),
        notifications: None,
        merged_into: None,
        erased: false,
    };
    let request = LeadRequest {
        id,
        tenant: origin.tenant.clone(),
        version: 0,
        created_at: now,
        updated_at: now,
        status: Status::Received,
        person: None,
        document,
    };
    let mut state = RequestState {
        request,
        work: OpenWork::default(),
        log: Vec::new(),
        before: None,
    };
    state.note(
        now,
        "received",
        Some(format!("first delivery by {}", origin.provider)),
    );
    state.advance(now, delay, origin.traceparent.as_deref());
    if let Some(reason) = unread {
        let key = state.key(Stage::Reading, "");
        state
            .work
            .change(&key, |row| row.park(ParkCause::Unreadable, reason, None));
    }
    let mut plan = Plan::default();
    let change = state.finish(now, &mut plan.wakes);
    plan.changes.push(change);
    plan
}

/// A later delivery of something that is known. `others` are further requests that its aliases belong to.
pub fn receive_again(
    mut state: RequestState,
    others: Vec<RequestState>,
    origin: &Origin,
    inbound: &Inbound,
    now: Timestamp,
) -> Plan {
    let document = &mut state.request.document;
    let before = document.call();
    let source = &mut document.source;
    source.events += 1;
    source.last_event = origin.event;
    source.unread = None;
    if !source.has_overtaken(inbound)
        && let Some(recording) = &mut document.recording
        && mem::take(&mut recording.is_refetched)
    {
        // From here on the deliveries know better than the API; what it said of labels stays until they differ.
        source.call.overlay(&before.labels());
    }
    source.hear(inbound);
    let mut reentry = workflow::reenter(&before, &document.call());
    reentry.recording |=
        inbound.call.has_recording == Some(true) && workflow::is_audio_missing(document);
    state.note(
        now,
        "received",
        Some(format!("later delivery by {}", origin.provider)),
    );
    rework(&mut state, reentry, inbound.delay, origin, now);
    close(state, others, now)
}

/// A delivery that repeats an older one than the newest: the thing may have changed back, so its API is asked.
pub fn refetch(mut state: RequestState, origin: &Origin, now: Timestamp) -> Plan {
    let document = &mut state.request.document;
    document.source.last_event = origin.event;
    if !workflow::is_kept_back(document) {
        // A first look that is still to come is such an answer, too: its labels outrank those of the deliveries.
        document.revisions.recording += 1;
    }
    state.note(
        now,
        "received",
        Some("an older delivery came again: the provider is asked".to_owned()),
    );
    let nothing_else = workflow::Reentry::default();
    rework(&mut state, nothing_else, Duration::ZERO, origin, now);
    close(state, Vec::new(), now)
}

/// Makes stages run again, unless the request is kept back: then later events are stored only.
fn rework(
    state: &mut RequestState,
    reentry: workflow::Reentry,
    delay: Duration,
    origin: &Origin,
    now: Timestamp,
) {
    let document = &mut state.request.document;
    if workflow::is_kept_back(document) {
        // This opens nothing now. Should the request be let through, the CRMs learn what was stored in between.
        document.revisions.dispatch += u32::from(reentry.dispatch);
        // What a person wanted to run again may have waited for just this delivery.
        state.advance(now, Duration::ZERO, origin.traceparent.as_deref());
        return;
    }
    workflow::raise(document, &state.work, reentry);
    let open: Vec<_> = state.work.iter().map(|row| row.key.clone()).collect();
    for key in open {
        let is_concerned = match key.stage {
            Stage::Reading => true,
            // It may be waiting for just this event.
            Stage::Recording => true,
            Stage::Transcript | Stage::Notification => false,
            Stage::Analysis => reentry.qualification,
            Stage::Dispatch => reentry.dispatch,
        };
        if is_concerned {
            state.work.change(&key, |row| row.enqueue_again(now, delay));
        }
    }
    state.advance(now, Duration::ZERO, origin.traceparent.as_deref());
}

/// Settles claimed work. `others` are requests that the outcome's aliases belong to, or the one to merge with.
///
/// # Errors
/// [`Stale`] when the claim is not valid any more: then nothing is written.
pub fn settle(
    mut state: RequestState,
    others: Vec<RequestState>,
    claim: &Claim,
    outcome: Outcome,
    context: SettleContext<'_>,
) -> Result<Plan, Stale> {
    let SettleContext { now, .. } = context;
    let key = &claim.key;
    let row = state.work.get(key.stage, &key.target).ok_or(Stale)?;
    if row.token != claim.token || !matches!(row.state, WorkState::InFlight { .. }) {
        return Err(Stale);
    }
    let traceparent = row.traceparent.clone();
    let previous_reason = row.reason.clone();
    let word = outcome.word();
    let is_wait = matches!(outcome, Outcome::Wait { .. });
    let outcome = mergeable(&state, &others, outcome);
    let is_done = matches!(outcome, Outcome::Done { .. } | Outcome::Merge { .. });
    if let Outcome::Done { sections, .. } = &outcome {
        for section in sections {
            apply(&mut state, section.clone());
        }
    }
    let runs_again = state.work.change(key, |row| {
        row.token += 1;
        row.claims = 0;
        settle_row(row, outcome, context);
        mem::take(&mut row.again)
    });
    let row = state.work.get(key.stage, &key.target).ok_or(Stale)?.clone();
    if is_done {
        if runs_again == Some(true) {
            state.work.change(key, |row| row.afresh(now));
            if let Some(recording) = &mut state.request.document.recording
                && key.stage == Stage::Recording
            {
                // It may have answered before the news that it is asked again for.
                recording.is_refetched = false;
            }
        } else {
            state.work.remove(key);
        }
    } else if key.stage == Stage::Dispatch {
        mark_dispatch(&mut state.request.document, &row);
    }
    let is_parked = matches!(row.state, WorkState::Parked { .. });
    // A row that polls would fill the timeline: a wait is noted when it is new.
    if !is_wait || is_parked || row.reason != previous_reason {
        let word = if is_parked { "parked" } else { word };
        state.log.push(LogEntry {
            at: now,
            stage: Some(key.stage),
            target: key.target.clone(),
            outcome: word.to_owned(),
            detail: if is_done { None } else { row.reason.clone() },
            duration_ms: Some(u64::try_from(context.duration.as_millis()).unwrap_or(u64::MAX)),
        });
    }
    state.advance(now, Duration::ZERO, traceparent.as_deref());
    Ok(close(state, others, now))
}

/// An outcome that says "the same as another" where the two cannot become one would be said again and again: a person
/// must look.
fn mergeable(state: &RequestState, others: &[RequestState], outcome: Outcome) -> Outcome {
    let Outcome::Merge { other } = outcome else {
        return outcome;
    };
    let is_mergeable = others.iter().any(|candidate| {
        candidate.request.id != state.request.id
            && candidate.request.document.merged_into.is_none()
            && !(state.has_effects() && candidate.has_effects())
    });
    if is_mergeable {
        Outcome::Merge { other }
    } else {
        Outcome::Park {
            cause: ParkCause::Permanent,
            reason: format!("is the same as {other}, but cannot be merged with it"),
            answer: None,
        }
    }
}

/// What an outcome other than done makes of its row.
fn settle_row(row: &mut WorkRow, outcome: Outcome, context: SettleContext<'_>) {
    let now = context.now;
    match outcome {
        Outcome::Done { .. } | Outcome::Merge { .. } => {}
        Outcome::Wait {
            until,
            reason,
            deadline,
        } => {
            let last = later(now, RetryPolicy::SLOW_LANE_LIMIT);
            let end = [row.deadline, deadline].into_iter().flatten().min();
            if end.is_some_and(|end| end <= now) {
                row.park(ParkCause::Deadline, reason, None);
                return;
            }
            // Once it has failed, the row's deadline is the end of the slow lane; the wait's own still counts here.
            if row.failures == 0 {
                row.deadline = Some(end.unwrap_or(last));
            }
            if row.again {
                row.ready(now, now);
            } else {
                row.waits = row.waits.saturating_add(1);
                row.ready(until.min(end.unwrap_or(last)), now);
            }
            row.reason = Some(reason);
        }
        Outcome::Retry {
            after,
            reason,
            answer,
        } => {
            let mut give_up_at = row.deadline.unwrap_or(now);
            if row.failures == 0 {
                give_up_at = give_up_at.max(later(now, RetryPolicy::SLOW_LANE_LIMIT));
            }
            row.failures = row.failures.saturating_add(1);
            row.deadline = Some(give_up_at);
            match context
                .retry
                .next_try(row.failures, now, give_up_at, after, context.draw)
            {
                NextTry::At(at, lane) => {
                    row.ready(at, now);
                    row.lane = lane;
                    row.reason = Some(reason);
                    row.answer = answer;
                }
                NextTry::Exhausted => row.park(ParkCause::Exhausted, reason, answer),
            }
        }
        Outcome::Hold {
            connection,
            version,
            reason,
            answer,
        } => {
            row.reason = Some(reason);
            row.answer = answer;
            if context
                .connection_version
                .is_some_and(|current| current > version)
            {
                // The secret was replaced while the step ran: it deserves a try at once.
                row.ready(now, now);
            } else {
                row.state = WorkState::Held {
                    connection,
                    version,
                };
                row.next_wake_at = None;
            }
        }
        Outcome::Park {
            cause,
            reason,
            answer,
        } => row.park(cause, reason, answer),
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

/// Writes a section, and raises what depends on it.
fn apply(state: &mut RequestState, section: Section) {
    let (document, open) = (&mut state.request.document, &state.work);
    match section {
        Section::Source(read) => {
            let before = document.call();
            let source = &mut document.source;
            if source.last_event == read.last_event {
                *source = *read;
            } else {
                // Later deliveries came while it was read: what they said stands.
                source.unread = None;
                source.is_modified |= read.is_modified;
                source.call = source.call.or(&read.call);
            }
            let after = document.call();
            let mut reentry = workflow::reenter(&before, &after);
            // Whether what was read again is the newest, the provider knows.
            reentry.recording |= before != after;
            workflow::raise(document, open, reentry);
        }
        Section::Recording(mut recording) => {
            let before = document.call();
            if let (Audio::Absent { .. }, Some(known)) = (&recording.audio, &document.recording) {
                // What was archived stays, whatever the provider has now.
                recording.audio.clone_from(&known.audio);
            }
            document.recording = Some(*recording);
            document.revisions.awaits_recording &= workflow::needs_recording(document);
            let after = document.call();
            // What only the API knows counts as a later event's news.
            let reentry = workflow::Reentry {
                recording: false,
                ..workflow::reenter(&before, &after)
            };
            workflow::raise(document, open, reentry);
        }
        Section::Transcript(transcript) => {
            workflow::raise_analysis(document, open);
            document.transcript = Some(transcript);
        }
        Section::Analysis(analysis) => {
            document.revisions.dispatch += 1;
            document.analysis = Some(*analysis);
        }
        Section::Qualification(qualification) => document.qualification = Some(qualification),
        Section::Dispatch(name, dispatch) => {
            document.dispatches.insert(name, dispatch);
        }
        Section::Notifications(notifications) => document.notifications = Some(notifications),
    }
}

/// Merges what turned out to be the same, then closes every state.
fn close(state: RequestState, others: Vec<RequestState>, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    let mut survivor = state;
    for other in others {
        let id = other.request.id;
        if id == survivor.request.id
            || other.request.document.merged_into.is_some()
            || plan.merged.iter().any(|(from, _)| *from == id)
        {
            continue;
        }
        match merge(survivor, other, now) {
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

/// Makes one of two requests that are the same thing: `(winner, loser)`. The one that has had effects wins, else the
/// older; two that both had effects stay apart, because a CRM already shows both.
fn merge(
    a: RequestState,
    b: RequestState,
    now: Timestamp,
) -> Result<(RequestState, RequestState), Box<RequestState>> {
    let (mut winner, mut loser) = match (a.has_effects(), b.has_effects()) {
        (true, true) => {
            let mut apart = a;
            apart.note(
                now,
                "kept_apart",
                Some(format!(
                    "{} is the same, but both were dispatched",
                    b.request.id
                )),
            );
            return Err(Box::new(apart));
        }
        (true, false) => (a, b),
        (false, true) => (b, a),
        (false, false) if a.request.id < b.request.id => (a, b),
        (false, false) => (b, a),
    };
    let (into, from) = (&mut winner.request.document, &loser.request.document);
    let before = into.call();
    // A row of one that has looked already looks once more, for news that came meanwhile.
    let looks_again = !workflow::needs_recording(into);
    // An edit outranks first reports; of the same kind, what was delivered last counts.
    let rank = |document: &Document| (document.source.is_modified, document.source.last_event);
    let (newer, older) = if rank(from) > rank(into) {
        (from.told(), into.told())
    } else {
        (into.told(), from.told())
    };
    // An older delivery may have come last, and the provider's answer later than either: where they do not agree, it
    // is asked again.
    let is_asked_again = newer.or(&older).labels() != older.or(&newer).labels();
    into.source.call = newer.or(&older);
    into.source.is_modified |= from.source.is_modified;
    into.source.events += from.source.events;
    into.source.last_event = into.source.last_event.max(from.source.last_event);
    if into.source.unread.is_some() && from.source.unread.is_none() {
        into.source.unread = None;
    }
    let has_audio = |document: &Document| {
        matches!(
            document.recording.as_ref().map(|section| &section.audio),
            Some(Audio::Stored { .. })
        )
    };
    let revisions = &mut into.revisions;
    revisions.recording = revisions.recording.max(from.revisions.recording);
    revisions.analysis = revisions.analysis.max(from.revisions.analysis);
    revisions.transcript = revisions.transcript.max(from.revisions.transcript);
    revisions.notification = revisions.notification.max(from.revisions.notification);
    if into.recording.is_none() || (!has_audio(into) && has_audio(from)) {
        into.recording.clone_from(&from.recording);
    }
    if let Some(recording) = &mut into.recording {
        recording.is_refetched = false;
    }
    let is_judged_by_winner = into.analysis.is_some() || winner.work.is_running(Stage::Analysis);
    let read = if is_judged_by_winner {
        &into.transcript
    } else {
        &from.transcript
    };
    let is_read = into.transcript.as_ref().or(from.transcript.as_ref()) == read.as_ref();
    if into.transcript.is_none() {
        into.transcript.clone_from(&from.transcript);
    }
    if !is_judged_by_winner {
        into.analysis.clone_from(&from.analysis);
    }
    if !is_read {
        workflow::raise_analysis(into, &winner.work);
    }
    if into.verdict.is_none() {
        into.verdict.clone_from(&from.verdict);
    }
    into.revisions.recording += u32::from(is_asked_again);
    let reentry = workflow::reenter(&before, &into.call());
    // What the other knew is no later event: it counts although the request may be kept back.
    workflow::raise(into, &winner.work, reentry);

    loser.request.document.merged_into = Some(winner.request.id);
    loser.work.remove_all();
    winner.note(
        now,
        "merged",
        Some(format!("{} was the same", loser.request.id)),
    );
    loser.note(
        now,
        "merging",
        Some(format!("is the same as {}", winner.request.id)),
    );
    // Steps that the merge made needless go; the others run on the new document.
    let done: Vec<_> = winner
        .work
        .iter()
        .filter(|row| match row.key.stage {
            Stage::Reading => winner.request.document.source.unread.is_none(),
            Stage::Recording => {
                !looks_again && !workflow::needs_recording(&winner.request.document)
            }
            Stage::Transcript => !workflow::needs_transcript(&winner.request.document),
            Stage::Analysis | Stage::Dispatch | Stage::Notification => false,
        })
        .map(|row| row.key.clone())
        .collect();
    for key in &done {
        winner.work.remove(key);
    }
    let waiting = winner.key(Stage::Recording, "");
    winner
        .work
        .change(&waiting, |row| row.enqueue_again(now, Duration::ZERO));
    winner.advance(now, Duration::ZERO, None);
    Ok((winner, loser))
}

/// Parks a row that was claimed too often; `state` is as re-read after [`WorkRow::claim`] said so.
pub fn crash_loop(mut state: RequestState, row: WorkRow, now: Timestamp) -> Plan {
    let detail = row.reason.clone().map(|reason| text::bounded(&reason, 500));
    state.log.push(LogEntry {
        at: now,
        stage: Some(row.key.stage),
        target: row.key.target.clone(),
        outcome: "parked".to_owned(),
        detail,
        duration_ms: None,
    });
    if row.key.stage == Stage::Dispatch {
        mark_dispatch(&mut state.request.document, &row);
    }
    state.work.insert(row);
    state.advance(now, Duration::ZERO, None);
    close(state, Vec::new(), now)
}
