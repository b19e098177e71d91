//! A verified body, read by every source as each kind of delivery that it may come as.

use std::collections::BTreeMap;

use bytes::Bytes;
use sources::{ReadError, Source, Sources, Verified, contract};

/// Reads `data` as a body.
pub fn check(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    for source in Sources::standard().iter() {
        for content_type in [
            None,
            Some("application/json"),
            Some("application/x-www-form-urlencoded"),
        ] {
            check_source(source, content_type, &body);
        }
    }
}

fn check_source(source: &dyn Source, content_type: Option<&str>, body: &Bytes) {
    let spec = source.spec();
    let headers: BTreeMap<_, _> = content_type
        .map(|kind| ("content-type".to_owned(), kind.to_owned()))
        .into_iter()
        .collect();
    let named = spec.events.iter().map(|(event, _)| Some(*event));
    for event in named.chain([None, Some("?")]) {
        for scheme in spec.verification.names() {
            let restored = Verified::restored(spec, scheme, headers.clone(), body.clone());
            let Some(delivery) = restored else {
                panic!("{} does not know its scheme {scheme}", spec.slug)
            };
            let reading = source.read(&delivery, event);
            match &reading {
                Ok(reading) => contract::assert_bounded(spec, reading),
                Err(ReadError::Json { line, .. }) => {
                    assert!(*line <= 1 + body.iter().filter(|byte| **byte == b'\n').count());
                }
                Err(_) => {}
            }
            assert_eq!(source.read(&delivery, event), reading, "another reading");
        }
    }
}
