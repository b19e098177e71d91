//! What people do to a request: let stopped work run again, decide about what is withheld, replay stages.

use std::time::Duration;

use jiff::Timestamp;

use super::{Plan, RequestState, close, mark_dispatch};
use crate::{
    ConnectionName, MAX_TOUCHES, NewTouch, NotificationsSection, Stage, Status, Touch, Verdict,
    VerdictKind, WorkKey, WorkState,
    workflow::{self, Route},
};

/// The request is in no state for what was asked; says what would have to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undecidable(pub(super) String);

/// What a person decides about a request that is withheld. Each is for one state alone, so that of two people who decide
/// at the same moment one learns that it was decided already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewAction {
    /// What is in review is no spam.
    Approve,
    /// What is in review is spam.
    Reject,
    /// What is quarantined is no spam after all; what is outside the service area is worth the way.
    Release,
}

/// Why what is held for a connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseReason {
    /// Its secret was replaced.
    Replaced,
    /// Its provider takes the secret again.
    Accepted,
    /// There is no such connection any more.
    Removed,
}

/// Releases what is held for a connection.
pub fn release(
    mut state: RequestState,
    connection: &ConnectionName,
    reason: ReleaseReason,
    now: Timestamp,
) -> Plan {
    let held = keys(
        &state,
        |row| matches!(&row.state, WorkState::Held { connection: held, .. } if held == connection),
    );
    let detail = match reason {
        ReleaseReason::Replaced => format!("the secret of {connection} was replaced"),
        ReleaseReason::Accepted => format!("the secret of {connection} is taken again"),
        ReleaseReason::Removed => format!("the connection {connection} was removed"),
    };
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

/// Writes a person's verdict, and goes on from there; `by` decided.
///
/// # Errors
/// [`Undecidable`] when the request does not wait for this.
pub fn decide(
    mut state: RequestState,
    action: ReviewAction,
    by: &str,
    now: Timestamp,
) -> Result<Plan, Undecidable> {
    let document = &mut state.request.document;
    let is_open = !document.erased && document.merged_into.is_none();
    let decision = workflow::route(document).filter(|_| is_open);
    let overrules_area = decision == Some(Route::OutOfArea);
    let (decision, word) = match (action, decision) {
        (ReviewAction::Approve, Some(Route::Review)) => (VerdictKind::Approved, "approved"),
        (ReviewAction::Reject, Some(Route::Review)) => (VerdictKind::Rejected, "rejected"),
        (ReviewAction::Release, Some(Route::Quarantine | Route::OutOfArea)) => {
            (VerdictKind::Approved, "released")
        }
        (action, decision) => {
            return Err(undecidable(action, decision, state.request.status));
        }
    };
    document.verdict = Some(Verdict {
        decision,
        by: by.to_owned(),
        at: now,
        overrules_area,
    });
    state.note(now, word, Some(format!("by {by}")));
    state.advance(now, Duration::ZERO, None);
    Ok(close(state, Vec::new(), now))
}

fn undecidable(action: ReviewAction, decision: Option<Route>, status: Status) -> Undecidable {
    let status = status.as_str();
    Undecidable(match (action, decision) {
        (ReviewAction::Approve, Some(Route::Quarantine)) => {
            "The request is quarantined. To let it go on, release it.".to_owned()
        }
        (ReviewAction::Approve, Some(Route::OutOfArea)) => {
            "The request is outside the service area. To let it go on, release it.".to_owned()
        }
        (ReviewAction::Reject, Some(Route::Quarantine)) => {
            "The request is quarantined already.".to_owned()
        }
        (ReviewAction::Release, Some(Route::Review)) => {
            "The request is in review. To let it go on, approve it.".to_owned()
        }
        (ReviewAction::Approve | ReviewAction::Reject, _) => format!(
            "The request is `{status}`. Only one that is in review can be approved or rejected."
        ),
        (ReviewAction::Release, _) => {
            format!(
                "The request is `{status}`. Only one that is quarantined or outside the service area can be released."
            )
        }
    })
}

/// Notes that somebody got in touch with the person, or tried to: `by` says so. Nothing runs again.
///
/// # Errors
/// [`Undecidable`] when the request is erased, or has [`MAX_TOUCHES`] already.
pub fn touch(
    mut state: RequestState,
    touch: NewTouch,
    by: &str,
    now: Timestamp,
) -> Result<Plan, Undecidable> {
    let document = &mut state.request.document;
    if document.erased {
        return Err(Undecidable(
            "The request's personal data is erased, so nothing is noted of it.".to_owned(),
        ));
    }
    if document.touches.len() >= MAX_TOUCHES {
        return Err(Undecidable(format!(
            "The request has {MAX_TOUCHES} touches, and no more are kept: note it in the CRM."
        )));
    }
    document.touches.push(Touch {
        kind: touch.kind,
        outcome: touch.outcome,
        note: touch.note,
        by: by.to_owned(),
        at: now,
    });
    state.note(now, "touched", Some(format!("by {by}")));
    Ok(close(state, Vec::new(), now))
}

/// Has a request run again from a stage on, that stage included; `by` asked for it. What stopped there runs again too.
/// People are notified again only when the stage is [`Stage::Notification`].
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
    if workflow::is_withheld(document) && matches!(from, Stage::Dispatch | Stage::Notification) {
        return refused("it is withheld from CRMs and people; approve or release it instead");
    }
    let channel = document.channel();
    let Some(start) = channel.position(from) else {
        return refused(&format!("the channel `{channel}` has no stage `{from}`"));
    };
    match from {
        Stage::Reading => {
            let why = format!("{by} wants it read again");
            document.source.unread.get_or_insert(why);
        }
        Stage::Details
        | Stage::Documents
        | Stage::Recording
        | Stage::Transcript
        | Stage::Booking
        | Stage::Analysis => {
            for stage in channel.pipeline().skip(start) {
                document.revisions.raise(stage);
            }
            // Whoever asks for it now does not wait until the chat pauses.
            document.talk = None;
            // An earlier replay that is still under way waits on from its own stage.
            let awaited = document.awaits.and_then(|stage| channel.position(stage));
            if awaited.is_none_or(|awaited| start < awaited) {
                document.awaits = Some(from);
            }
            workflow::end_wait(document);
        }
        Stage::Dispatch => {
            document.revisions.raise(Stage::Dispatch);
            for section in document.dispatches.values_mut() {
                // Somebody may have changed the CRM's records since, so they are written whole.
                section.fields_hash = None;
            }
        }
        Stage::Notification => {
            let is_parked = |row: &crate::WorkRow| matches!(row.state, WorkState::Parked { .. });
            if state
                .work
                .get(Stage::Notification, "")
                .is_some_and(is_parked)
            {
                return refused("its notification waits for a person; redrive it instead");
            }
            if state.work.has(Stage::Notification, "")
                || document
                    .notifications
                    .as_ref()
                    .is_none_or(|section| !section.is_done)
            {
                return refused("people are not notified yet; let the first messages end");
            }
            document.notifications = None;
            document.revisions.raise(Stage::Notification);
        }
    }
    let detail = format!("from {from} on, by {by}");
    state.note(now, "replayed", Some(detail.clone()));
    let stopped = keys(&state, |row| {
        let is_behind = channel
            .position(row.key.stage)
            .is_some_and(|at| at >= start);
        is_behind && is_stopped(&row.state)
    });
    for key in &stopped {
        run_again(&mut state, key, "redriven", &detail, now);
    }
    // A row of the stage that is in flight has seen the old state.
    for key in keys(&state, |row| row.key.stage == from) {
        state
            .work
            .change(&key, |row| row.request_rerun(now, Duration::ZERO));
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
    let document = &mut state.request.document;
    if key.stage == Stage::Notification
        && let Some(section) = &mut document.notifications
        && section.is_done
        && section.told_nobody()
    {
        // Those messages have ended: others, by other names, go out. Whoever was told is not told again.
        *section = NotificationsSection::default();
        document.revisions.raise(Stage::Notification);
    }
    if key.stage == Stage::Dispatch
        && let Some(row) = state.work.get(key.stage, &key.target).cloned()
    {
        mark_dispatch(&mut state.request.document, &row);
    }
    state.note_step(now, key, word, Some(detail.to_owned()));
}
