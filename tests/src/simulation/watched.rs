//! The store as a run sees it. Every answer is recorded for the audit, then held up at a gate; some calls find the store
//! busy, or lose its answer.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    Claim, Claimed, Clock as _, ConnectionName, DueWake, EffectEnd, EffectIntent, EffectKey,
    EffectLog, Outcome, Reading, Record, RequestId, ReviewAction, Section, SettleResult, Stage,
    StoreError, TenantId, Wake, Wanted, WorkKey, WorkQueue,
};
use jiff::Timestamp;
use store::{Accepted, AuditAction, Connection, Delivery, Store as _};

use super::{
    Failpoint, audit, coverage::Operation, faulty::FaultyStore, outside::Report, scene::Scene,
};

type Result<T> = std::result::Result<T, StoreError>;

/// The store of one process, watched.
pub(super) struct Watched {
    pub(super) store: FaultyStore,
    scene: Arc<Scene>,
}

impl Watched {
    pub(super) fn new(store: FaultyStore, scene: Arc<Scene>) -> Self {
        Self { store, scene }
    }

    fn now(&self) -> Timestamp {
        self.scene.clock.now()
    }

    /// Asks the store. `enter` sees the answer before the task can be held up, or crash.
    async fn ask<T: Send>(
        &self,
        point: Failpoint,
        asked: impl Future<Output = Result<T>> + Send,
        enter: impl FnOnce(&T) + Send,
    ) -> Result<T> {
        let scene = &self.scene;
        if scene.goes_wrong(2) {
            scene.does(Operation::StoreBusy);
            return Err(StoreError::Busy);
        }
        let answer = {
            let _in_store = scene.gates.in_store();
            asked.await
        };
        match &answer {
            Ok(answer) => enter(answer),
            Err(error @ (StoreError::Busy | StoreError::Failed(_) | StoreError::Corrupt(_))) => {
                scene.audit.fault(format!("the store failed: {error}"));
            }
            Err(StoreError::NotFound | StoreError::Conflict(_) | StoreError::Outdated { .. }) => {}
        }
        scene.gates.pass(point).await;
        if scene.goes_wrong(2) {
            scene.does(Operation::AnswerLost);
            return Err(StoreError::Failed("the answer was lost".to_owned()));
        }
        answer
    }

    /// Stores a delivery that reports this of a lead.
    pub(super) async fn accept(
        &self,
        delivery: Delivery,
        report: Option<Report>,
    ) -> Result<Accepted> {
        let audit = &self.scene.audit;
        let is_readable = matches!(delivery.reading, Ok(Reading::News(_)));
        let receipts = match &delivery.reading {
            Ok(Reading::Receipts(receipts)) => receipts.clone(),
            _ => Vec::new(),
        };
        let accepting = self.store.accept(delivery);
        self.ask(Failpoint::AfterAccept, accepting, |accepted| {
            if let Some(request) = accepted.request() {
                audit.stored(report.as_ref(), request, is_readable);
            }
            for receipt in &receipts {
                audit.happened(&receipt.effect);
            }
            audit.woken(&accepted.clone().into_wakes());
        })
        .await
    }

    pub(super) async fn connection(&self, name: &ConnectionName) -> Result<Option<Connection>> {
        let reading = self.store.real.connection(&self.scene.tenant, name);
        self.ask(Failpoint::AfterConnection, reading, |_| {}).await
    }

    pub(super) async fn replace_secret(&self, name: &ConnectionName) -> Result<Vec<Wake>> {
        let (store, tenant) = (&self.store.real, &self.scene.tenant);
        let act = act("secret.replace", name);
        let replacing = async {
            let known = store.connection(tenant, name).await?;
            let next = known.map_or(1, |connection| connection.secret_version + 1);
            store.replace_secret(tenant, name, next, None, &act).await
        };
        let replaced = self.ask(Failpoint::AfterReplace, replacing, |replaced| {
            self.enter_wakes(&replaced.wakes);
        });
        Ok(replaced.await?.wakes)
    }

    pub(super) async fn redrive(&self, keys: &[WorkKey]) -> Result<Vec<Wake>> {
        let act = act("work.redrive", &keys.len());
        let redriving = self.store.real.redrive(&self.scene.tenant, keys, &act);
        let redriven = self.ask(Failpoint::AfterRedrive, redriving, |redriven| {
            self.enter_wakes(&redriven.wakes);
        });
        Ok(redriven.await?.wakes)
    }

    pub(super) async fn decide(
        &self,
        request: RequestId,
        action: ReviewAction,
    ) -> Result<Vec<Wake>> {
        let act = act("request.decide", &request);
        let deciding = self
            .store
            .real
            .decide(&self.scene.tenant, request, action, &act);
        let decided = self.ask(Failpoint::AfterDecide, deciding, |wakes| {
            self.scene.audit.touched(request);
            self.enter_wakes(wakes);
        });
        decided.await
    }

    pub(super) async fn replay(&self, request: RequestId, from: Stage) -> Result<Vec<Wake>> {
        let act = act("request.replay", &request);
        let replaying = self
            .store
            .real
            .replay(&self.scene.tenant, request, from, &act);
        let replayed = self.ask(Failpoint::AfterReplay, replaying, |wakes| {
            self.scene.audit.touched(request);
            self.enter_wakes(wakes);
        });
        replayed.await
    }

    fn enter_wakes(&self, wakes: &[Wake]) {
        self.scene.audit.woken(wakes);
        for wake in wakes {
            self.scene.audit.touched(wake.key.request);
        }
    }

