//! The stage `transcript`: what was said, by whom, when.

use std::time::Duration;

use async_trait::async_trait;
use blobs::{BlobError, BlobKey};
use domain::{
    Audio, Claimed, Classify as _, Disposition, EffectEnd, EffectIntent, EffectKey, EffectOutcome,
    EffectTiming, Effects, Lookup, Outcome, Record, Section, Stage, StageError, StageHandler,
    TranscriptSection, TranscriptState, Usage, later, text,
};
use google::{BatchProgress, OperationName, Recognized, SpeechError};

use crate::{Deps, gives_up};

/// The engine, as it is recorded.
const ENGINE: &str = "chirp_3";

/// What one request without an operation takes: a minute and 10 MB, less a margin.
///
/// Source: Speech-to-Text, "Quotas and limits" (read 2026-11).
const SHORT: Duration = Duration::from_secs(55);
const SHORT_BYTES: u64 = 9_500_000;
/// The longest audio of an operation, and the longest with the time of each word.
const LONGEST: Duration = Duration::from_secs(60 * 60);
const LONGEST_WITH_TIMES: Duration = Duration::from_secs(20 * 60);

/// An operation costs. So it is started once more if the first was of no use (its answer was lost, Google forgot it, or
/// it failed on Google's side), and never a third time. Each start is an effect of its own.
const STARTS: u32 = 2;
/// The pause before the second start: whatever failed for a moment fails again at once.
const RESTART_PAUSE: Duration = Duration::from_secs(60);
/// An operation that was started shows at once, or not at all: there is no list to find it in.
const START: EffectTiming = EffectTiming {
    not_before: None,
    call_deadline: Duration::from_secs(35),
    lag: Duration::from_secs(5),
    max_attempts: 1,
};

/// Pauses between polls of an operation grow from the first to the last of these.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// After this many polls, about two hours, an operation is given up. Google promises no time; an hour of audio takes
/// minutes.
const MAX_POLLS: u32 = 250;

/// Turns a call's recording into a transcript with speakers.
///
/// In: a call whose recording is archived. Out: its `transcript` section. Short audio is recognized in one request, which
/// a repeat makes again. For longer audio an operation is started once and polled; a repeat resumes it. One that is of
/// no use is started once more, after a pause.
pub(crate) struct Transcript(pub(crate) Deps);

#[async_trait]
impl StageHandler for Transcript {
    fn stage(&self) -> Stage {
        Stage::Transcript
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let Some(file) = File::of(job)? else {
            return Ok(Outcome::Done {
                sections: Vec::new(),
                aliases: Vec::new(),
            });
        };
        let progress = match self.transcribe(job, &file).await {
            Err(error) if gives_up(job, &error) => {
                Progress::Unavailable(format!("given up: {}", error.reason))
            }
            progress => progress?,
        };
        let (state, heard) = match progress {
            Progress::Running { pause, reason } => {
                return Ok(Outcome::wait(
                    later(self.0.clock.now(), pause),
                    text::bounded(&reason, StageError::MAX_REASON),
                ));
            }
            Progress::Heard(heard) if heard.turns.is_empty() => {
                (TranscriptState::Silent, Some(heard))
            }
            Progress::Heard(heard) => (TranscriptState::Spoken, Some(heard)),
            Progress::Unavailable(reason) => (
                TranscriptState::Unavailable {
                    reason: text::bounded(&reason, StageError::MAX_REASON),
                },
                None,
            ),
        };
        if let Some(heard) = &heard {
            let amount = u64::from(heard.billed_seconds);
            job.record(Record::Usage(Usage {
                unit: "speech_seconds".to_owned(),
                amount,
                by: ENGINE.to_owned(),
            }));
        }
        let heard = heard.unwrap_or_default();
        Ok(Outcome::done(Section::Transcript(TranscriptSection {
            audio_sha256: file.sha256,
            engine: ENGINE.to_owned(),
            state,
            language: heard.language,
            turns: heard.turns,
            billed_seconds: heard.billed_seconds,
            revision: job.request.document.revisions.of(Stage::Transcript),
        })))
    }
}

/// The audio as it is archived.
struct File {
    key: BlobKey,
    sha256: String,
    size_bytes: u64,
    length: Duration,
}

/// Where a transcription stands.
enum Progress {
    /// To be polled again after this pause.
    Running {
        pause: Duration,
        reason: String,
    },
    Heard(Recognized),
    /// There will be none.
    Unavailable(String),
}

