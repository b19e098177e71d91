//! The operator's commands.

mod api;
mod audit;
mod check_config;
mod config;
mod connection;
mod delivery;
mod figures;
mod job;
mod key;
mod lead;
mod live;
mod mapping;
mod migrate;
mod office;
mod reconcile;
mod request;
mod review;
mod run;
mod secret;
mod secret_input;
mod security_event;
mod send;
mod session;
mod sign_in;
mod simulate;
mod source;
mod table;
mod tenant;
mod token;
mod user;
mod view;
mod work;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::{Parser, Subcommand};
use settings::Settings;

use self::session::{TenantArgs, for_tenant};
use crate::config as program;

/// The Multi-Tenant Ingestion Pipeline: leads from webhooks, through transcription and analysis, into a CRM.
#[derive(Debug, Parser)]
#[command(name = "pipeline", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// A file of `KEY=value` settings; the environment outranks it.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings")]
    env_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs every service in this process, with simulated providers and a demo tenant.
    Run(run::Args),
    /// Brings the database of a data folder, or the fleet's on Spanner, up to date.
    Migrate(migrate::Args),
    /// Checks the settings and tells all that is wrong with them.
    CheckConfig,
    /// Prints a bearer token for the API.
    Token(token::Args),
    /// Posts a genuine, freshly numbered, signed sample to a running server.
    Send(send::Args),
    /// Runs the simulated providers alone.
    Simulate(simulate::Args),

    // Handles for people: each talks to the API of the server that runs on the data folder, or where none runs, works
    // on the folder itself.
    /// Creates, lists, suspends and resumes tenants.
    Tenant(tenant::Args),
    /// Adds, lists and changes offices.
    Office(TenantArgs<office::Command>),
    /// Shows, saves, compares and restores what happens with an office's leads: service area, spam thresholds, CRMs,
    /// recipients, retries.
    Config(TenantArgs<config::Command>),
    /// Adds and lists sources of webhooks, and changes their signing keys.
    Source(TenantArgs<source::Command>),
    /// Connects accounts at providers, checks and lists them.
    Connection(TenantArgs<connection::Command>),
    /// Shows, saves, compares and restores what stands in a CRM's fields, and previews what a push would send.
    Mapping(TenantArgs<mapping::Command>),
    /// Sets the secret of a connection to a provider, which lets held work go on.
    Secret(TenantArgs<secret::Command>),
    /// Lists what waits for a person's review, approves and rejects it.
    Review(TenantArgs<review::ReviewCommand>),
    /// Lists what was put aside as spam or as outside the service area, and releases what is not.
    Quarantine(TenantArgs<review::QuarantineCommand>),
    /// Lists steps that are held or parked, and lets them run again.
    Work(TenantArgs<work::Command>),
    /// Posts leads that came by another way.
    Lead(TenantArgs<lead::Command>),
    /// Shows a request, and has it run again.
    Request(TenantArgs<request::Command>),
    /// Invites people into a tenant, lists them, changes what they may do, and removes them.
    User(TenantArgs<user::Command>),
    /// Makes keys by which programs call the API, lists and revokes them.
    Key(TenantArgs<key::Command>),
    /// Prints a code that signs in at the API, once.
    SignIn(TenantArgs<sign_in::Command>),
    /// Lists, follows and cancels bulk work, and tries a workflow configuration on what came in.
    Job(TenantArgs<job::Command>),
    /// Compares what providers have with what came, and takes what is missing.
    Reconcile(TenantArgs<reconcile::Command>),
    /// Lists what came in, shows it as it came, and has it read again.
    Delivery(TenantArgs<delivery::Command>),
    /// Lists deliveries that were refused.
    SecurityEvent(TenantArgs<security_event::Command>),
    /// Lists, saves and removes views of lists.
    View(TenantArgs<view::Command>),
    /// Lists who changed what.
    Audit(TenantArgs<audit::Command>),
    /// Shows what leads, deliveries and steps sum up to.
    Figures(TenantArgs<figures::Command>),
    /// Shows what happens, as it happens.
    Live(TenantArgs<live::Command>),

    /// Prints the version.
    Version,
}

