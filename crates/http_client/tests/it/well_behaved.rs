//! Calls that are answered.

use std::{process::Command, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    http::{HeaderMap, Method, Uri},
    routing::{any, get},
};
use futures::TryStreamExt as _;
use http_client::{Limits, StatusClass, StatusCode};
use serde_json::{Value, json};
use testkit::StoppedTime;
use tokio::{net::TcpListener, sync::Notify};

use crate::{client, scripted};

async fn serve(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    base
}

async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Json(json!({
        "method": method.as_str(),
        "uri": uri.to_string(),
        "authorization": header("authorization"),
        "content_type": header("content-type"),
        "content_length": header("content-length"),
        "user_agent": header("user-agent"),
        "x_key": header("x-key"),
        "body": String::from_utf8_lossy(&body),
    }))
}

#[tokio::test]
async fn a_request_arrives_as_it_was_built() {
    let base = serve(Router::new().route("/echo", any(echo))).await;
    let request = client()
        .post(format!("{base}/echo?a=1"))
        .query(&[("b", "two words"), ("c", "&")])
        .bearer(&"t0ken".into())
        .secret_header("x-key", &"k3y".into())
        .json(&json!({"hello": "world"}))
        .send()
        .await;
    let seen: Value = request.unwrap().json().unwrap();
    assert_eq!(
        seen,
        json!({
            "method": "POST",
            "uri": "/echo?a=1&b=two+words&c=%26",
            "authorization": "Bearer t0ken",
            "content_type": "application/json",
            "content_length": "17",
            "user_agent": format!("ingestion-pipeline/{}", env!("CARGO_PKG_VERSION")),
            "x_key": "k3y",
            "body": r#"{"hello":"world"}"#,
        })
    );
}

#[tokio::test]
async fn forms_and_empty_bodies_arrive_too() {
    let base = serve(Router::new().route("/echo", any(echo))).await;
    let url = format!("{base}/echo");
    let form = client().put(&url).form(&[("a", "1 2")]).send().await;
    let seen: Value = form.unwrap().json().unwrap();
    assert_eq!(seen["body"], "a=1+2");
    for request in [
        client().get(&url),
        client().delete(&url),
        client().post(&url).body("text/plain", ""),
    ] {
        let seen: Value = request.send().await.unwrap().json().unwrap();
        assert_eq!(seen["body"], "");
    }
}

#[tokio::test]
async fn any_status_is_an_answer() {
    let slow_down = (
        StatusCode::TOO_MANY_REQUESTS,
        [("retry-after", "7")],
        "slow down",
    );
    let base = serve(Router::new().route("/", get(async move || slow_down))).await;
    let answer = client().get(base).send().await.unwrap();
    assert_eq!(
        (answer.status, answer.class()),
        (StatusCode::TOO_MANY_REQUESTS, StatusClass::Throttled)
    );
    assert_eq!(answer.text_lossy(100), "slow down");
    assert_eq!(
        answer.retry_after(jiff::Timestamp::UNIX_EPOCH),
        Some(Duration::from_secs(7))
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let base = serve(
        Router::new()
            .route(
                "/",
                get(async || (StatusCode::FOUND, [("location", "/elsewhere")])),
            )
            .route("/elsewhere", get(async || "followed")),
    )
    .await;
    let answer = client().get(base).send().await.unwrap();
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::FOUND, Some("/elsewhere"))
    );
}

#[tokio::test]
async fn a_large_answer_is_streamed_piece_by_piece() {
    let size = 3_000_000;
    let base = serve(Router::new().route("/", get(async move || vec![b'x'; size]))).await;
    let limits = Limits {
        max_bytes: size as u64,
        idle: Duration::from_secs(60),
        total: Duration::from_secs(60),
    };
    let answer = client().get(base).send_streaming(limits).await.unwrap();
    assert_eq!(answer.content_length(), Some(size as u64));
    let pieces: Vec<usize> = answer
        .into_stream()
        .map_ok(|piece| piece.len())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(pieces.iter().sum::<usize>(), size);
    assert!(pieces.len() > 1);
}

#[tokio::test]
async fn a_kept_connection_that_ended_while_idle_is_replaced() {
    // Each connection answers two requests, and numbers them.
    let ended = Arc::new(Notify::new());
    let has_ended = ended.clone();
    let address = scripted(move |mut peer| {
        let ended = ended.clone();
        async move {
            for n in 1..=2 {
                peer.read_until("[1]").await;
                peer.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{n}"))
                    .await;
            }
            drop(peer);
            ended.notify_one();
        }
    })
    .await;
    let time = StoppedTime::begin();
    let (client, url) = (client(), format!("http://{address}/"));
    let mut answers = String::new();
    for _ in 0..2 {
        for _ in 0..2 {
            let answer = client.post(&url).json(&[1]).send().await.unwrap();
            answers.push_str(&answer.text_lossy(10));
        }
        has_ended.notified().await;
        // The client sees the end as soon as its connection runs again.
        for _ in 0..10 {
            time.breathe().await;
        }
    }
    assert_eq!(answers, "1212");
}

#[tokio::test]
async fn nothing_that_is_printed_shows_query_credentials_or_body() {
    let base = serve(Router::new().route("/echo", any(echo))).await;
    let client = client();
    let request = client
        .post(format!("{base}/echo?key=s3cret"))
        .bearer(&"s3cret".into())
        .json("s3cret");
    assert!(!format!("{client:?} {request:?}").contains("s3cret"));
    let answer = request.send().await.unwrap();
    assert!(
        answer.text_lossy(1_000).contains("s3cret") && !format!("{answer:?}").contains("s3cret")
    );
}

#[test]
fn a_proxy_in_the_environment_is_ignored() {
    // The environment belongs to a process, so the call is made in one of its own.
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--ignored",
            "well_behaved::calls_a_server_on_this_machine",
        ])
        .envs(
            ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
                .map(|name| (name, "http://127.0.0.1:9")),
        )
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[tokio::test]
#[ignore = "run by `a_proxy_in_the_environment_is_ignored`"]
async fn calls_a_server_on_this_machine() {
    let base = serve(Router::new().route("/", get(async || "ok"))).await;
    assert_eq!(client().get(base).send().await.unwrap().body, "ok");
}
