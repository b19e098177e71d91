//! The stage `recording`.

use std::{collections::BTreeMap, time::Duration};

use blobs::BlobError;
use domain::{Audio, Clock as _, NoAudio, Outcome, RecordingSection, Stage, Status, WorkState};
use serde_json::json;
use simulators::{Fault, Late, recordings};

use crate::world::{CALL, World};

async fn section(world: &World, request: domain::RequestId) -> RecordingSection {
    world.request(request).await.document.recording.unwrap()
}

fn absent(reason: NoAudio) -> Audio {
    Audio::Absent { reason }
}

/// Steps until the stage is done; the seconds that were waited between them.
async fn waits(world: &World, request: domain::RequestId) -> Vec<i64> {
    let mut waits = Vec::new();
    loop {
        let now = world.clock.now();
        match world.step(request).await.outcome {
            Outcome::Wait { until, .. } => {
                waits.push(until.duration_since(world.clock.now()).as_secs());
            }
            Outcome::Done { .. } => return waits,
            other => panic!("{other:?} at {now}"),
        }
    }
}

#[tokio::test]
async fn a_recording_is_archived_with_its_hash_its_size_and_its_length() {
    let world = World::start().await;
    world
        .simulators
        .callrail()
        .register(
            CALL,
            json!({ "numeric_id": 902_134_477, "zip_code": "78664" }),
        )
        .unwrap();
    let request = world.call().await;

    let Outcome::Done { aliases, .. } = world.step(request).await.outcome else {
        panic!("not done")
    };
    assert_eq!(aliases.len(), 1);
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
    assert_eq!(section.call.caller_postal_code.as_deref(), Some("78664"));
    assert!(!section.is_refetched);
    assert_eq!(world.open(request).await.key.stage, Stage::Transcript);
    let asked = world.asked_callrail();
    assert_eq!(asked.len(), 4, "details, link, redirect, file: {asked:?}");
}

#[tokio::test]
async fn a_call_that_was_named_by_its_number_is_stored_under_its_canonical_id_and_has_both_names() {
    let world = World::start().await;
    world
        .simulators
        .callrail()
        .register(CALL, json!({ "numeric_id": 902_134_477 }))
        .unwrap();
    let request = world
        .deliver(json!({ "id": 902_134_477, "answered": true }))
        .await;
    world.step(request).await;
    assert!(world.archived(CALL).await.is_ok());
    let later = world
        .deliver(json!({ "resource_id": CALL, "changes": ["note"], "note": "call back" }))
        .await;
    assert_eq!(later, request, "the other name leads to the same request");
}

#[tokio::test]
async fn a_recording_that_is_late_is_waited_for() {
    let world = World::start().await;
    let request = world.call().await;
    world
        .simulators
        .callrail()
        .answer_next(Fault::LateRecording(Late::After(Duration::from_secs(100))));
    assert_eq!(waits(&world, request).await, [30, 60, 120]);
    assert!(matches!(
        section(&world, request).await.audio,
        Audio::Stored { .. }
    ));
}

#[tokio::test]
async fn a_recording_that_never_comes_lets_the_call_go_on() {
    let world = World::start().await;
    let request = world.call().await;
    world
        .simulators
        .callrail()
        .answer_next(Fault::LateRecording(Late::Never));
    assert_eq!(waits(&world, request).await, [30, 60, 120, 300, 600, 1200]);
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
async fn a_file_that_holds_nothing_is_waited_for_like_one_that_is_not_there() {
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
        let request = world.call().await;
        world
            .simulators
            .callrail()
            .always_to("/media/", fault.clone());
        assert_eq!(waits(&world, request).await.len(), 6, "{fault:?}");
        assert_eq!(
            section(&world, request).await.audio,
            absent(expected),
            "{fault:?}"
        );
        assert!(
            matches!(world.archived(CALL).await, Err(BlobError::NotFound)),
            "{fault:?}: nothing is left"
        );
    }
}

#[tokio::test]
async fn a_file_that_gets_its_sound_later_is_taken_then() {
    let world = World::start().await;
    let request = world.call().await;
    world
        .simulators
        .callrail()
        .answer_next_to("/media/", Fault::TinyRecording, 2);
    assert_eq!(waits(&world, request).await, [30, 60]);
    assert!(matches!(
        section(&world, request).await.audio,
        Audio::Stored { .. }
    ));
}

