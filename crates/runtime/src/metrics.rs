//! Metrics in Prometheus's text form.

use std::{sync::OnceLock, time::Duration};

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::Task;

static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();

/// From half a millisecond, for a webhook, to ten seconds, for a provider.
const SECONDS: [f64; 14] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Samples wait in memory until they are sorted into buckets.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Begins to record metrics, once per process. Later calls return the same handle.
pub fn install_metrics() -> PrometheusHandle {
    INSTALLED
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
                .expect("the buckets are not empty")
                .build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another recorder is installed; `/metrics` stays empty");
            }
            handle
        })
        .clone()
}

/// `GET /metrics`, for a private listener: it is not authenticated.
pub fn metrics_routes(handle: PrometheusHandle) -> Router {
    let show = move || async move {
        (
            [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
            handle.render(),
        )
    };
    Router::new().route("/metrics", get(show))
}

/// Keeps the memory of recorded metrics small, if any are recorded.
pub(crate) fn upkeep() -> Option<Task> {
    let handle = INSTALLED.get()?.clone();
    Some(Task::new("metrics upkeep", async move |stop| {
        while stop
            .run_until_cancelled(tokio::time::sleep(UPKEEP_EVERY))
            .await
            .is_some()
        {
            handle.run_upkeep();
        }
    }))
}
