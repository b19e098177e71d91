//! Google's Cloud Storage, by its JSON API.
//!
//! - Auth: a bearer token, either any or one of the configured ones. The URL of a started upload needs none.
//! - Upload: `resumable` in pieces of a multiple of 256 KiB with `content-range`, whose total may be unknown
//!   (`bytes 0-262143/*`), with `bytes */*` for the status; `multipart` in one request with its metadata; `media`. Both
//!   lengths and `transfer-encoding: chunked` are accepted. Of a piece that broke off, whole multiples of 256 KiB stay.
//! - Checks: `x-goog-hash`, `crc32c` and `md5Hash` of the metadata, and `ifGenerationMatch`. An object appears whole or
//!   not at all, and replaces an older one at once.
//! - Reads: metadata, `alt=media` with ranges, lists by prefix in pages. Unknown parameters are ignored.
//!
//! Content is in files of a temporary folder. Every bucket exists unless some are configured. `GET /_sim/objects` lists
//! the objects.
//!
//! Source: Cloud Storage JSON API reference, "Objects", "Resumable uploads" and "Status and error codes" (read
//! 2026-11). UNCONFIRMED: the answer to a piece that starts after a gap (here 308 with what is stored).

mod multipart;
mod objects;
mod read;
mod upload;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

pub(crate) use self::objects::Buckets;
use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::extract::Query;
use crate::google;
use crate::provider::{Bodies, Provider, Shared, lock};
use crate::{SimulatorSpec, Simulators};

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Storage::SLUG,
    name: "Cloud Storage",
    setting: Some("STORAGE_BASE_URL"),
    is_cloud_only: true,
    has_view: false,
    is_google: true,
    credential: google::TOKEN,
    webhook_key_setting: None,
    demo: None,
    start: control::start::<Storage>,
};

/// The handle of the simulated Cloud Storage.
pub type Simulator = control::Simulator<Storage>;

impl Simulators {
    /// The simulated Cloud Storage.
    pub fn storage(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated Cloud Storage behaves.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The bearer tokens that are accepted. If there are none, any is.
    pub tokens: Vec<String>,
    /// The buckets that exist. If there are none, all do.
    pub buckets: Vec<String>,
}

impl ProviderConfig for Config {}

/// An object, without its content.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Object {
    /// Its bucket.
    pub bucket: String,
    /// Its name.
    pub name: String,
    /// Greater than that of every object stored before.
    pub generation: i64,
    /// Length of the content.
    pub size_bytes: u64,
    /// CRC32C of the content.
    pub crc32c: u32,
    /// The content type, if one was given.
    pub content_type: Option<String>,
}

/// The state of the simulated Cloud Storage.
pub struct Storage {
    config: Config,
    objects: Arc<Buckets>,
    uploads: Mutex<upload::Uploads>,
}

