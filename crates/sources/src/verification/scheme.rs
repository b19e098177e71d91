//! How a provider signs its deliveries, as data.

use std::{sync::LazyLock, time::Duration};

use aws_lc_rs::{
    constant_time, digest, hmac,
    signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey, UnparsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::text;
use http::HeaderName;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};

/// A way to sign a delivery. A source declares it from these parts, or changes what differs from
/// [`Scheme::TIMESTAMP_LIST`] or [`Scheme::STANDARD_WEBHOOKS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme<'s> {
    /// Its name as it is stored, shown and configured. Once used, it stays for ever.
    pub name: &'static str,
    /// The algorithm, and how its key is written.
    pub mac: Mac,
    /// The header that carries the signature. Lower case.
    pub header: &'s str,
    /// How that header is written.
    pub sent: Sent<'s>,
    /// How the bytes of a signature are written.
    pub encoding: Encoding,
    /// What is signed: these pieces, one right behind the other.
    pub signed: &'s [Piece<'s>],
    /// The time among the signed pieces. Without one, a delivery can be replayed at any time, and only deduplication
    /// protects.
    pub time: Option<SignedTime<'s>>,
    /// The header among the signed pieces that carries the provider's id of the delivery.
    pub delivery_id: Option<&'static str>,
    /// Whether the sender signs with a key of our choice. Otherwise its provider makes the key and shows it.
    pub is_key_ours: bool,
}

/// The algorithm of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mac {
    /// HMAC with SHA-1. Sound as a MAC, though nobody would choose it today.
    HmacSha1(Key),
    /// HMAC with SHA-256.
    HmacSha256(Key),
    /// ECDSA over P-256 with SHA-256. The key is the public one: base64 of its `SubjectPublicKeyInfo`, with or without
    /// PEM armor.
    EcdsaP256Sha256,
}

/// How a shared key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The text is the key, also where it looks like hexadecimal or base64.
    Text,
    /// The key's bytes in base64 behind this prefix.
    Base64 {
        /// `whsec_`.
        prefix: &'static str,
    },
}

/// How the signature's header is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent<'s> {
    /// The signature behind a prefix, which may be empty: `sha256=<signature>`.
    Alone {
        /// `sha256=`.
        prefix: &'s str,
    },
    /// Pairs with commas between them, one of which is the signed time: `t=1773759131,v1=<signature>`. Unknown names
    /// are skipped.
    TimestampList {
        /// The time's name: `t`.
        time: &'s str,
        /// The signature's name: `v1`.
        signature: &'s str,
    },
    /// Signatures with spaces between them, each behind its version: `v1,<signature> v1,<signature>`. Other versions
    /// are skipped.
    VersionList {
        /// `v1`.
        version: &'s str,
    },
}

/// How the bytes of a signature are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// The standard alphabet with padding.
    Base64,
    /// Hexadecimal.
    Hex,
}

/// A piece of what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'s> {
    /// The raw body.
    Body,
    /// The signed time, as it was sent.
    Time,
    /// The value of a header that must be there once.
    Header(&'s str),
    /// This text. What stands before it must not contain it: otherwise two deliveries would have one signature.
    Text(&'s str),
}

/// The time that a signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedTime<'s> {
    /// The header that carries it. `None`: it stands in the signature's own header, as [`Sent::TimestampList`] writes
    /// it.
    pub header: Option<&'s str>,
    /// How it is written. Another form is no time, whatever signs it.
    pub form: TimeForm,
    /// How old it may be.
    pub max_age: Duration,
    /// How far the sender's clock may be ahead of ours.
    pub max_ahead: Duration,
}

/// How a signed time is written. The text as it was sent is what is signed; it is read for the window alone, and each
/// time has one way to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeForm {
    /// Seconds since 1970 in plain digits: `1795190400`. Neither a sign, nor leading zeros, nor a fraction.
    UnixSeconds,
    /// The same in milliseconds: `1795190400000`.
    UnixMillis,
    /// `2026-11-20T16:00:00Z`, with or without a fraction of the second.
    Rfc3339,
}

impl TimeForm {
    /// The time that a text says.
    fn parse(self, sent: &[u8]) -> Option<Timestamp> {
        let text = std::str::from_utf8(sent).ok()?;
        let number = || -> Option<i64> {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            let is_canonical = is_plain && (text == "0" || !text.starts_with('0'));
            text.parse().ok().filter(|_| is_canonical)
        };
        match self {
            Self::UnixSeconds => Timestamp::from_second(number()?).ok(),
            Self::UnixMillis => Timestamp::from_millisecond(number()?).ok(),
            Self::Rfc3339 => text.parse().ok(),
        }
    }

