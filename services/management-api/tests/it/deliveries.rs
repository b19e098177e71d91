//! Deliveries as they came, for a person who must see what could not be read.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{Reading, Stage};
use management_api::auth::Role::{Operator, PlatformAdmin, Viewer};
use serde_json::{Value, json};
use sources::{Source as _, callrail::CallRail};
use store::{SecurityEvent, Store as _};

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, problem, wrong_fields},
};

#[tokio::test]
async fn a_delivery_that_cannot_be_read_can_be_looked_at() {
    let world = World::start().await;
    let came = b"{\"name\": \"Mara Quill\", \"note\": \xff".to_vec();
    let reading = Err("the body is not readable JSON".to_owned());
    let id = world.accept_body("a", reading, came.clone().into()).await;
    let detail = body(&world.get(&format!("/v1/tenants/a/requests/{id}")).await);
    let event = detail["source"]["last_event_id"].as_str().unwrap();
    let path = format!("/v1/tenants/a/events/{event}");

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
    // It is no text.
    assert_eq!(shown["body_encoding"], "base64");
    assert_eq!(shown["body"], STANDARD.encode(&came));

    let masked = body(&world.call_as(Viewer, "GET", &path, None).await);
    assert_eq!(
        (&masked["body"], &masked["is_masked"]),
        (&json!(""), &json!(true))
    );
    let unknown = format!("/v1/tenants/a/events/evt_{}", "0".repeat(32));
    problem(&world.call_as(Operator, "GET", &unknown, None).await, 404);
}

#[tokio::test]
async fn a_long_body_is_shown_in_part() {
    let world = World::start().await;
    let came = "é".repeat(40 * 1024);
    let reading = Err("too long to be a lead".to_owned());
    let id = world.accept_body("a", reading, came.into()).await;
    let path = format!("/v1/tenants/a/events/{}", world.delivery_of("a", id).await);
    let shown = body(&world.call_as(Operator, "GET", &path, None).await);
    assert_eq!(
        (&shown["body_bytes"], &shown["is_cut"]),
        (&json!(80 * 1024), &json!(true))
    );
    assert_eq!(shown["body"].as_str().unwrap().len(), 64 * 1024);
}

#[tokio::test]
async fn a_viewer_sees_the_shape_and_nobodys_data() {
    let world = World::start().await;
    let came = json!({ "customer_name": "Mara Quill", "customer_phone_number": "+15125550142", "duration": 61 });
    let id = world
        .accept_body("a", unread(), came.to_string().into())
        .await;
    let path = format!("/v1/tenants/a/events/{}", world.delivery_of("a", id).await);
    let shown = body(&world.call_as(Viewer, "GET", &path, None).await);
    assert_is_as_described(&shown, "Delivery");
    assert_eq!(shown["is_masked"], true);
    let text: Value = serde_json::from_str(shown["body"].as_str().unwrap()).unwrap();
    let masked = json!({ "customer_name": "xxxx xxxxx", "customer_phone_number": "+00000000000", "duration": 61 });
    assert_eq!(text, masked);
    let shown = body(&world.call_as(Operator, "GET", &path, None).await);
    assert_eq!(
        (&shown["is_masked"], &shown["body"]),
        (&json!(false), &json!(came.to_string()))
    );
}

