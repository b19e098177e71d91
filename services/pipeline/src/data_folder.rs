//! The folder that everything is kept in. One server at a time has it.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

const DATABASE: &str = "pipeline.sqlite3";

/// The folder, locked for this process until it is dropped.
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

/// What a running server tells the commands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServerFile {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where the simulated providers listen that it uses, by slug.
    #[serde(default)]
    pub simulators: BTreeMap<String, String>,
}

impl DataFolder {
    /// Creates the folder where it is missing, and takes its lock.
    ///
    /// # Errors
    /// When another server has it, or it cannot be written.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        match Self::try_open(path)? {
            Some(folder) => Ok(folder),
            None => bail!(
                "another server runs on the data folder {}: stop it, or give this one a folder of its own (DATA_DIR)",
                path.display()
            ),
        }
    }

    /// As [`DataFolder::open`]; none when another process has the lock.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn try_open(path: &Path) -> anyhow::Result<Option<Self>> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("creating the data folder {}", path.display()))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("finding {}", path.display()))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .with_context(|| format!("opening the lock of {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { path, _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("locking the data folder {}", path.display()))
            }
        }
    }

    /// Where it is, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// The folder of recordings.
    pub fn blobs(&self) -> PathBuf {
        self.path.join("blobs")
    }

    /// Tells commands where this process listens. Only its owner can read it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn announce(&self, server: &ServerFile) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(server_file(&self.path))?;
        file.write_all(serde_json::to_string_pretty(server)?.as_bytes())
    }

    /// Removes the announcement.
    pub fn withdraw(&self) {
        if let Err(error) = fs::remove_file(server_file(&self.path)) {
            tracing::debug!("the server's announcement was gone: {error}");
        }
    }
}

/// Whether a folder holds a database.
pub fn has_data(path: &Path) -> bool {
    path.join(DATABASE).exists()
}

/// The announcement of the server that runs on a folder.
///
/// # Errors
/// When none runs there.
pub fn running_server(path: &Path) -> anyhow::Result<ServerFile> {
    let file = server_file(path);
    let text = fs::read_to_string(&file).with_context(|| {
        format!("no server runs on the data folder {}: start one (`make run`), or name its folder (--data-dir)", path.display())
    })?;
    serde_json::from_str(&text).with_context(|| format!("reading {}", file.display()))
}

fn server_file(path: &Path) -> PathBuf {
    path.join("server.json")
}
