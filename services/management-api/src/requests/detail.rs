//! A request with everything that is known of it.

use std::collections::BTreeMap;

use domain::{
    AnalysisSection, Audio, CallFacts, ContactSection, DispatchAttempt, DispatchSection, LogEntry,
    NotificationRecord, NotificationsSection, QualificationSection, RequestId, SourceSection,
    TranscriptSection, TranscriptState, Usage, Verdict, WorkRow,
};
use jiff::Timestamp;
use serde::Serialize;
use store::RequestView;
use utoipa::ToSchema;

use super::summary;
use crate::words::{
    Area, AreaBasis, Budget, Channel, Decision, DispatchState, Engine, Flag, Intent, Lane, NoAudio,
    ParkCause, ProjectStart, ProjectType, RecordingState, Sentiment, SpamGate, Stage, Status,
    TranscriptOutcome, WorkState,
};

/// A request, whole.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestDetail {
    /// Its id.
    request_id: String,
    /// The id that was asked for, when that request turned out to be the same as this one.
    merged_from: Option<String>,
    /// Where it stands.
    status: Status,
    /// Grows by one with every write.
    version: u64,
    /// By what way it came.
    channel: Channel,
    /// When its first delivery was stored.
    created_at: Timestamp,
    /// When it was last written.
    updated_at: Timestamp,
    /// Who it is from, once that was asked.
    person_id: Option<String>,
    /// What a reader should know.
    flags: Vec<Flag>,
    /// Where it came from.
    source: Source,
    /// How the person can be reached.
    contact: Contact,
    /// The call, as it is best known.
    call: Call,
    /// Its audio.
    recording: Option<Recording>,
    /// What was said.
    transcript: Option<Transcript>,
    /// What it means.
    analysis: Option<Analysis>,
    /// What follows from that for this tenant.
    qualification: Option<Qualification>,
    /// A person's decision; it outranks the analysis.
    verdict: Option<PersonsVerdict>,
    /// Where it stands with each CRM.
    dispatches: Vec<Dispatch>,
    /// Every attempt to push it into a CRM, in order.
    dispatch_attempts: Vec<Attempt>,
    /// Messages to people, once they are due.
    notifications: Option<Notifications>,
    /// Every attempt to send one, in order.
    notification_attempts: Vec<NotificationAttempt>,
    /// What happened, in order.
    timeline: Vec<TimelineEntry>,
    /// What is still to be done.
    open_work: Vec<OpenWork>,
    /// Every paid operation, in order.
    usage: Vec<UsageLine>,
}

impl RequestDetail {
    pub(super) fn of(view: RequestView, asked_for: RequestId) -> Self {
        let RequestView {
            request,
            timeline,
            work,
            attempts,
            notifications,
            usage,
        } = view;
        let document = request.document;
        Self {
            request_id: request.id.to_string(),
            merged_from: (asked_for != request.id).then(|| asked_for.to_string()),
            status: request.status.into(),
            version: request.version,
            channel: Channel::Phone,
            created_at: request.created_at,
            updated_at: request.updated_at,
            person_id: request.person.map(|id| id.to_string()),
            flags: summary::flags(&document),
            contact: summary::contact(&document).into(),
            call: document.call().into(),
            source: document.source.into(),
            recording: document.recording.map(|section| section.audio.into()),
            transcript: document.transcript.map(Into::into),
            analysis: document.analysis.map(Into::into),
            qualification: document.qualification.map(Into::into),
            verdict: document.verdict.map(Into::into),
            dispatches: document
                .dispatches
                .into_iter()
                .map(|(connection, section)| Dispatch::of(connection.to_string(), section))
                .collect(),
            dispatch_attempts: attempts.into_iter().map(Into::into).collect(),
            notifications: document.notifications.map(Into::into),
            notification_attempts: notifications.into_iter().map(Into::into).collect(),
            timeline: timeline.into_iter().map(Into::into).collect(),
            open_work: work.into_iter().map(Into::into).collect(),
            usage: usage
                .into_iter()
                .map(|(at, line)| UsageLine::of(at, line))
                .collect(),
        }
    }
}

/// Where a request came from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RequestSource)]
struct Source {
    /// The provider's slug.
    provider: String,
    /// The configured source of the first delivery.
    source_id: String,
    /// The office that it belongs to, when one is set.
    office_id: Option<String>,
    /// How many deliveries it was made of.
    deliveries: u32,
    /// The newest of them.
    last_event_id: String,
    /// Why its delivery could not be read, while it could not.
    unread_reason: Option<String>,
}

