//! What people wrote, as lists have it.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::{SPEC, payload};
use crate::{Found, Listed, Thing, Verified};

/// Webhooks of texts and forms leave at once, as far as is known. What comes later than this joins what was taken.
const REPORTED_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// What is asked for of a form beside the default fields.
pub(super) const FORM_FIELDS: &str =
    "form_name,utm_campaign,utm_content,utm_medium,utm_source,utm_term";

const JSON: &str = "application/json";

/// What a person wrote in a conversation, each message as its webhook would say it.
pub(super) fn texts(conversation: &Value) -> Vec<Listed> {
    let id = conversation["id"].as_str();
    let Some(id) = id.filter(|id| payload::is_id(id) && !payload::is_placeholder(id)) else {
        return Vec::new();
    };
    let messages = conversation["recent_messages"].as_array();
    let messages = messages.into_iter().flatten();
    let incoming = messages.filter(|message| message["direction"] == json!("incoming"));
    incoming
        .filter_map(|message| text(id, conversation, message))
        .collect()
}

fn text(id: &str, conversation: &Value, message: &Value) -> Option<Listed> {
    let at: Timestamp = message["created_at"].as_str()?.parse().ok()?;
    let content = message["content"].as_str().unwrap_or_default();
    let company = &conversation["current_tracking_number"];
    let company = if company.is_string() {
        company
    } else {
        &conversation["initial_tracking_number"]
    };
    let body = json!({
        "conversation_id": id,
        "company_resource_id": conversation["company_id"],
        "customer_name": conversation["customer_name"],
        "source_number": conversation["customer_phone_number"],
        "destination_number": company,
        "content": content,
        "message_type": message["type"],
        "media_urls": message["media_urls"],
        "timestamp": message["created_at"],
        "lead_status": conversation["lead_status"],
    });
    Some(Listed {
        aliases: payload::message_names(id, at, content).into(),
        at,
        due_at: at.checked_add(REPORTED_WITHIN).ok(),
        canceled: None,
        found: Found::Here(Thing {
            event: Some("sms-received"),
            content_type: JSON,
            body: Bytes::from(body.to_string()),
        }),
    })
}

/// A form of a list. It is read as its webhook would be, so it has the names that this has, beside its own.
pub(super) fn form(form: &Value) -> Option<Listed> {
    let at: Timestamp = form["submitted_at"].as_str()?.parse().ok()?;
    let thing = Thing {
        event: Some("form-submission"),
        content_type: JSON,
        body: Bytes::from(form.to_string()),
    };
    let delivery = Verified::recovered(&SPEC, JSON, thing.body.clone());
    let domain::Reading::News(news) = payload::read(&delivery, thing.event).ok()? else {
        return None;
    };
    Some(Listed {
        aliases: news.aliases,
        at,
        due_at: at.checked_add(REPORTED_WITHIN).ok(),
        canceled: None,
        found: Found::Here(thing),
    })
}
