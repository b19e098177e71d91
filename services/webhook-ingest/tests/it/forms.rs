//! Website forms at their door: what is taken, what is turned away, and what a browser is told.

use std::{net::Ipv4Addr, sync::Arc};

use axum::{Json, Router, extract::State, routing::post};
use http::{Method, StatusCode, Uri};
use serde_json::{Value, json};
use store::{AuditAction, ConfigKind, NewConfig, RequestQuery, Store as _};
use tokio::sync::Mutex;
use url::Url;
use webhook_ingest::Config;

use crate::world::{Answer, FORM_SOURCE, World};

const FORM: &str = "/v1/forms/webforms-token";
const ADDRESS: &str = "192.0.2.1";
const PAGE: (&str, &str) = ("origin", "https://www.remodel.example.com");
const URLENCODED: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const GOOD: &str = "name=Ada+Fenn&email=ada.fenn%40example.com&message=A+new+bath";

async fn set(world: &World, settings: Value) {
    let new = NewConfig {
        tenant: world.tenant.clone(),
        kind: ConfigKind::Source,
        name: FORM_SOURCE.to_string(),
        json: settings,
        expected: None,
        note: String::new(),
    };
    let act = AuditAction::new("ann", "source.set", FORM_SOURCE);
    world.store.put_config(&new, &act).await.unwrap();
}

async fn with_settings(settings: Value) -> World {
    let world = World::start().await;
    set(&world, settings).await;
    world
}

fn own_pages() -> Value {
    json!({ "domains": ["remodel.example.com"] })
}

async fn post_form(world: &World, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = [&[URLENCODED], headers].concat();
    world.send(ADDRESS, FORM, &headers, body.to_owned()).await
}

/// Whether each stored lead is marked as spam, and why, the newest first.
async fn judged(world: &World) -> Vec<(Option<bool>, Vec<String>)> {
    let all = RequestQuery {
        limit: 200,
        ..RequestQuery::default()
    };
    let page = world
        .store
        .list_requests(&world.tenant, &all)
        .await
        .unwrap();
    let facts = page
        .items
        .into_iter()
        .map(|request| request.document.source.said);
    facts
        .map(|facts| (facts.marked_spam, facts.suspicions.unwrap_or_default()))
        .collect()
}

