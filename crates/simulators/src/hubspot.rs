//! HubSpot's CRM API: contacts, deals and notes, their properties and associations.
//!
//! - Auth: a bearer token. 401 `INVALID_AUTHENTICATION` without a good one. Each token has an account of its own. OAuth
//!   apps refresh theirs at `POST /oauth/v1/token`.
//! - Objects: create, list, read by id or unique value, update, archive, upsert and read in batches, search. The paths
//!   of v3 and the dated ones (`/crm/objects/2026-03/…`) give the same answers.
//! - Queries: lists such as `properties` may be repeated or separated by commas. Lists take `limit` (10 by default, 100
//!   at most; associations 500) and `after`, and answer `paging.next` if there is more. Unknown parameters are ignored.
//! - Values are strings. An unknown property fails its row, and unique values are unique.
//! - Search reads an index that may lag. It has a limit of its own and no rate headers.
//! - Limits: off unless configured. The headers say what the real ones would.
//!
//! Views: `GET /_sim/view` (contacts with their deals), `/_sim/contacts`, `/_sim/deals`, `/_sim/notes`; in pages with
//! `?limit=`, `?after=` and `?properties=`.
//!
//! Source: HubSpot developer documentation (read 2026-11); "Unable to infer object type": HubSpot/hubspot-api-php issue
//! 128. UNCONFIRMED: whether an upsert by a custom property reports a taken e-mail as 409 or as a row of a 207, so that
//! [`Config::conflict`] chooses; the wording of row errors and of errors about parameters; 415 for other content types.

mod associations;
mod oauth;
mod objects;
mod portal;
mod properties;
mod rules;
mod search;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub use oauth::App;
pub use portal::Record;

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::extract::Query;
use crate::provider::{Provider, Shared, bearer, lock};
use crate::{SimulatorSpec, Simulators};
use portal::{Kind, Portal};

const TOKEN: &str = "pat-na1-simulated-hubspot-token";

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: HubSpot::SLUG,
    name: "HubSpot",
    setting: Some("HUBSPOT_BASE_URL"),
    is_cloud_only: false,
    has_view: true,
    is_google: false,
    credential: TOKEN,
    webhook_key_setting: None,
    demo: Some(&DEMO),
    start: control::start::<HubSpot>,
};

/// The demo tenant's account needs nothing but its credential.
static DEMO: crate::Demo = crate::Demo {
    settings: &[],
    accounts: &[],
    signing_key: None,
    samples: &[],
};

/// The handle of the simulated HubSpot.
pub type Simulator = control::Simulator<HubSpot>;

impl Simulators {
    /// The simulated HubSpot.
    pub fn hubspot(&self) -> &Simulator {
        self.get()
    }
}

/// The limit of an app per ten seconds, in a free account of the real HubSpot.
pub const REQUESTS_PER_TEN_SECONDS: u32 = 100;
/// The limit of an account's searches per second at the real HubSpot.
pub const SEARCHES_PER_SECOND: u32 = 5;

/// How the simulated HubSpot behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The bearer tokens that are accepted. Each has an account of its own.
    pub tokens: Vec<String>,
    /// OAuth apps whose access tokens open the account of the first token.
    pub apps: Vec<App>,
    /// Requests per ten seconds. `None` means no limit.
    pub ten_second_limit: Option<u32>,
    /// Searches per second. `None` means no limit.
    pub search_limit: Option<u32>,
    /// How long search does not see a write.
    pub search_lag: Duration,
    /// How an upsert reports that another contact has the e-mail address.
    pub conflict: Conflict,
    /// Text properties that contacts have from the start.
    pub contact_properties: Vec<String>,
    /// Text properties that deals have from the start.
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
            tokens: vec![TOKEN.to_owned()],
            apps: Vec::new(),
            ten_second_limit: None,
            search_limit: None,
            search_lag: Duration::ZERO,
            conflict: Conflict::Status,
            contact_properties: Vec::new(),
            deal_properties: Vec::new(),
        }
    }
}

impl ProviderConfig for Config {}

/// The state of the simulated HubSpot.
pub struct HubSpot {
    config: Config,
    accounts: Mutex<Vec<Arc<Account>>>,
    granted: Mutex<oauth::Granted>,
    search_lag: Mutex<Duration>,
}

