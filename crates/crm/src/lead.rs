//! A lead in our words, ready for any CRM: every text bounded, on the lines it should have, and harmless where people
//! open it later.

use std::{fmt, fmt::Write as _};

use domain::{
    AreaVerdict, Audio, CallerIntent, Document, E164, EmailAddress, Engine, LeadRequest, NoAudio,
    OfficeConfig, PersonId, PostalCode, ProjectType, RequestId, TranscriptState, Turn, text,
};
use jiff::{Timestamp, tz::TimeZone};

use crate::words::{harmless, is_formula, label, line, paragraphs};

/// What a CRM gets of a request. Prints redacted in `Debug`.
#[derive(Clone, PartialEq)]
pub struct Lead {
    /// The request: one job in the CRM.
    pub request: RequestId,
    /// The person: one contact in the CRM.
    pub person: PersonId,
    /// All of the name but its last word.
    pub first_name: Option<String>,
    /// The last word of a name of several.
    pub last_name: Option<String>,
    /// Telephone number.
    pub phone: Option<E164>,
    /// E-mail address.
    pub email: Option<EmailAddress>,
    /// Town.
    pub city: Option<String>,
    /// State.
    pub state: Option<String>,
    /// ZIP code of the project: as said, else as delivered.
    pub postal_code: Option<PostalCode>,
    /// Address as said.
    pub address: Option<String>,
    /// The call.
    pub call: Call,
    /// What the conversation means.
    pub judgement: Option<Judgement>,
    /// Whether nobody could tell if the project is in the service area.
    pub is_area_unknown: bool,
    /// What was said, a line for each turn.
    pub transcript: Option<String>,
    /// Why there is no transcript, in a sentence.
    pub no_transcript: Option<String>,
    /// Our name of the recording; no link.
    pub recording: Option<String>,
    /// Why there is no recording, in a sentence.
    pub no_recording: Option<&'static str>,
    /// Labels, parted by commas.
    pub tags: Option<String>,
    /// A person's note.
    pub note: Option<String>,
    /// What the job is worth, as written.
    pub value: Option<String>,
    /// Where the caller found the company: source, medium, campaign.
    pub source: Option<String>,
}

/// When and how somebody called.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Call {
    /// When it began, in the office's time: `Mon 2 Nov 2026, 9:04 AM CST`.
    pub began: Option<String>,
    /// Length in seconds.
    pub duration_seconds: Option<u32>,
    /// Whether nobody picked up.
    pub is_missed: bool,
    /// Whether it ended on the answering machine.
    pub is_voicemail: bool,
}

/// What the conversation means.
#[derive(Clone, PartialEq)]
pub struct Judgement {
    /// What the caller wants.
    pub intent: CallerIntent,
    /// How they feel about it.
    pub sentiment: domain::Sentiment,
    /// What is to be remodeled.
    pub project_type: ProjectType,
    /// When it should start.
    pub timeline: domain::Timeline,
    /// What it may cost.
    pub budget: domain::Budget,
    /// 0 to 100.
    pub score: u8,
    /// How sure the engine is of the score, in percent.
    pub confidence_percent: u8,
    /// How likely it is spam, in percent.
    pub spam_percent: u8,
    /// A few sentences.
    pub summary: String,
    /// Why, each with the words that show it.
    pub reasons: Vec<(String, String)>,
    /// Whether our lexicon judged, because no model could be had.
    pub is_by_rules: bool,
}

impl Lead {
    /// Longest single line, in characters.
    pub const MAX_LINE: usize = 200;
    /// Longest text of several lines, in characters.
    pub const MAX_TEXT: usize = 5_000;
    /// Longest transcript, in UTF-16 code units: the strictest way in which a CRM may count characters.
    pub const MAX_TRANSCRIPT: usize = 64_000;
    /// Longest text of everything but the transcript, in characters.
    pub const MAX_DETAILS: usize = 20_000;
    /// How many labels and how many reasons are told.
    const MAX_ITEMS: usize = 20;

