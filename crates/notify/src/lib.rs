//! Messages to people about leads, and by which they sign in: what a message says, what it is called, and the channels
//! that it leaves by.
//!
//! Each channel has a folder of its own. A new one needs its folder and its line in [`CHANNELS`].
#![warn(missing_docs)]

mod error;
mod lead_mail;
mod message;
mod sendgrid;
mod sign_in_mail;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Account, AccountSpec, BaseUrl, Clock, EmailAddress, RequestId};
use http_client::{Client, Url};
use settings::{Reader, Settings};

pub use error::SendError;
pub use lead_mail::{Content, LEAD_TEMPLATE, TemplateError, lead_mail};
pub use message::message_id;
pub use sign_in_mail::{SignInReason, sign_in_mail};

/// Every channel, by slug.
pub static CHANNELS: &[&ChannelSpec] = &[&sendgrid::SPEC];

/// Longest time of a channel's call. Whoever records an effect counts with it.
pub const CALL_DEADLINE: Duration = Duration::from_secs(15);

/// What is known of a channel before it is made.
#[derive(Debug, Clone, Copy)]
pub struct ChannelSpec {
    /// The provider's slug.
    pub slug: &'static str,
    /// The provider's name for people.
    pub name: &'static str,
    /// What a tenant enters to connect an account.
    pub account: AccountSpec,
    /// Where its API is.
    pub base_url: BaseUrl,
    /// Makes the channel of the provider at this URL.
    pub new: MakeChannel,
}

/// Makes a channel; opens no connection.
pub type MakeChannel = fn(Client, Arc<dyn Clock>, &Url) -> Arc<dyn EmailChannel>;

/// Sends e-mail by one provider.
#[async_trait]
pub trait EmailChannel: Send + Sync {
    /// The provider's slug.
    fn slug(&self) -> &'static str;

    /// Sends a mail. A repeat sends another.
    ///
    /// # Errors
    /// [`SendError`] says whether the mail may have been sent, and what to do next.
    async fn send(
        &self,
        mail: &Mail<'_>,
        account: &Account,
    ) -> Result<ProviderMessageId, SendError>;

    /// Asks for something that sends nothing. A refusal is no error here: it comes from a provider that works.
    ///
    /// # Errors
    /// [`SendError::OutOfOrder`] while the provider is out of order.
    async fn is_up(&self, account: &Account) -> Result<(), SendError>;
}

/// A mail to one recipient.
pub struct Mail<'a> {
    /// The sender: an address that the provider has verified.
    pub from: &'a EmailAddress,
    /// The sender's name, as mail programs show it.
    pub from_name: &'a str,
    /// The recipient.
    pub to: &'a EmailAddress,
    /// Subject and both parts.
    pub content: &'a Content,
    /// Our name of the message; see [`message_id`].
    pub message_id: &'a str,
    /// The request that it is about, if any. The provider names it, and the tenant, on every event of the mail.
    pub request: Option<RequestId>,
}

/// The provider's own id of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderMessageId(pub String);

/// Where the channels find their providers.
#[derive(Debug, Clone)]
pub struct Config {
    urls: BTreeMap<&'static str, Url>,
}

impl Config {
    /// Reads each channel's base URL, the real one if nothing is set.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let url = |spec: &&ChannelSpec| {
            let BaseUrl { key, url, about } = spec.base_url;
            (spec.slug, reader.url(key, url, about))
        };
        Self {
            urls: CHANNELS.iter().map(url).collect(),
        }
    }

    /// The same with another base URL for one channel: for simulators.
    #[must_use]
    pub fn with_url(mut self, slug: &'static str, url: Url) -> Self {
        self.urls.insert(slug, url);
        self
    }
}

/// What is read where nothing is set.
impl Default for Config {
    fn default() -> Self {
        let nothing: [(&str, &str); 0] = [];
        let config = Settings::from_pairs(nothing).load(Self::read);
        config.expect("the defaults are valid")
    }
}

/// The channels of a running service, by slug.
#[derive(Clone)]
pub struct Channels(BTreeMap<&'static str, Arc<dyn EmailChannel>>);

impl Channels {
    /// Makes every channel of [`CHANNELS`]; opens no connection.
    pub fn new(http: &Client, clock: &Arc<dyn Clock>, config: &Config) -> Self {
        let make = |spec: &&ChannelSpec| {
            let url = config.urls.get(spec.slug)?;
            Some((spec.slug, (spec.new)(http.clone(), Arc::clone(clock), url)))
        };
        Self(CHANNELS.iter().filter_map(make).collect())
    }

    /// The channel of this provider.
    pub fn get(&self, slug: &str) -> Option<&Arc<dyn EmailChannel>> {
        self.0.get(slug)
    }
}
