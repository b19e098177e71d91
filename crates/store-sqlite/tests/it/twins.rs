//! Ids are unique, and still no statement may count on that: here a second tenant has a copy of every row of the first,
//! ids and all. Whatever the first does, the copy stays as it is, and nothing of it is seen.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use domain::{
    Claimed, ConnectionName, DispatchAttempt, E164, EffectEnd, EffectIntent, EffectKey,
    EffectLog as _, NotificationRecord, Office, OfficeId, Outcome, Record, RemoteIds, RequestId,
    SettleResult, SourceId, Stage, Tenant, TenantId, TenantStatus, Usage, WorkQueue as _,
    WorkflowConfig,
};
use rusqlite::{Connection, types::Value};
use store::{
    AuditAction, ConnectionState, PersonIdentity, RequestView, Source, SourceState, Store as _,
    contract::delivery,
};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use testkit::ManualClock;

use crate::clock;

const LEASE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// A tenant's rows, by table.
type Rows = BTreeMap<String, Vec<Vec<Value>>>;

/// The tenant `a` and its twin `b` in one store.
struct Twins {
    store: SqliteStore,
    clock: ManualClock,
    db: Connection,
    _folder: TempDir,
}

impl Twins {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipeline.db");
        let clock = clock();
        Self {
            store: open(&path, &clock),
            clock,
            db: Connection::open(&path).unwrap(),
            _folder: folder,
        }
    }

    /// Gives `b` a copy of all that `a` has.
    fn copy(&self) {
        for (table, columns) in self.tables() {
            let copied = columns.iter().map(|column| match column.as_str() {
                "tenant_id" => "'b'",
                // Of these there is one in the world.
                "token_hash" => "NULL",
                // The place of a row in its table.
                "position" if table == "metric_additions" => "NULL",
                "account" => "'twin of ' || account",
                column => column,
            });
            let copied: Vec<_> = copied.collect();
            let sql = format!(
                "INSERT INTO {table} ({}) SELECT {} FROM {table} WHERE tenant_id = 'a'",
                columns.join(", "),
                copied.join(", ")
            );
            self.db.execute(&sql, []).unwrap();
        }
    }

    fn rows_of(&self, tenant: &str) -> Rows {
        let of_table = |(table, columns): (String, Vec<String>)| {
            let columns_in_order = columns.join(", ");
            let sql = format!(
                "SELECT {columns_in_order} FROM {table} WHERE tenant_id = ?1 ORDER BY {columns_in_order}"
            );
            let mut statement = self.db.prepare(&sql).unwrap();
            let row = |row: &rusqlite::Row<'_>| {
                (0..columns.len()).map(|column| row.get(column)).collect()
            };
            let rows = statement.query_map([tenant], row).unwrap();
            let rows = rows.map(Result::unwrap).collect();
            (table, rows)
        };
        self.tables().into_iter().map(of_table).collect()
    }

    /// The tables whose rows belong to a tenant, and their columns.
    fn tables(&self) -> BTreeMap<String, Vec<String>> {
        let sql = "SELECT tables.name, columns.name FROM sqlite_schema AS tables, \
                   pragma_table_info(tables.name) AS columns WHERE tables.type = 'table' ORDER BY columns.cid";
        let mut statement = self.db.prepare(sql).unwrap();
        let found = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for found in found {
            let (table, column): (String, String) = found.unwrap();
            tables.entry(table).or_default().push(column);
        }
        tables.retain(|_, columns| columns.iter().any(|column| column == "tenant_id"));
        tables
    }

    async fn request(&self, call: &str) -> RequestId {
        let accepted = self.store.accept(delivery(&a(), call)).await.unwrap();
        accepted.request().unwrap()
    }

    async fn claim(&self, request: RequestId, stage: Stage) -> Claimed {
        let work = self.store.open_work(&a(), request).await.unwrap();
        let row = work.iter().find(|row| row.key.stage == stage).unwrap();
        let claimed = self.store.claim(&row.wake(), LEASE).await.unwrap();
        claimed.expect("the step is due")
    }

    async fn settle(&self, job: &Claimed, outcome: Outcome, records: Vec<Record>) {
        let settled = self.store.settle(job, outcome, records, SECOND).await;
        assert!(
            matches!(settled, Ok(SettleResult::Written(_))),
            "{settled:?}"
        );
    }

    async fn view(&self, request: RequestId) -> RequestView {
        let view = self.store.request(&a(), request).await.unwrap();
        view.unwrap()
    }
}

