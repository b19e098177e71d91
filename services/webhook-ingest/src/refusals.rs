//! Refused deliveries, counted by minute and network. The queue is bounded: what overflows it is not counted. Old counts
//! are removed, a little at a time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{Clock, TenantId, later, metric_names};
use jiff::{Timestamp, Unit};
use runtime::{Network, TraceContext};
use sources::SignatureError;
use store::{REFUSAL_REASONS, SecurityEvent, Store};
use tokio::sync::mpsc;

/// Refusals that may wait to be counted.
const QUEUE: usize = 4_096;
/// Different refusals between two writes; further ones are not written.
const KINDS: usize = 10_000;
/// How often counts are written.
const INTERVAL: Duration = Duration::from_millis(500);
/// How often old counts are looked for, and how many are removed at once.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60);
const PRUNED_AT_ONCE: u32 = 1_000;

/// Refused deliveries that are counted together.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Refusal {
    address: String,
    reason: &'static str,
    provider: &'static str,
    tenant: Option<String>,
}

/// How many in a minute, and the trace of the first.
type Counts = BTreeMap<(Timestamp, Refusal), (u64, String)>;

/// Why a delivery is refused that was not verified.
pub(crate) fn reason(error: SignatureError) -> &'static str {
    match error {
        SignatureError::Missing => "missing_signature",
        SignatureError::Wrong => "wrong_signature",
        SignatureError::Stale => "stale_signature",
    }
}

/// Takes note of refusals.
pub(crate) struct Refusals {
    queue: mpsc::Sender<(Refusal, String)>,
}

/// Writes what was noted, and removes what is old.
pub(crate) struct RefusalWriter {
    queue: mpsc::Receiver<(Refusal, String)>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    kept_for: Duration,
}

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
    pub(crate) fn note(
        &self,
        reason: &'static str,
        provider: &'static str,
        tenant: Option<&TenantId>,
        network: Option<Network>,
    ) {
        debug_assert!(REFUSAL_REASONS.contains(&reason), "{reason}");
        metrics::counter!(metric_names::DELIVERIES_REFUSED_TOTAL, "reason" => reason).increment(1);
        let refusal = Refusal {
            address: network.map_or_else(|| "unknown".to_owned(), |network| network.to_string()),
            reason,
            provider,
            tenant: tenant.map(TenantId::to_string),
        };
        let trace_id = TraceContext::current().map(|trace| trace.trace_id().to_string());
        let noted = (refusal, trace_id.unwrap_or_default());
        if self.queue.try_send(noted).is_err() {
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
            while let Ok((refusal, trace_id)) = self.queue.try_recv() {
                self.count(&mut counts, refusal, trace_id);
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

    fn count(&self, counts: &mut Counts, refusal: Refusal, trace_id: String) {
        let now = self.clock.now();
        let minute = now
            .round(
                jiff::TimestampRound::new()
                    .smallest(Unit::Minute)
                    .mode(jiff::RoundMode::Trunc),
            )
            .unwrap_or(now);
        let kind = (minute, refusal);
        if counts.len() < KINDS || counts.contains_key(&kind) {
            counts.entry(kind).or_insert((0, trace_id)).0 += 1;
        }
    }

    async fn write(&self, counts: Counts) {
        let event = |((minute, refusal), (count, trace_id)): ((_, Refusal), _)| SecurityEvent {
            minute,
            address: refusal.address,
            reason: refusal.reason.to_owned(),
            provider: refusal.provider.to_owned(),
            tenant: refusal.tenant,
            count,
            trace_id,
        };
        let events = counts.into_iter().map(event).collect();
        if let Err(error) = self
            .store
            .record_security_events_across_tenants(events)
            .await
        {
            tracing::error!("refusals could not be recorded: {error}");
        }
    }
}
