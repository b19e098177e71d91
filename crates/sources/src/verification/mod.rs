//! Whether a delivery is genuine. This is the one engine; a source only declares what it has to check.

mod own;
mod scheme;

use std::{collections::BTreeMap, fmt, time::Duration};

use bytes::Bytes;
use domain::{Apart, Facts, News};
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

pub use own::OwnScheme;
pub(crate) use own::SIGNATURE;
pub use scheme::{Encoding, Key, Mac, Piece, Scheme, Sent, SignedTime, TimeForm};

use self::scheme::{any_key, decode, is_same_text};
use crate::{Fields, ReadError, SourceSpec, Wanted, aliases, fields::line};

/// How a source's deliveries are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// By one of these schemes, the usual one first.
    Signed(&'static [Scheme<'static>]),
    /// By a secret that the sender repeats in a header.
    SharedKey {
        /// The header. Lower case.
        header: &'static str,
    },
    /// By the token in its URL alone, or, where a server posts and the tenant has a key, by one of these schemes too. A
    /// signature that is there must be right.
    PublicOrSigned(&'static [Scheme<'static>]),
    /// By one of these schemes or, from senders of the provider's that cannot sign, by a secret that they repeat in a
    /// header.
    SignedOrKey {
        /// The schemes, the usual one first.
        schemes: &'static [Scheme<'static>],
        /// The header. Lower case.
        header: &'static str,
        /// Keys that the provider has published, for tests. They are refused before they are stored.
        published_keys: &'static [&'static str],
    },
    /// By the token in its URL alone. Anybody who sees the form's page knows it, so it tells only whose the delivery
    /// is.
    PublicFormKey,
    /// By the token or key of whoever calls our API, before the delivery is made. No webhook is ever verified by it.
    Caller,
}

/// A delivery that was verified. Only [`verify`] makes one, and [`Verified::restored`] of what was stored.
#[derive(Clone)]
pub struct Verified {
    provider: &'static str,
    body: Bytes,
    method: Method,
    headers: BTreeMap<String, String>,
}

/// What verified a delivery.
#[derive(Clone, Copy)]
struct Method {
    name: &'static str,
    delivery_id: Option<&'static str>,
}

impl Method {
    const OF_RECOVERED: Self = Self {
        name: Verified::RECOVERED,
        delivery_id: None,
    };
}

/// Why a delivery is not verified, the least telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum SignatureError {
    /// It has no signature of a scheme that is accepted.
    #[error("the signature is missing")]
    Missing,
    /// No key makes this signature of this body.
    #[error("the signature is wrong")]
    Wrong,
    /// The signature is right, and too old or from the future.
    #[error("the signature is too old or from the future")]
    Stale,
}

/// Verifies a delivery by one of the source's schemes and one of the tenant's keys.
///
/// `accepted` are the names of the schemes that are accepted; empty: all that the source has. A tenant has two keys
/// while one replaces the other, and none verifies nothing. Everything is compared in constant time.
///
/// # Errors
/// [`SignatureError`], for every scheme the same.
pub fn verify(
    spec: &SourceSpec,
    accepted: &[String],
    keys: &[SecretString],
    headers: &HeaderMap,
    body: Bytes,
    now: Timestamp,
) -> Result<Verified, SignatureError> {
    let delivery = Delivery {
        headers,
        body: &body,
        now,
    };
    let method = spec
        .verification
        .check(accepted, |_| keys, keys, &delivery)?;
    Ok(Verified {
        provider: spec.slug,
        headers: kept(spec, method, headers),
        body,
        method,
    })
}

/// The same where the tenant may have said how its sender signs ([`Source::signed_as`](crate::Source::signed_as)): then that
/// alone is accepted.
///
/// # Errors
/// As those of [`verify`].
pub fn verify_as_set(
    spec: &SourceSpec,
    own: Option<&OwnScheme>,
    accepted: &[String],
    keys: &[SecretString],
    headers: &HeaderMap,
    body: Bytes,
    now: Timestamp,
) -> Result<Verified, SignatureError> {
    let Some(own) = own else {
        return verify(spec, accepted, keys, headers, body, now);
    };
    let delivery = Delivery {
        headers,
        body: &body,
        now,
    };
    let method = own.read(|scheme| scheme.check(keys, &delivery).map(|()| scheme.method()))?;
    Ok(Verified {
        provider: spec.slug,
        headers: kept(spec, method, headers),
        body,
        method,
    })
}

