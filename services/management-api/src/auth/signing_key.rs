//! The key of the embedded product, which signs its own tokens.

use std::{
    collections::BTreeMap,
    fmt,
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
use secrets::{KeyFileError, read_key_file, write_key_file};
use serde::Serialize;

use super::{Grant, KeySet, Role, SignedIn, Trust};

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
    /// The file cannot be read or written, or others can read it.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The file holds something else.
    #[error(
        "{} holds no Ed25519 key (PKCS #8): restore it from a backup, or remove it to get a new key; tokens of the old \
         one are refused then",
        path.display()
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
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tenant_roles: BTreeMap<&'a str, Role>,
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
        let pkcs8 = match read_key_file(&path)? {
            Some(pkcs8) => pkcs8,
            None => make(&path)?,
        };
        Self::from_pkcs8(&pkcs8).ok_or(KeyError::Malformed { path })
    }

    /// The key that follows from 32 secret bytes: the same in every process that has them.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] when the library fails.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Crypto)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::Crypto)?;
        Self::from_pkcs8(pkcs8.as_ref()).ok_or(KeyError::Crypto)
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
        self.sign(&Claims {
            iss: &trust.issuer,
            aud: &trust.audience,
            sub: &grant.subject,
            iat: now.as_second(),
            exp: later(now, grant.valid_for).as_second(),
            roles: &grant.roles,
            tenants: grant.tenants.iter().map(|slug| slug.as_str()).collect(),
            tenant_roles: BTreeMap::new(),
        })
    }

    /// Signs a token of somebody who signed in, issued now and good until `expires_at`.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] when the library fails.
    pub fn mint_for(
        &self,
        trust: &Trust,
        who: &SignedIn,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<SecretString, KeyError> {
        let roles: &[Role] = match who.is_platform_admin {
            true => &[Role::PlatformAdmin],
            false => &[],
        };
        let tenant_roles = who.tenant_roles.iter();
        self.sign(&Claims {
            iss: &trust.issuer,
            aud: &trust.audience,
            sub: &who.subject,
            iat: now.as_second(),
            exp: expires_at.as_second(),
            roles,
            tenants: Vec::new(),
            tenant_roles: tenant_roles
                .map(|(id, role)| (id.as_str(), *role))
                .collect(),
        })
    }

    /// Signs what is said, as a token.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<SecretString, KeyError> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        let token = encode(&header, claims, &self.encoding).map_err(|_| KeyError::Crypto)?;
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

fn make(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // Version 1 of the format is what other tools read, too.
    let pkcs8 = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())
        .map(|document| Zeroizing::new(document.as_ref().to_vec()))
        .map_err(|_| KeyError::Crypto)?;
    write_key_file(path, &pkcs8)?;
    Ok(pkcs8)
}
