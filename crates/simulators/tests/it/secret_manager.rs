use serde_json::{Value, json};

use crate::world::{Answer, World, client, get, send};

const PROJECT: &str = "projects/p";

fn url(world: &World, path: &str) -> String {
    format!("{}/v1/{path}", world.simulators.secret_manager().base_url())
}

async fn ask(world: &World, path: &str) -> Answer {
    send(client().get(url(world, path)).bearer_auth("any")).await
}

async fn post(world: &World, path: &str, body: &Value) -> Answer {
    send(
        client()
            .post(url(world, path))
            .bearer_auth("any")
            .json(body),
    )
    .await
}

async fn create(world: &World, parent: &str, id: &str) -> Answer {
    let body = json!({ "replication": { "automatic": {} } });
    post(world, &format!("{parent}/secrets?secretId={id}"), &body).await
}

fn payload(data: &str, checksum: &str) -> Value {
    json!({ "payload": { "data": data, "dataCrc32c": checksum } })
}

#[tokio::test]
async fn versions_count_from_one_and_the_newest_enabled_is_latest() {
    let world = World::start().await;
    create(&world, PROJECT, "key").await.expect(200);
    create(&world, PROJECT, "key").await.expect(409);
    // `hello` and `world`, with their CRC32C in decimal.
    for (number, data, checksum) in [(1, "aGVsbG8=", "2591144780"), (2, "d29ybGQ=", "833257806")] {
        let added = post(
            &world,
            "projects/p/secrets/key:addVersion",
            &payload(data, checksum),
        )
        .await;
        let added = added.expect(200);
        assert_eq!(
            added["name"],
            format!("projects/p/secrets/key/versions/{number}")
        );
    }
    let latest = ask(&world, "projects/p/secrets/key/versions/latest:access")
        .await
        .expect(200);
    assert_eq!(
        latest["payload"],
        json!({ "data": "d29ybGQ=", "dataCrc32c": "833257806" })
    );

    post(
        &world,
        "projects/p/secrets/key/versions/2:destroy",
        &json!({}),
    )
    .await
    .expect(200);
    let refused = ask(&world, "projects/p/secrets/key/versions/2:access")
        .await
        .expect(400);
    assert_eq!(refused["error"]["status"], "FAILED_PRECONDITION");
    let latest = ask(&world, "projects/p/secrets/key/versions/latest:access")
        .await
        .expect(200);
    assert_eq!(latest["name"], "projects/p/secrets/key/versions/1");
    let listed = ask(
        &world,
        "projects/p/secrets/key/versions?filter=state:ENABLED&pageSize=1",
    )
    .await;
    assert_eq!(listed.expect(200)["versions"].as_array().unwrap().len(), 1);
    ask(&world, "projects/p/secrets/key/versions/3:access")
        .await
        .expect(404);
}

#[tokio::test]
async fn data_is_checked_as_the_real_one_checks_it() {
    let world = World::start().await;
    create(&world, PROJECT, "key").await.expect(200);
    let too_long = "A".repeat(4 * (64 * 1024 / 3 + 1));
    for (body, why) in [
        (payload("aGVsbG8=", "1"), "checksum"),
        (json!({ "payload": { "data": "" } }), "empty"),
        (json!({ "payload": { "data": "%" } }), "TYPE_BYTES"),
        (json!({ "payload": { "data": too_long } }), "65536"),
    ] {
        let refused = post(&world, "projects/p/secrets/key:addVersion", &body)
            .await
            .expect(400);
        assert!(
            refused["error"]["message"].as_str().unwrap().contains(why),
            "{refused}"
        );
    }
    for id in ["a.b", "", &"x".repeat(256)] {
        create(&world, PROJECT, id).await.expect(400);
    }
    post(&world, "projects/p/secrets?secretId=key2", &json!({}))
        .await
        .expect(400);
    create(&world, "projects/p/locations/europe-west3", "key")
        .await
        .expect(400);
}

#[tokio::test]
async fn secrets_are_listed_by_name_in_pages() {
    let world = World::start().await;
    for id in ["t-a", "t-b", "t-c", "u-a"] {
        create(&world, PROJECT, id).await.expect(200);
    }
    let first = ask(&world, "projects/p/secrets?filter=name:t-&pageSize=2")
        .await
        .expect(200);
    assert_eq!(first["secrets"].as_array().unwrap().len(), 2);
    let token = first["nextPageToken"].as_str().unwrap();
    let last = ask(
        &world,
        &format!("projects/p/secrets?filter=name:t-&pageSize=2&pageToken={token}"),
    )
    .await;
    let last = last.expect(200);
    assert_eq!(
        (
            last["secrets"].as_array().unwrap().len(),
            &last["nextPageToken"]
        ),
        (1, &Value::Null)
    );
    for query in [
        "pageSize=many",
        "pageToken=x",
        "filter=labels.a:b",
        "limit=5",
    ] {
        let refused = ask(&world, &format!("projects/p/secrets?{query}"))
            .await
            .expect(400);
        assert_eq!(refused["error"]["status"], "INVALID_ARGUMENT", "{query}");
    }
}

#[tokio::test]
async fn who_has_no_token_is_refused_and_views_show_no_data() {
    let world = World::start().await;
    get(&url(&world, "projects/p/secrets")).await.expect(401);
    create(&world, PROJECT, "key").await.expect(200);
    post(
        &world,
        "projects/p/secrets/key:addVersion",
        &payload("aGVsbG8=", "2591144780"),
    )
    .await
    .expect(200);
    let base = world.simulators.secret_manager().base_url();
    let view = get(&format!("{base}/_sim/secrets")).await.expect(200);
    assert_eq!(view["secrets"][0]["versions"], json!(["ENABLED"]));
    let received = get(&format!("{base}/_sim/requests"))
        .await
        .expect(200)
        .to_string();
    assert!(!received.contains("aGVsbG8="), "{received}");
}
