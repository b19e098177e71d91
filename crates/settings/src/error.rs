//! All faults of the settings, each with its remedy.

use std::fmt;

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The setting, or the place in a file.
    pub key: String,
    /// What is wrong. Never holds a secret's value.
    pub problem: String,
    /// What to do about it.
    pub hint: String,
}

/// All faults of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// At least one, in the order in which the settings were read.
    pub faults: Vec<Fault>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.faults.len() {
            1 => f.write_str("1 setting needs attention:")?,
            count => write!(f, "{count} settings need attention:")?,
        }
        for Fault { key, problem, hint } in &self.faults {
            write!(f, "\n  {key}: {problem}; {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}
