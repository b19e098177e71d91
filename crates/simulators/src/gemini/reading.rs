//! What the simulated model understands of a prompt: one fact for each field.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;

use super::numbers::{counted_months, dollars, postal_code, telephone, until_named_month};
use super::prompt::{Sentence, says, sentences, words};

/// What a property of a schema can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Address,
    Budget,
    Callback,
    Confidence,
    Evidence,
    Intent,
    Name,
    Other,
    Phone,
    PostalCode,
    Project,
    Score,
    Sentiment,
    Spam,
    Summary,
    Timeline,
}

/// What is understood of a field.
#[derive(Debug, Clone, Default)]
pub(super) struct Fact {
    /// For a field of text.
    pub(super) text: String,
    /// Parts of the names that a list of choices may have for it, best first.
    pub(super) choices: Vec<&'static str>,
    /// For a field of numbers: dollars or months, or a share from 0 to 1.
    pub(super) number: Option<f64>,
    /// The sentences that say it. None if nobody says it.
    pub(super) quotes: Vec<String>,
}

/// A line of the lexicon: field, value, choices, phrases.
type Entry = [&'static str; 4];

static LEXICON: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let lines = include_str!("lexicon.txt").lines();
    let entries = lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let columns: Vec<_> = line.split('|').map(str::trim).collect();
            columns.try_into().ok()
        });
    entries.collect()
});

fn fact_of([_, value, choices, _]: &Entry, quotes: Vec<String>) -> Fact {
    Fact {
        text: (*value).to_owned(),
        choices: choices.split(", ").collect(),
        number: value.parse().ok(),
        quotes,
    }
}

/// A value of the lexicon that nobody says.
fn entry(value: &str) -> Option<Fact> {
    let entry = LEXICON.iter().find(|entry| entry[1] == value)?;
    Some(fact_of(entry, Vec::new()))
}

/// The value of a field that most sentences say, and of equals the first.
fn best(field: &str, said: &[&Sentence]) -> Option<Fact> {
    let mut best: Option<Fact> = None;
    for entry in LEXICON.iter().filter(|entry| entry[0] == field) {
        let says_it = |it: &Sentence| entry[3].split(", ").any(|phrase| says(&it.plain, phrase));
        let quotes = said
            .iter()
            .filter(|it| says_it(it))
            .map(|it| it.text.clone());
        let quotes: Vec<_> = quotes.collect();
        if quotes.len() > best.as_ref().map_or(0, |fact| fact.quotes.len()) {
            best = Some(fact_of(entry, quotes));
        }
    }
    best
}

/// The first sentence from which something is understood.
fn find<T>(said: &[&Sentence], read: impl Fn(&Sentence) -> Option<T>) -> Option<(T, Vec<String>)> {
    let mut said = said.iter();
    said.find_map(|sentence| Some((read(sentence)?, vec![sentence.text.clone()])))
}

fn find_text(said: &[&Sentence], read: impl Fn(&Sentence) -> Option<String>) -> Option<Fact> {
    find(said, read).map(|(text, quotes)| Fact {
        text,
        quotes,
        ..Fact::default()
    })
}

/// A number with the choices for its level. `medium` and `high` are the least values of these levels.
fn graded(number: f64, medium: f64, high: f64, choices: &'static str) -> Fact {
    let level = usize::from(number >= medium) + usize::from(number >= high);
    let choices = choices.split('|').nth(level).unwrap_or_default();
    Fact {
        choices: choices.split(' ').collect(),
        number: Some(number),
        ..Fact::default()
    }
}

/// A prompt, understood.
#[derive(Debug, Default)]
pub(super) struct Reading {
    facts: BTreeMap<Field, Fact>,
}

impl Reading {
    pub(super) fn of(prompt: &str, now: Timestamp) -> Self {
        let all = sentences(prompt);
        let (mut known, mut said): (Vec<_>, Vec<_>) = all.iter().partition(|it| it.is_fact);
        if said.is_empty() {
            std::mem::swap(&mut known, &mut said);
        }
        let mut callers = said.clone();
        callers.retain(|it| !it.is_staff);
        let project = best("project", &callers).or_else(|| best("project", &said));
        if project.is_none() {
            // A recording may speak before anybody has answered: without a project, roles mean little.
            callers.clone_from(&said);
        }
        let mut reading = Self::default();
        let is_lead = reading.judge(&callers, project.as_ref());
        if is_lead {
            reading.add(
                Field::Budget,
                find(&callers, |it| dollars(&it.plain)).map(budget),
            );
            reading.add(Field::Timeline, timeline(&callers, now));
            reading.add(Field::Project, project);
        }
        let address = field(&said, "address|street|city");
        let address = address.or_else(|| find_text(&callers, street));
        let address = address.or_else(|| best("address", &callers));
        reading.add(Field::Address, address);
        let code = zip(&callers).or_else(|| zip(&said));
        let code = code.or_else(|| zip(&known).map(unsaid));
        reading.add(Field::PostalCode, code);
        let name = field(&said, NAMES).or_else(|| find_text(&said, introduced));
        let name = name.or_else(|| field(&known, NAMES).map(unsaid));
        reading.add(Field::Name, name);
        reading.add(Field::Phone, find_text(&said, |it| telephone(&it.plain)));
        reading.add(Field::Callback, best("callback", &callers));
        reading.grade();
        reading
    }

