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

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use domain::{Classify, Disposition, EffectFailure, Turn};
use http_client::{Client, HttpError, Response, StatusClass, StatusCode, UnreadableBody, Url};
use settings::Reader;

use crate::{TokenError, Tokens, base, refusal::Refusal};

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

/// A minute of audio is recognised in well under this.
const RECOGNIZE_DEADLINE: Duration = Duration::from_secs(60);
/// Starting a batch and asking about it are short.
const CALL_DEADLINE: Duration = Duration::from_secs(20);
/// An hour of words with times and labels takes about 2 MB.
const MAX_ANSWER_BYTES: u64 = 16 * 1024 * 1024;

/// Which recogniser is called, and where.
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
#[derive(Clone, PartialEq, Eq)]
pub struct Recognised {
    /// The turns in order of time; none when nobody spoke.
    pub turns: Vec<Turn>,
    /// BCP-47 code of the language, when the recogniser names it.
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
    Finished(Recognised),
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
    /// There is no token. Nothing was sent.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// There is no complete answer; [`HttpError`] says whether the request was sent.
    #[error("Speech-to-Text was not heard: {0}")]
    Http(#[from] HttpError),
    /// The quota of the project is used up for now.
    #[error("Speech-to-Text asks us to slow down")]
    Throttled {
        /// How long to wait.
        retry_after: Option<Duration>,
    },
    /// Google's fault. It may have been acted on.
    #[error("Speech-to-Text failed with status {}", status.as_u16())]
    Unavailable {
        /// The status.
        status: StatusCode,
    },
    /// Our credentials lack the right: an operator has to grant it.
    #[error("Speech-to-Text refuses our credentials with status {}", status.as_u16())]
    Unauthorized {
        /// The status.
        status: StatusCode,
        /// Google's words, capped.
        message: String,
    },
    /// The operation, or the model, is not there (any more).
    #[error("Speech-to-Text does not know what was asked for")]
    NotFound {
        /// Google's words, capped.
        message: String,
    },
    /// The audio or the request is not acceptable.
    #[error("Speech-to-Text refuses the request with status {}", status.as_u16())]
    Rejected {
        /// The status.
        status: StatusCode,
        /// Google's words, capped.
        message: String,
    },
    /// It was acted on, but the answer is not what we know.
    #[error("Speech-to-Text: {0}")]
    Unreadable(#[from] UnreadableBody),
    /// It was acted on, but the answer names no operation.
    #[error("Speech-to-Text named no operation: {0}")]
    Nameless(#[from] OperationNameError),
}

impl SpeechConfig {
    /// The real service in the United States, for English and Chirp 3.
    pub fn new(project: impl Into<String>) -> Self {
        Self {
            base_url: Url::parse(Self::BASE_URL).expect("the default is a URL"),
            project: project.into(),
            location: Self::LOCATION.to_owned(),
            language: Self::LANGUAGE.to_owned(),
            model: Self::MODEL.to_owned(),
        }
    }

    /// Reads the settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            base_url: reader.url(
                "SPEECH_BASE_URL",
                Self::BASE_URL,
                "Speech-to-Text. The host must serve SPEECH_LOCATION.",
            ),
            project: crate::project(reader),
            location: reader.get(
                "SPEECH_LOCATION",
                Self::LOCATION.to_owned(),
                "Where speech is recognised.",
            ),
            language: reader.get(
                "SPEECH_LANGUAGE",
                Self::LANGUAGE.to_owned(),
                "BCP-47 code of the language spoken in calls.",
            ),
            model: reader.get(
                "SPEECH_MODEL",
                Self::MODEL.to_owned(),
                "The model that recognises speech.",
            ),
        }
    }

    const BASE_URL: &str = "https://us-speech.googleapis.com";
    const LOCATION: &str = "us";
    const LANGUAGE: &str = "en-US";
    const MODEL: &str = "chirp_3";
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
    pub async fn recognize(&self, content: Bytes) -> Result<Recognised, SpeechError> {
        let body = payload::RecognizeRequest {
            config: self.wish(true),
            content: STANDARD.encode(&content),
        };
        drop(content);
        let url = self.url("recognizers/_:recognize");
        let request = self.http.post(url).json(&body).deadline(RECOGNIZE_DEADLINE);
        drop(body);
        let response = request
            .bearer(&self.tokens.bearer().await?)
            .max_body_bytes(MAX_ANSWER_BYTES)
            .send()
            .await?;
        Ok(accepted(&response)?.json::<payload::Transcript>()?.into())
    }

    /// Starts to recognise a `gs://` file of up to an hour, or 20 minutes with `word_offsets`. Starts, and costs,
    /// again when repeated.
    ///
    /// # Errors
    /// [`SpeechError`]; [`EffectFailure`] tells whether it may have started.
    pub async fn start_batch(
        &self,
        uri: &str,
        word_offsets: bool,
    ) -> Result<OperationName, SpeechError> {
        let body = payload::BatchRequest::new(self.wish(word_offsets), uri);
        let url = self.url("recognizers/_:batchRecognize");
        let request = self.http.post(url).json(&body).deadline(CALL_DEADLINE);
        let response = request.bearer(&self.tokens.bearer().await?).send().await?;
        let operation: payload::Operation = accepted(&response)?.json()?;
        Ok(OperationName::parse(&operation.name)?)
    }

