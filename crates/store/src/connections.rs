//! A tenant's accounts at providers.

use std::collections::BTreeMap;

use domain::{ConnectionName, TenantId, Wake};

/// A tenant's account at a provider. The secret itself lives elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Whose it is.
    pub tenant: TenantId,
    /// What the tenant calls it.
    pub name: ConnectionName,
    /// The provider's slug: `hubspot`, `callrail`, `sendgrid`.
    pub provider: String,
    /// Grows by one with every new secret. Work that failed with an older one is tried again.
    pub version: u64,
    /// The version of the secret that is in use.
    pub secret_version: u64,
    /// Whether it works.
    pub state: ConnectionState,
    /// What is no secret: account and company ids.
    pub settings: BTreeMap<String, String>,
}

/// A connection that comes with its first secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConnection {
    /// The provider's slug.
    pub provider: String,
    /// What is no secret. Replaces what an existing connection has, unless it is empty.
    pub settings: BTreeMap<String, String>,
}

/// What came of a new secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacedSecret {
    /// The connection's version now.
    pub version: u64,
    /// How many rows of work were released.
    pub released: u64,
    /// What is due now.
    pub wakes: Vec<Wake>,
}

/// Whether a connection works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// As far as is known.
    Active,
    /// The provider refused its secret; work is held for it.
    Refused,
}

impl ConnectionState {
    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Refused => "refused",
        }
    }

    /// Reads [`ConnectionState::as_str`]; an unknown word is active.
    pub fn from_stored(text: &str) -> Self {
        if text == "refused" {
            Self::Refused
        } else {
            Self::Active
        }
    }
}
