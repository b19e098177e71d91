use domain::News;
use proptest::prelude::*;

use super::*;
use crate::{Source as _, callrail::CallRail};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../fixtures/", $name)).as_bytes()
    };
}

fn read(
    content_type: Option<&str>,
    body: &[u8],
    event: Option<&str>,
) -> Result<Reading, ReadError> {
    let headers = content_type.map(|kind| ("content-type".to_owned(), kind.to_owned()));
    let (headers, body) = (headers.into_iter().collect(), body.to_vec().into());
    let delivery = Verified::restored(CallRail.spec(), "callrail-v3", headers, body);
    super::read(&delivery.unwrap(), event)
}

fn news(content_type: Option<&str>, body: &[u8], event: Option<&str>) -> News {
    match read(content_type, body, event) {
        Ok(Reading::News(news)) => *news,
        other => panic!("expected a call: {other:?}"),
    }
}

fn call(news: &News) -> &CallFacts {
    news.facts.about.call().unwrap()
}

fn ids(news: &News) -> Vec<&str> {
    news.aliases
        .iter()
        .map(|alias| alias.value.as_str())
        .collect()
}

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
fn an_edit_is_known_by_its_changes_or_its_url() {
    for event in [
        None,
        Some("call-modified"),
        Some("call_modified"),
        Some("updated-call"),
        Some("post-call"),
    ] {
        let news = news(None, fixture!("call-modified.json"), event);
        assert!(news.is_modified, "{event:?}");
        assert_eq!(
            news.facts.labels.tags,
            Some(vec!["kitchen".to_owned(), "estimate-booked".to_owned()])
        );
    }
    assert!(news(None, fixture!("post-call.json"), Some("call-modified")).is_modified);
}

#[test]
fn events_are_distinguished_by_shape_and_name() {
    let outcome = |body: &[u8], event: Option<&str>| match read(None, body, event).unwrap() {
        Reading::News(news) => format!("call, delayed {} s", news.delay.as_secs()),
        Reading::Ignored { reason } => reason.into_owned(),
        Reading::Receipts(_) | Reading::Ping => unreachable!(),
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
            "the body names nothing: `resource_id`, `call_id`, `id` are missing or empty",
        ),
        ("{", "the body is not readable JSON (line 1, column 1)"),
        (
            r#"{"id": 1} x"#,
            "the body is not readable JSON (line 1, column 11)",
        ),
        (
            r#"{"resource_id": "CAL1", "note": "Ann"#,
            "the body is not readable JSON (line 1, column 36)",
        ),
        (&deep, "the body is not a JSON object"),
        (
            &deep_member,
            "the body is not readable JSON (line 1, column 142)",
        ),
        ("[1]", "the body is not a JSON object"),
        (
            "{}",
            "the body names nothing: `resource_id`, `call_id`, `id` are missing or empty",
        ),
        (
            r#"{"resource_id": null, "id": ""}"#,
            "the body names nothing: `resource_id`, `call_id`, `id` are missing or empty",
        ),
        (
            r#"{"resource_id": "../../x"}"#,
            "`resource_id` is not an id: expected 1 to 64 letters, digits, `_` and `-`",
        ),
        (
            r#"{"resource_id": "CAL1", "id": -5.5}"#,
            "`id` is not an id: expected 1 to 64 letters, digits, `_` and `-`",
        ),
        (
            r#"{"call_id": true}"#,
            "`call_id` is not an id: expected 1 to 64 letters, digits, `_` and `-`",
        ),
        (
            r#"{"call_id": ["CAL1"]}"#,
            "`call_id` is not an id: expected 1 to 64 letters, digits, `_` and `-`",
        ),
        (
            r#"{"call_id": {"a": 1}}"#,
            "`call_id` is not an id: expected 1 to 64 letters, digits, `_` and `-`",
        ),
    ] {
        let error = read(Some("text/plain"), body.as_bytes(), None).unwrap_err();
        assert_eq!(error.to_string(), expected, "{}", text::bounded(body, 80));
    }
    assert_eq!(
        read(Some("application/json"), b"", None)
            .unwrap_err()
            .to_string(),
        "the body is not readable JSON (line 1, column 0)"
    );
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
    let facts = news(None, body.as_bytes(), None).facts;
    assert_eq!(facts.person.name.unwrap().chars().count(), 200);
    assert_eq!(facts.labels.note.unwrap().chars().count(), 5_000);
    let tags = facts.labels.tags.unwrap();
    assert_eq!((tags.len(), tags[0].chars().count()), (50, 100));
    assert_eq!(facts.attribution.len(), 40);
    assert!(
        facts
            .attribution
            .values()
            .all(|value| value.chars().count() == 500)
    );
}

#[test]
fn of_two_members_of_one_name_the_first_counts() {
    let twice = news(
        None,
        br#"{"id": 1, "id": 2, "answered": true, "answered": false}"#,
        None,
    );
    assert_eq!(
        (ids(&twice), call(&twice).is_answered),
        (vec!["1"], Some(true))
    );
    assert_eq!(ids(&news(None, b"id=1&id=2", None)), ["1"]);
}

proptest! {
    #[test]
    fn a_line_kept_as_it_is_needs_no_cleaning(raw in "[a \\n]{0,8}|.{0,40}", max in 0usize..20) {
        prop_assert_eq!(line(&raw, max), text::line(&raw, max));
    }

    #[test]
    fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..300), json: bool) {
        let content_type = json.then_some("application/json");
        drop(read(content_type, &body, None));
    }

    #[test]
    fn an_accepted_id_is_safe_in_a_path(raw in ".{0,80}") {
        let body = serde_json::json!({ "resource_id": raw }).to_string();
        if let Ok(Reading::News(news)) = read(None, body.as_bytes(), None) {
            let id = &news.aliases[0].value;
            prop_assert!(!id.is_empty() && id.len() <= 64);
            prop_assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
        }
    }
}
