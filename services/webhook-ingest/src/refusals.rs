//! Refused deliveries, counted by minute and network. The queue is bounded: what overflows it is not counted. Old counts
//! are removed, a little at a time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{Clock, later, metric_names};
use jiff::{Timestamp, Unit};
use runtime::{Network, TraceContext};
use sources::SignatureError;
use store::{SecurityEvent, Store};
use tokio::sync::mpsc;

use crate::directory::KeyedSource;

/// Refusals that may wait to be counted.
const QUEUE: usize = 4_096;
/// Different refusals between two writes; further ones are not written.
const KINDS: usize = 10_000;
/// How often counts are written.
const INTERVAL: Duration = Duration::from_millis(500);
/// How often old counts are looked for, and how many are removed at once.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60);
const PRUNED_AT_ONCE: u32 = 1_000;

/// A refused delivery.
pub(crate) struct Refusal {
    reason: &'static str,
    provider: &'static str,
    tenant: Option<String>,
    address: String,
    trace_id: String,
}

impl Refusal {
    /// A delivery that was not verified.
    pub(crate) fn unverified(
        provider: &'static str,
        known: Option<&KeyedSource>,
        refused: Option<SignatureError>,
        network: Option<Network>,
    ) -> Self {
        let reason = match refused {
            None => "unknown_tenant",
            Some(SignatureError::Missing) => "missing_signature",
            Some(SignatureError::Wrong) => "wrong_signature",
            Some(SignatureError::Stale) => "stale_signature",
        };
        let tenant = known.map(|known| known.source.tenant.to_string());
        Self::new(reason, provider, tenant, network)
    }

    /// A delivery that was not read, because its address has sent too many invalid signatures.
    pub(crate) fn limited(provider: &'static str, network: Network) -> Self {
        Self::new("too_many_failures", provider, None, Some(network))
    }

    fn new(
        reason: &'static str,
        provider: &'static str,
        tenant: Option<String>,
        network: Option<Network>,
    ) -> Self {
        Self {
            reason,
            provider,
            tenant,
            address: network.map_or_else(|| "unknown".to_owned(), |network| network.to_string()),
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

/// Writes what was noted, and removes what is old.
pub(crate) struct RefusalWriter {
    queue: mpsc::Receiver<Refusal>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    kept_for: Duration,
}

type Kind = (
    Timestamp,
    String,
    &'static str,
    &'static str,
    Option<String>,
);

impl Refusals {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        kept_for: Duration,
    ) -> (Self, RefusalWriter) {
        let (sender, queue) = mpsc::channel(QUEUE);
        (
            Self { queue: sender },
            RefusalWriter {
                queue,
                store,
                clock,
                kept_for,
            },
        )
    }

    /// Notes a refusal, unless the queue is full.
    pub(crate) fn note(&self, refusal: Refusal) {
        let reason = refusal.reason;
        metrics::counter!(metric_names::DELIVERIES_REFUSED_TOTAL, "reason" => reason).increment(1);
        if self.queue.try_send(refusal).is_err() {
            metrics::counter!(metric_names::REFUSALS_NOT_RECORDED_TOTAL).increment(1);
        }
    }
}

impl RefusalWriter {
    /// Counts and writes until `stop`; what was noted by then is written.
    pub(crate) async fn run(mut self, stop: tokio_util::sync::CancellationToken) {
        let mut counts = BTreeMap::new();
        let mut prune_at = self.clock.monotonic();
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
            if self.clock.monotonic() >= prune_at && self.prune().await {
                prune_at = self.clock.monotonic() + PRUNE_INTERVAL;
            }
        }
    }

    /// Removes some of what is old; true when nothing is left, or it could not be done.
    async fn prune(&self) -> bool {
        let before = self
            .clock
            .now()
            .checked_sub(self.kept_for)
            .unwrap_or(Timestamp::MIN);
        let pruning = self
            .store
            .prune_security_events_across_tenants(before, PRUNED_AT_ONCE);
        match pruning.await {
            Ok(removed) => removed < PRUNED_AT_ONCE,
            Err(error) => {
                tracing::warn!("old refusals could not be removed: {error}");
                true
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
