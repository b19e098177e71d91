//! A form, or another system's lead: what the door of a public URL says of it, and what a tenant's mapping makes of it.
//!
//! The input is a source's settings as JSON, an empty line, and the body. Without an empty line all of it is the body.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use domain::Reading;
use http::{HeaderMap, header};
use http_client::{Client, Options};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use sources::{
    BotCheckConfig, BotChecks, Source, Turned, Verification, Verified, Visit, contract,
    signedwebhook::SignedWebhook, webforms::WebForms,
};

const TYPES: [&str; 5] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=\"----WebKitFormBoundary7MA4YWxkTrZu0gW\"",
    "multipart/form-data",
];

/// Reads `data` by both sources, as each kind of body.
pub fn check(data: &[u8]) {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (settings, body) = match end {
        Some(end) => (
            serde_json::from_slice(&data[..end]).unwrap_or(Value::Null),
            &data[end + 2..],
        ),
        None => (Value::Null, data),
    };
    let body = Bytes::copy_from_slice(body);
    for kind in TYPES {
        let delivery = delivery(&SignedWebhook, "github", kind, &body);
        is_read(&SignedWebhook, &settings, &delivery);
        let delivery = self::delivery(&WebForms, Verification::PUBLIC_FORM_KEY, kind, &body);
        is_read(&WebForms, &settings, &delivery);
        match screened(&settings, delivery) {
            Ok(delivery) => is_read(&WebForms, &settings, &delivery),
            Err(turned) => assert!(matches!(turned.status, 400 | 403 | 413 | 415), "{turned:?}"),
        }
    }
}

fn delivery(source: &dyn Source, scheme: &str, kind: &str, body: &Bytes) -> Verified {
    let headers = BTreeMap::from([("content-type".to_owned(), kind.to_owned())]);
    let Some(delivery) = Verified::restored(source.spec(), scheme, headers, body.clone()) else {
        panic!("{} does not know its scheme {scheme}", source.spec().slug)
    };
    delivery
}

fn is_read(source: &dyn Source, settings: &Value, delivery: &Verified) {
    let reading = source.read_by(settings, delivery, None);
    if let Ok(reading) = &reading {
        contract::assert_bounded(source.spec(), reading);
    }
    if let Ok(Reading::News(news)) = &reading {
        assert!(!news.facts.extra.contains_key(""), "a name of nothing");
    }
    let again = source.read_by(settings, delivery, None);
    assert_eq!(again, reading, "another reading");
}

/// What the door says. Without a bot check it asks nobody, so it is never waited for.
fn screened(settings: &Value, delivery: Verified) -> Result<Verified, Turned> {
    static CHECKS: LazyLock<BotChecks> = LazyLock::new(|| {
        let Ok(client) = Client::new(Options::default()) else {
            panic!("a client without special settings can be made")
        };
        BotChecks::new(client, BotCheckConfig::default())
    });
    let mut settings = settings.clone();
    if let Value::Object(members) = &mut settings {
        members.insert("bot_check".to_owned(), Value::Null);
    } else {
        settings = json!({});
    }
    let headers = HeaderMap::from_iter([(
        header::ORIGIN,
        http::HeaderValue::from_static("https://www.example.com"),
    )]);
    let keys = [SecretString::from("form-hmac-key-0001")];
    let visit = Visit {
        settings: &settings,
        keys: &keys,
        secret: None,
        headers: &headers,
        checks: &CHECKS,
        now: Timestamp::UNIX_EPOCH,
    };
    let Some(door) = WebForms.door() else {
        panic!("forms have a door")
    };
    let mut screening = pin!(door.screen(&visit, delivery));
    match screening
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(screened) => screened,
        Poll::Pending => panic!("it waits for somebody"),
    }
}
