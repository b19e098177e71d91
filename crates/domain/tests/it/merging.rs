//! Two requests that turn out to be one call.

use domain::{
    AreaBasis, AreaVerdict, Outcome, RequestId, RetryPolicy, SettleContext, Stage, Status,
    WorkState, transition,
};

use crate::world::{Findings, SECOND, World, after, inbound, note};

fn two() -> (World, RequestId, RequestId) {
    let mut world = World::default();
    let (first, second) = (world.call(), world.call());
    (world, first, second)
}

fn merge(world: &mut World, ids: &[RequestId]) {
    world.event_of_all(ids, &inbound(note("both")));
}

fn into(world: &World, id: RequestId) -> Option<RequestId> {
    world.document(id).merged_into
}

#[test]
fn the_older_goes_on_whoever_is_named_first() {
    for is_reversed in [false, true] {
        let (mut world, first, second) = two();
        let names = if is_reversed {
            [second, first]
        } else {
            [first, second]
        };
        merge(&mut world, &names);
        assert_eq!(
            (into(&world, first), into(&world, second)),
            (None, Some(first))
        );
        assert_eq!(world.requests[&second].0.status, Status::Merged);
        assert!(world.rows(second).is_empty());
        assert_eq!(world.document(first).source.events, 3);
    }
}

#[test]
fn the_one_that_reached_somebody_goes_on() {
    let (mut world, first, second) = two();
    world.qualify(second, &Findings::default());
    merge(&mut world, &[first, second]);
    assert_eq!(
        (into(&world, first), into(&world, second)),
        (Some(second), None)
    );
}

#[test]
fn two_that_both_reached_somebody_stay_apart() {
    let (mut world, first, second) = two();
    for id in [first, second] {
        world.qualify(id, &Findings::default());
    }
    merge(&mut world, &[first, second]);
    assert_eq!((into(&world, first), into(&world, second)), (None, None));
    assert!(world.words(first).contains(&"kept_apart"));
    // A stage that says so as its outcome would say so for ever.
    world.refetch(first);
    let job = world.claim(first, Stage::Recording);
    let outcome = Outcome::Merge { other: second };
    world.settle_with(&job, outcome, &[second]).unwrap();
    let row = world.row(first, Stage::Recording).unwrap();
    assert!(matches!(row.state, WorkState::Parked { .. }));
}

#[test]
fn a_stage_that_finds_the_same_merges_unless_both_reached_somebody() {
    let merge = |world: &mut World, id: RequestId, other: RequestId| {
        let job = world.claim(id, Stage::Recording);
        world.settle_with(&job, Outcome::Merge { other }, &[other])
    };
    let (mut world, first, second) = two();
    merge(&mut world, second, first).unwrap();
    assert_eq!(into(&world, second), Some(first));

    for reached_is_other in [true, false] {
        let (mut world, first, second) = two();
        let (reached, fresh) = (first, second);
        world.qualify(reached, &Findings::default());
        world.refetch(reached);
        if reached_is_other {
            merge(&mut world, fresh, reached).unwrap();
        } else {
            merge(&mut world, reached, fresh).unwrap();
        }
        assert_eq!(
            (into(&world, reached), into(&world, fresh)),
            (None, Some(reached))
        );
        let rows = world.rows(reached).iter();
        let mut parked = rows.filter(|row| matches!(row.state, WorkState::Parked { .. }));
        assert_eq!(parked.next(), None);
    }
}

#[test]
fn a_stage_that_finds_nothing_but_its_own_request_asks_a_person() {
    let (mut world, first, second) = two();
    merge(&mut world, &[first, second]);
    let job = world.claim(first, Stage::Recording);
    let outcome = Outcome::Merge { other: second };
    let context = SettleContext {
        now: world.now,
        retry: &RetryPolicy::default(),
        connection_version: None,
        draw: 0.0,
        duration: SECOND,
    };
    // The other is part of it by now.
    for others in [vec![world.state(first)], vec![world.state(second)]] {
        let state = world.state(first);
        let plan = transition::settle(state, others, &job.claim, outcome.clone(), context);
        let plan = plan.unwrap();
        assert_eq!(plan.merged, []);
        let row = &plan.changes.last().unwrap().put[0];
        assert!(matches!(row.state, WorkState::Parked { .. }), "{row:?}");
    }
}

#[test]
fn the_newest_news_count_whoever_goes_on() {
    let (mut world, first, second) = two();
    world.event(first, &inbound(note("old")));
    world.event(second, &inbound(note("newer")));
    merge(&mut world, &[second, first]);
    assert_eq!(into(&world, second), Some(first));
    assert_eq!(world.document(first).call().note.as_deref(), Some("both"));
}

#[test]
fn news_outrank_what_the_provider_said_of_the_other_before() {
    let (mut world, first, second) = two();
    let findings = Findings {
        api: note("the provider's"),
        ..Findings::default()
    };
    world.refetch(first);
    world.run(first, Stage::Recording, &findings);
    world.event(second, &inbound(note("news")));
    let from_second = world.claim(second, Stage::Recording);
    let done = from_second.done(&Findings::default());
    world.settle_with(&from_second, done, &[first]).unwrap();
    assert_eq!(into(&world, second), Some(first));
    assert_eq!(world.document(first).call().note.as_deref(), Some("news"));
    // Which of the two is right, the provider knows.
    assert!(world.open(first).contains(&Stage::Recording));
}

