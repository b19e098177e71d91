//! Intercom's API and its webhooks: conversations, the people who have them, and what an app is told of both.
//!
//! - Auth: a bearer token. Anything else gets a 401.
//! - `GET /me`, `/conversations/{id}`, `/contacts/{id}`. Of a conversation the 500 newest parts are shown; with
//!   `display_as=plaintext` without markup.
//! - Webhooks: one URL for an app, tried by `HEAD` and by a signed `ping` when it is entered. Signed with the app's client
//!   secret, by SHA-1, over the body alone. What is not answered 2xx is posted again at growing intervals.
//! - A reply's webhook tells of the new part alone.
//!
//! A conversation that nobody began exists all the same, with invented words, so that any sample of a webhook works.
//! Control: `POST /_sim/conversations` begins one, `PUT /_sim/conversations/{id}` without a webhook, `POST
//! /_sim/conversations/{id}/messages` writes in it, `POST /_sim/conversations/{id}/{close|open|delete|redact}` does what
//! people do; `PUT /_sim/subscription` enters an app's URL; `GET` and `PUT /_sim/webhooks`.
//!
//! Source: developers.intercom.com, "Webhooks"; Intercom's OpenAPI description 2.14 (read 2026-11). UNCONFIRMED: the
//! intervals and how long a webhook is repeated, the wording of most errors, the numbers in the rate headers.

mod conversations;
mod demo;

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

pub use conversations::{Message, Wanted, Who};
pub use demo::{CLIENT_SECRET, WORKSPACE};

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::demo::SampleDelivery;
use crate::extract::{Authorized, Path, Query};
use crate::outbox::{self, Outbox, Posts, Rules, Trouble};
use crate::provider::{Provider, Shared, Webhooks, bearer, lock};
use crate::{SimulatorSpec, Simulators};

use conversations::Conversations;

const TOKEN: &str = "simulated-intercom-token";

/// The topics that an app can choose here.
const TOPICS: &[&str] = &[
    "ping",
    "conversation.user.created",
    "conversation.user.replied",
    "conversation.admin.replied",
    "conversation.admin.closed",
    "conversation.admin.opened",
    "conversation.deleted",
    "conversation_part.redacted",
];

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Intercom::SLUG,
    name: "Intercom",
    setting: Some("INTERCOM_BASE_URL"),
    is_cloud_only: false,
    has_view: true,
    is_google: false,
    credential: TOKEN,
    webhook_key_setting: None,
    demo: Some(&demo::DEMO),
    start: control::start::<Intercom>,
};

/// The handle of the simulated Intercom.
pub type Simulator = control::Simulator<Intercom>;

impl Simulators {
    /// The simulated Intercom.
    pub fn intercom(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated Intercom behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The tokens that are accepted.
    pub tokens: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tokens: vec![TOKEN.to_owned()],
        }
    }
}

impl ProviderConfig for Config {}

/// The state of the simulated Intercom.
pub struct Intercom {
    config: Config,
    conversations: Mutex<Conversations>,
    outbox: Outbox,
}

impl Provider for Intercom {
    const SLUG: &'static str = "intercom";

    type Config = Config;
    type Caller = ();

    fn new(config: Config, setup: &Setup) -> Self {
        let rules = Rules {
            is_repeated: |_| true,
            give_up: SignedDuration::from_hours(2),
            switch_off: SignedDuration::from_hours(7 * 24),
        };
        Self {
            config,
            conversations: Mutex::default(),
            outbox: Outbox::new(rules, setup.config.webhook_retry),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/me", get(show_me))
            .route("/conversations/{id}", get(show_conversation))
            .route("/contacts/{id}", get(show_contact))
            .route("/_sim/conversations", post(begin))
            .route("/_sim/conversations/{id}", put(register))
            .route("/_sim/conversations/{id}/messages", post(write))
            .route("/_sim/conversations/{id}/{action}", post(act))
            .route("/_sim/subscription", put(subscribe))
            .merge(outbox::routes::<Self>())
    }

    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<(), Response> {
        let sent = bearer(&request.headers);
        let is_good = |token: &String| sent == Some(token.as_str());
        if sim.provider.config.tokens.iter().any(is_good) {
            Ok(())
        } else {
            Err(Self::refuse(StatusCode::UNAUTHORIZED))
        }
    }

    fn error(status: StatusCode, message: &str) -> Response {
        let code = match status.as_u16() {
            401 => "unauthorized",
            403 => "api_plan_restricted",
            404 => "not_found",
            405 => "method_not_allowed",
            429 => "rate_limit_exceeded",
            500.. => "server_error",
            _ => "parameter_invalid",
        };
        let body = json!({
            "type": "error.list", "request_id": demo::fresh_uuid(),
            "errors": [{ "code": code, "message": message }],
        });
        (status, Json(body)).into_response()
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status.as_u16() {
            401 => "Access Token Invalid",
            403 => "Active subscription needed.",
            404 => "Resource Not Found",
            405 => "Method Not Allowed",
            429 => "Exceeded rate limit",
            500.. => "Server Error",
            _ => "The request could not be understood",
        }
    }

    fn rate_limited(now: Timestamp) -> Response {
        let mut response = Self::refuse(StatusCode::TOO_MANY_REQUESTS);
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-limit", HeaderValue::from(166));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(0));
        headers.insert(
            "x-ratelimit-reset",
            HeaderValue::from(now.as_second().saturating_add(10)),
        );
        response
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        json!({
            "conversations": lock(&sim.provider.conversations).view(), "webhooks": sim.provider.outbox.view(),
        })
    }

    fn background(sim: Arc<Shared<Self>>) -> Option<BoxFuture<'static, ()>> {
        Some(Box::pin(outbox::run(sim)))
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        Some(self)
    }
}

