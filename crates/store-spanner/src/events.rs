//! Accepting deliveries.

use domain::{EventId, Inbound, Origin, Plan, RequestId, StoreError, TenantId, transition};
use google_cloud_spanner::{key::Key, value::Value};
use store::{Accepted, Delivery, IdSource, Reading, StoredEvent};

use crate::{
    effects,
    fault::Fault,
    records,
    requests::{self, Named},
    rows::{self, Write, corrupt, get, key, mutation, time_value, to_json},
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

/// What was just stored, for those who waited with the same.
pub(crate) struct Stored {
    number: u64,
    tenant: TenantId,
    key: [u8; 32],
    event: EventId,
    request: Option<RequestId>,
}

impl Stored {
    /// The answer to an equal delivery of the same tenant that came before this one was stored: when so many were. One
    /// that came later may be the newest again, after others.
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
    let event = EventId::from_uuid(ids.next());
    let mut named = Named::default();
    let (plan, remark) = match &delivery.reading {
        Reading::Lead(inbound) => {
            named = requests::by_aliases(tx, &delivery.tenant, &inbound.aliases).await?;
            (
                lead(tx, ids, &origin(delivery, event), inbound, &named).await?,
                None,
            )
        }
        Reading::Unreadable(reason) => {
            let id = RequestId::from_uuid(ids.next());
            let unread = Err(reason.clone());
            let plan = transition::receive(id, &origin(delivery, event), unread, tx.now());
            (plan, Some(reason))
        }
        Reading::Ignored(reason) => (Plan::default(), Some(reason)),
        Reading::Receipts(receipts) => {
            for receipt in receipts {
                effects::happened(tx, &delivery.tenant, &receipt.key, &receipt.remote_id).await?;
            }
            (Plan::default(), None)
        }
    };
    let request = plan.changes.last().map(|change| change.request.id);
    insert(tx, delivery, event, hash, request, remark)?;
    requests::write(tx, &plan)?;
    records::follow_merges(tx, &plan).await?;
    if let Some(request) = request {
        requests::add_aliases(tx, &delivery.tenant, request, &named.free)?;
    }
    Ok(Kept {
        event,
        request,
        is_duplicate: false,
        plan,
    })
}

/// A new request, or news of one that its names lead to.
async fn lead(
    tx: &Tx,
    ids: &IdSource,
    origin: &Origin,
    inbound: &Inbound,
    named: &Named,
) -> Result<Plan> {
    let mut states = Vec::new();
    for id in &named.requests {
        states.extend(requests::state(tx, &origin.tenant, *id).await?);
    }
    if states.is_empty() {
        let id = RequestId::from_uuid(ids.next());
        return Ok(transition::receive(
            id,
            origin,
            Ok(inbound.clone()),
            tx.now(),
        ));
    }
    let first = states.remove(0);
    Ok(transition::receive_again(
        first,
        states,
        origin,
        inbound,
        tx.now(),
    ))
}

/// The same delivery again. Where newer ones came in between, the thing may have changed back: its API is asked.
async fn repeat(
    tx: &Tx,
    delivery: &Delivery,
    event: EventId,
    request: Option<RequestId>,
) -> Result<Kept> {
    let unchanged = |request| Kept {
        event,
        request,
        is_duplicate: true,
        plan: Plan::default(),
    };
    let Some(id) = request else {
        return Ok(unchanged(None));
    };
    let Some(state) = requests::state(tx, &delivery.tenant, id).await? else {
        return Err(corrupt("an event's request", id).into());
    };
    let id = state.request().id;
    if state.request().document.source.last_event == event {
        return Ok(unchanged(Some(id)));
    }
    let plan = transition::refetch(state, &origin(delivery, event), tx.now());
    requests::write(tx, &plan)?;
    Ok(Kept {
        plan,
        ..unchanged(Some(id))
    })
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
    let found = reader
        .rows_by(index, &["event_id", "request_id"], key)
        .await?;
    let Some(row) = found.first() else {
        return Ok(None);
    };
    Ok(Some((
        rows::parsed(row, "event_id")?,
        rows::parsed_option(row, "request_id")?,
    )))
}

fn insert(
    tx: &Tx,
    delivery: &Delivery,
    event: EventId,
    hash: [u8; 32],
    request: Option<RequestId>,
    remark: Option<&String>,
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
            ("request_id", request.map(|id| id.to_string()).into()),
            ("remark", remark.cloned().into()),
            ("received_at", time_value(tx.now())),
        ],
    )])
}

pub(crate) async fn event(
    reader: &Reader,
    tenant: &TenantId,
    event: EventId,
) -> Result<Option<StoredEvent>> {
    const COLUMNS: [&str; 8] = [
        "provider",
        "event",
        "scheme",
        "headers",
        "body",
        "request_id",
        "remark",
        "received_at",
    ];
    let key = key([tenant.as_str(), &event.to_string()]);
    let Some(row) = reader.row("webhook_events", &COLUMNS, key).await? else {
        return Ok(None);
    };
    let read = || -> Result<StoredEvent, StoreError> {
        Ok(StoredEvent {
            id: event,
            provider: get(&row, "provider")?,
            event: get(&row, "event")?,
            scheme: get(&row, "scheme")?,
            headers: rows::json(&row, "headers", "an event's headers")?,
            body: get(&row, "body")?,
            request: rows::parsed_option(&row, "request_id")?,
            remark: get(&row, "remark")?,
            received_at: rows::time(&row, "received_at")?,
        })
    };
    Ok(Some(read()?))
}
