//! What deploys the product: Terraform's modules, Cloud Build, the images. No cloud is asked: the modules are read, and
//! compared with the provider's schema and with what the code needs.

mod modules;
mod policy;
mod schema;

use std::path::{Path, PathBuf};

use modules::Modules;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn modules() -> Modules {
    Modules::read(&root().join("terraform"))
}

/// Modules of one file, for planted faults.
fn planted(file: &str) -> Modules {
    Modules::of_text(file)
}

#[test]
fn every_module_fits_the_providers_schema() {
    let faults = schema::faults(&modules());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn planted_faults_do_not_fit_the_schema() {
    for (file, fault) in [
        (
            "resource \"google_pubsub_topic\" \"a\" {\n name = \"a\"\n nam = \"a\"\n}",
            "google_pubsub_topic.a: it takes no `nam`",
        ),
        (
            r#"resource "google_pubsub_topic" "a" { }"#,
            "google_pubsub_topic.a: `name` is missing",
        ),
        (
            r#"resource "google_pubsub_tropic" "a" { name = "a" }"#,
            "google_pubsub_tropic.a: the schema has no such resource",
        ),
        (
            "resource \"google_pubsub_topic\" \"a\" {\n name = \"a\"\n message_storage_policy {\n }\n}",
            "google_pubsub_topic.a.message_storage_policy: `allowed_persistence_regions` is missing",
        ),
        (
            "resource \"google_pubsub_topic\" \"a\" {\n name = \"a\"\n message_storage_policy = []\n}",
            "google_pubsub_topic.a: `message_storage_policy` is a block, not an argument",
        ),
        (
            "resource \"google_spanner_instance\" \"a\" {\n name = \"a\"\n config = \"c\"\n display_name = \"a\"\n \
             edition = \"BEST\"\n}",
            "google_spanner_instance.a: `edition` cannot be `BEST`",
        ),
        (
            "resource \"google_pubsub_topic\" \"a\" {\n name = var.nobody\n}",
            "google_pubsub_topic.a: `var.nobody` is declared nowhere",
        ),
    ] {
        let faults = schema::faults(&planted(file));
        assert_eq!(faults, [fault], "{file}");
    }
}

#[test]
fn every_stage_is_pushed_to_the_service_that_has_it() {
    policy::assert_stages(&modules());
}

#[test]
fn every_setting_of_a_service_is_one_that_it_reads() {
    policy::assert_settings(&modules());
}

/// Whose account nobody has loses leads without anybody asking for them: the log's lines are counted, and somebody is told.
#[test]
fn deliveries_that_are_nobodys_raise_an_alarm() {
    let file = root().join("terraform/modules/monitoring/main.tf");
    let text = std::fs::read_to_string(file).unwrap();
    let name = domain::metric_names::DELIVERIES_UNROUTABLE_TOTAL;
    let line = format!("jsonPayload.metric=\\\"{name}\\\"");
    assert!(text.contains(&line), "no metric counts {line}");
    let counted = "user/${google_logging_metric.unroutable.name}";
    assert!(text.contains(counted), "nobody is told of them");
}

#[test]
fn no_secret_stands_in_a_plain_setting() {
    let faults = policy::plain_secrets(&modules());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let planted =
        planted("locals {\n own_settings = {\n  management-api = { SESSION_KEY = \"a\" }\n }\n}");
    assert_eq!(
        policy::plain_secrets(&planted),
        ["management-api: SESSION_KEY is a secret"]
    );
}

#[test]
fn nobody_has_a_wider_role_than_is_listed() {
    let faults = policy::unlisted_roles(&modules());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let planted = planted(
        "resource \"google_project_iam_member\" \"a\" {\n project = \"p\"\n role = \"roles/editor\"\n member = \"m\"\n}",
    );
    assert_eq!(
        policy::unlisted_roles(&planted),
        ["google_project_iam_member.a: roles/editor"]
    );
}

#[test]
fn nothing_is_granted_to_everybody() {
    for (name, text) in modules().texts() {
        for everybody in ["allUsers", "allAuthenticatedUsers"] {
            assert!(
                !text.contains(everybody),
                "{name} grants something to {everybody}"
            );
        }
    }
}

#[test]
fn images_and_builds_name_every_service() {
    policy::assert_images(&root());
}

#[test]
fn modules_are_formatted() {
    for (name, text) in modules().texts() {
        let faults = modules::format_faults(text);
        assert!(faults.is_empty(), "{name}:\n{}", faults.join("\n"));
    }
    assert_eq!(
        modules::format_faults("a {\n  b   = 1\n  cc = 2\n}\n"),
        ["line 2: `=` is not below the others"]
    );
}
