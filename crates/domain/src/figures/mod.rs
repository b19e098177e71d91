//! Figures: what a tenant's leads, deliveries and steps sum up to, by time and by what they have in common.
//!
//! A request counts where it came in: [`Counted::of`] says what it counts for now. Whatever changes a request writes the
//! difference to what it counted for before, in the same transaction, as [`Additions`]; so sums never drift, whatever
//! merges, replays or decides. What happens at a moment (a delivery, a refusal, a try of a step) is added once, where it
//! happened.
//!
//! Additions are folded into rows by name and time ([`Folding`], [`Block`], [`Cells`]), and a question is answered from
//! those rows and what is not folded yet ([`Tally`]).

mod additions;
mod catalogue;
mod cells;
mod counted;
mod grains;
mod histograms;
mod tally;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use additions::{Addition, Additions, Folding, SumsKey};
pub use catalogue::{FIGURES, Figure, FigureUnit, FigureValue, Formula};
pub use cells::{Cells, Unreadable};
pub use counted::Counted;
pub use grains::{Block, Blocks, Grain};
pub use histograms::{Bin, HISTOGRAMS, Histogram, HistogramOf};
pub use tally::{FiguresQuery, NameSums, Sums, Tally};

use crate::words::words;

/// A quarter of an hour, counted from 1970 in UTC. Every time zone's days begin with one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Slot(pub i64);

impl Slot {
    /// Its length in seconds.
    pub const SECONDS: i64 = 15 * 60;
    /// The one that a time is in.
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_second().div_euclid(Self::SECONDS))
    }

    /// The first one that does not begin before a time.
    pub fn from(at: Timestamp) -> Self {
        let slot = Self::of(at);
        match slot.begin() < at {
            true => Self(slot.0.saturating_add(1)),
            false => slot,
        }
    }

    /// When it begins.
    pub fn begin(self) -> Timestamp {
        Timestamp::from_second(self.0.saturating_mul(Self::SECONDS)).unwrap_or(Timestamp::MAX)
    }
}

words! {
    /// What sums are told apart by.
    #[derive(PartialOrd, Ord)]
    pub enum Dimension ("a dimension") {
        /// Not at all.
        All => "all",
        /// How the lead reached the company.
        Channel => "channel",
        /// The provider of the source.
        Provider => "provider",
        /// The configured source.
        Source => "source",
        /// The office.
        Office => "office",
        /// What is to be remodeled.
        ProjectType => "project_type",
        /// The connection to a CRM.
        Connection => "connection",
        /// The stage of a step.
        Stage => "stage",
        /// Why a delivery was refused.
        Reason => "reason",
        /// The ZIP code of the place that it is about.
        PostalCode => "postal_code",
    }
}

impl Dimension {
    /// As it is stored. Numbers are never used for another dimension.
    pub const fn code(self) -> u8 {
        match self {
            Self::All => 0,
            Self::Channel => 1,
            Self::Provider => 2,
            Self::Source => 3,
            Self::Office => 4,
            Self::ProjectType => 5,
            Self::Connection => 6,
            Self::Stage => 7,
            Self::Reason => 8,
            Self::PostalCode => 9,
        }
    }
}

/// What is summed, as it is stored. Numbers are never used for another one; one that this build does not know is
/// carried along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metric(pub u8);

impl Metric {
    /// Leads: all that came in.
    pub const CAME_IN: Self = Self(1);
    /// Leads that are no spam and no wrong number.
    pub const GENUINE: Self = Self(2);
    /// Genuine leads that are not outside the service area.
    pub const IN_AREA: Self = Self(3);
    /// Genuine leads that a CRM has.
    pub const IN_CRM: Self = Self(4);
    /// Genuine leads of which somebody was told.
    pub const TOLD: Self = Self(5);
    /// Genuine leads with a score.
    pub const SCORED: Self = Self(6);
    /// The sum of their scores.
    pub const SCORES: Self = Self(7);
    /// Genuine leads with a score over 80.
    pub const OVER_80: Self = Self(8);
    /// Leads that are received or worked on.
    pub const IN_PROGRESS: Self = Self(16);
    /// Leads in review.
    pub const IN_REVIEW: Self = Self(17);
    /// Leads that wait for a connection.
    pub const HELD: Self = Self(18);
    /// Leads that wait for a person.
    pub const PARKED: Self = Self(19);
    /// Leads with nothing left to do.
    pub const COMPLETED: Self = Self(20);
    /// Leads that are spam.
    pub const QUARANTINED: Self = Self(21);
    /// Leads from outside the service area.
    pub const OUT_OF_AREA: Self = Self(22);
    /// Deliveries that were stored.
    pub const DELIVERIES: Self = Self(32);
    /// Deliveries that were refused.
    pub const REFUSED: Self = Self(33);
    /// Pushes that a CRM has.
    pub const PUSHED: Self = Self(40);
    /// Pushes that stopped.
    pub const NOT_PUSHED: Self = Self(41);
    /// Tries of a step.
    pub const RUNS: Self = Self(48);
    /// The sum of their times in milliseconds.
    pub const MILLISECONDS: Self = Self(49);
    /// Tries of a step by their time: the first of [`Metric::TIMES`]`.len() + 1` counts.
    const FIRST_TIME: u8 = 64;

    /// The longest times, in milliseconds, that each count of a histogram takes. One more takes what is longer.
    pub const TIMES: [u64; 19] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000,
        200_000, 500_000, 1_000_000,
    ];

    /// The count of a histogram that takes this time.
    pub fn of_time(milliseconds: u64) -> Self {
        let place = Self::TIMES.partition_point(|longest| *longest < milliseconds);
        Self::time(place)
    }

    /// Every count of a histogram, shortest times first.
    pub fn times() -> impl Iterator<Item = Self> {
        (0..=Self::TIMES.len()).map(Self::time)
    }

    fn time(place: usize) -> Self {
        Self(Self::FIRST_TIME.saturating_add(u8::try_from(place).unwrap_or(u8::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_a_quarter_of_an_hour() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let slot = Slot::of(at("2026-03-01T12:29:59.9Z"));
        assert_eq!(slot.begin(), at("2026-03-01T12:15:00Z"));
        assert_eq!(Slot::from(at("2026-03-01T12:15:00Z")), slot);
        assert_eq!(Slot::from(at("2026-03-01T12:15:00.1Z")), Slot(slot.0 + 1));
        let before = Slot::of(at("1969-12-31T23:59:59Z"));
        assert_eq!(before.0, -1);
        let (day, place) = Block::of(Grain::Quarter, before);
        assert_eq!((day.number, place), (-1, 95));
    }

    #[test]
    fn a_time_is_counted_once() {
        let counts: Vec<_> = Metric::times().collect();
        assert_eq!(counts.len(), Metric::TIMES.len() + 1);
        for (time, place) in [
            (0, 0),
            (1, 0),
            (2, 1),
            (3, 2),
            (1_000_000, 18),
            (u64::MAX, 19),
        ] {
            assert_eq!(Metric::of_time(time), counts[place], "{time}");
        }
    }
}
