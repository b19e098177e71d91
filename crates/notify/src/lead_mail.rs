//! The mail about a lead: for a salesperson who reads it on a phone and wants to call back.

use std::sync::LazyLock;

use domain::{
    AreaVerdict, Audio, Budget, DispatchState, Document, E164, EmailAddress, Engine, LeadRequest,
    NoAudio, OfficeConfig, ProjectType, Timeline, TranscriptState, text,
};
use jiff::{Timestamp, tz::TimeZone};
use minijinja::{Environment, UndefinedBehavior, Value, value::Serde};
use serde::Serialize;

/// The template and its version, as it stands in records. It changes with every change of what people see.
pub const LEAD_TEMPLATE: &str = "lead/1";

/// Longest subject, in characters: what a phone shows, and more.
const MAX_SUBJECT: usize = 120;
const MAX_LINE: usize = 200;
const MAX_SUMMARY: usize = 1_500;
const MAX_TURNS: usize = 12;
const MAX_REASONS: usize = 6;

/// A mail's content.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// One line.
    pub subject: String,
    /// The plain part.
    pub text: String,
    /// The part with layout.
    pub html: String,
}

/// A template could not be filled: a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("the template `{LEAD_TEMPLATE}` could not be filled: {0}")]
pub struct TemplateError(#[from] minijinja::Error);

/// What the templates show. Every text is one line, bounded; escaping is the templates' part.
#[derive(Serialize)]
struct View {
    subject: String,
    preview: String,
    company: String,
    request: String,
    caller: String,
    wants: String,
    place: Option<String>,
    phone: Option<Phone>,
    is_missed: bool,
    score: Option<u8>,
    score_color: &'static str,
    warnings: Vec<String>,
    facts: Vec<Fact>,
    summary: Option<String>,
    reasons: Vec<Reason>,
    transcript: Vec<Turn>,
    turns_left: usize,
}

#[derive(Serialize)]
struct Phone {
    number: String,
    shown: String,
}

#[derive(Serialize)]
struct Fact {
    label: &'static str,
    value: String,
    link: Option<String>,
}

#[derive(Serialize)]
struct Reason {
    reason: String,
    quote: Option<String>,
}

#[derive(Serialize)]
struct Turn {
    at: String,
    speaker: String,
    words: String,
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    // Else an error would repeat what was to be shown.
    templates.set_debug(false);
    for (name, source) in [
        ("lead.html", include_str!("templates/lead.html")),
        ("lead.txt", include_str!("templates/lead.txt")),
    ] {
        templates
            .add_template(name, source)
            .expect("a template in the code is one: tests fill each");
    }
    templates
});

/// The mail about a request as it stands, with times in the office's zone.
///
/// # Errors
/// [`TemplateError`] when a template does not fit what it is filled with.
pub fn lead_mail(request: &LeadRequest, office: &OfficeConfig) -> Result<Content, TemplateError> {
    let view = View::new(request, office);
    let value = Value::from(Serde(&view));
    let render = |name| TEMPLATES.get_template(name)?.render(&value);
    Ok(Content {
        text: render("lead.txt")?,
        html: render("lead.html")?,
        subject: view.subject,
    })
}

impl View {
    fn new(request: &LeadRequest, office: &OfficeConfig) -> Self {
        let document = &request.document;
        let call = document.call();
        let contact = domain::workflow::contact(&call);
        let analysis = document.analysis.as_ref();
        let phone = contact.phone.as_ref().map(|phone| Phone {
            number: phone.as_str().to_owned(),
            shown: shown(phone),
        });
        let name = contact
            .name
            .as_deref()
            .and_then(|name| line(name, MAX_LINE));
        let caller = name.or_else(|| phone.as_ref().map(|phone| phone.shown.clone()));
        let caller = caller.unwrap_or_else(|| "Unknown caller".to_owned());
        let place = [contact.city.as_deref(), contact.state.as_deref()]
            .into_iter()
            .flatten();
        let place = [place.collect::<Vec<_>>().join(", "), postal_code(document)].join(" ");
        let place = line(&place, MAX_LINE);
        let project = match analysis.map(|analysis| analysis.project_type) {
            None | Some(ProjectType::Unknown | ProjectType::Other) => "Lead".to_owned(),
            Some(known) => sentence(known.as_str()),
        };
        let score = analysis.map(|analysis| analysis.lead_score.min(100));
        let wants = match analysis {
            Some(analysis) => format!("{project}, {}", analysis.intent.as_str().replace('_', " ")),
            None => project.clone(),
        };
        let scored = score
            .map(|score| format!(", score {score}"))
            .unwrap_or_default();
        let from = place
            .as_deref()
            .map(|place| format!(" ({place})"))
            .unwrap_or_default();
        let summary = analysis.and_then(|analysis| line(&analysis.summary, MAX_SUMMARY));
        let (transcript, turns_left) = transcript(document);
        Self {
            subject: line(&format!("{project}{scored}: {caller}{from}"), MAX_SUBJECT)
                .unwrap_or_default(),
            preview: summary
                .as_deref()
                .and_then(|summary| line(summary, 140))
                .unwrap_or_default(),
            company: line(&office.tenant_name, 100).unwrap_or_else(|| "your company".to_owned()),
            request: request.id.to_string(),
            caller,
            wants,
            place,
            phone,
            is_missed: call.is_answered == Some(false),
            score,
            score_color: match score {
                Some(80..) => "#0b7a53",
                Some(50..80) => "#a66a00",
                Some(..50) | None => "#6b7785",
            },
            warnings: warnings(document),
            facts: facts(document, office),
            summary,
            reasons: analysis.map(reasons).unwrap_or_default(),
            transcript,
            turns_left,
        }
    }
}

