//! `media-processor` as a process of the fleet.

use std::{process::ExitCode, sync::Arc};

use blobs_gcs::{GcsBlobs, GcsConfig};
use google::{Speech, SpeechConfig};
use media_processor::{Deps, service};
use settings::Reader;
use sources::callrail::api;
use url::Url;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Config {
    callrail_url: Url,
    speech: SpeechConfig,
    blobs: GcsConfig,
}

impl Config {
    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            callrail_url: reader.url("CALLRAIL_BASE_URL", api::BASE_URL, "CallRail's API."),
            speech: SpeechConfig::read(reader),
            blobs: GcsConfig::read(reader),
        }
    }
}

fn main() -> ExitCode {
    fleet::main("media-processor", Config::read, async |config, engine| {
        let (http, tokens) = (engine.http.clone(), engine.tokens.clone());
        let blobs = GcsBlobs::open(http.clone(), tokens.clone(), config.blobs).await?;
        Ok(service(Deps {
            store: engine.store.clone(),
            effects: engine.store.clone(),
            blobs: Arc::new(blobs),
            secrets: engine.secrets.clone(),
            clock: engine.clock.clone(),
            callrail: api::Api::new(http.clone(), config.callrail_url),
            speech: Speech::new(http, tokens, config.speech),
        }))
    })
}
