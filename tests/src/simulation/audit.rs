//! The books of a run: what was promised to whom, kept beside the store and compared with what it answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    Claim, Claimed, DueWake, EffectIntent, EffectKey, EventId, RequestId, Wake, WorkKey, later,
};
use jiff::Timestamp;

use super::outside::{Medium, Report};

#[derive(Default)]
pub(super) struct Audit(Mutex<Books>);

#[derive(Default)]
struct Books {
    fault: Option<String>,
    /// In the order of their appearance: a request's place here is its name in the trace.
    requests: Vec<RequestId>,
    /// Requests that were written since their last check.
    touched: BTreeSet<RequestId>,
    /// Who works on what.
    claims: BTreeMap<WorkKey, Held>,
    /// The highest token that each step ever had.
    tokens: BTreeMap<WorkKey, u64>,
    /// Each wake-up that a relay moved on.
    moved: BTreeSet<(WorkKey, u64, Timestamp)>,
    effects: BTreeMap<EffectKey, Effect>,
    /// The newest version that was delivered to each request.
    newest: BTreeMap<RequestId, Newest>,
    /// In which order versions were stored for the first time.
    arrived: BTreeMap<u32, usize>,
    /// Deliveries that were acknowledged.
    acknowledged: BTreeSet<(EventId, String)>,
    /// The requests that deliveries under each name of a lead went to.
    names: BTreeMap<String, BTreeSet<RequestId>>,
}

/// A claim.
struct Held {
    token: u64,
    lease_until: Timestamp,
    at: Timestamp,
}

/// An outside effect.
#[derive(Default)]
struct Effect {
    begun: Vec<Begun>,
    taken: Vec<Taken>,
    is_done: bool,
}

/// An attempt at an effect.
struct Begun {
    token: u64,
    at: Timestamp,
    /// Its claim concluded that it did not happen.
    is_refused: bool,
}

/// A write that the outside has taken.
struct Taken {
    begun_at: Timestamp,
    /// Its process was frozen between its check and its write, for longer than the call may take.
    is_late: bool,
}

/// The newest version that was delivered to a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Newest {
    pub(super) version: u32,
    is_modified: bool,
    /// Its place among all that was stored.
    order: usize,
    /// The place of the last that was delivered to it, newer or not.
    last: usize,
}

impl Newest {
    /// Which of several requests that became one counts: edits outrank first reports, then the last delivery.
    pub(super) const fn rank(&self) -> (bool, usize) {
        (self.is_modified, self.last)
    }
}

