//! The fleet: six services as processes of their own on Google's emulators. Skipped where these are not installed.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use domain::RequestId;
use pipeline::demo;
use tests::{
    CallBody,
    fleet::{self, Fleet, FleetOptions, StoryOptions, Visitor, read_rows},
    has_emulators, programs,
};

/// Any will do; a fixed one makes two runs alike.
const SEED: u64 = 20_260_317;
/// Longest wait for events to be published. The emulators are slow on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const CALL: &str = "CAL0199f3a1c2d47e5fb8a61234567890ab";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_goes_from_ring_to_crm_across_six_processes() {
    if !has_emulators() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = FleetOptions {
        port: 0,
        programs: programs(),
        ingest: "webhook-ingest",
        settings: Vec::new(),
        simulators: simulators::Config::default(),
    };
    let fleet = Box::pin(Fleet::start(folder.path(), options))
        .await
        .unwrap();
    let processes: BTreeSet<_> = fleet.instances.iter().map(|one| one.process()).collect();
    assert_eq!(processes.len(), 6);

    let visitor = Visitor::of(&fleet).unwrap();
    let body = CallBody::post_call(CALL);
    let request = visitor.deliver("post-call", &body).await.unwrap();
    let shown = visitor.becomes(request, "completed").await.unwrap();
    let turns = shown["transcript"]["turns"].as_array().unwrap();
    let speakers: BTreeSet<_> = turns.iter().map(|turn| turn["speaker"].as_str()).collect();
    assert_eq!(speakers.len(), 2, "{shown}");

    let simulators = &fleet.simulators;
    let (contacts, deals) = (
        simulators.hubspot().contacts(),
        simulators.hubspot().deals(),
    );
    assert_eq!((contacts.len(), deals.len()), (1, 1));
    let mails = simulators.sendgrid().mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].custom_args["request_id"], request.to_string());

    let name = format!("{}/{CALL}.mp3", demo::TENANT);
    let objects = simulators.storage().objects();
    let names: Vec<_> = objects.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(names, [name.as_str()]);
    let recording = simulators
        .storage()
        .content(&objects[0].bucket, &name)
        .await;
    assert_eq!(recording.unwrap().len() as u64, objects[0].size_bytes);
    assert!(objects[0].size_bytes > 1_000, "{objects:?}");

    assert_rows(&fleet, request).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::disallowed_methods,
    reason = "it stands for a person's browser"
)]
async fn a_person_signs_in_at_the_issuer() {
    if !has_emulators() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = FleetOptions {
        port: 0,
        programs: programs(),
        ingest: "webhook-ingest",
        settings: Vec::new(),
        simulators: simulators::Config::default(),
    };
    let fleet = Box::pin(Fleet::start(folder.path(), options))
        .await
        .unwrap();
    let base = fleet.base();
    // A browser, but for following by itself.
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let leads_to = |answer: &reqwest::Response| {
        let location = answer.headers()["location"].to_str().unwrap();
        answer.url().join(location).unwrap()
    };
    let cookies = |answer: &reqwest::Response| {
        let set = answer.headers().get_all("set-cookie").iter();
        let pairs = set.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
        pairs.collect::<Vec<_>>().join("; ")
    };

    let started = http.get(format!("{base}/v1/sign-in/oidc")).send();
    let started = started.await.unwrap();
    assert_eq!(started.status(), 302);
    let (attempt, page) = (cookies(&started), leads_to(&started));
    assert!(
        page.as_str()
            .starts_with(&fleet.simulators.issuer().base_url())
    );
    let shown = http.get(page.clone()).send().await.unwrap();
    assert!(shown.text().await.unwrap().contains("E-mail address"));
    let who = [("email", fleet::PLATFORM_ADMIN)];
    let back = http.post(page).form(&who).send().await.unwrap();
    let back = http.get(leads_to(&back)).header("cookie", attempt).send();
    let back = back.await.unwrap();
    assert_eq!(leads_to(&back).as_str(), format!("{base}/sign-in"));
    let refreshed = http
        .post(format!("{base}/v1/sign-in/refresh"))
        .header("cookie", cookies(&back))
        .header("origin", &base)
        .send();
    let refreshed: serde_json::Value = refreshed.await.unwrap().json().await.unwrap();
    let token = refreshed["token"].as_str().unwrap();
    let me = http.get(format!("{base}/v1/me")).bearer_auth(token).send();
    let me: serde_json::Value = me.await.unwrap().json().await.unwrap();
    assert_eq!(me["email"], fleet::PLATFORM_ADMIN, "{me}");
    assert_eq!(me["product"]["sign_in"], "oidc", "{me}");
    let tenants = http.get(format!("{base}/v1/tenants")).bearer_auth(token);
    assert_eq!(tenants.send().await.unwrap().status(), 200);
}

/// What a plain client of the database sees once a request is completed.
async fn assert_rows(fleet: &Fleet, request: RequestId) {
    let rows = async |sql: &str| read_rows(&fleet.database, sql).await.unwrap();
    let requests = rows("SELECT tenant_id, request_id, status FROM requests").await;
    let columns = |index: usize| -> Vec<String> {
        (0..3)
            .map(|column| requests[index].get(column).unwrap())
            .collect()
    };
    assert_eq!(requests.len(), 1);
    assert_eq!(
        columns(0),
        [demo::TENANT, &request.to_string(), "completed"]
    );
    let events = "SELECT request_id FROM webhook_events WHERE provider = 'callrail'";
    let events = rows(events).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].get::<String>(0).unwrap(), request.to_string());
    assert!(rows("SELECT stage FROM work").await.is_empty());
    let intended = "SELECT effect_key FROM effects WHERE state = 'intended'";
    assert!(rows(intended).await.is_empty());
    // Its events for analytics were committed with it, and leave for their topic.
    let waiting = Instant::now();
    while !rows("SELECT event_id FROM outbox").await.is_empty() {
        assert!(waiting.elapsed() < PATIENCE, "events stay in the outbox");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_each_service_do_everything_once() {
    told(StoryOptions::calm(SEED)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_processes_die_and_the_cloud_hangs() {
    println!("again: cargo run -p tests --bin crash -- --fleet --short --seed {SEED}");
    told(StoryOptions::short(SEED)).await;
}

#[expect(
    clippy::print_stdout,
    reason = "a seed and figures that are worth reading"
)]
async fn told(options: StoryOptions) {
    if !has_emulators() {
        return;
    }
    let programs = programs();
    let story = fleet::tell(&programs, options, &|line| println!("{line}"));
    let outcome = Box::pin(story).await.unwrap();
    println!("{outcome}");
    assert!(outcome.findings.is_empty(), "{outcome}");
}
