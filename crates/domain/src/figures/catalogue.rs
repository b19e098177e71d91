//! The figures that people read, each with what it is made of.

use super::{Dimension, Metric, NameSums};
use crate::words::words;

words! {
    /// What a figure's value is counted in.
    #[derive(PartialOrd, Ord)]
    pub enum FigureUnit ("a unit") {
        /// Leads.
        Leads => "leads",
        /// Deliveries of webhooks.
        Deliveries => "deliveries",
        /// Pushes of a lead into a CRM.
        Pushes => "pushes",
        /// Tries of a step.
        Runs => "runs",
        /// A part of one, from 0 to 1.
        Share => "share",
        /// Points of a score, from 0 to 100.
        Points => "points",
        /// Milliseconds.
        Milliseconds => "ms",
    }
}

/// How a figure follows from sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formula {
    /// The sum itself.
    Count(Metric),
    /// A sum of the first over a sum of the second.
    Ratio(&'static [Metric], &'static [Metric]),
    /// So many percent of the runs took no longer: read off a histogram.
    Percentile(u8),
}

/// A figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// Its name in the API.
    pub key: &'static str,
    /// What it says, in a sentence.
    pub definition: &'static str,
    /// What its numerator counts.
    pub numerator: &'static str,
    /// What its denominator counts; none for a plain count.
    pub denominator: Option<&'static str>,
    /// What its value is counted in.
    pub unit: FigureUnit,
    /// What it can be told apart by.
    pub by: &'static [Dimension],
    /// How it follows from sums.
    pub formula: Formula,
}

/// A figure's value, with what it is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FigureValue {
    /// The value; none where the denominator is zero.
    pub value: Option<f64>,
    /// The numerator; none for a percentile.
    pub numerator: Option<i64>,
    /// The denominator; none for a plain count.
    pub denominator: Option<i64>,
}

const OF_LEADS: &[Dimension] = &[
    Dimension::Channel,
    Dimension::Provider,
    Dimension::Source,
    Dimension::Office,
    Dimension::ProjectType,
    Dimension::PostalCode,
];
const OF_PUSHES: &[Dimension] = &[
    Dimension::Channel,
    Dimension::Provider,
    Dimension::Source,
    Dimension::Office,
    Dimension::ProjectType,
    Dimension::PostalCode,
    Dimension::Connection,
];
const OF_DELIVERIES: &[Dimension] = &[
    Dimension::Channel,
    Dimension::Provider,
    Dimension::Source,
    Dimension::Office,
];
const OF_REFUSALS: &[Dimension] = &[Dimension::Provider, Dimension::Reason];
const OF_WEBHOOKS: &[Dimension] = &[Dimension::Provider];
const OF_STAGES: &[Dimension] = &[Dimension::Stage];

const CAME_IN: &str = "leads that came in";
const GENUINE: &str =
    "genuine leads: neither quarantined, nor rejected in review, nor a wrong number";
const SCORED: &str = "genuine leads that have a score";
const RUNS: &str = "tries of the stage's steps that ended, whatever came of them";

/// A plain count of leads.
const fn leads(key: &'static str, definition: &'static str, metric: Metric) -> Figure {
    Figure {
        key,
        definition,
        numerator: definition,
        denominator: None,
        unit: FigureUnit::Leads,
        by: OF_LEADS,
        formula: Formula::Count(metric),
    }
}

/// A share of leads.
const fn share(
    key: &'static str,
    definition: &'static str,
    (numerator, part): (&'static str, &'static [Metric]),
    (denominator, whole): (&'static str, &'static [Metric]),
    by: &'static [Dimension],
) -> Figure {
    Figure {
        key,
        definition,
        numerator,
        denominator: Some(denominator),
        unit: FigureUnit::Share,
        by,
        formula: Formula::Ratio(part, whole),
    }
}

const fn percentile(key: &'static str, definition: &'static str, percent: u8) -> Figure {
    Figure {
        key,
        definition,
        numerator: "none: read off a histogram of fixed limits, evenly within one of them",
        denominator: Some(RUNS),
        unit: FigureUnit::Milliseconds,
        by: OF_STAGES,
        formula: Formula::Percentile(percent),
    }
}

