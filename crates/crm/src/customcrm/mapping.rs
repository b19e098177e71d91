//! A lead's brief as the JSON that receivers get. Pure.
//!
//! What the lead does not have is left out. Text is marked where a spreadsheet would run it, since such systems are
//! exported to spreadsheets.

use domain::{
    Account, Brief, EmailAddress, PostalCode,
    lead::brief::{Conversation, Judgment},
    text,
};
use serde_json::{Map, Value, json};

use super::template::Template;
use crate::{
    cell::{cell, is_formula},
    mapping::{DefaultField, Mapped, MappingSpec, ObjectSpec},
    preview::flattened,
};

/// Everything that a mapping can name, in the order in which it is shown to people.
pub(super) const PLACES: &[&str] = &[
    "lead_id",
    "tenant_id",
    "version",
    "source",
    "channel",
    "received_at",
    "title",
    "contact.name",
    "contact.first_name",
    "contact.last_name",
    "contact.email",
    "contact.phone",
    "contact.extension",
    "contact.person_id",
    "property.street",
    "property.city",
    "property.state",
    "property.postal_code",
    "property.is_area_unknown",
    "project.type",
    "project.timeline",
    "project.budget",
    "project.value",
    "project.summary",
    "judgment.score",
    "judgment.intent",
    "judgment.sentiment",
    "tags",
    "note",
    "lead_status",
    "happened",
    "details",
    "conversation",
    "recording",
];

/// Our word for what is sent.
const LEAD: &str = "lead";
/// The longest mapped text, in characters.
const MAX_MAPPED: usize = 2_000;

/// What can be mapped, and what is filled without any mapping.
pub(super) static FIELDS: MappingSpec = MappingSpec {
    objects: &[ObjectSpec {
        name: LEAD,
        about: "the members of `data`",
        is_updated: true,
    }],
    fields: &[
        DefaultField::key(LEAD, "lead_id", "lead_id"),
        DefaultField::key(LEAD, "tenant_id", "the company's slug"),
        DefaultField::key(LEAD, "version", "version"),
        DefaultField::new(LEAD, "source", "source").always(),
        DefaultField::new(LEAD, "channel", "channel").always(),
        DefaultField::new(LEAD, "received_at", "received_at").always(),
        DefaultField::new(LEAD, "title", "title").always(),
        DefaultField::new(LEAD, "contact.name", "contact.name").always(),
        DefaultField::new(LEAD, "contact.first_name", "contact.first_name").always(),
        DefaultField::new(LEAD, "contact.last_name", "contact.last_name").always(),
        DefaultField::new(LEAD, "contact.email", "contact.email").always(),
        DefaultField::new(LEAD, "contact.phone", "contact.phone").always(),
        DefaultField::new(LEAD, "contact.extension", "contact.extension").always(),
        DefaultField::new(LEAD, "contact.person_id", "contact.person_id").always(),
        DefaultField::new(LEAD, "property.street", "property.street").always(),
        DefaultField::new(LEAD, "property.city", "property.city").always(),
        DefaultField::new(LEAD, "property.state", "property.state").always(),
        DefaultField::new(LEAD, "property.postal_code", "property.postal_code").always(),
        DefaultField::new(LEAD, "property.is_area_unknown", "property.is_area_unknown").always(),
        DefaultField::new(LEAD, "project.type", "project.type").always(),
        DefaultField::new(LEAD, "project.timeline", "project.timeline").always(),
        DefaultField::new(LEAD, "project.budget", "project.budget").always(),
        DefaultField::new(LEAD, "project.value", "project.value").always(),
        DefaultField::new(LEAD, "project.summary", "project.summary").always(),
        DefaultField::new(LEAD, "judgment.score", "judgment.score").always(),
        DefaultField::new(LEAD, "judgment.intent", "judgment.intent").always(),
        DefaultField::new(LEAD, "judgment.sentiment", "judgment.sentiment").always(),
        DefaultField::new(LEAD, "tags", "tags").always(),
        DefaultField::new(LEAD, "note", "note").always(),
        DefaultField::new(LEAD, "lead_status", "lead_status").always(),
        DefaultField::new(LEAD, "happened", "happened").always(),
        DefaultField::new(LEAD, "details", "details").always(),
        DefaultField::new(LEAD, "conversation", "conversation").always(),
        DefaultField::new(LEAD, "recording", "recording").always(),
    ],
    is_name: |name| {
        let is_part = |part: &str| !part.is_empty() && !part.chars().any(char::is_control);
        name.chars().count() <= 100 && name.split('.').count() <= 6 && name.split('.').all(is_part)
    },
    name_rule: "a member of `data`, at most 100 characters; a dot leads into an object",
    is_open: true,
    records: |call| vec![(LEAD, flattened(&call.body["data"]))],
};

