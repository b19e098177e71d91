//! The whole product, for one story: in this process, or as the processes of a fleet.

mod one_process;
mod rows;
mod six_services;
mod watcher;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{Clock as _, ConnectionName, LeadRequest, RequestId, SourceId, Status, TenantId};
use http::StatusCode;
use jiff::Timestamp;
use management_api::auth::{Grant, Role, SigningKey};
use pipeline::{app::trust, demo};
use runtime::SystemClock;
use secrecy::{ExposeSecret as _, SecretString};
use secrets::{SecretName, SecretRef, Secrets};
use serde_json::Value;
use simulators::{SIMULATORS, Simulators};
use store::{RequestQuery, RequestView, Source, SourceState, Store, TokenHash};
use testkit::ManualClock;

use crate::{
    callrail::{CallBody, sha1_signature},
    company::Company,
};
use one_process::{OneProcess, Stopped};
pub use rows::Rows;
use six_services::SixServices;
pub use watcher::Watcher;

/// Longest wait of a story for anything.
const PATIENCE: Duration = Duration::from_secs(120);
/// How far a manual clock moves between two looks.
const MOVES_BY: Duration = Duration::from_millis(100);

/// Looks of [`World::rest`] without anything happening before a manual clock is nudged.
const NUDGE_AFTER: u32 = 50;
/// Looks after which a nudge is a long one: whoever sleeps still has a minute's lease to wait for.
const LONG_AFTER: u32 = 1_000;
const MOVES_FAR_BY: Duration = Duration::from_secs(1);

/// What a product is made of. A story that neither moves the clock nor looks behind the endpoints is told of both, with
/// [`in_both_forms`](crate::in_both_forms).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Every service in this process, on embedded parts.
    OneProcess,
    /// Every service a process of its own, on Google's emulators.
    Fleet,
}

/// A running product with the demo tenant.
pub struct World {
    /// Where it is served.
    pub base: String,
    /// What it keeps.
    pub store: Arc<dyn Store>,
    /// Calls it.
    pub http: reqwest::Client,
    secrets: Arc<dyn Secrets>,
    key: SigningKey,
    product: Product,
}

enum Product {
    OneProcess(Box<OneProcess>),
    Fleet(Box<SixServices>),
}

/// What a running product hands out.
struct Parts {
    base: String,
    store: Arc<dyn Store>,
    secrets: Arc<dyn Secrets>,
    key: SigningKey,
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
    /// The product in a form, on the real clock.
    pub async fn of(form: Form) -> Self {
        Self::with(form, []).await
    }

    /// The product in a form, on the real clock, with settings of its own.
    pub async fn with<const N: usize>(form: Form, settings: [(&str, &str); N]) -> Self {
        match form {
            Form::OneProcess => Self::in_this_process(Stopped::new(&settings, None)).await,
            Form::Fleet => {
                let (services, parts) = Box::pin(SixServices::start(&settings)).await;
                let world = Self::around(Product::Fleet(Box::new(services)), parts);
                // The emulator does one transaction at a time: on a busy machine it may be too slow to accept.
                world.simulators().callrail().insist();
                world
            }
        }
    }

    /// The product in this process, on the real clock.
    pub async fn start() -> Self {
        Self::of(Form::OneProcess).await
    }

    /// The product in this process, on the real clock, with settings of its own.
    pub async fn with_settings<const N: usize>(settings: [(&str, &str); N]) -> Self {
        Self::with(Form::OneProcess, settings).await
    }

    /// The product in this process, on a clock that moves by [`World::pass`], and by a tenth of a second at each look
    /// of [`World::eventually`].
    pub async fn on_manual_clock() -> Self {
        Self::on_manual_clock_with([]).await
    }

    /// The product on a manual clock, with settings of its own.
    pub async fn on_manual_clock_with<const N: usize>(settings: [(&str, &str); N]) -> Self {
        let clock = ManualClock::at("2026-03-17T15:00:00Z".parse().unwrap());
        Self::in_this_process(Stopped::new(&settings, Some(clock))).await
    }

