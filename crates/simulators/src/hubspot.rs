//! HubSpot's CRM API: contacts, deals and notes, their properties and what belongs to what.
//!
//! - Auth: a bearer token; 401 `INVALID_AUTHENTICATION` without a good one. Each token opens an account of its own.
//! - Objects: create, read by id or unique value, update, upsert and read in batches, search. The paths of
//!   v3 and the dated ones (`/crm/objects/2026-03/…`) answer alike.
//! - Values are strings; an unknown property fails its row; what must be unique is unique.
//! - Search reads an index that may lag behind; it has a limit of its own and no rate headers.
//! - Limits: off unless configured; the headers say what the real ones would.
//!
//! Views: `GET /_sim/view` (contacts with their deals), `/_sim/contacts`, `/_sim/deals`, `/_sim/notes`; in pages with
//! `?limit=`, `?after=` and `?properties=`.
//!
//! Source: HubSpot developer documentation (read 2026-11). UNCONFIRMED: whether an upsert by a custom property
//! reports a taken e-mail as 409 or as a row of a 207, so that [`Config::conflict`] chooses; the wording of
//! row errors.

mod associations;
mod objects;
mod portal;
mod properties;
mod rules;
mod search;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub use portal::Record;

use crate::control::{self, Page, Provider, Shared, has_bearer, lock, pretty};
use portal::{Kind, Portal};

/// The simulated HubSpot.
pub type Simulator = control::Simulator<HubSpot>;

/// What an app of a free account may ask in ten seconds at the real HubSpot.
pub const REQUESTS_PER_TEN_SECONDS: u32 = 100;
/// What an account may search in a second at the real HubSpot.
pub const SEARCHES_PER_SECOND: u32 = 5;

/// How the simulated HubSpot behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The bearer tokens that are good; each opens an account of its own.
    pub tokens: Vec<String>,
    /// Requests in ten seconds; `None` = unlimited.
    pub ten_second_limit: Option<u32>,
    /// Searches in a second; `None` = unlimited.
    pub search_limit: Option<u32>,
    /// How long a write stays unseen by search.
    pub search_lag: Duration,
    /// How an upsert reports that another contact has the e-mail address.
    pub conflict: Conflict,
    /// Text properties of contacts that exist from the beginning.
    pub contact_properties: Vec<String>,
    /// Text properties of deals that exist from the beginning.
    pub deal_properties: Vec<String>,
}

/// How an upsert reports that a unique value is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// The whole request answers 409, unless another row succeeded.
    Status,
    /// The request answers 207 with an error for the row.
    Row,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tokens: vec!["pat-na1-simulated-hubspot-token".to_owned()],
            ten_second_limit: None,
            search_limit: None,
            search_lag: Duration::ZERO,
            conflict: Conflict::Status,
            contact_properties: Vec::new(),
            deal_properties: Vec::new(),
        }
    }
}

/// What the simulated HubSpot knows.
pub struct HubSpot {
    config: Config,
    accounts: Mutex<Vec<Arc<Account>>>,
    search_lag: Mutex<Duration>,
}

/// An account, which has a token and limits of its own.
struct Account {
    token: String,
    portal: Mutex<Portal>,
    asked: Mutex<VecDeque<Timestamp>>,
    searched: Mutex<VecDeque<Timestamp>>,
}

impl HubSpot {
    pub(crate) fn new(config: Config, now: Timestamp) -> Self {
        let hubspot = Self {
            search_lag: Mutex::new(config.search_lag),
            accounts: Mutex::default(),
            config,
        };
        hubspot
            .config
            .tokens
            .iter()
            .for_each(|token| hubspot.add_account(token, now));
        hubspot
    }

    fn add_account(&self, token: &str, now: Timestamp) {
        let mut accounts = lock(&self.accounts);
        let number = accounts.len() as u64;
        accounts.push(Arc::new(Account {
            token: token.to_owned(),
            portal: Mutex::new(Portal::new(&self.config, now, number)),
            asked: Mutex::default(),
            searched: Mutex::default(),
        }));
    }

    fn account(&self, headers: &HeaderMap) -> Result<Arc<Account>, Response> {
        let accounts = lock(&self.accounts);
        let found = accounts
            .iter()
            .find(|account| has_bearer(headers, std::slice::from_ref(&account.token)));
        found.cloned().ok_or_else(Self::revoked)
    }

    fn all(&self, kind: Kind) -> Vec<Record> {
        let accounts = lock(&self.accounts);
        accounts
            .iter()
            .flat_map(|account| lock(&account.portal).all(kind))
            .collect()
    }

    fn view(&self, page: &Page) -> Value {
        let accounts = lock(&self.accounts);
        Portal::view(accounts.iter().map(|account| lock(&account.portal)), page)
    }

