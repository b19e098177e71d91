//! A step's outcome: the section is written, and what depends on it runs again.

use std::{mem, time::Duration};

use jiff::Timestamp;

use super::{LogEntry, Plan, RequestState, SettleContext, Stale, close, mark_dispatch};
use crate::{
    Audio, Claim, DetailsAnswer, DetailsSection, NextTry, Outcome, ParkCause, RetryPolicy, Section,
    Stage, Talk, WorkKey, WorkRow, WorkState, later, workflow,
};

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
    let is_wait = matches!(outcome, Outcome::Wait { .. } | Outcome::Pause { .. });
    let outcome = mergeable(&state, &others, outcome);
    if let Outcome::Done { sections, .. } = &outcome {
        for section in sections {
            apply(&mut state, section.clone(), now);
        }
    }
    let outcome = reaching(&mut state, key, outcome);
    let is_done = matches!(outcome, Outcome::Done { .. } | Outcome::Merge { .. });
    let runs_again = state.work.change(key, |row| {
        row.token += 1;
        row.claims = 0;
        settle_row(row, outcome, context);
        mem::take(&mut row.rerun_requested)
    });
    let row = state.work.get(key.stage, &key.target).ok_or(Stale)?.clone();
    if is_done {
        if runs_again == Some(true) {
            state.work.change(key, |row| row.reset(now));
            if let Some(details) = &mut state.request.document.details
                && key.stage == Stage::Details
            {
                // The API may have answered before the event that it is asked again for.
                details.is_newer = false;
            }
        } else {
            state.work.remove(key);
        }
    } else if key.stage == Stage::Dispatch {
        mark_dispatch(&mut state.request.document, &row);
    }
    let is_parked = matches!(row.state, WorkState::Parked { .. });
    // Polling would fill the timeline, so a wait is noted only when its reason is new.
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

/// A merge that cannot happen would be tried forever, so it parks: a person must look.
fn mergeable(state: &RequestState, others: &[RequestState], outcome: Outcome) -> Outcome {
    let Outcome::Merge { other } = outcome else {
        return outcome;
    };
    let is_mergeable = others.iter().any(|candidate| {
        candidate.request.id != state.request.id
            && candidate.request.document.merged_into.is_none()
            && !candidate
                .request
                .document
                .is_other_than(state.request.document.canonical_id())
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

/// A step after which the lead has reached nobody is not done: a person must look, unless it runs again anyway.
fn reaching(state: &mut RequestState, key: &WorkKey, outcome: Outcome) -> Outcome {
    let row = state.work.get(key.stage, &key.target);
    let runs_again = row.is_some_and(|row| row.rerun_requested);
    if runs_again || !matches!(outcome, Outcome::Done { .. }) {
        return outcome;
    }
    let document = &mut state.request.document;
    let Some((reason, answer)) = workflow::unreached(document, key.stage) else {
        return outcome;
    };
    if key.stage == Stage::Analysis {
        // Whoever lets it go on has changed the configuration, which decides anew.
        document.revisions.raise_qualification();
    }
    Outcome::Park {
        cause: ParkCause::Unreached,
        reason,
        answer,
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
            // After a failure the row's deadline is the end of the slow lane, so the wait's own deadline is checked here.
            if row.failures == 0 {
                row.deadline = Some(end.unwrap_or(last));
            }
            if row.rerun_requested {
                row.ready(now, now);
            } else {
                row.waits = row.waits.saturating_add(1);
                row.ready(until.min(end.unwrap_or(last)), now);
            }
            row.reason = Some(reason);
        }
        Outcome::Pause { until } => {
            row.pause(if row.rerun_requested { now } else { until }, now);
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
                .next_try(row.failures, now, give_up_at, after, context.jitter)
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
                // The secret was replaced while the step ran, so the new one is tried at once.
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

/// Writes a section, and raises what depends on it.
fn apply(state: &mut RequestState, section: Section, now: Timestamp) {
    let (document, open) = (&mut state.request.document, &state.work);
    match section {
        Section::Source(read) => {
            let before = document.facts();
            let source = &mut document.source;
            if source.last_event == read.last_event {
                *source = *read;
            } else {
                // Later deliveries arrived while this one was read: what they said stands.
                source.unread = None;
                source.is_modified |= read.is_modified;
                source.said = source.said.or(&read.said);
            }
            let after = document.facts();
            workflow::raise(document, open, workflow::reenter(&before, &after));
            if before != after {
                // Only the provider knows whether the delivery that was read late is the newest state.
                workflow::raise_stage(document, open, Stage::Details);
            }
        }
        Section::Details(mut details) => {
            let before = document.facts();
            if let (DetailsAnswer::Absent(_), Some(known)) = (&details.answer, &document.details)
                && known.facts().is_some()
            {
                // What was answered once stays, but no longer outranks the deliveries' labels.
                details.answer.clone_from(&known.answer);
                details.is_newer = false;
            }
            let is_known = |section: &DetailsSection| section.facts().is_some();
            let is_first_answer =
                is_known(&details) && !document.details.as_ref().is_some_and(is_known);
            document.details = Some(details);
            let after = document.facts();
            // What only the API knows counts like a later event's news.
            let reentry = workflow::reenter(&before, &after);
            workflow::raise(document, open, reentry);
            if reentry.gather == Some(Stage::Analysis) && document.talk.is_none() {
                workflow::note_talk(document, now);
            }
            if is_first_answer && workflow::is_audio_missing(document) {
                // Without details no audio is fetched. Now that they are known, it can be.
                workflow::raise_stage(document, open, Stage::Recording);
            }
        }
        Section::Documents(section) => {
            let before = document.facts();
            document.documents = Some(*section);
            let reentry = workflow::reenter(&before, &document.facts());
            workflow::raise(document, open, reentry);
        }
        Section::Recording(mut recording) => {
            if let (Audio::Absent { .. }, Some(known)) = (&recording.audio, &document.recording) {
                // What was archived stays, whatever the provider has now.
                recording.audio.clone_from(&known.audio);
            }
            document.recording = Some(recording);
        }
        Section::Transcript(transcript) => {
            workflow::raise_stage(document, open, Stage::Analysis);
            document.transcript = Some(transcript);
        }
        Section::Booking(booking) => {
            let known = document.booking.take().unwrap_or_default();
            if !booking.tells_the_same(&known) {
                document.revisions.raise(Stage::Dispatch);
            }
            document.booking = Some(booking);
        }
        Section::Analysis(analysis) => {
            document.revisions.raise(Stage::Dispatch);
            document.analysis = Some(*analysis);
            document.talk = document.talk.map(Talk::judged);
        }
        Section::Qualification(qualification) => document.qualification = Some(qualification),
        Section::Dispatch(name, dispatch) => {
            document.dispatches.insert(name, dispatch);
        }
        Section::Notifications(notifications) => document.notifications = Some(notifications),
    }
    workflow::end_wait(document);
    workflow::end_talk(document);
}
