//! A mapping's JSON Schema.

use serde_json::{Value, json};

use super::{
    Write,
    functions::{DateForm, FUNCTIONS, MAX_DECIMALS, MAX_TEXT, PhoneForm},
    limits::{MAX_FIELDS, MAX_PARTS, MAX_SAID, MAX_STEPS, MAX_VALUES},
};

/// What a mapping of any connector looks like: a JSON Schema of the draft 2020-12.
pub fn schema() -> Value {
    let scalar =
        json!({ "type": ["string", "number", "boolean"], "maxLength": MAX_SAID, "minimum": 0 });
    let said = json!({ "type": "string", "maxLength": MAX_SAID });
    let path = json!({ "type": "string", "description": "A path of the request: `contact.name`." });
    let words = |words: &[&str]| json!({ "type": "string", "enum": words });
    let of = |argument: &str, schema: Value, about: &str| {
        json!({
            "type": "object", "properties": { argument: schema }, "required": [argument],
            "additionalProperties": false, "description": about,
        })
    };
    let steps = FUNCTIONS.iter().map(|function| {
        let argument = match function.name {
            "cut" => json!({ "type": "integer", "minimum": 1, "maximum": MAX_TEXT }),
            "date" => words(&DateForm::WORDS.map(|(word, _)| word)),
            "phone" => words(&PhoneForm::WORDS.map(|(word, _)| word)),
            "default" => scalar.clone(),
            "join" => said.clone(),
            "number" => json!({ "type": "integer", "minimum": 0, "maximum": MAX_DECIMALS }),
            "map" => json!({
                "type": "object",
                "properties": {
                    "values": {
                        "type": "object", "minProperties": 1, "maxProperties": MAX_VALUES,
                        "additionalProperties": scalar,
                    },
                    "otherwise": { "type": ["string", "number", "boolean", "null"], "maxLength": MAX_SAID, "minimum": 0 },
                },
                "required": ["values"], "additionalProperties": false,
            }),
            _ => return json!({ "const": function.name, "description": function.about }),
        };
        of(function.name, argument, function.about)
    });
    let mut steps: Vec<_> = steps.collect();
    steps.push(json!({ "const": "number" }));
    let expression = |has_write: bool, parts: &str| {
        let parts = json!({ "type": "array", "minItems": 1, "maxItems": MAX_PARTS, "items": { "$ref": parts } });
        let mut properties = json!({
            "from": path, "value": scalar, "concat": parts, "first": parts, "separator": said,
            "then": { "type": "array", "maxItems": MAX_STEPS, "items": { "$ref": "#/$defs/function" } },
        });
        if has_write {
            properties["write"] = words(&[Write::IfEmpty.as_str(), Write::Always.as_str()]);
        }
        let one = |name: &str| json!({ "required": [name] });
        json!({
            "type": "object", "properties": properties, "additionalProperties": false,
            "oneOf": [one("from"), one("value"), one("concat"), one("first")],
            "dependentRequired": { "separator": ["concat"] },
        })
    };
    let (part, deepest) = ("#/$defs/part", "#/$defs/deepest");
    let alone = |parts: &str| json!({ "anyOf": [path, expression(false, parts)] });
    let end = json!({
        "anyOf": [path, {
            "type": "object",
            "properties": { "from": path, "value": scalar, "then": { "type": "array", "maxItems": MAX_STEPS, "items": { "$ref": "#/$defs/function" } } },
            "additionalProperties": false,
            "oneOf": [{ "required": ["from"] }, { "required": ["value"] }],
        }]
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "/v1/schemas/field-mapping",
        "title": "Field mapping of a connection to a CRM",
        "type": "object",
        "properties": {
            "fields": {
                "description": "A rule for each field, by the CRM's name of the kind of record, then of the field. What is not here is sent as usual.",
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "maxProperties": MAX_FIELDS,
                    "additionalProperties": { "anyOf": [{ "type": "null" }, path, expression(true, part)] },
                },
            },
        },
        "additionalProperties": false,
        "$defs": {
            "function": { "oneOf": steps },
            "part": alone(deepest),
            "deepest": end,
        },
    })
}
