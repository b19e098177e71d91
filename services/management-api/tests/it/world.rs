//! A served API with its store, a clock that stands still, and the means to fill the store as the product does.

use std::{collections::BTreeMap, net::Ipv4Addr, path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use bus::{Bus as _, LocalBus, LocalBusConfig};
use bytes::Bytes;
use domain::{
    About, Alias, Audio, CallFacts, Channel, Claimed, Clock as _, ConnectionName, DetailsAnswer,
    DetailsSection, Facts, JobId, News, NoAudio, NoDetails, Office, OfficeId, Outcome, PersonFacts,
    Reading, Record, RecordingSection, RequestId, Section, SourceId, Stage, Tenant, TenantId,
    TenantStatus, WorkQueue as _, WorkflowConfig,
};
use http_client::{Client, Limits, Options, Request, Response};
use jiff::Timestamp;
use management_api::{
    Deps, JobBell, LimitsConfig,
    auth::{Grant, KeyRing, Role, SigningKey, Trust, Verifier},
    sign_in::SignIn,
};
use runtime::{Endpoint, Listener, ServeOptions, with_shell};
use secrecy::{ExposeSecret as _, SecretString};
use secrets::{KeySource, SealedSecrets, SecretRef, Secrets as _};
use serde_json::{Value, json};
use sources::Sources;
use store::{
    Accepted, AuditAction, AuditEntry, Connection, ConnectionState, Delivery, IdSource, Jobs as _,
    NewJob, Source, SourceState, Store as _, WorkFilter, jobs::JobTask,
};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use testkit::ManualClock;

use crate::demo::Rehearsal;

/// What webhooks' URLs begin with.
pub(crate) const PUBLIC_URL: &str = "https://leads.example";

/// Calls in a minute, by one caller and about one tenant.
const NO_LIMITS: (u32, u32) = (100_000, 100_000);

pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) secrets: SealedSecrets,
    /// What stands for the simulated providers of `a`.
    pub(crate) demo: Arc<Rehearsal>,
    bus: Arc<LocalBus>,
    pub(crate) key: SigningKey,
    pub(crate) trust: Trust,
    client: Client,
    base: String,
    /// The same API without a connection between.
    pub(crate) routes: Router,
    folder: TempDir,
}

impl World {
    /// With the tenants `a` and `b`, at a time that is long gone for this machine, and tokens of its own.
    pub(crate) async fn start() -> Self {
        Self::start_limited(NO_LIMITS.0, NO_LIMITS.1).await
    }

    /// The same with limits of calls in a minute.
    pub(crate) async fn start_limited(per_caller: u32, per_tenant: u32) -> Self {
        let verifier =
            |key: &SigningKey, trust: &Trust, _: &_| Verifier::new(trust.clone(), key.key_set());
        let limits = (per_caller, per_tenant);
        Self::start_as(verifier, |sign_in, _| sign_in, limits).await
    }

    /// The same with another verifier of tokens.
    pub(crate) async fn start_with(
        verifier: impl FnOnce(&SigningKey, &Trust, &ManualClock) -> Verifier,
    ) -> Self {
        Self::start_as(verifier, |sign_in, _| sign_in, NO_LIMITS).await
    }

    /// The same with another way to sign in.
    pub(crate) async fn start_signing_in(
        verifier: impl FnOnce(&SigningKey, &Trust, &ManualClock) -> Verifier,
        sign_in: impl FnOnce(SignIn, &ManualClock) -> SignIn,
    ) -> Self {
        Self::start_as(verifier, sign_in, NO_LIMITS).await
    }

