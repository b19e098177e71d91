//! What can be set: the source of `.env.example` and of the reference table in the documentation.

use std::fmt;

/// One setting, as the code that reads it describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The name of the setting.
    pub key: &'static str,
    /// What applies if it is not set.
    pub when_unset: WhenUnset,
    /// What it is for, in one sentence.
    pub about: &'static str,
}

/// What applies if a setting is not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhenUnset {
    /// This value.
    Value(String),
    /// Nothing: its feature is off, or decided otherwise.
    Absent,
    /// The program does not start.
    Required,
}

/// A line of `.env.example`, below its description.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# {}", self.about)?;
        match &self.when_unset {
            WhenUnset::Value(value) => write!(f, "#{}={value}", self.key),
            WhenUnset::Absent => write!(f, "#{}=", self.key),
            WhenUnset::Required => write!(f, "{}=", self.key),
        }
    }
}
