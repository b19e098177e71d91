//! The brief: a lead as every reader sees it. Analyzer, CRMs, mail and API read it, so that they cannot disagree. Every
//! text in it is bounded, and has no characters that turn or hide text; escaping and the rules of a target (a formula in
//! a CRM's cell, markup in a mail) are the reader's part.

mod conversation;
mod happened;
mod judgment;

use std::{collections::BTreeMap, fmt};

use jiff::{Timestamp, tz::TimeZone};

pub use conversation::{Conversation, NoWords, Speaker, Utterance};
pub use happened::Happened;
pub use judgment::Judgment;

use super::{
    About, Channel, ChatMessage, Conflict, DispatchState, Document, Facts, LeadRequest, Link,
    RequiredField, Span, UnknownBusy, links,
};
use crate::{
    AreaVerdict, E164, EmailAddress, OfficeConfig, PersonId, PostalCode, RequestId, Stage, text,
};

/// Longest single line, in characters.
pub const MAX_LINE: usize = 200;
/// Longest text of several lines, in characters.
pub const MAX_TEXT: usize = 5_000;
/// Longest thing that one person said at a time, in characters.
const MAX_UTTERANCE: usize = 16_000;
/// Longest text of [`Brief::details`], in characters.
pub const MAX_DETAILS: usize = 20_000;
/// How many tags, reasons and answers are shown.
const MAX_ITEMS: usize = 20;

/// A request as every reader sees it. Prints redacted in `Debug`.
#[derive(Clone, PartialEq)]
pub struct Brief {
    /// The request: one job in a CRM.
    pub request: RequestId,
    /// Grows with everything that CRMs are told anew.
    pub version: u32,
    /// When the lead came.
    pub received_at: Timestamp,
    /// The person: one contact in a CRM. `None` until the dispatcher has found out who it is.
    pub person: Option<PersonId>,
    /// How the lead reached the company.
    pub channel: Channel,
    /// What happened, when, and what the channel says of it.
    pub happened: Happened,
    /// The whole name; absent if what was delivered only stands in for one.
    pub name: Option<String>,
    /// Telephone number.
    pub phone: Option<E164>,
    /// What is dialed behind the number.
    pub extension: Option<String>,
    /// E-mail address.
    pub email: Option<EmailAddress>,
    /// Town.
    pub city: Option<String>,
    /// State.
    pub state: Option<String>,
    /// ZIP code of the project: as said, else as delivered.
    pub postal_code: Option<PostalCode>,
    /// Address of the project: as said, else as typed.
    pub address: Option<String>,
    /// What was said or written.
    pub conversation: Conversation,
    /// What else takes the time of a booking, a line each: `another booking, Mon 30 Nov 2026, 10:00 AM CST to …`.
    pub overlaps: Vec<String>,
    /// Why it is not known whether anything else does, as the second half of a sentence.
    pub unknown_overlaps: Option<&'static str>,
    /// The words by which the person asked for no more text messages.
    pub opted_out: Option<String>,
    /// What it means.
    pub judgment: Option<Judgment>,
    /// How many minutes late it was found at its provider, if its webhook had not come.
    pub recovered_late: Option<u64>,
    /// Whether nobody could tell if the project is in the service area.
    pub is_area_unknown: bool,
    /// Labels from the provider.
    pub tags: Vec<String>,
    /// A person's note.
    pub note: Option<String>,
    /// What the job is worth, as written.
    pub value: Option<String>,
    /// The provider's own judgment: `good_lead`.
    pub lead_status: Option<String>,
    /// How the person found the company, by the provider's name for each fact.
    pub attribution: BTreeMap<String, String>,
    /// The fields that the company wants and that are missing, as people read them: `E-mail`.
    pub missing: Vec<String>,
    /// What the same person did before, by another door: `called two days ago (same telephone number)`. The latest first.
    pub before: Vec<String>,
    /// Each CRM that the lead is meant for.
    pub crms: Vec<CrmState>,
    /// The office's zone: of every time here that is told in words.
    pub zone: TimeZone,
}

