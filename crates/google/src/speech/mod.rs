//! Speech-to-Text v2 with the model Chirp 3.
//!
//! - Sync: `recognizers/_:recognize`, up to a minute or 10 MB of audio in the request.
//! - Batch: `recognizers/_:batchRecognize` on a `gs://` file of up to an hour, 20 minutes with word times; it answers
//!   an operation that is asked about until it is done. There is no call back.
//! - Silence is an answer without results. A file can fail within an operation that succeeded.
//! - What is offered where can be asked for at no cost (`locations/…`): that tells whether the service works.
//!
//! Source: Speech-to-Text v2 reference, `projects.locations.recognizers`, and "Chirp 3" (read 2026-11). UNCONFIRMED:
//! that diarization is refused, not ignored, for languages outside [`DIARIZED`]; it is not asked for there.

mod payload;
mod turns;

use std::{fmt, time::Duration};

use bytes::Bytes;
use domain::{Classify, Disposition, EffectFailure, Turn};
use http_client::{Client, UnreadableBody, Url};
use serde_json::json;
use settings::{Reader, Settings};

use crate::{CallError, Tokens, base, call::send};

/// Languages in which Chirp 3 tells speakers apart.
const DIARIZED: [&str; 14] = [
    "cmn-Hans-CN",
    "de-DE",
    "en-GB",
    "en-IN",
    "en-US",
    "es-ES",
    "es-US",
    "fr-CA",
    "fr-FR",
    "hi-IN",
    "it-IT",
    "ja-JP",
    "ko-KR",
    "pt-BR",
];

/// Recognizing a minute of audio takes well under this.
const RECOGNIZE_DEADLINE: Duration = Duration::from_secs(60);
/// Starting a batch and asking about it are short.
const CALL_DEADLINE: Duration = Duration::from_secs(20);
/// An hour of words with times and labels takes about 2 MB.
const MAX_ANSWER_BYTES: u64 = 16 * 1024 * 1024;

/// Which recognizer is called, and where.
#[derive(Debug, Clone)]
pub struct SpeechConfig {
    /// The service. Its host must serve `location`.
    pub base_url: Url,
    /// The project that is billed.
    pub project: String,
    /// Where it runs. Chirp 3 is in `us` and `eu`, not in single regions of the US.
    pub location: String,
    /// BCP-47 code of the language spoken.
    pub language: String,
    /// The model.
    pub model: String,
}

/// Turns audio into text. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Speech {
    http: Client,
    tokens: Tokens,
    config: SpeechConfig,
}

/// What was heard.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Recognized {
    /// The turns in order of time; none when nobody spoke.
    pub turns: Vec<Turn>,
    /// BCP-47 code of the language, when the recognizer names it.
    pub language: Option<String>,
    /// Seconds that are charged for.
    pub billed_seconds: u32,
}

/// The name of a running batch: `projects/…/locations/…/operations/…`. Safe within a URL's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationName(String);

/// The text is no name of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `projects/…/locations/…/operations/…`")]
pub struct OperationNameError;

/// Where a batch stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchProgress {
    /// It runs.
    Running {
        /// How far, from 0 to 100.
        percent: u8,
    },
    /// It is done.
    Finished(Recognized),
    /// It ran, but the file could not be taken.
    FileFailed {
        /// The gRPC code: see [`BatchProgress::is_transient`].
        code: i32,
        /// Google's words, capped.
        message: String,
    },
    /// It did not run to its end.
    Failed {
        /// The gRPC code: see [`BatchProgress::is_transient`].
        code: i32,
        /// Google's words, capped.
        message: String,
    },
}

/// Why there is no transcript.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SpeechError {
    /// The call failed.
    #[error("Speech-to-Text {0}")]
    Call(#[from] CallError),
    /// It was acted on, but the answer is not what we know.
    #[error("Speech-to-Text: {0}")]
    Unreadable(#[from] UnreadableBody),
    /// It was acted on, but the answer names no operation.
    #[error("Speech-to-Text named no operation: {0}")]
    Nameless(#[from] OperationNameError),
}

impl SpeechConfig {
    /// The real service in the United States, for English and Chirp 3: what is read where only the project is set.
    pub fn new(project: &str) -> Self {
        let settings = Settings::from_pairs([("GOOGLE_PROJECT", project)]);
        settings.load(Self::read).expect("the defaults are valid")
    }

    /// Reads the settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            base_url: reader.url(
                "SPEECH_BASE_URL",
                "https://us-speech.googleapis.com",
                "Speech-to-Text. The host must serve SPEECH_LOCATION.",
            ),
            project: crate::project(reader),
            location: reader.get(
                "SPEECH_LOCATION",
                "us".to_owned(),
                "Where speech is recognized.",
            ),
            language: reader.get(
                "SPEECH_LANGUAGE",
                "en-US".to_owned(),
                "BCP-47 code of the language spoken in calls.",
            ),
            model: reader.get(
                "SPEECH_MODEL",
                "chirp_3".to_owned(),
                "The model that recognizes speech.",
            ),
        }
    }
}

impl Speech {
    /// A client; opens no connection.
    pub fn new(http: Client, tokens: Tokens, config: SpeechConfig) -> Self {
        Self {
            http,
            tokens,
            config,
        }
    }

    /// Recognises audio of up to a minute and 10 MB, with speakers and times. Costs again when repeated.
    ///
    /// # Errors
    /// [`SpeechError`]; [`EffectFailure`] tells whether it may have been charged for.
    pub async fn recognize(&self, content: Bytes) -> Result<Recognized, SpeechError> {
        let config = payload::recognition(&self.config, true);
        let body = payload::with_content(&config, &content);
        drop(content);
        let url = self.url("recognizers/_:recognize");
        let request = self
            .http
            .post(url)
            .body("application/json", body)
            .deadline(RECOGNIZE_DEADLINE);
        let response = send(request.max_body_bytes(MAX_ANSWER_BYTES), &self.tokens).await?;
        Ok(response.json::<payload::Transcript>()?.into())
    }

