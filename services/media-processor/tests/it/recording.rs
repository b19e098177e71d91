//! The stage `recording`.

use std::{collections::BTreeMap, time::Duration};

use blobs::BlobError;
use domain::{
    Audio, DetailsAnswer, DetailsSection, NoAudio, NoDetails, Outcome, RecordingSection, RequestId,
    Section, Stage, Status,
};
use serde_json::json;
use simulators::{Fault, Late, recordings};

use crate::world::{CALL, CALLRAIL, World, callrail_key};

async fn section(world: &World, request: RequestId) -> RecordingSection {
    world.request(request).await.document.recording.unwrap()
}

fn absent(reason: NoAudio) -> Audio {
    Audio::Absent { reason }
}

async fn is_stored(world: &World, request: RequestId) -> bool {
    matches!(section(world, request).await.audio, Audio::Stored { .. })
}

#[tokio::test]
async fn audio_is_archived_with_hash_size_and_length() {
    let world = World::start().await;
    let request = world.known_call().await;
    world.step(request).await;
    let section = section(&world, request).await;
    let kitchen = recordings::recording("kitchen-quote").unwrap();
    let Audio::Stored {
        name,
        sha256,
        size_bytes,
        duration_ms,
    } = section.audio
    else {
        panic!("{:?}", section.audio)
    };
    assert_eq!(name, format!("{CALL}.mp3"));
    assert_eq!(size_bytes, kitchen.mp3.len() as u64);
    assert!(
        (duration_ms as f64 / 1_000.0 - kitchen.script.duration_seconds).abs() < 0.2,
        "{duration_ms} ms"
    );
    assert_eq!(sha256.len(), 64);
    assert_eq!(world.archived(CALL).await.unwrap(), kitchen.mp3);
    assert_eq!(world.open(request).await.key.stage, Stage::Transcript);
    let asked = world.asked_callrail();
    assert_eq!(asked.len(), 3, "link, redirect, file: {asked:?}");
}

#[tokio::test]
async fn audio_is_stored_under_the_canonical_id() {
    let world = World::start().await;
    world.register(json!({ "numeric_id": 902_134_477 }));
    let request = world
        .deliver(json!({ "id": 902_134_477, "answered": true }))
        .await;
    world.finish_details(request).await;
    world.step(request).await;
    assert!(world.archived(CALL).await.is_ok());
}

#[tokio::test]
async fn a_recording_that_is_late_is_waited_for() {
    let world = World::start().await;
    let request = world.known_call().await;
    world
        .simulators
        .callrail()
        .answer_next(Fault::LateRecording(Late::After(Duration::from_secs(100))));
    assert_eq!(world.waits(request).await, [30, 60, 120]);
    assert!(is_stored(&world, request).await);
}

#[tokio::test]
async fn a_recording_that_never_comes_lets_the_call_go_on() {
    let world = World::start().await;
    let request = world.known_call().await;
    world
        .simulators
        .callrail()
        .answer_next(Fault::LateRecording(Late::Never));
    assert_eq!(world.waits(request).await, [30, 60, 120, 300, 600, 1200]);
    assert_eq!(
        section(&world, request).await.audio,
        absent(NoAudio::NeverArrived)
    );
    assert_eq!(
        world.open(request).await.key.stage,
        Stage::Analysis,
        "without a transcript"
    );
}

#[tokio::test]
async fn a_file_without_sound_is_waited_for() {
    for (fault, expected) in [
        (Fault::EmptyRecording, NoAudio::Empty),
        (Fault::TinyRecording, NoAudio::Empty),
        (
            Fault::Answer {
                status: 200,
                retry_after_seconds: None,
                body: Some(json!("no sound, words ".repeat(500))),
            },
            NoAudio::Unreadable,
        ),
    ] {
        let world = World::start().await;
        let request = world.known_call().await;
        world
            .simulators
            .callrail()
            .always_to("/media/", fault.clone());
        assert_eq!(world.waits(request).await.len(), 6, "{fault:?}");
        assert_eq!(
            section(&world, request).await.audio,
            absent(expected),
            "{fault:?}"
        );
        assert!(
            matches!(world.archived(CALL).await, Err(BlobError::NotFound)),
            "{fault:?}: nothing stays"
        );
    }
}

