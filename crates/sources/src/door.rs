//! The edge of a source whose URL anybody may know: what is asked before a delivery is stored, and how it is answered.
//!
//! A signed delivery proves where it is from; a form's post does not. What is found out about it is noted among its
//! headers, so that whoever reads it later, from the store too, judges it by the same and asks nobody again.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use http::HeaderMap;
use http_client::Client;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use settings::Reader;
use url::Url;

use crate::Verified;

/// What a source does at its door.
#[async_trait]
pub trait Door: Send + Sync {
    /// The largest body of this type that is read.
    ///
    /// # Errors
    /// [`Turned`] if bodies of this type are not taken.
    fn body_limit(&self, content_type: Option<&str>) -> Result<usize, Turned>;

    /// Whether scripts of pages at this origin may post, and read the answer.
    fn is_welcome(&self, settings: &Value, origin: &str) -> bool;

    /// What a page says later to show when it was loaded: the time, signed by the first key. `None` without a key.
    fn page_token(&self, keys: &[SecretString], now: Timestamp) -> Option<String>;

    /// Whether the secret of the source's connection is needed to look at deliveries.
    fn needs_secret(&self, settings: &Value) -> bool;

    /// Looks at a delivery and notes what it finds. A body's own faults are told by its reader, which loses none.
    ///
    /// # Errors
    /// [`Turned`] if it is not stored.
    async fn screen(&self, visit: &Visit<'_>, delivery: Verified) -> Result<Verified, Turned>;

    /// Where a browser goes that has posted the form: the tenant's own page, by settings alone.
    fn thank_you_url(&self, settings: &Value) -> Option<String>;

    /// What a web designer pastes into a page: a form that posts to this URL.
    fn snippet(&self, settings: &Value, url: &str) -> String;
}

/// A delivery's surroundings.
pub struct Visit<'v> {
    /// What the tenant has set for the source.
    pub settings: &'v Value,
    /// The source's keys, the newest first.
    pub keys: &'v [SecretString],
    /// The secret of the source's connection, if it has one.
    pub secret: Option<&'v SecretString>,
    /// The headers, as they were sent.
    pub headers: &'v HeaderMap,
    /// Who is asked whether a person has filled in the form.
    pub checks: &'v BotChecks,
    /// When it came.
    pub now: Timestamp,
}

/// Why a delivery is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turned {
    /// 400, 403, 413 or 415.
    pub status: u16,
    /// A word for logs and for the list of refusals.
    pub reason: &'static str,
    /// What its sender is told: what to do about it.
    pub detail: &'static str,
}

/// Where the services are that tell people from programs.
#[derive(Debug, Clone)]
pub struct BotCheckConfig {
    /// Cloudflare Turnstile.
    pub turnstile: Url,
    /// Google reCAPTCHA.
    pub recaptcha: Url,
}

impl Default for BotCheckConfig {
    /// The real ones.
    fn default() -> Self {
        let url = |text: &str| Url::parse(text).expect("a base URL in the code is a URL");
        Self {
            turnstile: url(TURNSTILE),
            recaptcha: url(RECAPTCHA),
        }
    }
}

const TURNSTILE: &str = "https://challenges.cloudflare.com";
const RECAPTCHA: &str = "https://www.google.com";

impl BotCheckConfig {
    /// Reads where they are.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            turnstile: reader.url(
                "TURNSTILE_BASE_URL",
                TURNSTILE,
                "Cloudflare Turnstile, which tells people from programs.",
            ),
            recaptcha: reader.url(
                "RECAPTCHA_BASE_URL",
                RECAPTCHA,
                "Google reCAPTCHA, which tells people from programs.",
            ),
        }
    }
}

/// Asks the services that tell people from programs.
#[derive(Clone)]
pub struct BotChecks {
    client: Client,
    config: BotCheckConfig,
}

/// Which service is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BotService {
    Turnstile,
    Recaptcha,
}

/// What a service says of a token.
#[derive(Debug, Default, serde::Deserialize)]
pub(crate) struct BotAnswer {
    #[serde(default)]
    pub(crate) success: bool,
    #[serde(default)]
    pub(crate) hostname: Option<String>,
    #[serde(default)]
    pub(crate) action: Option<String>,
    #[serde(default)]
    pub(crate) score: Option<f64>,
    #[serde(default, rename = "error-codes")]
    pub(crate) error_codes: Vec<String>,
}

impl BotChecks {
    /// How long a sender waits for it at most.
    const DEADLINE: Duration = Duration::from_secs(2);
    const MAX_ANSWER_BYTES: u64 = 16 * 1024;

    /// Asks by this client.
    pub fn new(client: Client, config: BotCheckConfig) -> Self {
        Self { client, config }
    }

    /// What the service says of a token, which is good once. `None`: it gave no answer that can be used, so nothing is known.
    ///
    /// `of` is what came with it, as a UUID: Turnstile answers the same once more where both are the same. reCAPTCHA has no
    /// such thing.
    pub(crate) async fn ask(
        &self,
        service: BotService,
        secret: &SecretString,
        token: &str,
        of: &str,
    ) -> Option<BotAnswer> {
        let (base, path) = match service {
            BotService::Turnstile => (&self.config.turnstile, "turnstile/v0/siteverify"),
            BotService::Recaptcha => (&self.config.recaptcha, "recaptcha/api/siteverify"),
        };
        let url = format!("{}/{path}", base.as_str().trim_end_matches('/'));
        let of = (service == BotService::Turnstile).then_some(("idempotency_key", of));
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("secret", secrecy::ExposeSecret::expose_secret(secret))
            .append_pair("response", token)
            .extend_pairs(of)
            .finish();
        let asked = self
            .client
            .post(url)
            .body("application/x-www-form-urlencoded", body)
            .deadline(Self::DEADLINE)
            .max_body_bytes(Self::MAX_ANSWER_BYTES)
            .send();
        match asked.await {
            Ok(answer) if answer.status.is_success() => answer.json().ok(),
            Ok(_) | Err(_) => None,
        }
    }
}

impl fmt::Debug for BotChecks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotChecks").finish_non_exhaustive()
    }
}
