//! Dependencies point one way.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Crates that wrap what the outside offers.
const PROVIDERS: [&str; 4] = ["crm", "google", "notify", "sources"];
/// Crates that the product stands on.
const INFRASTRUCTURE: [&str; 13] = [
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

#[test]
fn dependencies_point_one_way() {
    let metadata = MetadataCommand::new()
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    let ours: BTreeSet<_> = metadata
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let known: BTreeSet<_> = PROVIDERS
        .iter()
        .chain(&INFRASTRUCTURE)
        .chain(&SERVICES)
        .chain(&COMPOSERS)
        .chain(&PROOFS)
        .chain(&["domain", "simulators"])
        .map(|name| (*name).to_owned())
        .collect();
    assert_eq!(
        ours, known,
        "a crate was added or removed: say in this test where it belongs"
    );

    let mut faults = Vec::new();
    for package in &metadata.packages {
        let edges = package
            .dependencies
            .iter()
            .filter(|edge| edge.kind == DependencyKind::Normal);
        for edge in edges.filter(|edge| ours.contains(&edge.name)) {
            if let Some(reason) = forbidden(&package.name, &edge.name) {
                faults.push(format!("{} -> {}: {reason}", package.name, edge.name));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "forbidden dependencies:\n{}",
        faults.join("\n")
    );
}
