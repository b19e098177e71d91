//! A company's own receiver: the bench for the contract, and what is its own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crm::{
    Config, Connector, Connectors, PushError,
    contract::{Bench, EffectsInMemory, Fault, first_push, known, push},
};
use domain::{Account, Brief, Channel, Classify as _, Clock, ConnectionName, Disposition};
use http_client::{Client, Options};
use serde_json::{Value, json};
use simulators::{Simulators, customcrm};
use testkit::{ManualClock, PacedTime, lead};

use crate::world::{brief, call, injected};

const NEXT_KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A simulated receiver and our connector to it.
pub(crate) struct Receiver {
    simulators: Simulators,
    connector: Arc<dyn Connector>,
    effects: Arc<EffectsInMemory>,
    account: Account,
    _time: PacedTime,
}

impl Receiver {
    fn leads(&self) -> Vec<customcrm::Lead> {
        self.simulators.customcrm().leads()
    }

    /// The same with another account.
    fn entered(mut self, change: impl FnOnce(&mut Account)) -> Self {
        change(&mut self.account);
        self
    }
}

impl Bench for Receiver {
    const SLUG: &'static str = "customcrm";

    async fn start() -> Self {
        let time = PacedTime::begin();
        let config = simulators::Config {
            now: Arc::new(lead::at),
            ..simulators::Config::default()
        };
        let simulators = Simulators::start(config).await.unwrap();
        let url = simulators.customcrm().url();
        Self {
            simulators,
            connector: connector(true),
            effects: Arc::default(),
            account: Account {
                tenant: lead::tenant(),
                connection: ConnectionName::new("customcrm").unwrap(),
                version: 1,
                secret: customcrm::KEY.into(),
                settings: BTreeMap::from([("url".to_owned(), url)]),
            },
            _time: time,
        }
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
        let requests = self.simulators.customcrm().requests().into_iter();
        requests
            .map(|request| format!("{} {}", request.method, request.path))
            .collect()
    }

    fn fail_next(&self, request: &str, fault: Fault) {
        let simulator = self.simulators.customcrm();
        simulator.answer_next_to(request, injected(fault), 1);
    }

    fn add_field(&self) -> (&'static str, String) {
        ("lead", "job.their_town".to_owned())
    }

    fn remove_field(&self, _: &str) -> bool {
        false
    }

    fn rehearsing(&self) -> Arc<dyn Connector> {
        connector(true)
    }

    fn records(&self) -> Vec<BTreeMap<String, String>> {
        let mut records = Vec::new();
        for lead in self.leads() {
            let mut record = BTreeMap::new();
            flatten("", &lead.data, &mut record);
            records.push(record);
        }
        records
    }
}

fn flatten(name: &str, value: &Value, record: &mut BTreeMap<String, String>) {
    let child = |part: &str| format!("{name}/{part}");
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(part, value)| flatten(&child(part), value, record)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, value)| flatten(&child(&at.to_string()), value, record)),
        Value::String(text) => drop(record.insert(name.to_owned(), text.clone())),
        other => drop(record.insert(name.to_owned(), other.to_string())),
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(lead::at()))
}

fn connector(tenants_allow_loopback: bool) -> Arc<dyn Connector> {
    let http = Client::new(Options {
        allow_loopback: true,
        tenants_allow_loopback,
        ..Options::default()
    });
    let config = Config::default().with_timeout(Duration::from_secs(10));
    let connectors = Connectors::new(&http.unwrap(), &clock(), &config);
    Arc::clone(connectors.get("customcrm").unwrap())
}

#[tokio::test]
async fn both_keys_sign_while_the_receiver_changes_over() {
    let both = format!("{NEXT_KEY},{}", customcrm::KEY);
    let world = Receiver::start()
        .await
        .entered(|account| account.secret = both.into());
    for (request, keys) in [(1, [customcrm::KEY]), (2, [NEXT_KEY])] {
        world.simulators.customcrm().accept_keys(&keys);
        first_push(&world, &call(request, 9, |_| ())).await.unwrap();
    }
    assert_eq!(world.leads().len(), 2);
    let world = world.entered(|account| account.secret = customcrm::KEY.into());
    let error = first_push(&world, &call(3, 9, |_| ())).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Hold, "{error:?}");
}

