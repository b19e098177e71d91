//! Accepts webhooks: verifies them, stores them, then acknowledges. Nothing is acknowledged before it is durable.

mod answer;
mod config;
mod deliver;
mod directory;
mod failed_signatures;
mod figures;
#[cfg(feature = "google")]
mod program;
mod quota;
mod reading;
mod refusal_runs;
mod refusals;
mod routes;

use std::{sync::Arc, time::Duration};

use bus::{Bus, Relay, RelayConfig};
use domain::{Clock, StageHandler, WorkQueue, later};
use http_client::Client;
use runtime::{BodyMemory, Service, Task};
use secrets::Secrets;
use sources::{BotChecks, Sources};
use store::Store;
use tokio_util::sync::CancellationToken;

pub use config::{Config, QuotaConfig};
#[cfg(feature = "google")]
pub use program::main;

use crate::{
    deliver::{Ingest, Pace},
    directory::Directory,
    failed_signatures::FailedSignatures,
    quota::Quota,
    reading::ReadingStage,
    refusal_runs::RefusalRuns,
    refusals::Refusals,
};

/// How often what limits remember is tidied up.
const TIDY_INTERVAL: Duration = Duration::from_secs(10);

/// What this service needs.
#[derive(Clone)]
pub struct Deps {
    /// Where webhooks can come from.
    pub sources: Sources,
    /// Where deliveries are kept.
    pub store: Arc<dyn Store>,
    /// The same store, as the relay sees it.
    pub queue: Arc<dyn WorkQueue>,
    /// Takes the wake-ups of what is accepted.
    pub bus: Arc<dyn Bus>,
    /// The relay's bus. Unlike `bus` it reports failures, so that the relay can back off.
    pub relay_bus: Arc<dyn Bus>,
    /// Signing keys.
    pub secrets: Arc<dyn Secrets>,
    /// Asks what tells people from programs.
    pub http: Client,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What the edge is held to.
    pub config: Config,
    /// How the relay works.
    pub relay: RelayConfig,
}

/// The service: its routes, the stage `reading`, the relay, the writer of refusals, and the limits' upkeep.
pub fn service(deps: Deps) -> Service {
    let Deps {
        sources,
        store,
        queue,
        bus,
        relay_bus,
        secrets,
        http,
        clock,
        config,
        relay,
    } = deps;
    let (refusals, writer) = Refusals::new(
        store.clone(),
        clock.clone(),
        config.security_events_kept_for,
    );
    let ingest = Arc::new(Ingest {
        sources,
        directory: Directory::new(sources, store.clone(), secrets),
        store: store.clone(),
        bus,
        clock: clock.clone(),
        failed_signatures: FailedSignatures::new(
            config.failed_signatures_per_minute,
            clock.clone(),
        ),
        body_memory: BodyMemory::new(config.body_memory_mib.saturating_mul(1 << 20)),
        quota: Quota::new(config.quota, clock.clone()),
        pace: Pace::new(clock.clone()),
        bot_checks: BotChecks::new(http, config.bot_checks),
        refusals,
        refusal_runs: RefusalRuns::new(clock.clone()),
    });
    let relay = Relay::new(queue, relay_bus, clock.clone(), relay);
    let (limits, folded) = (ingest.clone(), store.clone());
    let reading: Arc<dyn StageHandler> = Arc::new(ReadingStage { sources, store });
    Service {
        name: "webhook-ingest",
        routes: routes::routes(&ingest),
        stages: vec![reading],
        tasks: vec![
            Task::new("relay", move |stop| async move { relay.run(stop).await }),
            Task::new("refusals", move |stop| writer.run(stop)),
            Task::new("limits", {
                let clock = clock.clone();
                move |stop| tidy(limits, clock, stop)
            }),
            Task::new("figures", move |stop| figures::fold(folded, clock, stop)),
        ],
    }
}

/// Lets the limits forget, again and again, who need not be remembered.
async fn tidy(ingest: Arc<Ingest>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let pause = || clock.sleep_until(later(clock.now(), TIDY_INTERVAL));
    while stop.run_until_cancelled(pause()).await.is_some() {
        ingest.failed_signatures.forget_rested();
        ingest.refusal_runs.forget_rested();
        ingest.quota.forget_rested();
        ingest.pace.forget_rested();
    }
}
