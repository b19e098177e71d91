//! Tenants' credentials: each has a name and versions, and is never printed.

pub mod contract;
mod key;
mod key_file;
mod name;
mod sealed;
mod vault;

use async_trait::async_trait;
use domain::TenantId;
pub use key::KeySource;
pub use key_file::{KeyFileError, read_key_file, write_key_file};
pub use name::{NameError, SecretName, SecretRef};
pub use sealed::{OpenError, SealedSecrets};
use secrecy::SecretString;

/// A store of credentials.
#[async_trait]
pub trait Secrets: Send + Sync + 'static {
    /// Returns a version of a secret; `None` stands for the newest.
    ///
    /// # Errors
    /// [`SecretsError::NotFound`], [`SecretsError::Damaged`], [`SecretsError::Store`].
    async fn get(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        version: Option<u64>,
    ) -> Result<SecretString, SecretsError>;

    /// Adds a version and returns its number. Older versions stay, so that two keys can be active during a rotation.
    /// Numbers rise from 1 and are never reused, not even after [`delete`](Self::delete).
    ///
    /// # Errors
    /// [`SecretsError::Store`].
    async fn put(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        value: &SecretString,
    ) -> Result<u64, SecretsError>;

    /// Removes a secret with all its versions. Succeeds without one, too.
    ///
    /// # Errors
    /// [`SecretsError::Store`].
    async fn delete(&self, tenant: &TenantId, name: &SecretName) -> Result<(), SecretsError>;

    /// The names of a tenant's secrets, sorted.
    ///
    /// # Errors
    /// [`SecretsError::Store`].
    async fn list(&self, tenant: &TenantId) -> Result<Vec<SecretName>, SecretsError>;
}

/// Why a secret could not be read or stored. Repeats no value.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error("the tenant has no secret of this name and version; enter it again")]
    NotFound,
    /// What is stored was altered.
    #[error("the stored secret was altered; enter it again, or restore it from a backup")]
    Damaged,
    /// The store failed, or could not be reached.
    #[error("the secret store failed: {0}")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}
