//! Zendesk's tickets, and what its webhooks tell of them.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use simulators::zendesk::{Comment, EMAIL, SIGNING_SECRET, Wanted};

use crate::hook::Hook;
use crate::world::{Answer, World, client, eventually, send};

async fn ask(world: &World, path: &str) -> Answer {
    let url = format!("{}/api/v2/{path}", world.simulators.zendesk().base_url());
    let user = format!("{EMAIL}/token");
    send(
        client()
            .get(url)
            .basic_auth(user, Some("simulated-zendesk-token")),
    )
    .await
}

#[tokio::test]
async fn what_is_written_is_told_signed_and_shown_in_pages() {
    let world = World::start().await;
    let hook = Hook::start(200).await;
    world
        .simulators
        .post_webhooks_to("zendesk", &hook.url("/hook"));
    let zendesk = world.simulators.zendesk();
    let id = zendesk.make(Wanted::default());
    zendesk.comment(&id, Comment::person("Tub to shower, please."));
    zendesk.comment(&id, Comment::internal("Cheap."));
    zendesk.solve(&id);
    eventually("four webhooks", || hook.received().len() == 4).await;
    let told = hook.received();
    let kinds: Vec<_> = told
        .iter()
        .map(|told| told.json()["type"].clone())
        .collect();
    let expected = [
        "zen:event-type:ticket.created",
        "zen:event-type:ticket.comment_added",
        "zen:event-type:ticket.comment_added",
        "zen:event-type:ticket.status_changed",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(told[2].json()["event"]["comment"]["is_public"], false);
    let time = told[1].header("x-zendesk-webhook-signature-timestamp");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SIGNING_SECRET.as_bytes());
    let signed = hmac::sign(&key, format!("{time}{}", told[1].body).as_bytes());
    let signature = told[1].header("x-zendesk-webhook-signature");
    assert_eq!(signature, STANDARD.encode(signed));

    let shown = ask(&world, &format!("tickets/{id}.json")).await.expect(200);
    assert_eq!(shown["ticket"]["status"], "solved");
    assert_eq!(shown["users"][0]["phone"], "+1 512-555-0163");
    let page = format!("tickets/{id}/comments.json?page[size]=2");
    let first = ask(&world, &page).await.expect(200);
    assert_eq!(first["comments"].as_array().unwrap().len(), 2);
    assert_eq!(first["meta"]["has_more"], true);
    let after = first["meta"]["after_cursor"].as_str().unwrap();
    let last = ask(&world, &format!("{page}&page[after]={after}"))
        .await
        .expect(200);
    assert_eq!(last["comments"][0]["public"], false);
    assert_eq!(last["meta"]["has_more"], false);
}

#[tokio::test]
async fn only_some_refusals_are_followed_by_another_try() {
    for (status, is_repeated) in [(503, true), (409, true), (500, false), (401, false)] {
        let world = World::start().await;
        let hook = Hook::start(status).await;
        let zendesk = world.simulators.zendesk();
        world
            .simulators
            .post_webhooks_to("zendesk", &hook.url("/hook"));
        zendesk.make(Wanted::default());
        eventually("it is posted", || !hook.received().is_empty()).await;
        if is_repeated {
            assert!(zendesk.webhooks_waiting() > 0, "{status}");
        } else {
            eventually("it is given up", || zendesk.webhooks_waiting() == 0).await;
        }
    }
}

#[tokio::test]
async fn a_wrong_token_opens_nothing() {
    let world = World::start().await;
    let url = format!(
        "{}/api/v2/users/me.json",
        world.simulators.zendesk().base_url()
    );
    let refused = send(client().get(&url).bearer_auth("simulated-zendesk-token")).await;
    assert_eq!(refused.status, 401);
    ask(&world, "users/me.json").await.expect(200);
}