    /// Asks where a batch stands. Can be repeated.
    ///
    /// # Errors
    /// [`SpeechError::NotFound`] when the operation is gone: then it has to be started again.
    pub async fn operation(&self, name: &OperationName) -> Result<BatchProgress, SpeechError> {
        let url = format!("{}/v2/{}", base(&self.config.base_url), name.as_str());
        let request = self
            .http
            .get(url)
            .deadline(CALL_DEADLINE)
            .max_body_bytes(MAX_ANSWER_BYTES);
        let response = request.bearer(&self.tokens.bearer().await?).send().await?;
        Ok(accepted(&response)?.json::<payload::Operation>()?.into())
    }

    /// Asks for something that costs nothing: an error while the service is out of order. A refusal is no error here,
    /// it comes from a service that works.
    ///
    /// # Errors
    /// [`SpeechError`], one that is worth another try.
    pub async fn is_up(&self) -> Result<(), SpeechError> {
        let request = self.http.get(self.location()).deadline(CALL_DEADLINE);
        let response = request.bearer(&self.tokens.bearer().await?).send().await?;
        match accepted(&response) {
            Err(error @ (SpeechError::Throttled { .. } | SpeechError::Unavailable { .. })) => {
                Err(error)
            }
            Ok(_) | Err(_) => Ok(()),
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

    fn wish(&self, word_offsets: bool) -> payload::Wish<'_> {
        let SpeechConfig {
            model, language, ..
        } = &self.config;
        payload::Wish {
            model,
            language,
            word_offsets,
            speakers: DIARIZED.contains(&language.as_str()),
        }
    }
}

/// The answer, when it is a success.
fn accepted(response: &Response) -> Result<&Response, SpeechError> {
    let class = response.class();
    if class == StatusClass::Ok {
        return Ok(response);
    }
    let Refusal {
        status,
        message,
        retry_after,
    } = Refusal::read(response);
    Err(match class {
        StatusClass::Throttled => SpeechError::Throttled { retry_after },
        StatusClass::Unauthorized => SpeechError::Unauthorized { status, message },
        StatusClass::Rejected if status == StatusCode::NOT_FOUND => {
            SpeechError::NotFound { message }
        }
        StatusClass::Rejected => SpeechError::Rejected { status, message },
        StatusClass::Ok | StatusClass::ServerFault => SpeechError::Unavailable { status },
    })
}

impl Classify for SpeechError {
    #[deny(clippy::wildcard_enum_match_arm)] // a new variant must be thought about here
    fn disposition(&self) -> Disposition {
        match self {
            Self::Throttled { retry_after } => Disposition::Retry {
                after: *retry_after,
            },
            // The credentials are the platform's: once an operator has mended them, the work goes on by itself.
            Self::Token(_) | Self::Unauthorized { .. } => Disposition::Retry { after: None },
            Self::Http(_) | Self::Unavailable { .. } | Self::Unreadable(_) | Self::Nameless(_) => {
                Disposition::Retry { after: None }
            }
            Self::NotFound { .. } | Self::Rejected { .. } => Disposition::Park,
        }
    }

    fn answer(&self) -> Option<String> {
        match self {
            Self::Unauthorized { message, .. }
            | Self::NotFound { message }
            | Self::Rejected { message, .. } => {
                Some(message.clone()).filter(|message| !message.is_empty())
            }
            Self::Token(_)
            | Self::Http(_)
            | Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Unreadable(_)
            | Self::Nameless(_) => None,
        }
    }
}

impl EffectFailure for SpeechError {
    fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::Http(error) => !error.is_not_sent(),
            Self::Unavailable { .. } | Self::Unreadable(_) | Self::Nameless(_) => true,
            Self::Token(_)
            | Self::Throttled { .. }
            | Self::Unauthorized { .. }
            | Self::NotFound { .. }
            | Self::Rejected { .. } => false,
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

impl fmt::Display for OperationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Shows how much was said, never what.
impl fmt::Debug for Recognised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recognised")
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
    fn every_failure_says_what_to_do_next() {
        let after = Some(Duration::from_secs(3));
        let retry = Disposition::Retry { after: None };
        let not_sent = HttpError::NotSent {
            url: String::new(),
            cause: String::new(),
        };
        let unknown = HttpError::Unknown {
            url: String::new(),
            status: None,
            cause: String::new(),
        };
        let message = String::new;
        for (error, disposition, is_unknown) in [
            (SpeechError::Token(TokenError::NoCredentials), retry, false),
            (SpeechError::Http(not_sent), retry, false),
            (SpeechError::Http(unknown), retry, true),
            (
                SpeechError::Throttled { retry_after: after },
                Disposition::Retry { after },
                false,
            ),
            (
                SpeechError::Unavailable {
                    status: StatusCode::BAD_GATEWAY,
                },
                retry,
                true,
            ),
            (
                SpeechError::Unauthorized {
                    status: StatusCode::FORBIDDEN,
                    message: message(),
                },
                retry,
                false,
            ),
            (
                SpeechError::NotFound { message: message() },
                Disposition::Park,
                false,
            ),
            (
                SpeechError::Rejected {
                    status: StatusCode::BAD_REQUEST,
                    message: message(),
                },
                Disposition::Park,
                false,
            ),
            (SpeechError::Nameless(OperationNameError), retry, true),
        ] {
            assert_eq!(error.disposition(), disposition, "{error}");
            assert_eq!(error.is_outcome_unknown(), is_unknown, "{error}");
        }
    }

    #[test]
    fn what_was_said_is_not_printed() {
        let turn = Turn {
            speaker: "1".into(),
            start_ms: 0,
            end_ms: 1,
            text: "my gate code is 4711".into(),
        };
        let recognised = Recognised {
            turns: vec![turn],
            language: None,
            billed_seconds: 1,
        };
        assert!(!format!("{:?}", BatchProgress::Finished(recognised)).contains("4711"));
    }
}
