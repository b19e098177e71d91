//! The key of the embedded product, which signs its own tokens.

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use domain::later;
use jiff::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, encode,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use secrecy::{SecretString, zeroize::Zeroizing};
use serde::Serialize;

use super::{Grant, KeySet, Role, Trust};

/// Under the data folder.
const FILE: &str = "keys/jwt.pk8";

/// An Ed25519 key that signs tokens. Prints nothing of itself.
pub struct SigningKey {
    encoding: EncodingKey,
    jwks: JwkSet,
    kid: String,
}

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file system does not let us.
    #[error("cannot read or write {path}: {error}")]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What it says.
        #[source]
        error: io::Error,
    },
    /// Others on this machine can read the key.
    #[error(
        "{path} can be read by others (mode {mode:o}): make it yours alone with `chmod 600`, or remove it to get a \
         new key; tokens of the old one are refused then"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file holds something else.
    #[error(
        "{path} holds no Ed25519 key (PKCS #8): restore it from a backup, or remove it to get a new key; tokens of \
         the old one are refused then"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The system has no random numbers, or signing failed.
    #[error("the cryptographic library failed")]
    Crypto,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    iat: i64,
    exp: i64,
    roles: &'a [Role],
    tenants: Vec<&'a str>,
}

impl SigningKey {
    /// Reads `keys/jwt.pk8` in the data folder; makes it on the first start, readable for its owner only.
    ///
    /// Two processes must not do this on one folder at the same time: the caller holds its lock.
    ///
    /// # Errors
    /// [`KeyError`]; a file that others can read, or that holds something else, is refused and left as it is.
    pub fn open(data_folder: &Path) -> Result<Self, KeyError> {
        let path = data_folder.join(FILE);
        let pkcs8 = match fs::metadata(&path) {
            Ok(metadata) => read(&path, metadata.permissions().mode())?,
            Err(error) if error.kind() == ErrorKind::NotFound => make(&path)?,
            Err(error) => return Err(at(&path)(error)),
        };
        Self::from_pkcs8(&pkcs8).ok_or(KeyError::Malformed { path })
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
        let public = DecodingKey::from_ed_der(pair.public_key().as_ref());
        let mut jwk = Jwk::from_decoding_key(&public, Some(Algorithm::EdDSA)).ok()?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).ok()?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Some(Self {
            encoding: EncodingKey::from_ed_der(pkcs8),
            jwks: JwkSet { keys: vec![jwk] },
            kid,
        })
    }

    /// The public key, for a [`Verifier`](super::Verifier) of this key's tokens.
    pub fn key_set(&self) -> KeySet {
        KeySet::new(&self.jwks, &[Algorithm::EdDSA])
    }

    /// Signs a token that says what `grant` says, issued now by and for whom `trust` names.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] when the library fails.
    pub fn mint(
        &self,
        trust: &Trust,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<SecretString, KeyError> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        let claims = Claims {
            iss: &trust.issuer,
            aud: &trust.audience,
            sub: &grant.subject,
            iat: now.as_second(),
            exp: later(now, grant.valid_for).as_second(),
            roles: &grant.roles,
            tenants: grant.tenants.iter().map(|slug| slug.as_str()).collect(),
        };
        let token = encode(&header, &claims, &self.encoding).map_err(|_| KeyError::Crypto)?;
        Ok(SecretString::from(token))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

fn read(path: &Path, mode: u32) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed {
            path: path.to_owned(),
            mode: mode & 0o777,
        });
    }
    fs::read(path).map(Zeroizing::new).map_err(at(path))
}

fn make(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // Version 1 of the format is what other tools read, too.
    let pkcs8 = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())
        .map(|document| Zeroizing::new(document.as_ref().to_vec()))
        .map_err(|_| KeyError::Crypto)?;

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
    file.write_all(&pkcs8)
        .and_then(|()| file.sync_all())
        .map_err(at(path))?;
    fs::rename(&whole_soon, path).map_err(at(path))?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(at(folder))?;
    Ok(pkcs8)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |error| KeyError::File { path, error }
}