/// What must not be overlooked.
fn warnings(document: &Document) -> Vec<String> {
    let mut warnings = Vec::new();
    if document
        .qualification
        .as_ref()
        .is_some_and(|section| section.area == AreaVerdict::Unknown)
    {
        warnings.push("Service area unknown: please check where the project is.".to_owned());
    }
    for section in document
        .dispatches
        .values()
        .filter(|section| section.state != DispatchState::Done)
    {
        let reason = section
            .reason
            .as_deref()
            .and_then(|reason| line(reason, MAX_LINE));
        let reason = reason.unwrap_or_else(|| "it is still being sent".to_owned());
        warnings.push(format!(
            "Not in {} yet: {}.",
            crm(&section.connector),
            reason.trim_end_matches('.')
        ));
    }
    if document
        .analysis
        .as_ref()
        .is_some_and(|analysis| matches!(analysis.engine, Engine::Rules(_)))
    {
        warnings.push(
            "Judged by word rules, because no model could be had. Take the score with care."
                .to_owned(),
        );
    }
    if let Some(Audio::Absent { reason }) =
        document.recording.as_ref().map(|section| &section.audio)
    {
        warnings.push(format!("No recording: {}.", no_audio(*reason)));
    }
    match document
        .transcript
        .as_ref()
        .map(|transcript| &transcript.state)
    {
        Some(TranscriptState::Silent) => warnings.push("Nobody spoke on the recording.".to_owned()),
        Some(TranscriptState::Unavailable { .. }) => {
            warnings.push("There is a recording, but no transcript could be made.".to_owned());
        }
        Some(TranscriptState::Spoken) | None => {}
    }
    warnings
}

fn facts(document: &Document, office: &OfficeConfig) -> Vec<Fact> {
    let call = document.call();
    let mut facts = Vec::new();
    if let Some(email) = domain::workflow::contact(&call).email {
        facts.push(Fact {
            label: "E-mail",
            value: email.as_str().to_owned(),
            link: Some(mailto(&email)),
        });
    }
    let mut add = |label, value: Option<String>| {
        facts.extend(value.map(|value| Fact {
            label,
            value,
            link: None,
        }));
    };
    let length = call
        .duration_seconds
        .map(|seconds| format!("{}:{:02} min", seconds / 60, seconds % 60));
    let began = call.started_at.map(|at| local_time(at, &office.time_zone));
    let ending = match (call.is_voicemail, call.is_answered) {
        (Some(true), _) => Some("voicemail".to_owned()),
        (_, Some(false)) => Some("not answered".to_owned()),
        _ => None,
    };
    let told = [began, length, ending]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ");
    add("Call", Some(told).filter(|told| !told.is_empty()));
    if let Some(analysis) = &document.analysis {
        add("Timeline", Some(timeline(analysis.timeline)));
        add("Budget", Some(budget(analysis.budget)));
        add("Mood", Some(sentence(analysis.sentiment.as_str())));
        add(
            "Address said",
            analysis
                .address
                .as_deref()
                .and_then(|address| line(address, MAX_LINE)),
        );
    }
    let tags = call.tags.unwrap_or_default().join(", ");
    add("Tags", line(&tags, MAX_LINE));
    add(
        "Note",
        call.note.as_deref().and_then(|note| line(note, 500)),
    );
    add(
        "Value",
        call.value
            .as_deref()
            .and_then(|value| line(value, MAX_LINE)),
    );
    let told = |key| call.marketing.get(key).map(String::as_str);
    let found = [told("source_name").or(told("source")), told("campaign")];
    add(
        "Found us by",
        line(
            &found.into_iter().flatten().collect::<Vec<_>>().join(" / "),
            MAX_LINE,
        ),
    );
    for section in document
        .dispatches
        .values()
        .filter(|section| section.state == DispatchState::Done)
    {
        add("CRM", Some(format!("in {}", crm(&section.connector))));
    }
    facts
}

