//! Memory for bodies that are read whole: however many arrive at once, they cannot exhaust the process's memory.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use domain::metric_names;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Problem, extract::read_admitted};

const UNIT_BYTES: usize = 1024;
/// What every request counts as at least: its state beside the body, and the buffer that holds a short body.
const LEAST_BYTES: usize = 8 * 1024;

/// Memory that bodies may use at once. It is reserved as bytes arrive, not from `Content-Length`, so a client that
/// announces a large body and stalls blocks nobody.
#[derive(Debug)]
pub struct BodyMemory {
    all: Arc<Semaphore>,
    unknown: Arc<Semaphore>,
}

/// Who sends a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// A sender that was identified before its body is read. It may use all of the memory.
    Known,
    /// Anybody else. All of them together may use half of the memory.
    Unknown,
}

impl BodyMemory {
    pub fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        Self {
            all: Arc::new(Semaphore::new(units)),
            unknown: Arc::new(Semaphore::new(units / 2)),
        }
    }

    /// Reads a body as it was sent. Its memory is released when the last copy of the bytes is dropped.
    ///
    /// # Errors
    /// Those of [`read_body`](crate::read_body), and 503 if there is no memory left.
    pub async fn read(
        &self,
        body: Body,
        limit_bytes: usize,
        sender: Sender,
    ) -> Result<Bytes, Problem> {
        let mut reserved = Reserved {
            of_all: self.reserve(&self.all, LEAST_BYTES)?,
            of_unknown: match sender {
                Sender::Known => None,
                Sender::Unknown => Some(self.reserve(&self.unknown, LEAST_BYTES)?),
            },
            bytes: LEAST_BYTES,
        };
        let bytes =
            read_admitted(body, limit_bytes, |bytes| self.grow(&mut reserved, bytes)).await?;
        Ok(Bytes::from_owner(Held {
            bytes,
            _reserved: reserved,
        }))
    }

    fn grow(&self, reserved: &mut Reserved, bytes: usize) -> Result<(), Problem> {
        let Some(more) = bytes.checked_sub(reserved.bytes).filter(|more| *more > 0) else {
            return Ok(());
        };
        let more = more.next_multiple_of(UNIT_BYTES);
        reserved.of_all.merge(self.reserve(&self.all, more)?);
        if let Some(of_unknown) = &mut reserved.of_unknown {
            of_unknown.merge(self.reserve(&self.unknown, more)?);
        }
        reserved.bytes += more;
        Ok(())
    }

    fn reserve(
        &self,
        from: &Arc<Semaphore>,
        bytes: usize,
    ) -> Result<OwnedSemaphorePermit, Problem> {
        let units = u32::try_from(bytes / UNIT_BYTES).unwrap_or(u32::MAX);
        from.clone().try_acquire_many_owned(units).map_err(|_| {
            metrics::counter!(metric_names::BODIES_REFUSED_TOTAL).increment(1);
            Problem::unavailable(
                "We are at capacity right now. Send it again.",
                Duration::from_secs(rand::random_range(1..=5)),
            )
        })
    }
}

struct Reserved {
    of_all: OwnedSemaphorePermit,
    of_unknown: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

/// A body with its memory.
struct Held {
    bytes: Bytes,
    _reserved: Reserved,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt as _, stream};
    use http::StatusCode;

    use super::*;

    const KIB: usize = 1024;

    fn body(kib: usize) -> Body {
        let piece = || Ok::<_, axum::Error>(vec![b'x'; KIB]);
        Body::from_stream(stream::repeat_with(piece).take(kib))
    }

    async fn read(memory: &BodyMemory, kib: usize, sender: Sender) -> Result<Bytes, StatusCode> {
        let read = memory.read(body(kib), 1_000 * KIB, sender).await;
        read.map_err(|problem| problem.status())
    }

    #[tokio::test]
    async fn a_body_counts_until_its_last_copy_is_dropped() {
        let memory = BodyMemory::new(64 * KIB);
        let first = read(&memory, 40, Sender::Known).await.unwrap();
        assert_eq!(first.len(), 40 * KIB);
        let copy = first.clone();
        drop(first);
        assert_eq!(
            read(&memory, 40, Sender::Known).await,
            Err(StatusCode::SERVICE_UNAVAILABLE)
        );
        assert!(read(&memory, 24, Sender::Known).await.is_ok());
        drop(copy);
        assert!(read(&memory, 64, Sender::Known).await.is_ok());
        assert_eq!(memory.all.available_permits(), 64);
    }

    #[tokio::test]
    async fn many_short_bodies_are_bounded_too() {
        let memory = BodyMemory::new(64 * KIB);
        let mut held = Vec::new();
        for _ in 0..8 {
            held.push(read(&memory, 1, Sender::Known).await.unwrap());
        }
        assert!(read(&memory, 0, Sender::Known).await.is_err());
    }

    #[tokio::test]
    async fn half_is_reserved_for_known_senders() {
        let memory = BodyMemory::new(64 * KIB);
        let _unknown = read(&memory, 32, Sender::Unknown).await.unwrap();
        assert!(read(&memory, 1, Sender::Unknown).await.is_err());
        assert!(read(&memory, 32, Sender::Known).await.is_ok());
    }

    #[tokio::test]
    async fn an_announced_body_that_never_comes_takes_no_memory() {
        let memory = Arc::new(BodyMemory::new(64 * KIB));
        let (pieces, waiting) = futures::channel::mpsc::unbounded::<Result<Vec<u8>, axum::Error>>();
        let slow = tokio::spawn({
            let memory = memory.clone();
            async move {
                let body = Body::from_stream(waiting);
                memory.read(body, 1_000 * KIB, Sender::Known).await
            }
        });
        tokio::task::yield_now().await;
        assert!(read(&memory, 56, Sender::Known).await.is_ok());
        drop(pieces);
        assert!(slow.await.unwrap().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_body_that_fails_releases_its_memory() {
        let memory = BodyMemory::new(64 * KIB);
        let broken = body(20)
            .into_data_stream()
            .chain(stream::iter([Err(axum::Error::new(
                std::io::Error::other("gone"),
            ))]));
        let read = memory.read(Body::from_stream(broken), 1_000 * KIB, Sender::Unknown);
        assert_eq!(read.await.unwrap_err().status(), StatusCode::BAD_REQUEST);
        assert_eq!(memory.all.available_permits(), 64);
        assert_eq!(memory.unknown.available_permits(), 32);
    }
}
