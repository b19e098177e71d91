//! What is kept with the browser or in the store and that nobody else may read: attempts to sign in, and issuers' tokens.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hkdf::{HKDF_SHA256, KeyType, Salt},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use runtime::Problem;
use secrecy::{SecretBox, SecretString, zeroize::Zeroizing};
use serde::{Deserialize, Serialize};

use crate::auth::{KeyError, SigningKey};

const KEY_BYTES: usize = 32;
/// What an attempt is sealed with, beside the key.
const ATTEMPT: &[u8] = b"attempt";

/// 32 secret bytes that every process of the fleet has: keys that sign and seal follow from them.
pub struct SessionKey(SecretBox<[u8; KEY_BYTES]>);

impl SessionKey {
    /// Reads 32 bytes in base64; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
        let bytes = <[u8; KEY_BYTES]>::try_from(bytes.as_slice()).ok()?;
        Some(Self(SecretBox::new(Box::new(bytes))))
    }

    /// The key that signs tokens.
    ///
    /// # Errors
    /// [`KeyError::Crypto`] when the library fails.
    pub fn signing_key(&self) -> Result<SigningKey, KeyError> {
        SigningKey::from_seed(&*self.derived(b"signs tokens")?)
    }

    fn derived(&self, what: &[u8]) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
        use secrecy::ExposeSecret as _;
        struct Length;
        impl KeyType for Length {
            fn len(&self) -> usize {
                KEY_BYTES
            }
        }
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let root = Salt::new(HKDF_SHA256, b"pipeline").extract(self.0.expose_secret());
        root.expand(&[what], Length)
            .and_then(|derived| derived.fill(&mut *key))
            .map_err(|_| KeyError::Crypto)?;
        Ok(key)
    }
}

/// Seals and opens: AES-256-GCM with a random nonce each time.
pub(super) struct Seal(RandomizedNonceKey);

/// Somebody who was led to the issuer.
#[derive(Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) ends_at: Timestamp,
}

impl Seal {
    pub(super) fn new(key: &SessionKey) -> Result<Self, KeyError> {
        let derived = key.derived(b"seals")?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &*derived);
        key.map(Self).map_err(|_| KeyError::Crypto)
    }

    /// Seals a text for its owner.
    pub(super) fn seal(&self, text: &str, owner: &[u8]) -> Result<Vec<u8>, Problem> {
        // The cipher works in place, so this copy of the text must not stay in memory.
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + AES_256_GCM.tag_len()));
        bytes.extend_from_slice(text.as_bytes());
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(owner), &mut *bytes)
            .map_err(|_| Problem::internal("nothing could be sealed"))?;
        Ok([nonce.as_ref(), bytes.as_slice()].concat())
    }

    /// Opens what was sealed for this owner.
    pub(super) fn open(&self, sealed: &[u8], owner: &[u8]) -> Option<SecretString> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = Zeroizing::new(sealed.to_vec());
        let text = self
            .0
            .open_in_place(nonce, Aad::from(owner), &mut bytes)
            .ok()?;
        std::str::from_utf8(text).ok().map(SecretString::from)
    }

    /// An attempt as a cookie's value.
    pub(super) fn seal_attempt(&self, attempt: &Attempt) -> Result<String, Problem> {
        let text = Zeroizing::new(serde_json::to_string(attempt).map_err(Problem::internal)?);
        Ok(URL_SAFE_NO_PAD.encode(self.seal(&text, ATTEMPT)?))
    }

    pub(super) fn open_attempt(&self, cookie: &str) -> Option<Attempt> {
        use secrecy::ExposeSecret as _;
        let sealed = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        serde_json::from_str(self.open(&sealed, ATTEMPT)?.expose_secret()).ok()
    }
}
