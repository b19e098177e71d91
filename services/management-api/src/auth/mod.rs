//! Who calls, and what they may see: bearer tokens (JWT), and the extractors that handlers name.
//!
//! A [`Verifier`] turns a token into a [`Caller`], and an extractor such as `TenantReader` a caller into the proof of
//! what they may do with the tenant of the path. Tokens are never logged and never repeated in an answer.

mod extract;
mod outside;
mod signing_key;
mod verifier;

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use domain::TenantId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use extract::{
    PlatformAdmin, TenantAdmin, TenantOperator, TenantPlatformAdmin, TenantReader, caller,
};
pub use jwks::{KeySet, Refusal, VerifyError};
pub use outside::OutsideConfig;
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

/// Somebody whose token was proven genuine. Only a [`Verifier`] makes one.
#[derive(Debug, Clone)]
pub struct Caller {
    subject: String,
    role: Option<Role>,
    tenants: BTreeSet<TenantId>,
    valid_until: Timestamp,
}

impl Caller {
    /// When the token is no longer taken.
    pub const fn valid_until(&self) -> Timestamp {
        self.valid_until
    }

    /// Who it is: the token's `sub`.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Their highest role.
    pub(crate) const fn role(&self) -> Option<Role> {
        self.role
    }

    /// Whether they learn that this tenant exists.
    pub fn sees(&self, tenant: &TenantId) -> bool {
        self.role == Some(Role::PlatformAdmin) || self.tenants.contains(tenant)
    }

    /// Whether their highest role is at least this one.
    pub fn is_at_least(&self, role: Role) -> bool {
        self.role >= Some(role)
    }
}
