//! What is genuine, and what is not.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use secrecy::SecretString;

use super::{Sending, Signer, each, later, now};
use crate::{Piece, SignatureError, Source, TimeForm, verify, verify_dummy};

const SECOND: Duration = Duration::from_secs(1);
const TEN_YEARS: Duration = Duration::from_hours(10 * 365 * 24);

pub fn a_recorded_signature_is_right(source: &dyn Source) {
    for sample in source.spec().samples {
        let Some(recorded) = sample.recorded else {
            continue;
        };
        let pair = |(name, value): &(&'static str, &'static str)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        };
        let headers: HeaderMap = recorded.headers.iter().map(pair).collect();
        let keys = [SecretString::from(recorded.key)];
        let at = Timestamp::from_second(recorded.at).unwrap();
        let body = sample.body.into();
        let verified = verify(source.spec(), &[], &keys, &headers, body, at);
        assert!(verified.is_ok(), "{sample:?}: {verified:?}");
    }
}

pub fn a_wrong_signature_is_refused(source: &dyn Source) {
    if !source.spec().verification.needs_key() {
        return;
    }
    each(source, |signer, sample| {
        let is_wrong = |sending: &Sending<'_>, key: SecretString| {
            let error = sending.verify_with(&[key], &[], now()).unwrap_err();
            assert_eq!(error, SignatureError::Wrong, "{sample:?}");
        };
        let genuine = || Sending::of(source, signer, sample);
        is_wrong(&genuine(), signer.with_another_key().key());
        let Some(scheme) = signer.scheme() else {
            return;
        };
        let bits = sample.body.len() * 8;
        for bit in [0, bits / 3, bits / 2, bits - 1] {
            let mut body = sample.body.to_vec();
            body[bit / 8] ^= 1 << (bit % 8);
            let mut tampered = genuine();
            tampered.body = body.into();
            is_wrong(&tampered, signer.key());
        }
        for other in [&b""[..], &sample.body[1..], &[sample.body, b" "].concat()] {
            let mut tampered = genuine();
            tampered.body = other.to_vec().into();
            is_wrong(&tampered, signer.key());
        }
        let value = genuine().headers[scheme.header].clone();
        let text = value.to_str().unwrap();
        let other = |c: char| if c == '0' { '1' } else { '0' };
        let mut characters: Vec<_> = text.chars().collect();
        let at = characters.len() - 5;
        characters[at] = other(characters[at]);
        let strange = [
            String::new(),
            "=".to_owned(),
            text.chars().take(text.len() - 1).collect(),
            characters.into_iter().collect(),
        ];
        for value in strange {
            let mut forged = genuine();
            let header = HeaderName::from_static(scheme.header);
            let value = HeaderValue::from_str(&value).unwrap();
            forged.headers.insert(header, value);
            is_wrong(&forged, signer.key());
        }
    });
}

pub fn a_delivery_without_its_headers_is_refused(source: &dyn Source) {
    each(source, |signer, sample| {
        let needed: Vec<_> = signer.sign(b"", now()).keys().cloned().collect();
        for name in needed {
            let mut sending = Sending::of(source, signer, sample);
            let value = sending.headers.remove(&name).unwrap();
            assert_eq!(
                sending.verify().unwrap_err(),
                SignatureError::Missing,
                "{name}"
            );
            sending.headers.append(&name, value.clone());
            sending.headers.append(&name, value);
            assert_eq!(
                sending.verify().unwrap_err(),
                SignatureError::Wrong,
                "{name} twice"
            );
        }
    });
}

pub fn a_source_without_a_key_refuses_everything(source: &dyn Source) {
    if !source.spec().verification.needs_key() {
        return;
    }
    each(source, |signer, sample| {
        let sending = Sending::of(source, signer, sample);
        for keys in [&[][..], &[SecretString::from("")]] {
            let error = sending.verify_with(keys, &[], now()).unwrap_err();
            assert_eq!(error, SignatureError::Wrong);
        }
        let both = [signer.with_another_key().key(), signer.key()];
        sending.verify_with(&both, &[], now()).unwrap();
    });
}

pub fn a_key_alone_does_not_verify_another_scheme(source: &dyn Source) {
    each(source, |signer, sample| {
        let sending = Sending::of(source, signer, sample);
        let pinned = |name: &str| sending.verify_with(&[signer.key()], &[name], now());
        assert_eq!(pinned(signer.name()).unwrap().scheme(), signer.name());
        assert_eq!(
            pinned("no-such-scheme").unwrap_err(),
            SignatureError::Missing
        );
    });
}

