//! The routes without Pub/Sub: who may call, and what they answer.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bus::{Bus, LocalBus, LocalBusConfig, Relay, RelayConfig, contract::wake};
use bus_pubsub::{OidcVerifier, PushLimits, push_routes, relay_routes};
use domain::{Stage, Wake};
use http::{HeaderMap, header::AUTHORIZATION};
use http_body_util::BodyExt as _;
use runtime::SystemClock;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::{
    keys::{Key, World},
    queue::{Counting, Rows, runner},
    tokens::{claims, signed, with},
};

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

async fn post(routes: &Router, path: &str, token: Option<&str>, body: impl Into<Body>) -> Answer {
    let mut request = Request::post(path);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(body.into()).unwrap();
    let (head, body) = routes.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }
}

fn envelope(wake: &Wake) -> String {
    let data = STANDARD.encode(serde_json::to_vec(wake).unwrap());
    json!({ "message": { "data": data, "messageId": "1" }, "subscription": "s" }).to_string()
}

struct Service {
    rows: Arc<Rows>,
    stage: Arc<Counting>,
    bus: Arc<LocalBus>,
}

impl Service {
    fn new() -> Self {
        Self {
            rows: Arc::default(),
            stage: Counting::new(Stage::Recording),
            bus: LocalBus::new(LocalBusConfig::default()),
        }
    }

    fn routes(&self, verifier: Option<OidcVerifier>, limits: PushLimits) -> Router {
        push_routes(
            runner(&self.rows, self.bus.clone(), &self.stage),
            verifier,
            limits,
        )
    }
}

