use super::*;

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
        Reading::News(news) => match (&news.facts.about, news.is_addition) {
            (About::Phone(_), false) => format!("call, delayed {} s", news.delay.as_secs()),
            (About::Text(_), true) => "a text of the company".to_owned(),
            (About::Text(_), false) => "a text message".to_owned(),
            (About::Form(_), false) => "a form".to_owned(),
            other => panic!("{other:?}"),
        },
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
        (fixture!("sms-sent.json"), None, "a text of the company"),
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
            "a text of the company",
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
            "call, delayed 1800 s",
        ),
        (
            fixture!("call-routing-complete.json"),
            Some("call-routing-complete"),
            "call, delayed 1800 s",
        ),
        // A body without the members that tell how far a call is.
        (
            br#"{"resource_id": "CAL1", "customer_phone_number": "+15125550142"}"#,
            Some("pre-call"),
            "call, delayed 1800 s",
        ),
        // Somebody entered the URL at another event.
        (
            fixture!("post-call.json"),
            Some("pre-call"),
            "call, delayed 0 s",
        ),
        (
            fixture!("sms-received.json"),
            Some("text-received"),
            "a text message",
        ),
        // The URL says who wrote it where the body does not.
        (
            fixture!("sms-received.json"),
            Some("sms-sent"),
            "a text of the company",
        ),
        (
            fixture!("sms-received.json"),
            Some("no-such-event"),
            "a text message",
        ),
        (
            fixture!("outbound-post-call.json"),
            Some("outbound-post-call"),
            "a call from the company",
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
