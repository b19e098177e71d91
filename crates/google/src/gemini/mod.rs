//! Gemini on Google Cloud: an answer as JSON, by the first model of a list that gives one.
//!
//! - `models/{model}:generateContent`, one synchronous call. A retired model answers 404, a busy one 429: both are
//!   left for the next of the list.
//! - Determinism cannot be bought: what comes back is JSON, and no more than that is promised.
//! - Tokens are counted, and billed, also for answers that are of no use.
//!
//! Source: Gemini API on Google Cloud, `generateContent`, "Model versions" and "Standard pay-as-you-go" (read
//! 2026-11). UNCONFIRMED: whether 429 carries `Retry-After` or `RetryInfo`; both are honored.

mod payload;

use std::{collections::BTreeMap, fmt, time::Duration};

use domain::{Classify, Disposition, Tokens as Count};
use http_client::{Client, Url};
use serde_json::Value;
use settings::{Reader, Settings};

use self::payload::Outcome;
use crate::{CallError, Tokens, base, call::send};

/// Our schemas ask for a few hundred words.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

/// Which models are asked, and where.
#[derive(Debug, Clone)]
pub struct GeminiConfig {
    /// The service. Its host must serve `location`.
    pub base_url: Url,
    /// The project that is billed.
    pub project: String,
    /// Where it runs. `global` has the largest capacity and promises no residency.
    pub location: String,
    /// The models, the first choice first.
    pub models: Vec<String>,
    /// Longest time for one call; each model of the list may take it.
    pub timeout: Duration,
}

/// Asks models. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gemini {
    http: Client,
    tokens: Tokens,
    config: GeminiConfig,
}

/// What is asked. Prints no text.
#[derive(Clone)]
pub struct Prompt {
    /// Our instructions, and nothing from outside.
    pub system: String,
    /// The data.
    pub user: String,
    /// The shape of the answer, in the service's dialect of OpenAPI.
    pub schema: Value,
    /// Longest answer. A cut one is asked for again with twice as much.
    pub max_output_tokens: u32,
    /// Shown on the bill.
    pub labels: BTreeMap<String, String>,
}

/// What a model answered. Prints no text.
#[derive(Clone, PartialEq)]
pub struct Answer {
    /// JSON. Whether it obeys the schema is for the caller to check.
    pub json: Value,
    /// The model, by the id that it was asked by.
    pub model: String,
    /// What was used, useless answers included.
    pub spent: Spent,
}

/// Tokens by model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spent(pub BTreeMap<String, Count>);

/// Why there is no answer, and what was used all the same.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{fault}")]
pub struct GeminiError {
    /// Why.
    pub fault: GeminiFault,
    /// What was used.
    pub spent: Spent,
}

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GeminiFault {
    /// The call failed. [`CallError::NotFound`] is [`GeminiFault::NoModel`] here.
    #[error("Gemini {0}")]
    Call(CallError),
    /// No model of the list exists: an operator has to name others.
    #[error("none of the configured Gemini models exists")]
    NoModel {
        /// Google's words, capped.
        message: String,
    },
    /// Prompt or answer were withheld for safety. Asking again does not help.
    #[error("Gemini does not answer, for safety ({reason})")]
    Blocked {
        /// Google's word for the reason.
        reason: String,
    },
    /// An answer came, twice, and was of no use.
    #[error("Gemini's answer is of no use: {0}")]
    Unusable(&'static str),
}

impl GeminiConfig {
    /// The real service, worldwide, with the models that are meant for extraction: what is read where only the project
    /// is set.
    pub fn new(project: &str) -> Self {
        let settings = Settings::from_pairs([("GOOGLE_PROJECT", project)]);
        settings.load(Self::read).expect("the defaults are valid")
    }

    /// Reads the settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        const MODELS: &str = "gemini-3.5-flash-lite,gemini-3.1-flash-lite";
        let about = "Gemini models, the first choice first, parted by commas.";
        let models: Vec<String> = reader.list("GEMINI_MODELS", MODELS, about);
        if models.is_empty() {
            reader.fault(
                "GEMINI_MODELS",
                "it names no model",
                format!("write for example {MODELS}"),
            );
        }
        Self {
            base_url: reader.url(
                "GEMINI_BASE_URL",
                "https://aiplatform.googleapis.com",
                "Gemini. The host must serve GEMINI_LOCATION.",
            ),
            project: crate::project(reader),
            location: reader.get(
                "GEMINI_LOCATION",
                "global".to_owned(),
                "Where models run: global, us or eu.",
            ),
            models,
            timeout: reader.duration(
                "GEMINI_TIMEOUT",
                Duration::from_secs(20),
                "Longest time for one call of one model.",
            ),
        }
    }
}

