//! The scheduler: what may happen next, and how likely it is.

use std::time::Duration;

use bus::{Bus as _, RunnerConfig};
use domain::{Clock as _, Stage, Status, later};

use super::{
    Failpoint,
    coverage::Operation,
    run::{Run, lock},
    tasks::{Task, What},
};

/// How long a task is frozen, mostly.
const LONGEST_FREEZE: Duration = Duration::from_secs(9 * 60);

/// What may happen next.
#[derive(Debug, Clone, Copy)]
enum Choice {
    /// This task goes on from this gate.
    Resume(u64, u64),
    Thaw(u64),
    Does(Operation),
}

impl Run {
    pub(super) async fn step(&mut self) {
        self.step += 1;
        // Ids are ordered by milliseconds across restarts.
        self.pass(Duration::from_millis(1)).await;
        let choices = self.choices();
        match self.scene.draws.weighted(&choices) {
            Some(Choice::Resume(task, gate)) => self.resume(task, gate).await,
            Some(Choice::Thaw(task)) => self.thaw(task).await,
            Some(Choice::Does(what)) => self.does(what).await,
            None => {}
        }
    }

    /// What may happen next, each as likely as its weight.
    fn choices(&self) -> Vec<(u64, Choice)> {
        if self.scene.outside.leads() == 0 {
            return vec![(1, Choice::Does(Operation::NewLead))];
        }
        let mut choices = Vec::new();
        for waiting in self.scene.gates.waiting() {
            if self.task(waiting.task).is_some_and(Task::is_live) {
                // A heartbeat that comes late mostly comes behind what stood still.
                let is_heartbeat = waiting.point == Failpoint::BeforeRenew;
                let weight = if is_heartbeat { 40 } else { 100 };
                choices.push((weight, Choice::Resume(waiting.task, waiting.gate)));
            }
        }
        let now = self.scene.clock.now();
        // The worst moment to come back is while another worker is in the middle of the same step.
        let is_worst_moment = self.scene.audit.is_contested();
        for task in &self.tasks {
            // A task that is frozen for longer than a step may run does nothing afterwards.
            let is_last_chance = later(task.frozen_at, LONGEST_FREEZE) <= now;
            match task.frozen_until {
                Some(_) if is_last_chance || is_worst_moment => {
                    choices.push((600, Choice::Thaw(task.id)));
                }
                Some(until) if until <= self.step => choices.push((60, Choice::Thaw(task.id))),
                _ => {}
            }
        }
        let situation = Situation::of(self);
        for what in Operation::ALL {
            let weight = situation.weight(*what) * self.scene.habits.likes[what];
            choices.push((weight, Choice::Does(*what)));
        }
        choices
    }

    /// Stages with a wake-up that a worker can take.
    pub(super) fn waiting_stages(&self) -> Vec<Stage> {
        let bus = &self.process().bus;
        let full = self.scene.habits.bus.waiting_per_tenant;
        let mut stages = Stage::ALL.to_vec();
        stages.retain(|stage| bus.capacity(&self.scene.tenant, *stage) < full);
        stages
    }
}

/// What an operation's likelihood depends on.
struct Situation {
    /// Leads that have not arrived yet.
    leads_left: u32,
    unacknowledged: usize,
    has_receipts: bool,
    under_way: usize,
    waiting_stages: u64,
    scans: usize,
    steps: usize,
    live_steps: usize,
    /// A worker is frozen, its lease runs.
    is_held_up: bool,
    /// A worker is frozen, its lease has ended.
    is_overdue: bool,
    /// Something is left to do, and nothing is under way.
    is_idle: bool,
    held: usize,
    parked: usize,
    in_review: usize,
    quarantined: usize,
}

impl Situation {
    fn of(run: &Run) -> Self {
        let tasks = &run.tasks;
        let is = |status| {
            run.statuses
                .values()
                .filter(|known| **known == status)
                .count()
        };
        let lease_began = run
            .scene
            .clock
            .now()
            .checked_sub(RunnerConfig::default().lease);
        let lease_began = lease_began.unwrap();
        let mut frozen = tasks.iter().filter(|task| !task.is_live());
        let (under_way, live_steps) = (
            run.process().bus.under_way(),
            tasks
                .iter()
                .filter(|task| task.is_live() && task.is_step())
                .count(),
        );
        let is_open = run.statuses.values().any(|status| !status.is_terminal());
        Self {
            leads_left: run
                .scene
                .habits
                .leads
                .saturating_sub(run.scene.outside.leads()),
            unacknowledged: lock(&run.unacknowledged).len(),
            has_receipts: run.scene.outside.has_receipts(),
            under_way,
            waiting_stages: u64::try_from(run.waiting_stages().len()).unwrap(),
            scans: tasks
                .iter()
                .filter(|task| matches!(task.what, What::Scan))
                .count(),
            steps: tasks.iter().filter(|task| task.is_step()).count(),
            live_steps,
            is_held_up: frozen.clone().any(|task| task.frozen_at > lease_began),
            is_overdue: frozen.any(|task| task.frozen_at <= lease_began),
            is_idle: is_open && under_way == 0 && live_steps == 0,
            held: is(Status::Held),
            parked: is(Status::Parked),
            in_review: is(Status::InReview),
            quarantined: is(Status::Quarantined),
        }
    }

    /// How likely an operation is, where it is possible.
    fn weight(&self, what: Operation) -> u64 {
        let if_any = |count: usize, weight| if count > 0 { weight } else { 0 };
        let if_idle = |weight| if self.is_idle { weight } else { 0 };
        match what {
            Operation::NewLead => {
                if self.leads_left > 0 {
                    10
                } else {
                    0
                }
            }
            Operation::News => 8,
            Operation::Linking | Operation::OldRepeat => 4,
            Operation::Repeat => 2,
            Operation::Unreadable | Operation::Ignored => 1,
            Operation::Resend => if_any(self.unacknowledged, 20),
            Operation::Receipt => u64::from(self.has_receipts) * 12,
            Operation::Scan => u64::from(self.scans == 0) * (8 + if_idle(20)),
            Operation::SecondScan => u64::from(self.scans == 1) * 12,
            Operation::Wake => if_any(self.under_way, 40),
            Operation::WakeReordered => u64::from(self.under_way > 1) * 12,
            Operation::WakeLost | Operation::WakeDoubled => if_any(self.under_way, 8),
            Operation::Start => u64::from(self.steps < 5) * 30 * self.waiting_stages,
            Operation::Freeze => if_any(self.live_steps, 6),
            Operation::Bustle => 4 + u64::from(self.is_overdue) * 20 + if_idle(12),
            Operation::Moment => 8,
            Operation::Lease => 2 + u64::from(self.is_held_up) * 30 + if_idle(6),
            Operation::Hours => u64::from(self.steps == 0) * (2 + if_idle(4)),
            Operation::Crash => 1,
            Operation::Revoke => 2,
            Operation::Replace => 2 + if_any(self.held, 16),
            Operation::Redrive => if_any(self.parked + self.held, 16),
            Operation::Approve => if_any(self.in_review + self.quarantined, 16),
            Operation::Reject => if_any(self.in_review, 12),
            Operation::Replay => 4,
            // They happen by themselves.
            Operation::BusFails
            | Operation::Resume
            | Operation::Thaw
            | Operation::StoreBusy
            | Operation::AnswerLost => 0,
        }
    }
}
