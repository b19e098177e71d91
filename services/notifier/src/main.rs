//! `notifier` as a process of the fleet.

use std::{process::ExitCode, sync::Arc};

use notifier::{Deps, service};
use notify::{Config, sendgrid::SendGrid};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fleet::main("notifier", Config::read, async |config, engine| {
        let sendgrid = SendGrid::new(
            engine.http.clone(),
            &config.sendgrid_url,
            engine.clock.clone(),
        );
        Ok(service(Deps {
            store: engine.store.clone(),
            secrets: engine.secrets.clone(),
            clock: engine.clock.clone(),
            sendgrid: Arc::new(sendgrid),
        }))
    })
}
