//! Calls, from ring to CRM.

use std::time::Duration;

use domain::{Audio, NoAudio, RequestId, Status};
use futures::future::join_all;
use pipeline::demo;
use serde_json::{Value, json};
use tests::{
    Answer, CallBody, Form, World, brief, form_encoded, in_both_forms, sha1_signature,
    sha256_signature,
};

const CALL: &str = "CAL0199f3a1c2d47e5fb8a61234567890ab";
const OTHER_CALL: &str = "CAL0199f3a1c2d47e5fb8a61234567890cd";
const SAMPLE: &[u8] =
    include_bytes!("../../../crates/simulators/src/callrail/samples/post-call.json");
const MODIFIED: &[u8] =
    include_bytes!("../../../crates/simulators/src/callrail/samples/call-modified.json");
/// What CallRail sends as `Signature` of the documented sample.
const SAMPLE_SIGNATURE: &str = "gTeU+aZD12v9M8MNfSx4VDPTH10=";
const SHARED_URL: &str = "/v1/callrail/webhook";

in_both_forms![
    a_documented_call_becomes_a_lead_in_the_crm_and_a_mail,
    the_briefs_call_is_taken_as_json_and_as_a_form,
    a_hundred_equal_deliveries_at_once_make_one_request,
    two_calls_of_one_person_are_one_contact_with_two_deals,
    a_late_edit_shows_in_the_same_deal_and_tells_nobody_again,
    a_call_of_a_minute_and_more_is_transcribed_in_a_batch,
    spam_is_quarantined_and_the_crm_sees_nothing,
    what_may_be_spam_waits_for_a_person,
    a_project_outside_the_area_goes_no_further,
    a_project_whose_place_is_unknown_is_dispatched_and_flagged,
    hostile_names_do_no_harm_in_mail_and_crm,
    a_second_start_finds_its_data_again,
    the_form_that_was_seen_in_the_wild_is_taken,
];

async fn post_sample(world: &World) -> Answer {
    let headers = [
        ("content-type", "application/json"),
        ("Signature", SAMPLE_SIGNATURE),
    ];
    world.post(SHARED_URL, &headers, SAMPLE).await
}

fn counts(world: &World) -> (usize, usize, usize) {
    let simulators = world.simulators();
    (
        simulators.hubspot().contacts().len(),
        simulators.hubspot().deals().len(),
        simulators.sendgrid().mails().len(),
    )
}

/// The deal of a request, as the CRM has it.
fn deal(world: &World, request: RequestId) -> Value {
    let view = serde_json::to_value(world.simulators().hubspot().deals()).unwrap();
    let deals = view.as_array().unwrap();
    deals
        .iter()
        .find(|deal| deal["properties"]["deal_external_id"] == json!(request.to_string()))
        .unwrap_or_else(|| panic!("no deal of {request} in {view}"))
        .clone()
}

