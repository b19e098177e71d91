//! News that come while something runs, waits, or is done.

use domain::{
    About, Audio, Channel, DetailsAnswer, News, NoDetails, Outcome, Section, SpamGate, Stage,
    Status, VerdictKind, WorkState,
};

use crate::world::{Findings, World, after, change, read, retry, shown};

fn has_recording(world: &World) -> News {
    world.edit(|facts| change(&mut facts.about, 1))
}

fn summary(world: &World, id: domain::RequestId) -> &str {
    &world.document(id).analysis.as_ref().unwrap().summary
}

#[test]
fn news_during_a_dispatch_are_dispatched_afterwards() {
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let findings = Findings::default();
        let id = world.lead();
        world.qualify(id, &findings);
        let job = world.claim(id, Stage::Dispatch);
        world.event(id, &world.note("new"));
        world.settle(&job, job.done(&findings)).unwrap();
        assert_eq!(
            world.open(id),
            [Stage::Dispatch],
            "nobody is notified before"
        );
        let job = world.claim(id, Stage::Dispatch);
        let labels = job.request.document.facts().labels;
        assert_eq!(labels.note.as_deref(), Some("new"));
        world.settle(&job, job.done(&findings)).unwrap();
        assert_eq!(world.open(id), [Stage::Notification]);
        // A failure reads the news when it is tried again.
        let job = world.claim(id, Stage::Notification);
        world.event(id, &world.note("newer"));
        assert_eq!(world.open(id), [Stage::Dispatch, Stage::Notification]);
        world.settle(&job, job.done(&findings)).unwrap();
        let job = world.claim(id, Stage::Dispatch);
        world.event(id, &world.note("newest"));
        world.settle(&job, retry()).unwrap();
        world.drain(&findings);
        let shown = world.document(id).dispatches.values().next().unwrap();
        assert!(shown.fields_hash.as_deref().unwrap().contains("newest"));
    }
}

#[test]
fn an_event_ends_a_wait_for_the_recording_and_spends_none() {
    let mut world = World::default();
    let id = world.lead();
    world.run(id, Stage::Details, &Findings::default());
    let job = world.claim(id, Stage::Recording);
    let until = after(&world, 30);
    world
        .settle(&job, Outcome::wait(until, "no recording yet"))
        .unwrap();
    for edit in ["one", "two", "three"] {
        world.event(id, &world.note(edit));
        let row = world.row(id, Stage::Recording).unwrap();
        assert_eq!((row.due_at, row.waits), (world.now, 0));
        let job = world.claim(id, Stage::Recording);
        let until = after(&world, 30);
        world
            .settle(&job, Outcome::wait(until, "no recording yet"))
            .unwrap();
        assert_eq!(world.row(id, Stage::Recording).unwrap().waits, 1);
    }
    // An event during the fetch does not count either.
    world.now = until;
    let job = world.claim(id, Stage::Recording);
    world.event(id, &has_recording(&world));
    let later = after(&world, 60);
    world
        .settle(&job, Outcome::wait(later, "no recording yet"))
        .unwrap();
    let row = world.row(id, Stage::Recording).unwrap();
    assert_eq!((row.due_at, row.waits), (world.now, 1));
    assert_eq!(world.status(id), Status::Processing);
    assert_eq!(world.open(id), [Stage::Details, Stage::Recording]);
}

#[test]
fn a_late_recording_is_judged_and_dispatched_in_silence() {
    let mut world = World::default();
    let id = world.completed(&Findings::without_audio());
    world.event(id, &has_recording(&world));
    let findings = Findings::default();
    assert_eq!(world.open(id), [Stage::Details, Stage::Recording]);
    world.run(id, Stage::Details, &findings);
    for stage in [
        Stage::Recording,
        Stage::Transcript,
        Stage::Analysis,
        Stage::Dispatch,
    ] {
        assert_eq!(world.open(id), [stage]);
        world.run(id, stage, &findings);
    }
    assert_eq!(world.status(id), Status::Completed);
    assert_eq!(summary(&world, id), "1");
}