impl From<SourceSection> for Source {
    fn from(section: SourceSection) -> Self {
        Self {
            provider: section.provider,
            source_id: section.source.to_string(),
            office_id: section.office.map(|id| id.to_string()),
            deliveries: section.events,
            last_event_id: section.last_event.to_string(),
            unread_reason: section.unread,
        }
    }
}

/// How the person can be reached.
#[derive(Debug, Serialize, ToSchema)]
struct Contact {
    /// Name as delivered, on one line.
    name: Option<String>,
    /// Telephone number in E.164 form; null when it was withheld.
    phone: Option<String>,
    /// E-mail address.
    email: Option<String>,
    /// Town.
    city: Option<String>,
    /// State.
    state: Option<String>,
    /// ZIP code, as delivered.
    postal_code: Option<String>,
}

impl From<ContactSection> for Contact {
    fn from(section: ContactSection) -> Self {
        Self {
            name: section.name,
            phone: section.phone.map(String::from),
            email: section.email.map(String::from),
            city: section.city,
            state: section.state,
            postal_code: section.postal_code.map(String::from),
        }
    }
}

/// Facts about a call, as the provider states them.
#[derive(Debug, Serialize, ToSchema)]
struct Call {
    /// The provider's id of the call.
    call_id: Option<String>,
    /// Whether it was picked up.
    is_answered: Option<bool>,
    /// Whether it ended on the answering machine.
    is_voicemail: Option<bool>,
    /// Length in seconds, as the provider counts it.
    duration_seconds: Option<u32>,
    /// When it began.
    started_at: Option<Timestamp>,
    /// The caller's name, as the carrier knows it.
    caller_name: Option<String>,
    /// The caller's number, as delivered.
    caller_number: Option<String>,
    /// The caller's e-mail address, as delivered.
    caller_email: Option<String>,
    /// Town of the caller's number.
    caller_city: Option<String>,
    /// State of the caller's number.
    caller_state: Option<String>,
    /// Country of the caller's number.
    caller_country: Option<String>,
    /// The caller's ZIP code, as delivered.
    caller_postal_code: Option<String>,
    /// The number that was dialled.
    tracking_number: Option<String>,
    /// The number that it rang at.
    business_number: Option<String>,
    /// Whether the provider says that there is a recording.
    has_recording: Option<bool>,
    /// Labels.
    tags: Option<Vec<String>>,
    /// A person's note.
    note: Option<String>,
    /// What the job is worth, as written.
    value: Option<String>,
    /// The provider's own judgement.
    lead_status: Option<String>,
    /// Where the caller found the company: source, medium, campaign, keywords, pages, click ids.
    marketing: BTreeMap<String, String>,
}

impl From<CallFacts> for Call {
    fn from(call: CallFacts) -> Self {
        Self {
            call_id: call.call_id,
            is_answered: call.is_answered,
            is_voicemail: call.is_voicemail,
            duration_seconds: call.duration_seconds,
            started_at: call.started_at,
            caller_name: call.caller_name,
            caller_number: call.caller_number,
            caller_email: call.caller_email,
            caller_city: call.caller_city,
            caller_state: call.caller_state,
            caller_country: call.caller_country,
            caller_postal_code: call.caller_postal_code,
            tracking_number: call.tracking_number,
            business_number: call.business_number,
            has_recording: call.has_recording,
            tags: call.tags,
            note: call.note,
            value: call.value,
            lead_status: call.lead_status,
            marketing: call.marketing,
        }
    }
}

/// The audio of a call, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
struct Recording {
    /// Whether there is audio.
    state: RecordingState,
    /// Length in milliseconds, measured from the file.
    duration_ms: Option<u64>,
    /// Size in bytes.
    size_bytes: Option<u64>,
    /// SHA-256 of the file, lower-case hexadecimal.
    sha256: Option<String>,
    /// Why there is none.
    reason: Option<NoAudio>,
}

