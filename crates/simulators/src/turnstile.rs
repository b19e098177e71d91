//! Cloudflare Turnstile, as the server of a page asks it: `siteverify`.
//!
//! - `POST /turnstile/v0/siteverify`, a form or JSON: `secret`, `response`, `remoteip`, `idempotency_key`. It is
//!   answered 200 whatever is wrong; `error-codes` says what.
//! - A token is good for 300 s, once, but for the call that repeats its `idempotency_key`. Else: `timeout-or-duplicate`.
//! - The published secrets for tests: one always passes, one always fails, one finds every token spent.
//!
//! Control: `POST /_sim/tokens` hands a token to a page.
//!
//! Source: developers.cloudflare.com/turnstile, "Server-side validation", "Testing" (read 2026-11). UNCONFIRMED: the
//! host name that the secrets for tests answer with, the shape of other errors.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::SignedDuration;
use serde_json::{Value, json};

pub use crate::siteverify::Visitor;

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::provider::{Provider, Shared};
use crate::siteverify::{Bad, Tokens, fields};
use crate::{SimulatorSpec, Simulators};

/// The secret key of the demo company's widget.
pub const SECRET: &str = "0x4AAAAAAASimulatedTurnstileSecret01";
/// The published secret with which every token passes.
pub const PASSES: &str = "1x0000000000000000000000000000000AA";
/// The published secret with which every token fails.
pub const FAILS: &str = "2x0000000000000000000000000000000AA";
/// The published secret with which every token was shown before.
pub const SPENT: &str = "3x0000000000000000000000000000000AA";

/// The longest token.
const MAX_TOKEN: usize = 2_048;

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Turnstile::SLUG,
    name: "Turnstile",
    setting: Some("TURNSTILE_BASE_URL"),
    is_cloud_only: false,
    has_view: false,
    is_google: false,
    credential: SECRET,
    webhook_key_setting: None,
    demo: None,
    start: control::start::<Turnstile>,
};

/// The handle of the simulated Turnstile.
pub type Simulator = control::Simulator<Turnstile>;

impl Simulators {
    /// The simulated Turnstile.
    pub fn turnstile(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated Turnstile behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The secret keys that are known, beside those for tests.
    pub secrets: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            secrets: vec![SECRET.to_owned()],
        }
    }
}

impl ProviderConfig for Config {}

/// The state of the simulated Turnstile.
pub struct Turnstile {
    config: Config,
    tokens: Tokens,
}

impl Provider for Turnstile {
    const SLUG: &'static str = "turnstile";

    type Config = Config;
    type Caller = ();

    fn new(config: Config, _setup: &Setup) -> Self {
        Self {
            config,
            tokens: Tokens::new(SignedDuration::from_secs(300)),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/turnstile/v0/siteverify", post(verify))
            .route("/_sim/tokens", post(issue))
    }

    /// The secret is a field of the body.
    fn authorize(_sim: &Shared<Self>, _request: &Parts) -> Result<(), Response> {
        Ok(())
    }

    fn error(status: StatusCode, message: &str) -> Response {
        (status, Json(refused(message))).into_response()
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status.as_u16() {
            500.. | 429 => "internal-error",
            _ => "bad-request",
        }
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        let (issued, spent) = sim.provider.tokens.counts();
        json!({ "tokens": issued, "shown": spent })
    }
}

impl Simulator {
    /// A token that a page shows once.
    pub fn issue(&self, visitor: Visitor) -> String {
        let at = self.shared.control.now();
        self.shared.provider.tokens.issue(visitor, at)
    }
}

type Sim = State<Arc<Shared<Turnstile>>>;

fn refused(code: &str) -> Value {
    json!({ "success": false, "error-codes": [code], "messages": [] })
}

async fn verify(State(sim): Sim, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let fields = fields(&headers, &body, true);
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let (secret, token) = (field("secret"), field("response"));
    let key = Some(field("idempotency_key")).filter(|key| !key.is_empty());
    let now = sim.control.now();
    let success = |hostname: &str, action: &str, at| {
        json!({
            "success": true, "error-codes": [], "challenge_ts": at, "hostname": hostname, "action": action,
            "cdata": "",
        })
    };
    Json(match (secret, token) {
        ("", _) => refused("missing-input-secret"),
        (_, "") => refused("missing-input-response"),
        (PASSES, _) => success("example.com", "", now),
        (FAILS, _) => refused("invalid-input-response"),
        (SPENT, _) => refused("timeout-or-duplicate"),
        (secret, _)
            if !sim
                .provider
                .config
                .secrets
                .iter()
                .any(|known| known == secret) =>
        {
            refused("invalid-input-secret")
        }
        (_, token) if token.len() > MAX_TOKEN => refused("invalid-input-response"),
        (_, token) => match sim.provider.tokens.take(token, key, now) {
            Ok(issued) => success(&issued.visitor.hostname, &issued.visitor.action, issued.at),
            Err(Bad::Unknown) => refused("invalid-input-response"),
            Err(Bad::TimeoutOrDuplicate) => refused("timeout-or-duplicate"),
        },
    })
}

async fn issue(State(sim): Sim, body: Bytes) -> Response {
    match control::read::<Visitor>(&body) {
        Ok(visitor) => {
            let token = sim.provider.tokens.issue(visitor, sim.control.now());
            pretty(&json!({ "token": token }))
        }
        Err(reason) => control::invalid(&reason),
    }
}