    /// The product on a manual clock that begins at the machine's time: for stories in which commands, which have the
    /// machine's clock, work on its data.
    pub async fn on_manual_clock_from_now() -> Self {
        let clock = ManualClock::at(SystemClock::default().now());
        Self::in_this_process(Stopped::new(&[], Some(clock))).await
    }

    async fn in_this_process(stopped: Stopped) -> Self {
        let (process, parts) = stopped.start().await;
        Self::around(Product::OneProcess(Box::new(process)), parts)
    }

    fn around(product: Product, parts: Parts) -> Self {
        let Parts {
            base,
            store,
            secrets,
            key,
        } = parts;
        Self {
            base,
            store,
            http: http(),
            secrets,
            key,
            product,
        }
    }

    /// Stops the product, in order, and starts it again on the same data. In one process, simulated providers start
    /// empty.
    pub async fn restart(mut self) -> Self {
        match &mut self.product {
            Product::OneProcess(_) => self.restart_around(async |_: &Path| {}).await,
            Product::Fleet(services) => {
                services.restart().await;
                self
            }
        }
    }

    /// As [`World::restart`], in one process; between the two, `work` has the data folder to itself.
    pub async fn restart_around(mut self, work: impl AsyncFnOnce(&Path)) -> Self {
        self.stop().await;
        // Nothing may hold on to the store.
        let Product::OneProcess(process) = self.product else {
            panic!("only the one process has all its data in a folder");
        };
        drop((self.store, self.secrets));
        let stopped = process.into_stopped();
        work(&stopped.data_folder()).await;
        Self::in_this_process(stopped).await
    }

    async fn stop(&mut self) {
        match &mut self.product {
            Product::OneProcess(process) => process.stop().await,
            Product::Fleet(services) => services.stop(),
        }
    }

    /// The folder with the key that signs tokens and, in one process, with all data.
    pub fn data_folder(&self) -> PathBuf {
        match &self.product {
            Product::OneProcess(process) => process.data_folder(),
            Product::Fleet(services) => services.data_folder(),
        }
    }

    /// The names of all stored recordings.
    pub fn recordings(&self) -> Vec<String> {
        match &self.product {
            Product::OneProcess(process) => process.recordings(),
            Product::Fleet(services) => services.recordings(),
        }
    }

    /// Every row of every table that is a tenant's.
    pub async fn rows_of(&self, tenant: &TenantId) -> Rows {
        match &self.product {
            Product::OneProcess(process) => rows::of_tenant(&process.database(), tenant),
            Product::Fleet(services) => {
                let read =
                    async { rows::of_tenant_on_spanner(services.reader().await, tenant).await };
                Box::pin(read).await
            }
        }
    }

    /// A tenant's secrets, by name.
    pub async fn secrets_of(&self, tenant: &TenantId) -> Vec<(SecretName, SecretString)> {
        let mut all = Vec::new();
        for name in self.secrets.list(tenant).await.unwrap() {
            let secret = self.secrets.get(tenant, &name, None).await.unwrap();
            all.push((name, secret));
        }
        all
    }

    /// Waits until nobody works and nothing is due. A manual clock stands still as long as that is enough: it is nudged
    /// when nothing happens, since somebody may sleep who does not know of what is due.
    pub async fn rest(&self) {
        let mut looks: u32 = 0;
        loop {
            let due = match &self.product {
                Product::OneProcess(process) => {
                    rows::due(&process.database(), self.now().as_microsecond())
                }
                Product::Fleet(services) => {
                    Box::pin(async { rows::due_on_spanner(services.reader().await).await }).await
                }
            };
            if due == 0 {
                return;
            }
            looks += 1;
            if looks.is_multiple_of(NUDGE_AFTER)
                && let Some(clock) = self.clock()
            {
                clock.advance(match looks > LONG_AFTER {
                    true => MOVES_FAR_BY,
                    false => MOVES_BY,
                });
            }
            let pause = self.look_every() / 5;
            tokio::time::sleep(pause).await;
            assert!(
                PATIENCE > pause * looks,
                "{due} steps are still due:\n{}",
                self.logs()
            );
        }
    }

