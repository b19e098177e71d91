//! What a model answered, checked: nothing counts that the schema does not allow or that nobody said.
//!
//! An answer that lacks a field, has one of another type, a word that is not on its list, a number outside of its range
//! or a summary that repeats itself is refused as a whole: the service promises the schema, so such an answer went wrong
//! and its other values mean nothing either. Clamped, a confidence of 85 would be complete certainty. Beyond that the
//! answer is fixed: long text is cut, a reason whose quote nobody said is dropped, and so is a ZIP code that nobody
//! said as one ([`zip`]), or that a typed one outranks.

use domain::{Budget, Intent, PostalCode, ProjectType, Reason, Sentiment, Timeline, loops, text};
use serde_json::Value;

use crate::{
    analysis_input::AnalysisInput,
    judgment::{Judgment, MAX_ADDRESS, MAX_QUOTE_BYTES, MAX_REASON, MAX_REASONS, MAX_SUMMARY},
    words::Words,
    zip,
};

/// The answer is not of the shape that was asked for. Names the field, never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the model's answer lacks `{field}`, or has it of another kind or outside of its range")]
pub(crate) struct OutsideSchema {
    pub(crate) field: &'static str,
}

/// Reads an answer about `input`.
pub(crate) fn read(answer: &Value, input: &AnalysisInput) -> Result<Judgment, OutsideSchema> {
    let said: Vec<Words<'_>> = input.texts().map(Words::of).collect();
    let reasons = answer["reasons"]
        .as_array()
        .ok_or(OutsideSchema { field: "reasons" })?;
    Ok(Judgment {
        summary: summary(answer)?,
        intent: word(answer, "intent", Intent::from_word)?,
        sentiment: word(answer, "sentiment", Sentiment::from_word)?,
        project_type: word(answer, "project_type", ProjectType::from_word)?,
        timeline: word(answer, "timeline", Timeline::from_word)?,
        budget: word(answer, "budget", Budget::from_word)?,
        lead_score: percent(number(answer, "lead_score", 100.0)?),
        confidence: number(answer, "confidence", 1.0)?,
        reasons: reasons
            .iter()
            .filter_map(|item| reason(item, &said))
            .take(MAX_REASONS)
            .collect(),
        spam_likelihood: number(answer, "spam_likelihood", 100.0)?,
        postal_code: postal_code(&answer["postal_code"], input),
        address: answer["address"]
            .as_str()
            .and_then(|address| text::line(address, MAX_ADDRESS)),
    })
}

fn string<'a>(answer: &'a Value, field: &'static str) -> Result<&'a str, OutsideSchema> {
    answer[field].as_str().ok_or(OutsideSchema { field })
}

fn word<T>(
    answer: &Value,
    field: &'static str,
    read: fn(&str) -> Option<T>,
) -> Result<T, OutsideSchema> {
    read(string(answer, field)?).ok_or(OutsideSchema { field })
}

/// A number from 0 to `max`.
fn number(answer: &Value, field: &'static str, max: f64) -> Result<f64, OutsideSchema> {
    answer[field]
        .as_f64()
        .filter(|number| (0.0..=max).contains(number))
        .ok_or(OutsideSchema { field })
}

/// The summary, unless the model lost its thread and wrote the same again and again.
fn summary(answer: &Value) -> Result<String, OutsideSchema> {
    const FIELD: &str = "summary";
    let written = string(answer, FIELD)?;
    let summary = text::line(written, MAX_SUMMARY).filter(|_| !loops::is_in(written));
    summary.ok_or(OutsideSchema { field: FIELD })
}

/// The nearest whole number from 0 to 100.
fn percent(number: f64) -> u8 {
    (0..=100_u8)
        .rev()
        .find(|percent| f64::from(*percent) - 0.5 <= number)
        .unwrap_or(0)
}

