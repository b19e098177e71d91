//! The operator's commands.

mod check_config;
mod migrate;
mod run;
mod send;
mod simulate;
mod token;

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::{Parser, Subcommand};
use settings::Settings;

use crate::config::DataDir;

/// The Multi-Tenant Ingestion Pipeline: leads from webhooks, through transcription and analysis, into a CRM.
#[derive(Debug, Parser)]
#[command(name = "pipeline", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// A file of `KEY=value` settings; the environment outranks it.
    #[arg(long, global = true, value_name = "FILE")]
    env_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs every service in this process, with simulated providers and a demo tenant.
    Run(run::Args),
    /// Brings the database of a data folder up to date.
    Migrate(migrate::Args),
    /// Checks the settings and tells all that is wrong with them.
    CheckConfig,
    /// Prints a bearer token for the API.
    Token(token::Args),
    /// Posts a genuine, freshly numbered, signed sample to a running server.
    Send(send::Args),
    /// Runs the simulated providers alone.
    Simulate(simulate::Args),
    /// Prints the version.
    Version,
}

/// Runs a command.
///
/// # Errors
/// What went wrong and what to do, for the person who typed it.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let settings = Settings::from_environment(cli.env_file.as_deref())?;
    match cli.command {
        Command::Run(args) => run::run(settings, args).await,
        Command::Migrate(args) => migrate::run(&settings, args),
        Command::CheckConfig => check_config::run(&settings),
        Command::Token(args) => token::run(&settings, args),
        Command::Send(args) => send::run(&settings, args).await,
        Command::Simulate(args) => simulate::run(args).await,
        Command::Version => say(&format!("pipeline {}", env!("CARGO_PKG_VERSION"))),
    }
}

/// Prints a line on standard output. A reader that went away is no error.
fn say(line: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The data folder: as given, else as set, else the default.
fn data_dir(settings: &Settings, given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let set = settings.load(|reader| {
        reader
            .get(
                "DATA_DIR",
                DataDir::default(),
                "Folder that everything is kept in.",
            )
            .0
    })?;
    Ok(given.unwrap_or(set))
}
