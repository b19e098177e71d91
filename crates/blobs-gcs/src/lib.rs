//! Blobs in Cloud Storage: `gs://<bucket>/<tenant>/<name>`.
//!
//! Content is streamed both ways by Google's client. Up to [`PIECE_BYTES`] go up in one request. Longer content goes
//! up in pieces of that length, which bound an upload's memory, and cannot be read before the last piece has arrived.
//! CRC32C is compared at both ends, both ways. Deleting is one request of the JSON API, because Google's client would use
//! gRPC with another connection.
//!
//! Temporary failures (408, 429, 5xx, a broken connection) are retried up to [`ATTEMPTS`] times within the call, and then
//! left to the caller's retry lanes. An upload of several pieces whose connection breaks is left to them at once. A service
//! account needs `roles/storage.objectUser` on the bucket.
//!
//! Source: Cloud Storage JSON API, "Resumable uploads", "Data validation" and "IAM roles" (read 2026-11).
#![warn(missing_docs)]

mod config;
mod credentials;
mod error;
mod upload;

use std::{collections::VecDeque, fmt, time::Duration};

use async_trait::async_trait;
use blobs::{BlobError, BlobKey, Blobs, BoxError, ByteStream, Opened, Stored};
use bytes::Bytes;
pub use config::GcsConfig;
pub use error::{GcsError, OpenError};
use futures::{StreamExt as _, stream};
use google::Tokens;
use google_cloud_gax::{
    exponential_backoff::ExponentialBackoffBuilder, retry_policy::RetryPolicyExt as _,
    retry_throttler::CircuitBreaker,
};
use google_cloud_storage::{
    client::Storage,
    model_ext::ReadRange,
    read_object::ReadObjectResponse,
    read_resume_policy::{ReadResumePolicyExt as _, Recommended},
    retry_policy::RetryableErrors,
};
use http_client::{Client, Request, StatusClass};
use tokio::time::timeout;
use upload::{Answered, Ended, Intake, QUANTUM_BYTES, Short};

/// Length of the pieces that are sent, and so of what one upload holds in memory. A multiple of 256 KiB.
pub const PIECE_BYTES: usize = 4 * 1024 * 1024;
/// How often a request is tried within one call.
pub const ATTEMPTS: u32 = 5;
/// Longest wait for Cloud Storage to accept a piece, with all attempts, or to send one.
const PIECE_DEADLINE: Duration = Duration::from_secs(60);
/// Requests without content are short.
const CALL_DEADLINE: Duration = Duration::from_secs(20);

/// Blobs in a bucket of Cloud Storage. Cheap to clone.
#[derive(Clone)]
pub struct GcsBlobs {
    storage: Storage,
    http: Client,
    tokens: Tokens,
    config: GcsConfig,
}

impl GcsBlobs {
    /// Opens no connection. `http` is for deleting, and must be allowed to reach the base URL.
    ///
    /// # Errors
    /// [`OpenError`] if Google's client cannot be set up.
    pub async fn open(http: Client, tokens: Tokens, config: GcsConfig) -> Result<Self, OpenError> {
        let backoff = ExponentialBackoffBuilder::new()
            .with_initial_delay(Duration::from_millis(200))
            .with_maximum_delay(Duration::from_secs(5));
        let storage = Storage::builder()
            .with_endpoint(config.base())
            .with_credentials(credentials::Bearer(tokens.clone()))
            .with_retry_policy(RetryableErrors.with_attempt_limit(ATTEMPTS))
            .with_backoff_policy(backoff.clamp())
            // Longer waits belong to the caller's retry lanes. A throttle of the client's own would hide an outage from them.
            .with_retry_throttler(CircuitBreaker::clamp(1, 0, 0))
            .with_read_resume_policy(Recommended.with_attempt_limit(ATTEMPTS))
            .with_resumable_upload_buffer_size(PIECE_BYTES)
            .with_grpc_subchannel_count(1)
            .build()
            .await
            .map_err(OpenError)?;
        Ok(Self {
            storage,
            http,
            tokens,
            config,
        })
    }

    /// Checks before the start that the bucket exists and may be used.
    ///
    /// # Errors
    /// [`GcsError`], whose text says what to grant or set.
    pub async fn check(&self) -> Result<(), GcsError> {
        let url = format!("{}?maxResults=1&fields=kind", self.objects_url());
        self.call(self.http.get(url)).await
    }

    fn objects_url(&self) -> String {
        let GcsConfig { bucket, .. } = &self.config;
        format!("{}/storage/v1/b/{bucket}/o", self.config.base())
    }

    /// `projects/_/buckets/{bucket}`, as Google's client names it.
    fn bucket(&self) -> String {
        format!("projects/_/buckets/{}", self.config.bucket)
    }

    /// Removes an object, or one generation of it. Succeeds without one, too.
    async fn remove(&self, key: &BlobKey, generation: Option<i64>) -> Result<(), GcsError> {
        // Neither part of a key has a character that would have to be encoded.
        let (tenant, name) = (key.tenant(), key.name());
        let mut url = format!("{}/{tenant}%2F{name}", self.objects_url());
        if let Some(generation) = generation {
            url = format!("{url}?ifGenerationMatch={generation}");
        }
        match self.call(self.http.delete(url)).await {
            Err(GcsError::NotFound { .. }) => Ok(()),
            result => result,
        }
    }

    async fn call(&self, request: Request<'_>) -> Result<(), GcsError> {
        let token = self.tokens.bearer().await?;
        let request = request.bearer(&token).deadline(CALL_DEADLINE);
        let response = request.send().await?;
        if response.class() == StatusClass::Ok {
            return Ok(());
        }
        Err(GcsError::refused(
            response.status,
            &response.body,
            &self.config.bucket,
        ))
    }

