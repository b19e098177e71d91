#![doc = include_str!("../README.md")]
#![expect(
    clippy::result_large_err,
    reason = "an error of a handler is a whole response, and the usual way out"
)]

pub mod acuity;
pub mod address_validation;
pub mod calendly;
pub mod callrail;
mod config;
mod control;
pub mod customcrm;
mod demo;
pub mod document_ai;
mod extract;
mod fault;
mod gazetteer;
pub mod gemini;
pub mod geocoding;
mod google;
pub mod hubspot;
pub mod intercom;
pub mod issuer;
mod mp3;
mod outbox;
pub mod pipedrive;
mod provider;
pub mod recaptcha;
mod received;
pub mod recordings;
pub mod salesforce;
pub mod secret_manager;
pub mod sendgrid;
pub mod signedwebhook;
mod siteverify;
pub mod slack;
pub mod speech;
pub mod storage;
pub mod turnstile;
pub mod webforms;
pub mod zendesk;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::io;

use futures::future::BoxFuture;

pub use config::{Config, Now, ProviderConfigs, system_clock};
pub use control::Simulator;
pub use demo::{Choices, Demo, Sample, SampleDelivery};
pub use fault::{Fault, Late};
pub use google::TOKEN as GOOGLE_TOKEN;
pub use outbox::Trouble;
pub use received::Received;

use config::Setup;
use control::Running;
use provider::Provider;

/// Every simulated provider, by slug.
///
/// A new one is its own module and its line here. Everything else (ports, base URLs, the program's settings, the demo
/// tenant's credentials) is read from this table.
pub static SIMULATORS: &[SimulatorSpec] = &[
    acuity::SPEC,
    address_validation::SPEC,
    calendly::SPEC,
    callrail::SPEC,
    customcrm::SPEC,
    document_ai::SPEC,
    gemini::SPEC,
    geocoding::SPEC,
    hubspot::SPEC,
    intercom::SPEC,
    issuer::SPEC,
    pipedrive::SPEC,
    recaptcha::SPEC,
    salesforce::SPEC,
    secret_manager::SPEC,
    sendgrid::SPEC,
    signedwebhook::SPEC,
    slack::SPEC,
    speech::SPEC,
    storage::SPEC,
    turnstile::SPEC,
    webforms::SPEC,
    zendesk::SPEC,
];

/// A simulated provider, as the table lists it.
#[derive(Debug)]
pub struct SimulatorSpec {
    /// The key of this simulator in [`Urls`] and in [`Config::ports`].
    pub slug: &'static str,
    /// The provider's name, for people.
    pub name: &'static str,
    /// The product's setting that holds the provider's base URL, for example `HUBSPOT_BASE_URL`. `None` if the product
    /// never calls it.
    pub setting: Option<&'static str>,
    /// Whether only the cloud form of the product calls this provider.
    pub is_cloud_only: bool,
    /// Whether `/_sim/view` shows something that a person wants to see after sending a lead.
    pub has_view: bool,
    /// Whether this is one of Google's APIs, which all accept [`GOOGLE_TOKEN`].
    pub is_google: bool,
    /// The token or API key that the simulator accepts unless it is configured otherwise.
    pub credential: &'static str,
    /// The product's setting for the key that verifies the webhooks this simulator posts, if it posts any.
    pub webhook_key_setting: Option<&'static str>,
    /// What the demo tenant has there. `None` if no tenant has an account of its own.
    pub demo: Option<&'static Demo>,
    pub(crate) start: Start,
}

type Start = for<'a> fn(&'a Setup) -> BoxFuture<'a, io::Result<Box<dyn Running>>>;

/// Base URLs by slug: scheme, host and port, without a path.
pub type Urls = BTreeMap<String, String>;

/// All simulators. They serve until this is dropped.
pub struct Simulators {
    running: BTreeMap<&'static str, Box<dyn Running>>,
}

impl Simulators {
    /// Binds one listener for each line of [`SIMULATORS`] and starts serving.
    ///
    /// # Errors
    /// `InvalidInput` if [`Config::ports`] has a slug that is not in the table; otherwise whatever kept a listener from
    /// binding.
    pub async fn start(config: Config) -> io::Result<Self> {
        let is_known = |slug: &str| SIMULATORS.iter().any(|spec| spec.slug == slug);
        if let Some(slug) = config.ports.keys().find(|slug| !is_known(slug)) {
            let message = format!("no simulator is called `{slug}`");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let setup = Setup::new(config);
        let mut running = BTreeMap::new();
        for spec in SIMULATORS {
            running.insert(spec.slug, (spec.start)(&setup).await?);
        }
        Ok(Self { running })
    }

    /// The handle of one simulator, for example `get::<hubspot::HubSpot>()`. Each module also has a shorthand such as
    /// [`Simulators::hubspot`].
    ///
    /// # Panics
    /// If [`SIMULATORS`] has no line for this provider.
    #[expect(
        private_bounds,
        reason = "only the providers of this crate can be simulated"
    )]
    pub fn get<P: Provider>(&self) -> &Simulator<P> {
        let running = self.running.get(P::SLUG).map(|running| &**running);
        running
            .and_then(|running| (running as &dyn Any).downcast_ref())
            .unwrap_or_else(|| panic!("`{}` is not in the table of simulators", P::SLUG))
    }

    /// The base URL of every simulator.
    pub fn urls(&self) -> Urls {
        let urls = self.running.iter();
        urls.map(|(slug, running)| ((*slug).to_owned(), running.base_url()))
            .collect()
    }

    /// The key that verifies the webhooks of a simulator. `None` if it posts none, or does not exist.
    pub fn webhook_key(&self, slug: &str) -> Option<String> {
        let webhooks = self.running.get(slug)?.webhooks()?;
        Some(webhooks.verification_key())
    }

    /// Sets the URL that a simulator posts its webhooks to. Returns whether it posts any.
    pub fn post_webhooks_to(&self, slug: &str, url: &str) -> bool {
        let webhooks = self
            .running
            .get(slug)
            .and_then(|running| running.webhooks());
        webhooks.inspect(|webhooks| webhooks.post_to(url)).is_some()
    }
}

impl fmt::Debug for Simulators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Simulators").field(&self.urls()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_is_sorted_and_settings_are_not_shared() {
        assert!(SIMULATORS.is_sorted_by(|a, b| a.slug < b.slug));
        let settings = || SIMULATORS.iter().filter_map(|spec| spec.setting);
        let each: BTreeSet<_> = settings().collect();
        assert_eq!(each.len(), settings().count());
    }
}
