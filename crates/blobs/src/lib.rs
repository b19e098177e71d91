//! Large things: recordings, attachments, bodies too large for a row. Streamed both ways, never whole in memory.
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

/// Whatever went wrong where content comes from; the caller knows its type.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A store of blobs.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Stores content under a key. It is there, whole and durable, or not at all; dropping the future leaves
    /// nothing. A key that is taken gets the new content at once: readers see the old or the new, never a mixture.
    ///
    /// # Errors
    /// [`BlobError::Source`] when `content` fails, with its error; [`BlobError::Store`] when storing does.
    async fn put(&self, key: &BlobKey, content: ByteStream) -> Result<Stored, BlobError>;

    /// Opens a blob.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], or [`BlobError::Store`].
    async fn get(&self, key: &BlobKey) -> Result<Opened, BlobError>;

    /// Removes a blob; one that is not there is removed already.
    ///
    /// # Errors
    /// [`BlobError::Store`].
    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError>;

    /// Where Google's services find the blob: `gs://<bucket>/<tenant>/<name>`.
    fn uri(&self, key: &BlobKey) -> String;

    /// Reads a blob that fits into memory.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`] over `max_bytes`, else as [`get`](Self::get).
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

/// Proof that content is durable, and what it was.
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
    /// The content that was to be stored broke off.
    #[error("the content broke off while it was stored")]
    Source(#[source] BoxError),
    /// The store did not do it.
    #[error("the blob store failed: {0}")]
    Store(#[source] BoxError),
    /// The blob is larger than the caller takes.
    #[error("the blob has {size_bytes} bytes, more than {max_bytes}")]
    TooLarge {
        /// Length of the blob.
        size_bytes: u64,
        /// What the caller takes.
        max_bytes: u64,
    },
}

/// Content that is in memory already.
pub fn content(bytes: impl Into<Bytes>) -> ByteStream {
    futures::stream::iter([Ok(bytes.into())]).boxed()
}