/// An account: its token, its records and the requests that count against its limits.
pub(crate) struct Account {
    token: String,
    portal: Mutex<Portal>,
    requests: Window,
    searches: Window,
}

impl HubSpot {
    fn add_account(&self, token: &str, now: Timestamp) {
        let mut accounts = lock(&self.accounts);
        let number = accounts.len() as u64;
        accounts.push(Arc::new(Account {
            token: token.to_owned(),
            portal: Mutex::new(Portal::new(&self.config, now, number)),
            requests: Window::new(10),
            searches: Window::new(1),
        }));
    }

    fn account(&self, headers: &HeaderMap, now: Timestamp) -> Option<Arc<Account>> {
        let token = bearer(headers)?;
        let accounts = lock(&self.accounts);
        if lock(&self.granted).contains(token, now) {
            return accounts.first().cloned();
        }
        accounts
            .iter()
            .find(|account| account.token == token)
            .cloned()
    }

    fn all(&self, kind: Kind) -> Vec<Record> {
        let accounts = lock(&self.accounts);
        let all = accounts
            .iter()
            .flat_map(|account| lock(&account.portal).all(kind));
        all.collect()
    }

    fn page(&self, kind: Kind, page: &Page) -> (Vec<Record>, Option<u64>) {
        let accounts = lock(&self.accounts);
        let portals: Vec<_> = accounts
            .iter()
            .map(|account| lock(&account.portal))
            .collect();
        let records = portals
            .iter()
            .flat_map(|portal| portal.after(kind, page.after.unwrap_or(0)));
        page.cut(records.map(|record| record.cut_to(page)), Record::number)
    }
}

