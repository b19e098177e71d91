use super::*;

#[test]
fn a_post_call_body_is_read_whole() {
    let json = Some("application/json");
    let news = news(json, fixture!("post-call.json"), Some("post-call"));
    assert_eq!(
        ids(&news),
        ["CAL0199f3a1c2d47e5fb8a61234567890ab", "902134477"]
    );
    let alias = &news.aliases[1];
    assert_eq!(
        (alias.provider.as_str(), alias.kind.as_str()),
        ("callrail", "call")
    );
    assert!(!news.is_modified);
    assert_eq!(news.delay, Duration::ZERO);
    let Facts {
        external_id,
        person,
        labels,
        attribution,
        ..
    } = &news.facts;
    assert_eq!(
        external_id.as_deref(),
        Some("CAL0199f3a1c2d47e5fb8a61234567890ab")
    );
    assert_eq!(person.name.as_deref(), Some("Dana Whitfield"));
    assert_eq!(person.phone.as_deref(), Some("+15125550142"));
    assert_eq!(person.city.as_deref(), Some("Round Rock"));
    assert_eq!(labels.tags, Some(vec!["kitchen".to_owned()]));
    assert_eq!(
        labels.note.as_deref(),
        Some(""),
        "there, and empty: cleared"
    );
    assert_eq!(labels.status.as_deref(), Some("good_lead"));
    assert_eq!(attribution["utm_campaign"], "austin-kitchen-remodel");
    assert_eq!(attribution["gclid"], "TeSt-gclid-0001");
    assert!(
        !attribution.contains_key("fbclid"),
        "what is empty says nothing"
    );
    let expected = CallFacts {
        is_answered: Some(true),
        is_voicemail: Some(false),
        duration_seconds: Some(254),
        started_at: Some("2026-03-17T14:41:02.101Z".parse().unwrap()),
        tracking_number: Some("+15125550117".to_owned()),
        business_number: Some("+15125550100".to_owned()),
        has_recording: Some(true),
    };
    assert_eq!(call(&news), &expected);
}

#[test]
fn a_form_says_the_same_as_json() {
    let json = news(Some("application/json"), fixture!("post-call.json"), None);
    let form_type = Some("application/x-www-form-urlencoded; charset=utf-8");
    for content_type in [form_type, None] {
        let form = news(content_type, fixture!("post-call-form-encoded.txt"), None);
        assert_eq!(ids(&form), ["CAL0199f3a1c2d47e5fb8a61234567890ab"]);
        let labels = &form.facts.labels;
        assert_eq!((&labels.tags, &labels.status), (&None, &None), "not sent");
        let attribution = &form.facts.attribution;
        assert_eq!(attribution["source_name"], "Google Ads - Kitchens");
        assert_eq!(form.facts.person, json.facts.person);
        assert_eq!(form.facts.about, json.facts.about);
    }
}

#[test]
fn json_is_understood_under_a_wrong_content_type() {
    let form_type = Some("application/x-www-form-urlencoded");
    let news = news(form_type, b" {\"call_id\": \"CAL1\"}", None);
    assert_eq!(ids(&news), ["CAL1"]);
}

#[test]
fn the_documented_sample_is_a_call() {
    let json = Some("application/json");
    let news = news(json, fixture!("call-completed.json"), None);
    assert_eq!(ids(&news), ["CAL123456789"]);
    assert_eq!(news.facts.person.phone.as_deref(), Some("+15551234567"));
    assert_eq!(call(&news).duration_seconds, Some(180));
    assert_eq!(call(&news).is_answered, Some(true));
    assert_eq!(news.facts.labels.tags, None, "not said");
}

#[test]
fn the_published_body_has_only_a_numeric_id() {
    let json = Some("application/json");
    let news = news(json, fixture!("published-vector.json"), None);
    assert_eq!(ids(&news), ["766970532"]);
    assert_eq!(call(&news).is_voicemail, Some(true));
    assert_eq!(news.facts.labels.tags, Some(Vec::new()));
    assert_eq!(call(&news).business_number, None);
}

