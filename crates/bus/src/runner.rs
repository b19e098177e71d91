//! The runner: claims the row that a wake-up names, lets its stage handle it, and settles the outcome.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    Claimed, Clock, Outcome, Record, SettleResult, Stage, StageHandler, StoreError, TenantId, Wake,
    Wanted, WorkQueue, later, metric_names, workflow,
};
use futures::FutureExt as _;
use settings::Reader;
use tracing::Instrument as _;

use crate::{Bus, Slot};

/// How the runner works.
#[derive(Debug, Clone, Copy)]
pub struct RunnerConfig {
    /// How long a claim is valid before another worker may take the row. It is renewed while the stage runs.
    pub lease: Duration,
    /// How long a stage may run in all before it counts as failed.
    pub longest_run: Duration,
}

impl Default for RunnerConfig {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(60),
            longest_run: Duration::from_secs(15 * 60),
        }
    }
}

impl RunnerConfig {
    /// Reads `WORK_LEASE`; the rest is as by default.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        const LEASE: &str = "WORK_LEASE";
        let default = Self::default();
        let lease = reader.duration(
            LEASE,
            default.lease,
            "How long a step is left to a worker that gives no sign of life.",
        );
        if lease < Duration::from_secs(1) {
            reader.fault(LEASE, "it is shorter than a second", "write 60s");
        }
        Self { lease, ..default }
    }
}

/// What came of a wake-up. It may be acknowledged after each but [`RunResult::Failed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunResult {
    /// The stage ran and its outcome was settled.
    Settled,
    /// There was nothing to do: the hint was stale, early, or for another service.
    Nothing,
    /// The claim was lost while the stage ran. Its new holder goes on.
    Lost,
    /// The store could not be read or written. The lease will end, and the relay will publish the row again.
    Failed,
}

/// Claims, handles and settles.
pub struct Runner {
    queue: Arc<dyn WorkQueue>,
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    handlers: HashMap<Stage, Arc<dyn StageHandler>>,
    config: RunnerConfig,
    /// How many wake-ups in a row came to nothing, of each tenant and stage of which any did.
    fruitless: Mutex<HashMap<(TenantId, Stage), u32>>,
}

/// More wake-ups than are reloaded at a time.
const MAX_FRUITLESS: u32 = 1_000;

impl Runner {
    /// A runner for these stages.
    pub fn new(
        queue: Arc<dyn WorkQueue>,
        bus: Arc<dyn Bus>,
        clock: Arc<dyn Clock>,
        handlers: impl IntoIterator<Item = Arc<dyn StageHandler>>,
        config: RunnerConfig,
    ) -> Arc<Self> {
        let handlers = handlers
            .into_iter()
            .map(|handler| (handler.stage(), handler))
            .collect();
        Arc::new(Self {
            queue,
            bus,
            clock,
            handlers,
            config,
            fruitless: Mutex::default(),
        })
    }

