//! The audit log.

use domain::{AuditId, StoreError, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use store::{Act, AuditEntry, AuditPage, IdSource};

use crate::rows::{self, get, micros, store_error};

type Result<T> = std::result::Result<T, StoreError>;

/// Adds an entry behind the tenant's last one.
pub(crate) fn record(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    tenant: &TenantId,
    act: &Act,
) -> Result<()> {
    const LAST: &str =
        "SELECT hash FROM audit_log WHERE tenant_id = ?1 ORDER BY audit_id DESC LIMIT 1";
    let previous: Option<String> = db
        .prepare_cached(LAST)
        .map_err(store_error)?
        .query_row([tenant.as_str()], |row| row.get(0))
        .optional()
        .map_err(store_error)?;
    let id = AuditId::from_uuid(ids.next());
    let entry = AuditEntry::new(id, tenant, now, act, previous);
    db.prepare_cached(
        "INSERT INTO audit_log (tenant_id, audit_id, at, actor, action, object, detail, previous, hash) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .map_err(store_error)?
    .execute(params![
        entry.tenant.as_str(),
        entry.id.to_string(),
        micros(entry.at),
        entry.actor,
        entry.action,
        entry.object,
        entry.detail,
        entry.previous,
        entry.hash,
    ])
    .map_err(store_error)?;
    Ok(())
}

pub(crate) fn page(
    db: &Connection,
    tenant: &TenantId,
    before: Option<AuditId>,
    limit: u32,
) -> Result<AuditPage> {
    let limit = limit.clamp(1, 200);
    let before = before.map_or_else(|| "aud_~".to_owned(), |id| id.to_string());
    let mut statement = db
        .prepare_cached(
            "SELECT * FROM audit_log WHERE tenant_id = ?1 AND audit_id < ?2 ORDER BY audit_id DESC LIMIT ?3",
        )
        .map_err(store_error)?;
    let mut found = statement
        .query(params![tenant.as_str(), before, limit + 1])
        .map_err(store_error)?;
    let mut items = Vec::new();
    while let Some(row) = found.next().map_err(store_error)? {
        items.push(AuditEntry {
            id: rows::parsed(row, "audit_id")?,
            tenant: tenant.clone(),
            at: rows::time(row, "at")?,
            actor: get(row, "actor")?,
            action: get(row, "action")?,
            object: get(row, "object")?,
            detail: get(row, "detail")?,
            previous: get(row, "previous")?,
            hash: get(row, "hash")?,
        });
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = items.len() > limit;
    items.truncate(limit);
    Ok(AuditPage { items, has_more })
}