impl From<Audio> for Recording {
    fn from(audio: Audio) -> Self {
        match audio {
            Audio::Stored {
                name: _, // where it is kept is nobody's business
                sha256,
                size_bytes,
                duration_ms,
            } => Self {
                state: RecordingState::Stored,
                duration_ms: Some(duration_ms),
                size_bytes: Some(size_bytes),
                sha256: Some(sha256),
                reason: None,
            },
            Audio::Absent { reason } => Self {
                state: RecordingState::Absent,
                duration_ms: None,
                size_bytes: None,
                sha256: None,
                reason: Some(reason.into()),
            },
        }
    }
}

/// What was said.
#[derive(Debug, Serialize, ToSchema)]
struct Transcript {
    /// How it went.
    outcome: TranscriptOutcome,
    /// Why it could not be made.
    reason: Option<String>,
    /// The engine.
    engine: String,
    /// BCP-47 language.
    language: Option<String>,
    /// Seconds that the provider charges for.
    billed_seconds: u32,
    /// The turns, in order of time.
    turns: Vec<Turn>,
}

/// What one speaker said before another spoke.
#[derive(Debug, Serialize, ToSchema)]
struct Turn {
    /// The engine's label: who spoke, not what their part was.
    speaker: String,
    /// Start, in milliseconds from the recording's start.
    start_ms: u64,
    /// End, in milliseconds from the recording's start.
    end_ms: u64,
    /// The words.
    text: String,
}

impl From<TranscriptSection> for Transcript {
    fn from(section: TranscriptSection) -> Self {
        let (outcome, reason) = match section.state {
            TranscriptState::Spoken => (TranscriptOutcome::Spoken, None),
            TranscriptState::Silent => (TranscriptOutcome::Silent, None),
            TranscriptState::Unavailable { reason } => {
                (TranscriptOutcome::Unavailable, Some(reason))
            }
        };
        let turn = |turn: domain::Turn| Turn {
            speaker: turn.speaker,
            start_ms: turn.start_ms,
            end_ms: turn.end_ms,
            text: turn.text,
        };
        Self {
            outcome,
            reason,
            engine: section.engine,
            language: section.language,
            billed_seconds: section.billed_seconds,
            turns: section.turns.into_iter().map(turn).collect(),
        }
    }
}

/// What the conversation means.
#[derive(Debug, Serialize, ToSchema)]
struct Analysis {
    /// Who judged.
    engine: Engine,
    /// The model's id, or the lexicon's version.
    engine_version: String,
    /// Version of our prompt and schema, or of our lexicon.
    prompt_version: String,
    /// What the caller wants.
    intent: Intent,
    /// How they feel about it.
    sentiment: Sentiment,
    /// What is to be remodeled.
    project_type: ProjectType,
    /// When it should start.
    timeline: ProjectStart,
    /// What it may cost.
    budget: Budget,
    /// How promising the lead is.
    #[schema(minimum = 0, maximum = 100)]
    lead_score: u8,
    /// How sure the engine is of the score.
    #[schema(minimum = 0, maximum = 1)]
    confidence: f64,
    /// Why, each with the words that show it.
    reasons: Vec<Reason>,
    /// How likely it is spam, in percent.
    #[schema(minimum = 0, maximum = 100)]
    spam_likelihood: f64,
    /// A few sentences.
    summary: String,
    /// ZIP code as said.
    postal_code: Option<String>,
    /// Address as said.
    address: Option<String>,
    /// Whether the model refused for safety: then a person decides.
    is_blocked: bool,
    /// Tokens that were used.
    tokens: Tokens,
}

/// One reason for a score.
#[derive(Debug, Serialize, ToSchema)]
struct Reason {
    /// The reason in a few words.
    reason: String,
    /// What was said, word for word.
    quote: String,
}

/// Tokens that a model counted.
#[derive(Debug, Serialize, ToSchema)]
struct Tokens {
    /// What was sent.
    prompt: u32,
    /// What it answered.
    output: u32,
    /// What it thought; billed as output.
    thoughts: u32,
}

impl From<AnalysisSection> for Analysis {
    fn from(section: AnalysisSection) -> Self {
        let (engine, engine_version) = match section.engine {
            domain::Engine::Model(id) => (Engine::Model, id),
            domain::Engine::Rules(version) => (Engine::Rules, version),
        };
        let reason = |reason: domain::Reason| Reason {
            reason: reason.reason,
            quote: reason.quote,
        };
        Self {
            engine,
            engine_version,
            prompt_version: section.prompt_version,
            intent: section.intent.into(),
            sentiment: section.sentiment.into(),
            project_type: section.project_type.into(),
            timeline: section.timeline.into(),
            budget: section.budget.into(),
            lead_score: section.lead_score,
            confidence: section.confidence,
            reasons: section.reasons.into_iter().map(reason).collect(),
            spam_likelihood: section.spam_likelihood,
            summary: section.summary,
            postal_code: section.postal_code.map(String::from),
            address: section.address,
            is_blocked: section.is_blocked,
            tokens: Tokens {
                prompt: section.tokens.prompt,
                output: section.tokens.output,
                thoughts: section.tokens.thoughts,
            },
        }
    }
}

