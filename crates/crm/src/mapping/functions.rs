//! Small pure functions. Each takes any value; one that it can make nothing of becomes nothing, never an error.

use std::collections::BTreeMap;

use domain::{E164, lead::brief::label, text};
use jiff::{Timestamp, civil, tz::TimeZone};

use super::datum::{Datum, Kind};
use crate::cell::plain_amount;

/// What a mapping says of a function, for people and for the JSON Schema.
pub struct FunctionSpec {
    /// Its name in `then`.
    pub name: &'static str,
    /// What stands behind its name, in words.
    pub argument: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What it becomes.
    pub gives: &'static str,
    /// An expression that uses it, as JSON.
    pub example: &'static str,
    /// What that comes to for a lead with `contact.phone` +15125550142, `project.type` kitchen and no e-mail address.
    pub outcome: &'static str,
}

/// Every function, by name.
pub static FUNCTIONS: &[FunctionSpec] = &[
    FunctionSpec {
        name: "cut",
        argument: "the most characters: 1 to 65536",
        about: "Keeps the beginning, and an ellipsis where something is left out.",
        gives: "text",
        example: r#"{"value":"a long story","then":[{"cut":6}]}"#,
        outcome: "a lon…",
    },
    FunctionSpec {
        name: "date",
        argument: "`date` (2026-11-02), `us_date` (11/02/2026), `time` (2026-11-02T15:04:05Z) or `words` (Mon 2 Nov 2026, 9:04 AM CST)",
        about: "Reads a time, a day, or a text that is written like one, in the office's zone.",
        gives: "date, time or text",
        example: r#"{"value":"11/02/2026","then":[{"date":"date"}]}"#,
        outcome: "2026-11-02",
    },
    FunctionSpec {
        name: "default",
        argument: "a text, a number, true or false",
        about: "Stands in where there is nothing.",
        gives: "what it was, or the argument",
        example: r#"{"from":"contact.email","then":[{"default":"none"}]}"#,
        outcome: "none",
    },
    FunctionSpec {
        name: "join",
        argument: "what stands between",
        about: "Makes one text of a list.",
        gives: "text",
        example: r#"{"from":"tags","then":[{"join":" / "}]}"#,
        outcome: "kitchen / call back",
    },
    FunctionSpec {
        name: "label",
        argument: "none",
        about: "Makes words of ours readable.",
        gives: "text",
        example: r#"{"value":"1_3_months","then":["label"]}"#,
        outcome: "1–3 months",
    },
    FunctionSpec {
        name: "lower",
        argument: "none",
        about: "Writes small letters.",
        gives: "text",
        example: r#"{"value":"TX","then":["lower"]}"#,
        outcome: "tx",
    },
    FunctionSpec {
        name: "map",
        argument: "`values`: what becomes what; `otherwise`: what all else becomes, or null for nothing. Without it all else stays",
        about: "Replaces values by others. Small and capital letters are the same; of a list each item is replaced.",
        gives: "what the values are",
        example: r#"{"from":"project.type","then":[{"map":{"values":{"kitchen":"Kitchen remodel"},"otherwise":"Other"}}]}"#,
        outcome: "Kitchen remodel",
    },
    FunctionSpec {
        name: "number",
        argument: "none, or the most decimals: 0 to 6",
        about: "Reads an amount such as `$18,500.50`; nothing where it is none, or less than zero.",
        gives: "number",
        example: r#"{"value":"$18,500.50","then":[{"number":0}]}"#,
        outcome: "18501",
    },
    FunctionSpec {
        name: "phone",
        argument: "`e164` (+15125550142), `national` ((512) 555-0142), `dashes` (512-555-0142) or `digits` (5125550142)",
        about: "Writes a telephone number; nothing where it is none. Numbers from elsewhere keep their country code.",
        gives: "text; a telephone number if `e164`",
        example: r#"{"from":"contact.phone","then":[{"phone":"national"}]}"#,
        outcome: "(512) 555-0142",
    },
    FunctionSpec {
        name: "upper",
        argument: "none",
        about: "Writes capital letters.",
        gives: "text",
        example: r#"{"value":"tx","then":["upper"]}"#,
        outcome: "TX",
    },
];

