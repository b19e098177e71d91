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
use simulators::{
    Config, Simulators,
    issuer::{CLIENT_ID, CLIENT_SECRET, Twist},
};
use testkit::ManualClock;
use url::Url;

use crate::{
    sign_in::cookie,
    world::{PUBLIC_URL, World, body, created, problem},
};

const START: &str = "/v1/sign-in/oidc";
const CALLBACK: &str = "/v1/sign-in/oidc/callback";
const REFRESH: &str = "/v1/sign-in/refresh";

/// An issuer whose clock stands.
async fn issuer() -> Simulators {
    let config = Config {
        now: Arc::new(|| "2020-06-01T12:00:00Z".parse().unwrap()),
        ..Config::default()
    };
    Simulators::start(config).await.unwrap()
}

fn oidc(provider: &Simulators, sign_in: SignIn, clock: &ManualClock) -> SignIn {
    let config = OidcConfig {
        issuer: provider.issuer().base_url(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: SecretString::from(CLIENT_SECRET),
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

async fn world(provider: &Simulators) -> World {
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
async fn at_issuer(world: &World, provider: &Simulators, email: &str) -> Back {
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
    let code = provider.issuer().sign_in(&asked, email);
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

    /// Arrives and is signed in; the session's cookie.
    async fn comes_in(&self, world: &World) -> String {
        let answer = self.arrive(world).await;
        assert_eq!(led_to(&answer), "/sign-in");
        let set: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
        assert_eq!(set.len(), 2, "{set:?}");
        let session = set[0].to_str().unwrap();
        assert!(session.contains("SameSite=Strict"), "{session}");
        session.split(';').next().unwrap().to_owned()
    }
}

/// Where an answer leads the browser.
#[track_caller]
fn led_to(answer: &Response) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.text_lossy(500));
    answer.header("location").unwrap()
}

/// That nobody came in, and why.
#[track_caller]
fn refused(answer: &Response, why: &str) {
    assert_eq!(led_to(answer), format!("/sign-in#refused={why}"));
    let set: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert!(
        set.iter()
            .all(|cookie| cookie.to_str().unwrap().starts_with("pipeline_oidc=;")),
        "{set:?}"
    );
}

/// The token that the page gets by the session's cookie, and the cookie that replaces it.
async fn token(world: &World, session: &str) -> (SecretString, String) {
    let refreshed = world.with_cookie("POST", REFRESH, session).await;
    let token = body(&refreshed)["token"].as_str().unwrap().to_owned();
    (token.into(), cookie(&refreshed))
}

async fn invite(world: &World, email: &str) -> Value {
    let new = json!({ "email": email, "role": "operator" });
    let path = "/v1/tenants/a/invitations";
    created(&world.call_as(TenantAdmin, "POST", path, Some(&new)).await)
}

#[tokio::test]
async fn an_invited_person_signs_in_at_the_issuer() {
    let provider = issuer().await;
    let world = world(&provider).await;
    // An administrator invites, and has no code that could sign in as the person.
    assert_eq!(
        invite(&world, "maria@example.com").await["code"],
        Value::Null
    );
    let back = at_issuer(&world, &provider, "Maria@Example.com").await;
    let session = back.comes_in(&world).await;
    let (token, _) = token(&world, &session).await;
    let me = body(&world.get_with("/v1/me", &token).await);
    assert_eq!(
        (&me["email"], &me["role"]),
        (&json!("maria@example.com"), &json!("operator"))
    );
    assert_eq!(me["product"]["sign_in"], "oidc");
    problem(&world.get_with("/v1/tenants/b/requests", &token).await, 404);
    // The same answer again: the issuer took its code already.
    refused(&back.arrive(&world).await, "not-vouched");
}

#[tokio::test]
async fn only_who_was_invited_or_administers_the_platform_comes_in() {
    let provider = issuer().await;
    let world = world(&provider).await;
    let stranger = at_issuer(&world, &provider, "eve@example.com").await;
    refused(&stranger.arrive(&world).await, "not-invited");
    let root = at_issuer(&world, &provider, "root@example.com").await;
    let session = root.comes_in(&world).await;
    let (token, _) = token(&world, &session).await;
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
        let provider = issuer().await;
        let world = world(&provider).await;
        invite(&world, "maria@example.com").await;
        let back = at_issuer(&world, &provider, "maria@example.com").await;
        provider.issuer().twist(Some(twist));
        let why = match twist {
            Twist::UnverifiedEmail => "not-verified",
            _ => "not-vouched",
        };
        refused(&back.arrive(&world).await, why);
    }
}

#[tokio::test]
async fn an_answer_belongs_to_the_browser_that_asked() {
    let provider = issuer().await;
    let world = world(&provider).await;
    invite(&world, "maria@example.com").await;
    let one = at_issuer(&world, &provider, "maria@example.com").await;
    let other = at_issuer(&world, &provider, "maria@example.com").await;
    for (path, cookie, why) in [
        (&one.path, &other.cookie, "other-attempt"),
        (&one.path, &"x=y".to_owned(), "other-attempt"),
        (
            &format!("{}&iss=https://evil.example", one.path),
            &one.cookie,
            "not-vouched",
        ),
        (
            &format!("{}&error=access_denied", one.path),
            &one.cookie,
            "not-vouched",
        ),
        (&CALLBACK.to_owned(), &one.cookie, "other-attempt"),
    ] {
        refused(&world.with_cookie("GET", path, cookie).await, why);
    }
    world.clock.advance(Duration::from_secs(601));
    refused(&one.arrive(&world).await, "other-attempt");
}

#[tokio::test]
async fn the_issuer_is_asked_whether_people_may_stay() {
    let provider = issuer().await;
    let world = world(&provider).await;
    invite(&world, "maria@example.com").await;
    let back = at_issuer(&world, &provider, "maria@example.com").await;
    let first = back.comes_in(&world).await;
    // Each refresh token is taken once.
    let second = cookie(&world.with_cookie("POST", REFRESH, &first).await);
    let third = cookie(&world.with_cookie("POST", REFRESH, &second).await);
    provider.issuer().twist(Some(Twist::Down));
    world.clock.advance(Duration::from_secs(3_500));
    let fourth = cookie(&world.with_cookie("POST", REFRESH, &third).await);
    world.clock.advance(Duration::from_secs(200));
    let answer = world.with_cookie("POST", REFRESH, &fourth).await;
    problem(&answer, 503);
    let set = answer.header("set-cookie").unwrap();
    let fifth = set.split(';').next().unwrap();
    problem(&world.with_cookie("POST", REFRESH, &fourth).await, 503);
    provider.issuer().twist(Some(Twist::RefusesRefresh));
    problem(&world.with_cookie("POST", REFRESH, fifth).await, 401);
    problem(&world.with_cookie("POST", REFRESH, fifth).await, 401);
}

#[tokio::test]
async fn without_an_issuer_there_is_nothing_to_lead_to() {
    let world = World::start().await;
    problem(&world.call_openly("GET", START).send().await.unwrap(), 404);
}