/// Runs a command.
///
/// # Errors
/// What went wrong and what to do, for the person who typed it.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    run_to(cli, &mut io::stdout()).await
}

/// As [`run`]; what the handles for people print goes to `out`.
///
/// # Errors
/// As [`run`].
pub async fn run_to(cli: Cli, out: &mut dyn Write) -> anyhow::Result<()> {
    let settings = Settings::from_environment(cli.env_file.as_deref())?;
    match cli.command {
        Command::Run(args) => run::run(settings, args).await,
        Command::Migrate(args) => Box::pin(migrate::run(&settings, args)).await,
        Command::CheckConfig => check_config::run(&settings),
        Command::Token(args) => token::run(&settings, args),
        Command::Send(args) => send::run(&settings, args).await,
        Command::Simulate(args) => simulate::run(args).await,
        Command::Tenant(args) => tenant::run(&settings, args, out).await,
        Command::Office(args) => for_tenant(&settings, args, out, office::run).await,
        Command::Config(args) => config::run(&settings, args, out).await,
        Command::Source(args) => for_tenant(&settings, args, out, source::run).await,
        Command::Connection(args) => for_tenant(&settings, args, out, connection::run).await,
        Command::Mapping(args) => mapping::run(&settings, args, out).await,
        Command::Secret(args) => for_tenant(&settings, args, out, secret::run).await,
        Command::Review(args) => for_tenant(&settings, args, out, review::review).await,
        Command::Quarantine(args) => for_tenant(&settings, args, out, review::quarantine).await,
        Command::Work(args) => for_tenant(&settings, args, out, work::run).await,
        Command::Lead(args) => for_tenant(&settings, args, out, lead::run).await,
        Command::Request(args) => for_tenant(&settings, args, out, request::run).await,
        Command::User(args) => for_tenant(&settings, args, out, user::run).await,
        Command::Key(args) => for_tenant(&settings, args, out, key::run).await,
        Command::SignIn(args) => for_tenant(&settings, args, out, sign_in::run).await,
        Command::Job(args) => for_tenant(&settings, args, out, job::run).await,
        Command::Reconcile(args) => for_tenant(&settings, args, out, reconcile::run).await,
        Command::Delivery(args) => for_tenant(&settings, args, out, delivery::run).await,
        Command::SecurityEvent(args) => for_tenant(&settings, args, out, security_event::run).await,
        Command::View(args) => for_tenant(&settings, args, out, view::run).await,
        Command::Audit(args) => for_tenant(&settings, args, out, audit::run).await,
        Command::Figures(args) => for_tenant(&settings, args, out, figures::run).await,
        Command::Live(args) => for_tenant(&settings, args, out, live::run).await,
        Command::Version => say(&format!("pipeline {}", env!("CARGO_PKG_VERSION"))),
    }
}

/// Prints a line on standard output.
fn say(line: &str) -> anyhow::Result<()> {
    print(&mut io::stdout().lock(), line)
}

/// Prints a line. A reader that went away is no error.
fn print(out: &mut dyn Write, line: &str) -> anyhow::Result<()> {
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The data folder: as given, else as set, else the default.
fn data_dir(settings: &Settings, given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let set = settings.load(program::data_dir)?;
    Ok(given.unwrap_or(set))
}

/// Reads `NAME=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Slugs of providers, for help texts.
fn slugs(is_meant: impl Fn(&catalogue::Provider) -> bool) -> String {
    let providers = catalogue::providers();
    let slugs = providers.iter().filter(|provider| is_meant(provider));
    slugs
        .map(|provider| provider.slug)
        .collect::<Vec<_>>()
        .join(", ")
}
