//! CallRail's API v3: accounts, calls and recordings, text messages, forms, and where webhooks go; and the webhooks.
//!
//! - Auth: `Authorization: Token token="<key>"`. Anything else gets a 401.
//! - Calls: the documented default fields, others only with `fields=`. A numeric id and a `CAL…` id name the same call,
//!   and the answer has the `CAL…` id.
//! - Recordings: `recording.json` gives a link with an access key, which redirects to the MP3 itself.
//! - Lists: `page` and `per_page` (100 by default, 250 at most), for calls also `relative_pagination`.
//! - Limits: per account, hour and day. The 429 has no `Retry-After`.
//! - Webhooks: what happens by `POST /_sim/events/{event}` is posted once, signed, to the URLs that the company's
//!   integration has for it. Nothing is repeated.
//!
//! A call that nobody registered exists all the same, with the default recording and invented details, so that any
//! sample of a webhook works. `PUT /_sim/calls/{id}` registers one, `PUT /_sim/calls` many, `GET /_sim/calls` lists
//! them. Text messages and forms exist once they were posted, or registered without a webhook.
//!
//! Source: apidocs.callrail.com (read 2026-11). UNCONFIRMED: the wording of errors; that a `per_page` over 250 is cut
//! to 250.

mod calls;
mod demo;
mod integrations;
mod media;
mod written;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp, civil};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use calls::Call;
pub use demo::{ACCOUNT, COMPANIES, SIGNING_KEY};

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::demo::Choices;
use crate::extract::{Authorized, Path, Query};
use crate::fault::{Fault, Late};
use crate::outbox::{self, Outbox, Posts, Rules, Trouble};
use crate::provider::{Provider, Shared, Webhooks, lock};
use crate::{SimulatorSpec, Simulators};

const API_KEY: &str = "simulated-callrail-key";

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: CallRail::SLUG,
    name: "CallRail",
    setting: Some("CALLRAIL_BASE_URL"),
    is_cloud_only: false,
    has_view: true,
    is_google: false,
    credential: API_KEY,
    webhook_key_setting: None,
    demo: Some(&demo::DEMO),
    start: control::start::<CallRail>,
};

/// The handle of the simulated CallRail.
pub type Simulator = control::Simulator<CallRail>;

impl Simulators {
    /// The simulated CallRail.
    pub fn callrail(&self) -> &Simulator {
        self.get()
    }
}

/// The general limit of an account per hour at the real CallRail.
pub const GENERAL_REQUESTS_PER_HOUR: u32 = 1000;
/// The general limit of an account per day at the real CallRail.
pub const GENERAL_REQUESTS_PER_DAY: u32 = 10_000;

const PAGE_DEFAULT: usize = 100;
const PAGE_MAX: usize = 250;

/// How the simulated CallRail behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The API keys that are accepted.
    pub api_keys: Vec<String>,
    /// The account that `a.json` lists. Paths may name any account.
    pub account_id: String,
    /// The company of calls that nobody registered.
    pub company_id: String,
    /// The recording of calls that nobody registered.
    pub recording: String,
    /// Requests per account and hour. `None` means no limit; the real one is [`GENERAL_REQUESTS_PER_HOUR`].
    pub hourly_limit: Option<u32>,
    /// Requests per account and day. `None` means no limit; the real one is [`GENERAL_REQUESTS_PER_DAY`].
    pub daily_limit: Option<u32>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            api_keys: vec![API_KEY.to_owned()],
            account_id: "ACC1a2b3c4d5e6f47089a0b1c2d3e4f5a6b".to_owned(),
            company_id: "COM3f2a9c7d51e84b0aa6c1d2e3f4a5b6c7".to_owned(),
            recording: crate::recordings::DEFAULT.to_owned(),
            hourly_limit: None,
            daily_limit: None,
        }
    }
}

impl ProviderConfig for Config {}

/// The state of the simulated CallRail.
pub struct CallRail {
    config: Config,
    calls: Mutex<calls::Calls>,
    asked: Mutex<BTreeMap<String, VecDeque<Timestamp>>>,
    written: Mutex<written::Written>,
    integrations: Mutex<integrations::Integrations>,
    /// The most requests of an account within an hour, and how many were refused.
    used: Mutex<(usize, u64)>,
    outbox: Outbox,
    media_key: String,
}

