//! A request's body that must arrive in time.

use std::{
    error::Error as StdError,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

/// Why a body did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body did not arrive in time")]
    Late,
    #[error("the body ended early")]
    Broken(#[from] hyper::Error),
}

/// Whether an error's cause is a body that did not arrive in time.
pub(crate) fn is_late(error: &(dyn StdError + 'static)) -> bool {
    std::iter::successors(Some(error), |error: &&(dyn StdError + 'static)| {
        (*error).source()
    })
    .any(|error| matches!(error.downcast_ref(), Some(BodyError::Late)))
}

pub(crate) struct TimedBody {
    inner: Incoming,
    idle: Duration,
    total: Duration,
    /// When the whole body must be there. Counts from its first poll.
    ends_at: Option<Instant>,
    /// Runs while the next piece is awaited. Most bodies arrive with their head and never need it.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl TimedBody {
    pub(crate) fn new(inner: Incoming, idle: Duration, total: Duration) -> Self {
        Self {
            inner,
            idle,
            total,
            ends_at: None,
            waiting: None,
        }
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            self.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Broken)));
        }
        if self.waiting.is_none() {
            let now = Instant::now();
            let (idle, total) = (self.idle, self.total);
            let ends_at = *self.ends_at.get_or_insert(now + total);
            self.waiting = Some(Box::pin(sleep_until(ends_at.min(now + idle))));
        }
        if let Some(waiting) = &mut self.waiting {
            ready!(waiting.as_mut().poll(cx));
        }
        Poll::Ready(Some(Err(BodyError::Late)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
