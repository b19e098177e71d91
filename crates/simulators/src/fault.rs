//! Faults by name, and when they are injected.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Something that goes wrong at a provider.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Answers with this status and the provider's error body. The request has no effect.
    Status(u16),
    /// Answers with this status, header and body. The request has no effect.
    Answer {
        /// The status of the answer.
        status: u16,
        /// Becomes the `Retry-After` header.
        retry_after_seconds: Option<u64>,
        /// The JSON body. `None` is the provider's usual error body.
        body: Option<Value>,
    },
    /// Waits, then handles the request as usual.
    Slow(Duration),
    /// Handles the request but never answers (the connection breaks after 120 s).
    TimeoutAfterWrite,
    /// Handles the request, then breaks the connection in the middle of the answer.
    ResetAfterWrite,
    /// The provider's own "too many requests".
    RateLimit,
    /// The provider's own "this credential is not valid".
    RevokedToken,
    /// Handles the request, then answers 200 with truncated JSON.
    Malformed,
    /// HubSpot: this property has become required.
    MissingField {
        /// The property's internal name.
        property: String,
    },
    /// CallRail: the next call that is read has no recording yet.
    LateRecording(Late),
    /// CallRail: the next recording has no bytes.
    EmptyRecording,
    /// CallRail: the next recording is a 44-byte header without sound.
    TinyRecording,
    /// Gemini: the prompt is blocked for safety.
    Blocked,
    /// Gemini: valid JSON that violates the schema.
    OutsideSchema,
    /// Gemini: the answer is truncated at the token limit.
    MaxTokens,
    /// Speech-to-Text: the next audio "could not be decoded".
    FileError,
    /// Speech-to-Text: the next operation that is polled no longer exists.
    OperationLost,
    /// Speech-to-Text: the next operation that is started ends with an internal error.
    OperationFailed,
    /// Cloud Storage and Secret Manager: content changes in transit, its checksum does not.
    Altered,
}

/// When a late recording appears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// This long after the call was first read.
    After(Duration),
    /// At this time.
    Until(Timestamp),
    /// Never, until the faults are cleared.
    Never,
}

impl Fault {
    /// Its name in the control API and in [`Received::fault`](crate::Received::fault).
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Status(_) | Self::Answer { .. } => "status",
            Self::Slow(_) => "slow",
            Self::TimeoutAfterWrite => "timeout_after_write",
            Self::ResetAfterWrite => "reset_after_write",
            Self::RateLimit => "rate_limit",
            Self::RevokedToken => "revoked_token",
            Self::Malformed => "malformed",
            Self::MissingField { .. } => "missing_field",
            Self::LateRecording(_) => "late_recording",
            Self::EmptyRecording => "empty_recording",
            Self::TinyRecording => "tiny_recording",
            Self::Blocked => "blocked",
            Self::OutsideSchema => "outside_schema",
            Self::MaxTokens => "max_tokens",
            Self::FileError => "file_error",
            Self::OperationLost => "operation_lost",
            Self::OperationFailed => "operation_failed",
            Self::Altered => "altered",
        }
    }

    /// Whether every simulator knows it. The others belong to one provider.
    pub(crate) fn is_general(&self) -> bool {
        GENERAL.contains(&self.kind())
    }

    /// Whether the request is answered without being handled.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Status(_) | Self::Answer { .. } | Self::RateLimit | Self::RevokedToken
        )
    }

    /// Whether it stays until cleared when no number of times is given.
    fn lasts(&self) -> bool {
        matches!(self, Self::MissingField { .. } | Self::LateRecording(_))
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut wire = json!({ "kind": self.kind() });
        match self {
            Self::Status(status) => wire["status"] = json!(status),
            Self::Answer {
                status,
                retry_after_seconds,
                body,
            } => {
                wire["status"] = json!(status);
                wire["retry_after"] = json!(retry_after_seconds);
                wire["body"] = json!(body);
            }
            Self::Slow(delay) => {
                wire["delay_ms"] = json!(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
            }
            Self::MissingField { property } => wire["property"] = json!(property),
            Self::LateRecording(Late::After(delay)) => wire["seconds"] = json!(delay.as_secs()),
            Self::LateRecording(Late::Until(until)) => wire["until"] = json!(until),
            Self::LateRecording(Late::Never) => wire["never"] = json!(true),
            _ => {}
        }
        wire
    }
}

