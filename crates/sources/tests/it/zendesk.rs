//! Zendesk: what its three senders say, and its API client against the simulated Zendesk.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use domain::{
    Account, Author, ChatFacts, ChatStatus, Classify as _, ConnectionName, Disposition, Facts,
    News, Reading, TenantId, lead::thread,
};
use http::{HeaderMap, HeaderValue};
use http_client::{Client, Options};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use simulators::{
    Fault, Simulators,
    zendesk::{self, Comment, Wanted},
};
use sources::{
    ApiError, ApiSet, Config, Details, ReadError, SignatureError, Source as _, SourceSpec, Sources,
    Verified, verify,
};

const SOURCE: &sources::zendesk::Zendesk = &sources::zendesk::Zendesk;
const TICKET: &str = "5158";
const CONVERSATION: &str = "67ab5f53a96f98663935c3f2";
const TEST_SECRET: &str = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==";

fn spec() -> &'static SourceSpec {
    SOURCE.spec()
}

fn body(name: &str) -> Value {
    let mut samples = spec().samples.iter();
    let sample = samples.find(|sample| sample.name == name).unwrap();
    serde_json::from_slice(sample.body).unwrap()
}

fn try_read(body: &str) -> Result<Reading, ReadError> {
    let body = Bytes::from(body.to_owned());
    let delivery = Verified::restored(spec(), "zendesk-sha256", BTreeMap::new(), body).unwrap();
    SOURCE.read(&delivery, None)
}

fn news_of(body: &Value) -> News {
    match try_read(&body.to_string()).unwrap() {
        Reading::News(news) => *news,
        other => panic!("{other:?}"),
    }
}