    /// The lead that a request is, from this person, with times in the office's zone.
    pub fn new(request: &LeadRequest, person: PersonId, office: &OfficeConfig) -> Self {
        let document = &request.document;
        let call = document.call();
        let contact = domain::workflow::contact(&call);
        let (first_name, last_name) = contact.name.as_deref().map(split_name).unwrap_or_default();
        let (transcript, no_transcript) = transcript(document);
        let (recording, no_recording) = recording(document);
        let told = |key| call.marketing.get(key).map(String::as_str);
        let source = [
            told("source_name").or(told("source")),
            told("medium"),
            told("campaign"),
        ];
        let source = source.into_iter().flatten().collect::<Vec<_>>().join(" / ");
        let tags = call.tags.unwrap_or_default();
        let tags = tags
            .iter()
            .take(Self::MAX_ITEMS)
            .filter_map(|tag| text::line(tag, 100))
            .collect::<Vec<_>>();
        Self {
            request: request.id,
            person,
            first_name,
            last_name,
            phone: contact.phone,
            email: contact.email.filter(|email| !is_formula(email.as_str())),
            city: contact.city.and_then(|city| line(&city)),
            state: contact.state.and_then(|state| line(&state)),
            postal_code: document.postal_code().cloned().or(contact.postal_code),
            address: document
                .analysis
                .as_ref()
                .and_then(|analysis| line(analysis.address.as_deref()?)),
            call: Call {
                began: call.started_at.map(|at| local_time(at, &office.time_zone)),
                duration_seconds: call.duration_seconds,
                is_missed: call.is_answered == Some(false),
                is_voicemail: call.is_voicemail == Some(true),
            },
            judgement: document.analysis.as_ref().map(Judgement::new),
            is_area_unknown: document
                .qualification
                .as_ref()
                .is_some_and(|q| q.area == AreaVerdict::Unknown),
            transcript,
            no_transcript,
            recording,
            no_recording,
            tags: line(&tags.join(", ")),
            note: call.note.and_then(|note| paragraphs(&note, Self::MAX_TEXT)),
            value: call.value.and_then(|value| line(&value)),
            source: line(&source),
        }
    }

    /// First and last name, else the number, else nothing that tells one from another.
    pub fn title(&self) -> String {
        let name = [&self.first_name, &self.last_name]
            .into_iter()
            .flatten()
            .cloned()
            .collect::<Vec<_>>()
            .join(" ");
        match (&self.phone, name.is_empty()) {
            (_, false) => name,
            (Some(phone), true) => phone.as_str().to_owned(),
            (None, true) => "unknown caller".to_owned(),
        }
    }

    /// Everything but the transcript, for people to read.
    pub fn details(&self) -> String {
        let told =
            |label: &str, value: Option<&str>| value.map(|value| format!("{label}: {value}"));
        let place = [
            self.city.as_deref(),
            self.state.as_deref(),
            self.postal_code.as_ref().map(PostalCode::as_str),
        ];
        let place = place.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let caller = [
            told("Caller", Some(&self.title())),
            told("Phone", self.phone.as_ref().map(E164::as_str)),
            told("E-mail", self.email.as_ref().map(EmailAddress::as_str)),
            told(
                "Place",
                Some(place.as_str()).filter(|place| !place.is_empty()),
            ),
            told("Address as said", self.address.as_deref()),
            told(
                "Service area",
                self.is_area_unknown.then_some("unknown: please check"),
            ),
            told("Call", self.call.describe().as_deref()),
        ];
        let judgement = self
            .judgement
            .as_ref()
            .map(Judgement::describe)
            .unwrap_or_default();
        let rest = [
            told("Recording", self.recording.as_deref().or(self.no_recording)),
            told("Transcript", self.no_transcript.as_deref()),
            told("Tags", self.tags.as_deref()),
            told("Note", self.note.as_deref()),
            told("Value", self.value.as_deref()),
            told("Source", self.source.as_deref()),
            told("Request", Some(&self.request.to_string())),
        ];
        let lines = caller
            .into_iter()
            .flatten()
            .chain(judgement)
            .chain(rest.into_iter().flatten());
        text::bounded(&lines.collect::<Vec<_>>().join("\n"), Self::MAX_DETAILS)
    }
}

