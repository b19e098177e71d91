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
        sample("post-call", |choices| deliver(&POST_CALL, choices)),
        sample("call-modified", |choices| deliver(&MODIFIED, choices)),
        sample("pre-call", |choices| deliver(&PRE_CALL, choices)),
        sample("call-routing-complete", |choices| deliver(&ROUTED, choices)),
        sample("voicemail", |choices| deliver(&VOICEMAIL, choices)),
        sample("sms-received", |choices| deliver(&RECEIVED, choices)),
        sample("sms-sent", |choices| deliver(&SENT, choices)),
        sample("form-submission", |choices| deliver(&FORM, choices)),
        sample("outbound-post-call", |choices| deliver(&OUTBOUND, choices)),
        sample("outbound-call-modified", |choices| {
            deliver(&OUTBOUND_MODIFIED, choices)
        }),
        sample("convert-assist-complete", |choices| {
            assistant(&CONVERT_ASSIST, choices)
        }),
        sample("voice-assist-answered", |choices| {
            assistant(&VOICE_ASSIST, choices)
        }),
    ],
};

const fn sample(event: &'static str, make: fn(&Choices) -> SampleDelivery) -> Sample {
    Sample { event, make }
}

/// A webhook that CallRail posts.
pub(super) struct Event {
    /// Its name in our URLs.
    pub(super) name: &'static str,
    /// The list of an integration that has the URLs for it.
    pub(super) list: &'static str,
    what: What,
    body: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Call,
    Text,
    Form,
}

/// Declares an event by the file of its sample.
macro_rules! event {
    ($name:literal, $list:literal, $what:ident, $file:literal) => {
        Event {
            name: $name,
            list: $list,
            what: What::$what,
            body: include_str!(concat!("samples/", $file)),
        }
    };
}

static POST_CALL: Event = event!("post-call", "post_call_webhook", Call, "post-call.json");
static MODIFIED: Event = event!(
    "call-modified",
    "updated_call_webhook",
    Call,
    "call-modified.json"
);
static PRE_CALL: Event = event!("pre-call", "pre_call_webhook", Call, "pre-call.json");
static ROUTED: Event = event!(
    "call-routing-complete",
    "answered_call_webhook",
    Call,
    "call-routing-complete.json"
);
static VOICEMAIL: Event = event!("voicemail", "post_call_webhook", Call, "voicemail.json");
static RECEIVED: Event = event!(
    "sms-received",
    "sms_received_webhook",
    Text,
    "sms-received.json"
);
static SENT: Event = event!("sms-sent", "sms_sent_webhook", Text, "sms-sent.json");
static FORM: Event = event!(
    "form-submission",
    "form_captured_webhook",
    Form,
    "form-submission.json"
);
static OUTBOUND: Event = event!(
    "outbound-post-call",
    "post_outbound_call_webhook",
    Call,
    "outbound-post-call.json"
);
static OUTBOUND_MODIFIED: Event = event!(
    "outbound-call-modified",
    "updated_outbound_call_webhook",
    Call,
    "outbound-post-call.json"
);

/// Every event, by its name in our URLs.
pub(super) static EVENTS: [&Event; 10] = [
    &POST_CALL,
    &MODIFIED,
    &PRE_CALL,
    &ROUTED,
    &VOICEMAIL,
    &RECEIVED,
    &SENT,
    &FORM,
    &OUTBOUND,
    &OUTBOUND_MODIFIED,
];

