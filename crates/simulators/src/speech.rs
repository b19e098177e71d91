//! Google's Speech-to-Text v2 with the model Chirp 3.
//!
//! - Auth: a bearer token. 401 `UNAUTHENTICATED` without a good one.
//! - Sync: `recognizers/_:recognize`, at most 10 MB and 60 s of audio in the request.
//! - Batch: `recognizers/_:batchRecognize` on `gs://` files, at most an hour (20 minutes with word times). It starts an
//!   operation, which is polled until it is done. Files are objects of the simulated Cloud Storage, or else files below
//!   `blob_root`, where results for `gcsOutputConfig` are written, too.
//! - The transcript is the script of the recording, which is identified by the SHA-256 of its bytes. Other audio has a
//!   general script, and anything that is not audio "could not be decoded". A script without turns is silence.
//! - Query parameters are refused unless all of Google's methods take them.
//!
//! `PUT /_sim/scripts/{sha256}` sets the script of other audio, `GET /_sim/operations` lists operations.
//!
//! Source: Speech-to-Text v2 reference and published client (read 2026-11). UNCONFIRMED: the exact messages of errors,
//! and whether an over-long file fails the request or the operation.

mod batch;
mod transcript;

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::extract::{Authorized, JsonBody, Path};
use crate::fault::Fault;
use crate::google;
use crate::mp3::Probe;
use crate::provider::{Provider, Shared, lock};
use crate::recordings::{self, Script};
use crate::storage::Buckets;
use crate::{SimulatorSpec, Simulators};

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Speech::SLUG,
    name: "Speech-to-Text",
    setting: Some("SPEECH_BASE_URL"),
    is_cloud_only: false,
    has_view: false,
    is_google: true,
    credential: google::TOKEN,
    webhook_key_setting: None,
    demo: None,
    start: control::start::<Speech>,
};

/// The handle of the simulated Speech-to-Text.
pub type Simulator = control::Simulator<Speech>;

impl Simulators {
    /// The simulated Speech-to-Text.
    pub fn speech(&self) -> &Simulator {
        self.get()
    }
}

/// Where Chirp 3 is offered.
pub const CHIRP_3_LOCATIONS: &[&str] = &[
    "us",
    "eu",
    "asia-northeast1",
    "asia-southeast1",
    "asia-south1",
    "europe-west2",
    "europe-west3",
    "northamerica-northeast1",
];

/// The languages in which Chirp 3 tells speakers apart.
const DIARIZED: &[&str] = &[
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

const SYNC_LIMIT_BYTES: usize = 10 * 1024 * 1024;
const SYNC_LIMIT: Duration = Duration::from_secs(60);

/// How the simulated Speech-to-Text behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The bearer tokens that are accepted.
    pub tokens: Vec<String>,
    /// How long a batch operation takes.
    pub operation_delay: Duration,
    /// The longest audio of a batch.
    pub batch_limit: Duration,
    /// The longest audio of a batch with word times.
    pub word_times_limit: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tokens: vec![google::TOKEN.to_owned()],
            operation_delay: Duration::from_secs(2),
            batch_limit: Duration::from_secs(60 * 60),
            word_times_limit: Duration::from_secs(20 * 60),
        }
    }
}

impl ProviderConfig for Config {}

/// The state of the simulated Speech-to-Text.
pub struct Speech {
    config: Config,
    buckets: Arc<Buckets>,
    blob_root: Mutex<Option<PathBuf>>,
    operation_delay: Mutex<Duration>,
    scripts: Mutex<BTreeMap<String, Script>>,
    operations: Mutex<BTreeMap<String, batch::Operation>>,
}

impl Speech {
    /// What is said in this audio. `None` if it cannot be decoded.
    fn listen(&self, sha256: &str, length: Option<Duration>) -> Option<Script> {
        if let Some(script) = lock(&self.scripts).get(sha256) {
            return Some(script.clone());
        }
        let recording = recordings::by_sha256(sha256).map(|recording| recording.script.clone());
        recording.or_else(|| length.map(|length| recordings::unscripted(length.as_secs_f64())))
    }
}

