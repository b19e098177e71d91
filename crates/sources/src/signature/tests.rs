#![expect(clippy::unwrap_in_result, clippy::string_slice, reason = "tests")]

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::source;

const KEY: &str = "5f3d3ebe065cd800b8c154347437e958";
const PUBLISHED_KEY: &str = "072e77e426f92738a72fe23c4d1953b4";

fn now() -> Timestamp {
    "2026-11-02T12:00:00Z".parse().unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        )
    };
    pairs.iter().map(pair).collect()
}

fn callrail(key: &str, header: (&'static str, &str), body: &[u8]) -> Result<&'static str, Refused> {
    callrail_of(&[key], &[], &[header], body)
}

fn callrail_of(
    keys: &[&str],
    accepted: &[&str],
    sent: &[(&'static str, &str)],
    body: &[u8],
) -> Result<&'static str, Refused> {
    let keys: Vec<_> = keys.iter().map(|key| SecretString::from(*key)).collect();
    let accepted: Vec<_> = accepted.iter().map(|name| (*name).to_owned()).collect();
    let spec = source("callrail").unwrap().spec();
    verify(
        spec,
        &accepted,
        &keys,
        &headers(sent),
        Bytes::copy_from_slice(body),
        now(),
    )
    .map(|verified| verified.scheme().name())
}

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../callrail/fixtures/", $name)).as_slice()
    };
}

#[test]
fn the_published_vector_verifies() {
    let body = fixture!("published-vector.json");
    assert_eq!(
        callrail(
            PUBLISHED_KEY,
            ("signature", "UZAHbUdfm3GqL7qzilGozGzWV64="),
            body
        ),
        Ok("callrail-v3")
    );
}

#[test]
fn the_key_is_text_and_not_decoded() {
    let body = fixture!("published-vector.json");
    let decoded = ("signature", "XyGo/GdhD98a5WL4vzzjAKpfs0w=");
    assert_eq!(callrail(PUBLISHED_KEY, decoded, body), Err(Refused::Wrong));
}

#[test]
fn bodies_of_every_event_verify_with_signatures_made_elsewhere() {
    for (body, signature) in [
        (
            fixture!("call-modified.json"),
            "7WmCbixUkcS/WJtIQ8XRx0e8nzY=",
        ),
        (
            fixture!("call-routing-complete.json"),
            "8NFPvttLU+yQj2zi4CQH/s4CP5g=",
        ),
        (
            fixture!("convert-assist-complete.json"),
            "+kEAIZfu2gJgTQ60AkiEnuVt70E=",
        ),
        (
            fixture!("form-submission.json"),
            "9WF+1YIZpbSo/K3f/EBJF23KmOc=",
        ),
        (
            fixture!("outbound-post-call.json"),
            "2tk6jtJIcncMM46FlJbDKPwuvUU=",
        ),
        (
            fixture!("post-call-form-encoded.txt"),
            "Dt4OA40iN0aOVH8SNkFHLNHklAY=",
        ),
        (
            fixture!("post-call-voicemail.json"),
            "eAnQHKnQhHFMIUKO475XichSh9w=",
        ),
        (fixture!("post-call.json"), "gTeU+aZD12v9M8MNfSx4VDPTH10="),
        (fixture!("pre-call.json"), "E7Ryb8R2eDe1ee8fxQGw7DJt7X8="),
        (
            fixture!("sms-received.json"),
            "ulRNdjYfhLlvLGR3d0dFTQNyi88=",
        ),
        (fixture!("sms-sent.json"), "9ohkE8PAuYAvnXQE5vMHKHy4arE="),
        (
            fixture!("voice-assist-answered.json"),
            "7MiPZt0YAylkuA7F52/wWsPGMak=",
        ),
    ] {
        assert_eq!(
            callrail(KEY, ("signature", signature), body),
            Ok("callrail-v3"),
            "{signature}"
        );
    }
}

const HEX: &str = "sha256=e8069bf64df972c466ec910c1f2f401116d90e5c5c3ddbf0bd3d129b5b150b0e";

#[test]
fn the_documented_scheme_verifies_beside_the_real_one() {
    let body = fixture!("call-completed.json");
    assert_eq!(
        callrail(KEY, ("x-callrail-signature", HEX), body),
        Ok("sha256-hex")
    );
    for wrong in [
        "",
        "sha256=",
        &HEX[7..],
        &HEX[..70],
        &format!("{HEX}0"),
        &format!("{HEX} "),
        &HEX.replace("sha256", "sha1"),
    ] {
        assert_eq!(
            callrail(KEY, ("x-callrail-signature", wrong), body),
            Err(Refused::Wrong),
            "{wrong}"
        );
    }
}

#[test]
fn a_signature_that_is_not_exactly_right_is_refused() {
    let body = fixture!("post-call.json");
    let right = "gTeU+aZD12v9M8MNfSx4VDPTH10=";
    let spaced = [body, b" "].concat();
    assert_eq!(
        callrail(KEY, ("signature", right), &spaced),
        Err(Refused::Wrong)
    );
    assert_eq!(
        callrail(KEY, ("signature", right), b""),
        Err(Refused::Wrong)
    );
    for wrong in [
        "",
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
        assert_eq!(
            callrail(KEY, ("signature", wrong), body),
            Err(Refused::Wrong),
            "{wrong:?}"
        );
    }
    assert_eq!(
        callrail(KEY, ("x-other", right), body),
        Err(Refused::Missing)
    );
    assert_eq!(
        callrail_of(
            &[KEY],
            &[],
            &[("signature", right), ("signature", right)],
            body
        ),
        Err(Refused::Wrong)
    );
}

#[test]
fn either_of_two_keys_verifies_and_none_or_an_empty_one_does_not() {
    let body = fixture!("post-call.json");
    let sent = [("signature", "gTeU+aZD12v9M8MNfSx4VDPTH10=")];
    assert_eq!(
        callrail_of(&["new", KEY], &[], &sent, body),
        Ok("callrail-v3")
    );
    assert_eq!(
        callrail_of(&[KEY, "old"], &[], &sent, body),
        Ok("callrail-v3")
    );
    assert_eq!(
        callrail_of(&[KEY, KEY], &[], &sent, body),
        Ok("callrail-v3"),
        "the same key twice"
    );
    assert_eq!(callrail_of(&[], &[], &sent, body), Err(Refused::Wrong));
    let mut mac = Hmac::<Sha1>::new_from_slice(b"").unwrap();
    mac.update(body);
    let by_nobody = STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(
        callrail_of(&[""], &[], &[("signature", &by_nobody)], body),
        Err(Refused::Wrong)
    );
}

#[test]
fn a_pinned_scheme_shuts_the_others_out() {
    let (body, hex) = (
        fixture!("call-completed.json"),
        [("x-callrail-signature", HEX)],
    );
    assert_eq!(
        callrail_of(&[KEY], &["sha256-hex"], &hex, body),
        Ok("sha256-hex")
    );
    assert_eq!(
        callrail_of(&[KEY], &["callrail-v3"], &hex, body),
        Err(Refused::Missing)
    );
    assert_eq!(
        callrail_of(&[KEY], &["no-such-scheme"], &hex, body),
        Err(Refused::Missing)
    );
    let both = [hex[0], ("signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")];
    assert_eq!(
        callrail_of(&[KEY], &[], &both, body),
        Ok("sha256-hex"),
        "one proof is enough"
    );
}

#[test]
fn an_unknown_tenant_is_never_proven() {
    let body = fixture!("post-call.json");
    for slug in ["callrail", "sendgrid"] {
        let spec = source(slug).unwrap().spec();
        let refused = |sent: &[(&'static str, &str)]| {
            verify_dummy(spec, &headers(sent), Bytes::from_static(body), now())
        };
        assert_eq!(refused(&[]), Refused::Missing);
        let mut mac = Hmac::<Sha1>::new_from_slice(b"00000000000000000000000000000000").unwrap();
        mac.update(body);
        let guessed = STANDARD.encode(mac.finalize().into_bytes());
        let sent = [
            ("signature", guessed.as_str()),
            ("x-twilio-email-event-webhook-signature", "MAYCAQECAQE="),
            ("x-twilio-email-event-webhook-timestamp", "1793620800"),
        ];
        assert_eq!(refused(&sent), Refused::Wrong, "{slug}");
    }
}

#[test]
fn what_cannot_be_a_key_is_told_before_it_is_kept() {
    let public = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvbkcWZXSt55groIZlLKrEAOQB3M8UA0+sEH0osKXG9suXYrjbQbaubXKTtreYbxV16WE8W1GPiiM05jJuj1GEw==";
    let armoured = format!("-----BEGIN PUBLIC KEY-----\n{public}\n-----END PUBLIC KEY-----\n");
    let off_the_curve = public.replace("Evbkc", "EAbkc");
    let (shared, ecdsa) = (SignatureScheme::CallRailV3, SignatureScheme::SendGridEcdsa);
    for (scheme, key, is_good) in [
        (shared, KEY, true),
        (SignatureScheme::Sha256Hex, KEY, true),
        (shared, "", false),
        (shared, "seven77", false),
        (shared, "with white space", false),
        (shared, &"k".repeat(257), false),
        (ecdsa, public, true),
        (ecdsa, &armoured, true),
        (ecdsa, KEY, false),
        (ecdsa, &off_the_curve, false),
        (ecdsa, "", false),
    ] {
        let fault = scheme.key_fault(key);
        assert_eq!(fault.is_none(), is_good, "{}: {key}", scheme.name());
    }
}

#[test]
fn only_the_documented_scheme_takes_a_key_of_ours() {
    let ours: Vec<_> = SignatureScheme::ALL
        .into_iter()
        .filter(|scheme| scheme.is_key_ours())
        .collect();
    assert_eq!(ours, [SignatureScheme::Sha256Hex]);
}

#[test]
fn headers_are_kept_without_any_signature() {
    let sent = headers(&[
        ("content-type", "application/json"),
        ("user-agent", "CallRail"),
        ("authorization", "s3cret"),
        ("signature", "gTeU+aZD12v9M8MNfSx4VDPTH10="),
    ]);
    let body = Bytes::from_static(fixture!("post-call.json"));
    let spec = source("callrail").unwrap().spec();
    let verified = verify(
        spec,
        &[],
        &[SecretString::from(KEY)],
        &sent,
        body.clone(),
        now(),
    )
    .unwrap();
    assert_eq!(
        verified.headers().keys().collect::<Vec<_>>(),
        ["content-type", "user-agent"]
    );
    assert_eq!(verified.content_type(), Some("application/json"));
    assert!(!format!("{verified:?}").contains("512"), "{verified:?}");
    let again = Verified::restored("callrail-v3", verified.headers().clone(), body).unwrap();
    assert_eq!(
        (again.scheme(), again.content_type()),
        (verified.scheme(), verified.content_type())
    );
    assert!(Verified::restored("none", BTreeMap::new(), Bytes::new()).is_none());
}

/// A delivery as SendGrid signs it, `age` seconds ago.
fn sendgrid(age: i64, body: &str, change: impl Fn(&mut Vec<u8>)) -> Result<&'static str, Refused> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let key: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let key = STANDARD.encode(key.as_ref());
    let timestamp = (now().as_second() - age).to_string();
    let signature = pair
        .sign(
            &SystemRandom::new(),
            format!("{timestamp}{body}").as_bytes(),
        )
        .unwrap();
    let sent = headers(&[
        (
            "x-twilio-email-event-webhook-signature",
            &STANDARD.encode(signature.as_ref()),
        ),
        ("x-twilio-email-event-webhook-timestamp", &timestamp),
    ]);
    let mut body = body.as_bytes().to_vec();
    change(&mut body);
    let armoured = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n{}\n-----END PUBLIC KEY-----\n",
        &key[..64],
        &key[64..]
    );
    let spec = source("sendgrid").unwrap().spec();
    let of = |key: String| verify(spec, &[], &[key.into()], &sent, body.clone().into(), now());
    let (plain, armoured) = (
        of(key).map(|v| v.scheme().name()),
        of(armoured).map(|v| v.scheme().name()),
    );
    assert_eq!(plain, armoured);
    plain
}

