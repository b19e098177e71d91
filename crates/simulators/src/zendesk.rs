//! Zendesk's API and its webhooks: tickets with their comments, conversations of Sunshine Conversations.
//!
//! - Auth: Basic. `{email}/token` and an API token for tickets; an app's key for Sunshine Conversations. Anything else gets
//!   a 401.
//! - `GET /api/v2/users/me.json`, `/api/v2/tickets/{id}.json`, its `comments.json` in pages with a cursor; `GET
//!   /sc/v2/apps/{app}/conversations/{id}/messages`; `GET` and `POST /api/v2/webhooks`, `GET` and `PATCH` of one, and
//!   its `signing_secret`; `GET` and `POST /sc/v2/apps/{app}/integrations`, the webhooks of one, and `PATCH` of one of these.
//! - Webhooks: ticket events, signed over time and body, at the time when they leave. Only 409, 429, 503 and no answer are
//!   followed by another try.
//!
//! A ticket that nobody made exists all the same, with invented words, so that any sample of a webhook works.
//! Control: `POST /_sim/tickets` makes one, `PUT /_sim/tickets/{id}` without a webhook, `POST /_sim/tickets/{id}/comments`
//! writes in it, `POST /_sim/tickets/{id}/{solve|delete}` does what people do; `POST /_sim/conversations/{id}/messages`
//! writes in messaging; `GET` and `PUT /_sim/webhooks`.
//!
//! Source: developer.zendesk.com, "Verifying webhooks", "Ticket events", "Tickets", "Ticket comments", "Webhooks API" (read
//! 2026-11).
//! UNCONFIRMED: how often a webhook is tried again, and when.

mod conversations;
mod demo;
mod integrations;
mod tickets;
mod webhooks;

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post, put};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub use demo::{ACCOUNT, APP, EMAIL, KEY_ID, SIGNING_SECRET};
pub use tickets::{Comment, Wanted};

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::demo::SampleDelivery;
use crate::extract::{Authorized, Path, Query};
use crate::outbox::{self, Outbox, Posts, Rules, Trouble};
use crate::provider::{Provider, Shared, Webhooks, lock};
use crate::{SimulatorSpec, Simulators};

use conversations::{Conversations, Wrote};
use tickets::Tickets;

const TOKEN: &str = "simulated-zendesk-token";

/// The events that can be subscribed here.
const EVENTS: &[&str] = &[
    "ticket.created",
    "ticket.comment_added",
    "ticket.status_changed",
    "ticket.marked_as_spam",
    "ticket.permanently_deleted",
    "messaging_ticket.message_added",
];

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Zendesk::SLUG,
    name: "Zendesk",
    setting: Some("ZENDESK_BASE_URL"),
    is_cloud_only: false,
    has_view: true,
    is_google: false,
    credential: TOKEN,
    webhook_key_setting: None,
    demo: Some(&demo::DEMO),
    start: control::start::<Zendesk>,
};

/// The handle of the simulated Zendesk.
pub type Simulator = control::Simulator<Zendesk>;

impl Simulators {
    /// The simulated Zendesk.
    pub fn zendesk(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated Zendesk behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The users and secrets that are accepted.
    pub accounts: Vec<(String, String)>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            accounts: vec![
                (format!("{EMAIL}/token"), TOKEN.to_owned()),
                (demo::KEY_ID.to_owned(), TOKEN.to_owned()),
            ],
        }
    }
}

impl ProviderConfig for Config {}

/// The state of the simulated Zendesk.
pub struct Zendesk {
    config: Config,
    tickets: Mutex<Tickets>,
    conversations: Mutex<Conversations>,
    outbox: Outbox,
}

impl Provider for Zendesk {
    const SLUG: &'static str = "zendesk";

    type Config = Config;
    type Caller = ();