impl CallRail {
    /// Counts a request of an account, and refuses it over the limit of an hour or a day.
    fn count(&self, account: &str, now: Timestamp) -> Result<(), Response> {
        let limits = [
            (SignedDuration::from_hours(1), self.config.hourly_limit),
            (SignedDuration::from_hours(24), self.config.daily_limit),
        ];
        let mut asked = lock(&self.asked);
        let asked = asked.entry(account.to_owned()).or_default();
        while asked
            .front()
            .is_some_and(|at| now.duration_since(*at) >= SignedDuration::from_hours(24))
        {
            asked.pop_front();
        }
        for (span, limit) in limits {
            let recent = asked.iter().rev();
            let recent = recent.take_while(|at| now.duration_since(**at) < span);
            let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
            if limit.is_some_and(|limit| recent.count() >= limit) {
                lock(&self.used).1 += 1;
                return Err(Self::rate_limited(now));
            }
        }
        asked.push_back(now);
        let hour = SignedDuration::from_hours(1);
        let recent = asked.iter().rev();
        let recent = recent.take_while(|at| now.duration_since(**at) < hour);
        let mut used = lock(&self.used);
        used.0 = used.0.max(recent.count());
        Ok(())
    }
}

impl Provider for CallRail {
    const SLUG: &'static str = "callrail";
    const FAULTS: &'static [&'static str] =
        &["late_recording", "empty_recording", "tiny_recording"];

    type Config = Config;
    type Caller = ();

    fn new(config: Config, setup: &Setup) -> Self {
        // It does not send again, and switches off what has failed for long.
        let rules = Rules {
            is_repeated: |_| false,
            give_up: SignedDuration::ZERO,
            switch_off: SignedDuration::from_hours(24),
        };
        Self {
            config,
            calls: Mutex::default(),
            asked: Mutex::default(),
            written: Mutex::default(),
            integrations: Mutex::default(),
            used: Mutex::default(),
            outbox: Outbox::new(rules, setup.config.webhook_retry),
            media_key: hex::encode(rand::random::<[u8; 16]>()),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/v3/a.json", get(list_accounts))
            .route(
                "/v3/a/{account}/companies/{id}",
                get(integrations::show_company),
            )
            .route("/v3/a/{account}/calls.json", get(list_calls))
            .route("/v3/a/{account}/calls/{id}", get(show_call))
            .route(
                "/v3/a/{account}/calls/{id}/recording.json",
                get(show_recording),
            )
            .route(
                "/v3/a/{account}/form_submissions.json",
                get(written::list_forms),
            )
            .route(
                "/v3/a/{account}/text-messages.json",
                get(written::list_conversations),
            )
            .route(
                "/v3/a/{account}/text-messages/{id}",
                get(written::show_conversation),
            )
            .route(
                "/v3/a/{account}/integrations.json",
                get(integrations::list).post(integrations::create),
            )
            .route(
                "/v3/a/{account}/integrations/{id}",
                get(integrations::show)
                    .put(integrations::update)
                    .delete(integrations::delete),
            )
            .route("/calls/{id}/recording/redirect", get(media::redirect))
            .route("/media/{file}", get(media::download))
            .route("/_sim/calls", get(view_calls).put(register_calls))
            .route("/_sim/calls/{id}", put(register_call))
            .route("/_sim/texts/{conversation}", put(written::register_message))
            .route("/_sim/forms/{id}", put(written::register_form))
            .route("/_sim/events/{event}", post(happen))
            .merge(outbox::routes::<Self>())
    }

    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<(), Response> {
        let sent = request.headers.get(header::AUTHORIZATION);
        let sent = sent.and_then(|value| value.to_str().ok());
        let key = sent
            .and_then(|value| value.strip_prefix("Token token="))
            .map(|key| key.trim_matches('"'));
        if !key.is_some_and(|key| sim.provider.config.api_keys.iter().any(|good| good == key)) {
            return Err(Self::refuse(StatusCode::UNAUTHORIZED));
        }
        // `/v3/a/{account}/…`; requests without an account are counted together.
        let account = request.uri.path().split('/').nth(3).unwrap_or_default();
        sim.provider.count(account, sim.control.now())
    }

    fn error(status: StatusCode, message: &str) -> Response {
        (status, Json(json!({ "error": message }))).into_response()
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status {
            StatusCode::UNAUTHORIZED => "HTTP Token: Access denied.",
            StatusCode::FORBIDDEN => "You do not have permission to perform the requested action",
            StatusCode::NOT_FOUND => "The requested resource was not found",
            StatusCode::METHOD_NOT_ALLOWED => "The requested method is not allowed",
            StatusCode::PAYLOAD_TOO_LARGE => "The request is too large",
            StatusCode::TOO_MANY_REQUESTS => "Rate limit exceeded",
            _ => "Something went wrong",
        }
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        let mut view = lock(&sim.provider.written).view();
        view["calls"] = json!(sim.all_calls());
        view["webhooks"] = sim.provider.outbox.view();
        view
    }

    fn faults_cleared(&self) {
        lock(&self.calls).clear_lateness();
    }

    fn background(sim: Arc<Shared<Self>>) -> Option<BoxFuture<'static, ()>> {
        Some(Box::pin(outbox::run(sim)))
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        Some(self)
    }
}

