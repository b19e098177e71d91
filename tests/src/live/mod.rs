//! Streams of live events, watched while whoever serves them dies again and again: each watcher must have seen exactly
//! what the store's own table holds, in its order.

mod fleet;
mod one_process;
mod watcher;

use std::{fmt, time::Duration};

pub use fleet::in_a_fleet;
pub use one_process::in_one_process;

/// Longest wait for all of it.
const PATIENCE: Duration = Duration::from_secs(300);

/// What is watched for.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many events there are at least.
    pub events: usize,
    /// How often a process is killed.
    pub kills: usize,
    /// What everything random comes from.
    pub seed: u64,
}

/// An event, as a watcher saw it or as the table holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its id.
    pub id: String,
    /// What kind of thing changed.
    pub kind: String,
    /// Which.
    pub object: String,
    /// What changed it.
    pub cause: String,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// What the table holds.
    pub kept: Vec<Told>,
    /// What each watcher saw, and how often it connected.
    pub seen: Vec<(Vec<Told>, usize)>,
}

impl Outcome {
    /// What is wrong with a watcher's view, where it first differs.
    pub fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for (number, (seen, _)) in self.seen.iter().enumerate() {
            let differs = (0..self.kept.len().max(seen.len()))
                .find(|place| self.kept.get(*place) != seen.get(*place));
            if let Some(place) = differs {
                findings.push(format!(
                    "watcher {number} at {place}: {:?}, and the table has {:?}",
                    seen.get(place),
                    self.kept.get(place)
                ));
            }
        }
        findings
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events; streams of each watcher:", self.kept.len())?;
        for (_, streams) in &self.seen {
            write!(f, " {streams}")?;
        }
        Ok(())
    }
}
