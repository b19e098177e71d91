//! What the fields of a body mean: names of form fields, or dotted paths of JSON, to the fields that a lead has.
//!
//! Pure and total: any body maps to something, and the same body and mapping to the same. A tenant's own names come
//! first, then the names that forms commonly use ([`fields`]). What nobody asked for is kept by its own name.

mod derived;
mod fields;
mod whose;

use std::collections::{BTreeMap, BTreeSet};

use domain::{About, Consent, Facts, FormFacts, PersonFacts, text};
use jiff::Timestamp;
use serde::Deserialize;

pub(crate) use self::fields::{FIELDS, MAPPING, name};
use self::{derived::can_be, whose::Whose};
use crate::{
    answers::Answers,
    body::{Body, Entry},
    fields::line,
};

/// Fields that we have no place for, which are kept by their names.
const MAX_EXTRA: usize = 40;
const MAX_MESSAGE: usize = 5_000;
const MAX_VALUE: usize = 2_000;

/// A tenant's names, by ours.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Mapping(BTreeMap<String, Vec<String>>);

/// What a body says, by our names.
#[derive(Debug, Default)]
pub(crate) struct Mapped {
    values: BTreeMap<&'static str, String>,
    answers: Answers,
    extra: BTreeMap<String, String>,
    derived: BTreeSet<&'static str>,
    /// Names of fields that were sent and are not kept, because there are too many.
    dropped: Vec<String>,
    /// What stands beside the box of consent, as the form's tool sends it in a field of its own.
    beside_the_box: Option<String>,
    /// Whether a box of consent was left empty.
    is_unticked: bool,
}

impl Mapping {
    fn names(&self, field: &str) -> &[String] {
        self.0.get(field).map_or(&[], Vec::as_slice)
    }

    /// Maps a body. `is_internal` tells names that mean something to the form's tool alone.
    pub(crate) fn map(&self, body: &Body, is_internal: impl Fn(&str) -> bool) -> Mapped {
        let mut used = vec![false; body.entries.len()];
        let mut mapped = Mapped::default();
        let normal: Vec<_> = body
            .entries
            .iter()
            .map(|entry| (normalized(&entry.name), last_part(&entry.name)))
            .collect();
        let normal = normal.as_slice();
        let says: Vec<_> = body.entries.iter().map(Entry::says_something).collect();
        let whose = Whose::of(self, body);
        for field in FIELDS {
            let own = self.names(field.name).iter().flat_map(|name| {
                let wanted = normalized(name);
                let exact = body.entries.iter().position(|entry| entry.is_called(name));
                exact
                    .into_iter()
                    .chain(normal.iter().position(|(known, _)| *known == wanted))
                    .filter(|at| says[*at])
            });
            let is_free = |at: &usize| !used[*at] && says[*at] && !whose.is_others(field, *at);
            let near = whose.nearest(field);
            let near = field.aliases.iter().flat_map(|alias| {
                let near = near.iter().copied().filter(is_free);
                near.filter(move |at| is_same(&normal[*at].1, alias))
            });
            let own = own.chain(near.filter(|_| field.is_telling));
            let whole = field.aliases.iter().flat_map(|alias| {
                let all = (0..body.entries.len()).filter(is_free);
                all.filter(move |at| is_same(&normal[*at].0, alias))
            });
            let last = field.aliases.iter().flat_map(|alias| {
                let all = (0..body.entries.len()).filter(|at| field.is_telling && is_free(at));
                all.filter(move |at| {
                    let (whole, last) = &normal[*at];
                    is_same(last, alias) && !whole.starts_with("consent.")
                })
            });
            let mut found = own.chain(whole).chain(last);
            // Of several that mean it, the first that can be it: a second field may have the number that the first lacks.
            let is_it = |at: &usize| can_be(field.name, &body.entries[*at].joined());
            let first = found.next();
            let at = match first {
                Some(at) if !is_it(&at) => found.find(is_it).or(first),
                first => first,
            };
            if let Some(at) = at {
                used[at] = true;
                let entry = &body.entries[at];
                if field.name == "consent" {
                    mapped.values.insert(field.name, of_boxes(entry));
                    // A mere label says nothing of what is agreed to.
                    let is_sentence = |words: &&String| words.split_whitespace().count() > 2;
                    mapped.beside_the_box = entry.beside.as_ref().filter(is_sentence).cloned();
                    mapped.take_words(body, &entry.name, &mut used);
                } else {
                    mapped.values.insert(field.name, entry.joined());
                }
            }
        }
        mapped.take_consents(body, normal, &mut used);
        // Of several boxes the one that was left empty counts. Which box is meant a tenant may say.
        mapped.is_unticked = self.names("consent").is_empty()
            && body.entries.iter().any(|entry| {
                is_name_of("consent", &entry.name)
                    && (!entry.says_something() || is_refusal(&of_boxes(entry)))
            });
        for name in self.names(fields::ANSWERS) {
            let wanted = normalized(name);
            for (at, entry) in body.entries.iter().enumerate() {
                if !used[at] && (entry.is_called(name) || normal[at].0 == wanted) {
                    used[at] = true;
                    mapped.answers.add(&entry.name, &entry.joined());
                }
            }
        }
        for (at, entry) in body.entries.iter().enumerate() {
            if used[at] || is_internal(&entry.name) {
                continue;
            }
            if entry.is_question {
                mapped.answers.add(&entry.name, &entry.joined());
            } else {
                mapped.keep(&entry.name, &entry.joined());
            }
        }
        mapped.derive();
        mapped
    }

