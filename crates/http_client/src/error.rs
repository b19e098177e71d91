//! Failures of calls, distinguished by the one thing that matters: may the other side have received the request?

use std::error::Error as StdError;

use domain::text;
use http::StatusCode;
use url::Url;

use crate::{address::BlockedAddress, gate::Gate};

/// Why a call has no usable answer. Its text names scheme, host and path at most.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// This client does not call such a URL. Nothing was sent.
    #[error("the URL cannot be called: {0}")]
    BadUrl(&'static str),
    /// A header or the body could not be built. Nothing was sent.
    #[error("the request could not be built: {0}")]
    BadRequest(&'static str),
    /// The host is, or resolves to, an address that must not be called. Nothing was sent.
    #[error("`{host}` is an address that must not be called")]
    Blocked {
        /// The host as the URL names it.
        host: String,
    },
    /// There was no connection (name, refusal, handshake, time). The other side has received nothing.
    #[error("{url} was not reached, nothing was sent: {cause}")]
    NotSent {
        /// Scheme, host and path.
        url: String,
        /// The first cause, in a few words.
        cause: String,
    },
    /// The request may have been received and acted on, but there is no complete answer.
    #[error("no complete answer from {url}{}: {cause}", note(*status))]
    Unknown {
        /// Scheme, host and path.
        url: String,
        /// The status, if the answer ended early after its head.
        status: Option<StatusCode>,
        /// The first cause, in a few words.
        cause: String,
    },
    /// The request was received, but its answer is larger than the caller's limit.
    #[error("the answer of {url} (status {}) is larger than {limit_bytes} bytes", status.as_u16())]
    TooLarge {
        /// Scheme, host and path.
        url: String,
        /// The status of the answer that was not read.
        status: StatusCode,
        /// The limit.
        limit_bytes: u64,
    },
}

impl HttpError {
    /// Whether the other side has certainly not received the request, so that resending it cannot repeat an effect.
    pub fn is_not_sent(&self) -> bool {
        match self {
            Self::BadUrl(_) | Self::BadRequest(_) | Self::Blocked { .. } | Self::NotSent { .. } => {
                true
            }
            Self::Unknown { .. } | Self::TooLarge { .. } => false,
        }
    }

    /// The status, if an answer began.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Unknown { status, .. } => *status,
            Self::TooLarge { status, .. } => Some(*status),
            Self::BadUrl(_) | Self::BadRequest(_) | Self::Blocked { .. } | Self::NotSent { .. } => {
                None
            }
        }
    }

    /// Classifies a failure before the head of an answer.
    pub(crate) fn before_answer(
        error: &reqwest::Error,
        url: &Url,
        shown: String,
        gate: Option<&Gate>,
    ) -> Self {
        if chain(error).any(|cause| cause.is::<BlockedAddress>()) {
            return Self::Blocked {
                host: url.host_str().unwrap_or_default().to_owned(),
            };
        }
        if error.is_builder() {
            return Self::BadRequest("its parts do not make a request");
        }
        // The HTTP layer returns a request as "canceled" only before it began to write it.
        let mut layers = chain(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>());
        let is_unstarted = layers.any(hyper::Error::is_canceled);
        if error.is_connect() || is_unstarted {
            Self::NotSent {
                url: shown,
                cause: first_cause(error),
            }
        } else {
            Self::given_up(shown, gate, first_cause(error))
        }
    }

    /// Ends a call without an answer. The gate decides whether it was sent.
    pub(crate) fn given_up(shown: String, gate: Option<&Gate>, cause: String) -> Self {
        if gate.is_some_and(Gate::give_up) {
            Self::NotSent { url: shown, cause }
        } else {
            Self::Unknown {
                url: shown,
                status: None,
                cause,
            }
        }
    }
}

fn note(status: Option<StatusCode>) -> String {
    let note = status.map(|status| format!(" (status {})", status.as_u16()));
    note.unwrap_or_default()
}

/// An error and its causes, the innermost last.
pub fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| {
        (*error).source()
    })
}

/// The innermost cause. The outer ones belong to the HTTP layer, and the outermost would name the whole URL.
pub(crate) fn first_cause(error: &reqwest::Error) -> String {
    let Some(innermost) = chain(error).skip(1).last() else {
        return "the HTTP layer gave no reason".to_owned();
    };
    text::bounded(&innermost.to_string(), 200)
}

/// A URL for logs and errors: scheme, host, port and path. If the path itself is a secret, see
/// [`Request::secret_path`](crate::Request::secret_path).
pub fn redact_url(url: &Url) -> String {
    text::bounded(&format!("{}{}", origin(url), url.path()), 200)
}

/// Scheme, host and port.
pub(crate) fn origin(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!("{}://{host}{port}", url.scheme())
}

/// What a status means for the caller's next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusClass {
    /// 2xx.
    Ok,
    /// 429: later, by `Retry-After`.
    Throttled,
    /// 401 and 403: the credentials are not, or no longer, accepted.
    Unauthorized,
    /// Any other 3xx and 4xx: the same request would fail again.
    Rejected,
    /// 5xx, and 408 and 425, which ask for the same request again.
    ServerFault,
}

/// Classifies a status.
pub fn classify_status(status: StatusCode) -> StatusClass {
    match status.as_u16() {
        200..=299 => StatusClass::Ok,
        429 => StatusClass::Throttled,
        401 | 403 => StatusClass::Unauthorized,
        408 | 425 | 500.. => StatusClass::ServerFault,
        _ => StatusClass::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redacted_url_keeps_scheme_host_and_path_only() {
        let url: Url = "https://ann:pw@example.com:8443/v1/calls?key=s3cret#frag"
            .parse()
            .unwrap();
        assert_eq!(redact_url(&url), "https://example.com:8443/v1/calls");
    }

    #[test]
    fn statuses_are_sorted_by_what_to_do_next() {
        for (status, class) in [
            (200, StatusClass::Ok),
            (204, StatusClass::Ok),
            (302, StatusClass::Rejected),
            (400, StatusClass::Rejected),
            (401, StatusClass::Unauthorized),
            (403, StatusClass::Unauthorized),
            (404, StatusClass::Rejected),
            (408, StatusClass::ServerFault),
            (425, StatusClass::ServerFault),
            (429, StatusClass::Throttled),
            (500, StatusClass::ServerFault),
            (503, StatusClass::ServerFault),
            (999, StatusClass::ServerFault),
        ] {
            assert_eq!(
                classify_status(StatusCode::from_u16(status).unwrap()),
                class,
                "{status}"
            );
        }
    }
}
