//! Proving a token genuine.

use std::sync::Arc;

use domain::TenantId;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header, errors::ErrorKind};
use jwks::{FetchedKeys, JwkSet, Key, KeySet, Unavailable};
use serde::Deserialize;

use super::{Caller, Role};

/// Clocks of issuers may differ from ours by this much, in seconds.
const LEEWAY_SECONDS: f64 = 30.0;

/// A longer token is not read.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Whose tokens count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// Who must have issued a token: its `iss`.
    pub issuer: String,
    /// Whom it must be for: one of its `aud`.
    pub audience: String,
}

/// Why a token is refused. Holds nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No JWT, or of an algorithm or with a critical header that we do not take.
    #[error("it is not a token of a kind that is taken here")]
    Malformed,
    /// No key of the set has its `kid`. With keys that are fetched, the sign that they may have changed.
    #[error("it is signed with a key that is not known here")]
    UnknownKey,
    /// Its algorithm is not its key's.
    #[error("its algorithm is not the one of its key")]
    Algorithm,
    /// The signature is wrong.
    #[error("its signature is not valid")]
    Signature,
    /// From somebody else.
    #[error("it is from another issuer")]
    Issuer,
    /// For somebody else.
    #[error("it is for another audience")]
    Audience,
    /// A claim is missing or of a wrong type.
    #[error("it lacks a claim, or has one of a wrong type: it takes `iss`, `aud`, `sub` and `exp`")]
    Claims,
    /// Too old.
    #[error("it has expired; get a new one")]
    Expired,
    /// Too new.
    #[error("it is not valid yet")]
    NotYet,
}

/// Why a token was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is not genuine, not for us, or not valid now.
    #[error("the token is refused: {0}")]
    Refused(#[from] Refusal),
    /// The issuer's keys could not be fetched yet, so nothing can be said about any token. Try again.
    #[error(transparent)]
    KeysUnavailable(#[from] Unavailable),
}

/// Tells genuine tokens from others.
#[derive(Debug, Clone)]
pub struct Verifier {
    trust: Trust,
    keys: Keys,
}

#[derive(Debug, Clone)]
enum Keys {
    /// They never change.
    Given(Arc<KeySet>),
    /// The issuer changes them.
    Fetched(FetchedKeys),
}

/// What is read of a token; `iss` and `aud` are compared before.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(rename = "iss")]
    _one_issuer: String,
    exp: f64,
    nbf: Option<f64>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    tenants: Vec<String>,
}

impl Verifier {
    /// A verifier of tokens of this issuer, signed with one of these keys.
    pub fn new(trust: Trust, keys: KeySet) -> Self {
        Self {
            trust,
            keys: Keys::Given(Arc::new(keys)),
        }
    }

    /// A verifier of tokens of an issuer that publishes its keys.
    pub const fn of_issuer(trust: Trust, keys: FetchedKeys) -> Self {
        Self {
            trust,
            keys: Keys::Fetched(keys),
        }
    }

    /// The keys, as they are published.
    ///
    /// # Errors
    /// [`Unavailable`] while an issuer's never could be fetched.
    pub async fn jwks(&self) -> Result<JwkSet, Unavailable> {
        Ok(match &self.keys {
            Keys::Given(keys) => keys.jwks().clone(),
            Keys::Fetched(keys) => keys.key_set().await?.jwks().clone(),
        })
    }