#[test]
fn a_late_chat_message_is_judged_and_dispatched_in_silence() {
    for channel in [Channel::Chat, Channel::Text] {
        let mut world = World::of(channel);
        let id = world.completed(&Findings::default());
        for number in [1, 2] {
            world.event(id, &world.edit(|facts| change(&mut facts.about, number)));
            for stage in [Stage::Analysis, Stage::Dispatch] {
                assert_eq!(world.open(id), [stage]);
                world.run(id, stage, &Findings::default());
            }
        }
        assert_eq!(world.status(id), Status::Completed);
        let words = summary(&world, id);
        assert!(
            words.contains("message 1") && words.contains("message 2"),
            "{words}"
        );
    }
}

#[test]
fn a_message_during_an_analysis_is_judged_afterwards() {
    let mut world = World::of(Channel::Chat);
    let id = world.lead();
    world.gather(id, &Findings::default());
    let job = world.claim(id, Stage::Analysis);
    world.event(id, &world.edit(|facts| change(&mut facts.about, 1)));
    world.settle(&job, job.done(&Findings::default())).unwrap();
    assert_eq!(world.open(id), [Stage::Analysis]);
    world.drain(&Findings::default());
    assert_eq!(summary(&world, id), read(world.document(id)));
}

#[test]
fn a_canceled_or_moved_booking_reaches_the_crm_in_silence() {
    let cancel = |about: &mut About| {
        if let About::Calendar(booking) = about {
            booking.status = Some(domain::BookingStatus::Canceled);
        }
    };
    let reschedule = |about: &mut About| change(about, 9);
    for say in [cancel as fn(&mut About), reschedule] {
        let mut world = World::of(Channel::Calendar);
        let id = world.completed(&Findings::default());
        world.event(id, &world.edit(|facts| say(&mut facts.about)));
        assert!(world.open(id).contains(&Stage::Dispatch));
        let seen = world.log.len();
        world.drain(&Findings::default());
        assert!(!world.done_since(seen).contains(&Stage::Notification));
        assert_eq!(world.status(id), Status::Completed);
    }
}

#[test]
fn a_recording_that_never_arrived_is_fetched_again_on_news() {
    let mut world = World::default();
    let first = has_recording(&world);
    let id = world.receive(Ok(first.clone()));
    world.drain(&Findings::without_audio());
    world.event(id, &first);
    // A call's details have changed since it was going on, too.
    assert_eq!(world.open(id), [Stage::Details, Stage::Recording]);
    world.run(id, Stage::Details, &Findings::default());
    world.run(id, Stage::Recording, &Findings::default());
    assert_eq!(world.open(id), [Stage::Transcript]);
}

#[test]
fn a_recording_given_up_without_details_is_fetched_with_them() {
    let unconnected = Findings {
        api: None,
        ..Findings::without_audio()
    };
    let mut world = World::default();
    let id = world.completed(&unconnected);
    world.event(id, &has_recording(&world));
    // It runs beside the question for details, so it does not see the answer.
    world.run(id, Stage::Recording, &unconnected);
    assert_eq!(world.open(id), [Stage::Details]);
    world.run(id, Stage::Details, &Findings::default());
    assert_eq!(world.open(id), [Stage::Recording]);
    world.drain(&Findings::default());
    assert!(world.document(id).transcript.is_some());
}

#[test]
fn details_that_were_absent_are_asked_for_again_on_news() {
    for channel in [Channel::Phone, Channel::Chat] {
        let mut world = World::of(channel);
        let unconnected = Findings {
            api: None,
            ..Findings::without_audio()
        };
        let id = world.completed(&unconnected);
        world.event(id, &world.note("this is no reason to ask"));
        assert_eq!(world.open(id), [Stage::Dispatch]);
        world.drain(&unconnected);
        world.event(id, &world.edit(|facts| change(&mut facts.about, 1)));
        assert!(world.open(id).contains(&Stage::Details));
        world.drain(&Findings::noted("the provider's"));
        let known = world.document(id).details.as_ref().unwrap().facts();
        assert_eq!(
            known.unwrap().labels.note.as_deref(),
            Some("the provider's")
        );
    }
}

