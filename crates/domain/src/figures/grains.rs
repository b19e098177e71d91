//! How finely time is cut where sums are kept: quarters of an hour, hours and days, each summed apart. So a question is
//! answered from few sums, and no time zone is left out.

use super::Slot;

/// Sums that are kept in one row.
pub(super) const PLACES: u8 = 96;

/// How long the time is that one sum is of. Each is summed up for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// A day in UTC.
    Day,
    /// An hour. Days of most time zones are made of whole ones.
    Hour,
    /// A quarter of an hour. Days of all time zones are made of whole ones.
    Quarter,
}

impl Grain {
    /// Every one, the coarsest first.
    pub const ALL: [Self; 3] = [Self::Day, Self::Hour, Self::Quarter];

    /// As it is stored. Numbers are never used for another grain.
    pub const fn code(self) -> u8 {
        match self {
            Self::Day => 1,
            Self::Hour => 2,
            Self::Quarter => 3,
        }
    }

    /// How many quarters of an hour it has.
    const fn slots(self) -> i64 {
        match self {
            Self::Day => 96,
            Self::Hour => 4,
            Self::Quarter => 1,
        }
    }

    /// The next coarser one.
    const fn coarser(self) -> Option<Self> {
        match self {
            Self::Day => None,
            Self::Hour => Some(Self::Day),
            Self::Quarter => Some(Self::Hour),
        }
    }
}

/// The times whose sums are one row: 96 days, 4 days by hours, or a day by quarters of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    /// What its sums are of.
    pub grain: Grain,
    /// Which one, counted from 1970.
    pub number: i64,
}

impl Block {
    /// The row that a time is in, and its place there.
    pub fn of(grain: Grain, slot: Slot) -> (Self, u8) {
        let unit = slot.0.div_euclid(grain.slots());
        let number = unit.div_euclid(PLACES.into());
        let place = u8::try_from(unit.rem_euclid(PLACES.into())).unwrap_or_default();
        (Self { grain, number }, place)
    }

    /// The first quarter of an hour of a place.
    fn slot(self, place: u8) -> Slot {
        let unit = self.number.saturating_mul(PLACES.into());
        Slot(
            unit.saturating_add(place.into())
                .saturating_mul(self.grain.slots()),
        )
    }
}

/// Rows that lie side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    /// What their sums are of.
    pub grain: Grain,
    /// The number of the first one.
    pub first: i64,
    /// The number of the last one.
    pub last: i64,
}

/// A range of time, cut into steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps<'a>(pub(super) &'a [Slot]);

impl Steps<'_> {
    /// The step that a quarter of an hour is in.
    pub(super) fn of(self, slot: Slot) -> Option<usize> {
        let begun = self.0.partition_point(|bound| *bound <= slot);
        (begun < self.0.len()).then(|| begun.checked_sub(1))?
    }

    /// The rows that it is summed from. A day that lies in one step is summed as a day; of one that is cut, its hours are
    /// summed; and of an hour that is cut, its quarters.
    pub(super) fn blocks(self) -> Vec<Blocks> {
        let (Some(first), Some(end)) = (self.0.first(), self.0.last()) else {
            return Vec::new();
        };
        if first >= end {
            return Vec::new();
        }
        let number = |grain, slot| Block::of(grain, slot).0.number;
        let mut all = vec![Blocks {
            grain: Grain::Day,
            first: number(Grain::Day, *first),
            last: number(Grain::Day, Slot(end.0 - 1)),
        }];
        for (grain, cut) in [(Grain::Hour, Grain::Day), (Grain::Quarter, Grain::Hour)] {
            let bounds = self.0.iter().filter(|bound| bound.0 % cut.slots() != 0);
            for number in bounds.map(|bound| number(grain, *bound)) {
                match all.last_mut() {
                    Some(last) if last.grain == grain && number <= last.last + 1 => {
                        last.last = number;
                    }
                    _ => all.push(Blocks {
                        grain,
                        first: number,
                        last: number,
                    }),
                }
            }
        }
        all
    }

    /// Which step each place of a row is summed into; none for what is outside, or summed from rows of another grain.
    pub(super) fn of_block(self, block: Block) -> [Option<usize>; PLACES as usize] {
        let mut places = [None; PLACES as usize];
        for (place, step) in (0_u8..).zip(&mut places) {
            let slot = block.slot(place);
            let is_summed_coarser = block
                .grain
                .coarser()
                .is_some_and(|coarser| self.of_whole(coarser, slot).is_some());
            if !is_summed_coarser {
                *step = self.of_whole(block.grain, slot);
            }
        }
        places
    }

    /// The step that the whole day, hour or quarter lies in that this is in.
    fn of_whole(self, grain: Grain, slot: Slot) -> Option<usize> {
        let first = slot.0.div_euclid(grain.slots()) * grain.slots();
        let step = self.of(Slot(first))?;
        (self.of(Slot(first + grain.slots() - 1)) == Some(step)).then_some(step)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_quarter_of_an_hour_is_summed_once(
            mut bounds in proptest::collection::vec(-3_000_i64..3_000, 2..12),
            slot in -3_200_i64..3_200,
        ) {
            bounds.sort_unstable();
            let bounds: Vec<_> = bounds.into_iter().map(Slot).collect();
            let steps = Steps(&bounds);
            let blocks = steps.blocks();
            let is_read = |block: &Block| {
                blocks.iter().any(|it| {
                    it.grain == block.grain && (it.first..=it.last).contains(&block.number)
                })
            };
            let summed: Vec<_> = Grain::ALL
                .into_iter()
                .map(|grain| Block::of(grain, Slot(slot)))
                .filter(|(block, _)| is_read(block))
                .filter_map(|(block, place)| steps.of_block(block)[usize::from(place)])
                .collect();
            let expected: Vec<_> = steps.of(Slot(slot)).into_iter().collect();
            prop_assert_eq!(summed, expected);
        }
    }

    #[test]
    fn a_range_of_whole_days_is_read_from_days_alone() {
        let day = |number: i64| Slot(number * 96);
        let bounds = [day(100), day(250), day(300)];
        let days = Blocks {
            grain: Grain::Day,
            first: 1,
            last: 3,
        };
        assert_eq!(Steps(&bounds).blocks(), [days]);
    }

    #[test]
    fn days_that_are_cut_are_read_from_hours_and_cut_hours_from_quarters() {
        // Days that begin at 06:00 in UTC, and one that begins at 18:30.
        let bounds = [Slot(96 * 96 + 24), Slot(97 * 96 + 24), Slot(200 * 96 + 74)];
        let blocks = |grain, first, last| Blocks { grain, first, last };
        assert_eq!(
            Steps(&bounds).blocks(),
            [
                blocks(Grain::Day, 1, 2),
                blocks(Grain::Hour, 24, 24),
                blocks(Grain::Hour, 50, 50),
                blocks(Grain::Quarter, 200, 200),
            ]
        );
        assert_eq!(Steps(&[Slot(5), Slot(5)]).blocks(), []);
        assert_eq!(Steps(&[]).blocks(), []);
    }
}
