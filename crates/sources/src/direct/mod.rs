//! The product's own door: leads that other systems post to our API.
//!
//! - Delivery: `POST /v1/tenants/{tenant_id}/leads`, JSON, answered before anybody works on it. It is no webhook: who calls
//!   is told by their token or key, and every fault is answered at once. So nobody configures it, and it has no URL of a
//!   source.
//! - Identity: `external_id`, the sender's own id of the lead, among all of the tenant's. Where another person has it, it is
//!   another lead. Without one each delivery is a lead of its own.
//! - Repeats: see [`delivery_id`].
//!
//! What was posted is stored like every delivery, so it is listed, shown and read again like every other.

use domain::{Alias, Apart, Channel, E164, EmailAddress, Facts, News, PostedLead, Reading, name};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{Ids, ReadError, Source, SourceSpec, Verification, Verified};

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
    ids: Ids::OfProvider,
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
    News {
        delivery_id: None,
        aliases: id.map_or_else(Vec::new, |id| names(&id, &lead.facts)),
        is_modified: false,
        is_thin: false,
        is_addition: false,
        apart: Apart::OfOtherPerson,
        delay: std::time::Duration::ZERO,
        facts: lead.facts,
    }
}

/// The names of a lead with this id of its sender's: the id, and the id with each thing that tells the person.
///
/// The ids are the tenant's own, not a key's: a tenant whose key is replaced goes on with the same leads, and one whose
/// systems share a key has two senders all the same. Two of them may count from 1, so a lead with a known id and another
/// person's name, number and address is another lead ([`Apart::OfOtherPerson`]). Its further posts find it by the person.
fn names(id: &str, facts: &Facts) -> Vec<Alias> {
    let contact = facts.contact();
    let name = contact.name.as_deref().map(name::distinguishing);
    let email = contact.email.filter(EmailAddress::is_personal);
    let phone = contact.phone.filter(E164::is_personal);
    let of_person = [
        name.map(|words| words.join(" "))
            .filter(|name| !name.is_empty()),
        email.map(|email| email.as_str().to_lowercase()),
        phone.map(|phone| phone.as_str().to_owned()),
    ];
    let alias = |kind: &str, value: String| Alias {
        provider: SPEC.slug.to_owned(),
        kind: kind.to_owned(),
        value,
    };
    // Hashed so that nobody reads who it is in passing.
    let of_person = of_person.into_iter().flatten().map(|what| {
        let mut hash = hex::encode(Sha256::digest(format!("{id}\0{what}")));
        hash.truncate(32);
        alias("lead_of", hash)
    });
    [alias("lead", id.to_owned())]
        .into_iter()
        .chain(of_person)
        .collect()
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
    use serde_json::json;

    use super::*;

    #[test]
    fn a_person_who_has_anothers_id_is_found_by_more() {
        let names = |contact: Value| {
            let lead = PostedLead::read(&json!({ "external_id": "1", "contact": contact }));
            news(lead.unwrap()).aliases
        };
        let ann = names(json!({ "name": "Ann Lee", "email": "Ann@example.com" }));
        assert_eq!((&*ann[0].kind, &*ann[0].value), ("lead", "1"));
        let bob = names(json!({ "name": "Bob Ray", "email": "bob@example.com" }));
        let shared: Vec<_> = ann.iter().filter(|alias| bob.contains(alias)).collect();
        assert_eq!(shared, [&ann[0]]);
        // Another number, and the same name and address in other letters.
        let again =
            json!({ "name": "ANN LEE", "email": "ann@EXAMPLE.com", "phone": "512 555 0142" });
        let again = names(again);
        assert!(ann.iter().all(|alias| again.contains(alias)), "{again:?}");
        assert_eq!(again.len(), 4);
        // What is no one person's names nobody.
        assert_eq!(names(json!({ "email": "info@acme.com" })).len(), 1);
        assert_eq!(names(json!({ "email": "none@none.com" })).len(), 1);
    }

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
