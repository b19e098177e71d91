//! SendGrid's Mail Send v3 and its signed event webhook.
//!
//! - Auth: a bearer token; 401 without a good one; 403 when the sender is not verified.
//! - `POST /v3/mail/send`: 202 without a body and with `X-Message-Id`; 200 in sandbox mode, which sends nothing;
//!   400 with one entry per fault. There is no idempotency key: a repeat is a second mail.
//! - Events: `processed`, then `delivered` (or what the address is set to) are collected and posted as signed
//!   batches, again and again at growing intervals until answered 2xx, for at most 24 h.
//!
//! Control: `PUT /_sim/event_webhook {"url", "repeat_events", "reverse_events"}`,
//! `PUT /_sim/addresses/{email} {"outcome", "reason"}`. Views: `GET /_sim/mails`, `GET /_sim/view`, in pages with
//! `?limit=` and `?after=`. Of older mails only who got them is kept, not what they said.
//!
//! Source: SendGrid v3 API reference and event webhook reference (read 2026-11). UNCONFIRMED: the number in the
//! rate headers, the exact retry intervals, the limit of 30 MB.

mod events;
mod validation;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::control::{self, Now, Page, Provider, Shared, has_bearer, lock, pretty, unclear};

/// The simulated SendGrid.
pub type Simulator = control::Simulator<SendGrid>;

const MESSAGE_LIMIT_BYTES: usize = 30 * 1024 * 1024;
/// What the rate headers say; nothing is refused for it.
const REQUESTS_PER_MINUTE: u32 = 600;
/// How many mails are kept with their text.
const KEPT_TEXTS: usize = 1_000;

/// How the simulated SendGrid behaves.
#[derive(Clone)]
pub struct Config {
    /// The API keys that are good.
    pub api_keys: Vec<String>,
    /// Who may send: whole addresses, or domains with all below them.
    pub verified_senders: Vec<String>,
    /// Where events are posted; nowhere when absent.
    pub event_webhook_url: Option<String>,
    /// How long after the mail its events are posted.
    pub event_delay: Duration,
    /// How long after a refused post it is first repeated; each interval is twice the one before.
    pub first_retry: Duration,
    /// Posts every batch of events twice.
    pub repeat_events: bool,
    /// The signing key as PKCS#8; a fresh one when absent.
    pub signing_key_pkcs8: Option<Vec<u8>>,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("verified_senders", &self.verified_senders)
            .finish_non_exhaustive()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            api_keys: vec!["SG.simulated-sendgrid-key".to_owned()],
            verified_senders: vec!["example.com".to_owned()],
            event_webhook_url: None,
            event_delay: Duration::from_millis(200),
            first_retry: Duration::from_secs(1),
            repeat_events: false,
            signing_key_pkcs8: None,
        }
    }
}

/// A mail as it was accepted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mail {
    /// The `X-Message-Id` of the answer.
    pub message_id: String,
    /// When it was accepted.
    pub at: Timestamp,
    /// The sender's address.
    pub from: String,
    /// The recipients of this copy.
    pub to: Vec<String>,
    /// Empty when a template gives it.
    pub subject: String,
    /// The `text/plain` part.
    pub text: String,
    /// The `text/html` part.
    pub html: String,
    /// What comes back on every event.
    pub custom_args: BTreeMap<String, String>,
    /// The template, where one is used.
    pub template_id: Option<String>,
    /// What fills the template.
    pub template_data: Value,
    /// Labels for statistics.
    pub categories: Vec<String>,
}

/// What becomes of mail to an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It arrives.
    #[default]
    Delivered,
    /// It is put off; nothing else is heard.
    Deferred,
    /// The receiving server refuses it.
    Bounce,
    /// It is not even tried, as the address is on a list.
    Dropped,
}

/// What the simulated SendGrid knows.
pub struct SendGrid {
    config: Config,
    mails: Mutex<Vec<Mail>>,
    outcomes: Mutex<BTreeMap<String, (Outcome, Option<String>)>>,
    webhook: Mutex<events::Webhook>,
    queue: Mutex<Vec<events::Batch>>,
    /// Batches that are being posted.
    posting: AtomicUsize,
    wake: Notify,
    key: EcdsaKeyPair,
    public_key: String,
}

