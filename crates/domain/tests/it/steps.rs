//! Outcomes of single steps, and when people are notified.

use domain::{Channel, DispatchState, Lane, Outcome, ParkCause, Stage, Status, WorkState};

use crate::world::{Findings, LEASE, SECOND, SECRET, World, after, hold, park, retry};

fn open_dispatch(channel: Channel) -> (World, domain::RequestId) {
    let mut world = World::of(channel);
    let id = world.lead();
    world.qualify(id, &Findings::default());
    (world, id)
}

#[test]
fn people_are_notified_after_each_dispatch_had_its_first_tries() {
    for channel in Channel::ALL {
        let (world, id) = open_dispatch(channel);
        let wait = Outcome::wait(after(&world, 600), "the breaker is open");
        for (outcome, is_notified) in [
            (retry(), false),
            (hold(SECRET), true),
            (park(), true),
            (wait, true),
        ] {
            let mut world = world.clone();
            assert_eq!(world.open(id), [Stage::Dispatch]);
            let job = world.claim(id, Stage::Dispatch);
            world.settle(&job, outcome.clone()).unwrap();
            let is_open = world.row(id, Stage::Notification).is_some();
            assert_eq!(is_open, is_notified, "{outcome:?}");
        }
    }
}

#[test]
fn people_are_notified_when_a_dispatch_enters_the_slow_lane() {
    let (mut world, id) = open_dispatch(Channel::Phone);
    for lane in [Lane::Fast, Lane::Fast, Lane::Fast, Lane::Fast, Lane::Slow] {
        assert!(world.row(id, Stage::Notification).is_none());
        world.now = world.row(id, Stage::Dispatch).unwrap().due_at;
        let job = world.claim(id, Stage::Dispatch);
        world.settle(&job, retry()).unwrap();
        assert_eq!(world.row(id, Stage::Dispatch).unwrap().lane, lane);
    }
    assert!(world.row(id, Stage::Notification).is_some());
    world.run(id, Stage::Notification, &Findings::default());
    // Nobody is notified again once it succeeds.
    world.now = world.row(id, Stage::Dispatch).unwrap().due_at;
    let job = world.claim(id, Stage::Dispatch);
    let wait = Outcome::wait(after(&world, 600), "the breaker is open");
    world.settle(&job, wait).unwrap();
    world.drain(&Findings::default());
    let notified = world.log.iter();
    let notified = notified.filter(|(_, entry)| entry.stage == Some(Stage::Notification));
    assert_eq!(notified.count(), 1);
    assert_eq!(world.status(id), Status::Completed);
}

#[test]
fn without_recipients_nobody_is_notified() {
    let mut world = World::default();
    let id = world.lead();
    world.qualify(
        id,
        &Findings {
            notify: false,
            destinations: Vec::new(),
            ..Findings::default()
        },
    );
    assert_eq!(world.status(id), Status::Completed);
    assert_eq!(world.document(id).notifications, None);
}

#[test]
fn every_settle_raises_the_token() {
    for outcome in [retry(), park(), hold(SECRET)] {
        let (mut world, id) = open_dispatch(Channel::Phone);
        let job = world.claim(id, Stage::Dispatch);
        world.settle(&job, outcome).unwrap();
        let row = world.row(id, Stage::Dispatch).unwrap();
        assert_eq!((row.token, row.claims), (job.claim.token + 1, 0));
    }
}

