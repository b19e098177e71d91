//! Whatever happens to a request, in whatever order: it ends, nothing is lost, and nothing happens that must not.

use domain::{
    AreaBasis, AreaVerdict, Channel, Facts, News, Outcome, RequestId, SpamGate, Stage, Status,
    VerdictKind, WorkState, later,
};
use proptest::prelude::*;
use testkit::lead;

use crate::world::{
    Findings, Job, LEASE, SECRET, World, after, change, hold, name, park, reach, read, retry, shown,
};

/// Something that happens, with numbers to choose by.
#[derive(Debug, Clone)]
enum Happening {
    /// A row is claimed.
    Claim(usize),
    /// A claim is settled.
    Settle(usize, Answer),
    /// The same claim is settled once more.
    SettleAgain(usize, Answer),
    /// A later event comes: of one request or, if they are one lead, of both.
    Event(usize, Event),
    /// An older body comes again.
    Refetch(usize),
    /// Time passes, in seconds.
    Pass(u32),
    /// The connection gets a new secret.
    ReplaceSecret,
    /// A person redrives what is held or parked.
    Redrive,
    /// A person approves or rejects.
    Decide(usize, bool),
    /// A person has a request run again from a stage on.
    Replay(usize, Stage),
}

#[derive(Debug, Clone)]
enum Answer {
    Done(Found),
    /// It learns that the two requests are one lead.
    DoneAndMerge(Found),
    Wait(u32, Option<u32>),
    Retry,
    Hold(u64),
    Park,
    Merge,
}

#[derive(Debug, Clone)]
struct Found {
    audio: Option<u8>,
    is_connected: bool,
    note: Option<u8>,
    change: Option<u8>,
    gate: SpamGate,
    area: AreaVerdict,
    destinations: usize,
    notify: bool,
}

#[derive(Debug, Clone)]
struct Event {
    is_modified: bool,
    is_of_both: bool,
    delay: u32,
    note: Option<u8>,
    phone: Option<u8>,
    change: Option<u8>,
}

fn found() -> impl Strategy<Value = Found> {
    let gate = prop_oneof![
        6 => Just(SpamGate::Pass),
        1 => Just(SpamGate::Review),
        1 => Just(SpamGate::Quarantine),
    ];
    let area = prop_oneof![
        6 => Just(AreaVerdict::Unknown),
        1 => Just(AreaVerdict::Out(AreaBasis::PostalCode)),
    ];
    let some = || proptest::option::of(0u8..3);
    let api = (prop::bool::weighted(0.8), some(), some());
    let audio = proptest::option::of(1u8..3);
    (audio, api, gate, area, 0usize..3, any::<bool>()).prop_map(
        |(audio, (is_connected, note, change), gate, area, destinations, notify)| Found {
            audio,
            is_connected,
            note,
            change,
            gate,
            area,
            destinations,
            notify,
        },
    )
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        12 => found().prop_map(Answer::Done),
        1 => found().prop_map(Answer::DoneAndMerge),
        2 => (0u32..100, proptest::option::of(0u32..100)).prop_map(|(until, end)| Answer::Wait(until, end)),
        2 => Just(Answer::Retry),
        1 => (SECRET - 1..=SECRET).prop_map(Answer::Hold),
        1 => Just(Answer::Park),
        1 => Just(Answer::Merge),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let some = || proptest::option::of(0u8..3);
    (
        any::<bool>(),
        prop::bool::weighted(0.2),
        prop_oneof![4 => Just(0u32), 1 => 1u32..90],
        (some(), some(), some()),
    )
        .prop_map(
            |(is_modified, is_of_both, delay, (note, phone, change))| Event {
                is_modified,
                is_of_both,
                delay,
                note,
                phone,
                change,
            },
        )
}

fn happening() -> impl Strategy<Value = Happening> {
    let pick = || 0usize..8;
    prop_oneof![
        6 => pick().prop_map(Happening::Claim),
        6 => (pick(), answer()).prop_map(|(pick, answer)| Happening::Settle(pick, answer)),
        1 => (pick(), answer()).prop_map(|(pick, answer)| Happening::SettleAgain(pick, answer)),
        3 => (pick(), event()).prop_map(|(pick, event)| Happening::Event(pick, event)),
        1 => pick().prop_map(Happening::Refetch),
        2 => (1u32..200).prop_map(Happening::Pass),
        1 => Just(Happening::ReplaceSecret),
        1 => Just(Happening::Redrive),
        1 => (pick(), any::<bool>()).prop_map(|(pick, is_good)| Happening::Decide(pick, is_good)),
        1 => (pick(), proptest::sample::select(&Stage::ALL))
            .prop_map(|(pick, from)| Happening::Replay(pick, from)),
    ]
}