impl SendGrid {
    pub(crate) fn new(config: Config) -> Self {
        let key = config
            .signing_key_pkcs8
            .as_ref()
            .map_or_else(
                || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).ok(),
                |pkcs8| EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).ok(),
            )
            .expect("the configured key is PKCS#8 of a P-256 key");
        let public_key = key
            .public_key()
            .as_der()
            .expect("a key that signs has a public part");
        Self {
            mails: Mutex::default(),
            outcomes: Mutex::default(),
            webhook: Mutex::new(events::Webhook {
                url: config.event_webhook_url.clone(),
                repeat_events: config.repeat_events,
                reverse_events: false,
            }),
            queue: Mutex::default(),
            posting: AtomicUsize::new(0),
            wake: Notify::new(),
            public_key: STANDARD.encode(public_key.as_ref()),
            key,
            config,
        }
    }
}

impl Provider for SendGrid {
    const NAME: &'static str = "sendgrid";
    const FAULTS: &'static [&'static str] = &[];

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/v3/mail/send", post(send))
            .route("/v3/scopes", get(list_scopes))
            .route(
                "/v3/user/webhooks/event/settings/signed/{id}",
                get(show_public_key),
            )
            .route("/_sim/mails", get(view_mails))
            .route("/_sim/view", get(view_mails))
            .route("/_sim/event_webhook", put(put_event_webhook))
            .route("/_sim/addresses/{email}", put(put_outcome))
    }

    fn error(status: StatusCode) -> Response {
        let message = match status.as_u16() {
            401 => "The provided authorization grant is invalid, expired, or revoked",
            403 => "access forbidden",
            404 => "Resource not found",
            413 => "The JSON payload you have included in your request is too large.",
            _ => "The request could not be served.",
        };
        refuse(status, &[fault(message, None)])
    }

    fn rate_limited(now: Timestamp) -> Response {
        (
            RateHeaders { now, remaining: 0 },
            refuse(
                StatusCode::TOO_MANY_REQUESTS,
                &[fault("too many requests", None)],
            ),
        )
            .into_response()
    }

    fn revoked() -> Response {
        Self::error(StatusCode::UNAUTHORIZED)
    }
}

impl Simulator {
    /// Starts posting events; `now` is the clock of the simulators.
    pub(crate) fn post_events(&mut self, now: Now) {
        self.tasks
            .spawn(events::post(Arc::clone(&self.shared), now));
    }

    /// The mails accepted, oldest first; sandboxed ones are not among them.
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.shared.provider.mails).clone()
    }

    /// Says where events are posted from now on.
    pub fn set_event_webhook(&self, url: &str) {
        lock(&self.shared.provider.webhook).url = Some(url.to_owned());
        self.shared.provider.wake.notify_one();
    }

    /// Says whether every batch of events is posted twice.
    pub fn repeat_events(&self, repeat: bool) {
        lock(&self.shared.provider.webhook).repeat_events = repeat;
    }

    /// Says whether later events are posted before earlier ones.
    pub fn reverse_events(&self, reverse: bool) {
        lock(&self.shared.provider.webhook).reverse_events = reverse;
    }

    /// Says what becomes of mail to this address.
    pub fn set_outcome(&self, email: &str, outcome: Outcome) {
        lock(&self.shared.provider.outcomes).insert(email.to_lowercase(), (outcome, None));
    }

    /// The key that proves events: base64 of its SPKI.
    pub fn public_key(&self) -> String {
        self.shared.provider.public_key.clone()
    }

    /// How many batches of events still wait for a 2xx.
    pub fn events_waiting(&self) -> usize {
        lock(&self.shared.provider.queue).len()
    }
}

type Sim = State<Arc<Shared<SendGrid>>>;

/// What is left of the limit.
struct RateHeaders {
    now: Timestamp,
    remaining: u32,
}

impl axum::response::IntoResponseParts for RateHeaders {
    type Error = std::convert::Infallible;

    fn into_response_parts(
        self,
        mut parts: axum::response::ResponseParts,
    ) -> Result<axum::response::ResponseParts, Self::Error> {
        let reset = self.now.as_second().div_euclid(60) * 60 + 60;
        let headers = parts.headers_mut();
        headers.insert("x-ratelimit-limit", HeaderValue::from(REQUESTS_PER_MINUTE));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(self.remaining));
        headers.insert("x-ratelimit-reset", HeaderValue::from(reset));
        Ok(parts)
    }
}

fn fault(message: &str, field: Option<&str>) -> Value {
    json!({ "message": message, "field": field, "help": null })
}

fn refuse(status: StatusCode, faults: &[Value]) -> Response {
    (status, Json(json!({ "errors": faults }))).into_response()
}

