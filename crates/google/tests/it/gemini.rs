//! Gemini.

use std::{collections::BTreeMap, time::Duration};

use domain::{Classify, Disposition};
use google::{CallError, Gemini, GeminiConfig, GeminiFault, Prompt, Tokens};
use serde_json::{Value, json};
use simulators::{Fault, Simulators};
use testkit::StoppedTime;

use crate::{bad_token, good_token, http, start};

const FIRST: &str = "gemini-3.5-flash-lite";
const SECOND: &str = "gemini-3.1-flash-lite";

fn config(base_url: &str) -> GeminiConfig {
    GeminiConfig {
        base_url: base_url.parse().unwrap(),
        ..GeminiConfig::new("demo-project")
    }
}

fn gemini(simulators: &Simulators) -> Gemini {
    Gemini::new(
        http(),
        good_token(),
        config(&simulators.gemini().base_url()),
    )
}

fn prompt() -> Prompt {
    Prompt {
        system: "Fill in the schema.".into(),
        user: "<<m>>\n[2] I'd like a quote for a kitchen remodel.\n<<m>>".into(),
        schema: json!({
            "type": "OBJECT",
            "properties": { "summary": { "type": "STRING" }, "lead_score": { "type": "INTEGER", "maximum": 100 } },
            "required": ["summary", "lead_score"],
        }),
        max_output_tokens: 500,
        labels: BTreeMap::from([("tenant".into(), "tenant_demo".into())]),
    }
}

/// What each request asked for, in order: the model and the limit.
fn asked(simulators: &Simulators) -> Vec<(String, Value)> {
    let model = |path: &str| {
        path.rsplit('/')
            .next()
            .unwrap()
            .split(':')
            .next()
            .unwrap()
            .to_owned()
    };
    let requests = simulators.gemini().requests().into_iter();
    requests
        .map(|it| {
            (
                model(&it.path),
                it.body["generationConfig"]["maxOutputTokens"].clone(),
            )
        })
        .collect()
}

#[tokio::test]
async fn an_answer_fills_the_schema_and_counts_its_tokens() {
    let simulators = start().await;
    let answer = gemini(&simulators).generate(&prompt()).await.unwrap();
    assert!(answer.json["summary"].is_string() && answer.json["lead_score"].is_u64());
    assert_eq!(answer.model, FIRST);
    let tokens = answer.spent.total();
    assert!(tokens.prompt > 0 && tokens.output > 0);
    assert_eq!(answer.spent.0.keys().collect::<Vec<_>>(), [FIRST]);
}

#[tokio::test]
async fn a_retired_model_is_left_for_the_next() {
    let simulators = start().await;
    let models = vec!["gemini-2.5-flash".to_owned(), SECOND.to_owned()];
    let config = GeminiConfig {
        models,
        ..config(&simulators.gemini().base_url())
    };
    let answer = Gemini::new(http(), good_token(), config)
        .generate(&prompt())
        .await
        .unwrap();
    assert_eq!(answer.model, SECOND);
}

#[tokio::test]
async fn a_busy_broken_or_late_model_is_left_for_the_next() {
    let time = StoppedTime::begin();
    let simulators = start().await;
    let timeout = Duration::from_secs(5);
    let config = GeminiConfig {
        timeout,
        ..config(&simulators.gemini().base_url())
    };
    let gemini = Gemini::new(http(), good_token(), config);
    for fault in [
        Fault::RateLimit,
        Fault::Status(500),
        Fault::Status(503),
        Fault::ResetAfterWrite,
        Fault::Slow(timeout * 10),
    ] {
        simulators.gemini().answer_next_to(FIRST, fault.clone(), 1);
        let prompt = prompt();
        let answer = time.pass_until("a model answers", gemini.generate(&prompt));
        assert_eq!(answer.await.unwrap().model, SECOND, "{fault:?}");
    }
}

#[tokio::test]
async fn when_all_models_are_busy_the_wait_they_ask_for_is_passed_on() {
    let simulators = start().await;
    simulators.gemini().always(Fault::Answer {
        status: 429,
        retry_after_seconds: Some(7),
        body: None,
    });
    let error = gemini(&simulators).generate(&prompt()).await.unwrap_err();
    assert_eq!(
        error.disposition(),
        Disposition::Retry {
            after: Some(Duration::from_secs(7))
        }
    );
    assert_eq!(asked(&simulators).len(), 2, "each model is asked once");
}

