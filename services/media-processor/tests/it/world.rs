//! One tenant with connected sources, and what a test needs to run its leads through the stages.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use accounts::Accounts;
use blobs::{BlobError, BlobKey, Blobs as _, FolderBlobs};
use domain::{
    Channel, Clock as _, ConnectionName, LeadRequest, News, Office, OfficeId, Outcome, Reading,
    Record, RequestId, Section, SettleResult, SourceId, Stage, StageHandler, Status, Tenant,
    TenantId, TenantStatus, WorkQueue as _, WorkRow, WorkflowConfig,
};
use google::{DocumentAi, DocumentAiConfig, Speech, SpeechConfig, Tokens};
use http_client::{Client, Options};
use media_processor::Deps;
use secrecy::SecretString;
use secrets::{KeySource, SealedSecrets, SecretName, Secrets as _};
use simulators::Simulators;
use sources::{ApiSet, Sources, Verified};
use store::{AuditAction, Connection, ConnectionState, Delivery, Source, SourceState, Store as _};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use testkit::{ManualClock, lead};
use uuid::Uuid;

use crate::trial;

pub(crate) const CALL: &str = "CAL0199f3a1c2d47e5fb8a61234567890ab";
pub(crate) const CALLRAIL: &str = "callrail";
const FORMS: &str = "webforms";
const COMPANY: &str = "COM3f2a9c7d51e84b0aa6c1d2e3f4a5b6c7";
const LEASE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) simulators: Simulators,
    pub(crate) clock: ManualClock,
    pub(crate) tenant: TenantId,
    store: Arc<SqliteStore>,
    blobs: FolderBlobs,
    secrets: Arc<SealedSecrets>,
    sources: Sources,
    handlers: Vec<Arc<dyn StageHandler>>,
    _folder: TempDir,
}

