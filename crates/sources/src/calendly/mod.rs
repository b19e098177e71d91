//! Calendly: bookings of a company's calendars.
//!
//! - Delivery: `POST`, JSON. Repeated with growing pauses for up to 24 h until answered 2xx; after that the whole
//!   subscription is switched off. No delivery id.
//! - Identity: an invitee's URI, `…/scheduled_events/{event}/invitees/{invitee}`. A booking that is moved gets a new
//!   event and a new invitee: `invitee.created` names the old one as `old_invitee`, and `invitee.canceled` of the old one
//!   says `rescheduled` and names the new one. They come in any order, and are news of one request.
//! - Signature: `Calendly-Webhook-Signature: t=<Unix seconds>,v1=<hexadecimal HMAC-SHA256 of "{t}.{body}">`, keyed with
//!   the text that the subscription was made with. The window is that of the provider's own example, in both directions.
//! - Order: not promised. The envelope's `created_at` tells which of two statements is the later one.
//! - An event may have many invitees (a group): its URI names a booking only where one person may book it.
//!
//! Source: developer.calendly.com, "Webhook signatures", "Webhook errors" and "See how webhook payloads change when
//! invitees reschedule events" (read 2026-11). UNCONFIRMED: whether a repeat is signed anew; the window of 3 minutes only
//! makes sense if it is.

mod api;
mod listing;
mod payload;
mod samples;

use std::time::Duration;

use domain::{AccountSpec, BaseUrl, Channel, Reading, SettingSpec};

use crate::{
    Fields, Ids, ReadError, Scheme, SignedTime, Source, SourceSpec, TenantHint, TimeForm,
    Verification, Verified,
};

/// The source.
pub struct Calendly;

const THREE_MINUTES: Duration = Duration::from_secs(3 * 60);

static SPEC: SourceSpec = SourceSpec {
    slug: "calendly",
    name: "Calendly",
    channels: &[Channel::Calendar],
    verification: Verification::Signed(&[Scheme {
        name: "calendly-v1",
        header: "calendly-webhook-signature",
        time: Some(SignedTime {
            header: None,
            form: TimeForm::UnixSeconds,
            max_age: THREE_MINUTES,
            max_ahead: THREE_MINUTES,
        }),
        ..Scheme::TIMESTAMP_LIST
    }]),
    account: Some(AccountSpec {
        secret: "a personal access token of an owner or admin of the organization",
        settings: &[SettingSpec {
            key: "users",
            about: "only if the organization serves other companies, too: the URIs of the tenant's people, with a comma \
                    between them",
            is_required: false,
            is_url: false,
        }],
        refresh: None,
        check: None,
    }),
    base_url: Some(BaseUrl {
        key: "CALENDLY_BASE_URL",
        url: "https://api.calendly.com",
        about: "Calendly's API.",
    }),
    apis: Some(api::apis),
    is_connected_by_call: true,
    is_told_by_body: true,
    ids: Ids::OfProvider,
    set_up: "Calendly has no page for this: subscribe the URL by its API (`POST /webhook_subscriptions`) with the \
             signing key as `signing_key`, the organization, and the events invitee.created, invitee.canceled, \
             invitee_no_show.created, invitee_no_show.deleted and routing_form_submission.created.",
    samples: samples::SAMPLES,
    ..SourceSpec::DEFAULT
};

impl Source for Calendly {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    /// Who subscribed. An app that serves many companies signs for all with one key, so a source may name its people.
    fn hint(&self, content_type: Option<&str>, body: &[u8]) -> Option<TenantHint> {
        let body = Fields::glimpse(content_type, body, |name| name == "created_by", 1);
        let subscriber = body.id(&["created_by"]).ok()?;
        Some(TenantHint {
            accounts: vec![subscriber.to_owned()],
            tenant: None,
        })
    }

    fn read(&self, delivery: &Verified, _: Option<&str>) -> Result<Reading, ReadError> {
        payload::read(delivery)
    }
}
