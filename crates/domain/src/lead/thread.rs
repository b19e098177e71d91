//! Messages of a conversation: how pieces of it that come in any order make one thread.

use std::{cmp::Ordering, collections::BTreeMap};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::text;

/// Most messages of a thread that are kept: those that it begins with, and the newest.
pub const MAX_MESSAGES: usize = 500;
/// How many of them are its beginning.
const BEGINNING: usize = 100;
/// Most bytes of text of a thread that are kept: a fifth of them for its beginning.
pub const MAX_THREAD_BYTES: usize = 250_000;
/// Longest message, in characters.
pub const MAX_MESSAGE: usize = 5_000;
/// Most files of one message that are named.
pub const MAX_ATTACHMENTS: usize = 10;

/// One message of a chat or of a text conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who wrote it.
    pub from: Author,
    /// The writer's name, as the provider shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it was written, by the provider's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// When it was last changed, by the provider's clock. Of two statements of one message the later change counts, in
    /// whatever order they arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// Whether it was taken back. Then it has no words, and never gets any again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_deleted: bool,
    /// The words.
    pub text: String,
    /// The files that came with it: what is known of them, not where they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// A file that came with a message. A link to it is as good as a key, and ends, so none is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name: `kitchen.jpg`.
    pub name: String,
    /// Its type, as the provider names it: `image/jpeg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The lead.
    Customer,
    /// Somebody of the company.
    Agent,
    /// The company's software.
    #[serde(other)]
    Bot,
}

impl ChatMessage {
    /// A message of this text, cut to [`MAX_MESSAGE`].
    pub fn new(from: Author, at: Option<Timestamp>, text: &str) -> Self {
        Self {
            from,
            name: None,
            at,
            edited_at: None,
            is_deleted: false,
            text: text::bounded(text, MAX_MESSAGE),
            attachments: Vec::new(),
        }
    }

    /// A message that was taken back.
    pub fn deleted(from: Author, at: Option<Timestamp>) -> Self {
        Self {
            is_deleted: true,
            ..Self::new(from, at, "")
        }
    }

    /// Takes over another statement of the same message. Only where neither was changed later than the other, `newer` is
    /// believed because it came later.
    pub(super) fn join(&mut self, newer: &Self) {
        let is_older = newer.edited_at < self.edited_at;
        let mut joined = if is_older {
            self.clone()
        } else {
            newer.clone()
        };
        let other = if is_older { newer } else { &*self };
        if joined.name.is_none() {
            joined.name.clone_from(&other.name);
        }
        joined.at = [self.at, newer.at].into_iter().flatten().min();
        joined.is_deleted |= other.is_deleted;
        if joined.is_deleted {
            joined.take_back();
        }
        *self = joined;
    }

    /// Leaves nothing of what it said.
    pub(super) fn take_back(&mut self) {
        self.is_deleted = true;
        self.text.clear();
        self.attachments.clear();
    }

    /// Whether it says anything.
    pub fn says_something(&self) -> bool {
        !(self.is_deleted || self.text.trim().is_empty() && self.attachments.is_empty())
    }

    /// The bytes that it takes of a thread.
    fn bytes(&self) -> usize {
        let files = self.attachments.iter().map(|file| file.name.len());
        self.text.len() + files.sum::<usize>()
    }
}

/// What the id of a message begins with that its provider told without one.
const UNNAMED: &str = "unnamed-";
/// Two statements of one message are at most so far apart by their times.
const APART: SignedDuration = SignedDuration::from_mins(2);

/// The id of a message that its provider told without one, by what tells it from others.
pub fn unnamed(what: &str) -> String {
    format!("{UNNAMED}{what}")
}

/// Leaves out each message without an id that is there with one, too: the same words of the same side at the same time. A
/// provider's list may have no ids where its webhooks do.
pub(super) fn join_unnamed(messages: &mut BTreeMap<String, ChatMessage>) {
    let is_same = |one: &ChatMessage, other: &ChatMessage| {
        let apart = one.at.zip(other.at);
        let apart = apart.map(|(one, other)| one.duration_since(other).abs());
        one.from == other.from
            && one.text == other.text
            && apart.is_some_and(|apart| apart <= APART)
    };
    let unnamed = messages.range(UNNAMED.to_owned()..);
    let unnamed = unnamed.take_while(|(id, _)| id.starts_with(UNNAMED));
    let doubled: Vec<_> = unnamed
        .filter(|(_, message)| {
            let named = messages.iter().filter(|(id, _)| !id.starts_with(UNNAMED));
            named.into_iter().any(|(_, other)| is_same(message, other))
        })
        .map(|(id, _)| id.clone())
        .collect();
    for id in doubled {
        messages.remove(&id);
    }
}

