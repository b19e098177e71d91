//! Who may run a step now: only so many run at once, and no tenant takes all turns.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::TenantId;
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

/// How many steps of a tenant are here. A tenant with none has no lane.
#[derive(Default)]
struct Lane {
    running: usize,
    waiting: usize,
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

    /// Waits so long for a turn of this tenant; not at all where as many of its steps wait as it may run.
    pub(crate) async fn take<'a>(
        &'a self,
        tenant: &'a TenantId,
        patience: Duration,
    ) -> Option<Turn<'a>> {
        let place = Place::take(self, tenant)?;
        let has_turn = async {
            loop {
                let mut changed = pin!(self.changed.notified());
                // From here on no change is missed.
                changed.as_mut().enable();
                if let Some(turn) = self.begin(tenant) {
                    return turn;
                }
                changed.await;
            }
        };
        let turn = tokio::time::timeout(patience, has_turn).await.ok();
        drop(place);
        turn
    }

    fn begin<'a>(&'a self, tenant: &'a TenantId) -> Option<Turn<'a>> {
        let mut tenants = self.lock();
        let most_of_one = tenants.most_of_one(self.most);
        let is_full = tenants.running >= self.most;
        let lane = tenants.lanes.get_mut(tenant)?;
        if is_full || lane.running >= most_of_one {
            return None;
        }
        lane.running += 1;
        tenants.running += 1;
        Some(Turn {
            turns: self,
            tenant,
        })
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
        (most / (self.lanes.len() + 1)).clamp(1, half)
    }

    fn leave(&mut self, tenant: &TenantId, change: impl FnOnce(&mut Lane)) {
        if let Some(lane) = self.lanes.get_mut(tenant) {
            change(lane);
            if lane.running == 0 && lane.waiting == 0 {
                self.lanes.remove(tenant);
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut tenants = self.turns.lock();
        tenants.running -= 1;
        tenants.leave(self.tenant, |lane| lane.running -= 1);
        drop(tenants);
        self.turns.changed.notify_waiters();
    }
}

impl<'a> Place<'a> {
    fn take(turns: &'a Turns, tenant: &'a TenantId) -> Option<Self> {
        let mut tenants = turns.lock();
        let most_of_one = tenants.most_of_one(turns.most);
        let lane = tenants.lanes.entry(tenant.clone()).or_default();
        if lane.waiting >= most_of_one {
            return None;
        }
        lane.waiting += 1;
        drop(tenants);
        Some(Self { turns, tenant })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut tenants = self.turns.lock();
        tenants.leave(self.tenant, |lane| lane.waiting -= 1);
    }
}
