//! A lead's brief in Pipedrive's fields. Pure.

use std::collections::BTreeMap;

use domain::{Brief, E164, EmailAddress, ProjectType, ProviderAnswer, lead::brief::label};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    DEAL, LEAD,
    api::{Kind, Person},
};
use crate::{
    PushError,
    cell::{cell, cut, is_formula, plain_amount},
    mapping::{Datum, DefaultField, Mapped, MappingSpec, ObjectSpec, Takes, is_alike},
    names::{self, NAMELESS},
};

/// What our fields are called, for people and for us.
pub(super) const FIELD_NAME: &str = "Lead external ID";
/// The longest name, title and text of a line, in UTF-16 code units.
const MAX_LINE: usize = 255;
/// The longest text of several lines. UNCONFIRMED: Pipedrive names no limit.
const MAX_TEXT: usize = 60_000;
/// The longest conversation in a note, in UTF-16 code units. UNCONFIRMED: Pipedrive names no limit.
const MAX_CONVERSATION: usize = 60_000;

/// The kinds of record whose fields are mapped. Leads have the fields of deals.
pub(super) const PERSONS: &str = "person";
pub(super) const DEALS: &str = "deal";

/// What can be mapped, and what is filled without any mapping.
pub(super) static MAPPING: MappingSpec = MappingSpec {
    objects: &[
        ObjectSpec {
            name: PERSONS,
            about: "the person",
            is_updated: true,
        },
        ObjectSpec {
            name: DEALS,
            about: "the request, as a lead or a deal: never changed once it is there",
            is_updated: false,
        },
    ],
    fields: &[
        DefaultField::new(
            PERSONS,
            "name",
            "contact.name, else contact.phone, else `Unknown person`",
        )
        .needed(),
        DefaultField::key(PERSONS, "emails", "contact.email"),
        DefaultField::key(PERSONS, "phones", "contact.phone"),
        DefaultField::key(PERSONS, "email", "contact.email, as `emails`"),
        DefaultField::key(PERSONS, "phone", "contact.phone, as `phones`"),
        DefaultField::key(
            PERSONS,
            "custom_fields",
            "contact.person_id, in our own field",
        ),
        DefaultField::new(DEALS, "title", "project.type as a label, and title").needed(),
        DefaultField::key(DEALS, "person_id", "the person"),
        DefaultField::new(DEALS, "value", "project.value, if it is an amount"),
        DefaultField::key(DEALS, "currency", "the setting `currency`"),
        DefaultField::key(DEALS, "custom_fields", "lead_id, in our own field"),
        DefaultField::key(DEALS, "origin_id", "lead_id, of a lead"),
    ],
    is_name: |name| is_own(name) || is_word(name),
    name_rule: "a field's key: 40 hexadecimal digits of an own field, or Pipedrive's name of another",
    is_open: false,
    records: |call| {
        let object = if call.url.contains("/api/v2/persons") {
            PERSONS
        } else if call.url.contains("/api/v2/deals") || call.url.contains("/api/v1/leads") {
            DEALS
        } else {
            return Vec::new();
        };
        let Value::Object(mut fields) = call.body.clone() else {
            return Vec::new();
        };
        if let Some(Value::Object(own)) = fields.remove("custom_fields") {
            fields.extend(own);
        }
        vec![(object, fields)]
    },
};

/// Whether this is the key of a company's own field.
fn is_own(name: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    name.len() == 40 && name.bytes().all(is_digit)
}

fn is_word(name: &str) -> bool {
    (1..=39).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The keys of a kind's own fields, as this company has them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Keys {
    /// Of our field.
    pub(super) own: String,
    /// Of every own field but ours, with what it takes.
    pub(super) all: BTreeMap<String, Own>,
}

/// What an own field takes.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Own {
    pub(super) takes: Takes,
    pub(super) form: Form,
}

/// In what a value stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Form {
    /// In itself.
    #[default]
    Plain,
    /// In an object, of deals and persons.
    Address,
    /// Beside its currency.
    Money,
    /// As the ids of options, by their labels.
    Options {
        /// Whether it takes several.
        is_many: bool,
        /// The id of each, by its label.
        ids: BTreeMap<String, Value>,
    },
}

/// How a value of an own field is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) zone: &'a TimeZone,
    /// The currency of money; nothing for persons.
    pub(super) currency: &'a str,
    /// Whether own fields stand beside the others, as in a lead.
    pub(super) is_flat: bool,
}

impl Keys {
    /// The first of the company's own fields that the mapping speaks of and that is not there.
    pub(super) fn gone<'a>(&self, mapped: &'a Mapped, object: &'a str) -> Option<&'a str> {
        let mut names = mapped.fields(object).map(|(name, _)| name);
        names.find(|name| is_own(name) && *name != self.own && !self.all.contains_key(*name))
    }

