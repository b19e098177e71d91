//! A simulated HubSpot, our connector to it, and leads for it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crm::{
    Config, Connector, Connectors,
    contract::{Bench, EffectsInMemory, Fault},
};
use domain::{Account, Brief, Channel, Clock, ConnectionName, Document, PersonId, RequestId};
use http_client::{Client, Options, Url};
use simulators::{
    Simulators,
    hubspot::{Record, Simulator},
};
use testkit::{ManualClock, PacedTime, lead};

/// A simulated HubSpot and our connector to it.
pub(crate) struct World {
    simulators: Simulators,
    connector: Arc<dyn Connector>,
    effects: Arc<EffectsInMemory>,
    pub(crate) account: Account,
    /// A busy machine is not too late with an answer.
    _time: PacedTime,
}

impl World {
    pub(crate) async fn with(hubspot: simulators::hubspot::Config) -> Self {
        let time = PacedTime::begin();
        let mut config = simulators::Config::default().with(hubspot);
        // HubSpot's ids follow from the time: two benches have the same ones.
        config.now = Arc::new(lead::at);
        let simulators = Simulators::start(config).await.unwrap();
        Self {
            connector: connector(&simulators.hubspot().base_url()),
            simulators,
            effects: Arc::default(),
            account: Account {
                tenant: lead::tenant(),
                connection: ConnectionName::new("hubspot").unwrap(),
                version: 1,
                secret: "pat-na1-simulated-hubspot-token".into(),
                settings: BTreeMap::new(),
            },
            _time: time,
        }
    }

    /// Goes on with a new connector, as another process would.
    pub(crate) fn connect_to(&mut self, url: &str) {
        self.connector = connector(url);
    }

    pub(crate) fn hubspot(&self) -> &Simulator {
        self.simulators.hubspot()
    }

    /// How many requests went to paths that contain this.
    pub(crate) fn count(&self, path: &str) -> usize {
        let requests = self.requests();
        requests.iter().filter(|line| line.contains(path)).count()
    }
}

impl Bench for World {
    const SLUG: &'static str = "hubspot";

    async fn start() -> Self {
        Self::with(simulators::hubspot::Config::default()).await
    }

    fn connector(&self) -> &dyn Connector {
        &*self.connector
    }

    fn account(&self) -> Account {
        self.account.clone()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        clock()
    }

    fn effects(&self) -> Arc<EffectsInMemory> {
        self.effects.clone()
    }

    fn requests(&self) -> Vec<String> {
        let requests = self.hubspot().requests().into_iter();
        requests
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    fn fail_next(&self, request: &str, fault: Fault) {
        self.hubspot().answer_next_to(request, injected(fault), 1);
    }

    fn add_field(&self) -> (&'static str, String) {
        self.hubspot().add_property("contacts", "their_town", &[]);
        ("contacts", "their_town".to_owned())
    }

    fn remove_field(&self, field: &str) -> bool {
        self.hubspot().remove_property("contacts", field);
        true
    }

    fn rehearsing(&self) -> Arc<dyn Connector> {
        connector(&self.hubspot().base_url())
    }

    fn records(&self) -> Vec<BTreeMap<String, String>> {
        let records = [self.hubspot().contacts(), self.hubspot().deals()].concat();
        records
            .into_iter()
            .map(|record: Record| record.properties)
            .collect()
    }
}

/// A fault of the contract as simulators inject it.
pub(crate) fn injected(fault: Fault) -> simulators::Fault {
    match fault {
        Fault::Unanswered => simulators::Fault::TimeoutAfterWrite,
        Fault::Broken => simulators::Fault::ResetAfterWrite,
        Fault::Truncated => simulators::Fault::Malformed,
        Fault::Slow => simulators::Fault::Slow(Duration::from_millis(50)),
        Fault::Status {
            status,
            retry_after_seconds,
        } => simulators::Fault::Answer {
            status,
            retry_after_seconds,
            body: None,
        },
        Fault::Revoked => simulators::Fault::RevokedToken,
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(lead::at()))
}

/// The HubSpot connector to this URL.
fn connector(url: &str) -> Arc<dyn Connector> {
    let options = Options {
        allow_loopback: true,
        ..Options::default()
    };
    let config = Config::default()
        .with_url("hubspot", Url::parse(url).unwrap())
        .with_timeout(Duration::from_secs(10));
    let connectors = Connectors::new(&Client::new(options).unwrap(), &clock(), &config);
    Arc::clone(connectors.get("hubspot").unwrap())
}

/// The sample lead of a channel.
pub(crate) fn brief(channel: Channel) -> Brief {
    let person = PersonId::from_uuid(uuid::Uuid::from_u128(9));
    Brief::new(&lead::qualified(channel), &lead::office()).from_person(person)
}

/// The sample call, as request `request` of person `person`, with changes.
pub(crate) fn call(request: u128, person: u128, change: impl FnOnce(&mut Document)) -> Brief {
    let mut lead = lead::qualified(Channel::Phone);
    lead.id = RequestId::from_uuid(uuid::Uuid::from_u128(request));
    lead.document.details = None;
    change(&mut lead.document);
    let person = PersonId::from_uuid(uuid::Uuid::from_u128(person));
    Brief::new(&lead, &lead::office()).from_person(person)
}
