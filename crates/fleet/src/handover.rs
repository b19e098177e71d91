//! Handing over beside the answer: whoever waits for an acknowledgement does not wait for Pub/Sub.

use std::sync::Arc;

use async_trait::async_trait;
use bus::{Bus, BusError, Slot};
use domain::{Stage, TenantId, Wake};
use tokio::sync::Semaphore;

/// Hand-overs that may be under way at once. What comes on top is left to the relay.
const UNDER_WAY: usize = 256;

/// A bus whose hand-overs go on in the background. For a service whose processor is its own between requests.
pub(crate) struct Handover {
    bus: Arc<dyn Bus>,
    room: Arc<Semaphore>,
}

impl Handover {
    pub(crate) fn new(bus: Arc<dyn Bus>) -> Self {
        let room = Arc::new(Semaphore::new(UNDER_WAY));
        Self { bus, room }
    }
}

#[async_trait]
impl Bus for Handover {
    async fn publish(&self, wakes: Vec<Wake>) -> Result<(), BusError> {
        if wakes.is_empty() {
            return Ok(());
        }
        let Ok(place) = self.room.clone().try_acquire_owned() else {
            return Err(BusError::Unavailable(
                "too many hand-overs are under way".to_owned(),
            ));
        };
        let bus = self.bus.clone();
        let publishing = async move {
            if let Err(error) = bus.publish(wakes).await {
                tracing::warn!("{error}: the relay will publish them");
            }
            drop(place);
        };
        drop(tokio::spawn(publishing));
        Ok(())
    }

    fn capacity(&self, tenant: &TenantId, stage: Stage) -> u32 {
        self.bus.capacity(tenant, stage)
    }

    fn take_overflowed(&self, tenant: &TenantId, stage: Stage) -> bool {
        self.bus.take_overflowed(tenant, stage)
    }

    fn try_begin(&self, tenant: &TenantId, stage: Stage) -> Option<Slot> {
        self.bus.try_begin(tenant, stage)
    }
}
