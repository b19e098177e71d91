//! What every call passes: limits, and the names of calls.

use std::time::Duration;

use management_api::auth::Role::{Operator, PlatformAdmin, TenantAdmin, Viewer};
use serde_json::json;

use crate::world::{World, body, problem};

const TENANTS: &str = "/v1/tenants";

#[tokio::test]
async fn a_named_call_is_done_once_and_answered_twice() {
    let world = World::start().await;
    let id = world.accept("a", Err("not yet".to_owned()), 1).await;
    let path = format!(
        "/v1/tenants/a/events/{}/replay",
        world.delivery_of("a", id).await
    );
    let call = async |key: &str| {
        world
            .call_with(Operator, "POST", &path, None, Some(key))
            .await
    };
    let (first, again) = (call("one").await, call("one").await);
    assert_eq!(body(&first), body(&again));
    assert_eq!(first.header("idempotent-replayed"), None);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(world.acts().await.len(), 1);
    body(&call("another").await);
    assert_eq!(world.acts().await.len(), 2);
    world.clock.advance(Duration::from_secs(25 * 3_600));
    body(&call("one").await);
    assert_eq!(world.acts().await.len(), 3, "a name is kept for a day");
}

#[tokio::test]
async fn a_repeat_is_answered_with_the_version_and_to_whoever_may_still_call() {
    let world = World::start().await;
    let path = "/v1/tenants/a/offices";
    let new = json!({ "name": "Austin", "time_zone": "America/Chicago" });
    let call = async |role| {
        world
            .call_with(role, "POST", path, Some(&new), Some("k"))
            .await
    };
    let (first, again) = (call(TenantAdmin).await, call(TenantAdmin).await);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(
        (first.header("etag"), again.header("etag")),
        (Some("\"1\""), Some("\"1\""))
    );
    // Meanwhile she became a viewer.
    problem(&call(Viewer).await, 403);
}

#[tokio::test]
async fn a_name_is_for_one_body_and_free_after_a_failure() {
    let world = World::start().await;
    let create = async |id: &str, key: &str| {
        let new = json!({ "tenant_id": id, "name": "Acme" });
        world
            .call_with(PlatformAdmin, "POST", TENANTS, Some(&new), Some(key))
            .await
    };
    assert_eq!(create("acme", "k1").await.status, 201);
    let other = problem(&create("acme-two", "k1").await, 422);
    assert_eq!(other["type"], "/problems/idempotency-key-reused");
    assert_eq!(other["errors"][0]["field"], "Idempotency-Key");
    problem(&create("Not A Slug", "k2").await, 422);
    assert_eq!(create("acme-three", "k2").await.status, 201);
    problem(&create("acme-four", "two words").await, 422);
}

#[tokio::test]
async fn an_answer_with_a_secret_is_not_kept() {
    let world = World::start().await;
    let source = world.source_of("a").await;
    let path = format!("/v1/tenants/a/sources/{source}/keys");
    let key = json!({ "signing_key": "0f1e2d3c4b5a69788796a5b4c3d2e1f0" });
    let call = async || {
        world
            .call_with(TenantAdmin, "POST", &path, Some(&key), Some("k"))
            .await
    };
    assert_eq!(call().await.status, 201);
    let again = problem(&call().await, 409);
    assert_eq!(again["type"], "/problems/idempotency-answer-gone");
    assert_eq!(world.acts().await.len(), 1);
}

#[tokio::test]
async fn each_answer_tells_what_is_left() {
    let world = World::start_limited(3, 5).await;
    let path = "/v1/tenants/a/sources";
    let first = world.get(path).await;
    assert_eq!(
        first.header("ratelimit-policy"),
        Some(r#""caller";q=3;w=60, "tenant";q=5;w=60"#)
    );
    assert_eq!(
        first.header("ratelimit"),
        Some(r#""caller";r=2;t=20, "tenant";r=4;t=12"#)
    );
    world.get(path).await;
    assert_eq!(world.get(path).await.status, 200);
    let over = world.get(path).await;
    let shown = problem(&over, 429);
    assert_eq!(shown["type"], "/problems/too-many-requests");
    assert_eq!(over.header("retry-after"), Some("20"));
    assert_eq!(over.header("ratelimit"), Some(r#""caller";r=0;t=20"#));
    assert_eq!(
        world.get_openly("/v1/openapi.json").await.status,
        200,
        "it takes no token"
    );
    world.clock.advance(Duration::from_secs(20));
    assert_eq!(world.get(path).await.status, 200);
}

#[tokio::test]
async fn a_tenants_limit_is_shared_by_its_callers() {
    let world = World::start_limited(100, 2).await;
    for status in [200, 200, 429] {
        assert_eq!(world.get("/v1/tenants/a/sources").await.status, status);
    }
    // A tenant that the caller does not see is not counted, and stays unknown.
    for _ in 0..4 {
        problem(&world.get("/v1/tenants/b/sources").await, 404);
    }
    let token = world.token(&[Viewer], &["b"]);
    assert_eq!(
        world.get_with("/v1/tenants/b/sources", &token).await.status,
        200
    );
}