/// A world in which things happen.
struct Life {
    world: World,
    ids: Vec<RequestId>,
    jobs: Vec<Job>,
    settled: Vec<Job>,
    /// How often a person replayed the notification.
    replayed_notifications: usize,
}

fn pick<T: Clone>(items: &[T], number: usize) -> Option<T> {
    let index = number.checked_rem(items.len())?;
    items.get(index).cloned()
}

impl Life {
    fn begin(channel: Channel, is_read: bool) -> Self {
        let mut world = World::of(channel);
        let first = if is_read {
            Ok(world.edit(|_| ()))
        } else {
            Err("broken JSON".to_owned())
        };
        Self {
            ids: vec![world.receive(first), world.lead()],
            world,
            jobs: Vec::new(),
            settled: Vec::new(),
            replayed_notifications: 0,
        }
    }

    fn happen(&mut self, it: Happening) {
        match it {
            Happening::Claim(number) => {
                let rows = self.world.requests.values().flat_map(|(_, rows)| rows);
                let rows: Vec<_> = rows
                    .filter(|row| row.is_due(self.world.now))
                    .cloned()
                    .collect();
                if let Some(row) = pick(&rows, number) {
                    self.jobs.extend(self.world.try_claim(&row));
                }
            }
            Happening::Settle(number, answer) => {
                if let Some(job) = pick(&self.jobs, number) {
                    self.jobs.retain(|other| other.claim != job.claim);
                    self.settle(&job, &answer);
                    self.settled.push(job);
                }
            }
            Happening::SettleAgain(number, answer) => {
                if let Some(job) = pick(&self.settled, number) {
                    let before = self.world.requests.clone();
                    let outcome = self.outcome(&job, &answer);
                    assert!(self.world.settle_with(&job, outcome, &self.ids).is_err());
                    assert_eq!(self.world.requests, before);
                }
            }
            Happening::Event(number, event) => {
                let id = pick(&self.ids, number).unwrap();
                let mut ids = vec![id];
                if event.is_of_both {
                    ids.extend(self.ids.iter().copied().filter(|other| *other != id));
                }
                self.world.event_of_all(&ids, &event.news(&self.world));
            }
            Happening::Refetch(number) => {
                let id = pick(&self.ids, number).unwrap();
                self.world.refetch(id);
            }
            Happening::Pass(seconds) => self.world.now = after(&self.world, seconds),
            Happening::ReplaceSecret => self.world.replace_secret(),
            Happening::Redrive => {
                self.world.redrive();
            }
            Happening::Decide(number, is_good) => {
                let id = pick(&self.ids, number).unwrap();
                let kind = if is_good {
                    VerdictKind::Approved
                } else {
                    VerdictKind::Rejected
                };
                let before = self.world.requests.clone();
                if self.world.decide(id, kind).is_err() {
                    assert_eq!(self.world.requests, before);
                }
            }
            Happening::Replay(number, from) => {
                let id = pick(&self.ids, number).unwrap();
                let before = self.world.requests.clone();
                match self.world.replay(id, from) {
                    Ok(()) if from == Stage::Notification => self.replayed_notifications += 1,
                    Ok(()) => {}
                    Err(_) => assert_eq!(self.world.requests, before),
                }
            }
        }
    }

    fn settle(&mut self, job: &Job, answer: &Answer) {
        let is_valid = self.world.rows(job.claim.key.request).iter().any(|row| {
            row.key == job.claim.key
                && row.token == job.claim.token
                && matches!(row.state, WorkState::InFlight { .. })
        });
        let outcome = self.outcome(job, answer);
        let settled = match answer {
            Answer::DoneAndMerge(_) | Answer::Merge => {
                self.world.settle_with(job, outcome, &self.ids)
            }
            _ => self.world.settle(job, outcome),
        };
        assert_eq!(settled.is_ok(), is_valid);
    }

    fn outcome(&self, job: &Job, answer: &Answer) -> Outcome {
        match answer {
            Answer::Done(found) | Answer::DoneAndMerge(found) => {
                job.done(&found.findings(self.world.channel))
            }
            Answer::Wait(seconds, deadline) => Outcome::Wait {
                until: after(&self.world, *seconds),
                reason: "not yet".to_owned(),
                deadline: deadline.map(|seconds| after(&self.world, seconds)),
            },
            Answer::Retry => retry(),
            Answer::Hold(version) => hold(*version),
            Answer::Park => park(),
            Answer::Merge => {
                let own = job.claim.key.request;
                let other = self.ids.iter().find(|id| **id != own);
                Outcome::Merge {
                    other: *other.unwrap(),
                }
            }
        }
    }
}