/// What polling an operation found.
enum Polled {
    /// To be polled again after this pause.
    Running(Duration),
    Ended(Progress),
    /// It gives nothing, and another may succeed.
    Useless(String),
}

impl Transcript {
    async fn transcribe(&self, job: &Claimed, file: &File) -> Result<Progress, StageError> {
        if file.length > LONGEST {
            Ok(Progress::Unavailable(
                "the recording is longer than an hour".to_owned(),
            ))
        } else if file.length < SHORT && file.size_bytes < SHORT_BYTES {
            self.recognize(file).await
        } else {
            self.batch(job, file).await
        }
    }

    async fn recognize(&self, file: &File) -> Result<Progress, StageError> {
        let content = match self.0.blobs.read(&file.key, SHORT_BYTES).await {
            Ok(content) => content,
            Err(error @ (BlobError::NotFound | BlobError::TooLarge { .. })) => {
                return Ok(Progress::Unavailable(format!(
                    "the archived recording: {error}"
                )));
            }
            Err(error @ (BlobError::Source(_) | BlobError::Store(_))) => {
                return Err(StageError::ours(&error));
            }
        };
        self.0
            .speech
            .recognize(content)
            .await
            .map(Progress::Heard)
            .or_else(|error| failed(&error))
    }

    /// Starts an operation, or polls the one that was started before.
    async fn batch(&self, job: &Claimed, file: &File) -> Result<Progress, StageError> {
        let mut useless: Option<String> = None;
        for number in 0..STARTS {
            if let Some(why) = &useless
                && let Some(pause) = self.pause_before(job, file, number).await?
            {
                let reason = format!("the transcription is started once more after a pause: {why}");
                return Ok(Progress::Running { pause, reason });
            }
            let found = match self.start(job, file, number).await {
                EffectOutcome::Done(name) => self.poll(job, &name).await?,
                EffectOutcome::GaveUp => Polled::Useless("its start was never answered".to_owned()),
                EffectOutcome::NotYet(at) => Polled::Running(
                    Duration::try_from(at.duration_since(self.0.clock.now())).unwrap_or_default(),
                ),
                EffectOutcome::Failed(error) => return failed(&error),
                // The settle will find the same, and write nothing.
                EffectOutcome::Stale => {
                    return Err(StageError::ours(&"the claim is no longer valid"));
                }
                EffectOutcome::Store(error) => return Err(StageError::ours(&error)),
            };
            match found {
                Polled::Useless(why) => useless = Some(why),
                Polled::Ended(progress) => return Ok(progress),
                Polled::Running(pause) => {
                    let reason = useless.map_or_else(
                        || "the transcription runs".to_owned(),
                        |why| format!("the transcription runs, started once more: {why}"),
                    );
                    return Ok(Progress::Running { pause, reason });
                }
            }
        }
        Ok(Progress::Unavailable(format!(
            "started twice, both without a result: {}",
            useless.unwrap_or_default()
        )))
    }

    /// The name of the operation that this start began before, else of a new one.
    async fn start(&self, job: &Claimed, file: &File, number: u32) -> EffectOutcome<SpeechError> {
        let Deps {
            speech,
            effects,
            clock,
            blobs,
            ..
        } = &self.0;
        let effects = Effects::new(effects.clone(), clock.clone(), job.claim_token());
        let key = match number {
            0 => effect_key(job, file, ""),
            _ => effect_key(job, file, &format!("-{number}")),
        };
        let uri = blobs.uri(&file.key);
        // If the answer to a start was lost, the next and last one waits until the service works.
        let lookup = async || speech.is_up().await.map(|()| Lookup::Absent);
        let write = async || {
            let name = speech
                .start_batch(&uri, file.length <= LONGEST_WITH_TIMES)
                .await?;
            Ok(name.as_str().to_owned())
        };
        effects.once(&key, START, lookup, write).await
    }

