//! One run: faults, rest, repair, rest.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bus::{LocalBus, Relay, Runner, RunnerConfig};
use domain::{
    Clock as _, LeadRequest, Office, OfficeId, RequestId, ReviewAction, Status, WorkState,
};
use jiff::Timestamp;
use store::{RequestQuery, Store as _};
use uuid::Uuid;

use super::{
    Failpoint, Plant, checks, coverage::Operation, faulty::FaultyStore, operations::Sent,
    outside::Outside, scene::Scene, shaky_bus::ShakyBus, stages, tasks::Task, watched::Watched,
};

/// Rounds in which a run must come to rest.
const ROUNDS: u32 = 500;
/// How often people may have to put things in order until nothing is out of it.
const REPAIRS: u32 = 6;

/// What runs between two starts.
pub(super) struct Process {
    pub(super) store: Arc<Watched>,
    pub(super) bus: Arc<ShakyBus>,
    pub(super) runner: Arc<Runner>,
    pub(super) relay: Arc<Relay>,
}

/// A run of one seed.
pub(super) struct Run {
    pub(super) scene: Arc<Scene>,
    path: PathBuf,
    plant: Option<Plant>,
    /// Where the process will crash, until it has.
    pub(super) crash_at: Option<Failpoint>,
    /// Where a worker will freeze, until one has.
    pub(super) freeze_at: Option<Failpoint>,
    pub(super) process: Option<Process>,
    pub(super) tasks: Vec<Task>,
    pub(super) next_task: u64,
    pub(super) step: u64,
    /// Every delivery that was sent, in order.
    pub(super) sent: Vec<Sent>,
    /// Deliveries that were not acknowledged.
    pub(super) unacknowledged: Arc<Mutex<Vec<Sent>>>,
    /// Each request's status at the last check.
    pub(super) statuses: BTreeMap<RequestId, Status>,
}

impl Run {
    pub(super) fn new(scene: Arc<Scene>, path: PathBuf, plant: Option<Plant>) -> Self {
        Self {
            crash_at: scene.habits.crash_at,
            freeze_at: scene.habits.freeze_at,
            scene,
            path,
            plant,
            process: None,
            tasks: Vec::new(),
            next_task: 1,
            step: 0,
            sent: Vec::new(),
            unacknowledged: Arc::default(),
            statuses: BTreeMap::new(),
        }
    }

    /// Goes the whole way: faults, rest, repair, rest.
    ///
    /// # Errors
    /// What was found to be wrong, in a sentence.
    pub(super) async fn go(&mut self) -> Result<(), String> {
        self.start();
        self.set_up().await;
        self.run_ahead().await;
        self.check().await?;
        while self.step < self.scene.habits.steps && !self.is_at_its_end() {
            self.step().await;
            self.check().await?;
        }
        self.come_to_rest().await?;
        if self.is_out_of_order() {
            self.inspect(false).await?;
        }
        // What was let go may stop again, in review for example.
        for _ in 0..REPAIRS {
            if !self.repair().await {
                break;
            }
            self.come_to_rest().await?;
        }
        self.inspect(true).await?;
        let store = self.process().store.clone();
        checks::is_stored(&self.scene, &store.store.real).await
    }

    pub(super) fn process(&self) -> &Process {
        self.process
            .as_ref()
            .expect("a process runs between two crashes")
    }

    /// Starts a process: all that was in memory is gone, all leases are void.
    pub(super) fn start(&mut self) {
        let scene = &self.scene;
        let store = FaultyStore::open(&self.path, scene.clone(), self.plant).unwrap();
        let store = Arc::new(Watched::new(store, scene.clone()));
        scene.audit.void_leases(scene.clock.now());
        let bus = Arc::new(ShakyBus::new(
            LocalBus::new(self.scene.habits.bus),
            scene.clone(),
        ));
        let clock = Arc::new(scene.clock.clone());
        let runner = Runner::new(
            store.clone(),
            bus.clone(),
            clock.clone(),
            stages::stages(scene, &store),
            RunnerConfig::default(),
        );
        let relay = Arc::new(Relay::new(
            store.clone(),
            bus.clone(),
            clock,
            self.scene.habits.relay,
        ));
        self.process = Some(Process {
            store,
            bus,
            runner,
            relay,
        });
    }

    async fn set_up(&self) {
        let scene = &self.scene;
        let office = Office {
            id: OfficeId::from_uuid(Uuid::from_u128(1)),
            tenant: scene.tenant.clone(),
            name: "Main".to_owned(),
            address: String::new(),
            time_zone: "America/Chicago".to_owned(),
            config: self.scene.habits.config.clone(),
            config_version: 1,
        };
        self.process()
            .store
            .store
            .real
            .put_office(&office)
            .await
            .unwrap();
    }