    async fn start_as(
        verifier: impl FnOnce(&SigningKey, &Trust, &ManualClock) -> Verifier,
        sign_in: impl FnOnce(SignIn, &ManualClock) -> SignIn,
        (per_caller, per_tenant): (u32, u32),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at("2020-06-01T12:00:00Z".parse().unwrap());
        let store = SqliteStore::open(&folder.path().join("store.db"), Arc::new(clock.clone()));
        let store = Arc::new(store.unwrap());
        let trust = Trust {
            issuer: "https://pipeline.example".to_owned(),
            audience: "management-api".to_owned(),
        };
        let key = SigningKey::open(folder.path()).unwrap();
        let secrets = SealedSecrets::open(folder.path(), KeySource::File)
            .await
            .unwrap();
        let bus = LocalBus::new(LocalBusConfig::default());
        let limits = LimitsConfig {
            per_caller: per_caller.try_into().unwrap(),
            per_tenant: per_tenant.try_into().unwrap(),
        };
        let blobs = blobs::FolderBlobs::open(folder.path().join("blobs"));
        let demo = Arc::new(Rehearsal::new());
        let deps = Deps {
            blobs: Arc::new(blobs.await.unwrap()),
            api_keys: Arc::new(KeyRing::new(store.clone(), Arc::new(clock.clone()))),
            sign_in: Some(Arc::new(sign_in(
                SignIn::new(
                    SigningKey::open(folder.path()).unwrap(),
                    trust.clone(),
                    Arc::new(clock.clone()),
                ),
                &clock,
            ))),
            is_simulated: true,
            outward: None,
            demo: Some(demo.clone()),
            store: store.clone(),
            bus: bus.clone(),
            sources: Sources::standard(),
            job_bell: JobBell::default(),
            secrets: Arc::new(secrets.clone()),
            ids: Arc::new(IdSource::new(Arc::new(clock.clone()))),
            public_url: PUBLIC_URL.to_owned(),
            limits,
            clock: Arc::new(clock.clone()),
            verifier: Arc::new(verifier(&key, &trust, &clock)),
        };
        let service = management_api::service(deps);
        let direct = with_shell(service.routes.clone());
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into())
            .await
            .unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let endpoints = vec![Endpoint::new("api", listener, service.routes)];
            let options = ServeOptions::default();
            runtime::run(endpoints, service.tasks, options, std::future::pending()).await
        });
        let client = Client::new(Options {
            allow_loopback: true,
            ..Options::default()
        });
        let world = Self {
            clock,
            store,
            secrets,
            demo,
            bus,
            key,
            trust,
            client: client.unwrap(),
            base,
            routes: direct,
            folder,
        };
        for slug in ["a", "b"] {
            let tenant = Tenant {
                id: tenant(slug),
                name: format!("Company {slug}"),
                status: TenantStatus::Active,
            };
            world.store.put_tenant(&tenant).await.unwrap();
        }
        world
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.path().join("keys/jwt.pk8")
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn token(&self, roles: &[Role], tenants: &[&str]) -> SecretString {
        self.token_of("ann", roles, tenants)
    }

    pub(crate) fn token_of(&self, subject: &str, roles: &[Role], tenants: &[&str]) -> SecretString {
        let grant = Grant {
            subject: subject.to_owned(),
            roles: roles.to_vec(),
            tenants: tenants.iter().map(|slug| tenant(slug)).collect(),
            valid_for: Duration::from_secs(3600),
        };
        self.key.mint(&self.trust, &grant, self.now()).unwrap()
    }

    /// A call to be made as a browser makes it.
    pub(crate) fn call_openly(&self, method: &str, path: &str) -> Request<'_> {
        self.client
            .request(method.parse().unwrap(), format!("{}{path}", self.base))
    }

    /// Asks without a token.
    pub(crate) async fn get_openly(&self, path: &str) -> Response {
        self.send("GET", path, None).await
    }

    /// Asks as somebody who may read tenant `a`.
    pub(crate) async fn get(&self, path: &str) -> Response {
        let token = self.token(&[Role::Viewer], &["a"]);
        self.get_with(path, &token).await
    }

    pub(crate) async fn get_with(&self, path: &str, token: &SecretString) -> Response {
        let header = format!("Bearer {}", token.expose_secret());
        self.send("GET", path, Some(&header)).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        authorization: Option<&str>,
    ) -> Response {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.request(method.parse().unwrap(), url);
        if let Some(header) = authorization {
            request = request.header("authorization", header);
        }
        request.send().await.unwrap()
    }

    /// Calls as somebody with this role for tenant `a`.
    pub(crate) async fn call_as(
        &self,
        role: Role,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Response {
        self.call_with(role, method, path, body, None).await
    }

    /// The same under an `Idempotency-Key`.
    pub(crate) async fn call_with(
        &self,
        role: Role,
        method: &str,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Response {
        let token = self.token(&[role], &["a"]);
        self.call_with_token(&token, method, path, body, key).await
    }

    /// The same by whose token it is.
    pub(crate) async fn call_with_token(
        &self,
        token: &SecretString,
        method: &str,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Response {
        let url = format!("{}{path}", self.base);
        let mut request = self
            .client
            .request(method.parse().unwrap(), url)
            .bearer(token);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.unwrap()
    }

    /// Calls with a token; a body of null is none.
    pub(crate) async fn call_by(
        &self,
        token: &SecretString,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Response {
        let url = format!("{}{path}", self.base);
        let request = self.client.request(method.parse().unwrap(), url);
        let request = request.bearer(token);
        let request = if body.is_null() {
            request
        } else {
            request.json(body)
        };
        let limits = Limits {
            max_bytes: 10_000_000,
            idle: Duration::from_secs(20),
            total: Duration::from_secs(20),
        };
        let answer = request.send_streaming(limits).await.unwrap();
        let media_type = answer.headers.get("content-type");
        if media_type.is_some_and(|media_type| media_type == "text/event-stream") {
            // It has no end.
            return Response {
                status: answer.status,
                headers: answer.headers,
                body: Bytes::new(),
            };
        }
        answer.into_response().await.unwrap()
    }

    /// A source of a tenant.
    pub(crate) async fn source_of(&self, slug: &str) -> SourceId {
        let id = SourceId::from_uuid(self.store.ids().next());
        let source = Source {
            id,
            tenant: tenant(slug),
            provider: "callrail".to_owned(),
            connection: None,
            office: None,
            token: None,
            accounts: Vec::new(),
            key_names: vec!["signing_key@1".to_owned()],
            schemes: Vec::new(),
            state: SourceState::Active,
            name: None,
            version: 1,
        };
        self.store.put_source(&source).await.unwrap();
        id
    }

    /// A job of a tenant that is done.
    pub(crate) async fn job_of(&self, slug: &str) -> JobId {
        let new = NewJob {
            tenant: tenant(slug),
            task: JobTask::Redrive {
                filter: WorkFilter::default(),
            },
            by: "ann".to_owned(),
            call: None,
        };
        let act = AuditAction::new("set-up", "job.create", "job");
        let created = self.store.create_job(&new, &act).await;
        created.unwrap().job.id
    }

    /// The office of a tenant.
    pub(crate) async fn office_of(&self, slug: &str) -> OfficeId {
        let office = Office {
            id: OfficeId::from_uuid(uuid::Uuid::from_u128(1)),
            tenant: tenant(slug),
            name: "Austin".to_owned(),
            address: "1 Main Street, Austin".to_owned(),
            time_zone: "America/Chicago".to_owned(),
            config: WorkflowConfig::default(),
            config_version: 1,
        };
        self.store.put_office(&office).await.unwrap();
        office.id
    }

    /// Calls as somebody with this role for tenant `a`, about this version.
    pub(crate) async fn call_on(
        &self,
        role: Role,
        (method, path): (&str, &str),
        version: &str,
        body: &Value,
    ) -> Response {
        let url = format!("{}{path}", self.base);
        let request = self.client.request(method.parse().unwrap(), url);
        let request = request.bearer(&self.token(&[role], &["a"]));
        request
            .header("if-match", version)
            .json(body)
            .send()
            .await
            .unwrap()
    }

    /// A connection of tenant `a` to SendGrid.
    pub(crate) async fn mail_connection(&self) {
        let path = "/v1/tenants/a/connections/sendgrid/secret";
        let secret = json!({ "secret": "SG.key", "provider": "sendgrid" });
        body(
            &self
                .call_as(Role::TenantAdmin, "PUT", path, Some(&secret))
                .await,
        );
    }

    /// A connection of a tenant to HubSpot.
    pub(crate) async fn connection_of(&self, slug: &str) -> String {
        let connection = Connection {
            tenant: tenant(slug),
            name: ConnectionName::new("hubspot").unwrap(),
            provider: "hubspot".to_owned(),
            version: 1,
            secret_version: 1,
            state: ConnectionState::Active,
            settings: BTreeMap::new(),
        };
        self.store.put_connection(&connection).await.unwrap();
        connection.name.to_string()
    }

    /// Tenant `a`'s secret that is referred to so.
    pub(crate) async fn secret(&self, reference: &str) -> Option<String> {
        let reference: SecretRef = reference.parse().unwrap();
        let found = self
            .secrets
            .get(&tenant("a"), &reference.name, Some(reference.version))
            .await;
        found.ok().map(|found| found.expose_secret().to_owned())
    }

    /// The names of tenant `a`'s secrets.
    pub(crate) async fn secret_names(&self) -> Vec<String> {
        let names = self.secrets.list(&tenant("a")).await.unwrap();
        names.into_iter().map(String::from).collect()
    }

    /// How many wake-ups of tenant `a` were handed over for this stage.
    pub(crate) fn handed_over(&self, stage: Stage) -> u32 {
        LocalBusConfig::default().waiting_per_tenant - self.bus.capacity(&tenant("a"), stage)
    }

    /// The audit log of a tenant, oldest first. Its chain holds.
    pub(crate) async fn audit(&self, slug: &str) -> Vec<AuditEntry> {
        let page = self
            .store
            .audit_log(&tenant(slug), &store::AuditQuery::newest(200))
            .await;
        let mut entries = page.unwrap().items;
        entries.reverse();
        for (index, entry) in entries.iter().enumerate() {
            let before = index.checked_sub(1).map(|before| &entries[before]);
            assert!(entry.follows(before), "{entry:?}");
        }
        entries
    }

    /// What tenant `a`'s audit log says, oldest first: actor, action, object.
    pub(crate) async fn acts(&self) -> Vec<(String, String, String)> {
        let entries = self.audit("a").await.into_iter();
        entries
            .map(|entry| (entry.actor, entry.action, entry.object))
            .collect()
    }

    /// Stores a call of tenant `a`.
    pub(crate) async fn call(&self, number: u32) -> RequestId {
        self.call_of("a", number).await
    }

    pub(crate) async fn call_of(&self, slug: &str, number: u32) -> RequestId {
        self.accept(slug, Ok(Reading::News(Box::new(news(number)))), number)
            .await
    }

    /// A call of tenant `a` that belongs to this office.
    pub(crate) async fn call_at(&self, office: OfficeId, number: u32) {
        let reading = Ok(Reading::News(Box::new(news(number))));
        let body = Bytes::from(number.to_string());
        let delivery = Delivery {
            office: Some(office),
            ..delivery("a", reading, body, "test")
        };
        self.store.accept(delivery).await.unwrap();
    }

    /// The id of a request's newest delivery.
    pub(crate) async fn delivery_of(&self, slug: &str, request: RequestId) -> String {
        let view = self.store.request(&tenant(slug), request).await.unwrap();
        view.unwrap().request.document.source.last_event.to_string()
    }

    pub(crate) async fn accept(
        &self,
        slug: &str,
        reading: Result<Reading, String>,
        number: u32,
    ) -> RequestId {
        let body = Bytes::from(number.to_string());
        self.accept_body(slug, reading, body).await
    }

    /// Stores a delivery with this body.
    pub(crate) async fn accept_body(
        &self,
        slug: &str,
        reading: Result<Reading, String>,
        body: Bytes,
    ) -> RequestId {
        let accepted = self.deliver(slug, reading, body, "test").await;
        accepted.request().unwrap()
    }

    /// Stores a delivery that this scheme verified.
    pub(crate) async fn deliver(
        &self,
        slug: &str,
        reading: Result<Reading, String>,
        body: Bytes,
        scheme: &str,
    ) -> Accepted {
        let delivery = delivery(slug, reading, body, scheme);
        self.store.accept(delivery).await.unwrap()
    }

    /// Claims the due work of tenant `a` in this stage.
    pub(crate) async fn claim(&self, stage: Stage) -> Claimed {
        let due = self.store.due_work(&tenant("a"), stage, 1).await.unwrap();
        let wake = due.first().unwrap_or_else(|| panic!("no work in {stage}"));
        let lease = Duration::from_secs(60);
        self.store.claim(wake, lease).await.unwrap().unwrap()
    }

    /// Has tenant `a`'s call gathered, without its audio.
    pub(crate) async fn gather(&self) {
        self.ask().await;
        let recording = Section::Recording(RecordingSection {
            revision: 0,
            audio: Audio::Absent {
                reason: NoAudio::NotConnected,
            },
        });
        self.settle(Stage::Recording, Outcome::done(recording), Vec::new())
            .await;
    }

    /// Has the provider of tenant `a`'s call asked, in vain.
    pub(crate) async fn ask(&self) {
        let details = Section::Details(DetailsSection {
            revision: 0,
            answer: DetailsAnswer::Absent(NoDetails::NotConnected),
            is_newer: false,
        });
        self.settle(Stage::Details, Outcome::done(details), Vec::new())
            .await;
    }

    /// Does the due work of tenant `a` in this stage, with this outcome.
    pub(crate) async fn settle(&self, stage: Stage, outcome: Outcome, records: Vec<Record>) {
        let job = self.claim(stage).await;
        self.settle_claimed(&job, outcome, records).await;
    }

    pub(crate) async fn settle_claimed(
        &self,
        job: &Claimed,
        outcome: Outcome,
        records: Vec<Record>,
    ) {
        let took = Duration::from_millis(120);
        let settled = self.store.settle(job, outcome, records, took).await;
        assert!(
            matches!(settled, Ok(domain::SettleResult::Written(_))),
            "{settled:?}"
        );
    }
}

pub(crate) fn tenant(slug: &str) -> TenantId {
    TenantId::new(slug).unwrap()
}

pub(crate) fn news(number: u32) -> News {
    let text = |text: &str| Some(text.to_owned());
    News {
        delivery_id: None,
        aliases: vec![Alias {
            provider: "callrail".to_owned(),
            kind: "call".to_owned(),
            value: format!("CAL{number}"),
        }],
        is_modified: false,
        is_thin: false,
        is_addition: false,
        apart: domain::Apart::Never,
        delay: Duration::ZERO,
        facts: Facts {
            external_id: Some(format!("CAL{number}")),
            person: PersonFacts {
                name: text("Ann Example"),
                phone: text("5125550142"),
                city: text("Round Rock"),
                state: text("TX"),
                ..PersonFacts::default()
            },
            about: About::Phone(CallFacts {
                is_answered: Some(true),
                duration_seconds: Some(180),
                ..CallFacts::default()
            }),
            ..Facts::default()
        },
    }
}

/// The body of an answer that must be 200.
#[track_caller]
pub(crate) fn body(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{}", response.text_lossy(500));
    response.json().unwrap()
}

/// The body of an answer that must be 201.
#[track_caller]
pub(crate) fn created(response: &Response) -> Value {
    assert_eq!(response.status, 201, "{}", response.text_lossy(500));
    response.json().unwrap()
}

fn delivery(slug: &str, reading: Result<Reading, String>, body: Bytes, scheme: &str) -> Delivery {
    Delivery {
        tenant: tenant(slug),
        provider: "callrail".to_owned(),
        source: SourceId::from_uuid(uuid::Uuid::from_u128(1)),
        channel: Channel::Phone,
        office: None,
        event: None,
        is_told_by_body: false,
        scope: None,
        delivery_id: None,
        scheme: scheme.to_owned(),
        headers: BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]),
        body,
        traceparent: None,
        reading,
    }
}

/// The body of an answer that must be 202.
#[track_caller]
pub(crate) fn started(response: &Response) -> Value {
    assert_eq!(response.status, 202, "{}", response.text_lossy(500));
    response.json().unwrap()
}

/// The fields that a 422 names, in order.
#[track_caller]
pub(crate) fn wrong_fields(response: &Response) -> Vec<String> {
    let shown = problem(response, 422);
    let errors = shown["errors"].as_array().cloned().unwrap_or_default();
    errors
        .iter()
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect()
}

/// The body of an answer that must be a problem of this status.
#[track_caller]
pub(crate) fn problem(response: &Response, status: u16) -> Value {
    let text = response.text_lossy(500);
    assert_eq!(response.status, status, "{text}");
    let media_type = response.header("content-type");
    assert_eq!(media_type, Some("application/problem+json"), "{text}");
    let problem: Value = response.json().unwrap();
    let errors = problem["errors"].as_array().into_iter().flatten();
    for error in errors {
        let code = error["code"].as_str().unwrap_or_default();
        assert!(!code.is_empty(), "a fault has no code: {error}");
    }
    problem
}
