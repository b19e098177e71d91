//! `ai-analyzer` as a process of the fleet.

use std::{process::ExitCode, sync::Arc};

use ai_analyzer::{Config, Deps, MapLookup, service};
use google::{Gemini, GeminiConfig, Maps, MapsConfig};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fleet::main(
        "ai-analyzer",
        |reader| {
            (
                GeminiConfig::read(reader),
                MapsConfig::read(reader),
                Config::read(reader),
            )
        },
        async |(gemini, maps, config), engine| {
            let map = maps.map(|maps| {
                let map = Arc::new(Maps::new(engine.http.clone(), maps));
                MapLookup::new(map, engine.store.clone(), engine.clock.clone(), config.map)
            });
            Ok(service(Deps {
                map,
                gemini: Gemini::new(engine.http.clone(), engine.tokens.clone(), gemini),
                config,
            }))
        },
    )
}
