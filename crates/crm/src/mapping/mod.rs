//! Field mapping: what a company has in its CRM's fields beside or instead of what is usual.
//!
//! A mapping is a versioned configuration of a connection. Each of its rules fills one field: a path of the request, or
//! several, through [small pure functions](functions::FUNCTIONS). What it does not speak of is sent as usual, so that an
//! empty mapping changes nothing. Fields by which a lead is written once, and a person found, cannot be taken away.
//!
//! Expressions are total and deterministic: they read the [`Brief`] and nothing else, and what they can make nothing of
//! becomes nothing.

pub mod check;
mod coercion;
mod datum;
mod document;
mod functions;
mod limits;
mod outcomes;
mod paths;
pub mod reference;
mod rules;
mod schema;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use domain::{Brief, ConfigError};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) use self::coercion::{Takes, is_alike};
use self::rules::Rules;
pub use self::{
    datum::{Datum, Kind},
    functions::{FUNCTIONS, FunctionSpec},
    paths::{FAMILIES, FamilySpec, PATHS, PathSpec},
    schema::schema,
};
use crate::preview::Records;

/// When a field is written. The words are on the wire for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// While it is empty in the CRM: what a person has written stays.
    IfEmpty,
    /// With every push.
    Always,
}

impl Write {
    /// It as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IfEmpty => "if_empty",
            Self::Always => "always",
        }
    }

    /// Reads [`Write::as_str`].
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::IfEmpty, Self::Always]
            .into_iter()
            .find(|write| write.as_str() == word)
    }
}

/// What a field is for, beside what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldUse {
    /// By it a lead is written once: no mapping speaks of it.
    Key,
    /// The person is found by this path in it: a mapping may change its form alone.
    Match(&'static str),
    /// A mapping may change it and take it away.
    Free,
}

/// A field that is filled without any mapping.
#[derive(Debug, Clone, Copy)]
pub struct DefaultField {
    /// The CRM's name of the kind of record.
    pub object: &'static str,
    /// The CRM's name of the field.
    pub field: &'static str,
    /// What fills it, in words and paths.
    pub from: &'static str,
    /// What it is for.
    pub usage: FieldUse,
    /// When it is written.
    pub write: Write,
    /// Whether the CRM takes no record without it: where a mapping of it comes to nothing, what is usual stands.
    pub is_needed: bool,
}

impl DefaultField {
    /// One that is filled while it is empty.
    pub(crate) const fn new(object: &'static str, field: &'static str, from: &'static str) -> Self {
        Self {
            object,
            field,
            from,
            usage: FieldUse::Free,
            write: Write::IfEmpty,
            is_needed: false,
        }
    }

    /// One by which a lead is written once.
    pub(crate) const fn key(object: &'static str, field: &'static str, from: &'static str) -> Self {
        Self {
            usage: FieldUse::Key,
            ..Self::new(object, field, from)
        }
    }

    /// One by which a person is found.
    pub(crate) const fn found_by(
        object: &'static str,
        field: &'static str,
        path: &'static str,
    ) -> Self {
        Self {
            usage: FieldUse::Match(path),
            ..Self::new(object, field, path)
        }
    }

    /// The same, without which the CRM takes no record.
    pub(crate) const fn needed(self) -> Self {
        Self {
            is_needed: true,
            ..self
        }
    }

    /// The same, written with every push.
    pub(crate) const fn always(self) -> Self {
        Self {
            write: Write::Always,
            ..self
        }
    }
}

/// A kind of record of a CRM whose fields can be mapped.
#[derive(Debug, Clone, Copy)]
pub struct ObjectSpec {
    /// The CRM's name of it.
    pub name: &'static str,
    /// What of a lead it is.
    pub about: &'static str,
    /// Whether it is changed once it is there.
    pub is_updated: bool,
}

/// What of a CRM can be mapped, and what is filled without any mapping.
#[derive(Clone, Copy)]
pub struct MappingSpec {
    /// The kinds of record.
    pub objects: &'static [ObjectSpec],
    /// Every field that is filled without a mapping.
    pub fields: &'static [DefaultField],
    /// Which texts are names of fields.
    pub is_name: fn(&str) -> bool,
    /// The same in words.
    pub name_rule: &'static str,
    /// Whether any field can be sent: nobody describes them.
    pub is_open: bool,
    /// The records in the body of a call.
    pub records: Records,
}

impl MappingSpec {
    /// The kind of record of this name.
    pub fn object(&self, name: &str) -> Option<&ObjectSpec> {
        self.objects.iter().find(|object| object.name == name)
    }

