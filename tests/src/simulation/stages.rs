//! Stages that do what real ones do to store and outside, and now and then fail in every way that a stage can.

use std::{future, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    AnalysisSection, AreaBasis, AreaVerdict, Audio, Claimed, Clock as _, ConnectionName,
    DispatchSection, Disposition, EffectKey, EffectOutcome, EffectTiming, Effects, Lookup, Message,
    NoAudio, NotificationRecord, NotificationsSection, Outcome, ParkCause, Record,
    RecordingSection, RemoteIds, Section, Stage, StageError, StageHandler, TranscriptSection,
    TranscriptState, Usage, later, qualification,
};
use jiff::Timestamp;
use store::Store as _;
use testkit::lead;

use super::{
    Failpoint,
    outside::{self, Medium, Outside, Shown, WriteError},
    scene::Scene,
    watched::Watched,
};

/// The connection to the mailbox.
pub(super) const MAIL: &str = "mail";
/// The outcome of an effect that was given up and may have happened.
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
            Stage::Details => self.ask(job).await,
            Stage::Recording => self.record(job).await,
            Stage::Transcript => self.transcribe(job).await,
            Stage::Documents => Ok(Outcome::done(Section::Documents(Box::new(lead::kept(
                &job.request.document,
            ))))),
            Stage::Booking => Ok(Outcome::done(Section::Booking(lead::booking(
                &job.request.document,
            )))),
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
        // Only the provider knows that two requests are one lead.
        let merges = u64::from(matches!(self.stage, Stage::Reading | Stage::Details));
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
                let names = number(job).map(Outside::names).unwrap_or_default();
                let own = job.request.id;
                let other = scene.audit.other_request(&names, own);
                Ok(Outcome::Merge {
                    other: other.unwrap_or(own),
                })
            }
        }
    }

    /// The connection that this stage uses, and its version.
    async fn connection(&self, job: &Claimed) -> Result<(ConnectionName, u64), StageError> {
        let name = match self.stage {
            Stage::Dispatch => job.row.key.target.as_str(),
            Stage::Notification => MAIL,
            Stage::Reading
            | Stage::Details
            | Stage::Documents
            | Stage::Recording
            | Stage::Transcript
            | Stage::Booking
            | Stage::Analysis => lead::PROVIDER,
        };
        let name = ConnectionName::new(name).unwrap();
        let found = self.store.connection(&name).await;
        let found = found.map_err(|error| StageError::ours(&error))?;
        let connection =
            found.ok_or_else(|| StageError::permanent("there is no such connection"))?;
        Ok((name, connection.version))
    }

    /// The connection, if its provider accepts the secret.
    async fn access(&self, job: &Claimed) -> Result<(ConnectionName, u64), StageError> {
        let (name, version) = self.connection(job).await?;
        if self.scene.outside.accepts(&name, version) {
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
    ) -> EffectOutcome<WriteError> {
        let (scene, claim) = (&self.scene, job.claim_token());
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
            EffectOutcome::Done(_) => "Done",
            EffectOutcome::NotYet(_) => "NotYet",
            EffectOutcome::GaveUp => "GaveUp",
            EffectOutcome::Failed(_) => "Failed",
            EffectOutcome::Stale => "Stale",
            EffectOutcome::Store(_) => "Store",
        };
        scene.count("effect", word);
        once
    }

    /// Does an effect: returns its remote id, `None` if it was given up, or how the run ends.
    async fn effect(
        &self,
        job: &Claimed,
        medium: Medium,
        target: &str,
        revision: u32,
        connection: &(ConnectionName, u64),
    ) -> Result<Result<Option<String>, Outcome>, StageError> {
        match self.once(job, medium, target, revision).await {
            EffectOutcome::Done(remote_id) => Ok(Ok(Some(remote_id))),
            EffectOutcome::GaveUp => Ok(Ok(None)),
            EffectOutcome::NotYet(at) => Ok(Err(Outcome::wait(at, "an answer was lost"))),
            EffectOutcome::Failed(WriteError::Unknown) => {
                let at = later(self.scene.clock.now(), Duration::from_secs(10));
                Ok(Err(Outcome::wait(at, "an answer was lost")))
            }
            EffectOutcome::Failed(error) => Err(failed(error, connection)),
            EffectOutcome::Stale => Err(StageError::ours(&"the claim is no longer valid")),
            EffectOutcome::Store(error) => Err(StageError::ours(&error)),
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
        let Some(report) = self.scene.outside.read(&body) else {
            return Ok(Outcome::Park {
                cause: ParkCause::Unreadable,
                reason: UNREADABLE.to_owned(),
                answer: None,
            });
        };
        self.scene.gates.pass(Failpoint::AfterAsking).await;
        let news = report.news();
        let mut read = section.clone();
        read.unread = None;
        read.absorb(&news);
        Ok(Outcome::Done {
            sections: vec![Section::Source(Box::new(read))],
            aliases: news.aliases,
        })
    }

    async fn ask(&self, job: &Claimed) -> Result<Outcome, StageError> {
        self.access(job).await?;
        let document = &job.request.document;
        let id = document.source.said.external_id.as_deref();
        let Some(facts) = id.and_then(|id| self.scene.outside.lead(id)) else {
            return Err(StageError::permanent("there is no such lead"));
        };
        self.scene.gates.pass(Failpoint::AfterAsking).await;
        let told = if self.scene.habits.tells_names {
            self.scene.draws.between(1, 2)
        } else {
            0
        };
        let names = Outside::names(number(job).unwrap()).into_iter();
        Ok(Outcome::Done {
            sections: vec![Section::Details(lead::details(document, facts))],
            aliases: names
                .take(usize::try_from(told).unwrap())
                .map(|name| outside::alias(&name))
                .collect(),
        })
    }

    async fn record(&self, job: &Claimed) -> Result<Outcome, StageError> {
        self.access(job).await?;
        let document = &job.request.document;
        let facts = document.facts();
        self.scene.gates.pass(Failpoint::AfterAsking).await;
        let stored = document.recording.as_ref().map(|section| &section.audio);
        let is_recorded = facts.about.call().and_then(|call| call.has_recording) == Some(true);
        let audio = match stored {
            Some(audio @ Audio::Stored { .. }) => audio.clone(),
            _ if is_recorded => Audio::Stored {
                name: "call.mp3".to_owned(),
                sha256: facts.external_id.unwrap(),
                size_bytes: 1,
                duration_ms: 1,
            },
            _ => Audio::Absent {
                reason: NoAudio::NotRecorded,
            },
        };
        let section = RecordingSection {
            audio,
            ..lead::recording(document)
        };
        Ok(Outcome::done(Section::Recording(section)))
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
        let revision = document.revisions.of(Stage::Transcript);
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
        let section = TranscriptSection {
            state,
            turns: Vec::new(),
            ..lead::transcript(document)
        };
        Ok(Outcome::done(Section::Transcript(section)))
    }

    async fn analyse(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let document = &job.request.document;
        let draws = &self.scene.draws;
        let mut sections = Vec::new();
        let analysis = match &document.analysis {
            Some(analysis) if !domain::workflow::needs_model(document) => analysis.clone(),
            _ => {
                let likelihoods = [(70, 5.0), (15, 60.0), (15, 95.0)];
                let analysis = AnalysisSection {
                    spam_likelihood: draws.weighted(&likelihoods).unwrap(),
                    ..lead::analysis(document)
                };
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
        let (document, claim) = (&job.request.document, job.claim_token());
        let renewed =
            domain::WorkQueue::renew(self.store.as_ref(), &claim, Duration::from_secs(60));
        if !renewed.await.map_err(|error| StageError::ours(&error))? {
            let now = self.scene.clock.now();
            return Ok(Outcome::wait(
                now,
                "another worker has claimed the dispatch",
            ));
        }
        let shown = Shown::of(&document.facts());
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
            remote_ids: RemoteIds::default(),
            dispatched_at: Some(self.scene.clock.now()),
            ..lead::dispatched(document)
        };
        Ok(Outcome::done(Section::Dispatch(access.0, section)))
    }

    async fn notify(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let access = self.access(job).await?;
        let revision = job.request.document.revisions.of(Stage::Notification);
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
                    id: None,
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
                latency_ms: None,
                status: None,
                answer: None,
                bytes_cut: 0,
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

/// The provider's number of the lead; `None` if the delivery was never read.
fn number(job: &Claimed) -> Option<u32> {
    let id = job.request.document.source.said.external_id.as_deref()?;
    id.strip_prefix("LEAD")?.parse().ok()
}
