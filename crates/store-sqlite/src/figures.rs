//! Figures: additions in the order of their transactions, and sums by day.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{
    LeadRequest, RequestId, TenantId,
    figures::{Additions, Cells, FiguresQuery, Folding, Sums, Tally},
};
use rusqlite::{Connection, params};
use store::{
    AuditAction, Figures, Recounted, Result, figures,
    rows::{self, REQUEST_COLUMNS},
    stored::{readable, to_json},
};

use crate::{SqliteStore, rows::store_error, sql};

#[async_trait]
impl Figures for SqliteStore {
    async fn figures(&self, tenant: &TenantId, query: &FiguresQuery) -> Result<Sums> {
        let (tenant, query) = (tenant.clone(), query.clone());
        self.read(move |db| sums(db, &tenant, &query)).await
    }

    async fn fold_figures_across_tenants(&self, limit: u32) -> Result<u32> {
        let limit = limit.clamp(1, 1_000);
        self.write(move |db| fold(db, limit)).await
    }

    async fn recount_figures(
        &self,
        tenant: &TenantId,
        before: Option<RequestId>,
        limit: u32,
        act: &AuditAction,
    ) -> Result<Recounted> {
        let id = tenant.clone();
        let change = move |db: &Connection, _| recount(db, &id, before, limit.clamp(1, 200));
        self.act_if(tenant, act, change, |recounted| recounted.corrected > 0)
            .await
    }
}

/// Adds to a tenant's sums: one row for each transaction, behind all others.
pub(crate) fn add(db: &Connection, tenant: &TenantId, additions: &Additions) -> Result<()> {
    const SQL: &str = "INSERT INTO metric_additions (tenant_id, additions) VALUES (?1, ?2)";
    if additions.is_empty() {
        return Ok(());
    }
    let values = params![tenant.as_str(), to_json(additions)?];
    sql::execute(db, SQL, values).map(drop)
}

fn sums(db: &Connection, tenant: &TenantId, query: &FiguresQuery) -> Result<Sums> {
    const DAYS: &str = "SELECT day, name, sums FROM metric_days \
                        WHERE tenant_id = ?1 AND dimension = ?2 AND day BETWEEN ?3 AND ?4";
    // Few are ever left, so they need no index.
    const ADDED: &str = "SELECT additions FROM metric_additions WHERE tenant_id = ?1";
    // One snapshot of both: what is folded meanwhile is in one of them.
    let snapshot = db.unchecked_transaction().map_err(store_error)?;
    let db: &Connection = &snapshot;
    let mut tally = Tally::new(query);
    if let Some((first, last)) = query.days() {
        let values = params![tenant.as_str(), query.dimension.code(), first, last];
        sql::all(db, DAYS, values, |row| figures::tally_day(&mut tally, row))?;
        sql::all(db, ADDED, [tenant.as_str()], |row| {
            let read = figures::additions(&row.text("additions")?)?;
            for addition in read.iter().flat_map(Additions::iter) {
                tally.add(addition);
            }
            Ok(())
        })?;
    }
    Ok(tally.finish())
}

fn fold(db: &Connection, limit: u32) -> Result<u32> {
    const OLDEST: &str =
        "SELECT position, tenant_id, additions FROM metric_additions ORDER BY position LIMIT ?1";
    const REMOVE: &str = "DELETE FROM metric_additions WHERE position = ?1";
    let mut tenants = BTreeMap::<String, Folding>::new();
    let mut folded = Vec::new();
    sql::all(db, OLDEST, [limit], |row| {
        if let Some(additions) = figures::additions(&row.text("additions")?)? {
            let folding = tenants.entry(row.text("tenant_id")?).or_default();
            folding.add(&additions);
            folded.push(row.integer("position")?);
        }
        Ok(())
    })?;
    for (tenant, folding) in tenants {
        for (key, cells) in folding.into_rows() {
            put_day(db, &tenant, &key, cells)?;
        }
    }
    for position in &folded {
        sql::execute(db, REMOVE, [position])?;
    }
    Ok(u32::try_from(folded.len()).unwrap_or(u32::MAX))
}

/// Adds to the sums of a day.
fn put_day(
    db: &Connection,
    tenant: &str,
    (dimension, day, name): &(u8, i64, String),
    mut cells: Cells,
) -> Result<()> {
    const READ: &str = "SELECT sums FROM metric_days \
                        WHERE tenant_id = ?1 AND dimension = ?2 AND day = ?3 AND name = ?4";
    const PUT: &str = "INSERT OR REPLACE INTO metric_days (tenant_id, dimension, day, name, sums) \
                       VALUES (?1, ?2, ?3, ?4, ?5)";
    const REMOVE: &str = "DELETE FROM metric_days \
                          WHERE tenant_id = ?1 AND dimension = ?2 AND day = ?3 AND name = ?4";
    let key = params![tenant, dimension, day, name];
    sql::first(db, READ, key, |row| figures::add_stored(&mut cells, row))?;
    let key = params![tenant, dimension, day, name];
    if cells.is_empty() {
        return sql::execute(db, REMOVE, key).map(drop);
    }
    let values = params![tenant, dimension, day, name, cells.packed()];
    sql::execute(db, PUT, values).map(drop)
}

fn recount(
    db: &Connection,
    tenant: &TenantId,
    before: Option<RequestId>,
    limit: u32,
) -> Result<Recounted> {
    const PUT: &str = "UPDATE requests SET counted = ?3 WHERE tenant_id = ?1 AND request_id = ?2";
    let page = format!(
        "SELECT {REQUEST_COLUMNS} FROM requests WHERE tenant_id = ?1 AND request_id < ?2 \
         ORDER BY request_id DESC LIMIT ?3"
    );
    // A prefix that sorts behind every id stands for "from the top".
    let before = before.map_or_else(|| "req_~".to_owned(), |id| id.to_string());
    let mut last = None;
    let values = params![tenant.as_str(), before, limit];
    let read: Vec<Option<LeadRequest>> = sql::all(db, &page, values, |row| {
        let id = row.text("request_id")?;
        last = Some(row.parsed("request_id")?);
        readable("requests", || id, rows::request(row))
    })?;
    let looked_at = u32::try_from(read.len()).unwrap_or(u32::MAX);
    let mut recounted = Recounted {
        looked_at,
        corrected: 0,
        next: last.filter(|_| looked_at == limit),
    };
    for mut request in read.into_iter().flatten() {
        if let Some(additions) = figures::correction(&mut request) {
            let id = request.id.to_string();
            let counted = to_json(&*request.counted)?;
            sql::execute(db, PUT, params![tenant.as_str(), id, counted])?;
            add(db, tenant, &additions)?;
            recounted.corrected += 1;
        }
    }
    Ok(recounted)
}

/// Refusals of tenants that are known count in their figures.
pub(crate) fn add_refused(db: &Connection, events: &[store::SecurityEvent]) -> Result<()> {
    for (tenant, additions) in figures::refused(events)? {
        add(db, &tenant, &additions)?;
    }
    Ok(())
}
