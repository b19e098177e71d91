//! Work: a step that is still to be done. The row in the store is the truth; a wake-up is only a hint.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ConnectionName, Lane, ParkCause, RequestId, Stage, TenantId, later};

/// Which step of which request. There is at most one row for each.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WorkKey {
    /// Whose it is.
    pub tenant: TenantId,
    /// The request.
    pub request: RequestId,
    /// The stage.
    pub stage: Stage,
    /// For a dispatch, the name of its connection; else empty.
    #[serde(default)]
    pub target: String,
}

/// Keys have an order so that maps can hold them. Stages have none: only a channel's pipeline orders them.
impl Ord for WorkKey {
    fn cmp(&self, other: &Self) -> Ordering {
        fn parts(key: &WorkKey) -> (&TenantId, RequestId, &str, &str) {
            (&key.tenant, key.request, key.stage.as_str(), &key.target)
        }
        parts(self).cmp(&parts(other))
    }
}

impl PartialOrd for WorkKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A hint that a row may be due. It holds nothing that the row does not: losing one or getting it twice is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wake {
    /// Version of this shape. Another one is ignored.
    pub v: u32,
    /// Which row.
    pub key: WorkKey,
    /// The row's token when the hint was given. With another one, the hint is stale.
    pub token: u64,
}

impl Wake {
    /// The shape that this build speaks.
    pub const VERSION: u32 = 1;
}

/// The state of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkState {
    /// Can be claimed once it is due.
    Ready,
    /// Somebody works on it, until the lease ends.
    InFlight {
        /// End of the lease.
        lease_until: Timestamp,
    },
    /// Waits for a connection's new secret.
    Held {
        /// Which connection.
        connection: ConnectionName,
        /// The version of the secret that failed.
        version: u64,
    },
    /// Waits for a person.
    Parked {
        /// Why.
        cause: ParkCause,
    },
}

/// A step that is still to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkRow {
    /// Which step.
    pub key: WorkKey,
    /// Its state.
    pub state: WorkState,
    /// Where it stands among its attempts.
    pub lane: Lane,
    /// Grows by one with every claim, settle, release and redrive, so that nothing stale can act.
    pub token: u64,
    /// Not before this time.
    pub due_at: Timestamp,
    /// When the relay should publish it; none while it is held or parked.
    pub next_wake_at: Option<Timestamp>,
    /// How often the relay published it since it was last claimed.
    pub wakes: u32,
    /// Claims since the last settle.
    pub claims: u32,
    /// Failed attempts.
    pub failures: u32,
    /// How often it was not yet time.
    pub waits: u32,
    /// New data came while it ran, so it runs once more.
    pub rerun_requested: bool,
    /// When waiting or retrying ends.
    pub deadline: Option<Timestamp>,
    /// W3C trace context of what caused it.
    pub traceparent: Option<String>,
    /// Why it waits, was held or parked, in a sentence.
    pub reason: Option<String>,
    /// The provider's last answer, capped.
    pub answer: Option<String>,
    /// When the row was made.
    pub created_at: Timestamp,
}

/// What came of an attempt to claim a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimResult {
    /// It is ours: the row was changed.
    Claimed,
    /// It is not ours to take: acknowledge and forget.
    NotNow,
    /// It was claimed too often without being settled: the row was parked.
    CrashLoop,
}

impl WorkRow {
    /// How long after its commit the relay publishes a row. Whoever committed it publishes it at once, so the relay only
    /// finds what was lost.
    pub const FIRST_WAKE: Duration = Duration::from_secs(10);
    /// Claims without a settle after which a row is parked.
    pub const CRASH_LOOP_CLAIMS: u32 = 20;
    /// Why a row is put off while people are still writing.
    const PAUSED: &str = "waits for a pause in the chat";
    /// More than the claims and settles of one row between two versions of its request.
    const TOKENS_PER_VERSION: u64 = 32;

    /// A new row, due after `delay`.
    pub fn new(key: WorkKey, now: Timestamp, delay: Duration, traceparent: Option<String>) -> Self {
        let due_at = later(now, delay);
        let mut row = Self {
            key,
            state: WorkState::Ready,
            lane: Lane::First,
            token: 1,
            due_at,
            next_wake_at: None,
            wakes: 0,
            claims: 0,
            failures: 0,
            waits: 0,
            rerun_requested: false,
            deadline: None,
            traceparent,
            reason: None,
            answer: None,
            created_at: now,
        };
        row.ready(due_at, now);
        row
    }

