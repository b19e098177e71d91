//! Google's Cloud Storage, by its JSON API.
//!
//! - Auth: a bearer token; any, or one of the configured ones. The URL of an upload that was begun needs none.
//! - Upload: `resumable` in pieces of a multiple of 256 KiB with `content-range`, their number known or not
//!   (`bytes 0-262143/*`), asked about with `bytes */*`; `multipart` in one request with its metadata; `media`.
//!   Lengths and `transfer-encoding: chunked` are both taken. What was sent of a piece that broke off stays, down to a
//!   multiple of 256 KiB.
//! - Checks: `x-goog-hash`, `crc32c` and `md5Hash` of the metadata, and `ifGenerationMatch`. An object is there whole
//!   or not at all, and a new one replaces an old one at once.
//! - Reads: metadata, `alt=media` with ranges, lists by prefix in pages.
//!
//! Content is in files of a folder that goes with the simulator; every bucket exists unless some are configured.
//! `GET /_sim/objects` lists what is there.
//!
//! Source: Cloud Storage JSON API reference, "Objects", "Resumable uploads" and "Status and error codes" (read
//! 2026-11). UNCONFIRMED: the answer to a piece that begins behind what is there (here 308 with what is there).

mod multipart;
mod objects;
mod read;
mod upload;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::fs::File;

use self::objects::Objects;
use crate::control::{self, Bodies, Provider, Shared, discard, has_bearer, lock, pretty};

/// The simulated Cloud Storage.
pub type Simulator = control::Simulator<Storage>;

/// How the simulated Cloud Storage behaves.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The bearer tokens that are good; any when empty.
    pub tokens: Vec<String>,
    /// The buckets that exist; all when empty.
    pub buckets: Vec<String>,
}

/// An object as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Object {
    /// Its bucket.
    pub bucket: String,
    /// Its name.
    pub name: String,
    /// Grows with each object that is stored.
    pub generation: i64,
    /// Length of the content.
    pub size_bytes: u64,
    /// CRC32C of the content.
    pub crc32c: u32,
    /// The content type that was given.
    pub content_type: Option<String>,
}

/// What the simulated Cloud Storage knows.
pub struct Storage {
    config: Config,
    objects: Objects,
    uploads: Mutex<upload::Uploads>,
}

impl Storage {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            objects: Objects::default(),
            uploads: Mutex::default(),
        }
    }

    fn has_bucket(&self, bucket: &str) -> bool {
        self.config.buckets.is_empty() || self.config.buckets.iter().any(|name| name == bucket)
    }

    /// The content of an object, for another simulator; none when there is no such object. It stays readable when
    /// the object is replaced or deleted meanwhile.
    pub(crate) async fn open(&self, bucket: &str, name: &str) -> Option<File> {
        let object = self.objects.find(bucket, name)?;
        File::open(object.path()).await.ok()
    }
}

impl Provider for Storage {
    const NAME: &'static str = "storage";
    const FAULTS: &'static [&'static str] = &["altered"];
    const BODIES: Bodies = Bodies::Streamed;

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route(
                "/upload/storage/v1/b/{bucket}/o",
                post(upload::start)
                    .put(upload::go_on)
                    .delete(upload::cancel),
            )
            .route("/storage/v1/b/{bucket}/o", get(read::list))
            .route(
                "/storage/v1/b/{bucket}/o/{object}",
                get(read::show).delete(read::delete),
            )
            .route("/_sim/objects", get(view))
            .route("/_sim/view", get(view))
    }

    fn error(status: StatusCode) -> Response {
        let message = match status {
            StatusCode::UNAUTHORIZED => "Invalid Credentials",
            StatusCode::FORBIDDEN => "The caller does not have permission on this resource.",
            StatusCode::NOT_FOUND => "Not Found",
            StatusCode::TOO_MANY_REQUESTS => "The rate limit for this resource was exceeded.",
            StatusCode::SERVICE_UNAVAILABLE => {
                "We encountered an internal error. Please try again."
            }
            _ => "The request could not be served.",
        };
        refuse(status, message)
    }

    fn rate_limited(_now: Timestamp) -> Response {
        Self::error(StatusCode::TOO_MANY_REQUESTS)
    }

    fn revoked() -> Response {
        Self::error(StatusCode::UNAUTHORIZED)
    }
}

