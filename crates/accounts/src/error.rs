//! Why an account could not be opened, and what that means for the work.

use std::{error::Error, time::Duration};

use domain::{Classify, ConnectionName, Disposition, ProviderAnswer, StageError, StoreError};
use secrets::SecretsError;

/// Why an account could not be opened. Names no secret.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The tenant has no such connection.
    #[error("there is no connection `{0}`: connect the account, then redrive")]
    NotConnected(ConnectionName),
    /// The connection belongs to another provider than the one that is to be called.
    #[error(
        "the connection `{connection}` belongs to {provider}, not to {expected}: name another connection"
    )]
    OtherProvider {
        /// The connection.
        connection: ConnectionName,
        /// The provider that it belongs to.
        provider: String,
        /// The provider that was asked for.
        expected: String,
    },
    /// The secret is missing or damaged.
    #[error("{source}")]
    Secret {
        /// What is wrong with it.
        source: SecretsError,
        /// What the work is held for.
        held_by: (ConnectionName, u64),
    },
    /// The secret is an object, but not one that a token can be refreshed with.
    #[error(
        "the connection's secret must be an access token, or JSON with an OAuth app: client_id, client_secret and \
         refresh_token, or what else the provider takes: enter it again"
    )]
    NoApp {
        /// What the work is held for.
        held_by: (ConnectionName, u64),
    },
    /// The provider no longer accepts the refresh token, or the app.
    #[error("the provider refused to refresh the access token: connect the account again")]
    Refused {
        /// The provider's explanation.
        answer: ProviderAnswer,
        /// What the work is held for.
        held_by: (ConnectionName, u64),
    },
    /// The provider's token endpoint gave no answer that can be used.
    #[error("the provider's token endpoint is not available now: {what}")]
    Unavailable {
        /// What it answered, or why it was not reached.
        what: String,
        /// For how long, if it says.
        retry_after: Option<Duration>,
    },
    /// Our store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Our store of secrets failed.
    #[error("the secret store failed: {0}")]
    SecretStore(#[source] Box<dyn Error + Send + Sync>),
}

impl AccountError {
    /// The connection and its version, if a new secret is what the work waits for.
    fn held_by(&self) -> Option<(ConnectionName, u64)> {
        match self {
            Self::Secret { held_by, .. }
            | Self::NoApp { held_by }
            | Self::Refused { held_by, .. } => Some(held_by.clone()),
            Self::NotConnected(_)
            | Self::OtherProvider { .. }
            | Self::Unavailable { .. }
            | Self::Store(_)
            | Self::SecretStore(_) => None,
        }
    }
}

impl Classify for AccountError {
    #[deny(clippy::wildcard_enum_match_arm)] // a new variant must be thought about here
    fn disposition(&self) -> Disposition {
        match self {
            Self::NotConnected(_) | Self::OtherProvider { .. } => Disposition::Park,
            Self::Secret { .. } | Self::NoApp { .. } | Self::Refused { .. } => Disposition::Hold,
            Self::Unavailable { retry_after, .. } => Disposition::Retry {
                after: *retry_after,
            },
            Self::Store(_) | Self::SecretStore(_) => Disposition::Retry { after: None },
        }
    }

    fn answer(&self) -> Option<String> {
        match self {
            Self::Refused { answer, .. } => answer.text(),
            _ => None,
        }
    }
}

impl From<AccountError> for StageError {
    fn from(error: AccountError) -> Self {
        Self::from_provider(&error, error.held_by())
    }
}
