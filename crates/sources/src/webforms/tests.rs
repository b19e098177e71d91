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

/// What is read of a form that a browser would post.
fn posted(content_type: &str, body: impl Into<bytes::Bytes>, settings: &Value) -> Facts {
    let headers = BTreeMap::from([("content-type".to_owned(), content_type.to_owned())]);
    let delivery = Verified::restored(&SPEC, "public-form-key", headers, body.into()).unwrap();
    match WebForms.read_by(settings, &delivery, None) {
        Ok(Reading::News(news)) => news.facts,
        other => panic!("{other:?}"),
    }
}

/// The news of a form in JSON that came at this second.
fn told(body: &Value, second: i64) -> domain::News {
    let at = Timestamp::from_second(second).unwrap().to_string();
    let headers = [("content-type", "application/json"), (door::RECEIVED, &at)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let body = body.to_string().into_bytes();
    let delivery = Verified::restored(&SPEC, "public-form-key", headers.into(), body.into());
    match WebForms.read(&delivery.unwrap(), None) {
        Ok(Reading::News(news)) => *news,
        other => panic!("{other:?}"),
    }
}

/// Whether the second is about the request that the first made.
fn joins(first: &domain::News, second: &domain::News) -> bool {
    second
        .aliases
        .iter()
        .any(|alias| first.aliases.contains(alias))
}

/// A visitor who sends the form once more with a correction changes their lead. Who clicks twice does not.
#[test]
fn a_form_with_a_correction_is_no_repeat_and_the_same_lead() {
    const NOON: i64 = 1_795_190_400;
    let first = json!({
        "name": "Ann Fixer", "email": "ann.fixer@example.com", "phone": "(512) 555-0101", "service": "Kitchen",
    });
    let mut mended = first.clone();
    mended["service"] = json!("Bathroom");
    mended["zip"] = json!("78664");
    let before = told(&first, NOON);
    let again = told(&first, NOON + 5);
    assert_eq!(before.delivery_id, again.delivery_id);
    let after = told(&mended, NOON + 60);
    assert_ne!(before.delivery_id, after.delivery_id);
    assert!(joins(&before, &after));
    assert_eq!(after.facts.person.postal_code.as_deref(), Some("78664"));
    // The same of a tool that has an id for it.
    let numbered = |body: &Value| {
        let mut body = body.clone();
        body["entry_id"] = json!("12");
        told(&body, NOON)
    };
    let (before, after) = (numbered(&first), numbered(&mended));
    assert_eq!(before.delivery_id, numbered(&first).delivery_id);
    assert_ne!(before.delivery_id, after.delivery_id);
    assert!(joins(&before, &after));
    assert_eq!(before.facts.external_id.as_deref(), Some("12"));
}

/// Whoever shares a number, or enters none, hides nobody.
#[test]
fn a_correction_is_of_the_same_person_and_by_what_is_theirs_alone() {
    const NOON: i64 = 1_795_190_400;
    let form = |name: &str, contact: (&str, &str), zip: &str| {
        let mut body = json!({ "name": name, "message": "kitchen", "zip": zip });
        body[contact.0] = json!(contact.1);
        told(&body, NOON)
    };
    for contact in [
        ("phone", "0000000000"),
        ("phone", "555-555-5555"),
        ("phone", "800-555-0142"),
        ("email", "none@none.com"),
        ("email", "test@test.com"),
        ("email", "info@acme.com"),
        ("email", "Office@acme.com"),
    ] {
        let first = form("Zero A", contact, "78664");
        let other = form("Other B", contact, "78664");
        assert!(!joins(&first, &other), "{contact:?}");
        assert_ne!(first.delivery_id, other.delivery_id, "{contact:?}");
        let again = form("Zero A", contact, "78664");
        assert_eq!(first.delivery_id, again.delivery_id, "{contact:?}");
    }
    let line = ("phone", "512-555-0221");
    let ann = form("Ann Smith", line, "");
    let ann_corrects = form("ann  SMITH", line, "78664");
    let tom = form("Tom Smith", line, "");
    let tom_corrects = form("Tom Smith", line, "78664");
    // The names that are a person's own are not another's.
    let own = |news: &domain::News| news.aliases[..2].to_vec();
    assert_eq!(own(&ann), own(&ann_corrects));
    assert_eq!(own(&tom), own(&tom_corrects));
    assert_ne!(own(&ann), own(&tom));
    // Who leaves the name out may be any of them, and is found by the number.
    let nameless = form("", line, "78664");
    assert!(joins(&ann, &nameless) && joins(&tom, &nameless));
    assert!(joins(&ann, &tom) && tom.apart == Apart::OfOtherName);
    // Two desks behind one number are two.
    let desk = |number: &str| form("", ("phone", number), "");
    assert!(!joins(&desk("512-555-1011 x1"), &desk("512-555-1011 x2")));
}

/// An id that a tool gives everybody must hide nobody.
#[test]
fn two_people_with_one_id_of_a_submission_are_two_leads() {
    let lead = |id: &str, form: &str, name: &str, email: &str, phone: &str| {
        let body = json!({
            "lead_id": id, "form_id": form, "name": name, "email": email, "phone": phone, "message": "kitchen",
        });
        told(&body, 1_795_190_400)
    };
    for id in ["0", "{entry_id}", "12"] {
        let first = lead(id, "3", "One", "one@example.com", "512-555-0151");
        let other = lead(id, "3", "Two", "two@example.com", "512-555-0152");
        assert!(!joins(&first, &other), "{id}");
        assert_ne!(first.delivery_id, other.delivery_id, "{id}");
    }
    let first = lead("12", "3", "One", "one@example.com", "512-555-0151");
    let of_another_form = lead("12", "5", "Two", "two@example.com", "512-555-0152");
    assert!(!joins(&first, &of_another_form));
    // A corrected address, and the same number: one person.
    let corrected = lead("12", "3", "One", "won@example.com", "(512) 555-0151");
    assert!(joins(&first, &corrected));
    let nobody = |message: &str| told(&json!({ "lead_id": "12", "message": message }), 0);
    assert!(joins(&nobody("a"), &nobody("b")));
}

/// A browser may fill in the field that nobody sees, and a program may post the words of a person.
#[test]
fn what_tripped_the_trap_and_a_persons_own_form_are_two_leads() {
    let form = |website: &str| {
        let body = json!({
            "name": "Dana", "email": "dana@example.com", "message": "kitchen", "website": website,
        });
        told(&body, 1_795_190_400)
    };
    let (trap, person) = (form("http://filled.example"), form(""));
    assert_eq!(trap.facts.marked_spam, Some(true));
    assert_eq!(person.facts.marked_spam, None);
    assert!(!joins(&trap, &person));
    assert_ne!(trap.delivery_id, person.delivery_id);
}

/// The words beside the box are what was agreed to.
#[test]
fn consent_has_the_words_that_its_tool_sends_beside_the_box() {
    let typeform = json!({ "form_response": {
        "token": "t1",
        "definition": { "fields": [
            { "id": "a", "title": "What's your first name?", "type": "short_text" },
            { "id": "b", "title": "Last name", "type": "short_text" },
            { "id": "c", "title": "I agree that ACME may call and text me.", "type": "legal" },
        ] },
        "answers": [
            { "type": "text", "text": "Lin", "field": { "id": "a", "type": "short_text" } },
            { "type": "text", "text": "Chen", "field": { "id": "b", "type": "short_text" } },
            { "type": "boolean", "boolean": true, "field": { "id": "c", "type": "legal" } },
        ],
    } });
    let facts = told(&typeform, 0).facts;
    assert_eq!(facts.person.name.as_deref(), Some("Lin Chen"));
    let words = "I agree that ACME may call and text me.";
    assert_eq!(facts.consent.unwrap().text, words);
    let mut refused = typeform;
    refused["form_response"]["answers"][2]["boolean"] = json!(false);
    assert_eq!(told(&refused, 0).facts.consent, None);

    let elementor = |title: &str| {
        let fields = [
            ("fields[name][value]", "Ada Fenn"),
            ("fields[name][raw_value]", "Ada Fenn"),
            ("fields[field_1a2b3c4][type]", "acceptance"),
            ("fields[field_1a2b3c4][title]", title),
            ("fields[field_1a2b3c4][value]", "on"),
            ("fields[field_1a2b3c4][raw_value]", "on"),
        ];
        let settings = json!({ "consent_text": "You may call." });
        urlencoded(&fields, &settings).consent.unwrap().text
    };
    assert_eq!(
        elementor("I agree to be contacted"),
        "I agree to be contacted"
    );
    assert_eq!(elementor("Acceptance"), "You may call.");
}

fn urlencoded(fields: &[(&str, &str)], settings: &Value) -> Facts {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    posted("application/x-www-form-urlencoded", body, settings)
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
    let facts = read("json", &json!({ "required_fields": ["phone", "address"] }));
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
    assert_eq!(
        facts.required_fields,
        ["address".into(), "phone".into()].into()
    );
    assert!(facts.extra.is_empty(), "{:?}", facts.extra);
}

#[test]
fn files_are_known_and_gravity_forms_is_mapped_by_numbers() {
    let facts = read("multipart", &json!({}));
    let documents = &form(&facts).documents;
    let (name, document) = documents.first_key_value().unwrap();
    let by_content = name.strip_prefix("file-").unwrap();
    assert_eq!(by_content.len(), 16);
    assert!(document.sha256.starts_with(by_content), "{name}");
    assert_eq!((&*document.field, document.bytes), ("photo", 19));
    assert_eq!(document.name.as_deref(), Some("kitchen.jpg"));
    let facts = read("gravity-forms", &json!({ "mapping": { "message": ["5"] } }));
    assert_eq!(form(&facts).message.as_deref(), Some("A new bath, please."));
    assert_eq!(facts.person.city.as_deref(), Some("Round Rock"));
    assert_eq!(facts.derived_fields.unwrap(), ["email", "name", "phone"]);
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

#[test]
fn webflows_signature_counts_where_its_key_is_stored() {
    let body = &br#"{"triggerType":"form_submission","payload":{"name":"Quote","data":{"Email":"a@b.com"}}}"#[..];
    let at: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
    let signed_at = |at: Timestamp, key: &str| {
        let time = at.as_millisecond().to_string();
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key.as_bytes());
        let text = [time.as_bytes(), b":", body].concat();
        let signature = hex::encode(aws_lc_rs::hmac::sign(&key, &text));
        http::HeaderMap::from_iter([
            (
                http::HeaderName::from_static("x-webflow-timestamp"),
                time.parse().unwrap(),
            ),
            (
                http::HeaderName::from_static("x-webflow-signature"),
                signature.parse().unwrap(),
            ),
        ])
    };
    let keys = ["the key of our pages", "the key that webflow shows"];
    let keys = keys.map(secrecy::SecretString::from);
    let scheme = |headers: &http::HeaderMap, keys: &[secrecy::SecretString], at: Timestamp| {
        let verified = crate::verify(&SPEC, &[], keys, headers, body.into(), at);
        verified.map(|verified| verified.scheme())
    };
    let genuine = signed_at(at, "the key that webflow shows");
    assert_eq!(scheme(&genuine, &keys, at), Ok("webflow"));
    // Another page's key, or none: the post is worth as much as one that nobody signed.
    assert_eq!(scheme(&genuine, &keys[..1], at), Ok("public-form-key"));
    assert_eq!(scheme(&genuine, &[], at), Ok("public-form-key"));
    // Its third repeat comes after half an hour, perhaps with the time of the first; what was genuine once is no news for
    // ever.
    let after = |minutes| {
        let later = jiff::SignedDuration::from_mins(minutes);
        scheme(&genuine, &keys, at.checked_add(later).unwrap())
    };
    assert_eq!(after(31), Ok("webflow"));
    assert_eq!(after(41), Err(crate::SignatureError::Stale));
    // A key of our own makes all the same what it made before.
    assert!(SPEC.verification.made_key(&[], &[7; 32]).is_some());
}

#[test]
fn a_test_is_used_for_nothing_and_only_who_has_the_key_makes_one() {
    let thing = WebForms.test("5e5e").unwrap();
    let read = |scheme: &str| {
        let headers = BTreeMap::from([("content-type".to_owned(), thing.content_type.to_owned())]);
        let delivery = Verified::restored(&SPEC, scheme, headers, thing.body.clone());
        WebForms.read_by(&Value::Null, &delivery.unwrap(), None)
    };
    assert!(matches!(read("github"), Ok(Reading::Ignored { .. })));
    assert!(!matches!(
        read(Verification::PUBLIC_FORM_KEY),
        Ok(Reading::Ignored { .. })
    ));
    let key = secrecy::SecretString::from("form-hmac-key-0001");
    let now = "2026-11-28T12:00:00Z".parse().unwrap();
    let signed = SPEC.verification.sign(&[], &key, "5e5e", &thing.body, now);
    let headers = signed.unwrap().into_iter();
    let headers = headers.map(|(name, value)| (name, value.parse().unwrap()));
    let verified = crate::verify(
        &SPEC,
        &[],
        &[key],
        &headers.collect(),
        thing.body.clone(),
        now,
    );
    assert_eq!(verified.unwrap().scheme(), "github");
}

#[test]
fn jotforms_telephone_numbers_are_whole_whatever_their_question_is_called() {
    let read = |raw: Value| {
        let raw = raw.to_string();
        urlencoded(&[("formID", "232"), ("rawRequest", &raw)], &json!({}))
    };
    let parts = json!({ "area": "512", "phone": "555-0177" });
    for question in [
        "q5_phoneNumber",
        "q5_phone",
        "q5_mobile",
        "q5_yourPhone",
        "q5_bestNumberTo5",
    ] {
        let facts = read(json!({ "q3_name": "Ada Fenn", question: parts }));
        assert_eq!(
            facts.person.phone.as_deref(),
            Some("(512) 555-0177"),
            "{question}"
        );
        assert!(facts.extra.is_empty(), "{question}: {:?}", facts.extra);
    }
    for (parts, expected) in [
        (
            json!({ "country": "+44", "area": "20", "phone": "7946 0018" }),
            "+44 (20) 7946 0018",
        ),
        (json!({ "full": "(512) 555-0177" }), "(512) 555-0177"),
        (
            json!({ "area": "", "phone": "512-555-0177" }),
            "512-555-0177",
        ),
    ] {
        let facts = read(json!({ "q3_name": "Ada Fenn", "q5_phoneNumber": parts }));
        assert_eq!(facts.person.phone.as_deref(), Some(expected));
    }
    // A second number is kept under its own name, and nothing that is not used is taken away.
    let facts = read(json!({
        "q3_name": "Ada Fenn",
        "q5_phoneNumber": parts,
        "q6_spouse": { "area": "737", "phone": "555-0100", "best": "evenings" },
        "q7_office": { "area": "737" },
    }));
    assert_eq!(facts.person.phone.as_deref(), Some("(512) 555-0177"));
    assert_eq!(facts.extra["spouse"], "(737) 555-0100");
    assert_eq!(facts.extra["spouse.best"], "evenings");
    assert_eq!(facts.extra["office.area"], "737");
}

#[test]
fn elementors_added_fields_are_what_their_types_and_titles_say() {
    let field = |id: &str, kind: &str, title: &str, value: &str| {
        let part = |part: &str, text: &str| (format!("fields[{id}][{part}]"), text.to_owned());
        vec![
            part("id", id),
            part("type", kind),
            part("title", title),
            part("value", value),
            part("raw_value", value),
        ]
    };
    let fields = [
        field("name", "text", "Name", "Ada Fenn"),
        field("field_a1b2c3d", "tel", "Phone", "512-555-0171"),
        field(
            "field_b2",
            "textarea",
            "What do you dream of?",
            "A new bath",
        ),
        field("field_c3", "text", "Zip code", "78681"),
        field("field_d4", "select", "How did you hear of us?", "A friend"),
        field("field_e5", "acceptance", "", "on"),
    ]
    .concat();
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let facts = urlencoded(&fields, &json!({}));
    assert_eq!(facts.person.phone.as_deref(), Some("512-555-0171"));
    assert_eq!(facts.person.postal_code.as_deref(), Some("78681"));
    assert_eq!(form(&facts).message.as_deref(), Some("A new bath"));
    assert_eq!(form(&facts).answers["How did you hear of us?"], "A friend");
    assert_eq!(facts.consent.as_ref().unwrap().text, "on");
    assert!(facts.extra.is_empty(), "{:?}", facts.extra);
    // A company may mean a field by the name that Elementor made up.
    let mapping = json!({ "mapping": { "project_type": ["field_b2"] } });
    let facts = urlencoded(&fields, &mapping);
    assert_eq!(form(&facts).answers["project_type"], "A new bath");
}

#[test]
fn fields_that_there_is_no_place_for_are_named() {
    let names: Vec<_> = (10..75).map(|number| format!("detail_{number}")).collect();
    let fields = names.iter().map(|name| (&**name, "x"));
    let fields: Vec<_> = [("name", "Ada Fenn")].into_iter().chain(fields).collect();
    let facts = urlencoded(&fields, &json!({}));
    assert_eq!(facts.extra.len(), 40);
    assert!(
        facts.unread_fields.contains("detail_50"),
        "{:?}",
        facts.unread_fields
    );
    assert!(facts.unread_fields.contains("5 more fields"));
}
