//! How values are spread: counts between fixed limits.

use super::{Dimension, FigureUnit, Metric, NameSums};

/// How many counts the histograms of points have: each of five points, the last one of six.
const FIVES: u8 = 20;

/// A histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Histogram {
    /// Its name in the API.
    pub key: &'static str,
    /// What it counts, in a sentence.
    pub definition: &'static str,
    /// What its limits are counted in.
    pub unit: FigureUnit,
    /// What of.
    pub of: HistogramOf,
}

/// What a histogram is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistogramOf {
    /// Scores.
    Scores,
    /// How likely leads are spam.
    Spam,
    /// Times of one stage's tries.
    Times,
}

/// What lies between two limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// The lower limit.
    pub from: u64,
    /// The upper limit; none for what is over the last one.
    pub to: Option<u64>,
    /// How many.
    pub count: i64,
}

/// Every histogram.
pub static HISTOGRAMS: &[Histogram] = &[
    Histogram {
        key: "score",
        definition: "genuine leads by score: from the lower limit to below the upper one, the last one with 100",
        unit: FigureUnit::Points,
        of: HistogramOf::Scores,
    },
    Histogram {
        key: "spam_likelihood",
        definition: "analyzed leads by how likely they are spam, in percent: from the lower limit to below the upper one, \
                     the last one with 100",
        unit: FigureUnit::Points,
        of: HistogramOf::Spam,
    },
    Histogram {
        key: "stage_time",
        definition: "tries of a stage by their time: over the lower limit, up to the upper one; the first one with 0",
        unit: FigureUnit::Milliseconds,
        of: HistogramOf::Times,
    },
];

impl Metric {
    /// Genuine leads by score: the first of 20 counts.
    const FIRST_SCORE: u8 = 96;
    /// Analyzed leads by how likely they are spam: the first of 20 counts.
    const FIRST_SPAM: u8 = 128;

    /// The count of the histogram of scores that takes this one.
    pub fn of_score(score: u8) -> Self {
        Self(Self::FIRST_SCORE.saturating_add((score / 5).min(FIVES - 1)))
    }

    /// The count of the histogram of spam that takes this likelihood, from 0 to 100.
    pub fn of_spam(likelihood: f64) -> Self {
        let place = (1..FIVES).filter(|it| likelihood >= f64::from(it * 5));
        let place = u8::try_from(place.count()).unwrap_or_default();
        Self(Self::FIRST_SPAM.saturating_add(place))
    }
}

impl Histogram {
    /// The histogram of this name.
    pub fn of_key(key: &str) -> Option<&'static Self> {
        HISTOGRAMS.iter().find(|histogram| histogram.key == key)
    }

    /// Whether it is of one stage.
    pub fn is_of_stages(&self) -> bool {
        self.of == HistogramOf::Times
    }

    /// The dimension that all of it is summed in.
    pub fn dimension(&self) -> Dimension {
        match self.of {
            HistogramOf::Scores | HistogramOf::Spam => Dimension::All,
            HistogramOf::Times => Dimension::Stage,
        }
    }

    /// What must be summed for it, from the lowest limit on.
    pub fn metrics(&self) -> Vec<Metric> {
        let fives = |first: u8| (0..FIVES).map(move |place| Metric(first.saturating_add(place)));
        match self.of {
            HistogramOf::Scores => fives(Metric::FIRST_SCORE).collect(),
            HistogramOf::Spam => fives(Metric::FIRST_SPAM).collect(),
            HistogramOf::Times => Metric::times().collect(),
        }
    }

    /// Its counts in a step, from the lowest limit on.
    pub fn bins(&self, sums: NameSums<'_>, step: usize) -> Vec<Bin> {
        let limits: Vec<u64> = match self.of {
            HistogramOf::Scores | HistogramOf::Spam => {
                (1..=u64::from(FIVES)).map(|limit| limit * 5).collect()
            }
            HistogramOf::Times => Metric::TIMES.to_vec(),
        };
        let mut from = 0;
        let mut bins = Vec::new();
        for (place, metric) in self.metrics().into_iter().enumerate() {
            let to = limits.get(place).copied();
            let count = sums.get(step, metric);
            bins.push(Bin { from, to, count });
            from = to.unwrap_or(from);
        }
        bins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_counted_by_fives_and_the_last_one_takes_a_hundred() {
        let place = |metric: Metric, first: u8| metric.0 - first;
        for (points, expected) in [(0, 0), (4, 0), (5, 1), (80, 16), (99, 19), (100, 19)] {
            let score = Metric::of_score(points);
            assert_eq!(place(score, Metric::FIRST_SCORE), expected, "{points}");
            let spam = Metric::of_spam(f64::from(points));
            assert_eq!(place(spam, Metric::FIRST_SPAM), expected, "{points}");
        }
        assert_eq!(place(Metric::of_spam(4.999), Metric::FIRST_SPAM), 0);
        assert_eq!(place(Metric::of_spam(1e9), Metric::FIRST_SPAM), 19);
        assert_eq!(place(Metric::of_spam(f64::NAN), Metric::FIRST_SPAM), 0);
    }

    #[test]
    fn no_count_belongs_to_two_histograms() {
        let mut all: Vec<_> = HISTOGRAMS.iter().flat_map(Histogram::metrics).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
