//! Lines as Google's Cloud Logging and Error Reporting read them.
//!
//! Source: Cloud Logging, "Structured logging"; Error Reporting, "Format log entries" (read 2026-11).

use serde_json::{Map, Value, json};
use settings::Reader;
use tracing::{Level, Metadata};

use super::PANIC;
use crate::TraceContext;

/// With this type Error Reporting also reports an error without a stack.
const ERROR_EVENT: &str =
    "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent";

/// Where a process runs on Google.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnGoogle {
    /// The project whose traces its lines belong to.
    pub project: String,
    /// Whether Cloud Run runs it.
    pub is_on_cloud_run: bool,
    /// What runs, for Error Reporting: the revision that Cloud Run names, else the product's version.
    pub version: String,
}

impl OnGoogle {
    /// Reads `GOOGLE_PROJECT`, and what Cloud Run sets: `K_SERVICE`, `K_REVISION`. `None` without a project.
    ///
    /// Source: Cloud Run, "Container runtime contract".
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let project = reader.optional(
            "GOOGLE_PROJECT",
            "The Google Cloud project that log lines name traces of.",
        );
        let service = reader.optional::<String>(
            "K_SERVICE",
            "Set by Cloud Run: the service's name. With GOOGLE_PROJECT, log lines are Google's by themselves.",
        );
        let revision = reader.optional(
            "K_REVISION",
            "Set by Cloud Run: the service's revision, under which errors are reported.",
        );
        project.map(|project| Self {
            project,
            is_on_cloud_run: service.is_some(),
            version: revision.unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned()),
        })
    }

    /// Adds to a line what Google reads of it. The fields that it has become part of the `jsonPayload`.
    pub(super) fn complete(
        &self,
        line: &mut Map<String, Value>,
        metadata: &Metadata<'_>,
        service: &str,
    ) {
        let severity = severity(metadata);
        self.add_trace(line);
        if matches!(severity, "ERROR" | "CRITICAL") {
            let place = report_location(line, metadata);
            line.insert("@type".to_owned(), ERROR_EVENT.into());
            line.insert("context".to_owned(), json!({ "reportLocation": place }));
        }
        if let (Some(file), Some(number)) = (metadata.file(), metadata.line()) {
            let place = json!({
                "file": file, "line": number.to_string(), "function": metadata.target(),
            });
            line.insert("logging.googleapis.com/sourceLocation".to_owned(), place);
        }
        let context = json!({ "service": service, "version": self.version });
        line.insert("serviceContext".to_owned(), context);
        line.insert("severity".to_owned(), severity.into());
    }

    /// The task's trace, else the one that a span or the event names.
    fn add_trace(&self, line: &mut Map<String, Value>) {
        let named = line.remove("trace_id");
        let current = TraceContext::current();
        let trace = match &current {
            Some(trace) => Some(trace.trace_id().to_string()),
            None => named.as_ref().and_then(Value::as_str).map(str::to_owned),
        };
        let Some(trace) = trace.filter(|trace| !trace.is_empty()) else {
            return;
        };
        let name = format!("projects/{}/traces/{trace}", self.project);
        line.insert("logging.googleapis.com/trace".to_owned(), name.into());
        if let Some(current) = current {
            line.insert(
                "logging.googleapis.com/spanId".to_owned(),
                current.span_id().to_string().into(),
            );
            line.insert(
                "logging.googleapis.com/trace_sampled".to_owned(),
                current.is_sampled().into(),
            );
        }
    }
}

fn severity(metadata: &Metadata<'_>) -> &'static str {
    match *metadata.level() {
        Level::ERROR if metadata.target() == PANIC => "CRITICAL",
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "DEFAULT",
    }
}

/// Where an error counts: for a panic where it happened, not where it was logged.
fn report_location(line: &Map<String, Value>, metadata: &Metadata<'_>) -> Value {
    let panicked_at = (metadata.target() == PANIC)
        .then(|| line.get("place")?.as_str())
        .flatten();
    let (file, number) = match panicked_at.map(|place| place.splitn(3, ':')) {
        Some(mut parts) => (
            parts.next(),
            parts.next().and_then(|line| line.parse().ok()),
        ),
        None => (metadata.file(), metadata.line()),
    };
    json!({ "filePath": file, "lineNumber": number, "functionName": metadata.target() })
}
