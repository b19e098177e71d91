//! A lead that another system posts to our API: what it may say, every fault in it, and the facts that it states.
//!
//! The shape is strict, so that a field that was misspelled does not vanish. A value that cannot be what it is named,
//! such as a telephone number of four digits, is no fault: the lead is kept as it came, and its sender is told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    About, ApiFacts, ConfigError, ConfigFault, Consent, E164, EmailAddress, Facts, Labels,
    OfficeId, PersonFacts, PostalCode,
    config::{
        Sound,
        shape::{Bounds, Member, Shape, Text},
    },
    text,
};

/// A lead as another system posted it.
#[derive(Debug, Clone, PartialEq)]
pub struct PostedLead {
    /// The office that it is for, where one is named.
    pub office: Option<OfficeId>,
    /// What it says.
    pub facts: Facts,
    /// What is kept and cannot be used as what it is named, by the path of its field.
    pub warnings: Vec<ConfigFault>,
}

/// A text of at most so many characters.
const fn text_of(max: usize, about: &'static str) -> Text {
    Text {
        about,
        pattern: r"^[\s\S]*$",
        max,
        is_valid: |_| true,
    }
}

const NAME: Text = text_of(200, "a text of at most 200 characters");
const PHONE: Text = text_of(64, "a text of at most 64 characters");
const EMAIL: Text = text_of(254, "a text of at most 254 characters");
const CODE: Text = text_of(20, "a text of at most 20 characters");
const LINE: Text = text_of(500, "a text of at most 500 characters");
const WORDS: Text = text_of(5_000, "a text of at most 5000 characters");
const TAG: Text = text_of(100, "a text of at most 100 characters");

const EXTERNAL_ID: Text = Text {
    about: "an id of 1 to 200 letters, digits and signs, without white space",
    pattern: "^[!-~]+$",
    max: 200,
    is_valid: |text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()),
};

const TIME: Text = Text {
    about: "a time such as `2026-03-17T15:00:00Z`",
    pattern: r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)$",
    max: 40,
    is_valid: |text| text.parse::<Timestamp>().is_ok(),
};

const OFFICE: Text = Text {
    about: "an office's id: `ofc_` and 32 hexadecimal digits",
    pattern: "^ofc_[0-9a-f]{32}$",
    max: 36,
    is_valid: |text| text.parse::<OfficeId>().is_ok(),
};

/// A member that may be left out, or be null, which says the same.
const fn may(name: &'static str, shape: &'static Shape, about: &'static str) -> Member {
    Member::optional(name, Shape::OrNull(shape), about)
}

const CONTACT: Shape = Shape::Object(&[
    may("name", &Shape::Text(&NAME), "The whole name."),
    may(
        "first_name",
        &Shape::Text(&NAME),
        "The first name, where the whole one is not given.",
    ),
    may(
        "last_name",
        &Shape::Text(&NAME),
        "The last name, where the whole one is not given.",
    ),
    may(
        "phone",
        &Shape::Text(&PHONE),
        "A telephone number as people write it, with its extension. Without a country code it is taken for a US one.",
    ),
    may("email", &Shape::Text(&EMAIL), "An e-mail address."),
]);

const PLACE: Shape = Shape::Object(&[
    may("address", &Shape::Text(&NAME), "The street address."),
    may("city", &Shape::Text(&TAG), "The town."),
    may(
        "state",
        &Shape::Text(&TAG),
        "The state, as a name or two letters.",
    ),
    may(
        "postal_code",
        &Shape::Text(&CODE),
        "The ZIP code, as text: it may begin with a zero.",
    ),
    may("country", &Shape::Text(&TAG), "The country."),
]);

const PROJECT: Shape = Shape::Object(&[
    may(
        "type",
        &Shape::Text(&LINE),
        "What is to be remodeled: `Kitchen`.",
    ),
    may("description", &Shape::Text(&WORDS), "What is to be done."),
    may(
        "budget",
        &Shape::Text(&LINE),
        "What it may cost, in the person's words.",
    ),
    may(
        "timeline",
        &Shape::Text(&LINE),
        "When it should begin, in the person's words.",
    ),
    may(
        "square_feet",
        &Shape::Number(Bounds::new(0.0, 10_000_000.0)),
        "How large it is.",
    ),
]);

