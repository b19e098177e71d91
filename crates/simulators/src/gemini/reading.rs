//! What a listener understands from a text: who wants what, where, when, for how much, and is it genuine.

use super::contact::{address, email, field, first_and_last, listed, name_of, postal_code, state};
use super::lexicon::{CITIES, DISPLEASED, PITCH, PLEASED, SPAM, TOPICS, Topic, URGENT};
use super::money;
use super::text::{Sentence, Who, has_words, sentences};

/// Something understood, with the sentence that says it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fact<T> {
    pub(super) value: T,
    pub(super) quote: String,
}

/// What kind of conversation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matter {
    Robocall,
    Pitch,
    WrongNumber,
    JobSearch,
    Complaint,
    ExistingCustomer,
    Emergency,
    Quote,
    Appointment,
    Question,
}

/// A text, understood.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) matter: Fact<Matter>,
    pub(super) topic: Option<Fact<&'static Topic>>,
    pub(super) months: Option<Fact<f64>>,
    pub(super) dollars: Option<Fact<f64>>,
    pub(super) postal_code: Option<Fact<String>>,
    pub(super) address: Option<Fact<String>>,
    pub(super) city: Option<Fact<String>>,
    pub(super) state: Option<Fact<String>>,
    pub(super) name: Option<Fact<String>>,
    pub(super) email: Option<Fact<String>>,
    pub(super) phone: Option<Fact<String>>,
    pub(super) callback: Option<Fact<()>>,
    /// From -1 to 1.
    pub(super) mood: Fact<f64>,
    pub(super) spam_percent: f64,
    pub(super) spam_quotes: Vec<String>,
    pub(super) language: &'static str,
    words: usize,
}

impl Reading {
    pub(super) fn of(text: &str) -> Self {
        let (facts, all): (Vec<_>, Vec<_>) = sentences(text)
            .into_iter()
            .partition(|sentence| sentence.is_fact);
        let callers: Vec<_> = all
            .iter()
            .filter(|sentence| sentence.who != Who::Staff)
            .cloned()
            .collect();
        let topic = topic(&callers).or_else(|| topic(&all));
        // A robot may be heard before anybody has answered: then the roles are not to be relied on.
        let callers = if topic.is_none() {
            all.clone()
        } else {
            callers
        };
        let (spam_percent, spam_quotes) = spam(&callers, topic.is_some());
        let is_spam = spam_percent >= 50.0;
        let matter = matter(&callers, spam_percent, topic.as_ref());
        let urgent = find(&callers, |sentence| {
            has_any(&sentence.lower, URGENT).then_some(0.0)
        });
        let months = urgent.or_else(|| find(&callers, |sentence| money::months(&sentence.lower)));
        let in_field = |names: &[&str]| field(&all, names);
        let name = in_field(&["name", "full name", "full_name", "your name"])
            .or_else(|| first_and_last(&all));
        let city =
            in_field(&["city"]).or_else(|| find(&callers, |sentence| listed(sentence, CITIES)));
        let state = in_field(&["state"]).or_else(|| find(&callers, state));
        let callback = find(&callers, |sentence| {
            has_any(
                &sentence.lower,
                &[
                    "call me back",
                    "call back",
                    "call us back",
                    "give me a call",
                    "call me",
                ],
            )
            .then_some(())
        });
        Self {
            months: months.filter(|_| !is_spam),
            dollars: find(&callers, |sentence| money::dollars(&sentence.lower))
                .filter(|_| !is_spam),
            postal_code: postal_code(&callers)
                .or_else(|| postal_code(&all))
                .or_else(|| unsaid(postal_code(&facts))),
            address: in_field(&["address", "street"]).or_else(|| find(&callers, address)),
            name: name
                .or_else(|| find(&all, name_of))
                .or_else(|| unsaid(field(&facts, &["name", "caller name", "customer name"]))),
            email: find(&callers, email),
            phone: find(&all, |sentence| money::telephone(&sentence.lower)),
            mood: mood(&callers),
            language: language(&all),
            words: all
                .iter()
                .map(|sentence| sentence.text.split_whitespace().count())
                .sum(),
            topic: topic.filter(|_| !is_spam),
            matter,
            city,
            state,
            callback,
            spam_percent,
            spam_quotes,
        }
    }

