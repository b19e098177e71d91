//! CallRail's API v3, as far as a call's details and its recording.
//!
//! - Auth: `Authorization: Token token="…"`. A key belongs to a person and sees every company that the person sees, so
//!   each answer is held against the tenant's own companies.
//! - Limits: 1,000 requests an hour and 10,000 a day for an account, shared by every tenant under it; over that a bare
//!   429. A call takes two requests, three with its recording's link. Work that meets the limit waits in its lanes.
//! - Recordings: `recording.json` answers a link; behind it are redirects to a storage host. Links are as good as keys
//!   and may end within a day: they are followed at once and never kept.
//!
//! Source: apidocs.callrail.com, "Retrieving a Call", "Retrieving a Call Recording" and "Rate Limiting" (read 2026-11).

use std::{fmt, time::Duration};

use domain::{Alias, CallFacts, Classify, Disposition};
use http_client::{
    Client, HttpError, Limits, Response, StatusClass, StatusCode, Streaming, UnreadableBody, Url,
    header,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::payload;
use crate::{ReadError, fields::Fields};

/// Where the API is.
pub const BASE_URL: &str = "https://api.callrail.com";

/// Calls the API. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    base_url: Url,
}

/// A tenant's way into CallRail.
#[derive(Debug, Clone)]
pub struct Account {
    /// The account's id, `ACC…` or the number.
    pub id: String,
    /// The API key.
    pub token: SecretString,
    /// The tenant's companies, each in every form that CallRail writes it. Calls of others are not shown to it.
    pub company_ids: Vec<String>,
}

/// A call, as the API states it.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiCall {
    /// Its canonical id, `CAL…`.
    pub canonical_id: String,
    /// Every id that is known for it now, the canonical one first.
    pub aliases: Vec<Alias>,
    /// What is known of it.
    pub facts: CallFacts,
}

/// Where a recording can be had for the moment. As good as a key, so it is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordingUrl(Url);

