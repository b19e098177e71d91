//! Google's Speech-to-Text v2 with the model Chirp 3.
//!
//! - Auth: a bearer token; 401 `UNAUTHENTICATED` without the configured one.
//! - Sync: `recognizers/_:recognize`, at most 10 MB and 60 s of audio in the request.
//! - Batch: `recognizers/_:batchRecognize` on `gs://` files, at most an hour (20 minutes with word times);
//!   answers an operation that is asked about until it is done. Files are objects of the simulated Cloud Storage
//!   beside it, else read below `blob_root`; results are written below that for `gcsOutputConfig`.
//! - What is heard comes from the script of the recording, known by the SHA-256 of its bytes; other audio
//!   gets a general script, and what is not audio "could not be decoded". A script without turns is silence.
//!
//! `PUT /_sim/scripts/{sha256}` says what is heard in other audio, `GET /_sim/operations` lists operations.
//!
//! Source: Speech-to-Text v2 reference and published client (read 2026-11). UNCONFIRMED: the exact messages
//! of refusals, and whether an over-long file is refused with the request or in the operation.

mod batch;
mod transcript;

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::control::{self, Provider, Shared, has_bearer, lock, pretty, unclear};
use crate::fault::Fault;
use crate::google;
use crate::mp3::Probe;
use crate::recordings::{self, Script};
use crate::storage::{self, Storage};

/// The simulated Speech-to-Text.
pub type Simulator = control::Simulator<Speech>;

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
    /// The bearer tokens that are good.
    pub tokens: Vec<String>,
    /// The folder that stands for every bucket; without it only objects of the simulated Cloud Storage exist.
    pub blob_root: Option<PathBuf>,
    /// How long a batch operation runs.
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
            blob_root: None,
            operation_delay: Duration::from_secs(2),
            batch_limit: Duration::from_secs(60 * 60),
            word_times_limit: Duration::from_secs(20 * 60),
        }
    }
}

/// What the simulated Speech-to-Text knows.
pub struct Speech {
    config: Config,
    storage: Arc<Shared<Storage>>,
    blob_root: Mutex<Option<PathBuf>>,
    operation_delay: Mutex<Duration>,
    scripts: Mutex<BTreeMap<String, Script>>,
    operations: Mutex<BTreeMap<String, batch::Operation>>,
}

impl Speech {
    pub(crate) fn new(config: Config, storage: &storage::Simulator) -> Self {
        Self {
            storage: Arc::clone(&storage.shared),
            blob_root: Mutex::new(config.blob_root.clone()),
            operation_delay: Mutex::new(config.operation_delay),
            config,
            scripts: Mutex::default(),
            operations: Mutex::default(),
        }
    }

    /// What is said in this audio; `None` when it cannot be decoded.
    fn listen(&self, sha256: &str, length: Option<Duration>) -> Option<Script> {
        if let Some(script) = lock(&self.scripts).get(sha256) {
            return Some(script.clone());
        }
        let recording = recordings::by_sha256(sha256).map(|recording| recording.script.clone());
        recording.or_else(|| length.map(|length| recordings::unscripted(length.as_secs_f64())))
    }
}

impl Provider for Speech {
    const NAME: &'static str = "speech";
    const FAULTS: &'static [&'static str] = &["file_error", "operation_lost", "operation_failed"];

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
    /// Says which folder stands for every bucket.
    pub fn set_blob_root(&self, folder: &FilePath) {
        *lock(&self.shared.provider.blob_root) = Some(folder.to_owned());
    }

    /// Says how long a batch operation runs.
    pub fn set_operation_delay(&self, delay: Duration) {
        *lock(&self.shared.provider.operation_delay) = delay;
    }

    /// Says what is heard in audio with this SHA-256 (lower-case hexadecimal).
    pub fn hear(&self, sha256: &str, script: Script) {
        lock(&self.shared.provider.scripts).insert(sha256.to_owned(), script);
    }

    /// The operations as they would be answered now.
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
    Path((project, location, call)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    if !has_bearer(&headers, &sim.provider.config.tokens) {
        return Err(Speech::revoked());
    }
    let body: Value =
        serde_json::from_slice(&body).map_err(|error| google::invalid(&error.to_string()))?;
    match call.split_once(':') {
        Some(("_", "recognize")) => recognize(&sim, &project, &location, &body).await,
        Some(("_", "batchRecognize")) => batch::start(&sim, &project, &location, &body).await,
        Some((recognizer, _)) => Err(google::refuse(
            StatusCode::NOT_FOUND,
            &format!(
                "Unable to find Recognizer projects/{project}/locations/{location}/recognizers/{recognizer}."
            ),
        )),
        None => Err(google::error(StatusCode::NOT_FOUND)),
    }
}

async fn recognize(
    sim: &Shared<Speech>,
    project: &str,
    location: &str,
    body: &Value,
) -> Result<Response, Response> {
    let wish = Wish::read(location, body)?;
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
            heard.ok_or_else(|| google::error(StatusCode::NOT_FOUND))?
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
    Ok(Json(transcript::results(&script, &wish, length)).into_response())
}

const UNDECODABLE: &str = "Audio could not be decoded.";

/// What a request wants to know about the audio.
#[derive(Debug, Clone)]
struct Wish {
    language: Option<String>,
    word_times: bool,
    speakers: bool,
}

impl Wish {
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

/// Takes audio in pieces: its identity and its length, in constant memory.
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

/// What is offered where: the Locations API.
async fn show_location(
    State(sim): Sim,
    Path((project, location)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    if !has_bearer(&headers, &sim.provider.config.tokens) {
        return Err(Speech::revoked());
    }
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
    Ok(Json(json!({
        "name": format!("projects/{project}/locations/{location}"),
        "locationId": location,
        "metadata": {
            "@type": "type.googleapis.com/google.cloud.speech.v2.LocationsMetadata",
            "languages": { "models": languages },
        },
    }))
    .into_response())
}

async fn view_operations(State(sim): Sim) -> Response {
    let now = sim.control.now();
    let operations: Vec<_> = lock(&sim.provider.operations)
        .values()
        .map(|operation| operation.render(now))
        .collect();
    pretty(&json!({ "operations": operations }))
}

async fn put_script(State(sim): Sim, Path(sha256): Path<String>, body: Bytes) -> Response {
    match control::read::<Script>(&body) {
        Ok(script) => {
            lock(&sim.provider.scripts).insert(sha256.to_ascii_lowercase(), script);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(reason) => unclear(&reason),
    }
}
