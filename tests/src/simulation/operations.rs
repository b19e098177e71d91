//! What the scheduler can do: deliver, carry wake-ups, let workers and relays begin, act as an operator.

use std::{collections::BTreeMap, time::Duration};

use bus::{Bus as _, RunResult, ScanResult, Ticket};
use bytes::Bytes;
use domain::{
    Channel, ConnectionName, Reading, Receipt, RequestId, ReviewAction, SourceId, Stage, Status,
    StoreError, Wake, WorkRow,
};
use futures::{FutureExt as _, future::BoxFuture};
use store::{Delivery, Store as _, WorkQuery};
use testkit::lead::PROVIDER;
use uuid::Uuid;

use super::{
    CONNECTIONS,
    coverage::Operation,
    outside::{Outside, Report},
    run::{Process, Run, lock},
    shaky_bus::ShakyBus,
    tasks::What,
};

/// A delivery, and what it reports of a lead.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) delivery: Delivery,
    pub(super) report: Option<Report>,
}

impl Run {
    pub(super) async fn does(&mut self, what: Operation) {
        match what {
            Operation::NewLead => {
                let lead = self.scene.outside.arrive(&self.scene);
                let names = self.some_names(lead, false);
                self.deliver_news(what, lead, names).await;
            }
            Operation::News | Operation::Linking => {
                let lead = self.some_lead();
                let names = self.some_names(lead, what == Operation::Linking);
                self.deliver_news(what, lead, names).await;
            }
            Operation::Repeat => {
                if let Some(sent) = self.sent.last().cloned() {
                    self.deliver(what, sent).await;
                }
            }
            Operation::OldRepeat => {
                if let Some(sent) = self.scene.draws.pick(&self.sent) {
                    self.deliver(what, sent).await;
                }
            }
            Operation::Resend => {
                let sent = lock(&self.unacknowledged).pop();
                if let Some(sent) = sent {
                    self.deliver(what, sent).await;
                }
            }
            Operation::Unreadable => self.deliver_unreadable().await,
            Operation::Ignored => {
                let body = format!("of no use {}", self.step);
                let reading = Ok(Reading::Ignored {
                    reason: "we do not use it".into(),
                });
                let delivery = self.delivery(body, reading);
                let report = None;
                self.deliver(what, Sent { delivery, report }).await;
            }
            Operation::Receipt => {
                if let Some((effect, remote_id)) = self.scene.outside.take_receipt(&self.scene) {
                    let body = format!("receipt {} of {}", self.step, effect.as_str());
                    let receipt = Receipt {
                        is_undelivered: false,
                        effect,
                        remote_id,
                        event: "delivered".to_owned(),
                        at: None,
                        reason: None,
                    };
                    let reading = Ok(Reading::Receipts(vec![receipt]));
                    let delivery = self.delivery(body, reading);
                    let report = None;
                    self.deliver(what, Sent { delivery, report }).await;
                }
            }
            Operation::Scan | Operation::SecondScan => {
                self.scene.does(what);
                self.scan().await;
            }
            Operation::Wake
            | Operation::WakeReordered
            | Operation::WakeLost
            | Operation::WakeDoubled => self.carry(what).await,
            Operation::Start => {
                let stages = self.waiting_stages();
                if let Some(stage) = self.scene.draws.pick(&stages) {
                    self.begin_step(stage).await;
                }
            }
            Operation::Freeze => {
                let live = self.tasks.iter().filter(|task| task.is_live());
                let live: Vec<_> = live.map(|task| task.id).collect();
                if let Some(id) = self.scene.draws.pick(&live) {
                    self.freeze(id);
                }
            }
            Operation::Bustle => self.bustle().await,
            Operation::Moment => {
                self.scene.does(what);
                let by = Duration::from_millis(self.scene.draws.between(200, 12_000));
                self.scene.note(&format!("{by:?} pass"));
                self.pass(by).await;
            }
            Operation::Lease => {
                self.scene.does(what);
                let by = Duration::from_secs(self.scene.draws.between(61, 130));
                self.scene.note(&format!("{by:?} pass"));
                self.pass(by).await;
            }
            Operation::Hours => {
                self.scene.does(what);
                let by = Duration::from_secs(self.scene.draws.between(300, 50_000));
                self.scene.note(&format!("{by:?} pass"));
                self.pass(by).await;
            }
            Operation::Crash => self.crash(),
            Operation::Revoke => self.revoke().await,
            Operation::Replace => {
                let name = self.some_connection();
                self.replace(name).await;
            }
            Operation::Redrive => {
                let mut rows = self.stopped().await;
                if self.scene.draws.chance(50) {
                    rows.truncate(1);
                }
                self.redrive(rows).await;
            }
            Operation::Approve => {
                if let Some(request) = self.some_request(&[Status::InReview, Status::Quarantined]) {
                    // Seldom the wrong one of the two: it must be refused.
                    let is_quarantined = self.statuses.get(&request) == Some(&Status::Quarantined);
                    let action = match is_quarantined != self.scene.draws.chance(5) {
                        true => ReviewAction::Release,
                        false => ReviewAction::Approve,
                    };
                    self.decide(request, action).await;
                }
            }
            Operation::Reject => {
                if let Some(request) = self.some_request(&[Status::InReview]) {
                    self.decide(request, ReviewAction::Reject).await;
                }
            }
            Operation::Replay => self.replay().await,
            Operation::BusFails
            | Operation::Resume
            | Operation::Thaw
            | Operation::StoreBusy
            | Operation::AnswerLost => {}
        }
    }