/// Every figure, in the order that they are shown in.
pub static FIGURES: &[Figure] = &[
    leads(
        "came_in",
        "leads that came in; of requests that were found to be one, one counts",
        Metric::CAME_IN,
    ),
    leads("genuine", GENUINE, Metric::GENUINE),
    leads(
        "in_area",
        "genuine leads that are not outside the service area, or that a person let through",
        Metric::IN_AREA,
    ),
    leads(
        "in_crm",
        "genuine leads that at least one CRM has",
        Metric::IN_CRM,
    ),
    leads(
        "told",
        "genuine leads of which at least one person was told",
        Metric::TOLD,
    ),
    leads(
        "in_progress",
        "leads that are being worked on, or wait for their turn",
        Metric::IN_PROGRESS,
    ),
    leads(
        "in_review",
        "leads that wait for a person's verdict",
        Metric::IN_REVIEW,
    ),
    leads(
        "held",
        "leads of which a step waits for a connection's new secret",
        Metric::HELD,
    ),
    leads(
        "parked",
        "leads of which a step waits for a person",
        Metric::PARKED,
    ),
    leads(
        "completed",
        "leads with nothing left to do",
        Metric::COMPLETED,
    ),
    leads(
        "quarantined",
        "leads that are kept apart as spam",
        Metric::QUARANTINED,
    ),
    leads(
        "out_of_area",
        "leads that are kept apart because they are outside the service area",
        Metric::OUT_OF_AREA,
    ),
    share(
        "conversion",
        "the share of all leads that are genuine and not outside the service area",
        (
            "genuine leads that are not outside the service area",
            &[Metric::IN_AREA],
        ),
        (CAME_IN, &[Metric::CAME_IN]),
        OF_LEADS,
    ),
    Figure {
        key: "average_score",
        definition: "the average score of genuine leads",
        numerator: "the sum of their scores",
        denominator: Some(SCORED),
        unit: FigureUnit::Points,
        by: OF_LEADS,
        formula: Formula::Ratio(&[Metric::SCORES], &[Metric::SCORED]),
    },
    share(
        "share_over_80",
        "the share of genuine leads whose score is over 80",
        ("genuine leads with a score over 80", &[Metric::OVER_80]),
        (SCORED, &[Metric::SCORED]),
        OF_LEADS,
    ),
    share(
        "crm_success",
        "the share of pushes into CRMs that succeeded, of those that ended or stopped",
        ("leads that are in a CRM, for each CRM", &[Metric::PUSHED]),
        (
            "the same, and leads whose push into a CRM is held or parked",
            &[Metric::PUSHED, Metric::NOT_PUSHED],
        ),
        OF_PUSHES,
    ),
    Figure {
        key: "crm_stopped",
        definition: "pushes into CRMs that are held or parked",
        numerator: "leads whose push into a CRM is held or parked, for each CRM",
        denominator: None,
        unit: FigureUnit::Pushes,
        by: OF_PUSHES,
        formula: Formula::Count(Metric::NOT_PUSHED),
    },
    Figure {
        key: "deliveries",
        definition: "deliveries that were stored and acknowledged, without repeats",
        numerator: "deliveries that were stored and acknowledged, without repeats",
        denominator: None,
        unit: FigureUnit::Deliveries,
        by: OF_DELIVERIES,
        formula: Formula::Count(Metric::DELIVERIES),
    },
    Figure {
        key: "refused",
        definition: "deliveries at the company's URLs whose signature was missing, wrong or stale, or was not checked any \
                     more after too many of these: forged ones, and those of a source whose signing key is wrong",
        numerator: "refused deliveries of which the company is known",
        denominator: None,
        unit: FigureUnit::Deliveries,
        by: OF_REFUSALS,
        formula: Formula::Count(Metric::REFUSED),
    },
    share(
        "webhook_success",
        "the share of deliveries at the company's URLs that were stored and acknowledged",
        (
            "deliveries that were stored and acknowledged, without repeats",
            &[Metric::DELIVERIES],
        ),
        (
            "the same, and refused deliveries of which the company is known",
            &[Metric::DELIVERIES, Metric::REFUSED],
        ),
        OF_WEBHOOKS,
    ),
    Figure {
        key: "stage_runs",
        definition: RUNS,
        numerator: RUNS,
        denominator: None,
        unit: FigureUnit::Runs,
        by: OF_STAGES,
        formula: Formula::Count(Metric::RUNS),
    },
    Figure {
        key: "stage_average",
        definition: "the average time of a stage's tries, from claim to settle",
        numerator: "the sum of their times in milliseconds",
        denominator: Some(RUNS),
        unit: FigureUnit::Milliseconds,
        by: OF_STAGES,
        formula: Formula::Ratio(&[Metric::MILLISECONDS], &[Metric::RUNS]),
    },
    percentile(
        "stage_p50",
        "half of a stage's tries took no longer, from claim to settle",
        50,
    ),
    percentile(
        "stage_p95",
        "95 percent of a stage's tries took no longer, from claim to settle",
        95,
    ),
];

