use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use simulators::sendgrid::Outcome;

use crate::world::{World, client, eventually, get, put, send};

const KEY: &str = "SG.simulated-sendgrid-key";

pub(crate) fn message() -> Value {
    json!({
        "from": { "email": "leads@mail.example.com", "name": "Demo Company" },
        "personalizations": [{ "to": [{ "email": "dana@example.com" }], "custom_args": { "message_id": "em_1" } }],
        "subject": "We received your request",
        "content": [{ "type": "text/plain", "value": "Hello Dana" }, { "type": "text/html", "value": "<p>Hello</p>" }],
        "categories": ["lead-ack"],
    })
}

pub(crate) fn mail(world: &World, message: &Value) -> reqwest::RequestBuilder {
    let url = format!("{}/v3/mail/send", world.simulators.sendgrid().base_url());
    client().post(url).bearer_auth(KEY).json(message)
}

type Posts = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A receiver of events that refuses the first few posts.
async fn receiver(refusals: usize) -> (String, Posts) {
    let posts = Posts::default();
    let (seen, left) = (Arc::clone(&posts), AtomicUsize::new(refusals));
    let left = Arc::new(left);
    let app = Router::new().route(
        "/events",
        post(async move |headers: HeaderMap, body: Bytes| {
            seen.lock().unwrap().push((headers, body));
            let refused = left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                })
                .is_ok();
            if refused {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                StatusCode::OK
            }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, posts)
}

fn events(posts: &Posts) -> Vec<Value> {
    let posts = posts.lock().unwrap();
    posts
        .iter()
        .flat_map(|(_, body)| serde_json::from_slice::<Vec<Value>>(body).unwrap())
        .collect()
}

#[tokio::test]
async fn an_accepted_mail_has_an_id_and_no_body() {
    let world = World::start().await;
    let accepted = send(mail(&world, &message())).await;
    assert_eq!((accepted.status, accepted.bytes.len()), (202, 0));
    let mails = world.simulators.sendgrid().mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].message_id, accepted.header("x-message-id"));
    assert_eq!(
        (mails[0].to[0].as_str(), mails[0].text.as_str()),
        ("dana@example.com", "Hello Dana")
    );
    let view = get(&format!(
        "{}/_sim/mails",
        world.simulators.sendgrid().base_url()
    ))
    .await
    .expect(200);
    assert_eq!(view["mails"][0]["custom_args"]["message_id"], "em_1");
}

#[tokio::test]
async fn a_mail_in_the_sandbox_is_checked_but_not_sent() {
    let world = World::start().await;
    let mut sandboxed = message();
    sandboxed["mail_settings"] = json!({ "sandbox_mode": { "enable": true } });
    assert_eq!(send(mail(&world, &sandboxed)).await.status, 200);
    assert!(world.simulators.sendgrid().mails().is_empty());
    sandboxed["mail_settings"]["sandbox_mode"]["enable"] = json!("true");
    send(mail(&world, &sandboxed)).await.expect(400);
}

#[tokio::test]
async fn faults_of_a_mail_are_named_one_by_one() {
    let world = World::start().await;
    let mut bad = message();
    bad["personalizations"][0]["to"][0]["email"] = json!("not-an-email");
    bad["content"] = json!([]);
    bad["subject"] = json!("");
    let refused = send(mail(&world, &bad)).await.expect(400);
    let fields: Vec<_> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].clone())
        .collect();
    assert_eq!(
        fields,
        ["personalizations.0.to.0.email", "subject", "content"]
    );
    let mut crowd = message();
    let people: Vec<_> = (0..1001)
        .map(|number| json!({ "email": format!("p{number}@example.com") }))
        .collect();
    crowd["personalizations"][0]["to"] = json!(people);
    send(mail(&world, &crowd)).await.expect(400);
}

#[tokio::test]
async fn wrong_keys_and_unverified_senders_are_refused() {
    let world = World::start().await;
    let url = format!("{}/v3/mail/send", world.simulators.sendgrid().base_url());
    let refused = send(client().post(url).bearer_auth("SG.other").json(&message()))
        .await
        .expect(401);
    assert!(refused["errors"][0]["message"].is_string());
    let mut foreign = message();
    foreign["from"]["email"] = json!("me@badexample.com");
    assert_eq!(
        send(mail(&world, &foreign)).await.expect(403)["errors"][0]["field"],
        "from"
    );
}

#[tokio::test]
async fn events_are_signed_and_carry_the_custom_arguments() {
    let (url, posts) = receiver(0).await;
    let world = World::with(|config| {
        config
            .of::<simulators::sendgrid::Config>()
            .event_webhook_url = Some(url);
    })
    .await;
    let accepted = send(mail(&world, &message())).await;
    world.pass(Duration::from_secs(1));
    eventually("events", || !posts.lock().unwrap().is_empty()).await;
    let (headers, body) = posts.lock().unwrap()[0].clone();
    let header = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
    let timestamp = header("x-twilio-email-event-webhook-timestamp");
    let signature = STANDARD
        .decode(header("x-twilio-email-event-webhook-signature"))
        .unwrap();
    let url = format!(
        "{}/v3/user/webhooks/event/settings/signed/1",
        world.simulators.sendgrid().base_url()
    );
    let key = send(client().get(url).bearer_auth(KEY)).await.expect(200)["public_key"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(key, world.simulators.sendgrid().public_key());
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, STANDARD.decode(key).unwrap());
    let signed = [timestamp.as_bytes(), &body].concat();
    key.verify(&signed, &signature).unwrap();
    key.verify(&[b"1", signed.as_slice()].concat(), &signature)
        .unwrap_err();

    let events = events(&posts);
    let names: Vec<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["processed", "delivered"]);
    for event in &events {
        assert_eq!(event["message_id"], "em_1");
        assert!(
            event["sg_message_id"]
                .as_str()
                .unwrap()
                .starts_with(accepted.header("x-message-id"))
        );
    }
    assert_ne!(events[0]["sg_event_id"], events[1]["sg_event_id"]);
}

