//! Google Maps.

use std::time::Duration;

use domain::{AddressMap as _, Coordinates, MapAddress, MapAnswer, MapFault, PostalCode};
use google::{Maps, MapsConfig};
use serde_json::{Value, json};
use simulators::{Fault, Simulators, geocoding};

use crate::{http, start};

fn config(simulators: &Simulators) -> MapsConfig {
    MapsConfig {
        key: geocoding::KEY.to_owned().into(),
        geocoding_url: simulators.geocoding().base_url().parse().unwrap(),
        validation_url: Some(simulators.address_validation().base_url().parse().unwrap()),
        timeout: Duration::from_secs(3),
    }
}

fn maps(simulators: &Simulators) -> Maps {
    Maps::new(http(), config(simulators))
}

fn address(line: &str, code: Option<&str>) -> MapAddress {
    let code = code.map(|code| PostalCode::parse(code).unwrap());
    MapAddress::new(line, code.as_ref(), None).unwrap()
}

fn is_near(answer: MapAnswer, latitude: f64, longitude: f64) -> bool {
    let MapAnswer::Found { at } = answer else {
        return false;
    };
    (at.latitude - latitude).abs() < 0.02 && (at.longitude - longitude).abs() < 0.02
}

/// A result as Geocoding shows it, with these members changed.
#[expect(clippy::needless_pass_by_value, reason = "calls read better")]
fn result(changes: Value) -> Value {
    let mut result = json!({
        "address_components": [
            { "long_name": "78664", "short_name": "78664", "types": ["postal_code"] },
            { "long_name": "United States", "short_name": "US", "types": ["country", "political"] },
        ],
        "geometry": { "location": { "lat": 30.5, "lng": -97.6 }, "location_type": "ROOFTOP" },
        "types": ["street_address"],
    });
    let changes = changes.as_object().unwrap().clone();
    result.as_object_mut().unwrap().extend(changes);
    result
}

#[tokio::test]
async fn a_house_is_found_and_its_zip_code_is_asked_for_once() {
    let simulators = start().await;
    let maps = maps(&simulators);
    for house in [
        address("12 Elm St, Round Rock, TX", Some("78664")),
        address("12 Elm St, Round Rock, TX 78664", Some("78664")),
        address("12 Elm St, Round Rock, TX", None),
    ] {
        let found = maps.locate(&house).await.unwrap();
        assert!(is_near(found, 30.5083, -97.6789), "{found:?}");
    }
    assert_eq!(simulators.address_validation().requests().len(), 0);
    let asked = simulators.geocoding().requests();
    assert!(
        asked
            .iter()
            .all(|asked| !asked.path.contains(geocoding::KEY))
    );
    assert!(
        asked[0].path.contains("postal_code%3A78664"),
        "{:?}",
        asked[0]
    );
    assert!(!asked[1].path.contains("postal_code"), "{:?}", asked[1]);
}

#[tokio::test]
async fn what_is_not_on_the_map_is_not_found() {
    let simulators = start().await;
    let maps = maps(&simulators);
    for nowhere in [
        address("12 Elm St, Atlantis", None),
        address("12 Elm St, Round Rock, TX", Some("98101")),
    ] {
        assert_eq!(maps.locate(&nowhere).await.unwrap(), MapAnswer::NotFound);
    }
}

#[tokio::test]
async fn what_is_not_the_very_house_is_doubtful() {
    let simulators = start().await;
    let config = MapsConfig {
        validation_url: None,
        ..config(&simulators)
    };
    let maps = Maps::new(http(), config);
    let house = address("12 Elm St, Round Rock, TX", Some("78664"));
    let center =
        json!({ "location": { "lat": 30.5, "lng": -97.6 }, "location_type": "GEOMETRIC_CENTER" });
    let lost = json!({ "location": { "lat": 95.0, "lng": -97.6 }, "location_type": "ROOFTOP" });
    let elsewhere = json!([
        { "long_name": "75201", "short_name": "75201", "types": ["postal_code"] },
        { "long_name": "United States", "short_name": "US", "types": ["country"] },
    ]);
    let abroad = json!([
        { "long_name": "78664", "short_name": "78664", "types": ["postal_code"] },
        { "long_name": "Mexico", "short_name": "MX", "types": ["country"] },
    ]);
    for (what, results) in [
        (
            "a part of it",
            vec![result(json!({ "partial_match": true }))],
        ),
        ("the street", vec![result(json!({ "geometry": center }))]),
        (
            "no place on the globe",
            vec![result(json!({ "geometry": lost }))],
        ),
        (
            "another ZIP code",
            vec![result(json!({ "address_components": elsewhere }))],
        ),
        (
            "another country",
            vec![result(json!({ "address_components": abroad }))],
        ),
        ("two", vec![result(json!({})), result(json!({}))]),
    ] {
        let simulator = simulators.geocoding();
        simulator.forget();
        simulator.know("12 Elm", results);
        let said = maps.locate(&house).await.unwrap();
        assert_eq!(said, MapAnswer::Doubtful, "{what}");
    }
    simulators.geocoding().forget();
    simulators
        .geocoding()
        .know("12 Elm", vec![result(json!({}))]);
    let at = Coordinates {
        latitude: 30.5,
        longitude: -97.6,
    };
    assert_eq!(maps.locate(&house).await.unwrap(), MapAnswer::Found { at });
}

