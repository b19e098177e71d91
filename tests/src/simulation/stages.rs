//! Stages that do what real ones do to store and outside, and now and then fail in every way that a stage can.

use std::{future, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    AnalysisSection, AreaBasis, AreaVerdict, Audio, Budget, CallerIntent, Claimed, Clock as _,
    ConnectionName, DispatchSection, DispatchState, Disposition, EffectKey, EffectTiming, Effects,
    Engine, Lookup, Message, NoAudio, NotificationRecord, NotificationsSection, Once, Outcome,
    ParkCause, ProjectType, Record, RecordingSection, Section, Sentiment, Stage, StageError,
    StageHandler, Timeline, TranscriptSection, TranscriptState, Usage, later, qualification,
};
use jiff::Timestamp;
use store::Store as _;

use super::{
    Failpoint,
    outside::{Medium, Outside, Shown, WriteError},
    scene::Scene,
    watched::Watched,
};

/// The connection that recordings are fetched by.
pub(super) const CALLS: &str = "callrail";
/// The connection that mail is sent by.
pub(super) const MAIL: &str = "sendgrid";
/// What is said of an effect that was given up, and may have happened.
pub(super) const UNCONFIRMED: &str = "unconfirmed";

/// Why a delivery stays unread.
pub(super) const UNREADABLE: &str = "nobody can read it";

/// One stage of one process.
pub(super) struct SimulatedStage {
    stage: Stage,
    scene: Arc<Scene>,
    store: Arc<Watched>,
    /// Since when receipts can reach this process.
    since: Timestamp,
}

/// How a run of a stage goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Waits,
    Fails,
    IsRefused,
    IsBroken,
    Panics,
    Merges,
}

pub(super) fn stages(scene: &Arc<Scene>, store: &Arc<Watched>) -> Vec<Arc<dyn StageHandler>> {
    let stage = |stage| -> Arc<dyn StageHandler> {
        Arc::new(SimulatedStage {
            stage,
            scene: scene.clone(),
            store: store.clone(),
            since: scene.clock.now(),
        })
    };
    Stage::ALL.into_iter().map(stage).collect()
}

#[async_trait]
impl StageHandler for SimulatedStage {
    fn stage(&self) -> Stage {
        self.stage
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let mood = self.mood();
        let is_early = self.scene.draws.chance(50);
        if is_early && mood != Mood::Well {
            return self.spoil(mood, job).await;
        }
        let outcome = match self.stage {
            Stage::Reading => self.read(job).await,
            Stage::Recording => self.record(job).await,
            Stage::Transcript => self.transcribe(job).await,
            Stage::Analysis => self.analyse(job).await,
            Stage::Dispatch => self.dispatch(job).await,
            Stage::Notification => self.notify(job).await,
        }?;
        match mood {
            Mood::Well => Ok(outcome),
            mood => self.spoil(mood, job).await,
        }
    }
}

impl SimulatedStage {
    fn mood(&self) -> Mood {
        if !self.scene.goes_wrong(30) {
            return Mood::Well;
        }
        // Only who asks the provider learns that two are one.
        let merges = u64::from(matches!(self.stage, Stage::Reading | Stage::Recording));
        let moods = [
            (10, Mood::Waits),
            (10, Mood::Fails),
            (5, Mood::IsRefused),
            (4, Mood::IsBroken),
            (1, Mood::Panics),
            (merges * 4, Mood::Merges),
        ];
        self.scene.draws.weighted(&moods).unwrap()
    }

    /// Ends a run badly.
    async fn spoil(&self, mood: Mood, job: &Claimed) -> Result<Outcome, StageError> {
        let scene = &self.scene;
        let now = scene.clock.now();
        let after = |seconds| later(now, Duration::from_secs(seconds));
        match mood {
            Mood::Well | Mood::Waits => Ok(Outcome::Wait {
                until: after(scene.draws.between(1, 90)),
                reason: format!("not yet, {}", scene.draws.below(2)),
                deadline: scene
                    .draws
                    .chance(40)
                    .then(|| after(scene.draws.between(1, 60))),
            }),
            Mood::Fails => Ok(Outcome::Retry {
                after: scene
                    .draws
                    .chance(20)
                    .then(|| Duration::from_secs(scene.draws.between(1, 300))),
                reason: "it did not work".to_owned(),
                answer: Some("503".to_owned()),
            }),
            Mood::IsRefused => {
                let (name, version) = self.connection(job).await?;
                Err(refused(name, version))
            }
            Mood::IsBroken => Err(StageError::permanent("it will never work")),
            // Without the hook: the log of a run is its trace.
            Mood::Panics => std::panic::resume_unwind(Box::new("a stage that panics")),
            Mood::Merges => {
                let names = self.call(job).map(Outside::names).unwrap_or_default();
                let own = job.request.id;
                let other = scene.audit.other_request(&names, own);
                Ok(Outcome::Merge {
                    other: other.unwrap_or(own),
                })
            }
        }
    }

