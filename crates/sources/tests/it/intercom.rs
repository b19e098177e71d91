//! Intercom: what its webhooks say, and its API client against the simulated Intercom.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use domain::{
    Account, Author, ChatFacts, ChatStatus, Classify as _, ConnectionName, Disposition, Facts,
    News, Reading, TenantId, lead::thread,
};
use http_client::{Client, Options};
use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::{
    Fault, Simulators,
    intercom::{self, Message, Wanted, Who},
};
use sources::{ApiError, ApiSet, Config, Details, Source as _, SourceSpec, Sources, Verified};

const SOURCE: &sources::intercom::Intercom = &sources::intercom::Intercom;
const ID: &str = "215471000123456";

fn spec() -> &'static SourceSpec {
    SOURCE.spec()
}

fn body(name: &str) -> Value {
    let mut samples = spec().samples.iter();
    let sample = samples.find(|sample| sample.name == name).unwrap();
    serde_json::from_slice(sample.body).unwrap()
}

fn read(body: &Value) -> Reading {
    let body = Bytes::from(body.to_string());
    let delivery = Verified::restored(spec(), "intercom-sha1", BTreeMap::new(), body).unwrap();
    SOURCE.read(&delivery, None).unwrap()
}

fn news(name: &str) -> News {
    match read(&body(name)) {
        Reading::News(news) => *news,
        other => panic!("{other:?}"),
    }
}

fn chat(facts: &Facts) -> &ChatFacts {
    facts.about.chat().expect("it is a chat")
}

/// Who said what, in order.
fn said(chat: &ChatFacts) -> Vec<(Author, &str)> {
    let messages = thread::in_order(&chat.messages).into_iter();
    messages
        .map(|(_, message)| (message.from, message.text.as_str()))
        .collect()
}

const FIRST: &str = "Hi, can you remodel a 200 sq ft kitchen in 78664? We want to start in May.";

#[test]
fn a_chat_says_who_what_when_and_where() {
    let News {
        facts,
        is_thin,
        is_addition,
        delivery_id,
        ..
    } = news("conversation-user-created");
    assert!(is_thin && !is_addition);
    assert!(delivery_id.unwrap().starts_with("notif_"));
    assert_eq!(facts.canonical_id.as_deref(), Some(ID));
    let person = &facts.person;
    assert_eq!(person.name.as_deref(), Some("Dana Whitfield"));
    assert_eq!(person.email.as_deref(), Some("dana.whitfield@example.com"));
    let chat = chat(&facts);
    assert_eq!(said(chat), [(Author::Customer, FIRST)]);
    assert_eq!(chat.status, Some(ChatStatus::Open));
    let began: Timestamp = "2026-03-17T14:42:10Z".parse().unwrap();
    assert_eq!(
        (chat.started_at, chat.stated_at),
        (Some(began), Some(began))
    );
    let page = chat.page_url.as_deref();
    assert_eq!(page, Some("https://remodel.example.com/kitchens"));
}

#[test]
fn both_generations_of_bodies_are_one_lead() {
    let (today, older) = (
        news("conversation-user-created"),
        news("conversation-user-created-older"),
    );
    assert_eq!(today.facts.person, older.facts.person);
    assert_eq!(said(chat(&today.facts)), said(chat(&older.facts)));
    let began = |news: &News| chat(&news.facts).started_at;
    assert_eq!(began(&today), began(&older));
    assert_eq!(today.aliases, older.aliases);
}

#[test]
fn whoever_is_not_the_person_is_told_apart() {
    let facts = news("conversation-user-replied-bot").facts;
    let expected = [
        (Author::Customer, FIRST),
        (Author::Bot, "What is your budget?"),
        (Author::Customer, "Around $50k & soon."),
    ];
    assert_eq!(said(chat(&facts)), expected, "without Intercom's own hint");
    let files = &chat(&facts).messages["3301"].attachments;
    assert_eq!(files[0].name, "kitchen.jpg");
    assert_eq!(files[0].size_bytes, Some(48_211));
    let kept = serde_json::to_string(&facts).unwrap();
    assert!(!kept.contains("intercomcdn"), "no link is kept: {kept}");
    let answered = news("conversation-admin-replied");
    assert!(answered.is_addition, "an agent's words are no lead");
    assert_eq!(chat(&answered.facts).messages["3302"].from, Author::Agent);
}

#[test]
fn an_invented_name_is_none() {
    let person = news("conversation-user-created-unnamed").facts.person;
    assert_eq!((person.name, person.email), (None, None));
}

#[test]
fn a_ping_without_an_id_is_a_ping() {
    assert_eq!(read(&body("ping-bare")), Reading::Ping);
    assert_eq!(read(&body("ping")), Reading::Ping);
}