#[test]
fn members_may_be_quoted_missing_empty_or_null() {
    let body = br#"{"id": 7, "answered": "true", "voicemail": "false", "duration": 12.0, "customer_name": null,
        "customer_phone_number": "", "start_time": "yesterday", "datetime": "2026-03-17 14:41:02",
        "value": 1500.5, "note": null, "tags": "kitchen, bath,", "lead_status": null, "recording": ""}"#;
    let news = news(None, body, None);
    let (call, person, labels) = (call(&news), &news.facts.person, &news.facts.labels);
    assert_eq!(
        (call.is_answered, call.is_voicemail, call.duration_seconds),
        (Some(true), Some(false), Some(12))
    );
    assert_eq!(
        (&person.name, &person.phone, &labels.status),
        (&None, &None, &None)
    );
    assert_eq!(
        call.started_at,
        Some("2026-03-17T14:41:02Z".parse().unwrap())
    );
    assert_eq!(labels.value.as_deref(), Some("1500.5"));
    assert_eq!(labels.note.as_deref(), Some(""));
    assert_eq!(
        labels.tags,
        Some(vec!["kitchen".to_owned(), "bath".to_owned()])
    );
    assert_eq!(call.has_recording, None);
}

#[test]
fn lists_in_forms_are_read_in_each_spelling() {
    for body in [
        "id=7&tags[]=a&tags[]=b%20c",
        "id=7&tags%5B%5D=a&tags%5B%5D=b+c",
        "id=7&tags=a,b+c",
        "id=7&tags=%5B%22a%22%2C+%22b+c%22%5D",
    ] {
        assert_eq!(
            news(None, body.as_bytes(), None).facts.labels.tags,
            Some(vec!["a".to_owned(), "b c".to_owned()])
        );
    }
    let none = news(None, b"id=7&tags=", None);
    assert_eq!(none.facts.labels.tags, Some(Vec::new()));
}

#[test]
fn a_time_without_an_offset_is_the_companys() {
    for (changes, expected) in [
        (
            json!({ "company_time_zone": "America/Chicago" }),
            "2026-07-01T17:15:04Z",
        ),
        (
            json!({ "time_zone": "America/New_York" }),
            "2026-07-01T16:15:04Z",
        ),
        (
            json!({ "company_time_zone": "", "time_zone": "America/Denver" }),
            "2026-07-01T18:15:04Z",
        ),
        // Nothing is better known.
        (json!({}), "2026-07-01T12:15:04Z"),
        (
            json!({ "company_time_zone": "Mars/Olympus" }),
            "2026-07-01T12:15:04Z",
        ),
        (
            json!({ "created_at": "2026-07-01T12:15:05-05:00" }),
            "2026-07-01T17:15:05Z",
        ),
        (
            json!({ "datetime": "2026-07-01 17:15:06" }),
            "2026-07-01T17:15:06Z",
        ),
    ] {
        let mut with_time = json!({ "start_time": "2026-07-01 12:15:04" });
        with_time
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        let news = changed(with_time);
        assert_eq!(
            call(&news).started_at,
            Some(expected.parse().unwrap()),
            "{changes}"
        );
    }
    // This name is documented as UTC, whatever the zone is.
    let utc = json!({ "start_time": null, "datetime": "2026-07-01 17:15:06", "company_time_zone": "America/Chicago" });
    assert_eq!(
        call(&changed(utc)).started_at,
        Some("2026-07-01T17:15:06Z".parse().unwrap())
    );
}

#[test]
fn the_sources_own_mark_of_spam_is_read() {
    for (spam, expected) in [
        (json!(true), Some(true)),
        (json!("true"), Some(true)),
        (json!(false), Some(false)),
        (json!(null), None),
        (json!(""), None),
    ] {
        assert_eq!(changed(json!({ "spam": spam })).facts.marked_spam, expected);
    }
}

