//! Google's public keys: fetched when they are needed, and kept for as long as Google says.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use domain::Clock;
use http_client::{Client, Response, StatusCode};
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse},
};

use super::VerifyError;

/// Largest set that is read, in bytes. Google's takes about two thousand.
const MAX_SET_BYTES: u64 = 256 * 1024;
/// How long a fetch may take; who called us waits for it.
const FETCH_DEADLINE: Duration = Duration::from_secs(5);
/// How long keys are fresh when the answer does not say, and the bounds of what it can say.
const FRESH: Duration = Duration::from_secs(60 * 60);
const FRESH_LEAST: Duration = Duration::from_secs(60);
const FRESH_MOST: Duration = Duration::from_secs(24 * 60 * 60);
/// Least time between two fetches, however many tokens name keys that are not known; and while there are no keys.
const PAUSE: Duration = Duration::from_secs(60);
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(5);

/// Google's public keys. One set serves every verifier of a process.
///
/// When the endpoint is down, the keys that are there are used on: Google announces new ones days ahead.
pub struct GoogleKeys {
    url: String,
    client: Client,
    clock: Arc<dyn Clock>,
    state: RwLock<State>,
    /// Held by the one that fetches.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    keys: Option<BTreeMap<String, DecodingKey>>,
    /// By the monotonic clock.
    fresh_until: Duration,
    /// When the last fetch began, by the monotonic clock.
    asked_at: Option<Duration>,
}

impl GoogleKeys {
    /// Where Google publishes the keys of its ID tokens.
    ///
    /// Source: Pub/Sub, "Authenticate push subscriptions"; the same as in Google's discovery document.
    pub const URL: &str = "https://www.googleapis.com/oauth2/v3/certs";

    /// The keys at `url`, [`Self::URL`] but in tests. Nothing is fetched yet.
    pub fn new(client: Client, url: impl Into<String>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            url: url.into(),
            client,
            clock,
            state: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
        })
    }

    /// The key with this `kid`; none when Google has none, as far as we know. Calls that need a fetch share it.
    pub(super) async fn find(&self, kid: &str) -> Result<Option<DecodingKey>, VerifyError> {
        let (known, is_fresh) = self.known(kid);
        let turn = match known {
            Some(key) if is_fresh => return Ok(Some(key)),
            // Somebody fetches already; a key that was good just now needs not wait for that.
            Some(key) => match self.turn.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(Some(key)),
            },
            None => self.turn.lock().await,
        };
        if self.take_fetch() {
            self.fetch().await;
        }
        drop(turn);
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        match &state.keys {
            Some(keys) => Ok(keys.get(kid).cloned()),
            None => Err(VerifyError::KeysUnavailable),
        }
    }

    /// What is known of a key, and whether the set is fresh.
    fn known(&self, kid: &str) -> (Option<DecodingKey>, bool) {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let key = state.keys.as_ref().and_then(|keys| keys.get(kid).cloned());
        (key, self.clock.monotonic() < state.fresh_until)
    }

    /// Whether it is time for a fetch; then that is noted before it begins, so that one that is broken off counts.
    fn take_fetch(&self) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.monotonic();
        let pause = if state.keys.is_some() {
            PAUSE
        } else {
            PAUSE_WITHOUT_KEYS
        };
        let is_time = state
            .asked_at
            .is_none_or(|asked_at| now.saturating_sub(asked_at) >= pause);
        if is_time {
            state.asked_at = Some(now);
        }
        is_time
    }

    async fn fetch(&self) {
        match self.ask().await {
            Ok((keys, fresh_for)) => {
                let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
                state.keys = Some(keys);
                state.fresh_until = self.clock.monotonic() + fresh_for;
            }
            Err(error) => tracing::warn!("could not fetch Google's keys: {error}"),
        }
    }

    async fn ask(&self) -> Result<(BTreeMap<String, DecodingKey>, Duration), String> {
        let answer = self
            .client
            .get(&self.url)
            .deadline(FETCH_DEADLINE)
            .max_body_bytes(MAX_SET_BYTES)
            .send()
            .await
            .map_err(|error| error.to_string())?;
        if answer.status != StatusCode::OK {
            return Err(format!("the answer's status is {}", answer.status));
        }
        let set: JwkSet = answer.json().map_err(|error| error.to_string())?;
        let keys: BTreeMap<_, _> = set.keys.iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err("the answer has no key that can be used".to_owned());
        }
        Ok((keys, fresh_for(&answer)))
    }
}

/// A key by its `kid`, if it is for what Google signs with.
fn usable(jwk: &Jwk) -> Option<(String, DecodingKey)> {
    let is_rsa = matches!(jwk.algorithm, AlgorithmParameters::RSA(_));
    let is_rs256 = jwk
        .common
        .key_algorithm
        .is_none_or(|named| named == KeyAlgorithm::RS256);
    let signs = matches!(
        jwk.common.public_key_use,
        None | Some(PublicKeyUse::Signature)
    );
    let kid = jwk.common.key_id.clone()?;
    let key = DecodingKey::from_jwk(jwk).ok()?;
    (is_rsa && is_rs256 && signs).then_some((kid, key))
}

/// How long the answer may be used, within bounds. Source: RFC 9111, `max-age` and `Age`.
fn fresh_for(answer: &Response) -> Duration {
    let seconds = |text: &str| text.trim().parse().ok().map(Duration::from_secs);
    let age = answer.header("age").and_then(seconds).unwrap_or_default();
    let named = answer.header("cache-control").and_then(|header| {
        header.split(',').find_map(|part| {
            let (name, value) = part.trim().split_once('=')?;
            name.eq_ignore_ascii_case("max-age")
                .then(|| seconds(value.trim_matches('"')))?
        })
    });
    named
        .map_or(FRESH, |most| most.saturating_sub(age))
        .clamp(FRESH_LEAST, FRESH_MOST)
}

impl std::fmt::Debug for GoogleKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GoogleKeys").finish_non_exhaustive()
    }
}
