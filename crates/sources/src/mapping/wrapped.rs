//! Fields that lie inside an object which means nothing, such as `{"form": {"name": …, "email": …}}`; and objects that
//! are about somebody else.

use super::{FIELDS, is_same, normalized};
use crate::body::{Body, Entry};

/// What scripts and tools call an object around the fields.
const WRAPPERS: [&str; 36] = [
    "answers",
    "attributes",
    "body",
    "client",
    "contact",
    "contactinfo",
    "customer",
    "data",
    "details",
    "entries",
    "entry",
    "fields",
    "form",
    "formdata",
    "formfields",
    "formresponse",
    "formsubmission",
    "formvalues",
    "homeowner",
    "input",
    "inputs",
    "item",
    "lead",
    "leads",
    "payload",
    "person",
    "properties",
    "record",
    "response",
    "responses",
    "result",
    "submission",
    "submissiondata",
    "submissions",
    "values",
    "visitor",
];

/// The name that each field has inside of what is wrapped around it, normalized; none where nothing is, or where what
/// is inside is not the person's: `form.name` is the form's name unless an address or a number stands beside it.
pub(super) fn names_within(body: &Body) -> Vec<Option<String>> {
    let split: Vec<_> = body
        .entries
        .iter()
        .map(|entry| split(&entry.name))
        .collect();
    let is_of_person = |wrapper: &str, name: &str| {
        let tells_form = wrapper.rsplit('.').next() == Some("form");
        let telling: &[&str] = if tells_form {
            &["email", "phone", "first_name", "last_name"]
        } else {
            &[
                "email",
                "phone",
                "first_name",
                "last_name",
                "message",
                "street",
                "zip",
            ]
        };
        let fields = FIELDS.iter().filter(|field| telling.contains(&field.name));
        let mut aliases = fields.flat_map(|field| field.aliases);
        aliases.any(|alias| is_same(name, alias))
    };
    let mut of_people: Vec<&str> = Vec::new();
    for (wrapper, name) in split.iter().flatten() {
        if !of_people.contains(&wrapper.as_str()) && is_of_person(wrapper, name) {
            of_people.push(wrapper);
        }
    }
    split
        .iter()
        .map(|split| {
            let (wrapper, name) = split.as_ref()?;
            of_people.contains(&wrapper.as_str()).then(|| name.clone())
        })
        .collect()
}

/// What is wrapped around a field, and the field's own name, both normalized.
fn split(name: &str) -> Option<(String, String)> {
    let mut rest = name;
    let mut wrapper = Vec::new();
    while let Some((outer, inner)) = rest.split_once('.') {
        let known = normalized(outer);
        // Of several things in a list the first is meant.
        let is_first = outer == "0" && !wrapper.is_empty();
        if !is_first && !WRAPPERS.contains(&known.as_str()) {
            break;
        }
        wrapper.push(known);
        rest = inner;
    }
    (!wrapper.is_empty()).then(|| (wrapper.join("."), normalized(rest)))
}

/// Whether a field stands in an object that is about somebody else than the person: the agent whom a lead was given to,
/// the company's own location.
pub(super) fn is_of_somebody_else(name: &str, body: &Body) -> bool {
    const OTHERS: [&str; 17] = [
        "account",
        "agent",
        "assigned_to",
        "assignedto",
        "assignee",
        "branch",
        "dealer",
        "manager",
        "office",
        "organization",
        "realtor",
        "recipient",
        "referrer",
        "rep",
        "representative",
        "staff",
        "store",
    ];
    let Some((path, _)) = name.rsplit_once('.') else {
        return false;
    };
    let mut end = 0;
    path.split('.').any(|part| {
        end += part.len() + 1;
        let own = part.to_ascii_lowercase();
        // A location with an id is a place of the company's; one without may be the project's.
        let is_place = || {
            let id = format!("{}id", name.get(..end).unwrap_or_default());
            let has_id = |entry: &Entry| entry.name == id;
            own == "location" && body.entries.iter().any(has_id)
        };
        OTHERS.contains(&own.as_str()) || is_place()
    })
}
