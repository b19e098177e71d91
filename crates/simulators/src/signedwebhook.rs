//! Any system that posts leads and signs them: as Standard Webhooks say, or as GitHub does.
//!
//! - Standard Webhooks: `webhook-id`, which stays the same when a post is repeated, `webhook-timestamp`, which does not,
//!   and `webhook-signature`. What is not answered 2xx is posted again for some days.
//! - GitHub's way: `x-hub-signature-256` over the body alone.
//!
//! Control: `POST /_sim/leads` has something happen, and posts its webhook; `GET` and `PUT /_sim/webhooks`.
//!
//! Source: standardwebhooks.com, "Standard Webhooks specification" 1.0.0; docs.github.com, "Validating webhook
//! deliveries" (read 2026-11).

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::demo::{Choices, Demo, Sample, SampleDelivery};
use crate::outbox::{self, Outbox, Posts, Rules, Trouble};
use crate::provider::{Provider, Shared, Webhooks, lock};
use crate::{SimulatorSpec, Simulators};

/// The key, with which both ways sign. It is published, in every library's tests.
pub const SIGNING_KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const JSON: &str = "application/json";
/// The event that is posted.
const CREATED: &str = "lead.created";

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: SignedWebhook::SLUG,
    name: "Signed webhook",
    setting: None,
    is_cloud_only: false,
    has_view: true,
    is_google: false,
    credential: "simulated-signed-webhook-has-no-api",
    webhook_key_setting: None,
    demo: Some(&DEMO),
    start: control::start::<SignedWebhook>,
};

static DEMO: Demo = Demo {
    settings: &[],
    accounts: &[],
    signing_key: Some(SIGNING_KEY),
    samples: &[
        Sample {
            event: CREATED,
            make: created,
        },
        Sample {
            event: "contact",
            make: contact,
        },
    ],
};

/// A lead as it comes by Standard Webhooks.
fn created(choices: &Choices) -> SampleDelivery {
    let (id, wanted) = chosen(choices);
    let body = json!({
        "type": CREATED, "timestamp": choices.at,
        "data": {
            "lead_id": id, "channel": "web_form", "name": wanted.name, "email": wanted.email, "phone": wanted.phone,
            "zip": wanted.zip, "project_type": wanted.project, "message": wanted.message,
        },
    });
    let body = body.to_string().into_bytes();
    SampleDelivery {
        id,
        content_type: JSON,
        signature: sign(SIGNING_KEY, &body, choices.at),
        body,
        preparation: None,
    }
}

/// A lead as a system posts it that signs as GitHub does.
fn contact(choices: &Choices) -> SampleDelivery {
    let (id, wanted) = chosen(choices);
    let body = json!({
        "event": "lead", "entry_id": id,
        "contact": { "name": wanted.name, "email": wanted.email, "phone": wanted.phone },
        "project": wanted.project, "notes": wanted.message,
    });
    let body = body.to_string().into_bytes();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SIGNING_KEY.as_bytes());
    let signature = hex::encode(hmac::sign(&key, &body));
    SampleDelivery {
        id,
        content_type: JSON,
        signature: vec![("x-hub-signature-256", format!("sha256={signature}"))],
        body,
        preparation: None,
    }
}

fn chosen(choices: &Choices) -> (String, Wanted) {
    let usual = Wanted::default();
    let wanted = Wanted {
        phone: choices.phone.clone().unwrap_or(usual.phone),
        message: choices.words.clone().unwrap_or(usual.message),
        ..usual
    };
    (choices.id.clone().unwrap_or_else(fresh), wanted)
}

fn fresh() -> String {
    format!("ld_{}", hex::encode(rand::random::<[u8; 10]>()))
}

/// What such a system knows of a lead.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wanted {
    /// The person's name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// The telephone number.
    pub phone: String,
    /// The ZIP code.
    pub zip: String,
    /// What is to be done.
    pub project: String,
    /// The person's own words.
    pub message: String,
}

impl Default for Wanted {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            name: text("Dana Whitfield"),
            email: text("dana.whitfield@example.com"),
            phone: text("+15125550142"),
            zip: text("78664"),
            project: text("Kitchen"),
            message: text(
                "We met at the home show: a 200 sq ft kitchen in Round Rock, around $50k.",
            ),
        }
    }
}

/// The body of a system that has names of its own for everything, in the shape that the specification recommends.
fn envelope(id: &str, wanted: &Wanted, at: Timestamp) -> Value {
    json!({
        "type": CREATED, "timestamp": at,
        "data": {
            "lead_id": id, "channel": "home_show",
            "person": { "full": wanted.name, "mail": wanted.email, "numbers": [{ "kind": "mobile", "value": wanted.phone }] },
            "place": { "postcode": wanted.zip },
            "wish": wanted.project, "words": wanted.message,
        },
    })
}