/// What a step did.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) outcome: Outcome,
    pub(crate) records: Vec<Record>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at("2026-03-17T14:46:00Z".parse().unwrap());
        let blobs = FolderBlobs::open(folder.path().join("blobs"))
            .await
            .unwrap();
        let now = clock.clone();
        let config = simulators::Config {
            now: Arc::new(move || now.now()),
            ..Default::default()
        };
        let simulators = Simulators::start(config).await.unwrap();
        simulators
            .speech()
            .set_blob_root(&folder.path().join("blobs"));
        simulators
            .speech()
            .set_operation_delay(Duration::from_secs(20));
        let secrets = Arc::new(
            SealedSecrets::open(folder.path(), KeySource::File)
                .await
                .unwrap(),
        );
        let store = Arc::new(
            SqliteStore::open(&folder.path().join("store.db"), Arc::new(clock.clone())).unwrap(),
        );
        let client = Client::new(Options {
            allow_loopback: true,
            ..Options::default()
        })
        .unwrap();
        let speech = SpeechConfig {
            base_url: simulators.speech().base_url().parse().unwrap(),
            ..SpeechConfig::new("demo")
        };
        let documents = DocumentAiConfig {
            base_url: simulators.document_ai().base_url().parse().unwrap(),
            form_parser: simulators::document_ai::FORM_PARSER.parse().ok(),
            extractor: simulators::document_ai::EXTRACTOR.parse().ok(),
        };
        let sources = trial::sources();
        let callrail = simulators.callrail().base_url().parse().unwrap();
        let apis = sources::Config::default().with_url(CALLRAIL, callrail);
        let accounts = Accounts::new(
            store.clone(),
            secrets.clone(),
            client.clone(),
            Arc::new(clock.clone()),
            BTreeMap::new(),
        );
        let deps = Deps {
            store: store.clone(),
            effects: store.clone(),
            blobs: Arc::new(blobs.clone()),
            accounts,
            clock: Arc::new(clock.clone()),
            apis: ApiSet::new(&client, &sources, &apis),
            sources,
            documents: DocumentAi::new(
                client.clone(),
                Tokens::fixed(simulators::GOOGLE_TOKEN.to_owned().into()),
                documents,
            ),
            speech: Speech::new(
                client,
                Tokens::fixed(simulators::GOOGLE_TOKEN.to_owned().into()),
                speech,
            ),
        };
        let world = Self {
            simulators,
            clock,
            tenant: TenantId::new("tenant_a").unwrap(),
            store,
            blobs,
            secrets,
            sources,
            handlers: media_processor::service(deps).stages,
            _folder: folder,
        };
        world.set_up().await;
        world
    }

    async fn set_up(&self) {
        let tenant = Tenant {
            id: self.tenant.clone(),
            name: "A".to_owned(),
            status: TenantStatus::Active,
        };
        self.store.put_tenant(&tenant).await.unwrap();
        self.put_source(CALLRAIL, None).await;
        self.put_source(lead::PROVIDER, None).await;
        let settings = BTreeMap::from([("account_id".to_owned(), "ACC1".to_owned())]);
        self.connect(CALLRAIL, &callrail_key(), settings).await;
    }

    /// A source of the tenant; `connection` opens its API.
    pub(crate) async fn put_source(&self, provider: &str, connection: Option<&str>) {
        let accounts: &[&str] = match provider {
            CALLRAIL => &[COMPANY, "481516234"],
            _ => &[],
        };
        let source = Source {
            id: source_id(provider),
            tenant: self.tenant.clone(),
            provider: provider.to_owned(),
            office: None,
            connection: connection.map(|name| ConnectionName::new(name).unwrap()),
            token: None,
            accounts: accounts.iter().map(|id| (*id).to_owned()).collect(),
            key_names: Vec::new(),
            schemes: Vec::new(),
            state: SourceState::Active,
            name: None,
            version: 1,
        };
        self.store.put_source(&source).await.unwrap();
    }

    /// Connects the tenant to a provider; a second time, replaces the secret.
    pub(crate) async fn connect(
        &self,
        provider: &str,
        key: &str,
        settings: BTreeMap<String, String>,
    ) {
        self.connect_as(provider, provider, key, settings).await;
    }

    pub(crate) async fn connect_as(
        &self,
        name: &str,
        provider: &str,
        key: &str,
        settings: BTreeMap<String, String>,
    ) {
        let secret = SecretName::new(name).unwrap();
        let key = SecretString::from(key);
        let stored = self.secrets.put(&self.tenant, &secret, &key).await;
        let connection = Connection {
            tenant: self.tenant.clone(),
            name: ConnectionName::new(name).unwrap(),
            provider: provider.to_owned(),
            version: 1,
            secret_version: stored.unwrap(),
            state: ConnectionState::Active,
            settings,
        };
        self.store.put_connection(&connection).await.unwrap();
        let (name, version) = (&connection.name, connection.secret_version);
        if version > 1 {
            let action = AuditAction::new("test", "secret.set", "");
            self.store
                .replace_secret(&self.tenant, name, version, None, &action)
                .await
                .unwrap();
        }
    }

    /// Stores a webhook of the simulated CallRail, as the ingest does once its signature is verified.
    pub(crate) async fn deliver(&self, body: serde_json::Value) -> RequestId {
        let body = body.to_string().into_bytes();
        let source = self.sources.get(CALLRAIL).unwrap();
        let (headers, bytes) = (BTreeMap::new(), body.clone().into());
        let verified = Verified::restored(source.spec(), "callrail-v3", headers, bytes);
        let reading = source.read(&verified.unwrap(), None).unwrap();
        self.accept(CALLRAIL, body, reading).await
    }

    /// Stores news of a lead of the trial source.
    pub(crate) async fn deliver_news(&self, news: News) -> RequestId {
        let reading = Reading::News(Box::new(news));
        self.accept(lead::PROVIDER, b"{}".to_vec(), reading).await
    }

    /// A source of website forms, of an office with this configuration.
    pub(crate) async fn set_up_forms(&self, config: WorkflowConfig) {
        let office = Office {
            id: OfficeId::from_uuid(uuid::Uuid::from_u128(7)),
            tenant: self.tenant.clone(),
            name: "Austin".to_owned(),
            address: String::new(),
            time_zone: "America/Chicago".to_owned(),
            config,
            config_version: 1,
        };
        self.store.put_office(&office).await.unwrap();
        self.put_source(FORMS, None).await;
    }

    /// Stores a multipart form with the boundary `b`, as the ingest does.
    pub(crate) async fn deliver_form(&self, body: Vec<u8>) -> RequestId {
        let source = self.sources.get(FORMS).unwrap();
        let kind = "multipart/form-data; boundary=b".to_owned();
        let headers = BTreeMap::from([("content-type".to_owned(), kind)]);
        let scheme = sources::Verification::PUBLIC_FORM_KEY;
        let verified =
            Verified::restored(source.spec(), scheme, headers.clone(), body.clone().into());
        let reading = source.read(&verified.unwrap(), None).unwrap();
        let delivery = Delivery {
            channel: Channel::Form,
            office: Some(OfficeId::from_uuid(uuid::Uuid::from_u128(7))),
            scheme: scheme.to_owned(),
            headers,
            ..self.delivery(FORMS, body, reading)
        };
        let accepted = self.store.accept(delivery).await.unwrap();
        accepted.request().unwrap()
    }

    /// The content of a blob.
    pub(crate) async fn blob(&self, name: &str) -> Result<Vec<u8>, BlobError> {
        let key = BlobKey::new(&self.tenant, name).unwrap();
        let read = self.blobs.read(&key, 1024 * 1024).await;
        read.map(|bytes| bytes.to_vec())
    }

    async fn accept(&self, provider: &str, body: Vec<u8>, reading: Reading) -> RequestId {
        let delivery = self.delivery(provider, body, reading);
        let accepted = self.store.accept(delivery).await.unwrap();
        accepted.request().unwrap()
    }

    fn delivery(&self, provider: &str, body: Vec<u8>, reading: Reading) -> Delivery {
        Delivery {
            tenant: self.tenant.clone(),
            provider: provider.to_owned(),
            source: source_id(provider),
            channel: Channel::Phone,
            office: None,
            event: None,
            is_told_by_body: false,
            scope: None,
            delivery_id: None,
            scheme: "test".to_owned(),
            headers: BTreeMap::new(),
            body: body.into(),
            traceparent: None,
            reading: Ok(reading),
        }
    }

    /// An answered call of the default recording.
    pub(crate) async fn call(&self) -> RequestId {
        self.deliver(serde_json::json!({
            "resource_id": CALL, "answered": true, "duration": "41", "customer_phone_number": "+15125550142",
        }))
        .await
    }

    /// The same, once its details are known.
    pub(crate) async fn known_call(&self) -> RequestId {
        let request = self.call().await;
        self.finish_details(request).await;
        request
    }

    /// Runs the stage `details`, and forgets what it asked for.
    pub(crate) async fn finish_details(&self, request: RequestId) {
        assert_eq!(self.open(request).await.key.stage, Stage::Details);
        let outcome = self.step(request).await.outcome;
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
        self.asked_callrail();
    }

    /// The open step of a request that comes first in the workflow.
    pub(crate) async fn open(&self, request: RequestId) -> WorkRow {
        let channel = self.request(request).await.document.channel();
        let open = self.store.open_work(&self.tenant, request).await.unwrap();
        let first = open
            .into_iter()
            .min_by_key(|row| channel.position(row.key.stage));
        first.unwrap()
    }

    /// Claims the open step, moving the clock to where it is due, lets it be handled and settles it.
    pub(crate) async fn step(&self, request: RequestId) -> Step {
        let (job, outcome) = self.handle(request).await;
        let records = job.take_records();
        let settled = self
            .store
            .settle(
                &job,
                outcome.clone(),
                records.clone(),
                Duration::from_millis(1),
            )
            .await
            .unwrap();
        assert!(matches!(settled, SettleResult::Written(_)));
        Step { outcome, records }
    }

    /// Steps until the open step is done; the seconds that were waited between the tries.
    pub(crate) async fn waits(&self, request: RequestId) -> Vec<i64> {
        let mut waits = Vec::new();
        loop {
            match self.step(request).await.outcome {
                Outcome::Wait { until, .. } => {
                    waits.push(until.duration_since(self.clock.now()).as_secs());
                }
                Outcome::Done { .. } => return waits,
                other => panic!("{other:?} after {waits:?}"),
            }
        }
    }

    /// Steps until the open step is done, however often it fails; how often it was tried.
    pub(crate) async fn tries(&self, request: RequestId) -> usize {
        for tries in 1..40 {
            match self.step(request).await.outcome {
                Outcome::Retry { .. } => {}
                Outcome::Done { .. } => return tries,
                other => panic!("{other:?} at try {tries}"),
            }
        }
        panic!("it never ends")
    }

    /// Claims the open step and lets it be handled, then forgets about it: a crash before the settle.
    pub(crate) async fn crash(&self, request: RequestId) -> Outcome {
        let (_, outcome) = self.handle(request).await;
        self.clock.advance(LEASE * 2);
        outcome
    }

    async fn handle(&self, request: RequestId) -> (domain::Claimed, Outcome) {
        let row = self.open(request).await;
        if row.due_at > self.clock.now() {
            self.clock
                .advance(Duration::try_from(row.due_at.duration_since(self.clock.now())).unwrap());
        }
        let job = self
            .store
            .claim(&row.wake(), LEASE)
            .await
            .unwrap()
            .unwrap_or_else(|| panic!("not due: {row:?}"));
        let handler = self
            .handlers
            .iter()
            .find(|handler| handler.stage() == row.key.stage);
        let outcome = handler
            .unwrap_or_else(|| panic!("no handler: {row:?}"))
            .handle(&job)
            .await;
        (job, outcome.unwrap_or_else(Outcome::from))
    }

    /// Settles the open step as if it had answered this.
    pub(crate) async fn pretend(&self, request: RequestId, section: Section) {
        let row = self.open(request).await;
        let job = self.store.claim(&row.wake(), LEASE).await.unwrap().unwrap();
        self.store
            .settle(&job, Outcome::done(section), Vec::new(), Duration::ZERO)
            .await
            .unwrap();
    }

    pub(crate) async fn replay(&self, request: RequestId, from: Stage) {
        let action = AuditAction::new("test", "request.replay", "");
        let replayed = self
            .store
            .replay(&self.tenant, request, from, &action)
            .await;
        replayed.unwrap();
    }

    pub(crate) async fn request(&self, request: RequestId) -> LeadRequest {
        self.store
            .request(&self.tenant, request)
            .await
            .unwrap()
            .unwrap()
            .request
    }

    pub(crate) async fn status(&self, request: RequestId) -> Status {
        self.request(request).await.status
    }

    /// The archived audio of a call.
    pub(crate) async fn archived(&self, call: &str) -> Result<Vec<u8>, BlobError> {
        let key = BlobKey::new(&self.tenant, &format!("{call}.mp3")).unwrap();
        self.blobs
            .read(&key, 1024 * 1024 * 1024)
            .await
            .map(|bytes| bytes.to_vec())
    }

    /// The paths that the simulated CallRail was asked for since the last time.
    pub(crate) fn asked_callrail(&self) -> Vec<String> {
        let paths = self
            .simulators
            .callrail()
            .requests()
            .into_iter()
            .map(|request| request.path)
            .collect();
        self.simulators.callrail().forget_requests();
        paths
    }

    /// What the simulated CallRail says of the call.
    pub(crate) fn register(&self, fields: serde_json::Value) {
        self.simulators.callrail().register(CALL, fields).unwrap();
    }
}

/// A key that the simulated CallRail accepts.
pub(crate) fn callrail_key() -> String {
    simulators::callrail::Config::default().api_keys.remove(0)
}

fn source_id(provider: &str) -> SourceId {
    let number = provider.bytes().map(u128::from).sum();
    SourceId::from_uuid(Uuid::from_u128(number))
}