/// Does the work of [`verify`] for a tenant that does not exist, so that time does not tell who does. It never
/// succeeds.
pub fn verify_dummy(
    spec: &SourceSpec,
    headers: &HeaderMap,
    body: &Bytes,
    now: Timestamp,
) -> SignatureError {
    let delivery = Delivery { headers, body, now };
    let shared = Mac::HmacSha256(Key::Text).dummy_keys();
    spec.verification
        .check(&[], Mac::dummy_keys, shared, &delivery)
        .err()
        .unwrap_or(SignatureError::Wrong)
}

/// What is to be verified.
struct Delivery<'d> {
    headers: &'d HeaderMap,
    body: &'d [u8],
    now: Timestamp,
}

impl Verification {
    /// The name of [`Verification::SharedKey`] where schemes have theirs.
    pub const SHARED_KEY: &'static str = "shared-key";
    /// The name of [`Verification::PublicFormKey`] where schemes have theirs.
    pub const PUBLIC_FORM_KEY: &'static str = "public-form-key";
    /// The name of [`Verification::Caller`] for a program's key where schemes have theirs.
    pub const API_KEY: &'static str = "api-key";
    /// The name of [`Verification::Caller`] for a person's token where schemes have theirs.
    pub const TOKEN: &'static str = "token";

