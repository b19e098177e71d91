//! Bodies that are wrong: all that is wrong with them is told at once, in words that a person understands.

use management_api::{auth::Role::PlatformAdmin, openapi_json};
use serde_json::{Value, json};

use crate::world::{World, problem, wrong_fields};

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
                    "one of redrive, replay, release, dry_run, reconcile",
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
                    "a text of at most 254 characters. Their e-mail address.",
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
                ["provider", "wrong_type", "a text"],
                [
                    "signing_key",
                    "wrong_length",
                    "a text of at least 1 characters, or null",
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
        ("{connection}", "crm".to_owned()),
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
            let body = json!({ "no_such_field": 1, "nor_this": 2 });
            let answer = world.call_by(&token, &method, &path, &body).await;
            let told = wrong_fields(&answer);
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
