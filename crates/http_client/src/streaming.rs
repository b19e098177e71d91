//! An answer that is read piece by piece, under limits.

use std::{fmt, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::{Stream, stream};
use http::{HeaderMap, StatusCode, header::CONTENT_LENGTH};
use tokio::time::Instant;

use crate::{HttpError, Response, error::first_cause};

/// Limits of a streamed answer.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most bytes of body.
    pub max_bytes: u64,
    /// Longest wait for the next piece.
    pub idle: Duration,
    /// Longest time from the call to the last byte.
    pub total: Duration,
}

/// An answer whose head is known and whose body is still to be read.
pub struct Streaming {
    /// The status of the answer.
    pub status: StatusCode,
    /// The headers of the answer.
    pub headers: HeaderMap,
    answer: reqwest::Response,
    url: String,
    limits: Limits,
    ends_at: Instant,
    read_bytes: u64,
}

impl Streaming {
    pub(crate) fn new(
        mut answer: reqwest::Response,
        url: String,
        limits: Limits,
        ends_at: Instant,
    ) -> Self {
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        Self {
            status,
            headers,
            answer,
            url,
            limits,
            ends_at,
            read_bytes: 0,
        }
    }

    /// The length of the body that the head announces.
    pub fn content_length(&self) -> Option<u64> {
        self.headers
            .get(CONTENT_LENGTH)?
            .to_str()
            .ok()?
            .parse()
            .ok()
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// [`HttpError::TooLarge`] over the limit; [`HttpError::Unknown`] with the status if the body ends early or is late.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        if self
            .content_length()
            .is_some_and(|length| length > self.limits.max_bytes)
        {
            return Err(self.too_large());
        }
        let until = self.ends_at.min(Instant::now() + self.limits.idle);
        let piece = match tokio::time::timeout_at(until, self.answer.chunk()).await {
            Ok(Ok(piece)) => piece,
            Ok(Err(error)) => return Err(self.broken(first_cause(&error))),
            Err(_) => {
                return Err(self.broken("the deadline passed while the answer was read".to_owned()));
            }
        };
        let Some(piece) = piece else { return Ok(None) };
        self.read_bytes = self.read_bytes.saturating_add(piece.len() as u64);
        if self.read_bytes > self.limits.max_bytes {
            return Err(self.too_large());
        }
        Ok(Some(piece))
    }

    /// The rest of the body as a stream that ends with its first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, HttpError>> + Send + 'static {
        stream::try_unfold(self, async |mut answer| {
            let piece = answer.chunk().await?;
            Ok(piece.map(|piece| (piece, answer)))
        })
    }

    /// Reads the rest of the body, within the limits.
    ///
    /// # Errors
    /// Those of [`chunk`](Self::chunk).
    pub async fn into_response(mut self) -> Result<Response, HttpError> {
        let first = self.chunk().await?.unwrap_or_default();
        let Some(second) = self.chunk().await? else {
            return Ok(Response {
                status: self.status,
                headers: self.headers,
                body: first,
            });
        };
        let mut body = BytesMut::from(first);
        body.extend_from_slice(&second);
        while let Some(piece) = self.chunk().await? {
            body.extend_from_slice(&piece);
        }
        Ok(Response {
            status: self.status,
            headers: self.headers,
            body: body.freeze(),
        })
    }

    fn too_large(&self) -> HttpError {
        HttpError::TooLarge {
            url: self.url.clone(),
            status: self.status,
            limit_bytes: self.limits.max_bytes,
        }
    }

    fn broken(&self, cause: String) -> HttpError {
        HttpError::Unknown {
            url: self.url.clone(),
            status: Some(self.status),
            cause,
        }
    }
}

impl fmt::Debug for Streaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming")
            .field("status", &self.status)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
