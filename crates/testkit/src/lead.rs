//! One fictional lead for each channel, as it looks from its delivery to its last stage. The domain's own transitions
//! make it, so a test never meets a request that the product could not have. What a test is about, it changes itself.

use std::{collections::BTreeMap, str::FromStr, sync::Arc, time::Duration};

use domain::{
    About, Alias, AnalysisSection, ApiFacts, Audio, Author, BookingFacts, BookingSection,
    BookingStatus, Budget, CallFacts, Channel, ChatFacts, ChatMessage, ChatStatus, Claim, Claimed,
    ConnectionName, Consent, Destination, DetailsAnswer, DetailsSection, DispatchSection,
    DispatchState, Document, DocumentFacts, DocumentReading, DocumentsSection, EmailAddress,
    Engine, Facts, FormFacts, Intent, KeptDocument, Labels, LeadRequest, Message, News,
    NotificationRules, NotificationsSection, OfficeConfig, OpenWork, Origin, Outcome, PersonFacts,
    PostalCode, ProjectType, Reason, RecordingSection, RemoteIds, RequestState, RetryPolicy,
    Section, Sentiment, SettleContext, Stage, TenantId, TextFacts, Timeline, Tokens,
    TranscriptSection, TranscriptState, Turn, WorkKey, WorkRow, WorkflowConfig, qualification,
    transition,
};
use jiff::Timestamp;

/// The provider's slug.
pub const PROVIDER: &str = "trial";
/// Both the connection that [`office`] dispatches to, and its connector's slug.
pub const CRM: &str = "crm";
/// Who [`office`] notifies.
pub const RECIPIENT: &str = "sales@example.com";

/// When the call began, the form was sent, the chat was opened.
pub fn at() -> Timestamp {
    parsed("2026-11-02T15:04:05Z")
}

pub fn tenant() -> TenantId {
    parsed("tenant_demo")
}

/// The office: in Chicago's time zone, without a limit to its service area. It sends every lead to [`CRM`] and mails
/// [`RECIPIENT`].
pub fn office() -> OfficeConfig {
    OfficeConfig {
        tenant_name: "Demo Company".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        workflow: WorkflowConfig {
            destinations: vec![Destination {
                connector: CRM.to_owned(),
                connection: parsed(CRM),
            }],
            notifications: NotificationRules {
                email: vec![email(RECIPIENT)],
                from: Some(email("leads@example.com")),
                ..NotificationRules::default()
            },
            ..WorkflowConfig::default()
        },
        version: 1,
    }
}

/// Everything that a delivery of this channel can say.
pub fn facts(channel: Channel) -> Facts {
    let text = |text: &str| Some(text.to_owned());
    Facts {
        external_id: Some(alias(channel).value),
        person: PersonFacts {
            name: text("Ann Lee"),
            phone: text("+15125550142"),
            email: text("ann@example.com"),
            city: text("Round Rock"),
            state: text("TX"),
            country: text("US"),
            postal_code: text("78664"),
            address: text("12 Main Street"),
        },
        labels: Labels {
            tags: Some(vec!["kitchen".to_owned(), "call back".to_owned()]),
            note: text("Wants to be called after five."),
            value: text("$18,500"),
            status: text("good_lead"),
        },
        attribution: pairs([
            ("source", "google_paid"),
            ("source_name", "Google Ads - Kitchens"),
            ("medium", "cpc"),
            ("campaign", "austin-kitchens"),
        ]),
        consent: Some(Consent {
            text: "You may call me.".to_owned(),
            at: Some(at()),
        }),
        extra: pairs([("landing_page", "kitchens")]),
        required_fields: ["address".to_owned()].into(),
        derived_fields: Some(vec!["state".to_owned()]),
        suspicions: Some(vec!["the message has a link".to_owned()]),
        about: about(channel),
        ..Facts::default()
    }
}