    /// The first token of a row that is opened while its request is at `version`: higher than any token of an earlier
    /// row of the same step. Between two versions a row is claimed and settled at most [`Self::TOKENS_PER_VERSION`]
    /// times.
    pub(crate) const fn first_token(version: u64) -> u64 {
        version * Self::TOKENS_PER_VERSION + 1
    }

    /// A hint for this row as it is.
    pub fn wake(&self) -> Wake {
        Wake {
            v: Wake::VERSION,
            key: self.key.clone(),
            token: self.token,
        }
    }

    /// Whether it can be claimed now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        match &self.state {
            WorkState::Ready => self.due_at <= now,
            WorkState::InFlight { lease_until } => *lease_until <= now,
            WorkState::Held { .. } | WorkState::Parked { .. } => false,
        }
    }

    /// Takes the row for a worker, if `token` is its own and it is due.
    pub fn claim(&mut self, token: u64, now: Timestamp, lease: Duration) -> ClaimResult {
        if token != self.token || !self.is_due(now) {
            return ClaimResult::NotNow;
        }
        self.token += 1;
        self.wakes = 0;
        if self.claims >= Self::CRASH_LOOP_CLAIMS {
            self.park(
                ParkCause::CrashLoop,
                format!("claimed {} times without ever being settled", self.claims),
                None,
            );
            return ClaimResult::CrashLoop;
        }
        self.claims += 1;
        let lease_until = later(now, lease);
        self.state = WorkState::InFlight { lease_until };
        self.next_wake_at = Some(lease_until);
        ClaimResult::Claimed
    }

    /// Moves the lease's end to `lease` from now, never back; false if `token` is no valid claim of this row.
    pub fn renew(&mut self, token: u64, now: Timestamp, lease: Duration) -> bool {
        let WorkState::InFlight { lease_until } = self.state else {
            return false;
        };
        if token != self.token {
            return false;
        }
        let until = later(now, lease).max(lease_until);
        self.state = WorkState::InFlight { lease_until: until };
        self.next_wake_at = Some(until);
        true
    }

    /// Asks for another run because there is new data. A row in flight runs again afterwards. One that only waits runs
    /// after `delay`, and that run does not count as one of its waits. A held, parked or failing row reads the new data
    /// when it next runs. The token stays.
    pub fn request_rerun(&mut self, now: Timestamp, delay: Duration) {
        match self.state {
            WorkState::InFlight { .. } => self.rerun_requested = true,
            WorkState::Ready if self.failures == 0 => {
                let due_at = later(now, delay);
                if due_at < self.due_at {
                    self.ready(due_at, now);
                    self.waits = self.waits.saturating_sub(1);
                }
            }
            WorkState::Ready | WorkState::Held { .. } | WorkState::Parked { .. } => {}
        }
    }

    /// Puts the row off until `until`, because people are still writing. It counts as no wait.
    pub(crate) fn pause(&mut self, until: Timestamp, now: Timestamp) {
        self.ready(until.max(now), now);
        self.reason = Some(Self::PAUSED.to_owned());
    }

    /// Whether it is put off because people are still writing.
    pub(crate) fn is_paused(&self) -> bool {
        self.state == WorkState::Ready && self.reason.as_deref() == Some(Self::PAUSED)
    }

    /// Makes the row ready at `at`, keeping its counters.
    pub(crate) fn ready(&mut self, at: Timestamp, now: Timestamp) {
        self.state = WorkState::Ready;
        self.due_at = at;
        self.next_wake_at = Some(if at > now {
            at
        } else {
            later(now, Self::FIRST_WAKE)
        });
    }

    /// Makes the row ready now, as if it were new: counters and deadline are reset.
    pub(crate) fn reset(&mut self, now: Timestamp) {
        self.ready(now, now);
        self.lane = Lane::First;
        (self.wakes, self.claims, self.failures, self.waits) = (0, 0, 0, 0);
        self.rerun_requested = false;
        (self.deadline, self.reason, self.answer) = (None, None, None);
    }

    /// Stops the row until a person looks.
    pub(crate) fn park(&mut self, cause: ParkCause, reason: String, answer: Option<String>) {
        self.state = WorkState::Parked { cause };
        self.next_wake_at = None;
        self.reason = Some(reason);
        self.answer = answer;
    }

    /// Lets a held or parked row run now with fresh counters; false when it is neither.
    pub fn release(&mut self, now: Timestamp) -> bool {
        if !matches!(
            self.state,
            WorkState::Held { .. } | WorkState::Parked { .. }
        ) {
            return false;
        }
        self.token += 1;
        self.reset(now);
        true
    }

    /// How long after publishing a row the relay publishes it again: 10 s, 30 s, 2 min, then every 10 min.
    pub fn next_relay_pause(wakes: u32) -> Duration {
        Duration::from_secs(match wakes {
            0 => 10,
            1 => 30,
            2 => 120,
            _ => 600,
        })
    }
}