    fn page(&self, kind: Kind, page: &Page) -> (Vec<Record>, Option<u64>) {
        let accounts = lock(&self.accounts);
        let portals: Vec<_> = accounts
            .iter()
            .map(|account| lock(&account.portal))
            .collect();
        let records = portals
            .iter()
            .flat_map(|portal| portal.behind(kind, page.after.unwrap_or(0)));
        page.cut(records.map(|record| record.cut_to(page)), Record::number)
    }
}

impl Provider for HubSpot {
    const NAME: &'static str = "hubspot";
    const FAULTS: &'static [&'static str] = &["missing_field"];

    fn routes() -> Router<Arc<Shared<Self>>> {
        let objects = || {
            Router::new()
                .route("/{kind}", get(objects::list).post(objects::create))
                .route("/{kind}/batch/upsert", post(objects::upsert))
                .route("/{kind}/batch/read", post(objects::read_batch))
                .route("/{kind}/search", post(search::search))
                .route(
                    "/{kind}/{id}",
                    get(objects::show)
                        .patch(objects::update)
                        .delete(objects::archive),
                )
        };
        let associations = || {
            Router::new()
                .route("/{from}/{id}/associations/{to}", get(associations::list))
                .route(
                    "/{from}/{id}/associations/default/{to}/{to_id}",
                    put(associations::associate),
                )
        };
        Router::new()
            .nest("/crm/v3/objects", objects())
            .nest("/crm/v4/objects", associations())
            .nest("/crm/objects/2026-03", objects().merge(associations()))
            .nest("/crm/objects/2026-09", objects().merge(associations()))
            .route(
                "/crm/v3/properties/{kind}",
                get(properties::list).post(properties::create),
            )
            .route("/crm/v3/properties/{kind}/{name}", get(properties::show))
            .route("/crm/v3/pipelines/{kind}", get(properties::pipelines))
            .route_layer(middleware::map_response(with_correlation_id))
            .route("/_sim/view", get(view))
            .route(
                "/_sim/contacts",
                get(async |sim: Sim, page: Query<Page>| view_of(&sim, Kind::Contacts, &page)),
            )
            .route(
                "/_sim/deals",
                get(async |sim: Sim, page: Query<Page>| view_of(&sim, Kind::Deals, &page)),
            )
            .route(
                "/_sim/notes",
                get(async |sim: Sim, page: Query<Page>| view_of(&sim, Kind::Notes, &page)),
            )
    }

    fn error(status: StatusCode) -> Response {
        let (category, message) = match status.as_u16() {
            400 => ("VALIDATION_ERROR", "Invalid input"),
            401 => (
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found or not valid.",
            ),
            403 => (
                "MISSING_SCOPES",
                "This app hasn't been granted all required scopes to make this call.",
            ),
            404 => ("OBJECT_NOT_FOUND", "resource not found"),
            409 => ("CONFLICT", "Object already exists."),
            _ => ("INTERNAL_ERROR", "There was a problem with the request."),
        };
        refuse(status, category, message)
    }

    fn rate_limited(_now: Timestamp) -> Response {
        let message = "You have reached your ten_secondly_rolling limit.";
        let rates = RateHeaders {
            max: REQUESTS_PER_TEN_SECONDS,
            remaining: 0,
        };
        (rates, too_many(message, Some("TEN_SECONDLY_ROLLING"))).into_response()
    }

    fn revoked() -> Response {
        Self::error(StatusCode::UNAUTHORIZED)
    }
}

impl Simulator {
    /// All contacts, account by account, in the order they were made.
    pub fn contacts(&self) -> Vec<Record> {
        self.shared.provider.all(Kind::Contacts)
    }

    /// All deals in the order they were made.
    pub fn deals(&self) -> Vec<Record> {
        self.shared.provider.all(Kind::Deals)
    }

    /// All notes in the order they were made.
    pub fn notes(&self) -> Vec<Record> {
        self.shared.provider.all(Kind::Notes)
    }

    /// Which deals belong to which contact: pairs of contact id and deal id.
    pub fn associations(&self) -> Vec<(String, String)> {
        let accounts = lock(&self.shared.provider.accounts);
        let pairs = |account: &Arc<Account>| -> Vec<_> {
            lock(&account.portal)
                .pairs(Kind::Contacts, Kind::Deals)
                .collect()
        };
        accounts.iter().flat_map(pairs).collect()
    }

    /// What `GET /_sim/view` shows.
    pub fn view(&self) -> Value {
        self.shared.provider.view(&Page::default())
    }

    /// What `GET /_sim/view` would show of one account alone.
    pub fn view_of(&self, token: &str) -> Value {
        let accounts = lock(&self.shared.provider.accounts);
        let own = accounts.iter().filter(|account| account.token == token);
        Portal::view(own.map(|account| lock(&account.portal)), &Page::default())
    }

    /// Opens another, empty account.
    pub fn add_account(&self, token: &str) {
        self.shared
            .provider
            .add_account(token, self.shared.control.now());
    }

    /// Says how long a write stays unseen by search.
    pub fn set_search_lag(&self, lag: Duration) {
        *lock(&self.shared.provider.search_lag) = lag;
    }

