//! Numbers in words and digits: dollars, months, postal codes, telephone numbers.

use super::text::{Word, words};

/// A run of words that is a number, and the word after it.
#[derive(Debug)]
struct Run {
    value: f64,
    has_dollar_sign: bool,
    first: usize,
    next: usize,
}

/// The dollars that a sentence names.
pub(super) fn dollars(lower: &str) -> Option<f64> {
    let is_about_money = ["budget", "spend", "afford", "invest"]
        .iter()
        .any(|word| lower.contains(word));
    let words = words(lower);
    runs(&words)
        .into_iter()
        .filter(|run| {
            let unit = words.get(run.next).map_or("", |word| word.text);
            let is_money = run.has_dollar_sign
                || ["dollars", "dollar", "grand", "bucks", "usd"].contains(&unit);
            is_money || (is_about_money && run.value >= 1000.0)
        })
        .map(|run| {
            let is_grand = words.get(run.next).is_some_and(|word| word.text == "grand");
            if is_grand {
                run.value * 1000.0
            } else {
                run.value
            }
        })
        .reduce(f64::max)
}

/// The months until the work is to begin, as a sentence says them.
pub(super) fn months(lower: &str) -> Option<f64> {
    let words = words(lower);
    let is_more = ["more than", "over", "at least", "not before"]
        .iter()
        .any(|phrase| lower.contains(phrase));
    let runs = runs(&words);
    for (index, run) in runs.iter().enumerate() {
        let unit = words.get(run.next).map_or("", |word| word.text);
        let Some(per) = unit_in_months(unit) else {
            continue;
        };
        // "three to four months": the middle of both.
        let earlier = index
            .checked_sub(1)
            .and_then(|before| runs.get(before))
            .filter(|before| {
                words
                    .get(before.next)
                    .is_some_and(|word| ["to", "or", "and"].contains(&word.text))
                    && before.next + 1 == run.first
            });
        let value = earlier.map_or(run.value, |before| f64::midpoint(before.value, run.value));
        return Some(value * per + if is_more { 1.5 } else { 0.0 });
    }
    const SAID: &[(&str, f64)] = &[
        ("couple of weeks", 0.5),
        ("few weeks", 0.7),
        ("next week", 0.3),
        ("this month", 0.5),
        ("next month", 1.0),
        ("couple of months", 2.0),
        ("couple months", 2.0),
        ("few months", 3.0),
        ("half a year", 6.0),
        ("next year", 9.0),
        ("a year", 12.0),
        ("no rush", 9.0),
        ("someday", 12.0),
    ];
    SAID.iter()
        .find(|(phrase, _)| lower.contains(phrase))
        .map(|(_, months)| *months)
}

fn unit_in_months(unit: &str) -> Option<f64> {
    match unit {
        "day" | "days" => Some(1.0 / 30.0),
        "week" | "weeks" => Some(0.25),
        "month" | "months" => Some(1.0),
        "year" | "years" => Some(12.0),
        _ => None,
    }
}

/// Five digits that are a postal code, said in digits or one by one.
pub(super) fn postal_code(lower: &str) -> Option<String> {
    let words = words(lower);
    for (index, word) in words.iter().enumerate() {
        let bare = word
            .text
            .split_once('-')
            .filter(|(_, more)| more.len() == 4)
            .map_or(word.text, |(zip, _)| zip);
        let next = words.get(index + 1).map_or("", |word| word.text);
        let is_money = ["dollars", "dollar", "grand", "square", "bucks"].contains(&next);
        if bare.len() == 5 && bare.bytes().all(|byte| byte.is_ascii_digit()) && !is_money {
            return Some(bare.to_owned());
        }
    }
    spoken_digits(&words)
        .into_iter()
        .find(|digits| digits.len() == 5)
}

/// Ten digits of a North American number, as E.164.
pub(super) fn telephone(lower: &str) -> Option<String> {
    let mut digits = String::new();
    let mut found = Vec::new();
    for letter in lower.chars().chain(std::iter::once('\n')) {
        if letter.is_ascii_digit() {
            digits.push(letter);
        } else if !matches!(letter, '-' | '.' | '(' | ')' | ' ' | '+') || digits.is_empty() {
            found.push(std::mem::take(&mut digits));
        }
    }
    found.extend(spoken_digits(&words(lower)));
    let national = |digits: String| match digits.len() {
        10 => Some(digits),
        11 => digits.strip_prefix('1').map(str::to_owned),
        _ => None,
    };
    found
        .into_iter()
        .find_map(national)
        .map(|digits| format!("+1{digits}"))
}

