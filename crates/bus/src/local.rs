//! The bus of one process: a queue for each stage, tenants served in turns.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use domain::{Stage, TenantId, Wake};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{Bus, BusError, Runner};

/// Limits of a local bus.
#[derive(Debug, Clone, Copy)]
pub struct LocalBusConfig {
    /// Steps of one stage that run at once.
    pub workers_per_stage: u32,
    /// Of those, how many may be one tenant's: a tenant with a slow CRM does not hold up the others. When half of the
    /// workers are busy, a tenant gets no more than its share, so that even several such tenants leave some free.
    pub running_per_tenant: u32,
    /// Wake-ups of one tenant and stage that may wait; more stay in the store.
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

/// Wake-ups in memory. What it forgets when the process ends, the relay finds in the store.
pub struct LocalBus {
    config: LocalBusConfig,
    stages: HashMap<Stage, StageQueue>,
}

#[derive(Default)]
struct StageQueue {
    tenants: Mutex<Tenants>,
    changed: Notify,
}

#[derive(Default)]
struct Tenants {
    /// Tenants that have something waiting, the next one first.
    turns: VecDeque<TenantId>,
    lanes: HashMap<TenantId, TenantLane>,
    running: u32,
}

#[derive(Default)]
struct TenantLane {
    waiting: VecDeque<Wake>,
    known: HashSet<Wake>,
    running: u32,
    is_left_out: bool,
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
        Arc::new(Self { config, stages })
    }

    fn queue(&self, stage: Stage) -> &StageQueue {
        self.stages.get(&stage).expect("every stage has a queue")
    }

    /// Wake-ups of one tenant and stage that may wait.
    fn capacity(&self) -> usize {
        usize::try_from(self.config.waiting_per_tenant).unwrap_or(usize::MAX)
    }

    /// The next wake-up of a stage, tenant by tenant in turns. It counts as running until the ticket is dropped.
    pub async fn next(self: &Arc<Self>, stage: Stage) -> Ticket {
        let queue = self.queue(stage);
        loop {
            let changed = queue.changed.notified();
            if let Some(wake) = self.take(stage) {
                // Two wake-ups may have left only one notice: whoever takes one passes it on.
                queue.changed.notify_one();
                return Ticket {
                    wake,
                    bus: self.clone(),
                };
            }
            changed.await;
        }
    }

    fn take(&self, stage: Stage) -> Option<Wake> {
        let mut tenants = self.queue(stage).lock();
        let most = self.most_of_one(&tenants);
        let Tenants {
            turns,
            lanes,
            running,
        } = &mut *tenants;
        for _ in 0..turns.len() {
            let tenant = turns.pop_front()?;
            let Some(lane) = lanes.get_mut(&tenant) else {
                continue;
            };
            if lane.running >= most {
                turns.push_back(tenant);
                continue;
            }
            let Some(wake) = lane.waiting.pop_front() else {
                continue;
            };
            lane.known.remove(&wake);
            lane.running += 1;
            *running += 1;
            if !lane.waiting.is_empty() {
                turns.push_back(tenant);
            }
            return Some(wake);
        }
        None
    }

    /// How many steps one tenant may run just now: at least one, or nothing would ever go on.
    fn most_of_one(&self, tenants: &Tenants) -> u32 {
        let LocalBusConfig {
            workers_per_stage: workers,
            running_per_tenant: most,
            ..
        } = self.config;
        if tenants.running < workers / 2 {
            return most;
        }
        // One share is left for who comes next.
        let shares = u32::try_from(tenants.lanes.len() + 1).unwrap_or(u32::MAX);
        (workers / shares).clamp(1, most.max(1))
    }

    fn put(&self, wake: Wake) {
        let queue = self.queue(wake.key.stage);
        let mut tenants = queue.lock();
        let lane = tenants.lanes.entry(wake.key.tenant.clone()).or_default();
        if lane.known.contains(&wake) {
            return;
        }
        if lane.waiting.len() >= self.capacity() {
            lane.is_left_out = true;
            return;
        }
        let is_first = lane.waiting.is_empty();
        let tenant = wake.key.tenant.clone();
        lane.known.insert(wake.clone());
        lane.waiting.push_back(wake);
        if is_first {
            tenants.turns.push_back(tenant);
        }
        drop(tenants);
        queue.changed.notify_one();
    }

    fn finished(&self, wake: &Wake) {
        let queue = self.queue(wake.key.stage);
        let mut tenants = queue.lock();
        tenants.running = tenants.running.saturating_sub(1);
        if let Some(lane) = tenants.lanes.get_mut(&wake.key.tenant) {
            lane.running = lane.running.saturating_sub(1);
            if lane.running == 0 && lane.waiting.is_empty() && !lane.is_left_out {
                tenants.lanes.remove(&wake.key.tenant);
            }
        }
        drop(tenants);
        queue.changed.notify_one();
    }

    /// Runs a stage's workers until `stop`; each ends behind the step that it is at.
    pub fn work(
        self: &Arc<Self>,
        stage: Stage,
        runner: &Arc<Runner>,
        stop: &CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let workers: Vec<_> = (0..self.config.workers_per_stage)
            .map(|_| {
                let (bus, runner, stop) = (self.clone(), runner.clone(), stop.clone());
                tokio::spawn(async move {
                    while let Some(ticket) = stop.run_until_cancelled(bus.next(stage)).await {
                        runner.run(ticket.wake()).await;
                    }
                })
            })
            .collect();
        async move {
            for worker in workers {
                if let Err(error) = worker.await {
                    tracing::error!(%stage, "a worker ended early: {error}");
                }
            }
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

    fn room(&self, tenant: &TenantId, stage: Stage) -> u32 {
        let tenants = self.queue(stage).lock();
        let waiting = tenants
            .lanes
            .get(tenant)
            .map_or(0, |lane| lane.waiting.len());
        self.config
            .waiting_per_tenant
            .saturating_sub(u32::try_from(waiting).unwrap_or(u32::MAX))
    }

    fn take_left_out(&self, tenant: &TenantId, stage: Stage) -> bool {
        let mut tenants = self.queue(stage).lock();
        tenants.lanes.get_mut(tenant).is_some_and(|lane| {
            lane.waiting.len() <= self.capacity() / 4 && std::mem::take(&mut lane.is_left_out)
        })
    }
}

/// A wake-up that was taken from the bus. Dropping it makes room for the tenant's next one.
pub struct Ticket {
    wake: Wake,
    bus: Arc<LocalBus>,
}

impl Ticket {
    /// The wake-up.
    pub const fn wake(&self) -> &Wake {
        &self.wake
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.bus.finished(&self.wake);
    }
}
