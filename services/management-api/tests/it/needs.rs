//! Which of the tenants that somebody sees need them first.

use std::time::Duration;

use domain::{Outcome, Stage, WorkQueue as _};
use management_api::auth::Role::{PlatformAdmin, Viewer};
use serde_json::{Value, json};

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

    // A step of `b` is held for a connection whose secret its provider refuses.
    world.connection_of("b").await;
    world.call_of("b", 1).await;
    let store = &world.store;
    let due = store.due_work(&tenant("b"), Stage::Details, 1).await;
    let claimed = store.claim(&due.unwrap()[0], Duration::from_secs(60)).await;
    let hold = Outcome::Hold {
        connection: domain::ConnectionName::new("hubspot").unwrap(),
        version: 1,
        reason: "it takes the token no more".to_owned(),
        answer: None,
    };
    let job = claimed.unwrap().unwrap();
    world.settle_claimed(&job, hold, Vec::new()).await;
    assert_eq!(ids(&world, &both).await, ["b", "a"]);
    let shown = body(&world.get_with(PATH, &both).await);
    let needs = |at: usize| {
        let item = &shown["items"][at];
        (item["stuck"].clone(), item["refused_connections"].clone())
    };
    assert_eq!(needs(0), (json!(1), json!(["hubspot"])));
    assert_eq!(needs(1), (json!(0), json!([])));

    let one = world.token(&[Viewer], &["a"]);
    assert_eq!(ids(&world, &one).await, ["a"]);
    let none = world.token(&[Viewer], &[]);
    assert_eq!(ids(&world, &none).await, [""; 0]);
    let platform = world.token(&[PlatformAdmin], &[]);
    assert_eq!(ids(&world, &platform).await, ["b", "a"]);
    let refused: Value = problem(&world.get_openly(PATH).await, 401);
    assert_eq!(refused["status"], 401);
}
