//! Salesforce's REST API: leads and tasks of one org, and its login server.
//!
//! - `POST /services/oauth2/token`: refresh tokens, signed assertions, client credentials. The answer has no `expires_in`;
//!   a session ends when the org says so, by a 401.
//! - `/services/data/v62.0/…`: `sobjects/{object}/describe`, `query`, `search`, `composite`, `limits`.
//! - Writes go by `composite`: upserts by a unique field, updates by id, all or none. Texts have their longest length,
//!   fields may be required, an unknown one fails, keys are unique, converted leads are closed.
//! - Duplicate rules: off unless configured. An alert lets `allowSave=true` pass, a block lets nothing pass.
//! - Search reads an index that may lag. `Sforce-Limit-Info` counts calls; beyond the limit is 403.
//!
//! Views: `GET /_sim/view`. Source: Salesforce developer documentation (read 2026-11). UNCONFIRMED: the members of
//! `duplicateResult`.

mod oauth;
mod org;
mod query;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use org::Rule;

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page};
use crate::extract::{Authorized, JsonBody, Path, Query};
use crate::provider::{Provider, Shared, bearer, lock};
use crate::{SimulatorSpec, Simulators};
use org::{Fault, Org};

/// The app that is accepted, as the demo tenant enters it.
pub const APP: &str = r#"{"client_id":"3MVG9simulated","client_secret":"simulated-salesforce-secret","refresh_token":"5Aep861simulated"}"#;
const CLIENT_ID: &str = "3MVG9simulated";
const CLIENT_SECRET: &str = "simulated-salesforce-secret";
const REFRESH_TOKEN: &str = "5Aep861simulated";
/// A session that is there from the start.
pub const SESSION: &str = "00Dsimulated!session";

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Salesforce::SLUG,
    name: "Salesforce",
    setting: Some("SALESFORCE_BASE_URL"),
    is_cloud_only: false,
    has_view: true,
    is_google: false,
    credential: SESSION,
    webhook_key_setting: None,
    demo: None,
    start: control::start::<Salesforce>,
};

/// The handle of the simulated Salesforce.
pub type Simulator = control::Simulator<Salesforce>;

impl Simulators {
    /// The simulated Salesforce.
    pub fn salesforce(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated Salesforce behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// How long a session is accepted; for ever if `None`.
    pub session: Option<Duration>,
    /// The key that verifies assertions, in the form of `SubjectPublicKeyInfo` or of PKCS #1. `None`: none is accepted.
    pub public_key: Option<Vec<u8>>,
    /// Calls of a day.
    pub daily_limit: u32,
    /// Whether an administrator has added the fields for outside keys.
    pub has_keys: bool,
    /// Whether states are codes from a list.
    pub has_state_codes: bool,
    /// Whether a lead needs a company: not where person accounts are on.
    pub needs_company: bool,
    /// What happens to a lead whose e-mail address another has.
    pub rule: Option<Rule>,
    /// Whether the rules name what they have found.
    pub rule_names: bool,
    /// How long search does not see a write.
    pub search_lag: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            session: None,
            public_key: None,
            daily_limit: 100_000,
            has_keys: true,
            has_state_codes: false,
            needs_company: true,
            rule: None,
            rule_names: true,
            search_lag: Duration::ZERO,
        }
    }
}

impl ProviderConfig for Config {}

/// The state of the simulated Salesforce.
pub struct Salesforce {
    config: Config,
    sessions: Mutex<oauth::Sessions>,
    org: Mutex<Org>,
    calls: Mutex<u32>,
}

impl Provider for Salesforce {
    const SLUG: &'static str = "salesforce";

    type Config = Config;
    type Caller = ();

