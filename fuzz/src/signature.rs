//! Headers and a body that claim to be a genuine delivery.
//!
//! The input is written as headers are: `name: value` in lines, an empty line, the body.

use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use secrecy::SecretString;
use sha1::Sha1;
use sha2::Sha256;
use sources::{Refused, Source as _, callrail::CallRail, sendgrid::SendGrid};

const KEY: &str = "5f3d3ebe065cd800b8c154347437e958";
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

const SHA1: &str = "signature";
const SHA256: &str = "x-callrail-signature";
const ECDSA: &str = "x-twilio-email-event-webhook-signature";
const TIMESTAMP: &str = "x-twilio-email-event-webhook-timestamp";

/// Proves what `data` sends, then its body with right signatures and with each of them a bit off.
pub fn check(data: &[u8]) {
    let (headers, body) = read(data);
    assert_callrail(&headers, &body);
    assert_ne!(sendgrid(&headers, &body), Ok(()), "nobody has the key");
    for source in sources::SOURCES {
        sources::verify_dummy(source.spec(), &headers, body.clone(), NOW);
    }
    // Which bit is off, follows from the input.
    let bit = data.iter().fold(data.len(), |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(usize::from(*byte))
    });
    assert_only_the_right_mac_proves(&body, bit);
    assert_only_the_right_signature_proves(&body, bit);
}

/// CallRail's delivery is proven by one of two signatures, sent once and exact.
fn assert_callrail(headers: &HeaderMap, body: &Bytes) {
    let is_proven = is_sent_once(headers, SHA1, |sent| sent == sha1(body).as_bytes())
        || is_sent_once(headers, SHA256, |sent| {
            sent.strip_prefix(b"sha256=")
                .is_some_and(|sent| sent.eq_ignore_ascii_case(sha256(body).as_bytes()))
        });
    let proven = callrail(headers, body);
    assert_eq!(proven.is_ok(), is_proven, "{proven:?}");
    let is_missing = !headers.contains_key(SHA1) && !headers.contains_key(SHA256);
    assert_eq!(proven == Err(Refused::Missing), is_missing);
}

fn assert_only_the_right_mac_proves(body: &Bytes, bit: usize) {
    let hex = format!("sha256={}", sha256(body));
    for (name, right) in [(SHA1, sha1(body)), (SHA256, hex)] {
        assert_eq!(callrail(&one(name, &right), body), Ok(()));
        let other = with_a_bit_off(body, bit);
        assert_eq!(callrail(&one(name, &right), &other), Err(Refused::Wrong));
    }
    let off = with_a_bit_off(&STANDARD.decode(sha1(body)).unwrap_or_default(), bit);
    let off = one(SHA1, &STANDARD.encode(off));
    assert_eq!(callrail(&off, body), Err(Refused::Wrong));
    let off = with_a_bit_off(&hex::decode(sha256(body)).unwrap_or_default(), bit);
    let off = one(SHA256, &format!("sha256={}", hex::encode(off)));
    assert_eq!(callrail(&off, body), Err(Refused::Wrong));
}

fn assert_only_the_right_signature_proves(body: &Bytes, bit: usize) {
    let signed = [b"0", body.as_ref()].concat();
    let Ok(right) = PAIR.sign(&SystemRandom::new(), &signed) else {
        panic!("the pair does not sign")
    };
    let sent = |signature: &[u8]| {
        let mut headers = one(ECDSA, &STANDARD.encode(signature));
        headers.insert(TIMESTAMP, HeaderValue::from_static("0"));
        headers
    };
    let right = right.as_ref();
    assert_eq!(sendgrid(&sent(right), body), Ok(()));
    let other = with_a_bit_off(body, bit);
    assert_eq!(sendgrid(&sent(right), &other), Err(Refused::Wrong));
    let off = with_a_bit_off(right, bit);
    assert_eq!(sendgrid(&sent(&off), body), Err(Refused::Wrong));
    let mut later = sent(right);
    later.insert(TIMESTAMP, HeaderValue::from_static("1"));
    assert_eq!(sendgrid(&later, body), Err(Refused::Wrong));
}

/// The headers and the body that the input stands for.
fn read(data: &[u8]) -> (HeaderMap, Bytes) {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = match end {
        Some(end) => (&data[..end], &data[end + 2..]),
        None => (data, &[][..]),
    };
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let value = line[colon + 1..].strip_prefix(b" ");
        let value = value.unwrap_or(&line[colon + 1..]);
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(&line[..colon]),
            HeaderValue::from_bytes(value),
        ) {
            headers.append(name, value);
        }
    }
    (headers, Bytes::copy_from_slice(body))
}

fn callrail(headers: &HeaderMap, body: &Bytes) -> Result<(), Refused> {
    let keys = [SecretString::from(KEY)];
    sources::verify(CallRail.spec(), &[], &keys, headers, body.clone(), NOW).map(drop)
}

fn sendgrid(headers: &HeaderMap, body: &Bytes) -> Result<(), Refused> {
    let keys = [SecretString::from(PUBLIC_KEY.as_str())];
    sources::verify(SendGrid.spec(), &[], &keys, headers, body.clone(), NOW).map(drop)
}

fn is_sent_once(headers: &HeaderMap, name: &str, is_right: impl Fn(&[u8]) -> bool) -> bool {
    let mut sent = headers.get_all(name).iter();
    match (sent.next(), sent.next()) {
        (Some(value), None) => is_right(value.as_bytes()),
        _ => false,
    }
}

fn one(name: &'static str, value: &str) -> HeaderMap {
    let value = HeaderValue::from_str(value).ok();
    value
        .map(|value| (HeaderName::from_static(name), value))
        .into_iter()
        .collect()
}

/// One bit changed; of nothing, one byte more.
fn with_a_bit_off(bytes: &[u8], bit: usize) -> Bytes {
    let mut bytes = bytes.to_vec();
    if bytes.is_empty() {
        bytes.push(0);
    } else {
        let bit = bit % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    bytes.into()
}

fn sha1(body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(KEY.as_bytes()) else {
        panic!("a key of any length is one")
    };
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

fn sha256(body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()) else {
        panic!("a key of any length is one")
    };
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

static PAIR: LazyLock<EcdsaKeyPair> =
    LazyLock::new(
        || match EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING) {
            Ok(pair) => pair,
            Err(error) => panic!("no key pair: {error}"),
        },
    );

static PUBLIC_KEY: LazyLock<String> = LazyLock::new(|| {
    let key: Result<PublicKeyX509Der<'_>, _> = PAIR.public_key().as_der();
    match key {
        Ok(key) => STANDARD.encode(key.as_ref()),
        Err(error) => panic!("no public key: {error}"),
    }
});
