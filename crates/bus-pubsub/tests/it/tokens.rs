//! Tokens as Google makes them, and as others would.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::keys::{AUDIENCE, EMAIL, Key, NOW};

/// The claims of a push. Source: Pub/Sub, "Authenticate push subscriptions".
pub(crate) fn claims() -> Value {
    json!({
        "aud": AUDIENCE,
        "azp": "113774264463038321964",
        "email": EMAIL,
        "email_verified": true,
        "exp": NOW + 3_600,
        "iat": NOW,
        "iss": "https://accounts.google.com",
        "sub": "113774264463038321964",
    })
}

/// The claims with one that is another, or with `null` is missing.
pub(crate) fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    let fields = claims.as_object_mut().unwrap();
    if value.is_null() {
        fields.remove(name).unwrap();
    } else {
        fields.insert(name.to_owned(), value);
    }
    claims
}

/// A token that Google would sign with this key.
pub(crate) fn signed(key: &Key, claims: &Value) -> String {
    signed_as(Algorithm::RS256, &key.kid, &key.private, claims)
}

pub(crate) fn signed_as(
    algorithm: Algorithm,
    kid: &str,
    key: &EncodingKey,
    claims: &Value,
) -> String {
    let mut header = Header::new(algorithm);
    header.kid = Some(kid.to_owned());
    encode(&header, claims, key).unwrap()
}