impl Posts for CallRail {
    fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn sign(key: &str, body: &[u8], _now: Timestamp) -> Vec<(&'static str, String)> {
        vec![("signature", demo::sign(key, body))]
    }
}

impl Webhooks for CallRail {
    fn post_to(&self, url: &str) {
        let mut lists: Vec<_> = demo::EVENTS.iter().map(|event| event.list).collect();
        lists.dedup();
        self.outbox.subscribe_alone(url, &lists, SIGNING_KEY);
    }

    fn verification_key(&self) -> String {
        SIGNING_KEY.to_owned()
    }
}

impl Simulator {
    /// Has something happen at the demo company, and posts its webhook: `post-call`, `sms-received`, `form-submission`,
    /// … as `pipeline send` names them. Returns the id of the call, the conversation or the submission.
    ///
    /// # Errors
    /// Says which events there are.
    pub fn happen(&self, event: &str, choices: &Choices) -> Result<String, String> {
        self.shared.happen(event, choices)
    }

    /// Sets the trouble that webhooks have from now on.
    pub fn trouble(&self, trouble: Trouble) {
        self.shared.provider.outbox.order(trouble);
    }

    /// From now on, posts again what was refused, which the real one never does: for what is no test of losses, on a
    /// machine so busy that a webhook may be refused.
    pub fn insist(&self) {
        self.shared.provider.outbox.insist();
    }

    /// Switches all subscriptions on or off.
    pub fn switch_webhooks(&self, is_on: bool) {
        self.shared.provider.outbox.switch(is_on);
    }

    /// How many webhooks have not been taken yet.
    pub fn webhooks_waiting(&self) -> usize {
        self.shared.provider.outbox.waiting()
    }

    /// Sets the URLs of the demo company's webhooks, by their lists, as somebody does on the settings page.
    pub fn set_webhooks(&self, config: BTreeMap<String, Vec<String>>) {
        let provider = &self.shared.provider;
        let now = self.shared.control.now();
        lock(&provider.integrations).set(config, &provider.outbox, now);
    }

    /// The URLs of the demo company's webhooks, each with whether it is posted to.
    pub fn webhook_urls(&self) -> Vec<(String, bool)> {
        self.webhook_urls_of(COMPANIES[1])
    }

    /// The same of any company of the account.
    pub fn webhook_urls_of(&self, company: &str) -> Vec<(String, bool)> {
        let provider = &self.shared.provider;
        lock(&provider.integrations).urls(company, &provider.outbox)
    }

    /// Registers a call that is over, and posts its Post-Call webhook to the demo company's URLs.
    ///
    /// # Errors
    /// Says which id or field is invalid.
    pub fn ring(&self, id: &str, fields: Value) -> Result<(), String> {
        self.register(id, fields)?;
        let (shared, now) = (&self.shared, self.shared.control.now());
        let Some(known) = lock(&shared.provider.calls).find(id, now) else {
            return Ok(());
        };
        let mut body = shared.render(&shared.provider.config.account_id, &known);
        // As webhooks write it.
        let duration = body.get("duration").map(ToString::to_string);
        for (name, value) in [
            ("resource_id", json!(known.id)),
            ("id", json!(known.call.numeric_id)),
            ("company_resource_id", json!(COMPANIES[1])),
            ("company_id", json!(COMPANIES[0])),
            ("duration", json!(duration)),
        ] {
            body.insert(name.to_owned(), value);
        }
        let body = Value::Object(body).to_string().into_bytes();
        let topic = integrations::topic(COMPANIES[1], "post_call_webhook");
        let outbox = &shared.provider.outbox;
        outbox.post(&topic, "application/json", &body, now);
        Ok(())
    }

    /// The most requests that an account made within any hour, and how many were refused for the limit.
    pub fn most_requests(&self) -> (usize, u64) {
        *lock(&self.shared.provider.used)
    }

    /// The calls that were registered or read, with all their fields.
    pub fn calls(&self) -> Vec<Value> {
        self.shared.all_calls()
    }

