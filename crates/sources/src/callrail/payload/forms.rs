//! Forms on the company's website, as CallRail's Form Tracking captures them.
//!
//! - Identity: the numeric `id`; the API names the same submission `FOR…`. UNCONFIRMED: that a webhook ever names it so.
//!   So it has a name by its circumstances, too: when it was submitted, and whom it says to call or to write to. What one
//!   person submits within one second is one lead.
//! - `form_data` is a free map of the form's own fields. What they say of the person is taken where name and value agree,
//!   where the person came from (`utm_…`, click ids) goes to the attribution, the longest words of their own are the
//!   message, and all others are kept as answers. It may be JSON in a text.
//! - The company is named by its number alone.
//!
//! Source: support.callrail.com, "Webhooks", "Form Submission" (read 2026-11). UNCONFIRMED: bodies as
//! `application/x-www-form-urlencoded`; `form_data[name]=value` is understood then.

use std::collections::BTreeMap;

use domain::{About, Alias, Facts, FormFacts, PersonFacts, Reading, text};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{
    ids::{is_id, is_placeholder},
    is_attribution, is_likely, is_wanted,
    reader::Reader,
};
use crate::{
    ReadError, Verified,
    answers::Answers,
    fields::{Field, Fields, line},
};

/// Where a body names the submission, the newer form first.
const NAMES: &[&str] = &["resource_id", "id"];

/// Longest message that is kept, in characters.
const MAX_MESSAGE: usize = 5_000;

/// Reads the body once more, because a form's own fields may have any name.
pub(super) fn read(delivery: &Verified) -> Result<Reading, ReadError> {
    let fields = &delivery.fields(|_| true)?;
    let ids = ids(fields)?;
    let mut reader = Reader::new(fields);
    let in_text = in_text(fields);
    let mut form = Form::of(form_data(fields, in_text.as_ref()));
    let mut attribution = reader.attribution();
    if let Some(referrer) = reader.line(&["referrer"], 500) {
        attribution.insert("referrer".to_owned(), referrer);
    }
    for (name, value) in std::mem::take(&mut form.attribution) {
        attribution.entry(name).or_insert(value);
    }
    let submitted_at: Option<Timestamp> =
        reader.parsed("submitted_at", |raw| raw.parse().ok().filter(is_likely));
    // What is missing of a body may be what it would be named by.
    let named_at = submitted_at.filter(|_| !fields.is_cut());
    let name = named_at.and_then(|at| form.name(at));
    let person = PersonFacts {
        // The API's names, in case a webhook has them, too.
        name: reader.line(&["customer_name"], 200),
        phone: reader.line(&["customer_phone_number"], 64),
        email: reader.line(&["customer_email"], 254),
        ..PersonFacts::default()
    };
    let facts = Facts {
        person: form.person.or(&person),
        attribution,
        marked_spam: reader.flag("spam"),
        about: About::Form(FormFacts {
            form: reader.line(&["form_name"], 200),
            page_url: reader.line(&["form_url"], 500),
            submitted_at,
            message: form.message,
            answers: form.answers,
            ..FormFacts::default()
        }),
        ..Facts::default()
    };
    // All members were wanted; of those that could not be read, only what is used is missed.
    let mut unread_fields = reader.unread();
    if fields.text("form_data").is_some() && in_text.is_none() {
        unread_fields.insert("form_data".to_owned());
    }
    unread_fields
        .retain(|name| is_wanted(name) || ["body", "utm", "referrer"].contains(&name.as_str()));
    let facts = Facts {
        unread_fields,
        ..facts
    };
    let mut news = delivery.news("form", &ids, facts);
    news.aliases.extend(name);
    Ok(Reading::News(news))
}

fn ids<'f>(fields: &'f Fields<'_>) -> Result<Vec<&'f str>, ReadError> {
    let mut ids = Vec::new();
    let mut odd = None;
    for name in NAMES {
        let Some(field) = fields.get(name).filter(|field| field.says_something()) else {
            continue;
        };
        match field.text() {
            Some(id) if is_placeholder(id) => {}
            Some(id) if is_id(id) => ids.push(id),
            _ => odd = Some(*name),
        }
    }
    match (ids.is_empty(), odd) {
        (false, _) => Ok(ids),
        (true, Some(field)) => Err(ReadError::BadId {
            field,
            expected: "1 to 64 letters, digits, `_` and `-`",
        }),
        (true, None) if fields.is_cut() => Err(ReadError::Cut),
        (true, None) => Err(ReadError::Missing { fields: NAMES }),
    }
}

/// The form's own fields where they stand as JSON in a text.
fn in_text<'f>(fields: &'f Fields<'_>) -> Option<Fields<'f>> {
    let text = fields
        .text("form_data")
        .filter(|text| text.starts_with('{'))?;
    Fields::read(Some("application/json"), text.as_bytes(), |_| true).ok()
}

