//! Lanes: when a failed step is tried again. They are data, so a tenant can change them.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{later, words::words};

words! {
    /// Where a step stands among its attempts.
    #[derive(PartialOrd, Ord)]
    pub enum Lane ("a lane") {
        /// Not failed yet.
        First => "first",
        /// Tried again within seconds.
        Fast => "fast",
        /// Tried again within hours.
        Slow => "slow",
    }
}

impl Lane {
    /// Reads a stored word; an unknown one is the first lane.
    pub fn from_stored(text: &str) -> Self {
        Self::from_word(text).unwrap_or(Self::First)
    }
}

/// The pauses between attempts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RetryPolicy {
    /// Pauses of the fast lane, in milliseconds. Default: 1, 2, 4 and 8 s.
    pub fast_ms: Vec<u64>,
    /// Whether the slow lane follows; without it, the fast lane's end parks the step.
    pub slow_lane: bool,
    /// Share of a pause by which it may be longer, drawn anew each time. 0 is exact.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            fast_ms: vec![1_000, 2_000, 4_000, 8_000],
            slow_lane: true,
            jitter: 0.25,
        }
    }
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextTry {
    /// Again at this time, in this lane.
    At(Timestamp, Lane),
    /// Every lane is used up.
    Exhausted,
}

impl RetryPolicy {
    /// Pauses of the slow lane; the last repeats until [`RetryPolicy::SLOW_LANE_LIMIT`] has passed.
    pub const SLOW: [Duration; 7] = [
        Duration::from_secs(60),
        Duration::from_secs(5 * 60),
        Duration::from_secs(15 * 60),
        Duration::from_secs(3_600),
        Duration::from_secs(3 * 3_600),
        Duration::from_secs(6 * 3_600),
        Duration::from_secs(12 * 3_600),
    ];
    /// How long after its first failure a step is given up.
    pub const SLOW_LANE_LIMIT: Duration = Duration::from_secs(3 * 24 * 3_600);
    /// Longest wish of a provider that is honoured.
    pub const RETRY_AFTER_LIMIT: Duration = Duration::from_secs(24 * 3_600);

    /// When the step runs again after its `failures`-th failure (the first is 1).
    ///
    /// `give_up_at` is the end of the slow lane, counted from the first failure; `after` the provider's wish, which
    /// is honoured up to a day; `jitter` a random number from 0 to 1.
    pub fn next_try(
        &self,
        failures: u32,
        now: Timestamp,
        give_up_at: Timestamp,
        after: Option<Duration>,
        jitter: f64,
    ) -> NextTry {
        let index = usize::try_from(failures.max(1) - 1).unwrap_or(usize::MAX);
        let (pause, lane) = match self.fast_ms.get(index) {
            Some(ms) => (Duration::from_millis(*ms), Lane::Fast),
            None if self.slow_lane => {
                let slow = index
                    .saturating_sub(self.fast_ms.len())
                    .min(Self::SLOW.len() - 1);
                (Self::SLOW[slow], Lane::Slow)
            }
            None => return NextTry::Exhausted,
        };
        let stretch = 1.0 + self.jitter.clamp(0.0, 1.0) * jitter.clamp(0.0, 1.0);
        let wish = after.unwrap_or_default().min(Self::RETRY_AFTER_LIMIT);
        // Who asks for a minute or more has ended the fast lane, whatever the count says: people need not wait for it.
        let lane = if wish >= Self::SLOW[0] {
            Lane::Slow
        } else {
            lane
        };
        let at = later(now, pause.max(wish).mul_f64(stretch));
        // The fast lane is never cut short; the slow lane ends at its limit.
        if lane == Lane::Slow && at > give_up_at {
            NextTry::Exhausted
        } else {
            NextTry::At(at, lane)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn pauses(policy: &RetryPolicy) -> Vec<u64> {
        let give_up = later(START, RetryPolicy::SLOW_LANE_LIMIT);
        let (mut now, mut pauses) = (START, Vec::new());
        for failures in 1..100 {
            let NextTry::At(at, _) = policy.next_try(failures, now, give_up, None, 0.0) else {
                break;
            };
            pauses.push(at.duration_since(now).as_secs().unsigned_abs());
            now = at;
        }
        pauses
    }

    #[test]
    fn the_default_lanes_last_from_seconds_to_three_days() {
        let exact = RetryPolicy {
            jitter: 0.0,
            ..RetryPolicy::default()
        };
        let mut expected = vec![1, 2, 4, 8, 60, 300, 900, 3_600, 10_800, 21_600];
        expected.extend([43_200; 5]);
        assert_eq!(pauses(&exact), expected);
    }

    #[test]
    fn a_lane_reads_back_as_it_is_stored() {
        for (lane, word) in [
            (Lane::First, "first"),
            (Lane::Fast, "fast"),
            (Lane::Slow, "slow"),
        ] {
            assert_eq!((lane.as_str(), Lane::from_stored(word)), (word, lane));
        }
        assert_eq!(Lane::from_stored("of a later build"), Lane::First);
    }

    #[test]
    fn a_pause_that_ends_with_the_slow_lane_is_still_taken() {
        let exact = RetryPolicy {
            jitter: 0.0,
            ..RetryPolicy::default()
        };
        let minute = later(START, RetryPolicy::SLOW[0]);
        assert_eq!(
            exact.next_try(5, START, minute, None, 0.0),
            NextTry::At(minute, Lane::Slow)
        );
        let earlier = minute - Duration::from_millis(1);
        assert_eq!(
            exact.next_try(5, START, earlier, None, 0.0),
            NextTry::Exhausted
        );
    }

    #[test]
    fn three_attempts_are_a_setting() {
        let three = RetryPolicy {
            fast_ms: vec![1_000, 2_000],
            slow_lane: false,
            jitter: 0.0,
        };
        assert_eq!(pauses(&three), [1, 2]);
    }

    #[test]
    fn a_providers_wish_is_honoured_up_to_a_day() {
        let policy = RetryPolicy {
            jitter: 0.0,
            ..RetryPolicy::default()
        };
        let give_up = later(START, RetryPolicy::SLOW_LANE_LIMIT);
        // From a minute on, the wish ends the fast lane.
        for (wish, expected, lane) in [
            (0, 1, Lane::Fast),
            (30, 30, Lane::Fast),
            (60, 60, Lane::Slow),
            (10_000_000, 86_400, Lane::Slow),
        ] {
            let next = policy.next_try(1, START, give_up, Some(Duration::from_secs(wish)), 0.0);
            assert_eq!(
                next,
                NextTry::At(later(START, Duration::from_secs(expected)), lane)
            );
        }
    }

    proptest! {
        #[test]
        fn jitter_only_lengthens_and_stays_in_bounds(failures in 1u32..5, jitter in 0.0f64..1.0) {
            let policy = RetryPolicy::default();
            let give_up = later(START, RetryPolicy::SLOW_LANE_LIMIT);
            let NextTry::At(at, _) = policy.next_try(failures, START, give_up, None, jitter) else { panic!("gave up") };
            let base = policy.fast_ms[failures as usize - 1] as f64;
            let pause = at.duration_since(START).as_millis() as f64;
            prop_assert!(pause >= base && pause <= base * 1.25 + 1.0);
        }
    }
}