    /// What a failure of Google's client means.
    fn failed(&self, error: &google_cloud_storage::Error) -> GcsError {
        GcsError::read(error, &self.config.bucket)
    }
}

#[async_trait]
impl Blobs for GcsBlobs {
    async fn put(&self, key: &BlobKey, content: ByteStream) -> Result<Stored, BlobError> {
        let mut intake = Intake::new(content);
        let taken = intake.take(PIECE_BYTES / QUANTUM_BYTES).await;
        let head = taken.map_err(BlobError::Source)?;
        if intake.is_empty() {
            self.put_short(key, Short(head)).await.map_err(store)?;
            Ok(intake.stored())
        } else {
            Box::pin(self.put_long(key, head, intake)).await
        }
    }

    async fn get(&self, key: &BlobKey) -> Result<Opened, BlobError> {
        let opened = self.open_object(key, ReadRange::all()).await?;
        Ok(Opened {
            size_bytes: u64::try_from(opened.object().size).unwrap_or_default(),
            content: self.pieces(opened),
        })
    }

    async fn get_part(
        &self,
        key: &BlobKey,
        start: u64,
        length: u64,
    ) -> Result<ByteStream, BlobError> {
        let part = ReadRange::segment(start, length);
        let opened = self.open_object(key, part).await?;
        Ok(self.pieces(opened))
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.remove(key, None).await.map_err(store)
    }

    fn uri(&self, key: &BlobKey) -> String {
        format!("gs://{}/{key}", self.config.bucket)
    }
}

impl GcsBlobs {
    /// Stores content of one piece, with one request that can always be retried.
    async fn put_short(&self, key: &BlobKey, content: Short) -> Result<(), GcsError> {
        let write = self
            .storage
            .write_object(self.bucket(), key.to_string(), content)
            .set_content_type(content_type(key.name()))
            .with_idempotency(true)
            .send_buffered();
        match timeout(PIECE_DEADLINE, Box::pin(write)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(GcsError::Late),
        }
    }

    /// Stores content of any length, piece by piece.
    async fn put_long(
        &self,
        key: &BlobKey,
        head: VecDeque<Bytes>,
        rest: Intake,
    ) -> Result<Stored, BlobError> {
        let (source, progress) = upload::source(head, rest);
        let write = self
            .storage
            .write_object(self.bucket(), key.to_string(), source)
            .set_content_type(content_type(key.name()))
            .with_retry_policy(Answered.with_attempt_limit(ATTEMPTS))
            .send_buffered();
        let sent = progress.watch(Box::pin(write), PIECE_DEADLINE).await;
        let sent = sent.ok_or_else(|| store(GcsError::Late))?;
        match (sent, progress.ended()) {
            (_, Some(Ended::BrokeOff(cause))) => Err(BlobError::Source(cause)),
            (Ok(_), Some(Ended::Whole(stored))) => Ok(stored),
            (Err(error), _) => {
                // After a piece was resent, Google's client compares checksums only once the object is stored.
                if let Some(generation) = error::damaged_generation(&error)
                    && let Err(error) = self.remove(key, Some(generation)).await
                {
                    tracing::warn!(%error, "could not remove a blob that was altered in transit");
                }
                Err(store(self.failed(&error)))
            }
            // Cloud Storage reports success, although the content was not read to its end.
            (Ok(_), None) => Err(store(GcsError::Damaged)),
        }
    }

    async fn open_object(
        &self,
        key: &BlobKey,
        range: ReadRange,
    ) -> Result<ReadObjectResponse, BlobError> {
        let read = self.storage.read_object(self.bucket(), key.to_string());
        let sent = Box::pin(read.set_read_range(range).send());
        let opened = timeout(PIECE_DEADLINE, sent).await;
        let opened = opened.map_err(|_| store(GcsError::Late))?;
        opened.map_err(|error| match self.failed(&error) {
            GcsError::NotFound { .. } => BlobError::NotFound,
            error => store(error),
        })
    }

    /// What is read of an object, piece by piece.
    fn pieces(&self, opened: ReadObjectResponse) -> ByteStream {
        let pieces = stream::try_unfold((opened, self.clone()), async |(mut opened, blobs)| {
            let piece = blobs.next(&mut opened).await?;
            Ok::<_, BoxError>(piece.map(|piece| (piece, (opened, blobs))))
        });
        pieces.boxed()
    }

    /// The next piece of an object.
    async fn next(&self, opened: &mut ReadObjectResponse) -> Result<Option<Bytes>, GcsError> {
        let next = timeout(PIECE_DEADLINE, opened.next()).await;
        let piece = next.map_err(|_| GcsError::Late)?.transpose();
        piece.map_err(|error| self.failed(&error))
    }
}

impl fmt::Debug for GcsBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GcsBlobs")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

fn store(error: GcsError) -> BlobError {
    BlobError::Store(error.into())
}

/// The media type of an object.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "aac" => "audio/aac",
        "bmp" => "image/bmp",
        "flac" => "audio/flac",
        "gif" => "image/gif",
        "jpeg" | "jpg" => "image/jpeg",
        "json" => "application/json",
        "m4a" => "audio/mp4",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "ogg" => "audio/ogg",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "tif" | "tiff" => "image/tiff",
        "txt" => "text/plain; charset=utf-8",
        "wav" => "audio/wav",
        "webm" => "video/webm",
        "webp" => "image/webp",
        _ => "application/octet-stream",
    }
}
