//! What was sent and answered last, for whoever looks into a failure.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use domain::text;

use crate::{HttpError, Response};

/// How much of a body is kept, in characters.
const MAX_KEPT: usize = 2_000;

tokio::task_local! {
    static LAST: Arc<Mutex<Option<Exchange>>>;
}

/// A call and its answer. Both may hold personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The answer's status; none if no answer came.
    pub status: Option<u16>,
    /// The beginning of the body that was sent, up to 2,000 characters.
    pub sent: Option<String>,
    /// The beginning of the answer's body, up to 2,000 characters.
    pub answer: Option<String>,
    /// How many bytes of both are not kept.
    pub bytes_cut: u64,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Runs this; returns its output with the last call that it made and read to its end, if it made one.
pub async fn with_last_exchange<F: Future>(work: F) -> (F::Output, Option<Exchange>) {
    let last = Arc::new(Mutex::new(None));
    let output = LAST.scope(last.clone(), work).await;
    let exchange = last.lock().unwrap_or_else(PoisonError::into_inner).take();
    (output, exchange)
}

/// Whether somebody wants to know of the last call.
pub(crate) fn is_wanted() -> bool {
    LAST.try_with(|_| ()).is_ok()
}

/// Notes a call, in place of the one before.
pub(crate) fn note(sent: Option<&Bytes>, answer: &Result<Response, HttpError>) {
    let mut bytes_cut = 0;
    let mut kept = |body: &Bytes| {
        let text = text::bounded(&String::from_utf8_lossy(body), MAX_KEPT);
        bytes_cut += u64::try_from(body.len().saturating_sub(text.len())).unwrap_or(u64::MAX);
        Some(text).filter(|text| !text.is_empty())
    };
    let answered = answer.as_ref().ok();
    let exchange = Exchange {
        status: answered.map(|answer| answer.status.as_u16()),
        sent: sent.and_then(&mut kept),
        answer: answered.and_then(|answer| kept(&answer.body)),
        bytes_cut,
    };
    if let Ok(last) = LAST.try_with(Arc::clone) {
        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(exchange);
    }
}
