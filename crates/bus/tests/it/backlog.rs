//! More work than the bus holds: the workers get through it without the relay.

use std::{
    collections::BTreeMap,
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bus::{Bus as _, LocalBus, LocalBusConfig, Runner, RunnerConfig};
use domain::{
    Channel, Claim, Claimed, Clock, DueWake, LeadRequest, Outcome, Record, RequestId, SettleResult,
    Stage, StageError, StageHandler, StoreError, TenantId, Wake, Wanted, WorkQueue, WorkRow,
};
use futures::future::BoxFuture;
use jiff::Timestamp;
use testkit::lead;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Its time never passes.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep_until(&self, _: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(future::pending())
    }
}

/// Rows of one stage; a claimed one is gone.
#[derive(Default)]
struct Rows {
    ready: Mutex<BTreeMap<RequestId, (LeadRequest, WorkRow)>>,
}

impl Rows {
    /// Adds a request with its row; returns the wake-up.
    fn add(&self, number: u128) -> Wake {
        let mut request = lead::request(Channel::Phone);
        request.id = RequestId::from_uuid(Uuid::from_u128(number));
        let row = lead::claimed(request.clone(), Stage::Recording, "").row;
        let wake = row.wake();
        let ready = &mut *self.ready.lock().unwrap();
        ready.insert(request.id, (request, row));
        wake
    }
}

#[async_trait]
impl WorkQueue for Rows {
    async fn claim(&self, wake: &Wake, _: Duration) -> Result<Option<Claimed>, StoreError> {
        let taken = self.ready.lock().unwrap().remove(&wake.key.request);
        Ok(taken.map(|(request, row)| Claimed::new(row, request, Arc::new(lead::office()))))
    }

    async fn renew(&self, _: &Claim, _: Duration) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn settle_and_claim(
        &self,
        _: &Claimed,
        _: Outcome,
        _: Vec<Record>,
        _: Duration,
        _: Option<Wanted>,
    ) -> Result<(SettleResult, Option<Claimed>), StoreError> {
        Ok((SettleResult::Written(Vec::new()), None))
    }

    async fn due_wakes_across_tenants(&self, _: u32, _: u32) -> Result<Vec<DueWake>, StoreError> {
        Ok(Vec::new())
    }

    async fn move_wakes_across_tenants(&self, _: Vec<DueWake>) -> Result<Vec<Wake>, StoreError> {
        Ok(Vec::new())
    }

    async fn due_work(&self, _: &TenantId, _: Stage, limit: u32) -> Result<Vec<Wake>, StoreError> {
        let ready = self.ready.lock().unwrap();
        let first = ready.values().take(limit as usize);
        Ok(first.map(|(_, row)| row.wake()).collect())
    }
}

/// Does nothing but yield.
struct Handler;

#[async_trait]
impl StageHandler for Handler {
    fn stage(&self) -> Stage {
        Stage::Recording
    }

    async fn handle(&self, _: &Claimed) -> Result<Outcome, StageError> {
        tokio::task::yield_now().await;
        Ok(Outcome::Done {
            sections: Vec::new(),
            aliases: Vec::new(),
        })
    }
}

#[tokio::test]
async fn a_backlog_is_worked_through_without_the_relay() {
    let capacity = 8;
    for backlog in [7, 8, 9, 40, 200] {
        let bus = LocalBus::new(LocalBusConfig {
            workers_per_stage: 4,
            running_per_tenant: 2,
            waiting_per_tenant: capacity,
        });
        let rows = Arc::new(Rows::default());
        let handlers: [Arc<dyn StageHandler>; 1] = [Arc::new(Handler)];
        let runner = Runner::new(
            rows.clone(),
            bus.clone(),
            Arc::new(Stopped),
            handlers,
            RunnerConfig::default(),
        );
        // In front of it, hints of finished work take the whole capacity.
        let stale = (1_000..1_000 + u128::from(capacity)).map(|number| Rows::default().add(number));
        let wakes = stale.chain((0..backlog).map(|number| rows.add(number)));
        bus.publish(wakes.collect()).await.unwrap();
        let stop = CancellationToken::new();
        let working = tokio::spawn(bus.work(Stage::Recording, &runner, &stop));
        let all = async {
            while !rows.ready.lock().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        let is_done = tokio::time::timeout(Duration::from_secs(60), all)
            .await
            .is_ok();
        let left = rows.ready.lock().unwrap().len();
        assert!(is_done, "{left} of {backlog} are left");
        stop.cancel();
        working.await.unwrap();
    }
}
