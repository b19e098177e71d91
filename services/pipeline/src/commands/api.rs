//! How commands reach the management API: over HTTP where a server runs on the data folder, else in this process over
//! the folder itself. Either way it is the same API that does what is asked for.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
};
use domain::Clock as _;
use http::{
    Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use http_client::{Client, Limits, Options, Streaming};
use management_api::auth::{Grant, Role, SigningKey};
use runtime::{SystemClock, Task};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use settings::Settings;
use tower::ServiceExt as _;

use super::table::cell;
use crate::{
    app::{management_alone, trust},
    config::{Config, reachable},
    data_folder::{DataFolder, has_data, running_server},
    providers::without_simulators,
};

/// How long the token of one call is good for.
const TOKEN_LIFE: Duration = Duration::from_secs(60);
/// The largest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// How long a stream may be silent, which has a sign of life more often, and how long one may be.
const LONGEST_SILENCE: Duration = Duration::from_secs(45);
const LONGEST_STREAM: Duration = Duration::from_secs(24 * 60 * 60);
/// The header that says behind which event a stream begins.
const LAST_EVENT_ID: &str = "last-event-id";
/// The header under which a call can be repeated.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The management API of a data folder.
pub(super) struct Api {
    way: Way,
    key: SigningKey,
    actor: String,
}

enum Way {
    /// A server runs.
    Server { http: Client, base: String },
    /// None runs: the folder is ours meanwhile.
    Folder {
        routes: Router,
        tasks: Vec<Task>,
        /// The providers that are simulated while a server runs.
        simulated: Vec<&'static str>,
        _lock: DataFolder,
    },
}

/// A call that the API did not do.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(super) struct Refused {
    text: String,
    /// The version that the caller saw, and the newest, where they changed another one than that.
    versions: Option<[Value; 2]>,
}

impl Refused {
    fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            versions: None,
        }
    }

    /// With the paths of faults as they are within this part of what was sent.
    pub(super) fn below(self, part: &str) -> Self {
        Self {
            text: self.text.replace(&format!("\n  {part}."), "\n  "),
            ..self
        }
    }

    /// `{"seen": …, "current": …}`, where the change was of another version than the newest.
    pub(super) fn versions(&self) -> Option<Value> {
        let [seen, current] = self.versions.as_ref()?;
        Some(json!({ "seen": seen, "current": current }))
    }
}

impl Api {
    /// Finds the way to the API of this folder; `actor` is whose acts they are.
    ///
    /// # Errors
    /// When there is no data, or it cannot be reached.
    pub(super) async fn open(
        settings: &Settings,
        folder: &Path,
        actor: String,
    ) -> anyhow::Result<Self> {
        // A fleet's data is not in its folder.
        if !has_data(folder) && running_server(folder).is_err() {
            return Err(no_data(folder));
        }
        let way = match DataFolder::try_open(folder)? {
            // Whoever announced itself there has ended.
            Some(_) if !has_data(folder) => return Err(no_data(folder)),
            Some(lock) => {
                let (settings, simulated) = without_simulators(settings.clone())?;
                // Nothing here reaches Google.
                let settings = settings.with("GOOGLE_PROJECT", "not-used");
                let config = settings.load(Config::read)?;
                let clock = Arc::new(SystemClock::default());
                let service = management_alone(&config, &lock, clock).await?;
                Way::Folder {
                    routes: service.routes,
                    tasks: service.tasks,
                    simulated,
                    _lock: lock,
                }
            }
            None => {
                let server = running_server(folder).context(
                    "another command is at work on the data folder, or its server is just starting: try again in a moment",
                )?;
                Way::Server {
                    base: format!("http://{}", reachable(server.address)),
                    http: Client::new(Options {
                        allow_loopback: true,
                        allow_private: true,
                        max_body_bytes: MAX_ANSWER_BYTES as u64,
                        ..Options::default()
                    })?,
                }
            }
        };
        Ok(Self {
            way,
            key: SigningKey::open(folder)?,
            actor,
        })
    }

    /// Whether no server runs, so that nothing works on what is due.
    pub(super) const fn is_alone(&self) -> bool {
        matches!(self.way, Way::Folder { .. })
    }

    /// Refuses what only a running server can do; `why` says why, in words that go on behind "no server runs on this data
    /// folder".
    ///
    /// # Errors
    /// When none runs.
    pub(super) fn needs_server(&self, why: &str) -> anyhow::Result<()> {
        if self.is_alone() {
            return Err(no_server(why));
        }
        Ok(())
    }

    /// Refuses to call a provider that is simulated while a server runs: the account is the simulator's, and its secret is
    /// not for the real provider.
    ///
    /// # Errors
    /// When none runs, and no setting says where the provider is.
    pub(super) fn needs_provider(&self, provider: &str) -> anyhow::Result<()> {
        match &self.way {
            Way::Folder { simulated, .. } if simulated.contains(&provider) => {
                let name = catalogue::name(provider);
                self.needs_server(&format!("and {name} is simulated while one does"))
            }
            Way::Folder { .. } | Way::Server { .. } => Ok(()),
        }
    }

    /// The background tasks of the API, once, where no server runs that has them.
    pub(super) fn take_tasks(&mut self) -> Vec<Task> {
        match &mut self.way {
            Way::Folder { tasks, .. } => std::mem::take(tasks),
            Way::Server { .. } => Vec::new(),
        }
    }

