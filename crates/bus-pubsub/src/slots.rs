//! The slots of one service: how many steps run at once, and how many of them one tenant's may be.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bus::tenant_limit;
use domain::TenantId;
use tokio::sync::Notify;

pub(crate) struct Slots {
    all: usize,
    tenants: Mutex<Tenants>,
    changed: Notify,
}

#[derive(Default)]
struct Tenants {
    running: usize,
    /// A tenant without steps has no entry.
    steps: HashMap<TenantId, Steps>,
}

#[derive(Default)]
struct Steps {
    running: usize,
    waiting: usize,
}

/// The permit to run one step, until it is dropped.
pub(crate) struct Permit<'a> {
    slots: &'a Slots,
    tenant: &'a TenantId,
}

/// A step that waits for its permit, until it is dropped.
struct Waiting<'a> {
    slots: &'a Slots,
    tenant: &'a TenantId,
}

impl Slots {
    pub(crate) fn new(all: usize) -> Self {
        Self {
            all,
            tenants: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Waits up to `patience` for a slot. Returns `None` at once if the tenant already has as many steps queued as it may
    /// run.
    pub(crate) async fn acquire<'a>(
        &'a self,
        tenant: &'a TenantId,
        patience: Duration,
    ) -> Option<Permit<'a>> {
        let waiting = Waiting::join(self, tenant)?;
        let acquiring = async {
            loop {
                let mut changed = pin!(self.changed.notified());
                // From here on no change is missed.
                changed.as_mut().enable();
                if let Some(permit) = self.try_acquire(tenant) {
                    return permit;
                }
                changed.await;
            }
        };
        let permit = tokio::time::timeout(patience, acquiring).await.ok();
        drop(waiting);
        permit
    }

    fn try_acquire<'a>(&'a self, tenant: &'a TenantId) -> Option<Permit<'a>> {
        let mut tenants = self.lock();
        let limit = tenants.limit(self.all);
        let is_full = tenants.running >= self.all;
        let steps = tenants.steps.get_mut(tenant)?;
        if is_full || steps.running >= limit {
            return None;
        }
        steps.running += 1;
        tenants.running += 1;
        Some(Permit {
            slots: self,
            tenant,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Tenants> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tenants {
    fn limit(&self, all: usize) -> usize {
        tenant_limit(all, self.running, self.steps.len(), all / 2)
    }

    fn leave(&mut self, tenant: &TenantId, change: impl FnOnce(&mut Steps)) {
        if let Some(steps) = self.steps.get_mut(tenant) {
            change(steps);
            if steps.running == 0 && steps.waiting == 0 {
                self.steps.remove(tenant);
            }
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut tenants = self.slots.lock();
        tenants.running -= 1;
        tenants.leave(self.tenant, |steps| steps.running -= 1);
        drop(tenants);
        self.slots.changed.notify_waiters();
    }
}

impl<'a> Waiting<'a> {
    fn join(slots: &'a Slots, tenant: &'a TenantId) -> Option<Self> {
        let mut tenants = slots.lock();
        let limit = tenants.limit(slots.all);
        let steps = tenants.steps.entry(tenant.clone()).or_default();
        if steps.waiting >= limit {
            return None;
        }
        steps.waiting += 1;
        drop(tenants);
        Some(Self { slots, tenant })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut tenants = self.slots.lock();
        tenants.leave(self.tenant, |steps| steps.waiting -= 1);
    }
}
