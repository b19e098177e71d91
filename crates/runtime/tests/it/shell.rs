//! The shell around every request.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::DefaultBodyLimit,
    http::{Request, StatusCode},
    routing::{get as on_get, post},
};
use runtime::{
    CapturedLogs, Json, Path, Problem, Query, TraceContext, install_metrics, metrics_routes,
    read_body, with_shell,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Answer, ask, get};

#[derive(Deserialize)]
struct Lead {
    name: String,
    scores: BTreeMap<String, Vec<u8>>,
}

#[derive(Deserialize)]
struct Page {
    limit: u8,
}

fn routes() -> Router {
    with_shell(
        Router::new()
            .route("/ok", on_get(async || "ok"))
            .route(
                "/trace",
                on_get(async || {
                    TraceContext::current()
                        .map(|trace| trace.to_string())
                        .unwrap_or_default()
                }),
            )
            .route(
                "/leads/{id}",
                on_get(async |Path(id): Path<u32>| id.to_string()),
            )
            .route(
                "/page",
                on_get(async |Query(page): Query<Page>| page.limit.to_string()),
            )
            .route(
                "/json",
                post(async |Json(lead): Json<Lead>| format!("{} {}", lead.name, lead.scores.len())),
            )
            .route(
                "/own",
                on_get(async || ([("cache-control", "max-age=60")], "own")),
            )
            .route(
                "/broken",
                on_get(async || Problem::internal("the disk is full of s3cret")),
            )
            .route(
                "/busy",
                on_get(async || Problem::unavailable("Full.", Duration::from_millis(1_500))),
            )
            .route(
                "/panic",
                on_get(async || -> &'static str { panic!("s3cret") }),
            )
            .route("/panic/{who}", on_get(panic_over))
            .layer(DefaultBodyLimit::max(1_000)),
    )
}

async fn panic_over(Path(who): Path<String>) -> &'static str {
    panic!("nobody is called {who}")
}

