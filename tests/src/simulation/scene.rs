//! What everybody in a run shares, whichever process they are of.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use domain::{Clock as _, TenantId};
use jiff::Timestamp;
use testkit::ManualClock;

use super::{
    audit::Audit,
    coverage::{Coverage, Operation},
    draws::Draws,
    gates::Gates,
    habits::Habits,
    outside::Outside,
};

/// A run's time, choices, books and trace.
pub(super) struct Scene {
    pub(super) tenant: TenantId,
    pub(super) clock: ManualClock,
    pub(super) draws: Draws,
    pub(super) gates: Gates,
    pub(super) audit: Audit,
    pub(super) outside: Outside,
    pub(super) habits: Habits,
    coverage: Mutex<Coverage>,
    trace: Mutex<Vec<String>>,
    begun_at: Timestamp,
    is_calm: AtomicBool,
}

impl Scene {
    pub(super) fn new(tenant: TenantId, begun_at: Timestamp, draws: Draws, habits: Habits) -> Self {
        Self {
            tenant,
            clock: ManualClock::at(begun_at),
            habits,
            draws,
            gates: Gates::default(),
            audit: Audit::default(),
            outside: Outside::default(),
            coverage: Mutex::default(),
            trace: Mutex::default(),
            begun_at,
            is_calm: AtomicBool::new(false),
        }
    }

    /// From now on nothing goes wrong, or things do again.
    pub(super) fn set_calm(&self, is_calm: bool) {
        self.is_calm.store(is_calm, Ordering::Relaxed);
    }

    /// Whether something goes wrong, in so many of a hundred.
    pub(super) fn goes_wrong(&self, percent: u64) -> bool {
        !self.is_calm.load(Ordering::Relaxed) && self.draws.chance(percent)
    }

    pub(super) fn count(&self, kind: &'static str, word: &'static str) {
        lock(&self.coverage).count(kind, word);
    }

    /// Counts what the scheduler does.
    pub(super) fn does(&self, what: Operation) {
        self.count("does", what.as_str());
    }

    /// Writes a line of the trace.
    pub(super) fn note(&self, line: &str) {
        let at = self.clock.now().duration_since(self.begun_at);
        let line = format!("{:>12.3}s  {}", at.as_secs_f64(), self.audit.readable(line));
        lock(&self.trace).push(line);
    }

    pub(super) fn take_trace(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.trace))
    }

    pub(super) fn take_coverage(&self) -> Coverage {
        std::mem::take(&mut *lock(&self.coverage))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