/// What follows from the analysis for this tenant.
#[derive(Debug, Serialize, ToSchema)]
struct Qualification {
    /// What the spam gate says.
    gate: SpamGate,
    /// Whether the project is in the service area.
    area: Area,
    /// What that rests on.
    area_because: Option<AreaBasis>,
    /// Version of the configuration that decided.
    config_version: u64,
    /// The CRMs that get it.
    destinations: Vec<Destination>,
    /// Whether people are told.
    notify: bool,
}

/// A CRM that gets a request.
#[derive(Debug, Serialize, ToSchema)]
struct Destination {
    /// The connection's name.
    connection: String,
    /// The connector's slug.
    connector: String,
}

impl From<QualificationSection> for Qualification {
    fn from(section: QualificationSection) -> Self {
        let (area, area_because) = summary::area(section.area);
        Self {
            gate: section.gate.into(),
            area,
            area_because,
            config_version: section.config_version,
            destinations: section
                .destinations
                .into_iter()
                .map(|(connection, connector)| Destination {
                    connection: connection.to_string(),
                    connector,
                })
                .collect(),
            notify: section.notify,
        }
    }
}

/// A person's decision about a request that was held back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verdict)]
struct PersonsVerdict {
    /// What was decided.
    decision: Decision,
    /// Who decided.
    by: String,
    /// When.
    at: Timestamp,
}

impl From<Verdict> for PersonsVerdict {
    fn from(verdict: Verdict) -> Self {
        Self {
            decision: verdict.decision.into(),
            by: verdict.by,
            at: verdict.at,
        }
    }
}

/// Where a request stands with one CRM.
#[derive(Debug, Serialize, ToSchema)]
struct Dispatch {
    /// The connection's name.
    connection: String,
    /// The connector's slug.
    connector: String,
    /// The state.
    state: DispatchState,
    /// What the CRM calls the person.
    contact_id: Option<String>,
    /// What the CRM calls the job.
    deal_id: Option<String>,
    /// When it was last written.
    dispatched_at: Option<Timestamp>,
    /// Why it is not there yet.
    reason: Option<String>,
}

impl Dispatch {
    fn of(connection: String, section: DispatchSection) -> Self {
        Self {
            connection,
            connector: section.connector,
            state: section.state.into(),
            contact_id: section.contact_id,
            deal_id: section.deal_id,
            dispatched_at: section.dispatched_at,
            reason: section.reason,
        }
    }
}

/// An attempt to push a request into a CRM.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DispatchAttempt)]
struct Attempt {
    /// The connection's name.
    connection: String,
    /// The connector's slug.
    connector: String,
    /// When it began.
    at: Timestamp,
    /// How long it took, in milliseconds.
    latency_ms: u64,
    /// `done`, or what went wrong in a word.
    outcome: String,
    /// What the CRM calls what was written.
    external_ids: BTreeMap<String, String>,
    /// The CRM's answer where it refused.
    answer: Option<String>,
}

impl From<DispatchAttempt> for Attempt {
    fn from(attempt: DispatchAttempt) -> Self {
        Self {
            connection: attempt.connection.to_string(),
            connector: attempt.connector,
            at: attempt.at,
            latency_ms: attempt.latency_ms,
            outcome: attempt.outcome,
            external_ids: attempt.external_ids,
            answer: attempt.answer,
        }
    }
}

/// Messages to people about this request.
#[derive(Debug, Serialize, ToSchema)]
struct Notifications {
    /// Whether all of them have ended.
    is_done: bool,
    /// One for each recipient.
    messages: Vec<Message>,
}

/// One message to one person.
#[derive(Debug, Serialize, ToSchema)]
struct Message {
    /// By what way: `email`.
    channel: String,
    /// Who gets it.
    recipient: String,
    /// Whether the provider took it.
    is_sent: bool,
    /// The provider's id of it.
    provider_id: Option<String>,
    /// Why it was not sent.
    reason: Option<String>,
}

