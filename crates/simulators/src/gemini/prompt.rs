//! From a request to the sentences that are to be understood.

use serde_json::Value;

use super::numbers::as_digits;

/// A sentence of the prompt.
#[derive(Debug, Clone, Default)]
pub(super) struct Sentence {
    /// Exactly as it stands in the prompt.
    pub(super) text: String,
    /// For matching: in lower case, with the name of its field in front and with numbers as digits.
    pub(super) plain: String,
    /// The name of the field whose value this is. Empty if somebody says it.
    pub(super) field: String,
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
const STAFF: &str =
    "agent|staff|representative|business|office|operator|assistant|bot|employee|team|company";
const OTHERS: &str = "speaker|spk|caller|customer|client|homeowner|visitor|user|prospect|guest";

/// All text of a request, instructions included.
pub(super) fn all(body: &Value) -> String {
    let turns = body["contents"].as_array().into_iter().flatten();
    let contents = std::iter::once(&body["systemInstruction"]).chain(turns);
    contents.map(text_of).collect::<Vec<_>>().join("\n")
}

/// The text of the last turn.
pub(super) fn last_turn(body: &Value) -> String {
    let last = body["contents"].as_array().and_then(|turns| turns.last());
    last.map(text_of).unwrap_or_default()
}

fn text_of(content: &Value) -> String {
    let parts = content["parts"].as_array().into_iter().flatten();
    let texts = parts.filter_map(|part| part["text"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// The sentences of a prompt, without those that try to give orders. Its sections are between pairs of equal
/// `<<marker>>` lines, each with the line before as its heading. A prompt without markers is one section.
pub(super) fn sentences(prompt: &str) -> Vec<Sentence> {
    let mut said = Vec::new();
    let (mut heading, mut open, mut section) = ("", "", Vec::new());
    let lines = prompt
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    for line in lines.clone() {
        if open.is_empty() && line.starts_with("<<") && line.ends_with(">>") {
            open = line;
        } else if open.is_empty() {
            heading = line;
        } else if line == open {
            said.extend(section_of(heading, &section));
            (open, section) = ("", Vec::new());
        } else {
            section.push(line);
        }
    }
    if said.is_empty() && !prompt.contains("<<") {
        said = section_of("", &lines.collect::<Vec<_>>());
    }
    said
}

fn section_of(heading: &str, lines: &[&str]) -> Vec<Sentence> {
    let heading = heading.to_lowercase();
    let mut said = Vec::new();
    let mut speakers = Vec::new();
    for line in lines {
        let (label, is_speaker, rest) = label_of(line);
        let mut is_end = false;
        let sentences = rest.split_inclusive(|letter: char| {
            let was_end = std::mem::replace(&mut is_end, matches!(letter, '.' | '?' | '!'));
            was_end && letter.is_whitespace()
        });
        for text in sentences.map(str::trim) {
            let lower = text.to_lowercase();
            if text.is_empty() || ORDERS.split('|').any(|order| lower.contains(order)) {
                continue;
            }
            if is_speaker && !ends_in(&label, STAFF) {
                speakers.push(label.clone());
            }
            let field = if is_speaker {
                String::new()
            } else {
                label.clone()
            };
            let sentence = Sentence {
                plain: as_digits(&format!("{field} {lower}")),
                text: text.to_owned(),
                field,
                is_fact: heading.contains("fact"),
                is_staff: is_speaker && ends_in(&label, STAFF),
            };
            said.push((label.clone(), sentence));
        }
    }
    // Whoever speaks first on the phone has answered it. In a chat, the customer writes first.
    let first = speakers.first().filter(|first| {
        let is_chat = heading.contains("message") || heading.contains("chat");
        !is_chat && speakers.iter().any(|other| other != *first)
    });
    let with_role = |(label, mut sentence): (String, Sentence)| {
        sentence.is_staff |= sentence.field.is_empty() && first == Some(&label);
        sentence
    };
    said.into_iter().map(with_role).collect()
}

/// The label of a line, whether it names a speaker, and the text: `[2] text`, `Agent: text`, `[00:12] Speaker 1: text`,
/// `Speaker 1 (00:12): text`, `ZIP: 78701`.
fn label_of(line: &str) -> (String, bool, &str) {
    let mut rest = line;
    while let Some((inside, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        if !is_time(inside) {
            return (inside.to_lowercase(), true, after);
        }
        rest = after.trim();
    }
    if let Some((_, after)) = rest.split_once(' ').filter(|(first, _)| is_time(first)) {
        rest = after;
    }
    let (label, text) = rest.split_once(": ").unwrap_or(("", rest));
    let label = label.split(" (").next().unwrap_or_default().to_lowercase();
    if label.is_empty() || label.len() > 40 || label.contains(['.', ',', '?', '!']) {
        return (String::new(), false, rest);
    }
    let is_speaker = ends_in(&label, STAFF) || ends_in(&label, OTHERS);
    (label, is_speaker, text)
}

/// `00:12`, `3.5-7.25`, `1:02:03 – 1:02:09`.
fn is_time(text: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_digit() || ":.-– s".contains(letter);
    text.contains([':', '.', '-']) && text.chars().all(is_part)
}

/// Whether the last word of a label, numbers apart, is one of these.
fn ends_in(label: &str, words: &str) -> bool {
    let mut parts = label.split(|letter: char| !letter.is_alphabetic());
    let last = parts.rfind(|part| !part.is_empty());
    last.is_some_and(|last| words.split('|').any(|word| word == last))
}

/// Whether a phrase stands in a text as whole words.
pub(super) fn says(plain: &str, phrase: &str) -> bool {
    let is_inside = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    !phrase.is_empty()
        && plain.match_indices(phrase).any(|(at, _)| {
            let (before, rest) = plain.split_at(at);
            let after = rest.strip_prefix(phrase).unwrap_or_default();
            !is_inside(before.chars().next_back()) && !is_inside(after.chars().next())
        })
}

/// The words of a text without the punctuation around them.
pub(super) fn words(text: &str) -> Vec<&str> {
    let bare = text
        .split_whitespace()
        .map(|word| word.trim_matches(|letter: char| ",.?!;:\"()".contains(letter)));
    bare.filter(|word| !word.is_empty()).collect()
}