    fn new(config: Config, setup: &Setup) -> Self {
        let rules = Rules {
            is_repeated: |status| {
                status.is_none_or(|status| matches!(status.as_u16(), 409 | 429 | 503))
            },
            give_up: SignedDuration::from_mins(15),
            switch_off: SignedDuration::from_hours(24),
        };
        Self {
            config,
            tickets: Mutex::default(),
            conversations: Mutex::default(),
            outbox: Outbox::new(rules, setup.config.webhook_retry),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/api/v2/users/me.json", get(show_me))
            .route("/api/v2/tickets/{id}", get(show_ticket))
            .route("/api/v2/tickets/{id}/comments.json", get(list_comments))
            .route(
                "/sc/v2/apps/{app}/conversations/{id}/messages",
                get(list_messages),
            )
            .route("/api/v2/webhooks", get(webhooks::list).post(webhooks::make))
            .route(
                "/api/v2/webhooks/{id}",
                get(webhooks::show).patch(webhooks::change),
            )
            .route(
                "/api/v2/webhooks/{id}/signing_secret",
                get(webhooks::secret),
            )
            .route(
                "/sc/v2/apps/{app}/integrations",
                get(integrations::list).post(integrations::make),
            )
            .route(
                "/sc/v2/apps/{app}/integrations/{integration}/webhooks",
                get(integrations::webhooks),
            )
            .route(
                "/sc/v2/apps/{app}/integrations/{integration}/webhooks/{webhook}",
                patch(integrations::change),
            )
            .route("/_sim/conversations/{id}/messages", post(write))
            .route("/_sim/tickets", post(make))
            .route("/_sim/tickets/{id}", put(register))
            .route("/_sim/tickets/{id}/comments", post(comment))
            .route("/_sim/tickets/{id}/{action}", post(act))
            .merge(outbox::routes::<Self>())
    }

    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<(), Response> {
        let sent = request.headers.get(header::AUTHORIZATION);
        let sent = sent.and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
        let is_good = |(user, secret): &(String, String)| {
            sent == Some(STANDARD.encode(format!("{user}:{secret}")).as_str())
        };
        if sim.provider.config.accounts.iter().any(is_good) {
            Ok(())
        } else {
            Err(Self::refuse(StatusCode::UNAUTHORIZED))
        }
    }

    fn error(status: StatusCode, message: &str) -> Response {
        let word = match status.as_u16() {
            401 => "Couldn't authenticate you",
            403 => "Forbidden",
            404 => "RecordNotFound",
            429 => "APIRateLimitExceeded",
            500.. => "InternalError",
            _ => "InvalidRequest",
        };
        let body = json!({ "error": word, "description": message });
        (status, Json(body)).into_response()
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status.as_u16() {
            401 => "Couldn't authenticate you",
            403 => "You do not have access to this page.",
            404 => "Not found",
            405 => "Method not allowed",
            429 => "Number of allowed API requests per minute exceeded",
            500.. => "Something went wrong",
            _ => "The request could not be understood",
        }
    }

    fn rate_limited(_now: Timestamp) -> Response {
        let mut response = Self::refuse(StatusCode::TOO_MANY_REQUESTS);
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(7));
        response
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        json!({
            "tickets": lock(&sim.provider.tickets).view(), "webhooks": sim.provider.outbox.view(),
        })
    }

    fn background(sim: Arc<Shared<Self>>) -> Option<BoxFuture<'static, ()>> {
        Some(Box::pin(outbox::run(sim)))
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        Some(self)
    }
}

impl Posts for Zendesk {
    fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn sign(key: &str, body: &[u8], now: Timestamp) -> Vec<(&'static str, String)> {
        // Sunshine Conversations signs nothing: it sends the webhook's secret.
        if body.starts_with(b"{\"app\":") {
            return vec![("x-api-key", key.to_owned())];
        }
        sign(key, body, now)
    }
}

/// Base64 of HMAC-SHA256 of the time and the body, with nothing between them. Source: "Verifying webhooks".
fn sign(key: &str, body: &[u8], now: Timestamp) -> Vec<(&'static str, String)> {
    let time = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let mut mac = hmac::Context::with_key(&key);
    mac.update(time.as_bytes());
    mac.update(body);
    vec![
        ("x-zendesk-webhook-signature", STANDARD.encode(mac.sign())),
        ("x-zendesk-webhook-signature-timestamp", time),
    ]
}

