//! Failures of Cloud Storage, with their remedies.

use domain::text;
use google::TokenError;
use google_cloud_gax::client_builder;
use google_cloud_storage::error::{ReadError, WriteError};
use http_client::{HttpError, StatusCode, chain};
use serde_json::Value;

/// Google's client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the client of Cloud Storage could not be set up: {0}")]
pub struct OpenError(#[source] pub(crate) client_builder::Error);

/// A failure of Cloud Storage. Its text names the bucket and repeats Google's message, capped; never a token.
#[derive(Debug, thiserror::Error)]
pub enum GcsError {
    /// There is no token. Nothing was sent.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// There is no such object, or no such bucket.
    #[error("Cloud Storage has no bucket `{bucket}`, or not this object in it: {message}")]
    NotFound {
        /// The bucket.
        bucket: String,
        /// Google's message, capped.
        message: String,
    },
    /// The credentials lack a permission (401, 403).
    #[error(
        "Cloud Storage refuses our credentials (status {}); grant the service account \
         roles/storage.objectUser on the bucket `{bucket}`: {message}", status.as_u16()
    )]
    Unauthorized {
        /// The status.
        status: StatusCode,
        /// The bucket.
        bucket: String,
        /// Google's message, capped.
        message: String,
    },
    /// It asks us to slow down (429), also after some attempts.
    #[error("Cloud Storage asks us to slow down")]
    Throttled,
    /// It is unavailable (408, 5xx), also after some attempts.
    #[error("Cloud Storage is unavailable (status {})", status.as_u16())]
    Unavailable {
        /// The status.
        status: StatusCode,
    },
    /// It refuses this request, and would refuse it again.
    #[error("Cloud Storage refuses the request (status {}): {message}", status.as_u16())]
    Rejected {
        /// The status.
        status: StatusCode,
        /// Google's message, capped.
        message: String,
    },
    /// The checksums at both ends differ.
    #[error("the content was altered on its way to or from Cloud Storage")]
    Damaged,
    /// A piece took too long.
    #[error("Cloud Storage did not send or accept a piece in time")]
    Late,
    /// There is no complete answer to a request of our own client.
    #[error("no complete answer from Cloud Storage: {0}")]
    Http(#[from] HttpError),
    /// There is no complete answer to a request of Google's client.
    #[error("no complete answer from Cloud Storage: {cause}")]
    Broken {
        /// The first cause, in a few words.
        cause: String,
    },
}

impl GcsError {
    /// Classifies an answer other than 2xx.
    pub(crate) fn refused(status: StatusCode, body: &[u8], bucket: &str) -> Self {
        Self::sorted(status, words(body), bucket)
    }

    /// Classifies a failure of Google's client.
    pub(crate) fn read(error: &google_cloud_storage::Error, bucket: &str) -> Self {
        let status = error.http_status_code();
        if let Some(status) = status.and_then(|status| StatusCode::from_u16(status).ok()) {
            let message = match (error.status(), error.http_payload()) {
                (Some(status), _) => text::bounded(&status.message, 500),
                (None, Some(body)) => words(body),
                (None, None) => String::new(),
            };
            return Self::sorted(status, message, bucket);
        }
        if let Some(error) = chain(error).find_map(|cause| cause.downcast_ref::<TokenError>()) {
            return Self::Token(*error);
        }
        if is_damaged(error) {
            return Self::Damaged;
        }
        let innermost = chain(error).last().map(ToString::to_string);
        Self::Broken {
            cause: text::bounded(&innermost.unwrap_or_default(), 200),
        }
    }

    fn sorted(status: StatusCode, message: String, bucket: &str) -> Self {
        let bucket = bucket.to_owned();
        match status.as_u16() {
            401 | 403 => Self::Unauthorized {
                status,
                bucket,
                message,
            },
            404 => Self::NotFound { bucket, message },
            429 => Self::Throttled,
            408 | 500.. => Self::Unavailable { status },
            _ => Self::Rejected { status, message },
        }
    }
}

/// The generation of an object that was stored although its checksum is wrong.
pub(crate) fn damaged_generation(error: &google_cloud_storage::Error) -> Option<i64> {
    chain(error).find_map(|cause| match cause.downcast_ref::<WriteError>() {
        Some(WriteError::ChecksumMismatch { object, .. }) => Some(object.generation),
        _ => None,
    })
}

fn is_damaged(error: &google_cloud_storage::Error) -> bool {
    let is_read = chain(error)
        .filter_map(|cause| cause.downcast_ref::<ReadError>())
        .any(|error| matches!(error, ReadError::ChecksumMismatch(_)));
    is_read || damaged_generation(error).is_some()
}

/// Google's message in an error's body: JSON, or plain text if content was requested.
fn words(body: &[u8]) -> String {
    let json = serde_json::from_slice::<Value>(body).ok();
    let message = json
        .as_ref()
        .and_then(|json| json["error"]["message"].as_str());
    match message {
        Some(message) => text::bounded(message, 500),
        None => text::bounded(&String::from_utf8_lossy(body), 200),
    }
}
