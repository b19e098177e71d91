//! What a provider brings along, and what its handlers share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;

use crate::config::{ProviderConfig, Setup};
use crate::control::{Control, Page};

/// A provider: its routes, its credentials and the shape of its errors.
pub(crate) trait Provider: Sized + Send + Sync + 'static {
    /// Its key in the table of simulators, and its name in logs.
    const SLUG: &'static str;
    /// The faults it knows besides the general ones.
    const FAULTS: &'static [&'static str] = &[];
    /// What happens to the bodies of requests.
    const BODIES: Bodies = Bodies::Recorded;
    /// The largest body it accepts, unless bodies are streamed.
    const BODY_LIMIT_BYTES: usize = 40 * 1024 * 1024;

    /// How it is configured.
    type Config: ProviderConfig;
    /// What a good credential gives access to.
    type Caller: Send;

    fn new(config: Self::Config, setup: &Setup) -> Self;
    fn routes() -> Router<Arc<Shared<Self>>>;

    /// Checks the credential of a request, and counts the request where there is a limit.
    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<Self::Caller, Response>;

    /// An error in the provider's shape. Every error goes through here, so that none has another shape.
    fn error(status: StatusCode, message: &str) -> Response;

    /// What the provider says when there is nothing more specific to say.
    fn usual_message(status: StatusCode) -> &'static str;

    /// An error with the usual message of its status.
    fn refuse(status: StatusCode) -> Response {
        Self::error(status, Self::usual_message(status))
    }

    /// The error for a body that is not the expected JSON.
    fn bad_json(reason: &str) -> Response {
        Self::error(StatusCode::BAD_REQUEST, reason)
    }

    /// The provider's "too many requests".
    fn rate_limited(_now: Timestamp) -> Response {
        Self::refuse(StatusCode::TOO_MANY_REQUESTS)
    }

    /// Adds the headers that every answer of the provider has, errors included.
    fn finish(_sim: &Shared<Self>, _request: &Parts, _response: &mut Response) {}

    /// What `GET /_sim/view` shows.
    fn view(sim: &Shared<Self>, page: &Page) -> Value;

    /// Called when all faults are cleared.
    fn faults_cleared(&self) {}

    /// Work that runs for as long as the simulator does.
    fn background(_sim: Arc<Shared<Self>>) -> Option<BoxFuture<'static, ()>> {
        None
    }

    /// The provider's own webhooks, if it posts any.
    fn webhooks(&self) -> Option<&dyn Webhooks> {
        None
    }
}

/// Webhooks that a simulator posts.
pub(crate) trait Webhooks {
    /// Sets the URL that they are posted to.
    fn post_to(&self, url: &str);
    /// The key that verifies their signatures, as the provider publishes it.
    fn verification_key(&self) -> String;
}

/// What happens to the bodies of requests, besides being handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bodies {
    /// Read whole, and shown at `/_sim/requests`.
    Recorded,
    /// Read whole, never shown: they hold secrets under names that do not say so.
    Hidden,
    /// Passed on piece by piece and not kept, because they are large.
    Streamed,
}

/// What a provider's handlers share.
pub(crate) struct Shared<P> {
    pub(crate) base_url: String,
    pub(crate) control: Control,
    pub(crate) provider: P,
}

/// The bearer token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let sent = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    sent.strip_prefix("Bearer ")
}

/// Locks, even after a panic elsewhere: values behind these locks are only ever replaced whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
