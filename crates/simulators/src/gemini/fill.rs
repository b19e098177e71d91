//! Fills whatever schema is asked for, by the names of its properties.

use serde_json::{Map, Number, Value, json};

use super::checks::{is_nullable, type_of};
use super::choice::{in_range, matching, matter_stems, mood_stems, unsure};
use super::concept::{Concept, Place, is_verbatim, snake, speaks_of_quotes};
use super::reading::{Matter, Reading};

/// An answer that obeys the schema.
pub(super) fn fill(schema: &Value, reading: &Reading) -> Value {
    let walk = Walk {
        root: schema,
        reading,
    };
    walk.value(schema, &Place::default())
        .unwrap_or_else(|| walk.neutral(schema))
}

/// Lays a value over the field of this name, wherever it stands; a new field where there is none.
pub(super) fn set(answer: &mut Value, name: &str, value: &Value) {
    if !replace(answer, name, value)
        && let Some(fields) = answer.as_object_mut()
    {
        fields.insert(name.to_owned(), value.clone());
    }
}

fn replace(answer: &mut Value, name: &str, value: &Value) -> bool {
    let is_meant = |field: &str| {
        field == name
            || (Concept::of(field) == Concept::PostalCode
                && Concept::of(name) == Concept::PostalCode)
    };
    match answer {
        Value::Object(fields) => {
            let mut found = false;
            for (field, old) in fields.iter_mut() {
                if is_meant(field) {
                    found = true;
                    match old
                        .as_object_mut()
                        .filter(|_| !value.is_object())
                        .and_then(|old| old.get_mut("value"))
                    {
                        Some(old) => *old = value.clone(),
                        None => *old = value.clone(),
                    }
                } else {
                    found |= replace(old, name, value);
                }
            }
            found
        }
        Value::Array(items) => items
            .iter_mut()
            .map(|item| replace(item, name, value))
            .fold(false, |found, here| found | here),
        _ => false,
    }
}

/// Breaks the schema: choices that do not exist, numbers over their maximum.
pub(super) fn leave_schema(schema: &Value, answer: &mut Value) {
    let mut has_left = false;
    if let (Some(properties), Some(fields)) =
        (schema["properties"].as_object(), answer.as_object_mut())
    {
        for (name, property) in properties {
            let outside = if property["enum"].is_array() {
                json!("OUTSIDE_THE_SCHEMA")
            } else if let Some(maximum) = property["maximum"].as_f64() {
                json!(maximum + 1000.0)
            } else {
                continue;
            };
            fields.insert(name.clone(), outside);
            has_left = true;
        }
    }
    if !has_left {
        *answer = json!({ "outside_the_schema": true });
    }
}

struct Walk<'a> {
    root: &'a Value,
    reading: &'a Reading,
}

