//! Signing in by a code, and what goes on from there.

use std::time::Duration;

use http_client::Response;
use management_api::auth::Role::{PlatformAdmin, TenantAdmin, Viewer};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, created, problem, wrong_fields},
};

const SIGN_IN: &str = "/v1/sign-in";
const REFRESH: &str = "/v1/sign-in/refresh";
const DEVICES: &str = "/v1/sign-in/devices";

impl World {
    pub(crate) async fn sign_in(&self, code: &str) -> Response {
        let call = self.call_openly("POST", SIGN_IN);
        call.json(&json!({ "code": code })).send().await.unwrap()
    }

    pub(crate) async fn with_cookie(&self, method: &str, path: &str, cookie: &str) -> Response {
        let call = self.call_openly(method, path).header("cookie", cookie);
        call.send().await.unwrap()
    }

    /// A code of the operator's console.
    async fn code(&self) -> String {
        let new = json!({ "tenant_id": "a", "role": "tenant_admin", "subject": "operator" });
        let path = "/v1/sign-in/codes";
        let made = created(&self.call_as(PlatformAdmin, "POST", path, Some(&new)).await);
        assert_is_as_described(&made, "CreatedSignInCode");
        made["code"].as_str().unwrap().to_owned()
    }

    /// The cookie of somebody who just signed in.
    async fn signed_in(&self) -> String {
        let code = self.code().await;
        cookie(&self.sign_in(&code).await)
    }
}

/// The cookie that an answer sets, as it is sent back.
#[track_caller]
pub(crate) fn cookie(answer: &Response) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text_lossy(500));
    let set = answer.header("set-cookie").expect("a cookie");
    set.split(';').next().unwrap().to_owned()
}

fn token(answer: &Response) -> SecretString {
    body(answer)["token"].as_str().unwrap().to_owned().into()
}

