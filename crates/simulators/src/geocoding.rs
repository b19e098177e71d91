//! Google Maps' Geocoding API v3.
//!
//! - Auth: an API key in the query, `key`. Without a good one the answer is `REQUEST_DENIED`, with status 200, as nearly
//!   all answers are.
//! - `GET /maps/api/geocode/json?address=&components=`: `country` and `postal_code` restrict, and may not be repeated.
//! - It knows the towns around Austin and a few others. A house with its street is a `ROOFTOP`, a street without a number a
//!   `GEOMETRIC_CENTER`, a town an `APPROXIMATE`. A town with another town's ZIP code is a `partial_match`.
//!
//! `PUT /_sim/places {"when_contains": "…", "results": […]}` answers so to addresses that contain a part, `DELETE` stops
//! that.
//!
//! Source: googlemaps/openapi-specification, `maps_http_parameters_geocode` (read 2026-11). UNCONFIRMED: the exact messages
//! of errors.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::extract::{Authorized, Query};
use crate::gazetteer::{Understood, understand};
use crate::provider::{Provider, Shared, lock};
use crate::{SimulatorSpec, Simulators};

/// The simulator's key in the table.
pub const SLUG: &str = "geocoding";

/// The API key that Google's simulated map accepts unless configured otherwise.
pub const KEY: &str = "simulated-google-maps-key";

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Geocoding::SLUG,
    name: "Geocoding",
    setting: Some("GEOCODING_BASE_URL"),
    is_cloud_only: false,
    has_view: false,
    // It takes keys, not Google's tokens.
    is_google: false,
    credential: KEY,
    webhook_key_setting: None,
    demo: None,
    start: control::start::<Geocoding>,
};

/// The handle of the simulated Geocoding API.
pub type Simulator = control::Simulator<Geocoding>;

impl Simulators {
    /// The simulated Geocoding API.
    pub fn geocoding(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated Geocoding API behaves.
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

/// The state of the simulated Geocoding API.
pub struct Geocoding {
    config: Config,
    places: Mutex<Vec<Place>>,
}

/// What is answered to addresses that contain a part.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    when_contains: String,
    results: Vec<Value>,
}

impl Provider for Geocoding {
    const SLUG: &'static str = SLUG;

    type Config = Config;
    type Caller = ();

    fn new(config: Config, _setup: &Setup) -> Self {
        Self {
            config,
            places: Mutex::default(),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/maps/api/geocode/json", get(geocode))
            .route(
                "/_sim/places",
                get(view_places).put(put_place).delete(delete_places),
            )
    }

    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<(), Response> {
        if has_key(request, &sim.provider.config.keys) {
            Ok(())
        } else {
            Err(Self::refuse(StatusCode::FORBIDDEN))
        }
    }

    fn error(status: StatusCode, message: &str) -> Response {
        let (status, word) = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => (StatusCode::OK, "REQUEST_DENIED"),
            StatusCode::TOO_MANY_REQUESTS => (StatusCode::OK, "OVER_QUERY_LIMIT"),
            StatusCode::BAD_REQUEST => (status, "INVALID_REQUEST"),
            other => (other, "UNKNOWN_ERROR"),
        };
        let body = json!({ "results": [], "status": word, "error_message": message });
        (status, Json(body)).into_response()
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "The provided API key is invalid.",
            StatusCode::TOO_MANY_REQUESTS => "You have exceeded your rate-limit for this API.",
            _ => "The request could not be served.",
        }
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        json!({ "places": *lock(&sim.provider.places) })
    }
}

/// Whether the query has one of these keys.
pub(crate) fn has_key(request: &Parts, keys: &[String]) -> bool {
    let query = request.uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.any(|(name, value)| name == "key" && keys.iter().any(|key| *key == value))
}

impl Simulator {
    /// Answers with these results to addresses that contain a part.
    pub fn know(&self, part: &str, results: Vec<Value>) {
        lock(&self.shared.provider.places).push(Place {
            when_contains: part.to_owned(),
            results,
        });
    }