fn assert_problem(answer: &Answer, status: u16, kind: &str) -> Value {
    let problem = answer.json();
    assert_eq!(answer.status.as_u16(), status, "{problem}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(
        (&problem["type"], &problem["status"]),
        (&json!(format!("/problems/{kind}")), &json!(status))
    );
    assert_eq!(problem["request_id"], answer.header("x-request-id"));
    for field in ["title", "detail"] {
        assert!(
            problem[field].as_str().is_some_and(|text| !text.is_empty()),
            "{field}: {problem}"
        );
    }
    problem
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_are_problems() {
    assert_problem(&ask(&routes(), get("/nowhere")).await, 404, "not-found");
    let answer = ask(
        &routes(),
        Request::delete("/ok").body(Body::empty()).unwrap(),
    )
    .await;
    assert_problem(&answer, 405, "method-not-allowed");
    assert_eq!(answer.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn a_panic_is_a_500_whose_words_only_the_log_has() {
    let (logs, _guard) = CapturedLogs::begin();
    let answer = ask(&routes(), get("/panic")).await;
    assert_problem(&answer, 500, "internal");
    assert!(!answer.body.contains("s3cret"));
    assert!(logs.text().contains("panicked: s3cret"), "{logs:?}");
}

#[tokio::test]
async fn a_formatted_panic_message_is_not_logged() {
    let (logs, _guard) = CapturedLogs::begin();
    let answer = ask(&routes(), get("/panic/s3cret")).await;
    assert_problem(&answer, 500, "internal");
    assert!(
        logs.text()
            .contains("panicked: with a message that is not logged"),
        "{logs:?}"
    );
    assert!(!logs.text().contains("s3cret"), "{logs:?}");
}

#[tokio::test]
async fn the_cause_of_a_problem_is_for_the_log_alone() {
    let (logs, _guard) = CapturedLogs::begin();
    let answer = ask(&routes(), get("/broken")).await;
    let problem = assert_problem(&answer, 500, "internal");
    assert!(!answer.body.contains("s3cret"));
    let line: Value = logs
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .find(|line: &Value| !line["cause"].is_null())
        .unwrap();
    assert_eq!(line["cause"], "the disk is full of s3cret");
    assert_eq!(
        (&line["severity"], &line["trace_id"]),
        (&json!("ERROR"), &problem["request_id"])
    );
}

#[tokio::test]
async fn a_wait_is_rounded_up_to_whole_seconds() {
    let answer = ask(&routes(), get("/busy")).await;
    assert_problem(&answer, 503, "unavailable");
    assert_eq!(answer.header("retry-after"), "2");
}

#[tokio::test]
async fn a_valid_trace_is_continued_and_any_other_replaced() {
    let caller = TraceContext::generate();
    let with = |value: &str| {
        Request::get("/trace")
            .header("traceparent", value)
            .body(Body::empty())
            .unwrap()
    };
    let answer = ask(&routes(), with(&caller.to_string())).await;
    let seen = TraceContext::parse(&answer.body).unwrap();
    assert_eq!(seen.trace_id().to_string(), caller.trace_id().to_string());
    assert_ne!(seen, caller);
    assert_eq!(answer.header("x-request-id"), caller.trace_id().to_string());

    let answer = ask(&routes(), with("00-nonsense")).await;
    assert!(
        TraceContext::parse(&answer.body).is_some(),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn answers_have_safe_headers_unless_the_handler_sets_them() {
    let answer = ask(&routes(), get("/ok")).await;
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        assert_eq!(answer.header(name), value);
    }
    assert_eq!(
        ask(&routes(), get("/own")).await.header("cache-control"),
        "max-age=60"
    );
}

#[tokio::test]
async fn a_request_is_one_debug_line_without_its_query() {
    let (logs, _guard) = CapturedLogs::begin();
    ask(&routes(), get("/leads/7?token=s3cret")).await;
    let text = logs.text();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1, "{text}");
    let line = &lines[0];
    assert_eq!(
        (&line["severity"], &line["target"]),
        (&json!("DEBUG"), &json!("http"))
    );
    assert_eq!(
        (&line["method"], &line["path"], &line["status"]),
        (&json!("GET"), &json!("/leads/{id}"), &json!(200))
    );
    assert!(
        line["latency_ms"].is_f64()
            && line["timestamp"].is_string()
            && line["trace_id"].is_string(),
        "{line}"
    );
    assert!(!text.contains("s3cret"), "{text}");
}

#[tokio::test]
async fn failures_of_ours_are_warnings_and_shed_load_is_not() {
    let (logs, _guard) = CapturedLogs::begin();
    ask(&routes(), get("/busy")).await;
    assert!(!logs.text().contains("WARNING"), "{logs:?}");
    ask(&routes(), get("/broken")).await;
    assert!(logs.text().contains("WARNING"), "{logs:?}");
}

#[tokio::test]
async fn requests_are_counted_by_known_routes_and_methods() {
    let handle = install_metrics();
    assert!(
        install_metrics().render().len() <= handle.render().len(),
        "the same handle"
    );
    ask(&routes(), get("/leads/1")).await;
    ask(&routes(), get("/leads/2")).await;
    ask(&routes(), get("/made/up")).await;
    ask(
        &routes(),
        Request::builder()
            .method("BREW")
            .uri("/ok")
            .body(Body::empty())
            .unwrap(),
    )
    .await;
    let answer = ask(&metrics_routes(handle), get("/metrics")).await;
    let text = &answer.body;
    assert!(
        text.contains(r#"http_requests_total{method="GET",path="/leads/{id}",status="2xx"}"#),
        "{text}"
    );
    assert!(
        text.contains(r#"http_requests_total{method="other",path="/ok",status="4xx"} 1"#),
        "{text}"
    );
    assert!(
        text.contains(r#"http_request_duration_seconds_bucket{path="/leads/{id}",le="0.0005"}"#),
        "{text}"
    );
    assert!(!text.contains("made") && !text.contains("BREW"), "{text}");
}

async fn post_json(content_type: &str, body: impl Into<String>) -> Answer {
    let request = Request::post("/json")
        .header("content-type", content_type)
        .body(Body::from(body.into()));
    ask(&routes(), request.unwrap()).await
}

#[tokio::test]
async fn bodies_that_are_not_the_expected_json_are_problems() {
    let fine = post_json(
        "application/json",
        r#"{"name": "Ann", "scores": {"a": [1]}}"#,
    )
    .await;
    assert_eq!((fine.status, fine.body.as_str()), (StatusCode::OK, "Ann 1"));

    assert_problem(
        &post_json("text/plain", "{}").await,
        415,
        "unsupported-media-type",
    );
    assert_problem(
        &post_json("application/json", "{").await,
        400,
        "bad-request",
    );
    assert_problem(
        &post_json("application/json", " ".repeat(1_001)).await,
        413,
        "too-large",
    );

    let answer = post_json(
        "application/json",
        r#"{"name": "Ann", "scores": {"a": [1, "two"]}}"#,
    )
    .await;
    let problem = assert_problem(&answer, 422, "unprocessable");
    assert_eq!(problem["errors"][0]["field"], "scores.a[1]");
    assert!(
        problem["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("expected u8"),
        "{problem}"
    );
    let answer = post_json("application/json", "7").await;
    assert_eq!(answer.json()["errors"][0]["field"], "");
    for misplaced in [
        json!("s3cret"),
        json!({ "name": "Ann", "scores": "s3cret" }),
        json!({ "name": "Ann", "scores": { "a": ["s3cret, expected s3cret"] } }),
        json!({ "name": "Ann", "scores": { "a": "s3cret ".repeat(1_00) } }),
    ] {
        let answer = post_json("application/json", misplaced.to_string()).await;
        let problem = assert_problem(&answer, 422, "unprocessable");
        let message = problem["errors"][0]["message"].as_str().unwrap();
        assert!(
            message.starts_with("expected ") && !answer.body.contains("s3cret"),
            "{problem}"
        );
    }
    let answer = post_json("application/json", "{}").await;
    assert_eq!(
        answer.json()["errors"][0]["message"]
            .as_str()
            .unwrap()
            .split(" at ")
            .next(),
        Some("missing field `name`")
    );
}

#[tokio::test]
async fn queries_and_paths_that_do_not_parse_are_problems() {
    assert_eq!(ask(&routes(), get("/page?limit=5")).await.body, "5");
    assert_problem(
        &ask(&routes(), get("/page?limit=500")).await,
        400,
        "bad-request",
    );
    assert_problem(&ask(&routes(), get("/page")).await, 400, "bad-request");
    assert_eq!(ask(&routes(), get("/leads/5")).await.body, "5");
    assert_problem(&ask(&routes(), get("/leads/x")).await, 404, "not-found");
}

#[tokio::test]
async fn a_body_is_read_exactly_as_sent_up_to_its_limit() {
    let pieces = |pieces: [&'static str; 3]| {
        Body::from_stream(futures::stream::iter(pieces.map(Ok::<_, axum::Error>)))
    };
    assert_eq!(read_body(Body::from("{ }"), 3).await.unwrap(), "{ }");
    assert_eq!(read_body(Body::empty(), 0).await.unwrap(), "");
    assert_eq!(read_body(pieces(["a", "b", "c"]), 3).await.unwrap(), "abc");
    for body in [Body::from("abcd"), pieces(["a", "bc", "d"])] {
        assert_eq!(
            read_body(body, 3).await.unwrap_err().status(),
            StatusCode::PAYLOAD_TOO_LARGE
        );
    }
    let broken = futures::stream::iter([Ok("a"), Err(axum::Error::new("gone"))]);
    assert_eq!(
        read_body(Body::from_stream(broken), 3)
            .await
            .unwrap_err()
            .status(),
        StatusCode::BAD_REQUEST
    );
}
