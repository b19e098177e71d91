//! The whole product in this process, for one story.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{Clock, ConnectionName, LeadRequest, RequestId, Status, TenantId};
use http::StatusCode;
use jiff::Timestamp;
use management_api::auth::{Grant, Role, SigningKey};
use pipeline::{
    app::{App, trust},
    config::Config,
    data_folder::DataFolder,
    demo,
    providers::{self, Providers},
};
use runtime::{CapturedLogs, SystemClock};
use secrecy::{ExposeSecret as _, SecretString};
use secrets::{SecretName, Secrets};
use serde_json::Value;
use settings::Settings;
use simulators::Simulators;
use store::{RequestQuery, RequestView, Store as _};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use testkit::ManualClock;
use tokio::{sync::oneshot, task::JoinHandle};
use tracing::subscriber::DefaultGuard;

use crate::{
    callrail::{CallBody, sha1_signature},
    company::Company,
};

/// Longest wait of a story for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks, and how far a manual clock moves between them.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const MOVES_BY: Duration = Duration::from_millis(100);

/// A running product with the demo tenant.
pub struct World {
    /// Where it is served.
    pub base: String,
    /// What it keeps.
    pub store: Arc<SqliteStore>,
    /// Its simulated providers.
    pub providers: Providers,
    /// Calls it.
    pub http: reqwest::Client,
    secrets: Arc<dyn Secrets>,
    clock: Option<ManualClock>,
    key: SigningKey,
    logs: CapturedLogs,
    #[expect(dead_code, reason = "captures as long as it lives")]
    capturing: DefaultGuard,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    folder: Option<TempDir>,
    settings: Settings,
}

/// What the product answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body, when it is JSON.
    pub body: Value,
}

impl Answer {
    /// The request that a delivery made or changed.
    pub fn request_id(&self) -> RequestId {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.body["request_id"]
            .as_str()
            .unwrap_or_else(|| panic!("no request id in {self:?}"))
            .parse()
            .unwrap()
    }
}

impl World {
    /// The product on the real clock.
    pub async fn start() -> Self {
        Self::build(None, []).await
    }

    /// The product on the real clock, with settings of its own.
    pub async fn with_settings<const N: usize>(settings: [(&str, &str); N]) -> Self {
        Self::build(None, settings).await
    }

    /// The product on a clock that moves by [`World::pass`], and by a tenth of a second at each look of
    /// [`World::eventually`].
    pub async fn on_manual_clock() -> Self {
        Self::on_manual_clock_with([]).await
    }

    /// The product on a manual clock, with settings of its own.
    pub async fn on_manual_clock_with<const N: usize>(settings: [(&str, &str); N]) -> Self {
        let clock = ManualClock::at("2026-03-17T15:00:00Z".parse().unwrap());
        Self::build(Some(clock), settings).await
    }

    /// The product on a manual clock that begins at the machine's time: for stories in which commands, which have the
    /// machine's clock, work on its data.
    pub async fn on_manual_clock_from_now() -> Self {
        let clock = ManualClock::at(SystemClock::default().now());
        Self::build(Some(clock), []).await
    }

    async fn build<const N: usize>(
        clock: Option<ManualClock>,
        settings: [(&str, &str); N],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free_ports = Settings::from_pairs([("PORT", "0"), ("METRICS_PORT", "0")]);
        let settings = settings
            .into_iter()
            .fold(free_ports, |all, (key, value)| all.with(key, value));
        Self::open(folder, settings, clock).await
    }

    async fn open(folder: TempDir, settings: Settings, clock: Option<ManualClock>) -> Self {
        let (logs, capturing) = CapturedLogs::begin();
        let time: Arc<dyn Clock> = match &clock {
            Some(clock) => Arc::new(clock.clone()),
            None => Arc::new(SystemClock::default()),
        };
        let data = DataFolder::open(&folder.path().join("data")).unwrap();
        let simulated = time.clone();
        let config = simulators::Config {
            now: Arc::new(move || simulated.now()),
            ..Default::default()
        };
        let (filled, providers) = providers::simulate(settings.clone(), &data.blobs(), config)
            .await
            .unwrap();
        let config = filled.load(Config::read).unwrap();
        let app = App::build(&config, data, &providers, time).await.unwrap();
        demo::ensure(
            app.store.as_ref(),
            app.secrets.as_ref(),
            providers.event_key().as_deref(),
        )
        .await
        .unwrap();
        let base = format!("http://{}", app.address);
        providers
            .simulators
            .sendgrid()
            .set_event_webhook(&format!("{base}/v1/hooks/{}", demo::SENDGRID_TOKEN));
        let key = SigningKey::open(app.folder.path()).unwrap();
        let (store, secrets) = (app.store.clone(), app.secrets.clone());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(async move {
            app.run(async move {
                // A dropped sender ends the product as well.
                let _ended = stopped.await;
            })
            .await
            .unwrap();
        });
        Self {
            base,
            store,
            providers,
            http: http(),
            secrets,
            clock,
            key,
            logs,
            capturing,
            running: Some((stop, running)),
            folder: Some(folder),
            settings,
        }
    }

    /// Stops the product, in order, and starts it again on the same data. Simulated providers start empty.
    pub async fn restart(self) -> Self {
        self.restart_around(async |_: &Path| {}).await
    }

    /// As [`World::restart`]; between the two, `work` has the data folder to itself.
    pub async fn restart_around(mut self, work: impl AsyncFnOnce(&Path)) -> Self {
        self.stop().await;
        let folder = self.folder.take().unwrap();
        let (settings, clock) = (self.settings.clone(), self.clock.clone());
        drop(self);
        work(&folder.path().join("data")).await;
        Self::open(folder, settings, clock).await
    }