    fn new(config: Config, _setup: &Setup) -> Self {
        Self {
            sessions: Mutex::new(oauth::Sessions::new(SESSION)),
            org: Mutex::new(Org::new(&config)),
            calls: Mutex::default(),
            config,
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        let path = |rest: &str| format!("/services/data/{{version}}/{rest}");
        Router::new()
            .route("/services/oauth2/token", post(oauth::token))
            .route(&path("sobjects/{object}/describe"), get(describe))
            .route(&path("query"), get(run_query))
            .route(&path("search"), get(search))
            .route(&path("composite"), post(composite))
            .route(&path("limits"), get(limits))
    }

    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<(), Response> {
        let token = bearer(&request.headers).unwrap_or_default();
        if !lock(&sim.provider.sessions).is_open(token, sim.control.now()) {
            return Err(Self::refuse(StatusCode::UNAUTHORIZED));
        }
        let mut calls = lock(&sim.provider.calls);
        if *calls >= sim.provider.config.daily_limit {
            return Err(limit_exceeded());
        }
        *calls += 1;
        Ok(())
    }

    fn error(status: StatusCode, message: &str) -> Response {
        let code = match status.as_u16() {
            400 => "JSON_PARSER_ERROR",
            401 => "INVALID_SESSION_ID",
            403 => "INSUFFICIENT_ACCESS_OR_READONLY",
            404 => "NOT_FOUND",
            405 => "METHOD_NOT_ALLOWED",
            415 => "UNSUPPORTED_MEDIA_TYPE",
            503 => "SERVER_UNAVAILABLE",
            _ => "UNKNOWN_EXCEPTION",
        };
        let body = json!([{ "message": message, "errorCode": code }]);
        (status, Json(body)).into_response()
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status.as_u16() {
            401 => "Session expired or invalid",
            403 => "insufficient access rights on object id",
            404 => "The requested resource does not exist",
            405 => "HTTP Method not allowed.",
            503 => "Server unavailable",
            _ => "An unexpected error occurred",
        }
    }

    fn rate_limited(_now: Timestamp) -> Response {
        limit_exceeded()
    }

    fn finish(sim: &Shared<Self>, _request: &Parts, response: &mut Response) {
        let (used, limit) = (*lock(&sim.provider.calls), sim.provider.config.daily_limit);
        if let Ok(usage) = HeaderValue::from_str(&format!("api-usage={used}/{limit}")) {
            response.headers_mut().insert("sforce-limit-info", usage);
        }
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        let org = lock(&sim.provider.org);
        json!({ "leads": org.all("Lead"), "tasks": org.all("Task") })
    }
}

fn limit_exceeded() -> Response {
    let body = json!([{ "message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED" }]);
    (StatusCode::FORBIDDEN, Json(body)).into_response()
}

impl Simulator {
    /// All leads, in the order in which they were made.
    pub fn leads(&self) -> Vec<Map<String, Value>> {
        lock(&self.shared.provider.org).all("Lead")
    }

    /// All tasks, in the order in which they were made.
    pub fn tasks(&self) -> Vec<Map<String, Value>> {
        lock(&self.shared.provider.org).all("Task")
    }

    /// Makes a lead, as a salesperson would, and returns its id.
    pub fn add_lead(&self, fields: &[(&str, &str)]) -> String {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)));
        let now = self.shared.control.now();
        lock(&self.shared.provider.org).add("Lead", fields.collect(), now)
    }

    /// Changes a record, as a salesperson would.
    pub fn edit(&self, id: &str, field: &str, value: &str) {
        lock(&self.shared.provider.org).edit(id, field, value);
    }

    /// Converts a lead: it is closed, and is this contact from now on.
    pub fn convert(&self, lead: &str, contact: &str) {
        let mut org = lock(&self.shared.provider.org);
        org.edit(lead, "ConvertedContactId", contact);
        org.edit(lead, "IsConverted", "true");
    }

    /// Adds a text field of 255 characters to leads, as an administrator would.
    pub fn add_field(&self, field: &str) {
        lock(&self.shared.provider.org).add_field(field);
    }

    /// Removes a field of leads.
    pub fn remove_field(&self, field: &str) {
        lock(&self.shared.provider.org).remove_field(field);
    }

    /// Makes a field of leads required from now on.
    pub fn require(&self, field: &str) {
        lock(&self.shared.provider.org).require(field);
    }

    /// Has the next writes find their row locked.
    pub fn lock_rows(&self, times: u32) {
        lock(&self.shared.provider.org).locked = times;
    }

    /// Has somebody else write the same key just before the next lead is made.
    pub fn race(&self) {
        lock(&self.shared.provider.org).is_raced = true;
    }

    /// Ends every session.
    pub fn end_sessions(&self) {
        lock(&self.shared.provider.sessions).end_all();
    }
}

type Sim = State<Arc<Shared<Salesforce>>>;

async fn describe(
    State(sim): Sim,
    Authorized(()): Authorized<Salesforce>,
    Path((_, object)): Path<(String, String)>,
) -> Response {
    let org = lock(&sim.provider.org);
    match org.describe(&object) {
        Some(fields) => Json(json!({ "name": object, "fields": fields })).into_response(),
        None => Salesforce::refuse(StatusCode::NOT_FOUND),
    }
}

async fn run_query(
    State(sim): Sim,
    Authorized(()): Authorized<Salesforce>,
    query: Query<Salesforce>,
) -> Response {
    let org = lock(&sim.provider.org);
    let answer = query::select(query.text("q").unwrap_or_default(), &org);
    answer.map_or_else(malformed, |records| {
        let body = json!({ "totalSize": records.len(), "done": true, "records": records });
        Json(body).into_response()
    })
}

