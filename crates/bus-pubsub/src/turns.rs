//! Who may run a step now: only so many run at once, and no tenant takes all turns.

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{Stage, TenantId};
use tokio::sync::Notify;

/// The turns of one service.
pub(crate) struct Turns {
    most: usize,
    tenants: Mutex<Tenants>,
    changed: Notify,
}

#[derive(Default)]
struct Tenants {
    running: usize,
    lanes: HashMap<TenantId, Lane>,
}

/// What a tenant has here.
#[derive(Default)]
struct Lane {
    running: usize,
    waiting: usize,
    /// Stages of which something was sent away.
    left_out: HashSet<Stage>,
}

/// Why there is no turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoTurn {
    /// Others have them all.
    Busy,
    /// The tenant has its share. When one of its steps ends, [`Turn::end`] says to look for what was sent away.
    LeftOut,
}

/// The right to run one step, until it is dropped.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    tenant: &'a TenantId,
}

/// A place among those who wait, until it is dropped.
struct Place<'a> {
    turns: &'a Turns,
    tenant: &'a TenantId,
}

impl Turns {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            tenants: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Waits so long for a turn of this tenant.
    pub(crate) async fn take<'a>(
        &'a self,
        tenant: &'a TenantId,
        stage: Stage,
        patience: Duration,
    ) -> Result<Turn<'a>, NoTurn> {
        let place = Place::take(self, tenant);
        let has_turn = async {
            loop {
                let mut changed = pin!(self.changed.notified());
                // From here on no change is missed.
                changed.as_mut().enable();
                if self.begin(tenant) {
                    return;
                }
                changed.await;
            }
        };
        let taken = tokio::time::timeout(patience, has_turn).await;
        drop(place);
        taken
            .map(|()| Turn {
                turns: self,
                tenant,
            })
            .map_err(|_| self.leave_out(tenant, stage))
    }

    fn begin(&self, tenant: &TenantId) -> bool {
        let mut tenants = self.lock();
        let most_of_one = tenants.most_of_one(self.most);
        let is_full = tenants.running >= self.most;
        let Some(lane) = tenants.lanes.get_mut(tenant) else {
            return false;
        };
        if is_full || lane.running >= most_of_one {
            return false;
        }
        lane.running += 1;
        tenants.running += 1;
        true
    }

    fn leave_out(&self, tenant: &TenantId, stage: Stage) -> NoTurn {
        let mut tenants = self.lock();
        match tenants.lanes.get_mut(tenant) {
            Some(lane) if lane.running > 0 => {
                lane.left_out.insert(stage);
                NoTurn::LeftOut
            }
            _ => NoTurn::Busy,
        }
    }

    /// Has the tenant's next step that ends look for more of this stage.
    pub(crate) fn look_again(&self, tenant: &TenantId, stage: Stage) {
        let mut tenants = self.lock();
        let lane = tenants.lanes.entry(tenant.clone()).or_default();
        lane.left_out.insert(stage);
    }

    fn lock(&self) -> MutexGuard<'_, Tenants> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tenants {
    /// How many steps one tenant may run just now. One share is left for who comes next.
    fn most_of_one(&self, most: usize) -> usize {
        let half = (most / 2).max(1);
        if self.running < half {
            return half;
        }
        let is_here = |lane: &&Lane| lane.running + lane.waiting > 0;
        let here = self.lanes.values().filter(is_here).count();
        (most / (here + 1)).clamp(1, half)
    }

    fn forget_if_idle(&mut self, tenant: &TenantId) {
        let is_idle =
            |lane: &Lane| lane.running == 0 && lane.waiting == 0 && lane.left_out.is_empty();
        if self.lanes.get(tenant).is_some_and(is_idle) {
            self.lanes.remove(tenant);
        }
    }
}

impl Turn<'_> {
    /// Ends it. Answers the stages of which steps of this tenant were sent away, once few of its steps wait any more:
    /// then it is time to look for them in the store.
    pub(crate) fn end(self) -> Vec<Stage> {
        let mut tenants = self.turns.lock();
        let most_of_one = tenants.most_of_one(self.turns.most);
        let Some(lane) = tenants.lanes.get_mut(self.tenant) else {
            return Vec::new();
        };
        if lane.waiting > most_of_one / 4 {
            return Vec::new();
        }
        lane.left_out.drain().collect()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut tenants = self.turns.lock();
        tenants.running = tenants.running.saturating_sub(1);
        if let Some(lane) = tenants.lanes.get_mut(self.tenant) {
            lane.running = lane.running.saturating_sub(1);
        }
        tenants.forget_if_idle(self.tenant);
        drop(tenants);
        self.turns.changed.notify_waiters();
    }
}

impl<'a> Place<'a> {
    fn take(turns: &'a Turns, tenant: &'a TenantId) -> Self {
        let mut tenants = turns.lock();
        tenants.lanes.entry(tenant.clone()).or_default().waiting += 1;
        drop(tenants);
        Self { turns, tenant }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut tenants = self.turns.lock();
        if let Some(lane) = tenants.lanes.get_mut(self.tenant) {
            lane.waiting = lane.waiting.saturating_sub(1);
        }
        tenants.forget_if_idle(self.tenant);
    }
}
