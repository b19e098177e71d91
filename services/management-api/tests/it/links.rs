//! The page on which people sign in, and the mails that lead there.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{Clock, EmailAddress};
use http_client::{Client, Options, Response, Url};
use management_api::{
    auth::{
        Role::{PlatformAdmin, TenantAdmin, Viewer},
        Verifier,
    },
    sign_in::{Postman, SignInMailConfig},
};
use notify::Channels;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use simulators::{Fault, Simulators};

use crate::{
    openapi::assert_is_as_described,
    world::{PUBLIC_URL, World, body, created, problem, wrong_fields},
};

const LINKS: &str = "/v1/sign-in/links";
const INVITATIONS: &str = "/v1/tenants/a/invitations";

/// A server whose mails a simulated provider takes.
struct Mailing {
    world: World,
    simulators: Simulators,
}

impl Mailing {
    async fn start() -> Self {
        let config = simulators::sendgrid::Config::default();
        let key = config.api_keys[0].clone();
        let simulators = Simulators::start(simulators::Config::default()).await;
        let simulators = simulators.unwrap();
        let url = Url::parse(&simulators.sendgrid().base_url()).unwrap();
        let sender = SignInMailConfig {
            provider: "sendgrid".to_owned(),
            key: key.into(),
            from: EmailAddress::parse("sign-in@example.com").unwrap(),
            from_name: "Leads".to_owned(),
        };
        let world = World::start_signing_in(
            |key, trust, _| Verifier::new(trust.clone(), key.key_set()),
            |sign_in, clock| {
                let http = Client::new(Options {
                    allow_loopback: true,
                    ..Options::default()
                });
                let clock: Arc<dyn Clock> = Arc::new(clock.clone());
                let providers = notify::Config::default().with_url("sendgrid", url);
                let channels = Channels::new(&http.unwrap(), &clock, &providers);
                sign_in.with_mail(Postman::new(sender, PUBLIC_URL, &channels))
            },
        )
        .await;
        Self { world, simulators }
    }

    async fn ask(&self, email: &str) -> Response {
        let call = self.world.call_openly("POST", LINKS);
        call.json(&json!({ "email": email })).send().await.unwrap()
    }

    /// The links that were mailed, with whom they went to, once there are so many.
    async fn mailed(&self, wanted: usize) -> Vec<(String, String)> {
        loop {
            let mails = self.simulators.sendgrid().mails();
            if mails.len() < wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
            let link = |text: &str| {
                let found = text.lines().find(|line| line.starts_with(PUBLIC_URL));
                found.unwrap_or_default().to_owned()
            };
            let links = mails
                .iter()
                .map(|mail| (mail.to[0].clone(), link(&mail.text)));
            return links.collect();
        }
    }
}

fn code_of(link: &str) -> &str {
    link.strip_prefix("https://leads.example/sign-in#code=")
        .unwrap()
}

#[tokio::test]
async fn a_link_goes_to_ones_own_address_alone() {
    let mailing = Mailing::start().await;
    let world = &mailing.world;
    let (user, _) = world.joined("a", "ann@example.com", Viewer).await;
    mailing.mailed(1).await;
    let known = mailing.ask("ANN@example.com").await;
    let unknown = mailing.ask("eve@example.com").await;
    for answer in [&known, &unknown] {
        assert_eq!(answer.status, 202, "{}", answer.text_lossy(500));
        assert!(answer.header("set-cookie").is_none());
    }
    let asked: Value = known.json().unwrap();
    assert_is_as_described(&asked, "AskedSignInLink");
    assert_eq!(
        known.body, unknown.body,
        "nobody learns whose address it is"
    );
    let mails = mailing.mailed(2).await;
    let (to, link) = &mails[1];
    assert_eq!(to, "ann@example.com");
    let entries = world.audit("a").await;
    let asked = entries.last().unwrap();
    assert_eq!(
        (asked.action.as_str(), asked.actor.as_str()),
        ("sign_in_link.create", user.to_string().as_str())
    );
    assert!(!format!("{entries:?}").contains(code_of(link)));
    let signed_in = world.sign_in(code_of(link)).await;
    let token = body(&signed_in)["token"].as_str().unwrap().to_owned();
    let me = body(&world.get_with("/v1/me", &token.into()).await);
    assert_eq!(me["subject"], user.to_string());
    mailing.ask("ann@example.com").await;
    let mails = mailing.mailed(3).await;
    assert!(
        mails.iter().all(|(to, _)| to == "ann@example.com"),
        "{mails:?}"
    );
}