/// Why the API did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// The key is not, or no longer, good for this.
    #[error("CallRail refuses the API key with status {}", status.as_u16())]
    Unauthorized {
        /// 401 or 403.
        status: StatusCode,
    },
    /// There is no such call, or the key may not see it. New calls may take a while to show.
    #[error("CallRail does not know this call")]
    NotFound,
    /// The call is another company's.
    #[error("the call belongs to a company that is not this tenant's")]
    ForeignCall,
    /// It cannot be told whose calls the tenant may see.
    #[error(
        "the tenant has no CallRail company: enter the ids of its company, as number and as `COM…`"
    )]
    NoCompany,
    /// The account's requests for this hour or day are used up.
    #[error("CallRail asks us to slow down")]
    Throttled {
        /// How long to wait, should it say so.
        retry_after: Option<Duration>,
    },
    /// CallRail's fault, or its storage's.
    #[error("CallRail failed with status {}", status.as_u16())]
    Unavailable {
        /// The status.
        status: StatusCode,
        /// How long to wait, should it say so.
        retry_after: Option<Duration>,
    },
    /// The request is not acceptable, and will not be.
    #[error("CallRail rejected the request with status {}", status.as_u16())]
    Rejected {
        /// The status.
        status: StatusCode,
        /// CallRail's words, capped.
        answer: String,
    },
    /// The answer is no JSON of the expected shape.
    #[error(transparent)]
    UnreadableBody(#[from] UnreadableBody),
    /// The answer is no call.
    #[error("CallRail's answer cannot be read: {0}")]
    UnreadableCall(#[from] ReadError),
    /// The recording's link leads where it should not.
    #[error("the recording's link cannot be followed: {0}")]
    BadLink(&'static str),
    /// There is no complete answer.
    #[error("CallRail was not heard: {0}")]
    Http(#[from] HttpError),
}

/// What is asked for beside the default fields.
const FIELDS: &str = "call_type,campaign,company_id,created_at,device_type,fbclid,gclid,keywords,landing_page_url,\
    last_requested_url,lead_status,medium,msclkid,note,referrer_domain,referring_url,source,source_name,tags,\
    utm_campaign,utm_content,utm_medium,utm_source,utm_term,value,zip_code";

/// The longest time for one request of the API.
const DEADLINE: Duration = Duration::from_secs(15);

/// The most redirects between a recording's link and its file.
const MAX_REDIRECTS: usize = 5;

impl Api {
    /// The API at this address: [`BASE_URL`], or a simulator's.
    pub const fn new(client: Client, base_url: Url) -> Self {
        Self { client, base_url }
    }

    /// A call's details.
    ///
    /// # Errors
    /// [`ApiError`]; [`ApiError::ForeignCall`] when it is not one of the account's companies'.
    pub async fn call(&self, account: &Account, call_id: &str) -> Result<ApiCall, ApiError> {
        if account.company_ids.is_empty() {
            return Err(ApiError::NoCompany);
        }
        let answer = self
            .get(
                account,
                &["calls", &format!("{call_id}.json")],
                &[("fields", FIELDS)],
            )
            .await?;
        let fields = Fields::read(Some("application/json"), &answer.body, payload::is_wanted)?;
        let company = fields.text("company_id");
        if !company.is_some_and(|company| account.company_ids.iter().any(|own| own == company)) {
            return Err(ApiError::ForeignCall);
        }
        let mut ids = payload::call_ids(&fields)?;
        if !ids.iter().any(|id| id == call_id) {
            ids.push(call_id.to_owned());
        }
        let canonical_id = ids.first().cloned().ok_or(ReadError::NoCall)?;
        let facts = CallFacts {
            call_id: Some(canonical_id.clone()),
            ..payload::facts(&fields)
        };
        Ok(ApiCall {
            canonical_id,
            aliases: payload::aliases(ids),
            facts,
        })
    }

    /// Where a call's recording can be had now; none while there is none.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn recording(
        &self,
        account: &Account,
        call_id: &str,
    ) -> Result<Option<RecordingUrl>, ApiError> {
        #[derive(Deserialize)]
        struct Answer {
            url: Option<String>,
        }
        let answer = match self
            .get(account, &["calls", call_id, "recording.json"], &[])
            .await
        {
            Err(ApiError::NotFound) => return Ok(None),
            answer => answer?,
        };
        let Some(url) = answer.json::<Answer>()?.url.filter(|url| !url.is_empty()) else {
            return Ok(None);
        };
        let url = Url::parse(&url).map_err(|_| ApiError::BadLink("it is no URL"))?;
        Ok(Some(RecordingUrl(self.encrypted(url))))
    }

    /// Opens a recording, under these limits; none when nothing is there (yet). The API key is not sent along.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn download(
        &self,
        url: &RecordingUrl,
        limits: Limits,
    ) -> Result<Option<Streaming>, ApiError> {
        let mut url = url.0.clone();
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.client.get(url.as_str()).send_streaming(limits).await?;
            if answer.status.is_redirection() {
                url = self.next_hop(&url, &answer)?;
                continue;
            }
            return match answer.status {
                status if status.is_success() => Ok(Some(answer)),
                StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
                StatusCode::TOO_MANY_REQUESTS => Err(ApiError::Throttled {
                    retry_after: wish(&answer.headers),
                }),
                // A link that has ended is refused too: the next attempt asks for a new one.
                status => Err(ApiError::Unavailable {
                    status,
                    retry_after: wish(&answer.headers),
                }),
            };
        }
        Err(ApiError::BadLink("it is redirected too often"))
    }

    /// CallRail may send on to any storage host; that host has to keep to itself.
    fn next_hop(&self, from: &Url, answer: &Streaming) -> Result<Url, ApiError> {
        let location = answer
            .headers
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok());
        let to = location
            .and_then(|location| from.join(location).ok())
            .map(|to| self.encrypted(to));
        let to = to.ok_or(ApiError::BadLink("a redirect names no URL"))?;
        if self.is_callrail(from) || self.is_callrail(&to) || from.host() == to.host() {
            Ok(to)
        } else {
            Err(ApiError::BadLink(
                "the storage host sends on to another host",
            ))
        }
    }

    fn is_callrail(&self, url: &Url) -> bool {
        matches!(
            url.host_str(),
            Some("app.callrail.com" | "api.callrail.com")
        ) || url.host() == self.base_url.host()
    }

    /// CallRail writes some links without encryption; only a simulator needs them so.
    fn encrypted(&self, mut url: Url) -> Url {
        if url.scheme() == "http" && self.base_url.scheme() == "https" {
            url.set_scheme("https")
                .expect("one special scheme can take another's place");
        }
        url
    }

    async fn get(
        &self,
        account: &Account,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Response, ApiError> {
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(["v3", "a", account.id.as_str()])
                .extend(path);
        }
        let token =
            SecretString::from(format!("Token token=\"{}\"", account.token.expose_secret()));
        let request = self
            .client
            .get(url.as_str())
            .query(query)
            .secret_header(header::AUTHORIZATION, &token);
        let answer = request.deadline(DEADLINE).send().await?;
        let status = answer.status;
        match answer.class() {
            StatusClass::Ok => Ok(answer),
            StatusClass::Throttled => Err(ApiError::Throttled {
                retry_after: wish(&answer.headers),
            }),
            StatusClass::Unauthorized => Err(ApiError::Unauthorized { status }),
            StatusClass::ServerFault => Err(ApiError::Unavailable {
                status,
                retry_after: wish(&answer.headers),
            }),
            StatusClass::Rejected if status == StatusCode::NOT_FOUND => Err(ApiError::NotFound),
            StatusClass::Rejected => Err(ApiError::Rejected {
                status,
                answer: answer.text_lossy(500),
            }),
        }
    }
}

