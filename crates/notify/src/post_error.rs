//! Why a message was not posted to a team's chat, and what that means for the work.

use std::time::Duration;

use domain::{Classify, Disposition, EffectFailure, ProviderAnswer};
use http_client::HttpError;

/// Why a message was not posted, or is not known to be. Its text repeats no secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PostError {
    /// The provider does not post this message at this place, and will not.
    #[error("the chat refused the message: {remedy}")]
    Refused {
        /// What a person can do about it.
        remedy: &'static str,
        /// Its word for the reason.
        answer: ProviderAnswer,
    },
    /// The provider does not take the account any more, or lets it do nothing.
    #[error("the chat no longer takes this tenant's connection: {remedy}")]
    Unauthorized {
        /// What a person can do about it.
        remedy: &'static str,
        /// Its word for the reason.
        answer: ProviderAnswer,
    },
    /// The provider asks us to slow down. Nothing was posted.
    #[error("the chat asks us to slow down")]
    Throttled {
        /// For how long.
        retry_after: Duration,
    },
    /// What answers is not the provider's API as documented. Nothing was posted.
    #[error("what answers is not the chat's API (status {status}): check the base URL")]
    Unexpected {
        /// The answer's status.
        status: u16,
    },
    /// The provider was not reached, or said that it failed before it posted anything.
    #[error("the chat is out of order: {what}")]
    NotPosted {
        /// What it answered, or why it was not reached.
        what: String,
    },
    /// The provider failed after it had received the message: it may be posted.
    #[error("the chat failed ({what}); the message may have been posted")]
    Failed {
        /// What it answered.
        what: String,
    },
    /// The answer never came: the message may be posted.
    #[error("no answer from the chat, the message may have been posted: {0}")]
    OutcomeUnknown(#[source] HttpError),
}

impl PostError {
    /// What went wrong, in a word: for records and metrics.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Throttled { .. } => "throttled",
            Self::Unexpected { .. } => "unexpected",
            Self::NotPosted { .. } => "not_sent",
            Self::Failed { .. } | Self::OutcomeUnknown(_) => "unknown",
        }
    }
}

impl From<HttpError> for PostError {
    fn from(error: HttpError) -> Self {
        match error {
            // Only the secret can make our request unbuildable, so hold until it is replaced.
            HttpError::BadRequest(_) => Self::Unauthorized {
                remedy: "enter the secret again",
                answer: ProviderAnswer::new("the secret has characters that no header takes"),
            },
            error if error.is_not_sent() => Self::NotPosted {
                what: error.to_string(),
            },
            error => Self::OutcomeUnknown(error),
        }
    }
}

impl EffectFailure for PostError {
    #[deny(clippy::wildcard_enum_match_arm)] // a new variant must be thought about here
    fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::OutcomeUnknown(_) => true,
            Self::Refused { .. }
            | Self::Unauthorized { .. }
            | Self::Throttled { .. }
            | Self::Unexpected { .. }
            | Self::NotPosted { .. } => false,
        }
    }
}

impl Classify for PostError {
    #[deny(clippy::wildcard_enum_match_arm)] // a new variant must be thought about here
    fn disposition(&self) -> Disposition {
        match self {
            Self::Refused { .. } | Self::Unexpected { .. } => Disposition::Park,
            Self::Unauthorized { .. } => Disposition::Hold,
            Self::Throttled { retry_after } => Disposition::Retry {
                after: Some(*retry_after),
            },
            Self::NotPosted { .. } | Self::Failed { .. } | Self::OutcomeUnknown(_) => {
                Disposition::Retry { after: None }
            }
        }
    }

    fn answer(&self) -> Option<String> {
        match self {
            Self::Refused { answer, .. } | Self::Unauthorized { answer, .. } => answer.text(),
            _ => None,
        }
    }
}
