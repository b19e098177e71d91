use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use secrecy::ExposeSecret as _;

use super::*;
use crate::Sources;

const KEY: &str = "5f3d3ebe065cd800b8c154347437e958";
const BODY: &[u8] = include_bytes!("../callrail/fixtures/post-call.json");
const SIGNATURE: &str = "gTeU+aZD12v9M8MNfSx4VDPTH10=";

fn now() -> Timestamp {
    "2026-11-02T12:00:00Z".parse().unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        let value = HeaderValue::from_str(value).unwrap();
        (HeaderName::from_static(name), value)
    };
    pairs.iter().map(pair).collect()
}

fn of(slug: &str) -> &'static SourceSpec {
    Sources::standard().get(slug).unwrap().spec()
}

fn checked(
    spec: &SourceSpec,
    keys: &[&str],
    accepted: &[&str],
    sent: &[(&'static str, &str)],
    body: &[u8],
    at: Timestamp,
) -> Result<&'static str, SignatureError> {
    let keys: Vec<_> = keys.iter().map(|key| SecretString::from(*key)).collect();
    let accepted: Vec<_> = accepted.iter().map(|name| (*name).to_owned()).collect();
    let body = Bytes::copy_from_slice(body);
    verify(spec, &accepted, &keys, &headers(sent), body, at).map(|verified| verified.scheme())
}

fn callrail(
    keys: &[&str],
    sent: &[(&'static str, &str)],
    body: &[u8],
) -> Result<&'static str, SignatureError> {
    checked(of("callrail"), keys, &[], sent, body, now())
}

/// A source that has this scheme alone.
fn with(scheme: &'static [Scheme<'static>]) -> SourceSpec {
    SourceSpec {
        slug: "any",
        verification: Verification::Signed(scheme),
        ..SourceSpec::DEFAULT
    }
}

const ALONE: Scheme<'static> = Scheme {
    name: "any",
    mac: Mac::HmacSha256(Key::Text),
    header: "x-signature",
    sent: Sent::Alone { prefix: "" },
    encoding: Encoding::Base64,
    signed: &[Piece::Body],
    time: None,
    delivery_id: None,
    is_key_ours: false,
};

/// Time and body in headers of their own, as several providers have it.
const TIMED: Scheme<'static> = Scheme {
    signed: &[Piece::Time, Piece::Body],
    time: Some(SignedTime {
        header: Some("x-timestamp"),
        form: TimeForm::UnixSeconds,
        max_age: Duration::from_secs(300),
        max_ahead: Duration::from_secs(300),
    }),
    ..ALONE
};

/// The same with a time of RFC 3339.
const TIMED_BY_DATE: Scheme<'static> = Scheme {
    time: Some(SignedTime {
        header: Some("x-timestamp"),
        form: TimeForm::Rfc3339,
        max_age: Duration::from_secs(300),
        max_ahead: Duration::from_secs(300),
    }),
    ..TIMED
};