impl Walk<'_> {
    /// The value for a place; `None` when the text does not say.
    fn value(&self, schema: &Value, place: &Place) -> Option<Value> {
        if let Some(reference) = schema["$ref"].as_str().or_else(|| schema["ref"].as_str()) {
            return self.value(self.root.pointer(reference.trim_start_matches('#'))?, place);
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            let choices = choices.iter().filter(|choice| type_of(choice) != "NULL");
            return choices.clone().find_map(|choice| self.value(choice, place));
        }
        match type_of(schema).as_str() {
            "OBJECT" => Some(self.object(schema, place)),
            "ARRAY" => Some(self.array(schema, place)),
            "STRING" if schema["enum"].is_array() => self.choice(schema, place).map(Value::String),
            "STRING" => self
                .text(place)
                .map(|text| Value::String(bounded(schema, &text))),
            "INTEGER" | "NUMBER" => self.number(schema, place),
            "BOOLEAN" => self.truth(place).map(Value::Bool),
            _ => None,
        }
    }

    fn object(&self, schema: &Value, place: &Place) -> Value {
        let mut object = Map::new();
        let has_quote = schema["properties"]
            .as_object()
            .is_some_and(|names| names.keys().any(|name| is_verbatim(name)));
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let mut inner = place.below(name);
            inner.is_beside_quote = place.piece.is_some() && has_quote && !is_verbatim(name);
            let is_required = schema["required"]
                .as_array()
                .is_some_and(|names| names.iter().any(|other| other == name));
            match self.value(property, &inner) {
                Some(value) => object.insert(name.clone(), value),
                None if can_be_null(property) => object.insert(name.clone(), Value::Null),
                None if is_required => object.insert(name.clone(), self.neutral(property)),
                None => None,
            };
        }
        Value::Object(object)
    }

    fn array(&self, schema: &Value, place: &Place) -> Value {
        let items = &schema["items"];
        let most = schema["maxItems"]
            .as_u64()
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(5);
        let least = schema["minItems"]
            .as_u64()
            .and_then(|least| usize::try_from(least).ok())
            .unwrap_or(0);
        let pieces = self.pieces(place);
        let mut values: Vec<Value> = if place.wants_quote() {
            let filled = (0..pieces.len().min(most)).map(|piece| {
                let place = Place {
                    piece: Some(piece),
                    around: about(place),
                    ..place.clone()
                };
                self.value(items, &place)
                    .unwrap_or_else(|| self.neutral(items))
            });
            filled.collect()
        } else {
            self.value(items, place)
                .filter(is_said)
                .into_iter()
                .take(most)
                .collect()
        };
        while values.len() < least {
            values.push(self.neutral(items));
        }
        Value::Array(values)
    }

    /// The evidence that a list or a quote at this place draws from: what it shows, and the words.
    fn pieces(&self, place: &Place) -> Vec<(&'static str, &str)> {
        let reading = self.reading;
        let about = match place.piece {
            Some(_) => place.around,
            None => about(place),
        };
        let home = || {
            reading
                .address
                .as_ref()
                .or(reading.postal_code.as_ref())
                .or(reading.city.as_ref())
        };
        let (label, quote) = match about {
            Some(Concept::Spam) => {
                let quotes = reading.spam_quotes.iter();
                return quotes.map(|quote| ("spam", quote.as_str())).collect();
            }
            Some(Concept::Project) => ("project", reading.topic.as_ref().map(|fact| &fact.quote)),
            Some(Concept::Budget) => ("budget", reading.dollars.as_ref().map(|fact| &fact.quote)),
            Some(Concept::Timeline) => {
                ("timeline", reading.months.as_ref().map(|fact| &fact.quote))
            }
            Some(Concept::Sentiment) => ("sentiment", Some(&reading.mood.quote)),
            Some(Concept::Intent) => ("intent", Some(&reading.matter.quote)),
            Some(Concept::PostalCode) => (
                "location",
                reading.postal_code.as_ref().map(|fact| &fact.quote),
            ),
            Some(Concept::Address | Concept::Location | Concept::City) => {
                ("location", home().map(|fact| &fact.quote))
            }
            _ => return reading.evidence(),
        };
        let quote = quote.filter(|quote| !quote.is_empty());
        quote
            .into_iter()
            .map(|quote| (label, quote.as_str()))
            .collect()
    }

    fn text(&self, place: &Place) -> Option<String> {
        let reading = self.reading;
        let is_words = ["text", "value", "words"].contains(&snake(&place.name).as_str());
        if place.wants_quote() || (place.piece.is_some() && is_words) {
            let mut pieces = self.pieces(place).into_iter();
            return pieces
                .nth(place.piece.unwrap_or(0))
                .map(|(_, quote)| quote.to_owned());
        }
        if let Some(piece) = place.piece {
            let (label, _) = self.pieces(place).into_iter().nth(piece)?;
            return Some(
                if speaks_of_quotes(&snake(&place.name)) {
                    observation(label)
                } else {
                    label
                }
                .to_owned(),
            );
        }
        match place.concept() {
            Concept::Summary => Some(reading.summary()),
            Concept::PostalCode => reading.postal_code.as_ref().map(|fact| fact.value.clone()),
            Concept::Address => {
                // Where nothing else asks for the town, it belongs to the address.
                let town = reading.city.as_ref().filter(|_| !self.asks_for_town());
                let address = reading.address.as_ref().or(town);
                address.map(|fact| fact.value.clone())
            }
            Concept::City => reading.city.as_ref().map(|fact| fact.value.clone()),
            Concept::State => reading.state.as_ref().map(|fact| fact.value.clone()),
            Concept::Location => {
                let place = reading
                    .address
                    .as_ref()
                    .or(reading.city.as_ref())
                    .or(reading.postal_code.as_ref());
                place.map(|fact| fact.value.clone())
            }
            Concept::Name => reading.name.as_ref().map(|fact| fact.value.clone()),
            Concept::FirstName => {
                let name = reading.name.as_ref()?;
                name.value.split_whitespace().next().map(str::to_owned)
            }
            Concept::LastName => {
                let name = reading.name.as_ref()?;
                name.value
                    .split_whitespace()
                    .skip(1)
                    .last()
                    .map(str::to_owned)
            }
            Concept::Email => reading.email.as_ref().map(|fact| fact.value.clone()),
            Concept::Phone => reading.phone.as_ref().map(|fact| fact.value.clone()),
            Concept::Language => Some(reading.language.to_owned()),
            Concept::Project => reading
                .topic
                .as_ref()
                .map(|fact| fact.value.name.to_owned()),
            Concept::Timeline => reading.months.as_ref().map(|fact| fact.quote.clone()),
            Concept::Budget => reading
                .dollars
                .as_ref()
                .map(|fact| format!("${:.0}", fact.value)),
            Concept::Intent => Some(
                matter_stems(reading.matter.value)
                    .first()
                    .copied()
                    .unwrap_or("other")
                    .to_owned(),
            ),
            Concept::Sentiment => Some(
                mood_stems(reading.mood.value)
                    .first()
                    .copied()
                    .unwrap_or("neutral")
                    .to_owned(),
            ),
            _ => None,
        }
    }

    fn asks_for_town(&self) -> bool {
        let schema = self.root.to_string();
        ["\"city\":", "\"town\":"]
            .iter()
            .any(|name| schema.contains(name))
    }

    fn number(&self, schema: &Value, place: &Place) -> Option<Value> {
        let reading = self.reading;
        let name = snake(&place.name);
        let is_integer = type_of(schema) == "INTEGER";
        // What counts up to a hundred counts up to one where the schema, or the name, says so.
        let highest = |unit: f64| schema["maximum"].as_f64().unwrap_or(unit);
        let fraction = if is_integer { 100.0 } else { 1.0 };
        let value = match place.concept() {
            Concept::Spam => {
                let unit = if name.contains("probability") {
                    fraction
                } else {
                    100.0
                };
                reading.spam_percent / 100.0 * highest(unit)
            }
            Concept::LeadScore => reading.lead_percent() / 100.0 * highest(100.0),
            Concept::Confidence => reading.confidence() * highest(fraction),
            Concept::Sentiment => {
                let lowest = schema["minimum"].as_f64().unwrap_or(-1.0);
                let highest = highest(1.0);
                lowest + (reading.mood.value + 1.0) / 2.0 * (highest - lowest)
            }
            Concept::Budget => {
                let cents = if name.contains("cents") { 100.0 } else { 1.0 };
                reading.dollars.as_ref()?.value * cents
            }
            Concept::Timeline => {
                let days = if name.contains("days") { 30.0 } else { 1.0 };
                reading.months.as_ref()?.value * days
            }
            _ if place.piece.is_some() => place.piece.unwrap_or(0) as f64,
            _ => return None,
        };
        Some(number(schema, value))
    }

    fn truth(&self, place: &Place) -> Option<bool> {
        let reading = self.reading;
        let name = snake(&place.name);
        match place.concept() {
            Concept::Spam => Some(reading.spam_percent >= 50.0),
            Concept::Callback => Some(reading.callback.is_some()),
            Concept::Timeline => Some(reading.is_urgent()),
            Concept::LeadScore => Some(reading.lead_percent() >= 50.0),
            _ if name.contains("emergency") => Some(reading.is_urgent()),
            _ if name.contains("existing") => {
                Some(reading.matter.value == Matter::ExistingCustomer)
            }
            _ if name.contains("lead") => Some(reading.topic.is_some()),
            _ => None,
        }
    }

    /// One of the schema's own choices.
    fn choice(&self, schema: &Value, place: &Place) -> Option<String> {
        let choices: Vec<_> = schema["enum"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let reading = self.reading;
        if let Some(piece) = place.piece {
            let (label, _) = self.pieces(place).into_iter().nth(piece)?;
            return matching(&choices, &[label]).or_else(|| unsure(&choices));
        }
        match place.concept() {
            Concept::Intent => {
                matching(&choices, matter_stems(reading.matter.value)).or_else(|| unsure(&choices))
            }
            Concept::Sentiment => {
                matching(&choices, mood_stems(reading.mood.value)).or_else(|| unsure(&choices))
            }
            Concept::Project => match &reading.topic {
                // A project that is not on the list is another one, not an unknown one.
                Some(topic) => matching(&choices, topic.value.choices)
                    .or_else(|| matching(&choices, &["other", "general"]))
                    .or_else(|| unsure(&choices)),
                None => unsure(&choices),
            },
            Concept::Timeline => match &reading.months {
                Some(months) => {
                    let level = if months.value < 1.0 {
                        "high"
                    } else if months.value < 6.0 {
                        "medium"
                    } else {
                        "low"
                    };
                    in_range(&choices, months.value)
                        .or_else(|| matching(&choices, &[level]))
                        .or_else(|| unsure(&choices))
                }
                None => unsure(&choices),
            },
            Concept::Budget => match &reading.dollars {
                Some(dollars) => {
                    let level = if dollars.value >= 75_000.0 {
                        "high"
                    } else if dollars.value >= 25_000.0 {
                        "medium"
                    } else {
                        "low"
                    };
                    matching(&choices, &[level])
                        .or_else(|| in_range(&choices, dollars.value))
                        .or_else(|| unsure(&choices))
                }
                None => unsure(&choices),
            },
            Concept::Language => {
                matching(&choices, &[reading.language]).or_else(|| unsure(&choices))
            }
            Concept::Confidence => {
                let level = if reading.confidence() >= 0.75 {
                    "high"
                } else {
                    "medium"
                };
                matching(&choices, &[level])
            }
            Concept::LeadScore => {
                let percent = reading.lead_percent();
                let level = if percent >= 70.0 {
                    ["hot", "high"]
                } else if percent >= 40.0 {
                    ["warm", "medium"]
                } else {
                    ["cold", "low"]
                };
                matching(&choices, &level).or_else(|| unsure(&choices))
            }
            Concept::Spam => {
                let level = if reading.spam_percent >= 85.0 {
                    ["spam", "high"]
                } else if reading.spam_percent >= 50.0 {
                    ["suspicious", "medium"]
                } else {
                    ["not", "low"]
                };
                matching(&choices, &level).or_else(|| unsure(&choices))
            }
            _ => unsure(&choices),
        }
    }

    /// A valid value that says nothing.
    fn neutral(&self, schema: &Value) -> Value {
        if can_be_null(schema) {
            return Value::Null;
        }
        if let Some(choice) = schema["anyOf"]
            .as_array()
            .and_then(|choices| choices.first())
        {
            return self.neutral(choice);
        }
        match type_of(schema).as_str() {
            "OBJECT" => self.object(schema, &Place::default()),
            "ARRAY" => self.array(schema, &Place::default()),
            "INTEGER" | "NUMBER" => number(schema, 0.0),
            "BOOLEAN" => Value::Bool(false),
            "STRING" => {
                let choices = schema["enum"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect::<Vec<_>>();
                let is_long = schema["minLength"].as_u64().is_some_and(|least| least > 0);
                json!(
                    unsure(&choices)
                        .or(choices.last().map(|last| (*last).to_owned()))
                        .unwrap_or_else(|| {
                            if is_long {
                                "unknown".to_owned()
                            } else {
                                String::new()
                            }
                        })
                )
            }
            _ => Value::Null,
        }
    }
}

/// What a list of evidence is about: what its name says, else what is around it.
fn about(place: &Place) -> Option<Concept> {
    match Concept::of(&place.name) {
        Concept::Quotes | Concept::Unknown | Concept::LeadScore => place.around,
        concept => Some(concept),
    }
}

/// A piece of evidence in our words.
fn observation(label: &str) -> &'static str {
    match label {
        "spam" => "Sounds like somebody who sells to everybody",
        "project" => "Names a project",
        "budget" => "Names a sum",
        "timeline" => "Says when to begin",
        "location" => "Says where it is",
        "callback" => "Asks to be called",
        _ => "Says what it is about",
    }
}

