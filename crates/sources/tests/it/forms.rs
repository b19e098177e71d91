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

/// Gravity Forms numbers the ticked boxes of a list as it numbers the parts of a name and of an address.
#[test]
fn ticked_boxes_of_gravity_forms_are_no_address_and_no_name() {
    let boxes = in_json(&json!({
        "form_id": "3", "1.3": "Gail", "1.6": "Vity", "2": "(512) 555-0102", "5.1": "Kitchen", "5.5": "Deck",
    }));
    assert_eq!(boxes.person.name.as_deref(), Some("Gail Vity"));
    assert_eq!(
        (boxes.person.address, boxes.person.postal_code),
        (None, None)
    );
    let both = in_json(&json!({
        "form_id": "3", "1.3": "Gail", "1.6": "Vity", "2": "(512) 555-0102", "5.1": "Kitchen", "5.4": "Roof",
        "10.1": "12 Elm St", "10.3": "Austin", "10.4": "TX", "10.5": "78704",
    }));
    assert_eq!(both.person.address.as_deref(), Some("12 Elm St"));
    assert_eq!(both.person.city.as_deref(), Some("Austin"));
    assert_eq!(both.person.state.as_deref(), Some("TX"));
    assert_eq!(both.person.postal_code.as_deref(), Some("78704"));
    for names in [["5.3", "5.6"], ["input_5_3", "input_5_6"]] {
        let mut body = json!({ "form_id": "3", "1": "Gail Vity", "2": "(512) 555-0108" });
        body[names[0]] = json!("Windows");
        body[names[1]] = json!("Roof");
        let lead = in_json(&body);
        assert_eq!(lead.person.name, None, "{names:?}");
        assert_eq!(lead.person.phone.as_deref(), Some("(512) 555-0108"));
    }
    let texas =
        in_json(&json!({ "form_id": "3", "1.3": "Gail", "4.1": "12 Elm St", "4.4": "Texas" }));
    assert_eq!(texas.person.address.as_deref(), Some("12 Elm St"));
}

/// Whether a form that says this has a consent recorded, with the words of the tenant.
fn consents(body: &str) -> bool {
    let settings = json!({ "consent_text": "You may call and write to me." });
    let body = format!("name=Ada+Fenn&phone=512-555-0107&{body}");
    let facts = facts_of("application/x-www-form-urlencoded", body, &settings);
    facts.consent.is_some()
}

#[test]
fn whoever_accepts_the_terms_has_not_agreed_to_be_called() {
    for body in [
        "terms=on",
        "terms=1",
        "privacy=on",
        "privacy_policy=1",
        "acceptance_terms=on",
        "sms_consent=&terms=on",
        "sms_consent=&consent=on",
        "sms_consent=no&consent=on",
    ] {
        assert!(!consents(body), "{body}");
    }
    for body in [
        "consent=on",
        "sms_consent=1&terms=on",
        "sms_consent=0&sms_consent=1",
        "consent=I+agree",
    ] {
        assert!(consents(body), "{body}");
    }
    let boxes = |sms: bool| {
        let consent = json!({ "sms": sms, "terms": true });
        in_json(&json!({ "name": "Ada", "phone": "512-555-0107", "consent": consent })).consent
    };
    assert!(boxes(true).is_some());
    assert_eq!(boxes(false), None);
}

#[test]
fn words_that_refuse_are_no_consent() {
    for said in [
        "disagree",
        "I disagree",
        "denied",
        "revoked",
        "unsubscribe",
        "unsubscribed",
        "opted_out",
        "opted out",
        "opt-out",
        "opt_out",
        "null",
        "undefined",
        "I'm not sure",
        "I have not agreed",
        "We would rather not",
        "rejected",
        "withdrawn",
        "n/a",
        "Please remove me",
    ] {
        let said = said.replace(' ', "+");
        assert!(!consents(&format!("consent={said}")), "{said}");
    }
}