#[test]
fn a_call_that_is_going_on_has_no_outcome_yet() {
    for body in [
        fixture!("pre-call.json"),
        fixture!("call-routing-complete.json"),
    ] {
        let news = news(None, body, None);
        let call = call(&news);
        assert_eq!((call.is_answered, call.is_voicemail), (None, None));
        assert_eq!(call.duration_seconds, None);
        assert!(call.started_at.is_some());
        assert_eq!(news.facts.person.phone.as_deref(), Some("+15125550142"));
    }
}

#[test]
fn a_call_that_only_rang_is_not_answered() {
    let rang = changed(
        json!({ "answered": "false", "voicemail": "false", "duration": "19", "recording": "" }),
    );
    let rang = call(&rang);
    assert_eq!(
        (rang.is_answered, rang.is_voicemail),
        (Some(false), Some(false))
    );
    assert_eq!(
        (rang.duration_seconds, rang.has_recording),
        (Some(19), None)
    );
    for none in [
        json!(null),
        json!(""),
        json!(false),
        json!("null"),
        json!([]),
    ] {
        let changes = json!({ "duration": null, "recording": none });
        let news = changed(changes);
        assert_eq!(
            (call(&news).duration_seconds, call(&news).has_recording),
            (None, None)
        );
        assert!(unread(&news).is_empty());
    }
}

#[test]
fn the_first_visit_is_told_apart_from_the_last() {
    let json = Some("application/json");
    let visits = |body: &[u8]| domain::Visits::of(&news(json, body, None).facts.attribution);
    let first_of = |visits: &domain::Visits| -> Vec<(&'static str, String)> {
        visits
            .first
            .iter()
            .map(|(word, value)| (*word, value.clone()))
            .collect()
    };
    let body = fixture!("api-call.json");
    let told = visits(body);
    let first = [
        ("campaign", "austin-kitchen-remodel"),
        ("gclid", "TeSt-gclid-0001"),
        ("keyword", "kitchen remodel round rock"),
        (
            "landing_page",
            "https://remodel.example.com/kitchens?gclid=TeSt-gclid-0001",
        ),
        ("medium", "cpc"),
        ("referrer", "https://www.google.com/"),
        ("source", "Google Ads"),
    ];
    assert_eq!(
        first_of(&told),
        first.map(|(word, value)| (word, value.to_owned()))
    );
    assert_eq!(told.last["source"], "Direct");
    assert_eq!(told.last["medium"], "direct");
    assert_eq!(told.last["landing_page"], "https://remodel.example.com/");
    assert!(
        !told.last.contains_key("referrer") && !told.last.contains_key("gclid"),
        "{told:?}"
    );

    // The click's id stands in the landing page's query, too.
    let mut call: serde_json::Value = serde_json::from_slice(body).unwrap();
    let touch = &mut call["milestones"]["first_touch"];
    touch["landing_page_url_params"] = serde_json::json!({});
    touch["landing"] = "https://x.example/?a=1&gclid=Te%53t&utm_term=bath+tub#top?fbclid=no".into();
    let told = visits(call.to_string().as_bytes()).first;
    assert_eq!(told["gclid"], "TeSt");
    assert_eq!(told["term"], "bath tub");
    assert!(!told.contains_key("fbclid"), "behind the query");

    // Milestones may be missing, null or of any other shape: the call is told all the same.
    for odd in [
        serde_json::json!(null),
        serde_json::json!([]),
        serde_json::json!("x"),
        serde_json::json!({ "first_touch": 7, "last_touch": null }),
        serde_json::json!({ "first_touch": { "source": null, "landing": {} } }),
    ] {
        call["milestones"] = odd;
        let told = news(json, call.to_string().as_bytes(), None);
        let visits = domain::Visits::of(&told.facts.attribution);
        assert!(visits.first.is_empty(), "{visits:?}");
        assert_eq!(told.facts.person.name.as_deref(), Some("Dana Whitfield"));
    }
}

#[test]
fn the_api_is_asked_for_the_milestones() {
    let asked = super::super::super::api::FIELDS;
    assert!(asked.split(',').any(|field| field == "milestones"));
    assert!(!asked.contains(' '), "{asked}");
}
