//! What a settle leaves on record beside the request: attempts, messages, paid operations.

use domain::{
    DispatchAttempt, DispatchId, NotificationId, NotificationRecord, Plan, Record, RequestId,
    TenantId, Usage,
};
use google_cloud_spanner::{mutation::Mutation, value::Value};
use jiff::Timestamp;
use store::{IdSource, rows::signed, stored::to_json};

use crate::{
    fault::Fault,
    rows::{Row, key, time_value, under},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// A table of records: its name, the column of their ids, and what else they have.
struct Table {
    name: &'static str,
    id: &'static str,
    columns: &'static str,
}

const ATTEMPTS: Table = Table {
    name: "crm_integrations",
    id: "dispatch_id",
    columns: "dispatch_id, attempt",
};
const MESSAGES: Table = Table {
    name: "notifications",
    id: "notification_id",
    columns: "notification_id, message",
};
const USAGE: Table = Table {
    name: "usage_ledger",
    id: "usage_id",
    columns: "usage_id, occurred_at, unit, amount, billed_by",
};

/// Keeps the records of a settle.
pub(crate) fn put(
    tx: &Tx,
    ids: &IdSource,
    tenant: &TenantId,
    request: RequestId,
    records: &[Record],
) -> Result<()> {
    for record in records {
        let id = ids.next();
        let (table, id, rest): (&Table, String, Vec<(&str, Value)>) = match record {
            Record::Dispatch(attempt) => (
                &ATTEMPTS,
                DispatchId::from_uuid(id).to_string(),
                vec![("attempt", to_json(attempt)?.into())],
            ),
            Record::Notification(message) => (
                &MESSAGES,
                NotificationId::from_uuid(id).to_string(),
                vec![("message", to_json(message)?.into())],
            ),
            Record::Usage(usage) => (
                &USAGE,
                id.to_string(),
                vec![
                    ("occurred_at", time_value(tx.now())),
                    ("unit", usage.unit.clone().into()),
                    ("amount", signed(usage.amount).into()),
                    ("billed_by", usage.by.clone().into()),
                ],
            ),
        };
        tx.write([insert(table, tenant, request, (table.id, id.into()), rest)])?;
    }
    Ok(())
}

fn insert(
    table: &Table,
    tenant: &TenantId,
    request: RequestId,
    id: (&str, Value),
    rest: Vec<(&str, Value)>,
) -> Mutation {
    let mut builder = Mutation::new_insert_builder(table.name)
        .set("tenant_id")
        .to(tenant.as_str().to_owned())
        .set("request_id")
        .to(request.to_string());
    for (column, value) in std::iter::once(id).chain(rest) {
        builder = builder.set(column).to(value);
    }
    builder.build()
}

/// A merged request's records show at the one that goes on. Its names and deliveries stay: reads follow the merge.
pub(crate) async fn follow_merges(tx: &Tx, plan: &Plan) -> Result<()> {
    let Some(change) = plan.changes.last() else {
        return Ok(());
    };
    let tenant = &change.request.tenant;
    for (from, into) in &plan.merged {
        // Where several become one, all goes to the last of them at once: what is written under one in between is not
        // seen by this transaction.
        let mut last = *into;
        while let Some((_, next)) = plan.merged.iter().find(|(merged, _)| *merged == last) {
            last = *next;
        }
        for table in [&ATTEMPTS, &MESSAGES, &USAGE] {
            for row in of_request(tx, table, tenant, *from).await? {
                let id = row.text(table.id)?;
                let mut columns = Vec::new();
                for column in table.columns.split(", ") {
                    columns.push((column, row.get::<Value>(column)?));
                }
                let old = key([tenant.as_str(), &from.to_string(), &id]);
                let moved = columns.split_off(1);
                tx.write([
                    Mutation::delete(table.name, old.into()),
                    insert(table, tenant, last, (table.id, id.into()), moved),
                ])?;
            }
        }
    }
    Ok(())
}

async fn of_request(
    reader: &Reader,
    table: &Table,
    tenant: &TenantId,
    request: RequestId,
) -> Result<Vec<Row>> {
    let keys = under([tenant.as_str(), &request.to_string()]);
    reader.rows(table.name, table.columns, keys).await
}

/// Every attempt to push a request into a CRM, in order.
pub(crate) async fn attempts(
    reader: &Reader,
    tenant: &TenantId,
    request: RequestId,
) -> Result<Vec<DispatchAttempt>> {
    let found = of_request(reader, &ATTEMPTS, tenant, request).await?;
    let read = |row: &Row| row.json("attempt", "a dispatch attempt");
    Ok(found.iter().map(read).collect::<store::Result<_>>()?)
}

/// Every message to people, in order.
pub(crate) async fn messages(
    reader: &Reader,
    tenant: &TenantId,
    request: RequestId,
) -> Result<Vec<NotificationRecord>> {
    let found = of_request(reader, &MESSAGES, tenant, request).await?;
    let read = |row: &Row| row.json("message", "a notification");
    Ok(found.iter().map(read).collect::<store::Result<_>>()?)
}

/// Every paid operation, with its time.
pub(crate) async fn usage(
    reader: &Reader,
    tenant: &TenantId,
    request: RequestId,
) -> Result<Vec<(Timestamp, Usage)>> {
    let mut lines = Vec::new();
    for row in of_request(reader, &USAGE, tenant, request).await? {
        let line = Usage {
            unit: row.text("unit")?,
            amount: row.number("amount")?,
            by: row.text("billed_by")?,
        };
        lines.push((row.time("occurred_at")?, line));
    }
    // Those of a merged request come between this one's.
    lines.sort_by_key(|(at, _)| *at);
    Ok(lines)
}
