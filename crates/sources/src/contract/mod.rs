//! What every source must do, as tests. [`source_contract!`](crate::source_contract) runs them against a list of
//! sources; the samples that each declares are what they run on.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(missing_docs, reason = "the names of tests are their descriptions")]

mod declaration;
mod reading;
mod signer;
mod verifying;

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use domain::Reading;
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

pub use declaration::*;
pub use reading::*;
pub use signer::{DELIVERY_ID, Signer};
pub use verifying::*;

use crate::{ReadAs, ReadError, Sample, SignatureError, Source, SourceSpec, Verified, verify};

/// Expands to a `#[test]` for each clause. `$sources` is an expression of type [`Sources`](crate::Sources).
#[macro_export]
macro_rules! source_contract {
    ($sources:expr) => {
        $crate::source_contract!(@tests $sources;
            a_source_is_declared_completely,
            a_genuine_delivery_is_verified_and_read,
            a_recorded_signature_is_right,
            a_wrong_signature_is_refused,
            a_delivery_without_its_headers_is_refused,
            a_source_without_a_key_refuses_everything,
            a_key_alone_does_not_verify_another_scheme,
            a_signature_is_accepted_within_its_tolerance,
            a_time_is_taken_in_its_own_form_alone,
            an_unknown_tenant_is_never_verified,
            no_secret_is_kept_of_the_headers,
            a_repeated_delivery_says_the_same,
            a_delivery_that_was_stored_is_read_alike,
            a_body_that_breaks_off_is_no_other_lead,
            a_body_of_another_shape_is_not_understood,
            a_member_of_another_type_never_loses_a_lead,
            a_broken_value_never_loses_a_lead,
            an_odd_encoding_never_loses_a_lead,
            a_huge_body_is_read_within_bounds,
        );

        #[test]
        fn no_two_sources_are_mistaken_for_each_other() {
            $crate::contract::are_distinct($sources);
        }
    };
    (@tests $sources:expr; $($clause:ident),+ $(,)?) => {$(
        #[test]
        fn $clause() {
            for source in $sources.iter() {
                $crate::contract::$clause(source);
            }
        }
    )+};
}

/// The time at which the contract's senders sign.
fn now() -> Timestamp {
    Timestamp::from_second(1_793_620_800).expect("a time")
}

fn later(by: Duration) -> Timestamp {
    now().checked_add(by).expect("a time")
}

/// A delivery on its way.
struct Sending<'s> {
    spec: &'static SourceSpec,
    signer: &'s Signer,
    headers: HeaderMap,
    body: Bytes,
}

impl<'s> Sending<'s> {
    fn new(source: &dyn Source, signer: &'s Signer, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            spec: source.spec(),
            signer,
            headers: signer.sign(&body, now()),
            body,
        }
    }

    fn of(source: &dyn Source, signer: &'s Signer, sample: &Sample) -> Self {
        Self::new(source, signer, sample.body).with_type(sample.content_type)
    }

    fn with_type(mut self, content_type: &'static str) -> Self {
        let value = HeaderValue::from_static(content_type);
        self.headers.insert(CONTENT_TYPE, value);
        self
    }

    fn verify(&self) -> Result<Verified, SignatureError> {
        self.verify_with(&[self.signer.key()], &[], now())
    }

    fn verify_with(
        &self,
        keys: &[SecretString],
        accepted: &[&str],
        at: Timestamp,
    ) -> Result<Verified, SignatureError> {
        let accepted: Vec<_> = accepted.iter().map(|name| (*name).to_owned()).collect();
        let body = self.body.clone();
        verify(self.spec, &accepted, keys, &self.headers, body, at)
    }
}

/// Runs on each sample with each way to sign.
fn each(source: &dyn Source, check: impl Fn(&Signer, &Sample)) {
    for signer in Signer::all(source.spec()) {
        for sample in source.spec().samples {
            check(&signer, sample);
        }
    }
}