/// The longest details and conversation, in UTF-16 code units, from what usually fits in a body to what always does.
const BUDGETS: [(usize, usize); 4] = [(5_000, 8_000), (3_000, 4_000), (1_500, 1_500), (700, 500)];
/// The largest `data`, in bytes: with the rest of a body it stays below 20,000.
const MAX_BYTES: usize = 19_000;
/// Where the rest of something is that was cut.
const REST: &str = "\n[cut here: all of it is in the dashboard]";

/// The lead by our names, as long as it may be.
pub(super) fn data(brief: &Brief, account: &Account) -> Value {
    let mut data = Value::Null;
    for (details, conversation) in BUDGETS {
        data = sized(brief, account, details, conversation);
        if data.to_string().len() <= MAX_BYTES {
            break;
        }
    }
    data
}

/// The lead by the receiver's names, with what every receiver needs to take it once.
pub(super) fn mapped(data: &Value, template: Option<&Template>) -> Value {
    let Some(template) = template else {
        return data.clone();
    };
    let mut mapped = template.fill(data);
    for name in ["lead_id", "tenant_id", "version"] {
        let value = data.get(name).cloned().unwrap_or_default();
        mapped.insert(name.to_owned(), value);
    }
    Value::Object(mapped)
}

/// The data with what the connection's mapping says of its members. A name with dots leads into objects.
pub(super) fn map(mut data: Value, mapped: &Mapped) -> Value {
    for (name, field) in mapped.fields(LEAD) {
        let value = field
            .value
            .as_ref()
            .map(|value| match value.json_with_lists() {
                Value::String(text) => Value::String(cut(&text, MAX_MAPPED)),
                other => other,
            });
        let mut place = &mut data;
        let mut names = name.split('.').peekable();
        while let Some(name) = names.next() {
            if !place.is_object() && value.is_some() {
                // What leads into a value replaces it: the mapping is the newest that somebody said.
                *place = json!({});
            }
            let Some(members) = place.as_object_mut() else {
                break;
            };
            match (names.peek(), &value) {
                (Some(_), Some(_)) => place = members.entry(name).or_insert_with(|| json!({})),
                (Some(_), None) => match members.get_mut(name) {
                    Some(deeper) => place = deeper,
                    None => break,
                },
                (None, Some(value)) => {
                    members.insert(name.to_owned(), value.clone());
                    break;
                }
                (None, None) => {
                    members.remove(name);
                    break;
                }
            }
        }
    }
    data
}

/// The longest texts that are left, in characters, from what usually fits in a body to what always does.
const LENGTHS: [usize; 7] = [4_000, 2_000, 1_000, 400, 150, 60, 20];
/// What tells one lead from another: never cut.
const IDS: [&str; 3] = ["lead_id", "tenant_id", "version"];

/// The data as long as it may be: a receiver's own shape and a mapping can say something many times.
pub(super) fn fitted(mut data: Value) -> Value {
    for max in LENGTHS {
        if data.to_string().len() <= MAX_BYTES {
            break;
        }
        let members = data.as_object_mut().into_iter().flatten();
        for (_, value) in members.filter(|(name, _)| !IDS.contains(&name.as_str())) {
            shorten(value, max);
        }
    }
    data
}

fn shorten(value: &mut Value, max: usize) {
    match value {
        Value::String(whole) if whole.chars().count() > max => {
            let is_long = max > 2 * REST.chars().count();
            *whole = if is_long {
                cut(whole, max)
            } else {
                text::bounded(whole, max)
            };
        }
        Value::Array(items) => items.iter_mut().for_each(|item| shorten(item, max)),
        Value::Object(members) => members.values_mut().for_each(|value| shorten(value, max)),
        _ => {}
    }
}

