//! Secrets in a sealed file of the data folder.

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use domain::TenantId;
use secrecy::SecretString;
use tokio::task::spawn_blocking;

use crate::{
    KeyFileError, KeySource, SecretName, Secrets, SecretsError, key_file,
    vault::{Seal, Vault},
};

/// Secrets in `secrets/sealed.json` of the data folder, each sealed with the sealing key and bound to its tenant,
/// name and version. Several processes may share the folder.
#[derive(Clone)]
pub struct SealedSecrets {
    shared: Arc<Shared>,
}

struct Shared {
    seal: Seal,
    path: PathBuf,
    lock_path: PathBuf,
    known: Mutex<Known>,
}

/// The file as it was last read, and how to notice that it has changed.
struct Known {
    vault: Vault,
    stamp: Stamp,
}

/// A replaced file has another inode.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    modified: (i64, i64),
    length: u64,
}

/// Why the secrets cannot be opened, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There are secrets, but the key that opens them is gone.
    #[error("there are sealed secrets, but their key {} is missing; put the key file back from your backup, or give the key as a setting", path.display())]
    KeyMissing { path: PathBuf },
    /// The key file cannot be read or written, or others may read it.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    #[error("the key {} is not 32 bytes in base64; put the key file back from your backup", path.display())]
    KeyFileMalformed { path: PathBuf },
    #[error(
        "the sealing key that was given is not 32 bytes in base64; make one with `openssl rand -base64 32`"
    )]
    KeyGivenMalformed,
    #[error(
        "the system gives no random bytes to make a sealing key from; give the key as a setting"
    )]
    NoRandomness,
    #[error("the sealing key does not open {}; use the key that the secrets were sealed with", path.display())]
    WrongKey { path: PathBuf },
    #[error("{} holds no secrets that this program can read; put the file back from your backup", path.display())]
    Damaged { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl SealedSecrets {
    /// Opens the secrets of a data folder. The first start creates the folder and an empty file of secrets.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub async fn open(data_dir: &Path, key: KeySource) -> Result<Self, OpenError> {
        let data_dir = data_dir.to_owned();
        let shared = spawn_blocking(move || Shared::open(&data_dir, &key))
            .await
            .expect("opening does not panic")?;
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Seal, &mut Vault) -> T + Send + 'static,
    ) -> Result<T, SecretsError> {
        let shared = self.shared.clone();
        let changed = spawn_blocking(move || shared.change(change)).await;
        changed
            .map_err(|error| SecretsError::Store(error.into()))?
            .map_err(|error| SecretsError::Store(error.into()))
    }
}

#[async_trait]
impl Secrets for SealedSecrets {
    async fn get(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        version: Option<u64>,
    ) -> Result<SecretString, SecretsError> {
        self.shared
            .read(|seal, vault| vault.get(seal, tenant, name, version))?
    }

    async fn put(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        value: &SecretString,
    ) -> Result<u64, SecretsError> {
        let (tenant, name, value) = (tenant.clone(), name.clone(), value.clone());
        self.change(move |seal, vault| vault.put(seal, &tenant, &name, &value))
            .await
    }

    async fn delete(&self, tenant: &TenantId, name: &SecretName) -> Result<(), SecretsError> {
        let (tenant, name) = (tenant.clone(), name.clone());
        self.change(move |_, vault| vault.delete(&tenant, &name))
            .await
    }

    async fn list(&self, tenant: &TenantId) -> Result<Vec<SecretName>, SecretsError> {
        self.shared.read(|_, vault| vault.list(tenant))
    }
}

impl fmt::Debug for SealedSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSecrets").finish_non_exhaustive()
    }
}

impl Shared {
    fn open(data_dir: &Path, key: &KeySource) -> Result<Self, OpenError> {
        let folder = data_dir.join("secrets");
        let (path, lock_path) = (folder.join("sealed.json"), folder.join("lock"));
        let key_path = data_dir.join("keys").join("sealing.key");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(at(&folder))?;
        // Held to the end, so that of several processes that start together only one creates key and file.
        let _lock = lock(&lock_path).map_err(at(&lock_path))?;

        let is_new = !path.try_exists().map_err(at(&path))?;
        let seal = Seal::new(&key.load(&key_path, !is_new)?);
        if is_new {
            write(&path, &Vault::new(&seal)).map_err(at(&path))?;
        }
        let known = match Known::read(&path) {
            Ok(known) => known,
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                return Err(OpenError::Damaged { path });
            }
            Err(error) => return Err(at(&path)(error)),
        };
        if !known.vault.is_opened_by(&seal) {
            return Err(OpenError::WrongKey { path });
        }
        Ok(Self {
            seal,
            path,
            lock_path,
            known: Mutex::new(known),
        })
    }

    /// Asks the file system whether the file was replaced, which takes microseconds. Rereading it is rare.
    fn read<T>(&self, read: impl FnOnce(&Seal, &Vault) -> T) -> Result<T, SecretsError> {
        let mut known = self.known();
        known
            .refresh(&self.path)
            .map_err(|error| SecretsError::Store(error.into()))?;
        Ok(read(&self.seal, &known.vault))
    }

    fn change<T>(&self, change: impl FnOnce(&Seal, &mut Vault) -> T) -> io::Result<T> {
        let _lock = lock(&self.lock_path)?;
        // Readers keep using the known content while a copy is changed and written.
        let mut vault = {
            let mut known = self.known();
            known.refresh(&self.path)?;
            known.vault.clone()
        };
        let result = change(&self.seal, &mut vault);
        let stamp = write(&self.path, &vault)?;
        *self.known() = Known { vault, stamp };
        Ok(result)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn read(path: &Path) -> io::Result<Self> {
        let stamp = Stamp::of(&fs::metadata(path)?);
        let vault: Vault = serde_json::from_slice(&fs::read(path)?)
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        if vault.format() != Vault::FORMAT {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                "another version wrote the file",
            ));
        }
        Ok(Self { vault, stamp })
    }

    fn refresh(&mut self, path: &Path) -> io::Result<()> {
        if Stamp::of(&fs::metadata(path)?) != self.stamp {
            *self = Self::read(path)?;
        }
        Ok(())
    }
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            length: metadata.len(),
        }
    }
}

fn write(path: &Path, vault: &Vault) -> io::Result<Stamp> {
    let metadata = key_file::replace(path, &serde_json::to_vec_pretty(vault)?)?;
    Ok(Stamp::of(&metadata))
}

/// Locks the secrets against other processes until the file is dropped. Waits for their locks.
fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    file.lock()?;
    Ok(file)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { path, source }
}
