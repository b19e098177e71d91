use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use simulators::recordings::{self, Script};
use simulators::{Fault, GOOGLE_TOKEN};

use crate::world::{Answer, World, client, put, send};

const LOCATION: &str = "/v2/projects/p1/locations/us";

fn config() -> Value {
    json!({
        "model": "chirp_3",
        "languageCodes": ["en-US"],
        "autoDecodingConfig": {},
        "features": { "enableAutomaticPunctuation": true, "enableWordTimeOffsets": true, "diarizationConfig": {} },
    })
}

async fn post(world: &World, path: &str, body: &Value) -> Answer {
    let url = format!("{}{path}", world.simulators.speech().base_url());
    send(client().post(url).bearer_auth(GOOGLE_TOKEN).json(body)).await
}

async fn get(world: &World, path: &str) -> Answer {
    let url = format!("{}/v2/{path}", world.simulators.speech().base_url());
    send(client().get(url).bearer_auth(GOOGLE_TOKEN)).await
}

async fn recognize(world: &World, config: Value, audio: &[u8]) -> Answer {
    let body = json!({ "config": config, "content": STANDARD.encode(audio) });
    post(world, &format!("{LOCATION}/recognizers/_:recognize"), &body).await
}

async fn batch(world: &World, uris: &[&str], output: Value) -> Answer {
    let files: Vec<_> = uris.iter().map(|uri| json!({ "uri": uri })).collect();
    let body = json!({ "config": config(), "files": files, "recognitionOutputConfig": output });
    post(
        world,
        &format!("{LOCATION}/recognizers/_:batchRecognize"),
        &body,
    )
    .await
}

/// A world whose buckets are a folder with these files.
async fn world_with(files: &[(&str, &[u8])]) -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let root = folder.path().to_owned();
    (
        World::with(|config| config.blob_root = Some(root)).await,
        folder,
    )
}

fn mp3(name: &str) -> &'static [u8] {
    recordings::recording(name).unwrap().mp3
}

/// What each speaker says, from the words of all results.
fn conversation(results: &Value) -> Vec<(String, String)> {
    let mut turns: Vec<(String, String)> = Vec::new();
    for result in results["results"].as_array().unwrap() {
        for word in result["alternatives"][0]["words"].as_array().unwrap() {
            let (speaker, text) = (
                word["speakerLabel"].as_str().unwrap(),
                word["word"].as_str().unwrap(),
            );
            match turns.last_mut().filter(|(last, _)| last == speaker) {
                Some((_, words)) => words.push_str(&format!(" {text}")),
                None => turns.push((speaker.to_owned(), text.to_owned())),
            }
        }
    }
    turns
}

#[tokio::test]
async fn a_short_recording_is_heard_word_by_word_from_its_script() {
    let world = World::start().await;
    let heard = recognize(&world, config(), mp3("kitchen-quote"))
        .await
        .expect(200);
    assert_eq!(heard["metadata"]["totalBilledDuration"], "39s");
    let turns = conversation(&heard);
    let script = &recordings::recording("kitchen-quote").unwrap().script;
    assert_eq!(turns.len(), script.turns.len());
    assert_eq!(turns[3].1, script.turns[3].text);
    let words = heard["results"][0]["alternatives"][0]["words"]
        .as_array()
        .unwrap();
    assert!(words[0].get("startOffset").is_none());
    assert!(words[1]["startOffset"].as_str().unwrap().ends_with('s'));
}

