//! What people do to a request.

use domain::{
    DispatchState, ParkCause, Ruling, SpamGate, Stage, Status, VerdictKind, WorkState, transition,
};

use crate::world::*;

fn gated(gate: SpamGate) -> Findings {
    Findings {
        gate,
        ..Findings::default()
    }
}

fn status(world: &World, id: domain::RequestId) -> Status {
    world.requests[&id].0.status
}

#[test]
fn what_is_in_review_and_approved_goes_on_once() {
    let mut world = World::default();
    let id = world.call();
    world.qualify(id, &gated(SpamGate::Review));
    assert_eq!(
        (status(&world, id), world.open(id)),
        (Status::InReview, vec![])
    );
    world.decide(id, VerdictKind::Approved).unwrap();
    assert_eq!(world.open(id), [Stage::Dispatch]);
    let refused = world.decide(id, VerdictKind::Approved).unwrap_err();
    assert!(refused.contains("`processing`"), "{refused}");
    world.drain(&gated(SpamGate::Review));
    assert_eq!(status(&world, id), Status::Completed);
    let verdict = world.document(id).verdict.clone().unwrap();
    assert_eq!(verdict.by, "ann");
    // The verdict outranks a later analysis.
    world.replay(id, Stage::Analysis).unwrap();
    world.drain(&gated(SpamGate::Quarantine));
    assert_eq!(status(&world, id), Status::Completed);
}

#[test]
fn what_is_rejected_is_quarantined_until_it_is_released() {
    let mut world = World::default();
    let id = world.call();
    world.qualify(id, &gated(SpamGate::Review));
    world.decide(id, VerdictKind::Rejected).unwrap();
    assert_eq!(
        (status(&world, id), world.open(id)),
        (Status::Quarantined, vec![])
    );
    assert!(world.decide(id, VerdictKind::Rejected).is_err());
    world.decide(id, VerdictKind::Approved).unwrap();
    world.drain(&gated(SpamGate::Review));
    assert_eq!(status(&world, id), Status::Completed);
    let words = world.words(id);
    for word in ["rejected", "quarantined", "released", "completed"] {
        assert!(words.contains(&word), "{words:?}");
    }
}

#[test]
fn what_waits_for_no_verdict_is_left_as_it_is() {
    let mut world = World::default();
    let fresh = world.call();
    let done = world.completed(&Findings::default());
    let before = world.requests.clone();
    for id in [fresh, done] {
        for kind in [VerdictKind::Approved, VerdictKind::Rejected] {
            let refused = world.decide(id, kind).unwrap_err();
            assert!(refused.contains("in review"), "{refused}");
        }
    }
    assert_eq!(world.requests, before);
}

#[test]
fn what_was_merged_or_erased_is_left_as_it_is() {
    let merge_away = |world: &mut World, id| {
        let (request, _) = world.requests.get_mut(&id).unwrap();
        request.document.merged_into = Some(domain::RequestId::from_uuid(uuid::Uuid::nil()));
    };
    let erase = |world: &mut World, id| {
        let (request, _) = world.requests.get_mut(&id).unwrap();
        request.document.erased = true;
    };
    for (end, gate) in [
        (merge_away as fn(&mut World, _), SpamGate::Review),
        (merge_away, SpamGate::Quarantine),
        (erase, SpamGate::Review),
        (erase, SpamGate::Quarantine),
    ] {
        let mut world = World::default();
        let id = world.call();
        world.qualify(id, &gated(gate));
        end(&mut world, id);
        for ruling in [Ruling::Approve, Ruling::Reject, Ruling::Release] {
            let refused = transition::decide(world.state(id), ruling, "ann", world.now);
            assert!(refused.is_err(), "{gate:?} {ruling:?}");
        }
        for from in Stage::ALL {
            let refused = transition::replay(world.state(id), from, "ann", world.now).unwrap_err();
            assert!(refused.to_string().contains("nothing of it"), "{refused}");
        }
    }
}

#[test]
fn every_redrive_runs_again() {
    let mut world = World::default();
    let id = world.call();
    for round in 0..3 {
        let job = world.claim(id, Stage::Recording);
        world.settle(&job, park()).unwrap();
        assert_eq!(status(&world, id), Status::Parked, "{round}");
        assert_eq!(world.redrive(), 1);
        let row = world.row(id, Stage::Recording).unwrap();
        assert_eq!(row.state, WorkState::Ready);
        assert_eq!((row.failures, row.claims, row.deadline), (0, 0, None));
        // What runs already is not let run once more.
        assert_eq!(world.redrive(), 0);
    }
    world.drain(&Findings::default());
    assert_eq!(status(&world, id), Status::Completed);
}

