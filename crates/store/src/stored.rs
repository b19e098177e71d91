//! What every adapter does with stored rows: it reads their JSON, and skips what this build cannot read, so that a row of
//! a newer build or a damaged one stops neither its neighbors nor other tenants.

use domain::{Document, StoreError, metric_names};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::error::Category;

use crate::Result;

/// An error about a stored value. `error` must not repeat the value: it may be personal data.
pub fn corrupt(what: &str, error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(format!("{what}: {error}"))
}

/// A value as it is stored.
///
/// # Errors
/// [`StoreError::Corrupt`] if it has no form in JSON.
pub fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| corrupt("a value cannot be written", error))
}

/// Reads stored JSON.
///
/// # Errors
/// [`StoreError::Corrupt`] says where the fault is, never what stands there: the parser's own words repeat it.
pub fn from_json<T: DeserializeOwned>(what: &str, json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| {
        let fault = match error.classify() {
            Category::Data => "another shape",
            Category::Eof => "an early end",
            Category::Io | Category::Syntax => "a syntax error",
        };
        corrupt(what, format_args!("{fault} at column {}", error.column()))
    })
}

/// Reads a request's document.
///
/// # Errors
/// [`StoreError::Corrupt`] if a newer build wrote a version that this one cannot work on, or if it is damaged.
pub fn document(json: &str) -> Result<Document> {
    #[derive(Deserialize)]
    struct Version {
        v: u64,
    }
    let what = "a request's document";
    let read = from_json::<Document>(what, json);
    let version = match &read {
        Ok(document) => document.v.into(),
        // It may have no other fault than being newer.
        Err(_) => from_json::<Version>(what, json).map_or(0, |version| version.v),
    };
    if version > Document::VERSION.into() {
        let known = Document::VERSION;
        let fault = format!(
            "it has version {version}, and this build reads up to {known}; use the build that wrote it"
        );
        return Err(corrupt(what, fault));
    }
    read
}

/// What was read; `None`, logged and counted, if this build cannot read it. `row` names the row for the log.
///
/// # Errors
/// Every other [`StoreError`].
pub fn readable<T>(
    table: &'static str,
    row: impl FnOnce() -> String,
    read: Result<T>,
) -> Result<Option<T>> {
    if let Err(StoreError::Corrupt(reason)) = &read {
        let row = row();
        tracing::warn!(table, row, reason, "skipped what this build cannot read");
    }
    scanned(table, read)
}

/// The same without the log, for scans: each of them finds the same rows.
///
/// # Errors
/// Every other [`StoreError`].
pub fn scanned<T>(table: &'static str, read: Result<T>) -> Result<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(StoreError::Corrupt(_)) => {
            let name = metric_names::STORED_ROWS_SKIPPED_TOTAL;
            metrics::counter!(name, "table" => table).increment(1);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it, in the list's order.
    pub items: Vec<T>,
    /// Whether there is more behind it.
    pub has_more: bool,
}

/// Collects a page of rows, without those that this build cannot read: they are skipped, and do not shorten the page.
#[derive(Debug)]
pub struct PageReader<T> {
    items: Vec<T>,
    limit: usize,
}

impl<T> PageReader<T> {
    /// A page of 1 to 200 rows.
    pub fn new(limit: u32) -> Self {
        let limit = usize::try_from(limit.clamp(1, 200)).unwrap_or(200);
        Self {
            items: Vec::new(),
            limit,
        }
    }

    /// How many rows to read next. One more than the page holds, to find out whether there are more behind it.
    pub const fn wanted(&self) -> usize {
        self.limit + 1 - self.items.len()
    }

    /// Takes what was read, `None` for a row that was skipped. Returns whether more must be read behind the last of
    /// them.
    pub fn take(&mut self, read: Vec<Option<T>>) -> bool {
        let is_last = read.len() < self.wanted();
        self.items.extend(read.into_iter().flatten());
        !is_last && self.items.len() <= self.limit
    }

    /// The page.
    pub fn finish(mut self) -> Page<T> {
        let has_more = self.items.len() > self.limit;
        self.items.truncate(self.limit);
        Page {
            items: self.items,
            has_more,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_filled_past_what_was_skipped() {
        let mut page = PageReader::new(2);
        assert_eq!(page.wanted(), 3);
        assert!(page.take(vec![Some(1), None, None]));
        assert_eq!(page.wanted(), 2);
        assert!(!page.take(vec![Some(2), Some(3)]));
        let page = page.finish();
        assert_eq!((page.items, page.has_more), (vec![1, 2], true));

        let mut last = PageReader::new(2);
        assert!(!last.take(vec![None, Some(1)]));
        let last = last.finish();
        assert_eq!((last.items, last.has_more), (vec![1], false));
    }

    #[test]
    fn a_document_of_a_newer_shape_says_what_to_do() {
        for json in [r#"{"v":2}"#, r#"{"v":70000,"lead":{}}"#] {
            let error = document(json).unwrap_err().to_string();
            assert!(error.contains("use the build that wrote it"), "{error}");
        }
        let damaged = document("{").unwrap_err().to_string();
        assert!(damaged.contains("an early end"), "{damaged}");
    }
}
