//! What a delivery says, as a source reads it.

use std::{borrow::Cow, time::Duration};

use jiff::Timestamp;

use crate::{Alias, EffectKey, Facts, text};

/// What a delivery says.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// A lead, or news of one.
    News(Box<News>),
    /// An event that is not used.
    Ignored {
        /// Why.
        reason: Cow<'static, str>,
    },
    /// What became of messages that we sent.
    Receipts(Vec<Receipt>),
    /// The provider tries whether the URL works.
    Ping,
}

/// A lead, or news of one.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    /// The provider's id of the delivery, the same on every repeat. Without one, equal bodies are taken for repeats.
    pub delivery_id: Option<String>,
    /// The names of the thing, canonical first.
    pub aliases: Vec<Alias>,
    /// Whether it reports an edit of something that is known.
    pub is_modified: bool,
    /// Whether it says that something changed, and not what: then the provider's API is asked again.
    pub is_thin: bool,
    /// Whether it only adds to what is known: by itself it makes no request, such as a text message of the company to
    /// somebody who has not written.
    pub is_addition: bool,
    /// How long to wait for a later event before working on a new request.
    pub delay: Duration,
    /// What it says.
    pub facts: Facts,
}

/// What became of a message that we sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The effect that the message was, by our own id of it.
    pub effect: EffectKey,
    /// What happened, in the provider's word.
    pub event: String,
    /// Whether the message will not arrive.
    pub is_undelivered: bool,
    /// The provider's id of the message.
    pub remote_id: String,
    /// When it happened.
    pub at: Option<Timestamp>,
    /// Why, where it went wrong: the words of the other mail server.
    pub reason: Option<String>,
}

impl Receipt {
    /// Why the message will not arrive, in a sentence.
    pub fn reason_undelivered(&self) -> String {
        let why = self.reason.as_deref().unwrap_or("it gave no reason");
        let Self { event, .. } = self;
        text::bounded(
            &format!("the e-mail provider reported `{event}`: {why}"),
            500,
        )
    }
}
