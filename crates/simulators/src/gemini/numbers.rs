//! Numbers in words and digits: dollars, months, ZIP codes.

use jiff::{Timestamp, tz::TimeZone};

use super::prompt::words;

const MONEY: [&str; 4] = ["dollars", "dollar", "bucks", "usd"];

/// A text in lower case with its numbers as digits: "forty-five thousand dollars" becomes "45000 dollars", "seven eight
/// six six four" becomes "78664" and "$40-$60k" becomes "$40 to $60000".
pub(super) fn as_digits(lower: &str) -> String {
    let (mut out, mut run, mut tail) = (Vec::new(), Vec::new(), "");
    let lower = lower.replace("-$", " to $");
    // The empty word at the end ends the last run.
    for word in lower.split_whitespace().chain([""]) {
        let bare = word.trim_end_matches([',', '.', '?', '!', ';', ':', '"']);
        let is_one = !bare.contains('-') || bare.starts_with(char::is_alphabetic);
        let counts = is_one && bare.split('-').all(|part| value(part).is_some());
        if !(counts && tail.is_empty() || run.is_empty()) {
            out.push(in_digits(&std::mem::take(&mut run)) + tail);
        }
        if counts {
            run.extend(bare.split('-'));
            tail = word.strip_prefix(bare).unwrap_or_default();
        } else {
            tail = "";
            out.push(word.to_owned());
        }
    }
    out.join(" ").trim_end().to_owned()
}

/// What a word counts: `forty`, `hundred`, `45`, `$60,000`, `20k`.
fn value(word: &str) -> Option<f64> {
    const WORDS: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
                         sixteen seventeen eighteen nineteen";
    const TENS: &str = "- - twenty thirty forty fifty sixty seventy eighty ninety";
    let index = |list: &str| list.split(' ').position(|other| other == word);
    let spelled = match word {
        "oh" => Some(0),
        "hundred" => Some(100),
        "thousand" => Some(1_000),
        "million" => Some(1_000_000),
        _ => index(WORDS).or_else(|| Some(index(TENS)? * 10)),
    };
    let digits = word.trim_start_matches('$').replace(',', "");
    let digits = digits.replace('k', "e3");
    let is_number = digits.starts_with(|letter: char| letter.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| is_number);
    spelled.map(|number| number as f64).or(number)
}

/// A run of words that count as one number, or digit by digit.
fn in_digits(run: &[&str]) -> String {
    let values: Vec<_> = run.iter().filter_map(|word| value(word)).collect();
    let is_money = run.iter().any(|word| word.contains(['$', 'k']));
    let is_literal = |word: &str| word == "oh" || word.bytes().all(|byte| byte.is_ascii_digit());
    match run {
        // A ZIP code keeps its leading zero, and "oh" alone is no number.
        [word] if is_literal(word) => return (*word).to_owned(),
        _ if !is_money && values.iter().all(|value| *value < 10.0) => {
            let digits: Vec<_> = values.iter().map(f64::to_string).collect();
            return digits.join(if digits.len() < 3 { " " } else { "" });
        }
        _ => {}
    }
    let (mut total, mut current) = (0.0, 0.0);
    for (word, value) in run.iter().zip(values) {
        current = match *word {
            "hundred" | "thousand" | "million" if current > 0.0 => current * value,
            _ => current + value,
        };
        if ["thousand", "million"].contains(word) {
            total += std::mem::take(&mut current);
        }
    }
    format!("{}{}", if is_money { "$" } else { "" }, total + current)
}

/// The dollars that a sentence names, the most of several.
pub(super) fn dollars(plain: &str) -> Option<f64> {
    let topics = ["budget", "spend", "afford", "invest"];
    let speaks_of_money = topics.iter().any(|topic| plain.contains(topic));
    let words = words(plain);
    let (mut named, mut likely) = (0.0_f64, 0.0_f64);
    for (word, next) in words.iter().zip(words.iter().skip(1).chain([&""])) {
        let dollars = value(word).unwrap_or(0.0);
        let is_zip = plain.contains("zip") && is_five_digits(word);
        if word.starts_with('$') || MONEY.contains(next) {
            named = named.max(dollars);
        } else if speaks_of_money && dollars >= 1000.0 && !is_zip {
            likely = likely.max(dollars);
        }
    }
    [named, likely].into_iter().find(|dollars| *dollars > 0.0)
}

/// The months until the work is to start, where a sentence counts them: "in three to four months".
pub(super) fn counted_months(plain: &str) -> Option<f64> {
    let phrases = ["more than", "over", "at least", "not before"];
    let is_more = phrases.iter().any(|phrase| plain.contains(phrase));
    let words = words(plain);
    words.iter().enumerate().find_map(|(at, unit)| {
        let per = match unit.trim_end_matches('s') {
            "day" => 1.0 / 30.0,
            "week" => 0.25,
            "month" => 1.0,
            "year" => 12.0,
            _ => return None,
        };
        let (low, high) = match words.get(..at)? {
            [.., low, "to" | "or" | "and", high] => (value(low), value(high)?),
            [.., both] => (
                value(both.split('-').next()?),
                value(both.rsplit('-').next()?)?,
            ),
            [] => return None,
        };
        let months = f64::midpoint(low.unwrap_or(high), high) * per;
        Some(months + if is_more { 1.5 } else { 0.0 })
    })
}

