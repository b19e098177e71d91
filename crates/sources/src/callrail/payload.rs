//! What a webhook's body says. The API shows a call by the same names, so its answers are read here too.
//!
//! Any member may be missing, empty, null, or quoted. What is empty says nothing, except for labels, note and value:
//! there it says that they were cleared.

use std::time::Duration;

use domain::{About, CallFacts, Facts, Labels, PersonFacts, Reading, text};
use jiff::{Timestamp, civil, tz};

use crate::{
    ReadError, Verified,
    fields::{Field, Fields, line},
    ignored,
};

/// How long a call that nobody answered waits for a later report, if nothing says that it is over.
const UNANSWERED_DELAY: Duration = Duration::from_secs(60);

/// Reads a body; `event` is the name of the event in its URL.
pub(super) fn read(delivery: &Verified, event: Option<&str>) -> Result<Reading, ReadError> {
    let fields = &delivery.fields(is_wanted)?;
    let kind = match event {
        Some(event) => kind_by_name(event, fields),
        None => kind_by_shape(fields),
    };
    let is_modified = match kind {
        Kind::Call => false,
        Kind::Modified => true,
        Kind::Unused(reason) => return Ok(ignored(reason)),
    };
    let ids = call_ids(fields)?;
    let call = call(fields);
    let is_waited_for = event.is_none() && !is_modified && is_unanswered(&call);
    let mut news = delivery.news("call", &ids, facts(fields, call));
    news.is_modified = is_modified;
    if is_waited_for {
        news.delay = UNANSWERED_DELAY;
    }
    Ok(Reading::News(news))
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

/// Every id of the call, canonical first.
pub(super) fn call_ids<'f>(fields: &'f Fields<'_>) -> Result<Vec<&'f str>, ReadError> {
    const NAMES: &[&str] = &["resource_id", "call_id", "id"];
    let mut ids = Vec::new();
    for field in NAMES {
        let id = match fields.get(field) {
            None => continue,
            Some(Field::Text(id)) if id.is_empty() => continue,
            Some(Field::Text(id)) if is_id(id) => id.as_ref(),
            Some(_) => {
                let expected = "1 to 64 letters, digits, `_` and `-`";
                return Err(ReadError::BadId { field, expected });
            }
        };
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.sort_by_key(|id| !id.starts_with("CAL"));
    if ids.is_empty() {
        return Err(ReadError::Missing { fields: NAMES });
    }
    Ok(ids)
}

/// Everything that is said.
pub(super) fn facts(fields: &Fields<'_>, call: CallFacts) -> Facts {
    Facts {
        person: PersonFacts {
            name: fields.line(&["customer_name", "callername"], 200),
            phone: fields.line(&["customer_phone_number", "caller_id", "callernum"], 64),
            email: fields.line(&["customer_email"], 254),
            city: fields.line(&["customer_city", "callercity"], 100),
            state: fields.line(&["customer_state", "callerstate"], 50),
            country: fields.line(&["customer_country", "callercountry"], 50),
            postal_code: fields.line(&["zip_code"], 20),
            address: None,
        },
        labels: Labels {
            tags: fields.get("tags").map(tags),
            note: cleared_or(fields, "note", 5_000),
            value: cleared_or(fields, "value", 100),
            status: fields.line(&["lead_status"], 50),
        },
        attribution: fields.lines(is_attribution, 500),
        about: About::Phone(call),
        ..Facts::default()
    }
}

/// What is said of the call itself.
pub(super) fn call(fields: &Fields<'_>) -> CallFacts {
    CallFacts {
        is_answered: fields.flag("answered"),
        is_voicemail: fields.flag("voicemail"),
        duration_seconds: fields.text("duration").and_then(whole_seconds),
        started_at: ["start_time", "created_at", "timestamp", "datetime"]
            .iter()
            .find_map(|name| fields.text(name).and_then(time)),
        tracking_number: fields.line(&["tracking_phone_number", "trackingnum"], 64),
        business_number: fields.line(&["business_phone_number", "destinationnum"], 64),
        has_recording: fields.has("recording").then_some(true),
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
        Field::Bool(_) | Field::List(_) | Field::Object(_) => None,
    }
}

/// A list, or text with commas.
fn tags(field: &Field<'_>) -> Vec<String> {
    const MAX: usize = 50;
    let clean = |raw: &str| line(raw, 100);
    match field {
        Field::Text(raw) => raw.split(',').filter_map(clean).take(MAX).collect(),
        field => {
            let texts = field.items().iter().filter_map(Field::text);
            texts.filter_map(clean).take(MAX).collect()
        }
    }
}

/// Where the caller found the company.
fn is_attribution(name: &str) -> bool {
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
    is_attribution(name)
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
