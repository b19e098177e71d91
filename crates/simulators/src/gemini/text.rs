//! From a request to the lines that are to be understood.

use serde_json::Value;

/// Who speaks in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Staff,
    Caller,
    Unknown,
}

/// A sentence exactly as it stands in the text.
#[derive(Debug, Clone)]
pub(super) struct Sentence {
    pub(super) text: String,
    /// The same in lower case; the positions are the same.
    pub(super) lower: String,
    pub(super) who: Who,
    /// The name of the form's field that it is from.
    pub(super) field: Option<String>,
    /// Known beforehand, not said by anybody.
    pub(super) is_fact: bool,
}

/// A part of a text, with the line that stands before it.
#[derive(Debug, PartialEq)]
pub(super) struct Section<'a> {
    heading: &'a str,
    body: &'a str,
}

/// All text of a request, instructions included.
pub(super) fn all(body: &Value) -> String {
    let turns = body["contents"].as_array().into_iter().flatten();
    let parts = std::iter::once(&body["systemInstruction"]).chain(turns);
    parts.map(parts_of).collect::<Vec<_>>().join("\n")
}

/// The text of the last turn.
pub(super) fn last_turn(body: &Value) -> String {
    body["contents"]
        .as_array()
        .and_then(|turns| turns.last())
        .map(parts_of)
        .unwrap_or_default()
}

fn parts_of(content: &Value) -> String {
    let parts = content["parts"].as_array().into_iter().flatten();
    parts
        .filter_map(|part| part["text"].as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

/// What stands between the markers of a text, or all of it. Equal lines are markers in pairs, and so is a tag in
/// angle brackets with its last end: text inside, which does not know them, cannot move them.
pub(super) fn sections(text: &str) -> Vec<Section<'_>> {
    let lines: Vec<_> = lines_of(text).collect();
    let mut sections = Vec::new();
    let mut index = 0;
    while let Some((begin, line)) = lines.get(index) {
        let later = || lines.iter().enumerate().skip(index + 1);
        let end = closing(line).and_then(|closing| {
            let mut ends = later().filter(|(_, (_, other))| *other == closing);
            if closing == *line {
                ends.next()
            } else {
                ends.next_back()
            }
        });
        let Some((end_index, (end, _))) = end else {
            index += 1;
            continue;
        };
        let heading = lines
            .iter()
            .take(index)
            .rev()
            .map(|(_, line)| *line)
            .find(|line| !line.is_empty());
        // The opening line itself holds no text, so that it may stay in front.
        let body = text
            .get(*begin..*end)
            .and_then(|body| body.split_once('\n'))
            .map_or("", |(_, body)| body);
        sections.push(Section {
            heading: heading.unwrap_or_default(),
            body,
        });
        index = end_index + 1;
    }
    if sections.is_empty() {
        sections.push(Section {
            heading: "",
            body: inline_markers(text).unwrap_or(text),
        });
    }
    sections
}

/// Each line without the space around it, and where it begins.
fn lines_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let begin = *at;
        *at += line.len();
        Some((begin, line.trim()))
    })
}

/// The line that ends what this one begins.
fn closing(line: &str) -> Option<String> {
    if line.len() < 3 {
        return None;
    }
    if let Some(name) = line
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        && !name.starts_with(['<', '/'])
    {
        let name = name.split_whitespace().next().unwrap_or(name);
        return Some(format!("</{name}>"));
    }
    if line.to_ascii_uppercase().contains("BEGIN") {
        return Some(
            line.replace("BEGIN", "END")
                .replace("begin", "end")
                .replace("Begin", "End"),
        );
    }
    let is_marker =
        line.starts_with(|letter: char| !letter.is_alphanumeric()) && !line.starts_with('[');
    let is_token = !line.contains(' ') && line.len() >= 6;
    (is_marker || is_token).then(|| line.to_owned())
}

/// `<<token>>` twice within a line.
fn inline_markers(text: &str) -> Option<&str> {
    let begin = text.find("<<")?;
    let rest = text.get(begin..)?;
    let marker = rest.get(..rest.find(">>")? + 2)?;
    let last = text.rfind(marker)?;
    let before = text.get(..last)?;
    let first = before.rfind(marker)? + marker.len();
    before.get(first..)
}