    /// Everything understood that speaks for or against the lead: what it is about, and the words.
    pub(super) fn evidence(&self) -> Vec<(&'static str, &str)> {
        let mut evidence: Vec<(&'static str, &str)> = Vec::new();
        if self.spam_percent >= 50.0 {
            evidence.extend(
                self.spam_quotes
                    .iter()
                    .map(|quote| ("spam", quote.as_str())),
            );
        }
        let place = self
            .postal_code
            .as_ref()
            .or(self.address.as_ref())
            .or(self.city.as_ref());
        evidence.extend(
            self.topic
                .as_ref()
                .map(|fact| ("project", fact.quote.as_str())),
        );
        evidence.extend(
            self.dollars
                .as_ref()
                .map(|fact| ("budget", fact.quote.as_str())),
        );
        evidence.extend(
            self.months
                .as_ref()
                .map(|fact| ("timeline", fact.quote.as_str())),
        );
        evidence.extend(place.map(|fact| ("location", fact.quote.as_str())));
        evidence.extend(
            self.callback
                .as_ref()
                .map(|fact| ("callback", fact.quote.as_str())),
        );
        evidence.retain(|(_, quote)| !quote.is_empty());
        if evidence.is_empty() && !self.matter.quote.is_empty() {
            evidence.push(("intent", &self.matter.quote));
        }
        let mut seen = Vec::new();
        evidence.retain(|(_, quote)| {
            let is_new = !seen.contains(quote);
            seen.push(*quote);
            is_new
        });
        evidence
    }

    /// How good the lead is, in percent.
    pub(super) fn lead_percent(&self) -> f64 {
        let has = |is_there: bool, points: f64| if is_there { points } else { 0.0 };
        let soon = self.months.as_ref().is_some_and(|fact| fact.value <= 3.0);
        let place = self.postal_code.is_some() || self.address.is_some() || self.city.is_some();
        let score = 15.0
            + has(self.topic.is_some(), 25.0)
            + has(self.dollars.is_some(), 15.0)
            + has(
                self.dollars
                    .as_ref()
                    .is_some_and(|fact| fact.value >= 40_000.0),
                5.0,
            )
            + has(self.months.is_some(), 8.0)
            + has(soon, 10.0)
            + has(place, 10.0)
            + has(self.name.is_some(), 5.0)
            + has(self.callback.is_some(), 3.0);
        let ceiling = if self.spam_percent >= 85.0 {
            5.0
        } else if self.spam_percent >= 50.0 {
            25.0
        } else {
            98.0
        };
        score.min(ceiling)
    }

    /// How sure this reading is, from 0 to 1.
    pub(super) fn confidence(&self) -> f64 {
        let signals = self.evidence().len().min(4) as f64;
        let length = if self.words >= 40 { 0.1 } else { 0.0 };
        ((0.55 + 0.07 * signals + length) * 100.0).round() / 100.0
    }

    pub(super) fn is_urgent(&self) -> bool {
        self.months.as_ref().is_some_and(|fact| fact.value < 0.5)
    }

    /// Two sentences at most, in our words.
    pub(super) fn summary(&self) -> String {
        let who = self
            .name
            .as_ref()
            .map_or("The caller", |fact| fact.value.as_str());
        let what = match self.matter.value {
            Matter::Robocall => {
                return "An automated or unsolicited sales message without a project.".to_owned();
            }
            Matter::Pitch => {
                return format!("{who} offers something to the business and names no project.");
            }
            Matter::WrongNumber => return format!("{who} dialed a wrong number."),
            Matter::JobSearch => return format!("{who} asks for work."),
            Matter::Complaint => "complains about work that was done",
            Matter::ExistingCustomer => "asks about work that is under way",
            Matter::Emergency => "needs urgent help",
            Matter::Quote => "asks for a quote",
            Matter::Appointment => "wants an appointment",
            Matter::Question => "asks for information",
        };
        let mut summary = format!("{who} {what}");
        if let Some(topic) = &self.topic {
            summary.push_str(&format!(" (project: {})", topic.value.name));
        }
        let place = [&self.city, &self.postal_code]
            .into_iter()
            .flatten()
            .map(|fact| fact.value.as_str());
        let place = place.collect::<Vec<_>>().join(" ");
        if !place.is_empty() {
            summary.push_str(&format!(" in {place}"));
        }
        if self.is_urgent() {
            summary.push_str(", to begin at once");
        } else if let Some(months) = &self.months {
            summary.push_str(&format!(", to begin in about {:.0} months", months.value));
        }
        if let Some(dollars) = &self.dollars {
            summary.push_str(&format!(", with about ${:.0}", dollars.value));
        }
        summary.push('.');
        summary
    }
}

/// Something known beforehand: nobody's words show it.
fn unsaid<T>(fact: Option<Fact<T>>) -> Option<Fact<T>> {
    fact.map(|fact| Fact {
        quote: String::new(),
        ..fact
    })
}

/// Whether any of these phrases is said.
pub(super) fn has_any(lower: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| has_words(lower, phrase))
}

/// The first sentence that something can be understood from.
pub(super) fn find<T>(
    sentences: &[Sentence],
    understand: impl Fn(&Sentence) -> Option<T>,
) -> Option<Fact<T>> {
    sentences.iter().find_map(|sentence| {
        Some(Fact {
            value: understand(sentence)?,
            quote: sentence.text.clone(),
        })
    })
}

