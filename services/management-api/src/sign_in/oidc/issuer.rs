//! What the issuer is asked.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Clock, EmailAddress, text};
use http_client::{Client, Response, StatusCode};
use jiff::Timestamp;
use jwks::{Algorithm, FetchedKeys, Keys, VerifyError, check_time};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use url::Url;

use super::{OidcConfig, sealed::Attempt};
use crate::{auth::is_trustworthy, secret_text::SecretText};

/// What its tokens may be signed with.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
/// How much its clock may differ from ours.
const LEEWAY: Duration = Duration::from_secs(30);
/// How long a call may take. A person waits for it.
const DEADLINE: Duration = Duration::from_secs(10);
const MAX_ANSWER_BYTES: u64 = 128 * 1024;
/// The longest name of a person, in characters.
const MAX_NAME: usize = 100;

/// An issuer, found out about when somebody first needs it.
pub(super) struct Issuer {
    config: OidcConfig,
    redirect_uri: String,
    http: Client,
    clock: Arc<dyn Clock>,
    found: OnceCell<Found>,
}

/// Why the issuer did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum IssuerError {
    /// It says no, or says what cannot be believed. The log knows more.
    #[error("the issuer refused, or its answer is not valid")]
    Refused,
    /// It does not answer, or not as an issuer does.
    #[error("{0}")]
    Unavailable(String),
}

/// Whom the issuer vouches for.
pub(super) struct Vouched {
    /// Their address in lower case; none if the issuer has not verified it.
    pub(super) email: Option<EmailAddress>,
    pub(super) name: String,
    /// By what it is asked later whether they may stay.
    pub(super) refresh_token: Option<SecretString>,
}

struct Found {
    authorization: Url,
    token: String,
    keys: Keys,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: Option<String>,
    refresh_token: Option<SecretText>,
}

#[derive(Deserialize)]
struct IdToken {
    iss: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    nbf: Option<f64>,
    nonce: Option<String>,
    email: Option<String>,
    #[serde(default)]
    email_verified: Verified,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Some issuers write it as a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Verified {
    Flag(bool),
    Word(String),
}

impl Default for Verified {
    fn default() -> Self {
        Self::Flag(false)
    }
}

impl Issuer {
    pub(super) fn new(
        config: OidcConfig,
        redirect_uri: String,
        http: Client,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            config,
            redirect_uri,
            http,
            clock,
            found: OnceCell::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.config.issuer
    }