impl Provider for Speech {
    const SLUG: &'static str = "speech";
    const FAULTS: &'static [&'static str] = &["file_error", "operation_lost", "operation_failed"];

    type Config = Config;
    type Caller = ();

    fn new(config: Config, setup: &Setup) -> Self {
        Self {
            buckets: Arc::clone(&setup.buckets),
            blob_root: Mutex::new(setup.config.blob_root.clone()),
            operation_delay: Mutex::new(config.operation_delay),
            config,
            scripts: Mutex::default(),
            operations: Mutex::default(),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route(
                "/v2/projects/{project}/locations/{location}",
                get(show_location),
            )
            .route(
                "/v2/projects/{project}/locations/{location}/recognizers/{call}",
                post(call),
            )
            .route(
                "/v2/projects/{project}/locations/{location}/operations/{id}",
                get(batch::show),
            )
            .route("/_sim/operations", get(view_operations))
            .route("/_sim/scripts/{sha256}", put(put_script))
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
        let now = sim.control.now();
        let operations = lock(&sim.provider.operations);
        let shown: Vec<_> = operations
            .values()
            .map(|operation| operation.render(now))
            .collect();
        json!({ "operations": shown })
    }
}

impl Simulator {
    /// Sets the folder that stands in for every bucket.
    pub fn set_blob_root(&self, folder: &FilePath) {
        *lock(&self.shared.provider.blob_root) = Some(folder.to_owned());
    }

    /// Sets how long a batch operation takes.
    pub fn set_operation_delay(&self, delay: Duration) {
        *lock(&self.shared.provider.operation_delay) = delay;
    }

    /// Sets the script of the audio with this SHA-256 (lower-case hexadecimal).
    pub fn hear(&self, sha256: &str, script: Script) {
        lock(&self.shared.provider.scripts).insert(sha256.to_owned(), script);
    }

    /// The operations as the API would show them now.
    pub fn operations(&self) -> Vec<Value> {
        let now = self.shared.control.now();
        lock(&self.shared.provider.operations)
            .values()
            .map(|operation| operation.render(now))
            .collect()
    }
}

type Sim = State<Arc<Shared<Speech>>>;

