//! An address that sends invalid signatures.

use std::{num::NonZeroU32, time::Duration};

use axum::http::StatusCode;
use futures::future::join_all;
use webhook_ingest::Config;

use crate::world::{CALLRAIL, SHARED, UNKNOWN, World, endless};

const ATTACKER: &str = "192.0.2.66";
const NEIGHBOUR: &str = "192.0.2.1";
const PER_MINUTE: u32 = 6;

async fn with_few_failures() -> World {
    World::with(Config {
        failed_signatures_per_minute: NonZeroU32::new(PER_MINUTE).unwrap(),
        ..Config::default()
    })
    .await
}

/// A world in which the attacker's address is limited.
async fn under_attack() -> World {
    let world = with_few_failures().await;
    for _ in 0..PER_MINUTE {
        let answer = world.forged_call(ATTACKER, UNKNOWN).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    world
}

#[tokio::test]
async fn a_limited_address_is_answered_before_its_body_comes() {
    let world = under_attack().await;
    let answer = world.send(ATTACKER, UNKNOWN, &[], endless()).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.retry_after(), 10);
    assert_eq!(answer.body["type"], "/problems/too-many-requests");
}

#[tokio::test]
async fn another_address_is_answered_as_usual() {
    let world = under_attack().await;
    let answer = world.forged_call(NEIGHBOUR, UNKNOWN).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_limited_address_may_fail_again_after_its_time() {
    let world = under_attack().await;
    world.clock.advance(Duration::from_secs(10));
    let answer = world.forged_call(ATTACKER, UNKNOWN).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let answer = world.forged_call(ATTACKER, UNKNOWN).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_genuine_sender_behind_a_limited_address_loses_nothing() {
    let world = under_attack().await;
    let genuine = (0..40).flat_map(|number| {
        let world = &world;
        [CALLRAIL, SHARED].map(|path| async move {
            let call = format!("CAL{}{number}", path.len());
            world.call(ATTACKER, path, &call).await.status
        })
    });
    // At once, and the attacker goes on meanwhile.
    let attack = (0..200).map(|number| {
        let path = [UNKNOWN, SHARED, CALLRAIL][number % 3];
        world.forged_call(ATTACKER, path)
    });
    let (statuses, _) = tokio::join!(join_all(genuine), join_all(attack));
    assert!(
        statuses.iter().all(|status| *status == StatusCode::OK),
        "{statuses:?}"
    );
    assert_eq!(world.requests().await, 80);
}

#[tokio::test]
async fn slow_deliveries_of_a_limited_address_delay_no_other() {
    let world = under_attack().await;
    let slow = join_all((0..40).map(|_| world.send(ATTACKER, SHARED, &[], endless())));
    let others = async {
        // Those that get no permit are answered in time; the bodies of the others are waited for.
        let forging = world.forged_call(ATTACKER, SHARED);
        let answer = world.time.pass_until("it is answered", forging).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        let answer = world.call(NEIGHBOUR, SHARED, "CAL1").await;
        assert_eq!(answer.status, StatusCode::OK);
        let answer = world.call(ATTACKER, CALLRAIL, "CAL2").await;
        assert_eq!(answer.status, StatusCode::OK);
    };
    tokio::select! {
        biased;
        _ = slow => panic!("the slow ones' bodies never come"),
        () = others => {}
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_to_their_end_count_as_failures() {
    let world = with_few_failures().await;
    for _ in 0..PER_MINUTE {
        let answer = world
            .send(ATTACKER, UNKNOWN, &[], vec![b'x'; (1 << 20) + 1])
            .await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    }
    let answer = world.send(ATTACKER, UNKNOWN, &[], endless()).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn what_is_refused_unread_is_counted_by_network() {
    let world = with_few_failures().await;
    for number in 0..PER_MINUTE + 3 {
        world
            .forged_call(&format!("2001:db8::{number:x}"), UNKNOWN)
            .await;
    }
    let counts = async || {
        let events = world.security_events().await;
        let mut counts: Vec<_> = events
            .into_iter()
            .map(|event| (event.reason, event.address, event.count))
            .collect();
        counts.sort();
        counts
    };
    world
        .eventually("all are counted", async || {
            counts()
                .await
                .iter()
                .map(|(_, _, count)| count)
                .sum::<u64>()
                == 9
        })
        .await;
    let network = "2001:db8::/64".to_owned();
    assert_eq!(
        counts().await,
        [
            ("too_many_failures".to_owned(), network.clone(), 3),
            ("unknown_tenant".to_owned(), network, 6),
        ]
    );
}
