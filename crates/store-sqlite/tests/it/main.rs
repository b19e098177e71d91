//! The contract of `Store`, and what is SQLite's own.
#![expect(clippy::unwrap_used, reason = "tests")]

mod files;
mod finding;
mod readiness;
mod tenancy;
mod twins;

use std::{
    future::{Ready, ready},
    sync::Arc,
    time::Duration,
};

use domain::Clock as _;
use rusqlite::Connection;
use store::contract::Subject;
use store_sqlite::SqliteStore;
use testkit::ManualClock;

store::contract_suite!(subject);

fn clock() -> ManualClock {
    ManualClock::at("2026-03-01T12:00:00Z".parse().unwrap())
}

fn subject() -> Ready<Subject> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipeline.db");
    let clock = clock();
    let store = SqliteStore::open(&path, Arc::new(clock.clone()));
    let moved = clock.clone();
    ready(Subject {
        store: Arc::new(store.unwrap()),
        advance: Box::new(move |by: Duration| {
            moved.advance(by);
            Box::pin(ready(()))
        }),
        now: Box::new(move || clock.now()),
        scope: String::new(),
        sql: Box::new(move |sql: String| {
            let sql = sql.replace("JSON '", "'").replace(", shard", "");
            let changed = Connection::open(&path).unwrap().execute(&sql, []);
            let changed = changed.unwrap_or_else(|error| panic!("{error}: {sql}"));
            Box::pin(ready(u64::try_from(changed).unwrap()))
        }),
        guard: Box::new(folder),
    })
}