/// Where a lead stands with one CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmState {
    /// The connector's slug.
    pub connector: String,
    /// Whether it is in the CRM.
    pub is_done: bool,
    /// Why it is not there yet.
    pub reason: Option<String>,
}

impl Brief {
    /// The brief of a request as it stands, with times in the office's zone.
    pub fn new(request: &LeadRequest, office: &OfficeConfig) -> Self {
        let document = &request.document;
        let zone = TimeZone::get(&office.time_zone).unwrap_or(TimeZone::UTC);
        let facts = document.facts();
        let contact = facts.contact();
        let analysis = document.analysis.as_ref();
        let said_address = analysis.and_then(|analysis| line(analysis.address.as_deref()?));
        let typed_address = contact.address.as_deref().and_then(line);
        let tags = facts.labels.tags.iter().flatten();
        let attribution = facts.attribution.iter();
        Self {
            request: request.id,
            version: document.revisions.of(Stage::Dispatch),
            received_at: request.created_at,
            person: request.person,
            channel: document.channel(),
            happened: Happened::new(&facts.about, &zone),
            name: contact.name.as_deref().and_then(line),
            phone: contact.phone,
            extension: contact.extension,
            email: contact.email,
            city: contact.city.as_deref().and_then(line),
            state: contact.state.as_deref().and_then(line),
            postal_code: document.postal_code().cloned().or(contact.postal_code),
            address: said_address.or(typed_address),
            conversation: Conversation::new(document, &facts.about, &zone),
            overlaps: overlaps(document, &zone),
            unknown_overlaps: document
                .booking
                .as_ref()
                .and_then(|section| section.unknown)
                .map(UnknownBusy::sentence),
            opted_out: match &facts.about {
                About::Text(facts) => facts.opt_out().and_then(|message| line(&message.text)),
                _ => None,
            },
            judgment: analysis.map(Judgment::new),
            recovered_late: document
                .source
                .recovered
                .map(|recovered| recovered.minutes_late()),
            is_area_unknown: document
                .qualification
                .as_ref()
                .is_some_and(|section| section.area == AreaVerdict::Unknown),
            tags: tags
                .take(MAX_ITEMS)
                .filter_map(|tag| bounded_line(tag, 100))
                .collect(),
            note: facts.labels.note.as_deref().and_then(paragraphs),
            value: facts.labels.value.as_deref().and_then(line),
            lead_status: facts.labels.status.as_deref().and_then(line),
            attribution: attribution
                .filter_map(|(name, value)| Some((bounded_line(name, 100)?, line(value)?)))
                .collect(),
            missing: document
                .qualification
                .iter()
                .flat_map(|section| &section.missing_fields)
                .map(|field| field_label(*field))
                .collect(),
            before: before(&document.links, request.created_at),
            crms: document
                .dispatches
                .values()
                .map(|section| CrmState {
                    connector: section.connector.clone(),
                    is_done: section.state == DispatchState::Done,
                    reason: section.reason.as_deref().and_then(line),
                })
                .collect(),
            zone,
        }
    }

    /// The same, from this person.
    #[must_use]
    pub fn from_person(mut self, person: PersonId) -> Self {
        self.person = Some(person);
        self
    }

    /// The same with these links of the request, which came at this time: of what was written since it was read.
    #[must_use]
    pub fn linked_to(mut self, links: &[Link], came_at: Timestamp) -> Self {
        self.before = before(links, came_at);
        self
    }

    /// The key of the person in a CRM: ours of the person, or the request's own if the person is not known.
    pub fn person_key(&self) -> String {
        self.person
            .map_or_else(|| self.request.to_string(), |person| person.to_string())
    }