    fn add(&mut self, field: Field, fact: Option<Fact>) {
        self.facts.extend(fact.map(|fact| (field, fact)));
    }

    pub(super) fn fact(&self, field: Field) -> Option<&Fact> {
        self.facts.get(&field)
    }

    fn number(&self, field: Field) -> Option<f64> {
        self.fact(field)?.number
    }

    /// Judges what it is about and whether it is spam. Returns false if it is.
    fn judge(&mut self, said: &[&Sentence], project: Option<&Fact>) -> bool {
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
        let mut judged = graded(likelihood, 0.5, 0.85, "not low|suspicious medium|spam high");
        let shown = spam.or(pitch);
        judged.quotes = shown
            .as_ref()
            .map_or_else(Vec::new, |fact| fact.quotes.clone());
        self.facts.insert(Field::Spam, judged);
        self.add(
            Field::Sentiment,
            best("sentiment", said).or_else(|| entry("neutral")),
        );
        let usual = if project.is_some() {
            "asks for a quote"
        } else {
            "asks for information"
        };
        let first = || said.first().map(|it| vec![it.text.clone()]);
        let quotes = project.map(|fact| fact.quotes.clone()).or_else(first);
        let usual = entry(usual).map(|fact| Fact {
            quotes: quotes.unwrap_or_default(),
            ..fact
        });
        let is_lead = likelihood < 0.5;
        let intent = if is_lead {
            best("intent", said).or(usual)
        } else {
            shown
        };
        self.add(Field::Intent, intent);
        is_lead
    }

    /// How good the lead is, how sure that is, and all of it in a sentence.
    fn grade(&mut self) {
        const POINTS: &[(Field, f64)] = &[
            (Field::Project, 0.25),
            (Field::Budget, 0.15),
            (Field::Timeline, 0.08),
            (Field::Address, 0.05),
            (Field::PostalCode, 0.05),
            (Field::Name, 0.05),
            (Field::Callback, 0.03),
        ];
        let points = POINTS
            .iter()
            .filter(|(field, _)| self.facts.contains_key(field));
        let mut score = 0.15 + points.map(|(_, points)| points).sum::<f64>();
        if self
            .number(Field::Timeline)
            .is_some_and(|months| months <= 3.0)
        {
            score += 0.1;
        }
        if self
            .number(Field::Budget)
            .is_some_and(|dollars| dollars >= 40_000.0)
        {
            score += 0.05;
        }
        let most = match self.number(Field::Spam).unwrap_or(0.0) {
            spam if spam >= 0.85 => 0.05,
            spam if spam >= 0.5 => 0.25,
            _ => 0.98,
        };
        let score = graded(score.min(most), 0.4, 0.7, "cold low|warm medium|hot high");
        let confidence = 0.6 + 0.07 * self.evidence(None).len().min(4) as f64;
        let confidence = graded(confidence, 0.4, 0.75, "low|medium|high");
        let text = |field| self.fact(field).map(|fact| fact.text.as_str());
        let mut summary = text(Field::Name).unwrap_or("The caller").to_owned();
        for (before, field) in [
            (" ", Field::Intent),
            (", project: ", Field::Project),
            (", place: ", Field::Address),
            (", ZIP ", Field::PostalCode),
            (", to start ", Field::Timeline),
            (", with about ", Field::Budget),
        ] {
            summary += &text(field).map_or_else(String::new, |text| format!("{before}{text}"));
        }
        let summary = Fact {
            text: summary + ".",
            ..Fact::default()
        };
        self.facts.insert(Field::Score, score);
        self.facts.insert(Field::Confidence, confidence);
        self.facts.insert(Field::Summary, summary);
    }

