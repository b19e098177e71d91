//! Fills the schema of a request from what is understood, by the names of its properties.

use serde_json::{Map, Number, Value, json};

use super::checks::{is_nullable, list, type_of};
use super::numbers::as_digits;
use super::prompt::says;
use super::reading::{Fact, Field, Reading};

/// An answer that obeys the schema.
pub(super) fn fill(schema: &Value, reading: &Reading) -> Value {
    value(schema, &Slot::default(), reading).unwrap_or_else(|| neutral(schema, reading))
}

/// Sets the property of this name wherever it is, or adds it.
pub(super) fn set(answer: &mut Value, name: &str, value: &Value) {
    if !replace(answer, name, value)
        && let Some(fields) = answer.as_object_mut()
    {
        fields.insert(name.to_owned(), value.clone());
    }
}

fn replace(answer: &mut Value, name: &str, value: &Value) -> bool {
    let is_zip = |name: &str| Field::of(name) == Field::PostalCode;
    let is_meant = |field: &str| field == name || is_zip(field) && is_zip(name);
    let mut found = false;
    for (field, old) in answer.as_object_mut().into_iter().flatten() {
        if is_meant(field) {
            *old = value.clone();
            found = true;
        } else {
            found |= replace(old, name, value);
        }
    }
    for item in answer.as_array_mut().into_iter().flatten() {
        found |= replace(item, name, value);
    }
    found
}

/// Violates the schema: choices that do not exist, numbers over their maximum.
pub(super) fn violate(schema: &Value, answer: &mut Value) {
    let mut outside = Map::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if property["enum"].is_array() {
            outside.insert(name.clone(), json!("OUTSIDE_THE_SCHEMA"));
        } else if let Some(maximum) = property["maximum"].as_f64() {
            outside.insert(name.clone(), json!(maximum + 1000.0));
        }
    }
    match answer.as_object_mut().filter(|_| !outside.is_empty()) {
        Some(fields) => fields.extend(outside),
        None => *answer = json!({ "outside_the_schema": true }),
    }
}

/// Parts of the names of properties, and what such a property is about. The first part that a name contains decides.
const NAMES: &[(&str, Field)] = &[
    ("summary|synopsis|overview", Field::Summary),
    ("zip|postal|postcode", Field::PostalCode),
    ("phone|mobile", Field::Phone),
    ("callback|followup", Field::Callback),
    ("company|business|agent|staff", Field::Other),
    ("spam|robocall|solicit", Field::Spam),
    ("confidence|certainty", Field::Confidence),
    ("address|street|location|city|town", Field::Address),
    ("sentiment|mood|emotion|tone", Field::Sentiment),
    ("intent|purpose", Field::Intent),
    ("time|urgen|emergency|start|when", Field::Timeline),
    ("budget|price", Field::Budget),
    ("project|service|worktype|topic", Field::Project),
    ("name", Field::Name),
    ("score|leadquality|qualified|islead", Field::Score),
    (QUOTES, Field::Evidence),
];
const QUOTES: &str = "quote|evidence|verbatim|excerpt|reason|rationale|explanation|signal";
/// Those whose value can only be somebody's very words.
const VERBATIM: &str = "quote|evidence|verbatim|excerpt";

/// Whether a name contains one of these parts. `leadScore` and `lead_score` are the same.
fn has(name: &str, parts: &str) -> bool {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    let name = letters.collect::<String>().to_lowercase();
    parts.split('|').any(|part| name.contains(part))
}

impl Field {
    fn of(name: &str) -> Self {
        let mut names = NAMES.iter();
        names
            .find(|(parts, _)| has(name, parts))
            .map_or(Self::Other, |(_, field)| *field)
    }

    /// Its name as a signal, and an observation in our words.
    fn signal(self) -> (&'static str, &'static str) {
        match self {
            Self::Spam => ("spam", "Sounds like somebody who sells to everybody"),
            Self::Project => ("project", "Names a project"),
            Self::Budget => ("budget", "Names a sum"),
            Self::Timeline => ("timeline", "Says when to start"),
            Self::PostalCode | Self::Address => ("location", "Says where it is"),
            Self::Callback => ("callback", "Asks to be called"),
            _ => ("intent", "Says what it is about"),
        }
    }
}

