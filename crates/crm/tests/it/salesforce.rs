//! Salesforce: the bench for the contract, and what is its own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crm::{
    Config, Connector, Connectors, PushError, Pushed,
    contract::{Bench, EffectsInMemory, Fault, first_push, known, push},
};
use domain::{Account, Brief, Channel, Classify as _, Clock, ConnectionName, Disposition};
use futures::future::join_all;
use http_client::{Client, Options, Url};
use serde_json::{Map, Value, json};
use simulators::{
    Simulators,
    salesforce::{Config as Org, Rule, SESSION, Simulator},
};
use testkit::{ManualClock, PacedTime, lead};

use crate::world::{brief, call, injected};

/// A simulated Salesforce and our connector to it.
pub(crate) struct World {
    simulators: Simulators,
    connector: Arc<dyn Connector>,
    effects: Arc<EffectsInMemory>,
    account: Account,
    _time: PacedTime,
}

impl World {
    async fn with(org: Org) -> Self {
        let time = PacedTime::begin();
        let mut config = simulators::Config::default().with(org);
        config.now = Arc::new(lead::at);
        let simulators = Simulators::start(config).await.unwrap();
        let connector = connector(simulators.salesforce());
        Self {
            simulators,
            connector,
            effects: Arc::default(),
            account: Account {
                tenant: lead::tenant(),
                connection: ConnectionName::new("salesforce").unwrap(),
                version: 1,
                secret: SESSION.into(),
                settings: BTreeMap::new(),
            },
            _time: time,
        }
    }

    fn salesforce(&self) -> &Simulator {
        self.simulators.salesforce()
    }

    fn setting(mut self, key: &str, value: &str) -> Self {
        self.account
            .settings
            .insert(key.to_owned(), value.to_owned());
        self
    }

    fn lead(&self) -> Map<String, Value> {
        let leads = self.salesforce().leads();
        assert_eq!(leads.len(), 1, "{leads:?}");
        leads[0].clone()
    }
}

impl Bench for World {
    const SLUG: &'static str = "salesforce";

    async fn start() -> Self {
        Self::with(Org::default()).await
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
        let requests = self.salesforce().requests().into_iter();
        requests
            .map(|request| {
                let path = request.path.split('?').next().unwrap_or_default();
                format!("{} {path}", request.method)
            })
            .collect()
    }

    fn fail_next(&self, request: &str, fault: Fault) {
        self.salesforce()
            .answer_next_to(request, injected(fault), 1);
    }

    fn add_field(&self) -> (&'static str, String) {
        self.salesforce().add_field("Their_Town__c");
        ("Lead", "Their_Town__c".to_owned())
    }

    fn remove_field(&self, field: &str) -> bool {
        self.salesforce().remove_field(field);
        true
    }

    fn rehearsing(&self) -> Arc<dyn Connector> {
        connector(self.salesforce())
    }

    fn records(&self) -> Vec<BTreeMap<String, String>> {
        let records = [self.salesforce().leads(), self.salesforce().tasks()].concat();
        let fields = |record: Map<String, Value>| {
            let texts = record
                .into_iter()
                .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
            texts.collect()
        };
        records.into_iter().map(fields).collect()
    }
}

fn connector(salesforce: &Simulator) -> Arc<dyn Connector> {
    let url = Url::parse(&salesforce.base_url()).unwrap();
    let http = Client::new(Options {
        allow_loopback: true,
        ..Options::default()
    });
    let config = Config::default()
        .with_url("salesforce", url)
        .with_timeout(Duration::from_secs(10));
    let connectors = Connectors::new(&http.unwrap(), &clock(), &config);
    Arc::clone(connectors.get("salesforce").unwrap())
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(lead::at()))
}

fn id<'a>(pushed: &'a Pushed, word: &str) -> &'a str {
    pushed.remote_ids.get(word).unwrap()
}

#[tokio::test]
async fn a_hundred_leads_of_one_person_are_one_lead_with_their_tasks() {
    let world = World::start().await;
    let briefs: Vec<_> = (1..=100).map(|number| call(number, 9, |_| ())).collect();
    let pushes = briefs.iter().map(|brief| first_push(&world, brief));
    let pushed: Vec<_> = join_all(pushes)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let lead = world.lead();
    assert!(pushed.iter().all(|pushed| id(pushed, "lead") == lead["Id"]));
    let tasks = world.salesforce().tasks();
    assert_eq!(tasks.len(), 100);
    assert!(tasks.iter().all(|task| task["WhoId"] == lead["Id"]));
    assert_eq!(tasks[0]["Subject"], "Kitchen - Ann Lee");
    let described = world.requests();
    let described = described
        .iter()
        .filter(|line| line.ends_with("Lead/describe"));
    assert_eq!(described.count(), 1);
}

