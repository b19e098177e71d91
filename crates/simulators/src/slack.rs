//! Slack: `auth.test`, `chat.postMessage` and `conversations.history` of the Web API, and incoming webhooks.
//!
//! - Auth: `Bearer xoxb-…`, or `token` in a form. A webhook's URL is its secret.
//! - The Web API answers 200 to refusals, too: `{"ok": false, "error": …}`; 429 with `Retry-After` is an exception. Methods
//!   take JSON, forms (in which blocks and metadata are JSON in a text), and what is in the query.
//! - Webhooks answer with plain text: `ok`, or a word with 400, 403, 404, 410, 429 or 500.
//! - Once: there is no idempotency key, so the same message twice is two.
//! - Limits: blocks and their texts; a burst of messages for a channel in a second, unless it is off.
//!
//! Control: `PUT /_sim/channels/{id} {"is_archived", "is_member"}`, `PUT /_sim/workspace {"token_error", "is_webhook_gone",
//! "has_history"}`. View: `GET /_sim/view`, in pages with `?limit=` and `?after=`.
//!
//! Source: docs.slack.dev, Web API methods, "Sending messages using incoming webhooks", "Rate limits", Block Kit (read
//! 2026-11). UNCONFIRMED: the limits of blocks; which of several faults is told first; that a webhook which is there answers
//! an empty message with `no_text`.

mod messages;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{post, put};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page};
use crate::extract::Path;
use crate::provider::{Provider, Shared, bearer, lock};
use crate::{SimulatorSpec, Simulators};

/// The bot's token that is accepted.
pub const TOKEN: &str = "xoxb-1000000000001-simulated-slack-bot-token";
/// The URL of the incoming webhook, as Slack shows it. Here its path leads to the same.
pub const WEBHOOK: &str =
    "https://hooks.slack.com/services/T0SIMTEAM/B0SIMHOOK/simulatedWebhookSecret";
/// A channel that the bot is a member of, and to which the webhook posts.
pub const CHANNEL: &str = "C0SIMLEADS";
/// A channel that the bot is no member of.
pub const OTHER_CHANNEL: &str = "C0SIMOTHER";

const TEAM: &str = "T0SIMTEAM";
const HOOK: &str = "B0SIMHOOK";
const HOOK_SECRET: &str = "simulatedWebhookSecret";
/// Messages of one page of a history, where nobody says how many.
const USUAL_PAGE: usize = 100;

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Slack::SLUG,
    name: "Slack",
    setting: Some("SLACK_BASE_URL"),
    is_cloud_only: false,
    has_view: true,
    is_google: false,
    credential: TOKEN,
    webhook_key_setting: None,
    demo: Some(&DEMO),
    start: control::start::<Slack>,
};

/// The demo tenant's account posts to the channel that the bot is a member of.
static DEMO: crate::Demo = crate::Demo {
    settings: &[("channel", CHANNEL)],
    accounts: &[],
    signing_key: None,
    samples: &[],
};

/// The handle of the simulated Slack.
pub type Simulator = control::Simulator<Slack>;

impl Simulators {
    /// The simulated Slack.
    pub fn slack(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated Slack behaves.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Messages that a channel takes in a second; no limit if `None`.
    pub burst: Option<usize>,
}

impl ProviderConfig for Config {}

/// A message as it stands in a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The channel's id.
    pub channel: String,
    /// Its time, which is unique in the channel.
    pub ts: String,
    /// What is shown where blocks are not.
    pub text: String,
    /// The blocks; empty if it has none.
    pub blocks: Vec<Value>,
    /// What the app keeps with it; null if nothing.
    pub metadata: Value,
    /// Whether an incoming webhook posted it.
    pub is_by_webhook: bool,
}

impl Message {
    /// The mentions that Slack makes of its texts: `!channel`, `@U…`, `#C…`, and links.
    pub fn mentions(&self) -> Vec<String> {
        messages::mentions(self)
    }

