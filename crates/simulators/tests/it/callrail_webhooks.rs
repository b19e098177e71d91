//! What the simulated CallRail posts, to whom, and what its lists show of it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use simulators::{Choices, Trouble};

use crate::{
    hook::Hook,
    world::{Answer, World, client, eventually, get, send},
};

const ACCOUNT: &str = "ACC1a2b3c4d5e6f47089a0b1c2d3e4f5a6b";
const COMPANY: &str = "COM3f2a9c7d51e84b0aa6c1d2e3f4a5b6c7";
const AUTH: &str = "Token token=\"simulated-callrail-key\"";

fn url(world: &World, path: &str) -> String {
    let base = world.simulators.callrail().base_url();
    format!("{base}/v3/a/{ACCOUNT}/{path}")
}

async fn ask(world: &World, path: &str) -> Answer {
    send(client().get(url(world, path)).header("authorization", AUTH)).await
}

async fn write(request: reqwest::RequestBuilder, body: &Value) -> Answer {
    send(request.header("authorization", AUTH).json(body)).await
}

fn choices(world: &World) -> Choices {
    Choices {
        at: world.now(),
        ..Choices::default()
    }
}

/// Makes the company's integration, and answers its id.
async fn integrate(world: &World, config: Value) -> u64 {
    let body = json!({ "type": "Webhooks", "company_id": COMPANY, "config": config });
    let made = write(client().post(url(world, "integrations.json")), &body).await;
    let made = made.expect(201);
    assert_eq!(made["signing_key"], "5f3d3ebe065cd800b8c154347437e958");
    made["id"].as_u64().unwrap()
}

#[tokio::test]
async fn each_event_is_posted_to_the_urls_of_its_list() {
    let world = World::start().await;
    let (calls, texts) = (Hook::start(200).await, Hook::start(200).await);
    integrate(
        &world,
        json!({
            "post_call_webhook": [calls.url("/hook"), texts.url("/hook")], "sms_received_webhook": [texts.url("/hook")],
        }),
    )
    .await;
    let callrail = world.simulators.callrail();
    callrail.happen("post-call", &choices(&world)).unwrap();
    callrail.happen("sms-received", &choices(&world)).unwrap();
    callrail
        .happen("form-submission", &choices(&world))
        .unwrap();
    eventually("three webhooks arrive", || {
        calls.received().len() == 1 && texts.received().len() == 2
    })
    .await;
    let call = calls.received().remove(0);
    let expected = signature("5f3d3ebe065cd800b8c154347437e958", &call.body);
    assert_eq!(call.header("signature"), expected);
    let error = callrail.happen("no-such", &choices(&world)).unwrap_err();
    assert!(
        error.contains("post-call") && error.contains("voicemail"),
        "{error}"
    );
}

/// Signs as CallRail's documents say: base64 of HMAC-SHA1.
fn signature(key: &str, body: &str) -> String {
    use aws_lc_rs::hmac;
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, body.as_bytes()))
}

#[tokio::test]
async fn what_is_refused_is_lost_and_a_long_failure_disables_the_integration() {
    let world = World::start().await;
    let hook = Hook::start(503).await;
    let id = integrate(&world, json!({ "post_call_webhook": [hook.url("/hook")] })).await;
    let callrail = world.simulators.callrail();
    callrail.happen("post-call", &choices(&world)).unwrap();
    eventually("it is refused", || hook.received().len() == 1).await;
    eventually("nothing waits", || callrail.webhooks_waiting() == 0).await;
    world.pass(Duration::from_secs(25 * 60 * 60));
    callrail.happen("post-call", &choices(&world)).unwrap();
    eventually("the next is refused, too", || hook.received().len() == 2).await;
    eventually("nothing waits", || callrail.webhooks_waiting() == 0).await;
    let path = format!("integrations/{id}.json");
    let shown = ask(&world, &path).await.expect(200);
    assert_eq!(shown["state"], "disabled");
    assert!(shown.get("signing_key").is_none());
    callrail.happen("post-call", &choices(&world)).unwrap();
    assert_eq!(callrail.webhooks_waiting(), 0, "nobody is subscribed");
    let on = json!({ "state": "active" });
    let updated = write(client().put(url(&world, &path)), &on)
        .await
        .expect(200);
    assert_eq!(updated["state"], "active");
    callrail.happen("post-call", &choices(&world)).unwrap();
    eventually("it goes on", || hook.received().len() == 3).await;
}

#[tokio::test]
async fn webhooks_are_lost_doubled_and_delayed_on_order() {
    let world = World::start().await;
    let hook = Hook::start(200).await;
    integrate(&world, json!({ "pre_call_webhook": [hook.url("/hook")] })).await;
    let callrail = world.simulators.callrail();
    callrail.trouble(Trouble {
        lose: 1,
        repeat: 1,
        delay_ms: 60_000,
    });
    for _ in 0..2 {
        callrail.happen("pre-call", &choices(&world)).unwrap();
    }
    assert_eq!(callrail.webhooks_waiting(), 1, "the first is lost");
    world.pass(Duration::from_secs(60));
    eventually("the second is posted twice", || hook.received().len() == 2).await;
    let received = hook.received();
    assert_eq!(received[0].body, received[1].body);
}

