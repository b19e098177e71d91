//! What was not said, or stands in another's place, and follows from what was.

use domain::{E164, EmailAddress, PostalCode};

use super::{FIELDS, Mapped};
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
        // A tool that names its fields by numbers says nothing of what they are.
        for (field, is_it) in [
            ("email", is_email as fn(&str) -> bool),
            ("phone", is_phone as fn(&str) -> bool),
        ] {
            if self.get(field).is_some() {
                continue;
            }
            let mut like = self.extra.iter().filter(|(name, value)| {
                name.bytes().all(|b| b.is_ascii_digit() || b == b'.') && is_it(value)
            });
            if let (Some((name, value)), None) = (like.next(), like.next()) {
                let (name, value) = (name.clone(), value.clone());
                self.extra.remove(&name);
                self.fill(field, value);
            }
        }
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

    /// A form that asks for a name and a last name means the first one by it.
    fn complete_name(&mut self) {
        let (Some(name), Some(last)) = (self.get("name"), self.get("last_name")) else {
            return;
        };
        let is_whole = name.to_lowercase().contains(&last.to_lowercase());
        if self.get("first_name").is_none() && !is_whole && !name.contains(' ') {
            let whole = format!("{name} {last}");
            self.values.insert("name", whole);
            self.derived.insert("name");
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
        if PostalCode::parse(&said).is_err()
            && let Some(zip) = zip_within(&said)
        {
            self.values.insert("zip", zip.to_owned());
            self.derived.insert("postal_code");
            self.keep("zip", &said);
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

fn is_email(value: &str) -> bool {
    EmailAddress::find(value).is_some()
}

/// Whether it has as many digits as a telephone number.
fn is_number(value: &str) -> bool {
    (FEWEST_DIGITS..=20).contains(&digits(value)) && !value.contains('@')
}

/// The fewest digits of a telephone number.
const FEWEST_DIGITS: usize = 7;

fn digits(value: &str) -> usize {
    value.bytes().filter(u8::is_ascii_digit).count()
}

/// Whether it is one for certain.
fn is_phone(value: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_digit() || " +-().".contains(c);
    (10..=15).contains(&digits(value)) && value.chars().all(is_sign) && E164::parse(value).is_ok()
}

/// The one ZIP code in a text.
fn zip_within(text: &str) -> Option<&str> {
    if PostalCode::parse(text).is_ok() {
        return Some(text);
    }
    let words = text.split(|c: char| !c.is_alphanumeric());
    let mut codes =
        words.filter(|word| word.len() == 5 && word.bytes().all(|byte| byte.is_ascii_digit()));
    match (codes.next(), codes.next()) {
        (Some(code), None) => Some(code),
        _ => None,
    }
}