fn open(path: &Path, clock: &ManualClock) -> SqliteStore {
    SqliteStore::open(path, Arc::new(clock.clone())).unwrap()
}

fn a() -> TenantId {
    TenantId::new("a").unwrap()
}

fn crm() -> ConnectionName {
    ConnectionName::new("crm").unwrap()
}

fn act() -> AuditAction {
    AuditAction::new("tester", "test.act", "something")
}

fn retry() -> Outcome {
    Outcome::Retry {
        after: None,
        reason: "it did not answer".to_owned(),
        answer: None,
    }
}

/// One record of each kind.
fn records(number: u64) -> Vec<Record> {
    let at = "2026-03-01T12:00:00Z".parse().unwrap();
    vec![
        Record::Dispatch(DispatchAttempt {
            connector: "crm".to_owned(),
            connection: crm(),
            at,
            latency_ms: number,
            outcome: "done".to_owned(),
            external_ids: RemoteIds::default(),
            answer: None,
            status: Some(200),
            sent: None,
            bytes_cut: 0,
            mapping_version: 0,
        }),
        Record::Notification(NotificationRecord {
            channel: "email".to_owned(),
            recipient: "ann@example.com".to_owned(),
            template: "lead@1".to_owned(),
            at,
            outcome: "sent".to_owned(),
            provider_id: Some(number.to_string()),
            latency_ms: None,
            status: None,
            answer: None,
            bytes_cut: 0,
        }),
        Record::Usage(Usage {
            unit: "emails".to_owned(),
            amount: number,
            by: "mailer".to_owned(),
        }),
    ]
}

#[tokio::test]
async fn a_requests_life_is_its_own() {
    let twins = Twins::new();
    let (first, second) = (twins.request("1").await, twins.request("2").await);
    for id in [first, second] {
        let job = twins.claim(id, Stage::Analysis).await;
        twins.settle(&job, retry(), records(1)).await;
    }
    let fresh = twins.request("3").await;
    let view = twins.view(second).await;
    twins.copy();
    let sql = "UPDATE usage_ledger SET position = position + 100 WHERE tenant_id = 'b'";
    assert_eq!(twins.db.execute(sql, []).unwrap(), 2);
    let twin = twins.rows_of("b");
    assert_eq!(twin["requests"].len(), 3);

    // Nothing is seen twice.
    let again = twins.view(second).await;
    assert_eq!(again.request, view.request);
    assert_eq!(again.timeline, view.timeline);
    assert_eq!(again.work, view.work);
    assert_eq!(again.attempts, view.attempts);
    assert_eq!(again.notifications, view.notifications);
    assert_eq!(again.usage, view.usage);

    let phone = PersonIdentity::Phone(E164::parse("+15125550142").unwrap());
    let person = twins
        .store
        .person_for_request(&a(), first, &[phone], Duration::ZERO)
        .await;
    person.unwrap();
    twins.claim(fresh, Stage::Analysis).await;
    twins.clock.advance(60 * 60 * SECOND);
    let job = twins.claim(first, Stage::Analysis).await;
    let merge = Outcome::Merge { other: second };
    twins.settle(&job, merge, records(2)).await;
    let merged = twins.view(first).await;
    assert_eq!((merged.attempts.len(), merged.usage.len()), (3, 3));
    assert_eq!(merged.notifications.len(), 3);
    assert_eq!(twins.rows_of("b"), twin);
    // Places in the ledger are counted within a request.
    let sql = "SELECT max(position) FROM usage_ledger WHERE tenant_id = 'a'";
    let last: u32 = twins.db.query_row(sql, [], |row| row.get(0)).unwrap();
    assert!(last < 100, "{last}");
}

