use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use simulators::signedwebhook::{SIGNING_KEY, Wanted};
use simulators::{SIMULATORS, Trouble};

use crate::hook::{Hook, Told, hmac_sha256};
use crate::world::{World, eventually};

/// As the specification says it, by code of its own: the key's bytes are ASCII only by chance, so they are compared as
/// the published vector has them.
fn signed(told: &Told) -> String {
    let (id, time) = (told.header("webhook-id"), told.header("webhook-timestamp"));
    format!("{id}.{time}.{}", told.body)
}

#[tokio::test]
async fn a_repeated_post_keeps_its_id_and_has_a_new_time() {
    let world = World::start().await;
    let hook = Hook::start(503).await;
    let posts = world
        .simulators
        .post_webhooks_to("signedwebhook", &hook.url("/hook"));
    assert!(posts);
    let sender = world.simulators.signedwebhook();
    let id = sender.make(&Wanted::default());
    eventually("a first post", || hook.received().len() == 1).await;
    world.pass(Duration::from_secs(2));
    eventually("another", || hook.received().len() == 2).await;
    let told = hook.received();
    assert_eq!(told[0].json()["data"]["lead_id"], id.as_str());
    assert_eq!(told[0].body, told[1].body);
    assert_eq!(told[0].header("webhook-id"), told[1].header("webhook-id"));
    assert_ne!(
        told[0].header("webhook-timestamp"),
        told[1].header("webhook-timestamp")
    );
    assert_ne!(signed(&told[0]), signed(&told[1]));
    assert!(told[0].header("webhook-signature").starts_with("v1,"));
    assert!(sender.webhooks_waiting() > 0);
}

#[tokio::test]
async fn what_is_lost_is_gone_and_what_is_doubled_is_the_same() {
    let world = World::start().await;
    let hook = Hook::start(200).await;
    world
        .simulators
        .post_webhooks_to("signedwebhook", &hook.url("/hook"));
    let sender = world.simulators.signedwebhook();
    sender.trouble(Trouble {
        lose: 1,
        repeat: 1,
        ..Trouble::default()
    });
    sender.make(&Wanted::default());
    let second = sender.make(&Wanted::default());
    eventually("two posts", || hook.received().len() == 2).await;
    eventually("they are taken", || sender.webhooks_waiting() == 0).await;
    let told = hook.received();
    assert!(
        told.iter()
            .all(|told| told.json()["data"]["lead_id"] == second.as_str())
    );
}

#[test]
fn a_sample_is_signed_as_github_does() {
    let spec = SIMULATORS
        .iter()
        .find(|spec| spec.slug == "signedwebhook")
        .unwrap();
    let samples = spec.demo.unwrap().samples;
    let sample = samples.iter().find(|sample| sample.event == "contact");
    let delivery = sample.unwrap().deliver(&simulators::Choices::default());
    let body = String::from_utf8(delivery.body).unwrap();
    let expected = hmac_sha256(SIGNING_KEY, &body)
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let expected = ("x-hub-signature-256", format!("sha256={expected}"));
    assert_eq!(delivery.signature, [expected]);
    let key = SIGNING_KEY.strip_prefix("whsec_").unwrap();
    assert_eq!(STANDARD.decode(key).unwrap().len(), 24);
}
