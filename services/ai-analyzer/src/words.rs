//! Text as a row of words that compare alike whatever their case and punctuation, each with its place in the text.

use std::ops::Range;

use domain::PostalCode;

/// A text and its words.
#[derive(Debug, Clone)]
pub(crate) struct Words<'a> {
    text: &'a str,
    words: Vec<Word>,
}

#[derive(Debug, Clone)]
struct Word {
    /// Lower case, without apostrophes and thousands separators.
    folded: String,
    place: Range<usize>,
    /// Whether a dollar sign stands before it.
    is_money: bool,
}

impl<'a> Words<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let mut words: Vec<Word> = Vec::new();
        let (mut is_open, mut is_money) = (false, false);
        let mut chars = text.char_indices().peekable();
        while let Some((start, c)) = chars.next() {
            let end = start + c.len_utf8();
            let next_is_digit = chars.peek().is_some_and(|(_, next)| next.is_ascii_digit());
            let follows_digit = is_open
                && words
                    .last()
                    .is_some_and(|word| word.folded.ends_with(|c: char| c.is_ascii_digit()));
            if c.is_alphanumeric() || (c == '.' && follows_digit && next_is_digit) {
                if !is_open {
                    words.push(Word {
                        folded: String::new(),
                        place: start..end,
                        is_money,
                    });
                    (is_open, is_money) = (true, false);
                }
                if let Some(word) = words.last_mut() {
                    word.folded.extend(c.to_lowercase());
                    word.place.end = end;
                }
            } else if !(is_open && is_apostrophe(c) || c == ',' && follows_digit && next_is_digit) {
                is_open = false;
                is_money = c == '$' || (is_money && c == ' ');
            }
        }
        Self { text, words }
    }

    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// A word, folded; empty where there is none.
    pub(crate) fn get(&self, index: usize) -> &str {
        self.words.get(index).map_or("", |word| &word.folded)
    }

    /// The word that stands `by` words before `index`; empty where there is none.
    pub(crate) fn before(&self, index: usize, by: usize) -> &str {
        index.checked_sub(by).map_or("", |index| self.get(index))
    }

    fn is_money(&self, index: usize) -> bool {
        self.words.get(index).is_some_and(|word| word.is_money)
    }

    /// The text from the first to the last of these words, as it was written.
    pub(crate) fn text(&self, range: &Range<usize>) -> Option<&'a str> {
        self.text.get(self.place(range)?)
    }

    /// What stands behind these words, as it was written.
    pub(crate) fn rest(&self, range: &Range<usize>) -> Option<&'a str> {
        self.text.get(self.place(range)?.end..)
    }

    /// Where these words stand in the text.
    fn place(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let words = self.words.get(range.clone())?;
        Some(words.first()?.place.start..words.last()?.place.end)
    }

    /// The sentence that these words stand in, as it was written; the words alone when that is longer than `max`
    /// bytes.
    pub(crate) fn sentence(&self, range: &Range<usize>, max: usize) -> Option<&'a str> {
        let place = self.place(range)?;
        let start = ends(self.text.get(..place.start)?).last().unwrap_or(0);
        let rest = self.text.get(place.end..)?;
        let end = place.end + ends(rest).next().unwrap_or(rest.len());
        let sentence = self.text.get(start..end)?.trim();
        if sentence.len() <= max {
            Some(sentence)
        } else {
            self.text(range).filter(|text| text.len() <= max)
        }
    }

    /// Where the words of a phrase stand one after the other for the first time. A `*` at a word's end stands for any
    /// ending.
    pub(crate) fn find(&self, phrase: &str) -> Option<Range<usize>> {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        let is_like = |word: &Word, pattern: &&str| match pattern.strip_suffix('*') {
            Some(stem) => word.folded.starts_with(stem),
            None => word.folded == *pattern,
        };
        let at = self.words.windows(phrase.len()).position(|window| {
            window
                .iter()
                .zip(&phrase)
                .all(|(word, pattern)| is_like(word, pattern))
        })?;
        Some(at..at + phrase.len())
    }

    /// Where the words of another text stand one after the other for the first time.
    pub(crate) fn find_words(&self, other: &Words<'_>) -> Option<Range<usize>> {
        if other.words.is_empty() {
            return None;
        }
        let is_equal = |(a, b): (&Word, &Word)| a.folded == b.folded;
        let at = self
            .words
            .windows(other.len())
            .position(|window| window.iter().zip(&other.words).all(is_equal))?;
        Some(at..at + other.len())
    }

    /// What may be ZIP codes, with their places: five digits in one word, or a run of spoken digits that are five in
    /// all (`seven eight six six four`, `786 64`), or nine with their `+4`.
    pub(crate) fn postal_codes(&self) -> Vec<(PostalCode, Range<usize>)> {
        let mut found = Vec::new();
        let mut run: Option<(String, usize)> = None;
        for index in 0..=self.len() {
            let spoken =
                digits(self.get(index)).filter(|_| index < self.len() && !self.is_money(index));
            if let Some(digits) = &spoken
                && digits.len() == 5
                && let Ok(code) = PostalCode::parse(digits)
            {
                found.push((code, index..index + 1));
            }
            match (spoken, &mut run) {
                (Some(digits), Some((so_far, _))) => so_far.push_str(&digits),
                (Some(digits), None) => run = Some((digits, index)),
                (None, _) => {
                    let Some((digits, start)) = run.take() else {
                        continue;
                    };
                    let is_single = index - start == 1;
                    if let (5 | 9, false, Some(five)) = (digits.len(), is_single, digits.get(..5))
                        && let Ok(code) = PostalCode::parse(five)
                        && !found
                            .iter()
                            .any(|(known, place)| *known == code && place.start >= start)
                    {
                        found.push((code, start..index));
                    }
                }
            }
        }
        found
    }

    /// Sums of money in whole dollars, with their places: `$45,000`, `40k`, `sixty thousand`, `ninety-nine dollars`.
    pub(crate) fn amounts(&self) -> Vec<(u64, Range<usize>)> {
        let mut found = Vec::new();
        let mut index = 0;
        while index < self.len() {
            let (dollars, end) = self.amount_at(index);
            found.extend(dollars.map(|dollars| (dollars, index..end)));
            index = end.max(index + 1);
        }
        found
    }

    /// The sum that begins at `start`, if the number there is one, and where the number ends.
    fn amount_at(&self, start: usize) -> (Option<u64>, usize) {
        let mut number = Number::default();
        let mut end = start;
        while end < self.len() {
            let word = self.get(end);
            let is_article = word == "a"
                && end == start
                && matches!(self.get(end + 1), "hundred" | "thousand" | "million");
            let is_and = word == "and"
                && end > start
                && self.before(end, 1) == "hundred"
                && small(self.get(end + 1)).is_some();
            // `sixty $5`: another sum begins.
            let is_another = end > start && self.is_money(end);
            if is_another || !(is_article || is_and || number.take(word)) {
                break;
            }
            end += 1;
        }
        let is_named =
            self.is_money(start) || matches!(self.get(end), "dollar" | "dollars" | "bucks" | "usd");
        let is_large = number.is_large && !is_measure(self.get(end));
        let is_year = |dollars: &u64| (1_900..=2_100).contains(dollars);
        let is_sum = |dollars: &u64| *dollars > 0 && (is_named || (is_large && !is_year(dollars)));
        (number.dollars().filter(is_sum), end)
    }
}

