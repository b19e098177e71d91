//! Refused deliveries, counted by minute. The queue is bounded: who sends more than is counted, is not counted.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use domain::{Clock, later, metric_names};
use jiff::{Timestamp, Unit};
use runtime::TraceContext;
use sources::Refused;
use store::{SecurityEvent, Store};
use tokio::sync::mpsc;

use crate::directory::KeyedSource;

/// Refusals that may wait to be counted.
const QUEUE: usize = 4_096;
/// Different refusals between two writes; further ones are not written.
const KINDS: usize = 10_000;
/// How often counts are written.
const INTERVAL: Duration = Duration::from_millis(500);

/// A refused delivery.
pub(crate) struct Refusal {
    reason: &'static str,
    provider: &'static str,
    tenant: Option<String>,
    address: String,
    trace_id: String,
}

impl Refusal {
    pub(crate) fn new(
        provider: &'static str,
        known: Option<&KeyedSource>,
        refused: Option<Refused>,
        peer: Option<IpAddr>,
    ) -> Self {
        let reason = match refused {
            None => "unknown_tenant",
            Some(Refused::Missing) => "missing_signature",
            Some(Refused::Wrong) => "wrong_signature",
            Some(Refused::Stale) => "stale_signature",
        };
        Self {
            reason,
            provider,
            tenant: known.map(|known| known.source.tenant.to_string()),
            address: peer.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string()),
            trace_id: TraceContext::current()
                .map(|trace| trace.trace_id().to_string())
                .unwrap_or_default(),
        }
    }
}

/// Takes note of refusals.
pub(crate) struct Refusals {
    queue: mpsc::Sender<Refusal>,
}

/// Writes what was noted.
pub(crate) struct Keeper {
    queue: mpsc::Receiver<Refusal>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

type Kind = (
    Timestamp,
    String,
    &'static str,
    &'static str,
    Option<String>,
);

impl Refusals {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> (Self, Keeper) {
        let (sender, queue) = mpsc::channel(QUEUE);
        (
            Self { queue: sender },
            Keeper {
                queue,
                store,
                clock,
            },
        )
    }

    /// Notes a refusal, if there is room.
    pub(crate) fn note(&self, refusal: Refusal) {
        let reason = refusal.reason;
        metrics::counter!(metric_names::DELIVERIES_REFUSED_TOTAL, "reason" => reason).increment(1);
        if self.queue.try_send(refusal).is_err() {
            metrics::counter!(metric_names::REFUSALS_NOT_RECORDED_TOTAL).increment(1);
        }
    }
}

impl Keeper {
    /// Counts and writes until `stop`; what was noted by then is written.
    pub(crate) async fn run(mut self, stop: tokio_util::sync::CancellationToken) {
        let mut counts = BTreeMap::new();
        loop {
            let wake_at = later(self.clock.now(), INTERVAL);
            let is_stopped = stop
                .run_until_cancelled(self.clock.sleep_until(wake_at))
                .await
                .is_none();
            while let Ok(refusal) = self.queue.try_recv() {
                self.count(&mut counts, refusal);
            }
            if !counts.is_empty() {
                self.write(std::mem::take(&mut counts)).await;
            }
            if is_stopped {
                return;
            }
        }
    }

    fn count(&self, counts: &mut BTreeMap<Kind, (u64, String)>, refusal: Refusal) {
        let now = self.clock.now();
        let minute = now
            .round(
                jiff::TimestampRound::new()
                    .smallest(Unit::Minute)
                    .mode(jiff::RoundMode::Trunc),
            )
            .unwrap_or(now);
        let Refusal {
            reason,
            provider,
            tenant,
            address,
            trace_id,
        } = refusal;
        let kind = (minute, address, reason, provider, tenant);
        if counts.len() < KINDS || counts.contains_key(&kind) {
            counts.entry(kind).or_insert((0, trace_id)).0 += 1;
        }
    }

    async fn write(&self, counts: BTreeMap<Kind, (u64, String)>) {
        let events = counts
            .into_iter()
            .map(
                |((minute, address, reason, provider, tenant), (count, trace_id))| SecurityEvent {
                    minute,
                    address,
                    reason: reason.to_owned(),
                    provider: provider.to_owned(),
                    tenant,
                    count,
                    trace_id,
                },
            )
            .collect();
        if let Err(error) = self
            .store
            .record_security_events_across_tenants(events)
            .await
        {
            tracing::error!("refusals could not be recorded: {error}");
        }
    }
}
