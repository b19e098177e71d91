//! The description as YAML that every reader reads alike. The writer quotes what YAML 1.2 would take for something else
//! than a text; readers of YAML 1.1, of which there are many, also take `off` for false, `17:30` for a number of base 60
//! and `2026-11-01` for a date. Source: YAML 1.1, the types `bool`, `int`, `float`, `timestamp`, `merge` and `value`.

use serde_json::Number;

/// The same with quotes around every plain text that an older reader would not take for one.
pub(super) fn for_every_reader(yaml: &str) -> String {
    let mut written = String::with_capacity(yaml.len() + 1024);
    // Lines that are indented further than this belong to a text of several lines.
    let mut block = None;
    for line in yaml.lines() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let is_of_block = block.is_some_and(|column| indent > column) || line.trim().is_empty();
        if block.is_some() && is_of_block {
            written.push_str(line);
        } else {
            block = write_line(line, &mut written);
        }
        written.push('\n');
    }
    written
}

/// Writes one line; the column that the text of several lines begins behind whose first line it is.
fn write_line(line: &str, written: &mut String) -> Option<usize> {
    let mut rest = line;
    let mut dash = 0;
    loop {
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        let (before, behind) = rest.split_at(blanks);
        written.push_str(before);
        rest = behind;
        let Some(item) = rest.strip_prefix("- ") else {
            break;
        };
        dash = line.len() - rest.len();
        written.push_str("- ");
        rest = item;
    }
    let column = line.len() - rest.len();
    let (key, value) = split(rest);
    if let Some(key) = key {
        push(key, written);
        written.push(':');
        if !value.is_empty() {
            written.push(' ');
        }
    }
    push(value, written);
    let is_block = value.starts_with(['|', '>']);
    is_block.then_some(if key.is_some() { column } else { dash })
}

/// The key of a line, if it has one, and what stands behind it.
fn split(text: &str) -> (Option<&str>, &str) {
    let quote = text.chars().next().filter(|first| "'\"".contains(*first));
    // Behind a quoted key comes a colon; a quote within it is not followed by one.
    let end = match quote {
        Some(quote) => text.find(&format!("{quote}:")).map(|end| end + 1),
        None if text.ends_with(':') => Some(text.len() - 1),
        None => text.find(": "),
    };
    let parts = end.and_then(|end| Some((text.get(..end)?, text.get(end..)?.strip_prefix(':')?)));
    match parts {
        Some((key, value)) => (Some(key), value.trim_start_matches(' ')),
        None => (None, text),
    }
}

fn push(scalar: &str, written: &mut String) {
    if is_misread(scalar) {
        written.push('\'');
        written.push_str(&scalar.replace('\'', "''"));
        written.push('\'');
    } else {
        written.push_str(scalar);
    }
}

/// Whether an older reader may take a plain scalar, which is a text, for something else. A few that it would not are
/// quoted, too.
fn is_misread(scalar: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "~", "=", "<<"];
    let begins_as_number =
        scalar.starts_with(|first: char| "+-.".contains(first) || first.is_ascii_digit());
    (begins_as_number && scalar != "-" && scalar.parse::<Number>().is_err())
        || WORDS.contains(&scalar.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_older_readers_take_for_something_else_are_quoted() {
        let plain = "state: off\n\
                     on:\n\
                     - 17:30\n\
                     - - 2026-11-01\n  - 1_000\n\
                     - from: 08:00\n  text: |-\n    off\n    17:30\n  to: Yes\n\
                     - |\n  no\n\
                     '200': 200\n\
                     \"y: z\": 0x1F\n\
                     path/{id}: it is off\n\
                     numbers: [1, 2]\n\
                     least: -1.5e3\n\
                     is_open: false\n\
                     none: null\n\
                     'off': 'off'\n";
        let quoted = "state: 'off'\n\
                      'on':\n\
                      - '17:30'\n\
                      - - '2026-11-01'\n  - '1_000'\n\
                      - from: '08:00'\n  text: |-\n    off\n    17:30\n  to: 'Yes'\n\
                      - |\n  no\n\
                      '200': 200\n\
                      \"y: z\": '0x1F'\n\
                      path/{id}: it is off\n\
                      numbers: [1, 2]\n\
                      least: -1.5e3\n\
                      is_open: false\n\
                      none: null\n\
                      'off': 'off'\n";
        assert_eq!(for_every_reader(plain), quoted);
        assert_eq!(for_every_reader(quoted), quoted);
    }
}
