//! Lines as Google's Cloud Logging and Error Reporting read them.
//!
//! Source: Cloud Logging, "Structured logging"; Error Reporting, "Format log entries" (read 2026-11).

use std::fmt;

use serde_json::{Map, Value, json};
use settings::Reader;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent,
        format::{JsonFields, Writer},
    },
    registry::LookupSpan,
};

use super::{PANIC, fields, time};
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
}

/// One JSON object per line. The fields of an event and its spans become part of the `jsonPayload`.
pub(super) struct GoogleLines {
    service: &'static str,
    google: OnGoogle,
}

impl GoogleLines {
    pub(super) fn new(service: &'static str, google: OnGoogle) -> Self {
        Self { service, google }
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
        let name = format!("projects/{}/traces/{trace}", self.google.project);
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

impl<S> FormatEvent<S, JsonFields> for GoogleLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let severity = severity(metadata);
        let mut line = Map::new();
        fields(context, event, &mut line);
        self.add_trace(&mut line);
        if matches!(severity, "ERROR" | "CRITICAL") {
            let place = report_location(&line, metadata);
            line.insert("@type".to_owned(), ERROR_EVENT.into());
            line.insert("context".to_owned(), json!({ "reportLocation": place }));
        }
        if let (Some(file), Some(number)) = (metadata.file(), metadata.line()) {
            let place = json!({
                "file": file, "line": number.to_string(), "function": metadata.target(),
            });
            line.insert("logging.googleapis.com/sourceLocation".to_owned(), place);
        }
        let version = &self.google.version;
        line.insert(
            "serviceContext".to_owned(),
            json!({ "service": self.service, "version": version }),
        );
        line.insert("severity".to_owned(), severity.into());
        line.insert("target".to_owned(), metadata.target().into());
        line.insert("time".to_owned(), time()?.into());
        writeln!(writer, "{}", Value::Object(line))
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
