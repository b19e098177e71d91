//! The audit log.

use domain::{AuditId, TenantId};
use google_cloud_spanner::statement::Statement;
use store::{
    AuditAction, AuditEntry, IdSource, Page,
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
    let last = page(tx, tenant, None, 1).await?.items.pop();
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
    before: Option<AuditId>,
    limit: u32,
) -> Result<Page<AuditEntry>> {
    let mut page = PageReader::new(limit);
    let statement = Statement::builder(format!(
        "SELECT {COLUMNS} FROM audit_log WHERE tenant_id = @tenant AND audit_id < @before \
         ORDER BY audit_id DESC LIMIT @wanted"
    ))
    .add_param("tenant", tenant.as_str().to_owned())
    .add_param(
        "before",
        before.map_or_else(|| "aud_~".to_owned(), |id| id.to_string()),
    )
    .add_param("wanted", signed(page.wanted()));
    let found = reader.query(statement.build()).await?;
    let entry = |row| rows::audit_entry(row, "occurred_at", "entry_hash").map(Some);
    let read = found.iter().map(|row| entry(row));
    page.take(read.collect::<store::Result<_>>()?);
    Ok(page.finish())
}