/// Digits that are spoken one by one, run by run.
fn spoken_digits(words: &[Word<'_>]) -> Vec<String> {
    let mut runs = vec![String::new()];
    for word in words {
        let digit = match word.text {
            "zero" | "oh" => Some('0'),
            text if text.len() == 1 => text.chars().next().filter(char::is_ascii_digit),
            text => unit(text).and_then(|value| char::from_digit(value, 10)),
        };
        match (digit, runs.last_mut()) {
            (Some(digit), Some(run)) => run.push(digit),
            _ => runs.push(String::new()),
        }
    }
    runs
}

/// The digit of a word, one to nine.
fn unit(word: &str) -> Option<u32> {
    let index = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ]
    .iter()
    .position(|one| *one == word)?;
    u32::try_from(index + 1).ok()
}

/// What a single word counts: a number, or what it multiplies by.
enum Part {
    Number(f64),
    Times(f64),
}

fn part(word: &str) -> Option<Part> {
    const TEENS: &[&str] = &[
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: &[&str] = &[
        "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    let in_list = |list: &[&str]| {
        list.iter()
            .position(|one| *one == word)
            .map(|index| index as f64)
    };
    match word {
        "hundred" => return Some(Part::Times(100.0)),
        "thousand" | "k" => return Some(Part::Times(1000.0)),
        "million" => return Some(Part::Times(1_000_000.0)),
        "zero" => return Some(Part::Number(0.0)),
        _ => {}
    }
    let spoken = unit(word)
        .map(f64::from)
        .or_else(|| in_list(TEENS).map(|index| index + 10.0))
        .or_else(|| in_list(TENS).map(|index| (index + 2.0) * 10.0));
    if let Some(value) = spoken {
        return Some(Part::Number(value));
    }
    let digits = word.trim_start_matches('$').replace(',', "");
    let (digits, times) = match digits.strip_suffix('k') {
        Some(digits) => (digits, 1000.0),
        None => (digits.as_str(), 1.0),
    };
    let is_number = digits.starts_with(|letter: char| letter.is_ascii_digit());
    digits
        .parse::<f64>()
        .ok()
        .filter(|_| is_number)
        .map(|value| Part::Number(value * times))
}

/// All numbers of a sentence; "forty-five thousand" is one, "three or four" are two.
fn runs(words: &[Word<'_>]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut open: Option<(usize, f64, f64, bool)> = None;
    for (index, word) in words.iter().enumerate() {
        // "forty-five" counts word by word, "2-3" does not.
        let pieces: Vec<_> = match word.text.split('-').map(part).collect::<Option<Vec<_>>>() {
            Some(pieces)
                if !word
                    .text
                    .starts_with(|letter: char| letter.is_ascii_digit()) =>
            {
                pieces
            }
            _ => part(word.text).into_iter().collect(),
        };
        if pieces.is_empty() {
            if let Some((first, total, current, has_dollar_sign)) = open.take() {
                runs.push(Run {
                    value: total + current,
                    has_dollar_sign,
                    first,
                    next: index,
                });
            }
            continue;
        }
        let (_, total, current, has_dollar_sign) = open.get_or_insert((index, 0.0, 0.0, false));
        *has_dollar_sign |= word.text.starts_with('$');
        for piece in pieces {
            match piece {
                Part::Number(value) => *current += value,
                Part::Times(by) => {
                    *current = if *current == 0.0 { by } else { *current * by };
                    if by >= 1000.0 {
                        *total += *current;
                        *current = 0.0;
                    }
                }
            }
        }
    }
    if let Some((first, total, current, has_dollar_sign)) = open {
        runs.push(Run {
            value: total + current,
            has_dollar_sign,
            first,
            next: words.len(),
        });
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_understood_in_words_and_digits() {
        assert_eq!(
            dollars("around forty-five thousand dollars, and more"),
            Some(45_000.0)
        );
        assert_eq!(
            dollars("about three hundred thousand dollars."),
            Some(300_000.0)
        );
        assert_eq!(dollars("our budget is $60,000"), Some(60_000.0));
        assert_eq!(dollars("we can spend 20k"), Some(20_000.0));
        assert_eq!(dollars("it's about two hundred square feet"), None);
    }

    #[test]
    fn months_are_understood_as_numbers_ranges_and_phrases() {
        assert_eq!(months("to start in about two months"), Some(2.0));
        assert_eq!(months("in the next three to four months"), Some(3.5));
        assert_eq!(
            months("not before next year, so more than six months from now"),
            Some(7.5)
        );
        assert_eq!(months("maybe next year"), Some(9.0));
        assert_eq!(months("see you at five"), None);
    }

    #[test]
    fn digits_are_understood_one_by_one() {
        assert_eq!(
            postal_code("the zip is seven eight six six four"),
            Some("78664".to_owned())
        );
        assert_eq!(postal_code("it costs 45000 dollars"), None);
        let said = telephone("is five one two, five five five, zero one four two the best number?");
        assert_eq!(said, Some("+15125550142".to_owned()));
        assert_eq!(
            telephone("call (512) 555-0142"),
            Some("+15125550142".to_owned())
        );
    }
}
