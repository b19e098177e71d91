//! What lies in a world's database, seen past the product.

use std::{collections::BTreeMap, path::Path};

use domain::TenantId;
use rusqlite::{Connection, types::Value};

use crate::fleet::Reader;

/// What requests are found by follows behind what they are, at a pace of its own.
const INDEX: [&str; 3] = ["request_tokens", "request_changes", "request_sets"];

/// Every row of every table, as text, but for the `INDEX`.
pub type Rows = BTreeMap<String, Vec<String>>;

/// Tables that are rewritten at any time: what is added to figures is folded into sums.
const FOLDED: &str = "('metric_additions', 'metric_sums')";

/// Of SQLite: every row that is a tenant's.
pub(super) fn of_tenant(database: &Path, tenant: &TenantId) -> Rows {
    let database = Connection::open(database).unwrap();
    let tables = format!(
        "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
        WHERE m.type = 'table' AND c.name = 'tenant_id' AND m.name NOT IN {FOLDED} ORDER BY m.name"
    );
    let mut tables = database.prepare(&tables).unwrap();
    let tables: Vec<String> = tables
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .filter(|table: &String| !INDEX.contains(&table.as_str()))
        .collect();
    let rows = |table: &String| {
        let mut rows = database
            .prepare(&format!("SELECT * FROM {table} WHERE tenant_id = ?1"))
            .unwrap();
        let columns = rows.column_count();
        let rows = rows.query_map([tenant.as_str()], |row| {
            let cells =
                (0..columns).map(|column| Ok(format!("{:?}", row.get::<_, Value>(column)?)));
            Ok(cells.collect::<rusqlite::Result<Vec<_>>>()?.join(" | "))
        });
        rows.unwrap().map(Result::unwrap).collect()
    };
    tables
        .iter()
        .map(|table| (table.clone(), rows(table)))
        .collect()
}

/// Of SQLite: how many steps somebody works on, or are due by now, and jobs that have not ended.
pub(super) fn due(database: &Path, now_us: i64) -> u32 {
    let due = "SELECT (SELECT count(*) FROM work WHERE state = 'in_flight' OR (state = 'ready' AND due_at <= ?1))
        + (SELECT count(*) FROM jobs WHERE state IN ('queued', 'running'))";
    let database = Connection::open(database).unwrap();
    database.query_row(due, [now_us], |row| row.get(0)).unwrap()
}

/// Of Spanner: every row that is a tenant's.
pub(super) async fn of_tenant_on_spanner(reader: &Reader, tenant: &TenantId) -> Rows {
    let tables = format!(
        "SELECT c.table_name FROM information_schema.columns AS c
        WHERE c.table_schema = '' AND c.column_name = 'tenant_id' AND c.table_name NOT IN {FOLDED}"
    );
    let mut rows = Rows::new();
    for table in reader.rows(&tables).await.unwrap() {
        let table: String = table.get(0).unwrap();
        if INDEX.contains(&table.as_str()) {
            continue;
        }
        let columns = match table.as_str() {
            "requests" => {
                "* EXCEPT (indexed_version, indexed_status, indexed_tokens, is_unindexed)"
            }
            _ => "*",
        };
        let theirs = format!(
            "SELECT FORMAT('%T', one) FROM (SELECT {columns} FROM {table}) AS one \
             WHERE tenant_id = '{tenant}' ORDER BY 1"
        );
        let found = reader.rows(&theirs).await.unwrap();
        let texts = found.iter().map(|row| row.get(0).unwrap()).collect();
        rows.insert(table, texts);
    }
    rows
}

/// Of Spanner: how many steps somebody works on, or are due by now, jobs that have not ended, and events that are still
/// to be published.
pub(super) async fn due_on_spanner(reader: &Reader) -> u32 {
    let due = "SELECT (SELECT COUNT(*) FROM work WHERE state = 'in_flight'
            OR (state = 'ready' AND due_at <= CURRENT_TIMESTAMP())) + (SELECT COUNT(*) FROM outbox)
            + (SELECT COUNT(*) FROM jobs WHERE state IN ('queued', 'running'))";
    let rows = reader.rows(due).await.unwrap();
    u32::try_from(rows[0].get::<i64>(0).unwrap()).unwrap()
}
