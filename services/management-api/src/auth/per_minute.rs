//! A limit on how often somebody may do something within a minute, or within another time.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::Clock;
use runtime::Problem;

/// Who is remembered within that time. While there are as many, the others are not counted: whoever has so many networks
/// does little from each.
const MOST: usize = 10_000;
const MINUTE: Duration = Duration::from_secs(60);

/// Counts by who did it, minute by minute, or as long as it was told.
pub(crate) struct PerMinute<K> {
    most: u32,
    within: Duration,
    clock: Arc<dyn Clock>,
    counts: Mutex<(u64, HashMap<K, u32>)>,
}

impl<K: Eq + Hash> PerMinute<K> {
    /// At most `most` times a minute.
    pub(crate) fn new(most: u32, clock: Arc<dyn Clock>) -> Self {
        Self::within(MINUTE, most, clock)
    }

    /// At most `most` times within this time.
    pub(crate) fn within(within: Duration, most: u32, clock: Arc<dyn Clock>) -> Self {
        Self {
            most,
            within,
            clock,
            counts: Mutex::default(),
        }
    }

    /// Counts once; refuses when it was too often.
    ///
    /// # Errors
    /// 429 with the time until it may be done again.
    pub(crate) fn take(&self, who: K) -> Result<(), Problem> {
        let most = self.most;
        self.count(who, |count| {
            let is_within = *count < most;
            *count = count.saturating_add(1);
            is_within
        })
    }

    /// Refuses when it was done too often, without counting.
    ///
    /// # Errors
    /// As [`PerMinute::take`].
    pub(crate) fn check(&self, who: K) -> Result<(), Problem> {
        let most = self.most;
        self.count(who, |count| *count < most)
    }

    fn count(&self, who: K, is_within: impl FnOnce(&mut u32) -> bool) -> Result<(), Problem> {
        let now = self.clock.monotonic();
        let length = self.within.as_secs();
        let minute = now.as_secs() / length;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.0 != minute {
            *counts = (minute, HashMap::new());
        }
        if counts.1.len() >= MOST && !counts.1.contains_key(&who) {
            return Ok(());
        }
        if is_within(counts.1.entry(who).or_default()) {
            return Ok(());
        }
        let next = Duration::from_secs((minute + 1) * length);
        Err(Problem::too_many_requests(next.saturating_sub(now)))
    }
}

#[cfg(test)]
mod tests {
    use testkit::ManualClock;

    use super::*;

    #[test]
    fn each_may_so_often_within_a_minute() {
        let clock = ManualClock::at("2026-03-01T12:00:00Z".parse().unwrap());
        let limit = PerMinute::new(2, Arc::new(clock.clone()));
        for _ in 0..2 {
            assert!(limit.check("a").is_ok() && limit.take("a").is_ok());
        }
        assert!(limit.check("a").is_err() && limit.take("a").is_err());
        assert!(limit.take("b").is_ok());
        clock.advance(MINUTE);
        assert!(limit.take("a").is_ok());
    }
}
