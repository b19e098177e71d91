//! What is said of a lead differs by its channel.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{ApiFacts, BookingFacts, CallFacts, ChatFacts, FormFacts, TextFacts, fact::Fact};
use crate::{
    Channel, Stage,
    lead::thread::{self, Attachment, Author, ChatMessage},
};

/// What a channel says of a lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case")]
pub enum About {
    /// A telephone call.
    Phone(CallFacts),
    /// Text messages.
    Text(TextFacts),
    /// A form.
    Form(FormFacts),
    /// A booking.
    Calendar(BookingFacts),
    /// A chat.
    Chat(ChatFacts),
    /// A lead that another system posted.
    Api(ApiFacts),
    /// A channel of a newer build. It is kept as it is, and worked like [`About::Api`].
    #[serde(untagged, deserialize_with = "of_a_newer_build")]
    Unrecognized(serde_json::Map<String, serde_json::Value>),
}

impl Default for About {
    fn default() -> Self {
        Self::Api(ApiFacts::default())
    }
}

/// Only a channel that this build does not know may have any content: what cannot be read of a known one is damaged or
/// newer, and must not be worked as if it were nothing.
fn of_a_newer_build<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<serde_json::Map<String, serde_json::Value>, D::Error> {
    let map = serde_json::Map::deserialize(deserializer)?;
    let channel = map.get("channel").and_then(serde_json::Value::as_str);
    if channel.is_some_and(|word| word.parse::<Channel>().is_err()) {
        Ok(map)
    } else {
        Err(D::Error::custom("a known channel with unknown content"))
    }
}

impl Fact for About {
    fn is_unsaid(&self) -> bool {
        false
    }

    fn overlay(&mut self, newer: &Self) {
        match (self, newer) {
            (Self::Phone(mine), Self::Phone(newer)) => mine.overlay(newer),
            (Self::Text(mine), Self::Text(newer)) => {
                mine.overlay(newer);
                thread::join_unnamed(&mut mine.messages);
            }
            (Self::Form(mine), Self::Form(newer)) => mine.overlay(newer),
            (Self::Calendar(mine), Self::Calendar(newer)) => mine.overlay_in_time(newer),
            (Self::Chat(mine), Self::Chat(newer)) => mine.overlay_in_time(newer),
            (Self::Api(mine), Self::Api(newer)) => mine.overlay(newer),
            // Aliases belong to one channel each, so a request changes its channel only while nothing is known of it.
            (mine, newer) if mine.is_empty() => mine.clone_from(newer),
            _ => {}
        }
    }
}

impl About {
    /// Nothing yet, of a channel.
    pub fn nothing(channel: Channel) -> Self {
        match channel {
            Channel::Phone => Self::Phone(CallFacts::default()),
            Channel::Text => Self::Text(TextFacts::default()),
            Channel::Form => Self::Form(FormFacts::default()),
            Channel::Calendar => Self::Calendar(BookingFacts::default()),
            Channel::Chat => Self::Chat(ChatFacts::default()),
            Channel::Api => Self::Api(ApiFacts::default()),
        }
    }

