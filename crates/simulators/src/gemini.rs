//! Gemini on Google Cloud: `generateContent` and `countTokens`.
//!
//! - Auth: a bearer token; 401 `UNAUTHENTICATED` without the configured one.
//! - Models: only those configured are there; a retired or unknown id is 404 `NOT_FOUND`.
//! - Checks: the last turn is the user's, the schema makes sense, safety settings and labels are valid, no
//!   penalties from 3.5 on.
//! - The answer fills whatever schema the request brings, from the text of the last user turn: what stands
//!   between its markers, where it has some. Sentences in there that try to give orders are passed over.
//! - An answer longer than `maxOutputTokens` is cut with `MAX_TOKENS`.
//!
//! `PUT /_sim/answers {"override": {…}, "times": n, "when_contains": "…"}` lays fields over the answers;
//! `DELETE` takes them away.
//!
//! Source: aiplatform v1 discovery document and model pages (read 2026-11). UNCONFIRMED: the exact messages of
//! refusals.

mod checks;
mod choice;
mod concept;
mod contact;
mod fill;
mod lexicon;
mod money;
mod reading;
mod text;

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::control::{self, Provider, Shared, has_bearer, lock, pretty, unclear};
use crate::fault::Fault;
use crate::google;
use reading::Reading;

/// The simulated Gemini.
pub type Simulator = control::Simulator<Gemini>;

/// How the simulated Gemini behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The bearer tokens that are good.
    pub tokens: Vec<String>,
    /// The ids of the models that are live.
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

/// What the simulated Gemini knows.
pub struct Gemini {
    config: Config,
    answers: Mutex<Vec<Overlay>>,
}

impl Gemini {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            answers: Mutex::default(),
        }
    }

    /// Lays the fields on order over an answer to this text.
    fn overlay(&self, text: &str, answer: &mut Value) {
        let mut answers = lock(&self.answers);
        for overlay in answers.iter_mut() {
            if overlay
                .when_contains
                .as_ref()
                .is_some_and(|part| !text.contains(part.as_str()))
            {
                continue;
            }
            for (name, value) in &overlay.fields {
                fill::set(answer, name, value);
            }
            if let Some(times) = overlay.times.as_mut() {
                *times = times.saturating_sub(1);
            }
        }
        answers.retain(|overlay| overlay.times != Some(0));
    }
}

/// Fields that are laid over the answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Overlay {
    #[serde(rename = "override")]
    fields: Map<String, Value>,
    #[serde(default)]
    times: Option<u32>,
    #[serde(default)]
    when_contains: Option<String>,
}

impl Provider for Gemini {
    const NAME: &'static str = "gemini";
    const FAULTS: &'static [&'static str] = &["blocked", "outside_schema", "max_tokens"];

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

    fn error(status: StatusCode) -> Response {
        google::error(status)
    }

    fn rate_limited(_now: Timestamp) -> Response {
        google::error(StatusCode::TOO_MANY_REQUESTS)
    }

    fn revoked() -> Response {
        google::error(StatusCode::UNAUTHORIZED)
    }
}

impl Simulator {
    /// Lays these fields over every answer from now on.
    ///
    /// # Panics
    /// When `fields` is not an object.
    pub fn answer_with(&self, fields: Value) {
        self.lay_over(fields, None, None);
    }

    /// Lays these fields over the answers to texts that contain a part.
    ///
    /// # Panics
    /// When `fields` is not an object.
    pub fn answer_with_when(&self, part: &str, fields: Value) {
        self.lay_over(fields, None, Some(part.to_owned()));
    }

    /// Lays these fields over the next answer only.
    ///
    /// # Panics
    /// When `fields` is not an object.
    pub fn answer_once_with(&self, fields: Value) {
        self.lay_over(fields, Some(1), None);
    }

    /// Answers from the text alone again.
    pub fn clear_answers(&self) {
        lock(&self.shared.provider.answers).clear();
    }

    fn lay_over(&self, fields: Value, times: Option<u32>, when_contains: Option<String>) {
        let Value::Object(fields) = fields else {
            panic!("the fields of an answer are an object")
        };
        lock(&self.shared.provider.answers).push(Overlay {
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
    Path((project, location, call)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    if !has_bearer(&headers, &sim.provider.config.tokens) {
        return Err(Gemini::revoked());
    }
    let (model, method) = call.split_once(':').unwrap_or((&call, ""));
    let name = format!("projects/{project}/locations/{location}/publishers/google/models/{model}");
    if !sim.provider.config.models.iter().any(|live| live == model) {
        let reason = format!(
            "Publisher Model `{name}` was not found or your project does not have access to it."
        );
        return Err(google::refuse(StatusCode::NOT_FOUND, &reason));
    }
    let body: Value = serde_json::from_slice(&body)
        .map_err(|error| google::invalid(&format!("Invalid JSON payload received. {error}")))?;
    let line = format!("POST /v1/{name}:{method}");
    match method {
        "generateContent" => {
            checks::request(model, &body).map_err(|reason| google::invalid(&reason))?;
            Ok(generate(&sim, model, &line, &body))
        }
        "countTokens" => {
            let tokens = tokens(&text::all(&body));
            Ok(Json(json!({
                "totalTokens": tokens,
                "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": tokens }],
            }))
            .into_response())
        }
        _ => Err(google::error(StatusCode::NOT_FOUND)),
    }
}

fn generate(sim: &Shared<Gemini>, model: &str, line: &str, body: &Value) -> Response {
    let now = sim.control.now();
    let prompt_tokens = tokens(&text::all(body));
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
    let asked = text::last_turn(body);
    let reading = Reading::of(&asked);
    let mut answer = match checks::schema(body) {
        Some(schema) => {
            let mut answer = fill::fill(schema, &reading);
            sim.provider.overlay(&asked, &mut answer);
            if sim.control.strikes(line, &Fault::OutsideSchema) {
                fill::leave_schema(schema, &mut answer);
            }
            answer.to_string()
        }
        None if body["generationConfig"]["responseMimeType"] == "application/json" => {
            json!({ "summary": reading.summary() }).to_string()
        }
        None => reading.summary(),
    };
    let limit = body["generationConfig"]["maxOutputTokens"]
        .as_u64()
        .unwrap_or(u64::MAX);
    let mut finish = "STOP";
    if sim.control.strikes(line, &Fault::MaxTokens) || tokens(&answer) > limit {
        let kept = usize::try_from(limit.saturating_mul(4))
            .unwrap_or(usize::MAX)
            .min(answer.chars().count() / 2);
        answer = answer.chars().take(kept).collect();
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

async fn view_answers(State(sim): Sim) -> Response {
    pretty(&json!({ "answers": *lock(&sim.provider.answers) }))
}

async fn put_answer(State(sim): Sim, body: Bytes) -> Response {
    match control::read::<Overlay>(&body) {
        Ok(overlay) => {
            lock(&sim.provider.answers).push(overlay);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(reason) => unclear(&reason),
    }
}

async fn delete_answers(State(sim): Sim) -> StatusCode {
    lock(&sim.provider.answers).clear();
    StatusCode::NO_CONTENT
}