#[tokio::test]
async fn a_code_signs_in_once() {
    let world = World::start().await;
    let code = world.code().await;
    let answer = world.sign_in(&code).await;
    let shown = body(&answer);
    assert_is_as_described(&shown, "SignInToken");
    assert_eq!(shown["expires_at"], "2020-06-01T12:10:00Z");
    let set = answer.header("set-cookie").unwrap();
    for part in [
        "HttpOnly",
        "SameSite=Strict",
        "Path=/v1/sign-in",
        "Max-Age=2592000",
    ] {
        assert!(set.contains(part), "{set}");
    }
    assert!(
        !set.contains("Secure"),
        "this machine is reached without TLS: {set}"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    body(
        &world
            .get_with("/v1/tenants/a/people", &token(&answer))
            .await,
    );
    problem(
        &world
            .get_with("/v1/tenants/b/people", &token(&answer))
            .await,
        404,
    );

    let again = problem(&world.sign_in(&code).await, 409);
    let detail = again["detail"].as_str().unwrap();
    assert!(
        detail.contains("used already") && detail.contains("pipeline sign-in"),
        "{detail}"
    );
    world.clock.advance(Duration::from_secs(600 + 30));
    problem(
        &world
            .get_with("/v1/tenants/a/people", &token(&answer))
            .await,
        401,
    );
}

#[tokio::test]
async fn a_code_expires_and_an_unknown_one_is_not_found() {
    let world = World::start().await;
    let code = world.code().await;
    let invited = world.invited("a", "ann@example.com", Viewer).await;
    world.clock.advance(Duration::from_secs(24 * 60 * 60));
    let shown = problem(&world.sign_in(&code).await, 409);
    assert!(
        shown["detail"].as_str().unwrap().contains("expired"),
        "{shown}"
    );
    world.clock.advance(Duration::from_secs(6 * 24 * 60 * 60));
    problem(&world.sign_in(&invited).await, 409);
    for _ in 0..30 {
        problem(&world.sign_in("made up").await, 404);
    }
    problem(&world.sign_in("made up").await, 429);
    world.clock.advance(Duration::from_secs(60));
    problem(&world.sign_in("made up").await, 404);
}

#[tokio::test]
async fn a_cookie_is_replaced_at_each_refresh() {
    let world = World::start().await;
    let first = world.signed_in().await;
    let refreshed = world.with_cookie("POST", REFRESH, &first).await;
    body(
        &world
            .get_with("/v1/tenants/a/people", &token(&refreshed))
            .await,
    );
    let second = cookie(&refreshed);
    assert_ne!(first, second);
    // Another tab, or an answer that was lost.
    world.clock.advance(Duration::from_secs(9));
    assert_eq!(
        cookie(&world.with_cookie("POST", REFRESH, &first).await),
        second
    );
    let third = cookie(&world.with_cookie("POST", REFRESH, &second).await);
    assert_ne!(second, third);
}

#[tokio::test]
async fn an_old_cookie_ends_the_session_for_everybody() {
    let world = World::start().await;
    let first = world.signed_in().await;
    let second = cookie(&world.with_cookie("POST", REFRESH, &first).await);
    world.clock.advance(Duration::from_secs(10));
    let shown = problem(&world.with_cookie("POST", REFRESH, &first).await, 401);
    assert!(
        shown["detail"].as_str().unwrap().contains("copy"),
        "{shown}"
    );
    problem(&world.with_cookie("POST", REFRESH, &second).await, 401);
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle() {
    let world = World::start().await;
    let first = world.signed_in().await;
    let almost = Duration::from_secs(12 * 60 * 60 - 1);
    world.clock.advance(almost);
    let second = cookie(&world.with_cookie("POST", REFRESH, &first).await);
    world.clock.advance(almost + Duration::from_secs(1));
    problem(&world.with_cookie("POST", REFRESH, &second).await, 401);
}

#[tokio::test]
async fn another_website_cannot_sign_anybody_in() {
    let world = World::start().await;
    let cookie = world.signed_in().await;
    let refresh = async |name: &str, value: &str| {
        let call = world.call_openly("POST", REFRESH).header("cookie", &cookie);
        call.header(name.to_owned(), value).send().await.unwrap()
    };
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("host", "evil.example"),
        ("host", "localhost.evil.example"),
    ] {
        problem(&refresh(name, value).await, 403);
    }
    let public = world
        .call_openly("POST", REFRESH)
        .header("cookie", &cookie)
        .header("host", "leads.example")
        .header("origin", "https://leads.example")
        .header("sec-fetch-site", "same-origin");
    let answer = public.send().await.unwrap();
    body(&answer);
    assert!(answer.header("set-cookie").unwrap().ends_with("; Secure"));
}

#[tokio::test]
async fn no_other_route_reads_the_cookie() {
    let world = World::start().await;
    let cookie = world.signed_in().await;
    for path in ["/v1/me", "/v1/tenants/a/people"] {
        problem(&world.with_cookie("GET", path, &cookie).await, 401);
    }
    problem(
        &world
            .with_cookie("POST", REFRESH, "pipeline_session=x")
            .await,
        401,
    );
    let twice = format!("{cookie}; {cookie}");
    problem(&world.with_cookie("POST", REFRESH, &twice).await, 401);
}

#[tokio::test]
async fn people_see_their_devices_and_sign_out() {
    let world = World::start().await;
    let laptop = world.signed_in().await;
    world.clock.advance(Duration::from_secs(1));
    let phone = world.signed_in().await;
    let list = body(&world.with_cookie("GET", DEVICES, &laptop).await);
    assert_is_as_described(&list, "DeviceList");
    let shown: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| &d["is_this"])
        .collect();
    assert_eq!(shown, [false, true]);
    let path = format!(
        "{DEVICES}/{}",
        list["items"][0]["device_id"].as_str().unwrap()
    );
    body(&world.with_cookie("DELETE", &path, &laptop).await);
    problem(&world.with_cookie("DELETE", &path, &laptop).await, 404);
    problem(&world.with_cookie("POST", REFRESH, &phone).await, 401);

    let out = world.with_cookie("DELETE", SIGN_IN, &laptop).await;
    assert_eq!(body(&out), json!({ "was_signed_in": true }));
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    problem(&world.with_cookie("POST", REFRESH, &laptop).await, 401);
    let nobody = world.with_cookie("DELETE", SIGN_IN, &laptop).await;
    assert_eq!(body(&nobody), json!({ "was_signed_in": false }));
}

