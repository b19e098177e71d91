//! The files of a form: what is kept, and what was read of it.

use std::collections::BTreeMap;

use domain::{DocumentReading, DocumentsSection};
use serde::Serialize;
use utoipa::ToSchema;

/// A file that came with a form.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeptDocument {
    /// What its sender calls it: any text at all.
    name: Option<String>,
    /// Its media type by its bytes; `application/octet-stream` where they tell nothing.
    kind: Option<String>,
    /// Its length.
    bytes: Option<u64>,
    /// Its SHA-256 in hexadecimal.
    sha256: String,
    /// Whether it can be downloaded.
    is_kept: bool,
    /// Whether it was read.
    reading: Reading,
}

/// Whether a file was read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DocumentReading)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Reading {
    /// The company has no files read, or it was not kept.
    Off,
    /// Files of its type are not read.
    Unsupported,
    /// What its source takes for spam is not read.
    Suspected,
    /// It was read.
    Read {
        /// By whom: `form_parser`, `extractor`.
        by: String,
        /// How many pages it has.
        pages: u32,
        /// What stands in it, in order.
        values: Vec<Value>,
    },
    /// It could not be read; the lead went on without.
    Failed {
        /// Why.
        reason: String,
    },
}

/// A field that was read of a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DocumentValue)]
struct Value {
    /// Its label in the file.
    name: String,
    /// What stands there.
    value: String,
    /// How sure the reader is. What is below 50 fills nothing.
    percent_sure: u8,
}

pub(super) fn shown(
    section: DocumentsSection,
    about: &domain::About,
) -> BTreeMap<String, KeptDocument> {
    let files = section.files.into_iter();
    files
        .map(|(name, file)| {
            let told = match about {
                domain::About::Form(form) => form.documents.get(&name),
                _ => None,
            };
            let shown = KeptDocument {
                name: told.and_then(|facts| facts.name.clone()),
                kind: told.map(|facts| facts.kind.clone()),
                bytes: told.map(|facts| facts.bytes),
                sha256: file.sha256,
                is_kept: file.blob.is_some(),
                reading: file.reading.into(),
            };
            (name, shown)
        })
        .collect()
}

impl From<DocumentReading> for Reading {
    fn from(reading: DocumentReading) -> Self {
        match reading {
            DocumentReading::Off => Self::Off,
            DocumentReading::Unsupported => Self::Unsupported,
            DocumentReading::Suspected => Self::Suspected,
            DocumentReading::Failed { reason } => Self::Failed { reason },
            DocumentReading::Read { by, pages, values } => Self::Read {
                by,
                pages,
                values: values
                    .into_iter()
                    .map(|value| Value {
                        name: value.name,
                        value: value.value,
                        percent_sure: value.percent_sure,
                    })
                    .collect(),
            },
        }
    }
}
