//! Outside effects that must happen once: written down before, settled after, looked up when in doubt.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Claim, Clock, EffectEnd, EffectLog, Intent, StoreError, later};

/// The stable name of an effect: `{kind}/{subject}/{target}/{revision}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectKey(String);

impl EffectKey {
    /// Builds a key. The parts must be ours (ids, slugs, hashes), never text from outside.
    pub fn new(
        kind: &str,
        subject: &dyn fmt::Display,
        target: &str,
        revision: &dyn fmt::Display,
    ) -> Self {
        Self(format!("{kind}/{subject}/{target}/{revision}"))
    }

    /// A key as it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How long a call may take and how long its traces may take to show.
#[derive(Debug, Clone, Copy)]
pub struct EffectTiming {
    /// The call's own deadline.
    pub call_deadline: Duration,
    /// How long after the call the provider's records may still lack it.
    pub lag: Duration,
    /// An absence counts only from here on: while we were away, the provider's word could not reach us.
    pub not_before: Option<Timestamp>,
    /// How often it may be begun in all.
    pub max_attempts: u32,
}

/// What looking for an effect found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// It happened; this is what the outside calls it.
    Found(String),
    /// It did not happen.
    Absent,
}

/// Why a write did not end well, as the code that knows the provider tells.
pub trait EffectFailure {
    /// Whether the outside may have done it all the same.
    fn is_outcome_unknown(&self) -> bool;
}

/// What came of [`Effects::once`].
#[derive(Debug)]
pub enum Once<E> {
    /// It is done; this is what the outside calls it.
    Done(String),
    /// What came of an earlier attempt is not known yet: look again then.
    NotYet(Timestamp),
    /// It was begun as often as is allowed, and never seen to happen.
    GaveUp,
    /// The write, or looking, failed.
    Failed(E),
    /// The claim is no longer valid: stop.
    Stale,
    /// Our own record failed.
    Store(StoreError),
}

/// Does outside effects once, for one claim.
#[derive(Clone)]
pub struct Effects {
    log: Arc<dyn EffectLog>,
    clock: Arc<dyn Clock>,
    claim: Claim,
}

impl Effects {
    /// Effects of one claim.
    pub fn new(log: Arc<dyn EffectLog>, clock: Arc<dyn Clock>, claim: Claim) -> Self {
        Self { log, clock, claim }
    }

    /// Does an effect unless it was done. An earlier attempt whose outcome is not known is looked up first, and not
    /// before its traces must show; only when it is absent is it begun again.
    pub async fn once<E, L, W>(
        &self,
        key: &EffectKey,
        timing: EffectTiming,
        lookup: impl FnOnce() -> L,
        write: impl FnOnce() -> W,
    ) -> Once<E>
    where
        E: EffectFailure,
        L: Future<Output = Result<Lookup, E>>,
        W: Future<Output = Result<String, E>>,
    {
        let intent = match self
            .log
            .intend(&self.claim, key, timing.call_deadline)
            .await
        {
            Ok(intent) => intent,
            Err(error) => return Once::Store(error),
        };
        match intent {
            Intent::Begin => {}
            Intent::Done { remote_id } => return Once::Done(remote_id),
            Intent::Stale => return Once::Stale,
            Intent::Unknown {
                intended_at,
                attempts,
            } => {
                let settled_at = later(later(intended_at, timing.call_deadline), timing.lag);
                let settled_at = timing
                    .not_before
                    .map_or(settled_at, |at| at.max(settled_at));
                if self.clock.now() < settled_at {
                    return Once::NotYet(settled_at);
                }
                match lookup().await {
                    Ok(Lookup::Found(remote_id)) => return self.conclude(key, remote_id).await,
                    Ok(Lookup::Absent) if attempts >= timing.max_attempts => return Once::GaveUp,
                    Ok(Lookup::Absent) => {}
                    Err(error) => return Once::Failed(error),
                }
                match self
                    .log
                    .intend_again(&self.claim, key, timing.call_deadline)
                    .await
                {
                    Ok(Intent::Begin) => {}
                    Ok(Intent::Done { remote_id }) => return Once::Done(remote_id),
                    Ok(Intent::Unknown { .. } | Intent::Stale) => return Once::Stale,
                    Err(error) => return Once::Store(error),
                }
            }
        }
        match write().await {
            Ok(remote_id) => self.conclude(key, remote_id).await,
            Err(error) if error.is_outcome_unknown() => Once::Failed(error),
            Err(error) => match self
                .log
                .conclude(&self.claim, key, EffectEnd::Refused)
                .await
            {
                Ok(()) => Once::Failed(error),
                Err(store) => Once::Store(store),
            },
        }
    }

    async fn conclude<E>(&self, key: &EffectKey, remote_id: String) -> Once<E> {
        let end = EffectEnd::Done {
            remote_id: remote_id.clone(),
        };
        match self.log.conclude(&self.claim, key, end).await {
            Ok(()) => Once::Done(remote_id),
            Err(error) => Once::Store(error),
        }
    }
}