impl Provider for HubSpot {
    const SLUG: &'static str = "hubspot";
    const FAULTS: &'static [&'static str] = &["missing_field"];

    type Config = Config;
    type Caller = Arc<Account>;

    fn new(config: Config, setup: &Setup) -> Self {
        let hubspot = Self {
            search_lag: Mutex::new(config.search_lag),
            accounts: Mutex::default(),
            granted: Mutex::default(),
            config,
        };
        let now = (setup.config.now)();
        for token in &hubspot.config.tokens {
            hubspot.add_account(token, now);
        }
        hubspot
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        let view_of = |kind: Kind| {
            get(async move |State(sim): Sim, page: Page| {
                let (records, next) = sim.provider.page(kind, &page);
                pretty(&json!({ kind.plural(): records, "next": next }))
            })
        };
        let mut routes = Router::new();
        for objects in [
            "/crm/v3/objects",
            "/crm/objects/2026-03",
            "/crm/objects/2026-09",
        ] {
            let path = |rest: &str| format!("{objects}/{{kind}}{rest}");
            routes = routes
                .route(&path(""), get(objects::list).post(objects::create))
                .route(&path("/batch/upsert"), post(objects::upsert))
                .route(&path("/batch/read"), post(objects::read_batch))
                .route(&path("/search"), post(search::search))
                .route(
                    &path("/{id}"),
                    get(objects::show)
                        .patch(objects::update)
                        .delete(objects::archive),
                );
        }
        for objects in [
            "/crm/v4/objects",
            "/crm/objects/2026-03",
            "/crm/objects/2026-09",
        ] {
            let path = |rest: &str| format!("{objects}/{{kind}}/{{id}}/associations/{rest}");
            routes = routes
                .route(&path("{to}"), get(associations::list))
                .route(&path("default/{to}/{to_id}"), put(associations::associate));
        }
        routes
            .route(
                "/crm/v3/properties/{kind}",
                get(properties::list).post(properties::create),
            )
            .route("/crm/v3/properties/{kind}/{name}", get(properties::show))
            .route("/crm/v3/pipelines/{kind}", get(properties::pipelines))
            .route("/oauth/v1/token", post(oauth::token))
            .route("/_sim/contacts", view_of(Kind::Contacts))
            .route("/_sim/deals", view_of(Kind::Deals))
            .route("/_sim/notes", view_of(Kind::Notes))
    }

    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<Arc<Account>, Response> {
        let (now, config) = (sim.control.now(), &sim.provider.config);
        let account = sim.provider.account(&request.headers, now);
        let account = account.ok_or_else(|| Self::refuse(StatusCode::UNAUTHORIZED))?;
        if is_search(request) {
            let count = account.searches.count(now);
            if config.search_limit.is_some_and(|limit| count > limit) {
                return Err(too_many("You have reached your secondly limit.", None));
            }
        } else {
            let count = account.requests.count(now);
            if config.ten_second_limit.is_some_and(|limit| count > limit) {
                return Err(Self::rate_limited(now));
            }
        }
        Ok(account)
    }

    fn error(status: StatusCode, message: &str) -> Response {
        let category = match status.as_u16() {
            400 | 413 | 415 => "VALIDATION_ERROR",
            401 => "INVALID_AUTHENTICATION",
            403 => "MISSING_SCOPES",
            404 => "OBJECT_NOT_FOUND",
            405 => "METHOD_NOT_ALLOWED",
            409 => "CONFLICT",
            _ => "INTERNAL_ERROR",
        };
        error_in(status, category, message)
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status.as_u16() {
            400 => "Invalid input",
            401 => "Authentication credentials not found or not valid.",
            403 => "This app hasn't been granted all required scopes to make this call.",
            404 => "resource not found",
            405 => "This method is not allowed for this resource.",
            409 => "Object already exists.",
            413 => "The request body is too large.",
            415 => "Cannot parse content. The Content-Type must be application/json.",
            _ => "There was a problem with the request.",
        }
    }

    fn bad_json(reason: &str) -> Response {
        Self::error(
            StatusCode::BAD_REQUEST,
            &format!("Invalid input JSON: {reason}"),
        )
    }

    fn rate_limited(_now: Timestamp) -> Response {
        let message = "You have reached your ten_secondly_rolling limit.";
        too_many(message, Some("TEN_SECONDLY_ROLLING"))
    }

    fn finish(sim: &Shared<Self>, request: &Parts, response: &mut Response) {
        let is_limited = response.status() == StatusCode::TOO_MANY_REQUESTS;
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(&correlation_id()) {
            headers.insert("x-hubspot-correlation-id", id);
        }
        let account = sim.provider.account(&request.headers, sim.control.now());
        let Some(account) = account.filter(|_| !is_search(request)) else {
            return;
        };
        let limit = sim.provider.config.ten_second_limit;
        let max = limit.unwrap_or(REQUESTS_PER_TEN_SECONDS);
        let remaining = if is_limited {
            0
        } else {
            max.saturating_sub(account.requests.len())
        };
        for (name, value) in [
            ("x-hubspot-ratelimit-max", max),
            ("x-hubspot-ratelimit-remaining", remaining),
            ("x-hubspot-ratelimit-interval-milliseconds", 10_000),
            ("x-hubspot-ratelimit-daily", 250_000),
            ("x-hubspot-ratelimit-daily-remaining", 249_000),
        ] {
            headers.insert(name, HeaderValue::from(value));
        }
    }

    fn view(sim: &Shared<Self>, page: &Page) -> Value {
        let accounts = lock(&sim.provider.accounts);
        Portal::view(accounts.iter().map(|account| lock(&account.portal)), page)
    }
}

impl Simulator {
    /// All contacts, account by account, in the order in which they were created.
    pub fn contacts(&self) -> Vec<Record> {
        self.shared.provider.all(Kind::Contacts)
    }

    /// All deals, in the order in which they were created.
    pub fn deals(&self) -> Vec<Record> {
        self.shared.provider.all(Kind::Deals)
    }

    /// All notes, in the order in which they were created.
    pub fn notes(&self) -> Vec<Record> {
        self.shared.provider.all(Kind::Notes)
    }

    /// The deals of the contacts: pairs of contact id and deal id.
    pub fn associations(&self) -> Vec<(String, String)> {
        let accounts = lock(&self.shared.provider.accounts);
        let pairs = |account: &Arc<Account>| -> Vec<_> {
            lock(&account.portal)
                .pairs(Kind::Contacts, Kind::Deals)
                .collect()
        };
        accounts.iter().flat_map(pairs).collect()
    }

