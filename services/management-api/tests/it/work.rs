//! Stopped work: listed, counted, and set going again.

use domain::{Outcome, ParkCause, RequestId, Stage};
use management_api::auth::Role::{Operator, Viewer};
use serde_json::{Value, json};

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, problem, wrong_fields},
};

const PATH: &str = "/v1/tenants/a/work";

pub(crate) fn park(cause: ParkCause) -> Outcome {
    Outcome::Park {
        cause,
        reason: "the call is gone".to_owned(),
        answer: Some("404 Not Found".to_owned()),
    }
}

pub(crate) fn hold() -> Outcome {
    Outcome::Hold {
        connection: domain::ConnectionName::new("callrail").unwrap(),
        version: 1,
        reason: "CallRail takes the key no more".to_owned(),
        answer: None,
    }
}

/// A request whose first step stopped so.
pub(crate) async fn stopped(world: &World, number: u32, outcome: Outcome) -> RequestId {
    let id = world.call(number).await;
    world.settle(Stage::Details, outcome, Vec::new()).await;
    id
}

async fn list(world: &World, query: &str) -> Value {
    let shown = body(
        &world
            .call_as(Viewer, "GET", &format!("{PATH}{query}"), None)
            .await,
    );
    assert_is_as_described(&shown, "StoppedStepList");
    shown
}

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["request_id"].as_str().unwrap().to_owned())
        .collect()
}

async fn redrive(world: &World, body: &Value) -> http_client::Response {
    let path = format!("{PATH}/redrive");
    world.call_as(Operator, "POST", &path, Some(body)).await
}

async fn redriven(world: &World, choice: &Value) -> u64 {
    let shown = body(&redrive(world, choice).await);
    assert_is_as_described(&shown, "Redriven");
    shown["redriven"].as_u64().unwrap()
}

#[tokio::test]
async fn stopped_work_is_listed_and_counted_by_reason() {
    let world = World::start().await;
    world.connection_of("a").await;
    let held = stopped(&world, 1, hold()).await;
    let gone = stopped(&world, 2, park(ParkCause::Permanent)).await;
    let tried = stopped(&world, 3, park(ParkCause::Exhausted)).await;
    world.call(4).await;
    let all = list(&world, "").await;
    assert_eq!(
        ids(&all),
        [held.to_string(), gone.to_string(), tried.to_string()]
    );
    assert_eq!(
        all["items"][1],
        json!({
            "request_id": gone.to_string(), "stage": "details", "target": null, "state": "parked",
            "cause": "permanent", "connection": null, "reason": "the call is gone",
            "answer": "404 Not Found", "attempts": 0, "created_at": "2020-06-01T12:00:00Z",
        })
    );
    for (query, expected) in [
        ("?state=held", vec![held]),
        ("?state=parked", vec![gone, tried]),
        ("?cause=exhausted", vec![tried]),
        ("?connection=callrail", vec![held]),
        ("?connection=hubspot", vec![]),
        ("?stage=details&state=parked&cause=permanent", vec![gone]),
        ("?stage=dispatch", vec![]),
        (&format!("?request={tried}"), vec![tried]),
    ] {
        let expected: Vec<_> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(ids(&list(&world, query).await), expected, "{query}");
    }

    let counts = body(
        &world
            .call_as(Viewer, "GET", &format!("{PATH}/counts"), None)
            .await,
    );
    assert_is_as_described(&counts, "StoppedCounts");
    let reason = |item: &Value| {
        (
            item["state"].clone(),
            item["cause"].clone(),
            item["connection"].clone(),
            item["steps"].clone(),
        )
    };
    let reasons: Vec<_> = counts["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(reason)
        .collect();
    assert_eq!(reasons.len(), 3);
    for expected in [
        (json!("held"), Value::Null, json!("callrail"), json!(1)),
        (json!("parked"), json!("permanent"), Value::Null, json!(1)),
        (json!("parked"), json!("exhausted"), Value::Null, json!(1)),
    ] {
        assert!(reasons.contains(&expected), "{expected:?} in {reasons:?}");
    }
}

#[tokio::test]
async fn every_filter_that_is_wrong_is_named() {
    let world = World::start().await;
    let query = "?limit=0&state=ready&stage=x&cause=y&connection=A&request=1&cursor=z";
    let answer = world
        .call_as(Viewer, "GET", &format!("{PATH}{query}"), None)
        .await;
    let mut fields = wrong_fields(&answer);
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "cause",
            "connection",
            "cursor",
            "limit",
            "request",
            "stage",
            "state"
        ]
    );
    assert!(
        answer.text_lossy(2_000).contains("exhausted"),
        "the words are told"
    );
    problem(
        &world
            .call_as(Viewer, "GET", &format!("{PATH}?stat=held"), None)
            .await,
        400,
    );
}

#[tokio::test]
async fn one_step_is_redriven_and_a_second_time_it_is_a_conflict() {
    let world = World::start().await;
    let id = stopped(&world, 1, park(ParkCause::Permanent)).await;
    let one = json!({ "request_id": id.to_string(), "stage": "details" });
    assert_eq!(redriven(&world, &one).await, 1);
    assert_eq!(world.handed_over(Stage::Details), 1);
    assert!(
        list(&world, "").await["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let shown = problem(&redrive(&world, &one).await, 409);
    assert!(
        shown["detail"]
            .as_str()
            .unwrap()
            .contains("neither held nor parked"),
        "{shown}"
    );
    // It really runs again, and can stop and be redriven again.
    world
        .settle(Stage::Details, park(ParkCause::Permanent), Vec::new())
        .await;
    assert_eq!(redriven(&world, &one).await, 1);
    world.claim(Stage::Details).await;
    let act = ("ann".to_owned(), "work.redrive".to_owned(), id.to_string());
    assert_eq!(world.acts().await, [act.clone(), act]);

    let unknown = json!({ "request_id": format!("req_{}", "0".repeat(32)), "stage": "details" });
    problem(&redrive(&world, &unknown).await, 404);
    let other = json!({ "request_id": id.to_string(), "stage": "dispatch", "target": "hubspot" });
    problem(&redrive(&world, &other).await, 409);
}

#[tokio::test]
async fn one_step_is_named_whole() {
    let world = World::start().await;
    let id = stopped(&world, 1, park(ParkCause::Permanent))
        .await
        .to_string();
    for (choice, field) in [
        (json!({}), "request_id"),
        (json!({ "request_id": id }), "stage"),
        (json!({ "all": true }), "all"),
        (json!({ "request_id": id, "stage": "nowhere" }), "stage"),
        (
            json!({ "request_id": id, "stage": "details", "target": "hubspot" }),
            "target",
        ),
        (
            json!({ "request_id": "1", "stage": "details" }),
            "request_id",
        ),
    ] {
        let answer = redrive(&world, &choice).await;
        let text = answer.text_lossy(500);
        assert_eq!(answer.status, 422, "{choice}: {text}");
        assert!(text.contains(field), "{choice}: {text}");
    }
    let path = format!("{PATH}/redrive");
    problem(&world.call_as(Operator, "POST", &path, None).await, 415);
    assert_eq!(ids(&list(&world, "").await), [id]);
    assert!(world.acts().await.is_empty());
}
