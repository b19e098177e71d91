//! How many requests of an account were used, in windows that slide.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A window is counted in so many parts; a shorter one than this in seconds.
const PARTS: i64 = 12;

/// The requests of an account that may still count, by window and part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedRequests {
    /// By the window's length in seconds, then by the number of the part.
    windows: BTreeMap<u64, BTreeMap<i64, u32>>,
}

impl UsedRequests {
    /// How long to wait until each of the windows of `(requests, seconds)` may have room for `wanted` requests within
    /// `share` percent; none if it has. A part counts until all of it has left the window, so no window ever has more,
    /// however it lies.
    fn wait(
        &mut self,
        windows: &[(u32, u64)],
        wanted: u32,
        share: u32,
        now: Timestamp,
    ) -> Option<Duration> {
        let mut wait: Option<Duration> = None;
        for (requests, seconds) in windows {
            let part = part_seconds(*seconds);
            let parts = i64::try_from(*seconds).unwrap_or(i64::MAX).div_euclid(part);
            let parts = parts.clamp(1, PARTS);
            let current = now.as_second().div_euclid(part);
            let used = self.windows.entry(*seconds).or_default();
            used.retain(|number, _| *number >= current - parts);
            let limit = u64::from(*requests) * u64::from(share.min(100)) / 100;
            let sum: u64 = used.values().map(|used| u64::from(*used)).sum();
            if sum + u64::from(wanted) > limit {
                let oldest = used.keys().next().copied().unwrap_or(current);
                let free_at = (oldest + parts + 1) * part;
                let left = u64::try_from(free_at - now.as_second()).unwrap_or(1).max(1);
                wait = wait.max(Some(Duration::from_secs(left)));
            }
        }
        wait
    }

    fn count(&mut self, windows: &[(u32, u64)], wanted: u32, now: Timestamp) {
        for (_, seconds) in windows {
            let current = now.as_second().div_euclid(part_seconds(*seconds));
            let used = self.windows.entry(*seconds).or_default();
            *used.entry(current).or_default() += wanted;
        }
    }
}

/// An account, as requests of it are counted, and its windows of `(requests, seconds)`.
pub type Counted = (String, Vec<(u32, u64)>);

/// Counts `wanted` requests of each of these accounts, beside what it has used, if every window of all of them has room
/// within `share` percent.
///
/// # Errors
/// How long to wait until there may be room. Then nothing is counted, of no account.
pub fn admit(
    accounts: &mut [(&Counted, UsedRequests)],
    wanted: u32,
    share: u32,
    now: Timestamp,
) -> Result<(), Duration> {
    let waits = accounts
        .iter_mut()
        .filter_map(|((_, windows), used)| used.wait(windows, wanted, share, now));
    if let Some(wait) = waits.max() {
        return Err(wait);
    }
    for ((_, windows), used) in accounts {
        used.count(windows, wanted, now);
    }
    Ok(())
}

fn part_seconds(seconds: u64) -> i64 {
    (i64::try_from(seconds).unwrap_or(i64::MAX) / PARTS).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: &[(u32, u64)] = &[(10, 3_600)];

    impl UsedRequests {
        fn admit(
            &mut self,
            windows: &[(u32, u64)],
            wanted: u32,
            share: u32,
            now: Timestamp,
        ) -> Result<(), Duration> {
            let account = ("a".to_owned(), windows.to_vec());
            let mut accounts = [(&account, std::mem::take(self))];
            let admitted = super::admit(&mut accounts, wanted, share, now);
            let [(_, used)] = accounts;
            *self = used;
            admitted
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn a_window_of_a_second_is_free_again_after_two() {
        const SECOND: &[(u32, u64)] = &[(10, 1)];
        let mut used = UsedRequests::default();
        assert_eq!(used.admit(SECOND, 5, 70, at(0)), Ok(()));
        assert_eq!(used.admit(SECOND, 2, 70, at(1)), Ok(()));
        let wait = used.admit(SECOND, 1, 70, at(1)).unwrap_err();
        assert_eq!(wait, Duration::from_secs(1));
        assert_eq!(used.admit(SECOND, 5, 70, at(2)), Ok(()));
    }

    #[test]
    fn no_window_has_more_than_its_limit_wherever_it_lies() {
        let mut used = UsedRequests::default();
        let mut made: Vec<i64> = Vec::new();
        for second in (0..4 * 3_600).step_by(20) {
            if used.admit(HOUR, 1, 100, at(second)).is_ok() {
                made.push(second);
            }
        }
        for begin in &made {
            let within = made
                .iter()
                .filter(|at| (*begin..begin + 3_600).contains(*at));
            assert!(within.count() <= 10, "{made:?}");
        }
        // It goes on once there is room.
        assert!(made.len() >= 30, "{made:?}");
    }

    #[test]
    fn a_share_leaves_the_rest_to_others() {
        let mut used = UsedRequests::default();
        used.admit(HOUR, 7, 70, at(0)).unwrap();
        used.admit(HOUR, 1, 70, at(0)).unwrap_err();
        used.admit(HOUR, 3, 100, at(0)).unwrap();
        let wait = used.admit(HOUR, 1, 100, at(0)).unwrap_err();
        assert!(wait <= Duration::from_secs(3_900), "{wait:?}");
        let later = i64::try_from(wait.as_secs()).unwrap();
        used.admit(HOUR, 1, 100, at(later)).unwrap();
    }

    #[test]
    fn the_narrowest_window_counts() {
        let mut used = UsedRequests::default();
        let windows = [(2, 60), (3, 3_600)];
        used.admit(&windows, 2, 100, at(0)).unwrap();
        used.admit(&windows, 1, 100, at(1)).unwrap_err();
        used.admit(&windows, 1, 100, at(120)).unwrap();
        used.admit(&windows, 1, 100, at(300)).unwrap_err();
    }
}