/// A reason with the words that were said; none when nobody said them.
fn reason(item: &Value, said: &[Words<'_>]) -> Option<Reason> {
    let quote = Words::of(
        item["quote"]
            .as_str()
            .filter(|quote| quote.len() <= 4 * MAX_QUOTE_BYTES)?,
    );
    let quote = said
        .iter()
        .find_map(|words| words.text(&words.find_words(&quote)?))?;
    Some(Reason {
        reason: text::line(item["reason"].as_str()?, MAX_REASON)?,
        quote: Some(quote)
            .filter(|quote| quote.len() <= MAX_QUOTE_BYTES)?
            .to_owned(),
    })
}

/// A ZIP code that was said or typed as one.
fn postal_code(value: &Value, input: &AnalysisInput) -> Option<PostalCode> {
    let code = PostalCode::parse(value.as_str()?).ok()?;
    (zip::is_said(input, &code) && !zip::is_outranked(input, &code)).then_some(code)
}

#[cfg(test)]
mod tests {
    use domain::Channel;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::analysis_input::{
        Fact,
        tests::{input, voice, wordless},
    };

    fn call() -> AnalysisInput {
        let zip = Fact {
            name: "ZIP code on file".to_owned(),
            value: "75201".to_owned(),
            is_claim: true,
        };
        AnalysisInput {
            utterances: vec![
                voice("1", "Thanks for calling, how can I help?"),
                voice(
                    "2",
                    "I’d like a quote for my kitchen. We’re at seven eight six six four.",
                ),
            ],
            facts: vec![zip],
            ..wordless(Channel::Phone)
        }
    }

    fn good() -> Value {
        json!({
            "summary": "A homeowner wants a\n quote for a kitchen.",
            "intent": "quote_request",
            "sentiment": "positive",
            "project_type": "kitchen",
            "timeline": "1_3_months",
            "budget": "unknown",
            "postal_code": "78664",
            "address": null,
            "reasons": [{ "reason": "Asks for a quote", "quote": "i'd like a QUOTE, for my kitchen" }],
            "lead_score": 82,
            "confidence": 0.8,
            "spam_likelihood": 2.5,
        })
    }

    fn judge(answer: &Value) -> Result<Judgment, OutsideSchema> {
        read(answer, &call())
    }

    fn with(field: &str, value: Value) -> Value {
        let mut answer = good();
        answer[field] = value;
        answer
    }

    #[test]
    fn a_good_answer_quotes_the_callers_own_words() {
        let judgment = judge(&good()).unwrap();
        assert_eq!(judgment.intent, Intent::Quote);
        assert_eq!(judgment.summary, "A homeowner wants a quote for a kitchen.");
        assert_eq!(judgment.reasons[0].quote, "I’d like a quote for my kitchen");
        assert_eq!(
            judgment.postal_code.map(String::from).as_deref(),
            Some("78664")
        );
        assert_eq!((judgment.lead_score, judgment.spam_likelihood), (82, 2.5));
    }

    #[test]
    fn an_answer_that_lacks_a_field_is_refused_whole() {
        for field in [
            "summary",
            "intent",
            "sentiment",
            "project_type",
            "timeline",
            "budget",
            "reasons",
            "lead_score",
            "confidence",
            "spam_likelihood",
        ] {
            for value in [Value::Null, json!({}), json!(true)] {
                assert_eq!(judge(&with(field, value)), Err(OutsideSchema { field }));
            }
        }
        assert!(judge(&with("lead_score", json!("82"))).is_err());
        assert!(judge(&with("summary", json!(" \n"))).is_err());
        for answer in [Value::Null, json!([]), json!("text"), json!(7)] {
            assert!(judge(&answer).is_err(), "{answer}");
        }
    }

    #[test]
    fn an_answer_with_an_unlisted_word_is_refused_whole() {
        for field in ["intent", "sentiment", "project_type", "timeline", "budget"] {
            for word in ["", "Kitchen", "quote_request; DROP TABLE", "none"] {
                assert_eq!(
                    judge(&with(field, json!(word))),
                    Err(OutsideSchema { field }),
                    "{word}"
                );
            }
        }
    }

    #[test]
    fn a_number_outside_of_its_range_is_refused() {
        for (field, numbers) in [
            ("lead_score", [-5.0, -0.1, 100.5, 400.0, 1e300]),
            ("confidence", [-0.01, 1.01, 7.5, 85.0, -1e300]),
            ("spam_likelihood", [-1.0, -20.0, 100.1, 400.0, 1e300]),
        ] {
            for number in numbers {
                assert_eq!(
                    judge(&with(field, json!(number))),
                    Err(OutsideSchema { field }),
                    "{number}"
                );
            }
        }
        for (field, max) in [
            ("lead_score", 100),
            ("confidence", 1),
            ("spam_likelihood", 100),
        ] {
            for number in [0, max] {
                assert!(judge(&with(field, json!(number))).is_ok(), "{field}");
            }
        }
    }

    #[test]
    fn a_summary_that_repeats_itself_is_refused() {
        for summary in [
            vec!["kitchen"; 300].join(" "),
            format!("A homeowner wants {}", "a quote and ".repeat(40)),
            "Kitchen. ".repeat(9),
        ] {
            let answered = judge(&with("summary", json!(summary)));
            assert_eq!(
                answered,
                Err(OutsideSchema { field: "summary" }),
                "{summary}"
            );
        }
        let emphatic = "Kitchen, kitchen, kitchen: the caller speaks of nothing else.";
        assert!(judge(&with("summary", json!(emphatic))).is_ok());
    }

    #[test]
    fn scores_are_rounded_and_text_is_cut() {
        for (given, expected) in [(0.4, 0), (0.5, 1), (99.4, 99), (100.0, 100)] {
            assert_eq!(
                judge(&with("lead_score", json!(given))).unwrap().lead_score,
                expected,
                "{given}"
            );
        }
        let long = judge(&with("summary", json!("é".repeat(5_000)))).unwrap();
        assert_eq!(long.summary.chars().count(), MAX_SUMMARY);
    }

    #[test]
    fn a_reason_needs_words_that_were_said() {
        for quote in [
            "I'd like a quote for my bathroom",
            "",
            "...",
            "help I’d like",
            "kitch",
        ] {
            let reasons = json!([{ "reason": "Made up", "quote": quote }]);
            assert_eq!(
                judge(&with("reasons", reasons)).unwrap().reasons,
                [],
                "{quote}"
            );
        }
        for broken in [
            json!("x"),
            json!({ "quote": "how can I help" }),
            json!({ "reason": "x", "quote": 7 }),
        ] {
            assert_eq!(
                judge(&with("reasons", json!([broken]))).unwrap().reasons,
                []
            );
        }
        let many = vec![json!({ "reason": "x", "quote": "kitchen" }); 50];
        assert_eq!(
            judge(&with("reasons", json!(many))).unwrap().reasons.len(),
            MAX_REASONS
        );
    }

    #[test]
    fn a_quote_may_be_taken_from_whatever_was_written() {
        for (channel, quote) in [
            (Channel::Phone, "how can I help"),
            (Channel::Text, "we want a new kitchen"),
            (Channel::Form, "about forty thousand"),
            (Channel::Calendar, "We want a new kitchen before spring."),
            (Channel::Chat, "What is your budget?"),
            (Channel::Api, "Wants to be called after five."),
        ] {
            let reasons = json!([{ "reason": "Says so", "quote": quote }]);
            let judgment = read(&with("reasons", reasons), &input(channel)).unwrap();
            assert_eq!(judgment.reasons.len(), 1, "{channel}");
        }
    }

    #[test]
    fn a_zip_code_must_be_said_as_one() {
        let code = |value: Value, input: &AnalysisInput| {
            let judgment = read(&with("postal_code", value), input).unwrap();
            judgment.postal_code.map(String::from)
        };
        let mut form = call();
        assert_eq!(
            code(json!("75201"), &form),
            None,
            "it belongs to the caller's number"
        );
        form.channel = Channel::Form;
        assert_eq!(
            code(json!("75201"), &form).as_deref(),
            Some("75201"),
            "it was typed"
        );
        assert_eq!(code(json!("78664"), &form), None, "another one was typed");
        for value in [
            json!("10001"),
            json!("7866"),
            json!("seven"),
            json!(78664),
            json!({}),
            Value::Null,
        ] {
            assert_eq!(code(value.clone(), &call()), None, "{value}");
        }
        let mut said = call();
        for text in ["Budget 45000", "10234 Burnet Road", "Reference 31337"] {
            said.utterances.push(voice("2", text));
        }
        for digits in ["45000", "10234", "31337"] {
            assert_eq!(code(json!(digits), &said), None, "{digits}");
        }
    }

    proptest! {
        #[test]
        fn any_text_of_the_model_stays_within_bounds(text in "\\PC{0,300}", quote in "\\PC{0,60}") {
            let mut answer = with("summary", json!(text));
            answer["address"] = json!(text);
            answer["postal_code"] = json!(quote);
            answer["reasons"] = json!([{ "reason": text, "quote": quote }]);
            if let Ok(judgment) = judge(&answer) {
                let call = call();
                for reason in &judgment.reasons {
                    prop_assert!(call.texts().any(|text| text.contains(&reason.quote)));
                }
                prop_assert!(!judgment.summary.contains('\n'));
            }
        }
    }
}
