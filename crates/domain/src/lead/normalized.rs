//! A lead's contact as it is understood: each field in one form, marked with what it comes from. Derived by what was said
//! alone: no list of towns fills in what nobody said.

use crate::{Document, E164, EmailAddress, Facts, PostalCode, name, text};

/// A lead's contact in one form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Normalized {
    /// The fields, each once.
    pub fields: Vec<NormalizedField>,
    /// What looks like a slip. Nothing is changed for it.
    pub doubts: Vec<Doubt>,
}

/// One field in its form.
#[derive(Clone, PartialEq, Eq)]
pub struct NormalizedField {
    /// Its name: `phone`, `state`.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// The field as delivered that says it, such as `phone` or `address`; `document` for a file.
    pub from: &'static str,
    /// Whether another field, or a file, says it. Else it is that field, in its form.
    pub is_derived: bool,
    /// How sure the reader of the files is, in percent, where only a file says it.
    pub percent_sure: Option<u8>,
}

/// What looks like a slip of the pen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The field.
    pub field: &'static str,
    /// What kind of slip: `domain_looks_mistyped`, `not_a_phone`, `not_an_email`, `not_a_zip_code`, `in_another_state`.
    pub code: &'static str,
    /// What may be meant.
    pub suggestion: Option<String>,
}

/// Without the value: it is personal data.
impl std::fmt::Debug for NormalizedField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NormalizedField")
            .field("field", &self.field)
            .field("from", &self.from)
            .field("is_derived", &self.is_derived)
            .finish_non_exhaustive()
    }
}

/// What says a field that was read of a file.
const DOCUMENT: &str = "document";

impl Normalized {
    /// Of a request, with what its files say marked as such.
    pub fn of_request(document: &Document) -> Self {
        let mut all = Self::of(&document.facts());
        if let Some(section) = &document.documents {
            let typed = document.facts_without_documents().person;
            for field in &mut all.fields {
                field.percent_sure = section.fills(field.from, &typed);
                if field.percent_sure.is_some() && !field.is_derived {
                    (field.is_derived, field.from) = (true, DOCUMENT);
                }
            }
        }
        all
    }

    /// Of a lead's facts.
    pub fn of(facts: &Facts) -> Self {
        let mut all = Self::default();
        let contact = facts.contact();
        let person = &facts.person;
        if let Some(name) = &contact.name {
            all.add("name", name.clone(), "name");
            let parts = NameParts::of(name);
            all.derive("title", parts.title, "name");
            all.derive("first_name", parts.first, "name");
            all.derive("last_name", parts.last, "name");
        }
        if let Some(phone) = &contact.phone {
            all.add("phone", phone.as_str().to_owned(), "phone");
            all.derive("extension", contact.extension.clone(), "phone");
        }
        if let Some(email) = &contact.email {
            all.add("email", email.as_str().to_owned(), "email");
            all.doubts.extend(mistyped(email));
        }
        let is_said =
            |raw: &Option<String>| raw.as_deref().is_some_and(|raw| !raw.trim().is_empty());
        let is_typed = !facts.about.channel().is_by_number();
        if is_typed && contact.phone.is_none() && is_said(&person.phone) {
            all.doubts.push(Doubt {
                field: "phone",
                code: "not_a_phone",
                suggestion: None,
            });
        }
        if contact.email.is_none() && is_said(&person.email) {
            all.doubts.push(Doubt {
                field: "email",
                code: "not_an_email",
                suggestion: None,
            });
        }
        if is_typed && contact.postal_code.is_none() && is_said(&person.postal_code) {
            all.doubts.push(Doubt {
                field: "postal_code",
                code: "not_a_zip_code",
                suggestion: None,
            });
        }
        let line = |raw: &Option<String>, max| raw.as_deref().and_then(|raw| text::line(raw, max));
        let said = line(&person.address, 200);
        let parsed = said.as_deref().map(AddressParts::of).unwrap_or_default();
        all.add_said("address", said, "address");
        let city = contact.city.clone();
        all.add_said("city", city.clone(), "city");
        if city.is_none() {
            all.derive("city", parsed.city, "address");
        }
        let is_state_said = person.state.as_deref().and_then(|raw| text::line(raw, 50));
        let is_state_said = is_state_said.is_some();
        all.add_said(
            "state",
            contact.state.clone().filter(|_| is_state_said),
            "state",
        );
        if !is_state_said {
            all.derive("state", parsed.state.clone(), "address");
        }
        let postal_code = person.postal_code.as_deref().and_then(PostalCode::in_full);
        let is_real = contact.postal_code.is_some();
        all.add_said(
            "postal_code",
            postal_code.filter(|_| is_real),
            "postal_code",
        );
        if !is_real {
            all.derive("postal_code", parsed.postal_code, "address");
        }
        let of_code = contact.postal_code.as_ref().and_then(PostalCode::state);
        if is_typed
            && let Some((of_code, said)) = of_code.zip(contact.state.as_deref())
            && of_code != said
        {
            all.doubts.push(Doubt {
                field: "postal_code",
                code: "in_another_state",
                suggestion: None,
            });
        }
        if all.get("state").is_none() {
            let code = all.get("postal_code").map(PostalCode::parse);
            let country = person.country.as_deref();
            let code = code.and_then(Result::ok);
            let state = code.and_then(|code| state_of(&code, country, contact.phone.as_ref()));
            all.derive("state", state, "postal_code");
        }
        all.add_country(facts, contact.phone.as_ref());
        all
    }

