//! Live events: no gap, no repeat, order kept, whoever dies meanwhile.
#![expect(clippy::print_stdout, reason = "figures that are worth reading")]

use tests::{
    crash::Program,
    has_emulators,
    live::{self, Options, Outcome, Told},
    programs,
};

const OPTIONS: Options = Options {
    events: 10_000,
    kills: 8,
    seed: 20_260_317,
};

fn check(outcome: &Outcome) {
    println!("{outcome}");
    assert!(outcome.kept.len() >= OPTIONS.events, "{outcome}");
    assert_eq!(outcome.findings(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_of_one_process_see_everything_once() {
    let program = Program::new([env!("CARGO_BIN_EXE_crash"), "pipeline"]);
    check(&live::in_one_process(&program, OPTIONS).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_of_a_fleet_see_everything_once() {
    if has_emulators() {
        check(&Box::pin(live::in_a_fleet(programs(), OPTIONS)).await);
    }
}

#[test]
fn gaps_repeats_and_swaps_are_found() {
    let told = |id: usize| Told {
        id: id.to_string(),
        kind: "source".to_owned(),
        object: "src_1".to_owned(),
        cause: "source.enable".to_owned(),
    };
    let findings = |seen: &[usize]| {
        let kept = (1..=4).map(told).collect();
        let seen = vec![(seen.iter().copied().map(told).collect(), 1)];
        Outcome { kept, seen }.findings().len()
    };
    assert_eq!(findings(&[1, 2, 3, 4]), 0);
    for seen in [
        &[1, 2, 4][..],
        &[1, 2, 2, 3, 4],
        &[1, 3, 2, 4],
        &[1, 2, 3],
        &[1, 2, 3, 4, 4],
        &[2, 3, 4],
    ] {
        assert_eq!(findings(seen), 1, "{seen:?}");
    }
}