#[tokio::test]
async fn a_large_recording_passes_and_one_over_the_limit_does_not() {
    let world = World::start().await;
    let request = world.call().await;
    // 320 kbit/s: 40,000 bytes a second.
    world
        .simulators
        .callrail()
        .register(CALL, json!({ "recording_bytes": 20_000_000 }))
        .unwrap();
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
    let request = world.call().await;
    world
        .simulators
        .callrail()
        .register(CALL, json!({ "recording_bytes": 250_000_001 }))
        .unwrap();
    world.step(request).await;
    assert_eq!(
        section(&world, request).await.audio,
        absent(NoAudio::TooLarge)
    );
}

#[tokio::test]
async fn a_missed_call_has_no_recording_to_wait_for() {
    let world = World::start().await;
    let fields = json!({ "answered": false, "voicemail": false, "duration": 0, "recording": null });
    world.simulators.callrail().register(CALL, fields).unwrap();
    let request = world
        .deliver(json!({ "resource_id": CALL, "answered": false, "duration": 0 }))
        .await;
    assert!(
        world.open(request).await.due_at > world.clock.now(),
        "news may be on its way"
    );
    world.step(request).await;
    assert_eq!(
        section(&world, request).await.audio,
        absent(NoAudio::NotRecorded)
    );
    assert_eq!(world.asked_callrail().len(), 1, "only the details");
}

#[tokio::test]
async fn a_call_that_was_first_reported_unanswered_is_what_the_api_says() {
    let world = World::start().await;
    let request = world
        .deliver(json!({ "resource_id": CALL, "answered": false, "duration": 0 }))
        .await;
    world.step(request).await;
    assert!(matches!(
        section(&world, request).await.audio,
        Audio::Stored { .. }
    ));
}

#[tokio::test]
async fn a_call_that_callrail_does_not_know_is_looked_for_and_goes_on() {
    let world = World::start().await;
    world
        .simulators
        .callrail()
        .register(CALL, json!({ "missing": true }))
        .unwrap();
    let request = world.call().await;
    assert_eq!(waits(&world, request).await, [30, 60, 120]);
    let section = section(&world, request).await;
    assert_eq!(section.audio, absent(NoAudio::UnknownCall));
    assert_eq!(
        world
            .request(request)
            .await
            .document
            .call()
            .duration_seconds,
        Some(41),
        "the delivery's facts stay"
    );
}

#[tokio::test]
async fn a_tenant_without_an_account_goes_on_with_what_was_delivered() {
    let mut world = World::start().await;
    world.tenant = domain::TenantId::new("tenant_b").unwrap();
    let request = world.call().await;
    world.step(request).await;
    assert_eq!(
        section(&world, request).await.audio,
        absent(NoAudio::NotConnected)
    );
    assert!(world.asked_callrail().is_empty());
}

#[tokio::test]
async fn a_refused_key_holds_the_call_until_there_is_another() {
    let world = World::start().await;
    let settings = BTreeMap::from([("account_id".to_owned(), "ACC1".to_owned())]);
    world.connect("revoked", settings.clone()).await;
    let request = world.call().await;
    let outcome = world.step(request).await.outcome;
    assert!(
        matches!(&outcome, Outcome::Hold { connection, .. } if *connection == World::connection()),
        "{outcome:?}"
    );
    assert_eq!(world.status(request).await, Status::Held);

    world
        .connect(
            &simulators::callrail::Config::default().api_keys[0],
            settings,
        )
        .await;
    world.step(request).await;
    assert!(matches!(
        section(&world, request).await.audio,
        Audio::Stored { .. }
    ));
}

#[tokio::test]
async fn a_call_of_another_company_is_parked_and_nothing_of_it_is_kept() {
    let world = World::start().await;
    world
        .simulators
        .callrail()
        .register(CALL, json!({ "company_id": "COMother", "note": "s3cret" }))
        .unwrap();
    let request = world.call().await;
    let outcome = world.step(request).await.outcome;
    assert!(matches!(outcome, Outcome::Park { .. }), "{outcome:?}");
    assert!(matches!(
        world.open(request).await.state,
        WorkState::Parked { .. }
    ));
    assert!(matches!(
        world.archived(CALL).await,
        Err(BlobError::NotFound)
    ));
    assert!(world.request(request).await.document.recording.is_none());
}

