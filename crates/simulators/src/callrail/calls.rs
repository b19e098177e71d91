//! The calls of the simulated CallRail, and their fields.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{CallRail, Config, is_within_days, media};
use crate::extract::Query;
use crate::fault::{Late, absent_or_null};
use crate::recordings::{self, Recording};

/// How a registered call differs from one that nobody registered.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Call {
    /// The name of its recording. Null means none, absent means the default one.
    #[serde(default, with = "absent_or_null")]
    pub recording: Option<Option<String>>,
    /// Serves silence of this size instead of a named recording.
    #[serde(default)]
    pub recording_bytes: Option<u64>,
    /// The older, numeric id of the call.
    #[serde(default)]
    pub numeric_id: Option<u64>,
    /// More ids of the call.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The call does not exist, or the key may not see it.
    #[serde(default)]
    pub missing: bool,
    /// Any field of the call, as the API shows it.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// A call with its canonical id.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) call: Call,
    pub(super) first_asked: Timestamp,
    /// When the recording appears, and since when that is counted.
    pub(super) late: Option<(Late, Timestamp)>,
}

impl Known {
    pub(super) fn recording(&self, config: &Config) -> Option<&'static Recording> {
        match &self.call.recording {
            Some(name) => name.as_deref().and_then(recordings::recording),
            None => recordings::recording(&config.recording),
        }
    }
}

/// All calls by canonical id.
#[derive(Default)]
pub(super) struct Calls {
    known: BTreeMap<String, Known>,
    canonical: BTreeMap<String, String>,
    /// Calls that were only read, oldest first.
    unregistered: VecDeque<String>,
}

impl Calls {
    /// How many calls are kept that nobody registered.
    const UNREGISTERED: usize = 10_000;

    pub(super) fn register(&mut self, id: &str, call: Call, now: Timestamp) -> Result<(), String> {
        if !is_id(id) {
            return Err(format!("`{id}` is not a call id: `CAL…` or a number"));
        }
        if let Some(Some(name)) = &call.recording
            && recordings::recording(name).is_none()
        {
            let names: Vec<_> = recordings::RECORDINGS.keys().copied().collect();
            return Err(format!(
                "no recording is called `{name}`; there are {}",
                names.join(", ")
            ));
        }
        let id = self.canonical(id);
        for alias in call
            .aliases
            .iter()
            .cloned()
            .chain(call.numeric_id.map(|number| number.to_string()))
        {
            self.canonical.insert(alias, id.clone());
        }
        self.unregistered.retain(|other| *other != id);
        self.known.insert(
            id.clone(),
            Known {
                id,
                call,
                first_asked: now,
                late: None,
            },
        );
        Ok(())
    }

    /// The call with this id. Every well-formed id has one, unless it was registered as missing.
    pub(super) fn find(&mut self, id: &str, now: Timestamp) -> Option<Known> {
        if !is_id(id) && !self.canonical.contains_key(id) {
            return None;
        }
        let id = self.canonical(id);
        if !self.known.contains_key(&id) {
            let known = Known {
                id: id.clone(),
                call: Call::default(),
                first_asked: now,
                late: None,
            };
            self.known.insert(id.clone(), known);
            self.unregistered.push_back(id.clone());
            if self.unregistered.len() > Self::UNREGISTERED
                && let Some(oldest) = self.unregistered.pop_front()
            {
                self.known.remove(&oldest);
            }
        }
        self.known
            .get(&id)
            .filter(|known| !known.call.missing)
            .cloned()
    }

    pub(super) fn make_late(&mut self, id: &str, late: Late, now: Timestamp) -> Known {
        let fresh = Known {
            id: id.to_owned(),
            call: Call::default(),
            first_asked: now,
            late: None,
        };
        let known = self.known.entry(id.to_owned()).or_insert(fresh);
        known.late = Some((late, now));
        known.clone()
    }

    pub(super) fn clear_lateness(&mut self) {
        for known in self.known.values_mut() {
            known.late = None;
        }
    }

    pub(super) fn all(&self) -> Vec<Known> {
        self.known.values().cloned().collect()
    }

    fn canonical(&self, id: &str) -> String {
        if let Some(canonical) = self.canonical.get(id) {
            canonical.clone()
        } else if id.starts_with("CAL") {
            id.to_owned()
        } else {
            format!("CAL{}", digits_of(&format!("call {id}"), 32))
        }
    }
}

/// `CAL` and letters or digits, or a number.
fn is_id(id: &str) -> bool {
    let (rest, is_allowed): (_, fn(u8) -> bool) = match id.strip_prefix("CAL") {
        Some(rest) => (rest, |byte| byte.is_ascii_alphanumeric()),
        None => (id, |byte| byte.is_ascii_digit()),
    };
    (1..=64).contains(&rest.len()) && rest.bytes().all(is_allowed)
}

/// Hexadecimal digits that are always the same for the same text.
pub(super) fn digits_of(text: &str, length: usize) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
        .chars()
        .take(length)
        .collect()
}

/// The fields of every answer.
const DEFAULT_FIELDS: &[&str] = &[
    "answered",
    "business_phone_number",
    "customer_city",
    "customer_country",
    "customer_name",
    "customer_phone_number",
    "customer_state",
    "direction",
    "duration",
    "id",
    "recording",
    "recording_duration",
    "recording_player",
    "start_time",
    "tracking_phone_number",
    "voicemail",
];