#[test]
fn an_answer_stays_although_the_provider_gives_none_later() {
    let mut world = World::default();
    let id = world.completed(&Findings::noted("known"));
    let reasons = [
        NoDetails::NotConnected,
        NoDetails::Unknown,
        NoDetails::Unavailable,
    ];
    for reason in reasons {
        world.refetch(id);
        let job = world.claim(id, Stage::Details);
        let mut section = world.document(id).details.clone().unwrap();
        section.revision += 1;
        section.answer = DetailsAnswer::Absent(reason);
        section.is_newer = true;
        let outcome = Outcome::done(Section::Details(section));
        world.settle(&job, outcome).unwrap();
        assert_eq!(world.open(id), []);
        let details = world.document(id).details.as_ref().unwrap();
        let note = details
            .facts()
            .and_then(|facts| facts.labels.note.as_deref());
        assert_eq!((note, details.is_newer), (Some("known"), false));
    }
}

#[test]
fn news_are_dispatched_while_a_recording_is_fetched_again() {
    let mut world = World::default();
    let id = world.completed(&Findings::without_audio());
    world.event(id, &has_recording(&world));
    let job = world.claim(id, Stage::Recording);
    let until = after(&world, 1_200);
    world
        .settle(&job, Outcome::wait(until, "no recording yet"))
        .unwrap();
    world.event(id, &world.note("call back"));
    assert!(world.row(id, Stage::Dispatch).is_some());
}

#[test]
fn a_transcript_that_comes_during_the_analysis_is_judged() {
    let mut world = World::default();
    let id = world.lead();
    world.gather(id, &Findings::without_audio());
    let early = world.claim(id, Stage::Analysis);
    world.event(id, &has_recording(&world));
    let findings = Findings::default();
    world.run(id, Stage::Details, &findings);
    world.run(id, Stage::Recording, &findings);
    world.run(id, Stage::Transcript, &findings);
    world.settle(&early, early.done(&findings)).unwrap();
    assert_eq!(world.open(id), [Stage::Analysis]);
    world.drain(&findings);
    assert_eq!(summary(&world, id), "1");
}

#[test]
fn archived_audio_stays_although_the_provider_has_none() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    world.replay(id, Stage::Recording).unwrap();
    world.run(id, Stage::Recording, &Findings::without_audio());
    let recording = world.document(id).recording.as_ref().unwrap();
    assert!(matches!(recording.audio, Audio::Stored { .. }));
}

#[test]
fn an_older_delivery_fetches_audio_only_if_it_is_missing() {
    for (findings, expected) in [
        (Findings::default(), vec![Stage::Details]),
        (
            Findings::without_audio(),
            vec![Stage::Details, Stage::Recording],
        ),
    ] {
        let mut world = World::default();
        let id = world.completed(&findings);
        world.refetch(id);
        assert_eq!(world.open(id), expected);
    }
}

#[test]
fn a_thin_delivery_has_the_api_asked_again() {
    for channel in [Channel::Phone, Channel::Calendar, Channel::Chat] {
        let mut world = World::of(channel);
        let id = world.completed(&Findings::default());
        let thin = News {
            is_thin: true,
            ..world.report()
        };
        world.event(id, &thin);
        assert_eq!(world.open(id), [Stage::Details], "{channel}");
        let job = world.claim(id, Stage::Details);
        world.event(id, &thin);
        let moved = Findings::noted("moved to Friday");
        world.settle(&job, job.done(&moved)).unwrap();
        assert!(
            world.open(id).contains(&Stage::Details),
            "it may have been answered before"
        );
        world.run(id, Stage::Details, &moved);
        assert_eq!(world.open(id), [Stage::Dispatch], "{channel}");
    }
}