    // --- deliveries

    fn some_lead(&self) -> u32 {
        let leads = u64::from(self.scene.outside.leads());
        u32::try_from(self.scene.draws.below(leads)).unwrap()
    }

    /// One of a lead's names, or both, in some order.
    fn some_names(&self, lead: u32, both: bool) -> Vec<String> {
        let mut names = Outside::names(lead);
        if self.scene.draws.chance(40) {
            names.reverse();
        }
        if !both && (!self.scene.habits.tells_names || self.scene.draws.chance(75)) {
            names.truncate(1);
        }
        names
    }

    fn delivery(&self, body: String, reading: Result<Reading, String>) -> Delivery {
        Delivery {
            tenant: self.scene.tenant.clone(),
            provider: PROVIDER.to_owned(),
            // The source's usual one: an unreadable delivery of another channel is taken for a call.
            channel: Channel::Phone,
            source: SourceId::from_uuid(Uuid::from_u128(1)),
            office: None,
            event: None,
            is_told_by_body: false,
            scope: None,
            delivery_id: None,
            scheme: "simulated".to_owned(),
            headers: BTreeMap::new(),
            body: Bytes::from(body),
            traceparent: None,
            reading,
        }
    }

    pub(super) async fn deliver_news(&mut self, what: Operation, lead: u32, names: Vec<String>) {
        let report = self.scene.outside.change(&self.scene, lead, names);
        let reading = Reading::News(Box::new(report.news()));
        let sent = Sent {
            delivery: self.delivery(report.body(), Ok(reading)),
            report: Some(report),
        };
        self.sent.push(sent.clone());
        self.deliver(what, sent).await;
    }

    /// News in a form that cannot be read yet, or ever.
    async fn deliver_unreadable(&mut self) {
        let reading = Err("it has a strange form".to_owned());
        let sent = if self.scene.draws.chance(30) {
            Sent {
                delivery: self.delivery(format!("gibberish {}", self.step), reading),
                report: None,
            }
        } else {
            let lead = self.some_lead();
            let names = self.some_names(lead, false);
            let report = self.scene.outside.change(&self.scene, lead, names);
            Sent {
                delivery: self.delivery(report.body(), reading),
                report: Some(report),
            }
        };
        self.deliver(Operation::Unreadable, sent).await;
    }

