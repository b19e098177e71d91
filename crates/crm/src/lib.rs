//! CRM connectors: how a lead gets into a company's CRM, once.
//!
//! Each connector has a folder of its own with the same three files: `api` speaks the wire, `mapping` turns a
//! [`Brief`] into the CRM's fields (pure), `mod` holds the steps. A new one needs its folder, its line in
//! [`CONNECTORS`], and a [bench](contract::Bench) for the [`contract`].
#![warn(missing_docs)]

mod cell;
pub mod contract;
mod customcrm;
mod error;
mod hubspot;
mod inspection;
pub mod mapping;
mod names;
mod once;
mod pipedrive;
pub mod preview;
mod salesforce;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Account, AccountSpec, BaseUrl, Brief, Clock, Effects, RemoteIds, TokenEndpoint};
use http_client::{Client, Url};
use settings::{Reader, Settings};

pub use error::PushError;
pub use inspection::{CrmField, CrmObject, Holds, Inspection};
pub use mapping::{Mapped, Mapping, MappingSpec};

/// Every connector. The first is the usual one.
pub static CONNECTORS: &[&ConnectorSpec] = &[
    &hubspot::SPEC,
    &customcrm::SPEC,
    &salesforce::SPEC,
    &pipedrive::SPEC,
];

/// What is known of a connector before it is made.
#[derive(Debug, Clone, Copy)]
pub struct ConnectorSpec {
    /// Its name in configurations.
    pub slug: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// What a tenant enters to connect an account.
    pub account: AccountSpec,
    /// Where it is, and what makes the connector to it.
    pub place: Place,
    /// What a tenant can map, and what is filled without any mapping.
    pub mapping: &'static MappingSpec,
}

/// Makes the connector to the CRM at a URL.
pub type NewConnector = fn(Client, Arc<dyn Clock>, &Url, Duration) -> Arc<dyn Connector>;

/// Where a CRM is, and what makes the connector to it: that opens no connection, and no call takes longer than the
/// duration.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// At an address that all companies share. A CRM that gives each company its own address learns that when it logs
    /// in, and has its login server here.
    Known {
        /// The address.
        base_url: BaseUrl,
        /// Makes the connector to the CRM at this URL.
        new: NewConnector,
    },
    /// Where the account's settings say.
    OfAccount {
        /// Makes the connector.
        new: fn(Client, Arc<dyn Clock>, Duration) -> Arc<dyn Connector>,
    },
}

impl ConnectorSpec {
    /// The address that all companies share, if there is one.
    pub const fn base_url(&self) -> Option<BaseUrl> {
        match self.place {
            Place::Known { base_url, .. } => Some(base_url),
            Place::OfAccount { .. } => None,
        }
    }
}

/// Pushes leads into one kind of CRM.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Its name in configurations.
    fn slug(&self) -> &'static str;

    /// Brings a lead into the CRM: one record of the person and one of the job, or whatever the CRM has in their place.
    /// A repeat, also one at the same time or after an answer that was lost, adds nothing.
    ///
    /// `mapping` says what stands in the CRM's fields beside or instead of what is usual. `known` is what the last push of
    /// this request returned. `effects` remembers writes for which the CRM has no unique key.
    ///
    /// # Errors
    /// [`PushError`] says what to do next.
    async fn push(
        &self,
        brief: &Brief,
        mapping: &Mapping,
        account: &Account,
        known: &Known,
        effects: &Effects,
    ) -> Result<Pushed, PushError>;

    /// Asks the CRM whether it takes the account, and what its records are made of. Nothing is written that stays.
    ///
    /// # Errors
    /// [`PushError`] says what is wrong with the account.
    async fn inspect(&self, account: &Account) -> Result<Inspection, PushError>;
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
            let BaseUrl { key, url, about } = spec.base_url()?;
            Some((spec.slug, reader.url(key, url, about)))
        };
        Self {
            urls: CONNECTORS.iter().filter_map(url).collect(),
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
    pub fn token_endpoints(&self) -> BTreeMap<&'static str, TokenEndpoint> {
        let endpoint = |spec: &&ConnectorSpec| {
            let (base_url, real) = (self.urls.get(spec.slug)?, spec.base_url()?.url);
            let refresh = spec.account.refresh?;
            Some((spec.slug, refresh.endpoint(base_url.as_str(), real)))
        };
        CONNECTORS.iter().filter_map(endpoint).collect()
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
pub struct Connectors(BTreeMap<&'static str, Made>);

/// A connector, and what makes another one.
#[derive(Clone)]
struct Made {
    connector: Arc<dyn Connector>,
    again: Arc<dyn Fn() -> Arc<dyn Connector> + Send + Sync>,
}

impl Connectors {
    /// Makes every connector of [`CONNECTORS`]; opens no connection.
    pub fn new(http: &Client, clock: &Arc<dyn Clock>, config: &Config) -> Self {
        let make = |spec: &&ConnectorSpec| {
            let (http, clock) = (http.clone(), Arc::clone(clock));
            let (place, timeout) = (spec.place, config.timeout);
            let url = config.urls.get(spec.slug).cloned();
            let again: Arc<dyn Fn() -> Arc<dyn Connector> + Send + Sync> = match (place, url) {
                (Place::Known { new, .. }, Some(url)) => {
                    Arc::new(move || new(http.clone(), clock.clone(), &url, timeout))
                }
                (Place::OfAccount { new }, _) => {
                    Arc::new(move || new(http.clone(), clock.clone(), timeout))
                }
                (Place::Known { .. }, None) => return None,
            };
            let connector = again();
            Some((spec.slug, Made { connector, again }))
        };
        Self(CONNECTORS.iter().filter_map(make).collect())
    }

    /// The same with one more connector: for tests.
    #[must_use]
    pub fn with(mut self, connector: Arc<dyn Connector>) -> Self {
        let same = Arc::clone(&connector);
        let made = Made {
            connector,
            again: Arc::new(move || Arc::clone(&same)),
        };
        self.0.insert(made.connector.slug(), made);
        self
    }

    /// The connector of this slug.
    pub fn get(&self, slug: &str) -> Option<&Arc<dyn Connector>> {
        self.0.get(slug).map(|made| &made.connector)
    }

    /// A connector of this slug that knows nothing of any account yet: what is learned in a rehearsal must not be taken
    /// for true afterwards.
    pub fn for_rehearsal(&self, slug: &str) -> Option<Arc<dyn Connector>> {
        self.0.get(slug).map(|made| (made.again)())
    }
}
