//! A chat or a conversation by texts that goes on: its words are judged after a pause, not one message at a time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ChatPolicy, later};

/// What was written of a chat, or by texts, and not judged yet, by our own clock: a provider tells of messages late and in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talk {
    /// When the first of it was stored.
    pub since: Timestamp,
    /// When the last of it was.
    pub latest: Timestamp,
}

impl Talk {
    /// Something was written now.
    pub(crate) fn goes_on(talk: Option<Self>, now: Timestamp) -> Self {
        let since = talk.map_or(now, |talk| talk.since);
        Self { since, latest: now }
    }

    /// The same while what was written until now is judged: what comes on is counted from here.
    pub(crate) const fn judged(self) -> Self {
        Self {
            since: self.latest,
            latest: self.latest,
        }
    }

    /// Both as one.
    pub(crate) fn united(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(Self {
                since: one.since.min(other.since),
                latest: one.latest.max(other.latest),
            }),
            (one, other) => one.or(other),
        }
    }

    /// When it is judged: once nobody has written for a while, and at the latest this long after the first word.
    pub(crate) fn ends(self, policy: &ChatPolicy) -> Timestamp {
        let quiet = later(self.latest, policy.quiet());
        quiet.min(later(self.since, policy.longest()))
    }
}
