//! Google's Secret Manager v1, global and regional.
//!
//! - Auth: a bearer token; any, or one of the configured ones.
//! - `projects/{project}/secrets` and `projects/{project}/locations/{location}/secrets`: create (with `replication`,
//!   but not in a location), get, list by name, delete; `:addVersion`, `versions`, `:access` of a number or `latest`,
//!   `:disable`, `:enable`, `:destroy`.
//! - Versions count from 1, and from 1 again once a secret was deleted and created anew.
//! - Checks: names, 64 KiB of data, none empty, `dataCrc32c` in decimal.
//!
//! `GET /_sim/secrets` lists names, versions and states, never data; nor does `/_sim/requests` show any.
//!
//! Source: Secret Manager v1 discovery document and reference (read 2026-11). UNCONFIRMED: the exact messages, and
//! that `latest` of a secret whose newest version is destroyed is the newest enabled one.

mod handlers;
mod secrets;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{any, get};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::secrets::Secrets;
use crate::control::{self, Bodies, Provider, Shared, lock, pretty};
use crate::google;

/// The simulated Secret Manager.
pub type Simulator = control::Simulator<SecretManager>;

/// How the simulated Secret Manager behaves.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The bearer tokens that are good; any when empty.
    pub tokens: Vec<String>,
}

/// What the simulated Secret Manager knows.
pub struct SecretManager {
    config: Config,
    secrets: Mutex<Secrets>,
}

impl SecretManager {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            secrets: Mutex::default(),
        }
    }
}

impl Provider for SecretManager {
    const NAME: &'static str = "secret_manager";
    const FAULTS: &'static [&'static str] = &["altered"];
    const BODIES: Bodies = Bodies::Hidden;

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/v1/{*path}", any(handlers::call))
            .route("/_sim/secrets", get(view))
            .route("/_sim/view", get(view))
    }

    fn error(status: StatusCode) -> Response {
        google::error(status)
    }

    fn rate_limited(_now: Timestamp) -> Response {
        google::error(StatusCode::TOO_MANY_REQUESTS)
    }

    fn revoked() -> Response {
        google::error(StatusCode::UNAUTHORIZED)
    }
}

impl Simulator {
    /// The secrets with their labels, versions and states; no data.
    pub fn secrets(&self) -> Vec<Value> {
        lock(&self.shared.provider.secrets).shown()
    }
}

type Sim = State<Arc<Shared<SecretManager>>>;

async fn view(State(sim): Sim) -> Response {
    let secrets = lock(&sim.provider.secrets).shown();
    let counts = json!({ "secrets": secrets.len() });
    pretty(&json!({ "secrets": secrets, "counts": counts }))
}
