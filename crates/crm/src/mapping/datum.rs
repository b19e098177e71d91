//! What an expression comes to, and how each kind of value is written.

use domain::E164;
use jiff::{Timestamp, civil::Date};
use serde_json::{Number, Value};

use crate::cell::cell;

/// A value of a lead, or what a function made of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// A text, as the lead has it.
    Text(String),
    /// A telephone number.
    Phone(E164),
    /// A number; never less than zero.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// A day.
    Date(Date),
    /// A moment.
    Time(Timestamp),
    /// Texts, in order.
    List(Vec<String>),
}

/// The kind of a [`Datum`]. The words are on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`Datum::Text`].
    Text,
    /// [`Datum::Phone`].
    Phone,
    /// [`Datum::Number`].
    Number,
    /// [`Datum::Flag`].
    Flag,
    /// [`Datum::Date`].
    Date,
    /// [`Datum::Time`].
    Time,
    /// [`Datum::List`].
    List,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Text,
        Self::Phone,
        Self::Number,
        Self::Flag,
        Self::Date,
        Self::Time,
        Self::List,
    ];

    /// The kind as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Phone => "phone",
            Self::Number => "number",
            Self::Flag => "flag",
            Self::Date => "date",
            Self::Time => "time",
            Self::List => "list",
        }
    }
}

impl Datum {
    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Phone(_) => Kind::Phone,
            Self::Number(_) => Kind::Number,
            Self::Flag(_) => Kind::Flag,
            Self::Date(_) => Kind::Date,
            Self::Time(_) => Kind::Time,
            Self::List(_) => Kind::List,
        }
    }

    /// A text, unless it is empty.
    pub(super) fn text(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (!text.is_empty()).then_some(Self::Text(text))
    }

    /// As a text, as functions over texts read it: a list is joined by `, `.
    pub(crate) fn plain(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Phone(phone) => phone.as_str().to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Date(date) => date.to_string(),
            Self::Time(time) => to_the_second(*time),
            Self::List(items) => items.join(", "),
        }
    }

    /// As a text that a CRM is sent: marked where a spreadsheet would run it, a list joined by `;`, as CRMs separate
    /// several choices.
    pub(crate) fn written(&self) -> String {
        match self {
            Self::Text(text) => cell(text.as_str()),
            Self::List(items) => cell(items.join(";")),
            other => other.plain(),
        }
    }

    /// As JSON: numbers and flags are what they are, anything else is [`Datum::written`].
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Number(number) => json_number(*number),
            Self::Flag(flag) => Value::Bool(*flag),
            other => Value::String(other.written()),
        }
    }

    /// As JSON in which a list is a list.
    pub(crate) fn json_with_lists(&self) -> Value {
        match self {
            Self::List(items) => items.iter().map(|item| cell(item.as_str())).collect(),
            other => other.json(),
        }
    }
}

/// A whole number without a fraction.
fn json_number(number: f64) -> Value {
    let text = number.to_string();
    let parsed = text.parse::<Number>();
    parsed.map_or(Value::String(text), Value::Number)
}

fn to_the_second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second())
        .unwrap_or(time)
        .to_string()
}
