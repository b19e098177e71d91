//! Audits of sources: how far a provider's lists were read, what they showed that did not come, and how many requests an
//! account has left.
//!
//! A [`Sweep`] is the work of comparing one kind of things of one source, again and again. It is claimed by whoever comes
//! first, with a token like a row of work; a process that dies leaves it due again, and the next one goes on at the
//! place that was stored last.

mod days;
mod quota;
mod sweep;

use std::time::Duration;

use async_trait::async_trait;
use domain::{Alias, RequestId, SourceId, TenantId};
use jiff::civil::Date;

use crate::Result;

pub use days::{Completeness, DayLine, completeness};
pub use quota::{Counted, UsedRequests, admit};
pub use sweep::{
    DayCount, LONG_SPAN_DAYS, Off, Span, Sweep, SweepClaim, SweepState, SweepStep, WEBHOOKS,
};

/// Sweeps that are looked at in one search for one to claim.
pub const MAX_TRIED: u32 = 16;

/// What audits of sources keep.
#[async_trait]
pub trait Sweeps: Send + Sync {
    /// Makes the sweeps of a source that are not there yet, due at once.
    async fn ensure_sweeps(
        &self,
        tenant: &TenantId,
        source: SourceId,
        kinds: &[&str],
    ) -> Result<()>;

    /// Some of the sweeps that are due, the longest first, without those that this build cannot read.
    async fn due_sweeps_across_tenants(&self) -> Result<Vec<SweepClaim>>;

    /// Claims a sweep: for so long nobody else has it. None when it is not due, or not there. The token of `sweep` does not
    /// count.
    async fn claim_sweep(&self, sweep: &SweepClaim, lease: Duration) -> Result<Option<Sweep>>;

    /// Claims the sweep that has been due longest. None when none is due.
    async fn claim_sweep_across_tenants(&self, lease: Duration) -> Result<Option<Sweep>> {
        for due in self.due_sweeps_across_tenants().await? {
            // Another process may have been faster.
            if let Some(claimed) = self.claim_sweep(&due, lease).await? {
                return Ok(Some(claimed));
            }
        }
        Ok(None)
    }

    /// Does a step of a claimed sweep: its state, its lines and its entry in the audit log in one transaction. False when
    /// somebody else has it by now; then nothing is written.
    async fn step_sweep(&self, claim: &SweepClaim, step: SweepStep) -> Result<bool>;

    /// A tenant's sweeps, by source and kind, without those that this build cannot read.
    async fn sweeps(&self, tenant: &TenantId) -> Result<Vec<Sweep>>;

    /// A tenant's lines of these days, both included, by day, source and kind.
    async fn day_lines(&self, tenant: &TenantId, from: Date, to: Date) -> Result<Vec<DayLine>>;

    /// Which of these names lead to a request, in their order.
    async fn are_known(&self, tenant: &TenantId, names: &[Alias]) -> Result<Vec<bool>>;

    /// The request that this name leads to; of one that was merged, itself.
    async fn request_named(&self, tenant: &TenantId, name: &Alias) -> Result<Option<RequestId>>;

    /// Counts requests that are about to be made of an account, if they are within `share` percent of each window of
    /// `(requests, seconds)`; else answers how long to wait, and counts nothing. `account` is unique among all providers.
    async fn admit_requests_across_tenants(
        &self,
        account: &str,
        windows: &[(u32, u64)],
        wanted: u32,
        share: u32,
    ) -> Result<Option<Duration>> {
        let account = (account.to_owned(), windows.to_vec());
        self.admit_requests_of_all_across_tenants(vec![account], wanted, share)
            .await
    }

    /// The same for several accounts at once, of which each counts the requests: if one of them has no room, none counts any.
    async fn admit_requests_of_all_across_tenants(
        &self,
        accounts: Vec<Counted>,
        wanted: u32,
        share: u32,
    ) -> Result<Option<Duration>>;
}
