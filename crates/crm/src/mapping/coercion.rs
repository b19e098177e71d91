//! How a value is written into a CRM's field, as the CRM describes it: a number in a field of texts is a text there.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::{
    datum::Datum,
    functions::{DateForm, Step},
};
use crate::{
    cell::cut,
    inspection::{CrmField, Holds},
};

/// What a field takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Takes {
    holds: Holds,
    /// The longest text, in UTF-16 code units.
    max_length: Option<usize>,
    /// The values that it takes; empty if any.
    options: Vec<String>,
    /// Whether a number has no fraction.
    is_whole: bool,
    /// Whether half of its text is another one, as with addresses and numbers: it is never cut.
    is_uncut: bool,
}

impl Takes {
    /// What a field takes. `is_uncut`: half of its text would be another one.
    pub(crate) fn of(field: CrmField, is_uncut: bool) -> Self {
        Self {
            is_whole: matches!(field.kind.as_str(), "int" | "long" | "integer"),
            holds: field.holds,
            max_length: field.max_length.and_then(|max| usize::try_from(max).ok()),
            options: field.options,
            is_uncut,
        }
    }

    /// The value as the field takes it. What it cannot take stays as it is, so that the CRM says so; nothing, if only a
    /// part of it would fit and a part is worth nothing.
    pub(crate) fn written(&self, value: &Datum, zone: &TimeZone) -> Option<Value> {
        match self.holds {
            Holds::Text => self.fitted(&value.written()),
            Holds::Choice => Some(self.option(&value.plain()).into()),
            Holds::Choices => {
                let options: Vec<_> = match value {
                    Datum::List(items) => items.iter().map(|item| self.option(item)).collect(),
                    other => vec![self.option(&other.plain())],
                };
                Some(options.join(";").into())
            }
            Holds::Number => Some(self.number(value)),
            Holds::Flag => Some(flag(value)),
            Holds::Date => Some(date(value, DateForm::Date, zone)),
            Holds::Time => Some(date(value, DateForm::Time, zone)),
            Holds::Anything => Some(value.json_with_lists()),
            Holds::Other => Some(value.json()),
        }
    }

    /// A text as long as it may be.
    fn fitted(&self, text: &str) -> Option<Value> {
        let Some(max) = self.max_length.filter(|max| *max > 0) else {
            return Some(text.into());
        };
        if text.encode_utf16().count() <= max {
            return Some(text.into());
        }
        (!self.is_uncut).then(|| cut(text, max).into())
    }

    /// The option that a text names, whatever its letters' case. Its own letters count: no program runs an option.
    fn option(&self, text: &str) -> String {
        let exact = self.options.iter().find(|option| *option == text);
        let alike = || self.options.iter().find(|option| is_alike(option, text));
        exact
            .or_else(alike)
            .cloned()
            .unwrap_or_else(|| text.to_owned())
    }

    fn number(&self, value: &Datum) -> Value {
        let decimals = self.is_whole.then_some(0);
        let number = Step::Number(decimals).apply(Some(value.clone()), &TimeZone::UTC);
        number.as_ref().unwrap_or(value).json()
    }
}

/// Whether a text names an option, whatever its letters' case.
pub(crate) fn is_alike(option: &str, text: &str) -> bool {
    option.trim().to_lowercase() == text.trim().to_lowercase()
}

/// `yes` is true where only true or false is taken.
fn flag(value: &Datum) -> Value {
    let Datum::Text(text) = value else {
        return value.json();
    };
    match text.trim().to_lowercase().as_str() {
        "true" | "yes" | "1" => true.into(),
        "false" | "no" | "0" => false.into(),
        _ => value.json(),
    }
}

fn date(value: &Datum, form: DateForm, zone: &TimeZone) -> Value {
    let date = Step::Date(form).apply(Some(value.clone()), zone);
    date.as_ref().unwrap_or(value).json()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn takes(holds: Holds, kind: &str, max: Option<u32>, options: &[&str]) -> Takes {
        let field = CrmField {
            holds,
            kind: kind.to_owned(),
            max_length: max,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            ..CrmField::default()
        };
        Takes::of(field, kind == "email")
    }

    #[test]
    fn a_value_is_written_as_the_field_takes_it() {
        let text = |text: &str| Datum::Text(text.to_owned());
        let list = || Datum::List(vec!["kitchen".to_owned(), "- none -".to_owned()]);
        let options = ["Kitchen", "- none -"];
        let zone = TimeZone::get("America/Chicago").unwrap();
        let time = Datum::Time("2026-11-02T03:04:05Z".parse().unwrap());
        for (takes, value, expected) in [
            (
                takes(Holds::Text, "string", None, &[]),
                Datum::Number(82.0),
                Some(json!("82")),
            ),
            (
                takes(Holds::Text, "string", None, &[]),
                Datum::Flag(true),
                Some(json!("true")),
            ),
            (
                takes(Holds::Text, "string", Some(3), &[]),
                text("kitchen"),
                Some(json!("kit")),
            ),
            (
                takes(Holds::Text, "email", Some(3), &[]),
                text("a@b.example"),
                None,
            ),
            (
                takes(Holds::Text, "string", None, &[]),
                text("=1+1"),
                Some(json!("'=1+1")),
            ),
            (
                takes(Holds::Choice, "picklist", None, &options),
                text("kitchen"),
                Some(json!("Kitchen")),
            ),
            (
                takes(Holds::Choice, "picklist", None, &options),
                text("- none -"),
                Some(json!("- none -")),
            ),
            (
                takes(Holds::Choice, "picklist", None, &options),
                text("bath"),
                Some(json!("bath")),
            ),
            (
                takes(Holds::Choices, "multipicklist", None, &options),
                list(),
                Some(json!("Kitchen;- none -")),
            ),
            (
                takes(Holds::Number, "int", None, &[]),
                Datum::Number(18_500.5),
                Some(json!(18_501)),
            ),
            (
                takes(Holds::Number, "double", None, &[]),
                text("$18,500.50"),
                Some(json!(18_500.5)),
            ),
            (
                takes(Holds::Number, "double", None, &[]),
                text("a lot"),
                Some(json!("a lot")),
            ),
            (
                takes(Holds::Flag, "boolean", None, &[]),
                text("Yes"),
                Some(json!(true)),
            ),
            (
                takes(Holds::Date, "date", None, &[]),
                time.clone(),
                Some(json!("2026-11-01")),
            ),
            (
                takes(Holds::Time, "datetime", None, &[]),
                text("2026-11-02"),
                Some(json!("2026-11-02T06:00:00Z")),
            ),
            (
                takes(Holds::Time, "datetime", None, &[]),
                time,
                Some(json!("2026-11-02T03:04:05Z")),
            ),
        ] {
            assert_eq!(
                takes.written(&value, &zone),
                expected,
                "{value:?} in {takes:?}"
            );
        }
    }
}
