//! A tenant's accounts at providers.

use std::collections::BTreeMap;

use domain::{ConnectionName, Plan, StoreError, TenantId, Wake};

use crate::Result;

/// A tenant's account at a provider. The secret itself lives elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Whose it is.
    pub tenant: TenantId,
    /// What the tenant calls it.
    pub name: ConnectionName,
    /// The provider's slug.
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

impl Connection {
    /// The connection once its secret is the one of `secret_version`. With `new`, one that is not there begins.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is none and it is not `new`; [`StoreError::Conflict`] if its name belongs to
    /// another provider than that of `new`.
    pub fn with_secret(
        known: Option<Self>,
        tenant: &TenantId,
        name: &ConnectionName,
        secret_version: u64,
        new: Option<&NewConnection>,
    ) -> Result<Self> {
        let (provider, version, settings) = match (known, new) {
            (Some(known), Some(new)) if known.provider != new.provider => {
                return Err(StoreError::Conflict(format!(
                    "connection `{name}` already belongs to {}; choose another name for {}",
                    known.provider, new.provider
                )));
            }
            (Some(known), new) => {
                let brought = new.map(|new| &new.settings);
                let brought = brought.filter(|settings| !settings.is_empty()).cloned();
                let settings = brought.unwrap_or(known.settings);
                (known.provider, known.version, settings)
            }
            (None, Some(new)) => (new.provider.clone(), 0, new.settings.clone()),
            (None, None) => return Err(StoreError::NotFound),
        };
        Ok(Self {
            tenant: tenant.clone(),
            name: name.clone(),
            provider,
            version: version + 1,
            secret_version,
            state: ConnectionState::Active,
            settings,
        })
    }

    /// The connection after its secret of `version` was refused; `None` if that changes nothing, because the secret was
    /// replaced since.
    pub fn refused(self, version: u64) -> Option<Self> {
        let is_news = self.version == version && self.state == ConnectionState::Active;
        is_news.then_some(Self {
            state: ConnectionState::Refused,
            ..self
        })
    }

    /// The connection after its provider took its secret of `version`; `None` if that changes nothing, because it does not
    /// count as refused, or the secret was replaced since.
    pub fn accepted(self, version: u64) -> Option<Self> {
        let is_news = self.version == version && self.state == ConnectionState::Refused;
        is_news.then_some(Self {
            state: ConnectionState::Active,
            ..self
        })
    }

    /// The connection that is stored when this one is put: it begins at version 1, or keeps version, state and secret.
    #[must_use]
    pub fn over(self, known: Option<Self>) -> Self {
        match known {
            Some(known) => Self {
                provider: self.provider,
                settings: self.settings,
                ..known
            },
            None => Self {
                version: 1,
                state: ConnectionState::Active,
                ..self
            },
        }
    }
}

/// What a release let run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Released {
    /// How many rows of work.
    pub rows: u64,
    /// What is due now.
    pub wakes: Vec<Wake>,
}

/// How many rows of work a release lets run. With none, there is nothing to write.
pub fn released(plan: &Plan) -> u64 {
    let entries = plan.changes.iter().flat_map(|change| &change.log);
    let released = entries.filter(|entry| entry.outcome == "released");
    u64::try_from(released.count()).unwrap_or(u64::MAX)
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
