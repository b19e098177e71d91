//! A tenant with a simulated SendGrid, a store, and requests of which people are to be told.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use domain::{
    Alias, CallFacts, Claimed, Clock as _, ConnectionName, EffectKey, EmailAddress, Inbound,
    NotificationRules, Office, OfficeId, Outcome, RequestId, Section, SourceId, Stage,
    StageHandler, Tenant, TenantId, TenantStatus, WorkQueue as _, WorkflowConfig,
};
use http_client::{Client, Options, Url};
use notifier::Deps;
use notify::sendgrid::SendGrid;
use secrets::{KeySource, SealedSecrets, SecretName, Secrets as _};
use simulators::{Simulators, sendgrid::Simulator};
use store::{Connection, ConnectionState, Delivery, Reading, Receipt, RequestView, Store as _};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use testkit::ManualClock;

pub(crate) const KEY: &str = "SG.simulated-sendgrid-key";

pub(crate) struct World {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) handler: Arc<dyn StageHandler>,
    pub(crate) tenant: TenantId,
    pub(crate) clock: ManualClock,
    secrets: SealedSecrets,
    simulators: Simulators,
    _folder: TempDir,
}

impl World {
    /// A tenant that is connected to SendGrid and tells these people.
    pub(crate) async fn start(recipients: &[&str]) -> Self {
        let rules = NotificationRules {
            email: recipients
                .iter()
                .map(|to| EmailAddress::parse(to).unwrap())
                .collect(),
            from: Some(EmailAddress::parse("leads@example.com").unwrap()),
            ..NotificationRules::default()
        };
        let world = Self::with(rules).await;
        world.connect("sendgrid").await;
        world
    }

    pub(crate) async fn with(notifications: NotificationRules) -> Self {
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
        let client = Client::new(Options {
            allow_loopback: true,
            ..Options::default()
        })
        .unwrap();
        let url = Url::parse(&simulators.urls().sendgrid).unwrap();
        let deps = Deps {
            store: store.clone(),
            secrets: Arc::new(secrets.clone()),
            clock: Arc::new(clock.clone()),
            sendgrid: Arc::new(SendGrid::new(client, &url, Arc::new(clock.clone()))),
        };
        let handler = notifier::service(deps).stages.remove(0);
        let tenant = TenantId::new("tenant_demo").unwrap();
        let world = Self {
            store,
            handler,
            tenant,
            clock,
            secrets,
            simulators,
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
        let office = Office {
            id: OfficeId::from_uuid(uuid::Uuid::from_u128(1)),
            tenant: world.tenant.clone(),
            name: "Austin".to_owned(),
            address: "1 Congress Avenue, Austin".to_owned(),
            time_zone: "America/Chicago".to_owned(),
            config: WorkflowConfig {
                notifications,
                ..WorkflowConfig::default()
            },
            config_version: 1,
        };
        world.store.put_office(&office).await.unwrap();
        world
    }

    pub(crate) fn sendgrid(&self) -> &Simulator {
        self.simulators.sendgrid()
    }

    pub(crate) async fn put_secret(&self, key: &str) -> u64 {
        self.secrets
            .put(
                &self.tenant,
                &SecretName::new("sendgrid").unwrap(),
                &key.into(),
            )
            .await
            .unwrap()
    }

    pub(crate) async fn connect(&self, provider: &str) {
        let connection = Connection {
            tenant: self.tenant.clone(),
            name: name(),
            provider: provider.to_owned(),
            version: 1,
            secret_version: self.put_secret(KEY).await,
            state: ConnectionState::Active,
            settings: BTreeMap::new(),
        };
        self.store.put_connection(&connection).await.unwrap();
    }

    /// A request of which people are to be told.
    pub(crate) async fn qualified(&self) -> RequestId {
        let call = CallFacts {
            caller_name: Some("Ann Lee".to_owned()),
            caller_number: Some("+15125550142".to_owned()),
            ..CallFacts::default()
        };
        let alias = Alias {
            provider: "callrail".to_owned(),
            kind: "call".to_owned(),
            value: "1".to_owned(),
        };
        let inbound = Inbound {
            aliases: vec![alias],
            is_modified: false,
            delay: Duration::ZERO,
            call,
        };
        let request = self
            .accept("callrail", Reading::Lead(Box::new(inbound)))
            .await
            .unwrap();
        self.settle_with(request, Stage::Recording, vec![recording()])
            .await;
        self.settle_with(request, Stage::Analysis, judgement())
            .await;
        request
    }

    /// SendGrid's word that a mail was processed.
    pub(crate) async fn receive_receipt(&self, key: EffectKey, remote_id: &str) {
        let receipt = Receipt {
            key,
            remote_id: remote_id.to_owned(),
        };
        self.accept("sendgrid", Reading::Receipts(vec![receipt]))
            .await;
    }

    async fn accept(&self, provider: &str, reading: Reading) -> Option<RequestId> {
        let delivery = Delivery {
            tenant: self.tenant.clone(),
            provider: provider.to_owned(),
            source: SourceId::from_uuid(uuid::Uuid::from_u128(1)),
            office: Some(OfficeId::from_uuid(uuid::Uuid::from_u128(1))),
            event: None,
            delivery_id: Some(format!("{provider} {}", self.clock.now())),
            scheme: "test".to_owned(),
            headers: BTreeMap::new(),
            body: Bytes::new(),
            traceparent: None,
            reading,
        };
        self.store.accept(delivery).await.unwrap().request()
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

    /// Claims a step, and waits for it by the clock where it is not due yet.
    pub(crate) async fn claim(&self, request: RequestId, stage: Stage) -> Claimed {
        let rows = self.store.open_work(&self.tenant, request).await.unwrap();
        let row = rows.into_iter().find(|row| row.key.stage == stage);
        let row = row.unwrap_or_else(|| panic!("no step {stage} is open"));
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

    /// Runs the open notification of a request once.
    pub(crate) async fn notify(&self, request: RequestId) -> Outcome {
        let job = self.claim(request, Stage::Notification).await;
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

    /// Runs the open notification until it does not wait any more; answers how often it waited.
    pub(crate) async fn notify_until_it_ends(&self, request: RequestId) -> (usize, Outcome) {
        for waits in 0..500 {
            match self.notify(request).await {
                Outcome::Wait { .. } => {}
                outcome => return (waits, outcome),
            }
        }
        panic!("it waits for ever");
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
    ConnectionName::new("sendgrid").unwrap()
}

fn recording() -> Section {
    let section = serde_json::json!({
        "revision": 0, "call": {}, "audio": { "state": "absent", "reason": "not_recorded" },
    });
    Section::Recording(serde_json::from_value(section).unwrap())
}

fn judgement() -> Vec<Section> {
    let analysis = serde_json::json!({
        "revision": 0, "engine": { "engine": "model", "version": "m" }, "prompt_version": "1",
        "intent": "quote_request", "sentiment": "neutral", "project_type": "kitchen", "timeline": "immediate",
        "budget": "high", "lead_score": 70, "confidence": 0.8, "reasons": [], "spam_likelihood": 1.0, "summary": "A lead.",
    });
    let qualification = serde_json::json!({
        "revision": 0, "gate": "pass", "area": { "area": "unknown" }, "config_version": 1,
        "destinations": {}, "notify": true,
    });
    vec![
        Section::Analysis(serde_json::from_value(analysis).unwrap()),
        Section::Qualification(serde_json::from_value(qualification).unwrap()),
    ]
}
