//! The schema, and who may open it.

use std::sync::Arc;

use domain::{StoreError, Tenant, TenantId, TenantStatus};
use store::Store as _;
use store_spanner::{SpannerConfig, SpannerStore};

use crate::{changed, clock, database};

/// One statement that changes one row.
async fn execute(config: &SpannerConfig, sql: &str) {
    assert_eq!(changed(config, sql.to_owned()).await, 1, "{sql}");
}

#[tokio::test]
async fn migrating_can_be_repeated_by_several_at_once() {
    let Some((_emulator, config)) = database().await else {
        return;
    };
    let clock = clock();
    let (first, second) = tokio::join!(
        SpannerStore::migrate(&config, &clock),
        SpannerStore::migrate(&config, &clock)
    );
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    assert_eq!(SpannerStore::migrate(&config, &clock).await.unwrap(), 0);
    SpannerStore::open(&config, Arc::new(clock)).await.unwrap();
}

#[tokio::test]
async fn a_tenant_can_be_inserted_by_hand() {
    let Some((_emulator, config)) = database().await else {
        return;
    };
    SpannerStore::migrate(&config, &clock()).await.unwrap();
    execute(
        &config,
        "INSERT INTO tenants (tenant_id, name, status) VALUES ('tenant_demo', 'Demo Company', 'active')",
    )
    .await;
    let store = SpannerStore::open(&config, Arc::new(clock()))
        .await
        .unwrap();
    let id = TenantId::new("tenant_demo").unwrap();
    let expected = Tenant {
        id: id.clone(),
        name: "Demo Company".to_owned(),
        status: TenantStatus::Active,
    };
    assert_eq!(store.tenant(&id).await.unwrap(), Some(expected));
}

#[tokio::test]
async fn a_newer_schema_is_served_and_not_migrated() {
    let Some((_emulator, config)) = database().await else {
        return;
    };
    SpannerStore::migrate(&config, &clock()).await.unwrap();
    execute(
        &config,
        "INSERT INTO schema_migrations (version, name, applied_at) \
         VALUES (9999, 'from_the_future', CURRENT_TIMESTAMP())",
    )
    .await;
    // During a rollout, processes of the build before still start.
    SpannerStore::open(&config, Arc::new(clock()))
        .await
        .unwrap();
    let migrated = SpannerStore::migrate(&config, &clock()).await;
    let Err(StoreError::Conflict(reason)) = migrated else {
        panic!("it was migrated: {migrated:?}")
    };
    assert!(reason.contains("newer build"), "{reason}");
}

#[tokio::test]
async fn a_database_without_tables_says_what_to_do() {
    let Some((_emulator, config)) = database().await else {
        return;
    };
    SpannerStore::migrate(&config, &clock()).await.unwrap();
    let empty = SpannerConfig {
        database: "another".to_owned(),
        ..config
    };
    let opened = SpannerStore::open(&empty, Arc::new(clock()))
        .await
        .map(drop);
    assert!(opened.is_err(), "there is no such database");
}
