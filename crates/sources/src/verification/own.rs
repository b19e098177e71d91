//! How a sender signs, as its tenant says it: the settings of a source whose senders are of any kind.
//!
//! A preset says everything; what stands beside it changes that part alone. It is checked when it is saved, so that no delivery
//! is the first to find out.

use std::{borrow::Cow, time::Duration};

use domain::{
    ConfigFault,
    shape::{Member, Shape, Text},
};
use http::HeaderName;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::scheme::{Encoding, FIVE_MINUTES, Key, Mac, Piece, Scheme, Sent, SignedTime, TimeForm};

impl Scheme<'static> {
    /// What a tenant sets, and what it is where nothing is set: `x-signature: <hexadecimal HMAC-SHA256 of the body>`.
    pub const AS_SET: Self = Self {
        name: "as-set",
        header: "x-signature",
        sent: Sent::Alone { prefix: "" },
        ..Self::GITHUB
    };

    /// As Typeform signs: `sha256=` and HMAC-SHA256 of the raw body in base64.
    pub(crate) const TYPEFORM: Self = Self {
        name: "typeform",
        header: "typeform-signature",
        encoding: Encoding::Base64,
        ..Self::GITHUB
    };

    /// As Webflow signs: hexadecimal HMAC-SHA256 of `{time in milliseconds}:{body}`, by the key that its API shows when the
    /// webhook is made. Webhooks that were made in its dashboard are not signed.
    ///
    /// What was not taken comes up to three times more, ten minutes apart. UNCONFIRMED: whether a repeat has the time of its
    /// first try. If it has, a window of five minutes, as Webflow's own example has, refuses every repeat, and the lead is lost;
    /// what somebody replays within the wider one is a repeat of a submission that is known, and makes nothing.
    pub(crate) const WEBFLOW: Self = Self {
        name: "webflow",
        header: "x-webflow-signature",
        sent: Sent::Alone { prefix: "" },
        signed: &[Piece::Time, Piece::Text(":"), Piece::Body],
        time: Some(SignedTime {
            header: Some("x-webflow-timestamp"),
            form: TimeForm::UnixMillis,
            max_age: Duration::from_secs(40 * 60),
            max_ahead: FIVE_MINUTES,
        }),
        is_key_ours: false,
        ..Self::GITHUB
    };
}

/// A way to sign that a tenant has set. The key is a text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct OwnScheme {
    preset: Preset,
    header: Option<String>,
    prefix: Option<String>,
    algorithm: Option<Algorithm>,
    encoding: Option<Written>,
    time_header: Option<String>,
    time_unit: Option<Unit>,
    separator: Option<String>,
    max_age_seconds: Option<u64>,
}

/// What applies where nothing else is said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Preset {
    #[default]
    Plain,
    Github,
    Typeform,
    Webflow,
    TimestampList,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Algorithm {
    Sha256,
    Sha1,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Written {
    Hex,
    Base64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Seconds,
    Milliseconds,
    Rfc3339,
}

impl Preset {
    const fn scheme(self) -> Scheme<'static> {
        match self {
            Self::Plain => Scheme::AS_SET,
            Self::Github => Scheme::GITHUB,
            Self::Typeform => Scheme::TYPEFORM,
            Self::Webflow => Scheme::WEBFLOW,
            Self::TimestampList => Scheme {
                header: "x-signature",
                ..Scheme::TIMESTAMP_LIST
            },
        }
    }
}

