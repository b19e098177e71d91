use domain::FormFacts;

use super::*;

fn form(form_data: Value) -> News {
    let mut body: Value = serde_json::from_slice(fixture!("form-submission.json")).unwrap();
    body["form_data"] = form_data;
    news(None, body.to_string().as_bytes(), Some("form-submission"))
}

fn facts(news: &News) -> &FormFacts {
    match &news.facts.about {
        About::Form(facts) => facts,
        other => panic!("expected a form: {other:?}"),
    }
}

#[test]
fn a_form_is_read_whole() {
    let news = news(None, fixture!("form-submission.json"), None);
    let names: Vec<_> = news
        .aliases
        .iter()
        .map(|alias| (alias.kind.as_str(), alias.value.as_str()))
        .collect();
    assert_eq!(names[0], ("form", "330091245"));
    // By the second in which it was submitted, and whom it names.
    assert_eq!(names.len(), 2);
    assert_eq!(names[1].0, "submission");
    assert!(names[1].1.starts_with("1773758178-"), "{names:?}");
    let person = &news.facts.person;
    assert_eq!(person.name.as_deref(), Some("Dana Whitfield"));
    assert_eq!(person.email.as_deref(), Some("dana.whitfield@example.com"));
    assert_eq!(person.phone.as_deref(), Some("(512) 555-0142"));
    let form = facts(&news);
    assert_eq!(
        form.page_url.as_deref(),
        Some("https://remodel.example.com/kitchens/quote")
    );
    assert_eq!(
        form.submitted_at,
        Some("2026-03-17T14:36:18Z".parse().unwrap())
    );
    assert_eq!(
        form.message.as_deref(),
        Some("200 sq ft kitchen, start in May, 78664")
    );
    assert_eq!(form.answers["project type"], "Kitchen");
    assert_eq!(form.answers["budget"], "$40k-$60k");
    assert_eq!(form.answers.len(), 2);
    let attribution = &news.facts.attribution;
    assert_eq!(attribution["utm_campaign"], "austin-kitchen-remodel");
    assert_eq!(attribution["referrer"], "google_paid");
    assert_eq!(attribution["source"], "Google Ads");
    assert!(unread(&news).is_empty());
}

#[test]
fn a_forms_own_fields_may_be_json_in_a_text() {
    let text =
        r#"{"full_name": "Ada Fenn", "phone": "512-555-0171", "message": "A new bath, please."}"#;
    let posted: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("id", "330091245")
        .append_pair("company_id", "481516234")
        .append_pair("form_url", "https://remodel.example.com/quote")
        .append_pair("form_data", text)
        .finish();
    for news in [form(json!(text)), news(None, posted.as_bytes(), None)] {
        assert_eq!(news.facts.person.name.as_deref(), Some("Ada Fenn"));
        assert_eq!(news.facts.person.phone.as_deref(), Some("512-555-0171"));
        let message = facts(&news).message.as_deref();
        assert_eq!(message, Some("A new bath, please."));
        assert!(unread(&news).is_empty());
    }
    let broken = form(json!("Ada Fenn, 512-555-0171"));
    assert_eq!(unread(&broken), ["form_data"]);
}

#[test]
fn a_forms_own_fields_may_have_any_name_and_shape() {
    let news = form(json!({
        "First Name": "Dana", "last_name": "Whitfield", "your-email": "dana@example.com", "Cell phone": "512-555-0142",
        "Project_Address": "1204 Cedar Bend", "city": "Round Rock", "zip_code": "78664", "rooms": ["kitchen", "bath"],
        "newsletter": true, "gclid": "TeSt-2", "Comments": "Start in May.", "message": "Or in June.", "empty": "",
        "nothing": null, "nested": { "a": 1 }, "square_feet": 200,
    }));
    let person = &news.facts.person;
    assert_eq!(person.name.as_deref(), Some("Dana Whitfield"));
    assert_eq!(person.email.as_deref(), Some("dana@example.com"));
    assert_eq!(person.phone.as_deref(), Some("512-555-0142"));
    assert_eq!(person.address.as_deref(), Some("1204 Cedar Bend"));
    assert_eq!(person.city.as_deref(), Some("Round Rock"));
    assert_eq!(person.postal_code.as_deref(), Some("78664"));
    let form = facts(&news);
    assert_eq!(form.message.as_deref(), Some("Start in May."));
    let answers: Vec<_> = form.answers.iter().map(|(q, a)| (&**q, &**a)).collect();
    assert_eq!(
        answers,
        [
            ("message", "Or in June."),
            ("newsletter", "yes"),
            ("rooms", "kitchen, bath"),
            ("square feet", "200"),
        ]
    );
    assert_eq!(news.facts.attribution["gclid"], "TeSt-2");
}

#[test]
fn a_form_that_is_form_encoded_says_the_same() {
    let body = "id=330091245&company_id=481516234&form_data%5Bfull_name%5D=Dana+Whitfield&form_data[email]=dana%40example.com&\
        form_data[rooms][]=kitchen&form_data[rooms][]=bath&form_url=https%3A%2F%2Fremodel.example.com%2Fquote";
    let news = news(None, body.as_bytes(), None);
    assert_eq!(news.facts.person.name.as_deref(), Some("Dana Whitfield"));
    assert_eq!(news.facts.person.email.as_deref(), Some("dana@example.com"));
    assert_eq!(facts(&news).answers["rooms"], "kitchen, bath");
}

#[test]
fn a_form_without_a_name_is_no_lead_of_anybody() {
    for body in [
        r#"{"form_data": {"full_name": "Dana"}, "form_url": "x"}"#,
        r#"{"id": 0, "form_data": {"full_name": "Dana"}, "form_url": "x"}"#,
    ] {
        let error = read(None, body.as_bytes(), None).unwrap_err();
        assert!(matches!(error, ReadError::Missing { .. }), "{error}");
    }
    let cut = br#"{"form_data": {"full_name": "Dana"}, "form_url": "x", "i"#;
    assert!(matches!(read(None, cut, None), Err(ReadError::Cut)));
    let odd = br#"{"id": "33 00", "form_data": {"full_name": "Dana"}, "form_url": "x"}"#;
    assert!(matches!(
        read(None, odd, None),
        Err(ReadError::BadId { .. })
    ));
}

proptest! {
    #[test]
    fn no_field_makes_it_panic(name in ".{0,40}", value in ".{0,60}") {
        let news = form(json!({ name: value }));
        prop_assert!(facts(&news).answers.len() <= 1);
    }
}
