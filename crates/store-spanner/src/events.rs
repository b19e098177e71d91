//! Accepting deliveries.

use domain::{Alias, EventId, Plan, RequestId, RequestState, SourceId, TenantId, transition};
use google_cloud_spanner::{key::Key, value::Value};
use store::{Accepted, Delivery, IdSource, Received, StoredEvent, rows, stored::to_json};

use crate::{
    deliveries, early, effects,
    fault::{Fault, readable},
    figures, records,
    requests::{self, Named},
    rows::{Write, key, mutation, time_value},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

/// What an accept came to, once its transaction is committed.
pub(crate) struct Kept {
    event: EventId,
    request: Option<RequestId>,
    is_duplicate: bool,
    plan: Plan,
}

/// What was just stored, for equal deliveries that waited for it.
pub(crate) struct Stored {
    number: u64,
    tenant: TenantId,
    key: [u8; 32],
    event: EventId,
    request: Option<RequestId>,
}

impl Stored {
    /// The result for an equal delivery of the same tenant that arrived before this one was stored, when `before` others
    /// were. One that arrived later may be the newest again, after others.
    pub(crate) fn again(&self, before: u64, tenant: &TenantId, key: [u8; 32]) -> Option<Accepted> {
        let is_equal = self.tenant == *tenant && self.key == key;
        (is_equal && self.number > before)
            .then(|| Accepted::committed(self.event, self.request, true, Vec::new()))
    }
}

impl Kept {
    pub(crate) const fn stored(&self, number: u64, tenant: TenantId, key: [u8; 32]) -> Stored {
        Stored {
            number,
            tenant,
            key,
            event: self.event,
            request: self.request,
        }
    }

    /// Only after the commit.
    pub(crate) fn committed(self) -> Accepted {
        Accepted::committed(self.event, self.request, self.is_duplicate, self.plan.wakes)
    }
}

/// Stores a delivery, once, with all that follows from it.
pub(crate) async fn accept(tx: &Tx, ids: &IdSource, delivery: &Delivery) -> Result<Kept> {
    let hash = delivery.deduplication_key();
    if let Some((event, request)) = known(tx, &delivery.tenant, hash).await? {
        return repeat(tx, delivery, event, request).await;
    }
    let tenant = &delivery.tenant;
    if let Some(former) = delivery.former_key()
        && let Some((event, request)) = known(tx, tenant, former).await?
        && is_of_source(tx, delivery, event).await?
    {
        return repeat(tx, delivery, event, request).await;
    }
    let event = EventId::from_uuid(ids.next());
    let (named, states) = named(tx, delivery).await?;
    let id = RequestId::from_uuid(ids.next());
    let early = match delivery.begins(states.as_deref()) {
        Some(conversation) => early::of(tx, tenant, conversation).await?,
        None => Vec::new(),
    };
    let whole = delivery.after(&early);
    let mut received = whole.received(event, id, states, tx.now());
    insert(tx, delivery, event, hash, &received)?;
    match (received.request, delivery.begins(Some(&[]))) {
        (Some(request), Some(conversation)) => {
            early::taken(tx, tenant, conversation, &early, request)?;
        }
        (None, _) => early::keep(tx, delivery, event)?,
        _ => {}
    }
    requests::write(tx, &received.plan)?;
    if received.plan.changes.is_empty() {
        figures::add(tx, tenant, &event.to_string(), &received.plan.figures)?;
    }
    records::follow_merges(tx, &received.plan).await?;
    if let Some(request) = received.request
        && !received.aliases.is_empty()
    {
        requests::add_aliases(tx, tenant, request, &named.free)?;
    }
    effects::happened(tx, tenant, delivery.receipts()).await?;
    for (request, receipts) in delivery.undelivered() {
        let state = requests::state(tx, tenant, request).await;
        let state = readable("requests", request, state)?.flatten();
        if let Some(plan) =
            state.and_then(|state| transition::undelivered(state, &receipts, tx.now()))
        {
            requests::write(tx, &plan)?;
            received.plan.wakes.extend(plan.wakes);
        }
    }
    Ok(Kept {
        event,
        request: received.request,
        is_duplicate: false,
        plan: received.plan,
    })
}

/// What a delivery's names lead to: whose they are, and the requests; none if this build cannot read one of them.
pub(crate) async fn named(
    tx: &Tx,
    delivery: &Delivery,
) -> Result<(Named, Option<Vec<RequestState>>)> {
    let tenant = &delivery.tenant;
    let joins = Alias::joins_deliveries;
    let named = requests::by_aliases(tx, tenant, delivery.aliases(), joins).await?;
    let former = delivery.former_aliases();
    let former = requests::by_aliases(tx, tenant, &former, joins).await?;
    let mut former = former.requests;
    former.retain(|id| !named.requests.contains(id));
    let states = known_requests(tx, tenant, &named.requests).await?;
    let former = known_requests(tx, tenant, &former).await?;
    let states = states.zip(former).map(|(mut states, former)| {
        let former = former.into_iter();
        states.extend(former.filter(|state| delivery.is_of_sender_of(state)));
        states
    });
    Ok((named, states))
}

/// Whether a stored delivery came to the source that this one comes to.
async fn is_of_source(tx: &Tx, delivery: &Delivery, event: EventId) -> Result<bool> {
    let key = key([delivery.tenant.as_str(), &event.to_string()]);
    let Some(row) = tx.row("webhook_events", "source_id", key).await? else {
        return Ok(false);
    };
    Ok(row.parsed::<SourceId>("source_id")? == delivery.source)
}

/// These requests; none if this build cannot read one of them.
async fn known_requests(
    tx: &Tx,
    tenant: &TenantId,
    requests: &[RequestId],
) -> Result<Option<Vec<RequestState>>> {
    let mut states = Some(Vec::new());
    for id in requests {
        let state = requests::state(tx, tenant, *id).await;
        match (readable("requests", id, state)?, &mut states) {
            (Some(state), Some(states)) => states.extend(state),
            _ => states = None,
        }
    }
    Ok(states)
}

async fn repeat(
    tx: &Tx,
    delivery: &Delivery,
    event: EventId,
    request: Option<RequestId>,
) -> Result<Kept> {
    let mut kept = Kept {
        event,
        request,
        is_duplicate: true,
        plan: Plan::default(),
    };
    deliveries::came_again(tx, &delivery.tenant, event).await?;
    let Some(id) = request else {
        return Ok(kept);
    };
    let state = requests::state(tx, &delivery.tenant, id).await;
    if let Some(state) = readable("requests", id, state)?.flatten() {
        kept.request = Some(state.request().id);
        kept.plan = delivery.repeated(event, state, tx.now());
        requests::write(tx, &kept.plan)?;
    }
    Ok(kept)
}

async fn known(
    reader: &Reader,
    tenant: &TenantId,
    hash: [u8; 32],
) -> Result<Option<(EventId, Option<RequestId>)>> {
    let key = Key::new(vec![
        tenant.as_str().to_owned().into(),
        hash.to_vec().into(),
    ]);
    let index = ("webhook_events", "webhook_events_by_deduplication_key");
    let found = reader.rows_by(index, "event_id, request_id", key).await?;
    let Some(row) = found.first() else {
        return Ok(None);
    };
    Ok(Some((
        row.parsed("event_id")?,
        row.parsed_option("request_id")?,
    )))
}

fn insert(
    tx: &Tx,
    delivery: &Delivery,
    event: EventId,
    hash: [u8; 32],
    received: &Received<'_>,
) -> Result<()> {
    let body: Value = delivery.body.clone().into();
    tx.write([mutation(
        Write::Insert,
        "webhook_events",
        [
            ("tenant_id", delivery.tenant.as_str().to_owned().into()),
            ("event_id", event.to_string().into()),
            ("deduplication_key", hash.to_vec().into()),
            ("provider", delivery.provider.clone().into()),
            ("source_id", delivery.source.to_string().into()),
            ("event", delivery.event.clone().into()),
            ("scheme", delivery.scheme.clone().into()),
            ("headers", to_json(&delivery.headers)?.into()),
            ("body", body),
            (
                "request_id",
                received.request.map(|id| id.to_string()).into(),
            ),
            ("remark", received.remark.map(str::to_owned).into()),
            ("received_at", time_value(tx.now())),
        ],
    )])
}

pub(crate) async fn event(
    reader: &Reader,
    tenant: &TenantId,
    event: EventId,
) -> Result<Option<StoredEvent>> {
    const COLUMNS: &str =
        "provider, source_id, event, scheme, headers, body, request_id, remark, received_at";
    let key = key([tenant.as_str(), &event.to_string()]);
    let found = reader.row("webhook_events", COLUMNS, key).await?;
    Ok(found.map(|row| rows::event(&row, event)).transpose()?)
}