/// One visit by which a person found the company.
const TOUCH: Shape = Shape::Object(&[
    may(
        "source",
        &Shape::Text(&LINE),
        "`utm_source`, or what stands for it.",
    ),
    may(
        "medium",
        &Shape::Text(&LINE),
        "`utm_medium`, or what stands for it.",
    ),
    may("campaign", &Shape::Text(&LINE), "`utm_campaign`."),
    may("term", &Shape::Text(&LINE), "`utm_term`."),
    may("content", &Shape::Text(&LINE), "`utm_content`."),
    may("keyword", &Shape::Text(&LINE), "What was searched for."),
    may(
        "landing_page",
        &Shape::Text(&LINE),
        "The first page that was seen.",
    ),
    may(
        "referrer",
        &Shape::Text(&LINE),
        "The page that led to the website.",
    ),
    may("gclid", &Shape::Text(&LINE), "Google's id of the click."),
    may(
        "gbraid",
        &Shape::Text(&LINE),
        "Google's id of the click, from an app to the web.",
    ),
    may(
        "wbraid",
        &Shape::Text(&LINE),
        "Google's id of the click, from the web to an app.",
    ),
    may("fbclid", &Shape::Text(&LINE), "Meta's id of the click."),
    may(
        "msclkid",
        &Shape::Text(&LINE),
        "Microsoft's id of the click.",
    ),
]);

const ATTRIBUTION: Shape = Shape::Object(&[
    may("first", &TOUCH, "The visit that began it."),
    may(
        "last",
        &TOUCH,
        "The visit in which the person got in touch.",
    ),
]);

const CONSENT: Shape = Shape::Object(&[
    Member::required(
        "text",
        Shape::Text(&WORDS),
        "The text that the person agreed to, word for word.",
    ),
    may("at", &Shape::Text(&TIME), "When they agreed."),
]);

