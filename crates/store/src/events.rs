//! Deliveries: what is stored before anything is acknowledged.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::{EffectKey, EventId, Inbound, OfficeId, RequestId, SourceId, TenantId, Wake};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// A proven delivery, to be stored.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Whose it is.
    pub tenant: TenantId,
    /// The provider's slug.
    pub provider: String,
    /// The configured source.
    pub source: SourceId,
    /// The source's office.
    pub office: Option<OfficeId>,
    /// The event that the URL names.
    pub event: Option<String>,
    /// The provider's own id of the delivery, where it has one. Else the body's hash tells repeats.
    pub delivery_id: Option<String>,
    /// The scheme that proved it.
    pub scheme: String,
    /// Headers worth keeping; no signature, no secret.
    pub headers: BTreeMap<String, String>,
    /// The raw body.
    pub body: Bytes,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// What the source made of it.
    pub reading: Reading,
}

/// What a source made of a delivery.
#[derive(Debug, Clone)]
pub enum Reading {
    /// A lead, or news of one.
    Lead(Box<Inbound>),
    /// An event that we do not use: stored only.
    Ignored(String),
    /// It could not be read: stored as a request that is parked in `reading`.
    Unreadable(String),
    /// Answers to effects of ours: those that are still open end.
    Receipts(Vec<Receipt>),
}

/// A provider's word that an effect happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The effect.
    pub key: EffectKey,
    /// What the provider calls it.
    pub remote_id: String,
}

impl Delivery {
    /// What tells a repeat, unique within the tenant: the provider's delivery id, or event and body.
    pub fn deduplication_key(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(bytes);
        };
        part(self.provider.as_bytes());
        match &self.delivery_id {
            Some(id) => {
                part(b"id");
                part(id.as_bytes());
            }
            None => {
                part(b"body");
                part(self.event.as_deref().unwrap_or_default().as_bytes());
                part(&self.body);
            }
        }
        hash.finalize().into()
    }
}

/// Proof that a delivery is durable. Only a store makes it, after its transaction is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    event: EventId,
    request: Option<RequestId>,
    is_duplicate: bool,
    wakes: Vec<Wake>,
}

impl Accepted {
    /// For stores, after the commit.
    pub fn committed(
        event: EventId,
        request: Option<RequestId>,
        is_duplicate: bool,
        wakes: Vec<Wake>,
    ) -> Self {
        Self {
            event,
            request,
            is_duplicate,
            wakes,
        }
    }

    /// The stored delivery: the first one, for a repeat.
    pub const fn event(&self) -> EventId {
        self.event
    }

    /// The request that it made or changed; none for an event that we do not use.
    pub const fn request(&self) -> Option<RequestId> {
        self.request
    }

    /// Whether it was there before.
    pub const fn is_duplicate(&self) -> bool {
        self.is_duplicate
    }

    /// Rows that are due now, to be handed over.
    pub fn into_wakes(self) -> Vec<Wake> {
        self.wakes
    }
}

/// A stored delivery.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Its id.
    pub id: EventId,
    /// The provider's slug.
    pub provider: String,
    /// The event that the URL named.
    pub event: Option<String>,
    /// The scheme that proved it.
    pub scheme: String,
    /// The kept headers.
    pub headers: BTreeMap<String, String>,
    /// The raw body.
    pub body: Bytes,
    /// The request that it made or changed.
    pub request: Option<RequestId>,
    /// Why it was not used, or could not be read.
    pub remark: Option<String>,
    /// When it was stored.
    pub received_at: Timestamp,
}
