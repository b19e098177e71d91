//! Work that stopped is redriven, and work that was done is replayed.

use std::fs;

use domain::{Channel, ParkCause, Stage, Status, TenantId, WorkState};
use pipeline::demo;
use serde_json::json;
use simulators::Fault;
use tests::{Form, World, in_both_forms};

use super::{act, acts, call_of_company, command, counts, delivered, json_of};

in_both_forms![
    stopped_work_is_redriven_one_by_a_filter_and_all,
    many_are_released_and_a_configuration_is_tried,
    a_replay_runs_each_stage_and_repeats_a_mail_on_purpose,
    a_body_of_another_account_stays_parked_when_read_again,
];

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
    assert_eq!(
        (&all["done"], &all["result"]["changed"]),
        (&json!(2), &json!(2))
    );
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
    ];
    let acts = acts(&world, demo::TENANT).await;
    assert_eq!(acts[..2], expected);
    // By filter, in vain, and all.
    let jobs = json_of(&world, &["job", "list"]).await;
    let jobs = jobs["items"].as_array().unwrap().iter().rev();
    let started: Vec<_> = jobs
        .map(|job| act("ann", "job.create", &job["job_id"].as_str().unwrap()))
        .collect();
    assert_eq!(started.len(), 3);
    assert_eq!(acts[2..], started);
    let last = all["job_id"].as_str().unwrap();
    let shown = command(&world, &["job", "show", last]).await.unwrap();
    assert!(
        shown.contains("everything") && shown.contains("2 of 2"),
        "{shown}"
    );
    let late = command(&world, &["job", "cancel", last]).await.unwrap_err();
    assert!(late.contains("done already"), "{late}");
    world.finish().await;
}

async fn many_are_released_and_a_configuration_is_tried(form: Form) {
    let world = World::of(form).await;
    let gemini = world.simulators().gemini();
    gemini.answer_with(json!({ "spam_likelihood": 95 }));
    let mut requests = Vec::new();
    for id in ["CALone", "CALtwo"] {
        let request = delivered(&world, id).await;
        world.becomes(request, Status::Quarantined).await;
        requests.push(request);
    }
    let office = world.store.offices(&demo_tenant()).await.unwrap().remove(0);
    let mut config = office.config.clone();
    config.spam.review_from = 90.0;
    config.spam.quarantine_above = 99.0;
    let file = world.data_folder().join("workflow.json");
    fs::write(&file, serde_json::to_vec(&config).unwrap()).unwrap();
    let (file, office) = (file.to_str().unwrap(), office.id.to_string());
    let trial = ["job", "dry-run", file, "--office", &office, "--days", "90"];
    let tried = command(&world, &trial).await.unwrap();
    for part in [
        "in_review",
        "Would be different",
        "95 %",
        &requests[0].to_string(),
    ] {
        assert!(tried.contains(part), "{part}: {tried}");
    }
    for request in &requests {
        world.becomes(*request, Status::Quarantined).await;
    }
    let which = command(&world, &["quarantine", "release"]).await;
    assert!(which.unwrap_err().contains("--all"));
    let released = command(&world, &["quarantine", "release", "--all"]).await;
    let released = released.unwrap();
    assert!(released.contains("2 requests are released"), "{released}");
    for request in &requests {
        world.becomes(*request, Status::Completed).await;
    }
    let replay = [
        "job",
        "replay",
        "--from-stage",
        "dispatch",
        "--status",
        "completed",
    ];
    let replayed = command(&world, &replay).await.unwrap();
    assert!(replayed.contains("changed   2"), "{replayed}");
    for request in &requests {
        world.becomes(*request, Status::Completed).await;
    }
    world.finish().await;
}

fn demo_tenant() -> TenantId {
    TenantId::new(demo::TENANT).unwrap()
}

async fn a_replay_runs_each_stage_and_repeats_a_mail_on_purpose(form: Form) {
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
    let has = |stage: &Stage| Channel::Phone.position(*stage).is_some();
    for from in Stage::ALL.into_iter().filter(has) {
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
        nowhere.contains("reading, details, documents, recording, transcript"),
        "{nowhere}"
    );
    world.finish().await;
}

async fn a_body_of_another_account_stays_parked_when_read_again(form: Form) {
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
