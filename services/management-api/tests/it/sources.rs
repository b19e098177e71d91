//! Sources and their signing keys.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Office, OfficeId, WorkflowConfig};
use management_api::auth::Role::{Operator, TenantAdmin, Viewer};
use serde_json::{Value, json};
use store::{
    SourceTest, Store as _, SweepStep, TokenHash,
    sweeps::{Sweeps as _, WEBHOOKS},
};

use crate::{
    openapi::assert_is_as_described,
    world::{PUBLIC_URL, World, body, created, problem, tenant, wrong_fields},
};

const PATH: &str = "/v1/tenants/a/sources";
const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const NEXT_KEY: &str = "ffee2d3c4b5a69788796a5b4c3d2e1f0";

fn callrail() -> Value {
    json!({ "provider": "callrail", "accounts": ["77", "COM77", "77"], "signing_key": KEY })
}

async fn post(world: &World, body: &Value, key: Option<&str>) -> http_client::Response {
    world
        .call_with(TenantAdmin, "POST", PATH, Some(body), key)
        .await
}

async fn list(world: &World) -> Vec<Value> {
    let shown = body(&world.call_as(Viewer, "GET", PATH, None).await);
    assert_is_as_described(&shown, "SourceList");
    shown["items"].as_array().unwrap().clone()
}

fn key_path(source: &Value, key: &str) -> String {
    let id = source["source_id"].as_str().unwrap();
    format!("{PATH}/{id}/keys/{key}")
}

#[tokio::test]
async fn a_source_comes_with_urls_whose_token_is_shown_once() {
    let world = World::start().await;
    let answer = post(&world, &callrail(), None).await;
    let shown = created(&answer);
    assert_is_as_described(&shown, "CreatedSource");
    let source = &shown["source"];
    assert_eq!(source["accounts"], json!(["77", "COM77"]));
    assert_eq!(
        (&source["state"], &shown["signing_key"]),
        (&json!("active"), &Value::Null)
    );
    assert!(shown["set_up"].as_str().unwrap().contains("CallRail"));

    let webhooks = shown["webhooks"].as_array().unwrap();
    let prefix = format!("{PUBLIC_URL}/v1/hooks/");
    let parts: Vec<_> = webhooks
        .iter()
        .map(|webhook| {
            let url = webhook["url"]
                .as_str()
                .unwrap()
                .strip_prefix(&prefix)
                .unwrap();
            (
                webhook["event"].as_str().unwrap(),
                url.split_once('/').unwrap(),
            )
        })
        .collect();
    let token = parts[0].1.0;
    assert_eq!(
        parts,
        [
            ("Post-Call", (token, "post-call")),
            ("Call Modified", (token, "call-modified")),
            ("Pre-Call", (token, "pre-call")),
            ("Call Routing Complete", (token, "call-routing-complete")),
            ("Text Message Received", (token, "sms-received")),
            ("Text Message Sent", (token, "sms-sent")),
            ("Form Submission", (token, "form-submission")),
            ("Outbound Post-Call", (token, "outbound-post-call")),
            ("Outbound Call Modified", (token, "outbound-call-modified")),
        ]
    );
    assert_eq!(URL_SAFE_NO_PAD.decode(token).unwrap().len(), 32);

    let stored = world
        .store
        .source_by_token_across_tenants(&TokenHash::of(token))
        .await;
    let stored = stored.unwrap().unwrap();
    assert_eq!(stored.id.to_string(), source["source_id"]);
    assert_eq!(
        world.secret(&stored.key_names[0]).await.as_deref(),
        Some(KEY)
    );
    let listed = list(&world).await;
    assert_eq!((listed.len(), &listed[0]), (1, source));
    for secret in [token, KEY] {
        assert!(!json!(listed).to_string().contains(secret));
        assert!(!format!("{:?}", world.audit("a").await).contains(secret));
    }
    let id = source["source_id"].as_str().unwrap().to_owned();
    assert_eq!(
        world.acts().await,
        [("ann".to_owned(), "source.create".to_owned(), id)]
    );
    assert!(
        post(
            &world,
            &json!({ "provider": "callrail", "signing_key": KEY }),
            None
        )
        .await
        .status
        .is_success()
    );
    assert_eq!(list(&world).await.len(), 2, "two tokens, two sources");
}