fn news(name: &str) -> News {
    news_of(&body(name))
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

#[test]
fn a_ticket_says_what_the_person_wrote() {
    let News {
        facts,
        is_thin,
        is_addition,
        delivery_id,
        ..
    } = news("ticket-created");
    assert!(is_thin && !is_addition);
    assert_eq!(
        delivery_id.as_deref(),
        Some("cbe4028c-7239-495d-b020-f22348516046")
    );
    assert_eq!(facts.canonical_id.as_deref(), Some(TICKET));
    let chat = chat(&facts);
    let words = "Looking for a bathroom remodel quote, 60 sq ft, 78681. Call +1 512-555-0163.";
    assert_eq!(said(chat), [(Author::Customer, words)]);
    assert_eq!(chat.subject.as_deref(), Some("Bathroom remodel quote"));
    assert_eq!(chat.status, Some(ChatStatus::Open));
}

#[test]
fn a_comment_is_told_apart_by_who_wrote_it() {
    let person = news("ticket-comment-added");
    assert!(!person.is_addition);
    let message = &chat(&person.facts).messages["9876543210"];
    assert_eq!(message.from, Author::Customer);
    assert_eq!(message.name.as_deref(), Some("Sam Reyes"));
    let staff = news("ticket-comment-added-staff");
    assert!(staff.is_addition, "an agent's words are no lead");
    assert_eq!(
        chat(&staff.facts).messages["9876543211"].from,
        Author::Agent
    );
    // A ticket that an agent made for somebody is the agent's words.
    let mut made = body("ticket-created");
    made["detail"]["submitter_id"] = json!("8447388090500");
    let made = news_of(&made);
    assert_eq!(said(chat(&made.facts))[0].0, Author::Agent);
    // An internal note is nobody's words to the person.
    let internal = body("ticket-comment-added-internal").to_string();
    assert!(matches!(try_read(&internal), Ok(Reading::Ignored { .. })));
}

#[test]
fn a_first_comment_is_the_description() {
    let mut first = body("ticket-comment-added");
    first["event"]["comment"]["body"] = first["detail"]["description"].clone();
    let facts = news_of(&first).facts;
    assert_eq!(chat(&facts).messages.len(), 1);
}

#[test]
fn messaging_names_ticket_and_conversation() {
    let told = news("messaging-message-added");
    let names: Vec<_> = told.aliases.iter().map(|alias| &*alias.value).collect();
    assert_eq!(names, ["5161", CONVERSATION]);
    let direct = news("conversation-message");
    assert_eq!(direct.aliases, told.aliases[1..]);
    let id = "67ab5f55155becd183e284cb";
    let words = |news: &News| chat(&news.facts).messages[id].text.clone();
    assert_eq!(words(&told), words(&direct), "one message, told twice");
    assert_eq!(direct.facts.person.name.as_deref(), Some("Sam Reyes"));
    let email = direct.facts.person.email.as_deref();
    assert_eq!(email, Some("sam.reyes@example.com"));
    assert!(news("messaging-message-added-agent").is_addition);
}

#[test]
fn several_messages_in_one_body_are_read() {
    let facts = news("conversation-messages").facts;
    let expected = [
        (
            Author::Customer,
            "Do you do tub to shower conversions in 78681?",
        ),
        (Author::Agent, "We do. When can we call?"),
    ];
    assert_eq!(said(chat(&facts)), expected);
}

/// A picture says something, also where its provider names neither its type nor its words.
#[test]
fn a_message_that_is_a_picture_names_it() {
    let mut body = body("conversation-messages");
    let content =
        json!({ "type": "image", "mediaUrl": "https://files.example/a.jpg", "altText": "plan" });
    body["events"][0]["payload"]["message"]["content"] = content;
    let facts = news_of(&body).facts;
    let names: Vec<_> = chat(&facts)
        .messages
        .values()
        .flat_map(|message| &message.attachments)
        .map(|file| (file.name.as_str(), file.content_type.as_deref()))
        .collect();
    assert_eq!(names, [("plan", None)]);
}

#[test]
fn a_place_that_a_trigger_did_not_fill_says_nothing() {
    let person = news("trigger-ticket").facts.person;
    assert_eq!(person.phone.as_deref(), Some("+15125550163"));
    let person = news("trigger-ticket-unfilled").facts.person;
    assert_eq!((person.name, person.phone), (None, None));
    assert_eq!(person.email.as_deref(), Some("sam.reyes@example.com"));
    // A template that was sent as it was typed names no ticket: a person looks.
    let typed = "{\"ticket_id\":\"{{ticket.ID}}\",\"text\":\"He said \"call me\"\n tomorrow\"}";
    try_read(typed).unwrap_err();
}

/// The same trigger with a text that somebody put into it without the filter `json`.
fn trigger_with(ticket: &str, text: &str) -> String {
    format!(
        "{{\"schema\":1,\"ticket_id\":\"{ticket}\",\"title\":\"{text}\",\"requester\":{{\"name\":\"Ada Moss\"}}}}"
    )
}

#[test]
fn a_trigger_whose_words_break_its_json_still_names_its_ticket() {
    for text in [
        "He said \"call me\"\n tomorrow",
        "\"quoted\"",
        "a \\ at the end\\",
        "two\r\nlines, {braces} and [brackets], \"and\": more",
        "a\u{0}b",
    ] {
        let body = trigger_with(TICKET, text);
        assert!(serde_json::from_str::<Value>(&body).is_err(), "{body}");
        let news = match try_read(&body) {
            Ok(Reading::News(news)) => *news,
            other => panic!("{body}: {other:?}"),
        };
        let ids: Vec<_> = news.aliases.iter().map(|alias| &alias.value).collect();
        assert_eq!(ids, [TICKET], "{body}");
        // Whatever is mended here, the API tells what holds.
        assert!(news.is_thin, "{body}");
    }
}

#[test]
fn a_trigger_as_it_was_typed_is_no_ticket_and_nobodys_name() {
    for place in ["{{ticket.ID}}", "{{ticket.id}}", "", "5158-2", "null"] {
        let body = trigger_with(place, "A new bath");
        assert!(try_read(&body).is_err(), "{place:?}");
    }
    let typed = trigger_with(TICKET, "{{ticket.title}}").replace("Ada Moss", "{{requester.name}}");
    let news = match try_read(&typed).unwrap() {
        Reading::News(news) => *news,
        other => panic!("{other:?}"),
    };
    assert_eq!(news.facts.person.name, None);
    let facts = serde_json::to_string(&news.facts).unwrap();
    assert!(!facts.contains("{{"), "{facts}");
}

#[test]
fn a_ticket_that_is_deleted_leaves_no_words() {
    let deleted = news("ticket-permanently-deleted");
    assert!(deleted.is_addition && !deleted.is_thin);
    let mut known = news("ticket-created").facts;
    known.overlay(&deleted.facts);
    assert!(said(chat(&known)).iter().all(|(_, text)| text.is_empty()));
    assert_eq!(news("ticket-marked-as-spam").facts.marked_spam, Some(true));
    let solved = news("ticket-status-changed");
    assert!(chat(&solved.facts).is_closed());
}

#[test]
fn the_published_secret_is_refused_before_it_is_stored() {
    let verification = &spec().verification;
    assert!(verification.key_fault(&[], TEST_SECRET).is_some());
    assert!(
        verification
            .key_fault(&[], zendesk::SIGNING_SECRET)
            .is_none()
    );
}

#[test]
fn a_key_in_a_header_has_to_be_the_tenants() {
    let mut samples = spec().samples.iter();
    let sample = samples
        .find(|sample| sample.name == "conversation-message")
        .unwrap();
    let at: Timestamp = "2026-03-17T15:02:06Z".parse().unwrap();
    let sent = |key: &'static str| {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-api-key"),
            HeaderValue::from_static(key),
        )]);
        let keys = [SecretString::from("sunco-shared-secret-0001")];
        verify(spec(), &[], &keys, &headers, sample.body.into(), at).map(drop)
    };
    assert_eq!(sent("sunco-shared-secret-0001"), Ok(()));
    assert_eq!(sent("sunco-shared-secret-0002"), Err(SignatureError::Wrong));
    assert_eq!(sent("sunco-shared-secret"), Err(SignatureError::Wrong));
}

