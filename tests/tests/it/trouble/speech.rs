//! Speech-to-Text fails, forgets or cannot read a recording.

use domain::{RequestId, Status, TranscriptState};
use serde_json::{Value, json};
use simulators::Fault;
use tests::World;

use super::{
    MINUTE, at_rest, call, call_id, comes_to, counts, finish_with_nothing_open, let_pass, mail,
    outcomes,
};

/// Delivers a call of more than a minute: it is transcribed by an operation.
async fn long_call(world: &World) -> RequestId {
    world
        .simulators()
        .callrail()
        .register(&call_id(1), json!({ "recording": "long-call" }))
        .unwrap();
    call(world, 1).await
}

/// How often an operation was begun.
fn started(world: &World) -> usize {
    let asked = world.simulators().speech().requests();
    let starts = asked
        .iter()
        .filter(|request| request.path.ends_with(":batchRecognize"));
    starts.count()
}

async fn is_spoken(world: &World, request: RequestId) -> bool {
    let transcript = world.view(request).await.request.document.transcript;
    transcript.unwrap().state == TranscriptState::Spoken
}

/// A lead that went on without what was said: everybody can see that, and why.
async fn assert_goes_on_without_transcript(world: &World, request: RequestId, why: &str) {
    comes_to(world, request, Status::Completed).await;
    let shown = world.shown(request).await;
    assert_eq!(shown["recording"]["state"], "stored");
    let transcript = &shown["transcript"];
    assert_eq!(transcript["outcome"], "unavailable");
    let reason = transcript["reason"].as_str().unwrap();
    assert!(reason.contains(why), "{reason}");
    let mail = mail(world, request);
    let warning = "There is a recording, but no transcript could be made.";
    assert!(mail.text.contains(warning), "{}", mail.text);
    assert_eq!(shown["dispatches"][0]["state"], "done");
    assert_eq!(counts(world), (1, 1, 1));
    let usage = shown["usage"].as_array().unwrap();
    assert!(
        !usage.iter().any(|line| line["unit"] == "speech_seconds"),
        "nothing was heard, and nothing is charged"
    );
}

#[tokio::test]
async fn speech_fails_for_a_minute_and_the_transcript_comes_later() {
    let world = World::on_manual_clock().await;
    let speech = world.simulators().speech();
    speech.always(Fault::Status(500));
    let request = call(&world, 1).await;
    let_pass(&world, MINUTE).await;
    speech.clear_faults();
    assert_eq!(counts(&world), (0, 0, 0));
    comes_to(&world, request, Status::Completed).await;
    assert!(is_spoken(&world, request).await);
    assert!(!mail(&world, request).text.contains("no transcript"));
    assert_eq!(counts(&world), (1, 1, 1));
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn speech_fails_all_day_and_the_lead_goes_on_without_it() {
    let world = World::on_manual_clock().await;
    world.simulators().speech().always(Fault::Status(500));
    let began = world.now();
    let request = call(&world, 1).await;
    let why = "given up: Speech-to-Text failed with status 500";
    assert_goes_on_without_transcript(&world, request, why).await;
    let took = world.now().duration_since(began).as_mins();
    assert!(took <= 30, "{took} min");
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn speech_fails_for_minutes_and_a_long_call_starts_twice() {
    let world = World::on_manual_clock().await;
    let speech = world.simulators().speech();
    speech.always(Fault::Status(503));
    let request = long_call(&world).await;
    let_pass(&world, 10 * MINUTE).await;
    assert_eq!(
        started(&world),
        1,
        "the last start is kept for when it works"
    );
    speech.clear_faults();
    comes_to(&world, request, Status::Completed).await;
    assert!(is_spoken(&world, request).await);
    assert_eq!(started(&world), 2);
    assert_eq!(counts(&world), (1, 1, 1));
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn speech_forgets_its_operation_and_it_starts_once_more() {
    let world = World::on_manual_clock().await;
    world
        .simulators()
        .speech()
        .answer_next_to("GET", Fault::OperationLost, 1);
    let request = long_call(&world).await;
    comes_to(&world, request, Status::Completed).await;
    assert!(is_spoken(&world, request).await);
    assert_eq!(started(&world), 2);
    let shown = world.shown(request).await;
    let timeline = shown["timeline"].as_array().unwrap();
    let is_on_record = |entry: &Value| {
        entry["stage"] == "transcript"
            && entry["detail"]
                == "the transcription runs, started once more: Speech-to-Text no longer knows it"
    };
    assert!(timeline.iter().any(is_on_record), "{timeline:#?}");
    assert_eq!(counts(&world), (1, 1, 1));
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn speech_forgets_every_operation_and_the_lead_goes_on() {
    let world = World::on_manual_clock().await;
    world
        .simulators()
        .speech()
        .always_to("/operations/", Fault::OperationLost);
    let request = long_call(&world).await;
    let why = "started twice, both without a result: Speech-to-Text no longer knows it";
    assert_goes_on_without_transcript(&world, request, why).await;
    assert_eq!(started(&world), 2);
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn speech_fails_within_an_operation_and_it_starts_once_more() {
    let world = World::on_manual_clock().await;
    world
        .simulators()
        .speech()
        .answer_next_to(":batchRecognize", Fault::OperationFailed, 1);
    let request = long_call(&world).await;
    comes_to(&world, request, Status::Completed).await;
    assert!(is_spoken(&world, request).await);
    assert_eq!(started(&world), 2);
    assert_eq!(counts(&world), (1, 1, 1));
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn speech_cannot_read_a_file_and_the_lead_says_why() {
    let world = World::on_manual_clock().await;
    world
        .simulators()
        .speech()
        .answer_next_to(":batchRecognize", Fault::FileError, 1);
    let request = long_call(&world).await;
    let why = "Speech-to-Text failed with code 3: Audio could not be decoded.";
    assert_goes_on_without_transcript(&world, request, why).await;
    assert_eq!(started(&world), 1, "the same file fares no better");
    let shown = world.shown(request).await;
    assert_eq!(outcomes(&shown, "transcript"), ["waiting", "done"]);
    assert!(at_rest(&world).await.is_empty());
    finish_with_nothing_open(world).await;
}