    /// The names of what verifies, as they are stored and configured; the usual one first.
    pub fn names(&self) -> Vec<&'static str> {
        self.methods().map(|method| method.name).collect()
    }

    /// Whether a tenant has to have a key.
    pub const fn needs_key(&self) -> bool {
        !self.is_public() && !matches!(self, Self::Caller)
    }

    /// Whether the URL alone is enough, so that it is no secret.
    pub const fn is_public(&self) -> bool {
        matches!(self, Self::PublicFormKey | Self::PublicOrSigned(_))
    }

    /// The headers that sign a body with this key now, with their values: for a test of our own, which `id` names. `None`
    /// where a signature needs what only the provider has.
    pub fn sign(
        &self,
        accepted: &[String],
        key: &SecretString,
        id: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Option<Vec<(HeaderName, String)>> {
        let (Self::Signed(schemes)
        | Self::PublicOrSigned(schemes)
        | Self::SignedOrKey { schemes, .. }) = self
        else {
            return None;
        };
        let schemes = schemes.iter();
        let mut schemes = schemes.filter(|scheme| is_accepted(accepted, scheme.name));
        schemes.find_map(|scheme| scheme.sign(key.expose_secret(), id, body, now))
    }

    /// What is wrong with a key before it is stored, in words that say what to enter. `accepted` as in [`verify`].
    pub fn key_fault(&self, accepted: &[String], key: &str) -> Option<&'static str> {
        match self {
            Self::SignedOrKey { published_keys, .. } if published_keys.contains(&key) => {
                Some("the key of your own webhook: this one is published, for tests alone")
            }
            Self::Signed(schemes) | Self::SignedOrKey { schemes, .. } => schemes
                .iter()
                .filter(|scheme| is_accepted(accepted, scheme.name))
                .find_map(|scheme| scheme.mac.key_fault(key)),
            // Whoever posts signs by one of them; which, is not known.
            Self::PublicOrSigned(schemes) => {
                let faults = schemes
                    .iter()
                    .filter(|scheme| is_accepted(accepted, scheme.name))
                    .map(|scheme| scheme.mac.key_fault(key));
                let faults: Option<Vec<_>> = faults.collect();
                faults.and_then(|faults| faults.first().copied())
            }
            Self::SharedKey { .. } => scheme::text_key_fault(key),
            Self::PublicFormKey => Some("nothing: the URL alone says whose a form is"),
            Self::Caller => Some("nothing: whoever calls has a key or a token of their own"),
        }
    }

    /// A key of ours from random bytes, for senders that sign with a key of our choice. `None` if the provider makes
    /// the key, or there is none. `accepted` as in [`verify`].
    pub fn made_key(&self, accepted: &[String], random: &[u8; 32]) -> Option<SecretString> {
        let (Self::Signed(schemes) | Self::PublicOrSigned(schemes)) = self else {
            return None;
        };
        // A public URL takes the keys of some tools beside ours.
        let is_public = self.is_public();
        let mut accepted = schemes
            .iter()
            .filter(|scheme| is_accepted(accepted, scheme.name))
            .filter(|scheme| scheme.is_key_ours || !is_public);
        let first = accepted.next().filter(|scheme| scheme.is_key_ours)?;
        accepted
            .all(|scheme| scheme.is_key_ours)
            .then(|| first.mac.made_key(random))?
    }

    fn methods(&self) -> impl Iterator<Item = Method> {
        let (schemes, others): (_, &[_]) = match self {
            Self::Signed(schemes) => (*schemes, &[]),
            Self::PublicOrSigned(schemes) => (*schemes, &[Self::PUBLIC_FORM_KEY]),
            Self::SignedOrKey { schemes, .. } => (*schemes, &[Self::SHARED_KEY]),
            Self::SharedKey { .. } => (&[][..], &[Self::SHARED_KEY]),
            Self::PublicFormKey => (&[][..], &[Self::PUBLIC_FORM_KEY]),
            Self::Caller => (&[][..], &[Self::API_KEY, Self::TOKEN]),
        };
        let other = others.iter().map(|name| Method {
            name,
            delivery_id: None,
        });
        schemes.iter().map(Scheme::method).chain(other)
    }

    /// What verifies the delivery. Each scheme has its keys; `shared` are those that a header repeats.
    fn check<'k>(
        &self,
        accepted: &[String],
        keys: impl Fn(Mac) -> &'k [SecretString],
        shared: &[SecretString],
        delivery: &Delivery<'_>,
    ) -> Result<Method, SignatureError> {
        let mut error = SignatureError::Missing;
        for (at, method) in self.methods().enumerate() {
            if !is_accepted(accepted, method.name) {
                continue;
            }
            let repeated = |header: &str| {
                only(delivery.headers, header).and_then(|sent| {
                    let is_right = any_key(shared, |key| is_same_text(key.as_bytes(), sent));
                    is_right.then_some(()).ok_or(SignatureError::Wrong)
                })
            };
            let checked = match self {
                Self::Signed(schemes) => schemes[at].check(keys(schemes[at].mac), delivery),
                Self::SignedOrKey {
                    schemes, header, ..
                } => match schemes.get(at) {
                    Some(scheme) => scheme.check(keys(scheme.mac), delivery),
                    // Who signs has to be right about that: a key in a header mends no wrong signature.
                    None if error == SignatureError::Missing => repeated(header),
                    None => Err(error),
                },
                Self::SharedKey { header } => repeated(header),
                Self::PublicOrSigned(schemes) => match schemes.get(at) {
                    Some(scheme) if keys(scheme.mac).is_empty() => Err(SignatureError::Missing),
                    // A tool that makes its own key signs whether or not the key is stored here. What it signs by another
                    // one is worth as much as what nobody signed.
                    Some(scheme) => match scheme.check(keys(scheme.mac), delivery) {
                        Err(SignatureError::Wrong) if !scheme.is_key_ours => {
                            Err(SignatureError::Missing)
                        }
                        checked => checked,
                    },
                    None if error == SignatureError::Missing => Ok(()),
                    None => Err(error),
                },
                Self::PublicFormKey => Ok(()),
                Self::Caller => Err(SignatureError::Missing),
            };
            match checked {
                Ok(()) => return Ok(method),
                Err(reason) => error = error.max(reason),
            }
        }
        Err(error)
    }
}

fn is_accepted(accepted: &[String], name: &str) -> bool {
    accepted.is_empty() || accepted.iter().any(|known| known == name)
}

/// Signatures of one delivery that are compared. Senders send two while one key replaces another.
const MAX_SIGNATURES: usize = 8;