    /// The simulated providers.
    pub fn simulators(&self) -> &Simulators {
        match &self.product {
            Product::OneProcess(process) => process.simulators(),
            Product::Fleet(services) => services.simulators(),
        }
    }

    /// The demo tenant.
    pub fn tenant(&self) -> TenantId {
        TenantId::new(demo::TENANT).unwrap()
    }

    /// Adds the tenant `tenant_<name>`.
    pub async fn add_tenant(&self, name: &str) -> Company {
        Company::create(self.store.as_ref(), self.secrets.as_ref(), name).await
    }

    /// What the product logged.
    pub fn logs(&self) -> String {
        match &self.product {
            Product::OneProcess(process) => process.logs(),
            Product::Fleet(services) => services.logs(),
        }
    }

    fn clock(&self) -> Option<&ManualClock> {
        match &self.product {
            Product::OneProcess(process) => process.clock(),
            Product::Fleet(_) => None,
        }
    }

    /// Pause between two looks. The emulator of a fleet has little to spare.
    const fn look_every(&self) -> Duration {
        Duration::from_millis(match self.product {
            Product::OneProcess(_) => 10,
            Product::Fleet(_) => 100,
        })
    }

    /// What time it is in this world.
    pub fn now(&self) -> Timestamp {
        match self.clock() {
            Some(clock) => clock.now(),
            None => SystemClock::default().now(),
        }
    }

    /// Moves a manual clock.
    pub fn pass(&self, time: Duration) {
        self.clock()
            .expect("a world on a manual clock")
            .advance(time);
    }

