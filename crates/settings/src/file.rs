//! Files of `KEY=value` lines.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{Fault, SettingsError, Value};

pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, Value>, SettingsError> {
    let text = fs::read_to_string(path).map_err(|error| SettingsError {
        faults: vec![Fault {
            key: path.display().to_string(),
            problem: format!("the file cannot be read ({error})"),
            hint: "name a file of KEY=value lines that this user may read, or none".to_owned(),
        }],
    })?;
    parse(&text).map_err(|lines| SettingsError {
        faults: lines.iter().map(|line| fault(path, *line)).collect(),
    })
}

/// The line itself is not repeated, because it may hold a secret.
fn fault(path: &Path, line: usize) -> Fault {
    Fault {
        key: format!("{}:{line}", path.display()),
        problem: "the line is not a KEY=value pair".to_owned(),
        hint: "write KEY=value, or begin the line with # to make it a comment".to_owned(),
    }
}

/// Reads the lines. The error holds the numbers of the faulty lines.
fn parse(text: &str) -> Result<BTreeMap<String, Value>, Vec<usize>> {
    let mut values = BTreeMap::new();
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match pair(line) {
            Some((key, value)) => {
                values.insert(key.to_owned(), Value::Text(value.to_owned()));
            }
            None => faults.push(number),
        }
    }
    if faults.is_empty() {
        Ok(values)
    } else {
        Err(faults)
    }
}

fn pair(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line
        .strip_prefix("export ")
        .unwrap_or(line)
        .split_once('=')?;
    let key = key.trim();
    let is_name = !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| (key, unquoted(value.trim())))
}

/// A quoted value is taken literally. After any other, white space and a comment may follow.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        let inner = value
            .strip_prefix(quote)
            .and_then(|rest| rest.split_once(quote));
        if let Some((inner, rest)) = inner
            && (rest.trim().is_empty() || rest.trim_start().starts_with('#'))
        {
            return inner;
        }
    }
    if value.starts_with('#') {
        return "";
    }
    match value.split_once(" #").or_else(|| value.split_once("\t#")) {
        Some((value, _)) => value.trim_end(),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_comments_quotes_and_exports_are_understood() {
        let text = "# a comment\n\nA=1\n export B = two words \nC=\"#quoted = yes\" # why\nD='x'\nE=a#b\nF=a # b\nG=\nH=# none\n";
        let values = parse(text).ok().unwrap();
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "#quoted = yes"),
            ("D", "x"),
            ("E", "a#b"),
            ("F", "a"),
            ("G", ""),
            ("H", ""),
        ];
        for (key, value) in expected {
            assert!(
                values.get(key) == Some(&Value::Text(value.to_owned())),
                "{key}"
            );
        }
        assert_eq!(values.len(), expected.len());
    }

    #[test]
    fn every_line_that_is_no_pair_is_named() {
        assert_eq!(
            parse("A=1\nnonsense\n=x\nB C=1\n").err(),
            Some(vec![2, 3, 4])
        );
    }
}
