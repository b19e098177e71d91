//! Senders of one tenant who count by the same ids, each at a source of its own.

use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{Clock as _, SourceId, TenantId};
use secrecy::SecretString;
use serde_json::{Value, json};
use sources::Sources;
use store::{RequestQuery, Source, SourceState, Store as _, TokenHash};
use uuid::Uuid;

use crate::world::{COMPANY, World};

const URLENCODED: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A sender, by the token of its source.
struct Sender {
    token: &'static str,
    key: SecretString,
}

/// A further source of the world's tenant.
async fn sender(world: &World, number: u128, provider: &str, token: &'static str) -> Sender {
    let bytes = number.to_be_bytes().repeat(2);
    let key = SecretString::from(format!("whsec_{}", STANDARD.encode(bytes)));
    let name = format!("key_of_{}", token.replace('-', "_"));
    world.keys.add(&name, key.clone());
    let source = Source {
        id: SourceId::from_uuid(Uuid::from_u128(number)),
        tenant: world.tenant.clone(),
        provider: provider.to_owned(),
        office: None,
        connection: None,
        token: Some(TokenHash::of(token)),
        accounts: Vec::new(),
        key_names: vec![format!("{name}@1")],
        schemes: Vec::new(),
        state: SourceState::Active,
        name: None,
        version: 1,
    };
    world.store.put_source(&source).await.unwrap();
    Sender { token, key }
}

/// What a sender's delivery is answered. It is signed with its id, or has none.
async fn deliver(world: &World, sender: &Sender, id: &str, body: &Value) -> Value {
    let spec = Sources::standard().get("signedwebhook").unwrap().spec();
    let body = body.to_string();
    let now = world.clock.now();
    let scheme = if id.is_empty() {
        "github"
    } else {
        "standard-webhooks"
    };
    let accepted = [scheme.to_owned()];
    let signed = spec
        .verification
        .sign(&accepted, &sender.key, id, body.as_bytes(), now)
        .unwrap();
    let headers: Vec<_> = signed
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let url = format!("/v1/hooks/{}", sender.token);
    let answer = world.send("192.0.2.1", &url, &headers, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.body
}

/// The names of the people who asked, in order.
async fn people(world: &World, tenant: &TenantId) -> Vec<String> {
    let all = RequestQuery {
        limit: 200,
        ..RequestQuery::default()
    };
    let page = world.store.list_requests(tenant, &all).await.unwrap();
    let said = page.items.into_iter();
    let said = said.map(|request| request.document.source.said.person.name);
    let mut names: Vec<_> = said.map(Option::unwrap_or_default).collect();
    names.sort();
    names
}

fn lead(id: &str, name: &str, phone: &str) -> Value {
    json!({ "lead_id": id, "name": name, "phone": phone })
}

#[tokio::test]
async fn two_systems_that_count_alike_keep_their_own_people() {
    let world = World::start().await;
    let shop = sender(&world, 71, "signedwebhook", "shop-token").await;
    let fair = sender(&world, 72, "signedwebhook", "fair-token").await;
    let ann = lead("7777", "Ann Lee", "512-555-0171");
    let bob = lead("7777", "Bob Ray", "512-555-0172");
    let first = deliver(&world, &shop, "", &ann).await;
    let other = deliver(&world, &fair, "", &bob).await;
    assert_ne!(first["request_id"], other["request_id"]);
    assert_eq!(people(&world, &world.tenant).await, ["Ann Lee", "Bob Ray"]);
    // Each is told more of its own lead; a repeat is one.
    for (sender, told, request) in [(&shop, &ann, &first), (&fair, &bob, &other)] {
        let again = deliver(&world, sender, "", told).await;
        assert_eq!(again["request_id"], request["request_id"]);
        let mut more = told.clone();
        more["message"] = json!("A kitchen.");
        let more = deliver(&world, sender, "", &more).await;
        assert_eq!(more["request_id"], request["request_id"]);
    }
    // So does each by the ids of its deliveries.
    let mut answers = Vec::new();
    for (sender, name) in [(&shop, "Dee Orr"), (&fair, "Ed Poe")] {
        let told = json!({ "name": name, "phone": "512-555-0174" });
        answers.push(deliver(&world, sender, "evt_1", &told).await);
        let again = deliver(&world, sender, "evt_1", &told).await;
        assert_eq!(again["duplicate"], true, "{name}");
    }
    assert_eq!(answers[1]["duplicate"], false);
    assert_ne!(answers[0]["request_id"], answers[1]["request_id"]);
    // The very same body of both is two leads, too.
    let same = lead("8888", "Cy Fenn", "512-555-0173");
    let first = deliver(&world, &shop, "", &same).await;
    let other = deliver(&world, &fair, "", &same).await;
    assert_ne!(first["request_id"], other["request_id"]);
}

#[tokio::test]
async fn a_word_for_a_trial_in_place_of_an_id_names_nobody() {
    let world = World::start().await;
    let shop = sender(&world, 71, "signedwebhook", "shop-token").await;
    for (index, id) in ["TEST", "unknown", "example", "n/a"].iter().enumerate() {
        let first = lead(id, &format!("Ann {index}"), "512-555-0171");
        let other = lead(id, &format!("Bob {index}"), "512-555-0172");
        let first = deliver(&world, &shop, "", &first).await;
        let other = deliver(&world, &shop, "", &other).await;
        assert_ne!(first["request_id"], other["request_id"], "{id}");
    }
    assert_eq!(people(&world, &world.tenant).await.len(), 8);
}

#[tokio::test]
async fn two_sites_of_a_tenant_are_two_senders() {
    let world = World::start().await;
    let austin = sender(&world, 71, "webforms", "austin-token").await;
    let dallas = sender(&world, 72, "webforms", "dallas-token").await;
    let mut leads = Vec::new();
    for (sender, town) in [(&austin, "Austin"), (&dallas, "Dallas")] {
        let url = format!("/v1/forms/{}", sender.token);
        let body = format!("name=Ann+Lee&phone=512-555-0171&city={town}");
        let answer = world.send("192.0.2.1", &url, &[URLENCODED], body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        leads.push(answer.body["lead_id"].clone());
    }
    assert_ne!(leads[0], leads[1]);
    assert_eq!(people(&world, &world.tenant).await.len(), 2);
}

#[tokio::test]
async fn a_text_that_names_no_thread_is_of_its_conversation() {
    let world = World::start().await;
    let url = "/v1/hooks/callrail-token/sms-received";
    let text = async |number: u32, thread: Option<&str>| {
        let body = json!({
            "resource_id": format!("SCI{number}"),
            "company_resource_id": COMPANY,
            "conversation_id": "k7pQx",
            "thread_resource_id": thread,
            "source_number": "512-555-0142",
            "destination_number": "512-555-0117",
            "content": format!("I want a deck, {number}"),
            "timestamp": "2026-03-17T14:59:00Z",
        });
        let body = body.to_string().into_bytes();
        let answer = world.signed("192.0.2.1", url, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.body["request_id"].clone()
    };
    let first = text(1, None).await;
    assert_eq!(text(2, Some("SMT1")).await, first);
    assert_eq!(text(3, None).await, first);
    assert_ne!(text(4, Some("SMT2")).await, first);
    assert_eq!(text(5, Some("SMT1")).await, first);
}
