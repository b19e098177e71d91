//! Names of people, and what carriers, forms and programs deliver in their place.

use crate::{E164, text};

/// Most letters of a name that a carrier delivers; longer ones are cut there.
const CARRIER_NAME: usize = 15;
/// Titles, which tell nobody apart.
const TITLES: [&str; 6] = ["mr", "mrs", "ms", "miss", "dr", "prof"];
/// The shortest name that may be the beginning of another: `Ann`, `Annie`.
const SHORT_FORM: usize = 3;

/// A name on one line; none if it only stands in for one: a carrier's words, a number, the town of the caller's number,
/// a placeholder that a template or a program left, or no letter at all.
pub(crate) fn real_name(
    raw: &str,
    max: usize,
    city: Option<&str>,
    state: Option<&str>,
) -> Option<String> {
    let name = text::line(&text::harmless(raw), max)?;
    let is_placeholder = !name.chars().any(char::is_alphabetic)
        || name.contains("{{")
        || is_placeholder(&words(&name))
        || is_town(&name, city, state)
        || is_number(&name);
    (!is_placeholder).then_some(name)
}

/// Whether it is a telephone number. Parsing one is dear, so names without digits are not tried.
fn is_number(name: &str) -> bool {
    name.chars().filter(|c| c.is_numeric()).count() >= 7 && E164::parse(name).is_ok()
}

