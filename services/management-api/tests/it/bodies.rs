//! Bodies that are wrong: all that is wrong with them is told at once, in words that a person understands.

use http_client::Response;
use management_api::{auth::Role::PlatformAdmin, openapi_json};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::world::{World, body, problem, wrong_fields};

/// What a 422 says: field, code, message.
async fn told(world: &World, method: &str, path: &str, body: &Value) -> Vec<[String; 3]> {
    let token = world.token(&[PlatformAdmin], &["a"]);
    let answer = world.call_by(&token, method, path, body).await;
    let shown = problem(&answer, 422);
    assert_eq!(shown["detail"], "The body is not valid. See `errors`.");
    let errors = shown["errors"].as_array().unwrap().iter();
    let mut told: Vec<_> = errors
        .map(|error| {
            ["field", "code", "message"]
                .map(|part| error[part].as_str().unwrap_or_default().to_owned())
        })
        .collect();
    told.sort();
    told
}

#[tokio::test]
async fn every_fault_of_a_shape_is_told_at_once() {
    let world = World::start().await;
    let [views, keys, jobs, secret] = [
        "/v1/tenants/a/views/kitchens",
        "/v1/tenants/a/api-keys",
        "/v1/tenants/a/jobs",
        "/v1/tenants/a/connections/crm/secret",
    ];
    let lost = |wanted: &str| format!("is missing: {wanted}");
    let providers = catalogue::providers();
    let sources = providers.iter().filter(|provider| provider.is_source);
    let sources: Vec<_> = sources.map(|provider| provider.slug).collect();
    let sources = format!("one of {}", sources.join(", "));
    let callrail = providers.iter().find(|known| known.slug == "callrail");
    let settings = callrail.unwrap().account.unwrap().settings;
    let account_id = format!(
        "1 to 4000 letters, digits, signs and spaces. {}",
        settings[0].about
    );
    let unseen = "the secret without white space: a blank, a line end or a character that is not shown came into it when \
                  it was copied";
    for (method, path, body, expected) in [
        (
            "PUT",
            views,
            json!({ "name": 7, "page": "x".repeat(65), "is_shared": "yes", "color": "red" }),
            vec![
                [
                    "color",
                    "unknown_field",
                    "not a field; there are is_shared, name, page, search",
                ],
                ["is_shared", "wrong_type", "true or false"],
                ["name", "wrong_type", "a text of 1 to 100 characters"],
                ["page", "too_long", "a text of 1 to 64 characters"],
                [
                    "search",
                    "missing",
                    &lost(
                        "a text of at most 2000 characters. What is asked for there, as in a URL: up to 2,000 characters.",
                    ),
                ],
            ],
        ),
        (
            "POST",
            keys,
            json!({ "name": "Report", "scopes": "read", "expires_at": "tomorrow" }),
            vec![
                [
                    "expires_at",
                    "invalid",
                    "a time such as `2026-11-01T08:30:00Z`, or null. Until when it is taken. Left out: until it is revoked.",
                ],
                [
                    "scopes",
                    "wrong_type",
                    "a list of 1 to 4, each of them one of ingest, read, operate, admin",
                ],
            ],
        ),
        (
            "POST",
            jobs,
            json!({ "kind": "erase", "filter": { "all": 1, "state": "lost", "ids": [] } }),
            vec![
                ["filter.all", "wrong_type", "true or false"],
                [
                    "filter.ids",
                    "unknown_field",
                    "not a field; there are all, cause, channel, connection, from, request_id, request_ids, stage, state, status, to",
                ],
                ["filter.state", "invalid", "one of held, parked"],
                [
                    "kind",
                    "invalid",
                    "one of redrive, replay, release, dry_run, reconcile, recount",
                ],
            ],
        ),
        (
            "PUT",
            secret,
            json!({ "secret": { "token": "s3cret" }, "settings": { "portal": 42 } }),
            vec![
                ["secret", "wrong_type", "a text"],
                ["settings.portal", "wrong_type", "a text"],
            ],
        ),
        (
            "POST",
            "/v1/tenants/a/invitations",
            json!({ "email": "ann", "role": "owner", "color": "red" }),
            vec![
                [
                    "color",
                    "unknown_field",
                    "not a field; there are email, role",
                ],
                [
                    "email",
                    "invalid",
                    "a text of at most 254 characters. Their e-mail address, bare and with an `@`, such as `maria@example.com`.",
                ],
                ["role", "invalid", "one of viewer, operator, tenant_admin"],
            ],
        ),
        (
            "POST",
            "/v1/tenants/a/sources",
            json!({ "provider": 7, "accounts": ["!!", "1"], "signing_key": "" }),
            vec![
                [
                    "accounts.0",
                    "invalid",
                    "a text. A tenant's account at a provider, as its webhooks name it: 1 to 64 letters, digits, `_` and `-`.",
                ],
                ["provider", "wrong_type", sources.as_str()],
                [
                    "signing_key",
                    "wrong_length",
                    "a text of at least 1 characters, or null",
                ],
            ],
        ),
        (
            "POST",
            "/v1/tenants/a/sources/connect",
            json!({ "provider": "nope", "secret": "", "settings": { "company_ids": 3 }, "bogus": 1 }),
            vec![
                [
                    "bogus",
                    "unknown_field",
                    "not a field; there are accounts, connection, office_id, provider, secret, settings",
                ],
                ["provider", "invalid", sources.as_str()],
                [
                    "secret",
                    "wrong_length",
                    "a text of at least 1 characters, or null",
                ],
                ["settings.company_ids", "wrong_type", "a text"],
            ],
        ),
        (
            "PUT",
            "/v1/tenants/a/connections/cr/secret",
            json!({ "provider": "callrail", "secret": "a\nb", "settings": { "account_id": "", "bogus": "1" } }),
            vec![
                ["secret", "invalid", unseen],
                ["settings.account_id", "invalid", account_id.as_str()],
                [
                    "settings.bogus",
                    "unknown_field",
                    "not a setting of callrail; there are account_id, company_ids",
                ],
            ],
        ),
        (
            "POST",
            "/v1/tenants",
            json!(["acme"]),
            vec![["", "wrong_type", "an object with name, tenant_id"]],
        ),
    ] {
        let told = told(&world, method, path, &body).await;
        let told: Vec<_> = told
            .iter()
            .map(|fault| fault.each_ref().map(String::as_str))
            .collect();
        assert_eq!(told, expected, "{path}");
    }
}