    /// A value as a field takes it, with what stands beside it.
    fn written(
        &self,
        name: &str,
        value: &Datum,
        how: Written<'_>,
    ) -> Result<Vec<(String, Value)>, PushError> {
        let one = |value| vec![(name.to_owned(), value)];
        let Some(own) = self.all.get(name) else {
            // Pipedrive's own fields: lines of text, but for amounts.
            let is_line = matches!(name, "name" | "title");
            return Ok(one(match value.json_with_lists() {
                Value::String(text) => cut(&text, if is_line { MAX_LINE } else { MAX_TEXT }).into(),
                _ if is_line => cut(&value.written(), MAX_LINE).into(),
                other => other,
            }));
        };
        let plain = || own.takes.written(value, how.zone).unwrap_or_default();
        Ok(match &own.form {
            Form::Plain => one(match plain() {
                Value::String(text) => cut(&text, MAX_TEXT).into(),
                other => other,
            }),
            Form::Address if how.is_flat => one(plain()),
            Form::Address => one(json!({ "value": plain() })),
            Form::Money if how.is_flat => vec![
                (name.to_owned(), plain()),
                (format!("{name}_currency"), how.currency.into()),
            ],
            Form::Money => one(json!({ "value": plain(), "currency": how.currency })),
            Form::Options { is_many, ids } => {
                one(options(name, value, *is_many, ids, how.is_flat)?)
            }
        })
    }
}

/// The ids of the options that a value names. A lead takes several as one text.
fn options(
    name: &str,
    value: &Datum,
    is_many: bool,
    ids: &BTreeMap<String, Value>,
    is_flat: bool,
) -> Result<Value, PushError> {
    let id = |label: &str| {
        let alike = || {
            let mut all = ids.iter();
            all.find(|(known, _)| is_alike(known, label))
                .map(|(_, id)| id)
        };
        let id = ids.get(label).or_else(alike).cloned();
        id.ok_or_else(|| PushError::Unmapped {
            field: name.to_owned(),
            code: "no such option".to_owned(),
            answer: ProviderAnswer::new("the field has no option of this name"),
        })
    };
    let found = match value {
        Datum::List(items) if is_many => items.iter().map(|item| id(item)).collect(),
        other => id(&other.plain()).map(|id| vec![id]),
    };
    let found: Vec<Value> = found?;
    Ok(match (is_many, is_flat) {
        (true, true) => {
            let found = found.iter().map(|id| id.to_string().replace('"', ""));
            found.collect::<Vec<_>>().join(",").into()
        }
        (true, false) => found.into(),
        (false, _) => found.into_iter().next().unwrap_or_default(),
    })
}

/// Puts what the mapping says of a field in place of what is usual. Own fields stand apart, except in a lead.
fn set(fields: &mut Map<String, Value>, name: &str, value: Option<Value>, is_flat: bool) {
    let fields = if is_own(name) && !is_flat {
        let apart = fields.entry("custom_fields").or_insert_with(|| json!({}));
        match apart.as_object_mut() {
            Some(apart) => apart,
            None => return,
        }
    } else {
        fields
    };
    match value {
        Some(value) => drop(fields.insert(name.to_owned(), value)),
        None => drop(fields.remove(name)),
    }
}

/// Puts what the mapping says of a kind of record in place of what is usual.
fn map(
    fields: &mut Map<String, Value>,
    (object, mapped): (&str, &Mapped),
    keys: &Keys,
    how: Written<'_>,
) -> Result<(), PushError> {
    for (name, field) in mapped.fields(object).filter(|(name, _)| *name != keys.own) {
        match &field.value {
            None => set(fields, name, None, how.is_flat),
            Some(value) => {
                for (name, value) in keys.written(name, value, how)? {
                    let is_own = is_own(name.trim_end_matches("_currency"));
                    match is_own && !how.is_flat {
                        true => set(fields, &name, Some(value), false),
                        false => drop(fields.insert(name, value)),
                    }
                }
            }
        }
    }
    Ok(())
}

/// The person, as far as we know them, under a key of ours.
pub(super) fn person(brief: &Brief, keys: &Keys, key: &str) -> Map<String, Value> {
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
    person.insert("custom_fields".to_owned(), json!({ &keys.own: key }));
    person
}

/// The person with what the mapping says.
pub(super) fn mapped_person(
    brief: &Brief,
    mapped: &Mapped,
    keys: &Keys,
    key: &str,
    currency: &str,
) -> Result<Map<String, Value>, PushError> {
    let mut person = person(brief, keys, key);
    let how = Written {
        zone: &brief.zone,
        currency,
        is_flat: false,
    };
    map(&mut person, (PERSONS, mapped), keys, how)?;
    Ok(person)
}

