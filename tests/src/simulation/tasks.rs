//! What goes on between two steps of the scheduler: tasks that stand at gates, freeze, thaw and end with their
//! process; and time, which passes for all of them.

use std::{future::poll_fn, task::Poll, time::Duration};

use domain::{Clock as _, later};
use futures::{FutureExt as _, future::BoxFuture};
use jiff::Timestamp;

use super::{
    Failpoint,
    coverage::Operation,
    operations::Sent,
    run::{Run, lock},
};

/// Something that goes on.
pub(super) struct Task {
    pub(super) id: u64,
    pub(super) what: What,
    future: BoxFuture<'static, ()>,
    /// It is frozen until the scheduler is at this step, like a suspended process.
    pub(super) frozen_until: Option<u64>,
    /// When it froze.
    pub(super) frozen_at: Timestamp,
}

pub(super) enum What {
    Step,
    Scan,
    Deliver(Box<Sent>),
    Operate,
}

impl Task {
    pub(super) const fn is_live(&self) -> bool {
        self.frozen_until.is_none()
    }

    pub(super) const fn is_step(&self) -> bool {
        matches!(self.what, What::Step)
    }
}

impl Run {
    pub(super) fn task(&self, id: u64) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == id)
    }

    /// Begins a task, and lets it run to its first gate.
    pub(super) async fn spawn(&mut self, name: &str, what: What, future: BoxFuture<'static, ()>) {
        let id = self.next_task;
        self.next_task += 1;
        self.scene.note(&format!("t{id} begins: {name}"));
        self.tasks.push(Task {
            id,
            what,
            future,
            frozen_until: None,
            frozen_at: self.scene.clock.now(),
        });
        if self.drive(id).await {
            self.scene.note(&format!("t{id} ends"));
        } else {
            self.meets_its_fate(id);
        }
    }

    /// Lets a task run until it ends, stands at a gate or sleeps; true when it has ended.
    async fn drive(&mut self, id: u64) -> bool {
        let scene = self.scene.clone();
        let Some(index) = self.tasks.iter().position(|task| task.id == id) else {
            return true;
        };
        let future = &mut self.tasks[index].future;
        let has_ended = poll_fn(|cx| {
            scene.gates.enter(id);
            match future.poll_unpin(cx) {
                Poll::Ready(()) => Poll::Ready(true),
                // The store's thread will wake us.
                Poll::Pending if scene.gates.is_in_store() => Poll::Pending,
                Poll::Pending => Poll::Ready(false),
            }
        })
        .await;
        if has_ended {
            self.tasks.remove(index);
        }
        has_ended
    }

    /// Lets a task go on from a gate, and perhaps from the next ones.
    pub(super) async fn resume(&mut self, id: u64, gate: u64) {
        self.scene.does(Operation::Resume);
        let mut gate = Some(gate);
        while let Some(at) = gate {
            let standing = self.scene.gates.of_task(id);
            if let Some(standing) = standing.iter().find(|standing| standing.gate == at) {
                let point = standing.point.as_str();
                self.scene.note(&format!("t{id} goes on {point}"));
            }
            self.scene.gates.release(at);
            if self.drive(id).await {
                self.scene.note(&format!("t{id} ends"));
                return;
            }
            if self.meets_its_fate(id) || self.scene.draws.chance(8) {
                return;
            }
            let next: Vec<_> = self
                .scene
                .gates
                .of_task(id)
                .iter()
                .map(|at| at.gate)
                .collect();
            gate = self.scene.draws.pick(&next);
        }
    }

    /// Crashes or freezes where this seed likes to.
    fn meets_its_fate(&mut self, id: u64) -> bool {
        let standing = self.scene.gates.of_task(id);
        let is_at = |point: Option<Failpoint>| standing.iter().any(|at| Some(at.point) == point);
        if is_at(self.crash_at) && self.scene.draws.chance(70) {
            self.crash_at = None;
            self.crash();
            true
        } else if is_at(self.freeze_at) && self.scene.draws.chance(80) {
            self.freeze_at = None;
            self.freeze(id);
            true
        } else {
            false
        }
    }

    pub(super) fn freeze(&mut self, id: u64) {
        let until = self.step + self.scene.draws.between(2, 20);
        let Some(task) = self.tasks.iter_mut().find(|task| task.id == id) else {
            return;
        };
        if !task.is_step() {
            return;
        }
        task.frozen_until = Some(until);
        task.frozen_at = self.scene.clock.now();
        self.scene.does(Operation::Freeze);
        for standing in self.scene.gates.of_task(id) {
            self.scene.count("freezes", standing.point.as_str());
            let point = standing.point.as_str();
            self.scene.note(&format!("t{id} freezes {point}"));
        }
    }

    pub(super) async fn thaw(&mut self, id: u64) {
        self.scene.does(Operation::Thaw);
        self.scene.note(&format!("t{id} thaws"));
        if let Some(task) = self.tasks.iter_mut().find(|task| task.id == id) {
            task.frozen_until = None;
        }
        // Its timers are noticed before it goes on from where it stands: never two things at once.
        self.drive(id).await;
    }

    /// The process ends; senders of what was not acknowledged may send it again.
    pub(super) fn crash(&mut self) {
        self.scene.does(Operation::Crash);
        for standing in self.scene.gates.waiting() {
            self.scene.count("crashes", standing.point.as_str());
            let (task, point) = (standing.task, standing.point.as_str());
            self.scene
                .note(&format!("the process crashes with t{task} {point}"));
        }
        self.scene.note("the process starts again");
        for task in std::mem::take(&mut self.tasks) {
            if let What::Deliver(sent) = task.what {
                lock(&self.unacknowledged).push(*sent);
            }
        }
        self.process = None;
        self.scene.clock.advance(Duration::from_secs(1));
        self.start();
    }

    /// Time passes. Whoever is not frozen keeps its lease meanwhile.
    pub(super) async fn pass(&mut self, by: Duration) {
        let scene = self.scene.clone();
        let until = later(scene.clock.now(), by);
        while let Some(next) = scene.clock.next_deadline().filter(|next| *next <= until) {
            let left = next.duration_since(scene.clock.now());
            scene
                .clock
                .advance(Duration::try_from(left).unwrap_or_default());
            let live = self.tasks.iter().filter(|task| task.is_live());
            for id in live.map(|task| task.id).collect::<Vec<_>>() {
                self.keep_alive(id).await;
            }
        }
        let left = until.duration_since(scene.clock.now());
        scene
            .clock
            .advance(Duration::try_from(left).unwrap_or_default());
    }

    /// Lets a live task do what its timers ask for. Where it stands at two gates, its stage stands at one, and the
    /// heartbeat that keeps its lease at the other.
    async fn keep_alive(&mut self, id: u64) {
        while !self.drive(id).await {
            let standing = self.scene.gates.of_task(id);
            let mut heartbeats = standing.iter().filter(|at| {
                standing.len() > 1
                    && matches!(at.point, Failpoint::BeforeRenew | Failpoint::AfterRenew)
            });
            let Some(heartbeat) = heartbeats.next_back() else {
                return;
            };
            self.scene.gates.release(heartbeat.gate);
        }
    }

    /// Lets those who are not frozen go on until they end, sleep, or meet their fate.
    pub(super) async fn finish_live_tasks(&mut self) {
        let live = self.tasks.iter().filter(|task| task.is_live());
        for id in live.map(|task| task.id).collect::<Vec<_>>() {
            while self.task(id).is_some_and(Task::is_live) {
                let Some(at) = self.scene.draws.pick(&self.scene.gates.of_task(id)) else {
                    break;
                };
                self.scene.gates.release(at.gate);
                if self.drive(id).await || self.meets_its_fate(id) {
                    break;
                }
            }
        }
    }

    /// Lets every task end, from one gate to the next.
    pub(super) async fn finish_tasks(&mut self) {
        while let Some(id) = self.tasks.first().map(|task| task.id) {
            if self.drive(id).await {
                continue;
            }
            let standing = self.scene.gates.of_task(id);
            match self.scene.draws.pick(&standing) {
                Some(at) => self.scene.gates.release(at.gate),
                // It sleeps.
                None => {
                    self.scene.clock.advance_to_next();
                }
            }
        }
    }
}
