//! The calls of Secret Manager.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::TenantId;
use http_client::{Client, Request, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};
use serde::Deserialize;
use serde_json::json;

use super::{SecretManagerConfig, SecretManagerError as Error};
use crate::{CallError, Tokens, base, call::send};

/// Source: discovery document, `SecretPayload.data`.
pub(super) const DATA_MAX: usize = 64 * 1024;

const CALL_DEADLINE: Duration = Duration::from_secs(10);
const READ_ROLE: &str = "roles/secretmanager.secretAccessor";
const WRITE_ROLE: &str = "roles/secretmanager.admin";

#[derive(Clone)]
pub(super) struct Api {
    http: Client,
    tokens: Tokens,
    /// `…/v1/projects/p/secrets`, or that of a location.
    secrets_url: String,
    is_regional: bool,
}

#[derive(Deserialize)]
struct Accessed {
    name: String,
    payload: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(default)]
    data: String,
    data_crc32c: Option<String>,
}

/// A page of secrets or of versions.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Page {
    #[serde(alias = "secrets", alias = "versions")]
    items: Vec<Item>,
    next_page_token: String,
}

#[derive(Deserialize)]
struct Item {
    name: String,
    #[serde(default)]
    state: String,
}

impl Item {
    /// Names begin with the project's number: what counts is the end.
    fn last(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}

impl Api {
    pub(super) fn new(http: Client, tokens: Tokens, config: &SecretManagerConfig) -> Self {
        let SecretManagerConfig {
            base_url,
            project,
            location,
            ..
        } = config;
        let place = location
            .as_ref()
            .map(|location| format!("/locations/{location}"));
        Self {
            http,
            tokens,
            is_regional: place.is_some(),
            secrets_url: format!(
                "{}/v1/projects/{project}{}/secrets",
                base(base_url),
                place.unwrap_or_default()
            ),
        }
    }

    /// A value and the number of its version.
    pub(super) async fn access(
        &self,
        id: &str,
        version: Option<u64>,
    ) -> Result<(u64, SecretString), Error> {
        let version = version.map_or_else(|| "latest".to_owned(), |version| version.to_string());
        let url = format!("{}/{id}/versions/{version}:access", self.secrets_url);
        let ask = async || {
            let response = self.call(self.http.get(&url), id, READ_ROLE).await?;
            read(response.json()?, id)
        };
        match ask().await {
            // It may have been altered on its way only.
            Err(Error::Damaged { .. }) => ask().await,
            result => result,
        }
    }

    /// Adds a version and gives its number.
    pub(super) async fn add(&self, id: &str, value: &SecretString) -> Result<u64, Error> {
        let data = escaped(value.expose_secret());
        if data.len() > DATA_MAX {
            return Err(Error::TooLong);
        }
        let body = json!({ "payload": {
            "data": STANDARD.encode(&*data),
            "dataCrc32c": crc32c::crc32c(&data).to_string(),
        }});
        let url = format!("{}/{id}:addVersion", self.secrets_url);
        let response = self
            .call(self.http.post(url).json(&body), id, WRITE_ROLE)
            .await?;
        number(&response.json::<Item>()?.name)
    }

    /// Makes a secret without a version; one that is there is made already.
    pub(super) async fn create(&self, id: &str, tenant: &TenantId) -> Result<(), Error> {
        let mut body = json!({ "labels": { "tenant": tenant.as_str() } });
        if !self.is_regional {
            body["replication"] = json!({ "automatic": {} });
        }
        let url = format!("{}?secretId={id}", self.secrets_url);
        match self
            .call(self.http.post(url).json(&body), id, WRITE_ROLE)
            .await
        {
            Err(Error::Call {
                call:
                    CallError::Rejected {
                        status: StatusCode::CONFLICT,
                        ..
                    },
            }) => Ok(()),
            result => result.map(drop),
        }
    }

    /// The numbers of the versions that were not destroyed; none of a secret that is not there.
    pub(super) async fn versions(&self, id: &str) -> Result<Vec<u64>, Error> {
        let url = format!("{}/{id}/versions", self.secrets_url);
        let versions = match self.pages(&url, "", id).await {
            Err(Error::NotFound { .. }) => return Ok(Vec::new()),
            versions => versions?,
        };
        let kept = versions
            .iter()
            .filter(|version| version.state != "DESTROYED");
        kept.map(|version| number(&version.name)).collect()
    }

