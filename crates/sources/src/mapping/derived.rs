//! What was not said, or stands in another's place, and follows from what was.

use domain::{E164, EmailAddress, PostalCode};

use super::{FIELDS, Mapped, labels};
use crate::fields::line;

/// Whether a value can be what a field of ours means, as far as that can be told cheaply: parsing a number is dear, and an
/// accepted delivery waits for this.
pub(super) fn can_be(field: &str, value: &str) -> bool {
    match field {
        "email" => is_email(value),
        "phone" => is_number(value),
        "zip" => zip_within(value).is_some(),
        _ => true,
    }
}

impl Mapped {
    /// Fills what was not said and follows from what was.
    pub(super) fn derive(&mut self) {
        let full = match (self.get("first_name"), self.get("last_name")) {
            (None, None) => None,
            (first, last) => Some([first, last].into_iter().flatten().collect::<Vec<_>>()),
        };
        if let Some(full) = full.map(|parts| parts.join(" ")) {
            self.fill("name", full);
        }
        self.complete_name();
        self.find_unnamed();
        self.untangle();
        self.find_zip();
        for (page, touch) in [
            ("landing_page", ""),
            ("page_url", ""),
            ("first_landing_page", "first_"),
        ] {
            self.read_campaign(page, touch);
        }
    }

    /// An address or a number in a field whose name says nothing of it: a tool may name its fields by numbers, and a
    /// form ask in words that nobody foresaw. Where several have one, those with numbers for names count, the first of
    /// them; else none.
    fn find_unnamed(&mut self) {
        for (field, is_it) in [
            ("email", is_email_alone as fn(&str) -> bool),
            ("phone", is_phone),
        ] {
            let said = self.get(field).map(str::to_owned);
            if said.as_deref().is_some_and(|said| can_be(field, said)) {
                continue;
            }
            let of_form = self.extra.iter().chain(&self.answers.others);
            let like = of_form.filter(|(_, value)| is_it(value));
            let like = like.filter(|(name, _)| !labels::is_somebody_elses(name));
            let mut like: Vec<_> = like
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            let number = |name: &str| -> Option<u64> {
                let is_number = name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
                is_number
                    .then(|| name.split('.').next()?.parse().ok())
                    .flatten()
            };
            let first = like.iter().filter(|(name, _)| number(name).is_some());
            let first = first.min_by_key(|(name, _)| number(name)).cloned();
            let is_one = like
                .iter()
                .all(|(_, value)| Some(value) == like.first().map(|(_, v)| v));
            let found = first.or_else(|| if is_one { like.pop() } else { None });
            let Some((name, value)) = found else {
                continue;
            };
            self.extra.remove(&name);
            self.answers.others.remove(&name);
            if let Some(said) = said {
                self.values.remove(field);
                self.keep(field, &said);
            }
            self.fill(field, value);
        }
        self.find_in_words();
    }

    /// A number and an address in the person's own words, where a form asks for neither, or got neither.
    fn find_in_words(&mut self) {
        let has = |field| self.get(field).is_some_and(|said| can_be(field, said));
        if has("phone")
            || has("email")
            || self.answers.person.phone.is_some()
            || self.answers.person.email.is_some()
        {
            return;
        }
        // Swapped, both are in each other's place.
        let is_swapped =
            self.get("phone").is_some_and(is_email) || self.get("email").is_some_and(is_number);
        let Some(words) = self
            .get("message")
            .filter(|_| !is_swapped)
            .map(str::to_owned)
        else {
            return;
        };
        let is_free = |field: &str| self.get(field).is_none();
        let (wants_phone, wants_email) = (is_free("phone"), is_free("email"));
        if let Some(phone) = E164::within(&words).filter(|_| wants_phone) {
            self.fill("phone", phone);
        }
        let address = words.split_whitespace().find_map(EmailAddress::find);
        if let Some(address) = address.filter(|_| wants_email) {
            self.fill("email", String::from(address));
        }
    }

    /// A form that asks for a name and a last name means the first one by it, and the last one where it asks for a
    /// first name. What stands in none of them is kept.
    fn complete_name(&mut self) {
        let said = |field| self.get(field).map(str::to_owned);
        let Some(name) = said("name") else {
            return;
        };
        let is_within = |part: &String| name.to_lowercase().contains(&part.to_lowercase());
        let part = |field| said(field).filter(|part| !is_within(part));
        let whole = match (part("first_name"), part("last_name")) {
            (None, None) => return,
            _ if name.contains(' ') => None,
            (None, Some(last)) => Some(format!("{name} {last}")),
            (Some(first), None) => Some(format!("{first} {name}")),
            (Some(_), Some(_)) => None,
        };
        match whole {
            Some(whole) => {
                self.values.insert("name", whole);
                self.derived.insert("name");
            }
            None => {
                let parts = ["first_name", "last_name"].map(|field| (field, part(field)));
                for (field, part) in parts {
                    if let Some(part) = part {
                        self.keep(field, &part);
                    }
                }
            }
        }
    }

