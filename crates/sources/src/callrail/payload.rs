//! What a webhook's body says: of a call here, of text messages and forms in their own files. The API shows a call by
//! the same names, so its answers are read here too.
//!
//! Any member may be missing, empty, null, or quoted. What is empty says nothing, except for labels, note and value:
//! there it says that they were cleared. What is odd is left out alone, and its name is kept.

mod forms;
mod ids;
mod kind;
mod reader;
mod texts;

use std::time::Duration;

use domain::{About, Alias, CallFacts, E164, Facts, Labels, PersonFacts, Reading};
use jiff::{Timestamp, civil, tz::TimeZone};
use sha2::{Digest as _, Sha256};

pub(super) use self::{
    ids::{Ids, is_canonical, is_id, is_placeholder},
    texts::names as message_names,
};
use self::{kind::Kind, reader::Reader};
use crate::{ReadError, Verified, fields::Fields, ignored};

/// How long a call that nobody answered waits for a later report, if nothing says that it is over.
const UNANSWERED_DELAY: Duration = Duration::from_secs(60);
/// How long a call that is going on waits for the report of its end. Most calls are over after ten minutes, and the
/// report follows at most 20 minutes later. If it never comes, the call is worked on all the same.
const GOING_ON_DELAY: Duration = Duration::from_mins(30);

/// Reads a body; `event` is the name of the event in its URL.
pub(super) fn read(delivery: &Verified, event: Option<&str>) -> Result<Reading, ReadError> {
    let fields = &delivery.fields(is_wanted)?;
    let kind = match event {
        Some(event) => kind::by_name(event, fields),
        None => kind::by_content(fields),
    };
    let (is_modified, is_ringing) = match kind {
        Kind::Call => (false, false),
        Kind::Modified => (true, false),
        Kind::Ringing => (false, true),
        Kind::Text(from) => return texts::read(delivery, fields, from),
        Kind::Form => return forms::read(delivery),
        Kind::Unused(reason) => return Ok(ignored(reason)),
    };
    let ids = Ids::of(fields)?;
    if fields.is_cut() && !kind::tells_of_call(fields) {
        // What is missing may say that it is a form or a message.
        return Err(ReadError::Cut);
    }
    let mut facts = facts(fields, &ids);
    let is_unanswered = facts.about.call().is_some_and(is_unanswered);
    // A URL of an event says which report it is.
    let is_first_report = event.is_none() && !is_modified;
    let is_going_on = is_ringing || (is_first_report && kind::is_going_on(fields, is_unanswered));
    if let (About::Phone(call), true) = (&mut facts.about, is_going_on) {
        // It says that nobody answered for 0 s, whatever comes of it.
        (call.is_answered, call.is_voicemail, call.duration_seconds) = (None, None, None);
    }
    let mut news = delivery.news("call", &ids.all, facts);
    if ids.canonical().is_none() {
        news.aliases.extend(beginning(&news.facts));
    }
    news.is_modified = is_modified;
    if is_going_on {
        news.delay = GOING_ON_DELAY;
    } else if is_first_report && is_unanswered {
        news.delay = UNANSWERED_DELAY;
    }
    Ok(Reading::News(news))
}

/// The name of a call by when it began, and who called which number: one report may name it by its older number alone,
/// and the next by its newer id alone. Only a report without the newer id leaves it, and only what the API says of a newer
/// id is led to that report by it.
pub(super) fn beginning(facts: &Facts) -> Option<Alias> {
    let number = |raw: &str| {
        let number = E164::parse(raw).ok()?;
        (!number.reaches_nobody()).then_some(number)
    };
    let call = facts.about.call()?;
    let caller = number(facts.person.phone.as_deref()?)?;
    let called = number(call.tracking_number.as_deref()?)?;
    // A whole second is rounded, or stands in for a time.
    let at = call.started_at.filter(|at| at.subsec_nanosecond() != 0)?;
    let at = at.as_millisecond();
    let numbers = format!("{} {}", caller.as_str(), called.as_str());
    Some(Alias {
        provider: "callrail".to_owned(),
        kind: Alias::BEGINNING.to_owned(),
        // The time first, so that an index grows at its end. The numbers are hashed so that nobody reads them in passing;
        // it is the caller's data all the same.
        value: format!("{at}-{}", hex::encode(Sha256::digest(numbers))),
    })
}

fn is_unanswered(call: &CallFacts) -> bool {
    call.is_answered == Some(false)
        && call.is_voicemail != Some(true)
        && call.duration_seconds.unwrap_or(0) == 0
}