/// `recognizers/_:recognize` and `recognizers/_:batchRecognize`.
async fn call(
    State(sim): Sim,
    _: Authorized<Speech>,
    Path((project, location, call)): Path<(String, String, String)>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response, Response> {
    match call.split_once(':') {
        Some(("_", "recognize")) => recognize(&sim, &project, &location, &body).await,
        Some(("_", "batchRecognize")) => batch::start(&sim, &project, &location, &body).await,
        Some((recognizer, _)) => Err(google::error(
            StatusCode::NOT_FOUND,
            &format!(
                "Unable to find Recognizer projects/{project}/locations/{location}/recognizers/{recognizer}."
            ),
        )),
        None => Err(Speech::refuse(StatusCode::NOT_FOUND)),
    }
}

async fn recognize(
    sim: &Shared<Speech>,
    project: &str,
    location: &str,
    body: &Value,
) -> Result<Response, Response> {
    let features = Features::read(location, body)?;
    let (sha256, length) = match (body["content"].as_str(), body["uri"].as_str()) {
        (Some(content), None) => {
            let audio = STANDARD
                .decode(content)
                .map_err(|_| google::invalid("Invalid value at 'content' (TYPE_BYTES)"))?;
            if audio.len() > SYNC_LIMIT_BYTES {
                let reason = "Request payload size exceeds the limit: 10485760 bytes.";
                return Err(google::invalid(reason));
            }
            let mut heard = Heard::default();
            audio.chunks(64 * 1024).for_each(|piece| heard.push(piece));
            heard.finish()
        }
        (None, Some(uri)) => {
            let heard = batch::listen(&sim.provider, uri).await;
            heard.ok_or_else(|| Speech::refuse(StatusCode::NOT_FOUND))?
        }
        _ => {
            return Err(google::invalid(
                "Exactly one of content and uri must be set.",
            ));
        }
    };
    let line = format!("POST /v2/projects/{project}/locations/{location}/recognizers/_:recognize");
    if sim.control.strikes(&line, &Fault::FileError) {
        return Err(google::invalid(UNDECODABLE));
    }
    let script = sim
        .provider
        .listen(&sha256, length)
        .ok_or_else(|| google::invalid(UNDECODABLE))?;
    let length = length.map_or(script.duration_seconds, |length| length.as_secs_f64());
    if length > SYNC_LIMIT.as_secs_f64() {
        return Err(google::invalid(
            "Audio can be of a maximum of 60 seconds. Use BatchRecognize for longer audio.",
        ));
    }
    Ok(Json(transcript::results(&script, &features, length)).into_response())
}

const UNDECODABLE: &str = "Audio could not be decoded.";

/// The features that a request asks for.
#[derive(Debug, Clone)]
struct Features {
    language: Option<String>,
    word_times: bool,
    speakers: bool,
}

impl Features {
    fn read(location: &str, body: &Value) -> Result<Self, Response> {
        let config = &body["config"];
        let features = &config["features"];
        match config["model"].as_str() {
            Some("chirp_3") => {}
            Some(other) => {
                let reason = format!(
                    "The model \"{other}\" does not exist in the location named \"{location}\"."
                );
                return Err(google::invalid(&reason));
            }
            None => return Err(google::invalid("config.model must be set.")),
        }
        if !CHIRP_3_LOCATIONS.contains(&location) {
            let reason = format!(
                "The model \"chirp_3\" does not exist in the location named \"{location}\"."
            );
            return Err(google::invalid(&reason));
        }
        let languages: Vec<_> = config["languageCodes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let Some(language) = languages.first().copied() else {
            return Err(google::invalid(
                "config.languageCodes must have at least one language.",
            ));
        };
        let decoding = ["autoDecodingConfig", "explicitDecodingConfig"];
        if decoding
            .iter()
            .filter(|name| config[**name].is_object())
            .count()
            != 1
        {
            let reason =
                "Exactly one of autoDecodingConfig and explicitDecodingConfig must be set.";
            return Err(google::invalid(reason));
        }
        let speakers = features["diarizationConfig"].is_object();
        if speakers && language != "auto" && !DIARIZED.contains(&language) {
            let reason =
                format!("Recognizer does not support feature: speaker_diarization for {language}.");
            return Err(google::invalid(&reason));
        }
        Ok(Self {
            language: (language != "auto").then(|| language.to_owned()),
            word_times: features["enableWordTimeOffsets"].as_bool().unwrap_or(false),
            speakers,
        })
    }
}

/// The identity and the length of audio that arrives in pieces, in constant memory.
#[derive(Default)]
struct Heard {
    hash: Sha256,
    probe: Probe,
}

impl Heard {
    fn push(&mut self, piece: &[u8]) {
        self.hash.update(piece);
        self.probe.push(piece);
    }

    fn finish(self) -> (String, Option<Duration>) {
        (hex::encode(self.hash.finalize()), self.probe.finish())
    }
}

/// The models and features of a location: the Locations API.
async fn show_location(
    State(_): Sim,
    _: Authorized<Speech>,
    Path((project, location)): Path<(String, String)>,
) -> Response {
    let features: Vec<_> = [
        "AUTOMATIC_PUNCTUATION",
        "WORD_TIME_OFFSETS",
        "SPEAKER_DIARIZATION",
    ]
    .iter()
    .map(|feature| json!({ "feature": feature, "releaseState": "GA" }))
    .collect();
    let models = if CHIRP_3_LOCATIONS.contains(&location.as_str()) {
        json!({ "chirp_3": { "modelFeature": features } })
    } else {
        json!({})
    };
    let languages: BTreeMap<_, _> = DIARIZED
        .iter()
        .map(|language| (*language, json!({ "modelFeatures": models })))
        .collect();
    Json(json!({
        "name": format!("projects/{project}/locations/{location}"),
        "locationId": location,
        "metadata": {
            "@type": "type.googleapis.com/google.cloud.speech.v2.LocationsMetadata",
            "languages": { "models": languages },
        },
    }))
    .into_response()
}

async fn view_operations(State(sim): Sim, page: Page) -> Response {
    pretty(&Speech::view(&sim, &page))
}

async fn put_script(State(sim): Sim, Path(sha256): Path<String>, body: Bytes) -> Response {
    control::done(control::read::<Script>(&body).map(|script| {
        lock(&sim.provider.scripts).insert(sha256.to_ascii_lowercase(), script);
    }))
}
