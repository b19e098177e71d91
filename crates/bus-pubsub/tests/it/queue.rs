//! A work table in memory, and a stage that counts what it handled.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bus::{Bus, Runner, RunnerConfig};
use domain::{
    Channel, Claim, ClaimResult, Claimed, Clock as _, DueWake, LeadRequest, OfficeConfig, Outcome,
    Record, RequestId, SettleResult, Stage, StageError, StageHandler, StoreError, TenantId, Wake,
    Wanted, WorkKey, WorkQueue, WorkRow, later,
};
use runtime::{SystemClock, TraceContext};
use testkit::lead;
use tokio::sync::{Semaphore, mpsc};
use uuid::Uuid;

/// Longest wait for a condition.
const PATIENCE: Duration = Duration::from_secs(60);

/// The rows that are still to be done.
#[derive(Default)]
pub(crate) struct Rows {
    rows: Mutex<HashMap<WorkKey, (LeadRequest, WorkRow)>>,
    /// Claims that fail before one succeeds.
    failures: AtomicU32,
    claims: AtomicU32,
    hints: Mutex<Option<mpsc::UnboundedSender<Wake>>>,
}

impl Rows {
    /// Adds a request with its row, of the stage `recording`; returns the wake-up. A `lost` one is due for the relay at
    /// once.
    pub(crate) fn add(&self, number: u128, lost: bool) -> Wake {
        self.add_of("tenant_a", number, lost)
    }

    /// [`Rows::add`] for another tenant.
    pub(crate) fn add_of(&self, tenant: &str, number: u128, lost: bool) -> Wake {
        let now = SystemClock::new().now();
        let mut request = lead::request(Channel::Phone);
        request.tenant = TenantId::new(tenant).unwrap();
        request.id = RequestId::from_uuid(Uuid::from_u128(number));
        let key = WorkKey {
            tenant: request.tenant.clone(),
            request: request.id,
            stage: Stage::Recording,
            target: String::new(),
        };
        let mut row = WorkRow::new(key, now, Duration::ZERO, None);
        if lost {
            row.next_wake_at = Some(now);
        }
        let wake = row.wake();
        let mut rows = self.rows.lock().unwrap();
        rows.insert(row.key.clone(), (request, row));
        wake
    }

    /// Makes the next claims fail.
    pub(crate) fn fail_claims(&self, number: u32) {
        self.failures.store(number, Ordering::Relaxed);
    }

    /// How many claims were attempted.
    pub(crate) fn claims(&self) -> u32 {
        self.claims.load(Ordering::Relaxed)
    }

    /// The hint of every claim that is attempted from now on.
    pub(crate) fn hints(&self) -> mpsc::UnboundedReceiver<Wake> {
        let (sender, receiver) = mpsc::unbounded_channel();
        *self.hints.lock().unwrap() = Some(sender);
        receiver
    }
}

#[async_trait]
impl WorkQueue for Rows {
    async fn claim(&self, wake: &Wake, lease: Duration) -> Result<Option<Claimed>, StoreError> {
        self.claims.fetch_add(1, Ordering::Relaxed);
        if let Some(hints) = &*self.hints.lock().unwrap() {
            hints.send(wake.clone()).unwrap();
        }
        let take = |left: u32| left.checked_sub(1);
        if self
            .failures
            .try_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
        {
            return Err(StoreError::Failed("as the test wants it".to_owned()));
        }
        let mut rows = self.rows.lock().unwrap();
        let Some((request, row)) = rows.get_mut(&wake.key) else {
            return Ok(None);
        };
        let now = SystemClock::new().now();
        Ok(match row.claim(wake.token, now, lease) {
            ClaimResult::Claimed => Some(Claimed::new(
                row.clone(),
                request.clone(),
                Arc::new(OfficeConfig::default()),
            )),
            ClaimResult::NotNow | ClaimResult::CrashLoop => None,
        })
    }

    async fn renew(&self, _: &Claim, _: Duration) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn settle_and_claim(
        &self,
        job: &Claimed,
        _: Outcome,
        _: Vec<Record>,
        _: Duration,
        _: Option<Wanted>,
    ) -> Result<(SettleResult, Option<Claimed>), StoreError> {
        self.rows.lock().unwrap().remove(&job.row.key);
        Ok((SettleResult::Written(Vec::new()), None))
    }

