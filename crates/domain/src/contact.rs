//! How a person can be reached and where they live, parsed once at the edge.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A telephone number in E.164 form: `+15125550142`. Prints redacted in `Debug`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct E164(String);

/// An e-mail address, its domain in lower case. Prints redacted in `Debug`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// A US ZIP code of five digits; a `+4` behind it is dropped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PostalCode(String);

/// Why a text is no way to reach somebody. The text is personal data and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// Not a telephone number in any form.
    #[error("not a telephone number: write it as +15125550142 or (512) 555-0142")]
    Phone,
    /// Not an e-mail address.
    #[error("not an e-mail address: write it as name@example.com")]
    Email,
    /// Not a ZIP code.
    #[error("not a ZIP code: write it as 78664 or 78664-1234")]
    PostalCode,
}

impl E164 {
    /// Reads a number as people and providers write it; without a country code it is taken for a US one.
    ///
    /// Numbers that no exchange has assigned are kept (`+15551234567` is what documentation uses): only the form is
    /// checked here.
    ///
    /// # Errors
    /// [`ContactError::Phone`] when it has no form of a number.
    pub fn parse(raw: &str) -> Result<Self, ContactError> {
        if raw.len() > 64 {
            return Err(ContactError::Phone);
        }
        let parsed = phonenumber::parse(Some(phonenumber::country::Id::US), raw.trim())
            .map_err(|_| ContactError::Phone)?;
        let text = parsed.format().mode(phonenumber::Mode::E164).to_string();
        // "+", a country code and a subscriber's number, 15 digits at most (ITU-T E.164).
        let digits = text.strip_prefix('+').ok_or(ContactError::Phone)?;
        let plausible =
            (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        let national = parsed.country().code() != 1 || digits.len() == 11;
        if plausible && national {
            Ok(Self(text))
        } else {
            Err(ContactError::Phone)
        }
    }

    /// The number, with its plus sign.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this number stands for a caller who withheld theirs: the words ANONYMOUS, RESTRICTED, BLOCKED,
    /// UNKNOWN and UNAVAILABLE typed on a telephone's keys, as carriers deliver them.
    pub fn is_withheld(&self) -> bool {
        const WORDS: [&str; 5] = [
            "266696687",
            "7378742833",
            "2562533",
            "8656696",
            "86282452253",
        ];
        let digits = self.0.trim_start_matches('+');
        WORDS
            .iter()
            .any(|word| digits == *word || digits.strip_prefix('1') == Some(word))
    }
}

impl EmailAddress {
    /// Reads one bare address: `name@example.com`.
    ///
    /// # Errors
    /// [`ContactError::Email`] for anything else; display names and lists are refused.
    pub fn parse(raw: &str) -> Result<Self, ContactError> {
        let raw = raw.trim();
        let (local, domain) = raw.rsplit_once('@').ok_or(ContactError::Email)?;
        let local_ok = (1..=64).contains(&local.len())
            && local
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b))
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        let domain_ok = (3..=253).contains(&domain.len())
            && domain.contains('.')
            && domain.split('.').all(|label| {
                (1..=63).contains(&label.len())
                    && label
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'-')
                    && !label.starts_with('-')
                    && !label.ends_with('-')
            });
        if local_ok && domain_ok {
            Ok(Self(format!("{local}@{}", domain.to_ascii_lowercase())))
        } else {
            Err(ContactError::Email)
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PostalCode {
    /// Reads `78664` or `78664-1234`.
    ///
    /// # Errors
    /// [`ContactError::PostalCode`] for anything else.
    pub fn parse(raw: &str) -> Result<Self, ContactError> {
        let raw = raw.trim();
        let (five, four) = raw.split_once('-').unwrap_or((raw, "0000"));
        let digits = |text: &str, n| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
        if digits(five, 5) && digits(four, 4) {
            Ok(Self(five.to_owned()))
        } else {
            Err(ContactError::PostalCode)
        }
    }

    /// The five digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("E164(redacted)")
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(redacted)")
    }
}

macro_rules! text_conversions {
    ($($name:ident),+) => {$(
        impl TryFrom<String> for $name {
            type Error = ContactError;

            fn try_from(text: String) -> Result<Self, ContactError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    )+};
}

text_conversions!(E164, EmailAddress, PostalCode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them_become_e164() {
        for (raw, expected) in [
            ("+15125550142", "+15125550142"),
            ("512-555-0142", "+15125550142"),
            ("(512) 555 0142", "+15125550142"),
            ("1 512 555 0142", "+15125550142"),
            ("+15551234567", "+15551234567"),
            ("+44 20 7946 0958", "+442079460958"),
        ] {
            assert_eq!(
                E164::parse(raw).map(String::from),
                Ok(expected.to_owned()),
                "{raw}"
            );
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for raw in [
            "",
            "anonymous",
            "12",
            "<script>",
            "+1",
            "+1512555014",
            &"5".repeat(80),
        ] {
            assert_eq!(E164::parse(raw), Err(ContactError::Phone), "{raw}");
        }
    }

    #[test]
    fn a_withheld_number_is_recognised() {
        assert!(E164("+266696687".to_owned()).is_withheld());
        assert!(!E164("+15125550142".to_owned()).is_withheld());
    }

    #[test]
    fn personal_data_is_redacted_in_debug() {
        let phone = E164::parse("+15125550142").unwrap();
        assert!(!format!("{phone:?}").contains("512"));
    }

    #[test]
    fn addresses_are_checked() {
        assert_eq!(
            EmailAddress::parse("Ann@Example.COM").map(String::from),
            Ok("Ann@example.com".to_owned())
        );
        for raw in [
            "",
            "a",
            "a@",
            "@b.c",
            "a@b",
            "a b@c.de",
            "a@b..c",
            "a@-b.c",
            "x@y.z>",
            "a@b.c,d@e.f",
        ] {
            assert!(EmailAddress::parse(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn zip_codes_lose_their_plus_four() {
        assert_eq!(
            PostalCode::parse("78664-1234").map(String::from),
            Ok("78664".to_owned())
        );
        for raw in ["", "7866", "786644", "78664-12", "abcde"] {
            assert!(PostalCode::parse(raw).is_err(), "{raw}");
        }
    }
}
