//! The contract of `Store` on the Spanner emulator, and what is Spanner's own.
#![expect(clippy::unwrap_used, reason = "tests")]

mod outbox;
mod schema;

use std::{sync::Arc, time::Duration};

use domain::Clock as _;
use store::contract::Subject;
use store_spanner::{Emulator, SpannerConfig, SpannerStore};
use testkit::{
    ManualClock,
    emulators::{Spanner, unless_missing},
};

store::contract_suite!(subject);

fn clock() -> ManualClock {
    ManualClock::at("2026-03-01T12:00:00Z".parse().unwrap())
}

/// A database of its own, without tables.
async fn database() -> Option<(Spanner, SpannerConfig)> {
    let emulator = unless_missing(Spanner::start().await)?;
    let config = SpannerConfig {
        project: "test-project".to_owned(),
        instance: "test-instance".to_owned(),
        database: "pipeline".to_owned(),
        emulator: Some(Emulator {
            grpc: emulator.grpc.clone(),
            rest: emulator.rest.clone(),
        }),
    };
    Some((emulator, config))
}

/// An empty store by this clock.
async fn store(clock: &ManualClock) -> Option<(Spanner, SpannerStore)> {
    let (emulator, config) = database().await?;
    SpannerStore::migrate(&config, clock).await.unwrap();
    let store = SpannerStore::open_with_clock(&config, Arc::new(clock.clone()));
    Some((emulator, store.await.unwrap()))
}

async fn subject() -> Option<Subject> {
    let clock = clock();
    let (emulator, store) = store(&clock).await?;
    let moved = clock.clone();
    Some(Subject {
        store: Arc::new(store),
        advance: Box::new(move |by: Duration| {
            moved.advance(by);
            Box::pin(std::future::ready(()))
        }),
        now: Box::new(move || clock.now()),
        scope: String::new(),
        guard: Box::new(emulator),
    })
}
