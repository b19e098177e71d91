//! The product's own door: leads that other systems post to our API.
//!
//! - Delivery: `POST /v1/tenants/{tenant_id}/leads`, JSON, answered before anybody works on it. It is no webhook: who calls
//!   is told by their token or key, and every fault is answered at once. So nobody configures it, and it has no URL of a
//!   source.
//! - Identity: `external_id`, the sender's own id of the lead. Without one each delivery is a lead of its own.
//! - Repeats: see [`delivery_id`].
//!
//! What was posted is stored like every delivery, so it is listed, shown and read again like every other.

use domain::{Alias, Channel, News, PostedLead, Reading};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{ReadError, Source, SourceSpec, Verification, Verified};

/// Leads that other systems post.
pub struct Direct;

/// What it declares.
pub static SPEC: SourceSpec = SourceSpec {
    slug: "direct",
    name: "Direct API",
    channels: &[Channel::Api],
    verification: Verification::Caller,
    body_limit_bytes: 256 * 1024,
    is_told_by_body: true,
    ..SourceSpec::DEFAULT
};

impl Source for Direct {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn read(&self, delivery: &Verified, _event: Option<&str>) -> Result<Reading, ReadError> {
        let json: Value =
            serde_json::from_slice(delivery.body()).map_err(|error| ReadError::Json {
                line: error.line(),
                column: error.column(),
            })?;
        let lead = PostedLead::read(&json).map_err(|_| ReadError::Shape {
            expected: "a lead as this build takes it",
        })?;
        Ok(Reading::News(Box::new(news(lead))))
    }
}

/// What a posted lead reports.
pub fn news(lead: PostedLead) -> News {
    let id = lead.facts.external_id.clone();
    let alias = id.map(|value| Alias {
        provider: SPEC.slug.to_owned(),
        kind: "lead".to_owned(),
        value,
    });
    News {
        delivery_id: None,
        aliases: Vec::from_iter(alias),
        is_modified: false,
        is_thin: false,
        is_addition: false,
        delay: std::time::Duration::ZERO,
        facts: lead.facts,
    }
}

/// What a repeat of a delivery is recognized by; none: by its body alone, for good.
///
/// With the name that its sender gave the call (`call`: who sent it, and the name), the same body under the same name. Else
/// with an `external_id`, the same body. With neither, the same body on the same day (UTC): a sender that got no answer
/// repeats soon, and the same words half a year later are a new wish.
pub fn delivery_id(
    call: Option<(&str, &str)>,
    has_external_id: bool,
    body: &[u8],
    now: Timestamp,
) -> Option<String> {
    let hash = |parts: &[&[u8]]| {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        hex::encode(hash.finalize())
    };
    match call {
        Some((sender, name)) => {
            let hash = hash(&[sender.as_bytes(), name.as_bytes(), body]);
            Some(format!("call {hash}"))
        }
        None if has_external_id => None,
        None => {
            let day = now.to_zoned(TimeZone::UTC).date();
            Some(format!("{day} {}", hash(&[body])))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_told_by_name_by_body_or_by_body_and_day() {
        let monday: Timestamp = "2026-11-02T23:59:00Z".parse().unwrap();
        let tuesday: Timestamp = "2026-11-03T00:00:00Z".parse().unwrap();
        let id = |call, has_external_id, body: &str, now| {
            delivery_id(call, has_external_id, body.as_bytes(), now)
        };
        let (ann, bob) = (Some(("ann", "k1")), Some(("bob", "k1")));
        assert_eq!(id(ann, false, "a", monday), id(ann, true, "a", tuesday));
        assert_ne!(id(ann, false, "a", monday), id(bob, false, "a", monday));
        assert_ne!(id(ann, false, "a", monday), id(ann, false, "b", monday));
        assert_eq!(id(None, true, "a", monday), None);
        assert_eq!(id(None, false, "a", monday), id(None, false, "a", monday));
        assert_ne!(id(None, false, "a", monday), id(None, false, "a", tuesday));
        assert_ne!(id(None, false, "a", monday), id(None, false, "b", monday));
    }
}
