//! Which five digits of a text are meant as a ZIP code.
//!
//! Five digits alone may be anything: a sum, a house's number, a post office box, a reference. A wrong ZIP code sends a
//! lead away, so only what is called one or stands in a place counts, whoever found it: the rules or a model.

use std::ops::Range;

use domain::{Channel, PostalCode};

use crate::{
    analysis_input::{AnalysisInput, Fact},
    words::Words,
};

/// What a ZIP code is called.
const NAMES: &[&str] = &["zip", "zipcode", "zips", "postal", "postcode"];

/// What another number is called that stands right behind it, or behind `is` or `number`.
const OTHER_NAMES: &[&str] = &[
    "box",
    "reference",
    "ref",
    "order",
    "invoice",
    "ticket",
    "case",
    "permit",
    "license",
    "account",
    "extension",
    "ext",
    "serial",
];

/// What part of a building a number belongs to.
const UNITS: &[&str] = &["unit", "apt", "apartment", "suite", "ste", "lot"];

/// What streets are called.
const STREETS: &[&str] = &[
    "street",
    "st",
    "avenue",
    "ave",
    "road",
    "rd",
    "lane",
    "ln",
    "drive",
    "dr",
    "court",
    "ct",
    "circle",
    "boulevard",
    "blvd",
    "way",
    "parkway",
    "trail",
    "loop",
    "cove",
    "place",
    "terrace",
];

/// What stands before a sum of money.
const BEFORE_SUMS: &[&str] = &[
    "spend", "pay", "budget", "about", "around", "roughly", "maybe", "under",
];

/// What stands behind a number that counts something.
const COUNTED: &[&str] = &[
    "dollar", "dollars", "bucks", "usd", "k", "grand", "thousand", "budget", "square", "sq",
    "sqft", "feet", "foot", "ft", "people", "miles", "hours", "years",
];

/// What is worked on.
const PROJECT: &[&str] = &[
    "project",
    "house",
    "home",
    "property",
    "building",
    "condo",
    "apartment",
    "job",
    "jobsite",
    "site",
    "remodel",
];

/// What says where a person is, or their mail, and not their project.
const ELSEWHERE: &[&str] = &[
    "live", "lives", "lived", "living", "reside", "stay", "staying", "move", "moved", "moving",
    "mail", "mailing", "billing", "office", "rent", "renting",
];

/// The fact that says which ZIP code was typed, or recorded for a number.
pub(crate) const ON_FILE: &str = "ZIP code on file";

/// The ZIP codes of a text, with their places: those that are called one, follow a state, a street or `in`, or, where
/// somebody asked for one, answer the question. No stand-in such as 00000 is one.
pub(crate) fn said(words: &Words<'_>, is_asked: bool) -> Vec<(PostalCode, Range<usize>)> {
    let mut codes = words.postal_codes();
    codes.retain(|(code, at)| !code.is_placeholder() && is_meant(words, code, at, is_asked));
    codes
}

fn is_meant(words: &Words<'_>, code: &PostalCode, at: &Range<usize>, is_asked: bool) -> bool {
    let before = |by| words.before(at.start, by);
    let is_house = (0..4).any(|by| STREETS.contains(&words.get(at.end + by)));
    if is_house || COUNTED.contains(&words.get(at.end)) {
        return false;
    }
    // Of the words before it the nearest that names a number says which number it is.
    for by in 1..=6 {
        let word = before(by);
        if NAMES.contains(&word) {
            return true;
        }
        let is_number =
            word == "number" && !NAMES.contains(&before(by + 1)) && before(by + 1) != "code";
        let is_other = OTHER_NAMES.contains(&word) || BEFORE_SUMS.contains(&word) || is_number;
        if by <= 2 && is_other || by == 1 && UNITS.contains(&word) {
            return false;
        }
    }
    let ends_clause = words.rest(at).is_none_or(|rest| {
        let rest = rest.trim_start_matches(' ');
        !rest.starts_with(char::is_alphanumeric)
    });
    let last = at.start.checked_sub(1);
    let last = last.and_then(|last| words.text(&(last..at.start)));
    let follows_state =
        matches!(before(1), "tx" | "texas") || code.state().is_some() && code.state() == last;
    let is_place = before(1) == "in"
        || matches!(before(1), "at" | "near") && ends_clause
        || before(1) == "the" && words.get(at.end) == "area";
    let follows_street = (1..=6).any(|by| STREETS.contains(&before(by)));
    let ends_turn = at.end == words.len() || words.get(at.end).starts_with("thank");
    let is_answer = is_asked && at.start <= 4 && ends_turn;
    follows_state || is_place || follows_street || is_answer
}

/// Whether somebody speaks of a ZIP code.
pub(crate) fn is_asked(input: &AnalysisInput) -> bool {
    conversation(input).any(|text| {
        let words = Words::of(text);
        (0..words.len()).any(|at| NAMES.contains(&words.get(at)))
    })
}

/// What was said or written without a question of a form.
fn conversation(input: &AnalysisInput) -> impl Iterator<Item = &str> {
    let utterances = input.utterances.iter().map(|said| said.text.as_str());
    utterances.chain(input.note.as_deref())
}

