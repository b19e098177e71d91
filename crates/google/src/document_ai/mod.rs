//! Document AI: what is written on paper forms, scans and photos of them.
//!
//! - `processors/{id}:process` takes one file within the request, and answers with the text and what stands in it. It can
//!   be repeated, and costs by the page each time.
//! - A form parser answers labels and what stands beside them (`pages.formFields`). The addresses and numbers that it
//!   finds anywhere in the text (`entities`) are not used: they may be those of the company's own letterhead.
//! - A custom extractor answers the fields that it was made for (`entities`).
//! - Offsets into the text count characters, are written as texts, and are left out where they are 0.
//!
//! Source: Document AI v1 reference, `projects.locations.processors.process` (read 2026-11). UNCONFIRMED: 15 pages for a
//! form parser, 30 where images are left out, as here.

mod payload;

use std::{fmt, str::FromStr, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{Classify, Disposition, DocumentReader, ReadValue};
use http_client::{Client, UnreadableBody, Url};
use serde_json::json;
use settings::Reader;

use crate::{CallError, Tokens, base, call::send};

/// A file of many pages takes some tens of seconds.
const DEADLINE: Duration = Duration::from_secs(90);
/// The text of 30 pages with all that points into it.
const MAX_ANSWER_BYTES: u64 = 16 * 1024 * 1024;

/// The types of files that are read.
const KINDS: [&str; 7] = [
    "application/pdf",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
];

/// Which processors read files. Without one nothing is read.
#[derive(Debug, Clone)]
pub struct DocumentAiConfig {
    /// The service. Its host must serve the processors' location.
    pub base_url: Url,
    /// A processor of the type `FORM_PARSER_PROCESSOR`.
    pub form_parser: Option<ProcessorName>,
    /// A processor of the type `CUSTOM_EXTRACTION_PROCESSOR`.
    pub extractor: Option<ProcessorName>,
}

/// The name of a processor, or of one of its versions. Safe within a URL's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessorName(String);

/// The text is no name of a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `projects/…/locations/…/processors/…`, with `/processorVersions/…` behind it or without"
)]
pub struct ProcessorNameError;

/// Reads files. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DocumentAi {
    http: Client,
    tokens: Tokens,
    config: DocumentAiConfig,
}

/// What stands in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadDocument {
    /// How many pages were read and are charged for.
    pub pages: u32,
    /// Its fields, in order; at most 100.
    pub values: Vec<ReadValue>,
}

/// Why a file was not read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DocumentAiError {
    /// The call failed.
    #[error("Document AI {0}")]
    Call(#[from] CallError),
    /// It was acted on, but the answer is not what we know.
    #[error("Document AI: {0}")]
    Unreadable(#[from] UnreadableBody),
    /// No processor is set up for this reader.
    #[error("Document AI has no processor for it: an operator sets one up")]
    NotSetUp,
}

impl DocumentAiConfig {
    /// Reads the settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            base_url: reader.url(
                "DOCUMENT_AI_BASE_URL",
                "https://us-documentai.googleapis.com",
                "Document AI. The host must serve the location of the processors.",
            ),
            form_parser: reader.optional(
                "DOCUMENT_AI_FORM_PARSER",
                "The form parser that reads files of forms, where a company wants that: \
                 projects/…/locations/…/processors/….",
            ),
            extractor: reader.optional(
                "DOCUMENT_AI_EXTRACTOR",
                "The custom extractor that reads files of forms, where a company wants that.",
            ),
        }
    }
}

impl DocumentAi {
    /// A client; opens no connection.
    pub fn new(http: Client, tokens: Tokens, config: DocumentAiConfig) -> Self {
        Self {
            http,
            tokens,
            config,
        }
    }

    /// Whether files of this media type are read at all.
    pub fn takes(kind: &str) -> bool {
        KINDS.contains(&kind)
    }

    /// Whether there is a processor for this reader.
    pub fn has(&self, reader: DocumentReader) -> bool {
        self.processor(reader).is_some()
    }

    /// Reads a file of this media type. Costs again when repeated.
    ///
    /// # Errors
    /// [`DocumentAiError`].
    pub async fn process(
        &self,
        reader: DocumentReader,
        kind: &str,
        content: &[u8],
    ) -> Result<ReadDocument, DocumentAiError> {
        let processor = self.processor(reader).ok_or(DocumentAiError::NotSetUp)?;
        let url = format!("{}/v1/{}:process", base(&self.config.base_url), processor.0);
        let mask = match reader {
            DocumentReader::FormParser => "text,pages.pageNumber,pages.formFields",
            DocumentReader::Extractor => "pages.pageNumber,entities",
        };
        let body = json!({
            "rawDocument": { "content": STANDARD.encode(content), "mimeType": kind },
            "skipHumanReview": true,
            "imagelessMode": true,
            "fieldMask": mask,
        });
        let request = self.http.post(url).json(&body).deadline(DEADLINE);
        let response = send(request.max_body_bytes(MAX_ANSWER_BYTES), &self.tokens).await?;
        let answer: payload::Answer = response.json()?;
        Ok(answer.document.read(reader))
    }

    const fn processor(&self, reader: DocumentReader) -> Option<&ProcessorName> {
        match reader {
            DocumentReader::FormParser => self.config.form_parser.as_ref(),
            DocumentReader::Extractor => self.config.extractor.as_ref(),
        }
    }
}

impl DocumentAiError {
    /// Whether an operator has to mend credentials or settings: no file is read until then.
    pub const fn is_for_operators(&self) -> bool {
        matches!(
            self,
            Self::NotSetUp
                | Self::Call(
                    CallError::Token(_)
                        | CallError::Unauthorized { .. }
                        | CallError::NotFound { .. }
                )
        )
    }
}

impl Classify for DocumentAiError {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Call(error) => error.disposition(),
            Self::Unreadable(_) => Disposition::Retry { after: None },
            Self::NotSetUp => Disposition::Park,
        }
    }

    fn answer(&self) -> Option<String> {
        match self {
            Self::Call(error) => error.answer(),
            Self::Unreadable(_) | Self::NotSetUp => None,
        }
    }
}

impl FromStr for ProcessorName {
    type Err = ProcessorNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<_> = text.split('/').collect();
        let is_named = match parts.as_slice() {
            ["projects", _, "locations", _, "processors", _] => true,
            ["projects", _, "locations", _, "processors", _, last, _] => {
                *last == "processorVersions"
            }
            _ => false,
        };
        let is_safe = |part: &&str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            (1..=100).contains(&part.len()) && part.bytes().all(is_plain) && !part.starts_with('.')
        };
        if is_named && parts.iter().all(is_safe) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ProcessorNameError)
        }
    }
}

impl fmt::Display for ProcessorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_has_the_name_that_the_console_shows() {
        for name in [
            "projects/p-1/locations/us/processors/1a2b3c",
            "projects/p/locations/eu/processors/1/processorVersions/pretrained-form-parser-v2.1-2023-06-26",
        ] {
            assert_eq!(name.parse(), Ok(ProcessorName(name.to_owned())));
        }
        for name in [
            "",
            "1a2b3c",
            "projects/p/locations/us/processors/",
            "projects/p/locations/us/processors/../secrets",
            "projects/p/locations/us/processors/a:process?x",
            "projects/p/locations/us/processors/a/operations/b",
        ] {
            assert_eq!(
                name.parse::<ProcessorName>(),
                Err(ProcessorNameError),
                "{name}"
            );
        }
    }
}
