//! What people do to a request.

use domain::{
    Channel, DispatchState, ParkCause, RequestId, ReviewAction, SpamGate, Stage, Status,
    VerdictKind, WorkState, transition,
};

use crate::world::{Findings, SECRET, World, hold, park};

#[test]
fn a_request_in_review_goes_on_once_it_is_approved() {
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let id = world.lead();
        world.qualify(id, &Findings::gated(SpamGate::Review));
        assert_eq!(
            (world.status(id), world.open(id)),
            (Status::InReview, vec![])
        );
        world.decide(id, VerdictKind::Approved).unwrap();
        assert_eq!(world.open(id), [Stage::Dispatch]);
        let refused = world.decide(id, VerdictKind::Approved).unwrap_err();
        assert!(refused.contains("`processing`"), "{refused}");
        world.drain(&Findings::gated(SpamGate::Review));
        assert_eq!(world.status(id), Status::Completed);
        let verdict = world.document(id).verdict.clone().unwrap();
        assert_eq!(verdict.by, "ann");
        // The verdict outranks a later analysis.
        world.replay(id, Stage::Analysis).unwrap();
        world.drain(&Findings::gated(SpamGate::Quarantine));
        assert_eq!(world.status(id), Status::Completed);
    }
}

#[test]
fn a_rejected_request_is_quarantined_until_it_is_released() {
    let review = Findings::gated(SpamGate::Review);
    let mut world = World::default();
    let id = world.lead();
    world.qualify(id, &review);
    world.decide(id, VerdictKind::Rejected).unwrap();
    assert_eq!(
        (world.status(id), world.open(id)),
        (Status::Quarantined, vec![])
    );
    assert!(world.decide(id, VerdictKind::Rejected).is_err());
    world.decide(id, VerdictKind::Approved).unwrap();
    world.drain(&review);
    assert_eq!(world.status(id), Status::Completed);
    let words = world.words(id);
    for word in ["rejected", "quarantined", "released", "completed"] {
        assert!(words.contains(&word), "{words:?}");
    }
}

#[test]
fn a_request_that_waits_for_no_verdict_takes_none() {
    let mut world = World::default();
    let new = world.lead();
    let done = world.completed(&Findings::default());
    let before = world.requests.clone();
    for id in [new, done] {
        for kind in [VerdictKind::Approved, VerdictKind::Rejected] {
            let refused = world.decide(id, kind).unwrap_err();
            assert!(refused.contains("in review"), "{refused}");
        }
    }
    assert_eq!(world.requests, before);
}

#[test]
fn a_merged_or_erased_request_takes_nothing() {
    let merge_away = |world: &mut World, id| {
        let (request, _) = world.requests.get_mut(&id).unwrap();
        request.document.merged_into = Some(RequestId::from_uuid(uuid::Uuid::nil()));
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
        let id = world.lead();
        world.qualify(id, &Findings::gated(gate));
        end(&mut world, id);
        for action in [
            ReviewAction::Approve,
            ReviewAction::Reject,
            ReviewAction::Release,
        ] {
            let refused = transition::decide(world.state(id), action, "ann", world.now);
            assert!(refused.is_err(), "{gate:?} {action:?}");
        }
        for from in Stage::ALL {
            let refused = transition::replay(world.state(id), from, "ann", world.now).unwrap_err();
            assert!(refused.to_string().contains("nothing of it"), "{refused}");
        }
    }
}

#[test]
fn every_redrive_runs_again() {
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let (id, stage) = (world.lead(), world.first());
        for round in 0..3 {
            let job = world.claim(id, stage);
            world.settle(&job, park()).unwrap();
            assert_eq!(world.status(id), Status::Parked, "{round}");
            assert_eq!(world.redrive(), 1);
            let row = world.row(id, stage).unwrap();
            assert_eq!(row.state, WorkState::Ready);
            assert_eq!((row.failures, row.claims, row.deadline), (0, 0, None));
            assert_eq!(world.redrive(), 0, "it is running already");
        }
        world.drain(&Findings::default());
        assert_eq!(world.status(id), Status::Completed);
    }
}

