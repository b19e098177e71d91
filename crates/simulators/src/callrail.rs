//! CallRail's API v3: accounts, calls and recordings.
//!
//! - Auth: `Authorization: Token token="<key>"`; 401 without a good key.
//! - Calls: the documented default fields, others only by `fields=`; a numeric id and a `CAL…` id name the
//!   same call, the answer carries the `CAL…` id.
//! - Recordings: `recording.json` gives a link with an access key, which redirects to the MP3 itself.
//! - Limit: per account and hour, a bare 429 without `Retry-After`.
//!
//! A call that nobody registered exists all the same, with the default recording and made-up details, so
//! that any sample of a webhook works. `PUT /_sim/calls/{id}` registers one, `PUT /_sim/calls` many, `GET /_sim/calls`
//! lists them.
//!
//! Source: apidocs.callrail.com (read 2026-11). UNCONFIRMED: the wording of the 401 and 404 bodies.

mod calls;
mod media;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use jiff::{Span, Timestamp};
use serde_json::{Map, Value, json};

pub use calls::Call;

use crate::control::{self, Provider, Shared, lock, pretty, unclear};
use crate::fault::{Fault, Late};

/// The simulated CallRail.
pub type Simulator = control::Simulator<CallRail>;

/// What an account may ask in an hour at the real CallRail.
pub const GENERAL_REQUESTS_PER_HOUR: u32 = 1000;
/// What an account may ask in a day at the real CallRail.
pub const GENERAL_REQUESTS_PER_DAY: u32 = 10_000;

/// How the simulated CallRail behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The API keys that are good.
    pub api_keys: Vec<String>,
    /// The account that `a.json` lists; in paths any account is accepted.
    pub account_id: String,
    /// The company of calls that nobody registered.
    pub company_id: String,
    /// The recording of calls that nobody registered.
    pub recording: String,
    /// Requests per account and hour; `None` = unlimited, the real limit is [`GENERAL_REQUESTS_PER_HOUR`].
    pub hourly_limit: Option<u32>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            api_keys: vec!["simulated-callrail-key".to_owned()],
            account_id: "ACC1a2b3c4d5e6f47089a0b1c2d3e4f5a6b".to_owned(),
            company_id: "COM3f2a9c7d51e84b0aa6c1d2e3f4a5b6c7".to_owned(),
            recording: crate::recordings::DEFAULT.to_owned(),
            hourly_limit: None,
        }
    }
}

/// What the simulated CallRail knows.
pub struct CallRail {
    config: Config,
    calls: Mutex<calls::Calls>,
    asked: Mutex<BTreeMap<String, VecDeque<Timestamp>>>,
    media_key: String,
}

impl CallRail {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            calls: Mutex::default(),
            asked: Mutex::default(),
            media_key: hex::encode(rand::random::<[u8; 16]>()),
        }
    }

    fn authorize(&self, headers: &HeaderMap) -> Result<(), Response> {
        let sent = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let key = sent
            .and_then(|value| value.strip_prefix("Token token="))
            .map(|key| key.trim_matches('"'));
        if key.is_some_and(|key| self.config.api_keys.iter().any(|good| good == key)) {
            Ok(())
        } else {
            Err(Self::revoked())
        }
    }

    /// Counts a request of an account, and refuses it over the hourly limit.
    fn count(&self, account: &str, now: Timestamp) -> Result<(), Response> {
        let Some(limit) = self.config.hourly_limit else {
            return Ok(());
        };
        let mut asked = lock(&self.asked);
        let asked = asked.entry(account.to_owned()).or_default();
        let an_hour_ago = now
            .checked_sub(Span::new().hours(1))
            .unwrap_or(Timestamp::MIN);
        while asked.front().is_some_and(|at| *at <= an_hour_ago) {
            asked.pop_front();
        }
        if asked.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(Self::rate_limited(now));
        }
        asked.push_back(now);
        Ok(())
    }
}