/// Everything that is said of the call with these ids.
pub(super) fn facts(fields: &Fields<'_>, ids: &Ids<'_>) -> Facts {
    let mut reader = Reader::new(fields);
    for name in &ids.odd {
        reader.note(name);
    }
    let facts = Facts {
        external_id: ids.all.first().map(|id| (*id).to_owned()),
        canonical_id: ids.canonical().map(str::to_owned),
        person: PersonFacts {
            name: reader.line(&["customer_name", "callername"], 200),
            phone: reader.phone(),
            email: reader.line(&["customer_email"], 254),
            city: reader.line(&["customer_city", "callercity"], 100),
            state: reader.line(&["customer_state", "callerstate"], 50),
            country: reader.line(&["customer_country", "callercountry"], 50),
            postal_code: reader.line(&["zip_code"], 20),
            address: None,
        },
        labels: Labels {
            tags: reader.tags(),
            note: reader.cleared_or("note", 5_000),
            value: reader.cleared_or("value", 100),
            status: reader.line(&["lead_status"], 50),
        },
        attribution: reader.attribution(),
        marked_spam: reader.flag("spam"),
        about: About::Phone(call(&mut reader)),
        ..Facts::default()
    };
    Facts {
        unread_fields: reader.unread(),
        ..facts
    }
}

/// What is said of the call itself.
fn call(reader: &mut Reader<'_>) -> CallFacts {
    CallFacts {
        is_answered: reader.flag("answered"),
        is_voicemail: reader
            .flag("voicemail")
            .or_else(|| kind::is_voicemail(reader.fields()).then_some(true)),
        duration_seconds: reader.parsed("duration", whole_seconds),
        started_at: started_at(reader),
        tracking_number: reader.line(&["tracking_phone_number", "trackingnum"], 64),
        business_number: reader.line(&["business_phone_number", "destinationnum"], 64),
        has_recording: reader.announces_recording().then_some(true),
    }
}

/// `"254"`, `254` and `254.0` are 254 seconds; no call lasts more than a day.
fn whole_seconds(raw: &str) -> Option<u32> {
    const DAY: u32 = 24 * 60 * 60;
    let (whole, part) = raw.split_once('.').unwrap_or((raw, ""));
    let is_part = part.bytes().all(|byte| byte.is_ascii_digit());
    let whole = whole.parse().ok().filter(|seconds| *seconds <= DAY)?;
    is_part.then_some(whole)
}

/// When the call began.
///
/// A time without an offset is taken in the company's time zone, which most bodies name. `datetime` alone is documented
/// as UTC. As the last resort, where nothing names a zone, any other is taken as UTC, too: it may be hours off, but it
/// orders calls better than none.
fn started_at(reader: &mut Reader<'_>) -> Option<Timestamp> {
    let absolute = |raw: &str| raw.parse().ok().filter(is_likely);
    let mut local = None;
    for name in ["start_time", "created_at", "timestamp"] {
        let time = reader.parsed(name, |raw| {
            let local = || {
                raw.parse()
                    .ok()
                    .filter(|time| at(*time, TimeZone::UTC).is_some())
            };
            absolute(raw).map(Ok).or_else(|| local().map(Err))
        });
        match time {
            Some(Ok(time)) => return Some(time),
            Some(Err(time)) => local = local.or(Some(time)),
            None => {}
        }
    }
    let mut zones = ["company_time_zone", "time_zone"].into_iter();
    let in_zone = local.and_then(|time| {
        let zone = zones.find_map(|name| reader.parsed(name, |raw| TimeZone::get(raw).ok()))?;
        at(time, zone)
    });
    in_zone
        .or_else(|| {
            reader.parsed("datetime", |raw| {
                absolute(raw).or_else(|| at(raw.parse().ok()?, TimeZone::UTC))
            })
        })
        .or_else(|| at(local?, TimeZone::UTC))
}

/// A wall clock's time in a zone, if a call can have begun then.
fn at(time: civil::DateTime, zone: TimeZone) -> Option<Timestamp> {
    let time = time.to_zoned(zone).ok()?.timestamp();
    is_likely(&time).then_some(time)
}

/// Whether a call can have begun then: in this century.
fn is_likely(time: &Timestamp) -> bool {
    const FROM: i64 = 946_684_800; // 2000-01-01
    const TO: i64 = 4_102_444_800; // 2100-01-01
    (FROM..TO).contains(&time.as_second())
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
            "resource_id" | "call_id" | "id" | "direction" | "call_type" | "changes" | "spam"
            // What tells other events from calls.
            | "form_data" | "form_url" | "submitted_at" | "first_form" | "content" | "message_type" | "source_number"
            | "conversation_id" | "person_id" | "last_interaction_resource_id" | "answers"
            // A text message.
            | "destination_number" | "thread_resource_id" | "agent" | "media_urls"
            // The call, and the older names of the same.
            | "answered" | "voicemail" | "duration" | "start_time" | "created_at" | "timestamp" | "datetime"
            | "customer_name" | "callername" | "customer_phone_number" | "caller_id" | "callernum"
            | "customer_email" | "customer_city" | "callercity" | "customer_state" | "callerstate"
            | "customer_country" | "callercountry" | "zip_code" | "tracking_phone_number" | "trackingnum"
            | "business_phone_number" | "destinationnum" | "recording" | "recording_duration"
            | "tags" | "note" | "value" | "lead_status"
            // The name of a tag that is an object.
            | "name"
            // The visits before the call, in the API's answers.
            | "milestones" | "first_touch" | "last_touch" | "landing" | "landing_page_url_params" | "referrer"
            | "gbraid" | "wbraid"
            // Whose it is, in the API's answers, and where that is.
            | "company_id" | "company_time_zone" | "time_zone"
        )
}

#[cfg(test)]
mod tests;