#[test]
fn a_look_for_news_that_came_meanwhile_is_not_spared() {
    let (mut world, first, second) = two();
    world.run(first, Stage::Recording, &Findings::default());
    world.refetch(first);
    let asked = world.claim(first, Stage::Recording);
    world.event(first, &inbound(note("news")));
    let findings = Findings {
        api: note("before the news"),
        ..Findings::default()
    };
    world.settle(&asked, asked.done(&findings)).unwrap();
    let outcome = Outcome::Merge { other: first };
    let job = world.claim(second, Stage::Recording);
    world.settle_with(&job, outcome, &[first]).unwrap();
    assert_eq!(into(&world, second), Some(first));
    assert!(world.open(first).contains(&Stage::Recording));
}

#[test]
fn empty_sections_are_filled_and_work_that_is_done_is_not_done_again() {
    let (mut world, first, second) = two();
    let findings = Findings::default();
    world.run(second, Stage::Recording, &findings);
    world.run(second, Stage::Transcript, &findings);
    merge(&mut world, &[second, first]);
    assert_eq!(world.open(first), [Stage::Analysis]);
    assert!(world.document(first).transcript.is_some());
}

#[test]
fn a_transcript_that_the_winners_analysis_has_not_read_is_analysed() {
    for is_running in [true, false] {
        let (mut world, first, second) = two();
        let findings = Findings {
            destinations: Vec::new(),
            notify: false,
            ..Findings::default()
        };
        let silent = Findings {
            audio: None,
            ..findings.clone()
        };
        world.run(first, Stage::Recording, &silent);
        let early = world.claim(first, Stage::Analysis);
        world.run(second, Stage::Recording, &findings);
        world.run(second, Stage::Transcript, &findings);
        if is_running {
            merge(&mut world, &[first, second]);
            world.settle(&early, early.done(&findings)).unwrap();
        } else {
            world.settle(&early, early.done(&findings)).unwrap();
            merge(&mut world, &[first, second]);
        }
        assert_eq!(world.open(first), [Stage::Analysis]);
        world.drain(&findings);
        assert_eq!(
            world.document(first).analysis.as_ref().unwrap().summary,
            "1"
        );
    }
}

#[test]
fn an_analysis_that_runs_is_not_replaced_by_one_that_knows_less() {
    let (mut world, first, second) = two();
    let findings = Findings {
        destinations: Vec::new(),
        notify: false,
        ..Findings::default()
    };
    let silent = Findings {
        audio: None,
        ..findings.clone()
    };
    world.run(first, Stage::Recording, &findings);
    world.run(first, Stage::Transcript, &findings);
    world.claim(first, Stage::Analysis);
    world.qualify(second, &silent);
    merge(&mut world, &[first, second]);
    // Whoever ran it is gone.
    world.drain(&findings);
    assert_eq!(
        world.document(first).analysis.as_ref().unwrap().summary,
        "1"
    );
}

#[test]
fn a_recording_of_higher_revision_can_still_be_fetched_again() {
    let (mut world, first, second) = two();
    for _ in 0..3 {
        if world.row(second, Stage::Recording).is_some() {
            world.run(second, Stage::Recording, &Findings::default());
        }
        world.refetch(second);
    }
    world.run(second, Stage::Recording, &Findings::default());
    merge(&mut world, &[first, second]);
    assert!(world.row(first, Stage::Recording).is_none());
    world.refetch(first);
    assert!(world.row(first, Stage::Recording).is_some());
}

#[test]
fn an_analysis_of_higher_revision_can_still_be_made_again() {
    let (mut world, first, second) = two();
    let findings = |audio| Findings {
        audio: Some(audio),
        destinations: Vec::new(),
        notify: false,
        ..Findings::default()
    };
    world.qualify(second, &findings(1));
    for audio in [2, 3] {
        world.refetch(second);
        world.qualify(second, &findings(audio));
    }
    merge(&mut world, &[first, second]);
    world.drain(&findings(3));
    world.refetch(first);
    world.qualify(first, &findings(4));
    assert_eq!(
        world.document(first).analysis.as_ref().unwrap().summary,
        "4"
    );
}

#[test]
fn a_step_that_waits_for_news_gets_them_from_the_other() {
    let (mut world, first, second) = two();
    let job = world.claim(first, Stage::Recording);
    let until = after(&world, 300);
    world
        .settle(&job, Outcome::wait(until, "no recording yet"))
        .unwrap();
    merge(&mut world, &[second, first]);
    assert_eq!(
        world.row(first, Stage::Recording).unwrap().due_at,
        world.now
    );
}

#[test]
fn what_the_loser_was_working_on_is_stale() {
    let (mut world, first, second) = two();
    let job = world.claim(second, Stage::Recording);
    merge(&mut world, &[first, second]);
    let outcome = job.done(&Findings::default());
    assert!(world.settle(&job, outcome).is_err());
}

#[test]
fn a_merge_into_one_that_is_kept_back_opens_nothing_outward() {
    let (mut world, first, second) = two();
    let outside = Findings {
        area: AreaVerdict::Out(AreaBasis::PostalCode),
        ..Findings::default()
    };
    world.qualify(first, &outside);
    merge(&mut world, &[second, first]);
    assert_eq!(into(&world, second), Some(first));
    assert_eq!(world.requests[&first].0.status, Status::OutOfArea);
    assert!(world.rows(first).is_empty());
}

#[test]
fn three_become_one_in_any_order() {
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let (mut world, first, second) = two();
        let ids = [first, second, world.call()];
        merge(&mut world, &order.map(|index| ids[index]));
        assert_eq!(world.follow(ids[1]), first);
        assert_eq!(world.follow(ids[2]), first);
        assert_eq!(world.document(first).source.events, 4);
    }
}

#[test]
fn a_request_that_is_named_twice_is_merged_once() {
    let (mut world, first, second) = two();
    merge(&mut world, &[first, second, second, first]);
    assert_eq!(world.document(first).source.events, 3);
}
