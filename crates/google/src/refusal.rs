//! How Google's REST services say no.

use std::time::Duration;

use domain::text;
use http_client::{Response, StatusCode};
use serde::Deserialize;

/// Longest wait that a refusal can ask for.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// An answer other than 2xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// Google's words, capped; empty when the body is no error of theirs.
    pub(crate) message: String,
    /// How long to wait, when it says so.
    pub(crate) retry_after: Option<Duration>,
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

impl Refusal {
    pub(crate) fn read(response: &Response) -> Self {
        let status = response
            .json::<Body>()
            .map(|body| body.error)
            .unwrap_or_default();
        // Google's services send seconds, where they send the header at all.
        let header = response
            .header("retry-after")
            .and_then(|value| value.trim().parse().ok());
        let detail = || {
            status
                .details
                .iter()
                .find_map(|detail| millis(detail.retry_delay.as_deref()?))
        };
        let retry_after = header
            .map(Duration::from_secs)
            .or_else(|| detail().map(Duration::from_millis));
        Self {
            status: response.status,
            message: status.words(),
            retry_after: retry_after.map(|wait| wait.min(WAIT_MAX)),
        }
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

    fn answer(body: &'static str, retry_after: Option<&'static str>) -> Refusal {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert("retry-after", value.parse().unwrap());
        }
        Refusal::read(&Response {
            status: StatusCode::TOO_MANY_REQUESTS,
            headers,
            body: body.into(),
        })
    }

    #[test]
    fn a_wait_is_read_from_the_header_and_from_the_details() {
        let details = r#"{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"type.googleapis.com/google.rpc.Help","links":[]},
            {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2.5s"}]}}"#;
        assert_eq!(
            answer(details, None).retry_after,
            Some(Duration::from_millis(2_500))
        );
        assert_eq!(
            answer(details, Some("7")).retry_after,
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            answer(details, Some("999999999")).retry_after,
            Some(WAIT_MAX)
        );
        assert_eq!(answer(details, None).message, "slow down");
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
            let refusal = answer(body, None);
            assert_eq!(
                (refusal.message.as_str(), refusal.retry_after),
                ("", None),
                "{body}"
            );
        }
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