#[test]
fn a_signature_of_nothing_covers_its_time() {
    // The vector of a webhook without a body: 853p… is of this time alone.
    let headers = |time: &'static str| {
        HeaderMap::from_iter([
            (
                http::HeaderName::from_static("x-zendesk-webhook-signature"),
                HeaderValue::from_static("853pJ9zlxhpLgNf9bHtc/yCmimLrym32/ki9tzcp0sY="),
            ),
            (
                http::HeaderName::from_static("x-zendesk-webhook-signature-timestamp"),
                HeaderValue::from_static(time),
            ),
        ])
    };
    let at: Timestamp = "2026-03-17T15:00:00Z".parse().unwrap();
    let keys = [SecretString::from(TEST_SECRET)];
    let check = |time, now| verify(spec(), &[], &keys, &headers(time), Bytes::new(), now).map(drop);
    assert_eq!(check("2026-03-17T15:00:00Z", at), Ok(()));
    let other = check("2026-03-17T15:00:01Z", at);
    assert_eq!(other, Err(SignatureError::Wrong));
    let late = check("2026-03-17T15:00:00Z", at + Duration::from_secs(301));
    assert_eq!(late, Err(SignatureError::Stale));
}

/// A client of the simulated Zendesk.
struct World {
    simulators: Simulators,
    account: Account,
}

impl World {
    async fn start() -> Self {
        let mut specs = simulators::SIMULATORS.iter();
        let spec = specs.find(|spec| spec.slug == "zendesk").unwrap();
        let settings = spec.demo.unwrap().settings.iter();
        let settings = settings.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Self {
            simulators: Simulators::start(simulators::Config::default())
                .await
                .unwrap(),
            account: Account {
                tenant: TenantId::new("tenant_demo").unwrap(),
                connection: ConnectionName::new("zendesk").unwrap(),
                version: 1,
                secret: spec.credential.to_owned().into(),
                settings: settings.collect(),
            },
        }
    }

    fn zendesk(&self) -> &zendesk::Simulator {
        self.simulators.zendesk()
    }

    async fn details(&self, id: &str) -> Result<Details, ApiError> {
        let options = Options {
            allow_loopback: true,
            ..Options::default()
        };
        let client = Client::new(options).unwrap();
        let url = self.zendesk().base_url().parse().unwrap();
        let config = Config::default().with_url("zendesk", url);
        let set = ApiSet::new(&client, &Sources::standard(), &config);
        let facts = Facts {
            external_id: Some(id.to_owned()),
            ..Facts::default()
        };
        let details = &set.get("zendesk").unwrap().details;
        details.details(&self.account, &[], &facts).await
    }
}

