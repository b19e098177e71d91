//! People and keys by commands, on a folder that no server has.

use std::path::Path;

use serde_json::Value;

use crate::{pipeline, text};

fn said(folder: &Path, line: &[&str]) -> String {
    let output = pipeline(folder, line, "");
    assert!(
        output.status.success(),
        "{line:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

fn json(folder: &Path, line: &[&str]) -> Value {
    serde_json::from_str(&said(folder, &[line, &["--json"]].concat())).unwrap()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    said(folder.path(), &["migrate"]);
    said(
        folder.path(),
        &["tenant", "create", "acme", "--name", "Acme"],
    );
    folder
}

#[test]
fn people_are_invited_listed_and_not_found() {
    let folder = folder();
    let folder = folder.path();
    let invite = ["user", "invite", "Maria@Example.com", "--role", "operator"];
    let invited = json(folder, &invite);
    assert_eq!(invited["invitation"]["email"], "maria@example.com");
    assert_eq!(invited["code"].as_str().unwrap().len(), 43);
    let waiting = said(folder, &["user", "invitations"]);
    assert!(
        waiting.contains("maria@example.com") && waiting.contains("operator"),
        "{waiting}"
    );
    let id = invited["invitation"]["invitation_id"].as_str().unwrap();
    said(folder, &["user", "uninvite", id]);
    assert!(said(folder, &["user", "invitations"]).starts_with("No invitation"));
    assert!(said(folder, &["user", "list"]).starts_with("Nobody belongs"));
    for line in [
        ["user", "remove", "maria@example.com", "--json"].as_slice(),
        &["user", "role", "maria@example.com", "viewer"],
    ] {
        let refused = pipeline(folder, line, "");
        assert!(
            text(&refused.stderr).contains("pipeline user list"),
            "{refused:?}"
        );
    }
    let wrong = pipeline(folder, &["user", "invite", "maria"], "");
    assert!(
        text(&wrong.stderr).contains("email: not an e-mail address"),
        "{wrong:?}"
    );
}

#[test]
fn a_key_is_made_listed_and_revoked() {
    let folder = folder();
    let folder = folder.path();
    let create = [
        "key", "create", "Reports", "--scope", "read", "--scope", "ingest",
    ];
    let made = said(folder, &create);
    let key = made.lines().last().unwrap();
    assert!(key.starts_with("mip_"), "{made}");
    let list = json(folder, &["key", "list"]);
    assert!(!list.to_string().contains(key));
    let listed = &list["items"][0];
    assert!(key.starts_with(listed["prefix"].as_str().unwrap()));
    said(
        folder,
        &["key", "revoke", listed["key_id"].as_str().unwrap()],
    );
    let list = json(folder, &["key", "list"]);
    assert!(list["items"][0]["revoked_at"].is_string(), "{list}");
    let acts = said(folder, &["audit", "list"]);
    assert!(
        acts.contains("api_key.create") && acts.contains("api_key.revoke"),
        "{acts}"
    );
}

#[test]
fn no_code_is_made_that_no_server_takes() {
    let folder = folder();
    let refused = pipeline(folder.path(), &["sign-in", "code", "--role", "viewer"], "");
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(refused.stdout.is_empty(), "{refused:?}");
    assert!(
        text(&refused.stderr).contains("`pipeline run`"),
        "{refused:?}"
    );
}