#[test]
fn a_replay_runs_the_stage_and_what_follows() {
    for channel in Channel::ALL {
        // These forms have no files.
        let stages = channel.pipeline().skip(1);
        let pipeline: Vec<_> = stages.filter(|stage| *stage != Stage::Documents).collect();
        for from in Stage::ALL {
            let expected = match pipeline.iter().position(|stage| *stage == from) {
                Some(start) => [&pipeline[start..], &[Stage::Dispatch]].concat(),
                None if matches!(from, Stage::Dispatch | Stage::Notification) => vec![from],
                None => continue,
            };
            let mut world = World::of(channel);
            let id = world.completed(&Findings::default());
            let seen = world.log.len();
            world.replay(id, from).unwrap();
            assert_eq!(world.open(id), [from], "{channel}");
            world.drain(&Findings::default());
            assert_eq!(world.done_since(seen), expected, "{channel} from {from}");
            assert_eq!(world.status(id), Status::Completed);
            let revision = world.document(id).revisions.of(Stage::Notification);
            assert_eq!(revision, u32::from(from == Stage::Notification));
        }
    }
}

#[test]
fn without_audio_a_replay_still_judges_again() {
    let findings = Findings::without_audio();
    let (recording, rest) = (Stage::Recording, [Stage::Analysis, Stage::Dispatch]);
    for (from, expected) in [
        (recording, [&[recording], rest.as_slice()].concat()),
        (Stage::Transcript, rest.to_vec()),
    ] {
        let mut world = World::default();
        let id = world.completed(&findings);
        let seen = world.log.len();
        world.replay(id, from).unwrap();
        world.drain(&findings);
        assert_eq!(world.done_since(seen), expected, "from {from}");
    }
}

#[test]
fn a_second_replay_does_not_end_the_wait_for_the_first() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    world.replay(id, Stage::Details).unwrap();
    world.replay(id, Stage::Analysis).unwrap();
    assert_eq!(world.open(id), [Stage::Details]);
    world.run(id, Stage::Details, &Findings::default());
    assert_eq!(world.open(id), [Stage::Recording]);
    world.replay(id, Stage::Details).unwrap();
    assert_eq!(world.open(id), [Stage::Details, Stage::Recording]);
    world.drain(&Findings::default());
    assert_eq!(world.document(id).awaits, None);
}

#[test]
fn a_replay_reruns_what_stopped_behind_its_stage() {
    let mut world = World::default();
    let id = world.lead();
    world.qualify(id, &Findings::default());
    let job = world.claim(id, Stage::Dispatch);
    world.settle(&job, park()).unwrap();
    world.replay(id, Stage::Analysis).unwrap();
    let row = world.row(id, Stage::Dispatch).unwrap();
    assert_eq!(row.state, WorkState::Ready);
    world.drain(&Findings::default());
    assert_eq!(world.status(id), Status::Completed);
}

#[test]
fn a_replay_leaves_earlier_stops_and_running_rows_alone() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    world.refetch(id);
    let details = world.claim(id, Stage::Details);
    world.settle(&details, park()).unwrap();
    world.event(id, &world.note("news"));
    let dispatch = world.claim(id, Stage::Dispatch);
    let seen = world.log.len();
    world.replay(id, Stage::Dispatch).unwrap();
    let words: Vec<_> = world.log[seen..]
        .iter()
        .map(|(_, entry)| &*entry.outcome)
        .collect();
    assert_eq!(words, ["replayed"]);
    let stopped = world.row(id, Stage::Details).unwrap();
    assert!(matches!(stopped.state, WorkState::Parked { .. }));
    let running = world.row(id, Stage::Dispatch).unwrap();
    assert_eq!(
        (running.token, running.rerun_requested),
        (dispatch.claim.token, true)
    );
}

#[test]
fn a_dispatch_that_may_run_again_is_shown_as_pending() {
    for (stop, state) in [
        (park(), DispatchState::Parked),
        (hold(SECRET), DispatchState::Held),
    ] {
        for is_by_secret in [false, true] {
            let mut world = World::default();
            let id = world.lead();
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
fn a_replay_that_cannot_run_is_refused_and_says_why() {
    let mut world = World::default();
    let withheld = world.lead();
    world.qualify(withheld, &Findings::gated(SpamGate::Quarantine));
    let unread = world.receive(Err("broken JSON".to_owned()));
    let new = world.lead();
    let before = world.requests.clone();
    for (id, from, why) in [
        (withheld, Stage::Dispatch, "release"),
        (withheld, Stage::Notification, "release"),
        (unread, Stage::Analysis, "`reading`"),
        (new, Stage::Notification, "first messages"),
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

#[test]
fn a_channel_does_not_replay_a_stage_that_it_lacks() {
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let id = world.completed(&Findings::default());
        let before = world.requests.clone();
        let lacking = Stage::ALL.into_iter();
        for stage in lacking.filter(|stage| channel.position(*stage).is_none()) {
            let refused = world.replay(id, stage).unwrap_err();
            assert!(refused.contains("has no stage"), "{refused}");
        }
        assert_eq!(world.requests, before);
    }
}
