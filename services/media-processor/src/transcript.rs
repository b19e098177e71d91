//! The stage `transcript`: what was said, by whom, when.

use std::time::Duration;

use async_trait::async_trait;
use blobs::{BlobError, BlobKey};
use domain::{
    Audio, Claimed, Classify as _, Disposition, EffectKey, EffectTiming, Effects, Lookup, Once,
    Outcome, Record, Section, Stage, StageError, StageHandler, TranscriptSection, TranscriptState,
    Usage, later, text,
};
use google::{BatchProgress, OperationName, Recognised, SpeechError};

use crate::{Deps, gives_up};

/// The engine, as it is recorded.
const ENGINE: &str = "chirp_3";

/// What one request without an operation takes: a minute and 10 MB, with some room.
///
/// Source: Speech-to-Text, "Quotas and limits" (read 2026-11).
const SHORT: Duration = Duration::from_secs(55);
const SHORT_BYTES: u64 = 9_500_000;
/// The longest audio of an operation, and the longest with the time of each word.
const LONGEST: Duration = Duration::from_secs(60 * 60);
const LONGEST_WITH_TIMES: Duration = Duration::from_secs(20 * 60);

/// An operation that was begun shows at once, or not at all: there is no list to find it in. So after the call's own
/// deadline it is started once more, and never a third time.
const START: EffectTiming = EffectTiming {
    not_before: None,
    call_deadline: Duration::from_secs(35),
    lag: Duration::from_secs(5),
    max_attempts: 2,
};

/// Pauses between looks at an operation grow from the first to the last of these.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// After so many looks, about two hours, an operation is given up. Google promises no time; an hour of audio takes
/// minutes.
const MAX_LOOKS: u32 = 250;

/// Turns a call's recording into a transcript with speakers.
///
/// In: a call whose recording is archived. Out: its `transcript` section. Short audio is recognised in one call, which
/// a repeat makes again. For longer audio an operation is started once and asked about; a repeat resumes it.
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
            Progress::Running(pause) => {
                return Ok(Outcome::wait(
                    later(self.0.clock.now(), pause),
                    "the transcription runs",
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
        let heard = heard.unwrap_or(Recognised {
            turns: Vec::new(),
            language: None,
            billed_seconds: 0,
        });
        Ok(Outcome::done(Section::Transcript(TranscriptSection {
            audio_sha256: file.sha256,
            engine: ENGINE.to_owned(),
            state,
            language: heard.language,
            turns: heard.turns,
            billed_seconds: heard.billed_seconds,
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
    /// Look again after this pause.
    Running(Duration),
    Heard(Recognised),
    /// There will be none.
    Unavailable(String),
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

    /// Starts an operation, or asks about the one that was started before.
    async fn batch(&self, job: &Claimed, file: &File) -> Result<Progress, StageError> {
        let effects = Effects::new(self.0.effects.clone(), self.0.clock.clone(), job.proof());
        let audio: String = file.sha256.chars().take(16).collect();
        let key = EffectKey::new("speech", &job.request.id, &audio, &0);
        let uri = self.0.blobs.uri(&file.key);
        let started = effects
            .once(
                &key,
                START,
                || async { Ok(Lookup::Absent) },
                || async {
                    let name = self
                        .0
                        .speech
                        .start_batch(&uri, file.length <= LONGEST_WITH_TIMES)
                        .await?;
                    Ok::<_, SpeechError>(name.to_string())
                },
            )
            .await;
        match started {
            Once::Done(name) => self.look(job, &name).await,
            Once::NotYet(at) => {
                let pause =
                    Duration::try_from(at.duration_since(self.0.clock.now())).unwrap_or_default();
                Ok(Progress::Running(pause))
            }
            Once::GaveUp => Ok(Progress::Unavailable(
                "the transcription was started twice, without an answer".to_owned(),
            )),
            Once::Failed(error) => failed(&error),
            // The settle will say the same; nothing is written then.
            Once::Stale => Err(StageError::ours(&"the claim is no longer valid")),
            Once::Store(error) => Err(StageError::ours(&error)),
        }
    }

    async fn look(&self, job: &Claimed, name: &str) -> Result<Progress, StageError> {
        let name =
            OperationName::parse(name).map_err(|error| StageError::permanent(error.to_string()))?;
        match self.0.speech.operation(&name).await {
            Ok(BatchProgress::Running { .. }) if job.row.waits >= MAX_LOOKS => Ok(
                Progress::Unavailable("the transcription did not end in time".to_owned()),
            ),
            Ok(BatchProgress::Running { .. }) => Ok(Progress::Running(pause(job.row.waits))),
            Ok(BatchProgress::Finished(heard)) => Ok(Progress::Heard(heard)),
            Ok(
                BatchProgress::FileFailed { code, message }
                | BatchProgress::Failed { code, message },
            ) => Ok(Progress::Unavailable(format!(
                "Speech-to-Text failed with code {code}: {message}"
            ))),
            Err(SpeechError::NotFound { .. }) => Ok(Progress::Unavailable(
                "Speech-to-Text no longer knows the transcription".to_owned(),
            )),
            Err(error) => failed(&error),
        }
    }
}

/// What no repetition mends leaves the call without a transcript.
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

/// The pause before the next look at an operation: half as long again each time.
fn pause(looks: u32) -> Duration {
    let looks = i32::try_from(looks.min(20)).unwrap_or(20);
    FIRST_PAUSE.mul_f64(1.5f64.powi(looks)).min(LAST_PAUSE)
}

impl File {
    /// The recording of a call; none when it has none.
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
    fn looks_at_an_operation_grow_apart_and_end_after_about_two_hours() {
        let pauses: Vec<_> = (0..MAX_LOOKS).map(pause).collect();
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
