//! Logs: text for people at a terminal, JSON for machines, in Google's fields on Google.

mod google;

use std::{
    fmt, io,
    io::IsTerminal as _,
    panic,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Map, Value};
use settings::Reader;
use tracing::{Event, Level, Subscriber, subscriber::DefaultGuard};
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        FmtContext, FormatEvent, FormatFields as _, FormattedFields, MakeWriter,
        format::{JsonFields, Writer},
        time::{FormatTime as _, SystemTime},
    },
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::{SubscriberInitExt as _, TryInitError},
};

pub use self::google::OnGoogle;
use crate::{TraceContext, observe::words_in_code};

/// The target of panics' log lines.
const PANIC: &str = "panic";

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    Plain,
    /// One JSON object per line.
    Json,
    /// The same in the fields of Google's Cloud Logging. Without a project, plain JSON.
    Google,
    /// Google's on Cloud Run if a project is known; else text if standard error is a terminal; else JSON.
    Auto,
}

/// How a process logs.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    /// How a line looks. Default: `auto`.
    pub format: LogFormat,
    /// What is logged: `info,http=debug`. Default: `info`.
    pub filter: String,
    /// Where on Google it runs, if a project is known.
    pub google: Option<OnGoogle>,
}

/// How this process writes its lines.
#[derive(Debug, PartialEq, Eq)]
enum Style {
    Plain,
    /// One JSON object per line, in Google's fields where it says where on Google.
    Json(Option<OnGoogle>),
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Auto,
            filter: "info".to_owned(),
            google: None,
        }
    }
}

impl TelemetryConfig {
    /// Reads `LOG` and `LOG_FORMAT`, and where on Google the process runs.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let formats = [
            ("plain", LogFormat::Plain),
            ("json", LogFormat::Json),
            ("google", LogFormat::Google),
            ("auto", LogFormat::Auto),
        ];
        let format = reader.choice(
            "LOG_FORMAT",
            "auto",
            &formats,
            "How log lines look: plain, json, google (Cloud Logging's fields), or auto (google on Cloud Run, else plain \
             on a terminal, else json).",
        );
        let filter = reader.get(
            "LOG",
            "info".to_owned(),
            "What is logged: a level, then target=level pairs.",
        );
        if EnvFilter::try_new(&filter).is_err() {
            reader.fault(
                "LOG",
                "it is not a log filter",
                "write a level, then target=level pairs, as in info,http=debug",
            );
        }
        let google = OnGoogle::read(reader);
        if format == LogFormat::Google && google.is_none() {
            reader.fault(
                "LOG_FORMAT",
                "the value google needs a project, and none is set",
                "set GOOGLE_PROJECT, or write json",
            );
        }
        Self {
            format,
            filter,
            google,
        }
    }

    fn style(&self, is_terminal: bool) -> Style {
        let on_cloud_run = self.google.as_ref().filter(|google| google.is_on_cloud_run);
        match (self.format, on_cloud_run) {
            (LogFormat::Plain, _) => Style::Plain,
            (LogFormat::Google, _) => Style::Json(self.google.clone()),
            (LogFormat::Auto, Some(google)) => Style::Json(Some(google.clone())),
            (LogFormat::Auto, None) if is_terminal => Style::Plain,
            (LogFormat::Json | LogFormat::Auto, _) => Style::Json(None),
        }
    }
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error(
        "LOG is not a log filter; write a level, then target=level pairs, as in info,http=debug"
    )]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("logging was set up twice")]
    Twice(#[from] TryInitError),
}

/// Sets up the logs of this process, panics included, on standard error. `service` names it on each line.
///
/// # Errors
/// [`TelemetryError::Filter`] for a filter that does not parse, [`TelemetryError::Twice`] for a second call.
pub fn telemetry(service: &'static str, config: &TelemetryConfig) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&config.filter)?;
    let is_terminal = io::stderr().is_terminal();
    let base = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    match config.style(is_terminal) {
        Style::Plain => base.with(lines.with_ansi(is_terminal)).try_init()?,
        Style::Json(google) => {
            let lines = lines.fmt_fields(JsonFields::new());
            base.with(lines.event_format(JsonLines { service, google }))
                .try_init()?;
        }
    }
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        tracing::error!(target: PANIC, place, panic = words_in_code(info.payload()), "panicked");
    }));
    Ok(())
}

/// One JSON object per line. It has the fields of the event and of the spans around it, and the id of the current trace.
struct JsonLines {
    service: &'static str,
    google: Option<OnGoogle>,
}

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = fields(context, event)?;
        let metadata = event.metadata();
        line.insert("target".to_owned(), metadata.target().into());
        if let Some(google) = &self.google {
            google.complete(&mut line, metadata, self.service);
            line.insert("time".to_owned(), time()?.into());
        } else {
            if let Some(trace) = TraceContext::current() {
                line.entry("trace_id")
                    .or_insert_with(|| trace.trace_id().to_string().into());
            }
            line.insert("timestamp".to_owned(), time()?.into());
            line.insert("severity".to_owned(), severity(*metadata.level()).into());
            line.insert("service".to_owned(), self.service.into());
        }
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// The fields of the spans around an event, the outermost first, and then its own.
fn fields<S>(
    context: &FmtContext<'_, S, JsonFields>,
    event: &Event<'_>,
) -> Result<Map<String, Value>, fmt::Error>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut line = Map::new();
    let mut add = |fields: &str| {
        if let Ok(Value::Object(fields)) = serde_json::from_str(fields) {
            line.extend(fields);
        }
    };
    let spans = context.event_scope().into_iter();
    for span in spans.flat_map(|scope| scope.from_root()) {
        if let Some(fields) = span.extensions().get::<FormattedFields<JsonFields>>() {
            add(fields.as_str());
        }
    }
    let mut own = String::new();
    context.format_fields(Writer::new(&mut own), event)?;
    add(&own);
    Ok(line)
}

/// Now, in RFC 3339.
fn time() -> Result<String, fmt::Error> {
    let mut time = String::new();
    SystemTime.format_time(&mut Writer::new(&mut time))?;
    Ok(time)
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        _ => "DEBUG",
    }
}

/// Log lines in memory, for tests of what must, or must not, be logged.
#[derive(Clone, Default)]
pub struct CapturedLogs(Arc<Mutex<Vec<u8>>>);

impl CapturedLogs {
    /// Captures what this thread logs, down to `trace`, until the guard is dropped. With a single-threaded runtime, as tests
    /// have, that includes all tasks of the test.
    pub fn begin() -> (Self, DefaultGuard) {
        let logs = Self::default();
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(logs.clone())
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines {
                service: "test",
                google: None,
            });
        let guard = tracing_subscriber::registry()
            .with(EnvFilter::new("trace"))
            .with(lines)
            .set_default();
        (logs, guard)
    }

    /// All lines so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl fmt::Debug for CapturedLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl<'a> MakeWriter<'a> for CapturedLogs {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl io::Write for CapturedLogs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
