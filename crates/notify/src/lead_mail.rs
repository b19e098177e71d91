//! The mail about a lead: for a salesperson who reads it on a phone and wants to get in touch.

use std::sync::LazyLock;

use domain::{
    Brief, E164, EmailAddress, ProjectType,
    lead::brief::{Judgment, NoWords, Utterance, label},
    text,
};
use minijinja::{Environment, UndefinedBehavior, Value, value::Serde};
use serde::Serialize;

/// The template and its version, as it stands in records. It changes with every change of what people see.
pub const LEAD_TEMPLATE: &str = "lead/3";

/// Longest subject, in characters: what a phone shows, and more.
const MAX_SUBJECT: usize = 120;
const MAX_SUMMARY: usize = 1_500;
const MAX_NOTE: usize = 500;
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
#[error("a template could not be filled: {0}")]
pub struct TemplateError(#[from] minijinja::Error);

/// What the templates show. Every text is one line, bounded; escaping is the templates' part.
#[derive(Serialize)]
pub(crate) struct View {
    pub(crate) subject: String,
    pub(crate) preview: String,
    pub(crate) company: String,
    pub(crate) request: String,
    pub(crate) happened: String,
    pub(crate) person: String,
    pub(crate) wants: String,
    pub(crate) place: Option<String>,
    pub(crate) phone: Option<Phone>,
    pub(crate) score: Option<u8>,
    pub(crate) score_color: &'static str,
    pub(crate) warnings: Vec<String>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) summary: Option<String>,
    pub(crate) reasons: Vec<Reason>,
    pub(crate) transcript: Vec<Turn>,
    pub(crate) turns_left: usize,
}

#[derive(Serialize)]
pub(crate) struct Phone {
    pub(crate) number: String,
    pub(crate) shown: String,
}

