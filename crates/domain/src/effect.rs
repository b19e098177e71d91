//! Outside effects that must happen once: recorded as intended before, as settled after, and looked up when in doubt.
//!
//! [`intend`] and [`conclude`] decide; a store's [`EffectLog`] only loads the record and saves what they answer.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Claim, Clock, Receipt, RequestId, StoreError, later, words::words};

/// The stable name of an effect: `{kind}/{subject}/{target}/{revision}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectKey(String);

impl EffectKey {
    /// Hexadecimal digits of a recipient's hash in a message's id.
    pub const RECIPIENT_DIGITS: usize = 16;

    /// Builds a key. The parts must be ours (ids, slugs, hashes), never text from outside.
    pub fn new(
        kind: &str,
        subject: &dyn fmt::Display,
        target: &str,
        revision: &dyn fmt::Display,
    ) -> Self {
        Self(format!("{kind}/{subject}/{target}/{revision}"))
    }

    /// The key of the message that we sent under this id: `email/{request}/{hash}/{revision}` for
    /// `{request}.{hash}.{revision}`. `None` if the id is not one of ours.
    pub fn of_message(id: &str) -> Option<Self> {
        let (request, rest) = id.split_once('.')?;
        let (hash, revision) = rest.split_once('.')?;
        let revision = revision
            .parse::<u32>()
            .ok()
            .filter(|number| number.to_string() == revision)?;
        let request: RequestId = request.parse().ok()?;
        let is_hash = hash.len() == Self::RECIPIENT_DIGITS
            && hash
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        is_hash.then(|| Self::new("email", &request, hash, &revision))
    }

    /// The key of a message in a team's chat that we sent under this id, by this provider:
    /// `{channel}/{request}/{hash}/{revision}`. No receipt names one. `None` if the id is not one of ours.
    pub fn of_post(channel: &str, id: &str) -> Option<Self> {
        let Self(key) = Self::of_message(id)?;
        let rest = key.strip_prefix("email")?;
        Some(Self(format!("{channel}{rest}")))
    }

    /// The request that a message was about.
    pub fn request(&self) -> Option<RequestId> {
        self.0
            .strip_prefix("email/")?
            .split('/')
            .next()?
            .parse()
            .ok()
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

/// What is known of an outside effect when it is about to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectIntent {
    /// It is written down as intended: do it now.
    Begin,
    /// It was done; this is what the outside calls it.
    Done {
        /// The outside's id.
        remote_id: String,
    },
    /// It was intended before, and what came of it is not known.
    Unknown {
        /// When.
        intended_at: Timestamp,
        /// How often it was begun.
        attempts: u32,
    },
    /// The claim is no longer valid: do nothing.
    Stale,
}

/// How an effect ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectEnd {
    /// It was done; this is what the outside calls it.
    Done {
        /// The outside's id.
        remote_id: String,
    },
    /// It was refused: nothing happened outside.
    Refused,
    /// It was begun as often as is allowed, and never seen to happen.
    GivenUp,
}

/// The record of outside effects: intended before, settled after.
#[async_trait]
pub trait EffectLog: Send + Sync {
    /// Writes an effect down as intended, unless it is known; renews the claim's lease past `call_deadline`.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was written, or it is not known.
    async fn intend(
        &self,
        claim: &Claim,
        key: &EffectKey,
        call_deadline: Duration,
    ) -> Result<EffectIntent, StoreError>;

    /// Writes an effect down as intended once more, after looking has shown that it did not happen.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was written, or it is not known.
    async fn intend_again(
        &self,
        claim: &Claim,
        key: &EffectKey,
        call_deadline: Duration,
    ) -> Result<EffectIntent, StoreError>;

    /// Writes down how an effect ended. Harmless when it is known already; `Done` is never taken back, and `Refused`
    /// counts only from the claim that begun it last: a worker that was overtaken knows nothing of the newer attempt.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was written, or it is not known.
    async fn conclude(
        &self,
        claim: &Claim,
        key: &EffectKey,
        end: EffectEnd,
    ) -> Result<(), StoreError>;
}

/// How far past a call's deadline a claim's lease reaches once an effect is intended.
pub const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// The record of an effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Which run of which step began it last; see [`Effect::owner_of`].
    pub owner: String,
    /// Where it stands.
    pub state: EffectState,
    /// When it was last begun.
    pub intended_at: Timestamp,
    /// How often it was begun.
    pub attempts: u32,
    /// What the outside calls it, once it is done.
    pub remote_id: Option<String>,
}

words! {
    /// Where an effect stands.
    pub enum EffectState ("an effect's state") {
        /// Begun; what came of it is not known.
        Intended => "intended",
        /// It happened. That is never taken back.
        Done => "done",
        /// It was refused: nothing happened outside.
        Refused => "refused",
        /// Begun as often as is allowed, and never seen to happen. It may have: a late receipt still makes it done.
        GivenUp => "given_up",
    }
}

impl Effect {
    /// The run of a step that a claim is.
    pub fn owner_of(claim: &Claim) -> String {
        let Claim { key, token } = claim;
        format!("{}/{}#{token}", key.request, key.stage)
    }
}