    /// The names that are looked for, as a person is told who sees that none was found.
    pub(crate) fn looked_for(&self) -> String {
        let told = ["name", "email", "phone", "message"].map(|field| {
            let own = self.names(field).iter().map(String::as_str);
            let common = FIELDS.iter().find(|known| known.name == field);
            let common = common.map_or(&[][..], |known| known.aliases);
            let names = own.chain(common.iter().copied()).take(4);
            let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
            format!("{field} ({})", names.join(", "))
        });
        told.join(", ")
    }
}

impl Mapped {
    /// A value that was found, by our name of its field.
    pub(crate) fn get(&self, field: &str) -> Option<&str> {
        self.values.get(field).map(String::as_str)
    }

    /// The sender's own id of the submission. What stands in the place of one is none: a zero, or a placeholder that nobody
    /// filled in.
    pub(crate) fn submission_id(&self) -> Option<&str> {
        const NOTHING: [&str; 9] = [
            "null",
            "none",
            "nil",
            "nan",
            "n/a",
            "na",
            "undefined",
            "false",
            "true",
        ];
        let id = self.get("submission_id")?;
        let is_id = id.len() <= 150 && id.bytes().all(|byte| byte.is_ascii_graphic());
        let is_placeholder = id.contains(['{', '}', '[', ']', '<', '>'])
            || (id.starts_with('%') && id.ends_with('%'));
        let is_nothing = id.bytes().all(|byte| matches!(byte, b'0' | b'-' | b'.'))
            || NOTHING.iter().any(|word| id.eq_ignore_ascii_case(word));
        (is_id && !is_placeholder && !is_nothing).then_some(id)
    }

    /// Whether anything was found that a lead can be made of.
    pub(crate) fn is_lead(&self) -> bool {
        let says = |field: &&str| self.get(field).is_some();
        ["name", "email", "phone", "message", "street"]
            .iter()
            .any(says)
            || !self.answers.others.is_empty()
            || self.answers.person != PersonFacts::default()
    }

    /// Gravity Forms sends a box as `6.1`, what stands beside it as `6.2`, and that text's revision as `6.3`.
    fn take_words(&mut self, body: &Body, name: &str, used: &mut [bool]) {
        let Some(field) = name
            .strip_suffix(".1")
            .filter(|field| field.bytes().all(|byte| byte.is_ascii_digit()))
        else {
            return;
        };
        let words = format!("{field}.2");
        let mut entries = body.entries.iter().enumerate();
        let found = entries.find(|(at, entry)| !used[*at] && entry.name == words);
        if let Some((at, entry)) = found {
            used[at] = true;
            self.beside_the_box = Some(entry.joined());
        }
    }

    /// Several boxes of one consent, as members of an object.
    fn take_consents(&mut self, body: &Body, normal: &[(String, String)], used: &mut [bool]) {
        if self.get("consent").is_some() {
            return;
        }
        let (mut said, mut is_given) = (Vec::new(), false);
        for (at, (whole, _)) in normal.iter().enumerate() {
            if whole.starts_with("consent.") && !used[at] {
                used[at] = true;
                let entry = &body.entries[at];
                let name = entry.name.split_once('.').map_or("", |(_, name)| name);
                let value = entry.joined();
                is_given |=
                    !is_of_terms(name) && YES.iter().any(|yes| value.eq_ignore_ascii_case(yes));
                said.push(format!("{name}: {value}"));
            }
        }
        if is_given {
            self.values.insert("consent", said.join("; "));
        }
    }

    fn keep(&mut self, name: &str, value: &str) {
        // A key without a value may be the rest of a value that an unescaped `&` cut off.
        let Some(name) = line(name, 100) else {
            return;
        };
        if self.extra.len() < MAX_EXTRA || self.extra.contains_key(&name) {
            self.extra.insert(name, text::bounded(value, MAX_VALUE));
        } else if !value.is_empty() {
            self.dropped.push(name);
        }
    }

