//! CRM connectors: how a lead gets into a company's CRM, once.
//!
//! Each connector has a folder of its own with the same three files: `api` speaks the wire, `mapping` turns a
//! [`Lead`] into the CRM's fields (pure), `mod` holds the steps. A new one needs its folder and its line in
//! [`CONNECTORS`].
#![warn(missing_docs)]

mod error;
pub mod hubspot;
mod lead;
mod words;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Clock, ConnectionName, Effects, TenantId};
use http_client::{Client, Url};
use secrecy::SecretString;

pub use error::{PushError, Words};
pub use lead::{Call, Judgement, Lead};

/// Every connector, by slug.
pub static CONNECTORS: &[ConnectorSpec] = &[hubspot::SPEC];

/// What is known of a connector before it is made.
#[derive(Debug, Clone, Copy)]
pub struct ConnectorSpec {
    /// Its name in configurations.
    pub slug: &'static str,
    /// Its name as people read it.
    pub name: &'static str,
    /// The setting of its base URL.
    pub url_key: &'static str,
    /// What that setting is for.
    pub url_about: &'static str,
    /// Its real base URL.
    pub url: &'static str,
    new: Make,
}

type Make = fn(Client, Arc<dyn Clock>, &Url, Duration) -> Arc<dyn Connector>;

/// Pushes leads into one kind of CRM.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Its name in configurations.
    fn slug(&self) -> &'static str;

    /// Makes sure that the account has what a push relies on. It can be repeated, and is called when a credential is
    /// saved; a push calls it too.
    ///
    /// # Errors
    /// [`PushError`] says what to do next.
    async fn ensure(&self, credential: &Credential) -> Result<(), PushError>;

    /// Brings a lead into the CRM: one contact for the person, one deal for the request. A repeat, also one at the
    /// same time or after an answer that was lost, changes nothing more.
    ///
    /// `known` is what the last push of this request answered. `effects` remembers writes for which the CRM has no
    /// unique key.
    ///
    /// # Errors
    /// [`PushError`] says what to do next.
    async fn push(
        &self,
        lead: &Lead,
        credential: &Credential,
        known: Option<&Known>,
        effects: &Effects,
    ) -> Result<Pushed, PushError>;
}

/// What opens a tenant's account.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Whose it is.
    pub tenant: TenantId,
    /// The account.
    pub connection: ConnectionName,
    /// Grows with every new secret; what is remembered of an account is forgotten then.
    pub version: u64,
    /// The secret.
    pub token: SecretString,
}

/// What the last push of a request answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The CRM's id of the person.
    pub contact_id: String,
    /// The CRM's id of the job.
    pub deal_id: String,
    /// What was written: see [`Pushed::fields_hash`].
    pub fields_hash: String,
}

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The CRM's id of the person. It differs from the one known when records were merged in the CRM.
    pub contact_id: String,
    /// The CRM's id of the job.
    pub deal_id: String,
    /// SHA-256 of the fields as mapped, in lower-case hexadecimal: while it is the same there is nothing to write.
    pub fields_hash: String,
    /// What became of the contact.
    pub contact: Written,
    /// What became of the deal.
    pub deal: Written,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It is new.
    Created,
    /// It was there, and was completed.
    Updated,
    /// It was there, and had everything.
    Unchanged,
}

/// Where the connectors find their CRMs, and how long they wait for them.
#[derive(Debug, Clone)]
pub struct Config {
    urls: BTreeMap<&'static str, Url>,
    timeout: Duration,
}

impl Config {
    const TIMEOUT: Duration = Duration::from_secs(30);

    /// Reads each connector's base URL, the real one where nothing is set, and the time that a call may take.
    pub fn read(reader: &mut settings::Reader<'_>) -> Self {
        let mut url = |spec: &ConnectorSpec| {
            (
                spec.slug,
                reader.url(spec.url_key, spec.url, spec.url_about),
            )
        };
        Self {
            urls: CONNECTORS.iter().map(&mut url).collect(),
            timeout: reader.duration(
                "CRM_TIMEOUT",
                Self::TIMEOUT,
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
}

impl Default for Config {
    fn default() -> Self {
        let url = |spec: &ConnectorSpec| {
            (
                spec.slug,
                Url::parse(spec.url).expect("a URL in the code is one"),
            )
        };
        Self {
            urls: CONNECTORS.iter().map(url).collect(),
            timeout: Self::TIMEOUT,
        }
    }
}

/// The connectors of a running service, by slug.
#[derive(Clone)]
pub struct Connectors(BTreeMap<&'static str, Arc<dyn Connector>>);

impl Connectors {
    /// Makes every connector; opens no connection.
    pub fn new(http: &Client, clock: &Arc<dyn Clock>, config: &Config) -> Self {
        let make = |spec: &ConnectorSpec| {
            let url = config.urls.get(spec.slug)?;
            let made = (spec.new)(http.clone(), Arc::clone(clock), url, config.timeout);
            Some((spec.slug, made))
        };
        Self(CONNECTORS.iter().filter_map(make).collect())
    }

    /// The connector of this slug.
    pub fn get(&self, slug: &str) -> Option<&Arc<dyn Connector>> {
        self.0.get(slug)
    }
}

impl fmt::Debug for Connectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