impl Posts for Intercom {
    fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn sign(key: &str, body: &[u8], _now: Timestamp) -> Vec<(&'static str, String)> {
        sign(key, body)
    }
}

/// `sha1=<hexadecimal HMAC-SHA1 of the body>`. Source: implementations of others, which agree.
fn sign(key: &str, body: &[u8]) -> Vec<(&'static str, String)> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    let signature = hex::encode(hmac::sign(&key, body));
    vec![("x-hub-signature", format!("sha1={signature}"))]
}

impl Webhooks for Intercom {
    fn post_to(&self, url: &str) {
        self.outbox.subscribe_alone(url, TOPICS, CLIENT_SECRET);
    }

    fn verification_key(&self) -> String {
        CLIENT_SECRET.to_owned()
    }
}

impl Simulator {
    /// Every conversation, as the API shows it.
    pub fn conversations(&self) -> Vec<Value> {
        lock(&self.shared.provider.conversations).view()
    }

    /// Begins a conversation, and posts `conversation.user.created`. Returns its id.
    pub fn begin(&self, wanted: Wanted) -> String {
        self.shared.begin(None, wanted, true)
    }

    /// Begins a conversation under this id without a webhook: what a webhook that was lost leaves behind.
    pub fn register(&self, id: &str, wanted: Wanted) {
        self.shared.begin(Some(id), wanted, false);
    }

    /// Writes in a conversation, and posts that. Returns the part's id.
    pub fn write(&self, id: &str, message: Message) -> String {
        self.shared.write(id, message, true)
    }

    /// Closes a conversation, and posts that.
    pub fn close(&self, id: &str) {
        self.shared.act(id, "close", "").ok();
    }

    /// Takes the words of a part back, and posts that.
    pub fn redact(&self, id: &str, part: &str) {
        self.shared.act(id, "redact", part).ok();
    }

    /// Deletes a conversation, and posts that.
    pub fn delete(&self, id: &str) {
        self.shared.act(id, "delete", "").ok();
    }

    /// Every webhook that a conversation made of its messages, in order, signed: for whoever delivers them otherwise.
    pub fn told(&self, id: &str) -> Vec<SampleDelivery> {
        let bodies = lock(&self.shared.provider.conversations).told(id);
        let deliver = |body: Value| demo::deliver(id.to_owned(), &body);
        bodies.into_iter().map(deliver).collect()
    }

    /// Enters an app's URL: tries it by `HEAD`, and posts a `ping` to it.
    ///
    /// # Errors
    /// What was answered to `HEAD` where it was not 2xx; 0 if nothing was.
    pub async fn subscribe(&self, url: &str) -> Result<(), u16> {
        self.shared.subscribe(url).await
    }

    /// Sets the trouble that webhooks have from now on.
    pub fn trouble(&self, trouble: Trouble) {
        self.shared.provider.outbox.order(trouble);
    }

    /// Switches all subscriptions on or off.
    pub fn switch_webhooks(&self, is_on: bool) {
        self.shared.provider.outbox.switch(is_on);
    }

    /// How many webhooks have not been taken yet.
    pub fn webhooks_waiting(&self) -> usize {
        self.shared.provider.outbox.waiting()
    }
}

type Sim = State<Arc<Shared<Intercom>>>;

