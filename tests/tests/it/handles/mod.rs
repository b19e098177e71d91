//! Handles for people: what an operator does through the API and by commands.

mod crm;
mod live;
mod looking;
mod on_a_folder;
mod redrive;
mod reviews;
mod set_up;

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use clap::Parser as _;
use domain::{RequestId, TenantId};
use http::Method;
use management_api::auth::{Grant, Role, SigningKey};
use pipeline::{app::trust, commands, data_folder::ServerFile};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::AuditEntry;
use tests::{Answer, CallBody, World, sha1_signature};

const KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const NEXT_KEY: &str = "ffee2d3c4b5a69788796a5b4c3d2e1f0";
/// The account of the tenants that these stories make.
const COMPANY: &str = "COM7700000000000000000000000000077";

/// What a command printed, or its error.
async fn command_on(folder: &Path, line: &[&str]) -> Result<String, String> {
    let (printed, done) = printed_on(folder, line).await;
    done.map(|()| printed)
}

/// What a command printed, and how it ended.
async fn printed_on(folder: &Path, line: &[&str]) -> (String, Result<(), String>) {
    let words = ["pipeline"].iter().chain(line).copied();
    let folder = folder.to_str().unwrap();
    let words = words.chain(["--data-dir", folder, "--as", "ann"]);
    let mut out = Vec::new();
    let done = match commands::Cli::try_parse_from(words) {
        Ok(cli) => commands::run_to(cli, &mut out).await,
        Err(error) => Err(error.into()),
    };
    let printed = String::from_utf8(out).unwrap();
    (printed, done.map_err(|error| format!("{error:#}")))
}

/// What a command prints that finds the world's server.
async fn command(world: &World, line: &[&str]) -> Result<String, String> {
    let server = ServerFile {
        address: world.base.trim_start_matches("http://").parse().unwrap(),
        simulators: BTreeMap::new(),
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

/// What people did to a tenant, oldest first: who did what to what. The chain of its audit log holds.
async fn acts(world: &World, tenant: &str) -> Vec<(String, String, String)> {
    let tenant = TenantId::new(tenant).unwrap();
    let mut entries = world
        .store
        .audit_log(&tenant, &store::AuditQuery::newest(200))
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
        .filter(|entry| entry.actor != "set-up")
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
