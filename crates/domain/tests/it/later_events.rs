//! News that come while something runs, waits, or is done.

use domain::{Audio, CallFacts, Outcome, Section, SpamGate, Stage, Status, VerdictKind, WorkState};

use crate::world::{Findings, World, after, inbound, note, retry, shown};

fn has_recording() -> CallFacts {
    CallFacts {
        has_recording: Some(true),
        ..CallFacts::default()
    }
}

fn without_audio() -> Findings {
    Findings {
        audio: None,
        ..Findings::default()
    }
}

#[test]
fn news_while_a_dispatch_runs_are_dispatched_afterwards() {
    let mut world = World::default();
    let findings = Findings::default();
    let id = world.call();
    world.qualify(id, &findings);
    let job = world.claim(id, Stage::Dispatch);
    world.event(id, &inbound(note("new")));
    world.settle(&job, job.done(&findings)).unwrap();
    assert_eq!(world.open(id), [Stage::Dispatch], "nobody is told before");
    let job = world.claim(id, Stage::Dispatch);
    assert_eq!(job.request.document.call().note.as_deref(), Some("new"));
    world.settle(&job, job.done(&findings)).unwrap();
    assert_eq!(world.open(id), [Stage::Notification]);
    // A failure reads the news when it is tried again.
    let job = world.claim(id, Stage::Notification);
    world.event(id, &inbound(note("newer")));
    assert_eq!(world.open(id), [Stage::Dispatch, Stage::Notification]);
    world.settle(&job, job.done(&findings)).unwrap();
    let job = world.claim(id, Stage::Dispatch);
    world.event(id, &inbound(note("newest")));
    world.settle(&job, retry()).unwrap();
    world.drain(&findings);
    let shown = world.document(id).dispatches.values().next().unwrap();
    assert!(shown.fields_hash.as_deref().unwrap().contains("newest"));
}

#[test]
fn an_event_while_the_recording_is_waited_for_looks_at_once_and_spends_no_wait() {
    let mut world = World::default();
    let id = world.call();
    let job = world.claim(id, Stage::Recording);
    let until = after(&world, 30);
    world
        .settle(&job, Outcome::wait(until, "no recording yet"))
        .unwrap();
    for edit in ["one", "two", "three"] {
        world.event(id, &inbound(note(edit)));
        let row = world.row(id, Stage::Recording).unwrap();
        assert_eq!((row.due_at, row.waits), (world.now, 0));
        let job = world.claim(id, Stage::Recording);
        let until = after(&world, 30);
        world
            .settle(&job, Outcome::wait(until, "no recording yet"))
            .unwrap();
        assert_eq!(world.row(id, Stage::Recording).unwrap().waits, 1);
    }
    // One that comes while it is looked for counts neither.
    world.now = until;
    let job = world.claim(id, Stage::Recording);
    world.event(id, &inbound(has_recording()));
    let later = after(&world, 60);
    world
        .settle(&job, Outcome::wait(later, "no recording yet"))
        .unwrap();
    let row = world.row(id, Stage::Recording).unwrap();
    assert_eq!((row.due_at, row.waits), (world.now, 1));
    assert_eq!(world.requests[&id].0.status, Status::Processing);
    assert_eq!(world.open(id), [Stage::Recording]);
}

#[test]
fn a_recording_that_comes_after_completion_is_heard_and_dispatched_and_nobody_is_told_twice() {
    let mut world = World::default();
    let id = world.completed(&without_audio());
    world.event(id, &inbound(has_recording()));
    let findings = Findings::default();
    for stage in [
        Stage::Recording,
        Stage::Transcript,
        Stage::Analysis,
        Stage::Dispatch,
    ] {
        assert_eq!(world.open(id), [stage]);
        world.run(id, stage, &findings);
    }
    assert_eq!(world.requests[&id].0.status, Status::Completed);
    assert_eq!(world.document(id).analysis.as_ref().unwrap().summary, "1");
}

#[test]
fn a_recording_that_never_arrived_is_looked_for_again_with_the_next_event() {
    let mut world = World::default();
    let first = inbound(has_recording());
    let id = world.receive(Ok(first.clone()));
    world.drain(&without_audio());
    world.event(id, &first);
    assert_eq!(world.open(id), [Stage::Recording]);
    world.run(id, Stage::Recording, &Findings::default());
    assert_eq!(world.open(id), [Stage::Transcript]);
}

#[test]
fn news_are_dispatched_while_a_recording_is_looked_for_once_more() {
    let mut world = World::default();
    let id = world.completed(&without_audio());
    world.event(id, &inbound(has_recording()));
    let job = world.claim(id, Stage::Recording);
    let until = after(&world, 1_200);
    world
        .settle(&job, Outcome::wait(until, "no recording yet"))
        .unwrap();
    world.event(id, &inbound(note("call back")));
    assert!(world.row(id, Stage::Dispatch).is_some());
}

