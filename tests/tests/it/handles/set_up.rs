//! A tenant, its sources and its secrets are set up.

use domain::{Status, TenantId};
use http::{Method, StatusCode};
use pipeline::demo;
use serde_json::{Value, json};
use simulators::Fault;
use tests::{Form, World, in_both_forms};

use super::{
    COMPANY, KEY, NEXT_KEY, act, acts, call, command, counts, delivered, json_of, post, secret_file,
};

in_both_forms![
    a_tenant_set_up_by_commands_takes_calls_until_suspended,
    both_keys_verify_until_one_is_removed,
    a_new_secret_lets_what_was_held_go_on,
];

async fn a_tenant_set_up_by_commands_takes_calls_until_suspended(form: Form) {
    let world = World::of(form).await;
    let key = secret_file(&world, KEY);
    command(
        &world,
        &["tenant", "create", "acme", "--name", "Acme Remodeling"],
    )
    .await
    .unwrap();
    let tenants = command(&world, &["tenant", "list"]).await.unwrap();
    assert!(
        tenants.contains("acme         active  Acme Remodeling"),
        "{tenants}"
    );
    let add = [
        "source",
        "add",
        "callrail",
        "--tenant",
        "acme",
        "--account",
        "77",
        "--account",
        COMPANY,
        "--file",
        &key,
    ];
    let added = json_of(&world, &add).await;
    let url = added["webhooks"][0]["url"].as_str().unwrap();
    let answer = post(&world, url, "CALacme1", KEY).await;
    let request = answer.request_id();
    assert_eq!(
        post(&world, url, "CALacme2", NEXT_KEY).await.status,
        StatusCode::UNAUTHORIZED
    );
    let acme = TenantId::new("acme").unwrap();
    world
        .eventually("the call waits for its office to be set up", async || {
            let view = world.store.request(&acme, request).await.unwrap().unwrap();
            view.request.status == Status::Parked
        })
        .await;
    let shown = command(
        &world,
        &["request", "show", &request.to_string(), "--tenant", "acme"],
    )
    .await
    .unwrap();
    assert!(shown.contains("status    parked"), "{shown}");
    let list = ["work", "list", "--tenant", "acme", "--cause", "unreached"];
    let list = command(&world, &list).await.unwrap();
    assert!(
        list.contains("no CRM and no recipient is configured"),
        "{list}"
    );

    // The edge remembers for five seconds at most.
    command(&world, &["tenant", "suspend", "acme"])
        .await
        .unwrap();
    world
        .eventually("the tenant's deliveries are refused", async || {
            post(&world, url, "CALacme1", KEY).await.status == StatusCode::UNAUTHORIZED
        })
        .await;
    let source = &added["source"]["source_id"].as_str().unwrap();
    assert_eq!(
        acts(&world, "acme").await,
        [
            act("ann", "tenant.create", &"acme"),
            act("ann", "source.create", source),
            act("ann", "tenant.suspend", &"acme"),
        ]
    );
    let log = command(&world, &["audit", "list", "--tenant", "acme"])
        .await
        .unwrap();
    assert!(log.contains("ann  tenant.suspend  acme"), "{log}");
    assert!(!world.logs().contains(KEY) && !log.contains(KEY));
    world.finish().await;
}

async fn both_keys_verify_until_one_is_removed(form: Form) {
    let world = World::of(form).await;
    let new = json!({ "tenant_id": "acme", "name": "Acme" });
    let made = call(&world, Method::POST, "/v1/tenants", &new).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let new = json!({ "provider": "callrail", "accounts": [COMPANY], "signing_key": KEY });
    let sources = "/v1/tenants/acme/sources";
    let added = call(&world, Method::POST, sources, &new).await.body;
    let url = added["webhooks"][0]["url"].as_str().unwrap();
    let id = added["source"]["source_id"].as_str().unwrap();
    let next = secret_file(&world, NEXT_KEY);
    let rotated = json_of(
        &world,
        &["source", "add-key", id, "--tenant", "acme", "--file", &next],
    )
    .await;
    for (call, key) in [("CALacme1", KEY), ("CALacme2", NEXT_KEY)] {
        assert_eq!(
            post(&world, url, call, key).await.status,
            StatusCode::OK,
            "{key}"
        );
    }
    let old = rotated["source"]["keys"][1].as_str().unwrap();
    let removed = command(
        &world,
        &["source", "remove-key", id, old, "--tenant", "acme"],
    )
    .await;
    assert!(removed.unwrap().contains(rotated["key"].as_str().unwrap()));
    world
        .eventually("the removed key proves nothing", async || {
            post(&world, url, "CALacme1", KEY).await.status == StatusCode::UNAUTHORIZED
        })
        .await;
    assert_eq!(
        post(&world, url, "CALacme3", NEXT_KEY).await.status,
        StatusCode::OK
    );
    let only = command(
        &world,
        &[
            "source",
            "remove-key",
            id,
            rotated["key"].as_str().unwrap(),
            "--tenant",
            "acme",
        ],
    )
    .await;
    assert!(
        only.unwrap_err()
            .contains("add another before you remove it")
    );
    let expected = [
        act("ben", "tenant.create", &"acme"),
        act("ben", "source.create", &id),
        act("ann", "source.add_key", &id),
        act("ann", "source.remove_key", &id),
    ];
    assert_eq!(acts(&world, "acme").await, expected);
    world.finish().await;
}

async fn a_new_secret_lets_what_was_held_go_on(form: Form) {
    let world = World::of(form).await;
    world.simulators().hubspot().always(Fault::RevokedToken);
    let request = delivered(&world, "CALheld").await;
    world.becomes(request, Status::Held).await;
    let list = command(&world, &["work", "list", "--state", "held"])
        .await
        .unwrap();
    assert!(
        list.contains("held   dispatch  -      hubspot   1"),
        "{list}"
    );
    assert!(list.contains(&request.to_string()), "{list}");
    let connections = "/v1/tenants/tenant_demo/connections";
    let shown = call(&world, Method::GET, connections, &Value::Null)
        .await
        .body;
    let mut items = shown["items"].as_array().unwrap().iter();
    let hubspot = items.find(|connection| connection["name"] == "hubspot");
    assert_eq!(hubspot.unwrap()["state"], "refused", "{shown}");

    world.simulators().hubspot().clear_faults();
    let file = secret_file(&world, "pat-na1-simulated-hubspot-token");
    let set = command(&world, &["secret", "set", "hubspot", "--file", &file])
        .await
        .unwrap();
    assert!(
        set.contains("version 2") && set.contains("One step that was held for it goes on."),
        "{set}"
    );
    world.becomes(request, Status::Completed).await;
    assert_eq!(counts(&world), (1, 1, 1));
    assert_eq!(
        acts(&world, demo::TENANT).await,
        [act("ann", "secret.set", &"hubspot")]
    );
    world.finish().await;
}
