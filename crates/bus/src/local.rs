//! The bus of one process: a queue for each stage, with tenants served round-robin.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use domain::{Stage, TenantId, Wake};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Bus, BusError, Runner, Slot, tenant_limit};

/// Limits of a local bus.
#[derive(Debug, Clone, Copy)]
pub struct LocalBusConfig {
    /// Steps of one stage that run at once.
    pub workers_per_stage: u32,
    /// Of those, how many may be one tenant's, so that a tenant with a slow CRM does not hold up the others. Once half
    /// of the workers are busy, a tenant gets no more than its share: see [`tenant_limit`].
    pub running_per_tenant: u32,
    /// Wake-ups of one tenant and stage that may be queued. More of them stay in the store.
    pub waiting_per_tenant: u32,
}

impl Default for LocalBusConfig {
    fn default() -> Self {
        Self {
            workers_per_stage: 32,
            running_per_tenant: 16,
            waiting_per_tenant: 256,
        }
    }
}

/// Wake-ups in memory. After a restart the relay finds them in the store.
pub struct LocalBus {
    config: LocalBusConfig,
    stages: Arc<Stages>,
}

type Stages = HashMap<Stage, StageQueue>;

#[derive(Default)]
struct StageQueue {
    tenants: Mutex<Tenants>,
    changed: Notify,
}

#[derive(Default)]
struct Tenants {
    /// Tenants with queued wake-ups, the next one first.
    rotation: VecDeque<TenantId>,
    queues: HashMap<TenantId, TenantQueue>,
    running: usize,
    /// Whether the stage's workers end: then nothing begins but what they take.
    is_ending: bool,
}

#[derive(Default)]
struct TenantQueue {
    waiting: VecDeque<Wake>,
    known: HashSet<Wake>,
    running: usize,
    has_overflowed: bool,
}

impl StageQueue {
    fn lock(&self) -> MutexGuard<'_, Tenants> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LocalBus {
    /// An empty bus.
    pub fn new(config: LocalBusConfig) -> Arc<Self> {
        let stages = Stage::ALL
            .into_iter()
            .map(|stage| (stage, StageQueue::default()))
            .collect();
        Arc::new(Self {
            config,
            stages: Arc::new(stages),
        })
    }

    fn queue(&self, stage: Stage) -> &StageQueue {
        self.stages.get(&stage).expect("every stage has a queue")
    }

    fn waiting_per_tenant(&self) -> usize {
        size(self.config.waiting_per_tenant)
    }

    /// The next wake-up of a stage, tenant by tenant. It counts as running until the ticket is dropped.
    pub async fn next(&self, stage: Stage) -> Ticket {
        let queue = self.queue(stage);
        loop {
            let changed = queue.changed.notified();
            if let Some(wake) = self.take(stage) {
                // Two wake-ups may have left only one notification, so it is passed on.
                queue.changed.notify_one();
                let slot = self.running(&wake.key.tenant, stage);
                return Ticket { wake, slot };
            }
            changed.await;
        }
    }

    /// A step that was counted as running.
    fn running(&self, tenant: &TenantId, stage: Stage) -> Slot {
        Box::new(Running {
            stages: self.stages.clone(),
            tenant: tenant.clone(),
            stage,
        })
    }

    /// How many steps of a stage a tenant may run now; none when all workers are busy.
    fn limit(&self, tenants: &Tenants) -> usize {
        let workers = size(self.config.workers_per_stage);
        if tenants.running >= workers {
            return 0;
        }
        tenant_limit(
            workers,
            tenants.running,
            tenants.queues.len(),
            size(self.config.running_per_tenant),
        )
    }

    fn take(&self, stage: Stage) -> Option<Wake> {
        let mut tenants = self.queue(stage).lock();
        let limit = self.limit(&tenants);
        let Tenants {
            rotation,
            queues,
            running,
            ..
        } = &mut *tenants;
        for _ in 0..rotation.len() {
            let tenant = rotation.pop_front()?;
            let Some(queue) = queues.get_mut(&tenant) else {
                continue;
            };
            if queue.running >= limit {
                rotation.push_back(tenant);
                continue;
            }
            let Some(wake) = queue.waiting.pop_front() else {
                continue;
            };
            queue.known.remove(&wake);
            queue.running += 1;
            *running += 1;
            if !queue.waiting.is_empty() {
                rotation.push_back(tenant);
            }
            return Some(wake);
        }
        None
    }

