//! Acuity Scheduling's API v1 and its webhooks: appointments and subscriptions.
//!
//! - Auth: HTTP Basic with the numeric user id and the API key. Anything else gets a 401.
//! - `GET /api/v1/me`, `/api/v1/appointments/{id}`, `/api/v1/appointments` and `/api/v1/blocks` of a calendar and days; `GET`, `POST` and `DELETE /api/v1/webhooks`, 25 at most.
//! - Webhooks: form-encoded ids, signed with the API key. `changed` follows every other action. They are posted again at
//!   growing intervals for 24 h, but only after a 500 or no answer at all; after 5 days of that the subscription is
//!   disabled.
//! - Times have an offset without a colon, lengths are text, and a canceled appointment stays readable.
//!
//! An appointment that nobody booked exists all the same, with invented details, so that any sample of a webhook works.
//! Control: `POST /_sim/appointments` books, `PUT /_sim/appointments/{id}` books without a webhook, `POST
//! /_sim/appointments/{id}/{cancel|move|change|no_show}` does what people do; `GET` and `PUT /_sim/webhooks`.
//!
//! Source: developers.acuityscheduling.com (read 2026-11). UNCONFIRMED: the wording of most errors, the intervals.

mod appointments;
mod demo;

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};
use serde::Deserialize;
use serde_json::{Value, json};

pub use appointments::Wanted;
pub use demo::{API_KEY, USER_ID};

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::extract::{Authorized, JsonBody, Path, Query};
use crate::outbox::{self, Outbox, Posts, Rules, Subscription, Trouble};
use crate::provider::{Provider, Shared, Webhooks, lock};
use crate::{SimulatorSpec, Simulators};

use appointments::{Action, Appointments};

/// The events that can be subscribed.
const EVENTS: &[&str] = &[
    "appointment.scheduled",
    "appointment.rescheduled",
    "appointment.canceled",
    "appointment.changed",
    "order.completed",
];
const MAX_SUBSCRIPTIONS: usize = 25;

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Acuity::SLUG,
    name: "Acuity Scheduling",
    setting: Some("ACUITY_BASE_URL"),
    is_cloud_only: false,
    has_view: true,
    is_google: false,
    credential: API_KEY,
    webhook_key_setting: None,
    demo: Some(&demo::DEMO),
    start: control::start::<Acuity>,
};

/// The handle of the simulated Acuity.
pub type Simulator = control::Simulator<Acuity>;

impl Simulators {
    /// The simulated Acuity.
    pub fn acuity(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated Acuity behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The user ids and API keys that are accepted.
    pub accounts: Vec<(String, String)>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            accounts: vec![(USER_ID.to_owned(), API_KEY.to_owned())],
        }
    }
}

impl ProviderConfig for Config {}

/// The state of the simulated Acuity.
pub struct Acuity {
    config: Config,
    appointments: Mutex<Appointments>,
    /// Times that were blocked off, by calendar.
    blocks: Mutex<Vec<(u64, Timestamp, Timestamp)>>,
    outbox: Outbox,
}

impl Provider for Acuity {
    const SLUG: &'static str = "acuity";

    type Config = Config;
    type Caller = ();

