//! Pipedrive's API: persons, deals and fields of v2, leads and notes of v1, search, and its login server.
//!
//! - Auth: `x-api-token`, or a bearer token from `POST /oauth/token` with Basic, which lives for an hour.
//! - Nothing is unique: the same `POST` twice makes two. Search reads an index that may lag.
//! - Own fields have keys of 40 hexadecimal digits. In v2 they stand in `custom_fields`; beside it they vanish without a
//!   word. In v1 leads have them beside the others.
//! - v2 takes numbers as numbers, and refuses members that it does not know.
//! - Limits: a budget of tokens for each day, off unless configured; 429 with the headers that say which limit it was.
//!
//! Views: `GET /_sim/view`. Source: Pipedrive developer documentation (read 2026-11). UNCONFIRMED: the words of errors.

mod records;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page};
use crate::extract::{Authorized, JsonBody, Path, Query};
use crate::provider::{Provider, Shared, bearer, lock};
use crate::{SimulatorSpec, Simulators};
use records::{Company, Kind};

/// The API token that is accepted.
pub const TOKEN: &str = "0000000000simulated0pipedrive0token00000";
/// The OAuth app that is accepted.
pub const APP: &str =
    r#"{"client_id":"pd-client","client_secret":"pd-secret","refresh_token":"1:1:simulated"}"#;
/// How long an access token is accepted.
const LIFETIME: Duration = Duration::from_secs(3_599);

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Pipedrive::SLUG,
    name: "Pipedrive",
    setting: Some("PIPEDRIVE_BASE_URL"),
    is_cloud_only: false,
    has_view: true,
    is_google: false,
    credential: TOKEN,
    webhook_key_setting: None,
    demo: None,
    start: control::start::<Pipedrive>,
};

/// The handle of the simulated Pipedrive.
pub type Simulator = control::Simulator<Pipedrive>;

impl Simulators {
    /// The simulated Pipedrive.
    pub fn pipedrive(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated Pipedrive behaves.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// How long search does not see a write.
    pub search_lag: Duration,
    /// Tokens of a day; no limit if `None`.
    pub daily_tokens: Option<u64>,
}

impl ProviderConfig for Config {}

/// The state of the simulated Pipedrive.
pub struct Pipedrive {
    config: Config,
    company: Mutex<Company>,
    granted: Mutex<BTreeMap<String, Timestamp>>,
    spent: Mutex<u64>,
}

impl Provider for Pipedrive {
    const SLUG: &'static str = "pipedrive";

    type Config = Config;
    type Caller = ();

