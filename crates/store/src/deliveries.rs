//! What came in, as people look at it: stored deliveries, and refused ones.

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::{
    EventId, Plan, RequestId, RequestState, SourceId, Stage, StoreError, TenantId, Wake, transition,
};
use jiff::Timestamp;

use crate::{AuditAction, Delivery, IdRange, Page, Received, Result, SecurityEvent};

/// Looking at what came in.
#[async_trait]
pub trait Deliveries: Send + Sync {
    /// A page of a tenant's deliveries, newest first, without those that this build cannot read.
    async fn deliveries(
        &self,
        tenant: &TenantId,
        query: &DeliveryQuery,
    ) -> Result<Page<DeliverySummary>>;

    /// Has a stored delivery read again, as the same event.
    ///
    /// One that made or changed a request is read by that request's stage `reading`, if it is the request's newest. One
    /// that is no part of a request is taken as though it came now, read as `read` says: it may make a request, or join
    /// one, from then on. Effects that happened do not happen again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such delivery; [`StoreError::Conflict`] when a newer one outranks it,
    /// when its request cannot run again, or when `read` still says nothing of a lead. Then nothing is written.
    async fn replay_delivery(
        &self,
        tenant: &TenantId,
        event: EventId,
        read: Option<Delivery>,
        act: &AuditAction,
    ) -> Result<ReplayedDelivery>;

    /// A page of the refusals of what claimed to be for a tenant, newest first.
    async fn security_events(
        &self,
        tenant: &TenantId,
        query: &SecurityQuery,
    ) -> Result<Page<SecurityEvent>>;

    /// A page of the refusals of what named no tenant of ours, newest first.
    async fn security_events_of_nobody_across_tenants(
        &self,
        query: &SecurityQuery,
    ) -> Result<Page<SecurityEvent>>;
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Only those of one of these sources, when given.
    pub sources: Option<BTreeSet<SourceId>>,
    /// Only those that made or changed this request, when given.
    pub request: Option<RequestId>,
    /// Only those that came to this, when given.
    pub outcome: Option<DeliveryOutcome>,
    /// Only those that came again, when true.
    pub is_repeated: bool,
    /// Only those that were stored then or later.
    pub from: Option<Timestamp>,
    /// Only those that were stored before.
    pub to: Option<Timestamp>,
    /// At most so many, 1 to 200.
    pub limit: u32,
    /// Only older ones than this: the last of the page before.
    pub before: Option<EventId>,
}

/// What became of a delivery when it came, or when it was replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// It was read, and made or changed a request.
    Request,
    /// It could not be read: its request waits for a person.
    Unread,
    /// It says nothing of a lead.
    Unused,
}

impl DeliveryQuery {
    /// The walks along the store's indexes that find the deliveries: one for each source, else one for all.
    pub fn walks(&self) -> Vec<Option<SourceId>> {
        match &self.sources {
            Some(sources) => sources.iter().copied().map(Some).collect(),
            None => vec![None],
        }
    }

    /// Where a walk begins and ends.
    pub fn ids(&self) -> IdRange {
        let before = self.before.map(|before| before.to_string());
        IdRange::of(EventId::PREFIX, self.from, self.to, before)
    }

    /// How many rows a walk reads: one more than the page holds, to find out whether there are more behind it.
    pub fn wanted(&self) -> u32 {
        self.limit.clamp(1, 200) + 1
    }

    /// The page, of what every walk found.
    pub fn page(&self, mut found: Vec<DeliverySummary>) -> Page<DeliverySummary> {
        found.sort_by_key(|delivery| std::cmp::Reverse(delivery.id));
        let limit = usize::try_from(self.wanted() - 1).unwrap_or(usize::MAX);
        let has_more = found.len() > limit;
        found.truncate(limit);
        Page {
            items: found,
            has_more,
        }
    }
}

