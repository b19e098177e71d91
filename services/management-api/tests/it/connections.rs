//! Connections and their secrets.

use domain::{Outcome, Stage};
use management_api::auth::Role::{TenantAdmin, Viewer};
use serde_json::{Value, json};
use store::Store as _;

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, problem, tenant, wrong_fields},
};

const PATH: &str = "/v1/tenants/a/connections";
const SECRET: &str = "pat-na1-one";

async fn put(world: &World, name: &str, body: &Value) -> http_client::Response {
    let path = format!("{PATH}/{name}/secret");
    world.call_as(TenantAdmin, "PUT", &path, Some(body)).await
}

async fn list(world: &World) -> Value {
    let shown = body(&world.call_as(Viewer, "GET", PATH, None).await);
    assert_is_as_described(&shown, "ConnectionList");
    shown["items"].clone()
}

#[tokio::test]
async fn a_connection_is_created_with_a_secret_and_shows_none() {
    let world = World::start().await;
    let unknown = put(&world, "hubspot", &json!({ "secret": SECRET })).await;
    let message = problem(&unknown, 422)["errors"][0].clone();
    assert_eq!(message["field"], "provider");
    let text = message["message"].as_str().unwrap();
    for provider in catalogue::providers() {
        let is_listed = text.contains(provider.slug);
        assert_eq!(is_listed, provider.account.is_some(), "{text}");
    }

    let set = body(
        &put(
            &world,
            "hubspot",
            &json!({ "secret": SECRET, "provider": "hubspot" }),
        )
        .await,
    );
    assert_is_as_described(&set, "SecretSet");
    let expected = json!({
        "name": "hubspot", "provider": "hubspot", "version": 1, "released": 0, "check": null,
    });
    assert_eq!(set, expected);
    assert_eq!(world.secret("hubspot@1").await.as_deref(), Some(SECRET));
    let again = body(&put(&world, "hubspot", &json!({ "secret": "pat-na1-two" })).await);
    assert_eq!(again["version"], 2);
    assert_eq!(
        world.secret("hubspot@2").await.as_deref(),
        Some("pat-na1-two")
    );

    let shown = list(&world).await;
    let expected = json!([{
        "name": "hubspot", "provider": "hubspot", "uses": ["crm"], "version": 2, "state": "active",
        "settings": {},
    }]);
    assert_eq!(shown, expected);
    let act = (
        "ann".to_owned(),
        "secret.set".to_owned(),
        "hubspot".to_owned(),
    );
    assert_eq!(world.acts().await, [act.clone(), act]);
    assert!(!format!("{:?}", world.audit("a").await).contains("pat-"));
}

#[tokio::test]
async fn a_new_secret_releases_what_was_held() {
    let world = World::start().await;
    let settings = json!({ "account_id": "ACC1" });
    let first = json!({ "secret": "key-1", "provider": "callrail", "settings": settings });
    body(&put(&world, "callrail", &first).await);
    world.call(1).await;
    let hold = Outcome::Hold {
        connection: domain::ConnectionName::new("callrail").unwrap(),
        version: 1,
        reason: "CallRail takes the key no more".to_owned(),
        answer: None,
    };
    world.settle(Stage::Details, hold, Vec::new()).await;
    assert_eq!(list(&world).await[0]["state"], "refused");
    assert_eq!(world.handed_over(Stage::Details), 0);

    let set = body(&put(&world, "callrail", &json!({ "secret": "key-2" })).await);
    assert_eq!((&set["version"], &set["released"]), (&json!(2), &json!(1)));
    assert_eq!(world.handed_over(Stage::Details), 1);
    let shown = list(&world).await;
    assert_eq!(
        (&shown[0]["state"], &shown[0]["settings"]),
        (&json!("active"), &settings)
    );
    world.claim(Stage::Details).await;
}

#[tokio::test]
async fn a_connection_is_removed_once_nothing_uses_it() {
    let world = World::start().await;
    let new = json!({ "secret": SECRET, "provider": "hubspot" });
    body(&put(&world, "hubspot", &new).await);
    body(&put(&world, "spare", &new).await);
    let remove = async |name: &str| {
        let path = format!("{PATH}/{name}");
        world.call_as(TenantAdmin, "DELETE", &path, None).await
    };
    world.destinations(&[("hubspot", "hubspot")]).await;
    let used = problem(&remove("hubspot").await, 409);
    let detail = used["detail"].as_str().unwrap();
    assert!(
        detail.contains("the destinations of the office"),
        "{detail}"
    );
    assert_eq!(list(&world).await.as_array().unwrap().len(), 2);

    let removed = body(&remove("spare").await);
    assert_is_as_described(&removed, "RemovedConnection");
    let expected = json!({ "name": "spare", "provider": "hubspot", "released": 0 });
    assert_eq!(removed, expected);
    problem(&remove("spare").await, 404);
    assert_eq!(list(&world).await.as_array().unwrap().len(), 1);
    assert_eq!(world.secret("spare@1").await, None);
    world.destinations(&[]).await;
    body(&remove("hubspot").await);
    let acts = world.acts().await;
    let removals = acts.iter().filter(|(_, act, _)| act == "connection.remove");
    assert_eq!(removals.count(), 2, "{acts:?}");
}

#[tokio::test]
async fn a_connection_does_not_change_its_provider() {
    let world = World::start().await;
    body(
        &put(
            &world,
            "crm",
            &json!({ "secret": SECRET, "provider": "hubspot" }),
        )
        .await,
    );
    let other = json!({ "secret": "SG.x", "provider": "sendgrid" });
    let shown = problem(&put(&world, "crm", &other).await, 409);
    assert!(
        shown["detail"].as_str().unwrap().contains("another name"),
        "{shown}"
    );
    assert_eq!(world.secret("crm@2").await, None, "nothing was written");
}

