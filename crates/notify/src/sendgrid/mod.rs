//! SendGrid: Mail Send v3.
//!
//! - Auth: `Authorization: Bearer SG.…`, scope `mail.send`.
//! - `POST /v3/mail/send` answers 202 and `X-Message-Id` once the mail is queued; delivery is reported by events.
//! - Once: there is no idempotency key, so a repeat is a second mail. A failure says whether the mail may have been sent
//!   ([`SendError`]); our own name of the message rides in `custom_args` and comes back on every event, which resolves
//!   what is not known.
//! - `custom_args` are kept by SendGrid and not treated as personal: only ids that say nothing to others.
//! - Every tracking is off: links stay as they are written, and nothing is added to the text.
//!
//! Source: SendGrid v3 API reference, "Mail Send", "Errors", "Rate limits" (read 2026-11).

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Account, AccountSpec, BaseUrl, Clock, ProviderAnswer, text};
use http_client::{Client, Response, StatusClass, Url};
use serde::Deserialize;
use serde_json::json;

use crate::{
    CALL_DEADLINE, ChannelSpec, Content, EmailChannel, Mail, MakeChannel, ProviderMessageId,
    SendError,
};

/// SendGrid, before it is made.
pub(crate) static SPEC: ChannelSpec = ChannelSpec {
    slug: "sendgrid",
    name: "SendGrid",
    account: AccountSpec {
        secret: "an API key with the permission to send mail",
        settings: &[],
        refresh: None,
        check: None,
    },
    base_url: BaseUrl {
        key: "SENDGRID_BASE_URL",
        url: "https://api.sendgrid.com",
        about: "Base URL of SendGrid's API. Subusers in the EU: https://api.eu.sendgrid.com.",
    },
    make: MakeChannel::Email(|http, clock, url| Arc::new(SendGrid::new(http, clock, url))),
};

/// The pause if too much was sent and no time is named.
const ONE_MINUTE: Duration = Duration::from_secs(60);
/// Longest pause that is taken from a header.
const ONE_HOUR: Duration = Duration::from_secs(3_600);

/// Sends mail by SendGrid.
struct SendGrid {
    http: Client,
    base_url: String,
    clock: Arc<dyn Clock>,
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

#[async_trait]
impl EmailChannel for SendGrid {
    fn slug(&self) -> &'static str {
        SPEC.slug
    }

    async fn send(
        &self,
        mail: &Mail<'_>,
        account: &Account,
    ) -> Result<ProviderMessageId, SendError> {
        let Content {
            subject,
            text,
            html,
        } = mail.content;
        let mut names = json!({ "message_id": mail.message_id });
        if let Some(request) = mail.request {
            names["tenant_id"] = json!(account.tenant.as_str());
            names["request_id"] = json!(request.to_string());
        }
        let body = json!({
            "from": { "email": mail.from.as_str(), "name": mail.from_name },
            "personalizations": [{
                "to": [{ "email": mail.to.as_str() }],
                "custom_args": names,
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
            .bearer(&account.secret)
            .deadline(CALL_DEADLINE)
            .json(&body);
        let answer = request.send().await?;
        if !answer.status.is_success() {
            return Err(self.refusal(&answer));
        }
        // The beginning of the `sg_message_id` on events.
        let id = answer
            .header("x-message-id")
            .and_then(|id| text::line(id, 200));
        Ok(ProviderMessageId(
            id.unwrap_or_else(|| mail.message_id.to_owned()),
        ))
    }

    async fn is_up(&self, account: &Account) -> Result<(), SendError> {
        let request = self
            .http
            .get(format!("{}/v3/scopes", self.base_url))
            .bearer(&account.secret)
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
}

impl SendGrid {
    fn new(http: Client, clock: Arc<dyn Clock>, base_url: &Url) -> Self {
        Self {
            http,
            base_url: base_url.as_str().trim_end_matches('/').to_owned(),
            clock,
        }
    }

    fn refusal(&self, answer: &Response) -> SendError {
        let fault = answer
            .json::<Faults>()
            .ok()
            .and_then(|faults| faults.errors.into_iter().next());
        let fault = fault.unwrap_or_default();
        let said = ProviderAnswer::new(&fault.message);
        match answer.status.as_u16() {
            status @ (400 | 413) => {
                let field = fault
                    .field
                    .as_deref()
                    .and_then(|field| text::line(field, 100));
                SendError::Refused {
                    status,
                    field: field.unwrap_or_else(|| "?".to_owned()),
                    answer: said,
                }
            }
            401 => SendError::Unauthorized { answer: said },
            403 => SendError::Forbidden { answer: said },
            429 => SendError::Throttled {
                retry_after: self.pause(answer),
            },
            status @ (408 | 500..) => SendError::Failed { status },
            status => SendError::Unexpected { status },
        }
    }

    /// How long to wait: as this refusal asks, else until `X-RateLimit-Reset`, in Unix seconds, which every answer has.
    fn pause(&self, answer: &Response) -> Duration {
        let now = self.clock.now();
        let reset = answer
            .header("x-ratelimit-reset")
            .and_then(|seconds| seconds.parse().ok());
        let reset = reset.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        let until_reset =
            reset.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default());
        answer
            .retry_after(now)
            .or(until_reset)
            .unwrap_or(ONE_MINUTE)
            .min(ONE_HOUR)
    }
}