fn about(channel: Channel) -> About {
    let text = |text: &str| Some(text.to_owned());
    match channel {
        Channel::Phone => About::Phone(CallFacts {
            is_answered: Some(true),
            is_voicemail: Some(false),
            duration_seconds: Some(185),
            started_at: Some(at()),
            tracking_number: text("+15125550100"),
            business_number: text("+15125550101"),
            has_recording: Some(true),
        }),
        Channel::Text => About::Text(TextFacts {
            company_number: text("+15125550100"),
            messages: conversation(),
        }),
        Channel::Form => About::Form(FormFacts {
            form: text("Free estimate"),
            page_url: text("https://demo.example.com/kitchens"),
            submitted_at: Some(at()),
            message: text("We want a new kitchen before spring."),
            answers: pairs([("Budget", "about forty thousand")]),
            documents: BTreeMap::from([(
                "part-6".to_owned(),
                DocumentFacts {
                    field: "photo".to_owned(),
                    name: text("kitchen.jpg"),
                    kind: "image/jpeg".to_owned(),
                    bytes: 48_211,
                    sha256: "5e".repeat(32),
                },
            )]),
        }),
        Channel::Calendar => About::Calendar(BookingFacts {
            service: text("Kitchen consultation"),
            starts_at: Some(parsed("2026-11-09T16:00:00Z")),
            ends_at: Some(parsed("2026-11-09T16:45:00Z")),
            time_zone: text("America/Chicago"),
            status: Some(BookingStatus::Booked),
            location: text("12 Main Street, Round Rock"),
            host: text("Luis Ortega"),
            calendar_ids: Some(vec!["cal_7".to_owned()]),
            event_id: text("slot_7"),
            message: text("We want a new kitchen before spring."),
            answers: pairs([("Budget", "about forty thousand")]),
            stated_at: Some(at()),
        }),
        Channel::Chat => About::Chat(ChatFacts {
            subject: text("Kitchen"),
            page_url: text("https://demo.example.com/kitchens"),
            started_at: Some(at()),
            status: Some(ChatStatus::Open),
            messages: conversation(),
            is_cut: None,
            is_deleted: None,
            stated_at: Some(at()),
        }),
        Channel::Api => About::Api(ApiFacts {
            occurred_at: Some(at()),
            message: text("We want a new kitchen before spring."),
            answers: pairs([("Budget", "about forty thousand")]),
        }),
    }
}

fn conversation() -> BTreeMap<String, ChatMessage> {
    let messages = [
        (
            Author::Customer,
            "2026-11-02T15:04:05Z",
            "Hello, we want a new kitchen.",
        ),
        (
            Author::Bot,
            "2026-11-02T15:04:06Z",
            "Somebody will answer soon.",
        ),
        (
            Author::Agent,
            "2026-11-02T15:05:10Z",
            "What is your budget?",
        ),
        (
            Author::Customer,
            "2026-11-02T15:06:00Z",
            "About forty thousand, before spring.",
        ),
    ];
    let message = |(number, (from, at, text)): (usize, (Author, &str, &str))| {
        let message = ChatMessage::new(from, Some(parsed(at)), text);
        (format!("msg-{}", number + 1), message)
    };
    messages.into_iter().enumerate().map(message).collect()
}

/// The lead's name at its provider.
pub fn alias(channel: Channel) -> Alias {
    let kind = match channel {
        Channel::Phone => "call",
        Channel::Text => "message",
        Channel::Form => "submission",
        Channel::Calendar => "booking",
        Channel::Chat => "conversation",
        Channel::Api => "lead",
    };
    Alias {
        provider: PROVIDER.to_owned(),
        kind: kind.to_owned(),
        value: format!("{kind}-1"),
    }
}

/// A first delivery that says [`facts`].
pub fn news(channel: Channel) -> News {
    News {
        delivery_id: Some("delivery-1".to_owned()),
        aliases: vec![alias(channel)],
        is_modified: false,
        is_thin: false,
        is_addition: false,
        apart: domain::Apart::Never,
        delay: Duration::ZERO,
        facts: facts(channel),
    }
}

pub fn origin(channel: Channel) -> Origin {
    Origin {
        tenant: tenant(),
        provider: PROVIDER.to_owned(),
        channel,
        source: parsed("src_00000000000000000000000000000009"),
        office: None,
        event: parsed("evt_00000000000000000000000000000008"),
        recovered: None,
        traceparent: None,
    }
}

/// The document of [`request`].
pub fn document(channel: Channel) -> Document {
    request(channel).document
}

/// The lead as its channel's first stage gets it.
pub fn request(channel: Channel) -> LeadRequest {
    Way::new(channel).request
}

/// The lead as the dispatcher gets it: everything was found, judged and qualified for [`office`].
pub fn qualified(channel: Channel) -> LeadRequest {
    let mut way = Way::new(channel);
    for stage in channel.pipeline().filter(|stage| *stage != Stage::Reading) {
        way.run(stage);
    }
    way.request
}

