//! `webhook-ingest` as a process of the fleet: public, always on, host of the relay and of the outbox.

use std::{process::ExitCode, time::Duration};

use bus::RelayConfig;
use webhook_ingest::{Config, Deps, service};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Between two looks of the relay. Whoever commits work hands it over at once; the relay finds what was lost or waits,
/// and each look is paid for.
const RELAY_INTERVAL: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    fleet::main("webhook-ingest", Config::read, async |config, engine| {
        engine.must_prove_callers()?;
        let mut service = service(Deps {
            store: engine.store.clone(),
            queue: engine.store.clone(),
            bus: engine.bus_beside_answers(),
            relay_bus: engine.bus.clone(),
            secrets: engine.secrets.clone(),
            clock: engine.clock.clone(),
            config,
            relay: RelayConfig {
                interval: RELAY_INTERVAL,
                ..RelayConfig::default()
            },
        });
        service.routes = service.routes.merge(engine.relay_routes());
        service.tasks.push(engine.outbox_task().await?);
        Ok(service)
    })
}
