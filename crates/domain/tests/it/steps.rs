//! Outcomes of single steps, and when people are told.

use domain::{
    AreaBasis, AreaVerdict, DispatchState, Lane, Outcome, ParkCause, Stage, Status, WorkState,
};

use crate::world::{
    Findings, LEASE, SECOND, SECRET, World, after, hold, inbound, note, park, retry,
};

fn open_dispatch() -> (World, domain::RequestId) {
    let mut world = World::default();
    let id = world.call();
    world.qualify(id, &Findings::default());
    (world, id)
}

#[test]
fn people_are_told_once_no_dispatch_is_in_its_first_try_or_fast_lane() {
    let wait = |world: &World| Outcome::wait(after(world, 600), "the breaker is open");
    type Make = fn(&World) -> Outcome;
    let outcomes: [(Make, bool); 4] = [
        (|_| retry(), false),
        (|_| hold(SECRET), true),
        (|_| park(), true),
        (
            |world| Outcome::wait(after(world, 600), "the breaker is open"),
            true,
        ),
    ];
    for (outcome, is_told) in outcomes {
        let (mut world, id) = open_dispatch();
        assert_eq!(world.open(id), [Stage::Dispatch]);
        let job = world.claim(id, Stage::Dispatch);
        let outcome = outcome(&world);
        world.settle(&job, outcome.clone()).unwrap();
        let is_open = world.row(id, Stage::Notification).is_some();
        assert_eq!(is_open, is_told, "{outcome:?}");
    }
    // The slow lane counts as ended.
    let (mut world, id) = open_dispatch();
    for lane in [Lane::Fast, Lane::Fast, Lane::Fast, Lane::Fast, Lane::Slow] {
        assert!(world.row(id, Stage::Notification).is_none());
        world.now = world.row(id, Stage::Dispatch).unwrap().due_at;
        let job = world.claim(id, Stage::Dispatch);
        world.settle(&job, retry()).unwrap();
        assert_eq!(world.row(id, Stage::Dispatch).unwrap().lane, lane);
    }
    assert!(world.row(id, Stage::Notification).is_some());
    // Whoever was told is not told again when it gets there at last.
    world.run(id, Stage::Notification, &Findings::default());
    world.now = world.row(id, Stage::Dispatch).unwrap().due_at;
    let job = world.claim(id, Stage::Dispatch);
    let until = wait(&world);
    world.settle(&job, until).unwrap();
    world.drain(&Findings::default());
    let told = world
        .log
        .iter()
        .filter(|(_, entry)| entry.stage == Some(Stage::Notification));
    assert_eq!(told.count(), 1);
    assert_eq!(world.requests[&id].0.status, Status::Completed);
}

#[test]
fn without_recipients_nobody_is_told() {
    let mut world = World::default();
    let id = world.call();
    world.qualify(
        id,
        &Findings {
            notify: false,
            destinations: Vec::new(),
            ..Findings::default()
        },
    );
    assert_eq!(world.requests[&id].0.status, Status::Completed);
    assert_eq!(world.document(id).notifications, None);
}

#[test]
fn every_settle_takes_a_token_of_its_own() {
    for outcome in [retry(), park(), hold(SECRET)] {
        let (mut world, id) = open_dispatch();
        let job = world.claim(id, Stage::Dispatch);
        world.settle(&job, outcome).unwrap();
        let row = world.row(id, Stage::Dispatch).unwrap();
        assert_eq!((row.token, row.claims), (job.claim.token + 1, 0));
    }
}

#[test]
fn a_wait_is_noted_when_its_reason_is_new() {
    let (mut world, id) = open_dispatch();
    let seen = world.log.len();
    for reason in ["the breaker is open", "the breaker is open", "no answer"] {
        let job = world.claim(id, Stage::Dispatch);
        let until = after(&world, 60);
        world.settle(&job, Outcome::wait(until, reason)).unwrap();
        world.now = until;
    }
    let noted: Vec<_> = world.log[seen..]
        .iter()
        .filter(|(_, entry)| entry.outcome == "waiting")
        .map(|(_, entry)| entry.detail.as_deref().unwrap())
        .collect();
    assert_eq!(noted, ["the breaker is open", "no answer"]);
}

