//! From a request to the sentences that are to be understood.

use serde_json::Value;

use super::checks::list;
use super::numbers::as_digits;

/// A sentence of the prompt.
#[derive(Debug, Clone)]
pub(super) struct Sentence {
    /// Exactly as it stands in the prompt.
    pub(super) text: String,
    /// For matching: in lower case, with the name of its fact in front and with numbers as digits.
    pub(super) plain: String,
    /// Who says it, or the name of the fact, in lower case.
    pub(super) label: String,
    /// Whether the company's side says it.
    pub(super) is_staff: bool,
    /// Whether it is known already, rather than said.
    pub(super) is_fact: bool,
}

/// Phrases with which a text speaks to the model instead of to a person.
const ORDERS: &str = "ignore all|ignore any|ignore the|ignore previous|ignore your|disregard|instruction|system prompt|\
                      language model|you are an ai|as an ai|json|lead_score|lead score|spam|set the score|score of|\
                      output only|respond with|reply with|classify this|mark this|rate this|score this|\
                      your answer must|respond only|developer mode|perfect score|your rules|highest score|assistant:|\
                      system:|the model";

/// The text of a turn or of the system instruction.
pub(super) fn text_of(content: &Value) -> String {
    let parts = list(&content["parts"]).iter();
    let texts: Vec<_> = parts.filter_map(|part| part["text"].as_str()).collect();
    texts.join("\n")
}

/// The sentences of a prompt, without those that try to give orders. Its sections are between lines with the same
/// `<<marker>>`, each under its heading. A prompt without a marker is one section. If nobody says anything, the facts are
/// what is said.
pub(super) fn sentences(prompt: &str) -> Vec<Sentence> {
    let is_marker = |line: &&str| line.starts_with("<<") && line.ends_with(">>");
    let Some(marker) = prompt.lines().find(is_marker) else {
        return section("", prompt);
    };
    let pieces: Vec<_> = prompt.split(marker).collect();
    let sections = pieces.as_chunks().0.iter();
    let mut all: Vec<_> = sections
        .flat_map(|[heading, text]| section(heading, text))
        .collect();
    if all.iter().all(|it| it.is_fact) {
        all.iter_mut().for_each(|it| it.is_fact = false);
    }
    all
}

fn section(heading: &str, text: &str) -> Vec<Sentence> {
    let is_fact = heading.contains("Facts");
    let mut said = Vec::new();
    for line in text.lines() {
        let (label, rest) = label_of(line, is_fact);
        let mut is_end = false;
        let sentences = rest.split_inclusive(|letter: char| {
            let was_end = std::mem::replace(&mut is_end, matches!(letter, '.' | '?' | '!'));
            was_end && letter.is_whitespace()
        });
        for text in sentences.map(str::trim) {
            let lower = text.to_lowercase();
            if ORDERS.split('|').any(|order| lower.contains(order)) {
                continue;
            }
            let fact = if is_fact { label } else { "" };
            said.push(Sentence {
                text: text.to_owned(),
                plain: as_digits(&format!("{} {lower}", fact.to_lowercase())),
                label: label.to_lowercase(),
                is_staff: label == "Company" || label == "Bot",
                is_fact,
            });
        }
    }
    // Of several voices, the first has answered the phone.
    let first = said.first().map(|it| it.label.clone()).unwrap_or_default();
    if first.starts_with('[') && said.iter().any(|it| it.label != first) {
        said.iter_mut()
            .for_each(|it| it.is_staff |= it.label == first);
    }
    said
}

/// The label of a line and the text: `[2] text`, `Customer: text`, or a fact such as `ZIP code on file: 78701`.
fn label_of(line: &str, is_fact: bool) -> (&str, &str) {
    let is_voice = line.starts_with('[');
    let parts = line.split_once(if is_voice { "]" } else { ": " });
    let is_label = |label| is_voice || is_fact || ["Company", "Bot", "Customer"].contains(&label);
    let labeled = parts.filter(|(label, _)| is_label(label));
    labeled.unwrap_or(("", line))
}

/// Whether a phrase stands in a text as whole words.
pub(super) fn says(plain: &str, phrase: &str) -> bool {
    let is_word = char::is_alphanumeric;
    let pieces: Vec<_> = plain.split(phrase).collect();
    let mut pairs = pieces.windows(2);
    pairs.any(|pair| !pair[0].ends_with(is_word) && !pair[1].starts_with(is_word))
}

/// The words of a text without the punctuation around them.
pub(super) fn words(text: &str) -> Vec<&str> {
    let is_mark = |letter: char| ",.?!;:\"()".contains(letter);
    let words = text
        .split_whitespace()
        .map(|word| word.trim_matches(is_mark));
    words.filter(|word| !word.is_empty()).collect()
}