    /// The call that a request is of; none when that was never read.
    fn call(&self, job: &Claimed) -> Option<u32> {
        let id = job.request.document.source.call.call_id.as_deref()?;
        id.strip_prefix("CAL")?.parse().ok()
    }

    /// The connection that this stage uses, and its version.
    async fn connection(&self, job: &Claimed) -> Result<(ConnectionName, u64), StageError> {
        let name = match self.stage {
            Stage::Dispatch => job.row.key.target.as_str(),
            Stage::Notification => MAIL,
            Stage::Reading | Stage::Recording | Stage::Transcript | Stage::Analysis => CALLS,
        };
        let name = ConnectionName::new(name).unwrap();
        let found = self.store.connection(&name).await;
        let found = found.map_err(|error| StageError::ours(&error))?;
        let connection =
            found.ok_or_else(|| StageError::permanent("there is no such connection"))?;
        Ok((name, connection.version))
    }

    /// The connection, if its provider takes its secret.
    async fn access(&self, job: &Claimed) -> Result<(ConnectionName, u64), StageError> {
        let (name, version) = self.connection(job).await?;
        if self.scene.outside.takes(&name, version) {
            Ok((name, version))
        } else {
            Err(refused(name, version))
        }
    }

    async fn once(
        &self,
        job: &Claimed,
        medium: Medium,
        target: &str,
        revision: u32,
    ) -> Once<WriteError> {
        let (scene, claim) = (&self.scene, job.proof());
        let key = EffectKey::new(medium.kind(), &job.request.id, target, &revision);
        let timing = EffectTiming {
            not_before: (medium == Medium::Mail).then(|| later(self.since, medium.timing().lag)),
            ..medium.timing()
        };
        let effects = Effects::new(
            self.store.clone(),
            Arc::new(scene.clock.clone()),
            claim.clone(),
        );
        let lookup = || async {
            if medium.can_be_looked_up() {
                scene.outside.look_up(scene, medium, &key).await
            } else {
                future::ready(Ok(Lookup::Absent)).await
            }
        };
        let write = || scene.outside.write(scene, medium, &key, &claim);
        let once = effects.once(&key, timing, lookup, write).await;
        let word = match &once {
            Once::Done(_) => "Done",
            Once::NotYet(_) => "NotYet",
            Once::GaveUp => "GaveUp",
            Once::Failed(_) => "Failed",
            Once::Stale => "Stale",
            Once::Store(_) => "Store",
        };
        scene.count("effect", word);
        once
    }

    /// What a stage makes of an effect: what it is called outside, none when it was given up, or how the run ends.
    async fn effect(
        &self,
        job: &Claimed,
        medium: Medium,
        target: &str,
        revision: u32,
        connection: &(ConnectionName, u64),
    ) -> Result<Result<Option<String>, Outcome>, StageError> {
        match self.once(job, medium, target, revision).await {
            Once::Done(remote_id) => Ok(Ok(Some(remote_id))),
            Once::GaveUp => Ok(Ok(None)),
            Once::NotYet(at) => Ok(Err(Outcome::wait(at, "an answer was lost"))),
            Once::Failed(WriteError::Unknown) => {
                let at = later(self.scene.clock.now(), Duration::from_secs(10));
                Ok(Err(Outcome::wait(at, "an answer was lost")))
            }
            Once::Failed(error) => Err(failed(error, connection)),
            Once::Stale => Err(StageError::ours(&"the claim is no longer valid")),
            Once::Store(error) => Err(StageError::ours(&error)),
        }
    }

    // --- what each stage does