impl Call {
    fn describe(&self) -> Option<String> {
        let length = self
            .duration_seconds
            .map(|seconds| format!("{}:{:02} min", seconds / 60, seconds % 60));
        let ending = if self.is_voicemail {
            Some("voicemail".to_owned())
        } else {
            self.is_missed.then(|| "not answered".to_owned())
        };
        let parts: Vec<_> = [self.began.clone(), length, ending]
            .into_iter()
            .flatten()
            .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl Judgement {
    fn new(analysis: &domain::AnalysisSection) -> Self {
        let reasons = analysis.reasons.iter().take(Lead::MAX_ITEMS);
        Self {
            intent: analysis.intent,
            sentiment: analysis.sentiment,
            project_type: analysis.project_type,
            timeline: analysis.timeline,
            budget: analysis.budget,
            score: analysis.lead_score.min(100),
            confidence_percent: percent(analysis.confidence * 100.0),
            spam_percent: percent(analysis.spam_likelihood),
            summary: paragraphs(&analysis.summary, Lead::MAX_TEXT).unwrap_or_default(),
            reasons: reasons
                .filter_map(|reason| {
                    Some((
                        line(&reason.reason)?,
                        line(&reason.quote).unwrap_or_default(),
                    ))
                })
                .collect(),
            is_by_rules: matches!(analysis.engine, Engine::Rules(_)),
        }
    }

    fn describe(&self) -> Vec<String> {
        let mut lines = vec![
            format!(
                "Wants: {} ({})",
                label(self.project_type.as_str()),
                label(self.intent.as_str())
            ),
            format!("Timeline: {}", label(self.timeline.as_str())),
            format!("Budget: {}", label(self.budget.as_str())),
            format!(
                "Score: {} of 100, {} % sure",
                self.score, self.confidence_percent
            ),
            format!(
                "Sentiment: {}; spam: {} %",
                self.sentiment.as_str(),
                self.spam_percent
            ),
        ];
        if self.is_by_rules {
            lines.push("Judged by: word rules, because no model could be had".to_owned());
        }
        if !self.summary.is_empty() {
            lines.push(format!("Summary: {}", self.summary));
        }
        for (reason, quote) in &self.reasons {
            lines.push(if quote.is_empty() {
                format!("- {reason}")
            } else {
                format!("- {reason}: “{quote}”")
            });
        }
        lines
    }
}

impl fmt::Debug for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lead")
            .field("request", &self.request)
            .field("person", &self.person)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judgement")
            .field("score", &self.score)
            .finish_non_exhaustive()
    }
}

fn percent(value: f64) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0 to 100, and no number becomes 0"
    )]
    {
        value.clamp(0.0, 100.0).round() as u8
    }
}

/// A name's last word is the last name; one word alone is a first name. What carriers put in place of a name is none.
fn split_name(name: &str) -> (Option<String>, Option<String>) {
    const NO_NAMES: [&str; 8] = [
        "anonymous",
        "cell phone",
        "private",
        "restricted",
        "toll free call",
        "unavailable",
        "unknown",
        "wireless caller",
    ];
    let name = name.trim();
    if NO_NAMES.contains(&name.to_lowercase().as_str()) || E164::parse(name).is_ok() {
        return (None, None);
    }
    match name.rsplit_once(char::is_whitespace) {
        Some((first, last)) => (line(first), line(last)),
        None => (line(name), None),
    }
}

/// What was said, or why that is not known.
fn transcript(document: &Document) -> (Option<String>, Option<String>) {
    let Some(section) = &document.transcript else {
        return (None, None);
    };
    match &section.state {
        TranscriptState::Spoken => (spoken(&section.turns), None),
        TranscriptState::Silent => (None, Some("nobody spoke".to_owned())),
        TranscriptState::Unavailable { reason } => {
            let reason = text::line(reason, Lead::MAX_LINE).unwrap_or_default();
            (None, Some(format!("none, it could not be made: {reason}")))
        }
    }
}

/// A line for each turn: `[0:12] Speaker 1: …`. Cut at a turn, with a mark.
fn spoken(turns: &[Turn]) -> Option<String> {
    const MARK: &str = "[cut here: the whole transcript is in the dashboard]";
    let room = Lead::MAX_TRANSCRIPT - MARK.len() - 1;
    let (mut script, mut length) = (String::new(), 0);
    for turn in turns {
        let seconds = turn.start_ms / 1_000;
        let speaker = text::line(&turn.speaker, 40).unwrap_or_default();
        let Some(words) = text::line(&harmless(&turn.text), Lead::MAX_TRANSCRIPT / 4) else {
            continue;
        };
        let line = format!(
            "[{}:{:02}] Speaker {speaker}: {words}",
            seconds / 60,
            seconds % 60
        );
        length += line.encode_utf16().count() + 1;
        if length > room {
            script.push_str(MARK);
            break;
        }
        // Writing to a string does not fail.
        writeln!(script, "{line}").ok();
    }
    let script = script.trim_end();
    (!script.is_empty()).then(|| script.to_owned())
}

/// Our name of the recording, or why there is none.
fn recording(document: &Document) -> (Option<String>, Option<&'static str>) {
    match document.recording.as_ref().map(|section| &section.audio) {
        Some(Audio::Stored { name, .. }) => (line(name), None),
        Some(Audio::Absent { reason }) => (None, Some(no_audio(*reason))),
        None => (None, None),
    }
}