#[tokio::test]
async fn a_company_has_one_integration_and_a_list_that_is_put_replaces_one() {
    let world = World::start().await;
    let id = integrate(
        &world,
        json!({ "post_call_webhook": ["https://crm.example.com/calls"] }),
    )
    .await;
    let again = json!({ "type": "Webhooks", "company_id": "481516234", "config": {} });
    let again = write(client().post(url(&world, "integrations.json")), &again).await;
    assert_eq!(again.status, 422);
    let more =
        json!({ "config": { "form_captured_webhook": ["https://ingest.example.com/forms"] } });
    let path = format!("integrations/{id}.json");
    let updated = write(client().put(url(&world, &path)), &more)
        .await
        .expect(200);
    assert_eq!(
        updated["config"],
        json!({
            "form_captured_webhook": ["https://ingest.example.com/forms"],
            "post_call_webhook": ["https://crm.example.com/calls"],
        })
    );
    let list = format!("integrations.json?company_id={COMPANY}&fields=signing_key");
    let listed = ask(&world, &list).await.expect(200);
    assert_eq!(listed["integrations"][0]["id"], id);
    assert!(listed["integrations"][0]["signing_key"].is_string());
    ask(&world, "integrations.json").await.expect(400);
    for wrong in [
        json!({ "no_such_webhook": [] }),
        json!({ "post_call_webhook": "https://one.example.com" }),
        json!({ "post_call_webhook": ["no URL"] }),
    ] {
        let wrong = json!({ "config": wrong });
        let refused = write(client().put(url(&world, &path)), &wrong).await;
        assert_eq!(refused.status, 400, "{wrong}");
    }
    let gone = client()
        .delete(url(&world, &path))
        .header("authorization", AUTH);
    assert_eq!(send(gone).await.status, 204);
    ask(&world, &path).await.expect(404);
}

#[tokio::test]
async fn texts_and_forms_are_listed_as_they_happened() {
    let world = World::start().await;
    let callrail = world.simulators.callrail();
    let first = Choices {
        id: Some("kOne".to_owned()),
        words: Some("Do you do half baths?".to_owned()),
        ..choices(&world)
    };
    callrail.happen("sms-received", &first).unwrap();
    world.pass(Duration::from_secs(60));
    let answer = Choices {
        words: Some("We do.".to_owned()),
        at: world.now(),
        ..first
    };
    callrail.happen("sms-sent", &answer).unwrap();
    let list = ask(&world, "text-messages.json?company_id=481516234").await;
    let list = list.expect(200);
    assert_eq!(list["total_records"], 1);
    let conversation = &list["conversations"][0];
    assert_eq!(conversation["id"], "kOne");
    assert_eq!(conversation["customer_phone_number"], "512-555-0142");
    let told: Vec<_> = conversation["recent_messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| (&message["direction"], &message["content"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("outgoing"), &json!("We do.")),
            (&json!("incoming"), &json!("Do you do half baths?")),
        ]
    );
    ask(&world, "text-messages/kOne.json").await.expect(200);
    ask(&world, "text-messages/kTwo.json").await.expect(404);
    let elsewhere = ask(&world, "text-messages.json?company_id=COMother").await;
    assert_eq!(elsewhere.expect(200)["total_records"], 0);

    for day in 1..=3 {
        let at: Timestamp = format!("2026-11-0{day}T12:00:00Z").parse().unwrap();
        let form = Choices {
            id: Some(format!("33009124{day}")),
            at,
            ..Choices::default()
        };
        callrail.happen("form-submission", &form).unwrap();
    }
    let forms = ask(
        &world,
        "form_submissions.json?start_date=2026-11-02&end_date=2026-11-03&per_page=1&page=2&fields=utm_source",
    )
    .await
    .expect(200);
    assert_eq!(
        (&forms["total_records"], &forms["total_pages"]),
        (&json!(2), &json!(2))
    );
    let form = &forms["form_submissions"][0];
    assert!(
        form["submitted_at"]
            .as_str()
            .unwrap()
            .starts_with("2026-11-02")
    );
    assert_eq!(form["customer_name"], "Dana Whitfield");
    assert_eq!(form["utm_source"], "google");
    assert!(form["id"].as_str().unwrap().starts_with("FOR"));
}

#[tokio::test]
async fn an_account_over_its_daily_limit_waits_out_the_day() {
    let world =
        World::with(|config| config.of::<simulators::callrail::Config>().daily_limit = Some(2))
            .await;
    for _ in 0..2 {
        ask(&world, "calls/CAL1.json").await.expect(200);
        world.pass(Duration::from_secs(2 * 60 * 60));
    }
    ask(&world, "calls/CAL1.json").await.expect(429);
    world.pass(Duration::from_secs(20 * 60 * 60));
    ask(&world, "calls/CAL1.json").await.expect(200);
}

#[tokio::test]
async fn something_happens_by_the_control_api() {
    let world = World::start().await;
    let base = world.simulators.callrail().base_url();
    let happened = client().post(format!("{base}/_sim/events/sms-received"));
    let words = json!({ "words": "STOP", "id": "kThree" });
    let happened = send(happened.json(&words)).await.expect(200);
    assert_eq!(happened["id"], "kThree");
    let view = get(&format!("{base}/_sim/view")).await.expect(200);
    assert_eq!(view["conversations"]["kThree"][0]["content"], "STOP");
    let unknown = send(client().post(format!("{base}/_sim/events/rings"))).await;
    assert!(
        unknown.expect(400)["error"]
            .as_str()
            .unwrap()
            .contains("pre-call")
    );
}
