//! What was said, and how the rules search it.

use std::ops::Range;

use domain::PostalCode;

use super::lexicon;
use crate::{judgment::MAX_QUOTE_BYTES, words::Words};

/// One thing that was found, with the words that show it.
pub(super) struct Finding<T> {
    pub(super) value: T,
    pub(super) quote: Option<String>,
}

impl<T> Finding<T> {
    /// What these words show, by the sentence that they stand in.
    pub(super) fn at(value: T, words: &Words<'_>, range: &Range<usize>) -> Self {
        let quote = words.sentence(range, MAX_QUOTE_BYTES).map(str::to_owned);
        Self { value, quote }
    }

    /// The same words, which show this.
    pub(super) fn with<U>(self, value: U) -> Finding<U> {
        let quote = self.quote;
        Finding { value, quote }
    }
}

/// Texts that are searched: each is something said without a break, an answer, or the note.
pub(super) struct Said<'a>(pub(super) Vec<Words<'a>>);

impl<'a> Said<'a> {
    pub(super) fn of(texts: impl Iterator<Item = &'a str>) -> Self {
        Self(texts.map(Words::of).collect())
    }

    /// The first of these phrases that was said.
    pub(super) fn any_of(&self, phrases: &[&str]) -> Option<Finding<()>> {
        phrases.iter().find_map(|phrase| {
            self.0
                .iter()
                .find_map(|words| Some(Finding::at((), words, &words.find(phrase)?)))
        })
    }

    /// The first of these values that was said by one of its phrases.
    pub(super) fn first_of<T: Copy>(&self, table: &[(T, &[&str])]) -> Option<Finding<T>> {
        table
            .iter()
            .find_map(|(value, phrases)| self.any_of(phrases).map(|found| found.with(*value)))
    }

    /// How many of these phrases were said, each counted once for each text.
    pub(super) fn count(&self, phrases: &[&str]) -> usize {
        let in_text = |words: &Words<'_>| {
            phrases
                .iter()
                .filter(|phrase| words.find(phrase).is_some())
                .count()
        };
        self.0.iter().map(in_text).sum()
    }

    /// The largest sum of money.
    pub(super) fn amount(&self) -> Option<Finding<u64>> {
        let sums = self.0.iter().flat_map(|words| {
            words
                .amounts()
                .into_iter()
                .map(move |(sum, at)| (sum, words, at))
        });
        let (value, words, at) = sums.max_by_key(|(sum, ..)| *sum)?;
        Some(Finding::at(value, words, &at))
    }

    /// The last ZIP code that is called one, follows a state or a street, or answers the question for one, if somebody
    /// asked it.
    ///
    /// Five digits alone may be anything, and a wrong ZIP code can send a lead away.
    pub(super) fn postal_code(&self, is_asked: bool) -> Option<Finding<PostalCode>> {
        self.postal_codes(is_asked).last()
    }

    /// Whether this ZIP code was said or written as the place of something, as in `a kitchen in 78664`.
    pub(super) fn places(&self, code: &PostalCode, is_asked: bool) -> bool {
        let is_behind = |words: &Words<'_>, at: &Range<usize>| {
            let is_house = (0..4).any(|by| lexicon::STREETS.contains(&words.get(at.end + by)));
            matches!(words.before(at.start, 1), "in" | "at" | "near") && !is_house
        };
        let mut meant = self.postal_codes(is_asked);
        meant.any(|found| found.value == *code)
            || self.0.iter().any(|words| {
                let mut codes = words.postal_codes().into_iter();
                codes.any(|(known, at)| known == *code && is_behind(words, &at))
            })
    }

    /// Each that is meant to be one, in order.
    fn postal_codes(&self, is_asked: bool) -> impl Iterator<Item = Finding<PostalCode>> {
        let is_zip = |word: &str| matches!(word, "zip" | "zipcode" | "postal");
        let is_street = |word: &str| lexicon::STREETS.contains(&word);
        let is_meant = move |words: &Words<'_>, at: &Range<usize>| {
            let near = |test: fn(&str) -> bool| (1..=6).any(|by| test(words.before(at.start, by)));
            let is_sum =
                (1..=2).any(|by| lexicon::BEFORE_SUMS.contains(&words.before(at.start, by)));
            let is_house = (0..4).any(|by| is_street(words.get(at.end + by)));
            let ends_turn = at.end == words.len() || words.get(at.end).starts_with("thank");
            let is_answer = is_asked && at.start <= 4 && ends_turn;
            let follows_state = matches!(words.before(at.start, 1), "tx" | "texas");
            !is_sum && !is_house && (near(is_zip) || near(is_street) || follows_state || is_answer)
        };
        self.0.iter().flat_map(move |words| {
            let codes = words
                .postal_codes()
                .into_iter()
                .filter(move |(_, at)| is_meant(words, at));
            codes.map(move |(code, at)| Finding::at(code, words, &at))
        })
    }
}
