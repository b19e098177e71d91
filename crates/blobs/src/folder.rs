//! Blobs in a folder: `<root>/<tenant>/<name>`.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use bytes::BytesMut;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use tokio::{
    fs::{self, File, OpenOptions},
    io::{AsyncReadExt as _, AsyncWriteExt as _},
};

use crate::{BlobError, BlobKey, Blobs, BoxError, ByteStream, Opened, Stored};

/// Content that is being stored. No tenant has this name, because a tenant's begins with a letter or a digit.
const INCOMING: &str = ".incoming";

const PIECE_BYTES: usize = 64 * 1024;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// Blobs in a folder of this machine.
#[derive(Debug, Clone)]
pub struct FolderBlobs {
    root: PathBuf,
}

impl FolderBlobs {
    /// The bucket that URIs name.
    pub const BUCKET: &'static str = "embedded-audio";

    /// Opens a folder, or creates it.
    ///
    /// # Errors
    /// The file system's error.
    pub async fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        fs::create_dir_all(root.join(INCOMING)).await?;
        Ok(Self { root })
    }

    /// Removes content that a crash left incomplete. Only for a process that owns the folder.
    ///
    /// # Errors
    /// The file system's error.
    pub async fn remove_leftovers(&self) -> io::Result<()> {
        let mut entries = fs::read_dir(self.root.join(INCOMING)).await?;
        while let Some(entry) = entries.next_entry().await? {
            fs::remove_file(entry.path()).await?;
        }
        Ok(())
    }

    fn path(&self, key: &BlobKey) -> PathBuf {
        self.root.join(key.tenant().as_str()).join(key.name())
    }

    async fn place(&self, incoming: Incoming, key: &BlobKey) -> io::Result<()> {
        let folder = self.root.join(key.tenant().as_str());
        if fs::try_exists(&folder).await? {
            return incoming.rename(&folder, key.name()).await;
        }
        fs::create_dir_all(&folder).await?;
        sync_folder(&self.root).await?;
        incoming.rename(&folder, key.name()).await
    }
}

#[async_trait]
impl Blobs for FolderBlobs {
    async fn put(&self, key: &BlobKey, mut content: ByteStream) -> Result<Stored, BlobError> {
        let mut incoming = Incoming::create(&self.root.join(INCOMING))
            .await
            .map_err(store)?;
        let (mut hash, mut size_bytes) = (Sha256::new(), 0);
        while let Some(piece) = content.try_next().await.map_err(BlobError::Source)? {
            hash.update(&piece);
            size_bytes += piece.len() as u64;
            incoming.file.write_all(&piece).await.map_err(store)?;
        }
        incoming.file.flush().await.map_err(store)?;
        incoming.file.sync_all().await.map_err(store)?;
        self.place(incoming, key).await.map_err(store)?;
        Ok(Stored {
            sha256: hex::encode(hash.finalize()),
            size_bytes,
        })
    }

    async fn get(&self, key: &BlobKey) -> Result<Opened, BlobError> {
        let file = File::open(self.path(key))
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => BlobError::NotFound,
                _ => store(error),
            })?;
        let size_bytes = file.metadata().await.map_err(store)?.len();
        let content = stream::try_unfold(file, async |mut file| {
            let mut piece = BytesMut::with_capacity(PIECE_BYTES);
            let read = file.read_buf(&mut piece).await?;
            Ok::<_, BoxError>((read > 0).then(|| (piece.freeze(), file)))
        });
        Ok(Opened {
            size_bytes,
            content: content.boxed(),
        })
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        match fs::remove_file(self.path(key)).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(store(error)),
            _ => Ok(()),
        }
    }

    fn uri(&self, key: &BlobKey) -> String {
        format!("gs://{}/{key}", Self::BUCKET)
    }
}

fn store(error: io::Error) -> BlobError {
    BlobError::Store(error.into())
}

/// A file that is removed unless it is renamed to its final name.
struct Incoming {
    file: File,
    path: PathBuf,
    is_placed: bool,
}

impl Incoming {
    async fn create(folder: &Path) -> io::Result<Self> {
        let name = format!(
            "{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = folder.join(name);
        // A crash may have left a file of this name. Running processes use different names.
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .await?;
        Ok(Self {
            file,
            path,
            is_placed: false,
        })
    }

    async fn rename(mut self, folder: &Path, name: &str) -> io::Result<()> {
        fs::rename(&self.path, folder.join(name)).await?;
        self.is_placed = true;
        sync_folder(folder).await
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.is_placed {
            // Best effort: `remove_leftovers` removes the rest.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// Makes the names in a folder durable.
async fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder).await?.sync_all().await
}
