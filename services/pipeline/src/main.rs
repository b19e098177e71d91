//! The all-in-one program: every service in one process, and the operator's commands.

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    runtime::exit_code(pipeline::commands::run(pipeline::commands::Cli::parse()).await)
}
