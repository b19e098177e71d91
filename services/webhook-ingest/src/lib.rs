//! Accepts webhooks: proves them genuine, stores them, then acknowledges. Nothing is acknowledged before it is durable.

mod answer;
mod config;
mod deliver;
mod directory;
mod failed_proofs;
mod quota;
mod rate_clock;
mod reading;
mod refusals;
mod routes;

use std::{sync::Arc, time::Duration};

use bus::{Bus, Relay, RelayConfig};
use domain::{Clock, StageHandler, WorkQueue, later};
use runtime::{BodyMemory, Service, Task};
use secrets::Secrets;
use store::Store;
use tokio_util::sync::CancellationToken;

pub use config::{Config, QuotaConfig};

use crate::{
    deliver::Ingest, directory::Directory, failed_proofs::FailedProofs, quota::Quota,
    reading::ReadingStage, refusals::Refusals,
};

/// How often what limits remember is tidied up.
const TIDY_INTERVAL: Duration = Duration::from_secs(10);

/// What this service needs.
#[derive(Clone)]
pub struct Deps {
    /// Where deliveries are kept.
    pub store: Arc<dyn Store>,
    /// The same store, as the relay sees it.
    pub queue: Arc<dyn WorkQueue>,
    /// Where the wake-ups of what is accepted go.
    pub bus: Arc<dyn Bus>,
    /// Where the relay's go: it must hear when nothing is taken.
    pub relay_bus: Arc<dyn Bus>,
    /// Signing keys.
    pub secrets: Arc<dyn Secrets>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What the edge is held to.
    pub config: Config,
    /// How the relay works.
    pub relay: RelayConfig,
}

/// The service: its routes, the stage `reading`, the relay, the keeper of refusals, and the limits' upkeep.
pub fn service(deps: Deps) -> Service {
    let Deps {
        store,
        queue,
        bus,
        relay_bus,
        secrets,
        clock,
        config,
        relay,
    } = deps;
    let (refusals, keeper) = Refusals::new(
        store.clone(),
        clock.clone(),
        config.security_events_kept_for,
    );
    let ingest = Arc::new(Ingest {
        directory: Directory::new(store.clone(), secrets),
        store: store.clone(),
        bus,
        clock: clock.clone(),
        failed_proofs: FailedProofs::new(config.failed_proofs_per_minute, clock.clone()),
        body_memory: BodyMemory::new(config.body_memory_mib.saturating_mul(1 << 20)),
        quota: Quota::new(config.quota, clock.clone()),
        refusals,
    });
    let relay = Relay::new(queue, relay_bus, clock.clone(), relay);
    let reading: Arc<dyn StageHandler> = Arc::new(ReadingStage { store });
    let limits = ingest.clone();
    Service {
        name: "webhook-ingest",
        routes: routes::routes(ingest),
        stages: vec![reading],
        tasks: vec![
            Task::new("relay", move |stop| async move { relay.run(stop).await }),
            Task::new("refusals", move |stop| keeper.run(stop)),
            Task::new("limits", move |stop| tidy(limits, clock, stop)),
        ],
    }
}

/// Lets the limits forget, again and again, who need not be remembered.
async fn tidy(ingest: Arc<Ingest>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let pause = || clock.sleep_until(later(clock.now(), TIDY_INTERVAL));
    while stop.run_until_cancelled(pause()).await.is_some() {
        ingest.failed_proofs.forget_rested();
        ingest.quota.forget_rested();
    }
}
