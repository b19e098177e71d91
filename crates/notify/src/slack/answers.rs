//! What Slack's refusals mean.

use std::time::Duration;

use domain::ProviderAnswer;
use http_client::Response;
use jiff::Timestamp;
use serde::Deserialize;

use crate::PostError;

/// The pause if too much was sent and no time is named.
const HALF_A_MINUTE: Duration = Duration::from_secs(30);
/// Longest pause that is taken from a header.
const ONE_HOUR: Duration = Duration::from_secs(3_600);
/// Longest word of Slack's that is kept.
const MAX_WORD: usize = 100;

const INVITE: &str = "invite the app to the channel, or name another one";
const ENTER_AGAIN: &str = "install the app again and enter its new token";
const GIVE_SCOPE: &str =
    "give the app the scope chat:write, install it again and enter its new token";
const NEW_WEBHOOK: &str = "make a new incoming webhook and enter its URL";
const NOT_ALLOWED: &str = "ask the workspace's owner to let the app post there";
const OURS: &str = "it is a fault of this program; report it";

/// What the Web API answered.
pub(super) enum Answered {
    /// It did as it was asked.
    Done,
    /// It did not, and has a word for why.
    Refused(String),
    /// What came is not its answer.
    Other,
}

#[derive(Deserialize)]
struct Envelope {
    ok: bool,
    #[serde(default)]
    error: String,
}

impl Answered {
    pub(super) fn of(answer: &Response) -> Self {
        match answer.json::<Envelope>() {
            Ok(Envelope { ok: true, .. }) if answer.status.is_success() => Self::Done,
            Ok(Envelope { ok: false, error }) if !error.is_empty() => Self::Refused(error),
            _ => Self::Other,
        }
    }
}

/// Whether the token is good, but may not do this.
pub(super) fn lacks_a_scope(answer: &Response) -> bool {
    matches!(Answered::of(answer), Answered::Refused(word) if word == "missing_scope")
}

/// What an answer of the Web API that is no success means.
pub(super) fn refusal(answered: Answered, answer: &Response, now: Timestamp) -> PostError {
    let status = answer.status.as_u16();
    if status == 429 {
        return throttled(answer, now);
    }
    let Answered::Refused(word) = answered else {
        return match status {
            // It was taken, and what came of it cannot be read.
            200..=299 | 408 | 500.. => PostError::Failed {
                what: format!("status {status}"),
            },
            _ => PostError::Unexpected { status },
        };
    };
    let refused = |remedy| PostError::Refused {
        remedy,
        answer: said(&word),
    };
    let unauthorized = |remedy| PostError::Unauthorized {
        remedy,
        answer: said(&word),
    };
    match word.as_str() {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => throttled(answer, now),
        "fatal_error" | "internal_error" | "service_unavailable" | "request_timeout" => {
            PostError::Failed {
                what: format!("`{word}`"),
            }
        }
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" => {
            unauthorized(ENTER_AGAIN)
        }
        "account_inactive" => unauthorized(
            "the app was removed, or its workspace closed: install it again and enter its new token",
        ),
        "missing_scope" => unauthorized(GIVE_SCOPE),
        "channel_not_found" => refused(
            "check the channel's id; a private channel is found only once the app was invited to it",
        ),
        "not_in_channel" => refused(INVITE),
        "is_archived" => refused("the channel is archived: reopen it, or name another one"),
        "restricted_action" | "ekm_access_denied" => refused(NOT_ALLOWED),
        "msg_too_long"
        | "no_text"
        | "invalid_blocks"
        | "too_many_attachments"
        | "invalid_arguments"
        | "deprecated_endpoint"
        | "method_deprecated" => refused(OURS),
        // What nobody has documented is not repeated: it would be refused again.
        _ => refused("see what Slack says"),
    }
}

/// What an answer of an incoming webhook that is no success means. Its URL is the connection: where it is gone, or its
/// channel is, a new one is needed.
pub(super) fn webhooks_refusal(answer: &Response, now: Timestamp) -> PostError {
    let word = answer.text_lossy(MAX_WORD);
    let word = word.trim();
    let refused = |remedy| PostError::Refused {
        remedy,
        answer: said(word),
    };
    let unauthorized = |remedy| PostError::Unauthorized {
        remedy,
        answer: said(word),
    };
    match (answer.status.as_u16(), word) {
        (429, _) => throttled(answer, now),
        (403, "action_prohibited") => refused(NOT_ALLOWED),
        (403 | 404, _) => unauthorized(NEW_WEBHOOK),
        (410, _) => unauthorized("its channel is archived: make a webhook for another one"),
        (400 | 413, _) => refused(OURS),
        // `rollup_error`, and whatever stands before Slack: nothing was posted, by its own word.
        (status @ (408 | 500..), _) => PostError::NotPosted {
            what: format!("status {status}"),
        },
        (status, _) => PostError::Unexpected { status },
    }
}

fn said(word: &str) -> ProviderAnswer {
    ProviderAnswer::new(&domain::text::line(word, MAX_WORD).unwrap_or_default())
}

fn throttled(answer: &Response, now: Timestamp) -> PostError {
    let asked = answer.retry_after(now).unwrap_or(HALF_A_MINUTE);
    PostError::Throttled {
        retry_after: asked.clamp(Duration::from_secs(1), ONE_HOUR),
    }
}