/// A place in the schema.
#[derive(Debug, Clone, Copy, Default)]
struct Slot<'a> {
    name: &'a str,
    /// What the objects around it are about.
    around: Option<Field>,
    /// In a list of evidence: what this item is about, and its quote.
    item: Option<(Field, &'a str)>,
}

impl<'a> Slot<'a> {
    /// A name that says nothing, such as `level`, takes its meaning from what is around it.
    fn field(self) -> Field {
        match (Field::of(self.name), self.around) {
            (Field::Other, Some(around)) => around,
            (field, _) => field,
        }
    }

    /// What evidence at this place is about. `None` means the whole lead.
    fn about(self) -> Option<Field> {
        match Field::of(self.name) {
            Field::Evidence | Field::Other | Field::Score => self.around,
            field => Some(field),
        }
    }

    fn wants_quote(self) -> bool {
        has(self.name, QUOTES) && !has(self.name, "requested")
    }
}

/// The value of a place. `None` if the prompt does not say.
fn value(schema: &Value, slot: &Slot<'_>, reading: &Reading) -> Option<Value> {
    let mut choices = list(&schema["anyOf"]).iter();
    if let Some(chosen) = choices.find_map(|choice| value(choice, slot, reading)) {
        return Some(chosen);
    }
    let field = slot.field();
    let fact = reading.fact(field);
    let kind = type_of(schema);
    match kind.as_str() {
        "OBJECT" => Some(object(schema, slot, reading)),
        "ARRAY" => Some(array(schema, slot, reading)),
        "STRING" if schema["enum"].is_array() => choose(schema, slot, fact).map(Value::from),
        "STRING" => {
            let text = match slot.item {
                Some((_, quote)) => quote,
                None if slot.wants_quote() => reading.evidence(slot.about()).first()?.1,
                None => fact.map(|fact| fact.text.as_str())?,
            };
            let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
            let letters = (0..most).zip(text.chars()).map(|(_, letter)| letter);
            Some(letters.collect::<String>().into())
        }
        "INTEGER" | "NUMBER" => {
            // A share counts up to the maximum, or else to 1, or to 100 if it is whole.
            let is_share = !matches!(field, Field::Budget | Field::Timeline);
            let unit = if kind == "INTEGER" { 100.0 } else { 1.0 };
            let unit = schema["maximum"].as_f64().unwrap_or(unit);
            Some(number(
                schema,
                fact?.number? * if is_share { unit } else { 1.0 },
            ))
        }
        "BOOLEAN" => match (field, fact) {
            (Field::Callback, fact) => Some(fact.is_some().into()),
            (Field::Timeline, fact) => Some(fact.is_some_and(|it| it.number < Some(0.5)).into()),
            (_, fact) => Some((fact?.number? >= 0.5).into()),
        },
        _ => None,
    }
}

fn object(schema: &Value, slot: &Slot<'_>, reading: &Reading) -> Value {
    let required = list(&schema["required"]);
    let mut object = Map::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let is_text = type_of(property) == "STRING" && !property["enum"].is_array();
        let inner = Slot {
            name,
            around: slot.about(),
            item: slot.item,
        };
        let said = match slot.item {
            Some((field, _)) if is_text && !has(name, VERBATIM) => Some(field.signal().1.into()),
            _ => value(property, &inner, reading),
        };
        let is_needed = is_nullable(property) || required.iter().any(|other| other == name);
        let said = said.or_else(|| is_needed.then(|| neutral(property, reading)));
        object.extend(said.map(|value| (name.clone(), value)));
    }
    Value::Object(object)
}

fn array(schema: &Value, slot: &Slot<'_>, reading: &Reading) -> Value {
    let items = &schema["items"];
    let mut values = Vec::new();
    if slot.wants_quote() {
        for item in reading.evidence(slot.about()) {
            let item = Some(item);
            values.extend(value(items, &Slot { item, ..*slot }, reading));
        }
    } else {
        values.extend(value(items, slot, reading).filter(|value| value != "unknown"));
    }
    while values.len() as u64 > schema["maxItems"].as_u64().unwrap_or(5) {
        values.pop();
    }
    while (values.len() as u64) < schema["minItems"].as_u64().unwrap_or(0) {
        values.push(neutral(items, reading));
    }
    Value::Array(values)
}

