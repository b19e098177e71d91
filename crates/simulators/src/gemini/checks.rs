//! What Gemini refuses before it reads.

use serde_json::Value;

const CATEGORIES: &[&str] = &[
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",
    "HARM_CATEGORY_JAILBREAK",
];
const THRESHOLDS: &[&str] = &[
    "OFF",
    "BLOCK_NONE",
    "BLOCK_ONLY_HIGH",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_LOW_AND_ABOVE",
];
const TYPES: &[&str] = &[
    "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL",
];
const LABEL_LIMIT: usize = 63;
const DEPTH_LIMIT: usize = 32;

/// The schema that the answer must obey, in any of the three ways to give one.
pub(super) fn schema(body: &Value) -> Option<&Value> {
    let config = &body["generationConfig"];
    let format = match &config["responseFormat"] {
        Value::Array(formats) => formats.first().unwrap_or(&Value::Null),
        other => other,
    };
    [
        &config["responseSchema"],
        &config["responseJsonSchema"],
        &format["text"]["schema"],
    ]
    .into_iter()
    .find(|schema| schema.is_object())
}

/// The type of a schema in capitals, whichever way it is written.
pub(super) fn type_of(schema: &Value) -> String {
    let name = match &schema["type"] {
        Value::Array(names) => names
            .iter()
            .find(|name| *name != "null")
            .and_then(Value::as_str),
        other => other.as_str(),
    };
    name.unwrap_or_default().to_ascii_uppercase()
}

/// Whether null is a value of this schema.
pub(super) fn is_nullable(schema: &Value) -> bool {
    schema["nullable"] == true
        || schema["type"]
            .as_array()
            .is_some_and(|names| names.iter().any(|name| name == "null"))
}

/// Why a request is refused.
pub(super) fn request(model: &str, body: &Value) -> Result<(), String> {
    let turns = body["contents"]
        .as_array()
        .filter(|turns| !turns.is_empty());
    let turns = turns.ok_or("contents is not specified")?;
    for turn in turns {
        if !matches!(turn["role"].as_str(), Some("user" | "model") | None) {
            return Err("Please use a valid role: user, model.".to_owned());
        }
        if turn["parts"].as_array().is_none_or(Vec::is_empty) {
            return Err(
                "Unable to submit request because it must have at least one parts field."
                    .to_owned(),
            );
        }
    }
    if turns.last().is_some_and(|turn| turn["role"] == "model") {
        return Err("Please ensure that the last turn of contents has the role user.".to_owned());
    }
    let config = &body["generationConfig"];
    let has_penalty = ["frequencyPenalty", "presencePenalty"]
        .iter()
        .any(|name| !config[*name].is_null());
    if has_penalty && version(model) >= (3, 5) {
        return Err(format!("Penalty is not supported by {model}."));
    }
    let thinking = &config["thinkingConfig"];
    if let Some(level) = thinking["thinkingLevel"].as_str() {
        if !["MINIMAL", "LOW", "MEDIUM", "HIGH"].contains(&level) {
            return Err(format!("Invalid value at 'thinking_level': \"{level}\""));
        }
        if !thinking["thinkingBudget"].is_null() {
            return Err("Only one of thinkingLevel and thinkingBudget can be set.".to_owned());
        }
    }
    safety(body)?;
    labels(body)?;
    if let Some(schema) = schema(body) {
        check_schema(schema, "response_schema", 0)?;
    }
    Ok(())
}

fn safety(body: &Value) -> Result<(), String> {
    let settings = body["safetySettings"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    if !settings.is_empty() && !body["modelArmorConfig"].is_null() {
        return Err("Only one of safetySettings and modelArmorConfig can be set.".to_owned());
    }
    for setting in settings {
        for (field, allowed) in [("category", CATEGORIES), ("threshold", THRESHOLDS)] {
            let value = setting[field].as_str().unwrap_or_default();
            if !allowed.contains(&value) {
                return Err(format!(
                    "Invalid value at 'safety_settings.{field}': \"{value}\""
                ));
            }
        }
    }
    Ok(())
}

fn labels(body: &Value) -> Result<(), String> {
    for (name, value) in body["labels"].as_object().into_iter().flatten() {
        let value = value
            .as_str()
            .ok_or_else(|| format!("The label {name} is not a string."))?;
        let is_allowed = |text: &str| {
            text.len() <= LABEL_LIMIT
                && text.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
                })
        };
        let begins_well = name
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_lowercase());
        if !begins_well || !is_allowed(name) || !is_allowed(value) {
            return Err(format!(
                "The label {name}: {value} is not allowed: lower case, at most 63 characters."
            ));
        }
    }
    Ok(())
}

fn check_schema(schema: &Value, at: &str, depth: usize) -> Result<(), String> {
    if depth > DEPTH_LIMIT {
        return Err(format!("The schema at {at} is too deep."));
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        return choices
            .iter()
            .try_for_each(|choice| check_schema(choice, at, depth + 1));
    }
    let name = type_of(schema);
    if !TYPES.contains(&name.as_str()) {
        return Err(format!("Invalid value at '{at}.type': \"{name}\""));
    }
    if let Some(values) = schema["enum"].as_array() {
        let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        if values.is_empty() || !values.iter().all(is_text) {
            return Err(format!("{at}.enum: must have values, none of them empty"));
        }
    }
    match name.as_str() {
        "OBJECT" => {
            let properties = schema["properties"]
                .as_object()
                .filter(|properties| !properties.is_empty());
            let properties = properties
                .ok_or_else(|| format!("{at}.properties: should be non-empty for OBJECT type"))?;
            for list in ["required", "propertyOrdering"] {
                for name in schema[list]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                {
                    if !properties.contains_key(name) {
                        return Err(format!("{at}.{list}: property {name} is not defined"));
                    }
                }
            }
            properties.iter().try_for_each(|(name, property)| {
                check_schema(property, &format!("{at}.properties[{name}]"), depth + 1)
            })
        }
        "ARRAY" if schema["items"].is_object() => {
            check_schema(&schema["items"], &format!("{at}.items"), depth + 1)
        }
        "ARRAY" => Err(format!("{at}.items: missing field.")),
        _ => Ok(()),
    }
}

/// The two numbers in `gemini-3.5-flash`.
fn version(model: &str) -> (u32, u32) {
    let number = model.split('-').nth(1).unwrap_or_default();
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    (major.parse().unwrap_or(0), minor.parse().unwrap_or(0))
}
