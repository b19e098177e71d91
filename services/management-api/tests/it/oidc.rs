//! Signing in at the company's own issuer.

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::EmailAddress;
use http_client::{Client, Options, Response};
use management_api::{
    auth::{Role::TenantAdmin, Verifier},
    sign_in::{
        SignIn,
        oidc::{Oidc, OidcConfig, SessionKey},
    },
};
use secrecy::SecretString;
use serde_json::{Value, json};
use testkit::ManualClock;
use url::Url;

use crate::{
    issuer::{Key, Provider, Twist},
    sign_in::cookie,
    world::{PUBLIC_URL, World, body, created, problem},
};

const START: &str = "/v1/sign-in/oidc";
const CALLBACK: &str = "/v1/sign-in/oidc/callback";
const REFRESH: &str = "/v1/sign-in/refresh";

fn oidc(provider: &Provider, sign_in: SignIn, clock: &ManualClock) -> SignIn {
    let config = OidcConfig {
        issuer: provider.url(),
        client_id: "leads".to_owned(),
        client_secret: SecretString::from("client-secret"),
        scopes: "openid email".to_owned(),
        platform_admins: [EmailAddress::parse("root@example.com").unwrap()].into(),
    };
    let key = SessionKey::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
    let client = Client::new(Options {
        allow_loopback: true,
        ..Options::default()
    });
    let clock = Arc::new(clock.clone());
    let oidc = Oidc::new(&config, PUBLIC_URL, &key, client.unwrap(), clock).unwrap();
    sign_in.with_oidc(oidc, config.platform_admins)
}

async fn world(provider: &Provider) -> World {
    World::start_signing_in(
        |key, trust, _| Verifier::new(trust.clone(), key.key_set()),
        |sign_in, clock| oidc(provider, sign_in, clock),
    )
    .await
}

/// A browser on its way back from the issuer.
struct Back {
    cookie: String,
    path: String,
}

/// Leads a browser to the issuer, where this person signs in.
async fn at_issuer(world: &World, provider: &Provider, email: &str) -> Back {
    let call = world.call_openly("GET", START);
    let started = call.send().await.unwrap();
    assert_eq!(started.status, 302, "{}", started.text_lossy(500));
    let set = started.header("set-cookie").unwrap();
    assert!(
        set.contains("SameSite=Lax") && set.contains("HttpOnly"),
        "{set}"
    );
    let asked = Url::parse(started.header("location").unwrap()).unwrap();
    let asked: HashMap<_, _> = asked.query_pairs().into_owned().collect();
    assert_eq!(asked["redirect_uri"], format!("{PUBLIC_URL}{CALLBACK}"));
    assert_eq!(
        (
            asked["code_challenge_method"].as_str(),
            asked["response_type"].as_str()
        ),
        ("S256", "code")
    );
    let code = provider.authorize(&asked, email);
    Back {
        cookie: set.split(';').next().unwrap().to_owned(),
        path: format!(
            "{CALLBACK}?code={code}&state={}&session_state=x",
            asked["state"]
        ),
    }
}

impl Back {
    async fn arrive(&self, world: &World) -> Response {
        world.with_cookie("GET", &self.path, &self.cookie).await
    }
}

async fn invite(world: &World, email: &str) -> Value {
    let new = json!({ "email": email, "role": "operator" });
    let path = "/v1/tenants/a/invitations";
    created(&world.call_as(TenantAdmin, "POST", path, Some(&new)).await)
}

#[tokio::test]
async fn an_invited_person_signs_in_at_the_issuer() {
    let provider = Provider::start(Key::p256("k1"), "2020-06-01T12:00:00Z");
    let world = world(&provider).await;
    // An administrator invites, and has no code that could sign in as the person.
    assert_eq!(
        invite(&world, "maria@example.com").await["code"],
        Value::Null
    );
    let back = at_issuer(&world, &provider, "Maria@Example.com").await;
    let answer = back.arrive(&world).await;
    let token = SecretString::from(body(&answer)["token"].as_str().unwrap().to_owned());
    let me = body(&world.get_with("/v1/me", &token).await);
    assert_eq!(
        (&me["email"], &me["role"]),
        (&json!("maria@example.com"), &json!("operator"))
    );
    assert_eq!(me["product"]["sign_in"], "oidc");
    problem(&world.get_with("/v1/tenants/b/requests", &token).await, 404);
    // The same answer again: the issuer took its code already.
    problem(&back.arrive(&world).await, 403);
}