#[tokio::test]
async fn a_form_is_taken_and_a_tripped_trap_is_told_the_same() {
    let world = World::start().await;
    let good = post_form(&world, &[], GOOD).await;
    assert_eq!(good.status, StatusCode::ACCEPTED, "{good:?}");
    let spam = post_form(&world, &[], &format!("{GOOD}2&website=https://x.example")).await;
    assert_eq!(spam.status, StatusCode::ACCEPTED);
    let members = |answer: &Answer| -> Vec<String> {
        answer.body.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(
        (members(&good), members(&spam)),
        (vec!["lead_id".to_owned()], members(&good))
    );
    let judged = judged(&world).await;
    assert_eq!(judged.len(), 2);
    assert_eq!(judged[1], (None, vec![]));
    assert_eq!(judged[0].0, Some(true));
    assert_eq!(judged[0].1[0], "a field that nobody sees was filled in");
}

#[tokio::test]
async fn two_clicks_are_one_lead_also_across_a_window() {
    let world = World::start().await;
    let first = post_form(&world, &[], GOOD).await;
    // Another time of the page's loading makes another body.
    let second = post_form(&world, &[], &format!("{GOOD}&page_token=x")).await;
    assert_eq!(first.body, second.body);
    world.clock.advance(std::time::Duration::from_secs(9 * 60));
    let later = post_form(&world, &[], GOOD).await;
    assert_eq!(first.body, later.body);
    world.clock.advance(std::time::Duration::from_secs(60 * 60));
    let again = post_form(&world, &[], GOOD).await;
    assert_ne!(first.body, again.body, "an hour later it is meant");
    let key = ("idempotency-key", "7");
    let named = post_form(&world, &[key], GOOD).await;
    let repeated = post_form(&world, &[key], &format!("{GOOD}&page_token=y")).await;
    assert_eq!(named.body, repeated.body);
    assert_eq!(world.requests().await, 3);
    // A script that makes one key for everybody hides nobody.
    let other = post_form(&world, &[key], "name=Bo&message=other").await;
    assert_eq!(other.status, StatusCode::ACCEPTED);
    assert_ne!(named.body, other.body);
    assert_eq!(world.requests().await, 4);
}

#[tokio::test]
async fn people_who_share_a_number_or_give_none_hide_nobody() {
    let world = World::start().await;
    let form = async |name: &str, contact: &str, more: &str| {
        let body = format!("name={name}&{contact}&message=Kitchen{more}");
        let answer = post_form(&world, &[], &body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        answer.body
    };
    let mut leads = 0;
    for contact in [
        "phone=0000000000",
        "phone=555-555-5555",
        "email=none%40none.com",
        "email=info%40acme.com",
        "phone=512-555-0221",
    ] {
        let first = form("Ann+Smith", contact, "").await;
        let other = form("Tom+Smith", contact, "").await;
        assert_ne!(first, other, "{contact}");
        assert_eq!(first, form("Ann+Smith", contact, "").await, "{contact}");
        assert_eq!(other, form("Tom+Smith", contact, "").await, "{contact}");
        leads += 2;
        assert_eq!(world.requests().await, leads, "{contact}");
    }
    // On a line of their own, each corrects their own lead, however the name is written.
    let line = "phone=512-555-0221";
    let tom = form("Tom+Smith", line, "").await;
    assert_eq!(form("TOM+SMITH", line, "&zip=78664").await, tom);
    let ann = form("Ann+Smith", line, "&zip=78704").await;
    assert_ne!(ann, tom);
    assert_eq!(world.requests().await, leads);
}

#[tokio::test]
async fn only_the_companys_pages_may_post_unless_a_server_signs() {
    let world = with_settings(own_pages()).await;
    for headers in [
        &[][..],
        &[("origin", "null")],
        &[("origin", "https://evil.example.net")],
        &[("referer", "https://remodel.example.com.evil.example.net/")],
    ] {
        let answer = post_form(&world, headers, GOOD).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    let own = post_form(&world, &[PAGE], GOOD).await;
    assert_eq!(own.status, StatusCode::ACCEPTED);
    assert_eq!(own.headers["access-control-allow-origin"], PAGE.1);
    assert_eq!(own.headers["vary"], "Origin");
    let referer = ("referer", "https://remodel.example.com/quote");
    let own = post_form(&world, &[referer], &format!("{GOOD}2")).await;
    assert_eq!(own.status, StatusCode::ACCEPTED);

    let body = include_str!("../../../../crates/sources/src/webforms/fixtures/json.json");
    let right = "sha256=bd2eab9da6397c803e329f9df340059b73ebf4728d470bd15de76d323c53a0cf";
    let json = ("content-type", "application/json");
    let sign = async |signature| {
        let headers = [json, ("x-hub-signature-256", signature)];
        world.send(ADDRESS, FORM, &headers, body).await.status
    };
    assert_eq!(sign(right).await, StatusCode::ACCEPTED);
    assert_eq!(
        sign(&right.replace('b', "c")).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(world.requests().await, 3);
}

#[tokio::test]
async fn a_browser_asks_before_its_script_posts() {
    let world = with_settings(own_pages()).await;
    let ask = async |path: &str, origin| {
        let headers = [("origin", origin)];
        world
            .call_by(Method::OPTIONS, ADDRESS, path, &headers, "")
            .await
    };
    let own = ask(FORM, PAGE.1).await;
    assert_eq!(own.status, StatusCode::NO_CONTENT);
    assert_eq!(own.headers["access-control-allow-origin"], PAGE.1);
    assert_eq!(own.headers["vary"], "Origin");
    let other = ask(FORM, "https://evil.example.net").await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    assert!(!other.headers.contains_key("access-control-allow-origin"));
    assert_eq!(
        ask("/v1/forms/nobody", PAGE.1).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn a_page_token_tells_how_long_a_page_was_open() {
    let world = World::start().await;
    let path = format!("{FORM}/page-token");
    let given = world.call_by(Method::GET, ADDRESS, &path, &[], "").await;
    assert_eq!(given.headers["cache-control"], "no-store");
    let token = given.body["page_token"].as_str().unwrap().to_owned();
    let with = |token: &str, n: u32| format!("{GOOD}{n}&page_token={token}");
    post_form(&world, &[], &with(&token, 1)).await;
    world.clock.advance(std::time::Duration::from_secs(30));
    post_form(&world, &[], &with(&token, 2)).await;
    post_form(&world, &[], &with("MTc5.AAAA", 3)).await;
    let told: Vec<_> = judged(&world).await.into_iter().rev().collect();
    assert_eq!(
        told,
        [
            (
                None,
                vec!["it was sent within 3 seconds of the page's loading".to_owned()]
            ),
            (None, vec![]),
            (
                None,
                vec!["its word of when its page was loaded is not ours".to_owned()]
            ),
        ]
    );
    let nobody = world
        .call_by(Method::GET, ADDRESS, "/v1/forms/nobody/page-token", &[], "")
        .await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_browser_goes_on_to_the_page_of_the_settings_alone() {
    let world =
        with_settings(json!({ "thank_you_url": "https://remodel.example.com/thanks" })).await;
    let accept = ("accept", "text/html,application/xhtml+xml");
    let body =
        format!("{GOOD}&thank_you_url=https://evil.example.net&_next=https://evil.example.net");
    let answer = post_form(&world, &[accept], &body).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(
        answer.headers["location"],
        "https://remodel.example.com/thanks"
    );
    let spam = post_form(&world, &[accept], &format!("{GOOD}2&website=x")).await;
    assert_eq!(spam.status, StatusCode::SEE_OTHER);
    let bare = World::start().await;
    let answer = post_form(&bare, &[accept], GOOD).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn what_no_form_sends_is_turned_away() {
    let world = World::start().await;
    let send = async |kind: &str, body: Vec<u8>| {
        let headers = [("content-type", kind)];
        world.send(ADDRESS, FORM, &headers, body).await.status
    };
    let form = URLENCODED.1;
    let parts = |count: usize, file: bool| {
        let name = if file { "; filename=\"a.jpg\"" } else { "" };
        let part = format!("--b\r\ncontent-disposition: form-data; name=\"n\"{name}\r\n\r\nx\r\n");
        format!("{}--b--\r\n", part.repeat(count)).into_bytes()
    };
    let multipart = "multipart/form-data; boundary=b";
    for (kind, body, status) in [
        ("text/plain", GOOD.into(), 415),
        ("application/xml", GOOD.into(), 415),
        (form, b"name=a%00b".to_vec(), 400),
        (form, format!("message={}", "x".repeat(17_000)).into(), 413),
        (form, vec![b'x'; 257 * 1024], 413),
        ("application/json", b"{\"a\": \"\0\"}".to_vec(), 400),
        (multipart, parts(65, false), 413),
        (multipart, parts(6, true), 413),
        (multipart, b"--b\r\nno part".to_vec(), 400),
        ("multipart/form-data", GOOD.into(), 400),
    ] {
        let head = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert_eq!(send(kind, body).await, status, "{kind}: {head}");
    }
    assert_eq!(world.requests().await, 0);
    // Broken, and genuine: a plugin does not send it again, so a person looks.
    let broken = br#"{"name":"Ada Fenn","services":,"phone":"(512) 555-0171"}"#;
    assert_eq!(send("application/json", broken.to_vec()).await, 202);
    assert_eq!(send("application/json", b"[]".to_vec()).await, 202);
    assert_eq!(world.requests().await, 2);
}

#[tokio::test]
async fn one_neighborhood_posts_so_often_and_no_more() {
    let world = World::start().await;
    for number in 0..20 {
        let address = format!("192.0.2.{number}");
        let body = format!("{GOOD}{number}");
        let answer = world.send(&address, FORM, &[URLENCODED], body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{number}");
    }
    let refused = world.send("192.0.2.99", FORM, &[URLENCODED], GOOD).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.retry_after() >= 1);
    let elsewhere = world.send("198.51.100.1", FORM, &[URLENCODED], GOOD).await;
    assert_eq!(elsewhere.status, StatusCode::ACCEPTED);
}

/// A stand-in for the services that tell people from programs, at the paths of both.
#[derive(Clone, Default)]
pub(crate) struct BotService {
    /// What it says next; without an answer it fails.
    said: Arc<Mutex<Option<Value>>>,
    /// The path of each question, in order.
    asked: Arc<Mutex<Vec<String>>>,
}

impl BotService {
    /// Begins to serve; the settings of an edge that asks it, whichever service a form names.
    pub(crate) async fn start() -> (Self, Config) {
        async fn verify(
            State(service): State<BotService>,
            uri: Uri,
            body: String,
        ) -> Result<Json<Value>, StatusCode> {
            assert!(
                body.contains("secret=bot-secret") && body.contains("response=tok-en"),
                "{body}"
            );
            service.asked.lock().await.push(uri.path().to_owned());
            let said = service.said.lock().await.clone();
            said.map(Json).ok_or(StatusCode::SERVICE_UNAVAILABLE)
        }
        let service = Self::default();
        let routes = Router::new()
            .route("/turnstile/v0/siteverify", post(verify))
            .route("/recaptcha/api/siteverify", post(verify))
            .with_state(service.clone());
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let url: Url = url.parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let mut config = Config::default();
        config.bot_checks.turnstile = url.clone();
        config.bot_checks.recaptcha = url;
        (service, config)
    }

    /// The path of each question, in order.
    pub(crate) async fn asked(&self) -> Vec<String> {
        self.asked.lock().await.clone()
    }
}

/// What the newest lead says of its bot check, and whether it is marked as spam.
async fn checked(world: &World) -> (String, Option<bool>) {
    let newest = RequestQuery {
        limit: 1,
        ..RequestQuery::default()
    };
    let page = world.store.list_requests(&world.tenant, &newest).await;
    let page = page.unwrap();
    let facts = &page.items[0].document.source.said;
    assert!(!serde_json::to_string(facts).unwrap().contains("tok-en"));
    (facts.extra["bot_check"].clone(), facts.marked_spam)
}

/// Each service: its name, the field that carries its token, and where it is asked.
const SERVICES: [(&str, &str, &str); 2] = [
    (
        "turnstile",
        "cf-turnstile-response",
        "/turnstile/v0/siteverify",
    ),
    (
        "recaptcha",
        "g-recaptcha-response",
        "/recaptcha/api/siteverify",
    ),
];

#[tokio::test]
async fn a_bot_check_counts_only_for_this_page_and_action() {
    for (name, field, path) in SERVICES {
        let (service, config) = BotService::start().await;
        let world = World::with(config).await;
        let mut settings = own_pages();
        settings["bot_check"] = json!({ "service": name, "action": "quote" });
        set(&world, settings).await;
        let answer = |host: &str, action: &str| json!({ "success": true, "hostname": host, "action": action, "error-codes": [] });
        let no = |code: &str| json!({ "success": false, "error-codes": [code] });
        let cases = [
            (Some(answer("remodel.example.com", "quote")), "passed", None),
            (
                Some(answer("evil.example.net", "quote")),
                "failed",
                Some(true),
            ),
            (
                Some(answer("remodel.example.com", "login")),
                "failed",
                Some(true),
            ),
            (Some(no("timeout-or-duplicate")), "failed", Some(true)),
            (Some(no("invalid-input-secret")), "unknown", None),
            (None, "unknown", None),
        ];
        let count = cases.len();
        for (number, (says, word, marked)) in cases.into_iter().enumerate() {
            *service.said.lock().await = says;
            let body = format!("{GOOD}{number}&{field}=tok-en");
            let answer = post_form(&world, &[PAGE], &body).await;
            assert_eq!(answer.status, StatusCode::ACCEPTED);
            assert_eq!(
                checked(&world).await,
                (word.to_owned(), marked),
                "{name}, case {number}"
            );
        }
        post_form(&world, &[PAGE], &format!("{GOOD}x")).await;
        assert_eq!(
            judged(&world).await[0].0,
            Some(true),
            "{name}: the token is missing"
        );
        // Once for each token, and no other service.
        assert_eq!(service.asked().await, vec![path; count]);
    }
}

#[tokio::test]
async fn a_score_is_held_against_the_least_that_counts() {
    for (min_score, score, word) in [
        (None, Some(0.49), "failed"),
        (None, Some(0.5), "passed"),
        (Some(0.5), Some(0.49), "failed"),
        (Some(0.5), Some(0.5), "passed"),
        (Some(0.7), Some(0.69), "failed"),
        (Some(0.7), Some(0.7), "passed"),
        (Some(0.3), Some(0.3), "passed"),
        (Some(0.3), Some(0.29), "failed"),
        // A box that is ticked has no score.
        (None, None, "passed"),
    ] {
        let (service, config) = BotService::start().await;
        let world = World::with(config).await;
        let mut settings = own_pages();
        settings["bot_check"] = json!({ "service": "recaptcha" });
        if let Some(min_score) = min_score {
            settings["bot_check"]["min_score"] = json!(min_score);
        }
        set(&world, settings).await;
        let mut said = json!({ "success": true, "hostname": "remodel.example.com" });
        if let Some(score) = score {
            said["score"] = json!(score);
        }
        *service.said.lock().await = Some(said);
        let body = format!("{GOOD}&g-recaptcha-response=tok-en");
        let answer = post_form(&world, &[PAGE], &body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
        let marked = (word == "failed").then_some(true);
        assert_eq!(
            checked(&world).await,
            (word.to_owned(), marked),
            "{score:?} of {min_score:?}"
        );
    }
}
