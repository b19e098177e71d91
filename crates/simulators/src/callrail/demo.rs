//! The demo tenant at CallRail: its company, and samples of its webhooks.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::demo::{Choices, Demo, Sample, SampleDelivery};

/// The account.
pub const ACCOUNT: &str = "ACC1a2b3c4d5e6f47089a0b1c2d3e4f5a6b";
/// The company, in every form in which webhooks name it.
pub const COMPANIES: [&str; 3] = ["481516234", "COM3f2a9c7d51e84b0aa6c1d2e3f4a5b6c7", "12345"];
/// The key that signs the company's webhooks.
pub const SIGNING_KEY: &str = "5f3d3ebe065cd800b8c154347437e958";

/// The demo tenant at CallRail.
pub(super) static DEMO: Demo = Demo {
    settings: &[
        ("account_id", ACCOUNT),
        (
            "company_ids",
            "481516234,COM3f2a9c7d51e84b0aa6c1d2e3f4a5b6c7,12345",
        ),
    ],
    accounts: &COMPANIES,
    signing_key: Some(SIGNING_KEY),
    samples: &[
        Sample {
            event: "post-call",
            make: |choices| deliver(include_str!("samples/post-call.json"), choices),
        },
        Sample {
            event: "call-modified",
            make: |choices| deliver(include_str!("samples/call-modified.json"), choices),
        },
    ],
};

/// A sample with its own ids and time.
fn deliver(sample: &str, choices: &Choices) -> SampleDelivery {
    let fresh = || format!("CAL{}", hex::encode(rand::random::<[u8; 16]>()));
    let call = choices.id.clone().unwrap_or_else(fresh);
    // The call's number follows from its id, so that later events of one call carry the same.
    let number = call.bytes().fold(0u32, |number, byte| {
        number.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    let mut body: Value = serde_json::from_str(sample).expect("a sample is JSON");
    body["resource_id"] = json!(call);
    body["id"] = json!(100_000_000 + u64::from(number % 900_000_000));
    for key in ["start_time", "created_at", "timestamp"] {
        body[key] = json!(choices.at.to_string());
    }
    if let Some(phone) = &choices.phone {
        body["customer_phone_number"] = json!(phone);
    }
    let body = body.to_string().into_bytes();
    let preparation = choices.recording.as_ref().map(|recording| {
        let path = format!("/_sim/calls/{call}");
        (path, json!({ "recording": recording }))
    });
    SampleDelivery {
        id: call,
        content_type: "application/json",
        signature: ("signature", sign(&body)),
        body,
        preparation,
    }
}

/// HMAC-SHA1 of the body, in base64. Source: CallRail API reference, "Validating payloads".
pub(super) fn sign(body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SIGNING_KEY.as_bytes());
    STANDARD.encode(hmac::sign(&key, body))
}
