//! Work that is due, and work that stopped: held for a connection, or parked for a person.

use std::collections::{BTreeMap, HashMap};

use domain::{ConnectionName, DueWake, ParkCause, RequestId, Stage, TenantId, Wake, WorkKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// At most `per_tenant` of each tenant and stage, and every tenant's first before anybody's second, up to `limit`.
/// `due` is in the order of its times for each of them; what is taken is in the order of all times.
pub fn fair_share(due: Vec<DueWake>, per_tenant: u32, limit: u32) -> Vec<DueWake> {
    let mut taken: HashMap<(TenantId, Stage), u32> = HashMap::new();
    let mut ranked: Vec<(u32, DueWake)> = Vec::new();
    for row in due {
        let key = &row.wake.key;
        let rank = taken.entry((key.tenant.clone(), key.stage)).or_default();
        if *rank < per_tenant {
            ranked.push((*rank, row));
            *rank += 1;
        }
    }
    ranked.sort_by_key(|(rank, row)| (*rank, row.next_wake_at));
    ranked.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    ranked.sort_by_key(|(_, row)| row.next_wake_at);
    ranked.into_iter().map(|(_, row)| row).collect()
}

/// The keys of one tenant, by their request. Other tenants' keys are ignored.
pub fn by_request(tenant: &TenantId, keys: &[WorkKey]) -> BTreeMap<RequestId, Vec<WorkKey>> {
    let mut requests: BTreeMap<RequestId, Vec<WorkKey>> = BTreeMap::new();
    for key in keys.iter().filter(|key| key.tenant == *tenant) {
        requests.entry(key.request).or_default().push(key.clone());
    }
    requests
}

/// How work stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopKind {
    /// It waits for a connection's new secret.
    Held,
    /// It waits for a person.
    Parked,
}

impl StopKind {
    /// As it is stored, shown and asked for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Parked => "parked",
        }
    }

    /// Reads [`StopKind::as_str`]; every other word is parked.
    pub fn from_stored(text: &str) -> Self {
        if text == "held" {
            Self::Held
        } else {
            Self::Parked
        }
    }
}

/// Which stopped work is meant: what agrees with every field that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkFilter {
    /// How it stopped.
    #[serde(rename = "state", skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopKind>,
    /// Its stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Why it was parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<ParkCause>,
    /// The connection that it is held for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionName>,
    /// Its request.
    #[serde(rename = "request_id", skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
}

impl WorkFilter {
    /// The columns of `work` that must have a value, and the value.
    pub fn columns(&self) -> impl Iterator<Item = (&'static str, String)> {
        [
            ("state", self.stop.map(|stop| stop.as_str().to_owned())),
            ("stage", self.stage.map(|stage| stage.as_str().to_owned())),
            ("park_cause", self.cause.map(|it| it.as_str().to_owned())),
            (
                "held_for",
                self.connection.as_ref().map(ToString::to_string),
            ),
            ("request_id", self.request.map(|id| id.to_string())),
        ]
        .into_iter()
        .filter_map(|(column, value)| Some((column, value?)))
    }

    /// Where a store finds what is meant; `None` when nothing can agree: what is parked is held for no connection, and
    /// what is held has no cause.
    pub const fn walk(&self) -> Option<WorkWalk> {
        let is_parked = self.cause.is_some() || matches!(self.stop, Some(StopKind::Parked));
        let is_held = self.connection.is_some() || matches!(self.stop, Some(StopKind::Held));
        if is_parked && is_held {
            return None;
        }
        if self.request.is_some() {
            return Some(WorkWalk::OfRequest);
        }
        let has_stage = self.stage.is_some();
        Some(WorkWalk::Along(
            match (&self.cause, &self.connection, self.stop, has_stage) {
                (Some(_), _, _, true) => "work_stopped_by_cause_and_stage",
                (Some(_), _, _, false) => "work_stopped_by_cause",
                (None, Some(_), _, true) => "work_stopped_by_connection_and_stage",
                (None, Some(_), _, false) => "work_stopped_by_connection",
                (None, None, Some(_), true) => "work_stopped_by_state_and_stage",
                (None, None, Some(_), false) => "work_stopped_by_state",
                (None, None, None, true) => "work_stopped_by_stage",
                (None, None, None, false) => "work_by_stop",
            },
        ))
    }
}

/// How stopped work is walked, so that nothing is read that is not meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkWalk {
    /// The rows of one request, by the table's own key: there are few.
    OfRequest,
    /// This index, of either store: it holds what is meant next to each other, in the order of the list.
    Along(&'static str),
}

impl StoppedCount {
    /// Whether what it counts agrees with a filter; a request is not told apart here.
    pub fn is_of(&self, filter: &WorkFilter) -> bool {
        let connection = filter.connection.as_ref();
        filter.stop.is_none_or(|stop| stop == self.stop)
            && filter.stage.is_none_or(|stage| stage == self.stage)
            && filter.cause.is_none_or(|cause| Some(cause) == self.cause)
            && connection.is_none_or(|name| Some(name) == self.connection.as_ref())
    }
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

/// How much stopped for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedCount {
    /// How.
    pub stop: StopKind,
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
