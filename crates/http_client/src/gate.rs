//! Answers one question exactly: can the other side have received this request?
//!
//! The HTTP layer asks for the body once it has a connection and is about to write. Either the body is handed over first,
//! and from then on the other side may have it; or the call is given up first, and from then on the body is refused, so
//! that the request cannot be acted on.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

const WAITING: u8 = 0;
const HANDED_OVER: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Shared by a request's body and the call that waits for its answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<AtomicU8>);

impl Gate {
    /// Returns true if no byte of the body was, or ever will be, handed over.
    pub(crate) fn give_up(&self) -> bool {
        match self
            .0
            .compare_exchange(WAITING, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => true,
            Err(state) => state == GIVEN_UP,
        }
    }

    fn hand_over(&self) -> bool {
        self.0
            .compare_exchange(WAITING, HANDED_OVER, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// A body of one piece that passes through a [`Gate`].
pub(crate) struct GatedBody {
    piece: Option<Bytes>,
    gate: Gate,
}

impl GatedBody {
    pub(crate) fn new(piece: Bytes, gate: Gate) -> Self {
        Self {
            piece: Some(piece),
            gate,
        }
    }
}

impl Body for GatedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let Some(piece) = self.piece.take() else {
            return Poll::Ready(None);
        };
        Poll::Ready(Some(if self.gate.hand_over() {
            Ok(Frame::data(piece))
        } else {
            Err(io::Error::new(
                io::ErrorKind::Interrupted,
                "the call was given up before it was sent",
            ))
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.piece.as_ref().map_or(0, |piece| piece.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_given_up_first_never_hands_its_body_over() {
        let gate = Gate::default();
        assert!(gate.give_up());
        assert!(gate.give_up(), "asking again gives the same answer");
        assert!(!gate.hand_over());
    }

    #[test]
    fn a_body_handed_over_cannot_be_given_up() {
        let gate = Gate::default();
        assert!(gate.hand_over());
        assert!(!gate.give_up());
    }
}