    async fn deliver(&mut self, what: Operation, sent: Sent) {
        self.scene.does(what);
        let body = String::from_utf8_lossy(&sent.delivery.body).into_owned();
        let name = format!("{}: {body}", what.as_str());
        let scene = self.scene.clone();
        let Process { store, bus, .. } = self.process();
        let (store, bus) = (store.clone(), bus.clone());
        let unacknowledged = self.unacknowledged.clone();
        let kept = sent.clone();
        let future = async move {
            let accepted = store
                .accept(kept.delivery.clone(), kept.report.clone())
                .await;
            match accepted {
                Ok(accepted) => {
                    let request = accepted.request().map(|id| scene.audit.name(id));
                    let request = request.unwrap_or_else(|| "no request".to_owned());
                    scene.note(&format!("  {body} is accepted: {request}"));
                    scene.audit.acknowledge(accepted.event(), &body);
                    publish(&bus, accepted.into_wakes()).await;
                }
                Err(_) => lock(&unacknowledged).push(kept),
            }
        };
        self.spawn(&name, What::Deliver(Box::new(sent)), future.boxed())
            .await;
    }

    // --- bus, workers, relay

    /// Decides about a wake-up that is under way.
    async fn carry(&mut self, what: Operation) {
        self.scene.does(what);
        let bus = self.process().bus.clone();
        let count = u64::try_from(bus.under_way()).unwrap();
        let index = match what {
            Operation::Wake => 0,
            Operation::WakeReordered => self.scene.draws.between(1, count - 1),
            _ => self.scene.draws.below(count),
        };
        let wake = bus.take(usize::try_from(index).unwrap());
        let stage = wake.key.stage;
        match what {
            Operation::WakeLost => return,
            Operation::WakeDoubled => {
                bus.put(wake.clone());
                bus.arrive(wake).await;
            }
            _ => bus.arrive(wake).await,
        }
        if self.scene.draws.chance(self.scene.habits.free_workers) {
            self.begin_step(stage).await;
        }
    }

    /// A worker takes the next wake-up of a stage; false if there is none that it may take.
    pub(super) async fn begin_step(&mut self, stage: Stage) -> bool {
        let process = self.process();
        let Some(ticket) = process.bus.local.next(stage).now_or_never() else {
            return false;
        };
        self.scene.does(Operation::Start);
        let (scene, runner) = (self.scene.clone(), process.runner.clone());
        let request = scene.audit.name(ticket.wake.key.request);
        let name = format!("{stage} of {request}");
        let future = async move {
            let Ticket { wake, slot } = ticket;
            let word = match runner.run(&wake, slot).await {
                RunResult::Settled => "Settled",
                RunResult::Nothing => "Nothing",
                RunResult::Lost => "Lost",
                RunResult::Failed => "Failed",
            };
            scene.count("step", word);
        };
        self.spawn(&name, What::Step, future.boxed()).await;
        true
    }

    /// All published wake-ups arrive, and a worker takes the first that it can; false if there is none.
    pub(super) async fn begin_next_step(&mut self) -> bool {
        let bus = self.process().bus.clone();
        while bus.under_way() > 0 {
            bus.arrive(bus.take(0)).await;
        }
        for stage in Stage::ALL {
            if self.begin_step(stage).await {
                return true;
            }
        }
        false
    }

    /// Live workers do what is due, and what is due a while later.
    pub(super) async fn bustle(&mut self) {
        self.scene.does(Operation::Bustle);
        for _ in 0..self.scene.draws.between(1, 3) {
            self.scan().await;
            self.finish_live_tasks().await;
            for _ in 0..4 {
                if !self.begin_next_step().await {
                    break;
                }
                self.finish_live_tasks().await;
            }
            let by = Duration::from_secs(self.scene.draws.between(5, 130));
            self.pass(by).await;
        }
    }

    pub(super) async fn scan(&mut self) {
        let (scene, relay) = (self.scene.clone(), self.process().relay.clone());
        let future = async move {
            let word = match relay.scan().await {
                Ok(ScanResult::Idle) => "Idle",
                Ok(ScanResult::Published(_)) => "Published",
                Ok(ScanResult::Full) => "Full",
                Err(_) => "Failed",
            };
            scene.count("scan", word);
        };
        self.spawn("the relay scans", What::Scan, future.boxed())
            .await;
    }

