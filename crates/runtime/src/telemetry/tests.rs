//! The lines, letter by letter.

use serde_json::{Value, json};
use settings::Settings;

use super::*;

fn google() -> OnGoogle {
    OnGoogle {
        project: "acme-leads".to_owned(),
        is_on_cloud_run: true,
        version: "worker-00042".to_owned(),
    }
}

/// What this thread logs as the service `worker` on Google, until the guard is dropped.
fn on_google() -> (CapturedLogs, DefaultGuard) {
    let logs = CapturedLogs::default();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(logs.clone())
        .fmt_fields(JsonFields::new())
        .event_format(JsonLines {
            service: "worker",
            google: Some(google()),
        });
    let guard = tracing_subscriber::registry().with(lines).set_default();
    (logs, guard)
}

/// The lines without their times, which must be RFC 3339 in UTC.
fn lines(logs: &CapturedLogs) -> Vec<Value> {
    let text = logs.text();
    let lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let time = line.as_object_mut().unwrap().remove("time").unwrap();
        let time = time.as_str().unwrap();
        assert!(time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok());
        line
    });
    lines.collect()
}

/// A line of this module without what the test is about.
fn line(severity: &str, message: &str, number: u32) -> Value {
    json!({
        "severity": severity,
        "message": message,
        "target": module_path!(),
        "serviceContext": { "service": "worker", "version": "worker-00042" },
        "logging.googleapis.com/sourceLocation": {
            "file": file!(), "line": number.to_string(), "function": module_path!(),
        },
    })
}

fn with(mut line: Value, more: &Value) -> Value {
    let fields = line.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    line
}

#[test]
fn levels_become_googles_severities() {
    let (logs, _guard) = on_google();
    let first = line!() + 1;
    tracing::trace!("a");
    tracing::debug!("b");
    tracing::info!(count = 3, ratio = 0.5, is_new = true, "c {}", 1);
    tracing::warn!(severity = "mine", time = "mine", "d");
    let fields = json!({ "count": 3, "ratio": 0.5, "is_new": true });
    assert_eq!(
        lines(&logs),
        [
            line("DEFAULT", "a", first),
            line("DEBUG", "b", first + 1),
            with(line("INFO", "c 1", first + 2), &fields),
            line("WARNING", "d", first + 3),
        ]
    );
}

#[tokio::test]
async fn a_line_has_its_tasks_trace_or_else_its_spans() {
    let (logs, _guard) = on_google();
    let first = line!() + 1;
    let log = || tracing::info!("here");
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let of_task = TraceContext::parse(trace).unwrap();
    of_task.scope(async { log() }).await;
    tracing::info_span!("run", tenant = "a", trace_id = "5cf9").in_scope(log);
    tracing::info_span!("run", trace_id = "").in_scope(log);
    let base = || line("INFO", "here", first);
    assert_eq!(
        lines(&logs),
        [
            with(
                base(),
                &json!({
                    "logging.googleapis.com/trace":
                        "projects/acme-leads/traces/4bf92f3577b34da6a3ce929d0e0e4736",
                    "logging.googleapis.com/spanId": "00f067aa0ba902b7",
                    "logging.googleapis.com/trace_sampled": true,
                })
            ),
            with(
                base(),
                &json!({
                    "tenant": "a",
                    "logging.googleapis.com/trace": "projects/acme-leads/traces/5cf9",
                })
            ),
            base(),
        ]
    );
}

#[test]
fn errors_and_panics_are_reported_with_their_place() {
    const ERROR_EVENT: &str =
        "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent";
    let (logs, _guard) = on_google();
    let first = line!() + 1;
    tracing::error!("e");
    tracing::error!(target: PANIC, place = "src/a.rs:7:9", panic = "why", "panicked");
    let reported = |file: &str, number: u32, function: &str| {
        let place = json!({ "filePath": file, "lineNumber": number, "functionName": function });
        json!({ "@type": ERROR_EVENT, "context": { "reportLocation": place } })
    };
    let mut panicked = with(
        line("CRITICAL", "panicked", first + 1),
        &json!({ "place": "src/a.rs:7:9", "panic": "why", "target": "panic" }),
    );
    panicked["logging.googleapis.com/sourceLocation"]["function"] = "panic".into();
    assert_eq!(
        lines(&logs),
        [
            with(
                line("ERROR", "e", first),
                &reported(file!(), first, module_path!())
            ),
            with(panicked, &reported("src/a.rs", 7, "panic")),
        ]
    );
}

#[test]
fn the_format_follows_from_where_the_process_runs() {
    let style = |pairs: &[(&str, &str)], is_terminal| {
        let settings = Settings::from_pairs(pairs.iter().copied());
        settings
            .load(TelemetryConfig::read)
            .unwrap()
            .style(is_terminal)
    };
    let project = ("GOOGLE_PROJECT", "acme-leads");
    let service = ("K_SERVICE", "worker");
    let revision = ("K_REVISION", "worker-00042");
    let elsewhere = OnGoogle {
        is_on_cloud_run: false,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..google()
    };
    assert_eq!(style(&[], true), Style::Plain);
    assert_eq!(style(&[], false), Style::Json(None));
    assert_eq!(style(&[service], false), Style::Json(None), "no project");
    assert_eq!(
        style(&[project], false),
        Style::Json(None),
        "not on Cloud Run"
    );
    assert_eq!(style(&[project], true), Style::Plain, "not on Cloud Run");
    let on_cloud_run = [project, service, revision];
    assert_eq!(style(&on_cloud_run, true), Style::Json(Some(google())));
    let format = |format| [project, service, revision, ("LOG_FORMAT", format)];
    assert_eq!(style(&format("json"), true), Style::Json(None));
    assert_eq!(style(&format("plain"), false), Style::Plain);
    let by_hand = [project, ("LOG_FORMAT", "google")];
    assert_eq!(style(&by_hand, true), Style::Json(Some(elsewhere)));
}

#[test]
fn googles_format_takes_a_project() {
    let settings = Settings::from_pairs([("LOG_FORMAT", "google")]);
    let fault = settings
        .load(TelemetryConfig::read)
        .unwrap_err()
        .to_string();
    assert!(
        fault.contains("LOG_FORMAT") && fault.contains("GOOGLE_PROJECT"),
        "{fault}"
    );
}