#[test]
fn schemes_of_every_family_are_data_alone() {
    struct Vector {
        schemes: &'static [Scheme<'static>],
        key: &'static str,
        sent: &'static [(&'static str, &'static str)],
        body: &'static str,
        at: i64,
    }
    // Published by GitHub, Slack and the libraries of Standard Webhooks; the others were made with OpenSSL.
    for vector in [
        Vector {
            schemes: &[Scheme {
                sent: Sent::Alone { prefix: "sha256=" },
                encoding: Encoding::Hex,
                ..ALONE
            }],
            key: "It's a Secret to Everybody",
            sent: &[(
                "x-signature",
                "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            )],
            body: "Hello, World!",
            at: 1_793_620_800,
        },
        Vector {
            schemes: &[Scheme {
                sent: Sent::Alone { prefix: "v0=" },
                encoding: Encoding::Hex,
                signed: &[
                    Piece::Text("v0:"),
                    Piece::Time,
                    Piece::Text(":"),
                    Piece::Body,
                ],
                ..TIMED
            }],
            key: "8f742231b10e8888abcd99yyyzzz85a5",
            sent: &[
                (
                    "x-signature",
                    "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
                ),
                ("x-timestamp", "1531420618"),
            ],
            body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
                   &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
                   &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554\
                   %2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
            at: 1_531_420_618,
        },
        Vector {
            schemes: &[Scheme::STANDARD_WEBHOOKS],
            key: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            sent: &[
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                ("webhook-timestamp", "1614265330"),
                (
                    "webhook-signature",
                    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                ),
            ],
            body: r#"{"test": 2432232314}"#,
            at: 1_614_265_330,
        },
        Vector {
            schemes: &[Scheme::STANDARD_WEBHOOKS],
            key: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            sent: &[
                ("webhook-id", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"),
                ("webhook-timestamp", "1649367553"),
                (
                    "webhook-signature",
                    "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
                ),
            ],
            body: r#"{"email":"test@example.com","username":"test_user"}"#,
            at: 1_649_367_553,
        },
        Vector {
            schemes: &[Scheme {
                name: "list",
                header: "x-signature",
                ..Scheme::TIMESTAMP_LIST
            }],
            key: "cal-sign-7b1f3c55d0e94a6f",
            sent: &[(
                "x-signature",
                "t=1773759131,v1=17ce304a4b99d4a0fd49250b5be4ad8fd501e9a1628557a517f6bd52056336b7",
            )],
            body: r#"{"event":"invitee.created","payload":{"name":"Dana Whitfield"}}"#,
            at: 1_773_759_131,
        },
        Vector {
            schemes: &[TIMED_BY_DATE],
            key: "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==",
            sent: &[
                (
                    "x-signature",
                    "853pJ9zlxhpLgNf9bHtc/yCmimLrym32/ki9tzcp0sY=",
                ),
                ("x-timestamp", "2026-03-17T15:00:00Z"),
            ],
            body: "",
            at: 1_773_759_600,
        },
        Vector {
            schemes: &[ALONE],
            key: "a1b2c3d4e5f60718293a4b5c6d7e8f90",
            sent: &[(
                "x-signature",
                "CNOGtVeJPKY6ezDEQdmaTXXQQ0KYB67MAq4el3uwuSI=",
            )],
            body: "action=scheduled&id=914402217&calendarID=7714021&appointmentTypeID=58210034",
            at: 1_793_620_800,
        },
    ] {
        let check = |body: &str, at: Timestamp| {
            let spec = with(vector.schemes);
            checked(&spec, &[vector.key], &[], vector.sent, body.as_bytes(), at)
        };
        let at = Timestamp::from_second(vector.at).unwrap();
        assert_eq!(
            check(vector.body, at),
            Ok(vector.schemes[0].name),
            "{}",
            vector.body
        );
        let other = format!("{} ", vector.body);
        assert_eq!(check(&other, at), Err(SignatureError::Wrong));
        if vector.schemes[0].time.is_some() {
            for by in [301, -301] {
                let at = at.checked_add(jiff::SignedDuration::from_secs(by)).unwrap();
                assert_eq!(check(vector.body, at), Err(SignatureError::Stale));
            }
        }
    }
}

fn standard(signature: &str) -> Result<&'static str, SignatureError> {
    let sent = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", signature),
    ];
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let body = br#"{"test": 2432232314}"#;
    let at = Timestamp::constant(1_614_265_330, 0);
    checked(
        &with(&[Scheme::STANDARD_WEBHOOKS]),
        &[key],
        &[],
        &sent,
        body,
        at,
    )
}

#[test]
fn one_right_signature_of_a_list_is_enough() {
    const RIGHT: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const OTHER: &str = "v1,AAAM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    for right in [
        RIGHT.to_owned(),
        format!("{OTHER} {RIGHT}"),
        format!("v1a,unknown {RIGHT} {OTHER}"),
        format!("v1, {RIGHT}"),
    ] {
        assert_eq!(standard(&right), Ok("standard-webhooks"), "{right}");
    }
    for wrong in [
        "",
        "v1,",
        "v1",
        OTHER,
        &RIGHT.replace("v1", "v2"),
        &RIGHT.replace("v1,", ""),
        &RIGHT.replace("1OE=", ""),
        &format!("{RIGHT},{RIGHT}"),
        &[OTHER; 9].join(" ").replace(OTHER, RIGHT),
    ] {
        assert_eq!(standard(wrong), Err(SignatureError::Wrong), "{wrong}");
    }
}

#[test]
fn an_id_cannot_reach_into_the_time() {
    // `a.5` and `5` are signed as `a` and `5.5` are.
    let sent = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330"),
        ("webhook-timestamp", "1614265330"),
        (
            "webhook-signature",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ];
    let spec = with(&[Scheme::STANDARD_WEBHOOKS]);
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let at = Timestamp::constant(1_614_265_330, 0);
    let checked = checked(&spec, &[key], &[], &sent, b"", at);
    assert_eq!(checked, Err(SignatureError::Wrong));
}