    fn put(&self, wake: Wake) {
        let stage = self.queue(wake.key.stage);
        let mut tenants = stage.lock();
        let queue = tenants.queues.entry(wake.key.tenant.clone()).or_default();
        if queue.known.contains(&wake) {
            return;
        }
        if queue.waiting.len() >= self.waiting_per_tenant() {
            queue.has_overflowed = true;
            return;
        }
        let is_first = queue.waiting.is_empty();
        let tenant = wake.key.tenant.clone();
        queue.known.insert(wake.clone());
        queue.waiting.push_back(wake);
        if is_first {
            tenants.rotation.push_back(tenant);
        }
        drop(tenants);
        stage.changed.notify_one();
    }

    /// Runs a stage's steps until `stop`. Those that run are finished first.
    pub fn work(
        self: &Arc<Self>,
        stage: Stage,
        runner: &Arc<Runner>,
        stop: &CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (bus, runner, stop) = (self.clone(), runner.clone(), stop.clone());
        async move {
            let steps = TaskTracker::new();
            while let Some(ticket) = stop.run_until_cancelled(bus.next(stage)).await {
                let runner = runner.clone();
                steps.spawn(async move {
                    let Ticket { wake, slot } = ticket;
                    runner.run(&wake, slot).await
                });
            }
            bus.queue(stage).lock().is_ending = true;
            steps.close();
            steps.wait().await;
        }
    }
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, wakes: Vec<Wake>) -> Result<(), BusError> {
        for wake in wakes {
            self.put(wake);
        }
        Ok(())
    }

    fn capacity(&self, tenant: &TenantId, stage: Stage) -> u32 {
        let tenants = self.queue(stage).lock();
        let waiting = tenants.queues.get(tenant);
        let waiting = waiting.map_or(0, |queue| queue.waiting.len());
        self.config
            .waiting_per_tenant
            .saturating_sub(u32::try_from(waiting).unwrap_or(u32::MAX))
    }

    fn take_overflowed(&self, tenant: &TenantId, stage: Stage) -> bool {
        let mut tenants = self.queue(stage).lock();
        tenants.queues.get_mut(tenant).is_some_and(|queue| {
            queue.waiting.len() <= self.waiting_per_tenant() / 4
                && std::mem::take(&mut queue.has_overflowed)
        })
    }

    fn try_begin(&self, tenant: &TenantId, stage: Stage) -> Option<Slot> {
        let mut tenants = self.queue(stage).lock();
        // The tenant's own wake-ups may wait: a request that is half done goes first. Another tenant's may not.
        if tenants.is_ending || tenants.rotation.iter().any(|waiting| waiting != tenant) {
            return None;
        }
        let limit = self.limit(&tenants);
        let running = tenants.queues.get(tenant).map_or(0, |queue| queue.running);
        if running >= limit {
            return None;
        }
        tenants.queues.entry(tenant.clone()).or_default().running += 1;
        tenants.running += 1;
        drop(tenants);
        Some(self.running(tenant, stage))
    }
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A wake-up that was taken from the bus.
pub struct Ticket {
    /// The wake-up.
    pub wake: Wake,
    /// The right to run its step.
    pub slot: Slot,
}

/// A step that counts as running until this is dropped, which lets the tenant's next one run.
struct Running {
    stages: Arc<Stages>,
    tenant: TenantId,
    stage: Stage,
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(stage) = self.stages.get(&self.stage) else {
            return;
        };
        let mut tenants = stage.lock();
        tenants.running = tenants.running.saturating_sub(1);
        if let Some(queue) = tenants.queues.get_mut(&self.tenant) {
            queue.running = queue.running.saturating_sub(1);
            if queue.running == 0 && queue.waiting.is_empty() && !queue.has_overflowed {
                tenants.queues.remove(&self.tenant);
            }
        }
        drop(tenants);
        stage.changed.notify_one();
    }
}
