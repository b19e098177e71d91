//! Proving a token genuine.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

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
    /// Each issuer with its keys, which sign for no other.
    issuers: Vec<(Trust, Keys)>,
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
    /// A role for each tenant, where `roles` would say the same of all.
    #[serde(default)]
    tenant_roles: BTreeMap<String, String>,
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
            issuers: vec![(trust, Keys::Given(Arc::new(keys)))],
        }
    }

    /// A verifier of tokens of an issuer that publishes its keys.
    pub fn of_issuer(trust: Trust, keys: FetchedKeys) -> Self {
        Self {
            issuers: vec![(trust, Keys::Fetched(keys))],
        }
    }

    /// The same, and tokens that the product signs itself for who signed in here. They are looked at first, because
    /// their keys are at hand.
    #[must_use]
    pub fn with_own(mut self, trust: Trust, keys: KeySet) -> Self {
        self.issuers.insert(0, (trust, Keys::Given(Arc::new(keys))));
        self
    }

    /// The keys, as they are published.
    ///
    /// # Errors
    /// [`Unavailable`] while an issuer's were never fetched.
    pub async fn jwks(&self) -> Result<JwkSet, Unavailable> {
        let mut all = JwkSet { keys: Vec::new() };
        for (_, keys) in &self.issuers {
            all.keys.extend(keys.key_set().await?.jwks().keys.clone());
        }
        Ok(all)
    }

    /// Proves a token genuine, and valid at this time. Waits only if an issuer's keys must be fetched.
    ///
    /// # Errors
    /// [`VerifyError`]: what is wrong with it, or that it could not be decided.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, VerifyError> {
        let (trust, claims) = self.claims(token).await?;
        if claims.iss != trust.issuer {
            return Err(Refusal::Issuer.into());
        }
        if !claims.aud.names(&trust.audience) {
            return Err(Refusal::Audience.into());
        }
        check_time(now, claims.nbf, claims.exp, LEEWAY)?;
        Ok(claims.into_caller())
    }

    /// What the token says, and whose key signed it.
    async fn claims(&self, token: &str) -> Result<(&Trust, Claims), VerifyError> {
        for (trust, keys) in &self.issuers {
            match keys.verify(token).await {
                Ok(claims) => return Ok((trust, claims)),
                Err(VerifyError::Refused(Refusal::UnknownKey)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Refusal::UnknownKey.into())
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
        // A role of a tenant ends there: the platform's is none of them.
        let of_tenants = self.tenant_roles.iter().filter_map(|(slug, role)| {
            let role = role
                .parse()
                .ok()
                .filter(|role| *role < Role::PlatformAdmin)?;
            Some((TenantId::new(slug).ok()?, role))
        });
        // It was compared with the time before: it is a number.
        let lasts = Duration::try_from_secs_f64(self.exp).unwrap_or_default();
        Caller {
            valid_until: later(Timestamp::UNIX_EPOCH, lasts.saturating_add(LEEWAY)),
            role: roles.max(),
            tenants: tenants.collect(),
            tenant_roles: of_tenants.collect(),
            is_program: false,
            may_post_leads: false,
            subject: self.sub,
        }
    }
}