    fn new(config: Config, _setup: &Setup) -> Self {
        Self {
            company: Mutex::new(Company::new()),
            granted: Mutex::default(),
            spent: Mutex::default(),
            config,
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/oauth/token", post(token))
            .route("/api/v2/persons", post(add_person))
            .route("/api/v2/persons/search", get(search_persons))
            .route(
                "/api/v2/persons/{id}",
                get(show_person).patch(change_person),
            )
            .route("/api/v2/deals", post(add_deal))
            .route("/api/v2/deals/search", get(search_deals))
            .route("/api/v2/deals/{id}", get(show_deal))
            .route("/api/v2/leads/search", get(search_leads))
            .route(
                "/api/v2/personFields",
                get(person_fields).post(add_person_field),
            )
            .route("/api/v2/dealFields", get(deal_fields).post(add_deal_field))
            .route("/api/v1/leads", post(add_lead))
            .route("/api/v1/leads/{id}", get(show_lead))
            .route("/api/v1/notes", get(list_notes).post(add_note))
            .route("/api/v1/notes/{id}", put(change_note))
    }

    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<(), Response> {
        let api_token = request.headers.get("x-api-token");
        let is_own = api_token.is_some_and(|token| token == TOKEN);
        let token = bearer(&request.headers).unwrap_or_default();
        let until = lock(&sim.provider.granted).get(token).copied();
        if !is_own && until.is_none_or(|until| until <= sim.control.now()) {
            return Err(Self::refuse(StatusCode::UNAUTHORIZED));
        }
        let mut spent = lock(&sim.provider.spent);
        let cost = cost(request);
        let limit = sim.provider.config.daily_tokens;
        if limit.is_some_and(|limit| *spent + cost > limit) {
            *spent = limit.unwrap_or_default();
            return Err(Self::rate_limited(sim.control.now()));
        }
        *spent += cost;
        Ok(())
    }

    fn error(status: StatusCode, message: &str) -> Response {
        let body = json!({
            "success": false, "error": message, "error_info": "Please check developers.pipedrive.com.",
            "errorCode": status.as_u16(), "data": null,
        });
        (status, Json(body)).into_response()
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status.as_u16() {
            400 => "Bad request",
            401 => "unauthorized access",
            402 => "Company account is not open",
            403 => "Scope and URL mismatch",
            404 => "Not found",
            405 => "Method not allowed",
            429 => "rate limit exceeded",
            _ => "Internal error",
        }
    }

    fn finish(sim: &Shared<Self>, _request: &Parts, response: &mut Response) {
        let is_limited = response.status() == StatusCode::TOO_MANY_REQUESTS;
        let headers = response.headers_mut();
        let limit = sim.provider.config.daily_tokens.unwrap_or(150_000);
        let left = limit.saturating_sub(*lock(&sim.provider.spent));
        for (name, value) in [
            ("x-ratelimit-limit", 100),
            ("x-ratelimit-remaining", if is_limited { 0 } else { 97 }),
            ("x-ratelimit-reset", 2),
            ("x-daily-ratelimit-token-limit", limit),
            ("x-daily-ratelimit-token-remaining", left),
        ] {
            headers.insert(name, HeaderValue::from(value));
        }
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        let company = lock(&sim.provider.company);
        json!({
            "persons": company.all(Kind::Person), "leads": company.all(Kind::Lead), "deals": company.all(Kind::Deal),
            "notes": company.all(Kind::Note),
        })
    }
}

/// What a call costs of the day's budget.
fn cost(request: &Parts) -> u64 {
    let path = request.uri.path();
    match request.method.as_str() {
        _ if path.ends_with("/search") => 20,
        "GET" if path.ends_with("Fields") => 10,
        "GET" => 1,
        _ if path.starts_with("/api/v1") => 10,
        _ => 5,
    }
}

impl Simulator {
    /// All persons, in the order in which they were made.
    pub fn persons(&self) -> Vec<Map<String, Value>> {
        lock(&self.shared.provider.company).all(Kind::Person)
    }

    /// All leads.
    pub fn leads(&self) -> Vec<Map<String, Value>> {
        lock(&self.shared.provider.company).all(Kind::Lead)
    }

    /// All deals.
    pub fn deals(&self) -> Vec<Map<String, Value>> {
        lock(&self.shared.provider.company).all(Kind::Deal)
    }

    /// All notes.
    pub fn notes(&self) -> Vec<Map<String, Value>> {
        lock(&self.shared.provider.company).all(Kind::Note)
    }

    /// Makes a person, as a salesperson would, and returns its id.
    pub fn add_person(&self, body: &Value) -> u64 {
        let now = self.shared.control.now();
        let fields = body.as_object().cloned().unwrap_or_default();
        lock(&self.shared.provider.company).add(Kind::Person, fields, now)
    }

    /// Deletes a person.
    pub fn delete_person(&self, id: u64) {
        lock(&self.shared.provider.company).delete(id);
    }

    /// Deletes a lead, as a salesperson would.
    pub fn delete_lead(&self, id: &str) {
        let mut company = lock(&self.shared.provider.company);
        if let Some(number) = records::number_of(id) {
            company.delete(number);
        }
    }

    /// Changes a person, as a salesperson would.
    pub fn change_person(&self, id: u64, body: &Value) {
        let now = self.shared.control.now();
        let fields = body.as_object().cloned().unwrap_or_default();
        lock(&self.shared.provider.company).change(id, fields, now);
    }

    /// Deletes the field of this name and makes it anew, under another key.
    pub fn remake_field(&self, name: &str) {
        lock(&self.shared.provider.company).remake_field(name);
    }

    /// Adds a field of persons, and returns its key.
    pub fn add_person_field(&self, name: &str) -> String {
        let made = lock(&self.shared.provider.company).add_field(Kind::Person, name);
        made["field_code"].as_str().unwrap_or_default().to_owned()
    }

    /// Deletes the field with this key.
    pub fn remove_field(&self, key: &str) {
        lock(&self.shared.provider.company).remove_field(key);
    }

