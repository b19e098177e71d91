//! Uploads: content is hashed as it passes, and cut into quanta.

use std::{
    collections::VecDeque,
    convert::Infallible,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use blobs::{BoxError, ByteStream, Stored};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use google_cloud_gax::{
    retry_policy::RetryPolicy, retry_result::RetryResult, retry_state::RetryState,
};
use google_cloud_storage::{
    retry_policy::RetryableErrors,
    streaming_source::{SizeHint, StreamingSource},
};
use sha2::{Digest as _, Sha256};
use tokio::{sync::watch, time::timeout};

/// What Cloud Storage keeps of an interrupted upload is a multiple of this.
///
/// Google's client (1.21) fails if an interrupted upload ends within a piece. With pieces of this length it never does.
pub(crate) const QUANTUM_BYTES: usize = 256 * 1024;

/// Content that is read in quanta and hashed as it passes.
pub(crate) struct Intake {
    content: ByteStream,
    pending: BytesMut,
    has_ended: bool,
    hash: Sha256,
    size_bytes: u64,
}

impl Intake {
    pub(crate) fn new(content: ByteStream) -> Self {
        Self {
            content,
            pending: BytesMut::new(),
            has_ended: false,
            hash: Sha256::new(),
            size_bytes: 0,
        }
    }

    /// The next quanta, up to a number; fewer at the end of the content.
    pub(crate) async fn take(&mut self, count: usize) -> Result<VecDeque<Bytes>, BoxError> {
        let mut quanta = VecDeque::new();
        while quanta.len() < count
            && let Some(quantum) = self.next().await?
        {
            quanta.push_back(quantum);
        }
        Ok(quanta)
    }

    async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
        while self.pending.len() < QUANTUM_BYTES && !self.has_ended {
            let Some(piece) = self.content.next().await else {
                self.has_ended = true;
                break;
            };
            let piece = piece?;
            self.hash.update(&piece);
            self.size_bytes += piece.len() as u64;
            self.pending.extend_from_slice(&piece);
        }
        let length = self.pending.len().min(QUANTUM_BYTES);
        Ok((length > 0).then(|| self.pending.split_to(length).freeze()))
    }

    /// Whether the content was read to its end.
    pub(crate) fn is_empty(&self) -> bool {
        self.has_ended && self.pending.is_empty()
    }

    /// Length and hash of what was read.
    pub(crate) fn stored(&mut self) -> Stored {
        Stored {
            sha256: hex::encode(mem::take(&mut self.hash).finalize()),
            size_bytes: self.size_bytes,
        }
    }
}

/// What Google's client reads a short upload from.
pub(crate) struct Short(pub(crate) VecDeque<Bytes>);

impl StreamingSource for Short {
    type Error = Infallible;

    async fn next(&mut self) -> Option<Result<Bytes, Infallible>> {
        self.0.pop_front().map(Ok)
    }

    async fn size_hint(&self) -> Result<SizeHint, Infallible> {
        let lengths = self.0.iter().map(|quantum| quantum.len() as u64);
        Ok(SizeHint::with_exact(lengths.sum()))
    }
}

/// What Google's client reads a long upload from. It reads once, and keeps what it may resend.
pub(crate) struct Source {
    head: VecDeque<Bytes>,
    /// The mutex is never locked. It makes the content `Sync`, which Google's client requires.
    intake: Mutex<Intake>,
    ended: Arc<Mutex<Option<Ended>>>,
    turn: watch::Sender<Turn>,
}

/// A view of a long upload from outside.
pub(crate) struct Progress {
    ended: Arc<Mutex<Option<Ended>>>,
    turn: watch::Receiver<Turn>,
}

/// How the content ended.
pub(crate) enum Ended {
    /// It was read to its end.
    Whole(Stored),
    /// It ended early.
    BrokeOff(BoxError),
}

/// Whom the upload waits for.
#[derive(Clone, Copy)]
enum Turn {
    /// The content. Its owner limits how long it may take.
    Content,
    /// Cloud Storage.
    Storage,
}

/// The content ended early. [`Ended`] says why.
#[derive(Debug, thiserror::Error)]
#[error("the content ended early")]
pub(crate) struct BrokeOff;

/// A long upload: what was read already, and the rest.
pub(crate) fn source(head: VecDeque<Bytes>, intake: Intake) -> (Source, Progress) {
    let ended = Arc::<Mutex<Option<Ended>>>::default();
    let (sender, turn) = watch::channel(Turn::Storage);
    let source = Source {
        head,
        intake: Mutex::new(intake),
        ended: Arc::clone(&ended),
        turn: sender,
    };
    (source, Progress { ended, turn })
}