#[tokio::test]
async fn a_receiver_gets_its_own_names_and_is_asked_by_them() {
    let mapping =
        json!({ "customer": { "name": "{{contact.name}}" }, "rank": "{{judgment.score}}" });
    let world = Receiver::start().await.entered(|account| {
        let mapping = ("mapping".to_owned(), mapping.to_string());
        account.settings.extend([mapping]);
    });
    let pushed = first_push(&world, &brief(Channel::Phone)).await.unwrap();
    assert_eq!(pushed.remote_ids.get("lead"), Some("crm-1"));
    let leads = world.leads();
    let data = &leads[0].data;
    assert_eq!(data["customer"]["name"], "Ann Lee");
    assert_eq!(data["rank"], 82);
    assert_eq!(data["contact"], Value::Null, "{data}");
    assert_eq!(leads[0].kind, "lead.accepted");
}

#[tokio::test]
async fn a_changed_lead_is_an_update_and_a_late_version_changes_nothing() {
    let world = Receiver::start().await;
    let newer = Brief {
        version: 2,
        ..call(1, 9, |_| ())
    };
    let first = first_push(&world, &newer).await.unwrap();
    let older = Brief {
        version: 1,
        tags: vec!["late".to_owned()],
        ..newer.clone()
    };
    first_push(&world, &older).await.unwrap();
    assert_eq!(world.leads()[0].data["version"], 2);
    // What a lead was like before, it can become again.
    for (version, tag) in [(3, "hot"), (4, "cold"), (5, "hot")] {
        let changed = Brief {
            version,
            tags: vec![tag.to_owned()],
            ..newer.clone()
        };
        push(&world, &changed, &known(&first)).await.unwrap();
        let leads = world.leads();
        assert_eq!((leads.len(), leads[0].kind.as_str()), (1, "lead.updated"));
        assert_eq!(leads[0].data["tags"][0], tag);
    }
}

#[tokio::test]
async fn an_address_that_takes_no_leads_holds_what_comes() {
    for status in [301, 302, 307, 308, 404, 405, 410] {
        let world = Receiver::start().await;
        let fault = Fault::Status {
            status,
            retry_after_seconds: None,
        };
        world.fail_next("POST /leads", fault);
        let error = first_push(&world, &brief(Channel::Phone))
            .await
            .unwrap_err();
        assert!(
            matches!(error, PushError::Gone { .. }),
            "{status}: {error:?}"
        );
        assert_eq!(error.disposition(), Disposition::Hold, "{status}");
    }
}

#[tokio::test]
async fn any_success_counts_whatever_is_said_beside() {
    for body in [
        json!("OK"),
        json!([1]),
        json!({ "external_id": null }),
        json!({}),
    ] {
        let world = Receiver::start().await;
        let fault = simulators::Fault::Answer {
            status: 202,
            retry_after_seconds: None,
            body: Some(body.clone()),
        };
        world.simulators.customcrm().answer_next(fault);
        let brief = brief(Channel::Phone);
        let pushed = first_push(&world, &brief).await.unwrap();
        let request = brief.request.to_string();
        assert_eq!(pushed.remote_ids.get("lead"), Some(&*request), "{body}");
    }
}

#[tokio::test]
async fn an_address_inside_is_never_called() {
    let mut world = Receiver::start().await;
    world.connector = connector(false);
    let port = world.simulators.customcrm().address().port();
    for url in [
        format!("http://127.0.0.1:{port}/leads"),
        format!("https://0x7f.1:{port}/leads"),
        format!("https://localhost:{port}/leads"),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://[::ffff:169.254.169.254]/".to_owned(),
        "https://crm.example.com:22/".to_owned(),
    ] {
        let mut account = world.account();
        account.settings.insert("url".to_owned(), url.clone());
        world.account = account;
        let error = first_push(&world, &brief(Channel::Phone))
            .await
            .unwrap_err();
        assert_eq!(error.disposition(), Disposition::Park, "{url}: {error:?}");
        assert!(error.to_string().contains("enter another URL"), "{error}");
    }
    assert!(world.requests().is_empty());
}
