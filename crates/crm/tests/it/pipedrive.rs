//! Pipedrive: the bench for the contract, and what is its own.

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
    pipedrive::{Config as Company, Simulator, TOKEN},
};
use testkit::{ManualClock, PacedTime, lead};

use crate::world::{brief, call, injected};

/// A simulated Pipedrive and our connector to it.
pub(crate) struct World {
    simulators: Simulators,
    connector: Arc<dyn Connector>,
    effects: Arc<EffectsInMemory>,
    account: Account,
    _time: PacedTime,
}

impl World {
    async fn with(company: Company) -> Self {
        let time = PacedTime::begin();
        let mut config = simulators::Config::default().with(company);
        config.now = Arc::new(lead::at);
        let simulators = Simulators::start(config).await.unwrap();
        let connector = connector(simulators.pipedrive());
        Self {
            simulators,
            connector,
            effects: Arc::default(),
            account: Account {
                tenant: lead::tenant(),
                connection: ConnectionName::new("pipedrive").unwrap(),
                version: 1,
                secret: TOKEN.into(),
                settings: BTreeMap::new(),
            },
            _time: time,
        }
    }

    fn pipedrive(&self) -> &Simulator {
        self.simulators.pipedrive()
    }

    fn person(&self) -> Map<String, Value> {
        let persons = self.pipedrive().persons();
        assert_eq!(persons.len(), 1, "{persons:?}");
        persons[0].clone()
    }
}

impl Bench for World {
    const SLUG: &'static str = "pipedrive";

    async fn start() -> Self {
        Self::with(Company::default()).await
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
        let requests = self.pipedrive().requests().into_iter();
        requests
            .map(|request| {
                let path = request.path.split('?').next().unwrap_or_default();
                format!("{} {path}", request.method)
            })
            .collect()
    }

    fn fail_next(&self, request: &str, fault: Fault) {
        self.pipedrive().answer_next_to(request, injected(fault), 1);
    }

    fn add_field(&self) -> (&'static str, String) {
        let key = self.pipedrive().add_person_field("Their town");
        ("person", key)
    }

    fn remove_field(&self, field: &str) -> bool {
        self.pipedrive().remove_field(field);
        true
    }

    fn rehearsing(&self) -> Arc<dyn Connector> {
        connector(self.pipedrive())
    }

    fn records(&self) -> Vec<BTreeMap<String, String>> {
        let pipedrive = self.pipedrive();
        let records = [
            pipedrive.persons(),
            pipedrive.leads(),
            pipedrive.deals(),
            pipedrive.notes(),
        ];
        let mut found = Vec::new();
        for record in records.concat() {
            let mut fields = BTreeMap::new();
            flatten("", &Value::Object(record), &mut fields);
            found.push(fields);
        }
        found
    }
}

fn flatten(name: &str, value: &Value, record: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (part, value) in members {
                flatten(&format!("{name}/{part}"), value, record);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                flatten(&format!("{name}/{at}"), value, record);
            }
        }
        Value::String(text) => drop(record.insert(name.to_owned(), text.clone())),
        other => drop(record.insert(name.to_owned(), other.to_string())),
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(lead::at()))
}

fn connector(pipedrive: &Simulator) -> Arc<dyn Connector> {
    let http = Client::new(Options {
        allow_loopback: true,
        ..Options::default()
    });
    let url = Url::parse(&pipedrive.base_url()).unwrap();
    let config = Config::default()
        .with_url("pipedrive", url)
        .with_timeout(Duration::from_secs(10));
    let connectors = Connectors::new(&http.unwrap(), &clock(), &config);
    Arc::clone(connectors.get("pipedrive").unwrap())
}

fn id<'a>(pushed: &'a Pushed, word: &str) -> &'a str {
    pushed.remote_ids.get(word).unwrap()
}

#[tokio::test]
async fn a_hundred_leads_of_one_person_are_one_person_although_search_lags() {
    let world = World::with(Company {
        search_lag: Duration::from_secs(600),
        ..Company::default()
    })
    .await;
    let briefs: Vec<_> = (1..=100).map(|number| call(number, 9, |_| ())).collect();
    let pushes = briefs.iter().map(|brief| first_push(&world, brief));
    let pushed: Vec<_> = join_all(pushes)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let person = world.person()["id"].to_string();
    assert!(pushed.iter().all(|pushed| id(pushed, "person") == person));
    assert_eq!(world.pipedrive().leads().len(), 100);
    assert_eq!(world.pipedrive().notes().len(), 100);
    assert_eq!(world.pipedrive().fields("Lead external ID"), 2);
}

