//! What every verifier of tokens has in common: the header, the key, the signature, the time.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header, errors::ErrorKind};
use serde::de::DeserializeOwned;

use crate::{FetchedKeys, Key, KeySet, Unavailable};

/// A longer token is not read.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The keys of one issuer.
#[derive(Debug, Clone)]
pub enum Keys {
    /// They never change.
    Given(Arc<KeySet>),
    /// The issuer changes them.
    Fetched(FetchedKeys),
}

/// Why a token is refused. Holds nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No JWT, or one with an unknown algorithm or a critical header.
    #[error("it is not a token of a supported kind")]
    Malformed,
    /// The issuer has no key with its `kid`. Fetched keys may have changed a moment ago.
    #[error("it is signed with an unknown key")]
    UnknownKey,
    /// The header names another algorithm than the one that the key is for.
    #[error("its algorithm is not its key's")]
    Algorithm,
    /// Also where the platform has verified and removed the signature.
    #[error("its signature is invalid")]
    Signature,
    /// A claim is missing or has a wrong type.
    #[error("a claim is missing or has a wrong type")]
    Claims,
    /// Its `iss` is another.
    #[error("it is from another issuer")]
    Issuer,
    /// Its `aud` is another.
    #[error("it is for another audience")]
    Audience,
    /// It belongs to another account, or to an address that the issuer has not verified.
    #[error("it belongs to another account, or its address is not verified")]
    Account,
    /// Its `exp` has passed.
    #[error("it has expired; get a new one")]
    Expired,
    /// Its `iat` or `nbf` is in the future.
    #[error("it is not valid yet")]
    NotYet,
}

/// Why a token was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is forged, for somebody else, or not valid now.
    #[error("the token is refused: {0}")]
    Refused(#[from] Refusal),
    /// The issuer's keys were never fetched, so no token can be judged. Try again later.
    #[error(transparent)]
    KeysUnavailable(#[from] Unavailable),
}

impl Keys {
    /// Verifies a token's signature and returns its claims. Whom the token is from and for, and [when it is
    /// valid](check_time), the caller compares. Waits only if the issuer's keys must be fetched.
    ///
    /// The key is chosen by `kid` among the issuer's, and the algorithm with it: nothing in the token can bring a key or
    /// change what a key is for.
    ///
    /// # Errors
    /// [`VerifyError::Refused`] for a token without a valid signature, or whose claims are no `C`;
    /// [`VerifyError::KeysUnavailable`] while there are no keys.
    pub async fn verify<C: DeserializeOwned>(&self, token: &str) -> Result<C, VerifyError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::Malformed.into());
        }
        let header = decode_header(token).map_err(|_| Refusal::Malformed)?;
        if header.crit.is_some() {
            return Err(Refusal::Malformed.into()); // the library would let it pass
        }
        let kid = header.kid.ok_or(Refusal::UnknownKey)?;
        let key = self.find(&kid).await?.ok_or(Refusal::UnknownKey)?;
        if header.alg != key.algorithm() {
            return Err(Refusal::Algorithm.into());
        }
        let decoded = decode(token, key.decoding(), &signature_alone(key.algorithm()));
        Ok(decoded.map_err(|error| refusal(error.kind()))?.claims)
    }

    /// All keys, for publishing them.
    ///
    /// # Errors
    /// [`Unavailable`] while they were never fetched.
    pub async fn key_set(&self) -> Result<Arc<KeySet>, Unavailable> {
        match self {
            Self::Given(keys) => Ok(keys.clone()),
            Self::Fetched(keys) => keys.key_set().await,
        }
    }

    async fn find(&self, kid: &str) -> Result<Option<Arc<Key>>, Unavailable> {
        match self {
            Self::Given(keys) => Ok(keys.get(kid).cloned()),
            Self::Fetched(keys) => keys.find(kid).await,
        }
    }
}

