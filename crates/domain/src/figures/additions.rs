//! What a transaction adds to the sums, and how it comes into their rows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Block, Cells, Dimension, Grain, Metric, Slot};
use crate::{LogEntry, Origin};

/// What is added in one quarter of an hour, for one set of names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addition {
    /// When.
    #[serde(rename = "t")]
    pub slot: Slot,
    /// Under which names: the dimension's number, and the name in it; empty for none.
    #[serde(rename = "n")]
    pub names: Vec<(u8, String)>,
    /// How much, each metric once.
    #[serde(rename = "v")]
    pub values: Vec<(Metric, i64)>,
}

impl Addition {
    /// The dimensions and names under which it is summed. Times of stages are summed by stage alone: together they would
    /// say nothing.
    pub fn filed(&self) -> impl Iterator<Item = (u8, &str)> {
        let stage = Dimension::Stage.code();
        let is_of_stage = self.names.iter().any(|(dimension, _)| *dimension == stage);
        let all = (!is_of_stage).then_some((Dimension::All.code(), ""));
        let named = self.names.iter();
        all.into_iter()
            .chain(named.map(|(dimension, name)| (*dimension, name.as_str())))
    }
}

/// What a transaction adds to a tenant's sums.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Additions(Vec<Addition>);

impl Additions {
    /// Whether nothing is added.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Addition> {
        self.0.iter()
    }

    /// Adds one more. What comes to nothing goes.
    pub fn add(&mut self, addition: Addition) {
        let same = |known: &Addition| known.slot == addition.slot && known.names == addition.names;
        let Some(place) = self.0.iter().position(same) else {
            self.0.push(addition);
            return;
        };
        let Some(known) = self.0.get_mut(place) else {
            return;
        };
        for (metric, value) in addition.values {
            match known.values.iter_mut().find(|(known, _)| *known == metric) {
                Some((_, sum)) => *sum += value,
                None => known.values.push((metric, value)),
            }
        }
        known.values.retain(|(_, value)| *value != 0);
        if known.values.is_empty() {
            self.0.swap_remove(place);
        }
    }

    /// Adds all of `others`.
    pub fn extend(&mut self, others: Self) {
        for addition in others.0 {
            self.add(addition);
        }
    }

    /// Counts the tries of steps that a timeline's new entries tell of.
    pub fn count_runs(&mut self, log: &[LogEntry]) {
        for entry in log {
            let (Some(stage), Some(took)) = (entry.stage, entry.duration_ms) else {
                continue;
            };
            self.add(Addition {
                slot: Slot::of(entry.at),
                names: vec![(Dimension::Stage.code(), stage.as_str().to_owned())],
                values: vec![
                    (Metric::RUNS, 1),
                    (
                        Metric::MILLISECONDS,
                        i64::try_from(took).unwrap_or(i64::MAX / 1_000_000),
                    ),
                    (Metric::of_time(took), 1),
                ],
            });
        }
    }

    /// Counts a delivery that was stored.
    pub fn count_delivery(&mut self, at: Timestamp, origin: &Origin) {
        let Origin {
            provider,
            channel,
            source,
            office,
            ..
        } = origin;
        self.add(Addition {
            slot: Slot::of(at),
            // The names of the lead that it makes, where it makes one: then both are one addition.
            names: vec![
                (Dimension::Channel.code(), channel.as_str().to_owned()),
                (Dimension::Provider.code(), provider.clone()),
                (Dimension::Source.code(), source.to_string()),
                (
                    Dimension::Office.code(),
                    office.map(|id| id.to_string()).unwrap_or_default(),
                ),
                (Dimension::ProjectType.code(), String::new()),
                (Dimension::PostalCode.code(), String::new()),
            ],
            values: vec![(Metric::DELIVERIES, 1)],
        });
    }

    /// Counts refused deliveries of a provider.
    pub fn count_refused(&mut self, at: Timestamp, provider: &str, reason: &str, count: u64) {
        self.add(Addition {
            slot: Slot::of(at),
            names: vec![
                (Dimension::Provider.code(), provider.to_owned()),
                (Dimension::Reason.code(), reason.to_owned()),
            ],
            values: vec![(Metric::REFUSED, i64::try_from(count).unwrap_or_default())],
        });
    }
}

/// Sums of one row: of one name, over the times of a block.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SumsKey {
    /// Over which times.
    pub block: Block,
    /// In which dimension: its number.
    pub dimension: u8,
    /// Under which name.
    pub name: String,
}

/// What is added to the rows of one tenant.
#[derive(Debug, Clone, Default)]
pub struct Folding(BTreeMap<SumsKey, Cells>);

impl Folding {
    /// Adds what a transaction added.
    pub fn add(&mut self, additions: &Additions) {
        for addition in additions.iter() {
            for (dimension, name) in addition.filed() {
                for grain in Grain::ALL {
                    let (block, place) = Block::of(grain, addition.slot);
                    let key = SumsKey {
                        block,
                        dimension,
                        name: name.to_owned(),
                    };
                    let cells = self.0.entry(key).or_default();
                    for (metric, value) in &addition.values {
                        cells.add(place, *metric, *value);
                    }
                }
            }
        }
    }

    /// Every row, with what is added to it.
    pub fn into_rows(self) -> impl Iterator<Item = (SumsKey, Cells)> {
        self.0.into_iter()
    }

    /// The keys of the rows.
    pub fn keys(&self) -> impl Iterator<Item = &SumsKey> {
        self.0.keys()
    }
}