#[test]
fn words_that_must_go_have_gone() {
    for name in [
        "conversation-part-redacted",
        "conversation-part-redacted-alone",
    ] {
        let redacted = news(name);
        assert!(redacted.is_addition && redacted.is_thin, "{name}");
        let mut known = news("conversation-user-replied").facts;
        known.overlay(&redacted.facts);
        let message = &chat(&known).messages["3301"];
        assert!(message.is_deleted && message.text.is_empty(), "{name}");
        // A late repeat of what it was does not bring it back.
        known.overlay(&news("conversation-user-replied").facts);
        assert!(chat(&known).messages["3301"].text.is_empty(), "{name}");
    }
    let mut known = news("conversation-user-replied").facts;
    known.overlay(&news("conversation-deleted").facts);
    assert!(said(chat(&known)).iter().all(|(_, text)| text.is_empty()));
}

#[test]
fn an_id_that_is_none_is_refused() {
    let mut odd = body("conversation-user-created");
    odd["data"]["item"]["id"] = json!("../contacts/1");
    let raw = Bytes::from(odd.to_string());
    let delivery = Verified::restored(spec(), "intercom-sha1", BTreeMap::new(), raw).unwrap();
    SOURCE.read(&delivery, None).unwrap_err();
}

/// A client of the simulated Intercom.
struct World {
    simulators: Simulators,
    account: Account,
    workspaces: Vec<String>,
}

impl World {
    async fn start() -> Self {
        let credential = simulators::SIMULATORS
            .iter()
            .find(|spec| spec.slug == "intercom")
            .unwrap()
            .credential;
        Self {
            simulators: Simulators::start(simulators::Config::default())
                .await
                .unwrap(),
            account: Account {
                tenant: TenantId::new("tenant_demo").unwrap(),
                connection: ConnectionName::new("intercom").unwrap(),
                version: 1,
                secret: credential.to_owned().into(),
                settings: BTreeMap::new(),
            },
            workspaces: Vec::new(),
        }
    }

    fn intercom(&self) -> &intercom::Simulator {
        self.simulators.intercom()
    }

    async fn details(&self) -> Result<Details, ApiError> {
        let options = Options {
            allow_loopback: true,
            ..Options::default()
        };
        let client = Client::new(options).unwrap();
        let url = self.intercom().base_url().parse().unwrap();
        let config = Config::default().with_url("intercom", url);
        let set = ApiSet::new(&client, &Sources::standard(), &config);
        let facts = Facts {
            external_id: Some(ID.to_owned()),
            ..Facts::default()
        };
        let details = &set.get("intercom").unwrap().details;
        details
            .details(&self.account, &self.workspaces, &facts)
            .await
    }
}

#[tokio::test]
async fn the_api_shows_the_whole_thread_and_the_person() {
    let world = World::start().await;
    let intercom = world.intercom();
    intercom.register(
        ID,
        Wanted {
            tags: vec!["kitchen".to_owned()],
            ..Wanted::default()
        },
    );
    intercom.write(ID, Message::person("What is your budget?").from(Who::Bot));
    intercom.write(ID, Message::person("Around $50k & soon."));
    intercom.write(ID, Message::person("Sounds cheap.").from(Who::Note));
    intercom.write(ID, Message::person("We will call you.").from(Who::Admin));
    intercom.close(ID);
    let Details { facts, aliases } = world.details().await.unwrap();
    let words: Vec<_> = said(chat(&facts));
    let expected = [
        (Author::Customer, FIRST),
        (Author::Bot, "What is your budget?"),
        (Author::Customer, "Around $50k & soon."),
        (Author::Agent, "We will call you."),
    ];
    assert_eq!(words, expected);
    assert_eq!(chat(&facts).status, Some(ChatStatus::Closed));
    assert_eq!(chat(&facts).is_cut, None);
    assert_eq!(facts.person.phone.as_deref(), Some("+1 512-555-0142"));
    assert_eq!(facts.person.city.as_deref(), Some("Round Rock"));
    assert_eq!(facts.attribution["utm_campaign"], "austin-kitchen-remodel");
    assert_eq!(facts.labels.tags, Some(vec!["kitchen".to_owned()]));
    assert_eq!(aliases[0].value, ID);
}

#[tokio::test]
async fn a_thread_that_is_longer_than_what_is_shown_says_so() {
    let world = World::start().await;
    world.intercom().register(ID, Wanted::default());
    let began: Timestamp = "2026-11-02T15:00:00Z".parse().unwrap();
    for number in 0..520 {
        let at = began + Duration::from_secs(60 * (number + 1));
        let message = Message::person(&format!("message {number}")).at(at);
        world.intercom().write(ID, message);
    }
    let facts = world.details().await.unwrap().facts;
    assert_eq!(chat(&facts).is_cut, Some(true));
    let words = said(chat(&facts));
    let is_shown = |text: &str| words.iter().any(|(_, said)| *said == text);
    assert!(is_shown("message 519") && is_shown("message 20"));
    assert!(
        !is_shown("message 19"),
        "the API shows the newest 500 parts"
    );
}

