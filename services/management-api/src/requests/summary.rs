//! A request as it stands in a list.

use std::collections::{BTreeMap, BTreeSet};

use domain::{About, Audio, Brief, Document, Facts, LeadRequest, OpenWork, workflow};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::words::{
    Area, AreaBasis, Budget, Channel, DispatchState, Flag, Intent, ProjectStart, ProjectType,
    Stage, Status,
};

/// A request in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestSummary {
    /// Its id.
    request_id: String,
    /// Where it stands.
    status: Status,
    /// How the lead reached the company.
    channel: Channel,
    /// Rises with everything that is written of it.
    version: u64,
    /// The source's provider, by its slug: `callrail`.
    provider: String,
    /// The stage that it is at, or waits for; null when nothing is left to do, or a person decides first.
    stage: Option<Stage>,
    /// The person behind it, once that is known.
    person_id: Option<String>,
    /// What happened and whose it is, in a few words: `missed call from Ann Lee`.
    headline: String,
    /// When its first delivery was stored.
    created_at: Timestamp,
    /// When it was last written.
    updated_at: Timestamp,
    /// When the call, the chat or the text conversation began, or the form was sent.
    started_at: Option<Timestamp>,
    /// A call's length in seconds, as its provider counts it.
    duration_seconds: Option<u32>,
    /// Whether a call ended on the answering machine.
    is_voicemail: Option<bool>,
    /// Who it is from.
    contact: ContactSummary,
    /// How the person found the company.
    attribution: AttributionSummary,
    /// How promising it is.
    #[schema(minimum = 0, maximum = 100)]
    lead_score: Option<u8>,
    /// How sure that is.
    #[schema(minimum = 0, maximum = 1)]
    confidence: Option<f64>,
    /// What the person wants.
    intent: Option<Intent>,
    /// What is to be remodeled.
    project_type: Option<ProjectType>,
    /// When it should start.
    timeline: Option<ProjectStart>,
    /// What it may cost.
    budget: Option<Budget>,
    /// How likely it is spam, in percent.
    #[schema(minimum = 0, maximum = 100)]
    spam_likelihood: Option<f64>,
    /// Whether it is in the service area.
    area: Option<Area>,
    /// The conversation in a few sentences.
    summary: Option<String>,
    /// Whether somebody should call: a genuine lead inside the service area with a number, about whom nobody did anything.
    needs_call: bool,
    /// When somebody first got in touch, or tried to.
    touch: Option<FirstTouch>,
    /// Where it stands with each CRM.
    dispatches: Vec<DispatchSummary>,
    /// What a reader should know.
    flags: Vec<Flag>,
    /// Names of the fields that could not be read, or only in part; `body` if a delivery broke off.
    unread_fields: BTreeSet<String>,
    /// The request that this one turned out to be the same as.
    merged_into: Option<String>,
}

/// Who a request is from, in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ContactSummary {
    /// Name.
    name: Option<String>,
    /// Telephone number in E.164 form; null when it was withheld.
    phone: Option<String>,
    /// Town.
    city: Option<String>,
}

/// The first of a request's touches.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FirstTouch {
    /// When it was noted.
    first_at: Timestamp,
    /// Who noted it.
    by: String,
}

/// How a person found the company, in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttributionSummary {
    /// Where from: `Google Ads`.
    source: Option<String>,
    /// By which campaign.
    campaign: Option<String>,
}

/// Where a request stands with one CRM.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DispatchSummary {
    /// The connection's name.
    connection: String,
    /// The connector's slug.
    connector: String,
    /// The state.
    state: DispatchState,
}

