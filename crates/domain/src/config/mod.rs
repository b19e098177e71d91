//! Configuration as JSON: checked before it is stored, with every fault at its path; described by a JSON Schema;
//! completed with defaults; compared.

mod differences;
pub(crate) mod office;
pub mod shape;
mod workflow;

use std::fmt;

use serde::Serialize;
use serde_json::Value;

pub use self::differences::{Difference, differences};

/// What is wrong with one part of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigFault {
    /// Where: names and positions with dots between, such as `service_area.polygons.0.ring.3`. Empty: the whole.
    pub path: String,
    /// What kind of fault, for programs: `missing`, `unknown_field`, `wrong_type`, `too_long`, `out_of_range`, `invalid`.
    pub code: &'static str,
    /// What should be there.
    pub message: String,
}

impl ConfigFault {
    /// A value that is not valid, whatever kind of value it is.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            code: "invalid",
            message: message.into(),
        }
    }

    /// The same under a code that says more.
    #[must_use]
    pub fn coded(self, code: &'static str) -> Self {
        Self { code, ..self }
    }
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// What is wrong with a configuration: every fault, each with its path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is not valid: {}", shown(faults))]
pub struct ConfigError {
    /// Each fault; those of single fields first, in the order of the fields.
    pub faults: Vec<ConfigFault>,
}

/// `json` without the members in which something is wrong, so that the others can be checked together. Members of an
/// object in `split` do not speak about each other: only the faulty ones of them go.
pub(crate) fn sound(json: &Value, faults: &[ConfigFault], split: &str) -> Value {
    let mut sound = json.clone();
    for fault in faults {
        let mut names = fault.path.split('.');
        let member = names.next().unwrap_or_default();
        let Some(members) = sound.as_object_mut() else {
            break;
        };
        match (members.get_mut(member), names.next()) {
            (Some(Value::Object(of_split)), Some(name)) if member == split => {
                of_split.remove(name);
            }
            _ => {
                members.remove(member);
            }
        }
    }
    if sound.is_object() {
        sound
    } else {
        Value::Object(serde_json::Map::new())
    }
}

fn shown(faults: &[ConfigFault]) -> String {
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    faults.join("; ")
}

/// `json` with the members that it lacks taken from `defaults`, at every depth. Lists are taken as they are.
pub(crate) fn completed(json: &Value, defaults: &Value) -> Value {
    let (Value::Object(given), Value::Object(defaults)) = (json, defaults) else {
        return json.clone();
    };
    let mut whole = defaults.clone();
    for (name, value) in given {
        let value = match defaults.get(name) {
            Some(default) => completed(value, default),
            None => value.clone(),
        };
        whole.insert(name.clone(), value);
    }
    Value::Object(whole)
}
