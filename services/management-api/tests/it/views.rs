//! Preferences and saved views.

use management_api::auth::Role::{TenantAdmin, Viewer};
use serde_json::{Value, json};

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, problem, wrong_fields},
};

const VIEWS: &str = "/v1/tenants/a/views";

fn view(is_shared: bool) -> Value {
    json!({ "name": "Kitchens", "page": "leads", "search": "q=kitchen", "is_shared": is_shared })
}

#[tokio::test]
async fn preferences_stay_with_their_person() {
    let world = World::start().await;
    let (_, ann) = world.joined("a", "ann@example.com", Viewer).await;
    let (_, bob) = world.joined("a", "bob@example.com", Viewer).await;
    let path = "/v1/me/preferences";
    let new = json!({ "preferences": { "theme": "dark", "density": 2 } });
    let kept = body(&world.call_by(&ann, "PUT", path, &new).await);
    assert_eq!(kept, new);
    assert_eq!(
        body(&world.get_with("/v1/me", &ann).await)["preferences"],
        new["preferences"]
    );
    assert_eq!(
        body(&world.get_with("/v1/me", &bob).await)["preferences"],
        json!({})
    );
    let large = json!({ "preferences": { "x": "y".repeat(9_000) } });
    assert_eq!(
        wrong_fields(&world.call_by(&ann, "PUT", path, &large).await),
        ["preferences"]
    );
}

#[tokio::test]
async fn a_view_is_saved_shared_and_removed() {
    let world = World::start().await;
    let (_, ann) = world.joined("a", "ann@example.com", Viewer).await;
    let (_, bob) = world.joined("a", "bob@example.com", Viewer).await;
    let (_, admin) = world.joined("a", "cid@example.com", TenantAdmin).await;
    let path = format!("{VIEWS}/kitchens");
    let saved = body(&world.call_by(&ann, "PUT", &path, &view(false)).await);
    assert_is_as_described(&saved, "SavedView");
    assert_eq!(saved["is_own"], true);
    problem(&world.get_with(&path, &bob).await, 404);
    problem(
        &world.call_by(&bob, "DELETE", &path, &Value::Null).await,
        404,
    );
    // Nothing tells Bob that Ann has one.
    body(&world.call_by(&bob, "PUT", &path, &view(false)).await);
    body(&world.call_by(&bob, "DELETE", &path, &Value::Null).await);
    body(&world.call_by(&ann, "PUT", &path, &view(true)).await);
    assert_eq!(body(&world.get_with(&path, &bob).await)["is_own"], false);
    problem(&world.call_by(&bob, "PUT", &path, &view(false)).await, 409);
    let list = body(&world.get_with(VIEWS, &bob).await);
    assert_is_as_described(&list, "SavedViewList");
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    problem(
        &world.call_by(&bob, "DELETE", &path, &Value::Null).await,
        409,
    );
    body(&world.call_by(&admin, "DELETE", &path, &Value::Null).await);
    problem(&world.get_with(&path, &ann).await, 404);
}

#[tokio::test]
async fn every_fault_of_a_view_is_named() {
    let world = World::start().await;
    let (_, ann) = world.joined("a", "ann@example.com", Viewer).await;
    let wrong = json!({ "name": "", "page": "A b", "search": "\n", "is_shared": false });
    let answer = world
        .call_by(&ann, "PUT", &format!("{VIEWS}/Not-A-Word"), &wrong)
        .await;
    assert_eq!(wrong_fields(&answer), ["view_id", "name", "page", "search"]);

    // A page that there is not would never show it.
    let nowhere =
        json!({ "name": "Kitchens", "page": "kitchens", "search": "", "is_shared": false });
    let answer = world
        .call_by(&ann, "PUT", &format!("{VIEWS}/kitchens"), &nowhere)
        .await;
    assert_eq!(wrong_fields(&answer), ["page"]);
    let refused = problem(&answer, 422).to_string();
    assert!(refused.contains("one of leads, review"), "{refused}");
}
