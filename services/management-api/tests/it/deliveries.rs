//! Deliveries as they came, for a person who must see what could not be read.

use management_api::auth::Role::{Operator, Viewer};
use serde_json::json;

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, problem},
};

#[tokio::test]
async fn a_delivery_that_cannot_be_read_can_be_looked_at() {
    let world = World::start().await;
    let came = b"{\"name\": \"Mara Quill\", \"note\": \xff".to_vec();
    let reading = Err("the body is not readable JSON".to_owned());
    let id = world.accept_body("a", reading, came.clone().into()).await;
    let detail = body(&world.get(&format!("/v1/tenants/a/requests/{id}")).await);
    let event = detail["source"]["last_event_id"].as_str().unwrap();
    let path = format!("/v1/tenants/a/deliveries/{event}");

    let shown = body(&world.call_as(Operator, "GET", &path, None).await);
    assert_is_as_described(&shown, "Delivery");
    assert_eq!(shown["request_id"], id.to_string());
    assert_eq!(shown["remark"], "the body is not readable JSON");
    assert_eq!(
        shown["headers"],
        json!({ "content-type": "application/json" })
    );
    assert_eq!(
        (&shown["body_bytes"], &shown["is_cut"]),
        (&json!(came.len()), &json!(false))
    );
    let text = shown["body"].as_str().unwrap();
    assert_eq!(text, "{\"name\": \"Mara Quill\", \"note\": \u{fffd}");

    problem(&world.call_as(Viewer, "GET", &path, None).await, 403);
    let unknown = format!("/v1/tenants/a/deliveries/evt_{}", "0".repeat(32));
    problem(&world.call_as(Operator, "GET", &unknown, None).await, 404);
}

#[tokio::test]
async fn a_long_body_is_shown_in_part() {
    let world = World::start().await;
    let came = "é".repeat(40 * 1024);
    let reading = Err("too long to be a lead".to_owned());
    let id = world.accept_body("a", reading, came.into()).await;
    let path = format!(
        "/v1/tenants/a/deliveries/{}",
        world.delivery_of("a", id).await
    );
    let shown = body(&world.call_as(Operator, "GET", &path, None).await);
    assert_eq!(
        (&shown["body_bytes"], &shown["is_cut"]),
        (&json!(80 * 1024), &json!(true))
    );
    assert_eq!(shown["body"].as_str().unwrap().len(), 64 * 1024);
}
