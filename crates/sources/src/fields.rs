//! The top level of a body, JSON or form, as far as a source wants to know it.
//!
//! One pass, no tree: members that nobody asked for are skipped without being kept. The first of two members of one
//! name counts.

use std::{borrow::Cow, fmt};

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};

use crate::ReadError;

/// The wanted members of a body.
#[derive(Default)]
pub(crate) struct Fields<'a>(Vec<(Cow<'a, str>, Field<'a>)>);

/// A member's value. Numbers are text: whether a sender quotes them means nothing.
#[derive(Debug, PartialEq)]
pub(crate) enum Field<'a> {
    /// Text, a number, or null as empty text.
    Text(Cow<'a, str>),
    Bool(bool),
    /// The texts of a list.
    List(Vec<Cow<'a, str>>),
    /// An object.
    Nested,
}

/// Which members are wanted, by name.
pub(crate) type Wanted = fn(&str) -> bool;

/// Members that are kept; a body with more is cut there.
const MAX_FIELDS: usize = 128;
/// Items of a list that are kept.
const MAX_ITEMS: usize = 100;

impl<'a> Fields<'a> {
    /// Reads a whole body.
    pub(crate) fn read(
        content_type: Option<&str>,
        body: &'a [u8],
        wanted: Wanted,
    ) -> Result<Self, ReadError> {
        let mut fields = Self::default();
        fields.fill(content_type, body, wanted, usize::MAX)?;
        Ok(fields)
    }

    /// The first `enough` wanted members, or as many as can be read before the body breaks.
    pub(crate) fn glimpse(
        content_type: Option<&str>,
        body: &'a [u8],
        wanted: Wanted,
        enough: usize,
    ) -> Self {
        let mut fields = Self::default();
        // Whatever ended it: what was read is kept, and all there is to know.
        fields.fill(content_type, body, wanted, enough).ok();
        fields
    }

    /// Reads a JSON list of objects; those behind the `max`-th are skipped.
    pub(crate) fn read_list(
        body: &'a [u8],
        wanted: Wanted,
        max: usize,
    ) -> Result<Vec<Self>, ReadError> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let read = json.deserialize_seq(Objects { wanted, max });
        let read = read.and_then(|objects| json.end().map(|()| objects));
        read.map_err(|error| unreadable(&error, "a JSON list of objects"))
    }

    fn fill(
        &mut self,
        content_type: Option<&str>,
        body: &'a [u8],
        wanted: Wanted,
        enough: usize,
    ) -> Result<(), ReadError> {
        if is_json(content_type, body) {
            let mut json = serde_json::Deserializer::from_slice(body);
            let object = Object {
                fields: self,
                wanted,
                enough,
            };
            let read = object.deserialize(&mut json).and_then(|()| json.end());
            read.map_err(|error| unreadable(&error, "a JSON object"))
        } else {
            self.fill_from_form(body, wanted, enough);
            Ok(())
        }
    }

    /// A name with `[]` behind it is a list. UNCONFIRMED: how the provider writes lists in forms.
    fn fill_from_form(&mut self, body: &'a [u8], wanted: Wanted, enough: usize) {
        for (name, value) in url::form_urlencoded::parse(body) {
            let (name, is_list) = match name.strip_suffix("[]") {
                Some(name) => (Cow::Owned(name.to_owned()), true),
                None => (name, false),
            };
            if self.0.len() >= enough {
                break;
            }
            if !wanted(&name) {
                continue;
            }
            match self.0.iter_mut().find(|(known, _)| *known == name) {
                Some((_, Field::List(items))) if is_list && items.len() < MAX_ITEMS => {
                    items.push(value);
                }
                Some(_) => {}
                None if is_list => self.push(name, Field::List(vec![value])),
                None => self.push(name, Field::Text(value)),
            }
        }
    }

    fn push(&mut self, name: Cow<'a, str>, value: Field<'a>) {
        if self.0.len() < MAX_FIELDS {
            self.0.push((name, value));
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Field<'a>> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, field)| field)
    }

    /// A text that is not empty, trimmed.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Field::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            Field::Bool(_) | Field::List(_) | Field::Nested => None,
        }
    }

    /// The first of these texts that is not empty.
    pub(crate) fn first_text(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.text(name))
    }

    /// A flag, also one that is written out.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Field::Bool(flag) => Some(*flag),
            Field::Text(text) => match text.trim() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
            Field::List(_) | Field::Nested => None,
        }
    }

    /// Whether a member is there and says something.
    pub(crate) fn has(&self, name: &str) -> bool {
        match self.get(name) {
            None => false,
            Some(Field::Text(text)) => !text.trim().is_empty(),
            Some(Field::List(items)) => !items.is_empty(),
            Some(Field::Bool(_) | Field::Nested) => true,
        }
    }

    /// Every text that is not empty with its name, in the order in which they came.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, field)| match field {
            Field::Text(text) if !text.trim().is_empty() => Some((name.as_ref(), text.trim())),
            Field::Text(_) | Field::Bool(_) | Field::List(_) | Field::Nested => None,
        })
    }
}

