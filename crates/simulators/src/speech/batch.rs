//! Batch recognition: long-running operations on files in buckets.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path as FilePath, PathBuf};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::{Features, Heard, Provider, Shared, Sim, Speech, UNDECODABLE, lock, transcript};
use crate::extract::{Authorized, Path};
use crate::fault::Fault;
use crate::google;

const FILES_PER_REQUEST: usize = 15;
/// The codes of gRPC that a file's own error carries, or an operation's.
const INVALID_ARGUMENT: u8 = 3;
const NOT_FOUND: u8 = 5;
const INTERNAL: u8 = 13;

/// A batch and its results.
#[derive(Debug)]
pub(super) struct Operation {
    name: String,
    created: Timestamp,
    delay: Duration,
    /// Each file's entry of the response.
    files: BTreeMap<String, Value>,
    total_billed: String,
    /// Whether it ends with an error in place of a response.
    is_failed: bool,
}

impl Operation {
    fn progress_percent(&self, now: Timestamp) -> i128 {
        let passed = now.duration_since(self.created).as_millis();
        let delay = SignedDuration::try_from(self.delay).map_or(0, |delay| delay.as_millis());
        if delay <= 0 {
            100
        } else {
            (passed * 100 / delay).clamp(0, 100)
        }
    }

    pub(super) fn render(&self, now: Timestamp) -> Value {
        let progress = self.progress_percent(now);
        let each = self
            .files
            .keys()
            .map(|uri| (uri.clone(), json!({ "progressPercent": progress })));
        let mut operation = json!({
            "name": self.name,
            "metadata": {
                "@type": "type.googleapis.com/google.cloud.speech.v2.OperationMetadata",
                "createTime": self.created.to_string(),
                "updateTime": now.to_string(),
                "method": "google.cloud.speech.v2.Speech.BatchRecognize",
                "progressPercent": progress,
                "batchRecognizeMetadata": { "transcriptionMetadata": each.collect::<Map<_, _>>() },
            },
        });
        if progress == 100 && self.is_failed {
            operation["done"] = json!(true);
            operation["error"] =
                json!({ "code": INTERNAL, "message": "Internal error encountered." });
        } else if progress == 100 {
            let results = self
                .files
                .iter()
                .map(|(uri, result)| (uri.clone(), result.clone()));
            operation["done"] = json!(true);
            operation["response"] = json!({
                "@type": "type.googleapis.com/google.cloud.speech.v2.BatchRecognizeResponse",
                "results": results.collect::<Map<_, _>>(),
                "totalBilledDuration": self.total_billed,
            });
        }
        operation
    }
}

/// `recognizers/_:batchRecognize`: checks, transcribes, and answers with an operation that is not done yet.
pub(super) async fn start(
    sim: &Shared<Speech>,
    project: &str,
    location: &str,
    body: &Value,
) -> Result<Response, Response> {
    let features = Features::read(location, body)?;
    let uris: Vec<_> = body["files"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|file| file["uri"].as_str())
        .collect();
    let uris: Option<Vec<_>> = uris.into_iter().collect();
    let uris =
        uris.filter(|uris| !uris.is_empty() && uris.iter().all(|uri| uri.starts_with("gs://")));
    let uris =
        uris.ok_or_else(|| google::invalid("Each of files must have a Cloud Storage URI."))?;
    if uris.len() > FILES_PER_REQUEST {
        return Err(google::invalid(
            "At most 15 files are allowed in one request.",
        ));
    }
    let output = Output::read(body, uris.len())?;
    let line =
        format!("POST /v2/projects/{project}/locations/{location}/recognizers/_:batchRecognize");
    let mut files = BTreeMap::new();
    let mut total_seconds = 0.0;
    for uri in uris {
        let (result, seconds) = transcribe(sim, &line, uri, &features, &output).await?;
        total_seconds += seconds;
        files.insert(uri.to_owned(), result);
    }
    let id = hex::encode(rand::random::<[u8; 16]>());
    let operation = Operation {
        name: format!("projects/{project}/locations/{location}/operations/{id}"),
        created: sim.control.now(),
        delay: *lock(&sim.provider.operation_delay),
        files,
        total_billed: transcript::billed(total_seconds),
        is_failed: sim.control.strikes(&line, &Fault::OperationFailed),
    };
    // The real one is never done at once.
    let mut answer = operation.render(operation.created);
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("done");
        answer.remove("response");
        answer.remove("error");
    }
    lock(&sim.provider.operations).insert(id, operation);
    Ok(Json(answer).into_response())
}

/// `operations/{id}`.
pub(super) async fn show(
    State(sim): Sim,
    _: Authorized<Speech>,
    Path((project, location, id)): Path<(String, String, String)>,
) -> Result<Response, Response> {
    let name = format!("projects/{project}/locations/{location}/operations/{id}");
    let line = format!("GET /v2/{name}");
    let mut operations = lock(&sim.provider.operations);
    if operations.contains_key(&id) && sim.control.strikes(&line, &Fault::OperationLost) {
        operations.remove(&id);
    }
    let operation = operations
        .get(&id)
        .filter(|operation| operation.name == name);
    let operation = operation.ok_or_else(|| Speech::refuse(StatusCode::NOT_FOUND))?;
    Ok(Json(operation.render(sim.control.now())).into_response())
}

/// Where the results are written.
enum Output {
    Inline,
    Bucket(String),
}

