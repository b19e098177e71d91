//! Dependencies point one way, and `make run` compiles nothing of Google's cloud.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

/// Crates that wrap what the outside offers.
const PROVIDERS: [&str; 5] = ["catalogue", "crm", "google", "notify", "sources"];
/// Crates that the product stands on.
const INFRASTRUCTURE: [&str; 14] = [
    "accounts",
    "blobs",
    "blobs-gcs",
    "bus",
    "bus-pubsub",
    "http_client",
    "jwks",
    "runtime",
    "secrets",
    "settings",
    "store",
    "store-spanner",
    "store-sqlite",
    "testkit",
];
const SERVICES: [&str; 6] = [
    "ai-analyzer",
    "crm-dispatcher",
    "management-api",
    "media-processor",
    "notifier",
    "webhook-ingest",
];
/// Crates that wrap a heavy dependency: only what composes the product knows them.
const ADAPTERS: [&str; 4] = ["blobs-gcs", "bus-pubsub", "store-spanner", "store-sqlite"];
/// What only the feature `google` brings. It is a third of what there is to compile, and `make run` uses none of it.
const ENGINE: [&str; 4] = ["blobs-gcs", "bus-pubsub", "fleet", "store-spanner"];
/// What composes the product.
const COMPOSERS: [&str; 3] = ["fleet", "pipeline", "tests"];
/// What proves the product from outside; nothing knows it.
const PROOFS: [&str; 1] = ["fuzz"];

/// Why one crate must not depend on another; none when it may.
fn forbidden(from: &str, to: &str) -> Option<&'static str> {
    let is = |name: &str, set: &[&str]| set.contains(&name);
    // What a service's `main.rs` is made of; its library takes traits.
    if is(from, &SERVICES) && (to == "fleet" || to == "blobs-gcs") {
        return None;
    }
    if from == "fleet" {
        return (is(to, &SERVICES) || is(to, &["pipeline", "tests", "simulators", "testkit"]))
            .then_some("the engine knows no service, and nothing that is for tests");
    }
    if is(from, &COMPOSERS) {
        return (from == "pipeline" && to == "tests")
            .then_some("the product does not know its tests");
    }
    if is(to, &PROOFS) {
        return Some("nothing depends on what proves the product");
    }
    if is(from, &PROOFS) {
        return (to == "tests" || is(to, &ADAPTERS))
            .then_some("a fuzz target sees only what strangers' bytes reach");
    }
    if from == "domain" {
        return Some("domain depends on nothing of ours");
    }
    if from == "simulators" {
        return Some("simulators share no code with the product");
    }
    if to == "simulators" || to == "testkit" {
        return Some(
            "only pipeline, testkit and tests see simulators, and no product code sees testkit",
        );
    }
    if is(to, &COMPOSERS) || is(to, &SERVICES) {
        return Some("nothing but pipeline and tests depends on a service");
    }
    if is(to, &ADAPTERS) {
        return Some("only what composes the product knows an adapter");
    }
    if from == "google" && to == "secrets" {
        return None; // Secret Manager is one of the stores of secrets
    }
    if from == "blobs-gcs" && to == "google" {
        return None; // for its tokens
    }
    if is(from, &PROVIDERS) && is(to, &["bus", "store", "blobs", "secrets", "runtime"]) {
        return Some("providers know neither store nor bus nor shell");
    }
    if is(from, &INFRASTRUCTURE) && is(to, &PROVIDERS) {
        return Some("infrastructure does not know providers");
    }
    if (from.starts_with("store") && to == "bus") || (from == "bus" && to.starts_with("store")) {
        return Some("store and bus do not know each other");
    }
    None
}

/// What cargo prints about the workspace.
fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--locked", "--offline"])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn name(value: &Value) -> &str {
    value["name"].as_str().unwrap()
}

#[test]
fn dependencies_point_one_way() {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<_> = packages.iter().map(name).collect();
    let known: BTreeSet<_> = PROVIDERS
        .iter()
        .chain(&INFRASTRUCTURE)
        .chain(&SERVICES)
        .chain(&COMPOSERS)
        .chain(&PROOFS)
        .chain(&["domain", "simulators"])
        .copied()
        .collect();
    assert_eq!(
        ours, known,
        "a crate was added or removed: say in this test where it belongs"
    );

    let mut faults = Vec::new();
    for package in packages {
        let edges = package["dependencies"].as_array().unwrap();
        // Dependencies of tests and build scripts have a kind.
        let edges = edges.iter().filter(|edge| edge["kind"].is_null());
        for to in edges.map(name).filter(|to| ours.contains(to)) {
            let from = name(package);
            if let Some(reason) = forbidden(from, to) {
                faults.push(format!("{from} -> {to}: {reason}"));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "forbidden dependencies:\n{}",
        faults.join("\n")
    );
}

#[test]
fn make_run_compiles_nothing_of_googles_cloud() {
    let tree = "tree --package pipeline --edges normal,build --prefix none --format {p}";
    let tree = cargo(&tree.split(' ').collect::<Vec<_>>());
    let compiled: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(compiled.contains("store-sqlite"), "{tree}");
    let cloud: Vec<_> = compiled
        .into_iter()
        .filter(|name| {
            ENGINE.contains(name)
                || name.starts_with("google-cloud-")
                || ["prost", "tonic"].contains(name)
        })
        .collect();
    assert!(
        cloud.is_empty(),
        "put these behind the feature `google`: {cloud:?}"
    );
}
