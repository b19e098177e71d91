//! Proof that a delivery is genuine. Every scheme exists once, here; a source only names those that it has.

use std::{collections::BTreeMap, fmt, sync::LazyLock};

use aws_lc_rs::{
    digest,
    signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey, UnparsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use domain::text;
use hmac::{Hmac, KeyInit as _, Mac as _, digest::block_api::EagerHash};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use sha2::Sha256;

use crate::SourceSpec;

/// A delivery that was proven genuine. Only [`verify`] makes one, and [`Verified::restored`] for what was stored.
#[derive(Clone)]
pub struct Verified {
    body: Bytes,
    scheme: SignatureScheme,
    headers: BTreeMap<String, String>,
}

/// Why a delivery is not proven, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refused {
    /// It has no signature of a scheme that is taken.
    #[error("the signature is missing")]
    Missing,
    /// No key makes this signature of this body.
    #[error("the signature is wrong")]
    Wrong,
    /// The signature is right, and too old or from the future.
    #[error("the signature is too old or from the future")]
    Stale,
}

/// A way to prove a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureScheme {
    /// `Signature`: HMAC-SHA1 of the raw body in base64. The key is taken as text, though it looks hexadecimal.
    CallRailV3,
    /// `x-callrail-signature`: `sha256=` and HMAC-SHA256 of the raw body in hexadecimal.
    Sha256Hex,
    /// `X-Twilio-Email-Event-Webhook-Signature`: ECDSA over P-256 and SHA-256 of the timestamp's header and the raw
    /// body. The key is the public one, base64 of its `SubjectPublicKeyInfo`, with or without PEM armour.
    SendGridEcdsa,
}

/// Proves a delivery by one of the source's schemes and one of the tenant's keys.
///
/// `accepted` are the names of the schemes that are taken; empty: all that the source has. A tenant has two keys while
/// one replaces the other. Everything is compared in constant time.
///
/// # Errors
/// [`Refused`], for every scheme the same.
pub fn verify(
    spec: &SourceSpec,
    accepted: &[String],
    keys: &[SecretString],
    headers: &HeaderMap,
    body: Bytes,
    now: Timestamp,
) -> Result<Verified, Refused> {
    let is_accepted = |scheme: SignatureScheme| {
        accepted.is_empty() || accepted.iter().any(|name| name == scheme.name())
    };
    let mut refused = Refused::Missing;
    for scheme in spec
        .signatures
        .iter()
        .copied()
        .filter(|scheme| is_accepted(*scheme))
    {
        match scheme.prove(keys, headers, &body, now) {
            Ok(()) => {
                return Ok(Verified {
                    body,
                    scheme,
                    headers: kept(headers),
                });
            }
            Err(reason) => refused = refused.max(reason),
        }
    }
    Err(refused)
}

/// Does the work of [`verify`] for a tenant that does not exist, so that time does not tell who does. Never proves.
pub fn verify_dummy(
    spec: &SourceSpec,
    headers: &HeaderMap,
    body: Bytes,
    now: Timestamp,
) -> Refused {
    static SHARED_KEY: LazyLock<[SecretString; 1]> =
        LazyLock::new(|| [SecretString::from("00000000000000000000000000000000")]);
    // A point of the curve whose private key nobody kept.
    static PUBLIC_KEY: LazyLock<[SecretString; 1]> = LazyLock::new(|| {
        [SecretString::from(
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvbkcWZXSt55groIZlLKrEAOQB3M8UA0+sEH0osKXG9suXYrjbQbaubXKTtreYbxV16WE8W1GPiiM05jJuj1GEw==",
        )]
    });
    let is_public = spec.signatures.contains(&SignatureScheme::SendGridEcdsa);
    let keys: &[SecretString] = if is_public {
        &*PUBLIC_KEY
    } else {
        &*SHARED_KEY
    };
    verify(spec, &[], keys, headers, body, now)
        .err()
        .unwrap_or(Refused::Wrong)
}

impl SignatureScheme {
    const ALL: [Self; 3] = [Self::CallRailV3, Self::Sha256Hex, Self::SendGridEcdsa];

    /// As it is stored, shown and configured.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CallRailV3 => "callrail-v3",
            Self::Sha256Hex => "sha256-hex",
            Self::SendGridEcdsa => "sendgrid-ecdsa",
        }
    }

    /// Whether the sender takes a key of our choice. Else its provider makes one and shows it.
    pub const fn is_key_ours(self) -> bool {
        match self {
            Self::Sha256Hex => true,
            Self::CallRailV3 | Self::SendGridEcdsa => false,
        }
    }

    /// What is wrong with a key before it is kept, in words that say what to enter.
    pub fn key_fault(self, key: &str) -> Option<&'static str> {
        match self {
            Self::CallRailV3 | Self::Sha256Hex => {
                let is_key =
                    (8..=256).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
                (!is_key).then_some("8 to 256 letters, digits and signs, without white space")
            }
            Self::SendGridEcdsa => {
                let is_key = public_key(key)
                    .is_some_and(|key| ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).is_ok());
                (!is_key).then_some(
                    "the verification key that SendGrid shows: base64 of a public key over P-256",
                )
            }
        }
    }

    fn prove(
        self,
        keys: &[SecretString],
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Refused> {
        match self {
            Self::CallRailV3 => {
                let mut sent = [0; 20];
                let is_whole =
                    STANDARD.decode_slice(only(headers, "signature")?, &mut sent) == Ok(sent.len());
                is_whole.then_some(()).ok_or(Refused::Wrong)?;
                any(keys, |key| is_mac::<Sha1>(key, body, &sent))
            }
            Self::Sha256Hex => {
                let mut sent = [0; 32];
                let text = only(headers, "x-callrail-signature")?
                    .strip_prefix(b"sha256=")
                    .ok_or(Refused::Wrong)?;
                hex::decode_to_slice(text, &mut sent).map_err(|_| Refused::Wrong)?;
                any(keys, |key| is_mac::<Sha256>(key, body, &sent))
            }
            Self::SendGridEcdsa => {
                let signature = only(headers, "x-twilio-email-event-webhook-signature")?;
                let timestamp = only(headers, "x-twilio-email-event-webhook-timestamp")?;
                let signature =
                    decode(signature, MAX_P256_SIGNATURE_BYTES).ok_or(Refused::Wrong)?;
                let mut hash = digest::Context::new(&digest::SHA256);
                hash.update(timestamp);
                hash.update(body);
                let hash = hash.finish();
                any(keys, |key| is_signed(key, &hash, &signature))?;
                if is_fresh(timestamp, now) {
                    Ok(())
                } else {
                    Err(Refused::Stale)
                }
            }
        }
    }
}

