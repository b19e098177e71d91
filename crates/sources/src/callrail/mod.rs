//! CallRail: telephone calls and text messages to a company's tracking numbers, and forms on its website.
//!
//! - Delivery: `POST`, JSON; form-encoded bodies have been seen, too. **Never repeated**: what is refused is lost. No
//!   delivery id, no name of the event in the body, hence one URL for each event.
//! - Identity: `resource_id` (`CAL…`), given once, beside it the older numeric `id`, which may be missing or stand in
//!   for one (`0`, `null`). This product's own documented sample says `call_id`, `caller_id` and
//!   `callrail_company_id`; both shapes are understood. A text message belongs to its conversation, a form has a number.
//! - Signature: `Signature`, base64 of HMAC-SHA1 over the raw body, keyed with the company's signing key as text; or
//!   the documented sample's `x-callrail-signature: sha256=<hex of HMAC-SHA256>`.
//! - Order: not promised. A call reports when it rings, when it is routed, when it ended (up to 20 minutes later) and
//!   whenever somebody edits it.
//!
//! Source: apidocs.callrail.com, "Webhooks" and "Validating Payloads" (read 2026-11); support.callrail.com, "Webhooks".
//! UNCONFIRMED: bodies as `application/x-www-form-urlencoded`, reported by two public integrations.

mod api;
mod integrations;
mod listing;
mod payload;
mod samples;

use domain::{AccountSpec, BaseUrl, Channel, Reading, SettingSpec, TenantId};
use http::Method;

use crate::{
    Encoding, EndpointSpec, Fields, Ids, Key, Mac, Piece, Purpose, Quota, ReadError, Scheme, Sent,
    Source, SourceSpec, TenantHint, Verification, Verified,
};

/// The source.
pub struct CallRail;

static SPEC: SourceSpec = SourceSpec {
    slug: "callrail",
    name: "CallRail",
    channels: &[Channel::Phone, Channel::Text, Channel::Form],
    verification: Verification::Signed(&[V3, DOCUMENTED]),
    endpoints: &[EndpointSpec {
        method: Method::POST,
        path: "/v1/callrail/webhook",
        purpose: Purpose::Delivery,
    }],
    account: Some(AccountSpec {
        secret: "the API key of a person who sees the company",
        settings: &[
            SettingSpec {
                key: "account_id",
                about: "the account's id, as `ACC…` or as number",
                is_required: true,
                is_url: false,
            },
            SettingSpec {
                key: "company_ids",
                about: "the ids of the tenant's company, as number and as `COM…`, with a comma between them; \
                        those of its source count too",
                is_required: false,
                is_url: false,
            },
        ],
        refresh: None,
        check: None,
    }),
    base_url: Some(BaseUrl {
        key: "CALLRAIL_BASE_URL",
        url: "https://api.callrail.com",
        about: "CallRail's API.",
    }),
    apis: Some(api::apis),
    is_connected_by_call: true,
    // Shared by every tenant under the account. Source: apidocs.callrail.com, "Rate Limiting".
    quota: Some(Quota {
        account: "account_id",
        windows: &[(1_000, 60 * 60), (10_000, 24 * 60 * 60)],
    }),
    is_resent: false,
    events: EVENTS,
    is_told_by_body: true,
    ids: Ids::OfProvider,
    set_up: "In CallRail, open the company's Settings, Integrations, Webhooks. Add each URL to the event of its name, \
             beside what is there already. Pre-Call and Call Routing Complete are for those who want to see a request \
             while the phone still rings. The signing key stands on the same page.",
    samples: samples::SAMPLES,
    ..SourceSpec::DEFAULT
};

/// Each event that has a URL of its own, and CallRail's name for it. What the company does itself (outbound calls) is
/// stored, and makes no lead.
const EVENTS: &[(&str, &str)] = &[
    ("post-call", "Post-Call"),
    ("call-modified", "Call Modified"),
    ("pre-call", "Pre-Call"),
    ("call-routing-complete", "Call Routing Complete"),
    ("sms-received", "Text Message Received"),
    ("sms-sent", "Text Message Sent"),
    ("form-submission", "Form Submission"),
    ("outbound-post-call", "Outbound Post-Call"),
    ("outbound-call-modified", "Outbound Call Modified"),
];

/// `Signature`: HMAC-SHA1 of the raw body in base64. The key is text, though it looks hexadecimal.
const V3: Scheme<'static> = Scheme {
    name: "callrail-v3",
    mac: Mac::HmacSha1(Key::Text),
    header: "signature",
    sent: Sent::Alone { prefix: "" },
    encoding: Encoding::Base64,
    signed: &[Piece::Body],
    time: None,
    delivery_id: None,
    is_key_ours: false,
};

