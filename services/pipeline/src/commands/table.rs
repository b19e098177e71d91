//! Tables of what the API answered.

use comfy_table::{Table, presets::NOTHING};
use domain::text;
use jiff::Timestamp;
use serde_json::Value;

/// The longest text of a cell.
const MAX_CELL: usize = 100;

/// A table with these columns: the heading, and the field of each item.
pub(super) fn table<'a>(
    columns: &[(&str, &str)],
    items: impl IntoIterator<Item = &'a Value>,
) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(columns.iter().map(|(heading, _)| heading.to_uppercase()));
    for item in items {
        table.add_row(columns.iter().map(|(_, field)| cell(field_of(item, field))));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// A field by its path: `caller.name`.
pub(super) fn field_of<'a>(item: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(item, |value, name| &value[name])
}

/// A value on one line. Text from outside cannot steer the terminal.
pub(super) fn cell(value: &Value) -> String {
    let shown = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(time) => format!("{time:.0}"),
            Err(_) => text::line(text, MAX_CELL).unwrap_or_else(|| "-".to_owned()),
        },
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(fields) if fields.is_empty() => "-".to_owned(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| format!("{name}={}", cell(value)))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    };
    text::bounded(&shown, 3 * MAX_CELL)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_line_up_and_nothing_steers_the_terminal() {
        let items = json!([
            { "id": "a", "caller": { "name": "Ann\u{1b}[2J\nExample" }, "keys": ["k@1", "l@1"] },
            { "id": "long", "caller": { "name": "2026-11-22T13:40:39.525606Z" }, "keys": [] },
        ]);
        let columns = [("id", "id"), ("caller", "caller.name"), ("keys", "keys")];
        let shown = table(&columns, items.as_array().unwrap());
        assert_eq!(
            shown,
            "ID    CALLER                KEYS\n\
             a     Ann[2J Example        k@1, l@1\n\
             long  2026-11-22T13:40:39Z  -"
        );
    }
}