    /// How many fields there are of this name.
    pub fn fields(&self, name: &str) -> usize {
        lock(&self.shared.provider.company).count_fields(name)
    }
}

type Sim = State<Arc<Shared<Pipedrive>>>;
type Caller = Authorized<Pipedrive>;
type Body = JsonBody<Map<String, Value>>;

fn ok(data: &Value) -> Response {
    Json(json!({ "success": true, "data": data, "additional_data": null })).into_response()
}

fn bad(reason: &str) -> Response {
    Pipedrive::error(StatusCode::BAD_REQUEST, reason)
}

async fn token(State(sim): Sim, headers: HeaderMap, body: Bytes) -> Response {
    let asked: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let get = |name: &str| asked.get(name).map_or("", String::as_str);
    let basic = format!("Basic {}", STANDARD.encode("pd-client:pd-secret"));
    let proof = headers.get(header::AUTHORIZATION);
    let is_client = proof.is_some_and(|proof| proof == basic.as_str());
    let is_asked = asked.len() == 2 && get("grant_type") == "refresh_token";
    if !is_client || !is_asked || get("refresh_token") != "1:1:simulated" {
        let body =
            json!({ "success": false, "message": "invalid_grant", "error": "invalid_grant" });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let mut granted = lock(&sim.provider.granted);
    let token = format!("v1u:simulated-{}", granted.len() + 1);
    granted.insert(token.clone(), sim.control.now() + LIFETIME);
    Json(json!({
        "access_token": token, "token_type": "Bearer", "expires_in": LIFETIME.as_secs(),
        "refresh_token": "1:1:simulated", "scope": "base,contacts:full,leads:full,deals:full,search:read",
        "api_domain": sim.base_url,
    }))
    .into_response()
}

fn add(sim: &Shared<Pipedrive>, kind: Kind, fields: &Map<String, Value>, status: u16) -> Response {
    let now = sim.control.now();
    let mut company = lock(&sim.provider.company);
    let made = match company.checked(kind, fields, true) {
        Ok(fields) => company.add(kind, fields, now),
        Err(reason) => return bad(&reason),
    };
    let mut response = ok(&company.shown(made).unwrap_or_default());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    response
}

async fn add_person(State(sim): Sim, _: Caller, JsonBody(body): Body) -> Response {
    add(&sim, Kind::Person, &body, 200)
}

async fn add_deal(State(sim): Sim, _: Caller, JsonBody(body): Body) -> Response {
    add(&sim, Kind::Deal, &body, 200)
}

async fn add_lead(State(sim): Sim, _: Caller, JsonBody(body): Body) -> Response {
    add(&sim, Kind::Lead, &body, 201)
}

async fn add_note(State(sim): Sim, _: Caller, JsonBody(body): Body) -> Response {
    let is_gone = {
        let company = lock(&sim.provider.company);
        let lead = body.get("lead_id").and_then(Value::as_str);
        let deal = body.get("deal_id").and_then(Value::as_u64);
        lead.is_some_and(|lead| company.lead(lead).is_none())
            || deal.is_some_and(|deal| company.of(Kind::Deal, deal).is_none())
    };
    if is_gone {
        return bad("lead_id or deal_id: there is no such record");
    }
    add(&sim, Kind::Note, &body, 200)
}

async fn show_lead(State(sim): Sim, _: Caller, Path(id): Path<String>) -> Response {
    match lock(&sim.provider.company).lead(&id) {
        Some(lead) => ok(&lead),
        None => Pipedrive::refuse(StatusCode::NOT_FOUND),
    }
}

async fn show_deal(State(sim): Sim, _: Caller, Path(id): Path<u64>) -> Response {
    match lock(&sim.provider.company).of(Kind::Deal, id) {
        Some(deal) => ok(&deal),
        None => Pipedrive::refuse(StatusCode::NOT_FOUND),
    }
}

async fn show_person(State(sim): Sim, _: Caller, Path(id): Path<u64>) -> Response {
    match lock(&sim.provider.company).of(Kind::Person, id) {
        Some(person) => ok(&person),
        None => Pipedrive::refuse(StatusCode::NOT_FOUND),
    }
}

fn change(sim: &Shared<Pipedrive>, kind: Kind, id: u64, fields: &Map<String, Value>) -> Response {
    let now = sim.control.now();
    let mut company = lock(&sim.provider.company);
    if company.of(kind, id).is_none() {
        return Pipedrive::refuse(StatusCode::NOT_FOUND);
    }
    match company.checked(kind, fields, false) {
        Ok(fields) => company.change(id, fields, now),
        Err(reason) => return bad(&reason),
    }
    ok(&company.shown(id).unwrap_or_default())
}

async fn change_person(
    State(sim): Sim,
    _: Caller,
    Path(id): Path<u64>,
    JsonBody(body): Body,
) -> Response {
    change(&sim, Kind::Person, id, &body)
}

async fn change_note(
    State(sim): Sim,
    _: Caller,
    Path(id): Path<u64>,
    JsonBody(body): Body,
) -> Response {
    change(&sim, Kind::Note, id, &body)
}

async fn list_notes(State(sim): Sim, _: Caller, query: Query<Pipedrive>) -> Response {
    let person = match query.parsed::<u64>("person_id") {
        Ok(person) => person,
        Err(refused) => return refused,
    };
    let notes = lock(&sim.provider.company).all(Kind::Note);
    let of_person = |note: &Map<String, Value>| {
        person.is_none() || note.get("person_id") == Some(&json!(person))
    };
    let mut found: Vec<_> = notes.into_iter().filter(of_person).collect();
    found.reverse();
    // Without any, there is no list.
    ok(&if found.is_empty() {
        Value::Null
    } else {
        json!(found)
    })
}

fn search(sim: &Shared<Pipedrive>, kind: Kind, query: &Query<Pipedrive>) -> Response {
    let (Some(term), Some(fields)) = (query.text("term"), query.text("fields")) else {
        return bad("term and fields are required");
    };
    if query.text("exact_match") != Some("true") {
        return bad("only exact matches are simulated");
    }
    let seen_until = sim.control.now() - sim.provider.config.search_lag;
    let found = lock(&sim.provider.company).search(kind, term, fields, seen_until);
    ok(&json!({ "items": found }))
}

async fn search_persons(State(sim): Sim, _: Caller, query: Query<Pipedrive>) -> Response {
    search(&sim, Kind::Person, &query)
}

async fn search_deals(State(sim): Sim, _: Caller, query: Query<Pipedrive>) -> Response {
    search(&sim, Kind::Deal, &query)
}

async fn search_leads(State(sim): Sim, _: Caller, query: Query<Pipedrive>) -> Response {
    search(&sim, Kind::Lead, &query)
}

fn fields(sim: &Shared<Pipedrive>, kind: Kind, query: &Query<Pipedrive>) -> Response {
    let start = match query.parsed::<usize>("cursor") {
        Ok(start) => start.unwrap_or_default(),
        Err(refused) => return refused,
    };
    // Pages are small, so that whoever reads the first one alone misses something.
    let all = lock(&sim.provider.company).fields(kind);
    let next = (start + 3 < all.len()).then(|| (start + 3).to_string());
    let page: Vec<_> = all.into_iter().skip(start).take(3).collect();
    Json(json!({ "success": true, "data": page, "additional_data": { "next_cursor": next } }))
        .into_response()
}

async fn person_fields(State(sim): Sim, _: Caller, query: Query<Pipedrive>) -> Response {
    fields(&sim, Kind::Person, &query)
}

async fn deal_fields(State(sim): Sim, _: Caller, query: Query<Pipedrive>) -> Response {
    fields(&sim, Kind::Deal, &query)
}

fn add_field(sim: &Shared<Pipedrive>, kind: Kind, body: &Map<String, Value>) -> Response {
    let get = |name: &str| body.get(name).and_then(Value::as_str);
    match (get("field_name"), get("field_type"), body.len()) {
        (Some(name), Some("varchar" | "text" | "double"), 2) => {
            ok(&lock(&sim.provider.company).add_field(kind, name))
        }
        _ => bad("field_name and field_type are required"),
    }
}

async fn add_person_field(State(sim): Sim, _: Caller, JsonBody(body): Body) -> Response {
    add_field(&sim, Kind::Person, &body)
}

async fn add_deal_field(State(sim): Sim, _: Caller, JsonBody(body): Body) -> Response {
    add_field(&sim, Kind::Deal, &body)
}