    fn to_json(&self) -> Value {
        let mut json = json!({
            "type": "message", "subtype": "bot_message", "ts": self.ts, "text": self.text, "blocks": self.blocks,
            "bot_id": HOOK,
        });
        if !self.metadata.is_null() {
            json["metadata"] = self.metadata.clone();
        }
        json
    }
}

/// The state of the simulated Slack.
pub struct Slack {
    burst: Option<usize>,
    workspace: Mutex<Workspace>,
}

struct Workspace {
    channels: BTreeMap<String, Channel>,
    messages: Vec<Message>,
    /// The last `ts` in microseconds: each is later than the one before.
    last_ts: i64,
    settings: Settings,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Channel {
    is_archived: bool,
    is_member: bool,
}

impl Default for Channel {
    fn default() -> Self {
        Self {
            is_archived: false,
            is_member: true,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// What every call with the token is refused with.
    token_error: Option<String>,
    /// Whether somebody removed the incoming webhook.
    is_webhook_gone: bool,
    /// Whether the token has the scope to read channels' histories.
    has_history: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token_error: None,
            is_webhook_gone: false,
            has_history: true,
        }
    }
}

/// The word of an error, beside its answer: webhooks are answered with it alone.
#[derive(Clone)]
struct Said(StatusCode, String);

impl Provider for Slack {
    const SLUG: &'static str = "slack";
    const BODY_LIMIT_BYTES: usize = 1024 * 1024;

    type Config = Config;
    type Caller = ();

    fn new(config: Config, _setup: &Setup) -> Self {
        let channel = |id: &str, is_member| {
            let channel = Channel {
                is_archived: false,
                is_member,
            };
            (id.to_owned(), channel)
        };
        Self {
            burst: config.burst,
            workspace: Mutex::new(Workspace {
                channels: [channel(CHANNEL, true), channel(OTHER_CHANNEL, false)].into(),
                messages: Vec::new(),
                last_ts: 0,
                settings: Settings::default(),
            }),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/api/auth.test", post(test_auth).get(test_auth))
            .route("/api/chat.postMessage", post(post_message))
            .route("/api/conversations.history", post(history).get(history))
            .route("/services/{team}/{hook}/{secret}", post(take_webhook))
            .route("/_sim/channels/{id}", put(put_channel))
            .route("/_sim/workspace", put(put_workspace))
    }

    fn authorize(_sim: &Shared<Self>, _request: &Parts) -> Result<(), Response> {
        // The token may stand in the body.
        Ok(())
    }

    fn error(status: StatusCode, message: &str) -> Response {
        // Whatever the Web API refuses, it answers with 200.
        let shown = match status.as_u16() {
            400..=403 => StatusCode::OK,
            _ => status,
        };
        let mut response = (shown, Json(json!({ "ok": false, "error": message }))).into_response();
        response
            .extensions_mut()
            .insert(Said(status, message.to_owned()));
        response
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status.as_u16() {
            400 => "invalid_arguments",
            401 => "invalid_auth",
            403 => "restricted_action",
            404 => "unknown_method",
            405 => "method_not_supported_for_channel_type",
            413 => "request_too_large",
            415 => "invalid_post_type",
            429 => "ratelimited",
            503 => "service_unavailable",
            _ => "internal_error",
        }
    }

    fn rate_limited(_now: Timestamp) -> Response {
        let mut response = Self::refuse(StatusCode::TOO_MANY_REQUESTS);
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(1));
        response
    }

