//! What lists are asked by: whatever cannot be is refused, by its name, and says what can be.

use management_api::{auth::Role::PlatformAdmin, openapi_json};
use serde_json::{Value, json};

use crate::world::{World, body, problem, wrong_fields};

/// What may be any text: a search, and who and what the audit log names.
const FREE: [&str; 3] = ["q", "actor", "object"];

/// Generated from the description: a new list, or a new filter of one, is covered without a new test.
#[tokio::test]
async fn a_filter_that_cannot_be_is_refused_by_every_list() {
    let world = World::start().await;
    let api: Value = serde_json::from_str(&openapi_json()).unwrap();
    let office = world.office_of("a").await;
    let request = world.call(1).await;
    let names = [
        ("{tenant_id}", "a".to_owned()),
        ("{office_id}", office.to_string()),
        ("{request_id}", request.to_string()),
        ("{connection}", world.connection_of("a").await),
        ("{source_id}", world.source_of("a").await.to_string()),
    ];
    let token = world.token(&[PlatformAdmin], &["a"]);
    let mut tried = 0;
    for (path, methods) in api["paths"].as_object().unwrap() {
        let operation = &methods["get"];
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let asked = parameters.filter(|parameter| parameter["in"] == "query");
        let asked: Vec<_> = asked.map(|asked| asked["name"].as_str().unwrap()).collect();
        // A list, or the figures of one: no file, no stream, no page of ours.
        let answer = &operation["responses"]["200"]["content"]["application/json"];
        let mut asked_for = operation["security"].as_array().into_iter().flatten();
        let is_open = !asked_for.any(|asked| asked["bearer"].is_array());
        if is_open || answer.is_null() {
            continue;
        }
        let path = names.iter().fold(path.clone(), |path, (name, value)| {
            path.replace(name, value)
        });
        for name in asked.into_iter().filter(|name| !FREE.contains(name)) {
            for wrong in ["!no such/", "", "no%20such", "127.0.0.0/8"] {
                let answer = world
                    .get_with(&format!("{path}?{name}={wrong}"), &token)
                    .await;
                let told = wrong_fields(&answer);
                assert!(
                    told.contains(&name.to_owned()),
                    "{path} {name}={wrong}: {told:?}"
                );
            }
            tried += 1;
        }
    }
    assert!(tried > 50, "{tried}");
}

