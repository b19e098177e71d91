//! Where a tenant's webhooks come from.

use std::fmt;

use domain::{ConnectionName, OfficeId, SourceId, StoreError, TenantId};
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{Config, ConfigKind, Result};

/// SHA-256 of a URL token. The token itself is shown once and never stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// A hash as it was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(redacted)")
    }
}

/// A configured sender of a tenant's webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The provider's slug.
    pub provider: String,
    /// What its tenant calls it; `None`: nobody has named it.
    pub name: Option<String>,
    /// The office that its requests belong to; else the tenant's first.
    pub office: Option<OfficeId>,
    /// The connection that opens its provider's API. `None`: the one that is named like the provider's slug.
    pub connection: Option<ConnectionName>,
    /// Hash of the token in its URL.
    pub token: Option<TokenHash>,
    /// The tenant's account ids at the provider, in every form that it sends. Unique within a provider.
    pub accounts: Vec<String>,
    /// Names of its signing keys, the newest first: two while one replaces the other.
    pub key_names: Vec<String>,
    /// The signature schemes that are taken; empty: all that the provider has.
    pub schemes: Vec<String>,
    /// Whether it is in use.
    pub state: SourceState,
    /// Grows by one with every [`SourceChange`]; 1 at first.
    pub version: u64,
}

/// What of a source can be said anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceUpdate {
    /// The version that is changed, and no other.
    pub expected: u64,
    /// [`Source::name`].
    pub name: Option<String>,
    /// [`Source::office`].
    pub office: Option<OfficeId>,
    /// [`Source::accounts`].
    pub accounts: Vec<String>,
}

/// A change of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceChange {
    /// A further signing key, by its name among the tenant's secrets. Two can be active at once.
    AddKey(String),
    /// A key that is not taken any more. The last one stays.
    RemoveKey(String),
    /// Whether it is in use.
    SetState(SourceState),
    /// How it is called, where its requests belong, which accounts it stands for.
    Update(SourceUpdate),
}

impl SourceChange {
    /// The office that it names.
    pub const fn office(&self) -> Option<OfficeId> {
        match self {
            Self::Update(update) => update.office,
            Self::AddKey(_) | Self::RemoveKey(_) | Self::SetState(_) => None,
        }
    }
}

impl Source {
    /// How many signing keys can be active at once.
    pub const MAX_KEYS: usize = 2;

    /// The connection that opens its provider's API.
    ///
    /// # Panics
    /// If the provider's slug, which is ours, is not valid as a name.
    pub fn connection_name(&self) -> ConnectionName {
        self.connection.clone().unwrap_or_else(|| {
            ConnectionName::new(&self.provider).expect("a provider's slug is valid as a name")
        })
    }

    /// The source as it is, for the history of its versions. What is secret or does not change is not in it.
    pub fn as_version(&self, author: &str, note: &str, now: Timestamp) -> Config {
        Config {
            tenant: self.tenant.clone(),
            kind: ConfigKind::SourceVersion,
            name: self.id.to_string(),
            version: self.version,
            json: json!({
                "name": self.name,
                "office_id": self.office.map(|office| office.to_string()),
                "accounts": self.accounts,
                "state": self.state.as_str(),
                "keys": self.key_names,
            }),
            author: author.to_owned(),
            note: note.to_owned(),
            created_at: now,
        }
    }

    /// The same of a version that was made before versions were kept: by whom, and when, is not known.
    pub fn as_earlier_version(&self, now: Timestamp) -> Config {
        self.as_version("", "as it was before it was changed", now)
    }

    /// Checks whether the source can be created. `has_owner`: its tenant is there, and its office if it names one;
    /// `is_known`: there is a source of its id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without an owner; [`StoreError::Conflict`] if it is known.
    pub fn check_new(has_owner: bool, is_known: bool) -> Result<()> {
        if !has_owner {
            return Err(StoreError::NotFound);
        }
        if is_known {
            let reason = "there is such a source already".to_owned();
            return Err(StoreError::Conflict(reason));
        }
        Ok(())
    }

    /// The error for a URL token that belongs to another source.
    pub fn token_taken() -> StoreError {
        StoreError::Conflict("the URL token belongs to another source".to_owned())
    }

    /// The error for an account that belongs to another source.
    pub fn account_taken(&self) -> StoreError {
        let provider = &self.provider;
        StoreError::Conflict(format!("the {provider} account belongs to another source"))
    }

    /// Changes the source. `has_office`: the office that the change names, if it names one, is its tenant's.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] says why it is not possible, and what to do; [`StoreError::Outdated`] if the change is of
    /// another version; [`StoreError::NotFound`] without the office.
    pub fn change(&mut self, change: SourceChange, has_office: bool) -> Result<()> {
        let refused = |reason: &str| Err(StoreError::Conflict(reason.to_owned()));
        match change {
            SourceChange::AddKey(name) if self.key_names.contains(&name) => {
                return refused("the source has this key already");
            }
            SourceChange::AddKey(_) if self.key_names.len() >= Self::MAX_KEYS => {
                return refused(
                    "the source has two active keys: remove the one that is not in use any more",
                );
            }
            SourceChange::AddKey(name) => self.key_names.insert(0, name),
            SourceChange::RemoveKey(name) => {
                let Some(index) = self.key_names.iter().position(|known| *known == name) else {
                    return refused("the source has no such key");
                };
                if self.key_names.len() == 1 {
                    return refused(
                        "it is the source's only key: add another before you remove it",
                    );
                }
                self.key_names.remove(index);
            }
            SourceChange::SetState(state) => self.state = state,
            SourceChange::Update(update) if update.expected != self.version => {
                return Err(StoreError::Outdated {
                    current: self.version,
                });
            }
            SourceChange::Update(_) if !has_office => return Err(StoreError::NotFound),
            SourceChange::Update(update) => {
                self.name = update.name;
                self.office = update.office;
                self.accounts = update.accounts;
            }
        }
        self.version += 1;
        Ok(())
    }
}

/// What came of a source's last test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTest {
    /// When it ended.
    pub at: Timestamp,
    /// Why it failed, and what to do, in a sentence; none if it arrived.
    pub fault: Option<String>,
}

/// Whether a source is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// Its deliveries are taken.
    Active,
    /// They are refused as if it did not exist.
    Disabled,
}

impl SourceState {
    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// Reads [`SourceState::as_str`]; an unknown word is disabled.
    pub fn from_stored(text: &str) -> Self {
        if text == "active" {
            Self::Active
        } else {
            Self::Disabled
        }
    }
}
