//! Rehearsals: work that runs as always, except that what it would change elsewhere is not sent, but told.
//!
//! Requests that only read are sent. Any other request is answered by its stand-in, and noted. One that has none is not
//! sent and fails, so that nothing is ever changed by mistake.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use crate::Response;

tokio::task_local! {
    static REHEARSED: Arc<Mutex<Vec<Rehearsed>>>;
}

/// A request that would be sent. Its body may hold personal data.
#[derive(Clone, PartialEq)]
pub struct Rehearsed {
    /// Its method.
    pub method: Method,
    /// Its URL without the query.
    pub url: String,
    /// Its body, as JSON; null if it has none.
    pub body: Value,
}

impl std::fmt::Debug for Rehearsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rehearsed")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Rehearses this; returns its output with the requests that it would have sent to change something, in order.
pub async fn rehearse<F: Future>(work: F) -> (F::Output, Vec<Rehearsed>) {
    let rehearsed = Arc::new(Mutex::new(Vec::new()));
    let output = REHEARSED.scope(rehearsed.clone(), work).await;
    let rehearsed = std::mem::take(&mut *lock(&rehearsed));
    (output, rehearsed)
}

/// Whether this is a rehearsal.
pub fn is_rehearsal() -> bool {
    REHEARSED.try_with(|_| ()).is_ok()
}

/// Notes a request and answers it.
pub(crate) fn answer(
    method: Method,
    url: String,
    body: Option<&Bytes>,
    answer: &Value,
) -> Response {
    let body = body.and_then(|body| serde_json::from_slice(body).ok());
    let rehearsed = Rehearsed {
        method,
        url,
        body: body.unwrap_or_default(),
    };
    if let Ok(all) = REHEARSED.try_with(Arc::clone) {
        lock(&all).push(rehearsed);
    }
    Response {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: answer.to_string().into(),
    }
}

fn lock(all: &Mutex<Vec<Rehearsed>>) -> std::sync::MutexGuard<'_, Vec<Rehearsed>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}