impl RequestSummary {
    pub(crate) fn of(request: &LeadRequest) -> Self {
        let document = &request.document;
        let contact = document.contact();
        let facts = document.facts();
        let call = facts.about.call();
        let analysis = document.analysis.as_ref();
        Self {
            request_id: request.id.to_string(),
            status: request.status.into(),
            channel: document.channel().into(),
            version: request.version,
            provider: document.source.provider.clone(),
            stage: stage(request),
            person_id: request.person.map(|person| person.to_string()),
            headline: Brief::headline(&facts, document.channel()),
            created_at: request.created_at,
            updated_at: request.updated_at,
            started_at: started_at(&facts.about),
            duration_seconds: call.and_then(|call| call.duration_seconds),
            is_voicemail: call.and_then(|call| call.is_voicemail),
            attribution: AttributionSummary::of(&facts.attribution),
            contact: ContactSummary {
                name: contact.name,
                phone: contact.phone.map(String::from),
                city: contact.city,
            },
            lead_score: analysis.map(|analysis| analysis.lead_score),
            confidence: analysis.map(|analysis| analysis.confidence),
            intent: analysis.map(|analysis| analysis.intent.into()),
            project_type: analysis.map(|analysis| analysis.project_type.into()),
            timeline: analysis.map(|analysis| analysis.timeline.into()),
            budget: analysis.map(|analysis| analysis.budget.into()),
            spam_likelihood: analysis.map(|analysis| analysis.spam_likelihood),
            area: document
                .qualification
                .as_ref()
                .map(|qualification| area(qualification.area).0),
            summary: analysis.map(|analysis| analysis.summary.clone()),
            needs_call: document.needs_call(),
            touch: document.touches.first().map(|touch| FirstTouch {
                first_at: touch.at,
                by: touch.by.clone(),
            }),
            dispatches: document
                .dispatches
                .iter()
                .map(|(connection, dispatch)| DispatchSummary {
                    connection: connection.to_string(),
                    connector: dispatch.connector.clone(),
                    state: dispatch.state.into(),
                })
                .collect(),
            flags: flags(document, &facts),
            unread_fields: facts.unread_fields,
            merged_into: document.merged_into.map(|id| id.to_string()),
        }
    }
}

impl AttributionSummary {
    /// By the names that providers have for it.
    fn of(facts: &BTreeMap<String, String>) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| facts.get(*name)).cloned();
        Self {
            source: first(&["source_name", "source", "utm_source"]),
            campaign: first(&["campaign", "utm_campaign"]),
        }
    }
}

/// The stage whose step would be opened if none was open.
fn stage(request: &LeadRequest) -> Option<Stage> {
    let steps = workflow::next(request, &OpenWork::new(Vec::new()));
    steps.first().map(|step| step.stage.into())
}

/// When it began, by what its channel says.
fn started_at(about: &About) -> Option<Timestamp> {
    match about {
        About::Phone(call) => call.started_at,
        About::Form(form) => form.submitted_at,
        About::Chat(chat) => chat.started_at,
        About::Text(texts) => texts
            .messages
            .values()
            .filter_map(|message| message.at)
            .min(),
        About::Api(lead) => lead.occurred_at,
        About::Calendar(_) | About::Unrecognized(_) => None,
    }
}

pub(super) fn area(verdict: domain::AreaVerdict) -> (Area, Option<AreaBasis>) {
    match verdict {
        domain::AreaVerdict::In(basis) => (Area::In, Some(basis.into())),
        domain::AreaVerdict::Out(basis) => (Area::Out, Some(basis.into())),
        domain::AreaVerdict::Unknown => (Area::Unknown, None),
    }
}

pub(super) fn flags(document: &Document, facts: &Facts) -> Vec<Flag> {
    let recording = document.recording.as_ref();
    let analysis = document.analysis.as_ref();
    let qualification = document.qualification.as_ref();
    let has_no_recording =
        recording.is_some_and(|section| matches!(section.audio, Audio::Absent { .. }));
    let documents = document.documents.as_ref();
    let is_unread = documents.is_some_and(domain::DocumentsSection::is_unread);
    let is_by_rules =
        analysis.is_some_and(|section| matches!(section.engine, domain::Engine::Rules(_)));
    let is_area_unknown =
        qualification.is_some_and(|section| section.area == domain::AreaVerdict::Unknown);
    let is_marked_spam = facts.marked_spam == Some(true);
    let is_not_told = document.notifications.as_ref().is_some_and(|section| {
        section.is_done && section.messages.iter().any(|message| !message.is_sent)
    });
    [
        (document.source.recovered.is_some(), Flag::Recovered),
        (has_no_recording, Flag::NoRecording),
        (is_unread, Flag::UnreadDocument),
        (is_by_rules, Flag::AnalyzedByRules),
        (is_area_unknown, Flag::AreaUnknown),
        (is_marked_spam, Flag::MarkedSpam),
        (!facts.unread_fields.is_empty(), Flag::UnreadFields),
        (is_not_told, Flag::NotTold),
    ]
    .into_iter()
    .filter_map(|(is_raised, flag)| is_raised.then_some(flag))
    .collect()
}
