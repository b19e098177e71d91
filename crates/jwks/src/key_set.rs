//! Keys by their `kid`.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};

/// The public keys that tokens may be signed with, each by its `kid` and for one algorithm alone.
#[derive(Debug, Clone)]
pub struct KeySet {
    jwks: JwkSet,
    keys: BTreeMap<String, Arc<Key>>,
}

/// A public key and the one algorithm that it is for.
#[derive(Debug)]
pub struct Key {
    algorithm: Algorithm,
    decoding: DecodingKey,
}

impl KeySet {
    /// The keys of a JSON Web Key Set that have a `kid` and are for one of these algorithms: `EdDSA`, `RS256`
    /// or `ES256`. Others are ignored, because issuers publish keys for other uses, too. Of two with one `kid` the
    /// first counts.
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
                && let Entry::Vacant(entry) = set.keys.entry(kid.clone())
            {
                entry.insert(Arc::new(Key {
                    algorithm,
                    decoding,
                }));
                set.jwks.keys.push(jwk.clone());
            }
        }
        set
    }

    pub fn get(&self, kid: &str) -> Option<&Arc<Key>> {
        self.keys.get(kid)
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys as they are published.
    pub const fn jwks(&self) -> &JwkSet {
        &self.jwks
    }
}

impl Key {
    /// The one algorithm that a token of this key may name.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub const fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

/// The one algorithm that a public key is for, by its type; `None` for shared secrets and unsupported types.
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
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
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
    fn only_public_signature_keys_of_the_wanted_kinds_are_trusted() {
        let public = Ed25519KeyPair::generate().unwrap();
        let x = Jwk::from_decoding_key(
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
        assert!(set(&json!([]), &EXTERNAL).is_empty() && !set(&keys, &EXTERNAL).is_empty());
    }

    #[test]
    fn the_first_of_two_keys_with_one_kid_counts() {
        let key = |y: &str| json!({ "kid": "k", "kty": "EC", "crv": "P-256", "x": "AQAB", "y": y });
        let both = set(&json!([key("AAAA"), key("BBBB")]), &EXTERNAL);
        assert_eq!(both.jwks(), set(&json!([key("AAAA")]), &EXTERNAL).jwks());
    }
}