/// Selectable fields that are null unless somebody sets them.
const EMPTY_FIELDS: &[&str] = &[
    "call_summary",
    "campaign",
    "conversational_transcript",
    "custom",
    "good_lead_call_id",
    "keywords",
    "lead_status",
    "lead_score",
    "note",
    "referrer_domain",
    "referring_url",
    "sentiment",
    "speaker_percent",
    "timeline_url",
    "transcription",
    "utm_campaign",
    "utm_content",
    "utm_medium",
    "utm_source",
    "utm_term",
    "value",
    "zip_code",
];

/// The default fields and the wanted ones.
pub(super) fn select(mut call: Map<String, Value>, wanted: &[String]) -> Value {
    call.retain(|name, _| DEFAULT_FIELDS.contains(&name.as_str()) || wanted.contains(name));
    Value::Object(call)
}

/// Whether a call passes the filters of a list.
pub(super) fn is_wanted(call: &Map<String, Value>, query: &Query<CallRail>) -> bool {
    let text = |name: &str| call.get(name).and_then(Value::as_str).unwrap_or_default();
    let wanted = query.text("company_id").map(super::integrations::company);
    let equal = ["tracker_id", "call_type", "direction", "lead_status"];
    equal
        .iter()
        .all(|name| query.text(name).is_none_or(|wanted| wanted == text(name)))
        && wanted.is_none_or(|wanted| wanted == text("company_id"))
        && is_within_days(text("start_time"), query)
}

/// Every field of a call. Values that nobody set are invented, and always the same for the same call.
pub(super) fn fields(
    base_url: &str,
    provider: &CallRail,
    account: &str,
    known: &Known,
    now: Timestamp,
) -> Map<String, Value> {
    let Known { id, call, .. } = known;
    let has_recording = known.has_recording(&provider.config, now);
    let recording = known.recording(&provider.config);
    let script = recording.map(|recording| &recording.script);
    let caller = script
        .map(|script| script.caller.clone())
        .unwrap_or_default();
    let seconds = script.map_or(0.0, |script| script.duration_seconds);
    let seconds = SignedDuration::try_from_secs_f64(seconds).map_or(0, |length| length.as_secs());
    let number = u32::from_str_radix(&digits_of(id, 7), 16).unwrap_or(0);
    let areas = ["512", "737", "254", "210", "830", "979", "361", "325"];
    let area = areas[number as usize % areas.len()];
    let phone = format!("+1{area}55501{:02}", number / 8 % 100);
    // A minute and a half before the call was first read, in the company's time zone.
    let start = known
        .first_asked
        .checked_sub(90.seconds())
        .unwrap_or(known.first_asked);
    let zone = TimeZone::get("America/Chicago").unwrap_or(TimeZone::UTC);
    let start = start
        .to_zoned(zone)
        .strftime("%Y-%m-%dT%H:%M:%S%.3f%:z")
        .to_string();
    let has_been_answered = call.fields.get("voicemail") != Some(&json!(true));
    let fields = json!({
        "answered": has_been_answered,
        "business_phone_number": "+15125550100",
        "customer_city": caller.city,
        "customer_country": "US",
        "customer_name": caller.name,
        "customer_phone_number": phone,
        "customer_state": caller.state,
        "direction": "inbound",
        "duration": seconds + 3,
        "id": id,
        "recording": has_recording.then(|| format!("{base_url}/v3/a/{account}/calls/{id}/recording.json")),
        "recording_duration": has_recording.then(|| seconds.to_string()),
        "recording_player": has_recording.then(|| media::link(base_url, provider, id, "recording")),
        "start_time": start,
        "tracking_phone_number": "+15125550117",
        "voicemail": false,
    });
    let selectable = json!({
        "agent_email": "intake@example.com",
        "call_highlights": [],
        "call_type": if has_been_answered { "answered" } else { "voicemail" },
        "company_id": provider.config.company_id,
        "company_name": "Demo Company",
        "company_time_zone": "America/Chicago",
        "created_at": start,
        "device_type": "mobile",
        "first_call": true,
        "integration_data": [],
        "landing_page_url": "https://remodel.example.com/",
        "medium": "direct",
        "milestones": { "first_touch": touch(&start), "last_touch": touch(&start) },
        "person_id": format!("PER{}", digits_of(&format!("person {id}"), 32)),
        "prior_calls": 0,
        "source": "direct",
        "source_name": "Website",
        "tags": [],
        "total_calls": 1,
        "tracker_id": format!("TRK{}", digits_of("tracker", 32)),
    });
    let mut fields: Map<String, Value> = [fields, selectable]
        .into_iter()
        .filter_map(object)
        .flatten()
        .collect();
    fields.extend(
        EMPTY_FIELDS
            .iter()
            .map(|name| ((*name).to_owned(), Value::Null)),
    );
    fields.extend(call.fields.clone());
    fields
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

fn touch(at: &str) -> Value {
    json!({
        "event_date": at, "ad_position": null, "campaign": null, "device": "mobile", "keywords": null,
        "landing": "https://remodel.example.com/", "landing_page_url_params": {}, "match_type": null,
        "medium": "direct", "referrer": "direct", "referrer_url_params": {}, "session_browser": "Chrome",
        "url_utm_params": {}, "source": "Direct",
    })
}