impl Found {
    fn findings(&self, channel: Channel) -> Findings {
        let mut api = Facts::nothing(channel);
        api.labels.note = self.note.map(|number| format!("note {number} of the API"));
        if let Some(number) = self.change {
            change(&mut api.about, number);
        }
        Findings {
            api: self.is_connected.then_some(api),
            audio: self.audio,
            gate: self.gate,
            area: self.area,
            destinations: [lead::CRM, "webhook"][..self.destinations].to_vec(),
            notify: self.notify,
        }
    }
}

impl Event {
    fn news(&self, world: &World) -> News {
        let said = world.edit(|facts| {
            facts.labels.note = self.note.map(|number| format!("note {number}"));
            facts.person.phone = self.phone.map(|number| format!("+1512555010{number}"));
            if let Some(number) = self.change {
                change(&mut facts.about, number);
            }
        });
        News {
            is_modified: self.is_modified,
            delay: std::time::Duration::from_secs(self.delay.into()),
            ..said
        }
    }
}

fn times(world: &World, id: RequestId, word: &str) -> usize {
    let of = world.log.iter().filter(|(request, entry)| {
        *request == id && entry.stage == Some(Stage::Notification) && entry.outcome == word
    });
    of.count()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    /// `World` checks after every write: the status is the document's, every step that should be open is, nothing
    /// that is withheld goes out, and no token comes twice.
    #[test]
    fn every_request_ends_and_nothing_is_lost(
        channel in proptest::sample::select(&Channel::ALL),
        is_read in prop::bool::weighted(0.9),
        happenings in proptest::collection::vec(happening(), 0..60),
        found in found(),
    ) {
        let mut life = Life::begin(channel, is_read);
        for it in happenings {
            life.happen(it);
        }
        // The workers so far are gone; from here on every stage succeeds.
        life.world.now = later(life.world.now, LEASE);
        let findings = Findings { gate: SpamGate::Pass, area: AreaVerdict::Unknown, ..found.findings(channel) };
        let steps = life.world.drain(&findings);
        prop_assert!(steps < 100, "{steps} steps");

        let world = &life.world;
        for id in world.requests.keys() {
            let (request, rows) = &world.requests[id];
            let document = &request.document;
            prop_assert!(rows.is_empty());
            prop_assert_eq!(document.channel(), channel);
            let notified = 1 + times(world, *id, "withdrawn") + life.replayed_notifications;
            prop_assert!(times(world, *id, "done") <= notified);
            if document.merged_into.is_some() {
                continue;
            }
            prop_assert_eq!(document.awaits, None, "nothing waits for a replay any more");
            let last = document.analysis.as_ref().unwrap();
            prop_assert_eq!(&last.summary, &read(document), "the analysis has not read the last words");
            let qualification = document.qualification.as_ref().unwrap();
            if request.status == Status::Completed {
                prop_assert!(!qualification.notify || document.notifications.is_some());
                for connection in qualification.destinations.keys() {
                    let section = &document.dispatches[connection];
                    prop_assert_eq!(section.fields_hash.clone(), Some(shown(document)), "{}", connection);
                }
            }
            prop_assert_eq!(qualification.config_version, reach(document), "an old number decided");
        }
    }

    /// Whether it holds, waits or fails for ever: a person can always get it going again.
    #[test]
    fn a_step_that_never_succeeds_comes_to_rest(
        channel in proptest::sample::select(&Channel::ALL),
        answers in proptest::collection::vec(0u8..3, 1..4),
    ) {
        let mut world = World::of(channel);
        let (id, stage) = (world.lead(), world.first());
        let mut steps = 0;
        for answer in answers.iter().cycle() {
            let Some(row) = world.row(id, stage).cloned() else { break };
            if matches!(row.state, WorkState::Held { .. } | WorkState::Parked { .. }) {
                break;
            }
            world.now = world.now.max(row.due_at);
            let job = world.claim(id, stage);
            let outcome = match answer {
                0 => retry(),
                1 => Outcome::wait(after(&world, 600), "not yet"),
                _ => hold(SECRET),
            };
            world.settle(&job, outcome).unwrap();
            steps += 1;
            prop_assert!(steps < 1_000);
        }
        world.replace_secret();
        world.redrive();
        world.drain(&Findings::default());
        prop_assert_eq!(world.status(id), Status::Completed);
        prop_assert!(world.document(id).dispatches.contains_key(&name(lead::CRM)));
    }
}
