//! Names of people in CRMs' records: whose a record is, and how a name stands in two fields. Pure.
//!
//! An office, a family and a call center have one number for many, and to us all who call from one number are one
//! person. So what a number, or our own key, leads to is that person's record only while no other name speaks against it.

use domain::{
    Brief,
    name::{are_same, distinguishing},
};
use sha2::{Digest as _, Sha256};

/// What a person is called of whom no name is known, where a CRM takes no record without one. It counts as empty once a
/// name is learned.
pub(crate) const NAMELESS: &str = "Unknown person";

/// The whole name of a record that has it in two fields; empty if it has none.
pub(crate) fn whole(first: &str, last: &str) -> String {
    let is_there = |word: &&str| !word.is_empty() && *word != NAMELESS;
    let parts = [first, last].map(str::trim);
    let parts: Vec<_> = parts.into_iter().filter(is_there).collect();
    match parts.as_slice() {
        [first, last] if ends_with(first, last) => (*first).to_owned(),
        [first, last] if begins_with(last, first) => (*last).to_owned(),
        parts => parts.join(" "),
    }
}

/// Whether a record is another person's: its name and the brief's clearly differ.
pub(crate) fn is_another(brief: &Brief, other: &str) -> bool {
    let (name, other) = (of(brief), distinguishing(other));
    !name.is_empty() && !other.is_empty() && !are_same(&name, &other)
}

/// Whether a record's name and the brief's are known, and can be one person's.
pub(crate) fn is_same(brief: &Brief, other: &str) -> bool {
    are_same(&of(brief), &distinguishing(other))
}

/// Whether a record that has the brief's number is its person's: it has the same name, or it is the only one and no name
/// speaks against it.
pub(crate) fn fits(brief: &Brief, other: &str, is_alone: bool) -> bool {
    let (name, other) = (of(brief), distinguishing(other));
    let is_unnamed = name.is_empty() || other.is_empty();
    (is_unnamed && is_alone) || are_same(&name, &other)
}

/// The key of a record beside the one that the person's own key names, because that one is another person's.
pub(crate) fn own_key(brief: &Brief) -> String {
    let mut name = of(brief);
    name.sort_unstable();
    let hash = hex::encode(Sha256::digest(name.join(" ")));
    let hash: String = hash.chars().take(16).collect();
    format!("{}.{hash}", brief.person_key())
}

/// What people should know of a record that is made although `count` others have the brief's number.
pub(crate) fn notice(brief: &Brief, record: &str, count: usize) -> Option<String> {
    let number = brief.phone.as_ref()?.as_str();
    let others = match count {
        1 => format!("Another {record} has"),
        _ => format!("{count} other {record}s have"),
    };
    let why = match &brief.name {
        Some(name) => format!("none has the name {name}"),
        None => format!("the {} gave no name", brief.role()),
    };
    Some(format!(
        "{others} the number {number}, and {why}. So this {record} is new. Merge it if it is one of them."
    ))
}

fn of(brief: &Brief) -> Vec<String> {
    brief
        .name
        .as_deref()
        .map(distinguishing)
        .unwrap_or_default()
}

/// A part of a name that is to stand in a field of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// What is usual.
    Usual(&'a str),
    /// What the mapping puts there.
    Mapped(&'a str),
    /// What stands in the CRM, and stays.
    There(&'a str),
}

impl<'a> Part<'a> {
    /// Its words.
    pub(crate) const fn text(self) -> &'a str {
        match self {
            Self::Usual(text) | Self::Mapped(text) | Self::There(text) => text,
        }
    }
}

/// What a first and a last name become where a mapping has put the whole name into one of them, so that nobody is called
/// `Ann Lee Lee`: the words that the other one says already are left out. What stands in the CRM stays. A text that comes
/// back empty is not to be written.
pub(crate) fn parted<'a>(brief: &Brief, first: Part<'a>, last: Part<'a>) -> (&'a str, &'a str) {
    let (one, two) = (first.text(), last.text());
    let as_it_is = (one, two);
    let is_stand_in = [one, two]
        .iter()
        .any(|text| text.trim().is_empty() || *text == NAMELESS);
    let both = format!("{one} {two}");
    // Somebody may be called so: Duran Duran.
    let is_their_name = brief
        .name
        .as_deref()
        .is_some_and(|name| distinguishing(name) == distinguishing(&both));
    if is_stand_in || is_their_name {
        return as_it_is;
    }
    let is_there = |part| matches!(part, Part::There(_));
    let words = |text: &str| text.split_whitespace().count();
    if ends_with(one, two) {
        return match (is_there(first), is_there(last)) {
            (true, true) => as_it_is,
            (true, false) => (one, ""),
            (false, _) => (but_last(one, words(two)), two),
        };
    }
    if begins_with(two, one) {
        return match (first, last) {
            (Part::There(_), Part::There(_)) => as_it_is,
            (Part::Usual(_), _) | (_, Part::There(_)) => ("", two),
            _ => (one, but_first(two, words(one))),
        };
    }
    as_it_is
}

