//! Which source a delivery claims to be from: the store's answers and the signing keys, kept for a moment.

use std::{sync::Arc, time::Duration};

use domain::{StoreError, TenantId};
use moka::future::Cache;
use secrecy::SecretString;
use secrets::{SecretRef, Secrets, SecretsError};
use sources::TenantHint;
use store::{Source, Store, TokenHash};

/// How long an answer is kept. A changed source or key counts after this time.
const FRESH_FOR: Duration = Duration::from_secs(5);
/// Answers kept at most, those for unknown names among them.
const CAPACITY: u64 = 50_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    Token(TokenHash),
    Account(&'static str, String),
    Tenant(&'static str, TenantId),
}

/// A source with its signing keys.
pub(crate) struct KeyedSource {
    pub(crate) source: Source,
    pub(crate) keys: Vec<SecretString>,
}

pub(crate) struct Directory {
    store: Arc<dyn Store>,
    secrets: Arc<dyn Secrets>,
    known: Cache<Name, Option<Arc<KeyedSource>>>,
}

impl Directory {
    pub(crate) fn new(store: Arc<dyn Store>, secrets: Arc<dyn Secrets>) -> Self {
        let known = Cache::builder()
            .max_capacity(CAPACITY)
            .time_to_live(FRESH_FOR)
            .build();
        Self {
            store,
            secrets,
            known,
        }
    }

    /// The source whose URL has this token.
    pub(crate) async fn by_token(
        &self,
        token: &str,
    ) -> Result<Option<Arc<KeyedSource>>, StoreError> {
        self.find(Name::Token(TokenHash::of(token))).await
    }

    /// The source that a body claims to be from: by its account at the provider, else by its tenant.
    pub(crate) async fn by_hint(
        &self,
        provider: &'static str,
        hint: TenantHint,
    ) -> Result<Option<Arc<KeyedSource>>, StoreError> {
        for account in hint.accounts {
            if let Some(found) = self.find(Name::Account(provider, account)).await? {
                return Ok(Some(found));
            }
        }
        match hint.tenant {
            Some(tenant) => self.find(Name::Tenant(provider, tenant)).await,
            None => Ok(None),
        }
    }

    async fn find(&self, name: Name) -> Result<Option<Arc<KeyedSource>>, StoreError> {
        if let Some(known) = self.known.get(&name).await {
            return Ok(known);
        }
        let asked = name.clone();
        self.known
            .try_get_with(name, async { self.ask(&asked).await })
            .await
            .map_err(|error: Arc<StoreError>| (*error).clone())
    }

    async fn ask(&self, name: &Name) -> Result<Option<Arc<KeyedSource>>, StoreError> {
        let found = match name {
            Name::Token(hash) => self.store.source_by_token_across_tenants(hash).await?,
            Name::Account(provider, account) => {
                self.store
                    .source_by_account_across_tenants(provider, account)
                    .await?
            }
            Name::Tenant(provider, tenant) => {
                let is_active = self
                    .store
                    .tenant(tenant)
                    .await?
                    .is_some_and(|found| found.status == domain::TenantStatus::Active);
                let sources = if is_active {
                    self.store.sources(tenant).await?
                } else {
                    Vec::new()
                };
                sources.into_iter().find(|source| {
                    source.provider == *provider && source.state == store::SourceState::Active
                })
            }
        };
        let Some(source) = found else { return Ok(None) };
        let keys = self.keys(&source).await?;
        Ok(Some(Arc::new(KeyedSource { source, keys })))
    }

    /// The source's keys. One that is gone does not stop the other.
    async fn keys(&self, source: &Source) -> Result<Vec<SecretString>, StoreError> {
        let mut keys = Vec::new();
        for name in &source.key_names {
            let Ok(reference) = name.parse::<SecretRef>() else {
                tracing::error!(source.id = %source.id, "a source refers to a key by a name that is none");
                continue;
            };
            match self
                .secrets
                .get(&source.tenant, &reference.name, Some(reference.version))
                .await
            {
                Ok(key) => keys.push(key),
                Err(error @ (SecretsError::NotFound | SecretsError::Damaged)) => {
                    tracing::error!(source.id = %source.id, "a source lacks one of its signing keys: {error}");
                }
                Err(error @ SecretsError::Store(_)) => {
                    return Err(StoreError::Failed(error.to_string()));
                }
            }
        }
        Ok(keys)
    }
}
