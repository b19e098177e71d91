//! What is read of bodies: of calls, of texts, of forms; which of them a body is; and what becomes of odd ones.

use domain::{News, text};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Source as _, callrail::CallRail, fields::line};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../fixtures/", $name)).as_bytes()
    };
}

mod calls;
mod forms;
mod kinds;
mod odd;
mod texts;

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
