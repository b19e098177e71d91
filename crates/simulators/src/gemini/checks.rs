//! The checks of a request.

use serde_json::Value;

const CATEGORIES: &str = "HARM_CATEGORY_HATE_SPEECH HARM_CATEGORY_HARASSMENT HARM_CATEGORY_DANGEROUS_CONTENT \
                          HARM_CATEGORY_SEXUALLY_EXPLICIT HARM_CATEGORY_CIVIC_INTEGRITY HARM_CATEGORY_JAILBREAK";
const THRESHOLDS: &str =
    "OFF BLOCK_NONE BLOCK_ONLY_HIGH BLOCK_MEDIUM_AND_ABOVE BLOCK_LOW_AND_ABOVE";
const TYPES: &str = "STRING NUMBER INTEGER BOOLEAN ARRAY OBJECT NULL";
const LEVELS: &str = "MINIMAL LOW MEDIUM HIGH";
const LABEL_LIMIT: usize = 63;
const DEPTH_LIMIT: usize = 32;

pub(super) fn type_of(schema: &Value) -> &str {
    schema["type"].as_str().unwrap_or_default()
}

/// The items of an array. None of anything else.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The properties of a schema with their names. None of anything but an object's.
pub(super) fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

fn ensure(holds: bool, reason: &str) -> Result<(), String> {
    holds.then_some(()).ok_or_else(|| reason.to_owned())
}

/// Checks that a value, if there is one, is a word of a list.
fn ensure_word(value: &Value, words: &str, at: &str) -> Result<(), String> {
    let is_word = |text| words.split(' ').any(|word| word == text);
    let holds = value.is_null() || value.as_str().is_some_and(is_word);
    ensure(holds, &format!("Invalid value at '{at}': {value}"))
}

/// Checks a request to generate. The error is Google's message.
pub(super) fn request(model: &str, body: &Value) -> Result<(), String> {
    let turns = list(&body["contents"]);
    ensure(!turns.is_empty(), "contents is not specified")?;
    for turn in turns {
        ensure_word(&turn["role"], "user model", "contents.role")?;
        let reason = "Unable to submit request because it must have at least one parts field.";
        ensure(!list(&turn["parts"]).is_empty(), reason)?;
    }
    let is_users = turns.last().is_none_or(|turn| turn["role"] != "model");
    let reason = "Please ensure that the last turn of contents has the role user.";
    ensure(is_users, reason)?;
    let config = &body["generationConfig"];
    let is_free = config["frequencyPenalty"].is_null() && config["presencePenalty"].is_null();
    let reason = format!("Penalty is not supported by {model}.");
    ensure(is_free || version(model) < (3, 5), &reason)?;
    let thinking = &config["thinkingConfig"];
    let (level, budget) = (&thinking["thinkingLevel"], &thinking["thinkingBudget"]);
    ensure_word(level, LEVELS, "thinking_level")?;
    let reason = "Only one of thinkingLevel and thinkingBudget can be set.";
    ensure(level.is_null() || budget.is_null(), reason)?;
    let settings = list(&body["safetySettings"]);
    let is_one = settings.is_empty() || body["modelArmorConfig"].is_null();
    let reason = "Only one of safetySettings and modelArmorConfig can be set.";
    ensure(is_one, reason)?;
    for setting in settings {
        let (category, threshold) = (&setting["category"], &setting["threshold"]);
        ensure_word(category, CATEGORIES, "safety_settings.category")?;
        ensure_word(threshold, THRESHOLDS, "safety_settings.threshold")?;
    }
    let labels = body["labels"].as_object();
    labels.into_iter().flatten().try_for_each(check_label)?;
    let schema = config.get("responseSchema");
    schema.map_or(Ok(()), |schema| check_schema(schema, "response_schema", 0))
}

fn check_label((name, value): (&String, &Value)) -> Result<(), String> {
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    let fits = |text: &str| text.len() <= LABEL_LIMIT && text.bytes().all(is_allowed);
    let is_name = name.starts_with(|letter: char| letter.is_ascii_lowercase());
    let reason = "is not allowed: lower case, at most 63 characters.";
    let holds = is_name && fits(name) && value.as_str().is_some_and(fits);
    ensure(holds, &format!("The label {name}: {value} {reason}"))
}

fn check_schema(schema: &Value, at: &str, depth: usize) -> Result<(), String> {
    let is_flat = depth <= DEPTH_LIMIT;
    ensure(is_flat, &format!("The schema at {at} is too deep."))?;
    let kind = type_of(schema);
    ensure_word(&kind.into(), TYPES, &format!("{at}.type"))?;
    let words = list(&schema["enum"]);
    let is_text = |word: &Value| word.as_str().is_some_and(|text| !text.is_empty());
    let holds = schema["enum"].is_null() || !words.is_empty() && words.iter().all(is_text);
    let reason = format!("{at}.enum: must have values, none of them empty");
    ensure(holds, &reason)?;
    if kind == "ARRAY" {
        let items = &schema["items"];
        ensure(items.is_object(), &format!("{at}.items: missing field."))?;
        return check_schema(items, &format!("{at}.items"), depth + 1);
    }
    if kind != "OBJECT" {
        return Ok(());
    }
    let reason = format!("{at}.properties: should be non-empty for OBJECT type");
    ensure(properties(schema).next().is_some(), &reason)?;
    for place in ["required", "propertyOrdering"] {
        for name in list(&schema[place]).iter().filter_map(Value::as_str) {
            let reason = format!("{at}.{place}: property {name} is not defined");
            ensure(!schema["properties"][name].is_null(), &reason)?;
        }
    }
    for (name, property) in properties(schema) {
        check_schema(property, &format!("{at}.properties[{name}]"), depth + 1)?;
    }
    Ok(())
}

/// The two numbers in `gemini-3.5-flash`.
fn version(model: &str) -> (u32, u32) {
    let number = model.split('-').nth(1).unwrap_or_default();
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    (major.parse().unwrap_or(0), minor.parse().unwrap_or(0))
}