/// Decides whether an effect may begin. `is_seen_absent`: a lookup has shown that the attempt before did not happen.
/// Returns what the caller is told, and the record to save, if it changes. The claim must be valid, and its lease
/// renewed past the call's deadline, in the same transaction.
pub fn intend(
    known: Option<&Effect>,
    claim: &Claim,
    now: Timestamp,
    is_seen_absent: bool,
) -> (EffectIntent, Option<Effect>) {
    let attempts = match known {
        None => 0,
        Some(effect) => match effect.state {
            EffectState::Done => {
                let remote_id = effect.remote_id.clone().unwrap_or_default();
                return (EffectIntent::Done { remote_id }, None);
            }
            EffectState::Intended | EffectState::GivenUp if !is_seen_absent => {
                let unknown = EffectIntent::Unknown {
                    intended_at: effect.intended_at,
                    attempts: effect.attempts,
                };
                return (unknown, None);
            }
            EffectState::Intended | EffectState::GivenUp => effect.attempts,
            // A refused attempt did nothing outside, so it does not count.
            EffectState::Refused => effect.attempts.saturating_sub(1),
        },
    };
    let begun = Effect {
        owner: Effect::owner_of(claim),
        state: EffectState::Intended,
        intended_at: now,
        attempts: attempts.saturating_add(1),
        remote_id: None,
    };
    (EffectIntent::Begin, Some(begun))
}

/// Decides what an end, as the claim that began it knows it, makes of an effect. Returns the record to save, if it
/// changes. An effect that nobody intended is not made.
pub fn conclude(known: Effect, claim: &Claim, end: &EffectEnd) -> Option<Effect> {
    let (state, counts) = match end {
        EffectEnd::Done { remote_id } => return done(known, remote_id),
        EffectEnd::Refused => (EffectState::Refused, known.owner == Effect::owner_of(claim)),
        // Said by whoever looked for it last. Nobody begins it again once the attempts are used up.
        EffectEnd::GivenUp => (EffectState::GivenUp, true),
    };
    (known.state == EffectState::Intended && counts).then_some(Effect { state, ..known })
}

/// Begins the remote id of a message that ended without being sent: the provider refused it, or will not deliver it.
pub const REFUSED: &str = "refused: ";

/// Decides what a provider's receipt makes of an effect: it happened. One that will not be delivered has ended, too,
/// and its remote id says why, whatever it was before. Returns the record to save, if it changes.
pub fn happened(known: Effect, receipt: &Receipt) -> Option<Effect> {
    if !receipt.is_undelivered {
        return done(known, &receipt.remote_id);
    }
    let remote_id = Some(format!("{REFUSED}{}", receipt.reason_undelivered()));
    let is_ended = known
        .remote_id
        .as_deref()
        .is_some_and(|id| id.starts_with(REFUSED));
    (known.state != EffectState::Done || !is_ended).then_some(Effect {
        state: EffectState::Done,
        remote_id,
        ..known
    })
}

fn done(known: Effect, remote_id: &str) -> Option<Effect> {
    (known.state != EffectState::Done).then(|| Effect {
        state: EffectState::Done,
        remote_id: Some(remote_id.to_owned()),
        ..known
    })
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
    /// The outside tells nobody. The effect is given up: begun again, it might happen twice.
    CannotTell,
}

/// Why a write did not end well, as the code that knows the provider tells.
pub trait EffectFailure {
    /// Whether the outside may have done it all the same.
    fn is_outcome_unknown(&self) -> bool;
}

/// What came of [`Effects::once`].
#[derive(Debug)]
pub enum EffectOutcome<E> {
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
    ) -> EffectOutcome<E>
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
            Err(error) => return EffectOutcome::Store(error),
        };
        match intent {
            EffectIntent::Begin => {}
            EffectIntent::Done { remote_id } => return EffectOutcome::Done(remote_id),
            EffectIntent::Stale => return EffectOutcome::Stale,
            EffectIntent::Unknown {
                intended_at,
                attempts,
            } => {
                let settled_at = later(later(intended_at, timing.call_deadline), timing.lag);
                let settled_at = timing
                    .not_before
                    .map_or(settled_at, |at| at.max(settled_at));
                if self.clock.now() < settled_at {
                    return EffectOutcome::NotYet(settled_at);
                }
                match lookup().await {
                    Ok(Lookup::Found(remote_id)) => return self.done(key, remote_id).await,
                    Ok(found) if found == Lookup::CannotTell || attempts >= timing.max_attempts => {
                        let outcome = EffectOutcome::GaveUp;
                        return self.conclude(key, EffectEnd::GivenUp, outcome).await;
                    }
                    Ok(Lookup::Absent | Lookup::CannotTell) => {}
                    Err(error) => return EffectOutcome::Failed(error),
                }
                match self
                    .log
                    .intend_again(&self.claim, key, timing.call_deadline)
                    .await
                {
                    Ok(EffectIntent::Begin) => {}
                    Ok(EffectIntent::Done { remote_id }) => return EffectOutcome::Done(remote_id),
                    Ok(EffectIntent::Unknown { .. } | EffectIntent::Stale) => {
                        return EffectOutcome::Stale;
                    }
                    Err(error) => return EffectOutcome::Store(error),
                }
            }
        }
        match write().await {
            Ok(remote_id) => self.done(key, remote_id).await,
            Err(error) if error.is_outcome_unknown() => EffectOutcome::Failed(error),
            Err(error) => {
                let outcome = EffectOutcome::Failed(error);
                self.conclude(key, EffectEnd::Refused, outcome).await
            }
        }
    }

    async fn done<E>(&self, key: &EffectKey, remote_id: String) -> EffectOutcome<E> {
        let end = EffectEnd::Done {
            remote_id: remote_id.clone(),
        };
        let outcome = EffectOutcome::Done(remote_id);
        self.conclude(key, end, outcome).await
    }

    /// Writes the end down; that is the outcome, if it could be written.
    async fn conclude<E>(
        &self,
        key: &EffectKey,
        end: EffectEnd,
        outcome: EffectOutcome<E>,
    ) -> EffectOutcome<E> {
        match self.log.conclude(&self.claim, key, end).await {
            Ok(()) => outcome,
            Err(error) => EffectOutcome::Store(error),
        }
    }
}