/// `Retry-After` in seconds. CallRail documents none.
fn wish(headers: &http_client::HeaderMap) -> Option<Duration> {
    headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}

impl fmt::Debug for RecordingUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecordingUrl")
            .field(&self.0.host_str())
            .finish()
    }
}

impl ApiError {
    /// Whether a recording is larger than the caller takes.
    pub const fn is_too_large(&self) -> bool {
        matches!(self, Self::Http(HttpError::TooLarge { .. }))
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
            Self::ForeignCall | Self::NoCompany | Self::Rejected { .. } | Self::BadLink(_) => {
                Disposition::Park
            }
            Self::Throttled { retry_after } | Self::Unavailable { retry_after, .. } => {
                Disposition::Retry {
                    after: *retry_after,
                }
            }
            Self::NotFound | Self::UnreadableBody(_) | Self::UnreadableCall(_) => {
                Disposition::Retry { after: None }
            }
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
            Self::Rejected { answer, .. } => {
                Some(answer.clone()).filter(|answer| !answer.is_empty())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use http_client::Options;

    use super::*;

    #[test]
    fn links_are_followed_with_encryption_unless_all_is_simulated() {
        let api = |base: &str| {
            Api::new(
                Client::new(Options::default()).unwrap(),
                base.parse().unwrap(),
            )
        };
        let url: Url = "http://app.callrail.com/calls/CAL1/recording/redirect?access_key=k"
            .parse()
            .unwrap();
        let encrypted = api(BASE_URL).encrypted(url.clone());
        assert_eq!(
            encrypted.as_str(),
            "https://app.callrail.com/calls/CAL1/recording/redirect?access_key=k"
        );
        assert_eq!(api("http://127.0.0.1:1").encrypted(url.clone()), url);
        assert!(!format!("{:?}", RecordingUrl(encrypted)).contains("access_key"));
    }
}