#[tokio::test]
async fn only_who_was_invited_or_administers_the_platform_comes_in() {
    let provider = Provider::start(Key::ed25519("k1"), "2020-06-01T12:00:00Z");
    let world = world(&provider).await;
    let stranger = at_issuer(&world, &provider, "eve@example.com").await;
    let shown = problem(&stranger.arrive(&world).await, 403);
    assert!(
        shown["detail"].as_str().unwrap().contains("invited"),
        "{shown}"
    );
    let root = at_issuer(&world, &provider, "root@example.com").await;
    let answer = root.arrive(&world).await;
    let token = SecretString::from(body(&answer)["token"].as_str().unwrap().to_owned());
    body(&world.get_with("/v1/tenants", &token).await);
    // By a code that somebody was handed, the same address administers nothing.
    let code = world.invited("a", "root@example.com", TenantAdmin).await;
    let token = body(&world.sign_in(&code).await)["token"]
        .as_str()
        .unwrap()
        .to_owned();
    problem(&world.get_with("/v1/tenants", &token.into()).await, 403);
}

#[tokio::test]
async fn what_the_issuer_did_not_say_signs_nobody_in() {
    for twist in [
        Twist::WrongNonce,
        Twist::WrongAudience,
        Twist::ForAnotherParty,
        Twist::WrongIssuer,
        Twist::UnverifiedEmail,
        Twist::Expired,
        Twist::ForeignKey,
        Twist::NoIdToken,
    ] {
        let provider = Provider::start(Key::p256("k1"), "2020-06-01T12:00:00Z");
        let world = world(&provider).await;
        invite(&world, "maria@example.com").await;
        let back = at_issuer(&world, &provider, "maria@example.com").await;
        provider.twist(twist);
        problem(&back.arrive(&world).await, 403);
    }
}

#[tokio::test]
async fn an_answer_belongs_to_the_browser_that_asked() {
    let provider = Provider::start(Key::p256("k1"), "2020-06-01T12:00:00Z");
    let world = world(&provider).await;
    invite(&world, "maria@example.com").await;
    let one = at_issuer(&world, &provider, "maria@example.com").await;
    let other = at_issuer(&world, &provider, "maria@example.com").await;
    for (path, cookie) in [
        (&one.path, &other.cookie),
        (&one.path, &"x=y".to_owned()),
        (
            &format!("{}&iss=https://evil.example", one.path),
            &one.cookie,
        ),
        (&format!("{}&error=access_denied", one.path), &one.cookie),
        (&CALLBACK.to_owned(), &one.cookie),
    ] {
        problem(&world.with_cookie("GET", path, cookie).await, 403);
    }
    world.clock.advance(Duration::from_secs(601));
    problem(&one.arrive(&world).await, 403);
}

#[tokio::test]
async fn the_issuer_is_asked_whether_people_may_stay() {
    let provider = Provider::start(Key::p256("k1"), "2020-06-01T12:00:00Z");
    let world = world(&provider).await;
    invite(&world, "maria@example.com").await;
    let back = at_issuer(&world, &provider, "maria@example.com").await;
    let first = cookie(&back.arrive(&world).await);
    // Each refresh token is taken once.
    let second = cookie(&world.with_cookie("POST", REFRESH, &first).await);
    let third = cookie(&world.with_cookie("POST", REFRESH, &second).await);
    provider.twist(Twist::Down);
    world.clock.advance(Duration::from_secs(3_500));
    let fourth = cookie(&world.with_cookie("POST", REFRESH, &third).await);
    world.clock.advance(Duration::from_secs(200));
    let answer = world.with_cookie("POST", REFRESH, &fourth).await;
    problem(&answer, 503);
    let set = answer.header("set-cookie").unwrap();
    let fifth = set.split(';').next().unwrap();
    problem(&world.with_cookie("POST", REFRESH, &fourth).await, 503);
    provider.twist(Twist::RefusesRefresh);
    problem(&world.with_cookie("POST", REFRESH, fifth).await, 401);
    problem(&world.with_cookie("POST", REFRESH, fifth).await, 401);
}

#[tokio::test]
async fn without_an_issuer_there_is_nothing_to_lead_to() {
    let world = World::start().await;
    problem(&world.call_openly("GET", START).send().await.unwrap(), 404);
}