    async fn read(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let section = &job.request.document.source;
        let real = &self.store.store.real;
        let reading = real.event(&self.scene.tenant, section.last_event);
        let event = {
            let _in_store = self.scene.gates.in_store();
            reading.await.map_err(|error| StageError::ours(&error))?
        };
        let event = event.ok_or_else(|| StageError::permanent("the delivery is not kept"))?;
        let body = String::from_utf8_lossy(&event.body);
        let Some(news) = self.scene.outside.read(&body) else {
            return Ok(Outcome::Park {
                cause: ParkCause::Unreadable,
                reason: UNREADABLE.to_owned(),
                answer: None,
            });
        };
        self.scene.gates.pass(Failpoint::AfterAsking).await;
        let inbound = news.inbound();
        let mut read = section.clone();
        read.unread = None;
        read.hear(&inbound);
        Ok(Outcome::Done {
            sections: vec![Section::Source(Box::new(read))],
            aliases: inbound.aliases,
        })
    }

    async fn record(&self, job: &Claimed) -> Result<Outcome, StageError> {
        self.access(job).await?;
        let document = &job.request.document;
        let id = document.source.call.call_id.as_deref();
        let Some(call) = id.and_then(|id| self.scene.outside.call(id)) else {
            return Err(StageError::permanent("there is no such call"));
        };
        self.scene.gates.pass(Failpoint::AfterAsking).await;
        let stored = document.recording.as_ref().map(|section| &section.audio);
        let audio = match stored {
            Some(audio @ Audio::Stored { .. }) => audio.clone(),
            _ if call.has_recording == Some(true) => Audio::Stored {
                name: "call.mp3".to_owned(),
                sha256: call.call_id.clone().unwrap(),
                size_bytes: 1,
                duration_ms: 1,
            },
            _ => Audio::Absent {
                reason: NoAudio::NotRecorded,
            },
        };
        let names = Outside::names(self.call(job).unwrap());
        let shown = if self.scene.habits.tells_names {
            self.scene.draws.between(1, 2)
        } else {
            0
        };
        let shown = usize::try_from(shown).unwrap();
        let revision = document.revisions.recording;
        let section = RecordingSection {
            revision,
            call,
            is_refetched: revision > 0,
            audio,
        };
        Ok(Outcome::Done {
            sections: vec![Section::Recording(Box::new(section))],
            aliases: names
                .iter()
                .take(shown)
                .map(|name| super::outside::alias(name))
                .collect(),
        })
    }

    async fn transcribe(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let access = self.access(job).await?;
        let document = &job.request.document;
        let Some(Audio::Stored { sha256, .. }) =
            document.recording.as_ref().map(|section| &section.audio)
        else {
            return Ok(Outcome::Done {
                sections: Vec::new(),
                aliases: Vec::new(),
            });
        };
        let revision = document.revisions.transcript;
        let state = match self
            .effect(job, Medium::Speech, sha256, revision, &access)
            .await?
        {
            Err(outcome) => return Ok(outcome),
            Ok(Some(_)) => TranscriptState::Spoken,
            Ok(None) => TranscriptState::Unavailable {
                reason: UNCONFIRMED.to_owned(),
            },
        };
        job.record(usage("speech_seconds"));
        Ok(Outcome::done(Section::Transcript(TranscriptSection {
            audio_sha256: sha256.clone(),
            engine: "simulated".to_owned(),
            state,
            language: None,
            turns: Vec::new(),
            billed_seconds: 1,
            revision,
        })))
    }

    async fn analyse(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let document = &job.request.document;
        let draws = &self.scene.draws;
        let mut sections = Vec::new();
        let analysis = match &document.analysis {
            Some(analysis) if !domain::workflow::needs_model(document) => analysis.clone(),
            _ => {
                let likelihoods = [(70, 5.0), (15, 60.0), (15, 95.0)];
                let analysis = analysis(
                    document.revisions.analysis,
                    draws.weighted(&likelihoods).unwrap(),
                );
                job.record(usage("model_output_tokens"));
                sections.push(Section::Analysis(Box::new(analysis.clone())));
                analysis
            }
        };
        let mut qualification = qualification::qualify(document, &analysis, &job.config, None);
        if draws.chance(8) {
            qualification.area = AreaVerdict::Out(AreaBasis::PostalCode);
        }
        sections.push(Section::Qualification(qualification));
        self.scene.gates.pass(Failpoint::AfterAsking).await;
        Ok(Outcome::Done {
            sections,
            aliases: Vec::new(),
        })
    }