const LEAD: Shape = Shape::Object(&[
    Member::required(
        "contact",
        CONTACT,
        "How the person can be reached: by telephone number, e-mail address, or the address in `place`.",
    ),
    may(
        "place",
        &PLACE,
        "Where the project is, as the person said it.",
    ),
    may(
        "project",
        &PROJECT,
        "What is known of the project, beside the message.",
    ),
    may(
        "message",
        &Shape::Text(&WORDS),
        "What the person wrote, in their own words.",
    ),
    may(
        "attribution",
        &ATTRIBUTION,
        "How the person found the company.",
    ),
    may("consent", &CONSENT, "What the person agreed to."),
    may(
        "tags",
        &Shape::List {
            of: &Shape::Text(&TAG),
            min: 0,
            max: 20,
        },
        "Labels of the other system.",
    ),
    may(
        "external_id",
        &Shape::Text(&EXTERNAL_ID),
        "The other system's id of the lead. Posts with the same one are one request: a later one adds and changes.",
    ),
    may(
        "occurred_at",
        &Shape::Text(&TIME),
        "When the lead came to the other system.",
    ),
    may(
        "office_id",
        &Shape::Text(&OFFICE),
        "The office that it is for. Left out: the tenant's first.",
    ),
    may(
        "extra",
        &Shape::Map {
            of: &Shape::OrNull(&Shape::Scalar { max: 2_000 }),
            max: 50,
            max_name: 100,
        },
        "Whatever else the other system knows. It is kept and shown.",
    ),
]);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    contact: Contact,
    place: Option<Place>,
    project: Option<Project>,
    message: Option<String>,
    attribution: Option<Attribution>,
    consent: Option<Agreement>,
    tags: Option<Vec<String>>,
    external_id: Option<String>,
    occurred_at: Option<Timestamp>,
    office_id: Option<OfficeId>,
    extra: Option<BTreeMap<String, Value>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Contact {
    name: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    phone: Option<String>,
    email: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Place {
    address: Option<String>,
    city: Option<String>,
    state: Option<String>,
    postal_code: Option<String>,
    country: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Project {
    r#type: Option<String>,
    description: Option<String>,
    budget: Option<String>,
    timeline: Option<String>,
    square_feet: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attribution {
    first: Option<BTreeMap<String, Option<String>>>,
    last: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Deserialize)]
struct Agreement {
    text: String,
    #[serde(default)]
    at: Option<Timestamp>,
}

impl PostedLead {
    /// Checks what was posted, and reads it. A field that a lead does not have is a fault; an empty text says nothing.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault that was found.
    pub fn read(json: &Value) -> Result<Self, ConfigError> {
        Self::read_with(json, |_| Vec::new())
    }

    /// The same, with what `further` checks find in all that is sound of it: whatever is wrong is told at once.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault that was found.
    pub fn read_with(
        json: &Value,
        further: impl FnOnce(&Self) -> Vec<ConfigFault>,
    ) -> Result<Self, ConfigError> {
        let mut faults = LEAD.faults(json);
        let sound = Sound::of(json, &faults, &[]);
        match Body::deserialize(&sound.json) {
            Ok(body) => {
                let is_contact_sound = !faults.iter().any(|fault| {
                    let mut names = fault.path.split('.');
                    matches!(names.next(), Some("" | "contact" | "place"))
                });
                let lead = body.into_lead();
                if is_contact_sound && !lead.can_be_reached() {
                    let wanted = "a `phone` or an `email`, or an `address` in `place`: without any, nobody can answer";
                    faults.push(ConfigFault::new("contact", wanted).coded("unreachable"));
                }
                sound.tell(further(&lead), &mut faults);
                if faults.is_empty() {
                    return Ok(lead);
                }
            }
            Err(error) => faults.push(ConfigFault::new("", error.to_string())),
        }
        Err(ConfigError { faults })
    }

    /// What a posted lead looks like: a JSON Schema of the draft 2020-12. It knows all that [`read`](Self::read) refuses
    /// but a lead that nobody can answer.
    pub fn schema() -> Value {
        LEAD.schema(None)
    }

    /// Whether anything is given by which somebody could answer. It may be unreadable: then a person sees it as it came.
    fn can_be_reached(&self) -> bool {
        let person = &self.facts.person;
        person.phone.is_some() || person.email.is_some() || person.address.is_some()
    }
}

impl Body {
    fn into_lead(self) -> PostedLead {
        let place = self.place.unwrap_or_default();
        let project = self.project.unwrap_or_default();
        let line = |raw: Option<String>, max| text::line(&raw?, max);
        let name = line(self.contact.name, 200).or_else(|| {
            let parts = [self.contact.first_name, self.contact.last_name];
            let parts: Vec<_> = parts.into_iter().flatten().collect();
            text::line(&parts.join(" "), 200)
        });
        let person = PersonFacts {
            name,
            phone: line(self.contact.phone, 64),
            email: line(self.contact.email, 254),
            city: line(place.city, 100),
            state: line(place.state, 100),
            country: line(place.country, 100),
            postal_code: line(place.postal_code, 20),
            address: line(place.address, 200),
        };
        let warnings = warnings(&person);
        let square_feet = project.square_feet.map(|number| number.to_string());
        let answers = [
            ("Project type", line(project.r#type, 500)),
            ("Project", paragraphs(project.description)),
            ("Budget", line(project.budget, 500)),
            ("Timeline", line(project.timeline, 500)),
            ("Square feet", square_feet),
        ];
        let answers = answers
            .into_iter()
            .filter_map(|(question, answer)| Some((question.to_owned(), answer?)));
        let attribution = self.attribution.unwrap_or_default();
        let touches = [("first_", attribution.first), ("", attribution.last)];
        let attribution = touches.into_iter().flat_map(|(touch, facts)| {
            let facts = facts.into_iter().flatten();
            facts.filter_map(move |(name, value)| {
                Some((format!("{touch}{name}"), line(value, 500)?))
            })
        });
        let consent = self.consent.filter(|consent| !consent.text.is_empty());
        let tags = self.tags.map(|tags| {
            let tags = tags.into_iter();
            tags.filter_map(|tag| text::line(&tag, 100)).collect()
        });
        let facts = Facts {
            canonical_id: self.external_id.clone(),
            external_id: self.external_id,
            person,
            labels: Labels {
                tags,
                ..Labels::default()
            },
            attribution: attribution.collect(),
            consent: consent.map(|consent| Consent {
                text: consent.text,
                at: consent.at,
            }),
            extra: self.extra.into_iter().flatten().filter_map(extra).collect(),
            about: About::Api(ApiFacts {
                occurred_at: self.occurred_at,
                message: paragraphs(self.message),
                answers: answers.collect(),
            }),
            ..Facts::default()
        };
        PostedLead {
            office: self.office_id,
            facts,
            warnings,
        }
    }
}

/// Text that keeps its lines.
fn paragraphs(raw: Option<String>) -> Option<String> {
    let clean = text::bounded(raw?.trim(), 5_000);
    (!clean.is_empty()).then_some(clean)
}

fn extra((name, value): (String, Value)) -> Option<(String, String)> {
    let text = match value {
        Value::String(text) => text::bounded(&text, 2_000),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
        value => value.to_string(),
    };
    (!text.is_empty()).then(|| (text::bounded(&name, 100), text))
}

/// What cannot be used as what it is named.
fn warnings(person: &PersonFacts) -> Vec<ConfigFault> {
    let mut warnings = Vec::new();
    let mut warn = |path: &str, code, message: String| {
        let kept = format!("it is kept as it came, and not used: {message}");
        warnings.push(ConfigFault::new(path, kept).coded(code));
    };
    if let Some(raw) = &person.phone {
        match E164::parse(raw) {
            Err(error) => warn("contact.phone", "not_a_phone", error.to_string()),
            Ok(phone) if phone.reaches_nobody() => {
                let why = "the number stands in for one that was withheld or not given";
                warn("contact.phone", "reaches_nobody", why.to_owned());
            }
            Ok(_) => {}
        }
    }
    if let Some(Err(error)) = person.email.as_deref().map(EmailAddress::parse) {
        warn("contact.email", "not_an_email", error.to_string());
    }
    let is_of_the_us = person.country.as_deref().is_none_or(|country| {
        let names = ["us", "usa", "united states", "united states of america"];
        names.contains(&country.to_lowercase().as_str())
    });
    let postal_code = person.postal_code.as_deref().filter(|_| is_of_the_us);
    match postal_code.map(PostalCode::parse) {
        Some(Err(error)) => warn("place.postal_code", "not_a_zip_code", error.to_string()),
        Some(Ok(code)) if code.is_placeholder() => {
            let why = "no place has this ZIP code";
            warn("place.postal_code", "not_a_zip_code", why.to_owned());
        }
        Some(Ok(_)) | None => {}
    }
    warnings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(json: &Value) -> Vec<(String, &'static str)> {
        let error = PostedLead::read(json).unwrap_err();
        let faults = error.faults.into_iter();
        faults.map(|fault| (fault.path, fault.code)).collect()
    }

    #[test]
    fn every_fault_is_named_with_its_path_and_code() {
        let json = json!({
            "contact": { "name": 5, "phone": "5".repeat(65), "mobile": "x" },
            "place": "Austin",
            "project": { "square_feet": -1 },
            "occurred_at": "yesterday",
            "external_id": "two words",
            "consent": { "at": "2026-11-02T15:04:05Z" },
            "tags": vec!["x"; 21],
            "extra": { "deep": { "er": 1 } },
            "phone": "512 555 0142",
        });
        let expected = [
            ("contact.name", "wrong_type"),
            ("contact.phone", "too_long"),
            ("contact.mobile", "unknown_field"),
            ("place", "wrong_type"),
            ("project.square_feet", "out_of_range"),
            ("consent.text", "missing"),
            ("tags", "wrong_length"),
            ("external_id", "invalid"),
            ("occurred_at", "invalid"),
            ("extra.deep", "wrong_type"),
            ("phone", "unknown_field"),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(path, code)| ((*path).to_owned(), *code))
            .collect();
        assert_eq!(faults(&json), expected);
        for json in [json!([]), json!("lead"), json!(null)] {
            assert_eq!(faults(&json), [(String::new(), "wrong_type")], "{json}");
        }
        assert_eq!(faults(&json!({})), [("contact".to_owned(), "missing")]);
    }

    #[test]
    fn a_lead_that_nobody_can_answer_is_a_fault() {
        let unreachable = [("contact".to_owned(), "unreachable")];
        for contact in [
            json!({}),
            json!({ "name": "Ann Lee", "phone": " ", "email": null }),
        ] {
            assert_eq!(faults(&json!({ "contact": contact })), unreachable);
        }
        let address = json!({ "contact": {}, "place": { "address": "12 Elm Street" } });
        assert!(PostedLead::read(&address).is_ok());
    }

    #[test]
    fn what_cannot_be_used_is_kept_and_told() {
        let json = json!({
            "contact": { "phone": "1234", "email": "ann@example" },
            "place": { "postal_code": "99999" },
        });
        let lead = PostedLead::read(&json).unwrap();
        let told: Vec<_> = lead.warnings.iter().map(|warning| warning.code).collect();
        assert_eq!(told, ["not_a_phone", "not_an_email", "not_a_zip_code"]);
        assert_eq!(lead.facts.person.phone.as_deref(), Some("1234"));
        let contact = lead.facts.contact();
        assert_eq!((contact.phone, contact.email), (None, None));
        let canadian = json!({
            "contact": { "phone": "+1 999 999 9999" },
            "place": { "postal_code": "K1A 0B1", "country": "Canada" },
        });
        let told = PostedLead::read(&canadian).unwrap().warnings;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].code, "reaches_nobody");
    }

    #[test]
    fn a_whole_lead_is_read() {
        let json = json!({
            "contact": { "first_name": "Ann", "last_name": "Lee", "phone": "(512) 555-0142 x7" },
            "place": { "city": "Round Rock", "state": "Texas", "postal_code": "02134-1000" },
            "project": { "type": "Kitchen", "budget": "about forty thousand", "square_feet": 200 },
            "message": "Line one\nline two",
            "attribution": {
                "first": { "source": "bing", "gclid": null },
                "last": { "source": "google", "gclid": "TeSt-1", "landing_page": "https://example.com/k" },
            },
            "consent": { "text": "  I agree.\n Call me. ", "at": "2026-11-02T15:04:05-06:00" },
            "external_id": "L-1",
            "extra": { "number": 5, "yes": true, "none": null, "text": "x" },
        });
        let lead = PostedLead::read(&json).unwrap();
        assert_eq!(lead.warnings, []);
        let facts = lead.facts;
        assert_eq!(facts.person.name.as_deref(), Some("Ann Lee"));
        assert_eq!(facts.contact().extension.as_deref(), Some("7"));
        assert_eq!(facts.attribution["first_source"], "bing");
        assert_eq!(facts.attribution["source"], "google");
        assert!(!facts.attribution.contains_key("first_gclid"));
        let consent = facts.consent.unwrap();
        assert_eq!(consent.text, "  I agree.\n Call me. ", "word for word");
        let extra: Vec<_> = facts.extra.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(extra, [("number", "5"), ("text", "x"), ("yes", "true")]);
        let About::Api(about) = facts.about else {
            panic!("it came through the API")
        };
        assert_eq!(about.message.as_deref(), Some("Line one\nline two"));
        assert_eq!(about.answers["Square feet"], "200");
    }
}