#[test]
fn a_list_of_mail_events_verifies_with_the_public_key_alone() {
    assert_eq!(sendgrid(0, "[]", |_| {}), Ok("sendgrid-ecdsa"));
    assert_eq!(
        sendgrid(0, "[]", |body| body.push(b' ')),
        Err(Refused::Wrong)
    );
}

#[test]
fn a_signature_is_good_for_a_day_and_not_for_the_future() {
    for (age, expected) in [
        (86_400, Ok("sendgrid-ecdsa")),
        (86_401, Err(Refused::Stale)),
        (-600, Ok("sendgrid-ecdsa")),
        (-601, Err(Refused::Stale)),
    ] {
        assert_eq!(sendgrid(age, "[]", |_| {}), expected, "{age}");
    }
    assert_eq!(
        sendgrid(86_401, "[]", |body| body.clear()),
        Err(Refused::Wrong),
        "age is not told to anybody"
    );
}

proptest! {
    #[test]
    fn one_other_bit_in_the_body_is_refused(byte in 0usize..3566, bit in 0u8..8) {
        let mut body = fixture!("post-call.json").to_vec();
        body[byte] ^= 1 << bit;
        let sent = ("signature", "gTeU+aZD12v9M8MNfSx4VDPTH10=");
        prop_assert_eq!(callrail(KEY, sent, &body), Err(Refused::Wrong));
    }

    #[test]
    fn one_other_bit_in_the_signature_is_refused(byte in 0usize..20, bit in 0u8..8) {
        let mut signature = STANDARD.decode("gTeU+aZD12v9M8MNfSx4VDPTH10=").unwrap();
        signature[byte] ^= 1 << bit;
        let sent = STANDARD.encode(signature);
        prop_assert_eq!(callrail(KEY, ("signature", &sent), fixture!("post-call.json")), Err(Refused::Wrong));
    }

    #[test]
    fn no_header_makes_it_panic(value in proptest::collection::vec(0x20u8..=0xff, 0..120)) {
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            for slug in ["callrail", "sendgrid"] {
                let names = [
                    "signature",
                    "x-callrail-signature",
                    "x-twilio-email-event-webhook-signature",
                    "x-twilio-email-event-webhook-timestamp",
                ];
                let sent: HeaderMap =
                    names.into_iter().map(|name| (HeaderName::from_static(name), value.clone())).collect();
                let spec = source(slug).unwrap().spec();
                prop_assert!(verify(spec, &[], &[KEY.into()], &sent, Bytes::new(), now()).is_err());
            }
        }
    }
}
