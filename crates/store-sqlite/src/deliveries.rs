//! What came in, as people look at it.

use async_trait::async_trait;
use domain::{EventId, RequestId, SourceId, StoreError, TenantId};
use jiff::Timestamp;
use rusqlite::{Connection, ToSql, params};
use store::{
    AuditAction, Deliveries, Delivery, DeliveryOutcome, DeliveryQuery, DeliverySummary, IdSource,
    Page, ReplayedDelivery, Result, SecurityEvent, SecurityQuery,
    deliveries::{read_again, taken_now},
    rows,
    stored::{PageReader, readable},
};

use crate::{SqliteStore, early, events, requests, rows::micros, sql};

/// What [`rows::delivery`] reads.
const SUMMARY_COLUMNS: &str = "webhook_events.event_id AS event_id, provider, source_id, event, scheme, request_id, \
                               remark, received_at, length(body) AS body_bytes, coalesce(repeats, 0) AS repeats";

#[async_trait]
impl Deliveries for SqliteStore {
    async fn deliveries(
        &self,
        tenant: &TenantId,
        query: &DeliveryQuery,
    ) -> Result<Page<DeliverySummary>> {
        let (tenant, query) = (tenant.clone(), query.clone());
        self.read(move |db| page(db, &tenant, &query)).await
    }

    async fn replay_delivery(
        &self,
        tenant: &TenantId,
        event: EventId,
        read: Option<Delivery>,
        act: &AuditAction,
    ) -> Result<ReplayedDelivery> {
        let (id, ids, actor) = (tenant.clone(), self.ids.clone(), act.actor.clone());
        self.act(tenant, act, move |db, now| {
            replay(db, &ids, now, &id, event, read.as_ref(), &actor)
        })
        .await
    }

    async fn security_events(
        &self,
        tenant: &TenantId,
        query: &SecurityQuery,
    ) -> Result<Page<SecurityEvent>> {
        let (tenant, query) = (tenant.clone(), query.clone());
        self.read(move |db| refusals(db, tenant.as_str(), &query))
            .await
    }

    async fn security_events_of_nobody_across_tenants(
        &self,
        query: &SecurityQuery,
    ) -> Result<Page<SecurityEvent>> {
        let query = query.clone();
        self.read(move |db| refusals(db, "", &query)).await
    }
}

/// Counts a repeat of a delivery.
pub(crate) fn came_again(
    db: &Connection,
    now: Timestamp,
    tenant: &TenantId,
    event: EventId,
) -> Result<()> {
    const SQL: &str = "INSERT INTO delivery_repeats (tenant_id, event_id, repeats, last_at) VALUES (?1, ?2, 1, ?3) \
                       ON CONFLICT (tenant_id, event_id) \
                       DO UPDATE SET repeats = repeats + 1, last_at = excluded.last_at";
    let values = params![tenant.as_str(), event.to_string(), micros(now)];
    sql::execute(db, SQL, values).map(drop)
}

fn page(
    db: &Connection,
    tenant: &TenantId,
    query: &DeliveryQuery,
) -> Result<Page<DeliverySummary>> {
    let mut found = Vec::new();
    for source in query.walks() {
        found.extend(walk(db, tenant, query, source)?);
    }
    Ok(query.page(found))
}

/// One walk along an index, newest first.
fn walk(
    db: &Connection,
    tenant: &TenantId,
    query: &DeliveryQuery,
    source: Option<SourceId>,
) -> Result<Vec<DeliverySummary>> {
    let index = match (query.request, source, query.outcome) {
        (Some(_), ..) => " INDEXED BY webhook_events_by_request",
        (None, Some(_), _) => " INDEXED BY webhook_events_by_source",
        (None, None, Some(DeliveryOutcome::Unread)) => " INDEXED BY webhook_events_unread",
        (None, None, Some(DeliveryOutcome::Unused)) => " INDEXED BY webhook_events_unused",
        (None, None, Some(DeliveryOutcome::Request) | None) => " INDEXED BY webhook_events_by_id",
    };
    let mut filter = String::new();
    let (source, request) = (
        source.map(|source| source.to_string()),
        query.request.map(|request| request.to_string()),
    );
    if source.is_some() {
        filter.push_str(" AND source_id = :source");
    }
    if request.is_some() {
        filter.push_str(" AND request_id = :request");
    }
    if let Some(outcome) = query.outcome {
        filter.push_str(" AND ");
        filter.push_str(outcome.condition());
    }
    let found = if query.is_repeated {
        format!(
            "SELECT {SUMMARY_COLUMNS} FROM delivery_repeats CROSS JOIN webhook_events \
             ON webhook_events.tenant_id = :tenant AND webhook_events.event_id = delivery_repeats.event_id \
             WHERE delivery_repeats.tenant_id = :tenant AND delivery_repeats.event_id < :before \
             AND delivery_repeats.event_id >= :first AND received_at >= :from AND received_at < :to{filter} \
             ORDER BY delivery_repeats.event_id DESC LIMIT :wanted"
        )
    } else {
        format!(
            "SELECT {SUMMARY_COLUMNS} FROM webhook_events{index} LEFT JOIN delivery_repeats \
             ON delivery_repeats.tenant_id = :tenant AND delivery_repeats.event_id = webhook_events.event_id \
             WHERE webhook_events.tenant_id = :tenant AND webhook_events.event_id < :before \
             AND webhook_events.event_id >= :first AND received_at >= :from AND received_at < :to{filter} \
             ORDER BY webhook_events.event_id DESC LIMIT :wanted"
        )
    };
    let ids = query.ids();
    let (from, to) = (
        query.from.map_or(i64::MIN, micros),
        query.to.map_or(i64::MAX, micros),
    );
    let (tenant, wanted) = (tenant.as_str(), query.wanted());
    let mut values: Vec<(&str, &dyn ToSql)> = vec![
        (":tenant", &tenant),
        (":before", &ids.before),
        (":first", &ids.from),
        (":from", &from),
        (":to", &to),
        (":wanted", &wanted),
    ];
    values.extend(source.iter().map(|id| (":source", id as &dyn ToSql)));
    values.extend(request.iter().map(|id| (":request", id as &dyn ToSql)));
    let read = sql::all(db, &found, values.as_slice(), |row| {
        let name = || row.text("event_id").unwrap_or_default();
        readable("webhook_events", name, rows::delivery(row))
    })?;
    Ok(read.into_iter().flatten().collect())
}

