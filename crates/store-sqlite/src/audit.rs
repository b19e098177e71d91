//! The audit log.

use domain::{AuditId, StoreError, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use store::{AuditAction, AuditEntry, AuditPage, IdSource, stored::Page};

use crate::{
    rows::{self, get, micros},
    sql,
};

type Result<T> = std::result::Result<T, StoreError>;

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
    let previous = sql::first(db, LAST, [tenant.as_str()], |row| get(row, "hash"))?;
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
) -> Result<AuditPage> {
    const SQL: &str = "SELECT * FROM audit_log WHERE tenant_id = ?1 AND audit_id < ?2 ORDER BY audit_id DESC LIMIT ?3";
    let mut page = Page::new(limit);
    let before = before.map_or_else(|| "aud_~".to_owned(), |id| id.to_string());
    let values = params![tenant.as_str(), before, rows::signed(page.wanted())];
    page.take(sql::all(db, SQL, values, |row| read(row).map(Some))?);
    let (items, has_more) = page.finish();
    Ok(AuditPage { items, has_more })
}

fn read(row: &Row<'_>) -> Result<AuditEntry> {
    Ok(AuditEntry {
        id: rows::parsed(row, "audit_id")?,
        tenant: rows::parsed(row, "tenant_id")?,
        at: rows::time(row, "at")?,
        actor: get(row, "actor")?,
        action: get(row, "action")?,
        object: get(row, "object")?,
        detail: get(row, "detail")?,
        previous: get(row, "previous")?,
        hash: get(row, "hash")?,
    })
}