#[test]
fn a_secret_that_was_replaced_while_the_step_ran_is_tried_at_once() {
    for (version, is_held) in [(SECRET - 1, false), (SECRET, true), (SECRET + 1, true)] {
        let (mut world, id) = open_dispatch();
        let job = world.claim(id, Stage::Dispatch);
        world.settle(&job, hold(version)).unwrap();
        let row = world.row(id, Stage::Dispatch).unwrap();
        assert_eq!(matches!(row.state, WorkState::Held { .. }), is_held);
        assert_eq!(row.is_due(world.now), !is_held, "{version}");
    }
}

#[test]
fn an_unknown_outcome_that_is_waited_for_does_not_wait_for_ever() {
    let (mut world, id) = open_dispatch();
    for rounds in 0.. {
        assert!(rounds < 1_000);
        let row = world.row(id, Stage::Dispatch).unwrap().clone();
        if let WorkState::Parked { cause } = row.state {
            assert_eq!(cause, ParkCause::Deadline);
            break;
        }
        world.now = row.due_at;
        let job = world.claim(id, Stage::Dispatch);
        let outcome = Outcome::wait(after(&world, 3_600), "no answer came");
        world.settle(&job, outcome).unwrap();
    }
    assert_eq!(
        world.document(id).dispatches.values().next().unwrap().state,
        DispatchState::Parked
    );
    assert_eq!(
        world.words(id).last(),
        Some(&"parked"),
        "a wait that ends is noted"
    );
}

#[test]
fn a_waits_deadline_holds_after_an_innocent_failure_too() {
    let mut world = World::default();
    let id = world.call();
    let job = world.claim(id, Stage::Recording);
    world.settle(&job, retry()).unwrap();
    let deadline = after(&world, 300);
    for due_in in [200, 100] {
        world.now = world.row(id, Stage::Recording).unwrap().due_at;
        let job = world.claim(id, Stage::Recording);
        let outcome = Outcome::Wait {
            until: after(&world, 200),
            reason: "it runs".to_owned(),
            deadline: Some(deadline),
        };
        world.settle(&job, outcome).unwrap();
        let due_at = world.row(id, Stage::Recording).unwrap().due_at;
        assert!(due_at <= after(&world, due_in));
    }
    world.now = deadline;
    let job = world.claim(id, Stage::Recording);
    let outcome = Outcome::Wait {
        until: after(&world, 200),
        reason: "it runs".to_owned(),
        deadline: Some(deadline),
    };
    world.settle(&job, outcome).unwrap();
    assert!(matches!(
        world.row(id, Stage::Recording).unwrap().state,
        WorkState::Parked { .. }
    ));
}

#[test]
fn a_waits_deadline_does_not_shorten_the_slow_lane() {
    let (mut world, id) = open_dispatch();
    let job = world.claim(id, Stage::Dispatch);
    let outcome = Outcome::Wait {
        until: after(&world, 60),
        reason: "no answer came".to_owned(),
        deadline: Some(after(&world, 120)),
    };
    world.settle(&job, outcome).unwrap();
    let start = world.now;
    for _ in 0..10 {
        world.now = world.row(id, Stage::Dispatch).unwrap().due_at;
        let job = world.claim(id, Stage::Dispatch);
        world.settle(&job, retry()).unwrap();
    }
    let row = world.row(id, Stage::Dispatch).unwrap();
    assert_eq!((&row.state, row.lane), (&WorkState::Ready, Lane::Slow));
    assert!(row.due_at > domain::later(start, 3_600 * SECOND));
}

#[test]
fn a_dispatch_that_is_out_when_the_request_is_kept_back_is_taken_back() {
    let (mut world, id) = open_dispatch();
    let job = world.claim(id, Stage::Dispatch);
    world.settle(&job, hold(SECRET)).unwrap();
    assert_eq!(world.open(id), [Stage::Dispatch, Stage::Notification]);
    let mut moved = note("moved");
    moved.caller_postal_code = Some("10001".to_owned());
    world.event(id, &inbound(moved));
    let outside = Findings {
        area: AreaVerdict::Out(AreaBasis::PostalCode),
        ..Findings::default()
    };
    world.run(id, Stage::Analysis, &outside);
    assert_eq!(world.open(id), []);
    let request = &world.requests[&id].0;
    assert_eq!(request.status, Status::OutOfArea);
    assert_eq!(request.document.notifications, None);
    let dispatch = request.document.dispatches.values().next().unwrap();
    assert_eq!(dispatch.state, DispatchState::Pending);
    let reason = dispatch.reason.as_deref();
    assert_eq!(reason, Some("not sent: the request is kept back"));
    assert_eq!(
        world
            .words(id)
            .iter()
            .filter(|word| **word == "withdrawn")
            .count(),
        2
    );
}

