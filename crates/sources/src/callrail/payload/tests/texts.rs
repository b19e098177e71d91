use domain::{Author, TextFacts};

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "literals are handed over")]
fn text(body: Value, event: Option<&str>) -> News {
    news(None, body.to_string().as_bytes(), event)
}

fn facts(news: &News) -> &TextFacts {
    match &news.facts.about {
        About::Text(facts) => facts,
        other => panic!("expected a text: {other:?}"),
    }
}

fn conversation(news: &News) -> &str {
    assert_eq!(news.aliases[0].kind, "conversation");
    // Beside it, a wider name and that of a message by its circumstances.
    let of_kind = |kind: &str| {
        news.aliases
            .iter()
            .filter(|alias| alias.kind == kind)
            .count()
    };
    let (names, texts) = (of_kind("conversation"), of_kind("text"));
    assert!(names <= 2 && texts <= 1, "{news:?}");
    assert_eq!(names + texts, news.aliases.len(), "{news:?}");
    &news.aliases[0].value
}

/// A received message, changed by `changes`.
#[expect(clippy::needless_pass_by_value, reason = "literals are handed over")]
fn received(changes: Value) -> News {
    let mut body: Value = serde_json::from_slice(fixture!("sms-received.json")).unwrap();
    body.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    text(body, None)
}

#[test]
fn a_text_and_its_answer_are_one_conversation() {
    let question = news(None, fixture!("sms-received.json"), Some("sms-received"));
    let answer = news(None, fixture!("sms-sent.json"), Some("sms-sent"));
    assert_eq!(conversation(&question), "k7pQx");
    assert_eq!(conversation(&answer), "k7pQx");
    for news in [&question, &answer] {
        assert_eq!(news.facts.person.phone.as_deref(), Some("512-555-0142"));
        assert_eq!(facts(news).company_number.as_deref(), Some("512-555-0117"));
    }
    assert!(!question.is_addition && answer.is_addition);
    let (id, message) = facts(&question).messages.first_key_value().unwrap();
    assert_eq!(id, "SCI2b9d7a10c3e54f6a8b1c2d3e4f5a6b7c");
    assert_eq!(message.from, Author::Customer);
    assert_eq!(
        message.text,
        "Can you also quote a half bath? Photo attached [1 picture or file: see CallRail]"
    );
    assert_eq!(
        message.at,
        Some("2026-03-17T15:05:44.310Z".parse().unwrap())
    );
    let (_, message) = facts(&answer).messages.first_key_value().unwrap();
    assert_eq!(message.from, Author::Agent);
    assert_eq!(answer.facts.labels.status.as_deref(), Some("good_lead"));
}

#[test]
fn a_thread_is_narrower_than_a_conversation() {
    let threaded = received(json!({ "thread_resource_id": "THR0142" }));
    assert_eq!(conversation(&threaded), "THR0142");
    assert_eq!(threaded.facts.canonical_id.as_deref(), Some("THR0142"));
    // A delivery that leaves the thread out is of the same conversation.
    let wider = &threaded.aliases[1];
    assert_eq!((&*wider.kind, &*wider.value), ("conversation", "k7pQx"));
    let unthreaded = received(json!({}));
    assert_eq!(unthreaded.aliases[0], *wider);
    assert_eq!(unthreaded.facts.canonical_id, None);
    for nothing in [json!(null), json!(""), json!("null"), json!(0)] {
        let news = received(json!({ "thread_resource_id": nothing }));
        assert_eq!(conversation(&news), "k7pQx");
    }
}

#[test]
fn without_a_conversation_the_two_numbers_name_it() {
    let unnamed = |changes: Value| {
        let mut all = json!({ "conversation_id": null });
        all.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        received(all)
    };
    let first = unnamed(json!({}));
    let same = unnamed(json!({
        "source_number": "+1 (512) 555-0142", "destination_number": "5125550117", "resource_id": "SCI2",
    }));
    let other = unnamed(json!({ "source_number": "512-555-0143" }));
    assert!(conversation(&first).starts_with("numbers-"));
    assert_eq!(conversation(&first), conversation(&same));
    assert_ne!(conversation(&first), conversation(&other));
    assert!(!conversation(&first).contains("5550142"));
    // Two people whose numbers are masked are not one.
    let masked = |id: &str| unnamed(json!({ "source_number": "***0157", "resource_id": id }));
    assert_eq!(conversation(&masked("SCI8")), "SCI8");
    assert_eq!(conversation(&masked("SCI9")), "SCI9");
}

#[test]
fn a_masked_number_is_none_and_a_missing_time_is_left_out() {
    let body = json!({
        "id": "k7pQy", "resource_id": "SCId72d187df41e10ea7d9fcdc7f5909205", "source_number": "***0157",
        "destination_number": "+15125550117", "content": "STOP", "message_type": "sms", "media_urls": [],
        "conversation_id": "k7pQy", "thread_resource_id": null, "person_resource_id": null,
    });
    let news = text(body, None);
    assert_eq!(conversation(&news), "k7pQy");
    assert_eq!(news.facts.contact().phone, None);
    let (id, message) = facts(&news).messages.first_key_value().unwrap();
    assert_eq!(id, "SCId72d187df41e10ea7d9fcdc7f5909205");
    assert_eq!((message.at, message.text.as_str()), (None, "STOP"));
    assert!(facts(&news).opt_out().is_some());
    assert!(unread(&news).is_empty());
}

#[test]
fn an_id_that_is_the_conversations_names_no_message() {
    let one = |content: &str| {
        let changes = json!({ "resource_id": null, "id": "k7pQx", "content": content });
        let news = received(changes);
        facts(&news).messages.keys().next().unwrap().clone()
    };
    assert_ne!(one("first"), one("second"));
    assert_eq!(one("first"), one("first"));
}

#[test]
fn a_text_in_a_form_says_the_same() {
    let form = "id=884210377&resource_id=SCI2b9d7a10c3e54f6a8b1c2d3e4f5a6b7c&source_number=512-555-0142&\
        destination_number=512-555-0117&content=Can+you+also+quote+a+half+bath%3F+Photo+attached&message_type=mms&\
        media_urls%5B%5D=https%3A%2F%2Fmedia.callrail.example.com%2Fm%2F1.jpg&\
        timestamp=2026-03-17T10%3A05%3A44.310-05%3A00&lead_status=&conversation_id=k7pQx";
    let json = news(None, fixture!("sms-received.json"), None);
    assert_eq!(news(None, form.as_bytes(), None).facts, json.facts);
}

#[test]
fn a_text_is_bounded_and_an_empty_one_has_no_message() {
    let long = received(json!({ "content": "x".repeat(20_000) }));
    let message = facts(&long).messages.values().next().unwrap();
    assert_eq!(message.text.chars().count(), 5_000);
    let empty = received(json!({ "content": "", "media_urls": [] }));
    assert!(facts(&empty).messages.is_empty());
    let odd = received(json!({ "content": { "a": 1 }, "media_urls": "x", "timestamp": "then" }));
    assert_eq!(unread(&odd), ["content", "timestamp"]);
    let message = facts(&odd).messages.values().next().unwrap();
    assert_eq!(message.text, "[1 picture or file: see CallRail]");
}
