//! How a person can be reached and where they live, parsed once at the edge.

mod states;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text;

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
        // What is written in other letters is sent in ASCII (IDNA).
        let in_ascii = (!domain.is_ascii()).then(|| url::Host::parse(domain));
        let domain = match &in_ascii {
            None => domain,
            Some(Ok(url::Host::Domain(domain))) => domain,
            Some(_) => return Err(ContactError::Email),
        };
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

    /// The first address in a text as people enter one: `Ann <ann@example.com>`, `mailto:ann@example.com`, two with a comma
    /// between them, a full stop behind it. None where nothing in it is one.
    pub fn find(raw: &str) -> Option<Self> {
        const LONGEST: usize = 1_000;
        if let Ok(plain) = Self::parse(raw) {
            return Some(plain);
        }
        if raw.len() > LONGEST {
            return None;
        }
        let is_between = |c: char| text::is_unseen(c) || ",;<>()[]\"|".contains(c);
        // Keyboards of full width write the sign so.
        let raw = raw.replace('\u{ff20}', "@");
        let mut words = raw.split(is_between).map(|word| {
            let bare = word.strip_prefix("mailto:");
            let bare = bare.map_or(word, |link| link.split('?').next().unwrap_or(link));
            bare.trim_matches(['.', ':', '\''])
        });
        words.find_map(|word| Self::parse(word).ok())
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it tells one person: neither a role's nor one that stands in for none. What is not personal joins nobody.
    pub fn is_personal(&self) -> bool {
        !self.is_of_a_role() && !self.is_placeholder()
    }

    /// Whether it stands in for one that somebody did not want to give: `none@none.com`, `test@test.com`, `na@na.com`.
    pub fn is_placeholder(&self) -> bool {
        // Before the sign and behind it.
        const WORDS: [&str; 23] = [
            "anonymous",
            "asdf",
            "declined",
            "donthave",
            "email",
            "example",
            "fake",
            "na",
            "nil",
            "no",
            "noemail",
            "nomail",
            "none",
            "noone",
            "nope",
            "notgiven",
            "notprovided",
            "null",
            "refused",
            "sample",
            "test",
            "undefined",
            "unknown",
        ];
        // Before the sign alone, whatever is behind it.
        const SURE: [&str; 8] = [
            "donthave",
            "noemail",
            "nomail",
            "noone",
            "notgiven",
            "notprovided",
            "undefined",
            "unknown",
        ];
        let (local, domain) = self.0.rsplit_once('@').unwrap_or_default();
        let bare = |text: &str| text.to_lowercase().replace(['-', '_', '.'], "");
        let local = bare(local.split('+').next().unwrap_or_default());
        let label = bare(domain.split('.').next().unwrap_or_default());
        let is_word = |text: &String| WORDS.contains(&text.as_str());
        let is_twice = local == label && (is_word(&local) || is_one_sign(&local));
        is_twice || SURE.contains(&local.as_str()) || (is_word(&local) && is_word(&label))
    }

    /// Whether it is read by whoever has a part in a company, and tells no person: `info@`, `noreply@`.
    pub fn is_of_a_role(&self) -> bool {
        const ROLES: [&str; 22] = [
            "accounting",
            "accounts",
            "admin",
            "billing",
            "contact",
            "donotreply",
            "enquiries",
            "estimates",
            "hello",
            "help",
            "info",
            "inquiries",
            "mail",
            "marketing",
            "noreply",
            "office",
            "postmaster",
            "reception",
            "sales",
            "service",
            "support",
            "webmaster",
        ];
        let local = self.0.rsplit_once('@').map_or("", |(local, _)| local);
        // `info+web@`
        let local = local.split('+').next().unwrap_or_default().to_lowercase();
        // `no-reply@`
        ROLES.contains(&local.replace(['-', '_'], "").as_str())
    }
}

/// Whether a text is one sign again and again: `x`, `aaa`.
fn is_one_sign(text: &str) -> bool {
    let mut signs = text.chars();
    signs
        .next()
        .is_some_and(|first| signs.all(|sign| sign == first))
}

impl PostalCode {
    /// Reads `78664`, `78664-1234`, `78664 1234` or `786641234`.
    ///
    /// # Errors
    /// [`ContactError::PostalCode`] for anything else.
    pub fn parse(raw: &str) -> Result<Self, ContactError> {
        let (five, _) = Self::parts(raw).ok_or(ContactError::PostalCode)?;
        Ok(Self(five.to_owned()))
    }

