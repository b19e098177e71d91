//! Reads members one by one, and keeps the names of those that say something which cannot be read.

use std::collections::{BTreeMap, BTreeSet};

use domain::{E164, text};

use super::{ids::is_placeholder, is_attribution};
use crate::fields::{Field, Fields, line};

/// The members of a body, and which of them could not be read. A member that is odd is left out alone.
pub(super) struct Reader<'f> {
    fields: &'f Fields<'f>,
    unread: BTreeSet<String>,
}

impl<'f> Reader<'f> {
    pub(super) fn new(fields: &'f Fields<'f>) -> Self {
        Self {
            fields,
            unread: BTreeSet::new(),
        }
    }

    pub(super) const fn fields(&self) -> &'f Fields<'f> {
        self.fields
    }

    /// The names of what could not be read, or only in part. Only names that our code asks for, so there are at most
    /// some tens; campaign tags, which anybody may name, are one.
    pub(super) fn unread(mut self) -> BTreeSet<String> {
        for name in self.fields.mended() {
            self.note(name);
        }
        if self.fields.is_cut() {
            self.note("body");
        }
        self.unread
    }

    pub(super) fn note(&mut self, name: &str) {
        let is_tag = name.starts_with("utm_");
        self.unread
            .insert(if is_tag { "utm" } else { name }.to_owned());
    }

    /// A text that says something; anything else that does is noted.
    fn text(&mut self, name: &str) -> Option<&'f str> {
        let field = self.fields.get(name)?;
        if field.text().is_none() && field.says_something() {
            self.note(name);
        }
        field.text()
    }

    /// What a text means; one that means nothing here is noted.
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let raw = self.text(name).filter(|raw| !is_word_for_nothing(raw))?;
        let parsed = parse(raw);
        if parsed.is_none() {
            self.note(name);
        }
        parsed
    }

    /// The first of these texts that says something, on one line of at most `max` characters.
    pub(super) fn line(&mut self, names: &[&str], max: usize) -> Option<String> {
        let mut raws = names.iter().filter_map(|name| self.text(name));
        raws.find_map(|raw| line(raw, max))
    }

    /// A text that keeps its lines.
    pub(super) fn paragraphs(&mut self, name: &str, max: usize) -> Option<String> {
        let clean = text::bounded(self.text(name)?.trim(), max);
        (!clean.is_empty()).then_some(clean)
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        if let Some(Field::Bool(flag)) = self.fields.get(name) {
            return Some(*flag);
        }
        self.parsed(name, |raw| match raw.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        })
    }

    /// The caller's number: of the members that say it, one that can be read. A number in another script, or of which
    /// some digits are masked, is outranked by the same one in plain digits.
    pub(super) fn phone(&mut self) -> Option<String> {
        const NAMES: [&str; 3] = ["customer_phone_number", "caller_id", "callernum"];
        let lines: Vec<_> = NAMES
            .iter()
            .filter_map(|name| Some((*name, self.line(&[name], 64)?)))
            .collect();
        let (name, first) = lines.first()?;
        // Nearly always. Parsing a number is dear, and an accepted delivery waits for it.
        if is_plain(first) {
            return Some(first.clone());
        }
        let is_number = |raw: &str| {
            E164::parse(&text::harmless(raw)).is_ok_and(|number| !number.reaches_nobody())
        };
        let mut numbers: Vec<_> = lines.iter().filter(|(_, raw)| is_number(raw)).collect();
        numbers.sort_by_key(|(_, raw)| !is_plain(&text::harmless(raw)));
        let Some((_, number)) = numbers.first() else {
            return Some(first.clone());
        };
        if number != first {
            self.note(name);
        }
        Some(text::harmless(number))
    }

    /// Whether there is a recording, by its link.
    pub(super) fn announces_recording(&mut self) -> bool {
        match self.fields.get("recording") {
            Some(Field::Bool(flag)) => *flag,
            _ => self
                .text("recording")
                .is_some_and(|link| !is_placeholder(link)),
        }
    }

    /// A text that may have been cleared: then it is there, and empty.
    pub(super) fn cleared_or(&mut self, name: &str, max: usize) -> Option<String> {
        let is_text = matches!(self.fields.get(name)?, Field::Text(_));
        match self.text(name) {
            Some(raw) => Some(text::bounded(raw, max)),
            None => (is_text && !self.is_mended(name)).then(String::new),
        }
    }

    /// A list of texts or of objects with a `name`, or text with commas, or a list of texts as JSON in a text. None of a
    /// list of which nothing can be read: it does not say that there are no tags.
    pub(super) fn tags(&mut self) -> Option<Vec<String>> {
        const MAX: usize = 50;
        let clean = |raw: &str| line(raw, 100);
        let field = self.fields.get("tags")?;
        let mut tags: Vec<String> = match field {
            Field::Text(raw) if raw.trim().parse::<f64>().is_ok() => Vec::new(),
            Field::Text(raw) => in_text(raw).iter().filter_map(|tag| clean(tag)).collect(),
            Field::List(items) => items.iter().filter_map(tag).filter_map(clean).collect(),
            Field::Object(_) => tag(field).and_then(clean).into_iter().collect(),
            Field::Bool(_) => Vec::new(),
        };
        let is_odd = match field {
            Field::List(items) => items
                .iter()
                .any(|item| item.says_something() && tag(item).is_none()),
            field => tags.is_empty() && field.says_something(),
        };
        if is_odd {
            self.note("tags");
        }
        tags.truncate(MAX);
        let is_cleared = matches!(field, Field::Text(_) | Field::List(_)) && !is_odd;
        (!tags.is_empty() || (is_cleared && !self.is_mended("tags"))).then_some(tags)
    }

    /// Whether it may be empty because the body was broken there: then it was not cleared.
    fn is_mended(&self, name: &str) -> bool {
        self.fields.mended().iter().any(|mended| mended == name)
    }

    /// Where the caller found the company.
    pub(super) fn attribution(&mut self) -> BTreeMap<String, String> {
        let odd = |(name, field): (&'f str, &Field<'_>)| {
            let is_odd = field.text().is_none() && field.says_something();
            (is_odd && is_attribution(name)).then_some(name)
        };
        for name in self.fields.members().filter_map(odd) {
            self.note(name);
        }
        let mut said = self.fields.lines(is_attribution, 500);
        let milestones = self.fields.object("milestones");
        for (touch, milestone) in [("first", "first_touch"), ("last", "last_touch")] {
            for (fact, value) in visit(milestones.object(milestone)) {
                said.insert(format!("{touch}_{fact}"), value);
            }
        }
        said
    }
}