    fn finish(_sim: &Shared<Self>, request: &Parts, response: &mut Response) {
        let said = response.extensions_mut().remove::<Said>();
        let Some(Said(status, word)) = said.filter(|_| is_webhook(request)) else {
            return;
        };
        let (status, word) = match status.as_u16() {
            401 => (StatusCode::FORBIDDEN, "invalid_token"),
            403 if word == "restricted_action" => (status, "action_prohibited"),
            429 => (status, "rate_limited"),
            500.. => (status, "rollup_error"),
            _ => (status, word.as_str()),
        };
        let wait = response.headers().get(header::RETRY_AFTER).cloned();
        let mut plain = (status, word.to_owned()).into_response();
        if let Some(wait) = wait {
            plain.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        *response = plain;
    }

    fn view(sim: &Shared<Self>, page: &Page) -> Value {
        let workspace = lock(&sim.provider.workspace);
        let numbered = (1_u64..).zip(workspace.messages.iter());
        let following = numbered.filter(|(number, _)| *number > page.after.unwrap_or(0));
        let (shown, next) = page.cut(following, |(number, _)| *number);
        let shown = shown.into_iter().map(|(_, message)| {
            let mut json = message.to_json();
            json["channel"] = json!(message.channel);
            json
        });
        let channels = workspace.channels.iter().map(|(id, channel)| {
            let Channel {
                is_archived,
                is_member,
            } = channel;
            json!({ "id": id, "is_archived": is_archived, "is_member": is_member })
        });
        json!({ "channels": channels.collect::<Vec<_>>(), "messages": shown.collect::<Vec<_>>(), "next": next })
    }
}

fn is_webhook(request: &Parts) -> bool {
    request.uri.path().starts_with("/services/")
}

impl Simulator {
    /// The messages of all channels, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        lock(&self.shared.provider.workspace).messages.clone()
    }

    /// Archives a channel, or reopens it.
    pub fn archive(&self, channel: &str, is_archived: bool) {
        let mut workspace = lock(&self.shared.provider.workspace);
        let channel = workspace.channels.entry(channel.to_owned());
        channel.or_default().is_archived = is_archived;
    }

    /// Makes a channel that the bot is a member of, or makes it one of a channel that is there.
    pub fn invite(&self, channel: &str) {
        let mut workspace = lock(&self.shared.provider.workspace);
        let channel = workspace.channels.entry(channel.to_owned());
        channel.or_default().is_member = true;
    }

    /// Sets what every call with the token is refused with, such as `account_inactive`.
    pub fn refuse_token(&self, error: Option<&str>) {
        lock(&self.shared.provider.workspace).settings.token_error = error.map(str::to_owned);
    }

    /// Removes the incoming webhook, or makes it again.
    pub fn remove_webhook(&self, is_gone: bool) {
        lock(&self.shared.provider.workspace)
            .settings
            .is_webhook_gone = is_gone;
    }