/// The answers, each with its question: alone, five digits may be anything.
pub(crate) fn answers(input: &AnalysisInput) -> Vec<String> {
    let answers = input.happened.answers.iter();
    answers
        .map(|(question, answer)| format!("{question}: {answer}"))
        .collect()
}

/// Whether this is a ZIP code that was said, or typed into a field. What a caller's record has is no word of theirs.
pub(crate) fn is_said(input: &AnalysisInput, code: &PostalCode) -> bool {
    let stands_in = |text: &str, is_asked: bool| {
        let codes = said(&Words::of(text), is_asked);
        codes.iter().any(|(known, _)| known == code)
    };
    let is_asked = is_asked(input);
    let is_fact = |fact: &Fact| stands_in(&format!("{}: {}", fact.name, fact.value), false);
    conversation(input).any(|text| stands_in(text, is_asked))
        || answers(input).iter().any(|text| stands_in(text, false))
        || is_typed(input) && input.facts.iter().any(is_fact)
}

/// Whether another ZIP code was typed, and nobody says that the project is where this one is.
pub(crate) fn is_outranked(input: &AnalysisInput, code: &PostalCode) -> bool {
    let is_other = |fact: &Fact| {
        let typed = PostalCode::parse(&fact.value).ok();
        let typed = typed.filter(|typed| fact.name == ON_FILE && !typed.is_placeholder());
        typed.is_some_and(|typed| typed != *code)
    };
    is_typed(input)
        && input.facts.iter().any(is_other)
        && !input
            .texts()
            .any(|text| is_of_project(&Words::of(text), code))
}

/// Whether what is on file was typed by the person, and does not belong to their telephone number.
const fn is_typed(input: &AnalysisInput) -> bool {
    !matches!(input.channel, Channel::Phone | Channel::Text)
}

/// Whether a text says that the project is where this code is: `the house is in 78704`, not `I live in 78704`.
fn is_of_project(words: &Words<'_>, code: &PostalCode) -> bool {
    said(words, false).iter().any(|(known, at)| {
        let nearest = (1..=10).find_map(|by| {
            let word = words.before(at.start, by);
            let is_project = PROJECT.contains(&word);
            (is_project || ELSEWHERE.contains(&word)).then_some(is_project)
        });
        known == code && nearest == Some(true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis_input::tests::{with, wordless};

    fn codes(text: &str) -> Vec<String> {
        let codes = said(&Words::of(text), false).into_iter();
        codes.map(|(code, _)| String::from(code)).collect()
    }

    #[test]
    fn sums_house_numbers_boxes_and_references_are_no_zip_codes() {
        for text in [
            "Kitchen at 10234 Burnet Road",
            "Kitchen at 10234 Burnet",
            "Kitchen, budget 45000",
            "budget: 45000",
            "We have a budget of 45000 in mind",
            "12 Elm Street, 45000 budget",
            "12 Elm Street, for 45000 dollars",
            "Kitchen, reference 31337",
            "12 Elm Street, reference number 31337",
            "PO Box 10001, Round Rock, TX",
            "Elm Street, PO Box 10001",
            "order number is 31337",
            "Kitchen 45000",
            "45000",
            "the ZIP code is 00000",
            "in 10001 square feet",
        ] {
            assert_eq!(codes(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_zip_code_is_called_one_or_stands_in_a_place() {
        for text in [
            "my zip is 78704",
            "ZIP code number 78704",
            "around zip 78704",
            "Austin, TX 78704-1234",
            "the house is in 78704",
            "We're at seven eight seven oh four.",
            "somewhere in the 78704 area",
            "12 Elm Street, Austin, 78704",
            "10234 Burnet Road, zip 78704",
        ] {
            assert_eq!(codes(text), ["78704"], "{text}");
        }
        assert_eq!(codes("Newark, NJ 07102"), ["07102"]);
    }

    #[test]
    fn a_typed_zip_code_outranks_one_that_is_not_said_to_be_the_projects() {
        let code = PostalCode::parse("75201").unwrap();
        for (text, is_outranked_by) in [
            ("I live in 75201 now", true),
            ("My ZIP is 75201", true),
            ("The house is in 75201", false),
            ("The project is at ZIP code 75201", false),
            ("The kitchen is not where I live, in 75201", true),
        ] {
            let mut form = with(Channel::Form, text);
            form.facts = vec![Fact {
                name: ON_FILE.to_owned(),
                value: "78704".to_owned(),
                is_claim: true,
            }];
            assert!(is_said(&form, &code), "{text}");
            assert_eq!(is_outranked(&form, &code), is_outranked_by, "{text}");
            form.channel = Channel::Phone;
            assert!(!is_outranked(&form, &code), "{text}");
        }
    }

    #[test]
    fn an_answer_is_a_zip_code_by_its_question() {
        let code = PostalCode::parse("40000").unwrap();
        for (question, expected) in [
            ("Your ZIP code", true),
            ("Your budget", false),
            ("How much?", false),
        ] {
            let mut form = wordless(Channel::Form);
            form.happened.answers = vec![(question.to_owned(), "40000".to_owned())];
            assert_eq!(is_said(&form, &code), expected, "{question}");
        }
    }
}