    /// All of the name but its last word, and the last word. A name of one word is a first name.
    pub fn split_name(&self) -> (Option<&str>, Option<&str>) {
        match self.name.as_deref() {
            None => (None, None),
            Some(name) => match name.rsplit_once(' ') {
                Some((first, last)) => (Some(first), Some(last)),
                None => (Some(name), None),
            },
        }
    }

    /// What people of the company call the person: the caller, the customer.
    pub const fn role(&self) -> &'static str {
        role(self.channel)
    }

    /// Name, else number, else address, else words that distinguish nobody.
    pub fn title(&self) -> String {
        title(
            self.name.as_deref(),
            self.phone.as_ref(),
            self.email.as_ref(),
            self.channel,
        )
    }

    /// What happened and whose it is, in a few words: `missed call from Ann Lee`. As a brief would say it, without making
    /// one: lists say it of hundreds of requests at a time, and a brief reads whole conversations.
    pub fn headline(facts: &Facts, channel: Channel) -> String {
        let contact = facts.contact();
        let name = contact.name.as_deref().and_then(line);
        let title = title(
            name.as_deref(),
            contact.phone.as_ref(),
            contact.email.as_ref(),
            channel,
        );
        format!("{} from {title}", Happened::what(&facts.about))
    }

    /// The number with its extension, as it is dialed: `+15125550153 ext. 77`.
    pub fn dialed(&self) -> Option<String> {
        let number = self.phone.as_ref()?.as_str();
        Some(match &self.extension {
            Some(extension) => format!("{number} ext. {extension}"),
            None => number.to_owned(),
        })
    }

    /// Town, state and ZIP code, on one line: `Round Rock, TX 78664`.
    pub fn place(&self) -> Option<String> {
        let town = [self.city.as_deref(), self.state.as_deref()];
        let town = town.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let postal_code = self.postal_code.as_ref().map(PostalCode::as_str);
        line(&format!("{town} {}", postal_code.unwrap_or_default()))
    }

    /// How the person found the company: source, medium and campaign, on one line.
    pub fn found_by(&self) -> Option<String> {
        let fact = |key| self.attribution.get(key).map(String::as_str);
        let found = [
            fact("source_name")
                .or(fact("source"))
                .or(fact("utm_source")),
            fact("medium").or(fact("utm_medium")),
            fact("campaign").or(fact("utm_campaign")),
        ];
        line(&found.into_iter().flatten().collect::<Vec<_>>().join(" / "))
    }

    /// Everything but the conversation, a line for each fact, for people to read.
    pub fn details(&self) -> String {
        let mut lines = Lines::default();
        lines.add(&label(self.role()), Some(&self.title()));
        lines.add("Phone", self.dialed().as_deref());
        lines.add("E-mail", self.email.as_ref().map(EmailAddress::as_str));
        lines.add("No more texts", self.opted_out.as_deref());
        lines.add("Place", self.place().as_deref());
        lines.add("Address", self.address.as_deref());
        lines.add(
            "Service area",
            self.is_area_unknown.then_some("unknown: please check"),
        );
        lines.add(self.happened.label, Some(&self.happened.describe()));
        for overlap in &self.overlaps {
            lines.add("Overlaps", Some(overlap));
        }
        let unknown = self.unknown_overlaps.map(|why| format!("not known, {why}"));
        lines.add("Other appointments", unknown.as_deref());
        for (question, answer) in &self.happened.answers {
            lines.add(question, Some(answer));
        }
        if let Some(judgment) = &self.judgment {
            judgment.describe(&mut lines);
        }
        let no_recording = self
            .conversation
            .no_recording
            .map(|reason| format!("none, {}", reason.sentence()));
        let recording = self.conversation.recording.as_deref();
        lines.add("Recording", recording.or(no_recording.as_deref()));
        lines.add(
            "Conversation",
            self.conversation
                .is_cut
                .then_some("its middle is left out, because it is too long"),
        );
        lines.add("Transcript", self.conversation.why_no_words().as_deref());
        lines.add("Tags", Some(&self.tags.join(", ")));
        lines.add("Note", self.note.as_deref());
        lines.add("Value", self.value.as_deref());
        lines.add("Lead status", self.lead_status.as_deref());
        lines.add("Source", self.found_by().as_deref());
        lines.add("Missing", Some(&self.missing.join(", ")));
        lines.add("Same person", Some(&self.before.join("; ")));
        lines.add("Request", Some(&self.request.to_string()));
        text::bounded(&lines.0.join("\n"), MAX_DETAILS)
    }
}

