//! Wake-ups, and what is made of them: the runner claims, handles and settles; the relay finds what nobody woke.
//!
//! A message is only a hint that a row of the work table may be due. Losing one, getting one twice, late or out of
//! order is harmless: the store decides who works on what.
#![warn(missing_docs)]

pub mod contract;
mod local;
mod relay;
mod runner;

use async_trait::async_trait;
use domain::{Stage, TenantId, Wake};

pub use local::{LocalBus, LocalBusConfig, Ticket};
pub use relay::{Looked, Relay, RelayConfig};
pub use runner::{Ran, Runner, RunnerConfig};

/// Why wake-ups could not be published. The relay publishes them again.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The bus could not be reached.
    #[error("the bus did not take the wake-ups: {0}")]
    Unavailable(String),
}

/// Carries wake-ups to whoever handles their stage.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Hands wake-ups over, as far as there is room for their tenant and stage. What is left out stays in the store,
    /// where [`Bus::take_left_out`] and the relay find it.
    ///
    /// # Errors
    /// [`BusError`] when none could be handed over; nothing is lost.
    async fn publish(&self, wakes: Vec<Wake>) -> Result<(), BusError>;

    /// How many more wake-ups of this tenant and stage may be under way.
    fn room(&self, tenant: &TenantId, stage: Stage) -> u32;

    /// Whether wake-ups of this tenant and stage were left out since this last answered so, and most of their room is
    /// free again: then it is time to look for them. Looking for more than that room tells whether there still are
    /// some, because what does not fit is left out again.
    fn take_left_out(&self, tenant: &TenantId, stage: Stage) -> bool;
}
