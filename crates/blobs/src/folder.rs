//! Blobs in a folder: `<root>/<tenant>/<name>`.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read as _, SeekFrom, Write as _},
    iter,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncSeekExt as _},
    sync::mpsc,
    task::spawn_blocking,
};

use crate::{BlobError, BlobKey, Blobs, BoxError, ByteStream, Opened, Stored};

/// Content that is being stored. No tenant has this name, because a tenant's begins with a letter or a digit.
const INCOMING: &str = ".incoming";

const PIECE_BYTES: usize = 64 * 1024;
/// Content up to this size is written in one go: each piece that is handed to the writing thread costs two switches
/// between threads.
const GATHERED_BYTES: usize = 1024 * 1024;
/// Pieces of longer content that wait to be written.
const WAITING_PIECES: usize = 8;

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
        tokio::fs::create_dir_all(root.join(INCOMING)).await?;
        Ok(Self { root })
    }

    /// Removes content that a crash left incomplete. Only for a process that owns the folder.
    ///
    /// # Errors
    /// The file system's error.
    pub async fn remove_leftovers(&self) -> io::Result<()> {
        let mut entries = tokio::fs::read_dir(self.root.join(INCOMING)).await?;
        while let Some(entry) = entries.next_entry().await? {
            tokio::fs::remove_file(entry.path()).await?;
        }
        Ok(())
    }

    fn path(&self, key: &BlobKey) -> PathBuf {
        self.root.join(key.tenant().as_str()).join(key.name())
    }

    /// Writes content on a thread that may block.
    async fn write(
        &self,
        key: &BlobKey,
        write: impl FnOnce(&Path, &Path) -> io::Result<Stored> + Send + 'static,
    ) -> Result<Stored, BlobError> {
        let (root, path) = (self.root.clone(), self.path(key));
        let written = spawn_blocking(move || write(&root, &path)).await;
        written.map_err(io::Error::other).flatten().map_err(store)
    }
}

/// Writes content beside its place, makes it durable, then moves it there.
fn write(
    root: &Path,
    path: &Path,
    pieces: impl Iterator<Item = io::Result<Bytes>>,
) -> io::Result<Stored> {
    let mut incoming = Incoming::create(&root.join(INCOMING))?;
    let stored = fill(&mut incoming.file, pieces)?;
    incoming.place(root, path)?;
    Ok(stored)
}

/// Writes content that is whole. In a place that is free it is written at once: nobody reads a blob before its put has
/// returned, and a file that needs no other name costs the file system half as much.
fn write_whole(root: &Path, path: &Path, pieces: Vec<Bytes>) -> io::Result<Stored> {
    let pieces = pieces.into_iter().map(Ok);
    match File::create_new(path) {
        Ok(mut file) => {
            let stored = fill(&mut file, pieces).inspect_err(|_| {
                // Not removed: by now, the name may be another writer's.
                drop(file.set_len(0));
            })?;
            sync_folder(path.parent().unwrap_or(root))?;
            Ok(stored)
        }
        // A tenant's first, or one that a crash or another writer left.
        Err(_) => write(root, path, pieces),
    }
}

/// Fills a file and makes its content durable.
fn fill(file: &mut File, pieces: impl Iterator<Item = io::Result<Bytes>>) -> io::Result<Stored> {
    let (mut hash, mut size_bytes) = (Sha256::new(), 0);
    for piece in pieces {
        let piece = piece?;
        hash.update(&piece);
        size_bytes += piece.len() as u64;
        file.write_all(&piece)?;
    }
    file.sync_all()?;
    Ok(Stored {
        sha256: hex::encode(hash.finalize()),
        size_bytes,
    })
}

