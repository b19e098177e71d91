//! How the simulators are configured, all of them and each.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::storage::Buckets;

/// A clock. Tests pass one that they control.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The system's clock.
pub fn system_clock() -> Now {
    #[expect(
        clippy::disallowed_methods,
        reason = "a simulator stands outside the product and has a clock of its own"
    )]
    Arc::new(Timestamp::now)
}

/// How the simulators behave and where they listen.
#[derive(Clone)]
pub struct Config {
    /// The address that every simulator binds.
    pub host: IpAddr,
    /// Ports by slug. A simulator without one gets any free port.
    pub ports: BTreeMap<&'static str, u16>,
    /// The clock of all simulators.
    pub now: Now,
    /// The folder that stands in for every bucket. Without one, only objects of the simulated Cloud Storage exist.
    pub blob_root: Option<PathBuf>,
    /// The pause before a refused webhook is posted again. Each further pause is twice as long.
    pub webhook_retry: Duration,
    /// Each provider's own configuration, which [`Config::with`] and [`Config::of`] set.
    pub providers: ProviderConfigs,
}

/// The configurations of providers that differ from their defaults.
#[derive(Clone, Default)]
pub struct ProviderConfigs(BTreeMap<TypeId, Box<dyn AnyConfig>>);

impl Config {
    /// Sets one provider's configuration, for example a [`speech::Config`](crate::speech::Config).
    #[must_use]
    #[expect(private_bounds, reason = "only this crate's providers are configured")]
    pub fn with<C: ProviderConfig>(mut self, config: C) -> Self {
        *self.of::<C>() = config;
        self
    }

    /// One provider's configuration, to be changed: `config.of::<speech::Config>().operation_delay = …`.
    #[expect(private_bounds, reason = "only this crate's providers are configured")]
    pub fn of<C: ProviderConfig>(&mut self) -> &mut C {
        let entry = self.providers.0.entry(TypeId::of::<C>());
        let config: &mut dyn Any = &mut **entry.or_insert_with(|| Box::new(C::default()));
        config
            .downcast_mut()
            .expect("the map holds each type under its own id")
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: BTreeMap::new(),
            now: system_clock(),
            blob_root: None,
            webhook_retry: Duration::from_secs(1),
            providers: ProviderConfigs::default(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("host", &self.host)
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}

/// The configuration of one provider. Its type is its key, so `Config` names no provider.
pub(crate) trait ProviderConfig: Any + Clone + Default + Send + Sync {}

trait AnyConfig: Any + Send + Sync {
    fn boxed(&self) -> Box<dyn AnyConfig>;
}

impl<C: ProviderConfig> AnyConfig for C {
    fn boxed(&self) -> Box<dyn AnyConfig> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn AnyConfig> {
    fn clone(&self) -> Self {
        (**self).boxed()
    }
}

/// What a simulator is started with.
pub(crate) struct Setup {
    pub(crate) config: Config,
    /// The objects of the simulated Cloud Storage, which other simulators read.
    pub(crate) buckets: Arc<Buckets>,
}

impl Setup {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            buckets: Arc::default(),
        }
    }

    /// The configuration of one provider.
    pub(crate) fn of<C: ProviderConfig>(&self) -> C {
        self.config.clone().of::<C>().clone()
    }
}