    /// The code in one form with all that was given: `78664`, or `78664-1234`. None for what is no ZIP code.
    pub fn in_full(raw: &str) -> Option<String> {
        let (five, four) = Self::parts(raw)?;
        Some(four.map_or_else(|| five.to_owned(), |four| format!("{five}-{four}")))
    }

    /// The five digits, and the four behind them.
    fn parts(raw: &str) -> Option<(&str, Option<&str>)> {
        let raw = raw.trim();
        let (five, rest) = raw.split_at_checked(5)?;
        let four = rest.strip_prefix(['-', ' ']).unwrap_or(rest);
        let digits = |text: &str, n| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
        match digits(five, 5) && (rest.is_empty() || digits(four, 4)) {
            true => Some((five, (!rest.is_empty()).then_some(four))),
            false => None,
        }
    }

    /// The five digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands in for one that nobody gave: no place has it, or nobody lives there. ZIP codes in use run from
    /// 00501 to 99950; 12345 belongs to one company alone.
    pub fn is_placeholder(&self) -> bool {
        let is_assigned = ("00501"..="99950").contains(&self.as_str());
        let fillers = ["11111", "12345", "66666", "77777", "88888"];
        !is_assigned || fillers.contains(&self.as_str())
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

text_conversions!(EmailAddress, PostalCode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_what_people_write_around_it() {
        for raw in [
            "ann@example.com.",
            "<ann@example.com>",
            "Ann Lee <ann@example.com>",
            "mailto:ann@example.com?subject=bath",
            "ann@example.com, bo@example.com",
            "\u{200b}ann@example.com\u{a0}",
            "ann\u{ff20}example.com",
            "write to ann@example.com",
        ] {
            let found = EmailAddress::find(raw).map(String::from);
            assert_eq!(found.as_deref(), Some("ann@example.com"), "{raw}");
        }
        for raw in ["ann@example", "none", "", "@", "ann at example.com"] {
            assert_eq!(EmailAddress::find(raw), None, "{raw}");
        }
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
    fn an_address_of_a_role_is_told() {
        for (address, is_role) in [
            ("info@example.com", true),
            ("No-Reply@example.com", true),
            ("sales+web@example.com", true),
            ("ann.info@example.com", false),
            ("infos@example.com", false),
            ("ann@info.example.com", false),
        ] {
            let address = EmailAddress::parse(address).unwrap();
            assert_eq!(address.is_of_a_role(), is_role, "{}", address.as_str());
        }
    }

    #[test]
    fn an_address_that_stands_in_for_none_tells_nobody() {
        for (address, is_placeholder) in [
            ("none@none.com", true),
            ("na@na.com", true),
            ("NA@example.com", true),
            ("test@test.com", true),
            ("noemail@noemail.com", true),
            ("no-email@gmail.com", true),
            ("a@a.com", true),
            ("xxx@xxx.com", true),
            ("a@example.com", false),
            ("a@b.com", false),
            ("test@acme.com", false),
            ("ann@example.com", false),
            ("na@lee.com", false),
            ("no@smith.org", false),
            ("nona@none.com", false),
            ("ann@unknown.org", false),
        ] {
            let address = EmailAddress::parse(address).unwrap();
            let (text, is_personal) = (address.as_str(), address.is_personal());
            assert_eq!(address.is_placeholder(), is_placeholder, "{text}");
            assert_eq!(is_personal, !is_placeholder, "{text}");
        }
        let role = EmailAddress::parse("office@acme.com").unwrap();
        assert!(!role.is_personal() && !role.is_placeholder());
    }

    #[test]
    fn a_zip_code_that_no_place_has_is_a_placeholder() {
        for (code, is_placeholder) in [
            ("00000", true),
            ("00500", true),
            ("11111", true),
            ("12345", true),
            ("99951", true),
            ("99999", true),
            ("00501", false),
            ("22222", false),
            ("78664", false),
            ("99950", false),
        ] {
            let code = PostalCode::parse(code).unwrap();
            assert_eq!(code.is_placeholder(), is_placeholder, "{}", code.as_str());
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
