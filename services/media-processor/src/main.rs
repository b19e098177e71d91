//! `media-processor` as a process of the fleet.

use std::{process::ExitCode, sync::Arc};

use accounts::Accounts;
use blobs_gcs::{GcsBlobs, GcsConfig};
use google::{DocumentAi, DocumentAiConfig, Speech, SpeechConfig};
use media_processor::{Deps, service};
use settings::Reader;
use sources::{ApiSet, Sources};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Config {
    sources: sources::Config,
    speech: SpeechConfig,
    documents: DocumentAiConfig,
    blobs: GcsConfig,
}

impl Config {
    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            sources: sources::Config::read(reader),
            speech: SpeechConfig::read(reader),
            documents: DocumentAiConfig::read(reader),
            blobs: GcsConfig::read(reader),
        }
    }
}

fn main() -> ExitCode {
    fleet::main("media-processor", Config::read, async |config, engine| {
        let (http, tokens) = (engine.http.clone(), engine.tokens.clone());
        let blobs = GcsBlobs::open(http.clone(), tokens.clone(), config.blobs).await?;
        let sources = Sources::standard();
        let accounts = Accounts::new(
            engine.store.clone(),
            engine.secrets.clone(),
            http.clone(),
            engine.clock.clone(),
            config.sources.token_endpoints(sources),
        );
        Ok(service(Deps {
            store: engine.store.clone(),
            effects: engine.store.clone(),
            blobs: Arc::new(blobs),
            accounts,
            clock: engine.clock.clone(),
            apis: ApiSet::new(&http, &sources, &config.sources),
            sources,
            speech: Speech::new(http.clone(), tokens.clone(), config.speech),
            documents: DocumentAi::new(http, tokens, config.documents),
        }))
    })
}
