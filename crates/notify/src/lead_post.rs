//! The message about a lead to a team's chat: for people who decide at a glance who takes it.

use domain::{Brief, text};

use crate::lead_mail::View;

/// The message and its version, as it stands in records. It changes with every change of what people see.
pub const LEAD_POST_TEMPLATE: &str = "lead_post/1";

/// Facts that a message has.
const MAX_FACTS: usize = 10;
const MAX_VALUE: usize = 300;
const MAX_WARNINGS: usize = 6;

/// What a message says. Plain text, each on one line and bounded; escaping, and cutting to a provider's limits, is the
/// channel's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadPost {
    /// What happened and who wants what: a line.
    pub headline: String,
    /// What the person wants, and from where.
    pub wants: String,
    /// What is known, in order.
    pub facts: Vec<Fact>,
    /// What must not be overlooked.
    pub warnings: Vec<String>,
    /// What was said, in short.
    pub summary: Option<String>,
    /// Whose lead it is, and which: what tells two messages apart.
    pub footer: String,
}

/// Something that is known of a lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub label: String,
    /// What is known.
    pub value: String,
}

/// The message of a company about a lead. `provider_name` is the name of a CRM for people, by its slug. Unless
/// `shows_contact`, telephone numbers and e-mail addresses are masked, wherever they stand.
pub fn lead_post(
    brief: &Brief,
    company: &str,
    provider_name: fn(&str) -> &str,
    shows_contact: bool,
) -> LeadPost {
    let view = View::new(brief, company, provider_name);
    let shown = |text: String| if shows_contact { text } else { masked(&text) };
    let phone = view.phone.map(|phone| Fact {
        label: "Phone".to_owned(),
        value: phone.shown,
    });
    let facts = view.facts.into_iter().map(|fact| Fact {
        label: fact.label,
        value: fact.value,
    });
    let place = view.place.map(|place| format!(" in {place}"));
    LeadPost {
        headline: shown(view.subject),
        wants: format!("{}{}", view.wants, place.unwrap_or_default()),
        facts: phone
            .into_iter()
            .chain(facts)
            .filter_map(|Fact { label, value }| {
                Some(Fact {
                    label: text::line(&label, 100)?,
                    value: shown(text::line(&value, MAX_VALUE)?),
                })
            })
            .take(MAX_FACTS)
            .collect(),
        warnings: view
            .warnings
            .into_iter()
            .filter_map(|warning| text::line(&warning, MAX_VALUE))
            .take(MAX_WARNINGS)
            .map(shown)
            .collect(),
        summary: view.summary.map(shown),
        footer: format!("{} · {}", view.company, view.request),
    }
}

/// The text with the first part of e-mail addresses and all but two digits of telephone numbers masked.
fn masked(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.split_once('@') {
        Some((name, host)) if host.contains('.') => {
            let first = name.chars().find(|letter| letter.is_alphanumeric());
            let first = first.map(String::from).unwrap_or_default();
            format!("{first}•••@{host}")
        }
        _ => word.to_owned(),
    });
    let text = words.collect::<Vec<_>>().join(" ");
    let mut shown = String::with_capacity(text.len());
    let mut run = String::new();
    for letter in text.chars() {
        if letter.is_ascii_digit()
            || (is_within_a_number(letter) && !run.is_empty())
            || opens(letter)
        {
            run.push(letter);
        } else {
            shown.push_str(&masked_number(&run));
            run.clear();
            shown.push(letter);
        }
    }
    shown.push_str(&masked_number(&run));
    shown
}

fn opens(letter: char) -> bool {
    matches!(letter, '+' | '(')
}

fn is_within_a_number(letter: char) -> bool {
    matches!(
        letter,
        ' ' | '(' | ')' | '-' | '.' | '/' | '\u{2010}'..='\u{2015}' | '\u{a0}'
    )
}

/// A run of digits and what stands between them: masked if it may be a telephone number, which has seven digits at least.
/// A date (`2026-11-20`), and a ZIP code with its four further digits, is none.
fn masked_number(run: &str) -> String {
    let digits = run.chars().filter(char::is_ascii_digit).count();
    let groups: Vec<usize> = run
        .split(|letter: char| !letter.is_ascii_digit())
        .map(str::len)
        .filter(|length| *length > 0)
        .collect();
    let is_date = matches!(groups.as_slice(), [4, 2, 2, ..] | [1 | 2, 1 | 2, 4, ..]);
    let is_zip_code = matches!(groups.as_slice(), [5, 4]);
    if digits < 7 || is_date || is_zip_code {
        return run.to_owned();
    }
    let mut seen = 0;
    let mask = |letter: char| {
        if !letter.is_ascii_digit() {
            return letter;
        }
        seen += 1;
        if seen + 2 > digits { letter } else { '•' }
    };
    run.chars().map(mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_addresses_are_masked_wherever_they_stand() {
        for (text, expected) in [
            ("(512) 555-0142", "(•••) •••-••42"),
            ("call +1 512.555.0142 now", "call +• •••.•••.••42 now"),
            ("555-0142, after 5", "•••-••42, after 5"),
            ("ann.lee@example.com", "a•••@example.com"),
            (
                "Ann Lee <ann@example.com> said",
                "Ann Lee a•••@example.com> said",
            ),
            ("15125550142", "•••••••••42"),
            ("2026-11-20 15:04", "2026-11-20 15:04"),
            ("11/20/2026", "11/20/2026"),
            ("Round Rock, TX 78664-1234", "Round Rock, TX 78664-1234"),
            (
                "$25,000 to $40,000, score 82",
                "$25,000 to $40,000, score 82",
            ),
            ("@home, 2 kitchens", "@home, 2 kitchens"),
            ("", ""),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }
}
