//! Keys by which programs call: looked up by their hash, kept for a moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Clock, StoreError, later};
use http::{HeaderValue, header::WWW_AUTHENTICATE};
use jiff::Timestamp;
use moka::future::Cache;
use runtime::{Network, Problem};
use sha2::{Digest as _, Sha256};
use store::{ApiKey, Scope, Store, TokenHash};
use tokio::sync::Semaphore;

use super::{Caller, PerMinute};
use crate::random_bytes;

/// How every key begins, so that it is found where it was published by mistake.
pub(crate) const PREFIX: &str = "mip_";
/// Random bytes of a key.
const BYTES: usize = 32;
/// Letters of the check behind them: a key that was mistyped or made up is not looked up.
const CHECK: usize = 6;
/// Letters of a key that are shown for good.
const SHOWN: usize = 12;
/// How long an answer is kept. A key that another process revoked is refused after this time.
pub(crate) const FRESH_FOR: Duration = Duration::from_secs(5);
/// Most answers that are kept, those for unknown keys among them.
const CAPACITY: u64 = 10_000;
/// Keys that are looked up at once. Whoever makes up keys keeps the store no busier than this.
const ASKED_AT_ONCE: usize = 8;
/// Unknown keys of one network that are looked up within a minute.
const UNKNOWN_PER_MINUTE: u32 = 30;

/// How long what a key opened may go on before the key is looked at again.
const LONGEST_CALL: Duration = Duration::from_secs(10 * 60);

/// Tells genuine keys from others.
pub struct KeyRing {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    known: Cache<TokenHash, Option<Arc<ApiKey>>>,
    asking: Semaphore,
    unknown: PerMinute<Network>,
}

/// A key that was just made.
pub(crate) struct NewKey {
    /// The key, to be shown once.
    pub(crate) text: String,
    /// How it begins.
    pub(crate) prefix: String,
    /// What is kept of it.
    pub(crate) hash: TokenHash,
}

impl NewKey {
    /// Draws a key.
    pub(crate) fn draw() -> Result<Self, Problem> {
        let secret = URL_SAFE_NO_PAD.encode(random_bytes::<BYTES>()?);
        let text = format!("{PREFIX}{secret}{}", check(&secret));
        Ok(Self {
            prefix: text.chars().take(SHOWN).collect(),
            hash: TokenHash::of(&text),
            text,
        })
    }
}

/// What stands behind the secret part of a key.
fn check(secret: &str) -> String {
    let mut digest = hex::encode(Sha256::digest(secret));
    digest.truncate(CHECK);
    digest
}

fn is_well_formed(text: &str) -> bool {
    let secret = text.strip_prefix(PREFIX).and_then(|rest| {
        let (secret, found) = rest.split_at_checked(rest.len().checked_sub(CHECK)?)?;
        (found == check(secret)).then_some(secret)
    });
    secret.is_some_and(|secret| {
        URL_SAFE_NO_PAD
            .decode(secret)
            .is_ok_and(|bytes| bytes.len() == BYTES)
    })
}

impl KeyRing {
    /// The keys of this store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        let known = Cache::builder()
            .max_capacity(CAPACITY)
            .time_to_live(FRESH_FOR)
            .build();
        Self {
            store,
            known,
            asking: Semaphore::new(ASKED_AT_ONCE),
            unknown: PerMinute::new(UNKNOWN_PER_MINUTE, clock.clone()),
            clock,
        }
    }

    /// Proves a key genuine, and in use now. That it is used is written down once a minute.
    ///
    /// # Errors
    /// 401 for every other; 429 when its network sent too many that are unknown.
    pub(crate) async fn verify(&self, text: &str, network: Network) -> Result<Caller, Problem> {
        if !is_well_formed(text) {
            return Err(refused("it is not one of ours; copy it again"));
        }
        let hash = TokenHash::of(text);
        let found = match self.known.get(&hash).await {
            Some(known) => known,
            None => {
                self.unknown.check(network)?;
                let asked = self.known.try_get_with(hash, self.ask(&hash)).await;
                asked.map_err(|error: Arc<StoreError>| Problem::from((*error).clone()))?
            }
        };
        let Some(key) = found else {
            self.unknown.take(network)?;
            return Err(refused("there is no such key"));
        };
        let now = self.clock.now();
        if key.revoked_at.is_some() {
            return Err(refused("it was revoked"));
        }
        if !key.is_active(now) {
            return Err(refused("it has expired; create a new one"));
        }
        if key.is_use_news(now) {
            self.note_use(&key).await;
        }
        Ok(caller(&key, now))
    }

    async fn ask(&self, hash: &TokenHash) -> store::Result<Option<Arc<ApiKey>>> {
        let _permit = self.asking.acquire().await;
        let found = self.store.api_key_by_hash_across_tenants(hash).await?;
        Ok(found.map(Arc::new))
    }

    /// A key whose use cannot be written down is taken all the same.
    async fn note_use(&self, key: &ApiKey) {
        match self.store.note_api_key_use(&key.tenant, key.id).await {
            Ok(()) => {
                let noted = ApiKey {
                    last_used_at: Some(self.clock.now()),
                    ..key.clone()
                };
                self.known.insert(key.hash, Some(Arc::new(noted))).await;
            }
            Err(error) => tracing::warn!(key.id = %key.id, "could not note a key's use: {error}"),
        }
    }

    /// Forgets a key that was changed, so that this process asks anew.
    pub(crate) async fn forget(&self, key: &ApiKey) {
        self.known.invalidate(&key.hash).await;
    }
}

fn caller(key: &ApiKey, now: Timestamp) -> Caller {
    let looked_at_again = later(now, LONGEST_CALL);

    let tenant = key.tenant.clone();
    let role = key.role().map(Into::into);
    Caller {
        subject: key.id.to_string(),
        role: None,
        tenants: BTreeSet::from([tenant.clone()]),
        tenant_roles: BTreeMap::from_iter(role.map(|role| (tenant, role))),
        is_program: true,
        may_post_leads: key.scopes.contains(&Scope::Ingest),
        valid_until: key
            .expires_at
            .map_or(looked_at_again, |ends| ends.min(looked_at_again)),
    }
}

fn refused(reason: &str) -> Problem {
    let challenge = HeaderValue::from_static(r#"Bearer error="invalid_token""#);
    Problem::unauthorized(format!("The API key is refused: {reason}."))
        .with_header(WWW_AUTHENTICATE, challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_by_its_check() {
        let key = NewKey::draw().unwrap();
        assert!(is_well_formed(&key.text) && key.text.starts_with(&key.prefix));
        assert_eq!(key.prefix.len(), SHOWN);
        let changed = key.text.replace(PREFIX, "mip_A");
        for text in [
            "mip_",
            "mip_abc",
            "mip_ébcdef",
            &changed,
            &key.text.to_lowercase(),
        ] {
            assert!(!is_well_formed(text), "{text}");
        }
    }
}
