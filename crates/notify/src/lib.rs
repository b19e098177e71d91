//! Messages to people about leads, and by which they sign in: what a message says, what it is called, and the channels
//! that it leaves by.
//!
//! Each channel has a folder of its own. A new one needs its folder and its line in [`CHANNELS`].
#![warn(missing_docs)]

mod error;
mod lead_mail;
mod lead_post;
mod message;
mod post_error;
mod sendgrid;
mod sign_in_mail;
mod slack;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Account, AccountSpec, BaseUrl, Clock, EmailAddress, Lookup, RequestId};
use http_client::{Client, Url};
use jiff::Timestamp;
use settings::{Reader, Settings};

pub use error::SendError;
pub use lead_mail::{Content, LEAD_TEMPLATE, TemplateError, lead_mail};
pub use lead_post::{Fact, LEAD_POST_TEMPLATE, LeadPost, lead_post};
pub use message::{message_id, post_id};
pub use post_error::PostError;
pub use sign_in_mail::{SignInReason, sign_in_mail};

/// Every channel, by slug.
pub static CHANNELS: &[&ChannelSpec] = &[&sendgrid::SPEC, &slack::SPEC];

/// The channels that carry e-mail, in the order of [`CHANNELS`].
pub fn email_channels() -> impl Iterator<Item = &'static ChannelSpec> {
    let is_email = |spec: &&ChannelSpec| matches!(spec.make, MakeChannel::Email(_));
    CHANNELS.iter().copied().filter(is_email)
}

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
    /// What kind of channel it is, and how it is made.
    pub make: MakeChannel,
}

/// Makes the channel of a provider at a URL; opens no connection.
#[derive(Debug, Clone, Copy)]
pub enum MakeChannel {
    /// It carries e-mail, to any address.
    Email(Make<Arc<dyn EmailChannel>>),
    /// It posts to places in a team's chat.
    Chat {
        /// Makes it.
        new: Make<Arc<dyn ChatChannel>>,
        /// Says what of a recipient cannot be right.
        check: CheckPlace,
    },
}

/// Makes a channel from the way out, the clock and the provider's URL.
pub type Make<C> = fn(Client, Arc<dyn Clock>, &Url) -> C;

/// Checks where a recipient's messages go, against the settings of its connection. Pure; says what is expected.
pub type CheckPlace = fn(&BTreeMap<String, String>, Option<&str>) -> Result<(), String>;

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

/// Posts messages to a team's chat, by one provider.
#[async_trait]
pub trait ChatChannel: Send + Sync {
    /// The provider's slug.
    fn slug(&self) -> &'static str;

    /// Posts a message. A repeat posts another.
    ///
    /// # Errors
    /// [`PostError`] says whether the message may have been posted, and what to do next.
    async fn post(
        &self,
        post: &Post<'_>,
        account: &Account,
    ) -> Result<ProviderMessageId, PostError>;

    /// Looks for a message that may have been posted, by its name, no further back than `since`.
    ///
    /// # Errors
    /// [`PostError`] when the provider could not be asked now. One that never tells is no error.
    async fn find(
        &self,
        post: &Post<'_>,
        since: Timestamp,
        account: &Account,
    ) -> Result<Lookup, PostError>;

    /// Asks whether the provider takes an account, and posts nothing. Returns what it says of it, as a sentence.
    ///
    /// # Errors
    /// [`PostError`] when it does not, or could not be asked.
    async fn inspect(&self, account: &Account) -> Result<String, PostError>;
}

/// A message to one place in a team's chat.
pub struct Post<'a> {
    /// The provider's id of the place. `None`: where the account leads by itself.
    pub to: Option<&'a str>,
    /// What it says.
    pub content: &'a LeadPost,
    /// Our name of the message; see [`post_id`].
    pub message_id: &'a str,
    /// The request that it is about.
    pub request: RequestId,
}

/// The provider's own id of a message.
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
pub struct Channels {
    email: BTreeMap<&'static str, Arc<dyn EmailChannel>>,
    chat: BTreeMap<&'static str, Arc<dyn ChatChannel>>,
}

impl Channels {
    /// Makes every channel of [`CHANNELS`]; opens no connection.
    pub fn new(http: &Client, clock: &Arc<dyn Clock>, config: &Config) -> Self {
        let mut channels = Self {
            email: BTreeMap::new(),
            chat: BTreeMap::new(),
        };
        for spec in CHANNELS {
            let Some(url) = config.urls.get(spec.slug) else {
                continue;
            };
            let (http, clock) = (http.clone(), Arc::clone(clock));
            match spec.make {
                MakeChannel::Email(new) => {
                    channels.email.insert(spec.slug, new(http, clock, url));
                }
                MakeChannel::Chat { new, .. } => {
                    channels.chat.insert(spec.slug, new(http, clock, url));
                }
            }
        }
        channels
    }

    /// The channel of this provider, if it carries e-mail.
    pub fn email(&self, slug: &str) -> Option<&Arc<dyn EmailChannel>> {
        self.email.get(slug)
    }

    /// The channel of this provider, if it posts to a team's chat.
    pub fn chat(&self, slug: &str) -> Option<&Arc<dyn ChatChannel>> {
        self.chat.get(slug)
    }
}
