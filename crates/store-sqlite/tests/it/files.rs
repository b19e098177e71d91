//! One file, opened again and again.

use std::{path::Path, sync::Arc, time::Duration};

use domain::{Outcome, SourceId, StoreError, Tenant, TenantId, TenantStatus, WorkQueue as _};
use futures::future::join_all;
use rusqlite::Connection;
use store::{RequestQuery, Source, SourceState, Store as _, TokenHash, contract::delivery};
use store_sqlite::SqliteStore;
use testkit::ManualClock;

use crate::clock;

const LEASE: Duration = Duration::from_secs(60);

fn open(path: &Path, clock: &ManualClock) -> SqliteStore {
    SqliteStore::open(path, Arc::new(clock.clone())).unwrap()
}

fn demo() -> TenantId {
    TenantId::new("tenant_demo").unwrap()
}

#[tokio::test]
async fn the_first_tenant_is_made_by_a_plain_insert() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipeline.db");
    SqliteStore::migrate(&path, &clock()).unwrap();
    let sql = "INSERT INTO tenants (tenant_id, name, status) VALUES ('tenant_demo', 'Demo Company', 'active')";
    Connection::open(&path).unwrap().execute(sql, []).unwrap();

    let store = open(&path, &clock());
    let tenant = Tenant {
        id: demo(),
        name: "Demo Company".to_owned(),
        status: TenantStatus::Active,
    };
    assert_eq!(store.tenant(&demo()).await.unwrap(), Some(tenant));
    let token = TokenHash::of("token");
    let source = Source {
        id: SourceId::from_uuid(store.ids().next()),
        tenant: demo(),
        provider: "leads".to_owned(),
        office: None,
        connection: None,
        token: Some(token),
        accounts: Vec::new(),
        key_names: Vec::new(),
        schemes: Vec::new(),
        state: SourceState::Active,
        name: None,
        version: 1,
    };
    store.put_source(&source).await.unwrap();
    let found = store.source_by_token_across_tenants(&token).await;
    assert_eq!(found.unwrap(), Some(source));
    let accepted = store.accept(delivery(&demo(), "1")).await.unwrap();
    let wakes = accepted.into_wakes();
    let job = store.claim(&wakes[0], LEASE).await.unwrap().unwrap();
    assert_eq!(job.config.tenant_name, "Demo Company");
}

#[tokio::test]
async fn reopening_keeps_the_data_and_voids_the_leases() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipeline.db");
    let clock = clock();
    let store = open(&path, &clock);
    let first = store.accept(delivery(&demo(), "1")).await.unwrap();
    let id = first.request().unwrap();
    let wakes = first.into_wakes();
    let lost = store.claim(&wakes[0], LEASE).await.unwrap().unwrap();
    let waiting = store.accept(delivery(&demo(), "2")).await.unwrap();
    let waiting = waiting.request().unwrap();
    let before = store.request(&demo(), waiting).await.unwrap().unwrap();
    drop(store);

    clock.advance(Duration::from_secs(1));
    let store = open(&path, &clock);
    let after = store.request(&demo(), waiting).await.unwrap().unwrap();
    assert_eq!((after.request, after.work), (before.request, before.work));
    let due = store.due_wakes_across_tenants(10, 10).await.unwrap();
    let requests: Vec<_> = due.iter().map(|due| due.wake.key.request).collect();
    assert_eq!(requests, [id]);
    // What waited in memory is forgotten, so whoever starts reloads it.
    let stage = due[0].wake.key.stage;
    let waits = store.waiting_across_tenants().await.unwrap();
    assert_eq!(waits, [(demo(), stage)]);
    let due_work = store.due_work(&demo(), stage, 10).await.unwrap();
    let requests: Vec<_> = due_work.iter().map(|wake| wake.key.request).collect();
    assert_eq!(requests, [waiting]);
    let taken = store.claim(&due[0].wake, LEASE).await.unwrap().unwrap();
    assert!(taken.row.token > lost.row.token);
    // Ids go on where they were.
    let third = store.accept(delivery(&demo(), "3")).await.unwrap();
    assert!(third.request().unwrap() > waiting);
    let wait = Outcome::wait(domain::later(taken.row.due_at, LEASE), "not yet");
    store.settle(&taken, wait, Vec::new(), LEASE).await.unwrap();
}

#[tokio::test]
async fn migrating_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipeline.db");
    assert!(SqliteStore::migrate(&path, &clock()).unwrap() > 0);
    assert_eq!(SqliteStore::migrate(&path, &clock()).unwrap(), 0);
    drop(open(&path, &clock()));
    assert_eq!(SqliteStore::migrate(&path, &clock()).unwrap(), 0);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipeline.db");
    SqliteStore::migrate(&path, &clock()).unwrap();
    let sql = "INSERT INTO schema_migrations (version, name, applied_at) VALUES (9999, 'from_the_future', 0)";
    Connection::open(&path).unwrap().execute(sql, []).unwrap();
    let opened = SqliteStore::open(&path, Arc::new(clock())).map(drop);
    let Err(StoreError::Conflict(reason)) = opened else {
        panic!("it was opened: {opened:?}")
    };
    assert!(reason.contains("newer build"), "{reason}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipeline.db");
    std::fs::write(
        &path,
        "no database, but long enough to be taken for one".repeat(50),
    )
    .unwrap();
    let opened = SqliteStore::open(&path, Arc::new(clock())).map(drop);
    assert!(matches!(opened, Err(StoreError::Failed(_))), "{opened:?}");
}

#[tokio::test]
async fn a_refused_write_does_not_undo_those_that_come_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("pipeline.db"), &clock());
    let nobody = domain::ConnectionName::new("nobody").unwrap();
    let writes = (0..50).map(|call| {
        let (store, nobody) = (&store, &nobody);
        async move {
            let refused = store
                .replace_secret(
                    &demo(),
                    nobody,
                    1,
                    None,
                    &store::AuditAction::new("test", "secret.set", ""),
                )
                .await;
            assert!(matches!(refused, Err(StoreError::NotFound)));
            store
                .accept(delivery(&demo(), &call.to_string()))
                .await
                .unwrap();
        }
    });
    join_all(writes).await;
    let all = RequestQuery {
        limit: 200,
        ..RequestQuery::default()
    };
    let page = store.list_requests(&demo(), &all).await.unwrap();
    assert_eq!(page.items.len(), 50);
}