    /// Where a person signs in for this attempt.
    pub(super) async fn authorization_url(&self, attempt: &Attempt) -> Result<String, IssuerError> {
        let mut url = self.found().await?.authorization.clone();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&attempt.verifier));
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", self.config.client_id.as_str()),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("scope", self.config.scopes.as_str()),
            ("state", attempt.state.as_str()),
            ("nonce", attempt.nonce.as_str()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]);
        Ok(url.into())
    }

    /// Exchanges a code for whom the issuer vouches for.
    pub(super) async fn exchange(
        &self,
        code: &str,
        attempt: &Attempt,
        now: Timestamp,
    ) -> Result<Vouched, IssuerError> {
        let tokens = self
            .tokens(&[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", &self.redirect_uri),
                ("code_verifier", &attempt.verifier),
            ])
            .await?;
        let Some(token) = tokens.id_token else {
            return Err(refused("it gave no id token"));
        };
        let claims: IdToken = match self.found().await?.keys.verify(&token).await {
            Ok(claims) => claims,
            Err(VerifyError::Refused(refusal)) => return Err(refused(&refusal.to_string())),
            Err(VerifyError::KeysUnavailable(error)) => {
                return Err(IssuerError::Unavailable(error.to_string()));
            }
        };
        self.check(&claims, attempt, now)?;
        let email = claims.email.filter(|_| claims.email_verified.is_true());
        let email = email.and_then(|email| EmailAddress::parse(&email.to_lowercase()).ok());
        Ok(Vouched {
            email,
            name: claims
                .name
                .and_then(|name| text::line(&text::harmless(&name), MAX_NAME))
                .unwrap_or_default(),
            refresh_token: tokens.refresh_token.map(|token| token.0),
        })
    }

    /// Source: `OpenID` Connect Core 1.0, 3.1.3.7.
    fn check(
        &self,
        claims: &IdToken,
        attempt: &Attempt,
        now: Timestamp,
    ) -> Result<(), IssuerError> {
        let us = &self.config.client_id;
        let (is_for_us, is_for_others) = match &claims.aud {
            Audience::One(one) => (one == us, false),
            Audience::Several(several) => (several.contains(us), several.len() > 1),
        };
        let is_our_party = match &claims.azp {
            Some(party) => party == us,
            None => !is_for_others,
        };
        if claims.iss != self.config.issuer {
            return Err(refused("its id token is from another issuer"));
        }
        if !is_for_us || !is_our_party {
            return Err(refused("its id token is for another client"));
        }
        if claims.nonce.as_deref() != Some(attempt.nonce.as_str()) {
            return Err(refused("its id token belongs to another attempt"));
        }
        check_time(now, claims.nbf, claims.exp, LEEWAY)
            .map_err(|refusal| refused(&refusal.to_string()))
    }

    /// Asks whether somebody may stay signed in; answers by what to ask next time.
    pub(super) async fn refresh(&self, token: &SecretString) -> Result<SecretString, IssuerError> {
        let tokens = self
            .tokens(&[
                ("grant_type", "refresh_token"),
                ("refresh_token", token.expose_secret()),
            ])
            .await?;
        Ok(tokens
            .refresh_token
            .map_or_else(|| token.clone(), |token| token.0))
    }

    async fn tokens(&self, asked: &[(&str, &str)]) -> Result<Tokens, IssuerError> {
        let found = self.found().await?;
        let mut form = asked.to_vec();
        form.push(("client_id", &self.config.client_id));
        form.push(("client_secret", self.config.client_secret.expose_secret()));
        let request = self.http.post(&found.token).form(&form);
        let answer = sent(request.deadline(DEADLINE).max_body_bytes(MAX_ANSWER_BYTES)).await?;
        match answer.status {
            StatusCode::OK => answer
                .json()
                .map_err(|_| IssuerError::Unavailable("its answer cannot be read".to_owned())),
            StatusCode::BAD_REQUEST => Err(refused("it refused the code or the token")),
            status => Err(IssuerError::Unavailable(format!("it answered {status}"))),
        }
    }

    async fn found(&self) -> Result<&Found, IssuerError> {
        self.found.get_or_try_init(|| self.find()).await
    }

    async fn find(&self) -> Result<Found, IssuerError> {
        let issuer = &self.config.issuer;
        let url = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let request = self.http.get(url);
        let answer = sent(request.deadline(DEADLINE).max_body_bytes(MAX_ANSWER_BYTES)).await?;
        let wrong = |what: &str| IssuerError::Unavailable(format!("its description {what}"));
        let described: Discovery = match answer.status {
            StatusCode::OK => answer.json().map_err(|_| wrong("cannot be read"))?,
            status => return Err(IssuerError::Unavailable(format!("it answered {status}"))),
        };
        if described.issuer != *issuer {
            return Err(wrong("is another issuer's"));
        }
        let all = [
            &described.authorization_endpoint,
            &described.token_endpoint,
            &described.jwks_uri,
        ];
        if !all.into_iter().all(|url| is_trustworthy(url)) {
            return Err(wrong("names a URL that cannot be trusted"));
        }
        let keys = FetchedKeys::new(
            self.http.clone(),
            described.jwks_uri,
            &ALGORITHMS,
            self.clock.clone(),
        );
        Ok(Found {
            authorization: Url::parse(&described.authorization_endpoint)
                .map_err(|_| wrong("names no URL"))?,
            token: described.token_endpoint,
            keys: Keys::Fetched(keys),
        })
    }
}

impl Verified {
    fn is_true(&self) -> bool {
        match self {
            Self::Flag(flag) => *flag,
            Self::Word(word) => word == "true",
        }
    }
}

async fn sent(request: http_client::Request<'_>) -> Result<Response, IssuerError> {
    let answer = request.send().await;
    answer.map_err(|error| IssuerError::Unavailable(error.to_string()))
}

fn refused(reason: &str) -> IssuerError {
    tracing::info!("the issuer's answer does not sign in: {reason}");
    IssuerError::Refused
}