    /// The time as it is sent.
    pub(super) fn write(self, time: Timestamp) -> String {
        match self {
            Self::UnixSeconds => time.as_second().to_string(),
            Self::UnixMillis => time.as_millisecond().to_string(),
            Self::Rfc3339 => time.to_string(),
        }
    }
}

pub(super) const FIVE_MINUTES: Duration = Duration::from_secs(5 * 60);

impl Scheme<'static> {
    /// A list of time and signature: `t=<Unix seconds>,v1=<hexadecimal HMAC-SHA256 of "{t}.{body}">`. Its source names
    /// scheme and header, and the tolerance where it is not 5 minutes.
    pub const TIMESTAMP_LIST: Self = Self {
        name: "",
        mac: Mac::HmacSha256(Key::Text),
        header: "",
        sent: Sent::TimestampList {
            time: "t",
            signature: "v1",
        },
        encoding: Encoding::Hex,
        signed: &[Piece::Time, Piece::Text("."), Piece::Body],
        time: Some(SignedTime {
            header: None,
            form: TimeForm::UnixSeconds,
            max_age: FIVE_MINUTES,
            max_ahead: FIVE_MINUTES,
        }),
        delivery_id: None,
        is_key_ours: true,
    };

    /// Standard Webhooks 1.0.0 with a shared key: `webhook-signature: v1,<base64 HMAC-SHA256 of "{id}.{time}.{body}">`.
    ///
    /// Source: standardwebhooks.com, "Standard Webhooks specification"; the tolerance is that of the official libraries.
    pub const STANDARD_WEBHOOKS: Self = Self {
        name: "standard-webhooks",
        mac: Mac::HmacSha256(Key::Base64 { prefix: "whsec_" }),
        header: "webhook-signature",
        sent: Sent::VersionList { version: "v1" },
        encoding: Encoding::Base64,
        signed: &[
            Piece::Header("webhook-id"),
            Piece::Text("."),
            Piece::Time,
            Piece::Text("."),
            Piece::Body,
        ],
        time: Some(SignedTime {
            header: Some("webhook-timestamp"),
            form: TimeForm::UnixSeconds,
            max_age: FIVE_MINUTES,
            max_ahead: FIVE_MINUTES,
        }),
        delivery_id: Some("webhook-id"),
        is_key_ours: true,
    };

    /// As GitHub signs: `x-hub-signature-256: sha256=<hexadecimal HMAC-SHA256 of the body>`. It covers no time.
    ///
    /// Source: docs.github.com, "Validating webhook deliveries".
    pub const GITHUB: Self = Self {
        name: "github",
        header: "x-hub-signature-256",
        sent: Sent::Alone { prefix: "sha256=" },
        signed: &[Piece::Body],
        time: None,
        ..Self::TIMESTAMP_LIST
    };
}

impl Scheme<'_> {
    /// The headers that sign a body, with their values; `id` names the delivery where its id is signed. `None` for a scheme
    /// that signs other headers, or whose key only the sender has.
    pub(super) fn sign(
        &self,
        key: &str,
        id: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Option<Vec<(HeaderName, String)>> {
        let name = |header: &str| header.parse::<HeaderName>().ok();
        let form = self.time.map_or(TimeForm::UnixSeconds, |time| time.form);
        let time = form.write(now);
        let mut headers = Vec::new();
        let time_header = self.time.and_then(|time| time.header);
        headers.extend(time_header.and_then(name).map(|name| (name, time.clone())));
        headers.extend(
            self.delivery_id
                .and_then(name)
                .map(|name| (name, id.to_owned())),
        );
        let mut pieces: Vec<&[u8]> = Vec::new();
        for piece in self.signed {
            pieces.push(match piece {
                Piece::Body => body,
                Piece::Time => time.as_bytes(),
                Piece::Text(text) => text.as_bytes(),
                Piece::Header(header) if self.delivery_id == Some(header) => id.as_bytes(),
                Piece::Header(_) => return None,
            });
        }
        let signature = self.mac.sign(key, &pieces)?;
        let signature = match self.encoding {
            Encoding::Base64 => STANDARD.encode(signature),
            Encoding::Hex => hex::encode(signature),
        };
        let value = match self.sent {
            Sent::Alone { prefix } => format!("{prefix}{signature}"),
            Sent::TimestampList {
                time: time_name,
                signature: signature_name,
            } => format!("{time_name}={time},{signature_name}={signature}"),
            Sent::VersionList { version } => format!("{version},{signature}"),
        };
        headers.push((name(self.header)?, value));
        Some(headers)
    }
}

