//! What Pipedrive's errors mean. The status and the headers decide; words are not promised.
//!
//! Source: Pipedrive, "HTTP status codes", "Rate limiting" (read 2026-11).

use std::time::Duration;

use domain::ProviderAnswer;
use http_client::Response;
use jiff::Timestamp;
use serde::Deserialize;

use crate::PushError;

/// The pause if the limit of two seconds is reached and no other pause is named.
const TWO_SECONDS: Duration = Duration::from_secs(2);
/// The pause if the day's budget is spent, or the company is blocked: when its midnight is, we do not know.
const ONE_HOUR: Duration = Duration::from_secs(3_600);

/// An error as Pipedrive writes it. Every field may be missing.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Fault {
    error: String,
    code: Option<String>,
}

/// What an answer other than 2xx means.
pub(super) fn refusal(answer: &Response, now: Timestamp) -> PushError {
    let fault: Option<Fault> = answer.json().ok();
    let is_json = fault.is_some();
    let fault = fault.unwrap_or_default();
    let said = ProviderAnswer::new(&fault.error);
    let retry_after = answer.retry_after(now);
    let number = |name: &str| answer.header(name)?.parse::<u64>().ok();
    let refused = |code: String| PushError::Refused {
        code,
        answer: said.clone(),
    };
    match answer.status.as_u16() {
        401 => PushError::Unauthorized { answer: said },
        // The trial is over, or nobody pays.
        402 => PushError::Unauthorized { answer: said },
        // Whoever goes on after many 429 gets a page in place of an answer.
        403 if !is_json => PushError::Throttled {
            retry_after: retry_after.or(Some(ONE_HOUR)),
        },
        403 => match fault.code {
            Some(code) if code.starts_with("feature_capping") => refused(name(&code)),
            _ => PushError::MissingScopes { answer: said },
        },
        404 | 410 => PushError::Moved { holder: None },
        429 => {
            let is_day_spent = number("x-daily-ratelimit-token-remaining") == Some(0)
                || number("x-daily-requests-left") == Some(0);
            let reset = number("x-ratelimit-reset")
                .map(|seconds| Duration::from_secs(seconds.clamp(1, ONE_HOUR.as_secs())));
            let pause = if is_day_spent {
                ONE_HOUR
            } else {
                reset.unwrap_or(TWO_SECONDS)
            };
            PushError::Throttled {
                retry_after: retry_after.or(Some(pause)),
            }
        }
        status @ (408 | 500..) => PushError::Unavailable {
            status,
            retry_after,
        },
        status => refused(
            fault
                .code
                .map_or_else(|| status.to_string(), |code| name(&code)),
        ),
    }
}

/// Pipedrive's code, if it looks like one.
fn name(raw: &str) -> String {
    let is_name = raw.len() <= 100
        && raw.starts_with(|c: char| c.is_ascii_alphabetic())
        && raw.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if is_name { raw } else { "?" }.to_owned()
}
