//! The demo tenant at Zendesk: its account, and samples of its webhooks.

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::sign;
use super::tickets::{Comment, Tickets, Wanted, fresh};
use crate::demo::{Choices, Demo, Sample, SampleDelivery};

/// The account's number, as events name it.
pub const ACCOUNT: &str = "22129848";
/// The app of Sunshine Conversations.
pub const APP: &str = "5d8cff3cd55b040010928b5b";
/// The id of the app's key.
pub const KEY_ID: &str = "app_67ab5f53a96f98663935c3aa";
/// The agent whom the API token is of.
pub const EMAIL: &str = "luis@example.com";
/// What signs the webhooks; the demo's app of Sunshine Conversations repeats it, too.
pub const SIGNING_SECRET: &str = "zendesk-sign-5b21c07d9e3f4a68";

/// The demo tenant at Zendesk.
pub(super) static DEMO: Demo = Demo {
    settings: &[
        ("subdomain", "demo"),
        ("email", EMAIL),
        ("app_id", APP),
        ("key_id", KEY_ID),
    ],
    accounts: &[ACCOUNT, APP],
    signing_key: Some(SIGNING_SECRET),
    samples: &[
        Sample {
            event: "ticket.created",
            make: |choices| ticket("ticket.created", choices),
        },
        Sample {
            event: "ticket.comment_added",
            make: |choices| ticket("ticket.comment_added", choices),
        },
        Sample {
            event: "ticket.status_changed",
            make: |choices| ticket("ticket.status_changed", choices),
        },
        Sample {
            event: "ticket.permanently_deleted",
            make: |choices| ticket("ticket.permanently_deleted", choices),
        },
        Sample {
            event: "messaging_ticket.message_added",
            make: messaging,
        },
        Sample {
            event: "trigger",
            make: trigger,
        },
        Sample {
            event: "conversation.message",
            make: message,
        },
        Sample {
            event: "ticket.marked_as_spam",
            make: |choices| changed("ticket.marked_as_spam", &json!({}), choices),
        },
        Sample {
            event: "ticket.priority_changed",
            make: |choices| {
                let change = json!({ "current": "HIGH", "previous": "NORMAL" });
                changed("ticket.priority_changed", &change, choices)
            },
        },
        Sample {
            event: "ticket.agent_assignment_changed",
            make: |choices| {
                let change = json!({ "current": "8447388090494", "previous": null });
                changed("ticket.agent_assignment_changed", &change, choices)
            },
        },
        Sample {
            event: "conversation.create",
            make: |choices| of_conversation("create", &json!({}), choices),
        },
        Sample {
            event: "conversation.read",
            make: |choices| of_conversation("read", &json!({}), choices),
        },
        Sample {
            event: "conversation.typing",
            make: |choices| {
                let told =
                    json!({ "activity": { "type": "typing:start", "author": { "type": "user" } } });
                of_conversation("typing", &told, choices)
            },
        },
        Sample {
            event: "client.add",
            make: |choices| {
                of_event(
                    "client:add",
                    &json!({ "client": { "type": "web" } }),
                    choices,
                )
            },
        },
        Sample {
            event: "user.update",
            make: |choices| of_event("user:update", &json!({ "reason": "profile" }), choices),
        },
        Sample {
            event: "switchboard.passControl",
            make: |choices| {
                let told = json!({ "reason": "external" });
                of_event("switchboard:passControl", &told, choices)
            },
        },
        Sample {
            event: "conversation.postback",
            make: |choices| {
                let told = json!({ "postback": { "payload": "QUOTE", "title": "Get a quote" } });
                of_conversation("postback", &told, choices)
            },
        },
        Sample {
            event: "conversation.referral",
            make: |choices| {
                let told = json!({ "referral": { "code": "spring" } });
                of_conversation("referral", &told, choices)
            },
        },
    ],
};

/// A webhook about a ticket with this number, after something has happened to it.
fn ticket(event: &str, choices: &Choices) -> SampleDelivery {
    let id = choices.id.clone().unwrap_or_else(fresh);
    let mut wanted = Wanted::default();
    if let Some(phone) = &choices.phone {
        wanted.phone.clone_from(phone);
    }
    let mut known = Tickets::default();
    let began = choices.at.checked_sub(60.seconds()).unwrap_or(choices.at);
    let (_, created) = known.make(Some(&id), wanted, began);
    let body = match event {
        "ticket.created" => created,
        "ticket.status_changed" => known.solve(&id, choices.at),
        "ticket.permanently_deleted" => known.delete(&id, choices.at),
        _ => {
            let answer = Comment::person("Tub to shower conversion please, budget 18k.");
            known.comment(&id, answer, choices.at).1
        }
    };
    deliver(id, &body, choices.at)
}

