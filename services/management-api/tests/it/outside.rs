//! Tokens of an issuer outside of the product, whose keys are fetched.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt as _, future::join_all};
use http_client::{Client, Options, Response};
use jsonwebtoken::Algorithm;
use management_api::auth::{OutsideConfig, Refusal, Trust, Verifier, VerifyError};
use serde_json::{Value, json};
use settings::Settings;
use testkit::ManualClock;

use crate::{
    issuer::{Issuer, Key},
    world::{World, body, problem},
};

const PATH: &str = "/v1/tenants/a/requests";
const ISSUER: &str = "https://issuer.example";
const NOW: &str = "2020-06-01T12:00:00Z";
/// Long after [`NOW`], in seconds.
const LATER: i64 = 4_000_000_000;

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "leads", "sub": "ann", "exp": LATER,
        "roles": ["viewer"], "tenants": ["a"],
    })
}

fn client(allow_loopback: bool) -> Client {
    Client::new(Options {
        allow_loopback,
        ..Options::default()
    })
    .unwrap()
}

fn trust() -> Trust {
    Trust {
        issuer: ISSUER.to_owned(),
        audience: "leads".to_owned(),
    }
}

fn verifier(issuer: &Issuer, clock: &ManualClock) -> Verifier {
    let config = OutsideConfig {
        jwks_url: issuer.serve(),
        trust: trust(),
    };
    config.verifier(client(true), Arc::new(clock.clone()))
}

async fn world(issuer: &Issuer) -> World {
    World::start_with(|_, _, clock| verifier(issuer, clock)).await
}

impl World {
    async fn get_by(&self, token: &str) -> Response {
        self.send("GET", PATH, Some(&format!("Bearer {token}")))
            .await
    }

