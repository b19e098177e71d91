//! Whatever happens to a request, in whatever order: it ends, nothing is lost, and nothing happens that must not.

use domain::{
    AreaBasis, AreaVerdict, CallFacts, Outcome, RequestId, SpamGate, Stage, VerdictKind, WorkState,
    later,
};
use proptest::prelude::*;

use crate::world::{
    Findings, Job, LEASE, SECRET, World, after, hold, inbound, name, park, reach, read, retry,
    shown,
};

/// Something that happens, with numbers to choose by.
#[derive(Debug, Clone)]
enum Act {
    /// A row is claimed.
    Claim(usize),
    /// A claim is settled.
    Settle(usize, Answer),
    /// The same claim is settled once more.
    SettleAgain(usize, Answer),
    /// A later event comes, of one request or, where they are one call, of both.
    Event(usize, News),
    /// An older body comes again.
    Refetch(usize),
    /// Time passes, in seconds.
    Pass(u32),
    /// The connection gets a new secret.
    ReplaceSecret,
    /// A person lets run what is held or parked.
    Redrive,
    /// A person decides: whether to let it through.
    Decide(usize, bool),
    /// A person has a request run again from a stage on.
    Replay(usize, Stage),
}

#[derive(Debug, Clone)]
enum Answer {
    Done(Found),
    /// It learns that the two requests are one call.
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
    note: Option<u8>,
    gate: SpamGate,
    area: AreaVerdict,
    destinations: usize,
    notify: bool,
}

