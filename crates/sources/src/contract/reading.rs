//! Genuine bodies that are not as they should be. Their provider may not send them again, so they are read, or a person
//! looks at them.

use domain::Reading;
use serde_json::{Value, json};

use super::read;
use crate::{ReadAs, ReadError, Sample, Source};

/// A sample that is a lead must not be dropped as an event that is not used.
fn is_no_lead_lost(source: &dyn Source, sample: &Sample, content_type: Option<&str>, body: &[u8]) {
    let reading = read(source, content_type, sample.event, body.to_vec());
    let is_lead = matches!(sample.read_as, ReadAs::News(_));
    assert!(
        !is_lead || !matches!(reading, Ok(Reading::Ignored { .. } | Reading::Ping)),
        "{sample:?} is lost as {reading:?}: {}",
        String::from_utf8_lossy(body)
    );
}

fn json_samples(source: &dyn Source) -> impl Iterator<Item = (&'static Sample, Value)> {
    let samples = source.spec().samples.iter();
    samples.filter_map(|sample| Some((sample, serde_json::from_slice(sample.body).ok()?)))
}

/// A form is a form wherever it is cut, and has no types. What is asked of it is that nothing panics.
fn form_samples(source: &dyn Source) -> impl Iterator<Item = &'static Sample> {
    let samples = source.spec().samples.iter();
    samples.filter(|sample| sample.content_type == "application/x-www-form-urlencoded")
}

/// A word of the person's name, as the body has it: what may be anything without the event becoming another one.
fn name_in(source: &dyn Source, sample: &Sample) -> Option<String> {
    let body = String::from_utf8_lossy(sample.body);
    match read(source, Some(sample.content_type), sample.event, sample.body) {
        Ok(Reading::News(news)) => {
            let name = news.facts.person.name?;
            let mut words = name.split_whitespace().map(str::to_owned);
            words.find(|word| body.contains(word))
        }
        _ => None,
    }
}

/// What can be read of it names the same thing, or nothing.
pub fn a_body_that_breaks_off_is_no_other_lead(source: &dyn Source) {
    for sample in form_samples(source) {
        for end in 0..sample.body.len() {
            drop(read(
                source,
                Some(sample.content_type),
                sample.event,
                &sample.body[..end],
            ));
        }
    }
    for (sample, _) in json_samples(source) {
        let whole = sample.body.trim_ascii_end();
        for end in (0..whole.len()).step_by(whole.len().div_ceil(200)) {
            let body = whole[..end].to_vec();
            let reading = read(source, Some(sample.content_type), sample.event, body);
            let is_part = match (&reading, sample.read_as) {
                (Ok(Reading::News(news)), ReadAs::News(ids)) => {
                    let mut values = news.aliases.iter().map(|alias| alias.value.as_str());
                    values.all(|value| ids.contains(&value))
                }
                (Ok(Reading::Receipts(receipts)), ReadAs::Receipts(all)) => receipts.len() <= all,
                (Ok(Reading::Ignored { .. }), ReadAs::Ignored | ReadAs::Receipts(_))
                | (Ok(Reading::Ping), ReadAs::Ping) => true,
                (reading, _) => reading.is_err(),
            };
            assert!(is_part, "{sample:?} up to {end}: {reading:?}");
        }
    }
}

pub fn a_body_of_another_shape_is_not_understood(source: &dyn Source) {
    let samples: Vec<_> = json_samples(source).collect();
    let deep = "[".repeat(100_000);
    let deep_member = format!(r#"{{"x":{deep}"#);
    for event in samples.iter().map(|(sample, _)| sample.event) {
        for body in [
            "null",
            "true",
            "7",
            "-7.5e3",
            r#""text""#,
            "[]",
            "[7]",
            "[[]]",
            "{}",
        ] {
            let shape: Value = serde_json::from_str(body).unwrap();
            let is_native = samples.iter().any(|(_, whole)| {
                (whole.is_array() && shape.is_array()) || (whole.is_object() && shape.is_object())
            });
            let reading = read(source, Some("application/json"), event, body);
            let is_understood = match &reading {
                Ok(Reading::Ignored { .. }) => !is_native,
                Ok(_) => true,
                Err(_) => false,
            };
            assert!(
                !is_understood,
                "{}: {body}: {reading:?}",
                source.spec().slug
            );
        }
        for body in [&deep, &deep_member] {
            let reading = read(source, Some("application/json"), event, body.clone());
            assert!(reading.is_err(), "{}", source.spec().slug);
        }
    }
}

pub fn a_member_of_another_type_never_loses_a_lead(source: &dyn Source) {
    // A number is a text: senders differ in whether they quote it.
    let strange = [
        Value::Null,
        json!(true),
        json!([]),
        json!([{ "x": [null] }]),
        json!({}),
        json!({ "x": { "y": 1 } }),
    ];
    for (sample, whole) in json_samples(source) {
        for at in 0..count(&whole) {
            // Two each are enough: members take turns with them.
            for value in strange.iter().cycle().skip(at).step_by(2).take(2) {
                let mut body = whole.clone();
                replace(&mut body, &mut { at }, value);
                let body = body.to_string().into_bytes();
                is_no_lead_lost(source, sample, Some(sample.content_type), &body);
            }
        }
    }
}

/// A broken value in a member that nobody needs costs nothing but itself.
pub fn a_broken_value_never_loses_a_lead(source: &dyn Source) {
    let broken: [&[u8]; 8] = [
        br#""\ud83d""#,
        b"\"\xe9\"",
        b"\"\0\"",
        br#""\q""#,
        b"1e400",
        b"NaN",
        b"undefined",
        b"",
    ];
    for sample in source.spec().samples {
        let Some(rest) = sample.body.trim_ascii().strip_prefix(b"{") else {
            continue;
        };
        // A source may keep what nobody asked for, under its own name.
        let without = |mut reading| {
            if let Ok(Reading::News(news)) = &mut reading {
                news.facts.extra.remove("zz_other");
                news.facts.unread_fields.remove("zz_other");
            }
            reading
        };
        let read = |body: &[u8]| {
            let content_type = Some(sample.content_type);
            without(read(source, content_type, sample.event, body.to_vec()))
        };
        let sound = read(sample.body);
        let with = |value: &[u8]| read(&[b"{\"zz_other\": ", value, b", ", rest].concat());
        let delivery = |reading: &Result<Reading, ReadError>| match reading {
            Ok(Reading::News(news)) => news.delivery_id.clone(),
            _ => None,
        };
        // Where all that is said tells a repeat, what says more is none.
        let is_told_by_all = delivery(&with(b"7")) != delivery(&sound);
        for value in broken {
            let mut reading = with(value);
            if let (Ok(Reading::News(news)), true) = (&mut reading, is_told_by_all) {
                news.delivery_id = delivery(&sound);
            }
            assert_eq!(
                reading,
                sound,
                "{sample:?} with {}",
                String::from_utf8_lossy(value)
            );
        }
    }
}

/// How many members and items a value has, those of its members and items among them.
fn count(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.values().map(|value| 1 + count(value)).sum(),
        Value::Array(items) => items.iter().map(|value| 1 + count(value)).sum(),
        _ => 0,
    }
}

