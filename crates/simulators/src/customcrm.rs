//! A company's own CRM, which takes leads by signed webhooks.
//!
//! - `POST /leads`: Standard Webhooks 1.0.0. A `webhook-id` that was taken is answered as before, and done once; the
//!   timestamp may be five minutes off; any of the signatures that fits one of the keys is enough.
//! - `data.lead_id` is the lead: a later version replaces it, an earlier one that comes late is dropped.
//! - Answers `{"external_id": "…"}`, its own name of the lead. `connection.test` is answered, and not kept.
//! - Bodies that are not `{type, timestamp, data}` with the types that are agreed upon are 400, so that mistakes of the
//!   sender show.
//!
//! Source: standardwebhooks.com, "Standard Webhooks specification" 1.0.0 (read 2026-11).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page};
use crate::provider::{Provider, Shared, lock};
use crate::{SimulatorSpec, Simulators};

/// A key that it accepts, unless it is configured otherwise.
pub const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// How far a timestamp may be off, in seconds.
const TOLERANCE_SECONDS: i64 = 300;
/// The largest body: the specification advises about 20 kB.
const MAX_BODY_BYTES: usize = 32 * 1024;

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: CustomCrm::SLUG,
    name: "Custom CRM",
    setting: None,
    is_cloud_only: false,
    has_view: true,
    is_google: false,
    credential: KEY,
    webhook_key_setting: None,
    demo: None,
    start: control::start::<CustomCrm>,
};

/// The handle of the simulated receiver.
pub type Simulator = control::Simulator<CustomCrm>;

impl Simulators {
    /// The simulated receiver of a company's own.
    pub fn customcrm(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated receiver behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The keys that it accepts.
    pub keys: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            keys: vec![KEY.to_owned()],
        }
    }
}

impl ProviderConfig for Config {}

/// A lead as the receiver keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Lead {
    /// The receiver's own name of it.
    pub external_id: String,
    /// `data` of the newest version.
    pub data: Value,
    /// The type of the event that brought it.
    pub kind: String,
}

/// The state of the simulated receiver.
pub struct CustomCrm {
    keys: Mutex<Vec<String>>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// By `lead_id`.
    leads: BTreeMap<String, Lead>,
    /// What each `webhook-id` was answered.
    taken: BTreeMap<String, String>,
}

impl Provider for CustomCrm {
    const SLUG: &'static str = "customcrm";
    const BODY_LIMIT_BYTES: usize = MAX_BODY_BYTES;

    type Config = Config;
    type Caller = ();

    fn new(config: Config, _setup: &Setup) -> Self {
        Self {
            keys: Mutex::new(config.keys),
            kept: Mutex::default(),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new().route("/leads", post(take))
    }

    fn authorize(_sim: &Shared<Self>, _request: &Parts) -> Result<(), Response> {
        Ok(())
    }

    fn error(status: StatusCode, message: &str) -> Response {
        (status, Json(json!({ "error": message }))).into_response()
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status.as_u16() {
            401 => "The signature does not fit.",
            403 => "This sender may not add leads.",
            404 => "There is nothing here.",
            429 => "Slow down.",
            _ => "The lead was not taken.",
        }
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        let kept = lock(&sim.provider.kept);
        let leads = kept.leads.values().map(
            |lead| json!({ "external_id": lead.external_id, "type": lead.kind, "data": lead.data }),
        );
        json!({ "leads": leads.collect::<Vec<_>>() })
    }
}

impl Simulator {
    /// The leads, by their ids.
    pub fn leads(&self) -> Vec<Lead> {
        let kept = lock(&self.shared.provider.kept);
        kept.leads.values().cloned().collect()
    }

    /// The URL that leads are posted to.
    pub fn url(&self) -> String {
        format!("{}/leads", self.base_url())
    }

