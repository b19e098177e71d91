//! A lead's brief in Pipedrive's fields. Pure.

use domain::{Brief, E164, EmailAddress, ProjectType, lead::brief::label};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    DEAL, LEAD,
    api::{Kind, Person},
};
use crate::cell::{cell, is_formula};

/// What our fields are called, for people and for us.
pub(super) const FIELD_NAME: &str = "Lead external ID";
/// What a person is called of whom no name is known. It counts as empty when one is learned.
const NAMELESS: &str = "Unknown person";
/// The longest conversation in a note, in UTF-16 code units. UNCONFIRMED: Pipedrive names no limit.
const MAX_CONVERSATION: usize = 60_000;

/// The keys of our fields, as this company has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) person: String,
    /// Leads share it.
    pub(super) deal: String,
}

/// The person, as far as we know them.
pub(super) fn person(brief: &Brief, keys: &Keys) -> Map<String, Value> {
    let mut person = Map::new();
    let name = brief.name.as_deref().map(cell);
    let number = || brief.phone.as_ref().map(|phone| phone.as_str().to_owned());
    let name = name.or_else(number).unwrap_or_else(|| NAMELESS.to_owned());
    person.insert("name".to_owned(), json!(name));
    if let Some(email) = email(brief) {
        person.insert("emails".to_owned(), json!([value(email, "home")]));
    }
    if let Some(phone) = &brief.phone {
        person.insert(
            "phones".to_owned(),
            json!([value(phone.as_str(), "mobile")]),
        );
    }
    let own = json!({ &keys.person: brief.person_key() });
    person.insert("custom_fields".to_owned(), own);
    person
}

/// What of the person an existing one lacks: nothing else is sent, so that nothing else can change.
pub(super) fn missing(existing: &Person, brief: &Brief, keys: &Keys) -> Map<String, Value> {
    let mut wanted = person(brief, keys);
    if brief.name.is_none() || !known_name(&existing.name).is_empty() {
        wanted.remove("name");
    }
    if !existing.emails.is_empty() {
        wanted.remove("emails");
    }
    if !existing.phones.is_empty() {
        wanted.remove("phones");
    }
    let own = existing.custom_fields.get(&keys.person);
    if own
        .and_then(Value::as_str)
        .is_some_and(|own| !own.is_empty())
    {
        wanted.remove("custom_fields");
    }
    wanted
}

/// The name that somebody has given; empty for a stand-in: a number, or ours.
pub(super) fn known_name(name: &str) -> &str {
    let is_stand_in = name == NAMELESS || E164::parse(name).is_ok();
    if is_stand_in { "" } else { name }
}

/// The forms in which a number may have been typed, since search compares texts.
pub(super) fn phone_forms(phone: &E164) -> Vec<String> {
    let full = phone.as_str();
    let digits = full.trim_start_matches('+');
    let mut forms = vec![full.to_owned(), digits.to_owned()];
    forms.extend(full.strip_prefix("+1").map(str::to_owned));
    forms
}

/// The job. Leads have their own fields beside the others; deals have them apart.
pub(super) fn job(
    brief: &Brief,
    keys: &Keys,
    kind: Kind,
    person: u64,
    currency: &str,
) -> Map<String, Value> {
    let mut job = Map::new();
    let request = brief.request.to_string();
    job.insert("title".to_owned(), json!(title(brief)));
    job.insert("person_id".to_owned(), json!(person));
    let amount = brief.value.as_deref().and_then(amount);
    if kind == Kind::Deal {
        if let Some(amount) = amount {
            job.insert("value".to_owned(), amount);
            job.insert("currency".to_owned(), json!(currency));
        }
        job.insert("custom_fields".to_owned(), json!({ &keys.deal: request }));
    } else {
        if let Some(amount) = amount {
            let value = json!({ "amount": amount, "currency": currency });
            job.insert("value".to_owned(), value);
        }
        job.insert("origin_id".to_owned(), json!(request));
        job.insert(keys.deal.clone(), json!(request));
    }
    job
}

/// Everything, as the HTML that notes are.
pub(super) fn note(brief: &Brief) -> String {
    let mut note = format!("<p>{}</p>", html(&brief.details()));
    if let Some(script) = brief.conversation.script(MAX_CONVERSATION) {
        note.push_str(&format!("<p>{}</p>", html(&script)));
    }
    note
}

/// A note at the job; at the person if there is none.
pub(super) fn note_body(content: &str, word: &str, job: &str, person: u64) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("content".to_owned(), json!(content));
    body.insert("person_id".to_owned(), json!(person));
    match (word, job.parse::<u64>()) {
        (DEAL, Ok(id)) => drop(body.insert("deal_id".to_owned(), json!(id))),
        (LEAD, _) => drop(body.insert("lead_id".to_owned(), json!(job))),
        _ => {}
    }
    body
}

