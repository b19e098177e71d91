//! A simulated HubSpot, our connector, and leads for it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use crm::{Config, Connector, Connectors, Credential, Known, Lead, PushError, Pushed};
use domain::{
    Claim, Clock, ConnectionName, Document, EffectEnd, EffectKey, EffectLog, Effects, Intent,
    LeadRequest, OfficeConfig, PersonId, RequestId, Stage, Status, StoreError, TenantId, WorkKey,
};
use http_client::{Client, Options, Url};
use jiff::Timestamp;
use simulators::{Simulators, hubspot::Simulator};
use testkit::ManualClock;

/// A simulated HubSpot and our connector to it.
pub(crate) struct World {
    simulators: Simulators,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) credential: Credential,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(simulators::hubspot::Config::default()).await
    }

    pub(crate) async fn with(hubspot: simulators::hubspot::Config) -> Self {
        let simulators = Simulators::start(simulators::Config {
            hubspot,
            ..Default::default()
        })
        .await
        .unwrap();
        let connector = connector(&simulators.urls().hubspot);
        Self {
            simulators,
            connector,
            credential: credential(),
        }
    }

    pub(crate) fn hubspot(&self) -> &Simulator {
        self.simulators.hubspot()
    }

    pub(crate) async fn push(
        &self,
        lead: &Lead,
        known: Option<&Known>,
    ) -> Result<Pushed, PushError> {
        self.connector
            .push(lead, &self.credential, known, &self.effects())
            .await
    }

    fn effects(&self) -> Effects {
        let key = WorkKey {
            tenant: self.credential.tenant.clone(),
            request: RequestId::from_uuid(uuid::Uuid::from_u128(1)),
            stage: Stage::Dispatch,
            target: "hubspot".to_owned(),
        };
        Effects::new(Arc::new(Unused), Arc::new(clock()), Claim { key, token: 1 })
    }

    /// How many requests went to paths that contain this.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.hubspot()
            .requests()
            .iter()
            .filter(|request| request.path.contains(path))
            .count()
    }
}

fn clock() -> ManualClock {
    ManualClock::at("2026-11-02T15:10:00Z".parse().unwrap())
}

/// The HubSpot connector to this URL.
pub(crate) fn connector(url: &str) -> Arc<dyn Connector> {
    let options = Options {
        deadline: Duration::from_millis(1_500),
        allow_loopback: true,
        ..Options::default()
    };
    let config = Config::default().with_url("hubspot", Url::parse(url).unwrap());
    let clock: Arc<dyn Clock> = Arc::new(clock());
    let connectors = Connectors::new(&Client::new(options).unwrap(), &clock, &config);
    Arc::clone(connectors.get("hubspot").unwrap())
}

/// The demo tenant's.
pub(crate) fn credential() -> Credential {
    Credential {
        tenant: TenantId::new("tenant_demo").unwrap(),
        connection: ConnectionName::new("hubspot").unwrap(),
        version: 1,
        token: "pat-na1-simulated-hubspot-token".into(),
    }
}

/// HubSpot's writes have unique keys: none is recorded.
struct Unused;

#[async_trait]
impl EffectLog for Unused {
    async fn intend(&self, _: &Claim, key: &EffectKey, _: Duration) -> Result<Intent, StoreError> {
        panic!("{} needs no record", key.as_str())
    }

    async fn intend_again(
        &self,
        _: &Claim,
        key: &EffectKey,
        _: Duration,
    ) -> Result<Intent, StoreError> {
        panic!("{} needs no record", key.as_str())
    }

    async fn conclude(&self, _: &Claim, key: &EffectKey, _: EffectEnd) -> Result<(), StoreError> {
        panic!("{} needs no record", key.as_str())
    }
}

/// The sample lead, as request `request` of person `person`, with changes.
pub(crate) fn lead(request: u128, person: u128, change: impl FnOnce(&mut Document)) -> Lead {
    let mut document =
        serde_json::from_str(include_str!("../../src/fixtures/document.json")).unwrap();
    change(&mut document);
    let request = LeadRequest {
        id: RequestId::from_uuid(uuid::Uuid::from_u128(request)),
        tenant: TenantId::new("tenant_demo").unwrap(),
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        status: Status::Processing,
        person: None,
        document,
    };
    let office = OfficeConfig {
        time_zone: "America/Chicago".to_owned(),
        ..OfficeConfig::default()
    };
    Lead::new(
        &request,
        PersonId::from_uuid(uuid::Uuid::from_u128(person)),
        &office,
    )
}

/// What is known after a push.
pub(crate) fn known(pushed: &Pushed) -> Known {
    Known {
        contact_id: pushed.contact_id.clone(),
        deal_id: pushed.deal_id.clone(),
        fields_hash: pushed.fields_hash.clone(),
    }
}
