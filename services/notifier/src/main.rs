//! `notifier` as a process of the fleet.

use std::{collections::BTreeMap, process::ExitCode};

use accounts::Accounts;
use notifier::{Deps, service};
use notify::{Channels, Config};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fleet::main("notifier", Config::read, async |config, engine| {
        let accounts = Accounts::new(
            engine.store.clone(),
            engine.secrets.clone(),
            engine.http.clone(),
            engine.clock.clone(),
            BTreeMap::new(),
        );
        Ok(service(Deps {
            store: engine.store.clone(),
            clock: engine.clock.clone(),
            accounts,
            channels: Channels::new(&engine.http, &engine.clock, &config),
        }))
    })
}
