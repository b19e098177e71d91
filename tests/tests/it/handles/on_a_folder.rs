//! Commands without a server, and commands that cannot.

use std::{fs, path::Path};

use domain::Status;
use http::StatusCode;
use pipeline::demo;
use serde_json::{Value, json};
use simulators::Fault;
use tests::{CallBody, World};

use super::{KEY, act, acts, command, command_on, counts, delivered, post, secret_file};

#[tokio::test]
async fn without_a_server_commands_do_the_same_on_the_folder() {
    let world = World::on_manual_clock_from_now().await;
    world
        .simulators()
        .gemini()
        .answer_with(json!({ "spam_likelihood": 60 }));
    let approved = delivered(&world, "CALapproved").await;
    world.becomes(approved, Status::InReview).await;
    world
        .simulators()
        .gemini()
        .answer_with(json!({ "spam_likelihood": 5 }));
    world.simulators().hubspot().always(Fault::RevokedToken);
    let held = world
        .deliver(
            "post-call",
            &CallBody::post_call("CALheld").with("customer_phone_number", json!("+15125550177")),
        )
        .await
        .request_id();
    world.becomes(held, Status::Held).await;
    let mut url = String::new();
    let world = world
        .restart_around(async |folder: &Path| {
            let run = async |line: &[&str]| command_on(folder, line).await.unwrap();
            let secret = folder.join("secret.txt");
            fs::write(&secret, "pat-na1-simulated-hubspot-token").unwrap();
            let secret = secret.to_str().unwrap();
            let demo = ["--tenant", demo::TENANT];
            let set = run(&["secret", "set", "hubspot", "--file", secret]).await;
            assert!(
                set.contains("One step that was held for it goes on."),
                "{set}"
            );
            assert!(set.contains("No server runs on this data folder"), "{set}");
            let id = approved.to_string();
            let approve = run(&["review", "approve", &id]).await;
            assert!(approve.contains("runs when one starts"), "{approve}");
            let again = command_on(folder, &["review", "approve", &id])
                .await
                .unwrap_err();
            assert!(again.contains("in review"), "{again}");
            let watch = [&["live", "watch"], demo.as_slice()].concat();
            let watched = command_on(folder, &watch).await.unwrap_err();
            assert!(watched.contains("no server runs"), "{watched}");
            run(&["tenant", "create", "acme", "--name", "Acme"]).await;
            let key = folder.join("key.txt");
            fs::write(&key, KEY).unwrap();
            let add = run(&[
                "source",
                "add",
                "callrail",
                "--tenant",
                "acme",
                "--file",
                key.to_str().unwrap(),
                "--json",
            ])
            .await;
            let added: Value = serde_json::from_str(&add).unwrap();
            url = added["webhooks"][0]["url"].as_str().unwrap().to_owned();
            let list = run(&[&["work", "list"], demo.as_slice()].concat()).await;
            assert!(list.contains("Nothing is held or parked."), "{list}");
            let log = run(&[&["audit", "list"], demo.as_slice()].concat()).await;
            assert!(
                log.contains("request.approve") && log.contains("secret.set"),
                "{log}"
            );
        })
        .await;
    for request in [approved, held] {
        world.becomes(request, Status::Completed).await;
    }
    // Simulated providers began empty; one of the mails had gone out before.
    assert_eq!(counts(&world), (2, 2, 1));
    let (_, path) = url.split_once("/v1/hooks/").unwrap();
    let url = format!("{}/v1/hooks/{path}", world.base);
    assert_eq!(
        post(&world, &url, "CALacme1", KEY).await.status,
        StatusCode::OK
    );
    let expected = [
        act("ann", "secret.set", &"hubspot"),
        act("ann", "request.approve", &approved),
    ];
    assert_eq!(acts(&world, demo::TENANT).await, expected);
    world.finish().await;
}

#[tokio::test]
async fn a_command_that_cannot_says_what_to_do_next() {
    let world = World::start().await;
    let empty = world.data_folder().join("elsewhere");
    let error = command_on(&empty, &["tenant", "list"]).await.unwrap_err();
    assert!(error.contains("pipeline migrate --data-dir"), "{error}");
    assert!(!empty.exists(), "a mistyped folder is not made");

    let unknown = command(&world, &["work", "list", "--tenant", "nobody"])
        .await
        .unwrap_err();
    assert_eq!(
        unknown,
        "there is no tenant `nobody`: there are tenant_demo"
    );
    command(&world, &["tenant", "create", "acme", "--name", "Acme"])
        .await
        .unwrap();
    let which = command(&world, &["work", "list"]).await.unwrap_err();
    assert_eq!(
        which,
        "say which tenant (--tenant): there are acme, tenant_demo"
    );
    let twice = command(&world, &["tenant", "create", "acme", "--name", "Acme"])
        .await
        .unwrap_err();
    assert!(
        twice.contains("There is a tenant `acme` already"),
        "{twice}"
    );

    let secret = secret_file(&world, "pat-1");
    let new = [
        "secret", "set", "crm", "--tenant", "acme", "--file", &secret,
    ];
    let provider = command(&world, &new).await.unwrap_err();
    assert!(
        provider.contains("provider: there is no connection `crm` yet"),
        "{provider}"
    );
    let which = command(&world, &["work", "redrive", "--tenant", "acme"])
        .await
        .unwrap_err();
    assert!(which.contains("--all"), "{which}");
    let id = format!("req_{}", "0".repeat(32));
    let gone = command(&world, &["request", "show", &id, "--tenant", "acme"])
        .await
        .unwrap_err();
    assert_eq!(gone, "There is no such request.");
    world.finish().await;
}