/// Sends a body as it is written.
async fn send(
    world: &World,
    token: &SecretString,
    (method, path): (&str, &str),
    body: &str,
) -> Response {
    let request = world.call_openly(method, path).bearer(token);
    let request = request.body("application/json", body.to_owned());
    request.send().await.unwrap()
}

#[tokio::test]
async fn what_is_too_large_or_too_deep_says_why() {
    let world = World::start().await;
    let token = world.token(&[PlatformAdmin], &["a"]);
    let place = ("PUT", "/v1/tenants/a/views/kitchens");
    let large = format!("\"{}\"", "x".repeat(2 * 1024 * 1024));
    let told = problem(&send(&world, &token, place, &large).await, 413);
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("2097152 bytes"), "{detail}");
    let deep = "[".repeat(100_000);
    let told = problem(&send(&world, &token, place, &deep).await, 400);
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("recursion limit exceeded"), "{detail}");
}

fn named_twice(answer: &Response) -> Vec<String> {
    let shown = problem(answer, 422);
    let errors = shown["errors"].as_array().unwrap().iter();
    let twice = errors.filter(|error| error["code"] == "duplicate_field");
    twice
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_is_named_twice_is_told_with_all_else_and_not_kept() {
    let world = World::start().await;
    let token = world.token(&[PlatformAdmin], &["a"]);
    for (method, path, body, expected) in [
        (
            "POST",
            "/v1/tenants/a/offices",
            r#"{ "name": "a", "name": "b", "time_zone": "Austin" }"#,
            vec!["name", "time_zone"],
        ),
        (
            "PUT",
            "/v1/tenants/a/views/kitchens",
            r#"{ "name": "a", "page": "leads", "search": "", "is_shared": true, "is_shared": false }"#,
            vec!["is_shared"],
        ),
        (
            "POST",
            "/v1/tenants/a/leads",
            r#"{ "contact": { "email": "ann@example.com", "phone": "1", "phone": "" }, "massage": "" }"#,
            vec!["contact.phone", "massage"],
        ),
    ] {
        let answer = send(&world, &token, (method, path), body).await;
        assert_eq!(wrong_fields(&answer), expected, "{path}");
        assert_eq!(named_twice(&answer), [expected[0]], "{path}");
    }
    for list in ["offices", "views", "requests"] {
        let shown = body(&world.get(&format!("/v1/tenants/a/{list}")).await);
        assert_eq!(shown["items"], json!([]), "{list}");
    }
}

#[tokio::test]
async fn a_number_without_a_fraction_is_whole_however_it_is_written() {
    let world = World::start().await;
    let token = world.token(&[PlatformAdmin], &["a"]);
    let config = format!(
        "/v1/tenants/a/offices/{}/config",
        world.office_of("a").await
    );
    let save = async |written: &str| {
        let request = world.call_openly("PUT", &config).bearer(&token);
        let request = request.header("if-match", "*");
        let request = request.body("application/json", written.to_owned());
        request.send().await.unwrap()
    };
    let written =
        r#"{ "config": { "links": { "window_days": 3e1 }, "spam": { "review_from": 40.0 } } }"#;
    let saved = body(&save(written).await);
    assert_eq!(saved["config"]["links"]["window_days"], json!(30));
    // The same in other words is no change.
    let again =
        r#"{ "config": { "links": { "window_days": 30 }, "spam": { "review_from": 40 } } }"#;
    assert_eq!(body(&save(again).await)["version"], saved["version"]);
    let trial = (
        &*format!("{config}/dry-run"),
        r#"{ "config": {}, "days": 7.0 }"#,
    );
    let started = send(&world, &token, ("POST", trial.0), trial.1).await;
    assert_eq!(started.status, 202, "{}", started.text_lossy(500));
    for fraction in ["30.5", "1e300"] {
        let written = format!(r#"{{ "config": {{ "links": {{ "window_days": {fraction} }} }} }}"#);
        let refused = save(&written).await;
        assert_eq!(wrong_fields(&refused), ["config.links.window_days"]);
    }
}

/// Generated from the description: a new route is covered without a new test.
#[tokio::test]
async fn every_body_is_refused_with_all_that_it_lacks() {
    let world = World::start().await;
    let api: Value = serde_json::from_str(&openapi_json()).unwrap();
    let office = world.office_of("a").await;
    let request = world.call(1).await;
    let source = world.source_of("a").await;
    let names = [
        ("{tenant_id}", "a".to_owned()),
        ("{office_id}", office.to_string()),
        ("{request_id}", request.to_string()),
        ("{source_id}", source.to_string()),
        ("{connection}", world.connection_of("a").await),
        ("{view_id}", "kitchens".to_owned()),
        ("{user_id}", format!("usr_{}", "0".repeat(32))),
        ("{other_id}", format!("req_{}", "0".repeat(32))),
    ];
    let token = world.token(&[PlatformAdmin], &["a"]);
    let mut tried = 0;
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            let Some(name) = schema.as_str() else {
                continue;
            };
            let schema = api.pointer(name.trim_start_matches('#')).unwrap();
            let path = names.iter().fold(path.clone(), |path, (name, value)| {
                path.replace(name, value)
            });
            let method = method.to_uppercase();
            let body = r#"{ "no_such_field": 1, "nor_this": { "a": 1 }, "nor_this": [{ "a": 1, "a": 2 }] }"#;
            let answer = send(&world, &token, (&method, &path), body).await;
            let told = wrong_fields(&answer);
            let twice = ["nor_this", "nor_this.0.a"];
            assert_eq!(named_twice(&answer), twice, "{method} {path}");
            let required = schema["required"].as_array().into_iter().flatten();
            let required = required.map(|name| name.as_str().unwrap());
            for field in required.chain(["no_such_field", "nor_this"]) {
                assert!(
                    told.iter().any(|told| told == field),
                    "{method} {path}: {field} is not in {told:?}"
                );
            }
            tried += 1;
        }
    }
    assert!(tried >= 25, "{tried}");
}