/// The topic with the most sentences; of equals the earlier in the list. A whole home outweighs its rooms.
fn topic(sentences: &[Sentence]) -> Option<Fact<&'static Topic>> {
    let speaks = |topic: &Topic, sentence: &Sentence| has_any(&sentence.lower, topic.words);
    let count = |topic: &Topic| {
        sentences
            .iter()
            .filter(|sentence| speaks(topic, sentence))
            .count()
    };
    let whole = TOPICS.first().filter(|topic| count(topic) > 0);
    let best = || {
        TOPICS
            .iter()
            .rev()
            .max_by_key(|topic| count(topic))
            .filter(|topic| count(topic) > 0)
    };
    let topic = whole.or_else(best)?;
    find(sentences, |sentence| {
        speaks(topic, sentence).then_some(topic)
    })
}

fn spam(callers: &[Sentence], has_topic: bool) -> (f64, Vec<String>) {
    let quotes = |phrases: &[&str]| -> Vec<String> {
        let found = callers
            .iter()
            .filter(|sentence| has_any(&sentence.lower, phrases));
        found.map(|sentence| sentence.text.clone()).collect()
    };
    let (spam, pitch) = (quotes(SPAM), quotes(PITCH));
    let hits = spam.len().min(5) as f64;
    match (spam.len(), pitch.len()) {
        (1, 0) if has_topic => (18.0, spam),
        (1.., _) => (91.0 + hits, spam),
        (0, 2..) if has_topic => (35.0, pitch),
        (0, 1..) if !has_topic => (60.0, pitch),
        _ => (if has_topic { 4.0 } else { 12.0 }, Vec::new()),
    }
}

fn matter(
    callers: &[Sentence],
    spam_percent: f64,
    topic: Option<&Fact<&'static Topic>>,
) -> Fact<Matter> {
    let says = |matter: Matter, phrases: &[&str]| {
        find(callers, |sentence| {
            has_any(&sentence.lower, phrases).then_some(matter)
        })
    };
    let judged = if spam_percent >= 85.0 {
        says(Matter::Robocall, SPAM)
    } else if spam_percent >= 50.0 {
        says(Matter::Pitch, PITCH)
    } else {
        None
    };
    let first = || {
        callers
            .first()
            .map_or_else(String::new, |sentence| sentence.text.clone())
    };
    let done = &[
        "you did our",
        "you did my",
        "your crew",
        "my invoice",
        "our invoice",
        "status of",
        "under way",
    ];
    judged
        .or_else(|| says(Matter::WrongNumber, &["wrong number"]))
        .or_else(|| {
            says(
                Matter::JobSearch,
                &[
                    "are you hiring",
                    "hiring",
                    "job opening",
                    "apply for",
                    "my resume",
                ],
            )
        })
        .or_else(|| {
            says(
                Matter::Complaint,
                &[
                    "complaint",
                    "complain",
                    "refund",
                    "unacceptable",
                    "disappointed",
                ],
            )
        })
        .or_else(|| says(Matter::ExistingCustomer, done))
        .or_else(|| {
            says(
                Matter::Emergency,
                &["emergency", "leaking", "flooding", "urgent"],
            )
        })
        .or_else(|| says(Matter::Quote, &["quote", "estimate", "bid", "how much"]))
        .or_else(|| {
            topic.map(|fact| Fact {
                value: Matter::Quote,
                quote: fact.quote.clone(),
            })
        })
        .or_else(|| {
            says(
                Matter::Quote,
                &["remodel", "remodeling", "renovation", "renovate", "project"],
            )
        })
        .or_else(|| {
            says(
                Matter::Appointment,
                &["appointment", "schedule", "book", "come out", "visit"],
            )
        })
        .unwrap_or_else(|| Fact {
            value: Matter::Question,
            quote: first(),
        })
}

fn mood(callers: &[Sentence]) -> Fact<f64> {
    let count = |phrases: &[&str]| {
        let found = |sentence: &Sentence| {
            phrases
                .iter()
                .filter(|phrase| has_words(&sentence.lower, phrase))
                .count()
        };
        callers.iter().map(found).sum::<usize>() as f64
    };
    let (pleased, displeased) = (count(PLEASED), count(DISPLEASED));
    let value = (pleased - displeased) / (pleased + displeased).max(1.0);
    let phrases = if value < 0.0 { DISPLEASED } else { PLEASED };
    let quote = find(callers, |sentence| {
        has_any(&sentence.lower, phrases).then_some(())
    });
    Fact {
        value,
        quote: quote.map_or_else(String::new, |fact| fact.quote),
    }
}

fn language(sentences: &[Sentence]) -> &'static str {
    const SPANISH: &[&str] = &[
        "hola",
        "gracias",
        "quiero",
        "necesito",
        "cocina",
        "casa",
        "cotización",
        "precio",
        "buenos",
    ];
    let hits: usize = sentences
        .iter()
        .map(|sentence| {
            SPANISH
                .iter()
                .filter(|word| has_words(&sentence.lower, word))
                .count()
        })
        .sum();
    if hits >= 2 { "es" } else { "en" }
}
