//! `webhook-ingest` with the invented sources beside the product's own, for stories of the fleet.

use std::process::ExitCode;

use sources::Sources;
use tests::TRIAL;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    webhook_ingest::main(Sources::with(TRIAL))
}