    /// Why this token is refused.
    async fn refusal_of(&self, token: &str) -> String {
        let shown = problem(&self.get_by(token).await, 401);
        shown["detail"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn keys_of_three_kinds_are_taken_each_with_its_own_algorithm() {
    let keys = [Key::ed25519("ed"), Key::p256("p256"), Key::rsa("rsa")];
    let issuer = Issuer::new(&keys.each_ref(), None);
    let world = world(&issuer).await;
    for key in &keys {
        body(&world.get_by(&key.sign(&claims())).await);
    }
    let [_, _, rsa] = &keys;
    for algorithm in [Algorithm::RS512, Algorithm::PS256] {
        let why = world.refusal_of(&rsa.sign_as(algorithm, &claims())).await;
        assert!(why.contains("not its key's"), "{why}");
    }
    let why = world.refusal_of(&Key::p256("p256").sign(&claims())).await;
    assert!(why.contains("signature is invalid"), "{why}");
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn tokens_of_other_issuers_and_of_our_own_key_are_refused() {
    let key = Key::p256("k");
    let world = world(&Issuer::new(&[&key], None)).await;
    for (name, value, why) in [
        ("iss", "https://other.example", "another issuer"),
        ("aud", "management-api", "another audience"),
    ] {
        let mut claims = claims();
        claims[name] = value.into();
        let shown = world.refusal_of(&key.sign(&claims)).await;
        assert!(shown.contains(why), "{shown}");
    }
    let own = world.token(&[management_api::auth::Role::Viewer], &["a"]);
    problem(&world.get_with(PATH, &own).await, 401);
}

#[tokio::test]
async fn unknown_keys_cost_one_fetch_a_minute_however_many_come() {
    let key = Key::p256("k");
    let issuer = Issuer::new(&[&key], None);
    let world = world(&issuer).await;
    let stranger = Key::p256("unknown");
    let tokens: Vec<_> = (0..50)
        .map(|number| {
            let mut claims = claims();
            claims["sub"] = number.to_string().into();
            stranger.sign(&claims)
        })
        .collect();
    for fetches in [1, 2] {
        let all = join_all(tokens.iter().map(|token| world.refusal_of(token))).await;
        assert!(all.iter().all(|why| why.contains("unknown key")), "{all:?}");
        body(&world.get_by(&key.sign(&claims())).await);
        assert_eq!(issuer.fetches(), fetches);
        world.clock.advance(Duration::from_secs(59));
        world.refusal_of(&tokens[0]).await;
        assert_eq!(issuer.fetches(), fetches, "not within the minute");
        world.clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn a_new_key_is_taken_and_a_key_that_is_gone_is_not() {
    let (old, new) = (Key::ed25519("old"), Key::rsa("new"));
    let issuer = Issuer::new(&[&old], None);
    let world = world(&issuer).await;
    body(&world.get_by(&old.sign(&claims())).await);
    issuer.publish(&[&new]);
    world.clock.advance(Duration::from_secs(60));
    body(&world.get_by(&new.sign(&claims())).await);
    problem(&world.get_by(&old.sign(&claims())).await, 401);
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn keys_are_kept_as_long_as_their_issuer_says_within_bounds() {
    for (cache_control, seconds) in [
        (None, 3_600),
        (Some("no-cache"), 3_600),
        (Some("public, max-age=19800, must-revalidate"), 19_800),
        (Some("Max-Age=\"300\""), 300),
        (Some("max-age=0"), 60),
        (Some("max-age=999999999"), 24 * 3_600),
    ] {
        let key = Key::p256("k");
        let issuer = Issuer::new(&[&key], cache_control);
        let clock = ManualClock::at(NOW.parse().unwrap());
        let verifier = verifier(&issuer, &clock);
        let token = key.sign(&claims());
        for (advance, fetches) in [(0, 1), (seconds - 1, 1), (1, 2)] {
            clock.advance(Duration::from_secs(advance));
            let now = NOW.parse().unwrap();
            assert!(
                verifier.verify(&token, now).await.is_ok(),
                "{cache_control:?}"
            );
            assert_eq!(issuer.fetches(), fetches, "{cache_control:?} {advance}");
        }
    }
}

#[tokio::test]
async fn known_keys_are_used_on_while_the_issuer_is_down() {
    let key = Key::p256("k");
    let issuer = Issuer::new(&[&key], None);
    let world = world(&issuer).await;
    body(&world.get_by(&key.sign(&claims())).await);
    for breakdown in ["down", "without keys"] {
        issuer.set_down(breakdown == "down");
        issuer.publish(&[]);
        world.clock.advance(Duration::from_secs(30 * 24 * 3_600));
        body(&world.get_by(&key.sign(&claims())).await);
    }
    assert_eq!(issuer.fetches(), 3);
}

#[tokio::test]
async fn nothing_is_decided_before_there_were_keys() {
    let key = Key::p256("k");
    let issuer = Issuer::new(&[&key], None);
    let world = world(&issuer).await;
    issuer.set_down(true);
    for _ in 0..3 {
        let undecided = world.get_by(&key.sign(&claims())).await;
        problem(&undecided, 503);
        assert_eq!(undecided.header("retry-after"), Some("5"));
        problem(&world.get_openly("/.well-known/jwks.json").await, 503);
        problem(&world.get_by("not-a-token").await, 401);
    }
    assert_eq!(issuer.fetches(), 1, "it is left alone for a moment");
    issuer.set_down(false);
    world.clock.advance(Duration::from_secs(5));
    body(&world.get_by(&key.sign(&claims())).await);
}

#[tokio::test]
async fn the_issuers_keys_are_shown_as_those_that_count() {
    let key = Key::p256("k");
    let world = world(&Issuer::new(&[&key], None)).await;
    let shown = body(&world.get_openly("/.well-known/jwks.json").await);
    assert_eq!(shown, json!({ "keys": [key.public()] }));
}

#[tokio::test]
async fn whoever_hangs_up_does_not_break_off_the_fetch() {
    let key = Key::p256("k");
    let issuer = Issuer::new(&[&key], None);
    let clock = ManualClock::at(NOW.parse().unwrap());
    let (now, verifier) = (NOW.parse().unwrap(), verifier(&issuer, &clock));
    issuer.hold();
    let token = key.sign(&claims());
    let mut first = Box::pin(verifier.verify(&token, now));
    while issuer.fetches() == 0 {
        assert!(first.as_mut().now_or_never().is_none(), "no keys yet");
        tokio::task::yield_now().await;
    }
    drop(first);
    issuer.let_go();
    assert!(verifier.verify(&token, now).await.is_ok());
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn this_machine_is_only_asked_by_a_client_that_may() {
    let key = Key::p256("k");
    let issuer = Issuer::new(&[&key], None);
    let clock = ManualClock::at(NOW.parse().unwrap());
    let config = OutsideConfig {
        jwks_url: issuer.serve(),
        trust: trust(),
    };
    let verifier = config.verifier(client(false), Arc::new(clock));
    let undecided = verifier
        .verify(&key.sign(&claims()), NOW.parse().unwrap())
        .await;
    assert!(matches!(undecided, Err(VerifyError::KeysUnavailable(_))));
    assert_eq!(issuer.fetches(), 0);
    let refused = verifier.verify("x", NOW.parse().unwrap()).await;
    assert_eq!(
        refused.unwrap_err(),
        VerifyError::Refused(Refusal::Malformed)
    );
}

#[test]
fn all_three_settings_are_required_and_keys_come_over_tls() {
    let missing = Settings::from_pairs([("JWT_ISSUER", "")]).load(OutsideConfig::read);
    let shown = missing.unwrap_err().to_string();
    for key in ["JWT_JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE"] {
        assert!(shown.contains(key), "{shown}");
    }
    let with_url = |url: &str| {
        let settings = [("JWT_ISSUER", ISSUER), ("JWT_AUDIENCE", "leads")];
        Settings::from_pairs(settings)
            .with("JWT_JWKS_URL", url)
            .load(OutsideConfig::read)
    };
    for url in [
        "https://issuer.example/keys",
        "http://127.0.0.1:8080/keys",
        "http://[::1]:8080/keys",
        "http://localhost/keys",
    ] {
        let config = with_url(url).unwrap();
        assert_eq!((config.jwks_url.as_str(), config.trust), (url, trust()));
    }
    for url in [
        "http://issuer.example/keys",
        "http://localhost.issuer.example/keys",
        "http://10.0.0.1/keys",
        "ftp://127.0.0.1/keys",
        "issuer.example",
    ] {
        let shown = with_url(url).unwrap_err().to_string();
        assert!(
            shown.contains("JWT_JWKS_URL") && shown.contains("https"),
            "{shown}"
        );
    }
}
