//! SendGrid: Mail Send v3.
//!
//! - Auth: `Authorization: Bearer SG.…`, scope `mail.send`.
//! - `POST /v3/mail/send` answers 202 and `X-Message-Id` once the mail is queued; delivery is told by events.
//! - Once: there is no idempotency key, so a repeat is a second mail. A failure tells whether the mail may have been
//!   taken ([`SendError::is_outcome_unknown`]); our own name of the message rides in `custom_args` and comes back on
//!   every event, which resolves what is not known.
//! - `custom_args` are kept by SendGrid and not treated as personal: only ids that say nothing to others.
//! - Every tracking is off: links stay as they are written, and nothing is added to the text.
//!
//! Source: SendGrid v3 API reference, "Mail Send", "Errors", "Rate limits" (read 2026-11).

use std::{fmt, sync::Arc, time::Duration};

use domain::{
    Classify, Clock, Disposition, EffectFailure, EmailAddress, RequestId, TenantId, text,
};
use http_client::{Client, HttpError, Response, StatusClass, Url};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use crate::Content;

/// Longest time of a call; who writes down an effect counts with it.
pub const CALL_DEADLINE: Duration = Duration::from_secs(15);
/// The pause where too much was sent and no time is named.
const ONE_MINUTE: Duration = Duration::from_secs(60);
/// Longest pause that is taken from a header.
const ONE_HOUR: Duration = Duration::from_secs(3_600);

/// Sends mail by SendGrid.
pub struct SendGrid {
    http: Client,
    base_url: String,
    clock: Arc<dyn Clock>,
}

/// A mail to one recipient.
pub struct Mail<'a> {
    /// The sender: an address that SendGrid has verified.
    pub from: &'a EmailAddress,
    /// The sender's name, as mail programs show it.
    pub from_name: &'a str,
    /// The recipient.
    pub to: &'a EmailAddress,
    /// Subject and both parts.
    pub content: &'a Content,
    /// Our name of the message; see [`message_id`](crate::message_id).
    pub message_id: &'a str,
    /// Whose it is.
    pub tenant: &'a TenantId,
    /// What it is about.
    pub request: RequestId,
}

/// SendGrid's own id of a mail: the beginning of its `sg_message_id` on events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderMessageId(pub String);

/// Why a mail was not sent, or is not known to be. Its text repeats no address.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SendError {
    /// SendGrid does not take this mail, and will not.
    #[error("SendGrid refused the mail (status {status}, field `{field}`)")]
    Refused {
        /// Its answer's status.
        status: u16,
        /// The part that it names; `?` where it names none.
        field: String,
        /// Its explanation.
        words: Words,
    },
    /// The key is not, or no longer, good.
    #[error("SendGrid no longer accepts this tenant's key")]
    Unauthorized {
        /// Its explanation.
        words: Words,
    },
    /// The key may not send, or the sender is not verified.
    #[error(
        "SendGrid does not let this key send as this sender: verify the sender, or give the key `mail.send`"
    )]
    Forbidden {
        /// Its explanation.
        words: Words,
    },
    /// SendGrid asks us to slow down. Nothing was sent.
    #[error("SendGrid asks us to slow down")]
    Throttled {
        /// For how long.
        retry_after: Duration,
    },
    /// What answers is not SendGrid as we know it. Nothing was sent.
    #[error("what answers is not SendGrid as we know it (status {status}): check the base URL")]
    Unexpected {
        /// The answer's status.
        status: u16,
    },
    /// SendGrid was not reached. Nothing was sent.
    #[error("SendGrid was not reached: {0}")]
    NotSent(#[source] HttpError),
    /// SendGrid is out of order, so a mail whose answer was lost is not handed over again yet. Nothing was sent.
    #[error("SendGrid is out of order ({what}); whether the mail was sent is not known yet")]
    OutOfOrder {
        /// What it answered, or why it was not reached.
        what: String,
    },
    /// SendGrid broke down with the mail in hand: it may have been sent.
    #[error("SendGrid failed (status {status}); the mail may have been sent")]
    Failed {
        /// Its answer's status.
        status: u16,
    },
    /// The answer never came: the mail may have been sent.
    #[error("no answer from SendGrid, the mail may have been sent: {0}")]
    OutcomeUnknown(#[source] HttpError),
}

/// SendGrid's own words: capped, may repeat an address, and so redacted in `Debug`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Words(String);

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Words(redacted)")
    }
}

#[derive(Deserialize)]
struct Faults {
    errors: Vec<Fault>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Fault {
    message: String,
    field: Option<String>,
}

impl SendGrid {
    /// A client of the SendGrid at this base URL.
    pub fn new(http: Client, base_url: &Url, clock: Arc<dyn Clock>) -> Self {
        Self {
            http,
            base_url: base_url.as_str().trim_end_matches('/').to_owned(),
            clock,
        }
    }