    /// Accepts these keys from now on.
    pub fn accept_keys(&self, keys: &[&str]) {
        *lock(&self.shared.provider.keys) = keys.iter().map(|key| (*key).to_owned()).collect();
    }
}

type Sim = State<Arc<Shared<CustomCrm>>>;

async fn take(State(sim): Sim, headers: HeaderMap, body: Bytes) -> Response {
    let refuse = CustomCrm::error;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(at), Some(signature)) = (
        header("webhook-id"),
        header("webhook-timestamp"),
        header("webhook-signature"),
    ) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "a header of the signature is missing",
        );
    };
    let is_id = (1..=128).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'.');
    let at: Option<i64> = at.parse().ok();
    let (Some(at), true) = (at, is_id) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "a header of the signature is malformed",
        );
    };
    let off = sim.control.now().as_second().abs_diff(at);
    if off > TOLERANCE_SECONDS.unsigned_abs() {
        return refuse(StatusCode::UNAUTHORIZED, "the timestamp is too far off");
    }
    let keys = lock(&sim.provider.keys).clone();
    if !keys
        .iter()
        .any(|key| is_signed(key, id, at, &body, signature))
    {
        return CustomCrm::refuse(StatusCode::UNAUTHORIZED);
    }
    let is_json = header("content-type").is_some_and(|kind| kind == "application/json");
    if !is_json {
        return refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json");
    }
    let event: Value = match serde_json::from_slice(&body) {
        Ok(event) => event,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match read(&event) {
        Ok((kind, data)) => keep(&sim, id, kind, data),
        Err(reason) => refuse(StatusCode::BAD_REQUEST, &reason),
    }
}

fn keep(sim: &Shared<CustomCrm>, id: &str, kind: &str, data: &Map<String, Value>) -> Response {
    if kind == "connection.test" {
        return Json(json!({ "ok": true })).into_response();
    }
    let mut kept = lock(&sim.provider.kept);
    if let Some(external_id) = kept.taken.get(id) {
        return Json(json!({ "external_id": external_id })).into_response();
    }
    let lead_id = data
        .get("lead_id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let number = kept.leads.len() + 1;
    let version = |data: &Value| data.get("version").and_then(Value::as_u64);
    let new = Value::Object(data.clone());
    let known = kept.leads.get(lead_id);
    let external_id =
        known.map_or_else(|| format!("crm-{number}"), |lead| lead.external_id.clone());
    let is_late = known.is_some_and(|lead| version(&lead.data) > version(&new));
    if !is_late {
        let lead = Lead {
            external_id: external_id.clone(),
            data: new,
            kind: kind.to_owned(),
        };
        kept.leads.insert(lead_id.to_owned(), lead);
    }
    kept.taken.insert(id.to_owned(), external_id.clone());
    Json(json!({ "external_id": external_id })).into_response()
}

fn is_signed(key: &str, id: &str, at: i64, body: &[u8], signatures: &str) -> bool {
    let Some(key) = key
        .strip_prefix("whsec_")
        .and_then(|key| STANDARD.decode(key).ok())
    else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signed = [format!("{id}.{at}.").as_bytes(), body].concat();
    let tags = signatures
        .split(' ')
        .filter_map(|entry| entry.strip_prefix("v1,"))
        .filter_map(|tag| STANDARD.decode(tag).ok());
    tags.into_iter()
        .any(|tag| hmac::verify(&key, &signed, &tag).is_ok())
}

/// What was agreed upon for every event: exactly `type`, `timestamp` and `data`.
fn read(event: &Value) -> Result<(&str, &Map<String, Value>), String> {
    let members = event.as_object().ok_or("the body is no object")?;
    let names: Vec<&str> = members.keys().map(String::as_str).collect();
    if names != ["data", "timestamp", "type"] {
        return Err(format!(
            "the body has {names:?}, not type, timestamp and data"
        ));
    }
    let kind = event["type"].as_str().unwrap_or_default();
    let is_kind = !kind.is_empty()
        && kind.split('.').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
    if !is_kind {
        return Err("`type` is not dotted words".to_owned());
    }
    let is_time = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| text.parse::<Timestamp>().is_ok())
    };
    if !is_time(&event["timestamp"]) {
        return Err("`timestamp` is no time".to_owned());
    }
    let data = event["data"].as_object().ok_or("`data` is no object")?;
    for name in ["lead_id", "tenant_id"] {
        if data
            .get(name)
            .and_then(Value::as_str)
            .is_none_or(str::is_empty)
        {
            return Err(format!("`data.{name}` is missing"));
        }
    }
    let is_number = data.get("version").is_none_or(Value::is_u64);
    let is_received = data.get("received_at").is_none_or(is_time);
    if !is_number || !is_received {
        return Err("`data.version` or `data.received_at` has another type".to_owned());
    }
    for name in ["contact", "property", "project"] {
        let object = data.get(name);
        if object.is_some_and(|value| !value.is_object()) {
            return Err(format!("`data.{name}` is no object"));
        }
    }
    for (name, value) in data
        .get("contact")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let text = value
            .as_str()
            .ok_or(format!("`data.contact.{name}` is no text"))?;
        let digits = text.strip_prefix('+').unwrap_or_default();
        let is_phone = (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if name == "phone" && !is_phone {
            return Err("`data.contact.phone` is not E.164".to_owned());
        }
    }
    Ok((kind, data))
}