#[tokio::test]
async fn somebody_who_is_faster_with_the_same_key_is_no_trouble() {
    let world = World::start().await;
    world.salesforce().race();
    let pushed = first_push(&world, &brief(Channel::Phone)).await.unwrap();
    assert_eq!(id(&pushed, "lead"), world.lead()["Id"]);
    assert_eq!(world.salesforce().tasks().len(), 1);
}

#[tokio::test]
async fn a_lead_that_others_made_is_completed_and_not_changed() {
    for reached_by in [
        ("Email", "Ann@Example.com"),
        ("Phone", "(512) 555-0142"),
        ("MobilePhone", "+1 512-555-0142"),
    ] {
        let world = World::start().await;
        let typed = [
            reached_by,
            ("LastName", "Lee"),
            ("City", "Austin"),
            ("Company", "Lee"),
        ];
        let made = world.salesforce().add_lead(&typed);
        let pushed = first_push(&world, &call(1, 9, |_| ())).await.unwrap();
        assert_eq!(id(&pushed, "lead"), made, "{reached_by:?}");
        let lead = world.lead();
        for (field, value) in typed.into_iter().chain([
            ("PostalCode", "78664"),
            (
                "Lead_External_Id__c",
                "per_00000000000000000000000000000009",
            ),
        ]) {
            assert_eq!(lead[field], value, "{reached_by:?}");
        }
        let second = first_push(&world, &call(2, 9, |_| ())).await.unwrap();
        assert_eq!(id(&second, "lead"), made, "{reached_by:?}");
    }
    let world = World::start().await;
    world
        .salesforce()
        .add_lead(&[("Phone", "(512) 555-0142"), ("LastName", "Quill")]);
    first_push(
        &world,
        &call(1, 9, |document| document.source.said.person.email = None),
    )
    .await
    .unwrap();
    assert_eq!(
        world.salesforce().leads().len(),
        2,
        "another name, another person"
    );
}

#[tokio::test]
async fn a_changed_lead_leaves_alone_what_people_changed() {
    let world = World::start().await;
    let first = first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    let edits = [
        (id(&first, "lead"), "LastName", "Lee-Quill"),
        (id(&first, "lead"), "Description", "Met them on Friday."),
        (id(&first, "task"), "Status", "Completed"),
        (id(&first, "task"), "Subject", "Called back"),
    ];
    for (record, field, value) in edits {
        world.salesforce().edit(record, field, value);
    }
    let changed = Brief {
        tags: vec!["signed".to_owned()],
        ..call(1, 9, |_| ())
    };
    push(&world, &changed, &known(&first)).await.unwrap();
    // Also by somebody who knows nothing of the last push.
    first_push(&world, &changed).await.unwrap();
    let (lead, task) = (world.lead(), world.salesforce().tasks()[0].clone());
    assert_eq!(lead["LastName"], "Lee-Quill");
    assert_eq!(lead["Description"], "Met them on Friday.");
    assert_eq!(
        (&task["Status"], &task["Subject"]),
        (&json!("Completed"), &json!("Called back"))
    );
    assert!(task["Description"].as_str().unwrap().contains("signed"));
}

