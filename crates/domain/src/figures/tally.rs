//! Answering a question from rows of sums and what is not folded into them yet.

use std::collections::BTreeMap;

use super::{
    Addition, Block, Blocks, Dimension, Metric, Slot,
    cells::{Unreadable, metrics},
    grains::{PLACES, Steps},
};

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
    /// The rows that have a part in it: for each name, all of these.
    pub fn blocks(&self) -> Vec<Blocks> {
        Steps(&self.bounds).blocks()
    }
}

/// Where each metric stands among those that are summed, by its number. Percentiles ask for hundreds of them in each
/// of hundreds of steps, which looking through a list makes slower than reading the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Places {
    of: [Option<u8>; 256],
    count: usize,
}

impl Places {
    fn new(metrics: &[Metric]) -> Self {
        let mut of = [None; 256];
        for (place, metric) in (0..).zip(metrics) {
            if let Some(known) = of.get_mut(usize::from(metric.0)) {
                *known = Some(place);
            }
        }
        Self {
            of,
            count: metrics.len(),
        }
    }

    fn of(&self, metric: Metric) -> Option<usize> {
        let place = self.of.get(usize::from(metric.0)).copied().flatten();
        place.map(usize::from)
    }
}

/// Sums by name, and for each name by step and metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    metrics: Places,
    steps: usize,
    names: BTreeMap<String, Vec<i64>>,
}

impl Sums {
    /// Every name that something was summed under; the name is empty for what has none.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// Keeps this many names, those with the largest sums, and sums up the others under one name.
    pub fn keep_largest(&mut self, count: usize, others: &str) {
        if self.names.len() <= count {
            return;
        }
        let mut names: Vec<_> = std::mem::take(&mut self.names).into_iter().collect();
        names.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.iter().copied().max()));
        let rest = names.split_off(count);
        self.names = names.into_iter().collect();
        for (_, sums) in rest {
            self.add(others, &sums);
        }
    }

    /// Counts what has no name under this one.
    pub fn give_unnamed_to(&mut self, name: &str) {
        if let Some(sums) = self.names.remove("") {
            self.add(name, &sums);
        }
    }

    fn add(&mut self, name: &str, more: &[i64]) {
        let summed = self.names.entry(name.to_owned()).or_default();
        summed.resize(more.len().max(summed.len()), 0);
        for (sum, more) in summed.iter_mut().zip(more) {
            *sum = sum.saturating_add(*more);
        }
    }

    /// How many steps there are.
    pub const fn steps(&self) -> usize {
        self.steps
    }

    /// The sums under a name: all zero where it has none.
    pub fn of(&self, name: &str) -> NameSums<'_> {
        NameSums {
            metrics: &self.metrics,
            sums: self.names.get(name).map_or(&[], Vec::as_slice),
        }
    }
}

/// The sums under one name.
#[derive(Debug, Clone, Copy)]
pub struct NameSums<'a> {
    metrics: &'a Places,
    sums: &'a [i64],
}

impl NameSums<'_> {
    /// A sum.
    pub fn get(&self, step: usize, metric: Metric) -> i64 {
        let sum = self.metrics.of(metric).and_then(|place| {
            let place = step.checked_mul(self.metrics.count)?.checked_add(place)?;
            self.sums.get(place)
        });
        sum.copied().unwrap_or_default()
    }
}

/// Sums up what a store reads.
#[derive(Debug)]
pub struct Tally<'a> {
    query: &'a FiguresQuery,
    metrics: Places,
    /// Into which steps the places of the last row were summed: those of the next one mostly are, too.
    steps: Option<(Block, [Option<usize>; PLACES as usize])>,
    names: BTreeMap<String, Vec<i64>>,
}

impl<'a> Tally<'a> {
    /// Nothing summed yet.
    pub fn new(query: &'a FiguresQuery) -> Self {
        Self {
            query,
            metrics: Places::new(&query.metrics),
            steps: None,
            names: BTreeMap::new(),
        }
    }

    /// Adds a row. What is not asked for is passed over.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn add_block(&mut self, block: Block, name: &str, packed: &[u8]) -> Result<(), Unreadable> {
        let steps = match &self.steps {
            Some((last, steps)) if *last == block => *steps,
            _ => Steps(&self.query.bounds).of_block(block),
        };
        self.steps = Some((block, steps));
        let width = self.query.metrics.len();
        for of_metric in metrics(packed)? {
            let (metric, mut sums) = of_metric?;
            let Some(offset) = self.metrics.of(metric) else {
                continue;
            };
            let of_name = self.sums(name);
            while let Some((place, sum)) = sums.next()? {
                if let Some(Some(step)) = steps.get(usize::from(place))
                    && let Some(known) = of_name.get_mut(step * width + offset)
                {
                    *known = known.saturating_add(sum);
                }
            }
        }
        Ok(())
    }

    /// Adds what is not folded into its rows yet.
    pub fn add(&mut self, addition: &Addition) {
        let Some(step) = Steps(&self.query.bounds).of(addition.slot) else {
            return;
        };
        let code = self.query.dimension.code();
        let width = self.query.metrics.len();
        for (_, name) in addition.filed().filter(|(it, _)| *it == code) {
            for (metric, value) in &addition.values {
                if let Some(offset) = self.metrics.of(*metric)
                    && let Some(known) = self.sums(name).get_mut(step * width + offset)
                {
                    *known = known.saturating_add(*value);
                }
            }
        }
    }

    /// The sums. Names under which all of them are zero are left out.
    pub fn finish(mut self) -> Sums {
        self.names
            .retain(|_, sums| sums.iter().any(|sum| *sum != 0));
        Sums {
            metrics: self.metrics,
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
}