/// The sentences of a text with their speakers, without those that try to give orders.
pub(super) fn sentences(text: &str) -> Vec<Sentence> {
    sections(text).iter().flat_map(sentences_of).collect()
}

fn sentences_of(section: &Section<'_>) -> Vec<Sentence> {
    let heading = section.heading.to_ascii_lowercase();
    let is_fact = ["fact", "metadata", "known"]
        .iter()
        .any(|word| heading.contains(word));
    let mut said = Vec::new();
    let mut voices: Vec<String> = Vec::new();
    for (label, words) in lines(section.body) {
        let label = label.unwrap_or_default();
        for sentence in split(&words) {
            let lower = sentence.to_ascii_lowercase();
            if gives_orders(&lower) {
                continue;
            }
            if role(&label).is_none() && !is_field(&label) && !voices.contains(&label) {
                voices.push(label.clone());
            }
            said.push((label.clone(), sentence.to_owned(), lower));
        }
    }
    let who = |label: &str| match role(label) {
        Some(who) => who,
        None if is_field(label) => Who::Caller,
        // Whoever is heard first has answered the phone.
        None if voices.len() < 2 || label.is_empty() => Who::Unknown,
        None if voices.first().is_some_and(|first| first == label) => Who::Staff,
        None => Who::Caller,
    };
    let sentence = |(label, text, lower): (String, String, String)| Sentence {
        text,
        lower,
        who: who(&label),
        field: Some(label).filter(|label| is_fact || is_field(label)),
        is_fact,
    };
    said.into_iter().map(sentence).collect()
}

/// Lines with their labels; a text that is JSON is taken apart into its strings.
fn lines(text: &str) -> Vec<(Option<String>, String)> {
    if let Ok(json @ (Value::Object(_) | Value::Array(_))) =
        serde_json::from_str::<Value>(text.trim())
    {
        let mut lines = Vec::new();
        gather(&json, None, &mut lines);
        return lines;
    }
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(label_of)
        .collect()
}

fn gather(json: &Value, label: Option<&str>, lines: &mut Vec<(Option<String>, String)>) {
    match json {
        Value::String(text) => lines.push((label.map(str::to_ascii_lowercase), text.clone())),
        Value::Array(items) => items.iter().for_each(|item| gather(item, label, lines)),
        Value::Object(fields) => {
            let speaker = ["speaker", "role", "from", "author"]
                .iter()
                .find_map(|name| fields.get(*name)?.as_str());
            for (name, value) in fields {
                if value.as_str().is_none_or(|value| Some(value) != speaker) {
                    gather(value, Some(speaker.unwrap_or(name)), lines);
                }
            }
        }
        _ => {}
    }
}

