//! Handles for people: what an operator does through the API and by commands.

use std::{fs, path::Path, time::Duration};

use clap::Parser as _;
use domain::{ParkCause, RequestId, Stage, Status, TenantId, WorkState};
use http::{Method, StatusCode};
use management_api::auth::{Grant, Role, SigningKey};
use pipeline::{app::trust, commands, data_folder::ServerFile, demo};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use simulators::Fault;
use store::AuditEntry;
use tests::{Answer, CallBody, Form, World, in_both_forms, sha1_signature};

const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const NEXT_KEY: &str = "ffee2d3c4b5a69788796a5b4c3d2e1f0";
/// The account of the tenants that these stories make.
const COMPANY: &str = "COM7700000000000000000000000000077";

in_both_forms![
    a_tenant_that_was_set_up_by_commands_takes_signed_calls_until_it_is_suspended,
    both_keys_verify_during_a_rotation_and_the_removed_one_does_not,
    a_new_secret_lets_what_was_held_go_on,
    an_approval_lets_a_request_go_on_exactly_once,
    what_was_rejected_is_quarantined_until_it_is_released,
    stopped_work_is_redriven_one_by_a_filter_and_all,
    a_request_is_replayed_from_every_stage_and_people_are_told_twice_only_on_purpose,
    a_body_of_another_account_stays_parked_when_it_is_read_again,
];

/// What a command printed, or its error.
async fn command_on(folder: &Path, line: &[&str]) -> Result<String, String> {
    let words = ["pipeline"].iter().chain(line).copied();
    let folder = folder.to_str().unwrap();
    let words = words.chain(["--data-dir", folder, "--as", "ann"]);
    let cli = commands::Cli::try_parse_from(words).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    commands::run_to(cli, &mut out)
        .await
        .map_err(|error| format!("{error:#}"))?;
    Ok(String::from_utf8(out).unwrap())
}

/// What a command prints that finds the world's server.
async fn command(world: &World, line: &[&str]) -> Result<String, String> {
    let server = ServerFile {
        address: world.base.trim_start_matches("http://").parse().unwrap(),
        simulators: None,
    };
    let file = world.data_folder().join("server.json");
    fs::write(file, serde_json::to_vec(&server).unwrap()).unwrap();
    command_on(&world.data_folder(), line).await
}

async fn json_of(world: &World, line: &[&str]) -> Value {
    let line = [line, &["--json"]].concat();
    serde_json::from_str(&command(world, &line).await.unwrap()).unwrap()
}

/// A file with a secret in it.
fn secret_file(world: &World, secret: &str) -> String {
    let path = world.data_folder().join("secret.txt");
    fs::write(&path, format!("{secret}\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Calls the API as a platform administrator.
#[expect(
    clippy::disallowed_methods,
    reason = "the product's own answers are small"
)]
async fn call(world: &World, method: Method, path: &str, body: &Value) -> Answer {
    let grant = Grant {
        subject: "ben".to_owned(),
        roles: vec![Role::PlatformAdmin],
        tenants: Vec::new(),
        valid_for: Duration::from_secs(600),
    };
    let key = SigningKey::open(&world.data_folder()).unwrap();
    let token = key.mint(&trust(), &grant, world.now()).unwrap();
    let request = world
        .http
        .request(method, format!("{}{path}", world.base))
        .bearer_auth(token.expose_secret())
        .json(body);
    let response = request.send().await.unwrap();
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        body: serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null),
    }
}

/// A tenant's audit log, oldest first: who did what to what. Its chain holds.
async fn acts(world: &World, tenant: &str) -> Vec<(String, String, String)> {
    let tenant = TenantId::new(tenant).unwrap();
    let mut entries = world
        .store
        .audit_log(&tenant, None, 200)
        .await
        .unwrap()
        .items;
    entries.reverse();
    let mut before: Option<&AuditEntry> = None;
    for entry in &entries {
        assert!(entry.follows(before), "{entry:?}");
        before = Some(entry);
    }
    entries
        .into_iter()
        .map(|entry| (entry.actor, entry.action, entry.object))
        .collect()
}

fn act(actor: &str, action: &str, object: &impl ToString) -> (String, String, String) {
    (actor.to_owned(), action.to_owned(), object.to_string())
}

fn call_of_company(id: &str) -> CallBody {
    CallBody::post_call(id)
        .with("company_id", json!(77))
        .with("company_resource_id", json!(COMPANY))
}

/// Posts a call to a URL that was handed out, signed with this key.
async fn post(world: &World, url: &str, id: &str, key: &str) -> Answer {
    let body = call_of_company(id).json();
    let signature = sha1_signature(key, &body);
    let headers = [
        ("content-type", "application/json"),
        ("signature", signature.as_str()),
    ];
    world
        .post(url.strip_prefix(&world.base).unwrap(), &headers, body)
        .await
}

