//! Secret Manager as the store of tenants' credentials.
//!
//! - One secret for each tenant and name, called `{prefix}-t-{length of the tenant}-{tenant}-{name}`: the length makes
//!   sure that two of them never meet. Its versions are ours.
//! - Deleting destroys the versions and keeps the empty secret: a secret that is created again counts from 1 again, and
//!   a number must never stand for two values.
//! - What was read stays in memory for [`SecretManagerConfig::fresh_for`], so that a rotation needs no restart, and is
//!   used for up to an hour longer while Secret Manager does not answer. A version that was destroyed elsewhere is
//!   given out for that long.
//! - Data that is empty is refused there; such a text, and one that begins with NUL, gets a NUL in front.
//!
//! Whoever reads needs `roles/secretmanager.secretAccessor`, whoever stores, lists or deletes
//! `roles/secretmanager.admin`, both limited to names that begin with `{prefix}-t-`.
//!
//! Source: Secret Manager v1 discovery document and reference, "Access control" and "Data integrity" (read 2026-11).
//! UNCONFIRMED: how soon `latest` shows a new version to others.

mod api;
mod held;

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Classify as _, Disposition, TenantId};
use held::Held;
use http_client::{Client, StatusCode, UnreadableBody, Url};
use moka::future::Cache;
use secrecy::SecretString;
use secrets::{SecretName, Secrets, SecretsError};
use settings::Reader;
use tokio::sync::Mutex;

use self::api::Api;
use crate::{CallError, Tokens, project};

/// Secrets that are kept in memory at most. The least used go first.
const HELD_MAX: u64 = 10_000;
/// A secret that nobody asked for in this time leaves memory.
const IDLE: Duration = Duration::from_secs(2 * 60 * 60);
/// How long a value is used when it cannot be asked for again.
const STALE: Duration = Duration::from_secs(60 * 60);
/// How long nothing is asked after an answer that did not come, as long as there is a value to use.
const PAUSE: Duration = Duration::from_secs(10);

/// Which secrets, and where.
#[derive(Debug, Clone)]
pub struct SecretManagerConfig {
    /// The service. Its host must serve `location`.
    pub base_url: Url,
    /// The project that holds the secrets.
    pub project: String,
    /// Where regional secrets are kept; none for global ones.
    pub location: Option<String>,
    /// What the names of secrets begin with: tells environments apart.
    pub prefix: String,
    /// How long a value is used before it is asked for again.
    pub fresh_for: Duration,
}

impl SecretManagerConfig {
    /// Where global secrets are.
    pub const BASE_URL: &'static str = "https://secretmanager.googleapis.com";

    /// Reads the settings.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        const PREFIX: &str = "SECRETS_PREFIX";
        let location: Option<String> = reader.optional(
            "SECRET_MANAGER_LOCATION",
            "Region that secrets are kept in; global secrets when absent.",
        );
        let about = "Secret Manager; a region's own address when absent and a region is set.";
        let mut base_url = reader.url("SECRET_MANAGER_BASE_URL", Self::BASE_URL, about);
        // Source: Secret Manager, "Regional secrets", endpoints.
        if let Some(location) = &location
            && base_url.host_str() == Some("secretmanager.googleapis.com")
            && let Ok(regional) =
                format!("https://secretmanager.{location}.rep.googleapis.com").parse()
        {
            base_url = regional;
        }
        let prefix = reader.get(
            PREFIX,
            "prod".to_owned(),
            "What the names of secrets begin with: tells environments apart.",
        );
        if !is_prefix(&prefix) {
            let advice = "write 1 to 32 of a-z, 0-9 and `-`";
            reader.fault(PREFIX, "it cannot be part of a secret's name", advice);
        }
        Self {
            base_url,
            project: project(reader),
            location,
            prefix,
            fresh_for: reader.duration(
                "SECRETS_FRESH_FOR",
                Duration::from_secs(5 * 60),
                "How long a secret is used before it is asked for again.",
            ),
        }
    }
}