#[tokio::test]
async fn what_the_orgs_rules_find_is_decided_by_the_tenant() {
    let other = [
        ("LastName", "Lee"),
        ("PostalCode", "78664"),
        ("Company", "Lee"),
    ];
    let without_contact = |document: &mut domain::Document| {
        document.source.said.person.email = None;
        document.source.said.person.phone = None;
    };
    // The policy, what the rule does, whether it names what it found: how many leads there are then; 0 is parked.
    for (policy, rule, rule_names, leads) in [
        ("attach", Rule::Alert, true, 1),
        ("attach", Rule::Block, true, 1),
        ("attach", Rule::Alert, false, 2),
        ("attach", Rule::Block, false, 0),
        ("save", Rule::Alert, true, 2),
        ("save", Rule::Block, true, 0),
        ("hold", Rule::Alert, true, 0),
    ] {
        let what = format!("{policy}, {rule:?}, {rule_names}");
        let org = Org {
            rule: Some(rule),
            rule_names,
            ..Org::default()
        };
        let world = World::with(org).await.setting("duplicates", policy);
        let found = world.salesforce().add_lead(&other);
        let pushed = first_push(&world, &call(1, 9, without_contact)).await;
        match leads {
            0 => {
                let error = pushed.unwrap_err();
                assert_eq!(error.disposition(), Disposition::Park, "{what}");
                assert!(
                    error.answer().unwrap().contains("Use one of these"),
                    "{what}"
                );
                assert!(world.salesforce().tasks().is_empty(), "{what}");
            }
            leads => {
                let pushed = pushed.unwrap();
                assert_eq!(world.salesforce().leads().len(), leads, "{what}");
                assert_eq!(id(&pushed, "lead") == found, leads == 1, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_converted_lead_is_left_alone_and_its_contact_gets_the_task() {
    let world = World::start().await;
    let first = first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    world
        .salesforce()
        .convert(id(&first, "lead"), "003000000000000001");
    let second = first_push(&world, &call(2, 9, |_| ())).await.unwrap();
    assert_eq!(id(&second, "lead"), "003000000000000001");
    let tasks = world.salesforce().tasks();
    assert_eq!(tasks[1]["WhoId"], "003000000000000001");
}

#[tokio::test]
async fn a_field_that_becomes_required_overnight_parks_and_says_which() {
    let world = World::start().await;
    first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    world.salesforce().require("Budget__c");
    let error = first_push(
        &world,
        &call(2, 10, |document| {
            document.source.said.person.email = None;
            document.source.said.person.phone = None;
        }),
    )
    .await
    .unwrap_err();
    assert!(
        matches!(&error, PushError::Required { field, .. } if field == "Budget__c"),
        "{error:?}"
    );
    assert_eq!(error.disposition(), Disposition::Park);
}

#[tokio::test]
async fn what_is_too_long_or_refused_is_cut_or_left_out() {
    let world = World::start().await;
    let long = call(1, 9, |document| {
        let person = &mut document.source.said.person;
        person.city = Some("out past Dripping Springs near the old Fitzhugh church".to_owned());
    });
    first_push(&world, &long).await.unwrap();
    assert_eq!(
        world.lead()["City"],
        "out past Dripping Springs near the old F"
    );

    let world = World::start().await;
    let body = json!({ "compositeResponse": [
        { "httpStatusCode": 400, "referenceId": "lead", "httpHeaders": {}, "body": [
            { "errorCode": "INVALID_EMAIL_ADDRESS", "message": "Email: invalid email address", "fields": ["Email"] }] },
        { "httpStatusCode": 400, "referenceId": "task", "httpHeaders": {}, "body": [
            { "errorCode": "PROCESSING_HALTED", "message": "rolled back" }] },
    ]});
    let fault = simulators::Fault::Answer {
        status: 200,
        retry_after_seconds: None,
        body: Some(body),
    };
    world.salesforce().answer_next_to("composite", fault, 1);
    first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    assert!(!world.lead().contains_key("Email"));
    let told = world.salesforce().tasks()[0]["Description"].to_string();
    assert!(told.contains("ann@example.com"), "{told}");
}

#[tokio::test]
async fn without_its_keys_nothing_is_written_and_the_owner_is_told() {
    let world = World::with(Org {
        has_keys: false,
        ..Org::default()
    })
    .await;
    let error = first_push(&world, &brief(Channel::Phone))
        .await
        .unwrap_err();
    assert!(matches!(error, PushError::Misconfigured(_)), "{error:?}");
    assert!(error.to_string().contains("Lead_External_Id__c"), "{error}");
    assert!(world.records().is_empty());
    let inspection = world.connector.inspect(&world.account).await.unwrap();
    assert_eq!(inspection.notes.len(), 2, "{inspection:?}");
    let lead = &inspection.objects[0];
    let name = lead
        .fields
        .iter()
        .find(|field| field.name == "LastName")
        .unwrap();
    assert!(name.is_required && name.max_length == Some(80), "{name:?}");
}

#[tokio::test]
async fn locked_rows_are_tried_again_and_spent_calls_pause() {
    let world = World::start().await;
    world.salesforce().lock_rows(1);
    let brief = brief(Channel::Phone);
    let error = first_push(&world, &brief).await.unwrap_err();
    assert_eq!(
        error.disposition(),
        Disposition::Retry { after: None },
        "{error:?}"
    );
    first_push(&world, &brief).await.unwrap();

    let world = World::with(Org {
        daily_limit: 10,
        ..Org::default()
    })
    .await
    .setting("api_share", "50");
    first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    let calls = world.requests().len();
    let error = first_push(&world, &call(2, 9, |_| ())).await.unwrap_err();
    let after = Some(Duration::from_secs(15 * 60));
    assert_eq!(
        error.disposition(),
        Disposition::Retry { after },
        "{error:?}"
    );
    assert_eq!(world.requests().len(), calls, "nobody was asked");
}

#[tokio::test]
async fn a_person_account_has_no_company_and_a_state_has_its_code() {
    let world = World::with(Org {
        needs_company: false,
        has_state_codes: true,
        ..Org::default()
    })
    .await;
    first_push(&world, &brief(Channel::Phone)).await.unwrap();
    let lead = world.lead();
    assert!(
        !lead.contains_key("Company") && !lead.contains_key("State"),
        "{lead:?}"
    );
    assert_eq!(
        (&lead["StateCode"], &lead["CountryCode"]),
        (&json!("TX"), &json!("US"))
    );
}
