//! Keys by which programs call the API for one tenant.

use std::{fmt, str::FromStr, time::Duration};

use async_trait::async_trait;
use domain::{ApiKeyId, StoreError, TenantId};
use jiff::Timestamp;

use super::members::TenantRole;
use crate::{AuditAction, Result, TokenHash};

/// Most keys of one tenant that are not revoked.
pub const MAX_KEYS: usize = 100;
/// How long a revoked key stays in the list.
pub const KEPT_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// The use of a key is written down this often at most.
pub const USE_NOTED_EVERY: Duration = Duration::from_secs(60);

/// What a key opens. The words are on the wire for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Posts leads. It opens nothing of the management API.
    Ingest,
    /// What a `viewer` may do.
    Read,
    /// What an `operator` may do.
    Operate,
    /// What a `tenant_admin` may do.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Read, Self::Operate, Self::Admin];

    /// As it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }

    /// The role that it stands for.
    pub const fn role(self) -> Option<TenantRole> {
        match self {
            Self::Ingest => None,
            Self::Read => Some(TenantRole::Viewer),
            Self::Operate => Some(TenantRole::Operator),
            Self::Admin => Some(TenantRole::TenantAdmin),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        let words = Self::ALL.map(Self::as_str).join(", ");
        known.ok_or_else(|| format!("one of {words}"))
    }
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The only tenant that it is for.
    pub tenant: TenantId,
    /// The hash of the key. Unique. The key itself is shown once.
    pub hash: TokenHash,
    /// How it begins, by which people recognize it.
    pub prefix: String,
    /// What it is for, as people read it.
    pub name: String,
    /// What it opens, sorted, at least one.
    pub scopes: Vec<Scope>,
    /// The subject of who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Until when it is taken; none: until it is revoked.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it is taken.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires_at| now < expires_at)
    }

    /// The highest role that its scopes stand for.
    pub fn role(&self) -> Option<TenantRole> {
        self.scopes.iter().filter_map(|scope| scope.role()).max()
    }

    /// Whether its use at this time is written down.
    pub fn is_use_news(&self, now: Timestamp) -> bool {
        self.last_used_at
            .is_none_or(|noted| domain::later(noted, USE_NOTED_EVERY) <= now)
    }

    /// Checks whether the tenant, which has these keys, may have one more; and which of them are removed for good.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it has too many.
    pub fn check_room(known: &[Self], now: Timestamp) -> Result<Vec<ApiKeyId>> {
        let active = known.iter().filter(|key| key.revoked_at.is_none()).count();
        if active >= MAX_KEYS {
            return Err(StoreError::Conflict(format!(
                "the tenant has {MAX_KEYS} keys: revoke one that is not in use any more"
            )));
        }
        let is_old = |key: &&Self| {
            key.revoked_at
                .is_some_and(|revoked| domain::later(revoked, KEPT_FOR) <= now)
        };
        let mut revoked: Vec<_> = known
            .iter()
            .filter(|key| key.revoked_at.is_some())
            .collect();
        revoked.sort_by_key(|key| std::cmp::Reverse(key.revoked_at));
        let surplus = revoked.iter().skip(MAX_KEYS);
        let old = revoked.iter().take(MAX_KEYS).filter(|key| is_old(key));
        Ok(surplus.chain(old).map(|key| key.id).collect())
    }
}

/// The keys of programs.
#[async_trait]
pub trait ApiKeys {
    /// Keeps a new key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the tenant has too many; [`StoreError::NotFound`] when there is no such tenant.
    async fn create_api_key(&self, key: &ApiKey, act: &AuditAction) -> Result<()>;

    /// A tenant's keys, by id, those that were revoked lately among them.
    async fn api_keys(&self, tenant: &TenantId) -> Result<Vec<ApiKey>>;

    /// Revokes a key; returns it as it is now. Revoking it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the tenant has no such key.
    async fn revoke_api_key(
        &self,
        tenant: &TenantId,
        key: ApiKeyId,
        act: &AuditAction,
    ) -> Result<ApiKey>;

    /// The key with this hash, whatever its state.
    async fn api_key_by_hash_across_tenants(&self, hash: &TokenHash) -> Result<Option<ApiKey>>;

    /// Writes down that a key is used now, unless that was done within the last minute.
    async fn note_api_key_use(&self, tenant: &TenantId, key: ApiKeyId) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        domain::later(Timestamp::UNIX_EPOCH, Duration::from_secs(seconds))
    }

    fn key(number: u128) -> ApiKey {
        ApiKey {
            id: ApiKeyId::from_uuid(uuid::Uuid::from_u128(number)),
            tenant: TenantId::new("a").unwrap(),
            hash: TokenHash::of(&number.to_string()),
            prefix: "mip_".to_owned(),
            name: "reports".to_owned(),
            scopes: vec![Scope::Ingest, Scope::Read],
            created_by: "ann".to_owned(),
            created_at: at(0),
            last_used_at: None,
            expires_at: Some(at(100)),
            revoked_at: None,
        }
    }

    #[test]
    fn a_key_is_taken_until_it_expires_or_is_revoked() {
        assert!(key(1).is_active(at(99)) && !key(1).is_active(at(100)));
        let revoked = ApiKey {
            revoked_at: Some(at(1)),
            ..key(1)
        };
        assert!(!revoked.is_active(at(1)));
        assert_eq!(key(1).role(), Some(TenantRole::Viewer));
        let ingest = ApiKey {
            scopes: vec![Scope::Ingest],
            ..key(1)
        };
        assert_eq!(ingest.role(), None);
    }

    #[test]
    fn the_use_of_a_key_is_news_once_a_minute() {
        let used = ApiKey {
            last_used_at: Some(at(10)),
            ..key(1)
        };
        assert!(key(1).is_use_news(at(0)));
        assert!(!used.is_use_news(at(69)) && used.is_use_news(at(70)));
    }

    #[test]
    fn keys_that_were_revoked_long_ago_make_room() {
        let mut known: Vec<_> = (0..99).map(key).collect();
        known.push(ApiKey {
            revoked_at: Some(at(5)),
            ..key(500)
        });
        assert_eq!(ApiKey::check_room(&known, at(6)).unwrap(), []);
        let later = at(5 + KEPT_FOR.as_secs());
        assert_eq!(ApiKey::check_room(&known, later).unwrap(), [key(500).id]);
        known.push(key(99));
        assert!(ApiKey::check_room(&known, at(6)).is_err());
    }
}