fn no_audio(reason: NoAudio) -> &'static str {
    match reason {
        NoAudio::NeverArrived => "none, it never arrived",
        NoAudio::NotRecorded => "none, the call was not recorded",
        NoAudio::Empty => "none, it was empty",
        NoAudio::Unreadable => "none, it could not be read",
        NoAudio::TooLarge => "none, it was too large",
        NoAudio::UnknownCall => "none, the call tracker does not know the call",
        NoAudio::NotConnected => "none, no account of the call tracker is connected",
    }
}

/// A time as the office's people read it; in UTC where their zone is not known.
fn local_time(at: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.to_zoned(zone)
        .strftime("%a %-d %b %Y, %-I:%M %p %Z")
        .to_string()
}

/// A lead of which everything is known.
#[cfg(test)]
pub(crate) fn sample() -> Lead {
    let id = |n| uuid::Uuid::from_u128(n);
    let request = LeadRequest {
        id: RequestId::from_uuid(id(1)),
        tenant: domain::TenantId::new("tenant_demo").unwrap(),
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        status: domain::Status::Processing,
        person: None,
        document: serde_json::from_str(include_str!("fixtures/document.json")).unwrap(),
    };
    let office = OfficeConfig {
        time_zone: "America/Chicago".to_owned(),
        ..OfficeConfig::default()
    };
    Lead::new(&request, PersonId::from_uuid(id(2)), &office)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_details_read_like_a_note() {
        let expected = "\
Caller: Ann Marie Lee
Phone: +15125550142
E-mail: ann@example.com
Place: Round Rock, TX, 78664
Address as said: 12 Main Street, Round Rock
Service area: unknown: please check
Call: Mon 2 Nov 2026, 9:04 AM CST, 3:05 min
Wants: Kitchen (Quote request)
Timeline: 1–3 months
Budget: High
Score: 82 of 100, 90 % sure
Sentiment: positive; spam: 2 %
Summary: A homeowner wants a new kitchen before spring.
- clear budget: “about forty thousand”
Recording: CAL0000000000000000000000000000000a.mp3
Tags: kitchen, call back
Note: Wants to be called after five.
Value: $18,500
Source: Google Ads - Kitchens / cpc / austin-kitchens
Request: req_00000000000000000000000000000001";
        assert_eq!(sample().details(), expected);
    }

    #[test]
    fn debug_shows_no_personal_data() {
        let shown = format!("{:?}", sample());
        for personal in ["Ann", "512", "Main", "kitchen"] {
            assert!(!shown.contains(personal), "{shown}");
        }
    }

    #[test]
    fn the_last_word_of_a_name_is_the_last_name() {
        let some = |text: &str| Some(text.to_owned());
        for (name, expected) in [
            ("Ann Lee", (some("Ann"), some("Lee"))),
            ("Ann Marie van Lee", (some("Ann Marie van"), some("Lee"))),
            ("Ann", (some("Ann"), None)),
            ("WIRELESS CALLER", (None, None)),
            ("+15125550142", (None, None)),
            ("(512) 555-0142", (None, None)),
            ("", (None, None)),
        ] {
            assert_eq!(split_name(name), expected, "{name}");
        }
    }

    #[test]
    fn a_long_transcript_is_cut_at_a_turn_and_marked() {
        let turn = |n: u64| Turn {
            speaker: "1".to_owned(),
            start_ms: n * 1_000,
            end_ms: n * 1_000 + 900,
            text: "é".repeat(300),
        };
        let script = spoken(&(0..500).map(turn).collect::<Vec<_>>()).unwrap();
        assert!(script.encode_utf16().count() <= Lead::MAX_TRANSCRIPT);
        assert!(script.ends_with("is in the dashboard]"), "{script}");
        assert!(script.starts_with("[0:00] Speaker 1: é"));
    }

    #[test]
    fn a_percentage_is_always_one() {
        for (value, expected) in [
            (12.4, 12),
            (-1.0, 0),
            (250.0, 100),
            (f64::NAN, 0),
            (f64::INFINITY, 100),
        ] {
            assert_eq!(percent(value), expected);
        }
    }

    #[test]
    fn times_are_the_offices_own() {
        let at: Timestamp = "2026-11-02T15:04:05Z".parse().unwrap();
        assert_eq!(
            local_time(at, "America/Chicago"),
            "Mon 2 Nov 2026, 9:04 AM CST"
        );
        assert_eq!(
            local_time(at, "Nowhere/Else"),
            "Mon 2 Nov 2026, 3:04 PM UTC"
        );
    }
}
