//! Refusals, counted by minute.

use std::collections::BTreeMap;

use google_cloud_spanner::{
    key::{Key, KeySet},
    mutation::Mutation,
    statement::Statement,
    types,
    value::Value,
};
use jiff::Timestamp;
use store::{
    SecurityEvent,
    rows::{self, signed},
};

use crate::{
    fault::Fault,
    figures,
    rows::{Write, mutation, time_value},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Over this many shards refusals are spread, by their address.
const SHARDS: u32 = 8;

const COLUMNS: &str = "shard, minute, address, reason, provider, tenant_id, count, trace_id";

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

/// The key of a count.
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

/// Adds refusals to their minutes' counts. `id` is the transaction's own.
pub(crate) async fn record(tx: &Tx, id: &str, events: &[SecurityEvent]) -> Result<()> {
    figures::add_refused(tx, id, events)?;
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
    for row in tx.rows("security_events", COLUMNS, keys.build()).await? {
        let known = rows::security_event(&row)?;
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

/// The keys of the oldest refusals before a time, shard by shard: each is a short walk along the key.
pub(crate) async fn old_across_tenants(
    reader: &Reader,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<Key>> {
    let mut old = Vec::new();
    for shard in 0..i64::from(SHARDS) {
        let statement = Statement::builder(
            "SELECT shard, minute, address, reason, provider, tenant_id FROM security_events \
             WHERE shard = @shard AND minute < @before ORDER BY minute LIMIT @limit",
        )
        .add_param("shard", shard)
        .add_typed_param("before", time_value(before), types::timestamp())
        .add_param("limit", i64::from(limit));
        for row in reader.query(statement.build()).await? {
            let minute = row.time("minute")?;
            old.push((minute, Key::new(row.0.raw_values().to_vec())));
        }
    }
    old.sort_by_key(|(minute, _)| *minute);
    old.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(old.into_iter().map(|(_, key)| key).collect())
}

/// Removes refusals by their keys. Those that are gone already do not matter.
pub(crate) fn remove_across_tenants(tx: &Tx, old: &[Key]) -> Result<()> {
    let mut keys = KeySet::builder();
    for key in old {
        keys = keys.add_key(key.clone());
    }
    tx.write([Mutation::delete("security_events", keys.build())])
}

pub(crate) async fn newest_across_tenants(
    reader: &Reader,
    limit: u32,
) -> Result<Vec<SecurityEvent>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM security_events WHERE shard = @shard \
         ORDER BY minute DESC, address, reason LIMIT @limit"
    );
    let mut newest = Vec::new();
    for shard in 0..i64::from(SHARDS) {
        let statement = Statement::builder(sql.as_str())
            .add_param("shard", shard)
            .add_param("limit", i64::from(limit));
        for row in reader.query(statement.build()).await? {
            newest.push(rows::security_event(&row)?);
        }
    }
    newest.sort_by(|one, other| {
        let order = other.minute.cmp(&one.minute);
        order.then_with(|| (&one.address, &one.reason).cmp(&(&other.address, &other.reason)))
    });
    newest.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(newest)
}