    /// Sends a mail. A repeat sends another.
    ///
    /// # Errors
    /// [`SendError`] says whether the mail may have been sent, and what to do next.
    pub async fn send(
        &self,
        mail: &Mail<'_>,
        key: &SecretString,
    ) -> Result<ProviderMessageId, SendError> {
        let Content {
            subject,
            text,
            html,
        } = mail.content;
        let body = json!({
            "from": { "email": mail.from.as_str(), "name": mail.from_name },
            "personalizations": [{
                "to": [{ "email": mail.to.as_str() }],
                "custom_args": {
                    "message_id": mail.message_id,
                    "tenant_id": mail.tenant.as_str(),
                    "request_id": mail.request.to_string(),
                },
            }],
            "subject": subject,
            "content": [{ "type": "text/plain", "value": text }, { "type": "text/html", "value": html }],
            "tracking_settings": {
                "click_tracking": { "enable": false, "enable_text": false },
                "open_tracking": { "enable": false },
                "subscription_tracking": { "enable": false },
            },
        });
        let request = self
            .http
            .post(format!("{}/v3/mail/send", self.base_url))
            .bearer(key)
            .deadline(CALL_DEADLINE)
            .json(&body);
        let answer = request.send().await?;
        if !answer.status.is_success() {
            return Err(self.refusal(&answer));
        }
        let id = answer
            .header("x-message-id")
            .and_then(|id| text::line(id, 200));
        Ok(ProviderMessageId(
            id.unwrap_or_else(|| mail.message_id.to_owned()),
        ))
    }

    /// Asks for something that sends nothing: an error while SendGrid is out of order. A refusal is no error here, it
    /// comes from a SendGrid that works.
    ///
    /// # Errors
    /// [`SendError::OutOfOrder`].
    pub async fn is_up(&self, key: &SecretString) -> Result<(), SendError> {
        let request = self
            .http
            .get(format!("{}/v3/scopes", self.base_url))
            .bearer(key)
            .deadline(CALL_DEADLINE);
        let what = match request.send().await {
            Ok(answer) if answer.class() == StatusClass::ServerFault => {
                format!("status {}", answer.status.as_u16())
            }
            Ok(_) => return Ok(()),
            Err(error) => error.to_string(),
        };
        Err(SendError::OutOfOrder { what })
    }

    fn refusal(&self, answer: &Response) -> SendError {
        let fault = answer
            .json::<Faults>()
            .ok()
            .and_then(|faults| faults.errors.into_iter().next());
        let fault = fault.unwrap_or_default();
        let words = Words(text::bounded(&fault.message, 2_000));
        match answer.status.as_u16() {
            status @ (400 | 413) => {
                let field = fault
                    .field
                    .as_deref()
                    .and_then(|field| text::line(field, 100));
                SendError::Refused {
                    status,
                    field: field.unwrap_or_else(|| "?".to_owned()),
                    words,
                }
            }
            401 => SendError::Unauthorized { words },
            403 => SendError::Forbidden { words },
            429 => SendError::Throttled {
                retry_after: self.pause(answer),
            },
            status @ (408 | 500..) => SendError::Failed { status },
            status => SendError::Unexpected { status },
        }
    }

    /// How long to wait: until `X-RateLimit-Reset`, in Unix seconds.
    fn pause(&self, answer: &Response) -> Duration {
        let now = self.clock.now();
        let reset = answer
            .header("x-ratelimit-reset")
            .and_then(|seconds| seconds.parse().ok());
        let reset = reset.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        let until_reset =
            reset.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default());
        until_reset
            .or_else(|| answer.retry_after(now))
            .unwrap_or(ONE_MINUTE)
            .min(ONE_HOUR)
    }
}

impl From<HttpError> for SendError {
    fn from(error: HttpError) -> Self {
        match error {
            // Only the key can spoil a request of ours: a new one mends it.
            HttpError::BadRequest(_) => Self::Unauthorized {
                words: Words("the key has characters that no header takes".to_owned()),
            },
            error if error.is_not_sent() => Self::NotSent(error),
            error => Self::OutcomeUnknown(error),
        }
    }
}

impl EffectFailure for SendError {
    #[deny(clippy::wildcard_enum_match_arm)] // a new variant must be thought about here
    fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::OutcomeUnknown(_) => true,
            Self::Refused { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::Throttled { .. }
            | Self::Unexpected { .. }
            | Self::OutOfOrder { .. }
            | Self::NotSent(_) => false,
        }
    }
}

impl Classify for SendError {
    #[deny(clippy::wildcard_enum_match_arm)] // a new variant must be thought about here
    fn disposition(&self) -> Disposition {
        match self {
            Self::Refused { .. } | Self::Unexpected { .. } => Disposition::Park,
            Self::Unauthorized { .. } | Self::Forbidden { .. } => Disposition::Hold,
            Self::Throttled { retry_after } => Disposition::Retry {
                after: Some(*retry_after),
            },
            Self::NotSent(_)
            | Self::OutOfOrder { .. }
            | Self::Failed { .. }
            | Self::OutcomeUnknown(_) => Disposition::Retry { after: None },
        }
    }

    fn answer(&self) -> Option<String> {
        match self {
            Self::Refused { words, .. }
            | Self::Unauthorized { words }
            | Self::Forbidden { words } => Some(words.0.clone()).filter(|words| !words.is_empty()),
            Self::Throttled { .. }
            | Self::Unexpected { .. }
            | Self::NotSent(_)
            | Self::OutOfOrder { .. }
            | Self::Failed { .. }
            | Self::OutcomeUnknown(_) => None,
        }
    }
}
