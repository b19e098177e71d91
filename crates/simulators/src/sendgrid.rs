//! SendGrid's Mail Send v3 and its signed event webhook.
//!
//! - Auth: a bearer token. 401 without a good one, 403 if the sender is not verified.
//! - `POST /v3/mail/send`: 202 without a body and with `X-Message-Id`; 200 in sandbox mode, which sends nothing; 400 with
//!   one entry per fault. There is no idempotency key: a repeat is a second mail.
//! - Events: `processed`, then `delivered` (or the outcome configured for the address) are batched, signed and posted.
//!   A batch is posted again at growing intervals until it is answered 2xx, for at most 24 h.
//!
//! Control: `PUT /_sim/event_webhook {"url", "repeat_events", "reverse_events"}`, `PUT /_sim/addresses/{email}
//! {"outcome", "reason"}`. Views: `GET /_sim/mails`, `GET /_sim/view`, in pages with `?limit=` and `?after=`. The text
//! of older mails is dropped.
//!
//! Source: SendGrid v3 API reference and event webhook reference (read 2026-11). UNCONFIRMED: the number in the rate
//! headers, the exact retry intervals, the limit of 30 MB, the wording of 404, 405, 413 and 415.

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
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::extract::{Authorized, JsonBody, Path};
use crate::provider::{Provider, Shared, Webhooks, bearer, lock};
use crate::{SimulatorSpec, Simulators};

const API_KEY: &str = "SG.simulated-sendgrid-key";

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: SendGrid::SLUG,
    name: "SendGrid",
    setting: Some("SENDGRID_BASE_URL"),
    is_cloud_only: false,
    has_view: true,
    is_google: false,
    credential: API_KEY,
    webhook_key_setting: Some("SENDGRID_EVENT_KEY"),
    demo: Some(&DEMO),
    start: control::start::<SendGrid>,
};

/// The demo tenant's account needs nothing but its credential.
static DEMO: crate::Demo = crate::Demo {
    settings: &[],
    accounts: &[],
    signing_key: None,
    samples: &[],
};

/// The handle of the simulated SendGrid.
pub type Simulator = control::Simulator<SendGrid>;

impl Simulators {
    /// The simulated SendGrid.
    pub fn sendgrid(&self) -> &Simulator {
        self.get()
    }
}

/// The number in the rate headers. No request is refused for it.
const REQUESTS_PER_MINUTE: u32 = 600;
/// How many mails are kept with their text.
const KEPT_TEXTS: usize = 1_000;

/// How the simulated SendGrid behaves.
#[derive(Clone)]
pub struct Config {
    /// The API keys that are accepted.
    pub api_keys: Vec<String>,
    /// Who may send: whole addresses, or domains with all their subdomains.
    pub verified_senders: Vec<String>,
    /// Where events are posted. `None` means nowhere.
    pub event_webhook_url: Option<String>,
    /// The time between a mail and the post of its events.
    pub event_delay: Duration,
    /// Whether every batch of events is posted twice.
    pub repeat_events: bool,
    /// The signing key as PKCS#8. `None` means a new one.
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
            api_keys: vec![API_KEY.to_owned()],
            verified_senders: vec!["example.com".to_owned()],
            event_webhook_url: None,
            event_delay: Duration::from_millis(200),
            repeat_events: false,
            signing_key_pkcs8: None,
        }
    }
}

impl ProviderConfig for Config {}

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
    /// Empty if a template supplies it.
    pub subject: String,
    /// The `text/plain` part.
    pub text: String,
    /// The `text/html` part.
    pub html: String,
    /// Repeated on every event.
    pub custom_args: BTreeMap<String, String>,
    /// The template, if one is used.
    pub template_id: Option<String>,
    /// The data for the template.
    pub template_data: Value,
    /// Labels for statistics.
    pub categories: Vec<String>,
}

/// What happens to mail to an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It arrives.
    #[default]
    Delivered,
    /// It is deferred, and no further event follows.
    Deferred,
    /// The receiving server rejects it.
    Bounce,
    /// It is never attempted, because the address is suppressed.
    Dropped,
}

/// The state of the simulated SendGrid.
pub struct SendGrid {
    config: Config,
    /// The pause before a refused batch is first posted again.
    first_retry: Duration,
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

impl Provider for SendGrid {
    const SLUG: &'static str = "sendgrid";
    const BODY_LIMIT_BYTES: usize = 30 * 1024 * 1024;

    type Config = Config;
    type Caller = ();

    fn new(config: Config, setup: &Setup) -> Self {
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
            first_retry: setup.config.webhook_retry,
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

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/v3/mail/send", post(send))
            .route("/v3/scopes", get(list_scopes))
            .route(
                "/v3/user/webhooks/event/settings/signed/{id}",
                get(show_public_key),
            )
            .route("/_sim/mails", get(view_mails))
            .route("/_sim/event_webhook", put(put_event_webhook))
            .route("/_sim/addresses/{email}", put(put_outcome))
    }

    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<(), Response> {
        let sent = bearer(&request.headers);
        let is_good = |key: &String| sent == Some(key.as_str());
        if sim.provider.config.api_keys.iter().any(is_good) {
            Ok(())
        } else {
            Err(Self::refuse(StatusCode::UNAUTHORIZED))
        }
    }

