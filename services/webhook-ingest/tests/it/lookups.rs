//! Whose a delivery is cannot always be told: then nobody is told that it is not genuine.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use store::{Source, Store as _};

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
async fn a_look_up_that_takes_too_long_is_503_in_time_and_the_delivery_is_taken_later() {
    for path in [CALLRAIL, SHARED] {
        let world = World::start().await;
        world.keys.set(Fault::Silent);
        let started = Instant::now();
        let answer = world.call(ADDRESS, path, "CAL1").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!((1..=5).contains(&answer.retry_after()));
        let took = started.elapsed();
        assert!(
            (Duration::from_secs(2)..Duration::from_secs(10)).contains(&took),
            "{took:?}"
        );
        world.keys.set(Fault::None);
        let answer = world.call(ADDRESS, path, "CAL1").await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(world.requests().await, 1);
    }
}

#[tokio::test]
async fn while_one_of_two_keys_is_missing_what_the_other_does_not_prove_is_put_off() {
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
        .eventually("the failed proof is recorded all the same", async || {
            let events = world.security_events().await;
            events.iter().any(|event| event.reason == "wrong_signature")
        })
        .await;
}