async fn send(State(sim): Sim, headers: HeaderMap, body: Bytes) -> Result<Response, Response> {
    let provider = &sim.provider;
    if !has_bearer(&headers, &provider.config.api_keys) {
        return Err(SendGrid::revoked());
    }
    if body.len() > MESSAGE_LIMIT_BYTES {
        return Err(SendGrid::error(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let bad = |faults: &[Value]| refuse(StatusCode::BAD_REQUEST, faults);
    let message: Value =
        serde_json::from_slice(&body).map_err(|_| bad(&[fault("Bad Request", None)]))?;
    let now = sim.control.now();
    let faults = validation::faults(&message, now);
    if !faults.is_empty() {
        return Err(bad(&faults));
    }
    let from = message["from"]["email"]
        .as_str()
        .unwrap_or_default()
        .to_lowercase();
    let host = from.rsplit('@').next().unwrap_or_default();
    let is_verified = provider.config.verified_senders.iter().any(|sender| {
        *sender == from
            || host == sender
            || host
                .strip_suffix(sender.as_str())
                .is_some_and(|rest| rest.ends_with('.'))
    });
    if !is_verified {
        let reason = "The from address does not match a verified Sender Identity. Mail cannot be sent until this \
                      error is resolved.";
        return Err(refuse(
            StatusCode::FORBIDDEN,
            &[fault(reason, Some("from"))],
        ));
    }
    let rates = RateHeaders {
        now,
        remaining: REQUESTS_PER_MINUTE - 1,
    };
    if message["mail_settings"]["sandbox_mode"]["enable"] == json!(true) {
        return Ok((StatusCode::OK, rates, ()).into_response());
    }
    let message_id = hex::encode(rand::random::<[u8; 11]>());
    let mails = validation::mails(&message, &message_id, now);
    let batch = events::Batch::of(
        &mails,
        &lock(&provider.outcomes),
        now,
        provider.config.event_delay,
    );
    keep(&mut lock(&provider.mails), mails);
    lock(&provider.queue).push(batch);
    provider.wake.notify_one();
    let id = HeaderValue::from_str(&message_id).unwrap_or(HeaderValue::from_static(""));
    Ok((StatusCode::ACCEPTED, rates, [("x-message-id", id)]).into_response())
}

fn keep(kept: &mut Vec<Mail>, mails: Vec<Mail>) {
    for mail in mails {
        kept.push(mail);
        let too_old = kept.len().checked_sub(KEPT_TEXTS + 1);
        if let Some(old) = too_old.and_then(|index| kept.get_mut(index)) {
            (old.text, old.html) = (String::new(), String::new());
        }
    }
}

async fn list_scopes(State(sim): Sim, headers: HeaderMap) -> Result<Response, Response> {
    if !has_bearer(&headers, &sim.provider.config.api_keys) {
        return Err(SendGrid::revoked());
    }
    Ok(
        Json(json!({ "scopes": ["mail.send", "user.webhooks.event.settings.read"] }))
            .into_response(),
    )
}

async fn show_public_key(
    State(sim): Sim,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    if !has_bearer(&headers, &sim.provider.config.api_keys) {
        return Err(SendGrid::revoked());
    }
    Ok(Json(json!({ "id": id, "public_key": sim.provider.public_key })).into_response())
}

async fn view_mails(State(sim): Sim, Query(page): Query<Page>) -> Response {
    let waiting = lock(&sim.provider.queue).len();
    let posting = sim.provider.posting.load(Ordering::Relaxed);
    let kept = lock(&sim.provider.mails);
    let numbered = (1_u64..).zip(kept.iter());
    let behind = numbered.filter(|(number, _)| *number > page.after.unwrap_or(0));
    let (shown, next) = page.cut(behind, |(number, _)| *number);
    let mails: Vec<_> = shown.into_iter().map(|(_, mail)| mail).collect();
    let counts = json!({
        "mails": kept.len(), "event_batches_waiting": waiting, "event_batches_posting": posting,
    });
    pretty(&json!({ "mails": mails, "counts": counts, "next": next }))
}

async fn put_event_webhook(State(sim): Sim, body: Bytes) -> Response {
    match control::read::<events::Webhook>(&body) {
        Ok(webhook) => {
            *lock(&sim.provider.webhook) = webhook;
            sim.provider.wake.notify_one();
            StatusCode::NO_CONTENT.into_response()
        }
        Err(reason) => unclear(&reason),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeBody {
    outcome: Outcome,
    reason: Option<String>,
}

async fn put_outcome(State(sim): Sim, Path(email): Path<String>, body: Bytes) -> Response {
    match control::read::<OutcomeBody>(&body) {
        Ok(body) => {
            lock(&sim.provider.outcomes).insert(email.to_lowercase(), (body.outcome, body.reason));
            StatusCode::NO_CONTENT.into_response()
        }
        Err(reason) => unclear(&reason),
    }
}
