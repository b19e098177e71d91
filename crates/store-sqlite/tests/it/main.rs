//! The contract of `Store`, and what is SQLite's own.
#![expect(clippy::unwrap_used, reason = "tests")]

mod files;
mod tenancy;
mod twins;

use std::{
    future::{Ready, ready},
    sync::Arc,
    time::Duration,
};

use domain::Clock as _;
use store::contract::Subject;
use store_sqlite::SqliteStore;
use testkit::ManualClock;

store::contract_suite!(subject);

fn clock() -> ManualClock {
    ManualClock::at("2026-03-01T12:00:00Z".parse().unwrap())
}

fn subject() -> Ready<Subject> {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = SqliteStore::open(&folder.path().join("pipeline.db"), Arc::new(clock.clone()));
    let moved = clock.clone();
    ready(Subject {
        store: Arc::new(store.unwrap()),
        advance: Box::new(move |by: Duration| {
            moved.advance(by);
            Box::pin(ready(()))
        }),
        now: Box::new(move || clock.now()),
        scope: String::new(),
        guard: Box::new(folder),
    })
}