    async fn stop(&mut self) {
        if let Some((stop, running)) = self.running.take() {
            stop.send(()).ok();
            running.await.unwrap();
        }
    }

    /// The data folder.
    pub fn data_folder(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().join("data")
    }

    /// The simulated providers.
    pub fn simulators(&self) -> &Simulators {
        &self.providers.simulators
    }

    /// The demo tenant.
    pub fn tenant(&self) -> TenantId {
        TenantId::new(demo::TENANT).unwrap()
    }

    /// Adds the tenant `tenant_<name>`.
    pub async fn add_tenant(&self, name: &str) -> Company {
        Company::create(&self.store, self.secrets.as_ref(), name).await
    }

    /// What the product logged.
    pub fn logs(&self) -> String {
        self.logs.text()
    }

    /// What time it is in this world.
    pub fn now(&self) -> Timestamp {
        match &self.clock {
            Some(clock) => clock.now(),
            None => SystemClock::default().now(),
        }
    }

    /// Moves a manual clock.
    pub fn pass(&self, time: Duration) {
        self.clock
            .as_ref()
            .expect("a world on a manual clock")
            .advance(time);
    }

    /// Posts bytes as they are.
    pub async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let mut request = self
            .http
            .post(format!("{}{path}", self.base))
            .body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request).await
    }

    /// Posts a call's webhook to the demo tenant's URL for the event, signed as CallRail signs.
    pub async fn deliver(&self, event: &str, body: &CallBody) -> Answer {
        let body = body.json();
        let signature = sha1_signature(demo::CALLRAIL_SIGNING_KEY, &body);
        let path = format!("/v1/hooks/{}/{event}", demo::CALLRAIL_TOKEN);
        self.post(
            &path,
            &[
                ("content-type", "application/json"),
                ("signature", &signature),
            ],
            body,
        )
        .await
    }

    /// Asks the API as an admin of the demo tenant.
    pub async fn get(&self, path: &str) -> Answer {
        let grant = Grant {
            subject: "story".to_owned(),
            roles: vec![Role::TenantAdmin],
            tenants: vec![self.tenant()],
            valid_for: Duration::from_secs(600),
        };
        let token = self.key.mint(&trust(), &grant, self.now()).unwrap();
        answer(
            self.http
                .get(format!("{}{path}", self.base))
                .bearer_auth(token.expose_secret()),
        )
        .await
    }

    /// A request as the API shows it.
    pub async fn shown(&self, request: RequestId) -> Value {
        let answer = self
            .get(&format!("/v1/tenants/{}/requests/{request}", demo::TENANT))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.body
    }

    /// A request as the store has it.
    pub async fn view(&self, request: RequestId) -> RequestView {
        self.store
            .request(&self.tenant(), request)
            .await
            .unwrap()
            .expect("the request is there")
    }

    /// Waits until `look` is true. A manual clock moves on meanwhile.
    pub async fn eventually(&self, what: &str, mut look: impl AsyncFnMut() -> bool) {
        let started = Instant::now();
        while !look().await {
            assert!(
                started.elapsed() < PATIENCE,
                "never: {what}\nlogs:\n{}",
                self.logs()
            );
            if let Some(clock) = &self.clock {
                clock.advance(MOVES_BY);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until a request has a status, and answers it.
    pub async fn becomes(&self, request: RequestId, status: Status) -> RequestView {
        let what = format!("{request} becomes {}", status.as_str());
        self.eventually(&what, async || {
            self.view(request).await.request.status == status
        })
        .await;
        self.view(request).await
    }

    /// Replaces the secret of one of the demo tenant's connections, as an operator does.
    pub async fn replace_secret(&self, connection: &str, value: &str) {
        let tenant = self.tenant();
        let name = SecretName::new(connection).unwrap();
        let version = self
            .secrets
            .put(&tenant, &name, &SecretString::from(value))
            .await
            .unwrap();
        let connection = ConnectionName::new(connection).unwrap();
        let replaced = self
            .store
            .replace_secret(
                &tenant,
                &connection,
                version,
                None,
                &store::Act::new("test", "secret.set", ""),
            )
            .await
            .unwrap();
        assert!(!replaced.wakes.is_empty(), "nothing was held");
    }

    /// Ends a story whose work is left undone on purpose.
    pub async fn stop_early(mut self) {
        self.stop().await;
    }

    /// Ends the story: no work is left but what is held or parked, every dispatch was of a qualified request, and no
    /// secret or telephone number is in the log.
    pub async fn finish(mut self) {
        let page = RequestQuery {
            limit: 200,
            ..RequestQuery::default()
        };
        self.eventually("all work is done", async || {
            let requests = self
                .store
                .list_requests(&self.tenant(), &page)
                .await
                .unwrap()
                .items;
            let is_open = |request: &LeadRequest| {
                matches!(request.status, Status::Received | Status::Processing)
            };
            !requests.iter().any(is_open)
        })
        .await;
        self.stop().await;
        let logs = self.logs();
        let secrets = [
            demo::CALLRAIL_SIGNING_KEY,
            "simulated-callrail-key",
            "pat-na1-simulated-hubspot-token",
            "SG.simulated-sendgrid-key",
            simulators::GOOGLE_TOKEN,
            "5125550142",
        ];
        for secret in secrets {
            assert!(!logs.contains(secret), "`{secret}` is in the log:\n{logs}");
        }
        self.folder = None;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let is_finished = self.running.is_none();
        assert!(
            is_finished || std::thread::panicking(),
            "a story ends with `finish` or `restart`"
        );
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "stories call the product, not the outside"
)]
fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the product's own answers are small"
)]
async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.unwrap();
    Answer {
        status,
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}