fn reasons(analysis: &domain::AnalysisSection) -> Vec<Reason> {
    let reasons = analysis.reasons.iter().take(MAX_REASONS);
    reasons
        .filter_map(|item| {
            Some(Reason {
                reason: line(&item.reason, MAX_LINE)?,
                quote: line(&item.quote, 300),
            })
        })
        .collect()
}

/// The first turns, and how many are left out.
fn transcript(document: &Document) -> (Vec<Turn>, usize) {
    let Some(transcript) = document
        .transcript
        .as_ref()
        .filter(|section| section.state == TranscriptState::Spoken)
    else {
        return (Vec::new(), 0);
    };
    let shown = transcript.turns.iter().take(MAX_TURNS).filter_map(|turn| {
        let seconds = turn.start_ms / 1_000;
        Some(Turn {
            at: format!("{}:{:02}", seconds / 60, seconds % 60),
            speaker: line(&turn.speaker, 40).unwrap_or_default(),
            words: line(&turn.text, 500)?,
        })
    });
    (
        shown.collect(),
        transcript.turns.len().saturating_sub(MAX_TURNS),
    )
}

/// A line of text from outside: no control characters, and none that turn or hide text.
fn line(raw: &str, max: usize) -> Option<String> {
    let is_harmless = |c: &char| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}');
    text::line(&raw.chars().filter(is_harmless).collect::<String>(), max)
}

fn postal_code(document: &Document) -> String {
    document
        .postal_code()
        .map(|code| code.as_str().to_owned())
        .unwrap_or_default()
}

/// `whole_home` is `Whole home`.
fn sentence(word: &str) -> String {
    let spaced = word.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn timeline(timeline: Timeline) -> String {
    match timeline {
        Timeline::Immediate => "At once",
        Timeline::OneToThreeMonths => "In 1–3 months",
        Timeline::ThreeToSixMonths => "In 3–6 months",
        Timeline::SixMonthsPlus => "In 6 months or more",
        Timeline::Unknown => "Not said",
    }
    .to_owned()
}

fn budget(budget: Budget) -> String {
    match budget {
        Budget::High | Budget::Medium | Budget::Low => sentence(budget.as_str()),
        Budget::Unknown => "Not said".to_owned(),
    }
}

fn crm(connector: &str) -> &str {
    match connector {
        "hubspot" => "HubSpot",
        "" => "the CRM",
        other => other,
    }
}

fn no_audio(reason: NoAudio) -> &'static str {
    match reason {
        NoAudio::NeverArrived => "it never arrived",
        NoAudio::NotRecorded => "the call was not recorded",
        NoAudio::Empty => "it was empty",
        NoAudio::Unreadable => "it could not be read",
        NoAudio::TooLarge => "it was too large",
        NoAudio::UnknownCall => "the call tracker does not know the call",
        NoAudio::NotConnected => "no account of the call tracker is connected",
    }
}

/// `+15125550142` is `(512) 555-0142`; numbers of other countries stay as they are.
fn shown(phone: &E164) -> String {
    let full = phone.as_str();
    let national = full.strip_prefix("+1").unwrap_or_default();
    match (national.get(..3), national.get(3..6), national.get(6..10)) {
        (Some(area), Some(office), Some(line)) => format!("({area}) {office}-{line}"),
        _ => full.to_owned(),
    }
}

/// A link whose address cannot carry anything but the address.
fn mailto(email: &EmailAddress) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'@' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    format!(
        "mailto:{}",
        email.as_str().bytes().map(encode).collect::<String>()
    )
}

/// A time as the office's people read it; in UTC where their zone is not known.
fn local_time(at: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.to_zoned(zone)
        .strftime("%a %-d %b %Y, %-I:%M %p %Z")
        .to_string()
}