    /// Proves a token genuine, and valid at this time. Waits only where an issuer's keys have to be fetched.
    ///
    /// The key is chosen by `kid` from those of the issuer, and its algorithm with it: nothing in the token can bring
    /// a key or change what a key is for.
    ///
    /// # Errors
    /// [`VerifyError`]: what is wrong with it, or that it could not be decided.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, VerifyError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::Malformed.into());
        }
        let header = decode_header(token).map_err(|_| Refusal::Malformed)?;
        if header.crit.is_some() {
            return Err(Refusal::Malformed.into()); // the library would let it pass
        }
        let kid = header.kid.ok_or(Refusal::UnknownKey)?;
        let fetched;
        let key = match &self.keys {
            Keys::Given(keys) => keys.get(&kid).map(Arc::as_ref),
            Keys::Fetched(keys) => {
                fetched = keys.find(&kid).await?;
                fetched.as_deref()
            }
        };
        let key = key.ok_or(Refusal::UnknownKey)?;
        Ok(self.check(token, header.alg, key, now)?)
    }

    fn check(
        &self,
        token: &str,
        named: Algorithm,
        key: &Key,
        now: Timestamp,
    ) -> Result<Caller, Refusal> {
        if named != key.algorithm() {
            return Err(Refusal::Algorithm);
        }
        let decoded = decode::<Claims>(token, key.decoding(), &self.validation(key.algorithm()));
        let claims = decoded.map_err(|error| refusal(error.kind()))?.claims;
        claims.check_time(now)?;
        Ok(claims.into_caller())
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        validation.set_issuer(&[&self.trust.issuer]);
        validation.set_audience(&[&self.trust.audience]);
        // The library would ask the machine's clock. `Claims::check_time` asks ours.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation
    }
}

impl Claims {
    fn check_time(&self, now: Timestamp) -> Result<(), Refusal> {
        let now = now.as_duration().as_secs_f64();
        if now >= self.exp + LEEWAY_SECONDS {
            return Err(Refusal::Expired);
        }
        match self.nbf {
            Some(nbf) if now < nbf - LEEWAY_SECONDS => Err(Refusal::NotYet),
            _ => Ok(()),
        }
    }

    /// Roles that we do not know, and what cannot be a tenant of ours, grant nothing.
    fn into_caller(self) -> Caller {
        let roles = self
            .roles
            .iter()
            .filter_map(|role| role.parse::<Role>().ok());
        let tenants = self
            .tenants
            .iter()
            .filter_map(|slug| TenantId::new(slug).ok());
        Caller {
            role: roles.max(),
            tenants: tenants.collect(),
            subject: self.sub,
        }
    }
}

fn refusal(kind: &ErrorKind) -> Refusal {
    match kind {
        ErrorKind::InvalidSignature => Refusal::Signature,
        ErrorKind::InvalidIssuer => Refusal::Issuer,
        ErrorKind::InvalidAudience => Refusal::Audience,
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
    use jsonwebtoken::{DecodingKey, EncodingKey, Header, encode, jwk::Jwk};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_token_of_an_external_issuer_is_taken_with_its_keys_own_algorithm_alone() {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&P256, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&P256, pkcs8.as_ref()).unwrap();
        let public = DecodingKey::from_ec_der(pair.public_key().as_ref());
        let mut jwk = Jwk::from_decoding_key(&public, Some(Algorithm::ES256)).unwrap();
        jwk.common.key_id = Some("k".to_owned());
        let trust = Trust {
            issuer: "i".to_owned(),
            audience: "a".to_owned(),
        };
        let verifier = Verifier::new(
            trust,
            KeySet::new(&JwkSet { keys: vec![jwk] }, &[Algorithm::ES256]),
        );

        let claims =
            json!({ "iss": "i", "aud": "a", "sub": "s", "exp": 100, "roles": ["operator"] });
        let token = |algorithm, key: &EncodingKey| {
            let mut header = Header::new(algorithm);
            header.kid = Some("k".to_owned());
            encode(&header, &claims, key).unwrap()
        };
        let now = Timestamp::from_second(50).unwrap();
        let genuine = token(Algorithm::ES256, &EncodingKey::from_ec_der(pkcs8.as_ref()));
        let caller = verifier.verify(&genuine, now).await.unwrap();
        assert!(caller.is_at_least(Role::Operator) && !caller.is_at_least(Role::TenantAdmin));

        let secret = EncodingKey::from_secret(pair.public_key().as_ref());
        let confused = token(Algorithm::HS256, &secret);
        assert_eq!(
            verifier.verify(&confused, now).await.unwrap_err(),
            Refusal::Algorithm.into()
        );
    }
}