#[test]
fn a_list_has_one_time_and_any_order() {
    let spec = with(&[Scheme {
        name: "list",
        header: "x-signature",
        ..Scheme::TIMESTAMP_LIST
    }]);
    const RIGHT: &str = "17ce304a4b99d4a0fd49250b5be4ad8fd501e9a1628557a517f6bd52056336b7";
    let check = |value: String| {
        let body = br#"{"event":"invitee.created","payload":{"name":"Dana Whitfield"}}"#;
        let at = Timestamp::from_second(1_773_759_131).unwrap();
        let sent = [("x-signature", value.as_str())];
        checked(&spec, &["cal-sign-7b1f3c55d0e94a6f"], &[], &sent, body, at)
    };
    for right in [
        format!("v1={RIGHT},t=1773759131"),
        format!("v0=00,t=1773759131, v1={RIGHT},x"),
        format!("t=1773759131,v1={},v1={RIGHT}", "0".repeat(64)),
    ] {
        assert_eq!(check(right.clone()), Ok("list"), "{right}");
    }
    for wrong in [
        format!("v1={RIGHT}"),
        format!("t=,v1={RIGHT}"),
        format!("t=1773759132,v1={RIGHT}"),
        format!("t=1773759131,t=1773759131,v1={RIGHT}"),
        "t=1773759131".to_owned(),
    ] {
        assert_eq!(check(wrong.clone()), Err(SignatureError::Wrong), "{wrong}");
    }
}