    /// The facts; `at` is when it was submitted, if nothing says otherwise, and `consent_text` what stands beside the
    /// box whose tick says no more than that it is ticked.
    pub(crate) fn into_facts(self, at: Option<Timestamp>, consent_text: Option<&str>) -> Facts {
        let one_line = |field: &str, max| line(self.get(field)?, max);
        let submitted_at = self
            .get("submitted_at")
            .and_then(|raw| raw.parse().ok())
            .or(at);
        let asked = &self.answers.person;
        let person = PersonFacts {
            name: one_line("name", 200).or_else(|| asked.name.clone()),
            phone: one_line("phone", 64).or_else(|| asked.phone.clone()),
            email: one_line("email", 254).or_else(|| asked.email.clone()),
            city: one_line("city", 100),
            state: one_line("state", 50),
            country: one_line("country", 50),
            postal_code: one_line("zip", 20).or_else(|| asked.postal_code.clone()),
            address: one_line("street", 200).or_else(|| asked.address.clone()),
        };
        let mut answers = BTreeMap::new();
        for field in FIELDS.iter().filter(|field| field.is_answer) {
            if let Some(value) = self.get(field.name) {
                answers.insert(field.name.to_owned(), text::bounded(value, MAX_VALUE));
            }
        }
        let attribution = FIELDS.iter().filter(|field| field.is_attribution);
        let attribution = attribution
            .filter_map(|field| Some((field.name.to_owned(), one_line(field.name, 500)?)))
            .collect();
        let consent = self.consent(consent_text, submitted_at);
        let refused = self
            .get("consent")
            .filter(|said| consent.is_none() && !NO.iter().any(|no| said.eq_ignore_ascii_case(no)));
        let refused = refused.map(|said| text::bounded(said, MAX_VALUE));
        let form = FormFacts {
            form: one_line("form", 200),
            page_url: one_line("page_url", 500),
            submitted_at,
            message: self
                .get("message")
                .map(|message| text::bounded(message, MAX_MESSAGE)),
            answers: {
                answers.extend(self.answers.others.clone());
                answers
            },
            ..FormFacts::default()
        };
        let mut extra = self.extra;
        // It is no consent, and a person may want to read it.
        extra.extend(refused.map(|said| ("consent".to_owned(), said)));
        Facts {
            person,
            attribution,
            consent,
            derived_fields: Some(self.derived.iter().map(|name| (*name).to_owned()).collect()),
            extra,
            unread_fields: named(&self.dropped),
            about: About::Form(form),
            ..Facts::default()
        }
    }

    /// An empty box is no consent, nor is one that says no.
    fn consent(&self, text: Option<&str>, at: Option<Timestamp>) -> Option<Consent> {
        let said = self.get("consent")?;
        if self.is_unticked || is_refusal(said) {
            return None;
        }
        let is_tick = YES.iter().any(|yes| said.eq_ignore_ascii_case(yes));
        let words = match self.beside_the_box.as_deref().or(text) {
            Some(text) if is_tick => text,
            _ => said,
        };
        let at = self
            .get("consent_at")
            .and_then(|raw| raw.parse().ok())
            .or(at);
        Some(Consent {
            text: text::bounded(words, MAX_VALUE),
            at,
        })
    }
}

/// Names for a person, some of them, and how many more there are.
pub(crate) fn named(names: &[String]) -> BTreeSet<String> {
    const MOST: usize = 20;
    let mut named: BTreeSet<_> = names
        .iter()
        .take(MOST)
        .filter_map(|name| line(name, 100))
        .collect();
    if let Some(more) = names.len().checked_sub(MOST).filter(|more| *more > 0) {
        named.insert(format!("{more} more fields"));
    }
    named
}

const YES: [&str; 7] = ["on", "yes", "true", "1", "checked", "y", "agree"];
const NO: [&str; 6] = ["off", "no", "false", "0", "n", "unchecked"];

/// Words that refuse, at the beginning. A consent that nobody gave costs more than one that is asked for again.
const REFUSALS: [&str; 43] = [
    "no",
    "not",
    "never",
    "none",
    "nope",
    "nothing",
    "n/a",
    "na",
    "don't",
    "don\u{2019}t",
    "dont",
    "can't",
    "can\u{2019}t",
    "cannot",
    "won't",
    "won\u{2019}t",
    "decline",
    "declined",
    "refuse",
    "refused",
    "disagree",
    "disagreed",
    "deny",
    "denied",
    "reject",
    "rejected",
    "revoke",
    "revoked",
    "withdraw",
    "withdrawn",
    "withheld",
    "unsubscribe",
    "unsubscribed",
    "optout",
    "optedout",
    "remove",
    "stop",
    "disabled",
    "unticked",
    "unselected",
    // What programs write in place of nothing.
    "null",
    "undefined",
    "nil",
];

