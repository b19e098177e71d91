//! What a seed is like.

use std::{collections::BTreeMap, time::Duration};

use bus::{LocalBusConfig, RelayConfig};
use domain::{ConnectionName, Destination, EmailAddress, RetryPolicy, WorkflowConfig};

use super::{CONNECTIONS, Failpoint, Plant, coverage::Operation, draws::Draws};

/// How a run of a seed goes about it.
pub(super) struct Habits {
    pub(super) steps: u64,
    /// How many steps of work are done before anything goes wrong.
    pub(super) ahead: u64,
    /// How many leads arrive.
    pub(super) leads: u32,
    /// Nobody interferes: the few steps that there are go deep.
    pub(super) is_quiet: bool,
    /// Where the process crashes when somebody comes by.
    pub(super) crash_at: Option<Failpoint>,
    /// Where a worker freezes when it comes by.
    pub(super) freeze_at: Option<Failpoint>,
    /// Whether the provider's API tells a lead's other name.
    pub(super) tells_names: bool,
    /// How many of a hundred writes go wrong outside.
    pub(super) roughness: u64,
    /// In how many of a hundred a worker is free for a wake-up that arrives.
    pub(super) free_workers: u64,
    pub(super) bus: LocalBusConfig,
    pub(super) relay: RelayConfig,
    /// How much each operation is liked, from 0 to 4.
    pub(super) likes: BTreeMap<Operation, u64>,
    /// What the tenant's office has set.
    pub(super) config: WorkflowConfig,
}

impl Habits {
    /// The habits of a seed; with a plant, such as bring it to light more often than one seed in hundreds.
    pub(super) fn of(seed: u64, draws: &Draws, plant: Option<Plant>) -> Self {
        // Neighbouring seeds crash and freeze at every point in turn.
        let in_turn = |points: &[Failpoint]| {
            let turn = seed % u64::try_from(points.len()).unwrap();
            points[usize::try_from(turn).unwrap()]
        };
        let crash_at = draws.chance(50).then(|| in_turn(Failpoint::ALL));
        let is_quiet = draws.chance(if crash_at.is_some_and(Failpoint::is_deep) {
            80
        } else {
            40
        });
        let freeze_at = draws.chance(70).then(|| {
            if is_quiet {
                // Between its check and the outside a worker knows least of others.
                draws.pick(&Failpoint::OUTWARD).unwrap()
            } else {
                in_turn(&Failpoint::in_steps())
            }
        });
        let small = |to| u32::try_from(draws.between(1, to)).unwrap();
        let mut habits = Self {
            steps: draws.between(18, 42),
            ahead: draws.pick(&[0, 1, 2, 3, 3, 4, 4, 4, 5, 5]).unwrap(),
            leads: small(2),
            is_quiet,
            crash_at,
            freeze_at,
            tells_names: draws.chance(70),
            roughness: draws.pick(&[10, 40, 70]).unwrap(),
            free_workers: draws.pick(&[30, 75, 90]).unwrap(),
            bus: LocalBusConfig {
                workers_per_stage: 4,
                // One may be frozen for long.
                running_per_tenant: 1 + small(3),
                waiting_per_tenant: small(3),
            },
            relay: RelayConfig {
                interval: Duration::from_millis(100),
                per_tenant: small(4),
                batch: small(8),
            },
            likes: likes(is_quiet, draws),
            config: config(draws),
        };
        for point in [crash_at, freeze_at].into_iter().flatten() {
            habits.lead_to(point);
        }
        if plant == Some(Plant::BelievesStaleRefusals) {
            habits.freeze_at = Some(Failpoint::AfterIntend);
            habits.roughness = 70;
        }
        habits
    }

    /// Makes it likelier that somebody comes by a point that few come by.
    fn lead_to(&mut self, point: Failpoint) {
        match point {
            Failpoint::AfterIntendAgain | Failpoint::AfterLookup => {
                self.roughness = 70;
                self.steps = 42;
                // Not beyond the dispatch.
                self.ahead = 3;
                // Nobody stands still before.
                self.freeze_at = self.freeze_at.filter(|at| *at == point);
            }
            Failpoint::AfterDecide => {
                self.likes.insert(Operation::Approve, 4);
                self.likes.insert(Operation::Reject, 4);
            }
            Failpoint::AfterRedrive => {
                self.likes.insert(Operation::Redrive, 4);
            }
            Failpoint::AfterIntend if self.is_quiet => self.roughness = 70,
            Failpoint::AfterDueWork => {
                // More than the bus has capacity for.
                self.bus.running_per_tenant = 2;
                self.bus.waiting_per_tenant = 1;
                self.leads = 4;
                self.free_workers = 20;
                self.likes.insert(Operation::NewLead, 4);
            }
            _ => {}
        }
    }
}

fn likes(is_quiet: bool, draws: &Draws) -> BTreeMap<Operation, u64> {
    let like = |what: &Operation| {
        let like = draws.pick(&[0, 0, 1, 2, 4]).unwrap();
        let like = if what.keeps_going() {
            like.max(2)
        } else if !is_quiet {
            like
        } else {
            u64::from(what.gets_going())
        };
        (*what, like)
    };
    Operation::ALL.iter().map(like).collect()
}

fn config(draws: &Draws) -> WorkflowConfig {
    let mut config = WorkflowConfig {
        retry: RetryPolicy {
            fast_ms: vec![1_000, 2_000],
            slow_lane: draws.chance(50),
            // Drawn by the store, which knows no seed.
            jitter: 0.0,
        },
        ..WorkflowConfig::default()
    };
    let crms = if draws.chance(30) { 2 } else { 1 };
    for name in CONNECTIONS.iter().take(crms) {
        config.destinations.push(Destination {
            connector: "simulated".to_owned(),
            connection: ConnectionName::new(name).unwrap(),
        });
    }
    let people = if draws.chance(30) { 2 } else { 1 };
    for name in ["sales", "owner"].iter().take(people) {
        let address = EmailAddress::parse(&format!("{name}@example.com")).unwrap();
        config.notifications.from = Some(address.clone());
        config.notifications.email.push(address);
    }
    config
}
