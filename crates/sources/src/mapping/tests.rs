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

/// What forms call a field, as people read it, and what posts of tools call it.
#[test]
fn a_field_is_known_whatever_stands_around_its_name() {
    for (name, value, field) in [
        ("Phone (optional)", "512-555-0171", "phone"),
        ("Cell #", "512-555-0171", "phone"),
        ("Best number to reach you", "512-555-0171", "phone"),
        (
            "What's the best phone number to call you during the day?",
            "512-555-0171",
            "phone",
        ),
        ("Tel\u{e9}fono (m\u{f3}vil)", "512-555-0171", "phone"),
        ("yourPhoneNumber_2", "512-555-0171", "phone"),
        ("phone-1", "512-555-0171", "phone"),
        ("Mobile / Cell", "512-555-0171", "phone"),
        ("Your e-mail *", "a@b.com", "email"),
        ("Email Address (we never share it)", "a@b.com", "email"),
        ("Email for the estimate", "a@b.com", "email"),
        ("_replyto", "a@b.com", "email"),
        ("et_pb_contact_email_0", "a@b.com", "email"),
        ("mauticform[email]", "a@b.com", "email"),
        ("First & Last Name", "Ada Fenn", "name"),
        ("Your Full Name (required)", "Ada Fenn", "name"),
        ("name-1", "Ada Fenn", "name"),
        ("Homeowner's Name", "Ada Fenn", "name"),
        ("ZIP code of the project", "78704", "zip"),
        ("Tell us more about your project", "A bath", "message"),
        ("How can we help you today?", "A bath", "message"),
        ("Message (optional)", "A bath", "message"),
    ] {
        let form = [(name, value)];
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let found = mapped(&json!({}), &body);
        assert_eq!(found.get(field), Some(value), "{name}");
        let json = json!({ name: value }).to_string();
        assert_eq!(mapped(&json!({}), &json).get(field), Some(value), "{name}");
    }
    // What is about a number is none, and somebody else's is not the person's.
    for (name, value, field) in [
        ("Phone consent", "Call me at 512-555-0100", "phone"),
        ("Spouse's phone", "512-555-0100", "phone"),
        ("Office phone", "512-555-0100", "phone"),
        ("Best time to call", "5125550100", "phone"),
        ("Your agent's email", "a@b.com", "email"),
        ("Company name", "Cedar", "name"),
        ("Name of the project", "Bath", "name"),
        ("I agree to receive text messages", "yes", "message"),
    ] {
        let json = json!({ name: value, "message": "hello" }).to_string();
        let found = mapped(&json!({}), &json);
        assert!(
            found.get(field).is_none_or(|found| found == "hello"),
            "{name}"
        );
    }
}