#[derive(Serialize)]
pub(crate) struct Fact {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) link: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Reason {
    reason: String,
    quote: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Turn {
    at: Option<String>,
    speaker: String,
    text: String,
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

/// The mail of a company about a lead. `provider_name` is the name of a CRM for people, by its slug.
///
/// # Errors
/// [`TemplateError`] when a template does not fit what it is filled with.
pub fn lead_mail(
    brief: &Brief,
    company: &str,
    provider_name: fn(&str) -> &str,
) -> Result<Content, TemplateError> {
    let view = View::new(brief, company, provider_name);
    let value = Value::from(Serde(&view));
    let render = |name| TEMPLATES.get_template(name)?.render(&value);
    Ok(Content {
        text: render("lead.txt")?,
        html: render("lead.html")?,
        subject: view.subject,
    })
}

impl View {
    pub(crate) fn new(brief: &Brief, company: &str, provider_name: fn(&str) -> &str) -> Self {
        let judgment = brief.judgment.as_ref();
        let phone = brief.phone.as_ref().map(|phone| Phone {
            number: phone.as_str().to_owned(),
            shown: match &brief.extension {
                Some(extension) => format!("{} ext. {extension}", shown(phone)),
                None => shown(phone),
            },
        });
        let person = match (&brief.name, &phone, &brief.email) {
            (None, Some(phone), _) => phone.shown.clone(),
            (None, None, None) => label(&brief.title()),
            (_, _, _) => brief.title(),
        };
        let happened = label(brief.happened.what);
        let project = judgment
            .map(|judgment| judgment.project_type)
            .filter(|project| !matches!(project, ProjectType::Unknown | ProjectType::Other));
        let project = project.map(|project| label(project.as_str()));
        let score = judgment.map(|judgment| judgment.score);
        let place = brief.place();
        let subject = [
            project.clone(),
            score.map(|score| format!("score {score}")),
            Some(person.clone()),
        ];
        let subject = subject.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let from = place.as_ref().map(|place| format!(" ({place})"));
        let subject = format!("{happened}: {subject}{}", from.unwrap_or_default());
        let intent = judgment.map(|judgment| judgment.intent.as_str().replace('_', " "));
        let wants = [Some(project.unwrap_or_else(|| "Lead".to_owned())), intent];
        let summary = judgment.and_then(|judgment| text::line(&judgment.summary, MAX_SUMMARY));
        let preview = summary
            .as_deref()
            .and_then(|summary| text::line(summary, 140));
        let utterances = &brief.conversation.utterances;
        Self {
            subject: text::line(&subject, MAX_SUBJECT).unwrap_or_default(),
            preview: preview.unwrap_or_default(),
            company: text::line(company, 100).unwrap_or_else(|| "your company".to_owned()),
            request: brief.request.to_string(),
            happened,
            person,
            wants: wants.into_iter().flatten().collect::<Vec<_>>().join(", "),
            place,
            phone,
            score,
            score_color: match score {
                Some(80..) => "#0b7a53",
                Some(50..80) => "#a66a00",
                Some(..50) | None => "#6b7785",
            },
            warnings: warnings(brief, provider_name),
            facts: facts(brief, provider_name),
            summary,
            reasons: judgment.map(reasons).unwrap_or_default(),
            transcript: utterances.iter().take(MAX_TURNS).filter_map(turn).collect(),
            turns_left: utterances.len().saturating_sub(MAX_TURNS),
        }
    }
}

/// What must not be overlooked.
fn warnings(brief: &Brief, provider_name: fn(&str) -> &str) -> Vec<String> {
    let mut warnings = Vec::new();
    for before in &brief.before {
        warnings.push(format!("The same person {before}."));
    }
    if !brief.missing.is_empty() {
        warnings.push(format!(
            "Please ask for what is missing: {}.",
            brief.missing.join(", ")
        ));
    }
    for overlap in &brief.overlaps {
        warnings.push(format!(
            "Double booking: this appointment overlaps {overlap}."
        ));
    }
    if let Some(minutes) = brief.recovered_late {
        warnings.push(format!(
            "Found {minutes} min after it happened: the provider had not reported it."
        ));
    }
    if let Some(words) = &brief.opted_out {
        warnings.push(format!(
            "Do not text: the customer asked for no more messages ({words})."
        ));
    }
    if brief.is_area_unknown {
        warnings.push("Service area unknown: please check where the project is.".to_owned());
    }
    for crm in brief.crms.iter().filter(|crm| !crm.is_done) {
        let reason = crm.reason.as_deref().unwrap_or("it is still being sent");
        warnings.push(format!(
            "Not in {} yet: {}.",
            provider_name(&crm.connector),
            reason.trim_end_matches('.')
        ));
    }
    if brief
        .judgment
        .as_ref()
        .is_some_and(|judgment| judgment.is_by_rules)
    {
        warnings.push(
            "Judged by word rules, because no model was available. Take the score with care."
                .to_owned(),
        );
    }
    if let Some(reason) = brief.conversation.no_recording {
        warnings.push(format!("No recording: {}.", reason.sentence()));
    }
    match brief.conversation.no_words {
        Some(NoWords::Silent) => warnings.push("Nobody spoke on the recording.".to_owned()),
        Some(NoWords::Repeated) => warnings.push(
            "Little or nothing was said on the recording. Listen to it, and call back.".to_owned(),
        ),
        Some(NoWords::Unavailable(_)) => {
            warnings.push("There is a recording, but no transcript could be made.".to_owned());
        }
        None => {}
    }
    warnings
}

fn facts(brief: &Brief, provider_name: fn(&str) -> &str) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(email) = &brief.email {
        facts.push(Fact {
            label: "E-mail".to_owned(),
            value: email.as_str().to_owned(),
            link: Some(mailto(email)),
        });
    }
    let mut add = |label: &str, value: Option<String>| {
        let value = value.filter(|value| !value.is_empty());
        facts.extend(value.map(|value| Fact {
            label: label.to_owned(),
            value,
            link: None,
        }));
    };
    let happened = &brief.happened;
    add(happened.label, Some(happened.describe()));
    let unknown = brief.unknown_overlaps;
    add(
        "Other appointments",
        unknown.map(|why| format!("not known, {why}")),
    );
    for (question, answer) in &happened.answers {
        add(question, Some(answer.clone()));
    }
    if let Some(judgment) = &brief.judgment {
        add("Timeline", Some(word(judgment.timeline.as_str())));
        add("Budget", Some(word(judgment.budget.as_str())));
        add("Mood", Some(word(judgment.sentiment.as_str())));
    }
    add("Address", brief.address.clone());
    add("Tags", text::line(&brief.tags.join(", "), 200));
    let note = brief.note.as_deref();
    add("Note", note.and_then(|note| text::line(note, MAX_NOTE)));
    add("Value", brief.value.clone());
    add("Lead status", brief.lead_status.as_deref().map(label));
    add("Found us by", brief.found_by());
    for crm in brief.crms.iter().filter(|crm| crm.is_done) {
        add("CRM", Some(format!("in {}", provider_name(&crm.connector))));
    }
    facts
}

fn reasons(judgment: &Judgment) -> Vec<Reason> {
    let reasons = judgment.reasons.iter().take(MAX_REASONS);
    let reason = |(reason, quote): &(String, String)| Reason {
        reason: reason.clone(),
        quote: Some(quote.clone()).filter(|quote| !quote.is_empty()),
    };
    reasons.map(reason).collect()
}

fn turn(utterance: &Utterance) -> Option<Turn> {
    Some(Turn {
        at: utterance.at.clone(),
        speaker: utterance.speaker.to_string(),
        text: text::line(&utterance.text, 500)?,
    })
}

/// A word of ours as people read it; what nobody knows was not said.
fn word(word: &str) -> String {
    match word {
        "unknown" => "Not said".to_owned(),
        known => label(known),
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
