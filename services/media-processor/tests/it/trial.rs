//! A source whose API needs no server: what a lead is called says what becomes of it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Account, AccountSpec, BaseUrl, Channel, Facts, Reading};
use http_client::{Client, StatusCode, Url};
use sources::{
    ApiError, Apis, Details, DetailsApi, ReadError, Source, SourceSpec, Sources, Verified,
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

struct Trial;

static SPEC: SourceSpec = SourceSpec {
    slug: lead::PROVIDER,
    name: "Trial",
    channels: &[Channel::Calendar, Channel::Chat],
    account: Some(AccountSpec {
        secret: "any",
        settings: &[],
        refresh: None,
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
