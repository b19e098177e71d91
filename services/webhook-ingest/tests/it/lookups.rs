//! While store or secrets cannot say whose a delivery is, it is put off, and not called invalid.

use axum::http::StatusCode;
use store::{Source, Store as _};
use tokio::time::Instant;

use crate::world::{CALLRAIL, Fault, NEIGHBOUR, SHARED, World};

const ADDRESS: &str = "192.0.2.1";

#[tokio::test]
async fn a_look_up_that_fails_is_503_and_nothing_is_stored() {
    for path in [CALLRAIL, SHARED] {
        let world = World::start().await;
        for fault in [Fault::Unreachable, Fault::Missing("callrail_key")] {
            world.keys.set(fault);
            let answer = world.call(ADDRESS, path, "CAL1").await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{fault:?}");
            assert!((1..=5).contains(&answer.retry_after()));
        }
        assert_eq!(world.requests().await, 0);
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_is_503_too() {
    for path in [CALLRAIL, SHARED] {
        let world = World::start().await;
        let database = world.database();
        database
            .execute_batch("ALTER TABLE sources RENAME TO moved")
            .unwrap();
        let answer = world.call(ADDRESS, path, "CAL1").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!((1..=5).contains(&answer.retry_after()));
        database
            .execute_batch("ALTER TABLE moved RENAME TO sources")
            .unwrap();
        let answer = world.call(ADDRESS, path, "CAL1").await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_look_up_that_takes_too_long_is_503_after_two_seconds() {
    for path in [CALLRAIL, SHARED] {
        let world = World::start().await;
        world.keys.set(Fault::Silent);
        let sent = Instant::now();
        let calling = world.call(ADDRESS, path, "CAL1");
        let answer = world.time.pass_until("it is answered", calling).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!((1..=5).contains(&answer.retry_after()));
        assert_eq!(sent.elapsed().as_secs(), 2);
        assert_eq!(world.requests().await, 0);
        world.keys.set(Fault::None);
        let answer = world.call(ADDRESS, path, "CAL1").await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(world.requests().await, 1);
    }
}

#[tokio::test]
async fn a_delivery_may_be_signed_by_a_key_that_is_missing() {
    let world = World::start().await;
    let source = world.store.sources(&world.tenant).await.unwrap().remove(0);
    let both = Source {
        key_names: vec!["older_key@1".to_owned(), "callrail_key@1".to_owned()],
        ..source
    };
    world.store.put_source(&both).await.unwrap();
    world.keys.set(Fault::Missing("older_key"));
    let answer = world.call(ADDRESS, CALLRAIL, "CAL1").await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = world.forged_call(ADDRESS, CALLRAIL).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    // The neighbour's keys are all there.
    let answer = world.forged_call(ADDRESS, NEIGHBOUR).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    world
        .eventually(
            "the invalid signature is recorded all the same",
            async || {
                let events = world.security_events().await;
                events.iter().any(|event| event.reason == "wrong_signature")
            },
        )
        .await;
}
