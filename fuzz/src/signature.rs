//! Headers and a body that claim to be a genuine delivery.
//!
//! The input is written as headers are: `name: value` in lines, an empty line, the body.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use secrecy::SecretString;
use sha1::Sha1;
use sha2::Sha256;
use sources::{
    Encoding, Sent, SignatureError, Source as _, SourceSpec, Sources, Verification,
    callrail::CallRail, contract::Signer,
};

const KEY: &str = "5f3d3ebe065cd800b8c154347437e958";
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

const SHA1: &str = "signature";
const SHA256: &str = "x-callrail-signature";

/// A sender for each scheme of each source.
static SIGNERS: LazyLock<Vec<(&'static SourceSpec, Signer)>> = LazyLock::new(|| {
    let specs = Sources::standard().iter().map(|source| source.spec());
    let of = |spec| {
        Signer::all(spec)
            .into_iter()
            .map(move |signer| (spec, signer))
    };
    specs.flat_map(of).collect()
});

/// Verifies what `data` sends, then its body with right signatures and with each of them a bit off.
pub fn check(data: &[u8]) {
    let (headers, body) = read(data);
    assert_callrail(&headers, &body);
    // Which bit is off, follows from the input.
    let bit = data.iter().fold(data.len(), |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(usize::from(*byte))
    });
    for (spec, signer) in SIGNERS.iter() {
        sources::verify_dummy(spec, &headers, &body, NOW);
        assert_only_the_right_signature_verifies(spec, signer, &headers, &body, bit);
    }
}

/// Two of the schemes as they are documented, by code of their own: the signature is sent once and exact.
fn assert_callrail(headers: &HeaderMap, body: &Bytes) {
    let is_genuine = is_sent_once(headers, SHA1, |sent| sent == sha1(body).as_bytes())
        || is_sent_once(headers, SHA256, |sent| {
            sent.strip_prefix(b"sha256=")
                .is_some_and(|sent| sent.eq_ignore_ascii_case(sha256(body).as_bytes()))
        });
    let keys = [SecretString::from(KEY)];
    let verified = sources::verify(CallRail.spec(), &[], &keys, headers, body.clone(), NOW);
    assert_eq!(verified.is_ok(), is_genuine, "{verified:?}");
    let is_missing = !headers.contains_key(SHA1) && !headers.contains_key(SHA256);
    let error = verified.err();
    assert_eq!(error == Some(SignatureError::Missing), is_missing);
}

fn assert_only_the_right_signature_verifies(
    spec: &SourceSpec,
    signer: &Signer,
    headers: &HeaderMap,
    body: &Bytes,
    bit: usize,
) {
    let keys = [signer.key()];
    let verify = |headers: &HeaderMap, body: &Bytes| {
        sources::verify(spec, &[], &keys, headers, body.clone(), NOW).map(drop)
    };
    // A public URL takes what is not signed, and nothing that is signed wrongly.
    let is_unsigned = || {
        let verified = sources::verify(spec, &[], &keys, headers, body.clone(), NOW);
        verified.is_ok_and(|delivery| delivery.scheme() == Verification::PUBLIC_FORM_KEY)
    };
    if !spec.verification.is_public() || !is_unsigned() {
        assert_ne!(verify(headers, body), Ok(()), "nobody has the key");
    }
    let right = signer.sign(body, NOW);
    assert_eq!(verify(&right, body), Ok(()));
    // A shared key says who sends, not what.
    let Some(scheme) = signer.scheme() else {
        return;
    };
    let other = with_a_bit_off(body, bit);
    assert_eq!(verify(&right, &other), Err(SignatureError::Wrong));
    if let Some(time) = scheme.time.and_then(|time| time.header) {
        let mut later = right.clone();
        later.insert(time, HeaderValue::from_static("1"));
        assert_eq!(verify(&later, body), Err(SignatureError::Wrong));
    }
    let sent = right[scheme.header].to_str().unwrap_or_default();
    let is_taken = |value: &str| {
        let mut headers = right.clone();
        let Ok(value) = HeaderValue::from_str(value) else {
            return Err(SignatureError::Wrong);
        };
        headers.insert(scheme.header, value);
        verify(&headers, body)
    };
    let off = |signature: &str| match scheme.encoding {
        Encoding::Base64 => {
            let bytes = STANDARD.decode(signature).unwrap_or_default();
            STANDARD.encode(with_a_bit_off(&bytes, bit))
        }
        Encoding::Hex => {
            let bytes = hex::decode(signature).unwrap_or_default();
            hex::encode(with_a_bit_off(&bytes, bit))
        }
    };
    match scheme.sent {
        Sent::Alone { prefix } => {
            let signature = sent.strip_prefix(prefix).unwrap_or_default();
            let forged = format!("{prefix}{}", off(signature));
            assert_eq!(is_taken(&forged), Err(SignatureError::Wrong));
        }
        Sent::TimestampList {
            time,
            signature: name,
        } => {
            let (listed_time, signature) = sent.rsplit_once(',').unwrap_or_default();
            let signature = signature.strip_prefix(&format!("{name}=")).unwrap_or(name);
            let wrong = off(signature);
            for forged in [
                format!("{listed_time},{name}={wrong}"),
                format!("{time}=1,{name}={signature}"),
                format!("{listed_time},{time}=1,{name}={signature}"),
                format!("{name}={signature}"),
                format!("{listed_time},{name}0={signature}"),
            ] {
                assert_eq!(is_taken(&forged), Err(SignatureError::Wrong), "{forged}");
            }
            // A sender that changes its key signs by both for a while.
            let both = format!("{listed_time},{name}={wrong},{name}={signature}");
            assert_eq!(is_taken(&both), Ok(()), "{both}");
        }
        Sent::VersionList { version } => {
            let signature = sent.split_once(',').unwrap_or_default().1;
            let wrong = off(signature);
            for forged in [
                format!("{version},{wrong}"),
                format!("{version}0,{signature}"),
                format!("{version}={signature}"),
                signature.to_owned(),
            ] {
                assert_eq!(is_taken(&forged), Err(SignatureError::Wrong), "{forged}");
            }
            let both = format!("{version},{wrong} {version},{signature}");
            assert_eq!(is_taken(&both), Ok(()), "{both}");
        }
    }
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

fn is_sent_once(headers: &HeaderMap, name: &str, is_right: impl Fn(&[u8]) -> bool) -> bool {
    let mut sent = headers.get_all(name).iter();
    match (sent.next(), sent.next()) {
        (Some(value), None) => is_right(value.as_bytes()),
        _ => false,
    }
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