/// A stored delivery without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliverySummary {
    /// Its id.
    pub id: EventId,
    /// The provider's slug.
    pub provider: String,
    /// The source that it came to.
    pub source: SourceId,
    /// The event that the URL named.
    pub event: Option<String>,
    /// The scheme that verified it.
    pub scheme: String,
    /// The request that it made or changed.
    pub request: Option<RequestId>,
    /// Why it was not used, or could not be read.
    pub remark: Option<String>,
    /// When it was stored.
    pub received_at: Timestamp,
    /// The length of its body.
    pub body_bytes: u64,
    /// How often it came again. Equal ones that arrive at the same moment may count as one.
    pub repeats: u64,
}

impl DeliveryOutcome {
    /// What a delivery came to that has this request and remark.
    pub const fn of(has_request: bool, has_remark: bool) -> Self {
        match (has_request, has_remark) {
            (true, false) => Self::Request,
            (true, true) => Self::Unread,
            (false, _) => Self::Unused,
        }
    }

    /// The same as a condition of a query.
    pub const fn condition(self) -> &'static str {
        match self {
            Self::Request => "request_id IS NOT NULL AND remark IS NULL",
            Self::Unread => "request_id IS NOT NULL AND remark IS NOT NULL",
            Self::Unused => "request_id IS NULL",
        }
    }
}

/// What a replay of a delivery set going.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedDelivery {
    /// The request that it belongs to.
    pub request: RequestId,
    /// Rows that are due now, to be handed over.
    pub wakes: Vec<Wake>,
}

/// Decides what a replay does to the request that the delivery made or changed; `by` asked for it.
///
/// # Errors
/// [`StoreError::Conflict`] when a newer delivery outranks it, or when the request cannot run again.
pub fn read_again(
    state: RequestState,
    event: EventId,
    by: &str,
    now: Timestamp,
) -> Result<(RequestId, Plan)> {
    let (request, newest) = (
        state.request().id,
        state.request().document.source.last_event,
    );
    if newest != event {
        return Err(StoreError::Conflict(format!(
            "a newer delivery of its request outranks it: replay {newest}"
        )));
    }
    let plan = transition::replay(state, Stage::Reading, by, now)
        .map_err(|error| StoreError::Conflict(error.to_string()))?;
    Ok((request, plan))
}

/// The request that a delivery makes or joins which was no part of one before.
///
/// # Errors
/// [`StoreError::Conflict`] when it still says nothing of a lead.
pub fn taken_now(received: &Received<'_>) -> Result<RequestId> {
    received
        .request
        .filter(|_| received.remark.is_none())
        .ok_or_else(|| {
            let why = received.remark.unwrap_or("it reports no lead");
            StoreError::Conflict(format!("the delivery is still not used: {why}"))
        })
}

/// Which refusals to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecurityQuery {
    /// Only those from this address or network.
    pub address: Option<String>,
    /// Only those for this reason.
    pub reason: Option<String>,
    /// At most so many, 1 to 200.
    pub limit: u32,
    /// Only those behind this: the last of the page before.
    pub after: Option<SecurityKey>,
}

/// Where a refusal stands in its list: minute, address, reason, provider, all descending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityKey {
    /// Start of the minute.
    pub minute: Timestamp,
    /// The address.
    pub address: String,
    /// The reason.
    pub reason: String,
    /// The provider's slug.
    pub provider: String,
}

impl SecurityQuery {
    /// The columns of `security_events` that must have a value, and the value.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, &String)> {
        [("address", &self.address), ("reason", &self.reason)]
            .into_iter()
            .filter_map(|(column, value)| Some((column, value.as_ref()?)))
    }

    /// The index, of either store, that holds a tenant's refusals with these values next to each other, in their order.
    pub const fn index(&self) -> &'static str {
        match (&self.address, &self.reason) {
            (None, None) => "security_events_by_tenant",
            (Some(_), None) => "security_events_by_address",
            (None, Some(_)) => "security_events_by_reason",
            (Some(_), Some(_)) => "security_events_by_address_and_reason",
        }
    }
}

impl SecurityEvent {
    /// Where it stands in its list.
    pub fn key(&self) -> SecurityKey {
        SecurityKey {
            minute: self.minute,
            address: self.address.clone(),
            reason: self.reason.clone(),
            provider: self.provider.clone(),
        }
    }
}
