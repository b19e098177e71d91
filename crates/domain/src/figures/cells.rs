//! The sums of a row, packed: metric by metric, so that reading one skips the others.

use std::{borrow::Cow, collections::BTreeMap};

use super::Metric;

/// The first byte of what is packed: the shape that follows.
const SHAPE: u8 = 1;

/// What is added to a row, by metric and place. What is zero is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cells(BTreeMap<Metric, BTreeMap<u8, i64>>);

/// What was packed is damaged, or of a shape that this build does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sums are damaged, or of a newer shape")]
pub struct Unreadable;

impl Cells {
    /// Adds to a sum.
    pub fn add(&mut self, place: u8, metric: Metric, value: i64) {
        let sums = self.0.entry(metric).or_default();
        let sum = sums.entry(place).or_default();
        *sum = sum.saturating_add(value);
    }

    /// Packs what was packed together with these: for each metric its number and how many bytes its sums take, then each
    /// place and its sum. Nothing is left where all come to zero.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn onto(&self, stored: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let mut each: BTreeMap<Metric, Cow<'_, [u8]>> = BTreeMap::new();
        for of_metric in metrics(stored)? {
            let (metric, places) = of_metric?;
            each.insert(metric, places.0.into());
        }
        for (metric, new) in &self.0 {
            let mut sums = [0_i64; 256];
            let mut stored = Places(each.get(metric).map_or(&[], |stored| stored));
            let add = |place: u8, sum: i64, sums: &mut [i64; 256]| {
                if let Some(known) = sums.get_mut(usize::from(place)) {
                    *known = known.saturating_add(sum);
                }
            };
            while let Some((place, sum)) = stored.next()? {
                add(place, sum, &mut sums);
            }
            for (place, sum) in new {
                add(*place, *sum, &mut sums);
            }
            let mut packed = Vec::with_capacity(stored.0.len() + 3 * new.len());
            for (place, sum) in (0..=u8::MAX).zip(sums).filter(|(_, sum)| *sum != 0) {
                packed.push(place);
                // Small negative ones are short, too.
                put_number(&mut packed, (sum << 1 ^ sum >> 63).cast_unsigned());
            }
            each.insert(*metric, packed.into());
        }
        let mut packed = Vec::new();
        for (metric, places) in each.iter().filter(|(_, places)| !places.is_empty()) {
            if packed.is_empty() {
                packed.push(SHAPE);
            }
            packed.push(metric.0);
            put_number(&mut packed, u64::try_from(places.len()).unwrap_or(u64::MAX));
            packed.extend_from_slice(places);
        }
        Ok(packed)
    }
}

/// Writes a number in as few bytes as it takes, seven bits in each.
fn put_number(packed: &mut Vec<u8>, mut left: u64) {
    while left > 0x7f {
        packed.push(u8::try_from(left & 0x7f).unwrap_or_default() | 0x80);
        left >>= 7;
    }
    packed.push(u8::try_from(left).unwrap_or_default());
}

/// Reads such a number.
fn number(bytes: &mut &[u8]) -> Result<u64, Unreadable> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(Unreadable)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Unreadable)
}

/// The sums of one metric, place by place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a>(&'a [u8]);

impl Places<'_> {
    /// The next place and its sum.
    pub(super) fn next(&mut self) -> Result<Option<(u8, i64)>, Unreadable> {
        let Some((place, rest)) = self.0.split_first() else {
            return Ok(None);
        };
        self.0 = rest;
        let sum = number(&mut self.0)?;
        Ok(Some((
            *place,
            (sum >> 1).cast_signed() ^ -(sum & 1).cast_signed(),
        )))
    }
}

/// The metrics of what is packed, each with its sums.
pub(super) fn metrics(
    packed: &[u8],
) -> Result<impl Iterator<Item = Result<(Metric, Places<'_>), Unreadable>>, Unreadable> {
    let mut rest = match packed.split_first() {
        None => packed,
        Some((&SHAPE, rest)) => rest,
        Some(_) => return Err(Unreadable),
    };
    Ok(std::iter::from_fn(move || {
        let (metric, behind) = rest.split_first()?;
        rest = behind;
        let length = number(&mut rest).and_then(|it| usize::try_from(it).map_err(|_| Unreadable));
        let split = length.and_then(|length| rest.split_at_checked(length).ok_or(Unreadable));
        match split {
            Ok((places, behind)) => {
                rest = behind;
                Some(Ok((Metric(*metric), Places(places))))
            }
            Err(error) => {
                rest = &[];
                Some(Err(error))
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(packed: &[u8]) -> Result<BTreeMap<(Metric, u8), i64>, Unreadable> {
        let mut sums = BTreeMap::new();
        for of_metric in metrics(packed)? {
            let (metric, mut places) = of_metric?;
            while let Some((place, sum)) = places.next()? {
                *sums.entry((metric, place)).or_default() += sum;
            }
        }
        Ok(sums)
    }

    fn cells(sums: &[(u8, u8, i64)]) -> Cells {
        let mut cells = Cells::default();
        for (place, metric, value) in sums {
            cells.add(*place, Metric(*metric), *value);
        }
        cells
    }

    fn sums() -> impl Strategy<Value = Vec<(u8, u8, i64)>> {
        let value = prop_oneof![-3..3_i64, any::<i32>().prop_map(i64::from)];
        proptest::collection::vec((0_u8..96, 0_u8..9, value), 0..200)
    }

    fn packed(sums: &[(u8, u8, i64)]) -> Vec<u8> {
        cells(sums).onto(&[]).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_packed_is_read_again(sums in proptest::collection::vec((0_u8..96, any::<u8>(), any::<i64>()), 0..200)) {
            let mut expected = BTreeMap::<_, i64>::new();
            for (place, metric, value) in &sums {
                let sum = expected.entry((Metric(*metric), *place)).or_default();
                *sum = sum.saturating_add(*value);
            }
            expected.retain(|_, sum| *sum != 0);
            prop_assert_eq!(read(&packed(&sums)).unwrap(), expected);
        }

        #[test]
        fn packed_onto_others_they_are_as_if_packed_together(one in sums(), other in sums()) {
            let both = [one.as_slice(), &other].concat();
            let onto = cells(&other).onto(&packed(&one)).unwrap();
            prop_assert_eq!(onto, packed(&both));
        }

        #[test]
        fn damaged_sums_are_an_error_at_most(damaged in proptest::collection::vec(any::<u8>(), 0..100), new in sums()) {
            let read = read(&damaged);
            prop_assert!(read.is_ok() || read == Err(Unreadable));
            let onto = cells(&new).onto(&damaged);
            prop_assert!(onto.is_ok() || onto == Err(Unreadable));
        }
    }

    #[test]
    fn small_sums_take_few_bytes_and_none_takes_none() {
        let sums = [(48, 1, 7), (49, 1, 1), (48, 2, -3)];
        let small = [SHAPE, 1, 4, 48, 14, 49, 2, 2, 2, 48, 5];
        assert_eq!(packed(&sums), small);
        let against = sums.map(|(place, metric, value)| (place, metric, -value));
        assert_eq!(cells(&against).onto(&small), Ok(Vec::new()));
        assert_eq!(packed(&[]), [0; 0]);
    }
}