    /// Records a settle.
    fn enter_settled(&self, job: &Claimed, outcome: &Outcome, settled: &SettleResult) {
        let scene = &self.scene;
        let step = audit::step(&job.row.key);
        let SettleResult::Written(wakes) = settled else {
            scene.note(&format!("  {step} was settled too late"));
            return;
        };
        scene.note(&format!("  {step} is settled: {}", outcome.word()));
        scene.count("outcome", outcome.word());
        scene.audit.settled(&job.claim_token(), self.now());
        self.enter_wakes(wakes);
        if let Outcome::Done { sections, .. } = outcome {
            for section in sections {
                if let Section::Source(source) = section
                    && let Some(report) = super::outside::version(&source.said)
                        .and_then(|version| scene.outside.report(version))
                {
                    scene.audit.read(job.request.id, &report);
                }
            }
        }
    }
}

fn act(action: &'static str, object: &dyn std::fmt::Display) -> AuditAction {
    AuditAction::new("operator", action, object)
}

#[async_trait]
impl WorkQueue for Watched {
    async fn claim(&self, wake: &Wake, lease: Duration) -> Result<Option<Claimed>> {
        let claiming = self.store.claim(wake, lease);
        self.ask(Failpoint::AfterClaim, claiming, |job| {
            // A first claim shows in the status. A refused one may have parked the row.
            let is_early = |job: &Claimed| job.request.document.details.is_none();
            if job.as_ref().is_none_or(is_early) {
                self.scene.audit.touched(wake.key.request);
            }
            if let Some(job) = job {
                self.scene.audit.claimed(job, self.now(), lease);
            }
        })
        .await
    }

    async fn renew(&self, claim: &Claim, lease: Duration) -> Result<bool> {
        self.scene.gates.pass(Failpoint::BeforeRenew).await;
        let renewing = self.store.renew(claim, lease);
        self.ask(Failpoint::AfterRenew, renewing, |is_valid| {
            if *is_valid {
                let audit = &self.scene.audit;
                audit.acted("a lease was renewed", claim, self.now(), lease);
            }
        })
        .await
    }

    async fn settle_and_claim(
        &self,
        job: &Claimed,
        outcome: Outcome,
        records: Vec<Record>,
        duration: Duration,
        wanted: Option<Wanted>,
    ) -> Result<(SettleResult, Option<Claimed>)> {
        let has_records = !records.is_empty();
        let settling = self
            .store
            .settle_and_claim(job, outcome.clone(), records, duration, wanted);
        self.ask(Failpoint::AfterSettle, settling, |(settled, claimed)| {
            if has_records && *settled == SettleResult::Stale {
                self.scene
                    .count("frozen", "the records of a stale settle were not kept");
            }
            self.enter_settled(job, &outcome, settled);
            if let (Some(claimed), Some(wanted)) = (claimed, wanted) {
                self.scene.audit.claimed(claimed, self.now(), wanted.lease);
            }
        })
        .await
    }

    async fn due_wakes_across_tenants(&self, per_tenant: u32, limit: u32) -> Result<Vec<DueWake>> {
        let scanning = self.store.due_wakes_across_tenants(per_tenant, limit);
        self.ask(Failpoint::AfterScan, scanning, |_| {}).await
    }

    async fn move_wakes_across_tenants(&self, due: Vec<DueWake>) -> Result<Vec<Wake>> {
        let moving = self.store.move_wakes_across_tenants(due.clone());
        self.ask(Failpoint::AfterMove, moving, |moved| {
            self.scene.audit.moved(&due, moved);
        })
        .await
    }

    async fn due_work(&self, tenant: &TenantId, stage: Stage, limit: u32) -> Result<Vec<Wake>> {
        let reloading = self.store.due_work(tenant, stage, limit);
        self.ask(Failpoint::AfterDueWork, reloading, |_| {}).await
    }
}

#[async_trait]
impl EffectLog for Watched {
    async fn intend(
        &self,
        claim: &Claim,
        key: &EffectKey,
        call_deadline: Duration,
    ) -> Result<EffectIntent> {
        let intending = self.store.intend(claim, key, call_deadline);
        self.ask(Failpoint::AfterIntend, intending, |intent| {
            self.enter_intent(claim, key, intent, call_deadline, false);
        })
        .await
    }

    async fn intend_again(
        &self,
        claim: &Claim,
        key: &EffectKey,
        call_deadline: Duration,
    ) -> Result<EffectIntent> {
        let intending = self.store.intend_again(claim, key, call_deadline);
        self.ask(Failpoint::AfterIntendAgain, intending, |intent| {
            self.enter_intent(claim, key, intent, call_deadline, true);
        })
        .await
    }

    async fn conclude(&self, claim: &Claim, key: &EffectKey, end: EffectEnd) -> Result<()> {
        let concluding = self.store.conclude(claim, key, end.clone());
        self.ask(Failpoint::AfterConclude, concluding, |()| match end {
            EffectEnd::Done { .. } => self.scene.audit.happened(key),
            EffectEnd::Refused => self.scene.audit.refused(claim, key),
            EffectEnd::GivenUp => {}
        })
        .await
    }
}

impl Watched {
    fn enter_intent(
        &self,
        claim: &Claim,
        key: &EffectKey,
        intent: &EffectIntent,
        lease: Duration,
        is_looked_up: bool,
    ) {
        let audit = &self.scene.audit;
        self.scene
            .note(&format!("  {} is intended: {intent:?}", key.as_str()));
        if *intent != EffectIntent::Stale {
            audit.acted("an effect was intended", claim, self.now(), lease);
        }
        audit.intended(claim, key, intent, self.now(), is_looked_up);
    }
}