#[test]
fn a_wait_is_noted_when_its_reason_is_new() {
    let (mut world, id) = open_dispatch(Channel::Phone);
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
fn a_secret_replaced_during_the_step_is_tried_at_once() {
    for (version, is_held) in [(SECRET - 1, false), (SECRET, true), (SECRET + 1, true)] {
        let (mut world, id) = open_dispatch(Channel::Phone);
        let job = world.claim(id, Stage::Dispatch);
        world.settle(&job, hold(version)).unwrap();
        let row = world.row(id, Stage::Dispatch).unwrap();
        assert_eq!(matches!(row.state, WorkState::Held { .. }), is_held);
        assert_eq!(row.is_due(world.now), !is_held, "{version}");
    }
}

#[test]
fn a_wait_for_an_unknown_outcome_ends() {
    let (mut world, id) = open_dispatch(Channel::Phone);
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
fn a_waits_deadline_holds_after_a_failure_too() {
    let mut world = World::default();
    let id = world.lead();
    let job = world.claim(id, Stage::Details);
    world.settle(&job, retry()).unwrap();
    let deadline = after(&world, 300);
    for due_in in [200, 100] {
        world.now = world.row(id, Stage::Details).unwrap().due_at;
        let job = world.claim(id, Stage::Details);
        let outcome = Outcome::Wait {
            until: after(&world, 200),
            reason: "it runs".to_owned(),
            deadline: Some(deadline),
        };
        world.settle(&job, outcome).unwrap();
        let due_at = world.row(id, Stage::Details).unwrap().due_at;
        assert!(due_at <= after(&world, due_in));
    }
    world.now = deadline;
    let job = world.claim(id, Stage::Details);
    let outcome = Outcome::Wait {
        until: after(&world, 200),
        reason: "it runs".to_owned(),
        deadline: Some(deadline),
    };
    world.settle(&job, outcome).unwrap();
    assert!(matches!(
        world.row(id, Stage::Details).unwrap().state,
        WorkState::Parked { .. }
    ));
}

#[test]
fn a_waits_deadline_does_not_shorten_the_slow_lane() {
    let (mut world, id) = open_dispatch(Channel::Phone);
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
fn what_still_waits_is_withdrawn_from_a_withheld_request() {
    let (mut world, id) = open_dispatch(Channel::Phone);
    let job = world.claim(id, Stage::Dispatch);
    world.settle(&job, hold(SECRET)).unwrap();
    assert_eq!(world.open(id), [Stage::Dispatch, Stage::Notification]);
    world.event(id, &world.moved());
    world.run(id, Stage::Analysis, &Findings::outside_the_area());
    assert_eq!(world.open(id), []);
    let request = &world.requests[&id].0;
    assert_eq!(request.status, Status::OutOfArea);
    assert_eq!(request.document.notifications, None);
    let dispatch = request.document.dispatches.values().next().unwrap();
    assert_eq!(dispatch.state, DispatchState::Pending);
    let reason = dispatch.reason.as_deref();
    assert_eq!(reason, Some("not sent: the request is withheld"));
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
fn a_past_dispatch_stays_done_when_the_next_is_withdrawn() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    let before = world.document(id).clone();
    let seen = world.log.len();
    world.event(id, &world.note("news"));
    assert_eq!(world.open(id), [Stage::Dispatch]);
    world.event(id, &world.moved());
    world.run(id, Stage::Analysis, &Findings::outside_the_area());
    world.event(id, &world.note("once more"));
    assert_eq!(world.open(id), []);
    let document = world.document(id);
    assert_eq!(document.dispatches, before.dispatches);
    assert_eq!(document.notifications, before.notifications);
    // The timeline has each terminal status once, and no other.
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
fn a_message_that_was_not_sent_yet_is_withdrawn_alone() {
    let (mut world, id) = open_dispatch(Channel::Phone);
    world.run(id, Stage::Dispatch, &Findings::default());
    assert_eq!(world.open(id), [Stage::Notification]);
    let dispatches = world.document(id).dispatches.clone();
    world.event(id, &world.moved());
    world.run(id, Stage::Analysis, &Findings::outside_the_area());
    assert_eq!(world.open(id), []);
    assert_eq!(world.document(id).notifications, None);
    assert_eq!(world.document(id).dispatches, dispatches);
}

#[test]
fn a_running_dispatch_of_a_withheld_request_ends_for_good() {
    let (mut world, id) = open_dispatch(Channel::Phone);
    let job = world.claim(id, Stage::Dispatch);
    world.event(id, &world.moved());
    assert!(world.row(id, Stage::Dispatch).unwrap().rerun_requested);
    world.run(id, Stage::Analysis, &Findings::outside_the_area());
    assert_eq!(world.status(id), Status::Processing);
    world.settle(&job, job.done(&Findings::default())).unwrap();
    assert_eq!(world.open(id), []);
    assert_eq!(world.status(id), Status::OutOfArea);
    assert_eq!(world.document(id).dispatches.len(), 1);
}

#[test]
fn a_crash_loop_of_a_dispatch_is_shown_and_reported() {
    let (mut world, id) = open_dispatch(Channel::Phone);
    for _ in 0..20 {
        world.claim(id, Stage::Dispatch);
        world.now = domain::later(world.now, LEASE);
    }
    let row = world.row(id, Stage::Dispatch).unwrap().clone();
    assert!(world.try_claim(&row).is_none());
    assert_eq!(world.status(id), Status::Parked);
    let section = world.document(id).dispatches.values().next().unwrap();
    assert_eq!(section.state, DispatchState::Parked);
    assert!(world.row(id, Stage::Notification).is_some());
}