/// The words in small letters, a blank between two: `WIRELESS  CALLER.` is `wireless caller`.
fn words(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn is_placeholder(words: &str) -> bool {
    /// What is unknown about the caller.
    const UNKNOWN: [&str; 16] = [
        "anonymous",
        "blocked",
        "cellular",
        "no",
        "not available",
        "not provided",
        "private",
        "restricted",
        "toll free",
        "unavailable",
        "unidentified",
        "unknown",
        "unlisted",
        "withheld",
        "wireless",
        "undisclosed",
    ];
    /// What it is unknown of.
    const OF: [&str; 11] = [
        "call",
        "caller",
        "caller id",
        "caller name",
        "cell phone",
        "id",
        "name",
        "number",
        "person",
        "user",
        "visitor",
    ];
    const WHOLE: [&str; 18] = [
        "caller",
        "caller id",
        "cell phone",
        "cell phone caller",
        "customer",
        "first last",
        "n a",
        "name",
        "nan",
        "none",
        "null",
        "out of area",
        "payphone",
        "potential spam",
        "scam likely",
        "spam likely",
        "spam risk",
        "undefined",
    ];
    let of_unknown = UNKNOWN.iter().any(|unknown| {
        let rest = words.strip_prefix(unknown).map(str::trim_start);
        rest.is_some_and(|rest| (rest.is_empty() && *unknown != "no") || OF.contains(&rest))
    });
    // `name unavailable`, `number withheld`
    let unknown_of = OF.iter().any(|of| {
        let rest = words
            .strip_prefix(of)
            .and_then(|rest| rest.strip_prefix(' '));
        rest.is_some_and(|rest| UNKNOWN.contains(&rest))
    });
    of_unknown || unknown_of || is_numbered(words) || WHOLE.contains(&words) || is_toll_call(words)
}

/// What chats call somebody who has not said their name: `Visitor 12345`, `Web User 67ab5f53a96f`, `Guest`.
fn is_numbered(words: &str) -> bool {
    const WHO: [&str; 9] = [
        "chat visitor",
        "website visitor",
        "web visitor",
        "web user",
        "new visitor",
        "visitor",
        "guest",
        "user",
        "lead",
    ];
    WHO.iter().any(|who| {
        let rest = words.strip_prefix(who);
        let number = rest.and_then(|rest| rest.strip_prefix(' '));
        let has_digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
        let is_id = |text: &str| text.split(' ').count() == 1 && has_digit(text);
        rest == Some("") || number.is_some_and(is_id)
    })
}

/// `V` and digits: what carriers deliver for a call from a service.
fn is_toll_call(words: &str) -> bool {
    let digits = words.strip_prefix('v').unwrap_or_default();
    digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Whether it is the town of the caller's number in capitals, with or without its state: `AUSTIN TX`. In small letters
/// it may be somebody's first name.
fn is_town(name: &str, city: Option<&str>, state: Option<&str>) -> bool {
    let Some(city) = city.map(words).filter(|city| !city.is_empty()) else {
        return false;
    };
    if name.chars().any(char::is_lowercase) {
        return false;
    }
    let named = words(name);
    let town = format!("{city} {}", state.map(words).unwrap_or_default());
    let town = town.trim_end();
    let is_cut = name.chars().count() == CARRIER_NAME && town.starts_with(&named);
    named == city || named == town || is_cut
}

/// Whether a word is a title.
pub(crate) fn is_title(word: &str) -> bool {
    TITLES.contains(&word.trim_end_matches('.').to_lowercase().as_str())
}

/// The words of a name that tell people apart, without case and accents: carriers write names in plain capitals.
pub fn distinguishing(name: &str) -> Vec<String> {
    let name = plain(&text::folded(name));
    let words = name.split(|c: char| !c.is_alphanumeric() && c != '\'');
    let folded = words.map(|word| {
        let letters = word.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect::<String>()
    });
    folded
        .filter(|word| !word.is_empty() && !TITLES.contains(&word.as_str()))
        .collect()
}

/// Letters that are no other letter with an accent, as they are written where there is no key for them.
fn plain(folded: &str) -> String {
    let mut plain = String::with_capacity(folded.len());
    for c in folded.chars() {
        match c {
            '\u{142}' => plain.push('l'),
            '\u{f8}' => plain.push('o'),
            '\u{111}' | '\u{f0}' => plain.push('d'),
            '\u{131}' => plain.push('i'),
            '\u{df}' => plain.push_str("ss"),
            '\u{e6}' => plain.push_str("ae"),
            '\u{153}' => plain.push_str("oe"),
            '\u{fe}' => plain.push_str("th"),
            // Of typed apostrophes there is one.
            '\u{2019}' | '\u{2018}' | '\u{2bc}' => plain.push('\''),
            c => plain.push(c),
        }
    }
    plain
}

/// Whether both can be one person's name: each word of the shorter one stands in the other, as itself or as its first
/// letter. `Ann` is `Annie` only where one name is all that is known.
pub fn are_same(name: &[String], other: &[String]) -> bool {
    let (short, long) = if name.len() <= other.len() {
        (name, other)
    } else {
        (other, name)
    };
    let is_alone = short.len() == 1;
    let begins = |word: &str, with: &str| {
        let is_initial = with.chars().count() == 1;
        let is_short_form = is_alone && with.chars().count() >= SHORT_FORM;
        (is_initial || is_short_form) && word.starts_with(with)
    };
    let is_like =
        |word: &String, other: &String| word == other || begins(word, other) || begins(other, word);
    !short.is_empty()
        && short
            .iter()
            .all(|word| long.iter().any(|other| is_like(word, other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_austin(raw: &str) -> Option<String> {
        real_name(raw, 200, Some("Austin"), Some("TX"))
    }

    #[test]
    fn what_stands_in_for_a_name_is_none() {
        for raw in [
            "UNKNOWN NAME",
            "Unknown",
            "WIRELESS CALLER",
            "Wireless  Caller.",
            "Anonymous",
            "anonymous caller",
            "RESTRICTED",
            "PRIVATE NUMBER",
            "No Caller ID",
            "NAME UNAVAILABLE",
            "Number withheld",
            "TOLL FREE CALL",
            "CELL PHONE",
            "OUT-OF-AREA",
            "SPAM RISK",
            "n/a",
            "null",
            "-",
            "{{ticket.requester.name}}",
            "V18005550142",
            "Visitor 12345",
            "visitor #83921",
            "Web User 67ab5f53a96f98663935c3f0",
            "Guest",
            "Unknown visitor",
            "+1 512-555-0142",
            "AUSTIN TX",
            "AUSTIN, TX",
            "AUSTIN",
        ] {
            assert_eq!(in_austin(raw), None, "{raw}");
        }
        let cut = real_name("SAN FRANCISCO C", 200, Some("San Francisco"), Some("CA"));
        assert_eq!(cut, None);
    }

    /// A name with accents, the same in another spelling of Unicode, and as a carrier writes it.
    #[test]
    fn a_name_is_the_same_however_its_accents_are_written() {
        let same = |one: &str, other: &str| are_same(&distinguishing(one), &distinguishing(other));
        for (one, other) in [
            ("Jos\u{e9} Nu\u{f1}ez", "Jose\u{301} Nun\u{303}ez"),
            ("Jos\u{e9} N\u{fa}\u{f1}ez", "JOSE NUNEZ"),
            ("\u{141}ukasz \u{17b}ak", "Lukasz Zak"),
            ("S\u{f8}ren Gro\u{df}", "SOREN GROSS"),
            ("D\u{2019}Arcy", "D'Arcy"),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        assert!(!same("Jos\u{e9} Nu\u{f1}ez", "Jos\u{e9} Mu\u{f1}oz"));
    }

    #[test]
    fn a_name_that_only_looks_like_one_stays() {
        for raw in [
            "Austin",
            "Austin Lee",
            "AUSTIN LEE",
            "Dallas TX",
            "Noah Number",
            "Privateer Smith",
            "Nan Lee",
            "No\u{e9}mie",
            "Ann O'Neil",
            "Guest Miller",
            "Edgar Guest",
        ] {
            assert_eq!(in_austin(raw).as_deref(), Some(raw), "{raw}");
        }
        assert_eq!(
            real_name("AUSTIN TX", 200, None, None).as_deref(),
            Some("AUSTIN TX")
        );
    }
}
