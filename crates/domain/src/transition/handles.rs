//! What people do to a request: let stopped work run again, decide about what was kept back, have stages run anew.

use std::time::Duration;

use jiff::Timestamp;

use super::{LogEntry, Plan, RequestState, close, mark_dispatch};
use crate::{
    ConnectionName, Stage, Verdict, VerdictKind, WorkKey, WorkState,
    workflow::{self, Decision},
};

/// The request is in no state for what was asked; says what would have to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undecidable(String);

/// Releases what is held for a connection whose secret was replaced.
pub fn release(mut state: RequestState, connection: &ConnectionName, now: Timestamp) -> Plan {
    let held = keys(
        &state,
        |row| matches!(&row.state, WorkState::Held { connection: held, .. } if held == connection),
    );
    let detail = format!("the secret of {connection} was replaced");
    for key in &held {
        run_again(&mut state, key, "released", &detail, now);
    }
    close(state, Vec::new(), now)
}

/// Lets held and parked rows run again, as if they were new; `by` asked for it. None when none of `asked` is stopped.
pub fn redrive(
    mut state: RequestState,
    asked: &[WorkKey],
    by: &str,
    now: Timestamp,
) -> Option<(Vec<WorkKey>, Plan)> {
    let stopped = keys(&state, |row| {
        is_stopped(&row.state) && asked.contains(&row.key)
    });
    if stopped.is_empty() {
        return None;
    }
    for key in &stopped {
        run_again(&mut state, key, "redriven", &format!("by {by}"), now);
    }
    Some((stopped, close(state, Vec::new(), now)))
}

/// Writes a person's verdict, and goes on from there. What is in review can be approved and rejected; what is
/// quarantined can be approved, which releases it.
///
/// # Errors
/// [`Undecidable`] when the request waits for no such verdict.
pub fn decide(
    mut state: RequestState,
    verdict: Verdict,
    now: Timestamp,
) -> Result<Plan, Undecidable> {
    let document = &mut state.request.document;
    let is_open = !document.erased && document.merged_into.is_none();
    let word = match (workflow::decision(document), verdict.decision) {
        (Some(Decision::Review), VerdictKind::Approved) if is_open => "approved",
        (Some(Decision::Review), VerdictKind::Rejected) if is_open => "rejected",
        (Some(Decision::Quarantine), VerdictKind::Approved) if is_open => "released",
        (_, kind) => {
            let wanted = match kind {
                VerdictKind::Approved => "in review or quarantined",
                VerdictKind::Rejected => "in review",
            };
            return Err(Undecidable(format!(
                "the request is `{}`: only one that is {wanted} can be decided so",
                state.request.status.as_str()
            )));
        }
    };
    let detail = format!("by {}", verdict.by);
    document.verdict = Some(verdict);
    state.note(now, word, Some(detail));
    state.advance(now, Duration::ZERO, None);
    Ok(close(state, Vec::new(), now))
}

/// Has a request run again from a stage on, that stage included; `by` asked for it. What stopped there runs again too.
/// People are told again only when the stage is [`Stage::Notification`].
///
/// # Errors
/// [`Undecidable`] when the stage cannot run on this request.
pub fn replay(
    mut state: RequestState,
    from: Stage,
    by: &str,
    now: Timestamp,
) -> Result<Plan, Undecidable> {
    let status = state.request.status.as_str();
    let document = &mut state.request.document;
    let refused = |why: &str| Err(Undecidable(format!("the request is `{status}`: {why}")));
    if document.erased || document.merged_into.is_some() {
        return refused("nothing of it can run again");
    }
    if document.source.unread.is_some() && from != Stage::Reading {
        return refused("its delivery was never read; replay it from `reading`");
    }
    if workflow::is_kept_back(document) && matches!(from, Stage::Dispatch | Stage::Notification) {
        return refused("it is kept from CRMs and people; approve or release it instead");
    }
    let revisions = &mut document.revisions;
    match from {
        Stage::Reading => {
            let why = format!("{by} wants it read again");
            document.source.unread.get_or_insert(why);
        }
        Stage::Recording => {
            revisions.recording += 1;
            revisions.transcript += 1;
            revisions.analysis += 1;
            revisions.awaits_recording = true;
        }
        Stage::Transcript => {
            revisions.transcript += 1;
            revisions.analysis += 1;
        }
        Stage::Analysis => revisions.analysis += 1,
        Stage::Dispatch => {
            revisions.dispatch += 1;
            for section in document.dispatches.values_mut() {
                // What the CRM has now is not known to be what was written: write it whole.
                section.fields_hash = None;
            }
        }
        Stage::Notification => {
            if state.work.has(Stage::Notification, "")
                || document
                    .notifications
                    .as_ref()
                    .is_none_or(|section| !section.is_done)
            {
                return refused("people are not told yet; let the first messages end");
            }
            document.notifications = None;
            revisions.notification += 1;
        }
    }
    let detail = format!("from {from} on, by {by}");
    state.note(now, "replayed", Some(detail.clone()));
    let stopped = keys(&state, |row| {
        row.key.stage >= from && is_stopped(&row.state)
    });
    for key in &stopped {
        run_again(&mut state, key, "redriven", &detail, now);
    }
    // A row of the stage that is at work has seen the old state.
    for key in keys(&state, |row| row.key.stage == from) {
        state.work.change(&key, |row| {
            row.enqueue_again(now, Duration::ZERO);
        });
    }
    state.advance(now, Duration::ZERO, None);
    Ok(close(state, Vec::new(), now))
}

const fn is_stopped(state: &WorkState) -> bool {
    matches!(state, WorkState::Held { .. } | WorkState::Parked { .. })
}

fn keys(state: &RequestState, is_meant: impl Fn(&crate::WorkRow) -> bool) -> Vec<WorkKey> {
    state
        .work
        .iter()
        .filter(|row| is_meant(row))
        .map(|row| row.key.clone())
        .collect()
}

/// Lets a stopped row run now, and says so.
fn run_again(state: &mut RequestState, key: &WorkKey, word: &str, detail: &str, now: Timestamp) {
    state.work.change(key, |row| row.release(now));
    if key.stage == Stage::Dispatch
        && let Some(row) = state.work.get(key.stage, &key.target).cloned()
    {
        mark_dispatch(&mut state.request.document, &row);
    }
    state.log.push(LogEntry {
        at: now,
        stage: Some(key.stage),
        target: key.target.clone(),
        outcome: word.to_owned(),
        detail: Some(detail.to_owned()),
        duration_ms: None,
    });
}
