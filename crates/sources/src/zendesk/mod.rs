//! Zendesk: tickets and the messages in them, told by three senders that share the brand.
//!
//! - Ticket events (a webhook with subscriptions), and triggers whose body is a template of ours: `POST`, JSON. Signed by
//!   `X-Zendesk-Webhook-Signature`: base64 of HMAC-SHA256 over the time in `X-Zendesk-Webhook-Signature-Timestamp` and the
//!   raw body, without anything between them, keyed with the webhook's secret as text, though it looks like base64. The
//!   time has to be of the last five minutes. Repeated for a while after 409, 429, 503 or no answer, never after another
//!   refusal.
//! - Sunshine Conversations: `POST`, JSON, several events in one body. No signature: the webhook's own key in `X-API-Key`.
//!   Repeated up to five times in 15 minutes, but never after 400, 401, 403, 404 or 406.
//! - Identity: a ticket's number within its account; for Sunshine Conversations the conversation's id. An event of messaging names both.
//! - Order: not promised. Events hold one comment each; the API shows the whole thread.
//! - `account_id`, or `app.id` of Sunshine Conversations, tells whose a body is. The other headers are not signed.
//!
//! Source: developer.zendesk.com, "Verifying webhooks", "Anatomy of a webhook request", "Ticket events", "Messaging
//! events"; the OpenAPI description of Sunshine Conversations (read 2026-11). UNCONFIRMED: how long a signature is good,
//! since no window is published; that placeholders take the filter `json`; when a refused event is repeated; whether one body of Sunshine Conversations may be about several conversations.

mod api;
mod messaging;
mod payload;
mod samples;
mod sunshine;
mod webhooks;

use std::time::Duration;

use domain::{AccountSpec, BaseUrl, Channel, Reading, SettingSpec};

use crate::{
    Encoding, Fields, Ids, Piece, ReadError, Scheme, Sent, SignedTime, Source, SourceSpec,
    TenantHint, TimeForm, Verification, Verified,
};

/// The source.
pub struct Zendesk;

const FIVE_MINUTES: Duration = Duration::from_secs(5 * 60);

/// What signs the calls of Zendesk's button "Test webhook", for everybody.
const TEST_SECRET: &str = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==";

static SPEC: SourceSpec = SourceSpec {
    slug: "zendesk",
    name: "Zendesk",
    channels: &[Channel::Chat],
    verification: Verification::SignedOrKey {
        schemes: &[Scheme {
            name: "zendesk-sha256",
            header: "x-zendesk-webhook-signature",
            sent: Sent::Alone { prefix: "" },
            encoding: Encoding::Base64,
            signed: &[Piece::Time, Piece::Body],
            time: Some(SignedTime {
                header: Some("x-zendesk-webhook-signature-timestamp"),
                form: TimeForm::Rfc3339,
                max_age: FIVE_MINUTES,
                max_ahead: FIVE_MINUTES,
            }),
            is_key_ours: false,
            ..Scheme::TIMESTAMP_LIST
        }],
        header: "x-api-key",
        published_keys: &[TEST_SECRET],
    },
    kept_headers: &["x-zendesk-webhook-invocation-id"],
    account: Some(AccountSpec {
        secret: "an API token; for Sunshine Conversations alone, the secret of an app's key",
        settings: &[
            SettingSpec {
                key: "subdomain",
                about: "what stands before .zendesk.com in the account's address",
                is_required: true,
                is_url: false,
            },
            SettingSpec {
                key: "email",
                about: "for tickets: the e-mail address of the agent whom the API token is of; left out for Sunshine \
                        Conversations alone",
                is_required: false,
                is_url: false,
            },
            SettingSpec {
                key: "app_id",
                about: "for Sunshine Conversations alone: the app's id",
                is_required: false,
                is_url: false,
            },
            SettingSpec {
                key: "key_id",
                about: "for Sunshine Conversations alone: the id of the app's key",
                is_required: false,
                is_url: false,
            },
        ],
        refresh: None,
        check: None,
    }),
    base_url: Some(BaseUrl {
        key: "ZENDESK_BASE_URL",
        url: api::BASE_URL,
        about: "Zendesk's API. Each account has its own address below this one.",
    }),
    apis: Some(api::apis),
    is_connected_by_call: true,
    is_told_by_body: true,
    // Each account numbers its tickets from 1; the ids of conversations are given once.
    ids: Ids::OfAccount(&["ticket"]),
    set_up: "In Zendesk's Admin Center, open Apps and integrations, Webhooks, and create a webhook with the URL for the \
             events ticket created, comment added, status changed, permanently deleted, marked as spam, and messaging \
             message added. Its signing secret is the signing key of the source. For Sunshine Conversations, make a \
             webhook of the app for conversation:message, with full users; its shared secret is the key.",
    samples: samples::SAMPLES,
    ..SourceSpec::DEFAULT
};

impl Source for Zendesk {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    /// The account, or the app of Sunshine Conversations. A trigger's body names none.
    fn hint(&self, content_type: Option<&str>, body: &[u8]) -> Option<TenantHint> {
        let is_wanted = |name: &str| matches!(name, "account_id" | "app" | "id");
        let body = Fields::glimpse(content_type, body, is_wanted, 2);
        let account = body.id(&["account_id"]);
        let account = account.or_else(|_| body.object("app").id(&["id"])).ok()?;
        Some(TenantHint {
            accounts: vec![account.to_owned()],
            tenant: None,
        })
    }

    fn parts(&self, delivery: Verified) -> Vec<Verified> {
        sunshine::parts(delivery)
    }

    fn read(&self, delivery: &Verified, _: Option<&str>) -> Result<Reading, ReadError> {
        payload::read(delivery)
    }
}
