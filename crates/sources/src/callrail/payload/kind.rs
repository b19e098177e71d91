//! What a delivery is about. No body names its event, and URLs are mixed up, so its members have to tell.

use super::{super::EVENTS, ids};
use crate::{TEST_REMARK, fields::Fields};

/// What a delivery is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A call that has ended, or one of which only its members tell how far it is.
    Call,
    /// A call that has just begun to ring, or was only routed so far.
    Ringing,
    /// An edit of a call.
    Modified,
    /// A text message.
    Text(Sender),
    Form,
    Unused(&'static str),
}

/// Who wrote a text message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    Customer,
    Company,
}

const OUTBOUND: Kind = Kind::Unused("a call from the company");

/// By the name of the event in its URL, as far as the content does not contradict it.
pub(super) fn by_name(event: &str, fields: &Fields<'_>) -> Kind {
    let content = by_content(fields);
    let event = event.replace('_', "-");
    match (event.as_str(), content) {
        ("test", _) => Kind::Unused(TEST_REMARK),
        (_, Kind::Unused(_) | Kind::Form) => content,
        ("sms-sent" | "text-sent", Kind::Text(_)) => Kind::Text(Sender::Company),
        ("sms-received" | "text-received", Kind::Text(_)) => Kind::Text(Sender::Customer),
        (_, Kind::Text(_)) => content,
        ("call-modified" | "updated-call", _) => Kind::Modified,
        ("pre-call" | "call-routing-complete" | "answered-call", Kind::Call)
            if !has_ended(fields) =>
        {
            Kind::Ringing
        }
        (event, _) if is_event(event) => content,
        _ => Kind::Unused("an event that is not used"),
    }
}

/// Whether it is an event's name. What is at the URL of the wrong one is read all the same.
fn is_event(event: &str) -> bool {
    let mut events = EVENTS.iter().map(|(name, _)| *name);
    events.any(|name| name == event)
        || [
            "call-completed",
            "answered-call",
            "updated-call",
            "voicemail",
        ]
        .contains(&event)
}

/// By its members. An empty one says nothing, and a call's canonical id says that it is a call.
pub(super) fn by_content(fields: &Fields<'_>) -> Kind {
    let has_any = |names: &[&str]| names.iter().any(|name| fields.has(name));
    let is_about_answers =
        fields.has("last_interaction_resource_id") && fields.get("answers").is_some();
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
    } else if is_about_answers || (is_bare && fields.has("person_id")) {
        Kind::Unused("news of an assistant, without a call")
    } else if ids::names_call(fields) {
        Kind::Call
    } else if is_form(fields) {
        Kind::Form
    } else if is_message(fields) {
        Kind::Text(sender(fields))
    } else {
        Kind::Call
    }
}

/// Whether a member tells of a call: more than an id that could be another thing's.
pub(super) fn tells_of_call(fields: &Fields<'_>) -> bool {
    const OF_CALLS: [&str; 13] = [
        "answered",
        "voicemail",
        "duration",
        "call_type",
        "direction",
        "customer_phone_number",
        "caller_id",
        "callernum",
        "tracking_phone_number",
        "trackingnum",
        "business_phone_number",
        "recording",
        "start_time",
    ];
    OF_CALLS.iter().any(|name| fields.has(name))
        || fields.text("resource_id").is_some_and(ids::is_canonical)
}

fn is_form(fields: &Fields<'_>) -> bool {
    const OF_FORMS: [&str; 3] = ["form_url", "submitted_at", "first_form"];
    fields.has("form_data")
        || (OF_FORMS.iter().any(|name| fields.has(name)) && !tells_of_call(fields))
}

fn is_message(fields: &Fields<'_>) -> bool {
    const OF_MESSAGES: [&str; 3] = ["message_type", "source_number", "conversation_id"];
    let is_of_messages = || OF_MESSAGES.iter().any(|name| fields.has(name));
    ids::has_prefix(fields, "SCI")
        || (is_of_messages() && (fields.has("content") || !tells_of_call(fields)))
}

/// Only what the company sent names who of it did, or that nobody did.
fn sender(fields: &Fields<'_>) -> Sender {
    let is_outgoing = || {
        let text = fields.text("direction");
        text.is_some_and(|text| ["outgoing", "sent"].contains(&text))
    };
    if fields.get("agent").is_some() || is_outgoing() {
        Sender::Company
    } else {
        Sender::Customer
    }
}

/// Whether the kind of call says that it ended on the answering machine.
pub(super) fn is_voicemail(fields: &Fields<'_>) -> bool {
    let kind = fields.text("call_type");
    kind.is_some_and(|kind| ["voicemail", "voicemail_transcription"].contains(&kind))
}

fn is_outbound(fields: &Fields<'_>) -> bool {
    ["direction", "call_type"].iter().any(|name| {
        let text = fields.text(name);
        text.is_some_and(|text| text.eq_ignore_ascii_case("outbound"))
    })
}

/// Whether the call is still going on: it has just begun to ring, or was only routed so far. Such a report has none of
/// the members that are attached at the end, not even empty ones.
///
/// Source: support.callrail.com, "Webhooks", the fields of Pre-Call and Call Routing Complete (read 2026-11).
pub(super) fn is_going_on(fields: &Fields<'_>, is_unanswered: bool) -> bool {
    match fields.text("call_type") {
        Some("in_progress") => true,
        Some(_) => is_unanswered && !has_ended(fields),
        // A shape that leaves out more tells nothing by leaving these out.
        None => false,
    }
}

/// Whether it has a member that is attached at the end, be it empty.
fn has_ended(fields: &Fields<'_>) -> bool {
    const AT_THE_END: [&str; 6] = [
        "recording",
        "recording_duration",
        "lead_status",
        "note",
        "value",
        "changes",
    ];
    AT_THE_END.iter().any(|name| fields.get(name).is_some())
}
