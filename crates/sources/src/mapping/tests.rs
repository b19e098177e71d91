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
        ("Phone+%23=5125550171", "phone", "5125550171"),
        ("Zip%2FPostal+Code=78704", "zip", "78704"),
        ("Tel%C3%A9fono=5125550171", "phone", "5125550171"),
        ("Correo+Electr%C3%B3nico=a%40b.com", "email", "a@b.com"),
        ("nombre=Ana&apellidos=Ruiz+Paz", "name", "Ana Ruiz Paz"),
        ("name=Ana+Ruiz&apellidos=Ruiz", "name", "Ana Ruiz"),
        (
            r#"[{"name": "phone", "value": "5125550171"}, {"name": "zip", "value": "78704"}]"#,
            "phone",
            "5125550171",
        ),
        (r#"[{"phone": "5125550171"}]"#, "phone", "5125550171"),
        (r#"{"emailAddress": "a@b.com"}"#, "email", "a@b.com"),
        (
            r#"{"PostalAddress": {"AddressFirstLine": "1 Elm"}}"#,
            "street",
            "1 Elm",
        ),
        ("Address+%28ZIP+%2F+Postal+Code%29=78704", "zip", "78704"),
        (
            r#"{"field_data": [{"name": "phone_number", "values": ["5125550171"]}]}"#,
            "phone",
            "5125550171",
        ),
        (
            r#"{"user_column_data": [{"column_id": "PHONE_NUMBER", "string_value": "5125550171"}]}"#,
            "phone",
            "5125550171",
        ),
        (
            r#"{"data": {"fields": [{"key": "q1", "label": "Phone Number", "value": "5125550171"}]}}"#,
            "phone",
            "5125550171",
        ),
        (
            r#"{"answers": [{"question": "What is your ZIP code?", "answer": 78704}]}"#,
            "zip",
            "78704",
        ),
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
fn a_list_of_fields_is_found_by_its_place_too() {
    let names = json!({ "project_type": ["form.answers.1.value"] });
    let body = r#"{"form": {"answers": [{"label": "Phone", "value": "1"}, {"label": "Which?", "value": ["a", "b"]}]}}"#;
    let found = mapped(&names, body);
    assert_eq!(found.get("phone"), Some("1"));
    assert_eq!(found.get("project_type"), Some("a; b"));
    // People, or things that are sold, are no fields.
    let body =
        r#"{"people": [{"name": "Ann", "phone": "5125550171"}, {"name": "Bob", "phone": "2"}]}"#;
    assert_eq!(mapped(&json!({}), body).get("phone"), Some("5125550171"));
    let several = r#"[{"phone": "1"}, {"phone": "2"}]"#;
    assert!(Body::of(None, &Bytes::from_static(several.as_bytes())).is_err());
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

/// A second field may have what the first of the same meaning lacks.
#[test]
fn of_fields_with_one_meaning_the_first_that_can_be_it_is_taken() {
    let found = mapped(
        &json!({ "phone": ["landline"] }),
        r#"{"landline": "none", "phone": "n/a", "mobile": "512-555-0139", "email": "-", "mail": "a@b.com"}"#,
    );
    assert_eq!(found.get("phone"), Some("512-555-0139"));
    assert_eq!(found.get("email"), Some("a@b.com"));
    assert_eq!(found.extra["landline"], "none");
    // Where none can be it, what was entered is shown all the same.
    let none = mapped(&json!({}), r#"{"phone": "none", "mobile": "ask me"}"#);
    assert_eq!(none.get("phone"), Some("none"));
}

#[test]
fn an_address_and_a_number_in_each_others_place_change_places() {
    for (body, phone, email) in [
        (
            r#"{"phone": "sw@example.com", "email": "512-555-0140"}"#,
            Some("512-555-0140"),
            Some("sw@example.com"),
        ),
        (
            r#"{"phone": "sw@example.com"}"#,
            None,
            Some("sw@example.com"),
        ),
        (r#"{"email": "512-555-0140"}"#, Some("512-555-0140"), None),
        (
            r#"{"phone": "later", "email": "512-555-0140"}"#,
            Some("512-555-0140"),
            None,
        ),
        (
            r#"{"phone": "512-555-0140", "email": "none"}"#,
            Some("512-555-0140"),
            Some("none"),
        ),
    ] {
        let found = mapped(&json!({}), body);
        assert_eq!(
            (found.get("phone"), found.get("email")),
            (phone, email),
            "{body}"
        );
    }
    let kept = mapped(&json!({}), r#"{"phone": "later", "email": "512-555-0140"}"#);
    assert_eq!(kept.extra["phone"], "later");
    let marked = kept.into_facts(None, None).derived_fields;
    assert_eq!(marked.unwrap(), ["phone"]);
}

#[test]
fn a_zip_code_is_found_among_other_words() {
    let found = mapped(&json!({}), r#"{"zip": "Austin, TX 78704"}"#);
    assert_eq!(found.extra["zip"], "Austin, TX 78704");
    let facts = found.into_facts(None, None);
    assert_eq!(facts.person.postal_code.as_deref(), Some("78704"));
    assert_eq!(facts.derived_fields.unwrap(), ["postal_code"]);
    let two = mapped(&json!({}), r#"{"zip": "78704 or 78664"}"#);
    assert_eq!(two.get("zip"), Some("78704 or 78664"));
}

/// Tools that have no fields for a campaign leave it in the page's address.
#[test]
fn a_campaign_is_read_from_the_address_of_the_page() {
    for page in ["landing_page", "source_url", "page_url"] {
        let body = json!({
            page: "https://acme.example/lp?utm_source=bing&utm_term=bath%20remodel&gclid=LLL&x=1#utm_medium=no",
            "first_landing_page": "https://acme.example/?utm_source=radio", "utm_campaign": "spring",
        });
        let facts = mapped(&json!({}), &body.to_string()).into_facts(None, None);
        let of = |name: &str| facts.attribution.get(name).map(String::as_str);
        assert_eq!(of("utm_source"), Some("bing"), "{page}");
        assert_eq!(of("utm_term"), Some("bath remodel"));
        assert_eq!(of("gclid"), Some("LLL"));
        assert_eq!(of("utm_campaign"), Some("spring"));
        assert_eq!(of("first_utm_source"), Some("radio"));
        assert_eq!(of("utm_medium"), None);
        let visits = domain::Visits::of(&facts.attribution);
        assert!(format!("{visits:?}").contains("bing"));
        let derived = facts.derived_fields.unwrap();
        assert!(derived.contains(&"gclid".to_owned()), "{derived:?}");
        assert!(!derived.contains(&"utm_campaign".to_owned()));
    }
    // What a field says goes before what an address has.
    let said =
        json!({ "utm_source": "mail", "landing_page": "https://acme.example/?utm_source=bing" });
    let found = mapped(&json!({}), &said.to_string());
    assert_eq!(found.get("utm_source"), Some("mail"));
}

#[test]
fn a_name_that_is_asked_for_in_a_sentence_is_known() {
    let body = json!({ "What\u{2019}s your first name?": "Lin", "Last name": "Ch\u{e9}n", "Please enter your ZIP code": "78664" });
    let found = mapped(&json!({}), &body.to_string());
    assert_eq!(found.get("name"), Some("Lin Ch\u{e9}n"));
    assert_eq!(found.get("zip"), Some("78664"));
    let deep = r#"{"lead": {"contact": {"full_name": "Nes Ted", "phone": "512 555 0119"}}}"#;
    let found = mapped(&json!({}), deep);
    assert_eq!(found.get("name"), Some("Nes Ted"));
}

/// A page sends a hidden `0` along with the box, so that an unticked one says something.
#[test]
fn an_empty_boxs_value_beside_a_ticked_one_says_nothing() {
    let consent = |body: &str| mapped(&json!({}), body).into_facts(None, Some("You may call."));
    let given = consent("sms_consent=0&sms_consent=1&name=Ada");
    assert_eq!(given.consent.unwrap().text, "You may call.");
    assert_eq!(consent("sms_consent=0&name=Ada").consent, None);
    assert_eq!(consent("sms_consent=0&sms_consent=no").consent, None);
}

#[test]
fn a_stand_in_is_no_id_of_a_submission() {
    for (id, is_id) in [
        ("90211", true),
        ("ld_01HQ", true),
        ("0", false),
        ("000", false),
        ("null", false),
        ("undefined", false),
        ("TEST", false),
        ("unknown", false),
        ("Example", false),
        ("test-7", true),
        ("{entry_id}", false),
        ("[entry_id]", false),
        ("%entry_id%", false),
        ("${id}", false),
        ("two words", false),
    ] {
        let body = json!({ "submission_id": id, "name": "Ada" }).to_string();
        assert_eq!(
            mapped(&json!({}), &body).submission_id().is_some(),
            is_id,
            "{id}"
        );
    }
}