#[test]
fn what_reached_the_crm_is_shown_as_done_although_its_next_push_is_taken_back() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    let before = world.document(id).clone();
    let seen = world.log.len();
    world.event(id, &inbound(note("news")));
    assert_eq!(world.open(id), [Stage::Dispatch]);
    let mut moved = note("moved");
    moved.caller_postal_code = Some("10001".to_owned());
    world.event(id, &inbound(moved.clone()));
    let outside = Findings {
        area: AreaVerdict::Out(AreaBasis::PostalCode),
        ..Findings::default()
    };
    world.run(id, Stage::Analysis, &outside);
    moved.note = Some("once more".to_owned());
    world.event(id, &inbound(moved));
    assert_eq!(world.open(id), []);
    let document = world.document(id);
    assert_eq!(document.dispatches, before.dispatches);
    assert_eq!(document.notifications, before.notifications);
    // An end is noted once, and what is no end is not.
    let words = world.log[seen..].iter().map(|(_, entry)| &*entry.outcome);
    assert_eq!(
        words.collect::<Vec<_>>(),
        [
            "received",
            "received",
            "done",
            "withdrawn",
            "out_of_area",
            "received"
        ]
    );
}

#[test]
fn a_message_that_was_not_sent_yet_is_taken_back_alone() {
    let (mut world, id) = open_dispatch();
    world.run(id, Stage::Dispatch, &Findings::default());
    assert_eq!(world.open(id), [Stage::Notification]);
    let dispatches = world.document(id).dispatches.clone();
    let mut moved = note("moved");
    moved.caller_postal_code = Some("10001".to_owned());
    world.event(id, &inbound(moved));
    let outside = Findings {
        area: AreaVerdict::Out(AreaBasis::PostalCode),
        ..Findings::default()
    };
    world.run(id, Stage::Analysis, &outside);
    assert_eq!(world.open(id), []);
    assert_eq!(world.document(id).notifications, None);
    assert_eq!(world.document(id).dispatches, dispatches);
}

#[test]
fn a_dispatch_that_runs_when_the_request_is_kept_back_ends_and_is_not_run_again() {
    let (mut world, id) = open_dispatch();
    let job = world.claim(id, Stage::Dispatch);
    let mut moved = note("moved");
    moved.caller_postal_code = Some("10001".to_owned());
    world.event(id, &inbound(moved));
    assert!(world.row(id, Stage::Dispatch).unwrap().again);
    let outside = Findings {
        area: AreaVerdict::Out(AreaBasis::PostalCode),
        ..Findings::default()
    };
    world.run(id, Stage::Analysis, &outside);
    assert_eq!(world.requests[&id].0.status, Status::Processing);
    world.settle(&job, job.done(&outside)).unwrap();
    assert_eq!(world.open(id), []);
    assert_eq!(world.requests[&id].0.status, Status::OutOfArea);
    assert_eq!(world.document(id).dispatches.len(), 1);
}

#[test]
fn a_crash_loop_of_a_dispatch_is_shown_and_people_are_told() {
    let (mut world, id) = open_dispatch();
    for _ in 0..20 {
        world.claim(id, Stage::Dispatch);
        world.now = domain::later(world.now, LEASE);
    }
    let row = world.row(id, Stage::Dispatch).unwrap().clone();
    assert!(world.try_claim(&row).is_none());
    assert_eq!(world.requests[&id].0.status, Status::Parked);
    let section = world.document(id).dispatches.values().next().unwrap();
    assert_eq!(section.state, DispatchState::Parked);
    assert!(world.row(id, Stage::Notification).is_some());
}