fn sized(brief: &Brief, account: &Account, max_details: usize, max_conversation: usize) -> Value {
    let Brief {
        name,
        phone,
        extension,
        email,
        city,
        state,
        postal_code,
        address,
        ..
    } = brief;
    let (first, last) = brief.split_name();
    let email = email.as_ref().map(EmailAddress::as_str);
    let contact = [
        ("name", of(name.as_deref())),
        ("first_name", of(first)),
        ("last_name", of(last)),
        ("email", json!(email.filter(|email| !is_formula(email)))),
        ("phone", json!(phone.as_ref().map(|phone| phone.as_str()))),
        ("extension", of(extension.as_deref())),
        ("person_id", json!(brief.person_key())),
    ];
    let property = [
        ("street", of(address.as_deref())),
        ("city", of(city.as_deref())),
        ("state", of(state.as_deref())),
        (
            "postal_code",
            of(postal_code.as_ref().map(PostalCode::as_str)),
        ),
        ("is_area_unknown", json!(brief.is_area_unknown)),
    ];
    let judgment = brief.judgment.as_ref();
    let word = |of: fn(&Judgment) -> &'static str| json!(judgment.map(of));
    let project = [
        ("type", word(|it| it.project_type.as_str())),
        ("timeline", word(|it| it.timeline.as_str())),
        ("budget", word(|it| it.budget.as_str())),
        ("value", of(brief.value.as_deref())),
        ("summary", of(judgment.map(|it| it.summary.as_str()))),
    ];
    let judgment = [
        ("score", json!(judgment.map(|it| it.score))),
        ("intent", word(|it| it.intent.as_str())),
        ("sentiment", word(|it| it.sentiment.as_str())),
    ];
    let tags: Vec<_> = brief.tags.iter().map(|tag| cell(tag.as_str())).collect();
    let Conversation { recording, .. } = &brief.conversation;
    let found_by = brief.found_by();
    let source = found_by.as_deref().unwrap_or(brief.channel.as_str());
    let happened = brief.happened.describe();
    object([
        ("lead_id", json!(brief.request.to_string())),
        ("tenant_id", json!(account.tenant.as_str())),
        ("version", json!(brief.version)),
        ("source", of(Some(source))),
        ("channel", json!(brief.channel.as_str())),
        ("received_at", json!(brief.received_at.to_string())),
        ("title", title(brief)),
        ("contact", object(contact)),
        ("property", object(property)),
        ("project", object(project)),
        ("judgment", object(judgment)),
        (
            "tags",
            if tags.is_empty() {
                Value::Null
            } else {
                json!(tags)
            },
        ),
        ("note", of(brief.note.as_deref())),
        ("lead_status", of(brief.lead_status.as_deref())),
        ("happened", of(Some(&happened))),
        ("details", of(Some(&cut(&brief.details(), max_details)))),
        (
            "conversation",
            of(brief.conversation.script(max_conversation).as_deref()),
        ),
        ("recording", of(recording.as_deref())),
    ])
}

/// What people call the lead. A telephone number that stands in for a name is no formula.
fn title(brief: &Brief) -> Value {
    let title = brief.title();
    let is_number = brief
        .phone
        .as_ref()
        .is_some_and(|phone| phone.as_str() == title);
    if is_number {
        json!(title)
    } else {
        of(Some(&title))
    }
}

/// A text of a lead; null if there is none.
fn of(text: Option<&str>) -> Value {
    let text = text.filter(|text| !text.is_empty());
    json!(text.map(cell))
}

/// An object of what is not null, and null if nothing is.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members: Map<String, Value> = members
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    if members.is_empty() {
        Value::Null
    } else {
        Value::Object(members)
    }
}

