//! Geocoding API v3.
//!
//! Nearly every answer has status 200; `status` in the body says how it went. A part of the address is given in `address`
//! or in `components`, never in both: doubled, it can end in `ZERO_RESULTS`.

use domain::{MapAddress, MapAnswer, MapFault};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::{MAX_ANSWER_BYTES, Maps, is_asked_code, of_status, on_globe, unreached, unreadable};
use crate::base;

/// What is read of an answer.
#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    results: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    address_components: Vec<Component>,
    geometry: Geometry,
    #[serde(default)]
    partial_match: bool,
}

#[derive(Deserialize)]
struct Component {
    #[serde(default)]
    long_name: String,
    #[serde(default)]
    short_name: String,
    #[serde(default)]
    types: Vec<String>,
}

#[derive(Deserialize)]
struct Geometry {
    location: Point,
    #[serde(default)]
    location_type: String,
}

#[derive(Deserialize)]
struct Point {
    lat: Option<f64>,
    lng: Option<f64>,
}

impl Maps {
    pub(super) async fn geocode(&self, address: &MapAddress) -> Result<MapAnswer, MapFault> {
        let url = format!("{}/maps/api/geocode/json", base(&self.config.geocoding_url));
        let components = match address.further_postal_code() {
            Some(code) => format!("country:US|postal_code:{}", code.as_str()),
            None => "country:US".to_owned(),
        };
        let request = self.http.get(&url).query(&[
            ("address", address.line()),
            ("components", &components),
            ("region", "us"),
            ("language", "en"),
            ("key", self.config.key.expose_secret()),
        ]);
        let request = request
            .deadline(self.config.timeout)
            .max_body_bytes(MAX_ANSWER_BYTES);
        let response = request.send().await.map_err(|error| unreached(&error))?;
        let answer: Answer = of_status(response)?
            .json()
            .map_err(|error| unreadable(&error))?;
        match answer.status.as_str() {
            "OK" => Ok(read(address, &answer.results)),
            "ZERO_RESULTS" => Ok(MapAnswer::NotFound),
            status @ ("REQUEST_DENIED" | "OVER_DAILY_LIMIT" | "INVALID_REQUEST") => {
                Err(MapFault::Refused(format!("Geocoding says {status}")))
            }
            "OVER_QUERY_LIMIT" | "UNKNOWN_ERROR" => Err(MapFault::Unavailable(format!(
                "Geocoding says {}",
                answer.status
            ))),
            // Not repeated: what it says comes from outside.
            _ => Err(MapFault::Unavailable(
                "Geocoding says what we do not know".to_owned(),
            )),
        }
    }
}

/// What the results say of the address.
fn read(address: &MapAddress, results: &[Found]) -> MapAnswer {
    let [found] = results else {
        return if results.is_empty() {
            MapAnswer::NotFound
        } else {
            MapAnswer::Doubtful
        };
    };
    let named = |kind: &str| {
        let mut components = found.address_components.iter();
        components.find(|component| component.types.iter().any(|is| is == kind))
    };
    let code = named("postal_code").map(|component| component.long_name.as_str());
    let is_house = matches!(
        found.geometry.location_type.as_str(),
        "ROOFTOP" | "RANGE_INTERPOLATED"
    );
    let is_here = named("country").is_some_and(|country| country.short_name == "US");
    let is_it = is_house && is_here && !found.partial_match && is_asked_code(address, code);
    let point = &found.geometry.location;
    match on_globe(point.lat, point.lng).filter(|_| is_it) {
        Some(at) => MapAnswer::Found { at },
        None => MapAnswer::Doubtful,
    }
}