fn is_said(value: &Value) -> bool {
    match value {
        Value::String(text) => !["", "unknown", "UNKNOWN", "none", "NONE"].contains(&text.as_str()),
        Value::Null => false,
        _ => true,
    }
}

fn can_be_null(schema: &Value) -> bool {
    is_nullable(schema)
        || schema["anyOf"]
            .as_array()
            .is_some_and(|choices| choices.iter().any(|choice| type_of(choice) == "NULL"))
}

/// A number within its bounds, whole where it must be.
fn number(schema: &Value, value: f64) -> Value {
    let value = value
        .max(schema["minimum"].as_f64().unwrap_or(f64::MIN))
        .min(schema["maximum"].as_f64().unwrap_or(f64::MAX));
    if type_of(schema) == "INTEGER" {
        // Parsing keeps a whole number whole, without a cast.
        return format!("{:.0}", value.round())
            .parse::<i64>()
            .map_or(json!(0), |whole| json!(whole));
    }
    let rounded = (value * 1000.0).round() / 1000.0;
    Number::from_f64(rounded).map_or(json!(0), Value::Number)
}

fn bounded(schema: &Value, text: &str) -> String {
    let most = schema["maxLength"]
        .as_u64()
        .and_then(|most| usize::try_from(most).ok())
        .unwrap_or(usize::MAX);
    text.chars().take(most).collect()
}
