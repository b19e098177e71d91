//! JSON in one pass: what is wanted is kept, the rest is passed over.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::{Field, Fields, MAX_ITEMS, Wanted};
use crate::ReadError;

/// The objects of a JSON list.
pub(super) fn list<'a>(
    body: &'a [u8],
    wanted: Wanted,
    max: usize,
) -> Result<Vec<Fields<'a>>, Fault> {
    const EXPECTED: &str = "a JSON list of objects";
    let value = Value {
        max_items: max,
        ..Value::wanted(wanted)
    };
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = value.deserialize(&mut json);
    let read = read.and_then(|value| json.end().map(|()| value));
    let objects = match read.map_err(|error| Fault::of(&error, EXPECTED))? {
        Field::List(items) => {
            let is_empty = items.is_empty();
            let objects: Vec<_> = items.into_iter().filter_map(Field::into_object).collect();
            (is_empty || !objects.is_empty()).then_some(objects)
        }
        _ => None,
    };
    objects.ok_or(Fault::Other(ReadError::Shape { expected: EXPECTED }))
}

/// Why the strict reading ended.
pub(super) enum Fault {
    /// The text is at fault: mended, it may be readable.
    Broken(ReadError),
    /// The text is sound, and something else; or there is enough.
    Other(ReadError),
}

impl Fault {
    /// Never shown: a mended form is always one.
    pub(super) const BROKEN_FORM: Self = Self::Broken(ReadError::Shape { expected: "a form" });

    pub(super) fn of(error: &serde_json::Error, expected: &'static str) -> Self {
        match error.classify() {
            serde_json::error::Category::Data => Self::Other(ReadError::Shape { expected }),
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof => Self::Broken(ReadError::Json {
                line: error.line(),
                column: error.column(),
            }),
        }
    }
}

/// Reads an object into fields that outlive a fault, and the error that ends it when there are enough.
pub(super) struct Object<'f, 'a> {
    pub(super) fields: &'f mut Fields<'a>,
    pub(super) wanted: Wanted,
    pub(super) enough: usize,
}

impl<'de> Visitor<'de> for Object<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = members.next_key()? {
            if !(self.wanted)(&name) || self.fields.get(&name).is_some() {
                self.fields.has_others = true;
                members.next_value_seed(Value::SKIPPED)?;
                continue;
            }
            let value = members.next_value_seed(Value::wanted(self.wanted))?;
            self.fields.push(name, value);
            if self.fields.members.len() >= self.enough {
                return Err(A::Error::custom("that is enough"));
            }
        }
        Ok(())
    }
}

/// A member's name, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a value, and keeps of it what is wanted.
struct Value {
    wanted: Wanted,
    max_items: usize,
    is_kept: bool,
}

impl Value {
    /// For a value that nobody asked for. Unlike serde's `IgnoredAny`, it is held to the depth that JSON may have here.
    const SKIPPED: Self = Self {
        wanted: |_| false,
        max_items: 0,
        is_kept: false,
    };

    fn wanted(wanted: Wanted) -> Self {
        Self {
            wanted,
            max_items: MAX_ITEMS,
            is_kept: true,
        }
    }

    fn text<'de, E>(&self, text: impl FnOnce() -> String) -> Result<Field<'de>, E> {
        let text = if self.is_kept { text() } else { String::new() };
        Ok(Field::Text(text.into()))
    }
}

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Field<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Field<'de>, E> {
        Ok(Field::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Field<'de>, E> {
        self.text(|| value.to_string())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Field<'de>, E> {
        self.text(|| value.to_string())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Field<'de>, E> {
        self.text(|| value.to_string())
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Field<'de>, E> {
        self.text(|| value.to_owned())
    }

    fn visit_unit<E>(self) -> Result<Field<'de>, E> {
        Ok(Field::Text("".into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Field<'de>, A::Error> {
        let mut items = Vec::new();
        while items.len() < self.max_items {
            match sequence.next_element_seed(Self::wanted(self.wanted))? {
                Some(item) => items.push(item),
                None => return Ok(Field::List(items)),
            }
        }
        while sequence.next_element_seed(Self::SKIPPED)?.is_some() {}
        Ok(Field::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Field<'de>, A::Error> {
        let mut fields = Fields::default();
        let object = Object {
            fields: &mut fields,
            wanted: self.wanted,
            enough: usize::MAX,
        };
        object.visit_map(members)?;
        Ok(Field::Object(fields))
    }
}
