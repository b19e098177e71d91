//! Why a mail was not sent, and what that means for the work.

use std::time::Duration;

use domain::{Classify, Disposition, EffectFailure, ProviderAnswer};
use http_client::HttpError;

/// Why a mail was not sent, or is not known to be. Its text repeats no address.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SendError {
    /// The provider rejects this mail, and will again.
    #[error("the e-mail provider refused the mail (status {status}, field `{field}`)")]
    Refused {
        /// Its answer's status.
        status: u16,
        /// The part that it names; `?` if it names none.
        field: String,
        /// Its explanation.
        answer: ProviderAnswer,
    },
    /// The provider does not accept the key.
    #[error("the e-mail provider no longer accepts this tenant's key")]
    Unauthorized {
        /// Its explanation.
        answer: ProviderAnswer,
    },
    /// The key may not send, or the sender is not verified.
    #[error(
        "the e-mail provider does not let this key send as this sender: verify the sender, or give the key the permission to send mail"
    )]
    Forbidden {
        /// Its explanation.
        answer: ProviderAnswer,
    },
    /// The provider asks us to slow down. Nothing was sent.
    #[error("the e-mail provider asks us to slow down")]
    Throttled {
        /// For how long.
        retry_after: Duration,
    },
    /// What answers is not the provider's API as documented. Nothing was sent.
    #[error("what answers is not the e-mail provider's API (status {status}): check the base URL")]
    Unexpected {
        /// The answer's status.
        status: u16,
    },
    /// The provider was not reached. Nothing was sent.
    #[error("the e-mail provider was not reached: {0}")]
    NotSent(#[source] HttpError),
    /// The provider is out of order, so a mail whose answer was lost is not handed over again yet. Nothing was sent.
    #[error(
        "the e-mail provider is out of order ({what}); whether the mail was sent is not known yet"
    )]
    OutOfOrder {
        /// What it answered, or why it was not reached.
        what: String,
    },
    /// The provider failed after it had received the mail: it may have been sent.
    #[error("the e-mail provider failed (status {status}); the mail may have been sent")]
    Failed {
        /// Its answer's status.
        status: u16,
    },
    /// The answer never came: the mail may have been sent.
    #[error("no answer from the e-mail provider, the mail may have been sent: {0}")]
    OutcomeUnknown(#[source] HttpError),
}

impl SendError {
    /// What went wrong, in a word: for records and metrics.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::Throttled { .. } => "throttled",
            Self::Unexpected { .. } => "unexpected",
            Self::NotSent(_) => "not_sent",
            Self::OutOfOrder { .. } => "out_of_order",
            Self::Failed { .. } | Self::OutcomeUnknown(_) => "unknown",
        }
    }
}

impl From<HttpError> for SendError {
    fn from(error: HttpError) -> Self {
        match error {
            // Only the key can make our request unbuildable, so hold until it is replaced.
            HttpError::BadRequest(_) => Self::Unauthorized {
                answer: ProviderAnswer::new("the key has characters that no header takes"),
            },
            error if error.is_not_sent() => Self::NotSent(error),
            error => Self::OutcomeUnknown(error),
        }
    }
}

impl EffectFailure for SendError {
    #[deny(clippy::wildcard_enum_match_arm)] // a new variant must be thought about here
    fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::OutcomeUnknown(_) => true,
            Self::Refused { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::Throttled { .. }
            | Self::Unexpected { .. }
            | Self::OutOfOrder { .. }
            | Self::NotSent(_) => false,
        }
    }
}

impl Classify for SendError {
    #[deny(clippy::wildcard_enum_match_arm)] // a new variant must be thought about here
    fn disposition(&self) -> Disposition {
        match self {
            Self::Refused { .. } | Self::Unexpected { .. } => Disposition::Park,
            Self::Unauthorized { .. } | Self::Forbidden { .. } => Disposition::Hold,
            Self::Throttled { retry_after } => Disposition::Retry {
                after: Some(*retry_after),
            },
            Self::NotSent(_)
            | Self::OutOfOrder { .. }
            | Self::Failed { .. }
            | Self::OutcomeUnknown(_) => Disposition::Retry { after: None },
        }
    }

    fn answer(&self) -> Option<String> {
        match self {
            Self::Refused { answer, .. }
            | Self::Unauthorized { answer }
            | Self::Forbidden { answer } => answer.text(),
            _ => None,
        }
    }
}