/// The form's own fields, by their names.
fn form_data<'f>(
    fields: &'f Fields<'_>,
    in_text: Option<&'f Fields<'_>>,
) -> impl Iterator<Item = (&'f str, &'f Field<'f>)> {
    let nested = fields.object("form_data").members();
    let flat = fields.members().filter_map(|(name, field)| {
        let name = name.strip_prefix("form_data[")?.split(']').next()?;
        Some((name, field))
    });
    let in_text = in_text.into_iter().flat_map(Fields::members);
    nested.chain(in_text).chain(flat)
}

/// Whether a form's field tells of the visit, or, behind `first_`, of the first one.
fn is_of_visit(name: &str) -> bool {
    is_attribution(name)
        || name
            .strip_prefix("first_")
            .is_some_and(|name| is_attribution(name) || matches!(name, "landing_page" | "referrer"))
}

/// What a form's own fields say.
#[derive(Default)]
struct Form {
    person: PersonFacts,
    message: Option<String>,
    attribution: BTreeMap<String, String>,
    answers: BTreeMap<String, String>,
}

impl Form {
    /// The name of a submission by its circumstances; none where it says nothing. Of a number the last ten digits count,
    /// however it was written.
    fn name(&self, at: Timestamp) -> Option<Alias> {
        let email = self.person.email.as_deref().map(str::to_lowercase);
        let digits = |phone: &str| {
            let digits: Vec<_> = phone.chars().filter(char::is_ascii_digit).collect();
            digits[digits.len().saturating_sub(10)..]
                .iter()
                .collect::<String>()
        };
        let phone = self.person.phone.as_deref().map(digits);
        let told = if email.is_some() || phone.is_some() {
            format!(
                "{} {}",
                email.unwrap_or_default(),
                phone.unwrap_or_default()
            )
        } else if !self.answers.is_empty() || self.message.is_some() {
            format!("{:?} {:?}", self.answers, self.message)
        } else {
            return None;
        };
        let mut digest = hex::encode(Sha256::digest(told));
        digest.truncate(32);
        Some(Alias {
            provider: "callrail".to_owned(),
            kind: "submission".to_owned(),
            // Hashed so that nobody reads it in passing; it is the person's data all the same.
            value: format!("{}-{digest}", at.as_second()),
        })
    }

    fn of<'f>(fields: impl Iterator<Item = (&'f str, &'f Field<'f>)>) -> Self {
        let mut form = Self::default();
        let mut answers = Answers::default();
        let (mut first, mut last) = (None, None);
        for (name, field) in fields {
            let Some(value) = value(field) else { continue };
            // `full_name` and `your-email` ask as `full name` and `your email` do.
            let question = name.replace(['_', '-'], " ");
            match question.trim().to_lowercase().as_str() {
                _ if is_of_visit(name) => {
                    form.attribution
                        .extend(line(name, 100).zip(line(&value, 500)));
                }
                "first name" | "firstname" | "fname" => first = line(&value, 100),
                "last name" | "lastname" | "lname" | "surname" => last = line(&value, 100),
                "city" | "town" => form.person.city = line(&value, 100),
                "state" => form.person.state = line(&value, 50),
                asked if form.message.is_none() && asks_for_wish(asked) => {
                    form.message = Some(text::bounded(value.trim(), MAX_MESSAGE));
                }
                _ => answers.add(&question, &value),
            }
        }
        let parts: Vec<_> = first.into_iter().chain(last).collect();
        form.person.name = (!parts.is_empty()).then(|| parts.join(" "));
        form.person = answers.person.or(&form.person);
        form.answers = answers.others;
        form
    }
}

/// What was entered. A box that was ticked is `yes`, several that were chosen have commas between them.
fn value(field: &Field<'_>) -> Option<String> {
    let value = match field {
        Field::List(items) => {
            let texts: Vec<_> = items.iter().filter_map(Field::text).collect();
            texts.join(", ")
        }
        Field::Bool(is_ticked) => if *is_ticked { "yes" } else { "no" }.to_owned(),
        Field::Object(_) => return None,
        Field::Text(_) => field.text()?.to_owned(),
    };
    (!value.trim().is_empty()).then_some(value)
}

/// Whether a field's name asks for words of the person's own.
fn asks_for_wish(asked: &str) -> bool {
    const WORDS: [&str; 9] = [
        "message",
        "your message",
        "comment",
        "comments",
        "details",
        "project details",
        "description",
        "project description",
        "how can we help",
    ];
    WORDS.contains(&asked.trim_matches(['?', ':', '*', ' ']))
}
