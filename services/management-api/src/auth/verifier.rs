//! Proving a token genuine.

use std::collections::{BTreeMap, btree_map::Entry};

use domain::TenantId;
use jiff::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};
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

/// The public keys that tokens may be signed with, each by its `kid` and for one algorithm alone.
#[derive(Debug, Clone)]
pub struct KeySet {
    jwks: JwkSet,
    keys: BTreeMap<String, Key>,
}

#[derive(Debug, Clone)]
struct Key {
    algorithm: Algorithm,
    decoding: DecodingKey,
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

/// Tells genuine tokens from others.
#[derive(Debug, Clone)]
pub struct Verifier {
    trust: Trust,
    keys: KeySet,
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
    pub const fn new(trust: Trust, keys: KeySet) -> Self {
        Self { trust, keys }
    }

    /// The keys.
    pub const fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// Proves a token genuine, and valid at this time.
    ///
    /// The key is chosen by `kid` from our own set, and its algorithm with it: nothing in the token can bring a key or
    /// change what a key is for.
    ///
    /// # Errors
    /// [`Refusal`] says what is wrong with it.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::Malformed);
        }
        let header = decode_header(token).map_err(|_| Refusal::Malformed)?;
        if header.crit.is_some() {
            return Err(Refusal::Malformed); // the library would let it pass
        }
        let kid = header.kid.ok_or(Refusal::UnknownKey)?;
        let key = self.keys.keys.get(&kid).ok_or(Refusal::UnknownKey)?;
        if header.alg != key.algorithm {
            return Err(Refusal::Algorithm);
        }
        let decoded = decode::<Claims>(token, &key.decoding, &self.validation(key.algorithm));
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

impl KeySet {
    /// The keys of a JSON Web Key Set that have a `kid` and are for one of these algorithms: `EdDSA`, `RS256`
    /// or `ES256`. Others are left out: issuers publish keys for other uses, too.
    pub fn new(jwks: &JwkSet, algorithms: &[Algorithm]) -> Self {
        let mut set = Self {
            jwks: JwkSet { keys: Vec::new() },
            keys: BTreeMap::new(),
        };
        for jwk in &jwks.keys {
            let Some(algorithm) = algorithm(jwk).filter(|found| algorithms.contains(found)) else {
                continue;
            };
            if let (Some(kid), Ok(decoding)) = (&jwk.common.key_id, DecodingKey::from_jwk(jwk))
                && let Entry::Vacant(place) = set.keys.entry(kid.clone())
            {
                place.insert(Key {
                    algorithm,
                    decoding,
                });
                set.jwks.keys.push(jwk.clone());
            }
        }
        set
    }

    /// The keys, as they are published.
    pub const fn jwks(&self) -> &JwkSet {
        &self.jwks
    }
}

/// The one algorithm that a public key is for, by its type; none for shared secrets and what we do not take.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let by_type = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    let is_named = jwk
        .common
        .key_algorithm
        .is_none_or(|named| named == KeyAlgorithm::from(by_type));
    let is_for_signatures = !matches!(
        jwk.common.public_key_use,
        Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_))
    );
    (is_named && is_for_signatures).then_some(by_type)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{
            ECDSA_P256_SHA256_FIXED_SIGNING as P256, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        },
    };
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;

    const EXTERNAL: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];

    fn set(keys: &Value, algorithms: &[Algorithm]) -> KeySet {
        KeySet::new(
            &serde_json::from_value(json!({ "keys": keys })).unwrap(),
            algorithms,
        )
    }

    fn kids(set: &KeySet) -> Vec<&str> {
        set.keys.keys().map(String::as_str).collect()
    }

    #[test]
    fn only_public_keys_for_signatures_of_the_wanted_kinds_are_trusted() {
        let public = Ed25519KeyPair::generate().unwrap();
        let x = jsonwebtoken::jwk::Jwk::from_decoding_key(
            &DecodingKey::from_ed_der(public.public_key().as_ref()),
            None,
        );
        let x = serde_json::to_value(x.unwrap()).unwrap()["x"].clone();
        let keys = json!([
            { "kid": "rsa", "kty": "RSA", "n": "AQAB", "e": "AQAB" },
            { "kid": "rsa256", "kty": "RSA", "alg": "RS256", "use": "sig", "n": "AQAB", "e": "AQAB" },
            { "kid": "rsa512", "kty": "RSA", "alg": "RS512", "n": "AQAB", "e": "AQAB" },
            { "kid": "pss", "kty": "RSA", "alg": "PS256", "n": "AQAB", "e": "AQAB" },
            { "kid": "encrypts", "kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB" },
            { "kid": "secret", "kty": "oct", "alg": "HS256", "k": "AQAB" },
            { "kid": "p256", "kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB" },
            { "kid": "p384", "kty": "EC", "crv": "P-384", "x": "AQAB", "y": "AQAB" },
            { "kid": "ed", "kty": "OKP", "crv": "Ed25519", "x": x },
            { "kid": "no ed", "kty": "OKP", "crv": "P-256", "x": x },
            { "kty": "RSA", "n": "AQAB", "e": "AQAB" },
        ]);
        assert_eq!(kids(&set(&keys, &EXTERNAL)), ["p256", "rsa", "rsa256"]);
        assert_eq!(kids(&set(&keys, &[Algorithm::EdDSA])), ["ed"]);
        assert_eq!(set(&keys, &EXTERNAL).jwks().keys.len(), 3);
    }

    #[test]
    fn the_first_of_two_keys_with_one_kid_counts() {
        let key = |y: &str| json!({ "kid": "k", "kty": "EC", "crv": "P-256", "x": "AQAB", "y": y });
        let both = set(&json!([key("AAAA"), key("BBBB")]), &EXTERNAL);
        assert_eq!(both.jwks(), set(&json!([key("AAAA")]), &EXTERNAL).jwks());
    }

    #[test]
    fn a_token_of_an_external_issuer_is_taken_with_its_keys_own_algorithm_alone() {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&P256, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&P256, pkcs8.as_ref()).unwrap();
        let public = DecodingKey::from_ec_der(pair.public_key().as_ref());
        let mut jwk = Jwk::from_decoding_key(&public, Some(Algorithm::ES256)).unwrap();
        jwk.common.key_id = Some("k".to_owned());
        let trust = Trust {
            issuer: "i".to_owned(),
            audience: "a".to_owned(),
        };
        let verifier = Verifier::new(trust, KeySet::new(&JwkSet { keys: vec![jwk] }, &EXTERNAL));

        let claims =
            json!({ "iss": "i", "aud": "a", "sub": "s", "exp": 100, "roles": ["operator"] });
        let token = |algorithm, key: &EncodingKey| {
            let mut header = Header::new(algorithm);
            header.kid = Some("k".to_owned());
            encode(&header, &claims, key).unwrap()
        };
        let now = Timestamp::from_second(50).unwrap();
        let genuine = token(Algorithm::ES256, &EncodingKey::from_ec_der(pkcs8.as_ref()));
        let caller = verifier.verify(&genuine, now).unwrap();
        assert!(caller.is_at_least(Role::Operator) && !caller.is_at_least(Role::TenantAdmin));

        let secret = EncodingKey::from_secret(pair.public_key().as_ref());
        let confused = token(Algorithm::HS256, &secret);
        assert_eq!(
            verifier.verify(&confused, now).unwrap_err(),
            Refusal::Algorithm
        );
    }
}
