//! The stage `transcript`.

use std::time::Duration;

use domain::{
    Audio, Clock as _, Outcome, Record, RecordingSection, RequestId, Section, Stage,
    TranscriptSection, TranscriptState, Usage,
};
use serde_json::json;
use simulators::{Fault, recordings};

use crate::world::{CALL, World};

/// A call whose recording is archived and waits for its transcript.
async fn recorded(world: &World, recording: &str) -> RequestId {
    world.register(json!({ "recording": recording }));
    let request = world.known_call().await;
    world.step(request).await;
    assert_eq!(world.open(request).await.key.stage, Stage::Transcript);
    request
}

async fn section(world: &World, request: RequestId) -> TranscriptSection {
    world.request(request).await.document.transcript.unwrap()
}

/// Why there is no transcript. The call has gone on.
async fn unavailable(world: &World, request: RequestId) -> String {
    assert_eq!(
        world.open(request).await.key.stage,
        Stage::Analysis,
        "the call goes on"
    );
    match section(world, request).await.state {
        TranscriptState::Unavailable { reason } => reason,
        other => panic!("{other:?}"),
    }
}

/// Steps until the stage is done: how many steps there were, and the records of the last.
async fn finish(world: &World, request: RequestId) -> (usize, Vec<Record>) {
    for count in 1..400 {
        let step = world.step(request).await;
        match step.outcome {
            Outcome::Done { .. } => return (count, step.records),
            Outcome::Wait { .. } | Outcome::Retry { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("it does not end")
}

/// An operation that is done, with neither an answer nor an error.
fn done_without_result() -> Fault {
    Fault::Answer {
        status: 200,
        retry_after_seconds: None,
        body: Some(json!({ "name": "projects/1/locations/us/operations/2", "done": true })),
    }
}

/// A call that is too long for one request, with its recording archived.
async fn long_call() -> (World, RequestId) {
    let world = World::start().await;
    let request = recorded(&world, "long-call").await;
    (world, request)
}

fn started(world: &World) -> usize {
    let requests = world.simulators.speech().requests();
    requests
        .iter()
        .filter(|request| request.path.ends_with(":batchRecognize"))
        .count()
}

#[tokio::test]
async fn a_short_call_is_recognized_at_once_with_its_speakers() {
    let world = World::start().await;
    let request = recorded(&world, "kitchen-quote").await;
    let (steps, records) = finish(&world, request).await;
    assert_eq!(steps, 1);
    let transcript = section(&world, request).await;
    let script = &recordings::recording("kitchen-quote").unwrap().script;
    assert_eq!(transcript.state, TranscriptState::Spoken);
    assert_eq!(transcript.engine, "chirp_3");
    assert_eq!(transcript.language.as_deref(), Some("en-US"));
    let said: Vec<_> = transcript
        .turns
        .iter()
        .map(|turn| (turn.speaker.as_str(), turn.text.as_str()))
        .collect();
    let script: Vec<_> = script
        .turns
        .iter()
        .map(|turn| (turn.speaker.as_str(), turn.text.as_str()))
        .collect();
    assert_eq!(said, script);
    let usage = Usage {
        unit: "speech_seconds".to_owned(),
        amount: u64::from(transcript.billed_seconds),
        by: "chirp_3".to_owned(),
    };
    assert!((38..=39).contains(&usage.amount));
    assert_eq!(records, [Record::Usage(usage)]);
    assert_eq!(started(&world), 0);
    assert_eq!(world.open(request).await.key.stage, Stage::Analysis);
}

#[tokio::test]
async fn a_longer_call_is_started_once_and_polled_until_done() {
    let (world, request) = long_call().await;
    let began = world.clock.now();
    let (steps, records) = finish(&world, request).await;
    assert!(steps > 3, "{steps}");
    let took = world.clock.now().duration_since(began).as_secs();
    assert!(
        (20..40).contains(&took),
        "{took} s for an operation of 20 s"
    );
    let transcript = section(&world, request).await;
    assert_eq!(transcript.state, TranscriptState::Spoken);
    assert_eq!(
        transcript.turns.len(),
        recordings::recording("long-call")
            .unwrap()
            .script
            .turns
            .len()
    );
    assert!(
        transcript.turns.iter().any(|turn| turn.end_ms > 60_000),
        "with times"
    );
    assert_eq!(transcript.billed_seconds, 76);
    assert!(matches!(&records[..], [Record::Usage(usage)] if usage.amount == 76));
    assert_eq!(started(&world), 1);
}

#[tokio::test]
async fn a_crash_between_polls_starts_nothing_a_second_time() {
    let (world, request) = long_call().await;
    for _ in 0..3 {
        world.crash(request).await;
    }
    finish(&world, request).await;
    assert_eq!(
        section(&world, request).await.state,
        TranscriptState::Spoken
    );
    assert_eq!(started(&world), 1);
}

#[tokio::test]
async fn a_start_whose_answer_was_lost_is_repeated_only_once() {
    let (world, request) = long_call().await;
    world
        .simulators
        .speech()
        .answer_next_to(":batchRecognize", Fault::ResetAfterWrite, 1);
    let began = world.clock.now();
    assert!(matches!(
        world.step(request).await.outcome,
        Outcome::Retry { .. }
    ));
    assert!(
        matches!(world.step(request).await.outcome, Outcome::Wait { .. }),
        "its traces may still show"
    );
    finish(&world, request).await;
    assert!(world.clock.now().duration_since(began).as_secs() >= 40);
    assert_eq!(
        section(&world, request).await.state,
        TranscriptState::Spoken
    );
    assert_eq!(started(&world), 2);

    let (world, request) = long_call().await;
    world
        .simulators
        .speech()
        .always_to(":batchRecognize", Fault::ResetAfterWrite);
    finish(&world, request).await;
    let reason = unavailable(&world, request).await;
    assert!(reason.contains("twice"), "{reason}");
    assert_eq!(started(&world), 2);
}

#[tokio::test]
async fn a_start_that_was_refused_for_now_is_tried_again() {
    let (world, request) = long_call().await;
    world
        .simulators
        .speech()
        .answer_next_to(":batchRecognize", Fault::RateLimit, 2);
    finish(&world, request).await;
    assert_eq!(
        section(&world, request).await.state,
        TranscriptState::Spoken
    );
    assert_eq!(started(&world), 3);
}

#[tokio::test]
async fn what_cannot_be_transcribed_goes_on_marked() {
    for (recording, path, fault, expected) in [
        (
            "long-call",
            "POST",
            Fault::FileError,
            "could not be decoded",
        ),
        (
            "long-call",
            ":batchRecognize",
            Fault::Status(400),
            "status 400",
        ),
        (
            "kitchen-quote",
            ":recognize",
            Fault::FileError,
            "could not be decoded",
        ),
        (
            "kitchen-quote",
            ":recognize",
            Fault::Status(400),
            "status 400",
        ),
    ] {
        let world = World::start().await;
        let request = recorded(&world, recording).await;
        world
            .simulators
            .speech()
            .answer_next_to(path, fault.clone(), 1);
        let (_, records) = finish(&world, request).await;
        let reason = unavailable(&world, request).await;
        assert!(reason.contains(expected), "{fault:?}: {reason}");
        assert!(records.is_empty(), "{fault:?}: nothing is charged");
    }
}

#[tokio::test]
async fn an_operation_without_a_result_is_started_at_most_twice() {
    for (path, fault, expected) in [
        ("GET", Fault::OperationLost, "no longer knows"),
        (":batchRecognize", Fault::OperationFailed, "code 13"),
    ] {
        let world = World::start().await;
        let request = recorded(&world, "long-call").await;
        world
            .simulators
            .speech()
            .answer_next_to(path, fault.clone(), 1);
        let (_, records) = finish(&world, request).await;
        assert_eq!(
            section(&world, request).await.state,
            TranscriptState::Spoken,
            "{fault:?}"
        );
        assert_eq!(records.len(), 1, "{fault:?}: charged once");
        assert_eq!(started(&world), 2, "{fault:?}");

        let world = World::start().await;
        let request = recorded(&world, "long-call").await;
        world.simulators.speech().always_to(path, fault.clone());
        finish(&world, request).await;
        let reason = unavailable(&world, request).await;
        assert!(
            reason.contains("twice") && reason.contains(expected),
            "{fault:?}: {reason}"
        );
        assert_eq!(started(&world), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn the_second_start_comes_after_a_pause() {
    for (path, fault) in [
        ("GET", Fault::OperationLost),
        (":batchRecognize", Fault::OperationFailed),
    ] {
        let world = World::start().await;
        let request = recorded(&world, "long-call").await;
        world
            .simulators
            .speech()
            .answer_next_to(path, fault.clone(), 1);
        let (mut found_useless, mut restarted) = (None, None);
        while restarted.is_none() {
            let step = world.step(request).await;
            let Outcome::Wait { reason, .. } = &step.outcome else {
                panic!("{fault:?}: {step:?}")
            };
            if reason.contains("started once more after a pause") {
                found_useless.get_or_insert(world.clock.now());
            }
            if started(&world) == 2 {
                restarted = Some(world.clock.now());
            }
        }
        let pause = restarted.unwrap().duration_since(found_useless.unwrap());
        assert!(
            (60..70).contains(&pause.as_secs()),
            "{fault:?}: {} s",
            pause.as_secs()
        );
        finish(&world, request).await;
        assert_eq!(
            section(&world, request).await.state,
            TranscriptState::Spoken,
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn a_crash_within_the_pause_starts_nothing() {
    let (world, request) = long_call().await;
    world
        .simulators
        .speech()
        .always_to(":batchRecognize", Fault::OperationFailed);
    while world
        .open(request)
        .await
        .reason
        .as_deref()
        .is_none_or(|reason| !reason.contains("pause"))
    {
        world.step(request).await;
    }
    for _ in 0..3 {
        world.crash(request).await;
    }
    finish(&world, request).await;
    assert_eq!(started(&world), 2);
}

#[tokio::test]
async fn a_replay_starts_what_was_of_no_use_anew() {
    let (world, request) = long_call().await;
    world
        .simulators
        .speech()
        .always_to("GET", done_without_result());
    finish(&world, request).await;
    let reason = unavailable(&world, request).await;
    assert!(reason.contains("without a result"), "{reason}");
    assert_eq!(started(&world), 2);

    world.simulators.speech().clear_faults();
    world.replay(request, Stage::Transcript).await;
    assert_eq!(world.open(request).await.key.stage, Stage::Transcript);
    finish(&world, request).await;
    assert_eq!(
        section(&world, request).await.state,
        TranscriptState::Spoken
    );
    assert_eq!(started(&world), 3);
}

#[tokio::test]
async fn the_last_start_is_kept_until_the_service_is_in_order() {
    let (world, request) = long_call().await;
    world.simulators.speech().always(Fault::Status(503));
    for _ in 0..5 {
        world.step(request).await;
    }
    assert_eq!(started(&world), 1);
    world.simulators.speech().clear_faults();
    finish(&world, request).await;
    assert_eq!(
        section(&world, request).await.state,
        TranscriptState::Spoken
    );
    assert_eq!(started(&world), 2);
}

#[tokio::test]
async fn an_outage_is_waited_out_as_long_as_a_lead_can_wait() {
    for recording in ["kitchen-quote", "long-call"] {
        let world = World::start().await;
        let request = recorded(&world, recording).await;
        let began = world.clock.now();
        world.simulators.speech().always(Fault::RateLimit);
        let (tries, _) = finish(&world, request).await;
        assert_eq!(
            tries,
            1 + 4 + 3,
            "the first, the fast lane, three of the slow lane"
        );
        let waited = world.clock.now().duration_since(began).as_secs();
        assert!((21 * 60..30 * 60).contains(&waited), "{waited} s");
        let reason = unavailable(&world, request).await;
        assert!(reason.starts_with("given up: "), "{reason}");
    }
}

#[tokio::test]
async fn an_operation_that_never_ends_is_given_up() {
    let world = World::start().await;
    world
        .simulators
        .speech()
        .set_operation_delay(Duration::from_secs(24 * 3_600));
    let request = recorded(&world, "long-call").await;
    finish(&world, request).await;
    let reason = unavailable(&world, request).await;
    assert!(reason.contains("in time"), "{reason}");
}

#[tokio::test]
async fn silence_is_a_transcript_without_turns() {
    let world = World::start().await;
    let request = recorded(&world, "kitchen-quote").await;
    let Audio::Stored { sha256, .. } = world
        .request(request)
        .await
        .document
        .recording
        .unwrap()
        .audio
    else {
        panic!("no audio")
    };
    let mut script = recordings::recording("kitchen-quote")
        .unwrap()
        .script
        .clone();
    script.turns.clear();
    world.simulators.speech().hear(&sha256, script);
    finish(&world, request).await;
    let transcript = section(&world, request).await;
    assert_eq!(
        (transcript.state, transcript.turns.len()),
        (TranscriptState::Silent, 0)
    );
}

/// A call whose audio is known by these numbers alone.
async fn pretended(world: &World, size_bytes: u64, duration_ms: u64) -> RequestId {
    let request = world.known_call().await;
    let audio = Audio::Stored {
        name: format!("{CALL}.mp3"),
        sha256: "0".repeat(64),
        size_bytes,
        duration_ms,
    };
    let section = RecordingSection { revision: 0, audio };
    world.pretend(request, Section::Recording(section)).await;
    request
}

#[tokio::test]
async fn more_than_an_hour_is_not_sent() {
    let world = World::start().await;
    let request = pretended(&world, 100_000_000, 3_600_001).await;
    finish(&world, request).await;
    assert!(unavailable(&world, request).await.contains("an hour"));
    assert!(world.simulators.speech().requests().is_empty());
}

#[tokio::test]
async fn the_length_and_the_size_decide_how_a_recording_is_sent() {
    for (size_bytes, duration_ms, call, word_times) in [
        (9_500_000, 30_000, ":batchRecognize", true),
        (1_000_000, 55_000, ":batchRecognize", true),
        (1_000_000, 20 * 60_000, ":batchRecognize", true),
        (1_000_000, 20 * 60_000 + 1, ":batchRecognize", false),
        (1_000_000, 3_600_000, ":batchRecognize", false),
    ] {
        let world = World::start().await;
        let request = pretended(&world, size_bytes, duration_ms).await;
        world.step(request).await;
        let asked = world.simulators.speech().requests();
        assert!(
            asked[0].path.ends_with(call),
            "{duration_ms}: {}",
            asked[0].path
        );
        let wish = &asked[0].body["config"]["features"]["enableWordTimeOffsets"];
        assert_eq!(wish.as_bool().unwrap_or(false), word_times, "{duration_ms}");
    }
}

#[tokio::test]
async fn audio_that_is_gone_from_the_archive_goes_on_without() {
    let world = World::start().await;
    let request = pretended(&world, 50_000, 30_000).await;
    finish(&world, request).await;
    assert!(
        unavailable(&world, request)
            .await
            .contains("archived recording")
    );
}