impl Audit {
    fn lock(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down that something is wrong. The first fault counts.
    pub(super) fn fault(&self, what: String) {
        self.lock().fault.get_or_insert(what);
    }

    pub(super) fn take_fault(&self) -> Option<String> {
        self.lock().fault.take()
    }

    /// A request's name in the trace.
    pub(super) fn name(&self, request: RequestId) -> String {
        let mut books = self.lock();
        let known = books.requests.iter().position(|known| *known == request);
        let index = known.unwrap_or_else(|| {
            books.requests.push(request);
            books.requests.len() - 1
        });
        format!("r{}", index + 1)
    }

    /// A text with requests' names in the place of their ids, which are different in every run.
    pub(super) fn readable(&self, text: &str) -> String {
        let mut readable = text.to_owned();
        if text.contains(RequestId::PREFIX) {
            for (index, request) in self.lock().requests.iter().enumerate() {
                readable = readable.replace(&request.to_string(), &format!("r{}", index + 1));
            }
        }
        readable
    }

    /// Every request that we know of.
    pub(super) fn requests(&self) -> Vec<RequestId> {
        self.lock().requests.clone()
    }

    pub(super) fn take_touched(&self) -> BTreeSet<RequestId> {
        std::mem::take(&mut self.lock().touched)
    }

    pub(super) fn acknowledged(&self) -> BTreeSet<(EventId, String)> {
        self.lock().acknowledged.clone()
    }

    pub(super) fn names(&self) -> BTreeMap<String, BTreeSet<RequestId>> {
        self.lock().names.clone()
    }

    /// The newest version that was delivered to a request.
    pub(super) fn newest(&self, request: RequestId) -> Option<Newest> {
        self.lock().newest.get(&request).copied()
    }

    /// Another request of the same lead, as far as we know.
    pub(super) fn other_request(&self, names: &[String], than: RequestId) -> Option<RequestId> {
        let books = self.lock();
        let mut known = names
            .iter()
            .filter_map(|name| books.names.get(name))
            .flatten();
        known.find(|request| **request != than).copied()
    }

    // --- deliveries

    /// The store has accepted a delivery. An unreadable one says nothing about its request yet.
    pub(super) fn stored(&self, report: Option<&Report>, request: RequestId, is_readable: bool) {
        let mut books = self.lock();
        if !books.requests.contains(&request) {
            books.requests.push(request);
        }
        books.touched.insert(request);
        let Some(report) = report else { return };
        let next = books.arrived.len();
        books.arrived.entry(report.version).or_insert(next);
        if is_readable {
            books.tell(request, report);
        }
    }

    /// A delivery was acknowledged.
    pub(super) fn acknowledge(&self, event: EventId, body: &str) {
        self.lock().acknowledged.insert((event, body.to_owned()));
    }

    /// The reading stage has read what the request was made of.
    pub(super) fn read(&self, request: RequestId, report: &Report) {
        self.lock().tell(request, report);
    }

    // --- claims

    pub(super) fn claimed(&self, job: &Claimed, now: Timestamp, lease: Duration) {
        let (key, token) = (&job.row.key, job.row.token);
        let mut books = self.lock();
        if let Some(held) = books.claims.get(key)
            // A step can go and come back while somebody still works on the one that went.
            && job.row.created_at <= held.at
            && held.lease_until > now
        {
            let until = held.lease_until;
            let step = step(key);
            books.wrong(format!(
                "{step} was claimed although its lease runs until {until}"
            ));
        }
        if books.tokens.get(key).is_some_and(|known| token <= *known) {
            books.wrong(format!("a claim did not raise the token of {}", step(key)));
        }
        books.saw(key, token);
        let held = Held {
            token,
            lease_until: later(now, lease),
            at: now,
        };
        books.claims.insert(key.clone(), held);
    }

    /// Something was done by this claim, which renews it for so long.
    pub(super) fn acted(&self, what: &str, claim: &Claim, now: Timestamp, lease: Duration) {
        let mut books = self.lock();
        match books.claims.get_mut(&claim.key) {
            Some(held) if held.token == claim.token => {
                held.lease_until = held.lease_until.max(later(now, lease));
            }
            _ => {
                let (step, token) = (step(&claim.key), claim.token);
                books.wrong(format!(
                    "{what} by a stale claim: {step} with token {token}"
                ));
            }
        }
    }

    pub(super) fn settled(&self, claim: &Claim, now: Timestamp) {
        self.acted("a settle was written", claim, now, Duration::ZERO);
        let mut books = self.lock();
        books.claims.remove(&claim.key);
        books.touched.insert(claim.key.request);
        books.saw(&claim.key, claim.token);
    }

    /// Whether a claim is the newest of its step, and its lease runs.
    pub(super) fn is_current(&self, claim: &Claim, now: Timestamp) -> bool {
        let books = self.lock();
        let held = books.claims.get(&claim.key);
        held.is_some_and(|held| held.token == claim.token && held.lease_until > now)
    }

    /// A new process knows of no lease.
    pub(super) fn void_leases(&self, now: Timestamp) {
        for held in self.lock().claims.values_mut() {
            held.lease_until = held.lease_until.min(now);
        }
    }

    pub(super) fn touched(&self, request: RequestId) {
        self.lock().touched.insert(request);
    }

    /// Wake-ups that the store gave out for what is due.
    pub(super) fn woken(&self, wakes: &[Wake]) {
        let mut books = self.lock();
        for wake in wakes {
            books.saw(&wake.key, wake.token);
        }
    }

    pub(super) fn moved(&self, due: &[DueWake], moved: &[Wake]) {
        let mut books = self.lock();
        for wake in moved {
            let found = due.iter().find(|due| due.wake == *wake);
            let at = found.map_or(Timestamp::MIN, |due| due.next_wake_at);
            if !books.moved.insert((wake.key.clone(), wake.token, at)) {
                books.wrong(format!(
                    "two relays moved the wake-up of {}",
                    step(&wake.key)
                ));
            }
        }
    }

    // --- effects

    /// The store was told of an attempt; `is_looked_up` when it was looked whether earlier ones happened.
    pub(super) fn intended(
        &self,
        claim: &Claim,
        key: &EffectKey,
        intent: &EffectIntent,
        now: Timestamp,
        is_looked_up: bool,
    ) {
        let mut books = self.lock();
        let effect = books.effects.entry(key.clone()).or_default();
        let is_done = effect.is_done;
        match intent {
            EffectIntent::Begin => {
                let is_open = effect.begun.last().is_some_and(|last| !last.is_refused);
                effect.begun.push(Begun {
                    token: claim.token,
                    at: now,
                    is_refused: false,
                });
                if is_done {
                    books.wrong(format!("{} was begun although it is done", key.as_str()));
                } else if is_open && !is_looked_up {
                    books.wrong(format!("{} was begun again blindly", key.as_str()));
                }
            }
            EffectIntent::Unknown { .. } if is_done => {
                books.wrong(format!("{} is unknown although it is done", key.as_str()));
            }
            EffectIntent::Done { .. } if !is_done => {
                books.wrong(format!("{} is done by nobody's word", key.as_str()));
            }
            EffectIntent::Unknown { .. } | EffectIntent::Done { .. } | EffectIntent::Stale => {}
        }
    }

    /// The claim that begun an effect concluded that it did not happen.
    pub(super) fn refused(&self, claim: &Claim, key: &EffectKey) {
        if let Some(effect) = self.lock().effects.get_mut(key) {
            for begun in &mut effect.begun {
                begun.is_refused |= begun.token == claim.token;
            }
        }
    }

    /// It is known to have happened.
    pub(super) fn happened(&self, key: &EffectKey) {
        // A receipt for what was never intended is not kept.
        if let Some(effect) = self.lock().effects.get_mut(key) {
            effect.is_done = true;
        }
    }

    /// When a claim begun an effect, for the last time.
    pub(super) fn begun_at(&self, key: &EffectKey, claim: &Claim) -> Option<Timestamp> {
        let books = self.lock();
        let begun = &books.effects.get(key)?.begun;
        let mut own = begun
            .iter()
            .rev()
            .filter(|begun| begun.token == claim.token);
        own.next().map(|begun| begun.at)
    }

    /// Whether an effect was begun more than once, and nobody knows yet what came of it.
    pub(super) fn is_contested(&self) -> bool {
        let books = self.lock();
        let mut open = books.effects.values().filter(|effect| !effect.is_done);
        open.any(|effect| {
            effect.begun.len() > 1 && !effect.begun.iter().all(|begun| begun.is_refused)
        })
    }

    /// How often an effect was begun.
    pub(super) fn attempts(&self, key: &EffectKey) -> usize {
        self.lock()
            .effects
            .get(key)
            .map_or(0, |effect| effect.begun.len())
    }

    /// The outside has taken a write. A second of the same key must have an excuse; more than one extra has none.
    pub(super) fn taken(
        &self,
        medium: Medium,
        key: &EffectKey,
        begun_at: Timestamp,
        is_late: bool,
    ) {
        let timing = medium.timing();
        let blind_until = |begun: Timestamp| later(later(begun, timing.call_deadline), timing.lag);
        let mut books = self.lock();
        let effect = books.effects.entry(key.clone()).or_default();
        let unexcused = effect.taken.iter().any(|earlier| {
            let is_frozen = is_late || earlier.is_late;
            let is_unheard =
                !medium.can_be_looked_up() && begun_at >= blind_until(earlier.begun_at);
            !is_frozen && !is_unheard
        });
        effect.taken.push(Taken { begun_at, is_late });
        let count = effect.taken.len();
        if unexcused {
            books.wrong(format!("{} was done again without an excuse", key.as_str()));
        } else if count > 2 {
            books.wrong(format!("{} was done {count} times", key.as_str()));
        }
    }

    /// How often the outside has taken an effect.
    pub(super) fn times_taken(&self, key: &EffectKey) -> usize {
        self.lock()
            .effects
            .get(key)
            .map_or(0, |effect| effect.taken.len())
    }
}

impl Books {
    fn wrong(&mut self, what: String) {
        self.fault.get_or_insert(what);
    }

