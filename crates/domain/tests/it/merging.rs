//! Two requests that turn out to be one lead.

use domain::{
    Channel, DetailsAnswer, DetailsSection, NoDetails, Outcome, RequestId, RetryPolicy, Section,
    SettleContext, Stage, Status, WorkState, transition,
};

use crate::world::{Findings, SECOND, World, after};

fn two() -> (World, RequestId, RequestId) {
    two_of(Channel::Phone)
}

fn two_of(channel: Channel) -> (World, RequestId, RequestId) {
    let mut world = World::of(channel);
    let (first, second) = (world.lead(), world.lead());
    (world, first, second)
}

fn merge(world: &mut World, ids: &[RequestId]) {
    world.event_of_all(ids, &world.note("both"));
}

fn into(world: &World, id: RequestId) -> Option<RequestId> {
    world.document(id).merged_into
}

fn note(world: &World, id: RequestId) -> Option<String> {
    world.document(id).facts().labels.note
}

fn summary(world: &World, id: RequestId) -> &str {
    &world.document(id).analysis.as_ref().unwrap().summary
}

/// Nobody outside gets anything.
fn silent(audio: Option<u8>) -> Findings {
    Findings {
        audio,
        destinations: Vec::new(),
        notify: false,
        ..Findings::default()
    }
}

#[test]
fn the_older_goes_on_whichever_is_named_first() {
    let channels = Channel::ALL.into_iter();
    for (channel, is_reversed) in channels.flat_map(|one| [(one, false), (one, true)]) {
        let (mut world, first, second) = two_of(channel);
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
        assert_eq!(world.status(second), Status::Merged);
        assert!(world.rows(second).is_empty());
        assert_eq!(world.document(first).source.events, 3);
    }
}

#[test]
fn the_request_that_had_effects_goes_on() {
    for channel in Channel::ALL {
        let (mut world, first, second) = two_of(channel);
        world.qualify(second, &Findings::default());
        merge(&mut world, &[first, second]);
        assert_eq!(
            (into(&world, first), into(&world, second)),
            (Some(second), None)
        );
    }
}

#[test]
fn two_requests_that_both_had_effects_stay_apart() {
    let (mut world, first, second) = two();
    for id in [first, second] {
        world.qualify(id, &Findings::default());
    }
    merge(&mut world, &[first, second]);
    assert_eq!((into(&world, first), into(&world, second)), (None, None));
    assert!(world.words(first).contains(&"kept_apart"));
    // A stage that says so as its outcome would say so for ever.
    world.refetch(first);
    let job = world.claim(first, Stage::Details);
    let outcome = Outcome::Merge { other: second };
    world.settle_with(&job, outcome, &[second]).unwrap();
    let row = world.row(first, Stage::Details).unwrap();
    assert!(matches!(row.state, WorkState::Parked { .. }));
}

#[test]
fn two_canonical_ids_are_never_one() {
    let (mut world, first, second) = two();
    for (id, canonical) in [(first, "long-1"), (second, "long-2")] {
        let news = world.edit(|facts| facts.canonical_id = Some(canonical.to_owned()));
        world.event(id, &news);
    }
    merge(&mut world, &[first, second]);
    assert_eq!((into(&world, first), into(&world, second)), (None, None));
    let job = world.claim(second, Stage::Details);
    let outcome = Outcome::Merge { other: first };
    world.settle_with(&job, outcome, &[first]).unwrap();
    let row = world.row(second, Stage::Details).unwrap();
    assert!(matches!(row.state, WorkState::Parked { .. }));
    // What is known by another id alone may be the same.
    let third = world.lead();
    merge(&mut world, &[first, third]);
    assert_eq!(into(&world, third), Some(first));
    let facts = world.document(first).facts();
    assert_eq!(facts.external_id.as_deref(), Some("long-1"));
}

#[test]
fn a_new_id_is_asked_for_where_the_first_was_unknown() {
    let mut world = World::of(Channel::Phone);
    let id = world.lead();
    let job = world.claim(id, Stage::Details);
    let unknown = DetailsSection {
        revision: 0,
        answer: DetailsAnswer::Absent(NoDetails::Unknown),
        is_newer: false,
    };
    let unknown = Outcome::done(Section::Details(unknown));
    world.settle(&job, unknown).unwrap();
    let note = world.note("the same id");
    world.event(id, &note);
    assert!(!world.open(id).contains(&Stage::Details));
    let news = world.edit(|facts| facts.canonical_id = Some("long-1".to_owned()));
    world.event(id, &news);
    assert!(world.open(id).contains(&Stage::Details));
}