/// A thread's messages in order: by the provider's time, then by id. Those without a time come first.
pub fn in_order(messages: &BTreeMap<String, ChatMessage>) -> Vec<(&str, &ChatMessage)> {
    let mut sorted: Vec<_> = messages
        .iter()
        .map(|(id, message)| (id.as_str(), message))
        .collect();
    sorted.sort_by(|(id, message), (other_id, other)| {
        message.at.cmp(&other.at).then_with(|| by_id(id, other_id))
    });
    sorted
}

/// Ids that are numbers are compared as such: 999 comes before 1000.
fn by_id(a: &str, b: &str) -> Ordering {
    let is_number = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(a) && is_number(b) {
        let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
        a.len().cmp(&b.len()).then_with(|| a.cmp(b))
    } else {
        a.cmp(b)
    }
}

/// Leaves out the middle of a thread that is longer than what is kept, and says whether it did. What is left out stays
/// so, whatever pieces come later: they only ever put more before it or behind it.
pub(super) fn bound(messages: &mut BTreeMap<String, ChatMessage>) -> bool {
    let bytes: usize = messages.values().map(ChatMessage::bytes).sum();
    if messages.len() <= MAX_MESSAGES && bytes <= MAX_THREAD_BYTES {
        return false;
    }
    let sorted = in_order(messages);
    let head = fitting(sorted.iter(), BEGINNING, MAX_THREAD_BYTES / 5);
    let tail = fitting(
        sorted.iter().rev(),
        MAX_MESSAGES - BEGINNING,
        MAX_THREAD_BYTES - MAX_THREAD_BYTES / 5,
    );
    let middle = head..sorted.len().saturating_sub(tail).max(head);
    let left_out: Vec<_> = sorted[middle]
        .iter()
        .map(|(id, _)| (*id).to_owned())
        .collect();
    for id in &left_out {
        messages.remove(id);
    }
    !left_out.is_empty()
}

/// How many of these messages fit.
fn fitting<'m>(
    messages: impl Iterator<Item = &'m (&'m str, &'m ChatMessage)>,
    count: usize,
    bytes: usize,
) -> usize {
    let mut left = bytes;
    let fits = |(_, message): &&(&str, &ChatMessage)| match left.checked_sub(message.bytes()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    messages.take(count).take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_without_an_id_gives_way_to_the_same_with_one() {
        let at = |seconds: i64| Timestamp::from_second(1_700_000_000 + seconds).ok();
        let wrote = |seconds, text: &str| ChatMessage::new(Author::Customer, at(seconds), text);
        let thread = |messages: &[(String, ChatMessage)]| {
            let mut messages: BTreeMap<_, _> = messages.iter().cloned().collect();
            join_unnamed(&mut messages);
            messages.into_keys().collect::<Vec<_>>()
        };
        let named = ("SCI1".to_owned(), wrote(0, "Hello"));
        let gone = (unnamed("1"), wrote(59, "Hello"));
        assert_eq!(thread(&[named.clone(), gone.clone()]), ["SCI1"]);
        assert_eq!(thread(&[gone]), ["unnamed-1"]);
        let others = [
            wrote(59, "Hello?"),
            wrote(121, "Hello"),
            ChatMessage::new(Author::Agent, at(0), "Hello"),
            ChatMessage::new(Author::Customer, None, "Hello"),
        ];
        for other in others {
            let kept = thread(&[named.clone(), (unnamed("2"), other)]);
            assert_eq!(kept, ["SCI1", "unnamed-2"]);
        }
    }

    #[test]
    fn numbers_are_ordered_as_numbers() {
        let mut messages = BTreeMap::new();
        for id in ["1000", "999", "ab", "0998"] {
            let message = ChatMessage::new(Author::Customer, None, id);
            messages.insert(id.to_owned(), message);
        }
        let ids: Vec<_> = in_order(&messages).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, ["0998", "999", "1000", "ab"]);
    }
}
