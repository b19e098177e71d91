//! Accepting deliveries.

use domain::{EventId, RequestId, RequestState, SourceId, TenantId, transition};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use store::{
    Accepted, Delivery, IdSource, Received, Result, StoredEvent, rows,
    stored::{self, corrupt, to_json},
};

use crate::{deliveries, early, effects, noted, requests, rows::micros, sql};

/// Longest part of a name that [`Key::about`] takes.
const MAX_ABOUT: usize = 64;

/// What a repeat is recognized by, as the index has it.
pub(crate) struct Key {
    /// The name of the thing that the delivery is about, where it was read: equal deliveries are about the same thing,
    /// and the index grows at its end.
    about: String,
    hash: [u8; 32],
    /// What its first one is kept under if that came when every id was taken for the provider's own.
    former: Option<[u8; 32]>,
}

impl Key {
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let about = delivery.aliases().first();
        Self {
            about: about.map_or_else(String::new, |alias| {
                alias.value.chars().take(MAX_ABOUT).collect()
            }),
            hash: delivery.deduplication_key(),
            former: delivery.former_key(),
        }
    }
}

/// Stores a delivery, once, with all that follows from it.
///
/// What follows is decided before the delivery is known to be new: repeats are rare, and the insert itself detects them.
pub(crate) fn accept(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    delivery: &Delivery,
    key: &Key,
) -> Result<Accepted> {
    let tenant = &delivery.tenant;
    if let Some(hash) = &key.former
        && let Some(first) = first(db, tenant, &key.about, hash)?
        && first.source == delivery.source
    {
        return repeat(db, now, delivery, &first);
    }
    let event = EventId::from_uuid(ids.next());
    let known = known_requests(db, delivery)?;
    let early = match delivery.begins(known.as_deref()) {
        Some(conversation) => early::of(db, tenant, conversation)?,
        None => Vec::new(),
    };
    let whole = delivery.after(&early);
    let received = whole.received(event, RequestId::from_uuid(ids.next()), known, now);
    if !insert(db, now, delivery, event, key, &received)? {
        let first = first(db, tenant, &key.about, &key.hash)?;
        let first = first.ok_or_else(|| corrupt("a repeated delivery", "the first one is gone"))?;
        return repeat(db, now, delivery, &first);
    }
    match (received.request, delivery.begins(Some(&[]))) {
        (Some(request), Some(conversation)) if !early.is_empty() => {
            early::taken(db, tenant, conversation, &early, request)?;
        }
        (None, _) => early::keep(db, now, delivery, event)?,
        _ => {}
    }
    requests::write(db, &received.plan)?;
    if received.plan.changes.is_empty() {
        noted::add(tenant, &received.plan.figures);
    }
    if let Some(request) = received.request {
        requests::add_aliases(db, tenant, request, received.aliases)?;
    }
    effects::happened(db, tenant, delivery.receipts())?;
    let mut wakes = received.plan.wakes;
    for (request, receipts) in delivery.undelivered() {
        let state = requests::state(db, tenant, request);
        let state = stored::readable("requests", || request.to_string(), state)?.flatten();
        if let Some(plan) = state.and_then(|state| transition::undelivered(state, &receipts, now)) {
            requests::write(db, &plan)?;
            wakes.extend(plan.wakes);
        }
    }
    Ok(Accepted::committed(event, received.request, false, wakes))
}

/// The requests that a delivery's names lead to; none if this build cannot read one of them.
pub(crate) fn known_requests(
    db: &Connection,
    delivery: &Delivery,
) -> Result<Option<Vec<RequestState>>> {
    let tenant = &delivery.tenant;
    let mut known = Some(Vec::new());
    let joining = delivery.aliases().iter();
    let joining = joining.filter(|alias| alias.joins_deliveries());
    let named = requests::by_aliases(db, tenant, joining)?;
    let mut former = requests::by_aliases(db, tenant, &delivery.former_aliases())?;
    former.retain(|id| !named.contains(id));
    let count = named.len();
    for (index, id) in named.into_iter().chain(former).enumerate() {
        let is_former = index >= count;
        let state = requests::state(db, tenant, id);
        let state = stored::readable("requests", || id.to_string(), state)?;
        match (state, &mut known) {
            (Some(state), Some(known)) => {
                known.extend(state.filter(|state| !is_former || delivery.is_of_sender_of(state)));
            }
            _ => known = None,
        }
    }
    Ok(known)
}

fn repeat(db: &Connection, now: Timestamp, delivery: &Delivery, first: &First) -> Result<Accepted> {
    let tenant = &delivery.tenant;
    let (event, request) = (first.event, first.request);
    deliveries::came_again(db, now, tenant, event)?;
    let Some(request) = request else {
        return Ok(Accepted::committed(event, None, true, Vec::new()));
    };
    let state = requests::state(db, tenant, request);
    let Some(state) = stored::readable("requests", || request.to_string(), state)?.flatten() else {
        return Ok(Accepted::committed(event, Some(request), true, Vec::new()));
    };
    let request = state.request().id;
    let plan = delivery.repeated(event, state, now);
    requests::write(db, &plan)?;
    Ok(Accepted::committed(event, Some(request), true, plan.wakes))
}

/// The first of equal deliveries.
struct First {
    event: EventId,
    request: Option<RequestId>,
    source: SourceId,
}

fn first(
    db: &Connection,
    tenant: &TenantId,
    about: &str,
    hash: &[u8; 32],
) -> Result<Option<First>> {
    const SQL: &str = "SELECT event_id, request_id, source_id FROM webhook_events \
                       WHERE tenant_id = ?1 AND about = ?2 AND deduplication_key = ?3";
    sql::first(db, SQL, params![tenant.as_str(), about, hash], |row| {
        Ok(First {
            event: row.parsed("event_id")?,
            request: row.parsed_option("request_id")?,
            source: row.parsed("source_id")?,
        })
    })
}

/// Inserts the delivery; false when it is there already.
fn insert(
    db: &Connection,
    now: Timestamp,
    delivery: &Delivery,
    event: EventId,
    key: &Key,
    received: &Received<'_>,
) -> Result<bool> {
    const SQL: &str = "INSERT INTO webhook_events (tenant_id, event_id, about, deduplication_key, provider, source_id, \
                       event, scheme, headers, body, request_id, remark, received_at) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
                       ON CONFLICT (tenant_id, about, deduplication_key) DO NOTHING";
    let values = params![
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
        received.request.map(|id| id.to_string()),
        received.remark,
        micros(now),
    ];
    Ok(sql::execute(db, SQL, values)? == 1)
}

pub(crate) fn event(
    db: &Connection,
    tenant: &TenantId,
    event: EventId,
) -> Result<Option<StoredEvent>> {
    const SQL: &str = "SELECT * FROM webhook_events WHERE tenant_id = ?1 AND event_id = ?2";
    let values = params![tenant.as_str(), event.to_string()];
    sql::first(db, SQL, values, |row| rows::event(row, event))
}