impl Provider for CallRail {
    const NAME: &'static str = "callrail";
    const FAULTS: &'static [&'static str] =
        &["late_recording", "empty_recording", "tiny_recording"];

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/v3/a.json", get(list_accounts))
            .route("/v3/a/{account}/calls.json", get(list_calls))
            .route("/v3/a/{account}/calls/{id}", get(show_call))
            .route(
                "/v3/a/{account}/calls/{id}/recording.json",
                get(show_recording),
            )
            .route(
                "/v3/a/{account}/form_submissions.json",
                get(list_form_submissions),
            )
            .route("/calls/{id}/recording/redirect", get(media::redirect))
            .route("/media/{file}", get(media::download))
            .route("/_sim/calls", get(view_calls).put(register_calls))
            .route("/_sim/calls/{id}", put(register_call))
    }

    fn error(status: StatusCode) -> Response {
        let reason = match status {
            StatusCode::UNAUTHORIZED => "HTTP Token: Access denied.",
            StatusCode::FORBIDDEN => "You do not have permission to perform the requested action",
            StatusCode::NOT_FOUND => "The requested resource was not found",
            _ => "Something went wrong",
        };
        (status, Json(json!({ "error": reason }))).into_response()
    }

    fn rate_limited(_now: Timestamp) -> Response {
        StatusCode::TOO_MANY_REQUESTS.into_response()
    }

    fn revoked() -> Response {
        Self::error(StatusCode::UNAUTHORIZED)
    }

    fn faults_cleared(&self) {
        lock(&self.calls).forget_lateness();
    }
}

impl Simulator {
    /// The calls that were registered or asked for, with all their fields.
    pub fn calls(&self) -> Vec<Value> {
        self.shared.all_calls()
    }

    /// Registers a call, as `PUT /_sim/calls/{id}` does.
    ///
    /// # Errors
    /// When the fields make no sense.
    pub fn register(&self, id: &str, fields: Value) -> Result<(), String> {
        let call = serde_json::from_value(fields).map_err(|error| error.to_string())?;
        lock(&self.shared.provider.calls).register(id, call, self.shared.control.now())
    }
}

type Sim = State<Arc<Shared<CallRail>>>;
type Params = Query<BTreeMap<String, String>>;

impl Shared<CallRail> {
    /// Finds a call, binding it to a late recording when that is on order.
    fn call(&self, line: &str, id: &str) -> Result<calls::Known, Response> {
        let now = self.control.now();
        let missing = || CallRail::error(StatusCode::NOT_FOUND);
        let known = lock(&self.provider.calls)
            .find(id, now)
            .ok_or_else(missing)?;
        if known.late.is_some() {
            return Ok(known);
        }
        let late = self.control.take(line, |fault| match fault {
            Fault::LateRecording(late) => Some(*late),
            _ => None,
        });
        Ok(match late {
            Some(late) => lock(&self.provider.calls).make_late(&known.id, late, now),
            None => known,
        })
    }

    fn render(&self, account: &str, known: &calls::Known) -> Map<String, Value> {
        calls::fields(
            &self.base_url,
            &self.provider,
            account,
            known,
            self.control.now(),
        )
    }

    fn all_calls(&self) -> Vec<Value> {
        let known: Vec<_> = lock(&self.provider.calls).all();
        let render = |known: &calls::Known| {
            let mut fields = self.render(&self.provider.config.account_id, known);
            // The link carries a key.
            fields.remove("recording_player");
            Value::Object(fields)
        };
        known.iter().map(render).collect()
    }
}

impl calls::Known {
    fn has_recording(&self, config: &Config, now: Timestamp) -> bool {
        let is_there = match self.late {
            None => true,
            Some((Late::Never, _)) => false,
            Some((Late::Until(until), _)) => now >= until,
            Some((Late::After(delay), asked)) => {
                asked.checked_add(delay).is_ok_and(|due| now >= due)
            }
        };
        is_there && (self.call.recording_bytes.is_some() || self.recording(config).is_some())
    }
}

async fn list_accounts(State(sim): Sim, headers: HeaderMap) -> Result<Response, Response> {
    let config = &sim.provider.config;
    sim.provider.authorize(&headers)?;
    sim.provider.count("", sim.control.now())?;
    let account =
        json!({ "id": config.account_id, "name": "Demo Company", "hipaa_account": false });
    Ok(Json(json!({
        "page": 1, "per_page": 100, "total_pages": 1, "total_records": 1, "accounts": [account],
    }))
    .into_response())
}