    fn new(config: Config, setup: &Setup) -> Self {
        let rules = Rules {
            is_repeated: |status| {
                status.is_none_or(|status| status == StatusCode::INTERNAL_SERVER_ERROR)
            },
            give_up: SignedDuration::from_hours(24),
            switch_off: SignedDuration::from_hours(5 * 24),
        };
        Self {
            config,
            appointments: Mutex::default(),
            blocks: Mutex::default(),
            outbox: Outbox::new(rules, setup.config.webhook_retry),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/api/v1/me", get(show_me))
            .route("/api/v1/appointments", get(list_appointments))
            .route("/api/v1/appointments/{id}", get(show_appointment))
            .route("/api/v1/blocks", get(list_blocks))
            .route("/api/v1/webhooks", get(list_webhooks).post(add_webhook))
            .route(
                "/api/v1/webhooks/{id}",
                axum::routing::delete(delete_webhook),
            )
            .route("/_sim/appointments", post(book))
            .route("/_sim/blocks", post(block))
            .route("/_sim/appointments/{id}", put(register))
            .route("/_sim/appointments/{id}/{action}", post(act))
            .merge(outbox::routes::<Self>())
    }

    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<(), Response> {
        let sent = request.headers.get(header::AUTHORIZATION);
        let sent = sent.and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
        let is_good = |(user, key): &(String, String)| {
            sent == Some(STANDARD.encode(format!("{user}:{key}")).as_str())
        };
        if sim.provider.config.accounts.iter().any(is_good) {
            Ok(())
        } else {
            Err(Self::refuse(StatusCode::UNAUTHORIZED))
        }
    }

    fn error(status: StatusCode, message: &str) -> Response {
        let word = match status.as_u16() {
            401 => "unauthorized",
            403 => "forbidden",
            404 => "not_found",
            405 => "method_not_allowed",
            429 => "too_many_requests",
            500.. => "internal_server_error",
            _ => "bad_request",
        };
        let body = json!({ "status_code": status.as_u16(), "message": message, "error": word });
        (status, Json(body)).into_response()
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status.as_u16() {
            401 => "Unauthorized",
            403 => "You are not authorized to access this calendar.",
            404 => "The appointment or page was not found.",
            405 => "The method is not allowed.",
            429 => "Rate limit reached. Limit 10req/s and 20 concurrent connections.",
            500.. => "Something went wrong.",
            _ => "The request could not be understood.",
        }
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        json!({
            "appointments": lock(&sim.provider.appointments).view(), "webhooks": sim.provider.outbox.view(),
        })
    }

    fn background(sim: Arc<Shared<Self>>) -> Option<BoxFuture<'static, ()>> {
        Some(Box::pin(outbox::run(sim)))
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        Some(self)
    }
}

impl Posts for Acuity {
    fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn sign(key: &str, body: &[u8], _now: Timestamp) -> Vec<(&'static str, String)> {
        vec![("x-acuity-signature", sign(key, body))]
    }
}

/// Base64 of HMAC-SHA256 of the body. Source: acuity-php, `verifyMessageSignature`.
fn sign(key: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, body))
}

impl Webhooks for Acuity {
    fn post_to(&self, url: &str) {
        self.outbox.subscribe_alone(url, EVENTS, API_KEY);
    }

    fn verification_key(&self) -> String {
        API_KEY.to_owned()
    }
}

impl Simulator {
    /// Every appointment, as the API shows it.
    pub fn appointments(&self) -> Vec<Value> {
        lock(&self.shared.provider.appointments).view()
    }

    /// Books, and posts `scheduled` and `changed`. Returns the appointment's id.
    pub fn book(&self, wanted: Wanted) -> String {
        self.shared.book(None, wanted, true)
    }

    /// Books under this id without a webhook: what a webhook that was lost leaves behind.
    pub fn register(&self, id: &str, wanted: Wanted) {
        self.shared.book(Some(id), wanted, false);
    }

    /// Cancels an appointment, and posts `canceled` and `changed`.
    pub fn cancel(&self, id: &str) {
        self.shared.act(id, &Action::Cancel);
    }

    /// Moves an appointment, and posts `rescheduled` and `changed`.
    pub fn reschedule(&self, id: &str, starts_at: Timestamp) {
        self.shared.act(id, &Action::Move(Some(starts_at)));
    }

    /// Writes a note, and posts `changed`.
    pub fn change(&self, id: &str, notes: &str) {
        self.shared.act(id, &Action::Change(notes.to_owned()));
    }

    /// Blocks off a time of a calendar.
    pub fn block(&self, calendar: u64, from: Timestamp, to: Timestamp) {
        lock(&self.shared.provider.blocks).push((calendar, from, to));
    }

    /// Sets the trouble that webhooks have from now on.
    pub fn trouble(&self, trouble: Trouble) {
        self.shared.provider.outbox.order(trouble);
    }

    /// Subscribes somebody else's URL to these events.
    pub fn subscribe(&self, url: &str, events: &[&str]) {
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        let now = self.shared.control.now();
        let outbox = &self.shared.provider.outbox;
        outbox.subscribe(url, events, "somebody-elses-key", now);
    }