#[tokio::test]
async fn refused_events_come_again_at_growing_intervals() {
    let (url, posts) = receiver(2).await;
    let world = World::start().await;
    let sendgrid = world.simulators.sendgrid();
    sendgrid.set_event_webhook(&url);
    send(mail(&world, &message())).await;
    let count = || posts.lock().unwrap().len();
    world.pass(Duration::from_millis(200));
    eventually("a first post", || count() == 1).await;
    eventually("the refused batch to wait", || {
        sendgrid.events_waiting() == 1
    })
    .await;
    world.pass(Duration::from_secs(1));
    eventually("a second post", || count() == 2).await;
    eventually("the refused batch to wait", || {
        sendgrid.events_waiting() == 1
    })
    .await;
    world.pass(Duration::from_secs(1));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(count(), 2, "the second interval is longer than the first");
    world.pass(Duration::from_secs(1));
    eventually("a third post", || count() == 3).await;
    eventually("nothing to wait", || sendgrid.events_waiting() == 0).await;
    let all = events(&posts);
    assert_eq!(all[0]["sg_event_id"], all[4]["sg_event_id"]);
    assert!(world.now() > "2026-11-20T15:00:03Z".parse().unwrap());
}

#[tokio::test]
async fn events_can_be_repeated_and_addresses_can_refuse_mail() {
    let (url, posts) = receiver(0).await;
    let world = World::with(|config| {
        config.of::<simulators::sendgrid::Config>().event_delay = Duration::ZERO;
    })
    .await;
    let sendgrid = world.simulators.sendgrid();
    let base = sendgrid.base_url();
    let webhook = json!({ "url": url, "repeat_events": true, "reverse_events": true });
    assert_eq!(
        put(&format!("{base}/_sim/event_webhook"), &webhook)
            .await
            .status,
        204
    );
    let gone = json!({ "outcome": "bounce", "reason": "550 no such user" });
    assert_eq!(
        put(&format!("{base}/_sim/addresses/dana%40example.com"), &gone)
            .await
            .status,
        204
    );
    send(mail(&world, &message())).await;
    eventually("two posts", || posts.lock().unwrap().len() == 2).await;
    let seen = events(&posts);
    let names: Vec<_> = seen
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["bounce", "processed", "bounce", "processed"]);
    assert_eq!(seen[0]["reason"], "550 no such user");

    sendgrid.set_outcome("dana@example.com", Outcome::Dropped);
    send(mail(&world, &message())).await;
    eventually("a drop", || {
        events(&posts)
            .iter()
            .any(|event| event["event"] == "dropped")
    })
    .await;
}

#[tokio::test]
async fn events_that_are_due_together_are_posted_together() {
    let (url, posts) = receiver(1).await;
    let world = World::start().await;
    let sendgrid = world.simulators.sendgrid();
    sendgrid.set_event_webhook(&url);
    for _ in 0..3 {
        send(mail(&world, &message())).await;
    }
    world.pass(Duration::from_millis(200));
    eventually("a refused batch", || sendgrid.events_waiting() == 1).await;
    // What is refused comes again as it was, beside what is new.
    send(mail(&world, &message())).await;
    world.pass(Duration::from_secs(1));
    eventually("nothing to wait", || sendgrid.events_waiting() == 0).await;
    eventually("three posts", || posts.lock().unwrap().len() == 3).await;
    let posts = posts.lock().unwrap();
    let count = |index: usize| {
        let (_, body) = &posts[index];
        serde_json::from_slice::<Vec<Value>>(body).unwrap().len()
    };
    let mut later = [count(1), count(2)];
    later.sort_unstable();
    assert_eq!((count(0), later), (6, [2, 6]));
    assert!(posts[0].1 == posts[1].1 || posts[0].1 == posts[2].1);
}

#[tokio::test]
async fn the_view_comes_in_pages_and_older_mails_lose_their_text() {
    let world = World::start().await;
    let base = world.simulators.sendgrid().base_url();
    let mut two = message();
    let person = two["personalizations"][0].clone();
    two["personalizations"] = json!(vec![person; 501]);
    send(mail(&world, &two)).await;
    send(mail(&world, &two)).await;
    let mails = world.simulators.sendgrid().mails();
    let with_text = mails
        .iter()
        .filter(|mail| mail.text == "Hello Dana")
        .count();
    assert_eq!((mails.len(), with_text), (1_002, 1_000));
    assert_eq!(mails[0].to, ["dana@example.com"]);
    let first = get(&format!("{base}/_sim/mails?limit=1000"))
        .await
        .expect(200);
    assert_eq!(
        (&first["next"], &first["counts"]["mails"]),
        (&json!(1_000), &json!(1_002))
    );
    let rest = get(&format!("{base}/_sim/mails?limit=1000&after=1000"))
        .await
        .expect(200);
    assert_eq!(rest["mails"].as_array().unwrap().len(), 2);
    assert_eq!(rest["next"], Value::Null);
}