    /// Registers a call, as `PUT /_sim/calls/{id}` does.
    ///
    /// # Errors
    /// Says which id or field is invalid.
    pub fn register(&self, id: &str, fields: Value) -> Result<(), String> {
        let call = serde_json::from_value(fields).map_err(|error| error.to_string())?;
        lock(&self.shared.provider.calls).register(id, call, self.shared.control.now())
    }
}

type Sim = State<Arc<Shared<CallRail>>>;

impl Shared<CallRail> {
    /// What happens is known to the API before its webhook leaves.
    fn happen(&self, event: &str, choices: &Choices) -> Result<String, String> {
        let found = demo::EVENTS.iter().find(|known| known.name == event);
        let event = found.ok_or_else(|| {
            let names: Vec<_> = demo::EVENTS.iter().map(|event| event.name).collect();
            format!(
                "`{event}` never happens; choose one of {}",
                names.join(", ")
            )
        })?;
        let now = self.control.now();
        let (id, body) = event.body(choices);
        let (path, known) = event.known(&id, &body, choices);
        if path.starts_with("/_sim/calls/") {
            let call = serde_json::from_value(known).map_err(|error| error.to_string())?;
            lock(&self.provider.calls).register(&id, call, now)?;
        } else if path.starts_with("/_sim/texts/") {
            lock(&self.provider.written).add_message(&id, known);
        } else {
            lock(&self.provider.written).add_form(&id, known);
        }
        let body = body.to_string().into_bytes();
        for topic in [
            event.list.to_owned(),
            integrations::topic(COMPANIES[1], event.list),
        ] {
            let outbox = &self.provider.outbox;
            outbox.post(&topic, "application/json", &body, now);
        }
        Ok(id)
    }