    /// The value of a field.
    pub fn get(&self, field: &str) -> Option<&str> {
        let found = self.fields.iter().find(|known| known.field == field);
        found.map(|found| found.value.as_str())
    }

    fn add_country(&mut self, facts: &Facts, phone: Option<&E164>) {
        let said = facts.person.country.as_deref();
        if let Some(said) = said.and_then(|raw| text::line(raw, 50)) {
            let value = if is_the_us(&said) {
                "US".to_owned()
            } else {
                said
            };
            self.add("country", value, "country");
            return;
        }
        // Other countries have codes of five digits, too.
        if let Some(country) = phone.and_then(E164::country) {
            self.derive("country", Some(country), "phone");
            return;
        }
        let is_us = |field: &&str| {
            let value = self.get(field);
            value.is_some_and(|value| *field != "state" || is_state(value))
        };
        let from = ["postal_code", "state"].into_iter().find(is_us);
        if let Some(from) = from {
            self.derive("country", Some("US".to_owned()), from);
        }
    }

    fn add(&mut self, field: &'static str, value: String, from: &'static str) {
        self.fields.push(NormalizedField {
            field,
            value,
            from,
            is_derived: false,
            percent_sure: None,
        });
    }

    fn add_said(&mut self, field: &'static str, value: Option<String>, from: &'static str) {
        if let Some(value) = value {
            self.add(field, value, from);
        }
    }

    fn derive(&mut self, field: &'static str, value: Option<String>, from: &'static str) {
        let value = value.filter(|value| !value.is_empty());
        self.fields.extend(value.map(|value| NormalizedField {
            field,
            value,
            from,
            is_derived: true,
            percent_sure: None,
        }));
    }
}

/// The parts of a name, as far as its words tell.
#[derive(Default)]
struct NameParts {
    title: Option<String>,
    first: Option<String>,
    last: Option<String>,
}

/// What stands behind names: generations, degrees and the like. Letters that are also last names are not among them.
const BEHIND_NAMES: [&str; 14] = [
    "jr", "sr", "ii", "iii", "iv", "phd", "md", "dds", "dmd", "esq", "cpa", "rn", "mba", "jd",
];

