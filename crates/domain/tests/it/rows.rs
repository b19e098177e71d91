//! One row of work: when it can be taken, by whom, and what a take and a release make of it.

use std::time::Duration;

use domain::{
    ClaimResult, ConnectionName, Lane, OpenWork, ParkCause, RequestId, Stage, TenantId, Wake,
    WorkKey, WorkRow, WorkState, later,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::world::{LEASE, SECOND, name};

const START: Timestamp = Timestamp::UNIX_EPOCH;

fn key(stage: Stage, target: &str) -> WorkKey {
    WorkKey {
        tenant: TenantId::new("tenant_a").unwrap(),
        request: RequestId::from_uuid(Uuid::from_u128(1)),
        stage,
        target: target.to_owned(),
    }
}

fn at(seconds: u64) -> Timestamp {
    later(START, Duration::from_secs(seconds))
}

/// A row that is due `delay` seconds after the start.
fn row(delay: u64) -> WorkRow {
    let delay = Duration::from_secs(delay);
    WorkRow::new(key(Stage::Recording, ""), START, delay, None)
}

fn in_state(state: WorkState) -> WorkRow {
    WorkRow {
        state,
        next_wake_at: None,
        lane: Lane::Slow,
        token: 7,
        wakes: 3,
        claims: 2,
        failures: 4,
        waits: 5,
        rerun_requested: true,
        deadline: Some(at(9)),
        reason: Some("refused".to_owned()),
        answer: Some("401".to_owned()),
        ..row(0)
    }
}

fn held() -> WorkState {
    WorkState::Held {
        connection: name("crm"),
        version: 1,
    }
}

fn parked() -> WorkState {
    WorkState::Parked {
        cause: ParkCause::Permanent,
    }
}

#[test]
fn a_stage_reads_back_as_it_is_stored() {
    for (stage, word) in Stage::ALL.into_iter().zip([
        "reading",
        "details",
        "documents",
        "recording",
        "transcript",
        "booking",
        "analysis",
        "dispatch",
        "notification",
    ]) {
        assert_eq!((stage.as_str(), stage.to_string()), (word, word.to_owned()));
        assert_eq!(word.parse(), Ok(stage));
    }
    let fault = "Reading".parse::<Stage>().unwrap_err();
    assert!(
        fault.contains("reading, details, documents, recording"),
        "{fault}"
    );
}

#[test]
fn the_relay_looks_after_ten_seconds_or_when_the_row_is_due() {
    assert_eq!((row(0).due_at, row(0).next_wake_at), (START, Some(at(10))));
    assert_eq!((row(5).due_at, row(5).next_wake_at), (at(5), Some(at(5))));
    for (wakes, seconds) in [(0, 10), (1, 30), (2, 120), (3, 600), (9, 600)] {
        let pause = WorkRow::next_relay_pause(wakes);
        assert_eq!(pause, Duration::from_secs(seconds));
    }
}

#[test]
fn a_wake_up_carries_the_rows_token() {
    let row = in_state(WorkState::Ready);
    let expected = Wake {
        v: Wake::VERSION,
        key: key(Stage::Recording, ""),
        token: 7,
    };
    assert_eq!(row.wake(), expected);
}

#[test]
fn a_row_is_taken_once_it_is_due_and_by_its_token_alone() {
    let mut row = row(5);
    row.wakes = 3;
    let before = row.clone();
    for (token, now) in [(1, at(4)), (0, at(5)), (2, at(5))] {
        assert_eq!(row.claim(token, now, LEASE), ClaimResult::NotNow);
        assert_eq!(row, before);
    }
    assert_eq!(row.claim(1, at(5), LEASE), ClaimResult::Claimed);
    let lease_until = at(65);
    assert_eq!(row.state, WorkState::InFlight { lease_until });
    assert_eq!(row.next_wake_at, Some(lease_until));
    assert_eq!((row.token, row.claims, row.wakes), (2, 1, 0));
}

#[test]
fn a_row_that_is_worked_on_is_taken_when_its_lease_has_ended() {
    let mut row = row(0);
    assert_eq!(row.claim(1, START, LEASE), ClaimResult::Claimed);
    assert_eq!(row.claim(2, at(59), LEASE), ClaimResult::NotNow);
    assert_eq!(row.claim(1, at(60), LEASE), ClaimResult::NotNow);
    assert_eq!(row.claim(2, at(60), LEASE), ClaimResult::Claimed);
    assert_eq!((row.token, row.claims), (3, 2));
}

#[test]
fn what_is_held_or_parked_is_never_due() {
    for state in [held(), parked()] {
        let mut row = in_state(state);
        let before = row.clone();
        assert!(!row.is_due(at(1_000_000)));
        assert_eq!(row.claim(7, at(1_000_000), LEASE), ClaimResult::NotNow);
        assert_eq!(row, before);
    }
}

#[test]
fn a_row_that_is_never_settled_is_parked_after_twenty_claims() {
    let mut row = row(0);
    for claims in 1..=WorkRow::CRASH_LOOP_CLAIMS {
        let now = at(u64::from(claims) * 100);
        assert_eq!(row.claim(row.token, now, LEASE), ClaimResult::Claimed);
        assert_eq!(row.claims, claims);
    }
    let (token, now) = (row.token, at(100_000));
    assert_eq!(row.claim(token, now, LEASE), ClaimResult::CrashLoop);
    let cause = ParkCause::CrashLoop;
    assert_eq!(row.state, WorkState::Parked { cause });
    assert_eq!((row.token, row.next_wake_at), (token + 1, None));
    let reason = row.reason.as_deref().unwrap();
    assert!(reason.contains("20 times"), "{reason}");
}

#[test]
fn new_data_lets_a_running_row_run_again_and_keeps_its_token() {
    let mut row = row(0);
    row.claim(1, START, LEASE);
    let before = row.clone();
    row.request_rerun(at(1), Duration::ZERO);
    let expected = WorkRow {
        rerun_requested: true,
        ..before
    };
    assert_eq!(row, expected);
}

#[test]
fn new_data_pulls_a_waiting_row_forward_and_never_back() {
    let waiting = WorkRow {
        waits: 2,
        ..row(100)
    };
    let pulled = |delay: u64| {
        let mut row = waiting.clone();
        row.request_rerun(at(30), Duration::from_secs(delay));
        row
    };
    let now = pulled(0);
    assert_eq!((now.due_at, now.next_wake_at), (at(30), Some(at(40))));
    assert_eq!((now.waits, now.token, now.rerun_requested), (1, 1, false));
    let soon = pulled(20);
    assert_eq!((soon.due_at, soon.next_wake_at), (at(50), Some(at(50))));
    for delay in [70, 71] {
        assert_eq!(pulled(delay), waiting);
    }
}

#[test]
fn new_data_leaves_what_failed_or_stopped_as_it_is() {
    let failing = WorkRow {
        failures: 1,
        ..row(100)
    };
    for before in [failing, in_state(held()), in_state(parked())] {
        let mut row = before.clone();
        row.request_rerun(START, Duration::ZERO);
        assert_eq!(row, before);
    }
}

#[test]
fn a_release_starts_what_stopped_as_if_it_were_new() {
    for state in [held(), parked()] {
        let mut released = in_state(state);
        assert!(released.release(at(30)));
        let expected = WorkRow {
            token: 8,
            due_at: at(30),
            next_wake_at: Some(at(40)),
            ..row(0)
        };
        assert_eq!(released, expected);
    }
    let lease_until = at(60);
    for state in [WorkState::Ready, WorkState::InFlight { lease_until }] {
        let mut row = in_state(state);
        let before = row.clone();
        assert!(!row.release(at(30)));
        assert_eq!(row, before);
    }
}

#[test]
fn open_work_is_found_by_stage_and_target() {
    let empty = OpenWork::default();
    assert!(empty.is_empty() && empty.iter().next().is_none());
    let dispatch = |target: &ConnectionName| {
        WorkRow::new(
            key(Stage::Dispatch, target.as_str()),
            START,
            SECOND,
            Some("00-1".to_owned()),
        )
    };
    let (one, other) = (dispatch(&name("crm")), dispatch(&name("other")));
    let open = OpenWork::new(vec![other.clone(), one.clone()]);
    assert!(!open.is_empty());
    assert_eq!(open.iter().collect::<Vec<_>>(), [&one, &other]);
    assert_eq!(open.get(Stage::Dispatch, "crm"), Some(&one));
    assert!(open.has(Stage::Dispatch, "other"));
    assert!(!open.has(Stage::Dispatch, "") && !open.has(Stage::Recording, "crm"));
}