    /// How much longer to wait before this start, if at all. The pause begins when it is first asked for. It is recorded
    /// beside the starts, because the row does not say when a start turned out to be of no use.
    async fn pause_before(
        &self,
        job: &Claimed,
        file: &File,
        number: u32,
    ) -> Result<Option<Duration>, StageError> {
        let (log, claim) = (&self.0.effects, job.claim_token());
        let key = effect_key(job, file, &format!("-{number}-pause"));
        let intent = log.intend(&claim, &key, Duration::ZERO).await;
        match intent.map_err(|error| StageError::ours(&error))? {
            EffectIntent::Begin => Ok(Some(RESTART_PAUSE)),
            EffectIntent::Done { .. } => Ok(None),
            EffectIntent::Stale => Err(StageError::ours(&"the claim is no longer valid")),
            EffectIntent::Unknown { intended_at, .. } => {
                let ends_at = later(intended_at, RESTART_PAUSE);
                let rest = Duration::try_from(ends_at.duration_since(self.0.clock.now()));
                let rest = rest.ok().filter(|rest| !rest.is_zero());
                if rest.is_none() {
                    let end = EffectEnd::Done {
                        remote_id: "over".to_owned(),
                    };
                    let concluded = log.conclude(&claim, &key, end).await;
                    concluded.map_err(|error| StageError::ours(&error))?;
                }
                Ok(rest)
            }
        }
    }

    async fn poll(&self, job: &Claimed, name: &str) -> Result<Polled, StageError> {
        let name =
            OperationName::parse(name).map_err(|error| StageError::permanent(error.to_string()))?;
        Ok(match self.0.speech.operation(&name).await {
            Ok(BatchProgress::Running { .. }) if job.row.waits >= MAX_POLLS => Polled::Ended(
                Progress::Unavailable("the transcription did not end in time".to_owned()),
            ),
            Ok(BatchProgress::Running { .. }) => Polled::Running(pause(job.row.waits)),
            Ok(BatchProgress::Finished(heard)) => Polled::Ended(Progress::Heard(heard)),
            Ok(
                BatchProgress::FileFailed { code, message }
                | BatchProgress::Failed { code, message },
            ) => {
                let reason = format!("Speech-to-Text failed with code {code}");
                if BatchProgress::is_transient(code) {
                    // The reason of a wait is logged, so it must not have the provider's words.
                    Polled::Useless(reason)
                } else {
                    Polled::Ended(Progress::Unavailable(format!("{reason}: {message}")))
                }
            }
            Err(error) if error.is_not_found() => {
                Polled::Useless("Speech-to-Text no longer knows it".to_owned())
            }
            Err(error) => Polled::Ended(failed(&error)?),
        })
    }
}

/// The record of something that is done about this audio. A replay has another revision, so it begins anew.
fn effect_key(job: &Claimed, file: &File, what: &str) -> EffectKey {
    let audio: String = file.sha256.chars().take(16).collect();
    let revision = job.request.document.revisions.of(Stage::Transcript);
    EffectKey::new(
        "speech",
        &job.request.id,
        &format!("{audio}{what}"),
        &revision,
    )
}

/// A failure that no repetition fixes leaves the call without a transcript.
fn failed(error: &SpeechError) -> Result<Progress, StageError> {
    match error.disposition() {
        Disposition::Park => {
            let answer = error
                .answer()
                .map(|answer| format!(": {answer}"))
                .unwrap_or_default();
            Ok(Progress::Unavailable(format!("{error}{answer}")))
        }
        Disposition::Retry { .. } | Disposition::Hold => {
            Err(StageError::from_provider(error, None))
        }
    }
}

/// The pause before the next poll of an operation: half as long again each time.
fn pause(polls: u32) -> Duration {
    let polls = i32::try_from(polls.min(20)).unwrap_or(20);
    FIRST_PAUSE.mul_f64(1.5f64.powi(polls)).min(LAST_PAUSE)
}

impl File {
    /// The recording of a call; `None` if it has none.
    fn of(job: &Claimed) -> Result<Option<Self>, StageError> {
        let audio = job
            .request
            .document
            .recording
            .as_ref()
            .map(|section| &section.audio);
        let Some(Audio::Stored {
            name,
            sha256,
            size_bytes,
            duration_ms,
        }) = audio
        else {
            return Ok(None);
        };
        let key = BlobKey::new(&job.request.tenant, name)
            .map_err(|error| StageError::permanent(error.to_string()))?;
        let length = Duration::from_millis(*duration_ms);
        Ok(Some(Self {
            key,
            sha256: sha256.clone(),
            size_bytes: *size_bytes,
            length,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polls_grow_apart_and_end_after_about_two_hours() {
        let pauses: Vec<_> = (0..MAX_POLLS).map(pause).collect();
        assert_eq!(pauses[0], FIRST_PAUSE);
        assert!(
            pauses
                .windows(2)
                .all(|pair| pair[0] <= pair[1] && pair[1] <= LAST_PAUSE)
        );
        let whole: Duration = pauses.iter().sum();
        assert!((6_500..8_000).contains(&whole.as_secs()), "{whole:?}");
    }
}