#[tokio::test]
async fn bad_configurations_are_refused_as_google_refuses() {
    let world = World::start().await;
    let with = |name: &str, value: Value| {
        let mut config = config();
        config[name] = value;
        config
    };
    for bad in [
        with("model", json!("long")),
        with("languageCodes", json!([])),
        with("autoDecodingConfig", Value::Null),
        with("explicitDecodingConfig", json!({ "encoding": "MP3" })),
    ] {
        let refused = recognize(&world, bad, mp3("no-place")).await.expect(400);
        assert_eq!(refused["error"]["status"], "INVALID_ARGUMENT");
    }
    let body = json!({ "config": config(), "content": "" });
    post(
        &world,
        "/v2/projects/p1/locations/us-central1/recognizers/_:recognize",
        &body,
    )
    .await
    .expect(400);
    post(
        &world,
        &format!("{LOCATION}/recognizers/mine:recognize"),
        &body,
    )
    .await
    .expect(404);
    let url = format!(
        "{}{LOCATION}/recognizers/_:recognize",
        world.simulators.speech().base_url()
    );
    let refused = send(client().post(url).bearer_auth("other").json(&body))
        .await
        .expect(401);
    assert_eq!(refused["error"]["status"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn audio_over_a_minute_and_no_audio_at_all_are_refused() {
    let world = World::start().await;
    let long = recognize(&world, config(), mp3("long-call"))
        .await
        .expect(400);
    assert!(
        long["error"]["message"]
            .as_str()
            .unwrap()
            .contains("60 seconds")
    );
    let noise = recognize(&world, config(), b"this is not audio")
        .await
        .expect(400);
    assert_eq!(noise["error"]["message"], "Audio could not be decoded.");
    let cut = &mp3("kitchen-quote")[..20_000];
    assert!(!conversation(&recognize(&world, config(), cut).await.expect(200)).is_empty());
}

#[tokio::test]
async fn any_audio_can_be_given_a_script_and_silence_has_no_results() {
    let world = World::start().await;
    let audio = &mp3("kitchen-quote")[..20_000];
    let silence = json!({ "duration_seconds": 10.0, "turns": [] });
    let hash = hex::encode(Sha256::digest(audio));
    let url = format!(
        "{}/_sim/scripts/{hash}",
        world.simulators.speech().base_url()
    );
    assert_eq!(put(&url, &silence).await.status, 204);
    assert_eq!(
        recognize(&world, config(), audio).await.expect(200)["results"],
        json!([])
    );
    let script: Script = recordings::recording("whole-home").unwrap().script.clone();
    world.simulators.speech().hear(&hash, script);
    let heard = conversation(&recognize(&world, config(), audio).await.expect(200));
    assert!(heard[1].1.contains("Priya Raman"), "{heard:?}");
}

#[tokio::test]
async fn a_batch_runs_and_then_gives_its_result_inline() {
    let (world, _folder) = world_with(&[("t1/call.mp3", mp3("long-call"))]).await;
    let uri = "gs://recordings/t1/call.mp3";
    let started = batch(&world, &[uri], json!({ "inlineResponseConfig": {} }))
        .await
        .expect(200);
    let name = started["name"].as_str().unwrap().to_owned();
    assert!(started.get("done").is_none());
    world.pass(Duration::from_secs(1));
    let running = get(&world, &name).await.expect(200);
    assert_eq!(running["metadata"]["progressPercent"], 50);
    world.pass(Duration::from_secs(1));
    let done = get(&world, &name).await.expect(200);
    assert_eq!(done["done"], true);
    let result = &done["response"]["results"][uri];
    assert_eq!(result["metadata"]["totalBilledDuration"], "76s");
    assert!(conversation(&result["inlineResult"]["transcript"]).len() >= 19);
    get(&world, "projects/p1/locations/us/operations/123")
        .await
        .expect(404);
}

#[tokio::test]
async fn a_batch_writes_its_results_into_the_bucket() {
    let (world, folder) =
        world_with(&[("t1/a.mp3", mp3("no-place")), ("t1/b.mp3", b"not audio")]).await;
    let uris = [
        "gs://recordings/t1/a.mp3",
        "gs://recordings/t1/b.mp3",
        "gs://recordings/t1/c.mp3",
    ];
    let output = json!({ "gcsOutputConfig": { "uri": "gs://recordings/out/1/" } });
    let started = batch(&world, &uris, output).await.expect(200);
    world.pass(Duration::from_secs(2));
    let done = get(&world, started["name"].as_str().unwrap())
        .await
        .expect(200);
    let results = &done["response"]["results"];
    let written = results[uris[0]]["cloudStorageResult"]["uri"]
        .as_str()
        .unwrap();
    let path = written.strip_prefix("gs://recordings/").unwrap();
    assert!(path.starts_with("out/1/a_transcript_"), "{path}");
    let transcript: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join(path)).unwrap()).unwrap();
    assert!(!conversation(&transcript).is_empty());
    assert_eq!(
        results[uris[1]]["error"],
        json!({ "code": 3, "message": "Audio could not be decoded." })
    );
    assert_eq!(results[uris[2]]["error"]["code"], 5);
    batch(&world, &uris, json!({ "inlineResponseConfig": {} }))
        .await
        .expect(400);
}

/// Puts an object into the simulated Cloud Storage.
async fn upload(world: &World, name: &str, bytes: &[u8]) {
    let storage = world.simulators.storage().base_url();
    let url = format!("{storage}/upload/storage/v1/b/recordings/o?uploadType=media&name={name}");
    let body = bytes.to_vec();
    send(client().post(url).bearer_auth("any").body(body))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_batch_prefers_objects_of_the_simulated_storage_to_files() {
    let files: [(&str, &[u8]); 2] = [("both.mp3", b"not audio"), ("file.mp3", mp3("no-place"))];
    let (world, _folder) = world_with(&files).await;
    world
        .simulators
        .speech()
        .set_operation_delay(Duration::ZERO);
    upload(&world, "t1%2Fcall.mp3", mp3("long-call")).await;
    upload(&world, "both.mp3", mp3("no-place")).await;
    upload(&world, "silent.mp3", b"not audio").await;
    for (uri, billed_seconds) in [
        ("gs://recordings/t1/call.mp3", Ok("76s")),
        ("gs://recordings/both.mp3", Ok("24s")),
        ("gs://recordings/file.mp3", Ok("24s")),
        (
            "gs://recordings/silent.mp3",
            Err((3, "Audio could not be decoded.")),
        ),
        (
            "gs://other/t1/call.mp3",
            Err((5, "No such object: other/t1/call.mp3")),
        ),
    ] {
        let started = batch(&world, &[uri], json!({ "inlineResponseConfig": {} }))
            .await
            .expect(200);
        let done = get(&world, started["name"].as_str().unwrap())
            .await
            .expect(200);
        let result = &done["response"]["results"][uri];
        match billed_seconds {
            Ok(billed) => {
                assert_eq!(result["metadata"]["totalBilledDuration"], billed, "{uri}");
                let heard = conversation(&result["inlineResult"]["transcript"]);
                assert!(heard.len() >= 8, "{uri}: {heard:?}");
            }
            Err((code, message)) => {
                assert_eq!(result["error"], json!({ "code": code, "message": message }));
            }
        }
    }
}

#[tokio::test]
async fn without_a_folder_the_simulated_storage_is_all_there_is() {
    let world = World::start().await;
    upload(&world, "a.mp3", mp3("no-place")).await;
    let path = format!("{LOCATION}/recognizers/_:recognize");
    for (uri, status) in [
        ("gs://recordings/a.mp3", 200),
        ("gs://recordings/b.mp3", 404),
    ] {
        let body = json!({ "config": config(), "uri": uri });
        post(&world, &path, &body).await.expect(status);
    }
}

#[tokio::test]
async fn audio_over_the_limits_of_a_batch_is_refused() {
    let (world, _folder) = world_with(&[("long.mp3", mp3("long-call"))]).await;
    drop(world);
    let root = _folder.path().to_owned();
    let world = World::with(|config| {
        config.blob_root = Some(root);
        config.of::<simulators::speech::Config>().word_times_limit = Duration::from_secs(60);
    })
    .await;
    let refused = batch(
        &world,
        &["gs://b/long.mp3"],
        json!({ "inlineResponseConfig": {} }),
    )
    .await
    .expect(400);
    assert!(
        refused["error"]["message"]
            .as_str()
            .unwrap()
            .contains("word time offsets")
    );
    batch(
        &world,
        &["gs://b/../secret"],
        json!({ "inlineResponseConfig": {} }),
    )
    .await
    .expect(200);
}

#[tokio::test]
async fn a_file_can_fail_and_an_operation_can_get_lost_on_order() {
    let (world, _folder) = world_with(&[("a.mp3", mp3("no-place"))]).await;
    let speech = world.simulators.speech();
    speech.set_operation_delay(Duration::ZERO);
    let inline = || json!({ "inlineResponseConfig": {} });
    speech.answer_next(Fault::FileError);
    let started = batch(&world, &["gs://b/a.mp3"], inline()).await.expect(200);
    let done = get(&world, started["name"].as_str().unwrap())
        .await
        .expect(200);
    assert_eq!(
        done["response"]["results"]["gs://b/a.mp3"]["error"]["code"],
        3
    );

    let started = batch(&world, &["gs://b/a.mp3"], inline()).await.expect(200);
    speech.answer_next(Fault::OperationLost);
    let name = started["name"].as_str().unwrap();
    for _ in 0..2 {
        assert_eq!(
            get(&world, name).await.expect(404)["error"]["status"],
            "NOT_FOUND"
        );
    }
    assert_eq!(speech.operations().len(), 1);
}

#[tokio::test]
async fn a_short_file_of_a_bucket_is_heard_at_once() {
    let (world, _folder) = world_with(&[("a.mp3", mp3("no-place"))]).await;
    let path = format!("{LOCATION}/recognizers/_:recognize");
    let heard = post(
        &world,
        &path,
        &json!({ "config": config(), "uri": "gs://b/a.mp3" }),
    )
    .await
    .expect(200);
    assert_eq!(conversation(&heard).len(), 8);
    post(
        &world,
        &path,
        &json!({ "config": config(), "uri": "gs://b/other.mp3" }),
    )
    .await
    .expect(404);
    post(&world, &path, &json!({ "config": config() }))
        .await
        .expect(400);
}

#[tokio::test]
async fn the_locations_list_what_is_offered_where() {
    let world = World::start().await;
    let models =
        |answer: Value| answer["metadata"]["languages"]["models"]["en-US"]["modelFeatures"].clone();
    let here = get(&world, "projects/p1/locations/us").await.expect(200);
    assert!(models(here)["chirp_3"].is_object());
    let there = get(&world, "projects/p1/locations/us-central1")
        .await
        .expect(200);
    assert_eq!(models(there), json!({}));
}
