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

/// The schema of the answer, in any of the three places for it.
pub(super) fn schema(body: &Value) -> Option<&Value> {
    let config = &body["generationConfig"];
    let format = &config["responseFormat"];
    let format = format.get(0).unwrap_or(format);
    let places = [
        &config["responseSchema"],
        &config["responseJsonSchema"],
        &format["text"]["schema"],
    ];
    places.into_iter().find(|schema| schema.is_object())
}

/// The type of a schema in upper case.
pub(super) fn type_of(schema: &Value) -> String {
    let mut names = list(&schema["type"]).iter();
    let name = names
        .find(|name| *name != "null")
        .unwrap_or(&schema["type"]);
    name.as_str().unwrap_or_default().to_ascii_uppercase()
}

/// Whether null obeys this schema.
pub(super) fn is_nullable(schema: &Value) -> bool {
    let is_null = |schema: &Value| type_of(schema) == "NULL";
    schema["nullable"] == true
        || list(&schema["type"]).iter().any(|name| name == "null")
        || list(&schema["anyOf"]).iter().any(is_null)
}

/// The items of an array. None of anything else.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn ensure(holds: bool, reason: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(reason.to_owned())
    }
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
    ensure(
        is_users,
        "Please ensure that the last turn of contents has the role user.",
    )?;
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
    let reason = "Only one of safetySettings and modelArmorConfig can be set.";
    ensure(
        settings.is_empty() || body["modelArmorConfig"].is_null(),
        reason,
    )?;
    for setting in settings {
        ensure_word(&setting["category"], CATEGORIES, "safety_settings.category")?;
        ensure_word(
            &setting["threshold"],
            THRESHOLDS,
            "safety_settings.threshold",
        )?;
    }
    for (name, value) in body["labels"].as_object().into_iter().flatten() {
        let is_allowed = |text: &str| {
            let is_allowed =
                |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
            text.len() <= LABEL_LIMIT && text.bytes().all(is_allowed)
        };
        let is_name = name.starts_with(|letter: char| letter.is_ascii_lowercase());
        let holds = is_name && is_allowed(name) && value.as_str().is_some_and(is_allowed);
        let reason =
            format!("The label {name}: {value} is not allowed: lower case, at most 63 characters.");
        ensure(holds, &reason)?;
    }
    schema(body).map_or(Ok(()), |schema| check_schema(schema, "response_schema", 0))
}

fn check_schema(schema: &Value, at: &str, depth: usize) -> Result<(), String> {
    ensure(
        depth <= DEPTH_LIMIT,
        &format!("The schema at {at} is too deep."),
    )?;
    let choices = list(&schema["anyOf"]);
    if !choices.is_empty() {
        let mut choices = choices.iter();
        return choices.try_for_each(|choice| check_schema(choice, at, depth + 1));
    }
    let name = type_of(schema);
    ensure_word(&name.as_str().into(), TYPES, &format!("{at}.type"))?;
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let values = list(&schema["enum"]);
    let holds = schema["enum"].is_null() || !values.is_empty() && values.iter().all(is_text);
    ensure(
        holds,
        &format!("{at}.enum: must have values, none of them empty"),
    )?;
    if name == "ARRAY" {
        let items = &schema["items"];
        ensure(items.is_object(), &format!("{at}.items: missing field."))?;
        return check_schema(items, &format!("{at}.items"), depth + 1);
    }
    if name != "OBJECT" {
        return Ok(());
    }
    let properties = schema["properties"]
        .as_object()
        .filter(|properties| !properties.is_empty());
    let reason = format!("{at}.properties: should be non-empty for OBJECT type");
    let properties = properties.ok_or(reason)?;
    for place in ["required", "propertyOrdering"] {
        for name in list(&schema[place]).iter().filter_map(Value::as_str) {
            let reason = format!("{at}.{place}: property {name} is not defined");
            ensure(properties.contains_key(name), &reason)?;
        }
    }
    for (name, property) in properties {
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