/// Where sentences end: behind their mark. A dot within a number is none.
fn ends(text: &str) -> impl Iterator<Item = usize> {
    text.char_indices().filter_map(|(at, c)| {
        let end = at + c.len_utf8();
        let is_within_number = || {
            text.get(end..)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        matches!(c, '.' | '!' | '?' | '\n')
            .then_some(end)
            .filter(|_| c != '.' || !is_within_number())
    })
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | 'ʼ' | '`')
}

/// What is counted when it is not money.
fn is_measure(word: &str) -> bool {
    const MEASURES: &str =
        "square sq sqft feet foot ft miles people homes customers homeowners pounds hours years";
    MEASURES.split(' ').any(|measure| measure == word)
}

/// The digits that a word stands for when a number is spelled out: `seven`, `oh`, `78664`.
fn digits(word: &str) -> Option<String> {
    if (1..=10).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(word.to_owned());
    }
    match word {
        "oh" | "o" => Some("0".to_owned()),
        _ => small(word)
            .filter(|number| *number < 10)
            .map(|number| number.to_string()),
    }
}

/// A number below a hundred that is one word.
pub(crate) fn small(word: &str) -> Option<u64> {
    const NAMES: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen \
                         fifteen sixteen seventeen eighteen nineteen";
    const TENS: &str = "twenty thirty forty fifty sixty seventy eighty ninety";
    let position = |names: &str| {
        let at = names.split(' ').position(|name| name == word)?;
        u64::try_from(at).ok()
    };
    position(NAMES).or_else(|| position(TENS).map(|at| (at + 2) * 10))
}

/// A number that is put together word by word. Counted in thousandths, so that `1.5 million` is exact.
#[derive(Debug, Default)]
struct Number {
    total: u64,
    current: u64,
    has_words: bool,
    /// Whether thousands were named.
    is_large: bool,
}

const ONE: u64 = 1_000;

impl Number {
    /// Adds a word; false when it does not continue the number.
    fn take(&mut self, word: &str) -> bool {
        let taken = self.scale(word) || self.name(word) || self.figure(word);
        self.has_words |= taken;
        taken
    }

    fn scale(&mut self, word: &str) -> bool {
        let by = match word {
            "hundred" if self.current < 100 * ONE => {
                self.current = self.current.max(ONE) * 100;
                return true;
            }
            "thousand" | "grand" | "k" => 1_000,
            "million" => 1_000_000,
            _ => return false,
        };
        self.enlarge(by);
        true
    }

    fn enlarge(&mut self, by: u64) {
        self.total = self
            .total
            .saturating_add(self.current.max(ONE).saturating_mul(by));
        self.current = 0;
        self.is_large = true;
    }

