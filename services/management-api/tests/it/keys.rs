//! Keys by which programs call.

use std::time::Duration;

use management_api::auth::Role::TenantAdmin;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, created, problem, wrong_fields},
};

const KEYS: &str = "/v1/tenants/a/api-keys";
const REQUESTS: &str = "/v1/tenants/a/requests";

async fn key(world: &World, new: Value) -> (Value, SecretString) {
    let made = created(&world.call_as(TenantAdmin, "POST", KEYS, Some(&new)).await);
    assert_is_as_described(&made, "CreatedApiKey");
    let key = made["key"].as_str().unwrap().to_owned();
    (made["api_key"].clone(), key.into())
}

async fn listed(world: &World) -> Value {
    let list = body(&world.call_as(TenantAdmin, "GET", KEYS, None).await);
    assert_is_as_described(&list, "ApiKeyList");
    list
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_say_in_its_tenant_alone() {
    let world = World::start().await;
    let jobs = "/v1/tenants/a/jobs";
    for (scopes, opened) in [
        (json!(["ingest"]), [403, 403, 403]),
        (json!(["read", "ingest"]), [200, 403, 403]),
        (json!(["operate"]), [200, 202, 403]),
        (json!(["admin"]), [200, 202, 200]),
    ] {
        let (shown, key) = key(&world, json!({ "name": "k", "scopes": scopes })).await;
        let redrive = json!({ "kind": "redrive", "filter": { "stage": "analysis" } });
        let answers = [
            world.get_with(REQUESTS, &key).await.status.as_u16(),
            world
                .call_by(&key, "POST", jobs, &redrive)
                .await
                .status
                .as_u16(),
            world.get_with(KEYS, &key).await.status.as_u16(),
        ];
        assert_eq!(answers, opened, "{shown}");
        problem(&world.get_with("/v1/tenants/b/requests", &key).await, 404);
        let me = body(&world.get_with("/v1/me", &key).await);
        assert_eq!(
            (&me["subject"], &me["is_program"]),
            (&shown["key_id"], &json!(true))
        );
        let preferences = json!({ "preferences": {} });
        problem(
            &world
                .call_by(&key, "PUT", "/v1/me/preferences", &preferences)
                .await,
            403,
        );
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_its_beginning_for_good() {
    let world = World::start().await;
    let (shown, key) = key(
        &world,
        json!({ "name": "Reports", "scopes": ["read", "read"] }),
    )
    .await;
    let text = secrecy::ExposeSecret::expose_secret(&key).to_owned();
    assert_eq!(shown["scopes"], json!(["read"]));
    let list = listed(&world).await;
    assert!(!list.to_string().contains(&text));
    let prefix = list["items"][0]["prefix"].as_str().unwrap();
    assert!(
        text.starts_with(prefix) && prefix.starts_with("mip_"),
        "{prefix}"
    );
    let acts = world.audit("a").await;
    assert!(
        acts.iter()
            .all(|entry| !format!("{entry:?}").contains(&text))
    );
    assert_eq!(acts[0].action, "api_key.create");
}

#[tokio::test]
async fn a_revoked_or_expired_key_is_refused() {
    let world = World::start().await;
    let (first, revoked) = key(&world, json!({ "name": "k", "scopes": ["read"] })).await;
    let ends = json!({ "name": "k", "scopes": ["read"], "expires_at": "2020-06-01T12:01:00Z" });
    let (_, expiring) = key(&world, ends).await;
    body(&world.get_with(REQUESTS, &revoked).await);
    let path = format!("{KEYS}/{}", first["key_id"].as_str().unwrap());
    for _ in 0..2 {
        let shown = body(&world.call_as(TenantAdmin, "DELETE", &path, None).await);
        assert_is_as_described(&shown, "ApiKey");
        assert_eq!(shown["revoked_at"], "2020-06-01T12:00:00Z");
    }
    let shown = problem(&world.get_with(REQUESTS, &revoked).await, 401);
    assert!(
        shown["detail"].as_str().unwrap().contains("revoked"),
        "{shown}"
    );
    body(&world.get_with(REQUESTS, &expiring).await);
    world.clock.advance(Duration::from_secs(60));
    let shown = problem(&world.get_with(REQUESTS, &expiring).await, 401);
    assert!(
        shown["detail"].as_str().unwrap().contains("expired"),
        "{shown}"
    );
    let acts: Vec<_> = world
        .acts()
        .await
        .into_iter()
        .map(|(_, action, _)| action)
        .collect();
    assert_eq!(acts, ["api_key.create", "api_key.create", "api_key.revoke"]);
}

#[tokio::test]
async fn the_use_of_a_key_is_seen_to_the_minute() {
    let world = World::start().await;
    let (_, key) = key(&world, json!({ "name": "k", "scopes": ["read"] })).await;
    let used = async || listed(&world).await["items"][0]["last_used_at"].clone();
    assert_eq!(used().await, Value::Null);
    for (seconds, expected) in [
        (0, "2020-06-01T12:00:00Z"),
        (59, "2020-06-01T12:00:00Z"),
        (1, "2020-06-01T12:01:00Z"),
    ] {
        world.clock.advance(Duration::from_secs(seconds));
        body(&world.get_with(REQUESTS, &key).await);
        assert_eq!(used().await, expected);
    }
}

#[tokio::test]
async fn keys_that_were_made_up_cost_few_looks_into_the_store() {
    let world = World::start().await;
    let (_, genuine) = key(&world, json!({ "name": "k", "scopes": ["read"] })).await;
    let text = secrecy::ExposeSecret::expose_secret(&genuine).to_owned();
    // Not well formed: refused without a look, however many.
    for _ in 0..40 {
        let mistyped = SecretString::from(text.replace("mip_", "mip_X"));
        problem(&world.get_with(REQUESTS, &mistyped).await, 401);
    }
    let unknown = SecretString::from(well_formed());
    for _ in 0..30 {
        problem(&world.get_with(REQUESTS, &unknown).await, 401);
    }
    let answer = world.get_with(REQUESTS, &unknown).await;
    problem(&answer, 429);
    assert!(answer.header("retry-after").is_some());
    world.clock.advance(Duration::from_secs(60));
    body(&world.get_with(REQUESTS, &genuine).await);
}

/// A key that is one by its form, and nobody's.
fn well_formed() -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let secret = URL_SAFE_NO_PAD.encode([7; 32]);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    let check: String = hex::encode(digest).chars().take(6).collect();
    format!("mip_{secret}{check}")
}

#[tokio::test]
async fn every_fault_of_a_new_key_is_named() {
    let world = World::start().await;
    let wrong =
        json!({ "name": " x", "scopes": ["read", "all"], "expires_at": "2020-06-01T12:00:00Z" });
    let answer = world.call_as(TenantAdmin, "POST", KEYS, Some(&wrong)).await;
    assert_eq!(wrong_fields(&answer), ["name", "scopes.1", "expires_at"]);
    let none = json!({ "name": "x", "scopes": [] });
    let answer = world.call_as(TenantAdmin, "POST", KEYS, Some(&none)).await;
    assert_eq!(wrong_fields(&answer), ["scopes"]);
}
