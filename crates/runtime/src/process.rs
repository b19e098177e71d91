//! A process from its first request to its exit code.

use std::process::ExitCode;

use axum::Router;
use settings::SettingsError;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::{Duration, Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{Listener, ServeOptions, Task, metrics, serve, with_shell};

/// Exit code of a program whose settings are wrong. Source: `EX_USAGE` of BSD's sysexits.
const EXIT_USAGE: u8 = 64;

/// Tasks have at least this long to end, even if draining took the whole deadline.
const LEAST_TIME_FOR_TASKS: Duration = Duration::from_secs(1);

pub struct Endpoint {
    name: &'static str,
    listener: Listener,
    routes: Router,
}

impl Endpoint {
    /// Serves `routes` in the [shell](with_shell).
    pub fn new(name: &'static str, listener: Listener, routes: Router) -> Self {
        Self {
            name,
            listener,
            routes: with_shell(routes),
        }
    }
}

/// Why a process ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("the background task `{0}` ended by itself")]
    TaskEnded(&'static str),
    #[error("the background task `{0}` panicked")]
    TaskPanicked(&'static str),
}

/// Serves all endpoints and runs all tasks until `shutdown` resolves or a task ends. Then it stops accepting, lets open
/// requests end, and stops the tasks, all within the drain deadline of `options`.
///
/// # Errors
/// [`ProcessError`] if a task that ended by itself ended the process.
pub async fn run(
    endpoints: Vec<Endpoint>,
    mut tasks: Vec<Task>,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ProcessError> {
    let (drain, stop) = (CancellationToken::new(), CancellationToken::new());
    tasks.extend(metrics::upkeep());
    let mut running = JoinSet::new();
    for task in tasks {
        let (name, work) = (task.name, (task.run)(stop.clone()));
        running.spawn(async move { (name, tokio::spawn(work).await) });
    }
    let mut open = JoinSet::new();
    for Endpoint {
        name,
        listener,
        routes,
    } in endpoints
    {
        let (options, drain) = (options.clone(), drain.clone());
        open.spawn(async move {
            serve(name, listener, routes, &options, drain.cancelled_owned()).await;
        });
    }

    let died = tokio::select! {
        () = shutdown => None,
        Some(ended) = running.join_next() => ended.ok().map(|(name, end)| match end {
            Ok(()) => ProcessError::TaskEnded(name),
            Err(_) => ProcessError::TaskPanicked(name),
        }),
    };
    if let Some(error) = &died {
        tracing::error!(%error, "the process ends");
    }

    tracing::info!("draining");
    let until = Instant::now() + options.drain_deadline;
    drain.cancel();
    open.join_all().await; // each ends within the deadline by itself
    stop.cancel();
    let until = until.max(Instant::now() + LEAST_TIME_FOR_TASKS);
    let all_ended = async { while running.join_next().await.is_some() {} };
    if timeout_at(until, all_ended).await.is_err() {
        tracing::warn!("background tasks did not end in time and were stopped");
    }
    tracing::info!("drained");
    died.map_or(Ok(()), Err)
}

/// Resolves when the process is asked to end: `SIGTERM` or `SIGINT`.
///
/// # Panics
/// If the process cannot handle signals, which happens on no supported system.
pub async fn shutdown_signal() {
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be handled");
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    tracing::info!(signal = name, "asked to end");
}

/// Has this process use small pages of memory. With huge ones, an allocator's many half-used pages took twice the memory,
/// and each had to be cleared whole. To be called before there is work; elsewhere than on Linux it does nothing.
pub fn use_small_pages() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::debug!("huge pages stay on: {error}");
    }
}

/// Turns a program's result into its exit code and prints its error: 64 with all faults if the settings are wrong, 1 for
/// anything else.
#[expect(clippy::print_stderr, reason = "the log may not be set up")]
pub fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    if let Some(faults) = error.downcast_ref::<SettingsError>() {
        eprintln!("{faults}");
        return ExitCode::from(EXIT_USAGE);
    }
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use settings::Settings;

    use super::*;

    #[test]
    fn wrong_settings_end_with_64_even_behind_a_context() {
        let faults = Settings::from_pairs([("PORT", "x")])
            .load(|r| r.get("PORT", 1_u16, "Port."))
            .unwrap_err();
        assert_eq!(exit_code(Err(faults.clone().into())), ExitCode::from(64));
        assert_eq!(
            exit_code(Err(faults).context("starting")),
            ExitCode::from(64)
        );
        assert_eq!(
            exit_code(Err(anyhow::anyhow!("the disk is full"))),
            ExitCode::FAILURE
        );
        assert_eq!(exit_code(Ok(())), ExitCode::SUCCESS);
    }
}
