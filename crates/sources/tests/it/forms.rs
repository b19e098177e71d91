//! Website forms: what is read of bodies that tools and scripts post.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::{Facts, Reading};
use serde_json::{Value, json};
use sources::{ReadError, Source as _, Verified};

const SOURCE: &sources::webforms::WebForms = &sources::webforms::WebForms;

fn try_read(content_type: &str, body: String, settings: &Value) -> Result<Reading, ReadError> {
    let headers = BTreeMap::from([("content-type".to_owned(), content_type.to_owned())]);
    let body = Bytes::from(body);
    let delivery = Verified::restored(SOURCE.spec(), "public-form-key", headers, body).unwrap();
    SOURCE.read_by(settings, &delivery, None)
}

fn facts_of(content_type: &str, body: String, settings: &Value) -> Facts {
    match try_read(content_type, body, settings).unwrap() {
        Reading::News(news) => news.facts,
        other => panic!("{other:?}"),
    }
}

fn in_json(body: &Value) -> Facts {
    facts_of("application/json", body.to_string(), &json!({}))
}

#[test]
fn what_stands_beside_the_name_is_the_persons() {
    let lead = in_json(&json!({
        "type": "lead.created",
        "agent": { "name": "Sally Agent", "email": "sally@agency.example", "phone": "512-555-0101" },
        "lead": { "name": "Len Lead", "email": "len@example.com", "phone": "512-555-0102", "message": "kitchen" },
    }));
    assert_eq!(lead.person.name.as_deref(), Some("Len Lead"));
    assert_eq!(lead.person.email.as_deref(), Some("len@example.com"));
    assert_eq!(lead.person.phone.as_deref(), Some("512-555-0102"));
    assert_eq!(lead.extra["agent.email"], "sally@agency.example");
    // An object that nobody knows comes first in the body.
    let lead = in_json(&json!({
        "desk": { "email": "desk@acme.example", "phone": "512-555-0109" },
        "customer": {
            "consent": { "email": true }, "first_name": "Cy", "last_name": "Cust",
            "email": "cy@example.com", "phone": "512-555-0103",
        },
    }));
    assert_eq!(lead.person.name.as_deref(), Some("Cy Cust"));
    assert_eq!(lead.person.email.as_deref(), Some("cy@example.com"));
    assert_eq!(lead.person.phone.as_deref(), Some("512-555-0103"));
}

#[test]
fn what_is_somebody_elses_is_never_the_leads() {
    for other in [
        "agent",
        "agents",
        "owner",
        "assigned_to",
        "assignedTo",
        "rep",
        "company",
        "referral",
        "sender",
    ] {
        let theirs = json!({
            "name": "Bob", "email": "bob@acme.example", "phone": "512-555-0104", "address": "1 Far Road", "zip": "10001",
        });
        let mut body = json!({ "contact": { "name": "Ada Fenn", "phone": "512-555-0105" } });
        body[other] = theirs;
        let lead = in_json(&body);
        assert_eq!(lead.person.name.as_deref(), Some("Ada Fenn"), "{other}");
        assert_eq!(
            lead.person.phone.as_deref(),
            Some("512-555-0105"),
            "{other}"
        );
        let rest = (
            lead.person.email,
            lead.person.address,
            lead.person.postal_code,
        );
        assert_eq!(rest, (None, None, None), "{other}");
        let kept = format!("{other}.email");
        assert_eq!(lead.extra[&kept], "bob@acme.example", "{other}");
    }
    // A tenant's own names mean what they say.
    let settings = json!({ "mapping": { "email": ["agent.email"] } });
    let body = json!({ "name": "Ada Fenn", "agent": { "email": "ada@example.com" } });
    let lead = facts_of("application/json", body.to_string(), &settings);
    assert_eq!(lead.person.email.as_deref(), Some("ada@example.com"));
}

#[test]
fn a_projects_address_goes_before_any_other() {
    let lead = in_json(&json!({
        "contact": { "name": "Ada Fenn", "phone": "512-555-0106", "address": "9 Home Lane", "zip": "75201" },
        "company": { "address": "1 Far Road", "city": "New York", "zip": "10001" },
        "project": { "address": "12 Elm Street", "city": "Austin", "zip": "78704" },
    }));
    assert_eq!(lead.person.address.as_deref(), Some("12 Elm Street"));
    assert_eq!(lead.person.city.as_deref(), Some("Austin"));
    assert_eq!(lead.person.postal_code.as_deref(), Some("78704"));
}
