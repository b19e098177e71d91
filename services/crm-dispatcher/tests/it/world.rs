//! A tenant with a simulated HubSpot, a store, and requests that have been qualified.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use crm::{Config, Connectors};
use crm_dispatcher::Deps;
use domain::{
    Alias, CallFacts, Claimed, Clock, ConnectionName, Inbound, Outcome, RequestId, Section,
    SourceId, Stage, StageHandler, Tenant, TenantId, TenantStatus, WorkQueue as _, WorkRow,
};
use http_client::{Client, Options, Url};
use secrets::{KeySource, SealedSecrets, SecretName, Secrets as _};
use simulators::{Simulators, hubspot::Simulator};
use store::{Connection, ConnectionState, Delivery, Reading, RequestView, Store as _};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use testkit::ManualClock;

pub(crate) const TOKEN: &str = "pat-na1-simulated-hubspot-token";

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
        world.connect("hubspot").await;
        world
    }

    pub(crate) async fn without_connection() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = ManualClock::at("2026-11-02T15:10:00Z".parse().unwrap());
        let store = Arc::new(
            SqliteStore::open(&folder.path().join("store.db"), Arc::new(clock.clone())).unwrap(),
        );
        let secrets = SealedSecrets::open(folder.path(), KeySource::File)
            .await
            .unwrap();
        let simulators = Simulators::start(simulators::Config::default())
            .await
            .unwrap();
        let options = Options {
            deadline: Duration::from_secs(2),
            allow_loopback: true,
            ..Options::default()
        };
        let config =
            Config::default().with_url("hubspot", Url::parse(&simulators.urls().hubspot).unwrap());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let connectors = Connectors::new(&Client::new(options).unwrap(), &shared, &config);
        let deps = Deps {
            store: store.clone(),
            secrets: Arc::new(secrets.clone()),
            clock: shared,
            connectors,
        };
        let handler = crm_dispatcher::service(deps).stages.remove(0);
        let tenant = TenantId::new("tenant_demo").unwrap();
        let world = Self {
            store,
            handler,
            tenant,
            secrets,
            simulators,
            clock,
            _folder: folder,
        };
        let (id, name) = (world.tenant.clone(), "Demo Company".to_owned());
        world
            .store
            .put_tenant(&Tenant {
                id,
                name,
                status: TenantStatus::Active,
            })
            .await
            .unwrap();
        world
    }

    pub(crate) fn hubspot(&self) -> &Simulator {
        self.simulators.hubspot()
    }

    pub(crate) async fn put_secret(&self, token: &str) -> u64 {
        self.secrets
            .put(
                &self.tenant,
                &SecretName::new("hubspot").unwrap(),
                &token.into(),
            )
            .await
            .unwrap()
    }

    pub(crate) async fn connect(&self, provider: &str) {
        let secret_version = self.put_secret(TOKEN).await;
        let connection = Connection {
            tenant: self.tenant.clone(),
            name: name(),
            provider: provider.to_owned(),
            version: 1,
            secret_version,
            state: ConnectionState::Active,
            settings: BTreeMap::new(),
        };
        self.store.put_connection(&connection).await.unwrap();
    }

    /// A request that goes to the connection `hubspot`.
    pub(crate) async fn qualified(&self, call: &str) -> RequestId {
        let request = self.deliver(call, "{}", |_| ()).await;
        self.settle_with(request, Stage::Recording, vec![recording()])
            .await;
        self.settle_with(request, Stage::Analysis, judgement("hubspot"))
            .await;
        request
    }

    /// News of a call.
    pub(crate) async fn deliver(
        &self,
        call: &str,
        body: &str,
        change: impl FnOnce(&mut CallFacts),
    ) -> RequestId {
        let mut facts = CallFacts {
            caller_name: Some("Ann Lee".to_owned()),
            caller_number: Some("+15125550142".to_owned()),
            ..CallFacts::default()
        };
        change(&mut facts);
        let alias = Alias {
            provider: "callrail".to_owned(),
            kind: "call".to_owned(),
            value: call.to_owned(),
        };
        let inbound = Inbound {
            aliases: vec![alias],
            is_modified: body != "{}",
            delay: Duration::ZERO,
            call: facts,
        };
        let delivery = Delivery {
            tenant: self.tenant.clone(),
            provider: "callrail".to_owned(),
            source: SourceId::from_uuid(uuid::Uuid::from_u128(1)),
            office: None,
            event: None,
            delivery_id: Some(format!("{call} {body}")),
            scheme: "test".to_owned(),
            headers: BTreeMap::new(),
            body: Bytes::from(body.to_owned()),
            traceparent: None,
            reading: Reading::Lead(Box::new(inbound)),
        };
        self.store
            .accept(delivery)
            .await
            .unwrap()
            .request()
            .unwrap()
    }

    async fn settle_with(&self, request: RequestId, stage: Stage, sections: Vec<Section>) {
        let job = self.claim(request, stage).await;
        let outcome = Outcome::Done {
            sections,
            aliases: Vec::new(),
        };
        self.store
            .settle(&job, outcome, Vec::new(), Duration::ZERO)
            .await
            .unwrap();
    }

    pub(crate) async fn row(&self, request: RequestId, stage: Stage) -> Option<WorkRow> {
        let rows = self.store.open_work(&self.tenant, request).await.unwrap();
        rows.into_iter().find(|row| row.key.stage == stage)
    }

    /// Claims a step, and waits for it by the clock where it is not due yet.
    pub(crate) async fn claim(&self, request: RequestId, stage: Stage) -> Claimed {
        let row = self
            .row(request, stage)
            .await
            .unwrap_or_else(|| panic!("no step {stage} is open"));
        let due = match row.state {
            domain::WorkState::InFlight { lease_until } => lease_until,
            _ => row.due_at,
        };
        self.clock
            .advance(Duration::try_from(due.duration_since(self.clock.now())).unwrap_or_default());
        let claimed = self
            .store
            .claim(&row.wake(), Duration::from_secs(60))
            .await
            .unwrap();
        claimed.unwrap_or_else(|| panic!("the step {stage} could not be claimed: {row:?}"))
    }

    /// Runs the open dispatch of a request once.
    pub(crate) async fn dispatch(&self, request: RequestId) -> Outcome {
        let job = self.claim(request, Stage::Dispatch).await;
        let outcome = self
            .handler
            .handle(&job)
            .await
            .unwrap_or_else(Outcome::from);
        self.store
            .settle(&job, outcome.clone(), job.take_records(), Duration::ZERO)
            .await
            .unwrap();
        outcome
    }

    pub(crate) async fn view(&self, request: RequestId) -> RequestView {
        self.store
            .request(&self.tenant, request)
            .await
            .unwrap()
            .unwrap()
    }
}

pub(crate) fn name() -> ConnectionName {
    ConnectionName::new("hubspot").unwrap()
}

fn recording() -> Section {
    let section = serde_json::json!({
        "revision": 0, "call": {}, "audio": { "state": "absent", "reason": "not_recorded" },
    });
    Section::Recording(serde_json::from_value(section).unwrap())
}

/// An analysis, and a qualification for one destination.
pub(crate) fn judgement(connector: &str) -> Vec<Section> {
    let analysis = serde_json::json!({
        "revision": 0, "engine": { "engine": "model", "version": "m" }, "prompt_version": "1",
        "intent": "quote_request", "sentiment": "neutral", "project_type": "kitchen", "timeline": "immediate",
        "budget": "high", "lead_score": 70, "confidence": 0.8, "reasons": [], "spam_likelihood": 1.0, "summary": "A lead.",
    });
    let qualification = serde_json::json!({
        "revision": 0, "gate": "pass", "area": { "area": "unknown" }, "config_version": 1,
        "destinations": { "hubspot": connector }, "notify": false,
    });
    vec![
        Section::Analysis(serde_json::from_value(analysis).unwrap()),
        Section::Qualification(serde_json::from_value(qualification).unwrap()),
    ]
}