#[tokio::test]
async fn a_provider_without_events_has_one_url() {
    let world = World::start().await;
    let public_key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvbkcWZXSt55groIZlLKrEAOQB3M8UA0+sEH0osKXG9suXYrjbQbaubXKTtreYbxV16WE8W1GPiiM05jJuj1GEw==";
    let new = json!({ "provider": "sendgrid", "signing_key": public_key });
    let shown = created(&post(&world, &new, None).await);
    let webhooks = shown["webhooks"].as_array().unwrap();
    assert_eq!((webhooks.len(), &webhooks[0]["event"]), (1, &Value::Null));
    let no_key = json!({ "provider": "sendgrid", "signing_key": KEY });
    assert_eq!(
        wrong_fields(&post(&world, &no_key, None).await),
        ["signing_key"]
    );
}

#[tokio::test]
async fn where_the_sender_takes_any_key_one_is_made_and_shown_once() {
    let world = World::start().await;
    let new = json!({ "provider": "callrail", "schemes": ["sha256-hex"] });
    let shown = created(&post(&world, &new, Some("k")).await);
    let key = shown["signing_key"].as_str().unwrap();
    assert_eq!(key.len(), 64);
    let name = shown["source"]["keys"][0].as_str().unwrap();
    assert_eq!(world.secret(name).await.as_deref(), Some(key));
    let again = created(&post(&world, &new, Some("k")).await);
    assert_eq!(again["signing_key"], Value::Null);
    let added = format!(
        "{PATH}/{}/keys",
        shown["source"]["source_id"].as_str().unwrap()
    );
    let added = created(
        &world
            .call_as(TenantAdmin, "POST", &added, Some(&json!({})))
            .await,
    );
    assert_is_as_described(&added, "AddedKey");
    assert_ne!(added["signing_key"].as_str().unwrap(), key);
}