/// Claimed work, as the stage's handler gets it. `target` is the connection of a dispatch, else empty.
pub fn claimed(request: LeadRequest, stage: Stage, target: &str) -> Claimed {
    let key = WorkKey {
        tenant: request.tenant.clone(),
        request: request.id,
        stage,
        target: target.to_owned(),
    };
    let row = WorkRow::new(key, request.updated_at, Duration::ZERO, None);
    Claimed::new(row, request, Arc::new(office()))
}

/// What a stage writes that finds everything. `target` is the connection of a dispatch.
pub fn found(document: &Document, stage: Stage, target: &str) -> Vec<Section> {
    match stage {
        Stage::Reading => {
            let mut source = document.source.clone();
            source.unread = None;
            source.absorb(&news(document.channel()));
            vec![Section::Source(Box::new(source))]
        }
        Stage::Details => vec![Section::Details(details(
            document,
            document.source.said.clone(),
        ))],
        Stage::Documents => vec![Section::Documents(Box::new(kept(document)))],
        Stage::Recording => vec![Section::Recording(recording(document))],
        Stage::Transcript => vec![Section::Transcript(transcript(document))],
        Stage::Booking => vec![Section::Booking(booking(document))],
        Stage::Analysis => {
            let analysis = analysis(document);
            let qualification = qualification::qualify(document, &analysis, &office(), None);
            vec![
                Section::Analysis(Box::new(analysis)),
                Section::Qualification(qualification),
            ]
        }
        Stage::Dispatch => {
            let name = ConnectionName::new(target).expect("the target is a connection");
            vec![Section::Dispatch(name, dispatched(document))]
        }
        Stage::Notification => vec![Section::Notifications(notified())],
    }
}

/// The API's answer.
pub fn details(document: &Document, answer: Facts) -> DetailsSection {
    let revision = document.revisions.of(Stage::Details);
    DetailsSection {
        revision,
        answer: DetailsAnswer::Known(Box::new(answer)),
        is_newer: revision > 0,
    }
}

/// Files that are kept, and that nobody reads.
pub fn kept(document: &Document) -> DocumentsSection {
    let About::Form(form) = &document.source.said.about else {
        return DocumentsSection::default();
    };
    let kept = |file: &DocumentFacts| KeptDocument {
        sha256: file.sha256.clone(),
        blob: Some("document-1.jpg".to_owned()),
        reading: DocumentReading::Off,
    };
    let files = form.documents.iter();
    DocumentsSection {
        revision: document.revisions.of(Stage::Documents),
        files: files
            .map(|(name, file)| (name.clone(), kept(file)))
            .collect(),
        ..DocumentsSection::default()
    }
}

/// A recording of 185 s.
pub fn recording(document: &Document) -> RecordingSection {
    RecordingSection {
        revision: document.revisions.of(Stage::Recording),
        audio: Audio::Stored {
            name: "call-1.mp3".to_owned(),
            sha256: "0a".repeat(32),
            size_bytes: 1_480_000,
            duration_ms: 185_000,
        },
    }
}

/// A time that nothing else takes.
pub fn booking(document: &Document) -> BookingSection {
    BookingSection {
        revision: document.revisions.of(Stage::Booking),
        span: document.slot().map(|slot| slot.span),
        ..BookingSection::default()
    }
}

/// Two voices who speak of a kitchen.
///
/// # Panics
/// If the document has no stored audio.
pub fn transcript(document: &Document) -> TranscriptSection {
    let audio = document.recording.as_ref().map(|section| &section.audio);
    let Some(Audio::Stored { sha256, .. }) = audio else {
        panic!("there is no audio to transcribe")
    };
    TranscriptSection {
        audio_sha256: sha256.clone(),
        engine: "chirp_3".to_owned(),
        state: TranscriptState::Spoken,
        language: Some("en-US".to_owned()),
        turns: vec![
            turn("1", 0, "Thanks for calling, how can I help?"),
            turn(
                "2",
                3_100,
                "We want a new kitchen, about forty thousand, before spring.",
            ),
        ],
        billed_seconds: 185,
        revision: document.revisions.of(Stage::Transcript),
    }
}

/// What a voice says within two seconds.
pub fn turn(speaker: &str, start_ms: u64, text: &str) -> Turn {
    Turn {
        speaker: speaker.to_owned(),
        start_ms,
        end_ms: start_ms + 2_000,
        text: text.to_owned(),
    }
}