impl Provider for Storage {
    const SLUG: &'static str = "storage";
    const FAULTS: &'static [&'static str] = &["altered"];
    const BODIES: Bodies = Bodies::Streamed;

    type Config = Config;
    type Caller = ();

    fn new(config: Config, setup: &Setup) -> Self {
        Self {
            config,
            objects: Arc::clone(&setup.buckets),
            uploads: Mutex::default(),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route(
                "/upload/storage/v1/b/{bucket}/o",
                post(upload::start)
                    .put(upload::resume)
                    .delete(upload::cancel),
            )
            .route("/storage/v1/b/{bucket}/o", get(read::list))
            .route(
                "/storage/v1/b/{bucket}/o/{object}",
                get(read::show).delete(read::delete),
            )
            .route("/_sim/objects", get(view))
    }

    /// Checks the token, and that the bucket of the path exists.
    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<(), Response> {
        let Config { tokens, buckets } = &sim.provider.config;
        if !google::has_token(&request.headers, tokens) {
            return Err(Self::refuse(StatusCode::UNAUTHORIZED));
        }
        let mut path = request
            .uri
            .path()
            .split('/')
            .skip_while(|part| *part != "b");
        let bucket = path.nth(1).unwrap_or_default();
        if buckets.is_empty() || buckets.iter().any(|name| name == bucket) {
            Ok(())
        } else {
            let message = "The specified bucket does not exist.";
            Err(Self::error(StatusCode::NOT_FOUND, message))
        }
    }

    fn error(status: StatusCode, message: &str) -> Response {
        let reason = match status.as_u16() {
            400 => "invalid",
            401 => "authError",
            403 => "forbidden",
            404 => "notFound",
            405 => "methodNotAllowed",
            412 => "conditionNotMet",
            413 => "uploadTooLarge",
            416 => "requestedRangeNotSatisfiable",
            429 => "rateLimitExceeded",
            _ => "backendError",
        };
        let cause = json!({ "message": message, "domain": "global", "reason": reason });
        let body =
            json!({ "error": { "code": status.as_u16(), "message": message, "errors": [cause] } });
        (status, Json(body)).into_response()
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status {
            StatusCode::UNAUTHORIZED => "Invalid Credentials",
            StatusCode::FORBIDDEN => "The caller does not have permission on this resource.",
            StatusCode::NOT_FOUND => "Not Found",
            StatusCode::METHOD_NOT_ALLOWED => {
                "The specified method is not allowed against this resource."
            }
            StatusCode::TOO_MANY_REQUESTS => "The rate limit for this resource was exceeded.",
            StatusCode::SERVICE_UNAVAILABLE => {
                "We encountered an internal error. Please try again."
            }
            _ => "The request could not be served.",
        }
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        let objects = sim.provider.objects.shown();
        let mut buckets: BTreeMap<&str, usize> = BTreeMap::new();
        for object in &objects {
            *buckets.entry(&object.bucket).or_default() += 1;
        }
        let open = lock(&sim.provider.uploads).open();
        let counts =
            json!({ "objects": objects.len(), "by_bucket": buckets, "uploads_open": open });
        json!({ "objects": objects, "counts": counts })
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
    /// `NotFound` if there is no such object; otherwise what kept its file from being read.
    pub async fn content(&self, bucket: &str, name: &str) -> io::Result<Vec<u8>> {
        let object = self.shared.provider.objects.find(bucket, name);
        let object = object.ok_or(io::ErrorKind::NotFound)?;
        tokio::fs::read(object.path()).await
    }

    /// How many uploads were started but not finished.
    pub fn open_uploads(&self) -> usize {
        lock(&self.shared.provider.uploads).open()
    }
}

type Sim = State<Arc<Shared<Storage>>>;

/// The parameters of a request.
struct Parameters {
    upload_type: Option<String>,
    upload_id: Option<u64>,
    name: Option<String>,
    alt: Option<String>,
    generation: Option<i64>,
    conditions: Conditions,
    prefix: String,
    max_results: Option<usize>,
    page_token: Option<String>,
}

impl FromRequestParts<Arc<Shared<Storage>>> for Parameters {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        sim: &Arc<Shared<Storage>>,
    ) -> Result<Self, Self::Rejection> {
        let query = Query::<Storage>::from_request_parts(parts, sim).await?;
        let text = |name: &str| query.text(name).map(str::to_owned);
        Ok(Self {
            upload_type: text("uploadType"),
            // An id of another form belongs to no upload.
            upload_id: query.text("upload_id").and_then(|id| id.parse().ok()),
            name: text("name"),
            alt: text("alt"),
            generation: query.parsed("generation")?,
            conditions: Conditions {
                if_generation_match: query.parsed("ifGenerationMatch")?,
                if_generation_not_match: query.parsed("ifGenerationNotMatch")?,
            },
            prefix: text("prefix").unwrap_or_default(),
            max_results: query.parsed("maxResults")?,
            page_token: text("pageToken"),
        })
    }
}

/// What must hold for a request to be served.
#[derive(Debug, Clone, Default)]
struct Conditions {
    if_generation_match: Option<i64>,
    if_generation_not_match: Option<i64>,
}

impl Conditions {
    /// Checks them against the generation of an object, which is 0 if there is none.
    fn check(&self, generation: i64) -> Result<(), Response> {
        let message = "At least one of the pre-conditions you specified did not hold.";
        let is_match = |wanted: Option<i64>| wanted.map(|wanted| wanted == generation);
        if is_match(self.if_generation_match) == Some(false)
            || is_match(self.if_generation_not_match) == Some(true)
        {
            return Err(Storage::error(StatusCode::PRECONDITION_FAILED, message));
        }
        Ok(())
    }
}

fn invalid(message: &str) -> Response {
    Storage::error(StatusCode::BAD_REQUEST, message)
}

/// The error for a failure of the simulator's own disk.
fn disk(error: &io::Error) -> Response {
    tracing::warn!(%error, "could not read or write simulated content");
    Storage::refuse(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn view(State(sim): Sim, page: Page) -> Response {
    pretty(&Storage::view(&sim, &page))
}
