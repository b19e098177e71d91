//! Calls of the API that their callers named.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{
    Begun, Call, CallAnswer, Calls, Result,
    calls::{KEPT_FOR, StoredCall},
    rows,
};

use crate::{SqliteStore, rows::micros, sql};

/// How many that are too old a new call removes.
const FORGOTTEN_AT_ONCE: u32 = 20;

#[async_trait]
impl Calls for SqliteStore {
    async fn begin_call_across_tenants(&self, call: &Call) -> Result<Begun> {
        let (call, clock) = (call.clone(), self.clock.clone());
        self.write(move |db| begin(db, clock.now(), &call)).await
    }

    async fn end_call_across_tenants(
        &self,
        call: &Call,
        answer: Option<&CallAnswer>,
    ) -> Result<()> {
        let (call, answer) = (call.clone(), answer.cloned());
        self.write(move |db| end(db, &call, answer.as_ref())).await
    }
}

fn begin(db: &Connection, now: Timestamp, call: &Call) -> Result<Begun> {
    const KNOWN: &str = "SELECT * FROM api_calls WHERE tenant_id = ?1 AND call_hash = ?2";
    const NEW: &str = "INSERT INTO api_calls (tenant_id, call_hash, request_hash, started_at, state) \
                       VALUES (?1, ?2, ?3, ?4, 'running') ON CONFLICT (tenant_id, call_hash) \
                       DO UPDATE SET request_hash = excluded.request_hash, started_at = excluded.started_at, \
                       state = 'running', status = NULL, content_type = NULL, location = NULL, etag = NULL, answer = NULL";
    let tenant = call.tenant_column();
    let known = sql::first(db, KNOWN, params![tenant, call.id], rows::call)?;
    let begun = StoredCall::begun(known, call, now);
    if begun == Begun::Now {
        forget_old(db, now)?;
        let values = params![tenant, call.id, call.request, micros(now)];
        sql::execute(db, NEW, values)?;
    }
    Ok(begun)
}

fn end(db: &Connection, call: &Call, answer: Option<&CallAnswer>) -> Result<()> {
    const FORGET: &str = "DELETE FROM api_calls WHERE tenant_id = ?1 AND call_hash = ?2";
    const KEEP: &str = "UPDATE api_calls SET state = ?3, status = ?4, content_type = ?5, location = ?6, etag = ?7, answer = ?8 \
                        WHERE tenant_id = ?1 AND call_hash = ?2";
    let tenant = call.tenant_column();
    let Some(answer) = answer else {
        return sql::execute(db, FORGET, params![tenant, call.id]).map(drop);
    };
    let columns = CallAnswer::columns(answer);
    let values = params![
        tenant,
        call.id,
        columns.state,
        columns.status,
        columns.content_type,
        columns.location,
        columns.etag,
        columns.body,
    ];
    sql::execute(db, KEEP, values).map(drop)
}

fn forget_old(db: &Connection, now: Timestamp) -> Result<()> {
    const SQL: &str = "DELETE FROM api_calls WHERE (tenant_id, call_hash) IN ( \
                       SELECT tenant_id, call_hash FROM api_calls WHERE started_at < ?1 \
                       ORDER BY started_at LIMIT ?2)";
    let old = now.checked_sub(KEPT_FOR).unwrap_or(now);
    sql::execute(db, SQL, params![micros(old), FORGOTTEN_AT_ONCE]).map(drop)
}