async fn list_calls(
    State(sim): Sim,
    Path(account): Path<String>,
    Query(query): Params,
    headers: HeaderMap,
) -> Result<Response, Response> {
    sim.provider.authorize(&headers)?;
    sim.provider.count(&account, sim.control.now())?;
    let number = |name: &str, default: usize| {
        query
            .get(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let (page, per_page) = (
        number("page", 1).max(1),
        number("per_page", 100).clamp(1, 250),
    );
    let known = lock(&sim.provider.calls).all();
    let found: Vec<_> = known
        .iter()
        .filter(|known| !known.call.missing)
        .map(|known| sim.render(&account, known))
        .filter(|fields| calls::is_wanted(fields, &query))
        .map(|fields| calls::select(fields, query.get("fields").map_or("", String::as_str)))
        .collect();
    let total = found.len();
    let calls: Vec<_> = found
        .into_iter()
        .skip((page - 1) * per_page)
        .take(per_page)
        .collect();
    if query
        .get("relative_pagination")
        .is_some_and(|value| value == "true")
    {
        let has_next = page * per_page < total;
        let mut next = format!(
            "{}/v3/a/{account}/calls.json?relative_pagination=true",
            sim.base_url
        );
        for (name, value) in query
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "relative_pagination" | "page"))
        {
            let pair = url::form_urlencoded::Serializer::new(String::new())
                .append_pair(name, value)
                .finish();
            next.push_str(&format!("&{pair}"));
        }
        next.push_str(&format!("&page={}", page + 1));
        let next = has_next.then_some(next);
        return Ok(
            Json(json!({ "next_page": next, "has_next_page": has_next, "calls": calls }))
                .into_response(),
        );
    }
    Ok(Json(json!({
        "page": page, "per_page": per_page, "total_pages": total.div_ceil(per_page), "total_records": total,
        "calls": calls,
    }))
    .into_response())
}

/// `GET /v3/a/{account}/calls/{id}.json`.
async fn show_call(
    State(sim): Sim,
    Path((account, file)): Path<(String, String)>,
    Query(query): Params,
    headers: HeaderMap,
) -> Result<Response, Response> {
    sim.provider.authorize(&headers)?;
    sim.provider.count(&account, sim.control.now())?;
    let id = file.strip_suffix(".json").unwrap_or(&file);
    let known = sim.call(&format!("GET /v3/a/{account}/calls/{id}.json"), id)?;
    let fields = query.get("fields").map_or("", String::as_str);
    Ok(Json(calls::select(sim.render(&account, &known), fields)).into_response())
}

/// `GET /v3/a/{account}/calls/{id}/recording.json`.
async fn show_recording(
    State(sim): Sim,
    Path((account, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    sim.provider.authorize(&headers)?;
    sim.provider.count(&account, sim.control.now())?;
    let known = sim.call(
        &format!("GET /v3/a/{account}/calls/{id}/recording.json"),
        &id,
    )?;
    if !known.has_recording(&sim.provider.config, sim.control.now()) {
        return Err(CallRail::error(StatusCode::NOT_FOUND));
    }
    Ok(Json(json!({ "url": media::link(&sim.base_url, &sim.provider, &known.id, "recording/redirect") }))
        .into_response())
}

/// Form tracking is not simulated: the account has no submissions.
async fn list_form_submissions(
    State(sim): Sim,
    Path(account): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    sim.provider.authorize(&headers)?;
    sim.provider.count(&account, sim.control.now())?;
    Ok(Json(json!({
        "page": 1, "per_page": 100, "total_pages": 0, "total_records": 0, "form_submissions": [],
    }))
    .into_response())
}

async fn view_calls(State(sim): Sim) -> Response {
    pretty(&json!({ "calls": sim.all_calls() }))
}

/// Calls by their ids. Those in front of one that makes no sense are registered.
async fn register_calls(State(sim): Sim, body: axum::body::Bytes) -> Response {
    let now = sim.control.now();
    let registered = control::read::<BTreeMap<String, Call>>(&body).and_then(|calls| {
        let mut known = lock(&sim.provider.calls);
        calls
            .into_iter()
            .try_for_each(|(id, call)| known.register(&id, call, now))
    });
    match registered {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(reason) => unclear(&reason),
    }
}

async fn register_call(
    State(sim): Sim,
    Path(id): Path<String>,
    body: axum::body::Bytes,
) -> Response {
    let registered = control::read::<Call>(&body)
        .and_then(|call| lock(&sim.provider.calls).register(&id, call, sim.control.now()));
    match registered {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(reason) => unclear(&reason),
    }
}