/// The longest DER form of a signature over P-256.
const MAX_P256_SIGNATURE_BYTES: usize = 72;
/// The longest public key that is read; a `SubjectPublicKeyInfo` over P-256 has 91 bytes.
const MAX_PUBLIC_KEY_BYTES: usize = 256;
/// The sizes of a shared key in base64, as Standard Webhooks bounds them.
const SHARED_KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

impl Mac {
    /// What is wrong with a key before it is stored, in words that say what to enter.
    pub(super) fn key_fault(self, key: &str) -> Option<&'static str> {
        // A public key is shown in lines.
        let is_armored = self == Self::EcdsaP256Sha256;
        let (is_key, expected) = match self {
            Self::HmacSha1(Key::Text) | Self::HmacSha256(Key::Text) => (is_text_key(key), TEXT_KEY),
            Self::HmacSha1(Key::Base64 { prefix }) | Self::HmacSha256(Key::Base64 { prefix }) => (
                // Without the prefix, nobody knows whether base64 is meant or the text itself.
                key.starts_with(prefix) && shared_key(key, prefix).is_some(),
                "the whole key as it is shown, with its prefix: 24 to 64 bytes in base64. If the sender shows base64 \
                 alone, put the prefix before it",
            ),
            Self::EcdsaP256Sha256 => (
                public_key(key)
                    .is_some_and(|key| ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).is_ok()),
                "the verification key as it is shown: base64 of a public key over P-256",
            ),
        };
        let is_stray = |c: char| text::is_unseen(c) && !(is_armored && c.is_whitespace());
        (!is_key).then_some(if key.contains(is_stray) {
            UNSEEN
        } else {
            expected
        })
    }

    /// A key of ours from random bytes, as the sender is to be given it. `None`: only the provider makes such keys.
    pub(super) fn made_key(self, random: &[u8; 32]) -> Option<SecretString> {
        match self {
            Self::HmacSha1(Key::Text) | Self::HmacSha256(Key::Text) => {
                Some(hex::encode(random).into())
            }
            Self::HmacSha1(Key::Base64 { prefix }) | Self::HmacSha256(Key::Base64 { prefix }) => {
                Some(format!("{prefix}{}", STANDARD.encode(random)).into())
            }
            Self::EcdsaP256Sha256 => None,
        }
    }

    /// A key that costs what a tenant's costs, for tenants that do not exist.
    pub(super) fn dummy_keys(self) -> &'static [SecretString] {
        static TEXT: LazyLock<[SecretString; 1]> =
            LazyLock::new(|| [SecretString::from("00000000000000000000000000000000")]);
        static BASE64: LazyLock<[SecretString; 1]> =
            LazyLock::new(|| [SecretString::from("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]);
        // A point of the curve whose private key nobody has.
        static PUBLIC: LazyLock<[SecretString; 1]> = LazyLock::new(|| {
            [SecretString::from(
                "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvbkcWZXSt55groIZlLKrEAOQB3M8UA0+sEH0osKXG9suXYrjbQbaubXKTtreYbxV16WE8W1GPiiM05jJuj1GEw==",
            )]
        });
        match self {
            Self::HmacSha1(Key::Text) | Self::HmacSha256(Key::Text) => &*TEXT,
            Self::HmacSha1(Key::Base64 { .. }) | Self::HmacSha256(Key::Base64 { .. }) => &*BASE64,
            Self::EcdsaP256Sha256 => &*PUBLIC,
        }
    }

    /// Whether bytes of this length can be a signature.
    pub(super) fn is_signature_length(self, bytes: usize) -> bool {
        match self {
            Self::HmacSha1(_) => bytes == 20,
            Self::HmacSha256(_) => bytes == 32,
            Self::EcdsaP256Sha256 => (1..=MAX_P256_SIGNATURE_BYTES).contains(&bytes),
        }
    }

    /// Whether a key makes one of these signatures of these pieces. All are compared, each in constant time.
    pub(super) fn is_right(self, key: &str, pieces: &[&[u8]], signatures: &[Vec<u8>]) -> bool {
        if self == Self::EcdsaP256Sha256 {
            let Some(key) = public_key(key) else {
                return false;
            };
            let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key);
            let mut hash = digest::Context::new(&digest::SHA256);
            pieces.iter().for_each(|piece| hash.update(piece));
            let hash = hash.finish();
            return any(signatures, |one| key.verify_digest(&hash, one).is_ok());
        }
        let Some(right) = self.sign(key, pieces) else {
            return false;
        };
        any(signatures, |one| {
            constant_time::verify_slices_are_equal(right.as_ref(), one).is_ok()
        })
    }

    /// The signature of these pieces by a shared key. `None` if the key is none, or the sender's alone.
    fn sign(self, key: &str, pieces: &[&[u8]]) -> Option<hmac::Tag> {
        let (algorithm, form) = match self {
            Self::HmacSha1(form) => (hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, form),
            Self::HmacSha256(form) => (hmac::HMAC_SHA256, form),
            Self::EcdsaP256Sha256 => return None,
        };
        let key = match form {
            Key::Text => hmac::Key::new(algorithm, key.as_bytes()),
            Key::Base64 { prefix } => hmac::Key::new(algorithm, &shared_key(key, prefix)?),
        };
        let mut mac = hmac::Context::with_key(&key);
        pieces.iter().for_each(|piece| mac.update(piece));
        Some(mac.sign())
    }
}

