//! Gemini on Google Cloud: `generateContent`.
//!
//! - Auth: a bearer token. 401 `UNAUTHENTICATED` without a good one.
//! - Models: only the configured ones exist. A retired or unknown id is 404 `NOT_FOUND`.
//! - Checks: the last turn is the user's, the schema makes sense, safety settings and labels are valid, no penalties
//!   from 3.5 on. Query parameters are refused unless all of Google's methods take them.
//! - The answer fills `responseSchema` from the text of the last user turn: what is between its `<<marker>>` lines, if it
//!   has any. Properties of other names than the product's get a value that says nothing. Sentences that try to give
//!   orders are ignored. Of a section whose heading is `Facts`, only name and ZIP code are used.
//! - An answer longer than `maxOutputTokens` is truncated with `MAX_TOKENS`.
//!
//! `PUT /_sim/answers {"override": {…}, "times": n, "when_contains": "…"}` replaces fields of the answers, `DELETE` stops
//! that.
//!
//! Not simulated: other places and spellings of a schema (`responseJsonSchema`, `responseFormat`, `anyOf`).
//!
//! Source: aiplatform v1 discovery document and model pages (read 2026-11). UNCONFIRMED: the exact messages of errors.

mod checks;
mod fill;
mod numbers;
mod prompt;
mod reading;

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::extract::{Authorized, JsonBody, Path};
use crate::fault::Fault;
use crate::google;
use crate::provider::{Provider, Shared, lock};
use crate::{SimulatorSpec, Simulators};
use reading::Reading;

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Gemini::SLUG,
    name: "Gemini",
    setting: Some("GEMINI_BASE_URL"),
    is_cloud_only: false,
    has_view: false,
    is_google: true,
    credential: google::TOKEN,
    webhook_key_setting: None,
    demo: None,
    start: control::start::<Gemini>,
};

/// The handle of the simulated Gemini.
pub type Simulator = control::Simulator<Gemini>;

impl Simulators {
    /// The simulated Gemini.
    pub fn gemini(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated Gemini behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The bearer tokens that are accepted.
    pub tokens: Vec<String>,
    /// The ids of the models that exist.
    pub models: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tokens: vec![google::TOKEN.to_owned()],
            models: vec![
                "gemini-3.5-flash-lite".to_owned(),
                "gemini-3.1-flash-lite".to_owned(),
            ],
        }
    }
}

impl ProviderConfig for Config {}

/// The state of the simulated Gemini.
pub struct Gemini {
    config: Config,
    overrides: Mutex<Vec<Override>>,
}

/// Fields that are replaced in answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Override {
    #[serde(rename = "override")]
    fields: Map<String, Value>,
    #[serde(default)]
    times: Option<u32>,
    #[serde(default)]
    when_contains: Option<String>,
}

impl Gemini {
    /// Replaces the overridden fields in the answer to this text.
    fn apply_overrides(&self, text: &str, answer: &mut Value) {
        let mut overrides = lock(&self.overrides);
        for one in overrides.iter_mut() {
            if text.contains(one.when_contains.as_deref().unwrap_or_default()) {
                let fields = answer.as_object_mut().into_iter();
                fields.for_each(|fields| fields.extend(one.fields.clone()));
                one.times = one.times.map(|times| times.saturating_sub(1));
            }
        }
        overrides.retain(|one| one.times != Some(0));
    }
}

impl Provider for Gemini {
    const SLUG: &'static str = "gemini";
    const FAULTS: &'static [&'static str] = &["blocked", "outside_schema", "max_tokens"];

    type Config = Config;
    type Caller = ();

    fn new(config: Config, _setup: &Setup) -> Self {
        Self {
            config,
            overrides: Mutex::default(),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route(
                "/v1/projects/{project}/locations/{location}/publishers/google/models/{call}",
                post(call),
            )
            .route(
                "/_sim/answers",
                get(view_answers).put(put_answer).delete(delete_answers),
            )
    }

    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<(), Response> {
        google::authorize(request, &sim.provider.config.tokens, &[])
    }

    fn error(status: StatusCode, message: &str) -> Response {
        google::error(status, message)
    }

    fn usual_message(status: StatusCode) -> &'static str {
        google::usual_message(status)
    }

    fn bad_json(reason: &str) -> Response {
        google::bad_json(reason)
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        json!({ "answers": *lock(&sim.provider.overrides) })
    }
}

impl Simulator {
    /// Replaces these fields in every answer from now on.
    pub fn answer_with(&self, fields: Value) {
        self.answer_with_when("", fields);
    }

