//! Gemini on Google Cloud: `generateContent` and `countTokens`.
//!
//! - Auth: a bearer token. 401 `UNAUTHENTICATED` without a good one.
//! - Models: only the configured ones exist. A retired or unknown id is 404 `NOT_FOUND`.
//! - Checks: the last turn is the user's, the schema makes sense, safety settings and labels are valid, no penalties
//!   from 3.5 on. Query parameters are refused unless all of Google's methods take them.
//! - The answer fills the schema of the request from the text of the last user turn: what is between its `<<marker>>`
//!   lines, if it has any. Sentences in there that try to give orders are ignored. Of a section whose heading speaks of
//!   facts, only name and ZIP code are used.
//! - An answer longer than `maxOutputTokens` is truncated with `MAX_TOKENS`.
//!
//! `PUT /_sim/answers {"override": {…}, "times": n, "when_contains": "…"}` replaces fields of the answers, `DELETE` stops
//! that.
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
use reading::{Field, Reading};

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Gemini::SLUG,
    name: "Gemini",
    setting: "GEMINI_BASE_URL",
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
            let part = one.when_contains.as_deref().unwrap_or_default();
            if !text.contains(part) {
                continue;
            }
            for (name, value) in &one.fields {
                fill::set(answer, name, value);
            }
            one.times = one.times.map(|times| times.saturating_sub(1));
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
    ///
    /// # Panics
    /// If `fields` is not an object.
    pub fn answer_with(&self, fields: Value) {
        self.add_override(fields, None, None);
    }

    /// Replaces these fields in the answers to texts that contain a part.
    ///
    /// # Panics
    /// If `fields` is not an object.
    pub fn answer_with_when(&self, part: &str, fields: Value) {
        self.add_override(fields, None, Some(part.to_owned()));
    }

    /// Replaces these fields in the next answer only.
    ///
    /// # Panics
    /// If `fields` is not an object.
    pub fn answer_once_with(&self, fields: Value) {
        self.add_override(fields, Some(1), None);
    }

    /// Stops replacing fields.
    pub fn clear_answers(&self) {
        lock(&self.shared.provider.overrides).clear();
    }

    fn add_override(&self, fields: Value, times: Option<u32>, when_contains: Option<String>) {
        let Value::Object(fields) = fields else {
            panic!("the fields of an answer are an object")
        };
        lock(&self.shared.provider.overrides).push(Override {
            fields,
            times,
            when_contains,
        });
    }
}

type Sim = State<Arc<Shared<Gemini>>>;

/// `models/{id}:generateContent` and `models/{id}:countTokens`.
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
    match method {
        "generateContent" => {
            checks::request(model, &body).map_err(|reason| google::invalid(&reason))?;
            let line = format!("POST /v1/{name}:{method}");
            Ok(generate(&sim, model, &line, &body))
        }
        "countTokens" => {
            let tokens = tokens(&prompt::all(&body));
            Ok(Json(json!({
                "totalTokens": tokens,
                "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": tokens }],
            }))
            .into_response())
        }
        _ => Err(Gemini::refuse(StatusCode::NOT_FOUND)),
    }
}

fn generate(sim: &Shared<Gemini>, model: &str, line: &str, body: &Value) -> Response {
    let now = sim.control.now();
    let prompt_tokens = tokens(&prompt::all(body));
    let response_id = hex::encode(rand::random::<[u8; 11]>());
    if sim.control.strikes(line, &Fault::Blocked) {
        return Json(json!({
            "promptFeedback": {
                "blockReason": "PROHIBITED_CONTENT", "blockReasonMessage": "The prompt was blocked.",
            },
            "usageMetadata": {
                "promptTokenCount": prompt_tokens, "totalTokenCount": prompt_tokens, "trafficType": "ON_DEMAND",
            },
            "modelVersion": model,
            "responseId": response_id,
        }))
        .into_response();
    }
    let asked = prompt::last_turn(body);
    let reading = Reading::of(&asked, now);
    let summary = || {
        reading
            .fact(Field::Summary)
            .map_or_else(String::new, |fact| fact.text.clone())
    };
    let config = &body["generationConfig"];
    let mut answer = match checks::schema(body) {
        Some(schema) => {
            let mut answer = fill::fill(schema, &reading);
            sim.provider.apply_overrides(&asked, &mut answer);
            if sim.control.strikes(line, &Fault::OutsideSchema) {
                fill::violate(schema, &mut answer);
            }
            answer.to_string()
        }
        None if config["responseMimeType"] == "application/json" => {
            json!({ "summary": summary() }).to_string()
        }
        None => summary(),
    };
    let limit = config["maxOutputTokens"].as_u64().unwrap_or(u64::MAX);
    let mut finish = "STOP";
    if sim.control.strikes(line, &Fault::MaxTokens) || tokens(&answer) > limit {
        let kept = usize::try_from(limit.saturating_mul(4)).unwrap_or(usize::MAX);
        let half = answer.chars().count() / 2;
        answer = answer.chars().take(kept.min(half)).collect();
        finish = "MAX_TOKENS";
    }
    let answer_tokens = tokens(&answer);
    Json(json!({
        "candidates": [{
            "content": { "role": "model", "parts": [{ "text": answer }] },
            "finishReason": finish,
            "avgLogprobs": -0.04,
        }],
        "usageMetadata": {
            "promptTokenCount": prompt_tokens,
            "candidatesTokenCount": answer_tokens,
            "totalTokenCount": prompt_tokens + answer_tokens,
            "trafficType": "ON_DEMAND",
            "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": prompt_tokens }],
            "candidatesTokensDetails": [{ "modality": "TEXT", "tokenCount": answer_tokens }],
        },
        "modelVersion": model,
        "createTime": now.to_string(),
        "responseId": response_id,
    }))
    .into_response()
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