#[tokio::test]
async fn without_any_model_there_is_no_answer() {
    let simulators = start().await;
    let models = vec!["gemini-2.5-flash".to_owned()];
    let config = GeminiConfig {
        models,
        ..config(&simulators.gemini().base_url())
    };
    let error = Gemini::new(http(), good_token(), config)
        .generate(&prompt())
        .await
        .unwrap_err();
    assert!(
        matches!(error.fault, GeminiFault::NoModel { .. }),
        "{error}"
    );
    assert!(error.answer().unwrap().contains("gemini-2.5-flash"));
}

#[tokio::test]
async fn refused_credentials_are_not_tried_on_another_model() {
    let simulators = start().await;
    let gemini = Gemini::new(http(), bad_token(), config(&simulators.gemini().base_url()));
    let error = gemini.generate(&prompt()).await.unwrap_err();
    assert!(
        matches!(
            error.fault,
            GeminiFault::Call(CallError::Unauthorized { .. })
        ),
        "{error}"
    );
    assert_eq!(asked(&simulators).len(), 1);
}

#[tokio::test]
async fn a_bad_schema_is_rejected_with_googles_words() {
    let simulators = start().await;
    let bad = Prompt {
        schema: json!({ "type": "OBJECT", "properties": {} }),
        ..prompt()
    };
    let error = gemini(&simulators).generate(&bad).await.unwrap_err();
    assert!(
        matches!(error.fault, GeminiFault::Call(CallError::Rejected { .. })),
        "{error}"
    );
    assert_eq!(error.disposition(), Disposition::Park);
    assert!(error.answer().unwrap().contains("non-empty"));
}

#[tokio::test]
async fn a_block_for_safety_is_final_and_costs_its_prompt() {
    let simulators = start().await;
    simulators.gemini().answer_next(Fault::Blocked);
    let error = gemini(&simulators).generate(&prompt()).await.unwrap_err();
    assert!(
        matches!(&error.fault, GeminiFault::Blocked { reason } if reason == "PROHIBITED_CONTENT"),
        "{error}"
    );
    assert!(error.spent.total().prompt > 0);
    assert_eq!(asked(&simulators).len(), 1);
}

#[tokio::test]
async fn a_cut_answer_is_asked_for_once_more_with_twice_the_room() {
    let simulators = start().await;
    simulators.gemini().answer_next(Fault::MaxTokens);
    let answer = gemini(&simulators).generate(&prompt()).await.unwrap();
    assert_eq!(
        asked(&simulators),
        [
            (FIRST.to_owned(), json!(500)),
            (FIRST.to_owned(), json!(1_000))
        ]
    );
    let once = gemini(&simulators)
        .generate(&prompt())
        .await
        .unwrap()
        .spent
        .total();
    assert_eq!(
        answer.spent.total().prompt,
        2 * once.prompt,
        "both attempts count"
    );

    simulators.gemini().forget_requests();
    simulators.gemini().always(Fault::MaxTokens);
    let error = gemini(&simulators).generate(&prompt()).await.unwrap_err();
    assert!(matches!(error.fault, GeminiFault::Unusable(_)), "{error}");
    assert_eq!(asked(&simulators).len(), 2);
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_asked_for_once_more() {
    let simulators = start().await;
    simulators.gemini().answer_next(Fault::Malformed);
    assert!(gemini(&simulators).generate(&prompt()).await.is_ok());

    simulators.gemini().forget_requests();
    simulators.gemini().always(Fault::Malformed);
    let error = gemini(&simulators).generate(&prompt()).await.unwrap_err();
    assert!(matches!(error.fault, GeminiFault::Unusable(_)), "{error}");
    assert_eq!(error.disposition(), Disposition::Retry { after: None });
    assert_eq!(asked(&simulators).len(), 2);
}

#[tokio::test]
async fn what_cannot_be_reached_is_not_tried_model_by_model() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let gemini = Gemini::new(http(), good_token(), config(&format!("http://{closed}")));
    let error = gemini.generate(&prompt()).await.unwrap_err();
    assert!(
        matches!(&error.fault, GeminiFault::Call(CallError::Http(error)) if error.is_not_sent()),
        "{error}"
    );
}

#[tokio::test]
async fn default_credentials_are_found_only_once_needed() {
    let simulators = start().await;
    drop(Gemini::new(
        http(),
        Tokens::adc(),
        config(&simulators.gemini().base_url()),
    ));
}
