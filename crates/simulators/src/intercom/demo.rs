//! The demo tenant at Intercom: its workspace, and samples of its webhooks.

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::conversations::{Conversations, Message, Wanted, Who, fresh};
use super::sign;
use crate::demo::{Choices, Demo, Sample, SampleDelivery};

/// The workspace.
pub const WORKSPACE: &str = "cdrstn01";
/// The app's client secret, which signs its webhooks.
pub const CLIENT_SECRET: &str = "7c0ffee1-intercom-client-secret";

/// The demo tenant at Intercom.
pub(super) static DEMO: Demo = Demo {
    settings: &[],
    accounts: &[WORKSPACE],
    signing_key: Some(CLIENT_SECRET),
    samples: &[
        Sample {
            event: "conversation.user.created",
            make: |choices| conversation("conversation.user.created", choices),
        },
        Sample {
            event: "conversation.user.replied",
            make: |choices| conversation("conversation.user.replied", choices),
        },
        Sample {
            event: "conversation.admin.replied",
            make: |choices| conversation("conversation.admin.replied", choices),
        },
        Sample {
            event: "conversation.admin.closed",
            make: |choices| conversation("conversation.admin.closed", choices),
        },
        Sample {
            event: "conversation.admin.opened",
            make: |choices| conversation("conversation.admin.opened", choices),
        },
        Sample {
            event: "conversation_part.redacted",
            make: |choices| conversation("conversation_part.redacted", choices),
        },
        Sample {
            event: "conversation.deleted",
            make: |choices| conversation("conversation.deleted", choices),
        },
        Sample {
            event: "conversation.admin.assigned",
            make: |choices| conversation("conversation.admin.assigned", choices),
        },
        Sample {
            event: "conversation.admin.noted",
            make: |choices| conversation("conversation.admin.noted", choices),
        },
        Sample {
            event: "contact.user.created",
            make: |choices| {
                let mut contact = contact();
                contact["role"] = json!("user");
                other("contact.user.created", &contact, choices)
            },
        },
        Sample {
            event: "contact.lead.created",
            make: |choices| other("contact.lead.created", &contact(), choices),
        },
        Sample {
            event: "contact.email.updated",
            make: |choices| other("contact.email.updated", &contact(), choices),
        },
        Sample {
            event: "ticket.created",
            make: |choices| {
                other(
                    "ticket.created",
                    &json!({ "type": "ticket", "id": "77", "ticket_id": "12" }),
                    choices,
                )
            },
        },
        Sample {
            event: "ping",
            make: |choices| {
                other(
                    "ping",
                    &json!({ "type": "ping", "message": "something something interzen" }),
                    choices,
                )
            },
        },
    ],
};

/// A webhook about a conversation with this id, after something has happened in it.
fn conversation(topic: &str, choices: &Choices) -> SampleDelivery {
    let id = choices.id.clone().unwrap_or_else(fresh);
    let mut wanted = Wanted::default();
    if let Some(phone) = &choices.phone {
        wanted.phone.clone_from(phone);
    }
    let mut known = Conversations::default();
    let began = choices.at.checked_sub(60.seconds()).unwrap_or(choices.at);
    let (_, created) = known.begin(Some(&id), wanted, began);
    let answer = Message::person("Budget is around $50k.");
    let item = match topic {
        "conversation.user.created" => created,
        "conversation.admin.closed" => known.set_open(&id, false, choices.at),
        // An assignment changes the conversation, and is no words.
        "conversation.admin.assigned" => known.set_open(&id, true, choices.at),
        "conversation.admin.noted" => {
            let note = Message::person("Sounds cheap, low priority.");
            known.write(&id, note.from(Who::Note), choices.at).1
        }
        "conversation.admin.opened" => known.set_open(&id, true, choices.at),
        "conversation.deleted" => known.delete(&id),
        "conversation_part.redacted" => {
            let (part, _) = known.write(&id, answer, began);
            known.redact(&id, &part, choices.at)
        }
        "conversation.admin.replied" => {
            let thanks = Message::person("Thanks, a designer will call you today.");
            known.write(&id, thanks.from(Who::Admin), choices.at).1
        }
        _ => known.write(&id, answer, choices.at).1,
    };
    deliver(id, &envelope(topic, &item, choices.at))
}

fn contact() -> Value {
    json!({
        "type": "contact", "id": "6762f1261bb69f9f2193bba7", "workspace_id": WORKSPACE, "role": "lead",
        "email": "dana.whitfield@example.com", "phone": null, "name": "Dana Whitfield",
    })
}

/// A webhook about something else than a conversation.
fn other(topic: &str, item: &Value, choices: &Choices) -> SampleDelivery {
    let id = item["id"].as_str().unwrap_or_default().to_owned();
    deliver(id, &envelope(topic, item, choices.at))
}

/// A webhook's body. Its id follows from what it tells, so that a repeat has the same.
pub(super) fn envelope(topic: &str, item: &Value, now: Timestamp) -> Value {
    let hash = Sha256::digest(format!("{topic} {item} {now}"));
    let seconds = now.as_second();
    json!({
        "type": "notification_event", "app_id": WORKSPACE,
        "data": { "type": "notification_event_data", "item": item }, "links": {},
        "id": format!("notif_{}", uuid_of(&hash)), "topic": topic, "delivery_status": "pending",
        "delivery_attempts": 1, "delivered_at": 0, "first_sent_at": seconds, "created_at": seconds, "self": null,
    })
}

pub(super) fn deliver(id: String, body: &Value) -> SampleDelivery {
    let body = body.to_string().into_bytes();
    SampleDelivery {
        id,
        content_type: "application/json",
        signature: sign(CLIENT_SECRET, &body),
        body,
        preparation: None,
    }
}

/// The first bytes in the form of a UUID.
fn uuid_of(bytes: &[u8]) -> String {
    let hex = hex::encode(bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts = parts.map(|range| hex.get(range).unwrap_or_default());
    parts.join("-")
}

pub(super) fn fresh_uuid() -> String {
    uuid_of(&rand::random::<[u8; 16]>())
}
