//! An issuer's keys, fetched when they are needed and kept for as long as it says.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use domain::Clock;
use http_client::{Client, Response, StatusCode, Url, redact_url};
use jsonwebtoken::{Algorithm, jwk::JwkSet};
use tokio::sync::Mutex;

use crate::{Key, KeySet};

/// Largest set that is read, in bytes. Sets usually have a few thousand.
const MAX_SET_BYTES: u64 = 256 * 1024;
/// How long a fetch may take. The caller waits for it.
const FETCH_DEADLINE: Duration = Duration::from_secs(5);
/// How long keys are fresh if the answer does not say, and the bounds of what it can say.
const FRESH: Duration = Duration::from_secs(60 * 60);
const FRESH_LEAST: Duration = Duration::from_secs(60);
const FRESH_MOST: Duration = Duration::from_secs(24 * 60 * 60);
/// Least time between two fetches, however many tokens name unknown keys; and the same while there are no keys.
const PAUSE: Duration = Duration::from_secs(60);
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(5);

/// The keys that an issuer publishes at a URL. Clones share them: one serves every verifier of a process.
///
/// While the endpoint is down, the last fetched keys stay in use: issuers announce new ones ahead.
#[derive(Clone)]
pub struct FetchedKeys(Arc<Inner>);

/// The keys were never fetched, so no token can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the keys could not be fetched")]
pub struct Unavailable {
    /// When a retry may succeed.
    pub retry_after: Duration,
}

struct Inner {
    url: String,
    algorithms: Vec<Algorithm>,
    client: Client,
    clock: Arc<dyn Clock>,
    state: RwLock<State>,
    /// Held while keys are fetched.
    fetching: Arc<Mutex<()>>,
}

#[derive(Default)]
struct State {
    keys: Option<Arc<KeySet>>,
    /// By the monotonic clock.
    fresh_until: Duration,
    /// When the last fetch began, by the monotonic clock.
    asked_at: Option<Duration>,
}

impl FetchedKeys {
    /// The keys at `url` that are for one of these algorithms (see [`KeySet::new`]). Nothing is fetched yet.
    pub fn new(
        client: Client,
        url: impl Into<String>,
        algorithms: &[Algorithm],
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Inner {
            url: url.into(),
            algorithms: algorithms.to_vec(),
            client,
            clock,
            state: RwLock::default(),
            fetching: Arc::default(),
        }))
    }

    /// The key with this `kid`; `None` if the issuer has none, as far as we know. Calls that need a fetch share it, and
    /// unknown keys cause at most one a minute.
    ///
    /// # Errors
    /// [`Unavailable`] while they were never fetched.
    pub async fn find(&self, kid: &str) -> Result<Option<Arc<Key>>, Unavailable> {
        let (keys, is_fresh) = self.0.held();
        let known = keys.and_then(|keys| keys.get(kid).cloned());
        if known.is_some() && is_fresh {
            return Ok(known);
        }
        self.renew(known.is_none()).await;
        Ok(self.now()?.get(kid).cloned())
    }

    /// All keys. Calls that need a fetch share it.
    ///
    /// # Errors
    /// [`Unavailable`] while they were never fetched.
    pub async fn key_set(&self) -> Result<Arc<KeySet>, Unavailable> {
        let (keys, is_fresh) = self.0.held();
        if !is_fresh {
            self.renew(keys.is_none()).await;
        }
        self.now()
    }

    /// Fetches if it is time. While another call fetches, this one waits only if it must (`must_wait`).
    async fn renew(&self, must_wait: bool) {
        let fetching = Arc::clone(&self.0.fetching);
        let guard = if must_wait {
            fetching.lock_owned().await
        } else {
            let Ok(guard) = fetching.try_lock_owned() else {
                return;
            };
            guard
        };
        if !self.0.take_fetch() {
            return;
        }
        let keys = Arc::clone(&self.0);
        // In a task of its own: otherwise a caller who hangs up would abort the fetch, and one who does so every minute
        // would keep new keys out.
        let fetch = tokio::spawn(async move {
            keys.fetch().await;
            drop(guard);
        });
        if let Err(error) = fetch.await {
            tracing::error!("the fetch of an issuer's keys was aborted: {error}");
        }
    }

    fn now(&self) -> Result<Arc<KeySet>, Unavailable> {
        let (keys, _) = self.0.held();
        keys.ok_or(Unavailable {
            retry_after: PAUSE_WITHOUT_KEYS,
        })
    }
}

impl Inner {
    /// The last fetched keys, and whether they are fresh.
    fn held(&self) -> (Option<Arc<KeySet>>, bool) {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = self.clock.monotonic() < state.fresh_until;
        (state.keys.clone(), is_fresh)
    }

    /// Whether it is time for a fetch. It is recorded before it begins, so that a failed one counts.
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
                state.keys = Some(Arc::new(keys));
                state.fresh_until = self.clock.monotonic() + fresh_for;
            }
            Err(error) => tracing::warn!(
                url = shown(&self.url),
                "could not fetch an issuer's keys: {error}"
            ),
        }
    }

    async fn ask(&self) -> Result<(KeySet, Duration), String> {
        let answer = self
            .client
            .get(&self.url)
            .deadline(FETCH_DEADLINE)
            .max_body_bytes(MAX_SET_BYTES)
            .send()
            .await
            .map_err(|error| error.to_string())?;
        if answer.status != StatusCode::OK {
            return Err(format!("it answered {}", answer.status));
        }
        let set: JwkSet = answer.json().map_err(|error| error.to_string())?;
        let keys = KeySet::new(&set, &self.algorithms);
        if keys.is_empty() {
            return Err("the answer has no usable key".to_owned());
        }
        Ok((keys, fresh_for(&answer)))
    }
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

/// A URL for logs.
fn shown(url: &str) -> String {
    Url::parse(url).map_or_else(|_| "(no URL)".to_owned(), |url| redact_url(&url))
}

impl fmt::Debug for FetchedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FetchedKeys")
            .field(&shown(&self.0.url))
            .finish()
    }
}
