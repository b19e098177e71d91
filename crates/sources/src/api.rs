//! What is asked of a provider's API, and what may come of it.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    Account, Alias, BookingFacts, Busy, Classify, Disposition, Facts, ProviderAnswer, Span,
    TokenEndpoint,
};
use http_client::{
    Client, HeaderMap, HttpError, Limits, Response, StatusClass, StatusCode, Streaming,
    UnreadableBody, Url, header,
};
use settings::Reader;

use crate::{Fields, ListingApi, ReadError, Source, Sources, Wanted, WebhooksApi};

/// Makes the clients of a provider's API at this address.
pub type MakeApis = fn(&Client, &Url) -> Apis;

/// The clients of a provider's API. Cheap to clone.
#[derive(Clone)]
pub struct Apis {
    /// What the API says of a lead.
    pub details: Arc<dyn DetailsApi>,
    /// Recordings of calls. `None` if the provider has none.
    pub recordings: Option<Arc<dyn RecordingsApi>>,
    /// When people are busy. `None` if the provider does not tell.
    pub busy: Option<Arc<dyn BusyApi>>,
    /// Everything that happened. `None` if the source is not audited.
    pub listing: Option<Arc<dyn ListingApi>>,
    /// Where webhooks are posted. `None` if only a person can say that to the provider.
    pub webhooks: Option<Arc<dyn WebhooksApi>>,
}

/// Asks a provider about a lead.
#[async_trait]
pub trait DetailsApi: Send + Sync {
    /// What the API says of the lead whose deliveries said `facts`. `accounts_of_source` are the tenant's account ids
    /// at the provider, as its source has them.
    ///
    /// # Errors
    /// [`ApiError`]; [`ApiError::Foreign`] if the lead is of another account than the tenant's.
    async fn details(
        &self,
        account: &Account,
        accounts_of_source: &[String],
        facts: &Facts,
    ) -> Result<Details, ApiError>;
}

/// What a provider's API says of a lead.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    /// The facts, with the canonical id as `external_id`.
    pub facts: Facts,
    /// Every name that is known for it now, canonical first.
    pub aliases: Vec<Alias>,
}

/// Asks a provider when those are busy whom a booking is with.
#[async_trait]
pub trait BusyApi: Send + Sync {
    /// The times at which they are busy around `span`, apart from the booking itself, whose id is `external_id`. Those that
    /// do not overlap `span` may be among them.
    ///
    /// # Errors
    /// [`ApiError`]; [`ApiError::NotFound`] if the booking names no calendar that can be asked about.
    async fn busy(
        &self,
        account: &Account,
        external_id: &str,
        booking: &BookingFacts,
        span: Span,
    ) -> Result<Vec<Busy>, ApiError>;

    /// Requests that [`BusyApi::busy`] takes of this booking.
    fn requests(&self, booking: &BookingFacts) -> u32;
}

/// Fetches recordings of calls.
#[async_trait]
pub trait RecordingsApi: Send + Sync {
    /// Opens the recording of a call, by its canonical id, under these limits. `None` if there is none, or none yet.
    ///
    /// # Errors
    /// [`ApiError`].
    async fn recording(
        &self,
        account: &Account,
        external_id: &str,
        limits: Limits,
    ) -> Result<Option<Streaming>, ApiError>;
}

