//! Runs of refused deliveries: a source of which nothing is genuine any more.
//!
//! As a rule its signing key is wrong, here or at the provider. The provider shows the URL as working, and not every one
//! resends what is refused, so somebody has to be told within minutes. A genuine delivery ends the run.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use domain::{Clock, SourceId, metric_names};
use store::Source;

/// So many in a row are no stray delivery.
const LEAST: u64 = 5;
/// How often a run that goes on is told again.
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(60 * 60);
/// A run to which nothing is added any more is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The runs of refusals, by source.
pub(crate) struct RefusalRuns {
    runs: Mutex<HashMap<SourceId, Run>>,
    /// How many there are, so that no genuine delivery waits for the lock when there is none.
    count: AtomicUsize,
    clock: Arc<dyn Clock>,
}

/// Times are by the monotonic clock.
struct Run {
    refused: u64,
    /// When the last delivery was refused.
    last: Duration,
    /// When somebody was told last.
    told: Option<Duration>,
}

impl RefusalRuns {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            runs: Mutex::default(),
            count: AtomicUsize::new(0),
            clock,
        }
    }

    /// Counts a refusal, and raises the alarm when it is due.
    pub(crate) fn refused(&self, source: &Source, provider: &'static str, reason: &'static str) {
        let now = self.clock.monotonic();
        let mut runs = self.runs();
        let run = runs.entry(source.id).or_insert(Run {
            refused: 0,
            last: now,
            told: None,
        });
        run.refused += 1;
        run.last = now;
        let is_due = run
            .told
            .is_none_or(|told| now.saturating_sub(told) >= TOLD_AGAIN_AFTER);
        if run.refused >= LEAST && is_due {
            run.told = Some(now);
            metrics::counter!(
                metric_names::REFUSAL_ALARMS_TOTAL, "provider" => provider, "reason" => reason
            )
            .increment(1);
            let Source { tenant, id, .. } = source;
            let refused = run.refused;
            tracing::error!(
                tenant.id = %tenant, source.id = %id, refused, reason,
                "the last {refused} deliveries to source {id} of tenant {tenant} were refused, and calls may be lost: \
                 compare the source's signing key with the provider's"
            );
        }
        self.count.store(runs.len(), Ordering::Relaxed);
    }

    /// Ends the source's run, because a delivery was genuine.
    pub(crate) fn ended(&self, source: &Source) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut runs = self.runs();
        let ended = runs.remove(&source.id);
        self.count.store(runs.len(), Ordering::Relaxed);
        drop(runs);
        if let Some(run) = ended.filter(|run| run.told.is_some()) {
            let Source { tenant, id, .. } = source;
            let refused = run.refused;
            tracing::info!(
                tenant.id = %tenant, source.id = %id, refused,
                "source {id} of tenant {tenant} sends genuine deliveries again, after {refused} were refused"
            );
        }
    }

    /// Forgets runs to which nothing was added for long.
    pub(crate) fn forget_rested(&self) {
        let now = self.clock.monotonic();
        let mut runs = self.runs();
        runs.retain(|_, run| now.saturating_sub(run.last) < FORGOTTEN_AFTER);
        runs.shrink_to_fit();
        self.count.store(runs.len(), Ordering::Relaxed);
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<SourceId, Run>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
