//! What a sender of webhooks sees, case by case.

use domain::{ParkCause, Stage, Status, WorkState};
use http::StatusCode;
use pipeline::demo;
use serde_json::{Value, json};
use tests::{Answer, CallBody, Form, World, in_both_forms, sha1_signature};

const CALL: &str = "CAL0199f3a1c2d47e5fb8a61234567890ab";
const SHARED_URL: &str = "/v1/callrail/webhook";

in_both_forms![
    a_genuine_delivery_is_answered_with_its_request,
    an_event_that_is_not_used_is_stored_as_ignored,
    a_genuine_body_that_cannot_be_read_is_stored_and_parked,
    whatever_is_wrong_with_the_proof_the_answer_is_the_same,
    a_body_over_the_limit_is_too_large_whatever_its_length_says,
    numeric_and_resource_id_are_one_call,
    reports_that_share_no_id_are_one_call,
    other_paths_and_methods_are_problems,
    health_is_told,
];

fn token_url(event: &str) -> String {
    format!("/v1/hooks/{}/{event}", demo::token("callrail"))
}

async fn signed(world: &World, path: &str, body: Vec<u8>) -> Answer {
    let signature = sha1_signature(simulators::callrail::SIGNING_KEY, &body);
    world
        .post(
            path,
            &[
                ("content-type", "application/json"),
                ("signature", &signature),
            ],
            body,
        )
        .await
}

async fn wait_for_refusals(world: &World, reason: &str, count: u64) {
    world
        .eventually(
            &format!("{count} refusals for {reason} are recorded"),
            async || {
                let events = world
                    .store
                    .security_events_across_tenants(100)
                    .await
                    .unwrap();
                events
                    .iter()
                    .filter(|event| event.reason == reason)
                    .map(|event| event.count)
                    .sum::<u64>()
                    == count
            },
        )
        .await;
}

async fn a_genuine_delivery_is_answered_with_its_request(form: Form) {
    let world = World::of(form).await;
    let answer = world.deliver("post-call", &CallBody::post_call(CALL)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["success"], json!(true));
    assert!(
        answer.body["request_id"]
            .as_str()
            .unwrap()
            .starts_with("req_")
    );
    assert!(answer.body["processing_time_ms"].is_u64());
    assert!(answer.body["message"].is_string());
    assert!(answer.body.get("duplicate").is_none());
    let again = world.deliver("post-call", &CallBody::post_call(CALL)).await;
    assert_eq!(again.body["request_id"], answer.body["request_id"]);
    assert_eq!(again.body["duplicate"], json!(true));
    world.finish().await;
}

async fn an_event_that_is_not_used_is_stored_as_ignored(form: Form) {
    let world = World::of(form).await;
    for event in ["convert-assist", "voice-assist", "form", "something-new"] {
        let answer = world.deliver(event, &CallBody::post_call(CALL)).await;
        assert_eq!(
            (answer.status, &answer.body["request_id"]),
            (StatusCode::OK, &Value::Null),
            "{event}"
        );
    }
    world.finish().await;
}

async fn a_genuine_body_that_cannot_be_read_is_stored_and_parked(form: Form) {
    let world = World::of(form).await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let bodies: [Vec<u8>; 5] = [
        b"{\"resource_id\": \"CAL1".to_vec(),
        deep.into_bytes(),
        br#"{"resource_id": {"strange": true}}"#.to_vec(),
        CallBody::post_call("../../../etc/passwd").json(),
        b"\xff\xfe\x00".to_vec(),
    ];
    for (number, body) in bodies.into_iter().enumerate() {
        let answer = signed(&world, &token_url("post-call"), body).await;
        let view = world.view(answer.request_id()).await;
        assert_eq!(view.request.status, Status::Parked, "body {number}");
        let row = &view.work[0];
        assert_eq!(row.key.stage, Stage::Reading);
        assert_eq!(
            row.state,
            WorkState::Parked {
                cause: ParkCause::Unreadable
            }
        );
        assert!(view.request.document.source.unread.is_some());
    }
    assert!(
        world.logs().contains("could not be read and was parked"),
        "somebody is told"
    );
    world.finish().await;
}

