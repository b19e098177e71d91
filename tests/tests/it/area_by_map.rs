//! A service area that is drawn on a map, and leads of which only the map tells whether they are in it.

use domain::{Radius, RequestId, ServiceArea, Status};
use http::StatusCode;
use serde_json::{Value, json};
use simulators::Fault;
use tests::{Form, World, in_both_forms};

in_both_forms![a_map_tells_whether_a_lead_is_in_a_drawn_area];

/// Everything within 25 miles of Austin: Round Rock is in it, Dallas is not.
async fn draw_area(world: &World) {
    for mut office in world.store.offices(&world.tenant()).await.unwrap() {
        office.config.service_area = ServiceArea {
            radius: Some(Radius {
                latitude: 30.2672,
                longitude: -97.7431,
                miles: 25.0,
            }),
            ..ServiceArea::default()
        };
        world.store.put_office(&office).await.unwrap();
    }
}

/// Posts a lead whose project is there, and waits until all is done.
async fn lead(world: &World, id: &str, place: Value, status: Status) -> Value {
    let lead = json!({
        "external_id": id,
        "contact": { "name": "Nora Whitlock", "phone": "(512) 555-0188" },
        "place": place,
        "message": "We would like a quote for remodeling our bathroom.",
    });
    let posted = world
        .post_to_api("/v1/tenants/tenant_demo/leads", &lead)
        .await;
    assert_eq!(posted.status, StatusCode::ACCEPTED, "{posted:?}");
    let request: RequestId = posted.body["request_id"].as_str().unwrap().parse().unwrap();
    world.becomes(request, status).await;
    world.shown(request).await["qualification"].clone()
}

fn asked(world: &World) -> usize {
    world.simulators().geocoding().requests().len()
}

async fn a_map_tells_whether_a_lead_is_in_a_drawn_area(form: Form) {
    let world = World::of(form).await;
    draw_area(&world).await;
    let round_rock = |street: &str| json!({ "address": street, "city": "Round Rock", "state": "TX", "postal_code": "78664" });
    let near = lead(&world, "near", round_rock("12 Elm St"), Status::Completed).await;
    assert_eq!(
        (&near["area"], &near["map"]),
        (&json!("in"), &json!("found")),
        "{near}"
    );
    assert_eq!(near["area_because"], "radius");

    let dallas = json!({ "address": "900 Main St", "city": "Dallas", "state": "TX", "postal_code": "75201" });
    let far = lead(&world, "far", dallas, Status::OutOfArea).await;
    assert_eq!(
        (&far["area"], &far["map"]),
        (&json!("out"), &json!("found")),
        "{far}"
    );
    assert_eq!(asked(&world), 2);

    // What is no house is not asked for.
    let street = lead(
        &world,
        "street",
        round_rock("Elm Street"),
        Status::Completed,
    )
    .await;
    assert_eq!(
        (&street["area"], &street["map"]),
        (&json!("unknown"), &Value::Null)
    );
    assert_eq!(asked(&world), 2);

    // Geocoding knows several, and Address Validation is not sure either.
    let result = json!({
        "address_components": [], "geometry": { "location": { "lat": 30.5, "lng": -97.6 }, "location_type": "ROOFTOP" },
    });
    world
        .simulators()
        .geocoding()
        .know("77 Oak", vec![result.clone(), result]);
    let confirm = json!({ "possibleNextAction": "CONFIRM" });
    world
        .simulators()
        .address_validation()
        .say("77 Oak", confirm);
    let doubtful = lead(
        &world,
        "doubtful",
        round_rock("77 Oak St"),
        Status::Completed,
    )
    .await;
    assert_eq!(
        (&doubtful["area"], &doubtful["map"]),
        (&json!("unknown"), &json!("doubtful"))
    );

    // A map that is down holds up no lead, and what it said before is known.
    world.simulators().geocoding().always(Fault::Status(503));
    let down = lead(&world, "down", round_rock("14 Elm St"), Status::Completed).await;
    assert_eq!(
        (&down["area"], &down["map"]),
        (&json!("unknown"), &json!("unavailable"))
    );
    let before = asked(&world);
    let again = lead(
        &world,
        "again",
        round_rock("12 Elm Street, Apt 4"),
        Status::Completed,
    )
    .await;
    assert_eq!(
        (&again["area"], &again["map"]),
        (&json!("in"), &json!("found"))
    );
    assert_eq!(asked(&world), before);
    world.finish().await;
}
