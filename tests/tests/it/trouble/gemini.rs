//! Gemini is busy, talks nonsense, or refuses to answer.

use domain::{Engine, RequestId, SpamGate, Status};
use serde_json::{Value, json};
use simulators::Fault;
use tests::World;

use super::{call, comes_to, counts, finish_with_nothing_open, mail, outcomes};

/// A lead that our own rules have judged: as fast as it is marked.
async fn assert_judged_by_rules(world: &World, request: RequestId) {
    let view = comes_to(world, request, Status::Completed).await;
    let analysis = view.request.document.analysis.unwrap();
    assert!(
        matches!(analysis.engine, Engine::Rules(_)),
        "{:?}",
        analysis.engine
    );
    assert_eq!(analysis.project_type.as_str(), "kitchen");
    let shown = world.shown(request).await;
    assert_eq!(shown["analysis"]["engine"], "rules");
    assert_eq!(shown["flags"], json!(["analyzed_by_rules"]));
    let mail = mail(world, request);
    let warning = "Judged by word rules, because no model was available.";
    assert!(mail.text.contains(warning), "{}", mail.text);
    assert_eq!(counts(world), (1, 1, 1));
}

async fn assert_judged_by_model(world: &World, request: RequestId) -> Value {
    comes_to(world, request, Status::Completed).await;
    let shown = world.shown(request).await;
    assert_eq!(shown["analysis"]["engine"], "model");
    assert_eq!(shown["flags"], json!([]));
    assert!(!mail(world, request).text.contains("Judged by word rules"));
    assert_eq!(counts(world), (1, 1, 1));
    shown
}

/// How often any model was asked.
fn asked(world: &World) -> usize {
    world.simulators().gemini().requests().len()
}

/// The seconds from the first question to a model to the mail.
fn seconds_to_mail(world: &World, request: RequestId) -> i64 {
    let first = world.simulators().gemini().requests()[0].at;
    mail(world, request).at.duration_since(first).as_secs()
}

#[tokio::test]
async fn gemini_is_busy_for_a_moment_and_judges_at_the_second_try() {
    let world = World::on_manual_clock().await;
    // Both models of the list.
    world
        .simulators()
        .gemini()
        .answer_next_to("generateContent", Fault::RateLimit, 2);
    let request = call(&world, 1).await;
    let shown = assert_judged_by_model(&world, request).await;
    assert_eq!(outcomes(&shown, "analysis"), ["retry", "done"]);
    assert_eq!(asked(&world), 3);
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn gemini_is_throttled_all_day_and_our_rules_judge() {
    let world = World::on_manual_clock().await;
    world.simulators().gemini().always(Fault::RateLimit);
    let request = call(&world, 1).await;
    assert_judged_by_rules(&world, request).await;
    assert_eq!(asked(&world), 4, "two tries of two models");
    let waited = seconds_to_mail(&world, request);
    assert!(waited <= 60, "{waited} s");
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn gemini_asks_for_an_hour_and_the_lead_does_not_wait_for_it() {
    let world = World::on_manual_clock().await;
    world.simulators().gemini().always(Fault::Answer {
        status: 429,
        retry_after_seconds: Some(3_600),
        body: None,
    });
    let request = call(&world, 1).await;
    assert_judged_by_rules(&world, request).await;
    assert_eq!(asked(&world), 2, "each model once");
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn gemini_is_out_and_our_rules_judge_and_say_so() {
    let world = World::on_manual_clock().await;
    world.simulators().gemini().always(Fault::Status(503));
    let request = call(&world, 1).await;
    assert_judged_by_rules(&world, request).await;
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn gemini_breaks_off_its_json_once_and_is_asked_again_at_once() {
    let world = World::on_manual_clock().await;
    world.simulators().gemini().answer_next(Fault::Malformed);
    let request = call(&world, 1).await;
    let shown = assert_judged_by_model(&world, request).await;
    assert_eq!(outcomes(&shown, "analysis"), ["done"]);
    assert_eq!(asked(&world), 2);
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn gemini_only_sends_broken_json_and_our_rules_judge() {
    let world = World::on_manual_clock().await;
    world.simulators().gemini().always(Fault::Malformed);
    let request = call(&world, 1).await;
    assert_judged_by_rules(&world, request).await;
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn gemini_blocks_a_conversation_and_a_person_decides() {
    let withheld = Fault::Answer {
        status: 200,
        retry_after_seconds: None,
        body: Some(json!({ "candidates": [{ "finishReason": "SAFETY" }] })),
    };
    for fault in [Fault::Blocked, withheld] {
        let world = World::on_manual_clock().await;
        world.simulators().gemini().answer_next(fault.clone());
        let request = call(&world, 1).await;
        let view = comes_to(&world, request, Status::InReview).await;
        let qualification = view.request.document.qualification.unwrap();
        assert_eq!(qualification.gate, SpamGate::Review, "{fault:?}");
        let shown = world.shown(request).await;
        assert_eq!(shown["analysis"]["engine"], "rules");
        assert_eq!(shown["analysis"]["is_blocked"], true);
        assert_eq!(shown["analysis"]["project_type"], "kitchen");
        assert_eq!(asked(&world), 1, "asking again does not help");
        assert_eq!(counts(&world), (0, 0, 0));
        assert!(world.simulators().hubspot().requests().is_empty());
        finish_with_nothing_open(world).await;
    }
}

#[tokio::test]
async fn gemini_exaggerates_and_what_is_kept_stays_within_bounds() {
    let world = World::on_manual_clock().await;
    world.simulators().gemini().answer_with(json!({
        "lead_score": 100, "confidence": 1, "spam_likelihood": 0, "summary": "é".repeat(3_000),
    }));
    let request = call(&world, 1).await;
    let shown = assert_judged_by_model(&world, request).await;
    let analysis = &shown["analysis"];
    assert_eq!(analysis["lead_score"], 100);
    assert_eq!(analysis["confidence"], 1.0);
    assert_eq!(analysis["spam_likelihood"], 0.0);
    let summary = analysis["summary"].as_str().unwrap().chars().count();
    assert_eq!(summary, 1_000, "characters");
    finish_with_nothing_open(world).await;
}

#[tokio::test]
async fn gemini_leaves_the_schema_and_our_rules_judge_and_say_so() {
    for outside in [
        json!({ "intent": "BUY_CRYPTO" }),
        json!({ "project_type": null }),
        json!({ "lead_score": "very high" }),
        json!({ "reasons": "many" }),
    ] {
        let world = World::on_manual_clock().await;
        world.simulators().gemini().answer_with(outside);
        let request = call(&world, 1).await;
        assert_judged_by_rules(&world, request).await;
        assert_eq!(asked(&world), 2, "one try more, and no third");
        finish_with_nothing_open(world).await;
    }
}

#[tokio::test]
async fn gemini_sends_impossible_numbers_and_our_rules_judge() {
    for outside in [
        json!({ "spam_likelihood": 400 }),
        json!({ "spam_likelihood": -20 }),
        json!({ "lead_score": -1 }),
        json!({ "confidence": 85 }),
        json!({ "summary": "kitchen ".repeat(300) }),
    ] {
        let world = World::on_manual_clock().await;
        world.simulators().gemini().answer_with(outside);
        let request = call(&world, 1).await;
        assert_judged_by_rules(&world, request).await;
        finish_with_nothing_open(world).await;
    }
}
