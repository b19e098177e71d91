//! Speech-to-Text.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use domain::{Classify, Disposition, EffectFailure};
use google::{
    BatchProgress, CallError, OperationName, Recognized, Speech, SpeechConfig, SpeechError, Tokens,
};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use simulators::{
    Config, Fault, Simulators,
    recordings::{Caller, Recording, Script, recording},
};
use tempfile::TempDir;

use crate::{bad_token, good_token, http, start};

fn speech_with(simulators: &Simulators, tokens: Tokens, location: &str) -> Speech {
    let config = SpeechConfig {
        base_url: simulators.speech().base_url().parse().unwrap(),
        location: location.into(),
        ..SpeechConfig::new("demo-project")
    };
    Speech::new(http(), tokens, config)
}

fn speech(simulators: &Simulators) -> Speech {
    speech_with(simulators, good_token(), "us")
}

fn kitchen() -> &'static Recording {
    recording("kitchen-quote").unwrap()
}

fn audio() -> Bytes {
    Bytes::from_static(kitchen().mp3)
}

/// Holds that the turns are those of the script, word for word.
fn assert_heard(heard: &Recognized, script: &Script) {
    let expected: Vec<_> = script
        .turns
        .iter()
        .map(|turn| (turn.speaker.as_str(), turn.text.as_str()))
        .collect();
    let turns: Vec<_> = heard
        .turns
        .iter()
        .map(|turn| (turn.speaker.as_str(), turn.text.as_str()))
        .collect();
    assert_eq!(turns, expected);
    assert_eq!(heard.language.as_deref(), Some("en-US"));
}

/// Simulators with a bucket, and a clock that is moved by hand.
struct World {
    simulators: Simulators,
    bucket: TempDir,
    now_ms: Arc<AtomicI64>,
}

impl World {
    async fn start() -> Self {
        let bucket = TempDir::new().unwrap();
        let now_ms = Arc::new(AtomicI64::new(1_773_000_000_000));
        let clock = Arc::clone(&now_ms);
        let mut config = Config {
            now: Arc::new(move || {
                Timestamp::from_millisecond(clock.load(Ordering::SeqCst)).unwrap()
            }),
            ..Config::default()
        };
        config.blob_root = Some(bucket.path().to_owned());
        config.of::<simulators::speech::Config>().operation_delay = Duration::from_secs(2);
        Self {
            simulators: Simulators::start(config).await.unwrap(),
            bucket,
            now_ms,
        }
    }

    fn pass(&self, by: Duration) {
        self.now_ms
            .fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.bucket.path().join(name), bytes).unwrap();
        format!("gs://recordings/{name}")
    }

    async fn finished(&self, uri: &str) -> BatchProgress {
        let speech = speech(&self.simulators);
        let name = speech.start_batch(uri, true).await.unwrap();
        self.pass(Duration::from_secs(2));
        speech.operation(&name).await.unwrap()
    }
}

#[tokio::test]
async fn a_short_call_is_recognised_with_its_speakers_and_times() {
    let simulators = start().await;
    let heard = speech(&simulators).recognize(audio()).await.unwrap();
    assert_heard(&heard, &kitchen().script);
    for (turn, expected) in heard.turns.iter().zip(&kitchen().script.turns) {
        let ms = |seconds: f64| (seconds * 1_000.0).round().to_string();
        assert_eq!(turn.start_ms.to_string(), ms(expected.start_seconds));
        assert_eq!(turn.end_ms.to_string(), ms(expected.end_seconds));
    }
    assert_eq!(heard.billed_seconds, 39);
}

#[tokio::test]
async fn silence_is_an_answer() {
    let simulators = start().await;
    let silence = Script {
        title: String::new(),
        language: "en-US".into(),
        caller: Caller::default(),
        duration_seconds: 8.0,
        turns: Vec::new(),
    };
    simulators
        .speech()
        .hear(&hex::encode(Sha256::digest(b"silence")), silence);
    let heard = speech(&simulators)
        .recognize(Bytes::from_static(b"silence"))
        .await
        .unwrap();
    assert_eq!(
        heard,
        Recognized {
            turns: Vec::new(),
            language: None,
            billed_seconds: 8
        }
    );
}

