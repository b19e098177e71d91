//! The shell of a process: what every program of the product has in common.
//!
//! A `main` reads its settings, builds its [`Service`], binds its [`Listener`]s and hands all of it to [`run`], which
//! serves until [`shutdown_signal`] and then drains. [`with_shell`] gives every request of a router a trace, one
//! log line, metrics, a caught panic, safe headers, and problems instead of bare errors.

mod body_memory;
mod clock;
mod extract;
mod health;
mod metrics;
mod observe;
mod problem;
mod problem_types;
mod process;
mod rate_clock;
mod server;
mod service;
mod telemetry;
mod trace;

pub use body_memory::{BodyMemory, Sender};
pub use clock::SystemClock;
pub use extract::{Json, Path, Query, RawJson, read_body, read_json, without_value};
pub use health::{Check, health_routes};
pub use metrics::{install_metrics, metrics_routes};
pub use observe::{observed, with_shell};
pub use problem::{FieldError, Problem};
pub use problem_types::{PROBLEM_TYPES, ProblemType};
pub use process::{Endpoint, ProcessError, exit_code, run, shutdown_signal, use_small_pages};
pub use rate_clock::RateClock;
pub use server::{ClientAddr, Draining, Listener, Network, ServeOptions, serve};
pub use service::{Service, Task};
pub use telemetry::{
    CapturedLogs, LogFormat, OnGoogle, TelemetryConfig, TelemetryError, telemetry,
};
pub use trace::TraceContext;
