//! Access tokens of OAuth apps: got ahead of their end, and kept in memory until shortly before they expire.
//!
//! Source: RFC 6749, sections 5 and 6.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{Account, Clock, ConnectionName, ProviderAnswer, TenantId, TokenEndpoint, later};
use http_client::{Client, HttpError, Response, header};
use jiff::Timestamp;
use moka::{
    future::Cache,
    ops::compute::{CompResult, Op},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;

use crate::{AccountError, app::App};

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
    endpoints: BTreeMap<&'static str, TokenEndpoint>,
    tokens: Cache<Key, Result<Token, RefreshError>>,
}

#[derive(Clone)]
struct Token {
    secret: SecretString,
    /// Until when it is used. A token that was refused is not used at all.
    fresh_until: Timestamp,
    /// The refresh token that came with it, if it is another.
    renewed: Option<SecretString>,
    /// The setting that says where the account is, and its value.
    address: Option<(&'static str, String)>,
}

/// What opens an account whose secret is an OAuth app's.
pub(crate) struct Opened {
    pub(crate) token: SecretString,
    /// The setting that says where the account is, and its value.
    pub(crate) address: Option<(&'static str, String)>,
}

/// Why a token was not refreshed. Everybody who waited for the same refresh gets a copy.
#[derive(Clone)]
enum RefreshError {
    Refused(ProviderAnswer),
    /// The app's key cannot sign.
    NoKey,
    Unavailable {
        what: String,
        retry_after: Option<Duration>,
    },
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// Some providers name none.
    expires_in: Option<u64>,
    refresh_token: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
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
        endpoints: BTreeMap<&'static str, TokenEndpoint>,
    ) -> Self {
        Self {
            http,
            clock,
            endpoints,
            tokens: Cache::new(MAX_TOKENS),
        }
    }

    /// What opens an account whose secret is an OAuth app's; `None` if the secret is used as it is.
    pub(crate) async fn access_token(
        &self,
        provider: &str,
        account: &Account,
    ) -> Result<Option<Opened>, AccountError> {
        let secret = &account.secret;
        let Some(endpoint) = self.endpoints.get(provider) else {
            return Ok(None);
        };
        if !secret.expose_secret().trim_start().starts_with('{') {
            return Ok(None);
        }
        let held_by = account.held_by();
        let Some(app) = App::parse(secret, endpoint) else {
            return Err(AccountError::NoApp { held_by });
        };
        let now = self.clock.now();
        let key = key(account);
        let is_stale = |kept: &Result<Token, RefreshError>| {
            kept.as_ref().map_or(true, |token| token.fresh_until <= now)
        };
        let renewed = match self.tokens.get(&key).await {
            Some(Ok(token)) => token.renewed,
            _ => None,
        };
        let entry = self.tokens.entry(key);
        let refresh = self.refresh(endpoint, account, &app, renewed.as_ref());
        let kept = entry.or_insert_with_if(refresh, is_stale).await;
        match kept.into_value() {
            Ok(token) => Ok(Some(Opened {
                token: token.secret,
                address: token.address,
            })),
            Err(RefreshError::Refused(answer)) => Err(AccountError::Refused { answer, held_by }),
            Err(RefreshError::NoKey) => Err(AccountError::NoApp { held_by }),
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

    async fn refresh(
        &self,
        endpoint: &TokenEndpoint,
        account: &Account,
        app: &App,
        renewed: Option<&SecretString>,
    ) -> Result<Token, RefreshError> {
        let spec = &endpoint.spec;
        let own = spec.server_setting.map_or("", |key| account.setting(key));
        let server = if own.is_empty() {
            &endpoint.server
        } else {
            own
        };
        let server = server.trim_end_matches('/');
        let asked = app
            .ask(endpoint, server, renewed, self.clock.now())
            .ok_or(RefreshError::NoKey)?;
        let mut request = self.http.post(format!("{server}{}", spec.path));
        if server != endpoint.server.trim_end_matches('/') {
            request = request.to_a_tenants_url();
        }
        if let Some(proof) = &asked.proof {
            request = request.secret_header(header::AUTHORIZATION, proof);
        }
        let answer = request
            .form(&asked.form)
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
        let address = spec.address.and_then(|member| {
            let address = granted.rest.get(member)?.as_str()?;
            Some((member, address.to_owned()))
        });
        Ok(Token {
            secret: granted.access_token.into(),
            fresh_until: later(self.clock.now(), lifetime - margin),
            renewed: granted
                .refresh_token
                .map(SecretString::from)
                .or_else(|| renewed.cloned()),
            address,
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