fn replay(
    db: &Connection,
    ids: &IdSource,
    now: Timestamp,
    tenant: &TenantId,
    event: EventId,
    read: Option<&Delivery>,
    by: &str,
) -> Result<ReplayedDelivery> {
    const OF: &str = "SELECT request_id FROM webhook_events WHERE tenant_id = ?1 AND event_id = ?2";
    const TAKEN: &str = "UPDATE webhook_events SET request_id = ?3, remark = NULL WHERE tenant_id = ?1 AND event_id = ?2";
    let id = event.to_string();
    let of = sql::first(db, OF, params![tenant.as_str(), id], |row| {
        row.parsed_option::<RequestId>("request_id")
    })?;
    let of = of.ok_or(StoreError::NotFound)?;
    if let Some(request) = of {
        let state = requests::state(db, tenant, request)?.ok_or(StoreError::NotFound)?;
        let (request, plan) = read_again(state, event, by, now)?;
        requests::write(db, &plan)?;
        return Ok(ReplayedDelivery {
            request,
            wakes: plan.wakes,
        });
    }
    let read = read.ok_or(StoreError::NotFound)?;
    let known = events::known_requests(db, read)?;
    let early = match read.begins(known.as_deref()) {
        Some(conversation) => early::of(db, tenant, conversation)?,
        None => Vec::new(),
    };
    let whole = read.after(&early);
    let received = whole.taken(event, RequestId::from_uuid(ids.next()), known, now);
    let request = taken_now(&received)?;
    if let Some(conversation) = read.begins(Some(&[])).filter(|_| !early.is_empty()) {
        early::taken(db, tenant, conversation, &early, request)?;
    }
    requests::write(db, &received.plan)?;
    requests::add_aliases(db, tenant, request, received.aliases)?;
    sql::execute(db, TAKEN, params![tenant.as_str(), id, request.to_string()])?;
    Ok(ReplayedDelivery {
        request,
        wakes: received.plan.wakes,
    })
}

/// The statement that finds a page of refusals.
fn refusals_meant(query: &SecurityQuery) -> String {
    let index = format!(" INDEXED BY {}", query.index());
    let equal: String = query
        .columns()
        .map(|(column, _)| format!(" AND {column} = :{column}"))
        .collect();
    format!(
        "SELECT * FROM security_events{index} WHERE tenant_id = :tenant{equal} \
         AND (minute, address, reason, provider) < (:last_minute, :last_address, :last_reason, :last_provider) \
         ORDER BY minute DESC, address DESC, reason DESC, provider DESC LIMIT :wanted"
    )
}

/// Refusals of a tenant, or, if it is empty, of what named none.
fn refusals(db: &Connection, tenant: &str, query: &SecurityQuery) -> Result<Page<SecurityEvent>> {
    let after = query.after.as_ref();
    let minute = after.map_or(i64::MAX, |after| micros(after.minute));
    let (address, reason, provider) = after.map_or(("", "", ""), |after| {
        (&after.address, &after.reason, &after.provider)
    });
    let mut page = PageReader::new(query.limit);
    let wanted = rows::signed(page.wanted());
    let equal: Vec<_> = query
        .columns()
        .map(|(column, value)| (format!(":{column}"), value))
        .collect();
    let mut values: Vec<(&str, &dyn ToSql)> = vec![
        (":tenant", &tenant),
        (":last_minute", &minute),
        (":last_address", &address),
        (":last_reason", &reason),
        (":last_provider", &provider),
        (":wanted", &wanted),
    ];
    let equal = equal.iter();
    values.extend(equal.map(|(name, value)| (name.as_str(), value as &dyn ToSql)));
    let sql = refusals_meant(query);
    page.take(sql::all(db, &sql, values.as_slice(), |row| {
        rows::security_event(row).map(Some)
    })?);
    Ok(page.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_list_of_refusals_reads_what_it_does_not_show() {
        let given = |is_given| Some("x".to_owned()).filter(|_| is_given);
        for filters in 0..4 {
            let query = SecurityQuery {
                address: given(filters & 1 > 0),
                reason: given(filters & 2 > 0),
                ..SecurityQuery::default()
            };
            let equal: Vec<_> = query.columns().map(|(column, _)| column).collect();
            sql::assert_walks(&refusals_meant(&query), "security_events", &equal, "minute");
        }
    }
}
