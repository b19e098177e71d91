//! A tenant with a simulated CRM, a store, and requests that have been qualified.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use accounts::Accounts;
use bytes::Bytes;
use crm::{Config, Connectors};
use crm_dispatcher::Deps;
use domain::{
    Channel, Claimed, Clock, ConnectionName, News, Outcome, Reading, RequestId, Section, SourceId,
    Stage, StageHandler, Tenant, TenantId, TenantStatus, WorkQueue as _, WorkRow,
};
use http_client::{Client, Options, Url};
use secrets::{KeySource, SealedSecrets, SecretName, Secrets as _};
use serde_json::Value;
use simulators::{
    Simulators,
    hubspot::{App, Simulator},
};
use store::{
    AuditAction, ConfigKind, Connection, ConnectionState, Delivery, NewConfig, RequestView,
    Store as _,
};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use testkit::{ManualClock, lead};

pub(crate) const TOKEN: &str = "pat-na1-simulated-hubspot-token";
/// The secret of an account that an OAuth app opens.
pub(crate) const APP: &str =
    r#"{"client_id":"client-1","client_secret":"s3cret-1","refresh_token":"rt-1"}"#;

pub(crate) struct World {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) handler: Arc<dyn StageHandler>,
    pub(crate) tenant: TenantId,
    secrets: SealedSecrets,
    simulators: Simulators,
    clock: ManualClock,
    _folder: TempDir,
}

impl World {
    /// A tenant that is connected to HubSpot.
    pub(crate) async fn start() -> Self {
        let world = Self::without_connection().await;
        world.connect("hubspot", TOKEN).await;
        world
    }

