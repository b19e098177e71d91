//! The contract of `Store` on the Spanner emulator, and what is Spanner's own.
#![expect(clippy::unwrap_used, reason = "tests")]

mod outbox;
mod schema;

use std::{sync::Arc, time::Duration};

use domain::Clock as _;
use google_cloud_auth::credentials::anonymous;
use google_cloud_spanner::{
    builder::SpannerBuilderExt as _, channel_pool::StaticChannelPoolConfig,
    client::Spanner as Client, statement::Statement, transaction::ReadWriteTransaction,
};
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

/// Runs a statement by a client that is not ours; how many rows it changed.
async fn changed(config: &SpannerConfig, sql: String) -> i64 {
    let client = Client::builder()
        .with_endpoint(config.emulator.as_ref().unwrap().grpc.clone())
        .with_credentials(anonymous::Builder::new().build())
        .with_channel_pool(StaticChannelPoolConfig::new(1))
        .build()
        .await
        .unwrap();
    let path = format!(
        "projects/{}/instances/{}/databases/{}",
        config.project, config.instance, config.database
    );
    let database = client.database_client(path).build().await.unwrap();
    let runner = database.read_write_transaction().build();
    let update = move |tx: ReadWriteTransaction| {
        let statement = Statement::builder(sql.as_str()).build();
        async move { tx.execute_update(statement).await }
    };
    runner.run(update).await.unwrap().into_inner()
}

/// An empty store by this clock.
async fn store(clock: &ManualClock) -> Option<(Spanner, SpannerConfig, SpannerStore)> {
    let (emulator, config) = database().await?;
    SpannerStore::migrate(&config, clock).await.unwrap();
    let store = SpannerStore::open_with_clock(&config, Arc::new(clock.clone())).await;
    Some((emulator, config, store.unwrap()))
}

async fn subject() -> Option<Subject> {
    let clock = clock();
    let (emulator, config, store) = store(&clock).await?;
    let moved = clock.clone();
    Some(Subject {
        store: Arc::new(store),
        advance: Box::new(move |by: Duration| {
            moved.advance(by);
            Box::pin(std::future::ready(()))
        }),
        now: Box::new(move || clock.now()),
        scope: String::new(),
        sql: Box::new(move |sql| {
            let config = config.clone();
            Box::pin(async move { u64::try_from(changed(&config, sql).await).unwrap() })
        }),
        guard: Box::new(emulator),
    })
}