impl NameParts {
    /// `Lee, Ann` is `Ann Lee`; of several words the last is the last name. A name of one word is a first name. What stands
    /// behind a name is no part of it (`Jr.`, `PhD`), and an address is no name.
    fn of(whole: &str) -> Self {
        if whole.contains('@') {
            return Self::default();
        }
        let is_behind = |word: &str| {
            let letters: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
            BEHIND_NAMES.contains(&letters.to_lowercase().as_str())
        };
        let mut rest = whole.trim_end_matches([' ', ',']);
        while let Some((before, word)) = rest.rsplit_once(' ')
            && is_behind(word)
        {
            rest = before.trim_end_matches([' ', ',']);
        }
        let whole = rest;
        let turned = whole.split_once(", ");
        let whole = turned.map_or_else(
            || whole.to_owned(),
            |(last, first)| format!("{first} {last}"),
        );
        let mut words: Vec<_> = whole.split_whitespace().collect();
        let is_title = |word: &&str| name::is_title(word) && words.len() > 1;
        let title = words.first().copied().filter(is_title);
        if title.is_some() {
            words.remove(0);
        }
        let last = if words.len() > 1 { words.pop() } else { None };
        let first = words.join(" ");
        Self {
            title: title.map(str::to_owned),
            first: (!first.is_empty()).then_some(first),
            last: last.map(str::to_owned),
        }
    }
}

/// What stands behind the street in an address of the US.
#[derive(Default)]
struct AddressParts {
    city: Option<String>,
    state: Option<String>,
    postal_code: Option<String>,
}

impl AddressParts {
    /// Of `12 Elm Street, Round Rock, TX 78664`. A town is told by the commas around it alone.
    fn of(address: &str) -> Self {
        let mut parts: Vec<_> = address.split(',').map(str::trim).collect();
        parts.retain(|part| !part.is_empty());
        if parts.last().is_some_and(|last| is_the_us(last)) {
            parts.pop();
        }
        let Some(end) = parts.pop() else {
            return Self::default();
        };
        let (rest, postal_code) = match end.rsplit_once(' ') {
            Some((rest, code)) => (rest.trim(), PostalCode::in_full(code)),
            None if parts.is_empty() => (end, None),
            None => ("", PostalCode::in_full(end)),
        };
        let rest = if postal_code.is_some() { rest } else { end };
        // The state stands alone before the code, or is its last word.
        let (city, state) = match state_code(rest) {
            Some(state) => (parts.pop(), Some(state)),
            None if rest.is_empty() => {
                let state = parts.last().and_then(|part| state_code(part));
                if state.is_some() {
                    parts.pop();
                }
                (state.as_ref().and_then(|_| parts.pop()), state)
            }
            None => match rest.rsplit_once(' ') {
                // Two letters in capitals, or it may be a word of the street.
                Some((city, code)) if is_state(code) && !parts.is_empty() => {
                    (Some(city.trim()), Some(code.to_owned()))
                }
                Some((_, code)) if is_state(code) => (None, Some(code.to_owned())),
                _ => (None, None),
            },
        };
        let is_town =
            |city: &&str| !city.is_empty() && !city.contains(|c: char| c.is_ascii_digit());
        Self {
            city: city.filter(is_town).map(str::to_owned),
            state,
            postal_code: postal_code
                .filter(|code| PostalCode::parse(code).is_ok_and(|code| !code.is_placeholder())),
        }
    }
}

/// The state that a ZIP code is in, unless something says that the code is another country's.
pub(super) fn state_of(
    code: &PostalCode,
    country: Option<&str>,
    phone: Option<&E164>,
) -> Option<String> {
    let is_abroad = match country.map(str::trim).filter(|said| !said.is_empty()) {
        Some(said) => !is_the_us(said),
        None => phone.is_some_and(|phone| phone.country().is_some()),
    };
    let state = code.state().filter(|_| !is_abroad);
    state.map(str::to_owned)
}

fn is_the_us(country: &str) -> bool {
    let words = country.to_lowercase().replace('.', "");
    ["us", "usa", "united states", "united states of america"].contains(&words.trim())
}

/// The two letters of a state of the US, its district or its territories; by its name, or by themselves.
pub fn state_code(raw: &str) -> Option<String> {
    let name = raw.trim().trim_end_matches('.');
    let found = STATES
        .iter()
        .find(|(code, known)| code.eq_ignore_ascii_case(name) || known.eq_ignore_ascii_case(name));
    found.map(|(code, _)| (*code).to_owned())
}

fn is_state(code: &str) -> bool {
    STATES.iter().any(|(known, _)| *known == code)
}

