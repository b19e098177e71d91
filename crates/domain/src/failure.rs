//! What a failure means for the work that met it: try again, wait for the connection, or ask a person.

use std::{fmt, time::Duration};

use crate::{ConnectionName, text, words::words};

/// What to do with work that failed, decided by the code that knows the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The same again later; not before `after` where the provider named a time.
    Retry {
        /// The provider's own wish, as a duration from now.
        after: Option<Duration>,
    },
    /// The work is fine, the connection is not: kept until its secret is replaced.
    Hold,
    /// No repetition will help: a person must look.
    Park,
}

/// An error that knows what should happen next. Implementations match without a wildcard arm.
pub trait Classify: std::error::Error {
    /// What to do with the work that met this error.
    fn disposition(&self) -> Disposition;

    /// The provider's own words where there are any: capped, and free of secrets.
    fn answer(&self) -> Option<String> {
        None
    }
}

words! {
    /// Why work stopped for good. *Exhausted* and *permanent* are different facts.
    pub enum ParkCause ("a cause") {
        /// The failure is one that no repetition mends.
        Permanent => "permanent",
        /// Every lane was used up.
        Exhausted => "exhausted",
        /// The deadline of the work passed while it waited.
        Deadline => "deadline",
        /// It was claimed again and again without ever being settled.
        CrashLoop => "crash_loop",
        /// The delivery could not be read.
        Unreadable => "unreadable",
        /// The lead reached nobody: no CRM and no person.
        Unreached => "unreached",
    }
}

/// What a stage reports when it could not finish: safe to store and to show.
#[derive(Debug, Clone)]
pub struct StageError {
    /// What to do next.
    pub disposition: Disposition,
    /// One sentence for people, without personal data.
    pub reason: String,
    /// The provider's capped answer, when there was one.
    pub answer: Option<String>,
    /// The connection that failed; needed to hold work.
    pub connection: Option<(ConnectionName, u64)>,
}

impl StageError {
    /// Longest reason that is kept, in characters.
    pub const MAX_REASON: usize = 500;

    /// Turns a provider's error into a stage's. `connection` is the account and the version of its secret.
    pub fn from_provider(error: &impl Classify, connection: Option<(ConnectionName, u64)>) -> Self {
        Self {
            disposition: error.disposition(),
            reason: text::bounded(&error.to_string(), Self::MAX_REASON),
            answer: error.answer().map(|answer| text::bounded(&answer, 2_000)),
            connection,
        }
    }

    /// A failure of our own parts (store, blobs): tried again.
    pub fn ours(error: &dyn fmt::Display) -> Self {
        Self {
            disposition: Disposition::Retry { after: None },
            reason: text::bounded(&error.to_string(), Self::MAX_REASON),
            answer: None,
            connection: None,
        }
    }

    /// A failure that a person must look at.
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self {
            disposition: Disposition::Park,
            reason: reason.into(),
            answer: None,
            connection: None,
        }
    }
}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for StageError {}
