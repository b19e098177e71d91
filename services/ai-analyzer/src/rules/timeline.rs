//! When the work should start.

use domain::Timeline;

use super::{
    lexicon,
    said::{Finding, Said},
};
use crate::words::{Words, small};

/// When it should start: a duration that was named says more than any phrase.
pub(super) fn timeline(said: &Said<'_>) -> Option<Finding<Timeline>> {
    let named = said.0.iter().find_map(|words| {
        let (weeks, at) = (0..words.len()).find_map(|at| Some((weeks(words, at)?, at)))?;
        let value = match weeks {
            0..=3 => Timeline::Immediate,
            4..=13 => Timeline::OneToThreeMonths,
            14..=26 => Timeline::ThreeToSixMonths,
            _ => Timeline::SixMonthsPlus,
        };
        Some(Finding::at(value, words, &(at..at + 1)))
    });
    named.or_else(|| said.first_of(lexicon::TIMES))
}

/// The weeks of a duration whose unit stands at `unit`: `two months`, `6 weeks`, `a year`. One that is past or says
/// how old something is does not count.
fn weeks(words: &Words<'_>, unit: usize) -> Option<u64> {
    let number = match words.before(unit, 1) {
        "a" | "an" => 1,
        word => small(word)
            .or_else(|| word.parse().ok())
            .filter(|number| *number <= 60)?,
    };
    let weeks = match words.get(unit) {
        "week" | "weeks" => number,
        "month" | "months" => number * 13 / 3,
        "year" | "years" => number * 52,
        _ => return None,
    };
    let is_past = matches!(words.get(unit + 1), "ago" | "old" | "back")
        || matches!(words.before(unit, 2), "last" | "past" | "for");
    let is_more = matches!(
        (words.before(unit, 3), words.before(unit, 2)),
        ("more", "than") | ("at", "least") | (_, "over")
    );
    (!is_past).then_some(weeks + u64::from(is_more))
}
