//! The all-in-one program: every service in one process, and the operator's commands.

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

/// Half of what accepting a delivery cost was the system's allocator: one thread allocates what another frees.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    runtime::use_small_pages();
    runtime::exit_code(pipeline::commands::run(pipeline::commands::Cli::parse()).await)
}