/// Why a provider's API did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// The credential is not, or no longer, good for this.
    #[error("the provider refuses the credential with status {}", status.as_u16())]
    Unauthorized {
        /// 401 or 403.
        status: StatusCode,
    },
    /// There is no such thing, or the credential may not see it. New things may take a while to show.
    #[error("the provider does not know this lead")]
    NotFound,
    /// It is another account's.
    #[error("the lead belongs to an account that is not this tenant's")]
    Foreign,
    /// The tenant's account lacks a setting. Says which, and what to enter.
    #[error("{0}")]
    NotConfigured(&'static str),
    /// The account has no room for more. Says what to remove.
    #[error("{0}")]
    Full(&'static str),
    /// The account's requests are used up for a while.
    #[error("the provider asks us to slow down")]
    Throttled {
        /// How long to wait, if it says so.
        retry_after: Option<Duration>,
    },
    /// The provider's fault, or its storage's.
    #[error("the provider failed with status {}", status.as_u16())]
    Unavailable {
        /// The status.
        status: StatusCode,
        /// How long to wait, if it says so.
        retry_after: Option<Duration>,
    },
    /// The request is not acceptable, and will not be.
    #[error("the provider rejected the request with status {}", status.as_u16())]
    Rejected {
        /// The status.
        status: StatusCode,
        /// The provider's words.
        answer: ProviderAnswer,
    },
    /// The answer has another shape than expected. Says where.
    #[error("the provider's answer cannot be read: {0}")]
    Unreadable(Cow<'static, str>),
    /// A recording's link leads where it should not.
    #[error("the recording's link cannot be followed: {0}")]
    BadLink(&'static str),
    /// There is no complete answer.
    #[error("no complete answer from the provider: {0}")]
    Http(#[from] HttpError),
}

impl ApiError {
    /// Whether a recording is larger than the caller accepts.
    pub const fn is_too_large(&self) -> bool {
        matches!(self, Self::Http(HttpError::TooLarge { .. }))
    }

    /// The answer, if its status says that the request was served.
    ///
    /// # Errors
    /// [`ApiError`] by the status.
    pub(crate) fn of_status(answer: Response) -> Result<Response, Self> {
        let status = answer.status;
        match answer.class() {
            StatusClass::Ok => Ok(answer),
            StatusClass::Throttled => Err(Self::Throttled {
                retry_after: retry_after(&answer.headers),
            }),
            StatusClass::Unauthorized => Err(Self::Unauthorized { status }),
            StatusClass::ServerFault => Err(Self::Unavailable {
                status,
                retry_after: retry_after(&answer.headers),
            }),
            StatusClass::Rejected if status == StatusCode::NOT_FOUND => Err(Self::NotFound),
            StatusClass::Rejected => Err(Self::Rejected {
                status,
                answer: ProviderAnswer::new(&answer.text_lossy(2_000)),
            }),
        }
    }
}

/// `Retry-After` in seconds. A date is not understood here: the lanes decide then.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// An answer's wanted members. One that breaks off, or is a page in place of JSON, can be had again, so it is not made do
/// with.
pub(crate) fn json_fields(answer: &Response, wanted: Wanted) -> Result<Fields<'_>, ApiError> {
    // Behind a byte order mark, and between the halves of wide characters.
    let is_around =
        |byte: &u8| byte.is_ascii_whitespace() || b"\0\xef\xbb\xbf\xfe\xff".contains(byte);
    let first = answer.body.iter().find(|byte| !is_around(byte));
    if !matches!(first, Some(b'{' | b'[')) {
        return Err(ApiError::Unreadable("it is no JSON".into()));
    }
    let content_type = answer.headers.get(header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .filter(|value| value.contains("json"));
    let content_type = content_type.unwrap_or("application/json");
    let fields = Fields::read(Some(content_type), &answer.body, wanted)?;
    if fields.is_cut() {
        return Err(ApiError::Unreadable("it breaks off".into()));
    }
    Ok(fields)
}

/// An answer as JSON, where single members do not do.
pub(crate) fn json_value(answer: &Response) -> Result<serde_json::Value, ApiError> {
    serde_json::from_slice(&answer.body).map_err(|_| ApiError::Unreadable("it is no JSON".into()))
}

impl From<UnreadableBody> for ApiError {
    fn from(error: UnreadableBody) -> Self {
        Self::Unreadable(error.to_string().into())
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        Self::Unreadable(error.to_string().into())
    }
}

impl Classify for ApiError {
    #[deny(
        clippy::wildcard_enum_match_arm,
        reason = "a new variant must be thought about here"
    )]
    fn disposition(&self) -> Disposition {
        match self {
            Self::Unauthorized { .. } => Disposition::Hold,
            Self::Foreign
            | Self::NotConfigured(_)
            | Self::Full(_)
            | Self::Rejected { .. }
            | Self::BadLink(_) => Disposition::Park,
            Self::Throttled { retry_after } | Self::Unavailable { retry_after, .. } => {
                Disposition::Retry {
                    after: *retry_after,
                }
            }
            Self::NotFound | Self::Unreadable(_) => Disposition::Retry { after: None },
            Self::Http(error) => match error {
                HttpError::NotSent { .. } | HttpError::Unknown { .. } => {
                    Disposition::Retry { after: None }
                }
                HttpError::BadUrl(_)
                | HttpError::BadRequest(_)
                | HttpError::Blocked { .. }
                | HttpError::TooLarge { .. } => Disposition::Park,
            },
        }
    }

    fn answer(&self) -> Option<String> {
        match self {
            Self::Rejected { answer, .. } => answer.text(),
            _ => None,
        }
    }
}

/// Where the providers' APIs are: the real addresses, unless a setting names another.
#[derive(Debug, Clone, Default)]
pub struct Config {
    urls: BTreeMap<&'static str, Url>,
}

impl Config {
    /// Reads the address of every source's API.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let base_urls = Sources::standard()
            .iter()
            .filter_map(|source| Some((source.spec().slug, source.spec().base_url?)));
        Self {
            urls: base_urls
                .map(|(slug, base)| (slug, reader.url(base.key, base.url, base.about)))
                .collect(),
        }
    }

    /// The same with a source's API at this address.
    #[must_use]
    pub fn with_url(mut self, slug: &'static str, url: Url) -> Self {
        self.urls.insert(slug, url);
        self
    }

    /// The token endpoint of each source whose accounts may be opened by an OAuth app, by slug.
    pub fn token_endpoints(&self, sources: Sources) -> BTreeMap<&'static str, TokenEndpoint> {
        let endpoint = |source: &'static dyn Source| {
            let spec = source.spec();
            let real = spec.base_url?.url;
            let base_url = self.urls.get(spec.slug).map_or(real, Url::as_str);
            Some((spec.slug, spec.account?.refresh?.endpoint(base_url, real)))
        };
        sources.iter().filter_map(endpoint).collect()
    }
}

/// The API clients of every source that has an API. Cheap to clone.
#[derive(Clone)]
pub struct ApiSet(Arc<BTreeMap<&'static str, Apis>>);

impl ApiSet {
    /// Makes every client.
    ///
    /// # Panics
    /// If a source's own base URL is not a URL; the contract would have found it.
    pub fn new(client: &Client, sources: &Sources, config: &Config) -> Self {
        let apis = sources.iter().filter_map(|source| {
            let spec = source.spec();
            let (make, base) = (spec.apis?, spec.base_url?);
            let real = || base.url.parse().expect("a base URL in the code is a URL");
            let url = config.urls.get(spec.slug).cloned().unwrap_or_else(real);
            Some((spec.slug, make(client, &url)))
        });
        Self(Arc::new(apis.collect()))
    }

    /// The clients of a source's API. `None` if it has no API.
    pub fn get(&self, slug: &str) -> Option<&Apis> {
        self.0.get(slug)
    }
}
