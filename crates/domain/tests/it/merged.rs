//! What the request that goes on has of the one that was merged into it.

use domain::{Audio, CallFacts, Inbound, Outcome, RequestId, Stage};

use crate::world::{Findings, World, inbound};

fn with_audio(audio: Option<u8>) -> Findings {
    Findings {
        audio,
        ..Findings::default()
    }
}

fn first_report() -> Inbound {
    Inbound {
        is_modified: false,
        ..inbound(CallFacts::default())
    }
}

/// Makes one of both by a delivery that says nothing new.
fn merge(world: &mut World, into: RequestId, other: RequestId) {
    world.event_of_all(&[into, other], &first_report());
    assert_eq!(world.document(other).merged_into, Some(into));
}

#[test]
fn audio_is_taken_over_where_there_is_none_and_left_where_there_is() {
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
        let (winner, loser) = (world.call(), world.call());
        for (id, audio) in [(winner, of_winner), (loser, of_loser)] {
            if let Some(audio) = audio {
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
            world.receive(Ok(Inbound {
                is_modified,
                ..first_report()
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
        let (winner, loser) = (world.call(), world.call());
        let job = world.claim(loser, Stage::Recording);
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
fn a_transcript_that_the_other_has_is_not_made_again_and_one_that_nobody_has_goes_on() {
    let findings = Findings::default();
    for is_with_loser in [true, false] {
        let mut world = World::default();
        let (winner, loser) = (world.call(), world.call());
        world.run(winner, Stage::Recording, &findings);
        let job = world.claim(winner, Stage::Transcript);
        world.run(loser, Stage::Recording, &findings);
        if is_with_loser {
            world.run(loser, Stage::Transcript, &findings);
        }
        merge(&mut world, winner, loser);
        let is_stale = world.settle(&job, job.done(&findings)).is_err();
        assert_eq!(is_stale, is_with_loser);
        assert_eq!(world.open(winner), [Stage::Analysis]);
    }
}