    /// Ends a subscription. Returns whether there was one.
    pub fn unsubscribe(&self, id: u64) -> bool {
        self.shared.provider.outbox.unsubscribe(id)
    }

    /// Who gets webhooks: each subscription's number, URL, events, and whether it is posted to.
    pub fn subscriptions(&self) -> Vec<(u64, String, Vec<String>, bool)> {
        let known = self.shared.provider.outbox.subscriptions().into_iter();
        known
            .map(|one| (one.id, one.url, one.events, one.is_on))
            .collect()
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

type Sim = State<Arc<Shared<Acuity>>>;

impl Shared<Acuity> {
    fn book(&self, id: Option<&str>, wanted: Wanted, is_told: bool) -> String {
        let now = self.control.now();
        let id = lock(&self.provider.appointments).book(id, wanted, now);
        if is_told {
            self.tell("scheduled", &id);
        }
        id
    }

    fn act(&self, id: &str, action: &Action) {
        lock(&self.provider.appointments).act(id, action, self.control.now());
        self.tell(action.word(), id);
    }

    /// Posts an action, and the `changed` that comes along with it.
    fn tell(&self, action: &str, id: &str) {
        let ids = lock(&self.provider.appointments).ids(id);
        let mut actions = vec![action];
        if action != "changed" {
            actions.push("changed");
        }
        for action in actions {
            let body = appointments::body(action, id, ids);
            let event = format!("appointment.{action}");
            let now = self.control.now();
            let outbox = &self.provider.outbox;
            outbox.post(&event, appointments::FORM, body.as_bytes(), now);
        }
    }
}

async fn show_me(State(_): Sim, _: Authorized<Acuity>) -> Response {
    let id: u64 = USER_ID.parse().unwrap_or_default();
    Json(json!({
        "id": id, "email": "luis@example.com", "timezone": "America/Chicago", "name": "Demo Company",
    }))
    .into_response()
}

async fn show_appointment(
    State(sim): Sim,
    _: Authorized<Acuity>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let shown = lock(&sim.provider.appointments).show(&id, sim.control.now());
    let shown = shown.ok_or_else(|| Acuity::refuse(StatusCode::NOT_FOUND))?;
    Ok(Json(shown).into_response())
}

/// The days that a query asks for, by the calendar's clocks.
fn days(query: &Query<Acuity>) -> Result<(civil::Date, civil::Date), Response> {
    let day = |name: &str| query.parsed::<civil::Date>(name);
    Ok((
        day("minDate")?.unwrap_or(civil::Date::MIN),
        day("maxDate")?.unwrap_or(civil::Date::MAX),
    ))
}

/// `GET /api/v1/appointments?calendarID=&minDate=&maxDate=&canceled=&max=`, the newest first.
async fn list_appointments(
    State(sim): Sim,
    _: Authorized<Acuity>,
    query: Query<Acuity>,
) -> Result<Response, Response> {
    let from: Option<civil::Date> = query.parsed("minDate")?;
    let (_, to) = days(&query)?;
    let max = query.parsed::<usize>("max")?.unwrap_or(100);
    let calendar = query.text("calendarID");
    let is_canceled = query.text("canceled") == Some("true");
    let mut found = lock(&sim.provider.appointments).list(from, is_canceled);
    if query.text("direction") != Some("ASC") {
        found.reverse();
    }
    found.retain(|shown| {
        let day = shown["datetime"]
            .as_str()
            .and_then(|time| time.get(..10)?.parse().ok());
        calendar.is_none_or(|id| shown["calendarID"].as_u64() == id.parse().ok())
            && day.is_some_and(|day: civil::Date| day <= to)
    });
    found.truncate(max);
    if query.text("excludeForms") == Some("true") {
        for shown in &mut found {
            shown["forms"] = json!([]);
        }
    }
    Ok(Json(found).into_response())
}

/// `GET /api/v1/blocks?calendarID=&minDate=&maxDate=`.
async fn list_blocks(
    State(sim): Sim,
    _: Authorized<Acuity>,
    query: Query<Acuity>,
) -> Result<Response, Response> {
    let (first, last) = days(&query)?;
    let calendar = query.text("calendarID");
    let zone = TimeZone::get("America/Chicago").unwrap_or(TimeZone::UTC);
    let blocks = lock(&sim.provider.blocks).clone();
    let shown = (1_u32..).zip(blocks).filter_map(|(id, (of, from, to))| {
        let (from, to) = (from.to_zoned(zone.clone()), to.to_zoned(zone.clone()));
        let is_asked = calendar.is_none_or(|calendar| calendar == of.to_string())
            && from.date() <= last
            && to.date() >= first;
        let time = |at: &jiff::Zoned| at.strftime("%Y-%m-%dT%H:%M:%S%z").to_string();
        is_asked.then(|| {
            json!({ "id": id, "calendarID": of, "start": time(&from), "end": time(&to), "notes": "" })
        })
    });
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

/// A time to block off.
#[derive(Deserialize)]
struct BlockBody {
    calendar_id: u64,
    from: Timestamp,
    to: Timestamp,
}

async fn block(State(sim): Sim, body: Bytes) -> Response {
    control::done(control::read::<BlockBody>(&body).map(|body| {
        lock(&sim.provider.blocks).push((body.calendar_id, body.from, body.to));
    }))
}

/// The body of `POST /webhooks`.
#[derive(Deserialize)]
struct WebhookBody {
    event: String,
    target: String,
}

fn shown(subscription: &Subscription) -> Value {
    let status = if subscription.is_on {
        "active"
    } else {
        "disabled"
    };
    json!({
        "id": subscription.id, "event": subscription.events.first(), "target": subscription.url, "status": status,
    })
}

async fn list_webhooks(State(sim): Sim, _: Authorized<Acuity>) -> Response {
    let known = sim.provider.outbox.subscriptions();
    let shown: Vec<_> = known.iter().map(shown).collect();
    Json(shown).into_response()
}

async fn add_webhook(
    State(sim): Sim,
    _: Authorized<Acuity>,
    JsonBody(body): JsonBody<WebhookBody>,
) -> Result<Response, Response> {
    let invalid = |message: &str| Acuity::error(StatusCode::BAD_REQUEST, message);
    if !EVENTS.contains(&body.event.as_str()) {
        return Err(invalid("Invalid event."));
    }
    let outbox = &sim.provider.outbox;
    if outbox.subscriptions().len() >= MAX_SUBSCRIPTIONS {
        return Err(invalid("You have reached the limit of 25 webhooks."));
    }
    let made = outbox.subscribe(&body.target, vec![body.event], API_KEY, sim.control.now());
    Ok(Json(shown(&made)).into_response())
}

async fn delete_webhook(
    State(sim): Sim,
    _: Authorized<Acuity>,
    Path(id): Path<String>,
) -> Result<StatusCode, Response> {
    let id = id.parse().ok();
    if id.is_some_and(|id| sim.provider.outbox.unsubscribe(id)) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Acuity::refuse(StatusCode::NOT_FOUND))
    }
}

async fn book(State(sim): Sim, body: Bytes) -> Response {
    match control::read::<Wanted>(&body) {
        Ok(wanted) => pretty(&json!({ "appointment": sim.book(None, wanted, true) })),
        Err(reason) => control::invalid(&reason),
    }
}

async fn register(State(sim): Sim, Path(id): Path<String>, body: Bytes) -> Response {
    control::done(control::read::<Wanted>(&body).map(|wanted| {
        sim.book(Some(&id), wanted, false);
    }))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ActionBody {
    starts_at: Option<Timestamp>,
    notes: String,
}

async fn act(State(sim): Sim, Path((id, action)): Path<(String, String)>, body: Bytes) -> Response {
    let body = if body.is_empty() {
        Ok(ActionBody::default())
    } else {
        control::read::<ActionBody>(&body)
    };
    let action = body.and_then(|body| match action.as_str() {
        "cancel" => Ok(Action::Cancel),
        "no_show" => Ok(Action::NoShow),
        "move" => Ok(Action::Move(body.starts_at)),
        "change" => Ok(Action::Change(body.notes)),
        other => Err(format!("nobody can `{other}` an appointment")),
    });
    control::done(action.map(|action| sim.act(&id, &action)))
}