/// An address whose domain is one letter, or a wrong ending, away from one that many have.
fn mistyped(email: &EmailAddress) -> Option<Doubt> {
    const COMMON: [&str; 9] = [
        "gmail.com",
        "yahoo.com",
        "hotmail.com",
        "outlook.com",
        "icloud.com",
        "aol.com",
        "comcast.net",
        "verizon.net",
        "sbcglobal.net",
    ];
    /// The longest domain that is not compared letter by letter.
    const MAX_SHORT: usize = 8;
    /// Domains of their own, a letter away from one of those.
    const OWN: [&str; 4] = ["gmx.com", "ymail.com", "email.com", "mail.com"];
    let (local, domain) = email.as_str().rsplit_once('@')?;
    if COMMON.contains(&domain) || OWN.contains(&domain) {
        return None;
    }
    let ending = [".con", ".cmo", ".ocm", ".vom", ".comm", ".co"];
    let is_near = |known: &&&str| {
        let (name, _) = known.split_once('.').unwrap_or((**known, ""));
        let is_wrong_end = ending.iter().any(|end| domain == format!("{name}{end}"));
        // Short names are a letter away from many.
        is_wrong_end || (known.len() > MAX_SHORT && is_one_slip(domain, known))
    };
    let meant = COMMON.iter().find(is_near).map(|known| (*known).to_owned());
    let meant = meant.or_else(|| Some(format!("{}.com", domain.strip_suffix(".con")?)))?;
    Some(Doubt {
        field: "email",
        code: "domain_looks_mistyped",
        suggestion: Some(format!("{local}@{meant}")),
    })
}

/// Whether one letter was left out, doubled, changed, or changed places with the next.
fn is_one_slip(typed: &str, meant: &str) -> bool {
    let (typed, meant): (Vec<_>, Vec<_>) = (typed.chars().collect(), meant.chars().collect());
    let same = typed.iter().zip(&meant).take_while(|(a, b)| a == b).count();
    let (typed, meant) = (
        typed.get(same..).unwrap_or_default(),
        meant.get(same..).unwrap_or_default(),
    );
    match (typed, meant) {
        ([], []) => false,
        ([a, b, rest @ ..], [c, d, other @ ..]) if a == d && b == c && rest == other => true,
        ([_, rest @ ..], _) if rest == meant => true,
        (_, [_, rest @ ..]) if rest == typed => true,
        ([_, rest @ ..], [_, other @ ..]) => rest == other,
        _ => false,
    }
}

