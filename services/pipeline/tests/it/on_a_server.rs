//! Commands against a server that runs: what leads there are, people, keys, offices, jobs and figures.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{PATIENCE, Server, pipeline, text};

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

fn refused(folder: &Path, line: &[&str]) -> String {
    let output = pipeline(folder, line, "");
    assert_eq!(
        output.status.code(),
        Some(1),
        "{line:?}: {}",
        text(&output.stdout)
    );
    text(&output.stderr)
}

/// Sends a call, and waits until nothing of it is left to do.
fn send(folder: &Path, caller: &str) {
    let completed = ["request", "count", "--status", "completed"];
    let before = json(folder, &completed)["count"].as_u64().unwrap();
    said(folder, &["send", "callrail", "--caller", caller]);
    let began = Instant::now();
    while json(folder, &completed)["count"].as_u64().unwrap() == before {
        assert!(began.elapsed() < PATIENCE, "the call does not end");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn requests_are_found_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Server::start(folder);
    assert!(said(folder, &["request", "list"]).starts_with("No request agrees"));
    send(folder, "+15125550142");
    send(folder, "+15125550199");
    let count = |filter: &[&str]| {
        let line = [&["request", "count"], filter].concat();
        said(folder, &line).trim().to_owned()
    };
    for (filter, expected) in [
        ([].as_slice(), "2"),
        (&["--channel", "phone", "--area", "in"], "2"),
        (&["--channel", "form"], "0"),
        (&["--status", "held", "--status", "completed"], "2"),
        (&["--status", "held"], "0"),
        (&["--q", "(512) 555-0142"], "1"),
        (&["--from", "2020-01-01", "--score-from", "1"], "2"),
        (&["--to", "2020-01-01"], "0"),
    ] {
        assert_eq!(count(filter), expected, "{filter:?}");
    }
    let first = json(
        folder,
        &["request", "list", "--limit", "1", "--sort", "oldest"],
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = [
        "request", "list", "--limit", "1", "--sort", "oldest", "--cursor", cursor,
    ];
    let second = json(folder, &second);
    assert_eq!(first["items"][0]["contact"]["phone"], "+15125550142");
    assert_eq!(second["items"][0]["contact"]["phone"], "+15125550199");
    let id = second["items"][0]["request_id"].as_str().unwrap();
    let shown = said(folder, &["request", "show", id]);
    assert!(
        shown.contains("completed") && shown.contains("What happened"),
        "{shown}"
    );
    let wrong = refused(folder, &["request", "list", "--from", "yesterday"]);
    assert!(wrong.contains("from: a time as in"), "{wrong}");

    // What was counted there is in the figures, too.
    let figures = said(folder, &["figures", "show"]);
    assert!(
        figures.contains("came_in") || figures.contains("came in"),
        "{figures}"
    );
    let keys = json(folder, &["figures", "keys"]);
    assert!(keys["items"].as_array().unwrap().len() > 5, "{keys}");
    let series = json(folder, &["figures", "series", "came_in", "--step", "all"]);
    assert_eq!(series["series"][0]["values"][0], 2.0, "{series}");
    drop(server);
}

#[test]
fn people_keys_offices_and_jobs_are_handled_at_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Server::start(folder);
    let invite = ["user", "invite", "maria@example.com", "--role", "viewer"];
    let invited = json(folder, &invite);
    assert_eq!(invited["mail"], "sent");
    let waiting = said(folder, &["user", "invitations"]);
    assert!(waiting.contains("maria@example.com"), "{waiting}");
    let id = invited["invitation"]["invitation_id"].as_str().unwrap();
    said(folder, &["user", "uninvite", id]);
    assert!(said(folder, &["user", "invitations"]).starts_with("No invitation"));
    let link = said(folder, &["sign-in", "code", "--role", "viewer"]);
    assert!(link.contains("/sign-in#code="), "{link}");

    let key = said(folder, &["key", "create", "Reports", "--scope", "read"]);
    let key = key.lines().last().unwrap().to_owned();
    let listed = json(folder, &["key", "list"]);
    let listed = &listed["items"][0];
    assert!(
        key.starts_with(listed["prefix"].as_str().unwrap()),
        "{listed}"
    );
    said(
        folder,
        &["key", "revoke", listed["key_id"].as_str().unwrap()],
    );

    let offices = said(folder, &["office", "list"]);
    assert!(offices.contains("Austin"), "{offices}");
    said(folder, &["office", "set", "--zone", "America/Denver"]);
    let office = json(folder, &["office", "show"]);
    assert_eq!(office["time_zone"], "America/Denver");
    let only = office["office_id"].as_str().unwrap();
    let told = refused(folder, &["office", "remove", only]);
    assert!(told.contains("only office"), "{told}");
    let add = [
        "office",
        "add",
        "--name",
        "Dallas",
        "--zone",
        "America/Chicago",
    ];
    let added = json(folder, &add);
    let added = added["office_id"].as_str().unwrap();
    let told = refused(folder, &["office", "remove", only]);
    assert!(told.contains("Sources lead to it"), "{told}");
    assert!(said(folder, &["office", "remove", added]).contains("Dallas is removed"));
    let offices = said(folder, &["office", "list"]);
    assert!(!offices.contains("Dallas"), "{offices}");
    let config = said(folder, &["config", "show"]);
    let config: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["service_area"]["postal_codes"][0], "786xx");
    assert!(said(folder, &["config", "history"]).contains('1'));

    assert!(said(folder, &["job", "list"]).starts_with("There is no such job"));
    let none = said(folder, &["work", "redrive", "--all"]);
    assert!(none.starts_with("Nothing that is held"), "{none}");
    let jobs = json(
        folder,
        &["job", "list", "--kind", "redrive", "--state", "done"],
    );
    let job = jobs["items"][0]["job_id"].as_str().unwrap();
    assert!(said(folder, &["job", "show", job]).contains("redrive"));
    let late = refused(folder, &["job", "cancel", job]);
    assert!(late.contains("ended") || late.contains("done"), "{late}");
    let none = said(folder, &["job", "list", "--kind", "replay"]);
    assert!(none.starts_with("There is no such job"), "{none}");
    let acts = said(folder, &["audit", "list"]);
    for act in [
        "invitation.create",
        "invitation.withdraw",
        "api_key.revoke",
        "office.change",
        "job.create",
    ] {
        assert!(acts.contains(act), "{act}: {acts}");
    }
    drop(server);
}
