//! Links that sign somebody in once: their code is 32 random bytes, of which a hash is kept.

use std::time::Duration;

use domain::{EmailAddress, InvitationId, StoreError, TenantId};
use jiff::Timestamp;

use super::members::{TenantRole, folded};
use crate::{Result, TokenHash};

/// Most invitations of one tenant that wait for an answer.
pub const MAX_INVITATIONS: u32 = 200;

/// How long a code that was used, or has expired, is kept beyond its time, so that a late click learns why.
pub const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A code that signs in once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeCode {
    /// What it is called.
    pub id: InvitationId,
    /// The hash of the code. The code itself is shown once.
    pub hash: TokenHash,
    /// Whom it signs in.
    pub purpose: Purpose,
    /// The subject of who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// Whom a code signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The operator, in one tenant. Such a code is gone after a restart.
    Console {
        /// Who it is, as the audit log shows it.
        subject: String,
        /// Where.
        tenant: TenantId,
        /// What they may do there.
        role: TenantRole,
    },
    /// Whoever reads the mail to this address, who belongs to the tenant from then on.
    Invitation(Invitation),
    /// A user who signed in before.
    Link {
        /// The address, in lower case.
        email: EmailAddress,
    },
}

/// What an invitation offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The tenant.
    pub tenant: TenantId,
    /// The address, in lower case.
    pub email: EmailAddress,
    /// The role.
    pub role: TenantRole,
}

impl Purpose {
    /// As it is stored.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Console { .. } => "console",
            Self::Invitation(_) => "invitation",
            Self::Link { .. } => "link",
        }
    }

    /// How long such a code can be used.
    pub const fn lasts(&self) -> Duration {
        match self {
            Self::Console { .. } => Duration::from_secs(24 * 60 * 60),
            Self::Invitation(_) => Duration::from_secs(7 * 24 * 60 * 60),
            Self::Link { .. } => Duration::from_secs(10 * 60),
        }
    }
}

impl OneTimeCode {
    /// A code that is made now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for an address that cannot be one.
    pub fn new(
        id: InvitationId,
        code: &str,
        purpose: Purpose,
        created_by: &str,
        now: Timestamp,
    ) -> Result<Self> {
        let purpose = match purpose {
            Purpose::Invitation(invitation) => Purpose::Invitation(Invitation {
                email: folded(&invitation.email)?,
                ..invitation
            }),
            Purpose::Link { email } => Purpose::Link {
                email: folded(&email)?,
            },
            console @ Purpose::Console { .. } => console,
        };
        Ok(Self {
            id,
            hash: TokenHash::of(code),
            expires_at: domain::later(now, purpose.lasts()),
            purpose,
            created_by: created_by.to_owned(),
            created_at: now,
            used_at: None,
        })
    }

    /// The code once it is used.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it was used, or is too old: it says how to get another.
    pub fn used(self, now: Timestamp) -> Result<Self> {
        let another = match self.purpose {
            Purpose::Console { .. } => "get a new one with `pipeline sign-in code`",
            Purpose::Invitation(_) | Purpose::Link { .. } => {
                "ask an administrator for a new one (`pipeline user link`)"
            }
        };
        if self.used_at.is_some() {
            let reason = format!("the code was used already: {another}");
            return Err(StoreError::Conflict(reason));
        }
        if now >= self.expires_at {
            return Err(StoreError::Conflict(format!(
                "the code has expired: {another}"
            )));
        }
        Ok(Self {
            used_at: Some(now),
            ..self
        })
    }

    /// Whether it is an invitation that waits for an answer.
    pub const fn is_open_invitation(&self) -> bool {
        matches!(self.purpose, Purpose::Invitation(_)) && self.used_at.is_none()
    }

    /// The address that it leads to a user by.
    pub const fn email(&self) -> Option<&EmailAddress> {
        match &self.purpose {
            Purpose::Invitation(Invitation { email, .. }) | Purpose::Link { email } => Some(email),
            Purpose::Console { .. } => None,
        }
    }

    /// The tenant, subject and role that are stored with it.
    pub fn columns(&self) -> (Option<&TenantId>, Option<&str>, Option<TenantRole>) {
        match &self.purpose {
            Purpose::Console {
                subject,
                tenant,
                role,
            } => (Some(tenant), Some(subject), Some(*role)),
            Purpose::Invitation(Invitation { tenant, role, .. }) => {
                (Some(tenant), None, Some(*role))
            }
            Purpose::Link { .. } => (None, None, None),
        }
    }
}

impl Invitation {
    /// The role of a person who accepts it: no less than they have.
    pub fn role_over(&self, known: Option<TenantRole>) -> TenantRole {
        known.map_or(self.role, |known| known.max(self.role))
    }

    /// Checks whether the tenant may have one more.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when too many wait for an answer.
    pub fn check_room(waiting: usize) -> Result<()> {
        if u32::try_from(waiting).is_ok_and(|waiting| waiting < MAX_INVITATIONS) {
            return Ok(());
        }
        Err(StoreError::Conflict(format!(
            "{MAX_INVITATIONS} invitations wait for an answer: withdraw some first"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_code_is_used_once_and_in_time() {
        let email = EmailAddress::parse("Ann@example.com").unwrap();
        let id = InvitationId::from_uuid(uuid::Uuid::nil());
        let code = OneTimeCode::new(id, "c", Purpose::Link { email }, "ann", at(0)).unwrap();
        assert_eq!(code.email().unwrap().as_str(), "ann@example.com");
        let used = code.clone().used(at(599)).unwrap();
        assert_eq!(used.used_at, Some(at(599)));
        for refused in [used.used(at(599)), code.used(at(600))] {
            let Err(StoreError::Conflict(reason)) = refused else {
                panic!("{refused:?}")
            };
            assert!(reason.contains("ask an administrator"), "{reason}");
        }
    }
}
