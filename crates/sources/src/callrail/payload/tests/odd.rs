use super::*;

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
