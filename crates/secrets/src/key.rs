//! The sealing key: in a file of its own, or given.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString, zeroize::Zeroizing};

use crate::{
    sealed::{OpenError, at},
    vault::KEY_BYTES,
};

pub(crate) type Key = SecretBox<[u8; KEY_BYTES]>;

/// Where the sealing key comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// `keys/sealing.key` in the data folder, readable for its owner only; made on the first start.
    File,
    /// 32 bytes in base64, from a setting.
    Given(SecretString),
}

impl KeySource {
    /// Reads the key. A missing file is made, unless there is sealed data that only the missing key opens.
    pub(crate) fn load(&self, path: &Path, has_data: bool) -> Result<Key, OpenError> {
        match self {
            Self::Given(text) => decode(text.expose_secret()).ok_or(OpenError::KeyGivenMalformed),
            Self::File => match fs::metadata(path) {
                Ok(metadata) => read(path, metadata.permissions().mode()),
                Err(error) if error.kind() == ErrorKind::NotFound && has_data => {
                    Err(OpenError::KeyMissing {
                        path: path.to_owned(),
                    })
                }
                Err(error) if error.kind() == ErrorKind::NotFound => make(path),
                Err(error) => Err(at(path)(error)),
            },
        }
    }
}

fn read(path: &Path, mode: u32) -> Result<Key, OpenError> {
    if mode & 0o077 != 0 {
        return Err(OpenError::KeyExposed {
            path: path.to_owned(),
            mode: mode & 0o777,
        });
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(at(path))?);
    decode(&text).ok_or_else(|| OpenError::KeyFileMalformed {
        path: path.to_owned(),
    })
}

fn make(path: &Path) -> Result<Key, OpenError> {
    let mut key: Key = SecretBox::new(Box::new([0; KEY_BYTES]));
    rand::fill(key.expose_secret_mut()).map_err(|_| OpenError::NoRandomness)?;
    let text = Zeroizing::new(STANDARD.encode(key.expose_secret()) + "\n");

    let folder = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(at(folder))?;
    // Under another name until it is whole: a crash must not leave a key that is cut.
    let whole_soon = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&whole_soon)
        .map_err(at(path))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(at(path))?;
    fs::rename(&whole_soon, path).map_err(at(path))?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(at(folder))?;
    Ok(key)
}

fn decode(text: &str) -> Option<Key> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
    let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().ok()?;
    Some(SecretBox::new(Box::new(key)))
}