/// Standard Webhooks, the symmetric way. The id follows from the body, so it is the same when that is posted again.
fn sign(key: &str, body: &[u8], now: Timestamp) -> Vec<(&'static str, String)> {
    let hash = hex::encode(Sha256::digest(body));
    let id = format!("msg_{}", hash.chars().take(27).collect::<String>());
    let time = now.as_second().to_string();
    let key = key.strip_prefix("whsec_").unwrap_or(key);
    let key = STANDARD.decode(key).unwrap_or_default();
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    for piece in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
        mac.update(piece);
    }
    let signature = STANDARD.encode(mac.sign());
    vec![
        ("webhook-id", id),
        ("webhook-timestamp", time),
        ("webhook-signature", format!("v1,{signature}")),
    ]
}

/// The handle of the simulated sender.
pub type Simulator = control::Simulator<SignedWebhook>;

impl Simulators {
    /// The simulated sender of signed webhooks.
    pub fn signedwebhook(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated sender behaves. Nothing of it can be chosen.
#[derive(Debug, Clone, Default)]
pub struct Config {}

impl ProviderConfig for Config {}

/// The state of the simulated sender.
pub struct SignedWebhook {
    leads: Mutex<Vec<Value>>,
    outbox: Outbox,
}

impl Provider for SignedWebhook {
    const SLUG: &'static str = "signedwebhook";

    type Config = Config;
    type Caller = ();

    fn new(_config: Config, setup: &Setup) -> Self {
        let rules = Rules {
            is_repeated: |status| status != Some(StatusCode::GONE),
            give_up: SignedDuration::from_hours(3 * 24),
            switch_off: SignedDuration::from_hours(5 * 24),
        };
        Self {
            leads: Mutex::default(),
            outbox: Outbox::new(rules, setup.config.webhook_retry),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/_sim/leads", post(make))
            .merge(outbox::routes::<Self>())
    }

    fn authorize(_sim: &Shared<Self>, _request: &Parts) -> Result<(), Response> {
        Ok(())
    }

    fn error(status: StatusCode, message: &str) -> Response {
        (status, Json(json!({ "error": message }))).into_response()
    }

    fn usual_message(_status: StatusCode) -> &'static str {
        "This system posts webhooks, and has no API."
    }

    fn rate_limited(_now: Timestamp) -> Response {
        let mut response = Self::refuse(StatusCode::TOO_MANY_REQUESTS);
        let wait = HeaderValue::from(1);
        response.headers_mut().insert(header::RETRY_AFTER, wait);
        response
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        json!({ "leads": *lock(&sim.provider.leads), "webhooks": sim.provider.outbox.view() })
    }

    fn background(sim: Arc<Shared<Self>>) -> Option<BoxFuture<'static, ()>> {
        Some(Box::pin(outbox::run(sim)))
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        Some(self)
    }
}

impl Posts for SignedWebhook {
    fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn sign(key: &str, body: &[u8], now: Timestamp) -> Vec<(&'static str, String)> {
        sign(key, body, now)
    }
}

impl Webhooks for SignedWebhook {
    fn post_to(&self, url: &str) {
        self.outbox.subscribe_alone(url, &[CREATED], SIGNING_KEY);
    }

    fn verification_key(&self) -> String {
        SIGNING_KEY.to_owned()
    }
}

impl Simulator {
    /// Has a lead come in, and posts `lead.created`. Returns its id.
    pub fn make(&self, wanted: &Wanted) -> String {
        self.shared.make(wanted)
    }

    /// Sets the trouble that webhooks have from now on.
    pub fn trouble(&self, trouble: Trouble) {
        self.shared.provider.outbox.order(trouble);
    }

    /// How many webhooks have not been taken yet.
    pub fn webhooks_waiting(&self) -> usize {
        self.shared.provider.outbox.waiting()
    }
}

type Sim = State<Arc<Shared<SignedWebhook>>>;

impl Shared<SignedWebhook> {
    fn make(&self, wanted: &Wanted) -> String {
        let (id, now) = (fresh(), self.control.now());
        let lead = envelope(&id, wanted, now);
        let body = lead.to_string();
        lock(&self.provider.leads).push(lead);
        let outbox = &self.provider.outbox;
        outbox.post(CREATED, JSON, body.as_bytes(), now);
        id
    }
}

async fn make(State(sim): Sim, body: Bytes) -> Response {
    match control::read::<Wanted>(&body) {
        Ok(wanted) => pretty(&json!({ "lead": sim.make(&wanted) })),
        Err(reason) => control::invalid(&reason),
    }
}
