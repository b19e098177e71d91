//! Where a run can be held up: a task stops at each of these points until the scheduler lets it go on, freezes it
//! there, or lets the process crash.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use super::coverage::named;

named! {
    /// A point at which a task can be held up, and the process can crash.
    pub Failpoint {
        /// The claim is committed, nothing was done with it.
        AfterClaim => "after claim",
        /// The lease is due to be renewed.
        BeforeRenew => "before renew",
        /// The lease was renewed, right before the CRM is written to among others.
        AfterRenew => "after renew",
        /// A connection was read; its secret may be replaced by now.
        AfterConnection => "after connection",
        /// The provider's API, or the model, has answered.
        AfterAsking => "after asking",
        /// The effect is intended, the outside knows nothing.
        AfterIntend => "after intend",
        /// The effect is intended once more, the outside knows nothing of that.
        AfterIntendAgain => "after intend again",
        /// The outside was asked about an effect.
        AfterLookup => "after lookup",
        /// The outside did it, or refused; the record does not show it.
        AfterWrite => "after write",
        /// The CRM's record was written; nothing of ours shows it.
        AfterUpsert => "after upsert",
        /// The effect is concluded, the step is not settled.
        AfterConclude => "after conclude",
        /// The step is settled, its wake-ups are not published.
        AfterSettle => "after settle",
        /// More due work was found for a tenant that had too much of it; it is not published.
        AfterDueWork => "after due work",
        /// The relay knows what is due, and has not moved it on.
        AfterScan => "after scan",
        /// The relay has moved wake-ups on, they are not published.
        AfterMove => "after move",
        /// The delivery is committed; neither is it acknowledged nor are its wake-ups published.
        AfterAccept => "after accept",
        /// The secret is replaced and held work released; its wake-ups are not published.
        AfterReplace => "after replace",
        /// Work is redriven, its wake-ups are not published.
        AfterRedrive => "after redrive",
        /// The verdict is written, its wake-ups are not published.
        AfterDecide => "after decide",
        /// The replay is committed, its wake-ups are not published.
        AfterReplay => "after replay",
    }
}

impl Failpoint {
    /// Whether a worker comes by: another may take its step over while it is frozen here.
    pub(super) const fn is_in_a_step(self) -> bool {
        match self {
            Self::AfterClaim
            | Self::BeforeRenew
            | Self::AfterRenew
            | Self::AfterConnection
            | Self::AfterAsking
            | Self::AfterIntend
            | Self::AfterIntendAgain
            | Self::AfterLookup
            | Self::AfterWrite
            | Self::AfterUpsert
            | Self::AfterConclude
            | Self::AfterSettle
            | Self::AfterDueWork => true,
            Self::AfterScan
            | Self::AfterMove
            | Self::AfterAccept
            | Self::AfterReplace
            | Self::AfterRedrive
            | Self::AfterDecide
            | Self::AfterReplay => false,
        }
    }
}

impl Failpoint {
    /// Whether few come by, behind much that goes wrong.
    pub(super) const fn is_deep(self) -> bool {
        matches!(self, Self::AfterIntendAgain | Self::AfterLookup)
    }

    /// The points that a worker comes by.
    pub(super) fn in_steps() -> Vec<Self> {
        let points = Self::ALL.iter().copied();
        points.filter(|point| point.is_in_a_step()).collect()
    }

    /// Where a worker is between its check and the outside, or between the outside and its record.
    pub(super) const OUTWARD: [Self; 6] = [
        Self::AfterIntend,
        Self::AfterIntend,
        Self::AfterIntendAgain,
        Self::AfterWrite,
        Self::AfterRenew,
        Self::AfterUpsert,
    ];
}

/// A task that stands at a point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    pub(super) gate: u64,
    pub(super) task: u64,
    pub(super) point: Failpoint,
    is_released: bool,
}

/// Every gate that somebody stands at.
#[derive(Default)]
pub(super) struct Gates(Mutex<State>);

#[derive(Default)]
struct State {
    /// The task that runs just now.
    task: u64,
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    in_store: u32,
    are_open: bool,
}

impl Gates {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who comes by from now on is this task.
    pub(super) fn enter(&self, task: u64) {
        self.lock().task = task;
    }

    /// Stands here until released. A point that is passed by chance, too: whoever is dropped here stands no more.
    pub(super) fn pass(&self, point: Failpoint) -> Passing<'_> {
        Passing {
            gates: self,
            point,
            gate: None,
        }
    }

    /// Tells that the store is at work until the guard goes: the task has to be waited for.
    pub(super) fn in_store(&self) -> InStore<'_> {
        self.lock().in_store += 1;
        InStore(self)
    }

    pub(super) fn is_in_store(&self) -> bool {
        self.lock().in_store > 0
    }

    /// Who stands somewhere and was not released, in the order of arrival.
    pub(super) fn waiting(&self) -> Vec<Waiting> {
        let state = self.lock();
        let waiting = state.waiting.values().filter(|at| !at.is_released);
        waiting.copied().collect()
    }

    /// Where a task stands. Two places, when its lease is due to be renewed.
    pub(super) fn of_task(&self, task: u64) -> Vec<Waiting> {
        let mut waiting = self.waiting();
        waiting.retain(|at| at.task == task);
        waiting
    }

    /// Lets whoever stands at a gate go on when it is polled next.
    pub(super) fn release(&self, gate: u64) {
        if let Some(waiting) = self.lock().waiting.get_mut(&gate) {
            waiting.is_released = true;
        }
    }

    /// From now on nobody is held up, or everybody is again.
    pub(super) fn set_open(&self, are_open: bool) {
        self.lock().are_open = are_open;
    }
}

/// Stands at a gate.
pub(super) struct Passing<'a> {
    gates: &'a Gates,
    point: Failpoint,
    gate: Option<u64>,
}

impl Future for Passing<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        // Nobody is woken: the scheduler polls whom it has released.
        let mut state = self.gates.lock();
        match self.gate {
            None if state.are_open => Poll::Ready(()),
            None => {
                let gate = state.next;
                state.next += 1;
                let waiting = Waiting {
                    gate,
                    task: state.task,
                    point: self.point,
                    is_released: false,
                };
                state.waiting.insert(gate, waiting);
                drop(state);
                self.gate = Some(gate);
                Poll::Pending
            }
            Some(gate) if state.waiting.get(&gate).is_some_and(|at| at.is_released) => {
                Poll::Ready(())
            }
            Some(_) => Poll::Pending,
        }
    }
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        if let Some(gate) = self.gate {
            self.gates.lock().waiting.remove(&gate);
        }
    }
}

/// The store is at work.
pub(super) struct InStore<'a>(&'a Gates);

impl Drop for InStore<'_> {
    fn drop(&mut self) {
        self.0.lock().in_store -= 1;
    }
}