impl Shared<Intercom> {
    fn begin(&self, id: Option<&str>, wanted: Wanted, is_told: bool) -> String {
        let now = self.control.now();
        let (id, told) = lock(&self.provider.conversations).begin(id, wanted, now);
        if is_told {
            self.tell("conversation.user.created", &told);
        }
        id
    }

    fn write(&self, id: &str, message: Message, is_told: bool) -> String {
        let now = self.control.now();
        let topic = message.from.topic();
        let (part, told) = lock(&self.provider.conversations).write(id, message, now);
        if is_told {
            self.tell(topic, &told);
        }
        part
    }

    fn act(&self, id: &str, action: &str, part: &str) -> Result<(), String> {
        let now = self.control.now();
        let mut conversations = lock(&self.provider.conversations);
        let (topic, told) = match action {
            "close" => (
                "conversation.admin.closed",
                conversations.set_open(id, false, now),
            ),
            "open" => (
                "conversation.admin.opened",
                conversations.set_open(id, true, now),
            ),
            "redact" => (
                "conversation_part.redacted",
                conversations.redact(id, part, now),
            ),
            "delete" => ("conversation.deleted", conversations.delete(id)),
            other => return Err(format!("nobody can `{other}` a conversation")),
        };
        drop(conversations);
        self.tell(topic, &told);
        Ok(())
    }

    /// Posts a conversation as it is, with the parts that the topic is about.
    fn tell(&self, topic: &str, item: &Value) {
        let now = self.control.now();
        let body = demo::envelope(topic, item, now).to_string();
        let outbox = &self.provider.outbox;
        outbox.post(topic, "application/json", body.as_bytes(), now);
    }

    async fn subscribe(&self, url: &str) -> Result<(), u16> {
        let client = outbox::client_for_webhooks();
        let answer = client.head(url).send().await.map_err(|_| 0_u16)?;
        if !answer.status().is_success() {
            return Err(answer.status().as_u16());
        }
        self.provider.post_to(url);
        self.tell(
            "ping",
            &json!({ "type": "ping", "message": "something something interzen" }),
        );
        Ok(())
    }
}

fn found(value: Option<Value>) -> Result<Response, Response> {
    let value = value.ok_or_else(|| Intercom::refuse(StatusCode::NOT_FOUND))?;
    Ok(Json(value).into_response())
}

async fn show_me(State(_): Sim, _: Authorized<Intercom>) -> Response {
    Json(json!({
        "type": "admin", "id": "274", "name": "Luis Ortega", "email": "luis@example.com",
        "app": { "type": "app", "id_code": WORKSPACE, "name": "Demo Company", "region": "US" },
    }))
    .into_response()
}

async fn show_conversation(
    State(sim): Sim,
    _: Authorized<Intercom>,
    Path(id): Path<String>,
    query: Query<Intercom>,
) -> Result<Response, Response> {
    let is_plain = query.text("display_as") == Some("plaintext");
    found(lock(&sim.provider.conversations).show(&id, is_plain))
}

async fn show_contact(
    State(sim): Sim,
    _: Authorized<Intercom>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    found(lock(&sim.provider.conversations).contact(&id))
}

async fn begin(State(sim): Sim, body: Bytes) -> Response {
    match control::read::<Wanted>(&body) {
        Ok(wanted) => pretty(&json!({ "conversation": sim.begin(None, wanted, true) })),
        Err(reason) => control::invalid(&reason),
    }
}

async fn register(State(sim): Sim, Path(id): Path<String>, body: Bytes) -> Response {
    control::done(control::read::<Wanted>(&body).map(|wanted| {
        sim.begin(Some(&id), wanted, false);
    }))
}

async fn write(State(sim): Sim, Path(id): Path<String>, body: Bytes) -> Response {
    match control::read::<Message>(&body) {
        Ok(message) => pretty(&json!({ "part": sim.write(&id, message, true) })),
        Err(reason) => control::invalid(&reason),
    }
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ActionBody {
    part: String,
}

async fn act(State(sim): Sim, Path((id, action)): Path<(String, String)>, body: Bytes) -> Response {
    let body = if body.is_empty() {
        Ok(ActionBody::default())
    } else {
        control::read::<ActionBody>(&body)
    };
    control::done(body.and_then(|body| sim.act(&id, &action, &body.part)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscriptionBody {
    url: String,
}

async fn subscribe(State(sim): Sim, body: Bytes) -> Response {
    let tried = match control::read::<SubscriptionBody>(&body) {
        Ok(body) => sim
            .subscribe(&body.url)
            .await
            .map_err(|status| format!("HEAD was answered {status}")),
        Err(reason) => Err(reason),
    };
    control::done(tried)
}