fn counts(world: &World) -> (usize, usize, usize) {
    let simulators = world.simulators();
    (
        simulators.hubspot().contacts().len(),
        simulators.hubspot().deals().len(),
        simulators.sendgrid().mails().len(),
    )
}

async fn delivered(world: &World, id: &str) -> RequestId {
    let answer = world.deliver("post-call", &CallBody::post_call(id)).await;
    answer.request_id()
}

async fn a_tenant_that_was_set_up_by_commands_takes_signed_calls_until_it_is_suspended(form: Form) {
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
    assert!(answer.body.get("duplicate").is_none());
    assert_eq!(
        post(&world, url, "CALacme2", NEXT_KEY).await.status,
        StatusCode::UNAUTHORIZED
    );
    let acme = TenantId::new("acme").unwrap();
    world
        .eventually("the call is worked on to its end", async || {
            let view = world.store.request(&acme, request).await.unwrap().unwrap();
            view.request.status == Status::Completed
        })
        .await;
    let shown = command(
        &world,
        &["request", "show", &request.to_string(), "--tenant", "acme"],
    )
    .await
    .unwrap();
    assert!(shown.contains("status    completed"), "{shown}");

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

async fn both_keys_verify_during_a_rotation_and_the_removed_one_does_not(form: Form) {
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
    assert_eq!(shown["items"][1]["state"], "refused", "{shown}");

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

async fn an_approval_lets_a_request_go_on_exactly_once(form: Form) {
    let world = World::of(form).await;
    world
        .simulators()
        .gemini()
        .answer_with(json!({ "spam_likelihood": 60 }));
    let request = delivered(&world, "CALreview").await;
    world.becomes(request, Status::InReview).await;
    let id = request.to_string();
    let list = json_of(&world, &["review", "list"]).await;
    assert_eq!(list["items"][0]["request_id"], id);
    let refused = command(&world, &["quarantine", "release", &id])
        .await
        .unwrap_err();
    let instead = format!("instead: `pipeline review approve {id}`");
    assert!(refused.contains(&instead), "{refused}");

    command(&world, &["review", "approve", &id]).await.unwrap();
    let again = format!("/v1/tenants/tenant_demo/requests/{id}/approve");
    let again = call(&world, Method::POST, &again, &Value::Null).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{again:?}");
    let view = world.becomes(request, Status::Completed).await;
    assert_eq!(view.request.document.verdict.unwrap().by, "ann");
    assert_eq!(counts(&world), (1, 1, 1));
    let again = command(&world, &["review", "approve", &id])
        .await
        .unwrap_err();
    assert!(again.contains("`completed`"), "{again}");
    assert_eq!(
        acts(&world, demo::TENANT).await,
        [act("ann", "request.approve", &id)]
    );
    world.finish().await;
}

async fn what_was_rejected_is_quarantined_until_it_is_released(form: Form) {
    let world = World::of(form).await;
    world
        .simulators()
        .gemini()
        .answer_with(json!({ "spam_likelihood": 60 }));
    let request = delivered(&world, "CALreject").await;
    world.becomes(request, Status::InReview).await;
    let id = request.to_string();
    command(&world, &["review", "reject", &id]).await.unwrap();
    assert_eq!(
        world.view(request).await.request.status,
        Status::Quarantined
    );
    assert_eq!(counts(&world), (0, 0, 0));
    let list = command(&world, &["quarantine", "list"]).await.unwrap();
    assert!(list.contains(&id), "{list}");
    let refused = command(&world, &["review", "approve", &id])
        .await
        .unwrap_err();
    let instead = format!("instead: `pipeline quarantine release {id}`");
    assert!(refused.contains(&instead), "{refused}");

    command(&world, &["quarantine", "release", &id])
        .await
        .unwrap();
    world.becomes(request, Status::Completed).await;
    assert_eq!(counts(&world), (1, 1, 1));
    let expected = [
        act("ann", "request.reject", &id),
        act("ann", "request.release", &id),
    ];
    assert_eq!(acts(&world, demo::TENANT).await, expected);
    world.finish().await;
}

async fn stopped_work_is_redriven_one_by_a_filter_and_all(form: Form) {
    let world = World::of(form).await;
    let required = Fault::MissingField {
        property: "budget_approved_by".to_owned(),
    };
    world
        .simulators()
        .hubspot()
        .always_to("objects/deals", required);
    let mut requests = Vec::new();
    for id in ["CALone", "CALtwo", "CALthree"] {
        let request = delivered(&world, id).await;
        world.becomes(request, Status::Parked).await;
        requests.push(request);
    }
    let list = command(&world, &["work", "list"]).await.unwrap();
    assert!(
        list.contains("parked  dispatch  permanent  -         3"),
        "{list}"
    );
    let tries = async |request| world.view(request).await.attempts.len();
    let one = requests[0].to_string();
    let redrive_one = [
        "work",
        "redrive",
        "--request",
        &one,
        "--stage",
        "dispatch",
        "--target",
        "hubspot",
    ];

    // It really runs again, each time, although it stops again.
    for runs in [2, 3] {
        command(&world, &redrive_one).await.unwrap();
        world
            .eventually("the dispatch was tried again and parked", async || {
                tries(requests[0]).await == runs
                    && world.view(requests[0]).await.request.status == Status::Parked
            })
            .await;
    }
    assert_eq!(tries(requests[1]).await, 1, "the others were left alone");

    world.simulators().hubspot().clear_faults();
    let two = requests[1].to_string();
    let by_filter = ["work", "redrive", "--request", &two, "--cause", "permanent"];
    assert!(
        command(&world, &by_filter)
            .await
            .unwrap()
            .contains("One step runs again.")
    );
    world.becomes(requests[1], Status::Completed).await;
    let none = ["work", "redrive", "--stage", "recording"];
    assert!(
        command(&world, &none)
            .await
            .unwrap()
            .contains("see `pipeline work list`")
    );
    let all = json_of(&world, &["work", "redrive", "--all"]).await;
    assert_eq!(all["redriven"], 2);
    for request in &requests {
        world.becomes(*request, Status::Completed).await;
    }
    // One person, three jobs; each told of once.
    assert_eq!(counts(&world), (1, 3, 3));
    let refused = command(&world, &redrive_one).await.unwrap_err();
    assert!(refused.contains("neither held nor parked"), "{refused}");
    let expected = [
        act("ann", "work.redrive", &one),
        act("ann", "work.redrive", &one),
        act("ann", "work.redrive", &two),
        act("ann", "work.redrive", &"work"),
    ];
    assert_eq!(acts(&world, demo::TENANT).await, expected);
    world.finish().await;
}

async fn a_request_is_replayed_from_every_stage_and_people_are_told_twice_only_on_purpose(
    form: Form,
) {
    let world = World::of(form).await;
    let request = delivered(&world, "CALreplay").await;
    world.becomes(request, Status::Completed).await;
    let id = request.to_string();
    let done = async |stage| {
        let timeline = world.view(request).await.timeline;
        timeline
            .iter()
            .filter(|entry| entry.stage == Some(stage) && entry.outcome == "done")
            .count()
    };
    let mut expected = Vec::new();
    for from in Stage::ALL {
        let before = done(from).await;
        let replay = ["request", "replay", &id, "--from", from.as_str()];
        command(&world, &replay).await.unwrap();
        world.becomes(request, Status::Completed).await;
        assert_eq!(done(from).await, before + 1, "{from} ran once more");
        let mails = if from == Stage::Notification { 2 } else { 1 };
        assert_eq!(counts(&world), (1, 1, mails), "after a replay from {from}");
        expected.push(act("ann", "request.replay", &id));
    }
    assert_eq!(acts(&world, demo::TENANT).await, expected);
    let nowhere = command(&world, &["request", "replay", &id, "--from", "nowhere"]).await;
    let nowhere = nowhere.unwrap_err();
    assert!(
        nowhere.contains("reading, recording, transcript"),
        "{nowhere}"
    );
    world.finish().await;
}

async fn a_body_of_another_account_stays_parked_when_it_is_read_again(form: Form) {
    let world = World::of(form).await;
    let body = call_of_company("CALforeign");
    let request = world.deliver("post-call", &body).await.request_id();
    world.becomes(request, Status::Parked).await;
    let id = request.to_string();
    command(
        &world,
        &["work", "redrive", "--request", &id, "--stage", "reading"],
    )
    .await
    .unwrap();
    world
        .eventually("it was read again", async || {
            let timeline = world.view(request).await.timeline;
            let mut outcomes = timeline.iter().map(|entry| entry.outcome.as_str());
            outcomes.any(|outcome| outcome == "redriven")
                && outcomes.any(|outcome| outcome == "parked")
        })
        .await;
    let row = world.view(request).await.work[0].clone();
    let cause = ParkCause::Unreadable;
    assert_eq!(
        (row.key.stage, row.state),
        (Stage::Reading, WorkState::Parked { cause })
    );
    assert!(row.reason.unwrap().contains("another account"));
    assert_eq!(counts(&world), (0, 0, 0));
    world.finish().await;
}

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
