//! What the request that goes on has of the one that was merged into it.

use domain::{Audio, Channel, News, Outcome, RequestId, Stage};

use crate::world::{Findings, World, change, read};

fn with_audio(audio: Option<u8>) -> Findings {
    Findings {
        audio,
        ..Findings::default()
    }
}

/// Makes one of both by a delivery that says nothing new.
fn merge(world: &mut World, into: RequestId, other: RequestId) {
    world.event_of_all(&[into, other], &world.report());
    assert_eq!(world.document(other).merged_into, Some(into));
}

#[test]
fn audio_is_taken_over_only_if_the_winner_has_none() {
    let (none, absent, one, two) = (None, Some(None), Some(Some(1)), Some(Some(2)));
    for (of_winner, of_loser, expected) in [
        (none, absent, absent),
        (none, one, one),
        (absent, none, absent),
        (absent, one, one),
        (one, none, one),
        (one, absent, one),
        (one, two, one),
    ] {
        let mut world = World::default();
        let (winner, loser) = (world.lead(), world.lead());
        for (id, audio) in [(winner, of_winner), (loser, of_loser)] {
            if let Some(audio) = audio {
                world.run(id, Stage::Details, &with_audio(audio));
                world.run(id, Stage::Recording, &with_audio(audio));
            }
        }
        merge(&mut world, winner, loser);
        let recording = world.document(winner).recording.as_ref();
        let audio = recording.map(|section| match &section.audio {
            Audio::Stored { sha256, .. } => Some(sha256.parse().unwrap()),
            Audio::Absent { .. } => None,
        });
        assert_eq!(audio, expected, "{of_winner:?} and {of_loser:?}");
    }
}

#[test]
fn an_edit_of_either_is_one_of_both() {
    for edited in [[true, false], [false, true], [false, false]] {
        let mut world = World::default();
        let [winner, loser] = edited.map(|is_modified| {
            let report = world.report();
            world.receive(Ok(News {
                is_modified,
                ..report
            }))
        });
        merge(&mut world, winner, loser);
        let is_modified = world.document(winner).source.is_modified;
        assert_eq!(is_modified, edited.contains(&true), "{edited:?}");
    }
}

#[test]
fn what_both_were_to_read_again_is_read_again() {
    for is_loser_read in [false, true] {
        let mut world = World::default();
        let (winner, loser) = (world.lead(), world.lead());
        let job = world.claim(loser, Stage::Details);
        world.replay(winner, Stage::Reading).unwrap();
        if !is_loser_read {
            world.replay(loser, Stage::Reading).unwrap();
        }
        let outcome = Outcome::Merge { other: winner };
        world.settle_with(&job, outcome, &[winner]).unwrap();
        assert_eq!(world.document(loser).merged_into, Some(winner));
        let is_open = world.row(winner, Stage::Reading).is_some();
        assert_eq!(is_open, !is_loser_read);
    }
}

#[test]
fn a_transcript_is_made_unless_the_other_has_it() {
    let findings = Findings::default();
    for is_with_loser in [true, false] {
        let mut world = World::default();
        let (winner, loser) = (world.lead(), world.lead());
        for id in [winner, loser] {
            world.run(id, Stage::Details, &findings);
            world.run(id, Stage::Recording, &findings);
        }
        let job = world.claim(winner, Stage::Transcript);
        if is_with_loser {
            world.run(loser, Stage::Transcript, &findings);
        }
        merge(&mut world, winner, loser);
        let is_stale = world.settle(&job, job.done(&findings)).is_err();
        assert_eq!(is_stale, is_with_loser);
        assert_eq!(world.open(winner), [Stage::Analysis]);
    }
}

#[test]
fn an_answer_is_taken_over_only_if_the_winner_has_none() {
    let unconnected = Findings {
        api: None,
        ..Findings::default()
    };
    let (none, absent) = (None, Some(&unconnected));
    let (one, two) = (&Findings::noted("one"), &Findings::noted("two"));
    for channel in [Channel::Phone, Channel::Calendar, Channel::Chat] {
        for (of_winner, of_loser, expected) in [
            (none, absent, None),
            (none, Some(one), Some("one")),
            (absent, none, None),
            (absent, Some(one), Some("one")),
            (Some(one), absent, Some("one")),
            (Some(one), Some(two), Some("one")),
        ] {
            let mut world = World::of(channel);
            let (winner, loser) = (world.lead(), world.lead());
            for (id, findings) in [(winner, of_winner), (loser, of_loser)] {
                if let Some(findings) = findings {
                    world.run(id, Stage::Details, findings);
                }
            }
            merge(&mut world, winner, loser);
            let details = world.document(winner).details.as_ref().unwrap();
            let note = details
                .facts()
                .and_then(|facts| facts.labels.note.as_deref());
            assert_eq!(note, expected, "{channel}");
            assert!(!world.open(winner).contains(&Stage::Details));
        }
    }
}

#[test]
fn messages_of_both_are_united_and_judged() {
    for channel in [Channel::Text, Channel::Chat] {
        let mut world = World::of(channel);
        let [winner, loser] = [1, 2].map(|number| {
            let news = world.edit(|facts| change(&mut facts.about, number));
            world.receive(Ok(news))
        });
        let silent = Findings {
            destinations: Vec::new(),
            notify: false,
            ..Findings::default()
        };
        for id in [winner, loser] {
            world.qualify(id, &silent);
        }
        merge(&mut world, winner, loser);
        assert_eq!(world.open(winner), [Stage::Analysis]);
        world.drain(&silent);
        let words = &world.document(winner).analysis.as_ref().unwrap().summary;
        assert!(
            words.contains("message 1") && words.contains("message 2"),
            "{words}"
        );
    }
}

#[test]
fn a_judgment_of_the_other_is_made_again_for_the_winners_words() {
    for channel in [Channel::Text, Channel::Form, Channel::Chat] {
        let mut world = World::of(channel);
        let news = world.edit(|facts| change(&mut facts.about, 1));
        let (winner, loser) = (world.receive(Ok(news)), world.lead());
        let silent = Findings {
            destinations: Vec::new(),
            notify: false,
            ..Findings::default()
        };
        world.qualify(loser, &silent);
        merge(&mut world, winner, loser);
        world.drain(&silent);
        let document = world.document(winner);
        let analysis = document.analysis.as_ref().unwrap();
        assert_eq!(analysis.summary, read(document), "{channel}");
    }
}

#[test]
fn a_replay_that_a_merge_makes_needless_is_over() {
    let mut world = World::default();
    let (winner, loser) = (world.lead(), world.lead());
    for id in [winner, loser] {
        world.replay(id, Stage::Details).unwrap();
        assert_eq!(world.document(id).awaits, Some(Stage::Details));
    }
    world.gather(loser, &Findings::default());
    merge(&mut world, winner, loser);
    assert_eq!(world.open(winner), [Stage::Analysis]);
    assert_eq!(world.document(winner).awaits, None);
}
