//! Accepts webhooks: proves them genuine, stores them, then acknowledges. Nothing is acknowledged before it is durable.

mod answer;
mod deliver;
mod directory;
mod quota;
mod reading;
mod refusals;
mod routes;

use std::sync::Arc;

use bus::{Bus, Relay, RelayConfig};
use domain::{Clock, StageHandler, WorkQueue};
use runtime::{Service, Task};
use secrets::Secrets;
use store::Store;

pub use quota::QuotaConfig;

use crate::{
    deliver::Ingest, directory::Directory, quota::Quota, reading::ReadingStage, refusals::Refusals,
};

/// What this service needs.
#[derive(Clone)]
pub struct Deps {
    /// Where deliveries are kept.
    pub store: Arc<dyn Store>,
    /// The same store, as the relay sees it.
    pub queue: Arc<dyn WorkQueue>,
    /// Where wake-ups go.
    pub bus: Arc<dyn Bus>,
    /// Signing keys.
    pub secrets: Arc<dyn Secrets>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What a tenant may send.
    pub quota: QuotaConfig,
    /// How the relay works.
    pub relay: RelayConfig,
}

/// The service: its routes, the stage `reading`, the relay, and the keeper of refusals.
pub fn service(deps: Deps) -> Service {
    let Deps {
        store,
        queue,
        bus,
        secrets,
        clock,
        quota,
        relay,
    } = deps;
    let (refusals, keeper) = Refusals::new(store.clone(), clock.clone());
    let ingest = Ingest {
        directory: Directory::new(store.clone(), secrets),
        store: store.clone(),
        bus: bus.clone(),
        clock: clock.clone(),
        quota: Quota::new(quota),
        refusals,
    };
    let relay = Relay::new(queue, bus, clock, relay);
    let reading: Arc<dyn StageHandler> = Arc::new(ReadingStage { store });
    Service {
        name: "webhook-ingest",
        routes: routes::routes(Arc::new(ingest)),
        stages: vec![reading],
        tasks: vec![
            Task::new("relay", move |stop| async move { relay.run(stop).await }),
            Task::new("refusals", move |stop| keeper.run(stop)),
        ],
    }
}