/// Whether words say no, as `No, thanks` or `I do not agree` do.
fn is_refusal(said: &str) -> bool {
    if NO.iter().any(|no| said.eq_ignore_ascii_case(no)) {
        return true;
    }
    let said = said.to_lowercase();
    let mut words = said
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | ';' | ':' | '!' | '-' | '_'))
        .filter(|word| !word.is_empty() && !BEFORE_REFUSALS.contains(word));
    let first = words.next().unwrap_or_default();
    REFUSALS.contains(&first)
        || matches!(first, "opt" | "opted" | "opting") && words.next() == Some("out")
}

/// What stands before the word that says yes or no.
const BEFORE_REFUSALS: [&str; 14] = [
    "i",
    "we",
    "i'm",
    "i\u{2019}m",
    "am",
    "are",
    "please",
    "do",
    "would",
    "will",
    "have",
    "has",
    "was",
    "rather",
];

/// Whether a box is about terms alone: whoever accepts them has not agreed to be called.
fn is_of_terms(name: &str) -> bool {
    let name = normalized(name);
    ["terms", "privacy", "policy", "tos"]
        .iter()
        .any(|word| name.starts_with(word) || name.ends_with(word))
}

/// What the boxes of one name say. A page sends an empty box's value along with a ticked one's.
fn of_boxes(entry: &Entry) -> String {
    let says = |value: &&String| !value.trim().is_empty();
    let is_no = |value: &&String| NO.iter().any(|no| value.trim().eq_ignore_ascii_case(no));
    let all = || entry.values.iter().filter(says).cloned();
    let ticked: Vec<_> = all().filter(|value| !is_no(&value)).collect();
    let values = if ticked.is_empty() {
        all().take(1).collect()
    } else {
        ticked
    };
    Entry {
        values,
        ..entry.clone()
    }
    .joined()
}

/// Whether a name is one that forms commonly have for a field of ours.
pub(crate) fn is_common(name: &str) -> bool {
    let name = normalized(name);
    let mut aliases = FIELDS.iter().flat_map(|field| field.aliases);
    aliases.any(|alias| is_same(&name, alias))
}

/// Whether a name is one that forms commonly have for this field of ours.
pub(crate) fn is_name_of(field: &str, name: &str) -> bool {
    let name = normalized(name);
    let field = FIELDS.iter().find(|known| known.name == field);
    field.is_some_and(|field| field.aliases.iter().any(|alias| is_same(&name, alias)))
}

/// Whether a normalized name is an alias of [`FIELDS`], where words stand apart.
fn is_same(normalized: &str, alias: &str) -> bool {
    let words = alias.bytes().filter(|byte| *byte != b'_');
    words.eq(normalized.bytes())
}

/// A name in small letters without signs: `Phone Number:*`, `phone_number` and `phoneNumber` are one.
fn normalized(name: &str) -> String {
    let name = name.trim().trim_end_matches("[]");
    let mut normal = String::with_capacity(name.len());
    for c in name.chars().take(100) {
        let c = match c {
            '-' | ' ' | '_' | '\t' | '/' | '\u{a0}' => '_',
            ':' | '*' | '?' | '(' | ')' | '\'' | '\u{2019}' | '"' | '#' | '!' | '¿' => continue,
            c => without_accent(c).to_ascii_lowercase(),
        };
        if c != '_' || !normal.ends_with('_') {
            normal.push(c);
        }
    }
    let normal = normal.trim_matches('_');
    let normal = QUESTIONS
        .iter()
        .find_map(|question| normal.strip_prefix(question))
        .unwrap_or(normal);
    of_kind(normal).unwrap_or(normal).replace('_', "")
}

/// Spanish names of fields are written with accents, or without.
const fn without_accent(c: char) -> char {
    match c {
        'á' | 'Á' => 'a',
        'é' | 'É' => 'e',
        'í' | 'Í' => 'i',
        'ó' | 'Ó' => 'o',
        'ú' | 'Ú' | 'ü' | 'Ü' => 'u',
        'ñ' | 'Ñ' => 'n',
        c => c,
    }
}

/// What stands before the name of a field that is asked for in a sentence.
const QUESTIONS: [&str; 6] = [
    "whats_your_",
    "what_is_your_",
    "please_enter_your_",
    "enter_your_",
    "please_tell_us_your_",
    "and_your_",
];

/// What Contact Form 7 calls a field to which its maker gave no name: its kind and a number, as in `tel-620`. A text may be
/// anything.
fn of_kind(name: &str) -> Option<&'static str> {
    let (kind, number) = name.rsplit_once('_')?;
    let is_made = (2..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    match kind {
        _ if !is_made => None,
        "tel" => Some("tel"),
        "email" => Some("email"),
        "textarea" => Some("message"),
        "acceptance" => Some("acceptance"),
        _ => None,
    }
}

/// The last part of a dotted path, normalized.
fn last_part(name: &str) -> String {
    normalized(name.rsplit('.').next().unwrap_or(name))
}

#[cfg(test)]
mod tests;
