//! Work that stopped: held for a connection, or parked for a person.

use domain::{ConnectionName, ParkCause, RequestId, Stage, Wake, WorkKey, WorkRow};
use jiff::Timestamp;

/// How work stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// It waits for a connection's new secret.
    Held,
    /// It waits for a person.
    Parked,
}

impl Stop {
    /// As it is stored, shown and asked for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Parked => "parked",
        }
    }
}

/// Which stopped work is meant: what agrees with every field that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkFilter {
    /// How it stopped.
    pub stop: Option<Stop>,
    /// Its stage.
    pub stage: Option<Stage>,
    /// Why it was parked.
    pub cause: Option<ParkCause>,
    /// The connection that it is held for.
    pub connection: Option<ConnectionName>,
    /// Its request.
    pub request: Option<RequestId>,
}

/// A page of stopped work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkQuery {
    /// Which.
    pub filter: WorkFilter,
    /// At most so many, 1 to 200.
    pub limit: u32,
    /// Only what comes behind this: the last of the page before. Rows come in the order of request, stage, target.
    pub after: Option<(RequestId, Stage, String)>,
}

/// A page of stopped work.
#[derive(Debug, Clone)]
pub struct WorkPage {
    /// The rows.
    pub items: Vec<WorkRow>,
    /// Whether there are more behind them.
    pub has_more: bool,
}

/// How much stopped for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedCount {
    /// How.
    pub stop: Stop,
    /// Where.
    pub stage: Stage,
    /// Why it was parked.
    pub cause: Option<ParkCause>,
    /// The connection that it is held for.
    pub connection: Option<ConnectionName>,
    /// How many rows.
    pub rows: u64,
    /// When the oldest of them was made.
    pub oldest: Timestamp,
}

/// What a redrive let run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redriven {
    /// The rows that run again.
    pub keys: Vec<WorkKey>,
    /// What is due now.
    pub wakes: Vec<Wake>,
}