/// The longest DER form of a signature over P-256.
const MAX_P256_SIGNATURE_BYTES: usize = 72;
/// The longest key that is looked at; a `SubjectPublicKeyInfo` over P-256 has 91 bytes.
const MAX_PUBLIC_KEY_BYTES: usize = 256;
/// How old a signature may be. SendGrid repeats deliveries for a day; UNCONFIRMED: whether a repeat is signed anew.
const MAX_AGE: SignedDuration = SignedDuration::from_hours(24);
/// How far the sender's clock may be ahead of ours.
const MAX_AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// A header that must be there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a [u8], Refused> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Err(Refused::Missing),
        (Some(value), None) => Ok(value.as_bytes()),
        (Some(_), Some(_)) => Err(Refused::Wrong),
    }
}

/// Whether any key proves it. All are tried, so that time does not tell which; an empty key proves nothing.
fn any(keys: &[SecretString], proves: impl Fn(&str) -> bool) -> Result<(), Refused> {
    let keys = keys
        .iter()
        .map(|key| key.expose_secret())
        .filter(|key| !key.is_empty());
    let is_proven = keys.fold(false, |is_proven, key| proves(key) | is_proven);
    if is_proven {
        Ok(())
    } else {
        Err(Refused::Wrong)
    }
}

fn is_mac<D: EagerHash>(key: &str, body: &[u8], sent: &[u8]) -> bool
where
    Hmac<D>: hmac::KeyInit + hmac::Mac,
{
    let Ok(mut mac) = Hmac::<D>::new_from_slice(key.as_bytes()) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(sent).is_ok()
}

fn is_signed(key: &str, hash: &digest::Digest, signature: &[u8]) -> bool {
    public_key(key).is_some_and(|key| {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
            .verify_digest(hash, signature)
            .is_ok()
    })
}

/// The bytes of a public key in base64, with or without PEM armour.
fn public_key(key: &str) -> Option<Vec<u8>> {
    let armoured = key.lines().filter(|line| !line.starts_with("-----"));
    let base64: String = armoured
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    decode(base64.as_bytes(), MAX_PUBLIC_KEY_BYTES)
}

/// Strict base64 of at most `max` bytes.
fn decode(text: &[u8], max: usize) -> Option<Vec<u8>> {
    if text.len() > max.div_ceil(3) * 4 {
        return None;
    }
    STANDARD
        .decode(text)
        .ok()
        .filter(|bytes| bytes.len() <= max)
}

/// Whether a timestamp in Unix seconds lies in the window around `now`.
fn is_fresh(timestamp: &[u8], now: Timestamp) -> bool {
    let seconds = std::str::from_utf8(timestamp)
        .ok()
        .and_then(|text| text.parse().ok());
    let Some(sent_at) = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()) else {
        return false;
    };
    (-MAX_AHEAD..=MAX_AGE).contains(&now.duration_since(sent_at))
}

/// The headers worth keeping: none that proves anything, or is secret.
fn kept(headers: &HeaderMap) -> BTreeMap<String, String> {
    const KEPT: [&str; 3] = ["content-type", "user-agent", "x-request-id"];
    const MAX_CHARS: usize = 300;
    let value = |name| {
        headers
            .get(name)?
            .to_str()
            .ok()
            .and_then(|value| text::line(value, MAX_CHARS))
    };
    KEPT.into_iter()
        .filter_map(|name| Some((name.to_owned(), value(name)?)))
        .collect()
}

impl Verified {
    /// A delivery that was proven before it was stored; `scheme` is the name that proved it. None: there is no such
    /// scheme.
    pub fn restored(scheme: &str, headers: BTreeMap<String, String>, body: Bytes) -> Option<Self> {
        let scheme = SignatureScheme::ALL
            .into_iter()
            .find(|known| known.name() == scheme)?;
        Some(Self {
            body,
            scheme,
            headers,
        })
    }

    /// The raw body, as it was signed.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The scheme that proved it.
    pub const fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// The headers worth keeping, by lower-case name; no signature, no secret.
    pub const fn headers(&self) -> &BTreeMap<String, String> {
        &self.headers
    }

    /// The body's type, as the sender names it.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get("content-type").map(String::as_str)
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("scheme", &self.scheme)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