    /// Starts to recognize a `gs://` file of up to an hour, or 20 minutes with `word_offsets`. Starts, and costs,
    /// again when repeated.
    ///
    /// # Errors
    /// [`SpeechError`]; [`EffectFailure`] tells whether it may have started.
    pub async fn start_batch(
        &self,
        uri: &str,
        word_offsets: bool,
    ) -> Result<OperationName, SpeechError> {
        let body = json!({
            "config": payload::recognition(&self.config, word_offsets),
            "files": [{ "uri": uri }],
            "recognitionOutputConfig": { "inlineResponseConfig": {} },
        });
        let url = self.url("recognizers/_:batchRecognize");
        let request = self.http.post(url).json(&body).deadline(CALL_DEADLINE);
        let operation: payload::Operation = send(request, &self.tokens).await?.json()?;
        Ok(OperationName::parse(&operation.name)?)
    }

    /// Polls a batch. Can be repeated.
    ///
    /// # Errors
    /// [`SpeechError`]; if it [is not found](SpeechError::is_not_found), the operation is gone and has to be started
    /// again.
    pub async fn operation(&self, name: &OperationName) -> Result<BatchProgress, SpeechError> {
        let url = format!("{}/v2/{}", base(&self.config.base_url), name.as_str());
        let request = self
            .http
            .get(url)
            .deadline(CALL_DEADLINE)
            .max_body_bytes(MAX_ANSWER_BYTES);
        let response = send(request, &self.tokens).await?;
        Ok(response.json::<payload::Operation>()?.into())
    }

    /// Asks for something that costs nothing: an error while the service is down. A refusal is no error here, because it
    /// comes from a service that works.
    ///
    /// # Errors
    /// [`SpeechError`], one that is worth another try.
    pub async fn is_up(&self) -> Result<(), SpeechError> {
        let request = self.http.get(self.location()).deadline(CALL_DEADLINE);
        match send(request, &self.tokens).await {
            Ok(_)
            | Err(
                CallError::Unauthorized { .. }
                | CallError::NotFound { .. }
                | CallError::Rejected { .. },
            ) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn url(&self, call: &str) -> String {
        format!("{}/{call}", self.location())
    }

    fn location(&self) -> String {
        let SpeechConfig {
            base_url,
            project,
            location,
            ..
        } = &self.config;
        format!(
            "{}/v2/projects/{project}/locations/{location}",
            base(base_url)
        )
    }
}

impl SpeechError {
    /// Whether what was asked for is not there, or no longer.
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::Call(CallError::NotFound { .. }))
    }
}

impl Classify for SpeechError {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Call(error) => error.disposition(),
            Self::Unreadable(_) | Self::Nameless(_) => Disposition::Retry { after: None },
        }
    }

    fn answer(&self) -> Option<String> {
        match self {
            Self::Call(error) => error.answer(),
            Self::Unreadable(_) | Self::Nameless(_) => None,
        }
    }
}

impl EffectFailure for SpeechError {
    fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::Call(error) => error.is_outcome_unknown(),
            Self::Unreadable(_) | Self::Nameless(_) => true,
        }
    }
}

impl BatchProgress {
    /// Whether a failure with this gRPC code may pass when the batch is started again: deadline, quota, abort, fault
    /// inside, outage.
    pub const fn is_transient(code: i32) -> bool {
        matches!(code, 4 | 8 | 10 | 13 | 14)
    }
}

impl OperationName {
    /// Reads a name, as it was answered or stored.
    ///
    /// # Errors
    /// [`OperationNameError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, OperationNameError> {
        let parts: Vec<&str> = text.split('/').collect();
        let is_plain = |part: &str| {
            !part.is_empty()
                && !part.chars().all(|c| c == '.')
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c))
        };
        match parts.as_slice() {
            ["projects", project, "locations", location, "operations", id]
                if text.len() <= 300
                    && [project, location, id]
                        .into_iter()
                        .all(|part| is_plain(part)) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(OperationNameError),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shows how much was said, never what.
impl fmt::Debug for Recognized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recognized")
            .field("turns", &self.turns.len())
            .field("language", &self.language)
            .field("billed_seconds", &self.billed_seconds)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_operations_are_safe_in_a_path() {
        assert!(
            OperationName::parse(
                "projects/123456789012/locations/us/operations/6f1c2a90-0000-4d7b"
            )
            .is_ok()
        );
        for name in [
            "",
            "operations/1",
            "projects/p/locations/us/operations/",
            "projects/p/locations/us/operations/a/b",
            "projects/p/locations/../operations/a",
            "projects/p/locations/us/operations/a?x=1",
            "projects/p/locations/us/operations/a%2f",
            "/projects/p/locations/us/operations/a",
        ] {
            assert_eq!(
                OperationName::parse(name),
                Err(OperationNameError),
                "{name}"
            );
        }
    }

    #[test]
    fn an_answer_we_do_not_know_may_have_started_something() {
        let error = SpeechError::Nameless(OperationNameError);
        assert_eq!(error.disposition(), Disposition::Retry { after: None });
        assert!(error.is_outcome_unknown());
    }

    #[test]
    fn what_was_said_is_not_printed() {
        let turn = Turn {
            speaker: "1".into(),
            start_ms: 0,
            end_ms: 1,
            text: "my gate code is 4711".into(),
        };
        let recognized = Recognized {
            turns: vec![turn],
            language: None,
            billed_seconds: 1,
        };
        assert!(!format!("{:?}", BatchProgress::Finished(recognized)).contains("4711"));
    }
}