    /// Replaces these fields, an object, in the answers to texts that contain a part.
    pub fn answer_with_when(&self, part: &str, fields: Value) {
        let mut one = json!({ "when_contains": part });
        one["override"] = fields;
        let one = serde_json::from_value(one).expect("the fields of an answer are an object");
        lock(&self.shared.provider.overrides).push(one);
    }

    /// Stops replacing fields.
    pub fn clear_answers(&self) {
        lock(&self.shared.provider.overrides).clear();
    }
}

type Sim = State<Arc<Shared<Gemini>>>;

/// `models/{id}:generateContent`.
async fn call(
    State(sim): Sim,
    _: Authorized<Gemini>,
    Path((project, location, call)): Path<(String, String, String)>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response, Response> {
    let (model, method) = call.split_once(':').unwrap_or((&call, ""));
    let name = format!("projects/{project}/locations/{location}/publishers/google/models/{model}");
    if !sim.provider.config.models.iter().any(|live| live == model) {
        let reason = format!(
            "Publisher Model `{name}` was not found or your project does not have access to it."
        );
        return Err(google::error(StatusCode::NOT_FOUND, &reason));
    }
    if method != "generateContent" {
        return Err(Gemini::refuse(StatusCode::NOT_FOUND));
    }
    checks::request(model, &body).map_err(|reason| google::invalid(&reason))?;
    let line = format!("POST /v1/{name}:{method}");
    let system = [&body["systemInstruction"]].into_iter();
    let contents = system.chain(checks::list(&body["contents"]));
    let tokens_asked: u64 = contents.map(|it| tokens(&prompt::text_of(it))).sum();
    let mut reply = json!({
        "usageMetadata": {
            "promptTokenCount": tokens_asked, "totalTokenCount": tokens_asked, "trafficType": "ON_DEMAND",
        },
        "modelVersion": model,
        "createTime": sim.control.now().to_string(),
        "responseId": hex::encode(rand::random::<[u8; 11]>()),
    });
    if sim.control.strikes(&line, &Fault::Blocked) {
        reply["promptFeedback"] = json!({
            "blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "The prompt was blocked.",
        });
        return Ok(Json(reply).into_response());
    }
    let (text, finish) = answer(&sim, &line, &body);
    let tokens_answered = tokens(&text);
    reply["candidates"] = json!([{
        "content": { "role": "model", "parts": [{ "text": text }] },
        "finishReason": finish,
        "avgLogprobs": -0.04,
    }]);
    reply["usageMetadata"]["candidatesTokenCount"] = tokens_answered.into();
    reply["usageMetadata"]["totalTokenCount"] = (tokens_asked + tokens_answered).into();
    Ok(Json(reply).into_response())
}

/// The text of the answer, and why it ends.
fn answer(sim: &Shared<Gemini>, line: &str, body: &Value) -> (String, &'static str) {
    let last = checks::list(&body["contents"]).last();
    let asked = last.map(prompt::text_of).unwrap_or_default();
    let reading = Reading::of(&asked, sim.control.now());
    let config = &body["generationConfig"];
    let schema = &config["responseSchema"];
    let text = if schema.is_null() {
        reading
            .fact("summary")
            .map_or_else(String::new, |fact| fact.text.clone())
    } else {
        let mut answer = fill::fill(schema, "", &reading);
        sim.provider.apply_overrides(&asked, &mut answer);
        if sim.control.strikes(line, &Fault::OutsideSchema) {
            fill::violate(schema, &mut answer);
        }
        answer.to_string()
    };
    let limit = config["maxOutputTokens"].as_u64().unwrap_or(u64::MAX);
    if !sim.control.strikes(line, &Fault::MaxTokens) && tokens(&text) <= limit {
        return (text, "STOP");
    }
    let kept = usize::try_from(limit.saturating_mul(4)).unwrap_or(usize::MAX);
    let half = text.chars().count() / 2;
    (text.chars().take(kept.min(half)).collect(), "MAX_TOKENS")
}

/// About four characters each.
fn tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}

async fn view_answers(State(sim): Sim, page: Page) -> Response {
    pretty(&Gemini::view(&sim, &page))
}

async fn put_answer(State(sim): Sim, body: Bytes) -> Response {
    let added = control::read(&body).map(|one| lock(&sim.provider.overrides).push(one));
    control::done(added)
}

async fn delete_answers(State(sim): Sim) -> StatusCode {
    lock(&sim.provider.overrides).clear();
    StatusCode::NO_CONTENT
}
