//! Finding what is meant among the choices that a schema happens to offer.

use super::concept::snake;
use super::reading::Matter;

/// The first choice that has one of the stems, tried in order; the shortest of several.
pub(super) fn matching(choices: &[&str], stems: &[&str]) -> Option<String> {
    stems.iter().find_map(|stem| {
        let has_stem = |choice: &&&str| {
            let choice = snake(choice).replace('_', " ");
            // `not_spam` is no spam, and `existing_project` is no new one.
            let is_other = ["not", "non", "existing"]
                .iter()
                .any(|prefix| choice.starts_with(&format!("{prefix} ")) && prefix != stem);
            choice.contains(stem) && !is_other
        };
        choices
            .iter()
            .filter(has_stem)
            .min_by_key(|choice| choice.len())
            .map(|choice| (*choice).to_owned())
    })
}

/// The choice for what is not known.
pub(super) fn unsure(choices: &[&str]) -> Option<String> {
    matching(
        choices,
        &[
            "unknown",
            "unspecified",
            "undetermined",
            "not stated",
            "none",
            "unclear",
            "other",
            "neutral",
        ],
    )
}

/// The choice whose numbers hold a value: `1_3_months`, `6+ months`, `under_25k`.
pub(super) fn in_range(choices: &[&str], value: f64) -> Option<String> {
    let ranges = choices
        .iter()
        .filter_map(|choice| Some((*choice, range(choice)?)));
    let distance = |(low, high): (f64, f64)| {
        if value < low {
            low - value
        } else if value >= high && high > low {
            value - high + 0.001
        } else {
            0.0
        }
    };
    let better = |a: &(&str, (f64, f64)), b: &(&str, (f64, f64))| {
        distance(a.1)
            .total_cmp(&distance(b.1))
            .then((a.1.1 - a.1.0).total_cmp(&(b.1.1 - b.1.0)))
    };
    ranges.min_by(better).map(|(choice, _)| choice.to_owned())
}

fn range(choice: &str) -> Option<(f64, f64)> {
    let words = snake(choice).replace('_', " ");
    let has = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if has(&[
        "immediate",
        "urgent",
        "asap",
        "emergency",
        "right away",
        "now",
    ]) && !words.contains("unknown")
    {
        return Some((0.0, 0.5));
    }
    let unit = if has(&["week"]) {
        0.25
    } else if has(&["year"]) {
        12.0
    } else {
        1.0
    };
    let numbers: Vec<f64> = words
        .split_whitespace()
        .filter_map(count)
        .map(|number| number * unit)
        .collect();
    let is_open =
        choice.contains(['+', '>']) || has(&["plus", "over", "more", "above", "later", "after"]);
    let is_up_to = choice.contains('<') || has(&["under", "within", "less", "below", "up to"]);
    match (numbers.as_slice(), is_open, is_up_to) {
        ([low, high, ..], _, _) => Some((*low, *high)),
        ([low], true, _) => Some((*low, f64::MAX)),
        ([high], _, true) => Some((0.0, *high)),
        ([exactly], _, _) => Some((*exactly, *exactly)),
        ([], _, _) if has(&["long term", "someday", "future"]) => Some((6.0, f64::MAX)),
        ([], _, _) => None,
    }
}

/// A number of a choice's name: `3`, `25k`, `three`.
fn count(word: &str) -> Option<f64> {
    let spoken = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    if let Some(index) = spoken.iter().position(|one| *one == word) {
        return Some(index as f64);
    }
    let bare = word.trim_end_matches(['m', 'o']);
    match bare.strip_suffix('k') {
        Some(thousands) => thousands.parse::<f64>().ok().map(|number| number * 1000.0),
        None => bare.parse().ok(),
    }
}

/// Parts of the names that a list of choices may use for this matter, best first.
pub(super) fn matter_stems(matter: Matter) -> &'static [&'static str] {
    match matter {
        Matter::Robocall => &[
            "spam",
            "robocall",
            "solicit",
            "scam",
            "vendor",
            "sales pitch",
            "other",
            "unknown",
        ],
        Matter::Pitch => &[
            "vendor",
            "solicit",
            "pitch",
            "partner",
            "marketing",
            "sales",
            "spam",
            "other",
        ],
        Matter::WrongNumber => &["wrong number", "wrong", "other"],
        Matter::JobSearch => &["job", "employment", "career", "hiring", "other"],
        Matter::Complaint => &["complaint", "problem", "existing", "support", "other"],
        Matter::ExistingCustomer => &["existing", "status", "support", "customer", "other"],
        Matter::Emergency => &[
            "emergency",
            "urgent",
            "repair",
            "quote",
            "estimate",
            "new",
            "service",
            "project",
            "inquiry",
        ],
        Matter::Quote => &[
            "quote",
            "estimate",
            "new project",
            "new service",
            "new",
            "project",
            "inquiry",
            "consult",
            "service",
            "purchase",
            "lead",
        ],
        Matter::Appointment => &[
            "appointment",
            "schedul",
            "booking",
            "consult",
            "quote",
            "new",
            "inquiry",
            "service",
        ],
        Matter::Question => &[
            "question",
            "information",
            "info",
            "general",
            "inquiry",
            "other",
        ],
    }
}

/// Parts of the names that a list of choices may use for this mood.
pub(super) fn mood_stems(mood: f64) -> &'static [&'static str] {
    if mood > 0.2 {
        &["positive", "happy", "satisfied", "good"]
    } else if mood < -0.2 {
        &["negative", "frustrated", "unhappy", "bad", "angry"]
    } else {
        &["neutral", "mixed"]
    }
}
