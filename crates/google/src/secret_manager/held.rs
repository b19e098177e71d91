//! What is remembered of one secret.

use std::{collections::BTreeMap, time::Duration};

use secrecy::SecretString;
use tokio::time::Instant;

/// Versions that are remembered at most: during a rotation two are in use.
const VERSIONS_MAX: usize = 8;

/// Values that were read or stored, and when.
#[derive(Default)]
pub(super) struct Held {
    values: BTreeMap<u64, (SecretString, Instant)>,
    /// The newest version, and when that was known.
    newest: Option<(u64, Instant)>,
    /// Until then an older value is used without asking.
    paused_until: Option<Instant>,
}

impl Held {
    /// A value that need not be asked for.
    pub(super) fn get(&self, version: Option<u64>, fresh_for: Duration) -> Option<SecretString> {
        let is_paused = self
            .paused_until
            .is_some_and(|until| Instant::now() < until);
        let (value, at) = self.find(version)?;
        (is_paused || at.elapsed() < fresh_for).then(|| value.clone())
    }

    /// A value to use in place of an answer that did not come. Pauses the questions.
    pub(super) fn get_stale(
        &mut self,
        version: Option<u64>,
        stale: Duration,
        pause: Duration,
    ) -> Option<SecretString> {
        let (value, at) = self.find(version)?;
        if at.elapsed() > stale {
            return None;
        }
        let value = value.clone();
        self.paused_until = Some(Instant::now() + pause);
        Some(value)
    }

    fn find(&self, version: Option<u64>) -> Option<(&SecretString, Instant)> {
        let (number, known) = match version {
            Some(number) => (number, None),
            None => {
                let (number, known) = self.newest?;
                (number, Some(known))
            }
        };
        let (value, at) = self.values.get(&number)?;
        Some((value, known.unwrap_or(*at)))
    }

    /// Remembers an answer: the value of this version, asked for by its number or as the newest.
    pub(super) fn keep(&mut self, asked: Option<u64>, number: u64, value: SecretString) {
        let now = Instant::now();
        self.paused_until = None;
        self.values.insert(number, (value, now));
        if asked.is_none() {
            self.newest = Some((number, now));
        }
        if self.values.len() > VERSIONS_MAX {
            let oldest = self.values.iter().min_by_key(|(_, (_, at))| *at);
            if let Some(oldest) = oldest.map(|(number, _)| *number) {
                self.values.remove(&oldest);
            }
        }
    }

    /// Remembers what was just stored: others may not see it as the newest yet.
    pub(super) fn keep_new(&mut self, number: u64, value: SecretString) {
        let is_newest = self.newest.is_none_or(|(newest, _)| newest < number);
        self.keep((!is_newest).then_some(number), number, value);
    }

    /// Forgets a version, or which is the newest.
    pub(super) fn forget(&mut self, version: Option<u64>) {
        match version {
            Some(number) => drop(self.values.remove(&number)),
            None => self.newest = None,
        }
    }
}
