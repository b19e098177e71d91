//! Wake-ups and those who act on them: the runner claims, handles and settles; the relay publishes what nobody woke.
//!
//! A message is only a hint that a row of the work table may be due. Losing one, or getting one twice, late or out of
//! order, is harmless: the store decides who works on what.
#![warn(missing_docs)]

pub mod contract;
mod fairness;
mod local;
mod relay;
mod runner;

use async_trait::async_trait;
use domain::{Stage, TenantId, Wake};

pub use fairness::tenant_limit;
pub use local::{LocalBus, LocalBusConfig, Ticket};
pub use relay::{Relay, RelayConfig, ScanResult};
pub use runner::{RunResult, Runner, RunnerConfig};

/// Why wake-ups could not be published. The relay publishes them again.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The bus could not be reached.
    #[error("the wake-ups could not be published: {0}")]
    Unavailable(String),
}

/// Carries wake-ups to whoever handles their stage.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Publishes wake-ups as far as their tenant and stage have capacity. What overflows stays in the store, where
    /// [`Bus::take_overflowed`] and the relay find it.
    ///
    /// # Errors
    /// [`BusError`] if none could be published; nothing is lost.
    async fn publish(&self, wakes: Vec<Wake>) -> Result<(), BusError>;

    /// How many more wake-ups of this tenant and stage the bus takes.
    fn capacity(&self, tenant: &TenantId, stage: Stage) -> u32;

    /// Returns true once after wake-ups overflowed and most of the tenant's capacity is free again. The caller then
    /// reloads due work from the store, more than the capacity: what does not fit overflows again, so the caller is told
    /// again later.
    fn take_overflowed(&self, tenant: &TenantId, stage: Stage) -> bool;

    /// A slot for a step that this process runs without a wake-up, right after the step before. `None` when it has to
    /// wait in line: the tenant has its share, another one waits, or this bus keeps no slots.
    fn try_begin(&self, _tenant: &TenantId, _stage: Stage) -> Option<Slot> {
        None
    }
}

/// The right to run a step, until it is dropped.
pub type Slot = Box<dyn Send + Sync>;
