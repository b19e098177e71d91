//! A stage with its simulated models, and requests to hand to it.

use std::{sync::Arc, time::Duration};

use ai_analyzer::{Config, Deps};
use domain::{
    AnalysisSection, CallFacts, Claimed, Document, EventId, LeadRequest, OfficeConfig, Outcome,
    QualificationSection, Record, RequestId, Revisions, Section, SourceId, SourceSection, Stage,
    StageError, StageHandler, Status, TenantId, TranscriptSection, TranscriptState, Turn, WorkKey,
    WorkRow, WorkflowConfig,
};
use google::{Gemini, GeminiConfig, Tokens};
use http_client::{Client, Options};
use jiff::Timestamp;
use simulators::{Simulators, recordings::recording};
use uuid::Uuid;

/// The stage and its models.
pub(crate) struct World {
    pub(crate) simulators: Simulators,
    handler: Arc<dyn StageHandler>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|config| config, simulators::GOOGLE_TOKEN).await
    }

    pub(crate) async fn start_with(
        change: impl FnOnce(GeminiConfig) -> GeminiConfig,
        token: &str,
    ) -> Self {
        let simulators = Simulators::start(simulators::Config::default())
            .await
            .unwrap();
        let http = Client::new(Options {
            allow_loopback: true,
            ..Options::default()
        })
        .unwrap();
        let config = GeminiConfig {
            base_url: simulators.urls().gemini.parse().unwrap(),
            ..GeminiConfig::new("demo-project")
        };
        let gemini = Gemini::new(http, Tokens::fixed(token.to_owned().into()), change(config));
        let handler = ai_analyzer::stages(Deps {
            gemini,
            config: Config::default(),
        })
        .remove(0);
        Self {
            simulators,
            handler,
        }
    }

    pub(crate) async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        self.handler.handle(job).await
    }

    /// What the stage makes of a request.
    pub(crate) async fn judge(&self, job: &Claimed) -> Judged {
        Judged::from(self.handle(job).await.unwrap())
    }

    /// How often a model was asked.
    pub(crate) fn asked(&self) -> usize {
        self.simulators.gemini().requests().len()
    }
}

/// The sections that the stage wrote.
pub(crate) struct Judged {
    pub(crate) analysis: Option<AnalysisSection>,
    pub(crate) qualification: QualificationSection,
}

impl Judged {
    pub(crate) fn analysis(&self) -> &AnalysisSection {
        self.analysis.as_ref().unwrap()
    }
}

impl From<Outcome> for Judged {
    fn from(outcome: Outcome) -> Self {
        let Outcome::Done { sections, .. } = outcome else {
            panic!("not done: {outcome:?}")
        };
        let (mut analysis, mut qualification) = (None, None);
        for section in sections {
            match section {
                Section::Analysis(section) => analysis = Some(*section),
                Section::Qualification(section) => qualification = Some(section),
                other => panic!("not its own section: {other:?}"),
            }
        }
        Self {
            analysis,
            qualification: qualification.unwrap(),
        }
    }
}

/// A call whose transcript is there.
pub(crate) fn call(turns: Vec<Turn>) -> Document {
    let uuid = Uuid::from_u128(7);
    Document {
        source: SourceSection {
            provider: "callrail".into(),
            source: SourceId::from_uuid(uuid),
            office: None,
            events: 1,
            last_event: EventId::from_uuid(uuid),
            is_modified: false,
            unread: None,
            call: CallFacts {
                caller_name: Some("Dana Whitfield".into()),
                ..CallFacts::default()
            },
        },
        revisions: Revisions {
            recording: 0,
            analysis: 3,
            qualification: 5,
            dispatch: 0,
            ..Revisions::default()
        },
        contact: Default::default(),
        recording: None,
        transcript: Some(TranscriptSection {
            audio_sha256: String::new(),
            engine: "chirp_3".into(),
            state: if turns.is_empty() {
                TranscriptState::Silent
            } else {
                TranscriptState::Spoken
            },
            language: None,
            turns,
            billed_seconds: 1,
            revision: 0,
        }),
        analysis: None,
        qualification: None,
        verdict: None,
        dispatches: Default::default(),
        notifications: None,
        merged_into: None,
        erased: false,
    }
}

/// The turns of a recording that comes with the simulators.
pub(crate) fn script(name: &str) -> Vec<Turn> {
    let turns = recording(name).unwrap().script.turns.iter();
    turns
        .map(|turn| spoken(&turn.speaker, &turn.text))
        .collect()
}

pub(crate) fn spoken(speaker: &str, text: &str) -> Turn {
    Turn {
        speaker: speaker.into(),
        start_ms: 0,
        end_ms: 1,
        text: text.into(),
    }
}

/// Claimed work on a document, after so many failures.
pub(crate) fn job(document: Document, failures: u32) -> Claimed {
    job_with(document, failures, WorkflowConfig::default())
}

pub(crate) fn job_with(document: Document, failures: u32, workflow: WorkflowConfig) -> Claimed {
    let tenant = TenantId::new("tenant_demo").unwrap();
    let id = RequestId::from_uuid(Uuid::from_u128(1));
    let now = Timestamp::UNIX_EPOCH;
    let key = WorkKey {
        tenant: tenant.clone(),
        request: id,
        stage: Stage::Analysis,
        target: String::new(),
    };
    let row = WorkRow {
        failures,
        ..WorkRow::new(key, now, Duration::ZERO, None)
    };
    let request = LeadRequest {
        id,
        tenant,
        version: 1,
        created_at: now,
        updated_at: now,
        status: Status::Processing,
        person: None,
        document,
    };
    Claimed::new(
        row,
        request,
        Arc::new(OfficeConfig {
            workflow,
            version: 9,
            ..OfficeConfig::default()
        }),
    )
}

/// Units and amounts that were recorded, by model.
pub(crate) fn usage(job: &Claimed) -> Vec<(String, String, u64)> {
    let records = job.take_records().into_iter();
    records
        .map(|record| match record {
            Record::Usage(usage) => (usage.by, usage.unit, usage.amount),
            other => panic!("not a paid operation: {other:?}"),
        })
        .collect()
}