impl Webhooks for Zendesk {
    fn post_to(&self, url: &str) {
        self.outbox.subscribe_alone(url, EVENTS, SIGNING_SECRET);
    }

    fn verification_key(&self) -> String {
        SIGNING_SECRET.to_owned()
    }
}

impl Simulator {
    /// Every ticket, as the API shows it.
    pub fn tickets(&self) -> Vec<Value> {
        lock(&self.shared.provider.tickets).view()
    }

    /// Makes a ticket, and posts `ticket.created`. Returns its number.
    pub fn make(&self, wanted: Wanted) -> String {
        self.shared.make(None, wanted, true)
    }

    /// Makes a ticket under this number without a webhook: what a webhook that was lost leaves behind.
    pub fn register(&self, id: &str, wanted: Wanted) {
        self.shared.make(Some(id), wanted, false);
    }

    /// Writes in a ticket, and posts `ticket.comment_added`. Returns the comment's id.
    pub fn comment(&self, id: &str, comment: Comment) -> String {
        self.shared.comment(id, comment)
    }

    /// Solves a ticket, and posts `ticket.status_changed`.
    pub fn solve(&self, id: &str) {
        self.shared.act(id, "solve").ok();
    }

    /// Deletes a ticket for good, and posts that.
    pub fn delete(&self, id: &str) {
        self.shared.act(id, "delete").ok();
    }

    /// Somebody writes in messaging, and whoever subscribed is told. Returns the message's id.
    pub fn write(&self, conversation: &str, text: &str) -> String {
        let wrote = Wrote {
            text: text.to_owned(),
            is_business: false,
        };
        self.shared.write(conversation, &wrote)
    }

    /// Somebody writes in messaging, of the company or not. Returns the webhook of Sunshine Conversations that tells of it,
    /// for whoever delivers it.
    pub fn say(&self, conversation: &str, text: &str, is_business: bool) -> SampleDelivery {
        let now = self.shared.control.now();
        let wrote = Wrote {
            text: text.to_owned(),
            is_business,
        };
        let mut conversations = lock(&self.shared.provider.conversations);
        let message = conversations.write(conversation, &wrote, now);
        demo::said(conversation, &message, now)
    }

    /// Every webhook that a ticket made of its words, in order, signed at this time: for whoever delivers them otherwise.
    pub fn told(&self, id: &str, at: Timestamp) -> Vec<SampleDelivery> {
        let bodies = lock(&self.shared.provider.tickets).told(id);
        let deliver = |body: Value| demo::deliver(id.to_owned(), &body, at);
        bodies.into_iter().map(deliver).collect()
    }

    /// Sets the trouble that webhooks have from now on.
    pub fn trouble(&self, trouble: Trouble) {
        self.shared.provider.outbox.order(trouble);
    }

    /// Switches all subscriptions on or off.
    pub fn switch_webhooks(&self, is_on: bool) {
        self.shared.provider.outbox.switch(is_on);
    }

    /// Who gets webhooks: each webhook's URL, events, and whether it is active.
    pub fn subscriptions(&self) -> Vec<(String, Vec<String>, bool)> {
        let known = self.shared.provider.outbox.subscriptions().into_iter();
        known.map(|one| (one.url, one.events, one.is_on)).collect()
    }

    /// How many webhooks have not been taken yet.
    pub fn webhooks_waiting(&self) -> usize {
        self.shared.provider.outbox.waiting()
    }
}

type Sim = State<Arc<Shared<Zendesk>>>;

impl Shared<Zendesk> {
    fn make(&self, id: Option<&str>, wanted: Wanted, is_told: bool) -> String {
        let now = self.control.now();
        let (id, told) = lock(&self.provider.tickets).make(id, wanted, now);
        if is_told {
            self.tell("ticket.created", &told);
        }
        id
    }

