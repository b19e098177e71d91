//! The demo tenant at Acuity: its account, and samples of its webhooks.

use jiff::{Timestamp, ToSpan};
use serde_json::json;

use super::appointments::{FORM, KIND, Wanted, body};
use super::sign;
use crate::demo::{Choices, Demo, Sample, SampleDelivery};

/// The numeric user id.
pub const USER_ID: &str = "17420963";
/// The API key, which signs the account's webhooks, too.
pub const API_KEY: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90";

/// The demo tenant at Acuity.
pub(super) static DEMO: Demo = Demo {
    settings: &[("user_id", USER_ID)],
    accounts: &[],
    signing_key: Some(API_KEY),
    samples: &[
        Sample {
            event: "scheduled",
            make: |choices| deliver("scheduled", choices),
        },
        Sample {
            event: "rescheduled",
            make: |choices| deliver("rescheduled", choices),
        },
        Sample {
            event: "canceled",
            make: |choices| deliver("canceled", choices),
        },
        Sample {
            event: "changed",
            make: |choices| deliver("changed", choices),
        },
        Sample {
            event: "order.completed",
            make: |choices| order(choices),
        },
    ],
};

/// A webhook about an appointment. It says nothing but ids, so the API must know the rest.
fn deliver(action: &str, choices: &Choices) -> SampleDelivery {
    let id = choices.id.clone().unwrap_or_else(fresh);
    let usual = Wanted::default();
    // The same for a while, so that later actions on one appointment agree with the first.
    let day = choices.at.as_second().div_euclid(24 * 60 * 60) * 24 * 60 * 60;
    let days = if action == "rescheduled" { 5 } else { 4 };
    let starts_at = Timestamp::from_second(day);
    let starts_at = starts_at.and_then(|day| day.checked_add((days * 24 + 16).hours()));
    let known = json!({
        "starts_at": starts_at.unwrap_or(usual.starts_at),
        "phone": choices.phone.as_deref().unwrap_or(&usual.phone),
        "canceled": action == "canceled",
    });
    let body = body(action, &id, (usual.calendar_id, KIND)).into_bytes();
    let path = format!("/_sim/appointments/{id}");
    sample(id, body, Some((path, known)))
}

fn order(choices: &Choices) -> SampleDelivery {
    let id = choices.id.clone().unwrap_or_else(fresh);
    let body = format!("action=order.completed&id={id}").into_bytes();
    sample(id, body, None)
}

fn sample(
    id: String,
    body: Vec<u8>,
    preparation: Option<(String, serde_json::Value)>,
) -> SampleDelivery {
    SampleDelivery {
        id,
        content_type: FORM,
        signature: vec![("x-acuity-signature", sign(API_KEY, &body))],
        body,
        preparation,
    }
}

fn fresh() -> String {
    let number = rand::random::<u32>() % 90_000_000;
    (910_000_000 + u64::from(number)).to_string()
}