    /// Whether a secret has a version that can be used.
    pub(super) async fn has_version(&self, id: &str) -> Result<bool, Error> {
        let url = format!(
            "{}/{id}/versions?filter=state:ENABLED&pageSize=1",
            self.secrets_url
        );
        match self.call(self.http.get(url), id, WRITE_ROLE).await {
            Err(Error::NotFound { .. }) => Ok(false),
            response => Ok(!response?.json::<Page>()?.items.is_empty()),
        }
    }

    /// Destroys the value of a version for good; one that is destroyed stays so.
    pub(super) async fn destroy(&self, id: &str, version: u64) -> Result<(), Error> {
        let url = format!("{}/{id}/versions/{version}:destroy", self.secrets_url);
        let request = self.http.post(url).json(&json!({}));
        match self.call(request, id, WRITE_ROLE).await {
            Err(Error::NotFound { .. }) => Ok(()),
            result => result.map(drop),
        }
    }

    /// The ids of the secrets whose ids begin like this.
    pub(super) async fn list(&self, begin: &str) -> Result<Vec<String>, Error> {
        // The filter finds the text anywhere in a name.
        let found = self
            .pages(&self.secrets_url, &format!("name:{begin}"), begin)
            .await?;
        let ids = found.iter().map(|secret| secret.last().to_owned());
        Ok(ids.filter(|id| id.starts_with(begin)).collect())
    }

    async fn pages(&self, url: &str, filter: &str, id: &str) -> Result<Vec<Item>, Error> {
        let (mut items, mut token) = (Vec::new(), String::new());
        loop {
            let query = [
                ("filter", filter),
                ("pageSize", "500"),
                ("pageToken", token.as_str()),
            ];
            let query: Vec<_> = query
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect();
            let response = self
                .call(self.http.get(url).query(&query), id, WRITE_ROLE)
                .await?;
            let page: Page = response.json()?;
            items.extend(page.items);
            if page.next_page_token.is_empty() || page.next_page_token == token {
                return Ok(items);
            }
            token = page.next_page_token;
        }
    }

    async fn call(
        &self,
        request: Request<'_>,
        id: &str,
        role: &'static str,
    ) -> Result<Response, Error> {
        let secret = id.to_owned();
        let sent = send(request.deadline(CALL_DEADLINE), &self.tokens).await;
        sent.map_err(|error| match error {
            CallError::Unauthorized { status, message } => Error::Unauthorized {
                status,
                role,
                secret,
                message,
            },
            CallError::NotFound { .. } => Error::NotFound { secret },
            // A version is there, but disabled or destroyed.
            CallError::Rejected { code, .. } if code == "FAILED_PRECONDITION" => {
                Error::NotFound { secret }
            }
            call => Error::Call { call },
        })
    }
}

fn number(name: &str) -> Result<u64, Error> {
    let last = name.rsplit('/').next().unwrap_or_default();
    last.parse().map_err(|_| Error::Nameless)
}

/// Takes an answer apart, when its checksum is right.
fn read(accessed: Accessed, id: &str) -> Result<(u64, SecretString), Error> {
    let damaged = || Error::Damaged {
        secret: id.to_owned(),
    };
    let Payload { data, data_crc32c } = accessed.payload;
    let data = Zeroizing::new(data);
    let data = Zeroizing::new(STANDARD.decode(data.as_bytes()).map_err(|_| damaged())?);
    if data_crc32c.is_some_and(|sum| sum.parse() != Ok(crc32c::crc32c(&data))) {
        return Err(damaged());
    }
    let text = data.strip_prefix(b"\0").unwrap_or(&data);
    let text = std::str::from_utf8(text).map_err(|_| damaged())?;
    Ok((number(&accessed.name)?, SecretString::from(text)))
}

/// Data that is never empty: see the module's doc.
fn escaped(text: &str) -> Zeroizing<Vec<u8>> {
    let needs_escape = text.is_empty() || text.starts_with('\0');
    // With room for all of it: growing would leave a copy behind.
    let mut data = Zeroizing::new(Vec::with_capacity(text.len() + 1));
    data.extend(needs_escape.then_some(0));
    data.extend_from_slice(text.as_bytes());
    data
}
