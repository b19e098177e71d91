use proptest::prelude::*;

use super::*;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../fixtures/", $name)).as_bytes()
    };
}

fn call(content_type: Option<&str>, body: &[u8], event: Option<&str>) -> Inbound {
    match read(content_type, body, event) {
        Ok(Reading::Lead(inbound)) => *inbound,
        other => panic!("expected a call: {other:?}"),
    }
}

fn ids(inbound: &Inbound) -> Vec<&str> {
    inbound
        .aliases
        .iter()
        .map(|alias| alias.value.as_str())
        .collect()
}

#[test]
fn a_post_call_body_is_read_whole() {
    let inbound = call(
        Some("application/json"),
        fixture!("post-call.json"),
        Some("post-call"),
    );
    assert_eq!(
        ids(&inbound),
        ["CAL0199f3a1c2d47e5fb8a61234567890ab", "902134477"]
    );
    assert!(
        inbound
            .aliases
            .iter()
            .all(|alias| alias.provider == "callrail" && alias.kind == "call")
    );
    assert!(!inbound.is_modified);
    assert_eq!(inbound.delay, Duration::ZERO);
    let call = inbound.call;
    assert_eq!(
        call.call_id.as_deref(),
        Some("CAL0199f3a1c2d47e5fb8a61234567890ab")
    );
    assert_eq!(
        (call.is_answered, call.is_voicemail, call.duration_seconds),
        (Some(true), Some(false), Some(254))
    );
    assert_eq!(
        call.started_at,
        Some("2026-03-17T14:41:02.101Z".parse().unwrap())
    );
    assert_eq!(call.caller_name.as_deref(), Some("Dana Whitfield"));
    assert_eq!(call.caller_number.as_deref(), Some("+15125550142"));
    assert_eq!(call.caller_city.as_deref(), Some("Round Rock"));
    assert_eq!(call.tracking_number.as_deref(), Some("+15125550117"));
    assert_eq!(call.business_number.as_deref(), Some("+15125550100"));
    assert_eq!(call.has_recording, Some(true));
    assert_eq!(call.tags, Some(vec!["kitchen".to_owned()]));
    assert_eq!(call.note.as_deref(), Some(""), "there, and empty: cleared");
    assert_eq!(call.lead_status.as_deref(), Some("good_lead"));
    assert_eq!(call.marketing["utm_campaign"], "austin-kitchen-remodel");
    assert_eq!(call.marketing["gclid"], "TeSt-gclid-0001");
    assert!(
        !call.marketing.contains_key("fbclid"),
        "what is empty says nothing"
    );
}

#[test]
fn a_form_says_the_same_as_json() {
    let json = call(Some("application/json"), fixture!("post-call.json"), None).call;
    let form_type = Some("application/x-www-form-urlencoded; charset=utf-8");
    for content_type in [form_type, None] {
        let form = call(content_type, fixture!("post-call-form-encoded.txt"), None);
        assert_eq!(ids(&form), ["CAL0199f3a1c2d47e5fb8a61234567890ab"]);
        let form = form.call;
        assert_eq!(form.tags, None, "the sample has none");
        assert_eq!(form.lead_status, None);
        assert_eq!(form.marketing["source_name"], "Google Ads - Kitchens");
        let same = |call: &CallFacts| CallFacts {
            tags: None,
            lead_status: None,
            marketing: BTreeMap::new(),
            ..call.clone()
        };
        assert_eq!(same(&form), same(&json));
    }
}

#[test]
fn json_is_understood_under_a_wrong_content_type() {
    let inbound = call(
        Some("application/x-www-form-urlencoded"),
        b" {\"call_id\": \"CAL1\"}",
        None,
    );
    assert_eq!(ids(&inbound), ["CAL1"]);
}

#[test]
fn the_documented_sample_is_a_call() {
    let inbound = call(
        Some("application/json"),
        fixture!("call-completed.json"),
        None,
    );
    assert_eq!(ids(&inbound), ["CAL123456789"]);
    assert_eq!(inbound.call.caller_number.as_deref(), Some("+15551234567"));
    assert_eq!(inbound.call.duration_seconds, Some(180));
    assert_eq!(inbound.call.is_answered, Some(true));
    assert_eq!(inbound.call.tags, None, "not said");
}

#[test]
fn the_published_body_has_only_a_numeric_id() {
    let inbound = call(
        Some("application/json"),
        fixture!("published-vector.json"),
        None,
    );
    assert_eq!(ids(&inbound), ["766970532"]);
    assert_eq!(inbound.call.is_voicemail, Some(true));
    assert_eq!(inbound.call.tags, Some(Vec::new()));
    assert_eq!(inbound.call.business_number, None);
}

