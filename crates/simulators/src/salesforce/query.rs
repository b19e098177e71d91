//! As much of SOQL and SOSL as there is to be asked.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::org::{Org, Record};

/// `SELECT a, b FROM X WHERE f = 'v' [OR g = 'w'] [ORDER BY CreatedDate] [LIMIT n]`.
pub(super) fn select(query: &str, org: &Org) -> Result<Vec<Value>, String> {
    let wrong = || format!("unexpected token: '{query}'");
    let rest = query.strip_prefix("SELECT ").ok_or_else(wrong)?;
    let (names, rest) = rest.split_once(" FROM ").ok_or_else(wrong)?;
    let (object, rest) = rest.split_once(" WHERE ").ok_or_else(wrong)?;
    let (rest, limit) = limited(rest)?;
    let rest = rest.strip_suffix(" ORDER BY CreatedDate").unwrap_or(rest);
    let mut conditions = Vec::new();
    let mut left = rest;
    loop {
        let (field, after) = left.split_once(" = '").ok_or_else(wrong)?;
        let (value, after) = unquoted(after).ok_or_else(wrong)?;
        conditions.push((field.trim().to_owned(), value));
        match after.strip_prefix(" OR ") {
            Some(more) => left = more,
            None if after.is_empty() => break,
            None => return Err(wrong()),
        }
    }
    let is_meant = |record: &&Record| {
        record.object == object
            && conditions.iter().any(|(field, value)| {
                let text = record.fields.get(field).and_then(Value::as_str);
                text.is_some_and(|text| text.eq_ignore_ascii_case(value))
            })
    };
    let found = org.records.values().filter(is_meant).take(limit);
    found.map(|record| shown(record, names)).collect()
}

/// `FIND {digits} IN PHONE FIELDS RETURNING Lead(a, b LIMIT n)`: what was written before `seen_until`.
pub(super) fn find(query: &str, org: &Org, seen_until: Timestamp) -> Result<Vec<Value>, String> {
    let wrong = || format!("unexpected token: '{query}'");
    let rest = query.strip_prefix("FIND {").ok_or_else(wrong)?;
    let (digits, rest) = rest.split_once('}').ok_or_else(wrong)?;
    let rest = rest
        .strip_prefix(" IN PHONE FIELDS RETURNING Lead(")
        .and_then(|rest| rest.strip_suffix(')'));
    let (names, limit) = limited(rest.ok_or_else(wrong)?)?;
    if digits.len() < 2 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("search term must be longer than one character".to_owned());
    }
    let has_it = |record: &Record| {
        ["Phone", "MobilePhone"].iter().any(|name| {
            let text = record.fields.get(*name).and_then(Value::as_str);
            let text = text.unwrap_or_default();
            let own: String = text.chars().filter(char::is_ascii_digit).collect();
            own.ends_with(digits)
        })
    };
    let found = org.records.values().filter(|record| {
        record.object == "Lead" && record.written_at <= seen_until && has_it(record)
    });
    found
        .take(limit)
        .map(|record| shown(record, names))
        .collect()
}

fn limited(query: &str) -> Result<(&str, usize), String> {
    match query.rsplit_once(" LIMIT ") {
        None => Ok((query, 2_000)),
        Some((rest, limit)) => match limit.parse() {
            Ok(limit) => Ok((rest, limit)),
            Err(_) => Err(format!("expecting a number, found '{limit}'")),
        },
    }
}

/// A quoted text after its first quote, and what stands behind its last one.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => value.push(letters.next()?.1),
            '\'' => return Some((value, text.get(at + 1..)?)),
            other => value.push(other),
        }
    }
    None
}

fn shown(record: &Record, names: &str) -> Result<Value, String> {
    let mut shown = Map::new();
    shown.insert("attributes".to_owned(), json!({ "type": record.object }));
    for name in names.split(',').map(str::trim) {
        if name.is_empty() {
            return Err("a field is missing".to_owned());
        }
        let value = record.fields.get(name).cloned().unwrap_or_default();
        shown.insert(name.to_owned(), value);
    }
    Ok(Value::Object(shown))
}
