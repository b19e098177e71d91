//! Measures the product against the figures that it promises, and writes them down.
//!
//! Servers run as processes of their own, but for the flood, which runs in this one; the generator shares their cores,
//! so figures are to be read as ratios within one run.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool for developers"
)]

mod backlog;
mod baseline;
mod fleet;
mod flood;
mod leads;
mod load;
mod million;
mod process;
mod product;
mod report;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

use crate::{
    load::{Load, closed_loop, open_loop},
    product::Product,
    report::{Part, Report},
};

#[derive(Parser)]
struct Args {
    /// Writes the report there as well, and leaves the part of the other form as it is.
    #[arg(long)]
    write: Option<PathBuf>,
    /// How long each measurement runs.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How often throughput is measured, the two servers in turns.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Subcommand)]
enum Role {
    /// Serves what the product is compared with.
    #[command(hide = true)]
    Baseline,
    /// Measures the fleet, and writes its part of the report.
    Fleet,
    /// Measures only what a lead costs over all stages.
    Leads,
    /// Measures only lists, counts and a start beside a backlog.
    Backlog,
    /// Measures only finding leads among many.
    Million {
        /// How many.
        #[arg(long, default_value_t = million::LEADS)]
        leads: u64,
    },
    /// Only sends deliveries to a running server's demo tenant: to watch it under load.
    Load {
        /// Where it listens.
        address: SocketAddr,
    },
}

const CONNECTIONS: usize = 256;
/// Calls that go through the fleet, one at a time.
const FLEET_CALLS: u32 = 20;

#[tokio::main]
async fn main() {
    let args = Args::parse();
    let duration = Duration::from_secs(args.seconds);
    let target = format!("/v1/hooks/{}/post-call", pipeline::demo::token("callrail"));
    match args.role {
        Some(Role::Baseline) => return baseline::serve().await,
        Some(Role::Load { address }) => {
            let outcome = closed_loop(&Load::new(address, &target), CONNECTIONS, duration).await;
            println!(
                "{:.0} a second, {} refused",
                outcome.per_second(),
                outcome.refused
            );
            return;
        }
        Some(Role::Fleet) => {
            let figures = Box::pin(fleet::measure(FLEET_CALLS)).await;
            return report::show(args.write.as_deref(), Part::Fleet, &report::fleet(&figures));
        }
        Some(Role::Leads) => {
            let mut report = accepting(1, duration, &target).await;
            report.leads(&leads::measure(&target).await);
            return println!("{}", report.markdown());
        }
        Some(Role::Million { leads }) => {
            let mut report = Report::new();
            report.million(&million::measure(leads).await);
            return println!("{}", report.markdown());
        }
        Some(Role::Backlog) => {
            let mut report = accepting(1, duration, &target).await;
            report.backlog(&backlog::measure(&target).await);
            return println!("{}", report.markdown());
        }
        None => {}
    }
    let mut report = accepting(args.rounds, duration, &target).await;

    // The whole way.
    let product = Product::start(&[]).await;
    report.start(product.ready_after);
    tokio::time::sleep(Duration::from_secs(2)).await;
    report.idle(product.resident_bytes());
    report.end_to_end(&product.end_to_end(20, duration * 2).await);
    report.large_recording(&product.large_recording(200_000_000).await);
    drop(product);

    report.leads(&leads::measure(&target).await);
    report.backlog(&backlog::measure(&target).await);
    report.million(&million::measure(million::LEADS).await);

    let flood = Box::pin(flood::measure(duration * 3)).await;
    report.flood(&flood);

    report::show(args.write.as_deref(), Part::OneProcess, &report.markdown());
}

/// Accepting with the stages paused: product and baseline in turns, each round on a fresh data folder.
async fn accepting(rounds: u32, duration: Duration, target: &str) -> Report {
    let mut report = Report::new();
    let baseline = baseline::Baseline::start();
    let mut steady = None;
    for round in 1..=rounds {
        println!("round {round} of {rounds}");
        let paused = Product::start(&[("WORKERS_PER_STAGE", "0")]).await;
        let bare_before = baseline.cpu_time();
        let bare = closed_loop(&Load::new(baseline.address, "/"), CONNECTIONS, duration).await;
        let bare_cpu = baseline.cpu_time() - bare_before;
        let load = Load::new(paused.address, target);
        let before = paused.cpu_time();
        let accepted = closed_loop(&load, CONNECTIONS, duration).await;
        let cpu = paused.cpu_time() - before;
        report.accepting((&bare, bare_cpu), (&accepted, cpu));
        // On what the round has left behind, not on an empty database.
        steady = Some(open_loop(&load, 200, duration * 2).await);
    }
    if let Some(steady) = &steady {
        report.steady(steady);
    }
    report
}