#[tokio::test]
async fn the_api_shows_the_whole_thread_and_the_requester() {
    let world = World::start().await;
    let zendesk = world.zendesk();
    zendesk.register(TICKET, Wanted::default());
    let began: Timestamp = "2026-11-02T15:00:00Z".parse().unwrap();
    for number in 0..250_u64 {
        let at = began + Duration::from_secs(60 * number);
        let comment = match number % 3 {
            0 => Comment::person(&format!("message {number}")),
            1 => Comment::agent(&format!("message {number}")),
            _ => Comment::internal(&format!("note {number}")),
        };
        zendesk.comment(TICKET, comment.at(at));
    }
    let Details { facts, aliases } = world.details(TICKET).await.unwrap();
    assert_eq!(aliases[0].value, TICKET);
    assert_eq!(facts.person.phone.as_deref(), Some("+1 512-555-0163"));
    let tags = ["web", "bath"].map(str::to_owned).to_vec();
    assert_eq!(facts.labels.tags, Some(tags));
    let thread = chat(&facts);
    assert_eq!(thread.messages.len(), 251, "all pages");
    assert_eq!(thread.is_cut, None);
    assert!(thread.messages.contains_key("0"));
    let words = said(thread);
    assert!(!words.iter().any(|(_, text)| text.starts_with("note")));
    assert_eq!(words[0], (Author::Customer, "message 0"));
    assert_eq!(words[1], (Author::Agent, "message 1"));
    // What was told by webhooks is in it already.
    let told = zendesk.told(TICKET, began);
    let mut united = facts.clone();
    for delivery in told {
        let body: Value = serde_json::from_slice(&delivery.body).unwrap();
        if let Reading::News(news) = try_read(&body.to_string()).unwrap() {
            united.overlay(&news.facts);
        }
    }
    let spoken = |facts: &Facts| {
        let words = said(chat(facts));
        words
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .count()
    };
    assert_eq!(spoken(&united), spoken(&facts), "nothing is doubled");
}

#[tokio::test]
async fn what_is_asked_needs_its_settings() {
    let mut world = World::start().await;
    world.zendesk().register(TICKET, Wanted::default());
    world.details(CONVERSATION).await.unwrap();
    for (key, value) in [("email", ""), ("subdomain", ""), ("subdomain", "a.b/c")] {
        let known = world
            .account
            .settings
            .insert(key.to_owned(), value.to_owned());
        let error = world.details(TICKET).await.unwrap_err();
        assert!(matches!(error, ApiError::NotConfigured(_)), "{error:?}");
        world
            .account
            .settings
            .insert(key.to_owned(), known.unwrap());
    }
    world.details(TICKET).await.unwrap();
    for strange in ["me", "../me", ""] {
        let error = world.details(strange).await.unwrap_err();
        assert!(matches!(error, ApiError::NotFound), "{strange}: {error:?}");
    }
}

#[tokio::test]
async fn each_failure_says_what_to_do_next() {
    let world = World::start().await;
    let seconds = |seconds| Disposition::Retry {
        after: Some(Duration::from_secs(seconds)),
    };
    for (fault, expected) in [
        (Fault::RateLimit, seconds(7)),
        (Fault::RevokedToken, Disposition::Hold),
        (Fault::Status(500), Disposition::Retry { after: None }),
        (Fault::Malformed, Disposition::Retry { after: None }),
        (Fault::Status(302), Disposition::Park),
    ] {
        world.zendesk().answer_next(fault.clone());
        let error = world.details(TICKET).await.unwrap_err();
        assert_eq!(error.disposition(), expected, "{fault:?}: {error}");
        world.zendesk().clear_faults();
    }
}

#[test]
fn several_conversations_that_cannot_be_taken_apart_are_left_to_a_person() {
    let mut several = body("conversation-messages");
    several["events"][1]["payload"]["conversation"]["id"] = json!("67ab5f53a96f98663935c3ff");
    let whole = several.to_string();
    let broken = whole.strip_suffix('}').unwrap();
    let delivery = Verified::restored(
        spec(),
        "zendesk-sha256",
        BTreeMap::new(),
        Bytes::from(broken.to_owned()),
    );
    let parts = SOURCE.parts(delivery.unwrap());
    assert_eq!(parts.len(), 1);
    let read = SOURCE.read(&parts[0], None);
    assert!(matches!(read, Err(ReadError::Several { .. })), "{read:?}");
}