#[test]
fn a_transcript_that_comes_while_the_analysis_runs_is_analysed() {
    let mut world = World::default();
    let id = world.call();
    world.run(id, Stage::Recording, &without_audio());
    let early = world.claim(id, Stage::Analysis);
    world.event(id, &inbound(has_recording()));
    let findings = Findings::default();
    world.run(id, Stage::Recording, &findings);
    world.run(id, Stage::Transcript, &findings);
    world.settle(&early, early.done(&findings)).unwrap();
    assert_eq!(world.open(id), [Stage::Analysis]);
    world.drain(&findings);
    assert_eq!(world.document(id).analysis.as_ref().unwrap().summary, "1");
}

#[test]
fn an_archived_recording_stays_although_the_provider_has_it_no_more() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    world.refetch(id);
    world.run(id, Stage::Recording, &without_audio());
    let recording = world.document(id).recording.as_ref().unwrap();
    assert!(matches!(recording.audio, Audio::Stored { .. }));
    assert!(world.rows(id).is_empty());
}

#[test]
fn what_the_provider_says_when_asked_again_counts_until_the_next_event() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    world.event(id, &inbound(note("two")));
    world.refetch(id);
    let api = |text: &str| Findings {
        api: CallFacts {
            tags: Some(vec![text.to_owned()]),
            ..note(text)
        },
        ..Findings::default()
    };
    world.drain(&api("one"));
    assert_eq!(world.document(id).call().note.as_deref(), Some("one"));
    // The next event says something of the note only: the tags are still those of the answer.
    world.event(id, &inbound(note("three")));
    let call = world.document(id).call();
    assert_eq!(call.note.as_deref(), Some("three"));
    assert_eq!(call.tags, Some(vec!["one".to_owned()]));
}

#[test]
fn a_provider_that_is_asked_again_before_it_was_asked_at_all_knows_better_than_the_deliveries() {
    for is_running in [false, true] {
        let mut world = World::default();
        let id = world.call();
        world.event(id, &inbound(note("two")));
        let running = is_running.then(|| world.claim(id, Stage::Recording));
        // The delivery before comes again: which of the two is the newer one?
        world.refetch(id);
        let findings = Findings {
            api: note("one"),
            ..Findings::default()
        };
        if let Some(job) = running {
            world.settle(&job, job.done(&findings)).unwrap();
        }
        world.drain(&findings);
        assert_eq!(world.document(id).call().note.as_deref(), Some("one"));
        let shown = world.document(id).dispatches.values().next().unwrap();
        assert!(shown.fields_hash.as_deref().unwrap().contains("one"));
    }
}

#[test]
fn a_first_report_that_was_overtaken_only_fills_what_is_missing() {
    let mut world = World::default();
    let id = world.call();
    world.event(id, &inbound(note("edited")));
    let mut first = inbound(note("first"));
    first.is_modified = false;
    first.call.duration_seconds = Some(60);
    world.event(id, &first);
    let call = world.document(id).call();
    assert_eq!(call.note.as_deref(), Some("edited"));
    assert_eq!(call.duration_seconds, Some(60));
}

#[test]
fn while_a_request_is_kept_back_later_events_are_stored_only() {
    let out = domain::AreaVerdict::Out(domain::AreaBasis::PostalCode);
    for (gate, area) in [
        (domain::SpamGate::Review, domain::AreaVerdict::Unknown),
        (domain::SpamGate::Quarantine, domain::AreaVerdict::Unknown),
        (domain::SpamGate::Pass, out),
    ] {
        let mut world = World::default();
        let id = world.call();
        let findings = Findings {
            gate,
            area,
            ..Findings::default()
        };
        world.qualify(id, &findings);
        let status = world.requests[&id].0.status;
        let mut facts = has_recording();
        facts.note = Some("new".to_owned());
        facts.caller_number = Some("+15125550142".to_owned());
        world.event(id, &inbound(facts));
        world.refetch(id);
        assert_eq!(
            (world.requests[&id].0.status, world.rows(id)),
            (status, &[][..])
        );
        assert_eq!(world.document(id).call().note.as_deref(), Some("new"));
    }
}

#[test]
fn what_was_stored_while_a_request_was_kept_back_is_dispatched_once_it_is_let_through() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    let mut moved = note("one");
    moved.caller_postal_code = Some("10001".to_owned());
    world.event(id, &inbound(moved));
    let review = Findings {
        gate: domain::SpamGate::Review,
        ..Findings::default()
    };
    world.drain(&review);
    assert_eq!(world.requests[&id].0.status, Status::InReview);
    world.event(id, &inbound(note("two")));
    assert!(world.rows(id).is_empty());
    let mut request = world.requests[&id].0.clone();
    request.document.verdict = Some(domain::Verdict {
        decision: domain::VerdictKind::Approved,
        by: "operator".to_owned(),
        at: world.now,
    });
    let steps = domain::workflow::next(&request, &domain::OpenWork::default());
    let stages: Vec<_> = steps.iter().map(|step| step.stage).collect();
    assert_eq!(stages, [Stage::Dispatch]);
}

