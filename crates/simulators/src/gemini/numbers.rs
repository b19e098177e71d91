//! Numbers in words and digits: dollars, months, ZIP codes, phone numbers.

use jiff::{Timestamp, tz::TimeZone};

use super::prompt::words;

/// A text in lower case with its numbers as digits: "forty-five thousand dollars" becomes "45000 dollars", "seven eight
/// six six four" becomes "78664", "40k" becomes "$40000" and "2-3 months" becomes "2 to 3 months".
pub(super) fn as_digits(lower: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut run: Vec<&str> = Vec::new();
    let mut tail = "";
    for word in lower.split_whitespace() {
        let bare = word.trim_end_matches([',', '.', '?', '!', ';', ':', '"']);
        let is_spelled = bare.starts_with(char::is_alphabetic);
        let parts: Vec<_> = bare.split('-').collect();
        let counts = parts.iter().all(|part| value(part).is_some());
        if counts && (is_spelled || parts.len() == 1) {
            // Digits that are spoken one by one go on after a pause, as in "five one two, five five five".
            let is_pause = tail == "," && run.iter().chain(&parts).all(|part| is_digit(part));
            if !tail.is_empty() && !is_pause {
                flush(&mut run, tail, &mut out);
            }
            run.extend(parts);
            tail = word.strip_prefix(bare).unwrap_or_default();
            continue;
        }
        flush(&mut run, std::mem::take(&mut tail), &mut out);
        match parts.as_slice() {
            [low, high] if counts && (low.len() <= 3 || low.starts_with('$')) => {
                out.push(format!("{} to {}", as_digits(low), as_digits(high)));
            }
            _ => out.push(word.to_owned()),
        }
    }
    flush(&mut run, tail, &mut out);
    out.join(" ")
}

/// What a word counts: `forty`, `hundred`, `45`, `$60,000`, `20k`.
fn value(word: &str) -> Option<f64> {
    const WORDS: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen \
                         sixteen seventeen eighteen nineteen";
    const TENS: &str = "twenty thirty forty fifty sixty seventy eighty ninety";
    let index = |list: &str| list.split(' ').position(|other| other == word);
    let number = match (word, index(WORDS), index(TENS)) {
        ("oh", ..) => Some(0.0),
        ("hundred", ..) => Some(100.0),
        ("thousand", ..) => Some(1000.0),
        ("million", ..) => Some(1_000_000.0),
        (_, Some(index), _) => Some(index as f64),
        (_, _, Some(index)) => Some((index as f64 + 2.0) * 10.0),
        _ => None,
    };
    if number.is_some() {
        return number;
    }
    let digits = word.trim_start_matches('$').replace(',', "");
    let (digits, times) = match digits.strip_suffix('k') {
        Some(digits) => (digits, 1000.0),
        None => (digits.as_str(), 1.0),
    };
    let is_number = digits.starts_with(|letter: char| letter.is_ascii_digit());
    let number = digits.parse::<f64>().ok().filter(|_| is_number)?;
    Some(number * times)
}

fn is_digit(word: &str) -> bool {
    value(word).is_some_and(|value| value < 10.0) && !word.starts_with('$')
}

/// Writes a run of counting words as one number, or digit by digit, with the punctuation after it.
fn flush(run: &mut Vec<&str>, tail: &str, out: &mut Vec<String>) {
    let run = std::mem::take(run);
    let is_money = run
        .iter()
        .any(|word| word.starts_with('$') || word.ends_with('k'));
    let is_literal = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    out.push(match run.as_slice() {
        [] => return,
        // A ZIP code keeps its leading zero, and "oh" alone is no number.
        [word] if *word == "oh" || is_literal(word) => format!("{word}{tail}"),
        digits if digits.iter().all(|word| is_digit(word)) => {
            let digits: Vec<_> = digits.iter().filter_map(|word| value(word)).collect();
            let texts: Vec<_> = digits.iter().map(f64::to_string).collect();
            texts.join(if digits.len() < 3 { " " } else { "" }) + tail
        }
        words => {
            let (mut total, mut current) = (0.0, 0.0);
            for word in words {
                let value = value(word).unwrap_or_default();
                current = match *word {
                    "hundred" | "thousand" | "million" if current > 0.0 => current * value,
                    _ => current + value,
                };
                if ["thousand", "million"].contains(word) {
                    total += std::mem::take(&mut current);
                }
            }
            let sign = if is_money { "$" } else { "" };
            format!("{sign}{}{tail}", total + current)
        }
    });
}

/// The dollars that a sentence names, the most of several.
pub(super) fn dollars(plain: &str) -> Option<f64> {
    const TOPICS: &str = "budget spend afford invest";
    let speaks_of_money = TOPICS.split(' ').any(|topic| plain.contains(topic));
    let words = words(plain);
    let (mut named, mut likely) = (0.0_f64, 0.0_f64);
    for (index, word) in words.iter().enumerate() {
        let dollars = value(word).unwrap_or(0.0);
        let next = words.get(index + 1).copied().unwrap_or_default();
        let is_zip = plain.contains("zip") && postal_code(word).is_some();
        if word.starts_with('$') || ["dollars", "dollar", "bucks", "usd"].contains(&next) {
            named = named.max(dollars);
        } else if speaks_of_money && dollars >= 1000.0 && !is_zip {
            likely = likely.max(dollars);
        }
    }
    [named, likely].into_iter().find(|dollars| *dollars > 0.0)
}