#[derive(Debug, Clone)]
struct News {
    is_modified: bool,
    is_of_both: bool,
    delay: u32,
    note: Option<u8>,
    phone: Option<u8>,
    has_recording: bool,
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
    let audio = proptest::option::of(1u8..3);
    let note = proptest::option::of(0u8..3);
    (audio, note, gate, area, 0usize..3, any::<bool>()).prop_map(
        |(audio, note, gate, area, destinations, notify)| Found {
            audio,
            note,
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

fn news() -> impl Strategy<Value = News> {
    (
        any::<bool>(),
        prop::bool::weighted(0.2),
        prop_oneof![4 => Just(0u32), 1 => 1u32..90],
        proptest::option::of(0u8..3),
        proptest::option::of(0u8..3),
        any::<bool>(),
    )
        .prop_map(
            |(is_modified, is_of_both, delay, note, phone, has_recording)| News {
                is_modified,
                is_of_both,
                delay,
                note,
                phone,
                has_recording,
            },
        )
}

fn act() -> impl Strategy<Value = Act> {
    let pick = || 0usize..8;
    prop_oneof![
        6 => pick().prop_map(Act::Claim),
        6 => (pick(), answer()).prop_map(|(pick, answer)| Act::Settle(pick, answer)),
        1 => (pick(), answer()).prop_map(|(pick, answer)| Act::SettleAgain(pick, answer)),
        3 => (pick(), news()).prop_map(|(pick, news)| Act::Event(pick, news)),
        1 => pick().prop_map(Act::Refetch),
        2 => (1u32..200).prop_map(Act::Pass),
        1 => Just(Act::ReplaceSecret),
        1 => Just(Act::Redrive),
        1 => (pick(), any::<bool>()).prop_map(|(pick, is_good)| Act::Decide(pick, is_good)),
        1 => (pick(), proptest::sample::select(&Stage::ALL))
            .prop_map(|(pick, from)| Act::Replay(pick, from)),
    ]
}

/// A world in which things happen.
#[derive(Default)]
struct Life {
    world: World,
    ids: Vec<RequestId>,
    jobs: Vec<Job>,
    settled: Vec<Job>,
    /// A later event was only stored: what it said need not be known everywhere.
    is_stored_only: bool,
    /// How often a person wanted people told again.
    told_again: usize,
}

fn pick<T: Clone>(items: &[T], number: usize) -> Option<T> {
    let index = number.checked_rem(items.len())?;
    items.get(index).cloned()
}

impl Life {
    fn begin(is_read: bool) -> Self {
        let mut life = Self::default();
        let first = if is_read {
            Ok(inbound(CallFacts::default()))
        } else {
            Err("broken JSON".to_owned())
        };
        life.ids = vec![life.world.receive(first), life.world.call()];
        life
    }

    fn happen(&mut self, act: Act) {
        match act {
            Act::Claim(number) => {
                let rows = self.world.requests.values().flat_map(|(_, rows)| rows);
                let rows: Vec<_> = rows
                    .filter(|row| row.is_due(self.world.now))
                    .cloned()
                    .collect();
                if let Some(row) = pick(&rows, number) {
                    self.jobs.extend(self.world.try_claim(&row));
                }
            }
            Act::Settle(number, answer) => {
                if let Some(job) = pick(&self.jobs, number) {
                    self.jobs.retain(|other| other.claim != job.claim);
                    self.settle(&job, &answer);
                    self.settled.push(job);
                }
            }
            Act::SettleAgain(number, answer) => {
                if let Some(job) = pick(&self.settled, number) {
                    let before = self.world.requests.clone();
                    let outcome = self.outcome(&job, &answer);
                    assert!(self.world.settle_with(&job, outcome, &self.ids).is_err());
                    assert_eq!(self.world.requests, before);
                }
            }
            Act::Event(number, news) => {
                let id = pick(&self.ids, number).unwrap();
                let mut ids = vec![id];
                if news.is_of_both {
                    ids.extend(self.ids.iter().copied().filter(|other| *other != id));
                }
                for id in &ids {
                    self.note_what_is_kept_back(*id);
                }
                self.world.event_of_all(&ids, &news.inbound());
            }
            Act::Refetch(number) => {
                let id = pick(&self.ids, number).unwrap();
                self.note_what_is_kept_back(id);
                self.world.refetch(id);
            }
            Act::Pass(seconds) => self.world.now = after(&self.world, seconds),
            Act::ReplaceSecret => self.world.replace_secret(),
            Act::Redrive => {
                self.world.redrive();
            }
            Act::Decide(number, is_good) => {
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
            Act::Replay(number, from) => {
                let id = pick(&self.ids, number).unwrap();
                let before = self.world.requests.clone();
                match self.world.replay(id, from) {
                    Ok(()) if from == Stage::Notification => self.told_again += 1,
                    Ok(()) => {}
                    Err(_) => assert_eq!(self.world.requests, before),
                }
            }
        }
    }

    fn note_what_is_kept_back(&mut self, id: RequestId) {
        let document = self.world.document(self.world.follow(id));
        let decision = domain::workflow::decision(document);
        self.is_stored_only |=
            !matches!(decision, None | Some(domain::workflow::Decision::Dispatch));
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
            Answer::Done(found) | Answer::DoneAndMerge(found) => job.done(&found.findings()),
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
    fn findings(&self) -> Findings {
        let text = |number: u8| format!("note {number} of the API");
        Findings {
            audio: self.audio,
            api: CallFacts {
                note: self.note.map(text),
                ..CallFacts::default()
            },
            gate: self.gate,
            area: self.area,
            destinations: ["hubspot", "webhook"][..self.destinations].to_vec(),
            notify: self.notify,
        }
    }
}

impl News {
    fn inbound(&self) -> domain::Inbound {
        let mut inbound = inbound(CallFacts {
            note: self.note.map(|number| format!("note {number}")),
            caller_number: self.phone.map(|number| format!("+1512555010{number}")),
            has_recording: self.has_recording.then_some(true),
            ..CallFacts::default()
        });
        inbound.is_modified = self.is_modified;
        inbound.delay = std::time::Duration::from_secs(self.delay.into());
        inbound
    }
}

fn times(world: &World, id: RequestId, word: &str) -> usize {
    let of = world.log.iter().filter(|(request, entry)| {
        *request == id && entry.stage == Some(Stage::Notification) && entry.outcome == word
    });
    of.count()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    /// `World` checks after every write: the status is the document's, every step that should be open is, nothing
    /// that is kept back goes out, and no token comes twice.
    #[test]
    fn every_request_ends_and_nothing_is_lost(
        is_read in prop::bool::weighted(0.9),
        acts in proptest::collection::vec(act(), 0..60),
        found in found(),
    ) {
        let mut life = Life::begin(is_read);
        for act in acts {
            life.happen(act);
        }
        // Workers of before are gone; from here on every stage does well.
        life.world.now = later(life.world.now, LEASE);
        let findings = Findings { gate: SpamGate::Pass, area: AreaVerdict::Unknown, ..found.findings() };
        let steps = life.world.drain(&findings);
        prop_assert!(steps < 100, "{steps} steps");

        let world = &life.world;
        for id in world.requests.keys() {
            let (request, rows) = &world.requests[id];
            let document = &request.document;
            prop_assert!(rows.is_empty());
            let told = 1 + times(world, *id, "withdrawn") + life.told_again;
            prop_assert!(times(world, *id, "done") <= told);
            if document.merged_into.is_some() {
                continue;
            }
            let last = document.analysis.as_ref().unwrap();
            prop_assert_eq!(&last.summary, &read(document), "the analysis has not read the last transcript");
            let qualification = document.qualification.as_ref().unwrap();
            if request.status == domain::Status::Completed {
                prop_assert!(!qualification.notify || document.notifications.is_some());
                for connection in qualification.destinations.keys() {
                    let section = &document.dispatches[connection];
                    prop_assert_eq!(section.fields_hash.clone(), Some(shown(document)), "{}", connection);
                }
            }
            if !life.is_stored_only {
                prop_assert_eq!(qualification.config_version, reach(document), "an old number decided");
            }
        }
    }

    /// Holding, parking, waiting and failing for ever: there is always a way on for a person.
    #[test]
    fn a_step_that_never_succeeds_comes_to_rest(answers in proptest::collection::vec(0u8..3, 1..4)) {
        let mut world = World::default();
        let id = world.call();
        let mut steps = 0;
        for answer in answers.iter().cycle() {
            let Some(row) = world.row(id, Stage::Recording).cloned() else { break };
            if matches!(row.state, WorkState::Held { .. } | WorkState::Parked { .. }) {
                break;
            }
            world.now = world.now.max(row.due_at);
            let job = world.claim(id, Stage::Recording);
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
        prop_assert_eq!(world.requests[&id].0.status, domain::Status::Completed);
        prop_assert!(world.document(id).dispatches.contains_key(&name("hubspot")));
    }
}
