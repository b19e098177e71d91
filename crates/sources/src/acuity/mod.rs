//! Acuity Scheduling: appointments of a company's calendars.
//!
//! - Delivery: `POST`, form-encoded: an action and ids, nothing else. Repeated with growing pauses for 24 h when it was
//!   answered 500 or not at all; any other refusal loses it. No delivery id, and no time.
//! - Identity: the appointment's `id`, which stays when it is moved or canceled.
//! - Signature: `x-acuity-signature`, base64 of HMAC-SHA256 over the raw body, keyed with the account's API key as text.
//!   It covers no time, so a delivery can be replayed: it only ever makes us read the appointment again.
//! - Order: not promised, and `changed` comes along with every other action. Whatever came, the API says how the
//!   appointment is now.
//!
//! Source: developers.acuityscheduling.com, "Webhooks"; acuity-php, `verifyMessageSignature` (read 2026-11). UNCONFIRMED:
//! whether an action ever has the prefix `appointment.` that subscriptions have; both are understood.

mod api;
mod listing;
mod payload;
mod samples;

use domain::{AccountSpec, BaseUrl, Channel, Reading, SettingSpec};

use crate::{
    Encoding, Fields, Ids, Piece, Quota, ReadError, Scheme, Sent, Source, SourceSpec, TenantHint,
    Verification, Verified,
};

/// The source.
pub struct Acuity;

static SPEC: SourceSpec = SourceSpec {
    slug: "acuity",
    name: "Acuity Scheduling",
    channels: &[Channel::Calendar],
    verification: Verification::Signed(&[Scheme {
        name: "acuity-v1",
        header: "x-acuity-signature",
        sent: Sent::Alone { prefix: "" },
        encoding: Encoding::Base64,
        signed: &[Piece::Body],
        time: None,
        is_key_ours: false,
        ..Scheme::TIMESTAMP_LIST
    }]),
    account: Some(AccountSpec {
        secret: "the account's API key",
        settings: &[SettingSpec {
            key: "user_id",
            about: "the numeric user id beside the API key",
            is_required: true,
            is_url: false,
        }],
        refresh: None,
        check: None,
    }),
    base_url: Some(BaseUrl {
        key: "ACUITY_BASE_URL",
        url: "https://acuityscheduling.com",
        about: "Acuity Scheduling's API.",
    }),
    apis: Some(api::apis),
    is_connected_by_call: true,
    // By address, so that all tenants share it. Source: developers.acuityscheduling.com, "Errors", `too_many_requests`.
    quota: Some(Quota {
        account: "",
        windows: &[(10, 1)],
    }),
    is_resent: false,
    is_told_by_body: true,
    ids: Ids::OfProvider,
    set_up: "In Acuity, open Integrations, API, View credentials: the API key there is both the signing key of the \
             source and the secret of the account. Under Webhooks, enter the URL for new, rescheduled, canceled and \
             changed appointments.",
    samples: samples::SAMPLES,
    ..SourceSpec::DEFAULT
};

impl Source for Acuity {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    /// Whose calendar it is, for an account that several companies share.
    fn hint(&self, content_type: Option<&str>, body: &[u8]) -> Option<TenantHint> {
        let body = Fields::glimpse(content_type, body, |name| name == "calendarID", 1);
        let calendar = body.id(&["calendarID"]).ok()?;
        Some(TenantHint {
            accounts: vec![calendar.to_owned()],
            tenant: None,
        })
    }

    fn read(&self, delivery: &Verified, event: Option<&str>) -> Result<Reading, ReadError> {
        payload::read(delivery, event)
    }
}