#[tokio::test]
async fn a_person_who_is_gone_leaves_the_thread() {
    let world = World::start().await;
    world.intercom().register(
        ID,
        Wanted {
            has_no_contact: true,
            ..Wanted::default()
        },
    );
    let facts = world.details().await.unwrap().facts;
    assert_eq!(facts.person.phone, None);
    assert_eq!(facts.person.name.as_deref(), Some("Dana Whitfield"));
    assert_eq!(said(chat(&facts)), [(Author::Customer, FIRST)]);
}

#[tokio::test]
async fn another_workspace_and_an_unknown_region_are_refused() {
    let mut world = World::start().await;
    world.intercom().register(ID, Wanted::default());
    world.workspaces = vec!["other001".to_owned()];
    let error = world.details().await.unwrap_err();
    assert!(matches!(error, ApiError::Foreign), "{error:?}");
    world.workspaces = vec![intercom::WORKSPACE.to_owned()];
    world.details().await.unwrap();
    for (region, is_known) in [("eu", true), ("AU", true), ("mars", false)] {
        let region = region.to_owned();
        world.account.settings.insert("region".to_owned(), region);
        let answer = world.details().await;
        assert_eq!(answer.is_ok(), is_known, "{answer:?}");
    }
}

#[tokio::test]
async fn each_failure_says_what_to_do_next() {
    let world = World::start().await;
    for (fault, expected) in [
        (Fault::RevokedToken, Disposition::Hold),
        (Fault::Status(403), Disposition::Hold),
        (Fault::Status(500), Disposition::Retry { after: None }),
        (Fault::Malformed, Disposition::Retry { after: None }),
        (Fault::Status(302), Disposition::Park),
    ] {
        world.intercom().answer_next(fault.clone());
        let error = world.details().await.unwrap_err();
        assert_eq!(error.disposition(), expected, "{fault:?}: {error}");
        world.intercom().clear_faults();
    }
    world.intercom().answer_next(Fault::RateLimit);
    let error = world.details().await.unwrap_err();
    let Disposition::Retry { after: Some(wait) } = error.disposition() else {
        panic!("{error:?}")
    };
    assert!(wait <= Duration::from_secs(11), "{wait:?}");
    world.intercom().register(
        ID,
        Wanted {
            missing: true,
            ..Wanted::default()
        },
    );
    let error = world.details().await.unwrap_err();
    assert!(matches!(error, ApiError::NotFound), "{error:?}");
}

fn person_of(body: &Value) -> domain::PersonFacts {
    match read(body) {
        Reading::News(news) => news.facts.person,
        other => panic!("{other:?}"),
    }
}

/// Bots ask for a number and keep it under a name of the company's.
#[test]
fn attributes_that_are_called_like_a_number_or_an_address_are_one() {
    let mut body = body("conversation-user-created");
    let item = &mut body["data"]["item"];
    item["source"]["author"] = json!({ "type": "lead", "id": "c1", "name": "Ann Lee" });
    item["custom_attributes"] = json!({ "Phone number": "512-555-0171", "Email (work)": "ann@example.com", "Plan": "gold" });
    let person = person_of(&body);
    assert_eq!(person.phone.as_deref(), Some("512-555-0171"));
    assert_eq!(person.email.as_deref(), Some("ann@example.com"));
    assert_eq!(person.name.as_deref(), Some("Ann Lee"));
}

/// A contact that was merged writes on under another id, and somebody else may take part.
#[test]
fn a_merged_contact_is_the_same_person_and_another_one_is_not() {
    let written_on = |contacts: Value, author: Value| {
        let mut body = body("conversation-user-created");
        let item = &mut body["data"]["item"];
        item["source"]["author"] =
            json!({ "type": "lead", "id": "c1", "name": "Ann Lee", "email": "ann@example.com" });
        item["contacts"] = json!({ "type": "contact.list", "contacts": contacts });
        item["conversation_parts"] = json!({ "conversation_parts": [{
            "type": "conversation_part", "id": "9", "part_type": "comment", "body": "<p>Hi</p>", "author": author,
        }] });
        person_of(&body)
    };
    let phone = "512-555-0171";
    let one = json!([{ "type": "contact", "id": "c2" }]);
    let two = json!([{ "type": "contact", "id": "c1" }, { "type": "contact", "id": "c2" }]);
    let author = |name: &str, email: Option<&str>| json!({ "type": "user", "id": "c2", "name": name, "email": email, "phone": phone });
    for (contacts, author, expected) in [
        (&one, author("Ann Lee", None), Some(phone)),
        (&two, author("Ann", Some("ann@example.com")), Some(phone)),
        (&two, author("Ann Lee", None), None),
        (&two, author("Bo", Some("bo@example.com")), None),
        (&one, author("Bo", Some("bo@example.com")), None),
    ] {
        let person = written_on(contacts.clone(), author.clone());
        assert_eq!(person.name.as_deref(), Some("Ann Lee"), "{author}");
        assert_eq!(person.phone.as_deref(), expected, "{contacts} {author}");
    }
}
