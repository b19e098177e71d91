//! HubSpot is busy, out of order, forgetful or strict.

use std::time::Duration;

use domain::{DispatchState, Lane, ParkCause, RequestId, Stage, Status, WorkState};
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulators::{Fault, Received};
use tests::World;

use super::{
    HOUR, MINUTE, at_rest, call, comes_to, counts, finish_with_nothing_open, let_pass, mail,
    outcomes,
};

const TOKEN: &str = "pat-na1-simulated-hubspot-token";
/// Everything that a first push writes, in order.
const WRITES: [&str; 4] = [
    "POST /crm/v3/properties/contacts",
    "contacts/batch/upsert",
    "deals/batch/upsert",
    "/associations/",
];

fn throttled(retry_after_seconds: u64) -> Fault {
    Fault::Answer {
        status: 429,
        retry_after_seconds: Some(retry_after_seconds),
        body: None,
    }
}

/// What HubSpot was asked, in order.
fn asked(world: &World) -> Vec<Received> {
    world.simulators().hubspot().requests()
}

/// How long HubSpot was left alone after it was first asked.
fn first_pause(world: &World) -> SignedDuration {
    let asked = asked(world);
    asked[1].at.duration_since(asked[0].at)
}

/// The only dispatch of a request, as the API shows it.
async fn dispatch(world: &World, request: RequestId) -> Value {
    let shown = world.shown(request).await;
    let dispatches = shown["dispatches"].as_array().unwrap();
    assert_eq!(dispatches.len(), 1, "{shown}");
    dispatches[0].clone()
}

/// How each try of a request ended, in a word.
async fn tries(world: &World, request: RequestId) -> Vec<String> {
    let attempts = world.view(request).await.attempts.into_iter();
    attempts.map(|attempt| attempt.outcome).collect()
}

