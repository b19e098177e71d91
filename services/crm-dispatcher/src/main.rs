//! `crm-dispatcher` as a process of the fleet.

use std::process::ExitCode;

use accounts::Accounts;
use crm::{Config, Connectors};
use crm_dispatcher::{Deps, service};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fleet::main("crm-dispatcher", Config::read, async |config, engine| {
        let accounts = Accounts::new(
            engine.store.clone(),
            engine.secrets.clone(),
            engine.http.clone(),
            engine.clock.clone(),
            config.token_endpoints(),
        );
        Ok(service(Deps {
            store: engine.store.clone(),
            clock: engine.clock.clone(),
            accounts,
            connectors: Connectors::new(&engine.http, &engine.clock, &config),
        }))
    })
}