/// A model's judgment: a good lead, and no spam.
pub fn analysis(document: &Document) -> AnalysisSection {
    AnalysisSection {
        revision: document.revisions.of(Stage::Analysis),
        engine: Engine::Model("gemini-2.5-flash".to_owned()),
        prompt_version: "1".to_owned(),
        intent: Intent::Quote,
        sentiment: Sentiment::Positive,
        project_type: ProjectType::Kitchen,
        timeline: Timeline::OneToThreeMonths,
        budget: Budget::High,
        lead_score: 82,
        confidence: 0.9,
        reasons: vec![Reason {
            reason: "clear budget".to_owned(),
            quote: "about forty thousand".to_owned(),
        }],
        spam_likelihood: 2.0,
        summary: "A homeowner wants a new kitchen before spring.".to_owned(),
        postal_code: PostalCode::parse("78664").ok(),
        address: Some("12 Main Street, Round Rock".to_owned()),
        is_blocked: false,
        tokens: Tokens::default(),
    }
}

/// A dispatch that succeeded.
pub fn dispatched(document: &Document) -> DispatchSection {
    DispatchSection {
        connector: CRM.to_owned(),
        state: DispatchState::Done,
        revision: document.revisions.of(Stage::Dispatch),
        remote_ids: RemoteIds::default()
            .with("contact", "101")
            .with("deal", "202"),
        fields_hash: Some("0b".to_owned()),
        dispatched_at: Some(at()),
        reason: None,
    }
}

/// [`RECIPIENT`] got their mail.
pub fn notified() -> NotificationsSection {
    NotificationsSection {
        is_done: true,
        messages: vec![Message {
            channel: "email".to_owned(),
            recipient: RECIPIENT.to_owned(),
            id: None,
            is_sent: true,
            provider_id: Some("mail-1".to_owned()),
            reason: None,
        }],
    }
}

/// A request on its way, with the one row that is open before dispatch.
struct Way {
    request: LeadRequest,
    rows: Vec<WorkRow>,
}

impl Way {
    fn new(channel: Channel) -> Self {
        let id = parsed("req_00000000000000000000000000000007");
        let plan = transition::receive(id, &origin(channel), Ok(news(channel)), at());
        let mut way = Self::after(plan);
        way.request.status = transition::claimed_status(way.request.status);
        way
    }

    fn after(plan: domain::Plan) -> Self {
        let change = plan.changes.into_iter().next();
        let change = change.expect("a plan changes its request");
        Self {
            request: change.request,
            rows: change.put,
        }
    }

    fn run(&mut self, stage: Stage) {
        let row = self.rows.iter_mut().find(|row| row.key.stage == stage);
        let row = row.unwrap_or_else(|| panic!("the step {stage} is not open"));
        row.claim(row.token, at(), Duration::from_secs(60));
        let claim = Claim {
            key: row.key.clone(),
            token: row.token,
        };
        let outcome = Outcome::Done {
            sections: found(&self.request.document, stage, ""),
            aliases: Vec::new(),
        };
        let context = SettleContext {
            now: at(),
            retry: &RetryPolicy::default(),
            connection_version: None,
            jitter: 0.0,
            duration: Duration::from_secs(1),
        };
        let work = OpenWork::new(self.rows.clone());
        let state = RequestState::new(self.request.clone(), work);
        let plan = transition::settle(state, Vec::new(), &claim, outcome, context);
        *self = Self::after(plan.expect("the claim is valid"));
    }
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    pairs.into_iter().map(owned).collect()
}

fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

fn parsed<T: FromStr>(text: &str) -> T {
    text.parse()
        .unwrap_or_else(|_| panic!("`{text}` is not valid"))
}

#[cfg(test)]
mod tests {
    use domain::{DetailsSection, Status};

    use super::*;

    #[test]
    fn every_channel_has_a_lead_that_waits_for_its_dispatch() {
        for channel in Channel::ALL {
            assert_eq!(request(channel).status, Status::Processing);
            let lead = qualified(channel);
            let document = &lead.document;
            assert_eq!(document.channel(), channel);
            assert_eq!(document.facts(), facts(channel));
            assert!(document.analysis.is_some() && document.notifications.is_none());
            let dispatch = document.dispatches.values().next().unwrap();
            assert_eq!(dispatch.state, DispatchState::Pending);
            let has_details = document.details.as_ref().and_then(DetailsSection::facts);
            let asks = channel.position(Stage::Details).is_some();
            assert_eq!(has_details.is_some(), asks, "{channel}");
        }
    }
}
