//! One tenant with a connected CallRail, and the hands to walk its calls through the stages.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use blobs::{BlobError, BlobKey, Blobs as _, FolderBlobs};
use domain::{
    Clock as _, ConnectionName, LeadRequest, Outcome, Record, RequestId, Section, Settled,
    SourceId, StageHandler, Status, Tenant, TenantId, TenantStatus, WorkQueue as _, WorkRow,
};
use google::{Speech, SpeechConfig, Tokens};
use http_client::{Client, Options};
use media_processor::Deps;
use secrecy::SecretString;
use secrets::{KeySource, SealedSecrets, SecretName, Secrets as _};
use simulators::Simulators;
use sources::{Reading, Verified, callrail::api::Api};
use store::{Connection, ConnectionState, Delivery, Source, SourceState, Store as _};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use testkit::ManualClock;

pub(crate) const CALL: &str = "CAL0199f3a1c2d47e5fb8a61234567890ab";
pub(crate) const COMPANY: &str = "COM3f2a9c7d51e84b0aa6c1d2e3f4a5b6c7";
const LEASE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) simulators: Simulators,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) blobs: FolderBlobs,
    pub(crate) clock: ManualClock,
    pub(crate) tenant: TenantId,
    secrets: Arc<SealedSecrets>,
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
            base_url: simulators.urls().speech.parse().unwrap(),
            ..SpeechConfig::new("demo")
        };
        let deps = Deps {
            store: store.clone(),
            effects: store.clone(),
            blobs: Arc::new(blobs.clone()),
            secrets: secrets.clone(),
            clock: Arc::new(clock.clone()),
            callrail: Api::new(client.clone(), simulators.urls().callrail.parse().unwrap()),
            speech: Speech::new(
                client,
                Tokens::fixed(simulators::GOOGLE_TOKEN.to_owned().into()),
                speech,
            ),
        };
        let world = Self {
            simulators,
            store,
            blobs,
            clock,
            tenant: TenantId::new("tenant_a").unwrap(),
            secrets,
            handlers: media_processor::stages(deps),
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
        let source = Source {
            id: SourceId::from_uuid(Default::default()),
            tenant: self.tenant.clone(),
            provider: "callrail".to_owned(),
            office: None,
            token: None,
            accounts: vec![COMPANY.to_owned(), "481516234".to_owned()],
            key_names: Vec::new(),
            schemes: Vec::new(),
            state: SourceState::Active,
        };
        self.store.put_source(&source).await.unwrap();
        self.connect(
            &simulators::callrail::Config::default().api_keys[0],
            BTreeMap::from([("account_id".to_owned(), "ACC1".to_owned())]),
        )
        .await;
    }

    /// Connects the tenant to CallRail, with another key when it is connected.
    pub(crate) async fn connect(&self, key: &str, settings: BTreeMap<String, String>) {
        let secret = SecretName::new("callrail").unwrap();
        let secret_version = self
            .secrets
            .put(&self.tenant, &secret, &SecretString::from(key))
            .await
            .unwrap();
        let connection = Connection {
            tenant: self.tenant.clone(),
            name: Self::connection(),
            provider: "callrail".to_owned(),
            version: 1,
            secret_version,
            state: ConnectionState::Active,
            settings,
        };
        self.store.put_connection(&connection).await.unwrap();
        if secret_version > 1 {
            self.store
                .replace_secret(
                    &self.tenant,
                    &Self::connection(),
                    secret_version,
                    None,
                    &store::Act::new("test", "secret.set", ""),
                )
                .await
                .unwrap();
        }
    }

    pub(crate) fn connection() -> ConnectionName {
        ConnectionName::new("callrail").unwrap()
    }

    /// Takes a webhook's body as the ingest does once it is proven.
    pub(crate) async fn deliver(&self, body: serde_json::Value) -> RequestId {
        let body = body.to_string().into_bytes();
        let delivery =
            Verified::restored("callrail-v3", BTreeMap::new(), body.clone().into()).unwrap();
        let Ok(Reading::Lead(inbound)) = sources::source("callrail").unwrap().read(&delivery, None)
        else {
            panic!("no call: {}", String::from_utf8_lossy(&body))
        };
        let delivery = Delivery {
            tenant: self.tenant.clone(),
            provider: "callrail".to_owned(),
            source: SourceId::from_uuid(Default::default()),
            office: None,
            event: None,
            delivery_id: None,
            scheme: "callrail-v3".to_owned(),
            headers: BTreeMap::new(),
            body: body.into(),
            traceparent: None,
            reading: store::Reading::Lead(inbound),
        };
        self.store
            .accept(delivery)
            .await
            .unwrap()
            .request()
            .unwrap()
    }

    /// An answered call of the default recording.
    pub(crate) async fn call(&self) -> RequestId {
        self.deliver(serde_json::json!({
            "resource_id": CALL, "answered": true, "duration": "41", "customer_phone_number": "+15125550142",
        }))
        .await
    }

    /// The open step of a request that comes first in the workflow.
    pub(crate) async fn open(&self, request: RequestId) -> WorkRow {
        let open = self.store.open_work(&self.tenant, request).await.unwrap();
        open.into_iter().min_by_key(|row| row.key.stage).unwrap()
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
        assert!(matches!(settled, Settled::Written(_)));
        Step { outcome, records }
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

    /// The paths that CallRail was asked for since the last time.
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
}