    /// `forty` and `five` go together, `seven` and `eight` do not.
    fn name(&mut self, word: &str) -> bool {
        let Some(number) = small(word) else {
            return false;
        };
        let rest = self.current / ONE % 100;
        let fits =
            !self.has_words || rest == 0 || (rest >= 20 && rest.is_multiple_of(10) && number < 10);
        if fits {
            self.current += number * ONE;
        }
        fits
    }

    fn figure(&mut self, word: &str) -> bool {
        let (figure, is_thousands) = word
            .strip_suffix('k')
            .map_or((word, false), |figure| (figure, true));
        let (whole, part) = figure.split_once('.').unwrap_or((figure, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if self.current != 0
            || whole.is_empty()
            || whole.len() > 12
            || !is_number(whole)
            || !is_number(part)
        {
            return false;
        }
        let part: String = part.chars().chain("000".chars()).take(3).collect();
        let (Ok(whole), Ok(part)) = (whole.parse::<u64>(), part.parse::<u64>()) else {
            return false;
        };
        self.current = whole * ONE + part;
        if is_thousands {
            self.enlarge(1_000);
        }
        true
    }

    fn dollars(&self) -> Option<u64> {
        self.has_words
            .then(|| self.total.saturating_add(self.current) / ONE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes(text: &str) -> Vec<String> {
        Words::of(text)
            .postal_codes()
            .into_iter()
            .map(|(code, _)| code.into())
            .collect()
    }

    fn amounts(text: &str) -> Vec<u64> {
        Words::of(text)
            .amounts()
            .into_iter()
            .map(|(dollars, _)| dollars)
            .collect()
    }

    #[test]
    fn case_and_punctuation_make_no_difference() {
        let text = Words::of("Well — I’d like “a NEW roof”, for $45,000.50!");
        let found = text
            .find_words(&Words::of("id like a new roof for 45000.50"))
            .unwrap();
        assert_eq!(
            text.text(&found),
            Some("I’d like “a NEW roof”, for $45,000.50")
        );
        assert!(text.find_words(&Words::of("")).is_none());
        assert!(text.find_words(&Words::of("new roofs")).is_none());
        assert_eq!(
            text.find("ne* roo*").and_then(|range| text.text(&range)),
            Some("NEW roof")
        );
    }

    #[test]
    fn a_sentence_ends_at_its_mark() {
        let words = Words::of("Hi. It costs 1.5 million dollars, right? Bye.");
        let found = words.find("million").unwrap();
        assert_eq!(
            words.sentence(&found, 100),
            Some("It costs 1.5 million dollars, right?")
        );
        assert_eq!(words.sentence(&found, 10), Some("million"));
        assert_eq!(words.sentence(&found, 3), None);
    }

    #[test]
    fn zip_codes_are_read_as_written_and_as_spoken() {
        for (text, expected) in [
            ("the ZIP code is 78664.", vec!["78664"]),
            ("TX 78664-1234", vec!["78664"]),
            ("seven eight six six four", vec!["78664"]),
            ("it's 7-8-6-6-4, thanks", vec!["78664"]),
            ("7 8 6 oh 4", vec!["78604"]),
            ("786 64", vec!["78664"]),
            ("call 512-555-0142", vec![]),
            ("five one two, five five five, zero one four two", vec![]),
            ("5125550142", vec![]),
            ("$45,000", vec![]),
            ("1234", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(codes(text), expected, "{text}");
        }
    }

    #[test]
    fn sums_of_money_are_read_as_written_and_as_spoken() {
        for (text, expected) in [
            ("$45,000", vec![45_000]),
            ("around $40k", vec![40_000]),
            ("40k or so", vec![40_000]),
            ("$1.5 million", vec![1_500_000]),
            ("sixty thousand", vec![60_000]),
            ("forty-five thousand dollars", vec![45_000]),
            ("three hundred thousand dollars", vec![300_000]),
            ("a hundred and fifty thousand", vec![150_000]),
            ("forty to sixty grand", vec![60_000]),
            ("fifteen hundred dollars", vec![1_500]),
            ("only ninety-nine dollars", vec![99]),
            ("between $20,000 and $30,000", vec![20_000, 30_000]),
            ("two hundred square feet", vec![]),
            ("two thousand square feet", vec![]),
            ("built in nineteen ninety-four", vec![]),
            ("in two thousand ten", vec![]),
            ("seven eight six six four", vec![]),
            ("78664", vec![]),
            ("a house", vec![]),
            ("$", vec![]),
        ] {
            assert_eq!(amounts(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}|[0-9a-z $,.'k-]{0,80}") {
            let words = Words::of(&text);
            for (_, range) in words.amounts() {
                prop_assert!(words.text(&range).is_some());
            }
            for (_, range) in words.postal_codes() {
                prop_assert!(words.sentence(&range, 1_000).is_some());
            }
            if words.len() > 0 {
                prop_assert_eq!(words.find_words(&words), Some(0..words.len()));
            }
        }
    }
}
