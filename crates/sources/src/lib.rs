//! Webhook sources: who sends what, how a delivery is verified, and what it says.
//!
//! A source declares itself in a [`SourceSpec`] and reads deliveries that were verified. Signatures, limits, storing
//! and deduplication are the framework's business. A new source is a folder and a line in [`SOURCES`]; the
//! [`contract`] then tests it like every other.
#![warn(missing_docs)]

pub mod acuity;
mod answers;
mod api;
mod audit;
mod body;
pub mod calendly;
pub mod callrail;
pub mod contract;
pub mod direct;
mod door;
mod fields;
mod files;
mod html;
pub mod intercom;
mod mapping;
mod mending;
mod sample;
mod scope;
pub mod sendgrid;
mod settings_spec;
pub mod signedwebhook;
mod verification;
pub mod webforms;
pub mod zendesk;

use domain::{AccountSpec, Alias, BaseUrl, Channel, Reading, SourceId, TenantId};
use http::Method;
use serde_json::Value;

pub use api::{
    ApiError, ApiSet, Apis, BusyApi, Config, Details, DetailsApi, MakeApis, RecordingsApi,
};
pub use audit::{
    Asked, Found, ListPage, Listed, ListingApi, Quota, Registration, Thing, WebhooksApi, Wiring,
    our_url,
};
pub use door::{BotCheckConfig, BotChecks, Door, Turned, Visit};
pub use fields::{Field, Fields, Wanted};
pub use files::{facts_of_values, files};
pub use sample::{ReadAs, Recorded, Sample};
pub use scope::{Ids, Scope};
pub use settings_spec::SettingsSpec;
pub use verification::{
    Encoding, Key, Mac, OwnScheme, Piece, Scheme, Sent, SignatureError, SignedTime, TimeForm,
    Verification, Verified, verify, verify_as_set, verify_dummy,
};

/// Every webhook source of the product. Services are given a [`Sources`] and do not read this list.
pub static SOURCES: &[&dyn Source] = &[
    &callrail::CallRail,
    &calendly::Calendly,
    &acuity::Acuity,
    &intercom::Intercom,
    &sendgrid::SendGrid,
    &webforms::WebForms,
    &signedwebhook::SignedWebhook,
    &zendesk::Zendesk,
];

/// Something that sends webhooks.
pub trait Source: Send + Sync {
    /// What it declares.
    fn spec(&self) -> &'static SourceSpec;

    /// Whose delivery this claims to be: the only thing that is read of a body before its signature is verified.
    /// Nothing of it may be trusted until that tenant's key verifies the body.
    fn hint(&self, _content_type: Option<&str>, _body: &[u8]) -> Option<TenantHint> {
        None
    }

    /// Reads a verified delivery; `event` is the name of the event in its URL, where it has one.
    ///
    /// # Errors
    /// [`ReadError`] if it cannot be understood. Such a delivery is parked for a person and never refused.
    fn read(&self, delivery: &Verified, event: Option<&str>) -> Result<Reading, ReadError>;

    /// The same by the tenant's settings of this source, an object of the shape of [`SourceSpec::settings`] with what it
    /// leaves out. Only a source that has settings needs it; there, [`read`](Self::read) reads by the defaults.
    ///
    /// # Errors
    /// As those of [`read`](Self::read).
    fn read_by(
        &self,
        _settings: &Value,
        delivery: &Verified,
        event: Option<&str>,
    ) -> Result<Reading, ReadError> {
        self.read(delivery, event)
    }

    /// Whether the tenant says by these settings that the provider's app, whose one key and URL the source has, serves other
    /// companies, too. Then what names an account of nobody's is no loss: refusing it would have the provider switch the URL
    /// off for all.
    fn serves_many(&self, _settings: &Value) -> bool {
        false
    }

    /// How its sender signs, where the tenant says so by these settings. Then nothing else is accepted.
    fn signed_as(&self, _settings: &Value) -> Option<OwnScheme> {
        None
    }

    /// A body that it stores and does not use, to be posted as a test and signed with the source's own key; `mark` tells tests
    /// apart. `None`: no test is made so ([`WebhooksApi::test`] may make one).
    fn test(&self, _mark: &str) -> Option<Thing> {
        None
    }

    /// The deliveries that a body is which tells of several things at once: each is stored, read and recognized as a
    /// repeat by itself, so that each becomes a request of its own. One of most sources.
    fn parts(&self, delivery: Verified) -> Vec<Verified> {
        vec![delivery]
    }

    /// What is asked before a delivery is stored, for a source whose URL anybody may know.
    fn door(&self) -> Option<&'static dyn Door> {
        None
    }
}