#[test]
fn an_edit_is_known_by_its_changes_or_its_url() {
    for event in [
        None,
        Some("call-modified"),
        Some("call_modified"),
        Some("updated-call"),
        Some("post-call"),
    ] {
        let inbound = call(None, fixture!("call-modified.json"), event);
        assert!(inbound.is_modified, "{event:?}");
        assert_eq!(
            inbound.call.tags,
            Some(vec!["kitchen".to_owned(), "estimate-booked".to_owned()])
        );
    }
    assert!(call(None, fixture!("post-call.json"), Some("call-modified")).is_modified);
}

#[test]
fn events_are_told_apart_by_shape_and_by_name() {
    let outcome = |body: &[u8], event: Option<&str>| match read(None, body, event).unwrap() {
        Reading::Lead(inbound) => format!("call, delayed {} s", inbound.delay.as_secs()),
        Reading::Ignored { reason } => reason.to_owned(),
        Reading::Receipts(_) => unreachable!(),
    };
    let assistant = "news of an assistant, without a call";
    for (body, event, expected) in [
        (fixture!("post-call.json"), None, "call, delayed 0 s"),
        (
            fixture!("post-call-voicemail.json"),
            None,
            "call, delayed 0 s",
        ),
        (fixture!("pre-call.json"), None, "call, delayed 60 s"),
        (
            fixture!("call-routing-complete.json"),
            None,
            "call, delayed 60 s",
        ),
        (
            fixture!("call-routing-complete.json"),
            Some("post-call"),
            "call, delayed 0 s",
        ),
        (
            fixture!("outbound-post-call.json"),
            None,
            "a call from the company",
        ),
        (
            fixture!("outbound-post-call.json"),
            Some("post-call"),
            "a call from the company",
        ),
        (fixture!("form-submission.json"), None, "a form"),
        (fixture!("sms-received.json"), None, "a text message"),
        (fixture!("sms-sent.json"), None, "a text message"),
        (fixture!("convert-assist-complete.json"), None, assistant),
        (fixture!("voice-assist-answered.json"), None, assistant),
        (
            fixture!("post-call.json"),
            Some("post_call"),
            "call, delayed 0 s",
        ),
        (
            fixture!("post-call.json"),
            Some("call_completed"),
            "call, delayed 0 s",
        ),
        (
            fixture!("post-call.json"),
            Some("call-completed"),
            "call, delayed 0 s",
        ),
        (
            fixture!("pre-call.json"),
            Some("pre-call"),
            "an event that is not used",
        ),
        (
            fixture!("sms-received.json"),
            Some("text-received"),
            "an event that is not used",
        ),
        (
            fixture!("post-call.json"),
            Some("no-such-event"),
            "an event that is not used",
        ),
    ] {
        assert_eq!(
            outcome(body, event),
            expected,
            "{event:?} {}",
            String::from_utf8_lossy(body)
        );
    }
}

