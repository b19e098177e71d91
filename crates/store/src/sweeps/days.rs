//! How much of what happened at a provider was held, by day.

use std::collections::BTreeMap;

use domain::SourceId;
use jiff::{Timestamp, civil::Date};

use super::DayCount;

/// What an audit found of one kind of things on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayLine {
    /// The source.
    pub source: SourceId,
    /// The day, in the time zone of the source's office.
    pub day: Date,
    /// The kind of things.
    pub kind: String,
    /// What was counted.
    pub count: DayCount,
    /// When it was compared.
    pub checked_at: Timestamp,
}

impl DayLine {
    /// What was counted of the days of a list.
    pub fn of_days(
        days: BTreeMap<Date, DayCount>,
        source: SourceId,
        kind: &str,
        checked_at: Timestamp,
    ) -> Vec<Self> {
        let line = |(day, count)| Self {
            source,
            day,
            kind: kind.to_owned(),
            count,
            checked_at,
        };
        days.into_iter().map(line).collect()
    }
}

/// What audits found of a source on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completeness {
    /// The source.
    pub source: SourceId,
    /// The day, in the time zone of the source's office.
    pub day: Date,
    /// The sum over all kinds of things.
    pub count: DayCount,
    /// When it was compared; of several kinds, the earliest.
    pub checked_at: Timestamp,
}

/// The lines of each source and day in one, by day and source.
pub fn completeness(lines: &[DayLine]) -> Vec<Completeness> {
    let mut sums = BTreeMap::<(Date, SourceId), (DayCount, Timestamp)>::new();
    for line in lines {
        let (sum, checked_at) = sums
            .entry((line.day, line.source))
            .or_insert((DayCount::default(), line.checked_at));
        sum.add(line.count);
        *checked_at = line.checked_at.min(*checked_at);
    }
    sums.into_iter()
        .map(|((day, source), (count, checked_at))| Completeness {
            source,
            day,
            count,
            checked_at,
        })
        .collect()
}
