//! What providers call beside a source's two URLs.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use domain::{Channel, Status};
use serde_json::json;
use sources::Verification;
use store::Store as _;

use crate::world::{Answer, CALLRAIL, CHAT_KEY, World};

const ADDRESS: &str = "192.0.2.1";
const KEY: (&str, &str) = ("x-chat-key", CHAT_KEY);
const OWN: &str = "/v1/chats/chat-token";
const HOOK: &str = "/v1/hooks/chat-token";
const OF_ALL: &str = "/v1/chats";

async fn call(world: &World, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let body = r#"{"id": "C1", "tenant": "tenant_demo"}"#;
    world.call_by(method, ADDRESS, path, headers, body).await
}

#[tokio::test]
async fn a_source_is_called_at_the_endpoints_it_declares() {
    let world = World::start().await;
    for (method, path) in [
        (Method::POST, HOOK),
        (Method::PUT, OWN),
        (Method::POST, OF_ALL),
    ] {
        let answer = call(&world, method, path, &[KEY]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        let other = [("x-chat-key", "another-secret-0001")];
        for wrong in [&[][..], &other, &[KEY, KEY]] {
            let answer = call(&world, Method::POST, HOOK, wrong).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong:?}");
        }
    }
    assert_eq!(world.requests().await, 1, "they told of one conversation");
    for path in ["/v1/hooks", "/v1/form", "/v1/chats/chat-token/event"] {
        let answer = call(&world, Method::POST, path, &[KEY]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    for (method, path) in [(Method::DELETE, HOOK), (Method::POST, OWN)] {
        let answer = call(&world, method, path, &[KEY]).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

#[tokio::test]
async fn a_token_is_unknown_at_another_sources_endpoint() {
    let world = World::start().await;
    let refused = call(&world, Method::POST, "/v1/hooks/unknown-token", &[KEY]).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    for path in ["/v1/chats/form-token", "/v1/chats/unknown-token"] {
        let answer = call(&world, Method::PUT, path, &[KEY]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.body, refused.body);
    }
}

#[tokio::test]
async fn a_ping_is_answered_if_its_token_is_known() {
    let world = World::start().await;
    for (method, path, expected) in [
        (Method::HEAD, HOOK, StatusCode::OK),
        (Method::GET, OWN, StatusCode::OK),
        (
            Method::HEAD,
            "/v1/hooks/unknown-token",
            StatusCode::UNAUTHORIZED,
        ),
        // It is known, and of a source that declares no ping.
        (
            Method::HEAD,
            "/v1/hooks/form-token",
            StatusCode::UNAUTHORIZED,
        ),
        // Some source is pinged there, and this token is of another.
        (Method::HEAD, CALLRAIL, StatusCode::UNAUTHORIZED),
        (Method::GET, CALLRAIL, StatusCode::METHOD_NOT_ALLOWED),
        (Method::GET, HOOK, StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let answer = call(&world, method, path, &[]).await;
        assert_eq!(answer.status, expected, "{path}");
    }
    assert_eq!(world.requests().await, 0);
}

#[tokio::test]
async fn a_delivered_ping_is_verified_and_noted_once_a_minute() {
    let world = World::start().await;
    let ping = r#"{"topic": "ping"}"#;
    let answer = world.send(ADDRESS, HOOK, &[KEY], ping).await;
    assert_eq!(answer.status, StatusCode::OK);
    let expected = json!({
        "success": true,
        "request_id": null,
        "processing_time_ms": 0,
        "message": "the URL works",
    });
    assert_eq!(answer.body, expected);
    let answer = world.send(ADDRESS, HOOK, &[], ping).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let noted = || -> (u32, u32) {
        let sql = "SELECT COUNT(*), COUNT(*) FILTER (WHERE request_id IS NULL AND remark = ?1) FROM webhook_events";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        world.database().query_row(sql, [store::PING], row).unwrap()
    };
    assert_eq!(noted(), (1, 1));
    world.send(ADDRESS, HOOK, &[KEY], ping).await;
    assert_eq!(noted(), (1, 1));
    // Hours later, the same bytes are another ping.
    world.clock.advance(Duration::from_secs(3_600));
    let answer = world.send(ADDRESS, HOOK, &[KEY], ping).await;
    assert_eq!(answer.body, expected);
    assert_eq!(noted(), (2, 2));
    assert_eq!(world.requests().await, 0);
}

#[tokio::test]
async fn a_form_is_known_by_its_url_alone() {
    let world = World::start().await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = world
        .send(ADDRESS, "/v1/hooks/form-token", &form, "id=sub_1&name=Ann")
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let unknown = world
        .send(ADDRESS, "/v1/hooks/no-token", &form, "id=sub_1")
        .await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_delivery_id_recognizes_a_repeat() {
    let world = World::start().await;
    let send = async |delivery: &str, text: &str| {
        let body = json!({ "id": "C1", "delivery": delivery, "text": text }).to_string();
        let answer = world.send(ADDRESS, HOOK, &[KEY], body).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.body["duplicate"] == true
    };
    assert!(!send("d-1", "Hello").await);
    assert!(send("d-1", "Hello, in other words").await);
    assert!(!send("d-2", "Hello").await);
}

#[tokio::test]
async fn an_unreadable_delivery_is_of_its_sources_channel() {
    let world = World::start().await;
    let headers = [KEY, ("x-chat-topic", "message"), ("x-other", "?")];
    let answer = world.send(ADDRESS, HOOK, &headers, "{").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let id = answer.body["request_id"].as_str().unwrap().parse().unwrap();
    let view = world.store.request(&world.tenant, id).await.unwrap();
    let request = view.unwrap().request;
    assert_eq!(request.status, Status::Parked);
    assert_eq!(request.document.channel(), Channel::Chat);
    let event = request.document.source.last_event;
    let event = world.store.event(&world.tenant, event).await.unwrap();
    let event = event.unwrap();
    assert_eq!(event.scheme, Verification::SHARED_KEY);
    assert_eq!(
        event.headers.keys().collect::<Vec<_>>(),
        ["content-type", "x-chat-topic"]
    );
}