#[tokio::test]
async fn an_effect_is_its_own() {
    let twins = Twins::new();
    let request = twins.request("1").await;
    let job = twins.claim(request, Stage::Analysis).await;
    let key = |name| EffectKey::new(name, &request, "crm", &"0");
    for name in ["note", "deal"] {
        let intent = twins
            .store
            .intend(&job.claim_token(), &key(name), SECOND)
            .await;
        assert_eq!(intent.unwrap(), EffectIntent::Begin);
    }
    twins.copy();
    let twin = twins.rows_of("b");
    let done = EffectEnd::Done {
        remote_id: "r".to_owned(),
    };
    for (name, end) in [("note", EffectEnd::Refused), ("deal", done)] {
        let concluded = twins
            .store
            .conclude(&job.claim_token(), &key(name), end)
            .await;
        concluded.unwrap();
    }
    assert_eq!(twins.rows_of("b"), twin);
    // A lease that is renewed, a row that is claimed once more, and a wake-up that is moved.
    let renewed = twins.store.renew(&job.claim_token(), 2 * LEASE).await;
    assert!(renewed.unwrap());
    twins.clock.advance(3 * LEASE);
    let due = twins.store.due_wakes_across_tenants(10, 10).await.unwrap();
    let of_a = due.into_iter().filter(|due| due.wake.key.tenant == a());
    let moved = twins.store.move_wakes_across_tenants(of_a.collect()).await;
    assert_eq!(moved.unwrap().len(), 1);
    twins.claim(request, Stage::Analysis).await;
    assert_eq!(twins.rows_of("b"), twin);
}

#[tokio::test]
async fn what_is_set_up_is_its_own() {
    let twins = Twins::new();
    let store = &twins.store;
    let tenant = Tenant {
        id: a(),
        name: "Demo".to_owned(),
        status: TenantStatus::Active,
    };
    store.put_tenant(&tenant).await.unwrap();
    let source = Source {
        id: SourceId::from_uuid(store.ids().next()),
        tenant: a(),
        provider: "leads".to_owned(),
        office: None,
        connection: None,
        token: None,
        accounts: vec!["1".to_owned()],
        key_names: vec!["key@1".to_owned()],
        schemes: Vec::new(),
        state: SourceState::Active,
        name: None,
        version: 1,
    };
    store.put_source(&source).await.unwrap();
    let office = Office {
        id: OfficeId::from_uuid(store.ids().next()),
        tenant: a(),
        name: "Austin".to_owned(),
        address: String::new(),
        time_zone: "America/Chicago".to_owned(),
        config: WorkflowConfig::default(),
        config_version: 0,
    };
    store.put_office(&office).await.unwrap();
    let connection = store::Connection {
        tenant: a(),
        name: crm(),
        provider: "crm".to_owned(),
        version: 1,
        secret_version: 1,
        state: ConnectionState::Active,
        settings: BTreeMap::new(),
    };
    store.put_connection(&connection).await.unwrap();
    let request = twins.request("1").await;
    let job = twins.claim(request, Stage::Analysis).await;
    let hold = Outcome::Hold {
        connection: crm(),
        version: 1,
        reason: "refused".to_owned(),
        answer: None,
    };
    twins.settle(&job, hold, Vec::new()).await;
    twins.copy();
    let twin = twins.rows_of("b");
    assert_eq!(twin["source_accounts"].len(), 1);
    assert_eq!(twin["configs"].len(), 2);

    let moved = Source {
        accounts: vec!["2".to_owned()],
        state: SourceState::Disabled,
        ..source
    };
    store.put_source(&moved).await.unwrap();
    let renamed = Office {
        name: "Round Rock".to_owned(),
        ..office
    };
    store.put_office(&renamed).await.unwrap();
    let replaced = store.replace_secret(&a(), &crm(), 2, None, &act()).await;
    assert_eq!(replaced.unwrap().released, 1);
    let suspended = TenantStatus::Suspended;
    store
        .set_tenant_status(&a(), suspended, &act())
        .await
        .unwrap();
    assert_eq!(twins.rows_of("b"), twin);
}