    /// The field of this name, if it is filled without a mapping.
    pub fn field(&self, object: &str, field: &str) -> Option<&DefaultField> {
        self.fields
            .iter()
            .find(|default| default.object == object && self.is_same_name(default.field, field))
    }

    /// Whether two names are one field's: only members of JSON tell small from capital letters.
    pub(crate) fn is_same_name(&self, one: &str, other: &str) -> bool {
        one == other || (!self.is_open && one.eq_ignore_ascii_case(other))
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.objects.iter().map(|object| object.name).collect();
        names.join(", ")
    }
}

impl fmt::Debug for MappingSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MappingSpec")
            .field("objects", &self.objects)
            .finish_non_exhaustive()
    }
}

/// A connection's mapping, as it was read.
#[derive(Clone, Default)]
pub struct Mapping {
    version: u64,
    rules: Rules,
}

impl Mapping {
    /// Reads a mapping that is about to be saved.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault and its path.
    pub fn read(spec: &MappingSpec, json: &Value) -> Result<Self, ConfigError> {
        let rules = document::read(spec, json, true)?;
        Ok(Self { version: 0, rules })
    }

    /// Reads a version that was saved.
    ///
    /// # Errors
    /// [`ConfigError`] if it says what this build does not know: leads wait for a build that does.
    pub fn saved(spec: &MappingSpec, json: &Value, version: u64) -> Result<Self, ConfigError> {
        let rules = document::read(spec, json, false)?;
        Ok(Self { version, rules })
    }

    /// Its version; 0 if nobody has saved one.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Whether everything is sent as usual.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The paths that fill a field, if a rule speaks of it.
    pub fn paths_of(&self, object: &str, field: &str) -> Option<Vec<String>> {
        let rule = self.rules.get(object)?.get(field)?;
        let mut paths = Vec::new();
        if let Some(expression) = &rule.expression {
            expression.paths(&mut paths);
        }
        Some(paths)
    }

    /// What it says of this lead.
    pub fn of(&self, brief: &Brief) -> Mapped {
        let objects = self.rules.iter().map(|(object, fields)| {
            let fields = fields.iter().filter_map(|(field, rule)| {
                let (value, write) = (rule.evaluate(brief)?, rule.write);
                Some((field.clone(), MappedField { value, write }))
            });
            (object.clone(), fields.collect::<BTreeMap<_, _>>())
        });
        Mapped(objects.filter(|(_, fields)| !fields.is_empty()).collect())
    }
}

/// What a mapping says of one lead, by kind of record and field.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapped(BTreeMap<String, BTreeMap<String, MappedField>>);

/// What a mapping says of one field of one lead.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedField {
    /// What stands in it; nothing: it is not sent.
    pub value: Option<Datum>,
    /// When it is written.
    pub write: Write,
}

impl Mapped {
    /// The fields of a kind of record that the mapping speaks of.
    pub(crate) fn fields(&self, object: &str) -> impl Iterator<Item = (&str, &MappedField)> {
        let fields = self.0.get(object).into_iter().flatten();
        fields.map(|(name, field)| (name.as_str(), field))
    }

    /// Whether the mapping speaks of a field.
    pub(crate) fn has(&self, object: &str, field: &str) -> bool {
        self.get(object, field).is_some()
    }

    /// What the mapping says of a field.
    pub(crate) fn get(&self, object: &str, field: &str) -> Option<&MappedField> {
        self.0.get(object)?.get(field)
    }

    /// Whether a field is written whatever stands there.
    pub(crate) fn is_always(&self, object: &str, field: &str) -> bool {
        self.get(object, field)
            .is_some_and(|field| field.write == Write::Always)
    }

    /// The same without what it says of a field.
    pub(crate) fn without(&self, object: &str, field: &str) -> Self {
        let mut without = self.clone();
        if let Some(fields) = without.0.get_mut(object) {
            fields.remove(field);
        }
        without
    }

    /// Whether the mapping says nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The hash of what is usual together with what the mapping says; the same as `usual` where it says nothing.
    pub(crate) fn hash(&self, usual: String) -> String {
        if self.0.is_empty() {
            return usual;
        }
        let mut hash = Sha256::new();
        hash.update(usual);
        for (object, fields) in &self.0 {
            for (name, field) in fields {
                let value = field.value.as_ref().map(Datum::json_with_lists);
                let write = field.write.as_str();
                hash.update(json!([object, name, write, value]).to_string());
                hash.update([0]);
            }
        }
        hex::encode(hash.finalize())
    }
}
