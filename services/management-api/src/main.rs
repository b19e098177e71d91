//! `management-api` as a process of the fleet: tokens are an outside issuer's.

use std::{process::ExitCode, sync::Arc};

use management_api::{Deps, JobBell, LimitsConfig, auth::OutsideConfig, service};
use settings::Reader;
use sources::Sources;
use store::IdSource;
use url::Url;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Config {
    public_url: Option<Url>,
    tokens: OutsideConfig,
    limits: LimitsConfig,
}

impl Config {
    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            public_url: reader.optional_url(
                "PUBLIC_URL",
                "What webhooks' URLs begin with, where senders reach the server by another name.",
            ),
            tokens: OutsideConfig::read(reader),
            limits: LimitsConfig::read(reader),
        }
    }
}

fn main() -> ExitCode {
    fleet::main("management-api", Config::read, async |config, engine| {
        let clock = engine.clock.clone();
        let verifier = config.tokens.verifier(engine.http.clone(), clock.clone());
        let url = config.public_url.as_ref().map_or("", Url::as_str);
        Ok(service(Deps {
            store: engine.store.clone(),
            bus: engine.bus.clone(),
            sources: Sources::standard(),
            secrets: engine.secrets.clone(),
            job_bell: JobBell::default(),
            ids: Arc::new(IdSource::new(clock.clone())),
            clock,
            verifier: Arc::new(verifier),
            public_url: url.trim_end_matches('/').to_owned(),
            limits: config.limits,
        }))
    })
}
