//! What a webhook's body says. The API shows a call by the same names, so its answers are read here too.
//!
//! Any member may be missing, empty, null, or quoted. What is empty says nothing, except for labels, note and value:
//! there it says that they were cleared.

use std::{collections::BTreeMap, time::Duration};

use domain::{Alias, CallFacts, text, transition::Inbound};
use jiff::{Timestamp, civil, tz};

use crate::{
    ReadError, Reading,
    fields::{Field, Fields},
};

/// How long a call that nobody answered waits for news, when nothing says that it is over.
const UNANSWERED_DELAY: Duration = Duration::from_secs(60);

/// Reads a body; `event` is the name of the event in its URL.
pub(super) fn read(
    content_type: Option<&str>,
    body: &[u8],
    event: Option<&str>,
) -> Result<Reading, ReadError> {
    let fields = Fields::read(content_type, body, is_wanted)?;
    let kind = match event {
        Some(event) => kind_by_name(event, &fields),
        None => kind_by_shape(&fields),
    };
    let is_modified = match kind {
        Kind::Call => false,
        Kind::Modified => true,
        Kind::Unused(reason) => return Ok(Reading::Ignored { reason }),
    };
    let ids = call_ids(&fields)?;
    let call = CallFacts {
        call_id: ids.first().cloned(),
        ..facts(&fields)
    };
    let delay = if event.is_none() && !is_modified && is_unanswered(&call) {
        UNANSWERED_DELAY
    } else {
        Duration::ZERO
    };
    Ok(Reading::Lead(Box::new(Inbound {
        aliases: aliases(ids),
        is_modified,
        delay,
        call,
    })))
}

/// The aliases of one call.
pub(super) fn aliases(ids: Vec<String>) -> Vec<Alias> {
    ids.into_iter()
        .map(|value| Alias {
            provider: "callrail".to_owned(),
            kind: "call".to_owned(),
            value,
        })
        .collect()
}

/// Whether an id can be one of CallRail's: such an id is safe in a path and in a file's name.
pub(super) fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// What a delivery is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Call,
    Modified,
    Unused(&'static str),
}

fn kind_by_name(event: &str, fields: &Fields<'_>) -> Kind {
    match event.replace('_', "-").as_str() {
        _ if is_outbound(fields) => OUTBOUND,
        "post-call" | "call-completed" if fields.has("changes") => Kind::Modified,
        "post-call" | "call-completed" => Kind::Call,
        "call-modified" | "updated-call" => Kind::Modified,
        _ => Kind::Unused("an event that is not used"),
    }
}

/// No body names its event, so its members have to tell.
fn kind_by_shape(fields: &Fields<'_>) -> Kind {
    let has_any = |names: &[&str]| names.iter().any(|name| fields.get(name).is_some());
    let is_message = fields.get("content").is_some()
        && has_any(&["message_type", "source_number", "conversation_id"]);
    let is_about_answers = has_any(&["last_interaction_resource_id"]) && has_any(&["answers"]);
    let is_bare = !has_any(&[
        "resource_id",
        "id",
        "caller_id",
        "customer_phone_number",
        "duration",
        "answered",
    ]);
    if is_outbound(fields) {
        OUTBOUND
    } else if fields.has("changes") {
        Kind::Modified
    } else if fields.get("form_data").is_some() {
        Kind::Unused("a form")
    } else if is_message {
        Kind::Unused("a text message")
    } else if is_about_answers || (is_bare && has_any(&["person_id"])) {
        Kind::Unused("news of an assistant, without a call")
    } else {
        Kind::Call
    }
}

const OUTBOUND: Kind = Kind::Unused("a call from the company");

fn is_outbound(fields: &Fields<'_>) -> bool {
    ["direction", "call_type"]
        .iter()
        .any(|name| fields.text(name) == Some("outbound"))
}

fn is_unanswered(call: &CallFacts) -> bool {
    call.is_answered == Some(false)
        && call.is_voicemail != Some(true)
        && call.duration_seconds.unwrap_or(0) == 0
}

/// Every id of the call, the canonical one first.
pub(super) fn call_ids(fields: &Fields<'_>) -> Result<Vec<String>, ReadError> {
    let mut ids = Vec::new();
    for field in ["resource_id", "call_id", "id"] {
        let id = match fields.get(field) {
            None => continue,
            Some(Field::Text(id)) if id.is_empty() => continue,
            Some(Field::Text(id)) if is_id(id) => id,
            Some(Field::Text(_) | Field::Bool(_) | Field::List(_) | Field::Nested) => {
                return Err(ReadError::BadId { field });
            }
        };
        if !ids.iter().any(|known| known == id) {
            ids.push(id.clone().into_owned());
        }
    }
    if ids.is_empty() {
        return Err(ReadError::NoCall);
    }
    ids.sort_by_key(|id| !id.starts_with("CAL"));
    Ok(ids)
}