/// Lines of `label: value`.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, label: &str, value: Option<&str>) {
        let value = value.filter(|value| !value.is_empty());
        self.0
            .extend(value.map(|value| format!("{label}: {value}")));
    }
}

impl fmt::Debug for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brief")
            .field("request", &self.request)
            .field("person", &self.person)
            .finish_non_exhaustive()
    }
}

fn field_label(field: RequiredField) -> String {
    match field {
        RequiredField::Email => "E-mail".to_owned(),
        RequiredField::PostalCode => "ZIP code".to_owned(),
        RequiredField::City => "Town".to_owned(),
        field => label(field.as_str()),
    }
}

/// A word of ours as people read it: `whole_home` is `Whole home`.
pub fn label(word: &str) -> String {
    let spaced = match word {
        "1_3_months" => "1–3 months".to_owned(),
        "3_6_months" => "3–6 months".to_owned(),
        "6_plus_months" => "6 months or more".to_owned(),
        other => other.replace('_', " "),
    };
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// What else takes the time of a booking.
fn overlaps(document: &Document, zone: &TimeZone) -> Vec<String> {
    let conflicts = document
        .booking
        .iter()
        .flat_map(|section| &section.conflicts);
    let overlap = |conflict: &Conflict| {
        let what = match conflict.request {
            Some(_) => "another booking",
            None => "something else in the calendar",
        };
        let Span { from, to } = conflict.span;
        format!(
            "{what}, {} to {}",
            local_time(from, zone),
            local_time(to, zone)
        )
    };
    conflicts.map(overlap).collect()
}

/// A time as the office's people read it.
fn local_time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%a %-d %b %Y, %-I:%M %p %Z")
        .to_string()
}

/// What the person did before, the latest first.
fn before(links: &[Link], came_at: Timestamp) -> Vec<String> {
    const MAX_TOLD: usize = 3;
    let mut told: Vec<_> = links
        .iter()
        .rev()
        .filter_map(|link| Some((link.request, links::tell(link, came_at)?)))
        .collect();
    // Two things in common are told once.
    told.dedup_by_key(|(request, _)| *request);
    let told = told.into_iter().map(|(_, told)| told);
    told.take(MAX_TOLD).collect()
}

fn first_time(messages: &BTreeMap<String, ChatMessage>) -> Option<Timestamp> {
    messages.values().filter_map(|message| message.at).min()
}

const fn role(channel: Channel) -> &'static str {
    match channel {
        Channel::Phone => "caller",
        Channel::Text | Channel::Form | Channel::Calendar | Channel::Chat | Channel::Api => {
            "customer"
        }
    }
}

fn title(
    name: Option<&str>,
    phone: Option<&E164>,
    email: Option<&EmailAddress>,
    channel: Channel,
) -> String {
    name.or_else(|| phone.map(E164::as_str))
        .or_else(|| email.map(EmailAddress::as_str))
        .map_or_else(|| format!("unknown {}", role(channel)), str::to_owned)
}

fn line(raw: &str) -> Option<String> {
    bounded_line(raw, MAX_LINE - 1)
}

fn bounded_line(raw: &str, max: usize) -> Option<String> {
    text::line(&text::harmless(raw), max)
}

/// Text that keeps its lines.
fn paragraphs(raw: &str) -> Option<String> {
    let clean = text::bounded(text::harmless(raw).trim(), MAX_TEXT);
    (!clean.is_empty()).then_some(clean)
}