impl Gemini {
    /// A client; opens no connection.
    pub fn new(http: Client, tokens: Tokens, config: GeminiConfig) -> Self {
        Self {
            http,
            tokens,
            config,
        }
    }

    /// Asks the models in turn until one answers. Costs again when repeated.
    ///
    /// After a model that is gone, busy, broken or late the next is asked; a cut or useless answer is asked for once more.
    /// So there is at most one call more than there are models.
    ///
    /// # Errors
    /// [`GeminiError`], with the tokens that were used all the same.
    pub async fn generate(&self, prompt: &Prompt) -> Result<Answer, GeminiError> {
        let mut spent = Spent::default();
        match self.ask_in_turn(prompt, &mut spent).await {
            Ok((json, model)) => Ok(Answer { json, model, spent }),
            Err(fault) => Err(GeminiError { fault, spent }),
        }
    }

    async fn ask_in_turn(
        &self,
        prompt: &Prompt,
        spent: &mut Spent,
    ) -> Result<(Value, String), GeminiFault> {
        let mut last: Option<GeminiFault> = None;
        let mut max_output_tokens = prompt.max_output_tokens;
        let mut may_ask_again = true;
        for model in &self.config.models {
            loop {
                let useless = match self.ask(model, prompt, max_output_tokens, spent).await {
                    Ok(Outcome::Json(json)) => return Ok((json, model.clone())),
                    Ok(Outcome::Blocked(reason)) => return Err(GeminiFault::Blocked { reason }),
                    Ok(Outcome::Cut) => {
                        max_output_tokens = max_output_tokens.saturating_mul(2);
                        "it was cut off at the limit"
                    }
                    Ok(Outcome::Useless(what)) => what,
                    Err(fault) if fault.is_models_own() => {
                        if let GeminiFault::NoModel { .. } = fault {
                            tracing::warn!(gemini.model = %model, "the model {model} does not exist (any more)");
                        }
                        last = Some(last.map_or(fault.clone(), |last| last.or(fault)));
                        break;
                    }
                    Err(fault) => return Err(fault),
                };
                if !may_ask_again {
                    return Err(GeminiFault::Unusable(useless));
                }
                may_ask_again = false;
            }
        }
        Err(last.unwrap_or(GeminiFault::NoModel {
            message: "no model is configured".to_owned(),
        }))
    }

    async fn ask(
        &self,
        model: &str,
        prompt: &Prompt,
        max_output_tokens: u32,
        spent: &mut Spent,
    ) -> Result<Outcome, GeminiFault> {
        let GeminiConfig {
            base_url,
            project,
            location,
            timeout,
            ..
        } = &self.config;
        let url = format!(
            "{}/v1/projects/{project}/locations/{location}/publishers/google/models/{model}:generateContent",
            base(base_url)
        );
        let body = payload::request(prompt, max_output_tokens);
        let request = self
            .http
            .post(url)
            .json(&body)
            .deadline(*timeout)
            .max_body_bytes(MAX_ANSWER_BYTES);
        let response = send(request, &self.tokens).await?;
        let Ok(answer) = response.json::<payload::Response>() else {
            return Ok(Outcome::Useless("it is not of the documented shape"));
        };
        spent.add(model, answer.tokens());
        Ok(answer.outcome())
    }
}

impl From<CallError> for GeminiFault {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotFound { message } => Self::NoModel { message },
            error => Self::Call(error),
        }
    }
}

