//! Runs simulations of the spine: any number of seeds, or one with its trace.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool for developers"
)]

use std::{
    process::ExitCode,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use clap::Parser;
use tests::simulation::{Coverage, Plant, Report, Simulator};

#[derive(Parser)]
struct Args {
    /// How many seeds are run.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Runs this seed alone, and shows its steps.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// A mistake in the store, to be found.
    #[arg(long, value_parser = plant)]
    plant: Option<Plant>,
}

/// Seeds between two lines of progress.
const PROGRESS: u64 = 500;

fn plant(word: &str) -> Result<Plant, String> {
    let known = Plant::ALL.iter().find(|plant| plant.as_str() == word);
    known.copied().ok_or_else(|| {
        let words: Vec<_> = Plant::ALL.iter().map(|plant| plant.as_str()).collect();
        format!("one of {}", words.join(", "))
    })
}

fn main() -> ExitCode {
    let args = Args::parse();
    let is_sound = match args.seed {
        Some(seed) => one(seed, args.plant),
        None => many(&args),
    };
    if is_sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn one(seed: u64, plant: Option<Plant>) -> bool {
    let report = Simulator::new(plant).run(seed);
    println!("{}", report.trace.join("\n"));
    match &report.fault {
        Some(fault) => println!("seed {seed}: {fault}"),
        None => println!("seed {seed}: nothing wrong"),
    }
    report.fault.is_none()
}

fn many(args: &Args) -> bool {
    let started = Instant::now();
    let (reports, received) = mpsc::channel();
    let next = AtomicU64::new(args.from);
    let end = args.from + args.seeds;
    let mut coverage = Coverage::default();
    let mut faulty = Vec::new();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            let (reports, next) = (reports.clone(), &next);
            scope.spawn(move || {
                let simulator = Simulator::new(args.plant);
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    reports.send(simulator.run(seed)).unwrap();
                }
            });
        }
        drop(reports);
        for (done, report) in (1..).zip(received) {
            coverage.add(&report.coverage);
            if let Some(fault) = &report.fault {
                show(&report, fault, args.plant);
                faulty.push(report.seed);
            }
            if done % PROGRESS == 0 {
                println!("{done} of {} seeds, {:?}", args.seeds, started.elapsed());
            }
        }
    });
    println!("\n{coverage}");
    for missing in coverage.missing() {
        println!("never: {missing}");
    }
    let took = started.elapsed();
    println!(
        "{} seeds in {took:?}, {} with a fault",
        args.seeds,
        faulty.len()
    );
    faulty.is_empty()
}

fn show(report: &Report, fault: &str, plant: Option<Plant>) {
    let seed = report.seed;
    println!("{}", report.trace.join("\n"));
    println!("seed {seed}: {fault}");
    let planted = plant.map_or_else(String::new, |plant| format!(" --plant {}", plant.as_str()));
    println!("again: cargo run --package tests --bin simulation -- --seed {seed}{planted}\n");
}