/// Whether a text ends with all words of another, whatever their letters' case.
fn ends_with(text: &str, end: &str) -> bool {
    let (text, end) = (folded(text), folded(end));
    !end.is_empty() && text.ends_with(&end)
}

fn begins_with(text: &str, begin: &str) -> bool {
    let (text, begin) = (folded(text), folded(begin));
    !begin.is_empty() && text.starts_with(&begin)
}

fn folded(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_lowercase).collect()
}

/// The text without its last words.
fn but_last(text: &str, count: usize) -> &str {
    let mut rest = text.trim_end();
    for _ in 0..count {
        rest = match rest.rsplit_once(char::is_whitespace) {
            Some((before, _)) => before.trim_end(),
            None => "",
        };
    }
    rest
}

/// The text without its first words.
fn but_first(text: &str, count: usize) -> &str {
    let mut rest = text.trim_start();
    for _ in 0..count {
        rest = match rest.split_once(char::is_whitespace) {
            Some((_, behind)) => behind.trim_start(),
            None => "",
        };
    }
    rest
}

#[cfg(test)]
mod tests {
    use domain::Channel;
    use testkit::lead;

    use super::*;

    fn brief(name: &str) -> Brief {
        Brief {
            name: Some(name.to_owned()),
            ..Brief::new(&lead::qualified(Channel::Phone), &lead::office())
        }
    }

    #[test]
    fn a_name_in_two_fields_is_read_once() {
        for (first, last, expected) in [
            ("Ann", "Lee", "Ann Lee"),
            ("Ann Lee", "Lee", "Ann Lee"),
            ("Ann", "ANN LEE", "ANN LEE"),
            ("Ann Lee", "Ann Lee", "Ann Lee"),
            ("Ann", "", "Ann"),
            ("", NAMELESS, ""),
            ("Ann", NAMELESS, "Ann"),
            ("Mary Ann", "van Lee", "Mary Ann van Lee"),
        ] {
            assert_eq!(whole(first, last), expected, "{first} / {last}");
        }
    }

    #[test]
    fn a_mapped_name_does_not_double() {
        use Part::{Mapped, There, Usual};
        for (name, first, last, expected) in [
            ("Ann Lee", Mapped("Ann Lee"), Usual("Lee"), ("Ann", "Lee")),
            ("Ann Lee", Usual("Ann"), Mapped("Ann Lee"), ("", "Ann Lee")),
            ("Ann Lee", Mapped("Ann"), Mapped("Ann Lee"), ("Ann", "Lee")),
            (
                "Ann Lee",
                Mapped("Ann Lee"),
                Mapped("ANN LEE"),
                ("", "ANN LEE"),
            ),
            ("Ann Lee", Mapped("Ann Lee"), There("Lee"), ("Ann", "Lee")),
            ("Ann Lee", There("Ann Lee"), Usual("Lee"), ("Ann Lee", "")),
            ("Ann Lee", There("Ann"), Mapped("Ann Lee"), ("Ann", "Lee")),
            ("Ann", Usual("Ann"), Mapped("Ann"), ("", "Ann")),
            ("Ann Lee", Usual("Ann"), Usual("Lee"), ("Ann", "Lee")),
            (
                "Duran Duran",
                Usual("Duran"),
                Usual("Duran"),
                ("Duran", "Duran"),
            ),
            (
                "Ann Lee",
                Mapped("Ann Lee"),
                Usual(NAMELESS),
                ("Ann Lee", NAMELESS),
            ),
            ("Ann Lee", Mapped("Anselm"), Usual("Lee"), ("Anselm", "Lee")),
            ("Ann Lee", Mapped("Ann Lee"), Usual("ee"), ("Ann Lee", "ee")),
        ] {
            assert_eq!(
                parted(&brief(name), first, last),
                expected,
                "{first:?} {last:?}"
            );
        }
    }

    #[test]
    fn only_another_name_speaks_against_a_record() {
        for (other, is_other) in [
            ("Ann Lee", false),
            ("LEE, ANN", false),
            ("A. Lee", false),
            ("", false),
            ("Theo Hart", true),
        ] {
            assert_eq!(is_another(&brief("Ann Lee"), other), is_other, "{other}");
        }
        assert_eq!(own_key(&brief("Ann Lee")), own_key(&brief("Mrs. LEE, Ann")));
        assert_ne!(own_key(&brief("Ann Lee")), own_key(&brief("Theo Hart")));
    }
}
