//! The audit log.

use domain::{AuditId, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{
    AuditAction, AuditEntry, IdSource, Page, Result,
    rows::{self, signed},
    stored::PageReader,
};

use crate::{rows::micros, sql};

/// Adds an entry behind the tenant's last one.
pub(crate) fn record(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    tenant: &TenantId,
    act: &AuditAction,
) -> Result<()> {
    const LAST: &str =
        "SELECT hash FROM audit_log WHERE tenant_id = ?1 ORDER BY audit_id DESC LIMIT 1";
    const NEXT: &str = "INSERT INTO audit_log (tenant_id, audit_id, at, actor, action, object, detail, previous, hash) \
                        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let previous = sql::first(db, LAST, [tenant.as_str()], |row| row.text("hash"))?;
    let id = AuditId::from_uuid(ids.next());
    let entry = AuditEntry::new(id, tenant, now, act, previous);
    let values = params![
        entry.tenant.as_str(),
        entry.id.to_string(),
        micros(entry.at),
        entry.actor,
        entry.action,
        entry.object,
        entry.detail,
        entry.previous,
        entry.hash,
    ];
    sql::execute(db, NEXT, values).map(drop)
}

pub(crate) fn page(
    db: &Connection,
    tenant: &TenantId,
    before: Option<AuditId>,
    limit: u32,
) -> Result<Page<AuditEntry>> {
    const SQL: &str = "SELECT * FROM audit_log WHERE tenant_id = ?1 AND audit_id < ?2 ORDER BY audit_id DESC LIMIT ?3";
    let mut page = PageReader::new(limit);
    let before = before.map_or_else(|| "aud_~".to_owned(), |id| id.to_string());
    let values = params![tenant.as_str(), before, signed(page.wanted())];
    page.take(sql::all(db, SQL, values, |row| {
        rows::audit_entry(row, "at", "hash").map(Some)
    })?);
    Ok(page.finish())
}