    /// Makes a contact in the first account, as if a person had typed it in; answers its id.
    pub fn add_contact(&self, properties: &[(&str, &str)]) -> String {
        let properties = properties
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let now = self.shared.control.now();
        let accounts = lock(&self.shared.provider.accounts);
        accounts.first().map_or_else(String::new, |account| {
            lock(&account.portal)
                .insert(Kind::Contacts, properties, now)
                .id
        })
    }
}

type Sim = State<Arc<Shared<HubSpot>>>;

/// Checks the token and counts the request; answers the account and its rate headers.
fn admit(
    sim: &Shared<HubSpot>,
    headers: &HeaderMap,
) -> Result<(Arc<Account>, RateHeaders), Response> {
    let account = sim.provider.account(headers)?;
    let limit = sim.provider.config.ten_second_limit;
    let now = sim.control.now();
    let in_window = count(&account.asked, now, SignedDuration::from_secs(10));
    let max = limit.unwrap_or(REQUESTS_PER_TEN_SECONDS);
    if limit.is_some_and(|limit| in_window > limit) {
        return Err((
            RateHeaders { max, remaining: 0 },
            HubSpot::rate_limited(now),
        )
            .into_response());
    }
    Ok((
        account,
        RateHeaders {
            max,
            remaining: max.saturating_sub(in_window),
        },
    ))
}

/// Counts a search against the limit that searches have of their own.
fn admit_search(sim: &Shared<HubSpot>, headers: &HeaderMap) -> Result<Arc<Account>, Response> {
    let account = sim.provider.account(headers)?;
    let in_window = count(
        &account.searched,
        sim.control.now(),
        SignedDuration::from_secs(1),
    );
    if sim
        .provider
        .config
        .search_limit
        .is_some_and(|limit| in_window > limit)
    {
        return Err(too_many("You have reached your secondly limit.", None));
    }
    Ok(account)
}

/// Adds a moment to a rolling window; answers how many are in it. Refused ones count as well.
fn count(moments: &Mutex<VecDeque<Timestamp>>, now: Timestamp, window: SignedDuration) -> u32 {
    let mut moments = lock(moments);
    let begin = now.checked_sub(window).unwrap_or(Timestamp::MIN);
    while moments.front().is_some_and(|at| *at <= begin) {
        moments.pop_front();
    }
    moments.push_back(now);
    u32::try_from(moments.len()).unwrap_or(u32::MAX)
}

/// What is left of the limits.
#[derive(Debug, Clone, Copy)]
struct RateHeaders {
    max: u32,
    remaining: u32,
}

impl axum::response::IntoResponseParts for RateHeaders {
    type Error = std::convert::Infallible;

    fn into_response_parts(
        self,
        mut parts: axum::response::ResponseParts,
    ) -> Result<axum::response::ResponseParts, Self::Error> {
        let headers = parts.headers_mut();
        headers.insert("x-hubspot-ratelimit-max", HeaderValue::from(self.max));
        headers.insert(
            "x-hubspot-ratelimit-remaining",
            HeaderValue::from(self.remaining),
        );
        headers.insert(
            "x-hubspot-ratelimit-interval-milliseconds",
            HeaderValue::from(10_000),
        );
        headers.insert("x-hubspot-ratelimit-daily", HeaderValue::from(250_000));
        headers.insert(
            "x-hubspot-ratelimit-daily-remaining",
            HeaderValue::from(249_000),
        );
        Ok(parts)
    }
}

async fn with_correlation_id(mut response: Response) -> Response {
    if let Ok(id) = HeaderValue::from_str(&correlation_id()) {
        response
            .headers_mut()
            .insert("x-hubspot-correlation-id", id);
    }
    response
}

/// A random id in the usual layout of five groups.
fn correlation_id() -> String {
    let digits = hex::encode(rand::random::<[u8; 16]>());
    let mut id = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if [8, 12, 16, 20].contains(&index) {
            id.push('-');
        }
        id.push(digit);
    }
    id
}

fn refuse(status: StatusCode, category: &str, message: &str) -> Response {
    let body = json!({
        "status": "error", "message": message, "correlationId": correlation_id(), "category": category,
    });
    (status, axum::Json(body)).into_response()
}

fn too_many(message: &str, policy: Option<&str>) -> Response {
    let mut body = json!({
        "status": "error", "message": message, "errorType": "RATE_LIMIT", "correlationId": correlation_id(),
        "requestId": correlation_id(),
    });
    if let Some(policy) = policy {
        body["policyName"] = json!(policy);
    }
    (StatusCode::TOO_MANY_REQUESTS, axum::Json(body)).into_response()
}

async fn view(State(sim): Sim, Query(page): Query<Page>) -> Response {
    pretty(&sim.provider.view(&page))
}

fn view_of(sim: &Shared<HubSpot>, kind: Kind, page: &Page) -> Response {
    let (records, next) = sim.provider.page(kind, page);
    pretty(&json!({ kind.plural(): records, "next": next }))
}