    /// Sets whether the token may read channels' histories.
    pub fn let_read_history(&self, may: bool) {
        lock(&self.shared.provider.workspace).settings.has_history = may;
    }
}

type Sim = State<Arc<Shared<Slack>>>;

/// A refusal of the Web API.
fn refuse(error: &str) -> Response {
    Slack::error(StatusCode::BAD_REQUEST, error)
}

/// The arguments of a method, wherever they stand: in JSON, in a form, in the query.
struct Arguments(Map<String, Value>);

impl Arguments {
    /// Reads them, and checks the token.
    fn read(sim: &Shared<Slack>, request: &Parts, body: &[u8]) -> Result<Self, Response> {
        let mut all = Map::new();
        let mut add = |pairs: &[u8]| {
            let pairs = form_urlencoded::parse(pairs).into_owned();
            all.extend(pairs.map(|(name, value)| (name, Value::String(value))));
        };
        add(request.uri.query().unwrap_or_default().as_bytes());
        match kind(&request.headers) {
            "application/json" => match serde_json::from_slice(body) {
                Ok(Value::Object(members)) => all.extend(members),
                Ok(_) => return Err(refuse("json_not_object")),
                Err(_) => return Err(refuse("invalid_json")),
            },
            _ => add(body),
        }
        let in_body = all.remove("token");
        let in_body = in_body.as_ref().and_then(Value::as_str);
        let token = bearer(&request.headers).or(in_body);
        let known = lock(&sim.provider.workspace).settings.token_error.clone();
        match token {
            None => Err(refuse("not_authed")),
            Some(TOKEN) => known.map_or(Ok(Self(all)), |error| Err(refuse(&error))),
            Some(_) => Err(refuse("invalid_auth")),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        let text = self.0.get(name).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    }

    /// A value that is JSON, or in a form JSON in a text.
    fn json(&self, name: &str) -> Result<Value, Response> {
        match self.0.get(name) {
            None => Ok(Value::Null),
            Some(Value::String(text)) => {
                let read = serde_json::from_str(text);
                read.map_err(|_| refuse("invalid_arguments"))
            }
            Some(value) => Ok(value.clone()),
        }
    }

    fn number(&self, name: &str) -> Option<f64> {
        let value = self.0.get(name)?;
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    }
}

fn kind(headers: &HeaderMap) -> &str {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim()
}

async fn test_auth(State(sim): Sim, request: Parts, body: Bytes) -> Result<Response, Response> {
    Arguments::read(&sim, &request, &body)?;
    let who = json!({
        "ok": true, "url": "https://simulated.slack.com/", "team": "Simulated Remodeling", "team_id": TEAM,
        "user": "lead-bot", "user_id": "U0SIMBOT", "bot_id": HOOK, "is_enterprise_install": false,
    });
    Ok(Json(who).into_response())
}

async fn post_message(State(sim): Sim, request: Parts, body: Bytes) -> Result<Response, Response> {
    let arguments = Arguments::read(&sim, &request, &body)?;
    let Some(channel) = arguments.text("channel") else {
        return Err(refuse("channel_not_found"));
    };
    let blocks = arguments.json("blocks")?;
    let metadata = arguments.json("metadata")?;
    let text = arguments.text("text").unwrap_or_default();
    let known = lock(&sim.provider.workspace).channels.get(channel).copied();
    match known {
        None => return Err(refuse("channel_not_found")),
        Some(known) if known.is_archived => return Err(refuse("is_archived")),
        Some(known) if !known.is_member => return Err(refuse("not_in_channel")),
        Some(_) => {}
    }
    let message = messages::read(channel, text, &blocks, &metadata).map_err(refuse)?;
    let kept = keep(&sim, message)?;
    let mut shown = kept.to_json();
    shown["team"] = json!(TEAM);
    let answer = json!({ "ok": true, "channel": kept.channel, "ts": kept.ts, "message": shown });
    Ok(Json(answer).into_response())
}

async fn history(State(sim): Sim, request: Parts, body: Bytes) -> Result<Response, Response> {
    let arguments = Arguments::read(&sim, &request, &body)?;
    let workspace = lock(&sim.provider.workspace);
    if !workspace.settings.has_history {
        let refused = json!({
            "ok": false, "error": "missing_scope", "needed": "channels:history", "provided": "chat:write",
        });
        return Err(Json(refused).into_response());
    }
    let Some(channel) = arguments.text("channel") else {
        return Err(refuse("channel_not_found"));
    };
    match workspace.channels.get(channel) {
        None => return Err(refuse("channel_not_found")),
        Some(known) if !known.is_member => return Err(refuse("not_in_channel")),
        Some(_) => {}
    }
    let oldest = arguments.number("oldest").unwrap_or(0.0);
    let latest = arguments.number("latest").unwrap_or(f64::INFINITY);
    let skipped = match arguments.text("cursor") {
        None => 0,
        Some(cursor) => cursor.parse().map_err(|_| refuse("invalid_cursor"))?,
    };
    let limit = arguments.text("limit").and_then(|limit| limit.parse().ok());
    let limit = limit
        .or_else(|| {
            let limit = arguments.0.get("limit")?.as_u64()?;
            usize::try_from(limit).ok()
        })
        .unwrap_or(USUAL_PAGE);
    let with_metadata = matches!(
        arguments.0.get("include_all_metadata"),
        Some(Value::Bool(true))
    ) || arguments.text("include_all_metadata") == Some("true");
    let is_meant = |message: &&Message| {
        let ts: f64 = message.ts.parse().unwrap_or_default();
        message.channel == channel && ts > oldest && ts < latest
    };
    let mut found = workspace
        .messages
        .iter()
        .rev()
        .filter(is_meant)
        .skip(skipped);
    let page: Vec<_> = found.by_ref().take(limit).collect();
    let has_more = found.next().is_some();
    let shown = page.iter().map(|message| {
        let mut json = message.to_json();
        if let Some(members) = json.as_object_mut().filter(|_| !with_metadata) {
            members.remove("metadata");
        }
        json
    });
    let cursor = if has_more {
        (skipped + limit).to_string()
    } else {
        String::new()
    };
    let answer = json!({
        "ok": true, "messages": shown.collect::<Vec<_>>(), "has_more": has_more,
        "response_metadata": { "next_cursor": cursor },
    });
    Ok(Json(answer).into_response())
}

async fn take_webhook(
    State(sim): Sim,
    Path((team, hook, secret)): Path<(String, String, String)>,
    request: Parts,
    body: Bytes,
) -> Result<Response, Response> {
    let no = |status: StatusCode, word: &str| Err(Slack::error(status, word));
    let (is_gone, is_archived) = {
        let workspace = lock(&sim.provider.workspace);
        let channel = workspace.channels.get(CHANNEL);
        (
            workspace.settings.is_webhook_gone,
            channel.is_some_and(|channel| channel.is_archived),
        )
    };
    if team != TEAM {
        return no(StatusCode::NOT_FOUND, "no_team");
    }
    if hook != HOOK || is_gone {
        return no(StatusCode::NOT_FOUND, "no_service");
    }
    if secret != HOOK_SECRET {
        return no(StatusCode::FORBIDDEN, "invalid_token");
    }
    if is_archived {
        return no(StatusCode::GONE, "channel_is_archived");
    }
    let payload = match kind(&request.headers) {
        "application/x-www-form-urlencoded" => {
            let mut pairs = form_urlencoded::parse(&body);
            let payload = pairs.find(|(name, _)| name == "payload");
            payload.and_then(|(_, text)| serde_json::from_str(&text).ok())
        }
        _ => serde_json::from_slice(&body).ok(),
    };
    let Some(Value::Object(payload)) = payload else {
        return no(StatusCode::BAD_REQUEST, "invalid_payload");
    };
    let blocks = payload.get("blocks").unwrap_or(&Value::Null);
    let text = payload.get("text").and_then(Value::as_str);
    let message = messages::read(CHANNEL, text.unwrap_or_default(), blocks, &Value::Null);
    let mut message = message.map_err(refuse)?;
    message.is_by_webhook = true;
    keep(&sim, message)?;
    Ok("ok".into_response())
}

/// Puts a message into its channel, which gives it its time, unless there were too many.
fn keep(sim: &Shared<Slack>, mut message: Message) -> Result<Message, Response> {
    let now = sim.control.now().as_microsecond();
    let mut workspace = lock(&sim.provider.workspace);
    if let Some(burst) = sim.provider.burst {
        let is_recent = |kept: &&Message| {
            let ts: f64 = kept.ts.parse().unwrap_or_default();
            let second_ago = Timestamp::from_microsecond(now - 1_000_000).unwrap_or_default();
            kept.channel == message.channel && ts * 1e6 > second_ago.as_microsecond() as f64
        };
        if workspace.messages.iter().filter(is_recent).count() >= burst {
            return Err(Slack::rate_limited(sim.control.now()));
        }
    }
    let ts = now.max(workspace.last_ts + 1);
    workspace.last_ts = ts;
    message.ts = format!(
        "{}.{:06}",
        ts.div_euclid(1_000_000),
        ts.rem_euclid(1_000_000)
    );
    workspace.messages.push(message.clone());
    Ok(message)
}

async fn put_channel(State(sim): Sim, Path(id): Path<String>, body: Bytes) -> Response {
    control::done(control::read::<Channel>(&body).map(|channel| {
        lock(&sim.provider.workspace).channels.insert(id, channel);
    }))
}

async fn put_workspace(State(sim): Sim, body: Bytes) -> Response {
    control::done(control::read::<Settings>(&body).map(|settings| {
        lock(&sim.provider.workspace).settings = settings;
    }))
}