/// Source: USPS Publication 28, appendix B.
const STATES: [(&str, &str); 56] = [
    ("AL", "Alabama"),
    ("AK", "Alaska"),
    ("AS", "American Samoa"),
    ("AZ", "Arizona"),
    ("AR", "Arkansas"),
    ("CA", "California"),
    ("CO", "Colorado"),
    ("CT", "Connecticut"),
    ("DE", "Delaware"),
    ("DC", "District of Columbia"),
    ("FL", "Florida"),
    ("GA", "Georgia"),
    ("GU", "Guam"),
    ("HI", "Hawaii"),
    ("ID", "Idaho"),
    ("IL", "Illinois"),
    ("IN", "Indiana"),
    ("IA", "Iowa"),
    ("KS", "Kansas"),
    ("KY", "Kentucky"),
    ("LA", "Louisiana"),
    ("ME", "Maine"),
    ("MD", "Maryland"),
    ("MA", "Massachusetts"),
    ("MI", "Michigan"),
    ("MN", "Minnesota"),
    ("MS", "Mississippi"),
    ("MO", "Missouri"),
    ("MP", "Northern Mariana Islands"),
    ("MT", "Montana"),
    ("NE", "Nebraska"),
    ("NV", "Nevada"),
    ("NH", "New Hampshire"),
    ("NJ", "New Jersey"),
    ("NM", "New Mexico"),
    ("NY", "New York"),
    ("NC", "North Carolina"),
    ("ND", "North Dakota"),
    ("OH", "Ohio"),
    ("OK", "Oklahoma"),
    ("OR", "Oregon"),
    ("PA", "Pennsylvania"),
    ("PR", "Puerto Rico"),
    ("RI", "Rhode Island"),
    ("SC", "South Carolina"),
    ("SD", "South Dakota"),
    ("TN", "Tennessee"),
    ("TX", "Texas"),
    ("UT", "Utah"),
    ("VT", "Vermont"),
    ("VI", "Virgin Islands"),
    ("VA", "Virginia"),
    ("WA", "Washington"),
    ("WV", "West Virginia"),
    ("WI", "Wisconsin"),
    ("WY", "Wyoming"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channel, PersonFacts};

    fn of(change: impl FnOnce(&mut PersonFacts)) -> Normalized {
        let mut facts = Facts::default();
        change(&mut facts.person);
        Normalized::of(&facts)
    }

    fn field(normalized: &Normalized, name: &str) -> Option<(String, &'static str, bool)> {
        let found = normalized.fields.iter().find(|field| field.field == name);
        found.map(|field| (field.value.clone(), field.from, field.is_derived))
    }

    #[test]
    fn each_field_says_what_it_comes_from() {
        let normalized = of(|person| {
            person.name = Some("Dr. Ann Marie Lee".to_owned());
            person.phone = Some("(512) 555-0142 x77".to_owned());
            person.email = Some(" Ann@Example.COM ".to_owned());
            person.state = Some("texas".to_owned());
            person.postal_code = Some("786641234".to_owned());
        });
        let said = |value: &str, from| Some((value.to_owned(), from, false));
        let derived = |value: &str, from| Some((value.to_owned(), from, true));
        for (name, expected) in [
            ("name", said("Dr. Ann Marie Lee", "name")),
            ("title", derived("Dr.", "name")),
            ("first_name", derived("Ann Marie", "name")),
            ("last_name", derived("Lee", "name")),
            ("phone", said("+15125550142", "phone")),
            ("extension", derived("77", "phone")),
            ("email", said("Ann@example.com", "email")),
            ("state", said("TX", "state")),
            ("postal_code", said("78664-1234", "postal_code")),
            ("country", derived("US", "postal_code")),
            ("city", None),
        ] {
            assert_eq!(field(&normalized, name), expected, "{name}");
        }
    }

    #[test]
    fn town_state_and_code_are_read_of_an_address_that_says_them() {
        for (address, city, state, code) in [
            (
                "12 Elm St, Round Rock, TX 78664",
                Some("Round Rock"),
                Some("TX"),
                Some("78664"),
            ),
            (
                "12 Elm St, Round Rock, Texas, 02134-1000, USA",
                Some("Round Rock"),
                Some("TX"),
                Some("02134-1000"),
            ),
            (
                "12 Elm St, Round Rock TX 78664",
                Some("Round Rock"),
                Some("TX"),
                Some("78664"),
            ),
            ("Round Rock, TX", Some("Round Rock"), Some("TX"), None),
            (
                "12 Elm St Round Rock TX 78664",
                None,
                Some("TX"),
                Some("78664"),
            ),
            (
                "12 Elm St, Washington, DC",
                Some("Washington"),
                Some("DC"),
                None,
            ),
            ("12 Elm Street", None, None, None),
            (
                "out past Dripping Springs near the old church",
                None,
                None,
                None,
            ),
            ("78664", None, None, None),
            ("4 Oak or 5", None, None, None),
            ("", None, None, None),
        ] {
            let normalized = of(|person| person.address = Some(address.to_owned()));
            let found = ["city", "state", "postal_code"].map(|name| normalized.get(name));
            assert_eq!(found, [city, state, code], "{address}");
        }
        let both = of(|person| {
            person.city = Some("Austin".to_owned());
            person.address = Some("12 Elm St, Round Rock, TX 78664".to_owned());
        });
        assert_eq!(
            field(&both, "city"),
            Some(("Austin".to_owned(), "city", false))
        );
    }

    #[test]
    fn a_name_is_parted_by_its_words() {
        for (name, title, first, last) in [
            ("Ann Lee", None, Some("Ann"), Some("Lee")),
            ("Lee, Ann", None, Some("Ann"), Some("Lee")),
            ("Dr. Jane Doe, PhD", Some("Dr."), Some("Jane"), Some("Doe")),
            ("Sam Reyes Jr.", None, Some("Sam"), Some("Reyes")),
            ("Reyes, Sam, M.D.", None, Some("Sam"), Some("Reyes")),
            ("o'neil-smith jr.", None, Some("o'neil-smith"), None),
            ("jane@doe.example", None, None, None),
            ("Mrs. Lee", Some("Mrs."), Some("Lee"), None),
            ("Ann", None, Some("Ann"), None),
            ("Dr", None, Some("Dr"), None),
        ] {
            let normalized = of(|person| person.name = Some(name.to_owned()));
            let found = ["title", "first_name", "last_name"].map(|field| normalized.get(field));
            assert_eq!(found, [title, first, last], "{name}");
        }
    }

    #[test]
    fn a_slip_is_told_and_nothing_is_changed() {
        for (address, meant) in [
            ("ann@gmial.com", Some("ann@gmail.com")),
            ("ann@gmail.con", Some("ann@gmail.com")),
            ("ann@gmai.com", Some("ann@gmail.com")),
            ("ann@yahooo.com", Some("ann@yahoo.com")),
            ("ann@example.con", Some("ann@example.com")),
            ("ann@gmail.com", None),
            ("ann@mail.com", None),
            ("ann@example.com", None),
            ("ann@lee.co", None),
        ] {
            let normalized = of(|person| person.email = Some(address.to_owned()));
            assert_eq!(normalized.get("email"), Some(address));
            let told = normalized
                .doubts
                .first()
                .and_then(|doubt| doubt.suggestion.as_deref());
            assert_eq!(told, meant, "{address}");
        }
    }

    #[test]
    fn what_cannot_be_right_is_told() {
        for (phone, code, state, expected) in [
            ("512-555-0142", "78704", "TX", &[][..]),
            ("none", "78704", "TX", &["not_a_phone"]),
            ("512-555-0142", "8540", "TX", &["not_a_zip_code"]),
            ("512-555-0142 or (512) 555-0143", "78704", "TX", &[]),
            ("512-555-0142", "08540", "TX", &["in_another_state"]),
            ("512-555-0142", "08540", "New Jersey", &[]),
        ] {
            let mut facts = Facts::nothing(Channel::Form);
            facts.person.phone = Some(phone.to_owned());
            facts.person.postal_code = Some(code.to_owned());
            facts.person.state = Some(state.to_owned());
            let doubts = Normalized::of(&facts).doubts;
            let codes: Vec<_> = doubts.iter().map(|doubt| doubt.code).collect();
            assert_eq!(codes, expected, "{phone} {code} {state}");
        }
    }

    #[test]
    fn what_is_in_its_form_stays() {
        let once = of(|person| {
            person.name = Some("Lee,  Ann".to_owned());
            person.phone = Some("512.555.0142".to_owned());
            person.email = Some("ann@M\u{fc}ller.example".to_owned());
            person.state = Some("new york".to_owned());
            person.postal_code = Some("02134 1000".to_owned());
            person.country = Some("U.S.A.".to_owned());
        });
        let get = |name| once.get(name).map(str::to_owned);
        let again = of(|person| {
            person.name = get("name");
            person.phone = get("phone");
            person.email = get("email");
            person.state = get("state");
            person.postal_code = get("postal_code");
            person.country = get("country");
        });
        assert_eq!(again, once);
        assert_eq!(once.get("email"), Some("ann@xn--mller-kva.example"));
        assert_eq!(once.get("country"), Some("US"));
    }

    #[test]
    fn a_country_is_told_by_the_number_where_nothing_else_does() {
        let told = |phone: &str| of(|person| person.phone = Some(phone.to_owned()));
        assert_eq!(
            field(&told("+49 30 901820"), "country"),
            Some(("DE".to_owned(), "phone", true))
        );
        // Many countries share +1.
        assert_eq!(field(&told("+1 512 555 0142"), "country"), None);
    }
}