#[test]
fn a_crm_that_shows_all_there_was_learns_what_came_while_the_request_was_kept_back() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    world.event(id, &inbound(note("news")));
    let mut moved = note("moved");
    moved.caller_postal_code = Some("10001".to_owned());
    world.event(id, &inbound(moved));
    // This push knows the move, and ends although the request is in review by then.
    let job = world.claim(id, Stage::Dispatch);
    let in_review = Findings {
        gate: SpamGate::Review,
        ..Findings::default()
    };
    world.run(id, Stage::Analysis, &in_review);
    world.settle(&job, job.done(&in_review)).unwrap();
    world.event(id, &inbound(note("while it is kept back")));
    assert_eq!(world.open(id), []);
    world.decide(id, VerdictKind::Approved).unwrap();
    assert_eq!(world.open(id), [Stage::Dispatch]);
    world.drain(&in_review);
    let document = world.document(id);
    let section = document.dispatches.values().next().unwrap();
    assert_eq!(section.fields_hash, Some(shown(document)));
}

#[test]
fn a_readable_event_takes_an_unreadable_one_out_of_reading() {
    let mut world = World::default();
    let id = world.receive(Err("broken JSON".to_owned()));
    assert_eq!(world.requests[&id].0.status, Status::Parked);
    world.redrive();
    let job = world.claim(id, Stage::Reading);
    world.settle(&job, job.done(&Findings::default())).unwrap();
    assert_eq!(world.open(id), [Stage::Recording]);
}

#[test]
fn an_edit_that_came_while_an_older_delivery_was_read_stays_one() {
    let mut world = World::default();
    let id = world.receive(Err("broken JSON".to_owned()));
    world.redrive();
    let job = world.claim(id, Stage::Reading);
    world.event(id, &inbound(note("edited")));
    assert!(world.document(id).source.is_modified);
    world.settle(&job, job.done(&Findings::default())).unwrap();
    let source = &world.document(id).source;
    assert!(source.is_modified && source.unread.is_none());
}

#[test]
fn what_the_provider_says_of_a_recording_is_no_reason_to_ask_it_again() {
    let mut world = World::default();
    let id = world.call();
    let findings = Findings {
        api: has_recording(),
        ..without_audio()
    };
    world.run(id, Stage::Recording, &findings);
    assert_eq!(world.open(id), [Stage::Analysis]);
}

#[test]
fn what_waits_for_a_replayed_recording_waits_for_that_one_alone() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    world.replay(id, Stage::Recording).unwrap();
    assert_eq!(world.open(id), [Stage::Recording]);
    world.drain(&Findings::default());
    assert!(!world.document(id).revisions.awaits_recording);
    world.refetch(id);
    world.event(id, &inbound(note("news")));
    assert_eq!(world.open(id), [Stage::Recording, Stage::Dispatch]);
}

#[test]
fn an_event_that_is_waited_for_starts_the_work() {
    let mut world = World::default();
    let mut first = inbound(CallFacts::default());
    first.delay = std::time::Duration::from_secs(60);
    let id = world.receive(Ok(first));
    let row = world.row(id, Stage::Recording).unwrap();
    assert_eq!(row.due_at, after(&world, 60));
    let mut second = inbound(CallFacts::default());
    second.delay = std::time::Duration::from_secs(5);
    world.event(id, &second);
    let row = world.row(id, Stage::Recording).unwrap();
    assert_eq!(
        (row.due_at, row.next_wake_at),
        (after(&world, 5), Some(after(&world, 5)))
    );
    world.event(id, &inbound(CallFacts::default()));
    let row = world.row(id, Stage::Recording).unwrap();
    assert_eq!((&row.state, row.due_at), (&WorkState::Ready, world.now));
}

#[test]
fn what_is_read_again_is_compared_with_what_the_provider_knows() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    world.event(id, &inbound(note("newer")));
    world.drain(&Findings::default());
    world.replay(id, Stage::Reading).unwrap();
    // The delivery that came last was an older one again.
    let job = world.claim(id, Stage::Reading);
    let mut read = job.request.document.source.clone();
    read.unread = None;
    read.hear(&inbound(note("older")));
    let section = Section::Source(Box::new(read));
    world.settle(&job, Outcome::done(section)).unwrap();
    assert!(world.open(id).contains(&Stage::Recording));
}

#[test]
fn news_that_come_while_the_provider_is_asked_outrank_its_answer() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    world.refetch(id);
    let asked = world.claim(id, Stage::Recording);
    world.event(id, &inbound(note("news")));
    let findings = Findings {
        api: note("before the news"),
        ..Findings::default()
    };
    world.settle(&asked, asked.done(&findings)).unwrap();
    assert_eq!(world.document(id).call().note.as_deref(), Some("news"));
    // What it says by now counts.
    let findings = Findings {
        api: note("by now"),
        ..Findings::default()
    };
    world.drain(&findings);
    assert_eq!(world.document(id).call().note.as_deref(), Some("by now"));
}