#[tokio::test]
async fn another_process_finds_what_was_begun_and_makes_nothing_twice() {
    let mut world = World::with(Company {
        search_lag: Duration::from_secs(600),
        ..Company::default()
    })
    .await;
    first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    world.connector = connector(world.pipedrive());
    first_push(&world, &call(2, 9, |_| ())).await.unwrap();
    first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    world.person();
    assert_eq!(world.pipedrive().leads().len(), 2);
    assert_eq!(world.pipedrive().notes().len(), 2);
}

#[tokio::test]
async fn a_person_typed_in_by_hand_is_completed_and_not_changed() {
    for (what, typed) in [
        (
            "address",
            json!({ "name": "Annie", "emails": [{ "value": "Ann@Example.com" }] }),
        ),
        (
            "number",
            json!({ "name": "Ann Lee", "phones": [{ "value": "5125550142" }] }),
        ),
        (
            "number",
            json!({ "name": "A. Lee", "phones": [{ "value": "+15125550142" }] }),
        ),
    ] {
        let world = World::start().await;
        let made = world.pipedrive().add_person(&typed).to_string();
        let pushed = first_push(&world, &call(1, 9, |_| ())).await.unwrap();
        assert_eq!(id(&pushed, "person"), made, "{what}");
        let person = world.person();
        for (name, value) in typed.as_object().unwrap() {
            assert_eq!(&person[name], value, "{what}");
        }
        assert!(
            person.contains_key("emails") && person.contains_key("phones"),
            "{person:?}"
        );
    }
    let world = World::start().await;
    let other = json!({ "name": "Mara Quill", "phones": [{ "value": "+15125550142" }] });
    world.pipedrive().add_person(&other);
    let without_email = call(1, 9, |document| document.source.said.person.email = None);
    first_push(&world, &without_email).await.unwrap();
    assert_eq!(
        world.pipedrive().persons().len(),
        2,
        "another name, another person"
    );
}

#[tokio::test]
async fn a_changed_lead_changes_the_note_alone() {
    let world = World::start().await;
    let first = first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    let before = (world.person(), world.pipedrive().leads());
    let changed = Brief {
        tags: vec!["signed".to_owned()],
        ..call(1, 9, |_| ())
    };
    push(&world, &changed, &known(&first)).await.unwrap();
    assert_eq!((world.person(), world.pipedrive().leads()), before);
    let notes = world.pipedrive().notes();
    assert_eq!(notes.len(), 1);
    assert!(notes[0]["content"].as_str().unwrap().contains("signed"));
}

#[tokio::test]
async fn a_request_becomes_a_deal_where_the_tenant_says_so() {
    let mut world = World::start().await;
    let becomes = ("becomes".to_owned(), "deal".to_owned());
    world.account.settings.extend([becomes]);
    let pushed = first_push(&world, &brief(Channel::Phone)).await.unwrap();
    let deals = world.pipedrive().deals();
    assert_eq!((deals.len(), world.pipedrive().leads().len()), (1, 0));
    assert_eq!(id(&pushed, "deal"), deals[0]["id"].to_string());
    assert_eq!(
        (&deals[0]["value"], &deals[0]["currency"]),
        (&json!(18_500.0), &json!("USD"))
    );
    assert_eq!(world.pipedrive().notes()[0]["deal_id"], deals[0]["id"]);
}

#[tokio::test]
async fn a_field_that_was_made_anew_is_found_under_its_new_key() {
    let world = World::start().await;
    first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    world.pipedrive().remake_field("Lead external ID");
    let other = call(2, 10, |document| {
        document.source.said.person.email = None;
        document.source.said.person.phone = None;
    });
    first_push(&world, &other).await.unwrap();
    let persons = world.pipedrive().persons();
    assert_eq!(persons.len(), 2);
    let own = persons[1]["custom_fields"].to_string();
    assert!(
        own.contains("per_0000000000000000000000000000000a"),
        "{own}"
    );
    assert_eq!(world.pipedrive().fields("Lead external ID"), 2);
}