    /// Stops answering with results that were given.
    pub fn forget(&self) {
        lock(&self.shared.provider.places).clear();
    }
}

type Sim = State<Arc<Shared<Geocoding>>>;

async fn geocode(
    State(sim): Sim,
    _: Authorized<Geocoding>,
    query: Query<Geocoding>,
) -> Result<Response, Response> {
    let invalid = |message: &str| {
        let body = json!({ "results": [], "status": "INVALID_REQUEST", "error_message": message });
        Json(body).into_response()
    };
    let address = query.text("address").unwrap_or_default();
    let mut code = None;
    let mut seen = Vec::new();
    for component in query.text("components").unwrap_or_default().split('|') {
        let Some((name, value)) = component.split_once(':') else {
            if component.is_empty() {
                continue;
            }
            return Ok(invalid("Invalid request. Invalid 'components' parameter."));
        };
        if matches!(name, "country" | "postal_code" | "route") && seen.contains(&name) {
            return Ok(invalid("Invalid request. Repeated component."));
        }
        seen.push(name);
        if name == "postal_code" {
            code = Some(value);
        }
    }
    if address.is_empty() && seen.is_empty() {
        return Ok(invalid(
            "Invalid request. Missing the 'address', 'components', 'latlng' or 'place_id' parameter.",
        ));
    }
    let known = lock(&sim.provider.places)
        .iter()
        .find(|place| address.contains(&place.when_contains))
        .map(|place| place.results.clone());
    // What stands in both is looked for twice.
    let is_doubled = code.is_some_and(|code| address.contains(code));
    let results = known.unwrap_or_else(|| {
        let understood = understand(address, code).filter(|_| !is_doubled);
        understood.iter().map(result).collect()
    });
    let status = if results.is_empty() {
        "ZERO_RESULTS"
    } else {
        "OK"
    };
    Ok(Json(json!({ "results": results, "status": status })).into_response())
}

/// A place as the API shows it.
fn result(found: &Understood) -> Value {
    let town = found.town;
    let component = |long: &str, short: &str, kind: &str| json!({ "long_name": long, "short_name": short, "types": [kind] });
    let street = found.street.as_deref();
    let mut components = Vec::new();
    let house = found.house.as_deref().filter(|_| street.is_some());
    components.extend(house.map(|house| component(house, house, "street_number")));
    components.extend(street.map(|street| component(street, street, "route")));
    components.push(component(town.name, town.name, "locality"));
    let county = "administrative_area_level_2";
    components.push(component(town.county, town.county, county));
    let state = "administrative_area_level_1";
    components.push(component(town.state_name, town.state, state));
    components.push(component("United States", "US", "country"));
    components.push(component(&found.code, &found.code, "postal_code"));
    let (precision, kind) = match (house, street) {
        (Some(_), _) if found.is_whole => ("ROOFTOP", "street_address"),
        (_, Some(_)) => ("GEOMETRIC_CENTER", "route"),
        (_, None) => ("APPROXIMATE", "locality"),
    };
    let mut shown = json!({
        "address_components": components,
        "formatted_address": format!("{}, {} {}, USA", town.name, town.state, found.code),
        "geometry": {
            "location": { "lat": found.latitude, "lng": found.longitude },
            "location_type": precision,
        },
        "place_id": format!("ChIJsimulated{}", found.code),
        "types": [kind],
    });
    if !found.is_whole {
        shown["partial_match"] = json!(true);
    }
    shown
}

async fn view_places(State(sim): Sim, page: Page) -> Response {
    pretty(&Geocoding::view(&sim, &page))
}

async fn put_place(State(sim): Sim, body: Bytes) -> Response {
    control::done(control::read::<Place>(&body).map(|place| {
        lock(&sim.provider.places).push(place);
    }))
}

async fn delete_places(State(sim): Sim) -> StatusCode {
    lock(&sim.provider.places).clear();
    StatusCode::NO_CONTENT
}