    pub(crate) async fn without_connection() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = ManualClock::at(lead::at());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let path = folder.path().join("store.db");
        let store = Arc::new(SqliteStore::open(&path, shared.clone()).unwrap());
        let secrets = SealedSecrets::open(folder.path(), KeySource::File).await;
        let secrets = secrets.unwrap();
        let mut config = simulators::Config::default();
        config.of::<simulators::hubspot::Config>().apps = vec![App {
            client_id: "client-1".to_owned(),
            client_secret: "s3cret-1".to_owned(),
            refresh_token: "rt-1".to_owned(),
        }];
        let simulators = Simulators::start(config).await.unwrap();
        let url = Url::parse(&simulators.hubspot().base_url()).unwrap();
        let config = Config::default().with_url("hubspot", url);
        let http = Client::new(Options {
            allow_loopback: true,
            ..Options::default()
        });
        let http = http.unwrap();
        let connectors = Connectors::new(&http, &shared, &config);
        let deps = Deps {
            accounts: Accounts::new(
                store.clone(),
                Arc::new(secrets.clone()),
                http,
                shared.clone(),
                config.token_endpoints(),
            ),
            store: store.clone(),
            clock: shared,
            connectors,
        };
        let handler = crm_dispatcher::service(deps).stages.remove(0);
        let tenant = Tenant {
            id: lead::tenant(),
            name: "Demo Company".to_owned(),
            status: TenantStatus::Active,
        };
        store.put_tenant(&tenant).await.unwrap();
        Self {
            store,
            handler,
            tenant: tenant.id,
            secrets,
            simulators,
            clock,
            _folder: folder,
        }
    }

    pub(crate) fn hubspot(&self) -> &Simulator {
        self.simulators.hubspot()
    }

    /// How many contacts and deals there are.
    pub(crate) fn records(&self) -> (usize, usize) {
        let hubspot = self.hubspot();
        (hubspot.contacts().len(), hubspot.deals().len())
    }

    async fn put_secret(&self, secret: &str) -> u64 {
        let name = SecretName::new("hubspot").unwrap();
        let put = self.secrets.put(&self.tenant, &name, &secret.into()).await;
        put.unwrap()
    }

    pub(crate) async fn connect(&self, provider: &str, secret: &str) {
        let connection = Connection {
            tenant: self.tenant.clone(),
            name: name(),
            provider: provider.to_owned(),
            version: 1,
            secret_version: self.put_secret(secret).await,
            state: ConnectionState::Active,
            settings: BTreeMap::new(),
        };
        self.store.put_connection(&connection).await.unwrap();
    }

    pub(crate) async fn replace_secret(&self, secret: &str) {
        let version = self.put_secret(secret).await;
        let act = AuditAction::new("test", "secret.set", "");
        let replaced = self
            .store
            .replace_secret(&self.tenant, &name(), version, None, &act)
            .await;
        replaced.unwrap();
    }

    /// Saves a field mapping of the connection, whatever is there.
    pub(crate) async fn save_mapping(&self, json: Value) {
        let new = NewConfig {
            tenant: self.tenant.clone(),
            kind: ConfigKind::Mapping,
            name: name().to_string(),
            json,
            expected: None,
            note: String::new(),
        };
        let act = AuditAction::new("test", "mapping.save", "");
        self.store.put_config(&new, &act).await.unwrap();
    }

    /// Lets the parked dispatch of a request run again.
    pub(crate) async fn redrive(&self, request: RequestId) {
        let key = self.row(request, Stage::Dispatch).await.key;
        let act = AuditAction::new("test", "work.redrive", "");
        self.store
            .redrive(&self.tenant, &[key], &act)
            .await
            .unwrap();
    }

    /// A request that goes to the connection `hubspot`.
    pub(crate) async fn qualified(&self, channel: Channel, number: u8) -> RequestId {
        let request = self.deliver(channel, number, |_| ()).await;
        for stage in channel.pipeline().filter(|stage| *stage != Stage::Reading) {
            let job = self.claim(request, stage).await;
            let mut sections = lead::found(&job.request.document, stage, "");
            for section in &mut sections {
                if let Section::Qualification(section) = section {
                    section.destinations = BTreeMap::from([(name(), "hubspot".to_owned())]);
                    section.notify = false;
                }
            }
            let outcome = Outcome::Done {
                sections,
                aliases: Vec::new(),
            };
            self.settle(&job, outcome).await;
        }
        request
    }

    /// News of a lead.
    pub(crate) async fn deliver(
        &self,
        channel: Channel,
        number: u8,
        change: impl FnOnce(&mut News),
    ) -> RequestId {
        let mut news = lead::news(channel);
        news.aliases[0].value = number.to_string();
        news.delivery_id = Some(format!("{channel} {number} {}", self.clock.now()));
        change(&mut news);
        let delivery = Delivery {
            tenant: self.tenant.clone(),
            provider: lead::PROVIDER.to_owned(),
            source: SourceId::from_uuid(uuid::Uuid::from_u128(1)),
            channel,
            office: None,
            event: None,
            is_told_by_body: false,
            scope: None,
            delivery_id: news.delivery_id.clone(),
            scheme: "test".to_owned(),
            headers: BTreeMap::new(),
            body: Bytes::new(),
            traceparent: None,
            reading: Ok(Reading::News(Box::new(news))),
        };
        let accepted = self.store.accept(delivery).await.unwrap();
        accepted.request().unwrap()
    }

    async fn row(&self, request: RequestId, stage: Stage) -> WorkRow {
        let rows = self.store.open_work(&self.tenant, request).await.unwrap();
        let row = rows.into_iter().find(|row| row.key.stage == stage);
        row.unwrap_or_else(|| panic!("no step {stage} is open"))
    }

    /// Claims a step, and moves the clock to when it is due.
    pub(crate) async fn claim(&self, request: RequestId, stage: Stage) -> Claimed {
        let row = self.row(request, stage).await;
        let due = match row.state {
            domain::WorkState::InFlight { lease_until } => lease_until,
            _ => row.due_at,
        };
        let pause = due.duration_since(self.clock.now());
        self.clock.advance(pause.try_into().unwrap_or_default());
        let claimed = self.store.claim(&row.wake(), Duration::from_secs(60)).await;
        claimed
            .unwrap()
            .unwrap_or_else(|| panic!("the step {stage} could not be claimed: {row:?}"))
    }

    /// Runs the open dispatch of a request once.
    pub(crate) async fn dispatch(&self, request: RequestId) -> Outcome {
        let job = self.claim(request, Stage::Dispatch).await;
        let outcome = self.handler.handle(&job).await;
        let outcome = outcome.unwrap_or_else(Outcome::from);
        self.settle(&job, outcome.clone()).await;
        outcome
    }

    async fn settle(&self, job: &Claimed, outcome: Outcome) {
        let records = job.take_records();
        let settled = self
            .store
            .settle(job, outcome, records, Duration::ZERO)
            .await;
        settled.unwrap();
    }

    pub(crate) async fn view(&self, request: RequestId) -> RequestView {
        let view = self.store.request(&self.tenant, request).await.unwrap();
        view.unwrap()
    }

    /// What came of each attempt, in a word.
    pub(crate) async fn attempts(&self, request: RequestId) -> Vec<String> {
        let attempts = self.view(request).await.attempts.into_iter();
        attempts.map(|attempt| attempt.outcome).collect()
    }
}

pub(crate) fn name() -> ConnectionName {
    ConnectionName::new("hubspot").unwrap()
}
