//! Accepting deliveries.

use bytes::Bytes;
use domain::{EventId, Inbound, Origin, Plan, RequestId, StoreError, TenantId, transition};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use store::{Accepted, Delivery, IdSource, Reading, StoredEvent};

use crate::{
    effects, requests,
    rows::{self, corrupt, from_json, get, micros, store_error, to_json},
};

type Result<T> = std::result::Result<T, StoreError>;

/// Longest part of a name that [`Key::about`] takes.
const MAX_ABOUT: usize = 64;

/// What tells a repeat, as the index has it.
pub(crate) struct Key {
    /// The name of the thing that the delivery is about, where it was read: equal deliveries are about the same thing,
    /// and the index grows at its end.
    about: String,
    hash: [u8; 32],
}

impl Key {
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let about = match &delivery.reading {
            Reading::Lead(inbound) => inbound.aliases.first(),
            Reading::Ignored(_) | Reading::Unreadable(_) | Reading::Receipts(_) => None,
        };
        Self {
            about: about.map_or_else(String::new, |alias| {
                alias.value.chars().take(MAX_ABOUT).collect()
            }),
            hash: delivery.deduplication_key(),
        }
    }
}

/// Stores a delivery, once, with all that follows from it.
///
/// What follows is worked out before it is known to be new: repeats are rare, and the insert itself tells them.
pub(crate) fn accept(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    delivery: &Delivery,
    key: &Key,
) -> Result<Accepted> {
    let event = EventId::from_uuid(ids.next());
    let (plan, request, remark) = match &delivery.reading {
        Reading::Lead(inbound) => {
            let plan = lead(db, ids, now, &origin(delivery, event), inbound)?;
            let request = plan.changes.last().map(|change| change.request.id);
            (plan, request, None)
        }
        Reading::Unreadable(reason) => {
            let id = RequestId::from_uuid(ids.next());
            let plan = transition::receive(id, &origin(delivery, event), Err(reason.clone()), now);
            (plan, Some(id), Some(reason.as_str()))
        }
        Reading::Ignored(reason) => (Plan::default(), None, Some(reason.as_str())),
        Reading::Receipts(_) => (Plan::default(), None, None),
    };
    if !insert(db, now, delivery, event, key, request, remark)? {
        return repeat(db, now, delivery, key);
    }
    requests::write(db, &plan)?;
    match (&delivery.reading, request) {
        (Reading::Lead(inbound), Some(request)) => {
            requests::add_aliases(db, &delivery.tenant, request, &inbound.aliases)?;
        }
        (Reading::Receipts(receipts), _) => {
            for receipt in receipts {
                effects::happened(db, &delivery.tenant, &receipt.key, &receipt.remote_id)?;
            }
        }
        _ => {}
    }
    Ok(Accepted::committed(event, request, false, plan.wakes))
}

/// A new request, or news of one that its names lead to.
fn lead(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    origin: &Origin,
    inbound: &Inbound,
) -> Result<Plan> {
    let known = requests::by_aliases(db, &origin.tenant, &inbound.aliases)?;
    let mut states = Vec::new();
    for id in known {
        states.extend(requests::state(db, &origin.tenant, id)?);
    }
    if states.is_empty() {
        let id = RequestId::from_uuid(ids.next());
        return Ok(transition::receive(id, origin, Ok(inbound.clone()), now));
    }
    let first = states.remove(0);
    Ok(transition::receive_again(
        first, states, origin, inbound, now,
    ))
}

/// The same delivery again. Where newer ones came in between, the thing may have changed back: its API is asked.
fn repeat(db: &Connection, now: Timestamp, delivery: &Delivery, key: &Key) -> Result<Accepted> {
    let (event, request) = known(db, &delivery.tenant, key)?;
    let Some(id) = request else {
        return Ok(Accepted::committed(event, None, true, Vec::new()));
    };
    let Some(state) = requests::state(db, &delivery.tenant, id)? else {
        return Err(corrupt("an event's request", id));
    };
    let id = state.request().id;
    if state.request().document.source.last_event == event {
        return Ok(Accepted::committed(event, Some(id), true, Vec::new()));
    }
    let plan = transition::refetch(state, &origin(delivery, event), now);
    requests::write(db, &plan)?;
    Ok(Accepted::committed(event, Some(id), true, plan.wakes))
}

fn origin(delivery: &Delivery, event: EventId) -> Origin {
    Origin {
        tenant: delivery.tenant.clone(),
        provider: delivery.provider.clone(),
        source: delivery.source,
        office: delivery.office,
        event,
        traceparent: delivery.traceparent.clone(),
    }
}

fn known(db: &Connection, tenant: &TenantId, key: &Key) -> Result<(EventId, Option<RequestId>)> {
    const SQL: &str = "SELECT event_id, request_id FROM webhook_events WHERE tenant_id = ?1 AND about = ?2 AND deduplication_key = ?3";
    db.prepare_cached(SQL)
        .map_err(store_error)?
        .query_row(params![tenant.as_str(), key.about, key.hash], |row| {
            Ok(rows::parsed(row, "event_id")
                .and_then(|event| Ok((event, rows::parsed_option(row, "request_id")?))))
        })
        .map_err(store_error)?
}

/// Inserts the delivery; false when it is there already.
fn insert(
    db: &Connection,
    now: Timestamp,
    delivery: &Delivery,
    event: EventId,
    key: &Key,
    request: Option<RequestId>,
    remark: Option<&str>,
) -> Result<bool> {
    const SQL: &str = "INSERT INTO webhook_events (tenant_id, event_id, about, deduplication_key, provider, source_id, \
                       event, scheme, headers, body, request_id, remark, received_at) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
                       ON CONFLICT (tenant_id, about, deduplication_key) DO NOTHING";
    let inserted = db
        .prepare_cached(SQL)
        .map_err(store_error)?
        .execute(params![
            delivery.tenant.as_str(),
            event.to_string(),
            key.about,
            key.hash,
            delivery.provider,
            delivery.source.to_string(),
            delivery.event,
            delivery.scheme,
            to_json(&delivery.headers)?,
            delivery.body.as_ref(),
            request.map(|id| id.to_string()),
            remark,
            micros(now),
        ])
        .map_err(store_error)?;
    Ok(inserted == 1)
}

pub(crate) fn event(
    db: &Connection,
    tenant: &TenantId,
    event: EventId,
) -> Result<Option<StoredEvent>> {
    db.prepare_cached("SELECT * FROM webhook_events WHERE tenant_id = ?1 AND event_id = ?2")
        .map_err(store_error)?
        .query_row(params![tenant.as_str(), event.to_string()], |row| {
            Ok((|| {
                Ok(StoredEvent {
                    id: event,
                    provider: get(row, "provider")?,
                    event: get(row, "event")?,
                    scheme: get(row, "scheme")?,
                    headers: from_json("an event's headers", &get::<String>(row, "headers")?)?,
                    body: Bytes::from(get::<Vec<u8>>(row, "body")?),
                    request: rows::parsed_option(row, "request_id")?,
                    remark: get(row, "remark")?,
                    received_at: rows::time(row, "received_at")?,
                })
            })())
        })
        .optional()
        .map_err(store_error)?
        .transpose()
}