/// The text, if it has at most `max` characters; else its beginning, and where the rest is.
fn cut(whole: &str, max: usize) -> String {
    if whole.chars().count() <= max {
        return whole.to_owned();
    }
    let mut cut = text::bounded(whole, max.saturating_sub(REST.chars().count()));
    cut.push_str(REST);
    cut
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::{Channel, ConnectionName, PersonId, lead::brief::Utterance};
    use testkit::lead;

    use super::*;

    fn account() -> Account {
        Account {
            tenant: lead::tenant(),
            connection: ConnectionName::new("crm").unwrap(),
            version: 1,
            secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
            settings: BTreeMap::new(),
        }
    }

    fn call() -> Brief {
        let person = PersonId::from_uuid(uuid::Uuid::from_u128(2));
        Brief::new(&lead::qualified(Channel::Phone), &lead::office()).from_person(person)
    }

    #[test]
    fn every_value_goes_where_it_belongs() {
        let data = data(&call(), &account());
        for (place, expected) in [
            ("/tenant_id", json!("tenant_demo")),
            ("/contact/first_name", json!("Ann")),
            ("/contact/last_name", json!("Lee")),
            ("/contact/email", json!("ann@example.com")),
            ("/contact/phone", json!("+15125550142")),
            ("/property/city", json!("Round Rock")),
            ("/property/postal_code", json!("78664")),
            ("/project/timeline", json!("1_3_months")),
            ("/judgment/score", json!(82)),
            ("/tags", json!(["kitchen", "call back"])),
        ] {
            assert_eq!(data.pointer(place), Some(&expected), "{place}: {data}");
        }
    }

    #[test]
    fn what_is_sent_and_what_can_be_named_is_the_same() {
        fn places(prefix: &str, value: &Value, found: &mut Vec<String>) {
            for (name, value) in value.as_object().into_iter().flatten() {
                let place = format!("{prefix}{name}");
                if value.is_object() {
                    places(&format!("{place}."), value, found);
                } else {
                    found.push(place);
                }
            }
        }
        let whole = Brief {
            extension: Some("77".to_owned()),
            note: Some("Call after five.".to_owned()),
            ..call()
        };
        let mut found = Vec::new();
        places("", &data(&whole, &account()), &mut found);
        found.sort_unstable();
        let mut known: Vec<_> = PLACES.to_vec();
        known.sort_unstable();
        assert_eq!(found, known);
    }

    #[test]
    fn the_longest_lead_fits_and_says_where_the_rest_is() {
        let mut long = call();
        let utterance = Utterance {
            text: "💥".repeat(2_000),
            ..long.conversation.utterances.remove(0)
        };
        long.conversation.utterances = vec![utterance; 20];
        long.note = Some("☎".repeat(5_000));
        let data = data(&long, &account());
        let size = data.to_string().len();
        assert!(size <= 25_000, "{size}");
        for cut in ["details", "conversation"] {
            let text = data[cut].as_str().unwrap();
            assert!(text.ends_with("is in the dashboard]"), "{cut}: {text}");
        }
    }

    #[test]
    fn whatever_says_a_lead_many_times_fits_and_keeps_its_ids() {
        let note = "☎ call after five, please. ".repeat(200);
        let long = Brief {
            note: Some(note),
            ..call()
        };
        let data = data(&long, &account());
        let fields: Map<String, Value> = (0..200)
            .map(|number| (format!("copy_{number}"), json!("note")))
            .collect();
        let json = json!({ "fields": { "lead": fields } });
        let mapping = crate::Mapping::read(&FIELDS, &json).unwrap();
        let fitted = fitted(map(data.clone(), &mapping.of(&long)));
        assert!(
            fitted.to_string().len() <= MAX_BYTES,
            "{}",
            fitted.to_string().len()
        );
        for id in IDS {
            assert_eq!(fitted[id], data[id], "{id}");
        }
        assert!(fitted["copy_0"].as_str().unwrap().chars().count() <= 60);
    }

    #[test]
    fn a_mapped_member_within_a_value_is_not_lost() {
        let data = data(&call(), &account());
        let json = json!({ "fields": { "lead": {
            "contact.name": null, "contact.name.whole": "contact.name", "note.text": { "value": "x" },
        } } });
        let mapping = crate::Mapping::read(&FIELDS, &json).unwrap();
        let mapped = map(data, &mapping.of(&call()));
        assert_eq!(mapped["contact"]["name"], json!({ "whole": "Ann Lee" }));
        assert_eq!(mapped["note"], json!({ "text": "x" }));
    }

    #[test]
    fn a_receivers_own_names_stand_beside_what_makes_a_lead_once() {
        let data = data(&call(), &account());
        let template = Template::parse(
            r#"{"customer":"{{contact.name}}","zip":"{{property.postal_code}}","lead_id":"theirs"}"#,
            PLACES,
        )
        .unwrap();
        let mapped = mapped(&data, Some(&template));
        assert_eq!(mapped["customer"], "Ann Lee");
        assert_eq!(mapped["zip"], "78664");
        assert_eq!(mapped["lead_id"], data["lead_id"]);
        assert_eq!(mapped.as_object().unwrap().len(), 5);
    }
}