    /// People enter an address where the number belongs, and the other way round.
    fn untangle(&mut self) {
        let said = |field| self.get(field).map(str::to_owned);
        let (phone, email) = (said("phone"), said("email"));
        let is =
            |value: &Option<String>, is_it: fn(&str) -> bool| value.as_deref().is_some_and(is_it);
        let has_address_alone = is(&phone, |phone| {
            is_email(phone) && digits(phone) < FEWEST_DIGITS
        }) && !is(&email, is_email);
        let has_number_alone = is(&email, is_number) && !is(&phone, is_number);
        if !has_address_alone && !has_number_alone {
            return;
        }
        self.values.remove("phone");
        self.values.remove("email");
        for (name, value) in [("phone", phone), ("email", email)] {
            match value {
                Some(value) if is_email(&value) => self.fill("email", value),
                Some(value) if is_number(&value) => self.fill("phone", value),
                Some(value) => self.keep(name, &value),
                None => {}
            }
        }
    }

    /// A ZIP code among other words: `Austin, TX 78704`.
    fn find_zip(&mut self) {
        let Some(said) = self.get("zip").map(str::to_owned) else {
            return;
        };
        const LONGEST: usize = 20;
        if PostalCode::parse(&said).is_ok() {
            return;
        }
        let found = zip_within(&said).map(str::to_owned);
        if found.is_some() || said.chars().count() > LONGEST {
            self.keep("zip", &said);
        }
        if let Some(zip) = found {
            self.values.insert("zip", zip);
            self.derived.insert("postal_code");
        }
    }

    /// The campaign of a visit, which tools that have no fields for it leave in the address of the page.
    fn read_campaign(&mut self, page: &str, touch: &str) {
        let Some((_, query)) = self.get(page).and_then(|page| page.split_once('?')) else {
            return;
        };
        let query = query.split('#').next().unwrap_or_default();
        let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        for field in FIELDS.iter().filter(|field| field.is_attribution) {
            let is_tag = |name: &str| {
                name.starts_with("utm_") || name.ends_with("clid") || name.ends_with("braid")
            };
            let tag = field.name.strip_prefix(touch).filter(|tag| is_tag(tag));
            let value = tag.and_then(|tag| pairs.iter().find(|(name, _)| name == tag));
            if let Some(value) = value.and_then(|(_, value)| line(value, 500)) {
                self.fill(field.name, value);
            }
        }
    }

    fn fill(&mut self, field: &'static str, value: String) {
        if !value.is_empty() && !self.values.contains_key(field) {
            self.values.insert(field, value);
            self.derived.insert(field);
        }
    }
}

pub(super) fn is_email(value: &str) -> bool {
    EmailAddress::find(value).is_some()
}

/// Whether it is one, with nothing else.
pub(super) fn is_email_alone(value: &str) -> bool {
    EmailAddress::parse(value).is_ok()
}

/// Whether it has as many digits as a telephone number, or two of them.
pub(super) fn is_number(value: &str) -> bool {
    (FEWEST_DIGITS..=30).contains(&digits(value)) && !value.contains('@')
}

/// The fewest digits of a telephone number.
const FEWEST_DIGITS: usize = 7;

fn digits(value: &str) -> usize {
    value.bytes().filter(u8::is_ascii_digit).count()
}

/// Whether it is one for certain.
pub(super) fn is_phone(value: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_digit() || " +-().".contains(c);
    (10..=15).contains(&digits(value)) && value.chars().all(is_sign) && E164::parse(value).is_ok()
}

/// The one ZIP code in a text. What no place has is none, nor is a sum of money.
pub(super) fn zip_within(text: &str) -> Option<&str> {
    let is_one = |code: &str| PostalCode::parse(code).is_ok_and(|code| !code.is_placeholder());
    if is_one(text) {
        return Some(text);
    }
    let words = text.split(|c: char| !c.is_alphanumeric() && !"$,".contains(c));
    let mut codes = words
        .map(|word| word.trim_end_matches(','))
        .filter(|word| word.len() == 5 && is_one(word));
    match (codes.next(), codes.next()) {
        (Some(code), None) => Some(code),
        _ => None,
    }
}
