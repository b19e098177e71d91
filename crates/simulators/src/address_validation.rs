//! Google Maps' Address Validation API v1.
//!
//! - Auth: an API key in the query, `key`, or in the header `x-goog-api-key`. 403 `PERMISSION_DENIED` without a good one.
//! - `POST /v1:validateAddress`: the lines of an address are validated together. It knows the towns of the simulated
//!   Geocoding API. A house with its street is a `PREMISE` to `ACCEPT`; without a number it is to `FIX`; a town with another
//!   town's ZIP code has a component replaced, and is to `CONFIRM`.
//!
//! `PUT /_sim/verdicts {"when_contains": "…", "verdict": {…}}` replaces fields of the verdict of addresses that contain a
//! part, `DELETE` stops that.
//!
//! Source: Address Validation API reference and "Understand the response" (read 2026-11). UNCONFIRMED: the exact messages of
//! errors.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::extract::{Authorized, JsonBody};
use crate::gazetteer::understand;
use crate::geocoding::{KEY, has_key};
use crate::google;
use crate::provider::{Provider, Shared, lock};
use crate::{SimulatorSpec, Simulators};

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: AddressValidation::SLUG,
    name: "Address Validation",
    setting: Some("ADDRESS_VALIDATION_BASE_URL"),
    is_cloud_only: false,
    has_view: false,
    // It takes keys, not Google's tokens.
    is_google: false,
    credential: KEY,
    webhook_key_setting: None,
    demo: None,
    start: control::start::<AddressValidation>,
};

/// The handle of the simulated Address Validation API.
pub type Simulator = control::Simulator<AddressValidation>;

impl Simulators {
    /// The simulated Address Validation API.
    pub fn address_validation(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated Address Validation API behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The API keys that are accepted.
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

/// The state of the simulated Address Validation API.
pub struct AddressValidation {
    config: Config,
    verdicts: Mutex<Vec<Verdict>>,
}

/// Fields of a verdict that are replaced.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdict {
    when_contains: String,
    verdict: Map<String, Value>,
}

impl Provider for AddressValidation {
    const SLUG: &'static str = "address_validation";

    type Config = Config;
    type Caller = ();

    fn new(config: Config, _setup: &Setup) -> Self {
        Self {
            config,
            verdicts: Mutex::default(),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/v1:validateAddress", post(validate))
            .route(
                "/_sim/verdicts",
                get(view_verdicts).put(put_verdict).delete(delete_verdicts),
            )
    }

    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<(), Response> {
        let keys = &sim.provider.config.keys;
        let sent = request.headers.get("x-goog-api-key");
        let is_good = |sent: &HeaderValue| keys.iter().any(|key| sent == key.as_str());
        if has_key(request, keys) || sent.is_some_and(is_good) {
            Ok(())
        } else {
            let status = StatusCode::FORBIDDEN;
            Err(google::error(
                status,
                "Requests from this API key are blocked.",
            ))
        }
    }

    fn error(status: StatusCode, message: &str) -> Response {
        google::error(status, message)
    }

    fn usual_message(status: StatusCode) -> &'static str {
        google::usual_message(status)
    }

    fn bad_json(reason: &str) -> Response {
        google::bad_json(reason)
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        json!({ "verdicts": *lock(&sim.provider.verdicts) })
    }
}

impl Simulator {
    /// Replaces these fields, an object, in the verdict of addresses that contain a part.
    pub fn say(&self, part: &str, verdict: Value) {
        let verdict = serde_json::from_value(verdict).expect("a verdict's fields are an object");
        lock(&self.shared.provider.verdicts).push(Verdict {
            when_contains: part.to_owned(),
            verdict,
        });
    }

    /// Stops replacing fields.
    pub fn forget(&self) {
        lock(&self.shared.provider.verdicts).clear();
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    address: Address,
    #[serde(default, rename = "previousResponseId")]
    _previous_response_id: Option<String>,
    #[serde(default, rename = "enableUspsCass")]
    _enable_usps_cass: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Address {
    #[serde(default)]
    region_code: String,
    #[serde(default)]
    postal_code: Option<String>,
    #[serde(default)]
    address_lines: Vec<String>,
}

type Sim = State<Arc<Shared<AddressValidation>>>;

async fn validate(
    State(sim): Sim,
    _: Authorized<AddressValidation>,
    JsonBody(body): JsonBody<Request>,
) -> Result<Response, Response> {
    let Address {
        region_code,
        postal_code,
        address_lines,
    } = body.address;
    if address_lines.is_empty() {
        return Err(google::invalid("Address lines missing from request."));
    }
    if !matches!(region_code.as_str(), "" | "US") {
        return Err(google::invalid("Unsupported region code."));
    }
    let line = address_lines.join(", ");
    let found = understand(&line, postal_code.as_deref());
    let is_house = found
        .as_ref()
        .is_some_and(|found| found.house.is_some() && found.street.is_some());
    let is_whole = found.as_ref().is_some_and(|found| found.is_whole);
    let granularity = if is_house { "PREMISE" } else { "OTHER" };
    let mut verdict = json!({
        "inputGranularity": granularity,
        "validationGranularity": granularity,
        "geocodeGranularity": granularity,
        "possibleNextAction": match (is_house, is_whole) {
            (true, true) => "ACCEPT",
            (true, false) => "CONFIRM",
            (false, _) => "FIX",
        },
    });
    // Claims that do not hold are left out.
    if is_house {
        verdict["addressComplete"] = json!(true);
    }
    if !is_whole {
        verdict["hasReplacedComponents"] = json!(true);
    }
    for one in lock(&sim.provider.verdicts).iter() {
        if line.contains(&one.when_contains) {
            let fields = verdict.as_object_mut().into_iter();
            fields.for_each(|fields| fields.extend(one.verdict.clone()));
        }
    }
    let mut result = json!({ "verdict": verdict });
    if let Some(found) = found {
        result["address"] = json!({
            "postalAddress": {
                "regionCode": "US", "languageCode": "en", "postalCode": format!("{}-0000", found.code),
                "administrativeArea": found.town.state, "locality": found.town.name, "addressLines": [line],
            },
        });
        result["geocode"] = json!({
            "location": { "latitude": found.latitude, "longitude": found.longitude },
            "placeId": format!("ChIJsimulated{}", found.code),
        });
        result["metadata"] = json!({ "residential": true });
    }
    let id = hex::encode(rand::random::<[u8; 8]>());
    Ok(Json(json!({ "result": result, "responseId": id })).into_response())
}

async fn view_verdicts(State(sim): Sim, page: Page) -> Response {
    pretty(&AddressValidation::view(&sim, &page))
}

async fn put_verdict(State(sim): Sim, body: Bytes) -> Response {
    control::done(control::read::<Verdict>(&body).map(|verdict| {
        lock(&sim.provider.verdicts).push(verdict);
    }))
}

async fn delete_verdicts(State(sim): Sim) -> StatusCode {
    lock(&sim.provider.verdicts).clear();
    StatusCode::NO_CONTENT
}