#[tokio::test]
async fn a_batch_runs_and_then_gives_the_same_turns() {
    let world = World::start().await;
    let speech = speech(&world.simulators);
    let name = speech
        .start_batch(&world.put("a.mp3", kitchen().mp3), true)
        .await
        .unwrap();
    assert_eq!(
        speech.operation(&name).await.unwrap(),
        BatchProgress::Running { percent: 0 }
    );
    world.pass(Duration::from_secs(1));
    assert_eq!(
        speech.operation(&name).await.unwrap(),
        BatchProgress::Running { percent: 50 }
    );
    world.pass(Duration::from_secs(1));
    let stored = OperationName::parse(name.as_str()).unwrap();
    let BatchProgress::Finished(heard) = speech.operation(&stored).await.unwrap() else {
        panic!("not finished")
    };
    assert_heard(&heard, &kitchen().script);
}

#[tokio::test]
async fn a_batch_without_word_times_still_tells_speakers_apart() {
    let world = World::start().await;
    let speech = speech(&world.simulators);
    let name = speech
        .start_batch(&world.put("a.mp3", kitchen().mp3), false)
        .await
        .unwrap();
    world.pass(Duration::from_secs(2));
    let BatchProgress::Finished(heard) = speech.operation(&name).await.unwrap() else {
        panic!("not finished")
    };
    assert_heard(&heard, &kitchen().script);
    assert!(
        heard
            .turns
            .windows(2)
            .all(|pair| pair[0].start_ms <= pair[1].start_ms)
    );
}

#[tokio::test]
async fn a_file_can_fail_within_an_operation_that_succeeds() {
    let world = World::start().await;
    let missing = world.finished("gs://recordings/none.mp3").await;
    assert!(
        matches!(missing, BatchProgress::FileFailed { code: 5, .. }),
        "{missing:?}"
    );
    let uri = world.put("b.mp3", b"this is no audio");
    let unreadable = world.finished(&uri).await;
    assert!(
        matches!(&unreadable, BatchProgress::FileFailed { code: 3, message } if message.contains("decoded"))
    );
    assert!(!BatchProgress::is_transient(3) && BatchProgress::is_transient(14));
}

#[tokio::test]
async fn an_operation_that_is_gone_is_not_found() {
    let world = World::start().await;
    let speech = speech(&world.simulators);
    let name = speech
        .start_batch(&world.put("a.mp3", kitchen().mp3), true)
        .await
        .unwrap();
    world.simulators.speech().answer_next(Fault::OperationLost);
    let error = speech.operation(&name).await.unwrap_err();
    assert!(
        matches!(error, SpeechError::Call(CallError::NotFound { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn each_refusal_says_what_to_do_and_if_it_took_effect() {
    let simulators = start().await;
    let retry = |seconds: Option<u64>| Disposition::Retry {
        after: seconds.map(Duration::from_secs),
    };
    for (fault, disposition, is_unknown) in [
        (
            Fault::Answer {
                status: 429,
                retry_after_seconds: Some(9),
                body: None,
            },
            retry(Some(9)),
            false,
        ),
        (Fault::RateLimit, retry(None), false),
        (Fault::Status(500), retry(None), true),
        (Fault::Status(503), retry(None), true),
        (Fault::ResetAfterWrite, retry(None), true),
        (Fault::Malformed, retry(None), true),
        (Fault::RevokedToken, retry(None), false),
        (Fault::Status(403), retry(None), false),
        (Fault::FileError, Disposition::Park, false),
    ] {
        simulators.speech().answer_next(fault.clone());
        let error = speech(&simulators).recognize(audio()).await.unwrap_err();
        assert_eq!(error.disposition(), disposition, "{fault:?}");
        assert_eq!(error.is_outcome_unknown(), is_unknown, "{fault:?}");
    }
}

#[tokio::test]
async fn what_the_service_does_not_offer_is_rejected_with_its_words() {
    let simulators = start().await;
    let elsewhere = speech_with(&simulators, good_token(), "us-central1");
    let error = elsewhere.recognize(audio()).await.unwrap_err();
    assert!(
        matches!(error, SpeechError::Call(CallError::Rejected { .. })),
        "{error}"
    );
    assert!(error.answer().unwrap().contains("us-central1"));

    let long = Bytes::from_static(recording("long-call").unwrap().mp3);
    let error = speech(&simulators).recognize(long).await.unwrap_err();
    assert!(error.answer().unwrap().contains("60 seconds"), "{error}");

    let stranger = speech_with(&simulators, bad_token(), "us");
    let error = stranger.recognize(audio()).await.unwrap_err();
    assert!(
        matches!(error, SpeechError::Call(CallError::Unauthorized { .. })),
        "{error}"
    );
}