async fn whatever_is_wrong_with_the_proof_the_answer_is_the_same(form: Form) {
    let world = World::of(form).await;
    let body = CallBody::post_call(CALL).json();
    let good = sha1_signature(simulators::callrail::SIGNING_KEY, &body);
    let wrong = sha1_signature("another key", &body);
    let stranger = CallBody::post_call(CALL)
        .with("company_id", json!(1))
        .with("company_resource_id", json!("COM1"));
    let stranger_signature = sha1_signature(simulators::callrail::SIGNING_KEY, &stranger.json());
    let nobody = CallBody::post_call(CALL)
        .without("company_id")
        .without("company_resource_id");
    let padded = format!("{good} ");
    let cases: Vec<(&str, String, Option<&str>, Vec<u8>)> = vec![
        ("no signature", token_url("post-call"), None, body.clone()),
        (
            "wrong signature",
            token_url("post-call"),
            Some(&wrong),
            body.clone(),
        ),
        (
            "cut signature",
            token_url("post-call"),
            good.get(..27),
            body.clone(),
        ),
        (
            "unknown token",
            "/v1/hooks/unknown/post-call".to_owned(),
            Some(&good),
            body.clone(),
        ),
        (
            "unknown token without event",
            "/v1/hooks/unknown".to_owned(),
            Some(&good),
            body.clone(),
        ),
        (
            "unknown company",
            SHARED_URL.to_owned(),
            Some(&stranger_signature),
            stranger.json(),
        ),
        (
            "no tenant at all",
            SHARED_URL.to_owned(),
            Some(&good),
            nobody.json(),
        ),
        (
            "not JSON",
            SHARED_URL.to_owned(),
            Some(&good),
            b"\x00\x01".to_vec(),
        ),
        ("nothing", SHARED_URL.to_owned(), Some(&padded), Vec::new()),
    ];
    let mut answers = Vec::new();
    for (name, path, signature, body) in cases {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(signature.map(|signature| ("signature", signature)));
        let answer = world.post(&path, &headers, body).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        answers.push(answer.body);
    }
    assert!(
        answers.windows(2).all(|pair| pair[0] == pair[1]),
        "{answers:#?}"
    );
    wait_for_refusals(&world, "unknown_tenant", 6).await;
    wait_for_refusals(&world, "missing_signature", 1).await;
    wait_for_refusals(&world, "wrong_signature", 2).await;
    world.finish().await;
}

async fn a_body_over_the_limit_is_too_large_whatever_its_length_says(form: Form) {
    let world = World::of(form).await;
    let large = vec![b'x'; (1 << 20) + 1];
    let pieces = || {
        let pieces = large.chunks(64 * 1024);
        let pieces = pieces.map(|piece| Ok::<_, std::io::Error>(piece.to_vec()));
        reqwest::Body::wrap_stream(futures::stream::iter(pieces.collect::<Vec<_>>()))
    };
    let url = format!("{}{}", world.base, token_url("post-call"));
    for is_in_pieces in [false, true] {
        // Refused before it is read whole. A balancer that is still sending then may miss the answer, and says 502.
        let mut status = StatusCode::BAD_GATEWAY;
        for _ in 0..20 {
            status = if is_in_pieces {
                let sent = world.http.post(&url).body(pieces()).send().await;
                sent.unwrap().status()
            } else {
                signed(&world, &token_url("post-call"), large.clone())
                    .await
                    .status
            };
            if form == Form::OneProcess || status != StatusCode::BAD_GATEWAY {
                break;
            }
        }
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    }
    let fits = vec![b' '; 1 << 20];
    assert_eq!(
        signed(&world, &token_url("post-call"), fits).await.status,
        StatusCode::OK
    );
    world.finish().await;
}

