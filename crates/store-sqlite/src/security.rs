//! Refusals, counted by minute.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{
    Result, SecurityEvent,
    rows::{self, signed},
};

use crate::{figures, rows::micros, sql};

pub(crate) fn record(db: &Connection, events: &[SecurityEvent]) -> Result<()> {
    const SQL: &str = "INSERT INTO security_events (minute, address, reason, provider, tenant_id, count, trace_id) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                       ON CONFLICT (minute, address, reason, provider, tenant_id) \
                       DO UPDATE SET count = count + excluded.count";
    for event in events {
        let values = params![
            micros(event.minute),
            event.address,
            event.reason,
            event.provider,
            event.tenant.as_deref().unwrap_or_default(),
            signed(event.count),
            event.trace_id,
        ];
        sql::execute(db, SQL, values)?;
    }
    figures::add_refused(events)
}

pub(crate) fn prune(db: &Connection, before: Timestamp, limit: u32) -> Result<u32> {
    const SQL: &str = "DELETE FROM security_events WHERE (minute, address, reason, provider, tenant_id) IN ( \
                       SELECT minute, address, reason, provider, tenant_id FROM security_events \
                       WHERE minute < ?1 ORDER BY minute LIMIT ?2)";
    let removed = sql::execute(db, SQL, params![micros(before), limit])?;
    Ok(u32::try_from(removed).unwrap_or(u32::MAX))
}

pub(crate) fn newest(db: &Connection, limit: u32) -> Result<Vec<SecurityEvent>> {
    const SQL: &str =
        "SELECT * FROM security_events ORDER BY minute DESC, address, reason LIMIT ?1";
    sql::all(db, SQL, [limit], rows::security_event)
}
