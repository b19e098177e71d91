//! What a provider reports of messages after it took them.

use std::time::Duration;

use jiff::Timestamp;

use super::{Plan, RequestState, close};
use crate::{EffectKey, Message, ParkCause, Receipt, Stage, WorkRow, WorkState, workflow};

/// Messages about a request that will not arrive: they were not sent after all. Where nobody was told then, the request
/// waits for a person. None if the receipts change nothing.
pub fn undelivered(mut state: RequestState, receipts: &[&Receipt], now: Timestamp) -> Option<Plan> {
    let key = state.key(Stage::Notification, "");
    let mut is_changed = false;
    for receipt in receipts {
        let section = state.request.document.notifications.as_mut()?;
        let named = |message: &&mut Message| message.is_sent && is_about(receipt, message);
        if let Some(message) = section.messages.iter_mut().find(named) {
            let reason = receipt.reason_undelivered();
            message.is_sent = false;
            message.reason = Some(reason.clone());
            state.note_step(now, &key, "undelivered", Some(reason));
            is_changed = true;
        }
        let row = state.work.get(Stage::Notification, "");
        if row.is_some_and(|row| matches!(row.state, WorkState::Ready | WorkState::InFlight { .. }))
        {
            // A step that is open may have read the record of the message before this came, and would write it again.
            state
                .work
                .change(&key, |row| row.request_rerun(now, Duration::ZERO));
            is_changed = true;
        }
    }
    if !is_changed {
        return None;
    }
    if !state.work.has(Stage::Notification, "")
        && let Some((reason, answer)) =
            workflow::unreached(&state.request.document, Stage::Notification)
    {
        let mut row = WorkRow::new(key.clone(), now, Duration::ZERO, None);
        row.token = WorkRow::first_token(state.request.version);
        row.park(ParkCause::Unreached, reason.clone(), answer);
        state.work.insert(row);
        state.note_step(now, &key, "parked", Some(reason));
    }
    Some(close(state, Vec::new(), now))
}

/// Whether a receipt is about this message: by our own id of it, else, for one that an earlier build wrote down, by the
/// provider's, with which the one on receipts begins.
fn is_about(receipt: &Receipt, message: &Message) -> bool {
    match (&message.id, &message.provider_id) {
        (Some(id), _) => EffectKey::of_message(id).as_ref() == Some(&receipt.effect),
        (None, Some(id)) => !id.is_empty() && receipt.remote_id.starts_with(id.as_str()),
        (None, None) => false,
    }
}
