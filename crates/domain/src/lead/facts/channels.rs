//! What chats, text messages and bookings say in a way of their own.

use std::mem;

use super::{BookingFacts, ChatFacts, ChatStatus, TextFacts, fact::Fact as _};
use crate::lead::thread::{self, Author, ChatMessage};

impl ChatFacts {
    /// Takes over what `other` says. Messages are united, one by one; of the rest the later statement counts, as with
    /// bookings.
    pub(super) fn overlay_in_time(&mut self, other: &Self) {
        let is_any = |mine: Option<bool>, other: Option<bool>| {
            (mine == Some(true) || other == Some(true)).then_some(true)
        };
        let is_cut = is_any(self.is_cut, other.is_cut);
        let is_deleted = is_any(self.is_deleted, other.is_deleted);
        let is_older = self
            .stated_at
            .zip(other.stated_at)
            .is_some_and(|(mine, other)| other < mine);
        if is_older {
            let newer = mem::replace(self, other.clone());
            self.overlay(&newer);
        } else {
            self.overlay(other);
        }
        (self.is_cut, self.is_deleted) = (is_cut, is_deleted);
        self.bound();
    }

    /// Leaves out what is more than is kept, and the words of a conversation that was deleted.
    pub fn bound(&mut self) {
        if self.is_deleted == Some(true) {
            self.messages.values_mut().for_each(ChatMessage::take_back);
        }
        if thread::bound(&mut self.messages) {
            self.is_cut = Some(true);
        }
    }

    /// Whether it was closed and, as far as is known, not opened again.
    pub fn is_closed(&self) -> bool {
        self.status == Some(ChatStatus::Closed) || self.is_deleted == Some(true)
    }

    /// Leaves nothing of the words that `newer` says were taken back.
    pub(super) fn take_back(&mut self, newer: &Self) {
        for (id, message) in &mut self.messages {
            let is_deleted = newer.is_deleted == Some(true)
                || newer.messages.get(id).is_some_and(|newer| newer.is_deleted);
            if is_deleted {
                message.take_back();
            }
        }
    }

    /// What readers are shown of it.
    pub(super) fn shown(&self) -> impl PartialEq + '_ {
        let words = thread::in_order(&self.messages).into_iter();
        let words = words.filter(|(_, message)| message.says_something());
        let words: Vec<_> = words
            .map(|(_, message)| {
                (
                    message.from,
                    message.at,
                    message.text.as_str(),
                    &message.attachments,
                )
            })
            .collect();
        (&self.subject, &self.page_url, self.started_at, words)
    }
}

impl TextFacts {
    /// The message by which the person asked for no more texts, if that is the last word on it. Carriers take a message
    /// for such a word only if there is nothing else in it.
    pub fn opt_out(&self) -> Option<&ChatMessage> {
        const STOP: [&str; 8] = [
            "STOP",
            "STOPALL",
            "UNSUBSCRIBE",
            "CANCEL",
            "END",
            "QUIT",
            "OPTOUT",
            "REVOKE",
        ];
        const START: [&str; 3] = ["START", "UNSTOP", "OPTIN"];
        let word = |message: &ChatMessage| {
            let letters = message.text.chars().filter(|c| c.is_alphanumeric());
            letters.collect::<String>().to_uppercase()
        };
        let words = self
            .messages
            .values()
            .filter(|message| message.from == Author::Customer)
            .map(|message| (message, word(message)));
        let said = words.filter(|(_, word)| {
            let word = word.as_str();
            STOP.contains(&word) || START.contains(&word)
        });
        let (message, word) = said.max_by_key(|(message, _)| message.at)?;
        STOP.contains(&word.as_str()).then_some(message)
    }
}

impl BookingFacts {
    /// Takes over what `other` says, unless it is known to be older: then it only fills what is unsaid.
    pub(super) fn overlay_in_time(&mut self, other: &Self) {
        let is_older = self
            .stated_at
            .zip(other.stated_at)
            .is_some_and(|(mine, other)| other < mine);
        if is_older {
            let newer = mem::replace(self, other.clone());
            self.overlay(&newer);
        } else {
            self.overlay(other);
        }
    }

    /// The same without its time and the provider's own ids, which nobody is shown.
    pub(super) fn timeless(&self) -> Self {
        Self {
            stated_at: None,
            calendar_ids: None,
            event_id: None,
            ..self.clone()
        }
    }
}
