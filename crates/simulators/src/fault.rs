//! Faults by name, and the orders that say when they happen.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Something that goes wrong at a provider.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Answers with this status and the provider's error body; nothing is done.
    Status(u16),
    /// Answers with this status, header and body; nothing is done.
    Answer {
        /// The status of the answer.
        status: u16,
        /// Becomes the `Retry-After` header.
        retry_after_seconds: Option<u64>,
        /// The JSON body; the provider's usual error body when absent.
        body: Option<Value>,
    },
    /// Waits before it works and answers.
    Slow(Duration),
    /// Does the work, then never answers (gives up after 120 s).
    TimeoutAfterWrite,
    /// Does the work, then breaks the connection within the answer.
    ResetAfterWrite,
    /// The provider's own "too many requests".
    RateLimit,
    /// The provider's own "this credential is no longer good".
    RevokedToken,
    /// Does the work, then answers 200 with JSON that is cut off.
    Malformed,
    /// HubSpot: this property has become required.
    MissingField {
        /// The property's internal name.
        property: String,
    },
    /// CallRail: the next call asked for has no recording yet.
    LateRecording(Late),
    /// CallRail: the next recording has no bytes.
    EmptyRecording,
    /// CallRail: the next recording is a 44-byte header without sound.
    TinyRecording,
    /// Gemini: the prompt is blocked for safety.
    Blocked,
    /// Gemini: valid JSON that does not obey the schema.
    OutsideSchema,
    /// Gemini: the answer is cut off at the token limit.
    MaxTokens,
    /// Speech-to-Text: the next audio "could not be decoded".
    FileError,
    /// Speech-to-Text: the next operation asked about is gone.
    OperationLost,
    /// Speech-to-Text: the next operation begun ends with an internal error.
    OperationFailed,
    /// Cloud Storage and Secret Manager: content is altered on its way, its checksum is not.
    Altered,
}

/// When a late recording appears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// This long after the call was first asked for.
    After(Duration),
    /// At this time.
    Until(Timestamp),
    /// Never, until the faults are cleared.
    Never,
}

impl Fault {
    /// The name that the control API and the views use.
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

    /// Whether every simulator knows it; the others belong to one provider.
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

    /// Whether an order without `times` stands until it is cleared.
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

/// A fault, how often it happens and to which requests.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Order {
    pub(crate) fault: Fault,
    /// How often it still happens; `None` = until it is cleared.
    pub(crate) times: Option<u32>,
    /// Only requests whose `METHOD /path` contains this.
    pub(crate) path_contains: Option<String>,
}

impl Order {
    pub(crate) fn concerns(&self, request_line: &str) -> bool {
        self.path_contains
            .as_ref()
            .is_none_or(|part| request_line.contains(part.as_str()))
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "fault": self.fault.to_json(), "times": self.times, "path_contains": self.path_contains })
    }
}

/// An order as it is posted to `/_sim/faults`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderBody {
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

impl TryFrom<OrderBody> for Order {
    type Error = String;

    fn try_from(body: OrderBody) -> Result<Self, String> {
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

/// Tells a field that is absent (`None`) from one that is null (`Some(None)`).
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