#[test]
fn a_channel_without_an_api_is_not_asked_again() {
    for channel in [Channel::Text, Channel::Form, Channel::Api] {
        let mut world = World::of(channel);
        let id = world.completed(&Findings::default());
        world.refetch(id);
        assert_eq!(world.open(id), [], "{channel}");
    }
}

#[test]
fn the_providers_later_answer_counts_until_the_next_event() {
    for channel in [Channel::Phone, Channel::Calendar, Channel::Chat] {
        let mut world = World::of(channel);
        let id = world.completed(&Findings::default());
        world.event(id, &world.note("two"));
        world.refetch(id);
        let mut answer = Findings::noted("one");
        let labels = &mut answer.api.as_mut().unwrap().labels;
        labels.tags = Some(vec!["one".to_owned()]);
        world.drain(&answer);
        let labels = world.document(id).facts().labels;
        assert_eq!(labels.note.as_deref(), Some("one"));
        // The next event speaks of the note alone: the tags are still those of the answer.
        world.event(id, &world.note("three"));
        let labels = world.document(id).facts().labels;
        assert_eq!(labels.note.as_deref(), Some("three"));
        assert_eq!(labels.tags, Some(vec!["one".to_owned()]));
    }
}

#[test]
fn a_first_answer_after_a_refetch_outranks_the_deliveries() {
    for is_running in [false, true] {
        let mut world = World::default();
        let id = world.lead();
        world.event(id, &world.note("two"));
        let running = is_running.then(|| world.claim(id, Stage::Details));
        // The delivery before comes again: which of the two is the newer one?
        world.refetch(id);
        let findings = Findings::noted("one");
        if let Some(job) = running {
            world.settle(&job, job.done(&findings)).unwrap();
        }
        world.drain(&findings);
        let labels = world.document(id).facts().labels;
        assert_eq!(labels.note.as_deref(), Some("one"));
        let shown = world.document(id).dispatches.values().next().unwrap();
        assert!(shown.fields_hash.as_deref().unwrap().contains("one"));
    }
}

#[test]
fn a_superseded_first_report_only_fills_what_is_missing() {
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let id = world.lead();
        world.event(id, &world.note("edited"));
        let mut first = world.report();
        first.facts.labels.note = Some("first".to_owned());
        first.facts.person.name = Some("Ann".to_owned());
        world.event(id, &first);
        let facts = world.document(id).facts();
        assert_eq!(facts.labels.note.as_deref(), Some("edited"));
        assert_eq!(facts.person.name.as_deref(), Some("Ann"));
    }
}

/// What is kept from CRMs and people, and why.
fn withheld() -> [Findings; 3] {
    let out = domain::AreaVerdict::Out(domain::AreaBasis::PostalCode);
    [
        Findings::gated(SpamGate::Review),
        Findings::gated(SpamGate::Quarantine),
        Findings {
            area: out,
            ..Findings::default()
        },
    ]
}

#[test]
fn what_is_withheld_is_judged_again_when_it_is_corrected() {
    for channel in Channel::ALL {
        for findings in withheld() {
            let mut world = World::of(channel);
            let id = world.lead();
            world.qualify(id, &findings);
            let status = world.status(id);
            world.event(id, &world.note("nothing that decides"));
            world.drain(&findings);
            assert_eq!(world.status(id), status, "{channel}");
            assert!(world.document(id).dispatches.is_empty());
            world.event(id, &world.moved());
            assert!(world.open(id).contains(&Stage::Analysis), "{channel}");
            world.drain(&findings);
            assert_eq!(world.status(id), status, "{channel}: it is as it was");
            assert!(world.document(id).dispatches.is_empty());
            world.event(
                id,
                &world.edit(|facts| facts.person.postal_code = Some("78664".to_owned())),
            );
            world.drain(&Findings::default());
            assert_eq!(world.status(id), Status::Completed, "{channel}");
            assert!(world.document(id).notifications.is_some());
        }
    }
}