    /// Finds a call, and makes its recording late if that fault is injected.
    fn call(&self, line: &str, id: &str) -> Result<calls::Known, Response> {
        let now = self.control.now();
        let known = lock(&self.provider.calls)
            .find(id, now)
            .ok_or_else(|| CallRail::refuse(StatusCode::NOT_FOUND))?;
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
            // The link contains an access key.
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

/// One page of a list under the given name, with the numbers of pages and records.
fn paged(query: &Query<CallRail>, name: &str, found: Vec<Value>) -> Result<Value, Response> {
    let (page, per_page) = page_of(query)?;
    let total = found.len();
    let shown: Vec<_> = found
        .into_iter()
        .skip((page - 1).saturating_mul(per_page))
        .take(per_page)
        .collect();
    Ok(json!({
        "page": page, "per_page": per_page, "total_pages": total.div_ceil(per_page), "total_records": total,
        name: shown,
    }))
}

/// Refuses a range of days that is none.
fn check_days(query: &Query<CallRail>) -> Result<(), Response> {
    for name in ["start_date", "end_date"] {
        let day = query.text(name).map(|text| text.get(..10));
        if day.is_some_and(|day| day.is_none_or(|day| day.parse::<civil::Date>().is_err())) {
            let message = format!("{name} is not a date");
            return Err(CallRail::error(StatusCode::BAD_REQUEST, &message));
        }
    }
    Ok(())
}

/// Whether a time is within the days that a query asks for.
fn is_within_days(time: &str, query: &Query<CallRail>) -> bool {
    let day = |text: &str| text.get(..10).map(str::to_owned);
    let at = day(time);
    let is_in = |name: &str, is_good: fn(&Option<String>, &Option<String>) -> bool| {
        query
            .text(name)
            .is_none_or(|limit| is_good(&at, &day(limit)))
    };
    is_in("start_date", |at, from| at >= from) && is_in("end_date", |at, to| at <= to)
}

/// The page that a query asks for, and its size.
fn page_of(query: &Query<CallRail>) -> Result<(usize, usize), Response> {
    let page = query.parsed("page")?.unwrap_or(1);
    let per_page = query.parsed("per_page")?.unwrap_or(PAGE_DEFAULT);
    if page == 0 || per_page == 0 {
        return Err(CallRail::error(
            StatusCode::BAD_REQUEST,
            "page and per_page must be positive numbers",
        ));
    }
    Ok((page, per_page.min(PAGE_MAX)))
}

async fn list_accounts(
    State(sim): Sim,
    _: Authorized<CallRail>,
    query: Query<CallRail>,
) -> Result<Response, Response> {
    let id = &sim.provider.config.account_id;
    let account = json!({ "id": id, "name": "Demo Company", "hipaa_account": false });
    Ok(Json(paged(&query, "accounts", vec![account])?).into_response())
}

async fn list_calls(
    State(sim): Sim,
    _: Authorized<CallRail>,
    Path(account): Path<String>,
    uri: Uri,
    query: Query<CallRail>,
) -> Result<Response, Response> {
    check_days(&query)?;
    let fields = query.list("fields").unwrap_or_default();
    let known = lock(&sim.provider.calls).all();
    let mut found: Vec<_> = known
        .iter()
        .filter(|known| !known.call.missing)
        .map(|known| sim.render(&account, known))
        .filter(|call| calls::is_wanted(call, &query))
        .map(|call| calls::select(call, &fields))
        .collect();
    if query.text("sort") == Some("start_time") {
        let at = |call: &Value| call["start_time"].as_str().map(str::parse::<Timestamp>);
        found.sort_by_key(|call| at(call).and_then(Result::ok));
        if query.text("order") == Some("desc") {
            found.reverse();
        }
    }
    let mut answer = paged(&query, "calls", found)?;
    if query.text("relative_pagination") == Some("true") {
        let (page, per_page) = page_of(&query)?;
        let has_next = answer["total_records"]
            .as_u64()
            .is_some_and(|total| ((page * per_page) as u64) < total);
        let next = query.with("page", &(page + 1).to_string());
        let next = has_next.then(|| format!("{}{}?{next}", sim.base_url, uri.path()));
        answer = json!({
            "next_page": next, "has_next_page": has_next, "calls": answer["calls"].take(),
        });
    }
    Ok(Json(answer).into_response())
}

/// `GET /v3/a/{account}/calls/{id}.json`.
async fn show_call(
    State(sim): Sim,
    _: Authorized<CallRail>,
    Path((account, file)): Path<(String, String)>,
    query: Query<CallRail>,
) -> Result<Response, Response> {
    let id = file.strip_suffix(".json").unwrap_or(&file);
    let known = sim.call(&format!("GET /v3/a/{account}/calls/{id}.json"), id)?;
    let fields = query.list("fields").unwrap_or_default();
    Ok(Json(calls::select(sim.render(&account, &known), &fields)).into_response())
}

/// `GET /v3/a/{account}/calls/{id}/recording.json`.
async fn show_recording(
    State(sim): Sim,
    _: Authorized<CallRail>,
    Path((account, id)): Path<(String, String)>,
) -> Result<Response, Response> {
    let line = format!("GET /v3/a/{account}/calls/{id}/recording.json");
    let known = sim.call(&line, &id)?;
    if !known.has_recording(&sim.provider.config, sim.control.now()) {
        return Err(CallRail::refuse(StatusCode::NOT_FOUND));
    }
    let link = media::link(
        &sim.base_url,
        &sim.provider,
        &known.id,
        "recording/redirect",
    );
    Ok(Json(json!({ "url": link })).into_response())
}

async fn view_calls(State(sim): Sim, page: Page) -> Response {
    pretty(&CallRail::view(&sim, &page))
}

/// Registers calls by their ids. Those before an invalid one are registered.
async fn register_calls(State(sim): Sim, body: Bytes) -> Response {
    let now = sim.control.now();
    control::done(
        control::read::<BTreeMap<String, Call>>(&body).and_then(|calls| {
            let mut known = lock(&sim.provider.calls);
            calls
                .into_iter()
                .try_for_each(|(id, call)| known.register(&id, call, now))
        }),
    )
}

async fn register_call(State(sim): Sim, Path(id): Path<String>, body: Bytes) -> Response {
    control::done(
        control::read::<Call>(&body)
            .and_then(|call| lock(&sim.provider.calls).register(&id, call, sim.control.now())),
    )
}

/// What is chosen of something that happens.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Happening {
    id: Option<String>,
    phone: Option<String>,
    recording: Option<String>,
    words: Option<String>,
}

/// `POST /_sim/events/{event}`: answers the id of what happened.
async fn happen(State(sim): Sim, Path(event): Path<String>, body: Bytes) -> Response {
    let body = if body.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        body
    };
    let happened = control::read::<Happening>(&body).and_then(|wanted| {
        let choices = Choices {
            id: wanted.id,
            phone: wanted.phone,
            recording: wanted.recording,
            words: wanted.words,
            at: sim.control.now(),
        };
        sim.happen(&event, &choices)
    });
    match happened {
        Ok(id) => pretty(&json!({ "id": id })),
        Err(error) => control::done(Err(error)),
    }
}