#[test]
fn a_shared_key_is_compared_whole() {
    let spec = SourceSpec {
        slug: "any",
        verification: Verification::SharedKey {
            header: "x-api-key",
        },
        ..SourceSpec::DEFAULT
    };
    let check = |keys: &[&str], sent: &[(&'static str, &str)]| {
        checked(&spec, keys, &[], sent, b"{}", now())
    };
    let right = ("x-api-key", "sunco-shared-secret-0001");
    assert_eq!(check(&["old", right.1], &[right]), Ok("shared-key"));
    assert_eq!(check(&[right.1], &[]), Err(SignatureError::Missing));
    for wrong in ["", "sunco-shared-secret-000", "sunco-shared-secret-00011"] {
        let sent = [("x-api-key", wrong)];
        assert_eq!(check(&[right.1], &sent), Err(SignatureError::Wrong));
    }
    assert_eq!(check(&[right.1], &[right; 2]), Err(SignatureError::Wrong));
    assert_eq!(check(&[], &[right]), Err(SignatureError::Wrong));
    let empty = [("x-api-key", "")];
    assert_eq!(check(&[""], &empty), Err(SignatureError::Wrong));
}

#[test]
fn a_public_form_key_needs_no_signature() {
    let spec = SourceSpec {
        slug: "any",
        verification: Verification::PublicFormKey,
        ..SourceSpec::DEFAULT
    };
    let check = |accepted: &[&str]| checked(&spec, &[], accepted, &[], b"a=b", now());
    assert_eq!(check(&[]), Ok("public-form-key"));
    assert_eq!(check(&["any"]), Err(SignatureError::Missing));
    let dummy = verify_dummy(&spec, &HeaderMap::new(), &Bytes::new(), now());
    assert_eq!(dummy, SignatureError::Wrong, "without the URL's token");
    let none = SourceSpec::DEFAULT;
    assert!(checked(&none, &[KEY], &[], &[], b"", now()).is_err());
}

#[test]
fn a_text_key_is_not_decoded() {
    let body = include_bytes!("../callrail/fixtures/published-vector.json");
    let decoded = [("signature", "XyGo/GdhD98a5WL4vzzjAKpfs0w=")];
    let key = "072e77e426f92738a72fe23c4d1953b4";
    assert_eq!(callrail(&[key], &decoded, body), Err(SignatureError::Wrong));
}

#[test]
fn a_signature_has_one_way_to_be_written() {
    for wrong in [
        "gTeU+aZD12v9M8MNfSx4VDPTH10",      // no padding
        "gTeU+aZD12v9M8MNfSx4VDPTH1==",     // truncated
        "gTeU+aZD12v9M8MNfSx4VDPTH11=",     // other bits behind the last byte
        "gTeU+aZD12v9M8MNfSx4VDPTH10= ",    // a space behind it
        " gTeU+aZD12v9M8MNfSx4VDPTH10=",    // or before
        "gTeU-aZD12v9M8MNfSx4VDPTH10=",     // the other alphabet
        "gTeU+aZD12v9M8MNfSx4VDPTH10=gTeU", // more behind it
        "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let sent = [("signature", wrong)];
        assert_eq!(
            callrail(&[KEY], &sent, BODY),
            Err(SignatureError::Wrong),
            "{wrong:?}"
        );
    }
    const HEX: &str = "sha256=e8069bf64df972c466ec910c1f2f401116d90e5c5c3ddbf0bd3d129b5b150b0e";
    let documented = include_bytes!("../callrail/fixtures/call-completed.json");
    let digits = HEX.strip_prefix("sha256=").unwrap();
    for wrong in [
        "sha256=",
        digits,
        HEX.trim_end_matches('e'),
        &format!("{HEX}0"),
        &format!("{HEX} "),
        &HEX.replace("sha256", "sha1"),
    ] {
        let sent = [("x-callrail-signature", wrong)];
        let checked = callrail(&[KEY], &sent, documented);
        assert_eq!(checked, Err(SignatureError::Wrong), "{wrong}");
    }
}

#[test]
fn one_right_signature_of_two_schemes_is_enough() {
    let sent = [
        ("signature", SIGNATURE),
        ("x-callrail-signature", "sha256=00"),
    ];
    assert_eq!(callrail(&[KEY], &sent, BODY), Ok("callrail-v3"));
    let pinned = |name| checked(of("callrail"), &[KEY], &[name], &sent, BODY, now());
    assert_eq!(pinned("callrail-v3"), Ok("callrail-v3"));
    assert_eq!(pinned("sha256-hex"), Err(SignatureError::Wrong));
}

#[test]
fn a_guess_at_the_dummy_key_verifies_nothing() {
    let signer = hmac::Key::new(
        hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        b"00000000000000000000000000000000",
    );
    let guessed = STANDARD.encode(hmac::sign(&signer, BODY));
    let sent = headers(&[("signature", guessed.as_str())]);
    let error = verify_dummy(of("callrail"), &sent, &Bytes::from_static(BODY), now());
    assert_eq!(error, SignatureError::Wrong);
}

#[test]
fn a_bad_key_is_reported_before_it_is_stored() {
    let public = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvbkcWZXSt55groIZlLKrEAOQB3M8UA0+sEH0osKXG9suXYrjbQbaubXKTtreYbxV16WE8W1GPiiM05jJuj1GEw==";
    let armored = format!("-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----\n");
    let off_the_curve = public.replace("Evbkc", "EAbkc");
    let (text, ecdsa) = (of("callrail").verification, of("sendgrid").verification);
    let standard = Verification::Signed(&[Scheme::STANDARD_WEBHOOKS]);
    let shared = Verification::SharedKey { header: "x-key" };
    for (verification, key, is_good) in [
        (text, KEY, true),
        (text, "", false),
        (text, "seven77", false),
        (text, "with white space", false),
        (text, &"k".repeat(257), false),
        (shared, KEY, true),
        (shared, "seven77", false),
        (ecdsa, public, true),
        (ecdsa, &armored, true),
        (ecdsa, KEY, false),
        (ecdsa, &off_the_curve, false),
        (ecdsa, "", false),
        (standard, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", true),
        // The spellings in which people paste it. A text of hexadecimal digits is base64, too.
        (standard, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false),
        (standard, KEY, false),
        (standard, "v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false),
        (standard, " whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false),
        (standard, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", false),
        (standard, "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", false),
        (
            standard,
            "whsec_whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            false,
        ),
        (standard, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa", false),
        (standard, "whsec_not base64 at all, is it", false),
        (Verification::PublicFormKey, KEY, false),
    ] {
        let fault = verification.key_fault(&[], key);
        assert_eq!(fault.is_none(), is_good, "{key}: {fault:?}");
    }
}

/// A key that looks right and is none, because of what nobody sees in it, costs days: so that is what is said.
#[test]
fn a_blank_or_an_unseen_character_in_a_key_is_named_as_the_fault() {
    let public = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvbkcWZXSt55groIZlLKrEAOQB3M8UA0+sEH0osKXG9suXYrjbQbaubXKTtreYbxV16WE8W1GPiiM05jJuj1GEw==";
    for (verification, key) in [
        (of("callrail").verification, KEY),
        (Verification::SharedKey { header: "x-key" }, KEY),
        (
            Verification::Signed(&[Scheme::STANDARD_WEBHOOKS]),
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ),
    ] {
        for unseen in [" ", "\n", "\u{a0}", "\u{200b}", "\u{feff}", "\u{ad}"] {
            let (head, tail) = key.split_at(9);
            let fault = verification.key_fault(&[], &format!("{head}{unseen}{tail}"));
            assert!(
                fault.unwrap().contains("without white space: a blank"),
                "{unseen:?}"
            );
        }
        let fault = verification.key_fault(&[], "seven77").unwrap();
        assert!(!fault.contains("a blank"), "{fault}");
    }
    // A public key comes in lines; what is not shown may still be in it.
    let ecdsa = of("sendgrid").verification;
    let (head, tail) = public.split_at(9);
    assert_eq!(ecdsa.key_fault(&[], &format!("{head}\r\n {tail}")), None);
    let fault = ecdsa.key_fault(&[], &format!("{head}\u{200b}{tail}"));
    assert!(fault.unwrap().contains("a blank"));
}

#[test]
fn a_key_is_made_only_where_the_sender_accepts_ours() {
    let made = |verification: Verification, accepted: &[&str]| {
        let accepted: Vec<_> = accepted.iter().map(|name| (*name).to_owned()).collect();
        let key = verification.made_key(&accepted, &[7; 32])?;
        let key = key.expose_secret().to_owned();
        assert_eq!(verification.key_fault(&accepted, &key), None);
        Some(key)
    };
    let callrail = of("callrail").verification;
    assert_eq!(made(callrail, &[]), None);
    assert_eq!(made(callrail, &["callrail-v3"]), None);
    assert_eq!(made(callrail, &["sha256-hex"]), Some("07".repeat(32)));
    assert_eq!(made(of("sendgrid").verification, &[]), None);
    let standard = made(Verification::Signed(&[Scheme::STANDARD_WEBHOOKS]), &[]);
    assert!(standard.unwrap().starts_with("whsec_BwcH"));
    assert_eq!(made(Verification::PublicFormKey, &[]), None);
}

#[test]
fn a_signed_id_names_the_delivery() {
    let spec = SourceSpec {
        kept_headers: &["x-topic"],
        ..with(&[Scheme::STANDARD_WEBHOOKS])
    };
    let restored = |id: &str| {
        let headers = [("webhook-id", id), ("content-type", "application/json")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let delivery = Verified::restored(&spec, "standard-webhooks", headers.into(), Bytes::new());
        delivery.unwrap().delivery_id()
    };
    assert_eq!(restored("msg_1").as_deref(), Some("msg_1"));
    assert_eq!(restored("msg 1"), None);
    assert_eq!(restored(&"m".repeat(201)), None);
    let none = Verified::restored(&spec, "no-such", BTreeMap::new(), Bytes::new());
    assert!(none.is_none());
    let sent = headers(&[
        ("content-type", "application/json"),
        ("x-topic", "lead.created"),
        ("x-other", "?"),
        ("webhook-id", "msg_1"),
        ("webhook-signature", "v1,AAAA"),
    ]);
    let method = Scheme::STANDARD_WEBHOOKS.method();
    let kept: Vec<_> = kept(&spec, method, &sent).into_keys().collect();
    assert_eq!(kept, ["content-type", "webhook-id", "x-topic"]);
}

proptest! {
    #[test]
    fn one_other_bit_in_the_body_is_refused(byte in 0..BODY.len(), bit in 0u8..8) {
        let mut body = BODY.to_vec();
        body[byte] ^= 1 << bit;
        let checked = callrail(&[KEY], &[("signature", SIGNATURE)], &body);
        prop_assert_eq!(checked, Err(SignatureError::Wrong));
    }

    #[test]
    fn one_other_bit_in_the_signature_is_refused(byte in 0usize..20, bit in 0u8..8) {
        let mut signature = STANDARD.decode(SIGNATURE).unwrap();
        signature[byte] ^= 1 << bit;
        let sent = STANDARD.encode(signature);
        let checked = callrail(&[KEY], &[("signature", &sent)], BODY);
        prop_assert_eq!(checked, Err(SignatureError::Wrong));
    }

    #[test]
    fn no_header_makes_it_panic(value in proptest::collection::vec(0x20u8..=0xff, 0..120)) {
        let schemes: &[Scheme<'static>] = &[Scheme { header: "x-signature", ..Scheme::TIMESTAMP_LIST }];
        let list = SourceSpec { verification: Verification::Signed(schemes), ..SourceSpec::DEFAULT };
        let standard = with(&[Scheme::STANDARD_WEBHOOKS]);
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            for spec in [of("callrail"), of("sendgrid"), &list, &standard] {
                let names = [
                    "signature",
                    "x-callrail-signature",
                    "x-twilio-email-event-webhook-signature",
                    "x-twilio-email-event-webhook-timestamp",
                    "x-signature",
                    "webhook-id",
                    "webhook-timestamp",
                    "webhook-signature",
                ];
                let pair = |name| (HeaderName::from_static(name), value.clone());
                let sent: HeaderMap = names.into_iter().map(pair).collect();
                let checked = verify(spec, &[], &[KEY.into()], &sent, Bytes::new(), now());
                prop_assert!(checked.is_err());
            }
        }
    }
}
