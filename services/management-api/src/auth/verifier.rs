//! Proving a token genuine.

use std::{sync::Arc, time::Duration};

use domain::{TenantId, later};
use jiff::Timestamp;
use jwks::{FetchedKeys, JwkSet, KeySet, Keys, Refusal, Unavailable, VerifyError, check_time};
use serde::Deserialize;

use super::{Caller, Role};

/// How much the clock of an issuer may differ from ours.
const LEEWAY: Duration = Duration::from_secs(30);

/// Whose tokens count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// Who must have issued a token: its `iss`.
    pub issuer: String,
    /// Whom it must be for: one of its `aud`.
    pub audience: String,
}

/// Tells genuine tokens from others.
#[derive(Debug, Clone)]
pub struct Verifier {
    trust: Trust,
    keys: Keys,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    tenants: Vec<String>,
}

/// RFC 7519, section 4.1.3: an array, or its only member.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Verifier {
    /// A verifier of tokens of this issuer, signed with one of these keys.
    pub fn new(trust: Trust, keys: KeySet) -> Self {
        Self {
            trust,
            keys: Keys::Given(Arc::new(keys)),
        }
    }

    /// A verifier of tokens of an issuer that publishes its keys.
    pub const fn of_issuer(trust: Trust, keys: FetchedKeys) -> Self {
        Self {
            trust,
            keys: Keys::Fetched(keys),
        }
    }

    /// The keys, as they are published.
    ///
    /// # Errors
    /// [`Unavailable`] while an issuer's were never fetched.
    pub async fn jwks(&self) -> Result<JwkSet, Unavailable> {
        Ok(self.keys.key_set().await?.jwks().clone())
    }

    /// Proves a token genuine, and valid at this time. Waits only if an issuer's keys must be fetched.
    ///
    /// # Errors
    /// [`VerifyError`]: what is wrong with it, or that it could not be decided.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, VerifyError> {
        let claims: Claims = self.keys.verify(token).await?;
        if claims.iss != self.trust.issuer {
            return Err(Refusal::Issuer.into());
        }
        if !claims.aud.names(&self.trust.audience) {
            return Err(Refusal::Audience.into());
        }
        check_time(now, claims.nbf, claims.exp, LEEWAY)?;
        Ok(claims.into_caller())
    }
}

impl Audience {
    fn names(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|one| one == audience),
        }
    }
}

impl Claims {
    /// Roles that we do not know, and what cannot be a tenant of ours, grant nothing.
    fn into_caller(self) -> Caller {
        let roles = self
            .roles
            .iter()
            .filter_map(|role| role.parse::<Role>().ok());
        let tenants = self
            .tenants
            .iter()
            .filter_map(|slug| TenantId::new(slug).ok());
        // It was compared with the time before: it is a number.
        let lasts = Duration::try_from_secs_f64(self.exp).unwrap_or_default();
        Caller {
            role: roles.max(),
            tenants: tenants.collect(),
            valid_until: later(Timestamp::UNIX_EPOCH, lasts.saturating_add(LEEWAY)),
            subject: self.sub,
        }
    }
}
