//! The relay: finds rows whose wake-up is due, moves it on, and publishes what it moved, tenant by tenant in turns.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use domain::{Clock, DueWake, Stage, StoreError, TenantId, WorkQueue, later, metric_names};
use tokio_util::sync::CancellationToken;

use crate::Bus;

/// How the relay works.
#[derive(Debug, Clone, Copy)]
pub struct RelayConfig {
    /// Pause between two looks when nothing was due.
    pub interval: Duration,
    /// Rows of one tenant and stage that one look takes at most.
    pub per_tenant: u32,
    /// Rows that one look takes at most.
    pub batch: u32,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(100),
            per_tenant: 256,
            batch: 2_000,
        }
    }
}

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// Nothing was due.
    Idle,
    /// So many wake-ups were published.
    Published(usize),
    /// Rows are due, but the bus has no room for their tenants, or takes nothing.
    NoRoom,
}

/// Publishes what nobody handed over: delayed rows, lost wake-ups, ended leases. Several may run at once.
pub struct Relay {
    queue: Arc<dyn WorkQueue>,
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    config: RelayConfig,
}

impl Relay {
    /// A relay between this store and this bus.
    pub fn new(
        queue: Arc<dyn WorkQueue>,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
        config: RelayConfig,
    ) -> Self {
        Self {
            queue,
            bus,
            clock,
            config,
        }
    }

    /// Looks once, and publishes what is due and has room.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not be asked; the next look sees the same rows.
    pub async fn look(&self) -> Result<Looked, StoreError> {
        let due = self
            .queue
            .due_wakes_across_tenants(self.config.per_tenant, self.config.batch)
            .await?;
        if due.is_empty() {
            return Ok(Looked::Idle);
        }
        let turns = self.in_turns(due);
        if turns.is_empty() {
            return Ok(Looked::NoRoom);
        }
        let moved = self.queue.move_wakes_across_tenants(turns).await?;
        let count = moved.len();
        metrics::counter!(metric_names::RELAY_WAKES_TOTAL)
            .increment(u64::try_from(count).unwrap_or(u64::MAX));
        if let Err(error) = self.bus.publish(moved).await {
            tracing::warn!("{error}: they are published again later");
            return Ok(Looked::NoRoom);
        }
        Ok(Looked::Published(count))
    }

    /// One of each tenant, then the second of each, as far as the bus has room for the tenant and stage. What does
    /// not fit keeps its place in time and is seen again.
    fn in_turns(&self, due: Vec<DueWake>) -> Vec<DueWake> {
        let mut room: HashMap<(TenantId, Stage), u32> = HashMap::new();
        let mut tenants: BTreeMap<TenantId, VecDeque<DueWake>> = BTreeMap::new();
        for row in due {
            let key = &row.wake.key;
            let left = room
                .entry((key.tenant.clone(), key.stage))
                .or_insert_with(|| self.bus.room(&key.tenant, key.stage));
            if *left > 0 {
                *left -= 1;
                tenants
                    .entry(key.tenant.clone())
                    .or_default()
                    .push_back(row);
            }
        }
        let mut turns = Vec::new();
        while !tenants.is_empty() {
            tenants.retain(|_, rows| {
                turns.extend(rows.pop_front());
                !rows.is_empty()
            });
        }
        turns
    }

    /// Looks again and again until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut failures = 0u32;
        loop {
            let pause = match self.look().await {
                Ok(looked) => {
                    failures = 0;
                    match looked {
                        Looked::Idle => self.config.interval,
                        // There may be more: only let others to the store in between.
                        Looked::Published(_) => self.config.interval / 10,
                        // Those who work hand over the next rows themselves, but another tenant's may become due.
                        Looked::NoRoom => self.config.interval * 2,
                    }
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    tracing::warn!("the relay could not look for work: {error}");
                    self.config.interval * 2u32.saturating_pow(failures.min(7))
                }
            };
            let wake_at = later(self.clock.now(), pause);
            if stop
                .run_until_cancelled(self.clock.sleep_until(wake_at))
                .await
                .is_none()
            {
                return;
            }
        }
    }
}
