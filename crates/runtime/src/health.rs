//! Health: whether a process is alive, and ready for work.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use futures::future::{BoxFuture, join_all};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::Json;

/// A check that takes longer has failed.
const LONGEST_CHECK: Duration = Duration::from_secs(2);

/// How long an answer is reused, so that probes cause no load.
const FRESH_FOR: Duration = Duration::from_secs(1);

type Probe = Arc<dyn Fn() -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// Something that must work for a process to be ready.
#[derive(Clone)]
pub struct Check {
    name: &'static str,
    probe: Probe,
}

impl Check {
    /// Callers learn its name and state. The error goes to the log alone.
    pub fn new<F>(name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        Self {
            name,
            probe: Arc::new(move || Box::pin(probe())),
        }
    }

    async fn state(&self) -> State {
        match timeout(LONGEST_CHECK, (self.probe)()).await {
            Ok(Ok(())) => State::Ok,
            Ok(Err(error)) => {
                tracing::warn!(check = self.name, error = format!("{error:#}"), "not ready");
                State::Failing
            }
            Err(_) => {
                tracing::warn!(check = self.name, "not ready: the check took too long");
                State::Failing
            }
        }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Failing,
}

#[derive(Clone, Serialize)]
struct Readiness {
    status: State,
    checks: BTreeMap<&'static str, State>,
}

/// `/v1/health` answers 200 as long as the process lives; `/v1/health/ready` answers 200 while every check passes, else
/// 503.
pub fn health_routes(version: &'static str, checks: Vec<Check>) -> Router {
    let checks = Arc::new(Checks {
        checks,
        last: Mutex::new(None),
    });
    let alive = async move || Json(json!({ "status": State::Ok, "version": version }));
    let ready = move || {
        let checks = checks.clone();
        async move { checks.readiness().await }
    };
    Router::new()
        .route("/v1/health", get(alive))
        .route("/v1/health/ready", get(ready))
}

struct Checks {
    checks: Vec<Check>,
    last: Mutex<Option<(Instant, Readiness)>>,
}

impl Checks {
    async fn readiness(&self) -> Readiness {
        let mut last = self.last.lock().await;
        if let Some((at, readiness)) = last.as_ref()
            && at.elapsed() < FRESH_FOR
        {
            return readiness.clone();
        }
        let states = join_all(self.checks.iter().map(Check::state)).await;
        let checks: BTreeMap<_, _> = self
            .checks
            .iter()
            .map(|check| check.name)
            .zip(states)
            .collect();
        let status = if checks.values().all(|state| *state == State::Ok) {
            State::Ok
        } else {
            State::Failing
        };
        let readiness = Readiness { status, checks };
        *last = Some((Instant::now(), readiness.clone()));
        readiness
    }
}

impl IntoResponse for Readiness {
    fn into_response(self) -> Response {
        let status = if self.status == State::Ok {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        (status, Json(self)).into_response()
    }
}