    async fn due_wakes_across_tenants(
        &self,
        _: u32,
        limit: u32,
    ) -> Result<Vec<DueWake>, StoreError> {
        let now = SystemClock::new().now();
        let rows = self.rows.lock().unwrap();
        let due = rows.values().filter_map(|(_, row)| {
            let next_wake_at = row.next_wake_at.filter(|at| *at <= now)?;
            Some(DueWake {
                wake: row.wake(),
                next_wake_at,
                wakes: row.wakes,
            })
        });
        Ok(due.take(limit as usize).collect())
    }

    async fn move_wakes_across_tenants(&self, due: Vec<DueWake>) -> Result<Vec<Wake>, StoreError> {
        let mut rows = self.rows.lock().unwrap();
        for moved in &due {
            if let Some((_, row)) = rows.get_mut(&moved.wake.key) {
                row.next_wake_at = Some(later(moved.next_wake_at, Duration::from_secs(600)));
            }
        }
        Ok(due.into_iter().map(|moved| moved.wake).collect())
    }

    async fn due_work(&self, _: &TenantId, _: Stage, _: u32) -> Result<Vec<Wake>, StoreError> {
        Ok(Vec::new())
    }
}

/// A stage that notes which requests it handled, and in which trace.
pub(crate) struct Counting {
    stage: Stage,
    handled: Mutex<Vec<(RequestId, Option<String>)>>,
    /// A tenant whose steps do not end while there are no permits.
    slow: Option<(TenantId, Semaphore)>,
}

impl Counting {
    pub(crate) fn new(stage: Stage) -> Arc<Self> {
        Arc::new(Self {
            stage,
            handled: Mutex::default(),
            slow: None,
        })
    }

    /// A tenant's steps do not end before [`Counting::go_on`].
    pub(crate) fn slow_for(stage: Stage, tenant: &str) -> Arc<Self> {
        Arc::new(Self {
            stage,
            handled: Mutex::default(),
            slow: Some((TenantId::new(tenant).unwrap(), Semaphore::new(0))),
        })
    }

    /// Lets the slow tenant's steps end.
    pub(crate) fn go_on(&self) {
        let (_, gate) = self.slow.as_ref().unwrap();
        gate.add_permits(Semaphore::MAX_PERMITS);
    }

    /// The handled requests, in order.
    pub(crate) fn handled(&self) -> Vec<RequestId> {
        let handled = self.handled.lock().unwrap();
        handled.iter().map(|(id, _)| *id).collect()
    }

    /// The trace id of each run.
    pub(crate) fn traces(&self) -> Vec<Option<String>> {
        let handled = self.handled.lock().unwrap();
        handled.iter().map(|(_, trace)| trace.clone()).collect()
    }
}

#[async_trait]
impl StageHandler for Counting {
    fn stage(&self) -> Stage {
        self.stage
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let trace = TraceContext::current().map(|trace| trace.trace_id().to_string());
        self.handled
            .lock()
            .unwrap()
            .push((job.row.key.request, trace));
        if let Some((tenant, gate)) = &self.slow
            && *tenant == job.row.key.tenant
        {
            gate.acquire().await.unwrap().forget();
        }
        Ok(Outcome::Done {
            sections: Vec::new(),
            aliases: Vec::new(),
        })
    }
}

/// A runner of this stage over these rows that publishes to `bus`.
pub(crate) fn runner(rows: &Arc<Rows>, bus: Arc<dyn Bus>, stage: &Arc<Counting>) -> Arc<Runner> {
    Runner::new(
        rows.clone(),
        bus,
        Arc::new(SystemClock::new()),
        [stage.clone() as Arc<dyn StageHandler>],
        RunnerConfig::default(),
    )
}

/// Waits until the condition holds.
pub(crate) async fn eventually(what: &str, has_come: impl Fn() -> bool) {
    let wait = async {
        while !has_come() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("not in time: {what}"));
}
