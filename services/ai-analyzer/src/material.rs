//! What there is to judge of a request. All of it was said or typed by strangers.

use domain::{CallFacts, Document, Turn, text, workflow};

/// Most text that is looked at, in bytes: several hours of talk.
const MAX_TEXT_BYTES: usize = 400_000;

const TAGS: &str = "tags";

/// What there is to judge.
#[derive(Debug, Clone)]
pub(crate) struct Material<'a> {
    /// What was said, in order; empty when nobody spoke, or nothing was recorded.
    pub(crate) turns: Vec<&'a Turn>,
    /// A person's note on the call.
    pub(crate) note: Option<String>,
    /// What else is known, by name.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// Whether the call was picked up, when that is known.
    pub(crate) is_answered: Option<bool>,
}

impl<'a> Material<'a> {
    pub(crate) fn of(document: &'a Document) -> Self {
        let call = document.call();
        let turns = document
            .transcript
            .as_ref()
            .filter(|_| workflow::is_spoken(document));
        let mut left_bytes = MAX_TEXT_BYTES;
        let fits = |turn: &&Turn| {
            let fits = turn.text.len() <= left_bytes;
            left_bytes = left_bytes.saturating_sub(turn.text.len());
            fits
        };
        Self {
            turns: turns
                .map(|transcript| transcript.turns.iter().take_while(fits).collect())
                .unwrap_or_default(),
            note: call
                .note
                .as_deref()
                .and_then(|note| text::line(note, 4_000)),
            facts: facts(&call),
            is_answered: call.is_answered,
        }
    }

    /// Whether there is nothing to read.
    pub(crate) fn is_silent(&self) -> bool {
        self.turns.is_empty() && self.note.is_none()
    }

    /// All that comes from people outside: what was said, the note, and what a caller can make the facts say. Tags are
    /// the company's own.
    pub(crate) fn claims(&self) -> impl Iterator<Item = &str> {
        let facts = self.facts.iter().filter(|(name, _)| *name != TAGS);
        self.texts().chain(facts.map(|(_, value)| value.as_str()))
    }

    /// Each thing that was said, then the note.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.turns
            .iter()
            .map(|turn| turn.text.as_str())
            .chain(self.note.as_deref())
    }
}

fn facts(call: &CallFacts) -> Vec<(&'static str, String)> {
    let line = |text: &Option<String>, max| text.as_deref().and_then(|text| text::line(text, max));
    let yes_or_no =
        |fact: Option<bool>| fact.map(|fact| if fact { "yes" } else { "no" }.to_owned());
    let tags = call
        .tags
        .iter()
        .flatten()
        .take(20)
        .filter_map(|tag| text::line(tag, 60))
        .collect::<Vec<_>>();
    let marketing = |key: &str| {
        call.marketing
            .get(key)
            .and_then(|value| text::line(value, 200))
    };
    let facts = [
        ("caller name", line(&call.caller_name, 200)),
        ("city of the caller's number", line(&call.caller_city, 100)),
        ("state of the caller's number", line(&call.caller_state, 50)),
        ("ZIP code on file", line(&call.caller_postal_code, 20)),
        ("answered", yes_or_no(call.is_answered)),
        ("left a voicemail", yes_or_no(call.is_voicemail)),
        (
            "duration in seconds",
            call.duration_seconds.map(|seconds| seconds.to_string()),
        ),
        (TAGS, Some(tags.join(", ")).filter(|tags| !tags.is_empty())),
        ("marketing source", marketing("source")),
        ("marketing medium", marketing("medium")),
        ("marketing campaign", marketing("campaign")),
        ("search keywords", marketing("keywords")),
    ];
    facts
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}
