//! A secret in a body.

use domain::text;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// A text that is never printed, nor repeated in an answer. What nobody sees at its ends came along when it was copied, and is
/// left off.
#[derive(Debug)]
pub(crate) struct SecretText(pub(crate) SecretString);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Whatever else it is may still be the secret, without its quotes: serde's own words would repeat it.
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(SecretString::from(text::without_unseen_ends(&text)))),
            _ => Err(D::Error::custom("expected a text in quotes")),
        }
    }
}
