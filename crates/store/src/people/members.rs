//! The people of tenants: one user for each e-mail address, a role for each tenant.

use std::{fmt, str::FromStr};

use async_trait::async_trait;
use domain::{EmailAddress, StoreError, TenantId, UserId};
use jiff::Timestamp;

use crate::{AuditAction, Page, Result};

/// Most people of one tenant.
pub const MAX_MEMBERS: u32 = 1_000;

/// Most tenants of one person: a token names them all, and is bounded.
pub const MAX_TENANTS: usize = 50;

/// What a person may do in one tenant, from the least to the most. The words are on the wire for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TenantRole {
    /// Reads.
    Viewer,
    /// Decides about requests and sets stopped work going again.
    Operator,
    /// Changes the tenant's configuration, and its people.
    TenantAdmin,
}

impl TenantRole {
    /// Every role, from the least to the most.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::TenantAdmin];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::TenantAdmin => "tenant_admin",
        }
    }
}

impl fmt::Display for TenantRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TenantRole {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|role| role.as_str() == text);
        let words = Self::ALL.map(Self::as_str).join(", ");
        known.ok_or_else(|| format!("one of {words}"))
    }
}

/// A person who signs in, the same in every tenant.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Where links to sign in go, in lower case. Unique.
    pub email: EmailAddress,
    /// Its name, as people read it; empty when nobody said it.
    pub name: String,
    /// When they first signed in.
    pub created_at: Timestamp,
}

/// Without what is personal.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A person of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who it is.
    pub user: User,
    /// What they may do there.
    pub role: TenantRole,
    /// Since when they belong to it.
    pub since: Timestamp,
}

impl Member {
    /// Checks whether the person may have the role `after`, none for a removal; `other_admins` is how many further
    /// administrators the tenant has.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when nobody would be left who administers the tenant.
    pub fn check_change(&self, after: Option<TenantRole>, other_admins: usize) -> Result<()> {
        let ends = self.role == TenantRole::TenantAdmin && after != Some(TenantRole::TenantAdmin);
        if ends && other_admins == 0 {
            return Err(StoreError::Conflict(
                "this is the tenant's last administrator: give another person the role `tenant_admin` first"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// Checks whether a user may become a person of a tenant that has so many, if they belong to so many tenants.
///
/// # Errors
/// [`StoreError::Conflict`] when either has too many.
pub fn check_joining(people: u32, tenants: usize) -> Result<()> {
    if people >= MAX_MEMBERS {
        return Err(StoreError::Conflict(format!(
            "the tenant has {MAX_MEMBERS} people: an administrator must remove one first"
        )));
    }
    if tenants >= MAX_TENANTS {
        return Err(StoreError::Conflict(format!(
            "you belong to {MAX_TENANTS} tenants: have one of them remove you first"
        )));
    }
    Ok(())
}

/// An address by which a person is known: the same in every spelling of its case.
///
/// # Errors
/// [`StoreError::Conflict`] for what no longer is an address in lower case, which cannot be.
pub fn folded(email: &EmailAddress) -> Result<EmailAddress> {
    let folded = EmailAddress::parse(&email.as_str().to_lowercase());
    folded.map_err(|error| StoreError::Conflict(error.to_string()))
}

/// Who belongs to which tenant.
#[async_trait]
pub trait People {
    /// A user.
    async fn user_across_tenants(&self, user: UserId) -> Result<Option<User>>;

    /// The user with this address, in whatever case.
    async fn user_by_email_across_tenants(&self, email: &EmailAddress) -> Result<Option<User>>;

    /// The user with this address; one that is not there is made.
    async fn ensure_user_across_tenants(&self, email: &EmailAddress, name: &str) -> Result<User>;

    /// The tenants that a user belongs to, by id, with the role in each.
    async fn memberships_across_tenants(&self, user: UserId)
    -> Result<Vec<(TenantId, TenantRole)>>;

    /// A page of a tenant's people, by id; `after` is the last of the page before, `limit` 1 to 200.
    async fn members(
        &self,
        tenant: &TenantId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Page<Member>>;

    /// A person of a tenant.
    async fn member(&self, tenant: &TenantId, user: UserId) -> Result<Option<Member>>;

    /// Gives a person of the tenant another role, and ends what still invites them there. The same role changes nothing
    /// and leaves no entry in the audit log.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant has no such person; [`StoreError::Conflict`] when nobody would be left
    /// who administers it.
    async fn set_member_role(
        &self,
        tenant: &TenantId,
        user: UserId,
        role: TenantRole,
        act: &AuditAction,
    ) -> Result<Member>;

    /// Removes a person from the tenant, and ends what still invites them there. The user stays, for other tenants.
    ///
    /// # Errors
    /// As [`People::set_member_role`].
    async fn remove_member(
        &self,
        tenant: &TenantId,
        user: UserId,
        act: &AuditAction,
    ) -> Result<Member>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_administrator_stays_one() {
        let member = |role| Member {
            user: User {
                id: UserId::from_uuid(uuid::Uuid::nil()),
                email: EmailAddress::parse("ann@example.com").unwrap(),
                name: String::new(),
                created_at: Timestamp::UNIX_EPOCH,
            },
            role,
            since: Timestamp::UNIX_EPOCH,
        };
        let admin = member(TenantRole::TenantAdmin);
        for after in [None, Some(TenantRole::Viewer), Some(TenantRole::Operator)] {
            assert!(admin.check_change(after, 0).is_err(), "{after:?}");
            assert!(admin.check_change(after, 1).is_ok(), "{after:?}");
            let operator = member(TenantRole::Operator);
            assert!(operator.check_change(after, 0).is_ok(), "{after:?}");
        }
        assert!(admin.check_change(Some(TenantRole::TenantAdmin), 0).is_ok());
    }

    #[test]
    fn an_address_is_one_in_every_case() {
        let email = |text| folded(&EmailAddress::parse(text).unwrap()).unwrap();
        assert_eq!(email("Ann@Example.com"), email("ann@example.COM"));
    }
}
