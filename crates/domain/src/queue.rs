//! What relay and runner ask of a store. Stores implement it; the bus knows no store.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{Claim, Claimed, Outcome, Record, Stage, TenantId, Wake};

/// Why a store could not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It takes no more just now; try again.
    #[error("the store is busy: try again")]
    Busy,
    /// It could not be reached, or failed; whether a write was done is not known to the caller, and does not matter:
    /// every write can be repeated.
    #[error("the store failed: {0}")]
    Failed(String),
    /// What was asked for is not there, or belongs to another tenant.
    #[error("not found")]
    NotFound,
    /// It stands in the way of something that exists.
    #[error("conflict: {0}")]
    Conflict(String),
    /// It was made to another version of the thing than the newest.
    #[error(
        "there is a newer version, {current}: read it, and repeat the change if it is still right"
    )]
    Outdated {
        /// The newest version; 0 if there is none.
        current: u64,
    },
    /// Something stored cannot be read by this build: it is damaged, or a newer build wrote it.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
}

/// What came of a settle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettleResult {
    /// Written; these rows are due now.
    Written(Vec<Wake>),
    /// The claim was no longer valid: nothing was written.
    Stale,
}

/// The next step of a request, wanted by whoever settles the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its stage.
    pub stage: Stage,
    /// How long it is claimed for.
    pub lease: Duration,
}

/// A row whose wake-up is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueWake {
    /// The hint.
    pub wake: Wake,
    /// The time that was due; the compare-and-set compares it.
    pub next_wake_at: Timestamp,
    /// How often it was published since its last claim.
    pub wakes: u32,
}

/// Claiming and settling of work.
#[async_trait]
pub trait WorkQueue: Send + Sync {
    /// Takes a row for `lease`, when the wake's token is its own and it is due. None: acknowledge and forget. A row that
    /// this build cannot read, or whose request it cannot read, waits for a build that can.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not be asked.
    async fn claim(&self, wake: &Wake, lease: Duration) -> Result<Option<Claimed>, StoreError>;

    /// Moves the lease's end to `lease` from now; false when the claim is no longer valid. The token stays.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not be asked.
    async fn renew(&self, claim: &Claim, lease: Duration) -> Result<bool, StoreError>;

    /// Writes what came of claimed work and the next steps, in one transaction, only with the claim's token.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was written, or it is not known.
    async fn settle(
        &self,
        job: &Claimed,
        outcome: Outcome,
        records: Vec<Record>,
        duration: Duration,
    ) -> Result<SettleResult, StoreError> {
        let settling = self.settle_and_claim(job, outcome, records, duration, None);
        settling.await.map(|(result, _)| result)
    }

    /// The same. If it opens a step of the stage that is `wanted`, and that is due now, it is claimed in the same
    /// transaction: then there is no wake-up for it. Saves whoever goes on with the request a transaction.
    ///
    /// # Errors
    /// As [`settle`](Self::settle).
    async fn settle_and_claim(
        &self,
        job: &Claimed,
        outcome: Outcome,
        records: Vec<Record>,
        duration: Duration,
        wanted: Option<Wanted>,
    ) -> Result<(SettleResult, Option<Claimed>), StoreError>;

    /// The tenants and stages that have work, in a store that one process has for itself: the hints that it kept in memory
    /// are lost when it dies, so the next one begins with what is due. Nothing in a store that several share.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not be asked.
    async fn waiting_across_tenants(&self) -> Result<Vec<(TenantId, Stage)>, StoreError> {
        Ok(Vec::new())
    }

    /// Rows of all tenants whose wake-up is due, the longest due first: at most `per_tenant` of each tenant and stage,
    /// and at most `limit` in all. Where there are more, every tenant's first go before anybody's second. Rows of stages
    /// that this build does not know are skipped, and take nobody's share.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not be asked.
    async fn due_wakes_across_tenants(
        &self,
        per_tenant: u32,
        limit: u32,
    ) -> Result<Vec<DueWake>, StoreError>;

    /// Moves the next wake-up of each row on, if nobody else did, and returns those that moved: only they are
    /// published.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not be asked.
    async fn move_wakes_across_tenants(&self, due: Vec<DueWake>) -> Result<Vec<Wake>, StoreError>;

    /// One tenant's rows of a stage that are due now, in the order of their next wake-ups.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not be asked.
    async fn due_work(
        &self,
        tenant: &TenantId,
        stage: Stage,
        limit: u32,
    ) -> Result<Vec<Wake>, StoreError>;
}

/// An event for the outside that is not published yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Whose it is.
    pub tenant: TenantId,
    /// Tells repeats, within the tenant.
    pub event_id: String,
    /// The event as JSON.
    pub payload: String,
}

/// Events for the outside, written in the transaction of what they tell, by stores of a fleet. Each is published at least once: who dies
/// between publishing and removing it has it published again.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// The oldest events, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not be asked.
    async fn unpublished_across_tenants(&self, limit: u32) -> Result<Vec<OutboxRow>, StoreError>;

    /// Removes events that were published. Those that are gone already do not matter.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not be told; they are published again.
    async fn published_across_tenants(&self, rows: Vec<OutboxRow>) -> Result<(), StoreError>;
}
