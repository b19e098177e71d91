//! Why a lead did not reach a CRM, and what that means for the work.

use std::time::Duration;

use domain::{Classify, Disposition, EffectFailure, ProviderAnswer};
use http_client::{HttpError, UnreadableBody};

/// Why a lead did not reach the CRM. Its text names fields and codes, never what a lead says.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PushError {
    /// The CRM rejects a value, and will again.
    #[error("the CRM refused the field `{field}` ({code})")]
    Rejected {
        /// The CRM's name of the field; `?` if it does not say.
        field: String,
        /// The CRM's code for the reason.
        code: String,
        /// The CRM's explanation.
        answer: ProviderAnswer,
    },
    /// The CRM wants a value that the lead does not have, or that we do not send.
    #[error("the CRM requires the field `{field}`, which the lead does not have ({code})")]
    Required {
        /// The CRM's name of the field; `?` if it does not say.
        field: String,
        /// The CRM's code for the reason.
        code: String,
        /// The CRM's explanation.
        answer: ProviderAnswer,
    },
    /// The CRM does not take what the connection's mapping puts into a field, or has no such field any more.
    #[error(
        "the mapping fills the field `{field}`, and the CRM does not take it ({code}): change the connection's mapping, or \
         the field in the CRM, and redrive"
    )]
    Unmapped {
        /// The CRM's name of the field.
        field: String,
        /// The CRM's code for the reason.
        code: String,
        /// The CRM's explanation.
        answer: ProviderAnswer,
    },
    /// The CRM rejects the lead, and names no field.
    #[error("the CRM refused the lead ({code})")]
    Refused {
        /// The CRM's code for the reason, else the answer's status.
        code: String,
        /// The CRM's explanation.
        answer: ProviderAnswer,
    },
    /// A setting of the CRM's account stands in the way; its owner must change it.
    #[error("the CRM's account must be changed: {0}")]
    Misconfigured(String),
    /// The CRM does not accept the credential.
    #[error("the CRM no longer accepts this tenant's credential")]
    Unauthorized {
        /// The CRM's explanation.
        answer: ProviderAnswer,
    },
    /// The credential is valid, but lacks a permission.
    #[error("the credential lacks a permission that is needed")]
    MissingScopes {
        /// The CRM's explanation: as a rule the permission's name.
        answer: ProviderAnswer,
    },
    /// Nobody takes leads at the account's address any more, or it leads elsewhere.
    #[error(
        "the account's address no longer takes leads (status {status}): connect the account again with the one that does"
    )]
    Gone {
        /// The answer's status.
        status: u16,
        /// The explanation that came with it.
        answer: ProviderAnswer,
    },
    /// The CRM asks us to slow down.
    #[error("the CRM asks us to slow down")]
    Throttled {
        /// For how long.
        retry_after: Option<Duration>,
    },
    /// The CRM is out of order. What was sent may have been done; the next attempt looks it up.
    #[error("the CRM is not available now (status {status})")]
    Unavailable {
        /// Its answer's status.
        status: u16,
        /// For how long, if it says.
        retry_after: Option<Duration>,
    },
    /// A record of the CRM was taken or removed while we wrote; the next attempt looks it up again.
    #[error("a record of the CRM changed while it was being written")]
    Moved {
        /// The record that holds what we wanted to write.
        holder: Option<String>,
    },
    /// A field or a stage is gone; the next attempt defines it again, or chooses another.
    #[error("the CRM's field `{field}` is no longer as it was")]
    Outdated {
        /// The CRM's name of the field.
        field: String,
    },
    /// The answer never came: what was sent may have been done. The next attempt looks it up.
    #[error("no answer from the CRM: {0}")]
    OutcomeUnknown(#[source] HttpError),
    /// The answer is not what the CRM documents: what was sent may have been done. The next attempt looks it up.
    #[error("the CRM's answer cannot be read: {0}")]
    Unreadable(#[from] UnreadableBody),
    /// What came of an earlier write is not known yet: its traces need time to show.
    #[error("an earlier write may still show: it is looked for again")]
    NotYet {
        /// How long from now.
        after: Duration,
    },
    /// A write was begun as often as is allowed, and never seen to happen.
    #[error(
        "the CRM never showed the record `{record}` that was written: look for it there, then redrive"
    )]
    NeverSeen {
        /// Our word for the record.
        record: &'static str,
    },
    /// Our own record of what was written failed, or another worker has taken over.
    #[error("what was written could not be recorded: {0}")]
    Unrecorded(String),
    /// The CRM was not reached.
    #[error("the CRM was not reached: {0}")]
    NotSent(#[source] HttpError),
}