#[tokio::test]
async fn a_device_is_its_persons_alone() {
    let world = World::start().await;
    let code = world.invited("a", "ann@example.com", Viewer).await;
    let ann = cookie(&world.sign_in(&code).await);
    let operator = world.signed_in().await;
    let list = body(&world.with_cookie("GET", DEVICES, &ann).await);
    let devices = list["items"].as_array().unwrap();
    assert_eq!(devices.len(), 1);
    let path = format!("{DEVICES}/{}", devices[0]["device_id"].as_str().unwrap());
    problem(&world.with_cookie("DELETE", &path, &operator).await, 404);
}

#[tokio::test]
async fn a_changed_role_counts_from_the_next_token_on() {
    let world = World::start().await;
    let code = world.invited("a", "ann@example.com", TenantAdmin).await;
    let ann = cookie(&world.sign_in(&code).await);
    world.joined("a", "bob@example.com", TenantAdmin).await;
    let list = body(
        &world
            .call_as(TenantAdmin, "GET", "/v1/tenants/a/people", None)
            .await,
    );
    let path = format!(
        "/v1/tenants/a/people/{}",
        list["items"][0]["user_id"].as_str().unwrap()
    );
    body(&world.call_as(TenantAdmin, "DELETE", &path, None).await);
    let refreshed = world.with_cookie("POST", REFRESH, &ann).await;
    problem(
        &world
            .get_with("/v1/tenants/a/requests", &token(&refreshed))
            .await,
        404,
    );
    let me = body(&world.get_with("/v1/me", &token(&refreshed)).await);
    assert_eq!((&me["tenants"], &me["role"]), (&json!([]), &Value::Null));
}

#[tokio::test]
async fn a_person_signs_in_again_by_the_operators_link() {
    let world = World::start().await;
    let (user, _) = world.joined("a", "ann@example.com", Viewer).await;
    let link = async |email: &str, role| {
        let new = json!({ "email": email });
        world
            .call_as(role, "POST", "/v1/sign-in/link-codes", Some(&new))
            .await
    };
    problem(&link("ann@example.com", TenantAdmin).await, 403);
    let unknown = link("bob@example.com", PlatformAdmin).await;
    assert_eq!(wrong_fields(&unknown), ["email"]);
    let made = created(&link("ANN@example.com", PlatformAdmin).await);
    assert_eq!(made["expires_at"], "2020-06-01T12:10:00Z");
    assert_is_as_described(&made, "CreatedSignInLink");
    let code = made["code"].as_str().unwrap();
    assert_eq!(
        made["link"],
        format!("https://leads.example/sign-in#code={code}")
    );
    let answer = world.sign_in(code).await;
    let me = body(&world.get_with("/v1/me", &token(&answer)).await);
    assert_eq!(me["subject"], user.to_string());
    let shown = problem(&world.sign_in(code).await, 409);
    let detail = shown["detail"].as_str().unwrap();
    assert!(detail.contains("pipeline user link"), "{detail}");
    let entries = world.audit("a").await;
    let last = entries.last().unwrap();
    assert_eq!(
        (last.action.as_str(), last.detail.as_str()),
        ("sign_in_link.create", format!("signs in {user}").as_str())
    );
    assert!(!format!("{entries:?}").contains(code));
    assert!(world.audit("b").await.is_empty());
}

#[tokio::test]
async fn a_code_of_the_console_is_in_the_audit_log_of_its_tenant() {
    let world = World::start().await;
    let code = world.code().await;
    let entries = world.audit("a").await;
    let [entry] = entries.as_slice() else {
        panic!("{entries:?}")
    };
    assert_eq!(
        (
            entry.actor.as_str(),
            entry.action.as_str(),
            entry.detail.as_str()
        ),
        (
            "ann",
            "sign_in_code.create",
            "signs in operator, role tenant_admin"
        )
    );
    assert!(entry.object.starts_with("inv_") && !format!("{entries:?}").contains(&code));
}