#[tokio::test]
async fn links_are_asked_for_within_limits() {
    let mailing = Mailing::start().await;
    for _ in 0..3 {
        assert_eq!(mailing.ask("ann@example.com").await.status, 202);
    }
    // The same for an address that is nobody's: the limit tells nothing.
    problem(&mailing.ask("Ann@Example.com").await, 429);
    assert_eq!(mailing.ask("bob@example.com").await.status, 202);
    problem(&mailing.ask("cid@example.com").await, 429);
    mailing.world.clock.advance(Duration::from_secs(60));
    assert_eq!(mailing.ask("cid@example.com").await.status, 202);
    problem(&mailing.ask("ann@example.com").await, 429);
    mailing.world.clock.advance(Duration::from_secs(600));
    assert_eq!(mailing.ask("ann@example.com").await.status, 202);
    assert_eq!(wrong_fields(&mailing.ask("ann").await), ["email"]);
}

#[tokio::test]
async fn where_nobody_sends_mail_the_operator_is_told() {
    let world = World::start().await;
    let call = world.call_openly("POST", LINKS);
    let answer = call.json(&json!({ "email": "ann@example.com" })).send();
    let shown = problem(&answer.await.unwrap(), 404);
    let detail = shown["detail"].as_str().unwrap();
    assert!(detail.contains("pipeline user link"), "{detail}");
    let new = json!({ "email": "ann@example.com", "role": "viewer" });
    let made = created(
        &world
            .call_as(PlatformAdmin, "POST", INVITATIONS, Some(&new))
            .await,
    );
    assert_eq!(made["mail"], "no_sender");
    assert_eq!(code_of(made["link"].as_str().unwrap()), made["code"]);
    problem(
        &world
            .call_as(TenantAdmin, "POST", INVITATIONS, Some(&new))
            .await,
        403,
    );
}

#[tokio::test]
async fn an_administrator_invites_by_mail_and_sees_no_code() {
    let mailing = Mailing::start().await;
    let world = &mailing.world;
    let invite = async |email: &str| {
        let new = json!({ "email": email, "role": "viewer" });
        created(
            &world
                .call_as(TenantAdmin, "POST", INVITATIONS, Some(&new))
                .await,
        )
    };
    let made = invite("Bob@example.com").await;
    assert_is_as_described(&made, "CreatedInvitation");
    assert_eq!(
        (&made["mail"], &made["code"], &made["link"]),
        (&json!("sent"), &Value::Null, &Value::Null)
    );
    let mails = mailing.mailed(1).await;
    assert_eq!(mails[0].0, "bob@example.com");
    let signed_in = world.sign_in(code_of(&mails[0].1)).await;
    let token = body(&signed_in)["token"].as_str().unwrap().to_owned();
    let me = body(&world.get_with("/v1/me", &token.into()).await);
    assert_eq!(
        (&me["email"], &me["role"]),
        (&json!("bob@example.com"), &json!("viewer"))
    );

    // What the provider does not take is said, and the invitation stands.
    mailing
        .simulators
        .sendgrid()
        .answer_next(Fault::Status(500));
    let made = invite("cid@example.com").await;
    assert_eq!(made["mail"], "failed");
    let waiting = body(&world.call_as(TenantAdmin, "GET", INVITATIONS, None).await);
    assert_eq!(waiting["items"][0]["email"], "cid@example.com");
}

#[tokio::test]
async fn the_page_runs_its_own_script_and_nothing_else() {
    let world = World::start().await;
    let page = world.get_openly("/sign-in").await;
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let html = std::str::from_utf8(&page.body).unwrap();
    let policy = page.header("content-security-policy").unwrap();
    for (element, directive) in [("script", "script-src"), ("style", "style-src")] {
        let (_, rest) = html.split_once(&format!("<{element}>")).unwrap();
        let (text, _) = rest.split_once(&format!("</{element}>")).unwrap();
        let hash = STANDARD.encode(Sha256::digest(text));
        assert!(
            policy.contains(&format!("{directive} 'sha256-{hash}';")),
            "{policy}"
        );
    }
    for directive in [
        "default-src 'none'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "form-action 'none'",
    ] {
        assert!(policy.contains(directive), "{policy}");
    }
    for outside in ["src=", "http://", "https://", "url(", "onclick", "style=\""] {
        assert!(!html.contains(outside), "{outside}");
    }
    // It offers what there is: here nobody brings links.
    assert!(html.contains("pipeline user link") && !html.contains("Send me a link"));
    let mailing = Mailing::start().await;
    let page = mailing.world.get_openly("/sign-in").await;
    assert!(page.text_lossy(100_000).contains("Send me a link"));
}
