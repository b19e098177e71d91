//! Refusals, counted by minute.

use std::collections::BTreeMap;

use google_cloud_spanner::{
    key::{Key, KeySet},
    mutation::Mutation,
    result::Row,
    statement::Statement,
    types,
    value::Value,
};
use jiff::Timestamp;
use store::SecurityEvent;

use crate::{
    fault::Fault,
    rows::{self, Write, get, mutation, signed, time_value},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Over so many places refusals are spread, by their address.
const SHARDS: u32 = 8;

const COLUMNS: [&str; 8] = [
    "shard",
    "minute",
    "address",
    "reason",
    "provider",
    "tenant_id",
    "count",
    "trace_id",
];

/// What one row counts.
fn parts(event: &SecurityEvent) -> [Value; 6] {
    let sum = event.address.bytes().fold(0_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    [
        i64::from(sum % SHARDS).into(),
        time_value(event.minute),
        event.address.clone().into(),
        event.reason.clone().into(),
        event.provider.clone().into(),
        event.tenant.clone().unwrap_or_default().into(),
    ]
}

/// What tells one count from another.
type Kind = (Timestamp, String, String, String, Option<String>);

fn kind(event: &SecurityEvent) -> Kind {
    (
        event.minute,
        event.address.clone(),
        event.reason.clone(),
        event.provider.clone(),
        event.tenant.clone(),
    )
}

pub(crate) async fn record(tx: &Tx, events: &[SecurityEvent]) -> Result<()> {
    let mut keys = KeySet::builder();
    let mut counts: BTreeMap<Kind, SecurityEvent> = BTreeMap::new();
    for event in events {
        counts
            .entry(kind(event))
            .and_modify(|counted| counted.count += event.count)
            .or_insert_with(|| {
                keys = std::mem::take(&mut keys).add_key(Key::new(parts(event).to_vec()));
                event.clone()
            });
    }
    if counts.is_empty() {
        return Ok(());
    }
    for row in tx.rows("security_events", &COLUMNS, keys.build()).await? {
        let known = read(&row)?;
        if let Some(counted) = counts.get_mut(&kind(&known)) {
            counted.count += known.count;
            counted.trace_id = known.trace_id;
        }
    }
    tx.write(counts.into_values().map(|event| {
        let [shard, minute, address, reason, provider, tenant] = parts(&event);
        mutation(
            Write::Put,
            "security_events",
            [
                ("shard", shard),
                ("minute", minute),
                ("address", address),
                ("reason", reason),
                ("provider", provider),
                ("tenant_id", tenant),
                ("count", signed(event.count).into()),
                ("trace_id", event.trace_id.into()),
            ],
        )
    }))
}

pub(crate) async fn prune_across_tenants(tx: &Tx, before: Timestamp, limit: u32) -> Result<u32> {
    let statement = Statement::builder(
        "SELECT shard, minute, address, reason, provider, tenant_id FROM security_events \
         WHERE minute < @before ORDER BY minute LIMIT @limit",
    )
    .add_typed_param("before", time_value(before), types::timestamp())
    .add_param("limit", i64::from(limit));
    let found = tx.query(statement.build()).await?;
    let mut keys = KeySet::builder();
    for row in &found {
        keys = keys.add_key(Key::new(row.raw_values().to_vec()));
    }
    if !found.is_empty() {
        tx.write([Mutation::delete("security_events", keys.build())])?;
    }
    Ok(u32::try_from(found.len()).unwrap_or(u32::MAX))
}

pub(crate) async fn newest_across_tenants(
    reader: &Reader,
    limit: u32,
) -> Result<Vec<SecurityEvent>> {
    let sql = format!(
        "SELECT {} FROM security_events ORDER BY minute DESC, address, reason LIMIT @limit",
        COLUMNS.join(", ")
    );
    let statement = Statement::builder(sql).add_param("limit", i64::from(limit));
    let found = reader.query(statement.build()).await?;
    found.iter().map(read).collect()
}

fn read(row: &Row) -> Result<SecurityEvent> {
    Ok(SecurityEvent {
        minute: rows::time(row, "minute")?,
        address: get(row, "address")?,
        reason: get(row, "reason")?,
        provider: get(row, "provider")?,
        tenant: Some(get::<String>(row, "tenant_id")?).filter(|tenant| !tenant.is_empty()),
        count: rows::unsigned(row, "count")?,
        trace_id: get(row, "trace_id")?,
    })
}
