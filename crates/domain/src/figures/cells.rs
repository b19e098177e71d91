//! The sums of one day under one name, packed: a year of them is read in milliseconds.

use std::collections::BTreeMap;

use super::Metric;

/// The first byte of what is packed: the shape that follows.
const SHAPE: u8 = 1;

/// What was summed in a day, by the place of its quarter of an hour and by metric. What is zero is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cells(BTreeMap<(u8, Metric), i64>);

/// What was packed is damaged, or of a shape that this build does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sums of a day are damaged, or of a newer shape")]
pub struct Unreadable;

impl Cells {
    /// Adds to a sum.
    pub fn add(&mut self, place: u8, metric: Metric, value: i64) {
        let sum = self.0.entry((place, metric)).or_default();
        *sum = sum.saturating_add(value);
        if *sum == 0 {
            self.0.remove(&(place, metric));
        }
    }

    /// Adds what is packed.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn add_packed(&mut self, packed: &[u8]) -> Result<(), Unreadable> {
        Self::each(packed, |place, metric, value| {
            self.add(place, metric, value)
        })
    }

    /// Whether all sums are zero.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Packs them: for each quarter of an hour its place and the number of sums, then each metric and its sum.
    pub fn packed(&self) -> Vec<u8> {
        let mut places = BTreeMap::<u8, Vec<(Metric, i64)>>::new();
        for ((place, metric), value) in &self.0 {
            places.entry(*place).or_default().push((*metric, *value));
        }
        let mut packed = vec![SHAPE];
        for (place, sums) in places {
            packed.push(place);
            packed.push(u8::try_from(sums.len()).unwrap_or(u8::MAX));
            for (metric, value) in sums.into_iter().take(u8::MAX.into()) {
                packed.push(metric.0);
                put_number(&mut packed, value);
            }
        }
        packed
    }

    /// Visits what is packed: place, metric and sum.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn each(packed: &[u8], mut visit: impl FnMut(u8, Metric, i64)) -> Result<(), Unreadable> {
        let mut rest = packed.iter();
        let mut next = || rest.next().copied();
        if next() != Some(SHAPE) {
            return Err(Unreadable);
        }
        while let Some(place) = next() {
            for _ in 0..next().ok_or(Unreadable)? {
                let metric = Metric(next().ok_or(Unreadable)?);
                visit(place, metric, number(&mut next).ok_or(Unreadable)?);
            }
        }
        Ok(())
    }
}

/// Writes a number in as few bytes as it takes, seven bits in each; small negative ones are short, too.
fn put_number(packed: &mut Vec<u8>, value: i64) {
    let mut left = (value << 1 ^ value >> 63).cast_unsigned();
    while left > 0x7f {
        packed.push(u8::try_from(left & 0x7f).unwrap_or_default() | 0x80);
        left >>= 7;
    }
    packed.push(u8::try_from(left).unwrap_or_default());
}

/// Reads such a number.
fn number(next: &mut impl FnMut() -> Option<u8>) -> Option<i64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = next()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_is_read_again(sums in proptest::collection::vec((0_u8..96, any::<u8>(), any::<i64>()), 0..200)) {
            let mut cells = Cells::default();
            for (place, metric, value) in sums {
                cells.add(place, Metric(metric % 120), value);
            }
            let mut read = Cells::default();
            read.add_packed(&cells.packed()).unwrap();
            prop_assert_eq!(read, cells);
        }

        #[test]
        fn damaged_sums_are_an_error_at_most(packed in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut cells = Cells::default();
            let _ = cells.add_packed(&packed).is_ok();
        }
    }

    #[test]
    fn small_sums_take_few_bytes_and_none_takes_none() {
        let mut cells = Cells::default();
        cells.add(48, Metric::CAME_IN, 7);
        cells.add(48, Metric::GENUINE, -3);
        assert_eq!(cells.packed(), [SHAPE, 48, 2, 1, 14, 2, 5]);
        cells.add(48, Metric::CAME_IN, -7);
        cells.add(48, Metric::GENUINE, 3);
        assert!(cells.is_empty());
    }
}
