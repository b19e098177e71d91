//! Settings: the environment and an optional file, read into typed structs. All faults are reported at once.
//!
//! A module owns its `Config` and reads it with a [`Reader`]:
//!
//! ```
//! # use settings::Settings;
//! struct Config { port: u16 }
//!
//! impl Config {
//!     fn read(reader: &mut settings::Reader<'_>) -> Self {
//!         Self { port: reader.get("PORT", 8080, "Port of the public listener.") }
//!     }
//! }
//!
//! let settings = Settings::from_pairs([("PORT", "9090")]);
//! assert_eq!(settings.load(Config::read)?.port, 9090);
//! # Ok::<(), settings::SettingsError>(())
//! ```
#![warn(missing_docs)]

mod error;
mod file;
mod reader;
mod reference;
mod value;

use std::{collections::BTreeMap, fmt, path::Path};

pub use error::{Fault, SettingsError};
pub use reader::Reader;
pub use reference::{Reference, WhenUnset};
use secrecy::SecretString;

/// Pairs of key and value that settings are read from. An empty value counts as not set.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    values: BTreeMap<String, Value>,
}

#[derive(Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    NotText,
}

impl Settings {
    /// Reads the process's environment, and a file of `KEY=value` lines. If both have a key, the environment wins.
    ///
    /// # Errors
    /// [`SettingsError`] if the file cannot be read or has lines that are not pairs.
    pub fn from_environment(file: Option<&Path>) -> Result<Self, SettingsError> {
        let mut values = match file {
            Some(path) => file::read(path)?,
            None => BTreeMap::new(),
        };
        // A name that is not text cannot be ours. A value that is not text is reported when it is read.
        values.extend(std::env::vars_os().filter_map(|(key, value)| {
            let value = value.into_string().map_or(Value::NotText, Value::Text);
            Some((key.into_string().ok()?, value)).filter(|(_, value)| !value.is_empty())
        }));
        Ok(Self { values })
    }

    /// Uses the given pairs alone: for tests, and for programs that set up others.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self {
            values: pairs
                .into_iter()
                .map(|(key, value)| (key.into(), Value::Text(value.into())))
                .collect(),
        }
    }

    /// The same settings with one more, which replaces the key's value.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.values
            .insert(key.to_owned(), Value::Text(value.to_owned()));
        self
    }

    /// A secret by a name that only the caller knows; `None` if it is not set, empty, or not text.
    pub fn secret(&self, key: &str) -> Option<SecretString> {
        match self.values.get(key)? {
            Value::Text(text) if !text.trim().is_empty() => Some(SecretString::from(text.trim())),
            Value::Text(_) | Value::NotText => None,
        }
    }

    /// Begins to read.
    pub fn reader(&self) -> Reader<'_> {
        Reader::new(&self.values)
    }

    /// Reads a whole configuration.
    ///
    /// # Errors
    /// [`SettingsError`] with every fault that `read` met.
    pub fn load<C>(&self, read: impl FnOnce(&mut Reader<'_>) -> C) -> Result<C, SettingsError> {
        let mut reader = self.reader();
        let config = read(&mut reader);
        reader.finish()?;
        Ok(config)
    }
}

impl Value {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Text(text) if text.trim().is_empty())
    }
}

/// Shows the keys alone, because any value may be a secret.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}
