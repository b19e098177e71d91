//! The sealing key: in a file of its own, or given.

use std::path::Path;

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString, zeroize::Zeroizing};

use crate::{read_key_file, sealed::OpenError, vault::KEY_BYTES, write_key_file};

pub(crate) type Key = SecretBox<[u8; KEY_BYTES]>;

/// Where the sealing key comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// `keys/sealing.key` in the data folder, readable by its owner alone; created on the first start.
    File,
    /// 32 bytes in base64, from a setting.
    Given(SecretString),
}

impl KeySource {
    /// Reads the key. A missing file is created, unless there is sealed data that only the missing key opens.
    pub(crate) fn load(&self, path: &Path, has_data: bool) -> Result<Key, OpenError> {
        match self {
            Self::Given(text) => decode(text.expose_secret()).ok_or(OpenError::KeyGivenMalformed),
            Self::File => match read_key_file(path)? {
                Some(content) => std::str::from_utf8(&content)
                    .ok()
                    .and_then(decode)
                    .ok_or_else(|| OpenError::KeyFileMalformed {
                        path: path.to_owned(),
                    }),
                None if has_data => Err(OpenError::KeyMissing {
                    path: path.to_owned(),
                }),
                None => create(path),
            },
        }
    }
}

fn create(path: &Path) -> Result<Key, OpenError> {
    let mut key: Key = SecretBox::new(Box::new([0; KEY_BYTES]));
    rand::fill(key.expose_secret_mut()).map_err(|_| OpenError::NoRandomness)?;
    let text = Zeroizing::new(STANDARD.encode(key.expose_secret()) + "\n");
    write_key_file(path, text.as_bytes())?;
    Ok(key)
}

fn decode(text: &str) -> Option<Key> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
    let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().ok()?;
    Some(SecretBox::new(Box::new(key)))
}