    /// Makes a call; its answer's body.
    ///
    /// # Errors
    /// [`Refused`] in the API's words, or when the API cannot be reached.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<&str>,
    ) -> anyhow::Result<Value> {
        let header = idempotency_key.map(|key| (IDEMPOTENCY_KEY, key));
        self.call_with(method, path, body, header).await
    }

    /// The same, with a header.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub(super) async fn call_with(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        header: Option<(&str, &str)>,
    ) -> anyhow::Result<Value> {
        let token = self.token()?;
        let (status, bytes) = match &self.way {
            Way::Server { http, base } => {
                let mut request = http.request(method, format!("{base}{path}")).bearer(&token);
                if let Some((name, value)) = header {
                    request = request.header(name, value);
                }
                if let Some(body) = body {
                    request = request.json(body);
                }
                let answer = request.send().await.with_context(|| {
                    format!("the server at {base} does not answer; if it has just ended, try again")
                })?;
                (answer.status, answer.body)
            }
            Way::Folder { routes, .. } => {
                let bearer = format!("Bearer {}", token.expose_secret());
                let mut request = Request::builder()
                    .method(method)
                    .uri(path)
                    .header(AUTHORIZATION, bearer);
                if let Some((name, value)) = header {
                    request = request.header(name, value);
                }
                let request = match body {
                    Some(body) => request
                        .header(CONTENT_TYPE, "application/json")
                        .body(Body::from(serde_json::to_vec(body)?)),
                    None => request.body(Body::empty()),
                };
                let answer = routes.clone().oneshot(request?).await?;
                let status = answer.status();
                (
                    status,
                    to_bytes(answer.into_body(), MAX_ANSWER_BYTES).await?,
                )
            }
        };
        let answer = serde_json::from_slice(&bytes)
            .with_context(|| format!("the API answered {status}, and no JSON"))?;
        if status.is_success() {
            Ok(answer)
        } else {
            Err(refused(status, &answer).into())
        }
    }

    /// Listens to a stream of events, behind the one with this id.
    ///
    /// # Errors
    /// [`Refused`] in the API's words, or when no server runs or it cannot be reached.
    pub(super) async fn listen(
        &self,
        path: &str,
        after: Option<&str>,
    ) -> anyhow::Result<Streaming> {
        let Way::Server { http, base } = &self.way else {
            return Err(no_server("so nothing happens there"));
        };
        let mut request = http.get(format!("{base}{path}")).bearer(&self.token()?);
        if let Some(id) = after {
            request = request.header(LAST_EVENT_ID, id);
        }
        let limits = Limits {
            max_bytes: u64::MAX,
            idle: LONGEST_SILENCE,
            total: LONGEST_STREAM,
        };
        let answer = request.send_streaming(limits).await;
        let answer = answer.with_context(|| format!("the server at {base} does not answer"))?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        let answer = answer.into_response().await?;
        Err(refused(answer.status, &answer.json().unwrap_or_default()).into())
    }

    fn token(&self) -> anyhow::Result<SecretString> {
        let grant = Grant {
            subject: self.actor.clone(),
            roles: vec![Role::PlatformAdmin],
            tenants: Vec::new(),
            valid_for: TOKEN_LIFE,
        };
        Ok(self
            .key
            .mint(&trust(), &grant, SystemClock::default().now())?)
    }
}

fn no_server(why: &str) -> anyhow::Error {
    anyhow!("no server runs on this data folder, {why}: start one with `pipeline run`")
}

fn no_data(folder: &Path) -> anyhow::Error {
    anyhow!(
        "there is no data in {0}: start a server on it (`pipeline run --data-dir {0}`), set it up empty \
         (`pipeline migrate --data-dir {0}`), or name another folder (--data-dir)",
        folder.display()
    )
}

/// A problem in one text: what went wrong, and each field that is wrong.
fn refused(status: StatusCode, problem: &Value) -> Refused {
    if status == StatusCode::UNAUTHORIZED {
        return Refused::new(
            "the server does not take the key of this data folder: is it the server of another folder?",
        );
    }
    let detail = problem["detail"].as_str();
    let mut text = detail.map_or_else(
        || format!("the API answered {status}"),
        // They follow right here.
        |detail| detail.trim_end_matches(" See `errors`.").to_owned(),
    );
    for error in problem["errors"].as_array().into_iter().flatten() {
        let part = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        text.push_str(&format!("\n  {}: {}", part("field"), part("message")));
    }
    // Another version than the newest was to be changed.
    let versions = problem.get("current").map(|current| {
        for (what, version) in [
            ("What you saw", &problem["seen"]),
            ("What it is now", current),
        ] {
            text.push_str(&format!("\n\n{what}: {}", version_in_words(version)));
        }
        [problem["seen"].clone(), current.clone()]
    });
    Refused { text, versions }
}

/// A version as people read it: its number, who wrote it, and what it says.
fn version_in_words(version: &Value) -> String {
    if version.is_null() {
        return "a version that is not kept".to_owned();
    }
    let said = serde_json::to_string_pretty(&version["config"]).unwrap_or_default();
    let author = match cell(&version["author"]).as_str() {
        "" | "-" => "somebody".to_owned(),
        author => author.to_owned(),
    };
    format!(
        "version {}, by {author}, {}\n{said}",
        version["version"],
        cell(&version["created_at"])
    )
}
