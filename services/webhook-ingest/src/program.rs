//! The service as a process of the fleet.

use std::{process::ExitCode, time::Duration};

use bus::RelayConfig;
use sources::Sources;

use crate::{Config, Deps, service};

/// The pause between two scans of the relay. Whoever commits work publishes it at once; the relay finds what was lost or
/// waits, and each scan is paid for.
const RELAY_INTERVAL: Duration = Duration::from_millis(500);

/// Runs the service on Google's engine: public, always on, host of the relay and of the outbox. It takes the webhooks of
/// these sources.
pub fn main(sources: Sources) -> ExitCode {
    fleet::main("webhook-ingest", Config::read, async |config, engine| {
        engine.must_prove_callers()?;
        let mut service = service(Deps {
            sources,
            store: engine.store.clone(),
            queue: engine.store.clone(),
            bus: engine.bus_beside_answers(),
            relay_bus: engine.bus.clone(),
            secrets: engine.secrets.clone(),
            http: engine.http.clone(),
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
