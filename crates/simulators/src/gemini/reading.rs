//! What the simulated model understands of a prompt: a fact for each property of the schema.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;

use super::numbers::{counted_months, dollars, postal_code, until_named_month};
use super::prompt::{Sentence, says, sentences, words};

/// What is understood of a field.
#[derive(Debug)]
pub(super) struct Fact {
    /// For a field of text.
    pub(super) text: String,
    /// For a field whose schema lists words.
    pub(super) word: &'static str,
    /// Dollars or months, or for a field of numbers a share from 0 to 1.
    pub(super) number: f64,
    /// The sentences that say it. None if nobody says it.
    quotes: Vec<String>,
}

fn fact(text: &str, word: &'static str, number: f64, quotes: Vec<String>) -> Fact {
    Fact {
        text: text.to_owned(),
        word,
        number,
        quotes,
    }
}

/// The lines of the lexicon: field, value, word, phrases.
static LEXICON: LazyLock<Vec<[&str; 4]>> = LazyLock::new(|| {
    let lines = include_str!("lexicon.txt").lines();
    let lines = lines.filter(|line| !line.starts_with('#'));
    let columns = lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    columns.flat_map(TryInto::try_into).collect()
});

/// The value of a field that most sentences say, and of equals the first.
fn best(field: &str, said: &[Sentence]) -> Option<Fact> {
    let entries = LEXICON.iter().filter(|entry| entry[0] == field);
    let facts = entries.map(|[_, value, word, phrases]| {
        let says_it = |it: &&Sentence| phrases.split(", ").any(|phrase| says(&it.plain, phrase));
        let quotes = said.iter().filter(says_it).map(|it| it.text.clone());
        fact(value, word, value.parse().unwrap_or(0.0), quotes.collect())
    });
    let best = facts.rev().max_by_key(|fact| fact.quotes.len());
    best.filter(|fact| !fact.quotes.is_empty())
}

/// The first sentence from which something is understood. What was known before is no quote.
fn find<T>(said: &[Sentence], read: impl Fn(&Sentence) -> Option<T>) -> Option<(T, Vec<String>)> {
    let quotes = |it: &Sentence| vec![it.text.clone(); usize::from(!it.is_fact)];
    said.iter().find_map(|it| Some((read(it)?, quotes(it))))
}

fn find_text(said: &[Sentence], read: impl Fn(&Sentence) -> Option<String>) -> Option<Fact> {
    find(said, read).map(|(text, quotes)| fact(&text, "", 0.0, quotes))
}

/// The value of the first fact with one of these labels.
fn labeled(all: &[Sentence], labels: [&str; 3]) -> Option<Fact> {
    let is_meant = |it: &Sentence| labels.contains(&it.label.as_str());
    find_text(all, |it| is_meant(it).then(|| it.text.clone()))
}

/// A prompt, understood.
#[derive(Debug, Default)]
pub(super) struct Reading {
    facts: BTreeMap<&'static str, Fact>,
    /// What speaks for or against the lead, each with a quote. No quote is there twice.
    pub(super) reasons: Vec<(&'static str, String)>,
}

impl Reading {
    pub(super) fn of(prompt: &str, now: Timestamp) -> Self {
        let all = sentences(prompt);
        let mut said = all.clone();
        said.retain(|it| !it.is_fact);
        let mut callers = said.clone();
        callers.retain(|it| !it.is_staff);
        let project = best("project_type", &callers).or_else(|| best("project_type", &said));
        if project.is_none() {
            // A recording may speak before anybody has answered: without a project, roles mean little.
            callers.clone_from(&said);
        }
        let mut reading = Self::default();
        reading.judge(&callers, project.as_ref());
        if !reading.is_spam() {
            reading.add("project_type", project);
            reading.add("budget", budget(&callers));
            reading.add("timeline", timeline(&callers, now));
        }
        let address = labeled(&said, ["address", "street", "city"]);
        let address = address.or_else(|| find_text(&callers, street));
        reading.add("address", address.or_else(|| best("address", &callers)));
        let is_asked = said
            .iter()
            .any(|it| names_zip(it) && it.text.ends_with('?'));
        let zip = [&callers, &said, &all]
            .into_iter()
            .find_map(|it| zip(it, is_asked));
        reading.add("postal_code", zip);
        let name = || labeled(&all, ["caller name", "customer name", "name"]);
        reading.add("name", find_text(&said, introduced).or_else(name));
        reading.add("callback", best("callback", &callers));
        reading.grade();
        reading
    }

