//! A call of one of Google's REST services, and what all of them have in common when it fails.

use std::time::Duration;

use domain::{Classify, Disposition, EffectFailure, text};
use http_client::{HttpError, Request, Response, StatusClass, StatusCode};
use serde::Deserialize;

use crate::{TokenError, Tokens};

/// Longest wait that a refusal can ask for.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a service did not do what it was asked. The text follows the service's name.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// There is no token. Nothing was sent.
    #[error("was not called: {0}")]
    Token(#[from] TokenError),
    /// There is no complete answer; [`HttpError`] says whether the request was sent.
    #[error("gave no complete answer: {0}")]
    Http(#[from] HttpError),
    /// The project's quota is used up, or there is no capacity for us now.
    #[error("asks us to slow down")]
    Throttled {
        /// How long to wait.
        retry_after: Option<Duration>,
    },
    /// Google's fault. The request may have been acted on.
    #[error("failed with status {}", status.as_u16())]
    Unavailable {
        /// The status.
        status: StatusCode,
    },
    /// Our credentials lack a permission: an operator has to grant it.
    #[error("refuses our credentials with status {}", status.as_u16())]
    Unauthorized {
        /// The status.
        status: StatusCode,
        /// Google's words, capped.
        message: String,
    },
    /// What was asked for does not exist, or no longer.
    #[error("does not know what was asked for")]
    NotFound {
        /// Google's words, capped.
        message: String,
    },
    /// The request is not acceptable.
    #[error("refuses the request with status {}", status.as_u16())]
    Rejected {
        /// The status.
        status: StatusCode,
        /// Google's code for the reason: `FAILED_PRECONDITION`. Empty if the body is no error of theirs.
        code: String,
        /// Google's words, capped.
        message: String,
    },
}

/// Sends a request with a token; the answer, if it is a success.
pub(crate) async fn send(request: Request<'_>, tokens: &Tokens) -> Result<Response, CallError> {
    CallError::of_status(request.bearer(&tokens.bearer().await?).send().await?)
}

impl CallError {
    fn of_status(response: Response) -> Result<Response, Self> {
        let status = response.status;
        let body = || {
            let body = response.json::<Body>();
            body.map(|body| body.error).unwrap_or_default()
        };
        Err(match response.class() {
            StatusClass::Ok => return Ok(response),
            StatusClass::Throttled => Self::Throttled {
                retry_after: retry_after(&response, &body()),
            },
            StatusClass::Unauthorized => Self::Unauthorized {
                status,
                message: body().words(),
            },
            StatusClass::Rejected if status == StatusCode::NOT_FOUND => Self::NotFound {
                message: body().words(),
            },
            StatusClass::Rejected => {
                let body = body();
                Self::Rejected {
                    status,
                    message: body.words(),
                    code: body.status,
                }
            }
            StatusClass::ServerFault => Self::Unavailable { status },
        })
    }
}

impl Classify for CallError {
    #[deny(clippy::wildcard_enum_match_arm)] // a new variant must be thought about here
    fn disposition(&self) -> Disposition {
        match self {
            Self::Throttled { retry_after } => Disposition::Retry {
                after: *retry_after,
            },
            // The credentials are the platform's: once an operator has fixed them, the work goes on by itself.
            Self::Token(_) | Self::Unauthorized { .. } => Disposition::Retry { after: None },
            Self::Http(_) | Self::Unavailable { .. } => Disposition::Retry { after: None },
            Self::NotFound { .. } | Self::Rejected { .. } => Disposition::Park,
        }
    }

    fn answer(&self) -> Option<String> {
        match self {
            Self::Unauthorized { message, .. }
            | Self::NotFound { message }
            | Self::Rejected { message, .. } => {
                Some(message.clone()).filter(|message| !message.is_empty())
            }
            Self::Token(_) | Self::Http(_) | Self::Throttled { .. } | Self::Unavailable { .. } => {
                None
            }
        }
    }
}

impl EffectFailure for CallError {
    fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::Http(error) => !error.is_not_sent(),
            Self::Unavailable { .. } => true,
            Self::Token(_)
            | Self::Throttled { .. }
            | Self::Unauthorized { .. }
            | Self::NotFound { .. }
            | Self::Rejected { .. } => false,
        }
    }
}

/// Google's services send seconds, if they send the header at all.
fn retry_after(response: &Response, body: &Status) -> Option<Duration> {
    let header = response
        .header("retry-after")
        .and_then(|value| value.trim().parse().ok());
    let mut details = body.details.iter();
    let mut detail = || details.find_map(|detail| millis(detail.retry_delay.as_deref()?));
    let wait = header
        .map(Duration::from_secs)
        .or_else(|| detail().map(Duration::from_millis))?;
    Some(wait.min(WAIT_MAX))
}