#[test]
fn strange_bodies_are_read_errors_without_their_content() {
    let deep = "[".repeat(10_000);
    let deep_member = format!(r#"{{"id": 1, "x": {}"#, "[".repeat(10_000));
    for (body, expected) in [
        (
            "",
            "the body names no call: `resource_id`, `id` and `call_id` are missing or empty",
        ),
        (
            "{",
            "the body is no JSON that can be read (line 1, column 1)",
        ),
        (
            r#"{"id": 1} x"#,
            "the body is no JSON that can be read (line 1, column 11)",
        ),
        (
            r#"{"resource_id": "CAL1", "note": "Ann"#,
            "the body is no JSON that can be read (line 1, column 36)",
        ),
        (&deep, "the body is not a JSON object"),
        (
            &deep_member,
            "the body is no JSON that can be read (line 1, column 142)",
        ),
        ("[1]", "the body is not a JSON object"),
        (
            "{}",
            "the body names no call: `resource_id`, `id` and `call_id` are missing or empty",
        ),
        (
            r#"{"resource_id": null, "id": ""}"#,
            "the body names no call: `resource_id`, `id` and `call_id` are missing or empty",
        ),
        (
            r#"{"resource_id": "../../x"}"#,
            "`resource_id` is no id: expected 1 to 64 letters, digits, `_` and `-`",
        ),
        (
            r#"{"resource_id": "CAL1", "id": -5.5}"#,
            "`id` is no id: expected 1 to 64 letters, digits, `_` and `-`",
        ),
        (
            r#"{"call_id": true}"#,
            "`call_id` is no id: expected 1 to 64 letters, digits, `_` and `-`",
        ),
        (
            r#"{"call_id": ["CAL1"]}"#,
            "`call_id` is no id: expected 1 to 64 letters, digits, `_` and `-`",
        ),
        (
            r#"{"call_id": {"a": 1}}"#,
            "`call_id` is no id: expected 1 to 64 letters, digits, `_` and `-`",
        ),
    ] {
        let error = read(Some("text/plain"), body.as_bytes(), None).unwrap_err();
        assert_eq!(error.to_string(), expected, "{}", text::bounded(body, 80));
    }
    assert_eq!(
        read(Some("application/json"), b"", None)
            .unwrap_err()
            .to_string(),
        "the body is no JSON that can be read (line 1, column 0)"
    );
}

#[test]
fn members_may_be_quoted_missing_empty_or_null() {
    let body = br#"{"id": 7, "answered": "true", "voicemail": "false", "duration": 12.0, "customer_name": null,
        "customer_phone_number": "", "start_time": "yesterday", "datetime": "2026-03-17 14:41:02",
        "value": 1500.5, "note": null, "tags": "kitchen, bath,", "lead_status": null, "recording": ""}"#;
    let call = call(None, body, None).call;
    assert_eq!(
        (call.is_answered, call.is_voicemail, call.duration_seconds),
        (Some(true), Some(false), Some(12))
    );
    assert_eq!(
        (call.caller_name, call.caller_number, call.lead_status),
        (None, None, None)
    );
    assert_eq!(
        call.started_at,
        Some("2026-03-17T14:41:02Z".parse().unwrap())
    );
    assert_eq!(call.value.as_deref(), Some("1500.5"));
    assert_eq!(call.note.as_deref(), Some(""));
    assert_eq!(
        call.tags,
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
    ] {
        assert_eq!(
            call(None, body.as_bytes(), None).call.tags,
            Some(vec!["a".to_owned(), "b c".to_owned()])
        );
    }
    assert_eq!(call(None, b"id=7&tags=", None).call.tags, Some(Vec::new()));
}

#[test]
fn text_from_outside_is_bounded() {
    let tags: Vec<_> = (0..500)
        .map(|n| format!("\"tag {n} {}\"", "x".repeat(500)))
        .collect();
    let utm: Vec<_> = (0..500)
        .map(|n| format!("\"utm_{n}\": \"{}\"", "y".repeat(2_000)))
        .collect();
    let body = format!(
        r#"{{"id": 1, "customer_name": "{}", "note": "{}", "tags": [{}], {}}}"#,
        "n ".repeat(5_000),
        "note ".repeat(5_000),
        tags.join(","),
        utm.join(",")
    );
    let call = call(None, body.as_bytes(), None).call;
    assert_eq!(call.caller_name.unwrap().chars().count(), 200);
    assert_eq!(call.note.unwrap().chars().count(), 5_000);
    let tags = call.tags.unwrap();
    assert_eq!((tags.len(), tags[0].chars().count()), (50, 100));
    assert_eq!(call.marketing.len(), 40);
    assert!(
        call.marketing
            .values()
            .all(|value| value.chars().count() == 500)
    );
}

#[test]
fn of_two_members_of_one_name_the_first_counts() {
    let inbound = call(
        None,
        br#"{"id": 1, "id": 2, "answered": true, "answered": false}"#,
        None,
    );
    assert_eq!(
        (ids(&inbound), inbound.call.is_answered),
        (vec!["1"], Some(true))
    );
    assert_eq!(ids(&call(None, b"id=1&id=2", None)), ["1"]);
}

proptest! {
    #[test]
    fn a_line_that_is_taken_as_it_is_needs_no_cleaning(raw in "[a \\n]{0,8}|.{0,40}", max in 0usize..20) {
        prop_assert_eq!(line(&raw, max), text::line(&raw, max));
    }

    #[test]
    fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..300), json: bool) {
        let content_type = json.then_some("application/json");
        drop(read(content_type, &body, None));
    }

    #[test]
    fn an_id_that_is_taken_is_safe_in_a_path(id in ".{0,80}") {
        let body = serde_json::json!({ "resource_id": id }).to_string();
        if let Ok(Reading::Lead(inbound)) = read(None, body.as_bytes(), None) {
            let taken = &inbound.aliases[0].value;
            prop_assert!(!taken.is_empty() && taken.len() <= 64);
            prop_assert!(taken.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
        }
    }
}