impl OwnScheme {
    /// Hands the scheme over.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Scheme<'_>) -> T) -> T {
        let preset = self.preset.scheme();
        let lower = |name: &Option<String>| name.as_ref().map(|name| name.to_ascii_lowercase());
        let (header, time_header) = (lower(&self.header), lower(&self.time_header));
        let separator = match (&self.separator, preset.signed) {
            (Some(own), _) => Cow::Borrowed(own.as_str()),
            (None, [_, Piece::Text(text), _]) => Cow::Borrowed(*text),
            (None, _) => Cow::Borrowed("."),
        };
        let time = match (preset.time, time_header.as_deref()) {
            (None, None) => None,
            (time, own) => {
                let time = time.unwrap_or(SignedTime {
                    header: None,
                    form: TimeForm::UnixSeconds,
                    max_age: FIVE_MINUTES,
                    max_ahead: FIVE_MINUTES,
                });
                Some(SignedTime {
                    header: own.or(time.header),
                    form: match self.time_unit {
                        None => time.form,
                        Some(Unit::Seconds) => TimeForm::UnixSeconds,
                        Some(Unit::Milliseconds) => TimeForm::UnixMillis,
                        Some(Unit::Rfc3339) => TimeForm::Rfc3339,
                    },
                    max_age: self
                        .max_age_seconds
                        .map_or(time.max_age, Duration::from_secs),
                    max_ahead: time.max_ahead,
                })
            }
        };
        let timed = [Piece::Time, Piece::Text(&separator), Piece::Body];
        read(&Scheme {
            name: Scheme::AS_SET.name,
            mac: match self.algorithm {
                None => preset.mac,
                Some(Algorithm::Sha256) => Mac::HmacSha256(Key::Text),
                Some(Algorithm::Sha1) => Mac::HmacSha1(Key::Text),
            },
            header: header.as_deref().unwrap_or(preset.header),
            sent: match (&self.prefix, preset.sent) {
                (Some(prefix), Sent::Alone { .. }) => Sent::Alone { prefix },
                (_, sent) => sent,
            },
            encoding: match self.encoding {
                None => preset.encoding,
                Some(Written::Hex) => Encoding::Hex,
                Some(Written::Base64) => Encoding::Base64,
            },
            signed: if time.is_some() {
                &timed
            } else {
                &[Piece::Body]
            },
            time,
            delivery_id: None,
            is_key_ours: true,
        })
    }

    /// The headers that sign a body with this key now, with their values: for a test of our own.
    pub fn sign(
        &self,
        key: &SecretString,
        body: &[u8],
        now: Timestamp,
    ) -> Option<Vec<(HeaderName, String)>> {
        self.read(|scheme| scheme.sign(key.expose_secret(), "", body, now))
    }

    /// What is wrong with settings whose fields are well one by one; `path` is where they stand.
    pub(crate) fn contradictions(&self, path: &str) -> Vec<ConfigFault> {
        let preset = self.preset.scheme();
        let fault = |name: &str, wanted: &str| ConfigFault::new(format!("{path}.{name}"), wanted);
        let mut faults = Vec::new();
        let is_list = !matches!(preset.sent, Sent::Alone { .. });
        if is_list {
            for (name, is_set) in [
                ("prefix", self.prefix.is_some()),
                ("time_header", self.time_header.is_some()),
            ] {
                if is_set {
                    faults.push(fault(
                        name,
                        "null, because the header of this preset is a list that has the time in it",
                    ));
                }
            }
        }
        let is_timed = preset.time.is_some() || self.time_header.is_some();
        let of_time =
            self.time_unit.is_some() || self.separator.is_some() || self.max_age_seconds.is_some();
        if of_time && !is_timed {
            faults.push(fault(
                "time_header",
                "the header that carries the signed time, because something is said of that time",
            ));
        }
        let both = self.read(|scheme| {
            let of_time = scheme.time.and_then(|time| time.header);
            of_time == Some(scheme.header)
        });
        if both {
            faults.push(fault(
                "time_header",
                "another header than that of the signature",
            ));
        }
        faults
    }
}

const HEADER: Text = Text {
    about: "the name of a header: letters, digits and hyphens",
    pattern: "^[A-Za-z0-9-]+$",
    max: 100,
    is_valid: |text| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    },
};

const PREFIX: Text = Text {
    about: "up to 20 visible signs",
    pattern: "^[!-~]*$",
    max: 20,
    is_valid: |text| text.bytes().all(|byte| byte.is_ascii_graphic()),
};

const SEPARATOR: Text = Text {
    about: "up to 4 signs such as `.` or `:`, neither letters nor digits",
    pattern: "^[!-/:-@\\[-`{-~]*$",
    max: 4,
    is_valid: |text| text.bytes().all(|byte| byte.is_ascii_punctuation()),
};

/// The oldest that a tenant may allow a signature to be: a day.
const MAX_AGE_SECONDS: u64 = 24 * 60 * 60;

/// How the settings say it.
pub(crate) const SIGNATURE: Shape = Shape::OrNull(&Shape::Object(&[
    Member::optional(
        "preset",
        Shape::Word(&["plain", "github", "typeform", "webflow", "timestamp-list"]),
        "What applies where nothing else is said. `plain`: `X-Signature` with the HMAC-SHA256 of the body in hexadecimal. \
         `github`: `X-Hub-Signature-256`, behind `sha256=`. `typeform`: `Typeform-Signature`, base64 behind `sha256=`. \
         `webflow`: `X-Webflow-Signature` over `{time}:{body}`, the time in milliseconds in `X-Webflow-Timestamp`. \
         `timestamp-list`: `X-Signature: t={seconds},v1={hexadecimal HMAC-SHA256 of \"{t}.{body}\"}`.",
    ),
    Member::optional(
        "header",
        Shape::OrNull(&Shape::Text(&HEADER)),
        "The header that carries the signature. Under any other name there is none.",
    ),
    Member::optional(
        "prefix",
        Shape::OrNull(&Shape::Text(&PREFIX)),
        "What stands before the signature, such as `sha256=`.",
    ),
    Member::optional(
        "algorithm",
        Shape::OrNull(&Shape::Word(&["sha256", "sha1"])),
        "The hash of the HMAC.",
    ),
    Member::optional(
        "encoding",
        Shape::OrNull(&Shape::Word(&["hex", "base64"])),
        "How the signature is written.",
    ),
    Member::optional(
        "time_header",
        Shape::OrNull(&Shape::Text(&HEADER)),
        "The header that carries the signed time. Then `{time}{separator}{body}` is signed.",
    ),
    Member::optional(
        "time_unit",
        Shape::OrNull(&Shape::Word(&["seconds", "milliseconds", "rfc3339"])),
        "How the time is written: Unix seconds, Unix milliseconds, or RFC 3339. Null: that of the preset, else seconds.",
    ),
    Member::optional(
        "separator",
        Shape::OrNull(&Shape::Text(&SEPARATOR)),
        "What stands between time and body in what is signed. Null: that of the preset, else `.`.",
    ),
    Member::optional(
        "max_age_seconds",
        Shape::OrNull(&Shape::Whole {
            max: MAX_AGE_SECONDS,
        }),
        "How old a signed time may be. Null: that of the preset, else 300.",
    ),
]));