/// The months until the work is to start, where a sentence counts them: "in three to four months".
pub(super) fn counted_months(plain: &str) -> Option<f64> {
    let words = words(plain);
    let word = |index: Option<usize>| words.get(index?).copied();
    for (index, unit) in words.iter().enumerate() {
        let per = match unit.trim_end_matches('s') {
            "day" => 1.0 / 30.0,
            "week" => 0.25,
            "month" => 1.0,
            "year" => 12.0,
            _ => continue,
        };
        let Some(high) = word(index.checked_sub(1)).and_then(value) else {
            continue;
        };
        let is_range =
            ["to", "or", "and"].contains(&word(index.checked_sub(2)).unwrap_or_default());
        let low = word(index.checked_sub(3).filter(|_| is_range)).and_then(value);
        let phrases = ["more than", "over", "at least", "not before"];
        let is_more = phrases.iter().any(|phrase| plain.contains(phrase));
        let months = low.map_or(high, |low| f64::midpoint(low, high)) * per;
        return Some(months + if is_more { 1.5 } else { 0.0 });
    }
    None
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
    let words = words(plain);
    words.windows(2).find_map(|pair| {
        let [before, name] = pair else { return None };
        let index = |list: &str| list.split(' ').position(|other| other == *name);
        let month = index(MONTHS).map(|index| index + 1);
        let month = month.or_else(|| index(SEASONS).map(|index| index * 3))?;
        let wait = (month + 12 - this_month) % 12;
        let is_meant = BEFORE.split(' ').any(|word| word == *before);
        is_meant.then_some(if wait == 0 { 0.5 } else { wait as f64 })
    })
}

/// Five digits that are a ZIP code, or the first five of nine.
pub(super) fn postal_code(plain: &str) -> Option<String> {
    let words = words(plain);
    for (index, word) in words.iter().enumerate() {
        let zip = word.split_once('-').filter(|(_, more)| more.len() == 4);
        let zip = zip.map_or(*word, |(zip, _)| zip);
        let next = words.get(index + 1).copied().unwrap_or_default();
        let is_zip = zip.len() == 5 && zip.bytes().all(|byte| byte.is_ascii_digit());
        if is_zip && !["dollars", "dollar", "bucks", "square"].contains(&next) {
            return Some(zip.to_owned());
        }
    }
    None
}

/// A North American phone number as E.164.
pub(super) fn telephone(plain: &str) -> Option<String> {
    let is_inside = |letter: char| letter.is_ascii_digit() || "-.() +".contains(letter);
    for run in plain.split(|letter: char| !is_inside(letter)) {
        let digits: String = run.chars().filter(char::is_ascii_digit).collect();
        match digits.len() {
            10 => return Some(format!("+1{digits}")),
            11 if digits.starts_with('1') => return Some(format!("+{digits}")),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn months(text: &str) -> Option<f64> {
        let (plain, now) = (as_digits(text), "2026-11-20T15:00:00Z".parse().unwrap());
        counted_months(&plain).or_else(|| until_named_month(&plain, now))
    }

    #[test]
    fn numbers_in_words_become_digits() {
        for (text, expected) in [
            ("forty-five thousand dollars,", "45000 dollars,"),
            ("about three hundred thousand.", "about 300000."),
            ("the zip is seven eight six six four", "the zip is 78664"),
            ("five one two, five five five, zero one", "51255501"),
            (
                "in three or four months, two of us",
                "in 3 or 4 months, 2 of us",
            ),
            ("60 thousand", "60000"),
            (
                "a budget of 40k, not $1,500",
                "a budget of $40000, not $1500",
            ),
            ("2-3 months", "2 to 3 months"),
            ("$40,000-$60k", "$40000 to $60000"),
            ("512-555-0142 in 01234", "512-555-0142 in 01234"),
            ("oh, i see", "oh, i see"),
        ] {
            assert_eq!(as_digits(text), expected);
        }
    }

    #[test]
    fn dollars_are_neither_areas_nor_zip_codes() {
        let dollars = |text: &str| super::dollars(&as_digits(text));
        assert_eq!(dollars("about forty-five thousand dollars"), Some(45_000.0));
        assert_eq!(dollars("our budget is 60,000"), Some(60_000.0));
        assert_eq!(dollars("we can spend 20,000"), Some(20_000.0));
        assert_eq!(dollars("budget 40k, zip 78664"), Some(40_000.0));
        assert_eq!(dollars("it's about two hundred square feet"), None);
    }

    #[test]
    fn months_are_counted_or_named() {
        assert_eq!(months("to start in about two months"), Some(2.0));
        assert_eq!(months("in the next three to four months"), Some(3.5));
        assert_eq!(months("so more than six months from now"), Some(7.5));
        assert_eq!(months("starting in may"), Some(6.0));
        assert_eq!(months("sometime this spring"), Some(4.0));
        assert_eq!(months("we may see you at five"), None);
    }

    #[test]
    fn zip_codes_and_phone_numbers_are_not_confused() {
        let said = "is five one two, five five five, zero one four two the best number?";
        assert_eq!(telephone(&as_digits(said)).as_deref(), Some("+15125550142"));
        assert_eq!(
            telephone("call (512) 555-0142").as_deref(),
            Some("+15125550142")
        );
        assert_eq!(
            postal_code("in 78664-1234, please").as_deref(),
            Some("78664")
        );
        assert_eq!(postal_code(&as_digits("it costs 45000 dollars")), None);
    }
}
