//! What goes over the wire.

use std::collections::BTreeMap;

use domain::Tokens;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Prompt;

/// `GenerateContentRequest`.
///
/// Models of the 3.5 family ignore temperature and its kin, so none is sent; they think as little as they can.
pub(super) fn request(prompt: &Prompt, max_output_tokens: u32) -> Value {
    let mut generation = json!({
        "maxOutputTokens": max_output_tokens,
        "thinkingConfig": { "thinkingLevel": "MINIMAL" },
    });
    answer_format(&mut generation, &prompt.schema);
    let safety: Vec<Value> = HARM_CATEGORIES
        .iter()
        .map(|category| json!({ "category": category, "threshold": "BLOCK_ONLY_HIGH" }))
        .collect();
    let labels: BTreeMap<String, String> = prompt
        .labels
        .iter()
        .map(|(key, value)| (label(key), label(value)))
        .collect();
    json!({
        "systemInstruction": { "parts": [{ "text": prompt.system }] },
        "contents": [{ "role": "user", "parts": [{ "text": prompt.user }] }],
        "generationConfig": generation,
        "safetySettings": safety,
        "labels": labels,
    })
}

/// An angry customer must not be blocked, so only the worst is.
const HARM_CATEGORIES: [&str; 4] = [
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
];

/// Asks for JSON of a schema. `responseFormat` is to replace this pair of fields; both are understood.
///
/// Source: Gemini API on Google Cloud, `GenerationConfig` (read 2026-11).
fn answer_format(generation: &mut Value, schema: &Value) {
    generation["responseMimeType"] = json!("application/json");
    generation["responseSchema"] = schema.clone();
}

/// Billing labels have 63 characters at most: lower-case letters, digits, `_` and `-`.
fn label(text: &str) -> String {
    let allowed = |c: char| {
        if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' {
            c
        } else {
            '_'
        }
    };
    text.to_lowercase().chars().take(63).map(allowed).collect()
}

/// `GenerateContentResponse`.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Response {
    candidates: Vec<Candidate>,
    prompt_feedback: PromptFeedback,
    usage_metadata: UsageMetadata,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Candidate {
    content: Content,
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Content {
    parts: Vec<Part>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Part {
    text: String,
    thought: bool,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct PromptFeedback {
    block_reason: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct UsageMetadata {
    prompt_token_count: u32,
    candidates_token_count: u32,
    thoughts_token_count: u32,
}

/// What an answer comes to.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// JSON; whether it obeys the schema is for the caller to check.
    Json(Value),
    /// Cut off at the limit.
    Cut,
    /// Withheld for safety; Google's word for the reason.
    Blocked(String),
    /// Nothing of use, and no reason why the same request should fare as badly again.
    Useless(&'static str),
}

impl Response {
    pub(super) fn tokens(&self) -> Tokens {
        let UsageMetadata {
            prompt_token_count,
            candidates_token_count,
            thoughts_token_count,
        } = self.usage_metadata;
        Tokens {
            prompt: prompt_token_count,
            output: candidates_token_count,
            thoughts: thoughts_token_count,
        }
    }

    pub(super) fn outcome(self) -> Outcome {
        if let Some(reason) = self.prompt_feedback.block_reason {
            return Outcome::Blocked(word(&reason));
        }
        let Some(candidate) = self.candidates.into_iter().next() else {
            return Outcome::Useless("it has no candidate");
        };
        match candidate.finish_reason.as_deref() {
            Some("STOP") => {}
            Some("MAX_TOKENS") => return Outcome::Cut,
            Some(
                reason @ ("SAFETY" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "RECITATION"
                | "MODEL_ARMOR"),
            ) => return Outcome::Blocked(reason.to_owned()),
            _ => return Outcome::Useless("it ended in an unusual way"),
        }
        let parts = candidate
            .content
            .parts
            .into_iter()
            .filter(|part| !part.thought);
        let text: String = parts.map(|part| part.text).collect();
        match serde_json::from_str(&text) {
            Ok(json) => Outcome::Json(json),
            Err(_) => Outcome::Useless("its text is not JSON"),
        }
    }
}

/// A word of theirs, as such: it is shown to people.
fn word(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_uppercase() || *c == '_')
        .take(40)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: Value) -> Outcome {
        serde_json::from_value::<Response>(json).unwrap().outcome()
    }

    fn candidate(finish_reason: &str, parts: &Value) -> Value {
        json!({ "candidates": [{ "content": { "role": "model", "parts": parts }, "finishReason": finish_reason }] })
    }

    #[test]
    fn thoughts_are_no_part_of_the_answer() {
        let parts = json!([{ "text": "Let me see {", "thought": true }, { "text": "{\"a\":" }, { "text": "1}" }]);
        assert_eq!(
            read(candidate("STOP", &parts)),
            Outcome::Json(json!({ "a": 1 }))
        );
    }

    #[test]
    fn each_way_to_end_is_told_apart() {
        let text = json!([{ "text": "{}" }]);
        assert_eq!(read(candidate("MAX_TOKENS", &text)), Outcome::Cut);
        for reason in [
            "SAFETY",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "RECITATION",
            "MODEL_ARMOR",
        ] {
            assert_eq!(
                read(candidate(reason, &json!([]))),
                Outcome::Blocked(reason.to_owned())
            );
        }
        for reason in [
            "MALFORMED_RESPONSE",
            "OTHER",
            "CONTINUATION",
            "SOMETHING_NEW",
        ] {
            assert!(
                matches!(read(candidate(reason, &text)), Outcome::Useless(_)),
                "{reason}"
            );
        }
        assert!(matches!(
            read(candidate("STOP", &json!([{ "text": "{\"a\":" }]))),
            Outcome::Useless(_)
        ));
        assert!(matches!(read(json!({})), Outcome::Useless(_)));
        let blocked = json!({ "promptFeedback": { "blockReason": "PROHIBITED_CONTENT" } });
        assert_eq!(
            read(blocked),
            Outcome::Blocked("PROHIBITED_CONTENT".to_owned())
        );
    }

    #[test]
    fn the_request_keeps_policy_and_data_apart() {
        let prompt = Prompt {
            system: "policy".into(),
            user: "data".into(),
            schema: json!({ "type": "OBJECT" }),
            max_output_tokens: 9,
            labels: BTreeMap::from([
                ("Tenant".into(), "tenant_demo".into()),
                ("stage".into(), "a b/É".repeat(30)),
            ]),
        };
        let body = request(&prompt, 9);
        assert_eq!(
            body["systemInstruction"]["parts"],
            json!([{ "text": "policy" }])
        );
        assert_eq!(
            body["contents"],
            json!([{ "role": "user", "parts": [{ "text": "data" }] }])
        );
        assert_eq!(
            body["generationConfig"],
            json!({
                "maxOutputTokens": 9,
                "thinkingConfig": { "thinkingLevel": "MINIMAL" },
                "responseMimeType": "application/json",
                "responseSchema": { "type": "OBJECT" },
            })
        );
        assert_eq!(body["labels"]["tenant"], "tenant_demo");
        let stage = body["labels"]["stage"].as_str().unwrap();
        assert!(stage.len() == 63 && stage.starts_with("a_b__a"), "{stage}");
    }
}
