//! Who calls, from where, and how to reach them.

use super::lexicon::STREETS;
use super::money;
use super::reading::{Fact, find, has_any};
use super::text::{Sentence, Who, has_words, words};

/// The value of a form's field.
pub(super) fn field(sentences: &[Sentence], names: &[&str]) -> Option<Fact<String>> {
    find(sentences, |sentence| {
        let field = sentence.field.as_deref()?;
        names.contains(&field).then(|| sentence.text.clone())
    })
}

/// A name that a form asks for in two parts.
pub(super) fn first_and_last(sentences: &[Sentence]) -> Option<Fact<String>> {
    let first = field(sentences, &["first name", "firstname", "first_name"])?;
    let last = field(sentences, &["last name", "lastname", "last_name"]);
    let value = last.map_or_else(
        || first.value.clone(),
        |last| format!("{} {}", first.value, last.value),
    );
    Some(Fact {
        value,
        quote: first.quote,
    })
}

/// A postal code where one is spoken of, else any that stands alone.
pub(super) fn postal_code(sentences: &[Sentence]) -> Option<Fact<String>> {
    let is_named = |sentence: &Sentence| {
        let in_field = sentence
            .field
            .as_deref()
            .is_some_and(|field| field.contains("zip") || field.contains("postal"));
        in_field || has_any(&sentence.lower, &["zip", "zip code", "postal code"])
    };
    find(sentences, |sentence| {
        is_named(sentence)
            .then(|| money::postal_code(&sentence.lower))
            .flatten()
    })
    .or_else(|| find(sentences, |sentence| money::postal_code(&sentence.lower)))
}

/// The first of these names that is spoken of.
pub(super) fn listed(sentence: &Sentence, names: &[&str]) -> Option<String> {
    names
        .iter()
        .find(|name| has_words(&sentence.lower, &name.to_ascii_lowercase()))
        .map(|name| (*name).to_owned())
}

/// The state, where it is said.
pub(super) fn state(sentence: &Sentence) -> Option<String> {
    let is_texas = has_words(&sentence.lower, "texas") || has_words(&sentence.text, "TX");
    is_texas.then(|| "TX".to_owned())
}

/// A number, capitalised words and a kind of street.
pub(super) fn address(sentence: &Sentence) -> Option<String> {
    let words = words(&sentence.text);
    for (index, number) in words.iter().enumerate() {
        if number.text.len() > 6 || !number.text.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        for (count, word) in words.iter().skip(index + 1).take(5).enumerate() {
            if count > 0 && STREETS.contains(&word.text.to_ascii_lowercase().as_str()) {
                return sentence.text.get(number.begin..word.end).map(str::to_owned);
            }
            if !word
                .text
                .starts_with(|letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit())
            {
                break;
            }
        }
    }
    None
}

/// "my name is …" of anyone, "this is …" and "I'm …" of anyone but the staff.
pub(super) fn name_of(sentence: &Sentence) -> Option<String> {
    let openings: &[&str] = match sentence.who {
        Who::Staff => return None,
        _ => &["my name is ", "name's ", "this is ", "i'm ", "i am "],
    };
    openings.iter().find_map(|opening| {
        let at = sentence.lower.find(opening)? + opening.len();
        let mut name = Vec::new();
        for word in words(sentence.text.get(at..)?).iter().take(3) {
            let is_name = word
                .text
                .starts_with(|letter: char| letter.is_ascii_uppercase())
                && word
                    .text
                    .chars()
                    .all(|letter| letter.is_alphabetic() || "-'".contains(letter));
            if !is_name || ["I", "The", "A"].contains(&word.text) {
                break;
            }
            name.push(word.text);
            if word.ends_clause {
                break;
            }
        }
        (!name.is_empty()).then(|| name.join(" "))
    })
}

/// An address as written, or "name at example dot com".
pub(super) fn email(sentence: &Sentence) -> Option<String> {
    let words = words(&sentence.lower);
    let is_address = |text: &str| {
        text.split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
    };
    if let Some(written) = words.iter().find(|word| is_address(word.text)) {
        return Some(written.text.to_owned());
    }
    let at = words.iter().position(|word| word.text == "at")?;
    let (name, host) = (words.get(at.checked_sub(1)?)?, words.get(at + 1)?);
    let dot = words.get(at + 2).filter(|word| word.text == "dot")?;
    let end = words.get(at + 3).filter(|_| !dot.ends_clause)?;
    Some(format!("{}@{}.{}", name.text, host.text, end.text))
}
