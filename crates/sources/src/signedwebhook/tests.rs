use http::{HeaderMap, HeaderName};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::*;
use crate::{SignatureError, verify};

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
        let headers = signed.unwrap().into_iter().map(|(name, value)| {
            let name = http::HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
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
