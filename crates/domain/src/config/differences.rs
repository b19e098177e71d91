//! What two versions of a configuration say differently.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use serde_json::Value;

/// One place at which two configurations differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Where: names and positions with dots between. For an entry of a list of texts, the list.
    pub path: String,
    /// What was there; null where there was nothing.
    pub before: Value,
    /// What is there; null where there is nothing any more.
    pub after: Value,
}

/// Where two configurations differ, in the order of their fields. Objects are compared member by member, lists of objects
/// position by position; of a list of texts, each text that came or went is told; other lists are told whole.
pub fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
            for name in names {
                let (old, new) = (old.get(name), new.get(name));
                let (old, new) = (old.unwrap_or(&Value::Null), new.unwrap_or(&Value::Null));
                compare(&below(path, name), old, new, found);
            }
        }
        (Value::Array(old), Value::Array(new)) if all(old, new, Value::is_object) => {
            for index in 0..old.len().max(new.len()) {
                let (old, new) = (old.get(index), new.get(index));
                let (old, new) = (old.unwrap_or(&Value::Null), new.unwrap_or(&Value::Null));
                compare(&below(path, &index.to_string()), old, new, found);
            }
        }
        (Value::Array(old), Value::Array(new)) if all(old, new, Value::is_string) => {
            let changed = texts(path, old, new);
            if changed.is_empty() && old != new {
                found.push(difference(path, before, after));
            }
            found.extend(changed);
        }
        _ if says_the_same(before, after) => {}
        _ => found.push(difference(path, before, after)),
    }
}

/// The texts that went, then those that came.
fn texts(path: &str, old: &[Value], new: &[Value]) -> Vec<Difference> {
    let mut counts: HashMap<&Value, i64> = HashMap::new();
    for text in new {
        *counts.entry(text).or_default() += 1;
    }
    let mut changed = Vec::new();
    for text in old {
        let count = counts.entry(text).or_default();
        if *count > 0 {
            *count -= 1;
        } else {
            changed.push(difference(path, text, &Value::Null));
        }
    }
    for text in new {
        if let Some(count) = counts.get_mut(text).filter(|count| **count > 0) {
            *count -= 1;
            changed.push(difference(path, &Value::Null, text));
        }
    }
    changed
}

fn all(old: &[Value], new: &[Value], is_of_kind: fn(&Value) -> bool) -> bool {
    old.iter().chain(new).all(is_of_kind)
}

/// Whether two values say the same: 50 is 50.0.
pub fn says_the_same(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Number(before), Value::Number(after)) => before.as_f64() == after.as_f64(),
        (Value::Array(before), Value::Array(after)) => {
            let mut pairs = before.iter().zip(after);
            before.len() == after.len() && pairs.all(|(before, after)| says_the_same(before, after))
        }
        (Value::Object(before), Value::Object(after)) => {
            let is_there = |(name, old): (&String, &Value)| {
                let new = after.get(name);
                new.is_some_and(|new| says_the_same(old, new))
            };
            before.len() == after.len() && before.iter().all(is_there)
        }
        _ => before == after,
    }
}

fn difference(path: &str, before: &Value, after: &Value) -> Difference {
    Difference {
        path: path.to_owned(),
        before: before.clone(),
        after: after.clone(),
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(before: &Value, after: &Value) -> Value {
        let rows = differences(before, after).into_iter();
        rows.map(|d| json!([d.path, d.before, d.after])).collect()
    }

    #[test]
    fn equal_configurations_do_not_differ() {
        let json = json!({ "a": 50, "b": [[1, 2]], "c": { "d": null } });
        let same = json!({ "a": 50.0, "b": [[1.0, 2]], "c": {} });
        assert_eq!(differences(&json, &same), []);
    }

    #[test]
    fn a_text_that_came_or_went_is_told_alone() {
        let before = json!({ "zips": ["78664", "78701", "78701"] });
        let after = json!({ "zips": ["78701", "786xx"] });
        let expected = json!([
            ["zips", "78664", null],
            ["zips", "78701", null],
            ["zips", null, "786xx"],
        ]);
        assert_eq!(shown(&before, &after), expected);
        let turned = json!({ "zips": ["78701", "78664", "78701"] });
        assert_eq!(differences(&before, &turned).len(), 1);
    }

    #[test]
    fn members_and_positions_are_named() {
        let before = json!({ "list": [{ "a": 1 }], "waits": [1, 2], "radius": null });
        let after =
            json!({ "list": [{ "a": 2 }, { "a": 3 }], "waits": [1], "radius": { "miles": 5 } });
        let expected = json!([
            ["list.0.a", 1, 2],
            ["list.1", null, { "a": 3 }],
            ["radius", null, { "miles": 5 }],
            ["waits", [1, 2], [1]],
        ]);
        assert_eq!(shown(&before, &after), expected);
    }
}