    fn error(status: StatusCode, message: &str) -> Response {
        refuse(status, &[fault(message, None)])
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status.as_u16() {
            401 => "The provided authorization grant is invalid, expired, or revoked",
            403 => "access forbidden",
            404 => "Resource not found",
            405 => "method not allowed",
            413 => "The JSON payload you have included in your request is too large.",
            415 => "Content-Type should be application/json.",
            429 => "too many requests",
            _ => "The request could not be served.",
        }
    }

    fn bad_json(_reason: &str) -> Response {
        Self::error(StatusCode::BAD_REQUEST, "Bad Request")
    }

    fn finish(sim: &Shared<Self>, _request: &Parts, response: &mut Response) {
        let is_limited = response.status() == StatusCode::TOO_MANY_REQUESTS;
        let remaining = if is_limited {
            0
        } else {
            REQUESTS_PER_MINUTE - 1
        };
        let reset = sim.control.now().as_second().div_euclid(60) * 60 + 60;
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-limit", HeaderValue::from(REQUESTS_PER_MINUTE));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(remaining));
        headers.insert("x-ratelimit-reset", HeaderValue::from(reset));
    }

    fn view(sim: &Shared<Self>, page: &Page) -> Value {
        let waiting = lock(&sim.provider.queue).len();
        let posting = sim.provider.posting.load(Ordering::Relaxed);
        let kept = lock(&sim.provider.mails);
        let numbered = (1_u64..).zip(kept.iter());
        let following = numbered.filter(|(number, _)| *number > page.after.unwrap_or(0));
        let (shown, next) = page.cut(following, |(number, _)| *number);
        let mails: Vec<_> = shown.into_iter().map(|(_, mail)| mail).collect();
        let counts = json!({
            "mails": kept.len(), "event_batches_waiting": waiting, "event_batches_posting": posting,
        });
        json!({ "mails": mails, "counts": counts, "next": next })
    }

    fn background(sim: Arc<Shared<Self>>) -> Option<BoxFuture<'static, ()>> {
        Some(Box::pin(events::post(sim)))
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        Some(self)
    }
}

impl Webhooks for SendGrid {
    fn post_to(&self, url: &str) {
        lock(&self.webhook).url = Some(url.to_owned());
        self.wake.notify_one();
    }

    fn verification_key(&self) -> String {
        self.public_key.clone()
    }
}

impl Simulator {
    /// The mails that were accepted, oldest first. Sandboxed ones are not among them.
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.shared.provider.mails).clone()
    }

    /// Sets the URL that events are posted to.
    pub fn set_event_webhook(&self, url: &str) {
        self.shared.provider.post_to(url);
    }

    /// Sets whether every batch of events is posted twice.
    pub fn repeat_events(&self, repeat: bool) {
        lock(&self.shared.provider.webhook).repeat_events = repeat;
    }

    /// Sets whether later events are posted before earlier ones.
    pub fn reverse_events(&self, reverse: bool) {
        lock(&self.shared.provider.webhook).reverse_events = reverse;
    }

    /// Sets what happens to mail to this address.
    pub fn set_outcome(&self, email: &str, outcome: Outcome) {
        lock(&self.shared.provider.outcomes).insert(email.to_lowercase(), (outcome, None));
    }

    /// The key that verifies the signatures of events: base64 of its SPKI.
    pub fn public_key(&self) -> String {
        self.shared.provider.verification_key()
    }

    /// How many batches of events have not been answered 2xx yet.
    pub fn events_waiting(&self) -> usize {
        lock(&self.shared.provider.queue).len()
    }
}

type Sim = State<Arc<Shared<SendGrid>>>;

fn fault(message: &str, field: Option<&str>) -> Value {
    json!({ "message": message, "field": field, "help": null })
}

fn refuse(status: StatusCode, faults: &[Value]) -> Response {
    (status, Json(json!({ "errors": faults }))).into_response()
}

async fn send(
    State(sim): Sim,
    _: Authorized<SendGrid>,
    JsonBody(message): JsonBody<Value>,
) -> Result<Response, Response> {
    let provider = &sim.provider;
    let now = sim.control.now();
    let faults = validation::faults(&message, now);
    if !faults.is_empty() {
        return Err(refuse(StatusCode::BAD_REQUEST, &faults));
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
    if message["mail_settings"]["sandbox_mode"]["enable"] == json!(true) {
        return Ok(StatusCode::OK.into_response());
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
    Ok((StatusCode::ACCEPTED, [("x-message-id", id)]).into_response())
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

async fn list_scopes(State(_): Sim, _: Authorized<SendGrid>) -> Response {
    Json(json!({ "scopes": ["mail.send", "user.webhooks.event.settings.read"] })).into_response()
}

async fn show_public_key(
    State(sim): Sim,
    _: Authorized<SendGrid>,
    Path(id): Path<String>,
) -> Response {
    Json(json!({ "id": id, "public_key": sim.provider.public_key })).into_response()
}

async fn view_mails(State(sim): Sim, page: Page) -> Response {
    pretty(&SendGrid::view(&sim, &page))
}

async fn put_event_webhook(State(sim): Sim, body: Bytes) -> Response {
    control::done(control::read::<events::Webhook>(&body).map(|webhook| {
        *lock(&sim.provider.webhook) = webhook;
        sim.provider.wake.notify_one();
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeBody {
    outcome: Outcome,
    reason: Option<String>,
}

async fn put_outcome(State(sim): Sim, Path(email): Path<String>, body: Bytes) -> Response {
    control::done(control::read::<OutcomeBody>(&body).map(|body| {
        lock(&sim.provider.outcomes).insert(email.to_lowercase(), (body.outcome, body.reason));
    }))
}