    /// Takes a first lead some stages far while nothing goes wrong, so that runs reach every stage. If the provider's API
    /// tells no names, it may be two requests by then.
    async fn run_ahead(&mut self) {
        let scene = self.scene.clone();
        if scene.habits.ahead == 0 {
            return;
        }
        let is_split = !scene.habits.tells_names && !scene.habits.is_quiet;
        scene.set_calm(true);
        scene.gates.set_open(true);
        let lead = scene.outside.arrive(&scene);
        let names = Outside::names(lead);
        for name in names.into_iter().take(if is_split { 2 } else { 1 }) {
            self.deliver_news(Operation::NewLead, lead, vec![name])
                .await;
            for _ in 0..scene.habits.ahead {
                self.begin_next_step().await;
                self.finish_tasks().await;
            }
        }
        scene.gates.set_open(false);
        scene.set_calm(false);
    }

    /// Whether nothing more would happen.
    fn is_at_its_end(&self) -> bool {
        self.scene.habits.is_quiet
            && self.scene.outside.leads() >= self.scene.habits.leads
            && self.tasks.is_empty()
            && self.statuses.values().all(|status| status.is_terminal())
    }

    /// Checks what was written since the last check.
    async fn check(&mut self) -> Result<(), String> {
        if let Some(fault) = self.scene.audit.take_fault() {
            return Err(fault);
        }
        for request in self.scene.audit.take_touched() {
            if let Some(found) = self.read(request).await {
                let real = &self.process().store.store.real;
                let work = real.open_work(&self.scene.tenant, request).await.unwrap();
                checks::of_one(&found, &work)?;
                self.statuses.insert(request, found.status);
            }
        }
        Ok(())
    }

    /// A request, whether or not it was merged. One that is not there was never stored: that is seen at the end.
    async fn read(&self, request: RequestId) -> Option<LeadRequest> {
        // A page of one, which begins right before it.
        let above = Uuid::from_u128(request.as_uuid().as_u128() + 1);
        let query = RequestQuery {
            limit: 1,
            before: Some(RequestId::from_uuid(above)),
            ..RequestQuery::default()
        };
        let real = &self.process().store.store.real;
        let page = real
            .list_requests(&self.scene.tenant, &query)
            .await
            .unwrap();
        page.items.into_iter().find(|found| found.id == request)
    }

    /// Nothing goes wrong from here on: every task ends, and everything that is due is done.
    async fn come_to_rest(&mut self) -> Result<(), String> {
        self.scene.set_calm(true);
        self.scene.note("nothing goes wrong any more");
        let frozen = self.tasks.iter().filter(|task| task.frozen_until.is_some());
        for id in frozen.map(|task| task.id).collect::<Vec<_>>() {
            self.thaw(id).await;
        }
        self.finish_tasks().await;
        self.scene.gates.set_open(true);
        for _ in 0..ROUNDS {
            self.finish_tasks().await;
            self.check().await?;
            if self.begin_next_step().await {
                continue;
            }
            self.scan().await;
            if self.process().bus.under_way() > 0 {
                continue;
            }
            let Some(next) = self.next_wake().await else {
                return Ok(());
            };
            let left = next.duration_since(self.scene.clock.now());
            let left = Duration::try_from(left).unwrap_or_default();
            self.scene.clock.advance(left.max(Duration::from_millis(1)));
        }
        Err(format!("it does not come to rest in {ROUNDS} rounds"))
    }

    /// When the relay will find something again.
    async fn next_wake(&self) -> Option<Timestamp> {
        let mut next = None;
        for request in self.scene.audit.requests() {
            let real = &self.process().store.store.real;
            let rows = real.open_work(&self.scene.tenant, request).await.unwrap();
            let wakes = rows.iter().filter_map(|row| row.next_wake_at);
            next = wakes.chain(next).min();
        }
        next
    }

    /// Whether something waits for people.
    fn is_out_of_order(&self) -> bool {
        let mut statuses = self.statuses.values();
        statuses.any(|status| matches!(status, Status::Held | Status::Parked | Status::InReview))
    }

    /// People put in order what can be; false when nothing is out of it.
    async fn repair(&mut self) -> bool {
        let is = |wanted| {
            self.statuses
                .iter()
                .filter(move |(_, status)| **status == wanted)
        };
        let in_review: Vec<_> = is(Status::InReview).map(|(request, _)| *request).collect();
        let has_stopped = is(Status::Held).chain(is(Status::Parked)).next().is_some();
        let stopped = if has_stopped {
            self.stopped().await
        } else {
            Vec::new()
        };
        if stopped.iter().all(checks::is_never_read) && in_review.is_empty() {
            return false;
        }
        self.scene.note("people put everything in order");
        let held: BTreeSet<_> = stopped
            .iter()
            .filter_map(|row| match &row.state {
                WorkState::Held { connection, .. } => Some(connection.clone()),
                _ => None,
            })
            .collect();
        for name in held {
            self.replace(name).await;
        }
        // Those that were held are running by now.
        self.redrive(stopped).await;
        for request in in_review {
            let action = if self.scene.draws.chance(70) {
                ReviewAction::Approve
            } else {
                ReviewAction::Reject
            };
            self.decide(request, action).await;
        }
        true
    }

    async fn inspect(&self, is_repaired: bool) -> Result<(), String> {
        let store = self.process().store.clone();
        checks::at_rest(&self.scene, &store.store.real, &self.path, is_repaired).await
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