pub fn a_signature_is_accepted_within_its_tolerance(source: &dyn Source) {
    each(source, |signer, sample| {
        let sending = Sending::of(source, signer, sample);
        let keys = [signer.key()];
        let at = |at| sending.verify_with(&keys, &[], at).map(drop);
        let Some(time) = signer.scheme().and_then(|scheme| scheme.time) else {
            assert_eq!(at(later(TEN_YEARS)), Ok(()), "no time is signed");
            return;
        };
        let earlier = |by: Duration| now().checked_sub(by).unwrap();
        assert_eq!(at(later(time.max_age)), Ok(()));
        assert_eq!(at(later(time.max_age + SECOND)), Err(SignatureError::Stale));
        assert_eq!(at(earlier(time.max_ahead)), Ok(()));
        assert_eq!(
            at(earlier(time.max_ahead + SECOND)),
            Err(SignatureError::Stale)
        );
        let other = [signer.with_another_key().key()];
        let old = sending.verify_with(&other, &[], later(TEN_YEARS));
        assert_eq!(
            old.unwrap_err(),
            SignatureError::Wrong,
            "its age is not revealed"
        );
    });
}

/// A time is signed as it was sent, but only one way to write it is one: the same in every source.
pub fn a_time_is_taken_in_its_own_form_alone(source: &dyn Source) {
    each(source, |signer, sample| {
        let Some(scheme) = signer.scheme() else {
            return;
        };
        let Some(time) = scheme.time else { return };
        let at = |text: &str| {
            let mut sending = Sending::of(source, signer, sample);
            let signed = signer.sign_at_text(sample.body, text).unwrap();
            sending.headers.extend(signed);
            sending.verify().map(drop)
        };
        let seconds = now().as_second().to_string();
        let (own, other) = match time.form {
            TimeForm::UnixSeconds => (seconds.clone(), now().to_string()),
            TimeForm::UnixMillis => (now().as_millisecond().to_string(), seconds.clone()),
            TimeForm::Rfc3339 => (now().to_string(), seconds.clone()),
        };
        assert_eq!(at(&own), Ok(()));
        for strange in [
            other,
            format!("0{seconds}"),
            format!("+{seconds}"),
            format!("-{seconds}"),
            format!("{seconds}.0"),
            format!("{seconds}e0"),
            format!("{seconds}000"),
            format!("{seconds}0000000000000000000"),
            "0".to_owned(),
            String::new(),
        ] {
            // What separates the pieces must not stand in one of them.
            let is_separator =
                |piece: &Piece<'_>| matches!(piece, Piece::Text(text) if strange.contains(text));
            let expected = if scheme.signed.iter().any(is_separator) {
                SignatureError::Wrong
            } else {
                SignatureError::Stale
            };
            assert_eq!(at(&strange), Err(expected), "{strange:?}");
        }
    });
}

pub fn an_unknown_tenant_is_never_verified(source: &dyn Source) {
    each(source, |signer, sample| {
        let sending = Sending::of(source, signer, sample);
        let refused = |headers| verify_dummy(source.spec(), headers, &sending.body, now());
        assert_eq!(refused(&sending.headers), SignatureError::Wrong);
        if source.spec().verification.is_public() {
            return;
        }
        assert_eq!(refused(&HeaderMap::new()), SignatureError::Missing);
    });
}

pub fn no_secret_is_kept_of_the_headers(source: &dyn Source) {
    each(source, |signer, sample| {
        let mut sending = Sending::of(source, signer, sample);
        for name in ["authorization", "cookie", "x-api-key"] {
            let value = HeaderValue::from_static("s3cret");
            sending.headers.entry(name).or_insert(value);
        }
        let delivery = sending.verify().unwrap();
        let signature = signer.scheme().map(|scheme| scheme.header);
        for (name, value) in delivery.headers() {
            assert_ne!(Some(name.as_str()), signature);
            assert_ne!(value, "s3cret", "{name}");
            assert_ne!(value, secrecy::ExposeSecret::expose_secret(&signer.key()));
        }
        assert!(!format!("{delivery:?}").contains(sample.content_type));
    });
}

pub fn a_repeated_delivery_says_the_same(source: &dyn Source) {
    let spec = source.spec();
    for signer in Signer::all(spec) {
        for sample in spec.samples {
            let read_at = |at| {
                let mut sending = Sending::of(source, &signer, sample);
                sending.headers.extend(signer.sign(sample.body, at));
                let delivery = sending.verify_with(&[signer.key()], &[], at).unwrap();
                source.read(&delivery, sample.event).unwrap()
            };
            assert_eq!(read_at(now()), read_at(later(SECOND * 3600)), "{sample:?}");
        }
    }
}