#[test]
fn a_replay_runs_the_stage_and_what_follows_from_it() {
    let with_audio = Findings {
        audio: Some(1),
        ..Findings::default()
    };
    let stages = [
        (
            Stage::Recording,
            vec![
                Stage::Recording,
                Stage::Transcript,
                Stage::Analysis,
                Stage::Dispatch,
            ],
        ),
        (
            Stage::Transcript,
            vec![Stage::Transcript, Stage::Analysis, Stage::Dispatch],
        ),
        (Stage::Analysis, vec![Stage::Analysis, Stage::Dispatch]),
        (Stage::Dispatch, vec![Stage::Dispatch]),
        (Stage::Notification, vec![Stage::Notification]),
    ];
    for (from, expected) in stages {
        let mut world = World::default();
        let id = world.completed(&with_audio);
        let seen = world.log.len();
        world.replay(id, from).unwrap();
        assert_eq!(world.open(id), [expected[0]], "{from}");
        world.drain(&with_audio);
        let done = world.log[seen..]
            .iter()
            .filter(|(_, entry)| entry.outcome == "done");
        let done: Vec<_> = done.map(|(_, entry)| entry.stage.unwrap()).collect();
        assert_eq!(done, expected, "from {from}");
        assert_eq!(status(&world, id), Status::Completed);
        let told = world.document(id).revisions.notification;
        assert_eq!(told, u32::from(from == Stage::Notification));
    }
}

#[test]
fn without_audio_a_replay_judges_again_all_the_same() {
    let without_audio = Findings {
        audio: None,
        ..Findings::default()
    };
    let (recording, rest) = (Stage::Recording, [Stage::Analysis, Stage::Dispatch]);
    for (from, expected) in [
        (recording, [&[recording], rest.as_slice()].concat()),
        (Stage::Transcript, rest.to_vec()),
    ] {
        let mut world = World::default();
        let id = world.completed(&without_audio);
        let seen = world.log.len();
        world.replay(id, from).unwrap();
        world.drain(&without_audio);
        let done = world.log[seen..]
            .iter()
            .filter(|(_, entry)| entry.outcome == "done");
        let done: Vec<_> = done.map(|(_, entry)| entry.stage.unwrap()).collect();
        assert_eq!(done, expected, "from {from}");
    }
}

#[test]
fn a_replay_runs_what_stopped_behind_its_stage() {
    let mut world = World::default();
    let id = world.call();
    world.qualify(id, &Findings::default());
    let job = world.claim(id, Stage::Dispatch);
    world.settle(&job, park()).unwrap();
    world.replay(id, Stage::Analysis).unwrap();
    let row = world.row(id, Stage::Dispatch).unwrap();
    assert_eq!(row.state, WorkState::Ready);
    world.drain(&Findings::default());
    assert_eq!(status(&world, id), Status::Completed);
}

#[test]
fn a_replay_leaves_alone_what_stopped_before_its_stage_and_what_runs() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    world.refetch(id);
    let recording = world.claim(id, Stage::Recording);
    world.settle(&recording, park()).unwrap();
    world.event(id, &inbound(note("news")));
    let dispatch = world.claim(id, Stage::Dispatch);
    let seen = world.log.len();
    world.replay(id, Stage::Dispatch).unwrap();
    let words: Vec<_> = world.log[seen..]
        .iter()
        .map(|(_, entry)| &*entry.outcome)
        .collect();
    assert_eq!(words, ["replayed"]);
    let stopped = world.row(id, Stage::Recording).unwrap();
    assert!(matches!(stopped.state, WorkState::Parked { .. }));
    let running = world.row(id, Stage::Dispatch).unwrap();
    assert_eq!((running.token, running.again), (dispatch.claim.token, true));
}

#[test]
fn a_dispatch_that_may_run_again_is_shown_as_pending() {
    for (stop, state) in [
        (park(), DispatchState::Parked),
        (hold(SECRET), DispatchState::Held),
    ] {
        for is_by_secret in [false, true] {
            let mut world = World::default();
            let id = world.call();
            world.qualify(id, &Findings::default());
            let job = world.claim(id, Stage::Dispatch);
            world.settle(&job, stop.clone()).unwrap();
            let shown = |world: &World| {
                let section = world.document(id).dispatches.values().next().unwrap();
                (section.state, section.reason.is_some())
            };
            assert_eq!(shown(&world), (state, true));
            if is_by_secret && state == DispatchState::Held {
                world.replace_secret();
            } else {
                world.redrive();
            }
            assert_eq!(shown(&world), (DispatchState::Pending, false));
        }
    }
}

#[test]
fn a_replay_that_cannot_be_is_refused_and_says_why() {
    let mut world = World::default();
    let kept_back = world.call();
    world.qualify(kept_back, &gated(SpamGate::Quarantine));
    let unread = world.receive(Err("broken JSON".to_owned()));
    let fresh = world.call();
    let before = world.requests.clone();
    for (id, from, why) in [
        (kept_back, Stage::Dispatch, "release"),
        (kept_back, Stage::Notification, "release"),
        (unread, Stage::Analysis, "`reading`"),
        (fresh, Stage::Notification, "first messages"),
    ] {
        let refused = world.replay(id, from).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
    assert_eq!(world.requests, before);
    let WorkState::Parked { cause } = world.row(unread, Stage::Reading).unwrap().state else {
        panic!("it is parked")
    };
    assert_eq!(cause, ParkCause::Unreadable);
    world.replay(unread, Stage::Reading).unwrap();
    assert_eq!(
        world.row(unread, Stage::Reading).unwrap().state,
        WorkState::Ready
    );
}
