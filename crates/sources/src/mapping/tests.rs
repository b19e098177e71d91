use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn mapping(names: &Value) -> Mapping {
    Mapping::deserialize(names).unwrap()
}

fn mapped(names: &Value, body: &str) -> Mapped {
    let body = Body::of(None, &Bytes::copy_from_slice(body.as_bytes())).unwrap();
    mapping(names).map(&body, |_| false)
}

#[test]
fn common_names_are_known_however_they_are_written() {
    for (body, field, expected) in [
        ("your-email=a%40b.com", "email", "a@b.com"),
        ("E-Mail%3A*=a%40b.com", "email", "a@b.com"),
        ("form_fields%5Bphone%5D=5125550171", "phone", "5125550171"),
        (r#"{"Phone Number": "5125550171"}"#, "phone", "5125550171"),
        (r#"{"contact": {"email": "a@b.com"}}"#, "email", "a@b.com"),
        ("fname=Ada&lname=Fenn", "name", "Ada Fenn"),
        (
            "services%5B%5D=bath&services%5B%5D=tile",
            "project_type",
            "bath; tile",
        ),
        ("service=bath&service=tile", "project_type", "bath; tile"),
        ("name=Love+%26amp%3B+Pace", "name", "Love & Pace"),
        ("utm_source=google", "utm_source", "google"),
    ] {
        assert_eq!(
            mapped(&json!({}), body).get(field),
            Some(expected),
            "{body}"
        );
    }
    for (body, field) in [
        (r#"{"company": {"name": "Cedar"}}"#, "name"),
        (r#"{"consent": {"email": true}}"#, "email"),
        ("name=%7B%7Bticket.requester.name%7D%7D", "name"),
    ] {
        assert_eq!(mapped(&json!({}), body).get(field), None, "{body}");
    }
}

#[test]
fn a_tenants_names_go_first_and_what_nobody_asked_for_is_kept() {
    let names = json!({ "phone": ["who.numbers.1", "cell"], "answers": ["rooms"] });
    let body = r#"{"who": {"numbers": ["1", "2"]}, "phone": "3", "cell": "4", "rooms": ["a", "b"], "zz": 7}"#;
    let found = mapped(&names, body);
    // A list of texts is one field; its own name is the path.
    assert_eq!(found.get("phone"), Some("4"));
    assert_eq!(found.answers.others["rooms"], "a; b");
    assert_eq!(found.extra["zz"], "7");
    assert_eq!(found.extra["phone"], "3");
    let cut = mapped(&json!({}), "company=Love+&+Pace+Builders&email=a%40b.com");
    assert!(cut.extra.contains_key("Pace Builders"), "{:?}", cut.extra);
}

#[test]
fn what_is_derived_is_marked() {
    let found = mapped(
        &json!({}),
        "first_name=Ada&zip=78664&7=a%40b.com&9=(512)+555-0171",
    );
    let facts = found.into_facts(None, None);
    assert_eq!(facts.derived_fields.unwrap(), ["email", "name", "phone"]);
    assert_eq!(facts.person.state, None, "the lead's own business");
}

#[test]
fn consent_is_kept_word_for_word_or_is_none() {
    let consent = |body: &str, text: Option<&str>| {
        let facts = mapped(&json!({}), body).into_facts(None, text);
        facts.consent.map(|consent| consent.text)
    };
    let words = Some("I agree to be called.");
    assert_eq!(consent("consent=on", words).as_deref(), words);
    assert_eq!(consent("consent=I+do", words).as_deref(), Some("I do"));
    for none in ["name=x", "consent=", "consent=no", "consent=0"] {
        assert_eq!(consent(none, words), None, "{none}");
    }
    let boxes = r#"{"consent": {"sms": true, "email": false, "text_version": "2026-01"}}"#;
    let said = "sms: true; email: false; text_version: 2026-01";
    assert_eq!(consent(boxes, words).as_deref(), Some(said));
    assert_eq!(consent(r#"{"consent": {"sms": false}}"#, words), None);
}

proptest! {
    /// Whatever the body and the mapping: something is read, always the same, and within bounds.
    #[test]
    fn any_body_maps_to_one_thing(body in "[a-z_\\[\\].&=%{}\":,0-9 -]{0,300}", name in ".{1,40}", json: bool) {
        let kind = json.then_some("application/json");
        let body = Bytes::from(body.into_bytes());
        let names = json!({ "name": [name], "answers": [name] });
        if let Ok(read) = Body::of(kind, &body) {
            let facts = || mapping(&names).map(&read, |_| false).into_facts(None, None);
            prop_assert_eq!(facts(), facts());
            prop_assert!(facts().extra.len() <= MAX_EXTRA);
        }
    }
}
