//! What a company wrote in a conversation before the person did.
//!
//! It makes no lead by itself: nobody has asked for anything yet. Once the person writes, it is the beginning of the
//! conversation. Until then its facts are kept beside its delivery.

use std::borrow::Cow;

use domain::{Alias, Channel, EventId, Facts, Outcome, Reading, RequestState, Section};
use jiff::Timestamp;

use crate::{Delivery, Settle};

/// The most of a conversation's deliveries that are taken in, the newest: whoever never answers may be written to for years.
pub const MAX_EARLY: usize = 50;

/// A delivery that came before its conversation was a lead.
#[derive(Debug, Clone, PartialEq)]
pub struct Early {
    /// Which one.
    pub event: EventId,
    /// What it says.
    pub facts: Facts,
}

/// What all of it says; none of nothing.
fn told(early: &[Early]) -> Option<Facts> {
    let (first, others) = early.split_first()?;
    let mut facts = first.facts.clone();
    for other in others {
        facts.overlay(&other.facts);
    }
    Some(facts)
}

/// The name under which the pieces of a conversation are kept: the widest of those that are of the kind of the first. Not
/// every piece has the narrower ones.
fn widest(aliases: &[Alias]) -> Option<&Alias> {
    let kind = &aliases.first()?.kind;
    aliases.iter().rfind(|alias| alias.kind == *kind)
}

impl Settle {
    /// The conversation that a delivery turned out to be of which could not be read when it came: nobody knew until then
    /// whose conversation what the company wrote in it is part of.
    pub fn begins(&self) -> Option<&Alias> {
        let Outcome::Done { sections, aliases } = &self.outcome else {
            return None;
        };
        let is_read = sections.iter().any(|section| {
            matches!(section, Section::Source(read) if read.said.about.channel() == Channel::Text)
        });
        widest(aliases).filter(|_| is_read)
    }

    /// The same with what was written before; `early` is in the order in which it came.
    pub fn after(&self, early: &[Early]) -> Cow<'_, Self> {
        let Some(before) = told(early) else {
            return Cow::Borrowed(self);
        };
        let mut settle = self.clone();
        if let Outcome::Done { sections, .. } = &mut settle.outcome {
            for section in sections {
                if let Section::Source(read) = section {
                    read.said = read.said.or(&before);
                }
            }
        }
        Cow::Owned(settle)
    }
}

impl Delivery {
    /// The conversation that it is a piece of, if nothing but deliveries tell what was said in it: of a chat, the provider
    /// shows the whole thread.
    fn conversation(&self) -> Option<&Alias> {
        let Ok(Reading::News(news)) = &self.reading else {
            return None;
        };
        let is_text = news.facts.about.channel() == Channel::Text;
        widest(&news.aliases).filter(|_| is_text)
    }

    /// The conversation whose earlier pieces it makes a lead with: those that are kept under this name are to be loaded.
    /// `known` are the requests that it leads to.
    pub fn begins(&self, known: Option<&[RequestState]>) -> Option<&Alias> {
        let Ok(Reading::News(news)) = &self.reading else {
            return None;
        };
        let is_new = known.is_some_and(<[_]>::is_empty);
        self.conversation().filter(|_| is_new && !news.is_addition)
    }

    /// The same with what was written before it; `early` is in the order in which it came.
    pub fn after(&self, early: &[Early]) -> Cow<'_, Self> {
        let (Ok(Reading::News(news)), Some(before)) = (&self.reading, told(early)) else {
            return Cow::Borrowed(self);
        };
        let mut news = news.clone();
        news.facts = news.facts.or(&before);
        Cow::Owned(Self {
            reading: Ok(Reading::News(news)),
            ..self.clone()
        })
    }

    /// What is to be kept of it for a lead that may come of its conversation: the conversation, and what it says. It was
    /// stored as no part of a request.
    pub fn kept_for_later(&self, now: Timestamp) -> Option<(&Alias, Facts)> {
        let Ok(Reading::News(news)) = &self.reading else {
            return None;
        };
        let conversation = self.conversation().filter(|_| news.is_addition)?;
        let mut facts = news.facts.clone();
        facts.date_messages(now);
        Some((conversation, facts))
    }
}
