//! Writes for which Pipedrive has no unique key: begun once, looked for when in doubt.

use std::{sync::Arc, time::Duration};

use domain::{Clock, EffectKey, EffectOutcome, EffectTiming, Effects, Lookup};

use crate::PushError;

/// How long the search index may take to show a record.
const LAG: Duration = Duration::from_secs(30);
/// How often one record is begun in all.
const MAX_ATTEMPTS: u32 = 5;

/// The record of effects, for one account.
pub(super) struct Once<'a> {
    pub(super) effects: &'a Effects,
    pub(super) clock: Arc<dyn Clock>,
    /// The connection's name.
    pub(super) target: &'a str,
    pub(super) call_deadline: Duration,
}

impl Once<'_> {
    /// Makes a record unless it was made: its id there.
    pub(super) async fn make<L, W>(
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
        let key = EffectKey::new(&format!("crm_{kind}"), &subject, self.target, &revision);
        let timing = EffectTiming {
            call_deadline: self.call_deadline,
            lag: LAG,
            not_before: None,
            max_attempts: MAX_ATTEMPTS,
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
