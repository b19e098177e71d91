//! What a source declares.

use std::collections::{BTreeMap, BTreeSet};

use domain::Reading;
use http::HeaderName;

use super::{DELIVERY_ID, Sending, is_read_as, read};
use crate::{Piece, Scheme, Sent, Source, Sources, Verification, Verified};

/// Bodies share the receiver's memory, which holds at least two of the largest.
const LARGEST_BODY: usize = 8 * 1024 * 1024;

pub fn a_source_is_declared_completely(source: &dyn Source) {
    let spec = source.spec();
    let slug = spec.slug;
    let is_slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    assert!(!slug.is_empty() && slug.chars().all(is_slug), "{slug:?}");
    assert!(!spec.name.is_empty() && !spec.set_up.is_empty(), "{slug}");
    assert!((1..=LARGEST_BODY).contains(&spec.body_limit_bytes));
    assert!(
        !spec.samples.is_empty(),
        "{slug} shows nothing that it reads"
    );
    for sample in spec.samples {
        assert!(sample.body.len() <= spec.body_limit_bytes, "{sample:?}");
    }
    for endpoint in spec.endpoints {
        assert!(endpoint.path.starts_with("/v1/"), "{endpoint:?}");
        let is_hinted = |sample: &&crate::Sample| {
            source
                .hint(Some(sample.content_type), sample.body)
                .is_some()
        };
        assert!(
            endpoint.has_token() || spec.samples.iter().any(|sample| is_hinted(&sample)),
            "{slug} says of no sample whose it is, though tenants share {}",
            endpoint.path
        );
    }
    let mut registers = false;
    if let Some(make) = spec.apis {
        assert!(spec.account.is_some() && spec.base_url.is_some(), "{slug}");
        let client = http_client::Client::new(http_client::Options::default()).unwrap();
        let url = spec.base_url.and_then(|base| base.url.parse().ok());
        let apis = url.map(|url| make(&client, &url));
        registers = apis.is_some_and(|apis| apis.webhooks.is_some());
    }
    assert_eq!(
        spec.is_connected_by_call, registers,
        "{slug} is connected by a call exactly if its API registers webhooks"
    );
    if let Some(base) = spec.base_url {
        assert!(base.url.parse::<http_client::Url>().is_ok(), "{base:?}");
        assert!(base.key.ends_with("_BASE_URL"), "{base:?}");
    }
    if let Some(settings) = spec.settings {
        let defaults = settings.with_defaults(&serde_json::json!({}));
        let faults = settings.check(&defaults);
        assert_eq!(faults, Ok(()), "{slug}: the defaults are no settings");
        let schema = settings.schema(slug, spec.name);
        assert_eq!(schema["additionalProperties"], serde_json::json!(false));
    }
    // Whoever is public says what keeps programs out of what it stores.
    let names = spec.verification.names();
    assert!(!names.is_empty(), "{slug} verifies nothing");
    assert_eq!(names.len(), BTreeSet::from_iter(&names).len(), "{names:?}");
    match spec.verification {
        Verification::Signed(schemes) | Verification::PublicOrSigned(schemes) => {
            schemes.iter().for_each(is_consistent);
        }
        Verification::SharedKey { header } => is_header(header),
        Verification::SignedOrKey {
            schemes, header, ..
        } => {
            schemes.iter().for_each(is_consistent);
            is_header(header);
        }
        Verification::PublicFormKey => {}
        Verification::Caller => panic!("{slug} verifies no webhook"),
    }
}

fn is_header(name: &str) {
    let is_lower = |name: &str| {
        name.parse::<HeaderName>()
            .is_ok_and(|parsed| parsed == name)
    };
    assert!(
        is_lower(name) && name == name.to_ascii_lowercase(),
        "{name}"
    );
}

fn is_consistent(scheme: &Scheme<'static>) {
    let signs = |piece: &Piece<'static>| scheme.signed.contains(piece);
    is_header(scheme.header);
    assert!(signs(&Piece::Body), "{scheme:?} does not sign the body");
    assert_eq!(signs(&Piece::Time), scheme.time.is_some(), "{scheme:?}");
    if let Some(time) = scheme.time {
        let is_listed = matches!(scheme.sent, Sent::TimestampList { .. });
        assert_eq!(time.header.is_none(), is_listed, "{scheme:?}");
        time.header.into_iter().for_each(is_header);
    }
    if let Some(id) = scheme.delivery_id {
        assert!(signs(&Piece::Header(id)), "{scheme:?} does not sign the id");
        is_header(id);
    }
}

pub fn a_genuine_delivery_is_verified_and_read(source: &dyn Source) {
    super::each(source, |signer, sample| {
        let delivery = Sending::of(source, signer, sample).verify().unwrap();
        assert_eq!(delivery.scheme(), signer.name());
        let reading = source.read(&delivery, sample.event).unwrap();
        assert!(
            is_read_as(&reading, sample.read_as),
            "{sample:?}: {reading:?}"
        );
        let signed_id = signer.scheme().and_then(|scheme| scheme.delivery_id);
        if let Reading::News(news) = &reading
            && signed_id.is_some()
        {
            assert_eq!(news.delivery_id.as_deref(), Some(DELIVERY_ID), "{sample:?}");
        }
        let content_type = Some(sample.content_type);
        let same = read(source, content_type, sample.event, sample.body);
        assert!(is_read_as(&same.unwrap(), sample.read_as));
    });
}

pub fn a_delivery_that_was_stored_is_read_alike(source: &dyn Source) {
    super::each(source, |signer, sample| {
        let delivery = Sending::of(source, signer, sample).verify().unwrap();
        let restored = Verified::restored(
            source.spec(),
            delivery.scheme(),
            delivery.headers().clone(),
            delivery.body().clone(),
        );
        assert_eq!(
            source.read(&restored.unwrap(), sample.event),
            source.read(&delivery, sample.event),
        );
    });
}

/// No two have one slug. An endpoint that two share has one purpose, and its URL tells whose a call is.
pub fn are_distinct(sources: Sources) {
    let (mut slugs, mut endpoints) = (BTreeSet::new(), BTreeMap::new());
    for source in sources.iter() {
        let spec = source.spec();
        assert!(slugs.insert(spec.slug), "{} twice", spec.slug);
        for endpoint in spec.endpoints {
            let key = (endpoint.method.to_string(), endpoint.path);
            if let Some(purpose) = endpoints.insert(key, endpoint.purpose) {
                assert!(endpoint.has_token(), "{endpoint:?} twice");
                assert_eq!(purpose, endpoint.purpose, "{endpoint:?}");
            }
        }
    }
}