#[tokio::test]
async fn a_doubtful_address_is_validated() {
    let simulators = start().await;
    let maps = maps(&simulators);
    let house = address("12 Elm St, Round Rock, TX", Some("78664"));
    simulators
        .geocoding()
        .know("12 Elm", vec![result(json!({ "partial_match": true }))]);
    let found = maps.locate(&house).await.unwrap();
    assert!(is_near(found, 30.5083, -97.6789), "{found:?}");
    let asked = simulators.address_validation().requests();
    assert_eq!(
        asked[0].body["address"]["addressLines"],
        json!(["12 Elm St, Round Rock, TX", "78664"])
    );
    for verdict in [
        json!({ "possibleNextAction": "CONFIRM" }),
        json!({ "hasUnconfirmedComponents": true }),
        json!({ "hasReplacedComponents": true }),
        json!({ "addressComplete": false }),
        json!({ "validationGranularity": "ROUTE" }),
        json!({ "geocodeGranularity": "BLOCK" }),
    ] {
        let simulator = simulators.address_validation();
        simulator.forget();
        simulator.say("12 Elm", verdict.clone());
        let said = maps.locate(&house).await.unwrap();
        assert_eq!(said, MapAnswer::Doubtful, "{verdict}");
    }
}

/// An answer of Geocoding's with this status and no results.
fn says(status: &str) -> Fault {
    Fault::Answer {
        status: 200,
        retry_after_seconds: None,
        body: Some(json!({ "results": [], "status": status, "error_message": "12 Elm St" })),
    }
}

#[tokio::test]
async fn a_failure_says_whether_an_operator_must_look() {
    let simulators = start().await;
    let maps = maps(&simulators);
    let house = address("12 Elm St, Round Rock, TX", None);
    for (fault, is_refused) in [
        (says("REQUEST_DENIED"), true),
        (says("OVER_DAILY_LIMIT"), true),
        (says("INVALID_REQUEST"), true),
        (says("OVER_QUERY_LIMIT"), false),
        (says("UNKNOWN_ERROR"), false),
        (says("12 Elm St"), false),
        (Fault::Status(503), false),
        (Fault::Status(400), true),
        (Fault::RateLimit, false),
        (Fault::RevokedToken, true),
        (Fault::Malformed, false),
        (Fault::ResetAfterWrite, false),
    ] {
        simulators.geocoding().answer_next(fault.clone());
        let error = maps.locate(&house).await.unwrap_err();
        assert_eq!(
            matches!(error, MapFault::Refused(_)),
            is_refused,
            "{fault:?}: {error}"
        );
        let told = error.to_string();
        assert!(
            !told.contains("Elm") && !told.contains(geocoding::KEY),
            "{told}"
        );
    }
    let partial = vec![result(json!({ "partial_match": true }))];
    simulators.geocoding().know("12 Elm", partial);
    for (status, is_refused) in [(403, true), (400, true), (429, false), (500, false)] {
        simulators
            .address_validation()
            .answer_next(Fault::Status(status));
        let error = maps.locate(&house).await.unwrap_err();
        assert_eq!(
            matches!(error, MapFault::Refused(_)),
            is_refused,
            "{status}: {error}"
        );
    }
}

#[tokio::test]
async fn a_map_that_hangs_is_left_after_its_time() {
    let simulators = start().await;
    let config = MapsConfig {
        timeout: Duration::from_millis(50),
        ..config(&simulators)
    };
    let maps = Maps::new(http(), config);
    simulators.geocoding().always(Fault::TimeoutAfterWrite);
    let error = maps
        .locate(&address("12 Elm St, Austin, TX", None))
        .await
        .unwrap_err();
    assert!(matches!(error, MapFault::Unavailable(_)), "{error}");
}
