//! Intercom's conversations, and what its webhooks tell of them.

use simulators::Trouble;
use simulators::intercom::{CLIENT_SECRET, Message, Wanted, Who};

use crate::hook::Hook;
use crate::world::{Answer, World, client, eventually, send};

async fn ask(world: &World, path: &str) -> Answer {
    let url = format!("{}/{path}", world.simulators.intercom().base_url());
    send(client().get(url).bearer_auth("simulated-intercom-token")).await
}

fn hmac_sha1(message: &str) -> String {
    use aws_lc_rs::hmac;
    let key = hmac::Key::new(
        hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        CLIENT_SECRET.as_bytes(),
    );
    hex::encode(hmac::sign(&key, message.as_bytes()))
}

#[tokio::test]
async fn what_is_written_is_told_part_by_part_and_shown_whole() {
    let world = World::start().await;
    let hook = Hook::start(200).await;
    let intercom = world.simulators.intercom();
    world
        .simulators
        .post_webhooks_to("intercom", &hook.url("/hook"));
    let id = intercom.begin(Wanted::default());
    intercom.write(&id, Message::person("Around $50k & soon."));
    intercom.write(&id, Message::person("Cheap.").from(Who::Note));
    let answer = intercom.write(&id, Message::person("We will call.").from(Who::Admin));
    intercom.close(&id);
    eventually("four webhooks", || hook.received().len() == 4).await;
    let told = hook.received();
    let topics: Vec<_> = told
        .iter()
        .map(|told| told.json()["topic"].clone())
        .collect();
    let expected = [
        "conversation.user.created",
        "conversation.user.replied",
        "conversation.admin.replied",
        "conversation.admin.closed",
    ];
    assert_eq!(topics, expected, "nobody chose to be told of notes");
    let signature = format!("sha1={}", hmac_sha1(&told[1].body));
    assert_eq!(told[1].header("x-hub-signature"), signature);
    let parts = &told[2].json()["data"]["item"]["conversation_parts"];
    assert_eq!(parts["conversation_parts"][0]["id"], answer);
    assert_eq!(parts["conversation_parts"][1], serde_json::Value::Null);

    let shown = ask(&world, &format!("conversations/{id}"))
        .await
        .expect(200);
    let part = |number: usize| shown["conversation_parts"]["conversation_parts"][number].clone();
    assert_eq!(part(0)["body"], "<p>Around $50k &amp; soon.</p>");
    assert_eq!(part(1)["part_type"], "note");
    assert_eq!(shown["state"], "closed");
    let path = format!("conversations/{id}?display_as=plaintext");
    let plain = ask(&world, &path).await.expect(200);
    let first = &plain["conversation_parts"]["conversation_parts"][0];
    assert_eq!(first["body"], "Around $50k & soon.");
    let contact = shown["contacts"]["contacts"][0]["id"].as_str().unwrap();
    let contact = ask(&world, &format!("contacts/{contact}"))
        .await
        .expect(200);
    assert_eq!(contact["phone"], "+1 512-555-0142");
}

#[tokio::test]
async fn a_url_is_tried_before_it_is_entered() {
    let world = World::start().await;
    let hook = Hook::start(200).await;
    let intercom = world.simulators.intercom();
    // The receiver of this test has no answer to HEAD elsewhere.
    let refused = intercom.subscribe(&hook.url("/other")).await;
    assert_eq!(refused, Err(404));
    intercom.subscribe(&hook.url("/hook")).await.unwrap_err();
}

#[tokio::test]
async fn lost_and_doubled_webhooks_come_on_order() {
    let world = World::start().await;
    let hook = Hook::start(200).await;
    let intercom = world.simulators.intercom();
    world
        .simulators
        .post_webhooks_to("intercom", &hook.url("/hook"));
    intercom.trouble(Trouble {
        lose: 1,
        repeat: 1,
        delay_ms: 0,
    });
    let id = intercom.begin(Wanted::default());
    intercom.write(&id, Message::person("Hello?"));
    eventually("the doubled webhook", || hook.received().len() == 2).await;
    let told = hook.received();
    assert_eq!(told[0].body, told[1].body);
    assert_eq!(told[0].json()["topic"], "conversation.user.replied");
}

#[tokio::test]
async fn a_wrong_token_opens_nothing() {
    let world = World::start().await;
    let url = format!("{}/me", world.simulators.intercom().base_url());
    let refused = send(client().get(&url).bearer_auth("other")).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["errors"][0]["code"], "unauthorized");
    ask(&world, "me").await.expect(200);
}
