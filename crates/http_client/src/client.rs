//! The client and its options.

use std::{fmt, sync::Arc, time::Duration};

use http::Method;
use url::Url;

use crate::{
    HttpError, Names, Request,
    address::{Policy, Resolver, SystemNames},
    error::first_cause,
};

/// How a [`Client`] behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Longest time to a usable connection: name, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Longest time from the call to the last byte of the answer, unless a request says otherwise.
    pub deadline: Duration,
    /// Largest answer that is read, unless a request says otherwise.
    pub max_body_bytes: u64,
    /// The `User-Agent` of every request.
    pub user_agent: String,
    /// Lets calls reach this machine, also without TLS: for simulators.
    pub allow_loopback: bool,
    /// Lets calls reach private networks, without TLS when named by address.
    pub allow_private: bool,
    /// Lets URLs that tenants enter lead to this machine, also without TLS: for tests and the demo. What else is allowed
    /// does not hold for them.
    pub tenants_allow_loopback: bool,
    /// Who says which addresses a name has, in place of the system.
    pub names: Option<Arc<dyn Names>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(30),
            max_body_bytes: 4 * 1024 * 1024,
            user_agent: concat!("ingestion-pipeline/", env!("CARGO_PKG_VERSION")).to_owned(),
            allow_loopback: false,
            allow_private: false,
            tenants_allow_loopback: false,
            names: None,
        }
    }
}

/// Why a client could not be made: TLS has no trusted roots, or the user agent is not a valid header value.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be set up: {0}")]
pub struct SetupError(String);

/// Calls other machines. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) ours: Way,
    pub(crate) tenants: Way,
    pub(crate) options: Arc<Options>,
}

/// A client of the HTTP layer, and which addresses it calls.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) http: reqwest::Client,
    pub(crate) resolver: Arc<Resolver>,
}

impl Way {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where the HTTP layer is made"
    )]
    fn new(options: &Options, policy: Policy) -> Result<Self, SetupError> {
        let names = options.names.clone();
        let resolver = Arc::new(Resolver {
            policy,
            names: names.unwrap_or_else(|| Arc::new(SystemNames)),
        });
        let http = reqwest::Client::builder()
            .connect_timeout(options.connect_timeout)
            .user_agent(&options.user_agent)
            .dns_resolver(resolver.clone())
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never()) // whether to send again is the caller's decision
            .no_proxy()
            .referer(false)
            .tcp_nodelay(true)
            .tcp_keepalive(Duration::from_secs(30))
            .pool_idle_timeout(Duration::from_secs(30)) // shorter than servers' own, so that fewer requests meet a closing connection
            .pool_max_idle_per_host(32)
            .build()
            .map_err(|error| SetupError(first_cause(&error)))?;
        Ok(Self { http, resolver })
    }
}

impl Client {
    /// Makes a client; opens no connection.
    ///
    /// # Errors
    /// [`SetupError`] if TLS cannot be set up or the user agent is not a valid header value.
    pub fn new(options: Options) -> Result<Self, SetupError> {
        let ours = Policy {
            allow_loopback: options.allow_loopback,
            allow_private: options.allow_private,
            only_https_ports: false,
        };
        let tenants = Policy {
            allow_loopback: options.tenants_allow_loopback,
            allow_private: false,
            only_https_ports: true,
        };
        Ok(Self {
            ours: Way::new(&options, ours)?,
            tenants: Way::new(&options, tenants)?,
            options: Arc::new(options),
        })
    }

    /// Refuses a URL that a tenant may not have called: of another scheme than `https`, with credentials, or leading to
    /// an address that is not public, by itself or by its name as that is resolved now. Calls check again
    /// ([`Request::to_a_tenants_url`]).
    ///
    /// # Errors
    /// [`HttpError::BadUrl`] or [`HttpError::Blocked`].
    pub async fn check_tenants_url(&self, url: &str) -> Result<(), HttpError> {
        let url = Url::parse(url).map_err(|_| HttpError::BadUrl("it does not parse"))?;
        self.tenants.resolver.check(&url).await
    }

    /// Begins a request. `send` reports a URL that does not parse.
    pub fn request(&self, method: Method, url: impl AsRef<str>) -> Request<'_> {
        Request::new(self, method, url.as_ref())
    }

    /// Begins a `GET`.
    pub fn get(&self, url: impl AsRef<str>) -> Request<'_> {
        self.request(Method::GET, url)
    }

    /// Begins a `POST`.
    pub fn post(&self, url: impl AsRef<str>) -> Request<'_> {
        self.request(Method::POST, url)
    }

    /// Begins a `PUT`.
    pub fn put(&self, url: impl AsRef<str>) -> Request<'_> {
        self.request(Method::PUT, url)
    }

    /// Begins a `PATCH`.
    pub fn patch(&self, url: impl AsRef<str>) -> Request<'_> {
        self.request(Method::PATCH, url)
    }

    /// Begins a `DELETE`.
    pub fn delete(&self, url: impl AsRef<str>) -> Request<'_> {
        self.request(Method::DELETE, url)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
