//! A tenant that sends more than the store can write.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::http::StatusCode;
use futures::future::join_all;

use crate::world::{CALLRAIL, NEIGHBOUR, World};

const ADDRESS: &str = "192.0.2.1";
const FLOOD: usize = 800;

#[tokio::test]
async fn a_neighbours_delivery_does_not_wait_behind_a_flood() {
    let world = Arc::new(World::start().await);
    // Whose they are is known by now: only writing is in the way.
    for (path, call) in [(CALLRAIL, "CALfirst"), (NEIGHBOUR, "CALsecond")] {
        assert_eq!(world.call(ADDRESS, path, call).await.status, StatusCode::OK);
    }
    let before = flooded(&world, |_| Kind::Call).await;
    assert!(before <= FLOOD / 2, "it came after {before} of {FLOOD}");
}

#[tokio::test]
async fn a_tenants_sources_share_its_permits_at_the_store() {
    let world = Arc::new(World::start().await);
    for (path, call) in [(CALLRAIL, "CALfirst"), (NEIGHBOUR, "CALsecond")] {
        assert_eq!(world.call(ADDRESS, path, call).await.status, StatusCode::OK);
    }
    // The tenant's second source is met after the neighbour.
    assert_eq!(world.mail_event(ADDRESS, 0).await.status, StatusCode::OK);
    let alternate = |number| match number % 2 {
        0 => Kind::Call,
        _ => Kind::MailEvent,
    };
    let before = flooded(&world, alternate).await;
    assert!(before <= FLOOD / 2, "it came after {before} of {FLOOD}");
}

#[derive(Clone, Copy)]
enum Kind {
    Call,
    MailEvent,
}

/// Floods the tenant's sources while the store cannot write: how many of the flood were answered before a delivery of
/// the neighbour that came last.
async fn flooded(world: &Arc<World>, kind: impl Fn(u32) -> Kind) -> usize {
    let blocker = world.stop_writing();
    let answered = Arc::new(AtomicUsize::new(0));
    let flood = (1..=FLOOD).map(|number| {
        let number = u32::try_from(number).unwrap();
        let (world, answered, kind) = (world.clone(), answered.clone(), kind(number));
        tokio::spawn(async move {
            let answer = match kind {
                Kind::Call => {
                    let call = format!("CAL{number}");
                    world.call(ADDRESS, CALLRAIL, &call).await
                }
                Kind::MailEvent => world.mail_event(ADDRESS, number).await,
            };
            assert_eq!(answer.status, StatusCode::OK);
            answered.fetch_add(1, Ordering::Relaxed);
        })
    });
    let flood: Vec<_> = flood.collect();
    // One thread runs all of them: each goes as far as it can before this goes on.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let neighbour = {
        let (world, answered) = (world.clone(), answered.clone());
        tokio::spawn(async move {
            let answer = world.call(ADDRESS, NEIGHBOUR, "CALneighbour").await;
            assert_eq!(answer.status, StatusCode::OK);
            answered.load(Ordering::Relaxed)
        })
    };
    tokio::task::yield_now().await;
    assert_eq!(answered.load(Ordering::Relaxed), 0);
    drop(blocker);
    let before = neighbour.await.unwrap();
    for one in join_all(flood).await {
        one.unwrap();
    }
    before
}
