//! A stage with its simulated models, and requests to hand to it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ai_analyzer::{Config, Deps, MapLimits, MapLookup};
use domain::{
    About, AnalysisSection, Author, Channel, ChatMessage, Claimed, Document, Facts, LeadRequest,
    OfficeConfig, Outcome, QualificationSection, Record, Section, Stage, StageError, StageHandler,
    TranscriptSection, TranscriptState, Turn, WorkflowConfig,
};
use google::{Gemini, GeminiConfig, Maps, MapsConfig, Tokens};
use http_client::{Client, Options};
use simulators::{Simulators, geocoding, recordings::recording};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use testkit::{ManualClock, lead};

/// The revisions of a [`call`]'s input.
const ANALYSIS_REVISION: u32 = 3;
const QUALIFICATION_REVISION: u32 = 5;

/// The stage and its models.
pub(crate) struct World {
    pub(crate) simulators: Simulators,
    pub(crate) clock: ManualClock,
    handler: Arc<dyn StageHandler>,
    _folder: TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|config| config, simulators::GOOGLE_TOKEN).await
    }

    pub(crate) async fn start_with(
        change: impl FnOnce(GeminiConfig) -> GeminiConfig,
        token: &str,
    ) -> Self {
        Self::start_within(MapLimits::default(), change, token).await
    }

    /// A world whose tenants may have so many addresses looked up a day.
    pub(crate) async fn with_lookups(per_tenant_and_day: u32) -> Self {
        Self::within(MapLimits {
            per_tenant_and_day,
            ..MapLimits::default()
        })
        .await
    }

    pub(crate) async fn within(limits: MapLimits) -> Self {
        Self::start_within(limits, |config| config, simulators::GOOGLE_TOKEN).await
    }

    async fn start_within(
        limits: MapLimits,
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
            base_url: simulators.gemini().base_url().parse().unwrap(),
            ..GeminiConfig::new("demo-project")
        };
        let maps = MapsConfig {
            key: geocoding::KEY.to_owned().into(),
            geocoding_url: simulators.geocoding().base_url().parse().unwrap(),
            validation_url: None,
            timeout: Duration::from_secs(3),
        };
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at("2026-11-02T15:04:05Z".parse().unwrap());
        let shared = Arc::new(clock.clone());
        let store = SqliteStore::open(&folder.path().join("store.db"), shared.clone()).unwrap();
        let map = Arc::new(Maps::new(http.clone(), maps));
        let map = MapLookup::new(map, Arc::new(store), shared, limits);
        let gemini = Gemini::new(http, Tokens::fixed(token.to_owned().into()), change(config));
        let handler = ai_analyzer::stages(Deps {
            gemini,
            map: Some(map),
            config: Config::default(),
        })
        .remove(0);
        Self {
            simulators,
            clock,
            handler,
            _folder: folder,
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

/// A call of Dana Whitfield's whose transcript is there, and of which nothing else is known.
pub(crate) fn call(turns: Vec<Turn>) -> Document {
    let mut document = lead::document(Channel::Phone);
    document.source.said = Facts::nothing(Channel::Phone);
    document.source.said.person.name = Some("Dana Whitfield".into());
    for _ in 0..ANALYSIS_REVISION {
        document.revisions.raise(Stage::Analysis);
    }
    for _ in 0..QUALIFICATION_REVISION {
        document.revisions.raise_qualification();
    }
    transcribe(&mut document, turns);
    document
}

fn transcribe(document: &mut Document, turns: Vec<Turn>) {
    document.recording = Some(lead::recording(document));
    let state = if turns.is_empty() {
        TranscriptState::Silent
    } else {
        TranscriptState::Spoken
    };
    document.transcript = Some(TranscriptSection {
        state,
        turns,
        ..lead::transcript(document)
    });
}

/// A lead of this channel whose person says only this.
pub(crate) fn written(channel: Channel, text: &str) -> Document {
    let mut document = lead::document(channel);
    let said = &mut document.source.said;
    said.labels.note = None;
    let words = Some(text.to_owned());
    let message = ChatMessage::new(Author::Customer, None, text);
    let messages = BTreeMap::from([("msg-1".to_owned(), message)]);
    match &mut said.about {
        About::Phone(_) => transcribe(
            &mut document,
            vec![spoken("1", "Hello?"), spoken("2", text)],
        ),
        About::Text(facts) => facts.messages = messages,
        About::Chat(facts) => facts.messages = messages,
        About::Form(facts) => facts.message = words,
        About::Calendar(facts) => facts.message = words,
        About::Api(facts) => facts.message = words,
        About::Unrecognized(_) => said.labels.note = words,
    }
    document
}

/// The turns of a recording that comes with the simulators.
pub(crate) fn script(name: &str) -> Vec<Turn> {
    let turns = recording(name).unwrap().script.turns.iter();
    turns
        .map(|turn| spoken(&turn.speaker, &turn.text))
        .collect()
}

pub(crate) fn spoken(speaker: &str, text: &str) -> Turn {
    lead::turn(speaker, 0, text)
}

/// Claimed work on a document, after this many failures.
pub(crate) fn job(document: Document, failures: u32) -> Claimed {
    job_with(document, failures, WorkflowConfig::default())
}

pub(crate) fn job_with(document: Document, failures: u32, workflow: WorkflowConfig) -> Claimed {
    let request = LeadRequest {
        document,
        ..lead::request(Channel::Phone)
    };
    let mut job = lead::claimed(request, Stage::Analysis, "");
    job.row.failures = failures;
    job.config = Arc::new(OfficeConfig {
        workflow,
        version: 9,
        ..OfficeConfig::default()
    });
    job
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
