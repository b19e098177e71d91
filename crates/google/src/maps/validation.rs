//! Address Validation API v1.
//!
//! A claim that is absent is false. Failures are statuses of HTTP.

use domain::{MapAddress, MapAnswer, MapFault};
use http_client::Url;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;

use super::{MAX_ANSWER_BYTES, Maps, is_asked_code, of_status, on_globe, unreached, unreadable};
use crate::base;

#[derive(Deserialize)]
struct Answer {
    result: Validated,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Validated {
    verdict: Verdict,
    #[serde(default)]
    address: Standard,
    #[serde(default)]
    geocode: Geocode,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Verdict {
    validation_granularity: String,
    geocode_granularity: String,
    address_complete: bool,
    has_unconfirmed_components: bool,
    has_replaced_components: bool,
    possible_next_action: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Standard {
    postal_address: PostalAddress,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PostalAddress {
    region_code: String,
    postal_code: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Geocode {
    location: Point,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Point {
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl Maps {
    pub(super) async fn validate(
        &self,
        url: &Url,
        address: &MapAddress,
    ) -> Result<MapAnswer, MapFault> {
        let url = format!("{}/v1:validateAddress", base(url));
        let further = address.further_postal_code().map(|code| code.as_str());
        let lines: Vec<&str> = [address.line()].into_iter().chain(further).collect();
        let body = json!({ "address": { "regionCode": "US", "addressLines": lines } });
        let request = self
            .http
            .post(&url)
            .query(&[("key", self.config.key.expose_secret())])
            .json(&body);
        let request = request
            .deadline(self.config.timeout)
            .max_body_bytes(MAX_ANSWER_BYTES);
        let response = request.send().await.map_err(|error| unreached(&error))?;
        let answer: Answer = of_status(response)?
            .json()
            .map_err(|error| unreadable(&error))?;
        Ok(read(address, &answer.result))
    }
}

/// What was found out about the address. Never [`MapAnswer::NotFound`]: Geocoding knows something like it.
fn read(address: &MapAddress, result: &Validated) -> MapAnswer {
    let verdict = &result.verdict;
    let is_house = |granularity: &str| matches!(granularity, "SUB_PREMISE" | "PREMISE");
    let is_near = is_house(&verdict.geocode_granularity)
        || verdict.geocode_granularity == "PREMISE_PROXIMITY";
    let is_sure = verdict.address_complete
        && is_house(&verdict.validation_granularity)
        && is_near
        && !verdict.has_unconfirmed_components
        && !verdict.has_replaced_components
        // Which apartment it is does not matter here.
        && matches!(
            verdict.possible_next_action.as_str(),
            "" | "ACCEPT" | "CONFIRM_ADD_SUBPREMISES"
        );
    let standard = &result.address.postal_address;
    let is_it = is_sure
        && standard.region_code == "US"
        && is_asked_code(address, standard.postal_code.as_deref());
    let point = &result.geocode.location;
    match on_globe(point.latitude, point.longitude).filter(|_| is_it) {
        Some(at) => MapAnswer::Found { at },
        None => MapAnswer::Doubtful,
    }
}