/// The faults that every simulator knows.
pub(crate) const GENERAL: &[&str] = &[
    "status",
    "slow",
    "timeout_after_write",
    "reset_after_write",
    "rate_limit",
    "revoked_token",
    "malformed",
];

/// A fault, how often it is injected and into which requests.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Injection {
    pub(crate) fault: Fault,
    /// How many times are left. `None` means until it is cleared.
    pub(crate) times: Option<u32>,
    /// Only requests whose `METHOD /path` contains this.
    pub(crate) path_contains: Option<String>,
}

impl Injection {
    pub(crate) fn applies_to(&self, request_line: &str) -> bool {
        self.path_contains
            .as_ref()
            .is_none_or(|part| request_line.contains(part.as_str()))
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "fault": self.fault.to_json(), "times": self.times, "path_contains": self.path_contains })
    }
}

/// The body of `POST /_sim/faults`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InjectionBody {
    fault: FaultBody,
    #[serde(default, with = "absent_or_null")]
    times: Option<Option<u32>>,
    #[serde(default)]
    path_contains: Option<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct FaultBody {
    kind: String,
    status: Option<u16>,
    retry_after: Option<u64>,
    body: Option<Value>,
    delay_ms: Option<u64>,
    property: Option<String>,
    seconds: Option<u64>,
    until: Option<Timestamp>,
    never: Option<bool>,
}

impl TryFrom<InjectionBody> for Injection {
    type Error = String;

    fn try_from(body: InjectionBody) -> Result<Self, String> {
        let fault = Fault::try_from(body.fault)?;
        let times = body
            .times
            .unwrap_or(if fault.lasts() { None } else { Some(1) });
        Ok(Self {
            fault,
            times,
            path_contains: body.path_contains,
        })
    }
}

impl TryFrom<FaultBody> for Fault {
    type Error = String;

    fn try_from(body: FaultBody) -> Result<Self, String> {
        Ok(match body.kind.as_str() {
            "status" => {
                let status = body
                    .status
                    .ok_or("a `status` fault needs `status`, for example 503")?;
                if !(200..=599).contains(&status) {
                    return Err(format!("{status} is not a status between 200 and 599"));
                }
                if body.retry_after.is_none() && body.body.is_none() {
                    Self::Status(status)
                } else {
                    Self::Answer {
                        status,
                        retry_after_seconds: body.retry_after,
                        body: body.body,
                    }
                }
            }
            "slow" => Self::Slow(Duration::from_millis(
                body.delay_ms.ok_or("a `slow` fault needs `delay_ms`")?,
            )),
            "timeout_after_write" => Self::TimeoutAfterWrite,
            "reset_after_write" => Self::ResetAfterWrite,
            "rate_limit" => Self::RateLimit,
            "revoked_token" => Self::RevokedToken,
            "malformed" => Self::Malformed,
            "missing_field" => Self::MissingField {
                property: body
                    .property
                    .ok_or("a `missing_field` fault needs `property`")?,
            },
            "late_recording" => Self::LateRecording(match (body.seconds, body.until) {
                _ if body.never == Some(true) => Late::Never,
                (Some(seconds), _) => Late::After(Duration::from_secs(seconds)),
                (None, Some(until)) => Late::Until(until),
                (None, None) => {
                    return Err(
                        "a `late_recording` fault needs `seconds`, `until` or `never`".into(),
                    );
                }
            }),
            "empty_recording" => Self::EmptyRecording,
            "tiny_recording" => Self::TinyRecording,
            "blocked" => Self::Blocked,
            "outside_schema" => Self::OutsideSchema,
            "max_tokens" => Self::MaxTokens,
            "file_error" => Self::FileError,
            "operation_lost" => Self::OperationLost,
            "operation_failed" => Self::OperationFailed,
            "altered" => Self::Altered,
            other => return Err(format!("no fault is called `{other}`")),
        })
    }
}

/// Distinguishes a field that is absent (`None`) from one that is null (`Some(None)`).
pub(crate) mod absent_or_null {
    use serde::{Deserialize, Deserializer};

    pub(crate) fn deserialize<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
    where
        D: Deserializer<'de>,
        T: Deserialize<'de>,
    {
        Option::deserialize(deserializer).map(Some)
    }
}
