//! A tenant with a simulated provider of e-mail, a store, and requests that people are to be notified of.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use accounts::Accounts;
use bytes::Bytes;
use domain::{
    Channel, Claimed, Clock, ConnectionName, EffectKey, EmailAddress, NotificationRules, Office,
    OfficeId, Outcome, Reading, Receipt, RequestId, Section, SourceId, Stage, StageHandler, Tenant,
    TenantId, TenantStatus, WorkQueue as _, WorkflowConfig,
};
use http_client::{Client, Options, Url};
use notifier::Deps;
use notify::{Channels, Config};
use secrets::{KeySource, SealedSecrets, SecretName, Secrets as _};
use simulators::{Simulators, sendgrid::Simulator};
use store::{AuditAction, Connection, ConnectionState, Delivery, RequestView, Store as _};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use testkit::{ManualClock, lead};

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
    /// A tenant that is connected to SendGrid and notifies these people.
    pub(crate) async fn start(recipients: &[&str]) -> Self {
        let world = Self::with(rules(recipients)).await;
        world.connect("mail", "sendgrid").await;
        world
    }

    pub(crate) async fn with(notifications: NotificationRules) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = ManualClock::at(lead::at());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let path = folder.path().join("store.db");
        let store = Arc::new(SqliteStore::open(&path, shared.clone()).unwrap());
        let secrets = SealedSecrets::open(folder.path(), KeySource::File).await;
        let secrets = secrets.unwrap();
        let simulators = Simulators::start(simulators::Config::default()).await;
        let simulators = simulators.unwrap();
        let http = Client::new(Options {
            allow_loopback: true,
            ..Options::default()
        });
        let http = http.unwrap();
        let url = Url::parse(&simulators.sendgrid().base_url()).unwrap();
        let slack = Url::parse(&simulators.slack().base_url()).unwrap();
        let config = Config::default().with_url("sendgrid", url);
        let config = config.with_url("slack", slack);
        let channels = Channels::new(&http, &shared, &config);
        let deps = Deps {
            accounts: Accounts::new(
                store.clone(),
                Arc::new(secrets.clone()),
                http,
                shared.clone(),
                BTreeMap::new(),
            ),
            store: store.clone(),
            clock: shared,
            channels,
        };
        let handler = notifier::service(deps).stages.remove(0);
        let tenant = Tenant {
            id: lead::tenant(),
            name: "Demo Company".to_owned(),
            status: TenantStatus::Active,
        };
        store.put_tenant(&tenant).await.unwrap();
        let office = Office {
            id: office(),
            tenant: tenant.id.clone(),
            name: "Austin".to_owned(),
            address: "1 Congress Avenue, Austin".to_owned(),
            time_zone: "America/Chicago".to_owned(),
            config: WorkflowConfig {
                notifications,
                ..WorkflowConfig::default()
            },
            config_version: 1,
        };
        store.put_office(&office).await.unwrap();
        Self {
            store,
            handler,
            tenant: tenant.id,
            clock,
            secrets,
            simulators,
            _folder: folder,
        }
    }

    pub(crate) fn sendgrid(&self) -> &Simulator {
        self.simulators.sendgrid()
    }

    pub(crate) fn slack(&self) -> &simulators::slack::Simulator {
        self.simulators.slack()
    }

    pub(crate) async fn connect(&self, connection: &str, provider: &str) {
        self.connect_with(connection, provider, KEY, &[]).await;
    }

    pub(crate) async fn connect_with(
        &self,
        connection: &str,
        provider: &str,
        secret: &str,
        settings: &[(&str, &str)],
    ) {
        let settings = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let connection = Connection {
            tenant: self.tenant.clone(),
            name: ConnectionName::new(connection).unwrap(),
            provider: provider.to_owned(),
            version: 1,
            secret_version: self.put_secret(connection, secret).await,
            state: ConnectionState::Active,
            settings: settings.collect(),
        };
        self.store.put_connection(&connection).await.unwrap();
    }

    async fn put_secret(&self, name: &str, secret: &str) -> u64 {
        let name = SecretName::new(name).unwrap();
        let put = self.secrets.put(&self.tenant, &name, &secret.into()).await;
        put.unwrap()
    }

    /// Sets another secret; without one, a version that is not there.
    pub(crate) async fn replace_secret(&self, secret: Option<&str>) {
        self.replace_secret_of("mail", secret).await;
    }

    /// The same of any connection.
    pub(crate) async fn replace_secret_of(&self, connection: &str, secret: Option<&str>) {
        let version = match secret {
            Some(secret) => self.put_secret(connection, secret).await,
            None => 99,
        };
        let name = ConnectionName::new(connection).unwrap();
        let act = AuditAction::new("test", "secret.set", "");
        let replaced = self
            .store
            .replace_secret(&self.tenant, &name, version, None, &act)
            .await;
        replaced.unwrap();
    }

    /// A lead that people are to be notified of.
    pub(crate) async fn qualified(&self, channel: Channel) -> RequestId {
        let news = Reading::News(Box::new(lead::news(channel)));
        let request = self.accept(lead::PROVIDER, channel, news).await.unwrap();
        for stage in channel.pipeline().filter(|stage| *stage != Stage::Reading) {
            let job = self.claim(request, stage).await;
            let mut sections = lead::found(&job.request.document, stage, "");
            for section in &mut sections {
                if let Section::Qualification(section) = section {
                    section.destinations.clear();
                    section.notify = true;
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

    /// The provider's receipt for a mail.
    pub(crate) async fn receive_receipt(&self, effect: EffectKey, remote_id: &str) {
        let receipt = Receipt {
            effect,
            event: "processed".to_owned(),
            is_undelivered: false,
            remote_id: remote_id.to_owned(),
            at: None,
            reason: None,
        };
        self.receive(vec![receipt]).await;
    }

    /// The provider's word that a mail will not arrive.
    pub(crate) async fn receive_drop(&self, effect: EffectKey, event: &str, reason: &str) {
        let receipt = Receipt {
            effect,
            event: event.to_owned(),
            is_undelivered: true,
            remote_id: String::new(),
            at: None,
            reason: Some(reason.to_owned()),
        };
        self.receive(vec![receipt]).await;
    }

    async fn receive(&self, receipts: Vec<Receipt>) {
        self.clock.advance(Duration::from_secs(1));
        let receipts = Reading::Receipts(receipts);
        self.accept("sendgrid", Channel::Api, receipts).await;
    }

    async fn accept(
        &self,
        provider: &str,
        channel: Channel,
        reading: Reading,
    ) -> Option<RequestId> {
        let delivery = Delivery {
            tenant: self.tenant.clone(),
            provider: provider.to_owned(),
            source: SourceId::from_uuid(uuid::Uuid::from_u128(1)),
            channel,
            office: Some(office()),
            event: None,
            is_told_by_body: false,
            scope: None,
            delivery_id: Some(format!("{provider} {}", self.clock.now())),
            scheme: "test".to_owned(),
            headers: BTreeMap::new(),
            body: Bytes::new(),
            traceparent: None,
            reading: Ok(reading),
        };
        self.store.accept(delivery).await.unwrap().request()
    }

    /// Claims a step, and moves the clock to when it is due.
    pub(crate) async fn claim(&self, request: RequestId, stage: Stage) -> Claimed {
        let rows = self.store.open_work(&self.tenant, request).await.unwrap();
        let row = rows.into_iter().find(|row| row.key.stage == stage);
        let row = row.unwrap_or_else(|| panic!("no step {stage} is open"));
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

    /// Runs the open notification of a request once.
    pub(crate) async fn notify(&self, request: RequestId) -> Outcome {
        let job = self.claim(request, Stage::Notification).await;
        let outcome = self.handler.handle(&job).await;
        let outcome = outcome.unwrap_or_else(Outcome::from);
        self.settle(&job, outcome.clone()).await;
        outcome
    }

    /// Lets what stopped run again.
    pub(crate) async fn redrive(&self, request: RequestId) {
        let rows = self.store.open_work(&self.tenant, request).await.unwrap();
        let keys: Vec<_> = rows.into_iter().map(|row| row.key).collect();
        let act = AuditAction::new("ann", "work.redrive", &request);
        let redriven = self.store.redrive(&self.tenant, &keys, &act).await;
        redriven.unwrap();
    }

    pub(crate) async fn settle(&self, job: &Claimed, outcome: Outcome) {
        let records = job.take_records();
        let settled = self
            .store
            .settle(job, outcome, records, Duration::ZERO)
            .await;
        settled.unwrap();
    }

    /// Runs the open notification until it does not wait any more, and returns how often it waited.
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
        let view = self.store.request(&self.tenant, request).await.unwrap();
        view.unwrap()
    }
}

/// Rules that notify these people, from a sender that the simulator has verified.
pub(crate) fn rules(recipients: &[&str]) -> NotificationRules {
    NotificationRules {
        email: recipients.iter().map(|to| email(to)).collect(),
        from: Some(email("leads@example.com")),
        ..NotificationRules::default()
    }
}

pub(crate) fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

pub(crate) fn name() -> ConnectionName {
    ConnectionName::new("mail").unwrap()
}

fn office() -> OfficeId {
    OfficeId::from_uuid(uuid::Uuid::from_u128(1))
}
