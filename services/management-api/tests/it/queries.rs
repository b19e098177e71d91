//! What lists are asked by: whatever cannot be is refused, by its name, and says what can be.

use management_api::{auth::Role::PlatformAdmin, openapi_json};
use serde_json::Value;

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
        let is_open = operation["security"].as_array().is_none_or(Vec::is_empty);
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
