//! The audit log.

use domain::{AuditId, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, ToSql, params};
use store::{
    AuditAction, AuditEntry, AuditQuery, IdSource, Page, Result,
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

/// The statement that finds a page of what is meant.
fn statement(query: &AuditQuery) -> String {
    let index = query.index();
    let index = index.map_or_else(String::new, |index| format!(" INDEXED BY {index}"));
    let equal: String = query
        .columns()
        .map(|(column, _)| format!(" AND {column} = :{column}"))
        .collect();
    format!(
        "SELECT * FROM audit_log{index} WHERE tenant_id = :tenant{equal} AND audit_id < :before AND audit_id >= :first \
         AND at >= :from AND at < :to ORDER BY audit_id DESC LIMIT :wanted"
    )
}

pub(crate) fn page(
    db: &Connection,
    tenant: &TenantId,
    query: &AuditQuery,
) -> Result<Page<AuditEntry>> {
    let mut page = PageReader::new(query.limit);
    let ids = query.ids();
    let (from, to) = (
        query.from.map_or(i64::MIN, micros),
        query.to.map_or(i64::MAX, micros),
    );
    let (tenant, wanted) = (tenant.as_str(), signed(page.wanted()));
    let equal: Vec<_> = query
        .columns()
        .map(|(column, value)| (format!(":{column}"), value))
        .collect();
    let mut values: Vec<(&str, &dyn ToSql)> = vec![
        (":tenant", &tenant),
        (":before", &ids.before),
        (":first", &ids.from),
        (":from", &from),
        (":to", &to),
        (":wanted", &wanted),
    ];
    let equal = equal.iter();
    values.extend(equal.map(|(name, value)| (name.as_str(), value as &dyn ToSql)));
    page.take(sql::all(db, &statement(query), values.as_slice(), |row| {
        rows::audit_entry(row, "at", "hash").map(Some)
    })?);
    Ok(page.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_list_of_the_audit_log_reads_what_it_does_not_show() {
        let given = |is_given| Some("x".to_owned()).filter(|_| is_given);
        for filters in 0..8 {
            let query = AuditQuery {
                actor: given(filters & 1 > 0),
                action: given(filters & 2 > 0),
                object: given(filters & 4 > 0),
                ..AuditQuery::newest(10)
            };
            let equal: Vec<_> = query.columns().map(|(column, _)| column).collect();
            sql::assert_walks(
                &statement(&query),
                "audit_log",
                &equal,
                "audit_id>? AND audit_id<?",
            );
        }
    }
}
