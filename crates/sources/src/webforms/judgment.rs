//! Whether a form is from a person: what speaks against it, and how much. Pure: what the door found out stands among the
//! delivery's headers.

use super::{
    door,
    settings::{OnOutage, Settings},
};
use crate::{Verified, body::Body, mapping};

/// What is thought of a form.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judgment {
    /// Whether it is kept apart.
    pub(super) is_spam: bool,
    /// What speaks against it, the weightiest first.
    pub(super) suspicions: Vec<String>,
    /// What the bot check said, where there is one.
    pub(super) bot_check: Option<String>,
}

/// Mail of a day, which people rarely give a contractor.
const DISPOSABLE: [&str; 6] = [
    "mailinator.com",
    "guerrillamail.com",
    "10minutemail.com",
    "yopmail.com",
    "trashmail.com",
    "sharklasers.com",
];

/// What soft signs weigh together at most: a person may have left a page open over night, live in another language, and
/// send a link to each picture. Alone they keep nobody apart.
const SOFT_MOST: u32 = 55;

impl Judgment {
    pub(super) fn of(settings: &Settings, delivery: &Verified, body: &Body) -> Self {
        let mut found: Vec<(u32, &str)> = Vec::new();
        let mut soft: Vec<(u32, &str)> = Vec::new();
        let noted = |name: &str| delivery.headers().get(name).map(String::as_str);
        let is_filled = body
            .entries
            .iter()
            .any(|entry| settings.is_honeypot(&entry.name) && entry.says_something());
        if is_filled {
            found.push((100, "a field that nobody sees was filled in"));
        }
        let bot_check = noted(door::BOT_CHECK);
        match bot_check {
            Some("failed") => found.push((100, "the bot check failed")),
            Some("missing") => found.push((100, "it came without the page's bot check")),
            Some("unknown") => {
                let on_outage = settings.bot_check.as_ref().map(|check| check.on_outage);
                let weight = match on_outage {
                    Some(OnOutage::Quarantine) => 100,
                    Some(OnOutage::Accept) | None => 0,
                };
                found.push((weight, "the bot check could not be asked"));
            }
            _ => {}
        }
        match noted(door::PAGE) {
            Some("quick") => soft.push((40, "it was sent within 3 seconds of the page's loading")),
            Some("old") => soft.push((20, "its page was loaded more than 24 hours before")),
            Some("forged") => soft.push((40, "its word of when its page was loaded is not ours")),
            _ => {}
        }
        content(body, &mut found, &mut soft);
        let weight = |signs: &[(u32, &str)]| signs.iter().map(|(weight, _)| weight).sum::<u32>();
        let score = weight(&found) + weight(&soft).min(SOFT_MOST);
        found.append(&mut soft);
        found.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        Self {
            is_spam: score >= settings.quarantine_from() && score > 0,
            suspicions: found.iter().map(|(_, what)| (*what).to_owned()).collect(),
            bot_check: bot_check.map(str::to_owned),
        }
    }
}

/// What the words say: weights, never a verdict alone, but for addresses of pages where a name should be.
fn content(body: &Body, found: &mut Vec<(u32, &'static str)>, soft: &mut Vec<(u32, &'static str)>) {
    let texts = || {
        let entries = body.entries.iter();
        entries.flat_map(|entry| {
            entry
                .values
                .iter()
                .map(|value| (entry.name.as_str(), value))
        })
    };
    let is_link = |text: &str| text.contains("http://") || text.contains("https://");
    let is_words = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["message", "comment", "description", "details", "notes"]
            .iter()
            .any(|word| name.contains(word))
    };
    // Of the person alone: a company may be called by its page's address, and a page has a name, too.
    let is_name = |name: &str| {
        let own = name.rsplit('.').next().unwrap_or(name);
        ["name", "first_name", "last_name"]
            .iter()
            .any(|field| mapping::is_name_of(field, name) || mapping::is_name_of(field, own))
    };
    if texts().any(|(name, text)| is_name(name) && (is_link(text) || text.contains("www."))) {
        found.push((60, "a page's address stands in place of a name"));
    }
    let links: usize = texts()
        .filter(|(name, _)| is_words(name))
        .map(|(_, text)| text.matches("://").count())
        .sum();
    match links {
        0 => {}
        1 | 2 => soft.push((15, "the message has a link")),
        _ => soft.push((40, "the message has many links")),
    }
    let is_foreign = |c: char| matches!(c, '\u{400}'..='\u{4ff}' | '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}');
    if texts()
        .any(|(name, text)| is_words(name) && text.chars().filter(|c| is_foreign(*c)).count() > 10)
    {
        soft.push((10, "the message is in a script that few here write"));
    }
    let is_disposable = |text: &str| {
        let domain = text.trim().rsplit_once('@').map(|(_, domain)| domain);
        domain.is_some_and(|domain| {
            DISPOSABLE
                .iter()
                .any(|known| domain.eq_ignore_ascii_case(known))
        })
    };
    if texts().any(|(_, text)| is_disposable(text)) {
        soft.push((15, "the e-mail address is one of a day"));
    }
}