fn is_prefix(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Tenants' credentials in Secret Manager. Cheap to clone; clones share what they know.
#[derive(Clone)]
pub struct SecretManager {
    api: Api,
    prefix: Arc<str>,
    fresh_for: Duration,
    held: Cache<String, Arc<Mutex<Held>>>,
}

/// Why Secret Manager did not do it. Names secrets, never values.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SecretManagerError {
    /// The call failed. A secret that is not there and credentials that do not suffice are variants of their own.
    #[error("Secret Manager {call}{}", words(call))]
    Call {
        /// How.
        call: CallError,
    },
    /// There is no such secret, not this version, or it is disabled or destroyed.
    #[error("Secret Manager has no version of `{secret}` that can be used")]
    NotFound {
        /// The secret's id.
        secret: String,
    },
    /// The credentials do not suffice (401, 403).
    #[error("Secret Manager refuses our credentials (status {}); grant the service account {role} on `{secret}`: {message}", status.as_u16())]
    Unauthorized {
        /// The status.
        status: StatusCode,
        /// The role that suffices.
        role: &'static str,
        /// The secret's id, or what the ids of all those listed begin with.
        secret: String,
        /// Google's words, capped.
        message: String,
    },
    /// The value and its checksum differ, or it is no text.
    #[error("the value of `{secret}` is not what was stored")]
    Damaged {
        /// The secret's id.
        secret: String,
    },
    /// The value is longer than Secret Manager takes.
    #[error("a secret has at most {} bytes", api::DATA_MAX)]
    TooLong,
    /// The answer has another shape.
    #[error(transparent)]
    Unreadable(#[from] UnreadableBody),
    /// The answer names no version.
    #[error("Secret Manager answered without the number of a version")]
    Nameless,
}

impl SecretManagerError {
    /// Whether it may pass by itself: then an older value is better than none.
    fn may_pass(&self) -> bool {
        match self {
            Self::Call { call } => matches!(call.disposition(), Disposition::Retry { .. }),
            Self::Unreadable(_) | Self::Nameless => true,
            Self::NotFound { .. }
            | Self::Unauthorized { .. }
            | Self::Damaged { .. }
            | Self::TooLong => false,
        }
    }
}

/// Google's words, for whoever reads the log.
fn words(call: &CallError) -> String {
    let words = call.answer().map(|words| format!(": {words}"));
    words.unwrap_or_default()
}

impl From<SecretManagerError> for SecretsError {
    fn from(error: SecretManagerError) -> Self {
        match error {
            SecretManagerError::NotFound { .. } => Self::NotFound,
            SecretManagerError::Damaged { .. } => Self::Damaged,
            error => Self::Store(error.into()),
        }
    }
}

impl SecretManager {
    /// A store; opens no connection.
    pub fn new(http: Client, tokens: Tokens, config: &SecretManagerConfig) -> Self {
        let held = Cache::builder().max_capacity(HELD_MAX).time_to_idle(IDLE);
        Self {
            prefix: config.prefix.as_str().into(),
            fresh_for: config.fresh_for,
            api: Api::new(http, tokens, config),
            held: held.build(),
        }
    }

    /// What the ids of a tenant's secrets begin with, and those of no other tenant's.
    fn begin(&self, tenant: &TenantId) -> String {
        format!("{}-t-{}-{tenant}-", self.prefix, tenant.as_str().len())
    }

    fn id(&self, tenant: &TenantId, name: &SecretName) -> String {
        self.begin(tenant) + name.as_str()
    }

    async fn held(&self, id: &str) -> Arc<Mutex<Held>> {
        self.held
            .get_with_by_ref(id, async { Arc::default() })
            .await
    }

    /// How long this secret's values are fresh: not all of them grow old at the same time.
    fn fresh_for(&self, id: &str) -> Duration {
        let tenths_of_a_percent = crc32c::crc32c(id.as_bytes()) % 100;
        self.fresh_for - self.fresh_for * tenths_of_a_percent / 1000
    }

    /// Adds a version; the secret itself is made when it is missing.
    async fn add(
        &self,
        tenant: &TenantId,
        id: &str,
        value: &SecretString,
    ) -> Result<u64, SecretManagerError> {
        match self.api.add(id, value).await {
            Err(SecretManagerError::NotFound { .. }) => {
                self.api.create(id, tenant).await?;
                self.api.add(id, value).await
            }
            result => result,
        }
    }
}

#[async_trait]
impl Secrets for SecretManager {
    async fn get(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        version: Option<u64>,
    ) -> Result<SecretString, SecretsError> {
        if version == Some(0) {
            return Err(SecretsError::NotFound);
        }
        let id = self.id(tenant, name);
        let held = self.held(&id).await;
        // Whoever comes second waits for the answer to whom came first.
        let mut held = held.lock().await;
        if let Some(value) = held.get(version, self.fresh_for(&id)) {
            return Ok(value);
        }
        match self.api.access(&id, version).await {
            Ok((number, value)) => {
                held.keep(version, number, value.clone());
                Ok(value)
            }
            Err(error) if error.may_pass() => match held.get_stale(version, STALE, PAUSE) {
                Some(value) => {
                    tracing::warn!(secret = id, %error, "an older value of a secret is used");
                    Ok(value)
                }
                None => Err(error.into()),
            },
            Err(error) => {
                held.forget(version);
                Err(error.into())
            }
        }
    }

    async fn put(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        value: &SecretString,
    ) -> Result<u64, SecretsError> {
        let id = self.id(tenant, name);
        let number = self.add(tenant, &id, value).await?;
        let held = self.held(&id).await;
        held.lock().await.keep_new(number, value.clone());
        Ok(number)
    }

    async fn delete(&self, tenant: &TenantId, name: &SecretName) -> Result<(), SecretsError> {
        let id = self.id(tenant, name);
        let held = self.held(&id).await;
        let mut held = held.lock().await;
        *held = Held::default();
        for version in self.api.versions(&id).await? {
            self.api.destroy(&id, version).await?;
        }
        Ok(())
    }

    /// Asks once for the names, and once for each of them whether it still has a version.
    async fn list(&self, tenant: &TenantId) -> Result<Vec<SecretName>, SecretsError> {
        let begin = self.begin(tenant);
        let mut names = BTreeSet::new();
        for id in self.api.list(&begin).await? {
            let name = id.strip_prefix(&begin).map(SecretName::new);
            if let Some(Ok(name)) = name
                && self.api.has_version(&id).await?
            {
                names.insert(name);
            }
        }
        Ok(names.into_iter().collect())
    }
}

impl fmt::Debug for SecretManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretManager")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
