//! What may go wrong inside a transaction, and what the store makes of it.

use domain::StoreError;
use google_cloud_gax::error::rpc::Code;
use google_cloud_spanner::Error;
use store::stored;

/// Why an attempt of a transaction ended: an error of ours, or one of Spanner's, which may ask for another attempt.
#[derive(Debug)]
pub(crate) enum Fault {
    Ours(StoreError),
    Spanner(Error),
}

/// An error of ours on its way through Spanner's own error type, which rolls back and is not retried.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Carried(StoreError);

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Ours(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Spanner(error)
    }
}

impl Fault {
    /// For the closure of a transaction.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Ours(error) => Error::io(Carried(error)),
            Self::Spanner(error) => error,
        }
    }

    /// For whoever called the store.
    pub(crate) fn into_store_error(self) -> StoreError {
        match self {
            Self::Ours(error) => error,
            Self::Spanner(error) => store_error(&error),
        }
    }
}

/// What was read; `None` if this build cannot read it: see [`stored::readable`].
pub(crate) fn readable<T>(
    table: &'static str,
    row: impl std::fmt::Display,
    read: Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    match read {
        Err(Fault::Ours(error)) => Ok(stored::readable(table, || row.to_string(), Err(error))?),
        other => other.map(Some),
    }
}

/// Whether a row is there already that the transaction would have written.
pub(crate) fn is_already_there(error: &Error) -> bool {
    error
        .status()
        .is_some_and(|status| status.code == Code::AlreadyExists)
}

/// Spanner's error as the store's own: what passes by itself is busy, the rest failed.
pub(crate) fn store_error(error: &Error) -> StoreError {
    let ours = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Carried>());
    if let Some(Carried(error)) = ours {
        return error.clone();
    }
    let Some(status) = error.status() else {
        return if error.is_timeout() || error.is_connect() || error.is_transport() {
            StoreError::Busy
        } else {
            StoreError::Failed(error.to_string())
        };
    };
    match status.code {
        Code::Aborted | Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted => {
            StoreError::Busy
        }
        // The words of a violated constraint repeat the row's values.
        Code::AlreadyExists => StoreError::Conflict("there is such a row already".to_owned()),
        // What it says of these is about the schema or the account. Of others it may repeat a row's key.
        Code::PermissionDenied | Code::Unauthenticated | Code::InvalidArgument => {
            let name = status.code.name();
            StoreError::Failed(format!("Spanner answered {name}: {}", status.message))
        }
        code => StoreError::Failed(format!("Spanner answered {}", code.name())),
    }
}