    async fn dispatch(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let access = self.access(job).await?;
        let (document, claim) = (&job.request.document, job.proof());
        let renewed =
            domain::WorkQueue::renew(self.store.as_ref(), &claim, Duration::from_secs(60));
        if !renewed.await.map_err(|error| StageError::ours(&error))? {
            let now = self.scene.clock.now();
            return Ok(Outcome::wait(
                now,
                "another worker has taken the dispatch over",
            ));
        }
        let shown = Shown::of(&document.call());
        self.scene.note(&format!(
            "  {} is written to {}: {shown}",
            self.scene.audit.name(job.request.id),
            access.0
        ));
        let outside = &self.scene.outside;
        let written = outside.upsert(&self.scene, &access.0, &claim, shown).await;
        written.map_err(|error| failed(error, &access))?;
        let noted = self
            .effect(job, Medium::Note, access.0.as_str(), 0, &access)
            .await?;
        if let Err(outcome) = noted {
            return Ok(outcome);
        }
        let section = DispatchSection {
            connector: "simulated".to_owned(),
            state: DispatchState::Done,
            revision: document.revisions.dispatch,
            contact_id: None,
            deal_id: None,
            fields_hash: None,
            dispatched_at: Some(self.scene.clock.now()),
            reason: None,
        };
        Ok(Outcome::done(Section::Dispatch(access.0, section)))
    }

    async fn notify(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let access = self.access(job).await?;
        let revision = job.request.document.revisions.notification;
        let mut messages = Vec::new();
        let mut unknown = None;
        for recipient in &job.config.workflow.notifications.email {
            let recipient = recipient.as_str();
            match self
                .effect(job, Medium::Mail, recipient, revision, &access)
                .await?
            {
                Ok(provider_id) => messages.push(Message {
                    channel: "email".to_owned(),
                    recipient: recipient.to_owned(),
                    is_sent: provider_id.is_some(),
                    reason: provider_id.is_none().then(|| UNCONFIRMED.to_owned()),
                    provider_id,
                }),
                Err(outcome) => unknown = Some(outcome),
            }
        }
        if let Some(outcome) = unknown {
            return Ok(outcome);
        }
        for message in &messages {
            job.record(Record::Notification(NotificationRecord {
                channel: message.channel.clone(),
                recipient: message.recipient.clone(),
                template: "simulated".to_owned(),
                at: self.scene.clock.now(),
                outcome: if message.is_sent { "sent" } else { UNCONFIRMED }.to_owned(),
                provider_id: message.provider_id.clone(),
            }));
        }
        Ok(Outcome::done(Section::Notifications(
            NotificationsSection {
                is_done: true,
                messages,
            },
        )))
    }
}

fn usage(unit: &str) -> Record {
    Record::Usage(Usage {
        unit: unit.to_owned(),
        amount: 1,
        by: "simulated".to_owned(),
    })
}

fn refused(name: ConnectionName, version: u64) -> StageError {
    StageError {
        disposition: Disposition::Hold,
        reason: "the credentials were refused".to_owned(),
        answer: Some("401".to_owned()),
        connection: Some((name, version)),
    }
}

fn failed(error: WriteError, connection: &(ConnectionName, u64)) -> StageError {
    let (name, version) = connection.clone();
    match error {
        WriteError::Unknown | WriteError::Throttled => StageError {
            disposition: Disposition::Retry { after: None },
            reason: "it did not work".to_owned(),
            answer: None,
            connection: None,
        },
        WriteError::Credentials => refused(name, version),
        WriteError::Invalid => StageError::permanent("the fields are wrong"),
    }
}

fn analysis(revision: u32, spam_likelihood: f64) -> AnalysisSection {
    AnalysisSection {
        revision,
        engine: Engine::Rules("1".to_owned()),
        prompt_version: "1".to_owned(),
        intent: CallerIntent::Quote,
        sentiment: Sentiment::Neutral,
        project_type: ProjectType::Kitchen,
        timeline: Timeline::Unknown,
        budget: Budget::Unknown,
        lead_score: 60,
        confidence: 0.5,
        reasons: Vec::new(),
        spam_likelihood,
        summary: "A kitchen.".to_owned(),
        postal_code: None,
        address: None,
        is_blocked: false,
        tokens: Default::default(),
    }
}