#[tokio::test]
async fn deliveries_are_listed_and_filtered() {
    let world = World::start().await;
    let first = world.call(1).await;
    world.clock.advance(Duration::from_secs(60));
    let unreadable = world.accept("a", unread(), 2).await;
    world.clock.advance(Duration::from_secs(60));
    let ignored = || {
        Ok(Reading::Ignored {
            reason: "a receipt".into(),
        })
    };
    world.deliver("a", ignored(), "three".into(), "test").await;
    world.deliver("a", ignored(), "three".into(), "test").await;
    world.call_of("b", 4).await;
    let list = async |query: &str| {
        let path = format!("/v1/tenants/a/events{query}");
        let shown = body(&world.get(&path).await);
        assert_is_as_described(&shown, "DeliveryList");
        shown
    };
    let all = list("").await;
    let outcomes: Vec<_> = items(&all)
        .iter()
        .map(|item| item["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["unused", "unread", "request"]);
    assert_eq!(all["items"][0]["repeats"], 1);
    let page = list("?limit=2").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = list(&format!("?limit=2&cursor={cursor}")).await;
    assert_eq!(rest["items"][0]["request_id"], first.to_string());
    let source = all["items"][0]["source_id"].as_str().unwrap();
    for (query, count) in [
        ("?outcome=unread".to_owned(), 1),
        ("?repeated=true".to_owned(), 1),
        (format!("?request_id={unreadable}"), 1),
        (format!("?source_id={source}&outcome=request"), 1),
        (
            "?source_id=src_0199f3a100007000800000000000002a".to_owned(),
            0,
        ),
        // The tenant has configured no source of it.
        ("?provider=callrail".to_owned(), 0),
        (
            "?from=2020-06-01T12:01:00Z&to=2020-06-01T12:02:00Z".to_owned(),
            1,
        ),
        // Days, as everywhere.
        ("?from=2020-06-01&to=2020-06-01".to_owned(), 3),
        ("?from=2020-06-02".to_owned(), 0),
    ] {
        assert_eq!(items(&list(&query).await).len(), count, "{query}");
    }
    let path =
        "/v1/tenants/a/events?outcome=lost&from=yesterday&limit=0&source_id=7&repeated=2&cursor=x";
    let faults = problem(&world.get(path).await, 422);
    let named = faults["errors"].as_array().unwrap().iter();
    let named: Vec<_> = named
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        named,
        [
            "source_id",
            "outcome",
            "repeated",
            "from",
            "limit",
            "cursor"
        ]
    );
    for (query, field) in [
        ("from=20200601", "from"),
        ("from=2020-06-02&to=2020-06-01", "to"),
        ("from=2020-06-01T12:00:00Z&to=2020-06-01T12:00:00Z", "to"),
    ] {
        let answer = world.get(&format!("/v1/tenants/a/events?{query}")).await;
        assert_eq!(wrong_fields(&answer), [field], "{query}");
    }
    let answer = world.get("/v1/tenants/a/events?nonsense=1&limit=0").await;
    assert_eq!(wrong_fields(&answer), ["nonsense", "limit"]);
}

#[tokio::test]
async fn a_replayed_delivery_is_read_again_and_stays_one() {
    let world = World::start().await;
    let id = world.accept("a", unread(), 1).await;
    let event = world.delivery_of("a", id).await;
    let path = format!("/v1/tenants/a/events/{event}/replay");
    problem(&world.call_as(Viewer, "POST", &path, None).await, 403);
    let replayed = body(&world.call_as(Operator, "POST", &path, None).await);
    assert_is_as_described(&replayed, "ReplayedDelivery");
    assert_eq!(
        replayed,
        json!({ "event_id": event, "request_id": id.to_string() })
    );
    assert_eq!(world.handed_over(Stage::Reading), 1);
    let acts = world.acts().await;
    assert_eq!(
        acts,
        [("ann".to_owned(), "delivery.replay".to_owned(), event)]
    );
}

#[tokio::test]
async fn a_delivery_that_was_not_used_can_make_its_request_later() {
    let world = World::start().await;
    let (source, sample) = (&CallRail, CallRail.spec().samples);
    let sample = sample
        .iter()
        .find(|sample| sample.event == Some("post-call"))
        .unwrap();
    let scheme = source.spec().verification.names()[0];
    let ignored = Ok(Reading::Ignored {
        reason: "not used yet".into(),
    });
    let accepted = world
        .deliver("a", ignored, sample.body.into(), scheme)
        .await;
    let path = format!("/v1/tenants/a/events/{}", accepted.event());
    assert_eq!(body(&world.get(&path).await)["outcome"], "unused");
    let replay = format!("{path}/replay");
    let replayed = body(&world.call_as(Operator, "POST", &replay, None).await);
    let shown = body(&world.get(&path).await);
    assert_eq!(
        (&shown["outcome"], &shown["request_id"]),
        (&json!("request"), &replayed["request_id"])
    );
    let again = body(&world.call_as(Operator, "POST", &replay, None).await);
    assert_eq!(again, replayed);
}

#[tokio::test]
async fn refusals_are_listed_by_tenant_and_without_one() {
    let world = World::start().await;
    let refusal = |tenant: Option<&str>, address: &str| SecurityEvent {
        minute: world.now(),
        address: address.to_owned(),
        reason: "wrong_signature".to_owned(),
        provider: "callrail".to_owned(),
        tenant: tenant.map(str::to_owned),
        count: 3,
        trace_id: "trace".to_owned(),
    };
    let events = vec![
        refusal(Some("a"), "192.0.2.1"),
        refusal(Some("a"), "192.0.2.2"),
        refusal(Some("b"), "192.0.2.3"),
        refusal(None, "192.0.2.4"),
    ];
    world
        .store
        .record_security_events_across_tenants(events)
        .await
        .unwrap();
    let path = "/v1/tenants/a/security-events";
    let page = body(&world.get(&format!("{path}?limit=1")).await);
    assert_is_as_described(&page, "SecurityEventList");
    assert_eq!(page["items"][0]["address"], "192.0.2.2");
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = body(&world.get(&format!("{path}?limit=1&cursor={cursor}")).await);
    assert_eq!(
        (&rest["items"][0]["address"], &rest["next_cursor"]),
        (&json!("192.0.2.1"), &Value::Null)
    );
    let one = body(
        &world
            .get(&format!("{path}?address=192.0.2.1&reason=wrong_signature"))
            .await,
    );
    assert_eq!(items(&one).len(), 1);
    problem(&world.get("/v1/security-events").await, 403);
    let nobody = body(
        &world
            .call_as(PlatformAdmin, "GET", "/v1/security-events", None)
            .await,
    );
    assert_eq!(items(&nobody).len(), 1);
    assert_eq!(nobody["items"][0]["address"], "192.0.2.4");
}

fn unread() -> Result<Reading, String> {
    Err("it cannot be read".to_owned())
}

fn items(list: &Value) -> &Vec<Value> {
    list["items"].as_array().unwrap()
}