#[async_trait]
impl Blobs for FolderBlobs {
    async fn put(&self, key: &BlobKey, mut content: ByteStream) -> Result<Stored, BlobError> {
        let (mut gathered, mut size) = (Vec::new(), 0);
        while size < GATHERED_BYTES {
            match content.try_next().await.map_err(BlobError::Source)? {
                Some(piece) => {
                    size += piece.len();
                    gathered.push(piece);
                }
                None => {
                    let write = |root: &Path, path: &Path| write_whole(root, path, gathered);
                    return self.write(key, write).await;
                }
            }
        }
        // The last word is `None`. A channel that ends without it ended early: then nothing is kept.
        let (sender, mut rest) = mpsc::channel(WAITING_PIECES);
        let rest = iter::from_fn(move || match rest.blocking_recv() {
            Some(piece) => Option::<Bytes>::map(piece, Ok),
            None => Some(Err(io::Error::other("the content ended early"))),
        });
        let pieces = gathered.into_iter().map(Ok).chain(rest);
        let written = self.write(key, move |root, path| write(root, path, pieces));
        let sent = async move {
            loop {
                let piece = content.try_next().await.map_err(BlobError::Source)?;
                let is_last = piece.is_none();
                // A writer that is gone has failed, and says why.
                if sender.send(piece).await.is_err() || is_last {
                    return Ok(());
                }
            }
        };
        let (sent, written) = tokio::join!(sent, written);
        sent.and(written)
    }

    async fn get(&self, key: &BlobKey) -> Result<Opened, BlobError> {
        let file = tokio::fs::File::open(self.path(key)).await;
        let file = file.map_err(missing_or_failed)?;
        let size_bytes = file.metadata().await.map_err(store)?.len();
        Ok(Opened {
            size_bytes,
            content: pieces(file),
        })
    }

    async fn get_part(
        &self,
        key: &BlobKey,
        start: u64,
        length: u64,
    ) -> Result<ByteStream, BlobError> {
        let file = tokio::fs::File::open(self.path(key)).await;
        let mut file = file.map_err(missing_or_failed)?;
        file.seek(SeekFrom::Start(start)).await.map_err(store)?;
        Ok(pieces(file.take(length)))
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        match tokio::fs::remove_file(self.path(key)).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(store(error)),
            _ => Ok(()),
        }
    }

    async fn read(&self, key: &BlobKey, max_bytes: u64) -> Result<Bytes, BlobError> {
        let path = self.path(key);
        let read = spawn_blocking(move || {
            let mut file = File::open(path).map_err(missing_or_failed)?;
            let size_bytes = file.metadata().map_err(store)?.len();
            if size_bytes > max_bytes {
                return Err(BlobError::TooLarge {
                    size_bytes,
                    max_bytes,
                });
            }
            let mut all = Vec::with_capacity(usize::try_from(size_bytes).unwrap_or_default());
            file.read_to_end(&mut all).map_err(store)?;
            Ok(all.into())
        });
        read.await.map_err(|error| BlobError::Store(error.into()))?
    }

    fn uri(&self, key: &BlobKey) -> String {
        format!("gs://{}/{key}", Self::BUCKET)
    }
}

/// What is left to read, piece by piece.
fn pieces(file: impl AsyncRead + Unpin + Send + 'static) -> ByteStream {
    let pieces = stream::try_unfold(file, async |mut file| {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        let read = file.read_buf(&mut piece).await?;
        Ok::<_, BoxError>((read > 0).then(|| (piece.freeze(), file)))
    });
    pieces.boxed()
}

fn store(error: io::Error) -> BlobError {
    BlobError::Store(error.into())
}

fn missing_or_failed(error: io::Error) -> BlobError {
    match error.kind() {
        ErrorKind::NotFound => BlobError::NotFound,
        _ => store(error),
    }
}

/// A file that is removed unless it is moved to its place.
struct Incoming {
    file: File,
    path: PathBuf,
    is_placed: bool,
}

impl Incoming {
    fn create(folder: &Path) -> io::Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{number}", std::process::id()));
        // A crash may have left a file of this name. Running processes use different names.
        let file = File::create(&path)?;
        Ok(Self {
            file,
            path,
            is_placed: false,
        })
    }

    /// Moves the file to its place, in a folder that may not be there yet, and makes its name durable.
    fn place(mut self, root: &Path, place: &Path) -> io::Result<()> {
        let folder = place.parent().unwrap_or(root);
        if let Err(error) = fs::rename(&self.path, place) {
            if error.kind() != ErrorKind::NotFound {
                return Err(error);
            }
            fs::create_dir_all(folder)?;
            sync_folder(root)?;
            fs::rename(&self.path, place)?;
        }
        self.is_placed = true;
        sync_folder(folder)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.is_placed {
            // Best effort: `remove_leftovers` removes the rest.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