/// A webhook about a ticket with this number that tells of a change alone.
fn changed(event: &str, change: &Value, choices: &Choices) -> SampleDelivery {
    let id = choices.id.clone().unwrap_or_else(fresh);
    let mut known = Tickets::default();
    let (_, mut body) = known.make(Some(&id), Wanted::default(), choices.at);
    body["type"] = json!(format!("zen:event-type:{event}"));
    body["event"] = change.clone();
    body["id"] = json!(fresh_hex());
    deliver(id, &body, choices.at)
}

/// A message of messaging, as its ticket tells of it.
fn messaging(choices: &Choices) -> SampleDelivery {
    let id = choices.id.clone().unwrap_or_else(fresh);
    let body = json!({
        "account_id": ACCOUNT.parse::<u64>().unwrap_or_default(), "detail": { "id": id },
        "event": {
            "actor": { "id": "8447388090777", "name": "Sam Reyes", "type": "end_user" },
            "conversation_id": "67ab5f53a96f98663935c3f2",
            "message": { "body": QUESTION, "id": fresh_hex() },
        },
        "id": fresh_hex(), "subject": format!("zen:ticket:{id}"), "time": format!("{:.9}", choices.at),
        "type": "zen:event-type:messaging_ticket.message_added", "zendesk_event_version": "2022-11-06",
    });
    deliver(id, &body, choices.at)
}

/// The body of a trigger, as the template that we hand out makes it.
fn trigger(choices: &Choices) -> SampleDelivery {
    let id = choices.id.clone().unwrap_or_else(fresh);
    let phone = choices.phone.as_deref().unwrap_or("+15125550163");
    let body = json!({
        "schema": "lead-v1", "ticket_id": id, "title": "Bathroom remodel quote",
        "requester": { "name": "Sam Reyes", "email": "sam.reyes@example.com", "phone": phone },
        "latest_comment": "Tub to shower conversion please, budget 18k.", "via": "Web Widget",
        "brand": "Cedar & Stone",
    });
    deliver(id, &body, choices.at)
}

const QUESTION: &str = "Do you do tub to shower conversions in 78681?";

/// A message of Sunshine Conversations. Nothing signs it: its sender repeats the key.
fn message(choices: &Choices) -> SampleDelivery {
    of_conversation(
        "message",
        &json!({ "message": shown_message(choices.at, QUESTION) }),
        choices,
    )
}

/// That somebody wrote this in a conversation.
pub(super) fn said(id: &str, message: &Value, at: Timestamp) -> SampleDelivery {
    let choices = Choices {
        id: Some(id.to_owned()),
        at,
        ..Choices::default()
    };
    of_conversation("message", &json!({ "message": message }), &choices)
}

/// An event of Sunshine Conversations: its name behind `conversation:`, and what it tells beside the conversation.
fn of_conversation(event: &str, told: &Value, choices: &Choices) -> SampleDelivery {
    of_event(&format!("conversation:{event}"), told, choices)
}

/// The same, by the whole name of the event.
fn of_event(event: &str, told: &Value, choices: &Choices) -> SampleDelivery {
    let id = choices.id.clone().unwrap_or_else(fresh_hex);
    let body = told_of(event, &id, told, choices.at);
    SampleDelivery {
        signature: vec![("x-api-key", SIGNING_SECRET.to_owned())],
        ..deliver(id, &body, choices.at)
    }
}

/// That a message was written in a conversation.
pub(super) fn said_in(id: &str, message: &Value, at: Timestamp) -> Value {
    told_of(
        "conversation:message",
        id,
        &json!({ "message": message }),
        at,
    )
}

fn told_of(event: &str, conversation: &str, told: &Value, at: Timestamp) -> Value {
    let mut payload = told.clone();
    payload["conversation"] = json!({ "id": conversation, "type": "personal" });
    json!({
        "app": { "id": APP }, "webhook": { "id": "68b1c2d3e4f5a6b7c8d9e0f1", "version": "v2" },
        "events": [{
            "id": fresh_hex(), "type": event, "createdAt": format!("{at:.3}"), "payload": payload,
        }],
    })
}

/// A message of a person, as webhooks of Sunshine Conversations show it.
pub(super) fn shown_message(at: Timestamp, text: &str) -> Value {
    json!({
        "id": fresh_hex(), "received": format!("{at:.3}"),
        "author": {
            "type": "user", "userId": "67ab5f53a96f98663935c3f0",
            "user": {
                "id": "67ab5f53a96f98663935c3f0", "authenticated": false,
                "profile": { "givenName": "Sam", "surname": "Reyes", "email": "sam.reyes@example.com" },
            },
        },
        "content": { "type": "text", "text": text },
        "source": { "type": "web", "integrationId": "67ab5f53a96f98663935c3ee" },
    })
}

pub(super) fn deliver(id: String, body: &Value, at: Timestamp) -> SampleDelivery {
    let body = body.to_string().into_bytes();
    SampleDelivery {
        id,
        content_type: "application/json",
        signature: sign(SIGNING_SECRET, &body, at),
        body,
        preparation: None,
    }
}

/// An id as Sunshine Conversations has them: 24 hexadecimal digits.
fn fresh_hex() -> String {
    hex::encode(rand::random::<[u8; 12]>())
}