/// `x-callrail-signature`: `sha256=` and HMAC-SHA256 of the raw body in hexadecimal, as the documented sample has it.
const DOCUMENTED: Scheme<'static> = Scheme {
    name: "sha256-hex",
    mac: Mac::HmacSha256(Key::Text),
    header: "x-callrail-signature",
    sent: Sent::Alone { prefix: "sha256=" },
    encoding: Encoding::Hex,
    is_key_ours: true,
    ..V3
};

impl Source for CallRail {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    /// Works on a broken or truncated body, too, as `read` does. If a member appears twice, the first one counts, as
    /// there.
    fn hint(&self, content_type: Option<&str>, body: &[u8]) -> Option<TenantHint> {
        const ACCOUNTS: [&str; 3] = ["company_resource_id", "company_id", "callrail_company_id"];
        let is_wanted = |name: &str| ACCOUNTS.contains(&name) || name == "tenant_id";
        // Two of them tell as much as all.
        let fields = Fields::glimpse(content_type, body, is_wanted, 2);
        let id = |name| {
            fields
                .text(name)
                .filter(|id| payload::is_id(id) && !payload::is_placeholder(id))
                .map(str::to_owned)
        };
        let accounts: Vec<_> = ACCOUNTS.into_iter().filter_map(id).collect();
        let tenant = fields
            .text("tenant_id")
            .and_then(|slug| TenantId::new(slug).ok());
        (!accounts.is_empty() || tenant.is_some()).then_some(TenantHint { accounts, tenant })
    }

    fn read(&self, delivery: &Verified, event: Option<&str>) -> Result<Reading, ReadError> {
        payload::read(delivery, event)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hint(content_type: Option<&str>, body: &[u8]) -> Option<(Vec<String>, Option<String>)> {
        let hint = CallRail.hint(content_type, body)?;
        Some((hint.accounts, hint.tenant.map(|tenant| tenant.to_string())))
    }

    fn accounts(of: &[&str]) -> Vec<String> {
        of.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn every_form_of_the_account_is_found_in_each_body() {
        const COMPANY: &str = "COM3f2a9c7d51e84b0aa6c1d2e3f4a5b6c7";
        let json = Some("application/json");
        for (content_type, body, expected, tenant) in [
            (
                json,
                include_bytes!("fixtures/post-call.json").as_slice(),
                &[COMPANY, "481516234"][..],
                None,
            ),
            (
                None,
                include_bytes!("fixtures/post-call-form-encoded.txt"),
                &[COMPANY, "481516234"],
                None,
            ),
            (
                json,
                include_bytes!("fixtures/form-submission.json"),
                &["481516234"],
                None,
            ),
            (
                json,
                include_bytes!("fixtures/sms-sent.json"),
                &[COMPANY],
                None,
            ),
            (
                json,
                include_bytes!("fixtures/call-completed.json"),
                &["12345"],
                Some("tenant_demo".to_owned()),
            ),
        ] {
            assert_eq!(hint(content_type, body), Some((accounts(expected), tenant)));
        }
        assert_eq!(
            hint(json, include_bytes!("fixtures/voice-assist-answered.json")),
            None
        );
    }

    #[test]
    fn a_strange_body_gives_no_more_than_it_says() {
        let deep = "[".repeat(10_000);
        let deep_before = format!(r#"{{"x": {deep}"#);
        let deep_after = format!(r#"{{"company_id": 7, "x": {deep}"#);
        let deep_within = format!(r#"{{"company_id": {deep}"#);
        let large = format!(r#"{{"x": "{}", "company_id": "7"}}"#, "y".repeat(1_000_000));
        let seven = || Some((accounts(&["7"]), None));
        for (body, expected) in [
            ("", None),
            ("{", None),
            ("null", None),
            ("[7]", None),
            (&deep, None),
            (&deep_before, None),
            (&deep_after, seven()),
            (&deep_within, None),
            (&large, seven()),
            (r#"{"company_id": "7"}"#, seven()),
            (r#"{"company_id": 7, "company_id": 8}"#, seven()),
            (r#"{"company_id": 7} and more"#, seven()),
            (r#"{"company_id": 7, "note": "brok"#, seven()),
            (r#"{"company_id": -7.5}"#, None),
            (r#"{"company_id": true}"#, None),
            (r#"{"company_id": [7]}"#, None),
            (r#"{"company_id": {"id": 7}}"#, None),
            (r#"{"company_id": "../7"}"#, None),
            (r#"{"a": {"company_id": 7}}"#, None),
            (r#"{"tenant_id": "No Slug"}"#, None),
            ("company_id=7&company_id=8", seven()),
            ("&&=&company_id=7&%zz", seven()),
        ] {
            assert_eq!(
                hint(None, body.as_bytes()),
                expected,
                "{}",
                domain::text::bounded(body, 80)
            );
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..300), json: bool) {
            drop(CallRail.hint(json.then_some("application/json"), &body));
        }
    }
}
