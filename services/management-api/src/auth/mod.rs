//! Who calls, and what they may see: bearer tokens (JWT), and the extractors that handlers name.
//!
//! A [`Verifier`] turns a token into a [`Caller`], and an extractor such as `TenantReader` a caller into the proof of
//! what they may do with the tenant of the path. Tokens are never logged and never repeated in an answer.

mod extract;
mod key_ring;
mod outside;
mod per_minute;
mod signing_key;
mod verifier;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    time::Duration,
};

use domain::TenantId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use extract::{
    Anybody, LeadSender, PlatformAdmin, TenantAdmin, TenantOperator, TenantPlatformAdmin,
    TenantReader, Turned, caller, client_of,
};
pub use jwks::{KeySet, Refusal, VerifyError};
pub use key_ring::KeyRing;
pub(crate) use key_ring::{FRESH_FOR, NewKey, PREFIX as API_KEY_PREFIX};
pub use outside::OutsideConfig;
pub(crate) use outside::is_trustworthy;
pub(crate) use per_minute::PerMinute;
pub use signing_key::{KeyError, SigningKey};
pub use verifier::{Trust, Verifier};

/// What a caller may do, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Decides about requests and sets stopped work going again.
    Operator,
    /// Changes a tenant's configuration.
    TenantAdmin,
    /// Does all of this for every tenant, and creates and suspends tenants.
    PlatformAdmin,
}

impl Role {
    /// Every role, from the least to the most.
    pub const ALL: [Self; 4] = [
        Self::Viewer,
        Self::Operator,
        Self::TenantAdmin,
        Self::PlatformAdmin,
    ];

    /// As it stands in tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::TenantAdmin => "tenant_admin",
            Self::PlatformAdmin => "platform_admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| {
                format!(
                    "a role is one of {}",
                    Self::ALL.map(Self::as_str).join(", ")
                )
            })
    }
}

impl From<store::TenantRole> for Role {
    fn from(role: store::TenantRole) -> Self {
        match role {
            store::TenantRole::Viewer => Self::Viewer,
            store::TenantRole::Operator => Self::Operator,
            store::TenantRole::TenantAdmin => Self::TenantAdmin,
        }
    }
}

/// What a token should say.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Who it is for.
    pub subject: String,
    /// What they may do, in each of the tenants.
    pub roles: Vec<Role>,
    /// The tenants that they see. Not needed with [`Role::PlatformAdmin`].
    pub tenants: Vec<TenantId>,
    /// How long it lasts.
    pub valid_for: Duration,
}

/// What a token of somebody who signed in here should say.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who it is.
    pub subject: String,
    /// What they may do, tenant by tenant.
    pub tenant_roles: BTreeMap<TenantId, Role>,
    /// Whether they administer the platform.
    pub is_platform_admin: bool,
}

/// Somebody whose token or key was proven genuine. Only a [`Verifier`] and a [`KeyRing`] make one.
#[derive(Debug, Clone)]
pub struct Caller {
    subject: String,
    /// In each of `tenants`.
    role: Option<Role>,
    tenants: BTreeSet<TenantId>,
    tenant_roles: BTreeMap<TenantId, Role>,
    is_program: bool,
    may_post_leads: bool,
    valid_until: Timestamp,
}

impl Caller {
    /// When the token is no longer taken, or a key must be looked at again.
    pub const fn valid_until(&self) -> Timestamp {
        self.valid_until
    }

    /// Who it is: the token's `sub`, or the id of the key.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Whether they learn that this tenant exists.
    pub fn sees(&self, tenant: &TenantId) -> bool {
        self.is_platform_admin()
            || self.tenants.contains(tenant)
            || self.tenant_roles.contains_key(tenant)
    }

    /// What they may do in this tenant; for one who administers the platform, the same in all.
    pub fn role_in(&self, tenant: &TenantId) -> Option<Role> {
        let listed = self.tenants.contains(tenant) || self.is_platform_admin();
        let everywhere = self.role.filter(|_| listed);
        everywhere.max(self.tenant_roles.get(tenant).copied())
    }

    /// Whether they may do everything for every tenant.
    pub fn is_platform_admin(&self) -> bool {
        self.role == Some(Role::PlatformAdmin)
    }

    /// Whether it is a program that calls by a key of its own.
    pub const fn is_program(&self) -> bool {
        self.is_program
    }

    /// Whether they may post leads of this tenant.
    pub fn may_post_leads(&self, tenant: &TenantId) -> bool {
        let is_of_scope = self.may_post_leads && self.tenants.contains(tenant);
        is_of_scope || self.role_in(tenant) >= Some(Role::Operator)
    }

    /// The tenants that are named for them.
    pub fn tenants(&self) -> BTreeSet<TenantId> {
        let mut all = self.tenants.clone();
        all.extend(self.tenant_roles.keys().cloned());
        all
    }
}
