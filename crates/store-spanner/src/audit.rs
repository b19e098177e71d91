//! The audit log.

use domain::{AuditId, TenantId};
use google_cloud_spanner::{statement::Statement, types};
use store::{
    AuditAction, AuditEntry, AuditQuery, IdSource, Page,
    rows::{self, signed},
    stored::PageReader,
};
use uuid::Uuid;

use crate::{
    fault::Fault,
    rows::{Write, mutation, time_value},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

const COLUMNS: &str =
    "tenant_id, audit_id, occurred_at, actor, action, object, detail, previous, entry_hash";

/// Adds an entry behind the tenant's last one.
pub(crate) async fn record(
    tx: &Tx,
    ids: &IdSource,
    tenant: &TenantId,
    act: &AuditAction,
) -> Result<()> {
    let last = page(tx, tenant, &AuditQuery::newest(1)).await?.items.pop();
    let id = behind(last.as_ref(), AuditId::from_uuid(ids.next()));
    let previous = last.map(|entry| entry.hash);
    let entry = AuditEntry::new(id, tenant, tx.now(), act, previous);
    tx.write([mutation(
        Write::Insert,
        "audit_log",
        [
            ("tenant_id", entry.tenant.as_str().to_owned().into()),
            ("audit_id", entry.id.to_string().into()),
            ("occurred_at", time_value(entry.at)),
            ("actor", entry.actor.into()),
            ("action", entry.action.into()),
            ("object", entry.object.into()),
            ("detail", entry.detail.into()),
            ("previous", entry.previous.into()),
            ("entry_hash", entry.hash.into()),
        ],
    )])
}

/// The id of an entry that follows `last`: the drawn one, unless another process, whose clock is ahead, wrote the last.
fn behind(last: Option<&AuditEntry>, drawn: AuditId) -> AuditId {
    match last {
        Some(last) if last.id >= drawn => {
            AuditId::from_uuid(Uuid::from_u128(last.id.as_uuid().as_u128().wrapping_add(1)))
        }
        _ => drawn,
    }
}

pub(crate) async fn page(
    reader: &Reader,
    tenant: &TenantId,
    query: &AuditQuery,
) -> Result<Page<AuditEntry>> {
    let mut page = PageReader::new(query.limit);
    let index = query.index();
    let index = index.map_or_else(String::new, |index| format!("@{{FORCE_INDEX={index}}}"));
    let mut filter: String = query
        .columns()
        .map(|(column, _)| format!(" AND {column} = @{column}"))
        .collect();
    if query.from.is_some() {
        filter.push_str(" AND occurred_at >= @from");
    }
    if query.to.is_some() {
        filter.push_str(" AND occurred_at < @to");
    }
    let ids = query.ids();
    let mut statement = Statement::builder(format!(
        "SELECT {COLUMNS} FROM audit_log{index} WHERE tenant_id = @tenant{filter} \
         AND audit_id < @before AND audit_id >= @first ORDER BY audit_id DESC LIMIT @wanted"
    ))
    .add_param("tenant", tenant.as_str().to_owned())
    .add_param("before", ids.before)
    .add_param("first", ids.from)
    .add_param("wanted", signed(page.wanted()));
    for (column, value) in query.columns() {
        statement = statement.add_param(column, value.clone());
    }
    for (name, at) in [("from", query.from), ("to", query.to)] {
        if let Some(at) = at {
            statement = statement.add_typed_param(name, time_value(at), types::timestamp());
        }
    }
    let found = reader.query(statement.build()).await?;
    let entry = |row| rows::audit_entry(row, "occurred_at", "entry_hash").map(Some);
    let read = found.iter().map(|row| entry(row));
    page.take(read.collect::<store::Result<_>>()?);
    Ok(page.finish())
}
