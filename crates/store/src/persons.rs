//! A tenant's people.

use std::collections::BTreeSet;

use domain::{E164, EmailAddress, PersonId};
use sha2::{Digest, Sha256};

/// What a person is recognized by.
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

/// Whose a request is.
#[derive(Debug, PartialEq, Eq)]
pub struct Resolved<'a> {
    /// The person; `None` if it is somebody new.
    pub person: Option<PersonId>,
    /// The identities that belong to nobody yet: from now on they are this person's.
    pub free: BTreeSet<&'a PersonIdentity>,
}

/// Decides whose a request is. `known` is its person, if it was asked before; `owners` are its identities, each with the
/// person whom it belongs to.
pub fn resolve(
    known: Option<PersonId>,
    owners: &[(PersonIdentity, Option<PersonId>)],
) -> Resolved<'_> {
    // Numbers sort before addresses.
    let owner = owners
        .iter()
        .filter_map(|(identity, owner)| owner.map(|owner| (identity, owner)))
        .min_by_key(|(identity, _)| *identity)
        .map(|(_, owner)| owner);
    let free = owners.iter().filter(|(_, owner)| owner.is_none());
    Resolved {
        person: known.or(owner),
        free: free.map(|(identity, _)| identity).collect(),
    }
}