/// What came along when a signing key was copied is left off; what stands in the middle of it is named.
#[tokio::test]
async fn an_unseen_blank_around_a_signing_key_is_left_off_and_one_within_is_named() {
    let world = World::start().await;
    let with = |key: &str| json!({ "provider": "callrail", "signing_key": key });
    let answer = post(&world, &with(&format!("\u{feff}{KEY}\u{200b}\r\n")), None).await;
    let name = created(&answer)["source"]["keys"][0].clone();
    let kept = world.secret(name.as_str().unwrap()).await;
    assert_eq!(kept.as_deref(), Some(KEY));
    let within = KEY.replace("e1", "e\u{200b}1");
    assert_ne!(within, KEY);
    let refused = problem(&post(&world, &with(&within), None).await, 422);
    assert!(
        refused["errors"].to_string().contains("a blank"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_repeated_creation_answers_the_same_source_without_urls() {
    let world = World::start().await;
    let new = callrail();
    let (one, two) = tokio::join!(
        post(&world, &new, Some("k-1")),
        post(&world, &new, Some("k-1"))
    );
    // Whoever comes while the first still runs is told to come again.
    let (one, two) = if one.status == 409 {
        (two, one)
    } else {
        (one, two)
    };
    let two = match two.status.as_u16() {
        409 => post(&world, &new, Some("k-1")).await,
        _ => two,
    };
    let (one, two) = (created(&one), created(&two));
    assert_eq!(one["source"], two["source"]);
    let urls = |shown: &Value| shown["webhooks"].as_array().unwrap().len();
    assert_eq!(urls(&one) + urls(&two), 9, "the URLs are shown once");
    let again = created(&post(&world, &callrail(), Some("k-1")).await);
    assert_eq!((&again["source"], urls(&again)), (&one["source"], 0));
    assert_eq!(list(&world).await.len(), 1);
    assert_eq!(world.secret_names().await.len(), 1, "no key is left over");
    assert_eq!(world.acts().await.len(), 1);

    // Another body is another call, whatever differs.
    for (field, value) in [
        ("accounts", json!(["78"])),
        ("schemes", json!(["callrail-v3"])),
        ("signing_key", json!(NEXT_KEY)),
    ] {
        let mut other = callrail();
        other[field] = value;
        let answer = post(&world, &other, Some("k-1")).await;
        assert_eq!(wrong_fields(&answer), ["Idempotency-Key"], "{field}");
    }
    // The same key in another tenant is another call.
    let token = world.token(&[TenantAdmin], &["b"]);
    let body = json!({ "provider": "callrail", "signing_key": KEY });
    created(
        &world
            .call_by(&token, "POST", "/v1/tenants/b/sources", &body)
            .await,
    );
}

#[tokio::test]
async fn an_account_of_another_source_conflicts_and_leaves_no_key() {
    let world = World::start().await;
    created(&post(&world, &callrail(), None).await);
    let shown = problem(&post(&world, &callrail(), None).await, 409);
    assert!(
        shown["detail"]
            .as_str()
            .unwrap()
            .contains("account belongs to another source"),
        "{shown}"
    );
    assert_eq!(
        (list(&world).await.len(), world.secret_names().await.len()),
        (1, 1)
    );
    assert_eq!(world.acts().await.len(), 1);
}

#[tokio::test]
async fn two_keys_are_active_while_one_replaces_the_other() {
    let world = World::start().await;
    let source = created(&post(&world, &callrail(), None).await)["source"].clone();
    let old = source["keys"][0].as_str().unwrap().to_owned();
    let only = world
        .call_as(TenantAdmin, "DELETE", &key_path(&source, &old), None)
        .await;
    let shown = problem(&only, 409);
    assert!(
        shown["detail"].as_str().unwrap().contains("add another"),
        "{shown}"
    );

    let keys = format!("{PATH}/{}/keys", source["source_id"].as_str().unwrap());
    let add = async |key: &str| {
        let body = json!({ "signing_key": key });
        world.call_as(TenantAdmin, "POST", &keys, Some(&body)).await
    };
    problem(&add(KEY).await, 409);
    let added = created(&add(NEXT_KEY).await);
    let new = added["key"].as_str().unwrap();
    assert_eq!(added["source"]["keys"], json!([new, old]));
    assert_eq!(added["signing_key"], Value::Null);
    assert_eq!(world.secret(new).await.as_deref(), Some(NEXT_KEY));
    problem(&add("a-third-key-of-thirty-two-bytes!").await, 409);
    assert_eq!(world.secret_names().await.len(), 2, "the third is not kept");

    let removed = body(
        &world
            .call_as(TenantAdmin, "DELETE", &key_path(&source, &old), None)
            .await,
    );
    assert_eq!(removed["keys"], json!([new]));
    assert_eq!(
        world.secret(&old).await,
        None,
        "a key that was removed is gone"
    );
    let again = world
        .call_as(TenantAdmin, "DELETE", &key_path(&source, &old), None)
        .await;
    assert!(
        problem(&again, 404)["detail"]
            .as_str()
            .unwrap()
            .contains(new)
    );
    let actions: Vec<_> = world
        .acts()
        .await
        .into_iter()
        .map(|(_, action, _)| action)
        .collect();
    assert_eq!(
        actions,
        ["source.create", "source.add_key", "source.remove_key"]
    );
}

#[tokio::test]
async fn a_source_is_disabled_and_enabled() {
    let world = World::start().await;
    let source = created(&post(&world, &callrail(), None).await)["source"].clone();
    let id = source["source_id"].as_str().unwrap();
    for (verb, state) in [("disable", "disabled"), ("enable", "active")] {
        let path = format!("{PATH}/{id}/{verb}");
        problem(&world.call_as(Operator, "POST", &path, None).await, 403);
        let shown = body(&world.call_as(TenantAdmin, "POST", &path, None).await);
        assert_is_as_described(&shown, "Source");
        assert_eq!(shown["state"], state);
        let known = world
            .store
            .source_by_account_across_tenants("callrail", "77")
            .await
            .unwrap();
        assert_eq!(known.is_some(), state == "active");
    }
}

#[tokio::test]
async fn an_office_must_be_the_tenants_own() {
    let world = World::start().await;
    let mut ids = Vec::new();
    for slug in ["a", "b"] {
        let id = OfficeId::from_uuid(world.store.ids().next());
        let office = Office {
            id,
            tenant: tenant(slug),
            name: "Austin".to_owned(),
            address: "500 Example Ave".to_owned(),
            time_zone: "America/Chicago".to_owned(),
            config: WorkflowConfig::default(),
            config_version: 1,
        };
        world.store.put_office(&office).await.unwrap();
        ids.push(id.to_string());
    }
    let of_b = json!({ "provider": "callrail", "signing_key": KEY, "office_id": ids[1] });
    assert_eq!(
        wrong_fields(&post(&world, &of_b, None).await),
        ["office_id"]
    );
    let own = json!({ "provider": "callrail", "signing_key": KEY, "office_id": ids[0] });
    assert_eq!(
        created(&post(&world, &own, None).await)["source"]["office_id"],
        ids[0]
    );
}

#[tokio::test]
async fn what_cannot_be_a_source_is_refused_by_its_fields() {
    let world = World::start().await;
    let with = |field: &str, value: Value| {
        let mut body = callrail();
        body[field] = value;
        body
    };
    for (body, fields) in [
        (json!({ "provider": "formhub" }), vec!["provider"]),
        (json!({ "provider": "callrail" }), vec!["signing_key"]),
        (with("signing_key", json!("short")), vec!["signing_key"]),
        (
            with("signing_key", json!("with white space")),
            vec!["signing_key"],
        ),
        (with("schemes", json!(["md5"])), vec!["schemes.0"]),
        (with("accounts", json!(["../77"])), vec!["accounts.0"]),
        (with("accounts", json!(vec!["x"; 21])), vec!["accounts"]),
        (with("office_id", json!("austin")), vec!["office_id"]),
        (with("token", json!("mine")), vec!["token"]),
        (
            json!({ "provider": "callrail", "accounts": [""], "signing_key": "" }),
            vec!["accounts.0", "signing_key"],
        ),
    ] {
        let answer = post(&world, &body, None).await;
        assert_eq!(wrong_fields(&answer), fields, "{body}");
    }
    assert!(list(&world).await.is_empty() && world.secret_names().await.is_empty());
    assert!(world.acts().await.is_empty());
}

#[tokio::test]
async fn settings_of_a_source_are_saved_by_versions() {
    let world = World::start().await;
    let source = created(&post(&world, &callrail(), None).await)["source"].clone();
    let path = format!("{PATH}/{}/settings", source["source_id"].as_str().unwrap());
    let answer = world.call_as(Viewer, "GET", &path, None).await;
    assert_eq!(answer.header("etag"), Some("\"0\""));
    let shown = body(&answer);
    assert_is_as_described(&shown, "SourceSettings");
    assert_eq!(
        (&shown["version"], &shown["settings"]),
        (&json!(0), &json!({}))
    );
    let save = async |settings: Value| {
        let sent = json!({ "settings": settings, "note": "why not" });
        world.call_as(TenantAdmin, "PUT", &path, Some(&sent)).await
    };
    // This provider has nothing to set, and says so by the path of each field.
    assert_eq!(wrong_fields(&save(json!({ "x": 1 })).await), ["settings.x"]);
    let saved = body(&save(json!({})).await);
    assert_eq!(
        (&saved["version"], &saved["author"]),
        (&json!(1), &json!("ann"))
    );
    problem(&save(json!({})).await, 428);
    let wrong = json!({ "settings": [], "nope": 1 });
    let answer = world.call_on(TenantAdmin, ("PUT", &path), "\"1\"", &wrong);
    assert_eq!(wrong_fields(&answer.await), ["nope", "settings"]);
    problem(
        &world
            .call_as(Operator, "PUT", &path, Some(&json!({})))
            .await,
        403,
    );
    assert_eq!(world.acts().await.last().unwrap().1, "source.set");
    let nobodys = format!("{PATH}/src_0199f3a1000070008000000000000bad/settings");
    problem(&world.call_as(Viewer, "GET", &nobodys, None).await, 404);
    let schema = world
        .get_openly("/v1/schemas/source-settings/callrail")
        .await;
    assert_eq!(body(&schema)["additionalProperties"], json!(false));
    problem(
        &world.get_openly("/v1/schemas/source-settings/nobody").await,
        404,
    );
}

#[tokio::test]
async fn settings_that_say_the_same_as_the_newest_make_no_version() {
    let world = World::start().await;
    let source = created(&post(&world, &json!({ "provider": "webforms" }), None).await);
    let id = source["source"]["source_id"].as_str().unwrap();
    let path = format!("{PATH}/{id}/settings");
    let save = async |version: &str, settings: &Value| {
        let sent = json!({ "settings": settings });
        let place = ("PUT", path.as_str());
        world.call_on(TenantAdmin, place, version, &sent).await
    };
    let saved = body(&save("\"0\"", &json!({})).await);
    assert_eq!(saved["version"], 1);
    assert_ne!(saved["settings"], json!({}));
    for same in [&saved["settings"], &json!({})] {
        assert_eq!(body(&save("\"1\"", same).await), saved);
    }
    // Whoever is too late sees them as GET shows them.
    let told = problem(&save("\"7\"", &json!({})).await, 412);
    assert_eq!(told["current"]["config"], saved["settings"]);
}

#[tokio::test]
async fn a_source_is_changed_one_version_at_a_time() {
    let world = World::start().await;
    let source = created(&post(&world, &callrail(), None).await)["source"].clone();
    let path = format!("{PATH}/{}", source["source_id"].as_str().unwrap());
    let answer = world.call_as(Viewer, "GET", &path, None).await;
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let shown = body(&answer);
    assert_is_as_described(&shown, "Source");
    assert_eq!(shown, source);
    let office = world.office_of("a").await.to_string();
    let change = async |version: &str, body: Value| {
        let place = ("PATCH", path.as_str());
        world.call_on(TenantAdmin, place, version, &body).await
    };

    // Only what is named changes, and null takes it away.
    let named = change("\"1\"", json!({ "name": "Main line", "office_id": office })).await;
    assert_eq!(named.header("etag"), Some("\"2\""));
    let shown = body(&named);
    assert_eq!(
        (&shown["name"], &shown["office_id"], &shown["accounts"]),
        (&json!("Main line"), &json!(office), &source["accounts"])
    );
    let moved = json!({ "office_id": null, "accounts": ["78", "78"] });
    let shown = body(&change("\"2\"", moved.clone()).await);
    assert_eq!(
        (&shown["name"], &shown["office_id"], &shown["accounts"]),
        (&json!("Main line"), &Value::Null, &json!(["78"]))
    );
    let by_account = async |account| {
        let found = world
            .store
            .source_by_account_across_tenants("callrail", account);
        found.await.unwrap().is_some()
    };
    assert!(by_account("78").await && !by_account("77").await);

    // Who saw another version changes nothing.
    let told = problem(&change("\"2\"", moved.clone()).await, 412);
    for (which, version, office, accounts) in [
        ("seen", 2, json!(office), &source["accounts"]),
        ("current", 3, Value::Null, &json!(["78"])),
    ] {
        let (told, config) = (&told[which], &told[which]["config"]);
        assert_eq!(
            (&told["version"], &told["author"]),
            (&json!(version), &json!("ann"))
        );
        assert_eq!(
            (&config["name"], &config["office_id"], &config["accounts"]),
            (&json!("Main line"), &office, accounts)
        );
    }
    // Of a version that nobody had, there is nothing to tell.
    let told = problem(&change("\"9\"", moved.clone()).await, 412);
    assert_eq!(
        (&told["seen"], &told["current"]["version"]),
        (&Value::Null, &json!(3))
    );
    let unsaid = world.call_as(TenantAdmin, "PATCH", &path, Some(&moved));
    problem(&unsaid.await, 428);
    // Nothing new makes no version, and no entry.
    assert_eq!(body(&change("\"3\"", moved.clone()).await)["version"], 3);
    assert_eq!(list(&world).await, [shown]);

    let entries = world.audit("a").await;
    let changes: Vec<_> = entries
        .iter()
        .filter(|entry| entry.action == "source.change")
        .map(|entry| entry.detail.as_str())
        .collect();
    let first = format!("called Main line, for the office {office}");
    assert_eq!(
        changes,
        [first.as_str(), "for the first office, of the accounts 78"]
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_change_of_a_source_is_told_at_once() {
    let world = World::start().await;
    let source = created(&post(&world, &callrail(), None).await)["source"].clone();
    let path = format!("{PATH}/{}", source["source_id"].as_str().unwrap());
    let change = async |body: Value| {
        let place = ("PATCH", path.as_str());
        world.call_on(TenantAdmin, place, "\"1\"", &body).await
    };
    let office = world.office_of("b").await.to_string();
    for (body, fields) in [
        (
            json!({ "name": " x", "office_id": office, "accounts": ["../77"] }),
            vec!["name", "accounts.0", "office_id"],
        ),
        (
            json!({ "name": 7, "office_id": "austin", "accounts": null, "provider": "hubspot" }),
            vec!["accounts", "name", "office_id", "provider"],
        ),
    ] {
        let mut told = wrong_fields(&change(body.clone()).await);
        let mut fields = fields;
        told.sort();
        fields.sort_unstable();
        assert_eq!(told, fields, "{body}");
    }
    let other = json!({ "provider": "callrail", "accounts": ["79"], "signing_key": KEY });
    created(&post(&world, &other, None).await);
    problem(&change(json!({ "accounts": ["79"] })).await, 409);
    let nothing = json!({});
    let denied = world.call_as(Operator, "PATCH", &path, Some(&nothing));
    problem(&denied.await, 403);
    let nobodys = format!("{PATH}/src_0199f3a1000070008000000000000bad");
    problem(&world.call_as(Viewer, "GET", &nobodys, None).await, 404);
    assert_eq!(list(&world).await[0], source);
}

/// What the provider says of its webhooks, and what the source's own test came to, are its health.
#[tokio::test]
async fn a_source_that_gets_nothing_through_is_not_healthy() {
    let world = World::start().await;
    let tenant = tenant("a");
    let source = world.source_of("a").await;
    let path = format!("{PATH}/{source}/health");
    let told = async || {
        let shown = body(&world.call_as(Viewer, "GET", &path, None).await);
        assert_is_as_described(&shown, "SourceHealth");
        let text = |name: &str| shown[name].as_str().unwrap().to_owned();
        (text("state"), text("detail"))
    };
    assert_eq!(told().await.0, "quiet");

    let test = |fault: Option<&str>| SourceTest {
        at: world.now(),
        fault: fault.map(str::to_owned),
    };
    let note = async |test: SourceTest| {
        let noted = world.store.note_source_test(&tenant, source, &test);
        noted.await.unwrap();
    };
    note(test(Some("The URL cannot be reached."))).await;
    let (state, detail) = told().await;
    assert_eq!(state, "failing");
    assert!(detail.contains("The URL cannot be reached."), "{detail}");
    note(test(None)).await;
    assert_eq!(told().await.0, "quiet");

    let made = world.store.ensure_sweeps(&tenant, source, &[WEBHOOKS]);
    made.await.unwrap();
    let lease = std::time::Duration::from_secs(60);
    let claimed = world.store.claim_sweep_across_tenants(lease).await;
    let claimed = claimed.unwrap().unwrap();
    let mut state = claimed.state.clone();
    let due_at = state.looked(world.now());
    state.failing_since = Some(world.now());
    let step = SweepStep {
        state,
        due_at,
        lines: Vec::new(),
        act: None,
    };
    assert!(
        world
            .store
            .step_sweep(&claimed.proof(), step)
            .await
            .unwrap()
    );
    let (state, detail) = told().await;
    assert_eq!(state, "failing");
    assert!(detail.starts_with("CallRail has got nothing"), "{detail}");
    assert!(detail.contains("Test the source"), "{detail}");
}

#[tokio::test]
async fn whatever_changes_a_source_answers_with_its_new_etag() {
    let world = World::start().await;
    let new =
        json!({ "provider": "callrail", "accounts": ["77"], "signing_key": "0f1e2d3c4b5a6978" });
    let made = world
        .call_as(TenantAdmin, "POST", "/v1/tenants/a/sources", Some(&new))
        .await;
    let tag = |answer: &http_client::Response| answer.header("etag").map(str::to_owned);
    assert_eq!(tag(&made).as_deref(), Some("\"1\""));
    let made = created(&made);
    let path = format!(
        "/v1/tenants/a/sources/{}",
        made["source"]["source_id"].as_str().unwrap()
    );
    let first = made["source"]["keys"][0].as_str().unwrap();
    let key = json!({ "signing_key": "1f1e2d3c4b5a6978" });
    for (version, method, below, body) in [
        (2, "POST", "/disable".to_owned(), None),
        (3, "POST", "/enable".to_owned(), None),
        (4, "POST", "/keys".to_owned(), Some(&key)),
        (5, "DELETE", format!("/keys/{first}"), None),
    ] {
        let path = format!("{path}{below}");
        let answer = world.call_as(TenantAdmin, method, &path, body).await;
        let expected = format!("\"{version}\"");
        assert_eq!(tag(&answer), Some(expected), "{method} {below}");
    }
    assert_eq!(tag(&world.get(&path).await).as_deref(), Some("\"5\""));
}
