//! Names of secrets.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

const MAX_NAME: usize = 63;

/// The name of a tenant's secret: `crm`, `phone_signing_key`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretName(String);

/// Why a text names no secret. It is not repeated, because it may be the secret itself, entered in the wrong field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("expected 1 to {MAX_NAME} of a-z, 0-9, `_` and `-`, the first a letter or a digit")]
    Name,
    #[error("expected a name, `@` and a version")]
    Version,
}

impl SecretName {
    /// Reads a name: 1 to 63 of `a-z`, `0-9`, `_` and `-`, the first a letter or a digit.
    ///
    /// # Errors
    /// [`NameError::Name`] for anything else.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let is_valid = (1..=MAX_NAME).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
            && !text.starts_with(['_', '-']);
        if is_valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Name)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SecretName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> Self {
        name.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One version of a secret, as sources and connections refer to it: `phone_signing_key@2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRef {
    pub name: SecretName,
    pub version: u64,
}

impl FromStr for SecretRef {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (name, version) = text.split_once('@').ok_or(NameError::Version)?;
        let version = version.parse().map_err(|_| NameError::Version)?;
        Ok(Self {
            name: SecretName::new(name)?,
            version,
        })
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_reads_back_what_it_prints() {
        let reference: SecretRef = "phone_signing_key@12".parse().unwrap();
        assert_eq!(
            (reference.name.as_str(), reference.version),
            ("phone_signing_key", 12)
        );
        assert_eq!(reference.to_string(), "phone_signing_key@12");
    }

    #[test]
    fn other_forms_are_refused_without_repeating_them() {
        for text in [
            "", "a", "a@", "a@x", "a@-1", "@1", "A@1", "_a@1", "a b@1", "a/b@1",
        ] {
            let error = text.parse::<SecretRef>().unwrap_err();
            assert!(
                text.is_empty() || text == "a" || !error.to_string().contains(text),
                "{error}"
            );
        }
    }
}