    /// The channel.
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Phone(_) => Channel::Phone,
            Self::Text(_) => Channel::Text,
            Self::Form(_) => Channel::Form,
            Self::Calendar(_) => Channel::Calendar,
            Self::Chat(_) => Channel::Chat,
            Self::Api(_) | Self::Unrecognized(_) => Channel::Api,
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Phone(facts) => facts.is_unsaid(),
            Self::Text(facts) => facts.is_unsaid(),
            Self::Form(facts) => facts.is_unsaid(),
            Self::Calendar(facts) => facts.is_unsaid(),
            Self::Chat(facts) => facts.is_unsaid(),
            Self::Api(facts) => facts.is_unsaid(),
            Self::Unrecognized(_) => false,
        }
    }

    /// The call's facts, if it is a call.
    pub const fn call(&self) -> Option<&CallFacts> {
        match self {
            Self::Phone(call) => Some(call),
            _ => None,
        }
    }

    /// The chat's facts, if it is a chat.
    pub const fn chat(&self) -> Option<&ChatFacts> {
        match self {
            Self::Chat(chat) => Some(chat),
            _ => None,
        }
    }

    /// What the person wrote in one piece.
    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Self::Form(form) => form.message.as_deref(),
            Self::Calendar(booking) => booking.message.as_deref(),
            Self::Api(lead) => lead.message.as_deref(),
            Self::Phone(_) | Self::Text(_) | Self::Chat(_) | Self::Unrecognized(_) => None,
        }
    }

    /// Leaves nothing of the words that `newer` says were taken back.
    pub(crate) fn take_back(&mut self, newer: &Self) {
        if let (Self::Chat(mine), Self::Chat(newer)) = (self, newer) {
            mine.take_back(newer);
        }
    }

    /// The first stage that this difference makes run again: a recording that became available, words that changed.
    pub fn gather_again(&self, after: &Self) -> Option<Stage> {
        let has_recording = |call: &CallFacts| call.has_recording == Some(true);
        match (self, after) {
            (Self::Phone(before), Self::Phone(after)) => {
                (!has_recording(before) && has_recording(after)).then_some(Stage::Recording)
            }
            (before, after) => (before.words() != after.words()).then_some(Stage::Analysis),
        }
    }

    /// The files that came with it: by their names and contents.
    pub(crate) fn files(&self) -> BTreeMap<&str, &str> {
        let Self::Form(form) = self else {
            return BTreeMap::new();
        };
        let files = form.documents.iter();
        files
            .map(|(name, file)| (name.as_str(), file.sha256.as_str()))
            .collect()
    }

    /// Whether a CRM shows something else after this difference, apart from what an analysis of it brings.
    pub fn is_shown_differently(&self, after: &Self) -> bool {
        match (self, after) {
            // A call's length and outcome are settled when its first report arrives; edits of them are noise.
            (Self::Phone(_), Self::Phone(_)) => false,
            (Self::Calendar(before), Self::Calendar(after)) => {
                before.timeless() != after.timeless()
            }
            (Self::Chat(before), Self::Chat(after)) => before.shown() != after.shown(),
            (before, after) => before != after,
        }
    }

    /// The free text that the analysis reads, in a form that can be compared.
    fn words(&self) -> impl PartialEq + '_ {
        let no_answers = || None::<&BTreeMap<String, String>>;
        let none = Vec::new;
        match self {
            Self::Phone(_) | Self::Unrecognized(_) => (None, no_answers(), none(), None),
            Self::Text(facts) => (None, no_answers(), said(&facts.messages), None),
            Self::Form(facts) => (facts.message.as_deref(), Some(&facts.answers), none(), None),
            Self::Api(facts) => (facts.message.as_deref(), Some(&facts.answers), none(), None),
            Self::Calendar(facts) => (
                facts.message.as_deref(),
                Some(&facts.answers),
                none(),
                facts.service.as_deref(),
            ),
            Self::Chat(facts) => (
                None,
                no_answers(),
                said(&facts.messages),
                facts.subject.as_deref(),
            ),
        }
    }

    /// The company's own numbers: nobody is reached by them.
    pub(super) fn own_numbers(&self) -> [Option<&str>; 2] {
        match self {
            Self::Phone(call) => [
                call.tracking_number.as_deref(),
                call.business_number.as_deref(),
            ],
            Self::Text(facts) => [facts.company_number.as_deref(), None],
            _ => [None, None],
        }
    }
}

/// What was said and by whom, in order: when it was told or changed makes no other words of it.
fn said(messages: &BTreeMap<String, ChatMessage>) -> Vec<(Author, &str, &[Attachment])> {
    let messages = thread::in_order(messages).into_iter();
    messages
        .map(|(_, message)| message)
        .filter(|message| message.says_something())
        .map(|message| (message.from, message.text.as_str(), &*message.attachments))
        .collect()
}
