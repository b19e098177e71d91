//! CallRail's API v3, as far as a call's details and its recording.
//!
//! - Auth: `Authorization: Token token="…"`. A key belongs to a person and sees every company that the person sees, so
//!   each answer is held against the tenant's own companies.
//! - Limits: 1,000 requests an hour and 10,000 a day for an account, shared by every tenant under it; over that a bare
//!   429. A call takes two requests, three if its recording's download counts. Work that meets the limit waits in its lanes.
//! - Companies: answers name them as `COM…`. UNCONFIRMED: that `companies/{id}.json` takes the older number, as the API is
//!   said to take older ids elsewhere. Where it does not, whoever entered the number alone is told to enter `COM…`.
//! - Recordings: `recording.json` answers a link; behind it are redirects to a storage host. Links are as good as keys
//!   and may end within a day: they are followed at once and never kept.
//!
//! Source: apidocs.callrail.com, "Retrieving a Call", "Retrieving a Call Recording" and "Rate Limiting" (read 2026-11).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use domain::{Account, Facts};
use http_client::{Client, Limits, Request, Response, StatusCode, Streaming, Url, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{
    listing::{companies, is_company},
    payload::{self, Ids},
};
use crate::{
    ApiError, Apis, Details, DetailsApi, RecordingsApi, aliases,
    api::{json_fields, json_value, retry_after},
};

/// Calls the API.
pub(super) struct Api {
    client: Client,
    base_url: Url,
    /// Companies' `COM…` by the account and the number under which they were asked for. They never change, and an audit keeps
    /// them with the source.
    learned: Mutex<BTreeMap<(String, String), String>>,
}

/// The API at this address.
pub(super) fn apis(client: &Client, base_url: &Url) -> Apis {
    let api = Arc::new(Api {
        client: client.clone(),
        base_url: base_url.clone(),
        learned: Mutex::default(),
    });
    Apis {
        details: api.clone(),
        busy: None,
        recordings: Some(api.clone()),
        listing: Some(api.clone()),
        webhooks: Some(api),
    }
}

/// What is asked for beside the default fields.
pub(super) const FIELDS: &str = "call_type,campaign,company_id,company_time_zone,created_at,device_type,\
    fbclid,gclid,keywords,landing_page_url,last_requested_url,lead_status,medium,milestones,msclkid,note,\
    referrer_domain,referring_url,source,source_name,tags,utm_campaign,utm_content,utm_medium,utm_source,utm_term,\
    value,zip_code";

/// The longest time for one request of the API.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(15);

/// The most redirects between a recording's link and its file.
const MAX_REDIRECTS: usize = 5;

#[async_trait]
impl DetailsApi for Api {
    async fn details(
        &self,
        account: &Account,
        accounts_of_source: &[String],
        facts: &Facts,
    ) -> Result<Details, ApiError> {
        let companies = self.companies(account, accounts_of_source).await?;
        let call_id = facts.external_id.as_deref().ok_or(ApiError::NotFound)?;
        let path = ["calls", &format!("{call_id}.json")];
        let answer = self.get(account, &path, &[("fields", FIELDS)]).await?;
        let fields = json_fields(&answer, payload::is_wanted)?;
        let company = fields.text("company_id");
        if !company.is_some_and(|company| companies.iter().any(|known| known == company)) {
            return Err(ApiError::Foreign);
        }
        // An answer that names no call, or not in a form that it can have, is of the one that was asked for.
        let mut ids = Ids::of(&fields).unwrap_or_default();
        if payload::is_canonical(call_id) && ids.canonical().is_some_and(|id| id != call_id) {
            return Err(ApiError::Unreadable("it is about another call".into()));
        }
        if !ids.all.contains(&call_id) {
            let at = if payload::is_canonical(call_id) {
                0
            } else {
                ids.all.len()
            };
            ids.all.insert(at, call_id);
        }
        let facts = payload::facts(&fields, &ids);
        let mut aliases = aliases("callrail", "call", &ids.all);
        if facts.canonical_id.is_some() {
            aliases.extend(payload::beginning(&facts));
        }
        Ok(Details { facts, aliases })
    }
}

#[async_trait]
impl RecordingsApi for Api {
    async fn recording(
        &self,
        account: &Account,
        external_id: &str,
        limits: Limits,
    ) -> Result<Option<Streaming>, ApiError> {
        match self.link(account, external_id).await? {
            Some(link) => self.download(link, limits).await,
            None => Ok(None),
        }
    }
}

impl Api {
    /// The ids of the tenant's company, in every form. Answers have `COM…` whatever was asked for, so where only numbers
    /// are entered, what they stand for is asked once.
    pub(super) async fn companies(
        &self,
        account: &Account,
        accounts_of_source: &[String],
    ) -> Result<Vec<String>, ApiError> {
        const UNKNOWN: ApiError = ApiError::NotConfigured(
            "CallRail does not know the company by its number: enter its id as `COM…` too, as company_ids of the \
             connection or as an account of the source",
        );
        let entered = companies(account, accounts_of_source)?;
        let mut all: Vec<String> = entered.iter().map(|id| (*id).to_owned()).collect();
        if entered.iter().any(|id| is_company(id)) {
            return Ok(all);
        }
        for number in entered {
            // The older number of a company has another one beside it that is known.
            if let Some(id) = self.company(account, number).await?
                && !all.contains(&id)
            {
                all.push(id);
            }
        }
        if all.iter().any(|id| is_company(id)) {
            Ok(all)
        } else {
            Err(UNKNOWN)
        }
    }

    /// A company's id as `COM…`, by any of its ids; none of a number that CallRail does not know. It is asked for once.
    pub(super) async fn company(
        &self,
        account: &Account,
        id: &str,
    ) -> Result<Option<String>, ApiError> {
        if is_company(id) {
            return Ok(Some(id.to_owned()));
        }
        if let Some(known) = self.company_of(account, id) {
            return Ok(Some(known));
        }
        let path = ["companies", &format!("{id}.json")];
        let answer = match self.get(account, &path, &[]).await {
            Err(ApiError::NotFound | ApiError::Rejected { .. }) => return Ok(None),
            answer => json_value(&answer?)?,
        };
        let company = answer["id"].as_str().filter(|id| is_company(id));
        let company = company
            .ok_or_else(|| ApiError::Unreadable("it names no company as `COM…`".into()))?
            .to_owned();
        let key = (account.setting("account_id").to_owned(), id.to_owned());
        self.learned().insert(key, company.clone());
        Ok(Some(company))
    }

    /// The `COM…` of a number, if it was asked for.
    pub(super) fn company_of(&self, account: &Account, number: &str) -> Option<String> {
        let key = (account.setting("account_id").to_owned(), number.to_owned());
        self.learned().get(&key).cloned()
    }

    fn learned(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), String>> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a call's recording can be had now. As good as a key: it is never printed.
    async fn link(&self, account: &Account, call_id: &str) -> Result<Option<Url>, ApiError> {
        let path = ["calls", call_id, "recording.json"];
        let answer = match self.get(account, &path, &[]).await {
            Err(ApiError::NotFound) => return Ok(None),
            answer => answer?,
        };
        let fields = json_fields(&answer, |name| name == "url")?;
        let Some(url) = fields.text("url") else {
            return Ok(None);
        };
        let url = Url::parse(url).map_err(|_| ApiError::BadLink("it is no URL"))?;
        Ok(Some(self.encrypted(url)))
    }

    /// Follows a link. The API key is not sent along.
    async fn download(&self, mut url: Url, limits: Limits) -> Result<Option<Streaming>, ApiError> {
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
                    retry_after: retry_after(&answer.headers),
                }),
                // A link that has ended is refused too: the next attempt asks for a new one.
                status => Err(ApiError::Unavailable {
                    status,
                    retry_after: retry_after(&answer.headers),
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
                .expect("one special scheme can replace another");
        }
        url
    }

    pub(super) async fn get(
        &self,
        account: &Account,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Response, ApiError> {
        let request = self
            .client
            .get(self.url(account, path)?.as_str())
            .query(query);
        answered(account, request).await
    }

    pub(super) async fn put(
        &self,
        account: &Account,
        path: &[&str],
        body: &Value,
    ) -> Result<Response, ApiError> {
        let request = self
            .client
            .put(self.url(account, path)?.as_str())
            .json(body);
        answered(account, request).await
    }

    pub(super) async fn post(
        &self,
        account: &Account,
        path: &[&str],
        body: &Value,
    ) -> Result<Response, ApiError> {
        let request = self
            .client
            .post(self.url(account, path)?.as_str())
            .json(body);
        answered(account, request).await
    }

    fn url(&self, account: &Account, path: &[&str]) -> Result<Url, ApiError> {
        let account_id = account.setting("account_id");
        if account_id.is_empty() {
            return Err(ApiError::NotConfigured(
                "the connection names no account: enter its account_id",
            ));
        }
        let mut url = self.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(["v3", "a", account_id])
                .extend(path);
        }
        Ok(url)
    }
}

async fn answered(account: &Account, request: Request<'_>) -> Result<Response, ApiError> {
    let token = format!("Token token=\"{}\"", account.secret.expose_secret());
    let request = request.secret_header(header::AUTHORIZATION, &SecretString::from(token));
    ApiError::of_status(request.deadline(DEADLINE).send().await?)
}

#[cfg(test)]
mod tests {
    use http_client::Options;

    use super::*;

    #[test]
    fn links_are_encrypted_unless_all_is_simulated() {
        let api = |base: &str| Api {
            client: Client::new(Options::default()).unwrap(),
            base_url: base.parse().unwrap(),
            learned: Mutex::default(),
        };
        let url: Url = "http://app.callrail.com/calls/CAL1/recording/redirect?access_key=k"
            .parse()
            .unwrap();
        let encrypted = api("https://api.callrail.com").encrypted(url.clone());
        assert_eq!(
            encrypted.as_str(),
            "https://app.callrail.com/calls/CAL1/recording/redirect?access_key=k"
        );
        assert_eq!(api("http://127.0.0.1:1").encrypted(url.clone()), url);
    }
}
