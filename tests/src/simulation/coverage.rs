//! What happened over many runs, and what never did.

use std::{collections::BTreeMap, fmt};

/// An enumeration whose values have a word each.
macro_rules! named {
    ($(#[$doc:meta])* $visibility:vis $name:ident { $($(#[$value_doc:meta])* $value:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        $visibility enum $name { $($(#[$value_doc])* $value),+ }

        impl $name {
            /// Every value.
            $visibility const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The value as a word.
            $visibility const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $word),+ }
            }
        }
    };
}
pub(super) use named;

use super::Failpoint;

named! {
    /// What the scheduler does.
    pub(super) Operation {
        /// A lead that is new to us.
        NewLead => "a new lead is delivered",
        /// News of a known lead.
        News => "news of a lead are delivered",
        /// News that name a lead by both of its names.
        Linking => "news name a lead by both names",
        /// The newest delivery, again.
        Repeat => "the newest delivery is repeated",
        /// An older delivery, again.
        OldRepeat => "an older delivery is repeated",
        /// A delivery that was not acknowledged, again.
        Resend => "an unacknowledged delivery is sent again",
        /// A delivery that cannot be read.
        Unreadable => "an unreadable delivery",
        /// A delivery of an event that is not used.
        Ignored => "an event of no use is delivered",
        /// The mailbox's word that a message arrived.
        Receipt => "a receipt is delivered",
        /// The relay scans.
        Scan => "the relay scans",
        /// Another relay scans while one does.
        SecondScan => "two relays scan at once",
        /// A wake-up arrives.
        Wake => "a wake-up arrives",
        /// A wake-up arrives out of order.
        WakeReordered => "a wake-up arrives before an earlier one",
        /// A wake-up is lost.
        WakeLost => "a wake-up is lost",
        /// A wake-up arrives twice.
        WakeDoubled => "a wake-up arrives twice",
        /// The bus cannot be reached.
        BusFails => "the bus takes no wake-ups",
        /// A worker takes a wake-up.
        Start => "a worker starts",
        /// A task goes on.
        Resume => "a task goes on",
        /// A task stops in the middle, like that of a suspended process.
        Freeze => "a task freezes",
        /// A frozen task goes on.
        Thaw => "a frozen task goes on",
        /// Live workers do what is due, while others are frozen.
        Bustle => "others work on",
        /// Seconds pass.
        Moment => "seconds pass",
        /// More than a lease passes.
        Lease => "more than a lease passes",
        /// Minutes or hours pass.
        Hours => "minutes or hours pass",
        /// The process ends and is started again.
        Crash => "the process crashes",
        /// The store answers that it is busy.
        StoreBusy => "the store is busy",
        /// The store did it, and its answer is lost.
        AnswerLost => "the store's answer is lost",
        /// A provider refuses a secret from now on.
        Revoke => "a secret is revoked",
        /// An operator enters a new secret.
        Replace => "a secret is replaced",
        /// An operator redrives stopped work.
        Redrive => "stopped work is redriven",
        /// A person approves or releases a request.
        Approve => "a request is approved",
        /// A person rejects a request.
        Reject => "a request is rejected",
        /// A person has a request run again from a stage on.
        Replay => "a request is replayed",
    }
}

impl Operation {
    /// Whether work goes on by it.
    pub(super) const fn keeps_going(self) -> bool {
        matches!(
            self,
            Self::Wake
                | Self::Start
                | Self::Scan
                | Self::Lease
                | Self::Moment
                | Self::Freeze
                | Self::Bustle
                | Self::Receipt
        )
    }
}

impl Operation {
    /// Whether a run needs it to get anywhere, where nobody interferes.
    pub(super) const fn gets_going(self) -> bool {
        matches!(
            self,
            Self::NewLead | Self::Resend | Self::Replace | Self::Redrive | Self::Approve
        )
    }
}

/// How often each thing happened.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

impl Coverage {
    /// What must happen over many runs, by kind.
    const WORDS: &'static [(&'static str, &'static [&'static str])] = &[
        (
            "outcome",
            &["done", "waiting", "retry", "held", "parked", "merged"],
        ),
        ("step", &["Settled", "Nothing", "Lost", "Failed"]),
        ("scan", &["Idle", "Published", "Full"]),
        (
            "effect",
            &["Done", "NotYet", "GaveUp", "Failed", "Stale", "Store"],
        ),
        (
            "write",
            &["taken", "refused", "answer lost", "lost", "late"],
        ),
        (
            "parked",
            &["permanent", "exhausted", "deadline", "unreadable"],
        ),
        (
            "rests",
            &[
                "completed",
                "quarantined",
                "out_of_area",
                "merged",
                "held",
                "parked",
                "in_review",
                "kept apart",
            ],
        ),
    ];

    pub(super) fn count(&mut self, kind: &'static str, word: &'static str) {
        *self.counts.entry((kind, word)).or_default() += 1;
    }

    /// Adds what another run did.
    pub fn add(&mut self, other: &Self) {
        for (what, count) in &other.counts {
            *self.counts.entry(*what).or_default() += count;
        }
    }

    /// What never happened although it should, over enough runs.
    pub fn missing(&self) -> Vec<String> {
        let words = Self::WORDS
            .iter()
            .flat_map(|(kind, words)| words.iter().map(|word| (*kind, *word)));
        let operations = Operation::ALL.iter().map(|what| ("does", what.as_str()));
        let points = Failpoint::ALL.iter().flat_map(|point| {
            ["crashes", "freezes"]
                .into_iter()
                .filter(|kind| *kind == "crashes" || point.is_in_a_step())
                .map(|kind| (kind, point.as_str()))
        });
        words
            .chain(operations)
            .chain(points)
            .filter(|what| !self.counts.contains_key(what))
            .map(|(kind, word)| format!("{kind}: {word}"))
            .collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        for ((kind, word), count) in &self.counts {
            if *kind != before {
                writeln!(f, "{kind}")?;
                before = kind;
            }
            writeln!(f, "  {count:>9}  {word}")?;
        }
        Ok(())
    }
}
