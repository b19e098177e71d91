//! The wire: one signed `POST`.

use std::{sync::Arc, time::Duration};

use domain::{Account, Clock, ProviderAnswer};
use http_client::{Client, HttpError, Response};
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{URL, keys::Keys};
use crate::PushError;

/// Longest time of a call: a receiver should store first and work later.
const CALL_DEADLINE: Duration = Duration::from_secs(20);
/// How much of an answer is read.
const MAX_ANSWER_BYTES: u64 = 64 * 1024;
/// The longest id of a receiver that is kept, in characters.
const MAX_ID: usize = 200;

/// Calls a receiver.
pub(super) struct Api {
    http: Client,
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

/// What of an answer is used.
#[derive(Default)]
pub(super) struct Answer {
    /// What the receiver calls the lead.
    pub(super) external_id: Option<String>,
}

impl Api {
    pub(super) fn new(http: Client, clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        Self {
            http,
            clock,
            timeout: timeout.min(CALL_DEADLINE),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Posts one event. A repeat under the same id is harmless.
    pub(super) async fn post(
        &self,
        account: &Account,
        keys: &Keys,
        id: &str,
        kind: &str,
        data: &Value,
    ) -> Result<Answer, PushError> {
        let now = self.now();
        let body = json!({ "type": kind, "timestamp": now.to_string(), "data": data });
        let body = body.to_string().into_bytes();
        let sent = self
            .http
            .post(account.setting(URL))
            .to_a_tenants_url()
            .secret_path()
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second().to_string())
            .secret_header("webhook-signature", &keys.sign(id, now, &body).into())
            .body("application/json", body)
            .stand_in(|| json!({}))
            .deadline(self.timeout)
            .max_body_bytes(MAX_ANSWER_BYTES)
            .send()
            .await;
        match sent {
            Ok(answer) if answer.status.is_success() => read(&answer),
            Ok(answer) => Err(self.refusal(&answer)),
            // It has taken the lead, and is only too talkative.
            Err(HttpError::TooLarge { status, .. }) if status.is_success() => Ok(Answer::default()),
            Err(error @ (HttpError::BadUrl(_) | HttpError::Blocked { .. })) => Err(
                PushError::Misconfigured(format!("{error}: enter another URL, and redrive")),
            ),
            Err(error) => Err(error.into()),
        }
    }

    /// What an answer other than 2xx means. The standard calls each a failed attempt; which of them a repeat can cure is
    /// our own reading.
    fn refusal(&self, answer: &Response) -> PushError {
        let said = ProviderAnswer::new(&answer.text_lossy(2_000));
        let retry_after = answer.retry_after(self.clock.now());
        match answer.status.as_u16() {
            401 => PushError::Unauthorized { answer: said },
            403 => PushError::MissingScopes { answer: said },
            status @ (300..=399 | 404 | 405 | 410) => PushError::Gone {
                status,
                answer: said,
            },
            408 | 425 | 429 => PushError::Throttled { retry_after },
            status @ 500.. => PushError::Unavailable {
                status,
                retry_after,
            },
            status => PushError::Refused {
                code: status.to_string(),
                answer: said,
            },
        }
    }
}

/// Any 2xx is enough. An answer that breaks off may be an answer that was lost on the way: then the same event is sent
/// once more.
fn read(answer: &Response) -> Result<Answer, PushError> {
    let is_json = answer
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/json"));
    // Nothing said, be it with a line end, is no answer that breaks off.
    if !is_json || answer.body.trim_ascii().is_empty() {
        return Ok(Answer::default());
    }
    let breaks_off =
        || serde_json::from_slice::<IgnoredAny>(&answer.body).is_err_and(|error| error.is_eof());
    match answer.json::<Value>() {
        Ok(said) => Ok(Answer {
            external_id: match said.get("external_id") {
                Some(Value::String(text)) => domain::text::line(text, MAX_ID),
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => None,
            },
        }),
        Err(unreadable) if breaks_off() => Err(unreadable.into()),
        Err(_) => Ok(Answer::default()),
    }
}
