//! Fills the schema of a request from what is understood, by the names of its properties.

use serde_json::{Value, json};

use super::checks::{list, properties, type_of};
use super::reading::{Fact, Reading};

/// An answer that obeys the schema, which is that of the property of this name.
pub(super) fn fill(schema: &Value, name: &str, reading: &Reading) -> Value {
    let fact = reading.fact(name);
    match (type_of(schema), fact) {
        ("OBJECT", _) => {
            let properties = properties(schema);
            let filled = properties.map(|(name, inner)| (name.clone(), fill(inner, name, reading)));
            filled.collect()
        }
        ("ARRAY", _) if name == "reasons" => {
            let most = schema["maxItems"].as_u64().unwrap_or(u64::MAX);
            let quoted = &schema["items"]["properties"]["quote"];
            let reasons = (0..most).zip(&reading.reasons);
            let reasons = reasons.map(|(_, (reason, quote))| (reason, cut(quoted, quote)));
            let items = reasons.map(|(reason, quote)| json!({ "reason": reason, "quote": quote }));
            items.collect()
        }
        ("ARRAY", _) => json!([]),
        (_, None) if schema["nullable"] == true => Value::Null,
        ("STRING", _) if schema["enum"].is_array() => choose(list(&schema["enum"]), fact),
        ("STRING", _) => fact.map_or(json!(""), |fact| cut(schema, &fact.text)),
        ("INTEGER" | "NUMBER", _) => number(schema, fact.map_or(0.0, |fact| fact.number)),
        ("BOOLEAN", _) => json!(false),
        _ => Value::Null,
    }
}

/// As much of a text as its schema allows.
fn cut(schema: &Value, text: &str) -> Value {
    let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
    let letters = (0..most).zip(text.chars()).map(|(_, letter)| letter);
    letters.collect::<String>().into()
}

/// One of the schema's own words.
fn choose(words: &[Value], fact: Option<&Fact>) -> Value {
    let wanted = match fact {
        Some(fact) => [fact.word, "other", "unknown"],
        None => ["unknown", "other", "neutral"],
    };
    let mut wanted = wanted.into_iter().map(Value::from);
    let known = wanted.find(|word| words.contains(word));
    known.or_else(|| words.last().cloned()).unwrap_or_default()
}

/// A share as a number up to the maximum, whole if it must be.
fn number(schema: &Value, share: f64) -> Value {
    let value = share * schema["maximum"].as_f64().unwrap_or(1.0);
    let value = value.max(schema["minimum"].as_f64().unwrap_or(0.0));
    if type_of(schema) == "INTEGER" {
        // Parsing makes a whole number without a cast.
        return format!("{value:.0}").parse().unwrap_or_default();
    }
    json!((value * 1000.0).round() / 1000.0)
}

/// Violates the schema: words that are not on its lists, numbers over their maximum.
pub(super) fn violate(schema: &Value, answer: &mut Value) {
    for (name, property) in properties(schema) {
        if property["enum"].is_array() {
            answer[name] = json!("OUTSIDE_THE_SCHEMA");
        } else if let Some(maximum) = property["maximum"].as_f64() {
            answer[name] = json!(maximum + 1000.0);
        }
    }
}
