use std::collections::BTreeMap;

use domain::{Facts, FormFacts};
use serde_json::json;

use super::*;

fn read(name: &str, settings: &Value) -> Facts {
    let sample = samples::SAMPLES.iter().find(|sample| sample.name == name);
    let sample = sample.unwrap();
    let headers = BTreeMap::from([("content-type".to_owned(), sample.content_type.to_owned())]);
    let delivery = Verified::restored(&SPEC, "public-form-key", headers, sample.body.into());
    let Ok(Reading::News(news)) = WebForms.read_by(settings, &delivery.unwrap(), None) else {
        panic!("{name} is a lead");
    };
    news.facts
}

fn form(facts: &Facts) -> &FormFacts {
    match &facts.about {
        About::Form(form) => form,
        other => panic!("{other:?} is no form"),
    }
}

#[test]
fn every_tools_shape_names_the_person() {
    for (name, person, message) in [
        (
            "json",
            "Dana Whitfield",
            Some("We want to open the wall to the dining room."),
        ),
        (
            "multipart",
            "Dana Whitfield",
            Some("Photo of the current layout attached"),
        ),
        ("contact-form-7", "Ada Fenn", Some("A new bath, please.")),
        ("gravity-forms", "Ada Fenn", None),
        ("elementor", "Ada Fenn", Some("A new bath")),
        ("webflow", "Ada Fenn", Some("A new bath, please.")),
        ("typeform", "Ada Fenn", None),
        ("jotform", "Ada Fenn", Some("A new bath, please.")),
    ] {
        let facts = read(name, &json!({}));
        assert_eq!(facts.person.name.as_deref(), Some(person), "{name}");
        let email = facts.person.email.as_deref().unwrap();
        assert!(email.ends_with("@example.com"), "{name}");
        assert_eq!(form(&facts).message.as_deref(), message, "{name}");
        if name != "elementor" {
            let contact = facts.contact();
            assert!(contact.phone.is_some(), "{name}: {:?}", facts.person.phone);
        }
        assert_eq!(facts.marked_spam, None, "{name}");
    }
}

#[test]
fn a_whole_form_is_read_in_all_its_parts() {
    let facts = read("json", &json!({ "required": ["phone", "street"] }));
    assert_eq!(facts.attribution["utm_campaign"], "austin-kitchen-remodel");
    assert_eq!(facts.attribution["gclid"], "TeSt-gclid-0001");
    let answers = &form(&facts).answers;
    assert_eq!(
        (&*answers["budget"], &*answers["square_feet"]),
        ("40k-60k", "200")
    );
    let consent = facts.consent.unwrap();
    assert_eq!(
        consent.text,
        "sms: true; email: true; text_version: 2026-01"
    );
    assert_eq!(consent.at.unwrap().to_string(), "2026-03-17T14:36:18Z");
    assert_eq!(facts.missing_fields.unwrap(), ["street"]);
    assert!(facts.extra.is_empty(), "{:?}", facts.extra);
}

#[test]
fn files_are_known_and_gravity_forms_is_mapped_by_numbers() {
    let facts = read("multipart", &json!({}));
    let document = &form(&facts).documents["part-6"];
    assert_eq!((&*document.field, document.bytes), ("photo", 19));
    let facts = read("gravity-forms", &json!({ "mapping": { "message": ["5"] } }));
    assert_eq!(form(&facts).message.as_deref(), Some("A new bath, please."));
    assert_eq!(facts.person.city.as_deref(), Some("Round Rock"));
    assert_eq!(
        facts.derived_fields.unwrap(),
        ["country", "email", "name", "phone"]
    );
}

#[test]
fn a_tripped_trap_marks_spam_unless_the_field_is_the_tenants_own() {
    let facts = read("honeypot-tripped", &json!({}));
    assert_eq!(facts.marked_spam, Some(true));
    let facts = read("honeypot-tripped", &json!({ "honeypots": [] }));
    assert_eq!(facts.marked_spam, None);
    assert_eq!(facts.suspicions.unwrap(), ["the message has a link"]);
}

#[test]
fn settings_that_cannot_work_are_refused_by_their_paths() {
    let spec = settings::SPEC;
    for (settings, path) in [
        (json!({ "domains": ["https://x.com"] }), "domains.0"),
        (json!({ "thank_you_url": "http://x.com" }), "thank_you_url"),
        (
            json!({ "thank_you_url": "javascript:alert(1)" }),
            "thank_you_url",
        ),
        (
            json!({ "bot_check": { "service": "hcaptcha" } }),
            "bot_check.service",
        ),
        (
            json!({ "bot_check": { "service": "turnstile" } }),
            "domains",
        ),
        (json!({ "mapping": { "phone": "tel" } }), "mapping.phone"),
        (json!({ "domain": [] }), "domain"),
    ] {
        let error = spec.check(&settings).unwrap_err();
        assert_eq!(error.faults[0].path, path, "{settings}");
    }
}