    /// The stages that this runner handles.
    pub fn stages(&self) -> impl Iterator<Item = Stage> + '_ {
        self.handlers.keys().copied()
    }

    /// Runs the step that a wake-up names, if it is due and nobody else has claimed it; then the request's next steps, as
    /// long as this runner handles their stages and the bus has a slot for each. Returns what came of the first.
    pub async fn run(&self, wake: &Wake, mut slot: Slot) -> RunResult {
        let (result, mut next) = match self.claim(wake).await {
            Ok(job) => self.run_claimed(&job).await,
            Err(result) => (result, None),
        };
        if self.is_worth_reloading(wake, result) {
            self.refill(&wake.key.tenant, wake.key.stage).await;
        }
        while let Some((job, its_slot)) = next {
            drop(std::mem::replace(&mut slot, its_slot));
            next = self.run_claimed(&job).await.1;
            self.refill(&job.row.key.tenant, job.row.key.stage).await;
        }
        result
    }

    /// Claims the row that a wake-up names; else what came of it.
    async fn claim(&self, wake: &Wake) -> Result<Claimed, RunResult> {
        if !self.handlers.contains_key(&wake.key.stage) || wake.v != Wake::VERSION {
            tracing::warn!(stage = %wake.key.stage, version = wake.v, "ignored a wake-up that is not for this service");
            return Err(RunResult::Nothing);
        }
        match self.queue.claim(wake, self.config.lease).await {
            Ok(job) => job.ok_or(RunResult::Nothing),
            Err(error) => {
                tracing::warn!(stage = %wake.key.stage, "could not claim work: {error}");
                Err(RunResult::Failed)
            }
        }
    }

    /// What came of a claimed step, and the next one, if that was claimed with its settle.
    async fn run_claimed(&self, job: &Claimed) -> (RunResult, Option<(Claimed, Slot)>) {
        let key = &job.row.key;
        let Some(handler) = self.handlers.get(&key.stage) else {
            return (RunResult::Nothing, None);
        };
        let span = tracing::info_span!(
            "step",
            stage = %key.stage,
            tenant.id = %key.tenant,
            request.id = %key.request,
            target = %key.target,
            trace_id = trace_id(job.row.traceparent.as_deref()),
        );
        self.run_with(handler.as_ref(), job).instrument(span).await
    }

    async fn run_with(
        &self,
        handler: &dyn StageHandler,
        job: &Claimed,
    ) -> (RunResult, Option<(Claimed, Slot)>) {
        let started = self.clock.monotonic();
        let Some(outcome) = self.pause_or_handle(handler, job).await else {
            tracing::warn!("lost the claim while the step ran");
            return (RunResult::Lost, None);
        };
        self.publish(job.take_wakes()).await;
        let took = self.clock.monotonic().saturating_sub(started);
        let (stage, word) = (handler.stage(), outcome.word());
        report(stage, job, &outcome, took);
        metrics::counter!(metric_names::STAGE_OUTCOMES_TOTAL, "stage" => stage.as_str(), "outcome" => word)
            .increment(1);
        metrics::histogram!(metric_names::STAGE_DURATION_SECONDS, "stage" => stage.as_str())
            .record(took.as_secs_f64());
        let slot = self.slot_for_next(job, &outcome);
        let wanted = slot.as_ref().map(|(stage, _)| Wanted {
            stage: *stage,
            lease: self.config.lease,
        });
        match self
            .settle(job, outcome, job.take_records(), took, wanted)
            .await
        {
            Ok((SettleResult::Written(wakes), claimed)) => {
                self.publish(wakes).await;
                let next = claimed.zip(slot.map(|(_, slot)| slot));
                (RunResult::Settled, next)
            }
            Ok((SettleResult::Stale, _)) => {
                tracing::warn!("the claim was lost before the step was settled");
                (RunResult::Lost, None)
            }
            Err(error) => {
                tracing::error!("could not settle a step: {error}");
                (RunResult::Failed, None)
            }
        }
    }

    /// A slot for the step that this one most likely opens.
    fn slot_for_next(&self, job: &Claimed, outcome: &Outcome) -> Option<(Stage, Slot)> {
        if !matches!(outcome, Outcome::Done { .. }) {
            return None;
        }
        let channel = job.request.document.channel();
        let next = channel.next_stage(job.row.key.stage)?;
        self.handlers.get(&next)?;
        let slot = self.bus.try_begin(&job.row.key.tenant, next)?;
        Some((next, slot))
    }

    /// A pause while people are still writing, else the stage's outcome.
    async fn pause_or_handle(&self, handler: &dyn StageHandler, job: &Claimed) -> Option<Outcome> {
        let (document, config) = (&job.request.document, &job.config.workflow);
        match workflow::pause(document, handler.stage(), config, self.clock.now()) {
            Some(until) => Some(Outcome::Pause { until }),
            None => self.handle(handler, job).await,
        }
    }

    /// The stage's outcome, with the lease renewed meanwhile. `None` if the claim was lost.
    async fn handle(&self, handler: &dyn StageHandler, job: &Claimed) -> Option<Outcome> {
        let give_up_at = later(self.clock.now(), self.config.longest_run);
        let handling = AssertUnwindSafe(handler.handle(job)).catch_unwind();
        let keeping = self.keep(job);
        tokio::select! {
            // A finished outcome is never dropped, and simulations stay deterministic.
            biased;
            outcome = handling => Some(match outcome {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(error)) => Outcome::from(error),
                Err(_) => {
                    tracing::error!("a step panicked");
                    retry("the step ended in a defect of ours; the log says more")
                }
            }),
            () = keeping => None,
            () = self.clock.sleep_until(give_up_at) => Some(retry("the step took too long")),
        }
    }

    /// Renews the lease at a third of its length. Ends once the claim is no longer valid, or was not renewed in time.
    async fn keep(&self, job: &Claimed) {
        let claim = job.claim_token();
        let mut held_until = self.clock.monotonic() + self.config.lease;
        loop {
            self.clock
                .sleep_until(later(self.clock.now(), self.config.lease / 3))
                .await;
            let asked = self.clock.monotonic();
            match self.queue.renew(&claim, self.config.lease).await {
                Ok(true) => held_until = asked + self.config.lease,
                Ok(false) => return,
                Err(error) => tracing::warn!("could not renew a lease: {error}"),
            }
            if self.clock.monotonic() >= held_until {
                return;
            }
        }
    }

    /// Settles, and tries again while the lease may still be ours.
    async fn settle(
        &self,
        job: &Claimed,
        outcome: Outcome,
        records: Vec<Record>,
        took: Duration,
        wanted: Option<Wanted>,
    ) -> Result<(SettleResult, Option<Claimed>), StoreError> {
        let mut pause = Duration::from_millis(100);
        loop {
            match self
                .queue
                .settle_and_claim(job, outcome.clone(), records.clone(), took, wanted)
                .await
            {
                Err(StoreError::Busy | StoreError::Failed(_)) if pause < self.config.lease / 4 => {
                    self.clock.sleep_until(later(self.clock.now(), pause)).await;
                    pause *= 2;
                }
                result => return result,
            }
        }
    }

    async fn publish(&self, wakes: Vec<Wake>) {
        if !wakes.is_empty()
            && let Err(error) = self.bus.publish(wakes).await
        {
            tracing::warn!("{error}; the relay will publish them");
        }
    }

    /// Whether there may be work of a tenant's stage that can be done. Rows that nobody can claim would be reloaded
    /// without end; the relay scans them now and then.
    fn is_worth_reloading(&self, wake: &Wake, result: RunResult) -> bool {
        let stage = (wake.key.tenant.clone(), wake.key.stage);
        let mut fruitless = self
            .fruitless
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if result == RunResult::Nothing {
            let count = fruitless.entry(stage).or_default();
            *count = count.saturating_add(1);
            *count <= MAX_FRUITLESS
        } else {
            fruitless.remove(&stage);
            true
        }
    }

    /// Reloads what overflowed of a tenant's stage, once the bus has capacity for it.
    async fn refill(&self, tenant: &TenantId, stage: Stage) {
        if !self.bus.take_overflowed(tenant, stage) {
            return;
        }
        // Rows whose wake-up is queued on the bus are due in the store, too.
        let limit = self.bus.capacity(tenant, stage).saturating_mul(2);
        match self.queue.due_work(tenant, stage, limit).await {
            Ok(due) => self.publish(due).await,
            Err(error) => tracing::warn!("could not reload due work: {error}"),
        }
    }
}