#[tokio::test]
async fn a_file_that_gets_its_sound_later_is_taken_then() {
    let world = World::start().await;
    let request = world.known_call().await;
    world
        .simulators
        .callrail()
        .answer_next_to("/media/", Fault::TinyRecording, 2);
    assert_eq!(world.waits(request).await, [30, 60]);
    assert!(is_stored(&world, request).await);
}

#[tokio::test]
async fn a_recording_over_the_limit_is_not_archived() {
    let world = World::start().await;
    let request = world.known_call().await;
    // 320 kbit/s: 40,000 bytes a second.
    world.register(json!({ "recording_bytes": 20_000_000 }));
    world.step(request).await;
    let Audio::Stored {
        size_bytes,
        duration_ms,
        ..
    } = section(&world, request).await.audio
    else {
        panic!("no audio")
    };
    assert_eq!(size_bytes, 20_000_000);
    assert!((499_000..501_000).contains(&duration_ms), "{duration_ms}");

    let world = World::start().await;
    let request = world.known_call().await;
    world.register(json!({ "recording_bytes": 250_000_001 }));
    world.step(request).await;
    assert_eq!(
        section(&world, request).await.audio,
        absent(NoAudio::TooLarge)
    );
}

fn missed() -> serde_json::Value {
    json!({ "resource_id": CALL, "answered": false, "duration": 0 })
}

#[tokio::test]
async fn a_missed_call_has_no_recording_to_wait_for() {
    let world = World::start().await;
    world.register(
        json!({ "answered": false, "voicemail": false, "duration": 0, "recording": null }),
    );
    let request = world.deliver(missed()).await;
    world.finish_details(request).await;
    world.step(request).await;
    assert_eq!(
        section(&world, request).await.audio,
        absent(NoAudio::NotRecorded)
    );
    assert_eq!(world.asked_callrail(), [""; 0]);
}

#[tokio::test]
async fn a_missed_call_that_rang_is_not_waited_for() {
    for duration in [json!(19), json!("19"), json!(null), json!(95)] {
        let world = World::start().await;
        world.register(json!({
            "answered": false, "voicemail": false, "duration": duration, "recording": null,
        }));
        let body = json!({ "resource_id": CALL, "answered": false, "duration": duration });
        let request = world.deliver(body).await;
        world.finish_details(request).await;
        assert_eq!(world.waits(request).await, [0; 0], "{duration}");
        let audio = section(&world, request).await.audio;
        assert_eq!(audio, absent(NoAudio::NotRecorded), "{duration}");
        assert_eq!(world.asked_callrail(), [""; 0]);
    }
}

#[tokio::test]
async fn a_message_on_the_machine_is_waited_for() {
    let world = World::start().await;
    world.register(json!({
        "answered": false, "voicemail": true, "duration": 19, "recording": null,
    }));
    let body = json!({ "resource_id": CALL, "answered": false, "voicemail": true, "duration": 19 });
    let request = world.deliver(body).await;
    world.finish_details(request).await;
    assert!(!world.waits(request).await.is_empty());
}

#[tokio::test]
async fn what_the_source_marked_as_spam_is_not_waited_for() {
    let world = World::start().await;
    let mut body = json!({ "resource_id": CALL, "answered": true, "duration": "41" });
    body["spam"] = json!(true);
    let request = world.deliver(body).await;
    world
        .simulators
        .callrail()
        .always_to("/calls/", Fault::Status(404));
    for _ in 0..2 {
        assert_eq!(world.waits(request).await, [0; 0]);
    }
    let document = world.request(request).await.document;
    assert_eq!(document.facts().marked_spam, Some(true));
    let audio = section(&world, request).await.audio;
    assert_eq!(audio, absent(NoAudio::UnknownCall));
    assert_eq!(world.open(request).await.key.stage, Stage::Analysis);
}

#[tokio::test]
async fn a_call_first_reported_unanswered_is_what_the_api_says() {
    let world = World::start().await;
    let request = world.deliver(missed()).await;
    world.finish_details(request).await;
    world.step(request).await;
    assert!(is_stored(&world, request).await);
}

#[tokio::test]
async fn without_details_no_audio_is_fetched() {
    for (details, audio) in [
        (NoDetails::NotConnected, NoAudio::NotConnected),
        (NoDetails::Unknown, NoAudio::UnknownCall),
        (NoDetails::Unavailable, NoAudio::NeverArrived),
    ] {
        let world = World::start().await;
        let request = world.call().await;
        let details = DetailsSection {
            revision: 0,
            answer: DetailsAnswer::Absent(details),
            is_newer: false,
        };
        world.pretend(request, Section::Details(details)).await;
        world.step(request).await;
        assert_eq!(section(&world, request).await.audio, absent(audio));
        assert_eq!(world.open(request).await.key.stage, Stage::Analysis);
        assert_eq!(world.asked_callrail(), [""; 0]);
    }
}