impl Event {
    /// A body with its own ids and time, and the id of what it is about: a call, a conversation, a submission.
    pub(super) fn body(&self, choices: &Choices) -> (String, Value) {
        let mut body: Value = serde_json::from_str(self.body).expect("a sample is JSON");
        let at = choices.at.to_string();
        let id = match self.what {
            What::Call => {
                let call = choices.id.clone().unwrap_or_else(|| fresh("CAL"));
                body["resource_id"] = json!(call);
                body["id"] = json!(number_of(&call));
                for key in ["start_time", "created_at", "timestamp"] {
                    body[key] = json!(at);
                }
                if self.name == "outbound-call-modified" {
                    body["changes"] = json!(["note"]);
                    body["note"] = json!("Called back: wants the visit on Friday.");
                }
                if let Some(phone) = &choices.phone {
                    body["customer_phone_number"] = json!(phone);
                }
                call
            }
            What::Text => {
                let conversation = choices.id.clone().unwrap_or_else(|| fresh("k"));
                let message = fresh("SCI");
                body["id"] = json!(number_of(&message));
                body["resource_id"] = json!(message);
                body["conversation_id"] = json!(conversation);
                body["timestamp"] = json!(at);
                let person = if self.name == "sms-sent" {
                    "destination_number"
                } else {
                    "source_number"
                };
                if let Some(phone) = &choices.phone {
                    body[person] = json!(phone);
                }
                if let Some(words) = &choices.words {
                    body["content"] = json!(words);
                    body["media_urls"] = json!([]);
                    body["message_type"] = json!("sms");
                }
                conversation
            }
            What::Form => {
                let id = choices.id.clone().unwrap_or_else(|| {
                    (300_000_000 + u64::from(rand::random::<u32>() % 90_000_000)).to_string()
                });
                body["id"] = id.parse::<u64>().map_or_else(|_| json!(id), |id| json!(id));
                body["submitted_at"] = json!(at);
                if let Some(phone) = &choices.phone {
                    body["form_data"]["phone"] = json!(phone);
                }
                if let Some(words) = &choices.words {
                    body["form_data"]["message"] = json!(words);
                }
                id
            }
        };
        (id, body)
    }

    /// Where the simulated API keeps what the event is about, and what of it: a path below the base URL.
    pub(super) fn known(&self, id: &str, body: &Value, choices: &Choices) -> (String, Value) {
        match self.what {
            What::Call => {
                // The call as the API shows it follows from the recording, unless the sample says otherwise.
                let mut call =
                    json!({ "numeric_id": body["id"], "start_time": body["start_time"] });
                if let Some(recording) = &choices.recording {
                    call["recording"] = json!(recording);
                }
                for name in ["direction", "voicemail", "call_type"] {
                    if self.name.starts_with("outbound") || self.name == "voicemail" {
                        call[name] = body[name].clone();
                    }
                }
                if let Some(phone) = &choices.phone {
                    call["customer_phone_number"] = json!(phone);
                }
                (format!("/_sim/calls/{id}"), call)
            }
            What::Text => (format!("/_sim/texts/{id}"), body.clone()),
            What::Form => (format!("/_sim/forms/{id}"), body.clone()),
        }
    }
}

/// A sample, signed, with what the simulated API must know of it.
fn deliver(event: &Event, choices: &Choices) -> SampleDelivery {
    let (id, body) = event.body(choices);
    let is_to_be_known = choices.recording.is_some() || event.what != What::Call;
    let preparation = is_to_be_known.then(|| event.known(&id, &body, choices));
    let body = body.to_string().into_bytes();
    SampleDelivery {
        id,
        content_type: "application/json",
        signature: vec![("signature", sign(SIGNING_KEY, &body))],
        body,
        preparation,
    }
}

/// News of an assistant about a call: the member that names the call, and the body.
type Assistant = (&'static str, &'static str);

static CONVERT_ASSIST: Assistant = (
    "last_interaction_resource_id",
    include_str!("samples/convert-assist-complete.json"),
);
static VOICE_ASSIST: Assistant = (
    "call_id",
    include_str!("samples/voice-assist-answered.json"),
);

fn assistant((member, body): &Assistant, choices: &Choices) -> SampleDelivery {
    let mut body: Value = serde_json::from_str(body).expect("a sample is JSON");
    let id = choices.id.clone().unwrap_or_else(|| fresh("CAL"));
    body[*member] = json!(id);
    body["timestamp"] = json!(choices.at.to_string());
    let body = body.to_string().into_bytes();
    SampleDelivery {
        id,
        content_type: "application/json",
        signature: vec![("signature", sign(SIGNING_KEY, &body))],
        body,
        preparation: None,
    }
}

fn fresh(prefix: &str) -> String {
    format!("{prefix}{}", hex::encode(rand::random::<[u8; 16]>()))
}

/// The number of a thing follows from its id, so that later events of one carry the same.
fn number_of(id: &str) -> u64 {
    let number = id.bytes().fold(0u32, |number, byte| {
        number.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    100_000_000 + u64::from(number % 900_000_000)
}

/// HMAC-SHA1 of the body, in base64. Source: CallRail API reference, "Validating payloads".
pub(super) fn sign(key: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, body))
}