#[tokio::test]
async fn hubspot_is_throttled_and_the_deal_comes_after_its_pause() {
    let world = World::on_manual_clock().await;
    world.simulators().hubspot().answer_next(throttled(90));
    let request = call(&world, 1).await;
    let rows = at_rest(&world).await;
    assert_eq!(
        (rows[0].key.stage, rows[0].lane),
        (Stage::Dispatch, Lane::Slow)
    );
    // A pause of a minute or more does not keep people waiting.
    let mail = mail(&world, request);
    let warning = "Not in HubSpot yet: the CRM asks us to slow down";
    assert!(mail.text.contains(warning), "{}", mail.text);
    assert_eq!(counts(&world), (0, 0, 1));

    comes_to(&world, request, Status::Completed).await;
    let pause = first_pause(&world).as_secs();
    assert!((90..=180).contains(&pause), "{pause} s");
    assert_eq!(tries(&world, request).await, ["throttled", "done"]);
    let dispatch = dispatch(&world, request).await;
    assert_eq!(dispatch["state"], "done");
    assert_eq!(dispatch["reason"], Value::Null);
    assert_eq!(counts(&world), (1, 1, 1));
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn hubspot_asks_for_a_short_pause_and_the_mail_waits_for_it() {
    let world = World::on_manual_clock().await;
    world.simulators().hubspot().answer_next(throttled(20));
    let request = call(&world, 1).await;
    let rows = at_rest(&world).await;
    assert_eq!(rows[0].lane, Lane::Fast);
    assert_eq!(counts(&world), (0, 0, 0));
    comes_to(&world, request, Status::Completed).await;
    let pause = first_pause(&world).as_secs();
    assert!((20..=55).contains(&pause), "{pause} s");
    let mail = mail(&world, request);
    assert!(mail.text.contains("in HubSpot"), "{}", mail.text);
    assert!(!mail.text.contains("Not in HubSpot"), "{}", mail.text);
    assert_eq!(counts(&world), (1, 1, 1));
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn hubspot_asks_for_four_months_and_is_asked_again_after_a_day() {
    let world = World::on_manual_clock().await;
    world
        .simulators()
        .hubspot()
        .answer_next(throttled(10_000_000));
    let request = call(&world, 1).await;
    comes_to(&world, request, Status::Completed).await;
    let pause = first_pause(&world).as_hours();
    assert!((24..=30).contains(&pause), "{pause} h");
    assert_eq!(counts(&world), (1, 1, 1));
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn hubspot_is_out_for_minutes_and_the_mail_goes_first() {
    let world = World::on_manual_clock().await;
    let hubspot = world.simulators().hubspot();
    hubspot.always(Fault::Status(503));
    let request = call(&world, 1).await;
    let_pass(&world, 2 * MINUTE).await;
    hubspot.clear_faults();
    assert_eq!(counts(&world), (0, 0, 1));
    let shown = world.shown(request).await;
    assert_eq!(shown["status"], "processing");
    assert_eq!(shown["open_work"][0]["lane"], "slow");
    let reason = "the CRM is not available now (status 503)";
    assert_eq!(shown["dispatches"][0]["reason"], reason);

    comes_to(&world, request, Status::Completed).await;
    let first_asked = asked(&world)[0].at;
    let mail = mail(&world, request);
    let told = mail.at.duration_since(first_asked).as_secs();
    assert!(
        (15..=60).contains(&told),
        "told after {told} s: not at the end of the fast lane"
    );
    let warning = format!("Not in HubSpot yet: {reason}");
    assert!(mail.text.contains(&warning), "{}", mail.text);
    let took = world.now().duration_since(first_asked).as_mins();
    assert!((2..=12).contains(&took), "{took} min");
    let tries = tries(&world, request).await;
    let (last, failed) = tries.split_last().unwrap();
    assert_eq!(last, "done");
    assert!(failed.iter().all(|word| word == "unavailable"), "{tries:?}");
    assert_eq!(counts(&world), (1, 1, 1));
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn hubspot_is_out_for_a_day_and_the_deal_comes_with_one_mail() {
    let world = World::on_manual_clock().await;
    let hubspot = world.simulators().hubspot();
    hubspot.always(Fault::Status(503));
    let request = call(&world, 1).await;
    let_pass(&world, 24 * HOUR).await;
    hubspot.clear_faults();
    assert!(
        mail(&world, request)
            .text
            .contains("Not in HubSpot yet: the CRM is not available now")
    );
    assert_eq!(counts(&world), (0, 0, 1));
    let ended = world.now();
    comes_to(&world, request, Status::Completed).await;
    let took = world.now().duration_since(ended).as_hours();
    assert!(took <= 15, "{took} h");
    let tries = tries(&world, request).await;
    assert!((10..=14).contains(&tries.len()), "{tries:?}");
    assert_eq!(dispatch(&world, request).await["state"], "done");
    assert_eq!(counts(&world), (1, 1, 1));
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn hubspot_never_comes_back_and_a_person_is_asked_once() {
    let world = World::on_manual_clock().await;
    world.simulators().hubspot().always(Fault::Status(503));
    let request = call(&world, 1).await;
    let began = world.now();
    let view = comes_to(&world, request, Status::Parked).await;
    assert_eq!(
        view.work[0].state,
        WorkState::Parked {
            cause: ParkCause::Exhausted
        }
    );
    let days = world.now().duration_since(began).as_hours() / 24;
    assert!((2..=3).contains(&days), "{days} days");
    let many = asked(&world).len();
    let_pass(&world, 48 * HOUR).await;
    assert_eq!(asked(&world).len(), many, "nothing is asked any more");
    let shown = world.shown(request).await;
    assert_eq!(shown["open_work"][0]["park_cause"], "exhausted");
    assert_eq!(shown["dispatches"][0]["state"], "parked");
    assert_eq!(counts(&world), (0, 0, 1));
    world.finish().await;
}

#[tokio::test]
async fn hubspots_answers_time_out_and_nothing_is_there_twice() {
    let world = World::on_manual_clock_with([("CRM_TIMEOUT", "1s")]).await;
    lose_every_answer_once(&world, &Fault::TimeoutAfterWrite).await;
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn hubspots_answers_break_off_and_nothing_is_there_twice() {
    let world = World::on_manual_clock().await;
    lose_every_answer_once(&world, &Fault::ResetAfterWrite).await;
    finish_with_nothing_open(world).await;
}

/// Each write of a push is done and its answer lost, one after the other.
async fn lose_every_answer_once(world: &World, fault: &Fault) {
    let hubspot = world.simulators().hubspot();
    for write in WRITES {
        hubspot.answer_next_to(write, fault.clone(), 1);
    }
    let request = call(world, 1).await;
    comes_to(world, request, Status::Completed).await;
    for write in WRITES {
        let lost = asked(world).into_iter().filter(|request| {
            let line = format!("{} {}", request.method, request.path);
            line.contains(write) && request.status.is_none()
        });
        // A busy machine may be too late with an answer of its own accord.
        assert!(lost.count() >= 1, "{write} was not struck");
    }
    assert_eq!(counts(world), (1, 1, 1));
    assert_eq!(hubspot.associations().len(), 1);
    let tries = tries(world, request).await;
    assert_eq!(tries.last().unwrap(), "done");
    let unknown = tries.iter().filter(|word| *word == "outcome_unknown");
    assert!(unknown.count() >= WRITES.len(), "{tries:?}");
    assert_eq!(dispatch(world, request).await["reason"], Value::Null);
}

#[tokio::test]
async fn hubspot_refuses_the_secret_and_leads_wait_for_a_new_one() {
    let world = World::on_manual_clock().await;
    let hubspot = world.simulators().hubspot();
    hubspot.always(Fault::RevokedToken);
    let first = call(&world, 1).await;
    let view = comes_to(&world, first, Status::Held).await;
    let section = view.request.document.dispatches.values().next().unwrap();
    assert_eq!(section.state, DispatchState::Held);
    // What comes meanwhile is held as well, however long that takes, and nobody knocks in between.
    let second = call(&world, 2).await;
    comes_to(&world, second, Status::Held).await;
    let_pass(&world, 48 * HOUR).await;
    assert_eq!(asked(&world).len(), 2, "one question for each lead");
    for request in [first, second] {
        let shown = world.shown(request).await;
        assert_eq!(shown["open_work"][0]["state"], "held");
        assert_eq!(shown["open_work"][0]["held_for"], "hubspot");
        let reason = "the CRM no longer accepts this tenant's credential";
        assert_eq!(shown["dispatches"][0]["reason"], reason);
        assert!(mail(&world, request).text.contains(reason));
    }
    assert_eq!(counts(&world), (0, 0, 2));

    hubspot.clear_faults();
    world.replace_secret("hubspot", TOKEN).await;
    // Whoever replaces a secret hands over what it releases; here it is left to the relay.
    world.pass(MINUTE);
    for request in [first, second] {
        comes_to(&world, request, Status::Completed).await;
        let shown = world.shown(request).await;
        assert_eq!(outcomes(&shown, "dispatch"), ["held", "released", "done"]);
    }
    assert_eq!(counts(&world), (2, 2, 2));
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn hubspot_rejects_a_lead_and_it_is_parked_with_its_reason() {
    let world = World::on_manual_clock().await;
    let words = format!("Deal stage is locked by your admin. {}", "x".repeat(50_000));
    world.simulators().hubspot().answer_next_to(
        "deals/batch/upsert",
        Fault::Answer {
            status: 400,
            retry_after_seconds: None,
            body: Some(
                json!({ "status": "error", "category": "VALIDATION_ERROR", "message": words }),
            ),
        },
        1,
    );
    let request = call(&world, 1).await;
    let view = comes_to(&world, request, Status::Parked).await;
    assert_eq!(
        view.work[0].state,
        WorkState::Parked {
            cause: ParkCause::Permanent
        }
    );
    let shown = world.shown(request).await;
    let reason = "the CRM refused the lead (VALIDATION_ERROR)";
    let work = &shown["open_work"][0];
    assert_eq!(work["reason"], reason);
    for answer in [&work["answer"], &shown["dispatch_attempts"][0]["answer"]] {
        let answer = answer.as_str().unwrap();
        assert!(answer.starts_with("Deal stage is locked by your admin."));
        assert!(answer.chars().count() <= 2_000);
    }
    assert_eq!(shown["dispatches"][0]["state"], "parked");
    assert_eq!(outcomes(&shown, "dispatch"), ["parked"]);
    let mail = mail(&world, request);
    let warning = format!("Not in HubSpot yet: {reason}");
    assert!(mail.text.contains(&warning), "{}", mail.text);
    assert_eq!(counts(&world), (1, 0, 1));
    world.finish().await;
}

#[tokio::test]
async fn hubspot_requires_a_new_field_and_the_next_lead_is_parked() {
    let world = World::on_manual_clock().await;
    let before = call(&world, 1).await;
    comes_to(&world, before, Status::Completed).await;
    let_pass(&world, 12 * HOUR).await;
    world.simulators().hubspot().always_to(
        "objects/deals",
        Fault::MissingField {
            property: "budget_approved_by".to_owned(),
        },
    );
    let after = call(&world, 2).await;
    comes_to(&world, after, Status::Parked).await;
    let shown = world.shown(after).await;
    let work = &shown["open_work"][0];
    assert_eq!(work["park_cause"], "permanent");
    assert_eq!(
        work["reason"],
        "the CRM requires the field `budget_approved_by`, which the lead does not have \
         (MISSING_REQUIRED_PROPERTY)"
    );
    assert_eq!(
        work["answer"],
        "Required property \"budget_approved_by\" was not set"
    );
    assert!(mail(&world, after).text.contains("`budget_approved_by`"));
    // Not tried again by itself, and the lead of the day before is as it was.
    let_pass(&world, Duration::from_secs(3_600)).await;
    assert_eq!(tries(&world, after).await, ["required"]);
    assert_eq!(world.shown(before).await["status"], "completed");
    assert_eq!(counts(&world), (2, 1, 2));
    world.finish().await;
}