/// The longest text that anything becomes, in characters.
pub(super) const MAX_TEXT: usize = 65_536;
/// Most decimals of a number.
pub(super) const MAX_DECIMALS: u64 = 6;

/// A value that a mapping names itself.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Text(String),
    Number(f64),
    Flag(bool),
}

impl Scalar {
    pub(super) fn datum(&self) -> Option<Datum> {
        match self {
            Self::Text(text) => Datum::text(text.as_str()),
            Self::Number(number) => Some(Datum::Number(*number)),
            Self::Flag(flag) => Some(Datum::Flag(*flag)),
        }
    }

    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Number(_) => Kind::Number,
            Self::Flag(_) => Kind::Flag,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PhoneForm {
    E164,
    National,
    Dashes,
    Digits,
}

impl PhoneForm {
    pub(super) const WORDS: [(&'static str, Self); 4] = [
        ("e164", Self::E164),
        ("national", Self::National),
        ("dashes", Self::Dashes),
        ("digits", Self::Digits),
    ];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateForm {
    Date,
    UsDate,
    Time,
    Words,
}

impl DateForm {
    pub(super) const WORDS: [(&'static str, Self); 4] = [
        ("date", Self::Date),
        ("us_date", Self::UsDate),
        ("time", Self::Time),
        ("words", Self::Words),
    ];
}

/// A function with its argument.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Cut(usize),
    Date(DateForm),
    Default(Scalar),
    Join(String),
    Label,
    Lower,
    Map {
        /// By the value in small letters.
        values: BTreeMap<String, Scalar>,
        /// Outside: whether all else is replaced; inside: by what.
        otherwise: Option<Option<Scalar>>,
    },
    Number(Option<u32>),
    Phone(PhoneForm),
    Upper,
}

impl Step {
    /// Applies the function. Total: nothing panics, whatever the value.
    pub(super) fn apply(&self, value: Option<Datum>, zone: &TimeZone) -> Option<Datum> {
        let value = match (self, value) {
            (Self::Default(instead), None) => return instead.datum(),
            (_, None) => return None,
            (_, Some(value)) => value,
        };
        match self {
            Self::Default(_) => Some(value),
            Self::Cut(max) => Datum::text(text::bounded(&value.plain(), *max)),
            Self::Date(form) => date(&value, *form, zone),
            Self::Join(between) => match value {
                Datum::List(items) => bounded(items.join(between)),
                other => Some(other),
            },
            Self::Label => Datum::text(label(&value.plain())),
            Self::Lower => Datum::text(value.plain().to_lowercase()),
            Self::Upper => Datum::text(value.plain().to_uppercase()),
            Self::Map { values, otherwise } => match value {
                Datum::List(items) => {
                    let mapped = items.into_iter().filter_map(|item| {
                        let mapped = replaced(Datum::Text(item), values, otherwise.as_ref())?;
                        Some(mapped.plain())
                    });
                    let mapped: Vec<_> = mapped.collect();
                    (!mapped.is_empty()).then_some(Datum::List(mapped))
                }
                other => replaced(other, values, otherwise.as_ref()),
            },
            Self::Number(decimals) => number(&value, *decimals),
            Self::Phone(form) => phone(&value, *form),
        }
    }
}

/// A text, cut to what is the longest.
pub(super) fn bounded(whole: String) -> Option<Datum> {
    if whole.len() <= MAX_TEXT {
        return Datum::text(whole);
    }
    Datum::text(text::bounded(&whole, MAX_TEXT))
}

fn replaced(
    value: Datum,
    values: &BTreeMap<String, Scalar>,
    otherwise: Option<&Option<Scalar>>,
) -> Option<Datum> {
    match (values.get(&value.plain().to_lowercase()), otherwise) {
        (Some(mapped), _) => mapped.datum(),
        (None, None) => Some(value),
        (None, Some(otherwise)) => otherwise.as_ref()?.datum(),
    }
}

fn phone(value: &Datum, form: PhoneForm) -> Option<Datum> {
    let phone = match value {
        Datum::Phone(phone) => phone.clone(),
        other => E164::parse(&other.plain()).ok()?,
    };
    let full = phone.as_str();
    let national = full
        .strip_prefix("+1")
        .filter(|national| national.len() == 10 && national.is_ascii());
    let parts = national
        .and_then(|national| Some((national.get(..3)?, national.get(3..6)?, national.get(6..)?)));
    match (form, parts) {
        (PhoneForm::E164, _) => Some(Datum::Phone(phone)),
        (PhoneForm::National, Some((area, exchange, line))) => {
            Datum::text(format!("({area}) {exchange}-{line}"))
        }
        (PhoneForm::Dashes, Some((area, exchange, line))) => {
            Datum::text(format!("{area}-{exchange}-{line}"))
        }
        (PhoneForm::Digits, _) => Datum::text(national.unwrap_or(full.trim_start_matches('+'))),
        (PhoneForm::National | PhoneForm::Dashes, None) => Some(Datum::Phone(phone)),
    }
}

fn date(value: &Datum, form: DateForm, zone: &TimeZone) -> Option<Datum> {
    enum When {
        Day(civil::Date),
        Moment(Timestamp),
    }
    let when = match value {
        Datum::Date(date) => When::Day(*date),
        Datum::Time(time) => When::Moment(*time),
        other => {
            let written = other.plain();
            let written = written.trim();
            match (written.parse(), local(written, zone), day(written)) {
                (Ok(moment), _, _) | (Err(_), Some(moment), _) => When::Moment(moment),
                (Err(_), None, Some(day)) => When::Day(day),
                (Err(_), None, None) => return None,
            }
        }
    };
    let day = match &when {
        When::Day(day) => *day,
        When::Moment(moment) => moment.to_zoned(zone.clone()).date(),
    };
    match form {
        DateForm::Date => Some(Datum::Date(day)),
        DateForm::UsDate => Datum::text(day.strftime("%m/%d/%Y").to_string()),
        DateForm::Time => match when {
            When::Moment(moment) => Some(Datum::Time(moment)),
            When::Day(day) => {
                let midnight = day.to_zoned(zone.clone()).ok()?;
                Some(Datum::Time(midnight.timestamp()))
            }
        },
        DateForm::Words => match when {
            When::Moment(moment) => {
                let moment = moment.to_zoned(zone.clone());
                Datum::text(moment.strftime("%a %-d %b %Y, %-I:%M %p %Z").to_string())
            }
            When::Day(day) => Datum::text(day.strftime("%a %-d %b %Y").to_string()),
        },
    }
}

/// `2026-11-02T09:00`, which names no zone: it is the office's.
fn local(written: &str, zone: &TimeZone) -> Option<Timestamp> {
    let time: civil::DateTime = written.parse().ok().filter(|_| written.contains(':'))?;
    Some(time.to_zoned(zone.clone()).ok()?.timestamp())
}

/// `2026-11-02`, or `11/02/2026` as it is written in the US.
fn day(written: &str) -> Option<civil::Date> {
    if let Ok(day) = written.parse() {
        return Some(day);
    }
    let mut parts = written.split('/');
    let (month, day, year) = (parts.next()?, parts.next()?, parts.next()?);
    let is_year = year.len() == 4 && parts.next().is_none();
    let day = civil::Date::new(
        year.parse().ok().filter(|_| is_year)?,
        month.parse().ok()?,
        day.parse().ok()?,
    );
    day.ok()
}

fn number(value: &Datum, decimals: Option<u32>) -> Option<Datum> {
    let number = match value {
        Datum::Number(number) => *number,
        Datum::Text(written) => amount(written)?,
        _ => return None,
    };
    let rounded = decimals.map_or(number, |decimals| {
        let scale = 10_f64.powi(i32::try_from(decimals).unwrap_or_default());
        (number * scale).round() / scale
    });
    Some(Datum::Number(rounded)).filter(|_| rounded.is_finite())
}

/// `$18,500.50` is 18500.5.
fn amount(written: &str) -> Option<f64> {
    let plain = plain_amount(written)?;
    let is_number = (1..=15).contains(&plain.len())
        && plain.starts_with(|c: char| c.is_ascii_digit())
        && plain
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.parse().ok().filter(|_| is_number)
}
