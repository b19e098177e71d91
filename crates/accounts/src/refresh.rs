//! Access tokens of OAuth apps: refreshed, and kept in memory until shortly before they expire.
//!
//! Source: RFC 6749, sections 5 and 6.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{Account, Clock, ConnectionName, ProviderAnswer, TenantId, later};
use http_client::{Client, HttpError, Response};
use jiff::Timestamp;
use moka::{
    future::Cache,
    ops::compute::{CompResult, Op},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::AccountError;

/// Longest time of a call of a token endpoint.
const CALL_DEADLINE: Duration = Duration::from_secs(15);
/// How long before it expires a token is no longer used: calls that are under way must still end well.
const MARGIN: Duration = Duration::from_secs(120);
/// How long a token is used if the provider names no end: a token that expires sooner is refused, and refreshed then.
const UNNAMED_LIFETIME: Duration = Duration::from_secs(30 * 60);
/// How many accounts' tokens are kept.
const MAX_TOKENS: u64 = 10_000;

/// Tenant, connection and version: a new secret begins with no token.
type Key = (TenantId, (ConnectionName, u64));

pub(crate) struct Refresher {
    http: Client,
    clock: Arc<dyn Clock>,
    token_urls: BTreeMap<&'static str, String>,
    tokens: Cache<Key, Result<Token, RefreshError>>,
}

#[derive(Clone)]
struct Token {
    secret: SecretString,
    /// Until when it is used. A token that was refused is not used at all.
    fresh_until: Timestamp,
}

/// Why a token was not refreshed. Everybody who waited for the same refresh gets a copy.
#[derive(Clone)]
enum RefreshError {
    Refused(ProviderAnswer),
    Unavailable {
        what: String,
        retry_after: Option<Duration>,
    },
}

/// An OAuth app with a tenant's consent, as the tenant's secret names it.
#[derive(Deserialize)]
struct App {
    client_id: String,
    client_secret: String,
    refresh_token: String,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<u64>,
}

/// An error as RFC 6749 writes it; other providers use `message`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Fault {
    error: String,
    error_description: String,
    message: String,
}

impl Refresher {
    pub(crate) fn new(
        http: Client,
        clock: Arc<dyn Clock>,
        token_urls: BTreeMap<&'static str, String>,
    ) -> Self {
        Self {
            http,
            clock,
            token_urls,
            tokens: Cache::new(MAX_TOKENS),
        }
    }

    /// The access token of an account whose secret is an OAuth app's; `None` if the secret is used as it is.
    pub(crate) async fn access_token(
        &self,
        provider: &str,
        account: &Account,
    ) -> Result<Option<SecretString>, AccountError> {
        let secret = account.secret.expose_secret();
        let Some(url) = self.token_urls.get(provider) else {
            return Ok(None);
        };
        if !secret.trim_start().starts_with('{') {
            return Ok(None);
        }
        let held_by = account.held_by();
        let Ok(app) = serde_json::from_str::<App>(secret) else {
            return Err(AccountError::NoApp { held_by });
        };
        let now = self.clock.now();
        let is_stale = |kept: &Result<Token, RefreshError>| {
            kept.as_ref().map_or(true, |token| token.fresh_until <= now)
        };
        let entry = self.tokens.entry(key(account));
        let kept = entry
            .or_insert_with_if(self.refresh(url, &app), is_stale)
            .await;
        match kept.into_value() {
            Ok(token) => Ok(Some(token.secret)),
            Err(RefreshError::Refused(answer)) => Err(AccountError::Refused { answer, held_by }),
            Err(RefreshError::Unavailable { what, retry_after }) => {
                Err(AccountError::Unavailable { what, retry_after })
            }
        }
    }

    /// Has the next opening refresh the token, unless that was done since. Returns whether there is a token to refresh.
    pub(crate) async fn invalidate(&self, refused: &Account) -> bool {
        let refused_secret = refused.secret.expose_secret();
        let entry = self.tokens.entry(key(refused));
        let result = entry
            .and_compute_with(async |kept| match kept.map(|entry| entry.into_value()) {
                Some(Ok(token)) if token.secret.expose_secret() == refused_secret => {
                    Op::Put(Ok(Token {
                        fresh_until: Timestamp::MIN,
                        ..token
                    }))
                }
                _ => Op::Nop,
            })
            .await;
        !matches!(result, CompResult::StillNone(_))
    }

    async fn refresh(&self, url: &str, app: &App) -> Result<Token, RefreshError> {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", &app.client_id),
            ("client_secret", &app.client_secret),
            ("refresh_token", &app.refresh_token),
        ];
        let answer = self
            .http
            .post(url)
            .form(&form)
            .deadline(CALL_DEADLINE)
            .send()
            .await?;
        if !answer.status.is_success() {
            return Err(self.refusal(&answer));
        }
        let granted: Granted = answer.json().map_err(|error| RefreshError::Unavailable {
            what: error.to_string(),
            retry_after: None,
        })?;
        let lifetime = granted
            .expires_in
            .map_or(UNNAMED_LIFETIME, Duration::from_secs);
        let margin = MARGIN.min(lifetime / 2);
        Ok(Token {
            secret: granted.access_token.into(),
            fresh_until: later(self.clock.now(), lifetime - margin),
        })
    }

    /// What an answer other than 2xx means. RFC 6749 has a grant or client that is not valid answered by 400 or 401; a
    /// new secret fixes both. Anything else says nothing about the secret.
    fn refusal(&self, answer: &Response) -> RefreshError {
        match answer.status.as_u16() {
            400 | 401 | 403 => {
                let Fault {
                    error,
                    error_description,
                    message,
                } = answer.json().unwrap_or_default();
                let parts = [error, error_description, message];
                let said: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                RefreshError::Refused(ProviderAnswer::new(&said.join(": ")))
            }
            status => RefreshError::Unavailable {
                what: format!("status {status}"),
                retry_after: answer.retry_after(self.clock.now()),
            },
        }
    }
}

impl From<HttpError> for RefreshError {
    fn from(error: HttpError) -> Self {
        Self::Unavailable {
            what: error.to_string(),
            retry_after: None,
        }
    }
}

fn key(account: &Account) -> Key {
    (account.tenant.clone(), account.held_by())
}
