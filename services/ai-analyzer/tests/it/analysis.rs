//! From a conversation to where the request goes.

use std::time::Duration;

use domain::{
    About, AreaBasis, AreaVerdict, Budget, CallFacts, Channel, Disposition, Engine, FormFacts,
    Intent, PostalCode, ProjectType, RetryPolicy, Section, ServiceArea, SpamGate, Stage, Timeline,
    WorkflowConfig,
};
use google::GeminiConfig;
use serde_json::json;
use simulators::{Fault, GOOGLE_TOKEN};

use testkit::lead;

use crate::world::{World, call, job, job_with, script, spoken, usage, written};

const MODEL: &str = "gemini-3.5-flash-lite";
const RULES: &str = "rules-3";

fn rules() -> Engine {
    Engine::Rules(RULES.to_owned())
}

fn austin() -> WorkflowConfig {
    let service_area = ServiceArea {
        postal_codes: vec!["786xx".into(), "787xx".into()],
        ..ServiceArea::default()
    };
    WorkflowConfig {
        service_area,
        ..WorkflowConfig::default()
    }
}

#[tokio::test]
async fn a_kitchen_lead_is_judged_by_the_model_and_qualified() {
    let world = World::start().await;
    let job = job_with(call(script("kitchen-quote")), 0, austin());
    let judged = world.judge(&job).await;

    let analysis = judged.analysis();
    assert_eq!(analysis.engine, Engine::Model(MODEL.to_owned()));
    assert_eq!(analysis.revision, 3);
    assert_eq!(
        (analysis.intent, analysis.project_type),
        (Intent::Quote, ProjectType::Kitchen)
    );
    assert_eq!(analysis.timeline, Timeline::OneToThreeMonths);
    assert_eq!(
        analysis.postal_code.as_ref().map(|code| code.as_str()),
        Some("78664")
    );
    assert!(
        analysis.lead_score >= 50 && analysis.spam_likelihood < 50.0,
        "{analysis:?}"
    );
    assert!(!analysis.reasons.is_empty() && !analysis.is_blocked);
    let turns = script("kitchen-quote");
    assert!(
        analysis
            .reasons
            .iter()
            .all(|reason| turns.iter().any(|turn| turn.text.contains(&reason.quote)))
    );

    let qualification = &judged.qualification;
    assert_eq!(
        (qualification.revision, qualification.config_version),
        (5, 9)
    );
    assert_eq!(
        (qualification.gate, qualification.area),
        (SpamGate::Pass, AreaVerdict::In(AreaBasis::PostalCode))
    );
    let tokens = analysis.tokens;
    assert_eq!(
        usage(&job),
        [
            (
                MODEL.to_owned(),
                "model_prompt_tokens".to_owned(),
                u64::from(tokens.prompt)
            ),
            (
                MODEL.to_owned(),
                "model_output_tokens".to_owned(),
                u64::from(tokens.output)
            ),
        ]
    );
}

#[tokio::test]
async fn policy_and_data_travel_apart() {
    let world = World::start().await;
    world.judge(&job(call(script("kitchen-quote")), 0)).await;
    let request = world.simulators.gemini().requests().remove(0);
    let system = request.body["systemInstruction"].to_string();
    let user = request.body["contents"].to_string();
    assert!(user.contains("quartz countertops") && user.contains("Dana Whitfield"));
    assert!(!system.contains("quartz") && !system.contains("Dana"));
    assert_eq!(
        request.body["labels"],
        json!({ "stage": "analysis", "tenant": "tenant_demo" })
    );
    assert!(request.body["generationConfig"]["temperature"].is_null());
}

#[tokio::test]
async fn spam_and_doubtful_calls_are_withheld() {
    let world = World::start().await;
    for (name, gate) in [
        ("spam-robocall", SpamGate::Quarantine),
        ("unsure-pitch", SpamGate::Review),
    ] {
        let by_model = world.judge(&job(call(script(name)), 0)).await;
        assert_eq!(by_model.qualification.gate, gate, "{name} by the model");
    }
    world.simulators.gemini().always(Fault::Status(503));
    for (name, gate) in [
        ("spam-robocall", SpamGate::Quarantine),
        ("unsure-pitch", SpamGate::Review),
    ] {
        let by_rules = world.judge(&job(call(script(name)), 1)).await;
        assert_eq!(by_rules.qualification.gate, gate, "{name} by the rules");
    }
}

