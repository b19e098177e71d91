//! The spine under faults, and what the simulation of it is worth.

use std::{ops::Range, thread};

use tests::simulation::{Coverage, Plant, Simulator};

/// Seeds of every run of the suite.
const SEEDS: u64 = 1_000;
/// Threads that share them.
const THREADS: u64 = 2;

/// Runs every so-many-th seed, and says which found a fault.
fn run_share(share: u64) -> (Coverage, Vec<String>) {
    let simulator = Simulator::new(None);
    let (mut coverage, mut faults) = (Coverage::default(), Vec::new());
    for seed in (share..SEEDS).step_by(usize::try_from(THREADS).unwrap()) {
        let report = simulator.run(seed);
        coverage.add(&report.coverage);
        if let Some(fault) = report.fault {
            faults.push(format!(
                "{}\nseed {seed}: {fault}\nagain: cargo run --package tests --bin simulation -- --seed {seed}\n",
                report.trace.join("\n")
            ));
        }
    }
    (coverage, faults)
}

#[test]
fn a_thousand_seeds_keep_every_promise_and_leave_nothing_out() {
    let shares: Vec<_> = (0..THREADS)
        .map(|share| thread::spawn(move || run_share(share)))
        .collect();
    let (mut coverage, mut faults) = (Coverage::default(), Vec::new());
    for share in shares {
        let (covered, found) = share.join().unwrap();
        coverage.add(&covered);
        faults.extend(found);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(coverage.missing(), Vec::<String>::new(), "{coverage}");
}

#[test]
fn equal_seeds_make_equal_runs() {
    let (first, second) = (Simulator::new(None), Simulator::new(None));
    for seed in 0..25 {
        let trace = first.run(seed).trace;
        assert!(!trace.is_empty());
        assert_eq!(trace, second.run(seed).trace, "seed {seed}");
    }
}

/// A store that makes this mistake is found out by one of these seeds, in these words.
fn is_found(plant: Plant, seeds: Range<u64>, words: &str) {
    let simulator = Simulator::new(Some(plant));
    let mut faults = seeds.filter_map(|seed| simulator.run(seed).fault);
    let found = faults.find(|fault| fault.contains(words));
    assert!(found.is_some(), "{plant:?} was not found");
}

#[test]
fn an_acknowledgement_before_the_commit_is_found() {
    is_found(Plant::AcknowledgesEarly, 0..100, "not stored");
}

#[test]
fn a_settle_without_its_token_is_found() {
    is_found(
        Plant::SettlesStale,
        0..100,
        "settle was written by a stale claim",
    );
}

#[test]
fn a_claim_that_ignores_a_lease_is_found() {
    is_found(Plant::IgnoresLeases, 0..100, "although its lease runs");
}

#[test]
fn a_relay_that_moves_what_another_moved_is_found() {
    is_found(Plant::MovesTwice, 0..100, "two relays moved");
}

#[test]
fn a_refusal_by_a_worker_that_was_overtaken_is_found() {
    is_found(Plant::BelievesStaleRefusals, 0..200, "begun again blindly");
}

#[test]
fn an_effect_whose_intent_was_forgotten_is_found() {
    is_found(Plant::ForgetsIntents, 0..100, "was begun again blindly");
}

#[test]
fn news_that_make_nothing_run_again_are_found() {
    is_found(Plant::ForgetsNews, 0..100, " shows ");
}
