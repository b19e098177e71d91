//! `webhook-ingest` as a process of the fleet.

use std::process::ExitCode;

use sources::Sources;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    webhook_ingest::main(Sources::standard())
}
