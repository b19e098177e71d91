//! The real store, with one mistake in it when that is wanted: what a simulation is worth shows in what it finds.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Claim, Claimed, Clock as _, DueWake, EffectEnd, EffectIntent, EffectKey, EffectLog, EventId,
    Outcome, Record, RequestId, SettleResult, Stage, StoreError, TenantId, Wake, Wanted, WorkKey,
    WorkQueue,
};
use jiff::Timestamp;
use rusqlite::{Connection as Db, params};
use store::{Accepted, Delivery, Store as _};
use store_sqlite::SqliteStore;

use super::{coverage::named, scene::Scene};

type Result<T> = std::result::Result<T, StoreError>;

named! {
    /// A mistake that a store could make.
    pub Plant {
        /// A delivery is acknowledged, its transaction was lost.
        AcknowledgesEarly => "acknowledges-early",
        /// A settle is written whatever its token.
        SettlesStale => "settles-stale",
        /// A row is claimed although somebody works on it: neither lease nor token are looked at.
        IgnoresLeases => "ignores-leases",
        /// Wake-ups are moved on although another relay did.
        MovesTwice => "moves-twice",
        /// A worker that was overtaken says that an effect was refused, and is believed.
        BelievesStaleRefusals => "believes-stale-refusals",
        /// An effect that was intended is forgotten.
        ForgetsIntents => "forgets-intents",
        /// News of a request whose step runs do not make it run again.
        ForgetsNews => "forgets-news",
    }
}

/// The store of one process.
pub(super) struct FaultyStore {
    pub(super) real: SqliteStore,
    scene: Arc<Scene>,
    plant: Option<Planted>,
}

/// A mistake, and the way past the real store to make it.
struct Planted {
    plant: Plant,
    db: Mutex<Db>,
}

impl FaultyStore {
    pub(super) fn open(path: &Path, scene: Arc<Scene>, plant: Option<Plant>) -> Result<Self> {
        let real = SqliteStore::open(path, Arc::new(scene.clock.clone()))?;
        let plant = plant.map(|plant| {
            let db = Db::open(path).unwrap();
            db.busy_timeout(Duration::from_secs(5)).unwrap();
            Planted {
                plant,
                db: Mutex::new(db),
            }
        });
        Ok(Self { real, scene, plant })
    }

    fn makes(&self, plant: Plant) -> Option<&Planted> {
        self.plant.as_ref().filter(|planted| planted.plant == plant)
    }

    pub(super) async fn accept(&self, delivery: Delivery) -> Result<Accepted> {
        if self.makes(Plant::AcknowledgesEarly).is_some() && self.scene.goes_wrong(10) {
            let ids = self.real.ids();
            let (event, request) = (
                EventId::from_uuid(ids.next()),
                RequestId::from_uuid(ids.next()),
            );
            return Ok(Accepted::committed(event, Some(request), false, Vec::new()));
        }
        let accepted = self.real.accept(delivery).await?;
        if let (Some(planted), Some(request)) = (self.makes(Plant::ForgetsNews), accepted.request())
        {
            planted.execute(
                "UPDATE work SET rerun_requested = 0 WHERE request_id = ?1",
                params![request.to_string()],
            );
            planted.execute(
                "UPDATE requests SET document = json_set(document, '$.revisions.dispatch', 0) WHERE request_id = ?1",
                params![request.to_string()],
            );
        }
        Ok(accepted)
    }
}

impl Planted {
    fn execute(&self, sql: &str, params: impl rusqlite::Params) {
        let db = self.db.lock().unwrap_or_else(PoisonError::into_inner);
        db.execute(sql, params).unwrap();
    }

    /// Changes a row that is at work, or any; `?4` is a token and `?5` the time.
    fn change_row(&self, key: &WorkKey, change: &str, token: u64, now: Timestamp) {
        let sql =
            format!("UPDATE work SET {change} AND request_id = ?1 AND stage = ?2 AND target = ?3");
        let request = key.request.to_string();
        let token = i64::try_from(token).unwrap();
        let now = now.as_microsecond();
        self.execute(
            &sql,
            params![request, key.stage.as_str(), key.target, token, now],
        );
    }
}

#[async_trait]
impl WorkQueue for FaultyStore {
    async fn claim(&self, wake: &Wake, lease: Duration) -> Result<Option<Claimed>> {
        if let Some(planted) = self.makes(Plant::IgnoresLeases) {
            // The hint that the row was claimed by is one older than its token.
            let change =
                "lease_until = ?5, token = ?4 WHERE state = 'in_flight' AND token IN (?4, ?4 + 1)";
            planted.change_row(&wake.key, change, wake.token, self.scene.clock.now());
        }
        self.real.claim(wake, lease).await
    }

    async fn renew(&self, claim: &Claim, lease: Duration) -> Result<bool> {
        self.real.renew(claim, lease).await
    }

    async fn settle_and_claim(
        &self,
        job: &Claimed,
        outcome: Outcome,
        records: Vec<Record>,
        duration: Duration,
        wanted: Option<Wanted>,
    ) -> Result<(SettleResult, Option<Claimed>)> {
        if let Some(planted) = self.makes(Plant::SettlesStale) {
            let change = "token = ?4, state = 'in_flight', lease_until = ?5, next_wake_at = ?5 WHERE token > ?4";
            planted.change_row(&job.row.key, change, job.row.token, self.scene.clock.now());
        }
        self.real
            .settle_and_claim(job, outcome, records, duration, wanted)
            .await
    }

    async fn due_wakes_across_tenants(&self, per_tenant: u32, limit: u32) -> Result<Vec<DueWake>> {
        self.real.due_wakes_across_tenants(per_tenant, limit).await
    }

    async fn move_wakes_across_tenants(&self, due: Vec<DueWake>) -> Result<Vec<Wake>> {
        let all: Vec<_> = due.iter().map(|due| due.wake.clone()).collect();
        let moved = self.real.move_wakes_across_tenants(due).await?;
        Ok(if self.makes(Plant::MovesTwice).is_some() {
            all
        } else {
            moved
        })
    }

    async fn due_work(&self, tenant: &TenantId, stage: Stage, limit: u32) -> Result<Vec<Wake>> {
        self.real.due_work(tenant, stage, limit).await
    }
}

#[async_trait]
impl EffectLog for FaultyStore {
    async fn intend(
        &self,
        claim: &Claim,
        key: &EffectKey,
        call_deadline: Duration,
    ) -> Result<EffectIntent> {
        if let Some(planted) = self.makes(Plant::ForgetsIntents) {
            planted.execute(
                "DELETE FROM effects WHERE effect_key = ?1 AND state = 'intended'",
                params![key.as_str()],
            );
        }
        self.real.intend(claim, key, call_deadline).await
    }

    async fn intend_again(
        &self,
        claim: &Claim,
        key: &EffectKey,
        call_deadline: Duration,
    ) -> Result<EffectIntent> {
        self.real.intend_again(claim, key, call_deadline).await
    }

    async fn conclude(&self, claim: &Claim, key: &EffectKey, end: EffectEnd) -> Result<()> {
        if end == EffectEnd::Refused
            && let Some(planted) = self.makes(Plant::BelievesStaleRefusals)
        {
            planted.execute(
                "UPDATE effects SET state = 'refused' WHERE effect_key = ?1 AND state <> 'done'",
                params![key.as_str()],
            );
        }
        self.real.conclude(claim, key, end).await
    }
}