/// SHA-256 over everything that is mapped, in lower-case hexadecimal.
pub(super) fn fields_hash(brief: &Brief) -> String {
    let keys = Keys {
        person: PERSON_KEY.to_owned(),
        deal: DEAL_KEY.to_owned(),
    };
    let mut hash = Sha256::new();
    for fields in [
        person(brief, &keys),
        job(brief, &keys, Kind::Lead, 0, "USD"),
    ] {
        hash.update(Value::Object(fields).to_string());
        hash.update([0]);
    }
    hash.update(note(brief));
    hex::encode(hash.finalize())
}

/// Stand-ins for a company's own keys.
const PERSON_KEY: &str = "person";
const DEAL_KEY: &str = "deal";

fn title(brief: &Brief) -> String {
    let project = brief.judgment.as_ref().map(|it| it.project_type);
    let project = match project {
        None | Some(ProjectType::Unknown | ProjectType::Other) => "Lead".to_owned(),
        Some(known) => label(known.as_str()),
    };
    cell(format!("{project} - {}", brief.title()))
}

fn email(brief: &Brief) -> Option<&str> {
    let email = brief.email.as_ref().map(EmailAddress::as_str);
    email.filter(|email| !is_formula(email))
}

fn value(value: &str, label: &str) -> Value {
    json!({ "value": value, "primary": true, "label": label })
}

/// `$18,500.50` is 18500.5; only the note shows what is no such amount.
fn amount(written: &str) -> Option<Value> {
    let plain: String = written
        .trim()
        .trim_start_matches('$')
        .chars()
        .filter(|c| *c != ',')
        .collect();
    let plain = plain.trim();
    let is_number = !plain.is_empty()
        && plain.len() <= 15
        && plain
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = plain.parse().ok().filter(|_| is_number)?;
    (number > 0.0).then(|| json!(number))
}

/// Text within HTML.
fn html(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\n' => html.push_str("<br>"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use domain::{Channel, PersonId};
    use testkit::lead as sample;

    use super::*;

    fn keys() -> Keys {
        Keys {
            person: "9d3c4f0a5b6e7d8c9a0b1c2d3e4f5a6b7c8d9e0f".to_owned(),
            deal: "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567".to_owned(),
        }
    }

    fn call() -> Brief {
        let person = PersonId::from_uuid(uuid::Uuid::from_u128(2));
        Brief::new(&sample::qualified(Channel::Phone), &sample::office()).from_person(person)
    }

    #[test]
    fn every_value_goes_where_it_belongs() {
        let person = Value::Object(person(&call(), &keys()));
        let expected = json!({
            "name": "Ann Lee",
            "emails": [{ "value": "ann@example.com", "primary": true, "label": "home" }],
            "phones": [{ "value": "+15125550142", "primary": true, "label": "mobile" }],
            "custom_fields": { "9d3c4f0a5b6e7d8c9a0b1c2d3e4f5a6b7c8d9e0f": "per_00000000000000000000000000000002" },
        });
        assert_eq!(person, expected);
        let lead = job(&call(), &keys(), Kind::Lead, 781, "USD");
        assert_eq!(lead["title"], "Kitchen - Ann Lee");
        assert_eq!(
            lead["value"],
            json!({ "amount": 18_500.0, "currency": "USD" })
        );
        assert_eq!(lead[&keys().deal], lead["origin_id"]);
        let deal = job(&call(), &keys(), Kind::Deal, 781, "EUR");
        assert_eq!(
            (&deal["value"], &deal["currency"]),
            (&json!(18_500.0), &json!("EUR"))
        );
        assert_eq!(deal["custom_fields"][&keys().deal], lead["origin_id"]);
    }

    #[test]
    fn a_persons_gaps_are_filled_and_nothing_else_is_sent() {
        let existing: Person = serde_json::from_value(json!({
            "id": 781, "name": "Annie", "emails": [{ "value": "a@example.com" }], "phones": [],
            "custom_fields": { "9d3c4f0a5b6e7d8c9a0b1c2d3e4f5a6b7c8d9e0f": null },
        }))
        .unwrap();
        let missing = missing(&existing, &call(), &keys());
        let names: Vec<_> = missing.keys().map(String::as_str).collect();
        assert_eq!(names, ["custom_fields", "phones"]);
    }

    #[test]
    fn what_a_lead_says_is_no_markup() {
        let hostile = Brief {
            note: Some("<script>alert(1)</script> & more".to_owned()),
            ..call()
        };
        let note = note(&hostile);
        assert!(
            note.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"),
            "{note}"
        );
        assert!(!note.contains("<script"), "{note}");
    }
}
