//! Lists by time are walked by id, because ids are in the order of time.

use std::time::Duration;

use domain::later;
use jiff::Timestamp;

/// How far the time in an id may be from the time at which its row was stored: clocks of a fleet differ.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(60);

/// The ids between which the rows of a time are, as stores compare them. The rows' own times say exactly which they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdRange {
    /// The least.
    pub from: String,
    /// Behind the greatest.
    pub before: String,
}

impl IdRange {
    /// The ids with this prefix of rows that were stored at `from` or later and before `to`, and that are less than
    /// `before`.
    pub fn of(
        prefix: &str,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        before: Option<String>,
    ) -> Self {
        let bound = |at: Timestamp| {
            let millis = at.as_millisecond().max(0);
            format!("{prefix}_{millis:012x}")
        };
        let from = from.map(|from| bound(from.checked_sub(CLOCK_DIFFERENCE).unwrap_or(from)));
        let to = to.map(|to| bound(later(to, CLOCK_DIFFERENCE)));
        Self {
            from: from.unwrap_or_default(),
            before: to
                .into_iter()
                .chain(before)
                .min()
                .unwrap_or_else(|| format!("{prefix}_~")),
        }
    }
}