async fn a_documented_call_becomes_a_lead_in_the_crm_and_a_mail(form: Form) {
    let world = World::of(form).await;
    let request = post_sample(&world).await.request_id();
    world.becomes(request, Status::Completed).await;

    let shown = world.shown(request).await;
    let turns = shown["transcript"]["turns"].as_array().unwrap();
    let speakers: std::collections::BTreeSet<_> = turns
        .iter()
        .map(|turn| turn["speaker"].as_str().unwrap())
        .collect();
    assert_eq!(speakers.len(), 2, "{shown}");
    assert!(
        shown["analysis"]["lead_score"].as_u64().unwrap() > 0,
        "{shown}"
    );
    assert_eq!(counts(&world), (1, 1, 1));
    let mail = &world.simulators().sendgrid().mails()[0];
    assert!(format!("{mail:?}").contains(demo::MAIL_TO));

    let stages: Vec<_> = shown["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["outcome"] == "done")
        .map(|entry| entry["stage"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        stages,
        [
            "details",
            "recording",
            "transcript",
            "analysis",
            "dispatch",
            "notification"
        ]
    );
    let terminal = world
        .view(request)
        .await
        .timeline
        .iter()
        .filter(|entry| entry.outcome == "completed")
        .count();
    assert_eq!(terminal, 1);
    assert_eq!(world.recordings(), [format!("{}/{CALL}.mp3", demo::TENANT)]);
    world.finish().await;
}

async fn the_briefs_call_is_taken_as_json_and_as_a_form(form: Form) {
    let world = World::of(form).await;
    let json = include_bytes!("fixtures/brief.json").to_vec();
    let form = form_encoded(&brief("CAL987654321"));
    for (content_type, body) in [
        ("application/json", json),
        ("application/x-www-form-urlencoded", form),
    ] {
        let signature = sha256_signature(simulators::callrail::SIGNING_KEY, &body);
        let headers = [
            ("content-type", content_type),
            ("x-callrail-signature", &signature),
        ];
        let request = world.post(SHARED_URL, &headers, body).await.request_id();
        let view = world.becomes(request, Status::Completed).await;
        let contact = &view.request.document.contact;
        assert_eq!(
            contact.phone.as_ref().map(domain::E164::as_str),
            Some("+15551234567")
        );
        let facts = view.request.document.facts();
        assert_eq!(facts.about.call().unwrap().duration_seconds, Some(180));
        assert!(matches!(
            view.request.document.recording.unwrap().audio,
            Audio::Stored { .. }
        ));
    }
    // One caller, two calls.
    assert_eq!(counts(&world), (1, 2, 2));
    world.finish().await;
}

async fn a_hundred_equal_deliveries_at_once_make_one_request(form: Form) {
    let world = World::of(form).await;
    let answers = join_all((0..100).map(|_| post_sample(&world))).await;
    let ids: std::collections::BTreeSet<_> = answers.iter().map(Answer::request_id).collect();
    assert_eq!(ids.len(), 1);
    let repeats = answers
        .iter()
        .filter(|answer| answer.body["duplicate"] == json!(true))
        .count();
    // An answer that came too late was 503, and what is sent again is a repeat.
    assert!(repeats >= 99, "{repeats}");
    world
        .becomes(*ids.first().unwrap(), Status::Completed)
        .await;
    assert_eq!(counts(&world), (1, 1, 1));
    world.finish().await;
}

async fn two_calls_of_one_person_are_one_contact_with_two_deals(form: Form) {
    let world = World::of(form).await;
    for call in [CALL, OTHER_CALL] {
        let request = world
            .deliver("post-call", &CallBody::post_call(call))
            .await
            .request_id();
        world.becomes(request, Status::Completed).await;
    }
    assert_eq!(counts(&world), (1, 2, 2));
    world.finish().await;
}

async fn a_late_edit_shows_in_the_same_deal_and_tells_nobody_again(form: Form) {
    let world = World::of(form).await;
    let request = post_sample(&world).await.request_id();
    world.becomes(request, Status::Completed).await;
    let before = deal(&world, request);

    let headers = [
        ("content-type", "application/json"),
        ("Signature", "7WmCbixUkcS/WJtIQ8XRx0e8nzY="),
    ];
    let edited = world.post(SHARED_URL, &headers, MODIFIED).await;
    assert_eq!(edited.request_id(), request);
    world
        .eventually("the deal shows the new tag", async || {
            deal(&world, request)
                .to_string()
                .contains("estimate-booked")
        })
        .await;
    world.becomes(request, Status::Completed).await;
    assert_eq!(deal(&world, request)["id"], before["id"]);
    assert_eq!(counts(&world), (1, 1, 1));
    world.finish().await;
}

async fn a_call_of_a_minute_and_more_is_transcribed_in_a_batch(form: Form) {
    let world = World::of(form).await;
    world
        .simulators()
        .speech()
        .set_operation_delay(Duration::from_millis(300));
    world
        .simulators()
        .callrail()
        .register(CALL, json!({ "recording": "long-call" }))
        .unwrap();
    let request = post_sample(&world).await.request_id();
    let view = world.becomes(request, Status::Completed).await;
    assert!(view.request.document.transcript.unwrap().turns.len() > 1);
    assert_eq!(world.simulators().speech().operations().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_recording_that_comes_late_is_waited_for() {
    let world = World::on_manual_clock().await;
    world
        .simulators()
        .callrail()
        .register(CALL, json!({ "recording": null }))
        .unwrap();
    let request = post_sample(&world).await.request_id();
    world
        .eventually("the recording is waited for", async || {
            world
                .view(request)
                .await
                .work
                .iter()
                .any(|row| row.waits == 1)
        })
        .await;
    world
        .simulators()
        .callrail()
        .register(CALL, json!({ "recording": "kitchen-quote" }))
        .unwrap();
    world.pass(Duration::from_secs(31));
    let view = world.becomes(request, Status::Completed).await;
    assert!(matches!(
        view.request.document.recording.unwrap().audio,
        Audio::Stored { .. }
    ));
    assert!(view.request.document.transcript.is_some());
    world.finish().await;
}

#[tokio::test]
async fn a_recording_that_never_comes_does_not_keep_the_lead() {
    let world = World::on_manual_clock().await;
    world
        .simulators()
        .callrail()
        .register(CALL, json!({ "recording": null }))
        .unwrap();
    let request = post_sample(&world).await.request_id();
    for (waits, pause) in [30, 60, 120, 300, 600, 1200].into_iter().enumerate() {
        let what = format!("the recording was looked for {} times", waits + 1);
        world
            .eventually(&what, async || {
                world
                    .view(request)
                    .await
                    .work
                    .iter()
                    .any(|row| row.waits as usize == waits + 1)
            })
            .await;
        world.pass(Duration::from_secs(pause));
    }
    let view = world.becomes(request, Status::Completed).await;
    assert_eq!(
        view.request.document.recording.unwrap().audio,
        Audio::Absent {
            reason: NoAudio::NeverArrived
        }
    );
    assert_eq!(counts(&world), (1, 1, 1));
    world.finish().await;
}

async fn spam_is_quarantined_and_the_crm_sees_nothing(form: Form) {
    let world = World::of(form).await;
    world
        .simulators()
        .gemini()
        .answer_with(json!({ "spam_likelihood": 90 }));
    let request = post_sample(&world).await.request_id();
    world.becomes(request, Status::Quarantined).await;
    assert_eq!(counts(&world), (0, 0, 0));
    assert!(world.simulators().hubspot().requests().is_empty());
    world.finish().await;
}

async fn what_may_be_spam_waits_for_a_person(form: Form) {
    let world = World::of(form).await;
    world
        .simulators()
        .gemini()
        .answer_with(json!({ "spam_likelihood": 60 }));
    let request = post_sample(&world).await.request_id();
    world.becomes(request, Status::InReview).await;
    assert_eq!(counts(&world), (0, 0, 0));
    world.finish().await;
}

async fn a_project_outside_the_area_goes_no_further(form: Form) {
    let world = World::of(form).await;
    world
        .simulators()
        .callrail()
        .register(CALL, json!({ "recording": "out-of-area" }))
        .unwrap();
    let request = post_sample(&world).await.request_id();
    world.becomes(request, Status::OutOfArea).await;
    assert_eq!(counts(&world), (0, 0, 0));
    world.finish().await;
}

async fn a_project_whose_place_is_unknown_is_dispatched_and_flagged(form: Form) {
    let world = World::of(form).await;
    world
        .simulators()
        .callrail()
        .register(CALL, json!({ "recording": "no-place" }))
        .unwrap();
    let body = CallBody::post_call(CALL)
        .with("customer_city", json!("Rochester"))
        .with("customer_state", json!("PA"));
    let request = world.deliver("post-call", &body).await.request_id();
    let view = world.becomes(request, Status::Completed).await;
    assert_eq!(
        view.request.document.qualification.unwrap().area,
        domain::AreaVerdict::Unknown
    );
    assert!(
        deal(&world, request)
            .to_string()
            .to_lowercase()
            .contains("area"),
        "the CRM is told"
    );
    assert_eq!(counts(&world), (1, 1, 1));
    world.finish().await;
}

async fn hostile_names_do_no_harm_in_mail_and_crm(form: Form) {
    let world = World::of(form).await;
    let names = [
        "<script>alert(1)</script>".to_owned(),
        "=cmd()|' /C calc'!A0".to_owned(),
        "A".repeat(10 * 1024),
    ];
    for (number, name) in names.iter().enumerate() {
        let body = CallBody::post_call(&format!("CALhostile{number}"))
            .with("customer_name", json!(name))
            .with(
                "customer_phone_number",
                json!(format!("+1512555018{number}")),
            );
        let request = world.deliver("post-call", &body).await.request_id();
        world.becomes(request, Status::Completed).await;
    }
    assert_eq!(counts(&world), (3, 3, 3));
    for mail in world.simulators().sendgrid().mails() {
        assert!(!mail.html.contains("<script"), "{}", mail.html);
        assert!(
            !mail.subject.contains(['\r', '\n']) && mail.subject.chars().count() <= 200,
            "{}",
            mail.subject
        );
    }
    let contacts = serde_json::to_string(&world.simulators().hubspot().contacts()).unwrap();
    assert!(
        !contacts.contains("\"=cmd"),
        "a formula reached the CRM: {contacts}"
    );
    assert!(contacts.len() < 10_000, "a long name reached the CRM whole");
    world.finish().await;
}

async fn a_second_start_finds_its_data_again(form: Form) {
    let world = World::of(form).await;
    let request = post_sample(&world).await.request_id();
    world.becomes(request, Status::Completed).await;
    let world = world.restart().await;
    assert_eq!(world.view(request).await.request.status, Status::Completed);
    assert_eq!(post_sample(&world).await.body["duplicate"], json!(true));
    world.finish().await;
}

async fn the_form_that_was_seen_in_the_wild_is_taken(form: Form) {
    let world = World::of(form).await;
    let body = CallBody::post_call(CALL).form();
    let signature = sha1_signature(simulators::callrail::SIGNING_KEY, &body);
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("signature", &signature),
    ];
    let request = world.post(SHARED_URL, &headers, body).await.request_id();
    world.becomes(request, Status::Completed).await;
    assert_eq!(counts(&world), (1, 1, 1));
    world.finish().await;
}