/// Whether it holds for any; all are tried, so that time does not tell which.
fn any<T>(items: &[T], holds: impl Fn(&T) -> bool) -> bool {
    items.iter().fold(false, |found, item| holds(item) | found)
}

/// Whether any key is right. All are tried, so that time does not tell which; an empty key is none.
pub(super) fn any_key(keys: &[SecretString], is_right: impl Fn(&str) -> bool) -> bool {
    any(keys, |key| {
        let key = key.expose_secret();
        !key.is_empty() && is_right(key)
    })
}

/// What is wrong with a key that is none because of something that nobody sees in it.
const UNSEEN: &str = "the key without white space: a blank, a line end or a character that is not shown came into it when it was copied";

/// What is wrong with a text that can be no key.
pub(super) fn text_key_fault(key: &str) -> Option<&'static str> {
    Mac::HmacSha256(Key::Text).key_fault(key)
}

const TEXT_KEY: &str = "8 to 256 letters, digits and signs, without white space";

/// Whether a text can be a key, or a shared secret.
fn is_text_key(key: &str) -> bool {
    (8..=256).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether two texts are equal, in a time that tells nothing of them, their lengths included.
pub(super) fn is_same_text(a: &[u8], b: &[u8]) -> bool {
    let hash = |text| digest::digest(&digest::SHA256, text);
    constant_time::verify_slices_are_equal(hash(a).as_ref(), hash(b).as_ref()).is_ok()
}

/// The bytes of a shared key in base64. The prefix may be missing in a key that was stored by an older version; none is
/// stored without it now.
fn shared_key(key: &str, prefix: &str) -> Option<Vec<u8>> {
    let key = key.strip_prefix(prefix).unwrap_or(key);
    decode(Encoding::Base64, key.as_bytes(), *SHARED_KEY_BYTES.end())
        .filter(|key| SHARED_KEY_BYTES.contains(&key.len()))
}

/// The bytes of a public key in base64, with or without PEM armor.
fn public_key(key: &str) -> Option<Vec<u8>> {
    let lines = key.lines().filter(|line| !line.starts_with("-----"));
    let base64: String = lines
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    decode(Encoding::Base64, base64.as_bytes(), MAX_PUBLIC_KEY_BYTES)
}

/// The bytes of a text, at most `max`: strictly, so that one signature has one way to be written in base64.
pub(super) fn decode(encoding: Encoding, text: &[u8], max: usize) -> Option<Vec<u8>> {
    let bytes = match encoding {
        Encoding::Base64 if text.len() <= max.div_ceil(3) * 4 => STANDARD.decode(text).ok()?,
        Encoding::Hex if text.len() <= max * 2 => hex::decode(text).ok()?,
        Encoding::Base64 | Encoding::Hex => return None,
    };
    (bytes.len() <= max).then_some(bytes)
}

impl SignedTime<'_> {
    /// Whether a time, as it was sent, lies in the window around `now`.
    pub(super) fn is_fresh(&self, sent: &[u8], now: Timestamp) -> bool {
        let limit = |limit| SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
        self.form.parse(sent).is_some_and(|sent_at| {
            let age = now.duration_since(sent_at);
            age <= limit(self.max_age) && -age <= limit(self.max_ahead)
        })
    }
}
