//! Configuration as JSON: checked before it is stored, with every fault at its path; described by a JSON Schema;
//! completed with defaults; compared.

mod differences;
pub(crate) mod office;
pub mod shape;
mod workflow;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;
use serde_json::Value;

pub use self::differences::{Difference, differences, says_the_same};

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

/// What is sound of a configuration, so that it can be checked together although the rest is not.
///
/// Of a list the faulty items are left out, the others stay. Elsewhere the whole member of the configuration goes: what
/// its parts say together does not hold without one of them. Members of an object in `split` do not speak about each
/// other: only the faulty ones of them go.
pub(crate) struct Sound {
    pub(crate) json: Value,
    /// Where something is wrong.
    faulty: BTreeSet<String>,
    /// The items that were left out, by the path of their list.
    left_out: BTreeMap<String, BTreeSet<usize>>,
}

impl Sound {
    pub(crate) fn of(json: &Value, faults: &[ConfigFault], split: &[&str]) -> Self {
        let mut sound = Self {
            json: if json.is_object() {
                json.clone()
            } else {
                Value::Object(serde_json::Map::new())
            },
            faulty: faults.iter().map(|fault| fault.path.clone()).collect(),
            left_out: BTreeMap::new(),
        };
        for fault in faults {
            match item_of(json, &fault.path) {
                Some((list, index)) => {
                    sound.left_out.entry(list).or_default().insert(index);
                }
                None => sound.leave_out(&fault.path, split),
            }
        }
        for (path, left_out) in &sound.left_out {
            let mut names = path.split('.');
            let list = names.try_fold(&mut sound.json, |place, name| place.get_mut(name));
            // A list may have gone as a whole.
            if let Some(list) = list.and_then(Value::as_array_mut) {
                let mut indexes = 0..;
                list.retain(|_| {
                    indexes
                        .next()
                        .is_none_or(|index| !left_out.contains(&index))
                });
            }
        }
        sound
    }

    fn leave_out(&mut self, path: &str, split: &[&str]) {
        let mut names = path.split('.');
        let member = names.next().unwrap_or_default();
        let Some(members) = self.json.as_object_mut() else {
            return;
        };
        match (members.get_mut(member), names.next()) {
            (Some(Value::Object(of_split)), Some(name)) if split.contains(&member) => {
                of_split.remove(name);
            }
            _ => {
                members.remove(member);
            }
        }
    }

    /// Adds what further checks of the sound part found, under its paths in the whole. Where something was wrong already,
    /// nothing is added.
    pub(crate) fn tell(&self, further: Vec<ConfigFault>, faults: &mut Vec<ConfigFault>) {
        for mut fault in further {
            fault.path = self.path_in_whole(&fault.path);
            if !self.faulty.contains(&fault.path) {
                faults.push(fault);
            }
        }
    }

    fn path_in_whole(&self, path: &str) -> String {
        let mut whole = String::new();
        for name in path.split('.') {
            let left_out = self.left_out.get(&whole);
            let index = name.parse::<usize>().ok();
            let index = left_out.zip(index).map(|(left_out, index)| {
                let before = |index: usize, out: &usize| index + usize::from(*out <= index);
                left_out.iter().fold(index, before)
            });
            if !whole.is_empty() {
                whole.push('.');
            }
            match index {
                Some(index) => whole.push_str(&index.to_string()),
                None => whole.push_str(name),
            }
        }
        whole
    }
}

/// The list of the outermost item in which a path leads, and the item's index.
fn item_of(json: &Value, path: &str) -> Option<(String, usize)> {
    let mut place = json;
    let mut walked = 0;
    for name in path.split('.') {
        match place {
            Value::Array(items) => {
                let index = name.parse().ok().filter(|index| *index < items.len())?;
                let list = path.get(..walked)?.trim_end_matches('.');
                return Some((list.to_owned(), index));
            }
            Value::Object(members) => place = members.get(name)?,
            _ => return None,
        }
        walked += name.len() + 1;
    }
    None
}

fn shown(faults: &[ConfigFault]) -> String {
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    faults.join("; ")
}

/// `json` with the members that it lacks taken from `defaults`, at every depth: in a list, where `defaults` has one of as
/// many items. Other lists are taken as they are.
pub(crate) fn completed(json: &Value, defaults: &Value) -> Value {
    let (given, defaults) = match (json, defaults) {
        (Value::Object(given), Value::Object(defaults)) => (given, defaults),
        // The same list, read.
        (Value::Array(given), Value::Array(read)) if given.len() == read.len() => {
            let items = given.iter().zip(read);
            return items.map(|(item, read)| completed(item, read)).collect();
        }
        _ => return json.clone(),
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
