//! Which tokens verify.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bus_pubsub::{Refusal, VerifyError};
use futures::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::{
    keys::{Key, NOW, World},
    tokens::{claims, signed, signed_as, with},
};

impl World {
    async fn refusal(&self, token: &str) -> Option<Refusal> {
        match self.verifier.verify(token).await {
            Ok(()) => None,
            Err(VerifyError::Refused(refusal)) => Some(refusal),
            Err(VerifyError::KeysUnavailable(_)) => panic!("the keys are published"),
        }
    }
}

#[tokio::test]
async fn a_token_of_the_push_account_verifies_with_both_issuer_names() {
    let world = World::start().await;
    for issuer in ["https://accounts.google.com", "accounts.google.com"] {
        let token = signed(&world.key, &with("iss", json!(issuer)));
        assert_eq!(world.refusal(&token).await, None, "{issuer}");
    }
}

#[tokio::test]
async fn a_token_with_a_wrong_claim_is_refused() {
    let world = World::start().await;
    for (name, value, refusal) in [
        ("iss", json!("https://accounts.example"), Refusal::Issuer),
        ("iss", Value::Null, Refusal::Claims),
        ("aud", json!("https://other.a.run.app"), Refusal::Audience),
        (
            "aud",
            json!(["https://worker-abc123-uc.a.run.app"]),
            Refusal::Claims,
        ),
        ("aud", Value::Null, Refusal::Claims),
        (
            "email",
            json!("other@acme-leads.iam.gserviceaccount.com"),
            Refusal::Account,
        ),
        ("email", Value::Null, Refusal::Account),
        ("email_verified", json!(false), Refusal::Account),
        ("email_verified", json!("true"), Refusal::Claims),
        ("email_verified", Value::Null, Refusal::Account),
        ("exp", json!(NOW - 60), Refusal::Expired),
        ("exp", Value::Null, Refusal::Claims),
        ("iat", json!(NOW + 61), Refusal::NotYet),
        ("iat", Value::Null, Refusal::Claims),
    ] {
        let token = signed(&world.key, &with(name, value.clone()));
        assert_eq!(
            world.refusal(&token).await,
            Some(refusal),
            "{name}: {value}"
        );
    }
    for (name, value) in [("exp", json!(NOW - 59)), ("iat", json!(NOW + 60))] {
        let token = signed(&world.key, &with(name, value.clone()));
        assert_eq!(world.refusal(&token).await, None, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_token_that_google_did_not_sign_is_refused() {
    let world = World::start().await;
    let genuine = signed(&world.key, &claims());
    let (signed_part, _) = genuine.rsplit_once('.').unwrap();
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let none = part(json!({ "alg": "none", "kid": "first", "typ": "JWT" }));
    let modulus = world.key.public()["n"].as_str().unwrap().to_owned();
    let secret = EncodingKey::from_secret(&URL_SAFE_NO_PAD.decode(modulus).unwrap());
    let other = Key::generate("first");
    let critical = part(json!({ "alg": "RS256", "kid": "first", "crit": ["exp"] }));
    let without_kid = part(json!({ "alg": "RS256" }));
    for (what, token, refusal) in [
        (
            "none",
            format!("{none}.{}.", part(claims())),
            Refusal::Malformed,
        ),
        (
            "the public key as a shared secret",
            signed_as(Algorithm::HS256, "first", &secret, &claims()),
            Refusal::Algorithm,
        ),
        (
            "another algorithm of the same key",
            signed_as(Algorithm::RS512, "first", &world.key.private, &claims()),
            Refusal::Algorithm,
        ),
        ("another key", signed(&other, &claims()), Refusal::Signature),
        (
            "other claims",
            format!(
                "{}.{}.{}",
                genuine.split('.').next().unwrap(),
                part(with("sub", json!("1"))),
                genuine.rsplit('.').next().unwrap()
            ),
            Refusal::Signature,
        ),
        (
            "a critical header",
            format!("{critical}.{}.x", part(claims())),
            Refusal::Malformed,
        ),
        (
            "no kid",
            format!("{without_kid}.{}.x", part(claims())),
            Refusal::UnknownKey,
        ),
        ("no token", "x".to_owned(), Refusal::Malformed),
        (
            "a long one",
            format!("{genuine}{}", "x".repeat(8_192)),
            Refusal::Malformed,
        ),
    ] {
        assert_eq!(world.refusal(&token).await, Some(refusal), "{what}");
    }
    let removed = format!("{signed_part}.SIGNATURE_REMOVED_BY_GOOGLE");
    assert!(world.refusal(&removed).await.is_some());
    assert_eq!(world.refusal(&genuine).await, None);
}

#[tokio::test]
async fn a_thousand_tokens_with_unknown_keys_cost_one_fetch() {
    let world = World::start().await;
    let tokens: Vec<_> = (0..1_000)
        .map(|number| {
            let key = EncodingKey::from_secret(b"x");
            let token = signed_as(Algorithm::HS256, &format!("kid-{number}"), &key, &claims());
            // Without a key there is no signature to check, so only the header counts.
            let (_, rest) = token.split_once('.').unwrap();
            let header = json!({ "alg": "RS256", "kid": format!("kid-{number}") });
            format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
        })
        .collect();
    let refusals = join_all(tokens.iter().map(|token| world.refusal(token))).await;
    assert!(
        refusals
            .iter()
            .all(|refusal| *refusal == Some(Refusal::UnknownKey))
    );
    assert_eq!(world.google.fetches(), 1);
    assert_eq!(world.refusal(&signed(&world.key, &claims())).await, None);

    world.clock.advance(Duration::from_secs(60));
    join_all(tokens.iter().map(|token| world.refusal(token))).await;
    assert_eq!(world.google.fetches(), 2, "one more, a minute later");
}

#[tokio::test]
async fn concurrent_first_tokens_share_one_fetch() {
    let world = World::start().await;
    let token = signed(&world.key, &claims());
    let verified = join_all((0..20).map(|_| world.verifier.verify(&token))).await;
    assert!(verified.iter().all(Result::is_ok), "{verified:?}");
    world.clock.advance(Duration::from_secs(3_000));
    assert_eq!(world.refusal(&token).await, None);
    assert_eq!(world.google.fetches(), 1);
}

#[tokio::test]
async fn a_new_key_is_trusted_and_a_removed_one_is_not() {
    let world = World::start().await;
    let old = signed(&world.key, &with("exp", json!(NOW + 100_000)));
    assert_eq!(world.refusal(&old).await, None);
    let second = Key::generate("second");
    let new = signed(&second, &with("exp", json!(NOW + 100_000)));
    world.google.publish(&[&second]);
    assert_eq!(
        world.refusal(&new).await,
        Some(Refusal::UnknownKey),
        "not within the minute"
    );
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.refusal(&new).await, None);
    assert_eq!(world.refusal(&old).await, Some(Refusal::UnknownKey));
    assert_eq!(world.google.fetches(), 2);
}

#[tokio::test]
async fn keys_are_fetched_again_when_they_are_no_longer_fresh() {
    let world = World::start().await;
    let token = signed(&world.key, &with("exp", json!(NOW + 100_000)));
    for (after, fetches) in [(0, 1), (19_799, 1), (1, 2), (19_799, 2)] {
        world.clock.advance(Duration::from_secs(after));
        assert_eq!(world.refusal(&token).await, None);
        assert_eq!(world.google.fetches(), fetches, "{after}");
    }
}

#[tokio::test]
async fn while_google_is_down_the_last_fetched_keys_stay_in_use() {
    let world = World::start().await;
    let token = signed(&world.key, &with("exp", json!(NOW + 100_000)));
    world.google.set_down(true);
    for _ in 0..3 {
        let undecided = world.verifier.verify(&token).await;
        assert!(matches!(undecided, Err(VerifyError::KeysUnavailable(_))));
    }
    assert_eq!(
        world.google.fetches(),
        1,
        "a failed fetch is not repeated at once"
    );

    world.google.set_down(false);
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(world.refusal(&token).await, None);

    world.google.set_down(true);
    world.clock.advance(Duration::from_secs(20_000));
    for _ in 0..3 {
        assert_eq!(world.refusal(&token).await, None);
    }
    assert_eq!(world.google.fetches(), 3, "one more fetch, which failed");
}