impl Figure {
    /// The figure of this name.
    pub fn of_key(key: &str) -> Option<&'static Self> {
        FIGURES.iter().find(|figure| figure.key == key)
    }

    /// Whether it is a stage's: it has no sum over all of them.
    pub fn is_of_stages(&self) -> bool {
        self.by == OF_STAGES
    }

    /// Whether it can be told apart by this.
    pub fn is_by(&self, dimension: Dimension) -> bool {
        match dimension {
            Dimension::All => !self.is_of_stages(),
            _ => self.by.contains(&dimension),
        }
    }

    /// What must be summed for it, each metric once.
    pub fn metrics(&self) -> Vec<Metric> {
        let mut metrics = match self.formula {
            Formula::Count(metric) => vec![metric],
            Formula::Ratio(part, whole) => [part, whole].concat(),
            Formula::Percentile(_) => Metric::times().collect(),
        };
        metrics.sort_unstable();
        metrics.dedup();
        metrics
    }

    /// Its value in a step.
    pub fn value(&self, sums: NameSums<'_>, step: usize) -> FigureValue {
        let sum = |metrics: &[Metric]| -> i64 {
            let each = metrics.iter().map(|metric| sums.get(step, *metric));
            each.fold(0, i64::saturating_add)
        };
        match self.formula {
            Formula::Count(metric) => {
                let count = sum(&[metric]);
                FigureValue {
                    value: Some(as_float(count)),
                    numerator: Some(count),
                    denominator: None,
                }
            }
            Formula::Ratio(part, whole) => {
                let (part, whole) = (sum(part), sum(whole));
                FigureValue {
                    value: (whole != 0).then(|| as_float(part) / as_float(whole)),
                    numerator: Some(part),
                    denominator: Some(whole),
                }
            }
            Formula::Percentile(percent) => {
                let counts: Vec<_> = Metric::times().map(|metric| sum(&[metric])).collect();
                FigureValue {
                    value: percentile_of(&counts, percent),
                    numerator: None,
                    denominator: Some(counts.iter().copied().fold(0, i64::saturating_add)),
                }
            }
        }
    }
}

/// The time that so many percent took no longer than: within the limits of its count, evenly. What is over the last limit
/// is shown as that limit.
fn percentile_of(counts: &[i64], percent: u8) -> Option<f64> {
    let all: i64 = counts.iter().copied().fold(0, i64::saturating_add);
    if all <= 0 {
        return None;
    }
    let rank = as_float(all) * f64::from(percent) / 100.0;
    let mut before = 0.0;
    let mut from = 0.0;
    for (count, longest) in counts.iter().zip(Metric::TIMES) {
        let (count, longest) = (as_float(*count), as_float(longest.cast_signed()));
        if count > 0.0 && before + count >= rank {
            return Some(from + (longest - from) * ((rank - before) / count));
        }
        before += count;
        from = longest;
    }
    Some(from)
}

/// Sums stay far below the numbers that a float cannot tell apart.
#[expect(clippy::cast_precision_loss, reason = "see above")]
const fn as_float(sum: i64) -> f64 {
    sum as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(u64, i64)]) -> Vec<i64> {
        let mut counts = vec![0; Metric::TIMES.len() + 1];
        for (time, count) in of {
            let place = Metric::times().position(|metric| metric == Metric::of_time(*time));
            counts[place.unwrap()] += count;
        }
        counts
    }

    #[test]
    fn a_percentile_lies_within_the_limits_of_its_count() {
        assert_eq!(percentile_of(&counts(&[]), 95), None);
        assert_eq!(percentile_of(&counts(&[(150, 10)]), 50), Some(150.0));
        assert_eq!(percentile_of(&counts(&[(150, 10)]), 95), Some(195.0));
        let mixed = counts(&[(3, 90), (700, 10)]);
        assert_eq!(percentile_of(&mixed, 50), Some(2.0 + 3.0 * 50.0 / 90.0));
        assert_eq!(percentile_of(&mixed, 95), Some(750.0));
        assert_eq!(percentile_of(&counts(&[(u64::MAX, 1)]), 50), Some(1e6));
    }

    #[test]
    fn keys_are_words_of_their_own() {
        for (place, figure) in FIGURES.iter().enumerate() {
            let first = FIGURES.iter().position(|other| other.key == figure.key);
            assert_eq!(first, Some(place), "{}", figure.key);
            assert!(
                figure
                    .key
                    .chars()
                    .all(|c| c == '_' || c.is_ascii_alphanumeric())
            );
            assert_eq!(Figure::of_key(figure.key), Some(figure));
        }
    }
}
