use std::time::Duration;

use serde_json::{Value, json};
use simulators::Fault;

use crate::world::{World, client, get, send, try_send};

const TOKEN: &str = "pat-na1-simulated-hubspot-token";

fn create(world: &World, name: &str) -> reqwest::RequestBuilder {
    let url = format!(
        "{}/crm/v3/objects/contacts",
        world.simulators.hubspot().base_url()
    );
    client()
        .post(url)
        .bearer_auth(TOKEN)
        .json(&json!({ "properties": { "firstname": name } }))
}

async fn order(world: &World, order: &Value) -> crate::world::Answer {
    let url = format!("{}/_sim/faults", world.simulators.hubspot().base_url());
    send(client().post(url).json(order)).await
}

#[tokio::test]
async fn an_ordered_status_comes_as_ordered_and_does_nothing() {
    let world = World::start().await;
    let fault = json!({ "kind": "status", "status": 503, "retry_after": 3, "body": { "message": "later" } });
    order(
        &world,
        &json!({ "fault": fault, "times": 2, "path_contains": "/contacts" }),
    )
    .await
    .expect(201);
    for _ in 0..2 {
        let answer = send(create(&world, "Ann")).await;
        assert_eq!(answer.header("retry-after"), "3");
        assert_eq!(answer.expect(503), json!({ "message": "later" }));
    }
    assert!(world.simulators.hubspot().contacts().is_empty());
    send(create(&world, "Ann")).await.expect(201);
    let struck: Vec<_> = world
        .simulators
        .hubspot()
        .requests()
        .iter()
        .map(|request| request.fault)
        .collect();
    assert_eq!(struck, [Some("status"), Some("status"), None]);
}

#[tokio::test]
async fn an_order_for_other_paths_or_an_unknown_one_changes_nothing() {
    let world = World::start().await;
    world
        .simulators
        .hubspot()
        .answer_next_to("/deals", Fault::Status(500), 1);
    send(create(&world, "Ann")).await.expect(201);
    let unknown = order(&world, &json!({ "fault": { "kind": "gremlins" } }))
        .await
        .expect(400);
    assert!(unknown["error"].as_str().unwrap().contains("gremlins"));
    let foreign = order(&world, &json!({ "fault": { "kind": "blocked" } }))
        .await
        .expect(400);
    assert!(
        foreign["error"]
            .as_str()
            .unwrap()
            .contains("hubspot does not know")
    );
}

#[tokio::test]
async fn orders_until_cleared_are_listed_and_cleared() {
    let world = World::start().await;
    let url = format!("{}/_sim/faults", world.simulators.hubspot().base_url());
    order(
        &world,
        &json!({ "fault": { "kind": "revoked_token" }, "times": null }),
    )
    .await
    .expect(201);
    for _ in 0..3 {
        send(create(&world, "Ann")).await.expect(401);
    }
    let listed = get(&url).await.expect(200);
    assert_eq!(listed["faults"][0]["fault"]["kind"], "revoked_token");
    assert!(
        listed["known"]
            .as_array()
            .unwrap()
            .contains(&json!("missing_field"))
    );
    assert_eq!(send(client().delete(&url)).await.status, 204);
    send(create(&world, "Ann")).await.expect(201);
}

#[tokio::test]
async fn a_timeout_after_the_write_has_written() {
    let world = World::start().await;
    world
        .simulators
        .hubspot()
        .answer_next(Fault::TimeoutAfterWrite);
    let given_up = try_send(create(&world, "Ann").timeout(Duration::from_millis(300))).await;
    assert!(given_up.unwrap_err().is_timeout());
    assert_eq!(world.simulators.hubspot().contacts().len(), 1);
    assert_eq!(world.simulators.hubspot().requests()[0].status, None);
}

#[tokio::test]
async fn a_reset_after_the_write_has_written_and_breaks_the_answer() {
    let world = World::start().await;
    world
        .simulators
        .hubspot()
        .answer_next(Fault::ResetAfterWrite);
    try_send(create(&world, "Ann")).await.unwrap_err();
    assert_eq!(world.simulators.hubspot().contacts().len(), 1);

    // A provider that answers without a body breaks as well.
    let sendgrid = world.simulators.sendgrid();
    sendgrid.answer_next(Fault::ResetAfterWrite);
    try_send(crate::sendgrid::mail(&world, &crate::sendgrid::message()))
        .await
        .unwrap_err();
    assert_eq!(sendgrid.mails().len(), 1);
}

#[tokio::test]
async fn a_malformed_answer_has_written_but_is_no_json() {
    let world = World::start().await;
    world.simulators.hubspot().answer_next(Fault::Malformed);
    let answer = send(create(&world, "Ann")).await;
    assert_eq!(answer.status, 200);
    serde_json::from_slice::<Value>(&answer.bytes).unwrap_err();
    assert_eq!(world.simulators.hubspot().contacts().len(), 1);
}

#[tokio::test]
async fn a_slow_answer_comes_late_but_whole() {
    let world = World::start().await;
    world
        .simulators
        .hubspot()
        .answer_next(Fault::Slow(Duration::from_millis(200)));
    let before = std::time::Instant::now();
    send(create(&world, "Ann")).await.expect(201);
    assert!(before.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn each_provider_says_too_many_in_its_own_words() {
    let world = World::start().await;
    world.simulators.hubspot().answer_next(Fault::RateLimit);
    let refused = send(create(&world, "Ann")).await.expect(429);
    assert_eq!(refused["policyName"], "TEN_SECONDLY_ROLLING");
    world.simulators.sendgrid().answer_next(Fault::RateLimit);
    let refused = send(crate::sendgrid::mail(&world, &crate::sendgrid::message())).await;
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    assert_eq!(
        refused.expect(429)["errors"][0]["message"],
        "too many requests"
    );
    world.simulators.gemini().answer_next(Fault::RateLimit);
    let refused = send(crate::gemini::request(
        &world,
        &crate::gemini::body("hello"),
    ))
    .await
    .expect(429);
    assert_eq!(refused["error"]["status"], "RESOURCE_EXHAUSTED");
}

#[tokio::test]
async fn dropped_simulators_no_longer_listen() {
    let world = World::start().await;
    let address = world.simulators.hubspot().address();
    drop(world);
    for _ in 0..200 {
        if tokio::net::TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it still listens");
}