#[test]
fn a_stage_can_merge_unless_both_had_effects() {
    let merge = |world: &mut World, id: RequestId, other: RequestId| {
        let job = world.claim(id, Stage::Details);
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
fn a_merge_with_itself_is_parked() {
    let (mut world, first, second) = two();
    merge(&mut world, &[first, second]);
    let job = world.claim(first, Stage::Details);
    let outcome = Outcome::Merge { other: second };
    let context = SettleContext {
        now: world.now,
        retry: &RetryPolicy::default(),
        connection_version: None,
        jitter: 0.0,
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
fn the_newest_news_count_whichever_goes_on() {
    let (mut world, first, second) = two();
    world.event(first, &world.note("old"));
    world.event(second, &world.note("newer"));
    merge(&mut world, &[second, first]);
    assert_eq!(into(&world, second), Some(first));
    assert_eq!(note(&world, first).as_deref(), Some("both"));
}

#[test]
fn news_outrank_an_older_answer_about_the_other() {
    let (mut world, first, second) = two();
    let findings = Findings::noted("the provider's");
    world.refetch(first);
    world.run(first, Stage::Details, &findings);
    world.event(second, &world.note("news"));
    let from_second = world.claim(second, Stage::Details);
    let done = from_second.done(&Findings::default());
    world.settle_with(&from_second, done, &[first]).unwrap();
    assert_eq!(into(&world, second), Some(first));
    assert_eq!(note(&world, first).as_deref(), Some("news"));
    // Which of the two is right, the provider knows.
    assert!(world.open(first).contains(&Stage::Details));
}

#[test]
fn a_refetch_for_later_news_is_not_dropped() {
    let (mut world, first, second) = two();
    world.run(first, Stage::Details, &Findings::default());
    world.refetch(first);
    let asked = world.claim(first, Stage::Details);
    world.event(first, &world.note("news"));
    let done = asked.done(&Findings::noted("before the news"));
    world.settle(&asked, done).unwrap();
    let outcome = Outcome::Merge { other: first };
    let job = world.claim(second, Stage::Details);
    world.settle_with(&job, outcome, &[first]).unwrap();
    assert_eq!(into(&world, second), Some(first));
    assert!(world.open(first).contains(&Stage::Details));
}

#[test]
fn empty_sections_are_filled_and_no_work_is_repeated() {
    let (mut world, first, second) = two();
    let findings = Findings::default();
    world.gather(second, &findings);
    merge(&mut world, &[second, first]);
    assert_eq!(world.open(first), [Stage::Analysis]);
    assert!(world.document(first).transcript.is_some());
}

#[test]
fn a_transcript_that_the_analysis_lacks_is_judged() {
    for is_running in [true, false] {
        let (mut world, first, second) = two();
        world.gather(first, &silent(None));
        let early = world.claim(first, Stage::Analysis);
        world.gather(second, &silent(Some(1)));
        let done = early.done(&silent(Some(1)));
        if is_running {
            merge(&mut world, &[first, second]);
            world.settle(&early, done).unwrap();
        } else {
            world.settle(&early, done).unwrap();
            merge(&mut world, &[first, second]);
        }
        assert_eq!(world.open(first), [Stage::Analysis]);
        world.drain(&silent(Some(1)));
        assert_eq!(summary(&world, first), "1");
    }
}

#[test]
fn a_running_analysis_is_not_replaced_by_a_poorer_one() {
    let (mut world, first, second) = two();
    world.gather(first, &silent(Some(1)));
    world.claim(first, Stage::Analysis);
    world.qualify(second, &silent(None));
    merge(&mut world, &[first, second]);
    // Its worker is gone.
    world.drain(&silent(Some(1)));
    assert_eq!(summary(&world, first), "1");
}

#[test]
fn details_of_a_higher_revision_are_still_fetched_again() {
    let (mut world, first, second) = two();
    for _ in 0..3 {
        if world.row(second, Stage::Details).is_some() {
            world.run(second, Stage::Details, &Findings::default());
        }
        world.refetch(second);
    }
    world.run(second, Stage::Details, &Findings::default());
    merge(&mut world, &[first, second]);
    assert!(world.row(first, Stage::Details).is_none());
    world.refetch(first);
    assert!(world.row(first, Stage::Details).is_some());
}

#[test]
fn an_analysis_of_a_higher_revision_is_still_made_again() {
    let (mut world, first, second) = two();
    world.qualify(second, &silent(Some(1)));
    for audio in [2, 3] {
        world.replay(second, Stage::Recording).unwrap();
        world.qualify(second, &silent(Some(audio)));
    }
    merge(&mut world, &[first, second]);
    world.drain(&silent(Some(3)));
    world.replay(first, Stage::Recording).unwrap();
    world.qualify(first, &silent(Some(4)));
    assert_eq!(summary(&world, first), "4");
}

#[test]
fn a_merge_ends_a_wait_for_news() {
    let (mut world, first, second) = two();
    let job = world.claim(first, Stage::Details);
    let until = after(&world, 300);
    world
        .settle(&job, Outcome::wait(until, "no recording yet"))
        .unwrap();
    merge(&mut world, &[second, first]);
    assert_eq!(world.row(first, Stage::Details).unwrap().due_at, world.now);
}

#[test]
fn a_claim_of_the_merged_request_is_stale() {
    let (mut world, first, second) = two();
    let job = world.claim(second, Stage::Details);
    merge(&mut world, &[first, second]);
    let outcome = job.done(&Findings::default());
    assert!(world.settle(&job, outcome).is_err());
}

#[test]
fn a_merge_into_a_withheld_request_opens_nothing() {
    let (mut world, first, second) = two();
    world.qualify(first, &Findings::outside_the_area());
    merge(&mut world, &[second, first]);
    assert_eq!(into(&world, second), Some(first));
    assert_eq!(world.status(first), Status::OutOfArea);
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
        let ids = [first, second, world.lead()];
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