/// Compares a token's times, in seconds since 1970, with ours. The issuer's clock may differ from ours by `leeway`.
///
/// # Errors
/// [`Refusal::Expired`] and [`Refusal::NotYet`].
pub fn check_time(
    now: Timestamp,
    not_before: Option<f64>,
    expires: f64,
    leeway: Duration,
) -> Result<(), Refusal> {
    let (now, leeway) = (now.as_duration().as_secs_f64(), leeway.as_secs_f64());
    if now >= expires + leeway {
        Err(Refusal::Expired)
    } else if not_before.is_some_and(|from| now < from - leeway) {
        Err(Refusal::NotYet)
    } else {
        Ok(())
    }
}

/// The library checks nothing but the signature: it would ask the machine's clock for the time.
fn signature_alone(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_aud = false;
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn refusal(kind: &ErrorKind) -> Refusal {
    match kind {
        ErrorKind::InvalidSignature => Refusal::Signature,
        ErrorKind::InvalidAlgorithm => Refusal::Algorithm,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::Json(_) => Refusal::Claims,
        _ => Refusal::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING as P256, EcdsaKeyPair, KeyPair as _},
    };
    use jsonwebtoken::{
        DecodingKey, EncodingKey, Header, encode,
        jwk::{Jwk, JwkSet},
    };
    use serde_json::{Value, json};

    use super::*;

    struct Issuer {
        keys: Keys,
        private: EncodingKey,
        public: Vec<u8>,
    }

    impl Issuer {
        fn new() -> Self {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&P256, &SystemRandom::new()).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(&P256, pkcs8.as_ref()).unwrap();
            let public = pair.public_key().as_ref().to_vec();
            let key = DecodingKey::from_ec_der(&public);
            let mut jwk = Jwk::from_decoding_key(&key, Some(Algorithm::ES256)).unwrap();
            jwk.common.key_id = Some("k".to_owned());
            let set = KeySet::new(&JwkSet { keys: vec![jwk] }, &[Algorithm::ES256]);
            Self {
                keys: Keys::Given(Arc::new(set)),
                private: EncodingKey::from_ec_der(pkcs8.as_ref()),
                public,
            }
        }
    }

    fn token(algorithm: Algorithm, kid: &str, key: &EncodingKey) -> String {
        let mut header = Header::new(algorithm);
        header.kid = Some(kid.to_owned());
        encode(&header, &json!({ "sub": "s", "exp": 1 }), key).unwrap()
    }

    #[tokio::test]
    async fn only_the_issuers_key_with_its_algorithm_verifies() {
        let (issuer, other) = (Issuer::new(), Issuer::new());
        let genuine = token(Algorithm::ES256, "k", &issuer.private);
        let claims: Value = issuer.keys.verify(&genuine).await.unwrap();
        assert_eq!(claims["sub"], "s", "an old token is the caller's to refuse");

        let secret = EncodingKey::from_secret(&issuer.public);
        let with_shared_secret = token(Algorithm::HS256, "k", &secret);
        let with_unknown_key = token(Algorithm::ES256, "other", &issuer.private);
        for (token, refusal) in [
            (
                token(Algorithm::ES256, "k", &other.private),
                Refusal::Signature,
            ),
            (with_shared_secret, Refusal::Algorithm),
            (with_unknown_key, Refusal::UnknownKey),
            (genuine.replace('.', ""), Refusal::Malformed),
            (
                format!("{genuine}{}", "x".repeat(8_192)),
                Refusal::Malformed,
            ),
        ] {
            let error = issuer.keys.verify::<Value>(&token).await.unwrap_err();
            assert_eq!(error, refusal.into(), "{token}");
        }
        let error = issuer.keys.verify::<Vec<u8>>(&genuine).await.unwrap_err();
        assert_eq!(error, Refusal::Claims.into());
    }

    #[test]
    fn a_token_is_valid_between_its_times_give_or_take_the_leeway() {
        let check = |now, not_before| {
            let now = Timestamp::from_second(now).unwrap();
            check_time(now, not_before, 100.0, Duration::from_secs(30))
        };
        assert_eq!(check(129, None), Ok(()));
        assert_eq!(check(130, None), Err(Refusal::Expired));
        assert_eq!(check(50, Some(80.0)), Ok(()));
        assert_eq!(check(49, Some(80.0)), Err(Refusal::NotYet));
    }
}
