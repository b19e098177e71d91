//! Whether the store notices that its writes fail.

use std::sync::Arc;

use domain::{StoreError, Tenant, TenantId, TenantStatus};
use rusqlite::Connection;
use store::{AuditAction, Store as _};
use store_sqlite::SqliteStore;

use crate::clock;

/// Makes every new row of these tables fail, as a broken disk does.
const BREAK: &str = "CREATE TRIGGER broken_tenants BEFORE INSERT ON tenants BEGIN SELECT RAISE(ABORT, 'broken'); END;
    CREATE TRIGGER broken_events BEFORE INSERT ON security_events BEGIN SELECT RAISE(ABORT, 'broken'); END;";
const MEND: &str = "DROP TRIGGER broken_tenants; DROP TRIGGER broken_events;";

fn tenant(id: &str) -> Tenant {
    Tenant {
        id: TenantId::new(id).unwrap(),
        name: id.to_owned(),
        status: TenantStatus::Active,
    }
}

#[tokio::test]
async fn a_store_whose_writes_fail_is_noticed_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipeline.db");
    let store = SqliteStore::open(&path, Arc::new(clock())).unwrap();
    let other = Connection::open(&path).unwrap();
    let act = AuditAction::new("test", "tenant.create", "");
    store.check_across_tenants().await.unwrap();

    other.execute_batch(BREAK).unwrap();
    store.check_across_tenants().await.unwrap();
    let written = store.create_tenant(&tenant("tenant_one"), &act).await;
    assert!(matches!(written, Err(StoreError::Failed(_))), "{written:?}");
    for _ in 0..3 {
        // Nobody else writes meanwhile: the check finds it out by itself.
        let checked = store.check_across_tenants().await;
        assert!(matches!(checked, Err(StoreError::Failed(_))), "{checked:?}");
    }

    other.execute_batch(MEND).unwrap();
    store.check_across_tenants().await.unwrap();
    store.check_across_tenants().await.unwrap();
    let left = store.security_events_across_tenants(10).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    store
        .create_tenant(&tenant("tenant_one"), &act)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_the_store_refuses_with_a_reason_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipeline.db");
    let store = SqliteStore::open(&path, Arc::new(clock())).unwrap();
    let act = AuditAction::new("test", "tenant.create", "");
    store
        .create_tenant(&tenant("tenant_one"), &act)
        .await
        .unwrap();
    let again = store.create_tenant(&tenant("tenant_one"), &act).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    let other = Connection::open(&path).unwrap();
    other.execute_batch(BREAK).unwrap();
    store.check_across_tenants().await.unwrap();
}