/// What of the person an existing one lacks: nothing else is sent, so that nothing else can change. Of the mapped fields,
/// Pipedrive's own are only known to be empty where we read them.
pub(super) fn mapped_missing(
    existing: &Person,
    brief: &Brief,
    mapped: &Mapped,
    keys: &Keys,
    key: &str,
    currency: &str,
) -> Result<Map<String, Value>, PushError> {
    let mut wanted = missing(existing, brief, keys, key);
    let whole = mapped_person(brief, mapped, keys, key, currency)?;
    for (name, field) in mapped.fields(PERSONS).filter(|(name, _)| *name != keys.own) {
        let value = match is_own(name) {
            true => whole.get("custom_fields").and_then(|own| own.get(name)),
            false => whole.get(name),
        };
        let value = value.filter(|_| field.value.is_some());
        let there = match name {
            "name" => None,
            name => existing.custom_fields.get(name),
        };
        let is_empty = match name {
            "name" => known_name(&existing.name).is_empty(),
            name if is_own(name) => there.is_none_or(|there| there.is_null() || there == ""),
            _ => false,
        };
        let is_wanted = is_empty || (mapped.is_always(PERSONS, name) && value != there);
        set(
            &mut wanted,
            name,
            value.filter(|_| is_wanted).cloned(),
            false,
        );
    }
    wanted.retain(|_, value| value.as_object().is_none_or(|apart| !apart.is_empty()));
    Ok(wanted)
}

/// Whether a person whose id we know is still theirs. An account that the connection leads to by now can have somebody
/// else under the same id.
pub(super) fn is_known(existing: &Person, brief: &Brief, keys: &Keys) -> bool {
    let own = existing
        .custom_fields
        .get(&keys.own)
        .and_then(Value::as_str);
    let is_ours = own.is_some_and(|own| own == brief.person_key() || own == names::own_key(brief));
    let name = known_name(&existing.name);
    let has_number = brief.phone.as_ref().is_some_and(|phone| {
        let mut typed = existing.phones.iter();
        typed.any(|typed| typed["value"].as_str().map(E164::parse) == Some(Ok(phone.clone())))
    });
    is_ours
        || names::is_same(brief, name)
        || has_address(existing, brief)
        || (has_number && !names::is_another(brief, name))
}

/// Whether a person is another one than the brief's: of another name, and without its address.
pub(super) fn is_another(existing: &Person, brief: &Brief) -> bool {
    !has_address(existing, brief) && names::is_another(brief, known_name(&existing.name))
}

fn has_address(existing: &Person, brief: &Brief) -> bool {
    let email = brief.email.as_ref().map(EmailAddress::as_str);
    let mut typed = existing
        .emails
        .iter()
        .filter_map(|typed| typed["value"].as_str());
    email.is_some_and(|email| typed.any(|typed| typed.eq_ignore_ascii_case(email)))
}

fn missing(existing: &Person, brief: &Brief, keys: &Keys, key: &str) -> Map<String, Value> {
    let mut wanted = person(brief, keys, key);
    if brief.name.is_none() || !known_name(&existing.name).is_empty() {
        wanted.remove("name");
    }
    if !existing.emails.is_empty() {
        wanted.remove("emails");
    }
    if !existing.phones.is_empty() {
        wanted.remove("phones");
    }
    let own = existing.custom_fields.get(&keys.own);
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
        job.insert("custom_fields".to_owned(), json!({ &keys.own: request }));
    } else {
        if let Some(amount) = amount {
            let value = json!({ "amount": amount, "currency": currency });
            job.insert("value".to_owned(), value);
        }
        job.insert("origin_id".to_owned(), json!(request));
        job.insert(keys.own.clone(), json!(request));
    }
    job
}

/// The job with what the mapping says.
pub(super) fn mapped_job(
    brief: &Brief,
    mapped: &Mapped,
    keys: &Keys,
    kind: Kind,
    person: u64,
    currency: &str,
) -> Result<Map<String, Value>, PushError> {
    let mut job = job(brief, keys, kind, person, currency);
    let is_flat = kind != Kind::Deal;
    let how = Written {
        zone: &brief.zone,
        currency,
        is_flat,
    };
    map(&mut job, (DEALS, mapped), keys, how)?;
    if mapped.has(DEALS, "value") {
        match job.remove("value") {
            Some(amount) if is_flat => {
                let value = json!({ "amount": amount, "currency": currency });
                job.insert("value".to_owned(), value);
            }
            Some(amount) => {
                job.insert("value".to_owned(), amount);
                job.insert("currency".to_owned(), json!(currency));
            }
            None => drop(job.remove("currency")),
        }
    }
    Ok(job)
}

