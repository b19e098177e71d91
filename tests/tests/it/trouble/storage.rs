//! Our own storage fails: the disk is full, or a COMMIT does not go through.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use domain::{RequestId, Stage, Status};
use futures::future::join_all;
use http::StatusCode;
use rusqlite::Connection;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use serde_json::json;
use tests::{Answer, World};
use tokio::signal::unix::{SignalKind, signal};

use super::{
    MINUTE, at_rest, body, call, call_id, comes_to, counts, finish_with_nothing_open, mail,
    open_work,
};

/// How long a story lets the product try in vain. It counts the product's tries, so the time is no guess.
const PATIENCE: Duration = Duration::from_secs(120);

/// The sender is told to come back soon, and why.
fn assert_put_off(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    let pause = answer.headers["retry-after"].to_str().unwrap();
    assert!((1..=5).contains(&pause.parse::<u64>().unwrap()), "{pause}");
    assert_eq!(
        answer.body["detail"],
        "The delivery is not stored. Send it again."
    );
}

/// The requests that the API lists.
async fn listed(world: &World) -> usize {
    let answer = world.get("/v1/tenants/tenant_demo/requests").await;
    answer.body["items"].as_array().unwrap().len()
}

/// Lets a clock move on while the product tries in vain, until its log has so many lines with this text.
async fn try_in_vain(world: &World, text: &str, times: usize) {
    let started = Instant::now();
    while world.logs().matches(text).count() < times {
        assert!(
            started.elapsed() < PATIENCE,
            "the log never has {times} times `{text}`:\n{}",
            world.logs()
        );
        world.pass(Duration::from_secs(2));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What a process may write to any file. Less than a file has is as good as a full disk.
struct Disk {
    before: Rlimit,
    _survives: tokio::signal::unix::Signal,
}

impl Disk {
    fn fill() -> Self {
        // Without a handler, a write over the limit ends the process.
        let kind = SignalKind::from_raw(Signal::XFSZ.as_raw());
        let survives = signal(kind).unwrap();
        let before = getrlimit(Resource::Fsize);
        let limit = Rlimit {
            current: Some(4_096),
            ..before
        };
        setrlimit(Resource::Fsize, limit).unwrap();
        Self {
            before,
            _survives: survives,
        }
    }

    fn make_room(self) {
        setrlimit(Resource::Fsize, self.before).unwrap();
    }
}

/// The limit is a process's own, so this story has a process for itself.
const FULL_DISK: &str = "trouble::storage::in_a_process_of_its_own_the_disk_is_full";

#[test]
fn on_a_full_disk_nothing_acknowledged_is_lost() {
    let told = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", FULL_DISK, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(
        told.status.success() && text.contains("1 passed"),
        "{text}\n{}",
        String::from_utf8_lossy(&told.stderr)
    );
}

#[tokio::test]
#[ignore = "limits what its process may write; the story above runs it in one of its own"]
async fn in_a_process_of_its_own_the_disk_is_full() {
    if !std::env::args().any(|argument| argument == FULL_DISK) {
        return; // Run together with others, whom the limit would hit.
    }
    let world = World::on_manual_clock().await;
    let callrail = world.simulators().callrail();
    callrail
        .register(&call_id(1), json!({ "recording": null }))
        .unwrap();
    let first = call(&world, 1).await;
    let rows = at_rest(&world).await;
    assert_eq!(rows[0].key.stage, Stage::Recording);

    let disk = Disk::fill();
    for _ in 0..3 {
        assert_put_off(&world.deliver_once("post-call", &body(2)).await);
    }
    // What is due meanwhile is tried in vain, and waits; what is stored can be read.
    callrail
        .register(&call_id(1), json!({ "recording": "kitchen-quote" }))
        .unwrap();
    world.pass(MINUTE);
    try_in_vain(&world, "the relay could not scan for due work", 3).await;
    assert_eq!(listed(&world).await, 1);
    assert_eq!(world.shown(first).await["status"], "processing");
    assert_eq!(counts(&world), (0, 0, 0));
    assert_put_off(&world.deliver_once("post-call", &body(2)).await);

    assert_eq!(
        listed(&world).await,
        1,
        "nothing that was put off is stored"
    );

    disk.make_room();
    let second = world.deliver("post-call", &body(2)).await.request_id();
    for request in [first, second] {
        let view = comes_to(&world, request, Status::Completed).await;
        assert!(view.request.document.transcript.is_some());
    }
    assert_eq!(counts(&world), (2, 2, 2));
    finish_with_nothing_open(world).await;
}

/// A database whose every COMMIT fails that did a certain thing: a row that refers to nothing is seen by COMMIT only.
struct FailingCommits(Connection);

impl FailingCommits {
    fn on(world: &World, event: &str) -> Self {
        let db = open(&world.data_folder().join("pipeline.sqlite3"));
        db.execute_batch(&format!(
            "CREATE TABLE trouble (nobody TEXT REFERENCES tenants (tenant_id) DEFERRABLE INITIALLY DEFERRED); \
             CREATE TRIGGER trouble {event} BEGIN INSERT INTO trouble VALUES ('nobody'); END;"
        ))
        .unwrap();
        Self(db)
    }

    fn end(self) {
        let sql = "DROP TRIGGER trouble; DROP TABLE trouble;";
        self.0.execute_batch(sql).unwrap();
    }
}

fn open(path: &Path) -> Connection {
    let db = Connection::open(path).unwrap();
    db.busy_timeout(PATIENCE).unwrap();
    db
}

#[tokio::test]
async fn a_commit_fails_and_every_sender_in_it_comes_back() {
    let world = World::on_manual_clock().await;
    let known = call(&world, 9).await;
    comes_to(&world, known, Status::Completed).await;

    let failing = FailingCommits::on(&world, "AFTER INSERT ON webhook_events");
    let bodies: Vec<_> = (1..=4).map(body).collect();
    let once = bodies
        .iter()
        .map(|body| world.deliver_once("post-call", body));
    for answer in join_all(once).await {
        assert_put_off(&answer);
    }
    assert_eq!(listed(&world).await, 1);
    failing.end();

    let mut requests: Vec<RequestId> = Vec::new();
    let again = bodies.iter().map(|body| world.deliver("post-call", body));
    for answer in join_all(again).await {
        requests.push(answer.request_id());
    }
    for request in requests {
        comes_to(&world, request, Status::Completed).await;
    }
    assert_eq!(counts(&world), (5, 5, 5));
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn a_commit_fails_after_a_push_and_the_deal_is_there_once() {
    let world = World::on_manual_clock().await;
    let failing = FailingCommits::on(&world, "AFTER INSERT ON crm_integrations");
    let request = call(&world, 1).await;
    // The push is done and cannot be settled, in this claim and in those that follow when its lease has ended.
    try_in_vain(&world, "could not settle a step", 2).await;
    assert_eq!(counts(&world), (1, 1, 0));
    assert_eq!(open_work(&world).await[0].key.stage, Stage::Dispatch);
    failing.end();
    // The last claim's lease ends.
    world.pass(2 * MINUTE);
    comes_to(&world, request, Status::Completed).await;
    assert!(mail(&world, request).text.contains("in HubSpot"));
    assert_eq!(counts(&world), (1, 1, 1));
    assert_eq!(world.simulators().hubspot().associations().len(), 1);
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn a_commit_fails_after_a_mail_and_it_is_not_sent_again() {
    let world = World::on_manual_clock().await;
    let failing = FailingCommits::on(
        &world,
        "AFTER INSERT ON effects WHEN NEW.state = 'done' AND NEW.effect_key LIKE 'email/%'",
    );
    let request = call(&world, 1).await;
    // Neither the answer nor the event can be written down; SendGrid repeats its event.
    try_in_vain(&world, "a delivery could not be stored", 2).await;
    assert_eq!(counts(&world), (1, 1, 1));
    failing.end();
    comes_to(&world, request, Status::Completed).await;
    let shown = world.shown(request).await;
    assert_eq!(shown["notifications"]["messages"][0]["is_sent"], true);
    assert_eq!(counts(&world), (1, 1, 1));
    finish_with_nothing_open(world).await;
}
