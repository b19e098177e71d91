//! Calendly's API v2 and its webhooks: bookings, routing forms, subscriptions.
//!
//! - Auth: a bearer token. Anything else gets a 401.
//! - `GET /users/me`, `/scheduled_events`, `/scheduled_events/{event}`, its `invitees`, one of them, `/routing_form_submissions/{id}`, all
//!   wrapped in `resource`.
//! - `GET /user_busy_times`: what was booked, and what [`Simulator::keep_busy`] says is in the person's other calendars, at
//!   most seven days of it, none of them over.
//! - `POST`, `GET` and `DELETE /webhook_subscriptions`. A URL is subscribed once; the same again is a 409.
//! - Webhooks: signed with the key of their subscription, at the time when they leave. What is not answered 2xx is posted
//!   again at growing intervals for 24 h; then the subscription is `disabled`.
//! - Moving a booking cancels it and makes another: two webhooks.
//!
//! An invitee whom nobody booked exists all the same, with invented details, so that any sample of a webhook works.
//! Control: `POST /_sim/bookings` books, `PUT /_sim/bookings/{invitee}` books without a webhook, `POST
//! /_sim/bookings/{invitee}/{cancel|move|no_show|show}` does what people do, `POST /_sim/submissions` submits a routing
//! form; `GET` and `PUT /_sim/webhooks`.
//!
//! Source: developer.calendly.com, "API reference", "Webhook signatures", "Webhook errors" (read 2026-11). UNCONFIRMED: the
//! wording of most errors, the intervals, the numbers in the rate headers.

mod bookings;
mod demo;
mod subscriptions;

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
use serde_json::{Value, json};

pub use bookings::{Move, Submission, Wanted};
pub use demo::{SIGNING_KEY, USER};

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::extract::{Authorized, Path, Query};
use crate::outbox::{self, Outbox, Posts, Rules, Trouble};
use crate::provider::{Provider, Shared, Webhooks, bearer, lock};
use crate::{SimulatorSpec, Simulators};

use bookings::{Bookings, instant};

const TOKEN: &str = "simulated-calendly-token";
/// What URIs begin with, wherever the API is.
pub(crate) const ORIGIN: &str = "https://api.calendly.com";
const ORGANIZATION: &str = "https://api.calendly.com/organizations/ORG0000000000001";

/// The events that can be subscribed here.
const EVENTS: &[&str] = &[
    "invitee.created",
    "invitee.canceled",
    "invitee_no_show.created",
    "invitee_no_show.deleted",
    "routing_form_submission.created",
];

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Calendly::SLUG,
    name: "Calendly",
    setting: Some("CALENDLY_BASE_URL"),
    is_cloud_only: false,
    has_view: true,
    is_google: false,
    credential: TOKEN,
    webhook_key_setting: None,
    demo: Some(&demo::DEMO),
    start: control::start::<Calendly>,
};

/// The handle of the simulated Calendly.
pub type Simulator = control::Simulator<Calendly>;