#[tokio::test]
async fn an_agencys_companies_can_be_named_with_the_connection() {
    let world = World::start().await;
    world
        .simulators
        .callrail()
        .register(CALL, json!({ "company_id": "COMother" }))
        .unwrap();
    let settings = [("account_id", "ACC1"), ("company_ids", "COMone, COMother")];
    let settings = settings
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    world
        .connect(
            &simulators::callrail::Config::default().api_keys[0],
            settings,
        )
        .await;
    let request = world.call().await;
    world.step(request).await;
    assert!(matches!(
        section(&world, request).await.audio,
        Audio::Stored { .. }
    ));
}

#[tokio::test]
async fn an_account_that_is_not_named_is_a_persons_business() {
    let world = World::start().await;
    world
        .connect(
            &simulators::callrail::Config::default().api_keys[0],
            BTreeMap::new(),
        )
        .await;
    let request = world.call().await;
    let Outcome::Park { reason, .. } = world.step(request).await.outcome else {
        panic!("not parked")
    };
    assert!(reason.contains("account_id"), "{reason}");
}

#[tokio::test]
async fn an_outage_is_sat_out_wherever_it_strikes() {
    for (path, fault) in [
        ("/v3/a/", Fault::Status(503)),
        ("/v3/a/", Fault::RateLimit),
        ("/v3/a/", Fault::Malformed),
        ("recording.json", Fault::Status(500)),
        ("/redirect", Fault::Status(502)),
        ("/media/", Fault::Status(503)),
        ("/media/", Fault::ResetAfterWrite),
    ] {
        let world = World::start().await;
        let request = world.call().await;
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
        assert!(
            matches!(section(&world, request).await.audio, Audio::Stored { .. }),
            "{path} {fault:?}"
        );
    }
}

#[tokio::test]
async fn a_crash_before_the_settle_stores_the_same_again() {
    let world = World::start().await;
    let request = world.call().await;
    world.crash(request).await;
    world.step(request).await;
    assert!(matches!(
        section(&world, request).await.audio,
        Audio::Stored { .. }
    ));
    assert_eq!(
        world.archived(CALL).await.unwrap(),
        recordings::recording("kitchen-quote").unwrap().mp3
    );
}

#[tokio::test]
async fn a_recording_that_came_after_all_is_fetched() {
    let world = World::start().await;
    let request = world.call().await;
    world
        .simulators
        .callrail()
        .answer_next(Fault::LateRecording(Late::Never));
    waits(&world, request).await;
    world.simulators.callrail().clear_faults();

    let modified =
        json!({ "resource_id": CALL, "changes": ["recording_duration"], "recording": "https://x" });
    assert_eq!(world.deliver(modified).await, request);
    world.step(request).await;
    let section = section(&world, request).await;
    assert!(
        matches!(section.audio, Audio::Stored { .. }),
        "{:?}",
        section.audio
    );
    assert!(section.is_refetched);
    assert_eq!(section.revision, 1);
}

#[tokio::test]
async fn audio_that_is_archived_is_not_fetched_again() {
    let world = World::start().await;
    let request = world.call().await;
    world.step(request).await;
    let before = section(&world, request).await;
    world
        .deliver(json!({ "resource_id": CALL, "changes": ["note"], "note": "call back" }))
        .await;
    world.asked_callrail();
    world
        .simulators
        .callrail()
        .register(CALL, json!({ "note": "called back" }))
        .unwrap();

    // The first delivery once more: the note may have changed back, so the API is asked.
    assert_eq!(world.call().await, request);
    world.step(request).await;
    let after = section(&world, request).await;
    assert_eq!(world.asked_callrail().len(), 1, "only the details");
    assert_eq!(after.audio, before.audio);
    assert!(after.is_refetched);
    assert_eq!(
        world.request(request).await.document.call().note.as_deref(),
        Some("called back")
    );
}