#[test]
fn fields_inside_of_an_object_are_read_whatever_it_is_called() {
    let person = json!({ "name": "Ada Fenn", "email": "a@b.com", "Phone (optional)": "512-555-0171", "message": "A bath" });
    for body in [
        json!({ "form": person }),
        json!({ "fields": person }),
        json!({ "data": person }),
        json!({ "payload": person, "event": { "name": "submitted" } }),
        json!({ "submission": person }),
        json!({ "answers": person }),
        json!({ "entry": person }),
        json!({ "entries": [person] }),
        json!({ "form": { "id": "12", "name": "Kitchen quote", "description": "Get a quote" }, "fields": person }),
        json!({ "form": { "name": "Kitchen quote", "fields": person } }),
        json!({ "data": { "form_response": { "values": person } } }),
        json!({ "formData": person, "formName": "Quote" }),
    ] {
        let found = mapped(&json!({}), &body.to_string());
        assert_eq!(found.get("name"), Some("Ada Fenn"), "{body}");
        assert_eq!(found.get("email"), Some("a@b.com"), "{body}");
        assert_eq!(found.get("phone"), Some("512-555-0171"), "{body}");
        assert_eq!(found.get("message"), Some("A bath"), "{body}");
    }
    let body = json!({ "form": { "name": "Kitchen quote", "id": "12" }, "email": "a@b.com" });
    let found = mapped(&json!({}), &body.to_string());
    assert_eq!(
        (found.get("name"), found.get("form")),
        (None, Some("Kitchen quote"))
    );
    // Text that holds the fields, as forms post what a script made.
    for (name, text) in [
        ("payload", person.to_string()),
        ("data.json", r#"{"name":["Ada Fenn"],"email":["a@b.com"],"phone":["512-555-0171"],"message":["A bath"]}"#.to_owned()),
    ] {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair(name, &text)
            .append_pair("page_name", "lp")
            .finish();
        let found = mapped(&json!({}), &body);
        assert_eq!(found.get("phone"), Some("512-555-0171"), "{name}");
        assert_eq!(found.extra["page_name"], "lp");
    }
}

#[test]
fn a_field_may_be_an_object_that_says_what_it_is() {
    for body in [
        json!({ "fields": {
            "name": { "id": "name", "type": "text", "title": "Name", "value": "Ada Fenn", "raw_value": "Ada Fenn" },
            "field_1": { "type": "tel", "title": "Where do we ring?", "value": "512-555-0171" },
            "email": { "type": "email", "title": "Your Email", "value": "a@b.com" },
        } }),
        json!({ "fields": {
            "0": { "name": "Name", "value": "Ada Fenn", "id": 0, "type": "name", "first": "Ada", "last": "Fenn" },
            "1": { "name": "Where we write to", "value": "a@b.com", "id": 1, "type": "email" },
            "2": { "name": "Phone", "value": "512-555-0171", "id": 2, "type": "phone" },
        } }),
        json!({
            "Name": { "value": { "first": "Ada", "last": "Fenn" }, "field_type": "name" },
            "Mail": { "value": "a@b.com", "field_type": "email" },
            "Where we ring": { "value": "512-555-0171", "field_type": "phone" },
        }),
        json!({ "data": { "fields": [
            { "key": "q1", "label": "What should we call you?", "type": "INPUT_TEXT", "value": "x" },
            { "key": "q2", "label": "About you" , "type": "TITLE" },
            { "key": "q3", "label": "Name", "type": "INPUT_TEXT", "value": "Ada Fenn" },
            { "key": "q4", "label": "Where we ring", "type": "INPUT_PHONE_NUMBER", "value": "512-555-0171" },
            { "key": "q5", "label": "Where we write to", "type": "INPUT_EMAIL", "value": "a@b.com" },
        ] } }),
        json!({ "submission": { "questions": [
            { "id": "a", "name": "Full name", "type": "ShortAnswer", "value": "Ada Fenn" },
            { "id": "b", "name": "Email", "type": "EmailInput", "value": "a@b.com" },
            { "id": "c", "name": "Ring us at", "type": "PhoneNumber", "value": "512-555-0171" },
        ] } }),
        json!({ "properties": {
            "firstname": { "value": "Ada" }, "lastname": { "value": "Fenn" }, "email": { "value": "a@b.com" },
            "mobilephone": { "value": "512-555-0171" },
        } }),
    ] {
        let found = mapped(&json!({}), &body.to_string());
        let facts = found.into_facts(None, None);
        assert_eq!(facts.person.name.as_deref(), Some("Ada Fenn"), "{body}");
        assert_eq!(facts.person.email.as_deref(), Some("a@b.com"), "{body}");
        assert_eq!(
            facts.person.phone.as_deref(),
            Some("512-555-0171"),
            "{body}"
        );
    }
    let chosen = json!({ "fields": [{ "label": "Service", "value": [{ "id": 1, "label": "Kitchen" }, { "id": 2, "label": "Bath" }] }] });
    let found = mapped(&json!({}), &chosen.to_string());
    assert_eq!(found.get("project_type"), Some("Kitchen; Bath"));
}

#[test]
fn names_of_tools_that_say_nothing_hide_nobody() {
    for body in [
        "wpforms%5Bfields%5D%5B0%5D%5Bfirst%5D=Ada&wpforms%5Bfields%5D%5B0%5D%5Blast%5D=Fenn\
         &wpforms%5Bfields%5D%5B1%5D=a%40b.com&wpforms%5Bfields%5D%5B3%5D=512-555-0171",
        "item_meta%5B12%5D%5Bfirst%5D=Ada&item_meta%5B12%5D%5Blast%5D=Fenn&item_meta%5B13%5D=a%40b.com\
         &item_meta%5B14%5D=512-555-0171",
        "input_1_3=Ada&input_1_6=Fenn&input_2=a%40b.com&input_3=512-555-0171&input_4=737-555-0100",
        "fields%5Bname%5D%5Bvalue%5D=Ada+Fenn&fields%5Bemail%5D%5Bvalue%5D=a%40b.com&fields%5Bphone%5D%5Bvalue%5D=512-555-0171",
        "fields%5B0%5D%5Blabel%5D=Name&fields%5B0%5D%5Bvalue%5D=Ada+Fenn&fields%5B1%5D%5Blabel%5D=Email\
         &fields%5B1%5D%5Bvalue%5D=a%40b.com&fields%5B2%5D%5Blabel%5D=Phone&fields%5B2%5D%5Bvalue%5D=512-555-0171",
        "yourName.first=Ada&yourName.last=Fenn&entry.1000=512-555-0171&entry.2000=a%40b.com",
    ] {
        let facts = mapped(&json!({}), body).into_facts(None, None);
        assert_eq!(facts.person.name.as_deref(), Some("Ada Fenn"), "{body}");
        assert_eq!(facts.person.email.as_deref(), Some("a@b.com"), "{body}");
        assert_eq!(
            facts.person.phone.as_deref(),
            Some("512-555-0171"),
            "{body}"
        );
    }
    // A tenant may mean a field by the name that it has on the page.
    let names = json!({ "message": ["wpforms[fields][4]"] });
    let found = mapped(&names, "wpforms%5Bfields%5D%5B4%5D=A+bath");
    assert_eq!(found.get("message"), Some("A bath"));
    // Of two that nothing tells apart none is taken.
    let two = mapped(&json!({}), "a=512-555-0171&b=512-555-0172&name=Ada");
    assert_eq!(two.get("phone"), None);
    let others = mapped(&json!({}), "office_line=512-555-0171&name=Ada");
    assert_eq!(others.get("phone"), None);
}

#[test]
fn whoever_says_a_number_in_their_words_alone_can_be_called() {
    let found = mapped(
        &json!({}),
        "name=Ada&message=Call+me+at+(512)+555-0171+after+5+pm",
    );
    assert_eq!(found.get("phone"), Some("(512) 555-0171"));
    let known = mapped(
        &json!({}),
        "email=a%40b.com&message=I+called+512-555-0100+before",
    );
    assert_eq!(known.get("phone"), None, "they can be written to");
}

#[test]
fn markup_and_odd_values_are_no_part_of_what_was_entered() {
    let body = json!({
        "name": "<b>Ada</b> Fenn", "email": "<a href=\"mailto:a@b.com\">a@b.com</a>",
        "phone": "<a href=\"tel:+15125550171\">(512) 555-0171</a>", "message": "<p>One</p><p>Two &lt; 3</p>",
        "zip": null, "newsletter": true, "submitted_at": "11/20/2026 4:05 PM",
    });
    let facts = mapped(&json!({}), &body.to_string()).into_facts(None, None);
    assert_eq!(facts.person.name.as_deref(), Some("Ada Fenn"));
    let contact = facts.contact();
    assert_eq!(contact.email.unwrap().as_str(), "a@b.com");
    assert_eq!(contact.phone.unwrap().as_str(), "+15125550171");
    let About::Form(form) = &facts.about else {
        panic!("it is a form")
    };
    assert_eq!(form.message.as_deref(), Some("One\nTwo < 3"));
    assert_eq!(facts.extra["submitted_at"], "11/20/2026 4:05 PM");
    assert_eq!(facts.extra["newsletter"], "true");
    let at = |raw: &str| {
        let body = json!({ "name": "Ada", "submitted_at": raw }).to_string();
        match mapped(&json!({}), &body).into_facts(None, None).about {
            About::Form(form) => form.submitted_at.map(|at| at.to_string()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(at("1795190400").as_deref(), Some("2026-11-20T16:00:00Z"));
    assert_eq!(at("1795190400000"), at("1795190400"));
}

#[test]
fn a_sum_or_zeros_are_no_zip_code() {
    for said in [
        "$75000",
        "budget 75,000",
        "00000",
        "00012 or so",
        "75000 dollars",
    ] {
        let found = mapped(
            &json!({}),
            &json!({ "zip": said, "name": "Ada" }).to_string(),
        );
        let code = found.into_facts(None, None).contact().postal_code;
        assert_eq!(code, None, "{said}");
    }
    let body = json!({ "zip": "00000", "project_zip": "78704", "name": "Ada" });
    let found = mapped(&json!({}), &body.to_string());
    assert_eq!(found.get("zip"), Some("78704"));
}

#[test]
fn whom_a_lead_was_given_to_is_not_who_sent_it() {
    let body = json!({
        "agent": { "name": "Bob", "email": "bob@acme.example", "phone": "512-555-0100" },
        "location": { "id": "loc1", "city": "Austin", "postal_code": "78701" },
        "contact": { "name": "Ada Fenn", "email": "a@b.com" },
    });
    let found = mapped(&json!({}), &body.to_string());
    assert_eq!(
        (found.get("name"), found.get("email")),
        (Some("Ada Fenn"), Some("a@b.com"))
    );
    assert_eq!((found.get("phone"), found.get("zip")), (None, None));
    let place = json!({ "name": "Ada", "location": { "city": "Austin", "zip": "78701" } });
    assert_eq!(
        mapped(&json!({}), &place.to_string()).get("zip"),
        Some("78701")
    );
}

proptest! {
    /// What a form says is somewhere in the lead, or its name is told as unread.
    #[test]
    fn nothing_that_was_entered_is_lost(fields in proptest::collection::vec((
        "(name|email|phone|zip|city|message|first name|last name|Best number to call|mobile|4|5|created_at|data\\.name)|[a-zA-Z][a-zA-Z _()&#-]{0,30}",
        "([0-9]{3}-555-[0-9]{4}|[a-z]{1,5}@b\\.com|[0-9]{5})|[a-zA-Z0-9@. +()-]{1,30}",
    ), 1..12)) {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let read = Body::of(Some("application/x-www-form-urlencoded"), &Bytes::from(body)).unwrap();
        let facts = mapping(&json!({})).map(&read, |_| false).into_facts(None, Some("agreed"));
        let kept = serde_json::to_string(&facts).unwrap();
        for (name, value) in &fields {
            let words: Vec<_> = value.split_whitespace().collect();
            let is_told = |word: &&&str| kept.contains(&serde_json::to_string(word).unwrap().trim_matches('"').to_owned());
            let is_consent = facts.consent.is_some() || name.to_lowercase().contains("consent") || name.to_lowercase().contains("terms");
            prop_assert!(is_consent || words.iter().all(|word| is_told(&word)), "{name}={value}: {kept}");
        }
    }
}