impl PushError {
    /// What went wrong, in a word: for records and metrics.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Rejected { .. } => "rejected",
            Self::Required { .. } => "required",
            Self::Unmapped { .. } => "schema",
            Self::Refused { .. } => "refused",
            Self::Misconfigured(_) => "misconfigured",
            Self::Unauthorized { .. } => "unauthorized",
            Self::MissingScopes { .. } => "missing_scopes",
            Self::Gone { .. } => "gone",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::Moved { .. } => "moved",
            Self::Outdated { .. } => "outdated",
            Self::OutcomeUnknown(_) => "outcome_unknown",
            Self::Unreadable(_) => "unreadable",
            Self::NotYet { .. } => "not_yet",
            Self::NeverSeen { .. } => "never_seen",
            Self::Unrecorded(_) => "unrecorded",
            Self::NotSent(_) => "not_sent",
        }
    }
}

impl PushError {
    /// Whether what went wrong, by its [word](Self::word), is a field of the lead: another mapping may mend it.
    pub fn is_about_fields(word: &str) -> bool {
        matches!(word, "rejected" | "required" | "schema" | "refused")
    }

    /// The same, where it is about a field that the mapping speaks of: nothing is left out there, and nothing defined
    /// again, because somebody wants it so and has to know.
    pub(crate) fn of_mapped(self, is_mapped: impl Fn(&str) -> bool) -> Self {
        match self {
            Self::Rejected {
                field,
                code,
                answer,
            } if is_mapped(last(&field)) => Self::Unmapped {
                field: last(&field).to_owned(),
                code,
                answer,
            },
            Self::Outdated { field } if is_mapped(last(&field)) => Self::gone(last(&field)),
            other => other,
        }
    }

    /// A mapped field that the CRM no longer has.
    pub(crate) fn gone(field: &str) -> Self {
        Self::Unmapped {
            field: field.to_owned(),
            code: "no such field".to_owned(),
            answer: ProviderAnswer::new(""),
        }
    }
}

/// `properties.email` is `email`.
fn last(field: &str) -> &str {
    field.rsplit('.').next().unwrap_or(field)
}

impl Classify for PushError {
    #[deny(clippy::wildcard_enum_match_arm)] // a new variant must be thought about here
    fn disposition(&self) -> Disposition {
        match self {
            Self::Rejected { .. }
            | Self::Required { .. }
            | Self::Unmapped { .. }
            | Self::Refused { .. }
            | Self::Misconfigured(_)
            | Self::NeverSeen { .. } => Disposition::Park,
            Self::Unauthorized { .. } | Self::MissingScopes { .. } | Self::Gone { .. } => {
                Disposition::Hold
            }
            Self::Throttled { retry_after } | Self::Unavailable { retry_after, .. } => {
                Disposition::Retry {
                    after: *retry_after,
                }
            }
            Self::NotYet { after } => Disposition::Retry {
                after: Some(*after),
            },
            Self::Moved { .. }
            | Self::Unrecorded(_)
            | Self::Outdated { .. }
            | Self::OutcomeUnknown(_)
            | Self::Unreadable(_)
            | Self::NotSent(_) => Disposition::Retry { after: None },
        }
    }

    fn answer(&self) -> Option<String> {
        match self {
            Self::Rejected { answer, .. }
            | Self::Required { answer, .. }
            | Self::Unmapped { answer, .. }
            | Self::Refused { answer, .. }
            | Self::Unauthorized { answer }
            | Self::MissingScopes { answer }
            | Self::Gone { answer, .. } => answer.text(),
            _ => None,
        }
    }
}

impl EffectFailure for PushError {
    fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::OutcomeUnknown(_) | Self::Unreadable(_) | Self::Unavailable { .. } => true,
            Self::Rejected { .. }
            | Self::Required { .. }
            | Self::Unmapped { .. }
            | Self::Refused { .. }
            | Self::Misconfigured(_)
            | Self::Unauthorized { .. }
            | Self::MissingScopes { .. }
            | Self::Gone { .. }
            | Self::Throttled { .. }
            | Self::Moved { .. }
            | Self::Outdated { .. }
            | Self::NotYet { .. }
            | Self::NeverSeen { .. }
            | Self::Unrecorded(_)
            | Self::NotSent(_) => false,
        }
    }
}

impl From<HttpError> for PushError {
    fn from(error: HttpError) -> Self {
        match error {
            // Only the credential can make our request unbuildable, so hold until it is replaced.
            HttpError::BadRequest(_) => Self::Unauthorized {
                answer: ProviderAnswer::new("the credential has characters that no header takes"),
            },
            error if error.is_not_sent() => Self::NotSent(error),
            error => Self::OutcomeUnknown(error),
        }
    }
}
