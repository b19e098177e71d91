//! What happens, as it happens.

use std::{net::Ipv4Addr, time::Duration};

use axum::body::{Body, BodyDataStream};
use domain::{Outcome, ParkCause, Stage};
use futures::StreamExt as _;
use http::{Request, StatusCode};
use http_client::{Client, Limits, Options};
use management_api::auth::Role;
use runtime::{Listener, ServeOptions, serve};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use store::Live as _;
use tokio::{sync::oneshot, time::timeout};
use tower::ServiceExt as _;

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, created, tenant},
};

/// Longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A block of a stream.
#[derive(Debug, Default, Clone, PartialEq)]
struct Block {
    event: String,
    id: Option<String>,
    data: Value,
    comment: String,
}

struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    async fn open(world: &World, slug: &str, query: &str, last: Option<&str>) -> Self {
        let token = world.token(&[Role::Viewer], &[slug]);
        let answer = Self::answer(world, slug, query, last, &token).await;
        assert_eq!(answer.status(), StatusCode::OK);
        Self {
            body: answer.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    async fn answer(
        world: &World,
        slug: &str,
        query: &str,
        last: Option<&str>,
        token: &SecretString,
    ) -> http::Response<Body> {
        let mut request = Request::get(format!("/v1/tenants/{slug}/live{query}"));
        request = request.header("authorization", format!("Bearer {}", token.expose_secret()));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        world.routes.clone().oneshot(request).await.unwrap()
    }

    /// The next block; none at the end.
    async fn block(&mut self) -> Option<Block> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = parsed(block);
                self.text = rest.to_owned();
                return Some(block);
            }
            let piece = timeout(PATIENCE, self.body.next()).await;
            let piece = piece.expect("something must come")?;
            self.text
                .push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        }
    }

    async fn next(&mut self) -> Block {
        self.block().await.expect("the stream goes on")
    }

    /// The next event that tells a change.
    async fn change(&mut self) -> Block {
        loop {
            let block = self.next().await;
            if !matches!(block.event.as_str(), "" | "hello" | "counts") {
                return block;
            }
        }
    }

    /// The causes of the next changes.
    async fn causes(&mut self, count: usize) -> Vec<String> {
        let mut causes = Vec::new();
        while causes.len() < count {
            let block = self.change().await;
            causes.push(block.data["cause"].as_str().unwrap().to_owned());
        }
        causes
    }
}

fn parsed(text: &str) -> Block {
    let mut block = Block::default();
    for line in text.lines() {
        let (name, value) = line.split_once(':').unwrap();
        let value = value.trim_start();
        match name {
            "event" => block.event = value.to_owned(),
            "id" => block.id = Some(value.to_owned()),
            "data" => block.data = serde_json::from_str(value).unwrap(),
            "" => block.comment = value.to_owned(),
            other => panic!("no field of an event: {other}"),
        }
    }
    block
}

fn park() -> Outcome {
    Outcome::Park {
        cause: ParkCause::Permanent,
        reason: "the call is gone".to_owned(),
        answer: None,
    }
}

#[tokio::test]
async fn a_stream_shows_what_changes() {
    let world = World::start().await;
    let token = world.token(&[Role::Viewer], &["a"]);
    let answer = Stream::answer(&world, "a", "", None, &token).await;
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(answer.headers()[name], value);
    }
    assert!(!answer.headers().contains_key("access-control-allow-origin"));

    let mut stream = Stream::open(&world, "a", "", None).await;
    let hello = stream.next().await;
    assert_eq!(
        (hello.event.as_str(), hello.id.as_deref()),
        ("hello", Some("0"))
    );
    assert_is_as_described(&hello.data, "LiveHello");
    assert_eq!(hello.data["now"], "2020-06-01T12:00:00Z");
    let counts = stream.next().await;
    assert_eq!((counts.event.as_str(), &counts.id), ("counts", &None));
    assert_is_as_described(&counts.data, "LiveCounts");

    let id = world.call(1).await.to_string();
    let received = stream.change().await;
    assert_is_as_described(&received.data, "LiveRequest");
    assert_eq!(received.event, "request");
    assert_eq!(received.id.as_deref(), Some("1"));
    assert_eq!(received.data["cause"], "received");
    assert_eq!(received.data["request"]["request_id"], id);

    world.settle(Stage::Details, park(), Vec::new()).await;
    assert_eq!(stream.causes(2).await, ["processing", "details.parked"]);
    world.clock.advance(Duration::from_secs(1));
    loop {
        let block = stream.next().await;
        if block.event == "counts" && block.data["parked"] == 1 {
            break;
        }
    }

    let source = world.source_of("a").await;
    let path = format!("/v1/tenants/a/sources/{source}/disable");
    let disabled = world.call_as(Role::TenantAdmin, "POST", &path, None).await;
    assert_eq!(disabled.status, 200);
    let change = stream.change().await;
    assert_is_as_described(&change.data, "LiveChange");
    assert_eq!(change.event, "source");
    assert_eq!(change.data["object"], source.to_string());
    assert_eq!(change.data["cause"], "source.disable");
}