/// Everything, as the HTML that notes are.
pub(super) fn note(brief: &Brief, notice: Option<&str>) -> String {
    let notice = notice.map(|notice| format!("<p>{}</p>", html(notice)));
    let mut note = notice.unwrap_or_default();
    note.push_str(&format!("<p>{}</p>", html(&brief.details())));
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
    let keys = |own: &str| Keys {
        own: own.to_owned(),
        ..Keys::default()
    };
    let mut hash = Sha256::new();
    for fields in [
        person(brief, &keys(PERSON_KEY), &brief.person_key()),
        job(brief, &keys(DEAL_KEY), Kind::Lead, 0, "USD"),
    ] {
        hash.update(Value::Object(fields).to_string());
        hash.update([0]);
    }
    hash.update(note(brief, None));
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
    let plain = plain_amount(written)?;
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

    fn keys_of(own: &str) -> Keys {
        Keys {
            own: own.to_owned(),
            ..Keys::default()
        }
    }

    fn person_keys() -> Keys {
        keys_of("9d3c4f0a5b6e7d8c9a0b1c2d3e4f5a6b7c8d9e0f")
    }

    fn keys() -> Keys {
        keys_of("0a1b2c3d4e5f60718293a4b5c6d7e8f901234567")
    }

    fn call() -> Brief {
        let person = PersonId::from_uuid(uuid::Uuid::from_u128(2));
        Brief::new(&sample::qualified(Channel::Phone), &sample::office()).from_person(person)
    }

    #[test]
    fn every_value_goes_where_it_belongs() {
        let key = call().person_key();
        let person = Value::Object(person(&call(), &person_keys(), &key));
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
        assert_eq!(lead[&keys().own], lead["origin_id"]);
        let deal = job(&call(), &keys(), Kind::Deal, 781, "EUR");
        assert_eq!(
            (&deal["value"], &deal["currency"]),
            (&json!(18_500.0), &json!("EUR"))
        );
        assert_eq!(deal["custom_fields"][&keys().own], lead["origin_id"]);
    }

    #[test]
    fn own_fields_are_written_as_each_kind_of_record_takes_them() {
        let key = |letter: &str| letter.repeat(40);
        let own = |form| Own {
            form,
            ..Own::default()
        };
        let options = |is_many| {
            let ids = [("Kitchen", 12), ("Call back", 13)];
            own(Form::Options {
                is_many,
                ids: ids.map(|(label, id)| (label.to_owned(), json!(id))).into(),
            })
        };
        let keys = Keys {
            own: keys().own,
            all: [
                (key("a"), own(Form::Money)),
                (key("b"), own(Form::Address)),
                (key("c"), options(false)),
                (key("d"), options(true)),
            ]
            .into(),
        };
        let fields = json!({
            key("a"): "judgment.score", key("b"): "property.city", key("c"): "project.type", key("d"): "tags",
        });
        let json = json!({ "fields": { "deal": fields } });
        let mapped = crate::Mapping::read(&MAPPING, &json).unwrap().of(&call());
        let job = |kind| mapped_job(&call(), &mapped, &keys, kind, 781, "EUR").unwrap();
        let deal = job(Kind::Deal);
        let expected = json!({
            key("a"): { "value": 82, "currency": "EUR" }, key("b"): { "value": "Round Rock" }, key("c"): 12,
            key("d"): [12, 13], keys.own.as_str(): call().request.to_string(),
        });
        assert_eq!(deal["custom_fields"], expected);
        let lead = job(Kind::Lead);
        let currency = format!("{}_currency", key("a"));
        for (name, expected) in [
            (&key("a"), json!(82)),
            (&currency, json!("EUR")),
            (&key("b"), json!("Round Rock")),
            (&key("c"), json!(12)),
            (&key("d"), json!("12,13")),
        ] {
            assert_eq!(lead[name], expected, "{name}");
        }
    }

    #[test]
    fn a_persons_gaps_are_filled_and_nothing_else_is_sent() {
        let existing: Person = serde_json::from_value(json!({
            "id": 781, "name": "Annie", "emails": [{ "value": "a@example.com" }], "phones": [],
            "custom_fields": { "9d3c4f0a5b6e7d8c9a0b1c2d3e4f5a6b7c8d9e0f": null },
        }))
        .unwrap();
        let missing = missing(&existing, &call(), &person_keys(), "per_2");
        let names: Vec<_> = missing.keys().map(String::as_str).collect();
        assert_eq!(names, ["custom_fields", "phones"]);
    }

    #[test]
    fn what_a_lead_says_is_no_markup() {
        let hostile = Brief {
            note: Some("<script>alert(1)</script> & more".to_owned()),
            ..call()
        };
        let note = note(&hostile, None);
        assert!(
            note.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; more"),
            "{note}"
        );
        assert!(!note.contains("<script"), "{note}");
    }
}
