//! Google reCAPTCHA, classic, as the server of a page asks it: `siteverify`.
//!
//! - `POST /recaptcha/api/siteverify`, a form: `secret`, `response`, `remoteip`. It is answered 200 whatever is wrong;
//!   `error-codes` says what. JSON is not read.
//! - A token is good for 2 minutes, once. Version 3 adds `score` and `action`, which version 2 leaves out.
//!
//! Control: `POST /_sim/tokens` hands a token to a page.
//!
//! Source: developers.google.com/recaptcha/docs/verify (read 2026-11). UNCONFIRMED: the host name that the published
//! secret for tests answers with, the shape of other errors.

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

/// The secret key of the demo company's site.
pub const SECRET: &str = "6LcSimulatedRecaptchaSecret-000000000001";
/// The published secret of version 2 with which every token passes.
pub const PASSES: &str = "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe";

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: Recaptcha::SLUG,
    name: "reCAPTCHA",
    setting: Some("RECAPTCHA_BASE_URL"),
    is_cloud_only: false,
    has_view: false,
    // It takes a secret of the site's, and none of Google Cloud's tokens.
    is_google: false,
    credential: SECRET,
    webhook_key_setting: None,
    demo: None,
    start: control::start::<Recaptcha>,
};

/// The handle of the simulated reCAPTCHA.
pub type Simulator = control::Simulator<Recaptcha>;

impl Simulators {
    /// The simulated reCAPTCHA.
    pub fn recaptcha(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated reCAPTCHA behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The secret keys that are known, beside the one for tests.
    pub secrets: Vec<String>,
    /// Whether the sites are of version 3, which has a score and an action.
    pub has_scores: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            secrets: vec![SECRET.to_owned()],
            has_scores: true,
        }
    }
}

impl ProviderConfig for Config {}

/// The state of the simulated reCAPTCHA.
pub struct Recaptcha {
    config: Config,
    tokens: Tokens,
}

impl Provider for Recaptcha {
    const SLUG: &'static str = "recaptcha";

    type Config = Config;
    type Caller = ();

    fn new(config: Config, _setup: &Setup) -> Self {
        Self {
            config,
            tokens: Tokens::new(SignedDuration::from_mins(2)),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new()
            .route("/recaptcha/api/siteverify", post(verify))
            .route("/_sim/tokens", post(issue))
    }

    /// The secret is a field of the body.
    fn authorize(_sim: &Shared<Self>, _request: &Parts) -> Result<(), Response> {
        Ok(())
    }

    fn error(status: StatusCode, message: &str) -> Response {
        (status, Json(refused(message))).into_response()
    }

    fn usual_message(_status: StatusCode) -> &'static str {
        "bad-request"
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

type Sim = State<Arc<Shared<Recaptcha>>>;

fn refused(code: &str) -> Value {
    json!({ "success": false, "error-codes": [code] })
}

async fn verify(State(sim): Sim, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let fields = fields(&headers, &body, false);
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let (secret, token) = (field("secret"), field("response"));
    let Config {
        secrets,
        has_scores,
    } = &sim.provider.config;
    Json(match (secret, token) {
        ("", _) => refused("missing-input-secret"),
        (_, "") => refused("missing-input-response"),
        (PASSES, _) => json!({
            "success": true, "challenge_ts": sim.control.now(), "hostname": "testkey.google.com",
        }),
        (secret, _) if !secrets.iter().any(|known| known == secret) => {
            refused("invalid-input-secret")
        }
        (_, token) => match sim.provider.tokens.take(token, None, sim.control.now()) {
            Ok(issued) => {
                let visitor = issued.visitor;
                let mut answer = json!({
                    "success": true, "challenge_ts": issued.at, "hostname": visitor.hostname,
                });
                if *has_scores {
                    answer["score"] = json!(visitor.score);
                    answer["action"] = json!(visitor.action);
                }
                answer
            }
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