async fn search(
    State(sim): Sim,
    Authorized(()): Authorized<Salesforce>,
    query: Query<Salesforce>,
) -> Response {
    let seen_until = sim.control.now() - sim.provider.config.search_lag;
    let org = lock(&sim.provider.org);
    let answer = query::find(query.text("q").unwrap_or_default(), &org, seen_until);
    answer.map_or_else(malformed, |records| {
        Json(json!({ "searchRecords": records })).into_response()
    })
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it takes what a query that cannot be read ends with"
)]
fn malformed(reason: String) -> Response {
    let body = json!([{ "message": reason, "errorCode": "MALFORMED_QUERY" }]);
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

async fn limits(State(sim): Sim, Authorized(()): Authorized<Salesforce>) -> Response {
    let (used, limit) = (*lock(&sim.provider.calls), sim.provider.config.daily_limit);
    let left = limit.saturating_sub(used);
    Json(json!({ "DailyApiRequests": { "Max": limit, "Remaining": left } })).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Composite {
    #[serde(default)]
    all_or_none: bool,
    composite_request: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Part {
    method: String,
    url: String,
    reference_id: String,
    #[serde(default)]
    body: Map<String, Value>,
    #[serde(default)]
    http_headers: Map<String, Value>,
}

async fn composite(
    State(sim): Sim,
    Authorized(()): Authorized<Salesforce>,
    headers: HeaderMap,
    JsonBody(asked): JsonBody<Composite>,
) -> Response {
    let is_reference = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let parts = &asked.composite_request;
    let is_valid = (1..=25).contains(&parts.len())
        && parts.iter().all(|part| {
            part.url.starts_with("/services/data/v62.0/") && is_reference(&part.reference_id)
        });
    if !is_valid {
        return Salesforce::error(StatusCode::BAD_REQUEST, "a part is malformed");
    }
    let outer = headers
        .get("sforce-duplicate-rule-header")
        .and_then(|value| value.to_str().ok());
    let now = sim.control.now();
    let mut org = lock(&sim.provider.org);
    let mut changed = org.clone();
    let (mut answers, mut failed) = (Vec::new(), None);
    let mut ids = Map::new();
    for part in parts {
        let rules = part.http_headers.get("Sforce-Duplicate-Rule-Header");
        let rules = rules.and_then(Value::as_str).or(outer).unwrap_or_default();
        let allows = rules.contains("allowSave=true");
        let done = match failed {
            Some(_) => Err(Fault::new(
                "PROCESSING_HALTED",
                "The transaction was rolled back",
            )),
            None => write(&mut changed, part, &ids, allows, now),
        };
        let (status, body) = match done {
            Ok((id, is_created)) => {
                ids.insert(part.reference_id.clone(), json!(id));
                let body =
                    json!({ "id": id, "success": true, "errors": [], "created": is_created });
                match (is_created, part.url.matches('/').count()) {
                    (true, _) => (201, body),
                    (false, 6) => (204, Value::Null),
                    (false, _) => (200, body),
                }
            }
            Err(fault) => {
                failed.get_or_insert(part.reference_id.clone());
                (400, json!([fault.body()]))
            }
        };
        answers.push(json!({
            "body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": part.reference_id,
        }));
    }
    match &failed {
        None => *org = changed,
        Some(reference) if asked.all_or_none => {
            for answer in &mut answers {
                if answer["referenceId"] != json!(reference) {
                    let halted = Fault::new("PROCESSING_HALTED", "The transaction was rolled back");
                    answer["httpStatusCode"] = json!(400);
                    answer["body"] = json!([halted.body()]);
                }
            }
            org.keep_troubles_of(&changed);
        }
        Some(_) => *org = changed,
    }
    Json(json!({ "compositeResponse": answers })).into_response()
}

/// Does a part: the record's id, and whether it was made.
fn write(
    org: &mut Org,
    part: &Part,
    ids: &Map<String, Value>,
    allows: bool,
    now: Timestamp,
) -> Result<(String, bool), Fault> {
    if part.method != "PATCH" {
        return Err(Fault::new("METHOD_NOT_ALLOWED", "HTTP Method not allowed."));
    }
    let mut fields = part.body.clone();
    for value in fields.values_mut() {
        let reference = value
            .as_str()
            .and_then(|text| text.strip_prefix("@{")?.strip_suffix(".id}"));
        if let Some(reference) = reference {
            let id = ids.get(reference).cloned();
            *value = id.ok_or_else(|| Fault::new("INVALID_REFERENCE", "no such reference"))?;
        }
    }
    let path = part
        .url
        .trim_start_matches("/services/data/v62.0/sobjects/");
    match path.split('/').collect::<Vec<_>>().as_slice() {
        [object, key, value] => org.upsert(object, key, value, fields, allows, now),
        [object, id] => org.update(object, id, fields, now).map(|id| (id, false)),
        _ => Err(Fault::new(
            "NOT_FOUND",
            "The requested resource does not exist",
        )),
    }
}
