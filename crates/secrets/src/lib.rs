//! Tenants' credentials: each has a name and versions, none is ever printed.
#![warn(missing_docs)]

pub mod contract;
mod key;
mod name;
mod sealed;
mod vault;

use async_trait::async_trait;
use domain::TenantId;
pub use key::KeySource;
pub use name::{NameError, SecretName, SecretRef};
pub use sealed::{OpenError, SealedSecrets};
use secrecy::SecretString;

/// A store of credentials.
#[async_trait]
pub trait Secrets: Send + Sync + 'static {
    /// Gives a secret: the version asked for, or the newest.
    ///
    /// # Errors
    /// [`SecretsError::NotFound`], [`SecretsError::Damaged`], [`SecretsError::Store`].
    async fn get(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        version: Option<u64>,
    ) -> Result<SecretString, SecretsError>;

    /// Adds a version and gives its number. Older versions stay, so that two keys can be active during a rotation.
    /// Numbers rise from 1 and are never used again, not even after [`delete`](Self::delete).
    ///
    /// # Errors
    /// [`SecretsError::Store`].
    async fn put(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        value: &SecretString,
    ) -> Result<u64, SecretsError>;

    /// Removes a secret with all its versions; one that is not there is removed already.
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

/// Why a secret could not be given or kept. Names no value.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The tenant has no such secret, or not this version of it.
    #[error("the tenant has no secret of this name and version; enter it again")]
    NotFound,
    /// What is stored is not what was stored.
    #[error("the stored secret was altered; enter it again, or restore it from a backup")]
    Damaged,
    /// The store did not do it.
    #[error("the secret store failed: {0}")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}