#[tokio::test]
async fn a_store_that_is_late_is_busy_and_takes_it_later() {
    let world = World::start().await;
    let database = world.data_folder().join("pipeline.sqlite3");
    let blocker = rusqlite::Connection::open(database).unwrap();
    // The source is known by now, so that only the write is in the way.
    world
        .deliver("something-new", &CallBody::post_call(CALL))
        .await;
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let call = CallBody::post_call(CALL);
    let answer = world.deliver_once("post-call", &call).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let pause: u64 = answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=5).contains(&pause));
    blocker.execute_batch("ROLLBACK").unwrap();
    let request = world.deliver("post-call", &call).await.request_id();
    world.becomes(request, Status::Completed).await;
    assert_eq!(world.simulators().hubspot().deals().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn over_its_quota_a_tenant_is_worked_last_but_never_refused() {
    // On a clock that stands still the quota does not fill up again.
    let world = World::on_manual_clock_with([
        ("TENANT_QUOTA_PER_SECOND", "1"),
        ("TENANT_QUOTA_BURST", "1"),
        ("WORKERS_PER_STAGE", "0"),
    ])
    .await;
    let first = world
        .deliver("post-call", &CallBody::post_call("CAL1"))
        .await
        .request_id();
    let second = world
        .deliver("post-call", &CallBody::post_call("CAL2"))
        .await
        .request_id();
    let due = async |request| world.view(request).await.work[0].due_at;
    let behind = due(second).await.duration_since(due(first).await);
    assert_eq!(behind.as_secs(), 30);
    world.stop_early().await;
}

#[tokio::test]
async fn over_its_quota_a_sender_that_repeats_is_told_to_come_back() {
    let world = World::with_settings([
        ("TENANT_QUOTA_PER_SECOND", "1"),
        ("TENANT_QUOTA_BURST", "1"),
    ])
    .await;
    let request = world
        .deliver("post-call", &CallBody::post_call(CALL))
        .await
        .request_id();
    // The mail's events meet a quota that the call has used up: they are put off, and taken when they come again.
    world.becomes(request, Status::Completed).await;
    world
        .eventually("every event was taken in the end", async || {
            world.simulators().sendgrid().events_waiting() == 0
        })
        .await;
    world.finish().await;
}

#[tokio::test]
async fn an_unanswered_call_without_an_event_waits_for_a_later_one() {
    let world = World::on_manual_clock().await;
    let ring = CallBody::post_call(CALL)
        .with("answered", json!(false))
        .with("duration", json!("0"))
        .with("call_type", json!("missed"))
        .without("recording");
    let request = signed(&world, SHARED_URL, ring.json()).await.request_id();
    let row = world.view(request).await.work[0].clone();
    assert_eq!(row.due_at.duration_since(row.created_at).as_secs(), 60);
    let later = signed(&world, SHARED_URL, CallBody::post_call(CALL).json())
        .await
        .request_id();
    assert_eq!(later, request);
    let view = world.becomes(request, Status::Completed).await;
    assert!(view.request.document.transcript.is_some());
    world.finish().await;
}

async fn numeric_and_resource_id_are_one_call(form: Form) {
    let world = World::of(form).await;
    let numeric = CallBody::post_call(CALL)
        .without("resource_id")
        .with("id", json!(902_134_477));
    world
        .simulators()
        .callrail()
        .register(
            CALL,
            json!({ "numeric_id": 902_134_477, "recording": "kitchen-quote" }),
        )
        .unwrap();
    let first = world.deliver("post-call", &numeric).await.request_id();
    let second = world
        .deliver(
            "post-call",
            &CallBody::post_call(CALL).with("note", json!("again")),
        )
        .await
        .request_id();
    let survivor = world
        .becomes(first.min(second), Status::Completed)
        .await
        .request
        .id;
    for id in [first, second] {
        assert_eq!(world.view(id).await.request.id, survivor);
    }
    assert_eq!(world.simulators().hubspot().deals().len(), 1);
    world.finish().await;
}

async fn reports_that_share_no_id_are_one_call(form: Form) {
    let world = World::of(form).await;
    let callrail = world.simulators().callrail();
    let unknown = json!({ "missing": true });
    callrail.register("904000142", unknown).unwrap();
    let by_number = CallBody::post_call(CALL)
        .without("resource_id")
        .with("id", json!(904_000_142));
    let first = world.deliver("post-call", &by_number).await.request_id();
    world
        .eventually("the API was asked in vain", async || {
            let work = world.view(first).await.work;
            work.iter().any(|row| row.waits > 0)
        })
        .await;
    let sample = CallBody::post_call(CALL).json();
    let sample: Value = serde_json::from_slice(&sample).unwrap();
    let call = json!({
        "start_time": sample["start_time"], "customer_phone_number": sample["customer_phone_number"],
        "recording": "kitchen-quote",
    });
    callrail.register(CALL, call).unwrap();
    let by_id = world.deliver("post-call", &CallBody::post_call(CALL)).await;
    let survivor = world
        .becomes(first.min(by_id.request_id()), Status::Completed)
        .await
        .request
        .id;
    for id in [first, by_id.request_id()] {
        assert_eq!(world.view(id).await.request.id, survivor);
    }
    assert_eq!(world.simulators().hubspot().deals().len(), 1);
    world.finish().await;
}

async fn other_paths_and_methods_are_problems(form: Form) {
    let world = World::of(form).await;
    let answer = world.post("/v1/hooks", &[], "").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let answer = world.get(SHARED_URL).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    world.finish().await;
}

async fn health_is_told(form: Form) {
    let world = World::of(form).await;
    for path in ["/v1/health", "/v1/health/ready"] {
        assert_eq!(world.get(path).await.status, StatusCode::OK, "{path}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_second_server_on_a_folder_is_refused() {
    let world = World::start().await;
    let Err(refused) = pipeline::data_folder::DataFolder::open(&world.data_folder()) else {
        panic!("a second server got the folder");
    };
    assert!(
        refused.to_string().contains("another server runs"),
        "{refused}"
    );
    world.finish().await;
}