/// One of the schema's own choices.
fn choose(schema: &Value, slot: &Slot<'_>, fact: Option<&Fact>) -> Option<String> {
    let choices = list(&schema["enum"]).iter().filter_map(Value::as_str);
    let choices: Vec<_> = choices.collect();
    let number = fact.and_then(|fact| fact.number);
    let stems = match (slot.item, fact) {
        (Some((field, _)), _) => vec![field.signal().0],
        (None, Some(fact)) => [fact.choices.as_slice(), &["other", "general"]].concat(),
        (None, None) => Vec::new(),
    };
    let unsure = ["unknown", "not stated", "none", "other", "neutral"];
    let found = number.and_then(|number| in_range(&choices, number));
    let found = found.or_else(|| matching(&choices, &stems));
    found.or_else(|| matching(&choices, &unsure))
}

/// The shortest choice that contains the first of the stems that any contains.
fn matching(choices: &[&str], stems: &[&str]) -> Option<String> {
    for stem in stems.iter().filter(|stem| !stem.is_empty()) {
        let fitting = choices.iter().filter(|choice| plain(choice).contains(stem));
        if let Some(choice) = fitting.min_by_key(|choice| choice.len()) {
            return Some((*choice).to_owned());
        }
    }
    None
}

/// The words of a choice, in lower case and with numbers as digits.
fn plain(choice: &str) -> String {
    as_digits(&choice.to_lowercase().replace('_', " "))
}

/// The choice whose numbers include a value: `1_3_months`, `6+ months`, `under_25k`.
fn in_range(choices: &[&str], value: f64) -> Option<String> {
    let includes = |choice: &&&str| {
        let words = plain(choice);
        let has = |phrases: &str| phrases.split('|').any(|phrase| says(&words, phrase));
        let bare = words.split([' ', '+', '$']);
        let numbers: Vec<f64> = bare.filter_map(|word| word.parse().ok()).collect();
        match numbers.as_slice() {
            [low, high, ..] => (*low..*high).contains(&value),
            [low] if has("plus|over|more|above|after") || choice.contains('+') => value >= *low,
            [high] => value < *high,
            [] => value < 1.0 && has("immediate|immediately|urgent|asap|emergency|now"),
        }
    };
    let choice = choices.iter().find(includes)?;
    Some((*choice).to_owned())
}

/// A number within its bounds, whole if it must be.
fn number(schema: &Value, value: f64) -> Value {
    let value = value.max(schema["minimum"].as_f64().unwrap_or(f64::MIN));
    let value = value.min(schema["maximum"].as_f64().unwrap_or(f64::MAX));
    if type_of(schema) == "INTEGER" {
        // Parsing makes a whole number without a cast.
        return json!(format!("{value:.0}").parse::<i64>().unwrap_or(0));
    }
    let rounded = (value * 1000.0).round() / 1000.0;
    Number::from_f64(rounded).map_or(json!(0), Value::Number)
}

/// A valid value that says nothing.
fn neutral(schema: &Value, reading: &Reading) -> Value {
    if is_nullable(schema) {
        return Value::Null;
    }
    if let Some(choice) = list(&schema["anyOf"]).first() {
        return neutral(choice, reading);
    }
    match type_of(schema).as_str() {
        "OBJECT" => object(schema, &Slot::default(), reading),
        "ARRAY" => array(schema, &Slot::default(), reading),
        "INTEGER" | "NUMBER" => number(schema, 0.0),
        "BOOLEAN" => Value::Bool(false),
        "STRING" if schema["enum"].is_array() => {
            let last = list(&schema["enum"]).last().cloned().unwrap_or_default();
            choose(schema, &Slot::default(), None).map_or(last, Value::from)
        }
        "STRING" if schema["minLength"].as_u64() > Some(0) => json!("unknown"),
        "STRING" => json!(""),
        _ => Value::Null,
    }
}
