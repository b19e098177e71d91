use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use simulators::Trouble;
use simulators::acuity::{API_KEY, USER_ID, Wanted};

use crate::hook::{Hook, hmac_sha256};
use crate::world::{Answer, World, client, eventually, send};

async fn ask(world: &World, path: &str) -> Answer {
    let url = format!("{}/api/v1/{path}", world.simulators.acuity().base_url());
    send(client().get(url).basic_auth(USER_ID, Some(API_KEY))).await
}

#[tokio::test]
async fn what_is_booked_is_shown_and_told_by_ids_alone() {
    let world = World::start().await;
    let hook = Hook::start(200).await;
    world
        .simulators
        .post_webhooks_to("acuity", &hook.url("/hook"));
    let acuity = world.simulators.acuity();
    let id = acuity.book(Wanted::default());
    acuity.cancel(&id);
    eventually("four webhooks", || hook.received().len() == 4).await;
    let told = hook.received();
    let bodies: Vec<_> = told.iter().map(|told| told.body.as_str()).collect();
    let body = |action: &str| {
        format!("action={action}&id={id}&calendarID=7714021&appointmentTypeID=58210034")
    };
    let expected = ["scheduled", "changed", "canceled", "changed"].map(body);
    assert_eq!(bodies, expected);
    let signature = STANDARD.encode(hmac_sha256(API_KEY, &told[0].body));
    assert_eq!(told[0].header("x-acuity-signature"), signature);
    let kind = told[0].header("content-type");
    assert_eq!(kind, "application/x-www-form-urlencoded");
    let shown = ask(&world, &format!("appointments/{id}")).await.expect(200);
    assert_eq!(shown["datetime"], "2026-11-30T10:00:00-0600");
    assert_eq!(shown["duration"], "60");
    assert_eq!(
        (&shown["canceled"], &shown["noShow"]),
        (&json!(true), &json!(false))
    );
}

#[tokio::test]
async fn only_a_server_error_or_silence_is_repeated() {
    let world = World::start().await;
    let acuity = world.simulators.acuity();
    for (status, tries) in [(400, 1), (500, 2)] {
        let hook = Hook::start(status).await;
        world
            .simulators
            .post_webhooks_to("acuity", &hook.url("/hook"));
        acuity.trouble(Trouble {
            lose: 1,
            ..Trouble::default()
        });
        let id = acuity.book(Wanted::default());
        eventually("a first try", || hook.received().len() == 1).await;
        world.pass(Duration::from_secs(60));
        eventually("as many tries", || hook.received().len() == tries).await;
        if status == 500 {
            assert!(acuity.webhooks_waiting() > 0, "{id} goes on");
        } else {
            eventually("it is given up", || acuity.webhooks_waiting() == 0).await;
        }
    }
}

#[tokio::test]
async fn an_account_has_25_subscriptions_at_most() {
    let world = World::start().await;
    let url = format!("{}/api/v1/webhooks", world.simulators.acuity().base_url());
    let add = async |event: &str| {
        let body = json!({ "event": event, "target": "https://example.com/hook" });
        let request = client().post(&url).basic_auth(USER_ID, Some(API_KEY));
        send(request.json(&body)).await
    };
    for _ in 0..25 {
        add("appointment.scheduled").await.expect(200);
    }
    let refused = add("appointment.canceled").await.expect(400);
    assert_eq!(refused["error"], "bad_request");
    let listed = ask(&world, "webhooks").await.expect(200);
    let id = &listed[0]["id"];
    let delete = client()
        .delete(format!("{url}/{id}"))
        .basic_auth(USER_ID, Some(API_KEY));
    assert_eq!(send(delete).await.status, 204);
    add("no.such").await.expect(400);
    add("appointment.canceled").await.expect(200);
}

#[tokio::test]
async fn a_wrong_key_or_id_is_refused_in_its_words() {
    let world = World::start().await;
    let url = format!("{}/api/v1/me", world.simulators.acuity().base_url());
    let wrong = client().get(&url).basic_auth(USER_ID, Some("wrong"));
    assert_eq!(send(wrong).await.expect(401)["error"], "unauthorized");
    assert_eq!(
        ask(&world, "me").await.expect(200)["timezone"],
        "America/Chicago"
    );
    for id in ["abc", "-5", "123456789012345678901"] {
        let refused = ask(&world, &format!("appointments/{id}")).await;
        assert_eq!(refused.expect(404)["error"], "not_found");
    }
}

/// A demo that starts again keeps its leads: a new booking must not have an older one's id.
#[tokio::test]
async fn another_run_gives_no_id_again() {
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let world = World::start().await;
        for _ in 0..3 {
            ids.insert(world.simulators.acuity().book(Wanted::default()));
        }
    }
    assert_eq!(ids.len(), 6, "{ids:?}");
}