/// The open work of one request, and which of it a transaction changed.
#[derive(Debug, Clone, Default)]
pub struct OpenWork {
    rows: BTreeMap<StepKey, WorkRow>,
    changed: BTreeSet<StepKey>,
    unrecognized: BTreeSet<(String, String)>,
}

/// A step of one request: the stage's name, and the target.
type StepKey = (&'static str, String);

impl OpenWork {
    /// The rows as they were read.
    pub fn new(rows: Vec<WorkRow>) -> Self {
        Self {
            rows: rows.into_iter().map(|row| (step(&row.key), row)).collect(),
            ..Self::default()
        }
    }

    /// The same beside rows that only a newer build can read: each as its stage's stored name and its target. They stay
    /// as they are, and no other row is opened in their place.
    #[must_use]
    pub fn beside_unrecognized(
        mut self,
        steps: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        self.unrecognized.extend(steps);
        self
    }

    /// Every row that this build can read.
    pub fn iter(&self) -> impl Iterator<Item = &WorkRow> {
        self.rows.values()
    }

    /// The row of a step.
    pub fn get(&self, stage: Stage, target: &str) -> Option<&WorkRow> {
        self.rows.get(&(stage.as_str(), target.to_owned()))
    }

    /// Whether a step is open.
    pub fn has(&self, stage: Stage, target: &str) -> bool {
        self.get(stage, target).is_some()
            || self
                .unrecognized
                .iter()
                .any(|(name, at)| name == stage.as_str() && at == target)
    }

    /// Whether somebody works on a step of this stage.
    pub(crate) fn is_running(&self, stage: Stage) -> bool {
        self.iter()
            .any(|row| row.key.stage == stage && matches!(row.state, WorkState::InFlight { .. }))
    }

    /// Whether nothing is open.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.unrecognized.is_empty()
    }

    pub(crate) fn change<T>(
        &mut self,
        key: &WorkKey,
        change: impl FnOnce(&mut WorkRow) -> T,
    ) -> Option<T> {
        let index = step(key);
        let result = self.rows.get_mut(&index).map(change)?;
        self.changed.insert(index);
        Some(result)
    }

    pub(crate) fn insert(&mut self, row: WorkRow) {
        let index = step(&row.key);
        self.changed.insert(index.clone());
        self.rows.insert(index, row);
    }

    pub(crate) fn remove(&mut self, key: &WorkKey) {
        let index = step(key);
        if self.rows.remove(&index).is_some() {
            self.changed.insert(index);
        }
    }

    pub(crate) fn remove_all(&mut self) {
        self.changed
            .extend(std::mem::take(&mut self.rows).into_keys());
    }

    /// The rows to write, and the steps whose row goes.
    pub(crate) fn into_changes(self) -> (Vec<WorkRow>, Vec<(&'static str, String)>) {
        let Self {
            mut rows, changed, ..
        } = self;
        let (mut put, mut delete) = (Vec::new(), Vec::new());
        for index in changed {
            match rows.remove(&index) {
                Some(row) => put.push(row),
                None => delete.push(index),
            }
        }
        (put, delete)
    }
}

fn step(key: &WorkKey) -> StepKey {
    (key.stage.as_str(), key.target.clone())
}
