//! What a delivery says, as a source reads it.

use std::{borrow::Cow, time::Duration};

use jiff::Timestamp;

use crate::{Alias, ContactSection, Document, E164, EffectKey, EmailAddress, Facts, name, text};

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
    /// When a request that its names lead to is another person's all the same.
    pub apart: Apart,
    /// How long to wait for a later event before working on a new request.
    pub delay: Duration,
    /// What it says.
    pub facts: Facts,
}

/// When news are of another person than a request that has one of their names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Apart {
    /// Never: the names are enough.
    #[default]
    Never,
    /// Where another name is said: several people may share what the names are made of, such as one number.
    OfOtherName,
    /// Where name, number and address are all of somebody else: several senders may count by the same ids.
    OfOtherPerson,
}

impl News {
    /// Whether this request is another person's, though one of its names leads to it. What either does not say is no
    /// difference.
    pub fn is_apart_from(&self, document: &Document) -> bool {
        if self.apart == Apart::Never {
            return false;
        }
        let (said, known) = (self.facts.contact(), document.facts().contact());
        let is_same_name = is_same_name(&said, &known);
        match self.apart {
            Apart::Never => false,
            Apart::OfOtherName => is_same_name == Some(false),
            Apart::OfOtherPerson => match is_same_name {
                Some(true) => false,
                Some(false) => !is_shared(&said, &known, true),
                None => {
                    let is_known = |of: &ContactSection| of.phone.is_some() || of.email.is_some();
                    is_known(&said) && is_known(&known) && !is_shared(&said, &known, false)
                }
            },
        }
    }
}

/// Whether both can be one person's name; none where one of them is missing.
fn is_same_name(one: &ContactSection, other: &ContactSection) -> Option<bool> {
    let words = |of: &ContactSection| {
        let words = name::distinguishing(of.name.as_deref()?);
        (!words.is_empty()).then_some(words)
    };
    Some(name::are_same(&words(one)?, &words(other)?))
}

/// Whether both have one number or one address; if `is_personal`, one that tells a person.
fn is_shared(one: &ContactSection, other: &ContactSection, is_personal: bool) -> bool {
    let tells = |phone: &&E164| !is_personal || phone.is_personal();
    let is_number = one.phone.as_ref().filter(tells).is_some() && one.phone == other.phone;
    let tells = |email: &&EmailAddress| !is_personal || email.is_personal();
    let email = one.email.as_ref().filter(tells);
    let is_address = email
        .zip(other.email.as_ref())
        .is_some_and(|(one, other)| one.as_str().eq_ignore_ascii_case(other.as_str()));
    is_number || is_address
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