/// What a source declares.
#[derive(Debug, Clone, Copy)]
pub struct SourceSpec {
    /// Its name in URLs and rows.
    pub slug: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// The channels of its leads, the usual one first. Empty if it sends no leads.
    pub channels: &'static [Channel],
    /// How its deliveries are verified.
    pub verification: Verification,
    /// What it calls beside `POST` to [`HOOK`] and [`HOOK_OF_EVENT`], which every source has.
    pub endpoints: &'static [EndpointSpec],
    /// Headers to store with a delivery beside its type, its user agent and its request id. Lower case. None that
    /// carries a secret.
    pub kept_headers: &'static [&'static str],
    /// What a tenant enters to let us call the provider's API. `None` if we never call it.
    pub account: Option<AccountSpec>,
    /// Where that API is.
    pub base_url: Option<BaseUrl>,
    /// Makes the clients of that API.
    pub apis: Option<MakeApis>,
    /// Whether that API registers webhooks ([`Apis::webhooks`]), so that one call connects the source. Else a person enters
    /// the URLs at the provider, as `set_up` says.
    pub is_connected_by_call: bool,
    /// How many requests of that API an account may make. `None` where nobody says it.
    pub quota: Option<Quota>,
    /// The largest body that is accepted.
    pub body_limit_bytes: usize,
    /// Whether the provider sends a refused delivery again. If not, what is refused is lost.
    pub is_resent: bool,
    /// The events that are used and have a URL of their own: its last part, and the provider's name for it. Empty if
    /// one URL receives everything.
    pub events: &'static [(&'static str, &'static str)],
    /// Whether a body alone tells what happened. Then the same news at two of its URLs are one delivery.
    pub is_told_by_body: bool,
    /// Among what its ids are given once.
    pub ids: Ids,
    /// What a tenant can set for a source of it. `None` if there is nothing to set.
    pub settings: Option<SettingsSpec>,
    /// What to do at the provider with the URLs, for whoever sets it up.
    pub set_up: &'static str,
    /// Deliveries as the provider sends them, and what is read of each. The contract runs on them.
    pub samples: &'static [Sample],
}

impl SourceSpec {
    /// A source that is given one URL, is repeated, and has no API. It has no scheme, so that one that forgets to
    /// declare its verification refuses everything.
    pub const DEFAULT: Self = Self {
        slug: "",
        name: "",
        channels: &[],
        verification: Verification::Signed(&[]),
        endpoints: &[],
        kept_headers: &[],
        account: None,
        base_url: None,
        apis: None,
        is_connected_by_call: false,
        quota: None,
        body_limit_bytes: 1024 * 1024,
        is_resent: true,
        events: &[],
        is_told_by_body: false,
        ids: Ids::OfSource,
        settings: None,
        set_up: "",
        samples: &[],
    };

    /// The path of the URL that deliveries are posted to: the source's own, else [`HOOK`].
    pub fn hook(&self) -> &'static str {
        let mut own = self.endpoints.iter().filter(|endpoint| {
            endpoint.purpose == Purpose::Delivery
                && endpoint.method == Method::POST
                && endpoint.has_token()
        });
        match own.next() {
            Some(own) if self.verification.is_public() => own.path,
            Some(_) | None => HOOK,
        }
    }

    /// The channel of a delivery that could not be read.
    pub fn usual_channel(&self) -> Channel {
        self.channels.first().copied().unwrap_or(Channel::Api)
    }
}

/// What a source reads in a genuine delivery, with the names that its sender gives. An error says why it cannot be read.
///
/// A body that names accounts, none of which is one of `accounts`, is another source's. Whoever has no accounts takes
/// every body.
///
/// # Errors
/// Why it cannot be read, in words for a person.
pub fn read_for(
    source: &dyn Source,
    accounts: &[String],
    delivery: &Verified,
    event: Option<&str>,
) -> Result<Reading, String> {
    let nothing = Value::Object(serde_json::Map::new());
    read(source, accounts, &nothing, delivery, event)
}

/// The same by the tenant's settings of the source, as they are stored: an empty object where there are none. `id` is the
/// source's: names are those of its [`Scope`].
///
/// # Errors
/// As those of [`read_for`].
pub fn read_as_set(
    source: &dyn Source,
    id: SourceId,
    accounts: &[String],
    settings: &Value,
    delivery: &Verified,
    event: Option<&str>,
) -> Result<Reading, String> {
    let mut reading = read(source, accounts, settings, delivery, event)?;
    if let Reading::News(news) = &mut reading {
        let scope = Scope::of(source, id, delivery);
        news.aliases = scope.named(std::mem::take(&mut news.aliases));
    }
    Ok(reading)
}