#[tokio::test]
async fn a_key_that_was_revoked_since_holds_the_call() {
    let world = World::start().await;
    let request = world.known_call().await;
    let settings = BTreeMap::from([("account_id".to_owned(), "ACC1".to_owned())]);
    world.connect(CALLRAIL, "revoked", settings.clone()).await;
    let outcome = world.step(request).await.outcome;
    assert!(
        matches!(&outcome, Outcome::Hold { connection, .. } if connection.as_str() == CALLRAIL),
        "{outcome:?}"
    );
    assert_eq!(world.status(request).await, Status::Held);

    world.connect(CALLRAIL, &callrail_key(), settings).await;
    world.step(request).await;
    assert!(is_stored(&world, request).await);
}

#[tokio::test]
async fn an_outage_is_waited_out_wherever_it_strikes() {
    for (path, fault) in [
        ("recording.json", Fault::Status(500)),
        ("recording.json", Fault::RateLimit),
        ("recording.json", Fault::Malformed),
        ("/redirect", Fault::Status(502)),
        ("/media/", Fault::Status(503)),
        ("/media/", Fault::ResetAfterWrite),
    ] {
        let world = World::start().await;
        let request = world.known_call().await;
        world
            .simulators
            .callrail()
            .answer_next_to(path, fault.clone(), 1);
        let outcome = world.step(request).await.outcome;
        assert!(
            matches!(outcome, Outcome::Retry { .. }),
            "{path} {fault:?}: {outcome:?}"
        );
        assert!(
            matches!(world.archived(CALL).await, Err(BlobError::NotFound)),
            "{path} {fault:?}"
        );
        world.step(request).await;
        assert!(is_stored(&world, request).await, "{path} {fault:?}");
    }
}

#[tokio::test]
async fn an_outage_that_lasts_lets_the_call_go_on() {
    let world = World::start().await;
    let request = world.known_call().await;
    world
        .simulators
        .callrail()
        .always_to("recording.json", Fault::Status(503));
    assert_eq!(world.tries(request).await, 1 + 4 + 3);
    assert_eq!(
        section(&world, request).await.audio,
        absent(NoAudio::NeverArrived)
    );
}

#[tokio::test]
async fn a_crash_before_the_settle_stores_the_same_again() {
    let world = World::start().await;
    let request = world.known_call().await;
    world.crash(request).await;
    world.step(request).await;
    assert!(is_stored(&world, request).await);
    assert_eq!(
        world.archived(CALL).await.unwrap(),
        recordings::recording("kitchen-quote").unwrap().mp3
    );
}

#[tokio::test]
async fn a_recording_that_came_after_all_is_fetched() {
    let world = World::start().await;
    let request = world.known_call().await;
    world
        .simulators
        .callrail()
        .answer_next(Fault::LateRecording(Late::Never));
    world.waits(request).await;
    world.simulators.callrail().clear_faults();
    world.asked_callrail();

    let modified =
        json!({ "resource_id": CALL, "changes": ["recording_duration"], "recording": "https://x" });
    assert_eq!(world.deliver(modified).await, request);
    for stage in [Stage::Details, Stage::Recording] {
        assert_eq!(world.open(request).await.key.stage, stage);
        world.step(request).await;
    }
    assert!(is_stored(&world, request).await);
    assert_eq!(section(&world, request).await.revision, 1);
    let asked = world.asked_callrail();
    assert_eq!(asked.len(), 4, "its details, then its audio: {asked:?}");
}

#[tokio::test]
async fn archived_audio_is_not_fetched_again() {
    let world = World::start().await;
    let request = world.known_call().await;
    world.step(request).await;
    let before = section(&world, request).await;
    world.asked_callrail();

    world.replay(request, Stage::Recording).await;
    assert_eq!(world.open(request).await.key.stage, Stage::Recording);
    world.step(request).await;
    let after = section(&world, request).await;
    assert_eq!((after.revision, after.audio), (1, before.audio));
    assert_eq!(world.asked_callrail(), [""; 0]);
}
