use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::Trouble;
use simulators::calendly::{SIGNING_KEY, Wanted};

use crate::hook::{Hook, hmac_sha256};
use crate::world::{Answer, World, client, eventually, send};

const TOKEN: &str = "simulated-calendly-token";
const ORGANIZATION: &str = "https://api.calendly.com/organizations/ORG0000000000001";

async fn ask(world: &World, path: &str) -> Answer {
    let url = format!("{}{path}", world.simulators.calendly().base_url());
    send(client().get(url).bearer_auth(TOKEN)).await
}

async fn subscribe(world: &World, body: &Value) -> Answer {
    let base = world.simulators.calendly().base_url();
    let url = format!("{base}/webhook_subscriptions");
    send(client().post(url).bearer_auth(TOKEN).json(body)).await
}

fn subscription(url: &str) -> Value {
    json!({
        "url": url, "events": ["invitee.created", "invitee.canceled"], "organization": ORGANIZATION,
        "scope": "organization", "signing_key": "a key of ours",
    })
}

#[tokio::test]
async fn what_is_booked_is_shown_and_told() {
    let world = World::start().await;
    let hook = Hook::start(200).await;
    world
        .simulators
        .post_webhooks_to("calendly", &hook.url("/hook"));
    let id = world.simulators.calendly().book(Wanted::default());
    eventually("a webhook", || hook.received().len() == 1).await;
    let told = &hook.received()[0];
    let now = world.now().as_second();
    let signed = format!("{now}.{}", told.body);
    let expected = format!(
        "t={now},v1={}",
        hex::encode(hmac_sha256(SIGNING_KEY, &signed))
    );
    assert_eq!(told.header("calendly-webhook-signature"), expected);
    let told = told.json();
    assert_eq!(told["event"], "invitee.created");
    let uri = told["payload"]["uri"].as_str().unwrap();
    assert!(uri.ends_with(&id));
    let path = uri.strip_prefix("https://api.calendly.com").unwrap();
    let shown = ask(&world, path).await.expect(200);
    let mut payload = told["payload"].clone();
    let event = payload.as_object_mut().unwrap().remove("scheduled_event");
    assert_eq!(shown["resource"], payload);
    let (path, _) = path.split_once("/invitees").unwrap();
    assert_eq!(
        Some(&ask(&world, path).await.expect(200)["resource"]),
        event.as_ref()
    );
}

#[tokio::test]
async fn a_move_is_two_webhooks_that_name_each_other() {
    let world = World::start().await;
    let hook = Hook::start(200).await;
    let calendly = world.simulators.calendly();
    calendly.register("11111111-2222-3333-4444-555555555555", Wanted::default());
    world
        .simulators
        .post_webhooks_to("calendly", &hook.url("/hook"));
    let to: Timestamp = "2026-12-09T16:00:00Z".parse().unwrap();
    calendly.reschedule("11111111-2222-3333-4444-555555555555", to);
    eventually("two webhooks", || hook.received().len() == 2).await;
    let told: Vec<_> = hook.received().iter().map(|told| told.json()).collect();
    let [old, new] = &*told else { panic!() };
    assert_eq!(old["event"], "invitee.canceled");
    assert_eq!(old["payload"]["rescheduled"], true);
    assert_eq!(old["payload"]["new_invitee"], new["payload"]["uri"]);
    assert_eq!(new["event"], "invitee.created");
    assert_eq!(new["payload"]["old_invitee"], old["payload"]["uri"]);
    assert_eq!(
        new["payload"]["scheduled_event"]["start_time"],
        "2026-12-09T16:00:00.000000Z"
    );
}

#[tokio::test]
async fn a_url_is_subscribed_once_and_needs_what_is_documented() {
    let world = World::start().await;
    let good = subscription("http://127.0.0.1:9/hook");
    let made = subscribe(&world, &good).await.expect(201);
    assert_eq!(made["resource"]["state"], "active");
    assert!(!made.to_string().contains("a key of ours"));
    let again = subscribe(&world, &good).await.expect(409);
    assert_eq!(again["message"], "Hook with this url already exists");
    for (field, value, status) in [
        ("events", json!([]), 400),
        ("events", json!(["invitee.moved"]), 400),
        ("scope", json!("user"), 400),
        (
            "organization",
            json!("https://api.calendly.com/organizations/OTHER"),
            403,
        ),
    ] {
        let mut bad = subscription("http://127.0.0.1:9/other");
        bad[field] = value;
        assert_eq!(subscribe(&world, &bad).await.status, status, "{field}");
    }
    let listed = ask(&world, "/webhook_subscriptions").await.expect(200);
    assert_eq!(listed["collection"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_subscription_that_fails_for_a_day_is_disabled() {
    let world = World::start().await;
    let hook = Hook::start(400).await;
    let url = hook.url("/hook");
    subscribe(&world, &subscription(&url)).await.expect(201);
    let calendly = world.simulators.calendly();
    calendly.book(Wanted::default());
    eventually("a first try", || hook.received().len() == 1).await;
    let failing = ask(&world, "/webhook_subscriptions").await.expect(200);
    let since = &failing["collection"][0]["retry_started_at"];
    assert!(since.is_string(), "{failing}");
    world.pass(Duration::from_secs(24 * 60 * 60));
    eventually("a last try", || hook.received().len() == 2).await;
    eventually("nothing waits", || calendly.webhooks_waiting() == 0).await;
    let disabled = ask(&world, "/webhook_subscriptions").await.expect(200);
    assert_eq!(disabled["collection"][0]["state"], "disabled");
    calendly.book(Wanted::default());
    assert_eq!(calendly.webhooks_waiting(), 0, "it stays off");
}

#[tokio::test]
async fn webhooks_are_lost_doubled_and_late_on_order() {
    let world = World::start().await;
    let hook = Hook::start(200).await;
    world
        .simulators
        .post_webhooks_to("calendly", &hook.url("/hook"));
    let calendly = world.simulators.calendly();
    calendly.trouble(Trouble {
        lose: 1,
        repeat: 1,
        ..Trouble::default()
    });
    calendly.book(Wanted::default());
    let doubled = calendly.book(Wanted::default());
    eventually("the second, twice", || hook.received().len() == 2).await;
    for told in hook.received() {
        assert!(told.body.contains(&doubled));
    }
    calendly.trouble(Trouble {
        delay_ms: 60_000,
        ..Trouble::default()
    });
    calendly.book(Wanted::default());
    assert_eq!(calendly.webhooks_waiting(), 1);
    world.pass(Duration::from_secs(60));
    eventually("the late one", || hook.received().len() == 3).await;
    calendly.switch_webhooks(false);
    calendly.book(Wanted::default());
    assert_eq!(calendly.webhooks_waiting(), 0);
}
