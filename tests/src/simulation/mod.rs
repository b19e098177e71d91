//! The spine under faults: the real store, runner and relay on a manual clock, driven by a scheduler that follows one
//! seed. Equal seeds make equal runs.
//!
//! A run takes a few leads through a few dozen steps. In each, one thing happens: a delivery; a wake-up that arrives, is
//! lost, doubled or reordered; a scan of the relay; a worker that goes on from one of its [`Failpoint`]s to the next, or
//! freezes there; time, an operator, a crash of the process. Stages are simulated. What they do outside goes through the
//! real record of effects to a CRM and a mailbox in memory. Then nothing goes wrong any more, everything comes to rest,
//! and the store is compared with what the product promises.

mod audit;
mod checks;
mod coverage;
mod draws;
mod faulty;
mod gates;
mod habits;
mod operations;
mod outside;
mod run;
mod scene;
mod scheduler;
mod shaky_bus;
mod stages;
mod tasks;
mod watched;

use std::{
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{ConnectionName, Tenant, TenantId, TenantStatus};
use futures::FutureExt as _;
use jiff::Timestamp;
use store::{Connection, ConnectionState, Store as _};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use testkit::{ManualClock, lead};
use tokio::runtime::{Builder, Runtime};

pub use coverage::Coverage;
pub use faulty::Plant;
pub use gates::Failpoint;

use draws::Draws;
use habits::Habits;
use run::Run;
use scene::Scene;

/// A tenant's connections: two to CRMs, one to the provider of leads, one to the mailbox.
const CONNECTIONS: [&str; 4] = [lead::CRM, "other-crm", lead::PROVIDER, stages::MAIL];

/// Runs simulations, one after the other.
pub struct Simulator {
    runtime: Runtime,
    folder: TempDir,
    template: PathBuf,
    plant: Option<Plant>,
}

#[derive(Debug)]
pub struct Report {
    pub seed: u64,
    pub fault: Option<String>,
    /// What happened, step by step.
    pub trace: Vec<String>,
    /// What happened, counted.
    pub coverage: Coverage,
}

impl Simulator {
    /// Simulates the product as it is, or with a planted mistake in its store.
    pub fn new(plant: Option<Plant>) -> Self {
        let runtime = Builder::new_current_thread().build().unwrap();
        // In memory if possible: the disk's promises are not simulated.
        let in_memory = Path::new("/dev/shm");
        let folder = if in_memory.is_dir() {
            tempfile::tempdir_in(in_memory).or_else(|_| tempfile::tempdir())
        } else {
            tempfile::tempdir()
        };
        let folder = folder.unwrap();
        let template = folder.path().join("template.db");
        runtime.block_on(set_up(&folder.path().join("first.db"), &template));
        Self {
            runtime,
            folder,
            template,
            plant,
        }
    }

    /// Runs one seed.
    pub fn run(&self, seed: u64) -> Report {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap();
        let path = folder.path().join("run.db");
        std::fs::copy(&self.template, &path).unwrap();
        let draws = Draws::of(seed);
        let habits = Habits::of(seed, &draws, self.plant);
        let scene = Arc::new(Scene::new(tenant(), begun_at(), draws, habits));
        let going = async {
            let mut run = Run::new(scene.clone(), path, self.plant);
            run.go().await
        };
        // Cooperative yields would move tasks to other points than the scheduler left them at.
        let going = tokio::task::unconstrained(AssertUnwindSafe(going).catch_unwind());
        let fault = match self.runtime.block_on(going) {
            Ok(result) => result.err(),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                Some(format!("a panic: {}", text.unwrap_or("without a text")))
            }
        };
        Report {
            seed,
            fault: fault.map(|fault| scene.audit.readable(&fault)),
            trace: scene.take_trace(),
            coverage: scene.take_coverage(),
        }
    }
}

fn tenant() -> TenantId {
    TenantId::new("tenant_a").unwrap()
}

fn begun_at() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// Makes the database that every run begins with, in one file.
async fn set_up(path: &Path, template: &Path) {
    let clock = Arc::new(ManualClock::at(begun_at()));
    let store = SqliteStore::open(path, clock).unwrap();
    let tenant = Tenant {
        id: tenant(),
        name: "Simulated".to_owned(),
        status: TenantStatus::Active,
    };
    store.put_tenant(&tenant).await.unwrap();
    for name in CONNECTIONS {
        let connection = Connection {
            tenant: tenant.id.clone(),
            name: ConnectionName::new(name).unwrap(),
            provider: "simulated".to_owned(),
            version: 1,
            secret_version: 1,
            state: ConnectionState::Active,
            settings: Default::default(),
        };
        store.put_connection(&connection).await.unwrap();
    }
    let db = rusqlite::Connection::open(path).unwrap();
    let template = template.to_str().unwrap();
    db.execute("VACUUM INTO ?1", [template]).unwrap();
}
