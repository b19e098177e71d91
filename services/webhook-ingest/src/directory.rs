//! Which source a delivery claims to be from: the store's answers and the signing keys, kept for a moment.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use domain::{StoreError, TenantId};
use moka::future::Cache;
use secrecy::SecretString;
use secrets::{SecretName, SecretRef, Secrets, SecretsError};
use serde_json::{Map, Value};
use sources::{Sources, TenantHint};
use store::{Source, Store, TokenHash, configs::source_settings};
use tokio::{sync::Semaphore, time::Instant};

/// How long an answer is kept. A changed source or key counts after this time.
const FRESH_FOR: Duration = Duration::from_secs(5);
/// How long store and secrets may take. Without their answer no delivery is called invalid.
const DEADLINE: Duration = Duration::from_secs(2);
/// Most answers that are kept, those for unknown names among them.
const CAPACITY: u64 = 50_000;
/// Names that are looked up at once. Whoever makes up names keeps the store no busier than this.
const ASKED_AT_ONCE: usize = 16;
/// Deliveries of one tenant that wait for the store at once. The store commits in order of arrival, so a tenant that
/// floods waits here, where it delays nobody else. Twice what the store commits together, so that the store never waits
/// for a tenant that has more.
const AT_STORE_PER_TENANT: usize = 256;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    Token(TokenHash),
    Account(&'static str, String),
    /// An account of a tenant that is suspended.
    Suspended(&'static str, String),
    Tenant(&'static str, TenantId),
}

/// A source with its signing keys.
pub(crate) struct KeyedSource {
    pub(crate) source: Source,
    pub(crate) keys: Vec<SecretString>,
    /// What the tenant has set for it; an empty object where there is nothing.
    pub(crate) settings: Value,
    /// The settings of its connection, where they say what of a shared account is the tenant's; else nothing.
    pub(crate) account: BTreeMap<String, String>,
    /// The secret of its connection, where its door needs it.
    pub(crate) secret: Option<SecretString>,
    /// Some of its keys could not be loaded, so what the others do not verify may be genuine all the same.
    pub(crate) lacks_keys: bool,
    /// The tenant's permits at the store.
    pub(crate) at_store: Arc<Semaphore>,
}

pub(crate) struct Directory {
    sources: Sources,
    store: Arc<dyn Store>,
    secrets: Arc<dyn Secrets>,
    known: Cache<Name, Option<Arc<KeyedSource>>>,
    asking: Semaphore,
    at_store: Mutex<HashMap<TenantId, Weak<Semaphore>>>,
}

impl Directory {
    pub(crate) fn new(sources: Sources, store: Arc<dyn Store>, secrets: Arc<dyn Secrets>) -> Self {
        let known = Cache::builder()
            .max_capacity(CAPACITY)
            .time_to_live(FRESH_FOR)
            .build();
        Self {
            sources,
            store,
            secrets,
            known,
            asking: Semaphore::new(ASKED_AT_ONCE),
            at_store: Mutex::default(),
        }
    }

    /// The source whose URL has this token.
    ///
    /// # Errors
    /// [`StoreError`] if store or secrets cannot say it now.
    pub(crate) async fn by_token(
        &self,
        token: &str,
    ) -> Result<Option<Arc<KeyedSource>>, StoreError> {
        let name = Name::Token(TokenHash::of(token));
        self.find(name, Instant::now() + DEADLINE).await
    }

    /// The source that a body claims to be from: by its account at the provider, else by its tenant.
    ///
    /// # Errors
    /// [`StoreError`] if store or secrets cannot say it now.
    pub(crate) async fn by_hint(
        &self,
        provider: &'static str,
        hint: TenantHint,
    ) -> Result<Option<Arc<KeyedSource>>, StoreError> {
        let ends_at = Instant::now() + DEADLINE;
        for account in hint.accounts {
            let name = Name::Account(provider, account);
            if let Some(found) = self.find(name, ends_at).await? {
                return Ok(Some(found));
            }
        }
        match hint.tenant {
            Some(tenant) => self.find(Name::Tenant(provider, tenant), ends_at).await,
            None => Ok(None),
        }
    }

    /// The source of a suspended tenant that has one of these accounts.
    ///
    /// # Errors
    /// [`StoreError`] if store or secrets cannot say it now.
    pub(crate) async fn suspended(
        &self,
        provider: &'static str,
        accounts: Vec<String>,
    ) -> Result<Option<Arc<KeyedSource>>, StoreError> {
        let ends_at = Instant::now() + DEADLINE;
        for account in accounts {
            let name = Name::Suspended(provider, account);
            if let Some(found) = self.find(name, ends_at).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn find(
        &self,
        name: Name,
        ends_at: Instant,
    ) -> Result<Option<Arc<KeyedSource>>, StoreError> {
        if let Some(known) = self.known.get(&name).await {
            return Ok(known);
        }
        let asked = name.clone();
        let asking = self
            .known
            .try_get_with(name, async { self.ask(&asked).await });
        match tokio::time::timeout_at(ends_at, asking).await {
            Ok(found) => found.map_err(|error: Arc<StoreError>| (*error).clone()),
            Err(_) => Err(StoreError::Failed(format!(
                "looking up whose delivery it is took more than {DEADLINE:?}"
            ))),
        }
    }

    async fn ask(&self, name: &Name) -> Result<Option<Arc<KeyedSource>>, StoreError> {
        let _permit = self.asking.acquire().await;
        let found = match name {
            Name::Token(hash) => self.store.source_by_token_across_tenants(hash).await?,
            Name::Account(provider, account) => {
                self.store
                    .source_by_account_across_tenants(provider, account)
                    .await?
            }
            Name::Suspended(provider, account) => self.suspended_one(provider, account).await?,
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
        let settings = self.settings(&source).await?;
        let account = self.account(&source).await?;
        let secret = self.secret(&source, &settings).await?;
        Ok(Some(Arc::new(KeyedSource {
            lacks_keys: keys.len() < source.key_names.len(),
            at_store: self.at_store(&source.tenant),
            source,
            keys,
            settings,
            account,
            secret,
        })))
    }

    /// Suspended tenants are few, and asked about only where an app's URL gets what is nobody's else.
    async fn suspended_one(
        &self,
        provider: &str,
        account: &str,
    ) -> Result<Option<Source>, StoreError> {
        let tenants = self.store.tenants_across_tenants().await?;
        let suspended = |tenant: &domain::Tenant| tenant.status == domain::TenantStatus::Suspended;
        for tenant in tenants.into_iter().filter(suspended) {
            let mut sources = self.store.sources(&tenant.id).await?.into_iter();
            let has_it = |source: &Source| {
                source.provider == provider
                    && source.state == store::SourceState::Active
                    && source.accounts.iter().any(|known| known == account)
            };
            if let Some(found) = sources.find(has_it) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// What the tenant has set for the source. A source that has nothing to set costs no look into the store.
    async fn settings(&self, source: &Source) -> Result<Value, StoreError> {
        let spec = self.sources.get(&source.provider).map(|known| known.spec());
        if spec.is_some_and(|spec| spec.settings.is_some()) {
            source_settings(&*self.store, &source.tenant, source.id).await
        } else {
            Ok(Value::Object(Map::new()))
        }
    }

    /// The settings of the source's connection, where what is taken depends on them.
    async fn account(&self, source: &Source) -> Result<BTreeMap<String, String>, StoreError> {
        let spec = self.sources.get(&source.provider).map(|known| known.spec());
        if spec.is_none_or(|spec| spec.narrowed_by.is_empty()) {
            return Ok(BTreeMap::new());
        }
        let name = source.connection_name();
        let connection = self.store.connection(&source.tenant, &name).await?;
        let connection = connection.filter(|known| known.provider == source.provider);
        Ok(connection.map(|known| known.settings).unwrap_or_default())
    }

    /// The secret of the source's connection, where its door needs it and the tenant has entered one.
    async fn secret(
        &self,
        source: &Source,
        settings: &Value,
    ) -> Result<Option<SecretString>, StoreError> {
        let door = self
            .sources
            .get(&source.provider)
            .and_then(|known| known.door());
        if !door.is_some_and(|door| door.needs_secret(settings)) {
            return Ok(None);
        }
        let Ok(name) = SecretName::new(source.connection_name().as_str()) else {
            return Ok(None);
        };
        match self.secrets.get(&source.tenant, &name, None).await {
            Ok(secret) => Ok(Some(secret)),
            Err(error @ (SecretsError::NotFound | SecretsError::Damaged)) => {
                tracing::error!(source.id = %source.id, "the secret of a source's bot check is missing: {error}");
                Ok(None)
            }
            Err(error @ SecretsError::Store(_)) => Err(StoreError::Failed(error.to_string())),
        }
    }

    /// The tenant's permits, the same for all of its sources.
    fn at_store(&self, tenant: &TenantId) -> Arc<Semaphore> {
        let mut all = self.at_store.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(permits) = all.get(tenant).and_then(Weak::upgrade) {
            return permits;
        }
        all.retain(|_, permits| permits.strong_count() > 0);
        let permits = Arc::new(Semaphore::new(AT_STORE_PER_TENANT));
        all.insert(tenant.clone(), Arc::downgrade(&permits));
        permits
    }

    /// The source's keys. One that is gone does not stop the other.
    async fn keys(&self, source: &Source) -> Result<Vec<SecretString>, StoreError> {
        let mut keys = Vec::new();
        for name in &source.key_names {
            let Ok(reference) = name.parse::<SecretRef>() else {
                tracing::error!(source.id = %source.id, "source has an invalid signing-key reference");
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