#[tokio::test]
async fn a_person_that_people_deleted_is_made_again() {
    let world = World::start().await;
    let first = first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    world
        .pipedrive()
        .delete_person(id(&first, "person").parse().unwrap());
    let second = first_push(&world, &call(2, 9, |_| ())).await.unwrap();
    assert_ne!(id(&first, "person"), id(&second, "person"));
    assert_eq!(world.person()["id"].to_string(), id(&second, "person"));
}

#[tokio::test]
async fn a_lead_that_people_deleted_leaves_its_note_at_the_person() {
    let world = World::start().await;
    let path = "POST /api/v1/notes";
    let fault = simulators::Fault::Answer {
        status: 503,
        retry_after_seconds: None,
        body: None,
    };
    world.pipedrive().answer_next_to(path, fault, 1);
    first_push(&world, &call(1, 9, |_| ())).await.unwrap_err();
    let lead = world.pipedrive().leads()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.pipedrive().delete_lead(&lead);
    let pushed = first_push(&world, &call(1, 9, |_| ())).await.unwrap();
    let notes = world.pipedrive().notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0]["person_id"], world.person()["id"]);
    assert!(!notes[0].contains_key("lead_id"), "{notes:?}");
    assert!(world.pipedrive().leads().is_empty(), "it is not made again");
    let changed = Brief {
        tags: vec!["signed".to_owned()],
        ..call(1, 9, |_| ())
    };
    push(&world, &changed, &known(&pushed)).await.unwrap();
    assert_eq!(world.pipedrive().notes().len(), 1);
}

#[tokio::test]
async fn another_accounts_records_of_the_same_ids_are_left_alone() {
    let mut old = World::start().await;
    let pushed = first_push(&old, &call(1, 9, |_| ())).await.unwrap();
    // The connection leads to another company now, where somebody else has the id.
    let new = World::start().await;
    let theirs = json!({ "name": "Mara Quill", "phones": [{ "value": "+15125550199" }] });
    let theirs = new.pipedrive().add_person(&theirs);
    assert_eq!(id(&pushed, "person"), theirs.to_string());
    let before = new.person();
    old.connector = connector(new.pipedrive());
    let changed = Brief {
        tags: vec!["signed".to_owned()],
        ..call(1, 9, |_| ())
    };
    let pushed = push(&old, &changed, &known(&pushed)).await.unwrap();
    assert_ne!(id(&pushed, "person"), theirs.to_string());
    let persons = new.pipedrive().persons();
    assert_eq!(persons.len(), 2);
    assert_eq!(persons[0], before);
    assert_eq!(new.pipedrive().leads()[0]["person_id"], persons[1]["id"]);
    assert_eq!(new.pipedrive().notes()[0]["person_id"], persons[1]["id"]);
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    let retry = |seconds| Disposition::Retry {
        after: Some(Duration::from_secs(seconds)),
    };
    let words = |code: &str| json!({ "success": false, "error": "no", "code": code });
    for (status, body, expected) in [
        (402, words(""), Disposition::Hold),
        (403, words("feature_capping_deals_limit"), Disposition::Park),
        (403, words("scope"), Disposition::Hold),
        (403, json!("<html>blocked</html>"), retry(3_600)),
        (422, words(""), Disposition::Park),
        (429, words(""), retry(2)),
    ] {
        let world = World::start().await;
        let fault = simulators::Fault::Answer {
            status,
            retry_after_seconds: None,
            body: Some(body.clone()),
        };
        world
            .pipedrive()
            .answer_next_to("POST /api/v1/leads", fault, 2);
        let error = first_push(&world, &brief(Channel::Phone))
            .await
            .unwrap_err();
        assert_eq!(error.disposition(), expected, "{status} {body}: {error:?}");
    }
    let world = World::with(Company {
        daily_tokens: Some(60),
        ..Company::default()
    })
    .await;
    let error = first_push(&world, &brief(Channel::Phone))
        .await
        .unwrap_err();
    assert!(matches!(error, PushError::Throttled { .. }), "{error:?}");
    assert_eq!(
        error.disposition(),
        retry(3_600),
        "the day's budget is spent"
    );
}