/// What a visitor enters in the form before a chat is how somebody can call them.
#[test]
fn the_form_before_a_chat_says_who_can_be_called() {
    let mut message = body("conversation-message");
    let said = &mut message["events"][0]["payload"]["message"];
    said["author"]["user"]["profile"] = json!({});
    said["content"] = json!({ "type": "formResponse", "fields": [
        { "type": "text", "name": "name", "label": "What should we call you?", "text": "Sam Reyes" },
        { "type": "text", "name": "field_7", "label": "Phone (optional)", "text": "512-555-0171" },
        { "type": "email", "name": "where", "label": "Where do we write to?", "email": "sam@example.com" },
        { "type": "select", "name": "what", "label": "What is it about?", "select": [{ "name": "k", "label": "Kitchen" }] },
    ] });
    let news = news_of(&message);
    let person = &news.facts.person;
    assert_eq!(person.name.as_deref(), Some("Sam Reyes"));
    assert_eq!(person.phone.as_deref(), Some("512-555-0171"));
    assert_eq!(person.email.as_deref(), Some("sam@example.com"));
    let words = chat(&news.facts).messages.values().next().unwrap();
    assert!(
        words.text.contains("What is it about?: Kitchen"),
        "{}",
        words.text
    );

    let user = &mut message["events"][0]["payload"]["message"];
    user["content"] = json!({ "type": "text", "text": "Hello" });
    user["author"]["user"]["metadata"] = json!({ "mobilePhone": "737-555-0100", "plan": "gold" });
    user["author"]["user"]["identities"] = json!([{ "type": "email", "value": "sam@example.com" }]);
    let person = news_of(&message).facts.person;
    assert_eq!(person.phone.as_deref(), Some("737-555-0100"));
    assert_eq!(person.email.as_deref(), Some("sam@example.com"));
}

/// Somebody else who writes in a conversation has a number of their own. Who has another id and the same address is the
/// same.
#[test]
fn nobody_gets_the_number_of_somebody_else_in_the_conversation() {
    let mut two = body("conversation-message");
    let mut other = two["events"][0].clone();
    let of = |event: &mut Value, message: &str, user: &str, profile: Value, metadata: Value| {
        let message_of = &mut event["payload"]["message"];
        message_of["id"] = json!(message);
        message_of["author"]["userId"] = json!(user);
        message_of["author"]["user"] =
            json!({ "id": user, "profile": profile, "metadata": metadata });
    };
    let sam = json!({ "givenName": "Sam", "email": "sam@example.com" });
    of(
        &mut two["events"][0],
        "67ab5f55155becd183e284c1",
        "67ab5f53a96f98663935c3f0",
        sam.clone(),
        json!({}),
    );
    for (profile, phone) in [
        (
            json!({ "givenName": "Bo", "email": "bo@example.com" }),
            None,
        ),
        (sam, Some("737-555-0100")),
    ] {
        let metadata = json!({ "phone": "737-555-0100" });
        of(
            &mut other,
            "67ab5f55155becd183e284c2",
            "67ab5f53a96f98663935c3f9",
            profile,
            metadata,
        );
        let mut both = two.clone();
        both["events"].as_array_mut().unwrap().push(other.clone());
        let person = news_of(&both).facts.person;
        assert_eq!(person.name.as_deref(), Some("Sam"));
        assert_eq!(person.phone.as_deref(), phone);
    }
}

#[test]
fn what_a_company_adds_to_the_trigger_says_who_can_be_called() {
    let mut trigger = body("trigger-ticket");
    trigger["requester"] = json!({ "name": "Sam Reyes" });
    trigger["Cell phone"] = json!("512-555-0171");
    trigger["contact_email"] = json!("{{ticket.ticket_field_1}}");
    let person = news_of(&trigger).facts.person;
    assert_eq!(person.phone.as_deref(), Some("512-555-0171"));
    assert_eq!(person.email, None);
}
