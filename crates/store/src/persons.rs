//! A tenant's people.

use domain::{E164, EmailAddress};
use sha2::{Digest, Sha256};

/// Something that tells one person from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PersonIdentity {
    /// A telephone number. Where number and address belong to two people, the number wins.
    Phone(E164),
    /// An e-mail address; upper and lower case are the same.
    Email(EmailAddress),
}

impl PersonIdentity {
    /// `phone` or `email`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Phone(_) => "phone",
            Self::Email(_) => "email",
        }
    }

    /// What is stored instead of the number or address itself.
    pub fn fingerprint(&self) -> String {
        let text = match self {
            Self::Phone(phone) => phone.as_str().to_owned(),
            Self::Email(email) => email.as_str().to_lowercase(),
        };
        hex::encode(Sha256::digest(text))
    }
}
