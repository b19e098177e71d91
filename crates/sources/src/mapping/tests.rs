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

#[test]
fn the_first_visit_has_names_of_its_own() {
    let body = "name=Ada+Fenn&utm_source=bing&first_utm_source=google&first_utm_campaign=baths&first_gclid=G1\
                &landing_page=%2Flast&first_page=%2Ffirst&first_referrer=https%3A%2F%2Fnews.example";
    let facts = mapped(&json!({}), body).into_facts(None, None);
    let visits = domain::Visits::of(&facts.attribution);
    let first: Vec<_> = visits
        .first
        .iter()
        .map(|(word, value)| (*word, value.as_str()))
        .collect();
    assert_eq!(
        first,
        [
            ("campaign", "baths"),
            ("gclid", "G1"),
            ("landing_page", "/first"),
            ("referrer", "https://news.example"),
            ("source", "google"),
        ]
    );
    let last: Vec<_> = visits
        .last
        .iter()
        .map(|(word, value)| (*word, value.as_str()))
        .collect();
    assert_eq!(last, [("landing_page", "/last"), ("source", "bing")]);
    assert!(facts.extra.is_empty(), "{:?}", facts.extra);
}

#[test]
fn names_that_contact_form_7_makes_say_what_they_are() {
    let mapped = mapped(
        &json!({}),
        "text-123=Ada+Fenn&tel-620=5125550171&email-77=a%40b.com&textarea-12=A+bath&acceptance-123=1",
    );
    assert!(mapped.is_lead());
    assert_eq!(mapped.get("phone"), Some("5125550171"));
    assert_eq!(mapped.get("email"), Some("a@b.com"));
    assert_eq!(mapped.get("message"), Some("A bath"));
    let facts = mapped.into_facts(None, Some("Call me."));
    assert_eq!(facts.consent.unwrap().text, "Call me.");
    assert_eq!(
        facts.extra["text-123"], "Ada Fenn",
        "a text may be anything"
    );
}

#[test]
fn whoever_says_no_has_not_agreed() {
    let consent = |said: &str| {
        let body = json!({ "email": "a@b.com", "consent": said }).to_string();
        mapped(&json!({}), &body).into_facts(None, Some("Call me."))
    };
    for no in [
        "No, thanks",
        "No thank you.",
        "I do not agree",
        "I don't want calls",
        "Please do not call",
        "Opt-out",
        "Never",
        "N/A",
    ] {
        let facts = consent(no);
        assert_eq!(facts.consent, None, "{no}");
        assert_eq!(facts.extra["consent"], no, "it can be read all the same");
    }
    for no in ["no", "off", "0"] {
        let facts = consent(no);
        assert_eq!((facts.consent, facts.extra.len()), (None, 0), "{no}");
    }
    for (yes, text) in [
        ("yes", "Call me."),
        ("I agree to be called.", "I agree to be called."),
        ("Yes, text me", "Yes, text me"),
    ] {
        assert_eq!(consent(yes).consent.unwrap().text, text);
    }
}

#[test]
fn what_gravity_forms_sends_beside_a_box_is_the_consent() {
    let body = r#"{"3": "a@b.com", "6.1": "1", "6.2": "I agree to calls and texts.", "6.3": "4"}"#;
    let facts = mapped(&json!({ "consent": ["6.1"] }), body).into_facts(None, Some("Call me."));
    assert_eq!(facts.consent.unwrap().text, "I agree to calls and texts.");
    assert!(!facts.extra.contains_key("6.2"), "{:?}", facts.extra);
    // An empty box has the same text beside it.
    let body = r#"{"3": "a@b.com", "6.1": "", "6.2": "I agree to calls and texts."}"#;
    let facts = mapped(&json!({ "consent": ["6.1"] }), body).into_facts(None, None);
    assert_eq!(facts.consent, None);
}