/// Source: Google Cloud APIs, "Errors" (`google.rpc.Status`, `google.rpc.RetryInfo`).
#[derive(Deserialize)]
struct Body {
    error: Status,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) code: i32,
    pub(crate) message: String,
    status: String,
    details: Vec<Detail>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Detail {
    retry_delay: Option<String>,
}

impl Status {
    pub(crate) fn words(&self) -> String {
        text::bounded(&self.message, 500)
    }
}

/// Reads a duration as Google writes it in JSON: `"181s"`, `"1.200s"`. Parts under a millisecond are dropped.
pub(crate) fn millis(text: &str) -> Option<u64> {
    let text = text.strip_suffix('s')?;
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(part) {
        return None;
    }
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1_000)?
        .checked_add(part.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use http_client::HeaderMap;

    use super::*;

    fn refused(status: u16, body: &'static str, retry_after: Option<&'static str>) -> CallError {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert("retry-after", value.parse().unwrap());
        }
        let response = Response {
            status: status.try_into().unwrap(),
            headers,
            body: body.into(),
        };
        CallError::of_status(response).unwrap_err()
    }

    #[test]
    fn a_wait_is_read_from_the_header_and_from_the_details() {
        let details = r#"{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"type.googleapis.com/google.rpc.Help","links":[]},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2.5s"}]}}"#;
        for (header, expected) in [
            (None, Duration::from_millis(2_500)),
            (Some("7"), Duration::from_secs(7)),
            (Some("999999999"), WAIT_MAX),
        ] {
            let error = refused(429, details, header);
            let after = Some(expected);
            assert_eq!(error.disposition(), Disposition::Retry { after });
        }
    }

    #[test]
    fn a_body_of_another_kind_says_nothing() {
        for body in [
            "",
            "<html>",
            "[]",
            r#"{"error":"no"}"#,
            r#"{"error":{"code":429}}"#,
        ] {
            let after = None;
            let error = refused(429, body, None);
            assert_eq!(error.disposition(), Disposition::Retry { after }, "{body}");
            assert_eq!(refused(400, body, None).answer(), None, "{body}");
        }
    }

    #[test]
    fn every_failure_says_what_to_do_next() {
        let retry = Disposition::Retry { after: None };
        let body = r#"{"error":{"message":"words","status":"FAILED_PRECONDITION"}}"#;
        let words = Some("words".to_owned());
        for (status, disposition, is_unknown, answer) in [
            (429, retry, false, None),
            (401, retry, false, words.clone()),
            (403, retry, false, words.clone()),
            (404, Disposition::Park, false, words.clone()),
            (400, Disposition::Park, false, words),
            (502, retry, true, None),
        ] {
            let error = refused(status, body, None);
            assert_eq!(error.disposition(), disposition, "{error}");
            assert_eq!(error.is_outcome_unknown(), is_unknown, "{error}");
            assert_eq!(error.answer(), answer, "{error}");
        }
        let not_sent = HttpError::NotSent {
            url: String::new(),
            cause: String::new(),
        };
        let unknown = HttpError::Unknown {
            url: String::new(),
            status: None,
            cause: String::new(),
        };
        for (error, is_unknown) in [
            (CallError::Token(TokenError::NoCredentials), false),
            (CallError::Http(not_sent), false),
            (CallError::Http(unknown), true),
        ] {
            assert_eq!(error.disposition(), retry, "{error}");
            assert_eq!(error.is_outcome_unknown(), is_unknown, "{error}");
        }
        let code = refused(400, body, None);
        assert!(matches!(code, CallError::Rejected { code, .. } if code == "FAILED_PRECONDITION"));
    }

    #[test]
    fn durations_are_seconds_with_a_fraction() {
        for (text, expected) in [
            ("0s", Some(0)),
            ("181s", Some(181_000)),
            ("1.200s", Some(1_200)),
            ("1.2s", Some(1_200)),
            ("0.0005s", Some(0)),
            ("3.141592653s", Some(3_141)),
            ("1.s", Some(1_000)),
            ("", None),
            ("s", None),
            (".5s", None),
            ("-1s", None),
            ("1", None),
            ("1m", None),
            ("1e3s", None),
            ("99999999999999999999s", None),
            ("18446744073709551615s", None),
        ] {
            assert_eq!(millis(text), expected, "{text}");
        }
    }
}
