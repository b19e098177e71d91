//! Recordings, attachments, and bodies that are too large for a row. They are streamed, and never whole in memory.
#![warn(missing_docs)]

pub mod contract;
mod folder;
mod key;

use std::error::Error as StdError;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
pub use folder::FolderBlobs;
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
pub use key::{BlobKey, BlobKeyError};

/// Content, piece by piece.
pub type ByteStream = BoxStream<'static, Result<Bytes, BoxError>>;

/// An error of the content's source. The caller knows its type.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A store of blobs.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Stores content under a key: whole and durable, or not at all. Dropping the future before the content has ended
    /// stores nothing. An existing blob is replaced atomically: readers see the old content or the new, never a mixture.
    ///
    /// # Errors
    /// [`BlobError::Source`] with the error of `content`; [`BlobError::Store`] if storing fails.
    async fn put(&self, key: &BlobKey, content: ByteStream) -> Result<Stored, BlobError>;

    /// Opens a blob.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], or [`BlobError::Store`].
    async fn get(&self, key: &BlobKey) -> Result<Opened, BlobError>;

    /// Opens a part of a blob: `length` bytes from its byte `start` on, or up to its end where that comes first. `start`
    /// is before its end.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], or [`BlobError::Store`].
    async fn get_part(
        &self,
        key: &BlobKey,
        start: u64,
        length: u64,
    ) -> Result<ByteStream, BlobError>;

    /// Removes a blob. Succeeds without one, too.
    ///
    /// # Errors
    /// [`BlobError::Store`].
    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError>;

    /// The URI by which Google's services find the blob: `gs://<bucket>/<tenant>/<name>`.
    fn uri(&self, key: &BlobKey) -> String;

    /// Reads a blob that fits into memory.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`] over `max_bytes`, and those of [`get`](Self::get).
    async fn read(&self, key: &BlobKey, max_bytes: u64) -> Result<Bytes, BlobError> {
        let mut opened = self.get(key).await?;
        if opened.size_bytes > max_bytes {
            return Err(BlobError::TooLarge {
                size_bytes: opened.size_bytes,
                max_bytes,
            });
        }
        let mut all = BytesMut::new();
        while let Some(piece) = opened.content.try_next().await.map_err(BlobError::Store)? {
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }
}

/// Content that is durable. Only a store makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// Length of the content.
    pub size_bytes: u64,
}

/// A blob that is being read.
pub struct Opened {
    /// Length of the content.
    pub size_bytes: u64,
    /// The content.
    pub content: ByteStream,
}

/// Why a blob could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("there is no such blob")]
    NotFound,
    /// The content ended early, with this error.
    #[error("the content ended early while it was stored")]
    Source(#[source] BoxError),
    /// The store failed, or could not be reached.
    #[error("the blob store failed: {0}")]
    Store(#[source] BoxError),
    /// The blob is larger than the caller accepts.
    #[error("the blob has {size_bytes} bytes, more than {max_bytes}")]
    TooLarge {
        /// Length of the blob.
        size_bytes: u64,
        /// The caller's limit.
        max_bytes: u64,
    },
}

/// Content that is already in memory.
pub fn content(bytes: impl Into<Bytes>) -> ByteStream {
    futures::stream::iter([Ok(bytes.into())]).boxed()
}
