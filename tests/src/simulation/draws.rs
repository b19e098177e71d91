//! Random choices that follow from a seed alone, the same in every build.

use std::sync::{Mutex, PoisonError};

/// A source of choices: `SplitMix64`. Everything in a run draws from one, in one order.
pub(super) struct Draws(Mutex<u64>);

impl Draws {
    pub(super) fn of(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end`, exclusive.
    pub(super) fn below(&self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A number from `from` to `to`, both inclusive.
    pub(super) fn between(&self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// True in so many of a hundred.
    pub(super) fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several; none of nothing.
    pub(super) fn pick<T: Clone>(&self, of: &[T]) -> Option<T> {
        let index = self.below(u64::try_from(of.len()).unwrap());
        of.get(usize::try_from(index).unwrap()).cloned()
    }

    /// One of several, each as likely as its weight; none when all of them weigh nothing.
    pub(super) fn weighted<T: Clone>(&self, of: &[(u64, T)]) -> Option<T> {
        let whole: u64 = of.iter().map(|(weight, _)| weight).sum();
        let mut at = self.below(whole);
        for (weight, choice) in of {
            if at < *weight {
                return Some(choice.clone());
            }
            at -= weight;
        }
        None
    }
}