impl GeminiFault {
    /// Whether another model may succeed.
    fn is_models_own(&self) -> bool {
        match self {
            Self::NoModel { .. } => true,
            Self::Call(CallError::Throttled { .. } | CallError::Unavailable { .. }) => true,
            // All models are behind one host: what could not be sent to one cannot be sent to another.
            Self::Call(CallError::Http(error)) => !error.is_not_sent(),
            Self::Call(_) | Self::Blocked { .. } | Self::Unusable(_) => false,
        }
    }

    /// Of two models' faults the one that says best what to do: waiting for a busy model beats all else, and that one
    /// is gone says nothing while another is only down.
    fn or(self, next: Self) -> Self {
        use CallError::Throttled;
        match (&self, &next) {
            (
                Self::Call(Throttled { retry_after: a }),
                Self::Call(Throttled { retry_after: b }),
            ) => Self::Call(Throttled {
                retry_after: a.zip(*b).map(|(a, b)| a.min(b)).or(*a).or(*b),
            }),
            (Self::Call(Throttled { .. }), _) | (_, Self::NoModel { .. }) => self,
            _ => next,
        }
    }
}

impl Classify for GeminiError {
    fn disposition(&self) -> Disposition {
        match &self.fault {
            GeminiFault::Call(error) => error.disposition(),
            GeminiFault::Unusable(_) => Disposition::Retry { after: None },
            GeminiFault::NoModel { .. } | GeminiFault::Blocked { .. } => Disposition::Park,
        }
    }

    fn answer(&self) -> Option<String> {
        match &self.fault {
            GeminiFault::Call(error) => error.answer(),
            GeminiFault::NoModel { message } => {
                Some(message.clone()).filter(|message| !message.is_empty())
            }
            GeminiFault::Blocked { .. } | GeminiFault::Unusable(_) => None,
        }
    }
}

impl Spent {
    fn add(&mut self, model: &str, more: Count) {
        let count = self.0.entry(model.to_owned()).or_default();
        *count = sum(*count, more);
    }

    /// All models together.
    pub fn total(&self) -> Count {
        self.0.values().copied().fold(Count::default(), sum)
    }
}

fn sum(a: Count, b: Count) -> Count {
    Count {
        prompt: a.prompt.saturating_add(b.prompt),
        output: a.output.saturating_add(b.output),
        thoughts: a.thoughts.saturating_add(b.thoughts),
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt")
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("model", &self.model)
            .field("spent", &self.spent)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http_client::StatusCode;

    use super::*;

    #[test]
    fn of_several_faults_the_one_that_helps_most_is_reported() {
        let throttled = |seconds| {
            GeminiFault::Call(CallError::Throttled {
                retry_after: Some(Duration::from_secs(seconds)),
            })
        };
        let gone = || GeminiFault::NoModel {
            message: String::new(),
        };
        let broken = || {
            GeminiFault::Call(CallError::Unavailable {
                status: StatusCode::BAD_GATEWAY,
            })
        };
        let shown = |fault: GeminiFault| format!("{fault:?}");
        for (first, then, expected) in [
            (throttled(9), throttled(3), throttled(3)),
            (throttled(9), broken(), throttled(9)),
            (broken(), throttled(9), throttled(9)),
            (gone(), throttled(9), throttled(9)),
            (gone(), broken(), broken()),
            (broken(), gone(), broken()),
            (gone(), gone(), gone()),
        ] {
            assert_eq!(shown(first.or(then)), shown(expected));
        }
    }

    #[test]
    fn prompts_and_answers_print_no_text() {
        let secret = || "my gate code is 4711".to_owned();
        let prompt = Prompt {
            system: secret(),
            user: secret(),
            schema: Value::Null,
            max_output_tokens: 1,
            labels: BTreeMap::new(),
        };
        let answer = Answer {
            json: secret().into(),
            model: "m".into(),
            spent: Spent::default(),
        };
        assert!(!format!("{prompt:?} {answer:?}").contains("4711"));
    }
}
