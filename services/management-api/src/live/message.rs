//! What is sent, and how events of the store become it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use axum::response::sse::Event;
use domain::{RequestId, TenantId};
use jiff::Timestamp;
use serde::Serialize;
use store::{LiveEvent, LiveId, LiveKind, Store};
use utoipa::ToSchema;

use crate::requests::RequestSummary;

/// What a stream begins with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LiveHello)]
pub(crate) struct Hello {
    /// The server's time.
    pub(super) now: Timestamp,
    /// The product's version.
    pub(super) version: &'static str,
}

/// A request that changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LiveRequest)]
pub(crate) struct RequestChanged {
    /// Its id.
    request_id: String,
    /// Its version with this change. What is shown may be newer: then its own event follows.
    version: Option<u64>,
    /// What changed it: `received`, or a step and its outcome, as in `analysis.done`.
    cause: String,
    /// When.
    at: Timestamp,
    /// The request as it is now; null when it is gone.
    request: Option<RequestSummary>,
}

/// Something else that changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LiveChange)]
pub(crate) struct Changed {
    /// Its id or name.
    object: String,
    /// Its version with this change, where it has one.
    version: Option<u64>,
    /// What changed it, as in `secret.set`.
    cause: String,
    /// When.
    at: Timestamp,
}

/// How much waits for a person. A count ends at 10,000.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LiveCounts)]
pub(crate) struct Counts {
    /// Requests whose person somebody should call, because nobody did.
    call_now: u32,
    /// Requests in review.
    in_review: u32,
    /// Requests in quarantine.
    quarantined: u32,
    /// Steps that are held.
    held: u32,
    /// Steps that are parked.
    parked: u32,
}

impl From<store::LiveCounts> for Counts {
    fn from(counts: store::LiveCounts) -> Self {
        Self {
            call_now: counts.call_now,
            in_review: counts.in_review,
            quarantined: counts.quarantined,
            held: counts.held,
            parked: counts.parked,
        }
    }
}

/// That the stream could not go on where its reader was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LiveReset)]
pub(crate) struct Reset {
    /// Why.
    pub(super) reason: ResetReason,
}

/// Why a stream could not go on where its reader was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LiveResetReason)]
pub(crate) enum ResetReason {
    /// The id is no id of this stream.
    Malformed,
    /// What came behind the id is no longer kept, or the id never was one of this tenant.
    Gone,
}

/// An event as it is sent, made once for all streams.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) id: LiveId,
    name: Arc<str>,
    data: Arc<str>,
}

impl Sent {
    pub(super) fn event(&self) -> Event {
        Event::default()
            .id(self.id.to_string())
            .event(&*self.name)
            .data(&*self.data)
    }
}

/// Events with what they show: requests are read as they are now.
pub(super) async fn shown(
    store: &dyn Store,
    tenant: &TenantId,
    events: Vec<LiveEvent>,
) -> store::Result<Vec<Sent>> {
    let id = |event: &LiveEvent| {
        let is_request = event.kind == LiveKind::Request.as_str();
        is_request.then(|| event.object.parse::<RequestId>().ok())
    };
    let ids: BTreeSet<_> = events.iter().filter_map(id).flatten().collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let mut requests = HashMap::new();
    if !ids.is_empty() {
        for request in store.live_requests(tenant, &ids).await? {
            requests.insert(request.id, request);
        }
    }
    events
        .into_iter()
        .map(|event| {
            let data = match id(&event) {
                Some(id) => {
                    let request = id.and_then(|id| requests.get(&id));
                    json(&RequestChanged {
                        request: request.map(RequestSummary::of),
                        request_id: event.object,
                        version: event.version,
                        cause: event.cause,
                        at: event.at,
                    })
                }
                None => json(&Changed {
                    object: event.object,
                    version: event.version,
                    cause: event.cause,
                    at: event.at,
                }),
            };
            Ok(Sent {
                id: event.id,
                name: event.kind.into(),
                data: data?.into(),
            })
        })
        .collect()
}

/// A message's data: one line.
pub(super) fn json(data: &impl Serialize) -> store::Result<String> {
    store::stored::to_json(data)
}
