//! What came in, as people look at it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{EventId, RequestId, SourceId, StoreError, TenantId};
use google_cloud_spanner::{statement::Statement, types};
use jiff::Timestamp;
use store::{
    AuditAction, Deliveries, Delivery, DeliveryQuery, DeliverySummary, IdSource, Page,
    ReplayedDelivery, SecurityEvent, SecurityQuery,
    deliveries::{read_again, taken_now},
    rows::{self, signed},
    stored::PageReader,
};

use crate::{
    SpannerStore, early, events,
    fault::{Fault, readable},
    records, requests,
    rows::{Write, key, mutation, time_value},
    tx::{Reader, Tx},
};

type Result<T, E = Fault> = std::result::Result<T, E>;

#[async_trait]
impl Deliveries for SpannerStore {
    async fn deliveries(
        &self,
        tenant: &TenantId,
        query: &DeliveryQuery,
    ) -> store::Result<Page<DeliverySummary>> {
        self.read(async |reader| page(&reader, tenant, query).await)
            .await
    }

    async fn replay_delivery(
        &self,
        tenant: &TenantId,
        event: EventId,
        read: Option<Delivery>,
        act: &AuditAction,
    ) -> store::Result<ReplayedDelivery> {
        let (id, ids, actor) = (tenant.clone(), self.ids.clone(), act.actor.clone());
        let read = Arc::new(read);
        let change = move |tx: Tx| {
            let (id, ids, actor, read) = (id.clone(), ids.clone(), actor.clone(), read.clone());
            async move { replay(&tx, &ids, &id, event, read.as_ref().as_ref(), &actor).await }
        };
        self.act(tenant, act, change).await
    }

    async fn security_events(
        &self,
        tenant: &TenantId,
        query: &SecurityQuery,
    ) -> store::Result<Page<SecurityEvent>> {
        self.read(async |reader| refusals(&reader, tenant.as_str(), query).await)
            .await
    }

    async fn security_events_of_nobody_across_tenants(
        &self,
        query: &SecurityQuery,
    ) -> store::Result<Page<SecurityEvent>> {
        self.read(async |reader| refusals(&reader, "", query).await)
            .await
    }
}

/// Counts a repeat of a delivery.
pub(crate) async fn came_again(tx: &Tx, tenant: &TenantId, event: EventId) -> Result<()> {
    let id = event.to_string();
    let known = tx
        .row("delivery_repeats", "repeats", key([tenant.as_str(), &id]))
        .await?;
    let before = known.map_or(Ok(0), |row| row.number::<i64>("repeats"))?;
    tx.write([mutation(
        Write::Put,
        "delivery_repeats",
        [
            ("tenant_id", tenant.as_str().to_owned().into()),
            ("event_id", id.into()),
            ("repeats", before.saturating_add(1).into()),
            ("last_at", time_value(tx.now())),
        ],
    )])
}

async fn page(
    reader: &Reader,
    tenant: &TenantId,
    query: &DeliveryQuery,
) -> Result<Page<DeliverySummary>> {
    let mut found = Vec::new();
    for source in query.walks() {
        found.extend(walk(reader, tenant, query, source).await?);
    }
    Ok(query.page(found))
}

/// One walk along an index, newest first.
async fn walk(
    reader: &Reader,
    tenant: &TenantId,
    query: &DeliveryQuery,
    source: Option<SourceId>,
) -> Result<Vec<DeliverySummary>> {
    let index = match (query.request, source) {
        (Some(_), _) => "webhook_events_by_request",
        (None, Some(_)) => "webhook_events_by_source",
        (None, None) => "webhook_events_newest",
    };
    let mut filter = String::new();
    if source.is_some() {
        filter.push_str(" AND source_id = @source");
    }
    if query.request.is_some() {
        filter.push_str(" AND request_id = @request");
    }
    if let Some(outcome) = query.outcome {
        filter.push_str(" AND ");
        filter.push_str(outcome.condition());
    }
    if query.from.is_some() {
        filter.push_str(" AND received_at >= @from");
    }
    if query.to.is_some() {
        filter.push_str(" AND received_at < @to");
    }
    let columns = "e.event_id, provider, source_id, event, scheme, request_id, remark, received_at, \
                   BYTE_LENGTH(body) AS body_bytes, COALESCE(r.repeats, 0) AS repeats";
    let sql = if query.is_repeated {
        format!(
            "SELECT {columns} FROM delivery_repeats AS r JOIN webhook_events AS e \
             ON e.tenant_id = r.tenant_id AND e.event_id = r.event_id \
             WHERE r.tenant_id = @tenant AND r.event_id < @before AND r.event_id >= @first{filter} \
             ORDER BY r.event_id DESC LIMIT @wanted"
        )
    } else {
        format!(
            "SELECT {columns} FROM webhook_events@{{FORCE_INDEX={index}}} AS e LEFT JOIN delivery_repeats AS r \
             ON r.tenant_id = e.tenant_id AND r.event_id = e.event_id \
             WHERE e.tenant_id = @tenant AND e.event_id < @before AND e.event_id >= @first{filter} \
             ORDER BY e.event_id DESC LIMIT @wanted"
        )
    };
    let ids = query.ids();
    let mut statement = Statement::builder(sql.as_str())
        .add_param("tenant", tenant.as_str().to_owned())
        .add_param("before", ids.before)
        .add_param("first", ids.from)
        .add_param("wanted", signed(query.wanted()));
    if let Some(source) = source {
        statement = statement.add_param("source", source.to_string());
    }
    if let Some(request) = query.request {
        statement = statement.add_param("request", request.to_string());
    }
    for (name, at) in [("from", query.from), ("to", query.to)] {
        if let Some(at) = at {
            statement = statement.add_typed_param(name, time_value(at), types::timestamp());
        }
    }
    let mut read = Vec::new();
    for row in reader.query(statement.build()).await? {
        let name = row.text("event_id").unwrap_or_default();
        let delivery = rows::delivery(&row).map_err(Fault::from);
        read.extend(readable("webhook_events", name, delivery)?);
    }
    Ok(read)
}

