//! Intercom: chats on a company's website, told by an app of its workspace.
//!
//! - Delivery: `POST`, JSON. An app has one URL, which is tried by `HEAD` when it is entered, and by a signed `ping`. It
//!   is repeated for a while when it is refused; after a thousand refusals in 15 minutes everything pauses, after seven
//!   days of them the subscription is suspended. 429 slows it down, up to two hours.
//! - Identity: the conversation's `id`. A delivery has an id of its own, the same on every repeat, except for some pings.
//! - Signature: `X-Hub-Signature: sha1=<hexadecimal HMAC-SHA1 of the raw body>`, keyed with the app's client secret as
//!   text. It covers no time, so a delivery can be replayed: it adds nothing then, and makes us read the thread again.
//! - Order: not promised, and a reply tells of the new message alone. Whatever came, the API shows the whole thread.
//! - One app may serve many workspaces with one secret: `app_id` in the signed body tells whose a delivery is.
//!
//! Source: developers.intercom.com, "Webhooks", "Webhook notifications" and "Webhook models" (read 2026-11). UNCONFIRMED:
//! the signature's recipe in Intercom's own words (many independent implementations agree), when a refused delivery is
//! repeated, and the shape of `conversation_part.redacted`; two are understood.

mod api;
mod payload;
mod pseudonym;
mod samples;

use domain::{
    AccountSpec, BaseUrl, Channel, Reading, SettingSpec,
    shape::{Member, Shape},
};
use http::Method;
use serde_json::{Value, json};

use crate::{
    EndpointSpec, Fields, HOOK, HOOK_OF_EVENT, Ids, Key, Mac, Piece, Purpose, ReadError, Scheme,
    Sent, SettingsSpec, Source, SourceSpec, TenantHint, Verification, Verified,
};

/// The source.
pub struct Intercom;

static SPEC: SourceSpec = SourceSpec {
    slug: "intercom",
    name: "Intercom",
    channels: &[Channel::Chat],
    verification: Verification::Signed(&[Scheme {
        name: "intercom-sha1",
        mac: Mac::HmacSha1(Key::Text),
        header: "x-hub-signature",
        sent: Sent::Alone { prefix: "sha1=" },
        signed: &[Piece::Body],
        time: None,
        is_key_ours: false,
        ..Scheme::TIMESTAMP_LIST
    }]),
    endpoints: &[
        EndpointSpec {
            method: Method::HEAD,
            path: HOOK,
            purpose: Purpose::Ping,
        },
        EndpointSpec {
            method: Method::HEAD,
            path: HOOK_OF_EVENT,
            purpose: Purpose::Ping,
        },
    ],
    account: Some(AccountSpec {
        secret: "an access token of the workspace's app, which may read conversations and people",
        settings: &[SettingSpec {
            key: "region",
            about: "where the workspace's data is: us (unless said otherwise), eu or au",
            is_required: false,
            is_url: false,
        }],
        refresh: None,
        check: None,
    }),
    base_url: Some(BaseUrl {
        key: "INTERCOM_BASE_URL",
        url: api::BASE_URL,
        about: "Intercom's API. Workspaces in Europe and Australia have their own addresses beside this one.",
    }),
    apis: Some(api::apis),
    is_told_by_body: true,
    ids: Ids::OfProvider,
    settings: Some(SETTINGS),
    set_up: "In Intercom's Developer Hub, open your app. Under Basic information, copy the client secret: it is the \
             signing key of the source. Under Webhooks, enter the URL, and choose the topics conversation.user.created, \
             conversation.user.replied, conversation.admin.replied, conversation.admin.closed, \
             conversation.admin.opened, conversation.deleted and conversation_part.redacted.",
    samples: samples::SAMPLES,
    ..SourceSpec::DEFAULT
};

const SERVES_MANY: &str = "app_serves_many";

const SETTINGS: SettingsSpec = SettingsSpec {
    shape: &Shape::Object(&[Member::optional(
        SERVES_MANY,
        Shape::Flag,
        "Whether the app, whose secret and URL this source has, serves other companies' workspaces, too. What one of them sends is \
         handed to the source that names it among its accounts. If nobody does, it is answered 200, counted and dropped, so \
         that Intercom does not suspend the URL. Enter your own workspace as the source's account first.",
    )]),
    defaults: || json!({ SERVES_MANY: false }),
    ..SettingsSpec::NONE
};

impl Source for Intercom {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    /// The workspace. An app that serves many companies signs for all with one secret.
    fn hint(&self, content_type: Option<&str>, body: &[u8]) -> Option<TenantHint> {
        let body = Fields::glimpse(content_type, body, |name| name == "app_id", 1);
        let workspace = body.id(&["app_id"]).ok()?;
        Some(TenantHint {
            accounts: vec![workspace.to_owned()],
            tenant: None,
        })
    }

    fn serves_many(&self, settings: &Value) -> bool {
        settings[SERVES_MANY] == json!(true)
    }

    fn read(&self, delivery: &Verified, _: Option<&str>) -> Result<Reading, ReadError> {
        payload::read(delivery)
    }
}