/// What a milestone says of a visit, by the names that [`domain::Visits`] knows.
fn visit(touch: &Fields<'_>) -> BTreeMap<&'static str, String> {
    const FACTS: [(&str, &str); 6] = [
        ("source", "source"),
        ("medium", "medium"),
        ("campaign", "campaign"),
        ("keywords", "keywords"),
        ("landing_page", "landing"),
        ("referrer", "referrer"),
    ];
    const OF_LANDING: [&str; 7] = [
        "gclid",
        "gbraid",
        "wbraid",
        "fbclid",
        "msclkid",
        "utm_term",
        "utm_content",
    ];
    let said = |name: &str| line(touch.text(name)?, 500).filter(|text| !is_placeholder(text));
    let mut visit: BTreeMap<_, _> = FACTS
        .iter()
        .filter_map(|(fact, name)| Some((*fact, said(name)?)))
        .collect();
    // Of a visit without a page before it, CallRail says so in the place of that page.
    if visit
        .get("referrer")
        .is_some_and(|page| page.eq_ignore_ascii_case("direct"))
    {
        visit.remove("referrer");
    }
    let params = touch.object("landing_page_url_params");
    let landing = touch.text("landing").and_then(|url| url.split_once('?'));
    let query = landing.map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
    let query: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
    for name in OF_LANDING {
        let in_query = || query.iter().find(|(known, _)| known == name);
        let value = params
            .text(name)
            .or_else(|| in_query().map(|(_, value)| value.as_ref()));
        if let Some(value) = value.and_then(|value| line(value, 500)) {
            visit.insert(name, value);
        }
    }
    visit
}

/// Whether it stands where a value is missing. `0` is a number here, and `false` a flag.
fn is_word_for_nothing(raw: &str) -> bool {
    is_placeholder(raw)
        && !raw.bytes().any(|byte| byte.is_ascii_digit())
        && !raw.eq_ignore_ascii_case("true")
        && !raw.eq_ignore_ascii_case("false")
}

/// Whether it has as many digits as a number needs, and none but ASCII's.
fn is_plain(raw: &str) -> bool {
    raw.is_ascii() && raw.bytes().filter(u8::is_ascii_digit).count() >= 7 && !raw.contains('*')
}

/// The tags of a text: a list in JSON, or with commas between them.
fn in_text(raw: &str) -> Vec<String> {
    let list = serde_json::from_str::<Vec<String>>(raw);
    list.unwrap_or_else(|_| raw.split(',').map(str::to_owned).collect())
}

/// One tag: a text, or an object that has a name.
fn tag<'i>(item: &'i Field<'_>) -> Option<&'i str> {
    match item {
        Field::Object(fields) => fields.text("name"),
        item => item.text(),
    }
}