impl Simulators {
    /// The simulated Calendly.
    pub fn calendly(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated Calendly behaves.
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

/// The state of the simulated Calendly.
pub struct Calendly {
    config: Config,
    bookings: Mutex<Bookings>,
    /// In the person's other calendars.
    busy: Mutex<Vec<(Timestamp, Timestamp)>>,
    outbox: Outbox,
}

impl Provider for Calendly {
    const SLUG: &'static str = "calendly";

    type Config = Config;
    type Caller = ();

    fn new(config: Config, setup: &Setup) -> Self {
        let rules = Rules {
            is_repeated: |_| true,
            give_up: SignedDuration::from_hours(24),
            switch_off: SignedDuration::from_hours(24),
        };
        Self {
            config,
            bookings: Mutex::default(),
            busy: Mutex::default(),
            outbox: Outbox::new(rules, setup.config.webhook_retry),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/users/me", get(show_me))
            .route("/scheduled_events", get(list_events))
            .route("/scheduled_events/{event}", get(show_event))
            .route("/scheduled_events/{event}/invitees", get(list_invitees))
            .route("/scheduled_events/{event}/invitees/{id}", get(show_invitee))
            .route("/routing_form_submissions/{id}", get(show_submission))
            .route("/user_busy_times", get(list_busy_times))
            .route(
                "/webhook_subscriptions",
                get(subscriptions::list).post(subscriptions::subscribe),
            )
            .route(
                "/webhook_subscriptions/{id}",
                get(subscriptions::show).delete(subscriptions::unsubscribe),
            )
            .route("/_sim/bookings", post(book))
            .route("/_sim/bookings/{invitee}", put(register))
            .route("/_sim/bookings/{invitee}/{action}", post(act))
            .route("/_sim/submissions", post(submit))
            .route("/_sim/busy", post(keep_busy))
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
        let title = match status.as_u16() {
            400 => "Invalid Argument",
            401 => "Unauthenticated",
            403 => "Permission Denied",
            404 => "Resource Not Found",
            409 => "Already Exists",
            424 => "External Calendar Error",
            429 => "Too Many Requests",
            500.. => "Internal Server Error",
            _ => "Bad Request",
        };
        (status, Json(json!({ "title": title, "message": message }))).into_response()
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status.as_u16() {
            401 => "The access token is invalid",
            403 => "You do not have permission to access this resource.",
            404 => "The server could not find the requested resource.",
            405 => "The requested method is not allowed.",
            413 => "The request is too large.",
            415 => "The request must be JSON.",
            424 => "There is a problem accessing your calendar.",
            429 => "You have reached your request limit.",
            _ => "The server encountered an unexpected error.",
        }
    }

    fn rate_limited(_now: Timestamp) -> Response {
        let mut response = Self::refuse(StatusCode::TOO_MANY_REQUESTS);
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-limit", HeaderValue::from(60));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(0));
        headers.insert("x-ratelimit-reset", HeaderValue::from(30));
        response
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        json!({
            "bookings": lock(&sim.provider.bookings).view(), "webhooks": sim.provider.outbox.view(),
        })
    }

    fn background(sim: Arc<Shared<Self>>) -> Option<BoxFuture<'static, ()>> {
        Some(Box::pin(outbox::run(sim)))
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        Some(self)
    }
}

impl Posts for Calendly {
    fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn sign(key: &str, body: &[u8], now: Timestamp) -> Vec<(&'static str, String)> {
        vec![("calendly-webhook-signature", sign(key, body, now))]
    }
}

/// `t=<Unix seconds>,v1=<hexadecimal HMAC-SHA256 of "{t}.{body}">`. Source: "Webhook signatures".
fn sign(key: &str, body: &[u8], now: Timestamp) -> String {
    let time = now.as_second().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let mut mac = hmac::Context::with_key(&key);
    for piece in [time.as_bytes(), b".", body] {
        mac.update(piece);
    }
    format!("t={time},v1={}", hex::encode(mac.sign()))
}

impl Webhooks for Calendly {
    fn post_to(&self, url: &str) {
        self.outbox.subscribe_alone(url, EVENTS, SIGNING_KEY);
    }

    fn verification_key(&self) -> String {
        SIGNING_KEY.to_owned()
    }
}

impl Simulator {
    /// Every booking, as webhooks show it.
    pub fn bookings(&self) -> Vec<Value> {
        lock(&self.shared.provider.bookings).view()
    }

    /// Books, and posts `invitee.created`. Returns the invitee's id.
    pub fn book(&self, wanted: Wanted) -> String {
        self.shared.book(None, wanted, true)
    }

    /// Books under this id without a webhook: what a webhook that was lost leaves behind.
    pub fn register(&self, invitee: &str, wanted: Wanted) {
        self.shared.book(Some(invitee), wanted, false);
    }

    /// Cancels a booking, and posts `invitee.canceled`.
    pub fn cancel(&self, invitee: &str) {
        self.shared.act(invitee, "cancel", Move::default()).ok();
    }

    /// Moves a booking, and posts both webhooks of a move. Returns the new invitee's id.
    pub fn reschedule(&self, invitee: &str, starts_at: Timestamp) -> Option<String> {
        let to = Move {
            starts_at: Some(starts_at),
        };
        self.shared.act(invitee, "move", to).ok()
    }

    /// Says that the person did not come, and posts `invitee_no_show.created`.
    pub fn mark_no_show(&self, invitee: &str) {
        self.shared.act(invitee, "no_show", Move::default()).ok();
    }

    /// Submits a routing form, and posts `routing_form_submission.created`. Returns its id.
    pub fn submit(&self, submission: &Submission) -> String {
        self.shared.submit(submission)
    }

    /// Puts something into the person's other calendars.
    pub fn keep_busy(&self, from: Timestamp, to: Timestamp) {
        lock(&self.shared.provider.busy).push((from, to));
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

type Sim = State<Arc<Shared<Calendly>>>;

impl Shared<Calendly> {
    fn book(&self, invitee: Option<&str>, wanted: Wanted, is_told: bool) -> String {
        let now = self.control.now();
        let booked = lock(&self.provider.bookings).book(invitee, wanted, now);
        if is_told {
            self.tell("invitee.created", &booked.invitee(true));
        }
        booked.invitee_id()
    }

    /// What people do to a booking. Returns the id of the invitee that it is now.
    fn act(&self, invitee: &str, action: &str, to: Move) -> Result<String, String> {
        let now = self.control.now();
        let mut bookings = lock(&self.provider.bookings);
        let told = match action {
            "cancel" => vec![("invitee.canceled", bookings.cancel(invitee, now))],
            "no_show" => vec![("invitee_no_show.created", bookings.miss(invitee, Some(now)))],
            "show" => vec![("invitee_no_show.deleted", bookings.miss(invitee, None))],
            "move" => {
                let (old, new) = bookings.reschedule(invitee, to, now);
                vec![("invitee.canceled", old), ("invitee.created", new)]
            }
            other => return Err(format!("nobody can `{other}` a booking")),
        };
        drop(bookings);
        let mut id = invitee.to_owned();
        for (event, booking) in told {
            self.tell(event, &booking.invitee(true));
            id = booking.invitee_id();
        }
        Ok(id)
    }

    fn submit(&self, submission: &Submission) -> String {
        let now = self.control.now();
        let (id, shown) = lock(&self.provider.bookings).submit(submission, now);
        self.tell("routing_form_submission.created", &shown);
        id
    }

    fn tell(&self, event: &str, payload: &Value) {
        let now = self.control.now();
        let body = envelope(event, payload, now).to_string();
        let outbox = &self.provider.outbox;
        outbox.post(event, "application/json", body.as_bytes(), now);
    }
}

/// A webhook's body.
fn envelope(event: &str, payload: &Value, now: Timestamp) -> Value {
    json!({ "created_at": instant(now), "created_by": USER, "event": event, "payload": payload })
}

fn resource(value: Option<Value>) -> Result<Response, Response> {
    let value = value.ok_or_else(|| Calendly::refuse(StatusCode::NOT_FOUND))?;
    Ok(Json(json!({ "resource": value })).into_response())
}

async fn show_me(State(_): Sim, _: Authorized<Calendly>) -> Result<Response, Response> {
    resource(Some(json!({
        "uri": USER, "name": "Luis Ortega", "email": "luis@example.com", "timezone": "America/Chicago",
        "current_organization": ORGANIZATION,
    })))
}

/// `GET /scheduled_events?organization=…&min_start_time=…`, by the time of beginning.
async fn list_events(
    State(sim): Sim,
    _: Authorized<Calendly>,
    query: Query<Calendly>,
) -> Result<Response, Response> {
    if query.text("organization") != Some(ORGANIZATION) {
        return Err(Calendly::refuse(StatusCode::FORBIDDEN));
    }
    let from: Option<Timestamp> = query.parsed("min_start_time")?;
    let count: usize = query.parsed("count")?.unwrap_or(20);
    let begin: usize = query.parsed("page_token")?.unwrap_or(0);
    let events = lock(&sim.provider.bookings).events(from);
    let shown: Vec<_> = events
        .iter()
        .skip(begin)
        .take(count.clamp(1, 100))
        .collect();
    let behind = begin + shown.len();
    let next = (behind < events.len()).then(|| behind.to_string());
    let list = json!({
        "collection": shown, "pagination": { "count": shown.len(), "next_page_token": next },
    });
    Ok(Json(list).into_response())
}

async fn show_event(
    State(sim): Sim,
    _: Authorized<Calendly>,
    Path(event): Path<String>,
) -> Result<Response, Response> {
    let booking = lock(&sim.provider.bookings).of_event(&event);
    resource(booking.map(|booking| booking.event()))
}

async fn list_invitees(
    State(sim): Sim,
    _: Authorized<Calendly>,
    Path(event): Path<String>,
) -> Result<Response, Response> {
    let booking = lock(&sim.provider.bookings).of_event(&event);
    let booking = booking.ok_or_else(|| Calendly::refuse(StatusCode::NOT_FOUND))?;
    let pagination = json!({ "count": 1, "next_page": null, "next_page_token": null });
    let list = json!({ "collection": [booking.invitee(false)], "pagination": pagination });
    Ok(Json(list).into_response())
}

async fn show_invitee(
    State(sim): Sim,
    _: Authorized<Calendly>,
    Path((event, id)): Path<(String, String)>,
) -> Result<Response, Response> {
    let booking = lock(&sim.provider.bookings).find(&event, &id);
    resource(booking.map(|booking| booking.invitee(false)))
}

/// `GET /user_busy_times?user=&start_time=&end_time=`.
async fn list_busy_times(
    State(sim): Sim,
    _: Authorized<Calendly>,
    query: Query<Calendly>,
) -> Result<Response, Response> {
    let invalid = |message: &str| Calendly::error(StatusCode::BAD_REQUEST, message);
    let user = query
        .text("user")
        .ok_or_else(|| invalid("user: is missing"))?;
    if user != USER {
        let message = "This user is not in your organization";
        return Err(Calendly::error(StatusCode::FORBIDDEN, message));
    }
    let time = |name: &str| query.parsed::<Timestamp>(name);
    let (Some(from), Some(to)) = (time("start_time")?, time("end_time")?) else {
        return Err(invalid("start_time, end_time: are missing"));
    };
    if from < sim.control.now() {
        return Err(invalid("start_time: must be in the future"));
    }
    if to <= from || to.duration_since(from) > SignedDuration::from_hours(7 * 24) {
        return Err(invalid("end_time: must be at most 7 days after start_time"));
    }
    let is_within = |start: Timestamp, end: Timestamp| start < to && from < end;
    let booked = lock(&sim.provider.bookings).active();
    let booked = booked.into_iter().map(|(event, start, end)| {
        let times = json!({
            "type": "calendly", "start_time": instant(start), "end_time": instant(end),
            "buffered_start_time": instant(start), "buffered_end_time": instant(end), "event": { "uri": event },
        });
        (start, end, times)
    });
    let others = lock(&sim.provider.busy).clone();
    let others = others.into_iter().map(|(start, end)| {
        let times =
            json!({ "type": "external", "start_time": instant(start), "end_time": instant(end) });
        (start, end, times)
    });
    let mut found: Vec<_> = booked
        .chain(others)
        .filter(|(start, end, _)| is_within(*start, *end))
        .collect();
    found.sort_by_key(|(start, ..)| *start);
    let collection: Vec<_> = found.into_iter().map(|(_, _, times)| times).collect();
    Ok(Json(json!({ "collection": collection })).into_response())
}

/// What is in the person's other calendars.
#[derive(serde::Deserialize)]
struct BusyBody {
    from: Timestamp,
    to: Timestamp,
}

async fn keep_busy(State(sim): Sim, body: Bytes) -> Response {
    control::done(control::read::<BusyBody>(&body).map(|body| {
        lock(&sim.provider.busy).push((body.from, body.to));
    }))
}

async fn show_submission(
    State(sim): Sim,
    _: Authorized<Calendly>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    resource(lock(&sim.provider.bookings).submission(&id))
}

async fn book(State(sim): Sim, body: Bytes) -> Response {
    match control::read::<Wanted>(&body) {
        Ok(wanted) => pretty(&json!({ "invitee": sim.book(None, wanted, true) })),
        Err(reason) => control::invalid(&reason),
    }
}

async fn register(State(sim): Sim, Path(invitee): Path<String>, body: Bytes) -> Response {
    control::done(control::read::<Wanted>(&body).map(|wanted| {
        sim.book(Some(&invitee), wanted, false);
    }))
}

async fn act(
    State(sim): Sim,
    Path((invitee, action)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let to = if body.is_empty() {
        Ok(Move::default())
    } else {
        control::read::<Move>(&body)
    };
    match to.and_then(|to| sim.act(&invitee, &action, to)) {
        Ok(invitee) => pretty(&json!({ "invitee": invitee })),
        Err(reason) => control::invalid(&reason),
    }
}

async fn submit(State(sim): Sim, body: Bytes) -> Response {
    match control::read::<Submission>(&body) {
        Ok(submission) => pretty(&json!({ "submission": sim.submit(&submission) })),
        Err(reason) => control::invalid(&reason),
    }
}
