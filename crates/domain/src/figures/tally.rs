//! Answering a question from rows of days and what is not folded into them yet.

use std::collections::BTreeMap;

use super::{Addition, Cells, Dimension, Metric, Slot, cells::Unreadable};

/// What to sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiguresQuery {
    /// What the sums are told apart by.
    pub dimension: Dimension,
    /// Where each step begins, in order, and behind them where the last one ends.
    pub bounds: Vec<Slot>,
    /// What is summed, each once.
    pub metrics: Vec<Metric>,
}

impl FiguresQuery {
    /// The first and the last day, in UTC, that have a part in it; none for a question without steps.
    pub fn days(&self) -> Option<(i64, i64)> {
        let (first, end) = (self.bounds.first()?, self.bounds.last()?);
        (first < end).then(|| (first.day(), Slot(end.0 - 1).day()))
    }

    /// The step that a quarter of an hour is in.
    fn step(&self, slot: Slot) -> Option<usize> {
        let begun = self.bounds.partition_point(|bound| *bound <= slot);
        (begun < self.bounds.len()).then(|| begun.checked_sub(1))?
    }
}

/// Sums by name, and for each name by step and metric.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    metrics: Vec<Metric>,
    steps: usize,
    names: BTreeMap<String, Vec<i64>>,
}

impl Sums {
    /// Every name that something was summed under; the name is empty for what has none.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// How many steps there are.
    pub const fn steps(&self) -> usize {
        self.steps
    }

    /// A sum.
    pub fn get(&self, name: &str, step: usize, metric: Metric) -> i64 {
        let place = self.metrics.iter().position(|known| *known == metric);
        let sums = self.names.get(name);
        let sum = place.zip(sums).and_then(|(place, sums)| {
            let place = step.checked_mul(self.metrics.len())?.checked_add(place)?;
            sums.get(place)
        });
        sum.copied().unwrap_or_default()
    }
}

/// Sums up what a store reads.
#[derive(Debug)]
pub struct Tally<'a> {
    query: &'a FiguresQuery,
    /// Where each metric is in the sums, by its number.
    places: [Option<u8>; 256],
    names: BTreeMap<String, Vec<i64>>,
}

impl<'a> Tally<'a> {
    /// Nothing summed yet.
    pub fn new(query: &'a FiguresQuery) -> Self {
        let mut places = [None; 256];
        for (place, metric) in (0..).zip(&query.metrics) {
            if let Some(known) = places.get_mut(usize::from(metric.0)) {
                *known = Some(place);
            }
        }
        Self {
            query,
            places,
            names: BTreeMap::new(),
        }
    }

    /// Adds the row of a day.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn add_day(&mut self, name: &str, day: i64, packed: &[u8]) -> Result<(), Unreadable> {
        let mut step = (None, None);
        let mut sums = std::mem::take(self.sums(name));
        let read = Cells::each(packed, |place, metric, value| {
            if step.0 != Some(place) {
                let slot = day
                    .saturating_mul(Slot::PER_DAY)
                    .saturating_add(i64::from(place));
                step = (Some(place), self.query.step(Slot(slot)));
            }
            self.count(&mut sums, step.1, metric, value);
        });
        *self.sums(name) = sums;
        read
    }

    /// Adds what is not folded into its rows yet.
    pub fn add(&mut self, addition: &Addition) {
        let Some(step) = self.query.step(addition.slot) else {
            return;
        };
        let code = self.query.dimension.code();
        for (_, name) in addition.filed().filter(|(it, _)| *it == code) {
            let mut sums = std::mem::take(self.sums(name));
            for (metric, value) in &addition.values {
                self.count(&mut sums, Some(step), *metric, *value);
            }
            *self.sums(name) = sums;
        }
    }

    /// The sums. Names under which all of them are zero are left out.
    pub fn finish(mut self) -> Sums {
        self.names
            .retain(|_, sums| sums.iter().any(|sum| *sum != 0));
        Sums {
            metrics: self.query.metrics.clone(),
            steps: self.query.bounds.len().saturating_sub(1),
            names: self.names,
        }
    }

    fn sums(&mut self, name: &str) -> &mut Vec<i64> {
        if !self.names.contains_key(name) {
            let steps = self.query.bounds.len().saturating_sub(1);
            let sums = vec![0; steps * self.query.metrics.len()];
            self.names.insert(name.to_owned(), sums);
        }
        self.names.entry(name.to_owned()).or_default()
    }

    fn count(&self, sums: &mut [i64], step: Option<usize>, metric: Metric, value: i64) {
        let place = self.places.get(usize::from(metric.0)).copied().flatten();
        let (Some(step), Some(place)) = (step, place) else {
            return;
        };
        let place = step * self.query.metrics.len() + usize::from(place);
        if let Some(sum) = sums.get_mut(place) {
            *sum = sum.saturating_add(value);
        }
    }
}
