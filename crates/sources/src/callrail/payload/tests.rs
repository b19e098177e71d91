use domain::{News, text};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Source as _, callrail::CallRail, fields::line};

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
    let ids = news.aliases.iter().filter(|alias| alias.kind == "call");
    ids.map(|alias| alias.value.as_str()).collect()
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
        (fixture!("pre-call.json"), None, "call, delayed 1800 s"),
        (
            fixture!("call-routing-complete.json"),
            None,
            "call, delayed 1800 s",
        ),
        (
            fixture!("call-routing-complete.json"),
            Some("post-call"),
            "call, delayed 0 s",
        ),
        (
            br#"{"resource_id": "CAL1", "answered": true, "call_type": "in_progress"}"#,
            None,
            "call, delayed 1800 s",
        ),
        (
            br#"{"call_id": "CAL1", "caller_id": "+15125550142", "answered": false}"#,
            None,
            "call, delayed 60 s",
        ),
        (
            br#"{"resource_id": "CAL1", "answered": "false", "call_type": "missed", "duration": "0", "note": ""}"#,
            None,
            "call, delayed 60 s",
        ),
        (
            br#"{"resource_id": "CAL1", "answered": "false", "call_type": "missed", "duration": "19", "note": ""}"#,
            None,
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
        (
            fixture!("form-submission.json"),
            Some("post-call"),
            "a form",
        ),
        (
            fixture!("sms-received.json"),
            Some("post-call"),
            "a text message",
        ),
        (
            fixture!("sms-sent.json"),
            Some("call-modified"),
            "a text message",
        ),
        (
            fixture!("convert-assist-complete.json"),
            Some("post-call"),
            assistant,
        ),
        (
            br#"{"id": "q1", "resource_id": "SCI1", "source_number": "***0157", "content": "STOP"}"#,
            Some("post-call"),
            "a text message",
        ),
        (
            br#"{"id": 7, "message_type": "mms", "content": null, "media_urls": ["x"]}"#,
            None,
            "a text message",
        ),
        (
            br#"{"id": 7, "form_data": {}, "form_url": "https://remodel.example.com/quote"}"#,
            None,
            "a form",
        ),
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
        (
            "{",
            "the body names nothing: `resource_id`, `call_id`, `id` are missing or empty",
        ),
        (
            r#"{"id": 1, "company_id": 481516234, "no"#,
            "the body breaks off before it says what it is about",
        ),
        (
            r#"{"answered": true, "resource_id": "CAL1"#,
            "the body names nothing: `resource_id`, `call_id`, `id` are missing or empty",
        ),
        (&deep, "the body is not a JSON object"),
        (
            &deep_member,
            "the body breaks off before it says what it is about",
        ),
        ("[1]", "the body is not a JSON object"),
        (
            "{}",
            "the body names nothing: `resource_id`, `call_id`, `id` are missing or empty",
        ),
        (
            r#"{"resource_id": null, "id": "", "call_id": "-"}"#,
            "the body names nothing: `resource_id`, `call_id`, `id` are missing or empty",
        ),
        (
            r#"{"resource_id": "../../x"}"#,
            "`resource_id` is not an id: expected 1 to 64 letters, digits, `_` and `-`",
        ),
        (
            r#"{"resource_id": {}, "call_id": [], "id": -5.5}"#,
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

/// The names of what could not be read.
fn unread(news: &News) -> Vec<&str> {
    let names = news.facts.unread_fields.iter();
    names.map(String::as_str).collect()
}

/// A whole call of our own, changed by `changes`.
fn body(changes: Value) -> String {
    let mut body = json!({
        "resource_id": "CAL0142aa", "id": 904_110_142, "answered": true, "voicemail": false, "duration": "184",
        "start_time": "2026-11-19T10:15:04.300-06:00", "customer_name": "Renée Falk",
        "customer_phone_number": "+15125550143", "tracking_phone_number": "+15125550117", "tags": ["kitchen"],
        "note": "", "recording": "https://app.example.com/r/1",
    });
    let (Value::Object(body), Value::Object(changes)) = (&mut body, changes) else {
        panic!("two objects")
    };
    body.extend(changes);
    Value::Object(body.clone()).to_string()
}

fn changed(changes: Value) -> News {
    news(None, body(changes).as_bytes(), Some("post-call"))
}

#[test]
fn what_stands_for_an_id_names_nobody() {
    for placeholder in [
        json!(0),
        json!("0"),
        json!("000000"),
        json!("null"),
        json!("None"),
        json!("undefined"),
        json!("-"),
        json!("--"),
        json!("N/A"),
        json!(-1),
        json!("NaN"),
        json!("00000000-0000-0000-0000-000000000000"),
        json!(" "),
        json!({}),
    ] {
        let one = changed(json!({ "id": placeholder }));
        assert_eq!(ids(&one), ["CAL0142aa"], "{placeholder}");
        assert!(unread(&one).is_empty(), "{placeholder}");
        let numbered = changed(json!({ "resource_id": placeholder }));
        assert_eq!(ids(&numbered), ["904110142"], "{placeholder}");
        assert_eq!(numbered.facts.canonical_id, None);
        let nobody = body(json!({ "resource_id": placeholder, "id": placeholder }));
        let error = read(None, nobody.as_bytes(), Some("post-call")).unwrap_err();
        assert!(matches!(error, ReadError::Missing { .. }), "{error}");
    }
    for stand_in in ["CAL", "CAL000000"] {
        let one = changed(json!({ "resource_id": stand_in }));
        assert_eq!(ids(&one), ["904110142"], "{stand_in}");
    }
}

#[test]
fn an_odd_id_is_left_out_where_there_is_a_good_one() {
    for odd in [
        json!("90 41"),
        json!("9".repeat(65)),
        json!(["904110142"]),
        json!({ "is": 7 }),
        json!(true),
        json!("904/../1"),
        json!(1.5),
        json!(1e300),
        // Another call's.
        json!("CAL0143bb"),
    ] {
        let one = changed(json!({ "id": odd }));
        assert_eq!(ids(&one), ["CAL0142aa"], "{odd}");
        assert_eq!(one.facts.canonical_id.as_deref(), Some("CAL0142aa"));
        assert_eq!(unread(&one), ["id"], "{odd}");
    }
    let tags: Vec<_> = (0..130).map(|n| format!("\"utm_{n}\": \"x\"")).collect();
    let late = format!("{{{}, {}", tags.join(","), body(json!({})).split_off(1));
    let late = news(None, late.as_bytes(), None);
    assert_eq!(ids(&late), ["CAL0142aa", "904110142"]);
    assert_eq!(late.facts.person.phone.as_deref(), Some("+15125550143"));
}

#[test]
fn an_empty_member_is_no_other_event() {
    for empty in [
        json!(null),
        json!({}),
        json!([]),
        json!(""),
        json!([null]),
        json!(" "),
    ] {
        for name in [
            "form_data",
            "content",
            "changes",
            "message_type",
            "source_number",
        ] {
            for changes in [
                json!({ name: empty }),
                json!({ name: empty, "resource_id": null }),
            ] {
                let news = news(None, body(changes).as_bytes(), None);
                assert!(!news.is_modified, "{name}: {empty}");
            }
        }
        let all = json!({ "content": empty, "message_type": empty, "person_id": empty, "answers": empty });
        assert_eq!(
            news(None, body(all).as_bytes(), None).facts.person,
            changed(json!({})).facts.person
        );
    }
    // A call is one whatever else is in it.
    let with_form =
        json!({ "form_data": { "how": "by telephone" }, "content": "x", "message_type": "x" });
    assert_eq!(ids(&changed(with_form)), ["CAL0142aa", "904110142"]);
}

#[test]
fn a_broken_body_costs_no_more_than_what_is_broken() {
    let whole = changed(json!({}));
    let sound = body(json!({ "transcription": "TEXT" }));
    let broken = |value: &str| sound.replace("\"TEXT\"", value).into_bytes();
    for value in [
        r#""half \ud83d a character""#,
        r#""\udc00""#,
        "1e400",
        "NaN",
        "-Infinity",
        "undefined",
        "\"a NUL \u{0}\"",
        "\"a line\nend\"",
        r#""\x41""#,
        "",
        "{\"a\": }",
        "[1,]",
        &format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
    ] {
        for event in [None, Some("post-call")] {
            let news = news(Some("application/json"), &broken(value), event);
            assert_eq!(news, whole, "{value}");
        }
    }
    let raw = [
        b"\"caf\xe9\"".as_slice(),
        b"\"\xff\xfe\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xc3\"",
    ];
    for value in raw {
        let at = sound.find("\"TEXT\"").unwrap();
        let (before, after) = sound.split_at(at);
        let body = [
            before.as_bytes(),
            value,
            after.strip_prefix("\"TEXT\"").unwrap().as_bytes(),
        ]
        .concat();
        let news = news(None, &body, None);
        assert_eq!(ids(&news), ids(&whole));
        assert_eq!(news.facts.about, whole.facts.about);
    }
    // What is broken is said.
    let wanted = sound
        .replace("\"184\"", "1e400")
        .replace("\"kitchen\"", "\"k\\ud83d\"");
    let wanted = wanted.replace("\"note\":\"\"", "\"note\":NaN");
    let news = news(None, wanted.as_bytes(), None);
    assert_eq!(unread(&news), ["duration", "note", "tags"]);
    assert_eq!(call(&news).duration_seconds, None);
    assert_eq!(news.facts.labels.note, None, "lost, and not cleared");
}

#[test]
fn a_body_that_breaks_off_is_read_so_far() {
    let sound = body(json!({ "zone": 1 }));
    let end = sound.find(r#","zone""#).unwrap();
    let cut = sound.split_at(end - 4).0;
    let news = news(None, cut.as_bytes(), None);
    assert_eq!(ids(&news), ["CAL0142aa", "904110142"]);
    assert_eq!(unread(&news), ["body", "voicemail"]);
    assert_eq!(call(&news).is_voicemail, None, "half a word is none");
    let bare = self::news(None, br#"{"resource_id": "CAL0142aa", "id": 90411"#, None);
    assert_eq!(
        (ids(&bare), unread(&bare)),
        (vec!["CAL0142aa"], vec!["body", "id"])
    );
}

#[test]
fn every_encoding_says_the_same() {
    let whole = changed(json!({}));
    let text = body(json!({}));
    let form = "resource_id=CAL0142aa&id=904110142&answered=true&voicemail=false&duration=184&note=&tags[]=kitchen\
                &start_time=2026-11-19T10:15:04.300-06:00&customer_name=Renée+Falk&recording=x\
                &customer_phone_number=%2B15125550143&tracking_phone_number=%2B15125550117";
    let narrow = |text: &str| -> Vec<u8> {
        text.chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap())
            .collect()
    };
    let wide = |text: &str, mark: bool, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let mark = mark.then_some(0xfeff).into_iter();
        mark.chain(text.encode_utf16()).flat_map(order).collect()
    };
    for (text, kind) in [
        (text.as_str(), "application/json"),
        (form, "application/x-www-form-urlencoded"),
    ] {
        let latin = format!("{kind}; charset=iso-8859-1");
        for (content_type, body) in [
            (Some(kind), format!("\u{feff}{text}").into_bytes()),
            (None, format!("\u{feff}{text}").into_bytes()),
            (Some(kind), narrow(text)),
            (Some(&latin), narrow(text)),
            (Some(&latin), text.as_bytes().to_vec()),
            (Some(kind), wide(text, true, u16::to_le_bytes)),
            (Some(kind), wide(text, true, u16::to_be_bytes)),
            (Some(kind), wide(text, false, u16::to_le_bytes)),
            (Some(kind), wide(text, false, u16::to_be_bytes)),
            (None, wide(text, true, u16::to_le_bytes)),
        ] {
            assert_eq!(
                news(content_type, &body, None),
                whole,
                "{content_type:?} {body:?}"
            );
        }
    }
    for name in ["Ren%E9e+Falk", "Ren%C3%A9e%20Falk", "Ren\u{e9}e Falk"] {
        let escaped = form.replace("Renée+Falk", name);
        assert_eq!(news(None, escaped.as_bytes(), None), whole, "{name}");
    }
}

#[test]
fn an_odd_field_is_left_out_alone_and_named() {
    for (name, odd) in [
        ("duration", json!("abc")),
        ("duration", json!(-5)),
        ("duration", json!("1:23")),
        ("duration", json!(4_000_000_000_u32)),
        ("duration", json!([184])),
        ("start_time", json!("99999-01-01T00:00:00Z")),
        ("start_time", json!("0001-01-01T00:00:00Z")),
        ("start_time", json!("yesterday")),
        ("start_time", json!(true)),
        ("answered", json!("perhaps")),
        ("voicemail", json!({ "is": true })),
        ("spam", json!("spam?")),
        ("customer_name", json!({ "first": "Renée" })),
        ("customer_phone_number", json!(["+15125550143"])),
        ("tags", json!(5)),
        ("tags", json!(true)),
        ("tags", json!([["a"], { "id": 7 }])),
        ("note", json!({ "text": "x" })),
        ("value", json!([1])),
        ("gclid", json!({ "id": 1 })),
        ("recording", json!({ "url": "x" })),
    ] {
        let odd_news = changed(json!({ name: odd }));
        assert_eq!(unread(&odd_news), [name], "{odd}");
        let sound = changed(json!({ name: null }));
        let (mut odd_facts, sound) = (odd_news.facts.clone(), sound.facts);
        odd_facts.unread_fields.clear();
        if ["tags", "note", "value"].contains(&name) {
            assert_eq!(
                (&odd_facts.labels.tags, &odd_facts.labels.note),
                match name {
                    "tags" => (&None, &sound.labels.note),
                    "note" => (&sound.labels.tags, &None),
                    _ => (&sound.labels.tags, &sound.labels.note),
                }
            );
            odd_facts.labels = sound.labels.clone();
        }
        assert_eq!(odd_facts, sound, "{name}: {odd}");
    }
    let tag = changed(json!({ "utm_their_own_word": { "x": 1 }, "utm_2": [1] }));
    assert_eq!(unread(&tag), ["utm"], "a sender's own name is not kept");
    let fine = json!({ "answered": 1, "voicemail": "No", "duration": "60.5", "value": 18_500, "spam": null });
    let fine = changed(fine);
    assert!(unread(&fine).is_empty());
    assert_eq!(call(&fine).duration_seconds, Some(60));
    assert_eq!(
        (call(&fine).is_answered, call(&fine).is_voicemail),
        (Some(true), Some(false))
    );
}

#[test]
fn a_tag_may_be_an_object() {
    for (tags, expected) in [
        (
            json!([{ "name": "hot", "id": 1 }, { "name": "deck" }]),
            Some(vec!["hot", "deck"]),
        ),
        (
            json!(["hot", { "name": "deck" }, 7, null]),
            Some(vec!["hot", "deck", "7"]),
        ),
        (json!({ "name": "hot" }), Some(vec!["hot"])),
        (json!("hot,lead"), Some(vec!["hot", "lead"])),
        (json!([]), Some(vec![])),
        (json!(null), Some(vec![])),
        (json!([{ "title": "hot" }]), None),
    ] {
        let read = changed(json!({ "tags": tags })).facts.labels.tags;
        let expected = expected.map(|tags| tags.iter().map(|tag| (*tag).to_owned()).collect());
        assert_eq!(read, expected, "{tags}");
    }
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
fn of_two_numbers_the_readable_one_is_taken() {
    for (number, further, expected) in [
        (
            "+१५१२५५५०१४३",
            "\u{202a}+15125550143\u{202c}",
            "+15125550143",
        ),
        ("***0143", "+15125550143", "+15125550143"),
        (
            "+1512555\u{fffd}\u{fffd}43",
            "(512) 555-0143",
            "(512) 555-0143",
        ),
        ("(512) 555-0143 x77", "+15125550199", "(512) 555-0143 x77"),
        ("Restricted", "+7378742833", "Restricted"),
        ("***0143", "unknown", "***0143"),
    ] {
        let news = changed(json!({ "customer_phone_number": number, "callernum": further }));
        assert_eq!(news.facts.person.phone.as_deref(), Some(expected));
    }
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