#[tokio::test]
async fn what_cannot_be_a_connection_is_refused_by_its_fields() {
    let world = World::start().await;
    for (name, body, fields) in [
        (
            "crm",
            json!({ "secret": SECRET, "provider": "salesfarce" }),
            ["provider"].as_slice(),
        ),
        (
            "crm",
            json!({ "secret": "", "provider": "hubspot" }),
            &["secret"],
        ),
        (
            "crm",
            json!({ "secret": "pat\u{200b}7", "provider": "hubspot" }),
            &["secret"],
        ),
        (
            "crm",
            json!({ "secret": "x".repeat(8193), "provider": "hubspot" }),
            &["secret"],
        ),
        (
            "crm",
            json!({ "secret": 12_345, "provider": "hubspot" }),
            &["secret"],
        ),
        (
            "crm",
            json!({ "secret": SECRET, "provider": "hubspot", "settings": { "a": "b" } }),
            &["settings.a"],
        ),
        (
            "callrail",
            json!({ "secret": SECRET, "provider": "callrail" }),
            &["settings.account_id"],
        ),
        (
            "callrail",
            json!({ "secret": SECRET, "provider": "callrail", "settings": { "account_id": "" } }),
            &["settings.account_id"],
        ),
        (
            "callrail",
            json!({ "secret": SECRET, "provider": "callrail", "settings": { "company_ids": "1" } }),
            &["settings.account_id"],
        ),
        (
            "crm",
            json!({ "secret": SECRET, "provider": "hubspot", "version": 7 }),
            &["version"],
        ),
        // A chat's webhook leads nowhere but there.
        (
            "chat",
            json!({ "secret": "https://169.254.169.254/services/T1/B1/a", "provider": "slack" }),
            &["secret"],
        ),
        (
            "chat",
            json!({ "secret": "https://hooks.slack.com.evil.example/services/T1/B1/a", "provider": "slack" }),
            &["secret"],
        ),
        (
            "chat",
            json!({ "secret": "xoxb-1-a", "provider": "slack", "settings": { "channel": "#leads" } }),
            &["settings.channel"],
        ),
    ] {
        let answer = put(&world, name, &body).await;
        assert_eq!(wrong_fields(&answer), fields, "{body}");
        let text = answer.text_lossy(2_000);
        assert!(!text.contains(SECRET) && !text.contains("12345"), "{text}");
    }
    problem(
        &put(&world, "Not%20A%20Slug", &json!({ "secret": SECRET })).await,
        404,
    );
    assert_eq!(list(&world).await, json!([]));
    assert!(world.secret_names().await.is_empty() && world.acts().await.is_empty());
}

/// What came along when a secret was copied is left off; what stands in the middle of it is named.
#[tokio::test]
async fn an_unseen_blank_around_a_secret_is_left_off_and_one_within_is_named() {
    let world = World::start().await;
    let with = |secret: &str| json!({ "secret": secret, "provider": "hubspot" });
    body(&put(&world, "crm", &with("\u{feff} pat-7\u{200b}\r\n")).await);
    assert_eq!(world.secret("crm@1").await.as_deref(), Some("pat-7"));
    for secret in ["pat 7", "pat\u{200b}-7", "pat\u{a0}-7"] {
        let shown = problem(&put(&world, "crm", &with(secret)).await, 422);
        let errors = shown["errors"].to_string();
        assert!(errors.contains("not shown came into it"), "{errors}");
    }
    for nothing in [" ", "\u{200b}"] {
        let refused = put(&world, "crm", &with(nothing)).await;
        assert_eq!(wrong_fields(&refused), ["secret"]);
    }
}

#[tokio::test]
async fn a_connection_that_no_source_would_use_is_refused() {
    let world = World::start().await;
    let settings = json!({ "account_id": "ACC1" });
    let callrail = json!({ "secret": "key", "provider": "callrail", "settings": settings });
    let refused = problem(&put(&world, "calls", &callrail).await, 409);
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("Call it `callrail`")
    );
    let crm = json!({ "secret": SECRET, "provider": "hubspot" });
    let refused = problem(&put(&world, "callrail", &crm).await, 409);
    assert!(refused["detail"].as_str().unwrap().contains("another one"));
    assert!(world.secret_names().await.is_empty());

    world.source_of("a").await;
    let mut source = world.store.sources(&tenant("a")).await.unwrap().remove(0);
    source.connection = Some(domain::ConnectionName::new("calls").unwrap());
    world.store.put_source(&source).await.unwrap();
    body(&put(&world, "calls", &callrail).await);
    assert_eq!(list(&world).await[0]["name"], "calls");
}

#[tokio::test]
async fn a_setting_of_a_newer_build_stays_with_a_new_secret() {
    let world = World::start().await;
    world.connection_of("a").await;
    let mut connection = world
        .store
        .connections(&tenant("a"))
        .await
        .unwrap()
        .remove(0);
    let newer = ("region".to_owned(), "eu".to_owned());
    connection.settings.extend([newer]);
    world.store.put_connection(&connection).await.unwrap();
    body(&put(&world, "hubspot", &json!({ "secret": SECRET })).await);
    assert_eq!(list(&world).await[0]["settings"], json!({ "region": "eu" }));
    let given = json!({ "secret": SECRET, "settings": { "region": "us" } });
    assert_eq!(
        wrong_fields(&put(&world, "hubspot", &given).await),
        ["settings.region"]
    );
}