    fn add(&mut self, field: &'static str, fact: impl Into<Option<Fact>>) {
        self.facts.extend(fact.into().map(|fact| (field, fact)));
    }

    pub(super) fn fact(&self, field: &str) -> Option<&Fact> {
        self.facts.get(field)
    }

    fn number(&self, field: &str) -> Option<f64> {
        Some(self.fact(field)?.number)
    }

    fn is_spam(&self) -> bool {
        self.number("spam_likelihood") >= Some(0.5)
    }

    /// Judges what it is about and whether it is spam.
    fn judge(&mut self, said: &[Sentence], project: Option<&Fact>) {
        let (spam, pitch) = (best("spam", said), best("pitch", said));
        let count = |fact: &Option<Fact>| fact.as_ref().map_or(0, |fact| fact.quotes.len());
        let likelihood = match (count(&spam), count(&pitch), project) {
            (1, 0, Some(_)) => 0.18,
            (1.., _, _) => 0.95,
            (0, 2.., Some(_)) => 0.35,
            (0, 1.., None) => 0.6,
            (_, _, Some(_)) => 0.04,
            _ => 0.12,
        };
        let shown = spam.or(pitch);
        let quotes = shown.iter().flat_map(|fact| fact.quotes.clone()).collect();
        self.add("spam_likelihood", fact("", "", likelihood, quotes));
        let neutral = || fact("neutral", "neutral", 0.0, Vec::new());
        self.add("sentiment", best("sentiment", said).unwrap_or_else(neutral));
        let first = || said.iter().take(1).map(|it| it.text.clone()).collect();
        let usual = || match project {
            Some(it) => fact("asks for a quote", "quote_request", 0.0, it.quotes.clone()),
            None => fact("asks for information", "information", 0.0, first()),
        };
        let shown = shown.filter(|_| likelihood >= 0.5);
        let intent = shown.or_else(|| best("intent", said));
        self.add("intent", intent.unwrap_or_else(usual));
    }

