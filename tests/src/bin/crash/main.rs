//! Tells the crash story at length: the product is killed again and again while deliveries come in.
#![expect(clippy::print_stdout, reason = "a tool for developers")]

use std::{
    io::{self, Read as _},
    process::{self, ExitCode},
    thread,
};

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use tests::crash::{self, Options, Program};

/// As in the program `pipeline`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Parser)]
struct Args {
    /// How many deliveries are sent.
    #[arg(long, default_value_t = 100_000)]
    webhooks: usize,
    /// How often the product is killed.
    #[arg(long, default_value_t = 50)]
    kills: usize,
    /// What everything random comes from. Default: another one each time.
    #[arg(long)]
    seed: Option<u64>,
    /// The short story instead.
    #[arg(long)]
    short: bool,
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
    let options = if args.short {
        Options::short(seed)
    } else {
        Options::long(seed, args.webhooks, args.kills)
    };
    let itself = std::env::current_exe().expect("a program knows where it lies");
    let program = Program::new([itself.into_os_string(), "pipeline".into()]);
    let outcome = crash::tell(&program, options, &|line| println!("{line}")).await;
    println!("\n{outcome}");
    if outcome.findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!("run it again with --seed {seed}");
        ExitCode::FAILURE
    }
}
