//! Events for the outside.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Channel, OfficeId, Outbox as _, OutboxRow, RequestEvent, SourceId, TenantId};
use serde_json::Value;
use store::{Delivery, Store as _};
use uuid::Uuid;

use crate::{clock, store};

fn unreadable(lead: &str) -> Delivery {
    Delivery {
        tenant: TenantId::new("tenant_demo").unwrap(),
        provider: "leads".to_owned(),
        source: SourceId::from_uuid(Uuid::from_u128(1)),
        channel: Channel::Form,
        office: Some(OfficeId::from_uuid(Uuid::from_u128(2))),
        event: None,
        is_told_by_body: false,
        scope: None,
        delivery_id: Some(lead.to_owned()),
        scheme: "test".to_owned(),
        headers: BTreeMap::new(),
        body: "what cannot be read".into(),
        traceparent: None,
        reading: Err("a test".to_owned()),
    }
}

fn event(row: &OutboxRow) -> RequestEvent {
    serde_json::from_str(&row.payload).unwrap()
}

#[tokio::test]
async fn a_new_status_is_kept_until_it_is_published() {
    let Some((_emulator, _, store)) = store(&clock()).await else {
        return;
    };
    let accepted = store.accept(unreadable("1")).await.unwrap();
    store.accept(unreadable("1")).await.unwrap();
    store.accept(unreadable("2")).await.unwrap();
    let waiting = store.unpublished_across_tenants(10).await.unwrap();
    assert_eq!(waiting.len(), 2, "the repeat made no event: {waiting:?}");
    let first = event(&waiting[0]);
    assert_eq!(Some(first.request_id), accepted.request());
    assert_eq!(first.event_type, "request.parked");
    assert_eq!(first.event_id, waiting[0].event_id);

    assert_eq!(
        store.unpublished_across_tenants(1).await.unwrap(),
        waiting[..1]
    );
    for _ in 0..2 {
        let published = store.published_across_tenants(waiting[..1].to_vec());
        published.await.unwrap();
    }
    assert_eq!(
        store.unpublished_across_tenants(10).await.unwrap(),
        waiting[1..]
    );
}

/// The columns that an event must fit, and those that Pub/Sub writes by itself.
#[tokio::test]
async fn an_event_has_the_shape_of_the_analytics_table() {
    const WRITTEN_BY_PUBSUB: [&str; 4] = [
        "subscription_name",
        "message_id",
        "publish_time",
        "attributes",
    ];
    let schema = include_str!("../../../../migrations/bigquery/request_events.schema.json");
    let columns: Vec<BTreeMap<String, String>> = serde_json::from_str(schema).unwrap();
    let names: BTreeSet<&str> = columns
        .iter()
        .map(|column| column["name"].as_str())
        .collect();
    let own: BTreeSet<&str> = names
        .iter()
        .copied()
        .filter(|name| !WRITTEN_BY_PUBSUB.contains(name))
        .collect();
    assert_eq!(own.len() + WRITTEN_BY_PUBSUB.len(), names.len());

    let Some((_emulator, _, store)) = store(&clock()).await else {
        return;
    };
    store.accept(unreadable("1")).await.unwrap();
    let waiting = store.unpublished_across_tenants(10).await.unwrap();
    let event: BTreeMap<String, Value> = serde_json::from_str(&waiting[0].payload).unwrap();
    assert_eq!(
        event.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        own
    );
    for column in &columns {
        let Some(value) = event.get(&column["name"]) else {
            continue;
        };
        let fits = match column["type"].as_str() {
            _ if value.is_null() => column["mode"] == "NULLABLE",
            "STRING" => value.is_string(),
            "INTEGER" => value.is_u64(),
            "FLOAT" => value.is_number(),
            "BOOLEAN" => value.is_boolean(),
            "TIMESTAMP" => value
                .as_str()
                .is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
            _ => false,
        };
        assert!(fits, "{column:?}: {value}");
    }
}
