//! Turnstile and reCAPTCHA: tokens are good once, for a while, and for those who know the secret.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::{Fault, recaptcha, turnstile};

use crate::world::{World, client, send};

async fn turnstile(world: &World, secret: &str, token: &str) -> Value {
    let base = world.simulators.turnstile().base_url();
    let url = format!("{base}/turnstile/v0/siteverify");
    let fields = [("secret", secret), ("response", token)];
    send(client().post(url).form(&fields)).await.expect(200)
}

async fn recaptcha(world: &World, secret: &str, token: &str) -> Value {
    let base = world.simulators.recaptcha().base_url();
    let url = format!("{base}/recaptcha/api/siteverify");
    let fields = [("secret", secret), ("response", token)];
    send(client().post(url).form(&fields)).await.expect(200)
}

#[tokio::test]
async fn a_token_passes_once_and_names_its_page() {
    let world = World::start().await;
    let token = world
        .simulators
        .turnstile()
        .issue(turnstile::Visitor::default());
    let passed = turnstile(&world, turnstile::SECRET, &token).await;
    assert_eq!(passed["success"], true);
    assert_eq!(
        (&passed["hostname"], &passed["action"]),
        (&json!("www.remodel.example.com"), &json!("quote"))
    );
    let again = turnstile(&world, turnstile::SECRET, &token).await;
    assert_eq!(again["success"], false);
    assert_eq!(again["error-codes"], json!(["timeout-or-duplicate"]));

    let token = world
        .simulators
        .recaptcha()
        .issue(recaptcha::Visitor::default());
    let passed = recaptcha(&world, recaptcha::SECRET, &token).await;
    assert_eq!(
        (&passed["success"], &passed["score"]),
        (&json!(true), &json!(0.9))
    );
    let again = recaptcha(&world, recaptcha::SECRET, &token).await;
    assert_eq!(again["error-codes"], json!(["timeout-or-duplicate"]));
}

#[tokio::test]
async fn a_token_grows_old() {
    let world = World::start().await;
    let visitor = turnstile::Visitor::default;
    let first = world.simulators.turnstile().issue(visitor());
    let second = world.simulators.turnstile().issue(visitor());
    let third = world.simulators.recaptcha().issue(visitor());
    world.pass(Duration::from_secs(300));
    let passed = turnstile(&world, turnstile::SECRET, &first).await;
    assert_eq!(passed["success"], true);
    world.pass(Duration::from_secs(1));
    let late = turnstile(&world, turnstile::SECRET, &second).await;
    assert_eq!(late["error-codes"], json!(["timeout-or-duplicate"]));
    let late = recaptcha(&world, recaptcha::SECRET, &third).await;
    assert_eq!(late["error-codes"], json!(["timeout-or-duplicate"]));
}

#[tokio::test]
async fn whatever_is_wrong_is_told_by_its_code() {
    let world = World::start().await;
    for (secret, token, code) in [
        ("", "x", "missing-input-secret"),
        (turnstile::SECRET, "", "missing-input-response"),
        ("another", "x", "invalid-input-secret"),
        (turnstile::SECRET, "x", "invalid-input-response"),
        (turnstile::FAILS, "x", "invalid-input-response"),
        (turnstile::SPENT, "x", "timeout-or-duplicate"),
    ] {
        let refused = turnstile(&world, secret, token).await;
        assert_eq!(refused["error-codes"], json!([code]), "{secret}");
    }
    let passes = turnstile(&world, turnstile::PASSES, "XXXX.DUMMY.TOKEN.XXXX").await;
    assert_eq!(passes["success"], true);
    let refused = recaptcha(&world, "another", "x").await;
    assert_eq!(refused["error-codes"], json!(["invalid-input-secret"]));
    let passes = recaptcha(&world, recaptcha::PASSES, "x").await;
    assert_eq!(passes["hostname"], "testkey.google.com");
    assert!(passes.get("score").is_none(), "version 2 has none");
}

#[tokio::test]
async fn it_takes_json_and_hands_out_tokens_over_http() {
    let world = World::start().await;
    let base = world.simulators.turnstile().base_url();
    let visitor = json!({ "hostname": "a.example.com", "action": "x" });
    let order = client().post(format!("{base}/_sim/tokens")).json(&visitor);
    let token = send(order).await.expect(200)["token"].clone();
    let body = json!({ "secret": turnstile::SECRET, "response": token });
    let url = format!("{base}/turnstile/v0/siteverify");
    let passed = send(client().post(&url).json(&body)).await.expect(200);
    assert_eq!(passed["hostname"], "a.example.com");
    world.simulators.turnstile().answer_next(Fault::Status(503));
    let down = send(client().post(&url).json(&body)).await.expect(503);
    assert_eq!(down["error-codes"], json!(["internal-error"]));
}