/// The months until a month or a season that a sentence names. A word such as "in" must stand before it, because "may"
/// and "fall" are also verbs.
pub(super) fn until_named_month(plain: &str, now: Timestamp) -> Option<f64> {
    const MONTHS: &str =
        "january february march april may june july august september october november december";
    /// Each begins three months after the one before.
    const SEASONS: &str = "winter spring summer fall";
    const BEFORE: &str = "in by this next early late around until before after from start starting timeline when date";
    let this_month = usize::try_from(now.to_zoned(TimeZone::UTC).month()).ok()?;
    words(plain).windows(2).find_map(|pair| {
        let index = |list: &str| list.split(' ').position(|other| other == pair[1]);
        let month = index(MONTHS).map(|index| index + 1);
        let month = month.or_else(|| Some(index(SEASONS)? * 3))?;
        let wait = (month + 12 - this_month) % 12;
        let is_meant = BEFORE.split(' ').any(|word| word == pair[0]);
        is_meant.then_some(if wait == 0 { 0.5 } else { wait as f64 })
    })
}

/// Five digits that are a ZIP code, or the first five of nine, the last of several: any where one is spoken of, else
/// what stands behind a state, a street, `in` or `at`. What is counted, a house's number or a reference is none.
pub(super) fn postal_code(plain: &str, is_named: bool) -> Option<String> {
    let words = words(plain);
    let mut places = (0..words.len()).rev();
    let at = places.find(|at| is_postal_code(&words, *at, is_named))?;
    words[at].split('-').next().map(str::to_owned)
}

fn is_postal_code(words: &[&str], at: usize, is_named: bool) -> bool {
    const STREETS: &str = "street st avenue ave lane ln road rd drive dr boulevard blvd court ct way place trail circle";
    const STATES: &str = "texas tx az ca fl ga il ks mi mn mo nc nj nm nv ny sc tn va wa";
    const OTHERS: &str =
        "budget spend pay about around box reference ref order invoice ticket permit account";
    const COUNTED: &str = "square sq feet budget thousand";
    let is_in = |list: &str, word: &str| list.split(' ').any(|other| other == word);
    let word = |at: Option<usize>| at.and_then(|at| words.get(at)).copied().unwrap_or_default();
    let before = |by| word(at.checked_sub(by));
    let next = word(at.checked_add(1));
    let is_other = is_in(COUNTED, next)
        || MONEY.contains(&next)
        || (1..=3).any(|by| is_in(STREETS, word(at.checked_add(by))))
        || before(1) != "zip" && (1..=2).any(|by| is_in(OTHERS, before(by)));
    let is_of_place = before(1) == "in"
        || before(1) == "at" && next.is_empty()
        || is_in(STATES, before(1))
        || (1..=6).any(|by| is_in(STREETS, before(by)));
    is_five_digits(words[at]) && !is_other && (is_named || is_of_place)
}

/// Five digits, or nine with a dash.
fn is_five_digits(word: &str) -> bool {
    let five = word.split('-').next().unwrap_or_default();
    five.len() == 5 && five.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words_become_digits() {
        for (text, expected) in [
            ("forty-five thousand dollars,", "45000 dollars,"),
            ("about three hundred thousand.", "about 300000."),
            ("the zip is seven eight six six four", "the zip is 78664"),
            ("in three or four months, two", "in 3 or 4 months, 2"),
            ("60 thousand", "60000"),
            ("budget 40k, not $1,500", "budget $40000, not $1500"),
            ("$40,000-$60k", "$40000 to $60000"),
            ("512-555-0142 in 01234", "512-555-0142 in 01234"),
            ("oh, i see", "oh, i see"),
        ] {
            assert_eq!(as_digits(text), expected);
        }
    }

    #[test]
    fn dollars_are_neither_areas_nor_zip_codes() {
        for (text, expected) in [
            ("about forty-five thousand dollars", Some(45_000.0)),
            ("our budget is 60,000", Some(60_000.0)),
            ("budget 40k, zip 78664", Some(40_000.0)),
            ("it's about two hundred square feet", None),
        ] {
            assert_eq!(dollars(&as_digits(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_zip_code_stands_in_a_place() {
        let zip = |text: &str| postal_code(&as_digits(text), false);
        for text in [
            "in 78664-1234, please",
            "we're at seven eight six six four.",
            "12 elm street, austin, 78664",
            "i live in 10001 now but the house is in 78664",
            "round rock, tx 78664",
        ] {
            assert_eq!(zip(text).as_deref(), Some("78664"), "{text}");
        }
        for text in [
            "it costs 45000 dollars",
            "kitchen budget 45000",
            "kitchen at 10234 burnet road",
            "po box 10001, round rock",
            "kitchen, reference 31337",
            "kitchen 45000",
        ] {
            assert_eq!(zip(text), None, "{text}");
        }
        let named = |text: &str| postal_code(&as_digits(text), true);
        assert_eq!(
            named("my zip is 78664, the budget 45000").as_deref(),
            Some("78664")
        );
    }

    #[test]
    fn months_are_counted_or_named() {
        let now = "2026-11-20T15:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("to start in about two months", Some(2.0)),
            ("in the next three to four months", Some(3.5)),
            ("in 2-3 months", Some(2.5)),
            ("so more than six months from now", Some(7.5)),
            ("starting in may", Some(6.0)),
            ("sometime this spring", Some(4.0)),
            ("we may see you at five", None),
        ] {
            let plain = as_digits(text);
            let months = counted_months(&plain).or_else(|| until_named_month(&plain, now));
            assert_eq!(months, expected, "{text}");
        }
    }
}