/// The first byte tells: a form's names never begin with a brace, which would be escaped there. So a body is also
/// understood when its type is missing or wrong.
fn is_json(content_type: Option<&str>, body: &[u8]) -> bool {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') => true,
        Some(_) | None => {
            content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("json"))
        }
    }
}

fn unreadable(error: &serde_json::Error, expected: &'static str) -> ReadError {
    match error.classify() {
        serde_json::error::Category::Data => ReadError::Shape { expected },
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof => ReadError::Json {
            line: error.line(),
            column: error.column(),
        },
    }
}

/// Reads an object into fields that outlive a fault, and the error that ends it when there are enough.
struct Object<'f, 'a> {
    fields: &'f mut Fields<'a>,
    wanted: Wanted,
    enough: usize,
}

impl<'de> DeserializeSeed<'de> for Object<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(Name(name)) = members.next_key()? {
            if (self.wanted)(&name) && self.fields.get(&name).is_none() {
                let value = members.next_value()?;
                self.fields.push(name, value);
                if self.fields.0.len() >= self.enough {
                    return Err(A::Error::custom("that is enough"));
                }
            } else {
                members.next_value::<Skipped>()?;
            }
        }
        Ok(())
    }
}

/// Reads the objects of a list.
struct Objects {
    wanted: Wanted,
    max: usize,
}

impl<'de> Visitor<'de> for Objects {
    type Value = Vec<Fields<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut objects = Vec::new();
        while objects.len() < self.max {
            let mut fields = Fields::default();
            if sequence
                .next_element_seed(Object {
                    fields: &mut fields,
                    wanted: self.wanted,
                    enough: usize::MAX,
                })?
                .is_none()
            {
                return Ok(objects);
            }
            objects.push(fields);
        }
        while sequence.next_element::<Skipped>()?.is_some() {}
        Ok(objects)
    }
}

/// A member's name, borrowed where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(NameVisitor)
    }
}

impl<'de> Deserialize<'de> for Field<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Field<'de>, E> {
        Ok(Field::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Field<'de>, E> {
        Ok(Field::Text(value.to_string().into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Field<'de>, E> {
        Ok(Field::Text(value.to_string().into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Field<'de>, E> {
        Ok(Field::Text(value.to_string().into()))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Field<'de>, E> {
        Ok(Field::Text(Cow::Borrowed("")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Field<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            if let Field::Text(text) = item
                && items.len() < MAX_ITEMS
            {
                items.push(text);
            }
        }
        Ok(Field::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Field<'de>, A::Error> {
        while members.next_entry::<Skipped, Skipped>()?.is_some() {}
        Ok(Field::Nested)
    }
}

/// A value that nobody asked for. Unlike serde's `IgnoredAny`, it is held to the depth that JSON may have here.
struct Skipped;

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Skipped {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self, A::Error> {
        while sequence.next_element::<Self>()?.is_some() {}
        Ok(Self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while members.next_entry::<Self, Self>()?.is_some() {}
        Ok(Self)
    }
}
