//! `crm-dispatcher` as a process of the fleet.

use std::process::ExitCode;

use crm::{Config, Connectors};
use crm_dispatcher::{Deps, service};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fleet::main("crm-dispatcher", Config::read, async |config, engine| {
        Ok(service(Deps {
            store: engine.store.clone(),
            secrets: engine.secrets.clone(),
            connectors: Connectors::new(&engine.http, &engine.clock, &config),
            clock: engine.clock.clone(),
        }))
    })
}