fn read(
    source: &dyn Source,
    accounts: &[String],
    settings: &Value,
    delivery: &Verified,
    event: Option<&str>,
) -> Result<Reading, String> {
    if !accounts.is_empty()
        && let Some(hint) = source.hint(delivery.content_type(), delivery.body())
        && !hint.accounts.is_empty()
        && !hint.accounts.iter().any(|named| accounts.contains(named))
    {
        return Err("the body names another account than this source has".to_owned());
    }
    let read = source.read_by(settings, delivery, event);
    read.map_err(|error| error.to_string())
}

/// The URL of a source. Its token is all that names the source.
pub const HOOK: &str = "/v1/hooks/{token}";
/// The URL of a source for one event.
pub const HOOK_OF_EVENT: &str = "/v1/hooks/{token}/{event}";

/// An endpoint that a source's provider calls.
#[derive(Debug, Clone)]
pub struct EndpointSpec {
    /// The method.
    pub method: Method,
    /// The path. `{token}` stands for the source's token, `{event}` for an event's name. Without a token, all tenants
    /// share the URL, and the body has to name the tenant ([`Source::hint`]).
    pub path: &'static str,
    /// What the call is for.
    pub purpose: Purpose,
}

/// What a call of an endpoint is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It delivers.
    Delivery,
    /// It tests whether the URL works, without a signature. It is answered 200 if the token is known.
    Ping,
    /// A browser asks whether a script of a page may post here.
    Preflight,
    /// A page asks for the token by which it says later when it was loaded.
    PageToken,
}

impl EndpointSpec {
    /// Whether the URL names the source. Otherwise the body does.
    pub fn has_token(&self) -> bool {
        self.path.contains("{token}")
    }
}

/// The sources that a program knows.
#[derive(Clone, Copy)]
pub struct Sources {
    standard: &'static [&'static dyn Source],
    further: &'static [&'static dyn Source],
}

impl Sources {
    /// Every source of the product.
    pub fn standard() -> Self {
        Self::with(&[])
    }

    /// Every source of the product, and these.
    pub fn with(further: &'static [&'static dyn Source]) -> Self {
        Self {
            standard: SOURCES,
            further,
        }
    }

    /// The source of this slug.
    pub fn get(self, slug: &str) -> Option<&'static dyn Source> {
        self.iter().find(|source| source.spec().slug == slug)
    }

    /// What reads a stored delivery of this provider: a source, or the product's own door.
    pub fn reader_of(self, slug: &str) -> Option<&'static dyn Source> {
        let own: &'static dyn Source = &direct::Direct;
        self.get(slug)
            .or_else(|| (own.spec().slug == slug).then_some(own))
    }

    /// Each source.
    pub fn iter(self) -> impl Iterator<Item = &'static dyn Source> {
        self.standard.iter().chain(self.further).copied()
    }
}

/// Whose delivery an unverified body claims to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantHint {
    /// Account ids at the provider, in the forms that the body has.
    pub accounts: Vec<String>,
    /// A tenant's slug.
    pub tenant: Option<TenantId>,
}

/// The names of the thing that has these ids at a provider.
fn aliases(provider: &str, kind: &str, ids: &[impl AsRef<str>]) -> Vec<Alias> {
    let alias = |id: &str| Alias {
        provider: provider.to_owned(),
        kind: kind.to_owned(),
        value: id.to_owned(),
    };
    ids.iter().map(|id| alias(id.as_ref())).collect()
}

/// Why a test of a source is not used: what is stored with it.
pub const TEST_REMARK: &str = "a test of the source";

/// An event that is not used.
pub fn ignored(reason: &'static str) -> Reading {
    Reading::Ignored {
        reason: reason.into(),
    }
}

/// Why a delivery cannot be understood. Says where, never what: bodies carry personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Broken, or nested too deeply.
    #[error("the body is not readable JSON (line {line}, column {column})")]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// It ended before it was whole, and before it said enough.
    #[error("the body breaks off before it says what it is about")]
    Cut,
    /// JSON of another shape.
    #[error("the body is not {expected}")]
    Shape {
        /// What it should be.
        expected: &'static str,
    },
    /// It does not say what it is about.
    #[error("the body names nothing: {} missing or empty", listed(fields))]
    Missing {
        /// The fields that would.
        fields: &'static [&'static str],
    },
    /// Nothing in it is a field of a lead.
    #[error(
        "the body has nothing of a lead: looked for {looked_for}; say in the source's settings which field means what"
    )]
    Unmapped {
        /// The fields, with the names that were tried.
        looked_for: String,
    },
    /// It tells of several things, and one delivery is about one.
    #[error(
        "the body tells of several {what} at once and could not be taken apart: look at each at the provider"
    )]
    Several {
        /// The things.
        what: &'static str,
    },
    /// An id that cannot be one.
    #[error("`{field}` is not an id: expected {expected}")]
    BadId {
        /// The field.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

fn listed(fields: &[&str]) -> String {
    let fields: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
    let verb = if fields.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", fields.join(", "))
}