impl Scheme<'_> {
    const fn method(&self) -> Method {
        Method {
            name: self.name,
            delivery_id: self.delivery_id,
        }
    }

    fn check(&self, keys: &[SecretString], delivery: &Delivery<'_>) -> Result<(), SignatureError> {
        let header = only(delivery.headers, self.header)?;
        let (signatures, listed_time) = self.sent.parse(header)?;
        let time = match self.time.and_then(|time| time.header) {
            Some(name) => Some(only(delivery.headers, name)?),
            None => listed_time,
        };
        let pieces = self.pieces(delivery, time)?;
        let signatures: Vec<_> = signatures
            .into_iter()
            .filter_map(|text| decode(self.encoding, text, MAX_SIGNATURE_BYTES))
            .filter(|bytes| self.mac.is_signature_length(bytes.len()))
            .collect();
        if !any_key(keys, |key| self.mac.is_right(key, &pieces, &signatures)) {
            return Err(SignatureError::Wrong);
        }
        // Only now: the age of a wrong signature says nothing.
        match (self.time, time) {
            (Some(window), Some(sent)) if window.is_fresh(sent, delivery.now) => Ok(()),
            (Some(_), _) => Err(SignatureError::Stale),
            (None, _) => Ok(()),
        }
    }

    /// What is signed.
    fn pieces<'d>(
        &'d self,
        delivery: &Delivery<'d>,
        time: Option<&'d [u8]>,
    ) -> Result<Vec<&'d [u8]>, SignatureError> {
        let mut pieces: Vec<&[u8]> = Vec::with_capacity(self.signed.len());
        for piece in self.signed {
            pieces.push(match piece {
                Piece::Body => delivery.body,
                Piece::Time => time.ok_or(SignatureError::Wrong)?,
                Piece::Header(name) => only(delivery.headers, name)?,
                Piece::Text(text) => {
                    let before = pieces.last().copied().unwrap_or_default();
                    let mut windows = before.windows(text.len().max(1));
                    if windows.any(|window| window == text.as_bytes()) {
                        return Err(SignatureError::Wrong);
                    }
                    text.as_bytes()
                }
            });
        }
        Ok(pieces)
    }
}

const MAX_SIGNATURE_BYTES: usize = 72;

/// The signatures of a header as they are written, and the time where it stands among them.
type Parsed<'h> = (Vec<&'h [u8]>, Option<&'h [u8]>);

impl Sent<'_> {
    fn parse<'h>(&self, header: &'h [u8]) -> Result<Parsed<'h>, SignatureError> {
        let (mut signatures, mut times) = (Vec::new(), Vec::new());
        match self {
            Self::Alone { prefix } => {
                signatures.extend(header.strip_prefix(prefix.as_bytes()));
            }
            Self::TimestampList { time, signature } => {
                for pair in header.split(|byte| *byte == b',') {
                    match split_once(pair.trim_ascii_start(), b'=') {
                        Some((name, value)) if name == time.as_bytes() => times.push(value),
                        Some((name, value)) if name == signature.as_bytes() => {
                            signatures.push(value);
                        }
                        Some(_) | None => {}
                    }
                }
            }
            Self::VersionList { version } => {
                let entries = header.split(|byte| *byte == b' ');
                let pairs = entries.filter_map(|entry| split_once(entry, b','));
                let wanted = pairs.filter(|(name, _)| *name == version.as_bytes());
                signatures.extend(wanted.map(|(_, value)| value));
            }
        }
        if (1..=MAX_SIGNATURES).contains(&signatures.len()) && times.len() <= 1 {
            Ok((signatures, times.pop()))
        } else {
            Err(SignatureError::Wrong)
        }
    }
}

fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == separator)?;
    Some((&text[..at], &text[at + 1..]))
}

/// A header that must be there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a [u8], SignatureError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Err(SignatureError::Missing),
        (Some(value), None) => Ok(value.as_bytes()),
        (Some(_), Some(_)) => Err(SignatureError::Wrong),
    }
}

/// Headers that are stored of every delivery.
const KEPT: [&str; 3] = ["content-type", "user-agent", "x-request-id"];