impl StreamingSource for Source {
    type Error = BrokeOff;

    async fn next(&mut self) -> Option<Result<Bytes, BrokeOff>> {
        if let Some(quantum) = self.head.pop_front() {
            return Some(Ok(quantum));
        }
        let intake = self
            .intake
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        self.turn.send_replace(Turn::Content);
        let next = intake.next().await;
        self.turn.send_replace(Turn::Storage);
        match next {
            Ok(Some(quantum)) => Some(Ok(quantum)),
            Ok(None) => {
                *lock(&self.ended) = Some(Ended::Whole(intake.stored()));
                None
            }
            Err(cause) => {
                *lock(&self.ended) = Some(Ended::BrokeOff(cause));
                Some(Err(BrokeOff))
            }
        }
    }
}

impl Progress {
    /// Runs an upload until it ends; `None` if Cloud Storage makes it wait for longer than `deadline` at a time.
    pub(crate) async fn watch<T>(
        &self,
        mut upload: Pin<Box<impl Future<Output = T>>>,
        deadline: Duration,
    ) -> Option<T> {
        tokio::select! {
            ended = &mut upload => Some(ended),
            () = self.stalled(deadline) => None,
        }
    }

    async fn stalled(&self, deadline: Duration) {
        let mut turn = self.turn.clone();
        loop {
            let whose = *turn.borrow_and_update();
            let changed = match whose {
                Turn::Content => turn.changed().await,
                Turn::Storage => match timeout(deadline, turn.changed()).await {
                    Ok(changed) => changed,
                    Err(_) => return,
                },
            };
            if changed.is_err() {
                // The content was dropped, so the upload ends by itself.
                return std::future::pending().await;
            }
        }
    }

    /// How the content ended, if it did.
    pub(crate) fn ended(self) -> Option<Ended> {
        lock(&self.ended).take()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Retries a piece only if Cloud Storage answered that it did not accept it.
///
/// Without an answer, Google's client (1.21) would skip the piece and go on with the next one. The checksum shows that only
/// after the object has been replaced, so such an upload must start again from the beginning.
#[derive(Debug)]
pub(crate) struct Answered;

impl RetryPolicy for Answered {
    fn on_error(&self, state: &RetryState, error: google_cloud_storage::Error) -> RetryResult {
        if error.http_status_code().is_some() {
            RetryableErrors.on_error(state, error)
        } else {
            RetryResult::Permanent(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    const DEADLINE: Duration = Duration::from_millis(50);

    /// Content whose only piece comes after a while.
    fn late(after: Duration) -> Intake {
        let piece = stream::once(async move {
            tokio::time::sleep(after).await;
            Ok(Bytes::from_static(b"hello"))
        });
        Intake::new(piece.boxed())
    }

    #[tokio::test(start_paused = true)]
    async fn content_may_take_its_time() {
        let (mut source, progress) = source(VecDeque::new(), late(4 * DEADLINE));
        let upload = Box::pin(async move { while source.next().await.is_some() {} });
        assert_eq!(progress.watch(upload, DEADLINE).await, Some(()));
        let Some(Ended::Whole(stored)) = progress.ended() else {
            panic!("it ended otherwise");
        };
        assert_eq!(stored.size_bytes, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn storage_that_takes_a_piece_and_then_nothing_is_given_up() {
        let (mut source, progress) = source(VecDeque::new(), late(Duration::ZERO));
        let upload = Box::pin(async move {
            source.next().await;
            std::future::pending::<()>().await;
            drop(source);
        });
        assert_eq!(progress.watch(upload, DEADLINE).await, None);
        assert!(progress.ended().is_none());
    }

    #[tokio::test]
    async fn content_is_cut_into_quanta_whatever_its_pieces() {
        for length in [1, 1000, QUANTUM_BYTES - 1, QUANTUM_BYTES, QUANTUM_BYTES + 1] {
            let count = 3 * QUANTUM_BYTES / length;
            let piece = Bytes::from(vec![7; length]);
            let pieces = stream::iter(std::iter::repeat_n(piece, count)).map(Ok);
            let mut intake = Intake::new(pieces.boxed());
            let quanta = intake.take(usize::MAX).await.unwrap();
            let quanta = Vec::from(quanta);
            let (last, others) = quanta.split_last().unwrap();
            assert!(
                others.iter().all(|quantum| quantum.len() == QUANTUM_BYTES),
                "{length}"
            );
            assert!(intake.is_empty());
            let total = others.len() * QUANTUM_BYTES + last.len();
            assert_eq!(
                (total, intake.stored().size_bytes),
                (count * length, (count * length) as u64)
            );
        }
    }
}
