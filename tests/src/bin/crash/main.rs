//! Tells the crash story at length: the product is killed again and again while deliveries come in. As one process, or
//! with `--fleet` as the fleet's six on Google's emulators.
#![expect(clippy::print_stdout, reason = "a tool for developers")]

use std::{
    io::{self, Read as _},
    process::{self, ExitCode},
    thread,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use tests::{
    crash::{self, Options, Outcome, Program},
    fleet::{self, StoryOptions},
};

/// Deliveries and kills of the long stories: of one process, and of the fleet, whose emulators are slow.
const LONG: [(usize, usize); 2] = [(100_000, 50), (500, 40)];

/// As in the program `pipeline`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Parser)]
struct Args {
    /// How many deliveries are sent. Default: 100,000, and 500 to a fleet.
    #[arg(long)]
    webhooks: Option<usize>,
    /// How often the product is killed. Default: 50, and 40 in a fleet.
    #[arg(long)]
    kills: Option<usize>,
    /// What everything random comes from. Default: another one each time.
    #[arg(long)]
    seed: Option<u64>,
    /// The short story instead.
    #[arg(long)]
    short: bool,
    /// The fleet, whose programs lie beside this one, instead of the product in one process.
    #[arg(long)]
    fleet: bool,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Subcommand)]
enum Role {
    /// Is the program `pipeline`, until whoever started it is gone.
    #[command(hide = true)]
    Pipeline {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(Role::Pipeline { words }) = args.role {
        thread::spawn(|| {
            io::stdin().read_to_end(&mut Vec::new()).ok();
            process::exit(1);
        });
        let words = std::iter::once("pipeline".to_owned()).chain(words);
        let command = pipeline::commands::Cli::parse_from(words);
        return runtime::exit_code(pipeline::commands::run(command).await);
    }
    let seed = args
        .seed
        .unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let outcome = match tell(&args, seed).await {
        Ok(outcome) => outcome,
        Err(error) => {
            println!("{error:?}");
            return ExitCode::FAILURE;
        }
    };
    println!("\n{outcome}");
    if outcome.findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!("run it again with --seed {seed}");
        ExitCode::FAILURE
    }
}

async fn tell(args: &Args, seed: u64) -> anyhow::Result<Outcome> {
    let (webhooks, kills) = LONG[usize::from(args.fleet)];
    let webhooks = args.webhooks.unwrap_or(webhooks);
    let kills = args.kills.unwrap_or(kills);
    let say = |line: &str| println!("{line}");
    let itself = std::env::current_exe().context("a program knows where it lies")?;
    if args.fleet {
        let options = match args.short {
            true => StoryOptions::short(seed),
            false => StoryOptions::long(seed, webhooks, kills),
        };
        let programs = itself.parent().context("a program lies in a folder")?;
        return Box::pin(fleet::tell(programs, options, &say)).await;
    }
    let options = match args.short {
        true => Options::short(seed),
        false => Options::long(seed, webhooks, kills),
    };
    let program = Program::new([itself.into_os_string(), "pipeline".into()]);
    Ok(crash::tell(&program, options, &say).await)
}
