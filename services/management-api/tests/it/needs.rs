//! Which of the tenants that somebody sees need them first.

use domain::{Outcome, Stage};
use management_api::auth::Role::{PlatformAdmin, Viewer};
use serde_json::{Value, json};
use store::{Connection, ConnectionState, Store as _};

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, problem, tenant},
};

const PATH: &str = "/v1/me/tenants";

async fn ids(world: &World, token: &secrecy::SecretString) -> Vec<String> {
    let shown = body(&world.get_with(PATH, token).await);
    assert_is_as_described(&shown, "TenantNeedsList");
    let items = shown["items"].as_array().unwrap().iter();
    items
        .map(|one| one["tenant_id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn who_needs_somebody_comes_first_and_only_what_one_sees_is_there() {
    let world = World::start().await;
    let both = world.token(&[Viewer], &["a", "b"]);
    assert_eq!(ids(&world, &both).await, ["a", "b"]);

    // A connection of `b` is refused.
    world.connection_of("b").await;
    let connections = world.store.connections(&tenant("b")).await.unwrap();
    let refused = Connection {
        state: ConnectionState::Refused,
        ..connections[0].clone()
    };
    world.store.put_connection(&refused).await.unwrap();
    assert_eq!(ids(&world, &both).await, ["b", "a"]);
    // One of `a`, too, and a step is held for it.
    world.connection_of("a").await;
    world.call(1).await;
    let hold = Outcome::Hold {
        connection: domain::ConnectionName::new("hubspot").unwrap(),
        version: 1,
        reason: "it takes the token no more".to_owned(),
        answer: None,
    };
    world.settle(Stage::Details, hold, Vec::new()).await;
    let shown = body(&world.get_with(PATH, &both).await);
    let items = shown["items"].as_array().unwrap();
    for (item, id, stuck) in [(&items[0], "a", 1), (&items[1], "b", 0)] {
        assert_eq!((&item["tenant_id"], &item["stuck"]), (&json!(id), &json!(stuck)));
        assert_eq!(item["refused_connections"], json!(["hubspot"]));
    }

    let one = world.token(&[Viewer], &["a"]);
    assert_eq!(ids(&world, &one).await, ["a"]);
    let none = world.token(&[Viewer], &[]);
    assert_eq!(ids(&world, &none).await, [""; 0]);
    let platform = world.token(&[PlatformAdmin], &[]);
    assert_eq!(ids(&world, &platform).await, ["a", "b"]);
    let refused: Value = problem(&world.get_openly(PATH).await, 401);
    assert_eq!(refused["status"], 401);
}
