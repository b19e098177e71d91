//! Writes that one push at a time may do: begun once, looked for when in doubt.

use std::{sync::Arc, time::Duration};

use domain::{Clock, EffectKey, EffectOutcome, EffectTiming, Effects, Lookup};

use crate::PushError;

/// How often one record is begun in all where the CRM has no unique key for it.
const MAX_ATTEMPTS: u32 = 5;
/// When a push that meets another one looks again: a call is over by then as a rule.
const SOON: Duration = Duration::from_secs(2);

/// The record of effects, for one account.
pub(crate) struct Once<'a> {
    pub(crate) effects: &'a Effects,
    pub(crate) clock: Arc<dyn Clock>,
    /// The connection's name.
    pub(crate) target: &'a str,
    pub(crate) call_deadline: Duration,
    /// How long the CRM may take to show a record.
    pub(crate) lag: Duration,
}

/// What came of making a person's first record.
pub(crate) enum First<T> {
    /// This push made it.
    Made(T),
    /// Another push did, now or before.
    Before,
}

impl Once<'_> {
    /// Makes a record of which the CRM has one for each key, so that a repeat is harmless. Two people can have one key:
    /// whoever comes second is told, and looks whose the record is before writing to it.
    pub(crate) async fn first<T, L, W>(
        &self,
        record: &'static str,
        key: &str,
        look: impl Fn() -> L,
        write: impl FnOnce() -> W,
    ) -> Result<First<T>, PushError>
    where
        L: Future<Output = Result<Lookup, PushError>>,
        W: Future<Output = Result<(String, T), PushError>>,
    {
        let mut made = None;
        let noted = async {
            let (id, value) = Box::pin(write()).await?;
            made = Some(value);
            Ok(id)
        };
        // It can be begun as often as needed.
        let outcome = self.begin(record, record, key, 1, u32::MAX, &look, || noted);
        match outcome.await {
            Ok(_) => Ok(made.map_or(First::Before, First::Made)),
            // Whoever makes it right now may have done it by now.
            Err(PushError::NotYet { after }) => match look().await? {
                Lookup::Found(_) => Ok(First::Before),
                Lookup::Absent | Lookup::CannotTell => Err(PushError::NotYet {
                    after: after.min(SOON),
                }),
            },
            Err(error) => Err(error),
        }
    }

    /// Makes a record unless it was made: its id there.
    pub(crate) async fn make<L, W>(
        &self,
        record: &'static str,
        kind: &str,
        subject: &str,
        revision: u32,
        look: impl FnOnce() -> L,
        write: impl FnOnce() -> W,
    ) -> Result<String, PushError>
    where
        L: Future<Output = Result<Lookup, PushError>>,
        W: Future<Output = Result<String, PushError>>,
    {
        self.begin(record, kind, subject, revision, MAX_ATTEMPTS, look, write)
            .await
    }

    #[expect(clippy::too_many_arguments, reason = "a key's parts, and what is done")]
    async fn begin<L, W>(
        &self,
        record: &'static str,
        kind: &str,
        subject: &str,
        revision: u32,
        max_attempts: u32,
        look: impl FnOnce() -> L,
        write: impl FnOnce() -> W,
    ) -> Result<String, PushError>
    where
        L: Future<Output = Result<Lookup, PushError>>,
        W: Future<Output = Result<String, PushError>>,
    {
        let key = EffectKey::new(&format!("crm_{kind}"), &subject, self.target, &revision);
        let timing = EffectTiming {
            call_deadline: self.call_deadline,
            lag: self.lag,
            not_before: None,
            max_attempts,
        };
        let outcome = self.effects.once(&key, timing, look, write).await;
        match outcome {
            EffectOutcome::Done(id) => Ok(id),
            EffectOutcome::NotYet(at) => {
                let after = at.duration_since(self.clock.now());
                Err(PushError::NotYet {
                    after: Duration::try_from(after).unwrap_or_default(),
                })
            }
            EffectOutcome::GaveUp => Err(PushError::NeverSeen { record }),
            EffectOutcome::Failed(error) => Err(error),
            EffectOutcome::Stale => Err(PushError::Unrecorded(
                "another worker has taken over".to_owned(),
            )),
            EffectOutcome::Store(error) => Err(PushError::Unrecorded(error.to_string())),
        }
    }
}