impl Simulator {
    /// The objects, by bucket and name.
    pub fn objects(&self) -> Vec<Object> {
        self.shared.provider.objects.shown()
    }

    /// The content of an object, read whole.
    ///
    /// # Errors
    /// When there is no such object, or its file cannot be read.
    pub async fn content(&self, bucket: &str, name: &str) -> io::Result<Vec<u8>> {
        let object = self.shared.provider.objects.find(bucket, name);
        let object = object.ok_or(io::ErrorKind::NotFound)?;
        tokio::fs::read(object.path()).await
    }

    /// How many uploads were begun and not finished.
    pub fn open_uploads(&self) -> usize {
        lock(&self.shared.provider.uploads).open()
    }
}

type Sim = State<Arc<Shared<Storage>>>;

/// What the query says. Other parameters are not looked at, as by the real one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Wish {
    upload_type: Option<String>,
    #[serde(rename = "upload_id")]
    upload_id: Option<u64>,
    name: Option<String>,
    alt: Option<String>,
    generation: Option<i64>,
    #[serde(flatten)]
    conditions: Conditions,
    prefix: Option<String>,
    max_results: Option<String>,
    page_token: Option<String>,
}

/// What must hold for a request to be served. They arrive as text, because parts of a flattened query do.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Conditions {
    if_generation_match: Option<String>,
    if_generation_not_match: Option<String>,
}

impl Conditions {
    /// Whether they hold for an object of this generation; there is none at 0.
    fn hold(&self, generation: i64) -> bool {
        let is = |wanted: &Option<String>| {
            wanted
                .as_deref()
                .map(|wanted| wanted.parse() == Ok(generation))
        };
        is(&self.if_generation_match) != Some(false)
            && is(&self.if_generation_not_match) != Some(true)
    }

    fn check(&self, generation: i64) -> Result<(), Response> {
        let message = "At least one of the pre-conditions you specified did not hold.";
        if self.hold(generation) {
            Ok(())
        } else {
            Err(refuse(StatusCode::PRECONDITION_FAILED, message))
        }
    }
}

/// Refuses who has no token, and what no bucket of ours has. The body of such a request is read to its end.
async fn admit(
    sim: &Shared<Storage>,
    headers: &HeaderMap,
    bucket: &str,
    body: Body,
) -> Result<Body, Response> {
    let provider = &sim.provider;
    let tokens = &provider.config.tokens;
    let sent = headers.get(header::AUTHORIZATION);
    let has_any = sent.is_some_and(|value| value.as_bytes().len() > b"Bearer ".len());
    let refusal = if !(has_bearer(headers, tokens) || tokens.is_empty() && has_any) {
        Storage::revoked()
    } else if !provider.has_bucket(bucket) {
        refuse(
            StatusCode::NOT_FOUND,
            "The specified bucket does not exist.",
        )
    } else {
        return Ok(body);
    };
    discard(body).await;
    Err(refusal)
}

/// An error as the JSON API words it.
fn refuse(status: StatusCode, message: &str) -> Response {
    let reason = match status.as_u16() {
        400 => "invalid",
        401 => "authError",
        403 => "forbidden",
        404 => "notFound",
        412 => "conditionNotMet",
        416 => "requestedRangeNotSatisfiable",
        429 => "rateLimitExceeded",
        _ => "backendError",
    };
    let cause = json!({ "message": message, "domain": "global", "reason": reason });
    let body =
        json!({ "error": { "code": status.as_u16(), "message": message, "errors": [cause] } });
    (status, Json(body)).into_response()
}

fn invalid(message: &str) -> Response {
    refuse(StatusCode::BAD_REQUEST, message)
}

/// The simulator's own disk failed.
fn disk(error: &io::Error) -> Response {
    tracing::warn!(%error, "simulated content was not read or written");
    Storage::error(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn view(State(sim): Sim) -> Response {
    let objects = sim.provider.objects.shown();
    let mut buckets: BTreeMap<&str, usize> = BTreeMap::new();
    for object in &objects {
        *buckets.entry(&object.bucket).or_default() += 1;
    }
    let open: Value = lock(&sim.provider.uploads).open().into();
    let counts = json!({ "objects": objects.len(), "by_bucket": buckets, "uploads_open": open });
    pretty(&json!({ "objects": objects, "counts": counts }))
}