    fn comment(&self, id: &str, comment: Comment) -> String {
        let now = self.control.now();
        let (comment, told) = lock(&self.provider.tickets).comment(id, comment, now);
        self.tell("ticket.comment_added", &told);
        comment
    }

    fn act(&self, id: &str, action: &str) -> Result<(), String> {
        let now = self.control.now();
        let mut tickets = lock(&self.provider.tickets);
        let (event, told) = match action {
            "solve" => ("ticket.status_changed", tickets.solve(id, now)),
            "delete" => ("ticket.permanently_deleted", tickets.delete(id, now)),
            other => return Err(format!("nobody can `{other}` a ticket")),
        };
        drop(tickets);
        self.tell(event, &told);
        Ok(())
    }

    fn write(&self, conversation: &str, wrote: &Wrote) -> String {
        let now = self.control.now();
        let message = lock(&self.provider.conversations).write(conversation, wrote, now);
        let body = demo::said_in(conversation, &message, now);
        for (event, body) in integrations::told(&body) {
            self.tell(&event, &body);
        }
        message["id"].as_str().unwrap_or_default().to_owned()
    }

    fn tell(&self, event: &str, body: &Value) {
        let now = self.control.now();
        let body = body.to_string();
        let outbox = &self.provider.outbox;
        outbox.post(event, "application/json", body.as_bytes(), now);
    }
}

fn found(value: Option<Value>) -> Result<Response, Response> {
    let value = value.ok_or_else(|| Zendesk::refuse(StatusCode::NOT_FOUND))?;
    Ok(Json(value).into_response())
}

async fn show_me(State(_): Sim, _: Authorized<Zendesk>) -> Response {
    Json(json!({ "user": tickets::agent() })).into_response()
}

async fn show_ticket(
    State(sim): Sim,
    _: Authorized<Zendesk>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let id = id.strip_suffix(".json").unwrap_or(&id);
    found(lock(&sim.provider.tickets).show(id))
}

async fn list_comments(
    State(sim): Sim,
    _: Authorized<Zendesk>,
    Path(id): Path<String>,
    query: Query<Zendesk>,
) -> Result<Response, Response> {
    let size = query.parsed("page[size]")?.unwrap_or(100_usize).min(100);
    let after = query.parsed("page[after]")?.unwrap_or(0_usize);
    found(lock(&sim.provider.tickets).comments(&id, after, size))
}

/// A conversation in which nobody wrote exists all the same, without messages.
async fn list_messages(
    State(sim): Sim,
    _: Authorized<Zendesk>,
    Path((app, id)): Path<(String, String)>,
    query: Query<Zendesk>,
) -> Result<Response, Response> {
    let before = query.text("page[before]");
    let conversations = lock(&sim.provider.conversations);
    found((app == demo::APP).then(|| conversations.page(&id, before)))
}

async fn write(State(sim): Sim, Path(id): Path<String>, body: Bytes) -> Response {
    match control::read::<Wrote>(&body) {
        Ok(wrote) => {
            let message = sim.write(&id, &wrote);
            pretty(&json!({ "message": message }))
        }
        Err(reason) => control::invalid(&reason),
    }
}

async fn make(State(sim): Sim, body: Bytes) -> Response {
    match control::read::<Wanted>(&body) {
        Ok(wanted) => pretty(&json!({ "ticket": sim.make(None, wanted, true) })),
        Err(reason) => control::invalid(&reason),
    }
}

async fn register(State(sim): Sim, Path(id): Path<String>, body: Bytes) -> Response {
    control::done(control::read::<Wanted>(&body).map(|wanted| {
        sim.make(Some(&id), wanted, false);
    }))
}

async fn comment(State(sim): Sim, Path(id): Path<String>, body: Bytes) -> Response {
    match control::read::<Comment>(&body) {
        Ok(comment) => pretty(&json!({ "comment": sim.comment(&id, comment) })),
        Err(reason) => control::invalid(&reason),
    }
}

async fn act(State(sim): Sim, Path((id, action)): Path<(String, String)>) -> Response {
    control::done(sim.act(&id, &action))
}
