//! The relay: scans for rows whose wake-up is due, moves it on, and publishes what it moved, tenant by tenant.

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
    /// Pause between two scans if nothing was due.
    pub interval: Duration,
    /// Rows of one tenant and stage that one scan takes at most.
    pub per_tenant: u32,
    /// Rows that one scan takes at most.
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

/// What a scan came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanResult {
    /// Nothing was due.
    Idle,
    /// This many wake-ups were published.
    Published(usize),
    /// Rows are due, but the bus has no capacity for their tenants, or cannot be reached.
    Full,
}

/// Publishes what no settle did: delayed rows, lost wake-ups, ended leases. Several relays may run at once.
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

    /// Scans once, and publishes what is due as far as the bus has capacity.
    ///
    /// # Errors
    /// [`StoreError`] if the store could not be asked; the next scan sees the same rows.
    pub async fn scan(&self) -> Result<ScanResult, StoreError> {
        let due = self
            .queue
            .due_wakes_across_tenants(self.config.per_tenant, self.config.batch)
            .await?;
        if due.is_empty() {
            return Ok(ScanResult::Idle);
        }
        let fitting = self.interleaved(due);
        if fitting.is_empty() {
            return Ok(ScanResult::Full);
        }
        let moved = self.queue.move_wakes_across_tenants(fitting).await?;
        let count = moved.len();
        metrics::counter!(metric_names::RELAY_WAKES_TOTAL)
            .increment(u64::try_from(count).unwrap_or(u64::MAX));
        if let Err(error) = self.bus.publish(moved).await {
            tracing::warn!("{error}; the relay will publish them again later");
            return Ok(ScanResult::Full);
        }
        Ok(ScanResult::Published(count))
    }

    /// The first row of each tenant, then the second of each, as far as the bus has capacity for the tenant and stage.
    /// What does not fit stays due, and the next scan finds it.
    fn interleaved(&self, due: Vec<DueWake>) -> Vec<DueWake> {
        let mut capacities: HashMap<(TenantId, Stage), u32> = HashMap::new();
        let mut tenants: BTreeMap<TenantId, VecDeque<DueWake>> = BTreeMap::new();
        for row in due {
            let key = &row.wake.key;
            let capacity = capacities
                .entry((key.tenant.clone(), key.stage))
                .or_insert_with(|| self.bus.capacity(&key.tenant, key.stage));
            if *capacity > 0 {
                *capacity -= 1;
                tenants
                    .entry(key.tenant.clone())
                    .or_default()
                    .push_back(row);
            }
        }
        let mut interleaved = Vec::new();
        while !tenants.is_empty() {
            tenants.retain(|_, rows| {
                interleaved.extend(rows.pop_front());
                !rows.is_empty()
            });
        }
        interleaved
    }

    /// Publishes what a process that died knew only in memory. What overflows the bus is reloaded by the runners.
    async fn reload(&self) -> Result<(), StoreError> {
        for (tenant, stage) in self.queue.waiting_across_tenants().await? {
            // More than fits, so that the bus knows that there is more.
            let limit = self.bus.capacity(&tenant, stage).saturating_mul(2);
            let due = self.queue.due_work(&tenant, stage, limit).await?;
            if let Err(error) = self.bus.publish(due).await {
                tracing::warn!("{error}; the relay will publish them later");
            }
        }
        Ok(())
    }

    /// Scans again and again until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        if let Err(error) = self.reload().await {
            tracing::warn!("the relay could not reload what waits: {error}");
        }
        let mut failures = 0u32;
        loop {
            let pause = match self.scan().await {
                Ok(result) => {
                    failures = 0;
                    match result {
                        ScanResult::Idle => self.config.interval,
                        // There may be more, so the pause only lets others to the store.
                        ScanResult::Published(_) => self.config.interval / 10,
                        // Runners publish the next rows of these tenants, but another tenant's may become due.
                        ScanResult::Full => self.config.interval * 2,
                    }
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    tracing::warn!("the relay could not scan for due work: {error}");
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