impl From<NotificationsSection> for Notifications {
    fn from(section: NotificationsSection) -> Self {
        let message = |message: domain::Message| Message {
            channel: message.channel,
            recipient: message.recipient,
            is_sent: message.is_sent,
            provider_id: message.provider_id,
            reason: message.reason,
        };
        Self {
            is_done: section.is_done,
            messages: section.messages.into_iter().map(message).collect(),
        }
    }
}

/// An attempt to send a message to a person.
#[derive(Debug, Serialize, ToSchema)]
struct NotificationAttempt {
    /// By what way: `email`.
    channel: String,
    /// Who it was for.
    recipient: String,
    /// The template and its version.
    template: String,
    /// When.
    at: Timestamp,
    /// `sent`, or why not in a word.
    outcome: String,
    /// The provider's id of it.
    provider_id: Option<String>,
}

impl From<NotificationRecord> for NotificationAttempt {
    fn from(record: NotificationRecord) -> Self {
        Self {
            channel: record.channel,
            recipient: record.recipient,
            template: record.template,
            at: record.at,
            outcome: record.outcome,
            provider_id: record.provider_id,
        }
    }
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
struct TimelineEntry {
    /// When.
    at: Timestamp,
    /// In which stage; null for the request as a whole.
    stage: Option<Stage>,
    /// For a dispatch, its connection.
    target: Option<String>,
    /// What, in a word, such as `received`, `done`, `waiting`, `retry`, `held`, `parked` or `completed`.
    outcome: String,
    /// What, in a sentence.
    detail: Option<String>,
    /// How long the step took, in milliseconds.
    duration_ms: Option<u64>,
}

impl From<LogEntry> for TimelineEntry {
    fn from(entry: LogEntry) -> Self {
        Self {
            at: entry.at,
            stage: entry.stage.map(Into::into),
            target: given(entry.target),
            outcome: entry.outcome,
            detail: entry.detail,
            duration_ms: entry.duration_ms,
        }
    }
}

/// A step that is still to be done.
#[derive(Debug, Serialize, ToSchema)]
struct OpenWork {
    /// The stage.
    stage: Stage,
    /// For a dispatch, its connection.
    target: Option<String>,
    /// Its state.
    state: WorkState,
    /// The connection that it waits for while it is held.
    held_for: Option<String>,
    /// Why it is parked.
    park_cause: Option<ParkCause>,
    /// Where it stands among its attempts.
    lane: Lane,
    /// Not before this time.
    due_at: Timestamp,
    /// Failed attempts.
    attempts: u32,
    /// How often it was not yet time.
    waits: u32,
    /// When waiting or retrying ends.
    deadline: Option<Timestamp>,
    /// Why it waits, was held or parked, in a sentence.
    reason: Option<String>,
    /// The provider's last answer.
    answer: Option<String>,
}

impl From<WorkRow> for OpenWork {
    fn from(row: WorkRow) -> Self {
        let (state, held_for, park_cause) = match row.state {
            domain::WorkState::Ready => (WorkState::Ready, None, None),
            domain::WorkState::InFlight { .. } => (WorkState::InFlight, None, None),
            domain::WorkState::Held { connection, .. } => {
                (WorkState::Held, Some(connection.to_string()), None)
            }
            domain::WorkState::Parked { cause } => (WorkState::Parked, None, Some(cause.into())),
        };
        Self {
            stage: row.key.stage.into(),
            target: given(row.key.target),
            state,
            held_for,
            park_cause,
            lane: row.lane.into(),
            due_at: row.due_at,
            attempts: row.failures,
            waits: row.waits,
            deadline: row.deadline,
            reason: row.reason,
            answer: row.answer,
        }
    }
}

/// A paid operation.
#[derive(Debug, Serialize, ToSchema)]
struct UsageLine {
    /// When.
    at: Timestamp,
    /// What is counted: `speech_seconds`, `model_prompt_tokens`, `model_output_tokens`, `emails`.
    unit: String,
    /// How much.
    amount: u64,
    /// By which model or service.
    by: String,
}

impl UsageLine {
    fn of(at: Timestamp, usage: Usage) -> Self {
        Self {
            at,
            unit: usage.unit,
            amount: usage.amount,
            by: usage.by,
        }
    }
}

/// Empty text stands for none where it is stored.
fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
