//! Reads settings one by one and collects their faults.

use std::{collections::BTreeMap, fmt::Display, str::FromStr, time::Duration};

use secrecy::SecretString;
use url::Url;

use crate::{
    Fault, Reference, SettingsError, Value, WhenUnset,
    value::{duration, flag, quoted, show_duration},
};

/// Reads settings. A read never fails: it records the fault and returns a stand-in, and [`finish`](Self::finish) reports
/// all faults together. Each read also records what the setting is for ([`references`](Self::references)).
#[must_use = "faults are reported by `finish`"]
pub struct Reader<'a> {
    values: &'a BTreeMap<String, Value>,
    faults: Vec<Fault>,
    references: Vec<Reference>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(values: &'a BTreeMap<String, Value>) -> Self {
        Self {
            values,
            faults: Vec::new(),
            references: Vec::new(),
        }
    }

    /// A value with a default.
    pub fn get<T>(&mut self, key: &'static str, default: T, about: &'static str) -> T
    where
        T: FromStr<Err: Display> + Display,
    {
        self.note(key, WhenUnset::Value(default.to_string()), about);
        self.parsed(key).unwrap_or(default)
    }

    /// A value without which the program does not start. The stand-in is `T`'s default.
    pub fn required<T>(&mut self, key: &'static str, about: &'static str) -> T
    where
        T: FromStr<Err: Display> + Default,
    {
        self.note(key, WhenUnset::Required, about);
        if self.values.get(key).is_none_or(Value::is_empty) {
            let hint = format!("set it; {about}");
            self.fault(key, "it is required and not set", hint);
        }
        self.parsed(key).unwrap_or_default()
    }

    /// A value that may be absent.
    pub fn optional<T>(&mut self, key: &'static str, about: &'static str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        self.note(key, WhenUnset::Absent, about);
        self.parsed(key)
    }

    /// Yes or no: `true`, `yes`, `on`, `1` and their opposites.
    pub fn flag(&mut self, key: &'static str, default: bool, about: &'static str) -> bool {
        self.note(key, WhenUnset::Value(default.to_string()), about);
        self.read_as(key, "write true or false", flag)
            .unwrap_or(default)
    }

    /// A duration with its unit: `500ms`, `5s`, `2m`, `12h`, `3d`.
    pub fn duration(
        &mut self,
        key: &'static str,
        default: Duration,
        about: &'static str,
    ) -> Duration {
        let shown = show_duration(default);
        let hint = format!("write a whole number and ms, s, m, h or d, for example {shown}");
        self.note(key, WhenUnset::Value(shown), about);
        self.read_as(key, &hint, duration).unwrap_or(default)
    }

    /// One of a few words.
    pub fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        default: &'static str,
        choices: &[(&'static str, T)],
        about: &'static str,
    ) -> T {
        let find = |text: &str| {
            choices
                .iter()
                .find(|(name, _)| *name == text)
                .map(|(_, value)| *value)
        };
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        self.note(key, WhenUnset::Value(default.to_owned()), about);
        self.read_as(key, &format!("write one of {}", names.join(", ")), find)
            .or_else(|| find(default))
            .expect("the default is one of the choices")
    }

    /// A list, separated by commas.
    pub fn list<T>(&mut self, key: &'static str, default: &str, about: &'static str) -> Vec<T>
    where
        T: FromStr<Err: Display>,
    {
        self.note(key, WhenUnset::Value(default.to_owned()), about);
        let text = self.text(key).unwrap_or_else(|| default.to_owned());
        let items = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty());
        items.filter_map(|item| self.parse(key, item)).collect()
    }

    /// An `http` or `https` URL with a default. Its value is never printed: URLs can carry credentials.
    pub fn url(&mut self, key: &'static str, default: &'static str, about: &'static str) -> Url {
        self.note(key, WhenUnset::Value(default.to_owned()), about);
        self.parsed_url(key)
            .unwrap_or_else(|| Url::parse(default).expect("a default in the code is a URL"))
    }

    /// An `http` or `https` URL that may be absent.
    pub fn optional_url(&mut self, key: &'static str, about: &'static str) -> Option<Url> {
        self.note(key, WhenUnset::Absent, about);
        self.parsed_url(key)
    }

    /// A secret that may be absent. Its value is never printed.
    pub fn secret(&mut self, key: &'static str, about: &'static str) -> Option<SecretString> {
        self.note(key, WhenUnset::Absent, about);
        self.text(key).map(SecretString::from)
    }

    /// Records a fault that only the caller can see, such as two settings that exclude each other.
    pub fn fault(
        &mut self,
        key: &'static str,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let fault = Fault {
            key: key.to_owned(),
            problem: problem.into(),
            hint: hint.into(),
        };
        // Two modules may read the same setting, but it is one fault.
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// What was read so far, each setting once, in the order of the first reads.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`SettingsError`] with all faults, if there are any.
    pub fn finish(self) -> Result<(), SettingsError> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(SettingsError {
                faults: self.faults,
            })
        }
    }

    fn note(&mut self, key: &'static str, when_unset: WhenUnset, about: &'static str) {
        if self.references.iter().all(|reference| reference.key != key) {
            self.references.push(Reference {
                key,
                when_unset,
                about,
            });
        }
    }

    fn text(&mut self, key: &'static str) -> Option<String> {
        match self.values.get(key)? {
            value if value.is_empty() => None,
            Value::Text(text) => Some(text.trim().to_owned()),
            Value::NotText => {
                self.fault(key, "it is not valid UTF-8", "set it to plain text");
                None
            }
        }
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, key: &'static str) -> Option<T> {
        let text = self.text(key)?;
        self.parse(key, &text)
    }

    fn parse<T: FromStr<Err: Display>>(&mut self, key: &'static str, text: &str) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let reference = self.references.iter().find(|known| known.key == key);
                let hint = match reference.map(|reference| &reference.when_unset) {
                    Some(WhenUnset::Value(default)) => {
                        format!("correct it, or leave it out for {}", quoted(default))
                    }
                    _ => "correct it".to_owned(),
                };
                let problem = format!("{} cannot be used ({error})", quoted(text));
                self.fault(key, problem, hint);
                None
            }
        }
    }

    fn read_as<T>(
        &mut self,
        key: &'static str,
        hint: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(key)?;
        let value = read(&text);
        if value.is_none() {
            self.fault(key, format!("{} cannot be used", quoted(&text)), hint);
        }
        value
    }

    fn parsed_url(&mut self, key: &'static str) -> Option<Url> {
        let text = self.text(key)?;
        let url = Url::parse(&text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            self.fault(
                key,
                "it is no URL",
                "write it in full, for example https://example.com/path",
            );
        }
        url
    }
}