impl Output {
    fn read(body: &Value, files: usize) -> Result<Self, Response> {
        let config = &body["recognitionOutputConfig"];
        match (
            config["inlineResponseConfig"].is_object(),
            config["gcsOutputConfig"]["uri"].as_str(),
        ) {
            (true, None) if files == 1 => Ok(Self::Inline),
            (true, None) => Err(google::invalid(
                "inlineResponseConfig is only allowed with exactly one file.",
            )),
            (false, Some(prefix)) if prefix.starts_with("gs://") => {
                Ok(Self::Bucket(prefix.to_owned()))
            }
            (false, Some(_)) => Err(google::invalid(
                "gcsOutputConfig.uri must be a Cloud Storage URI.",
            )),
            _ => Err(google::invalid(
                "Exactly one of inlineResponseConfig and gcsOutputConfig must be set.",
            )),
        }
    }
}

/// One file's entry of the response, and the seconds it is billed for.
async fn transcribe(
    sim: &Shared<Speech>,
    line: &str,
    uri: &str,
    features: &Features,
    output: &Output,
) -> Result<(Value, f64), Response> {
    let failed = |code: u8, message: &str| {
        (
            json!({ "error": { "code": code, "message": message } }),
            0.0,
        )
    };
    let Some(heard) = listen(&sim.provider, uri).await else {
        return Ok(failed(
            NOT_FOUND,
            &format!("No such object: {}", uri.trim_start_matches("gs://")),
        ));
    };
    let (sha256, length) = heard;
    let script = sim.provider.listen(&sha256, length);
    let Some(script) = script.filter(|_| !sim.control.strikes(line, &Fault::FileError)) else {
        return Ok(failed(INVALID_ARGUMENT, UNDECODABLE));
    };
    let length = length.map_or(script.duration_seconds, |length| length.as_secs_f64());
    let config = &sim.provider.config;
    if length > config.batch_limit.as_secs_f64() {
        return Err(google::invalid(&format!(
            "Audio is too long: at most {} seconds.",
            config.batch_limit.as_secs()
        )));
    }
    if features.word_times && length > config.word_times_limit.as_secs_f64() {
        let limit = config.word_times_limit.as_secs();
        return Err(google::invalid(&format!(
            "Audio with word time offsets is too long: at most {limit} seconds."
        )));
    }
    let transcript = transcript::results(&script, features, length);
    let billed = json!({ "totalBilledDuration": transcript::billed(length) });
    let result = match output {
        Output::Inline => json!({
            "metadata": billed,
            "inlineResult": { "transcript": transcript },
            // The field that older clients read.
            "transcript": transcript,
        }),
        Output::Bucket(prefix) => match write(&sim.provider, prefix, uri, &transcript).await {
            Ok(written) => {
                json!({ "metadata": billed, "cloudStorageResult": { "uri": written }, "uri": written })
            }
            Err(error) => {
                return Ok(failed(
                    INVALID_ARGUMENT,
                    &format!("The result could not be written: {error}"),
                ));
            }
        },
    };
    Ok((result, length))
}

/// Reads a file of a bucket: its SHA-256 and its length.
pub(super) async fn listen(speech: &Speech, uri: &str) -> Option<(String, Option<Duration>)> {
    let mut file = open(speech, uri).await?;
    let mut heard = Heard::default();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece).await {
            Ok(0) => return Some(heard.finish()),
            Ok(length) => heard.push(piece.get(..length).unwrap_or_default()),
            Err(_) => return None,
        }
    }
}

/// Opens an object of the simulated Cloud Storage, or else a file of the blob folder.
async fn open(speech: &Speech, uri: &str) -> Option<File> {
    let (bucket, name) = uri.strip_prefix("gs://")?.split_once('/')?;
    if let Some(file) = speech.buckets.open(bucket, name).await {
        return Some(file);
    }
    let root = lock(&speech.blob_root).clone();
    for path in files_of(&root?, uri)? {
        if let Ok(file) = File::open(path).await {
            return Some(file);
        }
    }
    None
}

/// Writes a result as `<prefix>/<input>_transcript_<id>.json` and returns its URI.
async fn write(
    speech: &Speech,
    prefix: &str,
    input: &str,
    transcript: &Value,
) -> io::Result<String> {
    let name = FilePath::new(input)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let id = hex::encode(rand::random::<[u8; 4]>());
    let uri = format!(
        "{}/{name}_transcript_{id}.json",
        prefix.trim_end_matches('/')
    );
    let root = lock(&speech.blob_root).clone();
    let file = root
        .and_then(|root| files_of(&root, &uri))
        .and_then(|files| files.into_iter().next());
    let file = file.ok_or_else(|| io::Error::other("no folder stands in for the buckets"))?;
    if let Some(folder) = file.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    tokio::fs::write(&file, transcript.to_string()).await?;
    Ok(uri)
}

/// The files that `gs://bucket/path` may be: `<root>/path`, or else `<root>/bucket/path`.
fn files_of(root: &FilePath, uri: &str) -> Option<Vec<PathBuf>> {
    let (bucket, path) = uri.strip_prefix("gs://")?.split_once('/')?;
    let is_plain = |path: &FilePath| {
        path.components()
            .all(|part| matches!(part, Component::Normal(_)))
    };
    let (bucket, path) = (FilePath::new(bucket), FilePath::new(path));
    (is_plain(bucket) && is_plain(path))
        .then(|| vec![root.join(path), root.join(bucket).join(path)])
}