#[tokio::test]
async fn a_stored_analysis_is_kept_and_qualified_again() {
    let world = World::start().await;
    let mut document = call(script("kitchen-quote"));
    let mut stored = world
        .judge(&job(document.clone(), 0))
        .await
        .analysis()
        .clone();
    stored.postal_code = Some(PostalCode::parse("75201").unwrap());
    document.analysis = Some(stored);
    let judged = world.judge(&job_with(document, 0, austin())).await;
    assert_eq!(judged.analysis, None);
    assert_eq!(
        judged.qualification.area,
        AreaVerdict::Out(AreaBasis::PostalCode)
    );
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn an_outdated_analysis_is_made_again() {
    let world = World::start().await;
    let mut document = call(script("kitchen-quote"));
    let stored = world
        .judge(&job(document.clone(), 0))
        .await
        .analysis()
        .clone();
    document.analysis = Some(stored);
    document.revisions.raise(Stage::Analysis);
    let judged = world.judge(&job(document, 0)).await;
    assert_eq!(judged.analysis().revision, 4);
}

#[tokio::test]
async fn a_call_without_words_is_judged_without_the_model() {
    let world = World::start().await;
    let mut document = call(Vec::new());
    let silent = world.judge(&job(document.clone(), 0)).await;
    document.transcript = None;
    document.source.said.about = About::Phone(CallFacts {
        is_answered: Some(false),
        ..CallFacts::default()
    });
    let missed = world.judge(&job(document, 0)).await;
    for judged in [&silent, &missed] {
        assert_eq!(
            (&judged.analysis().engine, judged.qualification.gate),
            (&rules(), SpamGate::Pass)
        );
        assert_eq!(judged.analysis().revision, 3);
    }
    assert!(missed.analysis().summary.starts_with("Missed call."));
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn a_note_alone_is_worth_a_question() {
    let world = World::start().await;
    let mut document = call(Vec::new());
    document.source.said.labels.note = Some("Wants a quote for a new deck.".into());
    let judged = world.judge(&job(document, 0)).await;
    assert_eq!(judged.analysis().project_type, ProjectType::Outdoor);
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn a_failing_model_is_tried_twice_then_the_rules_fill_in() {
    let world = World::start().await;
    for fault in [
        Fault::RateLimit,
        Fault::Status(500),
        Fault::ResetAfterWrite,
        Fault::Malformed,
        Fault::OutsideSchema,
    ] {
        world.simulators.gemini().always(fault.clone());
        let error = world
            .handle(&job(call(script("kitchen-quote")), 0))
            .await
            .unwrap_err();
        assert_eq!(
            error.disposition,
            Disposition::Retry { after: None },
            "{fault:?}: {error}"
        );
        let judged = world.judge(&job(call(script("kitchen-quote")), 1)).await;
        assert_eq!(judged.analysis().engine, rules(), "{fault:?}");
        assert!(!judged.analysis().is_blocked);
        world.simulators.gemini().clear_faults();
    }
}

#[tokio::test]
async fn a_lead_does_not_wait_long_for_a_model() {
    let world = World::start().await;
    let slow_down = |seconds| Fault::Answer {
        status: 429,
        retry_after_seconds: Some(seconds),
        body: None,
    };
    world.simulators.gemini().always(slow_down(600));
    assert_eq!(
        world
            .judge(&job(call(script("kitchen-quote")), 0))
            .await
            .analysis()
            .engine,
        rules()
    );
    world.simulators.gemini().clear_faults();
    world.simulators.gemini().always(slow_down(2));
    let error = world
        .handle(&job(call(script("kitchen-quote")), 0))
        .await
        .unwrap_err();
    assert_eq!(
        error.disposition,
        Disposition::Retry {
            after: Some(Duration::from_secs(2))
        }
    );
    let retry = RetryPolicy {
        fast_ms: Vec::new(),
        ..RetryPolicy::default()
    };
    let hasty = WorkflowConfig {
        retry,
        ..WorkflowConfig::default()
    };
    let judged = world
        .judge(&job_with(call(script("kitchen-quote")), 0, hasty))
        .await;
    assert_eq!(
        judged.analysis().engine,
        rules(),
        "without a fast lane the next try would come too late"
    );
}

#[tokio::test]
async fn what_an_operator_must_fix_loses_no_lead() {
    let models = |models: &[&str]| {
        let models = models.iter().map(|model| (*model).to_owned()).collect();
        move |config| GeminiConfig { models, ..config }
    };
    for world in [
        World::start_with(models(&["gemini-2.5-flash"]), GOOGLE_TOKEN).await,
        World::start_with(models(&[MODEL]), "revoked").await,
    ] {
        let judged = world.judge(&job(call(script("kitchen-quote")), 0)).await;
        assert_eq!(judged.analysis().engine, rules());
        assert_eq!(judged.qualification.gate, SpamGate::Pass);
    }
}

#[tokio::test]
async fn what_the_model_refuses_for_safety_is_for_a_person() {
    let world = World::start().await;
    world.simulators.gemini().answer_next(Fault::Blocked);
    let job = job(call(script("kitchen-quote")), 0);
    let judged = world.judge(&job).await;
    let analysis = judged.analysis();
    assert!(analysis.is_blocked);
    assert_eq!(
        (&analysis.engine, judged.qualification.gate),
        (&rules(), SpamGate::Review)
    );
    assert!(analysis.tokens.prompt > 0 && analysis.spam_likelihood < 50.0);
    assert_eq!(usage(&job).len(), 1, "the prompt is billed");
}

#[tokio::test]
async fn tokens_of_a_useless_answer_are_recorded_too() {
    let world = World::start().await;
    world.simulators.gemini().always(Fault::OutsideSchema);
    let job = job(call(script("kitchen-quote")), 0);
    assert!(world.handle(&job).await.is_err());
    assert_eq!(usage(&job).len(), 2);
}

#[tokio::test]
async fn a_zip_code_that_nobody_said_does_not_count() {
    let world = World::start().await;
    world
        .simulators
        .gemini()
        .answer_with(json!({ "postal_code": "10001" }));
    let judged = world
        .judge(&job_with(call(script("no-place")), 0, austin()))
        .await;
    assert_eq!(judged.analysis().postal_code, None);
    assert_eq!(judged.qualification.area, AreaVerdict::Unknown);
}

#[tokio::test]
async fn the_rules_understand_the_recordings() {
    let world = World::start().await;
    world.simulators.gemini().always(Fault::Status(503));
    for (name, project, timeline, budget, code, least_score) in [
        (
            "kitchen-quote",
            ProjectType::Kitchen,
            Timeline::OneToThreeMonths,
            Budget::Medium,
            Some("78664"),
            80,
        ),
        (
            "bathroom-leak",
            ProjectType::Bathroom,
            Timeline::Immediate,
            Budget::Medium,
            Some("78704"),
            70,
        ),
        (
            "long-call",
            ProjectType::Kitchen,
            Timeline::ThreeToSixMonths,
            Budget::High,
            Some("78613"),
            70,
        ),
        (
            "whole-home",
            ProjectType::WholeHome,
            Timeline::SixMonthsPlus,
            Budget::High,
            Some("78730"),
            60,
        ),
        (
            "out-of-area",
            ProjectType::Kitchen,
            Timeline::ThreeToSixMonths,
            Budget::High,
            Some("75201"),
            60,
        ),
        (
            "no-place",
            ProjectType::Outdoor,
            Timeline::ThreeToSixMonths,
            Budget::Medium,
            None,
            60,
        ),
    ] {
        let judged = world.judge(&job(call(script(name)), 1)).await;
        let analysis = judged.analysis();
        assert_eq!(
            (analysis.project_type, analysis.timeline),
            (project, timeline),
            "{name}"
        );
        assert_eq!(
            (
                analysis.budget,
                analysis.postal_code.as_ref().map(|it| it.as_str())
            ),
            (budget, code),
            "{name}"
        );
        assert!(
            analysis.lead_score >= least_score,
            "{name}: {}",
            analysis.lead_score
        );
        assert_eq!(judged.qualification.gate, SpamGate::Pass, "{name}");
        assert!(analysis.confidence <= 0.3);
    }
}

#[tokio::test]
async fn the_same_call_is_judged_the_same_by_the_rules() {
    let world = World::start().await;
    world.simulators.gemini().always(Fault::Status(503));
    let mut turns = script("long-call");
    turns.push(spoken("2", "It’s café-style, “très chic” 😀 — 78613‑ish."));
    let first = world.handle(&job(call(turns.clone()), 1)).await.unwrap();
    let second = world.handle(&job(call(turns), 1)).await.unwrap();
    assert_eq!(first, second);
    let domain::Outcome::Done { sections, .. } = first else {
        panic!("not done")
    };
    assert!(matches!(
        sections.as_slice(),
        [Section::Analysis(_), Section::Qualification(_)]
    ));
}

#[tokio::test]
async fn every_channel_is_judged_by_model_and_rules() {
    let world = World::start().await;
    for channel in Channel::ALL {
        let words = "Hi, I want a new kitchen. It's urgent, and the ZIP code is 78664.";
        let document = written(channel, words);
        let by_model = world.judge(&job(document.clone(), 0)).await;
        world.simulators.gemini().always(Fault::Status(503));
        let by_rules = world.judge(&job(document, 1)).await;
        world.simulators.gemini().clear_faults();
        let engines = [Engine::Model(MODEL.to_owned()), rules()];
        for (judged, engine) in [by_model, by_rules].iter().zip(engines) {
            let analysis = judged.analysis();
            assert_eq!(analysis.engine, engine, "{channel}");
            assert_eq!(analysis.project_type, ProjectType::Kitchen, "{channel}");
            assert_eq!(analysis.timeline, Timeline::Immediate, "{channel}");
            let code = analysis.postal_code.as_ref().map(|code| code.as_str());
            assert_eq!(code, Some("78664"), "{channel}");
            assert!(!analysis.reasons.is_empty(), "{channel}");
            assert_eq!(judged.qualification.gate, SpamGate::Pass, "{channel}");
        }
    }
}

#[tokio::test]
async fn the_question_names_the_channels_parts() {
    let world = World::start().await;
    for (channel, heading, role) in [
        (Channel::Phone, "Transcript:", "caller name: Ann Lee"),
        (Channel::Text, "Messages:", "customer name: Ann Lee"),
        (Channel::Form, "Message:", "customer name: Ann Lee"),
        (Channel::Calendar, "Message:", "customer name: Ann Lee"),
        (Channel::Chat, "Messages:", "customer name: Ann Lee"),
        (Channel::Api, "Message:", "customer name: Ann Lee"),
    ] {
        world.simulators.gemini().forget_requests();
        world.judge(&job(written(channel, "Hello."), 0)).await;
        let request = world.simulators.gemini().requests().remove(0);
        let user = request.body["contents"][0]["parts"][0]["text"].as_str();
        let user = user.unwrap();
        assert!(user.starts_with(&format!("{heading}\n<<")), "{user}");
        assert!(user.lines().any(|line| line == role), "{user}");
    }
}

#[tokio::test]
async fn a_written_lead_without_words_is_judged_by_the_rules() {
    let world = World::start().await;
    for channel in Channel::ALL {
        let mut document = lead::document(channel);
        let said = &mut document.source.said;
        said.labels.note = None;
        said.about = About::nothing(channel);
        let judged = world.judge(&job(document, 0)).await;
        let analysis = judged.analysis();
        assert_eq!(analysis.engine, rules(), "{channel}");
        assert_eq!(judged.qualification.gate, SpamGate::Pass, "{channel}");
        let is_call = analysis.summary.contains("recording");
        assert_eq!(is_call, channel == Channel::Phone, "{}", analysis.summary);
        let is_wanted = analysis.intent == Intent::Appointment;
        assert_eq!(is_wanted, channel == Channel::Calendar, "{channel}");
    }
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn a_form_without_a_message_is_judged_by_its_answers() {
    let world = World::start().await;
    let mut document = lead::document(Channel::Form);
    let said = &mut document.source.said;
    said.labels.note = None;
    let answers = [("Which room?", "Our bathroom"), ("Your ZIP code", "78664")];
    said.about = About::Form(FormFacts {
        answers: answers
            .map(|(question, answer)| (question.to_owned(), answer.to_owned()))
            .into(),
        ..FormFacts::default()
    });
    world.judge(&job(document.clone(), 0)).await;
    assert_eq!(world.asked(), 1);
    world.simulators.gemini().always(Fault::Status(503));
    let judged = world.judge(&job(document, 1)).await;
    let analysis = judged.analysis();
    assert_eq!(analysis.project_type, ProjectType::Bathroom);
    let code = analysis.postal_code.as_ref().map(|code| code.as_str());
    assert_eq!(code, Some("78664"));
}

/// Sums, houses' numbers, boxes and references have five digits, too.
#[tokio::test]
async fn digits_that_are_no_zip_code_send_nobody_away() {
    let world = World::start().await;
    let judged = async |words: &str, typed: Option<&str>| {
        let mut document = written(Channel::Form, words);
        document.source.said.person.postal_code = typed.map(str::to_owned);
        let model = world.judge(&job_with(document.clone(), 0, austin())).await;
        world.simulators.gemini().always(Fault::Status(503));
        let rules = world.judge(&job_with(document, 1, austin())).await;
        world.simulators.gemini().clear_faults();
        [model.qualification.area, rules.qualification.area]
    };
    let by_code = AreaVerdict::In(AreaBasis::PostalCode);
    for words in [
        "I want a new kitchen. The budget is 45000.",
        "I want a new kitchen at 10234 Burnet Road.",
        "I want a new kitchen, reference 31337.",
        "I want a new kitchen. Write to PO Box 10001, Round Rock.",
    ] {
        assert_eq!(judged(words, Some("78704")).await, [by_code; 2], "{words}");
        let unknown = [AreaVerdict::Unknown; 2];
        assert_eq!(judged(words, None).await, unknown, "{words}");
    }
    let moved = "I want a new kitchen. I live in 10001 now but the house is in 78704.";
    assert_eq!(judged(moved, Some("78704")).await, [by_code; 2]);
    let out = AreaVerdict::Out(AreaBasis::PostalCode);
    let far = "I want a new kitchen. The ZIP code is 75201.";
    assert_eq!(judged(far, None).await, [out; 2]);
    assert_eq!(judged(far, Some("78704")).await, [by_code; 2]);
}

#[tokio::test]
async fn an_earlier_analysis_is_no_fact() {
    let world = World::start().await;
    let mut document = call(script("no-place"));
    document.analysis = Some(lead::analysis(&document));
    document.revisions.raise(Stage::Analysis);
    let found = json!({ "postal_code": "78664" });
    world.simulators.gemini().answer_with(found);
    let judged = world.judge(&job(document, 0)).await;
    assert_eq!(judged.analysis().postal_code, None);
    let request = world.simulators.gemini().requests().remove(0);
    assert!(!request.body.to_string().contains("78664"));
}

#[tokio::test]
async fn words_out_of_silence_are_no_conversation() {
    let loop_of = |word: &str, count| vec![word; count].join(" ");
    let one_a_turn = |number: u32| spoken(&(number % 2 + 1).to_string(), "I'm sorry.");
    for turns in [
        vec![
            spoken("1", &loop_of("you", 44)),
            spoken("1", "Thanks for watching."),
        ],
        vec![spoken("2", "Thank you for watching!")],
        vec![spoken("1", &loop_of("Thank you.", 30))],
        (0..600).map(one_a_turn).collect(),
    ] {
        let world = World::start().await;
        let judged = world.judge(&job(call(turns), 0)).await;
        let analysis = judged.analysis();
        assert_eq!(analysis.engine, rules());
        assert_eq!(world.asked(), 0, "there is nothing to ask a model about");
        assert_eq!(analysis.intent, Intent::Other);
        assert!(analysis.lead_score <= 30 && analysis.confidence <= 0.1);
        assert!(analysis.reasons.is_empty(), "{analysis:?}");
        let told = "There is no recording of anybody speaking";
        assert!(analysis.summary.contains(told), "{}", analysis.summary);
        assert_eq!(judged.qualification.gate, SpamGate::Pass, "it is a lead");
    }
}

#[tokio::test]
async fn the_model_gets_a_loop_once() {
    let world = World::start().await;
    let words = format!("I need a new roof in Hutto. {}", "you ".repeat(4_000));
    let judged = world.judge(&job(call(vec![spoken("1", &words)]), 0)).await;
    assert_eq!(judged.analysis().project_type, ProjectType::Roofing);
    let request = world.simulators.gemini().requests().remove(0);
    let asked = request.body["contents"].to_string();
    assert!(
        asked.contains("in Hutto. you [repeated 4000 times]"),
        "{asked}"
    );
    assert!(asked.len() < 1_000, "{} bytes", asked.len());
}

#[tokio::test]
async fn one_voice_is_not_said_to_be_the_caller() {
    let world = World::start().await;
    world.simulators.gemini().always(Fault::OutsideSchema);
    let words = "Cedar Works, how can I help? I need a quote for a kitchen.";
    let judged = world.judge(&job(call(vec![spoken("1", words)]), 3)).await;
    let analysis = judged.analysis();
    assert_eq!(analysis.engine, rules());
    let begins = "The recording begins: \"Cedar Works";
    assert!(analysis.summary.contains(begins), "{}", analysis.summary);

    let request = world.simulators.gemini().requests().remove(0);
    let policy = request.body["systemInstruction"].to_string();
    assert!(policy.contains("One number may be two people"), "{policy}");
}

#[tokio::test]
async fn numbers_out_of_range_are_asked_for_again() {
    for outside in [
        json!({ "confidence": 85 }),
        json!({ "lead_score": -1 }),
        json!({ "spam_likelihood": -20 }),
        json!({ "summary": "kitchen ".repeat(300) }),
    ] {
        let world = World::start().await;
        world.simulators.gemini().answer_with(outside.clone());
        let first = world.handle(&job(call(script("kitchen-quote")), 0)).await;
        let error = first.unwrap_err();
        let again = Disposition::Retry { after: None };
        assert_eq!(error.disposition, again, "{outside}");
        let judged = world.judge(&job(call(script("kitchen-quote")), 1)).await;
        assert_eq!(judged.analysis().engine, rules(), "{outside}");
        assert!(judged.analysis().confidence <= 0.3, "{outside}");
    }
}
