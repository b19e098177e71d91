//! A company's website: somebody fills in a form, and the browser, or the tool that made the form, posts it.
//!
//! - A browser posts once, with the page's origin; people click twice. What it is answered is kept, because a person
//!   sees it.
//! - Tools post from server to server, without an origin. Typeform signs.
//!
//! Control: `POST /_sim/submissions` sends a form: `{"tool", "first_name", "email", "message", "trap", "token", …}`,
//! `"clicks": 2` twice. It answers what each post was answered.
//!
//! Source: what browsers do; for the tools see `tools.rs`.

mod demo;
mod tools;

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use demo::SIGNING_KEY;
pub use tools::{Tool, Wanted};

use crate::config::{ProviderConfig, Setup};
use crate::control::{self, Page, pretty};
use crate::outbox::client_for_webhooks;
use crate::provider::{Provider, Shared, Webhooks, lock};
use crate::turnstile;
use crate::{SimulatorSpec, Simulators};

/// Where the company's pages are.
pub const ORIGIN: &str = "https://www.remodel.example.com";

/// How many answers are kept.
const KEPT: usize = 1_000;
/// How much of an answer's body is kept.
const KEPT_BYTES: usize = 4_096;

/// The simulator's line in the table.
pub(crate) const SPEC: SimulatorSpec = SimulatorSpec {
    slug: WebForms::SLUG,
    name: "Website forms",
    setting: None,
    is_cloud_only: false,
    has_view: true,
    is_google: false,
    credential: turnstile::SECRET,
    webhook_key_setting: None,
    demo: Some(&demo::DEMO),
    start: control::start::<WebForms>,
};

/// The handle of the simulated website.
pub type Simulator = control::Simulator<WebForms>;

impl Simulators {
    /// The simulated website.
    pub fn webforms(&self) -> &Simulator {
        self.get()
    }
}

/// How the simulated website behaves. Nothing of it can be chosen.
#[derive(Debug, Clone, Default)]
pub struct Config {}

impl ProviderConfig for Config {}

/// What a post was answered.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// The status; 0 if there was no answer.
    pub status: u16,
    /// Where the browser goes on to.
    pub location: Option<String>,
    /// Whose scripts may read it.
    pub readable_by: Option<String>,
    /// The body, if it is JSON.
    pub body: Value,
}

/// The state of the simulated website.
pub struct WebForms {
    url: Mutex<Option<String>>,
    told: Mutex<Vec<Told>>,
}

impl Provider for WebForms {
    const SLUG: &'static str = "webforms";

    type Config = Config;
    type Caller = ();

    fn new(_config: Config, _setup: &Setup) -> Self {
        Self {
            url: Mutex::default(),
            told: Mutex::default(),
        }
    }

    fn routes() -> Router<Arc<Shared<Self>>> {
        Router::new().route("/_sim/submissions", post(submit))
    }

    fn authorize(_sim: &Shared<Self>, _request: &Parts) -> Result<(), Response> {
        Ok(())
    }

    fn error(status: StatusCode, message: &str) -> Response {
        (status, Json(json!({ "error": message }))).into_response()
    }

    fn usual_message(status: StatusCode) -> &'static str {
        match status.as_u16() {
            404 => "The website has no such page.",
            500.. => "The website is down.",
            _ => "The website cannot do that.",
        }
    }

    fn view(sim: &Shared<Self>, _page: &Page) -> Value {
        json!({ "url": *lock(&sim.provider.url), "answers": *lock(&sim.provider.told) })
    }

    fn webhooks(&self) -> Option<&dyn Webhooks> {
        Some(self)
    }
}

impl Webhooks for WebForms {
    fn post_to(&self, url: &str) {
        *lock(&self.url) = Some(url.to_owned());
    }

    fn verification_key(&self) -> String {
        SIGNING_KEY.to_owned()
    }
}

impl Simulator {
    /// Sends a form, and returns what it was answered.
    pub async fn submit(&self, wanted: Wanted) -> Told {
        self.shared.submit(&wanted, &demo::fresh()).await
    }

    /// Sends one form by several clicks, one after the other, and returns what each was answered.
    pub async fn submit_by_clicks(&self, wanted: Wanted, clicks: usize) -> Vec<Told> {
        self.shared.clicked(&wanted, clicks).await
    }
}

type Sim = State<Arc<Shared<WebForms>>>;

impl Shared<WebForms> {
    async fn clicked(&self, wanted: &Wanted, clicks: usize) -> Vec<Told> {
        let id = demo::fresh();
        let mut told = Vec::new();
        for _ in 0..clicks {
            told.push(self.submit(wanted, &id).await);
        }
        told
    }

    async fn submit(&self, wanted: &Wanted, id: &str) -> Told {
        let url = lock(&self.provider.url).clone();
        let url = url.unwrap_or_else(|| "http://nowhere.invalid".to_owned());
        let post = wanted
            .tool
            .post(wanted, id, SIGNING_KEY, self.control.now());
        let mut request = client_for_webhooks()
            .post(url)
            .header(header::CONTENT_TYPE, post.content_type);
        for (name, value) in post.headers {
            request = request.header(name, value);
        }
        if wanted.tool.is_browser() {
            request = request.header(header::ORIGIN, ORIGIN);
        }
        if matches!(wanted.tool, Tool::Urlencoded | Tool::Multipart) {
            request = request.header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
        }
        let told = told(request.body(post.body)).await;
        let mut all = lock(&self.provider.told);
        if all.len() >= KEPT {
            all.remove(0);
        }
        all.push(told.clone());
        told
    }
}

async fn told(request: reqwest::RequestBuilder) -> Told {
    let Ok(mut answer) = request.send().await else {
        return Told {
            status: 0,
            location: None,
            readable_by: None,
            body: Value::Null,
        };
    };
    let text = |name| {
        let value = answer.headers().get(name);
        value.and_then(|value| value.to_str().ok().map(str::to_owned))
    };
    let (location, readable_by) = (
        text(header::LOCATION),
        text(header::ACCESS_CONTROL_ALLOW_ORIGIN),
    );
    let mut body = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() > KEPT_BYTES {
            break;
        }
    }
    Told {
        status: answer.status().as_u16(),
        location,
        readable_by,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}

#[derive(Deserialize)]
struct Submission {
    #[serde(default = "one")]
    clicks: usize,
    #[serde(flatten)]
    wanted: Value,
}

const fn one() -> usize {
    1
}

async fn submit(State(sim): Sim, body: Bytes) -> Response {
    let read = control::read::<Submission>(&body).and_then(|submission| {
        let wanted = serde_json::from_value::<Wanted>(submission.wanted);
        Ok((
            wanted.map_err(|error| error.to_string())?,
            submission.clicks,
        ))
    });
    match read {
        Ok((_, clicks)) if clicks > 100 => control::invalid("`clicks` is at most 100"),
        Ok((wanted, clicks)) => pretty(&json!({ "answers": sim.clicked(&wanted, clicks).await })),
        Err(reason) => control::invalid(&reason),
    }
}
