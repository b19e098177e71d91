//! Google's Secret Manager v1, global and regional.
//!
//! - Auth: a bearer token, either any or one of the configured ones.
//! - `projects/{project}/secrets` and `projects/{project}/locations/{location}/secrets`: create (with `replication`, but
//!   not in a location), get, list by name, delete; `:addVersion`, `versions`, `:access` of a number or `latest`,
//!   `:disable`, `:enable`, `:destroy`.
//! - Versions count from 1. They start at 1 again if a secret is deleted and created anew.
//! - Checks: names, 64 KiB of data, none empty, `dataCrc32c` in decimal. Unknown query parameters are refused.
//!
//! `GET /_sim/secrets` lists names, versions and states, never data; nor does `/_sim/requests` show any.
//!
//! Source: Secret Manager v1 discovery document and reference (read 2026-11). UNCONFIRMED: the exact messages, and that
//! `latest` is the newest enabled version if the newest one is destroyed.

mod handlers;
mod secrets;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{any, get};
use serde_json::{Value, json};

use self::secrets::Secrets;
use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::google;
use crate::provider::{Bodies, Provider, Shared, lock};
use crate::{SimulatorSpec, Simulators};

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: SecretManager::SLUG,
    name: "Secret Manager",
    setting: Some("SECRET_MANAGER_BASE_URL"),
    is_cloud_only: true,
    has_view: false,
    is_google: true,
    credential: google::TOKEN,
    webhook_key_setting: None,
    demo: None,
    start: control::start::<SecretManager>,
};

/// The handle of the simulated Secret Manager.
pub type Simulator = control::Simulator<SecretManager>;

impl Simulators {
    /// The simulated Secret Manager.
    pub fn secret_manager(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated Secret Manager behaves.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The bearer tokens that are accepted. If there are none, any is.
    pub tokens: Vec<String>,
}

impl ProviderConfig for Config {}

/// The state of the simulated Secret Manager.
pub struct SecretManager {
    config: Config,
    secrets: Mutex<Secrets>,
}

impl Provider for SecretManager {
    const SLUG: &'static str = "secret_manager";
    const FAULTS: &'static [&'static str] = &["altered"];
    const BODIES: Bodies = Bodies::Hidden;

    type Config = Config;
    type Caller = ();

    fn new(config: Config, _setup: &Setup) -> Self {
        Self {
            config,
            secrets: Mutex::default(),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/v1/{*path}", any(handlers::call))
            .route("/_sim/secrets", get(view))
    }

    fn authorize(sim: &Shared<Self>, request: &Parts) -> Result<(), Response> {
        let own = ["secretId", "filter", "pageSize", "pageToken"];
        google::authorize(request, &sim.provider.config.tokens, &own)
    }

    fn error(status: StatusCode, message: &str) -> Response {
        google::error(status, message)
    }

    fn usual_message(status: StatusCode) -> &'static str {
        google::usual_message(status)
    }

    fn bad_json(reason: &str) -> Response {
        google::bad_json(reason)
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        let secrets = lock(&sim.provider.secrets).shown();
        let counts = json!({ "secrets": secrets.len() });
        json!({ "secrets": secrets, "counts": counts })
    }
}

impl Simulator {
    /// The secrets with their labels, versions and states, without data.
    pub fn secrets(&self) -> Vec<Value> {
        lock(&self.shared.provider.secrets).shown()
    }
}

type Sim = State<Arc<Shared<SecretManager>>>;

async fn view(State(sim): Sim, page: Page) -> Response {
    pretty(&SecretManager::view(&sim, &page))
}