/// The headers that are stored: none that verifies anything or is secret.
fn kept(spec: &SourceSpec, method: Method, headers: &HeaderMap) -> BTreeMap<String, String> {
    const MAX_CHARS: usize = 300;
    let value = |name| line(headers.get(name)?.to_str().ok()?, MAX_CHARS);
    KEPT.iter()
        .chain(spec.kept_headers)
        .chain(&method.delivery_id)
        .filter_map(|name| Some(((*name).to_owned(), value(*name)?)))
        .collect()
}

impl Verified {
    /// The scheme of what nobody delivered.
    pub const RECOVERED: &str = "recovered";

    /// Something that was found at the provider, through the tenant's own account, in place of its delivery.
    pub fn recovered(spec: &SourceSpec, content_type: &str, body: Bytes) -> Self {
        let content_type = ("content-type".to_owned(), content_type.to_owned());
        Self {
            provider: spec.slug,
            body,
            method: Method::OF_RECOVERED,
            headers: BTreeMap::from([content_type]),
        }
    }

    /// What somebody posted to our API, whose token (a program's key, if `is_program`) was proven genuine; `caller` is who
    /// it is.
    pub fn of_caller(
        spec: &'static SourceSpec,
        is_program: bool,
        caller: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Self {
        let method = Method {
            name: if is_program {
                Verification::API_KEY
            } else {
                Verification::TOKEN
            },
            delivery_id: None,
        };
        let mut headers = kept(spec, method, headers);
        headers.extend(line(caller, 200).map(|caller| ("sent-by".to_owned(), caller)));
        Self {
            provider: spec.slug,
            body,
            method,
            headers,
        }
    }

    /// A delivery that was verified before it was stored; `scheme` is the name of what verified it. `None` if the
    /// source has no such scheme.
    pub fn restored(
        spec: &SourceSpec,
        scheme: &str,
        headers: BTreeMap<String, String>,
        body: Bytes,
    ) -> Option<Self> {
        let method = spec
            .verification
            .methods()
            .chain([Method::OF_RECOVERED])
            .find(|method| method.name == scheme)?;
        Some(Self {
            provider: spec.slug,
            body,
            method,
            headers,
        })
    }

    /// The raw body, as it was signed.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The name of the scheme that verified it.
    pub const fn scheme(&self) -> &'static str {
        self.method.name
    }

    /// The stored headers, by lower-case name; no signature, no secret.
    pub const fn headers(&self) -> &BTreeMap<String, String> {
        &self.headers
    }

    /// The same with what the door found out, under a name that no kept header has.
    #[must_use]
    pub(crate) fn noted(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same with this part of its body: for a body that tells of several things.
    #[must_use]
    pub(crate) fn part(&self, body: Bytes) -> Self {
        Self {
            body,
            headers: self.headers.clone(),
            ..*self
        }
    }

    /// The stored headers and the body, for whoever stores them.
    pub fn into_parts(self) -> (BTreeMap<String, String>, Bytes) {
        (self.headers, self.body)
    }

    /// The body's type, as the sender names it.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get("content-type").map(String::as_str)
    }

    /// The provider's id of the delivery, if the signature covers one. A strange one is none: the body's hash tells
    /// repeats then.
    pub fn delivery_id(&self) -> Option<String> {
        let id = self.headers.get(self.method.delivery_id?)?;
        let is_id = (1..=200).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        is_id.then(|| id.clone())
    }

    /// News of the thing that has these ids at the provider, canonical first; `kind` says what they are ids of. It
    /// reports no edit, and is worked on at once.
    pub fn news(&self, kind: &str, ids: &[impl AsRef<str>], mut facts: Facts) -> Box<News> {
        let aliases = aliases(self.provider, kind, ids);
        facts.external_id = aliases.first().map(|alias| alias.value.clone());
        Box::new(News {
            delivery_id: self.delivery_id(),
            aliases,
            is_modified: false,
            is_thin: false,
            is_addition: false,
            apart: Apart::Never,
            delay: Duration::ZERO,
            facts,
        })
    }

    /// The body's wanted members, JSON or form.
    ///
    /// # Errors
    /// [`ReadError`] if it is neither.
    pub fn fields(&self, wanted: Wanted) -> Result<Fields<'_>, ReadError> {
        Fields::read(self.content_type(), &self.body, wanted)
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("scheme", &self.method.name)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