/// A body, read as the source reads one that was verified.
fn read(
    source: &dyn Source,
    content_type: Option<&str>,
    event: Option<&str>,
    body: impl Into<Bytes>,
) -> Result<Reading, ReadError> {
    let headers: BTreeMap<_, _> = content_type
        .map(|kind| ("content-type".to_owned(), kind.to_owned()))
        .into_iter()
        .collect();
    let body = body.into();
    let names = source.spec().verification.names();
    let name = names.first().expect("a source is verified somehow");
    let delivery = Verified::restored(source.spec(), name, headers, body);
    let delivery = delivery.expect("its own scheme");
    let reading = source.read(&delivery, event);
    assert_eq!(source.read(&delivery, event), reading, "another reading");
    if let Ok(reading) = &reading {
        assert_bounded(source.spec(), reading);
    }
    reading
}

fn is_read_as(reading: &Reading, expected: ReadAs) -> bool {
    match (reading, expected) {
        (Reading::News(news), ReadAs::News(ids)) => news
            .aliases
            .iter()
            .filter(|alias| alias.kind != domain::Alias::CONTINUED)
            .map(|alias| alias.value.as_str())
            .eq(ids.iter().copied()),
        (Reading::Ignored { .. }, ReadAs::Ignored) | (Reading::Ping, ReadAs::Ping) => true,
        (Reading::Receipts(receipts), ReadAs::Receipts(count)) => receipts.len() == count,
        _ => false,
    }
}

/// Every text that the product keeps of a stranger is short and harmless.
pub fn assert_bounded(spec: &SourceSpec, reading: &Reading) {
    match reading {
        Reading::News(news) => {
            let channel = news.facts.about.channel();
            assert!(
                spec.channels.contains(&channel),
                "{channel} is not declared"
            );
            assert!(news.aliases.len() <= 10, "{:?}", news.aliases);
            for (at, alias) in news.aliases.iter().enumerate() {
                assert_eq!(alias.provider, spec.slug);
                assert!(!alias.kind.is_empty());
                assert_line(&alias.value, 200);
                assert!(!news.aliases[..at].contains(alias), "{alias:?} twice");
            }
            if let Some(id) = &news.delivery_id {
                assert_line(id, 200);
            }
            let facts = serde_json::to_value(&news.facts).expect("facts are JSON");
            let texts = assert_texts(&facts);
            assert!(texts <= 500, "{texts} texts are kept");
        }
        Reading::Receipts(receipts) => {
            assert!((1..=10_000).contains(&receipts.len()));
            for receipt in receipts {
                assert_line(&receipt.event, 50);
                assert!(receipt.remote_id.chars().count() <= 200);
                receipt
                    .reason
                    .iter()
                    .for_each(|reason| assert_line(reason, 500));
            }
        }
        Reading::Ignored { reason } => assert_line(reason, 200),
        Reading::Ping => {}
    }
}

/// Checks each text of a value, names included, and counts them.
fn assert_texts(value: &Value) -> usize {
    let assert_text = |text: &str| {
        assert!(
            text.chars().count() <= 10_000,
            "a text of {} bytes",
            text.len()
        );
        let is_harmful = |c: char| c.is_control() && c != '\n' && c != '\t';
        assert!(!text.contains(is_harmful), "{text:?}");
    };
    match value {
        Value::String(text) => {
            assert_text(text);
            1
        }
        Value::Array(items) => items.iter().map(assert_texts).sum(),
        Value::Object(members) => {
            members.keys().for_each(|name| assert_text(name));
            members.values().map(assert_texts).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// A single line of at most `max` characters.
fn assert_line(text: &str, max: usize) {
    assert!(!text.is_empty() && text.chars().count() <= max, "{text:?}");
    assert!(!text.contains(char::is_control), "{text:?}");
    assert_eq!(text.trim(), text, "trimmed");
}