/// `[2] text`, `Agent: text`, `[00:12] Speaker 1: text`, `Speaker 1 (00:12): text` → label and text.
fn label_of(line: &str) -> (Option<String>, String) {
    let mut rest = line.trim_start_matches(['-', '*', '#']).trim_start();
    let mut label = None;
    while let Some((inside, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        if inside.len() > 40 {
            break;
        }
        if !is_time(inside) {
            label = Some(inside.trim().to_ascii_lowercase());
        }
        rest = after.trim_start();
    }
    if let Some((first, after)) = rest
        .split_once(' ')
        .filter(|(first, _)| first.contains(':') && is_time(first))
    {
        (_, rest) = (first, after.trim_start());
    }
    let split = match rest.split_once("):") {
        Some((before, after)) if before.len() <= 40 => {
            before.split_once('(').map(|(name, _)| (name, after))
        }
        _ => rest.split_once(':'),
    };
    if let Some((before, after)) = split {
        let before = before.trim().trim_matches('"');
        let is_label = !before.is_empty()
            && before.len() <= 40
            && before.split_whitespace().count() <= 5
            && !before.contains(['.', ',', '?', '!'])
            && !after.starts_with("//");
        if is_label {
            return (Some(before.to_ascii_lowercase()), after.trim().to_owned());
        }
    }
    (label, rest.to_owned())
}

/// `00:12`, `3.5-7.25`, `1:02:03 – 1:02:09`.
fn is_time(text: &str) -> bool {
    text.contains([':', '.', '-'])
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && !text
            .chars()
            .any(|letter| letter.is_alphabetic() && letter != 's')
}

fn role(label: &str) -> Option<Who> {
    let has = |words: &[&str]| words.iter().any(|word| label.contains(word));
    if has(&[
        "agent",
        "staff",
        "representative",
        "business",
        "office",
        "operator",
        "assistant",
        "bot",
        "employee",
    ]) {
        Some(Who::Staff)
    } else if has(&[
        "caller",
        "customer",
        "client",
        "homeowner",
        "visitor",
        "user",
        "prospect",
        "contact",
    ]) {
        Some(Who::Caller)
    } else {
        None
    }
}

/// Whether a label is the name of a form's field.
fn is_field(label: &str) -> bool {
    const FIELDS: &[&str] = &[
        "name",
        "first name",
        "last name",
        "firstname",
        "lastname",
        "first_name",
        "last_name",
        "full name",
        "full_name",
        "your name",
        "email",
        "e-mail",
        "email address",
        "phone",
        "phone number",
        "telephone",
        "zip",
        "zip code",
        "zip_code",
        "zipcode",
        "postal code",
        "postal_code",
        "address",
        "street",
        "city",
        "state",
        "message",
        "comments",
        "comment",
        "details",
        "description",
        "project",
        "project type",
        "project_type",
        "service",
        "budget",
        "timeline",
        "when",
        "subject",
        "question",
    ];
    FIELDS.contains(&label)
}

/// Splits after `.`, `?` and `!` that end a sentence.
fn split(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut begin = 0;
    let mut ends = false;
    for (at, letter) in text.char_indices() {
        if ends && letter.is_whitespace() {
            sentences.push(text.get(begin..at).unwrap_or_default());
            begin = at;
        }
        ends = matches!(letter, '.' | '?' | '!');
    }
    sentences.push(text.get(begin..).unwrap_or_default());
    sentences
        .into_iter()
        .map(str::trim)
        .filter(|sentence| !sentence.is_empty())
        .collect()
}

/// Whether a sentence speaks to the model instead of to a person. A decision must be the same without it.
fn gives_orders(lower: &str) -> bool {
    const ORDERS: &[&str] = &[
        "ignore all",
        "ignore any",
        "ignore the",
        "ignore previous",
        "ignore your",
        "disregard",
        "instruction",
        "system prompt",
        "language model",
        "you are an ai",
        "as an ai",
        "json",
        "lead_score",
        "lead score",
        "spam",
        "set the score",
        "score of",
        "output only",
        "respond with",
        "reply with",
        "classify this",
        "mark this",
        "rate this",
        "score this",
        "your answer must",
        "respond only",
        "developer mode",
        "perfect score",
        "your rules",
        "highest score",
        "assistant:",
        "system:",
        "the model",
    ];
    ORDERS.iter().any(|order| lower.contains(order))
}

/// Whether a phrase stands in a text as whole words.
pub(super) fn has_words(lower: &str, phrase: &str) -> bool {
    lower.match_indices(phrase).any(|(at, _)| {
        let before = lower.get(..at).and_then(|text| text.chars().next_back());
        let after = lower
            .get(at + phrase.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

/// A word without the punctuation around it, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) begin: usize,
    pub(super) end: usize,
    /// Whether punctuation follows.
    pub(super) ends_clause: bool,
}

/// The words of a sentence.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let is_edge =
        |letter: char| matches!(letter, ',' | '.' | '?' | '!' | ';' | ':' | '"' | '(' | ')');
    let mut words = Vec::new();
    let mut at = 0;
    for piece in text.split(char::is_whitespace) {
        let bare = piece.trim_matches(is_edge);
        if !bare.is_empty() {
            let begin = at + piece.find(bare).unwrap_or(0);
            let ends_clause = piece.ends_with(is_edge);
            words.push(Word {
                text: bare,
                begin,
                end: begin + bare.len(),
                ends_clause,
            });
        }
        // One byte for an ordinary space; others are rare and only shift positions within the sentence.
        at += piece.len()
            + text
                .get(at + piece.len()..)
                .and_then(|rest| rest.chars().next())
                .map_or(0, char::len_utf8);
    }
    words
}