/// Replaces the `at`-th of what [`count`] counts.
fn replace(value: &mut Value, at: &mut usize, by: &Value) -> bool {
    let mut visit = |value: &mut Value| {
        if *at == 0 {
            value.clone_from(by);
            return true;
        }
        *at -= 1;
        replace(value, at, by)
    };
    match value {
        Value::Object(members) => members.values_mut().any(&mut visit),
        Value::Array(items) => items.iter_mut().any(&mut visit),
        _ => false,
    }
}

pub fn an_odd_encoding_never_loses_a_lead(source: &dyn Source) {
    for sample in source.spec().samples {
        let text = String::from_utf8_lossy(sample.body).into_owned();
        let with_mark = [b"\xef\xbb\xbf", sample.body].concat();
        let utf_16 = |order: fn(u16) -> [u8; 2], mark: bool| -> Vec<u8> {
            let mark = mark.then_some(0xfeff);
            mark.into_iter()
                .chain(text.encode_utf16())
                .flat_map(order)
                .collect()
        };
        let latin_1 = |c: char| u8::try_from(u32::from(c)).unwrap_or(b'?');
        let mut bodies = vec![
            with_mark,
            utf_16(u16::to_le_bytes, true),
            utf_16(u16::to_be_bytes, true),
            utf_16(u16::to_le_bytes, false),
            utf_16(u16::to_be_bytes, false),
        ];
        if let Some(name) = name_in(source, sample) {
            let with = |other: &str| text.replace(&name, other);
            bodies.push(with("\u{e9}").chars().map(latin_1).collect());
            for lone_surrogate in [r"\ud800", "%ed%a0%80"] {
                bodies.push(with(lone_surrogate).into_bytes());
            }
        }
        let content_types = [
            Some(sample.content_type),
            None,
            Some("text/plain; charset=x"),
        ];
        for content_type in content_types {
            for body in &bodies {
                is_no_lead_lost(source, sample, content_type, body);
            }
            // These may make another word of an event's name.
            for other in [r"\u0000", "%ff%00", "\u{202e}"] {
                let body = text.replace("an", other);
                drop(read(source, content_type, sample.event, body));
            }
        }
    }
}

pub fn a_huge_body_is_read_within_bounds(source: &dyn Source) {
    let limit = source.spec().body_limit_bytes;
    for sample in form_samples(source) {
        let more = "x".repeat(limit.saturating_sub(sample.body.len() + 3));
        let long = [sample.body, b"&x=", more.as_bytes()].concat();
        drop(read(source, Some(sample.content_type), sample.event, long));
    }
    for (sample, whole) in json_samples(source) {
        let mut long = whole.clone();
        let texts = texts(&mut long);
        let length = limit.saturating_sub(sample.body.len() * 2) / texts.len().max(1);
        for text in texts {
            *text = format!("{text}{}", "\u{7}<b> x ".repeat(length.min(20_000) / 8));
        }
        let content_type = Some(sample.content_type);
        drop(read(source, content_type, sample.event, long.to_string()));
        if let Value::Object(mut members) = whole {
            for number in 0..5_000 {
                members.insert(format!("utm_{number}"), json!("y".repeat(100)));
            }
            let body = Value::Object(members).to_string();
            is_no_lead_lost(source, sample, content_type, body.as_bytes());
        }
    }
}

fn texts(value: &mut Value) -> Vec<&mut String> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter_mut().flat_map(texts).collect(),
        Value::Object(members) => members.values_mut().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