/// Everything but the id.
pub(super) fn facts(fields: &Fields<'_>) -> CallFacts {
    let line_of = |names: &[&str], max| fields.first_text(names).and_then(|raw| line(raw, max));
    CallFacts {
        call_id: None,
        is_answered: fields.flag("answered"),
        is_voicemail: fields.flag("voicemail"),
        duration_seconds: fields.text("duration").and_then(whole_seconds),
        started_at: ["start_time", "created_at", "timestamp", "datetime"]
            .iter()
            .find_map(|name| fields.text(name).and_then(time)),
        caller_name: line_of(&["customer_name", "callername"], 200),
        caller_number: line_of(&["customer_phone_number", "caller_id", "callernum"], 64),
        caller_email: line_of(&["customer_email"], 254),
        caller_city: line_of(&["customer_city", "callercity"], 100),
        caller_state: line_of(&["customer_state", "callerstate"], 50),
        caller_country: line_of(&["customer_country", "callercountry"], 50),
        caller_postal_code: line_of(&["zip_code"], 20),
        tracking_number: line_of(&["tracking_phone_number", "trackingnum"], 64),
        business_number: line_of(&["business_phone_number", "destinationnum"], 64),
        has_recording: fields.has("recording").then_some(true),
        tags: fields.get("tags").map(tags),
        note: cleared_or(fields, "note", 5_000),
        value: cleared_or(fields, "value", 100),
        lead_status: line_of(&["lead_status"], 50),
        marketing: marketing(fields),
    }
}

/// [`text::line`], which nearly every value is already.
fn line(raw: &str, max: usize) -> Option<String> {
    let is_line = raw.len() <= max
        && raw
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ')
        && raw.trim_ascii() == raw
        && !raw.contains("  ");
    if is_line && !raw.is_empty() {
        Some(raw.to_owned())
    } else {
        text::line(raw, max)
    }
}

/// `"254"`, `254` and `254.0` are 254 seconds.
fn whole_seconds(raw: &str) -> Option<u32> {
    let whole = raw.split_once('.').map_or(raw, |(whole, _)| whole);
    whole.parse().ok()
}

/// ISO 8601 with an offset, or the older `2026-03-17 14:41:02` in UTC.
fn time(raw: &str) -> Option<Timestamp> {
    raw.parse().ok().or_else(|| {
        let time: civil::DateTime = raw.parse().ok()?;
        Some(time.to_zoned(tz::TimeZone::UTC).ok()?.timestamp())
    })
}

/// A text that may have been cleared: then it is there, and empty.
fn cleared_or(fields: &Fields<'_>, name: &str, max: usize) -> Option<String> {
    match fields.get(name)? {
        Field::Text(raw) => Some(text::bounded(raw.trim(), max)),
        Field::Bool(_) | Field::List(_) | Field::Nested => None,
    }
}

/// A list, or text with commas.
fn tags(field: &Field<'_>) -> Vec<String> {
    const MAX: usize = 50;
    let clean = |raw: &str| line(raw, 100);
    match field {
        Field::List(items) => items
            .iter()
            .filter_map(|item| clean(item))
            .take(MAX)
            .collect(),
        Field::Text(raw) => raw.split(',').filter_map(clean).take(MAX).collect(),
        Field::Bool(_) | Field::Nested => Vec::new(),
    }
}

/// Where the caller found the company.
fn marketing(fields: &Fields<'_>) -> BTreeMap<String, String> {
    const MAX: usize = 40;
    fields
        .texts()
        .filter(|(name, _)| is_marketing(name))
        .filter_map(|(name, raw)| Some((name.to_owned(), line(raw, 500)?)))
        .take(MAX)
        .collect()
}

fn is_marketing(name: &str) -> bool {
    matches!(
        name,
        "source"
            | "source_name"
            | "medium"
            | "campaign"
            | "keywords"
            | "gclid"
            | "fbclid"
            | "msclkid"
            | "device_type"
            | "landing_page_url"
            | "last_requested_url"
            | "referring_url"
            | "referrer_domain"
    ) || (name.starts_with("utm_") && name.len() <= 50)
}

/// The members that anything here asks for.
pub(super) fn is_wanted(name: &str) -> bool {
    is_marketing(name)
        || matches!(
            name,
            // What it is about.
            "resource_id" | "call_id" | "id" | "direction" | "call_type" | "changes"
            // What tells other events from calls.
            | "form_data" | "content" | "message_type" | "source_number" | "conversation_id" | "person_id"
            | "last_interaction_resource_id" | "answers"
            // The call, and the older names of the same.
            | "answered" | "voicemail" | "duration" | "start_time" | "created_at" | "timestamp" | "datetime"
            | "customer_name" | "callername" | "customer_phone_number" | "caller_id" | "callernum"
            | "customer_email" | "customer_city" | "callercity" | "customer_state" | "callerstate"
            | "customer_country" | "callercountry" | "zip_code" | "tracking_phone_number" | "trackingnum"
            | "business_phone_number" | "destinationnum" | "recording" | "tags" | "note" | "value" | "lead_status"
            // Whose it is, in the API's answers.
            | "company_id"
        )
}

#[cfg(test)]
mod tests;