    /// The sentences about one field, or all that speak for or against the lead. No sentence is there twice.
    pub(super) fn evidence(&self, about: Option<Field>) -> Vec<(Field, &str)> {
        use Field::{Address, Budget, Callback, PostalCode, Project, Spam, Timeline};
        let is_spam = self.number(Spam) >= Some(0.5);
        let (fields, most) = match about {
            Some(Spam) => (vec![Spam], usize::MAX),
            None if is_spam => (vec![Spam], usize::MAX),
            None => (
                vec![Project, Budget, Timeline, PostalCode, Address, Callback],
                1,
            ),
            Some(field) => (vec![field], 1),
        };
        let mut evidence: Vec<(Field, &str)> = Vec::new();
        for field in fields {
            let quotes = self.fact(field).into_iter().flat_map(|fact| &fact.quotes);
            for quote in quotes.take(most) {
                if !evidence.iter().any(|(_, seen)| seen == quote) {
                    evidence.push((field, quote));
                }
            }
        }
        match about {
            None if evidence.is_empty() => self.evidence(Some(Field::Intent)),
            _ => evidence,
        }
    }
}

fn budget((dollars, quotes): (f64, Vec<String>)) -> Fact {
    Fact {
        text: format!("${dollars:.0}"),
        quotes,
        ..graded(dollars, 25_000.0, 75_000.0, "low|medium|high")
    }
}

/// When the work is to start, in months: at once, or as counted, or as a phrase or the name of a month says.
fn timeline(said: &[&Sentence], now: Timestamp) -> Option<Fact> {
    let phrase = best("timeline", said).map(|fact| (fact.number.unwrap_or(0.0), fact.quotes));
    let at_once = phrase.clone().filter(|(months, _)| *months == 0.0);
    let (months, quotes) = at_once
        .or_else(|| find(said, |it| counted_months(&it.plain)))
        .or(phrase)
        .or_else(|| find(said, |it| until_named_month(&it.plain, now)))?;
    Some(Fact {
        text: match months {
            0.0 => "at once".to_owned(),
            months => format!("in about {months:.0} months"),
        },
        quotes,
        ..graded(months, 1.0, 6.0, "high|medium|low")
    })
}

/// A fact that nobody's words show.
fn unsaid(fact: Fact) -> Fact {
    Fact {
        quotes: Vec::new(),
        ..fact
    }
}

/// The labels of a person's name in forms and facts.
const NAMES: &str = "name|full name|your name|caller name|customer name";

/// The value of a field of a form.
fn field(said: &[&Sentence], names: &str) -> Option<Fact> {
    let is_named = |it: &Sentence| names.split('|').any(|name| it.field == name);
    find_text(said, |it| is_named(it).then(|| it.text.clone()))
}

/// A ZIP code where one is spoken of, or else any that stands alone.
fn zip(said: &[&Sentence]) -> Option<Fact> {
    let is_named = |it: &Sentence| it.plain.contains("zip") || it.plain.contains("postal");
    find_text(said, |it| postal_code(&it.plain).filter(|_| is_named(it)))
        .or_else(|| find_text(said, |it| postal_code(&it.plain)))
}

/// The name after "my name is", "this is" or "I'm", of anybody but the staff.
fn introduced(sentence: &Sentence) -> Option<String> {
    let lower = sentence.text.to_ascii_lowercase();
    let is_letter = |letter: char| letter.is_alphabetic() || "-'".contains(letter);
    let is_name = |word: &&str| {
        let is_name = word.starts_with(char::is_uppercase) && word.chars().all(is_letter);
        is_name && !["I", "The", "A"].contains(word)
    };
    for opening in ["my name is ", "name's ", "this is ", "i'm ", "i am "] {
        let begin = lower.find(opening).map(|at| at + opening.len());
        let rest = begin.and_then(|begin| sentence.text.get(begin..));
        let clause = rest.and_then(|rest| rest.split([',', '.', '!', '?', ';']).next());
        let name = words(clause.unwrap_or_default()).into_iter();
        let name: Vec<_> = name.take_while(is_name).take(3).collect();
        if !name.is_empty() && !sentence.is_staff {
            return Some(name.join(" "));
        }
    }
    None
}

/// A number, capitalized words and a kind of street.
fn street(sentence: &Sentence) -> Option<String> {
    const KINDS: &str = "street st avenue ave lane ln road rd drive dr boulevard blvd court ct way place trail circle";
    let words = words(&sentence.text);
    let is_kind = |word: &&str| KINDS.split(' ').any(|kind| word.eq_ignore_ascii_case(kind));
    for (begin, number) in words.iter().enumerate() {
        let rest = words.get(begin + 1..)?.iter().take(5).copied();
        let named = rest.take_while(|word| word.starts_with(char::is_uppercase));
        let named: Vec<_> = named.collect();
        let is_number = number.len() <= 6 && number.bytes().all(|byte| byte.is_ascii_digit());
        let end = named
            .iter()
            .rposition(is_kind)
            .filter(|end| *end > 0 && is_number);
        if let Some(street) = end.and_then(|end| named.get(..=end)) {
            return Some(format!("{number} {}", street.join(" ")));
        }
    }
    None
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
