use http::{HeaderMap, HeaderName};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::*;
use crate::{SignatureError, verify, verify_as_set};

fn verified(
    key: &str,
    headers: &[(&str, &str)],
    body: &str,
    at: i64,
) -> Result<Verified, SignatureError> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let keys = [SecretString::from(key)];
    let body = bytes::Bytes::copy_from_slice(body.as_bytes());
    let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(at);
    verify(&SPEC, &[], &keys, &headers, body, at)
}

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &str = r#"{"test": 2432232314}"#;
const AT: i64 = 1_614_265_330;
const GOOD: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn standard(signature: &str, at: i64) -> Result<Verified, SignatureError> {
    let headers = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", signature),
    ];
    verified(KEY, &headers, BODY, at)
}

/// The vectors that the schemes' own documents print.
#[test]
fn published_signatures_are_right() {
    assert!(standard(GOOD, AT).is_ok());
    let second = [
        ("webhook-id", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"),
        ("webhook-timestamp", "1649367553"),
        (
            "webhook-signature",
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
    ];
    let body = r#"{"email":"test@example.com","username":"test_user"}"#;
    let key = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    assert!(verified(key, &second, body, 1_649_367_553).is_ok());
    let github = [(
        "x-hub-signature-256",
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    )];
    let key = "It's a Secret to Everybody";
    assert!(verified(key, &github, "Hello, World!", AT).is_ok());
}

#[test]
fn what_the_documents_refuse_is_refused() {
    let bare = GOOD.strip_prefix("v1,").unwrap();
    for wrong in [
        "v1,",
        &format!("v2,{bare}"),
        GOOD.strip_suffix("1OE=").unwrap(),
        bare,
        "",
    ] {
        assert_eq!(
            standard(wrong, AT).err(),
            Some(SignatureError::Wrong),
            "{wrong}"
        );
    }
    for late in [-301, 301] {
        assert_eq!(standard(GOOD, AT + late).err(), Some(SignatureError::Stale));
    }
    for close in [-300, 300] {
        assert!(standard(GOOD, AT + close).is_ok());
    }
    // One of several is enough, while a key replaces another.
    assert!(standard(&format!("v1,{} {GOOD}", "A".repeat(43) + "="), AT).is_ok());
    assert_eq!(
        verified(KEY, &[], BODY, AT).err(),
        Some(SignatureError::Missing)
    );
    let github = [("x-hub-signature-256", "sha256=757107EA")];
    let wrong = verified("It's a Secret to Everybody", &github, "Hello, World!", AT);
    assert_eq!(wrong.err(), Some(SignatureError::Wrong));
}

/// What verifies a delivery of a sender whose tenant has said how it signs.
fn verified_as_set(
    signature: &Value,
    headers: &[(&str, &str)],
    at: i64,
) -> Result<&'static str, SignatureError> {
    let settings = json!({ "signature": signature });
    assert_eq!(SETTINGS_SPEC.check(&settings), Ok(()), "{settings}");
    let own = SignedWebhook.signed_as(&settings);
    assert_eq!(own.is_some(), !signature.is_null());
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let keys = [SecretString::from(TEXT_KEY)];
    let body = bytes::Bytes::from_static(SENT);
    let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(at);
    verify_as_set(&SPEC, own.as_ref(), &[], &keys, &headers, body, at)
        .map(|verified| verified.scheme())
}

// Made with OpenSSL.
const TEXT_KEY: &str = "acme-signing-key";
const SENT: &[u8] = br#"{"name":"Ada Fenn","phone":"(512) 555-0171"}"#;
const OF_BODY: &str = "9120a56264ff636d6d3727c825732758e0aff098314d06115723ea25bb23930c";
const OF_MILLIS: &str = "2444edc0ccc9485288ddbdd3ee4ba299f8f7fec07a6f9d7403b81fb54e5a5786";
const OF_SECONDS: &str = "29dc365262a23cee6fdfee3c2231001d875d1ad5db3f5741d5f46382c000e404";
const OF_DATE: &str = "bc8890e19ca3477bee5e2f88924bef06a36fda6d5f867936622287ba2810d6ca";
const OF_SHA1: &str = "wLgjMX/Yjo3xYGwz5ui/c/ksdek=";
const SENT_AT: i64 = 1_795_190_400;

/// Each builder of forms signs otherwise: some count time in milliseconds, some let the user name the header.
#[test]
fn a_senders_header_unit_of_time_and_form_of_signature_are_settings() {
    let list = format!("t=1795190400,v1={OF_SECONDS}");
    let prefixed = format!("hmac={OF_DATE}");
    for (signature, headers) in [
        (
            json!({ "preset": "webflow" }),
            vec![
                ("x-webflow-timestamp", "1795190400000"),
                ("x-webflow-signature", OF_MILLIS),
            ],
        ),
        (
            json!({ "header": "X-Acme-Sig" }),
            vec![("x-acme-sig", OF_BODY)],
        ),
        (
            json!({
                "preset": "webflow", "header": "X-Acme-Sig", "time_header": "X-Acme-Time",
            }),
            vec![("x-acme-time", "1795190400000"), ("x-acme-sig", OF_MILLIS)],
        ),
        (
            json!({ "preset": "timestamp-list", "header": "X-Acme-Sig" }),
            vec![("x-acme-sig", &*list)],
        ),
        (
            json!({ "algorithm": "sha1", "encoding": "base64", "time_header": "x-time" }),
            vec![("x-time", "1795190400"), ("x-signature", OF_SHA1)],
        ),
        (
            json!({
                "prefix": "hmac=", "time_header": "x-time", "time_unit": "rfc3339", "separator": "|",
            }),
            vec![
                ("x-time", "2026-11-20T16:00:00Z"),
                ("x-signature", &*prefixed),
            ],
        ),
    ] {
        assert_eq!(
            verified_as_set(&signature, &headers, SENT_AT),
            Ok("as-set"),
            "{signature}"
        );
        let wrong = verified_as_set(&signature, &headers[..headers.len() - 1], SENT_AT);
        assert_eq!(wrong, Err(SignatureError::Missing), "{signature}");
        let is_timed = headers.len() == 2 || signature["preset"] == "timestamp-list";
        let late = verified_as_set(&signature, &headers, SENT_AT + 86_400);
        assert_eq!(late.err(), is_timed.then_some(SignatureError::Stale));
    }
}

/// A signature in the usual header counts for nothing where the tenant has named another.
#[test]
fn the_usual_header_is_no_signature_where_another_is_set() {
    let own = json!({ "header": "X-Acme-Sig" });
    let usual = format!("sha256={OF_BODY}");
    for header in [("x-signature", OF_BODY), ("x-hub-signature-256", &*usual)] {
        assert!(verified_as_set(&Value::Null, &[header], SENT_AT).is_ok());
        let error = verified_as_set(&own, &[header], SENT_AT);
        assert_eq!(error, Err(SignatureError::Missing), "{header:?}");
    }
}

#[test]
fn how_long_a_signed_time_counts_is_a_setting() {
    let headers = [
        ("x-webflow-timestamp", "1795190400000"),
        ("x-webflow-signature", OF_MILLIS),
    ];
    for (max_age, late, is_taken) in [
        (Value::Null, 2_399, true),
        (Value::Null, 2_401, false),
        (json!(60), 60, true),
        (json!(60), 61, false),
    ] {
        let signature = json!({ "preset": "webflow", "max_age_seconds": max_age });
        let verified = verified_as_set(&signature, &headers, SENT_AT + late);
        assert_eq!(verified.is_ok(), is_taken, "{signature} {late}");
    }
    // Seconds are no milliseconds, though they are signed.
    let seconds = json!({ "preset": "webflow", "time_unit": "seconds" });
    let strange = verified_as_set(&seconds, &headers, SENT_AT);
    assert_eq!(strange, Err(SignatureError::Stale));
}

fn read(settings: &Value, body: &Value) -> Result<Reading, ReadError> {
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let body = body.to_string().into_bytes().into();
    let delivery = Verified::restored(&SPEC, "github", headers.into(), body).unwrap();
    SignedWebhook.read_by(settings, &delivery, None)
}

#[test]
fn a_tenants_paths_say_what_a_body_means() {
    let settings = json!({
        "mapping": { "name": ["who.called"], "phone": ["who.at.0"], "answers": ["wish"], "submission_id": ["nr"] },
        "required_fields": ["name", "email", "postal_code"], "event_path": "kind", "events": ["new"],
    });
    assert_eq!(SETTINGS_SPEC.check(&settings), Ok(()));
    let body = json!({
        "kind": "new", "nr": 7, "who": { "called": "Ada Fenn", "at": ["(512) 555-0171", "x"] },
        "wish": ["bath", "tile"], "zz": { "deep": true },
    });
    let Ok(Reading::News(news)) = read(&settings, &body) else {
        panic!("it is a lead");
    };
    let facts = &news.facts;
    assert_eq!(facts.person.name.as_deref(), Some("Ada Fenn"));
    let required = ["email", "name", "postal_code"].map(str::to_owned);
    assert_eq!(facts.required_fields, required.into());
    assert_eq!(facts.external_id.as_deref(), Some("7"));
    assert_eq!(facts.extra["zz.deep"], "true");
    let domain::About::Form(form) = &facts.about else {
        panic!("it is read as a form");
    };
    assert_eq!(form.answers["wish"], "bath; tile");

    let other = read(
        &settings,
        &json!({ "kind": "gone", "who": { "called": "Ada" } }),
    );
    assert!(matches!(other, Ok(Reading::Ignored { .. })), "{other:?}");
    let nothing = read(&settings, &json!({ "kind": "new", "x": 1 })).unwrap_err();
    let told = nothing.to_string();
    assert!(
        told.contains("`who.called`") && told.contains("`phone`"),
        "{told}"
    );
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    for (settings, path) in [
        (json!({ "events": ["a"] }), "event_path"),
        (json!({ "event_path": "a" }), "events"),
        (json!({ "mapping": { "nmae": [] } }), "mapping.nmae"),
        (
            json!({ "mapping": { "name": ["", "a"] } }),
            "mapping.name.0",
        ),
        (json!({ "required_fields": ["hat"] }), "required_fields.0"),
        (
            json!({ "signature": { "preset": "mine" } }),
            "signature.preset",
        ),
        (
            json!({ "signature": { "header": "X Sig" } }),
            "signature.header",
        ),
        (
            json!({ "signature": { "time_unit": "seconds" } }),
            "signature.time_header",
        ),
        (
            json!({ "signature": { "preset": "timestamp-list", "time_header": "x-t" } }),
            "signature.time_header",
        ),
        (
            json!({ "signature": { "header": "X-A", "time_header": "x-a" } }),
            "signature.time_header",
        ),
        (
            json!({ "signature": { "separator": "ab" } }),
            "signature.separator",
        ),
    ] {
        let error = SETTINGS_SPEC.check(&settings).unwrap_err();
        assert_eq!(error.faults[0].path, path, "{settings}");
    }
}

#[test]
fn a_test_is_signed_by_the_scheme_that_is_accepted_and_used_for_nothing() {
    let thing = SignedWebhook.test("5e5e").unwrap();
    let now = "2026-11-28T12:00:00Z".parse().unwrap();
    let made = SPEC.verification.made_key(&[], &[7; 32]).unwrap();
    for (accepted, key) in [
        ("standard-webhooks", made),
        ("github", SecretString::from("a-key-of-letters")),
    ] {
        let accepted = [accepted.to_owned()];
        let signed = SPEC
            .verification
            .sign(&accepted, &key, "5e5e", &thing.body, now);
        let signed = signed.unwrap().into_iter();
        let headers = signed.map(|(name, value)| (name, value.parse().unwrap()));
        let keys = [key];
        let verified = crate::verify(
            &SPEC,
            &accepted,
            &keys,
            &headers.collect(),
            thing.body.clone(),
            now,
        );
        let verified = verified.unwrap();
        assert_eq!(verified.scheme(), accepted[0]);
        let read = SignedWebhook.read(&verified, None);
        assert!(matches!(read, Ok(Reading::Ignored { .. })), "{read:?}");
    }
}

#[test]
fn a_test_is_signed_as_the_tenant_has_set() {
    let thing = SignedWebhook.test("5e5e").unwrap();
    let now = "2026-11-28T12:00:00Z".parse().unwrap();
    for signature in [
        json!({}),
        json!({ "preset": "webflow", "header": "X-Acme-Sig" }),
        json!({ "preset": "timestamp-list" }),
        json!({ "algorithm": "sha1", "encoding": "base64", "time_header": "x-time", "separator": "" }),
    ] {
        let own = SignedWebhook
            .signed_as(&json!({ "signature": signature }))
            .unwrap();
        let keys = [SecretString::from("acme-signing-key")];
        let signed = own.sign(&keys[0], &thing.body, now).unwrap().into_iter();
        let headers = signed.map(|(name, value)| (name, value.parse().unwrap()));
        let headers = headers.collect();
        let body = thing.body.clone();
        let verified = verify_as_set(&SPEC, Some(&own), &[], &keys, &headers, body, now);
        assert_eq!(verified.unwrap().scheme(), "as-set", "{signature}");
    }
}
