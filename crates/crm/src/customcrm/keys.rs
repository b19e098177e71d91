//! The keys that sign, and the signatures.
//!
//! Source: "Standard Webhooks specification" 1.0.0, "Signature scheme": HMAC-SHA256 over `{id}.{timestamp}.{body}`, the
//! identifier `v1`, entries separated by spaces; the key is what stands behind `whsec_`, decoded.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

/// How many keys may sign at once: the new one and the old one.
const MAX_KEYS: usize = 2;
/// The bytes of a key.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The keys of an account, the newest first.
#[derive(Debug)]
pub(super) struct Keys(Vec<hmac::Key>);

impl Keys {
    /// Reads the one spelling that there is; everything else is refused when it is entered, not at the first lead. The
    /// error says what is expected.
    pub(super) fn parse(secret: &SecretString) -> Result<Self, String> {
        let keys: Option<Vec<_>> = secret.expose_secret().split(',').map(key).collect();
        match keys {
            Some(keys) if keys.len() <= MAX_KEYS => Ok(Self(keys)),
            _ => Err(
                "`whsec_` followed by base64 of 24 to 64 random bytes (`openssl rand -base64 32`), or two of these \
                 separated by a comma"
                    .to_owned(),
            ),
        }
    }

    /// The value of `webhook-signature`.
    pub(super) fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let head = format!("{id}.{}.", at.as_second());
        let signatures = self.0.iter().map(|key| {
            let mut mac = hmac::Context::with_key(key);
            mac.update(head.as_bytes());
            mac.update(body);
            format!("v1,{}", STANDARD.encode(mac.sign()))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

fn key(text: &str) -> Option<hmac::Key> {
    let bytes = STANDARD.decode(text.trim().strip_prefix("whsec_")?).ok()?;
    KEY_BYTES
        .contains(&bytes.len())
        .then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Result<Keys, String> {
        Keys::parse(&text.into())
    }

    #[test]
    fn the_published_vectors_are_signed_alike() {
        for (key, id, at, body, expected) in [
            (
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
                "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                r#"{"email":"test@example.com","username":"test_user"}"#,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
        ] {
            let at = Timestamp::from_second(at).unwrap();
            let signature = keys(key).unwrap().sign(id, at, body.as_bytes());
            assert_eq!(signature, expected);
        }
    }

    #[test]
    fn two_keys_sign_while_the_receiver_changes_over() {
        let both = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let body = br#"{"test": 2432232314}"#;
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signatures = keys(both).unwrap().sign(id, at, body);
        let entries: Vec<_> = signatures.split(' ').collect();
        assert_eq!(entries.len(), 2);
        assert_eq!(
            entries[0],
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        assert_ne!(entries[0], entries[1]);
    }

    #[test]
    fn every_other_spelling_of_a_key_is_refused_at_once() {
        for text in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_short",
            "whsec_AAAA",
            "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            let error = keys(text).unwrap_err();
            assert!(error.contains("whsec_"), "{text}: {error}");
            assert!(!error.contains("MfKQ"), "{error}");
        }
    }
}