#[tokio::test]
async fn who_comes_back_goes_on_where_they_were() {
    let world = World::start().await;
    let mut stream = Stream::open(&world, "a", "", None).await;
    let hello = stream.next().await.id.unwrap();
    let mut seen = Vec::new();
    for number in 0..3 {
        world.call(number).await;
        seen.push(stream.change().await);
    }
    drop(stream);
    for number in 3..250 {
        world.call(number).await;
    }
    let last = seen[2].id.clone().unwrap();
    let mut by_header = Stream::open(&world, "a", "?last_event_id=1", Some(&last)).await;
    for _ in 3..250 {
        seen.push(by_header.change().await);
    }
    // And what comes then.
    world.call(250).await;
    seen.push(by_header.change().await);
    let ids: Vec<_> = seen.iter().map(|block| block.id.clone().unwrap()).collect();
    let expected: Vec<_> = (1..=251).map(|id| id.to_string()).collect();
    assert_eq!(ids, expected);

    let query = format!("?last_event_id={hello}");
    let mut by_query = Stream::open(&world, "a", &query, None).await;
    assert_eq!(by_query.change().await, seen[0]);
}

#[tokio::test]
async fn a_place_that_is_gone_is_told() {
    let world = World::start().await;
    for number in 0..5 {
        world.call(number).await;
    }
    world.clock.advance(Duration::from_secs(25 * 3_600));
    world.call(5).await;
    let before = world.now() - Duration::from_secs(24 * 3_600);
    // The service's own task may be at it, too.
    while world
        .store
        .prune_live_events_across_tenants(before, 3)
        .await
        .unwrap()
        > 0
    {}
    for (last, reason) in [
        ("3", Some("gone")),
        ("99", Some("gone")),
        ("x", Some("malformed")),
        ("1 OR 1=1", Some("malformed")),
        ("5", None),
        ("", None),
    ] {
        let mut stream = Stream::open(&world, "a", "", Some(last)).await;
        let hello = stream.next().await;
        let next = stream.next().await;
        match reason {
            Some(reason) => {
                // Whoever is cut off behind the first event asks from where it was, and is told again.
                assert_eq!(
                    (hello.event.as_str(), &hello.id),
                    ("hello", &None),
                    "{last}"
                );
                assert_eq!(next.event, "reset", "{last}");
                assert_eq!(next.id.as_deref(), Some("6"), "{last}");
                assert_is_as_described(&next.data, "LiveReset");
                assert_eq!(next.data["reason"], reason, "{last}");
            }
            None => assert_eq!(next.event, "counts", "{last}"),
        }
        if last == "5" {
            assert_eq!(stream.change().await.id.as_deref(), Some("6"));
        }
    }
    // It goes on from now.
    let mut stream = Stream::open(&world, "a", "", Some("x")).await;
    world.call(6).await;
    assert_eq!(stream.next().await.event, "hello");
    assert_eq!(stream.change().await.event, "reset");
    assert_eq!(stream.change().await.id.as_deref(), Some("7"));
}

#[tokio::test]
async fn a_stream_is_its_tenants_own() {
    let world = World::start().await;
    let mut stream = Stream::open(&world, "b", "", None).await;
    for number in 0..3 {
        world.call_of("a", number).await;
    }
    let id = world.call_of("b", 9).await;
    let only = stream.change().await;
    assert_eq!(only.data["request_id"], id.to_string());
    assert_eq!(
        only.id.as_deref(),
        Some("1"),
        "and it tells nothing of others"
    );
    let token = world.token(&[Role::TenantAdmin], &["a"]);
    let answer = Stream::answer(&world, "b", "", None, &token).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_silent_stream_shows_that_it_lives_until_its_token_ends() {
    let world = World::start().await;
    let mut stream = Stream::open(&world, "a", "", None).await;
    assert_eq!(stream.next().await.event, "hello");
    assert_eq!(stream.next().await.event, "counts");
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(15));
        let beat = stream.next().await;
        assert_eq!(
            (beat.comment.as_str(), beat.id.as_deref()),
            ("alive", Some("0"))
        );
        assert_eq!(beat.event, "");
    }
    world.clock.advance(Duration::from_secs(3_600));
    let end = stream.next().await;
    assert!(end.comment.contains("has ended"), "{end:?}");
    assert_eq!(stream.block().await, None);
}

