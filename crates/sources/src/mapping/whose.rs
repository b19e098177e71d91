//! Whose a field of nested JSON is: the person's, or that of somebody else whom the body names, too.

use super::{FIELDS, Mapping, fields::Field, is_name_of, is_same, normalized};
use crate::body::{Body, Entry};

/// What is called an object about somebody who is not the lead: who works on it, who sent it on, and the company.
const OTHERS: [&str; 36] = [
    "affiliate",
    "agency",
    "agent",
    "assigned",
    "assignedagent",
    "assignedto",
    "assigneduser",
    "assignee",
    "broker",
    "company",
    "createdby",
    "dealer",
    "employee",
    "employer",
    "manager",
    "organisation",
    "organization",
    "owner",
    "partner",
    "publisher",
    "realtor",
    "referral",
    "referredby",
    "referrer",
    "rep",
    "representative",
    "salesagent",
    "salesperson",
    "salesrep",
    "sender",
    "sentby",
    "staff",
    "team",
    "technician",
    "updatedby",
    "vendor",
];

/// What is called an object about the place where the work is.
const SITES: [&str; 6] = [
    "job",
    "jobsite",
    "project",
    "projectaddress",
    "property",
    "site",
];

const OF_A_PERSON: [&str; 5] = ["email", "phone", "first_name", "last_name", "name"];
const OF_A_PLACE: [&str; 5] = ["zip", "street", "city", "state", "country"];

/// What the objects say in which the fields of a body stand, field by field.
pub(super) struct Whose(Vec<Object>);

/// An object that a field stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    /// It is about somebody else.
    Other,
    /// It is about the place where the work is.
    Site,
    /// The person's name stands in it.
    Named,
    /// It says nothing, or the field stands in none.
    Any,
}

impl Whose {
    /// Looks at the objects of a body, and for the person's name in them, by the tenant's own names first.
    pub(super) fn of(mapping: &Mapping, body: &Body) -> Self {
        let person = name_of_person(mapping, body).and_then(object_of);
        let of = |entry: &Entry| {
            let inside =
                person.and_then(|person| entry.name.strip_prefix(person)?.strip_prefix('.'));
            if is_in(&entry.name, &OTHERS) {
                Object::Other
            } else if is_in(&entry.name, &SITES) {
                Object::Site
            } else if inside.is_some_and(|inside| !is_in(inside, &["consent"])) {
                Object::Named
            } else {
                Object::Any
            }
        };
        Self(body.entries.iter().map(of).collect())
    }

    fn get(&self, at: usize) -> Object {
        self.0.get(at).copied().unwrap_or(Object::Any)
    }

    /// Whether an entry says this of somebody else than the lead.
    pub(super) fn is_others(&self, field: &Field, at: usize) -> bool {
        let is_personal = OF_A_PERSON.contains(&field.name) || OF_A_PLACE.contains(&field.name);
        is_personal && self.get(at) == Object::Other
    }

    /// The entries that go before all others for this field: those beside the person's name; for a place those of the
    /// project first.
    pub(super) fn nearest(&self, field: &Field) -> Vec<usize> {
        // A project's own state may be how far it is.
        let objects: &[Object] = match field.name {
            "zip" | "street" | "city" => &[Object::Site, Object::Named],
            name if OF_A_PERSON.contains(&name) || OF_A_PLACE.contains(&name) => &[Object::Named],
            _ => &[],
        };
        let all = |object: &Object| {
            let object = *object;
            (0..self.0.len()).filter(move |at| self.get(*at) == object)
        };
        objects.iter().flat_map(all).collect()
    }
}

/// The path of the field that has the person's name.
fn name_of_person<'a>(mapping: &Mapping, body: &'a Body) -> Option<&'a str> {
    let entries = || {
        let entries = body.entries.iter();
        entries.filter(|entry| entry.says_something() && !is_in(&entry.name, &OTHERS))
    };
    let own = |field: &str| {
        let mut names = mapping.names(field).iter();
        names.find_map(|name| body.entries.iter().find(|entry| entry.is_called(name)))
    };
    let whole = || {
        let field = FIELDS.iter().find(|field| field.name == "name")?;
        let mut aliases = field.aliases.iter();
        aliases.find_map(|alias| entries().find(|entry| is_same(&normalized(&entry.name), alias)))
    };
    let first = || {
        entries().find(|entry| {
            let last = entry.name.rsplit('.').next().unwrap_or(&entry.name);
            is_name_of("first_name", &entry.name) || is_name_of("first_name", last)
        })
    };
    let found = own("name").or_else(|| own("first_name"));
    let found = found.or_else(whole).or_else(first)?;
    Some(&found.name)
}

/// The object that a name stands in: `customer` for `customer.name` and for `customer.name.first`.
fn object_of(path: &str) -> Option<&str> {
    let (object, _) = path.rsplit_once('.')?;
    match object.rsplit_once('.') {
        Some((outer, last)) if is_name_of("name", last) => Some(outer),
        _ => Some(object),
    }
}

/// Whether a field stands in an object that is called so, or in a list of such: `agents.0.email`.
fn is_in(path: &str, objects: &[&str]) -> bool {
    let Some((path, _)) = path.rsplit_once('.') else {
        return false;
    };
    path.split('.').any(|part| {
        let part = normalized(part);
        let one = part.strip_suffix('s').unwrap_or(&part);
        objects.contains(&part.as_str()) || objects.contains(&one)
    })
}
