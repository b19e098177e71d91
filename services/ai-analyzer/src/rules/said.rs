//! What was said, and how the rules search it.

use std::ops::Range;

use domain::PostalCode;

use crate::{judgment::MAX_QUOTE_BYTES, words::Words, zip};

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

    /// The last ZIP code that is meant as one ([`zip::said`]), if somebody asked for one also where it answers that.
    pub(super) fn postal_code(&self, is_asked: bool) -> Option<Finding<PostalCode>> {
        let found = self.0.iter().flat_map(|words| {
            let codes = zip::said(words, is_asked).into_iter();
            codes.map(move |(code, at)| Finding::at(code, words, &at))
        });
        found.last()
    }
}
