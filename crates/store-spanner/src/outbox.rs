//! Events for the outside, until they are published.

use domain::{LeadRequest, OutboxRow, RequestEvent};
use google_cloud_spanner::{key::KeySet, mutation::Mutation, statement::Statement};
use store::{rows::signed, stored::to_json};

use crate::{
    fault::Fault,
    requests::{self, SHARDS},
    rows::{Write, key, mutation, time_value},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Publishes how a request stands now.
pub(crate) fn publish(request: &LeadRequest) -> Result<Mutation> {
    let event = RequestEvent::of(request);
    let shard = requests::shard(&event.event_id);
    Ok(mutation(
        Write::Put,
        "outbox",
        [
            ("tenant_id", request.tenant.as_str().to_owned().into()),
            ("event_id", event.event_id.clone().into()),
            ("shard", shard.into()),
            ("created_at", time_value(request.updated_at)),
            ("payload", to_json(&event)?.into()),
        ],
    ))
}

pub(crate) async fn oldest_across_tenants(reader: &Reader, limit: u32) -> Result<Vec<OutboxRow>> {
    let shards: Vec<i64> = (0..signed(SHARDS)).collect();
    let statement = Statement::builder(
        "SELECT tenant_id, event_id, payload FROM outbox@{FORCE_INDEX=outbox_by_time} \
         WHERE shard IN UNNEST(@shards) ORDER BY created_at, event_id LIMIT @limit",
    )
    .add_param("shards", shards)
    .add_param("limit", i64::from(limit));
    let mut events = Vec::new();
    for row in reader.query(statement.build()).await? {
        events.push(OutboxRow {
            tenant: row.parsed("tenant_id")?,
            event_id: row.text("event_id")?,
            payload: row.text("payload")?,
        });
    }
    Ok(events)
}

pub(crate) fn remove_across_tenants(tx: &Tx, events: &[OutboxRow]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let mut keys = KeySet::builder();
    for event in events {
        keys = keys.add_key(key([event.tenant.as_str(), &event.event_id]));
    }
    tx.write([Mutation::delete("outbox", keys.build())])
}
