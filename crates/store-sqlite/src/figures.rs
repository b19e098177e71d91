//! Figures: additions in the order of their transactions, and sums.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{
    LeadRequest, RequestId, TenantId,
    figures::{Additions, Cells, FiguresQuery, Folding, Sums, SumsKey, Tally},
};
use rusqlite::{Connection, params};
use store::{
    AuditAction, Figures, Recounted, Result, figures,
    rows::{self, REQUEST_COLUMNS},
    stored::{readable, to_json},
};

use crate::{SqliteStore, noted, rows::store_error, sql};

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

/// Adds to a tenant's sums: a row behind all others. Called once for a group of units: see [`noted`].
pub(crate) fn write(db: &Connection, tenant: &TenantId, additions: &Additions) -> Result<()> {
    const SQL: &str = "INSERT INTO metric_additions (tenant_id, additions) VALUES (?1, ?2)";
    if additions.is_empty() {
        return Ok(());
    }
    let values = params![tenant.as_str(), to_json(additions)?];
    sql::execute(db, SQL, values).map(drop)
}

fn sums(db: &Connection, tenant: &TenantId, query: &FiguresQuery) -> Result<Sums> {
    const ROWS: &str = "SELECT block, name, sums FROM metric_sums WHERE tenant_id = ?1 AND grain = ?2 \
                        AND dimension = ?3 AND block BETWEEN ?4 AND ?5";
    // Few are ever left, so they need no index.
    const ADDED: &str = "SELECT additions FROM metric_additions WHERE tenant_id = ?1";
    // One snapshot of both: what is folded meanwhile is in one of them.
    let snapshot = db.unchecked_transaction().map_err(store_error)?;
    let db: &Connection = &snapshot;
    let mut tally = Tally::new(query);
    for blocks in query.blocks() {
        let (tenant, dimension) = (tenant.as_str(), query.dimension.code());
        let values = params![
            tenant,
            blocks.grain.code(),
            dimension,
            blocks.first,
            blocks.last
        ];
        sql::all(db, ROWS, values, |row| {
            figures::tally_row(&mut tally, blocks.grain, row)
        })?;
    }
    sql::all(db, ADDED, [tenant.as_str()], |row| {
        let read = figures::additions(&row.text("additions")?)?;
        for addition in read.iter().flat_map(Additions::iter) {
            tally.add(addition);
        }
        Ok(())
    })?;
    Ok(tally.finish())
}

fn fold(db: &Connection, limit: u32) -> Result<u32> {
    const OLDEST: &str =
        "SELECT position, tenant_id, additions FROM metric_additions ORDER BY position LIMIT ?1";
    const REMOVE: &str = "DELETE FROM metric_additions WHERE position = ?1";
    let mut tenants = BTreeMap::<String, (Folding, Vec<i64>)>::new();
    sql::all(db, OLDEST, [limit], |row| {
        if let Some(additions) = figures::additions(&row.text("additions")?)? {
            let (folding, positions) = tenants.entry(row.text("tenant_id")?).or_default();
            folding.add(&additions);
            positions.push(row.integer("position")?);
        }
        Ok(())
    })?;
    let mut folded = 0;
    for (tenant, (folding, positions)) in tenants {
        // Nothing is written before all is read: what cannot be read stops this tenant's alone.
        let rows = folding.into_rows();
        let rows = rows.map(|(key, cells)| with_stored(db, &tenant, key, &cells));
        let rows = rows.collect::<Result<Vec<_>>>();
        let Some(rows) = readable("metric_sums", || format!("figures of {tenant}"), rows)? else {
            continue;
        };
        for (key, sums) in rows {
            put_sums(db, &tenant, &key, &sums)?;
        }
        for position in positions {
            sql::execute(db, REMOVE, [position])?;
            folded += 1;
        }
    }
    Ok(folded)
}

/// A row's sums with what is new of them.
fn with_stored(
    db: &Connection,
    tenant: &str,
    key: SumsKey,
    cells: &Cells,
) -> Result<(SumsKey, Vec<u8>)> {
    const READ: &str = "SELECT sums FROM metric_sums WHERE tenant_id = ?1 AND grain = ?2 AND dimension = ?3 \
                        AND block = ?4 AND name = ?5";
    let SumsKey {
        block,
        dimension,
        name,
    } = &key;
    let values = params![tenant, block.grain.code(), dimension, block.number, name];
    let stored = sql::first(db, READ, values, |row| {
        figures::with_stored(cells, Some(row))
    })?;
    let sums = match stored {
        Some(sums) => sums,
        None => figures::with_stored(cells, None)?,
    };
    Ok((key, sums))
}

fn put_sums(db: &Connection, tenant: &str, key: &SumsKey, sums: &[u8]) -> Result<()> {
    const PUT: &str = "INSERT OR REPLACE INTO metric_sums (tenant_id, grain, dimension, block, name, sums) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    const REMOVE: &str = "DELETE FROM metric_sums WHERE tenant_id = ?1 AND grain = ?2 AND dimension = ?3 \
                          AND block = ?4 AND name = ?5";
    let SumsKey {
        block,
        dimension,
        name,
    } = key;
    let (grain, block) = (block.grain.code(), block.number);
    if sums.is_empty() {
        let values = params![tenant, grain, dimension, block, name];
        return sql::execute(db, REMOVE, values).map(drop);
    }
    let values = params![tenant, grain, dimension, block, name, sums];
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
            noted::add(tenant, &additions);
            recounted.corrected += 1;
        }
    }
    Ok(recounted)
}

/// Refusals of tenants that are known count in their figures.
pub(crate) fn add_refused(events: &[store::SecurityEvent]) -> Result<()> {
    for (tenant, additions) in figures::refused(events)? {
        noted::add(&tenant, &additions);
    }
    Ok(())
}
