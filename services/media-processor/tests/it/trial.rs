//! A source whose API needs no server: what a lead is called, and its account's settings, say what becomes of it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Account, AccountSpec, BaseUrl, BookingFacts, Busy, Channel, Facts, Reading, Span};
use http_client::{Client, StatusCode, Url};
use sources::{
    ApiError, Apis, BusyApi, Details, DetailsApi, ReadError, Source, SourceSpec, Sources, Verified,
};
use testkit::lead;

/// The product's sources, and this one.
pub(crate) fn sources() -> Sources {
    Sources::with(&[&Trial])
}

/// The secret that the API accepts.
pub(crate) const SECRET: &str = "trial-secret";

/// A lead of this name is not there.
pub(crate) const MISSING: &str = "missing";

/// The setting of an account that says what its calendar answers: [`TAKEN`], [`FAILS`], [`REFUSES`], or else that all is free.
pub(crate) const CALENDAR: &str = "calendar";

/// Something begins with the booking and ends five minutes before it.
pub(crate) const TAKEN: &str = "taken";

/// It answers 503.
pub(crate) const FAILS: &str = "fails";

/// It answers 403.
pub(crate) const REFUSES: &str = "refuses";

struct Trial;

static SPEC: SourceSpec = SourceSpec {
    slug: lead::PROVIDER,
    name: "Trial",
    channels: &[Channel::Calendar, Channel::Chat],
    account: Some(AccountSpec {
        secret: "any",
        settings: &[],
        refresh: None,
        check: None,
    }),
    base_url: Some(BaseUrl {
        key: "TRIAL_BASE_URL",
        url: "https://trial.example.com",
        about: "Not called.",
    }),
    apis: Some(apis),
    ..SourceSpec::DEFAULT
};

impl Source for Trial {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn read(&self, _delivery: &Verified, _event: Option<&str>) -> Result<Reading, ReadError> {
        Ok(Reading::Ping)
    }
}

fn apis(_client: &Client, _url: &Url) -> Apis {
    Apis {
        details: Arc::new(TrialApi),
        recordings: None,
        busy: Some(Arc::new(TrialApi)),
        listing: None,
        webhooks: None,
    }
}

struct TrialApi;

#[async_trait]
impl DetailsApi for TrialApi {
    async fn details(
        &self,
        account: &Account,
        _accounts_of_source: &[String],
        facts: &Facts,
    ) -> Result<Details, ApiError> {
        use secrecy::ExposeSecret as _;
        if account.secret.expose_secret() != SECRET {
            let status = StatusCode::UNAUTHORIZED;
            return Err(ApiError::Unauthorized { status });
        }
        if facts.external_id.as_deref() == Some(MISSING) {
            return Err(ApiError::NotFound);
        }
        let channel = facts.about.channel();
        Ok(Details {
            facts: lead::facts(channel),
            aliases: vec![lead::alias(channel)],
        })
    }
}

#[async_trait]
impl BusyApi for TrialApi {
    async fn busy(
        &self,
        account: &Account,
        _external_id: &str,
        _booking: &BookingFacts,
        span: Span,
    ) -> Result<Vec<Busy>, ApiError> {
        match account.settings.get(CALENDAR).map(String::as_str) {
            Some(TAKEN) => {
                let to = span.to - Duration::from_secs(300);
                Ok(vec![Busy {
                    span: Span::new(span.from, to).unwrap(),
                    event: None,
                }])
            }
            Some(FAILS) => Err(ApiError::Unavailable {
                status: StatusCode::SERVICE_UNAVAILABLE,
                retry_after: None,
            }),
            Some(REFUSES) => Err(ApiError::Unauthorized {
                status: StatusCode::FORBIDDEN,
            }),
            _ => Ok(Vec::new()),
        }
    }

    fn requests(&self, _booking: &BookingFacts) -> u32 {
        1
    }
}