    /// A step was seen with this token.
    fn saw(&mut self, key: &WorkKey, token: u64) {
        let known = self.tokens.entry(key.clone()).or_default();
        if token < *known {
            let known = *known;
            self.wrong(format!(
                "the token of {} went from {known} to {token}",
                step(key)
            ));
        } else {
            *known = token;
        }
    }

    /// A version of its lead was delivered to a request.
    fn tell(&mut self, request: RequestId, report: &Report) {
        for name in &report.names {
            self.names.entry(name.clone()).or_default().insert(request);
        }
        let order = self
            .arrived
            .get(&report.version)
            .copied()
            .unwrap_or_default();
        let told = Newest {
            version: report.version,
            is_modified: report.is_modified,
            order,
            last: order,
        };
        let newest = self.newest.entry(request).or_insert(told);
        let last = newest.last.max(order);
        // A first report that an edit superseded only fills what is missing.
        if (told.is_modified, told.order) > (newest.is_modified, newest.order) {
            *newest = told;
        }
        newest.last = last;
    }
}

/// A step, as it stands in faults and traces.
pub(super) fn step(key: &WorkKey) -> String {
    let to = if key.target.is_empty() { "" } else { " to " };
    format!("{}{to}{} of {}", key.stage, key.target, key.request)
}