    /// How good the lead is, why, how sure that is, and all of it in a sentence.
    fn grade(&mut self) {
        const FIELDS: [(&str, f64, &str); 8] = [
            ("spam_likelihood", 0.0, SPAM),
            ("project_type", 0.25, "Names a project"),
            ("budget", 0.15, "Names a sum"),
            ("timeline", 0.08, "Says when to start"),
            ("postal_code", 0.05, "Says where it is"),
            ("address", 0.05, "Says where it is"),
            ("callback", 0.03, "Asks to be called"),
            ("intent", 0.0, "Says what it is about"),
        ];
        const SPAM: &str = "Sounds like somebody who sells to everybody";
        let is_soon = self.number("timeline").is_some_and(|months| months <= 3.0);
        let is_large = self.number("budget") >= Some(40_000.0);
        let is_named = self.facts.contains_key("name");
        let mut score = 0.15 + 0.05 * f64::from(is_named);
        let mut reasons: Vec<(&str, String)> = Vec::new();
        for (field, points, reason) in FIELDS {
            let Some(fact) = self.fact(field) else {
                continue;
            };
            score += points;
            let is_of_spam = reason == SPAM;
            let is_meant =
                is_of_spam == self.is_spam() && (field != "intent" || reasons.is_empty());
            let most = if is_of_spam { usize::MAX } else { 1 };
            for quote in fact.quotes.iter().take(most) {
                if is_meant && !reasons.iter().any(|(_, seen)| seen == quote) {
                    reasons.push((reason, quote.clone()));
                }
            }
        }
        score += 0.1 * f64::from(is_soon) + 0.05 * f64::from(is_large);
        let spam = self.number("spam_likelihood").unwrap_or_default();
        let most = level(spam, &[(0.0, 0.98), (0.5, 0.25), (0.85, 0.05)]);
        let confidence = 0.6 + 0.07 * reasons.len().min(4) as f64;
        let text = |field| self.fact(field).map(|fact| fact.text.as_str());
        let mut summary = text("name").unwrap_or("The caller").to_owned();
        for (before, field) in [
            (" ", "intent"),
            (", project: ", "project_type"),
            (", place: ", "address"),
            (", ZIP ", "postal_code"),
            (", to start ", "timeline"),
            (", with about ", "budget"),
        ] {
            summary += &text(field).map_or_else(String::new, |text| format!("{before}{text}"));
        }
        let number = |number| fact("", "", number, Vec::new());
        self.add("lead_score", number(score.min(most)));
        self.add("confidence", number(confidence));
        self.add("summary", fact(&(summary + "."), "", 0.0, Vec::new()));
        self.reasons = reasons;
    }
}

/// The level of a number: the last whose least number is not above it.
fn level<T: Copy + Default>(number: f64, levels: &[(f64, T)]) -> T {
    let reached = levels.iter().rfind(|(least, _)| number >= *least);
    reached.map_or_else(T::default, |(_, level)| *level)
}

fn budget(said: &[Sentence]) -> Option<Fact> {
    let levels = [(0.0, "low"), (25_000.0, "medium"), (75_000.0, "high")];
    let (number, quotes) = find(said, |it| dollars(&it.plain))?;
    let word = level(number, &levels);
    Some(fact(&format!("${number:.0}"), word, number, quotes))
}

/// When the work is to start, in months: at once, or as counted, or as a phrase or the name of a month says.
fn timeline(said: &[Sentence], now: Timestamp) -> Option<Fact> {
    const LEVELS: [(f64, &str); 4] = [
        (0.0, "immediate"),
        (1.0, "1_3_months"),
        (3.0, "3_6_months"),
        (6.0, "6_plus_months"),
    ];
    let phrase = best("timeline", said).map(|fact| (fact.number, fact.quotes));
    let at_once = phrase.clone().filter(|(months, _)| *months == 0.0);
    let (number, quotes) = at_once
        .or_else(|| find(said, |it| counted_months(&it.plain)))
        .or(phrase)
        .or_else(|| find(said, |it| until_named_month(&it.plain, now)))?;
    let text = match number {
        0.0 => "at once".to_owned(),
        months => format!("in about {months:.0} months"),
    };
    Some(fact(&text, level(number, &LEVELS), number, quotes))
}

/// A ZIP code where one is spoken of, or else one that is said of a place, or that answers a question for one. Any other
/// five digits may be a sum or the number of a house.
fn zip(said: &[Sentence], is_asked: bool) -> Option<Fact> {
    let is_short = |it: &Sentence| words(&it.plain).len() <= 4;
    find_text(said, |it| {
        postal_code(&it.plain, true).filter(|_| names_zip(it))
    })
    .or_else(|| find_text(said, |it| postal_code(&it.plain, false)))
    .or_else(|| {
        find_text(said, |it| {
            postal_code(&it.plain, true).filter(|_| is_asked && is_short(it))
        })
    })
}

fn names_zip(sentence: &Sentence) -> bool {
    sentence.plain.contains("zip") || sentence.plain.contains("postal")
}

/// The name after "my name is", "this is" or "I'm", of anybody but the staff.
fn introduced(sentence: &Sentence) -> Option<String> {
    let Sentence { text, is_staff, .. } = sentence;
    let lower = text.to_ascii_lowercase();
    let is_name =
        |word: &&str| word.starts_with(char::is_uppercase) && !["The", "A"].contains(word);
    let openings = ["my name is ", "name's ", "this is ", "i'm ", "i am "];
    openings.iter().filter(|_| !is_staff).find_map(|opening| {
        let rest = text.get(lower.find(opening)? + opening.len()..)?;
        let clause = rest.split([',', '.', '!', '?', ';']).next()?;
        let name = words(clause).into_iter().take_while(is_name).take(3);
        let name = name.collect::<Vec<_>>().join(" ");
        Some(name).filter(|name| !name.is_empty())
    })
}

/// A number, capitalized words and a kind of street.
fn street(sentence: &Sentence) -> Option<String> {
    const KINDS: &str = "street st avenue ave lane ln road rd drive dr boulevard blvd court ct way place trail circle";
    let words = words(&sentence.text);
    let is_kind = |word: &&str| KINDS.split(' ').any(|kind| word.eq_ignore_ascii_case(kind));
    words.iter().enumerate().find_map(|(at, number)| {
        let named = words.iter().skip(at + 1).take(5);
        let mut named = named.take_while(|word| word.starts_with(char::is_uppercase));
        let end = at + 1 + named.position(is_kind).filter(|end| *end > 0)?;
        let is_number = number.len() <= 6 && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| words[at..=end].join(" "))
    })
}

#[cfg(test)]
mod tests {
    use super::super::numbers::as_digits;
    use super::*;

    #[test]
    fn every_line_of_the_lexicon_can_be_understood() {
        let lines = include_str!("lexicon.txt").lines();
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(lines.count(), LEXICON.len());
        for [field, value, _, phrases] in LEXICON.iter() {
            assert_eq!(as_digits(phrases), *phrases, "{field} {value}");
            assert_eq!(phrases.to_lowercase(), *phrases, "{field} {value}");
        }
    }
}
