//! Memory for the bodies of deliveries.

use std::sync::Arc;

use axum::{body::Body, http::StatusCode};
use futures::{StreamExt as _, stream};
use webhook_ingest::Config;

use crate::world::{CALLRAIL, SHARED, UNKNOWN, World};

const ATTACKER: &str = "192.0.2.66";
const ADDRESS: &str = "192.0.2.1";

/// A body of almost a MiB whose end does not come, and word of when the rest is there.
fn almost_whole() -> (Body, Arc<tokio::sync::Notify>) {
    let arrived = Arc::new(tokio::sync::Notify::new());
    let last = arrived.clone();
    let pieces = stream::iter(vec![vec![b'x'; 1000]; 1000])
        .map(Ok::<_, axum::Error>)
        .chain(stream::once(async move {
            last.notify_one();
            std::future::pending().await
        }));
    (Body::from_stream(pieces), arrived)
}

#[tokio::test]
async fn unknown_senders_have_half_of_the_memory() {
    let world = World::with(Config {
        body_memory_mib: 4,
        ..Config::default()
    })
    .await;
    let mut held = Vec::new();
    for path in [UNKNOWN, SHARED] {
        let (body, arrived) = almost_whole();
        let sending = Box::pin(world.send(ATTACKER, path, &[], body));
        let futures::future::Either::Right(((), sending)) =
            futures::future::select(sending, Box::pin(arrived.notified())).await
        else {
            panic!("it was answered before it came to its end");
        };
        held.push(sending);
    }
    let (body, _) = almost_whole();
    let answer = world.send(ATTACKER, UNKNOWN, &[], body).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!((1..=5).contains(&answer.retry_after()));
    assert_eq!(answer.body["type"], "/problems/unavailable");

    let answer = world.call(ADDRESS, CALLRAIL, "CAL1").await;
    assert_eq!(answer.status, StatusCode::OK);
    drop(held);
    let answer = world.call(ADDRESS, SHARED, "CAL2").await;
    assert_eq!(answer.status, StatusCode::OK);
}