#[tokio::test]
async fn a_filter_of_a_closed_list_says_what_is_in_it() {
    let world = World::start().await;
    for (asked, allowed) in [
        ("security-events?reason=x", "wrong_signature"),
        ("security-events?address=x", "192.0.2.7"),
        ("events?provider=nope", "callrail"),
        ("events?outcome=nope", "unread"),
        ("requests?status=nope", "parked"),
        ("jobs?kind=nope", "reconcile"),
        ("work?cause=nope", "crash_loop"),
    ] {
        let shown = problem(&world.get(&format!("/v1/tenants/a/{asked}")).await, 422);
        let message = shown["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(allowed), "{asked}: {message}");
    }
    // One of a network's addresses asks for the network, which is what is counted.
    for address in [
        "2001:db8::7",
        "2001:DB8::/64",
        "::ffff:192.0.2.7",
        "unknown",
    ] {
        let asked = format!("/v1/tenants/a/security-events?address={address}");
        assert!(
            body(&world.get(&asked).await)["items"].is_array(),
            "{address}"
        );
    }
    // What posts leads here is a provider like others.
    body(&world.get("/v1/tenants/a/events?provider=direct").await);
}

/// Generated from the description: a new list is covered without a new test.
#[tokio::test]
async fn what_no_list_knows_is_named_with_all_else() {
    let world = World::start().await;
    let api: Value = serde_json::from_str(&openapi_json()).unwrap();
    let token = world.token(&[PlatformAdmin], &["a"]);
    let mut tried = 0;
    for (path, methods) in api["paths"].as_object().unwrap() {
        let parameters = methods["get"]["parameters"]
            .as_array()
            .into_iter()
            .flatten();
        let asked = parameters.filter(|parameter| parameter["in"] == "query");
        let asked: Vec<_> = asked.map(|asked| asked["name"].as_str().unwrap()).collect();
        if !asked.contains(&"limit")
            || path.contains("{office_id}")
            || path.contains("{connection}")
        {
            continue;
        }
        let path = path.replace("{tenant_id}", "a");
        let query = "foo=1&limit=0&cursor=x&bar=2&foo=3&cursor=y";
        let mut told = wrong_fields(&world.get_with(&format!("{path}?{query}"), &token).await);
        told.sort();
        assert_eq!(told, ["bar", "cursor", "cursor", "foo", "limit"], "{path}");
        tried += 1;
    }
    assert!(tried >= 14, "{tried}");
}

/// Generated from the description: what it lets a caller ask for is taken.
#[tokio::test]
async fn every_word_that_is_described_is_taken() {
    let world = World::start().await;
    let api: Value = serde_json::from_str(&openapi_json()).unwrap();
    let token = world.token(&[PlatformAdmin], &["a"]);
    let resolved = |schema: &Value| match schema["$ref"].as_str() {
        Some(name) => api.pointer(name.trim_start_matches('#')).unwrap().clone(),
        None => schema.clone(),
    };
    let words = |schema: &Value| {
        let schemas = match schema["oneOf"].as_array() {
            Some(choices) => choices.clone(),
            None => vec![schema.clone()],
        };
        let words = schemas.iter().map(resolved).flat_map(|schema| {
            let one = resolved(&schema["items"]);
            let words = schema["enum"].as_array().or(one["enum"].as_array());
            words.cloned().unwrap_or_default()
        });
        words.collect::<Vec<_>>()
    };
    let mut tried = 0;
    for (path, methods) in api["paths"].as_object().unwrap() {
        let parameters = methods["get"]["parameters"]
            .as_array()
            .into_iter()
            .flatten();
        let path = path.replace("{tenant_id}", "a");
        for asked in parameters.filter(|parameter| parameter["in"] == "query") {
            let name = asked["name"].as_str().unwrap();
            for word in words(&asked["schema"]) {
                let word = word.as_str().unwrap();
                let answer = world
                    .get_with(&format!("{path}?{name}={word}"), &token)
                    .await;
                if answer.status == 422 {
                    let told = wrong_fields(&answer);
                    assert!(!told.contains(&name.to_owned()), "{path}?{name}={word}");
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 50, "{tried}");

    let jobs = &api["components"]["schemas"]["NewJob"]["properties"];
    let filters = &api["components"]["schemas"]["JobFilter"]["properties"];
    let mut of_jobs = vec![("kind", words(&jobs["kind"]))];
    of_jobs.push(("from_stage", words(&jobs["from_stage"])));
    for (name, schema) in filters.as_object().unwrap() {
        of_jobs.push((name, words(schema)));
    }
    let mut tried = 0;
    for (name, words) in of_jobs {
        for word in words.iter().filter(|word| !word.is_null()) {
            let (body, field) = match name {
                "kind" | "from_stage" => (json!({ "kind": "replay", name: word }), name.to_owned()),
                _ => (
                    json!({ "kind": "replay", "filter": { name: word }, "x": 1 }),
                    format!("filter.{name}"),
                ),
            };
            let answer = world
                .call_by(&token, "POST", "/v1/tenants/a/jobs", &body)
                .await;
            if answer.status == 422 {
                let told = wrong_fields(&answer);
                assert!(!told.contains(&field), "{body}: {told:?}");
            }
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

#[tokio::test]
async fn lists_that_are_read_whole_have_pages_too() {
    let world = World::start().await;
    let token = world.token(&[PlatformAdmin], &["a"]);
    let provider = crm_without_settings();
    for number in 0..5 {
        for (method, path, new) in [
            (
                "PUT",
                format!("connections/crm-{number}/secret"),
                json!({ "provider": provider, "secret": "0f1e2d3c" }),
            ),
            (
                "POST",
                "offices".to_owned(),
                json!({ "name": format!("Office {number}"), "time_zone": "America/Chicago" }),
            ),
            (
                "POST",
                "api-keys".to_owned(),
                json!({ "name": "k", "scopes": ["read"] }),
            ),
            (
                "PUT",
                format!("views/view-{number}"),
                json!({ "name": "v", "page": "leads", "search": "", "is_shared": true }),
            ),
            (
                "POST",
                "invitations".to_owned(),
                json!({ "email": format!("ann{number}@example.com"), "role": "viewer" }),
            ),
            (
                "POST",
                "sources".to_owned(),
                json!({ "provider": "callrail", "signing_key": "0f1e2d3c4b5a69788796a5b4c3d2e1f0" }),
            ),
        ] {
            let path = format!("/v1/tenants/a/{path}");
            let made = world.call_by(&token, method, &path, &new).await;
            assert!(made.status.is_success(), "{path}: {}", made.text_lossy(500));
        }
    }
    let mut another = String::new();
    for list in [
        "connections",
        "offices",
        "api-keys",
        "views",
        "invitations",
        "sources",
    ] {
        let path = format!("/v1/tenants/a/{list}");
        let whole = body(&world.get_with(&path, &token).await);
        assert_eq!(whole["next_cursor"], Value::Null, "{list}");
        let whole = whole["items"].as_array().unwrap().clone();
        assert!(whole.len() >= 5, "{list}");
        let (mut walked, mut next, mut cursors) = (Vec::new(), String::new(), Vec::new());
        loop {
            let page = body(
                &world
                    .get_with(&format!("{path}?limit=2{next}"), &token)
                    .await,
            );
            let items = page["items"].as_array().unwrap();
            assert!((1..=2).contains(&items.len()), "{list}");
            walked.extend(items.clone());
            match page["next_cursor"].as_str() {
                Some(cursor) => {
                    next = format!("&cursor={cursor}");
                    cursors.push(cursor.to_owned());
                }
                None => break,
            }
        }
        assert_eq!(walked, whole, "{list}");
        // A cursor is of its list alone.
        if !another.is_empty() {
            let told = world
                .get_with(&format!("{path}?cursor={another}"), &token)
                .await;
            assert_eq!(wrong_fields(&told), ["cursor"], "{list}");
        }
        another.clone_from(&cursors[0]);
    }
    // What goes while somebody reads hides nothing behind it.
    let page = body(&world.get_with("/v1/tenants/a/views?limit=2", &token).await);
    let gone = page["items"][1]["id"].as_str().unwrap();
    let path = format!("/v1/tenants/a/views/{gone}");
    body(&world.call_by(&token, "DELETE", &path, &Value::Null).await);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = body(
        &world
            .get_with(&format!("/v1/tenants/a/views?cursor={cursor}"), &token)
            .await,
    );
    assert_eq!(rest["items"].as_array().unwrap().len(), 3, "{rest}");
}

/// The slug of a CRM that needs nothing beside its secret.
fn crm_without_settings() -> &'static str {
    let providers = catalogue::providers();
    let crm = providers.iter().find(|provider| {
        let settings = provider.account.as_ref().map(|account| account.settings);
        provider.is_crm && settings.is_some_and(|all| all.iter().all(|one| !one.is_required))
    });
    crm.unwrap().slug
}