#[test]
fn a_corrected_place_is_read_again_where_people_type_it() {
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let id = world.completed(&Findings::default());
        let revision = world.document(id).revisions.of(Stage::Analysis);
        world.event(id, &world.moved());
        let is_read_again = world.document(id).revisions.of(Stage::Analysis) > revision;
        let is_by_number = matches!(channel, Channel::Phone | Channel::Text);
        assert_eq!(is_read_again, !is_by_number, "{channel}");
    }
}

#[test]
fn what_a_person_rejected_stays_so_whatever_comes() {
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let id = world.lead();
        world.qualify(id, &Findings::gated(SpamGate::Review));
        world.decide(id, VerdictKind::Rejected).unwrap();
        let news = world.edit(|facts| {
            change(&mut facts.about, 1);
            facts.person.phone = Some("+15125550142".to_owned());
        });
        world.event(id, &news);
        world.drain(&Findings::default());
        assert_eq!(world.status(id), Status::Quarantined, "{channel}");
        assert!(world.document(id).dispatches.is_empty(), "{channel}");
        assert_eq!(world.document(id).notifications, None, "{channel}");
        let facts = world.document(id).facts();
        assert_eq!(facts.person.phone.as_deref(), Some("+15125550142"));
    }
}

#[test]
fn a_mark_of_spam_that_is_taken_back_lets_the_lead_through() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    let marked = |world: &World, is_spam| world.edit(|facts| facts.marked_spam = Some(is_spam));
    world.event(id, &marked(&world, true));
    world.drain(&Findings::gated(SpamGate::Quarantine));
    assert_eq!(world.status(id), Status::Quarantined);
    world.event(id, &marked(&world, false));
    assert_eq!(world.open(id), [Stage::Analysis]);
    world.drain(&Findings::default());
    assert_eq!(world.status(id), Status::Completed);
}

#[test]
fn events_of_a_withheld_request_are_dispatched_on_release() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    world.event(id, &world.moved());
    world.drain(&Findings::gated(SpamGate::Review));
    assert_eq!(world.status(id), Status::InReview);
    world.event(id, &world.note("two"));
    assert!(world.rows(id).is_empty());
    world.decide(id, VerdictKind::Approved).unwrap();
    assert_eq!(world.open(id), [Stage::Dispatch]);
}

#[test]
fn a_current_crm_still_gets_what_came_while_withheld() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    world.event(id, &world.note("news"));
    world.event(id, &world.moved());
    // This push knows the move, and ends after the request went into review.
    let job = world.claim(id, Stage::Dispatch);
    let in_review = Findings::gated(SpamGate::Review);
    world.run(id, Stage::Analysis, &in_review);
    world.settle(&job, job.done(&in_review)).unwrap();
    world.event(id, &world.note("while it is withheld"));
    assert_eq!(world.open(id), []);
    world.decide(id, VerdictKind::Approved).unwrap();
    assert_eq!(world.open(id), [Stage::Dispatch]);
    world.drain(&in_review);
    let document = world.document(id);
    let section = document.dispatches.values().next().unwrap();
    assert_eq!(section.fields_hash, Some(shown(document)));
}

#[test]
fn an_unreadable_delivery_is_read_once_it_is_redriven() {
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let id = world.receive(Err("broken JSON".to_owned()));
        assert_eq!(world.status(id), Status::Parked);
        world.redrive();
        let job = world.claim(id, Stage::Reading);
        world.settle(&job, job.done(&Findings::default())).unwrap();
        assert_eq!(world.open(id), [world.first()]);
    }
}