#[tokio::test]
async fn a_settled_step_is_acknowledged_and_a_failed_one_nacked() {
    let service = Service::new();
    let routes = service.routes(None, PushLimits::default());
    let wake = service.rows.add(1, false);

    service.rows.fail_claims(1);
    let failed = post(&routes, "/internal/push", None, envelope(&wake)).await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(failed.headers.contains_key("retry-after"));

    for _ in 0..2 {
        let done = post(&routes, "/internal/push", None, envelope(&wake)).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(service.stage.handled().len(), 1);
}

#[tokio::test]
async fn a_message_that_is_no_wake_up_is_acknowledged_unread() {
    let service = Service::new();
    let routes = service.routes(None, PushLimits::default());
    let foreign = wake("tenant_a", Stage::Dispatch, 1);
    let newer = Wake {
        v: Wake::VERSION + 1,
        ..wake("tenant_a", Stage::Recording, 1)
    };
    let unknown = envelope(&foreign).replace(
        &STANDARD.encode(serde_json::to_vec(&foreign).unwrap()),
        &STANDARD.encode(
            serde_json::to_string(&foreign)
                .unwrap()
                .replace("dispatch", "singing"),
        ),
    );
    for (what, body) in [
        ("another service's stage", envelope(&foreign)),
        ("another version", envelope(&newer)),
        ("an unknown stage", unknown),
        (
            "garbage",
            r#"{"message":{"data":"%%","messageId":"1"}}"#.to_owned(),
        ),
        ("no envelope", "{}".to_owned()),
        ("no JSON", "x".to_owned()),
        ("nothing", String::new()),
        ("too much", "x".repeat(65 * 1024)),
    ] {
        let answer = post(&routes, "/internal/push", None, body).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{what}");
    }
    assert_eq!(service.rows.claims(), 0);
}

#[tokio::test]
async fn a_message_that_gets_no_slot_is_nacked() {
    let service = Service::new();
    let limits = PushLimits {
        running: 0,
        longest_wait: Duration::from_millis(10),
        ..PushLimits::default()
    };
    let wake = service.rows.add(1, false);
    let routes = service.routes(None, limits);
    let answer = post(&routes, "/internal/push", None, envelope(&wake)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(service.stage.handled().is_empty());
}

#[tokio::test]
async fn a_tenant_with_slow_steps_gets_half_of_the_slots() {
    let service = Service {
        stage: Counting::slow_for(Stage::Recording, "tenant_slow"),
        ..Service::new()
    };
    let limits = PushLimits {
        running: 4,
        longest_wait: Duration::from_millis(50),
        ..PushLimits::default()
    };
    let routes = service.routes(None, limits);
    let push = |wake: &Wake| {
        let (routes, body) = (routes.clone(), envelope(wake));
        async move { post(&routes, "/internal/push", None, body).await.status }
    };
    let slow: Vec<_> = (1..=8)
        .map(|number| service.rows.add_of("tenant_slow", number, false))
        .collect();
    let mut pushes: JoinSet<_> = slow.iter().map(push).collect();
    // Two are running; six are nacked.
    for _ in 0..6 {
        let status = pushes.join_next().await.unwrap().unwrap();
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(service.stage.handled().len(), 2);

    for number in 9..=20 {
        let quick = service.rows.add_of("tenant_quick", number, false);
        assert_eq!(push(&quick).await, StatusCode::NO_CONTENT);
    }
    assert_eq!(service.stage.handled().len(), 14);

    service.stage.go_on();
    while let Some(status) = pushes.join_next().await {
        assert_eq!(status.unwrap(), StatusCode::NO_CONTENT);
    }
    for wake in &slow {
        assert_eq!(push(wake).await, StatusCode::NO_CONTENT);
    }
    assert_eq!(service.stage.handled().len(), 20);
}

#[tokio::test]
async fn only_the_push_account_may_push() {
    let (service, google) = (Service::new(), World::start().await);
    let routes = service.routes(Some(google.verifier.clone()), PushLimits::default());
    let wake = service.rows.add(1, false);
    let forged = signed(&Key::generate("first"), &claims());
    let others = signed(&google.key, &with("email", json!("other@example.com")));
    for token in [None, Some(""), Some("x"), Some(&*forged), Some(&*others)] {
        for body in [envelope(&wake), "x".to_owned()] {
            let answer = post(&routes, "/internal/push", token, body).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{token:?}");
            assert_eq!(answer.headers["content-type"], "application/problem+json");
            assert_eq!(answer.body["type"], "/problems/unauthorized");
        }
    }
    assert_eq!(service.rows.claims(), 0);

    let token = signed(&google.key, &claims());
    let answer = post(&routes, "/internal/push", Some(&token), envelope(&wake)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(service.stage.handled().len(), 1);
}

#[tokio::test]
async fn two_authorizations_count_as_none() {
    let (service, google) = (Service::new(), World::start().await);
    let routes = service.routes(Some(google.verifier.clone()), PushLimits::default());
    let token = format!("Bearer {}", signed(&google.key, &claims()));
    let request = Request::post("/internal/push")
        .header(AUTHORIZATION, &token)
        .header(AUTHORIZATION, &token)
        .body(Body::empty())
        .unwrap();
    let status = routes.oneshot(request).await.unwrap().status();
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn without_googles_keys_a_push_is_nacked() {
    let (service, google) = (Service::new(), World::start().await);
    google.google.set_down(true);
    let routes = service.routes(Some(google.verifier.clone()), PushLimits::default());
    let token = signed(&google.key, &claims());
    let wake = service.rows.add(1, false);
    let answer = post(&routes, "/internal/push", Some(&token), envelope(&wake)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(service.stage.handled().is_empty());
}

#[tokio::test]
async fn the_relay_publishes_lost_wake_ups_when_the_account_asks() {
    let (service, google) = (Service::new(), World::start().await);
    let relay = Relay::new(
        service.rows.clone(),
        service.bus.clone(),
        Arc::new(SystemClock::new()),
        RelayConfig::default(),
    );
    let routes = relay_routes(Arc::new(relay), google.verifier.clone());
    let lost: Vec<_> = (1..=3)
        .map(|number| service.rows.add(number, true))
        .collect();
    let capacity = service.bus.capacity(&lost[0].key.tenant, Stage::Recording);

    let refused = post(&routes, "/internal/relay", None, "").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        service.bus.capacity(&lost[0].key.tenant, Stage::Recording),
        capacity
    );

    let token = signed(&google.key, &claims());
    for published in [3, 0] {
        let answer = post(&routes, "/internal/relay", Some(&token), "").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.body, json!({ "published": published }));
    }
    assert_eq!(
        service.bus.capacity(&lost[0].key.tenant, Stage::Recording),
        capacity - 3
    );
}