    /// The body of `GET /_sim/view`.
    pub fn view(&self) -> Value {
        HubSpot::view(&self.shared, &Page::default())
    }

    /// The same for the account of one token.
    pub fn view_of(&self, token: &str) -> Value {
        let accounts = lock(&self.shared.provider.accounts);
        let own = accounts.iter().filter(|account| account.token == token);
        Portal::view(own.map(|account| lock(&account.portal)), &Page::default())
    }

    /// Creates another, empty account with this token.
    pub fn add_account(&self, token: &str) {
        self.shared
            .provider
            .add_account(token, self.shared.control.now());
    }

    /// Sets how long search does not see a write.
    pub fn set_search_lag(&self, lag: Duration) {
        *lock(&self.shared.provider.search_lag) = lag;
    }

    /// Adds a property to every account, as an administrator would: of texts, or of one of these options.
    pub fn add_property(&self, kind: &str, name: &str, options: &[&str]) {
        self.with_properties(kind, |properties| {
            drop(properties.insert(name.to_owned(), properties::own(name, options)));
        });
    }

    /// Removes a property from every account.
    pub fn remove_property(&self, kind: &str, name: &str) {
        self.with_properties(kind, |properties| drop(properties.remove(name)));
    }

    fn with_properties(
        &self,
        kind: &str,
        change: impl Fn(&mut std::collections::BTreeMap<String, properties::Property>),
    ) {
        let kind = match kind {
            "deals" => Kind::Deals,
            _ => Kind::Contacts,
        };
        for account in &*lock(&self.shared.provider.accounts) {
            if let Some(properties) = lock(&account.portal).properties.get_mut(&kind) {
                change(properties);
            }
        }
    }

    /// Creates a contact in the first account, as a person would in the web application, and returns its id.
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

fn is_search(request: &Parts) -> bool {
    request.uri.path().ends_with("/search")
}

/// The requests within a rolling window. Refused ones count as well.
struct Window {
    length: SignedDuration,
    moments: Mutex<VecDeque<Timestamp>>,
}

impl Window {
    fn new(seconds: i64) -> Self {
        Self {
            length: SignedDuration::from_secs(seconds),
            moments: Mutex::default(),
        }
    }

    /// Adds a request, and returns how many are in the window.
    fn count(&self, now: Timestamp) -> u32 {
        let mut moments = lock(&self.moments);
        let begin = now.checked_sub(self.length).unwrap_or(Timestamp::MIN);
        while moments.front().is_some_and(|at| *at <= begin) {
            moments.pop_front();
        }
        moments.push_back(now);
        u32::try_from(moments.len()).unwrap_or(u32::MAX)
    }

    fn len(&self) -> u32 {
        u32::try_from(lock(&self.moments).len()).unwrap_or(u32::MAX)
    }
}

/// One page of a list: the items after the query's cursor, and a link to the next page if there are more.
fn list_page<I: Iterator<Item = (u64, Value)>>(
    sim: &Shared<HubSpot>,
    uri: &Uri,
    query: &Query<HubSpot>,
    (default, max): (usize, usize),
    items: impl FnOnce(u64) -> I,
) -> Result<Response, Response> {
    let limit = query.parsed("limit")?.unwrap_or(default);
    if !(1..=max).contains(&limit) {
        let message = format!("limit must be between 1 and {max}, but was {limit}");
        return Err(HubSpot::error(StatusCode::BAD_REQUEST, &message));
    }
    let after = query.parsed("after")?.unwrap_or(0);
    let mut found: Vec<_> = items(after).take(limit + 1).collect();
    let has_more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().map(|(id, _)| id.to_string());
    let results: Vec<_> = found.into_iter().map(|(_, item)| item).collect();
    let mut answer = json!({ "results": results });
    if let Some(after) = last.filter(|_| has_more) {
        let link = format!(
            "{}{}?{}",
            sim.base_url,
            uri.path(),
            query.with("after", &after)
        );
        answer["paging"] = json!({ "next": { "after": after, "link": link } });
    }
    Ok(axum::Json(answer).into_response())
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

/// An error whose category does not follow from its status.
fn error_in(status: StatusCode, category: &str, message: &str) -> Response {
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
