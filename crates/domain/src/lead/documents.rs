//! The files of a form: where each is kept, and what was read of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Facts, PersonFacts};

/// What became of the files of a form.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DocumentsSection {
    /// The input that was seen; see [`Revisions`](super::Revisions).
    pub revision: u32,
    /// Each file, by the names that they have in [`FormFacts::documents`](super::FormFacts::documents).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, KeptDocument>,
    /// What was read of them, as facts. What the person typed outranks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Box<Facts>>,
    /// How sure the reader is of each field of the person, in percent, by the names of [`PersonFacts`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub percent_sure: BTreeMap<String, u8>,
}

/// A file that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDocument {
    /// SHA-256 of it in hexadecimal.
    pub sha256: String,
    /// The name of its blob, under the tenant's. None: its bytes are in no delivery any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
    /// Whether it was read.
    pub reading: DocumentReading,
}

/// Whether a file was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum DocumentReading {
    /// The company has nothing read, or nobody set up who reads.
    Off,
    /// Files of this type are not read.
    Unsupported,
    /// What its source takes for spam is not paid for.
    Suspected,
    /// It was read.
    Read {
        /// Who read it: the words of [`DocumentReader`](crate::DocumentReader).
        by: String,
        /// How many pages it has.
        pages: u32,
        /// What stands in it, in order. A stranger wrote it.
        values: Vec<ReadValue>,
    },
    /// It could not be read; the lead goes on without.
    Failed {
        /// Why, in the provider's or our words.
        reason: String,
    },
}

/// A field that was read of a file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadValue {
    /// The field's label in the file, or its name where an extractor has one.
    pub name: String,
    /// What stands there.
    pub value: String,
    /// How sure the reader is.
    pub percent_sure: u8,
}

/// Without the value: it is personal data.
impl std::fmt::Debug for ReadValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadValue")
            .field("percent_sure", &self.percent_sure)
            .finish_non_exhaustive()
    }
}

impl DocumentsSection {
    /// Whether a file that was to be read could not be.
    pub fn is_unread(&self) -> bool {
        let failed = |file: &KeptDocument| matches!(file.reading, DocumentReading::Failed { .. });
        self.files.values().any(failed)
    }

    /// How sure the reader is of a field of the person that files alone say. None: the person, or nobody, says it.
    pub(super) fn fills(&self, field: &str, typed: &PersonFacts) -> Option<u8> {
        let read = &self.said.as_ref()?.person;
        let (typed, read) = (typed.get(field), read.get(field));
        let is_filled = typed.is_none() && read.is_some();
        is_filled.then(|| self.percent_sure.get(field).copied().unwrap_or_default())
    }

    /// Takes over what another request's files are known for.
    pub(crate) fn unite(&mut self, other: &Self) {
        for (name, file) in &other.files {
            self.files
                .entry(name.clone())
                .or_insert_with(|| file.clone());
        }
        for (field, percent) in &other.percent_sure {
            self.percent_sure.entry(field.clone()).or_insert(*percent);
        }
        self.said = match (self.said.take(), &other.said) {
            (Some(mine), Some(other)) => Some(Box::new(mine.or(other))),
            (mine, other) => mine.or_else(|| other.clone()),
        };
    }
}