#[tokio::test]
async fn a_stream_ends_when_its_key_is_revoked() {
    /// Whoever looks at the key waits for the store, which the clock does not.
    const LOOK: Duration = Duration::from_millis(20);
    let world = World::start().await;
    let path = "/v1/tenants/a/api-keys";
    let new = json!({ "name": "watcher", "scopes": ["read"] });
    let made = world
        .call_as(Role::TenantAdmin, "POST", path, Some(&new))
        .await;
    let made = created(&made);
    let key = made["key"].as_str().unwrap().to_owned().into();
    let answer = Stream::answer(&world, "a", "", None, &key).await;
    let mut stream = Stream {
        body: answer.into_body().into_data_stream(),
        text: String::new(),
    };
    assert_eq!(stream.next().await.event, "hello");
    assert_eq!(stream.next().await.event, "counts");
    // It is looked at again and again, and goes on.
    world.clock.advance(Duration::from_secs(15));
    assert_eq!(stream.next().await.comment, "alive");
    let of_key = format!("{path}/{}", made["api_key"]["key_id"].as_str().unwrap());
    body(
        &world
            .call_as(Role::TenantAdmin, "DELETE", &of_key, None)
            .await,
    );
    // Long before what a key opened would have to be looked at again: the stream tells of the revocation, lives, and ends.
    let mut has_ended = false;
    for _ in 0..500 {
        world.clock.advance(Duration::from_secs(1));
        let told = tokio::time::timeout(LOOK, stream.next()).await;
        has_ended = told.is_ok_and(|told| told.comment.contains("has ended"));
        if has_ended {
            break;
        }
    }
    assert!(has_ended);
    assert_eq!(stream.block().await, None);
}

#[tokio::test]
async fn a_slow_reader_is_dropped_and_goes_on() {
    const EVENTS: u32 = 400;
    let world = World::start().await;
    let mut stream = Stream::open(&world, "a", "", None).await;
    world.call(0).await;
    let mut seen = vec![stream.change().await.id.unwrap()];
    for number in 1..EVENTS {
        world.call(number).await;
    }
    // The last is handed out when another reader, who keeps up, has it.
    let mut other = Stream::open(&world, "a", "", Some("1")).await;
    for _ in 1..EVENTS {
        other.change().await;
    }
    let why = loop {
        let block = stream.next().await;
        match block.id {
            Some(id) if !block.event.is_empty() => seen.push(id),
            _ if block.comment.is_empty() => {}
            _ => break block.comment,
        }
    };
    assert!(why.contains("too slowly"), "{why}");
    assert_eq!(stream.block().await, None);
    let mut again = Stream::open(&world, "a", "", seen.last().map(String::as_str)).await;
    while seen.len() < EVENTS as usize {
        seen.push(again.change().await.id.unwrap());
    }
    let expected: Vec<_> = (1..=EVENTS).map(|id| id.to_string()).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn there_are_only_so_many_streams_of_a_tenant() {
    let world = World::start().await;
    let mut streams = Vec::new();
    for _ in 0..64 {
        streams.push(Stream::open(&world, "a", "", None).await);
    }
    let token = world.token(&[Role::Viewer], &["a"]);
    let refused = Stream::answer(&world, "a", "", None, &token).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "5");
    Stream::open(&world, "b", "", None).await;
    streams.pop();
    Stream::open(&world, "a", "", None).await;
}

#[tokio::test]
async fn streams_end_when_the_server_does() {
    let world = World::start().await;
    let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into())
        .await
        .unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (end, ended) = oneshot::channel::<()>();
    let routes = world.routes.clone();
    let serving = tokio::spawn(async move {
        let options = ServeOptions {
            // Who waits for it waits for ever.
            drain_deadline: Duration::from_secs(3_600),
            ..ServeOptions::default()
        };
        serve("api", listener, routes, &options, async {
            drop(ended.await);
        })
        .await;
    });
    let client = Client::new(Options {
        allow_loopback: true,
        ..Options::default()
    });
    let client = client.unwrap();
    let token = world.token(&[Role::Viewer], &["a"]);
    let answer = client
        .get(format!("{base}/v1/tenants/a/live"))
        .bearer(&token);
    let limits = Limits {
        max_bytes: u64::MAX,
        idle: PATIENCE,
        total: PATIENCE,
    };
    let mut answer = answer.send_streaming(limits).await.unwrap();
    let first = answer.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"id: 0\nevent: hello\n"), "{first:?}");
    end.send(()).unwrap();
    let mut text = Vec::new();
    while let Some(piece) = answer.chunk().await.unwrap() {
        text.extend(piece);
    }
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.ends_with(": the server ends: connect again\n\n"),
        "{text}"
    );
    timeout(PATIENCE, serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn only_what_is_understood_is_taken() {
    let world = World::start().await;
    let token = world.token(&[Role::Viewer], &["a"]);
    let answer = Stream::answer(&world, "a", "?from=1", None, &token).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    // A tenant's newest id is none of another's.
    world.call_of("a", 1).await;
    let place = world.store.live_now(&tenant("a")).await.unwrap();
    let mut stream = Stream::open(&world, "b", "", Some(&place.to_string())).await;
    stream.next().await;
    assert_eq!(stream.next().await.data["reason"], "gone");
}
