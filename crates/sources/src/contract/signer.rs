//! Signs deliveries as a provider does, to test that they are verified. It shares no code with the engine, only the
//! scheme's declaration; recorded signatures show that the declaration itself is right.

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use secrecy::SecretString;
use sha1::Sha1;
use sha2::Sha256;

use crate::{Encoding, Key, Mac, Piece, Scheme, Sent, SourceSpec, TimeForm, Verification};

/// A sender with a key, and one way to sign.
pub struct Signer {
    way: Way,
    key: String,
    pair: Option<EcdsaKeyPair>,
}

#[derive(Clone, Copy)]
enum Way {
    Scheme(Scheme<'static>),
    Header(&'static str),
    Nothing,
}

/// The id that deliveries are given where the scheme signs one.
pub const DELIVERY_ID: &str = "msg_2lead0000000000000000000001";

impl Signer {
    /// One for each way in which a source's deliveries are verified, each with a key of its own.
    pub fn all(spec: &SourceSpec) -> Vec<Self> {
        let ways: Vec<_> = match spec.verification {
            Verification::Signed(schemes) => schemes.iter().copied().map(Way::Scheme).collect(),
            Verification::SharedKey { header } => vec![Way::Header(header)],
            Verification::SignedOrKey {
                schemes, header, ..
            } => {
                let schemes = schemes.iter().copied().map(Way::Scheme);
                schemes.chain([Way::Header(header)]).collect()
            }
            Verification::PublicFormKey | Verification::PublicOrSigned(_) => vec![Way::Nothing],
            Verification::Caller => Vec::new(),
        };
        ways.into_iter().map(Self::new).collect()
    }

    fn new(way: Way) -> Self {
        let mac = match way {
            Way::Scheme(scheme) => scheme.mac,
            Way::Header(_) | Way::Nothing => Mac::HmacSha256(Key::Text),
        };
        let pair = (mac == Mac::EcdsaP256Sha256).then(|| {
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key pair is made")
        });
        let random: [u8; 32] = aws_lc_rs::rand::generate(&SystemRandom::new())
            .expect("the system has random bytes")
            .expose();
        let key = match (mac, &pair) {
            (_, Some(pair)) => {
                let key: Result<PublicKeyX509Der<'_>, _> = pair.public_key().as_der();
                STANDARD.encode(key.expect("a public key has a DER form").as_ref())
            }
            (
                Mac::HmacSha1(Key::Base64 { prefix }) | Mac::HmacSha256(Key::Base64 { prefix }),
                _,
            ) => {
                format!("{prefix}{}", STANDARD.encode(random))
            }
            (_, None) => hex::encode(random),
        };
        Self { way, key, pair }
    }

    /// The same way with another key.
    #[must_use]
    pub fn with_another_key(&self) -> Self {
        Self::new(self.way)
    }

    /// The name of what it signs by.
    pub const fn name(&self) -> &'static str {
        match &self.way {
            Way::Scheme(scheme) => scheme.name,
            Way::Header(_) => Verification::SHARED_KEY,
            Way::Nothing => Verification::PUBLIC_FORM_KEY,
        }
    }

    /// Its scheme, if it has one.
    pub const fn scheme(&self) -> Option<&Scheme<'static>> {
        match &self.way {
            Way::Scheme(scheme) => Some(scheme),
            Way::Header(_) | Way::Nothing => None,
        }
    }

    /// The key that the tenant stores.
    pub fn key(&self) -> SecretString {
        SecretString::from(self.key.as_str())
    }

    /// The headers that a body is sent with, signed at this time.
    pub fn sign(&self, body: &[u8], at: Timestamp) -> HeaderMap {
        let scheme = match &self.way {
            Way::Scheme(scheme) => scheme,
            Way::Header(header) => {
                let key = HeaderValue::from_str(&self.key).expect("a header's value");
                return HeaderMap::from_iter([(HeaderName::from_static(header), key)]);
            }
            Way::Nothing => return HeaderMap::new(),
        };
        let time = match scheme.time.map(|time| time.form) {
            Some(TimeForm::Rfc3339) => at.to_string(),
            Some(TimeForm::UnixMillis) => at.as_millisecond().to_string(),
            Some(TimeForm::UnixSeconds) | None => at.as_second().to_string(),
        };
        self.sign_by(scheme, body, &time)
    }

    /// The headers that a body is sent with where the time among them is this text, signed as it stands. `None` where no
    /// time is signed.
    pub fn sign_at_text(&self, body: &[u8], time: &str) -> Option<HeaderMap> {
        let scheme = self.scheme().filter(|scheme| scheme.time.is_some())?;
        Some(self.sign_by(scheme, body, time))
    }

    fn sign_by(&self, scheme: &Scheme<'static>, body: &[u8], time: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut insert = |name: &'static str, value: &str| {
            let value = HeaderValue::from_str(value).expect("a header's value");
            headers.insert(HeaderName::from_static(name), value);
        };
        if let Some(header) = scheme.time.and_then(|time| time.header) {
            insert(header, time);
        }
        let mut message = Vec::new();
        for piece in scheme.signed {
            match piece {
                Piece::Body => message.extend_from_slice(body),
                Piece::Time => message.extend_from_slice(time.as_bytes()),
                Piece::Text(text) => message.extend_from_slice(text.as_bytes()),
                Piece::Header(name) => {
                    insert(name, DELIVERY_ID);
                    message.extend_from_slice(DELIVERY_ID.as_bytes());
                }
            }
        }
        let signature = self.signature(scheme, &message);
        let signature = match scheme.encoding {
            Encoding::Base64 => STANDARD.encode(signature),
            Encoding::Hex => hex::encode(signature),
        };
        let value = match scheme.sent {
            Sent::Alone { prefix } => format!("{prefix}{signature}"),
            Sent::TimestampList {
                time: time_name,
                signature: name,
            } => format!("{time_name}={time},{name}={signature}"),
            Sent::VersionList { version } => format!("{version},{signature}"),
        };
        insert(scheme.header, &value);
        headers
    }

    fn signature(&self, scheme: &Scheme<'static>, message: &[u8]) -> Vec<u8> {
        let key = |form| match form {
            Key::Text => self.key.clone().into_bytes(),
            Key::Base64 { prefix } => {
                let base64 = self.key.strip_prefix(prefix).unwrap_or_default();
                STANDARD.decode(base64).expect("it was encoded here")
            }
        };
        match (scheme.mac, &self.pair) {
            (Mac::HmacSha1(form), _) => {
                let mac = Hmac::<Sha1>::new_from_slice(&key(form));
                let mac = mac.expect("a key of any length is one");
                mac.chain_update(message).finalize().into_bytes().to_vec()
            }
            (Mac::HmacSha256(form), _) => {
                let mac = Hmac::<Sha256>::new_from_slice(&key(form));
                let mac = mac.expect("a key of any length is one");
                mac.chain_update(message).finalize().into_bytes().to_vec()
            }
            (Mac::EcdsaP256Sha256, pair) => {
                let pair = pair.as_ref().expect("made with the signer");
                let signature = pair.sign(&SystemRandom::new(), message);
                signature.expect("a pair signs").as_ref().to_vec()
            }
        }
    }
}
