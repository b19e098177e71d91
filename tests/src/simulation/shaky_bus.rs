//! A bus that loses, doubles and reorders what it carries before the real one of the process gets it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bus::{Bus, BusError, LocalBus, Slot};
use domain::{Stage, TenantId, Wake};

use super::{coverage::Operation, scene::Scene};

/// The bus of one process.
pub(super) struct ShakyBus {
    pub(super) local: Arc<LocalBus>,
    scene: Arc<Scene>,
    under_way: Mutex<Vec<Wake>>,
}

impl ShakyBus {
    pub(super) fn new(local: Arc<LocalBus>, scene: Arc<Scene>) -> Self {
        Self {
            local,
            scene,
            under_way: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Wake>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How many wake-ups are under way.
    pub(super) fn under_way(&self) -> usize {
        self.lock().len()
    }

    /// Takes one of those that are under way.
    pub(super) fn take(&self, index: usize) -> Wake {
        self.lock().remove(index)
    }

    /// Puts one under way.
    pub(super) fn put(&self, wake: Wake) {
        self.lock().push(wake);
    }

    /// Hands one over.
    pub(super) async fn arrive(&self, wake: Wake) {
        self.local.publish(vec![wake]).await.unwrap();
    }
}

#[async_trait]
impl Bus for ShakyBus {
    async fn publish(&self, wakes: Vec<Wake>) -> Result<(), BusError> {
        if self.scene.goes_wrong(4) {
            self.scene.does(Operation::BusFails);
            return Err(BusError::Unavailable("it cannot be reached".to_owned()));
        }
        self.lock().extend(wakes);
        Ok(())
    }

    fn capacity(&self, tenant: &TenantId, stage: Stage) -> u32 {
        self.local.capacity(tenant, stage)
    }

    fn take_overflowed(&self, tenant: &TenantId, stage: Stage) -> bool {
        self.local.take_overflowed(tenant, stage)
    }

    fn try_begin(&self, tenant: &TenantId, stage: Stage) -> Option<Slot> {
        // Steps that are woken must be met as well as those that are claimed with the settle before them.
        let is_asked = self.scene.draws.chance(50);
        is_asked.then(|| self.local.try_begin(tenant, stage))?
    }
}
