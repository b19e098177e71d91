//! CRM connectors: how a lead gets into a company's CRM, once.
//!
//! Each connector has a folder of its own with the same three files: `api` speaks the wire, `mapping` turns a
//! [`Brief`] into the CRM's fields (pure), `mod` holds the steps. A new one needs its folder, its line in
//! [`CONNECTORS`], and a [bench](contract::Bench) for the [`contract`].
#![warn(missing_docs)]

mod cell;
pub mod contract;
mod error;
mod hubspot;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Account, AccountSpec, BaseUrl, Brief, Clock, Effects, RemoteIds};
use http_client::{Client, Url};
use settings::{Reader, Settings};

pub use error::PushError;

/// Every connector, by slug.
pub static CONNECTORS: &[&ConnectorSpec] = &[&hubspot::SPEC];

/// What is known of a connector before it is made.
#[derive(Debug, Clone, Copy)]
pub struct ConnectorSpec {
    /// Its name in configurations.
    pub slug: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// What a tenant enters to connect an account.
    pub account: AccountSpec,
    /// Where its API is. A CRM that gives each company its own address takes that from the account's settings, and has
    /// its login server here.
    pub base_url: BaseUrl,
    /// Makes the connector to the CRM at this URL; no call takes longer than the duration.
    pub new: MakeConnector,
}

/// Makes a connector; opens no connection.
pub type MakeConnector = fn(Client, Arc<dyn Clock>, &Url, Duration) -> Arc<dyn Connector>;

/// Pushes leads into one kind of CRM.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Its name in configurations.
    fn slug(&self) -> &'static str;

    /// Brings a lead into the CRM: one record of the person and one of the job, or whatever the CRM has in their place.
    /// A repeat, also one at the same time or after an answer that was lost, adds nothing.
    ///
    /// `known` is what the last push of this request returned. `effects` remembers writes for which the CRM has no
    /// unique key.
    ///
    /// # Errors
    /// [`PushError`] says what to do next.
    async fn push(
        &self,
        brief: &Brief,
        account: &Account,
        known: &Known,
        effects: &Effects,
    ) -> Result<Pushed, PushError>;
}

/// What is known from the last push of a request; nothing before the first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// What the CRM calls the request's records.
    pub remote_ids: RemoteIds,
    /// What was written: see [`Pushed::fields_hash`].
    pub fields_hash: Option<String>,
}

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// What the CRM calls the request's records. They differ from those known if records were merged in the CRM.
    pub remote_ids: RemoteIds,
    /// SHA-256 of the fields as mapped, in lower-case hexadecimal: while it stays the same there is nothing to write.
    pub fields_hash: String,
    /// Whether anything was written.
    pub is_changed: bool,
}

/// Where the connectors find their CRMs, and how long they wait for them.
#[derive(Debug, Clone)]
pub struct Config {
    urls: BTreeMap<&'static str, Url>,
    timeout: Duration,
}

impl Config {
    /// Reads each connector's base URL, the real one if nothing is set, and the time that a call may take.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let url = |spec: &&ConnectorSpec| {
            let BaseUrl { key, url, about } = spec.base_url;
            (spec.slug, reader.url(key, url, about))
        };
        Self {
            urls: CONNECTORS.iter().map(url).collect(),
            timeout: reader.duration(
                "CRM_TIMEOUT",
                Duration::from_secs(30),
                "Longest time for one call of a CRM.",
            ),
        }
    }

    /// The same with another base URL for one connector: for simulators.
    #[must_use]
    pub fn with_url(mut self, slug: &'static str, url: Url) -> Self {
        self.urls.insert(slug, url);
        self
    }

    /// The same with another time that a call may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The token endpoint of each CRM whose accounts may be opened by an OAuth app, by slug.
    pub fn token_urls(&self) -> BTreeMap<&'static str, String> {
        let token_url = |spec: &&ConnectorSpec| {
            let base_url = self.urls.get(spec.slug)?;
            Some((spec.slug, spec.account.refresh?.url(base_url.as_str())))
        };
        CONNECTORS.iter().filter_map(token_url).collect()
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

/// The connectors of a running service, by slug.
#[derive(Clone)]
pub struct Connectors(BTreeMap<&'static str, Arc<dyn Connector>>);

impl Connectors {
    /// Makes every connector of [`CONNECTORS`]; opens no connection.
    pub fn new(http: &Client, clock: &Arc<dyn Clock>, config: &Config) -> Self {
        let make = |spec: &&ConnectorSpec| {
            let url = config.urls.get(spec.slug)?;
            let made = (spec.new)(http.clone(), Arc::clone(clock), url, config.timeout);
            Some((spec.slug, made))
        };
        Self(CONNECTORS.iter().filter_map(make).collect())
    }

    /// The same with one more connector: for tests.
    #[must_use]
    pub fn with(mut self, connector: Arc<dyn Connector>) -> Self {
        self.0.insert(connector.slug(), connector);
        self
    }

    /// The connector of this slug.
    pub fn get(&self, slug: &str) -> Option<&Arc<dyn Connector>> {
        self.0.get(slug)
    }
}
