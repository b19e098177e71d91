//! Masks what a delivery says about people, and leaves its shape.
//!
//! Nothing guesses what is a name: every letter and digit of every value is masked. What stays are the names of fields,
//! punctuation, times, truth values, and numbers of up to four digits.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Longer texts end here, so that a length tells little.
const MAX_CHARS: usize = 64;
/// Numbers with more digits are masked: telephone numbers, ZIP codes, ids.
const MAX_DIGITS: usize = 4;

/// A body that is text: JSON and forms keep the names of their fields.
pub(super) fn body(text: &str, content_type: Option<&str>) -> String {
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        return masked(value).to_string();
    }
    if content_type.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        let masked = pairs.map(|(name, value)| (field(&name).into_owned(), scalar(&value)));
        return url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(masked)
            .finish();
    }
    text.lines().map(self::text).collect::<Vec<_>>().join("\n")
}

fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(scalar(&text)),
        Value::Number(number) if number.to_string().len() > MAX_DIGITS => {
            Value::String(text(&number.to_string()))
        }
        Value::Array(items) => items.into_iter().map(masked).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            let masked = fields.map(|(name, value)| (field(&name).into_owned(), masked(value)));
            Value::Object(masked.collect::<Map<_, _>>())
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}

/// The name of a field, unless it is an address or a number.
fn field(name: &str) -> Cow<'_, str> {
    let digits = name.chars().filter(char::is_ascii_digit).count();
    if name.contains('@') || digits > MAX_DIGITS {
        return text(name).into();
    }
    name.into()
}

fn scalar(value: &str) -> String {
    let is_shown = value.parse::<Timestamp>().is_ok() || matches!(value, "true" | "false");
    if is_shown {
        value.to_owned()
    } else {
        text(value)
    }
}

/// A text with `x` in place of each letter and `0` in place of each digit.
pub(super) fn text(value: &str) -> String {
    let mask = |c: char| match c {
        _ if c.is_numeric() => '0',
        _ if c.is_ascii() && !c.is_ascii_alphabetic() => c,
        _ => 'x',
    };
    value.chars().take(MAX_CHARS).map(mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_masked_and_the_shape_stays() {
        let came = r#"{"name":"Ann O'Neil","phone":"+1 512-555-0142","zip":78704,"age":41,"ok":true,
            "at":"2026-03-17T15:00:00Z","mail":"ann@example.com","notes":["Łódź","7"],"ann@example.com":null}"#;
        let shown: Value = serde_json::from_str(&body(came, Some("application/json"))).unwrap();
        let expected = serde_json::json!({
            "name": "xxx x'xxxx", "phone": "+0 000-000-0000", "zip": "00000", "age": 41, "ok": true,
            "at": "2026-03-17T15:00:00Z", "mail": "xxx@xxxxxxx.xxx", "notes": ["xxxx", "0"],
            "xxx@xxxxxxx.xxx": null,
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_form_keeps_its_fields_and_anything_else_its_lines() {
        let form = Some("application/x-www-form-urlencoded");
        assert_eq!(body("name=Ann+M&zip=78704", form), "name=xxx+x&zip=00000");
        assert_eq!(body("Ann+512-555-0142=1", form), "xxx+000-000-0000=0");
        assert_eq!(body("{\"name\": \"Ann\nB", None), "{\"xxxx\": \"xxx\nx");
        assert_eq!(text(&"é".repeat(100)), "x".repeat(MAX_CHARS));
    }
}
