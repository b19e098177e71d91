//! `ai-analyzer` as a process of the fleet.

use std::process::ExitCode;

use ai_analyzer::{Config, Deps, service};
use google::{Gemini, GeminiConfig};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fleet::main(
        "ai-analyzer",
        |reader| (GeminiConfig::read(reader), Config::read(reader)),
        async |(gemini, config), engine| {
            Ok(service(Deps {
                gemini: Gemini::new(engine.http.clone(), engine.tokens.clone(), gemini),
                config,
            }))
        },
    )
}