    /// Posts bytes as they are, as senders of webhooks do: again while it is told to come back later, so that it makes
    /// no difference to a story how busy the machine is.
    pub async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let (body, began) = (body.into(), Instant::now());
        loop {
            let answer = self.post_once(path, headers, body.clone()).await;
            if answer.status != StatusCode::SERVICE_UNAVAILABLE || began.elapsed() > PATIENCE {
                return answer;
            }
            tokio::time::sleep(self.look_every()).await;
        }
    }

    /// Posts bytes as they are, a single time: for stories about being told to come back later.
    pub async fn post_once(
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

    /// Posts a call's webhook to the demo tenant's URL for the event, signed as CallRail signs; as [`World::post`].
    pub async fn deliver(&self, event: &str, body: &CallBody) -> Answer {
        let (path, signature, body) = delivery(event, body);
        self.post(&path, &signed(&signature), body).await
    }

    /// The same, a single time; as [`World::post_once`].
    pub async fn deliver_once(&self, event: &str, body: &CallBody) -> Answer {
        let (path, signature, body) = delivery(event, body);
        self.post_once(&path, &signed(&signature), body).await
    }

    /// Asks the API as an admin of the demo tenant.
    pub async fn get(&self, path: &str) -> Answer {
        let url = format!("{}{path}", self.base);
        answer(
            self.http
                .get(url)
                .bearer_auth(self.admin_token().expose_secret()),
        )
        .await
    }

    /// Watches the demo tenant live, as its admin.
    pub async fn watch(&self) -> Watcher {
        let url = format!("{}/v1/tenants/{}/live", self.base, self.tenant());
        let call = self.http.get(url);
        let call = call.bearer_auth(self.admin_token().expose_secret());
        let response = call.send().await.unwrap();
        assert_eq!(response.status(), 200);
        Watcher::of(response)
    }

    /// Asks the API for a file as an admin of the demo tenant: the headers, and the bytes.
    #[expect(
        clippy::disallowed_methods,
        reason = "the product's own answers are small"
    )]
    pub async fn download(&self, path: &str) -> (StatusCode, http::HeaderMap, Vec<u8>) {
        let call = self.http.get(format!("{}{path}", self.base));
        let call = call.bearer_auth(self.admin_token().expose_secret());
        let response = call.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        (status, headers, response.bytes().await.unwrap().to_vec())
    }

    /// Posts to the API as an admin of the demo tenant.
    pub async fn post_to_api(&self, path: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", self.base);
        let call = self.http.post(url).json(body);
        answer(call.bearer_auth(self.admin_token().expose_secret())).await
    }

    /// Puts to the API as an admin of the demo tenant.
    pub async fn put_to_api(&self, path: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", self.base);
        let call = self.http.put(url).json(body);
        answer(call.bearer_auth(self.admin_token().expose_secret())).await
    }

    /// Posts to the API as an admin of a tenant; `path` is below the tenant's.
    pub async fn post_as_admin(&self, tenant: &TenantId, path: &str, body: &Value) -> Answer {
        let url = format!("{}/v1/tenants/{tenant}/{path}", self.base);
        let request = self.http.post(url).json(body);
        answer(request.bearer_auth(self.token(tenant).expose_secret())).await
    }

    /// Asks the API as an admin of this tenant, by the path behind the tenant's.
    pub async fn get_as_admin(&self, tenant: &TenantId, path: &str) -> Answer {
        let url = format!("{}/v1/tenants/{tenant}/{path}", self.base);
        let request = self.http.get(url);
        answer(request.bearer_auth(self.token(tenant).expose_secret())).await
    }

    fn admin_token(&self) -> SecretString {
        self.token(&self.tenant())
    }

    fn token(&self, tenant: &TenantId) -> SecretString {
        let grant = Grant {
            subject: "story".to_owned(),
            roles: vec![Role::TenantAdmin],
            tenants: vec![tenant.clone()],
            valid_for: Duration::from_secs(600),
        };
        self.key.mint(&trust(), &grant, self.now()).unwrap()
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
            if let Some(clock) = self.clock() {
                clock.advance(MOVES_BY);
            }
            tokio::time::sleep(self.look_every()).await;
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
                &store::AuditAction::new("test", "secret.set", ""),
            )
            .await
            .unwrap();
        assert!(!replaced.wakes.is_empty(), "nothing was held");
    }

    /// Adds a source to the demo tenant, and returns the token of its URL.
    pub async fn add_source(&self, id: SourceId, provider: &str, key: &SecretString) -> String {
        let token = demo::token(provider);
        self.add_source_at(id, provider, key, &token).await;
        token
    }

    /// The same with the URL's token of our choice.
    pub async fn add_source_at(
        &self,
        id: SourceId,
        provider: &str,
        key: &SecretString,
        token: &str,
    ) {
        let tenant = self.tenant();
        let name = SecretName::new(&format!("{provider}_signing_key")).unwrap();
        let version = self.secrets.put(&tenant, &name, key).await.unwrap();
        let source = Source {
            id,
            tenant,
            provider: provider.to_owned(),
            connection: None,
            office: None,
            token: Some(TokenHash::of(token)),
            accounts: Vec::new(),
            key_names: vec![SecretRef { name, version }.to_string()],
            schemes: Vec::new(),
            state: SourceState::Active,
            name: None,
            version: 1,
        };
        self.store.put_source(&source).await.unwrap();
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
        let credentials = SIMULATORS.iter().map(|spec| spec.credential);
        let keys = SIMULATORS.iter().filter_map(|spec| spec.demo?.signing_key);
        let secrets = credentials.chain(keys).chain(["5125550142"]);
        for secret in secrets {
            assert!(!logs.contains(secret), "`{secret}` is in the log:\n{logs}");
        }
    }
}

/// Has the simulated providers post their webhooks to the demo tenant's URLs.
pub(crate) fn post_webhooks(simulators: &Simulators, base: &str) {
    for spec in SIMULATORS {
        let hook = format!("{base}{}", demo::hook(spec.slug));
        simulators.post_webhooks_to(spec.slug, &hook);
    }
}

/// Path, signature and body of a call's webhook to the demo tenant.
fn delivery(event: &str, body: &CallBody) -> (String, String, Vec<u8>) {
    let body = body.json();
    let signature = sha1_signature(simulators::callrail::SIGNING_KEY, &body);
    let path = format!("/v1/hooks/{}/{event}", demo::token("callrail"));
    (path, signature, body)
}

fn signed(signature: &str) -> [(&str, &str); 2] {
    [
        ("content-type", "application/json"),
        ("signature", signature),
    ]
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