#[test]
fn an_edit_during_the_reading_of_an_older_delivery_stays() {
    let mut world = World::default();
    let id = world.receive(Err("broken JSON".to_owned()));
    world.redrive();
    let job = world.claim(id, Stage::Reading);
    world.event(id, &world.note("edited"));
    assert!(world.document(id).source.is_modified);
    world.settle(&job, job.done(&Findings::default())).unwrap();
    let source = &world.document(id).source;
    assert!(source.is_modified && source.unread.is_none());
}

#[test]
fn a_recording_that_details_announce_is_fetched_once() {
    let mut world = World::default();
    let id = world.lead();
    let mut findings = Findings::without_audio();
    findings.api = Some(has_recording(&world).facts);
    world.run(id, Stage::Details, &findings);
    assert_eq!(world.open(id), [Stage::Recording]);
    world.run(id, Stage::Recording, &findings);
    assert_eq!(world.open(id), [Stage::Analysis]);
}

#[test]
fn later_stages_wait_for_a_replay_and_not_for_a_refetch() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    world.replay(id, Stage::Details).unwrap();
    world.event(id, &world.note("news"));
    assert_eq!(world.open(id), [Stage::Details]);
    world.run(id, Stage::Details, &Findings::default());
    assert_eq!(world.open(id), [Stage::Recording]);
    world.drain(&Findings::default());
    assert_eq!(world.document(id).awaits, None);
    world.refetch(id);
    world.event(id, &world.note("newer"));
    assert_eq!(world.open(id), [Stage::Details, Stage::Dispatch]);
}

#[test]
fn an_event_that_is_waited_for_starts_the_work() {
    let after_seconds = |world: &World, seconds| News {
        delay: std::time::Duration::from_secs(seconds),
        ..world.report()
    };
    for channel in Channel::ALL {
        let mut world = World::of(channel);
        let id = world.receive(Ok(after_seconds(&world, 60)));
        let stage = world.first();
        let row = world.row(id, stage).unwrap();
        assert_eq!(row.due_at, after(&world, 60));
        if stage == Stage::Analysis {
            continue; // Only new words pull an analysis forward.
        }
        world.event(id, &after_seconds(&world, 5));
        let row = world.row(id, stage).unwrap();
        assert_eq!(
            (row.due_at, row.next_wake_at),
            (after(&world, 5), Some(after(&world, 5)))
        );
        world.event(id, &world.report());
        let row = world.row(id, stage).unwrap();
        assert_eq!((&row.state, row.due_at), (&WorkState::Ready, world.now));
    }
}

#[test]
fn a_delivery_read_again_is_compared_with_the_provider() {
    let mut world = World::default();
    let id = world.completed(&Findings::default());
    world.event(id, &world.note("newer"));
    world.drain(&Findings::default());
    world.replay(id, Stage::Reading).unwrap();
    // The delivery that came last was an older one again.
    let job = world.claim(id, Stage::Reading);
    let mut read = job.request.document.source.clone();
    read.unread = None;
    read.absorb(&world.note("older"));
    let section = Section::Source(Box::new(read));
    world.settle(&job, Outcome::done(section)).unwrap();
    assert!(world.open(id).contains(&Stage::Details));
}

#[test]
fn news_during_a_question_outrank_its_answer() {
    for gate in [SpamGate::Pass, SpamGate::Review] {
        let mut world = World::default();
        let findings = Findings::gated(gate);
        let id = world.lead();
        world.qualify(id, &findings);
        // Although it is withheld, a person can have the API asked.
        world.replay(id, Stage::Details).unwrap();
        let asked = world.claim(id, Stage::Details);
        world.event(id, &world.note("news"));
        let answer = |note| Findings {
            gate,
            ..Findings::noted(note)
        };
        let done = asked.done(&answer("before the news"));
        world.settle(&asked, done).unwrap();
        let note = |world: &World| world.document(id).facts().labels.note;
        assert_eq!(note(&world).as_deref(), Some("news"), "{gate:?}");
        world.drain(&answer("after the news"));
        assert_eq!(note(&world).as_deref(), Some("after the news"), "{gate:?}");
    }
}