    // --- operators

    fn some_connection(&self) -> ConnectionName {
        ConnectionName::new(self.scene.draws.pick(&CONNECTIONS).unwrap()).unwrap()
    }

    async fn revoke(&self) {
        let name = self.some_connection();
        let real = &self.process().store.store.real;
        let known = real.connection(&self.scene.tenant, &name).await.unwrap();
        let version = known.unwrap().version;
        self.scene.does(Operation::Revoke);
        self.scene
            .note(&format!("version {version} of {name} is revoked"));
        self.scene.outside.revoke(&name, version);
    }

    /// An operator's task: what they ask of the store, and its wake-ups published.
    async fn operate(
        &mut self,
        what: Operation,
        name: String,
        asked: BoxFuture<'static, Result<Vec<Wake>, StoreError>>,
    ) {
        let (scene, bus) = (self.scene.clone(), self.process().bus.clone());
        let future = async move {
            // On an error they learn why it is not possible, or try again.
            if let Ok(wakes) = asked.await {
                scene.does(what);
                publish(&bus, wakes).await;
            }
        };
        self.spawn(&name, What::Operate, future.boxed()).await;
    }

    pub(super) async fn replace(&mut self, name: ConnectionName) {
        let store = self.process().store.clone();
        let line = format!("the secret of {name} is replaced");
        let asked = async move { store.replace_secret(&name).await };
        self.operate(Operation::Replace, line, asked.boxed()).await;
    }

    /// The rows that are stopped.
    pub(super) async fn stopped(&self) -> Vec<WorkRow> {
        let query = WorkQuery {
            limit: 200,
            ..WorkQuery::default()
        };
        let real = &self.process().store.store.real;
        let page = real.stopped_work(&self.scene.tenant, &query).await.unwrap();
        page.items
    }

    pub(super) async fn redrive(&mut self, rows: Vec<WorkRow>) {
        let store = self.process().store.clone();
        let keys: Vec<_> = rows.into_iter().map(|row| row.key).collect();
        let line = format!("{} rows are redriven", keys.len());
        let asked = async move { store.redrive(&keys).await };
        self.operate(Operation::Redrive, line, asked.boxed()).await;
    }

    pub(super) async fn decide(&mut self, request: RequestId, action: ReviewAction) {
        let store = self.process().store.clone();
        let name = self.scene.audit.name(request);
        let (what, line) = match action {
            ReviewAction::Approve => (Operation::Approve, format!("{name} is approved")),
            ReviewAction::Reject => (Operation::Reject, format!("{name} is rejected")),
            ReviewAction::Release => (Operation::Approve, format!("{name} is released")),
        };
        let asked = async move { store.decide(request, action).await };
        self.operate(what, line, asked.boxed()).await;
    }

    /// A request with one of these statuses, or any.
    fn some_request(&self, statuses: &[Status]) -> Option<RequestId> {
        let known = self.statuses.iter();
        let fitting: Vec<_> = known
            .filter(|(_, status)| statuses.contains(status))
            .map(|(request, _)| *request)
            .collect();
        if fitting.is_empty() || self.scene.draws.chance(10) {
            self.scene.draws.pick(&self.scene.audit.requests())
        } else {
            self.scene.draws.pick(&fitting)
        }
    }

    async fn replay(&mut self) {
        let Some(request) = self.some_request(&[]) else {
            return;
        };
        let from = self.scene.draws.pick(&Stage::ALL).unwrap();
        let store = self.process().store.clone();
        let line = format!("{} is replayed from {from}", self.scene.audit.name(request));
        let asked = async move { store.replay(request, from).await };
        self.operate(Operation::Replay, line, asked.boxed()).await;
    }
}

/// Publishes. The relay finds what overflows.
async fn publish(bus: &ShakyBus, wakes: Vec<Wake>) {
    if !wakes.is_empty() {
        bus.publish(wakes).await.ok();
    }
}
