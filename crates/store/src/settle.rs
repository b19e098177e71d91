//! Settling: what an adapter reads for it, and what it writes.

use std::{sync::Arc, time::Duration};

use domain::{
    Alias, Claim, Claimed, ConnectionName, LeadRequest, OfficeConfig, Outcome, Plan, Record,
    RequestId, RequestState, SettleContext, Wanted, later, transition,
};
use jiff::Timestamp;

use crate::Connection;

/// How long a step waits for a build that can read what it concerns.
const PUT_OFF: Duration = Duration::from_secs(600);

/// What a settle is given beside its place in a transaction.
#[derive(Debug, Clone)]
pub struct Settle {
    /// The claim that is settled.
    pub claim: Claim,
    /// The request as it was when it was claimed.
    pub request: LeadRequest,
    /// What to keep, whatever the outcome.
    pub records: Vec<Record>,
    pub(crate) outcome: Outcome,
    config: Arc<OfficeConfig>,
    duration: Duration,
    jitter: f64,
    wanted: Option<Wanted>,
}

/// What to write.
#[derive(Debug)]
pub struct Settled {
    /// The requests and their rows.
    pub plan: Plan,
    /// The request that shows the records: after a merge, the one that goes on.
    pub shown_at: RequestId,
    /// The connection whose secret was refused, as it is now; `None` if it is as it was.
    pub refused: Option<Connection>,
    /// The step that was wanted, claimed.
    pub claimed: Option<Claimed>,
}

impl Settle {
    /// A settle of claimed work. `jitter` is a random number from 0 to 1.
    pub fn new(
        job: &Claimed,
        outcome: Outcome,
        records: Vec<Record>,
        duration: Duration,
        jitter: f64,
        wanted: Option<Wanted>,
    ) -> Self {
        Self {
            claim: job.claim_token(),
            request: job.request.clone(),
            records,
            outcome,
            config: job.config.clone(),
            duration,
            jitter,
            wanted,
        }
    }

    /// The same step, put off: another request that it concerns cannot be read by this build.
    #[must_use]
    pub fn put_off(&self, now: Timestamp) -> Self {
        let reason = "it concerns a request that this build cannot read";
        Self {
            outcome: Outcome::wait(later(now, PUT_OFF), reason),
            ..self.clone()
        }
    }

    /// The names that the step learned. Requests that they belong to are merged with this one.
    pub fn aliases(&self) -> &[Alias] {
        match &self.outcome {
            Outcome::Done { aliases, .. } => aliases,
            _ => &[],
        }
    }

    /// The request that this one was found to be the same as.
    pub const fn merges_with(&self) -> Option<RequestId> {
        match &self.outcome {
            Outcome::Merge { other } => Some(*other),
            _ => None,
        }
    }

    /// The connection that the step must be held for.
    pub const fn holds_for(&self) -> Option<&ConnectionName> {
        match &self.outcome {
            Outcome::Hold { connection, .. } => Some(connection),
            _ => None,
        }
    }

    /// Decides what to write. `others` are the requests of [`aliases`](Self::aliases) and
    /// [`merges_with`](Self::merges_with), `connection` is the one of [`holds_for`](Self::holds_for). `None` if the claim
    /// is no longer valid: then nothing is written.
    pub fn decide(
        &self,
        state: RequestState,
        others: Vec<RequestState>,
        connection: Option<Connection>,
        now: Timestamp,
    ) -> Option<Settled> {
        let context = SettleContext {
            now,
            retry: &self.config.workflow.retry,
            connection_version: connection.as_ref().map(|connection| connection.version),
            jitter: self.jitter,
            duration: self.duration,
        };
        let outcome = self.outcome.clone();
        let mut plan = transition::settle(state, others, &self.claim, outcome, context).ok()?;
        // The last change is of the request that goes on.
        let last = plan.changes.last();
        let shown_at = last.map_or(self.claim.key.request, |change| change.request.id);
        let refused = match &self.outcome {
            Outcome::Hold { version, .. } => connection.and_then(|it| it.refused(*version)),
            _ => None,
        };
        let claimed = self.wanted.and_then(|wanted| plan.claim(wanted, now));
        let config = self.config.clone();
        Some(Settled {
            plan,
            shown_at,
            refused,
            claimed: claimed.map(|(row, request)| Claimed::new(row, request, config)),
        })
    }
}