fn retry(reason: &str) -> Outcome {
    Outcome::Retry {
        after: None,
        reason: reason.to_owned(),
        answer: None,
    }
}

/// One log line for each step.
fn report(stage: Stage, job: &Claimed, outcome: &Outcome, took: Duration) {
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let attempt = job.row.failures + 1;
    match outcome {
        Outcome::Done { .. } | Outcome::Merge { .. } => {
            tracing::info!(attempt, took_ms, "finished {stage}");
        }
        Outcome::Pause { until } => {
            tracing::debug!(took_ms, "{stage} waits for a pause until {until}");
        }
        Outcome::Wait { reason, .. } => tracing::debug!(took_ms, "{stage} waits: {reason}"),
        Outcome::Retry { reason, .. } => {
            tracing::warn!(attempt, took_ms, "{stage} will be retried: {reason}");
        }
        Outcome::Hold {
            reason, connection, ..
        } => {
            tracing::warn!(
                attempt,
                took_ms,
                "{stage} is held for connection {connection}: {reason}"
            );
        }
        Outcome::Park { reason, .. } => {
            tracing::error!(attempt, took_ms, "parked {stage}: {reason}");
        }
    }
}

/// The trace id of a W3C `traceparent`; empty without one.
fn trace_id(traceparent: Option<&str>) -> &str {
    traceparent
        .and_then(|text| text.split('-').nth(1))
        .unwrap_or_default()
}
