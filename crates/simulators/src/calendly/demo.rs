//! The demo tenant at Calendly: its people, and samples of its webhooks.

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::bookings::{Booking, Move, Submission, Wanted, derived, fresh, submitted};
use super::{envelope, sign};
use crate::demo::{Choices, Demo, Sample, SampleDelivery};

/// Who subscribed the webhooks, and whom bookings are with.
pub const USER: &str = "https://api.calendly.com/users/CDRSTN0000000001";
/// The key that signs the tenant's webhooks.
pub const SIGNING_KEY: &str = "cal-sign-7b1f3c55d0e94a6f";

/// An event that tells of no booking: its name, and what makes its payload of an id.
macro_rules! other {
    ($event:literal, $payload:ident) => {
        Sample {
            event: $event,
            make: |choices| {
                let id = choices.id.clone().unwrap_or_else(fresh);
                let body = envelope($event, &$payload(&id), choices.at);
                deliver(id, &body, choices)
            },
        }
    };
}

/// The demo tenant at Calendly.
pub(super) static DEMO: Demo = Demo {
    settings: &[],
    accounts: &[USER],
    signing_key: Some(SIGNING_KEY),
    samples: &[
        Sample {
            event: "invitee.created",
            make: |choices| invitee("invitee.created", choices, |booking, _| booking),
        },
        Sample {
            event: "invitee.canceled",
            make: |choices| invitee("invitee.canceled", choices, Booking::canceled),
        },
        Sample {
            event: "invitee.canceled-rescheduled",
            make: |choices| {
                invitee("invitee.canceled", choices, |booking, at| {
                    booking.moved(Move::default(), at).0
                })
            },
        },
        Sample {
            event: "invitee.created-rescheduled",
            make: |choices| {
                invitee("invitee.created", choices, |booking, at| {
                    booking.moved(Move::default(), at).1
                })
            },
        },
        Sample {
            event: "invitee_no_show.created",
            make: |choices| {
                invitee("invitee_no_show.created", choices, |booking, at| {
                    booking.missed(Some(at))
                })
            },
        },
        Sample {
            event: "invitee_no_show.deleted",
            make: |choices| invitee("invitee_no_show.deleted", choices, |booking, _| booking),
        },
        Sample {
            event: "routing_form_submission.created",
            make: submission,
        },
        other!("event_type.created", event_type),
        other!("event_type.updated", event_type),
        other!("event_type.deleted", event_type),
        other!("contact.created", contact),
        other!("contact.updated", contact),
        other!("contact.deleted", contact),
        other!("meeting_recap.created", recap),
    ],
};

/// A webhook about a booking with this id, after something has happened to it.
fn invitee(
    event: &str,
    choices: &Choices,
    happen: impl Fn(Booking, Timestamp) -> Booking,
) -> SampleDelivery {
    let id = choices.id.clone().unwrap_or_else(fresh);
    let mut wanted = Wanted::default();
    if let Some(phone) = &choices.phone {
        wanted.phone = Some(phone.clone());
    }
    // The same for a while, so that later events of one booking agree with the first.
    let day = choices.at.as_second().div_euclid(24 * 60 * 60) * 24 * 60 * 60;
    let starts_at =
        Timestamp::from_second(day).and_then(|day| day.checked_add((4 * 24 + 16).hours()));
    wanted.starts_at = starts_at.unwrap_or(wanted.starts_at);
    let booking = happen(Booking::new(&id, wanted, choices.at), choices.at);
    deliver(
        id,
        &envelope(event, &booking.invitee(true), choices.at),
        choices,
    )
}

/// A routing form that was answered; with an id, by whoever booked under it.
fn submission(choices: &Choices) -> SampleDelivery {
    let id = match &choices.id {
        Some(invitee) => derived("submission", invitee),
        None => fresh(),
    };
    let mut answers = vec![("What are you remodeling?".to_owned(), "Kitchen".to_owned())];
    answers.push(("Your name".to_owned(), "Dana Whitfield".to_owned()));
    let phone = choices.phone.as_deref().unwrap_or("+1 512-555-0142");
    answers.push(("Phone".to_owned(), phone.to_owned()));
    let shown = submitted(
        &id,
        &Submission {
            answers,
            invitee: choices.id.clone(),
        },
        choices.at,
    );
    deliver(
        id,
        &envelope("routing_form_submission.created", &shown, choices.at),
        choices,
    )
}

fn event_type(id: &str) -> Value {
    json!({
        "uri": format!("https://api.calendly.com/event_types/{id}"),
        "name": "In-home kitchen estimate (60 min)", "active": true, "kind": "solo",
    })
}

fn contact(id: &str) -> Value {
    json!({
        "uri": format!("https://api.calendly.com/contacts/{id}"),
        "name": "Dana Whitfield", "email": "dana.whitfield@example.com",
    })
}

fn recap(id: &str) -> Value {
    json!({
        "uri": format!("https://api.calendly.com/meeting_recaps/{id}"),
        "event": format!("https://api.calendly.com/scheduled_events/{id}"),
    })
}

fn deliver(id: String, body: &Value, choices: &Choices) -> SampleDelivery {
    let body = body.to_string().into_bytes();
    SampleDelivery {
        id,
        content_type: "application/json",
        signature: vec![(
            "calendly-webhook-signature",
            sign(SIGNING_KEY, &body, choices.at),
        )],
        body,
        preparation: None,
    }
}
