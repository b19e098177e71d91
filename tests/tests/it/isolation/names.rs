//! What two runs have in common although every id and time is another.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};

/// What was seen, with ids and times named by their order.
pub(super) struct Names<'a> {
    /// When each step began.
    pub(super) steps: &'a [Timestamp],
    pub(super) known: HashMap<String, String>,
}

/// Times that no run has in common with another, because pauses are drawn by lot, and what is only measured.
const DRAWN: [&str; 5] = ["due_at", "deadline", "latency_ms", "duration_ms", "oldest"];
/// What several stages of one request write to: who comes first within a step is chance.
const RACES: [&str; 2] = ["timeline", "usage"];
/// Ids of other systems.
const FOREIGN_IDS: [&str; 6] = [
    "id",
    "contact",
    "deal",
    "provider_id",
    "message_id",
    "hs_object_id",
];

impl Names<'_> {
    /// The same with every id and time by its name.
    pub(super) fn value(&mut self, key: &str, value: &Value) -> Value {
        match value {
            _ if DRAWN.contains(&key) => json!(value.is_null()),
            Value::String(text) if FOREIGN_IDS.contains(&key) => json!(self.name("id", text)),
            Value::String(text) => json!(self.text(text)),
            Value::Array(items) => {
                let mut items: Vec<_> = items.iter().map(|item| self.value(key, item)).collect();
                if RACES.contains(&key) {
                    items.sort_by_cached_key(Value::to_string);
                }
                Value::Array(items)
            }
            Value::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(key, value)| (self.text(key), self.value(key, value)));
                Value::Object(fields.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn text(&mut self, text: &str) -> String {
        if let Ok(time) = text.parse::<Timestamp>() {
            let step = self.steps.partition_point(|step| *step <= time);
            return format!("in step {step}");
        }
        let mut named = String::new();
        for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            let id = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let behind = word.get(id.len()..).unwrap();
            let hex = id.rsplit('_').next().unwrap();
            let is_drawn =
                matches!(hex.len(), 32 | 64) && hex.bytes().all(|b| b.is_ascii_hexdigit());
            if is_drawn {
                let kind = id.get(..id.len() - hex.len()).unwrap().to_owned();
                named.push_str(&self.name(&kind, id));
            } else {
                named.push_str(id);
            }
            named.push_str(behind);
        }
        named
    }

    fn name(&mut self, kind: &str, id: &str) -> String {
        let next = self.known.len();
        self.known
            .entry(id.to_owned())
            .or_insert_with(|| format!("<{kind}{next}>"))
            .clone()
    }

    /// As text, with one name for all ids that have none yet.
    fn with_unknown_ids_alike(&self, value: &Value) -> String {
        let mut names = Self {
            steps: self.steps,
            known: self.known.clone(),
        };
        let mut text = names.value("", value).to_string();
        for (id, name) in names.known {
            if !self.known.contains_key(&id) {
                text = text.replace(&name, "<>");
            }
        }
        text
    }
}

/// The lists of providers, whose order means nothing, in one that does not depend on ids.
pub(super) fn sorted(mut view: Value, steps: &[Timestamp]) -> Value {
    let mut names = Names {
        steps,
        known: HashMap::new(),
    };
    names.value("", &view["a_requests"]);
    for name in ["crm", "mails"] {
        sort_lists(&mut view[name], &names);
    }
    view
}

fn sort_lists(value: &mut Value, names: &Names<'_>) {
    match value {
        Value::Array(items) => {
            for item in items.iter_mut() {
                sort_lists(item, names);
            }
            items.sort_by_cached_key(|item| names.with_unknown_ids_alike(item));
        }
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|value| sort_lists(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
