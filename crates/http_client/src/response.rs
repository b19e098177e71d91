//! A whole answer.

use std::{fmt, time::Duration};

use bytes::Bytes;
use domain::text;
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::{StatusClass, classify_status};

/// Longest wait that a provider can ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// An answer, read to its end.
#[derive(Clone)]
pub struct Response {
    /// The status of the answer.
    pub status: StatusCode,
    /// The headers of the answer.
    pub headers: HeaderMap,
    /// The body, within the limit of the request.
    pub body: Bytes,
}

/// The body is not the expected JSON. Says where it differs and never repeats it, because bodies carry personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the answer (status {status}) is not the JSON we expect: {what} at line {line}, column {column}"
)]
pub struct UnreadableBody {
    status: StatusCode,
    what: &'static str,
    line: usize,
    column: usize,
}

impl Response {
    /// What the status means for the caller's next step.
    pub fn class(&self) -> StatusClass {
        classify_status(self.status)
    }

    /// A header's value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// [`UnreadableBody`] if it is not JSON, or has another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, UnreadableBody> {
        serde_json::from_slice(&self.body).map_err(|error| UnreadableBody {
            status: self.status,
            what: match error.classify() {
                serde_json::error::Category::Data => "another shape",
                serde_json::error::Category::Eof => "an early end",
                serde_json::error::Category::Io | serde_json::error::Category::Syntax => {
                    "a syntax error"
                }
            },
            line: error.line(),
            column: error.column(),
        })
    }

    /// At most `max` characters of the body, without control characters, for people who investigate a failure.
    pub fn text_lossy(&self, max: usize) -> String {
        // A character has at most four bytes.
        let part = self
            .body
            .get(..max.saturating_mul(4).saturating_add(4))
            .unwrap_or(&self.body);
        text::bounded(&String::from_utf8_lossy(part), max)
    }

    /// How long the other side asks us to wait; see [`retry_after`].
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        retry_after(&self.headers, now)
    }
}

/// Reads `Retry-After`, in seconds or as a date, as a duration from `now` between zero and 24 hours.
///
/// Source: RFC 9110, 10.2.3.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that overflow mean a very long time.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let at = jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(value)
            .ok()?;
        Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wait(value: &[u8]) -> Option<Duration> {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, http::HeaderValue::from_bytes(value).unwrap());
        retry_after(&headers, now)
    }

    #[test]
    fn retry_after_is_read_in_both_forms_and_clamped() {
        let seconds = |n| Some(Duration::from_secs(n));
        for (value, expected) in [
            ("0", seconds(0)),
            ("120", seconds(120)),
            (" 7 ", seconds(7)),
            ("86401", seconds(86_400)),
            ("99999999999999999999999999", seconds(86_400)),
            ("Sun, 01 Mar 2026 12:00:30 GMT", seconds(30)),
            ("Sun, 01 Mar 2026 11:00:00 GMT", seconds(0)),
            ("Mon, 01 Mar 2027 12:00:00 GMT", seconds(86_400)),
            ("", None),
            ("-5", None),
            ("+5", None),
            ("1.5", None),
            ("soon", None),
            ("Sun, 99 Mar 2026 12:00:30 GMT", None),
        ] {
            assert_eq!(wait(value.as_bytes()), expected, "{value:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::UNIX_EPOCH), None);
    }

    proptest! {
        #[test]
        fn retry_after_never_panics_and_stays_within_a_day(value in proptest::collection::vec(0x20u8..=0xff, 0..60)) {
            if let Ok(value) = http::HeaderValue::from_bytes(&value) {
                let headers = HeaderMap::from_iter([(RETRY_AFTER, value)]);
                for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
                    prop_assert!(retry_after(&headers, now).is_none_or(|wait| wait <= RETRY_AFTER_MAX));
                }
            }
        }
    }

    fn answer(body: &'static str) -> Response {
        Response {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn an_unreadable_body_is_described_without_its_content() {
        let error = answer(r#"{"phone": "512-555-0101"}"#)
            .json::<Vec<u8>>()
            .unwrap_err();
        assert!(!error.to_string().contains("512"), "{error}");
        let error = answer(r#""512-555-0101""#).json::<u64>().unwrap_err();
        assert!(!error.to_string().contains("512"), "{error}");
    }

    #[test]
    fn text_is_cut_between_characters_and_cleaned() {
        assert_eq!(answer("ééééé\u{1b}").text_lossy(3), "éé…");
        assert_eq!(answer("ok").text_lossy(3), "ok");
    }

    #[test]
    fn debug_shows_no_body_and_no_header() {
        let mut response = answer("s3cret");
        response
            .headers
            .insert("x-token", http::HeaderValue::from_static("s3cret"));
        assert!(!format!("{response:?}").contains("s3cret"));
    }
}