async fn replay(
    tx: &Tx,
    ids: &IdSource,
    tenant: &TenantId,
    event: EventId,
    read: Option<&Delivery>,
    by: &str,
) -> Result<ReplayedDelivery> {
    let id = event.to_string();
    let row = tx
        .row("webhook_events", "request_id", key([tenant.as_str(), &id]))
        .await?;
    let row = row.ok_or(StoreError::NotFound)?;
    if let Some(request) = row.parsed_option::<RequestId>("request_id")? {
        let state = requests::state(tx, tenant, request).await?;
        let state = state.ok_or(StoreError::NotFound)?;
        let (request, plan) = read_again(state, event, by, tx.now())?;
        requests::write(tx, &plan)?;
        return Ok(ReplayedDelivery {
            request,
            wakes: plan.wakes,
        });
    }
    let read = read.ok_or(StoreError::NotFound)?;
    let (named, known) = events::named(tx, read).await?;
    let early = match read.begins(known.as_deref()) {
        Some(conversation) => early::of(tx, tenant, conversation).await?,
        None => Vec::new(),
    };
    let whole = read.after(&early);
    let received = whole.taken(event, RequestId::from_uuid(ids.next()), known, tx.now());
    let request = taken_now(&received)?;
    if let Some(conversation) = read.begins(Some(&[])) {
        early::taken(tx, tenant, conversation, &early, request)?;
    }
    requests::write(tx, &received.plan)?;
    records::follow_merges(tx, &received.plan).await?;
    if !received.aliases.is_empty() {
        requests::add_aliases(tx, tenant, request, &named.free)?;
    }
    tx.write([mutation(
        Write::Update,
        "webhook_events",
        [
            ("tenant_id", tenant.as_str().to_owned().into()),
            ("event_id", id.into()),
            ("request_id", request.to_string().into()),
            ("remark", None::<String>.into()),
        ],
    )])?;
    Ok(ReplayedDelivery {
        request,
        wakes: received.plan.wakes,
    })
}

/// Refusals of a tenant, or, if it is empty, of what named none.
async fn refusals(
    reader: &Reader,
    tenant: &str,
    query: &SecurityQuery,
) -> Result<Page<SecurityEvent>> {
    let index = query.index();
    let filter: String = query
        .columns()
        .map(|(column, _)| format!(" AND {column} = @{column}"))
        .collect();
    // Spanner compares no tuples. The first condition alone says where the walk begins.
    let sql = format!(
        "SELECT minute, address, reason, provider, tenant_id, count, trace_id \
         FROM security_events@{{FORCE_INDEX={index}}} WHERE tenant_id = @tenant{filter} AND minute <= @minute \
         AND (minute < @minute OR (minute = @minute AND (address < @last_address OR (address = @last_address \
         AND (reason < @last_reason OR (reason = @last_reason AND provider < @last_provider)))))) \
         ORDER BY minute DESC, address DESC, reason DESC, provider DESC LIMIT @wanted"
    );
    let after = query.after.as_ref();
    let minute = after.map_or(Timestamp::MAX, |after| after.minute);
    let (address, reason, provider) = after.map_or(("", "", ""), |after| {
        (&after.address, &after.reason, &after.provider)
    });
    let mut page = PageReader::new(query.limit);
    let mut statement = Statement::builder(sql.as_str())
        .add_param("tenant", tenant.to_owned())
        .add_typed_param("minute", time_value(minute), types::timestamp())
        .add_param("last_address", address.to_owned())
        .add_param("last_reason", reason.to_owned())
        .add_param("last_provider", provider.to_owned())
        .add_param("wanted", signed(page.wanted()));
    for (column, value) in query.columns() {
        statement = statement.add_param(column, value.clone());
    }
    let found = reader.query(statement.build()).await?;
    let read = found.iter().map(|row| rows::security_event(row).map(Some));
    page.take(read.collect::<store::Result<_>>()?);
    Ok(page.finish())
}
